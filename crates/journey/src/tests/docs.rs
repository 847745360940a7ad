//! What docs/journeys.md shows is right as it stands.

use super::door::said;
use crate::{Source, check};

#[test]
fn the_files_of_the_docs_make_a_deployment() {
    let docs = include_str!("../../../../docs/journeys.md");
    let sources: Vec<Source> = docs
        .split("```yaml\n")
        .skip(1)
        .filter_map(|block| block.split_once("```"))
        .map(|(text, _)| {
            let path = text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap();
            Source { path: path.to_owned(), text: text.to_owned() }
        })
        .collect();
    assert_eq!(sources.len(), 17);
    let checked = check(&sources, None, false);
    let told = said(&checked);
    // An order names no cart: the one warning that the page itself speaks of.
    assert!(told.len() == 1 && told[0].starts_with("J0903"), "{told:#?}");
    assert_eq!(checked.deployment.unwrap().plans.len(), 11);
}

/// docs/models.md leans on the topics of docs/journeys.md.
#[test]
fn the_journey_of_the_models_is_right() {
    let docs = include_str!("../../../../docs/models.md");
    let journey = docs.split("```yaml\n").find(|block| block.starts_with("# journeys/"));
    let (text, _) = journey.and_then(|block| block.split_once("```")).unwrap();
    let sources = [
        Source { path: "journeys/win-back.yaml".to_owned(), text: text.to_owned() },
        Source {
            path: "journeyman.yaml".to_owned(),
            text: "topics:\n  offers: { consent: opt_in }\n".to_owned(),
        },
    ];
    let checked = check(&sources, None, false);
    assert!(said(&checked).is_empty(), "{:#?}", said(&checked));
}
