//! The functions of lists: of JSON arrays as rows, of lists that were written out element by element.

use journeyman_domain::expr::{Comparison, Expr, ListCall};
use journeyman_domain::value::Value;
use sqlx::types::JsonValue;

use super::counter::total;
use super::node::{Node, Rows, json_bool, json_number, json_text, plain};
use super::walk::{Lower, Lowering};
use super::{Bound, NotInSql};

/// A list, as its functions see it.
enum List {
    Rows(Rows),
    Items(Vec<Node>),
}

/// `jsonb_build_array` takes as many arguments as any function: 100.
const ARGUMENTS: usize = 50;

impl Lowering<'_> {
    /// A function of a list. Of what is no list every function is that of an empty one.
    pub(super) fn call(&mut self, call: ListCall, of: &Expr, argument: Option<&Expr>) -> Lower {
        let node = self.lower(of)?;
        if call == ListCall::Has {
            let value = match argument {
                Some(argument) => self.lower(argument)?,
                None => self.element.clone().ok_or(NotInSql::NoElement)?,
            };
            return self.has(node, value);
        }
        match self.list(node) {
            List::Items(items) => self.of_items(call, items, argument),
            List::Rows(rows) => self.of_rows(call, rows, argument),
        }
    }

    fn list(&mut self, node: Node) -> List {
        match node {
            Node::Rows(rows) => List::Rows(rows),
            Node::Items(items) => List::Items(items),
            Node::Json(source) => List::Rows(Rows { alias: self.alias(), source, filters: Vec::new() }),
            Node::Known(value) => List::Items(value.items().iter().cloned().map(Node::Known).collect()),
            _ => List::Items(Vec::new()),
        }
    }

    /// The argument, asked of an element.
    fn body(&mut self, element: Node, argument: Option<&Expr>) -> Lower {
        let outer = self.element.replace(element.clone());
        let body = match argument {
            Some(argument) => self.lower(argument),
            None => Ok(element),
        };
        self.element = outer;
        body
    }

    fn of_items(&mut self, call: ListCall, items: Vec<Node>, argument: Option<&Expr>) -> Lower {
        match call {
            ListCall::Count => return Ok(Node::Known(Value::Number(items.len() as f64))),
            ListCall::First => return Ok(items.into_iter().next().unwrap_or(Node::MISSING)),
            ListCall::Last => return Ok(items.into_iter().next_back().unwrap_or(Node::MISSING)),
            _ => {}
        }
        let bodies: Vec<Node> =
            items.iter().map(|item| self.body(item.clone(), argument)).collect::<Result<_, _>>()?;
        let known = |nodes: &[Node]| -> Option<Vec<Value>> {
            nodes
                .iter()
                .map(|node| if let Node::Known(value) = node { Some(value.clone()) } else { None })
                .collect()
        };
        if let (Some(values), Some(_)) = (known(&items), known(&bodies)) {
            // Nothing of it hangs on the person.
            let call = Expr::Call(
                call,
                Box::new(Expr::Literal(Value::List(values.into()))),
                argument.map(|argument| Box::new(argument.clone())),
            );
            return Ok(Node::Known(self.ask(&call, self.context.shop_zone, None)));
        }
        if let ListCall::Any | ListCall::All = call {
            let (word, empty) = if call == ListCall::Any { (" OR ", false) } else { (" AND ", true) };
            if bodies.is_empty() {
                return Ok(Node::known(empty));
            }
            let truths: Result<Vec<String>, NotInSql> =
                bodies.into_iter().map(|body| self.truth(body)).collect();
            return Ok(Node::Bool(format!("({})", truths?.join(word))));
        }
        let source = self.json(Node::Items(items))?.ok_or(NotInSql::List)?;
        let rows = Rows { alias: self.alias(), source, filters: Vec::new() };
        self.of_rows(call, rows, argument)
    }

    fn of_rows(&mut self, call: ListCall, mut rows: Rows, argument: Option<&Expr>) -> Lower {
        let (v, n) = (rows.element(), rows.place());
        match call {
            ListCall::Count => {
                return Ok(Node::Number(format!("(SELECT count(*)::float8 {})", rows.from(None))));
            }
            ListCall::First => {
                return Ok(Node::Json(format!("(SELECT {v} {} ORDER BY {n} LIMIT 1)", rows.from(None))));
            }
            ListCall::Last => {
                return Ok(Node::Json(format!("(SELECT {v} {} ORDER BY {n} DESC LIMIT 1)", rows.from(None))));
            }
            _ => {}
        }
        let body = self.body(Node::Json(v.clone()), argument)?;
        match call {
            ListCall::Any => {
                let truth = self.truth(body)?;
                Ok(Node::Bool(format!("EXISTS (SELECT 1 {})", rows.from(Some(&truth)))))
            }
            ListCall::All => {
                let truth = self.truth(body)?;
                Ok(Node::Bool(format!("NOT EXISTS (SELECT 1 {})", rows.from(Some(&format!("NOT {truth}"))))))
            }
            ListCall::Where => {
                let truth = self.truth(body)?;
                rows.filters.push(truth);
                Ok(Node::Rows(rows))
            }
            ListCall::Sum => self.sum_of_rows(&rows, body),
            ListCall::Min => self.end_of_rows(&rows, body, "ASC", false),
            ListCall::Max => self.end_of_rows(&rows, body, "DESC", false),
            ListCall::MinBy => self.end_of_rows(&rows, body, "ASC", true),
            ListCall::MaxBy => self.end_of_rows(&rows, body, "DESC", true),
            ListCall::Count | ListCall::First | ListCall::Last | ListCall::Has => Err(NotInSql::List),
        }
    }

    /// The sum of numbers; what is none adds nothing, nor does what would make the sum overflow.
    fn sum_of_rows(&mut self, rows: &Rows, body: Node) -> Lower {
        let x = match self.typed(body)? {
            Node::Number(sql) => sql,
            Node::Json(sql) => json_number(&sql),
            Node::Money(_) | Node::Span(_) => return Err(NotInSql::List),
            _ => return Ok(Node::MISSING),
        };
        let each = format!("SELECT {x} AS x, {} AS n {}", rows.place(), rows.from(None));
        Ok(Node::Number(total(&each, "n", "NULL", true)))
    }

    /// The first of those at one end: of the type of the first that is there, since others don't compare with it.
    fn end_of_rows(&mut self, rows: &Rows, body: Node, order: &str, element: bool) -> Lower {
        let x = match self.typed(body)? {
            Node::Known(Value::Missing) => return Ok(Node::MISSING),
            body => self.json(body)?.ok_or(NotInSql::List)?,
        };
        let (v, n) = (rows.element(), rows.place());
        let picked = if element { "w.v" } else { "w.x" };
        Ok(Node::Json(format!(
            "(SELECT {picked} FROM (SELECT y.*, first_value(jsonb_typeof(y.x)) OVER (ORDER BY y.n) AS t FROM \
             (SELECT {x} AS x, {v} AS v, {n} AS n {} OFFSET 0) AS y WHERE jsonb_typeof(y.x) <> 'null') AS w \
             WHERE jsonb_typeof(w.x) = w.t ORDER BY {} {order}, {} COLLATE \"C\" {order}, {} {order}, w.n LIMIT 1)",
            rows.from(None),
            json_number("w.x"),
            json_text("w.x"),
            json_bool("w.x"),
        )))
    }

    /// Whether a value is one of a list's elements.
    pub(super) fn has(&mut self, list: Node, value: Node) -> Lower {
        match self.list(list) {
            List::Rows(rows) => {
                let value = self.typed(value)?;
                Ok(match self.equal(Node::Json(rows.element()), value)? {
                    Some(equal) => Node::Bool(format!("EXISTS (SELECT 1 {})", rows.from(Some(&equal)))),
                    None => Node::known(false),
                })
            }
            List::Items(items) => {
                let mut written = Written::default();
                let mut equal = Vec::new();
                let value_known = matches!(value, Node::Known(_) | Node::Zoned(_));
                for item in items {
                    match item {
                        Node::Known(known) if !value_known && written.takes(&known) => {}
                        item => match self.compare(Comparison::Eq, item, value.clone())? {
                            Node::Known(known) if known.is_true() => return Ok(Node::known(true)),
                            Node::Known(_) => {}
                            node => equal.push(self.truth(node)?),
                        },
                    }
                }
                equal.extend(self.among(written, &value));
                Ok(if equal.is_empty() {
                    Node::known(false)
                } else {
                    Node::Bool(format!("({})", equal.join(" OR ")))
                })
            }
        }
    }

    /// Whether a value is among written texts or numbers.
    fn among(&mut self, written: Written, value: &Node) -> Vec<String> {
        let mut equal = Vec::new();
        let text = match value {
            Node::Text(sql) => Some(sql.clone()),
            Node::Json(sql) => Some(json_text(sql)),
            _ => None,
        };
        if let (Some(text), false) = (text, written.texts.is_empty()) {
            let texts = self.parameter(Bound::Texts(written.texts));
            equal.push(format!("coalesce({text} COLLATE \"C\" = ANY({texts}), false)"));
        }
        let number = super::arithmetic::number(value.clone());
        if let (Some(number), false) = (number, written.numbers.is_empty()) {
            let numbers = self.parameter(Bound::Numbers(written.numbers));
            equal.push(format!("coalesce({number} = ANY({numbers}), false)"));
        }
        let (Node::Time(time), false) = (value, written.moments.is_empty()) else { return equal };
        let moments = self.parameter(Bound::Integers(written.moments));
        equal.push(format!("coalesce({time} = ANY({moments}), false)"));
        equal
    }

    /// As JSON; `None` where something would be lost.
    fn json(&mut self, node: Node) -> Result<Option<String>, NotInSql> {
        let node = match node {
            Node::Known(value) if plain(&value) => {
                return Ok(Some(self.parameter(Bound::Json(value.to_json()))));
            }
            Node::Known(_) => return Ok(None),
            node => self.typed(node)?,
        };
        Ok(match node {
            Node::Number(sql) | Node::Bool(sql) => Some(format!("to_jsonb({sql})")),
            Node::Text(sql) => Some(format!("to_jsonb({sql})")),
            Node::Json(sql) => Some(sql),
            Node::Items(items) => {
                let items: Vec<Option<String>> =
                    items.into_iter().map(|item| self.json(item)).collect::<Result<_, _>>()?;
                let Some(items) = items.into_iter().collect::<Option<Vec<String>>>() else { return Ok(None) };
                let empty = self.parameter(Bound::Json(JsonValue::Array(Vec::new())));
                let arrays =
                    items.chunks(ARGUMENTS).map(|some| format!("jsonb_build_array({})", some.join(", ")));
                Some(format!("({})", std::iter::once(empty).chain(arrays).collect::<Vec<_>>().join(" || ")))
            }
            Node::Known(_)
            | Node::Zoned(_)
            | Node::Time(_)
            | Node::Span(_)
            | Node::Money(_)
            | Node::Rows(_) => None,
        })
    }
}

/// What stands written in a list, by type.
#[derive(Default)]
struct Written {
    texts: Vec<String>,
    numbers: Vec<f64>,
    moments: Vec<i64>,
}

impl Written {
    /// Whether it is of a type that is compared all at once.
    fn takes(&mut self, value: &Value) -> bool {
        match value {
            Value::Text(text) if !text.contains('\0') => self.texts.push(text.to_string()),
            Value::Number(number) => self.numbers.push(*number),
            Value::Time(at) => self.moments.push(at.as_microsecond()),
            _ => return false,
        }
        true
    }
}
