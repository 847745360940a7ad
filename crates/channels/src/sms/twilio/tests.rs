use uuid::Uuid;

use super::*;
use crate::codec::Text;
use crate::conformance::{Conformance, Report, hold, response, told};

const ID: &str = "AC0123456789abcdef0123456789abcdef";
const URL: &str = "https://hooks.shop.example/webhooks/twilio";

fn account() -> Account {
    Account {
        account: ID.to_owned(),
        token: "the token".to_owned(),
        key: None,
        from: "+49 30 1234567".to_owned(),
        base_url: API.to_owned(),
        reports: Some(URL.to_owned()),
    }
}

fn content(text: &str) -> Content {
    let (message, to) = (MessageId(Uuid::from_u128(7)), "+49 151 12345678".to_owned());
    Content::Sms(Text { message, to, text: text.to_owned() })
}

/// A report as Twilio signs it.
fn report(url: &str, body: &str, says: &'static str) -> Report {
    let mut report =
        Report { url: url.to_owned(), headers: Vec::new(), body: body.as_bytes().to_vec(), says };
    let signed = Twilio::signed(&report.arrived(), &report.arrived().form());
    let tag = STANDARD.encode(Mac::sha1(b"the token").sign(signed.as_bytes()));
    report.headers = vec![("x-twilio-signature".to_owned(), tag)];
    report
}

