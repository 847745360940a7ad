//! Helpers: which there are, and whether they are given what they take.

use journeyman_domain::template::Place;
use serde_json::Value;

use crate::expression::{Ast, Call};
use crate::helper::{DateStyle, Helper, Plural};
use crate::program::Expr;
use crate::report::meant;

use super::Lowering;

/// Every helper, for those who look for one.
pub(crate) const NAMES: [&str; 19] = [
    "money", "number", "date", "plural", "link", "text", "default", "or", "and", "not", "eq", "ne", "lt",
    "lte", "gt", "gte", "upper", "lower", "truncate",
];

impl Lowering<'_, '_> {
    /// An expression's value; `bare` where what it speaks of has to be there.
    pub(super) fn expr(&mut self, ast: &Ast, bare: bool, place: &Place) -> Option<Expr> {
        match ast {
            Ast::Path(path) => self.path(path, bare, place),
            Ast::Literal(Value::Array(_) | Value::Object(_)) => {
                self.report.error(
                    place,
                    "lists and blocks can't be written in a template",
                    "give it as a variable",
                );
                None
            }
            Ast::Literal(value) => Some(Expr::Literal(value.clone())),
            Ast::Call(call) => self.call(call, bare, place),
        }
    }

    fn call(&mut self, call: &Call, bare: bool, place: &Place) -> Option<Expr> {
        let name = call.name.as_str();
        let many = call.params.len();
        let (helper, takes, asks) = match name {
            "money" => (Helper::Money, 1..=2, true),
            "number" => (Helper::Number, 1..=1, true),
            "upper" => (Helper::Upper, 1..=1, true),
            "lower" => (Helper::Lower, 1..=1, true),
            "truncate" => (Helper::Truncate, 2..=2, true),
            "date" => (Helper::Date(self.style(call, place)?), 1..=2, true),
            "plural" => (Helper::Plural(self.forms(call, place)?), 3..=3, true),
            "default" => (Helper::Default, 2..=2, false),
            "or" => (Helper::Or, 2..=8, false),
            "and" => (Helper::And, 2..=8, false),
            "not" => (Helper::Not, 1..=1, false),
            "eq" => (Helper::Equal, 2..=2, false),
            "ne" => (Helper::Differs, 2..=2, false),
            "lt" => (Helper::Less, 2..=2, false),
            "lte" => (Helper::AtMost, 2..=2, false),
            "gt" => (Helper::More, 2..=2, false),
            "gte" => (Helper::AtLeast, 2..=2, false),
            "link" => {
                let help = "write `{{link url 'label'}}`, or `href=\"{{url}}\"`: such links are tracked too";
                self.report.error(place, "`link` stands alone in its braces", help);
                return None;
            }
            "text" => {
                let help = "write its words here, or take what is in braces out of them";
                self.report.error(place, "words with variables in them stand alone in their braces", help);
                return None;
            }
            other => {
                let message = format!("there is no helper `{other}`");
                self.report.error(place, message, meant(other, NAMES));
                return None;
            }
        };
        if !takes.contains(&many) {
            let message =
                format!("`{name}` takes {}, and is given {many}", counted(*takes.start(), *takes.end()));
            self.report.error(place, message, help(name));
            return None;
        }
        let hash = call.hash.iter().filter(|_| name != "plural");
        for (word, _) in hash {
            self.report.error(place, format!("`{name}` knows no `{word}=`"), help(name));
        }
        // A style and forms are part of the helper.
        let values = match name {
            "date" | "plural" => 1,
            _ => many,
        };
        let args = call.params.iter().take(values).enumerate();
        // Of money without a currency of its own the shop's is meant where none is said.
        let asks = |nth| bare && asks && (nth == 0 || name != "money");
        let args: Option<Box<[Expr]>> = args.map(|(nth, arg)| self.expr(arg, asks(nth), place)).collect();
        Some(Expr::Call(helper, args?))
    }

    fn style(&mut self, call: &Call, place: &Place) -> Option<DateStyle> {
        match call.params.get(1) {
            None => Some(DateStyle::Long),
            Some(Ast::Literal(Value::String(name))) => {
                let known = DateStyle::ALL.iter().find(|(known, _)| known == name);
                if known.is_none() {
                    let help = meant(name, DateStyle::ALL.map(|(name, _)| name));
                    self.report.error(place, format!("there is no date style `{name}`"), help);
                }
                known.map(|(_, style)| *style)
            }
            Some(_) => {
                self.report.error(place, "a date's style is a word", help("date"));
                None
            }
        }
    }

    fn forms(&mut self, call: &Call, place: &Place) -> Option<Plural> {
        let said = |ast: &Ast| match ast {
            Ast::Literal(Value::String(text)) => Some(Box::from(text.as_str())),
            _ => None,
        };
        let [one, other] = [1, 2].map(|nth| call.params.get(nth).and_then(said));
        let (Some(one), Some(other)) = (one, other) else {
            self.report.error(place, "`plural` takes a number and two words", help("plural"));
            return None;
        };
        let mut plural = Plural { one, other, zero: None, two: None, few: None, many: None };
        let mut right = true;
        for (word, form) in &call.hash {
            let slot = match word.as_str() {
                "zero" => &mut plural.zero,
                "two" => &mut plural.two,
                "few" => &mut plural.few,
                "many" => &mut plural.many,
                _ => {
                    let message = format!("`plural` knows no `{word}=`");
                    self.report.error(place, message, "there is `zero=`, `two=`, `few=`, `many=`");
                    right = false;
                    continue;
                }
            };
            *slot = said(form);
            if slot.is_none() {
                self.report.error(place, format!("`{word}=` of `plural` has to be a word"), help("plural"));
                right = false;
            }
        }
        right.then_some(plural)
    }
}

fn counted(from: usize, to: usize) -> String {
    match (from, to) {
        (1, 1) => "one thing".to_owned(),
        (from, to) if from == to => format!("{from} things"),
        (from, to) => format!("{from} to {to} things"),
    }
}

fn help(name: &str) -> &'static str {
    match name {
        "money" => "write `{{money cart.value}}`, or `{{money price entry.currency}}` of a bare number",
        "number" => "write `{{number item.weight}}`",
        "date" => "write `{{date entry.at 'long'}}`: short, long, weekday, time or datetime",
        "plural" => "write `{{plural cart.count 'piece' 'pieces'}}`",
        "default" => "write `{{default profile.first_name 'there'}}`",
        "truncate" => "write `{{truncate name 40}}`",
        "not" => "write `(not x)`",
        "upper" | "lower" => "write `{{upper name}}`",
        _ => "write `(eq a b)`",
    }
}
