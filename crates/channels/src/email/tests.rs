use journeyman_domain::{MessageId, PersonId};
use mail_parser::{MessageParser, MimeHeaders as _};
use proptest::prelude::*;

use super::*;
use crate::{Reason, Verdict};

fn email() -> Email {
    Email {
        message: MessageId::new(PersonId(7), 1, at(), "nudge", 1, 1),
        from: "hello@mail.shop.example".into(),
        from_name: "Der Laden".into(),
        reply_to: None,
        to: "ada@x.example".into(),
        subject: "Still here".into(),
        html: "<p>Hello</p>\n".into(),
        text: "Hello\n".into(),
        unsubscribe: None,
        locale: "de-AT".into(),
    }
}

fn at() -> ShopTime {
    ShopTime::from_millisecond(1_780_308_000_000).unwrap()
}

fn wire(email: &Email) -> String {
    let wire = compose(email, at(), None, &[]).unwrap_or_else(|refusal| panic!("{refusal}"));
    String::from_utf8(wire.bytes().to_vec()).unwrap()
}

/// A mail as its reader sees it: subject, sender's name, text, HTML.
fn seen(mail: &str) -> (String, String, String, String) {
    let parsed = MessageParser::default().parse(mail.as_bytes()).unwrap();
    let name = parsed.from().and_then(|from| from.first()).and_then(|from| from.name()).unwrap_or_default();
    let part = |nth: usize| parsed.parts[nth].text_contents().unwrap().replace("\r\n", "\n");
    (parsed.subject().unwrap_or_default().to_owned(), name.to_owned(), part(1), part(2))
}

#[test]
fn a_marketing_mail_is_pinned() {
    let email = Email {
        reply_to: Some("care@shop.example".into()),
        subject: "Da liegt noch etwas 🎁 im Warenkorb".into(),
        html: "<p>Da liegt noch etwas im Warenkorb. Schöne Grüße, der Laden</p>\n.\n".into(),
        text: "Hallo,\r\n.\r\nbis bald\n".into(),
        unsubscribe: Some("https://go.shop.example/u/abc".into()),
        ..email()
    };
    let back = Some("b-abc@bounces.shop.example");
    let wire = compose(&email, at(), back, &[]).unwrap();
    assert_eq!((wire.envelope_from(), wire.to()), ("b-abc@bounces.shop.example", "ada@x.example"));
    let expected = "Date: Mon, 1 Jun 2026 10:00:00 +0000\r\n\
        From: \"Der Laden\" <hello@mail.shop.example>\r\n\
        Reply-To: <care@shop.example>\r\n\
        To: <ada@x.example>\r\n\
        Subject: =?utf-8?Q?Da_liegt_noch_etwas_=F0=9F=8E=81_im_Warenkorb?=\r\n\
        Message-ID: <msg_019e82a03d0079a38ba9dd0a5dbb8081@mail.shop.example>\r\n\
        MIME-Version: 1.0\r\n\
        Content-Language: de-AT\r\n\
        List-Unsubscribe: <https://go.shop.example/u/abc>\r\n\
        List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
        X-Journeyman-Message: msg_019e82a03d0079a38ba9dd0a5dbb8081\r\n\
        Content-Type: multipart/alternative;\r\n boundary=\"=_msg_019e82a03d0079a38ba9dd0a5dbb8081\"\r\n\
        \r\n\
        --=_msg_019e82a03d0079a38ba9dd0a5dbb8081\r\n\
        Content-Type: text/plain; charset=\"utf-8\"\r\n\
        Content-Transfer-Encoding: 7bit\r\n\
        \r\n\
        Hallo,\r\n.\r\nbis bald\r\n\
        \r\n\
        --=_msg_019e82a03d0079a38ba9dd0a5dbb8081\r\n\
        Content-Type: text/html; charset=\"utf-8\"\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\
        \r\n\
        <p>Da liegt noch etwas im Warenkorb. Sch=C3=B6ne Gr=C3=BC=C3=9Fe, der Laden=\r\n</p>\r\n.\r\n\
        \r\n\
        --=_msg_019e82a03d0079a38ba9dd0a5dbb8081--\r\n";
    assert_eq!(std::str::from_utf8(wire.bytes()).unwrap(), expected);
}

