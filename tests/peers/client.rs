//! `@segment/analytics-node` as a process, and what it reports.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::harness::door::KEY;
use crate::harness::root;

pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    heard: Heard,
}

/// What the client reported.
#[derive(Debug, Default)]
pub struct Heard {
    /// The headers of every request.
    pub requests: Vec<Value>,
    /// How many of them were sent again.
    pub retries: usize,
    /// Every answer that arrived, in its order.
    pub statuses: Vec<u64>,
    /// The messages it holds for delivered.
    pub delivered: BTreeSet<String>,
    /// How often it said of one that it is.
    pub deliveries: usize,
    /// The messages it gave up, and why.
    pub failed: Vec<String>,
}

impl Client {
    /// Starts one on a scenario of segment.mjs.
    pub fn start(host: &str, scenario: &str, settings: &Value) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/segment.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .args([host, KEY, scenario, &settings.to_string()])
            .env("JOURNEYMAN_PEERS", peers())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("node does not run ({error}): install Node.js 20 or newer"));
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let input = child.stdin.take();
        Self { child, input, lines, heard: Heard::default() }
    }

    /// Asks for the next wave.
    pub async fn wave(&mut self) {
        self.input.as_mut().expect("not closed yet").write_all(b"on\n").await.expect("the client reads");
    }

    /// Waits for a report of that kind.
    pub async fn until(&mut self, said: &str) -> Value {
        loop {
            let report =
                self.next().await.unwrap_or_else(|| panic!("it ended without a {said}: {:?}", self.heard));
            if report["said"] == said {
                return report;
            }
        }
    }

    /// No more waves; waits for its end.
    pub async fn end(mut self) -> Heard {
        self.input = None;
        self.until("done").await;
        let status = self.child.wait().await.expect("its end");
        assert!(status.success(), "{status}: {:?}", self.heard);
        assert_eq!(self.heard.deliveries, self.heard.delivered.len(), "it reported a message twice");
        self.heard
    }

    async fn next(&mut self) -> Option<Value> {
        let line = self.lines.next_line().await.expect("a line")?;
        let report: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no report: {line}"));
        let heard = &mut self.heard;
        match report["said"].as_str() {
            Some("request") => {
                heard.requests.push(report["headers"].clone());
                heard.retries += usize::from(report["retry"] != 0);
            }
            Some("response") => heard.statuses.extend(report["status"].as_u64()),
            Some("delivered") => {
                heard.deliveries += 1;
                heard.delivered.insert(report["id"].as_str().expect("an id").to_owned());
            }
            Some("failed") => heard.failed.push(format!("{} {}", report["id"], report["reason"])),
            _ => {}
        }
        Some(report)
    }
}

/// The folder the peers are installed in.
pub fn folder() -> PathBuf {
    let given = std::env::var_os("JOURNEYMAN_PEERS").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    std::path::absolute(given.unwrap_or_else(|| root().join("target/peers"))).expect("a path")
}

/// The same, where it has the client.
pub fn peers() -> PathBuf {
    let folder = folder();
    assert!(
        folder.join("node_modules/@segment/analytics-node/package.json").exists(),
        "@segment/analytics-node is not in {0}: copy package.json and package-lock.json from tests/peers there and \
         run `npm ci` in it, or set JOURNEYMAN_PEERS to the folder that has it",
        folder.display()
    );
    folder
}
