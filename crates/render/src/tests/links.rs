//! Links: signed, tracked, led nowhere.

use journeyman_domain::link::{Link, Purpose};
use serde_json::json;

use super::*;
use crate::Reason;

fn tracked(text: &str, vars: Value, marketing: bool) -> Email {
    let mut policies = policies(&["en"]);
    policies.links.utm = vec![
        ("source".into(), "journeyman".into()),
        ("campaign".into(), "{{journey}} & {{step}}".into()),
        ("content".into(), "{{channel}}-{{template}}-{{variant}}".into()),
    ];
    let templates = compiled(&html(text), &policies);
    let (data, context, keys) = (data("en", vars), context(), ring());
    let wording = Wording { marketing, ..wording(&data, &context) };
    templates.email(&policies, &wording, &Tracking { keys: Some(&keys), base: BASE }).unwrap()
}

/// Every address of ours in a text, and what it says.
fn signed(text: &str) -> Vec<(String, Purpose)> {
    text.split([' ', '"', '\n', '<'])
        .filter_map(|word| word.strip_prefix(BASE))
        .map(|path| {
            let (kind, token) = path.trim_start_matches('/').split_once('/').unwrap();
            let Link { message, person, purpose } = ring().verify(token.trim_end_matches(".gif")).unwrap();
            assert_eq!((message, person), (MessageId(uuid::Uuid::from_u128(7)), PersonId(42)));
            (kind.to_owned(), purpose)
        })
        .collect()
}

fn click(position: u16, target: &str) -> (String, Purpose) {
    ("c".into(), Purpose::Click { position, target: target.into() })
}

const UTM: &str =
    "utm_source=journeyman&utm_campaign=cart-abandonment%20%26%20nudge&utm_content=email-t-plain";

#[test]
fn links_of_the_web_are_signed_with_their_parameters() {
    let text = "<html><body><a class=x href='https://s.example/a?b=1&amp;c=2#d'>one</a>\
        {{#each items}}<A HREF=\"https://s.example/p?q={{name}}\">{{name}}</A>{{/each}}\
        <a href=\"{{url}}\">url</a> {{link url 'say <it>'}} <a href=\"{{link url}}\">x</a>\
        <a href=\"mailto:a@b.example\">m</a><a href=\"#top\">t</a><a href=\"tel:+49\">t</a>\
        <a data-track=\"no\" href=\"https://s.example/k?l=ä\">k</a><a data-track=\"no\" href=\"{{url}}\">k</a>\
        <a name=\"x\">n</a><area href=\"https://s.example/area\"></body></html>";
    let vars = json!({ "items": [{ "name": "a b&c" }, { "name": "ä" }], "url": "HTTPS://s.example/x y?utm_source=mine" });
    let mail = tracked(text, vars, false);
    let mine = format!("HTTPS://s.example/x%20y?utm_source=mine&{}", UTM.split_once('&').unwrap().1);
    let html = signed(&mail.html);
    let expected = [
        click(0, &format!("https://s.example/a?b=1&c=2&{UTM}#d")),
        click(1, &format!("https://s.example/p?q=a%20b%26c&{UTM}")),
        click(2, &format!("https://s.example/p?q=%C3%A4&{UTM}")),
        click(3, &mine),
        click(4, &mine),
        click(5, &mine),
        click(6, &format!("https://s.example/area?{UTM}")),
        ("c".into(), Purpose::Honeypot),
        ("o".into(), Purpose::Open),
    ];
    assert_eq!(html, expected);
    assert!(mail.html.contains("\">say &lt;it&gt;</a>"));
    assert!(mail.html.contains("<a data-track=\"no\" href=\"https://s.example/k?l=ä\">"));
    assert!(mail.html.contains("<a data-track=\"no\" href=\"HTTPS://s.example/x%20y?utm_source=mine\">"));
    assert!(mail.html.ends_with("px\"></body></html>"), "{}", mail.html);
    assert_eq!(mail.unsubscribe, None);
    // The text's are its own.
    assert_eq!(signed(&mail.text).first(), Some(&click(7, &format!("https://s.example/a?b=1&c=2&{UTM}#d"))));
    assert!(
        mail.text.contains("m: a@b.example") && mail.text.contains("k: https://s.example/k?l=ä"),
        "{}",
        mail.text
    );
}

