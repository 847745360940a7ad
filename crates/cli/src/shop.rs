//! The words of a folder: its templates, with what stands around them, and what they say.

use std::path::Path;
use std::sync::Arc;

use anyhow::{anyhow, bail};
use journeyman_domain::content::{Content, Email};
use journeyman_domain::plan::{Channel, Deployment, JourneyKind, Plan, Policies, Send, Step};
use journeyman_domain::template::{Context, Data};
use journeyman_domain::{MessageId, PersonId, ShopTime};
use journeyman_engine::deploy;
use journeyman_journey::{Diagnostic, Severity, Source, template_faults};
use journeyman_render::{Error, Plain, TemplateFile, Templates, Tracking, Wording};

use crate::config::FILE;
use crate::diagnostics::{self, Told};

/// A folder, as far as its words go.
pub(crate) struct Shop {
    /// Its templates; those with errors can't be rendered.
    pub(crate) templates: Templates,
    /// Senders, links, locales.
    pub(crate) policies: Policies,
    /// Its journeys, where nothing is wrong with any of it.
    pub(crate) deployment: Option<Deployment>,
    sources: Vec<Source>,
    found: Vec<Diagnostic>,
}

/// A template's words on a channel.
pub(crate) enum Said {
    /// A mail.
    Mail(Box<Email>),
    /// A text message, or a notification.
    Plain(Plain),
}

/// A step that sends a template.
#[derive(Clone, Copy)]
pub(crate) struct Sending<'a> {
    /// Its journey.
    pub(crate) plan: &'a Arc<Plan>,
    /// Its id.
    pub(crate) step: &'a str,
    /// What it does.
    pub(crate) send: &'a Send,
}

impl Shop {
    /// Reads a folder. What is wrong with its journeys or with a template is no matter as long as another is asked for.
    ///
    /// # Errors
    /// Files or a journeyman.yaml that can't be read.
    pub(crate) fn read(dir: &Path) -> anyhow::Result<Self> {
        let sources = diagnostics::read_shop(dir)?;
        let files: Vec<Source> =
            sources.iter().filter(|source| source.path.starts_with("templates/")).cloned().collect();
        let around: Vec<Source> = sources.iter().filter(|source| source.path == FILE).cloned().collect();
        let checked = journeyman_journey::check(&around, None, false);
        let Some(policies) = checked.deployment.map(|deployment| deployment.policies) else {
            eprint!("{}", diagnostics::draw(&around, &checked.diagnostics, false));
            return Err(Told.into());
        };
        let given: Vec<TemplateFile> = files
            .iter()
            .map(|file| TemplateFile { path: file.path.clone(), text: file.text.clone() })
            .collect();
        let (templates, faults) = Templates::compile(&given, &policies);
        let mut found = template_faults(&faults, &files);
        found.retain(|said| said.severity == Severity::Error);
        let deployment = deploy::check(&sources, false).deployment;
        Ok(Self { templates, policies, deployment, sources: files, found })
    }

    /// A template's own name, as it is known here.
    ///
    /// # Errors
    /// Where there is no such template.
    pub(crate) fn named(&self, name: &str) -> anyhow::Result<Arc<str>> {
        if let Some(signature) = self.templates.signature(name) {
            return Ok(signature.name.clone());
        }
        let known: Vec<&str> = self.templates.names().collect();
        if known.is_empty() {
            bail!("there are no templates here; write one to templates/{name}/");
        }
        bail!("there is no template `{name}`; there are {}", known.join(", "));
    }

    /// The steps that send a template.
    pub(crate) fn sendings(&self, template: &str) -> Vec<Sending<'_>> {
        let plans = self.deployment.iter().flat_map(|deployment| &deployment.plans);
        let steps = plans.flat_map(|plan| {
            plan.nodes.iter().filter_map(move |node| match &node.step {
                Step::Send(send) => Some(Sending { plan, step: &node.id, send }),
                _ => None,
            })
        });
        steps.filter(|sending| sending.send.template.as_ref() == template).collect()
    }

    /// Whether it is marketing: its journeys say so, else whether people can unsubscribe by it.
    pub(crate) fn is_marketing(&self, template: &str) -> bool {
        match self.sendings(template).first() {
            Some(sending) => sending.plan.kind == JourneyKind::Marketing,
            None => self.templates.unsubscribes(template),
        }
    }

    /// What a template says on a channel to somebody. Its links lead where they lead, and count nothing.
    ///
    /// # Errors
    /// What stands in the way, with the template's faults where they do.
    pub(crate) fn said(
        &self,
        wanted: &Wanted<'_>,
        channel: Channel,
        data: &Data,
        at: ShopTime,
    ) -> anyhow::Result<Said> {
        self.worded(wanted, channel, data, at, |wording| rendered(&self.templates, &self.policies, wording))
    }

    /// The same as its provider is told it; of any channel but mail.
    ///
    /// # Errors
    /// As [`Shop::said`].
    pub(crate) fn content(
        &self,
        wanted: &Wanted<'_>,
        channel: Channel,
        data: &Data,
        at: ShopTime,
    ) -> anyhow::Result<Content> {
        let unsigned = Tracking { keys: None, base: "" };
        self.worded(wanted, channel, data, at, |wording| {
            self.templates.content(&self.policies, wording, &unsigned)
        })
    }

    fn worded<T>(
        &self,
        wanted: &Wanted<'_>,
        channel: Channel,
        data: &Data,
        at: ShopTime,
        make: impl FnOnce(&Wording<'_>) -> Result<T, Error>,
    ) -> anyhow::Result<T> {
        let sending = self.sendings(wanted.template);
        let sending = sending.first();
        let context = Context { at, key: 0, base: None };
        let wording = Wording {
            message: wanted.message,
            person: wanted.person,
            channel,
            template: wanted.template,
            journey: sending.map_or("preview", |sending| &sending.plan.name),
            step: sending.map_or("preview", |sending| sending.step),
            marketing: self.is_marketing(wanted.template),
            sender: wanted.sender.or(sending.and_then(|sending| sending.send.sender.as_deref())),
            address: wanted.address,
            data,
            context: &context,
        };
        make(&wording).map_err(|error| {
            let faults = self.faults(wanted.template);
            if faults.is_empty() {
                return anyhow!(error);
            }
            eprint!("{}", diagnostics::draw(&self.sources, &faults, diagnostics::in_colour()));
            Told.into()
        })
    }

    /// What is wrong with a template, and with what several share.
    fn faults(&self, template: &str) -> Vec<Diagnostic> {
        let known: Vec<&str> = self.templates.names().collect();
        let of = |said: &&Diagnostic| {
            let folder = diagnostics::template_folder(&said.file);
            folder.is_none_or(|folder| folder == template || !known.contains(&folder))
        };
        self.found.iter().filter(of).cloned().collect()
    }
}

/// Whose words are asked for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) template: &'a str,
    pub(crate) message: MessageId,
    pub(crate) person: PersonId,
    /// Where it goes.
    pub(crate) address: &'a str,
    /// Who it is from, where that is said.
    pub(crate) sender: Option<&'a str>,
}

/// A message in words, its links unsigned: nobody who looks at it clicks in somebody's name.
///
/// # Errors
/// As the templates'.
pub(crate) fn rendered(
    templates: &Templates,
    policies: &Policies,
    wording: &Wording<'_>,
) -> Result<Said, Error> {
    let unsigned = Tracking { keys: None, base: "" };
    Ok(match wording.channel {
        Channel::Email => Said::Mail(Box::new(templates.email(policies, wording, &unsigned)?)),
        _ => Said::Plain(templates.plain(policies, wording, &unsigned)?),
    })
}
