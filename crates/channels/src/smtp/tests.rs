use proptest::prelude::*;

use super::*;

const TO: &str = "ada@x.example";

fn reply(text: &str) -> Reply {
    let text = format!("{}\r\n", text.replace('\n', "\r\n"));
    let (reply, read) = Reply::read(text.as_bytes()).unwrap().unwrap();
    assert_eq!(read, text.len());
    reply
}

/// What a verdict comes to, in a word: `retry`, `retry 300`, `host 60`, `dead`, a reason's code, …
fn word(next: Next) -> String {
    match next {
        Next::Continue(()) => "go on".into(),
        Next::Break(Verdict::Accepted { provider_id }) => {
            format!("accepted {}", provider_id.unwrap_or_default()).trim_end().into()
        }
        Next::Break(Verdict::Rejected { suppress: true, reason: Reason::NoSuchAddress, .. }) => "dead".into(),
        Next::Break(Verdict::Rejected { suppress: true, reason, .. }) => format!("suppressed {reason}"),
        Next::Break(Verdict::Rejected { reason, .. }) => reason.code().into(),
        Next::Break(Verdict::Retry { after, host, .. }) => {
            let word = if host { "host" } else { "retry" };
            after.map_or(word.into(), |after| format!("{word} {}", after.as_secs()))
        }
        Next::Break(Verdict::Unknown { .. }) => "unknown".into(),
    }
}

fn check(stage: Stage, said: &str, means: &str) {
    assert_eq!(word(judge(stage, &reply(said), TO)), means, "{stage}: {said}");
}

#[test]
fn only_a_250_after_the_dot_is_success() {
    for stage in Stage::ALL {
        for code in 200..600 {
            let next = judge(stage, &reply(&format!("{code} ok")), TO);
            let accepted = matches!(next, Next::Break(Verdict::Accepted { .. }));
            assert_eq!(accepted, stage == Stage::Dot && code == 250, "{stage}: {code}");
            // Nothing is given up, and nothing suppressed, before the server was told whom it is for.
            if stage < Stage::Mail || code < 500 {
                assert!(!matches!(next, Next::Break(Verdict::Rejected { .. })), "{stage}: {code}");
            }
            if let Next::Break(Verdict::Rejected { suppress: true, .. }) = next {
                assert!(stage == Stage::Rcpt && [550, 551, 553].contains(&code), "{stage}: {code}");
            }
            // Whatever is not said behind the dot is known not to have been delivered.
            let unknown = matches!(next, Next::Break(Verdict::Unknown { .. }));
            assert_eq!(unknown, stage == Stage::Dot && code < 400 && code != 250, "{stage}: {code}");
        }
    }
    use Stage::{Auth, Data, Greeting, Hello, Mail, Rcpt, Starttls};
    for (stage, code) in [
        (Greeting, 220),
        (Hello, 250),
        (Starttls, 220),
        (Auth, 235),
        (Mail, 250),
        (Rcpt, 250),
        (Rcpt, 251),
        (Data, 354),
    ] {
        check(stage, &format!("{code} ok"), "go on");
    }
}

