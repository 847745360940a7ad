//! Where the cluster lives and under which user it runs.
//!
//! Usually both are simple: in the data folder, as ourselves. PostgreSQL refuses root, though, so a root process
//! picks another user; and when that user cannot reach the data folder (below `/root`, say), the cluster lives in a
//! shared folder of the machine, and the data folder keeps a file that says where.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::error::files;
use super::{Error, Places};

/// The file in the data folder that says where the cluster lives instead.
pub(super) const POINTER: &str = "postgres.path";

/// Users that a root process falls back on, in this order, after `SUDO_UID` and the data folder's owner.
const FALLBACK_USERS: [&str; 3] = ["postgres", "journeyman", "nobody"];

/// The longest path of a socket's folder, in bytes. The system's limit is 103 (macOS) or 107 (Linux) for the whole
/// path; `SOCKET_NAME_BYTES` are kept for the file in it, with a little to spare.
const SOCKET_PATH_BYTES: usize = 100;
const SOCKET_NAME_BYTES: usize = "/.s.PGSQL.65535".len();

/// Variables that would change what PostgreSQL's programs do, and what they print.
const FOREIGN_VARIABLES: [&str; 15] = [
    "PGDATA",
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGSERVICE",
    "PGOPTIONS",
    "PGSSLMODE",
    "PGCLIENTENCODING",
    "PGTZ",
    "LANGUAGE",
    "LC_MESSAGES",
];

/// The user that PostgreSQL runs under when we are root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunAs {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Prepares a program of PostgreSQL: the user, a folder that every user can stand in, no input, and messages in
/// English, because we read some of them.
pub(super) fn dress(command: &mut Command, run_as: Option<&RunAs>) {
    for variable in FOREIGN_VARIABLES {
        command.env_remove(variable);
    }
    command.env("LC_ALL", "C").current_dir("/").stdin(Stdio::null());
    if let Some(user) = run_as {
        command.uid(user.uid).gid(user.gid);
    }
}

/// Where the cluster, the fetched wheel and the locks are, and who runs the server.
#[derive(Debug, Clone)]
pub(super) struct Lodging {
    /// The data folder, absolute, links resolved.
    pub(super) data_dir: PathBuf,
    /// The folder that holds the cluster: the data folder, or one in the shared root. The locks are here too, so that
    /// two data folders with a pointer to the same cluster (a copy) do not fight over it.
    pub(super) root: PathBuf,
    /// `None`: as ourselves.
    pub(super) run_as: Option<RunAs>,
}

impl Lodging {
    /// Settles both, creating the data folder when it is missing. May be called by several processes at once.
    pub(super) fn settle(data_dir: &Path, places: &Places) -> Result<Self, Error> {
        fs::create_dir_all(data_dir).map_err(files("create", data_dir))?;
        let data_dir = data_dir.canonicalize().map_err(files("resolve", data_dir))?;
        let mut lodging = Self { root: data_dir.clone(), data_dir, run_as: None };
        let pointer = lodging.data_dir.join(POINTER);
        if let Some(target) = pointed_to(&pointer)? {
            if !target.is_dir() {
                return Err(Error::Strayed { pointer, target });
            }
            lodging.root = target;
        }
        let owner = fs::metadata(lodging.data()).ok().map(|found| (found.uid(), found.gid()));
        let ours = rustix::process::geteuid().as_raw();
        if ours != 0 {
            return match owner {
                Some((owner, _)) if owner != ours => {
                    Err(Error::NotOurs { cluster: lodging.home(), owner, ours })
                }
                _ => Ok(lodging),
            };
        }
        let user = lodging.choose_user(owner, places)?;
        if owner.is_none() && !lodging.moved() && !can_reach(&user, &lodging.data_dir) {
            lodging.root = lodging.move_out(places, &pointer)?;
        }
        lodging.run_as = Some(user);
        Ok(lodging)
    }

    /// The folder with all that belongs to the cluster.
    pub(super) fn home(&self) -> PathBuf {
        self.root.join("postgres")
    }

    /// The cluster itself, as PostgreSQL knows it.
    pub(super) fn data(&self) -> PathBuf {
        self.home().join("data")
    }

    /// What the server says; every start appends.
    pub(super) fn log(&self) -> PathBuf {
        self.data_dir.join("postgres.log")
    }

    /// Whether the cluster lives outside the data folder.
    pub(super) fn moved(&self) -> bool {
        self.root != self.data_dir
    }

    /// Gives a file of the cluster to the server's user; nothing to do when that is ourselves.
    pub(super) fn hand_over(&self, path: &Path) -> Result<(), Error> {
        match &self.run_as {
            Some(user) => {
                chown(path, Some(user.uid), Some(user.gid)).map_err(files("change the owner of", path))
            }
            None => Ok(()),
        }
    }

    /// A folder for the Unix socket that only the server's user can enter: in the cluster's home, or, when that path
    /// is too long for a socket, a short one in the temporary folder.
    pub(super) fn socket_folder(&self, places: &Places) -> Result<PathBuf, Error> {
        let near = self.home().join("socket");
        let folder = if fits(&near) {
            near
        } else {
            let name = format!("jm-{}", &fingerprint(&self.root)[..12]);
            let short = places.temp_dir.join(&name);
            let reached = self.run_as.as_ref().is_none_or(|user| can_reach(user, &places.temp_dir));
            if reached && fits(&short) { short } else { Path::new("/tmp").join(&name) }
        };
        self.own_folder(&folder)?;
        Ok(folder)
    }

