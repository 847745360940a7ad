//! Rules 10 and 13: who is held out, and what sticks.

use crate::stage::{Stage, check, play, somebody};

/// A journey with everything that somebody held out must walk through.
const WALK: &str = "
journey: walk
topic: news
cap: 1 per 7d
holdout: 50%
enter:
  on: Begin
  again: always
goal:
  on: Bought
  since: first_send
  within: 9d
steps:
  - id: first
    send: first
    channel: inbox
    else:
      - exit: not-sent
  - wait: 1d
  - if: first.sent
    then:
      - exit: was-sent
  - if: first.reason == 'withheld'
    then:
      - send: measured
        channel: inbox
        in_holdout: yes
";

#[test]
fn rule_10_who_is_held_out_walks_waits_branches_and_is_measured() {
    let held = somebody(&["walk", "holdout"], 0.5, true);
    let spoken_to = somebody(&["walk", "holdout"], 0.5, false);
    let story = format!(
        "01-05 10:00 {held} Begin {{}}
         01-05 10:00 {spoken_to} Begin {{}}
         01-07 10:00 {held} Bought {{}}
         01-20 10:00"
    );
    // No cap is used by what was withheld: `measured` goes within its own seven days.
    check(
        &Stage { journeys: &[WALK], story: &story, ..Stage::default() },
        &sorted(&format!(
            "01-05 10:00 {held} inbox first (withheld)
             01-05 10:00 {spoken_to} inbox first
             01-06 10:00 {held} inbox measured
             01-06 10:00 {spoken_to} ends walk exit_step: was-sent
             01-06 10:00 {held} ends walk completed (goal)"
        )),
    );
}

/// What is told stands in the order of moments, then of names.
fn sorted(text: &str) -> String {
    let mut lines: Vec<(&str, bool, &str)> =
        text.lines().map(str::trim).map(|line| (&line[..11], line.contains(" ends "), line)).collect();
    lines.sort_unstable();
    lines.into_iter().map(|(_, _, line)| format!("{line}\n")).collect()
}

#[test]
fn rule_10_no_cap_of_a_channel_and_no_gap_is_used() {
    let held = somebody(&["walk", "holdout"], 0.5, true);
    let other = "
        journey: other
        topic: news
        enter: { on: Begin, again: always }
        steps:
          - wait: 1h
          - send: other
            channel: inbox
        ";
    let story = format!("01-05 10:00 {held} Begin {{}}\n01-05 12:00");
    let shop = "caps: { inbox: 1 per 7d }\nminimum_gap: 4h";
    let told = play(&Stage { journeys: &[WALK, other], shop, story: &story, ..Stage::default() });
    assert!(told.contains("11:00 ") && told.contains("inbox other"), "{told}");
}

#[test]
fn rule_10_everybodys_holdout_is_for_marketing_alone() {
    let held = somebody(&["everybody", "holdout"], 0.5, true);
    let journey = |name: &str, header: &str| {
        format!(
            "\njourney: {name}\n{header}\nenter: {{ on: Begin, again: always }}\nsteps:\n  - send: {name}\n    channel: inbox\n"
        )
    };
    let (marketing, bill) = (journey("offer", "topic: news"), journey("bill", "kind: transactional"));
    let story = format!("01-05 10:00 {held} Begin {{}}");
    let stage =
        Stage { journeys: &[&marketing, &bill], shop: "holdout: 50%", story: &story, ..Stage::default() };
    check(
        &stage,
        &format!(
            "01-05 10:00 {held} inbox bill
             01-05 10:00 {held} inbox offer (withheld)
             01-05 10:00 {held} ends bill completed
             01-05 10:00 {held} ends offer completed"
        ),
    );
}

#[test]
fn rule_10_a_held_out_person_obeys_what_others_obey() {
    // Who would not have been sent anything is not counted as if.
    let held = somebody(&["walk", "holdout"], 0.5, true);
    let story = format!(
        "01-05 09:00 {held} Unsubscribed {{}}
         01-05 10:00 {held} Begin {{}}"
    );
    check(
        &Stage { journeys: &[WALK], story: &story, ..Stage::default() },
        &format!(
            "01-05 10:00 {held} refused walk/first no_consent
             01-05 10:00 {held} ends walk exit_step: not-sent"
        ),
    );
}

#[test]
fn rule_13_a_holdout_is_the_same_in_every_run_and_under_every_version() {
    let held = somebody(&["walk", "holdout"], 0.5, true);
    let spoken_to = somebody(&["walk", "holdout"], 0.5, false);
    let renamed =
        WALK.replace("journey: walk", "journey: run\nseed: walk").replace("send: first", "send: second");
    let story = format!(
        "01-05 10:00 {held} Begin {{}}
         01-05 10:00 {spoken_to} Begin {{}}
         02-05 10:00 {held} Begin {{}}
         02-05 10:00 {spoken_to} Begin {{}}
         02-20 10:00 deploy second
         03-05 10:00 {held} Begin {{}}
         03-05 10:00 {spoken_to} Begin {{}}"
    );
    let told = play(&Stage { journeys: &[WALK], second: &[&renamed], story: &story, ..Stage::default() });
    for (month, template) in [("01", "first"), ("02", "first"), ("03", "second")] {
        for (name, state) in [(&held, " (withheld)"), (&spoken_to, "")] {
            let line = format!("{month}-05 10:00 {name} inbox {template}{state}\n");
            assert!(told.contains(&line), "{line}\n{told}");
        }
    }
}

#[test]
fn rule_13_a_fixed_choice_is_the_same_person_the_same_option() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - choose: tone
            by: fixed
            options:
              warm:
                share: 30%
                then:
                  - exit: warm
              cold:
                share: 70%
        ";
    let warm = somebody(&["j", "tone"], 0.3, true);
    let cold = somebody(&["j", "tone"], 0.3, false);
    let story = format!(
        "01-05 10:00 {warm} Begin {{}}
         01-05 11:00 {cold} Begin {{}}
         02-05 10:00 {warm} Begin {{}}
         02-05 11:00 {cold} Begin {{}}"
    );
    check(
        &Stage { journeys: &[journey], story: &story, ..Stage::default() },
        &format!(
            "01-05 10:00 {warm} tone takes warm
             01-05 10:00 {warm} ends j exit_step: warm
             01-05 11:00 {cold} tone takes cold
             01-05 11:00 {cold} ends j completed
             02-05 10:00 {warm} tone takes warm
             02-05 10:00 {warm} ends j exit_step: warm
             02-05 11:00 {cold} tone takes cold
             02-05 11:00 {cold} ends j completed"
        ),
    );
}

#[test]
fn rule_13_shares_are_kept() {
    let below = (0..10_000)
        .filter(|nth| {
            let key =
                journeyman_domain::assignment_key(&journeyman_domain::Identity::external(format!("p{nth}")));
            journeyman_domain::draw(key, &["j", "choose", "tone"]) < 0.3
        })
        .count();
    assert!((2_850..3_150).contains(&below), "{below}");
}
