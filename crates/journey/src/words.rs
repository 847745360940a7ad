//! The words of the grammar: which may stand in which block, which of them this version reads, and where a word that
//! stands in the wrong block belongs.

/// The words of one kind of block.
#[derive(Debug)]
pub(crate) struct Words {
    /// For a sentence: "a journey".
    pub(crate) what: &'static str,
    pub(crate) now: &'static [&'static str],
    /// Words of the language that are refused until they do something.
    pub(crate) later: &'static [&'static str],
}

impl Words {
    /// Whether a word is of the block, now or later.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.now.contains(&word) || self.later.contains(&word)
    }
}

pub(crate) const JOURNEY: Words = Words {
    what: "a journey",
    now: &[
        "journey",
        "description",
        "owner",
        "lang",
        "seed",
        "pin",
        "kind",
        "topic",
        "status",
        "priority",
        "lane",
        "cap",
        "quiet_hours",
        "holdout",
        "enter",
        "goal",
        "exit",
        "hold",
        "steps",
        "tests",
        "migrate",
    ],
    later: &[],
};

pub(crate) const ENTER: Words = Words {
    what: "`enter`",
    now: &[
        "on",
        "api",
        "each",
        "if",
        "to",
        "except",
        "idle",
        "unless",
        "per",
        "if_running",
        "again",
        "max_age",
        "segment",
        "left_segment",
        "existing",
        "date",
        "before",
        "after",
        "at",
        "leap",
        "every",
        "spread",
    ],
    later: &["max_entries", "queue"],
};

pub(crate) const HOLD: Words = Words { what: "`hold`", now: &["while", "within", "else"], later: &[] };

pub(crate) const GOAL: Words =
    Words { what: "`goal`", now: &["on", "if", "within", "since", "value", "exit"], later: &[] };

pub(crate) const EXIT: Words = Words { what: "an entry of `exit`", now: &["on", "if"], later: &[] };

/// What any step may have.
pub(crate) const STEP: &[&str] = &["id", "if", "else", "note", "in_holdout"];

pub(crate) const SEND: Words = Words {
    what: "a `send`",
    now: &[
        "send", "channel", "best_of", "escalate", "at", "within", "between", "days", "with", "from", "topic",
        "priority", "holdout", "test",
    ],
    later: &["offer", "offer_on"],
};
pub(crate) const TEST: Words =
    Words { what: "`test`", now: &["subject", "preheader", "variant", "winner"], later: &["share", "after"] };
pub(crate) const ESCALATE: Words = Words { what: "`escalate`", now: &["after", "unless"], later: &[] };
pub(crate) const WAIT: Words = Words { what: "a `wait`", now: &["wait"], later: &[] };
pub(crate) const WAIT_UNTIL: Words = Words { what: "a `wait_until`", now: &["wait_until"], later: &[] };
pub(crate) const WAIT_FOR: Words =
    Words { what: "a `wait_for`", now: &["wait_for", "within", "then"], later: &[] };
pub(crate) const IF: Words = Words { what: "an `if`", now: &["if", "then", "else"], later: &[] };
pub(crate) const BRANCH: Words = Words { what: "a `branch`", now: &["branch"], later: &[] };
pub(crate) const SET: Words = Words { what: "a `set`", now: &["set"], later: &[] };
pub(crate) const LEAVE: Words = Words { what: "an `exit`", now: &["exit"], later: &[] };
pub(crate) const REPEAT: Words =
    Words { what: "a `repeat`", now: &["repeat", "every", "while", "then"], later: &[] };
pub(crate) const UPDATE: Words = Words { what: "an `update`", now: &["update"], later: &[] };
pub(crate) const TRACK: Words = Words { what: "a `track`", now: &["track", "with"], later: &[] };
pub(crate) const CALL: Words =
    Words { what: "a `call`", now: &["call", "body", "headers", "secret", "within", "retry"], later: &[] };
