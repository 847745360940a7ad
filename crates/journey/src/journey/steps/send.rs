//! `send`: one message.

use std::str::FromStr as _;
use std::sync::Arc;

use journeyman_domain::plan::{Channel, Days, Escalate, Reaction, Send, Step, When, Window};
use journeyman_domain::template::{Filled, Signature};
use journeyman_domain::value::Span;

use super::{Reader, Reading};
use crate::block::{self, Block};
use crate::diagnostic::{CHANNEL, CHOICE, HOURS, NAME, NO_TEMPLATE, NO_TRANSPORT, NO_WORDS, PERCENT, WHEN};
use crate::expr::{self, BareNames, Scope};
use crate::literal::{self, short};
use crate::source::Place;
use crate::tree::Entry;
use crate::words;

/// How long a message waits for its moment unless said.
const WITHIN: Span = Span::Days(1);

/// What is sent, with the place of its template's name.
pub(super) struct Sent<'a> {
    pub(super) place: Place,
    channels: Vec<(Channel, Place)>,
    /// `None` where the templates are not known, or this one is not among them.
    pub(super) signature: Option<&'a Signature>,
}

impl Sent<'_> {
    pub(super) fn by_mail(&self) -> bool {
        self.channels.iter().any(|(channel, _)| *channel == Channel::Email)
    }
}

/// Which moment a message waits for.
enum At {
    Now,
    Best,
    When(Option<When>),
}

