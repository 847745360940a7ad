//! Counters: what `count`, `sum` and `last` ask of `features`.

use jiff::tz::TimeZone;
use journeyman_domain::expr::Counted;
use journeyman_domain::person::FeatureKey;
use journeyman_domain::value::{KEY_BYTES, Span, Value};

use super::arithmetic::sum_of;
use super::node::{Node, json_number, json_text, once};
use super::walk::{Lower, Lowering};
use super::{Bound, NotInSql, clock};

/// Whatever a person's counters or lists hold (some thousands of values), summands below this never overflow together.
const HARMLESS: f64 = 1e300;

impl Lowering<'_> {
    pub(super) fn last_at(&mut self, event: &str) -> Lower {
        let key = FeatureKey { event: event.into(), field: None, by: None };
        let feature = self.parameter(Bound::Integer(key.number()));
        Ok(Node::Time(format!(
            "(SELECT (extract(epoch FROM f.last_at) * 1000000)::bigint FROM features f \
             WHERE f.person_id = p.person_id AND f.feature = {feature})"
        )))
    }

    /// How many, or their sum: first the days, oldest first, then the single occurrences, as `Feature::since` adds them.
    pub(super) fn counter(&mut self, counted: &Counted, summed: bool) -> Lower {
        let key = match &counted.filter {
            Some(filter) => {
                let node = self.lower(&filter.equals)?;
                let Some(key) = self.key(node)? else { return Ok(Node::Known(Value::Number(0.0))) };
                Some(key)
            }
            None => None,
        };
        let feature = self.parameter(Bound::Integer(counted.feature().number()));
        let from = counted.window.map(|window| self.from(window)).transpose()?;
        let days = from.as_ref().map_or(String::new(), |from| {
            // The day begins at or after the one of `from`, both cut downwards.
            format!(" WHERE (d.day::bigint + 1) * 86400000000 > {from}")
        });
        let mut recent: Vec<String> = from.iter().map(|from| format!("o.at >= {from}")).collect();
        // What is no key matches nothing, the days neither.
        let (named, matched) = match &key {
            Some(key) => {
                recent.push("o.value = k.key".to_owned());
                (format!(", (SELECT {key} AS key OFFSET 0) AS k"), " AND k.key IS NOT NULL")
            }
            None => (String::new(), ""),
        };
        let recent =
            if recent.is_empty() { String::new() } else { format!(" WHERE {}", recent.join(" AND ")) };
        let from_each = |day: &str, one: &str| {
            format!(
                "FROM features f{named}, LATERAL (SELECT 0 AS part, d.n, {day} AS x \
                 FROM unnest(f.days, f.day_counts, f.day_sums) WITH ORDINALITY AS d(day, count, sum, n){days} \
                 UNION ALL SELECT 1, o.n, {one} \
                 FROM unnest(f.times, f.amounts, f.\"values\") WITH ORDINALITY AS o(at, amount, value, n){recent}) AS s \
                 WHERE f.person_id = p.person_id AND f.feature = {feature}{matched}"
            )
        };
        Ok(Node::Number(if summed {
            let each = from_each("d.sum", "o.amount");
            total(&format!("SELECT s.x, s.part, s.n {each}"), "part, n", "0", false)
        } else {
            let each = from_each("d.count::bigint", "1");
            format!("(SELECT coalesce(sum(s.x), 0)::float8 {each})")
        }))
    }

    /// Where a window begins.
    fn from(&mut self, window: Span) -> Result<String, NotInSql> {
        let context = self.context;
        let before = |zone: &TimeZone| Value::Time(window.before(context.now, zone));
        let node = match window {
            Span::Exact(_) => Node::Known(before(context.shop_zone)),
            Span::Days(_) => {
                let others = clock::all().iter().map(|(_, zone)| before(zone));
                self.zoned(std::iter::once(before(context.shop_zone)).chain(others).collect())?
            }
        };
        match self.typed(node)? {
            Node::Time(sql) => Ok(sql),
            _ => Err(NotInSql::Calendar),
        }
    }

    /// A value as the text that keys a counter, NULL where it is none; `None` where it can't be one.
    fn key(&mut self, node: Node) -> Result<Option<String>, NotInSql> {
        if let Node::Known(value) = &node {
            return value.key().map(|key| self.text(&key)).transpose();
        }
        let text = |sql: &str| {
            once(sql, |v| format!("(CASE WHEN octet_length({v}) BETWEEN 1 AND {KEY_BYTES} THEN {v} END)"))
        };
        Ok(match self.typed(node)? {
            Node::Text(sql) => Some(text(&sql)),
            Node::Number(sql) => Some(number_key(&sql)),
            Node::Bool(sql) => Some(format!("({sql})::text")),
            Node::Json(sql) => Some(format!(
                "(CASE jsonb_typeof({sql}) WHEN 'string' THEN {} WHEN 'number' THEN {} WHEN 'boolean' THEN ({sql})::text END)",
                text(&json_text(&sql)),
                number_key(&json_number(&sql)),
            )),
            _ => None,
        })
    }
}

