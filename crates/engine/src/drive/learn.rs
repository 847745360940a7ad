//! Teaching over Postgres, once a day: reads what was bought, learns, keeps the models, and tells people their scores; and makes
//! the models that choose anew.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use journeyman_domain::plan::Policies;
use journeyman_domain::score::SCORED;
use journeyman_domain::value::Money;
use journeyman_domain::{Event, PersonId, ShardSet, ShopClock, ShopTime};
use journeyman_learn::churn::Band;
use journeyman_learn::lesson::{Lesson, Parameters, lesson, scores};
use journeyman_learn::{Histories, Purchase};
use journeyman_store::models::{self, Model};
use journeyman_store::scores::{self as stored, Bought};
use journeyman_store::told::Told;
use journeyman_store::{Error, REPORT_SILENCE, deployments, ingest, read, recorded, told};
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::PgPool;
use tokio_util::sync::CancellationToken;

use crate::deploy;
use crate::machine::teacher::{self, InUse};
use crate::models::{Trained, train};

/// The name of these models, and of the job.
pub const CHURN: &str = "churn";
/// How they are learned.
const METHOD: &str = "bg_nbd, gamma_gamma";
/// The source of the events by which people hear of their scores.
const SOURCE: &str = "learn";
/// How many people's scores are looked at and told at once.
const PEOPLE: usize = 500;
/// How long reading what was bought may take, from our side: every event is read.
const READING: Duration = Duration::from_secs(3_600);
/// How often it is looked whether the job is due, machine time.
const LOOK: Duration = Duration::from_secs(60);
/// After how long where nobody has bought anything yet.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// Who learns, from time to time: one of all processes at a time.
#[derive(Clone)]
pub struct Teacher {
    pool: PgPool,
    clock: Arc<dyn ShopClock>,
    every: Duration,
    wake: Arc<dyn Fn(ShardSet) + Send + Sync>,
}

/// What a lesson came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Taught {
    /// By what scores were made: `bg-nbd 3`, or `recency`.
    pub by: String,
    /// Why that.
    pub why: String,
    /// The number of the fit that was kept, where anything was learned.
    pub fit: Option<i64>,
    /// How many customers were scored.
    pub customers: usize,
    /// How many of them heard of it: whose scores have changed.
    pub told: usize,
    /// How many stand in each band.
    pub bands: BTreeMap<&'static str, usize>,
    /// How many amounts had a currency without a rate: they count as nothing.
    pub unconverted: usize,
    /// The models that choose and were made anew.
    pub choices: Vec<Trained>,
}

impl Teacher {
    /// Learns every `every`, shop time. `pool` allows a statement to read every event. `wake` rings for the shards where
    /// somebody has to hear of scores.
    pub fn new(
        pool: PgPool,
        clock: Arc<dyn ShopClock>,
        every: Duration,
        wake: Arc<dyn Fn(ShardSet) + Send + Sync>,
    ) -> Self {
        Self { pool, clock, every, wake }
    }

