//! `test` of a send: the same person always gets the same variant.

use crate::stage::{Stage, check, somebody};

const NUDGE: &str = "
journey: j
topic: news
enter:
  on: Begin
  again: always
steps:
  - send: nudge
    channel: inbox
    test: { subject: [plain, question], winner: clicked }
  - if: nudge.variant == 'question'
    then:
      - exit: asked
  - exit: told
";

#[test]
fn who_gets_which_variant_is_drawn_once_and_logged() {
    let told = somebody(&["j", "test", "nudge"], 0.5, true);
    let asked = somebody(&["j", "test", "nudge"], 0.5, false);
    let story = format!(
        "01-05 10:00 {told} Begin {{}}
         01-06 10:00 {told} Begin {{}}
         01-07 10:00 {asked} Begin {{}}
         01-08 10:00 {asked} Begin {{}}"
    );
    let expected = format!(
        "01-05 10:00 {told} inbox nudge
         01-05 10:00 {told} nudge takes plain
         01-05 10:00 {told} ends j exit_step: told
         01-06 10:00 {told} inbox nudge
         01-06 10:00 {told} nudge takes plain
         01-06 10:00 {told} ends j exit_step: told
         01-07 10:00 {asked} inbox nudge
         01-07 10:00 {asked} nudge takes question
         01-07 10:00 {asked} ends j exit_step: asked
         01-08 10:00 {asked} inbox nudge
         01-08 10:00 {asked} nudge takes question
         01-08 10:00 {asked} ends j exit_step: asked"
    );
    check(&Stage { journeys: &[NUDGE], story: &story, ..Stage::default() }, &expected);
}

#[test]
fn what_is_not_sent_has_no_variant() {
    let journey = NUDGE.replace("    channel: inbox\n", "    channel: sms\n");
    check(
        &Stage { journeys: &[&journey], story: "01-05 10:00 ada Begin {}", ..Stage::default() },
        "01-05 10:00 ada refused j/nudge unreachable
         01-05 10:00 ada ends j exit_step: told",
    );
}
