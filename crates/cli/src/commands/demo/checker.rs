//! Whether each event and each message is there, and once: by what was sent and what arrived, against the tables. Nothing of the
//! engine is asked.

use std::collections::{BTreeMap, BTreeSet};

use journeyman_domain::MessageId;
use journeyman_store::tally;

use super::house::{House, SOURCE};
use super::life::Done;

/// What the checker found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Events stored or applied more than once, and messages that arrived more than once or were never queued.
    pub(super) duplicates: u64,
    /// Events answered 200 that are not stored or were not applied, and messages booked as accepted that never arrived.
    pub(super) lost: u64,
    /// Each thing that was found, for people.
    pub(super) said: Vec<String>,
}

impl Found {
    fn lost(&mut self, count: u64, what: &str) {
        self.lost += count;
        self.say(count, what);
    }

    fn twice(&mut self, count: u64, what: &str) {
        self.duplicates += count;
        self.say(count, what);
    }

    fn say(&mut self, count: u64, what: &str) {
        if count > 0 {
            self.said.push(format!("{count} {what}"));
        }
    }
}

/// Checks everything.
///
/// # Errors
/// As the store's.
pub(super) async fn check(house: &House, done: &Done) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let stored: BTreeMap<String, i64> = tally::events_of(&house.pool, SOURCE).await?.into_iter().collect();
    events(&mut found, &done.sent, &stored);

    let told = tally::told(&house.pool, &[SOURCE]).await?.into_iter();
    let told: BTreeMap<String, u64> = told.map(|(name, times)| (name, times.unsigned_abs())).collect();
    told_to_the_door(&mut found, &done.told, &told);

    let (missing, again) = tally::applied(&house.pool).await?;
    found.lost(missing.unsigned_abs(), "stored events were applied to nobody");
    found.twice(again.unsigned_abs(), "events were applied again");

    let accepted: BTreeSet<_> = tally::accepted(&house.pool).await?.into_iter().collect();
    messages(&mut found, &accepted, &done.arrivals);
    Ok(found)
}

/// What was done with messages and reported of them, and the scores that people heard of, against the events that are stored.
fn told_to_the_door(found: &mut Found, did: &BTreeMap<&'static str, u64>, stored: &BTreeMap<String, u64>) {
    for (name, did) in did {
        let of = stored.get(*name).copied().unwrap_or_default();
        found.lost(did.saturating_sub(of), &format!("of {did} `{name}` are not stored"));
        found.twice(of.saturating_sub(*did), &format!("`{name}` more than the {did} that were done"));
    }
    for (name, stored) in stored.iter().filter(|(name, _)| !did.contains_key(name.as_str())) {
        found.twice(*stored, &format!("`{name}` that nobody did"));
    }
}

/// What is booked as accepted against what arrived.
fn messages(found: &mut Found, accepted: &BTreeSet<MessageId>, arrivals: &BTreeMap<MessageId, u64>) {
    let gone = accepted.iter().filter(|message| !arrivals.contains_key(message)).count() as u64;
    found.lost(gone, "messages were booked as accepted and never arrived");
    let more: u64 = arrivals.values().map(|times| times.saturating_sub(1)).sum();
    found.twice(more, "messages arrived again");
    let unknown = arrivals.keys().filter(|message| !accepted.contains(message)).count() as u64;
    found.twice(unknown, "messages arrived that are not booked as accepted");
}

/// What was sent against what is stored.
fn events(found: &mut Found, sent: &[String], stored: &BTreeMap<String, i64>) {
    let known: BTreeSet<&str> = sent.iter().map(String::as_str).collect();
    let missing = known.iter().filter(|id| !stored.contains_key(**id)).count() as u64;
    found.lost(missing, "events answered 200 are not stored");
    let again: u64 = stored.values().map(|times| times.unsigned_abs().saturating_sub(1)).sum();
    found.twice(again, "events are stored again");
    let unknown = stored.keys().filter(|id| !known.contains(id.as_str())).count() as u64;
    found.twice(unknown, "events are stored that nobody sent");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_there_twice_is_found() {
        let check = |sent: &[&str], stored: &[(&str, i64)], (lost, duplicates): (u64, u64)| {
            let sent: Vec<String> = sent.iter().map(|id| (*id).to_owned()).collect();
            let stored = stored.iter().map(|(id, times)| ((*id).to_owned(), *times)).collect();
            let mut found = Found::default();
            events(&mut found, &sent, &stored);
            assert_eq!((found.lost, found.duplicates), (lost, duplicates), "{sent:?} {stored:?}");
        };
        check(&["a", "b"], &[("a", 1), ("b", 1)], (0, 0));
        check(&["a", "b"], &[("a", 1)], (1, 0));
        check(&["a"], &[("a", 3)], (0, 2));
        check(&["a"], &[("a", 1), ("x", 1)], (0, 1));
        check(&[], &[], (0, 0));
    }

    #[test]
    fn what_was_done_with_messages_and_is_stored_otherwise_is_found() {
        let check = |did: &[(&'static str, u64)], stored: &[(&str, u64)], (lost, duplicates): (u64, u64)| {
            let did = did.iter().copied().collect();
            let stored = stored.iter().map(|(name, times)| ((*name).to_owned(), *times)).collect();
            let mut found = Found::default();
            told_to_the_door(&mut found, &did, &stored);
            assert_eq!((found.lost, found.duplicates), (lost, duplicates), "{did:?} {stored:?}");
        };
        check(&[("Message Loaded", 2)], &[("Message Loaded", 2)], (0, 0));
        check(&[("Message Loaded", 2)], &[("Message Loaded", 1)], (1, 0));
        check(&[("Message Delivered", 2)], &[("Message Delivered", 5)], (0, 3));
        check(&[("Message Replied", 1)], &[], (1, 0));
        check(&[], &[("Message Failed", 1)], (0, 1));
    }

    #[test]
    fn messages_that_are_missing_or_came_twice_are_found() {
        let id = |nth: u128| MessageId(uuid::Uuid::from_u128(nth));
        let check = |accepted: &[u128], arrived: &[(u128, u64)], (lost, duplicates): (u64, u64)| {
            let accepted = accepted.iter().map(|nth| id(*nth)).collect();
            let arrivals = arrived.iter().map(|(nth, times)| (id(*nth), *times)).collect();
            let mut found = Found::default();
            messages(&mut found, &accepted, &arrivals);
            assert_eq!((found.lost, found.duplicates), (lost, duplicates), "{accepted:?} {arrivals:?}");
        };
        check(&[1, 2], &[(1, 1), (2, 1)], (0, 0));
        check(&[1, 2], &[(1, 1)], (1, 0));
        check(&[1], &[(1, 2)], (0, 1));
        check(&[], &[(1, 1)], (0, 1));
        check(&[2], &[(1, 1)], (1, 1));
    }
}
