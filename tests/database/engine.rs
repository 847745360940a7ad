//! The engine in real daemons: from an HTTP event to a message, and what happens when daemons come, leave and die.

use std::time::Duration;

use rustix::process::Signal;

use crate::harness::checker::{messages, settled};
use crate::harness::daemon::{Daemon, command, run, serve};
use crate::harness::door::{Door, batch};
use crate::harness::postgres::Database;
use crate::harness::proxy::Proxy;
use crate::harness::shop::{ORDERS, PATIENCE, Shop, happens, order};
use crate::harness::until::{never, settle, until};
use crate::harness::wire::{COMMIT, Hold, Wire};
use crate::harness::{Folder, shop};

const BOTH: [&str; 2] = ["first", "second"];
const ACCEPTED: [i16; 1] = [10];

/// All is over: each order has had its two messages, and nothing else is wrong.
async fn assert_well(database: &Database) {
    settle(database, PATIENCE).await;
    assert_eq!(messages(&database.pool, "orders", &BOTH, &ACCEPTED).await, [""; 0]);
    assert_eq!(settled(&database.pool).await, [""; 0]);
}

fn orders(name: &str, many: usize) -> Vec<String> {
    (0..many).map(|n| order(&format!("{name}-{n}"), &format!("{name} {}", n % 20))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_becomes_two_messages_a_second_apart() {
    let shop = Shop::with(&[ORDERS]).await;
    let daemon = shop.daemon().await;
    shop.take(&daemon, &orders("a", 50)).await;
    assert_well(&shop.database).await;
    // A wait runs from the moment of what began the run.
    let after: Vec<(String, f64, f64)> = sqlx::query_as(
        "SELECT m.step, min(m.late)::float8, max(m.late)::float8
         FROM (SELECT m.step, extract(epoch FROM m.queued_at - e.occurred_at) AS late
               FROM messages m
               JOIN ended_runs r ON r.person_id = m.person_id AND r.number = m.run
               JOIN events e ON e.person_id = m.person_id AND e.payload #>> '{properties,order_id}' = r.key) m
         GROUP BY m.step ORDER BY m.step",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap();
    println!(
        "50 orders, 100 messages; queued so many seconds after the order, at least and at most: {after:.2?}"
    );
    assert!(after[1].1 >= 1.0, "{after:?}");
    assert_eq!(daemon.stop().await.0, Some(0));
}

/// How many slices each worker has, and how many of the queues.
async fn shares(database: &Database) -> (Vec<i64>, Vec<i64>) {
    let of = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table} WHERE worker IS NOT NULL GROUP BY worker ORDER BY 1");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&database.pool)
    };
    (of("slices").await.unwrap(), of("dispatch_queues").await.unwrap())
}

async fn until_shared(
    database: &Database,
    what: &str,
    within: Duration,
    slices: &[i64],
    queues: &[i64],
) -> Duration {
    let shared = async || {
        let shares = shares(database).await;
        (shares.0 == slices && shares.1 == queues).then_some(())
    };
    until(what, within, shared).await.1
}

const ALONE: ([i64; 2], [i64; 1]) = ([16, 16], [8]);
const TWO: ([i64; 4], [i64; 2]) = ([8, 8, 8, 8], [4, 4]);

#[tokio::test(flavor = "multi_thread")]
async fn slices_move_when_daemons_come_leave_and_die() {
    let shop = Shop::with(&[ORDERS]).await;
    let database = &shop.database;
    let one = shop.daemon().await;
    until_shared(database, "one has all", PATIENCE, &ALONE.0, &ALONE.1).await;
    let other = shop.daemon().await;
    let joined = until_shared(database, "two share", Duration::from_secs(15), &TWO.0, &TWO.1).await;
    shop.take(&one, &orders("shared", 50)).await;
    assert_eq!(other.stop().await.0, Some(0));
    // Leases last 6 s: what is taken sooner was given up, not waited for.
    let left =
        until_shared(database, "the other's at once", Duration::from_secs(5), &ALONE.0, &ALONE.1).await;
    let other = shop.daemon().await;
    until_shared(database, "two share again", Duration::from_secs(15), &TWO.0, &TWO.1).await;
    other.kill().await;
    shop.take(&one, &orders("after", 50)).await;
    let died = until_shared(database, "the dead one's", Duration::from_secs(20), &ALONE.0, &ALONE.1).await;
    println!(
        "shared {joined:.1?} after one joined; all taken {left:.1?} after it left, {died:.1?} after it died"
    );
    assert_well(database).await;
}

/// The journey of orders, in other words.
fn reworded(version: &str) -> String {
    ORDERS
        .replace("thanks", &format!("thanks-{version}"))
        .replace("how-was-it", &format!("how-was-{version}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_stay_in_their_version_and_a_batch_in_flight_is_waited_for() {
    let shop = Shop::with(&[&reworded("old")]).await;
    let database = &shop.database;
    let wire = Wire::to(&database.options).await;
    let daemon = Daemon::start(&wire.url(&database.options)).await;
    wire.arm(Hold { within: "rows into journal", at: COMMIT.to_owned(), nth: 1, ..Hold::default() });
    shop.take(&daemon, &orders("a", 40)).await;
    wire.held().await;
    // A batch is written and not committed: its people must have the old version, or apply must come first.
    let newer = [reworded("new")];
    let newer = newer.each_ref().map(String::as_str);
    let apply = shop.apply(&newer);
    let waits = async {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                   AND wait_event_type = 'Lock' AND query LIKE 'SELECT slice FROM slices%FOR UPDATE%'";
        until("apply waits", PATIENCE, async || (database.count(sql).await == 1).then_some(())).await;
        assert_eq!(database.count("SELECT max(number) FROM deployments").await, 1);
        wire.release();
    };
    let (applied, ()) = tokio::join!(apply, waits);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert!(applied.out.contains("1 older versions go on until their runs are over"), "{}", applied.out);
    assert!(applied.out.contains("deployment 2 is live"), "{}", applied.out);
    shop.take(&daemon, &orders("b", 40)).await;
    assert_well(database).await;
    // Whatever deployment a run began under, its words are that one's, both times.
    let words: Vec<(i64, String, i64)> = sqlx::query_as(
        "SELECT j.deployment, string_agg(DISTINCT m.template, ' ' ORDER BY m.template), count(DISTINCT r.key)
         FROM ended_runs r
         JOIN messages m ON m.person_id = r.person_id AND m.run = r.number
         JOIN events e ON e.person_id = r.person_id AND e.payload #>> '{properties,order_id}' = r.key
         JOIN journal j ON j.what = 1 AND j.ref = e.id
         GROUP BY j.deployment, r.plan ORDER BY 1",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap();
    println!("runs by deployment: {words:?}");
    let [(1, old, _), (2, new, _)] = &words[..] else { panic!("{words:?}") };
    assert_eq!((old.as_str(), new.as_str()), ("how-was-old thanks-old", "how-was-new thanks-new"));
    // Old runs went on after the new version was live.
    let on = "SELECT count(*) FROM inbox, deployments d
              WHERE template = 'how-was-old' AND d.number = 2 AND delivered_at > d.at";
    assert!(database.count(on).await > 0);
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_database_of_another_environment_nothing_moves() {
    let shop = Shop::with(&[ORDERS]).await;
    let database = &shop.database;
    let first = shop.daemon().await;
    shop.take(&first, &orders("before", 10)).await;
    assert_well(database).await;
    assert_eq!(first.stop().await.0, Some(0));
    let staging = "UPDATE installation SET environment = 'staging'";
    sqlx::query(staging).execute(&database.pool).await.unwrap();
    let stranger = shop.daemon().await;
    assert!(stranger.said.iter().any(|line| line.contains("staging")), "{:?}", stranger.said);
    shop.take(&stranger, &orders("meanwhile", 10)).await;
    never("anything moved", Duration::from_secs(2), async || {
        database.count("SELECT count(*) FROM slices WHERE worker IS NOT NULL").await > 0
            || database.count("SELECT count(*) FROM intake").await != 10
            || database.count("SELECT count(*) FROM inbox").await != 20
    })
    .await;
    assert_eq!(stranger.stop().await.0, Some(0));
    let folder = Folder::new();
    let adopted = run(command(folder.path(), Some(&database.url()), &["adopt"])).await;
    assert_eq!(adopted.code, Some(0), "{adopted:?}");
    let owner = shop.daemon().await;
    assert_well(database).await;
    assert_eq!(owner.stop().await.0, Some(0));
}

/// From now on the database refuses such messages of a user; answers who that is.
async fn refuse(database: &Database, user: &str, unless: &str) -> i64 {
    let who = sqlx::query_scalar("SELECT person_id FROM identities WHERE value = $1").bind(user);
    let person: i64 = who.fetch_one(&database.pool).await.unwrap();
    let check = format!("CHECK (person_id <> {person} OR {unless})");
    let refuse = sqlx::AssertSqlSafe(format!("ALTER TABLE outbox ADD CONSTRAINT refuses_one {check}"));
    sqlx::query(refuse).execute(&database.pool).await.unwrap();
    person
}

async fn refuse_no_more(database: &Database) {
    sqlx::query("ALTER TABLE outbox DROP CONSTRAINT refuses_one").execute(&database.pool).await.unwrap();
}

/// Who had what moved aside: person, kind, reason, how often.
async fn parked(database: &Database) -> Vec<(i64, i16, String, i64)> {
    let sql = "SELECT person_id, kind, reason, count(*) FROM parked GROUP BY 1, 2, 3 ORDER BY 3, 1";
    sqlx::query_as(sql).fetch_all(&database.pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_is_parked_and_all_else_goes_on() {
    let shop = Shop::with(&[ORDERS]).await;
    let database = &shop.database;
    let door = Door::open(database).await;
    door.take("/v1/batch", batch(&orders("a", 100))).await;
    let damage = "UPDATE events SET payload = 'null' WHERE payload #>> '{properties,order_id}' = 'a-3';
                  UPDATE events SET payload = '\"text\"' WHERE payload #>> '{properties,order_id}' = 'a-10'";
    sqlx::raw_sql(damage).execute(&database.pool).await.unwrap();
    let refused = refuse(database, "a 7", "false").await;
    let daemon = shop.daemon().await;
    settle(database, PATIENCE).await;
    let parked = parked(database).await;
    println!("parked: {parked:?}");
    let [(who, 1, reason, 5), (_, 1, first, 1), (_, 1, second, 1)] = &parked[..] else {
        panic!("{parked:?}")
    };
    let undecodable = [first, second].map(String::as_str);
    assert_eq!((*who, reason.as_str(), undecodable), (refused, "refused", ["undecodable"; 2]));
    assert_eq!(database.count("SELECT count(*) FROM inbox").await, 2 * (100 - 2 - 5));
    assert_well(database).await;
    // Once the reason is gone, they are as everybody else.
    refuse_no_more(database).await;
    shop.take(&daemon, &[order("again", "a 7")]).await;
    assert_well(database).await;
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_that_is_refused_is_parked_and_goes_on_with_the_next_event() {
    let shop = Shop::with(&[ORDERS]).await;
    let database = &shop.database;
    let door = Door::open(database).await;
    door.take("/v1/batch", batch(&orders("a", 100))).await;
    let refused = refuse(database, "a 7", "step = 'first'").await;
    let daemon = shop.daemon().await;
    let sent = "SELECT count(*) FROM inbox";
    until("all but 5 messages", PATIENCE, async || (database.count(sent).await == 195).then_some(())).await;
    until("the timer parked", PATIENCE, async || (!parked(database).await.is_empty()).then_some(())).await;
    assert_eq!(parked(database).await, [(refused, 0, "refused".to_owned(), 1)]);
    // Nothing wakes them any more until something happens to them: then what was due is done.
    refuse_no_more(database).await;
    shop.take(&daemon, &[order("again", "a 7")]).await;
    assert_well(database).await;
    assert_eq!(database.count(sent).await, 202);
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_on_by_itself_when_the_database_comes_back() {
    let shop = Shop::with(&[ORDERS]).await;
    let database = &shop.database;
    let wire = Proxy::to(&database.options).await;
    let daemon = Daemon::start(&wire.url(&database.options)).await;
    for round in 0..4 {
        let some = orders(&format!("r{round}"), 30);
        shop.take(&daemon, &some).await;
        wire.cut();
        assert!(!shop.post(&daemon.public, &some).await);
        wire.mend();
        until("taken again", PATIENCE, async || shop.post(&daemon.public, &some).await.then_some(())).await;
    }
    assert_well(database).await;
    assert_eq!(database.count("SELECT count(*) FROM inbox").await, 240);
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_asked_to_leave_does_not_wait_for_a_database_that_is_gone() {
    let shop = Shop::with(&[ORDERS]).await;
    let database = &shop.database;
    let wire = Proxy::to(&database.options).await;
    let held = Wire::to(&database.options).await;
    // Once at any moment; once with outcomes of messages in hand that can't be written.
    let plain = Daemon::start(&wire.url(&database.options)).await;
    wire.cut();
    let (stopped, took) = timed(plain.stop()).await;
    assert_eq!(stopped.0, Some(0));
    let daemon = Daemon::start(&held.url(&database.options)).await;
    let finish = Hold { within: "DELETE FROM outbox", at: COMMIT.to_owned(), nth: 1, ..Hold::default() };
    held.arm(finish);
    shop.take(&daemon, &orders("a", 5)).await;
    held.held().await;
    daemon.signal(Signal::TERM);
    held.cut();
    let (stopped, took_longer) = timed(daemon.stop()).await;
    assert_eq!(stopped.0, Some(0));
    println!("without a database it left after {took:.1?}, with outcomes in hand after {took_longer:.1?}");
    let again = shop.daemon().await;
    assert_well(database).await;
    assert_eq!(again.stop().await.0, Some(0));
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let began = std::time::Instant::now();
    let done = tokio::time::timeout(PATIENCE, work).await.expect("an end");
    (done, began.elapsed())
}

/// Asks of the past: who has ordered three times.
const REGULARS: &str = "journey: regulars
kind: transactional
enter:
  on: Shop Visited
  if: count('Order Placed', 30d) >= 3
  again: always
steps:
  - send: welcome-back
    channel: inbox
";

#[tokio::test(flavor = "multi_thread")]
async fn counters_of_a_new_deployment_are_made_of_history() {
    let shop = Shop::with(&[ORDERS]).await;
    let database = &shop.database;
    let daemon = shop.daemon().await;
    // Two orders each came through an import, some time ago; a third of ada's through the door.
    let folder = Folder::new();
    let line = |user: &str, days: i64| {
        let at = shop::days_ago(days);
        format!(
            r#"{{"type":"track","event":"Order Placed","userId":"{user}","timestamp":"{at}","properties":{{}}}}"#
        )
    };
    let history =
        [line("ada", 10), line("ada", 3), line("ben", 10), line("ben", 3), line("ben", 40)].join("\n");
    folder.write("history.ndjson", history);
    let import = ["import", "history.ndjson"];
    let imported = run(command(folder.path(), Some(&database.url()), &import)).await;
    assert_eq!(imported.code, Some(0), "{imported:?}");
    shop.take(&daemon, &[order("1", "ada")]).await;
    assert_well(database).await;
    let applied = shop.apply(&[ORDERS, REGULARS]).await;
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert!(applied.out.contains("1 counters made of the history of 2 people"), "{}", applied.out);
    let visits = ["ada", "ben"].map(|user| happens("Shop Visited", user, user, ""));
    shop.take(&daemon, &visits).await;
    assert_well(database).await;
    // What is counted from then on counts too.
    shop.take(&daemon, &[order("2", "ben")]).await;
    shop.take(&daemon, &[happens("Shop Visited", "later", "ben", "")]).await;
    assert_well(database).await;
    let welcomed = "SELECT string_agg(i.value || ' ' || coalesce(e.payload ->> 'messageId', ''), ', ' ORDER BY m.queued_at)
                    FROM messages m
                    JOIN identities i ON i.person_id = m.person_id
                    JOIN ended_runs r ON r.person_id = m.person_id AND r.number = m.run
                    JOIN journal j ON j.person_id = m.person_id AND j.at = m.queued_at AND j.what = 1
                    JOIN events e ON e.id = j.ref AND e.name = 'Shop Visited'
                    WHERE m.template = 'welcome-back'";
    assert_eq!(database.text(welcomed).await, "ada Shop Visited ada, ben Shop Visited later");
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_with_another_data_folder_takes_up_what_is_due() {
    // Everything that is to come stands in the database, so that whoever comes next does it.
    let shop = Shop::with(&[ORDERS]).await;
    let first = shop.daemon().await;
    shop.take(&first, &orders("a", 20)).await;
    let database = &shop.database;
    until("first messages", PATIENCE, async || {
        (database.count("SELECT count(*) FROM inbox").await >= 20).then_some(())
    })
    .await;
    assert_eq!(first.stop().await.0, Some(0));
    until("all are due", PATIENCE, async || {
        (database.count("SELECT count(*) FROM due WHERE due_at > now()").await == 0).then_some(())
    })
    .await;
    let folder = Folder::new();
    let mut command = serve(folder.path(), Some(&database.url()), &[]);
    command.env("JOURNEYMAN_DATA_DIR", folder.path().join("elsewhere"));
    let second = Daemon::from(command, folder).await;
    assert_well(database).await;
    assert_eq!(second.stop().await.0, Some(0));
}
