use proptest::prelude::*;

use super::*;

const MESSAGE: &str = "msg_019e82a03d0079a38ba9dd0a5dbb8081";

fn keys() -> KeyRing {
    KeyRing::new([(1, vec![7; 32])]).unwrap()
}

fn message() -> MessageId {
    MESSAGE.parse().unwrap()
}

/// A sample with the addresses of this installation, and one that another has signed.
fn sample(text: &str) -> String {
    let address =
        |keys: KeyRing| format!("{}@bounces.shop.example", keys.return_address(1, message(), PersonId(7)));
    let others = KeyRing::new([(1, vec![8; 32])]).unwrap();
    text.replace("{return}", &address(keys()))
        .replace("{forged}", &address(others))
        .replace("{message}", MESSAGE)
}

/// What a report comes to, in a line.
fn line(report: &Report) -> String {
    let kind = match &report.kind {
        Kind::Bounced { hard: true, status, .. } => format!("dead {status}"),
        Kind::Bounced { hard: false, status, .. } => format!("bounced {status}"),
        Kind::Delayed { status, .. } => format!("delayed {status}"),
        Kind::Delivered => "delivered".into(),
        Kind::Complained { feedback_type } => format!("complained {feedback_type}"),
        Kind::Automatic => "automatic".into(),
        Kind::Unrecognised { .. } => "unrecognised".into(),
    };
    let about = match (report.message, report.person, report.signed) {
        (Some(found), Some(PersonId(7)), true) if found == message() => "signed",
        (Some(found), None, false) if found == message() => "named",
        (None, None, false) => "of nobody",
        other => panic!("{other:?}"),
    };
    format!("{kind}, {about}, {}", report.recipient.as_deref().unwrap_or("-"))
}

fn check(text: &str, expected: &[&str]) {
    let text = sample(text);
    let lines = |text: &str| read(text.as_bytes(), &keys()).iter().map(line).collect::<Vec<_>>();
    assert_eq!(lines(&text), expected, "{text}");
    assert_eq!(lines(&text.replace('\n', "\r\n")), expected, "with CRLF: {text}");
    // An address may have lost its case on the way.
    let address = sample("{return}");
    let (left, _) = address.split_once('@').unwrap();
    assert_eq!(lines(&text.replace(left, &left.to_uppercase())), expected, "in upper case: {text}");
}

#[test]
fn samples_of_many_systems_are_read() {
    for (text, expected) in [
        (include_str!("samples/postfix_failed.eml"), "dead 5.1.1, signed, ada@x.example"),
        (include_str!("samples/postfix_delayed.eml"), "delayed 4.4.1, signed, ada@x.example"),
        (include_str!("samples/postfix_expired.eml"), "bounced 4.4.1, signed, ada@x.example"),
        (include_str!("samples/exim_failed.eml"), "dead 5.0.0, signed, ada@x.example"),
        (include_str!("samples/exim_without_report.eml"), "unrecognised, signed, -"),
        (include_str!("samples/o365_failed.eml"), "dead 5.1.10, signed, ada@x.example"),
        (include_str!("samples/gmail_failed.eml"), "dead 5.1.1, signed, ada@gmail.example"),
        (include_str!("samples/sendmail_host_unknown.eml"), "dead 5.1.2, signed, ada@gone.example"),
        (include_str!("samples/mailbox_full.eml"), "bounced 5.2.2, signed, ada@x.example"),
        (include_str!("samples/policy.eml"), "bounced 5.7.1, signed, ada@x.example"),
        (include_str!("samples/delivered.eml"), "delivered, signed, ada@x.example"),
        (include_str!("samples/qmail.eml"), "unrecognised, signed, -"),
        (include_str!("samples/forged.eml"), "dead 5.1.1, named, ada@x.example"),
        (include_str!("samples/yahoo_complaint.eml"), "complained abuse, signed, ada@yahoo.example"),
        (include_str!("samples/aol_complaint.eml"), "complained abuse, signed, -"),
        (include_str!("samples/jmrp_complaint.eml"), "complained abuse, signed, ada@hotmail.example"),
        (include_str!("samples/standard_opt_out.eml"), "complained opt-out, signed, ada@x.example"),
        (include_str!("samples/not_spam.eml"), "unrecognised, signed, -"),
        (include_str!("samples/vacation.eml"), "automatic, signed, -"),
        (include_str!("samples/out_of_office.eml"), "automatic, named, -"),
        (include_str!("samples/letter.eml"), "unrecognised, of nobody, -"),
        ("", "unrecognised, of nobody, -"),
        ("\n\n\n", "unrecognised, of nobody, -"),
        ("To: {forged}\n\nHi", "unrecognised, of nobody, -"),
        ("To: {return}, x@y.example\n\nHi", "unrecognised, signed, -"),
    ] {
        check(text, &[expected]);
    }
    let two = ["dead 5.1.1, signed, ada@x.example", "delivered, signed, bob@x.example"];
    check(include_str!("samples/two_recipients.eml"), &two);
}

