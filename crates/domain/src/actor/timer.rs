//! What comes due.

use super::{Actor, watched_until};
use crate::ShopTime;
use crate::person::{EndReason, Person, Position, Run, Waiting, Watching};
use crate::plan::{Plan, Plans, Send, Step};
use crate::value::Span;

/// How late a timer may be noticed and count as on time.
const ON_TIME: Span = Span::minutes(5);

/// What of a person comes due: a run, a start that is awaited, a click that is provisional, something that is watched, by
/// its place.
enum Item {
    Run(usize),
    Pending(usize),
    Click(usize),
    Watched(usize),
}

/// The first of a person's timers that is due by a moment: in the order of those, of the same the higher priority first.
fn first_due(plans: &Plans, person: &Person, until: ShopTime) -> Option<Item> {
    let rank = |priority: Option<u8>| 100 - priority.map_or(0, |priority| priority.min(100));
    let of_run = |run: &Run| plans.version(run.plan).map(|plan| run.priority(plan));
    let runs = person.runs.iter().enumerate().filter_map(|(nth, run)| {
        let due = run.due().filter(|due| *due <= until)?;
        Some(((due, rank(of_run(run)), run.number), Item::Run(nth)))
    });
    let pending = person.hot.pending.iter().enumerate().filter_map(|(nth, pending)| {
        let priority = plans.live(&pending.journey).map(|plan| plan.priority);
        let order = (pending.due, rank(priority), u32::MAX);
        (pending.due <= until).then_some((order, Item::Pending(nth)))
    });
    let clicks = person
        .hot
        .clicks
        .iter()
        .enumerate()
        .filter_map(|(nth, click)| (click.due <= until).then_some(((click.due, 0, 0), Item::Click(nth))));
    let watched = person.hot.watched.iter().enumerate().filter_map(|(nth, seen)| {
        let due = seen.due.filter(|due| *due <= until)?;
        let priority = plans.watch(seen.of).map(|plan| plan.priority);
        Some(((due, rank(priority), u32::MAX), Item::Watched(nth)))
    });
    runs.chain(pending).chain(clicks).chain(watched).min_by_key(|(order, _)| *order).map(|(_, item)| item)
}

/// Gives up the first timer that is due by a moment, because it can't be fired: a start is forgotten; a run ends as failed,
/// by a timer that asks nothing and is due at once.
pub fn give_up(plans: &Plans, person: &mut Person, until: ShopTime, now: ShopTime) {
    match first_due(plans, person, until) {
        None => {}
        Some(Item::Pending(nth)) => {
            person.hot.pending.remove(nth);
        }
        Some(Item::Click(nth)) => {
            person.hot.clicks.remove(nth);
        }
        Some(Item::Watched(nth)) => person.hot.watched[nth].due = None,
        Some(Item::Run(nth)) => {
            let run = &mut person.runs[nth];
            let watching =
                Watching { ended_at: now, reason: EndReason::Failed, until: run.due().unwrap_or(now) };
            run.position = Position::Watching(watching);
            (run.goal, run.dirty) = (None, true);
        }
    }
}

