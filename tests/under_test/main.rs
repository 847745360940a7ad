//! The journeyman binary as the tests run it.
//!
//! Called as `hold-postgres FOLDER` it is the guard of a test binary instead: it runs a private cluster in that
//! folder, says its URL, and stops and deletes it when its standard input ends, which it does however the test binary
//! ends.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the guard speaks to the test through them")]

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use journeyman_cli::postgres::{Places, Source, Wanted, find};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("hold-postgres"), Some(folder)) => hold(PathBuf::from(folder)),
        _ => journeyman_cli::main(),
    }
}

fn hold(folder: PathBuf) -> ExitCode {
    let source = std::env::var("JOURNEYMAN_POSTGRES").unwrap_or_default();
    let Ok(source) = source.parse::<Source>() else { return ExitCode::FAILURE };
    // The tests kill our processes, never the machine: what fsync protects against does not happen here.
    let quick = [("fsync", "off"), ("full_page_writes", "off"), ("max_connections", "800")];
    let settings = quick.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let wanted = Wanted { database_url: None, data_dir: folder.clone(), source, settings };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let found = match runtime.block_on(find(&wanted, &Places::from_environment())) {
        Ok(found) => found,
        Err(error) => return failed(&error),
    };
    println!("{}", found.url());
    let mut end = Vec::new();
    // Whether it ends or breaks, the test binary is gone.
    let _ = std::io::stdin().read_to_end(&mut end);
    let stopped = runtime.block_on(found.stop());
    // Where root could not lodge the cluster in the folder, a file there says where it is.
    if let Ok(elsewhere) = std::fs::read_to_string(folder.join("postgres.path")) {
        let _ = std::fs::remove_dir_all(elsewhere.trim());
    }
    let _ = std::fs::remove_dir_all(&folder);
    match stopped {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("{error}");
    ExitCode::FAILURE
}
