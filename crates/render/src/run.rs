//! Programs are run here: one pass, into one buffer that stops growing at its limit.

use std::cell::Cell;

use journeyman_domain::link::{KeyRing, Link, Purpose, TARGET_BYTES};
use journeyman_domain::{MessageId, PersonId};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};
use serde_json::Value;

use crate::error::Reason;
use crate::helper::{Manner, NOTHING, Val, truthy, written};
use crate::program::{Escape, Expr, Local, Op, Own};

/// How long what is rendered may become, bytes.
pub const OUTPUT_BYTES: usize = 512 * 1024;
/// How much may be done for one text: loops in loops write nothing and still take time.
pub const STEPS: u32 = 1_000_000;

/// Letters that no address has.
const ADDRESS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// Letters that mean something in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where links lead to.
pub(crate) struct Links<'a> {
    /// `None` of a preview: every link leads where it leads.
    pub(crate) keys: Option<&'a KeyRing>,
    pub(crate) key: u8,
    /// Without a slash at its end.
    pub(crate) base: &'a str,
    pub(crate) message: MessageId,
    pub(crate) person: PersonId,
    /// `utm_source=…&…`, ready to be put behind an address.
    pub(crate) parameters: &'a [(String, String)],
    pub(crate) unsubscribe: Option<&'a str>,
    pub(crate) preferences: &'a str,
}

/// Everything that a program sees.
pub(crate) struct Run<'a> {
    pub(crate) vars: &'a Value,
    pub(crate) locale: &'a str,
    pub(crate) manner: &'a Manner<'a>,
    pub(crate) links: &'a Links<'a>,
    /// How many links there were so far: of a mail, its text goes on where its HTML ended.
    pub(crate) position: Cell<u16>,
}

struct Frame<'a> {
    value: &'a Value,
    index: usize,
    count: usize,
}

struct Writer<'a> {
    run: &'a Run<'a>,
    out: String,
    limit: usize,
    steps: u32,
    frames: Vec<Frame<'a>>,
}

impl Run<'_> {
    /// What a program writes, at most `limit` bytes; `room` of them are made ready.
    pub(crate) fn run(&self, program: &[Op], limit: usize, room: usize) -> Result<String, Reason> {
        let frames = vec![Frame { value: self.vars, index: 0, count: 1 }];
        let out = String::with_capacity(room);
        let mut writer = Writer { run: self, out, limit, steps: STEPS, frames };
        writer.all(program)?;
        Ok(writer.out)
    }
}

impl<'a> Writer<'a> {
    fn all(&mut self, ops: &'a [Op]) -> Result<(), Reason> {
        self.steps = self.steps.checked_sub(ops.len() as u32 + 1).ok_or(Reason::TooMuch)?;
        ops.iter().try_for_each(|op| self.op(op))
    }

    fn op(&mut self, op: &'a Op) -> Result<(), Reason> {
        match op {
            Op::Text(text) => self.push(text),
            Op::Show { value, escape } => {
                let value = self.value(value)?;
                let manner = self.run.manner;
                self.escaped(&written(&value, manner)?, *escape)
            }
            Op::If { condition, then, otherwise } => {
                let holds = truthy(&self.value(condition)?);
                self.all(if holds { then } else { otherwise })
            }
            Op::Each { list, then, otherwise } => {
                let items = match self.value(list)? {
                    Val::Json(Value::Array(items)) => items.as_slice(),
                    Val::Json(Value::Null) => &[],
                    _ => return Err(Reason::Unfit { helper: "each", wanted: "list" }),
                };
                if items.is_empty() {
                    return self.all(otherwise);
                }
                for (index, value) in items.iter().enumerate() {
                    self.frames.push(Frame { value, index, count: items.len() });
                    self.all(then)?;
                    self.frames.pop();
                }
                Ok(())
            }
            Op::Link { address, tracked, escape } => {
                let from = self.out.len();
                self.all(address)?;
                let address = self.out.split_off(from);
                self.link(&address, *tracked, *escape)
            }
            Op::Closing => self.closing(),
        }
    }

    fn push(&mut self, text: &str) -> Result<(), Reason> {
        if self.out.len() + text.len() > self.limit {
            return Err(Reason::TooLong);
        }
        self.out.push_str(text);
        Ok(())
    }

    fn escaped(&mut self, text: &str, escape: Escape) -> Result<(), Reason> {
        match escape {
            Escape::None => self.push(text),
            Escape::Query => utf8_percent_encode(text, QUERY).try_for_each(|part| self.push(part)),
            Escape::Html => {
                let mut done = 0;
                for (at, byte) in text.bytes().enumerate() {
                    let instead = match byte {
                        b'&' => "&amp;",
                        b'<' => "&lt;",
                        b'>' => "&gt;",
                        b'"' => "&quot;",
                        b'\'' => "&#39;",
                        // No mail has them, and some clients end there.
                        0..=8 | 11 | 12 | 14..=31 | 127 => "",
                        _ => continue,
                    };
                    self.push(text.get(done..at).unwrap_or(""))?;
                    self.push(instead)?;
                    done = at + 1;
                }
                self.push(text.get(done..).unwrap_or(""))
            }
        }
    }

