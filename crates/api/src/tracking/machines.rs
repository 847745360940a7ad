//! Which requests machines make: the rules of `data/machines.json`, each with its reason and where that is from. The first
//! that strikes decides; some say that it was a person, however much it looks otherwise.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, Method};
use serde::Deserialize;

const RULES: &str = include_str!("../../data/machines.json");

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Asked {
    /// A link's target.
    Click,
    /// A pixel.
    Open,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    code: Arc<str>,
    #[serde(default = "yes")]
    machine: bool,
    only: Option<Asked>,
    method: Option<String>,
    header: Option<String>,
    #[serde(default)]
    contains: Vec<String>,
    is: Option<String>,
    // For who reads the file.
    #[serde(rename = "why")]
    _why: String,
    #[serde(rename = "source")]
    _source: String,
}

fn yes() -> bool {
    true
}

struct Rule {
    code: Option<Arc<str>>,
    only: Option<Asked>,
    strikes: Strikes,
}

enum Strikes {
    Method(Method),
    /// A header is just this; nothing is a header that is not there.
    Is(HeaderName, String),
    /// A header has one of these in it, in small letters.
    Contains(HeaderName, Vec<String>),
}

/// The rules, read.
pub(super) struct Machines(Vec<Rule>);

impl Machines {
    /// The rules of the data file.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(super) fn read() -> Result<Self, String> {
        let written: Vec<Written> = serde_json::from_str(RULES).map_err(|error| error.to_string())?;
        written.into_iter().map(Rule::new).collect::<Result<_, _>>().map(Self)
    }

    /// The code of the rule that says a machine was at work.
    pub(super) fn strikes(&self, asked: Asked, method: &Method, headers: &HeaderMap) -> Option<Arc<str>> {
        let applies = |rule: &&Rule| {
            rule.only.is_none_or(|only| only == asked) && rule.strikes.strikes(method, headers)
        };
        self.0.iter().find(applies)?.code.clone()
    }
}

impl Rule {
    fn new(written: Written) -> Result<Self, String> {
        let Written { code, machine, only, method, header, contains, is, .. } = written;
        let name = |header: String| header.parse().map_err(|_| format!("{code}: `{header}` is no header"));
        let strikes = match (method, header, is) {
            (Some(method), None, None) if contains.is_empty() => {
                let method = method.parse().map_err(|_| format!("{code}: `{method}` is no method"))?;
                Strikes::Method(method)
            }
            (None, Some(header), Some(is)) if contains.is_empty() => Strikes::Is(name(header)?, is),
            (None, Some(header), None) if !contains.is_empty() => Strikes::Contains(name(header)?, contains),
            _ => return Err(format!("{code}: write `method`, or `header` with `is` or `contains`")),
        };
        Ok(Self { code: machine.then_some(code), only, strikes })
    }
}

impl Strikes {
    fn strikes(&self, method: &Method, headers: &HeaderMap) -> bool {
        let value = |name| headers.get(name).map_or(&b""[..], |value| value.as_bytes());
        match self {
            Self::Method(wanted) => method == wanted,
            Self::Is(name, wanted) => value(name).trim_ascii() == wanted.as_bytes(),
            Self::Contains(name, parts) => {
                let value = String::from_utf8_lossy(value(name)).to_ascii_lowercase();
                !value.is_empty() && parts.iter().any(|part| value.contains(part.as_str()))
            }
        }
    }
}

#[cfg(test)]
mod tests;
