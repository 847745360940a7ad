use super::*;
use crate::import::lines::Source;

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn mapping(map: &[&str], set: &[&str], values: &[&str], time: &str, zone: &str) -> anyhow::Result<Mapping> {
    Mapping::read(&strings(map), &strings(set), &strings(values), time, zone)
}

/// One door for records: columns and a record through a mapping to a message or a refusal.
fn check(mapping: &Mapping, columns: &[&str], record: &[&str], expected: &str) {
    let columns = csv::StringRecord::from(columns.to_vec());
    mapping.fit(&columns).unwrap();
    let got = match mapping.bind(&columns).message(&csv::StringRecord::from(record.to_vec())) {
        Ok(json) => json,
        Err(reject) => format!("{} {}", reject.field, reject.reason.code()),
    };
    assert_eq!(got, expected, "{record:?}");
}

#[test]
fn a_record_becomes_a_message() {
    let columns = ["t", "who", "what", "price", "gift"];
    let map = [
        "timestamp=t",
        "userId=who",
        "event=what",
        "properties.products.0.price:number=price",
        "properties.gift:bool=gift",
    ];
    let set = ["properties.currency=GBP"];
    let values = ["what:buy=Order Completed,what:view=Product Viewed"];
    let m = mapping(&map, &set, &values, "%Y-%m-%d %H:%M", "Europe/London").unwrap();
    // British summer time, and the hour that autumn has twice: the first of the two.
    check(
        &m,
        &columns,
        &["2011-07-01 09:00", " 17 ", "buy", "2.10", "yes"],
        r#"{"type":"track","properties":{"currency":"GBP","products":[{"price":2.10}],"gift":true},"timestamp":"2011-07-01T08:00:00Z","userId":"17","event":"Order Completed"}"#,
    );
    check(
        &m,
        &columns,
        &["2011-10-30 01:30", "17", "view", "", ""],
        r#"{"type":"track","properties":{"currency":"GBP"},"timestamp":"2011-10-30T00:30:00Z","userId":"17","event":"Product Viewed"}"#,
    );
    check(&m, &columns, &["2011-07-01", "17", "buy", "1", ""], "timestamp bad_timestamp");
    check(&m, &columns, &["2011-07-01 09:00", "17", "sell", "1", ""], "event unknown_value");
    check(
        &m,
        &columns,
        &["2011-07-01 09:00", "17", "buy", "1,5", ""],
        "properties.products.0.price wrong_type",
    );
    check(&m, &columns, &["2011-07-01 09:00", "17", "buy", "1", "maybe"], "properties.gift wrong_type");
}

