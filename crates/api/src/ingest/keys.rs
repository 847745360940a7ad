//! Who may write.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// The write keys, known by their hash, so that looking one up takes the same time however much of it is right.
#[derive(Clone, Default)]
pub struct WriteKeys(BTreeMap<[u8; 32], String>);

impl WriteKeys {
    /// From (name of the source, key).
    pub fn new<'a>(keys: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(keys.into_iter().map(|(source, key)| (Sha256::digest(key).into(), source.to_owned())).collect())
    }

    /// The name of the source a key belongs to.
    pub fn source(&self, key: &str) -> Option<&str> {
        self.0.get::<[u8; 32]>(&Sha256::digest(key).into()).map(String::as_str)
    }
}

/// The user of basic authentication, which is where Segment's clients put the write key.
pub(crate) fn of_header(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let user = decoded.split_once(':').map_or(decoded.as_str(), |(user, _)| user);
    Some(user.to_owned())
}
