//! Mail as programs nobody here wrote take and read it: Postfix's `smtp-sink` and aiosmtpd; Python's
//! email, dkimpy and urllib.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use journeyman_store::outbox::State;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::client;
use crate::harness::Folder;
use crate::harness::checker::settled_elsewhere;
use crate::harness::daemon::Daemon;
use crate::harness::mail::{MailShop, POLICIES, identify, keys, relay, shipped};
use crate::harness::shop::{PATIENCE, happens};
use crate::harness::until::until;

/// Mails of each kind.
const MAILS: usize = 100;
/// How often another port is tried, where somebody else took it first.
const TRIES: usize = 3;
const LISTENS: Duration = Duration::from_secs(5);

const REMINDER: &str = "journey: reminder
topic: reminders
enter:
  on: Cart Viewed
  per: cart_id
steps:
  - send: cart-reminder
    channel: email
";
const RECEIPTS: &str = "journey: receipts
kind: transactional
enter:
  on: Order Placed
  per: order_id
steps:
  - send: receipt
    channel: email
";
const RECEIPT: &str = r#"from: billing
subject:
  en: "{{profile.first_name}}, your order {{entry.order_id}}"
  de: "{{profile.first_name}}, deine Bestellung {{entry.order_id}}"
"#;
/// What mail does not carry as it stands: dots at the beginning, blanks at the end, lines without end.
const RECEIPT_MAIL: &str = "<p>Thank you, {{profile.first_name}}.</p>
<pre>
.
..two
.one of {{entry.order_id}}
From here  \t
=3D=20= {{entry.note}}
</pre>
";
const RECEIPT_TEXT: &str = "Thank you, {{profile.first_name}}.

.
..two
.one of {{entry.order_id}}
From here
=3D=20= {{entry.note}}
";

/// First names, in turn.
const NAMES: [&str; 6] = [
    "Ada",
    "Zoë",
    "🎁 Jürgen 👩‍💻",
    "O'Neill & <Söhne>",
    "=?utf-8?q?x?=",
    "Anna-Maria Theresia Walburga Freifrau von und zu Hohenlohe-Schillingsfürst",
];

/// Python with what requirements.txt names.
fn python(arguments: &[&str]) -> Command {
    let libraries = client::folder().join("python");
    assert!(
        libraries.join("dkim").exists(),
        "dkimpy is not in {0}: run `python3 -m pip install --target {0} -r tests/peers/requirements.txt`",
        libraries.display()
    );
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/mail_check.py");
    let mut command = Command::new("python3");
    command.arg(script).args(arguments).env("PYTHONPATH", libraries).kill_on_drop(true);
    command
}

