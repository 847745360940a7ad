//! What is computed of two values. Postgres raises an error where a number overflows or underflows; here what is not
//! finite is missing and what is too small is 0, so that each sum and product is looked at before it is taken.

use journeyman_domain::expr::{Expr, Operator};
use journeyman_domain::value::{Span, Value};

use super::NotInSql;
use super::node::{Node, both, json_number, once};
use super::walk::{Lower, Lowering};

/// A summand below this adds nothing to one at the edge: less than half of that one's last bit (2^970).
const NEGLIGIBLE: f64 = 8e270;
/// The first and last microsecond of jiff's calendar.
const FIRST_MICROS: i128 = -377_705_023_201_000_000;
const LAST_MICROS: i128 = 253_402_207_200_999_999;
/// A duration that leads out of the calendar from wherever it begins.
const BEYOND_MICROS: i128 = 1_000_000_000_000_000_000;

impl Lowering<'_> {
    pub(super) fn arithmetic(&mut self, operator: Operator, a: Node, b: Node) -> Lower {
        // Calendar days from a moment everybody shares are counted on each zone's clock.
        let day = |node: &Node| matches!(node, Node::Known(Value::Span(Span::Days(_))));
        let calendar = day(&a) || day(&b);
        let expr = |a, b| Expr::Arithmetic(operator, Box::new(a), Box::new(b));
        if let Some(known) = self.fold(&a, &b, calendar, expr)? {
            return Ok(known);
        }
        use Operator::{Add, Div, Mul, Sub};
        match (&a, operator, &b) {
            (Node::Time(_), Add | Sub, _) if day(&b) => return Err(NotInSql::Calendar),
            (_, Add, Node::Time(_)) if day(&a) => return Err(NotInSql::Calendar),
            (Node::Money(money), Mul, Node::Known(Value::Number(by)))
            | (Node::Known(Value::Number(by)), Mul, Node::Money(money)) => {
                return self.money_times(money, *by);
            }
            (Node::Money(money), Div, Node::Known(Value::Number(by))) => return self.money_over(money, *by),
            (Node::Known(Value::Number(by)), ..) if by.abs() < NEGLIGIBLE => {
                if let Some(sum) = self.plus_small(operator, &a, &b) {
                    return sum;
                }
            }
            (_, _, Node::Known(Value::Number(by))) if by.abs() < NEGLIGIBLE => {
                if let Some(sum) = self.plus_small(operator, &a, &b) {
                    return sum;
                }
            }
            _ => {}
        }
        let (a, b) = (self.typed(a)?, self.typed(b)?);
        Ok(match (a, operator, b) {
            (Node::Money(_), Add | Sub, Node::Money(_)) => return Err(NotInSql::Money("two sums are added")),
            (Node::Money(_), Div, Node::Money(_)) => {
                return Err(NotInSql::Money("one sum is divided by another"));
            }
            (Node::Money(_), Mul | Div, Node::Number(_) | Node::Json(_))
            | (Node::Number(_) | Node::Json(_), Mul, Node::Money(_)) => {
                return Err(NotInSql::Money("the number is of the person"));
            }
            // Days times a number may stay days.
            (Node::Span(_), Mul, Node::Number(_) | Node::Json(_))
            | (Node::Number(_) | Node::Json(_), Mul, Node::Span(_)) => return Err(NotInSql::Duration),
            (Node::Time(a), Add, Node::Span(b)) | (Node::Span(b), Add, Node::Time(a)) => moved(&a, '+', &b),
            (Node::Time(a), Sub, Node::Span(b)) => moved(&a, '-', &b),
            (Node::Time(a), Sub, Node::Time(b)) => Node::Span(format!("({a} - {b})")),
            (Node::Span(a), Add, Node::Span(b)) => lengthened(&a, '+', &b),
            (Node::Span(a), Sub, Node::Span(b)) => lengthened(&a, '-', &b),
            (a, operator, b) => match (number(a), number(b)) {
                (Some(a), Some(b)) => Node::Number(match operator {
                    Add => guarded_sum(&a, '+', &b),
                    Sub => guarded_sum(&a, '-', &b),
                    Mul => guarded_product(&a, '*', &b),
                    Div => guarded_product(&a, '/', &b),
                }),
                _ => Node::MISSING,
            },
        })
    }

    /// A sum with a written number of ordinary size never overflows.
    fn plus_small(&mut self, operator: Operator, a: &Node, b: &Node) -> Option<Lower> {
        let sign = match operator {
            Operator::Add => '+',
            Operator::Sub => '-',
            Operator::Mul | Operator::Div => return None,
        };
        let typed = |node: Lower| node.map(number);
        let a = typed(self.typed(a.clone()));
        let b = typed(self.typed(b.clone()));
        Some(match (a, b) {
            (Err(error), _) | (_, Err(error)) => Err(error),
            (Ok(Some(a)), Ok(Some(b))) => Ok(Node::Number(format!("({a} {sign} {b})"))),
            _ => Ok(Node::MISSING),
        })
    }
}

