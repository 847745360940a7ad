//! Why a message can't be rendered. Nothing of the person is told: names of variables, never their values.

use std::sync::Arc;

use journeyman_domain::plan::Channel;

use crate::run::{OUTPUT_BYTES, STEPS};
use crate::templates::SUBJECT_BYTES;

/// Why a message can't be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template `{template}` in {locale}: {reason}")]
pub struct Error {
    /// The template's name.
    pub template: Arc<str>,
    /// The locale it was rendered in.
    pub locale: Arc<str>,
    /// What stands in the way.
    pub reason: Reason,
}

/// What stands in the way of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Nobody knows the template, or it has faults.
    #[error("there is no such template, or it has faults")]
    Unknown,
    /// It has no words for the channel.
    #[error("it has no words for {0}")]
    Channel(Channel),
    /// A variable that is spoken of bare has no value.
    #[error("`{0}` is missing")]
    Missing(Arc<str>),
    /// A helper was given something that it can't show.
    #[error("`{helper}` was given something that is no {wanted}")]
    Unfit {
        /// Which helper.
        helper: &'static str,
        /// What it takes.
        wanted: &'static str,
    },
    /// A list or a block was to be written as if it were text.
    #[error("a list or a block was to be written as text")]
    NoText,
    /// More than [`OUTPUT_BYTES`].
    #[error("it would become longer than {OUTPUT_BYTES} bytes")]
    TooLong,
    /// More than [`STEPS`].
    #[error("it would take more than {STEPS} steps")]
    TooMuch,
    /// More than [`SUBJECT_BYTES`].
    #[error("its subject would become longer than {SUBJECT_BYTES} bytes")]
    Subject,
    /// Nobody to send it.
    #[error("no sender is named for it, and there is not just one of its stream")]
    NoSender,
    /// A sender that journeyman.yaml does not name.
    #[error("there is no sender `{0}`")]
    Sender(String),
    /// Marketing by a template in which nobody can unsubscribe.
    #[error("it is sent as marketing and has no `unsubscribe_url`")]
    NoUnsubscribe,
}
