//! Policies, tracking plan, segments.

use std::sync::Arc;

use journeyman_domain::plan::{BlackoutEnd, Channel, Consent, Stream};

use super::door::{Case, hold, of, said};
use crate::{Source, check};

const POLICIES: &str = "journeyman.yaml";
const TRACKING: &str = "tracking.yaml";
const SEGMENT: &str = "journeys/segments/t.yaml";

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(POLICIES, "currency: euro\n", &["J0702 1:11 `euro` is no currency; EUR"]),
        Case::new(
            POLICIES,
            "time_zone: Mars/Base\n",
            &["J0701 1:12 `Mars/Base` is no time zone; Europe/Berlin"],
        ),
        Case::new(
            POLICIES,
            "rates: { USD: 0, GBP: x, EUR: 1, usd: 1 }\n",
            &[
                "J0703 1:15 `0` is no exchange rate; what one USD is worth in EUR",
                "J0703 1:23 `x` is no exchange rate",
                "J0703 1:26 `EUR` is the shop's own currency",
                "J0702 1:34 `usd` is no currency",
            ],
        ),
        Case::new(
            POLICIES,
            "topics:\n  offers: { consent: yes }\n  x: { name: X }\n  y: opt_in\n  z: { consent: opt_in, consnt: x }\n",
            &[
                "J0305 2:22 `consent` can't be `yes`; opt_in or opt_out",
                "J0204 3:8 a topic needs `consent:`",
                "J0203 4:6 a topic is a block",
                "J0202 5:25 `consnt` is no word of a topic; did you mean `consent`?",
            ],
        ),
        Case::new(
            POLICIES,
            "minimum_gap: 4\nholdout: 2\n",
            &["J0302 1:14 `4` is no duration", "J0303 2:10 `2` is no percentage"],
        ),
        Case::new(
            POLICIES,
            "quiet_hours: { sms: 20-09, fax: 20:00-09:00 }\ncaps: { sms: 2 }\n",
            &[
                "J0308 1:21 `20-09` are no hours of the day; 20:00-09:00",
                "J0309 1:28 there is no channel `fax`",
                "J0304 2:14 `2` is no rate",
            ],
        ),
        Case::new(
            POLICIES,
            "calendar:\n  a: { from: 2026-11-30 00:00, to: 2026-11-27 23:59 }\n  b: { from: tomorrow, to: 2026-11-27 23:59 }\n  c: { from: 2026-11-26 00:00, to: 2026-11-27 23:59, then: drop }\n  d: { from: 2026-11-26 00:00, to: 2026-11-27 23:59, countries: [DE, de], blackout: all }\n",
            &[
                "J0704 2:3 it ends before it begins",
                "J0704 3:14 `tomorrow` is no moment; 2026-11-27 00:00",
                "J0204 4:54 `then` says what becomes of messages in a blackout; `blackout: marketing`",
                "J0704 5:70 `de` is no country",
                "J0305 5:85 `blackout` can't be `all`; marketing",
            ],
        ),
        Case::new(
            POLICIES,
            "senders:\n  a: { from: x, name: A, stream: marketing }\n  b: { name: A, from: a@b.example, rate: 3 }\n  c: { form: a@b.example, name: A, stream: sales }\n  d: x\n  E: { from: \"a@b.example\\nBcc: x@y.example\", name: \"A\\nB\", reply_to: \"<a@b.example>\", stream: marketing }\n",
            &[
                "J0708 2:14 `x` is no mail address; name@mail.shop.example",
                "J0204 3:8 a sender needs `stream:`; `stream: transactional`",
                "J0304 3:42 `3` is no rate",
                "J0202 4:8 `form` is no word of a sender; did you mean `from`?",
                "J0305 4:44 `stream` can't be `sales`; marketing or transactional",
                "J0203 5:6 a sender is a block",
                "J0301 6:3 `E` is no name",
                "J0708 6:14 `a@b.example Bcc: x@y.example` is no mail address",
                "J0709 6:53 these are no words that people can read; one line",
                "J0708 6:71 `<a@b.example>` is no mail address",
            ],
        ),
        Case::new(
            POLICIES,
            "locales: [en, de, en, DE, pt_br, deutsch]\ntopics:\n  a: { name: { en: A }, consent: opt_in }\n  b: { name: B, consent: opt_in }\n  c: { name: { en: C, de: C, fr: C }, consent: opt_in }\n  d: { consent: opt_in }\n",
            &[
                "J0311 1:19 `en` stands twice in `locales`",
                "J0709 1:23 `DE` is no locale; write `de`",
                "J0709 1:27 `pt_br` is no locale; write `pt-BR`",
                "J0709 1:34 `deutsch` is no locale; en, de-AT",
                "J0709 3:8 `name` has no words for de; `name: { en: …, de: … }`",
                "J0709 4:14 `name` has no words for de",
                "J0709 5:30 `fr` is none of the shop's locales; they are: en, de; add it to `locales:`",
            ],
        ),
        // Without `locales`, those of the names in the order of the file.
        Case::new(
            POLICIES,
            "senders:\n  a: { from: a@b.example, name: { de: A, fr: A }, stream: marketing }\ntopics:\n  a: { name: { en: A, EN: B }, consent: opt_in }\n  b: { name: { en: B, de: \"\" }, consent: opt_in }\n  c: { name: { en: B }, consent: opt_in }\n",
            &[
                "J0709 2:27 `name` has no words for en",
                "J0709 4:23 `EN` is no locale; write `en`",
                "J0709 5:27 these are no words",
                "J0709 6:8 `name` has no words for de, fr; `name: { de: …, fr: …, en: … }`",
            ],
        ),
        Case::new(
            POLICIES,
            "links:\n  domain: ftp://x\n  utm: { source: a, medum: x, campaign: \"{{jorney}}\", content: \"{{person}}\", term: \"{{step\" }\n  kyes: x\n",
            &[
                "J0710 2:11 links can't begin with `ftp://x`; `https://shop.example/go`",
                "J0202 3:21 `medum` is no word of `utm`; did you mean `medium`?",
                "J0710 3:41 nothing here is called `jorney`; did you mean `{{journey}}`?",
                "J0710 3:64 nothing here is called `person`; there are: {{channel}} {{journey}}",
                "J0710 3:84 `{{` is never closed",
                "J0202 4:3 `kyes` is no word of `links`; did you mean `keys`?",
            ],
        ),
        Case::new(
            POLICIES,
            "links: x\nlocales: []\nsenders: x\n",
            &[
                "J0203 1:8 `links` is a block",
                "J0203 2:1 `locales` is an empty list",
                "J0203 3:10 `senders` is a block",
            ],
        ),
        // Its other keys are the daemon's.
        Case::new(
            POLICIES,
            "environment: staging\nwrite_keys: { a: b }\nredirect_all_to: { email: x }\nallow_only: [x]\nchannels: x\nlinks: { keys: { 1: X } }\n",
            &[],
        ),
        Case::new(POLICIES, "- a\n", &["J0203 1:3 journeyman.yaml is a block"]),
        Case::new(
            TRACKING,
            "Order Completed:\n  order_id: string\n  a: [text, number]\n  b:\n  c: [money]\n  d: txt\nX: text\n",
            &[
                "J0705 2:13 `string` is no type; write text, number",
                "J0705 3:7 a list has one type",
                "J0705 4:",
                "J0705 5:7 this version reads no list of money; [{ price: money }]",
                "J0705 6:6 `txt` is no type; did you mean `text`?",
                "J0203 7:1 `X` has properties, and text stands here",
            ],
        ),
        Case::new(
            SEGMENT,
            "segment: t\nif: in_segment('t')\n",
            &["J0706 2:5 segments ask each other in a circle: t → t; write out"],
        ),
        Case::new(
            SEGMENT,
            "segment: u\nif: profile.x\n",
            &["J0207 1:10 the segment is called `u`, and its file t.yaml"],
        ),
        Case::new(SEGMENT, "segment: t\n", &["J0204 1:1 a segment needs `if:`"]),
        Case::new(
            SEGMENT,
            "segment: t\nif: event.x == 1\n",
            &["J0502 2:5 there is no `event` in a segment; only the person"],
        ),
        Case::new(
            SEGMENT,
            "segment: t\nif: run.x == 1\nto: x\n",
            &[
                "J0502 2:5 there is no `run` in a segment",
                "J0202 3:1 `to` is no word of a segment; it belongs to `enter`",
            ],
        ),
        Case::new(
            SEGMENT,
            "segment: t\nif: in_segment('nobody')\n",
            &["J0510 2:16 there is no segment `nobody`"],
        ),
    ]
}

