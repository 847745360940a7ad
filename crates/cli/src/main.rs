//! The `journeyman` binary.

fn main() -> std::process::ExitCode {
    journeyman_cli::main()
}
