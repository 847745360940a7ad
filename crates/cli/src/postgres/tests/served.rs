//! A real cluster, run by the PostgreSQL of this machine: these tests need one (version 15 or newer).

use rustix::process::Signal;
use sqlx::{ConnectOptions, Connection};

use super::*;
use crate::postgres::postmaster::{alive, signal};

async fn ask(options: &PgConnectOptions, question: &'static str) -> String {
    let mut connection = options.connect().await.unwrap();
    let answer: String = sqlx::query_scalar(question).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    answer
}

async fn tell(options: &PgConnectOptions, statement: &'static str) {
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[tokio::test]
async fn a_private_cluster_is_made_used_stopped_and_found_again() {
    let scratch = Scratch::new("private");
    // The default settings, fsync and all.
    let wanted = Wanted { settings: Vec::new(), ..wanted(&scratch) };
    let found = find(&wanted, &machine(&scratch)).await.unwrap();
    let pid = found.postmaster_pid().unwrap();
    let home = scratch.join("data/postgres");
    let why = found.why().to_owned();
    for part in ["PostgreSQL 1", "DATABASE_URL is not set", "socket", "port", &*home.to_string_lossy()] {
        assert!(why.contains(part), "{part} is missing in: {why}");
    }
    assert_eq!(why.contains("refuses root"), is_root(), "{why}");
    let (superuser, role) = (found.superuser_options().unwrap(), found.options());
    for (setting, value) in [
        ("SHOW fsync", "on"),
        ("SHOW shared_buffers", "256MB"),
        ("SHOW max_wal_size", "4GB"),
        ("SHOW checkpoint_timeout", "15min"),
        ("SHOW listen_addresses", "127.0.0.1"),
        ("SHOW server_encoding", "UTF8"),
    ] {
        assert_eq!(ask(&superuser, setting).await, value, "{setting}");
    }
    let compression = ask(&superuser, "SHOW wal_compression").await;
    assert!(["lz4", "zstd", "pglz", "on"].contains(&&*compression), "{compression}");
    let who =
        "SELECT rolname || ' ' || rolsuper || ' ' || rolcreatedb FROM pg_roles WHERE rolname = current_user";
    let by_socket = PgConnectOptions::from_str(found.url()).unwrap();
    let by_tcp = PgConnectOptions::from_str(found.tcp_url().unwrap()).unwrap();
    for options in [&role, &by_socket, &by_tcp] {
        assert_eq!(ask(options, who).await, "journeyman false true");
        assert_eq!(ask(options, "SELECT current_database()::text").await, "journeyman");
    }
    let outsider = by_tcp.clone().password("wrong").connect().await;
    assert!(outsider.is_err(), "TCP asks for the password");
    // A process group of its own: Ctrl-C in our terminal must not reach the server.
    let process = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap());
    assert_eq!(rustix::process::getpgid(process).ok(), process);
    tell(&role, "CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)").await;
    found.stop().await.unwrap();
    assert!(!alive(pid));

    let again = find(&wanted, &machine(&scratch)).await.unwrap();
    assert_eq!(ask(&again.options(), "SELECT id::text FROM kept").await, "7");
    let pid = again.postmaster_pid().unwrap();
    drop(again);
    assert!(!alive(pid), "dropping it stops the server too");
}

#[tokio::test]
async fn the_last_of_two_users_stops_the_server() {
    let scratch = Scratch::new("shared");
    let (wanted, places) = (wanted(&scratch), machine(&scratch));
    let (first, second) = tokio::join!(find(&wanted, &places), find(&wanted, &places));
    let (first, second) = (first.unwrap(), second.unwrap());
    let pid = first.postmaster_pid().unwrap();
    assert_eq!(second.postmaster_pid(), Some(pid));
    assert_eq!(first.url(), second.url());
    let joined = [&first, &second].iter().filter(|found| found.why().contains("already running")).count();
    assert_eq!(joined, 1);
    // The one that started it goes first, so that the other stops a server that is not its child.
    let (starter, guest) =
        if first.why().contains("already running") { (second, first) } else { (first, second) };
    starter.stop().await.unwrap();
    assert!(alive(pid));
    assert_eq!(ask(&guest.options(), "SELECT 'here'").await, "here");
    guest.stop().await.unwrap();
    assert!(!alive(pid));
    assert!(!scratch.join("data/postgres/data/postmaster.pid").exists(), "the end was orderly");
}

