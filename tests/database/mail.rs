//! Mail by real daemons: from an event by HTTP over SMTP to a server that does as it is told, and back.

mod bad_input;
mod faults;
mod killed;
mod rates;
mod suppressed;
mod whole;

use crate::harness::mail::{MailShop, POLICIES, relay};
use crate::harness::shop::happens;
use crate::harness::smtp::Server;

/// A browser, as it says itself what it is.
const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

/// How many connections the relay has at most.
const CONNECTIONS: usize = 8;

const WELCOME: &str = "journey: welcome
topic: reminders
enter:
  on: Signed Up
  per: signup_id
steps:
  - send: hello
    channel: email
";
const HELLO: &str = r#"from: shop
subject:
  en: "Hello, {{default profile.first_name 'you'}}"
  de: "Hallo, {{default profile.first_name 'du'}}"
"#;
const HELLO_MAIL: &str = r#"<p>Hello {{default profile.first_name 'you'}}, this is {{entry.signup_id}}.</p>
<p><a href="https://shop.example/start?a=1&amp;b=2">Start</a> <a href="{{unsubscribe_url}}">Leave</a></p>
"#;
const RECEIPTS: &str = "journey: receipts
kind: transactional
enter:
  on: Order Placed
  per: order_id
steps:
  - send: receipt
    channel: email
";
const RECEIPT: &str = r#"from: billing
subject: { en: "Your order {{entry.order_id}}", de: "Deine Bestellung {{entry.order_id}}" }
"#;
const RECEIPT_MAIL: &str = "<p>Thank you for order {{entry.order_id}}.</p>\n";

/// What stands in the shop's folder beside journeyman.yaml: a mail of each kind, and who gets it.
const FILES: [(&str, &str); 6] = [
    ("journeys/welcome.yaml", WELCOME),
    ("journeys/receipts.yaml", RECEIPTS),
    ("templates/hello/template.yaml", HELLO),
    ("templates/hello/email.hbs", HELLO_MAIL),
    ("templates/receipt/template.yaml", RECEIPT),
    ("templates/receipt/email.hbs", RECEIPT_MAIL),
];

/// A shop with these policies.
async fn shop(policies: &str) -> MailShop {
    shop_with(&[("journeyman.yaml", policies)]).await
}

/// A shop with these files besides.
async fn shop_with(files: &[(&str, &str)]) -> MailShop {
    MailShop::open(&[files, &FILES].concat()).await
}

/// The policies, with mail by this server; `more` stands beside its host and port.
fn by(server: &Server, more: &str) -> String {
    format!("{POLICIES}{}", relay(server.port, &format!(", connections: {CONNECTIONS}{more}")))
}

/// What brings a marketing mail.
fn signed_up(id: &str, user: &str) -> String {
    happens("Signed Up", id, user, &format!(r#""signup_id":"{id}""#))
}
