//! `journeyman send-test`.

mod other;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use journeyman_channels::email::compose;
use journeyman_channels::{Verdict, address, phone};
use journeyman_domain::content::Email;
use journeyman_domain::plan::{Channel, Policies, Sender};
use journeyman_domain::{MessageId, PersonId, ShopClock as _, ShopTime};
use journeyman_engine::outlet::{Outlet, Way};
use serde_json::json;
use uuid::Uuid;

use crate::config::Config;
use crate::diagnostics::Told;
use crate::shop::{Said, Shop, Wanted};
use crate::{SystemClock, outlet};

/// Send one real message, to see it arrive
///
/// A mail goes the way every mail goes: rendered, signed, with its own return address, over the sender's relay; its subject
/// begins with [test]. By --channel it is a text message, a notification, a WhatsApp template or a call of the webhook. Its
/// links count nothing, and nobody is unsubscribed by it. Outside production it goes only to whom journeyman.yaml allows: an
/// address, domain, number or token of allow_only, or redirect_all_to's own. The exit code is 1 where it was not taken.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman send-test --to you@shop.example\n  \
                  journeyman send-test --to you@shop.example --template cart-reminder --locale de\n  \
                  journeyman send-test --to you@shop.example --sender billing --json\n  \
                  journeyman send-test --channel sms --to +4915112345678\n  \
                  journeyman send-test --channel webhook")]
pub(super) struct SendTest {
    /// To whom: an address, a number, a device's token; a webhook goes where journeyman.yaml says
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// By which channel; email unless said
    #[arg(long, value_parser = super::channel)]
    channel: Option<Channel>,
    /// A template with its sample; a few words of our own unless said
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// In which locale of the shop; its first unless said
    #[arg(long)]
    locale: Option<String>,
    /// From which sender of journeyman.yaml; the template's, else the only one unless said
    #[arg(long, value_name = "NAME")]
    sender: Option<String>,
    /// The folder that holds journeyman.yaml and templates/
    #[arg(long, default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl SendTest {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let outlet = outlet::of(config, config.public)?;
        match self.channel {
            None | Some(Channel::Email) => {}
            Some(channel @ (Channel::Sms | Channel::Push | Channel::Whatsapp | Channel::Webhook)) => {
                ensure!(self.sender.is_none(), "--sender is for mail");
                return self.by(channel, &outlet).await;
            }
            Some(channel) => bail!("nothing leaves by {channel}: it is read in the shop"),
        }
        let settings = outlet.email.as_ref().context(
            "no mail can be sent: journeyman.yaml has no channels.email (docs/channels.md shows how it is set up)",
        )?;
        let to = self.to.as_deref().context("say with --to where it goes: an address")?;
        let to = address::checked("to", to)?;
        allowed(&outlet, Channel::Email, &to)?;
        let shop = Shop::read(&self.dir)?;
        let now = SystemClock.now();
        let (name, email) = self.email(&shop, &outlet, &to, now)?;
        let relay = outlet.relay(Some(&name), &shop.policies).context("there is no relay for this sender")?;
        let back = settings.bounces.as_ref().map(|domain| {
            let left = outlet.keys.return_address(outlet.keys.current(), email.message, PersonId(0));
            format!("{left}@{domain}")
        });
        let wire = compose(&email, now, back.as_deref(), &settings.dkim)?;
        let verdict = relay.pool.send(&wire).await.verdict;
        relay.pool.close();
        let (took, words) = words(&verdict);
        if self.json {
            let said = json!({
                "to": to,
                "from": email.from,
                "sender": name,
                "subject": email.subject,
                "message": email.message.to_string(),
                "relay": relay.name,
                "accepted": took,
                "said": words,
            });
            println!("{said}");
        } else if took {
            println!("{} took it for {to}: {words}", relay.name);
            println!("from {}, subject {:?}, {}", email.from, email.subject, email.message);
        } else {
            println!("{} did not take it: {words}", relay.name);
        }
        if took { Ok(()) } else { Err(Told.into()) }
    }

    /// What is sent, and the name of its sender.
    fn email(
        &self,
        shop: &Shop,
        outlet: &Outlet,
        to: &str,
        now: ShopTime,
    ) -> anyhow::Result<(Arc<str>, Email)> {
        let locale = self.locale(&shop.policies)?;
        let named = self.template.as_deref().map(|template| shop.named(template)).transpose()?;
        let (name, sender) = self.sender(shop, named.as_deref())?;
        // One of chance: no two tests are one message.
        let message = MessageId(Uuid::new_v4());
        let Some(template) = named else {
            return Ok((name, plain(sender, &locale, &shop.policies, message, to)));
        };
        let data = shop.templates.sample(&template, &locale).context("the template has no sample")?;
        let wanted =
            Wanted { template: &template, message, person: PersonId(0), address: to, sender: Some(&name) };
        let Said::Mail(mut email) = shop.said(&wanted, Channel::Email, &data, now)? else {
            bail!("{template} has no words for email");
        };
        email.subject = format!("[test] {}", email.subject);
        if shop.is_marketing(&template) {
            // There for whoever looks at the headers; nobody signed it, so that it does nothing.
            email.unsubscribe = Some(format!("{}/u/test", outlet.links_base(&shop.policies, None)));
        }
        Ok((name, *email))
    }

    fn locale(&self, policies: &Policies) -> anyhow::Result<Arc<str>> {
        let Some(asked) = &self.locale else { return Ok(policies.locale()) };
        let known = policies.locales.iter().find(|known| known.as_ref() == asked);
        known.cloned().with_context(|| {
            format!("the shop does not speak `{asked}`; it speaks {}", policies.locales.join(", "))
        })
    }

    fn sender<'s>(&self, shop: &'s Shop, template: Option<&str>) -> anyhow::Result<(Arc<str>, &'s Sender)> {
        let senders = &shop.policies.senders;
        let known = || senders.keys().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
        ensure!(!senders.is_empty(), "there is no sender; write one below `senders:` of journeyman.yaml");
        let of_template = template.and_then(|template| {
            let own = shop.templates.signature(template).and_then(|signature| signature.sender.clone());
            own.or_else(|| shop.sendings(template).first().and_then(|sending| sending.send.sender.clone()))
        });
        let asked = self.sender.as_deref().map(Arc::from).or(of_template);
        let found = match &asked {
            Some(name) => senders.get_key_value(name),
            None => senders.iter().next().filter(|_| senders.len() == 1),
        };
        match (found, asked) {
            (Some((name, sender)), _) => Ok((name.clone(), sender)),
            (None, Some(asked)) => bail!("there is no sender `{asked}`; there are {}", known()),
            (None, None) => bail!("say which with --sender; there are {}", known()),
        }
    }
}