#[tokio::test]
async fn a_server_that_lost_its_starter_is_taken_over() {
    let scratch = Scratch::new("lost");
    let (wanted, places) = (wanted(&scratch), machine(&scratch));
    let mut found = find(&wanted, &places).await.unwrap();
    let pid = found.postmaster_pid().unwrap();
    found.server.take().unwrap().lose();
    let heir = find(&wanted, &places).await.unwrap();
    assert_eq!(heir.postmaster_pid(), Some(pid));
    heir.stop().await.unwrap();
    assert!(!alive(pid));
}

#[tokio::test]
async fn a_server_of_another_process_outlives_its_kill() {
    let scratch = Scratch::new("killed");
    let (wanted, places) = (wanted(&scratch), machine(&scratch));
    // Made here, so that what the other process leaves has our settings.
    find(&wanted, &places).await.unwrap().stop().await.unwrap();
    let (mut other, pid) = hold(&wanted.data_dir);
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(alive(pid));
    let heir = find(&wanted, &places).await.unwrap();
    assert_eq!(heir.postmaster_pid(), Some(pid));
    assert!(heir.why().contains(&format!("already running as process {pid}")), "{}", heir.why());
    let (mut guest, same) = hold(&wanted.data_dir);
    assert_eq!(same, pid);
    heir.stop().await.unwrap();
    assert!(alive(pid), "another process uses it");
    drop(guest.stdin.take());
    assert!(guest.wait().unwrap().success());
    assert!(!alive(pid));
}

#[tokio::test]
async fn a_killed_server_is_recovered_with_its_data() {
    let scratch = Scratch::new("crash");
    let (wanted, places) = (wanted(&scratch), machine(&scratch));
    let found = find(&wanted, &places).await.unwrap();
    tell(&found.options(), "CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)").await;
    let pid = found.postmaster_pid().unwrap();
    signal(pid, Signal::KILL).unwrap();
    // The first user is still there, and so are the lock file and, for a moment, the server's other processes.
    let again = find(&wanted, &places).await.unwrap();
    assert_ne!(again.postmaster_pid(), Some(pid));
    assert_eq!(ask(&again.options(), "SELECT id::text FROM kept").await, "7");
    let pid = again.postmaster_pid().unwrap();
    found.stop().await.unwrap();
    assert!(alive(pid));
    again.stop().await.unwrap();
    assert!(!alive(pid));
}

#[tokio::test]
async fn a_lock_file_with_the_number_of_a_stranger_is_stale() {
    let scratch = Scratch::new("stranger");
    let (wanted, places) = (wanted(&scratch), machine(&scratch));
    find(&wanted, &places).await.unwrap().stop().await.unwrap();
    let file = scratch.join("data/postgres/data/postmaster.pid");
    // Ourselves: alive, and surely not PostgreSQL.
    fs::write(&file, format!("{}\n{}\n1\n5432\n/tmp\n\n", std::process::id(), file.display())).unwrap();
    let found = find(&wanted, &places).await.unwrap();
    assert!(!found.why().contains("already running"), "{}", found.why());
    found.stop().await.unwrap();
}

#[tokio::test]
async fn a_start_that_is_broken_off_leaves_nothing_running() {
    let scratch = Scratch::new("cancelled");
    let (wanted, places) = (wanted(&scratch), machine(&scratch));
    find(&wanted, &places).await.unwrap().stop().await.unwrap();
    let lodging = Lodging::settle(&wanted.data_dir, &places).unwrap();
    for millis in [1, 20, 40, 60, 80, 100, 130, 160] {
        let patience = std::time::Duration::from_millis(millis);
        match tokio::time::timeout(patience, find(&wanted, &places)).await {
            Ok(found) => found.unwrap().stop().await.unwrap(),
            Err(_) => assert_eq!(postmaster::running(&lodging).unwrap(), None, "after {millis} ms"),
        }
    }
}

#[tokio::test]
async fn a_refused_setting_shows_the_servers_own_words() {
    let scratch = Scratch::new("refused-setting");
    let mut wanted = wanted(&scratch);
    wanted.settings.push(("max_connections".to_owned(), "plenty".to_owned()));
    let told = find(&wanted, &machine(&scratch)).await.unwrap_err().to_string();
    assert!(told.contains("max_connections") && told.contains("postgres.log"), "{told}");
}

