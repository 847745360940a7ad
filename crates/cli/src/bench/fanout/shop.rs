//! The item, those who care for it, and the journeys that listen.

use journeyman_domain::catalog::Patch;
use journeyman_domain::interest::{Interest, InterestRow, Word};
use journeyman_domain::{PersonId, ShopClock as _};
use journeyman_engine::deploy;
use journeyman_journey::Source;
use journeyman_store::{catalog, deployments, interests, slices};
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::SystemClock;
use crate::bench::scratch::Scratch;

/// The item.
pub(super) const PRODUCT: &str = "sku-00001";
/// How many rows are made at once.
const CHUNK: usize = 20_000;
/// People of the bench; those of live events get ids of their own at the door, from 1.
const FIRST: i64 = 1_000_000_000;

/// One journey hears of the drop and finds that nobody who only looked is meant, as most hearers are not; the other answers
/// live events.
const JOURNEYS: [(&str, &str); 2] = [
    (
        "bench-drop",
        "journey: bench-drop\nkind: transactional\nenter:\n  on: Price Dropped\n  \
         if: event.items.any(interest == 'wishlist' and drop >= 10%)\n  again: every 3d\nsteps:\n  - send: dropped\n    channel: inbox\n",
    ),
    (
        "bench-live",
        "journey: bench-live\nkind: transactional\nenter:\n  on: Bench Live\n  per: key\nsteps:\n  - send: live\n    channel: inbox\n",
    ),
];

/// Puts the journeys live, the item in, and so many people who looked at it.
pub(super) async fn open(scratch: &Scratch, people: usize) -> anyhow::Result<()> {
    let source = |(name, text): &(&str, &str)| Source {
        path: format!("journeys/{name}.yaml"),
        text: (*text).to_owned(),
    };
    let sources: Vec<Source> = JOURNEYS.iter().map(source).collect();
    let checked = journeyman_journey::check(&sources, None, false);
    let stored = deploy::sources(&checked, &sources);
    anyhow::ensure!(checked.deployment.is_some(), "the bench's journeys are wrong");
    let mut connection = scratch.slow.acquire().await?;
    let mut tx = connection.begin().await?;
    slices::lock_all(&mut tx).await?;
    deployments::insert(&mut tx, &crate::bench::label(), &stored, &[]).await?;
    tx.commit().await?;
    sqlx::query(
        "INSERT INTO heads (person_id, assignment_key, born_at) SELECT n, n, now() FROM generate_series($1, $2) n",
    )
    .bind(FIRST)
    .bind(FIRST + people as i64 - 1)
    .execute(&mut *connection)
    .await?;
    let seen = Interest::of(Word::Viewed, SystemClock.now());
    for chunk in (0..people).step_by(CHUNK) {
        let row = |nth: usize| InterestRow {
            person: PersonId(FIRST + nth as i64),
            product: PRODUCT.into(),
            interest: seen,
        };
        let rows: Vec<InterestRow> = (chunk..people.min(chunk + CHUNK)).map(row).collect();
        interests::upsert(&mut connection, &rows).await?;
    }
    sqlx::query("VACUUM ANALYZE interests").execute(&mut *connection).await?;
    Ok(())
}

/// The item as it was said in full, dearer with each run so that it can drop.
fn item(price: f64) -> anyhow::Result<Patch> {
    let item = json!({ "product_id": PRODUCT, "name": "Linen Lamp", "category": "Lighting", "price": price,
                       "currency": "EUR", "stock": 500 });
    Ok(Patch::of_json(&item.to_string())?)
}

/// It costs less than before, and nobody has been told yet.
pub(super) async fn price(scratch: &Scratch, run: usize) -> anyhow::Result<()> {
    catalog::change(&scratch.pool, &[item(100.0 + run as f64)?], SystemClock.now()).await?;
    sqlx::query("UPDATE catalog SET told = number, telling = NULL, telling_at = NULL, next_shard = 0")
        .execute(&scratch.pool)
        .await?;
    catalog::change(&scratch.pool, &[item(79.9)?], SystemClock.now()).await?;
    Ok(())
}

/// What is told of it, as ours writes it.
pub(super) fn news() -> Value {
    json!({ "product_id": PRODUCT, "name": "Linen Lamp", "category": "Lighting", "old_price": 100.0,
            "new_price": 79.9, "currency": "EUR", "drop": 0.201 })
}

/// Everybody is in the queues once.
pub(super) async fn assert_told(scratch: &Scratch, people: usize) -> anyhow::Result<()> {
    let (told, waiting, rows): (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT coalesce(sum(cardinality(people)), 0)::bigint FROM bulk), (SELECT count(*) FROM intake),
                (SELECT count(*) FROM bulk)",
    )
    .fetch_one(&scratch.slow)
    .await?;
    anyhow::ensure!(
        told == people as i64 && waiting == rows,
        "{told} of {people} are told, in {waiting} of {rows} rows"
    );
    Ok(())
}