    /// Creates a folder that only the server's user can enter, or checks that an existing one is that: in a temporary
    /// folder anyone may have put something under its name.
    pub(super) fn own_folder(&self, folder: &Path) -> Result<(), Error> {
        if let Err(refused) = fs::create_dir(folder)
            && refused.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(files("create", folder)(refused));
        }
        let found = fs::symlink_metadata(folder).map_err(files("look at", folder))?;
        let ours = rustix::process::geteuid().as_raw();
        let theirs = self.run_as.as_ref().map_or(ours, |user| user.uid);
        if !found.is_dir() || (found.uid() != ours && found.uid() != theirs) {
            let taken = std::io::Error::other("it is not a folder of ours; move it away");
            return Err(files("use", folder)(taken));
        }
        fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(files("close", folder))?;
        self.hand_over(folder)
    }

    /// Who runs the server for root: the owner of the cluster there is, else whoever became root, else the data
    /// folder's owner, else one of the machine's usual users. `initdb` needs one that has a name.
    fn choose_user(&self, owner: Option<(u32, u32)>, places: &Places) -> Result<RunAs, Error> {
        if let Some((uid, gid)) = owner.filter(|(uid, _)| *uid != 0) {
            // The server needs no name, so a cluster brought from elsewhere runs all the same.
            return Ok(look_up(&uid.to_string(), &places.passwd).unwrap_or(RunAs {
                name: uid.to_string(),
                uid,
                gid,
            }));
        }
        let folder = fs::metadata(&self.data_dir).map_err(files("look at", &self.data_dir))?.uid();
        let wanted: Vec<String> = places
            .sudo_uid
            .into_iter()
            .chain([folder])
            .filter(|uid| *uid != 0)
            .map(|uid| uid.to_string())
            .chain(FALLBACK_USERS.map(str::to_owned))
            .collect();
        wanted
            .iter()
            .find_map(|key| look_up(key, &places.passwd).filter(|user| user.uid != 0))
            .ok_or_else(|| Error::NoUser { tried: wanted.join(", ") })
    }

    /// Moves a cluster that is still to be made into the shared root, and leaves the pointer to it.
    fn move_out(&self, places: &Places, pointer: &Path) -> Result<PathBuf, Error> {
        let target = places.shared_root.join(&fingerprint(&self.data_dir)[..16]);
        fs::create_dir_all(&target).map_err(files("create", &target))?;
        for folder in [&places.shared_root, &target] {
            // Whatever the umask: the server's user has to pass through.
            fs::set_permissions(folder, Permissions::from_mode(0o755)).map_err(files("open", folder))?;
        }
        let aside = pointer.with_extension(format!("path.{}", std::process::id()));
        fs::write(&aside, format!("{}\n", target.display())).map_err(files("write", &aside))?;
        fs::rename(&aside, pointer).map_err(files("write", pointer))?;
        target.canonicalize().map_err(files("resolve", &target))
    }
}

fn pointed_to(pointer: &Path) -> Result<Option<PathBuf>, Error> {
    match fs::read_to_string(pointer) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => {
            let target = PathBuf::from(text.trim());
            Ok(Some(target.canonicalize().unwrap_or(target)))
        }
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(refused) => Err(files("read", pointer)(refused)),
    }
}

fn fits(folder: &Path) -> bool {
    folder.as_os_str().len() + SOCKET_NAME_BYTES <= SOCKET_PATH_BYTES
}

/// A name for a path that is the same on every run, in hexadecimal.
fn fingerprint(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asks the system instead of reading permission bits, which do not show access lists.
fn can_reach(user: &RunAs, folder: &Path) -> bool {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "test -x \"$1\"", "sh"]).arg(folder).stderr(Stdio::null());
    dress(&mut command, Some(user));
    command.status().is_ok_and(|status| status.success())
}

/// A user by name or number: from the text of `/etc/passwd`, else from `id`, which knows directories too.
pub(super) fn look_up(key: &str, passwd: &str) -> Option<RunAs> {
    passwd.lines().find_map(|line| listed(line, key)).or_else(|| {
        let ask = |what: &str| {
            let output = Command::new("id").args([what, key]).stderr(Stdio::null()).output().ok()?;
            let said = String::from_utf8(output.stdout).ok()?.trim().to_owned();
            (output.status.success() && !said.is_empty()).then_some(said)
        };
        Some(RunAs { name: ask("-un")?, uid: ask("-u")?.parse().ok()?, gid: ask("-g")?.parse().ok()? })
    })
}

fn listed(line: &str, key: &str) -> Option<RunAs> {
    let mut fields = line.split(':');
    let (name, _, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    (name == key || uid == key).then_some(())?;
    Some(RunAs { name: name.to_owned(), uid: uid.parse().ok()?, gid: gid.parse().ok()? })
}
