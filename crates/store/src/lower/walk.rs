//! The walk over an expression.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use journeyman_domain::PersonId;
use journeyman_domain::catalog::Nothing;
use journeyman_domain::expr::{Expr, Root, SEGMENT_DEPTH, Scope, Type, compile};
use journeyman_domain::person::Person;
use journeyman_domain::plan::Policies;
use journeyman_domain::value::{Span, VALUE_DEPTH, Value};

use super::node::{Amount, Node, json_number, storable};
use super::{Bound, CALENDARS, Context, LEVELS, NODES, NotInSql, SQL_BYTES, clock, moment};

pub(super) type Lower = Result<Node, NotInSql>;

/// One condition on its way to SQL.
pub(super) struct Lowering<'a> {
    pub(super) context: &'a Context<'a>,
    values: Vec<Bound>,
    /// Texts that are parameters already.
    texts: BTreeMap<String, usize>,
    /// The element at hand.
    pub(super) element: Option<Node>,
    /// How many segments deep.
    pub(super) depth: u8,
    aliases: usize,
    nodes: usize,
    levels: usize,
    calendars: usize,
    /// Whom what is known is asked of: nothing known asks anything of them.
    nobody: Person,
    /// Of which what is known asks the rates alone.
    policies: Policies,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            values: Vec::new(),
            texts: BTreeMap::new(),
            element: None,
            depth: 0,
            aliases: 0,
            nodes: 0,
            levels: 0,
            calendars: 0,
            nobody: Person::new(PersonId(0), 0),
            policies: Policies { rates: context.rates.clone(), ..Policies::default() },
        }
    }

    pub(super) fn into_values(self) -> Vec<Bound> {
        self.values
    }

    /// Refuses SQL that has grown too long.
    pub(super) fn bounded(&self, bytes: usize) -> Result<(), NotInSql> {
        if bytes > SQL_BYTES { Err(NotInSql::TooLarge { limit: SQL_BYTES, of: "bytes" }) } else { Ok(()) }
    }

    pub(super) fn alias(&mut self) -> usize {
        self.aliases += 1;
        self.aliases
    }

    /// A value as a parameter.
    pub(super) fn parameter(&mut self, value: Bound) -> String {
        let of = value.sql_type();
        self.values.push(value);
        format!("${}::{of}", self.context.first_parameter + self.values.len() - 1)
    }

    /// A text as a parameter, once.
    pub(super) fn text(&mut self, text: &str) -> Result<String, NotInSql> {
        let text = storable(text)?;
        if let Some(known) = self.texts.get(text) {
            return Ok(format!("${known}::text"));
        }
        let sql = self.parameter(Bound::Text(text.to_owned()));
        self.texts.insert(text.to_owned(), self.context.first_parameter + self.values.len() - 1);
        Ok(sql)
    }

    /// An expression.
    pub(super) fn lower(&mut self, expr: &Expr) -> Lower {
        self.nodes += 1;
        if self.nodes > NODES {
            return Err(NotInSql::TooLarge { limit: NODES, of: "sub-expressions" });
        }
        self.levels += 1;
        if self.levels > LEVELS {
            return Err(NotInSql::TooLarge { limit: LEVELS, of: "levels" });
        }
        // An error ends the whole walk: only what succeeds comes back up.
        let node = self.lower_one(expr)?;
        self.levels -= 1;
        self.bounded(node.size())?;
        Ok(node)
    }

    fn lower_one(&mut self, expr: &Expr) -> Lower {
        match expr {
            Expr::Literal(value) => Ok(Node::Known(value.clone())),
            Expr::Path(root, path) => self.path(root, path),
            Expr::Now => Ok(Node::Known(Value::Time(self.context.now))),
            Expr::List(items) => {
                let items: Vec<Node> = items.iter().map(|item| self.lower(item)).collect::<Result<_, _>>()?;
                Ok(Node::Items(items))
            }
            Expr::Not(inner) => match self.lower(inner)? {
                Node::Known(value) => Ok(Node::known(!value.is_true())),
                inner => Ok(Node::Bool(format!("(NOT {})", self.truth(inner)?))),
            },
            Expr::And(a, b) => self.join(a, b, "AND"),
            Expr::Or(a, b) => self.join(a, b, "OR"),
            Expr::Compare(comparison, a, b) => {
                let (a, b) = (self.lower(a)?, self.lower(b)?);
                self.compare(*comparison, a, b)
            }
            Expr::In(element, of) => {
                let (element, of) = (self.lower(element)?, self.lower(of)?);
                self.has(of, element)
            }
            Expr::Arithmetic(operator, a, b) => {
                let (a, b) = (self.lower(a)?, self.lower(b)?);
                self.arithmetic(*operator, a, b)
            }
            Expr::Call(call, of, argument) => self.call(*call, of, argument.as_deref()),
            Expr::Has(inner) => {
                let inner = self.lower(inner)?;
                present(inner)
            }
            Expr::Count(counted) => self.counter(counted, false),
            Expr::Sum(counted) => self.counter(counted, true),
            Expr::LastAt(event) => self.last_at(event),
            Expr::Product(..) => Err(NotInSql::Root("product")),
            Expr::InSegment(name) => self.in_segment(name),
            Expr::InCalendar(_) => Err(NotInSql::Root("in_calendar")),
            Expr::Reachable(..) => Err(NotInSql::Root("reachable")),
            Expr::ChangedAt(name) => self.changed_at(name),
            Expr::As(to, inner) => self.cast(to, inner),
        }
    }

    /// Whoever has no row of traits has none that changed.
    fn changed_at(&mut self, name: &str) -> Lower {
        let name = self.text(name)?;
        Ok(Node::Time(format!("(t.times ->> {name})::bigint")))
    }

    fn join(&mut self, a: &Expr, b: &Expr, word: &str) -> Lower {
        let (a, b) = (self.lower(a)?, self.lower(b)?);
        if let (Node::Known(a), Node::Known(b)) = (&a, &b) {
            let (a, b) = (a.is_true(), b.is_true());
            return Ok(Node::known(if word == "AND" { a && b } else { a || b }));
        }
        Ok(Node::Bool(format!("({} {word} {})", self.truth(a)?, self.truth(b)?)))
    }

    /// Whether it is true, in SQL: never NULL.
    pub(super) fn truth(&mut self, node: Node) -> Result<String, NotInSql> {
        Ok(match self.typed(node)? {
            Node::Bool(sql) => sql,
            Node::Json(sql) => format!("coalesce({sql} = 'true'::jsonb, false)"),
            _ => "false".to_owned(),
        })
    }

    fn path(&mut self, root: &Root, path: &[Arc<str>]) -> Lower {
        match root {
            Root::Event => Err(NotInSql::Root("event")),
            Root::Entry => Err(NotInSql::Root("entry")),
            Root::Run => Err(NotInSql::Root("run")),
            Root::Cart => Err(NotInSql::Root("cart")),
            Root::Item => Err(NotInSql::Root("item")),
            Root::Turn => Err(NotInSql::Root("turn")),
            Root::Step(_) => Err(NotInSql::Root("a step's result")),
            Root::Profile => {
                let Some((first, rest)) = path.split_first() else { return Ok(Node::MISSING) };
                let encoded =
                    ["first_seen", "last_seen", "sessions"].into_iter().find(|name| **name == **first);
                match (encoded, first.as_ref(), rest.is_empty()) {
                    (Some(name), _, true) => Err(NotInSql::Encoded(name)),
                    (None, "time_zone", true) => Ok(Node::Text("p.zone".to_owned())),
                    // These are no records.
                    (Some(_), ..) | (None, "time_zone", false) => Ok(Node::MISSING),
                    _ if path.len() > VALUE_DEPTH => Ok(Node::MISSING),
                    _ => self.field("t.traits".to_owned(), path),
                }
            }
            Root::Element => match self.element.clone().ok_or(NotInSql::NoElement)? {
                node if path.is_empty() => Ok(node),
                Node::Known(value) => Ok(Node::Known(value.at(path.iter().map(AsRef::as_ref)).clone())),
                Node::Json(sql) => self.field(sql, path),
                _ => Ok(Node::MISSING),
            },
        }
    }

    /// The value at a path of a JSON value. `-> text` finds nothing in an array, `#>` would take "0" for a place.
    fn field(&mut self, mut sql: String, path: &[Arc<str>]) -> Lower {
        for name in path {
            sql = format!("{sql} -> {}", self.text(name)?);
        }
        Ok(Node::Json(format!("({sql})")))
    }

    fn in_segment(&mut self, name: &str) -> Lower {
        let segments = self.context.segments;
        let Some(condition) = segments.get(name) else { return Ok(Node::known(false)) };
        if self.depth >= SEGMENT_DEPTH {
            return Ok(Node::known(false));
        }
        let element = self.element.take();
        self.depth += 1;
        let within = self.lower(&condition.expr);
        self.depth -= 1;
        self.element = element;
        match within? {
            Node::Known(value) => Ok(Node::known(value.is_true())),
            node => Ok(Node::Bool(self.truth(node)?)),
        }
    }

    fn cast(&mut self, to: &Type, inner: &Expr) -> Lower {
        if *to == Type::Money {
            return self.cast_money(inner);
        }
        let node = self.lower(inner)?;
        if let Node::Known(value) = node {
            let cast = Expr::As(to.clone(), Box::new(Expr::Literal(value)));
            return Ok(Node::Known(self.ask(&cast, self.context.shop_zone, None)));
        }
        Ok(match (to, self.typed(node)?) {
            (Type::Time, Node::Time(sql)) => Node::Time(sql),
            (Type::Time, Node::Text(sql)) => Node::Time(moment::of_text(&sql)),
            (Type::Time, Node::Json(sql)) => Node::Time(moment::of_text(&super::node::json_text(&sql))),
            (Type::Number, Node::Number(sql)) => Node::Number(sql),
            (Type::Number, Node::Json(sql)) => Node::Number(json_number(&sql)),
            (Type::Time | Type::Number, _) => Node::MISSING,
            (_, node) => node,
        })
    }

    /// What the closure makes of an expression that asks nothing of anybody.
    pub(super) fn ask(&self, expr: &Expr, zone: &TimeZone, element: Option<&Value>) -> Value {
        compile(expr).value(&Scope {
            person: &self.nobody,
            now: self.context.now,
            zone,
            segments: self.context.segments,
            policies: &self.policies,
            catalog: &Nothing,
            event: None,
            run: None,
            element,
            item: None,
            depth: self.depth,
        })
    }

    /// What the closures make of two known values, in every zone where that may differ; `None` where one is not known.
    pub(super) fn fold(
        &mut self,
        a: &Node,
        b: &Node,
        calendar: bool,
        expr: impl Fn(Expr, Expr) -> Expr,
    ) -> Result<Option<Node>, NotInSql> {
        let known = |node: &Node, nth: usize| match node {
            Node::Known(value) => Some(value.clone()),
            Node::Zoned(values) => Some(values[nth].clone()),
            _ => None,
        };
        let ask = |nth: usize, zone: &TimeZone| {
            let (a, b) = (known(a, nth)?, known(b, nth)?);
            Some(self.ask(&expr(Expr::Literal(a), Expr::Literal(b)), zone, None))
        };
        let Some(first) = ask(0, self.context.shop_zone) else { return Ok(None) };
        if !calendar && matches!((a, b), (Node::Known(_), Node::Known(_))) {
            return Ok(Some(Node::Known(first)));
        }
        let others = clock::all().iter().enumerate().filter_map(|(nth, (_, zone))| ask(nth + 1, zone));
        let values = std::iter::once(first).chain(others).collect();
        Ok(Some(self.zoned(values)?))
    }

    /// What may differ by zone.
    pub(super) fn zoned(&mut self, values: Vec<Value>) -> Lower {
        self.calendars += 1;
        if self.calendars > CALENDARS {
            return Err(NotInSql::TooLarge { limit: CALENDARS, of: "computations by zone" });
        }
        Ok(match values.split_first() {
            Some((first, others)) if others.iter().all(|value| value == first) => Node::Known(first.clone()),
            Some(_) => Node::Zoned(values),
            None => Node::MISSING,
        })
    }

    /// What is known, as SQL of its kind; missing values, records and lists stay known.
    pub(super) fn typed(&mut self, node: Node) -> Lower {
        let value = match node {
            Node::Known(value) => value,
            Node::Zoned(values) => return self.by_zone(&values),
            node => return Ok(node),
        };
        Ok(match value {
            Value::Bool(truth) => Node::Bool(self.parameter(Bound::Bool(truth))),
            Value::Number(number) => Node::Number(self.parameter(Bound::Number(number))),
            Value::Text(text) => Node::Text(self.text(&text)?),
            Value::Time(at) => Node::Time(self.parameter(Bound::Integer(at.as_microsecond()))),
            Value::Span(span) => Node::Span(self.parameter(Bound::Integer(micros(span)?))),
            Value::Money(money) => {
                let amount = self.text(&money.amount().to_string())?;
                let base = self.context.rates.convert(money, self.context.rates.base);
                let base = match base {
                    Some(base) => format!("{}::numeric", self.text(&base.amount().to_string())?),
                    None => "NULL::numeric".to_owned(),
                };
                Node::Money(Amount {
                    amount: format!("{amount}::numeric"),
                    currency: self.text(money.currency().code())?,
                    base: Some(base),
                    digits: 0,
                })
            }
            value @ (Value::Missing | Value::List(_) | Value::Record(_)) => Node::Known(value),
        })
    }
}

/// A duration in microseconds, a day being 24 hours: as it is compared.
pub(super) fn micros(span: Span) -> Result<i64, NotInSql> {
    i64::try_from(span.nominal().as_micros()).map_err(|_| NotInSql::Duration)
}

/// Whether something is there.
fn present(node: Node) -> Lower {
    Ok(match node {
        Node::Known(value) => Node::known(!value.is_missing()),
        Node::Zoned(values) if values.iter().any(Value::is_missing) => return Err(NotInSql::Calendar),
        Node::Zoned(_) | Node::Bool(_) | Node::Rows(_) | Node::Items(_) => Node::known(true),
        Node::Json(sql) => Node::Bool(format!("coalesce(jsonb_typeof({sql}) <> 'null', false)")),
        Node::Number(sql) | Node::Text(sql) | Node::Time(sql) | Node::Span(sql) => {
            Node::Bool(format!("({sql} IS NOT NULL)"))
        }
        Node::Money(money) => Node::Bool(format!("({} IS NOT NULL)", money.amount)),
    })
}
