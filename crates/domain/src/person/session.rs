//! Sessions: what a person did without a long pause.

use serde::{Deserialize, Serialize};

use crate::ShopTime;
use crate::value::Span;

/// A pause of so many minutes ends a session, as web analytics has it.
pub const SESSION_GAP_MINUTES: i64 = 30;

/// The latest session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Its number among the person's, from 1; 0 where there was none.
    pub number: u32,
    /// Its first event.
    pub started_at: Option<ShopTime>,
    /// Its latest event.
    pub last_at: Option<ShopTime>,
    /// How many events.
    pub events: u32,
}

impl Session {
    /// Something they did. What comes late, older than the session, counts into none.
    pub fn seen(&mut self, at: ShopTime) {
        let gap = Span::minutes(SESSION_GAP_MINUTES).nominal();
        let going_on = self.last_at.is_some_and(|last| at.since(last) < gap);
        if !going_on {
            *self = Self {
                number: self.number.saturating_add(1),
                started_at: Some(at),
                last_at: Some(at),
                events: 1,
            };
        } else if self.started_at.is_some_and(|started| at >= started) {
            self.last_at = self.last_at.max(Some(at));
            self.events = self.events.saturating_add(1);
        }
    }

    /// Takes over the sessions of the same person under another id. The latest of both are one where no long pause lies
    /// between them: somebody who logged in went on.
    pub fn merge(&mut self, other: &Self) {
        let number = self.number.saturating_add(other.number);
        let (early, late) = if self.last_at <= other.last_at { (*self, *other) } else { (*other, *self) };
        let gap = Span::minutes(SESSION_GAP_MINUTES).nominal();
        let pause = late.started_at.zip(early.last_at).map(|(began, ended)| began.since(ended));
        *self = match pause {
            Some(pause) if pause < gap => Self {
                number: number.saturating_sub(1),
                started_at: early.started_at.min(late.started_at),
                last_at: late.last_at,
                events: early.events.saturating_add(late.events),
            },
            _ => Self { number, ..late },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_logs_in_goes_on_with_the_session() {
        let minute = |minute: i64| ShopTime::from_millisecond(minute * 60_000).unwrap();
        let session = |minutes: &[i64]| {
            let mut session = Session::default();
            minutes.iter().for_each(|at| session.seen(minute(*at)));
            session
        };
        // (minutes of one, of the other, number of the session after it, its events)
        for (one, other, number, events) in [
            (&[100, 110][..], &[120, 130][..], 1, 4),
            (&[100, 110], &[140, 150], 2, 2),
            (&[10, 100, 110], &[105], 2, 3),
            (&[100], &[], 1, 1),
            (&[], &[], 0, 0),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                let mut merged = session(one);
                merged.merge(&session(other));
                assert_eq!((merged.number, merged.events), (number, events), "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn half_an_hour_ends_a_session() {
        let mut session = Session::default();
        let minute = |minute: i64| ShopTime::from_millisecond(minute * 60_000).unwrap();
        // (minute of the event, number of the session after it, its events)
        for (at, number, events) in
            [(100, 1, 1), (129, 1, 2), (158, 1, 3), (120, 1, 4), (90, 1, 4), (188, 2, 1), (170, 2, 1)]
        {
            session.seen(minute(at));
            assert_eq!((session.number, session.events), (number, events), "at minute {at}");
        }
    }
}
