use super::*;
use crate::plan::sample::{at, hours, zone};
use crate::value::Span;

#[test]
fn quiet_hours() {
    let (utc, berlin) = (TimeZone::UTC, zone("Europe/Berlin"));
    let (night, day) = (hours(20, 0, 9, 0), hours(12, 0, 14, 0));
    let cases = [
        // Over midnight: its first minute is quiet, its last one loud.
        (night, "2026-01-05T19:59:59Z", &utc, None),
        (night, "2026-01-05T20:00:00Z", &utc, Some("2026-01-06T09:00:00Z")),
        (night, "2026-01-06T00:00:00Z", &utc, Some("2026-01-06T09:00:00Z")),
        (night, "2026-01-06T08:59:59Z", &utc, Some("2026-01-06T09:00:00Z")),
        (night, "2026-01-06T09:00:00Z", &utc, None),
        (day, "2026-01-05T11:59:59Z", &utc, None),
        (day, "2026-01-05T12:00:00Z", &utc, Some("2026-01-05T14:00:00Z")),
        (day, "2026-01-05T14:00:00Z", &utc, None),
        // To midnight, and from it.
        (hours(22, 0, 0, 0), "2026-01-05T23:00:00Z", &utc, Some("2026-01-06T00:00:00Z")),
        (hours(0, 0, 6, 0), "2026-01-05T00:00:00Z", &utc, Some("2026-01-05T06:00:00Z")),
        (hours(0, 0, 6, 0), "2026-01-05T23:59:59Z", &utc, None),
        // On the person's clock, whatever that does in the night: 09:00 is an hour earlier after the change of March.
        (night, "2026-03-28T20:00:00Z", &berlin, Some("2026-03-29T07:00:00Z")),
        (night, "2026-10-24T20:00:00Z", &berlin, Some("2026-10-25T08:00:00Z")),
        // They end in the gap: it goes forward. They end in the fold: at its first 02:30, and the second is loud.
        (hours(22, 0, 2, 30), "2026-03-29T01:10:00Z", &berlin, Some("2026-03-29T01:30:00Z")),
        (hours(22, 0, 2, 30), "2026-10-25T00:10:00Z", &berlin, Some("2026-10-25T00:30:00Z")),
        (hours(22, 0, 2, 30), "2026-10-25T01:10:00Z", &berlin, None),
        // They lie in the gap: there are none that night.
        (hours(2, 10, 2, 50), "2026-03-29T01:00:00Z", &berlin, None),
    ];
    for (hours, now, zone, until) in cases {
        assert_eq!(quiet_until(&hours, at(now), zone), until.map(at), "{hours:?} at {now}");
    }
}

#[test]
fn caps_roll() {
    let berlin = zone("Europe/Berlin");
    let sent = |moments: &[&str]| moments.iter().map(|moment| at(moment)).collect::<Vec<_>>();
    let three = sent(&["2026-01-05T10:00:00Z", "2026-01-06T10:00:00Z", "2026-01-07T10:00:00Z"]);
    let week = |count| Rate { count, per: Span::Days(7) };
    let cases = [
        (week(1), &three, "2026-01-08T10:00:00Z", Some("2026-01-14T10:00:00Z")),
        (week(2), &three, "2026-01-08T10:00:00Z", Some("2026-01-13T10:00:00Z")),
        (week(3), &three, "2026-01-08T10:00:00Z", Some("2026-01-12T10:00:00Z")),
        (week(4), &three, "2026-01-08T10:00:00Z", None),
        // The oldest is over at the very moment.
        (week(3), &three, "2026-01-12T09:59:59Z", Some("2026-01-12T10:00:00Z")),
        (week(3), &three, "2026-01-12T10:00:00Z", None),
        // Of none there is nothing to count; a cap of nothing is one of one.
        (week(1), &Vec::new(), "2026-01-08T10:00:00Z", None),
        (week(0), &three, "2026-01-08T10:00:00Z", Some("2026-01-14T10:00:00Z")),
        // Hours are exact.
        (
            Rate { count: 1, per: Span::hours(36) },
            &three,
            "2026-01-08T10:00:00Z",
            Some("2026-01-08T22:00:00Z"),
        ),
        (Rate { count: 2, per: Span::hours(36) }, &three, "2026-01-08T10:00:00Z", None),
    ];
    for (cap, sent, now, until) in cases {
        let full = full_until(&cap, sent.iter().copied(), at(now), &berlin);
        assert_eq!(full, until.map(at), "{cap:?} at {now}");
    }
    // Days go by the clock: over the change of March a day has 23 hours, over that of October 25.
    let day = Rate { count: 1, per: Span::Days(1) };
    for (sent, until) in
        [("2026-03-28T12:00:00Z", "2026-03-29T11:00:00Z"), ("2026-10-24T12:00:00Z", "2026-10-25T13:00:00Z")]
    {
        let full = full_until(&day, [at(sent)].into_iter(), at(sent), &berlin);
        assert_eq!(full, Some(at(until)));
    }
    // Clocks of two machines differ: what was sent a little later than now counts too.
    let ahead =
        full_until(&day, [at("2026-01-05T10:00:01Z")].into_iter(), at("2026-01-05T10:00:00Z"), &berlin);
    assert_eq!(ahead, Some(at("2026-01-06T10:00:01Z")));
}
