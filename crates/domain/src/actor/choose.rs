//! What a send leaves open, chosen: its hour (`at: best`), its channel (`best_of`); and what comes of it, which models learn from.

use std::sync::Arc;

use jiff::SignedDuration;

use super::Actor;
use super::moment::Route;
use super::send::{Ready, step_of};
use crate::decision::{Answer, Belief, ChannelAsked, Choice, Floor, Hour, HourAsked, Recency, Rule};
use crate::decision::{floored, pick, propensities};
use crate::draw::draw;
use crate::expr::Scope;
use crate::person::FeatureKey;
use crate::plan::{Channel, Node, Plan, Send};
use crate::row::{DecisionRow, RewardRow};
use crate::{MessageId, ShopTime};

/// How many hours are chosen among at most: two days of them. Where more are eligible, those of which most is believed.
pub const HOUR_OPTIONS: usize = 48;
/// How far ahead an hour is looked for at most: each hour of the week comes once.
const AHEAD_HOURS: i64 = 7 * 24;

/// One choice to be made.
struct Question<'q> {
    nth: usize,
    plan: &'q Plan,
    node: &'q Node,
    what: Choice,
    floor: Floor,
    /// Eligible ones, the one of the simple rule first where it takes one.
    options: Vec<Arc<str>>,
}

/// What decides it.
struct Verdict {
    answer: Answer,
    /// The simple rule's shares.
    simple: Vec<f64>,
    /// The cohort, where it is known without a model.
    cohort: &'static str,
    /// What was known of the person: more than the model's cohort.
    known: Vec<(&'static str, u64)>,
}

impl Actor<'_> {
    /// The channel of a message, of those that reach the person and are free: the first, or where it is chosen the one that is
    /// drawn.
    pub(super) fn best_channel(
        &mut self,
        nth: usize,
        plan: &Plan,
        node: &Node,
        choosing: bool,
        mut ready: Vec<Ready>,
    ) -> Ready {
        let mut taken = 0;
        if choosing {
            let options = ready.iter().map(|(channel, ..)| channel.name().into()).collect();
            let question =
                Question { nth, plan, node, what: Choice::Channel, floor: Floor::CHANNEL, options };
            let channels: Vec<Channel> = ready.iter().map(|(channel, ..)| *channel).collect();
            taken = self.decide(&question, |actor| {
                let recency = Recency::of(actor.person.hot.last_seen, actor.now);
                let asked = ChannelAsked {
                    journey: &plan.name,
                    step: &node.id,
                    recency,
                    channels: &channels,
                    now: actor.now,
                };
                let answer = actor.plans.models.channels(&asked);
                Verdict {
                    answer,
                    simple: vec![1.0; channels.len()],
                    cohort: recency.name(),
                    known: Vec::new(),
                }
            });
        }
        // The caller has found one at least, and what is taken is one of them.
        ready.swap_remove(taken.min(ready.len().saturating_sub(1)))
    }

    /// The moment of a message that waits for its best hour; `None` where it goes on at once: because that is the hour, because
    /// its guard is false now, or because no hour of its window is free.
    pub(super) fn best_moment(
        &mut self,
        nth: usize,
        plan: &Plan,
        node: &Node,
        send: &Send,
        deadline: ShopTime,
    ) -> Option<ShopTime> {
        if let Some(guard) = &node.guard {
            let with = self.with(nth, &send.with);
            let scope = self.scope(None, self.person.runs.get(nth));
            // Asked aloud by whoever refuses it.
            if !guard.compiled.holds(&Scope { element: Some(&with), ..scope }) {
                return None;
            }
        }
        let window = self.window(nth, plan, node, send, deadline);
        if window.is_empty() {
            return None;
        }
        let options = window.iter().map(|(hour, _)| hour.to_string().into()).collect();
        let question = Question { nth, plan, node, what: Choice::SendTime, floor: Floor::HOUR, options };
        let taken = self.decide(&question, |actor| {
            let active = actor.active();
            let hours: Vec<Hour> = window.iter().map(|(hour, _)| *hour).collect();
            let asked = HourAsked { active: &active, hours: &hours, now: actor.now };
            // The first is the present hour, where that is free.
            let simple = (0..hours.len()).map(|nth| f64::from(u8::from(nth == 0))).collect();
            let known = vec![("active_hours", active.len() as u64)];
            Verdict { answer: actor.plans.models.hours(&asked), simple, cohort: "", known }
        });
        window.get(taken).map(|(_, at)| *at).filter(|at| *at > self.now)
    }

    /// The hours in which a message may go until its deadline, each with the moment in it at which it would: spread over the hour,
    /// so that not all leave as it strikes. The present hour is now. Each hour of the week once.
    fn window(
        &mut self,
        nth: usize,
        plan: &Plan,
        node: &Node,
        send: &Send,
        deadline: ShopTime,
    ) -> Vec<(Hour, ShopTime)> {
        const HOUR: i64 = 3600;
        let run = self.person.runs[nth].number.to_string();
        let spread = draw(self.person.assignment_key, &[&plan.seed, "spread", &run, &node.id]);
        let local = self.zone.to_datetime(self.now.timestamp());
        let into = i64::from(local.minute()) * 60 + i64::from(local.second());
        let later = |hours: i64| {
            let seconds = hours * HOUR - into + (spread * HOUR as f64) as i64;
            self.now.saturating_add(SignedDuration::from_secs(seconds))
        };
        let moments: Vec<ShopTime> = std::iter::once(self.now).chain((1..AHEAD_HOURS).map(later)).collect();
        let mut window: Vec<(Hour, ShopTime)> = Vec::new();
        for at in moments.into_iter().take_while(|at| *at <= deadline) {
            let hour = Hour::of(at, &self.zone);
            // A clock that is put back strikes an hour twice.
            if window.iter().all(|(known, _)| *known != hour) && self.free_at(plan, send, at) {
                window.push((hour, at));
            }
        }
        window
    }

