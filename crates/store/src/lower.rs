//! Expressions as parameterised SQL over one person: the same answers as the closures of `domain`, or none.
//!
//! The closures are the truth (`domain::expr::compile`); `tests/database/lowering.rs` holds the two together. What can't
//! be said in SQL with the same answer is refused with the reason ([`NotInSql`]), and the caller asks the closures.
//!
//! # What the produced SQL stands on
//! It speaks of `p`, a row of `persons`, and `t`, the person's row of `traits` where there is one ([`PEOPLE`]), and asks
//! `features` in sub-selects. Traits were written by `Traits::write`: every number in them is a finite f64.
//! Every name and literal of the expression is a parameter; the text holds words of ours alone.
//!
//! # How values are kept
//! NULL is what is missing. A number is `float8`, text `text` compared bytewise, a moment or a duration microseconds in
//! a `bigint`, money a `numeric` and its currency, a value of unknown type `jsonb`, and a condition never NULL. What does
//! not depend on the person is computed here, by the closures themselves; calendar days counted from such a moment (`now`
//! above all) are computed here once for each zone, since Postgres takes the second of two clock times in autumn and has
//! another edition of the zones.
//!
//! # Tested ranges
//! - Money is exact for amounts below 4.5e15 with at most 28 digits after conversion; of rates and factors that could
//!   need more the expression is refused. Numbers become decimals as `Decimal::from_f64` makes them (16 digits at most).
//! - A sum or product of numbers that is not finite is missing, as in the closures. A product below half of the smallest
//!   f64 is 0; within one part in 2^53 of that limit it may be 0 where the closures have 5e-324.
//! - A moment beyond the year 9999 is held at the calendar's last microsecond, in the closures at its last nanosecond.

mod arithmetic;
mod clock;
mod compare;
mod counter;
mod decimal;
mod list;
mod moment;
mod money;
mod node;
mod walk;

use jiff::tz::TimeZone;
use journeyman_domain::expr::{Expr, Segments};
use journeyman_domain::value::Rates;
use journeyman_domain::{PersonId, ShopTime};
use sqlx::PgConnection;
use sqlx::postgres::Postgres;
use sqlx::query::QueryScalar;
use sqlx::types::JsonValue;

use crate::Error;

/// How large the SQL of one condition may become, bytes.
pub const SQL_BYTES: usize = 128 * 1024;
/// How many sub-expressions may be lowered for one condition, those of its segments included each time they are asked.
pub const NODES: usize = 10_000;
/// How deep an expression may be, its segments' within it: the walk is recursive.
pub const LEVELS: usize = 300;
/// How many computations one condition may make anew for each zone: each is a parameter of some kilobytes.
pub const CALENDARS: usize = 64;

/// The people a condition is asked about; it stands behind `WHERE`.
pub const PEOPLE: &str =
    "SELECT p.person_id FROM persons p LEFT JOIN traits t ON t.person_id = p.person_id WHERE ";

/// What a condition is asked under.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// When.
    pub now: ShopTime,
    /// On whose clock days are counted for people whose zone is unknown.
    pub shop_zone: &'a TimeZone,
    /// The shop's currency and rates.
    pub rates: &'a Rates,
    /// The deployed segments.
    pub segments: &'a Segments,
    /// The number of the first parameter: 1 where the condition stands alone.
    pub first_parameter: usize,
}

/// A condition in SQL: true or false, never NULL.
#[derive(Clone, Debug, PartialEq)]
pub struct Lowered {
    /// The expression, over `p` and `t` of [`PEOPLE`].
    pub sql: String,
    /// Its parameters, in their order.
    pub values: Vec<Bound>,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    /// `boolean`
    Bool(bool),
    /// `float8`
    Number(f64),
    /// `bigint`
    Integer(i64),
    /// `text`
    Text(String),
    /// `float8[]`
    Numbers(Vec<f64>),
    /// `bigint[]`
    Integers(Vec<i64>),
    /// `text[]`
    Texts(Vec<String>),
    /// `jsonb`
    Json(JsonValue),
}

