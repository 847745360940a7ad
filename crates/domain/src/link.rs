//! Signed links: what stands in a message and comes back over the open internet. A link holds all that answering it needs,
//! so that it can be answered while the database is away, and nothing that is not signed is ever followed.
//!
//! Form: `version | key id | kind | message (16) | person (8) | rest | tag (16)`, as unpadded base64url; `rest` is the
//! position and the target of a click. The tag is HMAC-SHA256 (RFC 2104) under the key, of all before it, cut to 128 bits.
//! A return address has the same form without `rest` and a tag of 8 bytes, as base32 without case, since the left side of a
//! mail address has 64 characters and may lose its case.

use std::collections::BTreeMap;

use data_encoding::{BASE32_NOPAD_NOCASE, BASE64URL_NOPAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use crate::{MessageId, PersonId};

const VERSION: u8 = 1;
const TAG: usize = 16;
const ADDRESS_TAG: usize = 8;
const HEAD: usize = 3 + 16 + 8;

/// The longest target of a link, bytes.
pub const TARGET_BYTES: usize = 2_048;
/// The shortest key, bytes.
pub const KEY_BYTES: usize = 16;

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Leads to a target.
    Click {
        /// Which link of the message, from 0.
        position: u16,
        /// Where to: an absolute http or https URL.
        target: String,
    },
    /// Hidden in the mail: no human follows it.
    Honeypot,
    /// The pixel.
    Open,
    /// Unsubscribes.
    Unsubscribe,
    /// The person's preferences.
    Preferences,
}

/// What a link says, once its tag was found right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// In which message it stood.
    pub message: MessageId,
    /// To whom that was sent.
    pub person: PersonId,
    /// What it is for.
    pub purpose: Purpose,
}

/// The keys of an installation. Links of every key are answered; new ones are signed with the current one. Holds secrets:
/// no `Debug`.
#[derive(Clone)]
pub struct KeyRing {
    keys: BTreeMap<u8, Vec<u8>>,
    current: u8,
}

/// Why there is no key ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No key at all.
    #[error("there is no key; name one under links.keys")]
    NoKey,
    /// A key that can be guessed.
    #[error("key {0} is shorter than {KEY_BYTES} bytes; make one of chance: openssl rand -hex 32")]
    Short(u8),
}

impl KeyRing {
    /// A ring; the highest id is the current one.
    ///
    /// # Errors
    /// [`Error`] where there is no key, or one is too short.
    pub fn new(keys: impl IntoIterator<Item = (u8, Vec<u8>)>) -> Result<Self, Error> {
        let keys: BTreeMap<u8, Vec<u8>> = keys.into_iter().collect();
        if let Some((id, _)) = keys.iter().find(|(_, key)| key.len() < KEY_BYTES) {
            return Err(Error::Short(*id));
        }
        let current = *keys.keys().next_back().ok_or(Error::NoKey)?;
        Ok(Self { keys, current })
    }

    /// The id of the key that new links are signed with.
    pub fn current(&self) -> u8 {
        self.current
    }

    /// A link's path segment, signed with `key`; with the current one where that is gone.
    pub fn sign(&self, key: u8, link: &Link) -> String {
        let (kind, rest) = match &link.purpose {
            Purpose::Click { position, target } => (1, [&position.to_be_bytes(), target.as_bytes()].concat()),
            Purpose::Honeypot => (2, Vec::new()),
            Purpose::Open => (3, Vec::new()),
            Purpose::Unsubscribe => (4, Vec::new()),
            Purpose::Preferences => (5, Vec::new()),
        };
        let (key, bytes) = self.head(key, kind, link.message, link.person);
        let mut bytes = bytes;
        bytes.extend(rest);
        let tag = self.tag(key, &bytes).unwrap_or_default();
        bytes.extend_from_slice(&tag[..TAG]);
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// What a path segment says; `None` of whatever was not signed here.
    pub fn verify(&self, text: &str) -> Option<Link> {
        if text.len() > (TARGET_BYTES + 64) * 4 / 3 {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (said, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        let (kind, message, person) = self.checked(said, tag)?;
        let rest = said.get(HEAD..)?;
        let purpose = match (kind, rest) {
            (1, [high, low, target @ ..]) => Purpose::Click {
                position: u16::from_be_bytes([*high, *low]),
                target: std::str::from_utf8(target).ok()?.to_owned(),
            },
            (2, []) => Purpose::Honeypot,
            (3, []) => Purpose::Open,
            (4, []) => Purpose::Unsubscribe,
            (5, []) => Purpose::Preferences,
            _ => return None,
        };
        Some(Link { message, person, purpose })
    }

    /// The left side of the address to which a message's bounces return (VERP): `b-` and 56 characters.
    pub fn return_address(&self, key: u8, message: MessageId, person: PersonId) -> String {
        let (key, mut bytes) = self.head(key, 9, message, person);
        let tag = self.tag(key, &bytes).unwrap_or_default();
        bytes.extend_from_slice(&tag[..ADDRESS_TAG]);
        format!("b-{}", BASE32_NOPAD_NOCASE.encode(&bytes).to_ascii_lowercase())
    }

    /// The message and person of a return address, whole or its left side.
    pub fn returned(&self, address: &str) -> Option<(MessageId, PersonId)> {
        let left = address.rsplit_once('@').map_or(address, |(left, _)| left);
        let text = left.strip_prefix("b-").or_else(|| left.strip_prefix("B-"))?;
        let bytes = BASE32_NOPAD_NOCASE.decode(text.as_bytes()).ok()?;
        let (said, tag) = bytes.split_at_checked(bytes.len().checked_sub(ADDRESS_TAG)?)?;
        let (kind, message, person) = self.checked(said, tag)?;
        (kind == 9 && said.len() == HEAD).then_some((message, person))
    }

    fn head(&self, key: u8, kind: u8, message: MessageId, person: PersonId) -> (u8, Vec<u8>) {
        let key = if self.keys.contains_key(&key) { key } else { self.current };
        let mut bytes = vec![VERSION, key, kind];
        bytes.extend_from_slice(message.0.as_bytes());
        bytes.extend_from_slice(&person.0.to_be_bytes());
        (key, bytes)
    }

    fn tag(&self, key: u8, bytes: &[u8]) -> Option<[u8; 32]> {
        Some(self.mac(key, bytes)?.finalize().into_bytes().into())
    }

    fn mac(&self, key: u8, bytes: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.keys.get(&key)?).ok()?;
        mac.update(bytes);
        Some(mac)
    }

    /// Kind, message and person of what was signed, its tag compared in constant time.
    fn checked(&self, said: &[u8], tag: &[u8]) -> Option<(u8, MessageId, PersonId)> {
        let [VERSION, key, kind, ..] = *said else { return None };
        self.mac(key, said)?.verify_truncated_left(tag).ok()?;
        let message = Uuid::from_slice(said.get(3..19)?).ok()?;
        let person = i64::from_be_bytes(said.get(19..HEAD)?.try_into().ok()?);
        Some((kind, MessageId(message), PersonId(person)))
    }
}

#[cfg(test)]
mod tests;
