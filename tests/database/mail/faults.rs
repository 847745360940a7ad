//! What goes wrong at the server, and what follows: told by the database, by what comes again, and when.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use journeyman_store::outbox::State;

use super::{CONNECTIONS, HELLO, HELLO_MAIL, by, shop_with, signed_up};
use crate::harness::checker::settled_elsewhere;
use crate::harness::daemon::Daemon;
use crate::harness::mail::{Known, MailShop, identify};
use crate::harness::shop::{PATIENCE, order};
use crate::harness::smtp::{At, Mail, Manners, Server, Trouble};
use crate::harness::until::until;

use At::{Body, Data, Dot, Greeting, Hello, Mail as From, Rcpt};
use Then::{Later, Never, Sent, Unknown, Whichever};
use Trouble::{Closes, Hangs, Says, Trickles};

/// What follows for the message.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// It is taken.
    Sent,
    /// It waits again, at least and at most so many seconds, with a reason that says this.
    Later(f64, f64, &'static str),
    /// It is refused, with a reason that begins so.
    Never(&'static str),
    /// Nobody knows.
    Unknown,
    /// It waits again or nobody knows: whether the dot had left when the server went, chance says.
    Whichever,
}

const DKIM_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIBIJrnAVSE/k54ktRRXq5EqlexpyOkX/oxGsR/1gG7K6
-----END PRIVATE KEY-----
";

/// The first delay, half of which is drawn.
const SOON: (f64, f64) = (14.0, 30.0);
const fn soon(says: &'static str) -> Then {
    Later(SOON.0, SOON.1, says)
}
/// What the server or its code asks for, less what has gone by since.
const fn after(seconds: f64, says: &'static str) -> Then {
    Later(seconds - 10.0, seconds, says)
}

/// How long one answer may take.
const TIMEOUT: &str = ", timeout: 2s";
const SLOW: Duration = Duration::from_millis(10);
const TOO_SLOW: Duration = Duration::from_millis(400);

/// What happens to one marketing mail, and what follows.
const TABLE: [(At, Trouble, Then); 40] = [
    (Greeting, Says("421 4.3.2 down"), soon("greeting: 421 4.3.2 down")),
    (Greeting, Says("554 5.7.1 not for you"), soon("greeting: 554 5.7.1")),
    (
        Greeting,
        Says("HTTP/1.1 400 Bad Request"),
        soon("greeting: the server said something that is no reply"),
    ),
    (Greeting, Hangs, soon("greeting: no answer in time")),
    (Greeting, Closes, soon("greeting: ")),
    (Greeting, Trickles(SLOW), Sent),
    (Greeting, Trickles(TOO_SLOW), soon("greeting: no answer in time")),
    (Hello, Says("550 5.7.1 who are you?"), soon("EHLO: 550")),
    (Hello, Says("421 4.7.0 too many connections"), soon("EHLO: 421")),
    (Hello, Closes, soon("EHLO: ")),
    (Hello, Trickles(SLOW), Sent),
    (From, Says("451 4.3.0 later"), after(300.0, "451 4.3.0 later")),
    (From, Says("421 4.3.2 closing"), after(60.0, "421 4.3.2 closing")),
    (From, Says("452 4.3.1 disk full"), after(900.0, "452 4.3.1")),
    (From, Says("550 5.1.8 no such sender"), Never("sender: 550 5.1.8")),
    (From, Says("530 5.7.0 authentication required"), soon("530 5.7.0")),
    (From, Hangs, soon("MAIL: no answer in time")),
    (From, Closes, soon("MAIL: ")),
    (Rcpt, Says("450 4.2.0 greylisted"), after(300.0, "450 4.2.0")),
    (Rcpt, Says("450 4.7.1 greylisted, try again in 20 minutes"), after(1200.0, "450 4.7.1")),
    (Rcpt, Says("452 4.2.2 mailbox full"), after(21_600.0, "452 4.2.2")),
    (Rcpt, Says("421 4.7.0 slow down"), after(60.0, "421 4.7.0")),
    (Rcpt, Says("550 5.2.2 mailbox full"), Never("mailbox_full: 550 5.2.2")),
    (Rcpt, Says("554 5.7.1 spam"), Never("policy: 554 5.7.1")),
    (Rcpt, Closes, soon("RCPT: ")),
    (Rcpt, Trickles(TOO_SLOW), soon("RCPT: no answer in time")),
    (Data, Says("451 4.3.0 not now"), after(300.0, "451 4.3.0")),
    (Data, Says("554 5.6.0 no"), Never("content: 554 5.6.0")),
    (Data, Hangs, soon("DATA: no answer in time")),
    (Data, Closes, soon("DATA: ")),
    (Body, Says("552 5.3.4 too large"), Never("too_large: 552 5.3.4")),
    (Body, Closes, Whichever),
    (Dot, Says("451 4.3.0 not now"), after(300.0, "451 4.3.0")),
    (Dot, Says("452 4.3.1 disk full"), after(900.0, "452 4.3.1")),
    (Dot, Says("421 4.4.2 closing"), after(60.0, "421 4.4.2")),
    (Dot, Says("550 5.7.1 spam"), Never("policy: 550 5.7.1")),
    (Dot, Says("250"), Sent),
    (Dot, Says("what?"), Unknown),
    (Dot, Trickles(SLOW), Sent),
    (Dot, Closes, Unknown),
];

/// A shop with a daemon and a server that closes behind each mail, so that each case has its own connection.
struct Stage {
    server: Server,
    shop: MailShop,
    daemon: Daemon,
}

impl Stage {
    async fn new(manners: Manners) -> Self {
        let server = Server::open(Manners { one_each: true, ..manners }).await;
        let policies = by(&server, TIMEOUT);
        let policies =
            format!("{policies}    dkim: [{{ domain: shop.example, selector: s1, key_file: dkim.pem }}]\n");
        let shop = shop_with(&[("journeyman.yaml", &policies), ("dkim.pem", DKIM_KEY)]).await;
        let daemon = shop.daemon().await;
        Self { server, shop, daemon }
    }

    async fn take(&self, messages: &[String]) {
        self.shop.take(&self.daemon, messages).await;
    }

    /// What came of a user's message.
    fn mails_of(&self, user: &str) -> Vec<Mail> {
        let to = format!("{user}@customer.example");
        self.server.mails().into_iter().filter(|mail| mail.to == to).collect()
    }

    async fn end(self) {
        self.shop.settle(PATIENCE).await;
        assert!(self.server.connections().1 <= CONNECTIONS, "{:?}", self.server.connections());
        assert_eq!(settled_elsewhere(&self.shop.database.pool).await, [""; 0]);
        assert_eq!(self.daemon.stop().await.0, Some(0));
    }
}

/// Whether the first attempt is over.
fn tried(known: &Known) -> bool {
    known.attempts == 1 && known.state != State::Started
}

/// One door: a case to what is known of its message, and whether it leaves again, as it was.
async fn check(stage: &Stage, user: &str, (at, trouble, then): (At, Trouble, Then)) {
    let case = format!("{at:?} {trouble:?}");
    stage.server.script(at, trouble);
    stage.take(&[identify(user, ""), signed_up(user, user)]).await;
    let first = stage.shop.until(user, &format!("is tried: {case}"), tried).await;
    let mails = stage.mails_of(user);
    match (then, first.state) {
        (Sent, State::Accepted) => assert_eq!((mails.len(), mails[0].taken), (1, true), "{case}"),
        (Never(says), State::Rejected) => {
            assert!(first.reason.starts_with(says), "{case}: {first:?}");
            assert!(mails.iter().all(|mail| !mail.taken), "{case}");
        }
        (Unknown | Whichever, State::Unknown) => {
            assert!(mails.iter().all(|mail| mail.taken || !mail.whole), "{case}")
        }
        (Later(..) | Whichever, State::Queued) => {
            let waits = first.waits.expect("a moment");
            if let Later(least, most, says) = then {
                assert!(first.reason.contains(says), "{case}: {first:?}");
                assert!(least <= waits && waits <= most, "{case}: {first:?}");
            }
            assert!(mails.iter().all(|mail| !mail.taken), "{case}");
            stage.shop.hurry().await;
            let second = stage
                .shop
                .until(user, &format!("leaves again: {case}"), |known| {
                    known.attempts == 2 && tried_twice(known)
                })
                .await;
            assert_eq!(second.state, State::Accepted, "{case}: {second:?}");
            comes_again(&mails, &stage.mails_of(user), &case);
        }
        (_, state) => panic!("{case}: {state}, {first:?}"),
    }
}

fn tried_twice(known: &Known) -> bool {
    !matches!(known.state, State::Queued | State::Started)
}

/// The last of `all` was taken, the same bytes as what was offered before.
fn comes_again(before: &[Mail], all: &[Mail], case: &str) {
    let taken: Vec<&Mail> = all.iter().filter(|mail| mail.taken).collect();
    assert_eq!(taken.len(), 1, "{case}");
    for mail in before {
        let same =
            if mail.whole { taken[0].bytes == mail.bytes } else { taken[0].bytes.starts_with(&mail.bytes) };
        assert!(same, "{case}: {}\nand then\n{}", mail.text(), taken[0].text());
        assert_eq!((&mail.from, &mail.to), (&taken[0].from, &taken[0].to), "{case}");
    }
}

async fn table(manners: Manners) {
    let stage = Stage::new(manners).await;
    for (nth, case) in TABLE.into_iter().enumerate() {
        check(&stage, &format!("user{nth}"), case).await;
    }
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_server_does_has_its_consequence() {
    table(Manners::GOOD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_the_same_with_a_server_that_takes_one_command_at_a_time() {
    table(Manners { offers: &[], ..Manners::GOOD }).await;
}

/// Refused at the dot once, so that all its bytes are known.
async fn refused_once(stage: &Stage, user: &str) -> Mail {
    stage.server.script(Dot, Says("451 4.3.0 not now"));
    stage.take(&[identify(user, r#""first_name":"Ada","locale":"de""#), signed_up(user, user)]).await;
    stage.shop.until(user, "is refused once", |known| tried(known) && known.state == State::Queued).await;
    stage.mails_of(user).pop().expect("an offer")
}

async fn comes_as_it_was(stage: &Stage, user: &str, first: Mail) {
    assert!(first.text().starts_with("DKIM-Signature: v=1; a=ed25519-sha256;"), "{}", first.text());
    stage.shop.hurry().await;
    stage.shop.until(user, "is sent", |known| known.state == State::Accepted).await;
    comes_again(&[first], &stage.mails_of(user), user);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_tried_again_says_the_same_whatever_has_changed() {
    let mut stage = Stage::new(Manners::GOOD).await;
    let before = refused_once(&stage, "ada").await;
    // Other words, another sender's name.
    stage.shop.write("templates/hello/template.yaml", &HELLO.replace("Hallo", "Servus"));
    stage.shop.write("templates/hello/email.hbs", &HELLO_MAIL.replace("Hello", "Hi"));
    let policies = std::fs::read_to_string(stage.shop.folder.path().join("journeyman.yaml")).unwrap();
    stage.shop.write("journeyman.yaml", &policies.replace("Der Laden", "Das Geschäft"));
    stage.shop.apply().await;
    stage.take(&[identify("ben", r#""locale":"de""#), signed_up("ben", "ben")]).await;
    stage.shop.until("ben", "is sent", |known| known.state == State::Accepted).await;
    let new = stage.mails_of("ben").pop().unwrap();
    assert!(new.header("Subject").starts_with("Servus"), "{}", new.text());
    comes_as_it_was(&stage, "ada", before).await;

    // Another daemon, on another port.
    let before = refused_once(&stage, "cara").await;
    let daemon = std::mem::replace(&mut stage.daemon, stage.shop.daemon().await);
    assert_eq!(daemon.stop().await.0, Some(0));
    comes_as_it_was(&stage, "cara", before).await;
    stage.end().await;
}

/// Longer than the answer to a dot is waited for by a daemon that is to end, and far shorter than by another.
const ENDS: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_does_not_keep_a_daemon_that_is_to_end() {
    let stage = Stage::new(Manners::GOOD).await;
    stage.take(&[identify("ada", "")]).await;
    stage.server.script(Dot, Hangs);
    stage.take(&[signed_up("1", "ada")]).await;
    until("the dot has left", PATIENCE, async || (!stage.mails_of("ada").is_empty()).then_some(())).await;
    let Stage { shop, daemon, .. } = stage;
    let began = Instant::now();
    assert_eq!(daemon.stop().await.0, Some(0));
    assert!(began.elapsed() < ENDS, "{:?}", began.elapsed());
    // Nobody knows whether it was taken, and it says so.
    let known = shop.known("ada").await.pop().unwrap();
    assert_eq!(known.state, State::Unknown, "{known:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_given_up_at_some_time() {
    let stage = Stage::new(Manners::GOOD).await;
    let database = &stage.shop.database;
    for (user, change) in [
        ("ada", "UPDATE outbox SET attempts = 15"),
        ("ben", "UPDATE outbox SET queued_at = now() - interval '1439 min 58 s'"),
    ] {
        refused_once(&stage, user).await;
        sqlx::raw_sql(change).execute(&database.pool).await.unwrap();
        stage.server.script(Rcpt, Says("451 4.3.0 not now"));
        stage.shop.hurry().await;
        let over = stage.shop.until(user, "is given up", |known| known.state == State::Rejected).await;
        assert!(over.reason.starts_with("gave_up: 451 4.3.0"), "{over:?}");
    }
    // What people have a right to hear is tried for longer.
    stage.server.script(Rcpt, Says("451 4.3.0 not now"));
    stage.take(&[identify("cara", ""), order("1", "cara")]).await;
    stage.shop.until("cara", "is refused once", |known| tried(known) && known.state == State::Queued).await;
    sqlx::raw_sql("UPDATE outbox SET queued_at = now() - interval '3 d'")
        .execute(&database.pool)
        .await
        .unwrap();
    stage.shop.hurry().await;
    stage.shop.until("cara", "is sent", |known| known.state == State::Accepted).await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_to_arrive_is_sent_again_where_nobody_knows() {
    let stage = Stage::new(Manners::GOOD).await;
    stage.take(&[identify("ada", "")]).await;
    stage.server.script(Dot, Closes);
    stage.take(&[order("1", "ada")]).await;
    let once = stage
        .shop
        .until("ada", "is tried", |known| known.attempts >= 1 && known.state == State::Queued)
        .await;
    let waits =
        once.waits.expect("a pause: whoever takes a mail and does not say so would get it without end");
    assert!((SOON.0..=SOON.1).contains(&waits), "{once:?}");
    stage.shop.hurry().await;
    let over = stage.shop.until("ada", "is sent", |known| known.state == State::Accepted).await;
    let mails = stage.mails_of("ada");
    assert_eq!((over.attempts, mails.len()), (2, 2));
    assert_eq!(mails[0].bytes, mails[1].bytes);
    stage.end().await;
}

/// How long a host in trouble is left alone, at least.
const ALONE: Duration = Duration::from_secs(9);

#[tokio::test(flavor = "multi_thread")]
async fn a_host_in_trouble_is_left_alone_and_nothing_is_lost() {
    let stage = Stage::new(Manners { greeting: "421 4.3.2 down", ..Manners::GOOD }).await;
    let users: Vec<String> = (0..40).map(|n| format!("user{n}")).collect();
    stage.take(&users.iter().map(|user| identify(user, "")).collect::<Vec<_>>()).await;
    stage.take(&users.iter().map(|user| signed_up(user, user)).collect::<Vec<_>>()).await;
    let tries = async || {
        let (tries, _) = stage.server.connections();
        (tries >= 5).then_some(tries)
    };
    until("five tries", PATIENCE, tries).await;
    // What had begun by then comes still: the rest begins with the last of it.
    let last = Mutex::new((0, Instant::now()));
    let rests = async || {
        let (tries, _) = stage.server.connections();
        let mut last = last.lock().unwrap();
        if tries != last.0 {
            *last = (tries, Instant::now());
        }
        (last.1.elapsed() > ALONE / 4).then_some(*last)
    };
    let ((tries, began), _) = until("no more tries", PATIENCE, rests).await;
    assert!(tries < 5 + CONNECTIONS, "{tries}");
    // It is well again at once; nobody knows before it is asked.
    stage.server.behave(Manners { one_each: true, ..Manners::GOOD });
    stage.shop.hurry().await;
    until("another try", PATIENCE, async || (stage.server.connections().0 > tries).then_some(())).await;
    let alone = began.elapsed();
    assert!(alone > ALONE, "left alone for {alone:?}");
    stage.server.until(users.len(), PATIENCE).await;
    println!("{tries} tries, then none for {alone:.1?}, then all {} mails", users.len());
    assert_eq!(stage.server.mails().len(), users.len());
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_the_server_calls_dead_is_not_written_to_again() {
    let stage = Stage::new(Manners::GOOD).await;
    stage.server.script(Rcpt, Says("550 5.1.1 no such user"));
    stage.take(&[identify("ada", ""), signed_up("1", "ada")]).await;
    let first = stage.shop.until("ada", "is refused", |known| known.state == State::Rejected).await;
    assert!(first.reason.starts_with("no_such_address: 550 5.1.1"), "{first:?}");
    // Neither what people may like nor what they have a right to.
    stage.take(&[signed_up("2", "ada"), order("2", "ada")]).await;
    stage.shop.settle(PATIENCE).await;
    let known = stage.shop.known("ada").await;
    assert!(
        known[1..].iter().all(|known| known.state == State::Rejected && known.reason == "suppressed"),
        "{known:?}"
    );
    assert!(stage.server.mails().is_empty());
    stage.end().await;
}
