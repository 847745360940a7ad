//! What the two journeys of `retail/` do to orders, counted from the words of docs/journeys.md alone: it shares no code with
//! what it checks.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use super::Counts;

/// Lines of one customer: when, and whether something was bought, else returned.
type Lines = Vec<(Timestamp, bool)>;

struct Run {
    journey: &'static str,
    step: u8,
    walks: bool,
    due: Timestamp,
    deadline: Timestamp,
    first_send: Option<Timestamp>,
    goal: bool,
}

struct Customer {
    zone: TimeZone,
    sent: Vec<Timestamp>,
    entered: BTreeMap<&'static str, Timestamp>,
    runs: Vec<Run>,
    quiet_until: Option<Timestamp>,
    counts: Counts,
}

const PURCHASE: &str = "post-purchase";
const BACK: &str = "win-back";

/// Counts over a CSV of `t,customer,product,qty,price,country`.
pub fn count(csv: &str) -> Counts {
    let zone = TimeZone::get("Europe/London").unwrap();
    let mut customers: BTreeMap<&str, Lines> = BTreeMap::new();
    let mut last = Timestamp::MIN;
    for line in csv.lines().skip(1) {
        let values: Vec<&str> = line.split(',').collect();
        let civil = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M", values[0]).unwrap();
        let at = zone.to_ambiguous_timestamp(civil).compatible().unwrap();
        customers.entry(values[1]).or_default().push((at, !values[3].starts_with('-') && values[3] != "0"));
        last = last.max(at);
    }
    let mut counts = Counts::new();
    for (_, mut lines) in customers {
        lines.sort_by_key(|(at, _)| *at);
        let mut customer = Customer {
            zone: zone.clone(),
            sent: Vec::new(),
            entered: BTreeMap::new(),
            runs: Vec::new(),
            quiet_until: None,
            counts: Counts::new(),
        };
        for (at, bought) in lines {
            customer.timers(at, false);
            customer.line(at, bought);
        }
        customer.timers(last, true);
        for run in customer.runs.iter().filter(|run| run.walks) {
            *customer.counts.entry(format!("{} under_way", run.journey)).or_default() += 1;
        }
        for (what, count) in customer.counts {
            *counts.entry(what).or_default() += count;
        }
    }
    counts
}

impl Customer {
    fn note(&mut self, what: String) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn days(&self, at: Timestamp, days: i64) -> Timestamp {
        let local = self.zone.to_datetime(at).checked_add(days.days()).unwrap();
        self.zone.to_ambiguous_timestamp(local).compatible().unwrap()
    }

    fn line(&mut self, at: Timestamp, bought: bool) {
        // post-purchase, of the higher priority, meets it first.
        for journey in [PURCHASE, BACK] {
            for nth in 0..self.runs.len() {
                if self.runs[nth].journey == journey {
                    self.meet(nth, at, bought);
                }
            }
        }
        if bought {
            match self.entered.get(PURCHASE) {
                Some(entered) if self.days(*entered, 30) > at => {
                    self.note(format!("{PURCHASE} refused again"))
                }
                _ => self.start(PURCHASE, at),
            }
        }
        self.quiet_until = Some(self.days(at, 60));
    }

    fn meet(&mut self, nth: usize, at: Timestamp, bought: bool) {
        let run = &self.runs[nth];
        let (journey, walks) = (run.journey, run.walks);
        let in_time = run.first_send.is_some_and(|first| first <= at && at <= self.days(first, 30));
        if in_time && !run.goal && (bought || journey == BACK) {
            self.runs[nth].goal = true;
            self.runs[nth].walks = false;
            self.note(format!("{journey} goal"));
            if walks {
                self.note(format!("{journey} ended goal"));
            }
        } else if walks && journey == BACK {
            self.runs[nth].walks = false;
            self.note(format!("{BACK} ended exit"));
        }
    }

    fn start(&mut self, journey: &'static str, at: Timestamp) {
        self.entered.insert(journey, at);
        self.note(format!("{journey} entered"));
        let (step, walks, goal) = (0, true, false);
        self.runs.push(Run { journey, step, walks, due: at, deadline: at, first_send: None, goal });
        self.walk(self.runs.len() - 1, at);
    }

