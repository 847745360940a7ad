//! What people are known by.

use crate::digest::first_128;

/// What kind of name an identity is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityKind {
    /// The shop's own id of a person: Segment's `userId`.
    External,
    /// A browser or device: Segment's `anonymousId`.
    Anonymous,
}

impl IdentityKind {
    /// As Postgres keeps it.
    pub fn code(self) -> i16 {
        match self {
            Self::External => 0,
            Self::Anonymous => 1,
        }
    }

    /// From Postgres; `None` for a kind a newer version wrote.
    pub fn from_code(code: i16) -> Option<Self> {
        match code {
            0 => Some(Self::External),
            1 => Some(Self::Anonymous),
            _ => None,
        }
    }
}

/// One name of a person. The order (kind, then value) is the order in which rows are inserted, so that two
/// transactions with the same names wait for each other instead of deadlocking.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// What kind of name.
    pub kind: IdentityKind,
    /// The name itself, at most [`Identity::VALUE_BYTES`].
    pub value: String,
}

impl Identity {
    /// The longest value, in bytes of UTF-8.
    pub const VALUE_BYTES: usize = 512;

    /// The shop's own id.
    pub fn external(value: impl Into<String>) -> Self {
        Self { kind: IdentityKind::External, value: value.into() }
    }

    /// A browser's or device's id.
    pub fn anonymous(value: impl Into<String>) -> Self {
        Self { kind: IdentityKind::Anonymous, value: value.into() }
    }

    /// Whether a value stands for nobody. A client with a bug sends `"undefined"` for everyone; taken as a name it
    /// would make one person of the whole shop.
    pub fn is_placeholder(value: &str) -> bool {
        const NOBODY: [&str; 8] =
            ["null", "undefined", "nil", "none", "nan", "anonymous", "[object object]", "(null)"];
        let value = value.trim();
        NOBODY.iter().any(|nobody| value.eq_ignore_ascii_case(nobody))
            || (value.len() >= 8 && value.bytes().all(|byte| byte == b'0' || byte == b'-'))
    }
}

/// The key by which holdouts and fixed shares are drawn, set at a person's birth and never changed: 63 bits of the
/// hash of the identity they were first known by. A hash, so that the same history gives the same draws anywhere.
pub fn assignment_key(first: &Identity) -> i64 {
    (first_128(&[&first.kind.code().to_be_bytes(), first.value.as_bytes()]) >> 65) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders() {
        for nobody in ["undefined", "NULL", " null ", "00000000-0000-0000-0000-000000000000", "--------"] {
            assert!(Identity::is_placeholder(nobody), "{nobody}");
        }
        for somebody in ["0", "-1", "1", "ada", "nullius", "0000000a"] {
            assert!(!Identity::is_placeholder(somebody), "{somebody}");
        }
    }

    #[test]
    fn the_assignment_key_is_pinned() {
        assert_eq!(assignment_key(&Identity::external("ada")), 4_805_746_369_020_185_346);
        assert_ne!(assignment_key(&Identity::external("ada")), assignment_key(&Identity::anonymous("ada")));
    }
}
