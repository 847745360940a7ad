//! The daemon as a process.

use rustix::process::Signal;

use crate::harness::daemon::{Daemon, run, serve};
use crate::harness::door::{KEY, answer, client};
use crate::harness::postgres::Database;
use crate::harness::{Folder, daemon};

#[tokio::test]
async fn it_serves_tells_its_health_and_stops_cleanly() {
    let database = Database::empty().await;
    let daemon = Daemon::start(&database.url()).await;
    assert!(daemon.said.iter().any(|line| line.contains("because DATABASE_URL is set")), "{:?}", daemon.said);
    let http = client();
    let get = |address: &str, path: &str| answer(http.get(format!("{address}{path}")));
    assert_eq!(get(&daemon.private, "/healthz").await.status, 200);
    let ready = get(&daemon.private, "/readyz").await;
    assert_eq!(ready.status, 200);
    assert_eq!((&ready.body["ready"], &ready.body["sending"]), (&true.into(), &true.into()));
    // The public listener shows the world nothing but ingest.
    assert_eq!(get(&daemon.public, "/readyz").await.status, 404);
    assert_eq!(get(&daemon.public, "/healthz").await.status, 404);
    let post = |body: &'static str| {
        answer(http.post(format!("{}/v1/track", daemon.public)).basic_auth(KEY, Some("")).body(body))
    };
    assert_eq!(post(r#"{"event":"X","userId":"u"}"#).await.status, 200);
    let (code, rest) = daemon.stop().await;
    assert_eq!((code, rest.as_str()), (Some(0), "stopped\n"));
    assert_eq!(database.count("SELECT count(*) FROM events").await, 1);
}

#[tokio::test]
async fn requests_under_way_are_answered_before_it_stops() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let database = Database::new().await;
    let daemon = Daemon::start(&database.url()).await;
    let body = format!(r#"{{"event":"X","userId":"u","writeKey":"{KEY}"}}"#);
    let mut open =
        tokio::net::TcpStream::connect(daemon.public.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST /v1/track HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    open.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    open.read_exact(&mut go_on).await.unwrap();
    daemon.signal(Signal::TERM);
    open.write_all(body.as_bytes()).await.unwrap();
    let mut said = String::new();
    open.read_to_string(&mut said).await.unwrap();
    assert!(said.contains("HTTP/1.1 200 OK"), "{said}");
    let mut daemon = daemon;
    assert_eq!(daemon.child.wait().await.unwrap().code(), Some(0));
    assert_eq!(database.count("SELECT count(*) FROM events").await, 1);
}

#[tokio::test]
async fn a_database_that_does_not_come_ends_it_with_1() {
    let folder = Folder::new();
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let url = format!("postgres://nobody:s3cret@127.0.0.1:{port}/nothing");
    let ended = run(serve(folder.path(), Some(&url), &["--wait-database", "1"])).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("waiting for the database"), "{}", ended.err);
    assert!(ended.err.contains("did not come within 1 s"), "{}", ended.err);
    assert!(!ended.err.contains("s3cret"), "{}", ended.err);
}

#[tokio::test]
async fn an_address_in_use_and_a_bad_configuration_are_said() {
    let folder = Folder::new();
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut command = serve(folder.path(), None, &[]);
    command.env("JOURNEYMAN_LISTEN_PUBLIC", taken.local_addr().unwrap().to_string());
    let ended = run(command).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("JOURNEYMAN_LISTEN_PUBLIC"), "{}", ended.err);
    folder.write("journeyman.yaml", "environment: production\nlisten:\n  publik: x\n");
    let ended = run(serve(folder.path(), None, &[])).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("publik") && ended.err.contains("journeyman.yaml"), "{}", ended.err);
    let ended = run(daemon::command(folder.path(), None, &["sevre"])).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("serve"), "{}", ended.err);
}