#[test]
fn a_reply_means_what_the_file_says() {
    use Stage::{Auth, Data, Dot, Greeting, Hello, Mail, Rcpt, Starttls};
    for (stage, said, means) in [
        // The address.
        (
            Rcpt,
            "550 5.1.1 <ada@x.example>: Recipient address rejected: User unknown in virtual mailbox table",
            "dead",
        ),
        (
            Rcpt,
            "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address\n550 5.1.1 https://support.google.com/mail/?p=NoSuchUser a1 - gsmtp",
            "dead",
        ),
        (Rcpt, "550 5.2.1 The email account that you tried to reach is disabled", "dead"),
        (
            Rcpt,
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
            "dead",
        ),
        (
            Rcpt,
            "550 5.4.1 Recipient address rejected: Access denied. [AM4EUR03FT.prod.protection.outlook.com]",
            "dead",
        ),
        (Rcpt, "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", "dead"),
        (
            Rcpt,
            "554 delivery error: dd This user doesn't have a yahoo.com account (ada@yahoo.com) [0]",
            "dead",
        ),
        (Rcpt, "550 No such user here", "dead"),
        (Rcpt, "550", "dead"),
        (Rcpt, "551 not local", "dead"),
        (Rcpt, "553 sorry", "dead"),
        (Rcpt, "550 5.7.1 <ada@x.example>... User unknown", "dead"),
        (Rcpt, "550 #5.1.1 Address rejected", "dead"),
        (Dot, "550 5.1.1 no such user", "dead"),
        // Not the address's fault.
        (Rcpt, "552 5.2.2 The email account that you tried to reach is over quota", "mailbox_full"),
        (Rcpt, "554 5.2.2 mailbox full", "mailbox_full"),
        (Rcpt, "552 mailbox full", "mailbox_full"),
        (Rcpt, "550 Mailbox is full", "mailbox_full"),
        (Mail, "552 5.3.4 Message size exceeds fixed limit", "too_large"),
        (Mail, "552 message too big", "too_large"),
        (Dot, "552 5.3.4 Error: message file too big", "too_large"),
        (Dot, "552 too much", "too_large"),
        (Rcpt, "550 5.7.1 Message rejected due to local policy", "policy"),
        (Rcpt, "550-Requested action not taken: mailbox unavailable\n550 Reject due to SPF policy", "policy"),
        (Rcpt, "554 Message from you blocked as spam", "policy"),
        (
            Dot,
            "550-5.7.26 Unauthenticated email from shop.example is not accepted due to domain's\n550 5.7.26 DMARC policy",
            "policy",
        ),
        (Dot, "550 5.6.0 bad content", "content"),
        (Dot, "550 Message was rejected by filter", "content"),
        (Dot, "554 Transaction failed", "content"),
        (Data, "554 5.5.1 Error: no valid recipients", "content"),
        (Mail, "550 5.1.8 Sender domain does not exist", "sender"),
        (Mail, "550 5.1.7 bad sender", "sender"),
        (Mail, "550 no such user", "sender"),
        (Mail, "553 no", "sender"),
        (Rcpt, "554 no", "refused"),
        (Rcpt, "550 5.0.0 no", "refused"),
        (Rcpt, "599 what", "refused"),
        // Later.
        (
            Rcpt,
            "450 4.2.0 <ada@x.example>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch",
            "retry 300",
        ),
        (Rcpt, "451 4.7.1 Greylisting in action, please come back in 00:14:59", "retry 300"),
        (Rcpt, "451 Greylisted, please try again in 900 seconds", "retry 900"),
        (Rcpt, "450 4.7.1 try again in 10 minutes", "retry 600"),
        (Rcpt, "451 4.7.1 please wait 2 seconds", "retry 300"),
        (Rcpt, "450 try again in 99999999999999999999 hours", "retry 300"),
        (Rcpt, "450 try again in 99999999 hours", "retry 86400"),
        (Rcpt, "450 busy", "retry 300"),
        (Rcpt, "452 4.2.2 The email account that you tried to reach is over quota", "retry 21600"),
        (Rcpt, "450 4.2.1 The user you are trying to contact is receiving mail at a rate", "retry 900"),
        (Dot, "451 4.3.0 local error", "retry 300"),
        (
            Dot,
            "450-4.7.28 Our system has detected an unusual rate\n450 4.7.28 of unsolicited mail",
            "retry 1800",
        ),
        (Rcpt, "459 what", "retry"),
        (Mail, "452 4.3.1 Insufficient system storage", "host 900"),
        // The host.
        (Rcpt, "421 4.7.0 Try again later, closing connection", "host 60"),
        (Dot, "421 4.4.2 timeout", "host 60"),
        (Mail, "421-4.7.0 slow\n421 4.7.0 wait 5 minutes", "host 300"),
        (Mail, "530 5.7.0 Must issue a STARTTLS command first", "host"),
        (Mail, "530 5.7.1 Authentication required", "host"),
        (Mail, "535 5.7.8 bad credentials", "host"),
        (Rcpt, "554 5.7.1 <ada@x.example>: Relay access denied", "host"),
        (Rcpt, "550 5.7.1 Unable to relay", "host"),
        (
            Rcpt,
            "554 5.7.1 Service unavailable; Client host [203.0.113.9] blocked using zen.spamhaus.org",
            "host 3600",
        ),
        (Data, "503 5.5.1 bad sequence", "host"),
        (Mail, "500 what", "host"),
        (Greeting, "554 no SMTP service here", "host"),
        (Greeting, "220-a\n220 b", "go on"),
        (Hello, "550 who are you", "host"),
        (Starttls, "454 4.7.0 TLS not available", "host"),
        (Auth, "535 5.7.8 Error: authentication failed", "host"),
        (Auth, "550 5.1.1 user unknown", "host"),
        (Mail, "354 go", "host"),
        (Rcpt, "220 again", "host"),
    ] {
        check(stage, said, means);
    }
}