/// Outside production a test is no way around the guard.
fn allowed(outlet: &Outlet, channel: Channel, to: &str) -> anyhow::Result<()> {
    let whom =
        if to.is_empty() { outlet.http.get(&channel).map_or("", |provider| &provider.host) } else { to };
    // However the configuration writes it.
    let same = |way: &str| match channel {
        Channel::Email => address::checked("to", way).is_ok_and(|way| way == to),
        Channel::Sms | Channel::Whatsapp => phone::checked("to", way).is_ok_and(|way| way == to),
        _ => way == to,
    };
    match (outlet.way(channel, &to.into()), channel) {
        (Way::Out(way), _) if same(&way) => Ok(()),
        (Way::Out(way), Channel::Email) => bail!(
            "outside production all mail goes to {way}; test with --to {way}, or add {to} or its domain to allow_only in \
             journeyman.yaml"
        ),
        (Way::Out(way), _) => bail!(
            "outside production all of {channel} goes to {way}; test with --to {way}, or add {to} to allow_only in \
             journeyman.yaml"
        ),
        (Way::Inbox, Channel::Webhook) => {
            bail!("outside production nothing is sent to {whom}; add it to allow_only in journeyman.yaml")
        }
        (Way::Inbox, Channel::Sms | Channel::Push | Channel::Whatsapp) => bail!(
            "outside production nothing is sent to {to}; add it to allow_only in journeyman.yaml, or write \
             redirect_all_to: {{ {channel}: \"{to}\" }}"
        ),
        (Way::Inbox, _) => bail!(
            "outside production nothing is sent to {to}; add it or its domain to allow_only in journeyman.yaml, or write \
             redirect_all_to: {{ email: {to} }}"
        ),
        (Way::Nowhere(why), _) => bail!("{why}"),
    }
}

/// A few words of our own.
fn plain(sender: &Sender, locale: &Arc<str>, policies: &Policies, message: MessageId, to: &str) -> Email {
    let text =
        format!("This mail was sent by journeyman send-test. It came from {} by its relay.\n", sender.from);
    Email {
        message,
        from: sender.from.clone(),
        from_name: sender.name.get(locale, &policies.locale()).to_owned(),
        reply_to: sender.reply_to.clone(),
        to: to.to_owned(),
        subject: "[test] mail from here arrives".to_owned(),
        html: format!("<!doctype html>\n<html lang=\"en\"><body><p>{}</p></body></html>\n", text.trim_end()),
        text,
        unsubscribe: None,
        locale: "en".into(),
    }
}

/// Whether it was taken, and what was said.
fn words(verdict: &Verdict) -> (bool, String) {
    match verdict {
        Verdict::Accepted { provider_id: Some(id) } => (true, format!("queued there as {id}")),
        Verdict::Accepted { provider_id: None } => (true, "it gave no name for it".to_owned()),
        Verdict::Rejected { reason, detail, .. } => (false, format!("{reason}: {detail}")),
        Verdict::Retry { reason, after, .. } => {
            let after = after.map_or(String::new(), |after| format!(", in {} s", after.as_secs()));
            (false, format!("another time perhaps{after}: {reason}"))
        }
        Verdict::Unknown { reason } => (false, format!("nobody knows whether it has: {reason}")),
    }
}

#[cfg(test)]
mod tests {
    use journeyman_domain::link::KeyRing;

    use super::*;

    #[test]
    fn a_test_is_no_way_around_the_guard() {
        let keys = KeyRing::new([(1, vec![7; 32])]).unwrap();
        let email = journeyman_engine::outlet::Email {
            relays: std::collections::BTreeMap::new(),
            bounces: None,
            dkim: Arc::from([]),
        };
        let mut outlet = Outlet { email: Some(email), ..Outlet::inbox(keys) };
        let check = |outlet: &Outlet, to: &str, part: &str| match allowed(outlet, Channel::Email, to) {
            Ok(()) => assert_eq!(part, "", "{to}"),
            Err(error) => assert!(!part.is_empty() && error.to_string().contains(part), "{to}: {error}"),
        };
        check(&outlet, "ada@shop.example", "add it or its domain to allow_only");
        outlet.redirect = [(Channel::Email, "qa@Shop.example".into())].into();
        check(&outlet, "ada@shop.example", "all mail goes to qa@Shop.example");
        check(&outlet, "qa@shop.example", "");
        outlet.allow_only = ["partner.example".into()].into();
        check(&outlet, "bob@partner.example", "");
        check(&outlet, "eve@evilpartner.example", "all mail goes to");
        outlet.production = true;
        check(&outlet, "ada@customer.example", "");
        outlet.email = None;
        check(&outlet, "ada@customer.example", "nothing sends");
    }
}
