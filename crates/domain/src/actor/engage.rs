//! What comes back of a message: that it was delivered, looked at, followed, that it bounced or was complained about.
//!
//! The door tells what it saw (`Message Loaded`, `Message Followed`), and whether a rule of its own says that this was a
//! machine. Whether a human was at work is decided here, 3 s later: a click is provisional until then (LANGUAGE, rule 18).

use super::send::{passage_of, step_of};
use super::{Actor, Happening};
use crate::person::{BURST, Click, SendState, mark};
use crate::plan::Channel;
use crate::value::{Span, Value};
use crate::{MessageId, Refused, ShopTime};

/// The pixel of a mail was loaded.
pub const LOADED: &str = "Message Loaded";
/// A link of a mail was followed.
pub const FOLLOWED: &str = "Message Followed";
/// A human opened a message; also what providers report.
pub const OPENED: &str = "Message Opened";
/// A human clicked; also what providers report.
pub const CLICKED: &str = "Message Clicked";
/// A message came back. `kind`: `hard` where its address is dead.
pub const BOUNCED: &str = "Message Bounced";
/// Somebody complained of a message to their provider.
pub const COMPLAINED: &str = "Message Complained";
/// A dead address may be written to again: somebody of the shop said so. `channel`, `address`.
pub const RESTORED: &str = "Address Restored";
/// A message was delivered.
pub const DELIVERED: &str = "Message Delivered";

/// A provider is handing a message on: it has not failed yet.
pub const SENT: &str = "Message Sent";
/// A message failed for good after its provider had taken it. `reason`: `limited` where the person may have no more by its
/// channel for 24 h.
pub const FAILED: &str = "Message Failed";
/// The person has said something to us. `channel`, `text`, and by which message of ours, where that is known.
pub const REPLIED: &str = "Message Replied";

/// How long a click is provisional, and how soon after delivery only machines click.
pub const PROVISIONAL: Span = Span::seconds(3);
/// The machine rule that speaks of every click of the message around it.
pub const HONEYPOT: &str = "honeypot";

