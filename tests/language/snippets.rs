//! `use`: steps that several journeys share.

use crate::stage::{Stage, check};

const NUDGE: &str = "
snippet: nudge
with: [least, why]
steps:
  - send: note
    channel: inbox
    if: profile.points >= least
  - wait: 1d
  - if: note.sent and why == 'first'
    then:
      - send: more
        channel: inbox
";

const USES: &str = "
journey: j
topic: news
enter:
  on: Begin
  again: always
steps:
  - use: nudge
    with:
      least: = entry.least
      why: first
  - id: again
    use: nudge
    if: nudge_note.sent
    with:
      least: = 2 * entry.least
      why: second
";

#[test]
fn it_walks_the_snippet_with_what_it_was_given() {
    check(
        &Stage {
            journeys: &[USES, NUDGE],
            story: r#"01-05 09:00 ada identify {"points": 5}
                      01-05 10:00 ada Begin {"least": 3}
                      01-05 09:00 bob identify {"points": 2}
                      01-05 10:00 bob Begin {"least": 3}
                      01-05 09:00 cem identify {"points": 7}
                      01-05 10:00 cem Begin {"least": 3}
                      02-05 10:00"#,
            ..Stage::default()
        },
        "01-05 10:00 ada inbox note
         01-05 10:00 cem inbox note
         01-05 10:00 bob refused j/nudge_note guard
         01-06 10:00 ada inbox more
         01-06 10:00 cem inbox more
         01-06 10:00 cem inbox note
         01-06 10:00 ada refused j/again_note guard
         01-06 10:00 bob ends j completed
         01-07 10:00 ada ends j completed
         01-07 10:00 cem ends j completed",
    );
}

#[test]
fn a_run_keeps_the_snippet_with_which_it_began() {
    let uses = "
        journey: j
        topic: news
        enter: { on: Begin, again: always }
        steps:
          - wait: 1d
          - use: tail
        ";
    let tail =
        |template: &str| format!("\nsnippet: tail\nsteps:\n  - send: {template}\n    channel: inbox\n");
    let (old, new) = (tail("old"), tail("new"));
    check(
        &Stage {
            journeys: &[uses, &old],
            second: &[uses, &new],
            story: "01-05 10:00 ada Begin {}
                    01-05 12:00 deploy second
                    01-05 14:00 bob Begin {}
                    02-05 10:00",
            ..Stage::default()
        },
        "01-06 10:00 ada inbox old
         01-06 10:00 ada ends j completed
         01-06 14:00 bob inbox new
         01-06 14:00 bob ends j completed",
    );
}
