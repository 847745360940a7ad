//! A deployment: all plans that run together, and what they ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Condition, Hold, Migrate, Plan, PlanHash, Policies, Status, Watch};
use crate::actor::REQUESTED;
use crate::decision::{Models, NoModels};
use crate::expr::{Demands, Segments};
use crate::news::Topic;
use crate::person::{Mark, mark};
use crate::value::Span;

/// A segment: an expression about a person.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The file's name.
    pub name: Arc<str>,
    /// Who is in it.
    pub condition: Condition,
}

/// What stands in one deployment row: the set that becomes live at one commit.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    /// Its number, from 1; 0 is the empty one before the first.
    pub number: i64,
    /// Its journeys.
    pub plans: Vec<Arc<Plan>>,
    /// Older versions that runs were pinned to when it was made. They start nothing.
    pub pinned: Vec<Arc<Plan>>,
    /// Its segments.
    pub segments: Vec<Segment>,
    /// Its policies.
    pub policies: Policies,
    /// While what no marketing journey of a person walks on.
    pub hold_marketing: Option<Hold>,
}

/// A journey that listens to an event.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The journey.
    pub plan: Arc<Plan>,
    /// Whether the event starts it, or cancels a start that is awaited.
    pub starts: bool,
}

/// A deployment made ready to run.
#[derive(Clone, Debug)]
pub struct Plans {
    /// Its number.
    pub deployment: i64,
    /// Its policies.
    pub policies: Arc<Policies>,
    /// Its segments.
    pub segments: Arc<Segments>,
    /// While what no marketing journey of a person walks on.
    pub hold_marketing: Option<Hold>,
    /// What its expressions ask to be kept of each person.
    pub demands: Demands,
    /// How far back the longest cap of any of its plans looks.
    pub memory: Span,
    /// The models that learned choices ask.
    pub models: Arc<dyn Models>,
    /// Whether any known version learns from what comes of its messages.
    pub learns: bool,
    /// Live journeys by the events they listen to, the highest priority first, then by name.
    listeners: BTreeMap<Arc<str>, Vec<Listener>>,
    /// Every known version by its hash.
    versions: BTreeMap<PlanHash, Arc<Plan>>,
    /// Live journeys by name.
    live: BTreeMap<Arc<str>, Arc<Plan>>,
    /// What runs end or go on for, by event: the properties that are asked of it.
    met: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    keeps_interest: bool,
    /// What of everybody is watched, by the name under which that is remembered; the highest priority first.
    watches: Vec<(Mark, Arc<Plan>)>,
    /// Journeys that say what becomes of the runs of their older versions, by the name under which it is remembered that a
    /// person's were looked at.
    migrations: Vec<(Mark, Arc<Plan>)>,
}

