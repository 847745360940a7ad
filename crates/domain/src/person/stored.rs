//! Stored payloads: each carries its version in the variant's name; what a release wrote loads for ever.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Carts, Click, Consents, Entered, Entry, GoalReached, HeldOut, Hot, Mark, Pending, Position, Run,
    SendState, Sent, Session, StepResult, Underway,
};
use crate::plan::{Channel, PlanHash};
use crate::value::Value;
use crate::{MessageId, ShopTime};

/// How large `persons.hot` and `runs.state` may be, bytes: the database refuses more. The limits of what they hold are
/// such that neither ever is.
pub const STATE_BYTES: usize = 64 * 1024;

/// A stored payload that can't be read: of a later release, or damaged.
#[derive(Clone, Debug, thiserror::Error)]
#[error("stored state can't be read: {0}; was it written by a later version of this program?")]
pub struct Undecodable(String);

impl Undecodable {
    /// Where traits can't be read, but not what: the error's own words may quote somebody's data.
    pub(crate) fn traits(error: &serde_json::Error) -> Self {
        Self(format!("traits at line {}, character {}", error.line(), error.column()))
    }
}

#[derive(Serialize, Deserialize)]
enum StoredHot {
    V1(HotV1),
    V2(HotV2),
    V3(Hot),
}

/// Before people were watched: no journey began on a segment, a date or the calendar.
#[derive(Serialize, Deserialize)]
struct HotV2 {
    before: HotV1,
    met: Vec<Entry>,
}

impl From<HotV2> for Hot {
    fn from(old: HotV2) -> Self {
        Self { met: old.met, ..old.before.into() }
    }
}

/// Before people could become one: what runs wait or end for was not remembered.
#[derive(Serialize, Deserialize)]
struct HotV1 {
    zone: Option<(Arc<str>, ShopTime)>,
    first_seen: Option<ShopTime>,
    last_seen: Option<ShopTime>,
    session: Session,
    carts: Carts,
    consents: Consents,
    sent: Vec<Sent>,
    underway: Vec<Underway>,
    entered: Vec<Entered>,
    pending: Vec<Pending>,
    last_run: u32,
    locale: Option<Arc<str>>,
    clicks: Vec<Click>,
    dead: Vec<(Channel, Mark)>,
}

impl From<HotV1> for Hot {
    fn from(old: HotV1) -> Self {
        Self {
            zone: old.zone,
            first_seen: old.first_seen,
            last_seen: old.last_seen,
            session: old.session,
            carts: old.carts,
            consents: old.consents,
            sent: old.sent,
            underway: old.underway,
            entered: old.entered,
            pending: old.pending,
            last_run: old.last_run,
            locale: old.locale,
            clicks: old.clicks,
            dead: old.dead,
            met: Vec::new(),
            watched: Vec::new(),
        }
    }
}

#[derive(Serialize, Deserialize)]
enum StoredRun {
    V1(RunV1),
    V2(Run),
}

/// Before a run could be of one element, repeat steps or be held.
#[derive(Serialize, Deserialize)]
struct RunV1 {
    number: u32,
    journey: Arc<str>,
    plan: PlanHash,
    key: Option<Arc<str>>,
    entry: Entry,
    started_at: ShopTime,
    held_out: HeldOut,
    position: Position,
    variables: Vec<(Arc<str>, Value)>,
    results: Vec<(Arc<str>, StepResultV1)>,
    first_send: Option<ShopTime>,
    goal: Option<GoalReached>,
}

#[derive(Serialize, Deserialize)]
struct StepResultV1 {
    state: SendState,
    at: ShopTime,
    message: Option<MessageId>,
    channel: Option<Channel>,
    delivered: bool,
    opened: bool,
    clicked: bool,
}

impl From<StepResultV1> for StepResult {
    fn from(old: StepResultV1) -> Self {
        Self {
            state: old.state,
            at: old.at,
            message: old.message,
            channel: old.channel,
            visit: 1,
            delivered: old.delivered,
            opened: old.opened,
            clicked: old.clicked,
        }
    }
}

impl From<RunV1> for Run {
    fn from(old: RunV1) -> Self {
        Self {
            number: old.number,
            journey: old.journey,
            plan: old.plan,
            key: old.key,
            entry: old.entry,
            started_at: old.started_at,
            held_out: old.held_out,
            position: old.position,
            variables: old.variables,
            results: old.results.into_iter().map(|(step, result)| (step, result.into())).collect(),
            first_send: old.first_send,
            goal: old.goal,
            item: Value::Missing,
            turns: Vec::new(),
            outlasted: Vec::new(),
            dirty: false,
            stored: false,
        }
    }
}

/// As [`StoredHot`], of the latest version: its place says which.
#[derive(Serialize)]
enum HotRef<'a> {
    #[expect(dead_code, reason = "holds the place of version 1")]
    V1,
    #[expect(dead_code, reason = "holds the place of version 2")]
    V2,
    V3(&'a Hot),
}

#[derive(Serialize)]
enum RunRef<'a> {
    #[expect(dead_code, reason = "holds the place of version 1")]
    V1,
    V2(&'a Run),
}

/// How large something is as it is stored, bytes.
pub fn size(value: &impl Serialize) -> usize {
    postcard::serialize_with_flavor(value, postcard::ser_flavors::Size::default()).unwrap_or(usize::MAX)
}

pub(super) fn encode(value: &impl Serialize) -> Vec<u8> {
    // Fails only where a sequence has no length or a writer is full; these have, and a Vec grows.
    postcard::to_allocvec(value).unwrap_or_default()
}

pub(super) fn read<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, Undecodable> {
    postcard::from_bytes(bytes).map_err(|error| Undecodable(error.to_string()))
}

/// `persons.hot`.
pub fn encode_hot(hot: &Hot) -> Vec<u8> {
    encode(&HotRef::V3(hot))
}

/// `runs.state`.
pub fn encode_run(run: &Run) -> Vec<u8> {
    encode(&RunRef::V2(run))
}

/// `persons.hot`, read.
///
/// # Errors
/// [`Undecodable`].
pub fn decode_hot(bytes: &[u8]) -> Result<Hot, Undecodable> {
    Ok(match read(bytes)? {
        StoredHot::V1(old) => old.into(),
        StoredHot::V2(old) => old.into(),
        StoredHot::V3(hot) => hot,
    })
}

/// `runs.state`, read.
///
/// # Errors
/// [`Undecodable`].
pub fn decode_run(bytes: &[u8]) -> Result<Run, Undecodable> {
    let mut run = match read(bytes)? {
        StoredRun::V1(old) => old.into(),
        StoredRun::V2(run) => run,
    };
    run.stored = true;
    Ok(run)
}

#[cfg(test)]
mod tests;
