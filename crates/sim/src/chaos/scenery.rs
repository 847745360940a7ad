//! What a storm plays with: deployments, and what may happen to people.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::Kind;
use journeyman_domain::catalog::Patch;
use journeyman_domain::plan::{PlanHash, Plans};
use journeyman_engine::deploy;
use journeyman_engine::machine::StoredSource;

use crate::Random;

/// What identifies a compiled deployment: its number, and its versions with whether they are pinned.
type Compiled = (i64, Vec<(PlanHash, bool)>);

/// Something that may happen to a person.
#[derive(Clone, Copy)]
pub struct Scene {
    /// What the message says.
    pub kind: Kind,
    /// Its name.
    pub name: &'static str,
    /// Its payload as JSON.
    pub payload: fn(&mut Random) -> String,
}

/// Deployments that follow each other, and what happens under them.
pub struct Scenery {
    /// The first is live from the beginning. All must ask for the same counters: nothing back-fills here.
    pub deployments: Vec<Vec<StoredSource>>,
    /// What may happen.
    pub scenes: Vec<Scene>,
    /// What the shop sells at first; nothing where nothing is to be told of it.
    pub items: Vec<Patch>,
    /// What it says of an item later.
    pub change: fn(&mut Random) -> Patch,
    compiled: BTreeMap<Compiled, Arc<Plans>>,
}

impl Scenery {
    /// Of these deployments, at least one, and scenes, at least one; with items, and what becomes of them.
    pub fn new(
        deployments: Vec<Vec<StoredSource>>,
        scenes: Vec<Scene>,
        items: Vec<Patch>,
        change: fn(&mut Random) -> Patch,
    ) -> Self {
        Self { deployments, scenes, items, change, compiled: BTreeMap::new() }
    }

    /// The plans of stored sources; compiled once.
    ///
    /// # Errors
    /// What can't be compiled, for people.
    pub fn plans(&mut self, number: i64, sources: &[StoredSource]) -> Result<Arc<Plans>, String> {
        let key = (number, sources.iter().map(|source| (source.hash, source.pinned)).collect());
        if let Some(plans) = self.compiled.get(&key) {
            return Ok(plans.clone());
        }
        let plans = Arc::new(Plans::new(deploy::compile(number, sources)?));
        self.compiled.insert(key, plans.clone());
        Ok(plans)
    }
}