/// A number as `f64` displays it: the shortest digits that mean it, never with an exponent. Postgres finds others in two
/// cases: of two equally near ones it takes the even, which can happen to quarters from 2^50 on (a quarter is .3 then);
/// and from 2^53 on it leaves out what lies exactly between two numbers, so that shorter ones are tried.
fn number_key(number: &str) -> String {
    format!(
        "(SELECT CASE WHEN w.x = 0 THEN '0' \
         WHEN abs(w.x) >= 1125899906842624 AND abs(w.x) < 2251799813685248 AND abs(w.x) - trunc(abs(w.x)) = 0.25 \
         THEN trunc(w.x)::bigint || '.3' WHEN abs(w.x) < 9007199254740992 THEN w.x::text::numeric::text ELSE \
         CASE WHEN w.x < 0 THEN '-' ELSE '' END || coalesce((SELECT c.t::text FROM generate_series(1, 308) AS s(s), \
         LATERAL (VALUES (trunc(w.m, -s.s)), (trunc(w.m, -s.s) + ('1e' || s.s)::numeric)) AS c(t) \
         WHERE CASE WHEN c.t <= 1.7976931348623157e308 THEN c.t::float8 = abs(w.x) END \
         ORDER BY s.s DESC, abs(c.t - w.m) LIMIT 1), w.m::text) END \
         FROM (SELECT v.x, abs(v.x)::text::numeric AS m FROM (SELECT {number} AS x OFFSET 0) AS v OFFSET 0) AS w)"
    )
}

/// The sum of `x` over `rows`, in their order, `empty` where there is none. Where a summand is so large that the sum may
/// overflow, which Postgres answers with an error, it is added up step by step: what is not finite is missing, or with
/// `skipping` is left out.
pub(super) fn total(rows: &str, order: &str, empty: &str, skipping: bool) -> String {
    let step = sum_of("r.s", '+', "z.every[r.i + 1]");
    let finite = format!("CASE WHEN abs(z.every[r.i + 1]) < 'Infinity'::float8 THEN {step} END");
    let step = if skipping { format!("coalesce({finite}, r.s)") } else { finite };
    format!(
        "(SELECT CASE WHEN z.large THEN (WITH RECURSIVE r(i, s) AS (SELECT 0, 0::float8 UNION ALL \
         SELECT r.i + 1, {step} FROM r WHERE r.i < cardinality(z.every)) SELECT r.s FROM r ORDER BY r.i DESC LIMIT 1) \
         ELSE coalesce(z.sum, {empty}) END FROM \
         (SELECT sum(CASE WHEN abs(y.x) <= {HARMLESS:e}::float8 THEN y.x END ORDER BY {order}) AS sum, \
         coalesce(bool_or(NOT abs(y.x) <= {HARMLESS:e}::float8), false) AS large, \
         array_agg(y.x ORDER BY {order}) FILTER (WHERE y.x IS NOT NULL) AS every FROM ({rows} OFFSET 0) AS y) AS z)"
    )
}
