//! Cases written by hand: who is meant, and by both ways.

use std::sync::Arc;

use jiff::tz::TimeZone;
use journeyman_domain::ShopTime;
use journeyman_domain::expr::{Comparison, Counted, Expr, Filter, ListCall, Operator, Root, Type};
use journeyman_domain::person::{Day, Feature, FeatureKey, Occurrence};
use journeyman_domain::value::{Span, Value};
use journeyman_store::lower::{self, NotInSql};
use serde_json::json;

use super::World;
use super::expressions::*;
use super::people::{self, Somebody};
use crate::harness::postgres::Database;

use Comparison::{Eq, Ge, Gt, Le, Lt, Ne};
use Operator::{Add, Div, Mul, Sub};

fn known(traits: serde_json::Value) -> Somebody {
    Somebody { traits: Some(traits), ..Somebody::default() }
}

fn number(name: &str) -> Expr {
    cast(Type::Number, profile(name))
}

fn price() -> Expr {
    cast(Type::Money, profile("price"))
}

fn computed(a: Expr, operator: Operator, b: f64) -> Expr {
    arithmetic(a, operator, literal(b))
}

fn list(items: Vec<Expr>) -> Expr {
    Expr::List(items.into())
}

fn among(x: Expr, of: Vec<Expr>) -> Expr {
    Expr::In(Box::new(x), Box::new(list(of)))
}

/// An expression and the names (`who`) of those for whom it holds.
type Case = (Expr, &'static [&'static str]);

fn missing_and_types() -> (Vec<Somebody>, Vec<Case>) {
    let people = vec![
        Somebody::default(),
        known(json!({ "who": "null", "x": null })),
        known(json!({ "who": "one", "x": 1 })),
        known(json!({ "who": "text", "x": "1" })),
        known(json!({ "who": "true", "x": true })),
        known(json!({ "who": "list", "x": [1, "1", null, [1]], "l": [3, 1] })),
        known(json!({ "who": "record", "x": { "y": { "z": "é" }, "0": 7 } })),
        known(json!({ "who": "big", "x": 1e5 })),
    ];
    let (x, one) = (|| profile("x"), || literal(1.0));
    let cases: Vec<Case> = vec![
        (compare(x(), Eq, one()), &["one"]),
        (compare(x(), Ne, one()), &["nobody", "null", "text", "true", "list", "record", "big"]),
        (not(compare(x(), Lt, literal(5.0))), &["nobody", "null", "text", "true", "list", "record", "big"]),
        (compare(x(), Ge, one()), &["one", "big"]),
        (compare(x(), Eq, literal(100_000.0)), &["big"]),
        (compare(x(), Eq, literal("1")), &["text"]),
        (compare(x(), Eq, literal(true)), &["true"]),
        (x(), &["true"]),
        (not(x()), &["nobody", "null", "one", "text", "list", "record", "big"]),
        (has(x()), &["one", "text", "true", "list", "record", "big"]),
        // Missing equals nothing, not even what is missing; nor do lists and records compare.
        (compare(x(), Eq, x()), &["one", "text", "true", "big"]),
        (compare(x(), Ne, x()), &["nobody", "null", "list", "record"]),
        (among(x(), vec![one(), literal("1"), literal(true)]), &["one", "text", "true"]),
        (among(x(), vec![literal(Value::Missing)]), &[]),
        (among(one(), vec![x()]), &["one"]),
        (Expr::In(Box::new(one()), Box::new(x())), &["list"]),
        (Expr::In(Box::new(literal("1")), Box::new(x())), &["list"]),
        (among(x(), vec![]), &[]),
        (compare(profile("x.y.z"), Eq, literal("é")), &["record"]),
        (compare(profile("x.y.z"), Gt, literal("z")), &["record"]),
        // A name is never a place in a list.
        (compare(profile("x.0"), Eq, literal(7.0)), &["record"]),
        (compare(profile("l.0"), Eq, literal(3.0)), &[]),
        (has(profile("time_zone")), &[]),
        (has(profile("time_zone.x")), &[]),
        // Neither the operator's nor SQL's own words are anything but names and texts.
        (compare(profile("x' OR '1'='1"), Eq, literal("'; DROP TABLE traits; --")), &[]),
        (not(has(profile("\"$1"))), &["nobody", "null", "one", "text", "true", "list", "record", "big"]),
    ];
    (people, cases)
}

