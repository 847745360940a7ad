//! Where recorded events come from: a file, kept in memory by person, or a database, read a page of people at a time.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use anyhow::{Context as _, anyhow, bail};
use journeyman_domain::{Event, FileDigest, Identity, IdentityKind, PersonId, ShopTime};
use journeyman_sim::backtest::{History, Record, Register};
use journeyman_store::recorded::{self, Span};
use sqlx::postgres::PgPool;

use super::goods::Goods;
use super::work::{Chunk, Chunks};
use crate::import::{self, Plan, Rejects};

/// About how many events of a file a worker takes at once.
const EVENTS: usize = 4_000;
/// How many people of a database are read at once.
const PEOPLE: usize = 200;
/// How many events of a file are resolved together.
const LINES: usize = 2_000;
/// How many of those may wait.
const AHEAD: usize = 4;

/// What is recorded.
pub(super) enum Recorded {
    /// A file's events, in memory.
    File(Arc<InMemory>),
    /// A database's.
    Database {
        pool: PgPool,
        span: Span,
        /// Who was merged: into whom, and of whom.
        merged: BTreeMap<PersonId, Vec<PersonId>>,
    },
}

/// A file's events by person.
pub(super) struct InMemory {
    record: Record,
    register: Register,
    people: Vec<Range<usize>>,
    /// Lines that could not be events, by reason, and the first of them.
    rejected: Rejected,
}

/// Lines that could not be events.
#[derive(Clone, Default)]
pub(super) struct Rejected {
    /// By reason.
    pub(super) reasons: BTreeMap<&'static str, u64>,
    /// The first: its line, and what is wrong with it.
    pub(super) first: Option<(u64, String)>,
    /// Where they are, if that was asked for.
    pub(super) file: Option<PathBuf>,
}

/// What of a file is handed from its reader to whoever keeps it.
type Batch = Vec<Event>;

/// Reads a file. One thread reads lines, another finds out whose they are.
pub(super) fn read(
    plan: &Plan,
    rejects: Option<PathBuf>,
    before: Option<ShopTime>,
    most: usize,
) -> anyhow::Result<Recorded> {
    let bar = import::bar(plan.bytes()?);
    bar.set_message("reading the file");
    let (to_keeper, batches) = mpsc::sync_channel::<Batch>(AHEAD);
    let ((record, register), rejected) = std::thread::scope(|scope| {
        let keeper = scope.spawn(move || keep(&batches, most));
        let rejected = lines(plan, rejects, before, to_keeper, &bar);
        let kept =
            keeper.join().map_err(|_| anyhow!("a defect in this program: it could not keep the events"))?;
        // What the keeper says comes first: the reader only notices that it has gone.
        anyhow::Ok((kept?, rejected?))
    })?;
    bar.set_message("sorting by person");
    let (mut record, register) = (record, register);
    let people = record.by_person(&register);
    bar.finish_and_clear();
    Ok(Recorded::File(Arc::new(InMemory { record, register, people, rejected })))
}

fn keep(batches: &mpsc::Receiver<Batch>, most: usize) -> anyhow::Result<(Record, Register)> {
    let (mut record, mut register) = (Record::default(), Register::default());
    for events in batches {
        for (person, event) in register.resolve(&events).into_iter().zip(&events) {
            let person = person.context("there are more people than can be counted")?;
            if let Err(full) = record.add(person, event, most) {
                bail!(
                    "after {} events {} MiB are in use: give --memory more, shorten the history by --to, or import \
                     the file and name the database, which is read person by person",
                    full.events,
                    most >> 20
                );
            }
        }
    }
    Ok((record, register))
}

fn lines(
    plan: &Plan,
    rejects: Option<PathBuf>,
    before: Option<ShopTime>,
    to_keeper: mpsc::SyncSender<Batch>,
    bar: &indicatif::ProgressBar,
) -> anyhow::Result<Rejected> {
    let mut file = rejects.map(Rejects::new);
    let (mut rejected, mut batch) = (Rejected::default(), Vec::with_capacity(LINES));
    // Ids are made of the digest; nothing keeps these, so that any will do.
    plan.each(FileDigest([0; 32]), 0, |read| {
        if read.number.is_multiple_of(1_000) {
            bar.set_position(read.position);
        }
        let text = read.event.is_err().then(|| read.text());
        match read.event {
            Ok(event) if before.is_some_and(|before| event.occurred_at >= before) => {}
            Ok(event) => batch.push(event),
            Err(reject) => {
                *rejected.reasons.entry(reject.reason.code()).or_default() += 1;
                rejected.first.get_or_insert_with(|| (read.number, reject.to_string()));
                if let Some(file) = &mut file {
                    file.add(read.number, &reject, &text.unwrap_or_default())?;
                }
            }
        }
        if batch.len() < LINES {
            return Ok(true);
        }
        Ok(to_keeper.send(std::mem::replace(&mut batch, Vec::with_capacity(LINES))).is_ok())
    })?;
    // Refused only when the keeper has gone, which its own error tells.
    let _ = to_keeper.send(batch);
    if let Some(mut file) = file {
        file.flush()?;
        rejected.file = file.close();
    }
    Ok(rejected)
}

/// Looks at what a database has recorded up to a moment.
/// `by_person` is what their events are read by later.
pub(super) async fn look(
    whole: &PgPool,
    by_person: PgPool,
    until: Option<ShopTime>,
) -> anyhow::Result<Recorded> {
    let mut connection = whole.acquire().await?;
    let span = recorded::span(&mut connection, until).await?;
    let signposts = recorded::merges(&mut connection).await?;
    let mut merged: BTreeMap<PersonId, Vec<PersonId>> = BTreeMap::new();
    for loser in signposts.keys() {
        merged.entry(head(&signposts, *loser)).or_default().push(*loser);
    }
    Ok(Recorded::Database { pool: by_person, span, merged })
}

