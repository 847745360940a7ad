//! Where Postgres and the closures compute by different means: moments from text, decimals from numbers, keys from
//! numbers, sums and products at the edges of f64. Each is tried on many values at once: a person for each.

use journeyman_domain::ShopTime;
use journeyman_domain::expr::{Comparison, Counted, Expr, Filter, ListCall, Operator, Type};
use journeyman_domain::person::{Feature, FeatureKey, Occurrence};
use journeyman_domain::value::{Currency, Money, Value};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use super::expressions::*;
use super::people::{self, NUMBERS, Somebody};
use super::{World, seeded};
use crate::harness::postgres::Database;

const VALUES: usize = 1_000;
const SOME: usize = 20;

fn many<T: std::fmt::Debug>(of: impl Strategy<Value = T>) -> Vec<T> {
    let mut runner = TestRunner::new_with_rng(Config::default(), seeded(7));
    (0..VALUES).map(|_| of.new_tree(&mut runner).unwrap().current()).collect()
}

/// Both ways, and how many hold; an expression is asked of everybody, or of its chunk of `each` people.
async fn holds(people: Vec<Somebody>, each: usize, expressions: Vec<Expr>) -> Vec<usize> {
    let world = World::new("2026-10-26T10:00:00Z");
    let database = Database::new().await;
    let mut connection = database.pool.acquire().await.unwrap();
    let people = people::write(&mut connection, 1, &people).await;
    let mut counts = Vec::new();
    for (expr, some) in expressions.iter().zip(people.chunks(each).cycle()) {
        let checked = world.check(&mut connection, expr, some).await;
        counts.push(checked.unwrap_or_else(|failed| panic!("{failed}")).expect("lowered"));
    }
    counts
}

fn known(traits: serde_json::Value) -> Somebody {
    Somebody { traits: Some(traits), ..Somebody::default() }
}

/// Text that is nearly a moment, or is one.
fn near_moments() -> BoxedStrategy<String> {
    let year = select(vec![
        "2026", "1969", "0000", "9999", "1900", "2000", "-009999", "+002024", "-000000", "+010000",
    ]);
    let month = select(vec!["01", "02", "06", "12", "13"]);
    let day = select(vec!["01", "27", "28", "29", "30", "31", "32"]);
    let date = (year, select(vec!["-", "-", "-", ""]), month, day)
        .prop_map(|(y, d, m, n)| format!("{y}{d}{m}{d}{n}"));
    let two = |most: u32| (0..=most + 1).prop_map(|number| format!("{number:02}"));
    let fraction = select(vec!["", ".5", ",123456", ".123456789", ".0000005", ".1234567890", ".999999999"]);
    let time =
        (select(vec!["T", "t", " "]), select(vec![":", ":", ""]), two(23), two(59), two(60), fraction, 1..4)
            .prop_map(|(t, c, h, m, s, f, parts)| match parts {
                1 => format!("{t}{h}"),
                2 => format!("{t}{h}{c}{m}"),
                _ => format!("{t}{h}{c}{m}{c}{s}{f}"),
            });
    let offsets =
        ["Z", "z", "", "+02:00", "-0530", "+14", "-25:59:59.5", "+25:59:59", "+26", "-00:00:30", "+1"];
    let offset = prop_oneof![
        3 => select(Vec::from(offsets)).prop_map(str::to_owned),
        1 => (select(vec!["+", "-"]), two(25), select(vec![":", ""]), two(59)).prop_map(|(s, h, c, m)| format!("{s}{h}{c}{m}")),
    ];
    let annotations = [
        "[Europe/Berlin]",
        "[!UTC]",
        "[+02:00]",
        "[u-ca=gregory]",
        "[Nowhere][x=y-z]",
        "[!x=y]",
        "[]",
        "[+1]",
        "x",
        "\n",
    ];
    let annotation = prop_oneof![3 => Just(""), 1 => select(Vec::from(annotations))];
    let full =
        (date.clone(), time, offset, annotation.clone()).prop_map(|(d, t, o, a)| format!("{d}{t}{o}{a}"));
    let bare = (date, annotation).prop_map(|(d, a)| format!("{d}{a}"));
    let text = prop_oneof![5 => full, 1 => bare];
    // One in four has a wrong character somewhere.
    let wrong = prop::option::weighted(
        0.25,
        (any::<prop::sample::Index>(), select(vec!['-', ':', '0', '9', 'T', '+'])),
    );
    (text, wrong)
        .prop_map(|(text, wrong)| match wrong {
            Some((place, wrong)) => {
                let mut text: Vec<char> = text.chars().collect();
                let place = place.index(text.len());
                text[place] = wrong;
                text.into_iter().collect()
            }
            None => text,
        })
        .boxed()
}

