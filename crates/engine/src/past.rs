//! A person's past: their journal with everything it takes to apply it again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use journeyman_domain::actor::Shared;
use journeyman_domain::catalog::{Versions, product_ids_of_json};
use journeyman_domain::expr::Demands;
use journeyman_domain::news::Heard;
use journeyman_domain::person::{Handover, Person};
use journeyman_domain::plan::Plans;
use journeyman_domain::replay::{Broken, Replay, Replayed};
use journeyman_domain::row::{Applied, DecisionRow, StoredEvent, StoredPerson};
use journeyman_domain::{EventId, PersonId, batch};
use journeyman_store::batch::people;
use journeyman_store::history::{self, JournalLine};
use journeyman_store::{Error, catalog, deployments, news};
use sqlx::PgConnection;

use crate::deploy;

/// Deployments, compiled as they are asked for and kept: many people share them.
#[derive(Default)]
pub struct Deployments(BTreeMap<i64, Option<Plans>>);

impl Deployments {
    async fn load(&mut self, connection: &mut PgConnection, numbers: &BTreeSet<i64>) -> Result<(), Error> {
        for number in numbers {
            if self.0.contains_key(number) {
                continue;
            }
            let plans = if *number == 0 {
                Some(Plans::default())
            } else {
                let sources = deployments::load(connection, *number).await?;
                let compiled = (!sources.is_empty()).then(|| deploy::compile(*number, &sources));
                compiled.and_then(Result::ok).map(Plans::new)
            };
            self.0.insert(*number, plans);
        }
        // A counter that was asked for later was made of all that went before: it is counted from the beginning.
        let all: Demands =
            self.0.values().flatten().flat_map(|plans| plans.demands.iter().cloned()).collect();
        for plans in self.0.values_mut().flatten() {
            plans.demands.clone_from(&all);
        }
        Ok(())
    }
}

/// One person's past.
pub struct Past {
    /// Their journal, in order.
    pub journal: Vec<JournalLine>,
    /// The events it refers to, as far as they are kept.
    pub events: BTreeMap<EventId, StoredEvent>,
    /// What was chosen for them under this id.
    pub decisions: Vec<DecisionRow>,
    /// The person as stored.
    pub stored: Person,
    /// What they heard of the news it refers to, as far as that is kept.
    pub heard: BTreeMap<EventId, Heard>,
    assignment_key: i64,
    /// Every version of every product that any of it speaks of: a journal says which number of the catalog was seen.
    products: Versions,
    /// Those who turned out to be them, each before whom they ended in.
    losers: Vec<Life>,
}

/// What was applied to one of them under an id of its own.
struct Life {
    person: PersonId,
    journal: Vec<JournalLine>,
    events: BTreeMap<EventId, StoredEvent>,
    heard: BTreeMap<EventId, Heard>,
    decisions: Vec<DecisionRow>,
    assignment_key: i64,
}

impl Life {
    async fn read(
        connection: &mut PgConnection,
        person: PersonId,
    ) -> Result<(Self, Option<StoredPerson>), Error> {
        let journal = history::journal(connection, person).await?;
        let ids = journal.iter().filter_map(|line| match line.row.what {
            Applied::Event(id) => Some(id),
            _ => None,
        });
        let ids: Vec<EventId> = ids.collect();
        let events = history::events(connection, &ids).await?;
        let events = events.into_iter().map(|event| (event.id, event)).collect();
        let told = journal.iter().filter_map(|line| match line.row.what {
            Applied::News { news, .. } => Some(news),
            _ => None,
        });
        let told: Vec<EventId> = told.collect();
        let heard = news::heard(connection, &told, person).await?;
        let row = people(connection, &[person], true).await?.pop();
        let assignment_key = row.as_ref().map_or(0, |row| row.assignment_key);
        let decisions = history::decisions(connection, person).await?;
        Ok((Self { person, journal, events, heard, decisions, assignment_key }, row))
    }

    /// Those whose states were taken over.
    fn losers(&self) -> impl Iterator<Item = PersonId> {
        self.journal.iter().filter_map(|line| match line.row.what {
            Applied::Taken { merge, .. } => Some(merge.loser),
            _ => None,
        })
    }
}

/// What came of applying a past again.
pub struct Again {
    /// Each row that could be applied.
    pub rows: Vec<Replayed>,
    /// Why it went no further, where it did not.
    pub broken: Option<Broken>,
    /// Where the stored person differs from the one the rows make, where all were applied.
    pub differs: Vec<String>,
}

