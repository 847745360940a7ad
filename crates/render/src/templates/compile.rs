//! From files to templates.

mod spoken;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journeyman_domain::plan::{Channel, Policies, Stream};
use journeyman_domain::template::{Fault, Place, Signature};
use serde_json::Value;

use super::{Compiled, EmailWords, PushWords, Templates, Words, direction};
use crate::expand::Expander;
use crate::files::{Folder, Kind, Shelf, TemplateFile, Written, shelf};
use crate::html::{self, Finish};
use crate::lower::{Form, lower};
use crate::piece::Woven;
use crate::program::{Expr, Own, Program, any};
use crate::report::{Report, meant};
use crate::settings::{self, Push, Settings, Variant, Yaml, escaped};
use crate::signature::Asked;
use crate::speech::Speech;
use crate::{mjml, sample, text};

pub(super) fn compile(files: &[TemplateFile], policies: &Policies) -> (Templates, Vec<Fault>) {
    let mut report = Report::default();
    let shelf = shelf(files, policies, &mut report);
    let mut speech = BTreeMap::new();
    for locale in &policies.locales {
        match Speech::new(locale) {
            Some(known) => _ = speech.insert(locale.clone(), known),
            None => {
                let place = Place { file: "journeyman.yaml".into(), start: 0, end: 0 };
                let help = "a language such as `de`, with a country or not: `de-AT`";
                report.error(&place, format!("`{locale}` is no locale"), help);
            }
        }
    }
    let shared = shelf.texts.as_ref().map(|(file, text)| Yaml { file, text, policies }.shared(&mut report));
    let shared = shared.unwrap_or_default();
    let said = RefCell::new(BTreeSet::new());
    let mut templates = BTreeMap::new();
    for (name, folder) in &shelf.templates {
        let compiling = Compiling { name, folder, shelf: &shelf, shared: &shared, said: &said, policies };
        templates.insert(name.clone(), compiling.template(&mut report));
    }
    unsaid(&shared, &said, &mut report);
    for (what, shared) in [("layout", &shelf.layouts), ("partial", &shelf.partials)] {
        for ((name, _), written) in shared.iter().filter(|(_, written)| !written.used.get()) {
            report.warn(&written.place, format!("nobody uses the {what} `{name}`"), "use it or delete it");
        }
    }
    let zone = policies.zone.iana_name().unwrap_or("UTC").into();
    (Templates { templates, speech, locales: policies.locales.clone(), zone }, report.faults())
}

/// Words that nobody says.
fn unsaid(texts: &settings::Texts, said: &RefCell<BTreeSet<String>>, report: &mut Report) {
    for (key, (place, _)) in texts.iter().filter(|(key, _)| !said.borrow().contains(*key)) {
        report.warn(place, format!("nobody says `{key}`"), "use it or delete it");
    }
}

struct Compiling<'a> {
    name: &'a Arc<str>,
    folder: &'a Folder<'a>,
    shelf: &'a Shelf<'a>,
    /// Words that all templates share, and which of them were used.
    shared: &'a settings::Texts,
    said: &'a RefCell<BTreeSet<String>>,
    policies: &'a Policies,
}

