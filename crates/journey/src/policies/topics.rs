//! `topics`: what people agree to.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::plan::{Consent, Topic};
use journeyman_domain::template::Localized;

use super::{entries, localized};
use crate::block::{self, Block};
use crate::diagnostic::{NAME, Report};
use crate::literal;
use crate::tree::Entry;
use crate::words;

pub(super) fn read(
    entry: &Entry,
    locales: &[Arc<str>],
    report: &mut Report<'_>,
) -> BTreeMap<Arc<str>, Topic> {
    let mut topics = BTreeMap::new();
    for entry in entries(entry, report) {
        let key = block::said(literal::name(&entry.key), NAME, entry.place, report);
        let Some(mut block) = Block::of(&entry.value, "a topic", report) else { continue };
        let name = match block.take("name") {
            Some(entry) => localized::read(entry, locales, report),
            // Of one that nobody has named, people read the word of the files.
            None => Localized(
                locales
                    .first()
                    .map(|locale| (locale.clone(), entry.key.as_str().into()))
                    .into_iter()
                    .collect(),
            ),
        };
        let help = "write `consent: opt_in` or `consent: opt_out`";
        let consent = block.require("consent", &words::TOPIC_WORDS, help, report);
        let kinds = [("opt_in", Consent::OptIn), ("opt_out", Consent::OptOut)];
        let consent = consent.and_then(|entry| block::choice(entry, &kinds, report));
        block.finish(&words::TOPIC_WORDS, &[], report);
        topics.extend(key.zip(consent).map(|(key, consent)| (key, Topic { consent, name })));
    }
    topics
}
