//! Who a message is from: the step's `from`, else the template's, else the only sender of the journey's stream.

use std::sync::Arc;

use journeyman_domain::plan::{JourneyKind, Sender, Stream};

use super::Reader;
use super::send::Sent;
use crate::diagnostic::{NAME, SENDER};
use crate::literal::{self, short};
use crate::source::Place;
use crate::tree::Entry;

impl<'a> Reader<'a, '_, '_> {
    /// The sender of a step; `None` where none is needed, or where what is wrong has been said.
    pub(super) fn sender(&mut self, from: Option<&Entry>, sent: &Sent<'a>) -> Option<Arc<str>> {
        let named = match from {
            Some(entry) => Some((self.parsed(entry, NAME, literal::name)?, entry.value.place)),
            None => None,
        };
        let around = self.known.around;
        let senders = &around.policies?.senders;
        let old = around.names.old;
        let fits = |name: &Arc<str>| senders.get(name).is_some_and(|sender| sender.stream == self.stream());
        if let Some((name, place)) = named {
            if fits(&name) {
                return Some(name);
            }
            // An older version goes on with who there is now.
            if !old {
                self.misfit(&name, senders.get(&name), place);
                return None;
            }
        }
        if !sent.by_mail() {
            return None;
        }
        if let Some(name) = sent.signature.and_then(|signature| signature.sender.as_ref()) {
            if fits(name) {
                return Some(name.clone());
            }
            if !old {
                self.misfit(name, senders.get(name), sent.place);
                return None;
            }
        }
        match self.of_stream().as_slice() {
            [only] => Some(Arc::clone(only)),
            [first, ..] if old => Some(Arc::clone(first)),
            [] if old || (senders.is_empty() && !around.production) => None,
            // The template may say it, and nothing is known of that; or that it is not there has been said.
            [_, ..] if sent.signature.is_none() => None,
            several => {
                self.unsaid(several, sent);
                None
            }
        }
    }

    fn stream(&self) -> Stream {
        match self.kind {
            JourneyKind::Marketing => Stream::Marketing,
            JourneyKind::Transactional => Stream::Transactional,
        }
    }

    /// Who sends mail of this journey's stream.
    fn of_stream(&self) -> Vec<&'a Arc<str>> {
        let senders = self.known.around.policies.into_iter().flat_map(|policies| &policies.senders);
        senders.filter(|(_, sender)| sender.stream == self.stream()).map(|(name, _)| name).collect()
    }

    fn misfit(&mut self, name: &str, sender: Option<&Sender>, place: Place) {
        let stream = self.stream().name();
        let known: Vec<&str> = self.of_stream().into_iter().map(AsRef::as_ref).collect();
        let otherwise = match known.as_slice() {
            [] => format!("write one below `senders:` of journeyman.yaml, with `stream: {stream}`"),
            names => format!("write `from:` with one of: {}", names.join(", ")),
        };
        match sender {
            None => {
                let message = format!("there is no sender `{}`", short(name));
                self.report.unknown(SENDER, place, message, name, known, otherwise);
            }
            Some(sender) => {
                let message = format!(
                    "`{name}` is a sender of {} mail, and this journey is {stream}",
                    sender.stream.name()
                );
                self.report.say(SENDER, place, message, otherwise);
            }
        }
    }

    /// Nobody says who it is from, and it is not the only one there is.
    fn unsaid(&mut self, several: &[&Arc<str>], sent: &Sent<'_>) {
        let stream = self.stream().name();
        let (message, help) = match several {
            [] => (
                format!("there is no sender of {stream} mail"),
                format!("write one below `senders:` of journeyman.yaml, with `stream: {stream}`"),
            ),
            [first, ..] => (
                format!(
                    "nobody says who this mail is from, and there are {} senders of {stream} mail",
                    several.len()
                ),
                format!("write `from: {first}` here, or in the template's template.yaml"),
            ),
        };
        self.report.say(SENDER, sent.place, message, help);
    }
}
