//! Models that choose: read from where they are kept, and made anew from what came of earlier choices.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use journeyman_domain::ShopTime;
use journeyman_domain::decision::Recency;
use journeyman_domain::plan::Channel;
use journeyman_learn::channel::{Channels, HALF_LIFE_DAYS, Tried};
use journeyman_learn::send_time::{self, Curves, active};
use journeyman_learn::{Fitted, Snapshot};
use journeyman_store::Error;
use journeyman_store::learning::{self, Made};
use serde_json::json;
use sqlx::Connection as _;
use sqlx::PgConnection;

/// How long after a choice what comes of its message is its reward, hours.
pub const REWARD_HOURS: i64 = 72;
/// How old a choice may be to be learned from, days.
const LOOK_BACK_DAYS: i64 = 365;
/// How many people the curves of send time are fitted to at most.
const PEOPLE: i64 = 20_000;

/// The names under which they are kept.
const CHANNEL: &str = "channel";
const SEND_TIME: &str = "send_time";

/// What training did: a line for each model that was made.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Trained {
    /// Which.
    pub name: &'static str,
    /// Its number.
    pub snapshot: i64,
    /// Whether it is used.
    pub promoted: bool,
    /// Its card.
    pub card: serde_json::Value,
}

/// The latest promoted models. One that can't be read, because a later version of this program wrote it, is left out, and said so
/// in the log: the simple rule holds.
///
/// # Errors
/// As the store's.
pub async fn load(connection: &mut PgConnection) -> Result<Snapshot, Error> {
    let mut snapshot = Snapshot::default();
    for row in learning::promoted(connection).await? {
        let (number, at) = (row.snapshot, row.fitted_at);
        let unread = match row.name.as_str() {
            CHANNEL => serde_json::from_str::<Channels>(&row.parameters)
                .map(|model| snapshot.channels = Some(Fitted { number, at, model }))
                .err(),
            SEND_TIME => serde_json::from_str::<Curves>(&row.parameters)
                .map(|model| snapshot.send_time = Some(Fitted { number, at, model }))
                .err(),
            // Of others that are kept beside them.
            _ => None,
        };
        if let Some(error) = unread {
            tracing::error!(
                name = row.name,
                number,
                "model {} {number} can't be read by this version, and the simple rule holds: {error}",
                row.name
            );
        }
    }
    Ok(snapshot)
}

/// Makes each model anew that is as old as `every`, shop time. `zone` is the shop's. One at a time: the caller holds the lock of
/// whoever learns.
///
/// # Errors
/// As the store's; nothing is kept then.
pub async fn train(
    connection: &mut PgConnection,
    now: ShopTime,
    zone: &TimeZone,
    every: Duration,
) -> Result<Vec<Trained>, Error> {
    let mut tx = connection.begin().await?;
    let every = SignedDuration::try_from(every).unwrap_or(SignedDuration::MAX);
    let hours_ago = |hours: i64| now.saturating_add(SignedDuration::from_hours(-hours));
    let known = learning::fitted_after(&mut tx, now.saturating_add(-every)).await?;
    let mut trained = Vec::new();
    if !known.iter().any(|name| name == CHANNEL) {
        let span = (hours_ago(LOOK_BACK_DAYS * 24), now);
        let window = (REWARD_HOURS * 3600) as f64;
        let rows = learning::tried(&mut tx, span, window, HALF_LIFE_DAYS).await?;
        if let Some(made) = channels(&rows) {
            trained.push(keep(&mut tx, CHANNEL, now, made).await?);
        }
    }
    if !known.iter().any(|name| name == SEND_TIME) {
        let rows = learning::active(&mut tx, PEOPLE).await?;
        let own = |name: &Option<String>| name.as_ref().and_then(|name| TimeZone::get(name).ok());
        let people: Vec<(Vec<ShopTime>, TimeZone)> = rows
            .into_iter()
            .map(|one| (one.moments, own(&one.zone).unwrap_or_else(|| zone.clone())))
            .collect();
        if let Some(made) = send_times(&people, now) {
            trained.push(keep(&mut tx, SEND_TIME, now, made).await?);
        }
    }
    tx.commit().await?;
    Ok(trained)
}

async fn keep(
    tx: &mut PgConnection,
    name: &'static str,
    now: ShopTime,
    made: Made,
) -> Result<Trained, Error> {
    let snapshot = learning::insert(tx, name, now, &made).await?;
    let card = serde_json::from_str(&made.card).unwrap_or_default();
    Ok(Trained { name, snapshot, promoted: made.promoted, card })
}

/// A model of channels with its card; `None` where none was ever drawn.
fn channels(rows: &[learning::TriedRow]) -> Option<Made> {
    let recency = |name: Option<&str>| Recency::ALL.into_iter().find(|cohort| Some(cohort.name()) == name);
    let tried: Vec<Tried> = rows
        .iter()
        .filter_map(|row| {
            Some(Tried {
                journey: row.journey.clone(),
                step: row.step.clone(),
                recency: recency(row.cohort.as_deref())?,
                channel: Channel::from_str(&row.channel).ok()?,
                tries: row.tries,
                hits: row.hits,
            })
        })
        .collect();
    let (messages, rewarded) =
        rows.iter().fold((0, 0), |sum, row| (sum.0 + row.messages, sum.1 + row.rewarded));
    let card = json!({
        "messages": messages,
        "rewarded": rewarded,
        "reward": format!("a human click or the goal within {REWARD_HOURS} h"),
        "half_life_days": HALF_LIFE_DAYS,
        "verdict": "used: it is made of what was drawn, and draws on",
    });
    (!tried.is_empty()).then(|| Made {
        method: "Beta-Bernoulli, priors by channel and cohort".to_owned(),
        parameters: json!(Channels::fit(&tried)).to_string(),
        card: card.to_string(),
        promoted: true,
    })
}

/// A model of send times, with its card and whether it is worth using: on the later part of what people did, hours chosen by person
/// must do at least as well as one hour for everyone. `None` where nobody was active often enough to tell.
fn send_times(people: &[(Vec<ShopTime>, TimeZone)], now: ShopTime) -> Option<Made> {
    let (_, score) = send_time::evaluate(people)?;
    let all: Vec<_> = people.iter().map(|(moments, zone)| active(moments, now, zone)).collect();
    let model = Curves::fit(all.iter().map(Vec::as_slice));
    let promoted = score.personal >= score.everyone;
    let verdict = if promoted {
        "used: hours by person do no worse on the later slice than one for everyone"
    } else {
        "not used: one hour for everyone does better on the later slice"
    };
    let card = json!({
        "people": people.len(),
        "evaluated": score.people,
        "everyone": score.everyone,
        "personal": score.personal,
        "oracle": score.oracle,
        "chance": score.chance,
        "half_life_days": send_time::HALF_LIFE_DAYS,
        "verdict": verdict,
    });
    Some(Made {
        method: "Dirichlet over hours of the week, by person, cohort and everyone".to_owned(),
        parameters: json!(model).to_string(),
        card: card.to_string(),
        promoted,
    })
}

/// A snapshot as the actor asks it.
pub(crate) fn shared(snapshot: Snapshot) -> Arc<dyn journeyman_domain::decision::Models> {
    Arc::new(snapshot)
}
