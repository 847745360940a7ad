//! `--csv`: everything that happens to everybody.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use journeyman_sim::backtest::{Line, Message, What};

const COLUMNS: [&str; 11] =
    ["person", "at", "what", "journey", "run", "step", "channel", "template", "key", "reason", "value"];

/// The file.
pub(super) struct People {
    path: PathBuf,
    file: csv::Writer<File>,
}

/// What of a line stands in which column.
#[derive(Default)]
pub(in crate::commands) struct Row<'a> {
    pub(in crate::commands) what: &'static str,
    pub(in crate::commands) journey: &'a str,
    pub(in crate::commands) run: Option<u32>,
    pub(in crate::commands) step: &'a str,
    pub(in crate::commands) channel: &'a str,
    pub(in crate::commands) template: &'a str,
    pub(in crate::commands) key: &'a str,
    pub(in crate::commands) reason: &'a str,
    pub(in crate::commands) value: Option<f64>,
}

impl People {
    /// Makes the file, or empties it.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let can_t = || format!("can't write {}", path.display());
        let mut file = csv::Writer::from_writer(File::create(path).with_context(can_t)?);
        file.write_record(COLUMNS).with_context(can_t)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Adds what happened to some people, a line each.
    pub(super) fn add(&mut self, people: &[(String, Vec<Line>)]) -> anyhow::Result<()> {
        for (person, lines) in people {
            for line in lines {
                self.line(person, line).with_context(|| format!("can't write {}", self.path.display()))?;
            }
        }
        Ok(())
    }

    fn line(&mut self, person: &str, line: &Line) -> Result<(), csv::Error> {
        let row = row(&line.what);
        self.file.write_record([
            person,
            &line.at.to_string(),
            row.what,
            row.journey,
            &row.run.map(|run| run.to_string()).unwrap_or_default(),
            row.step,
            row.channel,
            row.template,
            row.key,
            row.reason,
            &row.value.map(|value| value.to_string()).unwrap_or_default(),
        ])
    }

    /// Writes out what is left.
    pub(super) fn close(mut self) -> anyhow::Result<()> {
        self.file.flush().with_context(|| format!("can't write {}", self.path.display()))
    }
}

/// A line's columns.
pub(in crate::commands) fn row(what: &What) -> Row<'_> {
    match what {
        What::Entered { journey, run, key, held_out } => Row {
            what: if *held_out { "held_out" } else { "entered" },
            journey,
            run: Some(*run),
            key: key.as_deref().unwrap_or(""),
            ..Row::default()
        },
        What::Sent(message) => of_message("sent", message),
        What::Withheld(message) => of_message("withheld", message),
        What::CalledOff(message) => of_message("called_off", message),
        What::NotSent { journey, step, reason } => {
            Row { what: "not_sent", journey, step, reason: reason.code(), ..Row::default() }
        }
        What::Refused { journey, reason } => {
            Row { what: "refused", journey, reason: reason.code(), ..Row::default() }
        }
        What::LeftOut { of, reason } => {
            Row { what: "left_out", key: of, reason: reason.code(), ..Row::default() }
        }
        What::Goal { journey, run, value, .. } => {
            Row { what: "goal", journey, run: Some(*run), value: *value, ..Row::default() }
        }
        What::Ended { journey, run, reason } => {
            Row { what: "ended", journey, run: Some(*run), reason, ..Row::default() }
        }
        What::UnderWay { journey, run, step } => {
            Row { what: "under_way", journey, run: Some(*run), step, ..Row::default() }
        }
        What::Parked { reason } => Row { what: "parked", reason, ..Row::default() },
    }
}

fn of_message<'a>(what: &'static str, message: &'a Message) -> Row<'a> {
    Row {
        what,
        journey: &message.journey,
        run: Some(message.run),
        step: &message.step,
        channel: message.channel.name(),
        template: &message.template,
        ..Row::default()
    }
}
