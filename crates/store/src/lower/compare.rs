//! Comparisons: of one type, else false; `!=` is the exact negation of `==`.

use journeyman_domain::expr::{Comparison, Expr};

use super::NotInSql;
use super::node::{Node, both, json_bool, json_number, json_text};
use super::walk::{Lower, Lowering};

impl Lowering<'_> {
    /// `a < b`
    pub(super) fn compare(&mut self, comparison: Comparison, a: Node, b: Node) -> Lower {
        let expr = |a, b| Expr::Compare(comparison, Box::new(a), Box::new(b));
        if let Some(known) = self.fold(&a, &b, false, expr)? {
            return Ok(known);
        }
        let (a, b) = (self.typed(a)?, self.typed(b)?);
        let negated = comparison == Comparison::Ne;
        let operator = match comparison {
            Comparison::Eq | Comparison::Ne => "=",
            Comparison::Lt => "<",
            Comparison::Le => "<=",
            Comparison::Gt => ">",
            Comparison::Ge => ">=",
        };
        let Some(sql) = self.compared(operator, a, b)? else { return Ok(Node::known(negated)) };
        // `IS DISTINCT FROM` would call two missing values equal.
        let sql = format!("coalesce({sql}, false)");
        Ok(Node::Bool(if negated { format!("(NOT {sql})") } else { sql }))
    }

    /// How two values stand, NULL where one is missing; `None` where they can't be of one type.
    fn compared(&mut self, operator: &str, a: Node, b: Node) -> Result<Option<String>, NotInSql> {
        let plain = |a: String, b: String| Some(format!("({a} {operator} {b})"));
        let text = |a: String, b: String| Some(format!("({a} COLLATE \"C\" {operator} {b})"));
        Ok(match (a, b) {
            (Node::Number(a), Node::Number(b))
            | (Node::Bool(a), Node::Bool(b))
            | (Node::Time(a), Node::Time(b))
            | (Node::Span(a), Node::Span(b)) => plain(a, b),
            (Node::Text(a), Node::Text(b)) => text(a, b),
            (Node::Money(a), Node::Money(b)) => Some(self.compared_money(operator, &a, &b)?),
            (Node::Json(a), Node::Number(b)) => plain(json_number(&a), b),
            (Node::Number(a), Node::Json(b)) => plain(a, json_number(&b)),
            (Node::Json(a), Node::Text(b)) => text(json_text(&a), b),
            (Node::Text(a), Node::Json(b)) => text(a, json_text(&b)),
            (Node::Json(a), Node::Bool(b)) => plain(json_bool(&a), b),
            (Node::Bool(a), Node::Json(b)) => plain(a, json_bool(&b)),
            (Node::Json(a), Node::Json(b)) => Some(both(
                &a,
                &b,
                &format!(
                    "CASE WHEN jsonb_typeof(x.a) = jsonb_typeof(x.b) THEN CASE jsonb_typeof(x.a) \
                     WHEN 'number' THEN (x.a)::float8 {operator} (x.b)::float8 \
                     WHEN 'string' THEN (x.a #>> '{{}}') COLLATE \"C\" {operator} (x.b #>> '{{}}') \
                     WHEN 'boolean' THEN (x.a)::boolean {operator} (x.b)::boolean END END"
                ),
            )),
            _ => None,
        })
    }

    /// Whether two values are equal, in SQL; `None` where they can't be.
    pub(super) fn equal(&mut self, a: Node, b: Node) -> Result<Option<String>, NotInSql> {
        Ok(match self.compare(Comparison::Eq, a, b)? {
            Node::Known(value) if value.is_true() => Some("true".to_owned()),
            Node::Known(_) => None,
            node => Some(self.truth(node)?),
        })
    }
}
