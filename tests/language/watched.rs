//! Runs that no event begins: `segment left_segment existing date before after at leap every spread`.

use crate::stage::{Stage, check};

fn journey(enter: &str) -> String {
    format!("\njourney: j\ntopic: news\nenter:\n{enter}\nsteps:\n  - wait: 1h\n")
}

#[test]
fn who_comes_into_a_segment_enters_and_who_leaves_it_is_another_matter() {
    let stage = Stage {
        journeys: &[
            &journey("  segment: buyers\n  again: always"),
            "\njourney: k\ntopic: news\nenter:\n  left_segment: buyers\n  again: always\nsteps:\n  - wait: 1h\n",
        ],
        segments: &["segment: buyers\nif: count('Order Completed', 7d) >= 2"],
        story: r#"
            01-05 10:00 ada Order Completed {}
            01-06 10:00 ada Order Completed {}
            01-07 10:00 ada Order Completed {}
            01-07 10:00 bob Order Completed {}
            01-20 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-06 11:00 ada ends j completed
         01-13 11:00 ada ends k completed",
    );
}

#[test]
fn time_alone_brings_somebody_into_a_segment() {
    for (condition, when) in [
        ("last('Order Completed') < now - 30d", "02-04 11:00"),
        ("last('Order Completed') <= now - 30d", "02-04 11:00"),
        ("now - last('Order Completed') > 36h", "01-06 23:00"),
        ("last('Order Completed') + 3d < now and profile.city == 'Ulm'", "01-08 11:00"),
        ("count('Order Completed', 5d) == 0", "01-10 11:00"),
        ("not (count('Order Completed', 48h) >= 1)", "01-07 11:00"),
        ("sum('Order Completed', 'revenue', 5d) < 20 EUR", "01-10 11:00"),
        ("in_calendar('sale')", "01-20 01:00"),
        ("in_segment('quiet') and has(profile.city)", "01-12 11:00"),
        ("profile.trial_ends < now", "01-09 13:00"),
    ] {
        let stage = Stage {
            journeys: &[&journey("  segment: s\n  again: always")],
            segments: &[
                &format!("segment: s\nif: \"{condition}\""),
                "segment: quiet\nif: last('Order Completed') < now - 7d",
            ],
            shop: "calendar:\n  sale: { from: 2026-01-20 00:00, to: 2026-01-25 23:59 }\n",
            story: r#"
                01-05 09:00 ada Order Completed {"revenue": 100}
                01-05 09:00 ada identify {"city": "Ulm", "trial_ends": "2026-01-09T12:00:00Z"}
                01-05 10:00 ada Order Completed {"revenue": 30}
                03-01 10:00"#,
            ..Stage::default()
        };
        check(&stage, &format!("{when} ada ends j completed"));
    }
}

#[test]
fn days_are_those_of_the_persons_calendar_over_the_change_of_summer_time() {
    let stage = Stage {
        journeys: &[&journey("  segment: s\n  again: always")],
        segments: &["segment: s\nif: last('Begin') < now - 30d"],
        story: r#"
            03-10 09:00 ada identify {"timezone": "Europe/Berlin"}
            03-10 09:00 ada Begin {}
            10-10 09:00 bob identify {"timezone": "Europe/Berlin"}
            10-10 09:00 bob Begin {}
            11-01 09:00 cem identify {"timezone": "Europe/Berlin"}
            11-01 09:00 cem Begin {}
            12-10 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "04-09 09:00 ada ends j completed
         11-09 11:00 bob ends j completed
         12-01 10:00 cem ends j completed",
    );
}

#[test]
fn half_a_year_is_half_a_year_though_two_changes_lie_between() {
    let stage = Stage {
        journeys: &[&journey("  segment: s\n  again: always")],
        segments: &["segment: s\nif: last('Begin') <= now - 180d"],
        story: r#"
            03-02 08:00 ada identify {"timezone": "Europe/Berlin"}
            03-02 08:00 ada Begin {}
            09-10 10:00"#,
        ..Stage::default()
    };
    check(&stage, "08-29 08:00 ada ends j completed");
}

