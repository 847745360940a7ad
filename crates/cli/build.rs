//! Puts the shop that the repository ships into the binary: `journeyman.yaml`, `journeys/` and `templates/` as they stand, so
//! that a new file there needs no list here, and `journeyman demo` runs in an empty folder; and the cookbook, of which
//! `journeyman new` takes.

#![allow(clippy::disallowed_methods, reason = "cargo tells a build script by the environment where to write")]

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What of `templates/` is a template's; `journeyman check` reads the same.
const ENDINGS: [&str; 3] = ["yaml", "mjml", "hbs"];

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let out = std::env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo names no OUT_DIR"))?;
    let out = PathBuf::from(out);
    fs::write(out.join("shipped.rs"), list(&root)?)?;
    fs::write(out.join("cookbook.rs"), list(&root.join("examples/cookbook"))?)
}

/// The files of a shop, as a Rust array of their paths and texts.
fn list(root: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    for name in ["journeyman.yaml", "tracking.yaml"] {
        println!("cargo::rerun-if-changed={}", root.join(name).display());
        if root.join(name).is_file() {
            files.push(root.join(name));
        }
    }
    for folder in ["journeys", "templates"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
        walk(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut list = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(root).map_err(io::Error::other)?.to_string_lossy().replace('\\', "/");
        let _ = writeln!(list, "    ({name:?}, include_str!({:?})),", file.display().to_string());
    }
    list.push(']');
    Ok(list)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known)) {
            files.push(path);
        }
    }
    Ok(())
}
