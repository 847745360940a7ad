//! What a message says, rendered: what `render` makes and `channels` puts on the wire.

use std::sync::Arc;

use crate::MessageId;

/// A mail, ready to be put into MIME. Nothing in it has been checked for line breaks: that is who writes it on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    /// Which message.
    pub message: MessageId,
    /// The sender's address.
    pub from: Arc<str>,
    /// The sender's name in the person's language.
    pub from_name: String,
    /// Where answers go, if elsewhere.
    pub reply_to: Option<Arc<str>>,
    /// To whom.
    pub to: String,
    /// The subject, one line.
    pub subject: String,
    /// The HTML part, whole.
    pub html: String,
    /// The text part.
    pub text: String,
    /// The address by which one POST unsubscribes (RFC 8058); `None` of a transactional message.
    pub unsubscribe: Option<String>,
    /// The locale it was rendered in: `Content-Language`.
    pub locale: Arc<str>,
}

/// What a message says on a channel that is spoken to over HTTP, ready to be put into a provider's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A text message.
    Sms(Text),
    /// A notification.
    Push(Notification),
    /// A WhatsApp message.
    Whatsapp(Whatsapp),
    /// A call to the shop's own systems.
    Webhook(Call),
}

impl Content {
    /// Which message.
    pub fn message(&self) -> MessageId {
        match self {
            Self::Sms(text) => text.message,
            Self::Push(notification) => notification.message,
            Self::Whatsapp(whatsapp) => whatsapp.message,
            Self::Webhook(call) => call.message,
        }
    }

    /// To whom; empty of a channel that needs no address.
    pub fn to(&self) -> &str {
        match self {
            Self::Sms(text) => &text.to,
            Self::Push(notification) => &notification.to,
            Self::Whatsapp(whatsapp) => &whatsapp.to,
            Self::Webhook(_) => "",
        }
    }
}

/// A text message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Which message.
    pub message: MessageId,
    /// The number.
    pub to: String,
    /// The words.
    pub text: String,
}

/// A notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Which message.
    pub message: MessageId,
    /// The device's token.
    pub to: String,
    /// Its title, where it has one.
    pub title: Option<String>,
    /// Its words.
    pub body: String,
    /// Where a tap leads.
    pub url: Option<String>,
}

/// A WhatsApp message: a template that Meta has approved, or words of one's own within 24 h of the person's last message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whatsapp {
    /// Which message.
    pub message: MessageId,
    /// The number.
    pub to: String,
    /// The template's name there.
    pub template: String,
    /// In which of its languages: `en_US`.
    pub language: String,
    /// The parameter of its header, where it has one.
    pub header: Option<String>,
    /// The parameters of its body, in order.
    pub body: Vec<String>,
    /// Its buttons, in order.
    pub buttons: Vec<Button>,
    /// Said instead while the person's session is open.
    pub text: Option<String>,
    /// Whether it is.
    pub in_session: bool,
}

/// A button of a WhatsApp template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Button {
    /// The end of its address, as the template has a place for it.
    Url(String),
    /// What comes back when it is tapped.
    Payload(String),
}

/// A call to the shop's own systems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which message.
    pub message: MessageId,
    /// The body, JSON; the same at every attempt.
    pub body: String,
}
