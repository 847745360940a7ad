use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::person::{
    BURST, CARTS, CLICKS, Carts, Click, Consents, DEAD, ENTERED, ENTRY_BYTES, EndReason, Entered, Entry,
    GoalReached, Handover, HeldBy, HeldOut, MET, MET_BYTES, PENDING, Pending, Position, RESULT_BYTES, SENT,
    Seen, SendState, Sent, Session, StepResult, TOPIC_BYTES, Traits, UNDERWAY, Underway, VARIABLE_BYTES,
    Waiting, Watching, decode_handover, encode_handover, mark,
};
use crate::person::{RUNS, WATCHED};
use crate::plan::{Channel, PlanHash};
use crate::value::{Currency, KEY_BYTES, Money, Span, Value};
use crate::{EventId, MessageId, Refused, ShopTime};

fn at(seconds: i64) -> ShopTime {
    ShopTime::from_millisecond(1_767_607_200_000 + seconds * 1_000).unwrap()
}

fn entry() -> Entry {
    let value = json!({ "cart_id": "c", "value": 20.5, "vip": true, "items": [{ "product_id": "p" }] });
    Entry {
        event: EventId(Uuid::from_u128(1)),
        name: "Begin".into(),
        at: at(0),
        properties: Value::from_json(&value),
    }
}

/// Something in every field.
fn hot() -> Hot {
    let mut carts = Carts::default();
    let product = json!({ "cart_id": "c", "product_id": "p", "price": 4.5, "quantity": 2 });
    carts.apply("Product Added", EventId(Uuid::nil()), &Value::from_json(&product), at(1), Currency::EUR);
    let mut consents = Consents::default();
    consents.say(Some(Channel::Email), Some("news".into()), false, at(2));
    consents.say(None, None, true, at(3));
    let mut session = Session::default();
    session.seen(at(4));
    Hot {
        zone: Some(("Europe/Berlin".into(), at(5))),
        first_seen: Some(at(6)),
        last_seen: Some(at(7)),
        session,
        carts,
        consents,
        sent: vec![Sent { at: at(8), channel: Channel::Push, journey: mark(&["j"]), marketing: true }],
        underway: vec![Underway {
            message: MessageId(Uuid::from_u128(2)),
            channel: Channel::Sms,
            topic: Some("news".into()),
        }],
        entered: vec![
            Entered { of: mark(&["j", ""]), at: at(9), bars: None },
            Entered { of: mark(&["k", "1"]), at: at(10), bars: Some(Span::Days(3)) },
        ],
        pending: vec![Pending {
            journey: "j".into(),
            key: Some("c".into()),
            entry: entry(),
            since: at(11),
            due: at(12),
        }],
        last_run: 3,
        locale: Some("de-AT".into()),
        clicks: vec![Click {
            message: MessageId(Uuid::from_u128(2)),
            event: EventId(Uuid::from_u128(6)),
            at: at(21),
            due: at(24),
            links: vec![1, 300],
            url: "https://shop.example/".into(),
            trapped: true,
        }],
        dead: vec![(Channel::Email, mark(&["a@b"]))],
        met: vec![entry()],
        watched: vec![Seen { of: mark(&["j", "segment s"]), inside: true, due: Some(at(25)) }],
    }
}

fn result(state: SendState, message: Option<MessageId>) -> StepResult {
    let channel = Some(Channel::Inbox);
    StepResult {
        state,
        at: at(20),
        message,
        channel,
        visit: 1,
        delivered: true,
        opened: true,
        clicked: false,
    }
}

