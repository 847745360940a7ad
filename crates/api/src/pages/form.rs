//! What a form says.

use std::sync::Arc;

use axum::body::Body;
use journeyman_domain::person::{CONSENTS, TOPIC_BYTES};
use journeyman_domain::plan::Channel;

use crate::Ingest;
use crate::ingest::body;
use crate::wishes::Pair;

/// The largest form, bytes.
const FORM_BYTES: usize = 64 * 1024;

/// Fields of a form, in their order.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body. Whatever can't be read is an empty form: who unsubscribes is not turned away for how they say it.
    pub(super) async fn read(ingest: &Ingest, mut body: Body) -> Self {
        let mut room = ingest.room();
        let read = body::read(&mut body, FORM_BYTES, ingest.body_deadline(), &mut room).await;
        let Ok(bytes) = read else {
            body::discard(body).await;
            return Self::default();
        };
        Self(form_urlencoded::parse(&bytes).into_owned().collect())
    }

    /// The first value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// A field's pairs, `channel:topic`, each once; no more than one person may speak of.
    pub(super) fn pairs(&self, name: &str) -> Vec<Pair> {
        let mut pairs: Vec<Pair> = self.all(name).take(CONSENTS).filter_map(pair).collect();
        pairs.sort();
        pairs.dedup();
        pairs
    }
}

/// As a form says a topic by a channel.
pub(super) fn value(Pair { channel, topic }: &Pair) -> String {
    format!("{channel}:{topic}")
}

fn pair(text: &str) -> Option<Pair> {
    let (channel, topic) = text.split_once(':')?;
    let channel: Channel = channel.parse().ok()?;
    let known = (1..=TOPIC_BYTES).contains(&topic.len()) && !topic.chars().any(char::is_control);
    known.then(|| Pair { channel, topic: Arc::from(topic) })
}
