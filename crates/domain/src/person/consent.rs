//! What a person agreed to.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ShopTime;
use crate::plan::{Channel, Consent, Policies};

/// How many statements one person may make about different things; the oldest give way.
pub const CONSENTS: usize = 100;
/// How long a topic's name may be, bytes: as long as names are in files.
pub const TOPIC_BYTES: usize = 80;

/// What a person said, by channel and topic: the latest statement about each pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Consents(Vec<Statement>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Statement {
    channel: Option<Channel>,
    topic: Option<Arc<str>>,
    given: bool,
    at: ShopTime,
}

impl Consents {
    /// Somebody subscribed or unsubscribed: to a topic, a channel, both together, or (neither named) to everything.
    /// An older statement than the one known about the same is ignored.
    pub fn say(&mut self, channel: Option<Channel>, topic: Option<Arc<str>>, given: bool, at: ShopTime) {
        let statement = Statement { channel, topic, given, at };
        let known = self
            .0
            .iter_mut()
            .find(|known| known.channel == statement.channel && known.topic == statement.topic);
        match known {
            Some(known) if known.at <= at => *known = statement,
            Some(_) => {}
            None => self.0.push(statement),
        }
        if self.0.len() > CONSENTS {
            // What withdraws stays: forgetting it would send to somebody who said no.
            let oldest = (0..self.0.len()).filter(|nth| self.0[*nth].given).min_by_key(|nth| self.0[*nth].at);
            if let Some(oldest) = oldest {
                self.0.remove(oldest);
            } else {
                self.0.pop();
                self.refuse_all(at);
            }
        }
    }

    /// Takes over what the same person said under another id: the latest word about each thing; of two at the same moment a
    /// refusal.
    pub fn merge(&mut self, other: &Self) {
        for theirs in &other.0 {
            let said = self.about(theirs.channel, theirs.topic.as_deref());
            let wins = said.is_none_or(|(at, given)| theirs.at > at || (theirs.at == at && given));
            if wins {
                self.say(theirs.channel, theirs.topic.clone(), theirs.given, theirs.at);
            }
        }
    }

    /// Somebody who has withdrawn from a hundred things one by one is asked about nothing any more.
    fn refuse_all(&mut self, at: ShopTime) {
        self.0.retain(|known| known.channel.is_some() || known.topic.is_some());
        self.0.insert(0, Statement { channel: None, topic: None, given: false, at });
        self.0.truncate(CONSENTS);
    }

    fn about(&self, channel: Option<Channel>, topic: Option<&str>) -> Option<(ShopTime, bool)> {
        let mut statements = self.0.iter();
        let found = statements.find(|known| known.channel == channel && known.topic.as_deref() == topic);
        found.map(|statement| (statement.at, statement.given))
    }

