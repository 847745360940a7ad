//! What a backtest says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::HumanCount;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use journeyman_domain::plan::Channel;
use journeyman_domain::{Refused, ShopTime};
use journeyman_sim::backtest::{Days, JourneyTally};
use journeyman_store::catalog::Extent;
use serde_json::{Map, Value, json};

use super::feed::Rejected;
use super::goods::Goods;
use super::work::Came;
use crate::commands::{cut, minute};

/// How many marks a row of days has at most.
const MARKS: i64 = 50;
/// How wide a journey's name may be.
const NAME: usize = 26;

/// What is taken for granted: said with every result.
const ASSUMED: [&str; 8] = [
    "a message counts as accepted by its channel in the moment it would have left",
    "nobody reacts to what is only sent here: opens, clicks and bounces count as recorded",
    "an imported event arrived when it happened, a live one when it was received",
    "people who were merged are one from their first event on",
    "suppressions outside the recorded events, and what a channel can send at once, are not looked at",
    "runs that began before the window, by the journeys of that time, are not under way",
    "a product is as it was known at that moment; before anything was known of it, as it was first",
    "nothing is learned: `best_of` is drawn evenly, `at: best` is the first hour that is free",
];

/// Everything there is to say.
pub(super) struct Report {
    /// Journeys that are live, by name.
    pub(super) names: Vec<Arc<str>>,
    /// Journeys that start nothing: drafts and archived ones.
    pub(super) idle: Vec<Arc<str>>,
    /// The shop's zone, whose days these are.
    pub(super) zone: TimeZone,
    /// The shop's currency.
    pub(super) currency: String,
    /// Where the window begins; `None` where nothing is recorded.
    pub(super) from: Option<ShopTime>,
    /// Its last moment.
    pub(super) until: ShopTime,
    /// `file` or `database`.
    pub(super) source: &'static str,
    /// Events that are there and were not applied to anybody.
    pub(super) unread: u64,
    /// Lines that could not be events.
    pub(super) rejected: Rejected,
    /// Whether any journey asks of products or is begun by news of them.
    pub(super) asks_of_products: bool,
    /// The catalog that was asked.
    pub(super) goods: Arc<Goods>,
    /// What came of it.
    pub(super) came: Came,
    /// How long reading took; of a database, counting.
    pub(super) read: Duration,
    /// How long the rest took.
    pub(super) lived: Duration,
}

/// Counts as a JSON object.
fn counts<K>(counts: &BTreeMap<K, u64>, name: impl Fn(&K) -> String) -> Value {
    Value::Object(counts.iter().map(|(key, count)| (name(key), Value::from(*count))).collect())
}

fn channels(of: &BTreeMap<Channel, u64>) -> Value {
    counts(of, |channel| channel.name().to_owned())
}

/// Counts in a line of text.
pub(in crate::commands) fn listed<K>(counts: &BTreeMap<K, u64>, name: impl Fn(&K) -> String) -> String {
    let each = counts.iter().map(|(key, count)| format!("{} {}", name(key), HumanCount(*count)));
    each.collect::<Vec<_>>().join(", ")
}

impl Report {
    fn journeys(&self) -> impl Iterator<Item = (&Arc<str>, JourneyTally)> {
        let of = |name| self.came.tally.journeys.get(name).cloned().unwrap_or_default();
        self.names.iter().map(move |name| (name, of(name)))
    }

    fn rate(&self) -> f64 {
        self.came.events as f64 / (self.read + self.lived).as_secs_f64().max(1e-9)
    }

