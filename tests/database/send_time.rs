//! `journeyman learn send-time`: files as they come, without a database.

use serde_json::Value;

use crate::harness::daemon::{Ended, command, run};
use crate::harness::{Folder, real_data};

async fn learn(folder: &Folder, arguments: &[&str]) -> Ended {
    run(command(folder.path(), None, &[&["learn", "send-time"], arguments].concat())).await
}

fn json(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// Ada comes in the evening and Ben in the morning, each day for four weeks; Cara came twice.
fn events() -> String {
    let mut csv = "visitor,at,what\n".to_owned();
    for day in 1..=28 {
        csv += &format!("ada,2026-03-{day:02}T20:15:00Z,view\nben,2026-03-{day:02}T08:15:00Z,view\n");
    }
    csv + "cara,2026-03-01T12:00:00Z,view\ncara,2026-03-02T12:00:00Z,view\n,2026-03-02T12:00:00Z,view\ndora,yesterday,view\n"
}

#[tokio::test]
async fn hours_of_a_file_are_told() {
    let folder = Folder::new();
    folder.write("events.csv", events());
    let arguments = ["--events", "events.csv", "--person", "visitor", "--time", "at"];
    let told = json(&learn(&folder, &[&arguments[..], &["--json"]].concat()).await);
    assert_eq!(
        (&told["people"], &told["events"], &told["left_out"]),
        (&2.into(), &58.into(), &2.into()),
        "{told}"
    );
    // Nine days are left to be met, each at one hour of the week: two of them are the best that one hour can do.
    let share = |name: &str| told[name].as_f64().unwrap();
    assert!((share("oracle") - 2.0 / 9.0).abs() < 1e-9 && share("personal") <= share("oracle"), "{told}");
    assert!(share("personal") >= 1.0 / 9.0 && share("everyone") <= share("personal"), "{told}");
    let text = learn(&folder, &arguments).await;
    assert!(
        text.out.contains("personal") && text.out.contains("left out: 2 lines, the first line 60: nobody's"),
        "{}",
        text.out
    );
    assert!(text.out.lines().all(|line| line.chars().count() <= 100), "{}", text.out);
    // Without a header, by number; other zones have other hours, and the same shares.
    let bare: String = events().lines().skip(1).map(|line| line.replace(',', ";") + "\n").collect();
    folder.write("bare.csv", bare);
    let numbered = ["--events", "bare.csv", "--person", "1", "--time", "2", "--zone", "Asia/Tokyo", "--json"];
    assert_eq!(json(&learn(&folder, &numbered).await)["oracle"], told["oracle"]);
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let folder = Folder::new();
    folder.write("events.csv", events());
    folder.write("few.csv", "visitor,at\nada,1700000000\n");
    folder.write("none.csv", "visitor,at\n");
    for (arguments, words) in [
        (["nothing.csv", "visitor", "at", "UTC"], "can't open nothing.csv"),
        (
            ["events.csv", "who", "at", "UTC"],
            "--person: there is no column who; there are: visitor, at, what",
        ),
        (["events.csv", "visitor", "at", "Mars/Crater"], "there is no zone Mars/Crater"),
        (["few.csv", "visitor", "at", "UTC"], "none of 1 people has 6 events"),
        (["none.csv", "visitor", "at", "UTC"], "no line of it says who did something and when"),
    ] {
        let [events, person, time, zone] = arguments;
        let ended =
            learn(&folder, &["--events", events, "--person", person, "--time", time, "--zone", zone]).await;
        assert!(ended.code == Some(1) && ended.err.contains(words), "{words}: {ended:?}");
    }
}

/// On what people of a real shop did, hours by person meet more of what they did later than one hour for all.
#[tokio::test]
async fn on_real_data_a_person_is_not_everyone() {
    let Some(file) = real_data("retailrocket-sample.csv") else { return };
    let folder = Folder::new();
    let file = file.to_str().unwrap();
    let told =
        json(&learn(&folder, &["--events", file, "--person", "visitor", "--time", "ts_ms", "--json"]).await);
    assert_eq!((&told["events"], &told["people"]), (&5169.into(), &191.into()), "{told}");
    let share = |name: &str| told[name].as_f64().unwrap();
    assert!(share("oracle") > share("personal") && share("personal") > 5.0 * share("everyone"), "{told}");
    assert!(share("everyone") > share("chance"), "{told}");
}
