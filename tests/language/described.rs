//! Journeys in plain English.

use journeyman_engine::deploy;
use journeyman_journey::Source;
use journeyman_journey::describe::describe;

use crate::shipped::files;

#[test]
fn a_shipped_journey_reads_as_a_paragraph() {
    let sources = files(&["journeyman.yaml", "journeys", "templates"]);
    let deployment = deploy::check(&sources, false).deployment.unwrap();
    let told = |name: &str| describe(deployment.plans.iter().find(|plan| &*plan.name == name).unwrap());
    assert_eq!(
        told("cart-abandonment"),
        "`cart-abandonment` is a marketing journey on reminders, live. It begins on Cart Updated, if cart.value >= 20 EUR, after \
         45 minutes without another, unless Order Completed comes first. There is one run for each cart_id; another while it runs \
         goes on with it. It shares the lane abandonment: a person is in one journey of it at a time, and the higher priority (here \
         70) takes over. Its goal is Order Completed within 3 days of entering, worth event.revenue; reaching it ends the run. It \
         ends at once, wherever it stands, if cart.items.count() == 0. A person gets no more than 3 messages of it in 7 days. 10 % \
         of people are held out: they walk it and get no message, to compare with.\n\n\
         First, it sends cart-reminder by whichever of email, push and whatsapp is best for the person, which is learned, within \
         a day. Then it waits for nudge.clicked, a day at most; when the time is up, it sends cart-last-call by email, within a day, \
         if cart.items.count() > 0. Then it is over.\n"
    );
}

#[test]
fn every_kind_of_step_is_told() {
    let text = "
journey: t
kind: transactional
status: draft
enter:
  on: Order Completed
  each: products
  per: item.product_id
  if_running: restart
hold:
  while: profile.tickets > 0
  within: 2h
  else: exit
steps:
  - set:
      due: = entry.at + 3d
  - wait_until: = run.due
  - update: { seen: yes }
  - track: Looked
    with: { at: home }
  - choose: gift
    by: fixed
    options:
      rose:
        share: 40%
        then:
          - send: rose
            channel: [sms, email]
            escalate: { after: 4h, unless: clicked }
            if: has(profile.email)
      none:
        share: 60%
        then:
          - exit: nothing
  - repeat: 2
    every: 1d
    while: not rose.clicked
    then:
      - send: again
        channel: email
        holdout: 5%
  - branch:
      - if: rose.clicked
        then:
          - wait: 2w
      - else:
          - wait: 1s
";
    let sources = [Source { path: "journeys/t.yaml".into(), text: text.into() }];
    let checked = deploy::check(&sources, false);
    let said: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
    let deployment = checked.deployment.unwrap_or_else(|| panic!("{said:?}"));
    let told = describe(&deployment.plans[0]);
    for part in [
        "`t` is a transactional journey, draft. It begins on Order Completed, once for each of its products.",
        "There is one run for each item.product_id; another while it runs begins anew.",
        "It stands still while profile.tickets > 0, for 2 hours at most, and then it ends.",
        "First, it notes due: entry.at + 3d. Then it waits until run.due. Then it writes to the profile seen: yes.",
        "Then it records the event Looked with at: home.",
        "Then it divides people for good: 40 % of people (rose): it sends rose by sms or email, the first that reaches the person, \
         within a day; by the next channel too after 4 hours, unless it was clicked, if has(profile.email); 60 % of people (none): \
         it ends (nothing).",
        "Then 2 times at most, a day apart while not rose.clicked: it sends again by email, within a day, withheld from 5 % of people.",
        "Then if rose.clicked, it waits 14 days; otherwise it waits a second.",
    ] {
        assert!(told.contains(part), "{part}\nis not in\n{told}");
    }
}

/// What no event begins is told as well.
#[test]
fn what_begins_by_itself_is_told() {
    for (enter, told) in [
        (
            "segment: s\n  existing: include",
            "It begins when somebody comes into the segment s, and for those who are in it when it goes live.",
        ),
        ("left_segment: s", "It begins when somebody leaves the segment s."),
        (
            "date: profile.birthday\n  before: 3d\n  at: 09:00",
            "It begins each year, 3d before profile.birthday at 09:00.",
        ),
        ("date: profile.birthday", "It begins each year, on profile.birthday."),
        ("every: monday 09:00\n  spread: 2h", "It begins every Mon 09:00, spread over 2h."),
        ("every: 2026-11-27 08:00", "It begins once, 2026-11-27 08:00."),
        ("every: \"0 9 * * MON\"", "It begins every `0 9 * * MON`."),
    ] {
        let text = format!(
            "journey: t\nkind: transactional\nenter:\n  {enter}\n  again: always\nsteps:\n  - send: a\n    channel: inbox\n"
        );
        let journey = Source { path: "journeys/t.yaml".into(), text };
        let segment = Source {
            path: "journeys/segments/s.yaml".into(),
            text: "segment: s\nif: profile.x == 1\n".into(),
        };
        let deployment = deploy::check(&[journey, segment], false).deployment.unwrap();
        let text = describe(&deployment.plans[0]);
        assert!(text.contains(told), "{enter}: {text}");
    }
}
