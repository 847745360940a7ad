//! What became of messages that had started.

use std::borrow::Cow;
use std::collections::BTreeMap;

use journeyman_domain::{MessageId, PersonId, ShopTime};
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use super::{Ended, PROVIDER_ID_BYTES, REASON_BYTES, State, answers, cut, fenced, make_weeks, report};
use crate::queues::Queue;
use crate::{Error, partitions, row, statements};

/// What became of a message that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The channel took it.
    Accepted {
        /// What the channel calls it; at most [`PROVIDER_ID_BYTES`] are kept.
        provider_id: Option<String>,
        /// Whether the channel was the inbox: its row is written with this.
        inbox: bool,
    },
    /// It is a call, and was answered: its person hears the answer before the report.
    Answered {
        /// What was answered; at most [`journeyman_domain::call::ANSWER_BYTES`].
        answer: String,
    },
    /// The channel refused it for good.
    Rejected {
        /// Why; no personal data, at most [`REASON_BYTES`] are kept.
        reason: String,
    },
    /// It has not left and may be tried again.
    Retry {
        /// Not before.
        at: ShopTime,
        /// Why; no personal data, at most [`REASON_BYTES`] are kept.
        reason: String,
    },
    /// Nobody knows whether it has left.
    Unknown {
        /// Whether it waits for somebody to say what became of it; else it is sent again.
        hold: bool,
    },
}

/// A message that is over: its final state, why it was refused, what the channel calls it, whether the inbox has it.
type End<'a> = (Uuid, i16, Option<Cow<'a, str>>, Option<Cow<'a, str>>, bool);

/// Writes down what became of started messages, in one transaction: ended ones move to `messages` and are told to their
/// people's intake; the others wait again, or are unknown. Only what it finds started. Answers whose intake has grown; it
/// rings for nobody. A week of `messages` that is missing is made.
///
/// # Errors
/// [`Error::Lost`] where the queue is another's: then the messages are unknown, or sent again, as its owner has it.
#[tracing::instrument(level = "debug", skip_all, fields(channel = queue.channel.name(), messages = outcomes.len()))]
pub async fn finish(
    pool: &PgPool,
    queue: &Queue,
    outcomes: &[(MessageId, Outcome)],
    now: ShopTime,
) -> Result<Vec<PersonId>, Error> {
    if outcomes.is_empty() {
        return Ok(Vec::new());
    }
    match once(pool, queue, outcomes, now).await {
        Err(Error::NoPartition(_)) => {
            make_weeks(pool, outcomes.iter().map(|(message, _)| *message)).await?;
            partitions::ensure_at(pool, std::iter::once(now)).await?;
            once(pool, queue, outcomes, now).await
        }
        done => done,
    }
}

async fn once(
    pool: &PgPool,
    queue: &Queue,
    outcomes: &[(MessageId, Outcome)],
    now: ShopTime,
) -> Result<Vec<PersonId>, Error> {
    fenced(pool, queue, async |tx| {
        let ended = end(tx, queue, outcomes, now).await?;
        // An answer stands before the report, which says no more than that it has come.
        answers::tell(tx, outcomes, &ended, now).await?;
        report(tx, &ended, now).await?;
        put_back(tx, queue, outcomes).await?;
        Ok(ended.into_iter().map(|(_, person, _)| PersonId(person)).collect())
    })
    .await
}

fn ended<'a>((message, outcome): &'a (MessageId, Outcome)) -> Option<End<'a>> {
    match outcome {
        Outcome::Accepted { provider_id, inbox } => {
            let provider_id = provider_id.as_deref().map(|id| cut(id, PROVIDER_ID_BYTES));
            Some((message.0, State::Accepted.code(), None, provider_id, *inbox))
        }
        Outcome::Answered { .. } => Some((message.0, State::Accepted.code(), None, None, false)),
        Outcome::Rejected { reason } => {
            Some((message.0, State::Rejected.code(), Some(cut(reason, REASON_BYTES)), None, false))
        }
        Outcome::Retry { .. } | Outcome::Unknown { .. } => None,
    }
}

/// Those of them that were started.
#[tracing::instrument(level = "debug", skip_all)]
async fn end(
    tx: &mut PgConnection,
    queue: &Queue,
    outcomes: &[(MessageId, Outcome)],
    now: ShopTime,
) -> Result<Vec<Ended>, Error> {
    let mut ends: Vec<End<'_>> = outcomes.iter().filter_map(ended).collect();
    if ends.is_empty() {
        return Ok(Vec::new());
    }
    // Told in the order in which they came; locked in the order in which everybody locks messages.
    let nth: BTreeMap<Uuid, usize> =
        ends.iter().zip(0..).map(|((message, ..), nth)| (*message, nth)).collect();
    ends.sort_unstable_by_key(|(message, ..)| *message);
    let mut done: Vec<Ended> = sqlx::query_as(statements::FINISH_OUTBOX)
        .bind(queue.channel.code())
        .bind(ends.iter().map(|(message, ..)| *message).collect::<Vec<_>>())
        .bind(ends.iter().map(|(_, state, ..)| *state).collect::<Vec<_>>())
        .bind(ends.iter().map(|(_, _, reason, ..)| reason.as_deref()).collect::<Vec<_>>())
        .bind(ends.iter().map(|(_, _, _, provider_id, _)| provider_id.as_deref()).collect::<Vec<_>>())
        .bind(ends.iter().map(|(.., inbox)| *inbox).collect::<Vec<_>>())
        .bind(row::time(now))
        .fetch_all(tx)
        .await?;
    done.sort_unstable_by_key(|(message, ..)| nth.get(message).copied());
    Ok(done)
}

#[tracing::instrument(level = "debug", skip_all)]
async fn put_back(
    tx: &mut PgConnection,
    queue: &Queue,
    outcomes: &[(MessageId, Outcome)],
) -> Result<(), Error> {
    let back = outcomes.iter().filter_map(|(message, outcome)| match outcome {
        Outcome::Retry { at, reason } => {
            Some((message.0, State::Queued, Some(row::time(*at)), Some(cut(reason, REASON_BYTES))))
        }
        Outcome::Unknown { hold: true } => Some((message.0, State::Unknown, None, None)),
        Outcome::Unknown { hold: false } => Some((message.0, State::Queued, None, None)),
        Outcome::Accepted { .. } | Outcome::Answered { .. } | Outcome::Rejected { .. } => None,
    });
    let mut back: Vec<_> = back.collect();
    if back.is_empty() {
        return Ok(());
    }
    back.sort_unstable_by_key(|(message, ..)| *message);
    sqlx::query(statements::PUT_BACK_OUTBOX)
        .bind(queue.channel.code())
        .bind(back.iter().map(|(message, ..)| *message).collect::<Vec<_>>())
        .bind(back.iter().map(|(_, state, ..)| state.code()).collect::<Vec<_>>())
        .bind(back.iter().map(|(_, _, at, _)| *at).collect::<Vec<_>>())
        .bind(back.iter().map(|(.., reason)| reason.as_deref()).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}
