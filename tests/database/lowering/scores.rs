//! Questions of scores, as journeys write them, answer in SQL as the closures do.

use std::sync::Arc;

use journeyman_domain::expr::Expr;
use journeyman_domain::score::{BANDS, TRAIT};
use journeyman_journey::{Severity, Source, check};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value as Json, json};

use super::people::{self, Somebody};
use super::{World, seeded};
use crate::harness::postgres::Database;

const BATCHES: u32 = 8;
const PEOPLE: usize = 60;
const QUESTIONS: usize = 80;

/// What may stand in a place of a question: numbers of scores, and beside what they are asked.
const NUMBERS: [&str; 12] = [
    "scores.churn",
    "scores.alive",
    "scores.expected_90d",
    "profile.points",
    "0",
    "0.5",
    "0.8",
    "1",
    "scores.churn * scores.alive",
    "scores.expected_90d / scores.alive",
    "scores.churn - 0.3",
    "1 - scores.churn",
];
const MONEYS: [&str; 7] =
    ["scores.clv", "60 EUR", "100 USD", "0 EUR", "scores.clv * 2", "scores.clv / 4", "scores.clv + 10 EUR"];
const TEXTS: [&str; 7] =
    ["scores.churn_band", "scores.model", "'low'", "'medium'", "'high'", "'recency'", "profile.band"];
const ALL: [&str; 6] = ["churn", "alive", "expected_90d", "clv", "churn_band", "model"];

fn questions() -> BoxedStrategy<String> {
    let compared = |of: &'static [&'static str]| {
        let how = select(&["==", "!=", "<", "<=", ">", ">="][..]);
        (select(of), how, select(of)).prop_map(|(a, how, b)| format!("{a} {how} {b}"))
    };
    let equal = (select(&TEXTS[..]), select(&["==", "!="][..]), select(&TEXTS[..]))
        .prop_map(|(a, how, b)| format!("{a} {how} {b}"));
    let among = prop::collection::vec(select(&BANDS[..]), 0..3)
        .prop_map(|bands| format!("scores.churn_band in {:?}", bands).replace('"', "'"));
    let atom = prop_oneof![
        4 => compared(&NUMBERS),
        3 => compared(&MONEYS),
        3 => equal,
        1 => among,
        2 => select(&ALL[..]).prop_map(|name| format!("has(scores.{name})")),
    ];
    atom.prop_recursive(3, 12, 2, |inner| {
        let both = (inner.clone(), select(&["and", "or"][..]), inner.clone());
        prop_oneof![
            2 => both.prop_map(|(a, word, b)| format!("({a} {word} {b})")),
            1 => inner.prop_map(|of| format!("not ({of})")),
        ]
    })
    .boxed()
}

/// Scores as the engine tells them, some of them not; some people have none, or what no version has written.
fn scores() -> BoxedStrategy<Option<Json>> {
    let share = select(vec![0.0, 0.3, 0.5, 0.8, 0.99, 1.0]);
    let told = (
        share.clone(),
        share,
        0.0f64..20.0,
        select(vec![0.0, 15.0, 59.99, 60.0, 92.0, 1e6]),
        select(&BANDS[..]),
    );
    let told = (told, select(vec!["EUR", "USD", "JPY"]), prop::collection::vec(select(&ALL[..]), 0..3));
    let told = told.prop_map(|((churn, alive, expected, clv, band), currency, missing)| {
        let mut scores = json!({ "churn": churn, "alive": alive, "expected_90d": expected, "clv": clv,
            "currency": currency, "churn_band": band, "model": "bg-nbd 3" });
        let fields = scores.as_object_mut().unwrap();
        missing.iter().for_each(|name| drop(fields.remove(*name)));
        scores
    });
    let odd = select(vec![
        Json::Null,
        json!({}),
        json!("high"),
        json!([1]),
        json!({ "churn": "0.5", "clv": "60 EUR" }),
    ]);
    prop_oneof![8 => told.prop_map(Some), 1 => odd.prop_map(Some), 2 => Just(None)].boxed()
}

fn somebody() -> BoxedStrategy<Somebody> {
    let points = prop::option::of(select(vec![0.0, 0.5, 1.0, 3.0]));
    let band = prop::option::of(select(&BANDS[..]));
    (scores(), points, band)
        .prop_map(|(scores, points, band)| {
            let mut traits = json!({ "points": points, "band": band });
            if let Some(scores) = scores {
                traits[TRAIT] = scores;
            }
            Somebody { traits: Some(traits), ..Somebody::default() }
        })
        .boxed()
}

/// Questions as a shop's segments ask them.
#[track_caller]
fn compiled(questions: &[String]) -> Vec<(Arc<str>, Arc<Expr>)> {
    let shop = "currency: EUR\nrates: { USD: 0.92, GBP: 1.1737 }\n";
    let mut files = vec![Source { path: "journeyman.yaml".into(), text: shop.to_owned() }];
    for (nth, question) in questions.iter().enumerate() {
        let text = format!("segment: s{nth}\nif: \"{question}\"\n");
        files.push(Source { path: format!("journeys/segments/s{nth}.yaml"), text });
    }
    let checked = check(&files, None, false);
    let errors = checked.diagnostics.iter().filter(|said| said.severity == Severity::Error);
    let errors: Vec<String> = errors.map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    checked
        .deployment
        .unwrap()
        .segments
        .into_iter()
        .map(|segment| (segment.condition.text, segment.condition.expr))
        .collect()
}

#[test]
fn what_is_asked_of_scores_sql_answers_as_the_closures_do() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _within = runtime.enter();
    let database = runtime.block_on(Database::new());
    let mut connection = runtime.block_on(database.pool.acquire()).unwrap();
    let (mut lowered, mut telling, mut all) = (0, 0, 0);
    for batch in 0..BATCHES {
        let world = World::new("2026-07-01T12:00:00Z");
        let config = Config { failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, seeded(1_000 + batch));
        let crowd = prop::collection::vec(somebody(), PEOPLE).new_tree(&mut runner).unwrap().current();
        let first = i64::from(batch) * PEOPLE as i64 + 1;
        let people = runtime.block_on(people::write(&mut connection, first, &crowd));
        let asked = prop::collection::vec(questions(), QUESTIONS).new_tree(&mut runner).unwrap().current();
        for (question, expr) in compiled(&asked) {
            let found = runtime.block_on(world.check(&mut connection, &expr, &people));
            let found = found.unwrap_or_else(|error| panic!("batch {batch}: {question}\n{error}"));
            all += 1;
            // Money and money are added by nobody in SQL.
            let Some(found) = found else {
                assert!(question.contains("+ 10 EUR"), "not lowered: {question}");
                continue;
            };
            lowered += 1;
            telling += usize::from((1..PEOPLE).contains(&found));
        }
    }
    println!("{lowered} of {all} questions were lowered, {telling} hold for some and not for others");
    assert!(lowered * 10 > all * 7 && telling * 2 > lowered, "{lowered} of {all}, {telling} of them telling");
}