#[test]
fn what_is_wrong_around_the_journeys() {
    hold(cases());
}

#[test]
fn policies_are_read() {
    let text = "currency: USD\ntime_zone: Europe/Berlin\nrates: { EUR: 1.08 }\ntopics:\n  offers: { name: { en: Offers }, consent: opt_in }\n  news: { name: News, consent: opt_out }\nminimum_gap: 4h\nholdout: 2%\nquiet_hours: { sms: 20:00-09:00 }\ncaps: { email: 4 per 7d }\ncalendar:\n  bfcm: { from: 2026-11-27 00:00, to: 2026-11-30 23:59 }\n  christmas: { from: 2026-12-24 12:00, to: 2026-12-26 23:59, countries: [DE, NO], blackout: marketing, then: drop }\n  easter: { from: 2027-03-26 00:00, to: 2027-03-29 23:59, blackout: marketing }\n";
    let checked = of("journeyman.yaml", text);
    assert!(checked.diagnostics.is_empty(), "{:?}", said(&checked));
    let policies = checked.deployment.unwrap().policies;
    assert_eq!(policies.zone.iana_name(), Some("Europe/Berlin"));
    assert_eq!(policies.rates.base.code(), "USD");
    assert_eq!(policies.rates.rates.len(), 1);
    assert_eq!(policies.topics[&Arc::from("news") as &Arc<str>].consent, Consent::OptOut);
    assert_eq!(policies.minimum_gap.unwrap().to_string(), "4h");
    assert!((policies.holdout - 0.02).abs() < 1e-12);
    assert!(policies.quiet_hours.contains_key(&Channel::Sms));
    assert_eq!(policies.caps[&Channel::Email].count, 4);
    let calendar: Vec<(&str, Option<BlackoutEnd>, usize)> = policies
        .calendar
        .iter()
        .map(|occasion| (occasion.name.as_ref(), occasion.blackout, occasion.countries.len()))
        .collect();
    let (drop, wait) = (Some(BlackoutEnd::Drop), Some(BlackoutEnd::Wait));
    assert_eq!(calendar, [("bfcm", None, 0), ("christmas", drop, 2), ("easter", wait, 0)]);
    assert_eq!(&*policies.calendar[1].countries[1], "NO");
}