    /// As one JSON object.
    pub(super) fn json(&self) -> Value {
        let tally = &self.came.tally;
        let others = tally
            .others
            .iter()
            .map(|((of, reason), count)| json!({ "of": of, "reason": reason.code(), "count": count }));
        let journeys: Map<String, Value> =
            self.journeys().map(|(name, of)| (name.to_string(), journey(&of))).collect();
        json!({
            "source": self.source,
            "events": self.came.events,
            "events_unread": self.unread,
            "lines_rejected": counts(&self.rejected.reasons, |reason| (*reason).to_owned()),
            "people": self.came.people,
            "from": self.from.map(|at| at.to_string()),
            "until": self.until.to_string(),
            "zone": self.zone.iana_name(),
            "currency": self.currency,
            "catalog": self.catalog_json(),
            "journeys": journeys,
            "not_live": self.idle,
            "left_out": others.collect::<Vec<_>>(),
            "parked": counts(&tally.parked, |reason| (*reason).to_owned()),
            "assumed": ASSUMED,
            "read_s": self.read.as_secs_f64(),
            "lived_s": self.lived.as_secs_f64(),
            "events_per_second": self.rate(),
        })
    }

    fn catalog_json(&self) -> Value {
        json!({
            "products": self.goods.extent.products,
            "versions": self.goods.extent.versions,
            "since": self.goods.extent.since.map(|at| at.to_string()),
            "tellings": self.goods.tellings(),
            "lines_rejected": self.goods.rejected,
        })
    }

    fn catalog(&self, text: &mut String) -> std::fmt::Result {
        if let Some((line, what)) = &self.goods.first_rejected {
            writeln!(text, "lines of the catalog that are no items: {}", HumanCount(self.goods.rejected))?;
            writeln!(text, "  {}", cut(&format!("line {line}: {what}"), 98))?;
        }
        if !self.asks_of_products {
            return Ok(());
        }
        if self.goods.is_empty() {
            return writeln!(
                text,
                "the catalog is empty: `.product` is missing, and of no price and no stock is there news"
            );
        }
        let Extent { products, versions, since } = self.goods.extent;
        write!(text, "catalog: {} products, {} versions", HumanCount(products), HumanCount(versions))?;
        match since {
            Some(since) => writeln!(text, ", known since {}", minute(since)),
            None => writeln!(text, ", without their moments"),
        }
    }

