//! Expressions made up: mostly well-typed, some not.

use std::sync::Arc;

use journeyman_domain::ShopTime;
use journeyman_domain::expr::{Comparison, Counted, Expr, Filter, ListCall, Operator, Root, Type};
use journeyman_domain::value::{Money, Span, Value};
use proptest::prelude::*;
use proptest::sample::select;

use super::people::{FIELDS, NUMBERS, TEXTS, TRAITS};

pub fn literal(value: impl Into<Literal>) -> Expr {
    Expr::Literal(value.into().0)
}

/// A value, as tests write it.
pub struct Literal(pub Value);

impl From<f64> for Literal {
    fn from(number: f64) -> Self {
        Self(Value::Number(number))
    }
}
impl From<&str> for Literal {
    fn from(text: &str) -> Self {
        Self(Value::text(text))
    }
}
impl From<bool> for Literal {
    fn from(truth: bool) -> Self {
        Self(Value::Bool(truth))
    }
}
impl From<Span> for Literal {
    fn from(span: Span) -> Self {
        Self(Value::Span(span))
    }
}
impl From<ShopTime> for Literal {
    fn from(at: ShopTime) -> Self {
        Self(Value::Time(at))
    }
}
impl From<Money> for Literal {
    fn from(money: Money) -> Self {
        Self(Value::Money(money))
    }
}
impl From<Value> for Literal {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

pub fn money(amount: &str, currency: &str) -> Money {
    Money::new(amount.parse().unwrap(), currency.parse().unwrap())
}

pub fn path(root: Root, path: &str) -> Expr {
    Expr::Path(root, path.split('.').filter(|name| !name.is_empty()).map(Arc::from).collect())
}

pub fn profile(names: &str) -> Expr {
    path(Root::Profile, names)
}

pub fn element(names: &str) -> Expr {
    path(Root::Element, names)
}

pub fn compare(a: Expr, comparison: Comparison, b: Expr) -> Expr {
    Expr::Compare(comparison, Box::new(a), Box::new(b))
}

pub fn arithmetic(a: Expr, operator: Operator, b: Expr) -> Expr {
    Expr::Arithmetic(operator, Box::new(a), Box::new(b))
}

pub fn call(call: ListCall, list: Expr, argument: Option<Expr>) -> Expr {
    Expr::Call(call, Box::new(list), argument.map(Box::new))
}

pub fn cast(to: Type, inner: Expr) -> Expr {
    Expr::As(to, Box::new(inner))
}

pub fn not(inner: Expr) -> Expr {
    Expr::Not(Box::new(inner))
}

pub fn has(inner: Expr) -> Expr {
    Expr::Has(Box::new(inner))
}

pub fn counted(event: &str, window: Option<Span>) -> Counted {
    Counted { event: event.into(), field: None, money: false, window, filter: None }
}

/// Expressions of one depth, by what they are meant to be.
#[derive(Clone)]
struct Level {
    condition: BoxedStrategy<Expr>,
    number: BoxedStrategy<Expr>,
    text: BoxedStrategy<Expr>,
    time: BoxedStrategy<Expr>,
    span: BoxedStrategy<Expr>,
    money: BoxedStrategy<Expr>,
    list: BoxedStrategy<Expr>,
    any: BoxedStrategy<Expr>,
}

fn paths(inside: bool) -> BoxedStrategy<Expr> {
    let of = |root: Root, names: &'static [&'static str]| {
        select(names).prop_map(move |name| Expr::Path(root.clone(), [Arc::from(name)].into()))
    };
    let nested = (select(&TRAITS[..]), select(&FIELDS[..]))
        .prop_map(|(a, b)| Expr::Path(Root::Profile, [Arc::from(a), Arc::from(b)].into()));
    let profile = prop_oneof![6 => of(Root::Profile, &TRAITS), 2 => nested];
    if inside {
        let itself = Just(Expr::Path(Root::Element, [].into()));
        prop_oneof![2 => itself, 3 => of(Root::Element, &FIELDS), 1 => profile].boxed()
    } else {
        // Some that SQL can't see.
        let hidden = select(vec![
            path(Root::Profile, "sessions"),
            path(Root::Cart, "value"),
            path(Root::Event, "x"),
            path(Root::Element, ""),
        ]);
        prop_oneof![60 => profile, 1 => hidden].boxed()
    }
}

fn windows() -> BoxedStrategy<Option<Span>> {
    let spans = [
        Span::hours(1),
        Span::hours(24),
        Span::Days(1),
        Span::Days(2),
        Span::Days(7),
        Span::Days(30),
        Span::Days(365),
        Span::Days(20_000),
    ];
    prop_oneof![1 => Just(None), 4 => select(Vec::from(spans)).prop_map(Some)].boxed()
}