    /// Whether a channel would be free at a later moment, as far as it is known now: the same rules, asked as of then.
    fn free_at(&mut self, plan: &Plan, send: &Send, at: ShopTime) -> bool {
        let now = std::mem::replace(&mut self.now, at);
        let free = matches!(self.route(plan, send, &[]), Route::Free(_));
        self.now = now;
        free
    }

    /// Hours in which the person was active, on their present clock, each with how many days ago.
    fn active(&self) -> Vec<(Hour, f64)> {
        let Some(counter) = self.person.features.get(&FeatureKey::activity()) else { return Vec::new() };
        let days = |at: ShopTime| self.now.since(at).as_secs_f64() / 86_400.0;
        counter.recent.iter().map(|hour| (Hour::of(hour.at, &self.zone), days(hour.at))).collect()
    }

    /// Makes a choice and logs it; where it was made before, it is as it was. Its place among the options.
    fn decide(&mut self, question: &Question<'_>, ask: impl FnOnce(&Self) -> Verdict) -> usize {
        let run = &self.person.runs[question.nth];
        let (number, step) = (run.number, &question.node.id);
        let visit = question.plan.visit(&run.turns);
        if let Some(recorded) = self.recorded {
            let row = recorded.of(number, step, visit, question.what);
            let taken = row.and_then(|row| question.options.iter().position(|option| *option == row.choice));
            self.outcome.unrecorded |= taken.is_none();
            self.outcome.decisions.extend(row.cloned());
            return taken.unwrap_or(0);
        }
        let withheld = self.is_withheld(question.nth, question.plan, question.node);
        let message = MessageId::new(self.person.id, number, run.started_at, step, visit, 1);
        let Verdict { answer, simple, cohort: known_cohort, known } = ask(self);
        let (rule, snapshot, cohort, shares) = match answer {
            Answer::Beliefs { snapshot, beliefs, cohort } if beliefs.len() == question.options.len() => {
                let among = likeliest(&beliefs, HOUR_OPTIONS);
                let kept: Vec<Belief> = among.iter().map(|nth| beliefs[*nth]).collect();
                let shares = among.into_iter().zip(propensities(&kept, question.floor)).collect();
                (Rule::Learned, snapshot, cohort, shares)
            }
            // A model that answers something else than was asked is none.
            Answer::Beliefs { .. } => (Rule::NoModel, 0, known_cohort, shares_of(&simple)),
            Answer::Simple(rule) => (rule, 0, known_cohort, shares_of(&simple)),
        };
        let (places, propensities): (Vec<usize>, Vec<f64>) = shares.into_iter().unzip();
        let purpose =
            [&question.plan.seed, question.what.name(), &number.to_string(), step, &visit.to_string()];
        let drawn = draw(self.person.assignment_key, &purpose);
        let Some(taken) = pick(&propensities, drawn).and_then(|nth| places.get(nth).copied()) else {
            return 0;
        };
        self.outcome.decisions.push(DecisionRow {
            person: self.person.id,
            run: number,
            journey: question.plan.name.clone(),
            step: step.clone(),
            visit,
            at: self.now,
            options: places.iter().map(|nth| question.options[*nth].clone()).collect(),
            choice: question.options[taken].clone(),
            propensities,
            what: question.what,
            rule,
            snapshot,
            message: (!withheld).then_some(message),
            features: features(cohort, &known),
        });
        taken
    }

    /// A human clicked: where anything is learned, what was chosen for that message may have been right.
    pub(super) fn clicked(&mut self, message: MessageId, at: ShopTime) {
        if self.plans.learns {
            let person = self.person.id;
            self.outcome.rewards.push(RewardRow { person, message, goal: false, at, value: None });
        }
    }

    /// A run's goal is reached: so may be what was chosen for its messages.
    pub(super) fn goal_rewards(&mut self, nth: usize, plan: &Plan) {
        let run = &self.person.runs[nth];
        let Some(goal) = &run.goal else { return };
        let value = self.plans.policies.rates.worth(&goal.value);
        let learned = |name: &str| plan.learned().any(|(step, _)| step.as_ref() == step_of(name));
        let legs = run.results.iter().filter(|(name, _)| learned(name));
        let messages = legs.filter_map(|(_, result)| result.message);
        let (person, at) = (self.person.id, goal.at);
        let rewards = messages.map(|message| RewardRow { person, message, goal: true, at, value });
        self.outcome.rewards.extend(rewards);
    }
}

/// All options with the simple rule's shares, which may be 0.
fn shares_of(simple: &[f64]) -> Vec<(usize, f64)> {
    floored(simple, Floor { each: 0.0, total: 0.0 }).into_iter().enumerate().collect()
}

/// The places of the options of which most is believed, at most so many, in their own order.
fn likeliest(beliefs: &[Belief], most: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..beliefs.len()).collect();
    if places.len() > most {
        places.sort_by(|a, b| beliefs[*b].mean().total_cmp(&beliefs[*a].mean()).then(a.cmp(b)));
        places.truncate(most);
        places.sort_unstable();
    }
    places
}

/// What was known of the person, as a JSON object.
fn features(cohort: &str, known: &[(&str, u64)]) -> Arc<str> {
    let mut features = serde_json::Map::new();
    if !cohort.is_empty() {
        features.insert("cohort".to_owned(), cohort.into());
    }
    features.extend(known.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())));
    serde_json::Value::Object(features).to_string().into()
}

#[cfg(test)]
mod tests;