#[test]
fn people_can_leave() {
    let text = "<a href=\"{{unsubscribe_url}}\">u</a><a href=\"{{preferences_url}}\">p</a>";
    let mail = tracked(text, json!({}), true);
    let expected = [
        ("u".to_owned(), Purpose::Unsubscribe),
        ("p".to_owned(), Purpose::Preferences),
        ("c".to_owned(), Purpose::Honeypot),
        ("o".to_owned(), Purpose::Open),
    ];
    assert_eq!(signed(&mail.html), expected);
    assert_eq!(signed(&mail.text), expected[..2]);
    assert_eq!(signed(&mail.unsubscribe.unwrap()), expected[..1]);
    // Marketing without is not sent.
    let policies = policies(&["en"]);
    let templates = compiled(&html("x"), &policies);
    let (data, context) = (data("en", json!({})), context());
    let wording = Wording { marketing: true, ..wording(&data, &context) };
    let refused = templates.email(&policies, &wording, &Tracking { keys: None, base: BASE });
    assert_eq!(refused.unwrap_err().reason, Reason::NoUnsubscribe);
}

#[test]
fn whatever_data_holds_leads_somewhere_or_nowhere() {
    let policies = policies(&["en"]);
    let templates = compiled(&html("<a href=\"{{a}}\">x</a>"), &policies);
    let long = format!("https://s.example/{}", "x".repeat(3_000));
    let cases = [
        ("https://s.example/a?b=1&c=2", "https://s.example/a?b=1&amp;c=2"),
        (" https://s.example/a b\"><i>", "https://s.example/a%20b%22%3E%3Ci%3E"),
        ("javascript:alert(1)", "#"),
        ("JaVaScRiPt:alert(1)", "#"),
        ("data:text/html,x", "#"),
        ("/cart", "#"),
        ("", "#"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("#x", "#x"),
        (long.as_str(), long.as_str()),
    ];
    for (given, expected) in cases {
        let mail = preview(&templates, &policies, "en", json!({ "a": given })).unwrap();
        assert_eq!(mail.html, format!("<a href=\"{expected}\">x</a>"), "{given}");
    }
    // An address too long to be signed leads where it leads.
    let (data, context, keys) = (data("en", json!({ "a": long })), context(), ring());
    let tracking = Tracking { keys: Some(&keys), base: BASE };
    let mail = templates.email(&policies, &wording(&data, &context), &tracking).unwrap();
    assert!(mail.html.starts_with(&format!("<a href=\"{long}\">")));
}

#[test]
fn a_preview_counts_nothing() {
    let policies = policies(&["en"]);
    let templates =
        compiled(&html("<body><a href=\"https://s.example\">x</a>{{preferences_url}}</body>"), &policies);
    let mail = preview(&templates, &policies, "en", json!({})).unwrap();
    assert_eq!(mail.html, "<body><a href=\"https://s.example\">x</a>#preferences</body>");
    assert_eq!(mail.unsubscribe, None);
}

#[test]
fn other_channels() {
    let policies = policies(&["en"]);
    let given = files(&[
        ("a/sms.hbs", "Hi {{link url}} <b>\n"),
        ("t/push.yaml", "title: \"{{x}}\"\nbody: Yours & more\nurl: \"https://s.example/{{x}}\"\n"),
        ("t/sms.hbs", "Hi {{link url}} <b>\n"),
    ]);
    let templates = compiled(&given, &policies);
    let vars = json!({ "url": "https://s.example/u", "x": "ä b" });
    let sms = plain(&templates, &policies, Channel::Sms, vars.clone()).unwrap();
    assert_eq!((sms.title, sms.text.as_str(), sms.url), (None, "Hi https://s.example/u <b>", None));
    let push = plain(&templates, &policies, Channel::Push, vars.clone()).unwrap();
    assert_eq!((push.title.as_deref(), push.text.as_str()), (Some("ä b"), "Yours & more"));
    assert_eq!(push.url.as_deref(), Some("https://s.example/%C3%A4%20b"));
    let inbox = plain(&templates, &policies, Channel::Inbox, vars.clone()).unwrap();
    assert_eq!(inbox.text, "Hi https://s.example/u <b>");
    let none = plain(&templates, &policies, Channel::Whatsapp, vars.clone()).unwrap_err();
    assert_eq!(none.reason, Reason::Channel(Channel::Whatsapp));
    let mail = compiled(&html("<p>a</p><p>b</p>"), &policies);
    let inbox = plain(&mail, &policies, Channel::Inbox, json!({})).unwrap();
    assert_eq!((inbox.title.as_deref(), inbox.text.as_str()), (Some("Hello"), "a\n\nb\n"));
}
