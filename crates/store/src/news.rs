//! News: rows that are for many people, and what each of them hears.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::interest::Kind;
use journeyman_domain::news::{Heard, Mention, News, NewsRow, Topic, stored_items};
use journeyman_domain::row::KIND_NEWS;
use journeyman_domain::{EventId, Lane, PersonId, ShopTime};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::copy::Rows;
use crate::{Error, few, row, statements};

/// What the people of a row hear, in its order.
type Told = Vec<(PersonId, Heard)>;

/// Writes news, and its places in the queues of its shards: lane 1.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(rows = news.len()))]
pub async fn write(tx: &mut PgConnection, news: &[NewsRow]) -> Result<(), Error> {
    if news.is_empty() {
        return Ok(());
    }
    let mentions: usize = news.iter().map(|row| row.mentions.len()).sum();
    let mut rows = Rows::new(9, mentions * 48 + news.len() * 800);
    let mut waiting = Rows::new(6, news.len() * 80);
    for row in news {
        let each = |pick: &dyn Fn(&Mention) -> i16| -> Vec<i16> {
            row.mentions.iter().map(|(_, mention)| pick(mention)).collect()
        };
        let people: Vec<i64> = row.mentions.iter().map(|(person, _)| person.0).collect();
        let since: Vec<i64> =
            row.mentions.iter().map(|(_, mention)| mention.since.as_microsecond()).collect();
        rows.row()
            .uuid(row.id.0)
            .smallint(row.topic.code())
            .timestamptz(row.occurred_at)
            .timestamptz(row.received_at)
            .jsonb(&row.items_json())
            .bigints(&people)
            // Below 5,000, as domain makes them.
            .smallints(&each(&|mention| mention.item as i16))
            .smallints(&each(&|mention| mention.interest.code()))
            .bigints(&since);
        waiting
            .row()
            .smallint(i16::from(row.shard.0))
            .smallint(Lane::Bulk.code())
            .smallint(KIND_NEWS)
            .null()
            .uuid(row.id.0)
            .timestamptz(row.received_at);
    }
    rows.send(tx, statements::COPY_BULK).await?;
    waiting.send_or(tx, statements::COPY_INTAKE, &few::INTAKE).await?;
    Ok(())
}

/// What everybody hears of these rows, as far as they are there.
#[tracing::instrument(level = "debug", skip_all, fields(rows = ids.len()))]
pub(crate) async fn read(tx: &mut PgConnection, ids: &[Uuid]) -> Result<BTreeMap<Uuid, Told>, Error> {
    let rows = sqlx::query(statements::READ_BULK).bind(ids).fetch_all(tx).await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, told(row)?))).collect()
}

/// What one person heard of these rows, as far as they are there.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip_all, fields(rows = ids.len()))]
pub async fn heard(
    connection: &mut PgConnection,
    ids: &[EventId],
    person: PersonId,
) -> Result<BTreeMap<EventId, Heard>, Error> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows =
        sqlx::query(statements::HEARD_OF_PERSON).bind(ids).bind(person.0).fetch_all(connection).await?;
    let mut heard = BTreeMap::new();
    for row in &rows {
        let id = EventId(row.try_get("id")?);
        heard.extend(told(row)?.into_iter().map(|(_, mine)| (id, mine)));
    }
    Ok(heard)
}

fn told(row: &PgRow) -> Result<Told, Error> {
    let topic: i16 = row.try_get("topic")?;
    let news = Arc::new(News {
        id: EventId(row.try_get("id")?),
        topic: Topic::from_code(topic).ok_or_else(|| row::unknown("bulk.topic", topic))?,
        occurred_at: row::shop_time(row.try_get("occurred_at")?),
        received_at: row::shop_time(row.try_get("received_at")?),
        items: stored_items(row.try_get("items")?),
    });
    let people: Vec<i64> = row.try_get("people")?;
    let item: Vec<i16> = row.try_get("item")?;
    let interest: Vec<i16> = row.try_get("interest")?;
    let since: Vec<i64> = row.try_get("since")?;
    let mentions = item.into_iter().zip(interest).zip(since).map(|((item, interest), since)| {
        Ok::<Mention, Error>(Mention {
            item: item as u16,
            interest: Kind::from_code(interest).ok_or_else(|| row::unknown("bulk.interest", interest))?,
            since: ShopTime::from_microsecond(since).unwrap_or_default(),
        })
    });
    let each: Vec<(i64, Mention)> = people
        .into_iter()
        .zip(mentions)
        .map(|(person, mention)| Ok((person, mention?)))
        .collect::<Result<_, Error>>()?;
    let of_one = each.chunk_by(|one, other| one.0 == other.0);
    Ok(of_one
        .map(|mentions| {
            let person = PersonId(mentions[0].0);
            (
                person,
                Heard {
                    news: news.clone(),
                    mentions: mentions.iter().map(|(_, mention)| *mention).collect(),
                },
            )
        })
        .collect())
}
