//! The commands around mail, as people use them.

mod doctor;
mod names;

use std::time::Duration;

use journeyman_domain::link::KeyRing;
use journeyman_domain::{MessageId, PersonId};
use serde_json::Value;

use crate::harness::Folder;
use crate::harness::daemon::{Daemon, Ended, command, run};
use crate::harness::postgres::Database;
use crate::harness::shop::happens;
use crate::harness::smtp::{At, Manners, Server, Trouble};
use crate::harness::until::until;

/// What links are signed with.
const KEY: &str = "0123456789abcdef0123";
const POLICIES: &str = "locales: [en, de]
topics:
  news: { name: { en: News, de: Neues }, consent: opt_out }
senders:
  shop: { from: hello@mail.shop.example, name: { en: The Shop, de: Der Laden }, stream: marketing }
  billing: { from: bill@mail.shop.example, name: { en: Billing, de: Rechnung }, stream: transactional }
links: { keys: { 1: 0123456789abcdef0123 } }
";
const JOURNEY: &str = "journey: hello
topic: news
enter:
  on: Signed Up
  again: never
steps:
  - send: hello
    channel: email
";
const TEMPLATE: &str = r#"from: shop
subject: { en: "Welcome, {{profile.first_name}}", de: "Willkommen, {{profile.first_name}}" }
sample:
  profile: { first_name: Sam, city: Rome }
  entry: { plan: basic }
"#;
const MAIL: &str = r#"<p>Hi {{profile.first_name}}{{#if profile.city}} of {{profile.city}}{{/if}}, plan {{entry.plan}}.</p>
<p><a href="https://shop.example/start">Start</a> <a href="{{unsubscribe_url}}">Leave</a></p>
"#;
const PUSH: &str =
    "title: { en: Hello, de: Hallo }\nbody: { en: \"Plan {{entry.plan}}\", de: \"Tarif {{entry.plan}}\" }\n";

/// A folder with a journey and its template; `more` stands in its journeyman.yaml.
fn folder(more: &str) -> Folder {
    let folder = Folder::new();
    for dir in ["journeys", "templates/hello"] {
        std::fs::create_dir_all(folder.path().join(dir)).unwrap();
    }
    folder.write("journeyman.yaml", format!("{POLICIES}{more}"));
    folder.write("journeys/hello.yaml", JOURNEY);
    folder.write("templates/hello/template.yaml", TEMPLATE);
    folder.write("templates/hello/email.hbs", MAIL);
    folder.write("templates/hello/push.yaml", PUSH);
    folder
}

/// A command in the folder. Without a database there is none to be found either.
async fn call(database: Option<&Database>, folder: &Folder, arguments: &[&str]) -> Ended {
    let url = database.map(Database::url);
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing";
    run(command(folder.path(), Some(url.as_deref().unwrap_or(nowhere)), arguments)).await
}

async fn json(database: Option<&Database>, folder: &Folder, arguments: &[&str]) -> Value {
    let ended = call(database, folder, &[arguments, &["--json"]].concat()).await;
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {ended:?}"))
}

