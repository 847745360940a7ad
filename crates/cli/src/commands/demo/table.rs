//! The outcome for people, 100 columns wide at most.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use journeyman_domain::plan::Channel;
use journeyman_journey::graph::thousands;

use super::interval::{Share, difference};
use super::outcome::{Journey, Messages, Outcome};

/// The longest name of a journey that is shown whole.
const NAME: usize = 20;
/// How many reasons are shown.
const REASONS: usize = 12;

/// The whole of it.
pub(super) fn drawn(outcome: &Outcome, days: u32, users: u32, seed: u64, wall: Duration) -> String {
    let drawn = padded(outcome, days, users, seed, wall);
    drawn.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

fn padded(outcome: &Outcome, days: u32, users: u32, seed: u64, wall: Duration) -> String {
    let totals = &outcome.totals;
    let mut out = String::new();
    let took = wall.as_secs_f64();
    let _ = writeln!(
        out,
        "{days} {}, {} shoppers, seed {seed}: lived in {took:.0} s\n",
        if days == 1 { "day" } else { "days" },
        thousands(u64::from(users))
    );
    let _ = writeln!(
        out,
        " {} events accepted, {} processed; {} people",
        thousands(outcome.accepted),
        thousands(totals.applied.unsigned_abs()),
        thousands(totals.people.unsigned_abs())
    );
    let _ = writeln!(
        out,
        " {} runs, of which {} reached their goal",
        thousands(outcome.sum(Journey::entered)),
        thousands(outcome.sum(Journey::reached))
    );
    let _ = writeln!(
        out,
        " {} messages: {} opened, {} clicked, {} unsubscribed\n",
        thousands(outcome.sum(Journey::messages)),
        thousands(outcome.sum(Journey::opened)),
        thousands(outcome.sum(Journey::clicked)),
        thousands(outcome.unsubscribed)
    );
    let _ = writeln!(out, "{}\n", journeys(outcome));
    if let Some(table) = holdouts(outcome) {
        let _ = writeln!(out, "{table}");
        let left_out = outcome.sum(|journey| journey.mixed.of);
        if left_out > 0 {
            let _ = writeln!(out, " left out: {} runs of people who may have been both", thousands(left_out));
        }
        out.push('\n');
    }
    if let Some(table) = refusals(outcome) {
        let _ = writeln!(out, "{table}\n");
    }
    let found = &outcome.found;
    let _ = writeln!(
        out,
        " {} duplicates, {} lost (counted from tables and arrivals)",
        found.duplicates, found.lost
    );
    for said in &found.said {
        let _ = writeln!(out, "   {said}");
    }
    out
}

pub(in crate::commands) fn table<const N: usize>(
    header: [&str; N],
    numbers: std::ops::Range<usize>,
) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    for nth in numbers {
        if let Some(column) = table.column_mut(nth) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn journeys(outcome: &Outcome) -> Table {
    let mut table =
        table(["journey", "channel", "entered", "sent", "opened", "clicked", "goal reached"], 2..7);
    for (name, journey) in outcome.journeys.iter().filter(|(name, _)| !name.is_empty()) {
        let by: Vec<&str> = journey.by.keys().map(|channel: &Channel| channel.name()).collect();
        let lines = |line: &dyn Fn(&Messages) -> String| {
            let lines: Vec<String> = journey.by.values().map(line).collect();
            if lines.is_empty() { "0".to_owned() } else { lines.join("\n") }
        };
        table.add_row([
            cut(name),
            by.join("\n"),
            thousands(journey.entered()),
            lines(&|messages| thousands(messages.sent)),
            lines(&|messages| of(messages.opened, messages.sent)),
            lines(&|messages| of(messages.clicked, messages.sent)),
            of(journey.reached(), journey.entered()),
        ]);
    }
    table
}

fn holdouts(outcome: &Outcome) -> Option<Table> {
    let mut table = table(["goal reached by", "treated", "held out", "difference", "95 % interval"], 1..5);
    let rows = outcome.journeys.iter().filter_map(|(name, journey)| {
        let found = difference(journey.treated, journey.held_out)?;
        Some([
            cut(name),
            share(journey.treated),
            share(journey.held_out),
            format!("{:+.1} points", found.value * 100.0),
            format!("{:+.1} to {:+.1}", found.low * 100.0, found.high * 100.0),
        ])
    });
    let rows: Vec<_> = rows.collect();
    table.add_rows(rows.iter().cloned());
    (!rows.is_empty()).then_some(table)
}

/// Why something was not done, the most frequent first.
fn refusals(outcome: &Outcome) -> Option<Table> {
    let rows = outcome.journeys.iter().flat_map(|(name, journey)| {
        journey.refusals.iter().map(move |(reason, times)| (*times, name.as_str(), *reason))
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by(|a, b| (b.0, a.1, a.2).cmp(&(a.0, b.1, b.2)));
    let mut table = table(["not done", "times", "reason", "which means"], 1..2);
    for (times, name, reason) in rows.iter().take(REASONS) {
        let of = if name.is_empty() { "(the person)".to_owned() } else { cut(name) };
        let meaning = crate::commands::cut(reason.meaning(), 48);
        table.add_row([of, thousands(*times), reason.code().to_owned(), meaning]);
    }
    (!rows.is_empty()).then_some(table)
}

fn cut(name: &str) -> String {
    crate::commands::cut(name, NAME)
}

fn of(count: u64, all: u64) -> String {
    let share = Share { hits: count, of: all };
    share
        .value()
        .map_or_else(|| thousands(count), |value| format!("{} ({:.0} %)", thousands(count), value * 100.0))
}

fn share(share: Share) -> String {
    format!("{:.1} % of {}", share.value().unwrap_or_default() * 100.0, thousands(share.of))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use journeyman_domain::Refused;
    use journeyman_store::tally::Totals;

    use super::super::checker::Found;
    use super::*;

    #[test]
    fn it_fits_100_columns_however_much_there_is() {
        let journey = Journey {
            treated: Share { hits: 111_111, of: 777_777 },
            held_out: Share { hits: 11_111, of: 77_777 },
            mixed: Share { hits: 1, of: 22_222 },
            by: BTreeMap::from([
                (Channel::Email, Messages { sent: 888_888, opened: 555_555, clicked: 111_111 }),
                (Channel::Whatsapp, Messages { sent: 1_000, opened: 0, clicked: 10 }),
            ]),
            refusals: Refused::ALL.into_iter().map(|reason| (reason, 123_456)).collect(),
        };
        let journeys = BTreeMap::from([
            ("a-journey-with-a-name-that-goes-on".to_owned(), journey),
            (
                String::new(),
                Journey { refusals: BTreeMap::from([(Refused::BadZone, 1)]), ..Journey::default() },
            ),
        ]);
        let totals =
            Totals { events: 9_999_999, applied: 9_999_999, people: 9_999_999, rejected: 0, parked: 0 };
        let found =
            Found { duplicates: 1, lost: 2, said: vec!["2 events answered 200 are not stored".to_owned()] };
        let outcome =
            Outcome { accepted: 9_999_999, totals, unsubscribed: 99_999, revenue: 1.0, journeys, found };
        let drawn = drawn(&outcome, 90, 100_000, u64::MAX, Duration::from_secs(9_999));
        for line in drawn.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
        for said in [
            "14.3 %",
            "a-journey-with-a-na…",
            "1 duplicates, 2 lost",
            "2 events answered 200",
            "+0.0 points",
            "left out: 22,222 runs",
        ] {
            assert!(drawn.contains(said), "{said} is not in\n{drawn}");
        }
        let json = outcome.json(Duration::from_millis(1_240));
        assert_eq!(json["wall_s"], 1.2);
        // Who was both entered, and counts for neither.
        assert_eq!(json["runs_entered"], 877_776);
        assert_eq!(json["conversions"], 122_223);
        let holdout = &json["holdout"]["a-journey-with-a-name-that-goes-on"];
        assert_eq!(
            (&holdout["treated"]["share"], &holdout["treated"]["runs"]),
            (&0.1429.into(), &777_777.into())
        );
        assert_eq!((&holdout["held_out"]["runs"], &holdout["left_out"]), (&77_777.into(), &22_222.into()));
    }
}
