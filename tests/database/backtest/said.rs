//! What a backtest says beside its counts: a line for everything, what was no event, what can't be done.

use std::io::Write as _;

use serde_json::json;

use super::{WELCOME, backtest, line, offline, people, welcome};
use crate::harness::Folder;

#[tokio::test]
async fn everything_that_happens_is_a_line() {
    let folder = Folder::new();
    welcome(&folder);
    folder.write("events.ndjson", people().join("\n"));
    let arguments = ["--events", "events.ndjson", "--csv", "people.csv"];
    backtest(&folder, None, &arguments).await;
    let csv = std::fs::read_to_string(folder.path().join("people.csv")).unwrap();
    let expected = "person,at,what,journey,run,step,channel,template,key,reason,value
ada,2026-03-01T10:00:00Z,entered,welcome,1,,,,,,
ada,2026-03-01T10:00:00Z,sent,welcome,1,hello,inbox,hello,,,
ada,2026-03-02T09:00:00Z,ended,welcome,1,,,,,exit_step: bought,
bob,2026-03-03T10:00:00Z,entered,welcome,1,,,,,,
bob,2026-03-03T10:00:00Z,sent,welcome,1,hello,email,hello,,,
bob,2026-03-03T12:00:00Z,refused,welcome,,,,,,again,
bob,2026-03-05T10:00:00Z,not_sent,welcome,,hello_again,,,,guard,
bob,2026-03-05T10:00:00Z,ended,welcome,1,,,,,completed,
cem,2026-03-04T10:00:00Z,entered,welcome,1,,,,,,
cem,2026-03-04T10:00:00Z,sent,welcome,1,hello,inbox,hello,,,
cem,2026-03-06T10:00:00Z,sent,welcome,1,hello_again,inbox,hello-again,,,
cem,2026-03-06T10:00:00Z,ended,welcome,1,,,,,completed,
eve,2026-03-20T10:00:00Z,entered,welcome,1,,,,,,
eve,2026-03-20T10:00:00Z,sent,welcome,1,hello,inbox,hello,,,
eve,2026-03-20T10:00:00Z,under_way,welcome,1,wait_for_1,,,,,
";
    assert_eq!(csv, expected);
    // For people: 100 columns at most, whatever the data.
    let ended = offline(&folder, &["--events", "events.ndjson"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let wide: Vec<&str> = ended.out.lines().filter(|line| line.chars().count() > 100).collect();
    assert_eq!(wide, Vec::<&str>::new());
    assert!(
        ended.out.starts_with("10 events of 5 people, 2026-03-01 10:00Z to 2026-03-20 10:00Z\n"),
        "{}",
        ended.out
    );
}

#[tokio::test]
async fn lines_that_are_no_events_are_told_and_kept() {
    let folder = Folder::new();
    welcome(&folder);
    let mut lines = people();
    lines.insert(2, "no json".to_owned());
    lines.push(r#"{"type":"track","event":"Signed Up","userId":"fay"}"#.to_owned());
    // Packed: told by its first bytes.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(lines.join("\n").as_bytes()).unwrap();
    folder.write("events.ndjson.gz", packed.finish().unwrap());
    let arguments = ["--events", "events.ndjson.gz", "--rejects", "rejects.csv"];
    let answer = backtest(&folder, None, &arguments).await;
    assert_eq!(answer["lines_rejected"], json!({ "malformed": 1, "missing": 1 }));
    assert_eq!(answer["events"], 10);
    let rejects = std::fs::read_to_string(folder.path().join("rejects.csv")).unwrap();
    let begins: Vec<&str> = rejects.lines().map(|line| line.get(..12).unwrap()).collect();
    assert_eq!(begins, ["line,field,r", "3,,malformed", "12,timestamp"]);
    let ended = offline(&folder, &["--events", "events.ndjson.gz"]).await;
    assert!(
        ended.out.contains("lines that are no events: malformed 1, missing 1\n  line 3: malformed"),
        "{}",
        ended.out
    );
}

#[tokio::test]
async fn a_file_without_any_event_says_why() {
    let folder = Folder::new();
    welcome(&folder);
    folder.write("events.ndjson", "no json\n");
    let ended = offline(&folder, &["--events", "events.ndjson"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.starts_with("no event is recorded there"), "{}", ended.out);
    assert!(ended.out.contains("  line 1: malformed"), "{}", ended.out);
}

#[tokio::test]
async fn what_cant_be_done_is_said() {
    let folder = Folder::new();
    welcome(&folder);
    folder.write("events.ndjson", people().join("\n"));
    let events = ["--events", "events.ndjson"];
    for (arguments, words) in [
        (&["--events", "nothing.ndjson"][..], "nothing.ndjson"),
        (&["--events", "events.parquet"], "name it .ndjson"),
        (&[&events[..], &["--from", "yesterday"]].concat(), "--from yesterday: write a date such as"),
        (
            &[&events[..], &["--from", "2026-03-02", "--to", "2026-03-02"]].concat(),
            "--from is not before --to",
        ),
        (&[&events[..], &["--set", "event=X"]].concat(), "are for CSV"),
        (&[&events[..], &["--csv", "no/folder.csv"]].concat(), "can't write no/folder.csv"),
        (&["--events", "database", "--map", "userId=x"], "are for files"),
        (&["--events", "postgres://nobody@127.0.0.1:1/nothing"], "--events: can't connect to that database"),
        (&["empty", "--events", "events.ndjson"], "empty is no folder"),
    ] {
        let ended = offline(&folder, arguments).await;
        assert_eq!(ended.code, Some(1), "{arguments:?} {}", ended.out);
        assert!(ended.err.contains(words), "{arguments:?} {}", ended.err);
        assert!(!ended.err.contains("nobody"), "{arguments:?} tells the URL: {}", ended.err);
    }
    folder.write("journeys/welcome.yaml", WELCOME.replace("again: never", "agein: never"));
    let ended = offline(&folder, &events).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("nothing was run"), "{}", ended.err);
    // A draft starts nothing, as in the daemon, and it is said.
    folder.write("journeys/welcome.yaml", WELCOME.replace("topic: news", "topic: news\nstatus: draft"));
    let ended = offline(&folder, &events).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.contains("welcome is not live"), "{}", ended.out);
}

#[tokio::test]
async fn what_fits_no_memory_is_refused_with_a_way_out() {
    let folder = Folder::new();
    welcome(&folder);
    let filler = "x".repeat(20_000);
    let rest = format!(r#","event":"Seen","properties":{{"filler":"{filler}"}}"#);
    let lines: Vec<String> = (0..1_000)
        .map(|nth| line("track", &format!(r#""userId":"u{nth}""#), "2026-03-01T10:00:00Z", &rest))
        .collect();
    folder.write("events.ndjson", lines.join("\n"));
    let ended = offline(&folder, &["--events", "events.ndjson", "--memory", "16"]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    assert!(ended.err.contains("16 MiB are in use: give --memory more"), "{}", ended.err);
    let ended = offline(&folder, &["--events", "events.ndjson", "--memory", "64"]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.err);
}
