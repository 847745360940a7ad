use super::*;

const HEAD: &str = "journey: t\nkind: transactional\nenter:\n  on: Begin\n  again: always\n";

/// One door: steps as they were written, and as they stand after all that can be put right was.
#[track_caller]
fn check(written: &str, right: &str) {
    let mut source = Source { path: "journeys/t.yaml".to_owned(), text: format!("{HEAD}{written}") };
    for _ in 0..5 {
        let sources = [source.clone()];
        let found = crate::check(&sources, None, false).diagnostics;
        source.text = edited(&source, &edits(&sources, &found));
    }
    assert_eq!(source.text, format!("{HEAD}{right}"));
}

#[test]
fn what_can_be_put_right_is() {
    for (written, right) in [
        ("steps:\n  - exit: !x\n", "steps:\n  - exit: not x\n"),
        (
            "steps:\n  - wait: 1d\n    if: !in_segment('staff') && has(profile.x)   # why\n",
            "steps:\n  - wait: 1d\n    if: not in_segment('staff') and has(profile.x)   # why\n",
        ),
        (
            "steps:\n  - wait: 1d\n    if: 'DE' in profile.countries\n",
            "steps:\n  - wait: 1d\n    if: \"'DE' in profile.countries\"\n",
        ),
        (
            "steps:\n  - wait: 1d\n    note: Don't miss: 20% off # ask Ada\n",
            "steps:\n  - wait: 1d\n    note: \"Don't miss: 20% off\" # ask Ada\n",
        ),
        (
            "steps:\n  - wait: 1d\n    note: say \"hi\": it's us\n",
            "steps:\n  - wait: 1d\n    note: 'say \"hi\": it''s us'\n",
        ),
        (
            "steps:\n  - wait: 1d\n    note: {{first_name}}, hi\n",
            "steps:\n  - wait: 1d\n    note: \"{{first_name}}, hi\"\n",
        ),
        (
            "steps:\n  - wait: 1d\n    note: %x\n  - send: a\n    chanel: inbox\n    in_holdout: Yes\n",
            "steps:\n  - wait: 1d\n    note: \"%x\"\n  - send: a\n    channel: inbox\n    in_holdout: yes\n",
        ),
    ] {
        check(written, right);
    }
}

#[test]
fn what_may_be_meant_otherwise_stays() {
    for written in [
        "steps:\n  - wait: 1d\n    if: !profile.x == 3\n",
        "steps:\n  - wait: 1d\n    note: a: b\n      and more\n",
        "steps:\n  - wiat_untl: 09:00\n",
        "steps:\n  - wait: soon\n",
    ] {
        check(written, written);
    }
}
