//! One reply of a server (RFC 5321 4.2), read from what has arrived so far.

use memchr::memchr;

/// The longest line of a reply, bytes; the standard says 512, servers say more.
pub const LINE_BYTES: usize = 4 * 1024;
/// The longest reply, bytes.
pub const REPLY_BYTES: usize = 64 * 1024;

/// An enhanced code (RFC 3463).
pub type Enhanced = (u16, u16, u16);

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// From 200 to 599.
    pub code: u16,
    /// Its lines without code and line end; what is not UTF-8 is replaced.
    pub lines: Vec<String>,
}

/// Not a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Garbage {
    /// A line without a code, or with another than the line before.
    #[error("the server said something that is no reply")]
    NoReply,
    /// Longer than [`LINE_BYTES`] or [`REPLY_BYTES`].
    #[error("the server's reply has no end")]
    Endless,
}

impl Reply {
    /// The reply that `bytes` begin with and how many of them it takes; `None` where its end has not arrived.
    /// Takes what careless servers write: lines that end with LF alone, a code without text (RFC 5321 4.2.1
    /// asks for that).
    ///
    /// # Errors
    /// [`Garbage`] where it can't become one.
    pub fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, Garbage> {
        let mut lines = Vec::with_capacity(1);
        let mut code = None;
        let mut start = 0;
        loop {
            let rest = bytes.get(start..).unwrap_or_default();
            let Some(end) = memchr(b'\n', rest) else {
                return if rest.len() > LINE_BYTES { Err(Garbage::Endless) } else { Ok(None) };
            };
            if end > LINE_BYTES || start + end > REPLY_BYTES {
                return Err(Garbage::Endless);
            }
            let line = &rest[..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let (said, last, text) = split(line).ok_or(Garbage::NoReply)?;
            if *code.get_or_insert(said) != said {
                return Err(Garbage::NoReply);
            }
            lines.push(String::from_utf8_lossy(text).into_owned());
            start += end + 1;
            if last {
                return Ok(Some((Self { code: said, lines }, start)));
            }
        }
    }

    /// The enhanced code that a line begins with, as far as it is one of the reply's own class (RFC 2034 4).
    pub fn enhanced(&self) -> Option<Enhanced> {
        self.lines.iter().find_map(|line| enhanced(line)).filter(|enhanced| enhanced.0 == self.code / 100)
    }

    /// Its lines as one.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }
}

/// Code, whether it is the last line, text.
fn split(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (code, rest) = line.split_at_checked(3)?;
    let digits = code.iter().all(u8::is_ascii_digit);
    let code = code.iter().fold(0, |code, digit| code * 10 + u16::from(digit.wrapping_sub(b'0')));
    let (last, text) = match rest {
        [] => (true, rest),
        [b' ', text @ ..] => (true, text),
        [b'-', text @ ..] => (false, text),
        _ => return None,
    };
    (digits && (200..600).contains(&code)).then_some((code, last, text))
}

/// The code at a text's beginning: `5.1.1 no such user`, and as some appliances have it, `#5.1.1`.
pub(crate) fn enhanced(text: &str) -> Option<Enhanced> {
    let word = text.trim_start().trim_start_matches('#').split([' ', '\t', ':', ';', ',']).next()?;
    let mut numbers = word.split('.').map(|number| match number.len() {
        1..=3 if number.bytes().all(|b| b.is_ascii_digit()) => number.parse::<u16>().ok(),
        _ => None,
    });
    let code = (numbers.next()??, numbers.next()??, numbers.next()??);
    (numbers.next().is_none() && matches!(code.0, 2 | 4 | 5)).then_some(code)
}