/// Ada has signed up, and her message has come to the inbox.
async fn welcomed() -> (Database, Folder, MessageId, PersonId) {
    let (database, folder) = (Database::new().await, folder(""));
    let applied = call(Some(&database), &folder, &["apply"]).await;
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let daemon = Daemon::start(&database.url()).await;
    let traits = r#"{"type":"identify","userId":"ada","messageId":"i","traits":{"email":"Ada@customer.example","first_name":"Ada"}}"#;
    let body = crate::harness::door::batch(&[
        traits.to_owned(),
        happens("Signed Up", "1", "ada", r#""plan":"pro""#),
    ]);
    let request = crate::harness::door::client().post(format!("{}/v1/batch", daemon.public));
    let taken =
        crate::harness::door::answer(request.basic_auth(crate::harness::door::KEY, Some("")).body(body))
            .await;
    assert_eq!(taken.status, 200, "{taken:?}");
    let (row, _) = until("the message", Duration::from_secs(30), async || {
        let row: Option<(uuid::Uuid, i64)> =
            sqlx::query_as("SELECT id, person_id FROM messages WHERE state = 10")
                .fetch_optional(&database.pool)
                .await
                .unwrap();
        row
    })
    .await;
    let quiet = async || (database.count("SELECT count(*) FROM intake").await == 0).then_some(());
    until("its report", Duration::from_secs(30), quiet).await;
    daemon.stop().await;
    (database, folder, MessageId(row.0), PersonId(row.1))
}

#[tokio::test]
async fn a_template_is_shown_as_it_would_arrive() {
    let folder = folder("");
    let check = async |arguments: &[&str], code: i32, parts: &[&str]| {
        let ended = call(None, &folder, &[&["preview"], arguments].concat()).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        for part in parts {
            assert!(format!("{}{}", ended.out, ended.err).contains(part), "{arguments:?}: {ended:?}");
        }
        ended
    };
    let html =
        check(&["hello"], 0, &["<p>Hi Sam of Rome, plan basic.</p>", "\"https://shop.example/start\""]).await;
    assert!(!html.out.contains("Subject:") && html.out.contains("\"#unsubscribe\""), "{html:?}");
    let german = ["hello", "--locale", "de", "--part", "headers"];
    check(&german, 0, &["From: Der Laden <hello@mail.shop.example>\n", "Subject: Willkommen, Sam\n"]).await;
    check(&["hello", "--channel", "push", "--part", "seen"], 0, &["Title: Hello\n", "\n\nPlan basic\n"])
        .await;
    folder.write("given.json", r#"{"entry":{"plan":"gold"}}"#);
    check(&["hello", "--data", "given.json", "--part", "text"], 0, &["Hi Sam of Rome, plan gold."]).await;
    check(&["hello", "--out", "mail.html"], 0, &["mail.html\n"]).await;
    assert!(std::fs::read_to_string(folder.path().join("mail.html")).unwrap().contains("plan basic"));
    check(&["hallo"], 1, &["there is no template `hallo`; there are hello"]).await;
    check(&["hello", "--locale", "fr"], 1, &["does not speak `fr`; it speaks en, de"]).await;
    check(&["hello", "--channel", "sms"], 1, &["has no words for sms; it has email, push"]).await;
    check(&["hello", "--channel", "pigeon"], 2, &["there are email, sms"]).await;
    check(&["hello", "--data", "journeyman.yaml"], 1, &["can't read journeyman.yaml"]).await;
    check(&[], 2, &["<TEMPLATE>"]).await;
    let told = json(None, &folder, &["preview", "--all", "all"]).await;
    assert_eq!((told["files"].as_array().unwrap().len(), &told["failed"]), (4, &0.into()), "{told}");
    let index = std::fs::read_to_string(folder.path().join("all/index.html")).unwrap();
    assert!(index.contains("<a href=\"hello.email.de.html\">Willkommen, Sam</a>"), "{index}");
    // A template with a fault is told of; another is shown all the same.
    std::fs::create_dir_all(folder.path().join("templates/broken")).unwrap();
    folder.write("templates/broken/email.hbs", "{{#if a}}");
    check(&["broken"], 1, &["templates/broken/email.hbs"]).await;
    check(&["hello"], 0, &["Hi Sam"]).await;
}

#[tokio::test]
async fn a_template_is_shown_as_somebody_gets_it() {
    let (database, folder, _, person) = welcomed().await;
    let shown =
        call(Some(&database), &folder, &["preview", "hello", "--person", "ada", "--part", "seen"]).await;
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.out.contains("To: Ada@customer.example\nSubject: Welcome, Ada\n"), "{shown:?}");
    assert!(shown.out.contains("Hi Ada of Rome, plan pro."), "{shown:?}");
    assert!(shown.err.contains("from the sample, not of ada: profile.city\n"), "{shown:?}");
    let told = json(Some(&database), &folder, &["preview", "hello", "--person", &person.to_string()]).await;
    assert_eq!((&told["subject"], &told["from_sample"][0]), (&"Welcome, Ada".into(), &"profile.city".into()));
    let nobody = call(Some(&database), &folder, &["preview", "hello", "--person", "eve"]).await;
    assert!(nobody.code == Some(1) && nobody.err.contains("there is nobody called eve"), "{nobody:?}");
}

#[tokio::test]
async fn messages_are_listed_shown_and_settled() {
    let (database, folder, message, person) = welcomed().await;
    let id = message.to_string();
    let listed = call(Some(&database), &folder, &["messages"]).await;
    assert!(listed.out.starts_with(&format!("{id}  accepted   email     ")), "{listed:?}");
    assert!(listed.out.ends_with("hello/hello\n1 message\n"), "{listed:?}");
    let count = async |arguments: &[&str]| {
        let told = json(Some(&database), &folder, &[&["messages"], arguments].concat()).await;
        told["messages"].as_array().unwrap().len()
    };
    assert_eq!(count(&["--state", "accepted,queued", "--person", "ada", "--channel", "email"]).await, 1);
    assert_eq!(count(&["--state", "unknown"]).await, 0);
    assert_eq!(count(&["--journey", "other"]).await, 0);
    let told = json(Some(&database), &folder, &["messages"]).await;
    let one = &told["messages"][0];
    assert_eq!(
        (&one["address"], &one["person"]),
        (&"A•••@customer.example".into(), &person.to_string().into())
    );

    let shown = call(Some(&database), &folder, &["messages", "show", &id]).await;
    assert!(shown.out.contains("state     accepted since "), "{shown:?}");
    assert!(shown.out.contains("To: Ada@customer.example\nSubject: Welcome, Ada\n"), "{shown:?}");
    assert!(shown.out.contains("\nHi Ada, plan pro.\n"), "{shown:?}");
    let html = call(Some(&database), &folder, &["messages", "show", &id, "--part", "html"]).await;
    assert!(
        html.out.contains("<p>Hi Ada, plan pro.</p>") && html.out.contains("\"#unsubscribe\""),
        "{html:?}"
    );

    // As after a crash between the first byte and the answer.
    let lost = "INSERT INTO outbox (queue, message_id, person_id, run, journey, step, visit, leg, channel, address, template,
                    marketing, topic, sender, deployment, data, context, state, queued_at, attempts)
                SELECT channel, id, person_id, run, journey, step, visit, leg, channel, address, template, marketing,
                    topic, sender, deployment, data, context, 4, queued_at, 1 FROM messages";
    sqlx::raw_sql(lost).execute(&database.pool).await.unwrap();
    sqlx::raw_sql("DELETE FROM messages").execute(&database.pool).await.unwrap();
    assert_eq!(count(&["--state", "unknown"]).await, 1);
    let settle =
        async |what: &str| call(Some(&database), &folder, &["messages", "settle", &id, "--as", what]).await;
    let again = settle("again").await;
    assert_eq!((again.code, again.out), (Some(0), format!("{id} waits to be sent again\n")));
    let twice = settle("sent").await;
    assert_eq!(twice.code, Some(1), "{twice:?}");
    assert_eq!(twice.out, format!("{id} is queued, not unknown; nothing was changed\n"));
    sqlx::raw_sql("UPDATE outbox SET state = 4").execute(&database.pool).await.unwrap();
    assert_eq!(settle("failed").await.out, format!("{id} counts as failed\n"));
    let told = json(Some(&database), &folder, &["messages", "show", &id]).await;
    assert_eq!((&told["state"], &told["reason"]), (&"rejected".into(), &"failed_by_hand".into()));
    assert_eq!(database.count("SELECT count(*) FROM intake").await, 1, "its person is told");
    let nothing = call(Some(&database), &folder, &["messages", "settle", "msg_1", "--as", "sent"]).await;
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
    let other = format!("msg_{}", uuid::Uuid::nil().simple());
    let nothing = call(Some(&database), &folder, &["messages", "settle", &other, "--as", "sent"]).await;
    assert!(nothing.code == Some(1) && nothing.out.contains("is not here"), "{nothing:?}");
}

