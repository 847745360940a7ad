//! SIGSTOP before every statement: a daemon that is stopped in the middle of a transaction, is taken over from, and then
//! goes on where it was, changes nothing and is part of the crowd again.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use rustix::process::Signal;

use crate::harness::checker::{messages, settled};
use crate::harness::daemon::Daemon;
use crate::harness::door::{Door, batch};
use crate::harness::postgres::Database;
use crate::harness::shop::{ORDERS, PATIENCE, Shop, happens, order};
use crate::harness::until::{settle, until};
use crate::harness::wire::{BEGIN, COMMIT, Hold, Wire, either_way};

/// How many databases are tried at once: they mostly wait.
const AT_ONCE: usize = 8;

/// Half of the customers are held out; what is sent says which of two options was chosen.
const TRIAL: &str = "journey: trial
kind: transactional
enter:
  on: Order Placed
  if: count('Order Placed', 30d) >= 1
  per: order_id
holdout: 50%
steps:
  - choose: tone
    by: fixed
    options:
      warm:
        share: 50%
        then:
          - set:
              tone: warm
      cool:
        share: 50%
        then:
          - set:
              tone: cool
  - id: survey
    send: survey
    channel: inbox
";

/// Called off as soon as it is said.
const RECALL: &str = "journey: recall
kind: transactional
enter:
  on: Order Placed
  per: order_id
exit:
  - on: Order Cancelled
    if: event.order_id == entry.order_id
steps:
  - id: reminder
    send: reminder
    channel: inbox
  - wait: 1h
";

/// Transactions by a part of a statement that no other has.
const WORK: &str = "rows into journal";
const QUEUED: &str = "rows into outbox";
const START: &str = "UPDATE outbox SET state = locked.state";
const FINISH: &str = "DELETE FROM outbox USING started";

/// Something to be stopped at.
#[derive(Clone, Debug)]
struct Position {
    of: &'static str,
    hold: Hold,
    /// Whether leases end when they end, and not sooner.
    real_time: bool,
}

/// A shop whose customers have been there before, with a daemon on a wire.
struct Stage {
    shop: Shop,
    wire: Wire,
    daemon: Daemon,
    door: Door,
}

const CUSTOMERS: usize = 24;

fn orders(round: &str) -> Vec<String> {
    (0..CUSTOMERS).map(|n| order(&format!("{round}-{n}"), &format!("u{n}"))).collect()
}

impl Stage {
    async fn new() -> Self {
        // Time enough to stop the daemon between the two messages.
        let orders = ORDERS.replace("wait: 1s", "wait: 3s");
        let shop = Shop::with(&[&orders, TRIAL, RECALL]).await;
        let wire = Wire::to(&shop.database.options).await;
        let daemon = Daemon::start(&wire.url(&shop.database.options)).await;
        let door = Door::open(&shop.database).await;
        let stage = Self { shop, wire, daemon, door };
        stage.until_shared(2).await;
        stage
    }

    fn database(&self) -> &Database {
        &self.shop.database
    }

    /// As many workers have equal shares of the slices.
    async fn until_shared(&self, workers: i64) {
        let shares = "SELECT count(*) FROM (SELECT FROM slices WHERE worker IS NOT NULL GROUP BY worker) s";
        let shared = async || (self.database().count(shares).await == workers).then_some(());
        until("slices shared", PATIENCE, shared).await;
    }

