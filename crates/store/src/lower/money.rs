//! Money: typed from numbers and records, compared across currencies, multiplied.

use journeyman_domain::expr::{Expr, Root, Type};
use journeyman_domain::value::Money;
use sqlx::types::JsonValue;

use super::node::{Amount, Node, json_number, json_text};
use super::walk::{Lower, Lowering};
use super::{Bound, NotInSql, decimal};

/// How many digits `Decimal::from_f64` leaves.
const NUMBER_DIGITS: usize = 16;
/// How many digits a decimal certainly has: 10^28 is below 2^96.
const DECIMAL_DIGITS: usize = 28;

impl Lowering<'_> {
    /// `As(Money, …)`: a number is of the currency that stands beside it, a record of its own, else of the shop's.
    pub(super) fn cast_money(&mut self, inner: &Expr) -> Lower {
        let node = self.lower(inner)?;
        if let (Expr::Path(Root::Element, _), Some(Node::Known(element))) = (inner, &self.element) {
            let element = element.clone();
            let cast = Expr::As(Type::Money, Box::new(inner.clone()));
            return Ok(Node::Known(self.ask(&cast, self.context.shop_zone, Some(&element))));
        }
        if let (Node::Known(value), false) = (&node, matches!(inner, Expr::Path(..))) {
            let cast = Expr::As(Type::Money, Box::new(Expr::Literal(value.clone())));
            return Ok(Node::Known(self.ask(&cast, self.context.shop_zone, None)));
        }
        let beside = match inner {
            Expr::Path(root, path) => match path.split_last() {
                Some((_, record)) => {
                    let mut path = record.to_vec();
                    path.push("currency".into());
                    self.lower(&Expr::Path(root.clone(), path.into()))?
                }
                None => Node::MISSING,
            },
            _ => Node::MISSING,
        };
        let base = self.text(self.context.rates.base.code())?;
        let code =
            |text: &str| format!("coalesce(substring({text} COLLATE \"C\" FROM '^[A-Z]{{3}}$'), {base})");
        let beside = match beside {
            Node::Json(sql) => code(&json_text(&sql)),
            _ => base.clone(),
        };
        let (number, currency) = match node {
            Node::Money(money) => return Ok(Node::Money(money)),
            Node::Number(sql) => (sql, beside),
            Node::Json(sql) => {
                let field = |name: &str| format!("({sql} -> '{name}')");
                let (amount, of) = (json_number(&field("amount")), code(&json_text(&field("currency"))));
                let number = json_number(&sql);
                (
                    format!("(CASE jsonb_typeof({sql}) WHEN 'object' THEN {amount} ELSE {number} END)"),
                    format!("(CASE jsonb_typeof({sql}) WHEN 'object' THEN {of} ELSE {beside} END)"),
                )
            }
            _ => return Ok(Node::MISSING),
        };
        let amount = decimal::of_double(&number);
        Ok(Node::Money(Amount { amount, currency, base: None, digits: NUMBER_DIGITS }))
    }

    /// So many times an amount.
    pub(super) fn money_times(&mut self, money: &Amount, by: f64) -> Lower {
        // As `Money::times` sees it; beyond the decimals the product is missing for everybody.
        let Some(factor) = Money::from_number(by, self.context.rates.base) else { return Ok(Node::MISSING) };
        self.multiplied(money, &factor.amount().to_string())
    }

    /// One of so many parts of an amount: where the reciprocal is a short decimal, so many times that.
    pub(super) fn money_over(&mut self, money: &Amount, by: f64) -> Lower {
        let base = self.context.rates.base;
        let (one, parts) = (Money::from_number(1.0, base), Money::from_number(by, base));
        let (Some(reciprocal), Some(parts)) = (one.and_then(|one| one.over(by)), parts) else {
            return Ok(Node::MISSING);
        };
        let (factor, parts) = (reciprocal.amount(), parts.amount());
        // Exactly multiplied: the product has as many digits and places as a decimal has room for.
        let exact = digits(&factor.to_string()) + digits(&parts.to_string()) <= DECIMAL_DIGITS
            && factor.scale() + parts.scale() <= DECIMAL_DIGITS as u32
            && factor * parts == 1.into();
        if !exact {
            return Err(NotInSql::Money("the number divides into endless decimals"));
        }
        self.multiplied(money, &factor.to_string())
    }

    fn multiplied(&mut self, money: &Amount, factor: &str) -> Lower {
        let digits = money.digits + digits(factor);
        if digits > DECIMAL_DIGITS {
            return Err(NotInSql::Money("the number has too many digits"));
        }
        let factor = format!("{}::numeric", self.text(factor)?);
        let amount = decimal::product(&money.amount, &factor);
        Ok(Node::Money(Amount { amount, currency: money.currency.clone(), base: None, digits }))
    }

    /// How two amounts compare, NULL where one or its rate is missing.
    pub(super) fn compared_money(
        &mut self,
        operator: &str,
        a: &Amount,
        b: &Amount,
    ) -> Result<String, NotInSql> {
        let based = [self.in_base("x.a", "x.c", a)?, self.in_base("x.b", "x.d", b)?];
        Ok(format!(
            "(SELECT CASE WHEN x.c = x.d THEN x.a {operator} x.b ELSE {} {operator} {} END \
             FROM (SELECT {} AS a, {} AS c, {} AS b, {} AS d OFFSET 0) AS x)",
            based[0], based[1], a.amount, a.currency, b.amount, b.currency
        ))
    }

    /// An amount in the shop's currency, of the names that amount and currency have.
    fn in_base(&mut self, amount: &str, currency: &str, money: &Amount) -> Result<String, NotInSql> {
        if let Some(base) = &money.base {
            return Ok(base.clone());
        }
        let rates = self.context.rates;
        let longest = rates.rates.values().map(|rate| digits(&rate.to_string())).max().unwrap_or(0);
        if money.digits + longest > DECIMAL_DIGITS {
            return Err(NotInSql::Money("a rate has too many digits"));
        }
        // The shop's own currency last: whatever rate the table has of it, it is worth itself.
        let own = (rates.base.code().to_owned(), JsonValue::from("1"));
        let table =
            rates.rates.iter().map(|(of, rate)| (of.code().to_owned(), JsonValue::from(rate.to_string())));
        let table: JsonValue = table.chain([own]).collect();
        let table = self.parameter(Bound::Json(table));
        Ok(decimal::product(amount, &format!("({table} ->> {currency})::numeric")))
    }
}

/// The digits of a decimal's mantissa.
fn digits(decimal: &str) -> usize {
    decimal.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count()
}
