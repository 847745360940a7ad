//! Logs: to standard error, colours only on a terminal.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts logging. `JOURNEYMAN_LOG` filters (`info`, `debug`, `journeyman_store=debug`), `JOURNEYMAN_LOG_FORMAT=json`
/// writes one object a line.
pub(crate) fn start() {
    let filter = std::env::var("JOURNEYMAN_LOG").unwrap_or_else(|_| "info,sqlx=warn".to_owned());
    let filter = EnvFilter::try_new(&filter).unwrap_or_else(|error| {
        eprintln!("JOURNEYMAN_LOG={filter} is no filter ({error}); logging at info");
        EnvFilter::new("info")
    });
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second start (tests) keeps the first.
    let _ = match std::env::var("JOURNEYMAN_LOG_FORMAT").as_deref() {
        Ok("json") => logs.json().try_init(),
        _ => logs.with_target(false).try_init(),
    };
}