    /// Gives a stopped daemon something of everything to do, and lets it go on.
    async fn feed(&self) {
        let database = self.database();
        // Nobody sends meanwhile, so that there is something to be called off.
        let mut queues = database.pool.begin().await.unwrap();
        sqlx::query("SELECT FROM dispatch_queues FOR UPDATE").execute(&mut *queues).await.unwrap();
        self.take(&orders("before")).await;
        until("those before are under way", PATIENCE, async || {
            let runs = "SELECT count(*) FROM runs WHERE journey = 'orders'";
            (database.count(runs).await == CUSTOMERS as i64).then_some(())
        })
        .await;
        self.daemon.signal(Signal::STOP);
        queues.rollback().await.unwrap();
        // What it was doing when it was stopped is over: all that it does next begins after this.
        until("no transaction under way", PATIENCE, async || {
            let under_way = "SELECT count(*) FROM pg_stat_activity
                             WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
            (database.count(under_way).await == 0).then_some(())
        })
        .await;
        until("second messages are due", PATIENCE, async || {
            let due = "SELECT count(*) FROM due WHERE due_at <= now()";
            (database.count(due).await >= CUSTOMERS as i64).then_some(())
        })
        .await;
        let mut feed = orders("then");
        let cancelled = |round: &str, n: usize| {
            let id = format!("{round}-{n}");
            happens("Order Cancelled", &id, &format!("u{n}"), &format!(r#""order_id":"{id}""#))
        };
        feed.extend((0..CUSTOMERS).map(|n| cancelled("before", n)));
        feed.extend((0..CUSTOMERS).map(|n| cancelled("then", n)));
        feed.extend((0..CUSTOMERS).map(|n| order(&format!("new-{n}"), &format!("new {n}"))));
        feed.extend((0..CUSTOMERS).map(|n| {
            let id = format!("new-{n}");
            happens("Order Cancelled", &id, &format!("new {n}"), &format!(r#""order_id":"{id}""#))
        }));
        let traits = |n| format!(r#"{{"type":"identify","userId":"u{n}","traits":{{"size":{n}}}}}"#);
        feed.extend((0..CUSTOMERS).map(traits));
        feed.extend((0..CUSTOMERS).map(|n| happens("Poisoned", &n.to_string(), &format!("u{n}"), "")));
        self.take(&feed).await;
        let damage = "UPDATE events SET payload = 'null' WHERE name = 'Poisoned'";
        sqlx::query(damage).execute(&database.pool).await.unwrap();
    }

    async fn take(&self, what: &[String]) {
        self.door.take("/v1/batch", batch(what)).await;
    }

    /// Nothing waits any more, and everything is as if nobody had ever been stopped.
    async fn assert_well(&self) {
        let database = self.database();
        settle(database, PATIENCE).await;
        let pool = &database.pool;
        assert_eq!(messages(pool, "orders", &["first", "second"], &[10]).await, [""; 0]);
        assert_eq!(messages(pool, "trial", &["survey"], &[10, 13]).await, [""; 0]);
        assert_eq!(messages(pool, "recall", &["reminder"], &[10, 12]).await, [""; 0]);
        assert_eq!(settled(pool).await, [""; 0]);
    }
}

/// What a batch writes, and how it may: all of it has to be rehearsed.
const WRITTEN: [[&str; 2]; 16] = [
    ["INSERT INTO persons", "COPY persons"],
    ["UPDATE persons", "INTO persons"],
    ["INSERT INTO traits", "COPY traits"],
    ["rows into runs", "COPY runs"],
    ["UPDATE runs", "INTO runs"],
    ["COPY ended_runs", "INSERT INTO ended_runs"],
    ["DELETE FROM runs", "runs USING"],
    ["INSERT INTO features", "COPY features"],
    ["DELETE FROM due", "due USING"],
    ["COPY due", "INSERT INTO due"],
    [QUEUED, "COPY outbox"],
    ["DELETE FROM outbox", "UPDATE outbox"],
    ["COPY messages", "INSERT INTO messages"],
    ["COPY decisions", "INSERT INTO decisions"],
    ["COPY parked", "INSERT INTO parked"],
    ["DELETE FROM intake", "intake USING"],
];

/// What is run, read from the wire while nobody is stopped.
async fn rehearse() -> Vec<Position> {
    let stage = Stage::new().await;
    stage.feed().await;
    stage.wire.forget();
    stage.daemon.signal(Signal::CONT);
    stage.assert_well().await;
    let recorded = stage.wire.recorded();
    assert_eq!(stage.daemon.stop().await.0, Some(0));
    let mut positions = Vec::new();
    let batches = recorded.iter().filter(|one| one.iter().any(|statement| statement.contains(WORK)));
    let batches: Vec<&String> = batches.flatten().collect();
    for ways in WRITTEN {
        let is = |statement: &&&String| ways.iter().any(|way| statement.contains(way));
        assert!(batches.iter().any(|statement| is(&statement)), "nobody did {}: rehearse it", ways[0]);
    }
    let kinds: [(&str, &[&str]); 3] = [(WORK, &[]), (START, &[QUEUED]), (FINISH, &[QUEUED, START])];
    for (of, after) in kinds {
        let mut known: Vec<(String, usize)> = Vec::new();
        for statements in recorded.iter().filter(|one| one.iter().any(|statement| statement.contains(of))) {
            for (place, statement) in statements.iter().enumerate() {
                let nth = statements[..=place].iter().filter(|other| *other == statement).count();
                // What the driver asks once a connection does not come again wherever it came first.
                let once = statement.contains("pg_type");
                // Inside a COPY they are stopped where there is always one.
                if !once
                    && !either_way(statement)
                    && known.iter().all(|other| *other != (statement.clone(), nth))
                {
                    known.push((statement.clone(), nth));
                }
            }
        }
        assert!(!known.is_empty(), "nothing of {of} was recorded");
        for (at, nth) in known {
            let within = if at == COMMIT { of } else { "" };
            let hold = Hold { after: after.to_vec(), within, nth, answer: false, at: at.clone() };
            positions.push(Position { of, hold: hold.clone(), real_time: false });
            if at == COMMIT {
                positions.push(Position {
                    of,
                    hold: Hold { answer: true, ..hold.clone() },
                    real_time: false,
                });
                positions.push(Position { of, hold, real_time: true });
            }
        }
    }
    positions
}

/// What came of one.
struct Tried {
    position: Position,
    /// How long it took from the stop until all was done.
    took: Duration,
}

/// One daemon is stopped at a position, another takes over, the first goes on.
async fn stop_at(position: Position) -> Tried {
    let stage = Stage::new().await;
    stage.feed().await;
    stage.wire.arm(position.hold.clone());
    stage.daemon.signal(Signal::CONT);
    let held = tokio::time::timeout(PATIENCE, stage.wire.held()).await;
    assert!(held.is_ok(), "never came to {position:?}");
    stage.daemon.signal(Signal::STOP);
    let stopped = Instant::now();
    if !position.real_time {
        // Saves the time that leases have left. What a transaction holds stays held as long as it lasts.
        // One after the other, so that none waits for what the stopped one waits for while it holds another.
        for end in [
            "UPDATE slices SET until = now() - interval '1 ms' WHERE worker IS NOT NULL",
            "UPDATE dispatch_queues SET until = now() - interval '1 ms' WHERE worker IS NOT NULL",
            "UPDATE workers SET until = now() - interval '1 ms'",
        ] {
            sqlx::query(end).execute(&stage.database().pool).await.unwrap();
        }
    }
    let other = stage.shop.daemon().await;
    // The other does all there is to do.
    settle(stage.database(), PATIENCE).await;
    let took = stopped.elapsed();
    stage.wire.release();
    stage.daemon.signal(Signal::CONT);
    stage.until_shared(4).await;
    stage.take(&orders("after")).await;
    let cancelled = |n| {
        let id = format!("after-{n}");
        happens("Order Cancelled", &id, &format!("u{n}"), &format!(r#""order_id":"{id}""#))
    };
    stage.take(&(0..CUSTOMERS).map(cancelled).collect::<Vec<_>>()).await;
    stage.assert_well().await;
    let Stage { shop, wire, daemon, door } = stage;
    for daemon in [daemon, other] {
        assert_eq!(daemon.stop().await.0, Some(0), "{position:?}");
    }
    // Dropping a database waits for every COPY of the cluster that stands still.
    tokio::task::spawn_blocking(move || drop((door, wire, shop)));
    Tried { position, took }
}

fn inside_copy(position: &Position) -> bool {
    position.hold.at.starts_with("end of COPY")
}

/// Tries positions, some at once, and tells what it found.
async fn try_all(positions: Vec<Position>) -> Vec<Tried> {
    let tried: Vec<Tried> =
        futures::stream::iter(positions).map(stop_at).buffer_unordered(AT_ONCE).collect().await;
    for of in [WORK, START, FINISH] {
        let these: Vec<_> = tried.iter().filter(|tried| tried.position.of == of).collect();
        let Some(slowest) = these.iter().map(|tried| tried.took).max() else { continue };
        println!("{} places in what says `{of}`; all was done after {slowest:.1?} at most", these.len());
    }
    tried
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_stopped_before_any_statement_does_no_harm_when_they_go_on() {
    let began = Instant::now();
    let mut positions = rehearse().await;
    positions.retain(|position| !inside_copy(position));
    let tried = try_all(positions).await;
    for one in tried.iter().filter(|one| one.position.real_time) {
        println!(
            "in real time, before the COMMIT of `{}`: all was done after {:.1?}",
            one.position.of, one.took
        );
    }
    let begins = tried.iter().filter(|one| one.position.hold.at == BEGIN).count();
    assert_eq!(begins, 3, "each transaction begins somewhere");
    println!("{} positions in {:.0} s", tried.len(), began.elapsed().as_secs_f64());
}

/// The server ends no COPY whose client is silent, whatever its limits on statements and idle transactions say: it looks
/// at them only when the client speaks. Whoever wants the slices has to end the session.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_stopped_inside_a_copy_is_put_out_and_does_no_harm_when_they_go_on() {
    let began = Instant::now();
    let mut positions = rehearse().await;
    positions.retain(inside_copy);
    let tried = try_all(positions).await;
    println!("{} positions inside a COPY in {:.0} s", tried.len(), began.elapsed().as_secs_f64());
}

/// The door's COPY, likewise: it holds the messages' keys, for which whoever is told of them again has to wait.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_door_was_stopped_with_is_taken_by_another() {
    let stage = Stage::new().await;
    // More than go by INSERT.
    let looks = |n| happens("Product Viewed", &format!("look-{n}"), &format!("u{}", n % CUSTOMERS), "");
    let messages = [orders("a"), (0..2 * CUSTOMERS).map(looks).collect()].concat();
    let request = stage.shop.post(&stage.daemon.public, &messages);
    let at = "end of COPY events (id, person_id, occurred_at, received_at, kind, historical, source, name, payload) FROM \
              STDIN (FORMAT binary)";
    stage.wire.arm(Hold { at: at.to_owned(), nth: 1, ..Hold::default() });
    let stop = async {
        stage.wire.held().await;
        stage.daemon.signal(Signal::STOP);
    };
    let (other, took) = tokio::select! {
        taken = request => panic!("answered {taken}"),
        answer = async {
            stop.await;
            let other = stage.shop.daemon().await;
            let again = async || stage.shop.post(&other.public, &messages).await.then_some(());
            let ((), took) = until("taken by the other", PATIENCE, again).await;
            (other, took)
        } => answer,
    };
    println!("what a stopped door held was taken by another after {took:.1?}");
    stage.wire.release();
    stage.daemon.signal(Signal::CONT);
    stage.until_shared(4).await;
    let cancelled = |n| {
        happens("Order Cancelled", &format!("a-{n}"), &format!("u{n}"), &format!(r#""order_id":"a-{n}""#))
    };
    stage.take(&(0..CUSTOMERS).map(cancelled).collect::<Vec<_>>()).await;
    stage.assert_well().await;
    for daemon in [stage.daemon, other] {
        assert_eq!(daemon.stop().await.0, Some(0));
    }
}
