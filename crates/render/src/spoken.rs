//! Text messages, notifications, WhatsApp and webhooks: rendered as providers are told them.

use journeyman_domain::content::{Button, Call, Content, Notification, Text, Whatsapp};
use journeyman_domain::plan::{Channel, Policies};
use serde_json::{Map, Value, json};

use crate::email::{Ready, Tracking, Wording, run_text};
use crate::error::{Error, Reason};
use crate::program::Program;
use crate::run::Run;
use crate::templates::{ButtonWords, HookWords, PushWords, Templates, WhatsappWords};

impl Templates {
    /// What a provider is told. The same input gives the same words.
    ///
    /// # Errors
    /// [`Error`], as [`Templates::email`]; of mail and of the inbox that there are no such words.
    pub fn content(
        &self,
        policies: &Policies,
        wording: &Wording<'_>,
        tracking: &Tracking<'_>,
    ) -> Result<Content, Error> {
        let error = |reason| self.error(wording, reason);
        let ready = self.ready(policies, wording, tracking).map_err(error)?;
        let made =
            self.with_run(policies, wording, tracking, &ready, |run| content(run, &ready, wording, tracking));
        made.map_err(error)
    }
}

fn content(
    run: &Run<'_>,
    ready: &Ready<'_>,
    wording: &Wording<'_>,
    tracking: &Tracking<'_>,
) -> Result<Content, Reason> {
    let words = ready.words;
    let none = || Reason::Channel(wording.channel);
    let (message, to) = (wording.message, wording.address.to_owned());
    Ok(match wording.channel {
        Channel::Sms => {
            let text = trimmed(run, words.sms.as_ref().ok_or_else(none)?)?;
            Content::Sms(Text { message, to, text })
        }
        Channel::Push => {
            let PushWords { title, body, url } = words.push.as_ref().ok_or_else(none)?;
            let some = |text: String| Some(text).filter(|text| !text.is_empty());
            let (title, body, url) = (trimmed(run, title)?, trimmed(run, body)?, trimmed(run, url)?);
            Content::Push(Notification { message, to, title: some(title), body, url: some(url) })
        }
        Channel::Whatsapp => {
            let said = words.whatsapp.as_ref().ok_or_else(none)?;
            Content::Whatsapp(whatsapp(run, said, wording, tracking)?)
        }
        Channel::Webhook => {
            let said = words.hook.as_ref().ok_or_else(none)?;
            Content::Webhook(Call { message, body: call(run, said, wording)? })
        }
        Channel::Email | Channel::InApp | Channel::Inbox | Channel::Call => return Err(none()),
    })
}

fn trimmed(run: &Run<'_>, program: &Program) -> Result<String, Reason> {
    Ok(run_text(run, program)?.trim().to_owned())
}

fn whatsapp(
    run: &Run<'_>,
    said: &WhatsappWords,
    wording: &Wording<'_>,
    tracking: &Tracking<'_>,
) -> Result<Whatsapp, Reason> {
    // The button's address stands in the approved template up to its end, which is the link's token.
    let place = format!("{}/c/", tracking.base);
    let button = |button: &ButtonWords| {
        Ok(match button {
            ButtonWords::Url(url) => {
                let url = trimmed(run, url)?;
                Button::Url(url.strip_prefix(&place).map(str::to_owned).unwrap_or(url))
            }
            ButtonWords::Payload(payload) => Button::Payload(trimmed(run, payload)?),
        })
    };
    let open = wording.data.session_until.is_some_and(|until| wording.context.at < until);
    Ok(Whatsapp {
        message: wording.message,
        to: wording.address.to_owned(),
        template: said.template.clone(),
        language: said.language.clone(),
        header: said.header.as_ref().map(|header| trimmed(run, header)).transpose()?,
        body: said.body.iter().map(|parameter| trimmed(run, parameter)).collect::<Result<_, Reason>>()?,
        buttons: said.buttons.iter().map(button).collect::<Result<_, Reason>>()?,
        text: said.text.as_ref().map(|text| trimmed(run, text)).transpose()?,
        in_session: open,
    })
}

/// The body of a call, as Standard Webhooks proposes it: its type, when it was first tried, and what it is about.
fn call(run: &Run<'_>, said: &HookWords, wording: &Wording<'_>) -> Result<String, Reason> {
    let mut data = Map::new();
    for (name, program) in &said.data {
        data.insert(name.clone(), trimmed(run, program)?.into());
    }
    let about = json!({
        "message_id": wording.message.to_string(),
        "person_id": wording.person.to_string(),
        "journey": wording.journey,
        "step": wording.step,
    });
    let at = wording.context.at.timestamp().to_string();
    let body: Value = json!({ "type": said.kind, "timestamp": at, "data": data, "journeyman": about });
    Ok(body.to_string())
}

/// What somebody reads who looks at it: title, text, address, buttons.
pub(crate) struct Seen {
    pub(crate) title: Option<String>,
    pub(crate) text: String,
    pub(crate) url: Option<String>,
    pub(crate) buttons: Vec<String>,
}

impl From<Content> for Seen {
    fn from(content: Content) -> Self {
        let plain = |text| Self { title: None, text, url: None, buttons: Vec::new() };
        match content {
            Content::Sms(text) => plain(text.text),
            Content::Push(push) => Self { title: push.title, url: push.url, ..plain(push.body) },
            Content::Webhook(call) => plain(call.body),
            Content::Whatsapp(said) => {
                let buttons = said.buttons.into_iter().map(|button| match button {
                    Button::Url(end) => end,
                    Button::Payload(payload) => payload,
                });
                // The words themselves are Meta's to keep; what we say in a session stands for them.
                let told = || format!("{} ({}): {}", said.template, said.language, said.body.join(" · "));
                let text = said.text.clone().unwrap_or_else(told);
                Self { title: said.header.clone(), buttons: buttons.collect(), ..plain(text) }
            }
        }
    }
}
