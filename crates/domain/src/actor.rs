//! The person actor: what one input does to one person. Pure: time and plans are arguments, chance is a hash.

mod call;
mod cause;
mod choose;
pub mod engage;
mod enter;
mod fill;
mod happening;
mod hold;
mod legs;
mod meet;
mod merge;
mod migrate;
mod moment;
mod profile;
mod score;
mod send;
mod tested;
mod timer;
mod told;
mod walk;
mod watch;

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::catalog::{self, Catalog};
use crate::decision::Recorded;
use crate::expr::{Facts, Scope};
use crate::interest::{self, Interest};
use crate::merge::Merge;
use crate::news::Heard;
use crate::person::{EndReason, Handover, HeldOut, Person, Position, Run, SendState, Watching};
use crate::plan::{Goal, Plan, Plans, Since};
use crate::row::{Applied, DecisionRow, EndedRow, Lifted, QueuedRow, RewardRow, StoredEvent};
use crate::{MessageId, Refusal, Refused, ShopTime};

pub use cause::{CAUSED_PER_INPUT, REQUESTED};
pub use happening::{Happening, Unreadable};
pub use timer::give_up;
pub use told::{Asked, Told};

/// How deep events may cause events within one input.
pub const CAUSED_DEPTH: u32 = 32;
/// How many steps a run may take within one input: more than a plan has.
pub const STEPS_PER_INPUT: usize = 1_000;

/// What all people share: journeys, and one numbered view of what changes beside them.
#[derive(Clone, Copy, Debug)]
pub struct Shared<'a> {
    /// The compiled journeys.
    pub plans: &'a Plans,
    /// What is known of products; all that anybody in the batch may ask of.
    pub catalog: &'a dyn Catalog,
    /// Of an input that was applied before: what was chosen then. Learned choices are taken from it, since the models that made
    /// them are others now.
    pub recorded: Option<&'a Recorded>,
}

impl<'a> From<&'a Plans> for Shared<'a> {
    /// With an empty catalog.
    fn from(plans: &'a Plans) -> Self {
        Self { plans, catalog: &catalog::Nothing, recorded: None }
    }
}

/// One input of a person.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Something happened.
    Event(&'a StoredEvent),
    /// Something around them changed, of which many are told.
    News(&'a Heard),
    /// What became of a message.
    Report {
        /// Which.
        message: MessageId,
        /// Whether the channel took it; else it refused it for good.
        accepted: bool,
        /// When.
        at: ShopTime,
    },
    /// They turned out to be somebody else: they are closed, and their state is handed over.
    Close {
        /// Who ends in whom.
        merge: Merge,
        /// When that came through the door.
        at: ShopTime,
    },
    /// Somebody else turned out to be them.
    Take {
        /// Who ends in whom.
        merge: Merge,
        /// When that came through the door.
        at: ShopTime,
        /// What is taken over.
        state: &'a Handover,
    },
    /// The first of the person's timers that is due by a moment, which is not after now. One at a time, so that one that
    /// can't be fired stands alone.
    Timers(ShopTime),
}

/// What an input did, beside changing the person.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Messages to be sent.
    pub queued: Vec<QueuedRow>,
    /// Messages to be cancelled where they have not left.
    pub cancelled: Vec<MessageId>,
    /// Messages that would have been sent to somebody who is held out.
    pub withheld: Vec<QueuedRow>,
    /// Choices.
    pub decisions: Vec<DecisionRow>,
    /// What came of messages that something was chosen for.
    pub rewards: Vec<RewardRow>,
    /// Whether a choice had to be made again that is not among those recorded.
    pub unrecorded: bool,
    /// Runs that are over.
    pub ended: Vec<EndedRow>,
    /// What was refused.
    pub refusals: Vec<Refusal>,
    /// Suppressions that hold no longer.
    pub lifted: Vec<Lifted>,
    /// The state of somebody who was closed.
    pub handed: Option<Box<Handover>>,
    /// Runs that came with the state of somebody else: their old numbers and their new ones.
    pub moved: Vec<(u32, u32)>,
    /// Journeys in which the person may have been in two options.
    pub mixed: Vec<Arc<str>>,
    /// What they said of products by what they did, where a journey wants to know.
    pub interests: Vec<(Arc<str>, Interest)>,
}

