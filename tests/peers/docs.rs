//! What the docs say works: every command in them is run, every configuration read.
//!
//! In a file's order: a block that starts the daemon starts one; every other shell block is run by bash in the file's
//! own folder, on the file's own database, with `journeyman` on its PATH; a JSON block is what the block before it
//! printed; a YAML block is a file of that folder, and all of them together pass `journeyman check`.

use std::path::Path;
use std::process::Stdio;

use journeyman_cli::config::Config;
use journeyman_journey::Source;

use crate::harness::daemon::{Daemon, command, serve};
use crate::harness::postgres::Database;
use crate::harness::{Folder, JOURNEYMAN, root};

const README_RUN: &str = "cargo run --release -- serve";
/// How README calls the binary.
const README_CALLS: &str = "cargo run --release -- ";
/// Made smaller here, and ending after its table.
const README_DEMO: &str = "cargo run --release -- demo";
const DEMO_HERE: &str = "journeyman demo --headless --days 2 --users 100 --database readme_demo";
const README_TEST: &str = "cargo test --workspace";

/// A fenced block: its language and text.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => open = Some((language.to_owned(), String::new())),
            (None, Some((_, text))) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is never closed");
    blocks
}

/// A service account as Firebase gives it out, with a key that opens nothing.
fn service_account() -> String {
    let key = root().join("crates/channels/src/dkim/samples/rsa-pkcs8.pem");
    serde_json::json!({
        "project_id": "shop", "client_email": "push@shop.example", "token_uri": "https://oauth2.example/token",
        "private_key": std::fs::read_to_string(key).unwrap(),
    })
    .to_string()
}

async fn check(path: &Path) -> usize {
    let text = std::fs::read_to_string(path).unwrap();
    let (database, folder) = (Database::new().await, Folder::new());
    std::os::unix::fs::symlink(JOURNEYMAN, folder.path().join("journeyman")).unwrap();
    if path.ends_with("README.md") || path.ends_with("channels.md") {
        // They speak of the project's own folder.
        copy(root(), folder.path(), &["journeyman.yaml", "journeys", "templates"]);
    }
    let (mut daemon, mut printed, mut run) = (None, String::new(), 0);
    for (language, text) in blocks(&text) {
        let place = format!("{}: {text}", path.display());
        match language.as_str() {
            "sh" if text.trim() == README_TEST => {
                let ci = std::fs::read_to_string(root().join(".ci/run")).unwrap();
                assert!(
                    ci.lines().any(|line| line == README_TEST),
                    "CI runs another test command than README's"
                );
            }
            "sh" if text.trim() == README_RUN || text.trim() == "journeyman serve" => {
                let home = Folder::new();
                let mut command = serve(home.path(), Some(&database.url()), &[]);
                command.env_remove("JOURNEYMAN_WRITE_KEYS");
                daemon = Some(Daemon::from(command, home).await);
            }
            "sh" if text.trim() == README_DEMO => {
                bash(DEMO_HERE, None, &database, &folder, &place).await;
            }
            "sh" => {
                printed = bash(
                    &text.replace(README_CALLS, "journeyman "),
                    daemon.as_ref(),
                    &database,
                    &folder,
                    &place,
                )
                .await
            }
            "json" => assert_eq!(printed.trim(), text.trim(), "{place}"),
            "yaml" if text.starts_with("# journeyman.yaml") => {
                let file = folder.write("documented.yaml", &text);
                // Secrets, longer than the shortest key of links.
                let secret = |name: &str| name.ends_with("_KEY") || name.ends_with("_PASSWORD");
                let variable = |name: &str| match name {
                    // Of these not any text will do.
                    "WEBHOOK_KEY" => Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
                    "FCM_KEY" => Some(service_account()),
                    name => secret(name).then(|| name.repeat(4)),
                };
                Config::read(Some(&file), variable).unwrap_or_else(|error| panic!("{place}\n{error}"));
                let source = Source { path: "journeyman.yaml".to_owned(), text: text.clone() };
                let checked = journeyman_journey::check(&[source], None, false);
                assert!(checked.deployment.is_some(), "{place}\n{:#?}", checked.diagnostics);
                if ["journeys.md", "catalog.md", "models.md"].iter().any(|name| path.ends_with(name)) {
                    folder.write("journeyman.yaml", &text);
                }
            }
            "yaml"
                if ["# journeys/", "# templates/", "# tracking.yaml"]
                    .iter()
                    .any(|file| text.starts_with(file)) =>
            {
                let name = text.lines().next().unwrap().trim_start_matches("# ");
                let file = folder.path().join(name);
                std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                std::fs::write(file, &text).unwrap();
            }
            "sql" => {
                let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(text.clone()));
                sql.execute(&database.pool).await.unwrap_or_else(|error| panic!("{place}\n{error}"));
            }
            // What a command prints, and fragments.
            "text" | "" => continue,
            other => panic!("no rule for a block of `{other}`: {place}"),
        }
        run += 1;
    }
    if folder.path().join("journeys").exists() {
        bash("journeyman check", None, &database, &folder, &format!("{}: its journeys", path.display()))
            .await;
    }
    run
}

fn copy(from: &Path, to: &Path, names: &[&str]) {
    let script = format!("cp -r {} {}/", names.join(" "), to.display());
    let copied = std::process::Command::new("bash").args(["-c", &script]).current_dir(from).status().unwrap();
    assert!(copied.success(), "{script}");
}

async fn bash(
    script: &str,
    daemon: Option<&Daemon>,
    database: &Database,
    folder: &Folder,
    place: &str,
) -> String {
    let mut script = script.to_owned();
    if let Some(daemon) = daemon {
        script = script.replace("http://127.0.0.1:8080", &daemon.public);
        script = script.replace("http://127.0.0.1:8081", &daemon.private);
    }
    // The harness's command, for its clean environment; bash in the place of the binary.
    let like = command(folder.path(), Some(&database.url()), &[]);
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let mut bash = tokio::process::Command::new("bash");
    for (name, value) in like.as_std().get_envs() {
        match value {
            Some(value) => bash.env(name, value),
            None => bash.env_remove(name),
        };
    }
    bash.args(["-eu", "-o", "pipefail", "-c", &script]).env("PATH", path).current_dir(folder.path());
    let output = bash.stdin(Stdio::null()).output().await.expect("bash");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{place}\n{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_in_the_docs_works() {
    let mut files = vec![root().join("README.md")];
    files.extend(std::fs::read_dir(root().join("docs")).unwrap().map(|file| file.unwrap().path()));
    files.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    files.sort();
    let mut run = 0;
    for file in &files {
        run += check(file).await;
    }
    println!("{run} blocks of {} files", files.len());
    assert!(run >= 15, "only {run} blocks were found: are they still fenced?");
}

#[test]
fn every_link_in_the_docs_leads_somewhere() {
    let mut files = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    files.extend(std::fs::read_dir(root().join("docs")).unwrap().map(|file| file.unwrap().path()));
    for file in files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "md")) {
        let text = std::fs::read_to_string(file).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.contains("://") {
                let target = file.parent().unwrap().join(link.split('#').next().unwrap());
                assert!(target.exists(), "{} links to {link}", file.display());
            }
        }
    }
}
