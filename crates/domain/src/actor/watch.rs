//! What begins runs without an event: somebody comes into a segment or leaves it, a date of theirs comes round, the calendar
//! says so. It is looked at after everything that happens to them, and by a timer of theirs when time alone may change it.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{Actor, Happening};
use crate::digest::first_128;
use crate::draw::draw;
use crate::expr::Scope;
use crate::person::{Mark, Seen};
use crate::plan::{Anniversary, Plan, Watch, Watched};
use crate::value::Value;
use crate::{EventId, Refused, ShopTime};

/// How often what a beginning changes may begin something else within one input.
const ROUNDS: usize = 8;

impl Actor<'_> {
    /// What is watched from this input on. Who is in a segment already has not come into it, unless the journey wants them too;
    /// of somebody of whom nothing was known nothing held.
    pub(super) fn watch_anew(&mut self) {
        let plans = self.plans;
        self.person.hot.watched.retain(|seen| plans.remembers(seen.of));
        for (of, plan) in plans.watches() {
            let Some(watch) = &plan.enter.watch else { continue };
            if self.person.merged_into.is_some() || self.person.hot.watched.iter().any(|seen| seen.of == *of)
            {
                continue;
            }
            let wanted = matches!(watch.what, Watched::Entered { existing: true, .. });
            let inside = self.person.n > 0 && !wanted && self.is_inside(watch);
            self.person.hot.watched.push(Seen { of: *of, inside, due: None });
        }
    }

    fn is_inside(&self, watch: &Watch) -> bool {
        watch.what.segment().is_some_and(|segment| self.scope(None, None).in_segment(segment))
    }

    /// After an input: who has come into a segment, or left it; then when it is to be looked at again. `at` is when what was
    /// applied happened.
    pub(super) fn watch_all(&mut self, at: ShopTime, historical: bool) {
        if self.person.hot.watched.is_empty() {
            return;
        }
        for _ in 0..ROUNDS {
            if !self.turned(at, historical) {
                break;
            }
            self.settle();
        }
        let plans = self.plans;
        for nth in 0..self.person.hot.watched.len() {
            let seen = &self.person.hot.watched[nth];
            let due = match plans.watch(seen.of) {
                // What is due and was not looked at yet stays so.
                Some(_) if seen.due.is_some_and(|due| due <= self.now) => continue,
                Some(plan) => self.due_after(plan, self.now),
                None => None,
            };
            self.person.hot.watched[nth].due = due;
        }
    }

    /// Whether anybody came or left.
    fn turned(&mut self, at: ShopTime, historical: bool) -> bool {
        let plans = self.plans;
        let mut turned = false;
        for nth in 0..self.person.hot.watched.len() {
            let (of, inside) = (self.person.hot.watched[nth].of, self.person.hot.watched[nth].inside);
            let Some(plan) = plans.watch(of) else { continue };
            let Some(watch) = &plan.enter.watch else { continue };
            let Some(segment) = watch.what.segment() else { continue };
            if self.is_inside(watch) == inside {
                continue;
            }
            turned = true;
            self.person.hot.watched[nth].inside = !inside;
            if matches!(watch.what, Watched::Left { .. }) == inside {
                let properties = Value::record([("segment", Value::Text(segment.clone()))]);
                self.begins(plan, of, at, historical, properties);
            }
        }
        turned
    }

    /// A timer of what is watched.
    pub(super) fn watch_due(&mut self, nth: usize) {
        let plans = self.plans;
        let seen = &mut self.person.hot.watched[nth];
        let (of, Some(due)) = (seen.of, seen.due.take()) else { return };
        let Some(plan) = plans.watch(of) else { return };
        let Some(watch) = &plan.enter.watch else { return };
        let just_before = due.saturating_add(SignedDuration::from_micros(-1));
        let properties = match &watch.what {
            // Who came or left is seen after each input.
            Watched::Entered { .. } | Watched::Left { .. } => return,
            Watched::Date(anniversary) => match self.anniversary(anniversary, just_before) {
                Some((begins, date)) if begins == due => Value::record([("date", Value::Time(date))]),
                // The date is another by now.
                _ => return,
            },
            Watched::Every { .. } => Value::record([("scheduled", Value::Time(due))]),
        };
        if self.is_late(plan, due) {
            return self.refuse(plan.name.clone(), Refused::Late);
        }
        let at = self.on_time(due);
        self.begins(plan, of, at, false, properties);
    }

    /// A run begins, unless what holds for every beginning forbids it.
    fn begins(&mut self, plan: &Arc<Plan>, of: Mark, at: ShopTime, historical: bool, properties: Value) {
        let Some(watch) = &plan.enter.watch else { return };
        let (who, when) = (self.person.id.0.to_be_bytes(), at.as_microsecond().to_be_bytes());
        let bits = first_128(&[b"watched", &of, &who, &when]);
        let id = EventId(uuid::Uuid::new_v8(bits.to_be_bytes()));
        let mut event = Happening::of_timer(id, watch.what.event(), at, properties);
        event.historical = historical;
        self.enter_at_once(plan, &event);
    }

    /// When it is to be looked at again though nothing happens.
    fn due_after(&self, plan: &Plan, after: ShopTime) -> Option<ShopTime> {
        let watch = plan.enter.watch.as_ref()?;
        match &watch.what {
            Watched::Entered { segment, .. } | Watched::Left { segment } => {
                let scope: Scope<'_> = self.scope(None, None);
                self.plans.segments.turn(segment)?.next(&scope)
            }
            Watched::Date(anniversary) => self.anniversary(anniversary, after).map(|(begins, _)| begins),
            Watched::Every { rhythm, spread } => {
                let place = spread.map_or(SignedDuration::ZERO, |spread| {
                    let share = draw(self.person.assignment_key, &[&plan.seed, "spread"]);
                    let micros = spread.nominal().as_micros() as f64 * share;
                    SignedDuration::from_micros(micros as i64)
                });
                let next = rhythm.next(after.saturating_add(-place), &self.zone)?;
                Some(next.saturating_add(place))
            }
        }
    }

    fn anniversary(&self, anniversary: &Anniversary, after: ShopTime) -> Option<(ShopTime, ShopTime)> {
        let date = anniversary.date.compiled.value(&self.scope(None, None));
        anniversary.next(&date, after, &self.zone)
    }
}
