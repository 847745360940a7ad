//! `journeyman doctor`.

use serde_json::Value;

use super::names::{self, Records};
use super::{channels, folder};
use crate::harness::Folder;
use crate::harness::daemon::{Daemon, command, run};
use crate::harness::postgres::Database;
use crate::harness::smtp::{Manners, Server};

/// A key, and its public half.
pub const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIF/fNiqoVIphMpJFcuUUG6II8LKaa6MoOkb5XclypmBS
-----END PRIVATE KEY-----
";
const PUBLIC: &str = "OdYE16u054SMRJNrc0i+1eLLqB1LMjpI4tpyGIIiXwc=";

/// Everything that has to be published.
fn records(public: &str) -> Records {
    // A text longer than one piece can be.
    let spf = format!("v=spf1 {} -all", "ip4:192.0.2.1 ".repeat(20));
    vec![
        ("b.shop.example", spf),
        ("b.shop.example", "MX mx.shop.example".to_owned()),
        ("s1._domainkey.shop.example", format!("v=DKIM1; k=ed25519; p={public}")),
        ("_dmarc.shop.example", "v=DMARC1; p=quarantine".to_owned()),
    ]
}

/// What the doctor says: exit code, and health, area and words of each finding that is not well.
async fn look(
    folder: &Folder,
    url: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> (Option<i32>, Vec<String>) {
    let arguments = [&["doctor", "--json"], arguments].concat();
    let mut command = command(folder.path(), Some(url), &arguments);
    command.envs(variables.iter().copied());
    let ended = run(command).await;
    let said: Value = serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let findings = said["findings"].as_array().unwrap().iter().filter(|one| one["health"] != "ok");
    let line = |one: &Value| {
        let part = |name: &str| one[name].as_str().unwrap().to_owned();
        format!("{} {}: {} → {}", part("health"), part("area"), part("what"), part("todo"))
    };
    (ended.code, findings.map(line).collect())
}

/// One door: a doctor's visit to its exit code and the beginnings of what is not well.
async fn check(folder: &Folder, url: &str, arguments: &[&str], code: i32, expected: &[&str]) {
    let (ended, found) = look(folder, url, arguments, &[]).await;
    let same =
        found.len() == expected.len() && found.iter().zip(expected).all(|(found, part)| found.contains(part));
    assert!(ended == Some(code) && same, "{arguments:?}: {ended:?} {found:#?}\nwanted {code} {expected:#?}");
}

#[tokio::test]
async fn it_names_what_is_broken_and_what_to_do() {
    let database = Database::new().await;
    let url = database.url();
    let relay = Server::open(Manners::GUARDED).await;
    let folder = folder(&channels(relay.port, ""));
    folder.write("dkim.pem", PRIVATE);
    let dns = names::open(Some(records(PUBLIC))).await.to_string();
    check(&folder, &url, &["--dns", &dns], 0, &[]).await;
    let table = run(command(folder.path(), Some(&url), &["doctor", "--dns", &dns])).await;
    assert!(table.out.ends_with("all is well\n"), "{table:?}");
    assert!(table.out.contains("took name and password, takes mails"), "{table:?}");
    assert!(table.out.lines().all(|line| line.chars().count() <= 100), "{table:?}");
    assert!(relay.mails().is_empty());

    let other = names::open(Some(records("AAAA"))).await.to_string();
    let another = "broken dkim: s1._domainkey.shop.example has another key than mail is signed with → replace it by TXT \
                   s1._domainkey.shop.example: v=DKIM1; k=ed25519; p=OdYE16u054SMRJNrc0i+1eLLqB1LMjpI4tpyGIIiXwc=";
    check(&folder, &url, &["--dns", &other], 2, &[another]).await;
    let empty = names::open(Some(Vec::new())).await.to_string();
    let missing = [
        "look spf: b.shop.example does not say",
        "broken dkim: s1._domainkey.shop.example has no key",
        "look dmarc: mail.shop.example says nothing",
        "broken bounces: b.shop.example takes no mail",
    ];
    check(&folder, &url, &["--dns", &empty], 2, &missing).await;
    // A server that says nothing is no server that says no.
    let silent = names::open(None).await.to_string();
    check(&folder, &url, &["--dns", &silent], 1, &["look dns: DNS does not answer here"]).await;
}

#[tokio::test]
async fn it_says_which_step_of_a_relay_fails() {
    let database = Database::new().await;
    let url = database.url();
    let dns = names::open(Some(records(PUBLIC))).await.to_string();
    let good = Server::open(Manners::GUARDED).await.port;
    let unwelcome = Server::open(Manners { auth: "535 5.7.8 bad credentials", ..Manners::GUARDED }).await;
    let bare = Server::open(Manners { offers: &[], ..Manners::GOOD }).await;
    for (written, expected) in [
        (channels(unwelcome.port, ""), "AUTH: 535 5.7.8 bad credentials → see that user and password"),
        (channels(bare.port, ""), "the server offers neither PLAIN nor LOGIN"),
        (channels(bare.port, "").replace("tls: none", "tls: starttls"), "STARTTLS"),
        (channels(good, "").replace("tls: none", "tls: implicit"), "TLS"),
        (channels(1, ""), "connecting: Connection refused"),
    ] {
        let folder = folder(&written);
        folder.write("dkim.pem", PRIVATE);
        check(&folder, &url, &["--dns", &dns], 2, &["broken relay: 127.0.0.1:"]).await;
        let (_, found) = look(&folder, &url, &["--dns", &dns], &[]).await;
        assert!(found[0].contains(expected), "{found:?}, not {expected}");
    }
    let folder = folder(&channels(good, ""));
    folder.write("dkim.pem", "no key");
    let unsigned = [
        "broken dkim: the key s1 of shop.example can't sign",
        "look dkim: mail from mail.shop.example is not signed",
    ];
    check(&folder, &url, &["--dns", &dns], 2, &unsigned).await;
}

#[tokio::test]
async fn it_looks_at_configuration_files_and_database() {
    let database = Database::new().await;
    let url = database.url();
    let folder = folder("");
    check(&folder, &url, &[], 0, &[]).await;
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing";
    check(&folder, nowhere, &[], 2, &["broken database: "]).await;
    // It migrates nothing, and claims nothing.
    let empty = Database::empty().await;
    check(&folder, &empty.url(), &[], 0, &[]).await;
    assert_eq!(empty.count("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await, 0);
    folder.write("journeys/hello.yaml", "journey: hello\n");
    check(&folder, &url, &[], 2, &["broken files: 1 journey, 0 segments, 1 template: "]).await;
    folder.write("journeyman.yaml", "enviroment: dev\n");
    check(&folder, &url, &[], 2, &["broken configuration: journeyman.yaml: "]).await;
    let bare = Folder::new();
    check(&bare, &url, &[], 1, &["look files: there are no journeys"]).await;
}

#[tokio::test]
async fn in_production_it_follows_a_link() {
    let database = Database::new().await;
    let daemon = Daemon::start(&database.url()).await;
    let relay = Server::open(Manners::GUARDED).await;
    let dns = names::open(Some(records(PUBLIC))).await.to_string();
    let production = |domain: &str| {
        let more = format!("{}environment: production\nwrite_keys: {{ web: k }}\n", channels(relay.port, ""));
        let folder = folder(&more);
        folder.write("dkim.pem", PRIVATE);
        let text = std::fs::read_to_string(folder.path().join("journeyman.yaml")).unwrap();
        let links = format!("links: {{ domain: \"{domain}\", keys: {{ 1: $LINKS }} }}");
        folder.write("journeyman.yaml", text.replace("links: { keys: { 1: 0123456789abcdef0123 } }", &links));
        folder
    };
    let variables = [("LINKS", super::KEY)];
    // The tests' own server does not sync, which is no matter but here.
    let guard = "broken guard: nothing is sent: the configuration says environment production";
    for (domain, expected) in [
        (
            daemon.public.clone(),
            format!("look links: {}: mail programs warn of links without https", daemon.public),
        ),
        (daemon.private.clone(), format!("broken links: {} leads to something else", daemon.private)),
        ("http://127.0.0.1:1".to_owned(), "broken links: http://127.0.0.1:1 can't be reached".to_owned()),
    ] {
        let (code, found) = look(&production(&domain), &database.url(), &["--dns", &dns], &variables).await;
        assert_eq!(code, Some(2), "{found:#?}");
        let expected = ["look database: fsync is off", guard, &expected];
        let same = found.len() == 3 && found.iter().zip(expected).all(|(found, part)| found.contains(part));
        assert!(same, "{found:#?}, not {expected:?}");
    }
    daemon.stop().await;
}
