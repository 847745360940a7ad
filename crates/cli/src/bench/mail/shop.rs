//! The shop of these benches: the cart reminder that the repository ships, sent to everybody who looks at their cart.

use anyhow::Context as _;
use journeyman_domain::ShopClock as _;
use journeyman_domain::template::Data;
use journeyman_engine::apply::{Terms, apply};
use journeyman_engine::deploy;
use journeyman_engine::outlet::Wordings;
use journeyman_journey::{Severity, Source};
use journeyman_store::deployments::{self, Label};

use super::super::scratch::Scratch;
use crate::SystemClock;

const POLICIES: &str = "\
currency: EUR
time_zone: Europe/Berlin
senders:
  shop:
    from: hello@mail.shop.example
    name: { en: The Shop, de: Der Laden }
    reply_to: care@shop.example
    stream: marketing
topics:
  reminders: { name: { en: Reminders, de: Erinnerungen }, consent: opt_out }
links:
  domain: go.shop.example
  utm: { source: journeyman, medium: \"{{channel}}\", campaign: \"{{journey}}\" }
";

const JOURNEY: &str = "\
journey: bench-reminder
topic: reminders
enter:
  on: Cart Viewed
  per: cart_id
steps:
  - id: nudge
    send: cart-reminder
    channel: email
  - wait_for:
      if: nudge.clicked
    within: 1d
";

/// Where the button of the mail leads.
pub(super) const TARGET: &str = "https://shop.example/cart";

macro_rules! shipped {
    ($($path:literal),*) => {
        [$((concat!("templates/", $path), include_str!(concat!("../../../../../templates/", $path)))),*]
    };
}

const TEMPLATES: [(&str, &str); 7] = shipped!(
    "texts.yaml",
    "layouts/shop.mjml",
    "partials/brand.hbs",
    "partials/cart-items.mjml",
    "partials/shop.hbs",
    "cart-reminder/email.mjml",
    "cart-reminder/template.yaml"
);

fn sources() -> Vec<Source> {
    let own = [("journeyman.yaml", POLICIES), ("journeys/bench-reminder.yaml", JOURNEY)];
    let source = |(path, text): (&str, &str)| Source { path: path.to_owned(), text: text.to_owned() };
    own.into_iter().chain(TEMPLATES).map(source).collect()
}

/// Puts the shop live, and answers what it says.
pub(super) async fn put_live(scratch: &Scratch) -> anyhow::Result<Wordings> {
    let sources = sources();
    let checked = deploy::check(&sources, true);
    let wrong = checked.diagnostics.iter().find(|found| found.severity == Severity::Error);
    anyhow::ensure!(
        wrong.is_none(),
        "the bench's shop is wrong: {}",
        wrong.map(ToString::to_string).unwrap_or_default()
    );
    let stored = deploy::sources(&checked, &sources);
    let label = Label { at: SystemClock.now(), note: "bench", environment: "production", author: "" };
    apply(&scratch.slow, &stored, label, Terms::default(), |_| {}).await?;
    let mut connection = scratch.pool.acquire().await?;
    let number = deployments::current(&mut connection).await?;
    let stored = deployments::load(&mut connection, number).await?;
    deploy::wordings(&stored).map_err(anyhow::Error::msg).context("the bench's shop can't be sent")
}

/// Who somebody is, so that mail can reach them.
pub(super) fn identify(run: &str, person: usize) -> String {
    format!(
        r#"{{"type":"identify","userId":"user-{person:07}","messageId":"{run}-i-{person:08}","traits":{{"email":"{}","first_name":"Ada"}},"context":{{"library":{{"name":"@segment/analytics-node","version":"3.1.0"}},"locale":"de-DE"}}}}"#,
        address(person)
    )
}

/// Somebody looks at their cart: what begins a life.
pub(super) fn cart(run: &str, person: usize) -> String {
    let product = person.wrapping_mul(40_503) % 5_000;
    format!(
        r#"{{"type":"track","event":"Cart Viewed","userId":"user-{person:07}","messageId":"{run}-c-{person:08}","properties":{{"cart_id":"c-{person:07}","currency":"EUR","products":[{{"product_id":"sku-{product:05}","name":"Linen Lamp no. {product}","variant":"Natural","quantity":1,"price":79.90,"image_url":"https://shop.example/images/{product}.jpg"}},{{"product_id":"sku-mug","name":"Stoneware Mug","quantity":2,"price":29.90}}]}},"context":{{"library":{{"name":"@segment/analytics-node","version":"3.1.0"}},"locale":"de-DE"}}}}"#
    )
}

/// Where somebody's mail goes.
pub(super) fn address(person: usize) -> String {
    format!("ada.{person:07}@people.example")
}

/// Whose mail goes there.
pub(super) fn person_of(address: &str) -> Option<usize> {
    address.strip_prefix("ada.")?.split('@').next()?.parse().ok()
}

/// What stands in the shop's mail, so that a bench that renders nothing is found out.
pub(super) fn check(data: &Data) -> anyhow::Result<()> {
    let items = data.vars.pointer("/cart/items").and_then(serde_json::Value::as_array).map_or(0, Vec::len);
    anyhow::ensure!(items == 2, "a mail's cart has {items} lines, not two: {}", data.vars);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shop_is_sound() {
        let checked = deploy::check(&sources(), true);
        let said: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
        assert!(checked.deployment.is_some(), "{said:?}");
    }

    #[test]
    fn addresses_say_whose_they_are() {
        assert_eq!(person_of(&address(17)), Some(17));
        assert_eq!(person_of("hello@mail.shop.example"), None);
    }
}
