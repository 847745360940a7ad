//! What stands in a mail, followed over real sockets: links, pixels, unsubscribing, preferences, and what bounces.

mod away;
mod bounces;
mod clicks;
mod forged;
mod preferences;
mod unsubscribe;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use journeyman_api::ingest::{Limits as IngestLimits, WriteKeys};
use journeyman_api::tracking::Limits;
use journeyman_api::{Ingest, Tracking, public, server};
use journeyman_domain::link::{KeyRing, Link, Purpose};
use journeyman_domain::person::{Consents, Hot, encode_hot};
use journeyman_domain::plan::{Channel, PlanHash};
use journeyman_domain::row::{PersonRow, QueuedRow, Write};
use journeyman_domain::{MessageId, PersonId, ShopClock, ShopTime};
use journeyman_engine::Doorbell;
use journeyman_store::deployments::{self, Label, StoredSource};
use journeyman_store::{Batch, Limits as Connections, connect};
use reqwest::RequestBuilder;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::harness::Folder;
use crate::harness::door::{KEY, now};
use crate::harness::postgres::Database;
use crate::harness::until::until;

const ANNA: PersonId = PersonId(1);
const BEN: PersonId = PersonId(2);
/// A browser, as it says itself what it is.
const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const TARGET: &str = "https://shop.example/cart?id=1";
/// How long what must come may take.
const PATIENCE: Duration = Duration::from_secs(20);

const SHOP: &str = "topics:
  reminders: { name: { en: Reminders, de: Erinnerungen }, consent: opt_out }
  offers: { name: { en: Offers & more, de: Angebote }, consent: opt_in }
senders:
  shop: { from: hello@mail.shop.example, name: { en: The Shop, de: Der Laden }, stream: marketing }
";

/// The shop's clock, moved by hand.
struct Hand(AtomicI64);

