//! YAML before it means anything.

use super::door::{Case, hold};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::condition(
            "!in_segment('staff')",
            &[
                "J0101 9:9 `!in_segment('staff')` is a tag in YAML, which would drop it silently; write `not in_segment('staff')`",
            ],
        ),
        Case::condition(
            "!profile.x && profile.y",
            &["J0101 9:9 `!profile.x` is a tag; write `not profile.x and profile.y`"],
        ),
        Case::condition("!!str x", &["J0101 9:9 `!!str` is a tag; leave it out"]),
        Case::condition("&& y", &["J0102 9:9 `&&` is an anchor; write `and` for `&&`"]),
        Case::condition("&x y", &["J0102 9:9 `&x` is an anchor"]),
        Case::condition("*x", &["J0103 9:9 `*x` is an alias in YAML; write the thing itself"]),
        Case::condition(
            "'DE' in profile.countries",
            &[
                "J0108 9:9 text in quotes, or a list, ends here; put the whole condition in double quotes: `if: \"'DE' in profile.countries\"`",
            ],
        ),
        Case::condition(
            "\"a\" == profile.x",
            &["J0108 9:9 text in quotes, or a list, ends here; put the whole value in single quotes"],
        ),
        Case::condition("a: b", &["J0109 9:9 text with `: ` in it needs quotes; `if: \"a: b\"`"]),
        Case::condition("{{first_name}}", &["J0112 9:9 a value that begins with `{{`; in double quotes"]),
        Case::condition("@x", &["J0115 9:9 a value can't begin with `@`; in quotes"]),
        Case::condition("%x", &["J0115 9:9 a value can't begin with `%`; in quotes"]),
        Case::condition("[a, b", &["J0114 9:9 `[` is opened here and never closed; close it"]),
        Case::condition("'abc", &["J0114 9:9 a quote is opened here and never closed; close it"]),
        Case::header(
            "description: Don't miss: 20% off\n",
            &["J0109 6:14 text with `: `; `description: \"Don't miss: 20% off\"`"],
        ),
        Case::header(
            "description: {{first_name}}, hi\n",
            &["J0112 6:14 a value that begins with `{{`; in double quotes"],
        ),
        Case::header(
            "goal:\n  <<: x\n",
            &["J0104 7:3 merge keys are not part of the language; write out", "J0204 7:3 `goal` needs `on:`"],
        ),
        Case::header(
            "owner: a\nowner: b\n",
            &["J0106 7:1 `owner` stands twice in this block, first in line 6; keep one"],
        ),
        Case::header("owner: a\n---\njourney: u\n", &["J0105 7:1 a second document; one file, one journey"]),
        Case::journey("? [a]\n: b\n", &["J0107 1:4 a key is missing"]),
        Case::journey(
            "journey: t\nenter:\n  every: * 9 * * MON\n",
            &["J0120 3:10 `*` at the beginning; `every: monday 09:00`"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  every: *hour\n  per: x\nsteps:\n  - wait: 1d\n",
            &["J0120 4:10 `*` at the beginning; `every: monday 09:00`", "J0204 5:3 `per` is of an event"],
        ),
        Case::journey("", &["J0119 1:1 there is nothing in this file"]),
        Case::journey("# nothing\n", &["J0119 1:1 there is nothing in this file"]),
        Case::journey("journey: t\u{0}\n", &["J0116 1:11 this is not YAML"]),
        Case::header("owner: \"t\\0\"\n", &["J0116 6:8 this text has a character"]),
    ]
}

/// One space too few, or too many: the blocks the line could have stood in.
pub(super) fn layout() -> Vec<Case> {
    vec![
        Case::steps(
            "  - send: a\n   channel: email\n",
            &[
                "J0110 8:4 this line begins after 3 spaces, where no block does; 4 spaces for the step or entry `send: a` (line 7), 2 spaces for the list of `steps` (line 7)",
            ],
        ),
        Case::steps(
            "  - send: a\n     channel: email\n",
            &["J0110 8:6 this line begins after 5 spaces; 4 spaces for the step or entry `send: a` (line 7)"],
        ),
        Case::steps(
            "  - wait_for: X\n  within: 3d\n",
            &[
                "J0110 8:3 this line stands in the list of `steps` (line 7), where it does not fit; mind the spaces",
            ],
        ),
        Case::steps("  - wait: 3d\n - wait: 2d\n", &["J0110 8:2 this line begins after 1 space"]),
        Case::steps(
            "  - wait: 3d\nwithin: 3d\n",
            &[
                "J0202 8:1 `within` is no word of a journey; it belongs to `goal`, a `send`, a `wait_for`, `hold`: mind the spaces before it",
            ],
        ),
        Case::steps(
            "  - wait: 3d\n\t- wait: 3d\n",
            &["J0113 8:1 a tab stands where only spaces may; put spaces"],
        ),
        Case::steps(
            "  - { if: profile.c in ['DE'], then: [ { exit: x } ] }\n",
            &["J0111 7:5 expressions do not stand inside braces; a line of its own"],
        ),
        Case::steps(
            "  - { if: 'DE' in profile.c, then: [ { exit: x } ] }\n",
            &["J0111 7:5 expressions do not stand inside braces"],
        ),
        Case::steps(
            "  - { if: profile.c, then: [ { exit: x } ] }\n",
            &["J0111 7:11 expressions do not stand inside braces"],
        ),
        Case::steps(
            "  - set: { a: = count('X', 4) }\n",
            &["J0111 7:15 expressions do not stand inside braces"],
        ),
        Case::steps("  - set: { a: = 1, b: 2 }\n", &["J0111 7:15 expressions do not stand inside braces"]),
    ]
}

#[test]
fn what_yaml_can_do_and_we_do_not() {
    hold(cases());
}

#[test]
fn lines_in_the_wrong_block() {
    hold(layout());
}

#[test]
fn what_stands_in_quotes_is_found_in_the_file() {
    hold(vec![
        Case::condition("\"'DE' in profile.c and foo\"", &["J0501 9:32 nothing here is called `foo`"]),
        Case::condition("'''DE'' in profile.c and foo'", &["J0501 9:34 nothing here is called `foo`"]),
        Case::condition("\"'\\u00e4' in profile.c and foo\"", &["J0501 9:9 nothing here is called `foo`"]),
        Case::condition(">-\n      profile.a and\n      foo", &["J0501 11:7 nothing here is called `foo`"]),
        Case::condition("profile.a and\n      foo", &["J0501 10:7 nothing here is called `foo`"]),
        Case::condition("|\n      profile.a and foo\n", &["J0501 10:21 nothing here is called `foo`"]),
        Case::condition("\"profile.ä and foo\"", &["J0402 9:18 `ä` is part of no expression"]),
        Case::condition("\"'ä' in profile.a and foo\"", &["J0501 9:31 nothing here is called `foo`"]),
    ]);
}
