//! Journeys and events of the bench.

use journeyman_journey::Source;

/// Event names.
pub(super) const NAMES: usize = 50;
/// One event in so many enters a journey.
pub(super) const ENTERS: usize = 10;

/// The event a journey listens to, and which of those on the same event it is.
fn place(journey: usize) -> (usize, usize) {
    (journey % NAMES, journey / NAMES)
}

/// Journeys spread evenly over the names; each takes the events that name its slot.
pub(super) fn journeys(count: usize) -> Vec<Source> {
    let journey = |nth: usize| {
        let (name, slot) = place(nth);
        let text = format!(
            "journey: bench-{nth:04}\nkind: transactional\nenter:\n  on: Bench Event {name:02}\n  \
             if: event.slot == {slot} and event.price > 1\n  per: key\nsteps:\n  - wait: 1d\n  - send: hello\n    channel: inbox\n"
        );
        Source { path: format!("journeys/bench-{nth:04}.yaml"), text }
    };
    (0..count).map(journey).collect()
}

/// Messages of which every tenth enters one of `journeys` journeys, and no other any.
pub(super) fn messages(run: usize, count: usize, people: usize, journeys: usize) -> Vec<String> {
    let message = |n: usize| {
        // A fixed scatter.
        let person = n.wrapping_mul(2_654_435_761) % people;
        let (name, slot) = if n.is_multiple_of(ENTERS) {
            place(n.wrapping_mul(40_503) / ENTERS % journeys)
        } else {
            (n.wrapping_mul(40_503) % NAMES, usize::MAX >> 40)
        };
        format!(
            r#"{{"type":"track","event":"Bench Event {name:02}","userId":"user-{person:07}","messageId":"bench-{run:x}-{journeys}-{n:08}","properties":{{"slot":{slot},"key":"k{n}","product_id":"sku-{:05}","category":"Garden","name":"Lantern","price":{}.90,"currency":"EUR"}},"context":{{"library":{{"name":"@segment/analytics-node","version":"3.1.0"}},"locale":"de-DE"}}}}"#,
            n % 5_000,
            n % 90 + 5
        )
    };
    (0..count).map(message).collect()
}
