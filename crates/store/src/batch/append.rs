//! What a batch writes: rows that are new, by COPY.

use journeyman_domain::row::{
    Applied, DecisionRow, EndedRow, JournalRow, ParkedRow, QueuedRow, RewardRow, RunRow,
};
use journeyman_domain::{Refusal, ShopTime};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::copy::Rows;
use crate::lines::Lines;
use crate::outbox::State;
use crate::{Error, few, row, statements};

#[tracing::instrument(level = "debug", skip_all, fields(runs = runs.len()))]
pub(super) async fn runs(tx: &mut PgConnection, runs: &[RunRow]) -> Result<(), Error> {
    if runs.is_empty() {
        return Ok(());
    }
    let states: usize = runs.iter().map(|run| run.state.len()).sum();
    let mut rows = Rows::new(7, states + runs.len() * 120);
    for run in runs {
        rows.row()
            .bigint(run.person.0)
            .integer(row::number(run.number))
            .text(&run.journey)
            .uuid(Uuid::from_u128(run.plan.0))
            .text(&run.step)
            .timestamptz(run.started_at)
            .bytea(&run.state);
    }
    rows.send_or(tx, statements::COPY_RUNS, &few::RUNS).await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all, fields(runs = ended.len()))]
pub(super) async fn ended_runs(tx: &mut PgConnection, ended: &[EndedRow]) -> Result<(), Error> {
    if ended.is_empty() {
        return Ok(());
    }
    let states: usize = ended.iter().map(|run| run.state.len()).sum();
    let mut rows = Rows::new(14, states + ended.len() * 220);
    for run in ended {
        rows.row()
            .bigint(run.person.0)
            .integer(row::number(run.number))
            .text(&run.journey)
            .uuid(Uuid::from_u128(run.plan.0))
            .maybe(run.key.as_deref(), Rows::text)
            .timestamptz(run.started_at)
            .timestamptz(run.entered_at)
            .timestamptz(run.ended_at)
            .text(&run.reason)
            .smallint(run.held_out)
            .maybe(run.first_send, Rows::timestamptz)
            .maybe(run.goal_at, Rows::timestamptz)
            .maybe(run.goal_value, Rows::double)
            .bytea(&run.state);
    }
    rows.send(tx, statements::COPY_ENDED_RUNS).await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all, fields(messages = queued.len()))]
pub(super) async fn outbox(
    tx: &mut PgConnection,
    queued: &[QueuedRow],
    lines: &Lines,
    deployment: i64,
) -> Result<(), Error> {
    if queued.is_empty() {
        return Ok(());
    }
    let mut rows = room(17, queued);
    for message in queued {
        rows.row().smallint(lines.of(message.channel, message.sender.as_ref()));
        columns(&mut rows, message).bigint(deployment);
    }
    rows.send_or(tx, statements::COPY_OUTBOX, &few::OUTBOX).await?;
    Ok(())
}

/// Messages that would have been sent to people who are held out.
#[tracing::instrument(level = "debug", skip_all, fields(messages = withheld.len()))]
pub(super) async fn withheld(
    tx: &mut PgConnection,
    withheld: &[QueuedRow],
    deployment: i64,
    now: ShopTime,
) -> Result<(), Error> {
    if withheld.is_empty() {
        return Ok(());
    }
    let mut rows = room(18, withheld);
    for message in withheld {
        columns(rows.row(), message).bigint(deployment).smallint(State::Withheld.code()).timestamptz(now);
    }
    rows.send(tx, statements::COPY_MESSAGES).await?;
    Ok(())
}

fn room(columns: i16, messages: &[QueuedRow]) -> Rows {
    let data: usize = messages.iter().map(|message| message.data.len()).sum();
    Rows::new(columns, data + messages.len() * 320)
}

/// The columns that outbox and messages share.
fn columns<'r>(rows: &'r mut Rows, message: &QueuedRow) -> &'r mut Rows {
    rows.uuid(message.message.0)
        .bigint(message.person.0)
        .integer(row::number(message.run))
        .text(&message.journey)
        .text(&message.step)
        .integer(row::number(message.visit))
        .smallint(i16::from(message.leg))
        .smallint(message.channel.code())
        .text(&message.address)
        .text(&message.template)
        .boolean(message.marketing)
        .maybe(message.topic.as_deref(), Rows::text)
        .maybe(message.sender.as_deref(), Rows::text)
        .text(&message.data)
        .timestamptz(message.queued_at)
}