#[tokio::test]
async fn moments_from_text() {
    let moment = |name: &str| cast(Type::Time, profile(name));
    let read = |text: &str| {
        let text: std::sync::Arc<str> = text.into();
        let world = World::new("2026-10-26T10:00:00Z");
        world.value(&cast(Type::Time, Expr::Literal(Value::Text(text))))
    };
    let people: Vec<Somebody> = many(near_moments())
        .into_iter()
        .map(|text| {
            // As the closure reads it, written plainly: SQL must find the same moment in both.
            let plain = match read(&text) {
                Value::Time(at) => json!(at.to_string()),
                _ => json!(null),
            };
            known(json!({ "text": text, "plain": plain }))
        })
        .collect();
    let equal = compare(moment("text"), Comparison::Eq, moment("plain"));
    let missing = Expr::And(Box::new(not(has(moment("text")))), Box::new(not(has(moment("plain")))));
    let counts = holds(people, VALUES, vec![equal, missing, has(moment("text"))]).await;
    assert_eq!(counts[0] + counts[1], VALUES, "{counts:?}");
    assert_eq!(counts[0], counts[2], "{counts:?}");
    assert!(counts[0] > VALUES / 10 && counts[1] > VALUES / 10, "{counts:?}");
}

#[tokio::test]
async fn decimals_from_numbers() {
    let cents = (-1_000_000i64..1_000_000).prop_map(|cents| cents as f64 / 100.0);
    let noise = (1i64..100_000, 1i64..50).prop_map(|(cents, times)| cents as f64 / 100.0 * times as f64);
    let bits = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |number| number.is_finite());
    let sized = (any::<u64>(), -110i32..100).prop_map(|(bits, power)| bits as f64 * 2f64.powi(power - 64));
    let numbers = many(prop_oneof![2 => cents, 3 => noise, 1 => bits, 4 => sized, 1 => select(&NUMBERS[..])]);
    let decimals: Vec<Option<Money>> =
        numbers.iter().map(|number| Money::from_number(*number, Currency::EUR)).collect();
    let people: Vec<Somebody> = numbers.iter().map(|number| known(json!({ "x": number }))).collect();
    let x = || cast(Type::Money, profile("x"));
    // Whether each is exactly the decimal that the closures have: some at a time, for the SQL's size.
    let expressions = decimals.chunks(SOME).map(|some| {
        let some = some.iter().flatten().map(|money| literal(*money)).collect::<Vec<_>>();
        Expr::In(Box::new(x()), Box::new(Expr::List(some.into())))
    });
    let counts = holds(people, SOME, expressions.collect()).await;
    assert_eq!(counts.iter().sum::<usize>(), decimals.iter().flatten().count(), "{counts:?}");
}

#[tokio::test]
async fn conversions_of_money() {
    let sized = (any::<u32>(), -60i32..20).prop_map(|(bits, power)| f64::from(bits) * 2f64.powi(power));
    let cents = (-1_000_000i64..1_000_000).prop_map(|cents| cents as f64 / 100.0);
    // So small that a part of them is rounded, some of them from exactly half.
    let last = (1i32..60).prop_map(|last| f64::from(last) * 1e-28);
    let amounts =
        many((prop_oneof![2 => sized, 2 => cents, 1 => last], select(vec!["EUR", "USD", "GBP", "JPY"])));
    let world = World::new("2026-10-26T10:00:00Z");
    let people: Vec<Somebody> = amounts
        .iter()
        .map(|(amount, of)| known(json!({ "x": { "amount": amount, "currency": of } })))
        .collect();
    let x = || cast(Type::Money, profile("x"));
    // Each in euro, as the closures convert it: equal in SQL, whatever the currency it came from.
    let worth: Vec<Option<Money>> = amounts
        .iter()
        .map(|(amount, of)| {
            world.policies.rates.convert(Money::from_number(*amount, of.parse().unwrap())?, Currency::EUR)
        })
        .collect();
    let expressions = worth.chunks(SOME).map(|some| {
        let some = some.iter().flatten().map(|money| literal(*money)).collect::<Vec<_>>();
        Expr::In(Box::new(x()), Box::new(Expr::List(some.into())))
    });
    let counts = holds(people.clone(), SOME, expressions.collect()).await;
    assert_eq!(counts.iter().sum::<usize>(), worth.iter().flatten().count(), "{counts:?}");
    for (operator, by) in
        [(Operator::Mul, 0.25), (Operator::Div, 4.0), (Operator::Div, 0.8), (Operator::Div, 1000.0)]
    {
        let part = |money: &Money| if operator == Operator::Mul { money.times(by) } else { money.over(by) };
        let expressions = amounts.chunks(SOME).map(|some| {
            let some = some
                .iter()
                .filter_map(|(amount, of)| part(&Money::from_number(*amount, of.parse().unwrap())?));
            let some = some.map(literal).collect::<Vec<_>>();
            Expr::In(Box::new(arithmetic(x(), operator, literal(by))), Box::new(Expr::List(some.into())))
        });
        let counts = holds(people.clone(), SOME, expressions.take(VALUES / SOME / 8).collect()).await;
        assert!(counts.iter().all(|count| *count == SOME), "{operator:?} {by}: {counts:?}");
    }
}

