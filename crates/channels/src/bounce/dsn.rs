//! Delivery status notifications (RFC 3464).

use super::fields::Fields;
use super::{Came, Kind};
use crate::Verdict;
use crate::smtp::{self, Stage};
use crate::verdict::masked;

/// What each recipient's group says. The first group is of the message: who reports.
pub(super) fn read(text: &str) -> Vec<Came> {
    let groups = Fields::groups(text);
    let recipient = |group: &&Fields| group.get("final-recipient").or(group.get("action")).is_some();
    groups.iter().filter(recipient).map(came).collect()
}

fn came(group: &Fields) -> Came {
    let address =
        |name: &str| group.typed(name).map(|(_, address)| address.trim_matches(['<', '>']).to_owned());
    // The final one may be behind an alias of the receiver's; the original is the one we wrote to.
    let recipient = address("original-recipient").or_else(|| address("final-recipient"));
    let status = group.get("status").unwrap_or_default();
    let status = status.split([' ', '(']).next().unwrap_or_default().to_owned();
    let diagnostic = group.typed("diagnostic-code");
    let words = masked(diagnostic.map_or("", |(_, words)| words), recipient.as_deref().unwrap_or_default());
    let class = status.bytes().next();
    let action = group.get("action").unwrap_or_default().to_ascii_lowercase();
    let kind = match (action.as_str(), class) {
        ("failed", _) | ("", Some(b'5')) => {
            let hard = dead(&status, diagnostic.map_or("", |(_, words)| words));
            Kind::Bounced { hard, status, diagnostic: words }
        }
        ("delayed", _) | ("", Some(b'4')) => Kind::Delayed { status, diagnostic: words },
        ("delivered" | "relayed" | "expanded", _) | ("", Some(b'2')) => Kind::Delivered,
        _ => Kind::Unrecognised { why: "a delivery report with an action nobody knows" },
    };
    Came { kind, recipient }
}

/// Whether what the last server said means that the address is dead, by the rules that hold for an answer to
/// RCPT. A status of 4.x.x that failed has only been tried for too long.
fn dead(status: &str, diagnostic: &str) -> bool {
    let code = diagnostic.get(..3).and_then(|code| code.parse::<u16>().ok()).filter(|code| *code >= 400);
    let text = if code.is_some() { diagnostic[3..].trim_start_matches([' ', '-']) } else { diagnostic };
    let status = smtp::enhanced(status);
    // A status of x.0.0 says nothing; the server's own words may.
    let enhanced = match status {
        Some((_, 0, 0)) | None => smtp::enhanced(text).or(status),
        known => known,
    };
    let class = enhanced.map(|(class, ..)| class * 100 + 50);
    let Some(code) = code.or(class).filter(|code| *code >= 500) else { return false };
    if status.is_some_and(|(class, ..)| class == 4) {
        return false;
    }
    let enhanced = enhanced.filter(|(_, subject, detail)| (*subject, *detail) != (0, 0));
    let verdict = smtp::verdict(Stage::Report, code, enhanced, text, String::new());
    matches!(verdict, Verdict::Rejected { suppress: true, .. })
}
