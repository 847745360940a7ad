//! The shop of these tests: three deployments that follow each other, and what its people do.

use journeyman_domain::Kind;
use journeyman_domain::catalog::Patch;
use journeyman_engine::machine::StoredSource;
use journeyman_journey::{Severity, Source};
use journeyman_sim::Random;
use journeyman_sim::chaos::{Scene, Scenery};

const POLICIES: &str = "
topics:
  news: { consent: opt_out }
  offers: { consent: opt_in }
minimum_gap: 10m
caps: { email: 3 per 1d }
quiet_hours: { sms: 22:00-08:00 }
";

const CART: &str = "
journey: cart
topic: news
lane: shop
priority: 70
enter:
  on: Cart Updated
  if: cart.value >= 20 EUR
  idle: 45m
  unless: Order Completed
  per: cart_id
goal:
  on: Order Completed
  within: 3d
  value: event.revenue
steps:
  - send: cart-reminder
    channel: [sms, email]
    within: 12h
  - wait_for: Order Completed
    within: 1h
    else:
      - send: cart-last-call
        channel: email
        if: cart.items.count() > 0
        within: 2h
";

const WELCOME: &str = "
journey: welcome
topic: news
enter:
  on: Signed Up
  again: never
holdout: 20%
steps:
  - id: hello
    send: welcome
    channel: [email, inbox]
  - wait: 30m
  - choose: present
    by: fixed
    options:
      rose:
        share: 50%
        then:
          - send: rose
            channel: inbox
      none:
        share: 50%
  - wait_for:
      if: hello.clicked
    within: 1d
    else:
      - send: welcome-again
        channel: inbox
";

const VIEWED: &str = "
journey: viewed
topic: news
kind: marketing
lane: shop
priority: 40
enter:
  on: Product Viewed
  if: count('Product Viewed', 7d) >= 2
  per: product_id
  again: every 2h
exit:
  - on: Order Completed
  - if: profile.blocked == true
steps:
  - wait: 10m
  - send: still-interested
    channel: inbox
    within: 3h
    if: not (profile.blocked == true)
  - wait: 1h
  - send: more-like-this
    channel: email
";

const RECEIPT: &str = "
journey: receipt
kind: transactional
enter:
  on: Order Completed
  per: order_id
steps:
  - send: receipt
    channel: [email, inbox]
    else:
      - send: receipt-by-paper
        channel: inbox
";

const CHEAPER: &str = "
journey: cheaper
topic: news
priority: 20
enter:
  on: Price Dropped
  if: event.items.any(drop >= 5% and product.stock > 0)
  again: every 2h
goal:
  on: Order Completed
  within: 1d
steps:
  - set:
      pick: = entry.items.where(product.stock > 0).max_by(drop)
  - send: cheaper
    channel: inbox
    if: run.pick.product.price <= run.pick.new_price
";

const BACK: &str = "
journey: back
topic: news
enter:
  on: Back In Stock
  if: not (event.interest == 'bought')
  per: product_id
steps:
  - wait: 5m
  - send: back
    channel: [email, inbox]
    if: entry.product.stock > 0
";

const DUNNING: &str = "
journey: dunning
topic: news
enter:
  on: Product Removed
  again: always
hold:
  while: profile.blocked == true
  within: 40m
steps:
  - repeat: 3
    every: 10m
    then:
      - send: dunning
        channel: [email, inbox]
        holdout: 20%
  - update: { dunned: yes }
  - track: Dunned
    with:
      times: = count('Product Removed')
  - start: lapsed
    with: { why: dunned }
";

const LAPSED: &str = "
journey: lapsed
topic: news
enter:
  api: yes
  again: every 1h
exit:
  - on: Dunned
    if: event.times > 3
steps:
  - wait_until: = entry.at + 5m
  - send: lapsed
    channel: inbox
    between: 08:00-20:00
    days: weekdays
    within: 3d
";

/// Checks and stores what is deployed, as `apply` does.
pub fn sources(journeys: &[&str], policies: &str) -> Vec<StoredSource> {
    let mut files = vec![Source { path: "journeyman.yaml".into(), text: policies.to_owned() }];
    for text in journeys {
        let name = text.lines().find_map(|line| line.strip_prefix("journey: ")).expect("a name");
        files.push(Source { path: format!("journeys/{name}.yaml"), text: (*text).to_owned() });
    }
    for (name, condition) in crate::written::SEGMENTS {
        let text = format!("segment: {name}\nif: \"{condition}\"\n");
        files.push(Source { path: format!("journeys/segments/{name}.yaml"), text });
    }
    let checked = journeyman_journey::check(&files, None, false);
    let errors = checked.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let errors: Vec<String> = errors.map(ToString::to_string).collect();
    assert!(errors.is_empty(), "the shop's journeys are wrong:\n{}", errors.join("\n"));
    journeyman_engine::deploy::sources(&checked, &files)
}