    /// Learns whenever it is time, until it is asked to leave: between two groups of people at the latest.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let taught = self.teach(false, &stop).await;
            let nobody = matches!(&taught, Ok(Some(taught)) if taught.customers == 0);
            match taught {
                Ok(Some(_)) if nobody => {}
                Ok(Some(taught)) => tracing::info!(
                    by = taught.by,
                    customers = taught.customers,
                    told = taught.told,
                    "scored {} customers by {}: {}",
                    taught.customers,
                    taught.by,
                    taught.why
                ),
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "can't learn; trying again in a minute"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(if nobody { LOOK_AGAIN } else { LOOK }) => {}
            }
        }
    }

    /// Learns now, `anyway` or where it is time. `None` where it is not, or somebody else does at the moment.
    ///
    /// # Errors
    /// As [`Error`] says; people who heard of their scores until then keep them.
    pub async fn teach(&self, anyway: bool, stop: &CancellationToken) -> Result<Option<Taught>, Error> {
        let now = self.clock.now();
        let is_due = |last: Option<ShopTime>| anyway || teacher::due(last, self.every, now);
        let last = async || Ok::<_, Error>(models::learned(&self.pool, CHURN).await?.map(|(at, _)| at));
        if !is_due(last().await?) {
            return Ok(None);
        }
        // Closed at the end, and with it the lock is gone, however it ends.
        let mut lock = self.pool.acquire().await?;
        lock.close_on_drop();
        // Asked again under the lock: it may just have been done.
        if !models::lock(&mut lock).await? || !is_due(last().await?) {
            return Ok(None);
        }
        let choices = self.choices(now, if anyway { Duration::ZERO } else { self.every }).await?;
        let taught = self.lesson(now, stop).await?.map(|taught| Taught { choices, ..taught });
        // Where nobody has bought anything a history may be loaded any moment: that is looked for sooner.
        if let Some(taught) = taught.as_ref().filter(|taught| taught.customers > 0) {
            let done = serde_json::to_value(taught).unwrap_or_default();
            models::set_learned(&self.pool, CHURN, now, &done).await?;
        }
        Ok(taught)
    }

    async fn lesson(&self, now: ShopTime, stop: &CancellationToken) -> Result<Option<Taught>, Error> {
        let shop = Shop::read(&self.pool, now).await?;
        let mut unconverted = 0;
        let (people, all) = shop.histories(&mut unconverted);
        let in_use = self.in_use().await?;
        let (all, today, used) = (Arc::new(all), shop.today, in_use.as_ref().map(|used| used.parameters));
        let learning = {
            let all = all.clone();
            tokio::task::spawn_blocking(move || lesson(&all, today, used.as_ref()))
        };
        let learned = learning.await.unwrap_or_else(|_| Err("a defect in this program".to_owned()));
        let fit = match &learned {
            Ok(lesson) => Some(self.keep(lesson, now).await?),
            Err(_) => None,
        };
        let by = teacher::by(&learned, fit, in_use.as_ref(), self.every, now);
        let mut taught = Taught {
            by: by.name.clone(),
            why: by.why,
            fit,
            customers: 0,
            told: 0,
            bands: [Band::Low, Band::Medium, Band::High].map(|band| (band.name(), 0)).into(),
            unconverted,
            choices: Vec::new(),
        };
        let mut group = Vec::with_capacity(PEOPLE);
        for (customer, score) in scores(&all, today, by.models.as_ref()) {
            let Some(person) = people.get(customer as usize) else { continue };
            taught.customers += 1;
            *taught.bands.entry(Band::of(score.churn).name()).or_default() += 1;
            group.push((*person, teacher::told(&score, &by.name, shop.policies.rates.base.code())));
            if group.len() == PEOPLE {
                taught.told += self.tell(std::mem::take(&mut group), now).await?;
                if stop.is_cancelled() {
                    return Ok(None);
                }
            }
        }
        taught.told += self.tell(group, now).await?;
        Ok(Some(taught))
    }

    /// Makes the models that choose anew which are as old as `every`.
    async fn choices(&self, now: ShopTime, every: Duration) -> Result<Vec<Trained>, Error> {
        let made = read(&self.pool, READING, async |connection| {
            let zone = policies(connection).await?.zone;
            train(connection, now, &zone, every).await
        })
        .await?;
        for made in &made {
            let used = if made.promoted {
                "it is used from now on"
            } else {
                "it is no better than none, and not used"
            };
            tracing::info!(
                name = made.name,
                snapshot = made.snapshot,
                card = %made.card,
                "model {} {}: {used}",
                made.name,
                made.snapshot
            );
        }
        Ok(made)
    }

    async fn in_use(&self) -> Result<Option<InUse>, Error> {
        let Some(model) = models::promoted(&self.pool, CHURN).await? else { return Ok(None) };
        let parameters = serde_json::from_value::<Parameters>(model.parameters);
        match parameters.ok().filter(|parameters| parameters.bg_nbd.is_sound()) {
            Some(parameters) => {
                Ok(Some(InUse { version: model.version, fitted_at: model.fitted_at, parameters }))
            }
            None => {
                tracing::warn!(
                    version = model.version,
                    "model churn {} can't be read; going without it",
                    model.version
                );
                Ok(None)
            }
        }
    }

    async fn keep(&self, lesson: &Lesson, now: ShopTime) -> Result<i64, Error> {
        let model = Model {
            name: CHURN.to_owned(),
            version: 0,
            method: METHOD.to_owned(),
            fitted_at: now,
            parameters: serde_json::to_value(lesson.parameters).unwrap_or_default(),
            card: serde_json::to_value(&lesson.card).unwrap_or_default(),
            promoted: lesson.promoted,
        };
        models::insert(&self.pool, &model).await
    }

    /// Tells those whose scores have changed; answers how many.
    async fn tell(&self, group: Vec<(PersonId, serde_json::Value)>, now: ShopTime) -> Result<usize, Error> {
        let people: Vec<PersonId> = group.iter().map(|(person, _)| *person).collect();
        let known = {
            read(&self.pool, REPORT_SILENCE, async |connection| stored::of(connection, &people).await).await?
        };
        let news = group.into_iter().filter(|(person, now)| teacher::is_news(known.get(person), now));
        let events = news.map(|(person, scores)| {
            let key = format!("{person} {}", now.as_microsecond());
            let event = Event::told(SOURCE, SCORED, &key, person, now, scores);
            Told { event, suppress: Vec::new(), lift: Vec::new() }
        });
        let events: Vec<Told> = events.collect();
        if events.is_empty() {
            return Ok(0);
        }
        let written = told::write(&self.pool, &events).await?;
        (self.wake)(written.shards);
        Ok(written.outcomes.iter().filter(|outcome| **outcome == ingest::Outcome::Accepted).count())
    }
}

