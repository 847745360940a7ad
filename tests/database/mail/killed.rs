//! `kill -9` of the daemon that sends, 50 times under load: of each message it is known whether it left, or
//! known that nobody knows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use journeyman_domain::MessageId;
use journeyman_store::outbox::State;
use serde_json::Value;
use uuid::Uuid;

use super::{CONNECTIONS, by, shop, signed_up};
use crate::harness::checker::{messages, settled_elsewhere};
use crate::harness::door::{Door, batch};
use crate::harness::mail::{MailShop, identify};
use crate::harness::shop::{PATIENCE, order};
use crate::harness::smtp::{Manners, Server};
use crate::harness::until::until;
use crate::kill::Chance;

const SEED: u64 = 20_261_123;
const KILLS: usize = 50;
const PEOPLE: u64 = 400;
/// After so many kills one is followed when its leases end, the others sooner.
const IN_REAL_TIME: usize = 20;
/// How many messages wait at least when a daemon begins to send.
const BACKLOG: i64 = 300;
/// Each dies when the server has got at most so many mails of it,
const MAILS: u64 = 60;
/// and at most so many milliseconds later, in the middle of whatever it does then.
const LATER_MS: u64 = 40;
/// How long the server is at work on a mail: long enough to die in.
const WORK: Duration = Duration::from_millis(8);

/// What is known when a daemon has just died.
#[derive(Default)]
struct Deaths {
    /// How often each was started and not finished: perhaps it left.
    marketing: BTreeMap<MessageId, usize>,
    transactional: BTreeMap<MessageId, usize>,
}

impl Deaths {
    /// Notes what the dead one had on the wire: never more than it has connections.
    async fn note(&mut self, shop: &MailShop) {
        let open: Vec<(Uuid, bool)> =
            sqlx::query_as("SELECT message_id, marketing FROM outbox WHERE state = 2")
                .fetch_all(&shop.database.pool)
                .await
                .unwrap();
        assert!(open.len() <= CONNECTIONS, "{} on the wire", open.len());
        for (message, marketing) in open {
            let of = if marketing { &mut self.marketing } else { &mut self.transactional };
            *of.entry(MessageId(message)).or_default() += 1;
        }
    }
}

/// Brings so many more messages, of both kinds by turns; how many there were so far.
async fn feed(door: &Door, from: u64, more: u64) -> u64 {
    let one = |n: u64| {
        let (id, user) = (format!("n{n}"), format!("u{}", n * 31 % PEOPLE));
        if n.is_multiple_of(2) { signed_up(&id, &user) } else { order(&id, &user) }
    };
    let all: Vec<String> = (from..from + more).map(one).collect();
    for some in all.chunks(200) {
        door.take("/v1/batch", batch(some)).await;
    }
    from + more
}

async fn of_state(shop: &MailShop, state: State) -> BTreeSet<MessageId> {
    let sql =
        "SELECT message_id FROM outbox WHERE state = $1 UNION ALL SELECT id FROM messages WHERE state = $1";
    let ids: Vec<Uuid> =
        sqlx::query_scalar(sql).bind(state.code()).fetch_all(&shop.database.pool).await.unwrap();
    ids.into_iter().map(MessageId).collect()
}