fn numbers_and_money() -> (Vec<Somebody>, Vec<Case>) {
    let people = vec![
        known(json!({ "who": "euro", "n": 0, "price": 20 })),
        known(json!({ "who": "dollar", "n": 2, "price": 21.739, "currency": "USD" })),
        known(json!({ "who": "yen", "n": 1e308, "price": 20, "currency": "JPY" })),
        known(json!({ "who": "lower", "n": 5e-324, "price": 20.000000000000004, "currency": "usd" })),
        known(json!({ "who": "record", "n": "2", "price": { "amount": 19.99, "currency": "USD" } })),
        known(json!({ "who": "text", "price": "20" })),
    ];
    let eur = |amount| literal(money(amount, "EUR"));
    let cases: Vec<Case> = vec![
        (compare(computed(number("n"), Div, 0.0), Eq, literal(0.0)), &[]),
        (has(arithmetic(literal(1.0), Div, number("n"))), &["dollar", "yen"]),
        (has(computed(number("n"), Mul, 1e10)), &["euro", "dollar", "lower"]),
        // What is not finite is missing: 2e308.
        (has(arithmetic(number("n"), Add, number("n"))), &["euro", "dollar", "lower"]),
        (has(arithmetic(number("n"), Sub, number("n"))), &["euro", "dollar", "lower", "yen"]),
        (compare(computed(number("n"), Mul, 0.25), Gt, literal(0.0)), &["dollar", "yen"]),
        (compare(computed(number("n"), Div, 4.0), Eq, literal(0.0)), &["euro", "lower"]),
        (
            compare(computed(computed(number("n"), Mul, 0.1), Add, 0.1), Eq, literal(0.30000000000000004)),
            &["dollar"],
        ),
        (has(arithmetic(profile("n"), Add, literal("2"))), &[]),
        // 21.739 USD at 0.92 are 19.99988 EUR.
        (compare(price(), Ge, eur("20")), &["euro", "lower"]),
        (compare(price(), Eq, eur("19.99988")), &["dollar"]),
        (compare(price(), Lt, eur("20")), &["dollar", "record"]),
        (compare(price(), Eq, literal(money("19.99", "USD"))), &["record"]),
        // Yen have no rate: they compare with yen alone.
        (compare(price(), Ne, eur("20")), &["nobody", "dollar", "yen", "record", "text"]),
        (compare(price(), Eq, literal(money("20", "JPY"))), &["yen"]),
        (compare(price(), Gt, literal(1.0)), &[]),
        (has(price()), &["euro", "dollar", "yen", "lower", "record"]),
        (compare(computed(price(), Mul, 0.5), Eq, eur("10")), &["euro", "lower"]),
        (compare(computed(price(), Div, 4.0), Eq, eur("5")), &["euro", "lower"]),
        (has(computed(price(), Div, 0.0)), &[]),
        (among(price(), vec![eur("19.99988"), literal(money("19.99", "USD"))]), &["dollar", "record"]),
    ];
    (people, cases)
}