impl Compiling<'_> {
    fn yaml<'y>(&'y self, (file, text): &'y (Arc<str>, &'y str)) -> Yaml<'y> {
        Yaml { file, text, policies: self.policies }
    }

    fn template(&self, report: &mut Report) -> Compiled {
        let before = report.errors();
        let mut settings =
            self.folder.settings.as_ref().map(|plain| self.yaml(plain).settings(report)).unwrap_or_default();
        let push = self.folder.push.as_ref().map(|plain| self.yaml(plain).push(report));
        let spoken = spoken::Spoken::read(self, report);
        let sender = self.sender(&settings, report);
        let mut channels = Vec::new();
        channels.extend((!self.folder.email.is_empty()).then_some(Channel::Email));
        channels.extend((!self.folder.sms.is_empty()).then_some(Channel::Sms));
        channels.extend(push.is_some().then_some(Channel::Push));
        channels.extend(spoken.whatsapp.is_some().then_some(Channel::Whatsapp));
        channels.extend(spoken.hook.is_some().then_some(Channel::Webhook));
        if channels.is_empty() && !self.folder.broken {
            let help = "write an email.mjml, email.hbs, sms.hbs, push.yaml, whatsapp.yaml or webhook.yaml";
            report.error(&self.place(), "this template has no words for any channel", help);
        }
        let mut asked = Asked::default();
        let mut words = BTreeMap::new();
        let said = RefCell::new(BTreeSet::new());
        for locale in &self.policies.locales {
            let texts = Texts { compiling: self, settings: &settings, locale, said: &said };
            words.insert(locale.clone(), texts.all(push.as_ref(), &spoken, &mut asked, report));
        }
        let mut variants = BTreeMap::new();
        for (name, variant) in std::mem::take(&mut settings.variants) {
            // What a variant says takes the place of what the template does, for as long as it is compiled.
            let (subject, preheader) = (settings.subject.clone(), settings.preheader.clone());
            let Variant { subject: other, preheader: another } = variant;
            (settings.subject, settings.preheader) =
                (other.or(settings.subject), another.or(settings.preheader));
            let in_each = self.policies.locales.iter().map(|locale| {
                let texts = Texts { compiling: self, settings: &settings, locale, said: &said };
                (locale.clone(), texts.all(push.as_ref(), &spoken, &mut asked, report))
            });
            variants.insert(name, in_each.collect::<BTreeMap<_, _>>());
            (settings.subject, settings.preheader) = (subject, preheader);
        }
        if !self.folder.broken {
            unsaid(&settings.texts, &said, report);
        }
        let variables = asked.variables(report);
        let unsubscribes = unsubscribe(&words);
        let sound = report.errors() == before && !self.folder.broken;
        if sound {
            self.may_leave(sender.as_deref(), unsubscribes, report);
        }
        let sample = match &settings.sample {
            Some(node) => {
                let value = sample::value(node);
                if sound {
                    sample::check(node, &value, &variables, report);
                }
                value
            }
            None => {
                if variables.iter().any(|variable| variable.required) && sound {
                    let help =
                        "write `sample:` in its template.yaml, with the variables as a journey gives them";
                    report.warn(&self.place(), "this template has no sample to be looked at with", help);
                }
                Value::Object(serde_json::Map::new())
            }
        };
        let sound = report.errors() == before && !self.folder.broken;
        let names = variants.keys().cloned().collect();
        let signature = Signature { name: self.name.clone(), channels, sender, variants: names, variables };
        if !sound {
            (words, variants) = (BTreeMap::new(), BTreeMap::new());
        }
        Compiled { signature, words, variants, unsubscribes, sample }
    }

    /// Where the template as a whole is told of.
    fn place(&self) -> Place {
        let settings = self.folder.settings.as_ref().map(|(file, _)| file.clone());
        let email = self.folder.email.values().chain(self.folder.sms.values()).next();
        let file = settings.or(email.map(|written| written.place.file.clone()));
        let yaml = [&self.folder.push, &self.folder.whatsapp, &self.folder.webhook];
        let file = file.or(yaml.into_iter().flatten().next().map(|(file, _)| file.clone()));
        Place { file: file.unwrap_or_else(|| format!("templates/{}", self.name).into()), start: 0, end: 0 }
    }

    fn sender(&self, settings: &Settings, report: &mut Report) -> Option<Arc<str>> {
        let (name, place) = settings.from.as_ref()?;
        if !self.policies.senders.contains_key(name) {
            let help = meant(name, self.policies.senders.keys().map(AsRef::as_ref));
            report.error(place, format!("journeyman.yaml has no sender `{name}`"), help);
        }
        Some(name.clone())
    }

    /// Marketing has to let people go. Whose mail it is tells its sender; without one, the journeys do.
    fn may_leave(&self, sender: Option<&str>, unsubscribes: bool, report: &mut Report) {
        let senders = &self.policies.senders;
        let marketing = match sender {
            Some(name) => senders.get(name).is_some_and(|sender| sender.stream == Stream::Marketing),
            None => !senders.is_empty() && senders.values().all(|sender| sender.stream == Stream::Marketing),
        };
        if marketing && !unsubscribes && !self.folder.email.is_empty() {
            let help = "write `<a href=\"{{unsubscribe_url}}\">Unsubscribe</a>` in it, or in its layout";
            report.error(&self.place(), "marketing mail has to say how to unsubscribe", help);
        }
    }
}