impl Actor<'_> {
    /// What is due first by `until`.
    pub(super) fn timer(&mut self, until: ShopTime) {
        match first_due(self.plans, self.person, until) {
            Some(Item::Run(nth)) => self.run_due(nth),
            Some(Item::Pending(nth)) => {
                let pending = self.person.hot.pending.remove(nth);
                self.silence_over(pending);
            }
            Some(Item::Click(nth)) => self.decide_click(nth),
            Some(Item::Watched(nth)) => self.watch_due(nth),
            None => {}
        }
    }

    /// A moment of a run's own clock, from which it goes on: that moment while it is near, so that `wait: 1d` after 09:00 is
    /// 09:00 again and not the milliseconds later at which it was noticed; after an outage the present, so that what was to
    /// be days apart does not follow at once.
    pub(super) fn on_time(&self, moment: ShopTime) -> ShopTime {
        if self.now.since(moment) <= ON_TIME.nominal() { moment } else { self.now }
    }

    fn run_due(&mut self, nth: usize) {
        let Some(plan) = self.plan_of(nth) else { return };
        let clock = self.on_time(self.person.runs[nth].due().unwrap_or(self.now));
        let (step, reached, waiting) = match self.person.runs[nth].position.clone() {
            Position::Watching(watching) => return self.finish(nth, watching.ended_at, watching.reason),
            Position::At { step, reached, waiting } => (step, reached, waiting),
        };
        let Some(index) = plan.node(&step) else {
            return self.end(nth, Some(&plan), EndReason::Failed);
        };
        if self.leaves(nth, &plan) {
            return;
        }
        let node = &plan.nodes[index];
        if let Waiting::Held { by, .. } = waiting {
            return self.held_long_enough(nth, &plan, by, clock);
        }
        if let (Waiting::Moment { .. } | Waiting::Best { .. }, Some(held)) =
            (&waiting, self.held(nth, &plan, true))
        {
            let run = &mut self.person.runs[nth];
            run.position = Position::At { step, reached, waiting: held };
            run.dirty = true;
            return;
        }
        let next = match (waiting, &node.step) {
            (Waiting::Moment { deadline, .. } | Waiting::Best { deadline, .. }, Step::Send(send)) => {
                return self.resume_send(nth, &plan, node, send, (reached, clock), deadline);
            }
            (Waiting::Escalate { message, .. }, Step::Send(_)) => {
                return self.escalates(nth, &plan, node, message, clock);
            }
            // The last question is asked when the time is up.
            (Waiting::Until(_), Step::WaitFor { branches, .. }) => {
                let won = self.branch(nth, &plan, index, branches, None);
                won.unwrap_or(node.otherwise.or(node.next))
            }
            // What follows a turn is over.
            (Waiting::Until(_), Step::Repeat { .. }) => self.next_turn(nth, &plan, node),
            (Waiting::Report { message, .. }, Step::Call(_)) => {
                return self.unanswered(nth, &plan, node, message);
            }
            // A wait that is over; a report that did not come: the message is taken as sent.
            (
                Waiting::Until(_)
                | Waiting::Report { .. }
                | Waiting::Moment { .. }
                | Waiting::Escalate { .. }
                | Waiting::Held { .. }
                | Waiting::Best { .. },
                _,
            ) => node.next,
        };
        self.walk(nth, &plan, next, clock);
    }

    /// The person's zone has changed: what hangs on the clock there comes due by the new one, though never before now.
    pub(super) fn rearm(&mut self) {
        for nth in 0..self.person.runs.len() {
            let run = &self.person.runs[nth];
            let Some(plan) = self.plans.version(run.plan) else { continue };
            if let Some(position) = self.moved(plan, run) {
                let run = &mut self.person.runs[nth];
                run.position = position;
                run.dirty = true;
            }
        }
        for pending in &mut self.person.hot.pending {
            let idle = self.plans.live(&pending.journey).and_then(|plan| plan.enter.idle);
            if let Some(idle) = idle {
                pending.due = idle.after(pending.since, &self.zone).max(self.now);
            }
        }
    }

    /// Where a run stands by the person's new clock, if that moves it.
    fn moved(&self, plan: &Plan, run: &Run) -> Option<Position> {
        let (step, reached, waiting) = match &run.position {
            Position::At { step, reached, waiting } => (step, *reached, waiting),
            Position::Watching(watching) => {
                let goal = watched_until(plan, run, &self.zone).filter(|_| run.goal.is_none());
                let nth = self.person.runs.iter().position(|known| known.number == run.number)?;
                let legs = self.legs_until(nth, plan, &watching.reason);
                let until = goal.max(legs)?.max(self.now);
                return Some(Position::Watching(Watching { until, ..watching.clone() }));
            }
        };
        let node = &plan.nodes[plan.node(step)?];
        let waiting = match (waiting, &node.step) {
            (
                Waiting::Until(_),
                Step::Wait(span)
                | Step::WaitFor { within: span, .. }
                | Step::Repeat { every: Some(span), .. },
            ) => Waiting::Until(span.after(reached, &self.zone).max(self.now)),
            (Waiting::Until(_), Step::WaitUntil(when)) => {
                Waiting::Until(when.next(self.now, &self.zone).max(self.now))
            }
            // Asked again at once: the quiet hours may be over where they are now.
            (Waiting::Moment { by, .. }, Step::Send(send)) => {
                let deadline = send.within.after(reached, &self.zone);
                Waiting::Moment { again: self.now, deadline, by: *by }
            }
            (Waiting::Best { .. }, Step::Send(Send { at: Some(when), within, .. })) => {
                let at = when.next(self.now, &self.zone).max(self.now);
                Waiting::Best { at, deadline: within.after(at, &self.zone) }
            }
            // The hour was chosen; only its deadline hangs on the clock.
            (Waiting::Best { at, .. }, Step::Send(send)) => {
                let deadline = send.within.after(reached, &self.zone);
                Waiting::Best { at: (*at).min(deadline).max(self.now), deadline }
            }
            _ => return None,
        };
        Some(Position::At { step: step.clone(), reached, waiting })
    }
}
