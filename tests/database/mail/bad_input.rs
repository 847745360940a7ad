//! Bad input through the door: each ends as refused with a reason, or is harmless; and the daemon goes on.

use std::process::Stdio;

use journeyman_store::outbox::State;
use mail_parser::MessageParser;

use super::{by, shop, signed_up};
use crate::harness::Folder;
use crate::harness::checker::settled_elsewhere;
use crate::harness::daemon::{Daemon, serve};
use crate::harness::mail::{MailShop, identify};
use crate::harness::shop::{PATIENCE, happens};
use crate::harness::smtp::{Mail, Manners, Server};
use crate::harness::until::until;

const FLOOD: &str = "journey: flood
topic: reminders
enter:
  on: Flooded
  per: flood_id
steps:
  - send: flood
    channel: email
    with:
      text: = entry.text
";
/// How often it says the text, which is of 7 KB: 10 MB.
const TIMES: usize = 1_500;

/// A daemon whose log is kept.
async fn daemon(shop: &MailShop) -> (Daemon, Folder) {
    let (home, kept) = (Folder::new(), Folder::new());
    let log = std::fs::File::create(kept.path().join("log")).unwrap();
    let mut command = serve(shop.folder.path(), Some(&shop.database.url()), &[]);
    command.env("JOURNEYMAN_DATA_DIR", home.path()).stderr(Stdio::from(log));
    (Daemon::from(command, home).await, kept)
}