/// At the far end of windows, in zones where a clock went back between.
fn windows(now: ShopTime) -> (Vec<Somebody>, Vec<Case>) {
    let key = |by: bool| FeatureKey {
        event: "Order".into(),
        field: by.then(|| (Arc::from("revenue"), false)),
        by: by.then(|| Arc::from("category")),
    };
    let someone = |who: &str, zone: Option<&'static str>, at: ShopTime, days: &[(i32, u32)]| {
        let occurrence = |value: &str, amount| Occurrence { at, amount, value: value.into() };
        let plain = Feature {
            last: Some(at),
            recent: vec![occurrence("", 0.0)],
            days: days.iter().map(|(day, count)| Day { day: *day, count: *count, sum: 0.0 }).collect(),
            dirty: false,
        };
        let by = Feature {
            last: Some(at),
            recent: vec![
                occurrence("shoes", 0.1),
                occurrence("2", 0.2),
                occurrence("shoes", 0.3),
                occurrence("", 5.0),
            ],
            days: vec![],
            dirty: false,
        };
        let sum = Feature {
            last: Some(at),
            recent: vec![occurrence("", 0.2), occurrence("", 0.3)],
            days: vec![Day { day: 1, count: 1, sum: 0.1 }],
            dirty: false,
        };
        Somebody {
            zone,
            traits: Some(
                json!({ "who": who, "likes": "shoes", "number": 2.0, "empty": "", "list": ["shoes"] }),
            ),
            features: vec![(key(false), plain), (key(true), by), (FeatureKey { by: None, ..key(true) }, sum)],
        }
    };
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let moved = |at: ShopTime, micros: i64| ShopTime::from_microsecond(at.as_microsecond() + micros).unwrap();
    let two = Span::Days(2).before(now, &berlin);
    let hour = Span::hours(1).before(now, &berlin);
    let today = (now.as_microsecond() / 86_400_000_000) as i32;
    let people = vec![
        someone("berlin at", Some("Europe/Berlin"), two, &[]),
        someone("berlin before", Some("Europe/Berlin"), moved(two, -1), &[]),
        // 48 hours back is an hour short of two days in Berlin, but two days in Kathmandu.
        someone("kathmandu at 49h", Some("Asia/Kathmandu"), two, &[]),
        someone("shop at 49h", None, two, &[]),
        someone("hour", None, hour, &[]),
        someone("before the hour", Some("UTC"), moved(hour, -1), &[]),
        someone("day bucket", Some("UTC"), moved(two, -86_400_000_000), &[(today - 2, 3)]),
        someone("older bucket", Some("UTC"), moved(two, -86_400_000_000), &[(today - 3, 3)]),
    ];
    let count = |window| Expr::Count(counted("Order", window));
    let by = |window, equals: Expr| Counted {
        event: "Order".into(),
        field: Some("revenue".into()),
        money: false,
        window,
        filter: Some(Filter { property: "category".into(), equals: Box::new(equals) }),
    };
    let all: &[&str] = &[
        "berlin at",
        "berlin before",
        "kathmandu at 49h",
        "shop at 49h",
        "hour",
        "before the hour",
        "day bucket",
        "older bucket",
    ];
    let last = || Expr::LastAt("Order".into());
    let ago = |span: Span| arithmetic(Expr::Now, Sub, literal(span));
    let two_days = || Some(Span::Days(2));
    let cases: Vec<Case> = vec![
        (compare(count(two_days()), Eq, literal(1.0)), &["berlin at", "hour", "before the hour"]),
        (compare(count(two_days()), Eq, literal(3.0)), &["day bucket"]),
        (compare(count(Some(Span::hours(1))), Eq, literal(1.0)), &["hour"]),
        (compare(count(None), Ge, literal(1.0)), all),
        (compare(count(None), Eq, literal(4.0)), &["day bucket", "older bucket"]),
        (compare(last(), Ge, ago(Span::Days(2))), &["berlin at", "hour", "before the hour"]),
        (
            compare(last(), Lt, ago(Span::hours(1))),
            &[
                "berlin at",
                "berlin before",
                "kathmandu at 49h",
                "shop at 49h",
                "before the hour",
                "day bucket",
                "older bucket",
            ],
        ),
        (not(has(last())), &["nobody"]),
        (compare(arithmetic(Expr::Now, Sub, last()), Le, literal(Span::hours(1))), &["hour"]),
        // In their order: the days, then the single ones. Any other order gives 0.6.
        (
            compare(
                Expr::Sum(Counted { filter: None, ..by(None, Expr::Now) }),
                Eq,
                literal(0.6000000000000001),
            ),
            all,
        ),
        (compare(Expr::Sum(by(None, profile("likes"))), Eq, literal(0.4)), all),
        (compare(Expr::Sum(by(None, profile("number"))), Eq, literal(0.2)), all),
        (compare(Expr::Sum(by(None, profile("empty"))), Gt, literal(0.0)), &[]),
        (compare(Expr::Sum(by(None, profile("list"))), Gt, literal(0.0)), &[]),
        (compare(Expr::Count(by(Some(Span::hours(1)), literal("shoes"))), Eq, literal(2.0)), &["hour"]),
    ];
    (people, cases)
}

