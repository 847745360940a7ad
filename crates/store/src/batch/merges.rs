//! What a batch writes when people turn out to be one: strays that go on, states on their way.

use journeyman_domain::merge::MovedRun;
use journeyman_domain::row::{Applied, ForwardedRow, HandedRow, Write};
use journeyman_domain::{PersonId, Shard};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::copy::Rows;
use crate::{Error, few, row, statements};

/// Every statement that has rows.
pub(super) async fn all(tx: &mut PgConnection, write: &Write) -> Result<(), Error> {
    forward(tx, &write.forwarded).await?;
    for handed in &write.handed {
        hand_over(tx, handed).await?;
    }
    if !write.taken.is_empty() {
        let losers: Vec<i64> = write.taken.iter().map(|person| person.0).collect();
        sqlx::query(statements::DELETE_HANDOVERS).bind(losers).execute(&mut *tx).await?;
        take_interests(tx, write).await?;
    }
    move_runs(tx, &write.moved_in).await?;
    mix(tx, write).await
}

/// The journal says who took whom over.
async fn take_interests(tx: &mut PgConnection, write: &Write) -> Result<(), Error> {
    let taken = write.journal.iter().filter_map(|line| match line.what {
        Applied::Taken { merge, .. } => Some((merge.loser.0, line.person)),
        _ => None,
    });
    let (losers, winners): (Vec<i64>, Vec<PersonId>) = taken.unzip();
    if losers.is_empty() {
        return Ok(());
    }
    sqlx::query(statements::TAKE_INTERESTS)
        .bind(losers)
        .bind(winners.iter().map(|winner| winner.0).collect::<Vec<_>>())
        .bind(winners.iter().map(|winner| i16::from(Shard::of(*winner).0)).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all, fields(runs = moved.len()))]
async fn move_runs(tx: &mut PgConnection, moved: &[MovedRun]) -> Result<(), Error> {
    if moved.is_empty() {
        return Ok(());
    }
    sqlx::query(statements::INSERT_MOVED_RUNS)
        .bind(moved.iter().map(|run| run.from.0).collect::<Vec<_>>())
        .bind(moved.iter().map(|run| row::number(run.number)).collect::<Vec<_>>())
        .bind(moved.iter().map(|run| run.to.0).collect::<Vec<_>>())
        .bind(moved.iter().map(|run| row::number(run.becomes)).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all, fields(inputs = forwarded.len()))]
async fn forward(tx: &mut PgConnection, forwarded: &[ForwardedRow]) -> Result<(), Error> {
    if forwarded.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::new(6, forwarded.len() * 80);
    for input in forwarded {
        rows.row()
            .smallint(i16::from(Shard::of(input.person).0))
            .smallint(input.lane.code())
            .smallint(input.kind)
            .bigint(input.person.0)
            .uuid(input.reference)
            .timestamptz(input.received_at);
    }
    rows.send_or(tx, statements::COPY_INTAKE, &few::INTAKE).await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all)]
async fn hand_over(tx: &mut PgConnection, handed: &HandedRow) -> Result<(), Error> {
    sqlx::query(statements::INSERT_HANDOVERS)
        .bind(handed.merge.loser.0)
        .bind(handed.merge.winner.0)
        .bind(row::time(handed.at))
        .bind(handed.plans.iter().map(|plan| Uuid::from_u128(plan.0)).collect::<Vec<_>>())
        .bind(handed.state.as_deref())
        .execute(tx)
        .await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all)]
async fn mix(tx: &mut PgConnection, write: &Write) -> Result<(), Error> {
    if write.mixed.is_empty() {
        return Ok(());
    }
    let (people, journeys): (Vec<PersonId>, Vec<&str>) =
        write.mixed.iter().map(|(person, journey)| (*person, &**journey)).unzip();
    sqlx::query(statements::INSERT_MIXED)
        .bind(people.iter().map(|person| person.0).collect::<Vec<_>>())
        .bind(journeys)
        .execute(tx)
        .await?;
    Ok(())
}