#[tracing::instrument(level = "debug", skip_all, fields(decisions = decisions.len()))]
pub(super) async fn decisions(tx: &mut PgConnection, decisions: &[DecisionRow]) -> Result<(), Error> {
    if decisions.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::new(14, decisions.len() * 320);
    for decision in decisions {
        rows.row()
            .bigint(decision.person.0)
            .integer(row::number(decision.run))
            .text(&decision.journey)
            .text(&decision.step)
            .integer(row::number(decision.visit))
            .timestamptz(decision.at)
            .texts(&decision.options)
            .text(&decision.choice)
            .doubles(&decision.propensities)
            .smallint(decision.what.code())
            .smallint(decision.rule.code())
            .bigint(decision.snapshot)
            .maybe(decision.message.map(|message| message.0), Rows::uuid)
            .text(&decision.features);
    }
    rows.send(tx, statements::COPY_DECISIONS).await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all, fields(rewards = rewards.len()))]
pub(super) async fn rewards(tx: &mut PgConnection, rewards: &[RewardRow]) -> Result<(), Error> {
    if rewards.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::new(5, rewards.len() * 80);
    for reward in rewards {
        rows.row()
            .bigint(reward.person.0)
            .uuid(reward.message.0)
            .boolean(reward.goal)
            .timestamptz(reward.at)
            .maybe(reward.value, Rows::double);
    }
    rows.send(tx, statements::COPY_REWARDS).await?;
    Ok(())
}

#[tracing::instrument(level = "debug", skip_all, fields(inputs = journal.len()))]
pub(super) async fn journal(
    tx: &mut PgConnection,
    journal: &[JournalRow],
    deployment: i64,
    catalog: Option<i64>,
) -> Result<(), Error> {
    if journal.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::new(10, journal.len() * 128);
    for line in journal {
        let (what, reference, moment) = match line.what {
            Applied::Event(event) => (1, Some(event.0), None),
            Applied::Timer(at) => (2, None, Some(at)),
            Applied::Report { message, accepted: true, at } => (3, Some(message.0), Some(at)),
            Applied::Report { message, accepted: false, at } => (4, Some(message.0), Some(at)),
            Applied::Closed { merge, at } => (5, Some(merge.reference()), Some(at)),
            Applied::Taken { merge, at } => (6, Some(merge.reference()), Some(at)),
            Applied::News { news, at } => (7, Some(news.0), Some(at)),
        };
        rows.row()
            .bigint(line.person.0)
            .bigint(line.n)
            .smallint(what)
            .maybe(reference, Rows::uuid)
            .maybe(moment, Rows::timestamptz)
            .timestamptz(line.at)
            .bigint(deployment);
        refusals(&mut rows, &line.refusals);
        rows.maybe(catalog, Rows::bigint);
    }
    rows.send_or(tx, statements::COPY_JOURNAL, &few::JOURNAL).await?;
    Ok(())
}

/// Most inputs refuse nothing: nulls cost less than empty arrays.
fn refusals(rows: &mut Rows, refusals: &[Refusal]) {
    if refusals.is_empty() {
        rows.null().null();
        return;
    }
    let reasons: Vec<i16> = refusals.iter().map(|refusal| refusal.reason.number()).collect();
    let of: Vec<&str> = refusals.iter().map(|refusal| &*refusal.of).collect();
    rows.smallints(&reasons).texts(&of);
}

#[tracing::instrument(level = "debug", skip_all, fields(inputs = parked.len()))]
pub(super) async fn parked(tx: &mut PgConnection, parked: &[ParkedRow]) -> Result<(), Error> {
    if parked.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::new(9, parked.len() * 240);
    for input in parked {
        rows.row()
            .bigint(input.person.0)
            .maybe(input.place.map(|place| i16::from(place.shard.0)), Rows::smallint)
            .maybe(input.place.map(|place| place.lane.code()), Rows::smallint)
            .maybe(input.place.map(|place| place.seq), Rows::bigint)
            .smallint(input.kind)
            .uuid(input.reference)
            .timestamptz(input.at)
            .text(input.reason)
            .text(&row::text(&input.detail));
    }
    rows.send(tx, statements::COPY_PARKED).await?;
    Ok(())
}