impl ShopClock for Hand {
    fn now(&self) -> ShopTime {
        ShopTime::from_microsecond(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// The public door with tracking, on a free port.
struct Stage {
    database: Database,
    tracking: Arc<Tracking>,
    clock: Arc<Hand>,
    bell: Doorbell,
    keys: KeyRing,
    message: MessageId,
    url: String,
    http: reqwest::Client,
    stop: CancellationToken,
    spool: Folder,
}

fn ring(keys: &[u8]) -> KeyRing {
    KeyRing::new(keys.iter().map(|key| (*key, vec![*key; 32]))).unwrap()
}

/// A door and what is behind it.
async fn open(
    options: &PgConnectOptions,
    spool: &Path,
    clock: Arc<Hand>,
    limits: Limits,
) -> (Arc<Tracking>, Doorbell, String, CancellationToken) {
    let bell = Doorbell::default();
    let wake = {
        let bell = bell.clone();
        Arc::new(move |shards| bell.ring(shards))
    };
    let keys = WriteKeys::new([("web", KEY)]);
    let door = connect(options, Connections::INGEST);
    let ingest = Ingest::start(door, keys, clock.clone(), wake.clone(), IngestLimits::DEFAULT);
    let pool = connect(options, Connections::REPORTS);
    let tracking = Tracking::start(pool, ingest.clone(), ring(&[1, 2]), clock, spool, wake, limits).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(server::serve(listener, public(ingest).merge(tracking.routes()), stop.clone()));
    (tracking, bell, url, stop)
}

impl Stage {
    async fn new() -> Self {
        let database = Database::new().await;
        let options = database.options.clone();
        // However slow the machine is: what is answered is in the database, and nothing goes by way of the disk.
        let limits = Limits { patience: PATIENCE, page_patience: PATIENCE, ..Limits::DEFAULT };
        Self::behind(database, &options, limits).await
    }

    /// With another way to the database.
    async fn behind(database: Database, options: &PgConnectOptions, limits: Limits) -> Self {
        for person in [ANNA, BEN] {
            sqlx::query(
                "INSERT INTO heads (person_id, assignment_key, born_at) VALUES ($1, $1 * 100, now())",
            )
            .bind(person.0)
            .execute(&database.pool)
            .await
            .unwrap();
        }
        let clock = Arc::new(Hand(AtomicI64::new(now().as_microsecond())));
        let message = MessageId::new(ANNA, 1, clock.now(), "hello", 1, 1);
        let spool = Folder::new();
        let (tracking, bell, url, stop) = open(options, spool.path(), clock.clone(), limits).await;
        let http = crate::harness::door::builder().redirect(reqwest::redirect::Policy::none());
        let http = http.build().unwrap();
        Self { database, tracking, clock, bell, keys: ring(&[1, 2]), message, url, http, stop, spool }
    }

    fn at(&self) -> ShopTime {
        self.clock.now()
    }

    fn later(&self, milliseconds: i64) {
        self.clock.0.fetch_add(milliseconds * 1000, Ordering::Relaxed);
    }

    fn token(&self, purpose: Purpose) -> String {
        self.keys.sign(2, &Link { message: self.message, person: ANNA, purpose })
    }

    fn link(&self, position: u16, target: &str) -> String {
        format!("/c/{}", self.token(Purpose::Click { position, target: target.to_owned() }))
    }

    fn pixel(&self) -> String {
        format!("/o/{}.gif", self.token(Purpose::Open))
    }

    fn unsubscribe(&self) -> String {
        format!("/u/{}", self.token(Purpose::Unsubscribe))
    }

    fn preferences(&self) -> String {
        format!("/p/{}", self.token(Purpose::Preferences))
    }

    /// A browser's request.
    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.url)).header("user-agent", CHROME)
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let body = form.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
        let body = body.collect::<Vec<_>>().join("&");
        let request = self.http.post(format!("{}{path}", self.url)).header("user-agent", CHROME);
        request.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// Puts journeyman.yaml and what else is given live.
    async fn deploy(&self, files: &[(&str, &str)]) {
        let sources = files.iter().map(|(path, text)| StoredSource {
            hash: PlanHash::of_text(text),
            kind: if *path == "journeyman.yaml" { 3 } else { 1 },
            name: path.to_string(),
            path: path.to_string(),
            text: text.to_string(),
            pinned: false,
        });
        let sources: Vec<StoredSource> = sources.collect();
        let mut connection = self.database.pool.acquire().await.unwrap();
        deployments::insert(
            &mut connection,
            &Label { at: self.at(), note: "", environment: "dev", author: "" },
            &sources,
            &[],
        )
        .await
        .unwrap();
    }

    /// Says what is known of Anna.
    async fn known(&self, traits: Value, consents: Consents) {
        let hot = Hot { consents, ..Hot::default() };
        let person = PersonRow {
            person: ANNA,
            version: 0,
            n: 0,
            zone: None,
            armed: None,
            hot: encode_hot(&hot),
            merged_into: None,
        };
        sqlx::query("DELETE FROM persons").execute(&self.database.pool).await.unwrap();
        let traits = vec![(ANNA, traits.to_string(), "{}".to_owned())];
        self.write(&Write { now: self.at(), people: vec![person], traits, ..Write::default() }).await;
    }

    /// Queues the message to Anna, about reminders.
    async fn queue(&self) {
        let queued = QueuedRow {
            message: self.message,
            person: ANNA,
            run: 1,
            journey: "welcome".into(),
            step: "hello".into(),
            visit: 1,
            leg: 1,
            channel: Channel::Email,
            address: "Anna@shop.example".into(),
            template: "hello".into(),
            marketing: true,
            topic: Some("reminders".into()),
            sender: None,
            data: "{}".into(),
            queued_at: self.at(),
        };
        self.write(&Write { now: self.at(), queued: vec![queued], ..Write::default() }).await;
    }

    async fn write(&self, write: &Write) {
        let mut batch = Batch::begin(&self.database.pool).await.unwrap();
        batch.deployment().await.unwrap();
        batch.write(write).await.unwrap();
        batch.commit().await.unwrap();
    }

    /// Name, person and properties of what is in intake, in its order.
    async fn told(&self) -> Vec<(String, i64, Value)> {
        told(&self.database).await
    }

    /// The same, once there is so much.
    async fn told_of(&self, count: usize) -> Vec<(String, i64, Value)> {
        let look = async || Some(self.told().await).filter(|told| told.len() >= count);
        let (told, _) = until(&format!("{count} events"), PATIENCE, look).await;
        assert_eq!(told.len(), count, "{told:?}");
        told
    }

    /// What is suppressed, each in a line.
    async fn suppressed(&self) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT concat_ws(' ', channel, address, coalesce(nullif(topic, ''), '*'), kind,
                              CASE WHEN event IN (SELECT id FROM events) THEN 'told' END)
             FROM suppressions ORDER BY 1",
        )
        .fetch_all(&self.database.pool)
        .await
        .unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn told(database: &Database) -> Vec<(String, i64, Value)> {
    sqlx::query_as(
        "SELECT e.name, i.person_id, e.payload -> 'properties'
         FROM intake i JOIN events e ON e.id = i.ref AND e.person_id = i.person_id
         WHERE e.source = 'tracking' ORDER BY i.seq",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap()
}

/// As a form escapes it.
fn escaped(value: &str) -> String {
    value
        .bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

/// A page, once its headers are what every page's are.
async fn page(request: RequestBuilder, status: u16) -> String {
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), status);
    let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap());
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("cache-control"), "no-store, private");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("x-robots-tag"), "noindex, nofollow");
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("set-cookie"), "");
    let policy = header("content-security-policy");
    for part in ["default-src 'none'", "style-src 'sha256-", "frame-ancestors 'none'", "form-action 'self'"] {
        assert!(policy.contains(part), "{policy}");
    }
    let language = header("content-language").to_owned();
    let html = response.text().await.unwrap();
    assert!(
        html.starts_with("<!doctype html>") && html.contains(&format!("<html lang=\"{language}\">")),
        "{html}"
    );
    // Nothing is loaded from anywhere, and nothing runs.
    for part in ["<script", "<img", "src=", "@import", "url(", " style=", "onclick"] {
        assert!(!html.contains(part), "{part} in {html}");
    }
    html
}