    fn value(&self, expr: &'a Expr) -> Result<Val<'a>, Reason> {
        match expr {
            Expr::Literal(value) => Ok(Val::Json(value)),
            Expr::Path { frame, names, bare } => {
                let mut value = self.frames.get(*frame).map_or(&NOTHING, |frame| frame.value);
                for name in names {
                    value = value.get(name.as_ref()).unwrap_or(&NOTHING);
                }
                match bare {
                    Some(called) if value.is_null() => Err(Reason::Missing(called.clone())),
                    _ => Ok(Val::Json(value)),
                }
            }
            Expr::Local { frame, local } => {
                let Some(frame) = self.frames.get(*frame) else { return Ok(Val::Json(&NOTHING)) };
                Ok(match local {
                    Local::Index => Val::Count(frame.index),
                    Local::First => Val::Flag(frame.index == 0),
                    Local::Last => Val::Flag(frame.index + 1 == frame.count),
                })
            }
            Expr::Own(own) => {
                let said = match own {
                    Own::Unsubscribe => self.run.links.unsubscribe,
                    Own::Preferences => Some(self.run.links.preferences),
                    Own::Locale => Some(self.run.locale),
                };
                Ok(said.map_or(Val::Json(&NOTHING), |said| Val::Text(said.into())))
            }
            Expr::Call(helper, args) => {
                let mut values: [Val<'a>; 2] = [const { Val::Flag(false) }; 2];
                if args.len() > values.len() {
                    let all: Vec<Val<'a>> =
                        args.iter().map(|arg| self.value(arg)).collect::<Result<_, _>>()?;
                    return helper.call(&all, self.run.manner);
                }
                for (value, arg) in values.iter_mut().zip(args) {
                    *value = self.value(arg)?;
                }
                helper.call(values.get(..args.len()).unwrap_or(&[]), self.run.manner)
            }
        }
    }

    /// Writes an address: of the web as a link that comes back to us; others of mail and phones as they are; whatever else
    /// some data held leads nowhere.
    fn link(&mut self, address: &str, tracked: bool, escape: Escape) -> Result<(), Reason> {
        let address = address.trim();
        let links = self.run.links;
        let ours = Some(address) == links.unsubscribe || address == links.preferences;
        let lower =
            |scheme: &str| address.get(..scheme.len()).is_some_and(|said| said.eq_ignore_ascii_case(scheme));
        if !(ours || lower("http://") || lower("https://")) {
            let kept = ["mailto:", "tel:", "sms:", "#"].iter().any(|scheme| lower(scheme));
            return self.escaped(if kept { address } else { "#" }, escape);
        }
        let clean: std::borrow::Cow<'_, str> = utf8_percent_encode(address, ADDRESS).into();
        let Some(keys) = links.keys.filter(|_| tracked && !ours) else { return self.escaped(&clean, escape) };
        let target = with_parameters(&clean, links.parameters);
        if target.len() > TARGET_BYTES {
            return self.escaped(&clean, escape);
        }
        let position = self.run.position.get();
        self.run.position.set(position.saturating_add(1));
        self.signed(keys, "/c/", Purpose::Click { position, target }, "")
    }

    fn signed(&mut self, keys: &KeyRing, path: &str, purpose: Purpose, end: &str) -> Result<(), Reason> {
        let links = self.run.links;
        let link = Link { message: links.message, person: links.person, purpose };
        let token = keys.sign(links.key, &link);
        [links.base, path, &token, end].iter().try_for_each(|part| self.push(part))
    }

    /// The link that no human sees, and the pixel.
    fn closing(&mut self) -> Result<(), Reason> {
        let Some(keys) = self.run.links.keys else { return Ok(()) };
        self.push("<div style=\"display:none;max-height:0;overflow:hidden;mso-hide:all\" aria-hidden=\"true\"><a href=\"")?;
        self.signed(keys, "/c/", Purpose::Honeypot, "")?;
        self.push("\" rel=\"nofollow\" tabindex=\"-1\"></a></div><img src=\"")?;
        self.signed(keys, "/o/", Purpose::Open, ".gif")?;
        self.push(
            "\" width=\"1\" height=\"1\" alt=\"\" style=\"display:block;border:0;width:1px;height:1px\">",
        )
    }
}

/// The address with parameters added to its query, but for those that it has.
fn with_parameters(address: &str, parameters: &[(String, String)]) -> String {
    let (whole, fragment) =
        address.split_once('#').map_or((address, None), |(whole, part)| (whole, Some(part)));
    let query = whole.split_once('?').map(|(_, query)| query);
    let has = |name: &str| {
        query.is_some_and(|query| query.split('&').any(|part| part.split('=').next() == Some(name)))
    };
    let mut out = String::with_capacity(address.len() + 96);
    out.push_str(whole);
    let mut next = match query {
        None => "?",
        Some(query) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    for (name, value) in parameters.iter().filter(|(name, _)| !has(name)) {
        out.push_str(next);
        out.push_str(name);
        out.push('=');
        out.push_str(value);
        next = "&";
    }
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(fragment);
    }
    out
}

/// A value as it stands in a query.
pub(crate) fn in_query(value: &str) -> String {
    percent_encode(value.as_bytes(), QUERY).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_added_and_never_overwrite() {
        let parameters = [("utm_source", "j"), ("utm_medium", "a%20b")];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let cases = [
            ("https://s.example", "https://s.example?utm_source=j&utm_medium=a%20b"),
            ("https://s.example/?", "https://s.example/?utm_source=j&utm_medium=a%20b"),
            ("https://s.example/a?b=1", "https://s.example/a?b=1&utm_source=j&utm_medium=a%20b"),
            ("https://s.example/a?b=1&", "https://s.example/a?b=1&utm_source=j&utm_medium=a%20b"),
            ("https://s.example/a?utm_source=x#f", "https://s.example/a?utm_source=x&utm_medium=a%20b#f"),
            ("https://s.example/#f?g", "https://s.example/?utm_source=j&utm_medium=a%20b#f?g"),
        ];
        for (address, expected) in cases {
            assert_eq!(with_parameters(address, &parameters), expected);
        }
        assert_eq!(with_parameters("https://s.example/#", &[]), "https://s.example/#");
        assert_eq!(in_query("a b&c=ä"), "a%20b%26c%3D%C3%A4");
    }
}
