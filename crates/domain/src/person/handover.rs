//! What of a person goes to whom they turned out to be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::stored::{Undecodable, decode_hot, decode_run, encode, encode_hot, encode_run, read};
use super::{Feature, FeatureKey, Hot, Person, Run, Traits};
use crate::ShopTime;
use crate::plan::PlanHash;
use crate::value::Value;

/// Somebody's state when they were closed: all that the one they turned out to be takes over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Handover {
    /// What their sticky draws hung on; the winner's stays.
    pub assignment_key: i64,
    /// What every input read and wrote.
    pub hot: Hot,
    /// What identify said of them.
    pub traits: Traits,
    /// Their live runs, by number.
    pub runs: Vec<Run>,
    /// Their counters. Not part of the stored form: their rows stay where they are and are read from there, so that a
    /// deployment may make counters while a state is on its way.
    pub features: BTreeMap<FeatureKey, Feature>,
}

/// Hot state and runs are encoded by themselves: each carries its own version.
#[derive(Serialize, Deserialize)]
struct HandoverV1 {
    assignment_key: i64,
    hot: Vec<u8>,
    traits: Vec<(Arc<str>, Value, ShopTime)>,
    runs: Vec<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
enum StoredHandover {
    V1(HandoverV1),
}

impl Handover {
    /// Closes a person: what moves leaves them. Traits and counters stay, as what they were at last.
    pub fn of(person: &mut Person) -> Self {
        Self {
            assignment_key: person.assignment_key,
            hot: std::mem::take(&mut person.hot),
            traits: person.traits.clone(),
            runs: std::mem::take(&mut person.runs),
            features: person.features.clone(),
        }
    }

    /// The versions that its runs are pinned to, each once.
    pub fn plans(&self) -> Vec<PlanHash> {
        let plans: BTreeSet<PlanHash> = self.runs.iter().map(|run| run.plan).collect();
        plans.into_iter().collect()
    }
}

/// `handovers.state`.
pub fn encode_handover(handover: &Handover) -> Vec<u8> {
    let traits = handover.traits.iter();
    encode(&StoredHandover::V1(HandoverV1 {
        assignment_key: handover.assignment_key,
        hot: encode_hot(&handover.hot),
        traits: traits.map(|(name, known)| (name.into(), known.value.clone(), known.at)).collect(),
        runs: handover.runs.iter().map(encode_run).collect(),
    }))
}

/// `handovers.state`, read; without counters.
///
/// # Errors
/// [`Undecodable`].
pub fn decode_handover(bytes: &[u8]) -> Result<Handover, Undecodable> {
    let StoredHandover::V1(stored) = read(bytes)?;
    let runs: Result<Vec<Run>, Undecodable> = stored.runs.iter().map(|run| decode_run(run)).collect();
    Ok(Handover {
        assignment_key: stored.assignment_key,
        hot: decode_hot(&stored.hot)?,
        traits: Traits::of(stored.traits),
        runs: runs?,
        features: BTreeMap::new(),
    })
}
