use std::fmt::Write as _;

use super::*;

const RECEIVED: &str = "2026-11-23T10:00:00Z";

fn door() -> Door<'static> {
    Door {
        write_key: "wk",
        source: "web",
        received_at: parse_timestamp(RECEIVED).unwrap(),
        index: 0,
        message_id: None,
        historical: false,
    }
}

fn read_one(json: &str) -> Result<Event, Reject> {
    read(json, &Defaults::default(), &door(), || 7)
}

/// The one door of these tests: what a message becomes, in a line.
fn check(json: &str, expected: &str) {
    let got = match read_one(json) {
        Ok(event) => {
            let mut line = format!("{} {:?}", event.kind.name(), event.name);
            for identity in event.identities() {
                write!(line, " {:?}={}", identity.kind, identity.value).unwrap();
            }
            write!(line, " at {}", event.occurred_at).unwrap();
            line
        }
        Err(reject) => format!("{} {}", reject.field, reject.reason.code()),
    };
    assert_eq!(got, expected, "{json}");
}

#[test]
fn kinds_names_and_people() {
    let at = "at 2026-11-23T10:00:00Z";
    check(
        r#"{"type":"track","event":"Cart Viewed","userId":"u"}"#,
        &format!(r#"track "Cart Viewed" External=u {at}"#),
    );
    check(
        r#"{"type":"identify","userId":7,"anonymousId":"a"}"#,
        &format!(r#"identify "" External=7 Anonymous=a {at}"#),
    );
    check(r#"{"type":"page","anonymousId":"a","name":"Home"}"#, &format!(r#"page "Home" Anonymous=a {at}"#));
    check(r#"{"type":"screen","anonymousId":"a"}"#, &format!(r#"screen "" Anonymous=a {at}"#));
    check(r#"{"type":"group","userId":"u","groupId":"g"}"#, &format!(r#"group "" External=u {at}"#));
    check(
        r#"{"type":"alias","userId":"u","previousId":"a"}"#,
        &format!(r#"alias "" External=u Anonymous=a {at}"#),
    );
    check(
        r#"{"type":"track","event":"X","userId":"undefined","anonymousId":"a"}"#,
        &format!(r#"track "X" Anonymous=a {at}"#),
    );
    check(
        r#"{"type":"track","event":"X","userId":"u","new key":[1,{"deep":true}],"integrations":{}}"#,
        &format!(r#"track "X" External=u {at}"#),
    );
    check(
        r#"{"type":"track","event":"💐 ü","userId":"\ud83d\ude00"}"#,
        &format!("track \"💐 ü\" External=😀 {at}"),
    );
}

#[test]
fn times() {
    let at = |timestamp: &str, sent_at: &str, expected: &str| {
        let json = format!(
            r#"{{"type":"track","event":"X","userId":"u","timestamp":{timestamp},"sentAt":{sent_at}}}"#
        );
        check(&json, &format!(r#"track "X" External=u at {expected}"#));
    };
    at(r#""2026-11-23T09:00:00.250Z""#, "null", "2026-11-23T09:00:00.25Z");
    at(r#""2026-11-23T09:00:00+02:00""#, "null", "2026-11-23T07:00:00Z");
    at(r#""2026-11-23T09:00:00""#, "null", "2026-11-23T09:00:00Z");
    at(r#""2026-11-23""#, "null", "2026-11-23T00:00:00Z");
    // The client's clock is an hour fast; it sent the event 5 minutes after it happened.
    at(r#""2026-11-23T10:55:00Z""#, r#""2026-11-23T11:00:00Z""#, "2026-11-23T09:55:00Z");
    // It stands at 1970 and still says how long ago the event was.
    at(r#""1970-01-01T00:00:10Z""#, r#""1970-01-01T00:01:10Z""#, "2026-11-23T09:59:00Z");
    // Never after receipt, never before 1970.
    at(r#""2999-01-01T00:00:00Z""#, "null", "2026-11-23T10:00:00Z");
    at(r#""1970-01-01T00:00:00Z""#, "null", "1970-01-01T00:00:00Z");
    at(r#""0001-01-01T00:00:00Z""#, "null", "1970-01-01T00:00:00Z");
    at(r#""0001-01-02T00:00:00Z""#, r#""9999-12-30T00:00:00Z""#, "1970-01-01T00:00:00Z");
    // A sentAt that can't be read corrects nothing.
    at(r#""2026-11-23T09:00:00Z""#, r#""soon""#, "2026-11-23T09:00:00Z");
    at(r#""2026-11-23T09:00:00Z""#, "17", "2026-11-23T09:00:00Z");
    at("null", r#""2026-11-23T11:00:00Z""#, "2026-11-23T10:00:00Z");
}

#[test]
fn refusals() {
    check("", " malformed");
    check("{", " malformed");
    check("[]", " wrong_type");
    check(r#""text""#, " wrong_type");
    check(r#"{"userId":"u"}"#, "type missing");
    check(r#"{"type":"purchase","userId":"u"}"#, "type unknown_type");
    check(r#"{"type":{},"userId":"u"}"#, "type wrong_type");
    check(r#"{"type":"track","userId":"u"}"#, "event missing");
    check(r#"{"type":"track","userId":"u","event":" "}"#, "event missing");
    check(r#"{"type":"track","userId":"u","event":["X"]}"#, "event wrong_type");
    check(r#"{"type":"track","event":"X"}"#, "userId no_identity");
    check(r#"{"type":"track","event":"X","userId":"","anonymousId":"undefined"}"#, "anonymousId no_identity");
    check(r#"{"type":"track","event":"X","userId":1.5}"#, "userId wrong_type");
    check(r#"{"type":"track","event":"X","userId":true}"#, "userId wrong_type");
    check(r#"{"type":"track","event":"X","userId":"u","userId":"v"}"#, "userId duplicate_key");
    check(r#"{"type":"alias","userId":"u"}"#, "previousId missing");
    check(r#"{"type":"alias","previousId":"u"}"#, "userId missing");
    check(r#"{"type":"group","userId":"u"}"#, "groupId missing");
    check(r#"{"type":"track","event":"X","userId":"u","properties":[]}"#, "properties wrong_type");
    check(r#"{"type":"identify","userId":"u","traits":"gold"}"#, "traits wrong_type");
    check(r#"{"type":"track","event":"X","userId":"u","timestamp":"yesterday"}"#, "timestamp bad_timestamp");
    check(r#"{"type":"track","event":"X","userId":"u","timestamp":{}}"#, "timestamp wrong_type");
    check(&format!(r#"{{"type":"track","event":"{}","userId":"u"}}"#, "x".repeat(513)), "event too_long");
    check(&format!(r#"{{"type":"track","event":"X","userId":"{}"}}"#, "ü".repeat(257)), "userId too_long");
}

#[test]
fn what_postgres_could_not_store() {
    let with = |properties: &str, expected: &str| {
        check(&format!(r#"{{"type":"track","event":"X","userId":"u","properties":{properties}}}"#), expected);
    };
    let good = r#"track "X" External=u at 2026-11-23T10:00:00Z"#;
    with(r#"{"a":"x\u0000y"}"#, "properties nul_character");
    with(r#"{"a\u0000":1}"#, "properties nul_character");
    with(r#"{"a":"\\u0000"}"#, good);
    with(r#"{"a":"\ud83d"}"#, "properties lone_surrogate");
    with(r#"{"a":"\ude00\ud83d"}"#, "properties lone_surrogate");
    with(r#"{"a":"\ud83d\ude00"}"#, good);
    with(r#"{"a":1e309}"#, "properties number_out_of_range");
    with(r#"{"a":1E-400000}"#, "properties number_out_of_range");
    with(&format!(r#"{{"a":0.{}1}}"#, "0".repeat(397)), good);
    with(&format!(r#"{{"a":0.{}1}}"#, "0".repeat(398)), "properties number_out_of_range");
    with(r#"{"a":1e99999999999999999999}"#, "properties number_out_of_range");
    with(r#"{"a":-2.5e+0000308,"b":"1e999","c":[true,false,null]}"#, good);
    with(&format!(r#"{{"a":{}{}}}"#, "[".repeat(31), "]".repeat(31)), good);
    with(&format!(r#"{{"a":{}{}}}"#, "[".repeat(32), "]".repeat(32)), "properties too_deep");
    with(&format!(r#"{{"a":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000)), "properties too_deep");
    check(r#"{"type":"track","event":"X\u0000","userId":"u"}"#, "event nul_character");
    check(r#"{"type":"track","event":"X","userId":"u","k\u0000":1}"#, " nul_character");
}

#[test]
fn the_largest_message_passes_and_one_byte_more_does_not() {
    let frame = r#"{"type":"track","event":"X","userId":"u","properties":{"a":""}}"#;
    let of = |bytes: usize| frame.replace(r#""""#, &format!(r#""{}""#, "x".repeat(bytes - frame.len())));
    assert!(read_one(&of(EVENT_BYTES)).is_ok());
    assert_eq!(read_one(&of(EVENT_BYTES + 1)).unwrap_err().reason, Reason::TooLarge);
    let mut keys = String::from(r#"{"type":"track","event":"X","userId":"u","properties":{"k":0"#);
    for n in 0..10_000 {
        write!(keys, r#","{n}":1"#).unwrap();
    }
    assert_eq!(read_one(&(keys + "}}")).unwrap_err().reason, Reason::TooLarge);
}

#[test]
fn a_message_is_known_by_its_key_and_id() {
    let one = read_one(r#"{"type":"page","userId":"u","messageId":"m1"}"#).unwrap();
    assert_eq!(one.key, SeenKey::new("wk", "m1"));
    assert_eq!(read_one(r#"{"type":"page","userId":"u","messageId":""}"#).unwrap().key, SeenKey(7));
    assert_eq!(read_one(r#"{"type":"page","userId":"u"}"#).unwrap().key, SeenKey(7));
}

#[test]
fn a_batch_finds_its_messages_and_lends_them_what_they_lack() {
    let body = r#"{"sentAt":"2026-11-23T09:00:00Z","context":{"ip":"::1"},"writeKey":7,"extra":1,"batch":[
        {"type":"page","userId":"u","properties":{"a":{}}}, {"type":"page","userId":"u","context":null},
        {"type":"page","userId":"u","context":{"own":1}}, 17, {"bad":"\ud83d"}]}"#;
    let batch = batch(body).unwrap();
    let defaults = Defaults { kind: None, sent_at: batch.sent_at, context: batch.context };
    let read: Vec<_> = batch.messages.iter().map(|raw| read(raw.get(), &defaults, &door(), || 7)).collect();
    let payload = |i: usize| read[i].as_ref().unwrap().payload.as_str();
    assert_eq!(payload(0), r#"{"type":"page","userId":"u","properties":{"a":{}},"context":{"ip":"::1"}}"#);
    let own_null: serde_json::Value = serde_json::from_str(payload(1)).unwrap();
    assert_eq!(own_null["context"]["ip"], "::1");
    assert_eq!(payload(2), r#"{"type":"page","userId":"u","context":{"own":1}}"#);
    assert_eq!(read[3].as_ref().unwrap_err().reason, Reason::WrongType);
    assert_eq!(read[4].as_ref().unwrap_err().reason, Reason::LoneSurrogate);
}

#[test]
fn a_body_that_is_no_batch_is_refused() {
    for (body, expected) in [
        ("{", Reason::Malformed),
        ("", Reason::Malformed),
        ("[]", Reason::WrongType),
        (r#"{"batch":{}}"#, Reason::WrongType),
        ("{}", Reason::WrongType),
        (&format!(r#"{{"batch":[{}1]}}"#, "1,".repeat(BATCH_MESSAGES)), Reason::TooLarge),
    ] {
        assert_eq!(batch(body).unwrap_err().reason, expected, "{body:?}");
    }
}

#[test]
fn history_is_taken_at_its_word() {
    let door = Door { historical: true, message_id: Some("digest:3"), ..door() };
    let of = |json: &str| read(json, &Defaults::default(), &door, || 7);
    let line = r#"{"type":"page","userId":"u","messageId":"own","timestamp":"2010-12-01T08:26:00Z","sentAt":"2010-12-01T09:00:00Z"}"#;
    let event = of(line).unwrap();
    assert_eq!(event.occurred_at, parse_timestamp("2010-12-01T08:26:00Z").unwrap());
    assert_eq!(event.key, SeenKey::new("wk", "digest:3"));
    let reject = of(r#"{"type":"page","userId":"u"}"#).unwrap_err();
    assert_eq!((reject.field.as_str(), reject.reason), ("timestamp", Reason::Missing));
}

#[test]
fn a_lent_context_counts_as_the_messages_own() {
    let message = r#"{"type":"page","userId":"u"}"#;
    let lend = |bytes: usize| {
        let context = format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - r#"{"a":""}"#.len()));
        let body = format!(r#"{{"batch":[{message}],"context":{context}}}"#);
        let batch = batch(&body).unwrap();
        let defaults = Defaults { context: batch.context, ..Defaults::default() };
        read(batch.messages[0].get(), &defaults, &door(), || 7).map(|event| event.payload.len())
    };
    let most = EVENT_BYTES - message.len() - r#","context":"#.len();
    assert_eq!(lend(most), Ok(EVENT_BYTES));
    assert_eq!(lend(most + 1).unwrap_err().reason, Reason::TooLarge);
}
