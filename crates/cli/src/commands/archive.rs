//! What the console asks of the engine: deployments compiled, messages rendered, pasts applied again.

use std::sync::{Arc, PoisonError};

use journeyman_api::console::{self, Answer, Chapter, Console, Router, Underway, Words};
use journeyman_domain::person::{Person, Position};
use journeyman_domain::plan::Deployment;
use journeyman_domain::row::{Applied, JournalRow};
use journeyman_domain::value::Value;
use journeyman_domain::{PersonId, ShopClock, ShopTime};
use journeyman_engine::deploy;
use journeyman_engine::outlet::Cache;
use journeyman_engine::past::{Deployments, Past};
use journeyman_store::messages::MessageRow;
use journeyman_store::{Error, REPORT_SILENCE, deployments, read};
use sqlx::postgres::PgPool;
use sqlx::{Connection as _, PgConnection};
use tokio::sync::Mutex;

use super::messages::show;
use super::preview::Page;
use super::why::tell::{Item, Story};

/// The console's pages over this database, for the private listener. `pool` is for them alone: who looks at a large shop
/// keeps nobody from learning whether the daemon lives.
pub(in crate::commands) fn console(pool: PgPool, clock: Arc<dyn ShopClock>) -> Router {
    Console::new(pool.clone(), clock, Archive::new(pool)).routes()
}

/// Answers from the database, with what was compiled last kept.
struct Archive {
    pool: PgPool,
    wordings: Cache,
    live: std::sync::Mutex<Option<Live>>,
    /// The deployments that pasts were applied under, made anew with each that goes live.
    known: Mutex<(i64, Deployments)>,
}

/// What is live, as it was read last.
type Live = (i64, Result<Arc<Deployment>, String>);

impl Archive {
    fn new(pool: PgPool) -> Arc<Self> {
        let known = Mutex::new((0, Deployments::default()));
        Arc::new(Self { pool, wordings: Cache::default(), live: std::sync::Mutex::default(), known })
    }

    async fn compiled(&self) -> Result<Result<Arc<Deployment>, String>, Error> {
        let current = async |connection: &mut _| deployments::current(connection).await;
        let number = read(&self.pool, REPORT_SILENCE, current).await?;
        let known = self.live.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((_, live)) = known.filter(|(known, _)| *known == number) {
            return Ok(live);
        }
        let live = if number == 0 {
            Ok(Arc::default())
        } else {
            let load = async |connection: &mut _| deployments::load(connection, number).await;
            let stored = read(&self.pool, REPORT_SILENCE, load).await?;
            in_peace(move || deploy::compile(number, &stored).map(Arc::new)).await?
        };
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = Some((number, live.clone()));
        Ok(live)
    }

    async fn told(&self, person: PersonId, last: usize) -> Result<Option<console::Story>, Error> {
        let mut known = self.known.lock().await;
        read(&self.pool, REPORT_SILENCE, async |connection| {
            let mut tx = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
            let current = deployments::current(&mut tx).await?;
            if known.0 != current {
                *known = (current, Deployments::default());
            }
            let Some(past) = Past::read(&mut tx, person, &mut known.1).await? else { return Ok(None) };
            let mut told = story(&mut tx, &past, &known.1).await?;
            for loser in past.losers() {
                let Some(past) = Past::read(&mut tx, loser, &mut known.1).await? else { continue };
                let earlier = story(&mut tx, &past, &known.1).await?;
                told.chapters.extend(earlier.chapters.into_iter().map(|chapter| {
                    let aside = format!("{} (as {loser})", chapter.aside).trim_start().to_owned();
                    Chapter { aside, ..chapter }
                }));
                told.earlier.push(loser);
            }
            // The latest first; of one moment, the last that was applied.
            told.chapters.sort_by_key(|chapter| std::cmp::Reverse((chapter.at, chapter.n)));
            told.more = told.chapters.len().saturating_sub(last);
            told.chapters.truncate(last);
            Ok(Some(told))
        })
        .await
    }
}

impl console::Archive for Archive {
    fn live(&self) -> Answer<'_, Result<Arc<Deployment>, String>> {
        Box::pin(self.compiled())
    }

    fn words<'a>(&'a self, message: &'a MessageRow) -> Answer<'a, Result<Words, String>> {
        Box::pin(async move {
            if message.deployment == 0 {
                return Ok(Err("a version without templates queued it".to_owned()));
            }
            let wordings = match self.wordings.get(&self.pool, message.deployment).await? {
                Ok(wordings) => wordings,
                Err(why) => return Ok(Err(why.to_string())),
            };
            let row = message.clone();
            in_peace(move || show::again(&row, &wordings).map(|said| Page::of(&said).words())).await
        })
    }

    fn story(&self, person: PersonId, last: usize) -> Answer<'_, Option<console::Story>> {
        Box::pin(self.told(person, last))
    }
}

