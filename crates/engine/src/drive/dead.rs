//! Addresses that a server says do not exist: told to their people as a bounce, and not written to any more.

use journeyman_channels::Verdict;
use journeyman_domain::actor::engage::BOUNCED;
use journeyman_domain::{Event, MessageId, ShopTime};
use journeyman_store::suppressions::{Kind as Why, Suppression};
use journeyman_store::told::{self, Told};
use sqlx::postgres::PgPool;

use crate::machine::{Claimed, Said};

/// What of a group has to be told.
pub(super) fn of(messages: &[Claimed], said: &[(MessageId, Said)], now: ShopTime) -> Vec<Told> {
    let dead = said.iter().filter_map(|(message, said)| match said {
        Said::Channel(Verdict::Rejected { detail, suppress: true, .. }) => Some((message, detail)),
        _ => None,
    });
    let told = dead.filter_map(|(message, detail)| {
        let claimed = messages.iter().find(|claimed| claimed.message.message == *message)?;
        Some(bounce(claimed, detail, now))
    });
    told.collect()
}

fn bounce(claimed: &Claimed, detail: &str, now: ShopTime) -> Told {
    let message = &claimed.message;
    let properties = serde_json::json!({
        "message_id": message.message.to_string(),
        "kind": "hard",
        "channel": message.channel.name(),
        "address": message.address,
        "diagnostic": detail,
    });
    let event = Event::told("smtp", BOUNCED, &message.message.to_string(), message.person, now, properties);
    let suppression = Suppression {
        channel: message.channel,
        address: message.address.to_string(),
        topic: None,
        kind: Why::Bounced,
        at: now,
        event: Some(event.id),
    };
    Told { event, suppress: vec![suppression], lift: Vec::new() }
}

/// Writes it down. What can't be written is said again by the server when the address is written to the next time.
pub(super) async fn tell(pool: &PgPool, told: &[Told]) {
    if told.is_empty() {
        return;
    }
    match told::write(pool, told).await {
        Ok(_) => tracing::info!(addresses = told.len(), "servers say that these addresses do not exist"),
        Err(error) => {
            tracing::warn!(%error, addresses = told.len(), "dead addresses could not be written down");
        }
    }
}
