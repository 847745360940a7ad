//! Events as they are stored, by id.

use std::collections::BTreeMap;

use journeyman_domain::row::StoredEvent;
use journeyman_domain::{EventId, Kind};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::{Error, row, statements};

/// The events of these ids, as far as they are there and of a kind this program knows.
#[tracing::instrument(level = "trace", skip_all, fields(events = ids.len()))]
pub(crate) async fn by_id(
    connection: &mut PgConnection,
    ids: Vec<Uuid>,
) -> Result<BTreeMap<EventId, StoredEvent>, Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query(statements::READ_EVENTS).bind(ids).fetch_all(connection).await?;
    let mut events = BTreeMap::new();
    for row in rows {
        if let Some(event) = event(&row)? {
            events.insert(event.id, event);
        }
    }
    Ok(events)
}

/// An event of a row whose columns are named as those of `events`; `None` of a kind that a later version wrote.
pub(crate) fn event(row: &PgRow) -> Result<Option<StoredEvent>, Error> {
    let Some(kind) = Kind::from_code(row.try_get("kind")?) else { return Ok(None) };
    Ok(Some(StoredEvent {
        id: EventId(row.try_get("id")?),
        kind,
        name: row.try_get::<&str, _>("name")?.into(),
        occurred_at: row::shop_time(row.try_get("occurred_at")?),
        received_at: row::shop_time(row.try_get("received_at")?),
        historical: row.try_get("historical")?,
        payload: row.try_get("payload")?,
    }))
}
