//! Waiting for what must come, never for a time to pass.

use std::time::{Duration, Instant};

use super::postgres::Database;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(15);

/// Looks until there is an answer; answers it, and how long it took. Panics, saying what did not come, after `within`.
pub async fn until<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> (T, Duration) {
    let began = Instant::now();
    loop {
        if let Some(answer) = look().await {
            return (answer, began.elapsed());
        }
        assert!(began.elapsed() < within, "within {within:?} there was not: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Looks for all of `during` that something does not come.
pub async fn never(what: &str, during: Duration, mut look: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while began.elapsed() < during {
        assert!(!look().await, "after {:?} there was: {what}", began.elapsed());
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until nothing waits: no input, no message, no run, and nobody is due; answers how long it took.
pub async fn settle(database: &Database, within: Duration) -> Duration {
    let rest = "SELECT concat_ws(', ', (SELECT count(*) FROM intake) || ' inputs',
                    (SELECT count(*) FROM outbox) || ' messages', (SELECT count(*) FROM runs) || ' runs',
                    (SELECT count(*) FROM due WHERE due_at <= now()) || ' due')";
    let began = Instant::now();
    loop {
        let left = database.text(rest).await;
        if left == "0 inputs, 0 messages, 0 runs, 0 due" {
            return began.elapsed();
        }
        assert!(began.elapsed() < within, "within {within:?} it did not settle: {left}");
        tokio::time::sleep(LOOK).await;
    }
}