fn spans() -> BoxedStrategy<Span> {
    let exact = prop_oneof![
        (-100i64..100).prop_map(Span::hours),
        select(vec![Span::Exact(0), Span::Exact(1), Span::Exact(i64::MAX), Span::Exact(i64::MIN)]),
    ];
    prop_oneof![3 => exact, 2 => (-40i32..40).prop_map(Span::Days), 1 => select(vec![Span::Days(i32::MAX), Span::Days(i32::MIN), Span::Days(36_526)])].boxed()
}

fn moneys() -> BoxedStrategy<Money> {
    let amounts =
        select(vec!["0", "1", "9.2", "10", "19.99", "59.97", "-1", "0.0000001", "1234567890.12345678"]);
    (amounts, select(vec!["EUR", "USD", "JPY", "GBP"])).prop_map(|(amount, of)| money(amount, of)).boxed()
}

fn level_0(now: ShopTime, inside: bool) -> Level {
    let paths = paths(inside);
    let numbers = prop_oneof![3 => select(&NUMBERS[..]), 1 => (-3i32..5).prop_map(f64::from)];
    let moments = prop_oneof![
        3 => Just(Expr::Now),
        1 => (-200i64..50).prop_map(move |hours| literal(ShopTime::from_microsecond(
            now.as_microsecond() + hours * 3_600_000_000).unwrap())),
        3 => select(vec!["Order", "View"]).prop_map(|event| Expr::LastAt(event.into())),
        2 => select(vec!["a", "b", "nothing"]).prop_map(|name| Expr::ChangedAt(name.into())),
        2 => Just(cast(Type::Time, profile("when"))),
        2 => paths.clone().prop_map(|path| cast(Type::Time, path)),
    ];
    let number = prop_oneof![
        3 => numbers.prop_map(literal),
        4 => select(vec!["a", "price", "rec.x", "rec.amount"]).prop_map(profile),
        3 => paths.clone(),
        1 => paths.clone().prop_map(|path| cast(Type::Number, path)),
    ]
    .boxed();
    let text = prop_oneof![
        3 => select(&TEXTS[..]).prop_map(literal),
        4 => select(vec!["b", "currency", "when"]).prop_map(profile),
        3 => paths.clone(),
        1 => Just(profile("time_zone")),
    ]
    .boxed();
    let money = prop_oneof![
        2 => moneys().prop_map(literal),
        3 => select(vec!["a", "price", "rec"]).prop_map(|name| cast(Type::Money, profile(name))),
        2 => paths.clone().prop_map(|path| cast(Type::Money, path)),
    ]
    .boxed();
    let truth = any::<bool>().prop_map(literal);
    let segment = select(vec!["vip", "circle", "nobody"]).prop_map(|name| Expr::InSegment(name.into()));
    let condition = prop_oneof![
        1 => truth,
        1 => segment,
        2 => paths.clone(),
        4 => paths.clone().prop_map(has),
    ]
    .boxed();
    let (time, span) = (moments.boxed(), spans().prop_map(literal).boxed());
    let written = prop::collection::vec(
        prop_oneof![2 => number.clone(), 3 => text.clone(), 1 => condition.clone(), 1 => money.clone()],
        0..5,
    );
    let list = prop_oneof![
        4 => Just(profile("list")),
        2 => paths.clone(),
        2 => written.prop_map(|items| Expr::List(items.into())),
    ]
    .boxed();
    let any = prop_oneof![
        3 => number.clone(),
        3 => text.clone(),
        1 => time.clone(),
        1 => span.clone(),
        2 => money.clone(),
        2 => list.clone(),
        2 => condition.clone(),
        1 => Just(literal(Value::Missing)),
    ]
    .boxed();
    Level { condition, number, text, time, span, money, list, any }
}

fn counters(level: &Level) -> BoxedStrategy<Counted> {
    let filter = prop_oneof![2 => level.text.clone(), 1 => level.any.clone()]
        .prop_map(|equals| Filter { property: "category".into(), equals: Box::new(equals) });
    (select(vec!["Order", "View"]), any::<(bool, bool)>(), windows(), prop::option::weighted(0.4, filter))
        .prop_map(|(event, (field, money), window, filter)| Counted {
            event: event.into(),
            field: field.then(|| "revenue".into()),
            money,
            window,
            filter,
        })
        .boxed()
}

const COMPARISONS: [Comparison; 6] =
    [Comparison::Eq, Comparison::Ne, Comparison::Lt, Comparison::Le, Comparison::Gt, Comparison::Ge];
const OPERATORS: [Operator; 4] = [Operator::Add, Operator::Sub, Operator::Mul, Operator::Div];

