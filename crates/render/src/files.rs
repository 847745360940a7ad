//! The files of the folder `templates/`: what each is by its name.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::plan::Policies;
use journeyman_domain::template::Place;

use crate::piece::Piece;
use crate::report::{Report, meant, nearest};
use crate::scan::{Source, balanced, scan};

/// How large a file may be, bytes.
pub const SOURCE_BYTES: usize = 256 * 1024;

/// A file of the folder `templates/`.
#[derive(Clone, Debug)]
pub struct TemplateFile {
    /// From the folder that holds `journeyman.yaml`, with `/`: `templates/welcome/email.mjml`.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// What a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Mjml,
    Html,
    Text,
}

/// A text with tags.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) place: Place,
    pub(crate) pieces: Vec<Piece>,
    /// Whether anybody uses it, of a layout or partial.
    pub(crate) used: Cell<bool>,
}

/// A file as it is, for what is no text with tags.
pub(crate) type Plain<'f> = (Arc<str>, &'f str);

/// A template's files.
#[derive(Debug, Default)]
pub(crate) struct Folder<'f> {
    pub(crate) settings: Option<Plain<'f>>,
    /// By kind and locale; without one it is for every locale that has none of its own.
    pub(crate) email: BTreeMap<(Kind, Option<Arc<str>>), Written>,
    pub(crate) sms: BTreeMap<Option<Arc<str>>, Written>,
    pub(crate) push: Option<Plain<'f>>,
    pub(crate) whatsapp: Option<Plain<'f>>,
    pub(crate) webhook: Option<Plain<'f>>,
    /// A file of it that can't be read as it stands.
    pub(crate) broken: bool,
}

/// All files.
#[derive(Debug, Default)]
pub(crate) struct Shelf<'f> {
    /// Words that all share.
    pub(crate) texts: Option<Plain<'f>>,
    pub(crate) templates: BTreeMap<Arc<str>, Folder<'f>>,
    pub(crate) layouts: BTreeMap<(Arc<str>, Kind), Written>,
    pub(crate) partials: BTreeMap<(Arc<str>, Kind), Written>,
}

impl Kind {
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Mjml => "mjml",
            Self::Html => "hbs",
            Self::Text => "txt.hbs",
        }
    }

    /// The stem of a name, and what its end says it is written in.
    fn of(name: &str) -> Option<(&str, Self)> {
        [Self::Mjml, Self::Text, Self::Html].into_iter().find_map(|kind| {
            let stem = name.strip_suffix(kind.extension())?.strip_suffix('.')?;
            (!stem.is_empty()).then_some((stem, kind))
        })
    }
}

/// Sorts files by what they are.
pub(crate) fn shelf<'f>(files: &'f [TemplateFile], policies: &Policies, report: &mut Report) -> Shelf<'f> {
    let mut sorted: Vec<&TemplateFile> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    let mut shelf = Shelf::default();
    for file in sorted {
        let path: Arc<str> = file.path.as_str().into();
        let place = Place { file: path.clone(), start: 0, end: 0 };
        let parts: Vec<&str> = file.path.split('/').collect();
        let broken = file.text.len() > SOURCE_BYTES;
        if broken {
            let message =
                format!("the file has {} bytes, and a template has at most {SOURCE_BYTES}", file.text.len());
            report.error(&place, message, "make partials of it, or leave pictures to links");
        }
        match parts.as_slice() {
            [_, "README.md"] | [_, _, "README.md"] => {}
            ["templates", "texts.yaml"] if !broken => shelf.texts = Some((path, file.text.as_str())),
            _ if broken => {
                if let ["templates", name, _] = parts.as_slice() {
                    shelf.templates.entry(Arc::from(*name)).or_default().broken = true;
                }
            }
            ["templates", shared @ ("layouts" | "partials"), name] => {
                let Some((stem, kind)) = Kind::of(name) else {
                    let message = format!("`{name}` is no name of a layout or partial");
                    report.error(&place, message, "they end in .mjml, .hbs or .txt.hbs");
                    continue;
                };
                let written = written(&path, &file.text, report).unwrap_or_else(|written| written);
                let all = if *shared == "layouts" { &mut shelf.layouts } else { &mut shelf.partials };
                all.insert((stem.into(), kind), written);
            }
            ["templates", name, file_name] => {
                if !name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                {
                    let message = format!("`{name}` is no name of a template");
                    report.error(&place, message, "small letters, digits and `-`");
                    continue;
                }
                let folder = shelf.templates.entry(Arc::from(*name)).or_default();
                folder.put(file_name, &path, &file.text, policies, report);
            }
            _ => report.error(
                &place,
                "this is no place for a template",
                "templates/NAME/FILE, or templates/texts.yaml",
            ),
        }
    }
    shelf
}

