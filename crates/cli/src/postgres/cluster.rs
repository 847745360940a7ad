//! Making the private cluster, once: aside, and renamed when complete, so that a crash leaves nothing half-made.
//!
//! The cluster's home holds `data` (what PostgreSQL knows), `socket`, and the two passwords.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::binaries::Binaries;
use super::error::{files, last_lines};
use super::lodging::{Lodging, dress};
use super::{Error, Wanted};

/// The cluster's superuser, for the set-up only.
pub(super) const SUPERUSER: &str = "postgres";
pub(super) const SUPERUSER_PASSWORD: &str = "superuser.password";
/// The role's password, needed over TCP only.
pub(super) const ROLE_PASSWORD: &str = "journeyman.password";

/// How long `initdb` may take; a second or two is usual.
const INITDB_LIMIT: Duration = Duration::from_secs(5 * 60);

/// The major version that made the cluster; `None` when there is none yet.
pub(super) fn major(lodging: &Lodging) -> Result<Option<u32>, Error> {
    let file = lodging.data().join("PG_VERSION");
    match fs::read_to_string(&file) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some(major)),
            Err(_) => {
                let odd = std::io::Error::other(format!("it holds \"{}\" and no version", text.trim()));
                Err(files("understand", &file)(odd))
            }
        },
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(refused) => Err(files("read", &file)(refused)),
    }
}

/// Makes the cluster when there is none. Only to be called under the start lock.
pub(super) async fn make_if_missing(
    lodging: &Lodging,
    binaries: &Binaries,
    wanted: &Wanted,
) -> Result<(), Error> {
    if major(lodging)?.is_some() {
        return Ok(());
    }
    let (home, aside) = (lodging.home(), lodging.root.join("postgres.new"));
    match fs::remove_dir_all(&aside) {
        Err(refused) if refused.kind() != std::io::ErrorKind::NotFound => {
            return Err(files("remove the unfinished", &aside)(refused));
        }
        _ => {}
    }
    lodging.own_folder(&aside)?;
    for name in [SUPERUSER_PASSWORD, ROLE_PASSWORD] {
        write_password(&aside.join(name), lodging)?;
    }
    tracing::info!(folder = %home.display(), version = %binaries.version.text, "making a private PostgreSQL cluster");
    initdb(lodging, binaries, &aside, wanted).await?;
    fs::rename(&aside, &home).map_err(files("give the new cluster its name,", &home))?;
    File::open(&lodging.root).and_then(|folder| folder.sync_all()).map_err(files("sync", &lodging.root))
}

/// A password of a cluster of ours.
pub(super) fn password(lodging: &Lodging, name: &str) -> Result<String, Error> {
    let file = lodging.home().join(name);
    let text = fs::read_to_string(&file).map_err(files("read", &file))?;
    Ok(text.trim().to_owned())
}

async fn initdb(lodging: &Lodging, binaries: &Binaries, aside: &Path, wanted: &Wanted) -> Result<(), Error> {
    let program = binaries.program("initdb");
    let failed = |said: String| Error::Initdb {
        program: program.display().to_string(),
        cluster: lodging.home(),
        said,
    };
    // Without fsync the cluster is somebody's test: nothing of it has to outlive the machine.
    let hasty = wanted.settings.iter().any(|(name, value)| name == "fsync" && value == "off");
    let mut said = String::new();
    for locale in locales(binaries.version.major) {
        let mut command = Command::new(&program);
        command.arg("--pgdata").arg(aside.join("data"));
        command.args(["--username", SUPERUSER, "--encoding", "UTF8"]);
        command.args(["--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions"]);
        command.arg("--pwfile").arg(aside.join(SUPERUSER_PASSWORD));
        command.args(*locale).args(hasty.then_some("--no-sync"));
        dress(&mut command, lodging.run_as.as_ref());
        let mut command = tokio::process::Command::from(command);
        let running = command.kill_on_drop(true).output();
        let output = match tokio::time::timeout(INITDB_LIMIT, running).await {
            Ok(done) => {
                done.map_err(|cause| Error::Program { program: program.display().to_string(), cause })?
            }
            Err(_) => return Err(failed(format!("  nothing more after {} s", INITDB_LIMIT.as_secs()))),
        };
        if output.status.success() {
            return Ok(());
        }
        said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !said.contains("locale") {
            break;
        }
    }
    Err(failed(last_lines(&said, 10)))
}

/// Text is compared byte by byte and classified as Unicode, the same on every machine; the second choice is for
/// systems without the locale, and knows the letters of English only.
fn locales(major: u32) -> &'static [&'static [&'static str]] {
    const PLAIN: &[&str] = &["--locale=C"];
    if major >= 17 {
        &[&["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"], PLAIN]
    } else {
        &[&["--locale=C.UTF-8"], PLAIN]
    }
}

fn write_password(file: &Path, lodging: &Lodging) -> Result<(), Error> {
    let mut chance = [0_u8; 24];
    let source = Path::new("/dev/urandom");
    File::open(source).and_then(|mut file| file.read_exact(&mut chance)).map_err(files("read", source))?;
    let password: String = chance.iter().map(|byte| format!("{byte:02x}")).collect();
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut open| writeln!(open, "{password}").and_then(|()| open.sync_all()))
        .map_err(files("write", file))?;
    lodging.hand_over(file)
}
