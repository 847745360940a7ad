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
