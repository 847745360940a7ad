use super::*;
use crate::Templates;

fn source(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

/// One door: steps of a marketing journey in a shop that allows two mails a week, and the lines where it breaks a cap alone.
#[track_caller]
fn breaks(steps: &str, expected: &[usize]) {
    let shop = "caps: { email: 2 per 7d }\ntopics:\n  offers: { consent: opt_out }\n";
    let journey = format!("journey: t\ntopic: offers\nenter:\n  on: X\n  again: always\nsteps:\n{steps}");
    let sources = [source("journeyman.yaml", shop), source("journeys/t.yaml", &journey)];
    let checked = crate::check(&sources, None, false);
    assert!(checked.deployment.is_some(), "{:?}", checked.diagnostics);
    let lines: Vec<usize> = lints(&sources, &checked).iter().map(|said| said.span.line).collect();
    assert_eq!(lines, expected, "{steps}");
}

#[test]
fn one_run_breaks_a_cap_alone() {
    let mail = |name: &str| format!("  - send: {name}\n    channel: email\n");
    let three =
        |wait: &str| format!("{}  - wait: {wait}\n{}  - wait: {wait}\n{}", mail("a"), mail("b"), mail("c"));
    breaks(&three("1d"), &[13]);
    breaks(&three("3d"), &[13]);
    breaks(&three("4d"), &[]);
    // What may go by push too is nobody's who counts mail.
    breaks(&three("1d").replacen("channel: email", "channel: [push, email]", 1), &[]);
    // One of two ways is enough; what ends a wait may come at once.
    let branch = "  - wait_for: Y\n    within: 9d\n    then:\n      - send: d\n        channel: email\n";
    breaks(&format!("{}{}{branch}", mail("a"), mail("b")), &[14]);
    breaks("  - repeat: 3\n    every: 2d\n    then:\n      - send: a\n        channel: email\n", &[10]);
    breaks("  - repeat: 3\n    every: 5d\n    then:\n      - send: a\n        channel: email\n", &[]);
    breaks("  - repeat: 90\n    every: 5d\n    then:\n      - send: a\n        channel: email\n", &[]);
}

#[test]
fn what_breaks_a_cap_in_a_snippet_is_said_where_it_is_used() {
    let mail =
        "  - send: a\n    channel: email\n  - send: b\n    channel: email\n  - send: c\n    channel: email\n";
    let comment = "# Not the line of the journey.\n".repeat(40);
    let sources = [
        source("journeyman.yaml", "caps: { email: 2 per 7d }\ntopics:\n  offers: { consent: opt_out }\n"),
        source(
            "journeys/t.yaml",
            "journey: t\ntopic: offers\nenter:\n  on: X\n  again: always\nsteps:\n  - wait: 1d\n  - use: mails\n  - wait: 1d\n",
        ),
        source("journeys/snippets/mails.yaml", &format!("{comment}snippet: mails\nsteps:\n{mail}")),
    ];
    let checked = crate::check(&sources, None, false);
    let found = lints(&sources, &checked);
    let told: Vec<_> = found.iter().map(|said| (said.file.as_str(), said.span.line)).collect();
    assert_eq!(told, [("journeys/t.yaml", 8)], "{:?}", checked.diagnostics);
}

#[test]
fn the_longest_way_is_walked_without_running_out_of_stack() {
    let steps: String = (0..150).map(|nth| format!("      - id: w{nth}\n        wait: 1d\n")).collect();
    let steps = format!("  - repeat: 90\n    every: 5d\n    then:\n{steps}");
    let walked = std::thread::Builder::new().stack_size(1 << 20).spawn(move || breaks(&steps, &[]));
    walked.unwrap().join().unwrap();
}

#[test]
fn what_nobody_uses() {
    let mut sources = vec![
        source(
            "journeyman.yaml",
            "topics:\n  offers: { consent: opt_out }\nhold_marketing:\n  while: in_segment('held')\n  within: 1d\n",
        ),
        source(
            "journeys/t.yaml",
            "journey: t\ntopic: offers\nenter:\n  on: X\n  again: always\n  to: [vip]\nsteps:\n  - send: hello\n    channel: inbox\n    if: not in_segment('staff')\n",
        ),
        source("templates/hello/template.yaml", "subject: Hello\n"),
        source("templates/bye/template.yaml", "subject: Bye\n"),
        source("templates/layouts/plain.mjml", ""),
    ];
    for (name, condition) in
        [("vip", "in_segment('rich')"), ("rich", "profile.x"), ("staff", "profile.x"), ("held", "profile.x")]
    {
        let text = format!("# A comment.\nsegment: {name}\nif: {condition}\n");
        sources.push(source(&format!("journeys/segments/{name}.yaml"), &text));
    }
    sources.push(source("journeys/segments/alone.yaml", "# Of nobody.\nsegment: alone\nif: profile.x\n"));
    let checked = crate::check(&sources, None::<Templates<'_>>, false);
    let told: Vec<String> = lints(&sources, &checked).iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("journeys/segments/alone.yaml:2:1: warning J0909: nobody asks"), "{told:?}");
    assert!(
        told[1].starts_with("templates/bye/template.yaml:1:1: warning J0910: no journey sends"),
        "{told:?}"
    );
}
