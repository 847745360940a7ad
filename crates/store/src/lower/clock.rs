//! What depends on the person's zone and on nothing else of them: computed for each zone, looked up by the person's.

use std::sync::OnceLock;

use jiff::tz::TimeZone;
use journeyman_domain::value::{Span, Value};
use sqlx::types::JsonValue;

use super::node::Node;
use super::walk::{Lower, Lowering};
use super::{Bound, NotInSql};

/// Every zone by its name in lower case, as `TimeZone::get` finds them. Values by zone stand in this order, behind the
/// one of the shop's zone.
pub(super) fn all() -> &'static [(String, TimeZone)] {
    static ZONES: OnceLock<Vec<(String, TimeZone)>> = OnceLock::new();
    ZONES.get_or_init(|| {
        let names = jiff::tz::db().available();
        names
            .filter_map(|name| {
                let zone = TimeZone::get(name.as_str()).ok()?;
                Some((name.as_str().to_ascii_lowercase(), zone))
            })
            .collect()
    })
}

impl Lowering<'_> {
    /// The value of the person's zone: of the shop's where theirs is unknown, or is one that we do not know.
    pub(super) fn by_zone(&mut self, values: &[Value]) -> Lower {
        let Some((shop, others)) = values.split_first() else { return Ok(Node::MISSING) };
        let apart: Vec<(&str, &Value)> = all()
            .iter()
            .map(|(name, _)| name.as_str())
            .zip(others)
            .filter(|(_, value)| *value != shop)
            .collect();
        let (of, wrap): (_, fn(String) -> Node) = match shop {
            Value::Time(_) => ("bigint", Node::Time),
            Value::Span(Span::Exact(_)) => ("bigint", Node::Span),
            Value::Number(_) => ("float8", Node::Number),
            Value::Bool(_) => ("boolean", Node::Bool),
            _ => return Err(NotInSql::Calendar),
        };
        let json = |value: &Value| match (shop, value) {
            (Value::Time(_), Value::Time(at)) => Ok(JsonValue::from(at.as_microsecond())),
            (Value::Span(_), Value::Span(Span::Exact(micros))) => Ok(JsonValue::from(*micros)),
            (Value::Number(_), Value::Number(number)) => Ok(JsonValue::from(*number)),
            (Value::Bool(_), Value::Bool(truth)) => Ok(JsonValue::from(*truth)),
            _ => Err(NotInSql::Calendar),
        };
        let otherwise = self.parameter(Bound::Text(json(shop)?.to_string()));
        let apart: Result<Vec<(&str, JsonValue)>, NotInSql> =
            apart.into_iter().map(|(name, value)| Ok((name, json(value)?))).collect();
        let apart = self.parameter(Bound::Json(apart?.into_iter().collect()));
        Ok(wrap(format!("(coalesce({apart} ->> lower(p.zone COLLATE \"C\"), {otherwise}))::{of}")))
    }
}
