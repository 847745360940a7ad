//! From tokens to a tree: or, and, not, comparisons, `+ -`, `* /`, the loosest first.

use std::sync::Arc;

use journeyman_domain::expr::Operator;
use journeyman_domain::value::Value;

use super::ast::{Ast, Kind};
use super::lexer::{Token, tokens};
use super::{EXPRESSION_BRACKETS, EXPRESSION_DEPTH, EXPRESSION_PARTS, Fault};
use crate::diagnostic::{CHAIN, EXPRESSION, EXPRESSION_SIZE};
use crate::source::Place;

/// The tree of an expression.
pub(super) fn parse(text: &str) -> Result<Ast, Fault> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens, next: 0, end: text.trim_end().len(), level: 0, parts: 0 };
    let ast = parser.or()?;
    match parser.peek() {
        None => Ok(ast),
        Some(token) => Err(parser.left_over(&token.clone())),
    }
}

struct Parser {
    tokens: Vec<(Token, Place)>,
    next: usize,
    /// Where the text ends.
    end: usize,
    /// How deep in brackets.
    level: usize,
    parts: usize,
}

type Parsed = Result<Ast, Fault>;

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(token, _)| token)
    }

    /// Where the next token stands, or the end.
    fn here(&self) -> Place {
        self.tokens.get(self.next).map_or(Place::new(self.end, self.end), |(_, at)| *at)
    }

    /// Where the last token stood.
    fn behind(&self) -> Place {
        self.next
            .checked_sub(1)
            .and_then(|last| self.tokens.get(last))
            .map_or(Place::default(), |(_, at)| *at)
    }

    fn eat(&mut self, token: &Token) -> bool {
        let there = self.peek() == Some(token);
        self.next += usize::from(there);
        there
    }

    fn make(&mut self, at: Place, kind: Kind) -> Parsed {
        let mut ast = Ast { at, kind, depth: 1 };
        ast.depth += ast.parts().iter().map(|part| part.depth).max().unwrap_or(0);
        self.parts += 1;
        if ast.depth > EXPRESSION_DEPTH || self.parts > EXPRESSION_PARTS {
            return Err(too_big(at));
        }
        Ok(ast)
    }

    /// Runs `parse` one level of brackets deeper.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.level += 1;
        if self.level > EXPRESSION_BRACKETS {
            return Err(too_big(self.behind()));
        }
        let parsed = parse(self);
        self.level -= 1;
        parsed
    }

    fn or(&mut self) -> Parsed {
        let mut left = self.and()?;
        while self.eat(&Token::Or) {
            let right = self.and()?;
            left = self.make(left.at.to(right.at), Kind::Or(Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.not()?;
        while self.eat(&Token::And) {
            let right = self.not()?;
            left = self.make(left.at.to(right.at), Kind::And(Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed {
        let at = self.here();
        if self.eat(&Token::Not) {
            let inner = self.deeper(Self::not)?;
            return self.make(at.to(inner.at), Kind::Not(Box::new(inner)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.sum()?;
        let compared = match self.peek() {
            Some(Token::Compare(comparison)) => {
                let comparison = *comparison;
                self.next += 1;
                let right = self.sum()?;
                self.make(left.at.to(right.at), Kind::Compare(comparison, Box::new(left), Box::new(right)))?
            }
            Some(Token::In) => {
                self.next += 1;
                let right = self.sum()?;
                self.make(left.at.to(right.at), Kind::In(Box::new(left), Box::new(right)))?
            }
            Some(Token::Not)
                if self.tokens.get(self.next + 1).is_some_and(|(next, _)| *next == Token::In) =>
            {
                self.next += 2;
                let right = self.sum()?;
                let at = left.at.to(right.at);
                let within = self.make(at, Kind::In(Box::new(left), Box::new(right)))?;
                self.make(at, Kind::Not(Box::new(within)))?
            }
            _ => return Ok(left),
        };
        if matches!(self.peek(), Some(Token::Compare(_) | Token::In)) {
            let help = "compare two at a time: `a < b and b < c`";
            return Err(Fault::new(CHAIN, self.here(), "a comparison has two sides", help));
        }
        Ok(compared)
    }

    fn sum(&mut self) -> Parsed {
        let mut left = self.product()?;
        while let Some(Token::Operator(operator @ (Operator::Add | Operator::Sub))) = self.peek() {
            let operator = *operator;
            self.next += 1;
            let right = self.product()?;
            left =
                self.make(left.at.to(right.at), Kind::Arithmetic(operator, Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn product(&mut self) -> Parsed {
        let mut left = self.negative()?;
        while let Some(Token::Operator(operator @ (Operator::Mul | Operator::Div))) = self.peek() {
            let operator = *operator;
            self.next += 1;
            let right = self.negative()?;
            left =
                self.make(left.at.to(right.at), Kind::Arithmetic(operator, Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn negative(&mut self) -> Parsed {
        let at = self.here();
        if self.eat(&Token::Operator(Operator::Sub)) {
            let inner = self.deeper(Self::negative)?;
            return self.make(at.to(inner.at), Kind::Negative(Box::new(inner)));
        }
        self.fields()
    }

    /// `a.b.c(...)`
    fn fields(&mut self) -> Parsed {
        let mut left = self.atom()?;
        while self.eat(&Token::Dot) {
            let at = self.here();
            let name: Arc<str> = match self.peek() {
                Some(Token::Name(name)) => name.clone(),
                // Words of the language are names of fields too.
                Some(Token::In) => "in".into(),
                Some(Token::Not) => "not".into(),
                _ => {
                    return Err(Fault::new(
                        EXPRESSION,
                        at,
                        "the name of a field belongs here",
                        "write one behind the point",
                    ));
                }
            };
            self.next += 1;
            left = if self.eat(&Token::Open) {
                let arguments = self.deeper(|parser| parser.items(&Token::Close, "`)`"))?;
                let whole = left.at.to(self.behind());
                self.make(whole, Kind::Method(Box::new(left), name, at, arguments))?
            } else {
                self.make(left.at.to(at), Kind::Field(Box::new(left), name, at))?
            };
        }
        Ok(left)
    }

    fn atom(&mut self) -> Parsed {
        let at = self.here();
        let Some(token) = self.peek().cloned() else {
            let help = "the expression ends here: write what it should be compared or computed with";
            return Err(Fault::new(EXPRESSION, at, "something is missing at the end", help));
        };
        self.next += 1;
        match token {
            Token::Literal(value) => self.make(at, Kind::Literal(value)),
            Token::Name(name) if self.eat(&Token::Open) => {
                let arguments = self.deeper(|parser| parser.items(&Token::Close, "`)`"))?;
                self.make(at.to(self.behind()), Kind::Function(name, arguments))
            }
            Token::Name(name) => self.make(at, Kind::Name(name)),
            Token::Open => {
                let mut inner = self.deeper(Self::or)?;
                if !self.eat(&Token::Close) {
                    return Err(self.expected("`)`", "close the bracket"));
                }
                inner.at = at.to(self.behind());
                Ok(inner)
            }
            Token::OpenList => {
                let items = self.deeper(|parser| parser.items(&Token::CloseList, "`]`"))?;
                self.make(at.to(self.behind()), Kind::List(items))
            }
            other => {
                self.next -= 1;
                Err(self.left_over(&other))
            }
        }
    }

    /// What stands in brackets, up to and with the one that closes them.
    fn items(&mut self, close: &Token, closing: &str) -> Result<Vec<Ast>, Fault> {
        let mut items = Vec::new();
        if self.eat(close) {
            return Ok(items);
        }
        loop {
            items.push(self.or()?);
            if self.eat(close) {
                return Ok(items);
            }
            if !self.eat(&Token::Comma) {
                return Err(self.expected(closing, "separate with commas, and close the bracket"));
            }
        }
    }

    fn expected(&self, what: &str, help: &str) -> Fault {
        Fault::new(EXPRESSION, self.here(), format!("{what} is missing here"), help)
    }

    /// A token that nothing began.
    fn left_over(&self, token: &Token) -> Fault {
        let at = self.here();
        let (message, help) = match token {
            Token::Not => ("`not` stands before a whole comparison", "put brackets around it: `(not x)`"),
            Token::Name(name) => ("two things stand side by side", of_word(name)),
            Token::Literal(_) => (
                "two things stand side by side",
                "write `and`, `or` or an operator between them; text stands in 'quotes'",
            ),
            Token::Open => (
                "a bracket stands here that belongs to no name",
                "write `and`, `or` or an operator before it",
            ),
            Token::OpenList => ("lists have no places by number", "write `.first`, `.last` or `.where(...)`"),
            Token::Close | Token::CloseList => {
                ("a bracket is closed that was not opened, or is empty", "take it out")
            }
            Token::Comma => ("a comma stands here", "commas stand in lists and between arguments"),
            Token::Dot => ("a point stands here", "write a name before it"),
            Token::And | Token::Or | Token::In | Token::Compare(_) | Token::Operator(_) => {
                ("something is missing before this", "write both sides of it")
            }
        };
        Fault::new(EXPRESSION, at, message, help)
    }
}

fn too_big(at: Place) -> Fault {
    let message = format!(
        "an expression has at most {EXPRESSION_PARTS} parts, {EXPRESSION_DEPTH} deep, and {EXPRESSION_BRACKETS} brackets in each other"
    );
    Fault::new(EXPRESSION_SIZE, at, message, "make segments or variables of its parts")
}

/// What a word between two things was probably meant to be.
fn of_word(word: &str) -> &'static str {
    match word.to_ascii_lowercase().as_str() {
        "and" | "or" | "in" | "not" => "write it in small letters",
        "is" | "equals" | "eq" => "write `==`",
        "contains" | "includes" => "write `list.has(value)` or `value in list`",
        _ => "write `and`, `or` or an operator between them; text stands in 'quotes'",
    }
}

/// The value of a negative literal.
pub(super) fn negated(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) => Some(Value::number(-number)),
        Value::Span(span) => Some(Value::Span(span.negated())),
        Value::Money(money) => money.times(-1.0).map(Value::Money),
        _ => None,
    }
}
