//! When a message may go, and by which channel: consent, reach, blackouts, quiet hours, caps, the minimum gap.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::Actor;
use super::send::topic;
use crate::person::{Sent, mark};
use crate::plan::{BlackoutEnd, Channel, Days, Hours, JourneyKind, Plan, Rate, Send, When};
use crate::{Refused, ShopTime};

/// What keeps a message back, and until when.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) by: Refused,
    pub(super) until: ShopTime,
}

/// Where a message may go now.
pub(super) enum Route {
    /// By the first of these channels, to its address; where one of them is to be chosen, by any of them.
    Free(Vec<(Channel, Arc<str>)>),
    /// Not before.
    Later(Block),
    /// By none.
    Never(Refused),
}

impl Actor<'_> {
    /// The first channel, in the step's order, that reaches the person and is free now, of `best_of` all of those; else when
    /// the first of them is. Those by which the step has spoken already are passed over.
    pub(super) fn route(&self, plan: &Plan, send: &Send, tried: &[Channel]) -> Route {
        let marketing = plan.kind == JourneyKind::Marketing;
        let mut why_none = Refused::NoConsent;
        let mut earliest: Option<Block> = None;
        let mut free = Vec::new();
        for channel in send.channels.iter().filter(|channel| !tried.contains(channel)) {
            let address = match self.reachable_by(plan, send, *channel) {
                Ok(address) => address,
                // What is wrong with an address says more than that it was never allowed.
                Err(Refused::NoConsent) => continue,
                Err(reason) => {
                    why_none = reason;
                    continue;
                }
            };
            match self.block(plan, send, *channel, marketing, !tried.is_empty()) {
                Err(never) => return Route::Never(never),
                Ok(None) => {
                    free.push((*channel, address));
                    if !send.best_of {
                        break;
                    }
                }
                Ok(Some(block)) => {
                    if earliest.is_none_or(|earliest| block.until < earliest.until) {
                        earliest = Some(block);
                    }
                }
            }
        }
        if !free.is_empty() {
            return Route::Free(free);
        }
        earliest.map_or(Route::Never(why_none), Route::Later)
    }

    /// By which address a channel reaches the person, whenever that may be; or why it does not. Whoever chooses among channels
    /// asks this.
    pub(super) fn reachable_by(
        &self,
        plan: &Plan,
        send: &Send,
        channel: Channel,
    ) -> Result<Arc<str>, Refused> {
        let consents = &self.person.hot.consents;
        let topic = topic(plan, send).map(AsRef::as_ref);
        if plan.kind == JourneyKind::Marketing && !consents.allow(channel, topic, &self.plans.policies) {
            return Err(Refused::NoConsent);
        }
        let address = self.person.address(channel).ok_or(Refused::Unreachable)?;
        if self.person.is_dead(channel, &address) {
            return Err(Refused::Suppressed);
        }
        if self.is_limited(channel) {
            return Err(Refused::Limited);
        }
        Ok(address)
    }

    /// What holds a channel back the longest.
    fn block(
        &self,
        plan: &Plan,
        send: &Send,
        channel: Channel,
        marketing: bool,
        again: bool,
    ) -> Result<Option<Block>, Refused> {
        let policies = &self.plans.policies;
        let mut blocks = Vec::new();
        if marketing {
            blocks.extend(self.blackout()?);
            let cap = policies.caps.get(&channel);
            blocks.extend(
                cap.and_then(|cap| self.capped(cap, |sent| sent.marketing && sent.channel == channel)),
            );
            // The same message by another channel is no second one.
            blocks.extend(if again { None } else { self.too_soon() });
        }
        let cap = plan.cap.as_ref();
        blocks.extend(cap.and_then(|cap| {
            let journey = mark(&[&plan.name]);
            self.capped(cap, |sent| sent.journey == journey)
        }));
        if plan.quiet_hours {
            blocks.extend(policies.quiet_hours.get(&channel).and_then(|hours| self.quiet(hours)));
        }
        let window = send.window.as_ref().and_then(|window| window.opens(self.now, &self.zone));
        blocks.extend(window.map(|until| Block { by: Refused::Window, until }));
        Ok(blocks.into_iter().max_by_key(|block| block.until))
    }

    /// A blackout that lasts; one that drops counts more than one that waits.
    fn blackout(&self) -> Result<Option<Block>, Refused> {
        let country = self.person.traits.get("country").as_text();
        let mut block = None;
        for occasion in &self.plans.policies.calendar {
            let Some(end) = occasion.blackout else { continue };
            let Some(until) = occasion.until(self.now, &self.zone, country) else { continue };
            if end == BlackoutEnd::Drop {
                return Err(Refused::Blackout);
            }
            block = Some(Block { by: Refused::Blackout, until });
        }
        Ok(block)
    }

    fn capped(&self, cap: &Rate, counts: impl Fn(&Sent) -> bool) -> Option<Block> {
        let sent = self.person.hot.sent.iter().filter(|sent| counts(sent)).map(|sent| sent.at);
        let until = full_until(cap, sent, self.now, &self.zone)?;
        Some(Block { by: Refused::Cap, until })
    }

    fn too_soon(&self) -> Option<Block> {
        let gap = self.plans.policies.minimum_gap?;
        let last = self.person.hot.sent.iter().filter(|sent| sent.marketing).map(|sent| sent.at).max()?;
        let until = gap.after(last, &self.zone);
        (until > self.now).then_some(Block { by: Refused::Gap, until })
    }

    fn quiet(&self, hours: &Hours) -> Option<Block> {
        let until = quiet_until(hours, self.now, &self.zone)?;
        Some(Block { by: Refused::QuietHours, until })
    }
}

/// Until when a cap is full, where it is. It rolls: it is free again when so many have become older than its time that one
/// more fits.
fn full_until(
    cap: &Rate,
    sent: impl Iterator<Item = ShopTime>,
    now: ShopTime,
    zone: &TimeZone,
) -> Option<ShopTime> {
    let mut held: Vec<ShopTime> = sent.map(|at| cap.per.after(at, zone)).filter(|free| *free > now).collect();
    held.sort_unstable();
    let over = held.len().checked_sub(cap.count.max(1) as usize)?;
    held.get(over).copied()
}

/// Until when it is quiet, where it is: if the hours end before they begin again. So they go over midnight, and a clock
/// that is put back within them makes them no longer than it makes any wait.
fn quiet_until(hours: &Hours, now: ShopTime, zone: &TimeZone) -> Option<ShopTime> {
    let next = |at| {
        let after = ShopTime::from_microsecond(now.as_microsecond().saturating_add(1)).unwrap_or(now);
        When { days: Days::Every, at, zone: None }.next(after, zone)
    };
    let (from, to) = (next(hours.from), next(hours.to));
    (to < from).then_some(to)
}

#[cfg(test)]
mod tests;
