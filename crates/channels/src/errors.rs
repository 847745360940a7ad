//! What a provider's error codes mean, as files say it: `data/<provider>_errors.yaml`.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::{Reason, Verdict};

/// Codes that mean the same.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(deserialize_with = "texts")]
    codes: Vec<String>,
    then: Then,
    #[serde(default)]
    after_seconds: u64,
    #[serde(default)]
    host: bool,
    #[cfg_attr(not(test), expect(dead_code, reason = "for whoever reads the file, and for its test"))]
    why: String,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Then {
    /// The address is dead: nothing goes there any more.
    Dead,
    /// It can't be reached, and may be another time.
    Unreachable,
    /// They have said no to us, there.
    Unsubscribed,
    /// Not for 24 h.
    Limited,
    Large,
    Policy,
    Content,
    Sender,
    Refused,
    Retry,
    /// Nobody knows whether it was taken.
    Unknown,
}

/// Codes are numbers or words.
fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Code {
        Number(u64),
        Text(String),
    }
    let codes = Vec::<Code>::deserialize(deserializer)?;
    let text = |code| match code {
        Code::Number(number) => number.to_string(),
        Code::Text(text) => text,
    };
    Ok(codes.into_iter().map(text).collect())
}

/// The rules of a file. One that can't be read has none, and what stands in the code beneath decides; a test reads it.
pub(crate) fn read(file: &str) -> Vec<Rule> {
    serde_yaml::from_str(file).unwrap_or_default()
}

/// What a code means; `None` of one that no rule knows.
pub(crate) fn verdict(rules: &[Rule], code: &str, words: String, after: Option<Duration>) -> Option<Verdict> {
    let rule = rules.iter().find(|rule| rule.codes.iter().any(|known| known == code))?;
    let reason = match rule.then {
        Then::Retry => {
            let own = (rule.after_seconds > 0).then(|| Duration::from_secs(rule.after_seconds));
            return Some(Verdict::Retry { after: after.max(own), reason: words, host: rule.host });
        }
        Then::Unknown => return Some(Verdict::Unknown { reason: words }),
        then => then.reason(),
    };
    Some(Verdict::Rejected { reason, detail: words, suppress: rule.then == Then::Dead })
}

/// Why a message failed that had been taken, and whether its address is dead.
pub(crate) fn failure(rules: &[Rule], code: &str) -> (Reason, bool) {
    let rule = rules.iter().find(|rule| rule.codes.iter().any(|known| known == code));
    let then = rule.map_or(Then::Refused, |rule| rule.then);
    (then.reason(), then == Then::Dead)
}

impl Then {
    fn reason(self) -> Reason {
        match self {
            Self::Dead => Reason::NoSuchAddress,
            Self::Unreachable => Reason::Unreachable,
            Self::Unsubscribed => Reason::Unsubscribed,
            Self::Limited => Reason::Limited,
            Self::Large => Reason::TooLarge,
            Self::Policy => Reason::Policy,
            Self::Content => Reason::Content,
            Self::Sender => Reason::Sender,
            Self::Refused | Self::Retry | Self::Unknown => Reason::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_is_read_and_says_each_code_once() {
        for file in [crate::sms::twilio::ERRORS, crate::whatsapp::ERRORS, crate::push::fcm::ERRORS] {
            let rules: Vec<Rule> = serde_yaml::from_str(file).expect("a file of rules");
            let codes: Vec<&String> = rules.iter().flat_map(|rule| &rule.codes).collect();
            assert!(
                !codes.is_empty() && codes.len() == codes.iter().collect::<BTreeSet<_>>().len(),
                "{codes:?}"
            );
            for rule in &rules {
                assert!(!rule.why.is_empty(), "{rule:?}");
                assert!(rule.then == Then::Retry || (!rule.host && rule.after_seconds == 0), "{rule:?}");
            }
        }
    }
}
