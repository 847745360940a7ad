mod server;

use std::sync::Arc;
use std::time::Duration;

use journeyman_channels::Verdict;
use journeyman_channels::email::Wire;
use mail_parser::MessageParser;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::*;
use server::{Do, Hides, Script, Server};

const MAIL: &str =
    "From: <shop@x.example>\r\nTo: <ada@y.example>\r\nSubject: Hello\r\n\r\nHello\r\n.\r\n..two\r\n";

fn wire() -> Wire {
    Wire::new("shop@x.example", "ada@y.example", MAIL.into()).unwrap()
}

/// Larger than the buffers of two sockets.
fn large() -> Wire {
    let lines = "A line of a mail that is much too large for what it says.\r\n".repeat(200_000);
    Wire::new("shop@x.example", "ada@y.example", format!("Subject: a\r\n\r\n{lines}").into()).unwrap()
}

/// A relay with patience for a server that answers.
fn relay(server: &Server) -> Relay {
    relay_within(server, Duration::from_secs(20))
}

fn relay_within(server: &Server, patience: Duration) -> Relay {
    let timeouts = Timeouts {
        connect: patience,
        command: patience,
        body: patience,
        dot: patience,
        total: Duration::from_secs(60),
    };
    let tls = match server.hides() {
        Hides::Never => Tls::None,
        Hides::AfterStarttls => Tls::Starttls,
        Hides::Always => Tls::Implicit,
    };
    Relay { timeouts, ca: Some(server.ca.clone()), ..Relay::new("localhost", server.port, tls) }
}

/// What became of a mail, in words: `accepted`, `host at RCPT`, `no_such_address!` (suppressed), `unknown at
/// the final dot`.
fn word(sent: &Sent) -> String {
    match &sent.verdict {
        Verdict::Accepted { .. } => "accepted".into(),
        Verdict::Rejected { reason, suppress, .. } => format!("{reason}{}", if *suppress { "!" } else { "" }),
        Verdict::Retry { host: true, .. } => format!("host at {}", sent.stage),
        Verdict::Retry { host: false, .. } => format!("retry at {}", sent.stage),
        Verdict::Unknown { .. } => format!("unknown at {}", sent.stage),
    }
}