/// What a command of the script says.
async fn said(arguments: &[&str]) -> Value {
    let output = python(arguments).stderr(Stdio::inherit()).output().await.expect("python3");
    assert!(output.status.success(), "{arguments:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// smtp-sink on a free port, which keeps every mail as a file of `dump`.
async fn sink(dump: &Path) -> (Child, u16) {
    let postfix = client::folder().join("postfix");
    let program = postfix.join("usr/sbin/smtp-sink");
    assert!(
        program.exists(),
        "there is no {}: run `apt-get download postfix` and `dpkg -x postfix_*.deb {}`",
        program.display(),
        postfix.display()
    );
    for _ in 0..TRIES {
        // It has to be told a port; whoever takes that in between is met by the next try.
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let mut command = Command::new(&program);
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        command.arg("-d").arg(dump.join("mail.")).args([&format!("127.0.0.1:{port}"), "100"]);
        command.env("LD_LIBRARY_PATH", postfix.join("usr/lib/postfix")).kill_on_drop(true);
        let mut child = command.spawn().expect("smtp-sink");
        let began = std::time::Instant::now();
        while began.elapsed() < LISTENS && child.try_wait().unwrap().is_none() {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return (child, port);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    panic!("smtp-sink does not listen");
}

/// A folder with keys and a place for mails, which anybody may write to.
async fn prepared() -> (Folder, Value) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let dump = folder.path().join("dump");
    std::fs::create_dir(&dump).unwrap();
    std::fs::set_permissions(&dump, std::fs::Permissions::from_mode(0o777)).unwrap();
    let told = said(&["keys", folder.path().to_str().unwrap()]).await;
    (folder, told)
}

fn signed(folder: &Folder) -> String {
    let key = |selector: &str, file: &str| {
        let file = folder.path().join(file);
        format!(
            "      - {{ domain: shop.example, selector: {selector}, key_file: \"{}\" }}\n",
            file.display()
        )
    };
    format!("    dkim:\n{}{}", key("r1", "rsa.pem"), key("e1", "ed25519.pem"))
}

/// A shop with two kinds of mail, marketing and transactional.
async fn shop(channels: &str) -> MailShop {
    let policies = POLICIES.replace("from: billing@tx.shop.example", "from: billing@shop.example");
    let policies = format!("{policies}{channels}");
    let shipped = shipped();
    let mut files: Vec<(&str, &str)> =
        shipped.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.extend([
        ("journeyman.yaml", policies.as_str()),
        ("journeys/reminder.yaml", REMINDER),
        ("journeys/receipts.yaml", RECEIPTS),
        ("templates/receipt/template.yaml", RECEIPT),
        ("templates/receipt/email.hbs", RECEIPT_MAIL),
        ("templates/receipt/email.txt.hbs", RECEIPT_TEXT),
    ]);
    MailShop::open(&files).await
}

fn name_of(n: usize) -> &'static str {
    NAMES[n % NAMES.len()]
}

fn language_of(n: usize) -> &'static str {
    ["de", "en"][n % 2]
}

/// A long word, longer than a line of a mail may be.
fn note(n: usize) -> String {
    format!("{n}ü").repeat(400)
}

async fn feed(shop: &MailShop, daemon: &Daemon, people: usize) {
    let traits = |n| format!(r#""first_name":"{}","locale":"{}""#, name_of(n), language_of(n));
    let who: Vec<String> = (0..people).map(|n| identify(&format!("user{n}"), &traits(n))).collect();
    shop.take(daemon, &who).await;
    let items = r#"{"product_id":"lamp","name":"Lampe Ørsted","quantity":1,"price":79.90}"#;
    let carts = (0..people).map(|n| {
        let cart = format!(r#""cart_id":"c{n}","currency":"EUR","products":[{items}]"#);
        happens("Cart Viewed", &n.to_string(), &format!("user{n}"), &cart)
    });
    shop.take(daemon, &carts.collect::<Vec<_>>()).await;
    let orders = (0..people).map(|n| {
        let order = format!(r#""order_id":"o{n}","note":"{}""#, note(n));
        happens("Order Placed", &n.to_string(), &format!("user{n}"), &order)
    });
    shop.take(daemon, &orders.collect::<Vec<_>>()).await;
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

/// What holds for every mail; answers whose it is.
fn is_sound(mail: &Value) -> usize {
    assert_eq!(mail["defects"], Value::Array(vec![]), "{mail}");
    assert_eq!(
        mail["parts"],
        serde_json::json!(["multipart/alternative", "text/plain", "text/html"]),
        "{mail}"
    );
    let held = serde_json::json!(["ed25519-sha256 e1 True", "rsa-sha256 r1 True"]);
    assert_eq!(mail["signatures"], held, "{mail}");
    assert_eq!(mail["tampered"], Value::Array(vec![]), "changed, and no signature noticed");
    let (id, from) = (text(mail, "id"), mail["from"][1].as_str().unwrap());
    let domain = from.split_once('@').unwrap().1;
    assert_eq!(text(mail, "message_id"), format!("<{id}@{domain}>"));
    let back = text(mail, "back").split(['<', '>']).nth(1).expect("a return address");
    assert_eq!(keys().returned(back).expect("ours").0.to_string(), id);
    assert!(back.ends_with("@bounce.shop.example"), "{back}");
    let age = crate::harness::door::now().timestamp().as_second() as f64 - mail["date"].as_f64().unwrap();
    assert!((-1.0..120.0).contains(&age), "of {age} s ago");
    let to = mail["to"][0].as_str().unwrap();
    let n = to.strip_prefix("user").and_then(|to| to.strip_suffix("@customer.example")).expect("a customer");
    let n = n.parse().unwrap();
    assert_eq!(text(mail, "language"), language_of(n));
    n
}

/// A reminder: what it says, and where its links lead.
fn is_reminder(mail: &Value, n: usize, daemon: &Daemon) -> Vec<String> {
    let (subject, sender, greeting) = match language_of(n) {
        "de" => ("Da liegt noch etwas im Warenkorb", "Der Laden", format!("Hallo {}, lass dir", name_of(n))),
        _ => ("You left something behind", "The Shop", format!("Hi {}, take all", name_of(n))),
    };
    assert_eq!((text(mail, "subject"), mail["from"][0].as_str()), (subject, Some(sender)));
    assert_eq!(
        (text(mail, "reply_to"), text(mail, "list_unsubscribe_post")),
        ("care@shop.example", "List-Unsubscribe=One-Click")
    );
    let plain = text(mail, "text").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        plain.contains(&greeting.split_whitespace().collect::<Vec<_>>().join(" ")),
        "{greeting}: {plain}"
    );
    assert!(text(mail, "html").contains("Lampe Ørsted") && plain.contains("Lampe Ørsted"), "{mail}");
    let start = format!("{}/c/", daemon.public);
    let html =
        text(mail, "html").split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    let mut links: Vec<String> = html.filter(|link| link.starts_with(&start)).collect();
    assert!(!links.is_empty(), "{mail}");
    // The last is the trap's.
    links.pop();
    let written = text(mail, "text").split_whitespace().map(|word| word.trim_matches(['<', '>', '(', ')']));
    links.extend(written.filter(|word| word.starts_with(&start)).map(str::to_owned));
    links
}

fn is_receipt(mail: &Value, n: usize) {
    let subject = match language_of(n) {
        "de" => format!("{}, deine Bestellung o{n}", name_of(n)),
        _ => format!("{}, your order o{n}", name_of(n)),
    };
    assert_eq!(text(mail, "subject"), subject);
    assert!(mail["list_unsubscribe"].is_null() && mail["list_unsubscribe_post"].is_null(), "{mail}");
    let lines = format!(".\n..two\n.one of o{n}\nFrom here");
    let last = format!("=3D=20= {}", note(n));
    let (plain, html) = (text(mail, "text"), text(mail, "html"));
    assert!(plain.contains(&lines) && plain.contains(&last), "{plain}");
    assert!(html.contains(&lines) && html.contains(&last), "{html}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_smtp_sink_got_is_read_verified_and_followed() {
    let (folder, _) = prepared().await;
    let dump = folder.path().join("dump");
    let (_sink, port) = sink(&dump).await;
    let shop = shop(&format!("{}{}", relay(port, ", connections: 8"), signed(&folder))).await;
    let daemon = shop.daemon().await;
    feed(&shop, &daemon, MAILS).await;
    let files = async || (std::fs::read_dir(&dump).unwrap().count() == 2 * MAILS).then_some(());
    until("all mails", PATIENCE, files).await;
    shop.settle(PATIENCE).await;

    let mails = said(&["read", folder.path().to_str().unwrap()]).await;
    let mails = mails.as_array().expect("mails");
    assert_eq!(mails.len(), 2 * MAILS);
    let (mut links, mut targets, mut one_click, mut receipts) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for mail in mails {
        let n = is_sound(mail);
        if mail["list_unsubscribe"].is_null() {
            is_receipt(mail, n);
            receipts += 1;
            continue;
        }
        let of_mail = is_reminder(mail, n, &daemon);
        targets.extend(of_mail.iter().map(|_| format!("https://shop.example/cart?id=c{n}")));
        links.extend(of_mail);
        one_click.push(text(mail, "list_unsubscribe").trim_matches(['<', '>']).to_owned());
    }
    assert_eq!((receipts, one_click.len()), (MAILS, MAILS));
    let arguments: Vec<&str> = std::iter::once("follow").chain(links.iter().map(String::as_str)).collect();
    let followed = said(&arguments).await;
    for ((link, target), answer) in links.iter().zip(&targets).zip(followed.as_array().unwrap()) {
        assert_eq!(*answer, serde_json::json!([302, target]), "{link}");
    }
    let arguments: Vec<&str> = std::iter::once("post").chain(one_click.iter().map(String::as_str)).collect();
    let posted = said(&arguments).await;
    assert!(
        posted.as_array().unwrap().iter().all(|answer| *answer == serde_json::json!([200, null])),
        "{posted}"
    );
    shop.settle(PATIENCE).await;
    let told = |name| format!("SELECT count(*) FROM events WHERE name = '{name}'");
    for (name, count) in [("Message Followed", links.len()), ("Unsubscribed", MAILS)] {
        let sql = sqlx::AssertSqlSafe(told(name));
        let found: i64 = sqlx::query_scalar(sql).fetch_one(&shop.database.pool).await.unwrap();
        assert_eq!(found, count as i64, "{name}");
    }
    assert_eq!(shop.database.count("SELECT count(*) FROM suppressions").await, MAILS as i64);
    println!(
        "{} mails read and verified, {} links followed, {MAILS} people unsubscribed",
        mails.len(),
        links.len()
    );
    assert_eq!(settled_elsewhere(&shop.database.pool).await, [""; 0]);
    assert_eq!(daemon.stop().await.0, Some(0));
}

/// aiosmtpd, and its port.
async fn aiosmtpd(folder: &Folder) -> (Child, u16) {
    let mut command = python(&["serve", folder.path().to_str().unwrap()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines.next_line().await.unwrap().expect("a port").parse().expect("a port");
    (child, port)
}

#[tokio::test(flavor = "multi_thread")]
async fn aiosmtpd_takes_it_inside_tls_from_who_knows_the_password() {
    let (folder, told) = prepared().await;
    let (_server, port) = aiosmtpd(&folder).await;
    let ca = folder.path().join("ca.pem");
    let smtp = |password: &str| {
        format!(
            "channels:\n  email:\n    smtp:\n      host: localhost\n      port: {port}\n      \
             tls: starttls\n      user: {}\n      password: \"{password}\"\n      ca_file: \"{}\"\n      \
             connections: 4\n    bounces: bounce.shop.example\n{}",
            text(&told, "user"),
            ca.display(),
            signed(&folder)
        )
    };
    let shop = shop(&smtp("wrong")).await;
    let daemon = shop.daemon().await;
    feed(&shop, &daemon, 1).await;
    let refused = |known: &crate::harness::mail::Known| known.state == State::Queued && known.attempts == 1;
    let known = shop.until("user0", "is refused", refused).await;
    assert!(known.reason.starts_with("AUTH: 535"), "{known:?}");
    assert_eq!(daemon.stop().await.0, Some(0));

    let policies = std::fs::read_to_string(shop.folder.path().join("journeyman.yaml")).unwrap();
    shop.write(
        "journeyman.yaml",
        &policies.replace("\"wrong\"", &format!("\"{}\"", text(&told, "password"))),
    );
    let daemon = shop.daemon().await;
    feed(&shop, &daemon, 10).await;
    shop.hurry().await;
    shop.settle(PATIENCE).await;
    let mails = said(&["read", folder.path().to_str().unwrap()]).await;
    let mails = mails.as_array().expect("mails");
    assert_eq!(mails.len(), 20);
    for mail in mails {
        is_sound(mail);
        assert_eq!(mail["secured"], serde_json::json!([true, true]), "{mail}");
    }
    assert_eq!(daemon.stop().await.0, Some(0));
}
