//! `journeyman learn send-time`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use flate2::read::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use journeyman_domain::ShopTime;
use journeyman_learn::send_time::{self, Curves, LEAST_EVENTS, Score, TRAINED};
use serde_json::json;

use crate::diagnostics;

/// Say how much later activity a learned send time meets
///
/// The first 70% of each person's events choose an hour of the week for them, and one for everyone; the rest tells which share
/// of it came within two hours after that hour began, as the mean over people with 6 events or more. `oracle` is the hour that
/// proves best: nothing can be better.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman learn send-time --events events.csv --person visitor --time ts_ms\n  \
    journeyman learn send-time --events orders.csv.gz --person 2 --time 1 --zone Europe/London --json\n\n\
    Columns are named by the header, or counted from 1 where the file has none. Times are\n\
    seconds, milliseconds or microseconds since 1970, or such as 2026-01-05T10:00:00Z;\n\
    without an offset they are clock times of --zone."
)]
pub(super) struct SendTime {
    /// A CSV file, perhaps gzipped: a line for each event
    #[arg(long, value_name = "FILE")]
    events: PathBuf,
    /// The column that says whose it is
    #[arg(long, value_name = "COLUMN")]
    person: String,
    /// The column that says when it happened
    #[arg(long, value_name = "COLUMN")]
    time: String,
    /// On whose clock hours are counted
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What a file holds.
struct Found {
    people: BTreeMap<String, Vec<ShopTime>>,
    events: usize,
    /// Lines that say nothing of a person or a moment: how many, and the first with why.
    left_out: (usize, Option<String>),
}

impl SendTime {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let zone = TimeZone::get(&self.zone).with_context(|| {
            format!("--zone: there is no zone {}; write one such as Europe/Berlin", self.zone)
        })?;
        let found = read(&self.events, (&self.person, &self.time), &zone)?;
        let moments: Vec<_> = found.people.values().map(|moments| (moments.clone(), zone.clone())).collect();
        let Some((curves, score)) = send_time::evaluate(&moments) else {
            bail!(
                "{}: none of {} people has {LEAST_EVENTS} events, of which the first {:.0}% are learned from",
                self.events.display(),
                found.people.len(),
                TRAINED * 100.0
            );
        };
        let told = if self.json { found.json(&score) } else { found.text(&curves, &score, &self.zone) };
        diagnostics::print(&told);
        Ok(())
    }
}

impl Found {
    fn json(&self, score: &Score) -> String {
        let told = json!({
            "everyone": score.everyone,
            "personal": score.personal,
            "oracle": score.oracle,
            "chance": score.chance,
            "people": score.people,
            "later_events": score.later,
            "events": self.events,
            "left_out": self.left_out.0,
        });
        format!("{told}\n")
    }

    fn text(&self, curves: &Curves, score: &Score, zone: &str) -> String {
        let line =
            |who: &str, share: f64, said: &str| format!("  {who:<10}{:>7.2}%  {said}\n", share * 100.0);
        let mut told = format!(
            "{} events of {} people; {} people have {LEAST_EVENTS} or more. Of their {} later events, this share came\n\
             within {} h after the hour that was chosen (mean over people, hours of the week in {zone}):\n\n",
            self.events,
            self.people.len(),
            score.people,
            score.later,
            send_time::REACH_HOURS,
        );
        told += &line("oracle", score.oracle, "each their best hour, known only afterwards");
        told += &line("personal", score.personal, "each an hour by what they did before");
        let best = curves.anybody().best();
        told += &line("everyone", score.everyone, &format!("one hour for all: {best}"));
        told += &line("chance", score.chance, "any hour");
        if let (count, Some(first)) = &self.left_out {
            told += &format!("\nleft out: {count} lines, the first {first}\n");
        }
        told
    }
}

/// Reads a file.
fn read(path: &Path, (person, time): (&str, &str), zone: &TimeZone) -> anyhow::Result<Found> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("--events: can't open {shown}"))?;
    // Drawn on a terminal only.
    let bar = ProgressBar::new(file.metadata().map_or(0, |about| about.len())).with_style(style()?);
    let file = bar.wrap_read(file);
    let zipped = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
    let mut bytes: Box<dyn Read> = if zipped { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut begin = Vec::new();
    bytes.by_ref().take(64 * 1024).read_to_end(&mut begin).with_context(|| format!("can't read {shown}"))?;
    let numbered = person.parse::<usize>().is_ok() && time.parse::<usize>().is_ok();
    let delimiter = delimiter(&begin);
    let mut lines = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .from_reader(std::io::Cursor::new(begin).chain(bytes));
    let mut columns = None;
    let mut found = Found { people: BTreeMap::new(), events: 0, left_out: (0, None) };
    let mut record = csv::StringRecord::new();
    while lines.read_record(&mut record).with_context(|| format!("{shown} is no CSV in UTF-8"))? {
        let Some((who, when)) = columns else {
            columns = Some((column(&record, person, "--person")?, column(&record, time, "--time")?));
            if numbered {
                found.line(&record, columns.unwrap_or_default(), zone);
            }
            continue;
        };
        found.line(&record, (who, when), zone);
    }
    bar.finish_and_clear();
    if found.events == 0 {
        let why = found.left_out.1.map_or(String::new(), |first| format!(": the first is {first}"));
        bail!("{shown}: no line of it says who did something and when{why}");
    }
    Ok(found)
}

