//! Where a message stands.

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Waits; perhaps not before some moment.
    Queued,
    /// It may be leaving.
    Started,
    /// Kept back.
    Held,
    /// It may have left; nobody knows.
    Unknown,
    /// The channel took it.
    Accepted,
    /// The channel refused it for good.
    Rejected,
    /// Called back before it left.
    Cancelled,
    /// It would have been sent to somebody who is held out.
    Withheld,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Started => "started",
            Self::Held => "held",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Withheld => "withheld",
        })
    }
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Started,
        Self::Held,
        Self::Unknown,
        Self::Accepted,
        Self::Rejected,
        Self::Cancelled,
        Self::Withheld,
    ];

    /// As Postgres keeps it: below 10 in `outbox`, from 10 on in `messages`.
    pub fn code(self) -> i16 {
        match self {
            Self::Queued => 0,
            Self::Started => 2,
            Self::Held => 3,
            Self::Unknown => 4,
            Self::Accepted => 10,
            Self::Rejected => 11,
            Self::Cancelled => 12,
            Self::Withheld => 13,
        }
    }

    /// The state of that code.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}