#[tokio::test]
async fn suppressions_come_and_go() {
    let (database, folder) = (Database::new().await, folder(""));
    let say = async |arguments: &[&str]| {
        call(Some(&database), &folder, &[&["suppressions"], arguments].concat()).await
    };
    assert_eq!(say(&[]).await.out, "no address is suppressed\n");
    let added = say(&["add", "--address", " Ada@Customer.example"]).await;
    assert_eq!(added.out, "nothing is sent to Ada@Customer.example by email any more\n", "{added:?}");
    assert_eq!(
        say(&["add", "--channel", "sms", "--address", "+4915112345678", "--topic", "news"]).await.code,
        Some(0)
    );
    let listed = say(&[]).await.out;
    assert!(listed.contains("email     by-hand       every topic       a•••@customer.example\n"), "{listed}");
    assert!(listed.contains("sms       by-hand       news              •••78\n"), "{listed}");
    let told =
        json(Some(&database), &folder, &["suppressions", "list", "--channel", "email", "--show"]).await;
    assert_eq!(told["suppressions"][0]["address"], "ada@customer.example", "{told}");
    let one =
        json(Some(&database), &folder, &["suppressions", "list", "--address", "ADA@customer.example"]).await;
    assert_eq!(one["suppressions"].as_array().unwrap().len(), 1, "{one}");
    let topic =
        json(Some(&database), &folder, &["suppressions", "--topic", "news", "--kind", "by-hand"]).await;
    assert_eq!(topic["suppressions"].as_array().unwrap().len(), 1, "{topic}");
    assert_eq!(
        say(&["remove", "--address", "ada@customer.example", "--kind", "bounced"]).await.out,
        "there was nothing to remove\n"
    );
    let removed = say(&["remove", "--address", "ada@customer.example"]).await.out;
    assert!(removed.starts_with("removed: ") && removed.contains("ada@customer.example"), "{removed}");
    assert_eq!(
        say(&["remove", "--address", "ada@customer.example"]).await.out,
        "there was nothing to remove\n"
    );
    assert_eq!(say(&["add", "--address", " "]).await.code, Some(1));
}