fn unsubscribe(words: &BTreeMap<Arc<str>, Words>) -> bool {
    let leaves = |value: &Expr| matches!(value, Expr::Own(Own::Unsubscribe));
    words.values().all(|words| words.email.as_ref().is_none_or(|email| any(&email.html, &leaves)))
}

/// The texts of a template in one language.
struct Texts<'a> {
    compiling: &'a Compiling<'a>,
    settings: &'a Settings,
    locale: &'a Arc<str>,
    said: &'a RefCell<BTreeSet<String>>,
}

impl Texts<'_> {
    fn expander(&self, kind: Kind) -> Expander<'_> {
        let Self { compiling, settings, locale, said } = self;
        let Compiling { name, shelf, shared, said: said_of_all, .. } = compiling;
        Expander { shelf, name, settings, shared, locale, kind, said, said_of_all }
    }

    fn all(
        &self,
        push: Option<&Push>,
        spoken: &spoken::Spoken,
        asked: &mut Asked,
        report: &mut Report,
    ) -> Words {
        let folder = self.compiling.folder;
        let sms = if folder.sms.is_empty() {
            None
        } else {
            let found = folder.sms.get(&Some(self.locale.clone())).or_else(|| folder.sms.get(&None));
            match found {
                Some(written) => {
                    let pieces =
                        self.expander(Kind::Text).pieces(&written.pieces, None, &mut Vec::new(), report);
                    Some(lower(&pieces, Form::Text, asked, report))
                }
                None => {
                    self.unspoken("sms.hbs", &format!("sms.{}.hbs", self.locale), report);
                    None
                }
            }
        };
        let push = push.map(|push| {
            let mut program =
                |words: &Option<_>, report: &mut Report| self.words(words.as_ref(), asked, report);
            let title = program(&push.title, report);
            let body = program(&push.body, report);
            let url = self.link(push.url.as_ref(), asked, report);
            PushWords { title, body, url }
        });
        let email = if folder.email.is_empty() { None } else { self.email(asked, report) };
        let whatsapp = spoken.whatsapp.as_ref().map(|whatsapp| self.whatsapp(whatsapp, asked, report));
        let hook = spoken.hook.as_ref().map(|hook| self.hook(hook, asked, report));
        Words { email, sms, push, whatsapp, hook }
    }

    fn unspoken(&self, common: &str, own: &str, report: &mut Report) {
        let message = format!("this template has no {common} in {}", self.locale);
        let name = self.compiling.name;
        let help = format!("write templates/{name}/{own}, or templates/{name}/{common} for every locale");
        report.error(&self.compiling.place(), message, help);
    }

    /// Words of a YAML file.
    fn words(&self, words: Option<&settings::Words>, asked: &mut Asked, report: &mut Report) -> Program {
        let Some(words) = words else { return Program::default() };
        let pieces = self.expander(Kind::Text).pieces(words.get(self.locale), None, &mut Vec::new(), report);
        lower(&pieces, Form::Text, asked, report)
    }

    /// Words that are an address.
    fn link(&self, words: Option<&settings::Words>, asked: &mut Asked, report: &mut Report) -> Program {
        let Some(words) = words else { return Program::default() };
        let pieces = self.expander(Kind::Text).pieces(words.get(self.locale), None, &mut Vec::new(), report);
        let Woven { text, mut tokens, .. } = Woven::new(&pieces);
        let marked = html::mark(&text, false, &mut tokens).unwrap_or(text);
        lower(&tokens.split(&marked), Form::Text, asked, report)
    }

    /// The file for this language.
    fn file(&self, kind: Kind) -> Option<&Written> {
        let email = &self.compiling.folder.email;
        email.get(&(kind, Some(self.locale.clone()))).or_else(|| email.get(&(kind, None)))
    }

    fn email(&self, asked: &mut Asked, report: &mut Report) -> Option<EmailWords> {
        if self.compiling.folder.broken {
            return None;
        }
        if self.settings.without_subject || self.compiling.folder.settings.is_none() {
            let help = "write `subject: { en: … }` in its template.yaml";
            report.error(&self.compiling.place(), "this mail has no subject", help);
        }
        let subject = self.words(self.settings.subject.as_ref(), asked, report);
        let (kind, written) = match (self.file(Kind::Mjml), self.file(Kind::Html)) {
            (Some(written), None) => (Kind::Mjml, written),
            (None, Some(written)) => (Kind::Html, written),
            (Some(_), Some(html)) => {
                report.error(&html.place, "there is an email.mjml too", "keep one of the two");
                return None;
            }
            (None, None) => {
                self.unspoken("email.mjml", &format!("email.{}.mjml", self.locale), report);
                return None;
            }
        };
        let before = report.errors();
        let layout = self.layout(kind, report);
        let expander = self.expander(kind);
        let pieces = expander.file(written, layout, report);
        let preheader = self.settings.preheader.as_ref();
        let preheader = preheader.map(|words| escaped(words.get(self.locale))).unwrap_or_default();
        let preheader = expander.pieces(&preheader, None, &mut Vec::new(), report);
        if report.errors() > before {
            return None;
        }
        let (lang, dir) = (self.locale.as_ref(), direction(self.locale));
        let mut woven = Woven::new(&pieces);
        let html = if kind == Kind::Mjml {
            mjml::compile(&mut woven, lang, dir, report)?
        } else {
            html::check(&woven, report);
            woven.text.clone()
        };
        let tokens = &mut woven.tokens;
        let derived = text::of_html(&html, tokens);
        let html = html::finish(&html, tokens, &Finish { lang, dir, preheader: &preheader });
        let length = html.len();
        let html = lower(&tokens.split(&html), Form::Html, asked, report);
        let text = match self.file(Kind::Text) {
            Some(own) => self.own_text(own, asked, report),
            None => lower(&tokens.split(&derived), Form::Text, asked, report),
        };
        Some(EmailWords { subject, html, text, length })
    }

    fn own_text(&self, written: &Written, asked: &mut Asked, report: &mut Report) -> Program {
        let layout = self.settings.layout.as_ref();
        let layout =
            layout.and_then(|(name, _)| self.compiling.shelf.layouts.get(&(name.clone(), Kind::Text)));
        let pieces = self.expander(Kind::Text).file(written, layout, report);
        let Woven { text, mut tokens, .. } = Woven::new(&pieces);
        let marked = text::links(&text, &mut tokens);
        lower(&tokens.split(&marked), Form::Text, asked, report)
    }

    fn layout(&self, kind: Kind, report: &mut Report) -> Option<&Written> {
        let (name, place) = self.settings.layout.as_ref()?;
        let layouts = &self.compiling.shelf.layouts;
        let found = layouts.get(&(name.clone(), kind));
        if found.is_none() {
            let names: BTreeSet<&str> =
                layouts.keys().filter(|(_, of)| *of == kind).map(|(name, _)| name.as_ref()).collect();
            let message = format!("there is no layout templates/layouts/{name}.{}", kind.extension());
            report.error(place, message, meant(name, names.iter().copied()));
        }
        found
    }
}
