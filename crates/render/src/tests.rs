//! Templates through the front door.

mod faults;
mod limits;
mod links;
mod manners;
mod mjml;
mod peer;
mod shipped;
mod signature;
mod spoken;
mod text;
mod values;

use std::sync::Arc;

use journeyman_domain::content::Email;
use journeyman_domain::link::KeyRing;
use journeyman_domain::plan::{Channel, Policies, Sender, Stream};
use journeyman_domain::template::{Context, Data, Fault, Localized};
use journeyman_domain::{MessageId, PersonId, ShopTime};
use serde_json::Value;

use crate::{Error, Plain, TemplateFile, Templates, Tracking, Wording};

const BASE: &str = "https://go.shop.example";

fn localized(words: &[(&str, &str)]) -> Localized {
    Localized(words.iter().map(|(locale, words)| (Arc::from(*locale), Arc::from(*words))).collect())
}

fn sender(stream: Stream, name: &[(&str, &str)]) -> Sender {
    Sender {
        from: "hello@mail.shop.example".into(),
        name: localized(name),
        reply_to: Some("care@shop.example".into()),
        stream,
        rate: None,
    }
}

/// A shop of these languages, with a sender of each stream.
fn policies(locales: &[&str]) -> Policies {
    let mut policies = Policies {
        locales: locales.iter().map(|locale| Arc::from(*locale)).collect(),
        ..Policies::default()
    };
    let shop = sender(Stream::Marketing, &[("en", "The Shop"), ("de", "Der Laden")]);
    policies.senders.insert("shop".into(), shop);
    policies.senders.insert("billing".into(), sender(Stream::Transactional, &[("en", "Shop Billing")]));
    policies
}

fn files(files: &[(&str, &str)]) -> Vec<TemplateFile> {
    files
        .iter()
        .map(|(path, text)| TemplateFile { path: format!("templates/{path}"), text: (*text).to_owned() })
        .collect()
}

/// A template of HTML alone.
fn html(body: &str) -> Vec<TemplateFile> {
    files(&[("t/email.hbs", body), ("t/template.yaml", "from: billing\nsubject: Hello\n")])
}

/// Compiles what has no errors.
fn compiled(files: &[TemplateFile], policies: &Policies) -> Templates {
    let (templates, faults) = Templates::compile(files, policies);
    let errors: Vec<&Fault> = faults.iter().filter(|fault| fault.error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    templates
}

fn ring() -> KeyRing {
    KeyRing::new([(1, vec![1; 32]), (2, vec![2; 32])]).unwrap()
}

fn context() -> Context {
    Context { at: ShopTime::from_millisecond(1_764_230_400_000).unwrap(), key: 1, base: None }
}

fn data(locale: &str, vars: Value) -> Data {
    Data {
        locale: Some(locale.into()),
        zone: "Europe/Berlin".into(),
        session_until: None,
        variant: None,
        vars,
    }
}

fn wording<'a>(data: &'a Data, context: &'a Context) -> Wording<'a> {
    Wording {
        message: MessageId(uuid::Uuid::from_u128(7)),
        person: PersonId(42),
        channel: Channel::Email,
        template: "t",
        journey: "cart-abandonment",
        step: "nudge",
        marketing: false,
        sender: None,
        address: "ada@example.com",
        data,
        context,
    }
}

/// Renders the template `t` without tracking.
fn preview(templates: &Templates, policies: &Policies, locale: &str, vars: Value) -> Result<Email, Error> {
    let (data, context) = (data(locale, vars), context());
    templates.email(policies, &wording(&data, &context), &Tracking { keys: None, base: BASE })
}

fn plain(templates: &Templates, policies: &Policies, channel: Channel, vars: Value) -> Result<Plain, Error> {
    let (data, context) = (data("en", vars), context());
    let wording = Wording { channel, ..wording(&data, &context) };
    templates.plain(policies, &wording, &Tracking { keys: None, base: BASE })
}

/// What a text says, as an SMS of it would.
fn said(text: &str, locale: &str, vars: Value) -> Result<String, Error> {
    let policies = policies(&[locale]);
    let templates = compiled(&files(&[("t/sms.hbs", text)]), &policies);
    let (data, context) = (data(locale, vars), context());
    let wording = Wording { channel: Channel::Sms, ..wording(&data, &context) };
    Ok(templates.plain(&policies, &wording, &Tracking { keys: None, base: BASE })?.text)
}
