//! What providers over HTTP are told.

use journeyman_domain::content::{Button, Content};
use serde_json::json;

use super::*;
use crate::Reason;

const WHATSAPP: &str = "template: cart_1
language: { de: de_DE }
header: { en: Hello, de: Hallo }
body: [\"{{profile.first_name}}\", \"{{money cart.value}}\"]
buttons:
  - url: \"https://shop.example/cart?id={{cart.id}}\"
  - payload: { en: STOP, de: STOPP }
text: { en: \"Still there, {{profile.first_name}}\", de: \"Noch da, {{profile.first_name}}\" }
";
const WEBHOOK: &str = "type: cart.left\ndata:\n  cart: \"{{cart.id}}\"\n  name: \"{{profile.first_name}}\"\n";

fn vars() -> Value {
    let value = json!({ "amount": "12.90", "currency": "EUR" });
    json!({ "profile": { "first_name": "Ada \"L\"" }, "cart": { "id": "c 1", "value": value } })
}

fn told(channel: Channel, locale: &str, vars: Value, session_until: Option<i64>) -> Result<Content, Error> {
    let policies = policies(&["en", "de"]);
    let given = files(&[
        ("t/whatsapp.yaml", WHATSAPP),
        ("t/webhook.yaml", WEBHOOK),
        ("t/sms.hbs", " Hi {{cart.id}} \n"),
    ]);
    let templates = compiled(&given, &policies);
    let context = context();
    let after =
        |seconds: i64| ShopTime::from_millisecond(context.at.as_millisecond() + 1000 * seconds).unwrap();
    let data = Data { session_until: session_until.map(after), ..data(locale, vars) };
    let ring = ring();
    let wording = Wording { channel, ..wording(&data, &context) };
    templates.content(&policies, &wording, &Tracking { keys: Some(&ring), base: BASE })
}

#[test]
fn a_whatsapp_template_has_its_parameters_by_locale() {
    let Ok(Content::Whatsapp(said)) = told(Channel::Whatsapp, "de-AT", vars(), None) else {
        panic!("no WhatsApp")
    };
    assert_eq!((said.template.as_str(), said.language.as_str()), ("cart_1", "de_DE"));
    assert_eq!(said.header.as_deref(), Some("Hallo"));
    assert_eq!(said.body, ["Ada \"L\"", "12,90\u{a0}€"]);
    assert_eq!((said.text.as_deref(), said.in_session), (Some("Noch da, Ada \"L\""), false));
    let [Button::Url(token), Button::Payload(stop)] = said.buttons.as_slice() else { panic!("two buttons") };
    // The link is the person's own, and what is told is its end alone.
    let link = ring().verify(token).expect("a link of ours");
    assert!(format!("{:?}", link.purpose).contains("https://shop.example/cart?id=c"), "{link:?}");
    assert_eq!(stop, "STOPP");
    let Ok(Content::Whatsapp(said)) = told(Channel::Whatsapp, "en", vars(), None) else {
        panic!("no WhatsApp")
    };
    assert_eq!(said.language, "en");
}

#[test]
fn a_session_is_open_until_it_ends() {
    for (until, open) in [(1, true), (0, false), (-1, false)] {
        let Ok(Content::Whatsapp(said)) = told(Channel::Whatsapp, "en", vars(), Some(until)) else {
            panic!()
        };
        assert_eq!(said.in_session, open, "{until}");
    }
}

#[test]
fn a_call_is_json_whatever_the_data_held_and_the_same_every_time() {
    let (first, again) =
        (told(Channel::Webhook, "en", vars(), None), told(Channel::Webhook, "en", vars(), None));
    assert_eq!(first, again);
    let Ok(Content::Webhook(call)) = first else { panic!("no call") };
    let body: Value = serde_json::from_str(&call.body).unwrap();
    assert_eq!((&body["type"], &body["data"]["name"]), (&json!("cart.left"), &json!("Ada \"L\"")));
    assert_eq!(body["timestamp"], "2025-11-27T08:00:00Z");
    assert_eq!(body["journeyman"]["step"], "nudge");
}

#[test]
fn what_is_missing_makes_no_message_and_mail_is_none_of_it() {
    let missing = told(Channel::Whatsapp, "en", json!({}), None).unwrap_err();
    assert!(missing.to_string().contains("first_name"), "{missing}");
    assert!(matches!(
        told(Channel::Push, "en", vars(), None).unwrap_err().reason,
        Reason::Channel(Channel::Push)
    ));
    assert!(told(Channel::Email, "en", vars(), None).is_err());
    assert!(matches!(told(Channel::Sms, "en", vars(), None), Ok(Content::Sms(sms)) if sms.text == "Hi c 1"));
}

#[test]
fn what_is_wrong_is_told_where_it_stands() {
    let check = |name: &str, text: &str, words: &str| {
        let (_, faults) = Templates::compile(&files(&[(name, text)]), &policies(&["en", "de"]));
        let said: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
        assert!(said.iter().any(|said| said.contains(words)), "{text}: {said:?}");
    };
    let whatsapp = "t/whatsapp.yaml";
    check(whatsapp, "body: [x]\n", "needs a `template`");
    check(whatsapp, "template: Cart Reminder\n", "its name at Meta");
    check(whatsapp, "template: a\nlanguage: { fr: fr }\n", "does not speak `fr`");
    check(whatsapp, "template: a\nlanguage: { en: en-US }\n", "no language of Meta's");
    check(whatsapp, "template: a\nbody: x\n", "has to be a list");
    check(whatsapp, "template: a\nbody: [{ en: x }]\n", "no words in de");
    check(whatsapp, "template: a\ntext: x\n", "no words in de");
    check(whatsapp, "template: a\nbuttons: [{ url: x, payload: y }]\n", "one word");
    check(whatsapp, "template: a\nbuttons: [{ link: x }]\n", "not a word");
    check(whatsapp, "tempalte: a\n", "not a word");
    check(whatsapp, "template: a\nbody: ['{{nope x y z}}']\n", "nope");
    check("t/webhook.yaml", "data: { a: b }\n", "needs a `type`");
    check("t/webhook.yaml", "type: a b\n", "words with dots");
}
