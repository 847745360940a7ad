//! Journeys that begin on a segment, a date or the calendar, in the daemon: who is there already is looked at when such a one
//! goes live, and `journeyman segment` says who is in what.

use std::time::Duration;

use serde_json::Value;

use crate::harness::Folder;
use crate::harness::daemon::{Daemon, Ended, command, run};
use crate::harness::door::batch;
use crate::harness::postgres::Database;
use crate::harness::shop::happens;
use crate::harness::until::until;

const SEGMENTS: [(&str, &str); 3] = [
    ("big", "sum('Order Placed', 'total', 90d) >= 30 and has(profile.first_seen)"),
    ("small", "count('Order Placed') >= 1 and not in_segment('big')"),
    ("late", "last('Order Placed') < now - 2s"),
];

fn journey(name: &str, enter: &str) -> String {
    format!(
        "journey: {name}\nkind: transactional\nenter:\n{enter}  again: always\nsteps:\n  - send: {name}\n    channel: inbox\n"
    )
}

struct Stage {
    database: Database,
    folder: Folder,
}

impl Stage {
    async fn new() -> Self {
        let (database, folder) = (Database::new().await, Folder::new());
        std::fs::create_dir_all(folder.path().join("journeys/segments")).unwrap();
        folder.write("journeyman.yaml", "currency: EUR\n");
        for (name, condition) in SEGMENTS {
            folder.write(
                &format!("journeys/segments/{name}.yaml"),
                format!("segment: {name}\nif: \"{condition}\"\n"),
            );
        }
        folder.write("journeys/hello.yaml", journey("hello", "  on: Signed Up\n"));
        Self { database, folder }
    }

    async fn call(&self, arguments: &[&str]) -> Ended {
        run(command(self.folder.path(), Some(&self.database.url()), arguments)).await
    }

    async fn text(&self, arguments: &[&str]) -> String {
        let ended = self.call(arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.out
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[arguments, &["--json"]].concat()).await).unwrap()
    }

    /// Orders of 10, 20, … one for each person.
    async fn orders(&self, daemon: &Daemon, people: std::ops::RangeInclusive<i32>) {
        let order = |n: i32| {
            let properties = format!(r#""order_id":"o{n}","total":{}"#, n * 10);
            happens("Order Placed", &format!("o{n}"), &format!("u{n}"), &properties)
        };
        let orders: Vec<String> = people.map(order).collect();
        let request = crate::harness::door::client().post(format!("{}/v1/batch", daemon.public));
        let request = request.basic_auth(crate::harness::door::KEY, Some("")).body(batch(&orders));
        assert_eq!(crate::harness::door::answer(request).await.status, 200);
    }

    /// Waits until each of these templates was sent so often, and nothing waits any more.
    async fn sent(&self, expected: &[(&str, i64)]) {
        let done = async || {
            let sent = "SELECT template, count(*) FROM messages WHERE state = 10 GROUP BY 1";
            let sent: Vec<(String, i64)> = sqlx::query_as(sent).fetch_all(&self.database.pool).await.unwrap();
            let of =
                |template: &str| sent.iter().find(|(of, _)| of == template).map_or(0, |(_, times)| *times);
            if expected.iter().any(|(template, times)| of(template) != *times) {
                return None;
            }
            (self.database.count("SELECT count(*) FROM intake").await == 0).then_some(())
        };
        until(&format!("{expected:?} are sent"), Duration::from_secs(60), done).await;
    }

    async fn told(&self) {
        let done = async || {
            let told = "SELECT count(*) FROM announcement WHERE after_person IS NULL AND people > 0";
            let waits = self.database.count("SELECT count(*) FROM intake").await;
            ((self.database.count(told).await, waits) == (1, 0)).then_some(())
        };
        until("everybody was told", Duration::from_secs(60), done).await;
    }
}

#[tokio::test]
async fn who_is_there_already_is_looked_at_when_such_a_journey_goes_live() {
    let stage = Stage::new().await;
    stage.text(&["apply"]).await;
    let daemon = Daemon::start(&stage.database.url()).await;
    stage.orders(&daemon, 1..=5).await;
    stage.sent(&[]).await;

    let new = [
        ("all", "  segment: big\n  existing: include\n"),
        ("new", "  segment: big\n"),
        ("quiet", "  segment: late\n  existing: include\n"),
        ("clock", "  every: \"* * * * *\"\n"),
    ];
    for (name, enter) in new {
        stage.folder.write(&format!("journeys/{name}.yaml"), journey(name, enter));
    }
    let checked = stage.text(&["check"]).await;
    assert!(checked.contains("5 journeys"), "{checked}");
    stage.text(&["apply"]).await;
    stage.told().await;
    // Those of 30, 40 and 50 are in it; nobody has come into it since. All are late, now or soon.
    stage.sent(&[("all", 3), ("new", 0), ("quiet", 5)]).await;
    let armed = stage.database.count("SELECT count(*) FROM due").await;
    assert_eq!(armed, 5, "everybody waits for the next minute");

    stage.orders(&daemon, 6..=7).await;
    stage.sent(&[("all", 5), ("new", 2), ("quiet", 7)]).await;
    // Told once: another start of the daemon tells nobody again.
    let journal = stage.database.count("SELECT count(*) FROM journal WHERE what = 7").await;
    assert_eq!(journal, 5);
    assert_eq!(daemon.stop().await.0, Some(0));
    let audit = stage.json(&["audit", "--sample", "10"]).await;
    let none = Value::Array(Vec::new());
    assert_eq!((&audit["differs"], &audit["not_replayable"]), (&none, &none), "{audit}");
}

#[tokio::test]
async fn a_segment_tells_how_many_are_in_it_and_why() {
    let stage = Stage::new().await;
    let none = stage.call(&["segment", "size", "nobody"]).await;
    assert_eq!(none.code, Some(1), "{none:?}");
    stage.text(&["apply"]).await;
    let daemon = Daemon::start(&stage.database.url()).await;
    stage.orders(&daemon, 1..=5).await;
    stage.sent(&[]).await;
    assert_eq!(daemon.stop().await.0, Some(0));
    let sizes = stage.json(&["segment", "size"]).await;
    assert_eq!(sizes["people"], 5, "{sizes}");
    let size = |name: &str| {
        let of = sizes["segments"].as_array().unwrap().iter().find(|of| of["segment"] == name).unwrap();
        (of["people"].as_u64().unwrap(), of["by"].as_str().unwrap().to_owned())
    };
    // `profile.first_seen` lies in the person's encoded state.
    assert_eq!(size("big"), (3, "person by person".to_owned()), "{sizes}");
    assert_eq!(size("small"), (2, "person by person".to_owned()), "{sizes}");
    assert_eq!(size("late").1, "sql", "{sizes}");
    let text = stage.text(&["segment", "size", "big"]).await;
    assert!(text.contains("big") && text.contains("60.0%"), "{text}");
    let why = stage.text(&["segment", "explain", "small", "u4"]).await;
    let expected = "u4 is not in small\n  yes count('Order Placed') >= 1\n  no  not in_segment('big')\n\
                    u4 is in big\n  yes sum('Order Placed', 'total', 90d) >= 30\n  yes has(profile.first_seen)\n";
    assert_eq!(why, expected);
    let why = stage.json(&["segment", "explain", "big", "u1"]).await;
    assert_eq!(why["segments"][0]["inside"], false, "{why}");
    let unknown = stage.call(&["segment", "explain", "big", "somebody"]).await;
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
}
