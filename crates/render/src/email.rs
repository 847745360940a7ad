//! Messages, rendered.

use std::cell::Cell;
use std::sync::Arc;

use jiff::tz::TimeZone;
use journeyman_domain::content::Email;
use journeyman_domain::link::{KeyRing, Link, Purpose};
use journeyman_domain::plan::{Channel, Policies, Sender, Stream};
use journeyman_domain::template::{Context, Data, PLAIN};
use journeyman_domain::{MessageId, PersonId};

use crate::error::{Error, Reason};
use crate::helper::Manner;
use crate::program::Op;
use crate::run::{Links, OUTPUT_BYTES, Run, in_query};
use crate::spoken::Seen;
use crate::templates::{SUBJECT_BYTES, Templates, Words};
use crate::text::squeezed;

/// A message that is to be rendered.
#[derive(Clone, Copy)]
pub struct Wording<'a> {
    /// Which message: its links tell.
    pub message: MessageId,
    /// To whom.
    pub person: PersonId,
    /// By what.
    pub channel: Channel,
    /// The template's name.
    pub template: &'a str,
    /// The journey's name.
    pub journey: &'a str,
    /// The step's id.
    pub step: &'a str,
    /// Whether it is marketing: then people can unsubscribe by it.
    pub marketing: bool,
    /// The sender's name in `senders`, where the step or template names one.
    pub sender: Option<&'a str>,
    /// The person's address on the channel.
    pub address: &'a str,
    /// What the template is given.
    pub data: &'a Data,
    /// What was fixed at the first attempt.
    pub context: &'a Context,
}

/// How links are signed, and where they lead.
#[derive(Clone, Copy)]
pub struct Tracking<'a> {
    /// `None` of a preview: links lead where they lead, and nothing is counted.
    pub keys: Option<&'a KeyRing>,
    /// `https://go.shop.example`, without a slash at its end.
    pub base: &'a str,
}

/// What a text message, a notification or the inbox says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plain {
    /// Of which channel the words are.
    pub channel: Channel,
    /// The locale it was rendered in.
    pub locale: Arc<str>,
    /// Of a notification its title, of a mail its subject.
    pub title: Option<String>,
    /// The words.
    pub text: String,
    /// Where a tap on it leads.
    pub url: Option<String>,
    /// Of a WhatsApp message what its buttons carry.
    pub buttons: Vec<String>,
}

/// What is known before anything is written.
pub(crate) struct Ready<'a> {
    pub(crate) words: &'a Words,
    locale: &'a Arc<str>,
    zone: TimeZone,
    parameters: Vec<(String, String)>,
    unsubscribe: Option<String>,
    preferences: String,
}

impl Templates {
    /// A mail. The same input gives the same bytes.
    ///
    /// # Errors
    /// [`Error`] where there is no such template, it has no words for mail, a variable is missing, or it becomes too long.
    pub fn email(
        &self,
        policies: &Policies,
        wording: &Wording<'_>,
        tracking: &Tracking<'_>,
    ) -> Result<Email, Error> {
        let error = |reason| self.error(wording, reason);
        let ready = self.ready(policies, wording, tracking).map_err(error)?;
        let email = ready.words.email.as_ref().ok_or_else(|| error(Reason::Channel(Channel::Email)))?;
        if wording.marketing && !self.unsubscribes(wording.template) {
            return Err(error(Reason::NoUnsubscribe));
        }
        let sender = self.sender(policies, wording).map_err(error)?;
        let (subject, html, text) = self
            .with_run(policies, wording, tracking, &ready, |run| {
                let subject = subject(run, &email.subject)?;
                let html = run.run(&email.html, OUTPUT_BYTES, email.length + email.length / 4)?;
                let text = squeezed(&run.run(&email.text, OUTPUT_BYTES, 1024)?);
                Ok((subject, html, text))
            })
            .map_err(error)?;
        Ok(Email {
            message: wording.message,
            from: sender.from.clone(),
            from_name: sender.name.get(ready.locale, &policies.locale()).to_owned(),
            reply_to: sender.reply_to.clone(),
            to: wording.address.to_owned(),
            subject,
            html,
            text,
            unsubscribe: ready.unsubscribe.filter(|_| tracking.keys.is_some()),
            locale: ready.locale.clone(),
        })
    }

    /// What a text message or notification says; of the inbox what a mail does, else what the template has.
    ///
    /// # Errors
    /// [`Error`], as [`Templates::email`].
    pub fn plain(
        &self,
        policies: &Policies,
        wording: &Wording<'_>,
        tracking: &Tracking<'_>,
    ) -> Result<Plain, Error> {
        let error = |reason| self.error(wording, reason);
        let ready = self.ready(policies, wording, tracking).map_err(error)?;
        let has = |channel: Channel| ready.words.has(channel);
        let channel = match wording.channel {
            Channel::Inbox => Self::SHOWN.into_iter().find(|channel| has(*channel)).unwrap_or(Channel::Inbox),
            channel => channel,
        };
        let locale = ready.locale.clone();
        let Some(email) = ready.words.email.as_ref().filter(|_| channel == Channel::Email) else {
            let seen = Seen::from(self.content(policies, &Wording { channel, ..*wording }, tracking)?);
            let Seen { title, text, url, buttons } = seen;
            return Ok(Plain { channel, locale, title, text, url, buttons });
        };
        let said = self.with_run(policies, wording, tracking, &ready, |run| {
            Ok((subject(run, &email.subject)?, squeezed(&run_text(run, &email.text)?)))
        });
        let (title, text) = said.map_err(error)?;
        Ok(Plain { channel, locale, title: Some(title), text, url: None, buttons: Vec::new() })
    }