impl Plans {
    /// A deployment, ready to run.
    pub fn new(deployment: Deployment) -> Self {
        let mut demands = Demands::default();
        let mut listeners: BTreeMap<Arc<str>, Vec<Listener>> = BTreeMap::new();
        let mut versions = BTreeMap::new();
        let mut live = BTreeMap::new();
        let mut migrations = Vec::new();
        for segment in &deployment.segments {
            demands.of_expr(&segment.condition.expr);
        }
        if let Some(hold) = &deployment.hold_marketing {
            demands.of_expr(&hold.condition.expr);
        }
        for plan in deployment.pinned {
            demands.of_plan(&plan);
            versions.insert(plan.hash, plan);
        }
        let mut plans = deployment.plans;
        plans.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.name.cmp(&b.name)));
        for plan in plans {
            demands.of_plan(&plan);
            versions.insert(plan.hash, plan.clone());
            if plan.status != Status::Draft && plan.migrate != Migrate::Stay {
                migrations.push((mark(&["migrate", &plan.name, &plan.hash.to_string()]), plan.clone()));
            }
            if plan.status != Status::Live {
                continue;
            }
            let requested = plan.enter.api.then(|| Arc::from(REQUESTED));
            let (on, unless) = (plan.enter.on.iter().chain(&requested), plan.enter.unless.iter());
            for (event, starts) in on.map(|event| (event, true)).chain(unless.map(|event| (event, false))) {
                let listener = Listener { plan: plan.clone(), starts };
                listeners.entry(event.clone()).or_default().push(listener);
            }
            live.insert(plan.name.clone(), plan);
        }
        let of_plans = versions.values().filter_map(|plan: &Arc<Plan>| plan.cap);
        let caps = of_plans.chain(deployment.policies.caps.values().copied()).map(|cap| cap.per);
        let mut met: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
        versions.values().for_each(|plan| plan.met(&mut met));
        let learns = versions.values().any(|plan| plan.learned().next().is_some());
        let memory = caps.chain(deployment.policies.minimum_gap).max_by_key(|per| per.nominal());
        let keeps_interest = Topic::OF_CATALOG
            .into_iter()
            .any(|topic| listeners.contains_key(topic.event()) || met.contains_key(topic.event()));
        let segments = Segments::new(deployment.segments);
        let mut watches: Vec<(Mark, Arc<Plan>)> = live
            .values()
            .filter_map(|plan| Some((watched(plan, plan.enter.watch.as_ref()?, &segments), plan.clone())))
            .collect();
        watches.sort_by_key(|(_, plan)| std::cmp::Reverse(plan.priority));
        Self {
            deployment: deployment.number,
            policies: Arc::new(deployment.policies),
            segments: Arc::new(segments),
            hold_marketing: deployment.hold_marketing,
            demands,
            memory: memory.unwrap_or(Span::ZERO),
            models: Arc::new(NoModels),
            learns,
            listeners,
            versions,
            live,
            met: met.into_iter().map(|(event, names)| (event, names.into_iter().collect())).collect(),
            keeps_interest,
            watches,
            migrations,
        }
    }

    /// What of everybody is watched for which journey, by the name under which that is remembered; the highest priority
    /// first.
    pub fn watches(&self) -> &[(Mark, Arc<Plan>)] {
        &self.watches
    }

    /// The journey for which something is watched.
    pub fn watch(&self, of: Mark) -> Option<&Arc<Plan>> {
        self.watches.iter().find(|(known, _)| *known == of).map(|(_, plan)| plan)
    }

    /// Journeys that say what becomes of the runs of their older versions, by the name under which it is remembered that a
    /// person's were looked at.
    pub fn migrations(&self) -> &[(Mark, Arc<Plan>)] {
        &self.migrations
    }

    /// Whether something is remembered of somebody under that name.
    pub fn remembers(&self, of: Mark) -> bool {
        self.watches.iter().chain(&self.migrations).any(|(known, _)| *known == of)
    }

    /// The same with another snapshot of models.
    pub fn with_models(&self, models: Arc<dyn Models>) -> Self {
        Self { models, ..self.clone() }
    }

    /// The journeys that listen to an event.
    pub fn listeners(&self, event: &str) -> &[Listener] {
        self.listeners.get(event).map_or(&[], Vec::as_slice)
    }

    /// Whether such an event would mean anything to any known version: else nobody need be told.
    pub fn hears(&self, event: &str) -> bool {
        !self.listeners(event).is_empty() || self.met(event).is_some()
    }

    /// Whether what people care for in the catalog is kept: some journey waits for news of it.
    pub fn keeps_interest(&self) -> bool {
        self.keeps_interest
    }

    /// A version by its hash.
    pub fn version(&self, hash: PlanHash) -> Option<&Arc<Plan>> {
        self.versions.get(&hash)
    }

    /// Every known version.
    pub fn versions(&self) -> impl Iterator<Item = &Arc<Plan>> {
        self.versions.values()
    }

    /// Whether a run of any known version may end or go on for such an event: with the properties that it is asked for.
    pub fn met(&self, event: &str) -> Option<&[Arc<str>]> {
        self.met.get(event).map(Vec::as_slice)
    }

    /// The live version of a journey.
    pub fn live(&self, journey: &str) -> Option<&Arc<Plan>> {
        self.live.get(journey)
    }
}

/// The name under which it is remembered what is watched for a journey: another where it means something else. So nobody enters
/// a segment because its file was edited.
fn watched(plan: &Plan, watch: &Watch, segments: &Segments) -> Mark {
    let segment = watch.what.segment().map(|name| segments.words(name)).unwrap_or_default();
    let parts: Vec<&str> =
        [&plan.name, &watch.words].into_iter().chain(&segment).map(AsRef::as_ref).collect();
    mark(&parts)
}

impl Default for Plans {
    fn default() -> Self {
        Self::new(Deployment::default())
    }
}
