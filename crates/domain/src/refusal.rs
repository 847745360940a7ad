//! Why something was not done: a trigger that had matched, or a message.

use serde::{Deserialize, Serialize};

/// A reason as two bytes: it stands in the journal and in what steps leave behind. Codes are never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "i16", try_from = "i16")]
#[repr(i16)]
pub enum Refused {
    /// The event is older than the journey's `max_age`, or imported.
    Late = 1,
    /// The event lacks the property that keys the run.
    NoKey = 2,
    /// Not in any of `to`.
    NotInAudience = 3,
    /// In one of `except`.
    Excepted = 4,
    /// Entered before, and `again` does not allow it yet.
    Again = 5,
    /// A run of the same key runs, and `if_running` says ignore.
    AlreadyRunning = 6,
    /// A run of the same key runs and goes on with this.
    Joined = 7,
    /// A run of the same or a higher priority has the lane.
    LaneBusy = 8,
    /// What cancels a start came before the silence was over.
    Cancelled = 9,
    /// After the silence the condition held no longer.
    NoLonger = 10,
    /// The person has as many runs or remembered entries as one may have.
    TooMany = 11,
    /// An event that a step caused, caused by one, … too deep.
    TooDeep = 12,
    /// The send's own `if`.
    Guard = 20,
    /// Consent is missing or was withdrawn.
    NoConsent = 21,
    /// No channel of the step reaches the person.
    Unreachable = 22,
    /// A channel's or the journey's cap.
    Cap = 23,
    /// The minimum gap between two messages.
    Gap = 24,
    /// Quiet hours.
    QuietHours = 25,
    /// A blackout of the calendar.
    Blackout = 26,
    /// The person is held out: nothing is sent to them or done with them.
    Withheld = 27,
    /// The channel refused it for good.
    Failed = 28,
    /// The template speaks of something that is missing.
    MissingVariable = 29,
    /// The address is dead, or its owner has complained.
    Suppressed = 30,
    /// The provider lets them have no more by this channel for a while.
    Limited = 35,
    /// A trait, all of them, an entry or a variable is larger than what is kept.
    TooLarge = 40,
    /// A time zone that does not exist.
    BadZone = 41,
    /// A consent about a channel that does not exist.
    UnknownChannel = 42,
    /// A consent about what can be no topic.
    UnknownTopic = 43,
    /// Scores that are none.
    BadScore = 60,
    /// A send's `between` and `days`.
    Window = 70,
    /// The moment of a `wait_until` is missing.
    NoMoment = 71,
    /// The list of `each` is missing or empty.
    NoItem = 72,
    /// No live journey of that name is begun by programs and steps.
    NoJourney = 73,
    /// A run's message was on its way when a new version went live: the run stays in the older one.
    Underway = 74,
    /// A run that came from an older version has sent this message there.
    SentBefore = 75,
    /// A call was not answered in time.
    NoAnswer = 100,
}

impl Refused {
    /// All of them.
    pub const ALL: [Self; 36] = [
        Self::Late,
        Self::NoKey,
        Self::NotInAudience,
        Self::Excepted,
        Self::Again,
        Self::AlreadyRunning,
        Self::Joined,
        Self::LaneBusy,
        Self::Cancelled,
        Self::NoLonger,
        Self::TooMany,
        Self::TooDeep,
        Self::Guard,
        Self::NoConsent,
        Self::Unreachable,
        Self::Cap,
        Self::Gap,
        Self::QuietHours,
        Self::Blackout,
        Self::Withheld,
        Self::Failed,
        Self::MissingVariable,
        Self::Suppressed,
        Self::Limited,
        Self::TooLarge,
        Self::BadZone,
        Self::UnknownChannel,
        Self::UnknownTopic,
        Self::BadScore,
        Self::Window,
        Self::NoMoment,
        Self::NoItem,
        Self::NoJourney,
        Self::Underway,
        Self::SentBefore,
        Self::NoAnswer,
    ];

    /// As Postgres keeps it.
    pub fn number(self) -> i16 {
        self as i16
    }

