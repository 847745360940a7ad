use journeyman_domain::MessageId;
use uuid::Uuid;

use super::*;
use crate::conformance::{Conformance, NOW, Report, hold, written};

fn account() -> Account {
    Account {
        phone_number_id: "1060".to_owned(),
        token: "EAAG".to_owned(),
        app_secret: Some("app secret".to_owned()),
        verify_token: Some("our word".to_owned()),
        version: VERSION.to_owned(),
        base_url: API.to_owned(),
    }
}

fn said() -> Whatsapp {
    Whatsapp {
        message: MessageId(Uuid::from_u128(7)),
        to: "+49 151 12345678".to_owned(),
        template: "cart_reminder".to_owned(),
        language: "de".to_owned(),
        header: Some("Hallo".to_owned()),
        body: vec!["Ada".to_owned(), "139,70 €".to_owned()],
        buttons: vec![Button::Url("abc.def".to_owned()), Button::Payload("STOP".to_owned())],
        text: Some("Noch da, Ada?".to_owned()),
        in_session: false,
    }
}

fn report(value: &str, says: &'static str) -> Report {
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{value}}}]}}]}}"#
    );
    let tag = HEXLOWER_PERMISSIVE.encode(&Mac::sha256(b"app secret").sign(body.as_bytes()));
    let headers = vec![("x-hub-signature-256".to_owned(), format!("sha256={tag}"))];
    Report { url: "https://x/webhooks/whatsapp".to_owned(), headers, body: body.into_bytes(), says }
}