    /// Lets a run go on until it waits.
    fn walk(&mut self, nth: usize, at: Timestamp) {
        loop {
            let (journey, step) = (self.runs[nth].journey, self.runs[nth].step);
            match (journey, step) {
                (PURCHASE, 0) | (BACK, 2) => {
                    self.runs[nth].due = self.days(at, 7);
                    self.runs[nth].step += 1;
                    return;
                }
                (PURCHASE, 1) | (BACK, 0 | 3) => {
                    self.runs[nth].deadline = self.days(at, 2);
                    self.runs[nth].step += if step == 0 { 1 } else { 3 };
                }
                (PURCHASE, 4) => return self.last(nth, "thanks", at),
                (BACK, 1) => {
                    if !self.send(nth, "we_miss_you", at) {
                        return;
                    }
                    self.runs[nth].step = 2;
                }
                _ => return self.last(nth, "gift", at),
            }
        }
    }

    fn last(&mut self, nth: usize, step: &str, at: Timestamp) {
        if self.send(nth, step, at) {
            self.runs[nth].walks = false;
            self.note(format!("{} ended completed", self.runs[nth].journey));
        }
    }

    /// Whether it is over with this send, one way or the other.
    fn send(&mut self, nth: usize, step: &str, at: Timestamp) -> bool {
        let journey = self.runs[nth].journey;
        match self.blocked(at) {
            None => {
                self.sent.push(at);
                self.runs[nth].first_send.get_or_insert(at);
                self.note(format!("{journey} sent {step}"));
                let day = self.zone.to_datetime(at).date();
                self.note(format!("{journey} sent on {day}"));
                true
            }
            Some((_, why)) if at >= self.runs[nth].deadline => {
                self.note(format!("{journey} not_sent {step} {why}"));
                true
            }
            Some((until, _)) => {
                self.runs[nth].due = until.min(self.runs[nth].deadline);
                false
            }
        }
    }

    /// Three in 60 days, one in a day, none from 20:00 to 08:00: what lasts longest.
    fn blocked(&self, at: Timestamp) -> Option<(Timestamp, &'static str)> {
        let mut blocks = Vec::new();
        let mut free: Vec<Timestamp> = self.sent.iter().map(|sent| self.days(*sent, 60)).collect();
        free.retain(|free| *free > at);
        free.sort();
        if free.len() >= 3 {
            blocks.push((free[free.len() - 3], "cap"));
        }
        if let Some(last) = self.sent.iter().max() {
            blocks.push((self.days(*last, 1), "minimum_gap"));
        }
        let local = self.zone.to_datetime(at);
        let morning = match local.hour() {
            20.. => Some(local.date().tomorrow().unwrap()),
            ..8 => Some(local.date()),
            _ => None,
        };
        if let Some(day) = morning {
            let eight = self.zone.to_ambiguous_timestamp(day.at(8, 0, 0, 0)).compatible().unwrap();
            blocks.push((eight, "quiet_hours"));
        }
        blocks.into_iter().filter(|(until, _)| *until > at).max_by_key(|(until, _)| *until)
    }

    /// What is due before a moment, or until it.
    fn timers(&mut self, until: Timestamp, included: bool) {
        loop {
            let runs = self.runs.iter().enumerate().filter(|(_, run)| run.walks);
            let runs = runs.map(|(nth, run)| (run.due, run.journey != PURCHASE, nth));
            let silence = self.quiet_until.map(|due| (due, true, usize::MAX));
            let Some((due, _, nth)) = runs.chain(silence).min() else { return };
            if due > until || (due == until && !included) {
                return;
            }
            if nth < usize::MAX {
                self.walk(nth, due);
                continue;
            }
            self.quiet_until = None;
            match self.entered.get(BACK) {
                Some(entered) if self.days(*entered, 90) > due => self.note(format!("{BACK} refused again")),
                _ => self.start(BACK, due),
            }
        }
    }
}