/// A delivery report (RFC 3464) about a mail that came from `back`.
fn report(back: &str, action: &str, status: &str) -> String {
    format!(
        "From MAILER-DAEMON Mon Nov 23 10:00:00 2026\nDelivered-To: {back}\nSubject: Undelivered\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n\n--b\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n\
         Final-Recipient: rfc822; ada@customer.example\nAction: {action}\nStatus: {status}\n\
         Diagnostic-Code: smtp; 550 {status} no such user\n\n--b--\n\n"
    )
}

#[tokio::test]
async fn bounces_are_read_and_read_again() {
    let (database, folder, message, person) = welcomed().await;
    let keys = KeyRing::new([(1, KEY.as_bytes().to_vec())]).unwrap();
    let back = format!("{}@b.shop.example", keys.return_address(1, message, person));
    let away = "From ada Mon Nov 23 10:00:00 2026\nSubject: Away\nAuto-Submitted: auto-replied\n\nBack on Monday.\n\n";
    let spam = "From eve Mon Nov 23 10:00:00 2026\nSubject: Win\n\nA prize.\n\n";
    let mbox = [&report(&back, "failed", "4.2.2"), away, spam, &report(&back, "failed", "5.1.1")].concat();
    folder.write("bounces.mbox", &mbox);
    let line = 1 + mbox.lines().take_while(|line| !line.starts_with("From eve")).count();

    let first = json(Some(&database), &folder, &["bounces", "bounces.mbox"]).await;
    for (what, count) in [
        ("mails", 4),
        ("hard", 1),
        ("soft", 1),
        ("automatic", 1),
        ("again", 0),
        ("suppressed", 1),
        ("complaints", 0),
    ] {
        assert_eq!(first[what], count, "{what}: {first}");
    }
    assert_eq!(first["unrecognised"][0]["place"], format!("bounces.mbox:{line}"), "{first}");
    let told = json(Some(&database), &folder, &["suppressions", "--kind", "bounced", "--show"]).await;
    assert_eq!(told["suppressions"][0]["address"], "ada@customer.example", "{told}");
    let events = "SELECT count(*) FROM events WHERE name = 'Message Bounced'";
    assert_eq!(database.count(events).await, 2);

    let second = json(Some(&database), &folder, &["bounces", "bounces.mbox"]).await;
    assert_eq!(
        (&second["again"], &second["hard"], &second["suppressed"]),
        (&2.into(), &0.into(), &0.into()),
        "{second}"
    );
    assert_eq!(database.count(events).await, 2);

    // Taken back, its person is told.
    let removed =
        json(Some(&database), &folder, &["suppressions", "remove", "--address", "ada@customer.example"])
            .await;
    assert_eq!(removed["removed"], 1, "{removed}");
    let restored = "SELECT count(*) FROM events JOIN intake ON ref = id
                    WHERE name = 'Address Restored' AND payload #>> '{properties,address}' = 'ada@customer.example'";
    assert_eq!(database.count(restored).await, 1);

    std::fs::create_dir_all(folder.path().join("Maildir/new")).unwrap();
    folder.write("Maildir/new/1", spam.split_once('\n').unwrap().1);
    let table = call(Some(&database), &folder, &["bounces", "Maildir"]).await;
    assert_eq!(table.code, Some(0), "{table:?}");
    assert!(table.out.contains("mails                        1\n"), "{table:?}");
    assert!(table.out.contains("unrecognised                 1\n  Maildir/new/1: "), "{table:?}");
    let nothing = call(Some(&database), &folder, &["bounces", "nowhere"]).await;
    assert!(nothing.code == Some(1) && nothing.err.contains("can't read nowhere"), "{nothing:?}");
}