#[test]
fn whatsapp_conforms() {
    let cloud = Cloud::new(account()).unwrap();
    let error = |code: u32| {
        format!(
            r#"{{"error":{{"message":"(#{code}) said of 4915112345678","type":"OAuthException","code":{code},"error_data":{{"details":"of +4915112345678"}}}}}}"#
        )
    };
    let status = |id: &str, word: &str, more: &str| {
        format!(
            r#"{{"messaging_product":"whatsapp","statuses":[{{"id":"{id}","status":"{word}","timestamp":"1","recipient_id":"4915112345678","biz_opaque_callback_data":"msg_00000000000000000000000000000007"{more}}}]}}"#
        )
    };
    let failed =
        |code: u32| format!(r#","errors":[{{"code":{code},"title":"t","error_data":{{"details":"d"}}}}]"#);
    hold(&Conformance {
        codec: &cloud,
        content: Content::Whatsapp(said()),
        permit: None,
        request: "POST https://graph.facebook.com/v23.0/1060/messages\ncontent-type: application/json\n\
                  authorization: Bearer EAAG\n\n\
                  {\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"to\":\"4915112345678\",\
                  \"biz_opaque_callback_data\":\"msg_00000000000000000000000000000007\",\"type\":\"template\",\
                  \"template\":{\"name\":\"cart_reminder\",\"language\":{\"code\":\"de\"},\"components\":[\
                  {\"type\":\"header\",\"parameters\":[{\"type\":\"text\",\"text\":\"Hallo\"}]},\
                  {\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"Ada\"},{\"type\":\"text\",\"text\":\"139,70 €\"}]},\
                  {\"type\":\"button\",\"parameters\":[{\"type\":\"text\",\"text\":\"abc.def\"}],\"sub_type\":\"url\",\"index\":\"0\"},\
                  {\"type\":\"button\",\"parameters\":[{\"type\":\"payload\",\"payload\":\"STOP\"}],\"sub_type\":\"quick_reply\",\"index\":\"1\"}]}}",
        answers: &[
            (
                200,
                &[],
                r#"{"messaging_product":"whatsapp","contacts":[{"input":"4915112345678","wa_id":"4915112345678"}],"messages":[{"id":"wamid.1","message_status":"accepted"}]}"#,
                "accepted wamid.1",
            ),
            (
                200,
                &[],
                r#"{"messages":[{"id":"wamid.1","message_status":"held_for_quality_assessment"}]}"#,
                "accepted wamid.1",
            ),
            (200, &[], r#"{"messages":[{"id":"wamid.1","message_status":"paused"}]}"#, "rejected content"),
            (200, &[], r#"{"messages":[{"id":""}]}"#, "unknown"),
            // Not for 24 h: another channel, never again by this one.
            (400, &[], &error(131049), "rejected limited"),
            (400, &[], &error(131050), "rejected unsubscribed"),
            (400, &[], &error(131047), "rejected policy"),
            (400, &[], &error(131026), "rejected unreachable"),
            (400, &[], &error(132001), "rejected content"),
            (403, &[], &error(368), "rejected sender"),
            (401, &[], &error(190), "retry host"),
            (429, &[], &error(130429), "retry 30s host"),
            (400, &[], &error(131056), "retry 60s"),
            (500, &[], &error(131016), "retry 30s host"),
            (500, &[], &error(131000), "unknown"),
            (400, &[], &error(987), "rejected refused"),
            (502, &[], "<html>", "unknown"),
        ],
        status_is_enough: false,
        reports: vec![
            report(&status("wamid.1", "sent", ""), "msg_00000000000000000000000000000007 wamid.1 sent"),
            report(
                &status("wamid.1", "delivered", ""),
                "msg_00000000000000000000000000000007 wamid.1 delivered",
            ),
            report(&status("wamid.1", "read", ""), "msg_00000000000000000000000000000007 wamid.1 opened"),
            report(
                &status("wamid.1", "failed", &failed(131_049)),
                "msg_00000000000000000000000000000007 wamid.1 failed limited 131049",
            ),
            report(&status("wamid.1", "warning", ""), ""),
            report(
                r#"{"messages":[{"from":"4915112345678","id":"wamid.9","timestamp":"1","type":"text","text":{"body":"Noch da?"},"context":{"id":"wamid.1"}}]}"#,
                "- wamid.1 +4915112345678 says \"Noch da?\" None",
            ),
            report(
                r#"{"messages":[{"from":"4915112345678","id":"wamid.9","type":"button","button":{"text":"Keine Werbung","payload":"STOP"}}]}"#,
                "- - +4915112345678 says \"Keine Werbung\" Some(Stop)",
            ),
            report(
                r#"{"messages":[{"from":"4915112345678","id":"wamid.9","type":"interactive","interactive":{"button_reply":{"id":"x","title":"Ja"}}}]}"#,
                "- - +4915112345678 says \"Ja\" None",
            ),
            report(r#"{"messages":[],"statuses":[]}"#, ""),
        ],
    });
}

#[test]
fn within_a_session_it_speaks_in_words_of_its_own() {
    let cloud = Cloud::new(account()).unwrap();
    let open = Content::Whatsapp(Whatsapp { in_session: true, ..said() });
    let request = written(&cloud.request(&open, None, NOW).unwrap());
    assert!(
        request.ends_with(r#""type":"text","text":{"preview_url":true,"body":"Noch da, Ada?"}}"#),
        "{request}"
    );
    // A template that has no such words speaks as ever.
    let none = Content::Whatsapp(Whatsapp { in_session: true, text: None, ..said() });
    assert!(written(&cloud.request(&none, None, NOW).unwrap()).contains("cart_reminder"));
}

#[test]
fn it_greets_who_knows_the_word() {
    let cloud = Cloud::new(account()).unwrap();
    let check = |method: Method, query: &str, greeting: Option<&str>| {
        let url = format!("https://x/webhooks/whatsapp?{query}");
        let arrived = Arrived { method, url: &url, headers: &[], body: b"", now: NOW };
        assert_eq!(cloud.greet(&arrived).as_deref(), greeting, "{query}");
    };
    check(Method::Get, "hub.mode=subscribe&hub.verify_token=our%20word&hub.challenge=42", Some("42"));
    check(Method::Get, "hub.mode=subscribe&hub.verify_token=their%20word&hub.challenge=42", None);
    check(Method::Get, "hub.mode=other&hub.verify_token=our%20word&hub.challenge=42", None);
    check(Method::Get, "hub.mode=subscribe&hub.challenge=42", None);
    check(Method::Post, "hub.mode=subscribe&hub.verify_token=our%20word&hub.challenge=42", None);
}

#[test]
fn what_can_not_be_is_refused() {
    let cloud = Cloud::new(account()).unwrap();
    for (wrong, field) in [
        (Whatsapp { to: "0151".to_owned(), ..said() }, "to"),
        (Whatsapp { template: "Cart Reminder".to_owned(), ..said() }, "template"),
        (Whatsapp { language: "de-DE".to_owned(), ..said() }, "template"),
        (Whatsapp { body: vec!["two\nlines".to_owned()], ..said() }, "parameter"),
        (Whatsapp { body: vec![" ".to_owned()], ..said() }, "parameter"),
        (Whatsapp { buttons: vec![Button::Payload("x".to_owned()); 11], ..said() }, "buttons"),
        (Whatsapp { in_session: true, text: Some("a".repeat(4097)), ..said() }, "text"),
    ] {
        let refusal = cloud.request(&Content::Whatsapp(wrong), None, NOW).err();
        assert_eq!(refusal.map(|refusal| refusal.field), Some(field));
    }
    let unsigned = Cloud::new(Account { app_secret: None, ..account() }).unwrap();
    assert!(matches!(unsigned.read(&report("{}", "").arrived()), Err(Unread::Signature(_))));
    for wrong in [
        Account { phone_number_id: "+49".to_owned(), ..account() },
        Account { version: "23".to_owned(), ..account() },
        Account { token: String::new(), ..account() },
        Account { base_url: String::new(), ..account() },
    ] {
        assert!(Cloud::new(wrong).is_err());
    }
}
