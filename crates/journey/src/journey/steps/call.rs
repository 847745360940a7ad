//! `call`: a question to the shop's own systems.

use std::sync::Arc;

use journeyman_domain::call::Method;
use journeyman_domain::plan::{Call, Setting, Step};
use journeyman_domain::value::Span;

use super::{Reader, Reading};
use crate::block;
use crate::diagnostic::{CALL, CALL_HEADER, DURATION};
use crate::literal::{self, Fault, short};
use crate::tree::Entry;

/// How long an answer is waited for unless said.
const WITHIN: Span = Span::seconds(30);
/// The longest that may be said: whoever waits for days waits for an event.
const LONGEST: Span = Span::hours(24);
/// How often a call may be asked again at most.
const RETRIES: u32 = 10;
/// How long an address may be, bytes.
const URL_BYTES: usize = 1024;
/// Headers that are not the step's to say.
const OURS: [&str; 8] = [
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

impl<'t> Reader<'_, '_, '_> {
    pub(super) fn call(&mut self, reading: &mut Reading<'_, 't>) -> Option<Step> {
        let entry = reading.block.take("call")?;
        let to = self.parsed(entry, CALL, method_and_url);
        let body = reading.block.take("body");
        if let (Some(body), Some((Method::Get, _))) = (body, &to) {
            self.report.say(CALL, body.place, "a GET has no body", "write POST, or put it into the address");
        }
        let body = body.and_then(|entry| self.call_lines(entry));
        let headers = reading.block.take("headers").and_then(|entry| self.headers(entry)).unwrap_or_default();
        let secret = reading.block.take("secret").and_then(|entry| self.parsed(entry, CALL_HEADER, variable));
        let within = reading.block.take("within");
        let said = within.and_then(|entry| self.parsed(entry, DURATION, literal::duration));
        if let (Some(entry), Some(span)) = (within, said)
            && span.nominal() > LONGEST.nominal()
        {
            let help = "write a shorter one, or let the answer come as an event and wait for that";
            self.report.say(
                CALL,
                entry.value.place,
                format!("an answer is waited for {LONGEST} at most"),
                help,
            );
        }
        let retry = reading.block.take("retry");
        let retry = retry.and_then(|entry| block::integer(entry, 0, RETRIES, self.report));
        let (method, url) = to?;
        Some(Step::Call(Call {
            method,
            url,
            body,
            headers,
            secret,
            within: said.unwrap_or(WITHIN),
            retry: retry.unwrap_or(0),
            fields: Vec::new(),
        }))
    }

    fn call_lines(&mut self, entry: &'t Entry) -> Option<Vec<(Arc<str>, Setting)>> {
        let lines = self.lines(entry)?;
        let scope = self.here("a `call`");
        let settings = lines.iter().filter_map(|entry| {
            let (setting, _) = self.assigned(entry, &scope)?;
            Some((entry.key.as_str().into(), setting))
        });
        Some(settings.collect())
    }

    fn headers(&mut self, entry: &'t Entry) -> Option<Vec<(Arc<str>, Setting)>> {
        let lines = self.lines(entry)?;
        for line in lines {
            let name = line.key.to_ascii_lowercase();
            let fits = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
            if !fits || OURS.contains(&name.as_str()) {
                let message = format!("`{}` is no header of a call's own", short(&line.key));
                let help =
                    "letters, digits, `-` and `_`; what is sent, to whom and its signature say themselves";
                self.report.say(CALL_HEADER, line.place, message, help);
            }
        }
        let settings = self.call_lines(entry)?;
        Some(
            settings.into_iter().map(|(name, setting)| (name.to_ascii_lowercase().into(), setting)).collect(),
        )
    }
}

/// `POST https://billing.shop.example/v1/card-links`
fn method_and_url(text: &str) -> Result<(Method, Arc<str>), Fault> {
    let help = "write how and where: `POST https://billing.shop.example/v1/links`";
    let fault = |message: String| Fault::new(message, help);
    let (method, url) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let Ok(method) = method.parse::<Method>() else {
        let names = Method::ALL.map(Method::name).join(", ");
        return Err(fault(format!("`{}` is no way to ask: there are {names}", short(method))));
    };
    let url = url.trim();
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or("");
    let host = rest.split(['/', '?', '#']).next().unwrap_or("");
    let printable = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    if host.is_empty() || host.contains('@') || !printable || url.len() > URL_BYTES {
        return Err(fault(format!("`{}` is no address", short(url))));
    }
    Ok((method, url.into()))
}

/// The name of a variable of the environment.
fn variable(text: &str) -> Result<Arc<str>, Fault> {
    let inside = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    if text.is_empty() || text.len() > literal::NAME_LENGTH || !text.bytes().all(inside) {
        let help = "write the name of a variable of the daemon's environment: `secret: BILLING_KEY`";
        return Err(Fault::new("a secret does not stand in the file", help));
    }
    Ok(text.into())
}
