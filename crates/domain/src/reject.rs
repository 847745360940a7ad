//! Why a message was not taken.

use std::fmt;

/// The code of a refusal, stable: it stands in answers, in `rejected_events` and in an import's rejects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Not JSON, or not a line of the file's form.
    Malformed,
    /// A value of another type than the field's.
    WrongType,
    /// A field that has to be there is not.
    Missing,
    /// A name longer than its limit.
    TooLong,
    /// A message over 32 KB.
    TooLarge,
    /// Objects and lists nested deeper than the limit.
    TooDeep,
    /// The same key twice in the message.
    DuplicateKey,
    /// `\u0000`, which no text in Postgres can hold.
    NulCharacter,
    /// Half of a surrogate pair, which is no character.
    LoneSurrogate,
    /// A number beyond what a double can hold.
    NumberOutOfRange,
    /// A time that can't be read.
    BadTimestamp,
    /// A `type` that is none of the six.
    UnknownType,
    /// Neither `userId` nor `anonymousId`.
    NoIdentity,
    /// A value for which `--values` has no name.
    UnknownValue,
    /// An event that we alone tell of.
    Ours,
    /// An id of ours that is nobody's.
    NoPerson,
    /// Passed every check here, and the database would still not store it.
    DatabaseRefused,
}

impl Reason {
    /// The code as text.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongType => "wrong_type",
            Self::Missing => "missing",
            Self::TooLong => "too_long",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::DuplicateKey => "duplicate_key",
            Self::NulCharacter => "nul_character",
            Self::LoneSurrogate => "lone_surrogate",
            Self::NumberOutOfRange => "number_out_of_range",
            Self::BadTimestamp => "bad_timestamp",
            Self::UnknownType => "unknown_type",
            Self::NoIdentity => "no_identity",
            Self::UnknownValue => "unknown_value",
            Self::Ours => "ours",
            Self::NoPerson => "no_person",
            Self::DatabaseRefused => "database_refused",
        }
    }
}

/// A refusal: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The field at fault, in dots; empty where it is the message as a whole.
    pub field: String,
    /// The code.
    pub reason: Reason,
    /// What was found and what to write instead, one sentence.
    pub detail: String,
}

impl Reject {
    /// A refusal of `field`.
    pub fn new(field: impl Into<String>, reason: Reason, detail: impl Into<String>) -> Self {
        Self { field: field.into(), reason, detail: detail.into() }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "{}: {}", self.reason.code(), self.detail),
            field => write!(f, "{field}: {}: {}", self.reason.code(), self.detail),
        }
    }
}
