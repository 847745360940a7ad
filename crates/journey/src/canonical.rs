//! The version of a file: a hash of what it says, whatever its comments, spaces and quotes.

use journeyman_domain::plan::PlanHash;
use sha2::{Digest as _, Sha256};

use crate::tree::{Entry, Kind, Map, Node};

/// The first 128 bits of SHA-256 over the tree. What it gives stands in rows, so it never changes.
pub(crate) fn hash(root: &Node) -> PlanHash {
    hash_of(|sha| feed(sha, root))
}

/// The same over some keys of a mapping only. `without` are words of their blocks that do not count: key and word.
pub(crate) fn hash_keys(map: &Map, wanted: &[&str], without: &[(&str, &str)]) -> PlanHash {
    hash_of(|sha| {
        for entry in map.entries.iter().filter(|entry| wanted.contains(&entry.key.as_str())) {
            text(sha, b'K', &entry.key);
            match &entry.value.kind {
                Kind::Map(map) => {
                    let counts =
                        |inner: &&Entry| !without.contains(&(entry.key.as_str(), inner.key.as_str()));
                    entries(sha, map.entries.iter().filter(counts));
                }
                _ => feed(sha, &entry.value),
            }
        }
    })
}

fn hash_of(fill: impl FnOnce(&mut Sha256)) -> PlanHash {
    let mut sha = Sha256::new();
    fill(&mut sha);
    PlanHash(sha.finalize().iter().take(16).fold(0, |bits, byte| (bits << 8) | u128::from(*byte)))
}

/// Kinds and lengths are hashed too, so that no two trees share bytes. The depth is bounded by the tree's.
fn feed(sha: &mut Sha256, node: &Node) {
    match &node.kind {
        Kind::Nothing | Kind::Refused => sha.update(b"N"),
        Kind::Scalar(written) => text(sha, b'T', written),
        Kind::List(items) => {
            count(sha, b'L', items.len());
            items.iter().for_each(|item| feed(sha, item));
        }
        Kind::Map(map) => entries(sha, map.entries.iter()),
    }
}

fn entries<'t>(sha: &mut Sha256, entries: impl Iterator<Item = &'t Entry> + Clone) {
    count(sha, b'M', entries.clone().count());
    for entry in entries {
        text(sha, b'K', &entry.key);
        feed(sha, &entry.value);
    }
}

fn text(sha: &mut Sha256, kind: u8, text: &str) {
    count(sha, kind, text.len());
    sha.update(text.as_bytes());
}

fn count(sha: &mut Sha256, kind: u8, count: usize) {
    sha.update([kind]);
    sha.update((count as u64).to_be_bytes());
}
