//! The whole loop: an event, a mail in the person's language, and what they do with it.

use mail_parser::MessageParser;
use serde_json::Value;

use super::CHROME;
use crate::harness::checker::settled_elsewhere;
use crate::harness::daemon::Daemon;
use crate::harness::mail::{MailShop, POLICIES, identify, keys, relay, shipped};
use crate::harness::shop::{PATIENCE, happens};
use crate::harness::smtp::{Mail, Manners, Server};
use crate::harness::until::until;

/// Who clicks, or looks, is left alone; all others hear of their cart again when they leave it again.
const REMINDER: &str = "journey: reminder
topic: reminders
enter:
  on: Cart Viewed
  per: cart_id
steps:
  - id: nudge
    send: cart-reminder
    channel: email
  - wait_for:
      - if: nudge.clicked
        then:
          - exit: clicked
      - if: nudge.opened
        then:
          - exit: opened
      - on: Cart Left
        then:
          - send: cart-last-call
            channel: email
    within: 1d
";

const PEOPLE: [&str; 5] = ["ada", "ben", "cara", "dora", "eve"];

fn cart(user: &str) -> String {
    let items = r#"{"product_id":"lamp","name":"Linen Lamp","variant":"Natur","quantity":1,"price":79.90},
                   {"product_id":"mug","name":"Stoneware Mug","quantity":2,"price":29.90}"#;
    let cart = format!(r#""cart_id":"c-{user}","currency":"EUR","products":[{items}]"#);
    happens("Cart Viewed", user, user, &cart)
}

/// A mail's HTML, decoded.
fn html(mail: &Mail) -> String {
    let parsed = MessageParser::default().parse(&mail.bytes).expect("a mail");
    parsed.body_html(0).expect("HTML").into_owned()
}

/// What stands behind `before`, up to a quote.
fn behind(html: &str, before: &str) -> String {
    let rest = html.split_once(before).unwrap_or_else(|| panic!("no {before} in {html}")).1;
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// The one link that leads to the cart.
async fn follow(shop: &MailShop, html: &str) -> String {
    let links: Vec<String> =
        html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    let link = links.iter().find(|link| link.contains("/c/")).expect("a link that is tracked");
    let response = shop.http.get(link).header("user-agent", CHROME).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 302);
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// Ada's mail is German, from her sender, and carries what mail programs ask for.
fn is_german(mail: &Mail, daemon: &Daemon) {
    let parsed = MessageParser::default().parse(&mail.bytes).expect("a mail");
    assert_eq!(parsed.subject(), Some("Da liegt noch etwas im Warenkorb"));
    let from = parsed.from().and_then(|from| from.first()).expect("a sender");
    assert_eq!((from.name(), from.address()), (Some("Der Laden"), Some("hello@mail.shop.example")));
    for (name, value) in [
        ("Reply-To", "<care@shop.example>"),
        ("To", "<ada@customer.example>"),
        ("Content-Language", "de"),
        ("MIME-Version", "1.0"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("Message-ID", &format!("<{}@mail.shop.example>", mail.message)),
    ] {
        assert_eq!(mail.header(name), value, "{name}: {}", mail.text());
    }
    assert!(
        mail.header("List-Unsubscribe").starts_with(&format!("<{}/u/", daemon.public)),
        "{}",
        mail.text()
    );
    assert!(mail.header("Content-Type").starts_with("multipart/alternative;"), "{}", mail.text());
    assert_eq!(mail.to, "ada@customer.example");
    // Where it bounces to says whose it is.
    let (back, _) = keys().returned(&mail.from).expect("a return address of ours");
    assert_eq!((back.to_string(), mail.from.ends_with("@bounce.shop.example")), (mail.message.clone(), true));
    let text = parsed.body_text(0).expect("a text part").into_owned();
    for words in ["Hallo Ada, lass", "Linen Lamp", "139,70\u{a0}€", "Zurück zum Warenkorb", "Abmelden"] {
        assert!(html(mail).contains(words) && text.contains(words), "{words}: {text}\n{}", html(mail));
    }
}

/// Over three seconds since everybody's mail was delivered: whoever clicks sooner is a machine.
async fn until_humans_could_click(shop: &MailShop, mails: i64) {
    let old = "SELECT count(*) FROM messages WHERE state = 10 AND now() > finished_at + interval '3.1 s'";
    until("mails that humans have seen", PATIENCE, async || {
        (shop.database.count(old).await == mails).then_some(())
    })
    .await;
}

async fn how_it_ended(shop: &MailShop) -> Vec<(String, String)> {
    sqlx::query_as(
        "SELECT i.value, r.reason FROM ended_runs r JOIN identities i USING (person_id) ORDER BY 1",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_comes_and_what_is_done_with_it_comes_back() {
    let server = Server::open(Manners::GOOD).await;
    let policies = format!("{POLICIES}{}", relay(server.port, ", connections: 8"));
    let shipped = shipped();
    let mut files: Vec<(&str, &str)> =
        shipped.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.extend([("journeyman.yaml", policies.as_str()), ("journeys/reminder.yaml", REMINDER)]);
    let shop = MailShop::open(&files).await;
    let daemon = shop.daemon().await;
    let who = PEOPLE.map(|user| identify(user, r#""first_name":"Ada","locale":"de-AT""#));
    shop.take(&daemon, &who).await;
    shop.take(&daemon, &PEOPLE.map(cart)).await;
    server.until(PEOPLE.len(), PATIENCE).await;
    let first = server.taken();
    let mail_of = |user: &str| {
        let to = format!("{user}@customer.example");
        first.iter().find(|mail| mail.to == to).expect("their mail")
    };
    is_german(mail_of("ada"), &daemon);
    until_humans_could_click(&shop, PEOPLE.len() as i64).await;

    // Cara's provider follows every link it finds.
    let cara = html(mail_of("cara"));
    let trap = behind(&cara, "aria-hidden=\"true\"><a href=\"");
    let answer = shop.http.get(trap).header("user-agent", CHROME).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().get("location")), (200, None));
    follow(&shop, &cara).await;
    // Dora's mail program has a button.
    let header = mail_of("dora").header("List-Unsubscribe");
    let one_click = shop.http.post(header.trim_matches(['<', '>'])).body("List-Unsubscribe=One-Click");
    assert_eq!(one_click.send().await.unwrap().status().as_u16(), 200);
    // Ben looks at it, Ada wants to see her cart.
    let pixel = html(mail_of("ben"))
        .split("<img src=\"")
        .find(|rest| rest.contains(".gif\""))
        .map(|rest| behind(&format!("\"{rest}"), "\""));
    let answer = shop.http.get(pixel.expect("a pixel")).header("user-agent", CHROME).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), answer.headers()["content-type"].as_bytes()),
        (200, &b"image/gif"[..])
    );
    let target = follow(&shop, &html(mail_of("ada"))).await;
    assert_eq!(target, "https://shop.example/cart?id=c-ada");

    let of = |user: &str, how: &str| (user.to_owned(), how.to_owned());
    let two = [of("ada", "exit_step: clicked"), of("ben", "exit_step: opened")];
    until("two who have seen it", PATIENCE, async || (how_it_ended(&shop).await == two).then_some(())).await;
    let left = PEOPLE.map(|user| happens("Cart Left", user, user, ""));
    shop.take(&daemon, &left).await;
    server.until(PEOPLE.len() + 2, PATIENCE).await;
    shop.settle(PATIENCE).await;
    let mut again: Vec<String> = server.taken()[PEOPLE.len()..].iter().map(|mail| mail.to.clone()).collect();
    again.sort();
    // The trap's click was nobody's; who has unsubscribed hears nothing, although the journey would speak.
    assert_eq!(again, ["cara@customer.example", "eve@customer.example"]);
    assert!(how_it_ended(&shop).await.iter().any(|(user, _)| user == "dora"));
    let why = shop.call(&["why", "dora", "--json"]).await;
    let why: Value = serde_json::from_str(&why.out).unwrap_or_else(|error| panic!("{error}: {why:?}"));
    assert!(why.to_string().contains("no_consent"), "{why}");
    assert_eq!(settled_elsewhere(&shop.database.pool).await, [""; 0]);
    assert_eq!(daemon.stop().await.0, Some(0));
}