#[test]
fn times_in_every_form() {
    let time = |format: &str, zone: &str, text: &str, expected: &str| {
        let m = mapping(&["timestamp=t"], &["event=X", "userId=u"], &[], format, zone).unwrap();
        let json = format!(r#"{{"type":"track","event":"X","userId":"u","timestamp":"{expected}"}}"#);
        check(&m, &["t"], &[text], &json);
    };
    time("epoch-ms", "UTC", "1430636062541", "2015-05-03T06:54:22.541Z");
    time("epoch-s", "UTC", "1430636062", "2015-05-03T06:54:22Z");
    time("iso", "Europe/Berlin", "2026-01-01T12:00:00", "2026-01-01T11:00:00Z");
    time("iso", "Europe/Berlin", "2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z");
    time("iso", "Europe/Berlin", "2026-01-01 12:00:00+05:00", "2026-01-01T07:00:00Z");
    time("%Y%m%d", "America/New_York", "19970101", "1997-01-01T05:00:00Z");
    time("%Y-%m-%dT%H:%M:%S%z", "UTC", "2026-01-01T12:00:00+0200", "2026-01-01T10:00:00Z");
}

#[test]
fn a_mapping_that_can_not_work_is_refused_at_once() {
    let refused = |got: anyhow::Result<()>, expected: &str| {
        let error = format!("{:#}", got.unwrap_err());
        assert!(error.starts_with(expected), "got {error}\nwanted {expected}");
    };
    let read = |map: &[&str], set: &[&str], values: &[&str], time: &str, zone: &str| {
        mapping(map, set, values, time, zone).map(|_| ())
    };
    refused(read(&["userId"], &[], &[], "iso", "UTC"), "--map userId: write FIELD=COLUMN");
    refused(read(&["user=x"], &[], &[], "iso", "UTC"), "--map user: there is no such field");
    refused(read(&["properties=x"], &[], &[], "iso", "UTC"), "--map properties: there is no such field");
    refused(read(&["properties.a:money=x"], &[], &[], "iso", "UTC"), "--map properties.a:money=x: `money`");
    refused(read(&["properties.a.100=x"], &[], &[], "iso", "UTC"), "--map properties.a.100: a list");
    refused(read(&[], &["event"], &[], "iso", "UTC"), "--set event: write FIELD=TEXT");
    refused(read(&[], &[], &["a=b"], "iso", "UTC"), "--values a=b: write");
    refused(read(&[], &[], &[], "rfc", "UTC"), "--time-format rfc: write");
    refused(read(&[], &[], &[], "iso", "Nowhere"), "--zone Nowhere: write");
    let fit = |map: &[&str], set: &[&str]| {
        mapping(map, set, &[], "iso", "UTC").unwrap().fit(&csv::StringRecord::from(vec!["t", "who"]))
    };
    refused(fit(&["timestamp=time"], &[]), "--map names column `time`; the file has t, who");
    refused(fit(&["userId=who"], &["event=X"]), "nothing is mapped to timestamp");
    refused(fit(&["timestamp=t"], &["event=X"]), "nothing says whose");
    refused(fit(&["timestamp=t", "userId=who"], &[]), "nothing says what happened");
}

/// Files as bytes, read to `number: text` lines.
fn lines(name: &str, bytes: &[u8]) -> Vec<String> {
    let dir = std::env::temp_dir().join(format!("journeyman-lines-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&dir).unwrap();
    let path = dir.join(name);
    std::fs::write(&path, bytes).unwrap();
    let source = Source::new(path, None).unwrap();
    let mut lines = source.lines().unwrap();
    let mut read = Vec::new();
    while let Some((number, line)) = lines.next(0).unwrap() {
        let broken = match &line {
            Line::Broken { reject, .. } => format!(" {}", reject.reason.code()),
            _ => String::new(),
        };
        read.push(format!(
            "{number}{broken}: {}",
            String::from_utf8_lossy(&line.text()[..line.text().len().min(20)])
        ));
    }
    std::fs::remove_dir_all(&dir).unwrap();
    read
}

#[test]
fn lines_keep_their_numbers() {
    assert_eq!(lines("a.ndjson", b"{\"a\":1}\n\n  \r\n{\"b\":2}"), ["1: {\"a\":1}", "4: {\"b\":2}"]);
    for ends in ["\n", "\r\n"] {
        let csv = "x,y\n1,2\n\n\"3\n3\",4\n5\" pipe,6\n".replace('\n', ends);
        let second = format!("4: 3{ends}3,4");
        assert_eq!(lines("a.csv", csv.as_bytes()), ["2: 1,2", &second, "6: 5\" pipe,6"]);
        assert_eq!(lines("a.csv", csv.trim_end().as_bytes()), ["2: 1,2", &second, "6: 5\" pipe,6"]);
    }
    assert_eq!(
        lines("a.csv", b"x,y\n1\n2,\xff\n3,4\n"),
        ["2 malformed: 1", "3 malformed: 2,\u{fffd}", "4: 3,4"]
    );
    // A quote that is never closed takes at most a message's length with it.
    let open = [b"x,y\n\"1,2\n".as_slice(), &b"3,4\n".repeat(10_000)].concat();
    let read = lines("a.csv", &open);
    assert_eq!(read[0], "2 too_large: \"1,2\n3,4\n3,4\n3,4\n3,4");
    assert_eq!(read.last().unwrap(), "10002: 3,4");
    assert_eq!(lines("a.csv", b"\xef\xbb\xbfx,y\n\"a\n\nb\",1\n"), ["2: a\n\nb,1"]);
    assert_eq!(lines("a.csv", b"x,y\n1,2\r3,4\n5,6\n"), ["2 malformed: 1,2\r3,4", "3: 5,6"]);
    assert_eq!(lines("a.ndjson", b"\xef\xbb\xbf{}\n"), ["1: {}"]);
    assert_eq!(lines("a.csv", b"x,y\n1,\"2\n3"), ["2: 1,2\n3"]);
    assert_eq!(lines("a.tsv", b"x\ty\n1\t2\n"), ["2: 1,2"]);
    let long = [b"\"".as_slice(), &[b'x'; 40_000], b"\"\n{}\n"].concat();
    assert_eq!(lines("a.jsonl", &long), ["1 too_large: \"xxxxxxxxxxxxxxxxxxx", "2: {}"]);
    assert_eq!(lines("a.ndjson", b"\xff\n{}\n"), ["1 malformed: \u{fffd}", "2: {}"]);
}

#[test]
fn a_packed_file_is_the_same_file() {
    use std::io::Write as _;
    let dir = std::env::temp_dir().join(format!("journeyman-packed-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&dir).unwrap();
    let text = b"{\"a\":1}\n{\"b\":2}\n";
    std::fs::write(dir.join("a.ndjson"), text).unwrap();
    // Two members, as `cat a.gz b.gz` makes them.
    let mut packed = Vec::new();
    for part in text.chunks(8) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(part).unwrap();
        packed.extend(encoder.finish().unwrap());
    }
    std::fs::write(dir.join("a.ndjson.gz"), packed).unwrap();
    let digest =
        |name: &str| Source::new(dir.join(name), None).unwrap().digest(&ProgressBar::hidden()).unwrap();
    assert_eq!(digest("a.ndjson"), digest("a.ndjson.gz"));
    std::fs::remove_dir_all(&dir).unwrap();
}
