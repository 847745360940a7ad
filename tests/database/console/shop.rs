//! A small shop of which everything is known, for the console's tests: who entered, who got what, who clicked.

use journeyman_domain::MessageId;
use journeyman_domain::link::Purpose;
use journeyman_store::outbox::State;

use crate::harness::daemon::Daemon;
use crate::harness::mail::{Known, MailShop, POLICIES, identify, relay};
use crate::harness::shop::{PATIENCE, happens};
use crate::harness::smtp::{Manners, Server};
use crate::harness::until::until;

/// A program that people read with.
const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

const CART: &str = "journey: cart
topic: reminders
enter:
  on: Cart Viewed
  per: cart_id
goal:
  on: Order Completed
  within: 3d
  value: event.revenue
steps:
  - id: nudge
    send: reminder
    channel: email
  - wait_for:
      on: Cart Forgotten
    within: 2d
    else:
      - exit: patience
  - id: last_call
    send: reminder
    channel: email
  - wait: 3d
";
/// Nobody is spoken to.
const QUIET: &str = "journey: quiet
topic: reminders
enter:
  on: Cart Viewed
  again: always
holdout: 100%
steps:
  - send: reminder
    channel: email
";
const DRAFT: &str = "journey: sketch
topic: reminders
status: draft
enter:
  on: <script>alert('event')</script>
  again: always
steps:
  - wait: 1d
";
const TEMPLATE: &str = "from: shop
subject: { en: \"{{profile.first_name}}, your cart\", de: \"{{profile.first_name}}, dein Warenkorb\" }
sample: { profile: { first_name: Ada }, entry: { cart_id: c } }
";
const HTML: &str = "<html><head><style>p { color: #334 }</style></head><body>
<p style=\"font: 16px sans-serif\">Hello {{profile.first_name}}, cart {{entry.cart_id}} waits.</p>
<p><a href=\"https://shop.example/cart\">To your cart</a></p>
<img src=\"https://elsewhere.example/lamp.png\" alt=\"A lamp\" width=\"80\" height=\"80\">
<p><a href=\"{{unsubscribe_url}}\">Unsubscribe</a></p></body></html>
";

/// What nobody should be called, and is.
pub const EVIL: &str = "<script>alert('x')</script><img src=x onerror=alert(1)>";

pub struct Shop {
    pub mail: MailShop,
    pub daemon: Daemon,
    _relay: Server,
}

/// Who enters.
pub const PEOPLE: [&str; 4] = ["ada", "ben", "cara", "dora"];

impl Shop {
    /// Four people view a cart and get a mail. Ada and Ben click, Ada twice; Cara looks at hers; a machine follows
    /// Dora's. Cara orders, which is the goal; Ben forgets his cart and gets a second mail; the others wait. Dora's name
    /// is what it should not be.
    pub async fn open() -> Self {
        let relay_of = Server::open(Manners::GOOD).await;
        let policies = format!("{POLICIES}{}", relay(relay_of.port, ""));
        let mail = MailShop::open(&[
            ("journeyman.yaml", &policies),
            ("journeys/cart.yaml", CART),
            ("journeys/quiet.yaml", QUIET),
            ("journeys/sketch.yaml", DRAFT),
            ("templates/reminder/template.yaml", TEMPLATE),
            ("templates/reminder/email.hbs", HTML),
        ])
        .await;
        let daemon = mail.daemon().await;
        let shop = Self { mail, daemon, _relay: relay_of };
        shop.live().await;
        shop
    }

    async fn live(&self) {
        let (mail, daemon) = (&self.mail, &self.daemon);
        let who = PEOPLE.map(|user| {
            let name = if user == "dora" { EVIL.to_owned() } else { user.to_uppercase() };
            identify(user, &format!(r#""first_name":"{name}""#))
        });
        mail.take(daemon, &who).await;
        let carts =
            PEOPLE.map(|user| happens("Cart Viewed", user, user, &format!(r#""cart_id":"c-{user}""#)));
        mail.take(daemon, &carts).await;
        for user in PEOPLE {
            mail.until(user, "that was taken", |known| {
                known.state == State::Accepted || known.state == State::Withheld
            })
            .await;
        }
        self.quiet(8).await;
        let click = |position| Purpose::Click { position, target: "https://shop.example/cart".to_owned() };
        for (user, purpose, agent) in [
            ("ada", click(1), CHROME),
            ("ada", click(2), CHROME),
            ("ben", click(1), CHROME),
            ("cara", Purpose::Open, CHROME),
            ("dora", click(1), "curl/8.5.0"),
        ] {
            let link = mail.link(&self.mail_of(user).await, purpose);
            let followed = mail.http.get(format!("{}{link}", daemon.public)).header("user-agent", agent);
            assert!(followed.send().await.unwrap().status().as_u16() < 400, "{user}");
        }
        let later = [
            happens("Order Completed", "cara", "cara", r#""order_id":"o-1","revenue":99"#),
            happens("Cart Forgotten", "ben", "ben", ""),
            happens(EVIL, "dora", "dora", ""),
        ];
        mail.take(daemon, &later).await;
        until("what people did", PATIENCE, async || {
            let seen = "SELECT count(*) FROM events WHERE source = 'tracking'";
            (mail.database.count(seen).await == 5).then_some(())
        })
        .await;
        self.quiet(9).await;
    }

    /// Until so many messages are over and nothing waits.
    async fn quiet(&self, messages: i64) {
        let rest = "SELECT (SELECT count(*) FROM intake) + (SELECT count(*) FROM outbox)
                         + (SELECT count(*) FROM due WHERE due_at <= now())";
        until("nothing left to do", PATIENCE, async || {
            let database = &self.mail.database;
            let over = database.count("SELECT count(*) FROM messages").await == messages;
            (over && database.count(rest).await == 0).then_some(())
        })
        .await;
    }

    /// Somebody's first mail of `cart`.
    pub async fn mail_of(&self, user: &str) -> Known {
        let known = self.mail.known(user).await;
        known.into_iter().find(|known| known.state == State::Accepted).expect("a mail")
    }

    /// The path of somebody's page.
    pub async fn page_of(&self, user: &str) -> String {
        format!("/people/{}", self.mail_of(user).await.person)
    }

    /// The path of a message's page.
    pub fn message(id: MessageId) -> String {
        format!("/messages/{id}")
    }
}
