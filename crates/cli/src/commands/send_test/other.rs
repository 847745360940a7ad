//! A test by another channel than mail: the provider is told of one message, with words of a template or of our own.

use anyhow::{Context as _, bail};
use journeyman_channels::codec::{Call, Content, Notification, Text};
use journeyman_channels::phone;
use journeyman_domain::plan::Channel;
use journeyman_domain::{MessageId, PersonId, ShopClock as _};
use journeyman_engine::outlet::Outlet;
use serde_json::json;
use uuid::Uuid;

use super::{SendTest, allowed, words};
use crate::SystemClock;
use crate::diagnostics::Told;
use crate::shop::{Shop, Wanted};

/// What is said where no template is named.
const WORDS: &str = "[test] This was sent by journeyman send-test.";

impl SendTest {
    pub(super) async fn by(&self, channel: Channel, outlet: &Outlet) -> anyhow::Result<()> {
        let provider = outlet.http.get(&channel).with_context(|| {
            format!("nothing sends by {channel}: journeyman.yaml has no channels.{channel} (docs/channels.md shows how it is set up)")
        })?;
        let to = self.address(channel)?;
        allowed(outlet, channel, &to)?;
        let shop = Shop::read(&self.dir)?;
        let content = self.content(&shop, channel, &to)?;
        let now = SystemClock.now().as_millisecond() / 1_000;
        let verdict = provider.sender.send(&content, now).await;
        let (name, (took, said)) = (provider.sender.codec().name(), words(&verdict));
        if self.json {
            let told = json!({
                "channel": channel.name(),
                "to": to,
                "provider": name,
                "message": content.message().to_string(),
                "accepted": took,
                "said": said,
            });
            println!("{told}");
        } else {
            let did = if took { "took it" } else { "did not take it" };
            let whom = if to.is_empty() { String::new() } else { format!(" for {to}") };
            println!("{name} {did}{whom}: {said}");
        }
        if took { Ok(()) } else { Err(Told.into()) }
    }

    /// Where it goes, as the provider wants it; of a webhook the configuration says.
    fn address(&self, channel: Channel) -> anyhow::Result<String> {
        match (channel, &self.to) {
            (Channel::Webhook, None) => Ok(String::new()),
            (Channel::Webhook, Some(_)) => {
                bail!("a webhook goes where channels.webhook says; leave --to out")
            }
            (_, None) => bail!("say with --to where it goes: {}", place(channel)),
            (Channel::Sms | Channel::Whatsapp, Some(to)) => Ok(phone::checked("to", to)?),
            (_, Some(to)) => Ok(to.trim().to_owned()),
        }
    }

    fn content(&self, shop: &Shop, channel: Channel, to: &str) -> anyhow::Result<Content> {
        // One of chance: no two tests are one message.
        let message = MessageId(Uuid::new_v4());
        if let Some(template) = &self.template {
            let template = shop.named(template)?;
            let locale = self.locale(&shop.policies)?;
            let data = shop.templates.sample(&template, &locale).context("the template has no sample")?;
            let wanted =
                Wanted { template: &template, message, person: PersonId(0), address: to, sender: None };
            let known =
                shop.templates.signature(&template).is_some_and(|known| known.channels.contains(&channel));
            if !known {
                bail!("{template} has no words for {channel}");
            }
            return shop.content(&wanted, channel, &data, SystemClock.now());
        }
        let (to, text) = (to.to_owned(), WORDS.to_owned());
        Ok(match channel {
            Channel::Sms => Content::Sms(Text { message, to, text }),
            Channel::Push => {
                let title = Some("[test]".to_owned());
                Content::Push(Notification { message, to, title, body: text, url: None })
            }
            Channel::Webhook => {
                let body = json!({ "type": "test", "data": { "message": text } }).to_string();
                Content::Webhook(Call { message, body })
            }
            _ => bail!("{channel} speaks by templates that its provider knows: name one with --template"),
        })
    }
}

/// How an address of a channel is written.
fn place(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms | Channel::Whatsapp => "a number, as +4915112345678",
        Channel::Push => "a device's token",
        _ => "an address",
    }
}
