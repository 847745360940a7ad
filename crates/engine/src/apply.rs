//! Putting sources live: counters made of history first, then one deployment row, whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use journeyman_domain::expr::Demands;
use journeyman_domain::plan::{Channel, PlanHash, Plans};
use journeyman_domain::{PersonId, backfill as counting, batch};
use journeyman_store::deployments::{self, Label, StoredSource};
use journeyman_store::{Error, approvals, backfill, interests, lines, slices};
use sqlx::postgres::PgPool;
use sqlx::{Connection as _, PgConnection};

use crate::deploy;

/// How many people's history is read at once.
const PEOPLE: usize = 2_000;

/// The name of a change: from what is live, to these sources. Whoever looked at it may ask for just that.
pub fn plan_id(current: i64, sources: &[StoredSource]) -> PlanHash {
    let mut files: Vec<String> =
        sources.iter().map(|source| format!("{} {:?} {}", source.kind, source.name, source.hash)).collect();
    files.sort_unstable();
    PlanHash::of_text(&format!("{current}\n{}", files.join("\n")))
}

/// On which terms something goes live.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// Only just as this plan has it, see [`plan_id`].
    pub plan: Option<PlanHash>,
    /// Nobody need say yes to it: what is put back was said yes to when it went live.
    pub unasked: bool,
}

/// What was done.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The deployment's number, or that of the one which says the same already.
    pub number: i64,
    /// Whether there is a new one.
    pub changed: bool,
    /// What stood in the one before.
    pub before: Vec<StoredSource>,
    /// Older versions that runs go on in.
    pub pinned: usize,
    /// Counters made of history.
    pub counters: usize,
    /// Of how many people.
    pub people: u64,
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NotApplied {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// The set does not compile together with the versions that runs are under way in.
    #[error("{0}")]
    Sources(String),
    /// `migrate` would take runs to where they can't go on.
    #[error("{0}")]
    Stranded(String),
    /// What was looked at is not what would be done: what is live has changed since, or the files have.
    #[error(
        "the plan is another by now: something else went live, or the files changed, since it was made; \
         make it again with `journeyman plan` and look at it"
    )]
    Moved,
    /// Too few have said yes to it.
    #[error("{}", unapproved(*plan, *needed, by))]
    Unapproved {
        /// To what.
        plan: PlanHash,
        /// How many have to.
        needed: usize,
        /// Who did, the author left out.
        by: Vec<String>,
    },
    /// What needs approvals says who did it.
    #[error("who applies what others approve of says so: --author NAME, or JOURNEYMAN_AUTHOR")]
    Nobody,
    /// Another `apply` is at work.
    #[error("somebody else is putting journeys live at this moment; try again when they are done")]
    Busy,
}

