//! Complaints by feedback loop: the standard form (RFC 5965), and Microsoft's older one, which is the mail
//! itself with a header of its own.

use super::fields::Fields;
use super::{Came, Kind};

/// Microsoft's header of a mail that somebody has reported (JMRP).
const JMRP: &str = "x-hmxmroriginalrecipient";

/// What a feedback report says, and the addresses in it that may be ours.
pub(super) fn read(text: &str) -> (Came, Fields) {
    let (fields, _) = Fields::read(text);
    let recipient = ["original-rcpt-to", "removal-recipient"].iter().find_map(|name| fields.get(name));
    let recipient = recipient.map(|address| address.trim_matches(['<', '>']).to_owned());
    let recipient = recipient.filter(|address| address.contains('@'));
    let kind = fields.get("feedback-type").unwrap_or_default().to_ascii_lowercase();
    let kind = match kind.as_str() {
        "abuse" | "fraud" | "opt-out" | "opt-out-list" | "miscategorized" | "other" => {
            Kind::Complained { feedback_type: kind }
        }
        "not-spam" => Kind::Unrecognised { why: "a report that the mail was no spam" },
        _ => Kind::Unrecognised { why: "a feedback report that is no complaint" },
    };
    (Came { kind, recipient }, fields)
}

/// A mail returned by Microsoft because somebody has reported it.
pub(super) fn reported(returned: &Fields) -> Option<Came> {
    let recipient = returned.get(JMRP)?.trim_matches(['<', '>']).to_owned();
    let recipient = Some(recipient).filter(|address| address.contains('@'));
    Some(Came { kind: Kind::Complained { feedback_type: "abuse".to_owned() }, recipient })
}
