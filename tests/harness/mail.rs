//! A shop that sends mail: its folder, its database, and what becomes of its messages.

use std::path::Path;
use std::time::Duration;

use journeyman_domain::link::{KeyRing, Link, Purpose};
use journeyman_domain::{MessageId, PersonId};
use journeyman_store::outbox::State;
use reqwest::Client;
use uuid::Uuid;

use super::daemon::{Daemon, Ended, command, run, serve};
use super::door::{KEY, answer, batch};
use super::postgres::Database;
use super::until::until;
use super::{Folder, root};

/// What the tests' links are signed with.
pub const LINK_KEY: &str = "0123456789abcdef0123";

/// What the shop says of itself. Nobody but the customers of one domain is written to.
pub const POLICIES: &str = "currency: EUR
time_zone: Europe/Berlin
locales: [en, de]
topics:
  reminders: { name: { en: Reminders, de: Erinnerungen }, consent: opt_out }
senders:
  shop:
    from: hello@mail.shop.example
    name: { en: The Shop, de: Der Laden }
    reply_to: care@shop.example
    stream: marketing
  billing:
    from: billing@tx.shop.example
    name: { en: Billing, de: Rechnungen }
    stream: transactional
links: { keys: { 1: 0123456789abcdef0123 } }
allow_only: [customer.example]
";

/// How mail leaves: by a relay on this machine; `more` says what else there is, such as `, connections: 8`.
pub fn relay(port: u16, more: &str) -> String {
    format!(
        "channels:\n  email:\n    smtp: {{ host: 127.0.0.1, port: {port}, tls: none{more} }}\n    \
         bounces: bounce.shop.example\n"
    )
}

pub struct MailShop {
    pub database: Database,
    pub folder: Folder,
    pub http: Client,
}

/// A message as the database knows it, on its way or over.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub id: MessageId,
    pub person: PersonId,
    pub state: State,
    pub attempts: i32,
    pub reason: String,
    /// In how many seconds it may be tried again, where it has to wait.
    pub waits: Option<f64>,
}

impl MailShop {
    /// A shop with these files live, each by its path; `journeyman.yaml` is one of them.
    pub async fn open(files: &[(&str, &str)]) -> Self {
        let http = super::door::builder().redirect(reqwest::redirect::Policy::none());
        let http = http.build().expect("a client");
        let shop = Self { database: Database::new().await, folder: Folder::new(), http };
        for (path, text) in files {
            shop.write(path, text);
        }
        shop.apply().await;
        shop
    }