#[tokio::test]
async fn a_folder_beyond_the_servers_reach_is_replaced() {
    use std::os::unix::fs::PermissionsExt;
    if !is_root() {
        return;
    }
    let scratch = Scratch::new("reach");
    let closed = scratch.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let (wanted, places) = (Wanted { data_dir: closed.join("data"), ..wanted(&scratch) }, machine(&scratch));
    let found = find(&wanted, &places).await.unwrap();
    let told = fs::read_to_string(closed.join("data/postgres.path")).unwrap();
    assert!(Path::new(told.trim()).starts_with(scratch.join("shared")), "{told}");
    assert!(found.why().contains(told.trim()) && found.why().contains("cannot reach"), "{}", found.why());
    tell(&found.options(), "CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)").await;
    found.stop().await.unwrap();
    let again = find(&wanted, &places).await.unwrap();
    assert_eq!(ask(&again.options(), "SELECT id::text FROM kept").await, "7");
    again.stop().await.unwrap();
    fs::remove_dir_all(told.trim()).unwrap();
    let told = find(&wanted, &places).await.unwrap_err().to_string();
    assert!(told.contains("postgres.path says"), "{told}");
}

#[tokio::test]
async fn a_long_path_has_its_socket_elsewhere() {
    let scratch = Scratch::new("long");
    let data_dir = scratch.join(&format!("{}, \"with\" commas/data", "long".repeat(20)));
    let wanted = Wanted { data_dir, ..wanted(&scratch) };
    let found = find(&wanted, &machine(&scratch)).await.unwrap();
    let socket = found.options().get_socket().unwrap().clone();
    assert!(
        socket.starts_with(std::env::temp_dir()) && socket.as_os_str().len() < 80,
        "{}",
        socket.display()
    );
    assert_eq!(ask(&found.options(), "SELECT 'here'").await, "here");
    found.stop().await.unwrap();
    fs::remove_dir_all(socket).unwrap();
}

#[tokio::test]
async fn a_cluster_of_another_major_version_is_refused() {
    let scratch = Scratch::new("major");
    let data = scratch.join("data/postgres/data");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("PG_VERSION"), "14\n").unwrap();
    let told = find(&wanted(&scratch), &machine(&scratch)).await.unwrap_err().to_string();
    assert!(told.contains("made by PostgreSQL 14") && told.contains("Install PostgreSQL 14"), "{told}");
}

#[tokio::test]
async fn a_given_url_is_connected_to_and_nothing_else() {
    let scratch = Scratch::new("given");
    let (private, places) = (wanted(&scratch), machine(&scratch));
    let server = find(&private, &places).await.unwrap();
    let url = server.tcp_url().unwrap().to_owned();
    let wanted = Wanted {
        database_url: Some(url.clone()),
        data_dir: scratch.join("untouched"),
        source: Source::Wheel,
        settings: Vec::new(),
    };
    let found = find(&wanted, &Places::nothing()).await.unwrap();
    assert_eq!(found.url(), url);
    assert!(found.why().contains("because DATABASE_URL is set"), "{}", found.why());
    assert!(found.why().contains("goes before JOURNEYMAN_POSTGRES (wheel)"), "{}", found.why());
    assert!(found.superuser_options().is_none() && found.postmaster_pid().is_none());
    assert_eq!(ask(&found.options(), "SELECT current_user::text").await, "journeyman");
    found.stop().await.unwrap();
    assert!(!scratch.join("untouched").exists());
    server.stop().await.unwrap();

    let gone = find(&wanted, &Places::nothing()).await.unwrap_err().to_string();
    assert!(gone.contains("does not answer") && gone.contains("127.0.0.1"), "{gone}");
    let password = url.split(':').nth(2).unwrap().split('@').next().unwrap();
    assert!(!gone.contains(password), "{gone}");
    let odd = Wanted { database_url: Some("mysql://shop".to_owned()), ..wanted };
    let told = find(&odd, &Places::nothing()).await.unwrap_err().to_string();
    assert!(told.contains("DATABASE_URL cannot be read"), "{told}");
}