/// Where the signposts of merges lead to. Nobody leads back; where somebody does, it ends after as many as there are.
fn head(signposts: &BTreeMap<PersonId, PersonId>, person: PersonId) -> PersonId {
    let next = |at: &PersonId| signposts.get(at).copied();
    let way = std::iter::successors(Some(person), next).take(signposts.len() + 1);
    way.last().unwrap_or(person)
}

impl Recorded {
    /// How many events there are.
    pub(super) fn events(&self) -> u64 {
        match self {
            Self::File(file) => file.record.len() as u64,
            Self::Database { span, .. } => span.events,
        }
    }

    /// When the first and the last of them arrived.
    pub(super) fn span(&self) -> Option<(ShopTime, ShopTime)> {
        match self {
            Self::File(file) => file.record.span(),
            Self::Database { span, .. } => span.first.zip(span.last),
        }
    }

    /// Lines that could not be events.
    pub(super) fn rejected(&self) -> Rejected {
        match self {
            Self::File(file) => file.rejected.clone(),
            Self::Database { .. } => Rejected::default(),
        }
    }

    /// What it is, for `--json`.
    pub(super) fn told(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Database { .. } => "database",
        }
    }

    /// Hands everybody to the workers, in an order that is always the same; ends early when nobody takes them any more.
    /// `goods` is what is asked of products, where anything is.
    pub(super) async fn feed(
        &self,
        until: ShopTime,
        named: bool,
        goods: Option<Arc<Goods>>,
        chunks: Chunks,
    ) -> anyhow::Result<()> {
        match self {
            Self::File(file) => {
                let file = file.clone();
                Ok(tokio::task::spawn_blocking(move || file.feed(named, goods.as_deref(), &chunks)).await?)
            }
            Self::Database { pool, merged, .. } => {
                from_database(pool, merged, (until, named), goods.as_deref(), &chunks).await
            }
        }
    }
}

impl InMemory {
    fn feed(&self, named: bool, goods: Option<&Goods>, chunks: &Chunks) {
        let look_up = |chunk: &mut Chunk| {
            if let Some(goods) = goods {
                chunk.catalog = goods.of_kept(chunk.products());
            }
        };
        let names = if named { self.register.names() } else { BTreeMap::new() };
        let mut chunk = Chunk::default();
        for place in &self.people {
            let Some(history) = self.record.history(place.clone(), &self.register) else { continue };
            let number = u32::try_from(history.person.0).unwrap_or(0);
            let name = names.get(&number).cloned().unwrap_or_default();
            chunk.add(name, history);
            if chunk.events >= EVENTS {
                look_up(&mut chunk);
                let next = chunk.next();
                if chunks.blocking_send(std::mem::replace(&mut chunk, next)).is_err() {
                    return;
                }
            }
        }
        look_up(&mut chunk);
        // Refused only when the workers have gone, which their own error tells.
        let _ = chunks.blocking_send(chunk);
    }
}

async fn from_database(
    pool: &PgPool,
    merged: &BTreeMap<PersonId, Vec<PersonId>>,
    (until, named): (ShopTime, bool),
    goods: Option<&Goods>,
    chunks: &Chunks,
) -> anyhow::Result<()> {
    let (mut after, mut chunk) = (PersonId(i64::MIN), Chunk::default());
    loop {
        // A connection a page, and no transaction: nothing is kept from being vacuumed meanwhile.
        let mut connection = pool.acquire().await.context("can't get a connection")?;
        let people = recorded::people(&mut connection, after, PEOPLE).await?;
        let Some((last, _)) = people.last() else { return Ok(()) };
        after = *last;
        let losers = people.iter().flat_map(|(person, _)| merged.get(person).into_iter().flatten());
        let asked: Vec<PersonId> = people.iter().map(|(person, _)| person).chain(losers).copied().collect();
        let mut events: BTreeMap<PersonId, Vec<_>> = BTreeMap::new();
        for (person, event) in recorded::events(&mut connection, &asked, until).await? {
            events.entry(person).or_default().push(event);
        }
        let mut names = if named { recorded::names(&mut connection, &asked).await? } else { BTreeMap::new() };
        for (person, assignment_key) in people {
            let mut theirs = events.remove(&person).unwrap_or_default();
            let losers = merged.get(&person).map_or(&[][..], Vec::as_slice);
            for loser in losers {
                theirs.extend(events.remove(loser).unwrap_or_default());
            }
            if theirs.is_empty() {
                continue;
            }
            // Of one person they are in order already.
            theirs.sort_by_key(|event| event.received_at);
            let name = names.remove(&person).or_else(|| losers.iter().find_map(|loser| names.remove(loser)));
            let name = name.map_or_else(|| person.to_string(), called);
            chunk.add(name, History { person, assignment_key, events: theirs });
        }
        if let Some(goods) = goods {
            chunk.catalog = goods.timeline(Some(&mut connection), chunk.products()).await?;
        }
        drop(connection);
        let next = chunk.next();
        if chunks.send(std::mem::replace(&mut chunk, next)).await.is_err() {
            return Ok(());
        }
    }
}

/// A name as commands take it.
fn called(name: Identity) -> String {
    match name.kind {
        IdentityKind::External => name.value,
        IdentityKind::Anonymous => format!("anonymous:{}", name.value),
    }
}