#[test]
fn who_is_in_it_already_enters_only_where_the_journey_wants_them() {
    for (existing, told) in [("skip", ""), ("include", "01-06 11:00 ada ends j completed")] {
        let new = journey(&format!("  segment: vip\n  existing: {existing}\n  again: always"));
        let stage = Stage {
            journeys: &[
                "\njourney: other\ntopic: news\nenter:\n  on: X\n  again: never\nsteps:\n  - wait: 1h\n",
            ],
            segments: &["segment: vip\nif: profile.vip == true"],
            second: &[&new],
            second_segments: &["segment: vip\nif: profile.vip == true"],
            story: r#"
                01-05 10:00 ada identify {"vip": true}
                01-05 12:00 deploy second
                01-06 10:00 ada Y {}
                01-07 10:00 ada Y {}
                01-08 10:00 bob Y {}
                01-09 10:00 bob identify {"vip": true}
                01-10 10:00"#,
            ..Stage::default()
        };
        check(&stage, &format!("{told}\n01-09 11:00 bob ends j completed"));
    }
}

#[test]
fn a_segment_that_was_edited_floods_nobody() {
    let first = journey("  segment: vip\n  again: always");
    let second = journey("  segment: vip\n  again: always").replace("1h", "2h");
    let stage = Stage {
        journeys: &[&first],
        segments: &["segment: vip\nif: count('Order Completed') >= 9", "segment: many\nif: profile.x"],
        second: &[&second],
        second_segments: &[
            "segment: vip\nif: in_segment('many')",
            "segment: many\nif: count('Order Completed') >= 1",
        ],
        story: r#"
            01-05 10:00 ada Order Completed {}
            01-05 12:00 deploy second
            01-06 10:00 ada Y {}
            01-06 10:00 bob Y {}
            01-07 10:00 bob Order Completed {}
            01-10 10:00"#,
        ..Stage::default()
    };
    check(&stage, "01-07 12:00 bob ends j completed");
}

#[test]
fn imported_history_starts_nothing() {
    let stage = Stage {
        journeys: &[&journey("  segment: buyers\n  again: always")],
        segments: &["segment: buyers\nif: count('Order Completed') >= 1"],
        story: r#"
            01-05 10:00 ada @2025-12-01T10:00:00Z old Order Completed {}
            01-05 11:00 ada Order Completed {}
            01-06 10:00 bob @2026-01-02T10:00:00Z Order Completed {}
            01-10 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-05 10:00 ada refused j late
         01-06 10:00 bob refused j late",
    );
}

#[test]
fn a_date_comes_round_on_the_persons_clock() {
    let stage = Stage {
        journeys: &[&journey(
            "  date: profile.birthday\n  before: 3d\n  at: 09:00\n  leap: feb 28\n  again: every 300d",
        )],
        story: r#"
            06-01 10:00 ada identify {"birthday": "1990-01-02", "timezone": "Asia/Tokyo"}
            06-01 10:00 bob identify {"birthday": "1992-02-29"}
            06-01 10:00 cem identify {"birthday": "whenever"}
            2028-01-20 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "12-30 01:00 ada ends j completed
         2027-02-25 10:00 bob ends j completed
         2027-12-30 01:00 ada ends j completed",
    );
}

#[test]
fn a_date_that_is_corrected_counts_as_it_is_now() {
    let stage = Stage {
        journeys: &[&journey(
            "  date: profile.birthday\n  at: 09:00\n  if: now - changed(profile.birthday) >= 30d\n  again: always",
        )],
        story: r#"
            01-05 10:00 ada identify {"birthday": "1990-01-20"}
            01-06 10:00 ada identify {"birthday": "1990-03-20"}
            01-06 10:00 bob identify {"birthday": "1990-01-20"}
            04-01 10:00"#,
        ..Stage::default()
    };
    check(&stage, "03-20 10:00 ada ends j completed");
}

