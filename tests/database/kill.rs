//! `kill -9` under load: what was answered 200 is there, exactly once, and so is every message that follows from it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use std::time::{Duration, Instant};

use tokio::sync::{Mutex, watch};

use crate::harness::checker::{Findings, check, messages, settled};
use crate::harness::daemon::Daemon;
use crate::harness::door::{KEY, batch, client, track};
use crate::harness::postgres::Database;
use crate::harness::shop::{ORDERS, Shop, order};
use crate::harness::until::settle;

const KILLS: u64 = 20;
const CLIENTS: u64 = 6;
const BATCH: u64 = 20;

/// What the clients know.
#[derive(Default)]
struct Told {
    acknowledged: Mutex<BTreeSet<String>>,
    count: watch::Sender<u64>,
    retries: AtomicU64,
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_is_killed_20_times_under_load() {
    let database = Database::new().await;
    let url = database.url();
    let mut daemon = Daemon::start(&url).await;
    let (address, addresses) = watch::channel(Some(daemon.public.clone()));
    let told = Arc::new(Told::default());
    let mut count = told.count.subscribe();
    let clients: Vec<_> =
        (0..CLIENTS).map(|client| tokio::spawn(send(client, addresses.clone(), told.clone()))).collect();
    for kill in 0..KILLS {
        // Each time at another point of the load: after so many more acknowledgements.
        let more = 40 + kill * 97 % 400;
        let until = *count.borrow() + more;
        count.wait_for(|count| *count >= until).await.unwrap();
        daemon.kill().await;
        daemon = Daemon::start(&url).await;
        address.send_replace(Some(daemon.public.clone()));
    }
    address.send_replace(None);
    for client in clients {
        client.await.unwrap();
    }
    let (code, _) = daemon.stop().await;
    assert_eq!(code, Some(0));
    let acknowledged = told.acknowledged.lock().await;
    let retries = told.retries.load(Ordering::Acquire);
    println!("{} events acknowledged, {retries} requests retried over {KILLS} kills", acknowledged.len());
    assert!(retries > 0, "no request was ever hit by a kill");
    assert_eq!(check(&database.pool, &acknowledged).await, Findings::default());
}

/// Sends batches, each until it is answered 200, as Segment's clients do; ends, with nothing half told, when there is
/// no address any more.
async fn send(client_number: u64, mut addresses: watch::Receiver<Option<String>>, told: Arc<Told>) {
    let http = client();
    for number in 0.. {
        let ids: Vec<String> = (0..BATCH).map(|n| format!("c{client_number}-{number}-{n}")).collect();
        let people = |n: usize| format!("u{}", (number * 31 + n as u64 * 7) % 500);
        let messages: Vec<String> = ids.iter().enumerate().map(|(n, id)| track(id, &people(n))).collect();
        let body = batch(&messages);
        loop {
            let Some(address) = addresses.borrow_and_update().clone() else { return };
            let request =
                http.post(format!("{address}/v1/batch")).basic_auth(KEY, Some("")).body(body.clone());
            match request.send().await {
                Ok(response) if response.status() == 200 => break,
                _ => {
                    told.retries.fetch_add(1, Ordering::AcqRel);
                    // The daemon is dead; the next one's address comes.
                    if *addresses.borrow() == Some(address) && addresses.changed().await.is_err() {
                        return;
                    }
                }
            }
        }
        told.acknowledged.lock().await.extend(ids);
        told.count.send_modify(|count| *count += BATCH);
    }
}

/// Chance with a seed, so that a run can be had again: splitmix64 (Steele, Lea, Flood 2014).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % end
    }
}

const SEED: u64 = 20_260_723;
const CRASHES: u64 = 100;
const BUYERS: u64 = 4;
/// Orders in one request.
const BASKET: u64 = 5;
/// How often each client orders.
const EVERY: Duration = Duration::from_millis(80);
/// How long a daemon lives at most after it was ready until the next one dies.
const LIFE_MS: u64 = 700;
/// How long it may take until all is done after the last kill: dead workers' leases end, and what waited is worked off.
const AFTERWARDS: Duration = Duration::from_secs(120);