    /// The reason of that number.
    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.number() == number)
    }

    /// The word of `ID.reason`, `why` and reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::NoKey => "no_key",
            Self::NotInAudience => "not_in_audience",
            Self::Excepted => "excepted",
            Self::Again => "again",
            Self::AlreadyRunning => "already_running",
            Self::Joined => "joined",
            Self::LaneBusy => "lane_busy",
            Self::Cancelled => "cancelled",
            Self::NoLonger => "no_longer",
            Self::TooMany => "too_many",
            Self::TooDeep => "too_deep",
            Self::Guard => "guard",
            Self::NoConsent => "no_consent",
            Self::Unreachable => "unreachable",
            Self::Cap => "cap",
            Self::Gap => "minimum_gap",
            Self::QuietHours => "quiet_hours",
            Self::Blackout => "blackout",
            Self::Withheld => "withheld",
            Self::Failed => "failed",
            Self::MissingVariable => "missing_variable",
            Self::Suppressed => "suppressed",
            Self::Limited => "limited",
            Self::TooLarge => "too_large",
            Self::BadZone => "bad_zone",
            Self::UnknownChannel => "unknown_channel",
            Self::UnknownTopic => "unknown_topic",
            Self::BadScore => "bad_score",
            Self::Window => "window",
            Self::NoMoment => "no_moment",
            Self::NoItem => "no_item",
            Self::NoJourney => "no_journey",
            Self::Underway => "underway",
            Self::SentBefore => "sent_before",
            Self::NoAnswer => "no_answer",
        }
    }

    /// What it means, for people who ask why.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Late => "the event is older than max_age, or imported: it starts nothing",
            Self::NoKey => "the event lacks the property that `per` names",
            Self::NotInAudience => "not in any segment of `to`",
            Self::Excepted => "in a segment of `except`",
            Self::Again => "entered before; `again` does not allow it yet",
            Self::AlreadyRunning => "a run of the same key is under way",
            Self::Joined => "a run of the same key is under way and goes on",
            Self::LaneBusy => "a run of the same or a higher priority has the lane",
            Self::Cancelled => "an event of `unless` came before the silence was over",
            Self::NoLonger => "after the silence the condition of `enter` held no longer",
            Self::TooMany => "this person has as many runs or remembered entries as one may have",
            Self::TooDeep => "steps caused events that caused events, too deep",
            Self::Guard => "the send's own `if` was false",
            Self::NoConsent => "consent is missing or was withdrawn",
            Self::Unreachable => "no channel of the step reaches this person",
            Self::Cap => "a frequency cap was used up until the message's time was over",
            Self::Gap => "the minimum gap between two messages outlasted the message's time",
            Self::QuietHours => "quiet hours outlasted the message's time",
            Self::Blackout => "a blackout of the calendar",
            Self::Withheld => "held out: it would have been sent or done",
            Self::Failed => "the channel refused it for good",
            Self::MissingVariable => "the template speaks of something that is missing",
            Self::Suppressed => "mail to this address came back for good",
            Self::Limited => "the provider lets this person have no more for a while",
            Self::TooLarge => "larger than what is kept of one person or run: left out",
            Self::UnknownChannel => "a consent about a channel that does not exist was left out",
            Self::UnknownTopic => "a consent about what can be no topic was left out",
            Self::BadScore => "scores without a risk from 0 to 1 and a known band were left out",
            Self::BadZone => "the time zone does not exist and was left out",
            Self::Window => "its `between` and `days` did not come within the message's time",
            Self::NoItem => "the list that `each` names is missing or empty",
            Self::NoJourney => "no live journey of that name says `api: yes`",
            Self::Underway => {
                "its message was on its way when the new version went live: it stays in the older one"
            }
            Self::SentBefore => "this run has sent it before, in an older version",
            Self::NoAnswer => "a call was not answered within its time",
            Self::NoMoment => "the moment of a `wait_until` is missing: it went on at once",
        }
    }
}

impl From<Refused> for i16 {
    fn from(reason: Refused) -> Self {
        reason.number()
    }
}

impl TryFrom<i16> for Refused {
    type Error = &'static str;

    fn try_from(number: i16) -> Result<Self, &'static str> {
        Self::from_number(number).ok_or("no reason has this number")
    }
}

/// A refusal with what it was of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The journey; `journey/step` where it is a message; empty where it is of the person.
    pub of: std::sync::Arc<str>,
    /// Why.
    pub reason: Refused,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_its_own_number_and_word() {
        let numbers: BTreeSet<i16> = Refused::ALL.iter().map(|reason| reason.number()).collect();
        let codes: BTreeSet<&str> = Refused::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!((numbers.len(), codes.len()), (Refused::ALL.len(), Refused::ALL.len()));
        assert!(Refused::ALL.iter().all(|reason| Refused::from_number(reason.number()) == Some(*reason)));
    }
}