    /// Writes a file of the shop.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.folder.path().join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, text).expect("a file");
    }

    /// A command in the shop's folder.
    pub async fn call(&self, arguments: &[&str]) -> Ended {
        run(command(self.folder.path(), Some(&self.database.url()), arguments)).await
    }

    /// Puts what stands in the folder live.
    pub async fn apply(&self) {
        let applied = self.call(&["apply"]).await;
        assert_eq!(applied.code, Some(0), "{applied:?}");
    }

    /// A daemon of the shop's configuration.
    pub async fn daemon(&self) -> Daemon {
        let home = Folder::new();
        let mut command = serve(self.folder.path(), Some(&self.database.url()), &[]);
        command.env("JOURNEYMAN_DATA_DIR", home.path());
        Daemon::from(command, home).await
    }

    /// Ends the leases of a daemon that is dead, sooner than they would.
    pub async fn bury(&self) {
        for end in [
            "UPDATE slices SET until = now() - interval '1 ms' WHERE worker IS NOT NULL",
            "UPDATE dispatch_queues SET until = now() - interval '1 ms' WHERE worker IS NOT NULL",
            "UPDATE workers SET until = now() - interval '1 ms'",
        ] {
            sqlx::query(end).execute(&self.database.pool).await.expect(end);
        }
    }

    /// Posts messages and asserts that each was taken.
    pub async fn take(&self, daemon: &Daemon, messages: &[String]) {
        for some in messages.chunks(200) {
            let request = self.http.post(format!("{}/v1/batch", daemon.public)).basic_auth(KEY, Some(""));
            let answer = answer(request.body(batch(some))).await;
            let errors = answer.body["errors"].as_array().is_some_and(Vec::is_empty);
            assert!(answer.status == 200 && errors, "{answer:?}");
        }
    }

    /// A user's messages, the first queued first.
    pub async fn known(&self, user: &str) -> Vec<Known> {
        type Row = (Uuid, i64, i16, i32, Option<String>, Option<f64>);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT m.id, m.person_id, m.state, m.attempts, m.reason,
                    extract(epoch FROM m.not_before - now())::float8
             FROM (SELECT message_id AS id, person_id, state, attempts, reason, not_before, queued_at
                   FROM outbox
                   UNION ALL
                   SELECT id, person_id, state, attempts, reason, NULL, queued_at FROM messages) m
             JOIN identities i ON i.person_id = m.person_id
             WHERE i.value = $1 ORDER BY m.queued_at, m.id",
        )
        .bind(user)
        .fetch_all(&self.database.pool)
        .await
        .expect("the messages");
        rows.into_iter()
            .map(|(id, person, state, attempts, reason, waits)| Known {
                id: MessageId(id),
                person: PersonId(person),
                state: State::from_code(state).expect("a state"),
                attempts,
                reason: reason.unwrap_or_default(),
                waits,
            })
            .collect()
    }

    /// A user's last message, once it is so.
    pub async fn until(&self, user: &str, what: &str, is: impl Fn(&Known) -> bool) -> Known {
        let what = format!("{user}'s message {what}");
        let look = async || self.known(user).await.pop().filter(&is);
        until(&what, super::shop::PATIENCE, look).await.0
    }

    /// Lets what waits for another try wait no longer.
    pub async fn hurry(&self) {
        let now = "UPDATE outbox SET not_before = now() - interval '1 s' WHERE not_before IS NOT NULL";
        sqlx::query(now).execute(&self.database.pool).await.expect(now);
    }

    /// Waits until nothing waits but what nobody knows of; answers how long it took.
    pub async fn settle(&self, within: Duration) -> Duration {
        let rest = "SELECT (SELECT count(*) FROM intake) + (SELECT count(*) FROM outbox WHERE state <> 4)
                         + (SELECT count(*) FROM runs) + (SELECT count(*) FROM due WHERE due_at <= now())";
        until("nothing left", within, async || (self.database.count(rest).await == 0).then_some(())).await.1
    }

    /// The path of a link of a message, signed as the daemon does it.
    pub fn link(&self, known: &Known, purpose: Purpose) -> String {
        let keys = keys();
        let way = match &purpose {
            Purpose::Click { .. } | Purpose::Honeypot => "c",
            Purpose::Open => "o",
            Purpose::Unsubscribe => "u",
            Purpose::Preferences => "p",
        };
        let link = Link { message: known.id, person: known.person, purpose };
        format!("/{way}/{}", keys.sign(1, &link))
    }
}

/// The ring of the tests' key.
pub fn keys() -> KeyRing {
    KeyRing::new([(1, LINK_KEY.as_bytes().to_vec())]).expect("a key")
}

/// Who somebody is: unless their traits say otherwise, their name stands left in their address.
pub fn identify(user: &str, traits: &str) -> String {
    let email = format!(r#""email":"{user}@customer.example""#);
    let traits = match traits {
        "" => email,
        traits if traits.contains(r#""email":"#) => traits.to_owned(),
        traits => format!("{email},{traits}"),
    };
    format!(r#"{{"type":"identify","userId":"{user}","messageId":"identify {user}","traits":{{{traits}}}}}"#)
}

/// The templates that the project ships: path and text.
pub fn shipped() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((name, std::fs::read_to_string(&path).expect("a text")));
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join("templates"), &mut found);
    found
}
