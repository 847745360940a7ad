//! What a compiled template asks for: made by `render`, checked by `journey` against every step that sends it, filled by the
//! actor when it queues a message.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::ShopTime;
use crate::plan::{Channel, Condition};

/// The most that one message brings its template, bytes of JSON: variables, and what is resolved at its first attempt.
pub const DATA_BYTES: usize = 8 * 1024;
/// The most elements of a list that a template is given; of a longer one the first so many.
pub const LIST_ITEMS: usize = 50;

/// The name of a template as it stands, among its variants.
pub const PLAIN: &str = "plain";

/// Under which variable of its run the variant of a step is kept; no file can say it.
pub fn variant_of(step: &str) -> Arc<str> {
    format!("{step}/variant").into()
}

/// What a template asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signature {
    /// The folder's name.
    pub name: Arc<str>,
    /// The channels it has words for.
    pub channels: Vec<Channel>,
    /// The sender of `from:` in its `template.yaml`.
    pub sender: Option<Arc<str>>,
    /// The names of its `variants:`, sorted.
    pub variants: Vec<Arc<str>>,
    /// The variables of all its files together, by path.
    pub variables: Vec<Variable>,
}

/// A variable that a template speaks of.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// `["cart", "items"]`: a scope of LANGUAGE rule 7, or a bare name of the step's `with`.
    pub path: Arc<[Arc<str>]>,
    /// Whether its elements are gone through.
    pub list: bool,
    /// Of a list: the fields of its elements that are spoken of, each a path; empty takes elements as they are.
    pub fields: Vec<Field>,
    /// Spoken of bare: without it there is no message.
    pub required: bool,
    /// Where it is spoken of first.
    pub place: Place,
}

/// A field of a list's elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its path.
    pub path: Arc<[Arc<str>]>,
    /// Spoken of bare: an element without it makes no message.
    pub required: bool,
}

/// A place in a file, for people and editors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The path of its source, `templates/…`.
    pub file: Arc<str>,
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// Something wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Whether it stands in the way; else it is probably not what was meant.
    pub error: bool,
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// What a step fills of a template: the signature's variables as expressions of its journey.
#[derive(Clone, Debug)]
pub struct Filled {
    /// The variable's path, as the template speaks of it.
    pub path: Arc<[Arc<str>]>,
    /// Its value; `None` where this journey can't know it (an older version that runs are pinned to). The step's `with` is
    /// the element at hand, so that its names stand bare.
    pub value: Option<Condition>,
    /// As [`Variable::list`].
    pub list: bool,
    /// As [`Variable::fields`].
    pub fields: Vec<Field>,
    /// As [`Variable::required`].
    pub required: bool,
}

/// Words by locale: `{ en: Reminders, de: Erinnerungen }`. A bare text is that of the default locale alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Localized(pub BTreeMap<Arc<str>, Arc<str>>);

impl Localized {
    /// The words of `locale`, of its language, else of `default`, else of whichever stands first.
    pub fn get(&self, locale: &str, default: &str) -> &str {
        let language = |locale: &str| self.0.get(locale.split(['-', '_']).next().unwrap_or(locale));
        let found = self.0.get(locale).or_else(|| language(locale)).or_else(|| self.0.get(default));
        found.or_else(|| language(default)).or_else(|| self.0.values().next()).map_or("", |words| words)
    }
}

/// What the actor gives a message's template: everything that rendering needs and can't be asked again later.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Data {
    /// The person's locale as they said it; `None` where they did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Arc<str>>,
    /// The zone that moments are told in: the person's, else the shop's.
    pub zone: Arc<str>,
    /// Of WhatsApp: until when the person's session is open, where they have said something in the last 24 h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_until: Option<ShopTime>,
    /// The variant that it is said in; `None` is the template as it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<Arc<str>>,
    /// The variables, nested by their paths: `{"cart": {"items": [{"name": "Lamp"}]}}`. What is missing is null. Money is
    /// `{"amount": "12.90", "currency": "EUR"}`, a moment RFC 3339.
    pub vars: serde_json::Value,
}

/// What is fixed at a message's first attempt and committed with `started`, so that every later attempt sends the same
/// bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// When that was: `Date`, and the moment of the signature.
    pub at: ShopTime,
    /// Which key its links are signed with.
    pub key: u8,
    /// Where its links lead, of a shop that names no domain for them: the daemon that tried first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Arc<str>>,
}
