//! `enter` without an event: `segment`, `left_segment`, `date`, `every`.

use std::sync::Arc;

use journeyman_domain::expr::Type;
use journeyman_domain::plan::{Anniversary, Rhythm, Watch, Watched};
use journeyman_domain::value::Span;

use super::Reader;
use crate::block::{self, Block};
use crate::diagnostic::{CHOICE, DURATION, HOURS, REQUIRED, TYPES, UNKNOWN_SEGMENT, UNKNOWN_WORD, WHEN};
use crate::expr::{self, Scope};
use crate::literal::{self, Fault, short};
use crate::tree::Entry;

/// The words of `enter` that say what begins a run without an event, each with the event that it makes.
pub(super) const TRIGGERS: [(&str, &str); 4] = [
    ("segment", journeyman_domain::plan::watch::ENTERED),
    ("left_segment", journeyman_domain::plan::watch::LEFT),
    ("date", journeyman_domain::plan::watch::REACHED),
    ("every", journeyman_domain::plan::watch::FIRED),
];
/// The longest `spread`: people keep their place in it, so that it may not reach over the next time.
const SPREAD_DAYS: i64 = 7;

impl Reader<'_, '_, '_> {
    /// What is watched, and whether anything was to be, right or wrong.
    pub(super) fn watch(&mut self, enter: &mut Block<'_>) -> (Option<Watch>, bool) {
        let mut found: Option<(&Entry, Option<Watch>)> = None;
        for (word, _) in TRIGGERS {
            let Some(entry) = enter.take(word) else { continue };
            if let Some((first, _)) = &found {
                let message = format!("`enter` has `{}` or `{word}`, not both", first.key);
                self.report.say(CHOICE, entry.place, message, "make two journeys of it");
                continue;
            }
            let what = match word {
                "date" => self.date(entry, enter),
                "every" => self.every(entry, enter),
                _ => self.of_segment(entry, enter),
            };
            found = Some((entry, what));
        }
        // What belongs to a trigger that is not there.
        for (word, of) in [
            ("existing", "segment"),
            ("before", "date"),
            ("after", "date"),
            ("at", "date"),
            ("leap", "date"),
            ("spread", "every"),
        ] {
            let Some(entry) = enter.take(word) else { continue };
            if found.as_ref().is_none_or(|(trigger, _)| trigger.key != of) {
                let message = format!("`{word}` belongs to `{of}:`, which is not said");
                self.report.say(UNKNOWN_WORD, entry.place, message, format!("add `{of}:`, or leave it out"));
            }
        }
        let said = found.is_some();
        (found.and_then(|(_, what)| what), said)
    }

    fn of_segment(&mut self, entry: &Entry, enter: &mut Block<'_>) -> Option<Watch> {
        let entered = entry.key == "segment";
        let segment = self.parsed(entry, UNKNOWN_SEGMENT, literal::name)?;
        let names = self.known.around.names;
        if !names.old && !names.segments.contains(&segment) {
            let message = format!("there is no segment `{segment}`");
            let otherwise = format!("write it to journeys/segments/{segment}.yaml");
            let known = names.segments.iter().map(AsRef::as_ref);
            self.report.unknown(UNKNOWN_SEGMENT, entry.value.place, message, &segment, known, otherwise);
        }
        let words = format!("{} {segment}", entry.key).into();
        let existing = if entered { enter.take("existing") } else { None };
        let choices = [("skip", false), ("include", true)];
        let existing =
            existing.and_then(|entry| block::choice(entry, &choices, self.report)).unwrap_or(false);
        let what = if entered { Watched::Entered { segment, existing } } else { Watched::Left { segment } };
        Some(Watch { what, words })
    }

    fn date(&mut self, entry: &Entry, enter: &mut Block<'_>) -> Option<Watch> {
        let names = self.known.around.names;
        let text = block::text(entry, self.report)?;
        let date = expr::computed(text, 0, &entry.value, &Scope::of_person(names), self.report);
        if let Some((_, of)) = &date
            && !matches!(of, Type::Any | Type::Time | Type::Text)
        {
            let message = format!("`date` is a date of the person's, and this is {of}");
            self.report.say(TYPES, entry.value.place, message, "name one: `date: profile.birthday`");
            return None;
        }
        let mut words = format!("date {}", text.trim());
        let (before, after) = (enter.take("before"), enter.take("after"));
        if let (Some(before), Some(_)) = (before, after) {
            let message = "`enter` has `before` or `after`, not both";
            self.report.say(CHOICE, before.place, message, "leave one of them out");
        }
        let mut offset = Span::ZERO;
        for (entry, sign) in [(before, -1), (after, 1)] {
            let Some(entry) = entry else { continue };
            let span = self.parsed(entry, DURATION, literal::duration)?;
            words.push_str(&format!(" {} {span}", entry.key));
            offset = if sign < 0 { span.negated() } else { span };
        }
        let clock = |text: &str| {
            let help = "write a clock time of two digits each: 09:00";
            literal::clock(text)
                .ok_or_else(|| Fault::new(format!("`{}` is no clock time", short(text)), help))
        };
        let at = enter.take("at").map(|entry| self.parsed(entry, HOURS, clock));
        if let Some(at) = &at {
            words.push_str(&format!(" at {}", (*at)?.strftime("%H:%M")));
        }
        let leaps = [("feb 28", false), ("mar 1", true)];
        let leap = enter.take("leap").and_then(|entry| block::choice(entry, &leaps, self.report));
        words.extend(leap.map(|forward| if forward { " leap mar 1" } else { " leap feb 28" }));
        let (date, _) = date?;
        let what = Anniversary { date, offset, at: at.flatten(), leap_forward: leap.unwrap_or(false) };
        Some(Watch { what: Watched::Date(what), words: words.into() })
    }

    fn every(&mut self, entry: &Entry, enter: &mut Block<'_>) -> Option<Watch> {
        let rhythm = |text: &str| {
            if text.contains(':') {
                return literal::when(text).map(Rhythm::When);
            }
            let help =
                "write `every: monday 09:00`, or a cron line of five fields in quotes: \"0 9 * * MON\"";
            Rhythm::cron(text).map_err(|fault| Fault::new(fault, help))
        };
        let text = block::text(entry, self.report)?;
        let rhythm = self.parsed(entry, WHEN, rhythm)?;
        let mut words = format!("every {}", text.split_whitespace().collect::<Vec<_>>().join(" "));
        let spread = enter.take("spread").map(|entry| self.spread(entry));
        let spread = match spread {
            Some(spread) => {
                words.push_str(&format!(" spread {}", spread?));
                spread
            }
            None => None,
        };
        Some(Watch { what: Watched::Every { rhythm, spread }, words: words.into() })
    }

    fn spread(&mut self, entry: &Entry) -> Option<Span> {
        let span = |text: &str| {
            let span = literal::duration(text)?;
            if span.nominal().as_hours() > SPREAD_DAYS * 24 {
                let help = format!("write at most {SPREAD_DAYS}d");
                return Err(Fault::new(format!("`spread` is longer than {SPREAD_DAYS} days"), help));
            }
            Ok(span)
        };
        self.parsed(entry, DURATION, span)
    }

    /// What only an event has.
    pub(super) fn only_with_events(&mut self, enter: &Block<'_>, words: &[&str]) {
        for entry in enter.entries().iter().filter(|entry| words.contains(&entry.key.as_str())) {
            let message = format!("`{}` is of an event, and none begins this journey", entry.key);
            self.report.say(REQUIRED, entry.place, message, "leave it out, or write `on:`");
        }
    }

    /// `on: Segment Entered`: such an event reaches the journey that watches for it alone.
    pub(super) fn ours_to_watch(&mut self, event: &Arc<str>, place: crate::source::Place) {
        if let Some((word, _)) = TRIGGERS.iter().find(|(_, made)| *made == event.as_ref()) {
            let message = format!("`{event}` is not written as an event");
            self.report.say(CHOICE, place, message, format!("write `{word}:` in `enter`"));
        }
    }
}
