//! The ten journeys of the language: what this version reads of them, and what it says of the rest.

use super::door::{around, said};
use crate::{Source, check};

/// Every topic and segment that the ten speak of.
const TOPICS: [&str; 8] =
    ["reminders", "offers", "stock-alerts", "recommendations", "loyalty", "feedback", "news", "product"];
const SEGMENTS: [&str; 5] = ["wholesale", "bought-last-3d", "lapsed", "engaged-90d", "bought-today"];

/// The senders that the language speaks of.
pub(super) const SENDERS: &str = "\
senders:
  shop:
    from: hello@mail.shop.example
    name: { en: The Shop, de: Der Laden }
    reply_to: care@shop.example
    stream: marketing
  billing:
    from: billing@tx.shop.example
    name: { en: Shop Billing, de: Laden Rechnung }
    stream: transactional
  founder:
    from: founder@mail.shop.example
    name: { en: Ada of The Shop, de: Ada vom Laden }
    stream: marketing
";

fn told(name: &str, text: &str) -> Vec<String> {
    let mut sources = around(&format!("journeys/{name}.yaml"), text);
    let topics: String = TOPICS.iter().map(|topic| format!("  {topic}: {{ consent: opt_in }}\n")).collect();
    sources[1].text = format!("currency: EUR\ntopics:\n{topics}{SENDERS}");
    sources.extend(SEGMENTS.iter().map(|name| Source {
        path: format!("journeys/segments/{name}.yaml"),
        text: format!("segment: {name}\nif: profile.x\n"),
    }));
    said(&check(&sources, None, false))
}

/// A journey's file and, line by line, the words that are not read yet.
macro_rules! journey {
    ($name:literal, $expected:expr) => {
        ($name, include_str!(concat!("journeys/", $name, ".yaml")), $expected)
    };
}

#[test]
fn the_ten_journeys() {
    let cases: [(&str, &str, &[&str]); 13] = [
        // An order names no cart, so it ends the runs of all of the person's carts.
        journey!(
            "cart-abandonment",
            &[
                "J0903 15:1 `Order Completed` has no `cart_id`: it counts for every run of the person, whatever its `cart_id`; if it has one, describe it in tracking.yaml: `Order Completed:` `cart_id: text`"
            ]
        ),
        journey!("wishlist-price-drop", &["38 offer", "39 offer_on"]),
        journey!("wish-10", &["1 offer"]),
        journey!("back-in-stock", &["9 queue", "37 recommend"]),
        journey!("camera-cross-sell", &["32 recommend"]),
        journey!("replenishment", &["23 repurchase_cycle"]),
        journey!(
            "win-back",
            &[
                "11 max_entries",
                "27 offer",
                "31 offer_expires",
                "34 offer",
                "35 offer_used",
                "40 by: bandit",
                "41 explore",
                "44 cost",
                "46 cost",
                "51 offer",
                "53 cost",
                "58 offer",
            ]
        ),
        journey!("winback-20", &["1 offer"]),
        journey!("vip-birthday", &["21 offer", "27 offer_expires", "30 offer", "31 offer_used",]),
        journey!(
            "review-request",
            &[
                "J0901 28:13 where `run.item.product.sensitive` is missing, this is true; write `has(run.item.product.sensitive) and …` if it should not be",
                "34 offer"
            ]
        ),
        journey!(
            "browse-abandonment",
            &[
                "26 recommend",
                "J0901 27:64 where `entry.product.sensitive` is missing, this is true; write `has(entry.product.sensitive) and …` if it should not be",
            ]
        ),
        journey!(
            "payment-failed",
            &[
                "J0611 39:12 there is no journey `win-back-subscribers`; write it to journeys/win-back-subscribers.yaml, with `enter:` and `api: yes`"
            ]
        ),
        journey!("bfcm-early-access", &["9 offer", "10 speed", "11 share", "11 after", "12 proof"]),
    ];
    for (name, text, expected) in cases {
        let told = told(name, text);
        let got: Vec<String> = told
            .iter()
            .map(|line| match line.strip_prefix("J0201 ") {
                Some(later) => {
                    let line = later.split(':').next().unwrap();
                    let word = later.split('`').nth(1).unwrap();
                    format!("{line} {word}")
                }
                None => line.clone(),
            })
            .collect();
        assert_eq!(got, expected, "{name}");
    }
}
