//! A shop of the tests: a database, journeys that are applied to it by `journeyman apply`, and what its customers do.

use std::time::Duration;

use reqwest::Client;

use super::Folder;
use super::daemon::{Daemon, Ended, command, run};
use super::door::{KEY, batch, client};
use super::postgres::Database;

/// Two messages an order, a second between them.
pub const ORDERS: &str = "journey: orders
kind: transactional
enter:
  on: Order Placed
  per: order_id
steps:
  - id: first
    send: thanks
    channel: inbox
  - wait: 1s
  - id: second
    send: how-was-it
    channel: inbox
";

/// How long anything may take that is only waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Shop {
    pub database: Database,
    folder: Folder,
    pub http: Client,
}

impl Shop {
    /// A database with these journeys live, each under the name it calls itself.
    pub async fn with(journeys: &[&str]) -> Self {
        let shop = Self::closed().await;
        let applied = shop.apply(journeys).await;
        assert_eq!(applied.code, Some(0), "{applied:?}");
        shop
    }

    /// A database without journeys.
    pub async fn closed() -> Self {
        Self { database: Database::new().await, folder: Folder::new(), http: client() }
    }

    /// Puts these journeys live, and no others.
    pub async fn apply(&self, journeys: &[&str]) -> Ended {
        let dir = self.folder.path().join("journeys");
        // There is none the first time.
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir(&dir).expect("a folder");
        for journey in journeys {
            let name = journey.lines().next().and_then(|line| line.strip_prefix("journey: "));
            self.folder.write(&format!("journeys/{}.yaml", name.expect("its name")), journey);
        }
        run(command(self.folder.path(), Some(&self.database.url()), &["apply"])).await
    }

    /// A daemon right at the database.
    pub async fn daemon(&self) -> Daemon {
        Daemon::start(&self.database.url()).await
    }

    /// Posts messages to a daemon; whether they were taken. Of one that dies meanwhile nobody knows.
    pub async fn post(&self, public: &str, messages: &[String]) -> bool {
        let request = self.http.post(format!("{public}/v1/batch")).basic_auth(KEY, Some(""));
        let answer = request.body(batch(messages)).send().await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    /// Posts and asserts that they were taken.
    pub async fn take(&self, daemon: &Daemon, messages: &[String]) {
        assert!(self.post(&daemon.public, messages).await, "not taken");
    }
}

/// An order, as a message; its id is the message's too.
pub fn order(id: &str, user: &str) -> String {
    happens("Order Placed", id, user, &format!(r#""order_id":"{id}""#))
}

/// Something that happens.
pub fn happens(event: &str, id: &str, user: &str, properties: &str) -> String {
    format!(
        r#"{{"type":"track","event":"{event}","userId":"{user}","messageId":"{event} {id}",
            "properties":{{{properties}}}}}"#
    )
}

/// A moment, as the tracking form has it.
pub fn days_ago(days: i64) -> String {
    let now = super::door::now().timestamp();
    (now - jiff::SignedDuration::from_hours(24 * days)).to_string()
}