impl<'a, 't> Reader<'a, '_, '_> {
    pub(super) fn send(&mut self, reading: &mut Reading<'_, 't>) -> Option<Step> {
        let block = &mut *reading.block;
        let entry = block.take("send")?;
        let template = self.parsed(entry, NAME, literal::name);
        let help = "say by what: `channel: email`, or several in order: `channel: [push, email]`";
        let learned = block.take("best_of");
        let channel = match learned {
            Some(_) => block.take("channel"),
            None => block.require("channel", &words::SEND, help, self.report),
        };
        let channels = self.either_channels(channel, learned);
        let escalate = block.take("escalate").and_then(|entry| self.escalate(entry, channels.len()));
        let at = block.take("at").map_or(At::Now, |entry| self.at(entry));
        let within = block.take("within").and_then(|entry| self.duration(entry));
        let between = block.take("between").and_then(|entry| self.parsed(entry, HOURS, literal::hours));
        let days = block.take("days").and_then(|entry| self.parsed(entry, WHEN, literal::days_of));
        let priority = block.take("priority").and_then(|entry| block::integer(entry, 0, 100, self.report));
        let holdout = block.take("holdout").and_then(|entry| self.parsed(entry, PERCENT, literal::percent));
        let topic = block.take("topic").and_then(|entry| self.topic_name(entry));
        let mut sent = Sent { place: entry.value.place, channels, signature: None };
        sent.signature = template.as_ref().and_then(|template| self.signature(template, &sent));
        let test = block.take("test").and_then(|entry| self.test(entry, sent.signature)).unwrap_or_default();
        let sender = self.sender(block.take("from"), &sent);
        let id = self.nodes.get(reading.node).map_or_else(|| Arc::from(""), |node| node.id.clone());
        let filled = sent.signature.map(|signature| self.filled(signature, &id, &reading.with.bare));
        Some(Step::Send(Send {
            template: template?,
            channels: sent.channels.into_iter().map(|(channel, _)| channel).collect(),
            escalate,
            best_of: learned.is_some(),
            at_best: matches!(at, At::Best),
            at: if let At::When(when) = at { when } else { None },
            within: within.unwrap_or(WITHIN),
            window: (between.is_some() || days.is_some())
                .then(|| Window { days: days.unwrap_or(Days::Every), hours: between }),
            priority: priority.and_then(|priority| u8::try_from(priority).ok()),
            holdout: holdout.unwrap_or(0.0),
            with: std::mem::take(&mut reading.with.settings),
            sender,
            topic,
            filled: filled.unwrap_or_default(),
            test,
        }))
    }

    /// `channel` is an order, `best_of` a choice among two or more.
    fn either_channels(&mut self, order: Option<&Entry>, learned: Option<&Entry>) -> Vec<(Channel, Place)> {
        let Some(entry) = learned else {
            return order.map(|entry| self.channels(entry)).unwrap_or_default();
        };
        if let Some(order) = order {
            let message = "a `send` has `channel` or `best_of`, not both";
            let help =
                "keep `channel` where its order is to hold, `best_of` where the better one is to be learned";
            self.report.say(CHOICE, order.place, message, help);
        }
        let faults = self.report.found.len();
        let channels = self.channels(entry);
        if channels.len() < 2 && self.report.found.len() == faults {
            let help = "write two channels or more: `best_of: [email, push]`; of one it is `channel:`";
            self.report.say(CHOICE, entry.value.place, "`best_of` has nothing to choose from", help);
        }
        channels
    }

    fn channels(&mut self, entry: &Entry) -> Vec<(Channel, Place)> {
        let mut channels = Vec::new();
        for (name, place) in block::texts(entry, self.report) {
            let named = Channel::from_str(name).ok().filter(|channel| Channel::SPOKEN.contains(channel));
            let Some(channel) = named else {
                let names = Channel::SPOKEN.map(Channel::name);
                let otherwise = format!("there are: {}", names.join(", "));
                let message = format!("there is no channel `{}`", short(name));
                self.report.unknown(CHANNEL, place, message, name, names, otherwise);
                continue;
            };
            if self.known.around.production && channel == Channel::InApp {
                let message = format!("this version sends nothing by `{channel}` in production yet");
                let help = "write another channel until it does, or check for another environment";
                self.report.say(NO_TRANSPORT, place, message, help);
            }
            channels.push((channel, place));
        }
        channels
    }

    /// The next channel's turn, of which there has to be one.
    fn escalate(&mut self, entry: &Entry, channels: usize) -> Option<Escalate> {
        let mut block = Block::of(&entry.value, "`escalate`", self.report)?;
        let help = "say how long they have: `after: 4h`";
        let after = block.require("after", &words::ESCALATE, help, self.report);
        let after = after.and_then(|entry| self.duration(entry));
        let help = "say what counts as a reaction: `unless: clicked`";
        let unless = block.require("unless", &words::ESCALATE, help, self.report);
        let known = [
            ("delivered", Reaction::Delivered),
            ("opened", Reaction::Opened),
            ("clicked", Reaction::Clicked),
        ];
        let unless = unless.and_then(|entry| block::choice(entry, &known, self.report));
        block.finish(&words::ESCALATE, &[], self.report);
        if channels < 2 {
            let help = "write a second channel, `channel: [email, sms]`, or leave `escalate` out";
            self.report.say(CHOICE, entry.place, "there is no channel to escalate to", help);
        }
        Some(Escalate { after: after?, unless: unless? })
    }

    /// `at: now` is what happens anyway.
    fn at(&mut self, entry: &Entry) -> At {
        match block::text(entry, self.report) {
            None | Some("now") => {}
            Some("best") => return At::Best,
            Some(text) if literal::when(text).is_ok() => return At::When(literal::when(text).ok()),
            Some(text) => {
                let message = format!("`at` can't be `{}`", short(text));
                let help =
                    "write `at: now`, `at: best` for the learned hour, or a moment: `at: monday 09:00`";
                self.report.say(CHOICE, entry.value.place, message, help);
            }
        }
        At::Now
    }

    /// The template, which has words for every channel.
    fn signature(&mut self, template: &str, sent: &Sent<'_>) -> Option<&'a Signature> {
        let around = self.known.around;
        let templates = around.templates?;
        let signature = templates.signature(template);
        if around.names.old {
            return signature;
        }
        let Some(signature) = signature else {
            let otherwise = format!("write it to templates/{template}/");
            let message = format!("there is no template `{template}`");
            self.report.unknown(NO_TEMPLATE, sent.place, message, template, templates.names(), otherwise);
            return None;
        };
        for (channel, place) in &sent.channels {
            // The inbox shows whatever there is.
            if *channel != Channel::Inbox && !signature.channels.contains(channel) {
                let message = format!("the template `{template}` has no words for `{channel}`");
                let help = format!("write them to templates/{template}/, or take `{channel}` out");
                self.report.say(NO_WORDS, *place, message, help);
            }
        }
        Some(signature)
    }

    /// The template's variables as expressions of this step. What is wrong with one is said in the template, once for the
    /// whole journey.
    fn filled(&mut self, signature: &Signature, step: &str, bare: &BareNames) -> Vec<Filled> {
        let known = self.known;
        let old = known.around.names.old;
        let scope = Scope { bare: Some(bare), template: true, lints: !old, ..self.here("a template") };
        let mut filled = Vec::with_capacity(signature.variables.len());
        for asked in &signature.variables {
            let (value, faults) = expr::variable(asked, &scope);
            let said = (signature.name.clone(), asked.path.join("."));
            if let Some(shelf) = known.around.templates
                && !old
                && !faults.is_empty()
                && self.said.insert(said)
            {
                let by = format!("step `{step}` of journey `{}` sends this template", self.name);
                self.report.found.extend(faults.iter().map(|fault| shelf.told(&asked.place, fault, &by)));
            }
            filled.push(Filled {
                path: asked.path.clone(),
                value,
                list: asked.list,
                fields: asked.fields.clone(),
                required: asked.required,
            });
        }
        filled
    }
}