fn channels(port: u16, more: &str) -> String {
    format!(
        "channels:\n  email:\n    smtp: {{ host: 127.0.0.1, port: {port}, tls: none, user: shop, password: s3cret }}\n    \
         bounces: b.shop.example\n    dkim: [{{ domain: shop.example, selector: s1, key_file: dkim.pem }}]\n{more}"
    )
}

#[tokio::test]
async fn a_test_mail_goes_over_the_relay_or_nowhere() {
    let relay = Server::open(Manners::GUARDED).await;
    let folder = folder(&channels(relay.port, "allow_only: [shop.example]\n"));
    folder.write("dkim.pem", doctor::PRIVATE);
    let send =
        async |arguments: &[&str]| call(None, &folder, &[&["send-test", "--to"], arguments].concat()).await;
    let refused = send(&["ada@customer.example", "--template", "hello"]).await;
    assert!(
        refused.code == Some(1) && refused.err.contains("add it or its domain to allow_only"),
        "{refused:?}"
    );
    assert!(relay.mails().is_empty());

    let sent = send(&["qa@shop.example", "--template", "hello", "--locale", "de"]).await;
    assert_eq!(sent.code, Some(0), "{sent:?}");
    assert!(sent.out.contains("took it for qa@shop.example: queued there as 4XyZ"), "{sent:?}");
    let mail = relay.mails().pop().unwrap();
    assert_eq!(mail.to, "qa@shop.example");
    // Its bounce would come back to the domain of bounces, signed.
    let keys = KeyRing::new([(1, KEY.as_bytes().to_vec())]).unwrap();
    assert!(mail.from.ends_with("@b.shop.example") && keys.returned(&mail.from).is_some(), "{mail:?}");
    let text = mail.text();
    for part in [
        "DKIM-Signature: v=1; a=ed25519-sha256;",
        "Subject: [test] Willkommen, Sam\r\n",
        "plan basic.",
        "List-Unsubscribe: <",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let which = send(&["qa@shop.example"]).await;
    assert!(
        which.code == Some(1) && which.err.contains("say which with --sender; there are billing, shop"),
        "{which:?}"
    );
    let plain = send(&["qa@shop.example", "--sender", "billing", "--json"]).await;
    let told: Value = serde_json::from_str(&plain.out).unwrap();
    assert_eq!(
        (&told["accepted"], &told["from"]),
        (&true.into(), &"bill@mail.shop.example".into()),
        "{told}"
    );
    assert_eq!(relay.mails().len(), 2);

    let rude = Server::open(Manners::GUARDED).await;
    rude.script(At::Dot, Trouble::Says("550 5.7.1 no"));
    folder.write(
        "journeyman.yaml",
        format!("{POLICIES}{}", channels(rude.port, "allow_only: [shop.example]\n")),
    );
    let refused = send(&["qa@shop.example", "--sender", "billing"]).await;
    assert!(
        refused.code == Some(1) && refused.out.contains("did not take it: policy: 550 5.7.1 no"),
        "{refused:?}"
    );
    folder.write("journeyman.yaml", POLICIES);
    let none = send(&["qa@shop.example"]).await;
    assert!(none.code == Some(1) && none.err.contains("has no channels.email"), "{none:?}");
}