    /// Whether a marketing message on `topic` may go by `channel`. A withdrawal holds until a later yes to the same
    /// thing or to something wider around it; where nobody said anything, the topic's default decides.
    pub fn allow(&self, channel: Channel, topic: Option<&str>, policies: &Policies) -> bool {
        let everything = self.about(None, None);
        let by_channel = self.about(Some(channel), None);
        let by_topic = topic.and_then(|topic| self.about(None, Some(topic)));
        let by_both = topic.and_then(|topic| self.about(Some(channel), Some(topic)));
        let refused = |said: Option<(ShopTime, bool)>, by: &[Option<(ShopTime, bool)>]| {
            let Some((at, false)) = said else { return false };
            !by.iter().flatten().any(|(later, given)| *given && *later >= at)
        };
        // A later yes lifts a no: one to everything by whatever is named within it, since it is the later wish.
        if refused(everything, &[by_channel, by_topic, by_both])
            || refused(by_channel, &[everything, by_both])
            || refused(by_topic, &[everything, by_both])
            || refused(by_both, &[everything, by_channel, by_topic])
        {
            return false;
        }
        let given = |said: Option<(ShopTime, bool)>| said.is_some_and(|(_, given)| given);
        let default = topic.and_then(|topic| policies.topics.get(topic)).map(|topic| topic.consent);
        // A topic that is not there any more (an older version of a journey speaks on it) has no default: only a yes counts.
        let unasked = topic.is_none() || default == Some(Consent::OptOut);
        unasked || given(by_topic) || given(by_both) || given(everything)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample::topic;

    #[test]
    fn the_latest_word_about_the_narrowest_thing_counts() {
        let mut policies = Policies::default();
        policies.topics.insert("offers".into(), topic(Consent::OptIn));
        policies.topics.insert("news".into(), topic(Consent::OptOut));
        let email = Some(Channel::Email);
        type Said = (Option<Channel>, Option<&'static str>, bool);
        let cases: [(&[Said], &str, bool); 14] = [
            (&[], "offers", false),
            (&[], "news", true),
            (&[(None, Some("offers"), true)], "offers", true),
            (&[(email, Some("offers"), true)], "offers", true),
            (&[(Some(Channel::Sms), Some("offers"), true)], "offers", false),
            (&[(None, None, true)], "offers", true),
            (&[(email, None, true)], "offers", false),
            (&[(None, None, false)], "news", false),
            (&[(None, Some("news"), false)], "news", false),
            (&[(None, Some("news"), false), (None, Some("news"), true)], "news", true),
            (&[(None, None, false), (None, Some("news"), true)], "news", true),
            (&[(None, Some("offers"), true), (None, None, false)], "offers", false),
            (&[(email, None, false), (None, Some("offers"), true)], "offers", false),
            (&[(None, Some("offers"), true), (email, None, false), (email, None, true)], "offers", true),
        ];
        for (said, topic, allowed) in cases {
            let mut consents = Consents::default();
            for (nth, (channel, topic, given)) in said.iter().enumerate() {
                let at = ShopTime::from_millisecond(nth as i64).unwrap();
                consents.say(*channel, topic.map(Into::into), *given, at);
            }
            assert_eq!(
                consents.allow(Channel::Email, Some(topic), &policies),
                allowed,
                "{said:?} on {topic}"
            );
        }
    }

    #[test]
    fn a_late_statement_changes_nothing() {
        let mut consents = Consents::default();
        let at = |ms| ShopTime::from_millisecond(ms).unwrap();
        consents.say(None, None, false, at(10));
        consents.say(None, None, true, at(5));
        assert!(!consents.allow(Channel::Email, None, &Policies::default()));
    }

    #[test]
    fn of_two_ids_of_one_person_the_latest_word_counts_and_a_no_wins_a_tie() {
        let at = |ms| ShopTime::from_millisecond(ms).unwrap();
        for (ours, theirs, allowed) in [
            ((true, 1), (false, 2), false),
            ((false, 1), (true, 2), true),
            ((true, 2), (false, 1), true),
            ((true, 1), (false, 1), false),
            ((false, 1), (true, 1), false),
        ] {
            let said = |(given, ms)| {
                let mut said = Consents::default();
                said.say(None, None, given, at(ms));
                said
            };
            let mut consents = said(ours);
            consents.merge(&said(theirs));
            let answer = consents.allow(Channel::Email, None, &Policies::default());
            assert_eq!(answer, allowed, "{ours:?} and {theirs:?}");
        }
    }

    #[test]
    fn withdrawals_are_never_forgotten() {
        let mut consents = Consents::default();
        for nth in 0..(CONSENTS as i64 * 2) {
            let topic: Arc<str> = format!("topic-{nth}").into();
            consents.say(None, Some(topic), false, ShopTime::from_millisecond(nth).unwrap());
        }
        for topic in ["topic-0", "topic-99", "topic-150", "never-heard-of"] {
            assert!(!consents.allow(Channel::Email, Some(topic), &Policies::default()), "{topic}");
        }
        assert_eq!(consents.0.len(), CONSENTS);
        assert_eq!(consents.0.iter().filter(|said| said.topic.is_none()).count(), 1);
    }
}