fn lists() -> (Vec<Somebody>, Vec<Case>) {
    let orders = json!([
        { "id": "a", "total": 10, "items": [{ "sku": "x", "n": 1 }, { "sku": "y", "n": 2 }] },
        { "id": "b", "total": 30.5, "items": [] },
        { "id": "c", "total": "40", "items": [{ "sku": "z", "n": 5 }] },
        { "id": "d", "items": "x" },
    ]);
    let people = vec![
        known(json!({ "who": "buyer", "orders": orders, "tags": ["b", "a", 7, null, "c"], "wanted": "z" })),
        known(json!({ "who": "empty", "orders": [], "tags": [], "wanted": "z" })),
        known(json!({ "who": "none", "orders": { "id": "a" }, "tags": "a" })),
    ];
    let orders = || profile("orders");
    let of = |how: ListCall, body: Expr| call(how, orders(), Some(body));
    let is = |name: &str, value: &str| compare(element(name), Eq, literal(value));
    let sku = |value: Expr| call(ListCall::Any, element("items"), Some(compare(element("sku"), Eq, value)));
    let total = || element("total");
    let first = |how| call(how, profile("tags"), None);
    let id = |picked: Expr, id: &str| {
        // The id of a picked element: the only one in a list of it.
        call(ListCall::Any, list(vec![picked]), Some(is("id", id)))
    };
    let cases: Vec<Case> = vec![
        (of(ListCall::Any, is("id", "c")), &["buyer"]),
        (of(ListCall::Any, sku(literal("y"))), &["buyer"]),
        (of(ListCall::Any, sku(profile("wanted"))), &["buyer"]),
        (of(ListCall::Any, sku(literal("w"))), &[]),
        (of(ListCall::All, has(element("id"))), &["nobody", "buyer", "empty", "none"]),
        (of(ListCall::All, has(total())), &["nobody", "empty", "none"]),
        (compare(call(ListCall::Count, orders(), None), Eq, literal(0.0)), &["nobody", "empty", "none"]),
        (compare(of(ListCall::Sum, total()), Eq, literal(40.5)), &["buyer"]),
        (not(has(of(ListCall::Sum, total()))), &["nobody", "empty", "none"]),
        (compare(of(ListCall::Max, total()), Eq, literal(30.5)), &["buyer"]),
        (id(of(ListCall::MaxBy, total()), "b"), &["buyer"]),
        (id(of(ListCall::MinBy, call(ListCall::Count, element("items"), None)), "b"), &["buyer"]),
        (compare(first(ListCall::First), Eq, literal("b")), &["buyer"]),
        (compare(first(ListCall::Last), Eq, literal("c")), &["buyer"]),
        (compare(first(ListCall::Min), Eq, literal("a")), &["buyer"]),
        (compare(call(ListCall::Has, profile("tags"), Some(literal(7.0))), Eq, literal(true)), &["buyer"]),
        (compare(call(ListCall::Count, profile("tags"), None), Eq, literal(5.0)), &["buyer"]),
        (
            compare(
                call(ListCall::Count, of(ListCall::Where, compare(total(), Gt, literal(5.0))), None),
                Eq,
                literal(2.0),
            ),
            &["buyer"],
        ),
        (
            call(
                ListCall::Any,
                list(vec![profile("tags"), literal("x")]),
                Some(call(ListCall::Has, element(""), Some(literal("c")))),
            ),
            &["buyer"],
        ),
        (
            call(
                ListCall::Any,
                list(vec![profile("wanted"), literal(1.0)]),
                Some(compare(element(""), Eq, literal("z"))),
            ),
            &["buyer", "empty"],
        ),
    ];
    (people, cases)
}