/// Applies one input. `told`, where given, hears of every condition asked and every move made: for `why`.
///
/// # Errors
/// [`Unreadable`] where an event's payload is none; the person is unchanged then.
pub fn step<'a>(
    shared: impl Into<Shared<'a>>,
    person: &'a mut Person,
    input: Input<'a>,
    now: ShopTime,
    told: Option<&'a mut Vec<Told>>,
) -> Result<Outcome, Unreadable> {
    let Shared { plans, catalog, recorded } = shared.into();
    let event = match input {
        Input::Event(event) => Some(Happening::read(event)?),
        Input::News(heard) => Some(Happening::of_news(person.id, heard)),
        Input::Report { .. } | Input::Timers(_) | Input::Close { .. } | Input::Take { .. } => None,
    };
    let zone = zone_of(person, plans);
    let mut actor = Actor {
        plans,
        catalog,
        person,
        now,
        zone,
        told,
        recorded,
        outcome: Outcome::default(),
        caused: VecDeque::new(),
        depth: 0,
        changed: false,
        called_off: Vec::new(),
        past: None,
    };
    let (at, historical) = event.as_ref().map_or((now, false), |event| (event.at, event.historical));
    actor.migrate();
    actor.watch_anew();
    match (input, event) {
        (_, Some(event)) => actor.event(event),
        (Input::Report { message, accepted, at }, _) => actor.report(message, accepted, at),
        (Input::Timers(until), _) => actor.timer(until),
        (Input::Close { merge, .. }, _) => actor.close(merge.winner),
        (Input::Take { state, .. }, _) => actor.take(state),
        (Input::Event(_) | Input::News(_), None) => {}
    }
    actor.settle();
    actor.watch_all(at, historical);
    actor.person.n += 1;
    Ok(actor.outcome)
}

impl Input<'_> {
    /// As the journal has it.
    pub fn applied(&self) -> Applied {
        match *self {
            Self::Event(event) => Applied::Event(event.id),
            Self::News(heard) => Applied::News { news: heard.news.id, at: heard.news.occurred_at },
            Self::Report { message, accepted, at } => Applied::Report { message, accepted, at },
            Self::Timers(until) => Applied::Timer(until),
            Self::Close { merge, at } => Applied::Closed { merge, at },
            Self::Take { merge, at, .. } => Applied::Taken { merge, at },
        }
    }
}

fn zone_of(person: &Person, plans: &Plans) -> TimeZone {
    let known = person.hot.zone.as_ref().and_then(|(name, _)| TimeZone::get(name).ok());
    known.unwrap_or_else(|| plans.policies.zone.clone())
}

/// One input at work.
struct Actor<'a> {
    plans: &'a Plans,
    catalog: &'a dyn Catalog,
    person: &'a mut Person,
    now: ShopTime,
    /// The person's zone, else the shop's.
    zone: TimeZone,
    told: Option<&'a mut Vec<Told>>,
    /// Where it was applied before: what was chosen then.
    recorded: Option<&'a Recorded>,
    outcome: Outcome,
    /// Events that this input caused and that are to be applied with it, and how deep.
    caused: VecDeque<(Happening<'a>, u32)>,
    /// How deep the event at hand is; 0 of what nothing caused, and of what is no event.
    depth: u32,
    /// Whether a step has changed the profile since conditions were asked last.
    changed: bool,
    /// Messages that the event at hand called off: their runs go on without them.
    called_off: Vec<MessageId>,
    /// What is asked of the event at hand where it has happened before, to the same person under another id.
    past: Option<Past>,
}

/// What is asked of an event that happened to somebody before they turned out to be the same person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Past {
    /// Whether it ends a run.
    Ends,
    /// Everything.
    Everything,
}

impl<'a> Actor<'a> {
    /// An event and all that it causes.
    fn event(&mut self, event: Happening<'a>) {
        self.caused.push_back((event, 0));
        self.settle();
    }

    /// Everything that is caused by now, and by that; then whoever waits for what a step has changed.
    fn settle(&mut self) {
        let mut events = 0;
        loop {
            while let Some((event, depth)) = self.caused.pop_front() {
                events += 1;
                if depth > CAUSED_DEPTH || events > CAUSED_PER_INPUT {
                    self.refuse(event.name.clone(), Refused::TooDeep);
                    continue;
                }
                self.depth = depth;
                self.happens(&event, depth);
            }
            if !std::mem::take(&mut self.changed) {
                self.depth = 0;
                return;
            }
            self.meet_all(None);
        }
    }

    fn happens(&mut self, event: &Happening<'_>, depth: u32) {
        self.profile(event, depth);
        if depth == 0 && self.plans.keeps_interest() {
            self.outcome.interests.extend(interest::words(event));
        }
        self.remember_met(event);
        self.meet_all(Some(event));
        self.go_on_without();
        self.enter(event);
    }

