//! One private cluster for a test binary; a database from a template for each test.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};

use journeyman_store::{Limits, connect, migrate, options, partitions};
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection};

use super::{Folder, JOURNEYMAN};

const TEMPLATE: &str = "journeyman_template";

struct Cluster {
    options: PgConnectOptions,
    /// Holds the guard's standard input open. Never dropped: the process's end closes it, however it ends.
    _guard: Mutex<Child>,
}

/// The guard is started by the first test and ends with the binary.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        // A thread of its own: the caller is inside a runtime, and the template needs one too.
        std::thread::spawn(start).join().expect("the tests' Postgres")
    })
}

fn start() -> Cluster {
    let folder = Folder::new();
    let mut guard = Command::new(JOURNEYMAN)
        .arg("hold-postgres")
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the guard");
    // The guard deletes it.
    std::mem::forget(folder);
    let mut url = String::new();
    BufReader::new(guard.stdout.take().expect("piped")).read_line(&mut url).expect("the guard's line");
    assert!(url.starts_with("postgres"), "the guard found no Postgres; its standard error says why");
    let options = options(url.trim()).expect("the guard's URL");
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let mut admin = options.connect().await.expect("the tests' Postgres");
        admin.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {TEMPLATE}"))).await.expect("a template");
        let pool = connect(&options.clone().database(TEMPLATE), Limits::REPORTS);
        migrate(&pool).await.expect("migrations");
        partitions::ensure(&pool, super::door::now()).await.expect("partitions");
        pool.close().await;
        admin.close().await.expect("goodbye");
    });
    Cluster { options, _guard: Mutex::new(guard) }
}

/// A test's own database.
pub struct Database {
    name: String,
    pub options: PgConnectOptions,
    pub pool: PgPool,
}

impl Database {
    /// Migrated, with partitions.
    pub async fn new() -> Self {
        Self::from(TEMPLATE).await
    }

    /// As Postgres makes it.
    pub async fn empty() -> Self {
        Self::from("template1").await
    }

    /// A copy of another, as `createdb --template` makes it.
    pub async fn copy_of(other: &Self) -> Self {
        Self::from(&other.name).await
    }

    async fn from(template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let cluster = cluster();
        let name = format!("t_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut admin = admin().await;
        let create = format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log");
        admin.execute(sqlx::AssertSqlSafe(create)).await.expect("a database from the template");
        admin.close().await.expect("goodbye");
        let options = cluster.options.clone().database(&name);
        let pool = connect(&options, Limits { connections: 10, ..Limits::REPORTS });
        Self { name, options, pool }
    }

    /// For processes.
    pub fn url(&self) -> String {
        self.options.to_url_lossy().to_string()
    }

    /// One number by plain SQL.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.expect(sql)
    }

    /// One text by plain SQL.
    pub async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.expect(sql)
    }
}

impl Drop for Database {
    /// Frees the disk; the cluster's end would do it too, after the last test.
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut admin = cluster().options.connect().await?;
                admin.execute(sqlx::AssertSqlSafe(drop)).await?;
                admin.close().await
            })?;
            Ok::<_, anyhow::Error>(())
        });
        let _ = dropped.join();
    }
}

async fn admin() -> PgConnection {
    cluster().options.connect().await.expect("the tests' Postgres")
}