#[tokio::test]
async fn cases_by_hand() {
    let database = Database::new().await;
    let mut connection = database.pool.acquire().await.unwrap();
    // Monday; on Sunday clocks went back in Berlin.
    let world = World::new("2026-10-26T10:00:00Z");
    let mut first = 1;
    for (people, cases) in [missing_and_types(), numbers_and_money(), windows(world.now), lists()] {
        let nobody = Somebody::default();
        let people: Vec<Somebody> = people.into_iter().chain([nobody]).collect();
        let who: Vec<&str> = people
            .iter()
            .map(|somebody| {
                somebody.traits.as_ref().map_or("nobody", |traits| traits["who"].as_str().unwrap())
            })
            .collect();
        let stored = people::write(&mut connection, first, &people).await;
        for (expr, wanted) in cases {
            let names = |holds: Vec<journeyman_domain::PersonId>| {
                let mut names: Vec<&str> = holds.iter().map(|id| who[(id.0 - first) as usize]).collect();
                names.dedup();
                names.sort_unstable();
                names.dedup();
                names
            };
            let mut wanted = wanted.to_vec();
            wanted.sort_unstable();
            assert_eq!(names(world.by_closure(&expr, &stored)), wanted, "by the closure: {expr:?}");
            let lowered = world.lowered(&expr).unwrap_or_else(|reason| panic!("{reason}: {expr:?}"));
            let ids: Vec<_> = stored.iter().map(|person| person.id).collect();
            let found = lower::matching(&mut connection, &lowered, Some(&ids)).await;
            let found = found.unwrap_or_else(|error| panic!("{error}: {expr:?}\n{}", lowered.sql));
            assert_eq!(names(found), wanted, "in SQL: {expr:?}\n{}", lowered.sql);
        }
        first += people.len() as i64;
    }
}

#[test]
fn what_sql_can_not_say_is_refused_with_a_reason() {
    let world = World::new("2026-10-26T10:00:00Z");
    let last = || Expr::LastAt("Order".into());
    let day = || literal(Span::Days(1));
    let zero = || compare(literal("\0"), Lt, profile("x"));
    let cases = [
        (has(profile("sessions")), NotInSql::Encoded("sessions")),
        (has(profile("first_seen")), NotInSql::Encoded("first_seen")),
        (has(path(Root::Cart, "value")), NotInSql::Root("cart")),
        (has(path(Root::Event, "x")), NotInSql::Root("event")),
        (has(path(Root::Entry, "x")), NotInSql::Root("entry")),
        (has(path(Root::Run, "x")), NotInSql::Root("run")),
        (path(Root::Step("a".into()), "sent"), NotInSql::Root("a step's result")),
        (has(element("x")), NotInSql::NoElement),
        (compare(arithmetic(last(), Add, day()), Lt, Expr::Now), NotInSql::Calendar),
        (has(arithmetic(day(), Mul, profile("x"))), NotInSql::Duration),
        (has(arithmetic(price(), Add, price())), NotInSql::Money("two sums are added")),
        (has(computed(price(), Div, 3.0)), NotInSql::Money("the number divides into endless decimals")),
        (has(computed(price(), Mul, 1.23456789012345)), NotInSql::Money("the number has too many digits")),
        (has(arithmetic(price(), Mul, profile("x"))), NotInSql::Money("the number is of the person")),
        (has(call(ListCall::Max, profile("l"), Some(cast(Type::Money, element(""))))), NotInSql::List),
        (zero(), NotInSql::ZeroByte),
        (has(profile("a\0b")), NotInSql::ZeroByte),
    ];
    for (expr, reason) in cases {
        assert_eq!(world.lowered(&expr), Err(reason), "{expr:?}");
    }
}

