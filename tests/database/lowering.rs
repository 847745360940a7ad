//! Expressions in SQL answer as the closures do.

mod cases;
mod edges;
mod expressions;
mod people;
mod scores;

use jiff::tz::TimeZone;
use journeyman_domain::expr::{Comparison, Expr, Scope, Segments, compile};
use journeyman_domain::person::Person;
use journeyman_domain::plan::{Condition, Policies, Segment};
use journeyman_domain::value::{Rates, Span, Value};
use journeyman_domain::{PersonId, ShopTime};
use journeyman_store::lower::{self, Context, Lowered, NotInSql, condition, matching};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use sqlx::PgConnection;

use self::expressions::*;
use crate::harness::postgres::Database;

/// What everything is asked under.
struct World {
    now: ShopTime,
    shop_zone: TimeZone,
    policies: Policies,
    segments: Segments,
}

impl World {
    fn new(now: &str) -> Self {
        let mut rates = Rates::default();
        for (currency, rate) in [("USD", "0.92"), ("GBP", "1.1737")] {
            rates.rates.insert(currency.parse().unwrap(), rate.parse().unwrap());
        }
        let vip = compare(Expr::Count(counted("Order", Some(Span::Days(30)))), Comparison::Gt, literal(1.0));
        let circle = not(Expr::InSegment("circle".into()));
        Self {
            now: at(now),
            shop_zone: people::shop_zone(),
            policies: Policies { rates, ..Policies::default() },
            segments: segments(vec![("vip", vip), ("circle", circle)]),
        }
    }

    fn lowered(&self, expr: &Expr) -> Result<Lowered, NotInSql> {
        condition(
            expr,
            &Context {
                now: self.now,
                shop_zone: &self.shop_zone,
                rates: &self.policies.rates,
                segments: &self.segments,
                first_parameter: 1,
            },
        )
    }

    fn scope<'a>(&'a self, person: &'a Person, zone: &'a TimeZone) -> Scope<'a> {
        Scope {
            person,
            now: self.now,
            zone,
            segments: &self.segments,
            policies: &self.policies,
            catalog: &journeyman_domain::catalog::Nothing,
            event: None,
            run: None,
            element: None,
            item: None,
            depth: 0,
        }
    }

    /// What the closure makes of an expression, of nobody.
    fn value(&self, expr: &Expr) -> Value {
        compile(expr).value(&self.scope(&Person::new(PersonId(0), 0), &self.shop_zone))
    }

    /// The people for whom it holds by the closure.
    fn by_closure(&self, expr: &Expr, people: &[Person]) -> Vec<PersonId> {
        let compiled = compile(expr);
        let holds = |person: &&Person| {
            let zone = people::zone_of(person.hot.zone.as_ref().map(|(zone, _)| zone.as_ref()));
            compiled.holds(&self.scope(person, &zone))
        };
        people.iter().filter(holds).map(|person| person.id).collect()
    }

    /// Both ways: for how many it holds, `None` of what is not lowered.
    async fn check(
        &self,
        connection: &mut PgConnection,
        expr: &Expr,
        people: &[Person],
    ) -> Result<Option<usize>, String> {
        let Ok(lowered) = self.lowered(expr) else { return Ok(None) };
        let ids: Vec<PersonId> = people.iter().map(|person| person.id).collect();
        let found = matching(connection, &lowered, Some(&ids))
            .await
            .map_err(|error| format!("{error}\n{expr:?}\n{}", lower::people(&lowered, true)))?;
        let truth = self.by_closure(expr, people);
        let Some(person) =
            people.iter().find(|person| truth.contains(&person.id) != found.contains(&person.id))
        else {
            return Ok(Some(found.len()));
        };
        let closure = truth.contains(&person.id);
        Err(format!(
            "the closure says {closure}, SQL the opposite\n{expr:#?}\nof {person:#?}\n{}",
            lowered.sql
        ))
    }
}

fn segments(named: Vec<(&str, Expr)>) -> Segments {
    let segment =
        |(name, expr): (&str, Expr)| Segment { name: name.into(), condition: Condition::new(name, expr) };
    Segments::new(named.into_iter().map(segment).collect())
}

fn at(text: &str) -> ShopTime {
    ShopTime::new(text.parse().unwrap())
}

fn seeded(batch: u32) -> TestRng {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&batch.to_le_bytes());
    TestRng::from_seed(RngAlgorithm::ChaCha, &seed)
}

/// Before and after the clocks change, in Europe and elsewhere.
const MOMENTS: [&str; 5] = [
    "2026-10-26T00:30:00Z",
    "2026-10-26T10:00:00.000001Z",
    "2026-03-29T23:45:00Z",
    "2026-03-30T01:30:00Z",
    "2026-07-01T12:00:00Z",
];
const BATCHES: u32 = 60;
const PEOPLE: usize = 40;
const EXPRESSIONS: u32 = 30;

#[test]
fn sql_answers_as_the_closures_do() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // The pool gives connections back from within one.
    let _within = runtime.enter();
    let database = runtime.block_on(Database::new());
    let mut connection = runtime.block_on(database.pool.acquire()).unwrap();
    let (mut lowered, mut telling, mut all) = (0, 0, 0);
    // For a longer look: each batch has its own seed, whatever their number.
    let batches = std::env::var("JOURNEYMAN_LOWERING_BATCHES").ok().and_then(|batches| batches.parse().ok());
    for batch in 0..batches.unwrap_or(BATCHES) {
        let world = World::new(MOMENTS[batch as usize % MOMENTS.len()]);
        let config = Config { cases: EXPRESSIONS, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, seeded(batch));
        let crowd = proptest::collection::vec(people::somebody(world.now), PEOPLE);
        let crowd = crowd.new_tree(&mut runner).unwrap().current();
        let first = i64::from(batch) * PEOPLE as i64 + 1;
        let people = runtime.block_on(people::write(&mut connection, first, &crowd));
        let connection = std::cell::RefCell::new(&mut *connection);
        let outcomes = std::cell::RefCell::new(Vec::new());
        let outcome = runner.run(&expressions::conditions(world.now), |expr| {
            let checked = runtime.block_on(world.check(*connection.borrow_mut(), &expr, &people));
            outcomes.borrow_mut().extend(checked.clone());
            checked.map(drop).map_err(TestCaseError::fail)
        });
        if let Err(failed) = outcome {
            panic!("batch {batch}: {failed}");
        }
        let outcomes = outcomes.into_inner();
        all += outcomes.len();
        lowered += outcomes.iter().flatten().count();
        telling += outcomes.iter().flatten().filter(|found| (1..PEOPLE).contains(*found)).count();
    }
    println!("{lowered} of {all} expressions were lowered, {telling} hold for some and not for others");
    assert!(lowered * 10 > all * 6, "{lowered} of {all}");
    assert!(telling * 5 > all, "{telling} of {all}");
}
