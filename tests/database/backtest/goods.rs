//! The catalog beside recorded history: what products were then, and who would have heard of it.

use serde_json::json;

use super::{backtest, line, offline};
use crate::harness::Folder;

const POLICIES: &str = "time_zone: UTC\ntopics:\n  news: { consent: opt_out }\n";
const NEWS: &str = "journey: news
topic: news
enter:
  on: Price Dropped
  if: event.items.any(interest == 'wishlist' and drop >= 10% and product.stock > 0)
  again: every 1h
steps:
  - send: price-drop
    channel: inbox
";
const BACK: &str = "journey: back
topic: news
enter:
  on: Back In Stock
  if: event.interest == 'subscribed'
  per: product_id
steps:
  - send: back-in-stock
    channel: inbox
";
const LOOKED: &str = "journey: looked
topic: news
enter:
  on: Product Viewed
  if: event.product.stock > 0
  per: product_id
steps:
  - send: still-there
    channel: inbox
";
/// Prices and stock as they came to be; of the lamp there is none in the end.
const CATALOG: &str = "product_id,name,price,stock,since
lamp,,70,0,2026-03-07
lamp,Linen Lamp,100,5,2026-02-01
mug,Mug,20,0,2026-02-01
mug,,,4,2026-03-06
lamp,,80,,2026-03-05T08:00
";

fn shop() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("journeys")).unwrap();
    folder.write("journeyman.yaml", POLICIES);
    for (name, text) in [("news", NEWS), ("back", BACK), ("looked", LOOKED)] {
        folder.write(&format!("journeys/{name}.yaml"), text);
    }
    folder.write("catalog.csv", CATALOG);
    let does = |user: &str, at: &str, event: &str, product: &str| {
        let rest = format!(r#","event":"{event}","properties":{{"product_id":"{product}"}}"#);
        line("track", &format!(r#""userId":"{user}""#), at, &rest)
    };
    let (viewed, wished) = ("Product Viewed", "Product Added to Wishlist");
    let events = [
        does("cleo", "2026-01-15T10:00:00Z", viewed, "lamp"),
        does("ada", "2026-03-01T10:00:00Z", wished, "lamp"),
        does("ben", "2026-03-01T10:00:00Z", "Product Subscribed", "mug"),
        does("cleo", "2026-03-02T10:00:00Z", viewed, "mug"),
        does("dan", "2026-03-06T12:00:00Z", viewed, "mug"),
        does("dan", "2026-03-06T13:00:00Z", viewed, "vase"),
        does("dan", "2026-03-08T10:00:00Z", viewed, "lamp"),
    ];
    folder.write("events.ndjson", events.join("\n"));
    folder
}

const EVENTS: [&str; 2] = ["--events", "events.ndjson"];
const BESIDE: [&str; 2] = ["--catalog", "catalog.csv"];
const THEN: [&str; 2] = ["--catalog-at", "since"];

#[tokio::test]
async fn a_product_is_what_it_was_then_and_who_cares_hears_of_it() {
    let folder = shop();
    let csv = ["--csv", "people.csv"];
    let answer = backtest(&folder, None, &[EVENTS, BESIDE, THEN, csv].concat()).await;
    let expected = "person,at,what,journey,run,step,channel,template,key,reason,value
ada,2026-03-05T08:00:01Z,entered,news,1,,,,,,
ada,2026-03-05T08:00:01Z,sent,news,1,price_drop,inbox,price-drop,,,
ada,2026-03-05T08:00:01Z,ended,news,1,,,,,completed,
ben,2026-03-06T00:00:01Z,entered,back,1,,,,mug,,
ben,2026-03-06T00:00:01Z,sent,back,1,back_in_stock,inbox,back-in-stock,,,
ben,2026-03-06T00:00:01Z,ended,back,1,,,,,completed,
cleo,2026-01-15T10:00:00Z,entered,looked,1,,,,lamp,,
cleo,2026-01-15T10:00:00Z,sent,looked,1,still_there,inbox,still-there,,,
cleo,2026-01-15T10:00:00Z,ended,looked,1,,,,,completed,
dan,2026-03-06T12:00:00Z,entered,looked,1,,,,mug,,
dan,2026-03-06T12:00:00Z,sent,looked,1,still_there,inbox,still-there,,,
dan,2026-03-06T12:00:00Z,ended,looked,1,,,,,completed,
";
    let lines = || std::fs::read_to_string(folder.path().join("people.csv")).unwrap();
    let sorted = |text: &str| {
        let mut people: Vec<String> = text.lines().map(str::to_owned).collect();
        people.sort_by_key(|line| line.split(',').next().map(str::to_owned));
        people
    };
    assert_eq!(sorted(&lines()), sorted(expected));
    let known = json!({ "products": 2, "versions": 5, "since": "2026-02-01T00:00:00Z", "tellings": 4,
        "lines_rejected": 0 });
    assert_eq!(answer["catalog"], known);
    // What was wished for before the window is known in it, and what was told before is not heard again.
    backtest(&folder, None, &[EVENTS, BESIDE, THEN, csv, ["--from", "2026-03-06"]].concat()).await;
    let later = expected.lines().filter(|line| ["pers", "ben,", "dan,"].contains(&&line[..4]));
    assert_eq!(sorted(&lines()), sorted(&later.collect::<Vec<_>>().join("\n")));
}

#[tokio::test]
async fn without_moments_a_product_is_as_the_file_says_throughout() {
    let folder = shop();
    let entered = |answer: &serde_json::Value| {
        ["news", "back", "looked"].map(|name| answer["journeys"][name]["entered"].as_u64().unwrap())
    };
    let answer = backtest(&folder, None, &[EVENTS, BESIDE].concat()).await;
    // There are both all along, and nothing ever changes.
    assert_eq!(entered(&answer), [0, 0, 4], "{answer}");
    let answer = backtest(&folder, None, &EVENTS).await;
    assert_eq!(entered(&answer), [0, 0, 0], "{answer}");
    let ended = offline(&folder, &EVENTS).await;
    assert!(ended.out.contains("\nthe catalog is empty: `.product` is missing"), "{}", ended.out);
}

#[tokio::test]
async fn what_of_the_catalog_cant_be_read_is_said() {
    let folder = shop();
    folder.write("catalog.csv", format!("{CATALOG}lamp,,60,,yesterday\nlamp,,minus one,,2026-03-07\n"));
    let ended = offline(&folder, &[EVENTS, BESIDE, THEN].concat()).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let said = "lines of the catalog that are no items: 2\n  line 7: at yesterday: write a date such as";
    assert!(ended.out.contains(said), "{}", ended.out);
    for (arguments, words) in [
        (["--catalog", "nothing.csv"], "can't read nothing.csv"),
        (["--catalog", "journeyman.yaml"], "its name does not say what it is"),
        (["--catalog-at", "since"], "--catalog <FILE>"),
    ] {
        let ended = offline(&folder, &[EVENTS, arguments].concat()).await;
        assert_ne!(ended.code, Some(0), "{arguments:?} {}", ended.out);
        assert!(ended.err.contains(words), "{arguments:?} {}", ended.err);
    }
}