#[test]
fn a_diagnostic_names_nobody() {
    let reports = read(sample(include_str!("samples/postfix_failed.eml")).as_bytes(), &keys());
    let Kind::Bounced { diagnostic, .. } = &reports[0].kind else { panic!("{reports:?}") };
    let said = "550 5.1.1 (address) Recipient address rejected: User unknown in local recipient table";
    assert_eq!(diagnostic, said);
}

#[test]
fn hard_is_what_the_last_server_said() {
    let check = |status: &str, diagnostic: &str, hard: bool| {
        let text = format!(
            "To: {{return}}\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n\
             Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; ada@x.example\nAction: failed\nStatus: {status}\n\
             Diagnostic-Code: smtp; {diagnostic}\n--b--\n"
        );
        let reports = read(sample(&text).as_bytes(), &keys());
        let Kind::Bounced { hard: found, .. } = reports[0].kind else { panic!("{reports:?}") };
        assert_eq!(found, hard, "{status} {diagnostic}");
    };
    check("5.1.1", "", true);
    check("5.0.0", "550 5.1.1 gone", true);
    check("5.0.0", "550 user unknown", true);
    check("5.0.0", "550 rejected as spam: no such user", false);
    check("5.0.0", "550 no", false);
    check("5.0.0", "", false);
    check("5.4.4", "", true);
    check("5.4.7", "delivery time expired", false);
    check("5.2.2", "552 quota, user unknown", false);
    check("4.4.7", "450 5.1.1 odd", false);
    check("4.2.2", "550 no such user", false);
    check("", "550 5.1.1 gone", true);
    check("5.1.1", "250 ok", true);
    check("nonsense", "nonsense", false);
}

#[test]
fn a_mailbox_is_read_mail_by_mail() {
    let one = include_str!("samples/postfix_failed.eml");
    let two = include_str!("samples/letter.eml");
    let text = sample(&format!(
        "From MAILER-DAEMON Mon Jun  1 10:00:00 2026\n{one}\nFrom ada@x.example Mon Jun  1 10:00:01 2026\n{two}>From quoted\n"
    ));
    let mails: Vec<Vec<u8>> = mbox(text.as_bytes()).map(Result::unwrap).collect();
    let lines: Vec<String> =
        mails.iter().flat_map(|mail| read(mail, &keys())).map(|report| line(&report)).collect();
    assert_eq!(lines, ["dead 5.1.1, signed, ada@x.example", "unrecognised, of nobody, -"]);
    assert!(mails[1].ends_with(b"\nFrom quoted\n"));
}

#[test]
fn what_is_too_large_is_not_read() {
    let mut mail = sample(include_str!("samples/postfix_failed.eml")).into_bytes();
    mail.resize(MAIL_BYTES + 1, b'x');
    assert_eq!(line(&read(&mail, &keys())[0]), "unrecognised, of nobody, -");
}

proptest! {
    #[test]
    fn no_bytes_upset_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!read(&bytes, &keys()).is_empty());
    }

    /// A sample with a piece cut out or replaced is read as something, and is never somebody else's.
    #[test]
    fn no_damage_upsets_the_reader(
        nth in 0..4_usize,
        at in 0..2_000_usize,
        length in 0..80_usize,
        put in "[\\x00-\\x7f]{0,8}",
    ) {
        let texts = [
            include_str!("samples/gmail_failed.eml"),
            include_str!("samples/postfix_failed.eml"),
            include_str!("samples/yahoo_complaint.eml"),
            include_str!("samples/jmrp_complaint.eml"),
        ];
        let mut mail = sample(texts[nth]).into_bytes();
        let at = at.min(mail.len());
        let end = (at + length).min(mail.len());
        mail.splice(at..end, put.bytes());
        for report in read(&mail, &keys()) {
            let ours = (report.message, report.person) == (Some(message()), Some(PersonId(7)));
            prop_assert!(ours || !report.signed);
        }
    }
}
