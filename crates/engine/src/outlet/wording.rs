//! A message made ready: its words, rendered and put on the wire's form.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use journeyman_channels::codec::Content;
use journeyman_channels::email::{self, Wire};
use journeyman_channels::{Reason, Verdict};
use journeyman_delivery::call::Caller;
use journeyman_delivery::http;
use journeyman_delivery::smtp::Pool;
use journeyman_domain::call::{self, Asked};
use journeyman_domain::plan::{Channel, Policies};
use journeyman_domain::template::{Context, Data};
use journeyman_render::{Templates, Tracking, Wording};
use journeyman_store::outbox::Claimed;
use journeyman_store::{ENGINE_SILENCE, Error, deployments, read};
use sqlx::postgres::PgPool;

use super::{Outlet, Way};
use crate::deploy;

/// How many deployments' words are kept at once.
const KEPT: usize = 8;

/// What a deployment says and how: its templates, where it has any, and its policies.
#[derive(Clone)]
pub struct Wordings {
    /// `None` where names of templates were taken as written: nothing has words.
    pub templates: Option<Arc<Templates>>,
    /// Senders, links, locales.
    pub policies: Arc<Policies>,
}

/// The words of deployments, loaded when first asked for.
#[derive(Clone, Default)]
pub struct Cache(Arc<Mutex<Known>>);

/// By the deployment's number: its words, or why there are none.
type Known = BTreeMap<i64, Result<Wordings, Arc<str>>>;

impl Cache {
    /// The words of a deployment; or why this version can't speak them.
    ///
    /// # Errors
    /// As the store's.
    pub async fn get(&self, pool: &PgPool, number: i64) -> Result<Result<Wordings, Arc<str>>, Error> {
        if let Some(known) = self.lock().get(&number) {
            return Ok(known.clone());
        }
        let load = async |connection: &mut _| deployments::load(connection, number).await;
        let stored = read(pool, ENGINE_SILENCE, load).await?;
        let made = deploy::wordings(&stored).map_err(Arc::from);
        let mut known = self.lock();
        known.insert(number, made.clone());
        while known.len() > KEPT {
            known.pop_first();
        }
        Ok(made)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message, ready to leave.
pub enum Prepared {
    /// To the development channel.
    Inbox,
    /// By mail.
    Mail(Pool, Box<Wire>),
    /// A step's question to the shop's own systems.
    Call(Caller, Box<Asked>),
    /// By a provider over HTTP.
    Told(http::Sender, Box<Content>),
    /// It can't leave: what follows from that is known already.
    Settled(Verdict),
}

/// Makes a message ready: the same message and context give the same bytes, whoever asks and when.
pub fn prepare(outlet: &Outlet, wordings: &Wordings, claimed: &Claimed, context: &Context) -> Prepared {
    let message = &claimed.message;
    if message.channel == Channel::Call {
        return match (&outlet.calls, call::asked(message)) {
            (Some(caller), Some(asked)) => Prepared::Call(caller.clone(), Box::new(asked)),
            (None, _) => Prepared::never("nobody is called from here"),
            (_, None) => Prepared::never("what was to be asked can't be read"),
        };
    }
    let to = match outlet.way(message.channel, &message.address) {
        Way::Nowhere(why) => return Prepared::never(why),
        Way::Inbox => None,
        Way::Out(to) => Some(to),
    };
    // What can't be rendered is refused in the inbox as it is in production.
    let Some(templates) = &wordings.templates else {
        return to.map_or(Prepared::Inbox, |_| Prepared::never("the deployment has no templates"));
    };
    // What is meant for the inbox has whatever words there are.
    if matches!(message.channel, Channel::Inbox | Channel::InApp) {
        return to.map_or(Prepared::Inbox, |_| Prepared::never("nothing sends by this channel"));
    }
    let Ok(data) = serde_json::from_str::<Data>(&message.data) else {
        return Prepared::never("what the template was given can't be read");
    };
    let policies = &wordings.policies;
    let wording = Wording {
        message: message.message,
        person: message.person,
        channel: message.channel,
        template: &message.template,
        journey: &message.journey,
        step: &message.step,
        marketing: message.marketing,
        sender: message.sender.as_deref(),
        address: to.as_ref().unwrap_or(&message.address),
        data: &data,
        context,
    };
    let base = outlet.links_base(policies, context.base.as_ref());
    let tracking = Tracking { keys: Some(&outlet.keys), base: &base };
    if message.channel != Channel::Email {
        let said = templates.content(policies, &wording, &tracking);
        return match (said, to, outlet.http.get(&message.channel)) {
            (Err(error), ..) => Prepared::never(&error.to_string()),
            (Ok(_), None, _) => Prepared::Inbox,
            (Ok(said), Some(_), Some(provider)) => Prepared::Told(provider.sender.clone(), Box::new(said)),
            (Ok(_), Some(_), None) => Prepared::never("nothing sends by this channel"),
        };
    }
    let rendered = templates.email(policies, &wording, &tracking);
    let (Some(_), email) = (
        &to,
        match rendered {
            Ok(email) => email,
            Err(error) => return Prepared::never(&error.to_string()),
        },
    ) else {
        return Prepared::Inbox;
    };
    let (Some(relay), Some(settings)) = (outlet.relay(message.sender.as_deref(), policies), &outlet.email)
    else {
        return Prepared::never("no relay");
    };
    let back = settings.bounces.as_ref().map(|domain| {
        let left = outlet.keys.return_address(context.key, message.message, message.person);
        format!("{left}@{domain}")
    });
    match email::compose(&email, context.at, back.as_deref(), &settings.dkim) {
        Ok(wire) => Prepared::Mail(relay.pool.clone(), Box::new(wire)),
        Err(refusal) => Prepared::never(&refusal.to_string()),
    }
}

impl Prepared {
    /// It can never leave.
    pub fn never(why: &str) -> Self {
        let (reason, detail) = (Reason::Unsendable, why.to_owned());
        Self::Settled(Verdict::Rejected { reason, detail, suppress: false })
    }

    /// Another process may be able to: it is of a later version than this one.
    pub fn later(why: &str) -> Self {
        Self::Settled(again(why))
    }
}

/// Nothing of it has left, and nobody's host is to blame.
pub fn again(why: &str) -> Verdict {
    Verdict::Retry { after: None, reason: why.to_owned(), host: false }
}

impl Outlet {
    /// Where tracked links lead: the shop's own domain, else the daemon that tried first, else this one.
    pub fn links_base(&self, policies: &Policies, first: Option<&Arc<str>>) -> Arc<str> {
        match policies.links.domain.as_deref() {
            None => first.unwrap_or(&self.base).clone(),
            Some(base) if base.contains("://") => base.trim_end_matches('/').into(),
            Some(domain) => format!("https://{domain}").into(),
        }
    }
}
