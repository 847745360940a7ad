//! Snippets: where they stand, what they are given, and what a stored journey carries.

use super::door::{around, said, with_steps};
use crate::{Checked, Source, check, pinned};

const NUDGE: &str = "\
snippet: nudge
with: [who, least]
steps:
  - send: reminder
    channel: email
    if: cart.value >= least
    with:
      name: = who
  - wait: 1d
  - exit: clicked
    if: reminder.clicked
";

fn sources(steps: &str, snippets: &[(&str, &str)]) -> Vec<Source> {
    let mut sources = around("journeys/t.yaml", &with_steps(steps));
    sources.extend(snippets.iter().map(|(name, text)| Source {
        path: format!("journeys/snippets/{name}.yaml"),
        text: (*text).to_owned(),
    }));
    sources
}

fn of(steps: &str, snippets: &[(&str, &str)]) -> Checked {
    check(&sources(steps, snippets), None, false)
}

/// Everything said, with the file it is said of.
#[track_caller]
fn says(steps: &str, snippets: &[(&str, &str)], expected: &[&str]) {
    let checked = of(steps, snippets);
    let told: Vec<String> = checked
        .diagnostics
        .iter()
        .zip(said(&checked))
        .map(|(diagnostic, line)| format!("{} {line}", diagnostic.file.rsplit('/').next().unwrap()))
        .collect();
    let fits = told.len() == expected.len()
        && told.iter().zip(expected).all(|(told, expected)| told.starts_with(expected));
    assert!(fits, "said {told:#?}\nexpected {expected:#?}");
}

const TWICE: &str = "  - use: nudge
    with:
      who: = profile.first_name
      least: = 20 EUR
  - use: nudge
    id: again
    if: not nudge_reminder.clicked
    with:
      who: you
      least: = 40 EUR
";

#[test]
fn each_use_has_steps_and_names_of_its_own() {
    let deployment = of(TWICE, &[("nudge", NUDGE)]).deployment.unwrap();
    let ids: Vec<&str> = deployment.plans[0].nodes.iter().map(|node| node.id.as_ref()).collect();
    assert_eq!(
        ids,
        [
            "nudge",
            "nudge_reminder",
            "nudge_wait_1",
            "nudge_exit_1",
            "again",
            "again_reminder",
            "again_wait_2",
            "again_exit_2"
        ]
    );
    let mut asked = Vec::new();
    deployment.plans[0].conditions(&mut |condition| asked.push(format!("{:?}", condition.expr)));
    for own in ["nudge/least", "again/least", "nudge_reminder", "again_reminder"] {
        assert!(asked.iter().any(|asked| asked.contains(own)), "{own}: {asked:#?}");
    }
}

#[test]
fn what_is_wrong_is_said_where_it_stands_and_once() {
    let wrong = NUDGE.replace("cart.value >= least", "cart.value >= lest");
    says(TWICE, &[("nudge", &wrong)], &["nudge.yaml J0501 6:23 nothing here is called `lest`"]);
    // Its types are those of what it is given.
    let wrong = TWICE.replace("least: = 40 EUR", "least: much");
    says(&wrong, &[("nudge", NUDGE)], &["nudge.yaml J0507 6:9 money is compared with text"]);
}

