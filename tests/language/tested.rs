//! `tests:` in journey files: those that are shipped pass, and whatever is otherwise than expected is said.

use journeyman_engine::deploy;
use journeyman_journey::Source;
use journeyman_sim::testing::{Ran, run};

use crate::shipped::files;

const JOURNEY: &str = "
journey: t
kind: transactional
enter:
  on: Signed Up
  if: has(profile.email)
  again: never
goal:
  on: Order Completed
  within: 7d
steps:
  - id: hello
    send: welcome
    channel: [sms, email]
  - wait: 1d
  - choose: present
    by: fixed
    options:
      rose:
        share: 50%
        then:
          - send: rose
            channel: email
      none:
        share: 50%
        then:
          - exit: nothing-to-give
  - wait_for:
      if: hello.clicked
    within: 2d
    then:
      - exit: curious
    else:
      - send: later
        channel: email
        if: profile.city == 'Ulm'
tests:
";

/// What is said of one test of the journey above.
fn ran(test: &str) -> Ran {
    let text = format!("{JOURNEY}  - test: it\n    profile: {{ email: ada@shop.example }}\n{test}");
    let sources = [Source { path: "journeys/t.yaml".into(), text }];
    let checked = deploy::check(&sources, false);
    let said: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
    let deployment = checked.deployment.unwrap_or_else(|| panic!("{said:?}"));
    run(&deployment, None, &checked.tests[0])
}

#[track_caller]
fn check(test: &str, faults: &[&str]) {
    let ran = ran(test);
    assert_eq!(ran.faults, faults, "{}", ran.happened.join("\n"));
}

const SIGNED: &str = "    choose: { present: rose }\n    events:\n      - on: Signed Up\n";

#[test]
fn what_is_shipped_passes() {
    passes(&files(&["journeyman.yaml", "journeys", "templates"]), 20);
}

/// The cookbook is a folder of its own.
#[test]
fn what_stands_in_the_cookbook_passes() {
    const FOLDER: &str = "examples/cookbook/";
    let of_it = |source: Source| {
        let path = source.path.strip_prefix(FOLDER).unwrap().to_owned();
        Source { path, ..source }
    };
    let sources: Vec<Source> = files(&["examples/cookbook"]).into_iter().map(of_it).collect();
    let journeys = sources.iter().filter(|source| source.path.starts_with("journeys/"));
    assert_eq!(journeys.filter(|source| !source.path.contains("/segments/")).count(), 17);
    passes(&sources, 29);
}

/// Everything in a folder is right, every journey of it has tests, at least so many in all, and all of them pass.
#[track_caller]
fn passes(sources: &[Source], tests: usize) {
    let checked = deploy::check(sources, false);
    let said: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
    assert!(checked.deployment.is_some(), "{said:#?}");
    let templates = deploy::wordings(&deploy::sources(&checked, sources)).unwrap().templates;
    let deployment = checked.deployment.unwrap();
    assert!(checked.tests.len() >= tests);
    for plan in &deployment.plans {
        assert!(checked.tests.iter().any(|test| test.journey == plan.name), "{} has no test", plan.name);
    }
    for test in &checked.tests {
        let ran = run(&deployment, templates.as_deref(), test);
        let said = (ran.faults.join("\n"), ran.happened.join("\n"));
        assert!(ran.faults.is_empty(), "{}: {}\n{}\n{}", test.journey, test.name, said.0, said.1);
    }
}

#[test]
fn all_that_is_sent_is_expected_in_its_order() {
    let all =
        "    expect:\n      - send: welcome\n        channel: email\n      - send: rose\n        after: 1d\n";
    check(&format!("{SIGNED}{all}"), &[]);
    check(
        &format!("{SIGNED}    expect:\n      - send: hello\n"),
        &[
            "sent, and not expected: `rose` (step rose) by email 1d after the beginning (Tue 2026-03-03 09:00)",
        ],
    );
    check(
        &format!("{SIGNED}    expect:\n      - send: rose\n      - send: hello\n"),
        &[
            "expected a message `rose`, and got `welcome` (step hello) by email at the beginning (Mon 2026-03-02 09:00)",
            "expected a message `hello`, and got `rose` (step rose) by email 1d after the beginning (Tue 2026-03-03 09:00)",
        ],
    );
    check(
        &format!("{SIGNED}{all}      - send: later\n"),
        &["expected a message `later`, and no other was sent"],
    );
    check(
        &format!(
            "{SIGNED}    expect:\n      - send: welcome\n        channel: sms\n      - send: rose\n        at: 2026-03-03 10:00\n"
        ),
        &[
            "expected `welcome` by sms, and got `welcome` (step hello) by email at the beginning (Mon 2026-03-02 09:00)",
            "expected `rose` 1d 1h after the beginning (Tue 2026-03-03 10:00), and it was sent 1d after the beginning \
             (Tue 2026-03-03 09:00)",
        ],
    );
    check(
        &format!("{SIGNED}    expect:\n      - send: welcome\n        words: hello\n      - send: rose\n"),
        &["`hello` can't be rendered: there are no templates here"],
    );
}