#[test]
fn senders_links_and_locales_are_read() {
    let text = "senders:\n  shop:\n    from: hello@mail.shop.example\n    name: { de: Der Laden, en: The Shop }\n    reply_to: care@shop.example\n    stream: marketing\n    rate: 600 per 1m\n  bills: { from: b@localhost, name: { en: Bills, de: Rechnung }, stream: transactional }\nlinks:\n  domain: http://127.0.0.1:8080/\n  utm: { source: shop, content: \"{{ step }}-{{variant}}\", medium: \"{{channel}}\" }\n  keys: { 1: KEY }\ntopics:\n  news: { consent: opt_in }\n  sale: { name: { en: Sale, de: Ausverkauf }, consent: opt_in }\n";
    let checked = of("journeyman.yaml", text);
    assert!(checked.diagnostics.is_empty(), "{:?}", said(&checked));
    let policies = checked.deployment.unwrap().policies;
    // The order of the file: the first is the default.
    assert_eq!(policies.locales, ["de", "en"].map(Arc::from));
    let shop = &policies.senders["shop"];
    assert_eq!((shop.from.as_ref(), shop.stream), ("hello@mail.shop.example", Stream::Marketing));
    assert_eq!((shop.name.get("en-GB", "de"), shop.name.get("fr", "de")), ("The Shop", "Der Laden"));
    assert_eq!(shop.reply_to.as_deref(), Some("care@shop.example"));
    assert_eq!(shop.rate.map(|rate| rate.count), Some(600));
    let bills = &policies.senders["bills"];
    assert_eq!((bills.stream, &bills.reply_to, bills.rate), (Stream::Transactional, &None, None));
    assert_eq!(policies.links.domain.as_deref(), Some("http://127.0.0.1:8080"));
    let utm: Vec<(&str, &str)> =
        policies.links.utm.iter().map(|(name, pattern)| (name.as_ref(), pattern.as_ref())).collect();
    assert_eq!(utm, [("source", "shop"), ("content", "{{step}}-{{variant}}"), ("medium", "{{channel}}")]);
    // A topic that nobody has named goes by its word.
    assert_eq!(policies.topics["news"].name.get("en", "de"), "news");
    assert_eq!(policies.topics["sale"].name.get("en", "de"), "Sale");
    let policies = of("journeyman.yaml", "locales: [pt-BR, en]\n").deployment.unwrap().policies;
    assert_eq!(policies.locales, ["pt-BR", "en"].map(Arc::from));
    let policies = of("journeyman.yaml", "currency: EUR\n").deployment.unwrap().policies;
    assert_eq!((policies.locales.len(), policies.locale().as_ref()), (1, "en"));
}