fn run() -> Run {
    let states = [
        SendState::Queued,
        SendState::Accepted,
        SendState::NotSent(Refused::Cap),
        SendState::Withheld,
        SendState::Failed,
    ];
    let results = states.into_iter().enumerate().map(|(nth, state)| {
        (format!("s{nth}").into(), result(state, (nth == 0).then_some(MessageId(Uuid::from_u128(2)))))
    });
    Run {
        number: 3,
        journey: "j".into(),
        plan: PlanHash(4),
        key: Some("c".into()),
        entry: entry(),
        started_at: at(13),
        held_out: HeldOut::Journey,
        position: Position::At {
            step: "s".into(),
            reached: at(14),
            waiting: Waiting::Moment { again: at(15), deadline: at(16), by: Refused::QuietHours },
        },
        variables: vec![
            ("pick".into(), Value::Money(Money::from_number(9.5, Currency::EUR).unwrap())),
            ("when".into(), Value::Time(at(17))),
            ("long".into(), Value::Span(Span::hours(1))),
            ("none".into(), Value::Missing),
        ],
        results: results.collect(),
        first_send: Some(at(18)),
        goal: Some(GoalReached { event: EventId(Uuid::from_u128(5)), at: at(19), value: Value::Number(7.0) }),
        item: Value::record([("product_id", Value::text("p"))]),
        turns: vec![("again".into(), 2)],
        outlasted: vec![HeldBy::Shop],
        dirty: false,
        stored: true,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What this release writes, every later one reads: a change here is another version, `V2`, beside this one.
#[test]
fn golden_bytes_of_the_latest_versions() {
    let positions = [
        (Position::At { step: "s".into(), reached: at(1), waiting: Waiting::Until(at(2)) }, UNTIL),
        (
            Position::At {
                step: "s".into(),
                reached: at(1),
                waiting: Waiting::Report { message: MessageId(Uuid::from_u128(2)), until: at(2) },
            },
            REPORT,
        ),
        (
            Position::At {
                step: "s".into(),
                reached: at(1),
                waiting: Waiting::Escalate { message: MessageId(Uuid::from_u128(2)), until: at(2) },
            },
            ESCALATE,
        ),
        (
            Position::At {
                step: "s".into(),
                reached: at(1),
                waiting: Waiting::Best { at: at(2), deadline: at(3) },
            },
            BEST,
        ),
        (
            Position::At {
                step: "s".into(),
                reached: at(1),
                waiting: Waiting::Held { by: HeldBy::Shop, until: at(2), inside: true },
            },
            HELD,
        ),
        (
            Position::Watching(Watching {
                ended_at: at(1),
                reason: EndReason::ExitStep("done".into()),
                until: at(2),
            }),
            WATCHING,
        ),
    ];
    assert_eq!(hex(&encode_hot(&hot())), HOT);
    assert_eq!(hex(&encode_run(&run())), RUN);
    for (position, golden) in positions {
        assert_eq!(hex(&encode(&position)), golden);
    }
    assert_eq!(hex(&encode_hot(&Hot::default())), EMPTY);
    assert_eq!(hex(&encode_handover(&handover())), HANDOVER);
}

/// What earlier releases wrote is read.
#[test]
fn golden_bytes_of_earlier_versions_are_read() {
    let unhex = |hex: &str| -> Vec<u8> {
        (0..hex.len() / 2).map(|nth| u8::from_str_radix(&hex[nth * 2..nth * 2 + 2], 16).unwrap()).collect()
    };
    let bytes = unhex(HOT_V1);
    assert_eq!(decode_hot(&bytes).unwrap(), Hot { met: Vec::new(), watched: Vec::new(), ..hot() });
    let bytes = unhex(HOT_V2);
    assert_eq!(decode_hot(&bytes).unwrap(), Hot { watched: Vec::new(), ..hot() });
    let bytes = unhex(RUN_V1);
    let old = Run { item: Value::Missing, turns: Vec::new(), outlasted: Vec::new(), ..run() };
    assert_eq!(decode_run(&bytes).unwrap(), old);
}

fn handover() -> Handover {
    let mut traits = Traits::default();
    traits.say("name", Value::text("Ada"), at(1));
    traits.say("phone", Value::Missing, at(2));
    let features = Default::default();
    Handover { assignment_key: 7, hot: Hot::default(), traits, runs: vec![run()], features }
}

#[test]
fn what_is_written_is_read() {
    assert_eq!(decode_hot(&encode_hot(&hot())).unwrap(), hot());
    assert_eq!(decode_run(&encode_run(&run())).unwrap(), run());
    let handed = decode_handover(&encode_handover(&handover())).unwrap();
    assert!(handed.traits.iter().eq(handover().traits.iter()));
    assert_eq!((handed.runs, handed.hot), (handover().runs, handover().hot));
    // Of a later version, cut off, or nothing at all.
    for bytes in [&[1, 0][..], &encode_hot(&hot())[..40], &[]] {
        assert!(decode_hot(bytes).is_err());
        assert!(decode_run(bytes).is_err());
        assert!(decode_handover(bytes).is_err());
    }
}

#[test]
fn sizes_are_those_of_what_is_written() {
    assert_eq!(size(&hot()) + 1, encode_hot(&hot()).len());
    assert_eq!(size(&run()) + 1, encode_run(&run()).len());
}

/// The longest name of a journey, a step or a topic.
fn name() -> Arc<str> {
    "n".repeat(TOPIC_BYTES).into()
}

/// Each list of a person's state at its limit, with the longest of what it may hold.
#[test]
fn a_persons_state_never_outgrows_its_row() {
    let long = "x".repeat(KEY_BYTES);
    let mut hot = hot();
    for nth in 0..200 {
        hot.consents.say(Some(Channel::Email), Some(format!("{nth:0>80}").into()), false, at(nth));
        for cart in 0..CARTS {
            let product = json!({
                "cart_id": format!("{cart:x>256}"), "product_id": format!("{nth:x>200}"), "price": 1e-20, "quantity": 1.5
            });
            let product = Value::from_json(&product);
            hot.carts.apply("Product Added", EventId(Uuid::nil()), &product, at(nth), Currency::EUR);
        }
    }
    for nth in 0..SENT as i64 + 1 {
        let sent = Sent { at: at(nth), channel: Channel::Inbox, journey: [255; 8], marketing: true };
        hot.remember_sent(sent, at(-1));
    }
    for nth in 0..UNDERWAY as u128 + 1 {
        let message = MessageId(Uuid::from_u128(u128::MAX - nth));
        hot.remember_underway(Underway { message, channel: Channel::Inbox, topic: Some(name()) });
    }
    let utc = jiff::tz::TimeZone::UTC;
    while hot.may_enter(at(0), &utc) {
        let of = mark(&[&hot.entered.len().to_string()]);
        hot.remember_entered(Entered { of, at: at(0), bars: Some(Span::Exact(i64::MIN)) }, &utc);
        let kept = hot.entered.len();
        hot.entered[kept - 1].bars = Some(Span::hours(24 * 36_500));
    }
    for nth in 0..PENDING + 1 {
        let pending = Pending {
            journey: name(),
            key: Some(format!("{nth:0>200}").into()),
            entry: Entry { properties: Value::record([("x", Value::text(&long))]), ..entry() },
            since: at(0),
            due: at(0),
        };
        hot.await_start(pending);
    }
    assert_eq!((hot.sent.len(), hot.underway.len(), hot.entered.len()), (SENT, UNDERWAY, ENTERED));
    hot.clicks.clear();
    for nth in 0..(CLICKS * BURST * 2) as u16 {
        let message = MessageId(Uuid::from_u128(u128::MAX - u128::from(nth % 7)));
        let click =
            Click::new(message, EventId(Uuid::from_u128(9)), at(0), at(3), 60_000 + nth, &long.repeat(2));
        hot.remember_click(click, false);
    }
    for nth in 0..DEAD + 1 {
        hot.remember_dead(Channel::Email, mark(&[&nth.to_string()]));
    }
    assert_eq!((hot.clicks.len(), hot.clicks[0].links.len(), hot.dead.len()), (CLICKS, BURST, DEAD));
    for nth in 0..100 {
        let (event, name) = (EventId(Uuid::from_u128(nth)), format!("{}{}", name(), nth % 20).into());
        let properties = Value::record([("x", Value::text(&"y".repeat(300)))]);
        hot.remember_met(Entry { event, name, at: at(nth as i64), properties }, at(-1));
    }
    assert!(
        hot.met.len() < MET && size(&hot.met) > MET_BYTES - 500,
        "{} of {}",
        hot.met.len(),
        size(&hot.met)
    );
    hot.watched = vec![Seen { of: [255; 8], inside: true, due: Some(at(1 << 30)) }; WATCHED];
    // And of each journey in which a run stayed with an older version, that it was looked at.
    hot.watched.extend(vec![Seen { of: [255; 8], inside: false, due: None }; RUNS]);
    let bytes = encode_hot(&hot).len();
    assert!((50_000..=STATE_BYTES).contains(&bytes), "{bytes}");
}

#[test]
fn a_runs_state_never_outgrows_its_row() {
    let text = |bytes: usize| Value::text(&"x".repeat(bytes));
    let mut run = run();
    run.journey = name();
    run.key = Some("k".repeat(KEY_BYTES).into());
    run.entry.name = "e".repeat(crate::tracking::NAME_BYTES).into();
    while size(&run.entry) < ENTRY_BYTES {
        run.entry.properties = text(ENTRY_BYTES - 700);
        run.entry.name = format!("{}e", run.entry.name).into();
    }
    run.position = Position::At {
        step: name(),
        reached: at(0),
        waiting: Waiting::Report { message: MessageId(Uuid::from_u128(u128::MAX)), until: at(0) },
    };
    // A variable of the very size fits; one byte more does not, and is missing then.
    run.variables.clear();
    let most = VARIABLE_BYTES - size(&("v".to_owned(), text(16_000))) + 16_000;
    assert!(run.set(&"v".into(), text(most)));
    assert!(!run.set(&"v".into(), text(most + 1)));
    assert_eq!(run.variable("v"), &Value::Missing);
    assert!(run.set(&"v".into(), text(most)));
    assert!(!run.set(&"w".into(), Value::Bool(true)));
    // More steps than a plan may have; the oldest results give way.
    for nth in 0..1_000 {
        let id = MessageId(Uuid::from_u128(u128::MAX - nth));
        run.leave(&format!("{nth:n>80}").into(), result(SendState::NotSent(Refused::NoConsent), Some(id)));
    }
    assert!(size(&run.results) > RESULT_BYTES - 200);
    assert!(run.result(&format!("{:n>80}", 999)).is_some() && run.result(&format!("{:n>80}", 0)).is_none());
    let bytes = encode_run(&run).len();
    assert!((56_000..=STATE_BYTES).contains(&bytes), "{bytes}");
}

const HOT_V1: &str = "00010d4575726f70652f4265726c696e80cdf3f8a3e8a3060180d6edf9a3e8a3060180dfe7faa3e8a306010180\
    c4f9f7a3e8a3060180c4f9f7a3e8a3060101016345555201010a70726f647563745f6964017001000001002d00\
    00000000000000000000455552000000000000004080a98bf5a3e8a30680a98bf5a3e8a30680a98bf5a3e8a306\
    0002010001046e6577730080b285f6a3e8a30600000180bbfff6a3e8a3060180e8e1fba3e8a30602ad7786bc06\
    72f70b010110000000000000000000000000000000020101046e657773027d0e5b68ad3d2fa080f1dbfca3e8a3\
    0600bd3bdeb7a6ff826680fad5fda3e8a30601010601016a010163100000000000000000000000000000000105\
    426567696e80a091f4a3e8a306080407636172745f69640301630576616c756502000000000080344003766970\
    0101056974656d73070108010a70726f647563745f69640301708083d0fea3e8a306808ccaffa3e8a306030105\
    64652d4154011000000000000000000000000000000002100000000000000000000000000000000680dd9488a4\
    e8a30680f8828ba4e8a3060201ac021568747470733a2f2f73686f702e6578616d706c652f010100feaadc59a5\
    d54e93";
const HOT: &str = "02010d4575726f70652f4265726c696e80cdf3f8a3e8a3060180d6edf9a3e8a3060180dfe7faa3e8a30601\
    0180c4f9f7a3e8a3060180c4f9f7a3e8a3060101016345555201010a70726f647563745f69640170010000\
    01002d0000000000000000000000455552000000000000004080a98bf5a3e8a30680a98bf5a3e8a30680a9\
    8bf5a3e8a3060002010001046e6577730080b285f6a3e8a30600000180bbfff6a3e8a3060180e8e1fba3e8\
    a30602ad7786bc0672f70b010110000000000000000000000000000000020101046e657773027d0e5b68ad\
    3d2fa080f1dbfca3e8a30600bd3bdeb7a6ff826680fad5fda3e8a30601010601016a010163100000000000\
    000000000000000000000105426567696e80a091f4a3e8a306080407636172745f69640301630576616c75\
    65020000000000803440037669700101056974656d73070108010a70726f647563745f69640301708083d0\
    fea3e8a306808ccaffa3e8a30603010564652d415401100000000000000000000000000000000210000000\
    0000000000000000000000000680dd9488a4e8a30680f8828ba4e8a3060201ac021568747470733a2f2f73\
    686f702e6578616d706c652f010100feaadc59a5d54e930110000000000000000000000000000000010542\
    6567696e80a091f4a3e8a306080407636172745f69640301630576616c7565020000000000803440037669\
    700101056974656d73070108010a70726f647563745f69640301700110b26ae9350b366101018081fd8ba4\
    e8a306";

/// As version 2 was written: before people were watched.
const HOT_V2: &str = "01010d4575726f70652f4265726c696e80cdf3f8a3e8a3060180d6edf9a3e8a3060180dfe7faa3e8a30601\
    0180c4f9f7a3e8a3060180c4f9f7a3e8a3060101016345555201010a70726f647563745f69640170010000\
    01002d0000000000000000000000455552000000000000004080a98bf5a3e8a30680a98bf5a3e8a30680a9\
    8bf5a3e8a3060002010001046e6577730080b285f6a3e8a30600000180bbfff6a3e8a3060180e8e1fba3e8\
    a30602ad7786bc0672f70b010110000000000000000000000000000000020101046e657773027d0e5b68ad\
    3d2fa080f1dbfca3e8a30600bd3bdeb7a6ff826680fad5fda3e8a30601010601016a010163100000000000\
    000000000000000000000105426567696e80a091f4a3e8a306080407636172745f69640301630576616c75\
    65020000000000803440037669700101056974656d73070108010a70726f647563745f69640301708083d0\
    fea3e8a306808ccaffa3e8a30603010564652d415401100000000000000000000000000000000210000000\
    0000000000000000000000000680dd9488a4e8a30680f8828ba4e8a3060201ac021568747470733a2f2f73\
    686f702e6578616d706c652f010100feaadc59a5d54e930110000000000000000000000000000000010542\
    6567696e80a091f4a3e8a306080407636172745f69640301630576616c7565020000000000803440037669\
    700101056974656d73070108010a70726f647563745f6964030170";
const HANDOVER: &str = "000e1502000000000000000000000000000000000000000002046e616d65030341646180a98bf5a3e8a306\
    0570686f6e650080b285f6a3e8a30601f9020103016a040101631000000000000000000000000000000001\
    05426567696e80a091f4a3e8a306080407636172745f69640301630576616c756502000000000080344003\
    7669700101056974656d73070108010a70726f647563745f69640301708095c480a4e8a30602000173809e\
    be81a4e8a3060180a7b882a4e8a30680b0b283a4e8a3063204047069636b06000001005f00000000000000\
    00000000455552047768656e0480b9ac84a4e8a306046c6f6e67050080909de91a046e6f6e650005027330\
    0080d49a87a4e8a3060110000000000000000000000000000000020106010101000273310180d49a87a4e8\
    a30600010601010100027332022e80d49a87a4e8a306000106010101000273330380d49a87a4e8a3060001\
    06010101000273340480d49a87a4e8a306000106010101000180c2a685a4e8a30601100000000000000000\
    000000000000000580cba086a4e8a306020000000000001c4008010a70726f647563745f69640301700105\
    616761696e020101";
const RUN_V1: &str = "0003016a04010163100000000000000000000000000000000105426567696e80a091f4a3e8a306080407636172\
    745f69640301630576616c7565020000000000803440037669700101056974656d73070108010a70726f647563\
    745f69640301708095c480a4e8a30602000173809ebe81a4e8a3060180a7b882a4e8a30680b0b283a4e8a30632\
    04047069636b06000001005f0000000000000000000000455552047768656e0480b9ac84a4e8a306046c6f6e67\
    050080909de91a046e6f6e6500050273300080d49a87a4e8a30601100000000000000000000000000000000201\
    060101000273310180d49a87a4e8a306000106010100027332022e80d49a87a4e8a30600010601010002733303\
    80d49a87a4e8a3060001060101000273340480d49a87a4e8a3060001060101000180c2a685a4e8a30601100000\
    000000000000000000000000000580cba086a4e8a306020000000000001c40";
const RUN: &str = "0103016a04010163100000000000000000000000000000000105426567696e80a091f4a3e8a306080407636172\
    745f69640301630576616c7565020000000000803440037669700101056974656d73070108010a70726f647563\
    745f69640301708095c480a4e8a30602000173809ebe81a4e8a3060180a7b882a4e8a30680b0b283a4e8a30632\
    04047069636b06000001005f0000000000000000000000455552047768656e0480b9ac84a4e8a306046c6f6e67\
    050080909de91a046e6f6e6500050273300080d49a87a4e8a30601100000000000000000000000000000000201\
    06010101000273310180d49a87a4e8a30600010601010100027332022e80d49a87a4e8a3060001060101010002\
    73330380d49a87a4e8a306000106010101000273340480d49a87a4e8a306000106010101000180c2a685a4e8a3\
    0601100000000000000000000000000000000580cba086a4e8a306020000000000001c4008010a70726f647563\
    745f69640301700105616761696e020101";
const UNTIL: &str = "00017380a98bf5a3e8a3060080b285f6a3e8a306";
const REPORT: &str = "00017380a98bf5a3e8a30602100000000000000000000000000000000280b285f6a3e8a306";
const ESCALATE: &str = "00017380a98bf5a3e8a30603100000000000000000000000000000000280b285f6a3e8a306";
const BEST: &str = "00017380a98bf5a3e8a3060480b285f6a3e8a30680bbfff6a3e8a306";
const HELD: &str = "00017380a98bf5a3e8a306050180b285f6a3e8a30601";
const WATCHING: &str = "0180a98bf5a3e8a3060304646f6e6580b285f6a3e8a306";
const EMPTY: &str = "020000000000000000000000000000000000000000";