impl From<sqlx::Error> for NotApplied {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Puts `sources`, which were checked, live, on these terms. `counted` hears how many
/// people's history was counted.
///
/// Counters are made twice over: first of everybody's history while the engine goes on, then, while no batch runs, again of
/// those to whom something happened meanwhile. So batches wait for moments, however long history is.
///
/// # Errors
/// [`NotApplied`]; nothing is changed then.
pub async fn apply(
    pool: &PgPool,
    sources: &[StoredSource],
    label: Label<'_>,
    terms: Terms,
    mut counted: impl FnMut(u64),
) -> Result<Applied, NotApplied> {
    // Closed at the end, and the lock with it.
    let mut connection = pool.acquire().await?.detach();
    if !backfill::lock(&mut connection).await? {
        return Err(NotApplied::Busy);
    }
    let (current, before) = deployed(&mut connection).await?;
    if terms.plan.is_some_and(|plan| plan != plan_id(current, sources)) {
        return Err(NotApplied::Moved);
    }
    if current > 0 && same(&before, sources) {
        let pinned = before.iter().filter(|source| source.pinned).count();
        return Ok(Applied { number: current, changed: false, before, pinned, counters: 0, people: 0 });
    }
    let needed = if terms.unasked { 0 } else { approvals_needed(current, &before, sources)? };
    let approved_by = match needed {
        0 => Vec::new(),
        needed => approved(&mut connection, plan_id(current, sources), label.author, needed).await?,
    };
    let mut made: BTreeMap<PersonId, i64> = BTreeMap::new();
    let (asked, missing, rates) = wanted(&mut connection, current, &before, sources).await?;
    let news = Missing { counters: &missing, interests: asked.interests };
    count(&mut connection, &news, &rates, &mut made, &mut counted).await?;

    let mut tx = connection.begin().await?;
    // From here on no batch runs.
    slices::lock_all(&mut tx).await?;
    let (all, now_missing, rates) = wanted(&mut tx, current, &before, sources).await?;
    if now_missing != missing {
        made.clear();
    }
    let news = Missing { counters: &now_missing, interests: all.interests };
    let people = count(&mut tx, &news, &rates, &mut made, &mut counted).await?;
    let demands: Vec<_> = all.demands.iter().cloned().collect();
    let senders: Vec<&str> = all.senders.iter().map(String::as_str).collect();
    lines::ensure(&mut tx, Channel::Email, &senders).await?;
    let number = deployments::insert(&mut tx, &label, sources, &demands).await?;
    if !approved_by.is_empty() {
        approvals::note(&mut tx, number, &approved_by).await?;
    }
    tx.commit().await?;
    let pinned = all.pinned;
    Ok(Applied { number, changed: true, before, pinned, counters: now_missing.iter().count(), people })
}

/// What a set asks for together with the versions that runs are under way in.
struct Wanted {
    demands: Demands,
    /// Whether what people care for in the catalog is asked for, and was not kept before.
    interests: bool,
    pinned: usize,
    senders: Vec<String>,
}

async fn deployed(connection: &mut PgConnection) -> Result<(i64, Vec<StoredSource>), Error> {
    let current = deployments::current(connection).await?;
    Ok((current, deployments::load(connection, current).await?))
}

/// Whether a deployment holds just these files in just these versions.
fn same(before: &[StoredSource], sources: &[StoredSource]) -> bool {
    let key = |source: &StoredSource| (source.kind, source.name.clone(), source.hash);
    let old: BTreeSet<_> = before.iter().filter(|source| !source.pinned).map(key).collect();
    old == sources.iter().map(key).collect()
}

/// What is asked for, and what of it is not kept yet.
async fn wanted(
    connection: &mut PgConnection,
    current: i64,
    before: &[StoredSource],
    sources: &[StoredSource],
) -> Result<(Wanted, Demands, journeyman_domain::value::Rates), NotApplied> {
    let deployed: BTreeSet<PlanHash> = sources.iter().map(|source| source.hash).collect();
    let live = deployments::live_versions(connection).await?;
    let older =
        before.iter().filter(|source| live.contains(&source.hash) && !deployed.contains(&source.hash));
    let pinned: Vec<_> = older.map(|source| StoredSource { pinned: true, ..source.clone() }).collect();
    let all: Vec<StoredSource> = sources.iter().chain(&pinned).cloned().collect();
    let plans = Plans::new(deploy::compile(current + 1, &all).map_err(NotApplied::Sources)?);
    if let Some(stranded) = plans.stranded() {
        return Err(NotApplied::Stranded(stranded));
    }
    let known: BTreeSet<i64> =
        deployments::demands(connection).await?.iter().map(|key| key.number()).collect();
    let missing = plans.demands.iter().filter(|key| !known.contains(&key.number())).cloned().collect();
    let rates = plans.policies.rates.clone();
    let senders = plans.policies.senders.keys().map(ToString::to_string).collect();
    let kept = deploy::compile(current, before).is_ok_and(|before| Plans::new(before).keeps_interest());
    let interests = plans.keeps_interest() && !(current > 0 && kept);
    Ok((Wanted { interests, demands: plans.demands, pinned: pinned.len(), senders }, missing, rates))
}

/// How many people other than its author have to say yes to a change: as many as the policies ask for that are live, or that
/// would be, whichever is more. So a change that asks for fewer needs as many as before.
///
/// # Errors
/// [`NotApplied::Sources`] where one of the two does not compile.
pub fn approvals_needed(
    current: i64,
    before: &[StoredSource],
    sources: &[StoredSource],
) -> Result<usize, NotApplied> {
    let mut needed = 0;
    for (number, sources) in [(current, before), (current + 1, sources)] {
        let deployment = deploy::compile(number, sources).map_err(NotApplied::Sources)?;
        needed = needed.max(deployment.policies.approvals);
    }
    Ok(usize::try_from(needed).unwrap_or(usize::MAX))
}

/// Who has said yes to a plan, where they are enough: whoever made it does not count.
async fn approved(
    connection: &mut PgConnection,
    plan: PlanHash,
    author: &str,
    needed: usize,
) -> Result<Vec<String>, NotApplied> {
    if author.is_empty() {
        return Err(NotApplied::Nobody);
    }
    let mut by = approvals::of(connection, plan).await?;
    by.retain(|who| who != author);
    if by.len() < needed { Err(NotApplied::Unapproved { plan, needed, by }) } else { Ok(by) }
}

fn unapproved(plan: PlanHash, needed: usize, by: &[String]) -> String {
    let there = match by {
        [] => "nobody has".to_owned(),
        by => format!("only {} did", by.join(", ")),
    };
    format!(
        "{needed} other than the author have to say yes to plan {plan}, and {there}; they do it by \
         `journeyman approve {plan} --as NAME`"
    )
}

/// Whether sources could go live: they compile together with the versions that runs are under way in, and nobody is stranded.
///
/// # Errors
/// As [`apply`].
pub async fn feasible(
    connection: &mut PgConnection,
    current: i64,
    before: &[StoredSource],
    sources: &[StoredSource],
) -> Result<(), NotApplied> {
    wanted(connection, current, before, sources).await.map(drop)
}

/// What has to be made of history.
struct Missing<'a> {
    counters: &'a Demands,
    interests: bool,
}