#[test]
fn the_same_arguments_give_the_same_bytes_and_another_moment_others() {
    let key = || dkim::Key::from_pem("shop.example", "s1", include_str!("../dkim/samples/rsa.pem")).unwrap();
    let made = |at: ShopTime| compose(&email(), at, None, &[key()]).unwrap();
    assert_eq!(made(at()), made(at()));
    assert_ne!(made(at()), made(ShopTime::EPOCH));
    assert_eq!(made(at()).envelope_from(), "hello@mail.shop.example");
    assert!(made(at()).bytes().starts_with(b"DKIM-Signature: v=1; a=rsa-sha256;"));
}

#[test]
fn a_transactional_mail_has_nothing_of_lists() {
    let mail = wire(&email());
    assert!(!mail.contains("List-") && !mail.contains("Precedence"), "{mail}");
}

#[test]
fn what_is_written_is_read() {
    let check = |subject: &str, name: &str, text: &str, html: &str| {
        let [subject, name, text, html] = [subject, name, text, html].map(str::to_owned);
        let email = Email {
            subject: subject.clone(),
            from_name: name.clone(),
            text: text.clone(),
            html: html.clone(),
            ..email()
        };
        let mail = wire(&email);
        assert_eq!(seen(&mail), (subject, name, text, html), "{mail}");
    };
    check("🎁🎁🎁 nur heute", "Ümit & Söhne, \"Köln\"", "ü\n", "<p>ü</p>\n");
    check(&"very long subject of many words ".repeat(20).trim_end().replace("  ", " "), "A", "a\n", "a\n");
    check("Überlänge ".repeat(60).trim_end(), "A", "a\n", "a\n");
    check("=?utf-8?B?YQ==?= =?x", "a\\b", "=3D\n", "=?utf-8?Q?a?=\n");
    check(&format!("=?{}", "ä".repeat(200)), "A", "a\n", "a\n");
    check("", "", "\n", "\n");
    check("a", "b", &format!("{}\n.\n..\n.x\n", "long ".repeat(500)), &format!("{}\n", "x".repeat(5_000)));
    check("a", "b", "From here\n\n\n  two  \nblanks \n\ttab\t\n", "=\n=20\n");
    check("a", "b", "안녕하세요\n", &format!("{}\n", "안녕".repeat(2_000)));
}