    /// For people, at most 100 columns.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        self.head(text)?;
        table(text, self.journeys().map(|(name, of)| (name.clone(), of)))?;
        self.sections(text)?;
        self.days(text)?;
        writeln!(text, "\ntaken for granted:")?;
        for assumed in ASSUMED {
            writeln!(text, "  - {assumed}")?;
        }
        writeln!(
            text,
            "\nread in {:.1} s, lived in {:.1} s: {} events/s",
            self.read.as_secs_f64(),
            self.lived.as_secs_f64(),
            HumanCount(self.rate() as u64)
        )
    }

    fn head(&self, text: &mut String) -> std::fmt::Result {
        let (events, people) = (HumanCount(self.came.events), HumanCount(self.came.people));
        match self.from.filter(|_| self.came.events > 0) {
            Some(from) => {
                writeln!(
                    text,
                    "{events} events of {people} people, {} to {}",
                    minute(from),
                    minute(self.until)
                )?;
            }
            None => writeln!(text, "no event is recorded there, up to the end of the window")?,
        }
        if let Some((line, what)) = &self.rejected.first {
            let reasons = listed(&self.rejected.reasons, |reason| (*reason).to_owned());
            writeln!(text, "{}", cut(&format!("lines that are no events: {reasons}"), 100))?;
            writeln!(text, "  {}", cut(&format!("line {line}: {what}"), 98))?;
        }
        if let Some(file) = &self.rejected.file {
            writeln!(text, "  all of them are in {}", file.display())?;
        }
        if self.unread > 0 {
            let unread = HumanCount(self.unread);
            writeln!(
                text,
                "{unread} events were not read: of nobody, or of a kind this version does not know"
            )?;
        }
        self.catalog(text)?;
        for name in &self.idle {
            writeln!(text, "{} is not live: it starts nothing here, as in the daemon", cut(name, 40))?;
        }
        Ok(())
    }

    fn sections(&self, text: &mut String) -> std::fmt::Result {
        let (mut sent, mut ended, mut goals, mut refused, mut not_sent) =
            (String::new(), String::new(), String::new(), String::new(), String::new());
        for (name, of) in self.journeys() {
            let (name, step_of) = (cut(name, NAME), |step: &str| cut(&format!("{name}/{step}"), 40));
            if !of.sent.is_empty() {
                let by_channel = listed(&of.sent, |channel| channel.name().to_owned());
                writeln!(sent, "  {name:<40}  {}", cut(&by_channel, 56))?;
            }
            for (step, count) in &of.sent_at {
                writeln!(sent, "  {:<40} {:>9}", step_of(step), HumanCount(*count).to_string())?;
            }
            if !of.ended.is_empty() {
                let why = listed(&of.ended, ToString::to_string);
                writeln!(ended, "  {name:<NAME$}  {}", cut(&why, 70))?;
            }
            if of.goals + of.goals_held_out > 0 {
                let (spoken, held) = (HumanCount(of.goals), HumanCount(of.goals_held_out));
                let mut line = format!("  {name:<NAME$}  {spoken} of those spoken to");
                if of.goal_value != 0.0 {
                    let _ = write!(line, ", worth {:.2} {}", of.goal_value, self.currency);
                }
                if of.held_out > 0 {
                    let _ = write!(line, "; {held} of those held out");
                }
                writeln!(goals, "{line}")?;
            }
            for (reason, count) in &of.refused {
                writeln!(refused, "{}", reason_line(&name, *reason, *count))?;
            }
            for ((step, reason), count) in &of.not_sent {
                writeln!(not_sent, "{}", reason_line(&step_of(step), *reason, *count))?;
            }
        }
        let mut others = String::new();
        for ((of, reason), count) in &self.came.tally.others {
            let of = if of.is_empty() { "of the person" } else { of };
            writeln!(others, "{}", reason_line(of, *reason, *count))?;
        }
        for (reason, count) in &self.came.tally.parked {
            writeln!(others, "  could not be applied: {reason}, {}", HumanCount(*count))?;
        }
        for (title, section) in [
            ("sent, by channel and step", sent),
            ("goals", goals),
            ("runs that are over", ended),
            ("matched and began nothing", refused),
            ("reached and not sent", not_sent),
            ("left out", others),
        ] {
            if !section.is_empty() {
                write!(text, "\n{title}\n{section}")?;
            }
        }
        self.reasons(text)
    }

    /// What the reasons that were named mean.
    fn reasons(&self, text: &mut String) -> std::fmt::Result {
        let tally = &self.came.tally;
        let of_journeys = tally.journeys.values().flat_map(|of| {
            let of_messages = of.not_sent.keys().map(|(_, reason)| reason);
            of.refused.keys().chain(of_messages)
        });
        let named: BTreeSet<Refused> =
            of_journeys.chain(tally.others.keys().map(|(_, reason)| reason)).copied().collect();
        if !named.is_empty() {
            writeln!(text, "\nwhy")?;
        }
        for reason in named {
            writeln!(text, "  {:<16}  {}", reason.code(), cut(reason.meaning(), 80))?;
        }
        Ok(())
    }

    /// Two rows of marks for each journey.
    fn days(&self, text: &mut String) -> std::fmt::Result {
        let Some(from) = self.from.filter(|_| self.came.events > 0) else { return Ok(()) };
        let day = |at: ShopTime| at.timestamp().to_zoned(self.zone.clone()).date();
        let (first, last) = (day(from), day(self.until));
        let each = each_mark(first, last);
        let unit = if each == 1 { "a day".to_owned() } else { format!("{each} days") };
        writeln!(text, "\nby day, {first} to {last}; a mark is {unit}")?;
        for (name, of) in self.journeys().filter(|(_, of)| !of.days.is_empty()) {
            writeln!(text, "  {name}")?;
            let entered = |(entered, _): &(u64, BTreeMap<Channel, u64>)| *entered;
            writeln!(text, "    entered  {}", marks(&of.days, entered, first, last))?;
            for channel in of.sent.keys() {
                let sent =
                    |(_, sent): &(u64, BTreeMap<Channel, u64>)| sent.get(channel).copied().unwrap_or(0);
                writeln!(text, "    {:<8} {}", channel.name(), marks(&of.days, sent, first, last))?;
            }
        }
        Ok(())
    }
}