/// Why an expression is left to the closures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotInSql {
    /// A root that no row of a person shows.
    #[error("`{0}` is not kept in rows that SQL could ask")]
    Root(&'static str),
    /// A part of the profile inside the encoded state.
    #[error("`profile.{0}` lies in the person's encoded state")]
    Encoded(&'static str),
    /// An element outside the brackets of a list's function.
    #[error("an element outside the brackets of a list's function")]
    NoElement,
    /// Calendar days from a moment of the person's own.
    #[error("calendar days are counted in SQL from `now` and from written moments only")]
    Calendar,
    /// A duration times something of the person's, or beyond 64 bits of microseconds.
    #[error("a duration that is computed from the person")]
    Duration,
    /// Money computed where the decimals of Postgres would differ from ours.
    #[error("money in SQL is compared, and multiplied by written numbers; here {0}")]
    Money(&'static str),
    /// A list's function over values that JSON does not have.
    #[error("a list's function over moments, durations or money")]
    List,
    /// Text with a zero byte, which Postgres does not store.
    #[error("text with a zero byte")]
    ZeroByte,
    /// Larger than one of the named limits.
    #[error("the SQL would be too large: more than {limit} {of}")]
    TooLarge {
        /// The limit.
        limit: usize,
        /// Its unit.
        of: &'static str,
    },
}

/// The SQL of a condition.
///
/// # Errors
/// [`NotInSql`]: then only the closure answers.
pub fn condition(expr: &Expr, context: &Context<'_>) -> Result<Lowered, NotInSql> {
    let mut lowering = walk::Lowering::new(context);
    let node = lowering.lower(expr)?;
    let sql = lowering.truth(node)?;
    lowering.bounded(sql.len())?;
    Ok(Lowered { sql, values: lowering.into_values() })
}

/// The statement that finds the people for whom a condition holds, among `people` where the parameter after the
/// condition's own is bound.
pub fn people(lowered: &Lowered, among: bool) -> String {
    let among =
        if among { format!(" AND p.person_id = ANY(${})", lowered.values.len() + 1) } else { String::new() };
    format!("{PEOPLE}({}){among} ORDER BY p.person_id", lowered.sql)
}

/// The people for whom a condition holds, all or those of `people`, in the order of their ids. The condition was made
/// with `first_parameter` 1.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(bytes = lowered.sql.len(), people = people.map(<[_]>::len)))]
pub async fn matching(
    connection: &mut PgConnection,
    lowered: &Lowered,
    people: Option<&[PersonId]>,
) -> Result<Vec<PersonId>, Error> {
    let sql = self::people(lowered, people.is_some());
    // Each condition is a statement of its own: the connection's cache of statements would fill with them.
    let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).persistent(false);
    for value in &lowered.values {
        query = value.bind(query);
    }
    if let Some(people) = people {
        query = query.bind(people.iter().map(|person| person.0).collect::<Vec<i64>>());
    }
    let found: Vec<i64> = query.fetch_all(connection).await?;
    Ok(found.into_iter().map(PersonId).collect())
}

/// For how many people a condition holds, those not counted who turned out to be somebody else. The condition was made with `first_parameter` 1.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(bytes = lowered.sql.len()))]
pub async fn count(connection: &mut PgConnection, lowered: &Lowered) -> Result<u64, Error> {
    let sql = format!(
        "SELECT count(*) FROM ({PEOPLE}({})) AS inside JOIN heads USING (person_id) WHERE heads.merged_into IS NULL",
        lowered.sql
    );
    let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).persistent(false);
    for value in &lowered.values {
        query = value.bind(query);
    }
    Ok(u64::try_from(query.fetch_one(connection).await?).unwrap_or(0))
}

type Query<'q> = QueryScalar<'q, Postgres, i64, sqlx::postgres::PgArguments>;

impl Bound {
    /// Binds it as the next parameter.
    fn bind<'q>(&self, query: Query<'q>) -> Query<'q> {
        match self {
            Self::Bool(truth) => query.bind(*truth),
            Self::Number(number) => query.bind(*number),
            Self::Integer(integer) => query.bind(*integer),
            Self::Text(text) => query.bind(text.clone()),
            Self::Numbers(numbers) => query.bind(numbers.clone()),
            Self::Integers(integers) => query.bind(integers.clone()),
            Self::Texts(texts) => query.bind(texts.clone()),
            Self::Json(json) => query.bind(json.clone()),
        }
    }

    /// Its type in SQL.
    fn sql_type(&self) -> &'static str {
        match self {
            Self::Bool(_) => "boolean",
            Self::Number(_) => "float8",
            Self::Integer(_) => "bigint",
            Self::Text(_) => "text",
            Self::Numbers(_) => "float8[]",
            Self::Integers(_) => "bigint[]",
            Self::Texts(_) => "text[]",
            Self::Json(_) => "jsonb",
        }
    }
}
