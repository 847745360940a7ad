//! `template.yaml`, and the YAML of a channel: what a template says beside its text.

mod spoken;

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::plan::Policies;
use journeyman_domain::template::{PLAIN, Place};

use crate::piece::{Piece, Written};
use crate::report::{Report, meant};
use crate::scan::{Source, balanced, scan};
use crate::tree::{Entry, Kind, Node, known_keys, read};

pub(crate) use spoken::{Button, Hook, Whatsapp};

/// What a template says of itself.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) from: Option<(Arc<str>, Place)>,
    pub(crate) layout: Option<(Arc<str>, Place)>,
    pub(crate) subject: Option<Words>,
    /// There is none, and nothing was said of it yet.
    pub(crate) without_subject: bool,
    pub(crate) preheader: Option<Words>,
    /// Other subjects and preheaders, by name: what a `test` compares.
    pub(crate) variants: Vec<(Arc<str>, Variant)>,
    /// `{{text 'key'}}`
    pub(crate) texts: Texts,
    /// Variables to try it with.
    pub(crate) sample: Option<Node>,
}

/// What a variant says in the place of the template.
#[derive(Debug, Default)]
pub(crate) struct Variant {
    pub(crate) subject: Option<Words>,
    pub(crate) preheader: Option<Words>,
}

/// Words by key, and where that stands.
pub(crate) type Texts = BTreeMap<String, (Place, Words)>;

/// Words by locale, each a text with tags.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words(pub(crate) BTreeMap<Arc<str>, Vec<Piece>>);

/// What a push notification says.
#[derive(Debug, Default)]
pub(crate) struct Push {
    pub(crate) title: Option<Words>,
    pub(crate) body: Option<Words>,
    pub(crate) url: Option<Words>,
}

/// A YAML file being read.
pub(crate) struct Yaml<'a> {
    pub(crate) file: &'a Arc<str>,
    pub(crate) text: &'a str,
    pub(crate) policies: &'a Policies,
}

