//! Addresses that a server says do not exist, want no more, or may have no more for a while: told to their people, and
//! suppressed where they are not to be written to any more.

use journeyman_channels::{Reason, Verdict};
use journeyman_domain::actor::engage::{BOUNCED, FAILED};
use journeyman_domain::{Event, MessageId, ShopTime};
use journeyman_store::suppressions::{Kind as Why, Suppression};
use journeyman_store::told::{self, Told};
use sqlx::postgres::PgPool;

use crate::machine::{Claimed, Said};

/// What of a group has to be told.
pub(super) fn of(messages: &[Claimed], said: &[(MessageId, Said)], now: ShopTime) -> Vec<Told> {
    let told = said.iter().filter_map(|(message, said)| {
        let Said::Channel(Verdict::Rejected { reason, detail, suppress }) = said else { return None };
        let claimed = messages.iter().find(|claimed| claimed.message.message == *message)?;
        match (reason, suppress) {
            (_, true) => Some(bounce(claimed, detail, now)),
            (Reason::Unsubscribed, false) => Some(unsubscribed(claimed, now)),
            (Reason::Limited, false) => Some(limited(claimed, detail, now)),
            _ => None,
        }
    });
    told.collect()
}

/// They have said no to us where only the provider heard it.
fn unsubscribed(claimed: &Claimed, now: ShopTime) -> Told {
    let message = &claimed.message;
    let properties = serde_json::json!({
        "message_id": message.message.to_string(),
        "channel": message.channel.name(),
        "via": "provider",
    });
    let key = format!("{} unsubscribed", message.message);
    let event = Event::told("delivery", "Unsubscribed", &key, message.person, now, properties);
    let suppression = Suppression {
        channel: message.channel,
        address: message.address.to_string(),
        topic: None,
        kind: Why::Unsubscribed,
        at: now,
        event: Some(event.id),
    };
    Told { event, suppress: vec![suppression], lift: Vec::new() }
}

/// The provider lets them have no more for a while.
fn limited(claimed: &Claimed, detail: &str, now: ShopTime) -> Told {
    let message = &claimed.message;
    let properties = serde_json::json!({
        "message_id": message.message.to_string(),
        "channel": message.channel.name(),
        "reason": Reason::Limited.code(),
        "detail": detail,
    });
    let key = format!("{} limited", message.message);
    let event = Event::told("delivery", FAILED, &key, message.person, now, properties);
    Told { event, suppress: Vec::new(), lift: Vec::new() }
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
        Ok(_) => tracing::info!(
            addresses = told.len(),
            "servers say that these addresses are not to be written to"
        ),
        Err(error) => {
            tracing::warn!(%error, addresses = told.len(), "dead addresses could not be written down");
        }
    }
}
