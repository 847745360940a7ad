//! What earlier releases stored has to run for ever: people may be inside it for years.
//!
//! `stored/RELEASE/*.json` are the sources of a deployment as that release put them into Postgres; they are never changed. A new release
//! adds its own: `JOURNEYMAN_KEEP_STORED=0.2.0 cargo test -p journeyman-tests --test language stored`.

use std::path::{Path, PathBuf};

use journeyman_domain::plan::{PlanHash, Status};
use journeyman_engine::deploy;
use journeyman_engine::machine::StoredSource;
use journeyman_journey::Source;
use serde_json::{Value, json};

use crate::shipped::files;

/// Of the kinds of stored sources, journeys.
const JOURNEY: i16 = 1;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("language/stored")
}

/// The sources of the shop that is shipped, and of the cookbook, by the path in their folders.
fn shops() -> [(&'static str, Vec<Source>); 2] {
    const BOOK: &str = "examples/cookbook";
    let book = files(&[BOOK]).into_iter().filter_map(|source| {
        let path = source.path.strip_prefix(BOOK)?.trim_start_matches('/').to_owned();
        Some(Source { path, ..source })
    });
    [("shop", files(&["journeyman.yaml", "journeys", "templates"])), ("cookbook", book.collect())]
}

fn written(stored: &StoredSource) -> Value {
    let StoredSource { hash, kind, name, path, text, .. } = stored;
    json!({ "hash": hash.to_string(), "kind": kind, "name": name, "path": path, "text": text })
}

fn read(value: &Value) -> StoredSource {
    let text = |key: &str| value[key].as_str().unwrap().to_owned();
    StoredSource {
        hash: PlanHash(u128::from_str_radix(&text("hash"), 16).unwrap()),
        kind: value["kind"].as_i64().unwrap() as i16,
        name: text("name"),
        path: text("path"),
        text: text("text"),
        pinned: false,
    }
}

/// Writes what this release stores, where somebody asks for it.
fn keep() {
    let Ok(release) = std::env::var("JOURNEYMAN_KEEP_STORED") else { return };
    let folder = folder().join(release);
    std::fs::create_dir_all(&folder).unwrap();
    for (name, sources) in shops() {
        let stored = deploy::sources(&deploy::check(&sources, false), &sources);
        let lines: Vec<String> = stored.iter().map(|stored| written(stored).to_string()).collect();
        let path = folder.join(format!("{name}.json"));
        assert!(!path.exists(), "{} is never changed", path.display());
        std::fs::write(path, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
    }
}

#[test]
fn what_earlier_releases_stored_runs_for_ever() {
    keep();
    let mut seen = 0;
    for release in std::fs::read_dir(folder()).unwrap() {
        for file in std::fs::read_dir(release.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let stored: Vec<StoredSource> =
                serde_json::from_str::<Vec<Value>>(&text).unwrap().iter().map(read).collect();
            runs(&path, &stored);
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen}");
}

/// It is live as it was, has the versions that rows name, goes on where its journeys are gone, and its own tests pass.
#[track_caller]
fn runs(path: &Path, stored: &[StoredSource]) {
    let of = path.display();
    let live = deploy::compile(1, stored).unwrap_or_else(|error| panic!("{of}: {error}"));
    let journeys: Vec<&StoredSource> = stored.iter().filter(|stored| stored.kind == JOURNEY).collect();
    assert_eq!(live.plans.len(), journeys.len(), "{of}");
    for stored in &journeys {
        let plan = live.plans.iter().find(|plan| plan.name.as_ref() == stored.name).unwrap();
        assert_eq!(plan.hash, stored.hash, "{of}: {} has another version", stored.name);
    }
    let gone: Vec<StoredSource> = stored
        .iter()
        .map(|stored| StoredSource { pinned: stored.kind == JOURNEY, ..stored.clone() })
        .collect();
    let pinned = deploy::compile(2, &gone).unwrap_or_else(|error| panic!("{of}: {error}"));
    assert_eq!((pinned.plans.len(), pinned.pinned.len()), (0, journeys.len()), "{of}");

    let wordings = deploy::wordings(stored).unwrap_or_else(|error| panic!("{of}: {error}"));
    let sources: Vec<Source> =
        stored.iter().map(|stored| Source { path: stored.path.clone(), text: stored.text.clone() }).collect();
    let tests = deploy::check(&sources, false).tests;
    assert!(tests.len() >= live.plans.iter().filter(|plan| plan.status == Status::Live).count(), "{of}");
    for test in &tests {
        let ran = journeyman_sim::testing::run(&live, wordings.templates.as_deref(), test);
        assert!(ran.faults.is_empty(), "{of}: {}: {}: {:#?}", test.journey, test.name, ran.faults);
    }
}