/// Makes counters, and what people care for, of the history of everybody to whom something happened since they were counted;
/// answers of how many people there are.
async fn count(
    connection: &mut PgConnection,
    missing: &Missing<'_>,
    rates: &journeyman_domain::value::Rates,
    made: &mut BTreeMap<PersonId, i64>,
    counted: &mut impl FnMut(u64),
) -> Result<u64, Error> {
    if missing.counters.is_empty() && !missing.interests {
        return Ok(0);
    }
    let mut names = counting::wanted(missing.counters);
    if missing.interests {
        for name in journeyman_domain::interest::events() {
            names.push(name);
        }
    }
    let (mut after, mut everybody) = (PersonId(i64::MIN), 0);
    loop {
        let chunk = backfill::people(connection, after, PEOPLE).await?;
        let Some((last, _)) = chunk.last() else {
            if missing.interests {
                interests::forget_merged(connection).await?;
            }
            return Ok(everybody);
        };
        after = *last;
        everybody += chunk.len() as u64;
        let stale: Vec<PersonId> = chunk
            .iter()
            .filter(|(person, n)| made.get(person) != Some(n))
            .map(|(person, _)| *person)
            .collect();
        // Read after `n` was: who moves meanwhile has a larger one, and is counted again.
        let history = backfill::past(connection, &names, &stale).await?;
        let mut rows = Vec::new();
        for person in stale.iter().filter(|person| history.contains_key(person)) {
            let counters = counting::counters(missing.counters, *person, &history, rates);
            rows.extend(counters.iter().map(|(key, feature)| (*person, batch::stored_feature(key, feature))));
        }
        backfill::write(connection, &rows).await?;
        if missing.interests {
            let of = stale.iter().filter(|person| history.contains_key(person));
            let rows: Vec<_> = of.flat_map(|person| counting::interests(*person, &history)).collect();
            interests::upsert(connection, &rows).await?;
        }
        made.extend(chunk);
        counted(everybody);
    }
}
