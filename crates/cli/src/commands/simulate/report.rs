//! What a simulation says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use indicatif::HumanCount;
use jiff::tz::TimeZone;
use journeyman_domain::{Refused, ShopTime};
use journeyman_sim::backtest::JourneyTally;
use journeyman_sim::simulate::Came;
use serde_json::{Map, Value, json};

use crate::commands::backtest::{listed, reason_line, table, tally_json};
use crate::commands::cut;

/// People with more messages than this are told of together.
const MOST_MESSAGES: u64 = 8;
/// How wide two journeys' names may be.
const PAIR: usize = 54;

/// What is taken for granted: said with every result.
const ASSUMED: [&str; 5] = [
    "shoppers behave as the file of figures says; how a message moves them is an assumption there",
    "a message arrives in the moment it leaves, and its products are those that its data names",
    "somebody on two devices is one person from their first event on",
    "nothing is learned: `best_of` is drawn evenly, `at: best` is the first hour that is free",
    "nobody has a score: what starts on one starts nothing",
];

pub(super) struct Report {
    /// Journeys that are live, by name.
    pub(super) names: Vec<Arc<str>>,
    pub(super) currency: String,
    pub(super) zone: TimeZone,
    pub(super) opens: ShopTime,
    /// Days, shoppers, seed.
    pub(super) size: (u32, u32, u64),
    pub(super) came: Came,
    pub(super) took: Duration,
}