#[test]
fn the_calendar_begins_runs_once_each_on_each_ones_clock() {
    for (every, told) in [
        ("monday 09:00", "03-23 01:00 ada\n03-23 09:00 bob\n03-30 01:00 ada\n03-30 08:00 bob"),
        ("\"0 9 * * MON\"", "03-23 01:00 ada\n03-23 09:00 bob\n03-30 01:00 ada\n03-30 08:00 bob"),
        ("monday 09:00 UTC", "03-23 10:00 ada\n03-23 10:00 bob\n03-30 10:00 ada\n03-30 10:00 bob"),
        ("2026-03-28 09:00", "03-28 01:00 ada\n03-28 09:00 bob"),
        ("2026-03-01 09:00", ""),
    ] {
        let stage = Stage {
            journeys: &[&journey(&format!("  every: {every}\n  again: always"))],
            story: r#"
                03-20 10:00 ada identify {"timezone": "Asia/Tokyo"}
                03-20 10:00 bob identify {"timezone": "Europe/Berlin"}
                04-01 10:00"#,
            ..Stage::default()
        };
        let told: Vec<String> = told.lines().map(|line| format!("{line} ends j completed")).collect();
        check(&stage, &told.join("\n"));
    }
}

#[test]
fn what_is_spread_keeps_its_place() {
    let stage = Stage {
        journeys: &[&journey("  every: monday 09:00\n  spread: 8h\n  again: always\n  if: profile.x == 1")],
        story: r#"
            01-06 10:00 ada identify {"x": 1}
            01-06 10:00 bob identify {"x": 1}
            01-27 10:00"#,
        ..Stage::default()
    };
    let told = crate::stage::play(&stage);
    let at = |who: &str| -> Vec<String> {
        let lines = told.lines().filter(|line| line.contains(who));
        lines.map(|line| line[..line.find(who).unwrap()].trim().to_owned()).collect()
    };
    for who in ["ada", "bob"] {
        let times: Vec<String> = at(who).iter().map(|at| at[6..].to_owned()).collect();
        assert_eq!(at(who).len(), 3, "{told}");
        assert!(
            times.iter().all(|time| *time == times[0] && ("10:00".."18:01").contains(&time.as_str())),
            "{told}"
        );
    }
    assert_ne!(at("ada"), at("bob"));
}

#[test]
fn a_broadcast_goes_once_to_whom_it_is_for() {
    let broadcast = "
broadcast: early
topic: news
to: vip
if: has(profile.name)
at: 2026-01-20 08:00
send: early
channel: inbox
within: 3h
goal:
  on: Order Completed
  within: 2d
  value: event.revenue
";
    let stage = Stage {
        journeys: &[broadcast],
        segments: &["segment: vip\nif: profile.vip == true"],
        second: &[&broadcast.replace("01-20", "01-25")],
        second_segments: &["segment: vip\nif: profile.vip == true"],
        story: r#"
            01-05 10:00 ada identify {"vip": true, "name": "Ada", "timezone": "Asia/Tokyo"}
            01-05 10:00 bob identify {"vip": true, "name": "Bob"}
            01-05 10:00 cem identify {"vip": true}
            01-05 10:00 dan identify {"name": "Dan"}
            01-20 11:00 ada Order Completed {"revenue": 30}
            01-21 10:00 deploy second
            01-22 10:00 bob Y {}
            01-22 10:00 eve identify {"vip": true, "name": "Eve"}
            01-30 10:00"#,
        ..Stage::default()
    };
    check(
        &stage,
        "01-19 23:00 ada inbox early
         01-19 23:00 ada ends early completed (goal, worth 30)
         01-20 08:00 bob inbox early
         01-20 08:00 dan refused early not_in_audience
         01-20 08:00 bob ends early completed
         01-25 08:00 eve inbox early
         01-25 08:00 bob refused early again
         01-25 08:00 eve ends early completed",
    );
}
