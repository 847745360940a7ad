//! What an expression has become: something known, or SQL of a known kind.

use journeyman_domain::value::Value;

use super::NotInSql;

/// An expression, lowered.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// The same for everybody.
    Known(Value),
    /// The same for everybody in one zone: by the clocks of [`super::clock`].
    Zoned(Vec<Value>),
    /// Never NULL.
    Bool(String),
    /// `float8`
    Number(String),
    /// `text`
    Text(String),
    /// `bigint`, microseconds since the epoch.
    Time(String),
    /// `bigint`, microseconds; exact, never calendar days.
    Span(String),
    /// A `numeric` and its currency.
    Money(Amount),
    /// `jsonb`, of whatever type.
    Json(String),
    /// A list of JSON.
    Rows(Rows),
    /// A list that was written out.
    Items(Vec<Node>),
}

/// Money.
#[derive(Clone, Debug)]
pub(super) struct Amount {
    /// `numeric`; NULL where there is none.
    pub amount: String,
    /// `text`
    pub currency: String,
    /// What it is in the shop's currency, where that is known already.
    pub base: Option<String>,
    /// How many digits the amount may have.
    pub digits: usize,
}

/// The elements of a JSON array that pass some conditions.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    /// The number of its name: the elements are `eN.v`, their places `eN.n`.
    pub alias: usize,
    /// `jsonb`; what is no array has no elements.
    pub source: String,
    /// What the elements pass.
    pub filters: Vec<String>,
}

/// SQL this long is named before it is used twice.
const REPEATED_BYTES: usize = 60;

impl Node {
    pub(super) const MISSING: Self = Self::Known(Value::Missing);

    pub(super) fn known(truth: bool) -> Self {
        Self::Known(Value::Bool(truth))
    }

    /// How long its SQL is, bytes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Known(_) | Self::Zoned(_) => 0,
            Self::Bool(sql)
            | Self::Number(sql)
            | Self::Text(sql)
            | Self::Time(sql)
            | Self::Span(sql)
            | Self::Json(sql) => sql.len(),
            Self::Money(money) => {
                money.amount.len() + money.currency.len() + money.base.as_ref().map_or(0, String::len)
            }
            Self::Rows(rows) => rows.source.len() + rows.filters.iter().map(String::len).sum::<usize>(),
            Self::Items(items) => items.iter().map(Self::size).sum(),
        }
    }
}

/// Something computed of a value that stands in it more than once: the value is named where it is long. `body` makes
/// SQL of the name.
pub(super) fn once(sql: &str, body: impl Fn(&str) -> String) -> String {
    if sql.len() <= REPEATED_BYTES {
        return body(sql);
    }
    format!("(SELECT {} FROM (SELECT {sql} AS v OFFSET 0) AS x)", body("x.v"))
}

/// The same of two values, `x.a` and `x.b`. `OFFSET 0` keeps the planner from putting them back in where they are used.
pub(super) fn both(a: &str, b: &str, body: &str) -> String {
    format!("(SELECT {body} FROM (SELECT {a} AS a, {b} AS b OFFSET 0) AS x)")
}

/// A JSON value as a number, where it is one.
pub(super) fn json_number(json: &str) -> String {
    once(json, |v| format!("(CASE jsonb_typeof({v}) WHEN 'number' THEN ({v})::float8 END)"))
}

/// A JSON value as text, where it is text.
pub(super) fn json_text(json: &str) -> String {
    once(json, |v| format!("(CASE jsonb_typeof({v}) WHEN 'string' THEN ({v}) #>> '{{}}' END)"))
}

/// A JSON value as true or false, where it is one of them.
pub(super) fn json_bool(json: &str) -> String {
    once(json, |v| format!("(CASE jsonb_typeof({v}) WHEN 'boolean' THEN ({v})::boolean END)"))
}

/// Text that Postgres can hold.
pub(super) fn storable(text: &str) -> Result<&str, NotInSql> {
    if text.contains('\0') { Err(NotInSql::ZeroByte) } else { Ok(text) }
}

/// A value as JSON, where nothing is lost: no moments, durations, money, records.
pub(super) fn plain(value: &Value) -> bool {
    match value {
        Value::Missing | Value::Bool(_) | Value::Number(_) => true,
        Value::Text(text) => !text.contains('\0'),
        Value::List(items) => items.iter().all(plain),
        Value::Time(_) | Value::Span(_) | Value::Money(_) | Value::Record(_) => false,
    }
}

impl Rows {
    /// The element.
    pub(super) fn element(&self) -> String {
        format!("e{}.v", self.alias)
    }

    /// Its place.
    pub(super) fn place(&self) -> String {
        format!("e{}.n", self.alias)
    }

    /// `FROM … WHERE …`, with one more condition.
    pub(super) fn from(&self, and: Option<&str>) -> String {
        let array = once(&self.source, |v| {
            format!("CASE jsonb_typeof({v}) WHEN 'array' THEN {v} ELSE '[]'::jsonb END")
        });
        let filters: Vec<&str> = self.filters.iter().map(String::as_str).chain(and).collect();
        let filters =
            if filters.is_empty() { String::new() } else { format!(" WHERE {}", filters.join(" AND ")) };
        format!("FROM jsonb_array_elements({array}) WITH ORDINALITY AS e{}(v, n){filters}", self.alias)
    }
}
