//! Logs: to standard error, colours only on a terminal.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// What the daemon logs unless told otherwise: what an operator follows.
pub(crate) const DAEMON: &str = "info,sqlx=warn";
/// What a command logs that somebody looks at: it says itself what it does.
pub(crate) const COMMAND: &str = "warn,journeyman_cli::postgres=info";

/// Starts logging. `JOURNEYMAN_LOG` filters (`info`, `debug`, `journeyman_store=debug`), without it `otherwise` does;
/// `JOURNEYMAN_LOG_FORMAT=json` writes one object a line.
pub(crate) fn start(otherwise: &str) {
    let filter = std::env::var("JOURNEYMAN_LOG").unwrap_or_else(|_| otherwise.to_owned());
    let filter = EnvFilter::try_new(&filter).unwrap_or_else(|error| {
        eprintln!("JOURNEYMAN_LOG={filter} is no filter ({error}); logging at {otherwise}");
        EnvFilter::new(otherwise)
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