impl Past {
    /// Reads it, in one snapshot where the caller has begun one. `None` of somebody to whom nothing has happened.
    ///
    /// # Errors
    /// As the store's.
    pub async fn read(
        connection: &mut PgConnection,
        person: PersonId,
        known: &mut Deployments,
    ) -> Result<Option<Self>, Error> {
        let (mine, row) = Life::read(connection, person).await?;
        let Some(row) = row else { return Ok(None) };
        let mut losers: Vec<Life> = Vec::new();
        let mut asked: VecDeque<PersonId> = mine.losers().collect();
        while let Some(loser) = asked.pop_front() {
            let (life, _) = Life::read(connection, loser).await?;
            asked.extend(life.losers());
            losers.push(life);
        }
        losers.reverse();
        let current = deployments::current(connection).await?;
        let lines = losers.iter().chain([&mine]).flat_map(|life| &life.journal);
        let mut numbers: BTreeSet<i64> = lines.map(|line| line.deployment).collect();
        numbers.insert(current);
        known.load(connection, &numbers).await?;
        let demands = known.0.get(&current).and_then(Option::as_ref).map(|plans| plans.demands.clone());
        let stored = batch::restore(&row, &demands.unwrap_or_default());
        let stored = stored.map_err(|error| Error::Conflict(format!("{person}: {error}")))?;
        let asked =
            losers.iter().chain([&mine]).any(|life| life.journal.iter().any(|line| line.catalog.is_some()));
        let products = if asked {
            products(connection, losers.iter().chain([&mine])).await?
        } else {
            Versions::default()
        };
        let Life { journal, events, heard, decisions, assignment_key, .. } = mine;
        Ok(Some(Self { journal, events, decisions, heard, stored, assignment_key, products, losers }))
    }

    /// Those who turned out to be this person: what was applied to them stands under their own ids.
    pub fn losers(&self) -> impl Iterator<Item = PersonId> {
        self.losers.iter().rev().map(|life| life.person)
    }

    /// All the ids under which something was applied to them, their own first.
    pub fn ids(&self) -> Vec<PersonId> {
        std::iter::once(self.stored.id).chain(self.losers()).collect()
    }

    /// Applies all of it again, from the beginning.
    pub fn again(&self, known: &Deployments) -> Again {
        let mut handed: BTreeMap<PersonId, Handover> = BTreeMap::new();
        for life in &self.losers {
            let replay = Replay::new(life.person, life.assignment_key);
            let mut replay = replay.hearing(life.heard.clone()).choosing(&life.decisions);
            // One that can't be applied again hands nothing over, and whoever takes that says so.
            if replayed(&mut replay, (&life.journal, &life.events, &self.products), known, &handed)
                .1
                .is_none()
                && let Some(state) = replay.handed()
            {
                handed.insert(life.person, state.clone());
            }
        }
        let replay = Replay::new(self.stored.id, self.assignment_key);
        let mut replay = replay.hearing(self.heard.clone()).choosing(&self.decisions);
        let (rows, broken) =
            replayed(&mut replay, (&self.journal, &self.events, &self.products), known, &handed);
        if broken.is_some() {
            return Again { rows, broken, differs: Vec::new() };
        }
        let mut differs = replay.differs(&self.stored);
        let others = rows.iter().filter(|row| !row.as_recorded);
        differs.extend(others.map(|row| format!("row {} refuses other things than it did", row.n)));
        Again { rows, broken: None, differs }
    }
}

/// Every version of the products that lives speak of: of their events and of the news they heard.
async fn products(
    connection: &mut PgConnection,
    lives: impl Iterator<Item = &Life>,
) -> Result<Versions, Error> {
    let mut ids = BTreeSet::new();
    for life in lives {
        for event in life.events.values() {
            product_ids_of_json(&event.payload, &mut |id| {
                ids.insert(id);
            });
        }
        for heard in life.heard.values() {
            journeyman_domain::catalog::product_ids(&heard.properties(), &mut |id| {
                ids.insert(id);
            });
        }
    }
    catalog::history(connection, &ids.into_iter().collect::<Vec<_>>()).await
}

/// A journal with its events, and the products they speak of.
type Lines<'a> = (&'a [JournalLine], &'a BTreeMap<EventId, StoredEvent>, &'a Versions);

/// Applies a journal again, as far as that goes.
fn replayed(
    replay: &mut Replay,
    (journal, events, products): Lines<'_>,
    known: &Deployments,
    handed: &BTreeMap<PersonId, Handover>,
) -> (Vec<Replayed>, Option<Broken>) {
    let mut rows = Vec::new();
    for line in journal {
        let plans = known.0.get(&line.deployment).and_then(Option::as_ref);
        let Some(plans) = plans else { return (rows, Some(Broken::NoDeployment(line.deployment))) };
        let catalog = line.catalog.map(|number| products.at(number, plans.policies.rates.base));
        let catalog = catalog.unwrap_or_default();
        match replay.apply(&line.row, Shared { plans, catalog: &catalog, recorded: None }, events, handed) {
            Ok(replayed) => rows.push(replayed),
            Err(broken) => return (rows, Some(broken)),
        }
    }
    (rows, None)
}
