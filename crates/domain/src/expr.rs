//! Expressions in their one typed form: made by `journey` from text, compiled to closures here, lowered to SQL by `store`.

mod compile;
mod demand;
mod scope;
mod turn;

use std::fmt;
use std::sync::Arc;

use crate::plan::Channel;
use crate::value::{Currency, Span, Value};

pub(crate) use compile::time;
pub use compile::{Compiled, compile};
pub use demand::Demands;
pub use scope::{Facts, SEGMENT_DEPTH, Scope, Segments};
pub use turn::Turn;

/// What a value may be, as far as it is known before anything runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// A property nobody has described: typed by what it is compared with.
    Any,
    /// True or false.
    Bool,
    /// A number; a percentage is one (10% is 0.1).
    Number,
    /// Text.
    Text,
    /// A moment.
    Time,
    /// How long.
    Span,
    /// Money.
    Money,
    /// A list of one type.
    List(Arc<Type>),
    /// A record of known fields.
    Record(Arc<[(Arc<str>, Type)]>),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("anything"),
            Self::Bool => f.write_str("true or false"),
            Self::Number => f.write_str("a number"),
            Self::Text => f.write_str("text"),
            Self::Time => f.write_str("a time"),
            Self::Span => f.write_str("a duration"),
            Self::Money => f.write_str("money"),
            Self::List(of) => write!(f, "a list of {of}"),
            Self::Record(_) => f.write_str("a record"),
        }
    }
}

/// Where a path begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// The event at hand: its properties, and `name`, `at`.
    Event,
    /// The event that began the run: its properties, and `name`, `at`.
    Entry,
    /// Variables set in the run.
    Run,
    /// The person: traits, and what we keep of them.
    Profile,
    /// The run's cart, else the one touched last.
    Cart,
    /// The result of the step of that id.
    Step(Arc<str>),
    /// The element at hand, inside the brackets of a list's function.
    Element,
    /// The element of the entering event that the run, or the entry, is about: `each`. The path may be empty.
    Item,
    /// Which turn of the innermost `repeat` it is, from 1; its path is empty.
    Turn,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `==`
    Eq,
    /// `!=`, the exact negation of `==`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// What is computed of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
}

/// The functions of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListCall {
    /// Whether the condition holds for an element.
    Any,
    /// Whether it holds for each.
    All,
    /// The elements for which it holds.
    Where,
    /// How many there are.
    Count,
    /// The sum of the computation over the elements; what is missing adds nothing.
    Sum,
    /// The smallest of the computation.
    Min,
    /// The largest of it.
    Max,
    /// The element whose computation is the largest, the first of equals.
    MaxBy,
    /// The element whose computation is the smallest, the first of equals.
    MinBy,
    /// The first element.
    First,
    /// The last one.
    Last,
    /// Whether the value is one of them.
    Has,
}

/// `count('Product Viewed', 24h, product_id == event.product_id)`: which of the counted events.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// The property of the counted event.
    pub property: Arc<str>,
    /// What it must equal; asked in the scope around the call.
    pub equals: Box<Expr>,
}

/// Which occurrences a counter counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// The event's name.
    pub event: Arc<str>,
    /// Of a sum: the property that is added up.
    pub field: Option<Arc<str>>,
    /// Of a sum: whether the property is money, to be converted to the shop's currency as it is counted. The sum itself
    /// is a number; `As(Money, …)` around it makes it money of the shop's currency.
    pub money: bool,
    /// How far back; `None` is all that is kept.
    pub window: Option<Span>,
    /// Which of them.
    pub filter: Option<Filter>,
}

/// A typed expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A value as it was written.
    Literal(Value),
    /// `event.revenue`, `profile.country`, `nudge.clicked`; the path may be empty only for `Element`.
    Path(Root, Arc<[Arc<str>]>),
    /// The moment the question is asked.
    Now,
    /// `['DE', 'AT']`
    List(Arc<[Expr]>),
    /// `not x`: true of whatever is not true.
    Not(Box<Expr>),
    /// `a and b`
    And(Box<Expr>, Box<Expr>),
    /// `a or b`
    Or(Box<Expr>, Box<Expr>),
    /// `a < b`
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `a in list`
    In(Box<Expr>, Box<Expr>),
    /// `a + b`
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
    /// A function of a list.
    Call(ListCall, Box<Expr>, Option<Box<Expr>>),
    /// `has(x)`
    Has(Box<Expr>),
    /// `count(...)`: how many.
    Count(Counted),
    /// `sum(...)`: of a property.
    Sum(Counted),
    /// `last('Order Completed')`: when it last happened.
    LastAt(Arc<str>),
    /// `event.product.stock`: of the product whose id the expression gives, the value at a path; the whole record where
    /// that is empty.
    Product(Box<Expr>, Arc<[Arc<str>]>),
    /// `in_segment('vip')`
    InSegment(Arc<str>),
    /// `in_calendar('bfcm')`: whether an occasion of that name is on for the person.
    InCalendar(Arc<str>),
    /// `reachable('sms', 'offers')`: whether there is an address that is not dead, and no word against it; of a topic
    /// whether a message about it may go there.
    Reachable(Channel, Option<Arc<str>>),
    /// `changed(profile.birthday)`: when the trait became what it is.
    ChangedAt(Arc<str>),
    /// A value of unknown type where the other side says what it must be: a number or text becomes money (of the
    /// record's own currency beside it, else the shop's), text a time; what is neither is missing.
    As(Type, Box<Expr>),
}

impl Expr {
    /// Calls `visit` with this expression and all within it, outermost first.
    pub fn walk(&self, visit: &mut impl FnMut(&Expr)) {
        visit(self);
        match self {
            Self::Literal(_)
            | Self::Path(..)
            | Self::Now
            | Self::LastAt(_)
            | Self::InSegment(_)
            | Self::InCalendar(_)
            | Self::Reachable(..)
            | Self::ChangedAt(_) => {}
            Self::List(items) => items.iter().for_each(|item| item.walk(visit)),
            Self::Not(inner) | Self::Has(inner) | Self::As(_, inner) | Self::Product(inner, _) => {
                inner.walk(visit);
            }
            Self::And(a, b)
            | Self::Or(a, b)
            | Self::Compare(_, a, b)
            | Self::In(a, b)
            | Self::Arithmetic(_, a, b) => {
                a.walk(visit);
                b.walk(visit);
            }
            Self::Call(_, list, argument) => {
                list.walk(visit);
                argument.iter().for_each(|argument| argument.walk(visit));
            }
            Self::Count(counted) | Self::Sum(counted) => {
                counted.filter.iter().for_each(|filter| filter.equals.walk(visit));
            }
        }
    }
}

/// The currency of the money in a record: its own field `currency`, where that is a code.
pub(crate) fn currency_beside(record: &Value) -> Option<Currency> {
    record.field("currency").as_text()?.parse().ok()
}
