//! Providers that are spoken to over HTTP, as they stand below `channels`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use journeyman_channels::codec::Codec;
use journeyman_channels::push::fcm::{self, Fcm};
use journeyman_channels::sms::gateway::{Description, Gateway};
use journeyman_channels::sms::twilio::{self, Twilio};
use journeyman_channels::webhook::Webhook;
use journeyman_channels::whatsapp::{self, Cloud};
use journeyman_channels::{Refusal, http};
use serde::Deserialize;
use serde_json::Value;

use super::Error;
use super::channels::{CONNECTIONS, duration, fault, rate, secret};

/// How many messages are under way at once unless said.
const CONNECTIONS_USUAL: usize = 20;
/// How long an answer may take unless said.
const ANSWER: Duration = Duration::from_secs(30);

/// A provider, ready to be spoken to. Holds secrets: no `Debug`.
#[derive(Clone)]
pub struct Provider {
    /// Its codec.
    pub codec: Arc<dyn Codec>,
    /// Of a webhook the host that it goes to; of others nothing.
    pub host: String,
    /// How many messages are under way at once at most.
    pub connections: usize,
    /// At most so many messages in so long.
    pub allowed: Option<(u32, Duration)>,
    /// How long an answer may take.
    pub answer: Duration,
}

/// `channels.sms`: one of the two, and how fast.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenSms {
    twilio: Option<WrittenTwilio>,
    gateway: Option<Description>,
    connections: Option<usize>,
    rate: Option<String>,
    timeout: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTwilio {
    account: String,
    token: String,
    key: Option<String>,
    key_secret: Option<String>,
    from: String,
    base_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPush {
    fcm: WrittenFcm,
    connections: Option<usize>,
    rate: Option<String>,
    timeout: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFcm {
    service_account: Option<String>,
    service_account_file: Option<PathBuf>,
    base_url: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenWhatsapp {
    phone_number_id: String,
    token: String,
    app_secret: Option<String>,
    verify_token: Option<String>,
    version: Option<String>,
    base_url: Option<String>,
    connections: Option<usize>,
    rate: Option<String>,
    timeout: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenWebhook {
    url: String,
    secret: String,
    /// One that is on its way out, and signs too.
    old_secret: Option<String>,
    connections: Option<usize>,
    rate: Option<String>,
    timeout: Option<String>,
}

/// Reads variables of the environment.
type Variable<'v> = &'v dyn Fn(&str) -> Option<String>;

impl WrittenSms {
    pub(super) fn read(self, reports: Option<&str>, variable: Variable<'_>) -> Result<Provider, Error> {
        let place = "channels.sms";
        let codec: Arc<dyn Codec> = match (self.twilio, self.gateway) {
            (Some(twilio), None) => Arc::new(twilio.read(reports, variable)?),
            (None, Some(gateway)) => {
                let place = "channels.sms.gateway";
                let gateway = spelled(place, gateway, variable)?;
                Arc::new(Gateway::new(gateway).map_err(|refusal| at(place, &refusal))?)
            }
            _ => return Err(fault(place, "write `twilio` or `gateway`, one of them")),
        };
        made(codec, place, self.connections, self.rate.as_deref(), self.timeout.as_deref())
    }
}

impl WrittenTwilio {
    fn read(self, reports: Option<&str>, variable: Variable<'_>) -> Result<Twilio, Error> {
        let place = "channels.sms.twilio";
        let secret = |name: &str, written: String| secret(&format!("{place}.{name}"), written, &variable);
        let key = match (self.key, self.key_secret) {
            (None, None) => None,
            (Some(key), Some(written)) => Some((key, secret("key_secret", written)?)),
            _ => return Err(fault(place, "`key` and `key_secret` belong together")),
        };
        let account = twilio::Account {
            account: secret("account", self.account)?,
            token: secret("token", self.token)?,
            key,
            from: self.from,
            base_url: self.base_url.unwrap_or_else(|| twilio::API.to_owned()),
            reports: reports.map(|url| format!("{url}/webhooks/twilio")),
        };
        Twilio::new(account).map_err(|refusal| at(place, &refusal))
    }
}

impl WrittenPush {
    pub(super) fn read(self, variable: Variable<'_>) -> Result<Provider, Error> {
        let place = "channels.push.fcm";
        let account = match (self.fcm.service_account, self.fcm.service_account_file) {
            (Some(written), None) => secret(&format!("{place}.service_account"), written, &variable)?,
            (None, Some(file)) => std::fs::read_to_string(&file)
                .map_err(|error| fault(place, format!("can't read {}: {error}", file.display())))?,
            _ => {
                let message = "write `service_account_file: PATH`, or `service_account: $NAME` of a variable that holds the JSON";
                return Err(fault(place, message));
            }
        };
        let base_url = self.fcm.base_url.as_deref().unwrap_or(fcm::API);
        let fcm = Fcm::new(&account, base_url).map_err(|refusal| at(place, &refusal))?;
        made(Arc::new(fcm), "channels.push", self.connections, self.rate.as_deref(), self.timeout.as_deref())
    }
}

impl WrittenWhatsapp {
    pub(super) fn read(self, variable: Variable<'_>) -> Result<Provider, Error> {
        let place = "channels.whatsapp";
        let secret = |name: &str, written: String| secret(&format!("{place}.{name}"), written, &variable);
        let account = whatsapp::Account {
            phone_number_id: secret("phone_number_id", self.phone_number_id)?,
            token: secret("token", self.token)?,
            app_secret: self.app_secret.map(|written| secret("app_secret", written)).transpose()?,
            verify_token: self.verify_token.map(|written| secret("verify_token", written)).transpose()?,
            version: self.version.unwrap_or_else(|| whatsapp::VERSION.to_owned()),
            base_url: self.base_url.unwrap_or_else(|| whatsapp::API.to_owned()),
        };
        let cloud = Cloud::new(account).map_err(|refusal| at(place, &refusal))?;
        made(Arc::new(cloud), place, self.connections, self.rate.as_deref(), self.timeout.as_deref())
    }
}

impl WrittenWebhook {
    pub(super) fn read(self, variable: Variable<'_>) -> Result<Provider, Error> {
        let place = "channels.webhook";
        let url = secret(&format!("{place}.url"), self.url, &variable)?;
        let mut secrets = vec![secret(&format!("{place}.secret"), self.secret, &variable)?];
        if let Some(old) = self.old_secret {
            secrets.push(secret(&format!("{place}.old_secret"), old, &variable)?);
        }
        let webhook = Webhook::new(&url, &secrets).map_err(|refusal| at(place, &refusal))?;
        let host = url.split_once("://").map_or("", |(_, rest)| rest);
        let host = host.split(['/', '?', '#', ':']).next().unwrap_or_default().to_lowercase();
        let connections = self.connections;
        let made =
            made(Arc::new(webhook), place, connections, self.rate.as_deref(), self.timeout.as_deref())?;
        Ok(Provider { host, ..made })
    }
}

fn made(
    codec: Arc<dyn Codec>,
    place: &str,
    connections: Option<usize>,
    allowed: Option<&str>,
    answer: Option<&str>,
) -> Result<Provider, Error> {
    let connections = connections.unwrap_or(CONNECTIONS_USUAL);
    if !(1..=CONNECTIONS).contains(&connections) {
        let message = format!("write a number from 1 to {CONNECTIONS}");
        return Err(fault(&format!("{place}.connections"), message));
    }
    let allowed = allowed.map(|text| rate(place, text)).transpose()?;
    let answer = match answer {
        None => ANSWER,
        Some(text) => duration(text).ok_or_else(|| {
            fault(&format!("{place}.timeout"), format!("`{text}` is no length of time; write `30s`"))
        })?,
    };
    Ok(Provider { codec, host: String::new(), connections, allowed, answer })
}

/// Where providers reach us.
pub(super) fn reports(url: &str) -> Result<String, Error> {
    http::base("channels.reports", url).map_err(|refusal| fault("channels.reports", refusal.detail))
}

fn at(place: &str, refusal: &Refusal) -> Error {
    fault(&format!("{place}.{}", refusal.field), refusal.detail.clone())
}

/// A description with its secrets: in headers the last word, elsewhere a whole text may be `$NAME`.
fn spelled(place: &str, mut gateway: Description, variable: Variable<'_>) -> Result<Description, Error> {
    let whole = |at: &str, text: &mut String| -> Result<(), Error> {
        *text = secret(&format!("{place}.{at}"), std::mem::take(text), &variable)?;
        Ok(())
    };
    for (name, value) in &mut gateway.headers {
        let (before, last) = value.rsplit_once(' ').unwrap_or(("", value.as_str()));
        let last = secret(&format!("{place}.headers.{name}"), last.to_owned(), &variable)?;
        *value = format!("{before} {last}").trim_start().to_owned();
    }
    whole("url", &mut gateway.url)?;
    if let Some(form) = &mut gateway.form {
        form.iter_mut().try_for_each(|(name, value)| whole(&format!("form.{name}"), value))?;
    }
    if let Some(json) = &mut gateway.json {
        each_text(json, &mut |text| whole("json", text))?;
    }
    if let Some(reports) = &mut gateway.reports {
        whole("reports.secret", &mut reports.secret)?;
    }
    Ok(gateway)
}

fn each_text(json: &mut Value, work: &mut dyn FnMut(&mut String) -> Result<(), Error>) -> Result<(), Error> {
    match json {
        Value::String(text) => work(text),
        Value::Array(items) => items.iter_mut().try_for_each(|item| each_text(item, work)),
        Value::Object(fields) => fields.values_mut().try_for_each(|value| each_text(value, work)),
        _ => Ok(()),
    }
}