#[tokio::test]
async fn sql_is_bounded() {
    let world = World::new("2026-10-26T10:00:00Z");
    let too_large = |limit, of| Err(NotInSql::TooLarge { limit, of });
    let x = || profile("x");
    let nested = |levels: usize| (0..levels).fold(has(x()), |expr, _| not(expr));
    assert!(world.lowered(&nested(lower::LEVELS - 2)).is_ok());
    assert_eq!(world.lowered(&nested(lower::LEVELS)), too_large(lower::LEVELS, "levels"));
    let known = |length| call(ListCall::Sum, list(vec![literal(1.0); length]), None);
    assert!(world.lowered(&compare(known(5_000), Gt, literal(1.0))).is_ok());
    assert_eq!(
        world.lowered(&compare(known(lower::NODES), Gt, literal(1.0))),
        too_large(lower::NODES, "sub-expressions")
    );
    let any =
        |length| call(ListCall::Any, list(vec![x(); length]), Some(compare(element(""), Eq, literal("a"))));
    assert!(world.lowered(&any(500)).unwrap().sql.len() <= lower::SQL_BYTES);
    assert_eq!(world.lowered(&any(2_000)), too_large(lower::SQL_BYTES, "bytes"));
    let days = |nth: i32| compare(x(), Eq, Expr::Count(counted("Order", Some(Span::Days(nth)))));
    let calendars = |length| {
        let days: Vec<Expr> = (0..length).map(|nth| days(nth + 1)).collect();
        call(ListCall::Any, list(days), None)
    };
    assert!(world.lowered(&calendars(lower::CALENDARS as i32)).is_ok());
    assert_eq!(
        world.lowered(&calendars(lower::CALENDARS as i32 + 1)),
        too_large(lower::CALENDARS, "computations by zone")
    );
    // Each of 16 segments asks twice for the next: nothing known grows, but it would take for ever.
    let twice = |name: &str| {
        Expr::And(Box::new(Expr::InSegment(name.into())), Box::new(Expr::InSegment(name.into())))
    };
    let doubling =
        World { segments: super::segments(vec![("a", twice("a"))]), ..World::new("2026-10-26T10:00:00Z") };
    assert_eq!(doubling.lowered(&twice("a")), too_large(lower::NODES, "sub-expressions"));
    let database = Database::new().await;
    let mut connection = database.pool.acquire().await.unwrap();
    let people = people::write(&mut connection, 1, &[known_x(7), known_x(-7)]).await;
    for largest in [nested(lower::LEVELS - 2), any(500), calendars(lower::CALENDARS as i32)] {
        world.check(&mut connection, &largest, &people).await.unwrap().expect("lowered");
    }
    // The deepest SQL there is: products within products, up to the limit in bytes.
    let product = |levels: usize| (0..levels).fold(number("x"), |expr, _| arithmetic(expr, Mul, number("x")));
    let deepest =
        (1..lower::LEVELS).take_while(|levels| world.lowered(&has(product(*levels))).is_ok()).last().unwrap();
    world.check(&mut connection, &has(product(deepest)), &people).await.unwrap().expect("lowered");
    // All people, where none are named.
    let lowered = world.lowered(&compare(profile("x"), Gt, literal(0.0))).unwrap();
    assert_eq!(lower::matching(&mut connection, &lowered, None).await.unwrap(), [people[0].id]);
}

fn known_x(x: i32) -> Somebody {
    known(json!({ "x": x }))
}
