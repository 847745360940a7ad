//! The codes themselves.

use std::collections::BTreeSet;

use super::door::{Case, of};
use super::{expressions, limits, rules, surroundings, values, words, yaml};
use crate::CODES;

#[test]
fn codes_are_unique_and_well_formed() {
    let ids: BTreeSet<&str> = CODES.iter().map(|code| code.id).collect();
    assert_eq!(ids.len(), CODES.len());
    for code in CODES {
        assert!(
            code.id.len() == 5
                && code.id.starts_with('J')
                && code.id[1..].bytes().all(|b| b.is_ascii_digit()),
            "{code:?}"
        );
        let warning = code.id.starts_with("J09");
        assert_eq!(warning, code.severity == crate::Severity::Warning, "{code:?}");
    }
}

#[test]
fn every_code_is_said_by_some_case() {
    let cases = [
        yaml::cases(),
        yaml::layout(),
        words::cases(),
        words::later(),
        values::cases(),
        expressions::writing(),
        expressions::names(),
        expressions::types(),
        rules::cases(),
        rules::warnings(),
        surroundings::cases(),
        limits::cases(),
    ];
    let mut said: BTreeSet<String> = BTreeSet::new();
    for Case { path, text, .. } in cases.into_iter().flatten() {
        said.extend(of(path, &text).diagnostics.iter().map(|said| said.code.to_owned()));
    }
    // Several files, production, templates: tested in `rules`, `limits` and `templates`; tests in journey
    // files in the package `tests`; what is odd about a set in `lint`.
    let elsewhere = [
        "J0606", "J0608", "J0707", "J0801", "J0802", "J0803", "J0905", "J0908", "J0909", "J0910", "J0911",
        "J1001",
    ];
    said.extend(elsewhere.map(str::to_owned));
    let missing: Vec<&str> = CODES.iter().map(|code| code.id).filter(|id| !said.contains(*id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
