//! What the tests stand on: one cluster a test binary, a database a test, doors and daemons on free ports.

#![allow(dead_code, reason = "each test binary uses its part")]

pub mod checker;
pub mod daemon;
pub mod door;
pub mod mail;
pub mod postgres;
pub mod proxy;
pub mod shop;
pub mod smtp;
pub mod until;
pub mod wire;

use std::path::{Path, PathBuf};

/// The binary the tests run.
pub const JOURNEYMAN: &str = env!("CARGO_BIN_EXE_journeyman-under-test");

/// A folder of its own, deleted at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(format!("journeyman-test-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&path).expect("a temporary folder");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("a temporary file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The project's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the project")
}

/// A file of the real data sets, or a line saying what was not run for want of it.
pub fn real_data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("JOURNEYMAN_DATA").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| root().join("../shared/data"));
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not here (set JOURNEYMAN_DATA to its folder)", path.display());
    None
}