#[test]
fn the_currency_of_the_shop_is_named() {
    let mut sources = super::door::around(
        "journeys/t.yaml",
        &super::door::with_steps("  - send: a\n    channel: email\n    if: cart.value > 20\n"),
    );
    sources[1].text = "currency: SEK\ntopics:\n  offers: { consent: opt_in }\n".to_owned();
    assert!(said(&check(&sources, None, false))[0].ends_with("name the currency: `20 SEK`"));
}

#[test]
fn a_tracking_plan_describes_and_overrides() {
    let tracking = "Order Completed:\n  revenue: number\n  cart_id: text\nLesson Booked:\n  price: money\n  starts: time\n  pupils: [{ age: number, paid: money }]\n  tags: [text]\n  place: { city: text }\n";
    let told = |condition: &str| {
        let text = super::door::with_steps(&format!(
            "  - wait_for:\n      on: Lesson Booked\n      if: {condition}\n    within: 1d\n"
        ));
        let mut sources = super::door::around("journeys/t.yaml", &text);
        sources.push(Source { path: "tracking.yaml".to_owned(), text: tracking.to_owned() });
        said(&check(&sources, None, false)).join("\n")
    };
    for right in [
        "event.price > 20 EUR and event.starts < now",
        "event.pupils.any(age > 8 and paid < 3 EUR)",
        "event.tags.has('x') and event.place.city == 'Ulm'",
        "entry.revenue > 20 and entry.total > 20 EUR",
    ] {
        assert_eq!(told(right), "", "{right}");
    }
    assert!(told("event.price > 20").starts_with("J0508 9:11"));
    assert!(told("event.tags.has(3)").starts_with("J0507 9:26"));
    assert!(told("event.place.city == 3").starts_with("J0507"));
}

#[test]
fn segments_are_read_and_never_circular() {
    let segment = |name: &str, condition: &str| Source {
        path: format!("journeys/segments/{name}.yaml"),
        text: format!("segment: {name}\nif: {condition}\n"),
    };
    let told = |sources: &[Source]| said(&check(sources, None, false));
    let right = [
        segment("a", "in_segment('b') and in_segment('c')"),
        segment("b", "in_segment('c')"),
        segment("c", "profile.x"),
    ];
    let checked = check(&right, None, false);
    let names: Vec<Arc<str>> =
        checked.deployment.unwrap().segments.into_iter().map(|segment| segment.name).collect();
    assert_eq!(names, [Arc::from("a"), Arc::from("b"), Arc::from("c")] as [Arc<str>; 3]);
    let circle = told(&[
        segment("a", "in_segment('b')"),
        segment("b", "in_segment('c')"),
        segment("c", "profile.x or in_segment('a')"),
    ]);
    assert_eq!(
        circle,
        ["J0706 2:5 segments ask each other in a circle: a → b → c → a; write out what one of them asks"]
    );
}
