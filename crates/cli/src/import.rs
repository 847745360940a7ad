//! Importing history: file -> lines -> the one reader of the tracking form -> the door's one transaction.

mod lines;
mod mapping;
mod records;
mod rejects;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use journeyman_domain::tracking::{self, Defaults, Door};
use journeyman_domain::{Event, Reject, ShopClock as _, ShopTime};
use journeyman_store::imports::{self, Advance};
use journeyman_store::ingest::{Outcome, Rejected, write_import};
use journeyman_store::{Limits, connect};
use tokio::sync::mpsc;

use self::lines::{Form, Line, Source};
pub(crate) use self::mapping::Mapping;
pub(crate) use self::rejects::Rejects;
use crate::SystemClock;
use crate::doorway::Database;

/// How many lines share a transaction.
const CHUNK: usize = 2_000;
/// How many chunks may be read ahead of the database.
const AHEAD: usize = 2;

/// What is to be imported, checked as far as the file's head allows.
pub(crate) struct Plan {
    source: Source,
    /// The source the events carry.
    name: String,
    mapping: Mapping,
    rejects: PathBuf,
}

/// What was imported.
pub(crate) struct Summary {
    /// Lines of the file read, by this run and earlier ones; a CSV's head is one.
    pub(crate) lines: u64,
    /// Events stored, by this run and earlier ones.
    pub(crate) accepted: u64,
    /// Lines that could not be events, by this run and earlier ones.
    pub(crate) rejected: u64,
    /// Lines read by this run.
    pub(crate) lines_now: u64,
    /// Whether the file's end had been reached before.
    pub(crate) finished_before: bool,
    /// How long this run took.
    pub(crate) seconds: f64,
    /// Where this run's rejects are, if there were any.
    pub(crate) rejects: Option<PathBuf>,
    digest: String,
}

impl Summary {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "file_sha256": self.digest,
            "lines": self.lines,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "lines_this_run": self.lines_now,
            "finished_before": self.finished_before,
            "seconds": self.seconds,
            "lines_per_second": self.lines_now as f64 / self.seconds.max(1e-9),
            "rejects": self.rejects,
        })
    }
}

/// A piece of the file, read.
struct Chunk {
    events: Vec<Event>,
    /// Line of each event, and its text for the rejects.
    lines: Vec<(u64, Vec<u8>)>,
    rejected: Vec<Rejected>,
    /// The last line in it.
    to: u64,
    /// How far in the file as it lies on disk, bytes.
    position: u64,
}

impl Plan {
    /// Opens the file and checks that the mapping fits its columns.
    ///
    /// # Errors
    /// When the file can't be read, or a column that is mapped is not in it.
    pub(crate) fn new(
        file: PathBuf,
        name: String,
        mapping: Mapping,
        delimiter: Option<char>,
        rejects: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let source = Source::new(file, delimiter)?;
        match &source.form {
            Form::Csv { .. } => mapping.fit(&source.columns()?)?,
            Form::Ndjson => mapping.must_be_empty()?,
        }
        let base = source.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let rejects = rejects.unwrap_or_else(|| PathBuf::from(format!("{base}.rejects.csv")));
        Ok(Self { source, name, mapping, rejects })
    }
}

/// Imports what of the file is still to be read.
///
/// # Errors
/// When the file was imported with another mapping, another process imports it, or the database fails; what was
/// committed until then stays, and the next run goes on from there.
pub(crate) async fn run(database: &Database, plan: Plan) -> anyhow::Result<Summary> {
    let began = Instant::now();
    let bar = bar(plan.source.bytes()?);
    bar.set_message("reading the file");
    let stamped = stamp(&plan.source.path)?;
    let digest = {
        let (source, bar) = (plan.source.clone(), bar.clone());
        tokio::task::spawn_blocking(move || source.digest(&bar)).await??
    };
    let path = plan.source.path.clone();
    let settings = plan.mapping.settings();
    let start = SystemClock.now();
    let before = imports::start(&database.pool, &plan.name, digest, &settings, start).await?;
    if before.settings != settings {
        anyhow::bail!(
            "{} was imported before under source {} with other settings ({}); to import it as something else, \
             name another --source",
            plan.source.path.display(),
            plan.name,
            if before.settings.is_empty() { "none" } else { &before.settings }
        );
    }
    let mut summary = Summary {
        lines: before.lines_done,
        accepted: before.accepted,
        rejected: before.rejected,
        lines_now: 0,
        finished_before: before.finished,
        seconds: 0.0,
        rejects: None,
        digest: digest.hex(),
    };
    if !before.finished {
        bar.set_position(0);
        bar.set_message("importing");
        let mut rejects = Rejects::new(plan.rejects.clone());
        // Commands read for minutes; the door's shorter statement limit is the right one here too.
        let pool = connect(&database.options, Limits { connections: 1, ..Limits::INGEST });
        let name = plan.name.clone();
        let (to_database, mut chunks) = mpsc::channel(AHEAD);
        let skip = before.lines_done;
        let reader = tokio::task::spawn_blocking(move || plan.read(digest, skip, &to_database));
        while let Some(chunk) = chunks.recv().await {
            let chunk: Chunk = chunk;
            let advance = Advance {
                source: name.clone(),
                digest,
                from: summary.lines,
                to: chunk.to,
                accepted: chunk.events.len() as u64,
                rejected: chunk.rejected.len() as u64,
            };
            // Before the commit: a run that is broken off in between writes a line twice, never not at all.
            for rejected in &chunk.rejected {
                rejects.add(u64::from(rejected.index), &rejected.reject, &rejected.body)?;
            }
            rejects.flush()?;
            let written = write_import(&pool, &chunk.events, &chunk.rejected, &advance).await?;
            let mut refused = 0;
            for (outcome, (line, text)) in written.outcomes.iter().zip(&chunk.lines) {
                if let Outcome::Refused(reject) = outcome {
                    rejects.add(*line, reject, text)?;
                    refused += 1;
                }
            }
            rejects.flush()?;
            summary.lines_now += chunk.to - summary.lines;
            summary.lines = chunk.to;
            summary.accepted += advance.accepted - refused;
            summary.rejected += advance.rejected + refused;
            bar.set_position(chunk.position);
            let rate = summary.lines_now as f64 / began.elapsed().as_secs_f64();
            bar.set_message(format!("{} events, {rate:.0} lines/s", summary.accepted));
        }
        reader.await??;
        if stamp(&path)? != stamped {
            anyhow::bail!(
                "{} has changed while it was read; import the file as it is now under another --source",
                path.display()
            );
        }
        imports::finish(&database.pool, &name, digest, summary.lines, SystemClock.now()).await?;
        summary.rejects = rejects.close();
    }
    bar.finish_and_clear();
    summary.seconds = began.elapsed().as_secs_f64();
    Ok(summary)
}

