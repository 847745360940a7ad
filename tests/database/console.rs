//! The console over HTTP: figures of a shop of which everything is known, what is written by strangers, what is not there.

#[path = "console/graph.rs"]
mod graph;
#[path = "console/pages.rs"]
mod pages;
#[path = "console/shop.rs"]
mod shop;
#[path = "console/slow.rs"]
mod slow;

use reqwest::header::HOST;

use self::shop::{EVIL, Shop};
use crate::harness::daemon::Daemon;
use crate::harness::door::client;
use crate::harness::mail::{MailShop, POLICIES};
use crate::harness::postgres::Database;
use crate::harness::proxy::Proxy;
use crate::harness::shop::PATIENCE;
use crate::harness::until::until;

const HELLO: &str = "journey: hello
kind: transactional
enter:
  on: Signed Up
  again: never
steps:
  - send: hello
    channel: inbox
";

/// A page, as it came.
struct Page {
    status: u16,
    policy: String,
    html: String,
}

impl Page {
    /// What a reader sees, on one line.
    fn text(&self) -> String {
        let body = self.html.split_once("<body>").map_or(self.html.as_str(), |(_, body)| body);
        let mut text = String::new();
        let mut inside = true;
        for letter in body.chars() {
            match letter {
                '<' => (inside, text) = (false, text + " "),
                '>' => inside = true,
                letter if inside => text.push(letter),
                _ => {}
            }
        }
        let text = text
            .replace("&#60;", "<")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&#62;", ">")
            .replace("&#39;", "'")
            .replace("&#34;", "\"");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What the picture says of its nodes: each one's text, on a line.
    fn nodes(&self) -> Vec<String> {
        let picture = self.html.split("<svg").nth(1).expect("a picture").split("</svg>").next().unwrap();
        let nodes = picture.split("<g class=").skip(1);
        let texts = nodes.map(|node| {
            let texts = node.split("<text ").skip(1).filter_map(|text| text.split('>').nth(1));
            texts.map(|text| text.trim_end_matches("</text")).collect::<Vec<_>>().join(" | ")
        });
        texts.collect()
    }
}

async fn get(daemon: &Daemon, path: &str) -> Page {
    let http = crate::harness::door::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let response = http.get(format!("{}{path}", daemon.private)).send().await.unwrap();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let policy = header("content-security-policy").or(header("location")).unwrap_or_default();
    let status = response.status().as_u16();
    Page { status, policy, html: response.text().await.unwrap() }
}

/// One door: a page that is there, and words in it, in their order.
async fn check(daemon: &Daemon, path: &str, words: &[&str]) -> Page {
    let page = get(daemon, path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.html);
    let text = page.text();
    let mut rest = text.as_str();
    for words in words {
        let found = rest.split_once(words);
        rest = found.unwrap_or_else(|| panic!("{path}: no `{words}` in `{rest}` of\n{text}")).1;
    }
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_tell_what_is_so() {
    let shop = Shop::open().await;
    let daemon = &shop.daemon;
    assert!(
        daemon.said.iter().any(|line| line == &format!("console {}/", daemon.private)),
        "{:?}",
        daemon.said
    );
    // Inside: Ada and Dora wait, Ben waits behind his second mail. Sent are 4 + 1, of which 2 were clicked.
    check(
        daemon,
        "/",
        &[
            "Inside now Entered Messages Clicked Goal reached",
            "cart on Cart Viewed live 3 4 5 2 40.0 % 1",
            "quiet on Cart Viewed live 0 4 0 0 0",
            "sketch on <script>alert('event')</script> draft 0 0 0 0 0",
        ],
    )
    .await;
    let journey = check(
        daemon,
        "/journeys/cart",
        &[
            "Inside now 3 Entered 4 Messages sent 5 Opened 3 60.0 % of those sent Clicked 2 40.0 % of those sent Goal \
             reached 1",
            "nudge Send · email: reminder 0 4 3 2 0 wait_for_1 Wait for: Cart Forgotten 2",
            "last_call Send · email: reminder 0 1 0 0 0 wait_1 Wait: 3d 1",
            "The goal was reached 1",
        ],
    )
    .await;
    assert_eq!(
        journey.nodes(),
        [
            "Begins on | Cart Viewed | one run per cart_id | 4 entered",
            "Send · email | nudge | reminder | within 1d | 4 sent · 2 clicked",
            "Wait for | wait_for_1 | 2 | Cart Forgotten | at most 2d",
            "Exit | exit_1 | patience",
            "Send · email | last_call | reminder | within 1d | 1 sent",
            "Wait | wait_1 | 1 | 3d",
            "End",
            "Goal | Order Completed | within 3d | worth event.revenue | ends the run | 1 reached it",
        ]
    );
    let quiet = check(
        daemon,
        "/journeys/quiet",
        &["reminder Send · email: reminder 0 0 0 0 4", "All steps were done 4"],
    );
    assert_eq!(
        quiet.await.nodes().last().unwrap(),
        "Holdout | 100% of people | walk it and get no message | 4 held out, over by now"
    );

    check(daemon, "/inbox", &["BEN, your cart to ben cart last_call email accepted"]).await;
    let clicked =
        check(daemon, "/inbox?journey=cart&state=accepted", &["to ada cart nudge email accepted clicked"])
            .await;
    assert_eq!(clicked.text().matches("email accepted clicked").count(), 2);
    assert_eq!(clicked.text().matches("email accepted opened").count(), 1);
    assert_eq!(clicked.html.matches("<tr>").count(), 1 + 5);
    check(daemon, "/inbox?state=rejected", &["No such message"]).await;

    let ada = shop.mail_of("ada").await;
    let path = Shop::message(ada.id);
    let page = check(
        daemon,
        &path,
        &[
            "ADA, your cart accepted clicked by email to ada in cart",
            "From The Shop <hello@mail.shop.example> Reply-To care@shop.example To ada@customer.example Subject ADA, your cart",
            "Text part Hello ADA, cart c-ada waits.",
            "To ada@customer.example Kind marketing, topic reminders",
        ],
    )
    .await;
    assert!(
        page.html.contains(&format!(r#"<iframe sandbox title="The mail as it is shown" src="{path}/html""#)),
        "{}",
        page.html
    );
    assert!(
        page.policy.starts_with("default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'"),
        "{}",
        page.policy
    );
    let mail = get(daemon, &format!("{path}/html")).await;
    assert!(mail.html.contains("Hello ADA, cart c-ada waits."), "{}", mail.html);
    assert_eq!(
        mail.policy,
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    );
    // Who looks does not click in her name.
    assert!(
        !mail.html.contains(&daemon.public) && mail.html.contains("https://shop.example/cart"),
        "{}",
        mail.html
    );
    let pictures = get(daemon, &format!("{path}/html?pictures=true")).await;
    assert!(pictures.policy.contains("img-src data: http: https:; "), "{}", pictures.policy);

    let page = shop.page_of("ben").await;
    let told = [
        "ben person_",
        "Cart Forgotten",
        "reached cart last_call (run 1)",
        "message cart last_call: reminder by email, accepted",
        "Cart Viewed",
        "began cart run 1 [c-ben]",
        "Where they stand cart c-ben at wait_1 until",
        "userId ben",
        "Traits email ben@customer.example first_name BEN",
    ];
    check(daemon, &page, &told).await;
    for q in ["ben", "BEN@Customer.example", "%20ben%20", &page.replace("/people/", "")] {
        let found = get(daemon, &format!("/people?q={q}")).await;
        assert_eq!((found.status, found.policy.as_str()), (303, page.as_str()), "{q}");
    }
    check(daemon, "/people?q=nobody@customer.example", &["Nobody is known by that"]).await;
    assert_eq!(shop.daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_strangers_write_is_text() {
    let shop = Shop::open().await;
    let daemon = &shop.daemon;
    let dora = shop.mail_of("dora").await;
    let (message, page) = (Shop::message(dora.id), shop.page_of("dora").await);
    let q = "%3Cscript%3Ealert('x')%3C/script%3E%3Cimg%20src=x%20onerror=alert(1)%3E";
    for (path, told) in [
        ("/", "<script>alert('event')</script>"),
        ("/journeys/sketch", "<script>alert('event')</script>"),
        ("/inbox", EVIL),
        (&message, EVIL),
        (&page, EVIL),
        (&format!("/people?q={q}"), "Nobody is known by that"),
    ] {
        let page = check(daemon, path, &[told]).await;
        // The console has no script at all, and no attribute that would be one.
        for markup in ["<script", "<img src=x", "onerror=alert(1)>\""] {
            assert!(!page.html.contains(markup), "{path}: {markup} in {}", page.html);
        }
    }
    let mail = get(daemon, &format!("{message}/html")).await;
    assert!(!mail.html.contains("<script") && mail.html.contains("&lt;script&gt;"), "{}", mail.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_and_who_is_not_let_in() {
    let database = Database::new().await;
    let wire = Proxy::to(&database.options).await;
    let daemon = Daemon::start(&wire.url(&database.options)).await;
    check(&daemon, "/", &["No journey is live", "journeyman apply"]).await;
    check(&daemon, "/inbox", &["No message yet"]).await;
    check(&daemon, "/people", &["Find"]).await;
    for path in [
        "/journeys/cart",
        "/messages/msg_00000000000000000000000000000007",
        "/messages/msg_00000000000000000000000000000007/html",
        "/messages/%3Cscript%3E",
        "/people/person_7",
        "/people/7",
        "/people/person_99999999999999999999",
        "/nothing",
    ] {
        let page = get(&daemon, path).await;
        assert_eq!(page.status, 404, "{path}");
        assert!(page.text().contains("Nothing here") && !page.policy.is_empty(), "{path}: {}", page.html);
    }
    // Another's name that leads here is no way in, and the world has none at all.
    let foreign = client().get(format!("{}/", daemon.private)).header(HOST, "evil.example");
    let foreign = foreign.send().await.unwrap();
    assert_eq!(foreign.status().as_u16(), 421);
    assert!(!foreign.text().await.unwrap().contains("No journey"));
    for path in ["/", "/inbox", "/people", "/console.css"] {
        let outside = client().get(format!("{}{path}", daemon.public)).send().await.unwrap();
        assert_eq!(outside.status().as_u16(), 404, "{path}");
    }
    // What is read changes nothing.
    let post = client().post(format!("{}/people", daemon.private)).send().await.unwrap();
    assert_eq!(post.status().as_u16(), 405);
    wire.cut();
    for path in ["/", "/inbox", "/people?q=ada"] {
        let page = get(&daemon, path).await;
        assert_eq!(page.status, 503, "{path}: {}", page.html);
        assert!(page.text().contains("The database does not answer"), "{}", page.html);
    }
    wire.mend();
    check(&daemon, "/", &["No journey is live"]).await;
    assert_eq!(daemon.stop().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_turned_out_to_be_one_has_one_page() {
    let shop = MailShop::open(&[("journeyman.yaml", POLICIES), ("journeys/hello.yaml", HELLO)]).await;
    let daemon = shop.daemon().await;
    let lamp = r#"{"type":"track","event":"Lamp Seen","anonymousId":"phone","messageId":"1"}"#;
    let rug = r#"{"type":"track","event":"Rug Seen","userId":"eva","messageId":"2"}"#;
    shop.take(&daemon, &[lamp.to_owned(), rug.to_owned()]).await;
    shop.settle(PATIENCE).await;
    let both = r#"{"type":"identify","userId":"eva","anonymousId":"phone","messageId":"3","traits":{}}"#;
    shop.take(&daemon, &[both.to_owned()]).await;
    let merged = "SELECT count(*) FROM heads h JOIN persons p ON p.person_id = h.merged_into AND p.n >= 3";
    until("one of two", PATIENCE, async || (shop.database.count(merged).await == 1).then_some(())).await;
    let page = get(&daemon, "/people?q=eva").await.policy;
    assert_eq!(get(&daemon, "/people?q=anonymous:phone").await.policy, page);
    let told =
        check(&daemon, &page, &["eva person_", "Known as userId eva anonymousId phone", "Was also person_"])
            .await;
    let text = told.text();
    // Between them may stand when it happened, where its batch was a second later.
    let lamp = text.split_once("Lamp Seen ").and_then(|(_, rest)| rest.split_once("(as person_"));
    assert!(text.contains("Rug Seen") && lamp.is_some_and(|(when, _)| when.len() < 30), "{text}");
    assert_eq!(daemon.stop().await.0, Some(0));
}
