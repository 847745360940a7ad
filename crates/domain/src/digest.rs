//! Fixed hashes. What they give stands in rows, so they never change.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What makes a message one message: the first 128 bits of SHA-256 over its write key and messageId.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeenKey(pub u128);

impl SeenKey {
    /// The key of `message_id` under `write_key`. Lengths are hashed too, so that no two pairs share bytes.
    pub fn new(write_key: &str, message_id: &str) -> Self {
        Self(first_128(&[write_key.as_bytes(), message_id.as_bytes()]))
    }

    /// As Postgres keeps it.
    pub fn uuid(self) -> Uuid {
        Uuid::from_u128(self.0)
    }
}

/// SHA-256 of a file's content, decompressed: what an import is known by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FileDigest(pub [u8; 32]);

impl FileDigest {
    /// Lower-case hexadecimal, 64 characters.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The messageId of a line (1-based) of this file.
    pub fn line_id(&self, line: u64) -> String {
        format!("{}:{line}", self.hex())
    }
}

impl std::fmt::Debug for FileDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.hex())
    }
}

pub(crate) fn first_128(parts: &[&[u8]]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    digest.iter().take(16).fold(0, |bits, byte| (bits << 8) | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden() {
        // python3: sha256(struct.pack('>Q',2)+b'wk'+struct.pack('>Q',2)+b'm1').hexdigest()[:32]
        assert_eq!(SeenKey::new("wk", "m1").uuid().simple().to_string(), GOLDEN);
        assert_ne!(SeenKey::new("w", "km1"), SeenKey::new("wk", "m1"));
    }

    const GOLDEN: &str = "c597c72438027e448790c21b36555067";
}
