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
    assert_eq!(sources.len(), 8);
    let checked = check(&sources, None, false);
    let told = said(&checked);
    // An order names no cart: the one warning that the page itself speaks of.
    assert!(told.len() == 1 && told[0].starts_with("J0903"), "{told:#?}");
    assert_eq!(checked.deployment.unwrap().plans.len(), 4);
}