/// What becomes of it.
enum Then {
    /// It is refused, with a reason that says this.
    Refused(&'static str),
    /// There is no message: the person has no address that could be one, and that is recorded.
    Unreachable,
    /// It arrives with this subject, in this language.
    Arrives(String, &'static str),
}

use Then::{Arrives, Refused, Unreachable};

/// Traits as JSON, and what follows. Each user is their number.
fn table() -> Vec<(String, Then)> {
    let hello = |name: &str| Arrives(format!("Hello, {name}"), "en");
    let email = |address: &str| format!(r#""email":"{address}""#);
    let name = |name: &str| format!(r#""first_name":"{name}""#);
    vec![
        (
            email(r"ada@customer.example\r\nRCPT TO:<eve@customer.example"),
            Refused("to: an address has a line break"),
        ),
        (email(r"ada\n@customer.example"), Refused("to: an address has a line break")),
        (
            email(r"ada@customer.example>\r\nDATA\r\n.\r\nx@customer.example"),
            Refused("to: an address has a line break"),
        ),
        (email(r"<eve@evil.example>,ada@customer.example"), Refused("to: what stands before the @")),
        (email(r"a b@customer.example"), Refused("to: what stands before the @")),
        (
            email(r"ädä@customer.example"),
            Refused("to: an address has letters before the @ that are not ASCII"),
        ),
        (
            email(&format!("{}@customer.example", "a".repeat(230))),
            Refused("to: an address has 1 to 64 characters"),
        ),
        (email(&format!("{}@customer.example", "a".repeat(300))), Unreachable),
        (email(&format!("ada@{}customer.example", "d".repeat(300))), Unreachable),
        (r#""email":["ada@customer.example"]"#.to_owned(), Unreachable),
        (r#""email":"""#.to_owned(), Unreachable),
        (email("@customer.example"), Refused("to: an address has 1 to 64 characters")),
        (name(r"Ada\r\nBcc: eve@evil.example\r\n\r\nBuy"), hello("Ada  Bcc: eve@evil.example    Buy")),
        (name(r"Ada\u2028Bcc: eve"), hello("Ada Bcc: eve")),
        (name("🎁 Ada 👩‍💻 Å"), hello("🎁 Ada 👩‍💻 Å")),
        (name("=?utf-8?q?=0d=0aBcc: eve?="), hello("=?utf-8?q?=0d=0aBcc: eve?=")),
        (
            name("{{unsubscribe_url}}<script>alert(1)</script>"),
            hello("{{unsubscribe_url}}<script>alert(1)</script>"),
        ),
        (name(&"ü".repeat(300)), hello(&"ü".repeat(300))),
        (name(&"x".repeat(2_000)), Refused("its subject would become longer")),
        (r#""first_name":{"a":[1,2]}"#.to_owned(), Refused("was to be written as text")),
        (r#""first_name":["Ada"]"#.to_owned(), Refused("was to be written as text")),
        (r#""first_name":"Ada","locale":"tlh-Qo'noS""#.to_owned(), hello("Ada")),
        (r#""first_name":"Ada","locale":"de\r\nBcc: eve@evil.example""#.to_owned(), hello("Ada")),
        (
            format!(r#""first_name":"Ada","locale":"{}""#, "de-".repeat(200)),
            Arrives("Hallo, Ada".to_owned(), "de"),
        ),
        (r#""first_name":"Ada","locale":"DE_at""#.to_owned(), Arrives("Hallo, Ada".to_owned(), "de")),
        (r#""first_name":"Ada","locale":7"#.to_owned(), hello("Ada")),
    ]
}

/// One mail with one subject, one recipient and nothing that was smuggled in.
fn is_harmless(mail: &Mail, subject: &str, language: &str) {
    let parsed = MessageParser::default().parse(&mail.bytes).expect("a mail");
    // Runs of blanks may be folded.
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(parsed.subject().map(plain), Some(plain(subject)), "{}", mail.text());
    assert_eq!(mail.header("Content-Language"), language);
    let text = mail.text();
    let head = text.split("\r\n\r\n").next().unwrap();
    let names: Vec<&str> = head
        .lines()
        .filter(|line| !line.starts_with([' ', '\t']))
        .map(|line| line.split(':').next().unwrap())
        .collect();
    let expected = [
        "Date",
        "From",
        "Reply-To",
        "To",
        "Subject",
        "Message-ID",
        "MIME-Version",
        "Content-Language",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "X-Journeyman-Message",
        "Content-Type",
    ];
    assert_eq!(names, expected, "{head}");
    assert!(head.lines().all(|line| line.len() <= 998), "{head}");
    let html = parsed.body_html(0).expect("HTML").into_owned();
    assert!(!html.contains("<script"), "{html}");
}

async fn is_unreachable(shop: &MailShop, user: &str) {
    let told = async || {
        let why = shop.call(&["why", user, "--json"]).await.out;
        why.contains("unreachable").then_some(why)
    };
    until("a reason", PATIENCE, told).await;
    assert_eq!(shop.known(user).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_or_harmless() {
    let server = Server::open(Manners::GOOD).await;
    let shop = shop(&by(&server, "")).await;
    shop.write("journeys/flood.yaml", FLOOD);
    shop.write("templates/flood/template.yaml", "from: shop\nsubject: { en: Flood, de: Flut }\n");
    let flood = format!("<p>{}</p><a href=\"{{{{unsubscribe_url}}}}\">x</a>", "{{text}}".repeat(TIMES));
    shop.write("templates/flood/email.hbs", &flood);
    shop.apply().await;
    let (daemon, log) = daemon(&shop).await;

    let table = table();
    let users: Vec<String> = (0..table.len()).map(|nth| format!("user{nth}")).collect();
    let who = users.iter().zip(&table).map(|(user, (traits, _))| identify(user, traits));
    shop.take(&daemon, &who.collect::<Vec<_>>()).await;
    shop.take(&daemon, &users.iter().map(|user| signed_up(user, user)).collect::<Vec<_>>()).await;
    for (user, (traits, then)) in users.iter().zip(&table) {
        if let Unreachable = then {
            is_unreachable(&shop, user).await;
            continue;
        }
        let over =
            shop.until(user, &format!("is over: {traits}"), |known| known.state >= State::Unknown).await;
        let came: Vec<Mail> =
            server.mails().into_iter().filter(|mail| mail.message == over.id.to_string()).collect();
        match then {
            Unreachable => {}
            Refused(why) => {
                assert_eq!((over.state, came.len()), (State::Rejected, 0), "{traits}: {over:?}");
                assert!(
                    over.reason.starts_with("unsendable: ") && over.reason.contains(why),
                    "{traits}: {over:?}"
                );
            }
            Arrives(subject, language) => {
                assert_eq!((over.state, came.len()), (State::Accepted, 1), "{traits}: {over:?}");
                assert_eq!(came[0].to, format!("{user}@customer.example"));
                is_harmless(&came[0], subject, language);
            }
        }
    }

    // A template that says what it is given over and over.
    let said = format!(r#""flood_id":"1","text":"{}""#, "x".repeat(7_000));
    shop.take(&daemon, &[identify("flooded", ""), happens("Flooded", "1", "flooded", &said)]).await;
    let over = shop.until("flooded", "is over", |known| known.state >= State::Unknown).await;
    assert_eq!(over.state, State::Rejected);
    assert!(over.reason.contains("would become longer than 524288 bytes"), "{over:?}");

    // And it goes on.
    let before = server.count();
    shop.take(&daemon, &[identify("good", ""), signed_up("good", "good")]).await;
    server.until(before + 1, PATIENCE).await;
    shop.settle(PATIENCE).await;
    assert_eq!(settled_elsewhere(&shop.database.pool).await, [""; 0]);
    assert_eq!(daemon.stop().await.0, Some(0));
    let log = std::fs::read_to_string(log.path().join("log")).unwrap();
    assert!(
        !log.contains("panicked") && !log.contains("eve@") && !log.contains("@customer.example"),
        "{log}"
    );
}