/// What a server does where, and what becomes of the mail.
type Case = (&'static str, Do, String);

/// One mail for each case, plain and inside TLS, with and without pipelining; then one more, which is taken.
async fn check(wire: Wire, cases: Vec<Case>) {
    const AT_ONCE: usize = 16;
    let ways = [
        ("PIPELINING SIZE", Hides::Never),
        ("SIZE", Hides::Never),
        ("PIPELINING", Hides::AfterStarttls),
        ("SIZE", Hides::Always),
    ];
    let wire = Arc::new(wire);
    let mut checking = JoinSet::new();
    for case in cases {
        for way in ways {
            if checking.len() >= AT_ONCE {
                checking.join_next().await.unwrap().unwrap();
            }
            checking.spawn(check_one(wire.clone(), case.clone(), way));
        }
    }
    checking.join_all().await;
}

async fn check_one(wire: Arc<Wire>, (at, what, means): Case, (extensions, hides): (&'static str, Hides)) {
    let nth = if at == "EHLO" && hides == Hides::AfterStarttls { 2 } else { 1 };
    let server = Server::start(Script { extensions, hides, ..Script::new(&[(at, nth, what)]) }).await;
    let waits = matches!(what, Do::Hang | Do::Trickle | Do::StopReading(_));
    let patience = if waits { Duration::from_secs(1) } else { Duration::from_secs(20) };
    let pool = Pool::new(relay_within(&server, patience)).unwrap();
    let sent = pool.send(&wire).await;
    let shown = format!("{what:?} at {at}, {extensions}, {hides:?}: {sent:?}");
    assert_eq!(word(&sent), means, "{shown}");
    let possible = means == "accepted" || means.starts_with("unknown") || at == "dot";
    assert!(possible || server.log().mails.is_empty(), "delivered: {shown}");
    assert_eq!(word(&pool.send(&super::tests::wire()).await), "accepted", "the next, after {shown}");
}

#[tokio::test]
async fn a_refusal_is_what_the_reply_says() {
    let cases = [
        ("greeting", "554 no\r\n", "host at greeting"),
        ("EHLO", "550 no\r\n", "host at EHLO"),
        ("MAIL", "450 4.7.1 later\r\n", "retry at MAIL"),
        ("MAIL", "550 5.1.8 who\r\n", "sender"),
        ("RCPT", "450 4.2.0 greylisted\r\n", "retry at RCPT"),
        ("RCPT", "550 5.1.1 <ada@y.example> unknown\r\n", "no_such_address!"),
        ("RCPT", "550-5.1.1 gone\r\n550 5.1.1 for good\r\n", "no_such_address!"),
        ("RCPT", "552 5.2.2 full\r\n", "mailbox_full"),
        ("RCPT", "554 5.7.1 Relay access denied\r\n", "host at RCPT"),
        ("DATA", "451 4.3.0 later\r\n", "retry at DATA"),
        ("DATA", "554 5.5.1 no\r\n", "content"),
        ("dot", "451 4.3.0 later\r\n", "retry at the final dot"),
        ("dot", "550 5.7.1 spam\r\n", "policy"),
        ("dot", "552 5.3.4 too big\r\n", "too_large"),
        ("dot", "250\r\n", "accepted"),
        ("dot", "250 f\u{fc}r\r\n", "accepted"),
        ("dot", "250-a\r\n250 b\r\n", "accepted"),
        ("dot", "251 somewhere else\r\n", "unknown at the final dot"),
        ("dot", "354 more\r\n", "unknown at the final dot"),
        ("RCPT", "251 will forward\r\n", "accepted"),
        ("MAIL", "354 what\r\n", "host at MAIL"),
    ];
    check(wire(), cases.map(|(at, said, means)| (at, Do::Say(said), means.to_owned())).into()).await;
}

#[tokio::test]
async fn a_server_that_goes_says_so_at_any_command() {
    let stages = [
        ("greeting", "greeting"),
        ("EHLO", "EHLO"),
        ("MAIL", "MAIL"),
        ("RCPT", "RCPT"),
        ("DATA", "DATA"),
        ("dot", "the final dot"),
    ];
    let bye = "421 4.3.2 shutting down\r\n";
    for what in [Do::SayAndClose(bye), Do::Say(bye)] {
        check(wire(), stages.map(|(at, stage)| (at, what, format!("host at {stage}"))).into()).await;
    }
}

#[tokio::test]
async fn a_server_that_breaks_off_leaves_it_open_only_after_the_dot() {
    let garbage = Do::Say("HTTP/1.1 400 Bad Request\r\n\r\n");
    let faults = [Do::Hang, Do::Trickle, Do::Close, Do::Flood, Do::Line, garbage];
    let places = [
        ("greeting", "host at greeting"),
        ("EHLO", "host at EHLO"),
        ("MAIL", "host at MAIL"),
        ("RCPT", "host at RCPT"),
        ("DATA", "host at DATA"),
        ("dot", "unknown at the final dot"),
    ];
    let cases = faults.iter().flat_map(|what| places.map(|(at, means)| (at, *what, means.to_owned())));
    check(wire(), cases.collect()).await;
}

#[tokio::test]
async fn a_mail_that_is_cut_off_in_its_lines_was_not_delivered() {
    let refusal = "552 5.3.4 too big\r\n";
    let cases = [
        (Do::Close, "host at the mail's lines"),
        (Do::StopReading(""), "host at the mail's lines"),
        (Do::Say("250 thanks, that will do\r\n"), "host at the mail's lines"),
        (Do::Say(refusal), "too_large"),
        (Do::SayAndClose(refusal), "too_large"),
        (Do::StopReading(refusal), "too_large"),
        (Do::SayAndClose("451 4.3.0 disk full\r\n"), "retry at the mail's lines"),
        // It takes all of it, the dot too, and falls silent.
        (Do::Hang, "unknown at the final dot"),
    ];
    check(large(), cases.map(|(what, means)| ("lines", what, means.to_owned())).into()).await;
}

#[tokio::test]
async fn a_host_that_can_t_be_reached_is_in_trouble() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for host in ["127.0.0.1", "nowhere.invalid"] {
        let sent = Pool::new(Relay::new(host, free, Tls::None)).unwrap().send(&wire()).await;
        assert_eq!(word(&sent), "host at connecting", "{host}: {sent:?}");
    }
}

#[tokio::test]
async fn slow_answers_end_with_the_total_time() {
    let late = ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot"].map(|command| (command, 0, Do::Late(100)));
    let check = async |script: &[(&'static str, usize, Do)], total: u64, means: &str| {
        let server = Server::start(Script { extensions: "SIZE", ..Script::new(script) }).await;
        let mut relay = relay(&server);
        relay.timeouts.total = Duration::from_millis(total);
        let sent = Pool::new(relay).unwrap().send(&wire()).await;
        assert!(word(&sent).starts_with(means), "{total} ms: {sent:?}");
    };
    check(&late, 20_000, "accepted").await;
    check(&late, 350, "host at ").await;
    check(&[("dot", 1, Do::Hang)], 1_000, "unknown at the final dot").await;
}

#[tokio::test]
async fn what_is_sent_is_what_was_made() {
    let lines = [
        "From: <shop@x.example>\r\nSubject: a\r\n\r\n.\r\n..\r\n.a\r\n",
        &"x".repeat(998),
        "\r\n.",
        &"y".repeat(997),
        "\r\n\r\n.\r\n",
    ];
    for hides in [Hides::Never, Hides::AfterStarttls, Hides::Always] {
        let server = Server::start(Script { hides, ..Script::new(&[]) }).await;
        let pool = Pool::new(relay(&server)).unwrap();
        for wire in
            [wire(), Wire::new("shop@x.example", "ada@y.example", lines.concat().into()).unwrap(), large()]
        {
            let sent = pool.send(&wire).await;
            let Verdict::Accepted { provider_id } = &sent.verdict else { panic!("{sent:?}") };
            assert_eq!(provider_id.as_deref(), Some("Q1"));
            let came = server.log().mails.pop().unwrap();
            let unstuffed: Vec<u8> = came
                .split_inclusive(|b| *b == b'\n')
                .flat_map(|line| line.strip_prefix(b".").unwrap_or(line))
                .copied()
                .collect();
            assert!(
                unstuffed == wire.bytes(),
                "{hides:?}: {}",
                String::from_utf8_lossy(&came[..came.len().min(300)])
            );
            let parsed = MessageParser::default().parse(&unstuffed).unwrap();
            assert!(parsed.subject().is_some());
        }
        let log = server.log();
        let expected = ["MAIL", "RCPT", "DATA"].repeat(3);
        let said: Vec<&str> =
            log.commands.iter().map(String::as_str).filter(|command| expected.contains(command)).collect();
        assert_eq!(said, expected, "nothing else is said between two mails");
        let at = log.commands.iter().position(|command| command == "MAIL").unwrap();
        assert_eq!(log.arguments[at], format!("FROM:<shop@x.example> SIZE={}", MAIL.len()));
        assert_eq!(log.arguments[at + 1], "TO:<ada@y.example>");
        assert_eq!(log.total, 1);
    }
}

#[tokio::test]
async fn a_refused_mail_leaves_its_connection_to_the_next() {
    for extensions in ["PIPELINING", ""] {
        let refused =
            [("RCPT", 1, Do::Say("550 5.1.1 no\r\n")), ("DATA", 1, Do::Say("554 5.5.1 no recipients\r\n"))];
        let server = Server::start(Script { extensions, ..Script::new(&refused) }).await;
        let pool = Pool::new(relay(&server)).unwrap();
        assert_eq!(word(&pool.send(&wire()).await), "no_such_address!");
        let sent = pool.send(&wire()).await;
        // Without pipelining, DATA comes for the first time now.
        let means = if extensions.is_empty() { "content" } else { "accepted" };
        assert_eq!((word(&sent).as_str(), sent.reused, server.log().total), (means, true, 1), "{extensions}");
        assert!(server.log().commands.iter().any(|command| command == "RSET"), "{extensions}");
    }
}

#[tokio::test]
async fn a_server_that_wants_the_mail_of_nobody_gets_none() {
    // It refuses the recipient and asks for the mail all the same: with pipelining both are under way.
    let server = Server::start(Script::new(&[("RCPT", 1, Do::Say("550 5.1.1 no\r\n"))])).await;
    let pool = Pool::new(relay(&server)).unwrap();
    assert_eq!(word(&pool.send(&wire()).await), "no_such_address!");
    server.until(|log| log.open == 0).await;
    assert!(server.log().mails.is_empty());
    let sent = pool.send(&wire()).await;
    assert_eq!((word(&sent).as_str(), sent.reused), ("accepted", false));
}

#[tokio::test]
async fn connections_are_kept_and_never_more_than_allowed() {
    const CONNECTIONS: usize = 5;
    // Each mail is answered when five are there: fewer connections would wait for ever, more would be seen.
    let barrier = Some(Arc::new(Barrier::new(CONNECTIONS)));
    let server = Server::start(Script { barrier, ..Script::new(&[]) }).await;
    let mut relay = relay(&server);
    relay.connections = CONNECTIONS;
    relay.timeouts.dot = Duration::from_secs(10);
    let pool = Pool::new(relay).unwrap();
    let mut sending = JoinSet::new();
    for _ in 0..CONNECTIONS * 20 {
        let pool = pool.clone();
        sending.spawn(async move { pool.send(&wire()).await });
    }
    while let Some(sent) = sending.join_next().await {
        assert_eq!(word(&sent.unwrap()), "accepted");
    }
    let log = server.log();
    assert_eq!((log.mails.len(), log.most, log.total), (CONNECTIONS * 20, CONNECTIONS, CONNECTIONS));
    pool.close();
    server.until(|log| log.open == 0).await;
    assert_eq!(server.log().commands.iter().filter(|command| *command == "QUIT").count(), CONNECTIONS);
}

#[tokio::test]
async fn a_connection_is_closed_after_its_share_and_when_idle() {
    let server = Server::start(Script::new(&[])).await;
    let pool = Pool::new(Relay { messages_per_connection: 3, ..relay(&server) }).unwrap();
    for _ in 0..7 {
        assert_eq!(word(&pool.send(&wire()).await), "accepted");
    }
    assert_eq!(server.log().total, 3);

    let server = Server::start(Script::new(&[])).await;
    let pool = Pool::new(Relay { idle: Duration::from_millis(50), ..relay(&server) }).unwrap();
    for _ in 0..2 {
        assert_eq!(word(&pool.send(&wire()).await), "accepted");
        server.until(|log| log.open == 0).await;
    }
    assert_eq!(server.log().total, 2);
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_costs_nothing() {
    let bye = "421 4.4.2 timeout\r\n";
    for what in [Do::Close, Do::SayAndClose(bye), Do::Say(bye)] {
        for extensions in ["PIPELINING", ""] {
            let server = Server::start(Script { extensions, ..Script::new(&[("MAIL", 2, what)]) }).await;
            let pool = Pool::new(relay(&server)).unwrap();
            assert_eq!(word(&pool.send(&wire()).await), "accepted");
            let sent = pool.send(&wire()).await;
            assert_eq!((word(&sent).as_str(), sent.replaced), ("accepted", true), "{what:?} {extensions}");
            assert_eq!((server.log().mails.len(), server.log().total), (2, 2));
        }
    }
    // One that had been closed before is not even tried.
    let server = Server::start(Script::new(&[("dot", 1, Do::SayAndClose("250 ok\r\n"))])).await;
    let pool = Pool::new(relay(&server)).unwrap();
    assert_eq!(word(&pool.send(&wire()).await), "accepted");
    server.until(|log| log.open == 0).await;
    // By the time that another server has answered, this one's goodbye has been heard.
    let other = Server::start(Script::new(&[])).await;
    assert_eq!(word(&Pool::new(relay(&other)).unwrap().send(&wire()).await), "accepted");
    let sent = pool.send(&wire()).await;
    assert_eq!((word(&sent).as_str(), sent.reused, sent.replaced), ("accepted", false, false));
    // After MAIL it is a try like any other, and never more than one connection is opened for one.
    let server = Server::start(Script::new(&[("RCPT", 2, Do::Close)])).await;
    let pool = Pool::new(relay(&server)).unwrap();
    assert_eq!(word(&pool.send(&wire()).await), "accepted");
    let sent = pool.send(&wire()).await;
    assert_eq!((word(&sent).as_str(), sent.replaced, server.log().total), ("host at RCPT", false, 1));
    let server = Server::start(Script::new(&[("MAIL", 2, Do::Close), ("MAIL", 3, Do::Close)])).await;
    let pool = Pool::new(relay(&server)).unwrap();
    assert_eq!(word(&pool.send(&wire()).await), "accepted");
    let sent = pool.send(&wire()).await;
    assert_eq!((word(&sent).as_str(), sent.replaced, server.log().total), ("host at MAIL", true, 2));
}

#[tokio::test]
async fn tls_is_what_it_was_asked_to_be() {
    let check =
        async |hides: Hides, change: fn(&mut Relay), at: &[(&'static str, usize, Do)], means: &str| {
            let server = Server::start(Script { hides, ..Script::new(at) }).await;
            let mut relay = relay(&server);
            change(&mut relay);
            let sent = Pool::new(relay).unwrap().send(&wire()).await;
            assert_eq!(word(&sent), means, "{hides:?}: {sent:?}");
            assert!(means == "accepted" || !server.log().commands.iter().any(|command| command == "MAIL"));
        };
    for hides in [Hides::AfterStarttls, Hides::Always] {
        check(hides, |_| (), &[], "accepted").await;
        check(hides, |relay| relay.ca = None, &[], "host at TLS").await;
        check(hides, |relay| relay.host = "127.0.0.1".into(), &[], "host at TLS").await;
    }
    let plain = |relay: &mut Relay| relay.tls = Tls::Starttls;
    check(Hides::Never, plain, &[], "host at STARTTLS").await;
    check(Hides::AfterStarttls, |_| (), &[("STARTTLS", 1, Do::Say("454 not now\r\n"))], "host at STARTTLS")
        .await;
    // Somebody between puts words of his own behind the last that is said in the clear.
    let planted = Do::Say("220 go ahead\r\n250-mail.test\r\n250 AUTH PLAIN\r\n");
    check(Hides::AfterStarttls, |_| (), &[("STARTTLS", 1, planted)], "host at STARTTLS").await;
    check(Hides::Never, |relay| relay.tls = Tls::Implicit, &[], "host at TLS").await;
}

#[tokio::test]
async fn a_relay_that_can_t_be_one_is_refused() {
    let base = || Relay::new("relay.example", 587, Tls::Starttls);
    let check = |relay: Relay, expected: Option<Error>| assert_eq!(Pool::new(relay).err(), expected);
    let login = Some(Login { user: "user".into(), password: "pass".into() });
    check(base(), None);
    check(Relay { login: login.clone(), ..base() }, None);
    check(Relay { login: login.clone(), tls: Tls::None, ..base() }, Some(Error::PasswordInTheClear));
    check(Relay { login, tls: Tls::None, host: "127.0.0.1".into(), ..base() }, None);
    check(Relay { hello_name: "x\r\nQUIT".into(), ..base() }, Some(Error::BadHelloName));
    check(Relay { host: "no host".into(), ..base() }, Some(Error::BadHost));
    check(Relay { ca: Some("nonsense".into()), ..base() }, Some(Error::BadCa));
    check(Relay { connections: 0, ..base() }, Some(Error::NoConnections));
    check(Relay { messages_per_connection: 0, ..base() }, Some(Error::NoConnections));
}

#[tokio::test]
async fn a_check_says_how_far_it_got() {
    let login = |password: &str| Some(Login { user: "user".into(), password: password.into() });
    for (extensions, password, failed) in [
        ("AUTH_PLAIN_LOGIN SIZE_1000", "pass", None),
        ("AUTH_LOGIN SIZE_1000", "pass", None),
        ("AUTH_PLAIN", "wrong", Some(Stage::Auth)),
        ("AUTH_LOGIN", "wrong", Some(Stage::Auth)),
        ("AUTH_GSSAPI", "pass", Some(Stage::Auth)),
        ("SIZE", "pass", Some(Stage::Auth)),
    ] {
        let server = Server::start(Script { extensions, hides: Hides::Always, ..Script::new(&[]) }).await;
        let pool = Pool::new(Relay { login: login(password), ..relay(&server) }).unwrap();
        match (pool.check().await, failed) {
            (Ok(seen), None) => {
                assert_eq!((seen.greeting.as_str(), seen.logged_in, seen.size), ("here", true, Some(1000)));
                assert_eq!(seen.tls.as_deref(), Some("TLSv1_3"));
                assert!(seen.extensions.iter().any(|extension| extension.starts_with("AUTH")), "{seen:?}");
                server.until(|log| log.commands.last().is_some_and(|command| command == "QUIT")).await;
                assert_eq!(word(&pool.send(&wire()).await), "accepted");
            }
            (Err(Error::Failed { stage, detail }), Some(expected)) => {
                assert_eq!(stage, expected, "{detail}");
                assert!(!detail.contains("pass") && !detail.contains("cGFzcw"), "{detail}");
            }
            other => panic!("{extensions} {password}: {other:?}"),
        }
    }
    let server = Server::start(Script::new(&[("greeting", 1, Do::Say("554 no\r\n"))])).await;
    let failed = Pool::new(relay(&server)).unwrap().check().await.unwrap_err();
    assert_eq!(failed.to_string(), "greeting: 554 no");
}
