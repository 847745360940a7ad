//! The console in Debian's Chromium: nothing on the browser's console, nothing asked elsewhere for, and axe-core content with
//! every page, light and dark. Pictures of them are kept in `target/console`.

#[path = "../database/console/shop.rs"]
mod shop;

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::process::Command;

use self::shop::Shop;
use crate::client::peers;
use crate::harness::root;

/// What was found on each of these pages, light and dark.
async fn look(base: &str, folder: &Path, paths: &[String]) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/console.mjs");
    let looked = Command::new("node")
        .arg(script)
        .arg(base)
        .arg(folder)
        .args(paths)
        .env("JOURNEYMAN_PEERS", peers())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap_or_else(|error| panic!("node does not run ({error}): install Node.js 20 or newer"));
    let said = String::from_utf8_lossy(&looked.stderr);
    assert!(looked.status.success(), "{said}");
    let out = String::from_utf8(looked.stdout).unwrap();
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_sound_in_a_browser() {
    let shop = Shop::open().await;
    let message = Shop::message(shop.mail_of("ada").await.id);
    let pages = [
        ("/", "journeys"),
        ("/journeys/cart", "journey"),
        ("/journeys/sketch", "sketch"),
        ("/inbox", "inbox"),
        ("/inbox?state=rejected", "inbox-empty"),
        (&message, "message"),
        (&Shop::message(shop.mail_of("dora").await.id), "message-evil"),
        (&format!("{message}?pictures=false"), "message-plain"),
        (&shop.page_of("ben").await, "person"),
        (&shop.page_of("dora").await, "person-evil"),
        ("/people", "people"),
        ("/people?q=nobody", "people-none"),
    ];
    let folder = root().join("target/console");
    std::fs::create_dir_all(&folder).unwrap();
    let paths: Vec<String> = pages.iter().map(|(path, name)| format!("{path} => {name}")).collect();
    let found = look(&shop.daemon.private, &folder, &paths).await;
    assert_eq!(found.len(), 2 * pages.len());
    for found in found {
        assert_eq!(found["status"], 200, "{found}");
        for what in ["said", "elsewhere", "faults"] {
            assert_eq!(found[what], Value::Array(Vec::new()), "{what}: {found}");
        }
    }
    for (_, name) in pages {
        for scheme in ["light", "dark"] {
            let picture = std::fs::read(folder.join(format!("{name}-{scheme}.png"))).unwrap();
            assert!(picture.starts_with(b"\x89PNG") && picture.len() > 5_000, "{name}");
        }
    }
    assert_eq!(shop.daemon.stop().await.0, Some(0));
}

/// A page with every fault that the pages above are held not to have: it is found, so that its absence says something.
#[tokio::test(flavor = "multi_thread")]
async fn the_look_finds_what_it_looks_for() {
    const FAULTY: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\
        content-security-policy: script-src 'none'; img-src 'none'\r\n\r\n\
        <html><head><title>t</title></head><body><p style=\"color:#bbb;background:#fff\">pale</p><input>\
        <script>alert(1)</script><img src=\"http://127.0.0.2:9/x.png\"></body></html>";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).await;
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, FAULTY.as_bytes()).await;
        }
    });
    for found in look(&base, &std::env::temp_dir(), &["/".to_owned()]).await {
        let faults = found["faults"].to_string();
        for fault in ["color-contrast", "html-has-lang", "label", "image-alt"] {
            assert!(faults.contains(fault), "{fault}: {found}");
        }
        assert!(found["said"].to_string().contains("Content Security Policy"), "{found}");
    }
}