/// What the buyers share.
struct Street {
    /// Where the daemons listen, as far as they live.
    doors: [watch::Sender<String>; 2],
    closed: watch::Sender<bool>,
    told: Told,
}

#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_are_killed_100_times_and_every_message_is_sent_once() {
    let began = Instant::now();
    let shop = Arc::new(Shop::with(&[ORDERS]).await);
    let mut daemons = [shop.daemon().await, shop.daemon().await];
    let doors = daemons.each_ref().map(|daemon| watch::Sender::new(daemon.public.clone()));
    let street = Arc::new(Street { doors, closed: watch::Sender::new(false), told: Told::default() });
    let buyers: Vec<_> =
        (0..BUYERS).map(|number| tokio::spawn(buy(number, shop.clone(), street.clone()))).collect();
    let mut chance = Chance(SEED);
    let mut killed = [0; 2];
    for _ in 0..CRASHES {
        // Not a wait for anything: the random moment.
        tokio::time::sleep(Duration::from_millis(chance.below(LIFE_MS))).await;
        let victim = chance.below(2) as usize;
        daemons[victim].child.kill().await.unwrap();
        daemons[victim] = shop.daemon().await;
        street.doors[victim].send_replace(daemons[victim].public.clone());
        killed[victim] += 1;
    }
    street.closed.send_replace(true);
    for buyer in buyers {
        buyer.await.unwrap();
    }
    let crashed = began.elapsed();
    let database = &shop.database;
    let left = database.count("SELECT (SELECT count(*) FROM intake) + (SELECT count(*) FROM runs)").await;
    let settling = settle(database, AFTERWARDS).await;
    let acknowledged = street.told.acknowledged.lock().await;
    let retries = street.told.retries.load(Ordering::Acquire);
    let sent = database.count("SELECT count(*) FROM inbox").await;
    let again = database.count("SELECT count(*) FROM messages WHERE attempts > 1").await;
    let epochs = database.count("SELECT sum(epoch)::int8 FROM slices").await;
    println!(
        "{} orders, {sent} messages, {killed:?} kills, {retries} requests retried, {again} messages started more than \
         once, slices taken {epochs} times; {:.0} s of crashes, then {:.1} s for the {left} inputs and runs left",
        acknowledged.len(),
        crashed.as_secs_f64(),
        settling.as_secs_f64(),
    );
    assert!(retries > 0, "no request was ever hit by a kill");
    assert_eq!(sent, 2 * acknowledged.len() as i64);
    assert_eq!(check(&database.pool, &acknowledged).await, Findings::default());
    assert_eq!(messages(&database.pool, "orders", &["first", "second"], &[10]).await, [""; 0]);
    assert_eq!(settled(&database.pool).await, [""; 0]);
    for daemon in daemons {
        assert_eq!(daemon.stop().await.0, Some(0));
    }
}

/// Orders again and again, each basket until one of the daemons has taken it.
async fn buy(buyer: u64, shop: Arc<Shop>, street: Arc<Street>) {
    let mut every = tokio::time::interval(EVERY);
    for number in 0.. {
        every.tick().await;
        if *street.closed.borrow() {
            return;
        }
        let id = |nth| format!("b{buyer}-{number}-{nth}");
        let user = |nth: u64| format!("u{}", (number * 31 + nth * 7 + buyer) % 500);
        let basket: Vec<String> = (0..BASKET).map(|nth| order(&id(nth), &user(nth))).collect();
        for turn in number.. {
            let door = street.doors[turn as usize % 2].borrow().clone();
            if shop.post(&door, &basket).await {
                break;
            }
            street.told.retries.fetch_add(1, Ordering::AcqRel);
            // A dead daemon answers at once; its successor takes a while.
            tokio::time::sleep(EVERY / 10).await;
        }
        let ids = (0..BASKET).map(|nth| format!("Order Placed {}", id(nth)));
        street.told.acknowledged.lock().await.extend(ids);
    }
}