/// One level on `below`; `within` is what stands in the brackets of a list's function.
fn on(below: &Level, within: &Level) -> Level {
    let b = below.clone();
    // One in twelve is not of the type it should be.
    let loose = |of: &BoxedStrategy<Expr>| prop_oneof![11 => of.clone(), 1 => b.any.clone()].boxed();
    let computed = |x: &BoxedStrategy<Expr>, y: &BoxedStrategy<Expr>, operators: &'static [Operator]| {
        (loose(x), select(operators), loose(y))
            .prop_map(|(x, operator, y)| arithmetic(x, operator, y))
            .boxed()
    };
    let compared = |x: &BoxedStrategy<Expr>| {
        (loose(x), select(&COMPARISONS[..]), loose(x)).prop_map(|(x, how, y)| compare(x, how, y)).boxed()
    };
    let called = |calls: Vec<ListCall>, argument: BoxedStrategy<Expr>| {
        (select(calls), loose(&b.list), argument).prop_map(|(how, list, x)| call(how, list, Some(x))).boxed()
    };
    let bare = |calls: Vec<ListCall>| {
        (select(calls), loose(&b.list)).prop_map(|(how, list)| call(how, list, None)).boxed()
    };
    let picked =
        || called(vec![ListCall::Min, ListCall::Max, ListCall::MinBy, ListCall::MaxBy], within.any.clone());
    let ends = || bare(vec![ListCall::First, ListCall::Last, ListCall::Min, ListCall::Max]);
    let both = (b.condition.clone(), b.condition.clone(), any::<bool>()).prop_map(|(x, y, and)| {
        if and { Expr::And(Box::new(x), Box::new(y)) } else { Expr::Or(Box::new(x), Box::new(y)) }
    });
    let is_in = (loose(&b.text), loose(&b.list)).prop_map(|(x, of)| Expr::In(Box::new(x), Box::new(of)));
    let condition = prop_oneof![
        2 => b.condition.clone(),
        2 => b.condition.clone().prop_map(not),
        3 => both,
        4 => compared(&b.number),
        3 => compared(&b.text),
        3 => compared(&b.time),
        1 => compared(&b.span),
        3 => compared(&b.money),
        2 => compared(&b.any),
        2 => b.any.clone().prop_map(has),
        2 => is_in,
        2 => called(vec![ListCall::Any, ListCall::All], within.condition.clone()),
        1 => called(vec![ListCall::Has], b.any.clone()),
    ];
    let counter = (counters(below), any::<bool>())
        .prop_map(|(counted, sum)| if sum { Expr::Sum(counted) } else { Expr::Count(counted) });
    let number = prop_oneof![
        2 => b.number.clone(),
        4 => computed(&b.number, &b.number, &OPERATORS),
        4 => counter,
        1 => bare(vec![ListCall::Count, ListCall::Sum]),
        1 => called(vec![ListCall::Sum], within.number.clone()),
        1 => ends(),
        1 => picked(),
    ];
    let text = prop_oneof![4 => b.text.clone(), 1 => ends(), 1 => picked()];
    let time = prop_oneof![
        2 => b.time.clone(),
        3 => computed(&b.time, &b.span, &[Operator::Add, Operator::Sub]),
    ];
    let span = prop_oneof![
        2 => b.span.clone(),
        1 => computed(&b.time, &b.time, &[Operator::Sub]),
        1 => computed(&b.span, &b.span, &[Operator::Add, Operator::Sub]),
        1 => computed(&b.span, &b.number, &[Operator::Mul]),
    ];
    let factor = select(vec![2.0, 0.5, 0.1, 3.0, 0.0, 4.0]).prop_map(literal).boxed();
    let money = prop_oneof![
        4 => b.money.clone(),
        2 => computed(&b.money, &factor, &[Operator::Mul, Operator::Div]),
        1 => computed(&b.money, &b.money, &[Operator::Add, Operator::Sub]),
        1 => ends().prop_map(|end| cast(Type::Money, end)),
    ];
    let list = prop_oneof![
        3 => b.list.clone(),
        2 => called(vec![ListCall::Where], within.condition.clone()),
        1 => prop::collection::vec(b.any.clone(), 0..4).prop_map(|items| Expr::List(items.into())),
    ];
    let (condition, number, text) = (condition.boxed(), number.boxed(), text.boxed());
    let (time, span, money, list) = (time.boxed(), span.boxed(), money.boxed(), list.boxed());
    let any = prop_oneof![
        3 => number.clone(),
        3 => text.clone(),
        1 => time.clone(),
        1 => span.clone(),
        2 => money.clone(),
        2 => list.clone(),
        2 => condition.clone(),
    ]
    .boxed();
    Level { condition, number, text, time, span, money, list, any }
}

/// Conditions.
pub fn conditions(now: ShopTime) -> BoxedStrategy<Expr> {
    let inside_0 = level_0(now, true);
    let inside_1 = on(&inside_0, &inside_0);
    let level_0 = level_0(now, false);
    let level_1 = on(&level_0, &inside_0);
    let level_2 = on(&level_1, &inside_1);
    let level_3 = on(&level_2, &inside_1);
    prop_oneof![2 => level_1.condition, 4 => level_2.condition, 3 => level_3.condition].boxed()
}