fn item(json: &str) -> Patch {
    Patch::of_json(json).expect("an item")
}

fn product(random: &mut Random) -> String {
    let (cart, product, price) = (random.below(2), random.below(3), random.between(5, 40));
    format!(r#"{{"properties":{{"cart_id":"c{cart}","product_id":"p{product}","price":{price}}}}}"#)
}

fn order(random: &mut Random) -> String {
    let order = random.below(1_000);
    let cart =
        if random.chance(500) { format!(r#","cart_id":"c{}""#, random.below(2)) } else { String::new() };
    format!(r#"{{"properties":{{"order_id":"o{order}","revenue":{}{cart}}}}}"#, random.between(5, 80))
}

fn traits(random: &mut Random) -> String {
    let known = [
        r#""email":"a@example.com""#,
        r#""phone":"+4915100000""#,
        r#""phone":null"#,
        r#""blocked":true"#,
        r#""blocked":false"#,
        r#""timezone":"Asia/Tokyo""#,
        r#""timezone":"America/New_York""#,
    ];
    format!(r#"{{"traits":{{{}}}}}"#, random.among(&known))
}

fn consent(random: &mut Random) -> String {
    let about = random.among(&["", r#""topic":"news""#, r#""channel":"email""#, r#""channel":"pigeon""#]);
    format!(r#"{{"properties":{{{about}}}}}"#)
}

/// What no event should look like.
fn damaged(random: &mut Random) -> String {
    random.among(&["", "{", r#"{"properties": 7}"#, r#"{"properties": {"cart_id": {}}}"#]).to_owned()
}

fn nothing(_: &mut Random) -> String {
    r#"{"properties":{}}"#.to_owned()
}

/// Deployments and scenes of a storm.
pub fn scenery() -> Scenery {
    let quicker = VIEWED.replace("wait: 10m", "wait: 5m").replace("wait: 1h", "wait: 2h");
    let faster = DUNNING.replace("every: 10m", "every: 2m");
    let shorter = CART.replace("idle: 45m", "idle: 20m");
    let deployments = vec![
        sources(&[CART, WELCOME, VIEWED, RECEIPT, CHEAPER, BACK, DUNNING, LAPSED], POLICIES),
        sources(
            &[&shorter, WELCOME, &quicker, RECEIPT, CHEAPER, BACK, &faster, LAPSED],
            &POLICIES.replace("10m", "30m"),
        ),
        sources(
            &[
                CART,
                &VIEWED.replace("journey: viewed", "journey: viewed\nstatus: archived"),
                RECEIPT,
                CHEAPER,
                DUNNING,
                LAPSED,
            ],
            POLICIES,
        ),
    ];
    let scene = |kind, name, payload| Scene { kind, name, payload };
    let scenes = vec![
        scene(Kind::Track, "Product Added", product),
        scene(Kind::Track, "Product Added", product),
        scene(Kind::Track, "Product Removed", product),
        scene(Kind::Track, "Product Viewed", product),
        scene(Kind::Track, "Product Viewed", product),
        scene(Kind::Track, "Product Added to Wishlist", product),
        scene(Kind::Track, "Product Subscribed", product),
        scene(Kind::Track, "Order Completed", order),
        scene(Kind::Track, "Signed Up", nothing),
        scene(Kind::Track, "Unsubscribed", consent),
        scene(Kind::Track, "Subscribed", consent),
        scene(Kind::Identify, "", traits),
        scene(Kind::Identify, "", traits),
        scene(Kind::Track, "Product Viewed", damaged),
    ];
    let items = (0..3).map(|nth| item(&format!(r#"{{"product_id":"p{nth}","price":30,"stock":{nth}}}"#)));
    Scenery::new(deployments, scenes, items.collect(), |random| {
        let (product, price, stock) = (random.below(3), random.between(5, 40), random.below(3));
        item(&format!(r#"{{"product_id":"p{product}","price":{price},"stock":{stock}}}"#))
    })
}
