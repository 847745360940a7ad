#![doc = include_str!("../README.md")]
#![allow(clippy::disallowed_methods, reason = "the outermost room: clock, chance and environment enter here")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command speaks through them")]

pub mod bench;
mod clock;
mod commands;
pub mod config;
mod diagnostics;
mod doorway;
mod feed;
mod import;
mod logging;
mod outlet;
mod people;
pub mod postgres;
mod shop;
mod sink;

use std::process::ExitCode;

use clap::Parser as _;

pub use clock::SystemClock;

/// Runs the command line. The exit code is 0 when done, 1 when it failed, 2 when it was called wrongly; `doctor` has codes
/// of its own.
pub fn main() -> ExitCode {
    let arguments = commands::Arguments::parse();
    logging::start(arguments.logs());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: can't start the runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(arguments.run());
    // A file that is being read is not waited for: what was committed stands, and the next run goes on from there.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ended(&error),
    }
}

/// Says why a command failed, unless it has been said.
fn ended(error: &anyhow::Error) -> ExitCode {
    if let Some(diagnostics::ToldAs(code)) = error.downcast_ref() {
        return ExitCode::from(*code);
    }
    if !error.is::<diagnostics::Told>() {
        eprintln!("error: {}", told(error));
    }
    ExitCode::FAILURE
}

/// An error and its causes, without those whose words the one above them repeats.
pub(crate) fn told(error: &anyhow::Error) -> String {
    let mut told: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if !told.iter().any(|above| above.contains(&cause)) {
            told.push(cause);
        }
    }
    told.join(": ")
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    #[test]
    fn an_error_is_told_once() {
        let io = std::io::Error::other("refused");
        let error = Err::<(), _>(io).context("can't connect: refused").context("waiting").unwrap_err();
        assert_eq!(super::told(&error), "waiting: can't connect: refused");
    }
}