impl Actor<'_> {
    /// Something is told of a message: `message_id` says of which.
    pub(super) fn engaged(&mut self, event: &Happening, depth: u32) {
        let Some(message) = message_of(event) else { return };
        match event.name.as_ref() {
            FOLLOWED => self.followed(message, event),
            LOADED => self.loaded(message, event, depth),
            BOUNCED => self.bounced(message, event),
            COMPLAINED => self.complained(event),
            FAILED => self.failed(message, event),
            SENT => self.goes_on(message),
            name => self.reached_by(message, event.at, name == OPENED, name == CLICKED),
        }
    }

    /// Who clicked has opened, and who opened has got it.
    fn reached_by(&mut self, message: MessageId, at: ShopTime, opened: bool, clicked: bool) {
        let found = self.result_of(message);
        let clicked_before =
            found.is_some_and(|(nth, result)| self.person.runs[nth].results[result].1.clicked);
        if clicked && !clicked_before {
            self.clicked(message, at);
        }
        let Some((nth, result)) = found else { return };
        let run = &mut self.person.runs[nth];
        let step = run.results[result].0.clone();
        // Whichever channel it was, the step has reached them.
        for (name, result) in &mut run.results {
            if *name != step && name.as_ref() != passage_of(&step) {
                continue;
            }
            let known = result.clone();
            result.clicked |= clicked;
            result.opened |= opened || clicked;
            result.delivered = true;
            run.dirty |= *result != known;
        }
        self.goes_on(message);
    }

    /// The pixel says nothing where a machine fetched it, or anybody did as soon as the mail was there.
    fn loaded(&mut self, message: MessageId, event: &Happening, depth: u32) {
        if machine(event).is_none() && !self.too_soon_after_delivery(message, event.at) {
            let opened = event.caused(3, OPENED, Value::record([("message_id", id(message))]));
            self.caused.push_back((opened, depth + 1));
        }
    }

    /// A click is remembered until it is known whose it was. One that a machine made is nobody's, and the honeypot's speaks of
    /// those around it too.
    fn followed(&mut self, message: MessageId, event: &Happening) {
        let machine = machine(event);
        let trap = machine == Some(HONEYPOT);
        if machine.is_some() && !trap {
            return;
        }
        let link = event.properties().field("link").as_number().map_or(0, |link| link as u16);
        let url = event.properties().field("url").as_text().unwrap_or("");
        let click =
            Click::new(message, event.id, event.at, PROVISIONAL.after(event.at, &self.zone), link, url);
        if !self.person.hot.remember_click(click, trap) {
            self.refuse(event.name.clone(), Refused::TooMany);
        }
    }

    /// A click's time is over: a human's is told to everybody.
    pub(super) fn decide_click(&mut self, nth: usize) {
        let click = self.person.hot.clicks.remove(nth);
        let machine = click.trapped
            || click.links.len() >= BURST
            || self.too_soon_after_delivery(click.message, click.at);
        if machine {
            return;
        }
        let link = click.links.first().copied().unwrap_or(0);
        let properties = Value::record([
            ("message_id", id(click.message)),
            ("link", Value::Number(f64::from(link))),
            ("url", Value::Text(click.url)),
        ]);
        self.event(Happening::of_timer(click.event.caused(2), CLICKED, click.at, properties));
    }

    fn too_soon_after_delivery(&mut self, message: MessageId, at: ShopTime) -> bool {
        let Some((nth, result)) = self.result_of(message) else { return false };
        let result = &self.person.runs[nth].results[result].1;
        result.state == SendState::Accepted && at < PROVISIONAL.after(result.at, &self.zone)
    }

    /// A dead address is not written to again, for as long as it is theirs.
    fn bounced(&mut self, message: MessageId, event: &Happening) {
        if event.properties().field("kind").as_text() != Some("hard") {
            return;
        }
        if let Some(channel) = channel_of(event) {
            let address = event.properties().field("address").as_text().map(str::to_owned);
            if let Some(address) = address.or_else(|| self.known_address(channel)) {
                self.person.hot.remember_dead(channel, mark(&[&address.trim().to_lowercase()]));
            }
        }
        let Some((nth, result)) = self.result_of(message) else { return };
        self.fell(nth, result, event.at);
    }

    /// A message that was taken has failed for good: the next channel's turn, where there is one.
    fn fell(&mut self, nth: usize, result: usize, at: ShopTime) {
        let run = &mut self.person.runs[nth];
        let (step, result) = &mut run.results[result];
        let Some(message) = result.message.filter(|_| result.state == SendState::Accepted) else { return };
        let taken_at = std::mem::replace(&mut result.at, at);
        (result.state, run.dirty) = (SendState::Failed, true);
        let of = format!("{}/{}", run.journey, step_of(step));
        self.refuse(of.into(), Refused::Failed);
        if let Some(plan) = self.plan_of(nth) {
            match self.person.runs[nth].awaits(message) {
                Some(_) => self.settled(nth, &plan, message, false),
                None => self.late_leg(nth, &plan, message, taken_at),
            }
        }
    }

    fn failed(&mut self, message: MessageId, event: &Happening) {
        if event.properties().field("reason").as_text() == Some("limited")
            && let Some(channel) = channel_of(event)
        {
            self.limit(channel, event.at);
        }
        if let Some((nth, result)) = self.result_of(message) {
            self.fell(nth, result, event.at);
        }
    }

    /// Who writes to us by WhatsApp may be answered in words of one's own for a day.
    pub(super) fn replied(&mut self, event: &Happening) {
        if channel_of(event) == Some(Channel::Whatsapp) {
            self.open_session(event.at);
        }
    }

    /// Somebody of the shop knows better: the address lives.
    pub(super) fn restored(&mut self, event: &Happening) {
        if let (Some(channel), Some(address)) =
            (channel_of(event), event.properties().field("address").as_text())
        {
            let dead = (channel, mark(&[&address.trim().to_lowercase()]));
            self.person.hot.dead.retain(|known| *known != dead);
        }
    }

    fn known_address(&self, channel: Channel) -> Option<String> {
        let name = channel.address_trait()?;
        self.person.traits.get(name).key().map(|address| address.to_string())
    }

    /// Who complains wants no more of it.
    fn complained(&mut self, event: &Happening) {
        let channel = channel_of(event).or(Some(Channel::Email));
        self.person.hot.consents.say(channel, None, false, event.at);
        self.call_off_unwanted();
    }
}

fn message_of(event: &Happening) -> Option<MessageId> {
    event.properties().field("message_id").as_text()?.parse().ok()
}

fn channel_of(event: &Happening) -> Option<Channel> {
    event.properties().field("channel").as_text()?.parse().ok()
}

/// Which rule of the door says that a machine was at work.
fn machine<'e>(event: &'e Happening) -> Option<&'e str> {
    event.properties().field("machine").as_text()
}

fn id(message: MessageId) -> Value {
    Value::text(&message.to_string())
}

#[cfg(test)]
mod tests;
