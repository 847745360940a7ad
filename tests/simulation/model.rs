//! What a journey means, written down a second time: slowly, plainly, and without a line of the actor's.
//!
//! A restricted language: entry on `Start`, keyed or not; waits; waits for an event with a time limit; messages with a
//! guard on the trait `vip`; an exit on `Stop`; a goal on `Goal`; `again` and `if_running`. Time is in minutes. Where the
//! order of arrival matters, the arrivals are what the model is told: batches, each at its moment.

use std::collections::BTreeMap;

/// Minutes since the beginning.
pub type Minute = i64;

/// How old an event may be that starts something.
pub const MAX_AGE: Minute = 24 * 60;
/// How late a timer may be noticed and count as on time.
const ON_TIME: Minute = 5;

/// Whether one may enter again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Again {
    Never,
    Always,
    Every(Minute),
}

/// What an entry does while a run of the same key runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum IfRunning {
    Join,
    Restart,
    Ignore,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Wait(Minute),
    /// A message, perhaps only to those whose `vip` is such.
    Send(&'static str, Option<bool>),
    /// Until an event of that name; what then, and what else.
    WaitFor(&'static str, Minute, Vec<Self>, Vec<Self>),
    /// So many turns of these, perhaps with a wait after each.
    Repeat(usize, Option<Minute>, Vec<Self>),
}

/// What it is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    pub within: Minute,
    pub since_first_send: bool,
    pub exits: bool,
}

/// A journey.
#[derive(Clone, Debug, PartialEq)]
pub struct Journey {
    pub keyed: bool,
    pub again: Again,
    pub if_running: IfRunning,
    pub stops: bool,
    pub goal: Option<Goal>,
    pub steps: Vec<Step>,
}

/// An event: `Start`, `Stop`, `Goal`, `Click`, or `vip:true` and `vip:false`.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub name: &'static str,
    pub at: Minute,
    pub key: Option<&'static str>,
    pub historical: bool,
}

/// What came through the door between two looks, and when the second was.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrivals {
    pub now: Minute,
    pub events: Vec<Event>,
}

#[derive(Clone, Debug)]
enum Place {
    /// Until then; the moment it began to wait, on its own clock; the event it waits for and what follows that, what
    /// follows the time that is up.
    Waiting {
        until: Minute,
        since: Minute,
        for_event: Option<(&'static str, Vec<Step>)>,
        then: Vec<Step>,
    },
    /// All is walked.
    Watching {
        until: Minute,
        ended: Minute,
        reason: &'static str,
    },
    Gone,
}

#[derive(Clone, Debug)]
struct Run {
    number: u32,
    key: Option<&'static str>,
    entered: Minute,
    place: Place,
    first_send: Option<Minute>,
    goal: Option<Minute>,
    sent: Vec<usize>,
}

/// One life.
struct Life<'a> {
    journey: &'a Journey,
    now: Minute,
    runs: Vec<Run>,
    last_entry: BTreeMap<Option<&'static str>, Minute>,
    vip: Option<(bool, Minute)>,
    /// Messages: when, which, of which run, whether called off.
    messages: Vec<(Minute, &'static str, u32, bool)>,
    ends: Vec<String>,
}

/// What is told of a life: messages and ends, sorted.
pub fn live(journey: &Journey, arrivals: &[Arrivals]) -> Vec<String> {
    let (runs, last_entry, messages) = (Vec::new(), BTreeMap::new(), Vec::new());
    let mut life = Life { journey, now: 0, runs, last_entry, vip: None, messages, ends: Vec::new() };
    for batch in arrivals {
        life.now = batch.now;
        let mut events = batch.events.clone();
        // Stable: of one moment, as they came.
        events.sort_by_key(|event| event.at);
        for event in &events {
            life.timers_until((event.at - 1).min(batch.now));
            life.event(event);
        }
        life.timers_until(batch.now);
    }
    let mut told = life.ends;
    for (at, name, run, called_off) in life.messages {
        let off = if called_off { " called off" } else { "" };
        told.push(format!("{at:>6} run {run} sends {name}{off}"));
    }
    told.sort();
    told
}

impl Life<'_> {
    fn timers_until(&mut self, until: Minute) {
        loop {
            let due = |run: &Run| match &run.place {
                Place::Waiting { until, .. } | Place::Watching { until, .. } => Some(*until),
                Place::Gone => None,
            };
            let first = (0..self.runs.len()).filter_map(|nth| Some((due(&self.runs[nth])?, nth))).min();
            let Some((_, nth)) = first.filter(|(due, _)| *due <= until) else { return };
            match self.runs[nth].place.clone() {
                // On its own clock while it is on time, by the present after an outage.
                Place::Waiting { then, until, .. } => {
                    let clock = if self.now - until <= ON_TIME { until } else { self.now };
                    self.walk(nth, &then, clock);
                }
                Place::Watching { ended, reason, .. } => self.gone(nth, ended, reason),
                Place::Gone => {}
            }
        }
    }

    fn event(&mut self, event: &Event) {
        if let Some(vip) = event.name.strip_prefix("vip:") {
            let vip = vip == "true";
            let news = self.vip.is_none_or(|(known, at)| event.at >= at && known != vip);
            if news {
                self.vip = Some((vip, event.at));
            }
            return;
        }
        for nth in 0..self.runs.len() {
            self.meet(nth, event);
        }
        if event.name == "Start" {
            self.enter(event);
        }
    }

    fn concerns(&self, nth: usize, event: &Event) -> bool {
        let run = &self.runs[nth];
        event.at >= run.entered && (event.key.is_none() || run.key.is_none() || event.key == run.key)
    }

