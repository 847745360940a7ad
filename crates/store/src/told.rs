//! Events that we tell ourselves of people we know by id, with what they say of their addresses: unsubscribed, bounced,
//! complained, subscribed again.

use journeyman_domain::Event;
use sqlx::postgres::PgPool;

use crate::Error;
use crate::ingest::{Once, Written, write_once};
use crate::suppressions::Suppression;

/// An event, and what it says of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The event; with [`Event::person`] it needs no names.
    pub event: Event,
    /// What is suppressed from now on.
    pub suppress: Vec<Suppression>,
    /// What is not any more, each of its kind.
    pub lift: Vec<Suppression>,
}

/// Writes events as [`crate::ingest::write`] does, and what they say of addresses in the same transaction: whether an event
/// is new, a duplicate, or about nobody. Of the same thing the latest word counts. A suppression names its event only where that
/// is stored.
///
/// # Errors
/// As [`crate::ingest::write`]; [`Error::Refused`] where an address or a topic is longer than it may be.
#[tracing::instrument(level = "debug", skip_all, fields(told = told.len()))]
pub async fn write(pool: &PgPool, told: &[Told]) -> Result<Written, Error> {
    let events: Vec<Event> = told.iter().map(|told| told.event.clone()).collect();
    let said = told.iter().enumerate().flat_map(|(nth, told)| {
        let suppress = told.suppress.iter().map(move |suppression| (nth, suppression, true));
        suppress.chain(told.lift.iter().map(move |suppression| (nth, suppression, false)))
    });
    let said: Vec<(usize, &Suppression, bool)> = said.collect();
    write_once(pool, &events, &[], Once::Seen, &said).await
}