#[test]
fn what_breaks_before_the_dot_was_not_delivered() {
    for stage in Stage::ALL {
        let verdict = broken(stage, "the connection was closed");
        match stage {
            Stage::Dot => assert!(matches!(verdict, Verdict::Unknown { .. })),
            _ => assert!(matches!(verdict, Verdict::Retry { host: true, after: None, .. }), "{stage}"),
        }
    }
}

#[test]
fn verdicts_name_nobody_and_say_the_reply() {
    let Next::Break(Verdict::Rejected { detail, .. }) =
        judge(Stage::Rcpt, &reply("550-5.1.1 <ada@x.example>:\n550 5.1.1 Ada is gone"), TO)
    else {
        panic!("not refused");
    };
    assert_eq!(detail, "550 5.1.1 (address) 5.1.1 (address) is gone");
}

#[test]
fn a_server_s_name_of_the_mail_is_kept() {
    for (said, id) in [
        ("250 2.0.0 Ok: queued as 4XyZ12", "4XyZ12"),
        ("250 OK id=1rABCD-0001-XY", "1rABCD-0001-XY"),
        ("250 Ok 010001902b-7e1f-000000", "010001902b-7e1f-000000"),
        ("250 2.0.0 OK  1717236000 a1-20020a-si.1 - gsmtp", ""),
        ("250 2.6.0 <msg_1@x.example> [InternalId=1] Queued mail for delivery", ""),
        ("250 queued as", ""),
        ("250 Ok", ""),
        ("250", ""),
        ("250 2.0.0 Ok", ""),
    ] {
        check(Stage::Dot, said, format!("accepted {id}").trim_end());
    }
    check(Stage::Dot, &format!("250 queued as {}", "x".repeat(129)), "accepted");
}

