//! The walls: which crate may use which, of ours and of others'.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Each crate, in the order of the table: what of ours it may use. Arrows only point up.
const ARROWS: [(&str, &[&str]); 11] = [
    ("domain", &[]),
    ("journey", &["domain"]),
    ("learn", &["domain"]),
    ("render", &["domain"]),
    ("channels", &["domain"]),
    ("store", &["domain"]),
    ("delivery", &["channels"]),
    ("engine", &["domain", "journey", "learn", "render", "channels", "store", "delivery"]),
    ("sim", &["domain", "journey", "learn", "render", "engine"]),
    ("api", &["domain", "journey", "channels", "render", "learn", "store", "sim"]),
    (
        "cli",
        &["domain", "journey", "learn", "render", "channels", "store", "delivery", "engine", "sim", "api"],
    ),
];

/// What may wait for something, ask the time or roll dice: never in a crate that is pure.
const IMPURE: [&str; 16] = [
    "async-std",
    "axum",
    "fastrand",
    "futures",
    "getrandom",
    "hyper",
    "hyper-util",
    "lettre",
    "mio",
    "rand",
    "reqwest",
    "rustix",
    "smol",
    "sqlx",
    "tokio",
    "tower",
];
const PURE: [&str; 6] = ["domain", "journey", "learn", "render", "channels", "sim"];

/// Others' crates that stand in one room only.
const ONLY_IN: [(&str, &[&str]); 7] = [
    // Pools and connections are handed about; statements are not: see `sql_lives_in_store`.
    ("sqlx", &["store", "engine", "api", "cli"]),
    ("axum", &["api"]),
    // The peer that `bench send` is measured against.
    ("lettre", &["cli"]),
    ("reqwest", &["delivery"]),
    ("clap", &["cli"]),
    ("anyhow", &["cli"]),
    ("serde-saphyr", &["journey", "channels", "cli"]),
];

fn metadata() -> Metadata {
    MetadataCommand::new().no_deps().exec().expect("cargo metadata")
}

/// Folder name -> dependencies that are not for tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let members = metadata.workspace_packages();
    members
        .iter()
        .filter_map(|package| {
            let folder = package.name.strip_prefix("journeyman-")?.to_owned();
            let normal = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
            Some((folder, normal.map(|dependency| dependency.name.clone()).collect()))
        })
        .collect()
}

#[test]
fn arrows_point_up_the_table() {
    let dependencies = dependencies();
    for (nth, (folder, may)) in ARROWS.iter().enumerate() {
        let above: Vec<&str> = ARROWS[..nth].iter().map(|(name, _)| *name).collect();
        assert!(may.iter().all(|name| above.contains(name)), "{folder}: the table itself points down");
        let used = dependencies.get(*folder).unwrap_or_else(|| panic!("no crate {folder}"));
        for ours in used.iter().filter_map(|name| name.strip_prefix("journeyman-")) {
            assert!(may.contains(&ours), "{folder} uses {ours}, which its place in the table does not allow");
        }
    }
    let known: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let there: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    let rooms: BTreeSet<&str> = there.difference(&known).copied().collect();
    assert_eq!(rooms, BTreeSet::from(["examples", "tests"]), "a crate that is not in the table");
}

#[test]
fn others_crates_stay_in_their_rooms() {
    let dependencies = dependencies();
    for folder in PURE {
        for name in &dependencies[folder] {
            assert!(!IMPURE.contains(&name.as_str()), "{folder} is pure and uses {name}");
        }
    }
    for (name, rooms) in ONLY_IN {
        for (folder, used) in dependencies.iter().filter(|(folder, _)| *folder != "tests") {
            assert!(!used.contains(name) || rooms.contains(&folder.as_str()), "{folder} uses {name}");
        }
    }
}

/// Every Rust file of a crate, path and text.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let root = metadata().workspace_root;
    let mut found = Vec::new();
    walk(&root.as_std_path().join("crates").join(folder).join("src"), &mut found);
    found
}

#[test]
fn sql_lives_in_store() {
    for (folder, _) in ARROWS.iter().filter(|(folder, _)| *folder != "store") {
        for (path, text) in sources(folder) {
            // A private server's own housekeeping, and the bench's bare client, are not the product's statements.
            if path.contains("/cli/src/postgres/") || path.contains("/cli/src/bench/") {
                continue;
            }
            assert!(
                !text.contains("sqlx::query") && !text.contains("raw_sql"),
                "{path} has a statement of its own"
            );
        }
    }
    for (path, text) in sources("store") {
        let literal = ["query(\"", "query_as(\"", "query_scalar(\""].iter().any(|call| text.contains(call));
        assert!(!literal, "{path}: statements stand in queries/");
    }
}

#[test]
fn every_crate_says_what_it_is_for() {
    let root = metadata().workspace_root;
    for (folder, _) in ARROWS {
        let readme = root.as_std_path().join("crates").join(folder).join("README.md");
        let text = std::fs::read_to_string(&readme).unwrap_or_default();
        assert!(text.contains("Invariants") && text.len() > 300, "{} says too little", readme.display());
        let lib = sources(folder).into_iter().find(|(path, _)| path.ends_with("/src/lib.rs")).unwrap().1;
        assert!(
            lib.starts_with("#![doc = include_str!(\"../README.md\")]"),
            "{folder}: the README is the rustdoc"
        );
    }
}

#[test]
fn files_stay_small() {
    for (folder, _) in ARROWS {
        for (path, text) in sources(folder) {
            assert!(text.lines().count() <= 600, "{path} wants to be two rooms");
        }
    }
}