/// The policies that are deployed.
async fn policies(connection: &mut PgConnection) -> Result<Policies, Error> {
    let number = deployments::current(&mut *connection).await?;
    let mut sources = deployments::load(connection, number).await?;
    sources.retain(|source| !source.pinned && source.kind == deploy::POLICIES);
    let policies = deploy::wordings(&sources).map(|words| words.policies.as_ref().clone());
    Ok(policies.unwrap_or_else(|error| {
        tracing::error!(
            number,
            error,
            "the policies of deployment {number} can't be read; going without them"
        );
        Policies::default()
    }))
}

/// What is learned from.
struct Shop {
    policies: Policies,
    /// Days since 1970, in the shop's zone.
    today: i32,
    bought: Vec<Bought>,
    merged: BTreeMap<PersonId, PersonId>,
}

impl Shop {
    async fn read(pool: &PgPool, now: ShopTime) -> Result<Self, Error> {
        read(pool, READING, async |connection| Self::read_by(connection, now).await).await
    }

    async fn read_by(connection: &mut PgConnection, now: ShopTime) -> Result<Self, Error> {
        let policies = policies(&mut *connection).await?;
        let zone = policies.zone.iana_name().unwrap_or("UTC").to_owned();
        let currency = policies.rates.base.code().to_owned();
        let bought = stored::purchases(&mut *connection, &zone, &currency, now).await?;
        let merged = recorded::merges(connection).await?;
        let date = now.timestamp().to_zoned(policies.zone.clone()).date();
        let today = date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
        Ok(Self { policies, today: i32::try_from(today).unwrap_or(0), bought, merged })
    }

    /// People and what they bought, in the shop's currency: a customer's number is their place among the people.
    fn histories(&self, unconverted: &mut usize) -> (Vec<PersonId>, Histories) {
        let rates = &self.policies.rates;
        let mut numbers: BTreeMap<PersonId, u32> = BTreeMap::new();
        let mut people = Vec::new();
        let purchases = self.bought.iter().map(|bought| {
            let person = self.head(bought.person);
            let customer = *numbers.entry(person).or_insert_with(|| {
                people.push(person);
                u32::try_from(people.len() - 1).unwrap_or(u32::MAX)
            });
            let money = bought.currency.parse().ok().and_then(|of| Money::from_number(bought.value, of));
            let worth = money.and_then(|money| rates.convert(money, rates.base));
            let worth = worth.and_then(|money| money.amount().to_string().parse::<f64>().ok());
            *unconverted += usize::from(worth.is_none());
            Purchase { customer, day: bought.day, value: worth.unwrap_or(0.0) }
        });
        let all = Histories::of(purchases);
        (people, all)
    }

    /// Who somebody is now. Signposts lead to no circle; where they do, it ends after as many as there are.
    fn head(&self, person: PersonId) -> PersonId {
        let next = |at: &PersonId| self.merged.get(at).copied();
        std::iter::successors(Some(person), next).take(self.merged.len() + 1).last().unwrap_or(person)
    }
}
