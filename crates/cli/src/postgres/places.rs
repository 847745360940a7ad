//! What of the environment the search reads, gathered once, so that a test can hide it.

use std::path::PathBuf;

/// The places that the search looks into.
#[derive(Debug, Clone)]
pub struct Places {
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
    /// Folders with one folder for each major version, such as `/usr/lib/postgresql`.
    pub versioned_roots: Vec<PathBuf>,
    /// Homebrew's `opt` folders, which hold `postgresql@17` and the like.
    pub homebrew_roots: Vec<PathBuf>,
    /// Programs that are `uv`, tried in this order to fetch the wheel.
    pub uv: Vec<PathBuf>,
    /// Programs that are Python 3, tried next, as `python3 -m pip`.
    pub python: Vec<PathBuf>,
    /// Programs that are `pip`, tried last.
    pub pip: Vec<PathBuf>,
    /// For temporary sockets, when the data folder's path is too long for one.
    pub temp_dir: PathBuf,
    /// Holds the clusters whose data folder the server's user cannot reach. Only used by root.
    pub shared_root: PathBuf,
    /// `SUDO_UID`: who became root.
    pub sudo_uid: Option<u32>,
    /// The text of `/etc/os-release`, which chooses the command that installs PostgreSQL.
    pub os_release: String,
    /// The text of `/etc/passwd`.
    pub passwd: String,
}

impl Places {
    /// The machine as it is. The one function of this module that reads the environment.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the one place where the search reads the environment")]
    pub fn from_environment() -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = variable("HOME").map(PathBuf::from);
        let path = variable("PATH").map(|path| std::env::split_paths(&path).collect());
        Self {
            path: path.unwrap_or_default(),
            versioned_roots: vec![PathBuf::from("/usr/lib/postgresql")],
            homebrew_roots: ["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"]
                .map(PathBuf::from)
                .to_vec(),
            // uv's own installer puts it where PATH often has not caught up.
            uv: std::iter::once(PathBuf::from("uv"))
                .chain(home.map(|home| home.join(".local/bin/uv")))
                .collect(),
            python: vec![PathBuf::from("python3"), PathBuf::from("python")],
            pip: vec![PathBuf::from("pip3"), PathBuf::from("pip")],
            temp_dir: std::env::temp_dir(),
            sudo_uid: variable("SUDO_UID").and_then(|uid| uid.to_str()?.parse().ok()),
            os_release: std::fs::read_to_string("/etc/os-release").unwrap_or_default(),
            passwd: std::fs::read_to_string("/etc/passwd").unwrap_or_default(),
            ..Self::nothing()
        }
    }

    /// A machine with nothing on it: no binaries, and nothing to fetch them with.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            path: Vec::new(),
            versioned_roots: Vec::new(),
            homebrew_roots: Vec::new(),
            uv: Vec::new(),
            python: Vec::new(),
            pip: Vec::new(),
            temp_dir: PathBuf::from("/tmp"),
            shared_root: PathBuf::from("/var/lib/journeyman"),
            sudo_uid: None,
            os_release: String::new(),
            passwd: String::new(),
        }
    }

    /// The same machine without its PostgreSQL, so that only the wheel is left.
    #[must_use]
    pub fn without_binaries(self) -> Self {
        Self { path: Vec::new(), versioned_roots: Vec::new(), homebrew_roots: Vec::new(), ..self }
    }

    /// The one command that installs PostgreSQL on this machine.
    #[must_use]
    pub fn install_command(&self) -> String {
        if cfg!(target_os = "macos") {
            return "brew install postgresql@17".to_owned();
        }
        let family: Vec<&str> = self
            .os_release
            .lines()
            .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
            .flat_map(|names| names.trim_matches('"').split_whitespace())
            .collect();
        let is = |names: &[&str]| family.iter().any(|name| names.contains(name));
        let command = if is(&["fedora", "rhel", "centos"]) {
            "dnf install postgresql-server"
        } else if is(&["arch"]) {
            "pacman -S postgresql"
        } else if is(&["alpine"]) {
            "apk add postgresql"
        } else if is(&["suse", "opensuse"]) {
            "zypper install postgresql-server"
        } else {
            "apt-get install postgresql"
        };
        format!("sudo {command}")
    }
}