#[tokio::test]
async fn keys_from_numbers() {
    let large = (53i32..200, 0u64..1 << 20)
        .prop_map(|(power, off)| 2f64.powi(power) + off as f64 * 2f64.powi(power - 52));
    let round =
        (1u32..1000, 15i32..308).prop_map(|(number, zeros)| format!("{number}e{zeros}").parse().unwrap());
    let bits = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |number| number.is_finite());
    let numbers = many(prop_oneof![
        2 => large,
        2 => round.prop_filter("finite", |number: &f64| number.is_finite()),
        2 => bits,
        1 => (-1000i64..1000).prop_map(|number| number as f64 / 8.0),
        1 => select(&NUMBERS[..])
    ]);
    let key = FeatureKey { event: "Order".into(), field: None, by: Some("category".into()) };
    let people = numbers.iter().map(|number| {
        let value = Value::number(*number).key().unwrap();
        let recent = vec![Occurrence { at: ShopTime::EPOCH, amount: 0.0, value }];
        let feature = Feature { last: None, recent, days: vec![], dirty: false };
        let traits = Some(json!({ "x": number, "y": number }));
        Somebody { traits, features: vec![(key.clone(), feature)], zone: None }
    });
    let people: Vec<Somebody> = people.collect();
    let count = |equals: Expr| {
        let filter = Some(Filter { property: "category".into(), equals: Box::new(equals) });
        Expr::Count(Counted { filter, ..counted("Order", None) })
    };
    let computed = arithmetic(cast(Type::Number, profile("y")), Operator::Mul, literal(1.0));
    let one = |expr| compare(expr, Comparison::Eq, literal(1.0));
    let counts = holds(people, VALUES, vec![one(count(profile("x"))), one(count(computed))]).await;
    assert_eq!(counts, [VALUES, VALUES]);
}

#[tokio::test]
async fn sums_and_products_at_the_edges() {
    let edges = vec![
        0.0,
        1.0,
        -1.0,
        1.5,
        0.75,
        f64::MAX,
        -f64::MAX,
        f64::MAX / 2.0,
        8.98846567431158e307,
        2f64.powi(970),
        f64::MIN_POSITIVE,
        5e-324,
        -5e-324,
        1e-323,
        0.5,
        2.0,
        3.0,
        1e154,
        1.3407807929942596e154,
        1e-162,
        1.5e-162,
        2.2227587494850775e-162,
        1e300,
        1e-300,
        1e200,
        1e-200,
    ];
    let bits = any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |number| number.is_finite());
    let number = prop_oneof![2 => select(edges), 1 => bits];
    let pairs = many((number.clone(), number));
    let results =
        |how: fn(f64, f64) -> f64| pairs.iter().map(move |(a, b)| Value::number(how(*a, *b))).collect();
    let (sums, differences, products, quotients): (Vec<Value>, Vec<Value>, Vec<Value>, Vec<Value>) =
        (results(|a, b| a + b), results(|a, b| a - b), results(|a, b| a * b), results(|a, b| a / b));
    let people = (0..VALUES)
        .map(|nth| {
            known(json!({
                "a": pairs[nth].0, "b": pairs[nth].1, "list": [pairs[nth].0, 1, pairs[nth].1, "x", -1],
                "sum": sums[nth].as_number(), "difference": differences[nth].as_number(),
                "product": products[nth].as_number(), "quotient": quotients[nth].as_number(),
            }))
        })
        .collect();
    let computed = |operator| arithmetic(profile("a"), operator, profile("b"));
    let mut expressions = Vec::new();
    let named = [
        (Operator::Add, "sum"),
        (Operator::Sub, "difference"),
        (Operator::Mul, "product"),
        (Operator::Div, "quotient"),
    ];
    for (operator, name) in named {
        expressions.push(compare(computed(operator), Comparison::Eq, profile(name)));
        expressions.push(has(computed(operator)));
    }
    expressions.push(has(call(ListCall::Sum, profile("list"), None)));
    let sum = call(ListCall::Sum, profile("list"), None);
    expressions.push(compare(sum, Comparison::Gt, profile("a")));
    let counts = holds(people, VALUES, expressions).await;
    for (nth, values) in [sums, differences, products, quotients].iter().enumerate() {
        let there = values.iter().filter(|value| !value.is_missing()).count();
        assert_eq!((counts[2 * nth], counts[2 * nth + 1]), (there, there), "{counts:?}");
    }
}
