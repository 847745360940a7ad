//! The words and signs of an expression.

use std::sync::Arc;

use journeyman_domain::expr::{Comparison, Operator};
use journeyman_domain::value::{Currency, Money, Value};

use super::{EXPRESSION_BYTES, Fault};
use crate::diagnostic::{CHARACTER, EXPRESSION_SIZE, LITERAL, OPERATOR};
use crate::literal;
use crate::source::Place;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Literal(Value),
    Name(Arc<str>),
    And,
    Or,
    Not,
    In,
    Compare(Comparison),
    Operator(Operator),
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    Dot,
}

/// The tokens of a text, with their places.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Place)>, Fault> {
    if text.len() > EXPRESSION_BYTES {
        let message = format!("an expression has at most {} KB", EXPRESSION_BYTES / 1024);
        return Err(Fault::new(
            EXPRESSION_SIZE,
            Place::new(0, 1),
            message,
            "make segments or variables of its parts",
        ));
    }
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new() };
    while lexer.step()? {}
    Ok(lexer.tokens)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    tokens: Vec<(Token, Place)>,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn push(&mut self, token: Token, length: usize) {
        self.tokens.push((token, Place::new(self.at, self.at + length)));
        self.at += length;
    }

    fn fault(
        &self,
        code: crate::diagnostic::Code,
        length: usize,
        message: impl Into<String>,
        help: &str,
    ) -> Fault {
        Fault::new(code, Place::new(self.at, self.at + length), message, help)
    }

    /// Reads one token; false at the end.
    fn step(&mut self) -> Result<bool, Fault> {
        let rest = self.rest();
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        let Some(first) = trimmed.chars().next() else { return Ok(false) };
        if first.is_ascii_digit() {
            self.number(trimmed)?;
        } else if first.is_ascii_alphabetic() || first == '_' {
            self.word(trimmed);
        } else if first == '\'' {
            self.quoted(trimmed)?;
        } else {
            self.sign(trimmed, first)?;
        }
        Ok(true)
    }

    fn word(&mut self, rest: &str) {
        let word = word(rest);
        let token = match word {
            "and" => Token::And,
            "or" => Token::Or,
            "not" => Token::Not,
            "in" => Token::In,
            "true" => Token::Literal(Value::Bool(true)),
            "false" => Token::Literal(Value::Bool(false)),
            name => Token::Name(name.into()),
        };
        self.push(token, word.len());
    }

    /// `'text'`, a quote in it written twice.
    fn quoted(&mut self, rest: &str) -> Result<(), Fault> {
        let mut text = String::new();
        let mut at = 1;
        loop {
            let tail = rest.get(at..).unwrap_or("");
            let Some(end) = tail.find('\'') else {
                let help = "close it with `'`; a quote inside text is written twice";
                return Err(self.fault(LITERAL, rest.len(), "this text is never closed", help));
            };
            text.push_str(tail.get(..end).unwrap_or(""));
            at += end + 1;
            if !rest.get(at..).unwrap_or("").starts_with('\'') {
                break;
            }
            text.push('\'');
            at += 1;
        }
        self.push(Token::Literal(Value::text(&text)), at);
        Ok(())
    }

    /// `12`, `4.9`, `10%`, `30d`, `20 EUR`
    fn number(&mut self, rest: &str) -> Result<(), Fault> {
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let mut length = digits(rest);
        let fraction = rest.get(length..).and_then(|tail| tail.strip_prefix('.')).map_or(0, digits);
        if fraction > 0 {
            length += 1 + fraction;
        }
        let written = rest.get(..length).unwrap_or("");
        let tail = rest.get(length..).unwrap_or("");
        if tail.starts_with('%') {
            let Some(share) = literal::hundredth(written) else {
                return Err(self.fault(
                    LITERAL,
                    length + 1,
                    "this number is too large",
                    "write a smaller one",
                ));
            };
            self.push(Token::Literal(Value::number(share)), length + 1);
            return Ok(());
        }
        let unit = word(tail);
        if !unit.is_empty() {
            return self.with_unit(rest, length, unit);
        }
        let spaces = tail.len() - tail.trim_start_matches(' ').len();
        let code = word(tail.get(spaces..).unwrap_or(""));
        if spaces > 0 && code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            if let Ok(currency) = code.parse::<Currency>() {
                return self.money(written, length + spaces + 3, currency);
            }
            if code.to_ascii_uppercase().parse::<Currency>().is_ok() && !matches!(code, "and" | "not") {
                let help = format!("write `{written} {}`", code.to_ascii_uppercase());
                return Err(self.fault(
                    LITERAL,
                    length + spaces + 3,
                    "a currency has three capital letters",
                    &help,
                ));
            }
        }
        let number = written.parse().map(Value::number).unwrap_or_default();
        if number.is_missing() {
            return Err(self.fault(LITERAL, length, "this number is too large", "write a smaller one"));
        }
        self.push(Token::Literal(number), length);
        Ok(())
    }

    fn with_unit(&mut self, rest: &str, length: usize, unit: &str) -> Result<(), Fault> {
        let whole = length + unit.len();
        let written = rest.get(..whole).unwrap_or("");
        match literal::duration(written) {
            Ok(span) => {
                self.push(Token::Literal(Value::Span(span)), whole);
                Ok(())
            }
            Err(fault) if unit.len() == 1 => Err(self.fault(LITERAL, whole, fault.message, &fault.help)),
            Err(_) if unit.parse::<Currency>().is_ok() => {
                let help = format!("write `{} {unit}`", rest.get(..length).unwrap_or(""));
                Err(self.fault(LITERAL, whole, "an amount has a space before its currency", &help))
            }
            Err(_) => {
                let help = "write 30d for a duration, 20 EUR for money, text in 'quotes'";
                let message = format!("`{}` is no number", literal::short(written));
                Err(self.fault(LITERAL, whole, message, help))
            }
        }
    }

    fn money(&mut self, written: &str, length: usize, currency: Currency) -> Result<(), Fault> {
        let Ok(amount) = written.parse() else {
            return Err(self.fault(LITERAL, length, "this amount is too large", "write a smaller one"));
        };
        self.push(Token::Literal(Value::Money(Money::new(amount, currency))), length);
        Ok(())
    }

    fn sign(&mut self, rest: &str, first: char) -> Result<(), Fault> {
        const SIGNS: [(&str, Token); 19] = [
            ("&&", Token::And),
            ("||", Token::Or),
            ("==", Token::Compare(Comparison::Eq)),
            ("!=", Token::Compare(Comparison::Ne)),
            ("<=", Token::Compare(Comparison::Le)),
            (">=", Token::Compare(Comparison::Ge)),
            ("<", Token::Compare(Comparison::Lt)),
            (">", Token::Compare(Comparison::Gt)),
            ("!", Token::Not),
            ("+", Token::Operator(Operator::Add)),
            ("-", Token::Operator(Operator::Sub)),
            ("*", Token::Operator(Operator::Mul)),
            ("/", Token::Operator(Operator::Div)),
            ("(", Token::Open),
            (")", Token::Close),
            ("[", Token::OpenList),
            ("]", Token::CloseList),
            (",", Token::Comma),
            (".", Token::Dot),
        ];
        const FOREIGN: [(&str, &str); 7] = [
            ("===", "write `==`"),
            ("!==", "write `!=`"),
            ("=~", "text is compared with `==` or `in`"),
            ("=>", "write `>=`"),
            ("=<", "write `<=`"),
            ("<>", "write `!=`"),
            ("**", "write `*`"),
        ];
        if let Some((sign, help)) = FOREIGN.iter().find(|(sign, _)| rest.starts_with(sign)) {
            return Err(self.fault(OPERATOR, sign.len(), format!("there is no `{sign}` here"), help));
        }
        if let Some((sign, token)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
            self.push(token.clone(), sign.len());
            return Ok(());
        }
        match first {
            '=' => Err(self.fault(OPERATOR, 1, "one `=` compares nothing", "write `==`")),
            '&' => Err(self.fault(OPERATOR, 1, "there is no `&` here", "write `and`")),
            '|' => Err(self.fault(OPERATOR, 1, "there is no `|` here", "write `or`")),
            '%' => Err(self.fault(OPERATOR, 1, "`%` stands behind a number", "write 10%")),
            '"' | '\u{2018}'..='\u{201f}' => {
                let help = "text stands in single quotes: 'DE'";
                Err(self.fault(LITERAL, first.len_utf8(), format!("text does not stand in `{first}`"), help))
            }
            other => {
                let message = format!("`{}` is part of no expression", other.escape_debug());
                let help = "names have letters, digits and `_`; text stands in 'quotes'";
                Err(self.fault(CHARACTER, other.len_utf8(), message, help))
            }
        }
    }
}

/// The letters, digits and `_` at the beginning of a text.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.get(..end).unwrap_or("")
}