/// As a number, where it may be one.
pub(super) fn number(node: Node) -> Option<String> {
    match node {
        Node::Number(sql) => Some(sql),
        Node::Json(sql) => Some(json_number(&sql)),
        _ => None,
    }
}

/// Held between two limits; `least` and `greatest` would make a limit of what is missing.
fn held(sql: &str, least: i128, most: i128) -> String {
    once(sql, |v| {
        format!("(CASE WHEN {v} < {least} THEN {least} WHEN {v} > {most} THEN {most} ELSE {v} END)")
    })
}

/// A moment moved, held at the ends of the calendar.
fn moved(time: &str, sign: char, span: &str) -> Node {
    let span = held(span, -BEYOND_MICROS, BEYOND_MICROS);
    Node::Time(held(&format!("({time} {sign} {span})"), FIRST_MICROS, LAST_MICROS))
}

/// Two durations, held at the ends of 64 bits.
fn lengthened(a: &str, sign: char, b: &str) -> Node {
    let sum = held(&format!("({a}::numeric {sign} {b})"), i64::MIN.into(), i64::MAX.into());
    Node::Span(format!("({sum}::bigint)"))
}

/// A sum, NULL where it is not finite.
pub(super) fn guarded_sum(a: &str, sign: char, b: &str) -> String {
    both(a, b, &sum_of("x.a", sign, "x.b"))
}

/// The same of two names. Both halves are exact where they are asked for, so that the halved sum is exactly half the sum.
pub(super) fn sum_of(a: &str, sign: char, b: &str) -> String {
    let half = 2f64.powi(1023);
    format!(
        "CASE WHEN least(abs({a}), abs({b})) < {NEGLIGIBLE:e}::float8 THEN {a} {sign} {b} \
         WHEN abs({a} / 2 {sign} {b} / 2) < {half:e}::float8 THEN {a} {sign} {b} END"
    )
}

/// A product or quotient, NULL where it is not finite, 0 where it is too small. It is taken of the two scaled by powers
/// of two (which is exact) first, where nothing can overflow, and compared with the limits scaled alike.
fn guarded_product(a: &str, sign: char, b: &str) -> String {
    let (large, small) = (2f64.powi(400), 2f64.powi(-400));
    let (up, down) = (2f64.powi(600), 2f64.powi(-600));
    let scaled = |v: &str| {
        format!(
            "CASE WHEN abs({v}) > {large:e}::float8 THEN {v} * {down:e}::float8 \
             WHEN abs({v}) < {small:e}::float8 AND {v} <> 0 THEN {v} * {up:e}::float8 ELSE {v} END"
        )
    };
    let power = |v: &str| {
        format!(
            "CASE WHEN abs({v}) > {large:e}::float8 THEN 1 \
             WHEN abs({v}) < {small:e}::float8 AND {v} <> 0 THEN -1 ELSE 0 END"
        )
    };
    let (largest, largest_twice) = (f64::MAX * down, f64::MAX * down * down);
    // Half of the smallest number: 2^-1075.
    let (least, least_twice) = (2f64.powi(-475), 2f64.powi(125));
    let powers = if sign == '*' { '+' } else { '-' };
    // A divisor of 0 is NULL: the quotient is missing.
    let divisor = if sign == '/' { format!("nullif({b}, 0)") } else { b.to_owned() };
    format!(
        "(SELECT CASE WHEN z.k > 0 AND abs(z.r) > CASE z.k WHEN 1 THEN {largest:e}::float8 \
         ELSE {largest_twice:e}::float8 END THEN NULL \
         WHEN z.k < 0 AND abs(z.r) <= CASE z.k WHEN -1 THEN {least:e}::float8 ELSE {least_twice:e}::float8 END \
         THEN 0 ELSE z.a {sign} z.b END \
         FROM (SELECT y.a, y.b, y.sa {sign} y.sb AS r, y.ka {powers} y.kb AS k FROM \
         (SELECT x.a, x.b, {} AS sa, {} AS sb, {} AS ka, {} AS kb FROM \
         (SELECT {a} AS a, {divisor} AS b OFFSET 0) AS x OFFSET 0) AS y OFFSET 0) AS z)",
        scaled("x.a"),
        scaled("x.b"),
        power("x.a"),
        power("x.b"),
    )
}
