//! Reads messages of the tracking form, one a line, and says what became of each.

#![allow(clippy::print_stdout, reason = "an example")]

use journeyman_domain::tracking::{Defaults, Door, parse_timestamp, read};

const MESSAGES: &str = r#"
{"type":"track","event":"Cart Viewed","userId":"ada","timestamp":"2026-11-23T09:00:00Z"}
{"type":"identify","anonymousId":"browser-1","traits":{"first_name":"Ada"}}
{"type":"track","userId":"ada"}
{"type":"track","event":"Half","userId":"\ud83d"}
"#;

fn main() {
    for line in told() {
        println!("{line}");
    }
}

fn told() -> Vec<String> {
    let received_at = parse_timestamp("2026-11-23T10:00:00Z").unwrap_or(journeyman_domain::ShopTime::EPOCH);
    let door =
        Door { write_key: "key", source: "web", received_at, index: 0, message_id: None, historical: false };
    let lines = MESSAGES.lines().filter(|line| !line.is_empty()).enumerate();
    lines
        .map(|(number, line)| match read(line, &Defaults::default(), &door, || number as u128) {
            Ok(event) => format!("{} {:?} at {}", event.kind.name(), event.name, event.occurred_at),
            Err(reject) => format!("refused: {reject}"),
        })
        .collect()
}

#[cfg(test)]
#[test]
fn says_what_became_of_each() {
    assert_eq!(
        told(),
        [
            "track \"Cart Viewed\" at 2026-11-23T09:00:00Z",
            "identify \"\" at 2026-11-23T10:00:00Z",
            "refused: event: missing: missing. Send the event's name.",
            "refused: userId: lone_surrogate: half of a surrogate pair at character 2. Send whole characters.",
        ]
    );
}
