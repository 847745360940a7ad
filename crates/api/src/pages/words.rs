//! What pages say, in every locale of `data/words.json`.

use std::collections::BTreeMap;

use journeyman_domain::plan::Channel;
use serde::Deserialize;

const WORDS: &str = include_str!("../../data/words.json");
/// The locale of who speaks none of ours.
const FALLBACK: &str = "en";
/// How many of a browser's languages are looked at.
const LANGUAGES: usize = 20;

/// All words, by locale.
pub(super) struct Words {
    fallback: Told,
    others: BTreeMap<String, Told>,
}

/// The words of one locale. `{topic}`, `{by}` and `{address}` are filled in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Told {
    channels: ByChannel,
    by: ByChannel,
    pub(super) unsubscribe: Unsubscribe,
    pub(super) done: Done,
    pub(super) preferences: Preferences,
    pub(super) no_such_link: Notice,
    pub(super) away: Notice,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByChannel {
    email: String,
    sms: String,
    push: String,
    whatsapp: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unsubscribe {
    pub(super) title: String,
    pub(super) topic: String,
    pub(super) these: String,
    pub(super) stop_topic: String,
    pub(super) stop_these: String,
    pub(super) stop_all: String,
    pub(super) note: String,
    pub(super) instead: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Done {
    pub(super) title: String,
    pub(super) less: String,
    pub(super) channel: String,
    pub(super) change: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Preferences {
    pub(super) title: String,
    pub(super) intro: String,
    #[serde(rename = "for")]
    pub(super) for_address: String,
    pub(super) cut_off: String,
    pub(super) none: String,
    pub(super) save: String,
    pub(super) nothing: String,
    pub(super) nothing_hint: String,
    pub(super) saved: String,
    pub(super) saved_nothing: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Notice {
    pub(super) title: String,
    pub(super) text: String,
}

impl Words {
    pub(super) fn read() -> Result<Self, String> {
        let mut others: BTreeMap<String, Told> =
            serde_json::from_str(WORDS).map_err(|error| error.to_string())?;
        let fallback = others.remove(FALLBACK).ok_or_else(|| format!("there is no {FALLBACK}"))?;
        Ok(Self { fallback, others })
    }

    /// The words of the first locale that is spoken here, or whose language is.
    pub(super) fn first<'l>(&self, wished: impl Iterator<Item = &'l str>) -> (&str, &Told) {
        for locale in wished {
            let language = locale.split(['-', '_']).next().unwrap_or(locale).to_ascii_lowercase();
            if language == FALLBACK {
                break;
            }
            let found = self.others.get_key_value(locale).or_else(|| self.others.get_key_value(&language));
            if let Some((locale, told)) = found {
                return (locale, told);
            }
        }
        (FALLBACK, &self.fallback)
    }
}

impl Told {
    pub(super) fn channel(&self, channel: Channel) -> &str {
        self.channels.of(channel)
    }

    pub(super) fn by(&self, channel: Channel) -> &str {
        self.by.of(channel)
    }
}

impl ByChannel {
    fn of(&self, channel: Channel) -> &str {
        match channel {
            Channel::Sms => &self.sms,
            Channel::Push => &self.push,
            Channel::Whatsapp => &self.whatsapp,
            // What reaches nobody by an address of their own is told as the mail they come from.
            Channel::Email | Channel::InApp | Channel::Webhook | Channel::Inbox | Channel::Call => {
                &self.email
            }
        }
    }
}

/// A text with what is to be filled in.
pub(super) fn filled(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
        rest = after;
    }
    filled + rest
}

/// The languages of an `Accept-Language` header (RFC 9110, 12.5.4), the dearest first.
pub(super) fn by_weight(header: &str) -> impl Iterator<Item = &str> {
    let weighed = header.split(',').take(LANGUAGES).filter_map(|one| {
        let (language, rest) = one.split_once(';').unwrap_or((one, "q=1"));
        let weight: f32 = rest.trim().strip_prefix("q=").and_then(|weight| weight.trim().parse().ok())?;
        (weight > 0.0).then_some((language.trim(), weight))
    });
    let mut weighed: Vec<(&str, f32)> = weighed.collect();
    weighed.sort_by(|a, b| b.1.total_cmp(&a.1));
    weighed.into_iter().map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_words() {
        let words = Words::read().unwrap();
        for (wished, locale) in [
            ("", "en"),
            ("de", "de"),
            ("de-AT", "de"),
            ("de_CH", "de"),
            ("DE-de", "de"),
            ("fi", "en"),
            ("fi, de;q=0.3, en;q=0.2", "de"),
            ("en;q=0.2, de;q=0.8", "de"),
            ("de;q=0, en", "en"),
            ("*;q=0.5, ;;;, de;q=x", "en"),
        ] {
            assert_eq!(words.first(by_weight(wished)).0, locale, "{wished}");
        }
    }

    #[test]
    fn what_is_filled_in() {
        let values = [("topic", "A {by} & B"), ("by", "by email")];
        assert_eq!(filled("Stop “{topic}” {by}{none}.", &values), "Stop “A {by} & B” by email.");
        assert_eq!(filled("open { end", &values), "open ");
    }

    #[test]
    fn every_locale_fills_in_the_same() {
        let Words { fallback, others } = Words::read().unwrap();
        for (locale, told) in
            others.iter().map(|(locale, told)| (locale.as_str(), told)).chain([("en", &fallback)])
        {
            assert!(
                told.unsubscribe.topic.contains("{topic}") && told.unsubscribe.topic.contains("{by}"),
                "{locale}"
            );
            assert!(told.unsubscribe.stop_topic.contains("{topic}"), "{locale}");
            for text in [
                &told.unsubscribe.these,
                &told.unsubscribe.stop_all,
                &told.done.channel,
                &told.preferences.cut_off,
            ] {
                assert!(text.contains("{by}"), "{locale}: {text}");
            }
            assert!(told.preferences.for_address.contains("{address}"), "{locale}");
        }
    }
}