pub(crate) const USE: Words = Words { what: "a `use`", now: &["use", "with"], later: &[] };
pub(crate) const START: Words = Words { what: "a `start`", now: &["start", "with"], later: &[] };
pub(crate) const CHOOSE: Words =
    Words { what: "a `choose`", now: &["choose", "by", "options"], later: &["explore"] };

pub(crate) const WAIT_BRANCH: Words =
    Words { what: "a branch of `wait_for`", now: &["on", "if", "then"], later: &[] };
pub(crate) const WAIT_EVENT: Words = Words { what: "`wait_for`", now: &["on", "if"], later: &[] };
pub(crate) const ARM: Words =
    Words { what: "an entry of `branch`", now: &["if", "then", "else"], later: &[] };
pub(crate) const OPTION: Words = Words { what: "an option", now: &["share", "then"], later: &["cost"] };

/// The verbs of steps that this version reads, with their words.
pub(crate) const VERBS: &[(&str, &Words)] = &[
    ("send", &SEND),
    ("wait", &WAIT),
    ("wait_until", &WAIT_UNTIL),
    ("wait_for", &WAIT_FOR),
    ("branch", &BRANCH),
    ("choose", &CHOOSE),
    ("repeat", &REPEAT),
    ("set", &SET),
    ("update", &UPDATE),
    ("track", &TRACK),
    ("start", &START),
    ("call", &CALL),
    ("use", &USE),
    ("exit", &LEAVE),
];

/// The verbs of the language that it does not.
pub(crate) const LATER_VERBS: &[&str] = &[];

pub(crate) const SNIPPET: Words = Words { what: "a snippet", now: &["snippet", "with", "steps"], later: &[] };
pub(crate) const SEGMENT: Words =
    Words { what: "a segment", now: &["segment", "if"], later: &["list", "key"] };

/// What `journeyman.yaml` says of policies. Its other keys are the daemon's.
pub(crate) const POLICIES: &[&str] = &[
    "currency",
    "time_zone",
    "rates",
    "topics",
    "minimum_gap",
    "holdout",
    "hold_marketing",
    "quiet_hours",
    "caps",
    "calendar",
    "senders",
    "links",
    "locales",
    "approvals",
];
/// What stands among the policies and is the daemon's all the same: which block, and which of its words.
pub(crate) const DAEMONS: &[(&str, &str)] = &[("links", "keys")];
pub(crate) const TOPIC_WORDS: Words = Words { what: "a topic", now: &["name", "consent"], later: &[] };
pub(crate) const SENDER_WORDS: Words =
    Words { what: "a sender", now: &["from", "name", "reply_to", "stream", "rate"], later: &[] };
pub(crate) const LINKS_WORDS: Words = Words { what: "`links`", now: &["domain", "utm", "keys"], later: &[] };
pub(crate) const UTM_WORDS: Words =
    Words { what: "`utm`", now: &["source", "medium", "campaign", "content", "term"], later: &[] };
pub(crate) const CALENDAR_WORDS: Words = Words {
    what: "an entry of `calendar`",
    now: &["from", "to", "countries", "blackout", "then"],
    later: &[],
};

/// Files of the language that are not read yet, by their first word.
pub(crate) const LATER_FILES: &[&str] = &["offer"];

/// Every block a word may belong to.
const BLOCKS: &[&Words] = &[
    &JOURNEY, &ENTER, &GOAL, &EXIT, &SEND, &ESCALATE, &WAIT_FOR, &IF, &CHOOSE, &OPTION, &REPEAT, &HOLD,
    &SEGMENT,
];

/// Where a word belongs, for a sentence; empty where it is no word at all.
pub(crate) fn homes(word: &str) -> Vec<&'static str> {
    let mut homes: Vec<&str> = BLOCKS
        .iter()
        .filter(|block| block.now.contains(&word) || block.later.contains(&word))
        .map(|block| block.what)
        .collect();
    if STEP.contains(&word) || VERBS.iter().any(|(verb, _)| *verb == word) || LATER_VERBS.contains(&word) {
        homes.push("a step");
    }
    homes
}