    /// The scope of a question about a run, or about the person alone.
    fn scope<'s>(&'s self, event: Option<&'s Happening>, run: Option<&'s Run>) -> Scope<'s> {
        self.scope_of(event.map(Happening::facts), run)
    }

    fn scope_of<'s>(&'s self, event: Option<Facts<'s>>, run: Option<&'s Run>) -> Scope<'s> {
        Scope {
            person: self.person,
            now: self.now,
            zone: &self.zone,
            segments: &self.plans.segments,
            policies: &self.plans.policies,
            catalog: self.catalog,
            event,
            run,
            element: None,
            item: None,
            depth: 0,
        }
    }

    fn refuse(&mut self, of: Arc<str>, reason: Refused) {
        self.outcome.refusals.push(Refusal { of, reason });
    }

    /// The version a run is pinned to; without it the run can't go on, and ends.
    fn plan_of(&mut self, nth: usize) -> Option<Arc<Plan>> {
        let run = self.person.runs.get(nth)?;
        let plan = self.plans.version(run.plan).cloned();
        if plan.is_none() {
            match run.position.clone() {
                Position::Watching(watching) => self.finish(nth, watching.ended_at, watching.reason),
                Position::At { .. } => self.end(nth, None, EndReason::Failed),
            }
        }
        plan
    }

    /// Ends a run's walk. Where its goal may still be reached it goes on watching for that, but for one that another run of
    /// the same key takes the place of: its goal is the other's. So it does where a message may yet turn out not to have
    /// reached the person, and another channel is left.
    fn end(&mut self, nth: usize, plan: Option<&Plan>, reason: EndReason) {
        self.told_end(nth, &reason);
        let now = self.now;
        let calls_off = matches!(
            reason,
            EndReason::Goal
                | EndReason::Exit
                | EndReason::Restarted
                | EndReason::LaneTaken
                | EndReason::Merged
                | EndReason::Held
                | EndReason::Migrated
        );
        if calls_off {
            self.call_off_queued(nth);
        }
        let Some(run) = self.person.runs.get(nth) else { return };
        let open = run.goal.is_none()
            && !matches!(reason, EndReason::Goal | EndReason::Restarted | EndReason::Merged);
        let goal = plan.filter(|_| open).and_then(|plan| watched_until(plan, run, &self.zone));
        let legs = plan.and_then(|plan| self.legs_until(nth, plan, &reason));
        let Some(run) = self.person.runs.get_mut(nth) else { return };
        match goal.max(legs).filter(|until| *until > now) {
            Some(until) => {
                run.position = Position::Watching(Watching { ended_at: now, reason, until });
                run.dirty = true;
            }
            None => self.finish(nth, now, reason),
        }
    }

    /// What a run has queued and what has not left yet does not leave any more.
    fn call_off_queued(&mut self, nth: usize) {
        let Some(run) = self.person.runs.get(nth) else { return };
        let queued = run.results.iter().filter(|(_, result)| result.state == SendState::Queued);
        for message in queued.filter_map(|(_, result)| result.message) {
            self.person.hot.underway.retain(|underway| underway.message != message);
            // Unless the event itself has called it off, or one before it.
            if !self.called_off.contains(&message) && !self.outcome.cancelled.contains(&message) {
                self.outcome.cancelled.push(message);
            }
        }
    }

    /// Takes a run away; it leaves its row among the ended.
    fn finish(&mut self, nth: usize, ended_at: ShopTime, reason: EndReason) {
        let run = self.person.runs.remove(nth);
        let worth = run.goal.as_ref().and_then(|goal| self.plans.policies.rates.worth(&goal.value));
        self.outcome.ended.push(EndedRow {
            person: self.person.id,
            number: run.number,
            journey: run.journey.clone(),
            plan: run.plan,
            key: run.key.clone(),
            started_at: run.started_at,
            entered_at: run.entry.at,
            ended_at,
            reason: reason.to_string(),
            held_out: match run.held_out {
                HeldOut::No => 0,
                HeldOut::Global => 1,
                HeldOut::Journey => 2,
            },
            first_send: run.first_send,
            goal_at: run.goal.as_ref().map(|goal| goal.at),
            goal_value: worth,
            stored: run.stored,
            state: crate::person::encode_run(&run),
        });
    }
}

/// Until when a goal counts for a run; `None` where it has no time of its own, or nothing was sent yet.
fn goal_until(goal: &Goal, run: &Run, zone: &TimeZone) -> Option<ShopTime> {
    let from = match goal.since {
        Since::Entry => run.entry.at,
        Since::FirstSend => run.first_send?,
    };
    Some(goal.within?.after(from, zone))
}

/// Until when a goal is watched for: as long as it counts, and then as long as news of it may come late.
fn watched_until(plan: &Plan, run: &Run, zone: &TimeZone) -> Option<ShopTime> {
    let until = goal_until(plan.goal.as_ref()?, run, zone)?;
    Some(plan.enter.max_age.after(until, zone))
}

#[cfg(test)]
mod tests;
