//! The folder `templates/`, compiled.

mod compile;

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::plan::{Channel, Policies};
use journeyman_domain::template::{Data, Fault, Signature};
use serde_json::Value;

use crate::files::TemplateFile;
use crate::program::Program;
use crate::speech::Speech;

/// How long a subject may become, bytes: the longest line that mail allows (RFC 5322, 2.1.1).
pub const SUBJECT_BYTES: usize = 998;

/// Templates, ready to be rendered.
pub struct Templates {
    pub(crate) templates: BTreeMap<Arc<str>, Compiled>,
    pub(crate) speech: BTreeMap<Arc<str>, Speech>,
    /// The default first.
    pub(crate) locales: Vec<Arc<str>>,
    zone: Arc<str>,
}

/// One of them.
pub(crate) struct Compiled {
    pub(crate) signature: Signature,
    /// By locale; empty where it has faults.
    pub(crate) words: BTreeMap<Arc<str>, Words>,
    /// Likewise of each variant.
    pub(crate) variants: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Words>>,
    pub(crate) unsubscribes: bool,
    sample: Value,
}

/// What it says in one language.
#[derive(Default)]
pub(crate) struct Words {
    pub(crate) email: Option<EmailWords>,
    pub(crate) sms: Option<Program>,
    pub(crate) push: Option<PushWords>,
    pub(crate) whatsapp: Option<WhatsappWords>,
    pub(crate) hook: Option<HookWords>,
}

impl Words {
    /// Whether there are words of a channel.
    pub(crate) fn has(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.email.is_some(),
            Channel::Sms => self.sms.is_some(),
            Channel::Push => self.push.is_some(),
            Channel::Whatsapp => self.whatsapp.is_some(),
            Channel::Webhook => self.hook.is_some(),
            Channel::InApp | Channel::Inbox | Channel::Call => false,
        }
    }
}

pub(crate) struct EmailWords {
    pub(crate) subject: Program,
    pub(crate) html: Program,
    pub(crate) text: Program,
    /// How long the HTML is before anything is put in, bytes.
    pub(crate) length: usize,
}

pub(crate) struct PushWords {
    pub(crate) title: Program,
    pub(crate) body: Program,
    pub(crate) url: Program,
}

pub(crate) struct WhatsappWords {
    /// Its name at Meta, and its language there.
    pub(crate) template: String,
    pub(crate) language: String,
    pub(crate) header: Option<Program>,
    pub(crate) body: Vec<Program>,
    pub(crate) buttons: Vec<ButtonWords>,
    /// Said while a session is open; what the inbox shows.
    pub(crate) text: Option<Program>,
}

pub(crate) enum ButtonWords {
    Url(Program),
    Payload(Program),
}

pub(crate) struct HookWords {
    /// `type` of the call.
    pub(crate) kind: String,
    pub(crate) data: Vec<(String, Program)>,
}

impl Templates {
    /// Compiles the files of the folder `templates/`. Everything that is wrong is told at once; a template with errors is
    /// known by name and signature, and can't be rendered.
    pub fn compile(files: &[TemplateFile], policies: &Policies) -> (Self, Vec<Fault>) {
        compile::compile(files, policies)
    }

    /// What a template asks for; `None` of one that there is not.
    pub fn signature(&self, name: &str) -> Option<&Signature> {
        self.templates.get(name).map(|compiled| &compiled.signature)
    }

    /// What each asks for, by name.
    pub fn signatures(&self) -> impl Iterator<Item = &Signature> {
        self.templates.values().map(|compiled| &compiled.signature)
    }

    /// Their names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.templates.keys().map(AsRef::as_ref)
    }

    /// Whether people can unsubscribe by its mail, in every language: marketing has to.
    pub fn unsubscribes(&self, name: &str) -> bool {
        self.templates.get(name).is_some_and(|compiled| compiled.unsubscribes)
    }

    /// What its `sample:` has, for a person of that locale; `None` of a template that there is not.
    pub fn sample(&self, name: &str, locale: &str) -> Option<Data> {
        let compiled = self.templates.get(name)?;
        let (locale, zone) = (Some(locale.into()), self.zone.clone());
        Some(Data { locale, zone, session_until: None, variant: None, vars: compiled.sample.clone() })
    }

    /// The locale whose words a person gets: theirs, their language's, else the shop's default.
    pub fn locale(&self, asked: Option<&str>) -> &Arc<str> {
        static ENGLISH: std::sync::LazyLock<Arc<str>> = std::sync::LazyLock::new(|| "en".into());
        let same = |known: &&Arc<str>, asked: &str| {
            known.len() == asked.len()
                && known.bytes().zip(asked.bytes()).all(|(a, b)| {
                    a.eq_ignore_ascii_case(&b) || (matches!(a, b'-' | b'_') && matches!(b, b'-' | b'_'))
                })
        };
        let of = |asked: &str| self.locales.iter().find(|known| same(known, asked));
        let found = asked.and_then(|asked| {
            let mut asked = asked;
            loop {
                if let Some(found) = of(asked) {
                    return Some(found);
                }
                asked = asked.rsplit_once(['-', '_'])?.0;
            }
        });
        found.or(self.locales.first()).unwrap_or(&ENGLISH)
    }
}

/// Of which locales the words run from right to left.
pub(crate) fn direction(locale: &str) -> &'static str {
    const RIGHT_TO_LEFT: [&str; 11] = ["ar", "he", "iw", "fa", "ur", "ps", "sd", "ug", "yi", "dv", "ckb"];
    let mut parts = locale.split(['-', '_']);
    let language = RIGHT_TO_LEFT.contains(&parts.next().unwrap_or("").to_ascii_lowercase().as_str());
    let script = parts.find(|part| part.len() == 4);
    let leftward = script.map_or(language, |script| ["Arab", "Hebr", "Thaa"].contains(&script));
    if leftward { "rtl" } else { "ltr" }
}