#[test]
fn what_else_can_be_expected() {
    let sent = "    expect:\n      - send: hello\n      - send: rose\n";
    check(&format!("{SIGNED}{sent}      - not_sent: later\n        reason: guard\n"), &[]);
    check(
        &format!(
            "{SIGNED}{sent}      - not_sent: later\n        reason: cap\n      - goal: yes\n      - exit: curious\n"
        ),
        &[
            "expected `later` not to be sent, for `cap`, and it did not happen",
            "expected the goal, and it did not happen",
            "expected a run to end by `curious`, and it did not happen",
        ],
    );
    let clicks = "      - clicked: hello\n        after: 30h\n";
    check(&format!("{SIGNED}{clicks}{sent}      - exit: curious\n"), &[]);
    let moves = "      - profile: { city: Ulm }\n        after: 2d\n";
    check(&format!("{SIGNED}{moves}{sent}      - send: later\n        after: 3d\n"), &[]);
    let orders =
        "      - on: Order Completed\n        after: 3h\n        with: { order_id: o1, revenue: 10 }\n";
    check(&format!("{SIGNED}{orders}    expect:\n      - send: hello\n      - goal: yes\n"), &[]);
    let early = "      - clicked: rose\n        after: 3h\n";
    check(
        &format!("{SIGNED}{early}{sent}"),
        &["nothing had been sent by `rose` 3h after the beginning: nobody can do anything with it"],
    );
    check(&format!("    lasts: 12h\n{SIGNED}    expect:\n      - send: hello\n      - waits: wait_1\n"), &[]);
    check(
        "    choose: { present: none }\n    events:\n      - on: Signed Up\n    expect:\n      - send: hello\n      - exit: nothing-to-give\n",
        &[],
    );
    check(
        "    events:\n      - on: Signed Up\n      - on: Signed Up\n        after: 3d\n    choose: { present: none }\n    expect:\n      - send: hello\n      - not_entered: again\n",
        &[],
    );
}

#[test]
fn tests_are_no_part_of_a_version() {
    let hash = |tests: &str| {
        let text = format!("{JOURNEY}  - test: it\n    expect: []\n{tests}");
        let sources = [Source { path: "journeys/t.yaml".into(), text }];
        deploy::check(&sources, false).versions[0].hash
    };
    assert_eq!(hash(""), hash("  - test: another\n    expect: []\n"));
    // What was stored with tests that this version can't read is compiled all the same.
    let text = format!("{JOURNEY}  - test: it\n    expect: []\n");
    let sources = [Source { path: "journeys/t.yaml".into(), text }];
    let mut stored = deploy::sources(&deploy::check(&sources, false), &sources);
    stored[0].text.push_str("    telepathy: yes\n");
    assert!(deploy::compile(1, &stored).is_ok());
}

#[test]
fn what_can_t_be_read_is_said_with_its_place() {
    let said = |tests: &str| {
        let text = format!("{JOURNEY}{tests}");
        let sources = [Source { path: "journeys/t.yaml".into(), text }];
        let checked = deploy::check(&sources, false);
        let of =
            checked.diagnostics.iter().map(|said| format!("{} {}; {}", said.code, said.message, said.help));
        of.collect::<Vec<_>>().join(" | ")
    };
    for (tests, wanted) in [
        ("  test: it\n", "J0203 `tests` is a list; begin each test with `- test:` and what it shows"),
        (
            "  - test: it\n",
            "J0204 a test needs `expect:`; say what is expected; `expect: []` where nothing is sent",
        ),
        (
            "  - test: it\n    expect:\n      - send: helo\n",
            "J1001 the journey has no send `helo`; did you mean `hello`?",
        ),
        ("  - test: it\n    expect:\n      - exits: goal\n", "J0204 nothing is expected here"),
        (
            "  - test: it\n    expect:\n      - not_entered: agan\n",
            "J0305 there is no reason `agan`; did you mean `again`?",
        ),
        (
            "  - test: it\n    choose: { presnt: rose }\n    expect: []\n",
            "J1001 the journey has no choose `presnt`; did you mean `present`?",
        ),
        (
            "  - test: it\n    choose: { present: lily }\n    expect: []\n",
            "J1001 `present` has no option `lily`; it has rose, none",
        ),
        ("  - test: it\n    events:\n      - clickd: hello\n    expect: []\n", "J0204 nothing happens here"),
        (
            "  - test: it\n    products: [{ price: 3 }]\n    expect: []\n",
            "J0204 a product needs `product_id:`",
        ),
        ("  - test: it\n    begin: tomorrow\n    expect: []\n", "J0307 `tomorrow` is no moment"),
        ("  - test: it\n    telepathy: yes\n    expect: []\n", "`telepathy` is no word of a test"),
    ] {
        let said = said(tests);
        assert!(said.contains(wanted), "{tests}\n{said}");
    }
}
