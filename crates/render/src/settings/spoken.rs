//! `whatsapp.yaml` and `webhook.yaml`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Words, Yaml};
use crate::report::{Report, meant};
use crate::tree::{Entry, Kind, known_keys, read};

/// A WhatsApp message: which of Meta's templates, and what it is given.
#[derive(Debug, Default)]
pub(crate) struct Whatsapp {
    pub(crate) template: String,
    /// Its language there, by ours.
    pub(crate) language: BTreeMap<Arc<str>, String>,
    pub(crate) header: Option<Words>,
    pub(crate) body: Vec<Words>,
    pub(crate) buttons: Vec<Button>,
    pub(crate) text: Option<Words>,
}

#[derive(Debug)]
pub(crate) enum Button {
    Url(Words),
    Payload(Words),
}

/// A call to the shop's own systems.
#[derive(Debug, Default)]
pub(crate) struct Hook {
    pub(crate) kind: String,
    pub(crate) data: Vec<(String, Words)>,
}

/// A name at Meta: of a template, of a language.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

impl Yaml<'_> {
    /// Reads `whatsapp.yaml`.
    pub(crate) fn whatsapp(&self, report: &mut Report) -> Whatsapp {
        let mut whatsapp = Whatsapp::default();
        for locale in &self.policies.locales {
            whatsapp.language.insert(locale.clone(), locale.replace('-', "_"));
        }
        let Some(root) = read(self.file, self.text, report) else { return whatsapp };
        let Some(entries) = root.map("this file", report) else { return whatsapp };
        known_keys(entries, &["template", "language", "header", "body", "buttons", "text"], report);
        for entry in entries {
            match entry.key.as_str() {
                "template" => {
                    let name = entry.value.text("`template`", report).unwrap_or_default();
                    if !is_name(name) {
                        let message = "`template` is its name at Meta: letters, digits and `_`";
                        report.error(&entry.value.place, message, "write `template: cart_reminder`");
                    }
                    whatsapp.template = name.to_owned();
                }
                "language" => self.languages(entry, &mut whatsapp.language, report),
                "header" => whatsapp.header = self.anywhere("header", &entry.place, &entry.value, report),
                "text" => whatsapp.text = self.words(entry, report),
                "body" => {
                    let items = list(entry, report);
                    let words =
                        items.iter().filter_map(|item| self.anywhere("body", &item.place, item, report));
                    whatsapp.body = words.collect();
                }
                "buttons" => {
                    whatsapp.buttons = list(entry, report)
                        .iter()
                        .filter_map(|item| self.button(item.map("a button", report)?, report))
                        .collect();
                }
                _ => {}
            }
        }
        if !entries.iter().any(|entry| entry.key == "template") {
            let help = "write `template:` with the name that Meta has approved";
            report.error(&root.place, "a WhatsApp message needs a `template`", help);
        }
        whatsapp
    }

    fn languages(&self, entry: &Entry, into: &mut BTreeMap<Arc<str>, String>, report: &mut Report) {
        let Some(entries) = entry.value.map("`language`", report) else { return };
        for said in entries {
            let Some(known) = into.get_mut(said.key.as_str()) else {
                let message = format!("the shop does not speak `{}`", said.key);
                report.error(&said.place, message, meant(&said.key, into.keys().map(AsRef::as_ref)));
                continue;
            };
            match said.value.text("a language", report) {
                Some(code) if is_name(code) => *known = code.to_owned(),
                Some(_) => report.error(&said.value.place, "this is no language of Meta's", "write `en_US`"),
                None => {}
            }
        }
    }

    fn button(&self, entries: &[Entry], report: &mut Report) -> Option<Button> {
        let [entry] = entries else {
            let place = entries.first().map(|entry| &entry.place)?;
            report.error(
                place,
                "a button has one word: `url` or `payload`",
                "begin a button of its own with `-`",
            );
            return None;
        };
        known_keys(entries, &["url", "payload"], report);
        let words = self.anywhere(&entry.key, &entry.place, &entry.value, report)?;
        match entry.key.as_str() {
            "url" => Some(Button::Url(words)),
            "payload" => Some(Button::Payload(words)),
            _ => None,
        }
    }

    /// Reads `webhook.yaml`.
    pub(crate) fn hook(&self, report: &mut Report) -> Hook {
        let mut hook = Hook::default();
        let Some(root) = read(self.file, self.text, report) else { return hook };
        let Some(entries) = root.map("this file", report) else { return hook };
        known_keys(entries, &["type", "data"], report);
        for entry in entries {
            match entry.key.as_str() {
                "type" => {
                    let kind = entry.value.text("`type`", report).unwrap_or_default();
                    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.');
                    if kind.is_empty() || !kind.bytes().all(fits) {
                        let message = "`type` is words with dots between them: letters, digits, `_`";
                        report.error(&entry.value.place, message, "write `type: cart.left`");
                    }
                    hook.kind = kind.to_owned();
                }
                "data" => {
                    let fields = entry.value.map("`data`", report).unwrap_or_default();
                    for field in fields {
                        let words = self.anywhere(&field.key, &field.place, &field.value, report);
                        hook.data.extend(words.map(|words| (field.key.clone(), words)));
                    }
                }
                _ => {}
            }
        }
        if !entries.iter().any(|entry| entry.key == "type") {
            report.error(&root.place, "a call needs a `type`", "write `type: cart.left`");
        }
        hook
    }
}

fn list<'n>(entry: &'n Entry, report: &mut Report) -> &'n [crate::tree::Node] {
    match &entry.value.kind {
        Kind::List(items) => items,
        Kind::Refused => &[],
        _ => {
            let message = format!("`{}` is {}, and has to be a list", entry.key, entry.value.shape());
            report.error(&entry.value.place, message, "write each on a line of its own, behind `-`");
            &[]
        }
    }
}
