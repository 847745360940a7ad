//! What a reply means, as a file says it: `data/smtp_replies.yaml`.

use std::sync::LazyLock;

use serde::{Deserialize, Deserializer};

use super::Stage;
use super::reply::Enhanced;

/// One rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    #[serde(default)]
    at: Vec<Stage>,
    #[serde(default, deserialize_with = "digits")]
    code: Option<String>,
    #[serde(default)]
    enhanced: Option<String>,
    #[serde(default)]
    says: Vec<String>,
    pub(super) then: Then,
    #[serde(default)]
    pub(super) after_minutes: u64,
    #[serde(default)]
    pub(super) host: bool,
    #[cfg_attr(not(test), expect(dead_code, reason = "for whoever reads the file, and for its test"))]
    why: String,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Then {
    Dead,
    Full,
    Large,
    Policy,
    Content,
    Sender,
    Refused,
    Retry,
}

/// A code is a number, or a text with x.
fn digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Code {
        Number(u16),
        Text(String),
    }
    Ok(Some(match Code::deserialize(deserializer)? {
        Code::Number(number) => number.to_string(),
        Code::Text(text) => text,
    }))
}

const FILE: &str = include_str!("../../data/smtp_replies.yaml");

/// Read once. A file that can't be read leaves what stands in the code beneath; a test reads it.
static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| serde_yaml::from_str(FILE).unwrap_or_default());

/// The first rule that fits. `text` in lower case.
pub(super) fn find(stage: Stage, code: u16, enhanced: Option<Enhanced>, text: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.fits(stage, code, enhanced, text))
}

impl Rule {
    fn fits(&self, stage: Stage, code: u16, enhanced: Option<Enhanced>, text: &str) -> bool {
        let digits = |pattern: &str| {
            let code = code.to_string();
            pattern.len() == code.len() && pattern.chars().zip(code.chars()).all(|(p, c)| p == 'x' || p == c)
        };
        (self.at.is_empty() || self.at.contains(&stage))
            && self.code.as_deref().is_none_or(digits)
            && self.enhanced.as_deref().is_none_or(|pattern| matches(pattern, enhanced))
            && (self.says.is_empty() || self.says.iter().any(|words| text.contains(words.as_str())))
    }
}

fn matches(pattern: &str, enhanced: Option<Enhanced>) -> bool {
    let Some((class, subject, detail)) = enhanced else { return pattern == "none" };
    let mut parts = pattern.split('.');
    [class, subject, detail].iter().all(|number| {
        parts.next().is_some_and(|part| part == "x" || part.parse::<u16>().is_ok_and(|part| part == *number))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole() {
        let rules: Vec<Rule> = serde_yaml::from_str(FILE).unwrap_or_else(|error| panic!("{error}"));
        assert!(rules.len() > 40);
        for rule in &rules {
            let shown = format!("{rule:?}");
            assert!(!rule.why.is_empty(), "{shown}");
            let code = rule.code.as_deref().unwrap_or("5xx");
            assert!(code.len() == 3 && matches!(code.as_bytes()[0], b'4' | b'5'), "{shown}");
            assert!(code.chars().all(|c| c == 'x' || c.is_ascii_digit()), "{shown}");
            let parts = |code: &str| {
                code.split('.').filter(|part| *part == "x" || part.parse::<u16>().is_ok()).count()
            };
            assert!(
                rule.enhanced.as_deref().is_none_or(|code| code == "none" || parts(code) == 3),
                "{shown}"
            );
            assert!(
                rule.says.iter().all(|words| *words == words.to_lowercase() && words.len() > 2),
                "{shown}"
            );
            // What can't be tried again waits for nothing; nothing transient is for good.
            assert!(rule.then == Then::Retry || !(rule.host || rule.after_minutes > 0), "{shown}");
            assert!(rule.then == Then::Retry || code.starts_with('5'), "{shown}");
        }
        // None stands behind one that takes all it takes.
        for (nth, rule) in rules.iter().enumerate() {
            let same = |other: &Rule| {
                other.at == rule.at
                    && other.code == rule.code
                    && other.enhanced == rule.enhanced
                    && other.says == rule.says
            };
            assert!(!rules[..nth].iter().any(same), "twice: {rule:?}");
        }
    }
}
