//! `call`: asked through the outbox, answered by an event.

use crate::stage::{Stage, check, somebody};

const PORTAL: &str = "
journey: dunning
topic: news
enter:
  on: Payment Failed
  per: invoice_id
exit:
  - on: Payment Succeeded
steps:
  - id: portal
    call: POST https://billing.example/links
    body:
      customer: = profile.id
      invoice: = entry.invoice_id
    within: 30s
    retry: 2
    else:
      - exit: no-link
  - if: portal.url == 'https://pay.example/1' and portal.plan.days > 3
    then:
      - send: pay-now
        channel: inbox
        with:
          link: = portal.url
  - exit: done
";
const ASKED: &str = "POST https://billing.example/links";
const ANSWER: &str = r#"{"url": "https://pay.example/1", "plan": {"days": 7}, "unasked": 1}"#;
const STORY: &str = r#"01-05 10:00 ada Payment Failed {"invoice_id": "i1"}"#;

#[track_caller]
fn told(answers: &[(&str, &str)], story: &str, expected: &str) {
    check(&Stage { journeys: &[PORTAL], answers, story, ..Stage::default() }, expected);
}

#[test]
fn a_run_waits_for_the_answer_and_reads_it() {
    told(
        &[(ASKED, ANSWER)],
        STORY,
        "01-05 10:00 ada call POST https://billing.example/links
         01-05 10:00 ada inbox pay-now
         01-05 10:00 ada ends dunning[i1] exit_step: done",
    );
}

#[test]
fn what_is_no_object_is_an_answer_without_fields() {
    for answer in ["", "[1]", "thanks"] {
        told(
            &[(ASKED, answer)],
            STORY,
            "01-05 10:00 ada call POST https://billing.example/links
             01-05 10:00 ada ends dunning[i1] exit_step: done",
        );
    }
}

#[test]
fn who_is_refused_takes_the_else() {
    told(
        &[],
        STORY,
        "01-05 10:00 ada call POST https://billing.example/links (rejected)
         01-05 10:00 ada refused dunning/portal failed
         01-05 10:00 ada ends dunning[i1] exit_step: no-link",
    );
}

#[test]
fn who_is_held_out_calls_nobody() {
    let journey = format!("{PORTAL}holdout: 10%\n").replace("    else:\n      - exit: no-link\n", "");
    let out = somebody(&["dunning", "holdout"], 0.1, true);
    let story = STORY.replace("ada", &out);
    let expected = format!(
        "01-05 10:00 {out} refused dunning/portal withheld
         01-05 10:00 {out} ends dunning[i1] exit_step: done"
    );
    check(
        &Stage { journeys: &[&journey], answers: &[(ASKED, ANSWER)], story: &story, ..Stage::default() },
        &expected,
    );
}

#[test]
fn each_passage_asks_anew() {
    let journey = "
        journey: j
        topic: news
        enter:
          on: Begin
          again: always
        steps:
          - repeat: 2
            every: 1d
            then:
              - id: stock
                call: GET https://shop.example/stock
              - if: stock.left > 3 and not stock.failed
                then:
                  - send: left
                    channel: inbox
        ";
    check(
        &Stage {
            journeys: &[journey],
            answers: &[("GET https://shop.example/stock", r#"{"left": 4}"#)],
            story: "01-05 10:00 ada Begin {}
                    01-08 10:00",
            ..Stage::default()
        },
        "01-05 10:00 ada call GET https://shop.example/stock
         01-05 10:00 ada inbox left
         01-06 10:00 ada call GET https://shop.example/stock
         01-06 10:00 ada inbox left
         01-07 10:00 ada ends j completed",
    );
}
