//! Whatever is written, nothing panics, and places stand in the file.

use std::sync::Arc;

use journeyman_domain::plan::{Channel, Step};
use journeyman_domain::template::{Field, Place, Signature, Variable};
use proptest::prelude::*;

use super::door::{of, with_steps};
use crate::{Checked, Source, Templates, check, pinned};

fn sound(path: &str, text: &str) -> Checked {
    let checked = of(path, text);
    for said in &checked.diagnostics {
        assert!(!said.message.is_empty() && !said.help.is_empty(), "{said:?}");
        if said.file == path {
            assert!(said.span.start <= said.span.end && said.span.end <= text.len(), "{said:?}");
            assert!(
                text.is_char_boundary(said.span.start) && text.is_char_boundary(said.span.end),
                "{said:?}"
            );
            assert!(said.span.line >= 1 && said.span.column >= 1);
        }
    }
    let errors = checked.diagnostics.iter().any(|said| said.severity == crate::Severity::Error);
    assert_eq!(errors, checked.deployment.is_none());
    checked
}

const JOURNEYS: [&str; 4] = [
    include_str!("journeys/cart-abandonment.yaml"),
    include_str!("journeys/review-request.yaml"),
    include_str!("journeys/payment-failed.yaml"),
    include_str!("journeys/win-back.yaml"),
];
/// The shop around the journeys, as the language shows it.
const SHOP: &str = "\
locales: [en, de]
senders:
  shop:
    from: hello@mail.shop.example
    name: { en: The Shop, de: Der Laden }
    reply_to: care@shop.example
    stream: marketing
    rate: 600 per 1m
links:
  domain: https://go.shop.example
  utm: { source: journeyman, medium: \"{{channel}}\", content: \"{{step}}-{{variant}}\" }
topics:
  offers: { name: { en: Offers, de: Angebote }, consent: opt_in }
";
const PIECES: [&str; 32] = [
    " ", "\n", "  ", "- ", ": ", "{", "}", "[", "]", "'", "\"", "!", "&", "*", "%", "#", "\t", "|", ">",
    "---", "if: ", "then:", "else:", "ä", "\u{feff}", "steps:", "= ", "\\", ",", "?", "<<: ", "\r\n",
];
const WORDS: [&str; 34] = [
    "and",
    "or",
    "not",
    "in",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "==",
    "!=",
    "<",
    "+",
    "-",
    "*",
    "/",
    "'a'",
    "3",
    "20 EUR",
    "10%",
    "30d",
    "profile.x",
    "cart.items",
    "any",
    "where",
    "first",
    "count",
    "has",
    "now",
    "entry.revenue",
    "true",
    "a.clicked",
    "'",
];

fn arcs(path: &[String]) -> Arc<[Arc<str>]> {
    path.iter().map(|name| name.as_str().into()).collect()
}

/// A path of whatever a template may speak of.
fn path() -> impl Strategy<Value = Vec<String>> {
    let name = prop_oneof![
        Just("cart"),
        Just("items"),
        Just("entry"),
        Just("products"),
        Just("picks"),
        Just("first"),
        Just("name"),
        Just("price"),
        Just("profile"),
        Just("now"),
        Just("a"),
        Just("sent"),
        Just("turn"),
        Just("run"),
        Just("event"),
        Just(""),
        Just("ä b"),
    ];
    proptest::collection::vec(name.prop_map(str::to_owned), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in ".{0,400}", path in 0usize..4) {
        let path = ["journeys/t.yaml", "journeys/segments/t.yaml", "journeyman.yaml", "tracking.yaml"][path];
        sound(path, &text);
    }

    #[test]
    fn any_yaml(pieces in proptest::collection::vec(0usize..PIECES.len(), 0..80)) {
        let text: String = pieces.into_iter().map(|nth| PIECES[nth]).collect();
        sound("journeys/t.yaml", &text);
    }

    #[test]
    fn broken_journeys(nth in 0usize..4, cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..40, 0usize..PIECES.len()), 1..6)) {
        let mut text: Vec<char> = JOURNEYS[nth].chars().collect();
        for (at, length, piece) in cuts {
            let at = at.index(text.len() + 1);
            let end = (at + length).min(text.len());
            text.splice(at..end, PIECES[piece].chars());
        }
        let text: String = text.into_iter().collect();
        sound("journeys/t.yaml", &text);
        let _ = pinned(&Source { path: "journeys/t.yaml".to_owned(), text }, &[], None);
    }

    #[test]
    fn broken_shops(cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0usize..20, 0usize..PIECES.len()), 1..5)) {
        let mut text: Vec<char> = SHOP.chars().collect();
        for (at, length, piece) in cuts {
            let at = at.index(text.len() + 1);
            let end = (at + length).min(text.len());
            text.splice(at..end, PIECES[piece].chars());
        }
        sound("journeyman.yaml", &text.into_iter().collect::<String>());
    }

    #[test]
    fn any_template(
        variables in proptest::collection::vec((path(), any::<bool>(), proptest::collection::vec(path(), 0..3), 0usize..60, 0usize..60), 0..8),
    ) {
        let file = Source { path: "templates/a/email.hbs".to_owned(), text: "ä{{x}}\n{{#each cart.items}}ö{{name}}{{/each}}".to_owned() };
        let variable = |(path, list, fields, start, length): (Vec<String>, bool, Vec<Vec<String>>, usize, usize)| Variable {
            path: arcs(&path),
            list,
            fields: fields.iter().map(|path| Field { path: arcs(path), required: false }).collect(),
            required: true,
            place: Place { file: file.path.as_str().into(), start, end: start + length },
        };
        let variables = variables.into_iter().map(variable).collect();
        let signature = Signature { name: "a".into(), channels: vec![Channel::Email], sender: None, variants: Vec::new(), variables };
        let text = with_steps("  - send: a\n    channel: email\n    with:\n      picks: = entry.products\n");
        let sources = super::door::around("journeys/t.yaml", &text);
        let (signatures, files) = ([signature], [file]);
        let templates = Templates { signatures: &signatures, files: &files };
        let checked = check(&sources, Some(templates), false);
        for said in &checked.diagnostics {
            prop_assert!(files[0].text.get(said.span.start..said.span.end).is_some(), "{said:?}");
        }
        let filled = pinned(&sources[0], &sources[1..], Some(&signatures)).unwrap();
        prop_assert_eq!(checked.deployment.is_some(), filled.nodes.iter().all(|node| match &node.step {
            Step::Send(send) => send.filled.iter().all(|filled| filled.value.is_some() || filled.path.is_empty()),
            _ => true,
        }));
    }

    #[test]
    fn any_expression(words in proptest::collection::vec(0usize..WORDS.len(), 0..30)) {
        let words: Vec<&str> = words.into_iter().map(|nth| WORDS[nth]).collect();
        let text = with_steps(&format!("  - send: a\n    channel: email\n    if: \"{}\"\n", words.join(" ")));
        sound("journeys/t.yaml", &text);
    }
}