#[test]
fn twilio_conforms() {
    let twilio = Twilio::new(account()).unwrap();
    let of_message = format!("{URL}?message=msg_00000000000000000000000000000007");
    let status = |more: &str, says| {
        let body = format!("AccountSid={ID}&From=%2B49301234567&To=%2B4915112345678&MessageSid=SM1&{more}");
        report(&of_message, &body, says)
    };
    let heard = |more: &str, says| {
        let body = format!(
            "AccountSid={ID}&From=%2B4915112345678&To=%2B49301234567&MessageSid=SM9&SmsStatus=received&{more}"
        );
        report(URL, &body, says)
    };
    hold(&Conformance {
        codec: &twilio,
        content: content("Grüße & 5 €"),
        permit: None,
        request: "POST https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Messages.json\n\
                  content-type: application/x-www-form-urlencoded\n\
                  authorization: Basic QUMwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjp0aGUgdG9rZW4=\n\n\
                  To=%2B4915112345678&From=%2B49301234567&Body=Gr%C3%BC%C3%9Fe+%26+5+%E2%82%AC\
                  &StatusCallback=https%3A%2F%2Fhooks.shop.example%2Fwebhooks%2Ftwilio%3Fmessage%3Dmsg_00000000000000000000000000000007",
        answers: &[
            (201, &[], r#"{"sid":"SM1","status":"queued","error_code":null}"#, "accepted SM1"),
            (201, &[], r#"{"sid":"SM1","status":"accepted"}"#, "accepted SM1"),
            (
                201,
                &[],
                r#"{"sid":"SM1","status":"failed","error_code":30006}"#,
                "rejected no_such_address dead",
            ),
            (201, &[], r#"{"sid":"SM1","status":"undelivered","error_code":30007}"#, "rejected policy"),
            (201, &[], r#"{"sid":"","status":"queued"}"#, "unknown"),
            (201, &[], r#"{"sid":"SM1","status":"something new"}"#, "unknown"),
            (
                400,
                &[],
                r#"{"code":21211,"message":"The 'To' number +4915112345678 is not a valid phone number.","status":400}"#,
                "rejected no_such_address dead",
            ),
            (
                400,
                &[],
                r#"{"code":21610,"message":"Attempt to send to unsubscribed recipient","status":400}"#,
                "rejected unsubscribed",
            ),
            (
                400,
                &[],
                r#"{"code":21612,"message":"not currently reachable","status":400}"#,
                "rejected unreachable",
            ),
            (400, &[], r#"{"code":21606,"message":"From","status":400}"#, "rejected sender"),
            (
                400,
                &[],
                r#"{"code":21617,"message":"The concatenated message body exceeds the 1600 character limit","status":400}"#,
                "rejected too_large",
            ),
            (400, &[], r#"{"code":99999,"message":"new","status":400}"#, "rejected refused"),
            (401, &[], r#"{"code":20003,"message":"Authenticate","status":401}"#, "retry host"),
            (
                403,
                &[],
                r#"{"code":21408,"message":"Permission to send an SMS has not been enabled for the region","status":403}"#,
                "rejected policy",
            ),
            (
                429,
                &[("retry-after", "30")],
                r#"{"code":20429,"message":"Too many requests","status":429}"#,
                "retry 30s host",
            ),
            (429, &[], r#"{"code":20429,"message":"Too many requests","status":429}"#, "retry 5s host"),
            (503, &[("retry-after", "120")], "<html>", "retry 120s host"),
            // It may have been taken, and Twilio knows no key by which a second one is the first.
            (500, &[], r#"{"code":20500,"message":"Internal server error","status":500}"#, "unknown"),
            (504, &[], "", "unknown"),
        ],
        status_is_enough: false,
        reports: vec![
            status("MessageStatus=delivered", "msg_00000000000000000000000000000007 SM1 delivered"),
            status("MessageStatus=sent", "msg_00000000000000000000000000000007 SM1 sent"),
            status("MessageStatus=queued", ""),
            status(
                "MessageStatus=undelivered&ErrorCode=30005",
                "msg_00000000000000000000000000000007 SM1 failed no_such_address 30005 dead",
            ),
            status(
                "MessageStatus=undelivered&ErrorCode=30003",
                "msg_00000000000000000000000000000007 SM1 failed unreachable 30003",
            ),
            status("MessageStatus=failed", "msg_00000000000000000000000000000007 SM1 failed refused 0"),
            heard("Body=Stop&OptOutType=STOP", "- - +4915112345678 says \"Stop\" Some(Stop)"),
            heard("Body=+STOP.+", "- - +4915112345678 says \" STOP. \" Some(Stop)"),
            heard("Body=START", "- - +4915112345678 says \"START\" Some(Start)"),
            heard("Body=Bitte+nicht+mehr%21", "- - +4915112345678 says \"Bitte nicht mehr!\" None"),
        ],
    });
}

#[test]
fn signed_and_not_documented_is_malformed() {
    let twilio = Twilio::new(account()).unwrap();
    for body in ["MessageStatus=delivered", "MessageSid=SM1&MessageStatus=lost"] {
        let read = twilio.read(&report(URL, body, "").arrived());
        assert!(matches!(read, Err(Unread::Malformed(_))), "{body}: {read:?}");
    }
    // Another address than the one that was told.
    let mut moved = report(URL, "MessageSid=SM1&MessageStatus=delivered", "");
    moved.url.push_str("?message=msg_00000000000000000000000000000009");
    assert!(matches!(twilio.read(&moved.arrived()), Err(Unread::Signature(_))));
}

#[test]
fn what_can_not_be_said_is_refused() {
    let twilio = Twilio::new(account()).unwrap();
    let check = |content: &Content, field: &str| match twilio.request(content, None, 0) {
        Err(refusal) => assert_eq!(refusal.field, field, "{refusal}"),
        Ok(_) => panic!("taken, and {field} was wrong"),
    };
    check(&content(" "), "text");
    check(&content("a\u{0}"), "text");
    check(&content(&"ł".repeat(671)), "text");
    assert!(twilio.request(&content(&"ł".repeat(670)), None, 0).is_ok());
    let message = MessageId(Uuid::from_u128(7));
    check(&Content::Sms(Text { message, to: "0151 12345678".to_owned(), text: "a".to_owned() }), "to");
    check(&Content::Webhook(crate::codec::Call { message, body: String::new() }), "channel");
    for (wrong, field) in [
        (Account { account: "AC1".to_owned(), ..account() }, "account"),
        (Account { token: String::new(), ..account() }, "token"),
        (Account { from: "+49".to_owned(), ..account() }, "from"),
        (Account { from: String::new(), ..account() }, "from"),
        (Account { base_url: "api.twilio.com".to_owned(), ..account() }, "base_url"),
    ] {
        assert_eq!(Twilio::new(wrong).err().map(|refusal| refusal.field), Some(field));
    }
}

#[test]
fn a_key_and_a_messaging_service_go_in_their_places() {
    let key = Some(("SK1".to_owned(), "secret".to_owned()));
    let twilio = Twilio::new(Account { key, from: "MG1".to_owned(), reports: None, ..account() }).unwrap();
    let request = twilio.request(&content("a"), None, 0).unwrap();
    assert_eq!(
        String::from_utf8(request.body).unwrap(),
        "To=%2B4915112345678&MessagingServiceSid=MG1&Body=a"
    );
    assert!(
        request
            .headers
            .contains(&("authorization".to_owned(), format!("Basic {}", STANDARD.encode("SK1:secret"))))
    );
    assert_eq!(told(&crate::codec::settled(&twilio, twilio.judge(&response(500, &[], "")))), "unknown");
}