    fn meet(&mut self, nth: usize, event: &Event) {
        if matches!(self.runs[nth].place, Place::Gone) || !self.concerns(nth, event) {
            return;
        }
        if event.name == "Goal" && self.goal(nth, event) {
            return;
        }
        let Place::Waiting { since, for_event, .. } = self.runs[nth].place.clone() else {
            // Its messages have not left here: nobody reports that they have.
            if event.name == "Stop" && self.journey.stops {
                self.call_off(nth);
            }
            return;
        };
        if event.name == "Stop" && self.journey.stops {
            return self.end(nth, "exit");
        }
        if let Some((name, then)) = for_event
            && name == event.name
        {
            self.walk(nth, &then, since.max(event.at));
        }
    }

    /// Whether that was all for the run.
    fn goal(&mut self, nth: usize, event: &Event) -> bool {
        let Some(goal) = self.journey.goal else { return false };
        let run = &self.runs[nth];
        let from = if goal.since_first_send { run.first_send } else { Some(run.entered) };
        let counts = from.is_some_and(|from| event.at >= from && event.at <= from + goal.within);
        if run.goal.is_some() || !counts {
            return false;
        }
        self.runs[nth].goal = Some(event.at);
        match self.runs[nth].place.clone() {
            Place::Watching { ended, reason, .. } => {
                if goal.exits {
                    self.call_off(nth);
                }
                self.gone(nth, ended, reason);
                true
            }
            _ if goal.exits => {
                self.end(nth, "goal");
                true
            }
            _ => false,
        }
    }

    fn enter(&mut self, event: &Event) {
        let key = if self.journey.keyed { event.key } else { None };
        if event.historical || event.at + MAX_AGE < self.now || (self.journey.keyed && key.is_none()) {
            return;
        }
        match (self.journey.again, self.last_entry.get(&key)) {
            (Again::Never, Some(_)) => return,
            (Again::Every(span), Some(last)) if last + span > self.now => return,
            _ => {}
        }
        let same = (0..self.runs.len())
            .find(|nth| self.runs[*nth].key == key && matches!(self.runs[*nth].place, Place::Waiting { .. }));
        if let Some(nth) = same {
            if self.journey.if_running != IfRunning::Restart {
                return;
            }
            self.end(nth, "restarted");
        }
        if self.journey.again != Again::Always {
            self.last_entry.insert(key, self.now);
        }
        let number = self.runs.len() as u32 + 1;
        let (place, sent) = (Place::Gone, Vec::new());
        self.runs.push(Run { number, key, entered: event.at, place, first_send: None, goal: None, sent });
        let steps = self.journey.steps.clone();
        self.walk(self.runs.len() - 1, &steps, event.at);
    }

    fn walk(&mut self, nth: usize, steps: &[Step], clock: Minute) {
        let Some((step, rest)) = steps.split_first() else { return self.end(nth, "completed") };
        let after = |these: &[Step]| these.iter().chain(rest).cloned().collect::<Vec<_>>();
        match step {
            Step::Send(name, guard) => {
                let vip = self.vip.is_some_and(|(vip, _)| vip);
                if guard.is_none_or(|wanted| wanted == vip) {
                    self.runs[nth].first_send.get_or_insert(self.now);
                    self.runs[nth].sent.push(self.messages.len());
                    self.messages.push((self.now, name, self.runs[nth].number, false));
                }
                self.walk(nth, rest, clock);
            }
            Step::Wait(span) => {
                let until = (clock + span).max(self.now);
                self.runs[nth].place =
                    Place::Waiting { until, since: clock, for_event: None, then: rest.to_vec() };
            }
            Step::Repeat(times, every, steps) => {
                let turn = || steps.iter().cloned().chain(every.map(Step::Wait));
                let turns: Vec<Step> = (0..*times).flat_map(|_| turn()).collect();
                self.walk(nth, &after(&turns), clock);
            }
            Step::WaitFor(name, span, then, otherwise) => {
                let until = (clock + span).max(self.now);
                let for_event = Some((*name, after(then)));
                self.runs[nth].place =
                    Place::Waiting { until, since: clock, for_event, then: after(otherwise) };
            }
        }
    }

    fn call_off(&mut self, nth: usize) {
        self.runs[nth].sent.iter().for_each(|message| self.messages[*message].3 = true);
    }

    /// Its walk is over; its goal may still come, and news of that a day late.
    fn end(&mut self, nth: usize, reason: &'static str) {
        if reason != "completed" {
            self.call_off(nth);
        }
        let run = &self.runs[nth];
        let from = self.journey.goal.and_then(|goal| {
            let from = if goal.since_first_send { run.first_send? } else { run.entered };
            Some(from + goal.within + MAX_AGE)
        });
        let open = run.goal.is_none() && reason != "goal" && reason != "restarted";
        match from.filter(|until| open && *until > self.now) {
            Some(until) => self.runs[nth].place = Place::Watching { until, ended: self.now, reason },
            None => self.gone(nth, self.now, reason),
        }
    }

    fn gone(&mut self, nth: usize, ended: Minute, reason: &'static str) {
        let run = &mut self.runs[nth];
        run.place = Place::Gone;
        let (number, key) = (run.number, run.key.unwrap_or("-"));
        let goal = run.goal.map_or(String::new(), |at| format!(", goal at {at}"));
        self.ends.push(format!("{ended:>6} run {number} [{key}] ends {reason}{goal}"));
    }
}