    /// What the inbox shows of a template, the first that it has.
    const SHOWN: [Channel; 5] =
        [Channel::Email, Channel::Sms, Channel::Push, Channel::Whatsapp, Channel::Webhook];

    pub(crate) fn error(&self, wording: &Wording<'_>, reason: Reason) -> Error {
        let locale = self.locale(wording.data.locale.as_deref()).clone();
        Error { template: wording.template.into(), locale, reason }
    }

    pub(crate) fn ready(
        &self,
        policies: &Policies,
        wording: &Wording<'_>,
        tracking: &Tracking<'_>,
    ) -> Result<Ready<'_>, Reason> {
        let locale = self.locale(wording.data.locale.as_deref());
        let compiled = self.templates.get(wording.template).ok_or(Reason::Unknown)?;
        // A variant that is gone by now is the template as it stands.
        let variant = wording.data.variant.as_ref().and_then(|name| compiled.variants.get(name));
        let words = variant.unwrap_or(&compiled.words).get(locale).ok_or(Reason::Unknown)?;
        let signed = |path: &str, inert: &str, purpose: Purpose| match tracking.keys {
            Some(keys) => {
                let link = Link { message: wording.message, person: wording.person, purpose };
                format!("{}{path}{}", tracking.base, keys.sign(wording.context.key, &link))
            }
            None => inert.to_owned(),
        };
        Ok(Ready {
            words,
            locale,
            zone: TimeZone::get(&wording.data.zone).unwrap_or_else(|_| policies.zone.clone()),
            parameters: parameters(policies, wording),
            unsubscribe: wording.marketing.then(|| signed("/u/", "#unsubscribe", Purpose::Unsubscribe)),
            preferences: signed("/p/", "#preferences", Purpose::Preferences),
        })
    }

    pub(crate) fn with_run<'a, T>(
        &'a self,
        policies: &Policies,
        wording: &'a Wording<'_>,
        tracking: &'a Tracking<'_>,
        ready: &'a Ready<'a>,
        write: impl FnOnce(&Run<'_>) -> Result<T, Reason>,
    ) -> Result<T, Reason> {
        let speech = self.speech.get(ready.locale).ok_or(Reason::Unknown)?;
        let manner = Manner { speech, zone: &ready.zone, currency: policies.rates.base };
        let links = Links {
            keys: tracking.keys,
            key: wording.context.key,
            base: tracking.base,
            message: wording.message,
            person: wording.person,
            parameters: &ready.parameters,
            unsubscribe: ready.unsubscribe.as_deref(),
            preferences: &ready.preferences,
        };
        let vars = &wording.data.vars;
        write(&Run { vars, locale: ready.locale, manner: &manner, links: &links, position: Cell::new(0) })
    }

    /// The sender that the message names, else the template's, else the only one of its stream.
    fn sender<'p>(&self, policies: &'p Policies, wording: &Wording<'_>) -> Result<&'p Sender, Reason> {
        let own = self.templates.get(wording.template).and_then(|known| known.signature.sender.as_deref());
        if let Some(name) = wording.sender.or(own) {
            return policies.senders.get(name).ok_or_else(|| Reason::Sender(name.to_owned()));
        }
        let stream = if wording.marketing { Stream::Marketing } else { Stream::Transactional };
        let mut of_stream = policies.senders.values().filter(|sender| sender.stream == stream);
        of_stream.next().filter(|_| of_stream.next().is_none()).ok_or(Reason::NoSender)
    }
}

pub(crate) fn run_text(run: &Run<'_>, program: &[Op]) -> Result<String, Reason> {
    run.run(program, OUTPUT_BYTES, 256)
}

/// One line, whatever a value held.
fn subject(run: &Run<'_>, program: &[Op]) -> Result<String, Reason> {
    let said = run.run(program, OUTPUT_BYTES, 128)?;
    let ends = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
    let line: String = said.chars().map(|letter| if ends(letter) { ' ' } else { letter }).collect();
    let line = line.trim();
    if line.len() > SUBJECT_BYTES { Err(Reason::Subject) } else { Ok(line.to_owned()) }
}

/// The parameters of `links.utm`, as this message has them.
fn parameters(policies: &Policies, wording: &Wording<'_>) -> Vec<(String, String)> {
    let filled = |pattern: &str| {
        let words = [
            ("{{channel}}", wording.channel.name()),
            ("{{journey}}", wording.journey),
            ("{{step}}", wording.step),
            ("{{template}}", wording.template),
            ("{{variant}}", wording.data.variant.as_deref().unwrap_or(PLAIN)),
        ];
        words.iter().fold(pattern.to_owned(), |text, (word, value)| text.replace(word, value))
    };
    let utm = policies.links.utm.iter();
    utm.map(|(name, pattern)| (format!("utm_{name}"), in_query(&filled(pattern)))).collect()
}