impl Yaml<'_> {
    /// Reads `template.yaml`.
    pub(crate) fn settings(&self, report: &mut Report) -> Settings {
        let mut settings = Settings::default();
        let Some(root) = read(self.file, self.text, report) else { return settings };
        let Some(entries) = root.map("this file", report) else { return settings };
        known_keys(
            entries,
            &["from", "layout", "subject", "preheader", "variants", "texts", "sample"],
            report,
        );
        let named = |entry: &Entry, report: &mut Report| {
            let name = entry.value.text(&format!("`{}`", entry.key), report)?;
            Some((Arc::from(name), entry.value.place.clone()))
        };
        for entry in entries {
            match entry.key.as_str() {
                "from" => settings.from = named(entry, report),
                "layout" => settings.layout = named(entry, report),
                "subject" => settings.subject = self.words(entry, report),
                "preheader" => settings.preheader = self.words(entry, report),
                "variants" => settings.variants = self.variants(&entry.value, report),
                "texts" => settings.texts = self.texts(&entry.value, "`texts`", report),
                _ => {}
            }
        }
        if let Kind::Map(entries) = root.kind {
            settings.without_subject = !entries.iter().any(|entry| entry.key == "subject");
            settings.sample =
                entries.into_iter().find(|entry| entry.key == "sample").map(|entry| entry.value);
        }
        settings
    }

    fn variants(&self, node: &Node, report: &mut Report) -> Vec<(Arc<str>, Variant)> {
        let mut variants = Vec::new();
        for entry in node.map("`variants`", report).unwrap_or_default() {
            if entry.key == PLAIN {
                let help = "give it another name: `plain` is the template as it stands";
                report.error(&entry.place, "no variant is called `plain`", help);
            }
            let Some(lines) = entry.value.map(&format!("`{}`", entry.key), report) else { continue };
            known_keys(lines, &["subject", "preheader"], report);
            let words = |key: &str, report: &mut Report| {
                lines.iter().find(|line| line.key == key).and_then(|line| self.words(line, report))
            };
            let variant =
                Variant { subject: words("subject", report), preheader: words("preheader", report) };
            variants.push((entry.key.as_str().into(), variant));
        }
        variants
    }

    fn texts(&self, node: &Node, what: &str, report: &mut Report) -> Texts {
        let entries = node.map(what, report).unwrap_or_default();
        let said =
            |entry: &Entry| Some((entry.key.clone(), (entry.place.clone(), self.words(entry, report)?)));
        entries.iter().filter_map(said).collect()
    }

    /// Reads `texts.yaml`.
    pub(crate) fn shared(&self, report: &mut Report) -> Texts {
        let root = read(self.file, self.text, report);
        root.map(|root| self.texts(&root, "this file", report)).unwrap_or_default()
    }

    /// Reads `push.yaml`.
    pub(crate) fn push(&self, report: &mut Report) -> Push {
        let mut push = Push::default();
        let Some(root) = read(self.file, self.text, report) else { return push };
        let Some(entries) = root.map("this file", report) else { return push };
        known_keys(entries, &["title", "body", "url"], report);
        for entry in entries {
            let words = match entry.key.as_str() {
                "title" => &mut push.title,
                "body" => &mut push.body,
                "url" => &mut push.url,
                _ => continue,
            };
            *words = match entry.key.as_str() {
                // An address is the same in every language unless it says otherwise.
                "url" => self.anywhere(&entry.key, &entry.place, &entry.value, report),
                _ => self.words(entry, report),
            };
        }
        if push.body.is_none() {
            report.error(&root.place, "a push notification needs a `body`", "write `body: { en: … }`");
        }
        push
    }

    /// A text that is the same in every language, or words by locale.
    fn anywhere(&self, key: &str, place: &Place, node: &Node, report: &mut Report) -> Option<Words> {
        let Kind::Scalar { text, .. } = &node.kind else { return self.words_of(key, place, node, report) };
        let pieces = self.pieces(node, text, report);
        Some(Words(self.policies.locales.iter().map(|locale| (locale.clone(), pieces.clone())).collect()))
    }

    fn words(&self, entry: &Entry, report: &mut Report) -> Option<Words> {
        self.words_of(&entry.key, &entry.place, &entry.value, report)
    }

    /// `{ en: …, de: … }`, or a text where the shop speaks one language. Every locale of the shop has to be there.
    fn words_of(&self, key: &str, place: &Place, node: &Node, report: &mut Report) -> Option<Words> {
        let locales = &self.policies.locales;
        let mut words = Words::default();
        match &node.kind {
            Kind::Scalar { text, .. } => {
                words.0.insert(self.policies.locale(), self.pieces(node, text, report));
            }
            Kind::Map(entries) => {
                for said in entries {
                    let Some(locale) = locales.iter().find(|locale| locale.as_ref() == said.key) else {
                        let message = format!("the shop does not speak `{}`", said.key);
                        let help = meant(&said.key, locales.iter().map(AsRef::as_ref));
                        report.error(&said.place, message, format!("{help} (`locales:` in journeyman.yaml)"));
                        continue;
                    };
                    if let Some(text) = said.value.text(&format!("`{}`", said.key), report) {
                        words.0.insert(locale.clone(), self.pieces(&said.value, text, report));
                    }
                }
            }
            Kind::Refused => return None,
            _ => {
                let message = format!("`{key}` is {}, and has to be words by locale", node.shape());
                report.error(&node.place, message, format!("write `{key}: {{ en: … }}`"));
                return None;
            }
        }
        let missing: Vec<&str> =
            locales.iter().filter(|locale| !words.0.contains_key(*locale)).map(AsRef::as_ref).collect();
        if !missing.is_empty() {
            let message = format!("`{key}` has no words in {}", missing.join(", "));
            let help = format!("write `{key}: {{ {}: … }}`", missing.join(": …, "));
            report.error(place, message, help);
            return None;
        }
        Some(words)
    }

    /// A text of this file, with its tags. Where it stands as it was written, its places are exact.
    fn pieces(&self, node: &Node, text: &str, report: &mut Report) -> Vec<Piece> {
        let mut place = node.place.clone();
        let written = self.text.get(place.start..place.end).unwrap_or("");
        let quotes = usize::from(written.starts_with(['"', '\'']));
        let exact = written.get(quotes..written.len().saturating_sub(quotes)) == Some(text);
        if exact {
            place.start += quotes;
            place.end -= quotes;
        }
        let pieces = scan(&Source { place, exact }, text, report);
        if balanced(&pieces, report) { pieces } else { Vec::new() }
    }
}

impl Words {
    /// Whether anything is said.
    pub(crate) fn get(&self, locale: &Arc<str>) -> &[Piece] {
        self.0.get(locale).map_or(&[], Vec::as_slice)
    }
}

/// What is written in pieces, escaped so that it stands in HTML as it is said.
pub(crate) fn escaped(pieces: &[Piece]) -> Vec<Piece> {
    let escape = |piece: &Piece| match piece {
        Piece::Text(Written { text, place }) => {
            let text =
                text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            Piece::Text(Written { text, place: place.clone() })
        }
        tag => tag.clone(),
    };
    pieces.iter().map(escape).collect()
}