/// A line of a file, read.
pub(crate) struct Read<'a> {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// What became of it.
    pub(crate) event: Result<Event, Reject>,
    /// When it was read.
    pub(crate) received_at: ShopTime,
    /// How far in the file as it lies on disk, bytes.
    pub(crate) position: u64,
    line: &'a Line,
}

impl Read<'_> {
    /// The line as it goes into the rejects.
    pub(crate) fn text(&self) -> Vec<u8> {
        self.line.text()
    }
}

impl Plan {
    /// The size of the file as it lies on disk, bytes.
    pub(crate) fn bytes(&self) -> anyhow::Result<u64> {
        self.source.bytes()
    }

    /// Hands the lines after `skip`, each read as a historical event, to `take` until it answers `false`. `digest` is what
    /// the events' ids are made of.
    pub(crate) fn each(
        &self,
        digest: journeyman_domain::FileDigest,
        skip: u64,
        mut take: impl FnMut(Read<'_>) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let mut lines = self.source.lines()?;
        let columns = lines.columns().map(|columns| self.mapping.bind(columns));
        loop {
            let Some((number, line)) =
                lines.next(skip).with_context(|| self.source.path.display().to_string())?
            else {
                return Ok(());
            };
            let id = digest.line_id(number);
            let door = Door {
                write_key: &self.name,
                source: &self.name,
                received_at: SystemClock.now(),
                index: line_index(number),
                message_id: Some(&id),
                historical: true,
            };
            let event = match &line {
                Line::Broken { reject, .. } => Err(reject.clone()),
                Line::Json(json) => read_line(json, &door),
                Line::Record(record) => match &columns {
                    Some(columns) => columns.message(record).and_then(|json| read_line(&json, &door)),
                    None => read_line("", &door),
                },
            };
            let (position, received_at) = (lines.position(), door.received_at);
            if !take(Read { number, event, received_at, position, line: &line })? {
                return Ok(());
            }
        }
    }

    /// Reads the lines after `skip` and hands them on in chunks; ends early when nobody takes them any more.
    fn read(
        &self,
        digest: journeyman_domain::FileDigest,
        skip: u64,
        to_database: &mpsc::Sender<Chunk>,
    ) -> anyhow::Result<()> {
        let mut chunk = Chunk::empty();
        self.each(digest, skip, |read| {
            chunk.add(read, &self.name);
            if chunk.events.len() + chunk.rejected.len() < CHUNK {
                return Ok(true);
            }
            Ok(to_database.blocking_send(std::mem::replace(&mut chunk, Chunk::empty())).is_ok())
        })?;
        if chunk.to > 0 {
            // Refused only when the writer has failed, which its own error tells.
            let _ = to_database.blocking_send(chunk);
        }
        Ok(())
    }
}

/// A line's number as events carry it.
fn line_index(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// By which a file that was written to is told.
fn stamp(path: &std::path::Path) -> anyhow::Result<(u64, std::time::SystemTime)> {
    let metadata = std::fs::metadata(path).with_context(|| path.display().to_string())?;
    Ok((metadata.len(), metadata.modified()?))
}

fn read_line(json: &str, door: &Door<'_>) -> Result<Event, Reject> {
    // A line's id is always given, so none is ever drawn.
    tracking::read(json, &Defaults::default(), door, || 0)
}

impl Chunk {
    fn empty() -> Self {
        Self { events: Vec::new(), lines: Vec::new(), rejected: Vec::new(), to: 0, position: 0 }
    }

    fn add(&mut self, read: Read<'_>, source: &str) {
        (self.to, self.position) = (read.number, read.position);
        let text = read.text();
        match read.event {
            Ok(event) => {
                self.events.push(event);
                self.lines.push((read.number, text));
            }
            Err(reject) => self.rejected.push(Rejected {
                received_at: read.received_at,
                source: source.to_owned(),
                index: line_index(read.number),
                reject,
                body: text,
            }),
        }
    }
}

/// How far in a file reading is.
pub(crate) fn bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg}\n{wide_bar} {bytes}/{total_bytes} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style)
}

#[cfg(test)]
mod tests;