impl Report {
    fn journeys(&self) -> impl Iterator<Item = (Arc<str>, JourneyTally)> + '_ {
        self.names
            .iter()
            .map(|name| (name.clone(), self.came.tally.journeys.get(name).cloned().unwrap_or_default()))
    }

    fn messages(&self) -> u64 {
        self.journeys().flat_map(|(_, of)| of.sent.into_values()).sum()
    }

    /// As one JSON object.
    pub(super) fn json(&self) -> Value {
        let came = &self.came;
        let journeys: Map<String, Value> =
            self.journeys().map(|(name, of)| (name.to_string(), tally_json(&of))).collect();
        let overlaps = came
            .overlaps
            .iter()
            .map(|((one, other), people)| json!({ "journeys": [one, other], "people": people }));
        let pressure = came.pressure.iter().map(|((journey, reason, by), count)| {
            json!({ "journey": journey, "reason": reason.code(), "after": by, "count": count })
        });
        let each: Map<String, Value> =
            came.messages_each.iter().map(|(many, people)| (many.to_string(), json!(people))).collect();
        let others = came.tally.others.iter();
        let others =
            others.map(|((of, reason), count)| json!({ "of": of, "reason": reason.code(), "count": count }));
        let (days, users, seed) = self.size;
        json!({
            "days": days,
            "users": users,
            "seed": seed,
            "opens": self.opens.to_string(),
            "zone": self.zone.iana_name(),
            "currency": self.currency,
            "events": came.events,
            "people": came.people,
            "messages": self.messages(),
            "opened": came.reactions.opened,
            "clicked": came.reactions.clicked,
            "unsubscribed": came.reactions.unsubscribed,
            "journeys": journeys,
            "overlaps": overlaps.collect::<Vec<_>>(),
            "pressure": pressure.collect::<Vec<_>>(),
            "people_by_messages": each,
            "left_out": others.collect::<Vec<_>>(),
            "parked": came.tally.parked,
            "assumed": ASSUMED,
            "wall_s": self.took.as_secs_f64(),
        })
    }

    /// For people, at most 100 columns.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let (days, users, seed) = self.size;
        let came = &self.came;
        writeln!(
            text,
            "{} of {} shoppers, seed {seed}: {} events, {} messages, in {:.1} s",
            if days == 1 { "a day".to_owned() } else { format!("{days} days") },
            HumanCount(users.into()),
            HumanCount(came.events),
            HumanCount(self.messages()),
            self.took.as_secs_f64()
        )?;
        table(text, self.journeys())?;
        let (opened, clicked) = (HumanCount(came.reactions.opened), HumanCount(came.reactions.clicked));
        let unsubscribed = HumanCount(came.reactions.unsubscribed);
        writeln!(
            text,
            "\nof all messages: opened {opened}, clicked {clicked}, unsubscribed after {unsubscribed}"
        )?;
        self.each(text)?;
        self.sent(text)?;
        self.together(text)?;
        self.not_sent(text)?;
        writeln!(text, "\ntaken for granted:")?;
        ASSUMED.iter().try_for_each(|assumed| writeln!(text, "  - {assumed}"))
    }

    /// How many got how many.
    fn each(&self, text: &mut String) -> std::fmt::Result {
        let mut each: BTreeMap<u64, u64> = BTreeMap::new();
        for (many, people) in &self.came.messages_each {
            *each.entry((*many).min(MOST_MESSAGES)).or_default() += people;
        }
        let most = each.values().copied().max().unwrap_or(0).max(1);
        writeln!(text, "\nmessages to one person")?;
        for (many, people) in each {
            let many = if many == MOST_MESSAGES { format!("{many} or more") } else { many.to_string() };
            let bar = "█".repeat(usize::try_from((people * 50).div_ceil(most)).unwrap_or(50));
            writeln!(text, "  {many:>9} {:>11}  {bar}", HumanCount(people).to_string())?;
        }
        Ok(())
    }

    fn sent(&self, text: &mut String) -> std::fmt::Result {
        if self.messages() > 0 {
            writeln!(text, "\nsent, by channel")?;
        }
        for (name, of) in self.journeys().filter(|(_, of)| !of.sent.is_empty()) {
            let channels = listed(&of.sent, |channel| channel.name().to_owned());
            writeln!(text, "  {:<30} {}", cut(&name, 30), cut(&channels, 60))?;
        }
        for (name, of) in self.journeys().filter(|(_, of)| of.goals > 0) {
            if of.goal_value != 0.0 {
                writeln!(
                    text,
                    "  {:<30} goals worth {:.2} {}",
                    cut(&name, 30),
                    of.goal_value,
                    self.currency
                )?;
            }
        }
        Ok(())
    }

    /// Journeys that meet in one person.
    fn together(&self, text: &mut String) -> std::fmt::Result {
        let mut overlaps: Vec<_> = self.came.overlaps.iter().collect();
        overlaps.sort_by_key(|(_, people)| std::cmp::Reverse(**people));
        if !overlaps.is_empty() {
            writeln!(text, "\npeople under way in two at once")?;
        }
        for ((one, other), people) in overlaps {
            let pair = cut(&format!("{one} + {other}"), PAIR);
            writeln!(text, "  {pair:<PAIR$} {:>9}", HumanCount(*people).to_string())?;
        }
        let mut pressure: Vec<_> = self.came.pressure.iter().collect();
        pressure.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        if !pressure.is_empty() {
            writeln!(text, "\nin each other's way: held back, and by whom last")?;
        }
        for ((journey, reason, by), count) in pressure {
            let pair = cut(&format!("{journey} by {by}"), PAIR);
            writeln!(text, "  {pair:<PAIR$} {:>9}  {}", HumanCount(*count).to_string(), reason.code())?;
        }
        Ok(())
    }

    fn not_sent(&self, text: &mut String) -> std::fmt::Result {
        let (mut refused, mut not_sent, mut named) =
            (String::new(), String::new(), BTreeSet::<Refused>::new());
        for (name, of) in self.journeys() {
            for (reason, count) in &of.refused {
                named.insert(*reason);
                writeln!(refused, "{}", reason_line(&name, *reason, *count))?;
            }
            for ((step, reason), count) in &of.not_sent {
                named.insert(*reason);
                writeln!(not_sent, "{}", reason_line(&format!("{name}/{step}"), *reason, *count))?;
            }
        }
        for (reason, count) in &self.came.tally.parked {
            writeln!(refused, "  could not be applied: {reason}, {}", HumanCount(*count))?;
        }
        for (title, section) in [("matched and began nothing", refused), ("reached and not sent", not_sent)] {
            if !section.is_empty() {
                write!(text, "\n{title}\n{section}")?;
            }
        }
        if !named.is_empty() {
            writeln!(text, "\nwhy")?;
        }
        for reason in named {
            writeln!(text, "  {:<16}  {}", reason.code(), cut(reason.meaning(), 80))?;
        }
        Ok(())
    }
}
