//! Whether each event and each message is there, and once: by what was sent and what arrived, against the tables. Nothing of the
//! engine is asked.

use std::collections::{BTreeMap, BTreeSet};

use journeyman_domain::MessageId;
use journeyman_domain::actor::engage::{FOLLOWED, LOADED};
use journeyman_store::tally;

use super::house::{House, SOURCE};
use super::life::Done;

/// What the checker found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Events stored or applied more than once, and mails that arrived more than once or were never queued.
    pub(super) duplicates: u64,
    /// Events answered 200 that are not stored or were not applied, and mails booked as accepted that never arrived.
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

    let told: BTreeMap<String, i64> = tally::told(&house.pool).await?.into_iter().collect();
    let of = |name: &str| told.get(name).copied().unwrap_or_default().unsigned_abs();
    for (name, did) in [(LOADED, done.opens), (FOLLOWED, done.clicks), ("Unsubscribed", done.unsubscribes)] {
        found.lost(did.saturating_sub(of(name)), &format!("of {did} `{name}` are not stored"));
        found.twice(of(name).saturating_sub(did), &format!("`{name}` more than the {did} that were done"));
    }

    let (missing, again) = tally::applied(&house.pool).await?;
    found.lost(missing.unsigned_abs(), "stored events were applied to nobody");
    found.twice(again.unsigned_abs(), "events were applied again");

    let accepted: BTreeSet<_> = tally::accepted_mails(&house.pool).await?.into_iter().collect();
    mails(&mut found, &accepted, &done.arrivals);
    Ok(found)
}

/// What is booked as accepted against what arrived.
fn mails(found: &mut Found, accepted: &BTreeSet<MessageId>, arrivals: &BTreeMap<MessageId, u64>) {
    let gone = accepted.iter().filter(|message| !arrivals.contains_key(message)).count() as u64;
    found.lost(gone, "mails were booked as accepted and never arrived");
    let more: u64 = arrivals.values().map(|times| times.saturating_sub(1)).sum();
    found.twice(more, "mails arrived again");
    let unknown = arrivals.keys().filter(|message| !accepted.contains(message)).count() as u64;
    found.twice(unknown, "mails arrived that are not booked as accepted");
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
    fn mails_that_are_missing_or_came_twice_are_found() {
        let id = |nth: u128| MessageId(uuid::Uuid::from_u128(nth));
        let check = |accepted: &[u128], arrived: &[(u128, u64)], (lost, duplicates): (u64, u64)| {
            let accepted = accepted.iter().map(|nth| id(*nth)).collect();
            let arrivals = arrived.iter().map(|(nth, times)| (id(*nth), *times)).collect();
            let mut found = Found::default();
            mails(&mut found, &accepted, &arrivals);
            assert_eq!((found.lost, found.duplicates), (lost, duplicates), "{accepted:?} {arrivals:?}");
        };
        check(&[1, 2], &[(1, 1), (2, 1)], (0, 0));
        check(&[1, 2], &[(1, 1)], (1, 0));
        check(&[1], &[(1, 2)], (0, 1));
        check(&[], &[(1, 1)], (0, 1));
        check(&[2], &[(1, 1)], (1, 1));
    }
}
