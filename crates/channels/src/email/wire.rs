//! A mail as it goes on the wire.

use std::borrow::Cow;
use std::fmt;

use memchr::{memchr, memchr_iter, memmem};

use crate::{Refusal, address};

/// The longest line, bytes without its end (RFC 5322 2.1.1).
pub const LINE_BYTES: usize = 998;
/// The largest mail, bytes.
pub const MAIL_BYTES: usize = 16 * 1024 * 1024;

/// A mail whose addresses and lines were checked, so that whoever writes it needs no check: addresses as
/// [`address::checked`], lines of ASCII that end with CRLF.
#[derive(Clone, PartialEq, Eq)]
pub struct Wire {
    envelope_from: String,
    to: String,
    bytes: Vec<u8>,
}

impl Wire {
    /// A mail from its parts.
    ///
    /// # Errors
    /// A [`Refusal`] of an address, or of a mail with a lone CR or LF, a NUL, a byte over 127, a line over
    /// [`LINE_BYTES`], without a line end at its end, or over [`MAIL_BYTES`].
    pub fn new(envelope_from: &str, to: &str, bytes: Vec<u8>) -> Result<Self, Refusal> {
        let envelope_from = address::checked("envelope_from", envelope_from)?;
        let to = address::checked("to", to)?;
        let refused = |detail: &str| Err(Refusal::new("mail", detail));
        if bytes.len() > MAIL_BYTES {
            return refused("a mail has 16 MB at most");
        }
        if !bytes.is_ascii() || memchr(0, &bytes).is_some() {
            return refused("a mail is made of ASCII, and has no NUL");
        }
        let mut start = 0;
        for end in memchr_iter(b'\n', &bytes) {
            let Some(b'\r') = bytes.get(end.wrapping_sub(1)) else { return refused("a line ends with CRLF") };
            if end - start > LINE_BYTES + 1 {
                return refused("a line has 998 bytes at most");
            }
            start = end + 1;
        }
        if start == 0 || start != bytes.len() {
            return refused("a mail ends with CRLF");
        }
        if memchr_iter(b'\r', &bytes).any(|at| bytes.get(at + 1) != Some(&b'\n')) {
            return refused("a line ends with CRLF");
        }
        Ok(Self { envelope_from, to, bytes })
    }

    /// To whom it returns.
    pub fn envelope_from(&self) -> &str {
        &self.envelope_from
    }

    /// To whom it goes.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// Headers and body.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// As it follows SMTP's DATA: a dot before each line that begins with one (RFC 5321 4.5.2). The final dot
    /// is not in it.
    pub fn data(&self) -> Cow<'_, [u8]> {
        let mut dots = memmem::find_iter(&self.bytes, b"\n.").peekable();
        let leading = self.bytes.first() == Some(&b'.');
        if dots.peek().is_none() && !leading {
            return Cow::Borrowed(&self.bytes);
        }
        let mut stuffed = Vec::with_capacity(self.bytes.len() + 64);
        if leading {
            stuffed.push(b'.');
        }
        let mut from = 0;
        for at in dots {
            stuffed.extend_from_slice(&self.bytes[from..=at]);
            stuffed.push(b'.');
            from = at + 1;
        }
        stuffed.extend_from_slice(&self.bytes[from..]);
        Cow::Owned(stuffed)
    }
}

/// Says nothing of whom it is for.
impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({} bytes)", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], taken: Result<&[u8], &str>) {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        match (Wire::new("shop@x.example", "ada@y.example", bytes.to_vec()), taken) {
            (Ok(wire), Ok(data)) => assert_eq!(wire.data(), data, "{shown:?}"),
            (Err(refusal), Err(words)) => {
                assert!(refusal.to_string().contains(words), "{shown:?}: {refusal}")
            }
            (found, expected) => panic!("{shown:?}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_mail_is_taken_only_in_the_wire_s_own_form() {
        check(b"A: b\r\n\r\nc\r\n", Ok(b"A: b\r\n\r\nc\r\n"));
        check(b".\r\n..\r\na.\r\n.b\r\n", Ok(b"..\r\n...\r\na.\r\n..b\r\n"));
        check(b"", Err("ends with CRLF"));
        check(b"a", Err("ends with CRLF"));
        check(b"a\r\nb", Err("ends with CRLF"));
        check(b"a\nb\r\n", Err("a line ends with CRLF"));
        check(b"\n.\r\n", Err("a line ends with CRLF"));
        check(b"a\rb\r\n", Err("a line ends with CRLF"));
        // Ways by which others have smuggled a second mail into a first.
        check(b"a\r.\r\nMAIL FROM:<e@x>\r\n", Err("a line ends with CRLF"));
        check(b"a\r\n.\rMAIL\r\n", Err("a line ends with CRLF"));
        check(b"a\r\n.\r\nMAIL\r\n", Ok(b"a\r\n..\r\nMAIL\r\n"));
        check("ü\r\n".as_bytes(), Err("ASCII"));
        check(b"a\0\r\n", Err("NUL"));
        let long = ["x".repeat(LINE_BYTES), "\r\n".to_owned()].concat();
        check(long.as_bytes(), Ok(long.as_bytes()));
        check(format!("x{long}").as_bytes(), Err("998"));
        let large = "xyz\r\n".repeat(MAIL_BYTES / 5 + 1);
        check(large.as_bytes(), Err("16 MB"));
    }

    #[test]
    fn the_envelope_is_checked_too() {
        let refusal = |from, to| Wire::new(from, to, b"a\r\n".to_vec()).map(|_| ()).unwrap_err().field;
        assert_eq!(refusal("shop@x.example>\r\nDATA", "ada@y.example"), "envelope_from");
        assert_eq!(refusal("shop@x.example", "ada"), "to");
        let wire = Wire::new("shop@x.example", "ada@y.example", b"a\r\n".to_vec()).unwrap();
        assert_eq!(format!("{wire:?}"), "Wire(3 bytes)");
    }
}
