//! Versions, and old ones.

use super::door::{around, of, with_steps};
use crate::{Kind, Source, check, pinned};

fn hash(text: &str) -> String {
    of("journeys/t.yaml", text).versions[0].hash.to_string()
}

#[test]
fn comments_spaces_and_quotes_change_no_version() {
    let text = with_steps("  - send: a\n    channel: [email, sms]\n    within: 2d\n");
    let same = [
        format!("# a comment\n{text}"),
        text.replace("journey: t", "\"journey\":   't'   # x"),
        text.replace("[email, sms]", "\n      - email\n      - sms"),
        text.replace('\n', "\r\n"),
        format!("---\n{text}"),
    ];
    for other in &same {
        assert_eq!(hash(&text), hash(other), "{other}");
    }
    let others = [
        text.replace("2d", "48h"),
        text.replace("[email, sms]", "[sms, email]"),
        text.replace(
            "    channel: [email, sms]\n    within: 2d\n",
            "    within: 2d\n    channel: [email, sms]\n",
        ),
    ];
    for other in &others {
        assert_ne!(hash(&text), hash(other), "{other}");
    }
}

#[test]
fn golden() {
    // python3: t=lambda k,n: k+struct.pack('>Q',n); hashlib.sha256(t(b'M',1)+t(b'K',7)+b'journey'+t(b'T',1)+b't').hexdigest()[:32]
    assert_eq!(hash("journey: t\n"), GOLDEN);
}

const GOLDEN: &str = "c66092f6703be01cc3fb0f5adc00a0f0";

#[test]
fn of_the_configuration_only_policies_count() {
    let of = |text: &str| {
        let checked =
            check(&[Source { path: "journeyman.yaml".to_owned(), text: text.to_owned() }], None, false);
        (checked.versions[0].kind, checked.versions[0].hash)
    };
    assert_eq!(of("currency: EUR\n"), of("currency: EUR\ndata_dir: x\n"));
    assert_ne!(of("currency: EUR\n"), of("currency: USD\n"));
    assert_eq!(of("currency: EUR\n").0, Kind::Policies);
    assert_ne!(of("locales: [en]\n"), of("locales: [de]\n"));
    // The keys that links are signed with are the daemon's, though they stand among the policies.
    let links = "links:\n  domain: go.shop.example\n";
    assert_eq!(of(links), of(&format!("{links}  keys: {{ 1: NEW_KEY }}\n")));
    assert_ne!(of(links), of("links: { domain: shop.example }\n"));
}

#[test]
fn every_source_has_its_version() {
    let sources = around("journeys/t.yaml", &with_steps("  - wait: 1d\n"));
    let versions = check(&sources, None, false).versions;
    let told: Vec<(Kind, &str, usize)> =
        versions.iter().map(|version| (version.kind, version.name.as_ref(), version.source_index)).collect();
    let expected = [
        (Kind::Journey, "t", 0),
        (Kind::Policies, "journeyman", 1),
        (Kind::Segment, "vip", 2),
        (Kind::Segment, "staff", 3),
    ];
    assert_eq!(told, expected);
}

#[test]
fn an_old_version_compiles_among_what_is_there_now() {
    let text = with_steps("  - send: a\n    channel: email\n    if: in_segment('gone') and a.opened\n")
        .replace("topic: offers", "topic: gone");
    let source = Source { path: "journeys/t.yaml".to_owned(), text };
    assert!(check(std::slice::from_ref(&source), None, true).deployment.is_none());
    let plan = pinned(&source, &[], None).unwrap();
    assert_eq!(plan.hash.to_string(), hash(&source.text));
    let broken = Source { path: "journeys/x.yaml".to_owned(), text: "a: [".to_owned() };
    assert!(pinned(&source, std::slice::from_ref(&broken), None).is_ok());
    assert_eq!(pinned(&broken, &[], None).unwrap_err()[0].code, "J0114");
}