#[test]
fn headers_say_what_was_given() {
    let mail = wire(&Email { unsubscribe: Some("https://go.x.example/u/1?a=b&c=d".into()), ..email() });
    let parsed = MessageParser::default().parse(mail.as_bytes()).unwrap();
    let said = |name: &str| parsed.header_raw(name).unwrap_or_default().trim().to_owned();
    assert_eq!(said(MESSAGE_HEADER), email().message.to_string());
    assert_eq!(said("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(said("List-Unsubscribe"), "<https://go.x.example/u/1?a=b&c=d>");
    assert_eq!(parsed.message_id().unwrap(), format!("{}@mail.shop.example", email().message));
    assert_eq!(parsed.date().unwrap().to_timestamp(), 1_780_308_000);
    assert_eq!(parsed.content_type().unwrap().subtype(), Some("alternative"));
}

#[test]
fn a_name_of_idna_goes_out_as_ascii() {
    let mail =
        wire(&Email { to: "ada@bücher.example".into(), from: "hallo@läden.example".into(), ..email() });
    assert!(mail.contains("To: <ada@xn--bcher-kva.example>\r\n"), "{mail}");
    assert!(mail.contains("<hallo@xn--lden-loa.example>\r\n"), "{mail}");
    assert!(mail.contains("@xn--lden-loa.example>\r\nMIME-Version"), "{mail}");
}

#[test]
fn what_can_t_be_put_on_the_wire_is_refused_by_name() {
    let check = |change: &dyn Fn(&mut Email), field: &str| {
        let mut email = email();
        change(&mut email);
        let refusal = compose(&email, at(), None, &[]).map(|_| ()).expect_err(field);
        assert_eq!(refusal.field, field, "{refusal}");
        match Verdict::from(refusal) {
            Verdict::Rejected { reason: Reason::Unsendable, detail, suppress: false } => {
                assert!(!detail.contains("eve") && !detail.contains("secret"), "quoted: {detail}");
            }
            other => panic!("{other:?}"),
        }
    };
    for bad in
        ["eve@x.example\r\nBcc: all@x.example", "eve", "ev\u{e9}@x.example", "eve@x.example,secret@x.example"]
    {
        check(&|email| email.to = bad.into(), "to");
        check(&|email| email.from = bad.into(), "from");
        check(&|email| email.reply_to = Some(bad.into()), "reply_to");
    }
    for bad in
        ["secret\r\nBcc: eve@x.example", "secret\n", "secret\0", "secret\u{7f}", "\u{85}secret", "\tsecret"]
    {
        check(&|email| email.subject = bad.into(), "subject");
        check(&|email| email.from_name = bad.into(), "from_name");
    }
    check(&|email| email.subject = "x".repeat(SUBJECT_BYTES + 1), "subject");
    check(&|email| email.from_name = "x".repeat(NAME_BYTES + 1), "from_name");
    check(&|email| email.html = "secret\0".into(), "html");
    check(&|email| email.text = "secret\0".into(), "text");
    check(&|email| email.html = "x".repeat(BODY_BYTES + 1), "html");
    check(&|email| email.text = "x".repeat(10 * 1024 * 1024), "text");
    for bad in ["", "de_", "de\r\nX: y", "d e", "dé", &"x".repeat(36)] {
        check(&|email| email.locale = bad.into(), "locale");
    }
    for bad in ["", "javascript:alert(1)", "https://x/>\r\nX: y", "https://x/ y", "mailto:eve@x.example"] {
        check(&|email| email.unsubscribe = Some(bad.into()), "unsubscribe");
    }
    let long = format!("https://x.example/{}", "u".repeat(UNSUBSCRIBE_BYTES));
    check(&|email| email.unsubscribe = Some(long.clone()), "unsubscribe");
    let refusal = compose(&email(), at(), Some("b-x@bounces\r\n.example"), &[]).map(|_| ()).unwrap_err();
    assert_eq!(refusal.field, "envelope_from");
}

#[test]
fn at_the_limits_it_is_sent() {
    let email = Email {
        subject: "x".repeat(SUBJECT_BYTES),
        from_name: "\"".repeat(NAME_BYTES),
        html: "x".repeat(BODY_BYTES),
        unsubscribe: Some(format!("https://x/{}", "u".repeat(UNSUBSCRIBE_BYTES - 10))),
        ..email()
    };
    let (subject, name, _, html) = seen(&wire(&email));
    assert_eq!((subject, name, html), (email.subject, email.from_name, email.html));
}

#[test]
fn a_lone_carriage_return_is_a_line_end() {
    let mail = wire(&Email { text: "a\rb\r\nc\n".into(), html: "<p>\r.\r</p>".into(), ..email() });
    let (_, _, text, html) = seen(&mail);
    assert_eq!((text.as_str(), html.as_str()), ("a\nb\nc\n", "<p>\n.\n</p>"));
}

proptest! {
    /// Whatever stands in them: what goes out is a mail of one subject, one sender and two bodies, or nothing
    /// goes out.
    #[test]
    fn no_words_break_out_of_their_place(
        subject in ".{0,120}",
        name in ".{0,60}",
        text in "(?s).{0,400}",
        html in "(?s).{0,400}",
    ) {
        let email = Email { subject, from_name: name, text, html, ..email() };
        let Ok(wire) = compose(&email, at(), None, &[]) else { return Ok(()) };
        let mail = std::str::from_utf8(wire.bytes()).unwrap();
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        let begun = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        let names: Vec<&str> = begun.map(|line| line.split(':').next().unwrap()).collect();
        let (before, after) = (["Date", "From", "To", "Subject", "Message-ID", "MIME-Version"], "Content-Type");
        prop_assert_eq!(names, [&before[..], &["Content-Language", MESSAGE_HEADER, after]].concat());
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (subject, name, text, html) = seen(mail);
        prop_assert_eq!(squeezed(&subject), squeezed(&email.subject));
        prop_assert_eq!(squeezed(&name), squeezed(&email.from_name));
        let ended = |text: &str| text.replace("\r\n", "\n").replace('\r', "\n");
        prop_assert_eq!(ended(&text), ended(&email.text));
        prop_assert_eq!(ended(&html), ended(&email.html));
    }
}
