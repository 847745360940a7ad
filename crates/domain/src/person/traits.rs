//! Traits: what identify said of a person.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ShopTime;
use crate::value::Value;

/// How many traits one person may have.
pub const TRAITS: usize = 200;
/// How large they may be together, as JSON, bytes.
pub const TRAIT_BYTES: usize = 32 * 1024;

/// One trait.
#[derive(Clone, Debug, PartialEq)]
pub struct Trait {
    /// What it is; missing where it was taken back (`null`), which is remembered.
    pub value: Value,
    /// When it was said.
    pub at: ShopTime,
}

/// All traits of a person, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traits {
    named: BTreeMap<Arc<str>, Trait>,
    /// Their size as JSON, bytes, near enough.
    bytes: usize,
    /// Whether they differ from the stored row.
    pub dirty: bool,
}

impl Traits {
    /// The value of a trait.
    pub fn get(&self, name: &str) -> &Value {
        const MISSING: &Value = &Value::Missing;
        self.named.get(name).map_or(MISSING, |known| &known.value)
    }

    /// When a trait became what it is.
    pub fn at(&self, name: &str) -> Option<ShopTime> {
        self.named.get(name).map(|known| known.at)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Trait)> {
        self.named.iter().map(|(name, known)| (name.as_ref(), known))
    }

    /// Somebody said something of them; false where there is no room for it. Older words than those known are ignored; what
    /// is said again changes nothing, so that a trait's moment is when it came to be what it is.
    pub fn say(&mut self, name: &str, value: Value, at: ShopTime) -> bool {
        let size = name.len() + size(&value);
        if let Some(known) = self.named.get_mut(name) {
            if known.at > at || known.value == value {
                return true;
            }
            let before = name.len() + self::size(&known.value);
            if self.bytes - before + size > TRAIT_BYTES {
                return false;
            }
            self.bytes = self.bytes - before + size;
            self.dirty = true;
            *known = Trait { value, at };
            return true;
        }
        if self.named.len() >= TRAITS || self.bytes + size > TRAIT_BYTES {
            return false;
        }
        self.bytes += size;
        self.dirty = true;
        self.named.insert(name.into(), Trait { value, at });
        true
    }

    /// Takes over what was said of the same person under another id: of each trait the later word, whoever is asked first. Of
    /// the same moment the one that sorts last counts. False where there is no room for all.
    pub fn merge(&mut self, other: &Self) -> bool {
        let rank = |known: &Trait| (known.at, known.value.to_json().to_string());
        let mut room = true;
        for (name, theirs) in &other.named {
            let ours = self.named.get(name);
            if ours.is_some_and(|ours| rank(ours) >= rank(theirs)) {
                continue;
            }
            let before = ours.map_or(0, |ours| name.len() + size(&ours.value));
            let after = self.bytes - before + name.len() + size(&theirs.value);
            if after > TRAIT_BYTES || (ours.is_none() && self.named.len() >= TRAITS) {
                room = false;
                continue;
            }
            self.bytes = after;
            self.dirty = true;
            self.named.insert(name.clone(), theirs.clone());
        }
        room
    }

    /// From names, values and moments, each name once.
    pub(crate) fn of(all: impl IntoIterator<Item = (Arc<str>, Value, ShopTime)>) -> Self {
        let mut read = Self::default();
        for (name, value, at) in all {
            read.bytes += name.len() + size(&value);
            read.named.insert(name, Trait { value, at });
        }
        read
    }

    /// From a stored row: `{name: value}` and `{name: microseconds since the epoch}`.
    ///
    /// # Errors
    /// What is no such JSON.
    pub fn read(traits: &str, times: &str) -> Result<Self, serde_json::Error> {
        let traits: serde_json::Map<String, serde_json::Value> = serde_json::from_str(traits)?;
        let times: BTreeMap<String, i64> = serde_json::from_str(times)?;
        let mut read = Self::default();
        for (name, value) in &traits {
            let value = Value::from_json(value);
            let at = times.get(name).and_then(|micros| ShopTime::from_microsecond(*micros));
            read.bytes += name.len() + size(&value);
            read.named.insert(name.as_str().into(), Trait { value, at: at.unwrap_or(ShopTime::EPOCH) });
        }
        Ok(read)
    }

    /// As a stored row.
    pub fn write(&self) -> (String, String) {
        let traits: serde_json::Map<String, serde_json::Value> =
            self.named.iter().map(|(name, known)| (name.to_string(), known.value.to_json())).collect();
        let times: BTreeMap<&str, i64> =
            self.named.iter().map(|(name, known)| (name.as_ref(), known.at.as_microsecond())).collect();
        let times = serde_json::to_string(&times).unwrap_or_else(|_| "{}".to_owned());
        (serde_json::Value::Object(traits).to_string(), times)
    }
}

/// The size of a value as JSON, bytes, near enough.
fn size(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len() + 2,
        Value::List(items) => items.iter().map(size).sum::<usize>() + items.len() + 2,
        Value::Record(fields) => {
            fields.iter().map(|(name, value)| name.len() + size(value) + 4).sum::<usize>() + 2
        }
        _ => 8,
    }
}