/// A text with tags; `Err` where its blocks do not end.
fn written(path: &Arc<str>, text: &str, report: &mut Report) -> Result<Written, Written> {
    let source = Source::file(path, text);
    let before = report.errors();
    let pieces = scan(&source, text, report);
    let sound = balanced(&pieces, report) && report.errors() == before;
    let written = Written { place: source.at(0, 0), pieces, used: Cell::new(false) };
    if sound { Ok(written) } else { Err(written) }
}

impl<'f> Folder<'f> {
    fn put(&mut self, name: &str, path: &Arc<str>, text: &'f str, policies: &Policies, report: &mut Report) {
        let place = Place { file: path.clone(), start: 0, end: 0 };
        const KNOWN: [&str; 8] = [
            "template.yaml",
            "email.mjml",
            "email.hbs",
            "email.txt.hbs",
            "sms.hbs",
            "push.yaml",
            "whatsapp.yaml",
            "webhook.yaml",
        ];
        const LATER: [&str; 1] = ["in_app.hbs"];
        match name {
            "template.yaml" => self.settings = Some((path.clone(), text)),
            "push.yaml" => self.push = Some((path.clone(), text)),
            "whatsapp.yaml" => self.whatsapp = Some((path.clone(), text)),
            "webhook.yaml" => self.webhook = Some((path.clone(), text)),
            _ if LATER.contains(&name) => {
                let help = "take it out until its channel is there";
                report.error(&place, format!("`{name}` is not read by this version"), help);
            }
            _ => {
                let Some((stem, kind)) = Kind::of(name) else {
                    let help = meant(name, KNOWN);
                    report.error(&place, format!("`{name}` is no file of a template"), help);
                    return;
                };
                let (channel, locale) = match stem.split_once('.') {
                    Some((channel, locale)) => (channel, Some(locale)),
                    None => (stem, None),
                };
                let right = channel == "email" || (channel == "sms" && kind == Kind::Html);
                if !right {
                    let help = meant(name, KNOWN);
                    report.error(&place, format!("`{name}` is no file of a template"), help);
                    return;
                }
                let spoken =
                    locale.map(|locale| policies.locales.iter().find(|known| known.as_ref() == locale));
                if let (Some(None), Some(locale)) = (spoken, locale) {
                    let near = nearest(locale, policies.locales.iter().map(AsRef::as_ref));
                    let help = near.map_or_else(
                        || {
                            format!(
                                "name it under `locales:` in journeyman.yaml, which has {}",
                                policies.locales.join(", ")
                            )
                        },
                        |near| format!("did you mean `{near}`?"),
                    );
                    report.error(&place, format!("the shop does not speak `{locale}`"), help);
                    return;
                }
                let written = written(path, text, report).unwrap_or_else(|written| {
                    self.broken = true;
                    written
                });
                let locale = spoken.flatten().cloned();
                if channel == "sms" {
                    self.sms.insert(locale, written);
                } else {
                    self.email.insert((kind, locale), written);
                }
            }
        }
    }
}
