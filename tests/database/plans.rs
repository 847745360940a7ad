//! `plan`, `apply --plan`, `deployments` and `rollback`, as people use them one after another.

use std::time::Duration;

use serde_json::Value;

use crate::harness::Folder;
use crate::harness::daemon::{Daemon, Ended, command, run};
use crate::harness::door::batch;
use crate::harness::postgres::Database;
use crate::harness::shop::happens;
use crate::harness::until::until;

const JOURNEY: &str = "journey: thanks
kind: transactional
enter:
  on: Order Placed
  if: event.total >= 20
  per: order_id
steps:
  - id: first
    send: thanks
    channel: inbox
  - wait: 30d
  - send: again
    channel: inbox
";
const OTHER: &str = "journey: hello
kind: transactional
enter:
  on: Signed Up
  again: never
steps:
  - send: hello
    channel: inbox
";

struct Stage {
    database: Database,
    folder: Folder,
}

impl Stage {
    async fn new() -> Self {
        let (database, folder) = (Database::new().await, Folder::new());
        std::fs::create_dir(folder.path().join("journeys")).unwrap();
        folder.write("journeyman.yaml", "currency: EUR\n");
        folder.write("journeys/thanks.yaml", JOURNEY);
        folder.write("journeys/hello.yaml", OTHER);
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

    /// Six orders, of 10, 20, … 60; the five from 20 on are thanked for.
    async fn orders(&self) {
        let daemon = Daemon::start(&self.database.url()).await;
        let order = |n: i32| {
            let properties = format!(r#""order_id":"o{n}","total":{}"#, n * 10);
            happens("Order Placed", &format!("o{n}"), &format!("u{n}"), &properties)
        };
        let orders: Vec<String> = (1..=6).map(order).collect();
        let request = crate::harness::door::client().post(format!("{}/v1/batch", daemon.public));
        let request = request.basic_auth(crate::harness::door::KEY, Some("")).body(batch(&orders));
        assert_eq!(crate::harness::door::answer(request).await.status, 200);
        let done = async || {
            let sent = self.database.count("SELECT count(*) FROM messages WHERE state = 10").await;
            let waits = self.database.count("SELECT count(*) FROM intake").await;
            ((sent, waits) == (5, 0)).then_some(())
        };
        until("five are thanked", Duration::from_secs(60), done).await;
        assert_eq!(daemon.stop().await.0, Some(0));
    }

    fn edit(&self, from: &str, to: &str) {
        assert!(JOURNEY.contains(from), "{from}");
        self.folder.write("journeys/thanks.yaml", JOURNEY.replacen(from, to, 1));
    }
}

#[tokio::test]
async fn a_plan_tells_what_would_be_another_and_only_that_goes_live() {
    let stage = Stage::new().await;
    let first = stage.json(&["plan"]).await;
    assert_eq!((&first["deployment"], &first["journeys_unchanged"]), (&0.into(), &0.into()), "{first}");
    let new = first["structure"].as_array().unwrap();
    assert!(new.iter().all(|changed| changed["change"] == "new") && new.len() == 3, "{first}");
    let name = first["plan"].as_str().unwrap().to_owned();
    stage.text(&["apply", "--plan", &name, "--author", "ada", "--note", "the first"]).await;
    // What went live is not live once more.
    let again = stage.call(&["apply", "--plan", &name]).await;
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("the plan is another by now"), "{again:?}");
    let nothing = stage.text(&["plan"]).await;
    assert_eq!(nothing, "nothing to do: deployment 1 says the same\n");
    stage.orders().await;

    stage.edit("event.total >= 20", "event.total >= 50");
    let plan = stage.json(&["plan"]).await;
    let changed = &plan["structure"][0];
    assert_eq!(changed["name"], "thanks", "{plan}");
    assert_eq!(plan["structure"].as_array().unwrap().len(), 1, "{plan}");
    let said = serde_json::json!([
        { "step": null, "what": "enter.if", "was": "event.total >= 20", "is": "event.total >= 50" }
    ]);
    assert_eq!(changed["changes"], said, "{plan}");
    assert_eq!(plan["journeys_unchanged"], 1, "{plan}");
    let runs = &plan["in_flight"][0];
    assert_eq!((&runs["step"], &runs["runs"]), (&"wait_1".into(), &5.into()), "{plan}");
    assert_eq!(runs["stays_in_older_version"], true, "{plan}");
    // Six orders again: five would enter now, two then; each is thanked once within these days.
    let forecast = &plan["forecast"];
    assert_eq!((&forecast["people"], &forecast["events"]), (&6.into(), &6.into()), "{plan}");
    for (which, entered) in [("now", 5), ("planned", 2)] {
        let of = &forecast[which]["thanks"];
        assert_eq!(
            (&of["entered"], &of["sent"]["inbox"]),
            (&entered.into(), &entered.into()),
            "{which} {plan}"
        );
        let hours = of["sent_by_hour"]["inbox"].as_array().unwrap();
        assert_eq!(hours.iter().filter_map(Value::as_u64).sum::<u64>(), entered, "{which} {plan}");
    }
    let told = stage.text(&["plan"]).await;
    for part in [
        " changed  journey thanks\n",
        "enter.if\n",
        "was event.total >= 20\n",
        "is  event.total >= 50\n",
        "5 runs finish the version they began in: wait_1 5\n",
        "1 journeys stay as they are\n",
        "the last 14 days again: 6 people, 6 events of all time\n",
        "inbox     by hour, now",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(told.lines().all(|line| line.chars().count() <= 100), "{told}");
    let markdown = stage.text(&["plan", "--markdown", "--days", "0"]).await;
    assert!(markdown.contains("- enter.if was `event.total >= 20`, is `event.total >= 50`\n"), "{markdown}");
    assert!(!markdown.contains("again"), "{markdown}");

    assert_eq!(plan["tests"], serde_json::json!([]), "{plan}");
    stage.edit(
        "    channel: inbox\n  - wait",
        "    channel: inbox\n    test: { subject: [plain, question], winner: clicked }\n  - wait",
    );
    let tested = stage.json(&["plan"]).await;
    let power = &tested["tests"][0];
    assert_eq!((&power["step"], &power["messages_each"]), (&"first".into(), &2.into()), "{tested}");
    let text = stage.text(&["plan"]).await;
    assert!(text.contains("thanks/first compares 2 variants with 2 messages each: not even twice"), "{text}");
    stage.edit("event.total >= 20", "event.total >= 50");

    // Somebody edits the file after the plan was looked at.
    let name = plan["plan"].as_str().unwrap().to_owned();
    stage.edit("event.total >= 20", "event.total >= 5");
    let moved = stage.call(&["apply", "--plan", &name]).await;
    assert_eq!(moved.code, Some(1), "{moved:?}");
    stage.edit("event.total >= 20", "event.total >= 50");
    stage.text(&["apply", "--plan", &name, "--author", "ben"]).await;
    assert_eq!(stage.call(&["apply", "--plan", "5f0c"]).await.code, Some(2));
}

#[tokio::test]
async fn those_move_whom_the_plan_said() {
    let stage = Stage::new().await;
    stage.text(&["apply"]).await;
    stage.orders().await;
    // `entry.total` was not kept by the first version: nobody who began with it could be asked.
    let edited = JOURNEY.replace("kind: transactional", "kind: transactional\nmigrate: { wait_1: late }");
    let edited = edited.replace("  - wait: 30d\n", "  - id: late\n    wait: 60d\n");
    let asks =
        edited.replace("    wait: 60d\n", "    wait: 60d\n  - exit: small\n    if: entry.shop == 'x'\n");
    stage.folder.write("journeys/thanks.yaml", &asks);
    for arguments in [&["plan"][..], &["apply"]] {
        let refused = stage.call(arguments).await;
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.err.contains("those who stand at `wait_1` can't go on at `late`"), "{refused:?}");
        assert!(refused.err.contains("`entry.shop`, which the older version did not keep"), "{refused:?}");
    }
    stage.folder.write("journeys/thanks.yaml", &edited);
    let plan = stage.json(&["plan", "--days", "0"]).await;
    let runs = &plan["in_flight"][0];
    assert_eq!(
        (&runs["step"], &runs["runs"], &runs["goes_on_at"]),
        (&"wait_1".into(), &5.into(), &"late".into())
    );
    assert_eq!((&runs["stays_in_older_version"], &runs["ends"]), (&false.into(), &false.into()), "{plan}");
    let text = stage.text(&["plan", "--days", "0"]).await;
    assert!(text.contains("5 runs go on in this one"), "{text}");
    assert!(text.contains("wait_1 -> late 5"), "{text}");
    stage.text(&["apply", "--plan", plan["plan"].as_str().unwrap()]).await;
    let daemon = Daemon::start(&stage.database.url()).await;
    let at_late = "SELECT count(*) FROM runs WHERE step = 'late'";
    let at_wait = "SELECT count(*) FROM runs WHERE step = 'wait_1'";
    let moved = async || {
        let runs = (stage.database.count(at_late).await, stage.database.count(at_wait).await);
        (runs == (5, 0)).then_some(())
    };
    until("all five have moved", Duration::from_secs(60), moved).await;
    assert_eq!(stage.database.count("SELECT people FROM announcement WHERE NOT everybody").await, 5);

    // A third version ends them.
    let ends = edited.replace("migrate: { wait_1: late }", "migrate: exit");
    stage.folder.write("journeys/thanks.yaml", &ends);
    let plan = stage.json(&["plan", "--days", "0"]).await;
    assert_eq!(plan["in_flight"][0]["ends"], true, "{plan}");
    stage.text(&["apply"]).await;
    let over = async || {
        let ended = "SELECT count(*) FROM ended_runs WHERE reason = 'migrated'";
        ((stage.database.count(ended).await, stage.database.count(at_late).await) == (5, 0)).then_some(())
    };
    until("all five are over", Duration::from_secs(60), over).await;
    assert_eq!(stage.database.count("SELECT count(*) FROM messages WHERE state = 10").await, 5);
    assert_eq!(daemon.stop().await.0, Some(0));
    let why = stage.text(&["why", "u3"]).await;
    assert!(why.contains("wait_1 -> late of the new version"), "{why}");
}

#[tokio::test]
async fn what_was_live_before_can_be_put_back() {
    let stage = Stage::new().await;
    let none = stage.call(&["rollback"]).await;
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(none.err.contains("there is no deployment -1 to go back to"), "{none:?}");
    assert_eq!(stage.text(&["deployments"]).await, "nothing was ever deployed\n");
    stage.text(&["apply", "--author", "ada", "--note", "the first"]).await;
    stage.edit("wait: 30d", "wait: 10d");
    stage.text(&["apply", "--author", "ben"]).await;
    let back = stage.json(&["rollback", "--author", "ada"]).await;
    assert_eq!((&back["deployment"], &back["changed"]), (&3.into(), &true.into()), "{back}");
    stage.folder.write("journeys/thanks.yaml", JOURNEY);
    assert_eq!(stage.text(&["plan"]).await, "nothing to do: deployment 3 says the same\n");
    let list = stage.json(&["deployments"]).await;
    let of = |nth: usize, key: &str| list["deployments"][nth][key].clone();
    assert_eq!((of(0, "note"), of(0, "author")), ("rollback to 1".into(), "ada".into()), "{list}");
    assert_eq!((of(2, "note"), of(2, "files")), ("the first".into(), 3.into()), "{list}");
    assert_eq!(of(1, "author"), "ben", "{list}");
    let same = stage.json(&["rollback", "--to", "1"]).await;
    assert_eq!(same["changed"], false, "{same}");
    assert!(stage.text(&["deployments"]).await.lines().all(|line| line.chars().count() <= 100));
    assert_eq!(stage.call(&["rollback", "--to", "9"]).await.code, Some(1));
}

#[tokio::test]
async fn why_tells_what_another_version_would_have_done() {
    let stage = Stage::new().await;
    stage.text(&["apply"]).await;
    stage.orders().await;
    stage.edit("event.total >= 20", "event.total >= 40");
    stage.text(&["apply"]).await;
    let did = async |person: &str, version: &str| {
        let story = stage.json(&["why", person, "--at", version]).await;
        let lines = story["at"]["lines"].as_array().unwrap().clone();
        let words: Vec<String> = lines.iter().map(|line| line["what"].as_str().unwrap().to_owned()).collect();
        words.join(" ")
    };
    // Of 30: thanked for then, and by the first version; not by the second, nor by the folder, which says the same.
    assert_eq!(did("u3", "1").await, "entered sent under_way");
    assert_eq!(did("u3", "2").await, "");
    assert_eq!(did("u3", ".").await, "");
    assert_eq!(did("u4", "2").await, "entered sent under_way");
    let text = stage.text(&["why", "u3", "--at", "2"]).await;
    assert!(
        text.ends_with("  nothing would have happened\n\n")
            || text.ends_with("  nothing would have happened\n"),
        "{text}"
    );
    let none = stage.call(&["why", "u3", "--at", "9"]).await;
    assert_eq!(none.code, Some(1), "{none:?}");
    assert!(none.err.contains("--at 9: there is no such deployment"), "{none:?}");
}

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let stage = Stage::new().await;
    let none = stage.json(&["readiness"]).await;
    let states = |told: &Value| -> Vec<String> {
        let all = told["journeys"].as_array().unwrap().iter().chain(told["models"].as_array().unwrap());
        all.map(|one| format!("{} {}", one["name"].as_str().unwrap(), one["state"].as_str().unwrap()))
            .collect()
    };
    assert!(states(&none).iter().all(|one| one.ends_with(" missing")), "{none}");
    let daemon = Daemon::start(&stage.database.url()).await;
    let told: Vec<String> = (0..4)
        .flat_map(|n| {
            let user = format!("u{n}");
            let identify = format!(
                r#"{{"type":"identify","userId":"{user}","messageId":"i{n}","traits":{{"email":"{user}@shop.example"}}}}"#
            );
            // One of four says no name.
            let name = if n == 0 { "" } else { r#","name":"Lamp""# };
            let viewed = format!(r#""product_id":"p{n}"{name}"#);
            [
                identify,
                happens("Signed Up", &format!("s{n}"), &user, ""),
                happens("Product Viewed", &format!("v{n}"), &user, &viewed),
                happens("Order Completed", &format!("o{n}"), &user, &format!(r#""order_id":"o{n}","products":[{{"product_id":"p"}}]"#)),
            ]
        })
        .collect();
    let request = crate::harness::door::client().post(format!("{}/v1/batch", daemon.public));
    let request = request.basic_auth(crate::harness::door::KEY, Some("")).body(batch(&told));
    assert_eq!(crate::harness::door::answer(request).await.status, 200);
    let applied = async || (stage.database.count("SELECT count(*) FROM intake").await == 0).then_some(());
    until("everything is applied", Duration::from_secs(60), applied).await;
    let found = stage.json(&["readiness"]).await;
    let states = states(&found);
    for wanted in
        ["welcome ready", "browse-abandonment partly", "cart-abandonment missing", "post-purchase missing"]
    {
        assert!(states.iter().any(|one| one == wanted), "{wanted}: {states:?}");
    }
    let lacks = found["journeys"][1]["needs"].to_string();
    assert!(lacks.contains("Product Viewed has name in 75 % of them: send it with each"), "{lacks}");
    let text = stage.text(&["readiness"]).await;
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(text.contains("✓ welcome") && text.contains("✗ cart-abandonment"), "{text}");
    assert_eq!(stage.call(&["readiness", "welcome"]).await.code, Some(0));
    assert_eq!(stage.call(&["readiness", "cart-abandonment"]).await.code, Some(1));
    assert_eq!(stage.call(&["readiness", "telepathy"]).await.code, Some(1));
}

#[tokio::test]
async fn check_puts_right_what_it_can() {
    let stage = Stage::new().await;
    let wrong = JOURNEY.replace("if: event.total >= 20", "if: !in_segment('x') && event.total >= 20");
    stage.folder.write("journeys/thanks.yaml", wrong.replace("channel", "chanel"));
    assert_eq!(stage.call(&["check"]).await.code, Some(1));
    let fixed = stage.call(&["check", "--fix", "--json"]).await;
    let told: Value = serde_json::from_str(&fixed.out).unwrap();
    assert_eq!(told["fixed"].as_array().unwrap().len(), 3, "{told}");
    // There is no segment `x`; who is meant nobody can know.
    assert_eq!((fixed.code, &told["errors"]), (Some(1), &1.into()), "{told}");
    let text = std::fs::read_to_string(stage.folder.path().join("journeys/thanks.yaml")).unwrap();
    assert_eq!(text, JOURNEY.replace("if: event.total", "if: not in_segment('x') and event.total"));
}

#[tokio::test]
async fn a_journey_begins_from_a_recipe() {
    let stage = Stage::new().await;
    let list = stage.json(&["new"]).await;
    let names: Vec<&str> =
        list["recipes"].as_array().unwrap().iter().map(|recipe| recipe["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"cart-abandonment") && names.len() >= 16, "{names:?}");
    let folder = stage.folder.path().to_owned();
    std::fs::write(folder.join("journeyman.yaml"), "currency: EUR\ntopics:\n  news: { consent: opt_in }\n")
        .unwrap();
    let written = stage.json(&["new", "win-back", ".", "--name", "come-back", "--yes"]).await;
    let paths = written["written"].to_string();
    for path in ["journeys/come-back.yaml", "journeys/segments/lapsed.yaml"] {
        assert!(paths.contains(path), "{path}: {paths}");
    }
    // The others' words are not written yet either.
    assert!(!paths.contains("templates"), "{paths}");
    let text = std::fs::read_to_string(folder.join("journeys/come-back.yaml")).unwrap();
    assert!(text.contains("journey: come-back\nstatus: draft\ntopic: news\n"), "{text}");
    let tested = stage.call(&["test"]).await;
    assert_eq!(tested.code, Some(0), "{tested:?}");
    // Nothing is overwritten, and nothing is written that would be wrong.
    let again = stage.call(&["new", "win-back", ".", "--name", "come-back", "--yes"]).await;
    assert_eq!(again.code, Some(1), "{again:?}");
    assert!(again.err.contains("journeys/come-back.yaml exists"), "{again:?}");
    let wrong = stage.call(&["new", "welcome", ".", "--topic", "nothing", "--yes"]).await;
    assert_eq!(wrong.code, Some(1), "{wrong:?}");
    assert!(
        wrong.err.contains("there is no topic `nothing`") && wrong.err.contains("nothing was written"),
        "{wrong:?}"
    );
    assert!(!folder.join("journeys/welcome.yaml").exists());
    assert_eq!(stage.call(&["new", "telepathy"]).await.code, Some(1));
}

#[tokio::test]
async fn others_than_the_author_say_yes() {
    let stage = Stage::new().await;
    let shop = |approvals: u8| format!("currency: EUR\napprovals: {approvals}\n");
    stage.folder.write("journeyman.yaml", shop(1));
    let name = |plan: &Value| plan["plan"].as_str().unwrap().to_owned();
    let first = stage.json(&["plan", "--days", "0"]).await;
    assert_eq!((&first["approvals_needed"], &first["approved_by"]), (&1.into(), &serde_json::json!([])));
    let refused = async |arguments: &[&str], words: &str| {
        let ended = stage.call(arguments).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.err.contains(words), "{words}: {ended:?}");
    };
    refused(&["apply"], "who applies what others approve of says so").await;
    refused(&["apply", "--author", "ada"], "and nobody has").await;
    // Her own yes counts for nothing, and a yes to another plan neither.
    stage.text(&["approve", &name(&first), "--as", "ada"]).await;
    stage.text(&["approve", &"0".repeat(32), "--as", "ben"]).await;
    refused(&["apply", "--author", "ada"], "1 other than the author have to say yes").await;
    let yes = stage.json(&["approve", &name(&first), "--as", "ben"]).await;
    assert_eq!(yes["approved_by"], serde_json::json!(["ada", "ben"]));
    stage.text(&["apply", "--plan", &name(&first), "--author", "ada"]).await;
    let list = stage.json(&["deployments"]).await;
    assert_eq!(list["deployments"][0]["approved_by"], serde_json::json!(["ben"]), "{list}");

    // To ask for fewer needs as many as before; to go back needs nobody.
    stage.folder.write("journeyman.yaml", shop(0));
    stage.edit("wait: 30d", "wait: 10d");
    refused(&["apply", "--author", "ada"], "and nobody has").await;
    let second = stage.json(&["plan", "--days", "0"]).await;
    stage.text(&["approve", &name(&second), "--as", "cleo"]).await;
    let text = stage.text(&["plan", "--days", "0"]).await;
    assert!(
        text.contains("1 other than the author have to say yes, yes by cleo: journeyman approve"),
        "{text}"
    );
    stage.text(&["apply", "--author", "ada"]).await;
    stage.text(&["rollback", "--author", "ada"]).await;
    // It is the folder that goes live that is asked, wherever the command is called.
    let other = stage.folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::create_dir(other.join("journeys")).unwrap();
    std::fs::write(other.join("journeys/thanks.yaml"), JOURNEY).unwrap();
    std::fs::write(other.join("journeyman.yaml"), shop(2)).unwrap();
    refused(&["apply", "other", "--author", "ada"], "2 other than the author").await;
    std::fs::write(other.join("journeyman.yaml"), "approvals: two\n").unwrap();
    refused(&["apply", "other", "--author", "ada"], "nothing was changed").await;
    assert_eq!(stage.call(&["approve", "5f0c", "--as", "ben"]).await.code, Some(2));
}

#[tokio::test]
async fn files_are_laid_out_alike_and_stay_the_same_versions() {
    let stage = Stage::new().await;
    stage.text(&["apply"]).await;
    let odd =
        JOURNEY.replace("  - ", "- ").replace("    ", "  ").replace("kind:", "# Who orders.\n\n\nkind:");
    stage.folder.write("journeys/thanks.yaml", &odd);
    stage.folder.write("journeys/wrong.yaml", "journey: 'x\n");
    let check = stage.call(&["fmt", "--check", "--json"]).await;
    let told: Value = serde_json::from_str(&check.out).unwrap();
    assert_eq!(
        (check.code, &told["changed"]),
        (Some(1), &serde_json::json!(["journeys/thanks.yaml"])),
        "{told}"
    );
    assert_eq!(told["left"][0]["file"], "journeys/wrong.yaml", "{told}");
    let path = stage.folder.path().join("journeys/thanks.yaml");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), odd);
    std::fs::remove_file(stage.folder.path().join("journeys/wrong.yaml")).unwrap();
    assert_eq!(stage.text(&["fmt"]).await, "laid out: journeys/thanks.yaml\n3 files, 1 laid out\n");
    let laid_out = JOURNEY.replace("kind:", "# Who orders.\n\nkind:");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), laid_out);
    assert_eq!(stage.text(&["plan"]).await, "nothing to do: deployment 1 says the same\n");
    stage.text(&["fmt", "--check"]).await;
    // What can't be laid out without changing what it says is named, and nothing to be mended.
    stage.folder.write("tracking.yaml", "# Odd.\nSeen:\n  note: 'a\n\n\n    b'\n");
    let odd = stage.call(&["fmt", "--check", "--json"]).await;
    let told: Value = serde_json::from_str(&odd.out).unwrap();
    assert_eq!((odd.code, &told["left"][0]["file"]), (Some(0), &"tracking.yaml".into()), "{told}");
}
