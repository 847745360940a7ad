//! What the two journeys of `browse/` do to a log of views, carts and orders, counted from the words of docs/journeys.md
//! alone: it shares no code with what it checks.

use std::collections::BTreeMap;

use super::Counts;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const BROWSE: &str = "browse-abandonment";
const CART: &str = "cart-abandonment";

struct Run {
    journey: &'static str,
    cart: usize,
    step: u8,
    walks: bool,
    due: i64,
    deadline: i64,
    first_send: Option<i64>,
    goal: bool,
}

#[derive(Default)]
struct Visitor<'a> {
    views: Vec<(i64, &'a str)>,
    /// What is in the cart, and since when; the cart is known by the line that began it.
    cart: BTreeMap<&'a str, i64>,
    cart_began: usize,
    ordered: Option<i64>,
    /// When something happened that cancels a browse reminder.
    cancelled: Vec<i64>,
    sent: Vec<i64>,
    runs: Vec<Run>,
    browsing: Option<(i64, &'a str)>,
    carts: BTreeMap<usize, i64>,
    entered: Option<i64>,
    counts: Counts,
}

/// Counts over a CSV of `ts_ms,visitor,event,item,tx`.
pub fn count(csv: &str) -> Counts {
    let mut visitors: BTreeMap<&str, Vec<(i64, usize, &str, &str)>> = BTreeMap::new();
    let mut last = i64::MIN;
    for (nth, line) in csv.lines().enumerate().skip(1) {
        let values: Vec<&str> = line.split(',').collect();
        let at: i64 = values[0].parse().unwrap();
        visitors.entry(values[1]).or_default().push((at, nth, values[2], values[3]));
        last = last.max(at);
    }
    let mut counts = Counts::new();
    for (_, mut log) in visitors {
        log.sort();
        let mut visitor = Visitor::default();
        for (at, nth, action, item) in log {
            visitor.timers(at, false);
            visitor.act(at, nth, action, item);
        }
        visitor.timers(last, true);
        for run in visitor.runs.iter().filter(|run| run.walks) {
            *visitor.counts.entry(format!("{} under_way", run.journey)).or_default() += 1;
        }
        for (what, count) in visitor.counts {
            *counts.entry(what).or_default() += count;
        }
    }
    counts
}

impl<'a> Visitor<'a> {
    fn note(&mut self, what: String) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn act(&mut self, at: i64, nth: usize, action: &str, item: &'a str) {
        match action {
            "view" => {
                self.views.push((at, item));
                let twice = self.twice(item, at);
                if let Some((due, _)) = &mut self.browsing {
                    *due = at + 60 * MINUTE;
                }
                if twice && self.cancelled.iter().any(|cancelled| *cancelled >= at) {
                    self.note(format!("{BROWSE} refused cancelled"));
                } else if twice {
                    self.browsing = Some((at + 60 * MINUTE, item));
                }
            }
            "addtocart" => {
                self.cancel(at);
                if self.ordered.is_some_and(|ordered| at <= ordered) {
                    return;
                }
                if self.cart.is_empty() {
                    self.cart_began = nth;
                }
                self.cart.insert(item, at);
                self.carts.insert(self.cart_began, at + 45 * MINUTE);
            }
            _ => {
                self.ordered = self.ordered.max(Some(at));
                self.cart.retain(|_, added| *added > at);
                self.ordered(at);
                self.cancel(at);
                if !self.carts.is_empty() {
                    self.carts.clear();
                    self.note(format!("{CART} refused cancelled"));
                }
            }
        }
    }

    fn cancel(&mut self, at: i64) {
        self.cancelled.push(at);
        if self.browsing.take().is_some() {
            self.note(format!("{BROWSE} refused cancelled"));
        }
    }

    fn ordered(&mut self, at: i64) {
        for nth in 0..self.runs.len() {
            let run = &mut self.runs[nth];
            let in_time = run.first_send.is_some_and(|first| at <= first + 3 * DAY);
            let (journey, walked) = (run.journey, run.walks);
            if in_time && !run.goal {
                (run.goal, run.walks) = (true, false);
                self.note(format!("{journey} goal"));
                if walked {
                    self.note(format!("{journey} ended goal"));
                }
            } else if walked && journey == CART {
                run.walks = false;
                self.note(format!("{CART} ended exit"));
            }
        }
    }

    fn twice(&self, item: &str, now: i64) -> bool {
        let latest = self.views.len().saturating_sub(128);
        let same = self.views[latest..].iter().filter(|(at, of)| *of == item && *at >= now - DAY);
        same.count() >= 2
    }

    fn start(&mut self, journey: &'static str, cart: usize, at: i64) {
        if journey == BROWSE && self.entered.is_some_and(|entered| entered + 7 * DAY > at) {
            return self.note(format!("{BROWSE} refused again"));
        }
        let mut over = Vec::new();
        for (nth, run) in self.runs.iter().enumerate().filter(|(_, run)| run.walks) {
            let refused = if (run.journey, run.cart) == (journey, cart) {
                "joined"
            } else if run.journey == CART || journey == BROWSE {
                "lane_busy"
            } else {
                over.push(nth);
                continue;
            };
            return self.note(format!("{journey} refused {refused}"));
        }
        for nth in over {
            self.runs[nth].walks = false;
            self.note(format!("{BROWSE} ended lane_taken"));
        }
        if journey == BROWSE {
            self.entered = Some(at);
        }
        self.note(format!("{journey} entered"));
        let (first_send, walks, goal) = (None, true, false);
        self.runs.push(Run { journey, cart, step: 0, walks, due: at, deadline: at, first_send, goal });
        self.walk(self.runs.len() - 1, at);
    }

    fn walk(&mut self, nth: usize, at: i64) {
        while self.runs[nth].walks {
            let (journey, step) = (self.runs[nth].journey, self.runs[nth].step);
            match (journey, step) {
                (_, 0) => self.runs[nth].deadline = at + DAY,
                (_, 1) => {
                    let template = if journey == BROWSE { "browse_reminder" } else { "cart_reminder" };
                    if !self.send(nth, template, at) {
                        return;
                    }
                    let wait = if journey == BROWSE { 2 * DAY } else { DAY };
                    (self.runs[nth].step, self.runs[nth].due) = (2, at + wait);
                    return;
                }
                (CART, 2) => self.runs[nth].deadline = at + DAY,
                (CART, _) if self.cart.is_empty() => {
                    self.note(format!("{CART} not_sent cart_last_call guard"));
                    self.complete(nth);
                }
                (CART, _) => {
                    if !self.send(nth, "cart_last_call", at) {
                        return;
                    }
                    self.complete(nth);
                }
                _ => self.complete(nth),
            }
            self.runs[nth].step += 1;
        }
    }

    fn complete(&mut self, nth: usize) {
        self.runs[nth].walks = false;
        self.note(format!("{} ended completed", self.runs[nth].journey));
    }

    /// Four in 30 days. Whether it is over with this send, one way or the other.
    fn send(&mut self, nth: usize, step: &str, at: i64) -> bool {
        let journey = self.runs[nth].journey;
        let mut free: Vec<i64> =
            self.sent.iter().map(|sent| sent + 30 * DAY).filter(|free| *free > at).collect();
        free.sort_unstable();
        if free.len() < 4 {
            self.sent.push(at);
            self.runs[nth].first_send.get_or_insert(at);
            self.note(format!("{journey} sent {step}"));
            let day = jiff::Timestamp::from_millisecond(at).unwrap().to_zoned(jiff::tz::TimeZone::UTC).date();
            self.note(format!("{journey} sent on {day}"));
        } else if at >= self.runs[nth].deadline {
            self.note(format!("{journey} not_sent {step} cap"));
        } else {
            self.runs[nth].due = free[free.len() - 4].min(self.runs[nth].deadline);
            return false;
        }
        true
    }

    fn timers(&mut self, until: i64, included: bool) {
        loop {
            let runs = self.runs.iter().enumerate().filter(|(_, run)| run.walks);
            let runs = runs.map(|(nth, run)| (run.due, run.journey == BROWSE, nth, 0));
            let carts = self.carts.iter().map(|(cart, due)| (*due, false, usize::MAX, *cart));
            let browsing = self.browsing.map(|(due, _)| (due, true, usize::MAX, 0));
            let Some((due, browse, nth, cart)) = runs.chain(carts).chain(browsing).min() else { return };
            if due > until || (due == until && !included) {
                return;
            }
            if nth < usize::MAX {
                self.walk(nth, due);
            } else if browse {
                let Some((_, item)) = self.browsing.take() else { return };
                if self.twice(item, due) {
                    self.start(BROWSE, 0, due);
                } else {
                    self.note(format!("{BROWSE} refused no_longer"));
                }
            } else {
                self.carts.remove(&cart);
                if self.cart.is_empty() {
                    self.note(format!("{CART} refused no_longer"));
                } else {
                    self.start(CART, cart, due);
                }
            }
        }
    }
}
