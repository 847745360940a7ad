//! `kill -9` under load: what was answered 200 is there, exactly once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, watch};

use crate::harness::checker::{Findings, check};
use crate::harness::daemon::Daemon;
use crate::harness::door::{KEY, batch, client, track};
use crate::harness::postgres::Database;

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