/// A row for each journey.
pub(in crate::commands) fn table(
    text: &mut String,
    journeys: impl Iterator<Item = (Arc<str>, JourneyTally)>,
) -> std::fmt::Result {
    let columns = ["entered", "held out", "sent", "withheld", "not sent", "goals", "under way"];
    write!(text, "\n{:<NAME$}", "journey")?;
    for column in columns {
        write!(text, " {column:>9}")?;
    }
    writeln!(text)?;
    for (name, of) in journeys {
        write!(text, "{:<NAME$}", cut(&name, NAME))?;
        let cells = [
            of.entered,
            of.held_out,
            of.sent.values().sum(),
            of.withheld.values().sum(),
            of.not_sent.values().sum(),
            of.goals,
            of.under_way,
        ];
        for cell in cells {
            write!(text, " {:>9}", HumanCount(cell).to_string())?;
        }
        writeln!(text)?;
    }
    Ok(())
}

pub(in crate::commands) fn reason_line(of: &str, reason: Refused, count: u64) -> String {
    format!("  {:<40} {:>9}  {}", cut(of, 40), HumanCount(count).to_string(), reason.code())
}

/// What happened in a journey, as a JSON object.
pub(in crate::commands) fn journey(of: &JourneyTally) -> Value {
    let not_sent = of
        .not_sent
        .iter()
        .map(|((step, reason), count)| json!({ "step": step, "reason": reason.code(), "count": count }));
    let days: Map<String, Value> = of
        .days
        .iter()
        .map(|(day, (entered, sent))| {
            (day.to_string(), json!({ "entered": entered, "sent": channels(sent) }))
        })
        .collect();
    let hours: Map<String, Value> =
        of.hours.iter().map(|(channel, hours)| (channel.name().to_owned(), json!(hours))).collect();
    json!({
        "entered": of.entered,
        "held_out": of.held_out,
        "refused": counts(&of.refused, |reason| reason.code().to_owned()),
        "sent": channels(&of.sent),
        "sent_by_step": counts(&of.sent_at, ToString::to_string),
        "withheld": channels(&of.withheld),
        "called_off": of.called_off,
        "not_sent": not_sent.collect::<Vec<_>>(),
        "ended": counts(&of.ended, ToString::to_string),
        "under_way": of.under_way,
        "goals": of.goals,
        "goals_held_out": of.goals_held_out,
        "goal_value": of.goal_value,
        "days": days,
        "sent_by_hour": hours,
    })
}

/// How many days a mark stands for.
fn each_mark(first: Date, last: Date) -> i64 {
    let days = i64::from(first.until(last).map_or(0, |span| span.get_days())) + 1;
    (days.max(1) + MARKS - 1) / MARKS
}

/// A mark for every so many days: how much it was beside the most.
fn marks(days: &Days, of: impl Fn(&(u64, BTreeMap<Channel, u64>)) -> u64, first: Date, last: Date) -> String {
    let each = each_mark(first, last);
    let mut sums = Vec::new();
    let mut from = first;
    while from <= last {
        let to = from.saturating_add(each.days());
        sums.push(days.range(from..to.max(from)).map(|(_, day)| of(day)).sum::<u64>());
        if to <= from {
            break;
        }
        from = to;
    }
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    format!("{}  at most {}", drawn(&sums, most), HumanCount(most))
}

/// Counts as a row of marks, beside the most that one may be.
pub(in crate::commands) fn drawn(counts: &[u64], most: u64) -> String {
    let mark = |count: &u64| match count {
        0 => '·',
        count => ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
            .get(usize::try_from((count * 8).div_ceil(most.max(1)).saturating_sub(1)).unwrap_or(7))
            .copied()
            .unwrap_or('█'),
    };
    counts.iter().map(mark).collect()
}