#[test]
fn heads_and_what_they_are_given() {
    let uses = "  - use: nudge\n    with: { who: x, least: x, last: x }\n";
    says(
        "  - use: nudge\n    with: { who: x, last: x }\n  - use: nugde\n",
        &[("nudge", NUDGE)],
        &[
            "t.yaml J0204 7:5 the snippet `nudge` needs `least`; give it",
            "t.yaml J0202 8:21 the snippet `nudge` has no `last`; did you mean `least`?",
            "t.yaml J0614 9:10 there is no snippet `nugde`; did you mean `nudge`?",
        ],
    );
    says(uses, &[("nudge", "snippet: other\nsteps:\n  - wait: 1d\n")], &["nudge.yaml J0207 1:10"]);
    says(
        uses,
        &[("nudge", "snippet: nudge\nwith: [event, a-b]\nstep: x\n")],
        &[
            "nudge.yaml J0610 2:8 `event` is a word of expressions",
            "nudge.yaml J0301 2:15 `a-b` can't stand",
            "nudge.yaml J0202 3:1 `step` is no word of a snippet; did you mean `steps`?",
        ],
    );
    says(
        uses,
        &[("nudge", "snippet: nudge\nsteps: []\n")],
        &["nudge.yaml J0204 2:1 a snippet needs at least one step"],
    );
    says(
        uses,
        &[("nudge", "journey: nudge\n")],
        &["nudge.yaml J0207 1:1 no snippet stands among the snippets"],
    );
}

#[test]
fn snippets_in_snippets_and_none_in_itself() {
    let outer = "snippet: outer\nwith: name\nsteps:\n  - use: inner\n    with:\n      given: = name\n";
    let inner = "snippet: inner\nwith: given\nsteps:\n  - exit: x\n    if: given == 'a'\n";
    let uses = "  - use: outer\n    with: { name: a }\n  - wait: 1d\n";
    let deployment = of(uses, &[("outer", outer), ("inner", inner)]).deployment.unwrap();
    let ids: Vec<&str> = deployment.plans[0].nodes.iter().map(|node| node.id.as_ref()).collect();
    assert_eq!(ids, ["outer", "outer_inner", "outer_inner_exit_1", "wait_1"]);
    let circle = "snippet: inner\nwith: given\nsteps:\n  - use: outer\n    with: { name: x }\n";
    says(
        uses,
        &[("outer", outer), ("inner", circle)],
        &["inner.yaml J0614 4:10 snippets use each other in too long a row, at `outer`"],
    );
}

#[test]
fn bare_names_are_the_snippets_own() {
    says(
        &format!("{TWICE}  - exit: x\n    if: least > 3 EUR\n"),
        &[("nudge", NUDGE)],
        &["t.yaml J0501 18:9 nothing here is called `least`"],
    );
    let event = NUDGE.replace("cart.value >= least", "cart.items.any(price > least)");
    says(TWICE, &[("nudge", &event)], &["nudge.yaml J0502 6:32 inside brackets `least` is the element's"]);
}

#[test]
fn a_stored_journey_carries_its_snippets_and_its_version_is_theirs_too() {
    let version = |snippet: &str| {
        let checked = of(TWICE, &[("nudge", snippet)]);
        let version = checked.versions.into_iter().find(|version| version.name.as_ref() == "t").unwrap();
        (version.hash, version.text.unwrap())
    };
    let (hash, text) = version(NUDGE);
    let changed = NUDGE.replace("wait: 1d", "wait: 2d");
    assert_ne!(version(&changed).0, hash);
    // Comments and spaces change nothing.
    assert_eq!(version(&format!("# a \"note\"\n{NUDGE}")).0, hash);
    // Alone, and whatever stands beside it by now, it is what it was.
    let stored = Source { path: "journeys/t.yaml".to_owned(), text };
    for beside in [Vec::new(), sources("  - wait: 1d\n", &[("nudge", &changed)])] {
        let plan = pinned(&stored, &beside[1.min(beside.len())..], None).unwrap();
        assert_eq!((plan.hash, plan.nodes.len()), (hash, 8));
    }
    let mut again = sources("  - wait: 1d\n", &[]);
    again[0] = stored;
    let checked = check(&again, None, false);
    assert_eq!(checked.deployment.unwrap().plans[0].hash, hash);
    assert!(checked.versions.iter().all(|version| version.text.is_none()), "stored as it stands");
}

#[test]
fn what_people_write_is_carried_by_no_journey() {
    says("  - wait: 1d\nsnippets: x\n", &[], &["t.yaml J0202 8:1 `snippets` is no word of a journey"]);
}
