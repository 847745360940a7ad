//! Words in every locale of the shop.

use std::sync::Arc;

use journeyman_domain::template::Localized;

use crate::block::{self, Block};
use crate::diagnostic::{LOCALE, Report};
use crate::literal::{self, Fault, TEXT_BYTES};
use crate::tree::{Entry, Kind, Node};

/// The locales of journeyman.yaml, the default first: those of `locales`, else those in which senders and topics have
/// names, in the order of the file, else English.
pub(super) fn locales(block: &mut Block<'_>, report: &mut Report<'_>) -> Vec<Arc<str>> {
    let mut locales = Vec::new();
    if let Some(entry) = block.take("locales") {
        for (text, place) in block::texts(entry, report) {
            locales.extend(block::said(literal::locale(text), LOCALE, place, report));
        }
    }
    if locales.is_empty() {
        locales = met(block);
    }
    if locales.is_empty() {
        locales.push("en".into());
    }
    locales
}

/// What is wrong with them is said where they are read.
fn met(block: &Block<'_>) -> Vec<Arc<str>> {
    let mut met: Vec<Arc<str>> = Vec::new();
    let named = block.entries().iter().filter(|entry| matches!(entry.key.as_str(), "senders" | "topics"));
    let things = named.filter_map(|entry| entry.value.as_map()).flat_map(|map| &map.entries);
    let names = things.filter_map(|thing| thing.value.as_map()?.get("name")?.value.as_map());
    for locale in names.flat_map(|names| &names.entries).filter_map(|entry| literal::locale(&entry.key).ok())
    {
        if !met.contains(&locale) {
            met.push(locale);
        }
    }
    met
}

/// `name: { en: Offers, de: Angebote }`; a bare text is that of the default locale.
pub(super) fn read(entry: &Entry, locales: &[Arc<str>], report: &mut Report<'_>) -> Localized {
    let mut words = Localized::default();
    match &entry.value.kind {
        Kind::Map(map) => {
            for said in &map.entries {
                let locale = block::said(literal::locale(&said.key), LOCALE, said.place, report);
                let locale = locale.filter(|locale| known(said, locale, locales, report));
                let text = block::parsed(said, LOCALE, line, report);
                words.0.extend(locale.zip(text));
            }
            // Of a name that is wrong, no more is said.
            if words.0.len() == map.entries.len() {
                complete(entry, &words, locales, report);
            }
        }
        _ => {
            if let (Some(text), Some(locale)) = (block::parsed(entry, LOCALE, line, report), locales.first())
            {
                words.0.insert(locale.clone(), text);
                complete(entry, &words, locales, report);
            }
        }
    }
    words
}

/// Whether the shop speaks a locale: words that nobody is ever shown are a slip.
fn known(said: &Entry, locale: &Arc<str>, locales: &[Arc<str>], report: &mut Report<'_>) -> bool {
    let known = locales.contains(locale);
    if !known {
        let names = || locales.iter().map(AsRef::as_ref);
        let message = format!("`{locale}` is none of the shop's locales");
        let otherwise = format!(
            "they are: {}; add it to `locales:`, or take it out",
            names().collect::<Vec<_>>().join(", ")
        );
        report.unknown(LOCALE, said.place, message, locale, names(), otherwise);
    }
    known
}

fn complete(entry: &Entry, words: &Localized, locales: &[Arc<str>], report: &mut Report<'_>) {
    let missing: Vec<&str> =
        locales.iter().filter(|locale| !words.0.contains_key(*locale)).map(AsRef::as_ref).collect();
    if missing.is_empty() {
        return;
    }
    let message = format!("`{}` has no words for {}", entry.key, missing.join(", "));
    let all = locales.iter().map(|locale| format!("{locale}: …")).collect::<Vec<_>>().join(", ");
    let help = format!("write it in every locale of the shop: `{}: {{ {all} }}`", entry.key);
    report.say(LOCALE, place(entry), message, help);
}

/// Of a block its key, since its own place is that of its first line.
fn place(entry: &Entry) -> crate::source::Place {
    let Node { place, kind } = &entry.value;
    if matches!(kind, Kind::Map(_)) { entry.place } else { *place }
}

/// One line that people read.
fn line(text: &str) -> Result<Arc<str>, Fault> {
    if text.trim().is_empty() || text.len() > TEXT_BYTES || text.chars().any(char::is_control) {
        let help = format!("write one line of at most {TEXT_BYTES} bytes");
        return Err(Fault::new("these are no words that people can read", help));
    }
    Ok(text.into())
}