/// Computes where nobody waits for anything else.
async fn in_peace<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Conflict(format!("what was computed for the console broke: {error}")))
}

/// What is known of what was applied under one id.
async fn story(
    connection: &mut PgConnection,
    past: &Past,
    known: &Deployments,
) -> Result<console::Story, Error> {
    let again = past.again(known);
    let story = Story::read(connection, past, &again).await?;
    Ok(shown(&story))
}

/// A story as the console tells it.
fn shown(story: &Story<'_>) -> console::Story {
    let person = &story.past.stored;
    let chapters = story.chapters().into_iter().map(|(line, items)| {
        let (what, aside) = input(story, &line.row);
        let item = |item: Item| {
            // Its words name the message last, and here they lead to it.
            let message = item.detail["message"].as_str();
            let words = message.map_or(item.words.as_str(), |id| item.words.trim_end_matches(id).trim_end());
            console::Item {
                recorded: item.recorded,
                what: item.what,
                journey: item.journey.clone(),
                words: words.to_owned(),
                message: message.and_then(|id| id.parse().ok()),
            }
        };
        Chapter { n: line.row.n, at: line.row.at, what, aside, items: items.into_iter().map(item).collect() }
    });
    console::Story {
        inputs: person.n,
        zone: person.hot.zone.as_ref().map(|(zone, _)| zone.to_string()),
        first_seen: person.hot.first_seen,
        last_seen: person.hot.last_seen,
        traits: traits(person),
        runs: runs(person),
        chapters: chapters.collect(),
        more: 0,
        earlier: Vec::new(),
        mixed: story.mixed.clone(),
        broken: story.again.broken.as_ref().map(ToString::to_string),
        differs: story.again.differs.clone(),
    }
}

/// What an input was, and what else is to be said of it: when it was, where that is another moment than that of its batch.
fn input(story: &Story<'_>, row: &JournalRow) -> (String, String) {
    let unless_then = |word: &str, at: ShopTime| match moment(at) {
        same if same == moment(row.at) => String::new(),
        other => format!("{word} {other}"),
    };
    match &row.what {
        Applied::Timer(due) => ("Timer".to_owned(), unless_then("due", *due)),
        Applied::Report { message, accepted, .. } => {
            let what = if *accepted { "Message accepted" } else { "Message refused by its channel" };
            (what.to_owned(), message.to_string())
        }
        what => {
            let event = if let Applied::Event(id) = what { story.past.events.get(id) } else { None };
            let Some(event) = event else { return (story.input(what), String::new()) };
            let name = if event.name.is_empty() { event.kind.name() } else { &event.name };
            let imported = if event.historical { " (imported)" } else { "" };
            (name.to_owned(), unless_then("of", event.occurred_at) + imported)
        }
    }
}

fn traits(person: &Person) -> Vec<(String, String)> {
    let said = person.traits.iter().filter(|(_, known)| !matches!(known.value, Value::Missing));
    said.map(|(name, known)| {
        let value = match &known.value {
            Value::Text(text) => text.to_string(),
            value => value.to_json().to_string(),
        };
        (name.to_owned(), value)
    })
    .collect()
}

fn runs(person: &Person) -> Vec<Underway> {
    let runs = person.runs.iter().map(|run| {
        let until = run.due().map_or(String::new(), |due| format!(" until {}", moment(due)));
        let stands = match &run.position {
            Position::At { step, .. } => format!("at {step}{until}"),
            Position::Watching(_) => {
                format!("all steps done, looks for its goal or a message that did not come{until}")
            }
        };
        let key = run.key.as_ref().map(ToString::to_string);
        Underway { journey: run.journey.to_string(), key, stands }
    });
    let pending = person.hot.pending.iter().map(|pending| Underway {
        journey: pending.journey.to_string(),
        key: None,
        stands: format!("begins {} unless it is called off", moment(pending.due)),
    });
    runs.chain(pending).collect()
}

/// A moment to the second, UTC.
fn moment(at: ShopTime) -> String {
    at.timestamp().strftime("%Y-%m-%d %H:%M:%S").to_string()
}