/// What `journeyman messages --state unknown` says of all.
async fn listed(shop: &MailShop) -> BTreeSet<MessageId> {
    let told = shop.call(&["messages", "--state", "unknown", "--limit", "10000", "--json"]).await;
    let told: Value = serde_json::from_str(&told.out).unwrap_or_else(|error| panic!("{error}: {told:?}"));
    assert_eq!(told["more"], false);
    let all = told["messages"].as_array().expect("messages").iter();
    all.map(|message| message["message"].as_str().expect("an id").parse().expect("an id")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_is_killed_50_times_and_no_message_is_lost_or_sent_again_unasked() {
    let began = Instant::now();
    let server = Server::open(Manners { work: WORK, ..Manners::GOOD }).await;
    let shop = shop(&by(&server, "")).await;
    let database = &shop.database;
    let door = Door::open(database).await;
    let people: Vec<String> = (0..PEOPLE).map(|n| identify(&format!("u{n}"), "")).collect();
    door.take("/v1/batch", batch(&people)).await;
    let mut chance = Chance(SEED);
    let mut deaths = Deaths::default();
    let mut fed = feed(&door, 0, BACKLOG as u64).await;
    for kill in 1..=KILLS {
        let waiting = database
            .count("SELECT (SELECT count(*) FROM intake) + (SELECT count(*) FROM outbox WHERE state < 3)")
            .await;
        fed = feed(&door, fed, (BACKLOG - waiting).max(0) as u64).await;
        let before = server.count();
        let mut daemon = shop.daemon().await;
        server.until(before + 1 + chance.below(MAILS) as usize, PATIENCE).await;
        // Not a wait for anything: the random moment.
        tokio::time::sleep(Duration::from_millis(chance.below(LATER_MS))).await;
        daemon.child.kill().await.unwrap();
        // What it had sent to the database last may still be at work there.
        let busy = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'";
        until("its transactions over", PATIENCE, async || (database.count(busy).await == 0).then_some(()))
            .await;
        deaths.note(&shop).await;
        // A dead one's leases end by themselves; that is waited for now and then.
        if kill % IN_REAL_TIME != 0 {
            shop.bury().await;
        }
    }
    let crashed = began.elapsed();
    let daemon = shop.daemon().await;
    let settling = shop.settle(PATIENCE).await;
    assert_eq!(daemon.stop().await.0, Some(0));

    let mut arrived: BTreeMap<MessageId, usize> = BTreeMap::new();
    for mail in server.taken() {
        *arrived.entry(mail.message.parse().expect("our id")).or_default() += 1;
    }
    let unknown = of_state(&shop, State::Unknown).await;
    let accepted = of_state(&shop, State::Accepted).await;
    let twice: Vec<_> = arrived.iter().filter(|(_, times)| **times > 1).collect();
    let left = unknown.iter().filter(|message| arrived.contains_key(message)).count();
    println!(
        "{fed} messages, {KILLS} kills in {:.0} s, then {:.1} s for the rest; {} unknown, of which {left} \
         had arrived; {} arrived again; {} connections at most",
        crashed.as_secs_f64(),
        settling.as_secs_f64(),
        unknown.len(),
        twice.len(),
        server.connections().1,
    );
    // Nothing is lost, and nobody says of a message that it left which did not.
    assert_eq!(accepted.len() + unknown.len(), fed as usize, "what is neither sent nor unknown is lost");
    assert!(accepted.iter().all(|message| arrived.contains_key(message)), "accepted and not arrived");
    // What is unknown was on the wire when a daemon died, and is marketing; all of it is told.
    assert_eq!(unknown, deaths.marketing.keys().copied().collect());
    assert!(!unknown.is_empty() && unknown.len() <= KILLS * CONNECTIONS);
    assert_eq!(listed(&shop).await, unknown);
    // What has to arrive may come again, as often as somebody died who was sending it; nothing else does.
    for (message, times) in twice {
        let allowed = 1 + deaths.transactional.get(message).copied().unwrap_or_default();
        assert!(*times <= allowed, "{message} arrived {times} times, {allowed} were allowed");
    }
    assert!(server.connections().1 <= 2 * CONNECTIONS, "{:?}", server.connections());
    assert_eq!(messages(&database.pool, "receipts", &["receipt"], &[10]).await, [""; 0]);
    assert_eq!(settled_elsewhere(&database.pool).await, [""; 0]);
    put_right(&shop, &server, &unknown, &arrived).await;
}

/// Somebody looks at the server's log and says what became of those of which nobody knew.
async fn put_right(
    shop: &MailShop,
    server: &Server,
    unknown: &BTreeSet<MessageId>,
    arrived: &BTreeMap<MessageId, usize>,
) {
    let before = server.count();
    let mut again = 0;
    let one_each = [true, false]
        .into_iter()
        .filter_map(|left| unknown.iter().find(|id| arrived.contains_key(id) == left));
    for message in one_each {
        let left = arrived.contains_key(message);
        let how = if left { "sent" } else { "again" };
        again += usize::from(!left);
        let settled = shop.call(&["messages", "settle", &message.to_string(), "--as", how]).await;
        assert_eq!(settled.code, Some(0), "{settled:?}");
    }
    let daemon = shop.daemon().await;
    server.until(before + again, PATIENCE).await;
    shop.settle(PATIENCE).await;
    let known = async || (of_state(shop, State::Unknown).await.len() <= unknown.len() - again).then_some(());
    until("fewer unknown ones", PATIENCE, known).await;
    assert_eq!(settled_elsewhere(&shop.database.pool).await, [""; 0]);
    assert_eq!(daemon.stop().await.0, Some(0));
}