#[test]
fn a_reply_is_read_as_far_as_it_has_arrived() {
    let check = |bytes: &[u8], read: Result<Option<(u16, &str, usize)>, Garbage>| {
        let found = Reply::read(bytes)
            .map(|found| found.map(|(reply, used)| (reply.code, reply.lines.join("|"), used)));
        let expected = read.map(|read| read.map(|(code, lines, used)| (code, lines.to_owned(), used)));
        assert_eq!(found, expected, "{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(60)]));
    };
    check(b"", Ok(None));
    check(b"250 o", Ok(None));
    check(b"250 ok\r\n", Ok(Some((250, "ok", 8))));
    check(b"250 ok\r\n354 go\r\n", Ok(Some((250, "ok", 8))));
    check(b"250-a\r\n250-\r\n", Ok(None));
    check(b"250-a\r\n250-\r\n250 b\r\nmore", Ok(Some((250, "a||b", 20))));
    check(b"250 ok\n", Ok(Some((250, "ok", 7))));
    check(b"250\r\n", Ok(Some((250, "", 5))));
    check(b"550 f\xfcr\r\n", Ok(Some((550, "f\u{fffd}r", 9))));
    for garbage in [
        &b"\r\n"[..],
        b"25\r\n",
        b"2500 ok\r\n",
        b"HTTP/1.1 400\r\n",
        b"abc ok\r\n",
        b"199 ok\r\n",
        b"600 ok\r\n",
        b"250-a\r\n251 b\r\n",
        b"250_a\r\n",
        b"\x16\x03\x01\n",
    ] {
        check(garbage, Err(Garbage::NoReply));
    }
    let line = |length: usize| [b"250 ".to_vec(), vec![b'x'; length - 4]].concat();
    check(&line(LINE_BYTES), Ok(None));
    check(&line(LINE_BYTES + 1), Err(Garbage::Endless));
    check(&b"250-x\r\n".repeat(REPLY_BYTES / 7), Ok(None));
    check(&b"250-x\r\n".repeat(REPLY_BYTES / 7 + 2), Err(Garbage::Endless));
}

#[test]
fn enhanced_codes_are_of_their_reply_s_class() {
    let check = |text: &str, code: Option<Enhanced>| assert_eq!(reply(text).enhanced(), code, "{text}");
    check("550 5.1.1 no", Some((5, 1, 1)));
    check("550 5.7.123: no", Some((5, 7, 123)));
    check("550 no", None);
    check("550-no\n550 5.1.2 no", Some((5, 1, 2)));
    check("550 4.1.1 no", None);
    check("550 5.1 no", None);
    check("550 5.1.1.1 no", None);
    check("550 5.1.1234 no", None);
    check("550 5.1.x no", None);
}

#[test]
fn a_server_says_what_it_can() {
    let hello = Hello::of(&reply(
        "250-mail.x.example Hello\n250-PIPELINING\n250-size 10240000\n250-AUTH LOGIN plain XOAUTH2\n250 STARTTLS",
    ));
    assert!(hello.offers("PIPELINING") && hello.offers("STARTTLS") && !hello.offers("PIPE"));
    assert_eq!((hello.size(), hello.mechanism()), (Some(10_240_000), Some(Mechanism::Plain)));
    let none = Hello::of(&reply("250 PIPELINING"));
    assert_eq!(none, Hello::default(), "the first line is its name");
    let login = Hello::of(&reply("250-x\n250-SIZE 0\n250 AUTH=LOGIN"));
    assert_eq!((login.size(), login.mechanism()), (None, Some(Mechanism::Login)));
    assert_eq!(Mechanism::Plain.lines("user", "pass"), ["AUTH PLAIN AHVzZXIAcGFzcw==\r\n"]);
    assert_eq!(Mechanism::Login.lines("user", "pass"), ["AUTH LOGIN\r\n", "dXNlcg==\r\n", "cGFzcw==\r\n"]);
}

#[test]
fn commands_are_one_line_each() {
    let wire = Wire::new("b-x@bounces.shop.example", "ada@Bücher.example", b"a\r\n".to_vec()).unwrap();
    let commands = commands(&wire, &Hello { extensions: vec!["SIZE 99".into()] });
    let expected = [
        "MAIL FROM:<b-x@bounces.shop.example> SIZE=3\r\n",
        "RCPT TO:<ada@xn--bcher-kva.example>\r\n",
        "DATA\r\n",
    ];
    assert_eq!(commands, expected);
    assert_eq!(super::commands(&wire, &Hello::default())[0], "MAIL FROM:<b-x@bounces.shop.example>\r\n");
    assert_eq!(ehlo("mail.x.example").unwrap(), "EHLO mail.x.example\r\n");
    assert_eq!(ehlo("[127.0.0.1]").unwrap(), "EHLO [127.0.0.1]\r\n");
    assert!(ehlo("x\r\nQUIT").is_none() && ehlo("").is_none() && ehlo(&"x".repeat(256)).is_none());
}

proptest! {
    #[test]
    fn no_bytes_upset_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..300), stage in 0..12_usize) {
        if let Ok(Some((reply, used))) = Reply::read(&bytes) {
            prop_assert!(used <= bytes.len());
            let _ = judge(Stage::ALL[stage], &reply, TO);
        }
    }

    /// However a reply is cut on its way, it is the same when whole.
    #[test]
    fn a_reply_does_not_depend_on_how_it_arrives(
        lines in prop::collection::vec("[ -~]{0,40}", 1..6),
        cut in 0..200_usize,
    ) {
        let last = lines.len() - 1;
        let written =
            |(nth, line): (usize, &String)| format!("550{}{line}\r\n", if nth == last { ' ' } else { '-' });
        let text: String = lines.iter().enumerate().map(written).collect();
        let cut = cut.min(text.len() - 1);
        prop_assert_eq!(Reply::read(&text.as_bytes()[..cut]), Ok(None));
        let (reply, used) = Reply::read(text.as_bytes()).unwrap().unwrap();
        prop_assert_eq!((reply.lines, used), (lines, text.len()));
    }
}