fn style() -> anyhow::Result<ProgressStyle> {
    Ok(ProgressStyle::with_template("reading {bar:40} {bytes} of {total_bytes}, {eta} left")?)
}

impl Found {
    fn line(&mut self, record: &csv::StringRecord, (who, when): (usize, usize), zone: &TimeZone) {
        let person = record.get(who).map(str::trim).filter(|person| !person.is_empty());
        let time = record.get(when).map(str::trim).filter(|time| !time.is_empty());
        let read = match (person, time) {
            (None, _) => Err("nobody's".to_owned()),
            (_, None) => Err("without a time".to_owned()),
            (Some(person), Some(time)) => {
                let at = moment(time, zone).ok_or_else(|| {
                    let shown: String = time.chars().take(40).collect();
                    format!("no moment: `{shown}`")
                });
                at.map(|at| (person, at))
            }
        };
        match read {
            Ok((person, at)) => {
                self.events += 1;
                match self.people.get_mut(person) {
                    Some(moments) => moments.push(at),
                    None => {
                        self.people.insert(person.to_owned(), vec![at]);
                    }
                }
            }
            Err(why) => {
                self.left_out.0 += 1;
                let line = record.position().map_or(0, csv::Position::line);
                self.left_out.1.get_or_insert_with(|| format!("line {line}: {why}"));
            }
        }
    }
}

/// What stands most often in the first line.
fn delimiter(begin: &[u8]) -> u8 {
    let first = begin.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |of: u8| first.iter().filter(|byte| **byte == of).count();
    [b',', b';', b'\t', b'|'].into_iter().rev().max_by_key(|of| count(*of)).unwrap_or(b',')
}

/// The place of a column: by its name in the header, else counted from 1.
fn column(header: &csv::StringRecord, name: &str, option: &str) -> anyhow::Result<usize> {
    let bare = |name: &str| name.trim().trim_start_matches('\u{feff}').to_owned();
    if let Some(place) = header.iter().position(|known| bare(known) == name) {
        return Ok(place);
    }
    if let Ok(number) = name.parse::<usize>()
        && (1..=header.len()).contains(&number)
    {
        return Ok(number - 1);
    }
    let known: Vec<String> = header.iter().map(bare).collect();
    bail!("{option}: there is no column {name}; there are: {}", known.join(", "))
}

/// A moment as files have it.
fn moment(text: &str, zone: &TimeZone) -> Option<ShopTime> {
    if let Ok(number) = text.parse::<i64>() {
        return match number.unsigned_abs() {
            0..100_000_000_000 => ShopTime::from_millisecond(number.checked_mul(1000)?),
            100_000_000_000..100_000_000_000_000 => ShopTime::from_millisecond(number),
            _ => ShopTime::from_microsecond(number),
        };
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(ShopTime::new(at));
    }
    let civil = text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok()?;
    Some(ShopTime::new(civil.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_files_have_them() {
        let zone = TimeZone::get("Europe/London").unwrap();
        let check = |text: &str, expected: Option<&str>| {
            let at = moment(text, &zone).map(|at| at.to_string());
            assert_eq!(at.as_deref(), expected, "{text}");
        };
        check("1430636062", Some("2015-05-03T06:54:22Z"));
        check("1430636062541", Some("2015-05-03T06:54:22.541Z"));
        check("1430636062541000", Some("2015-05-03T06:54:22.541Z"));
        check("2015-05-03T06:54:22+02:00", Some("2015-05-03T04:54:22Z"));
        check("2010-12-01 08:26:00", Some("2010-12-01T08:26:00Z"));
        check("2011-06-01T08:26", Some("2011-06-01T07:26:00Z"));
        check("yesterday", None);
    }

    #[test]
    fn columns_by_name_and_by_number() {
        let header = csv::StringRecord::from(vec!["\u{feff}t", " customer "]);
        let check = |name: &str| column(&header, name, "--person").map_err(|error| error.to_string());
        assert_eq!((check("t"), check("customer"), check("2")), (Ok(0), Ok(1), Ok(1)));
        assert_eq!(check("who"), Err("--person: there is no column who; there are: t, customer".to_owned()));
        assert!(check("3").is_err() && check("0").is_err());
        assert_eq!([&b"a,b;c,d\n;;;;"[..], b"a\tb", b""].map(delimiter), [b',', b'\t', b',']);
    }
}
