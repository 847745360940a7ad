//! What of a mail is signed: canonicalization `relaxed` of headers and body (RFC 6376 3.4.2, 3.4.4).

use memchr::{memchr, memchr_iter, memmem};

/// A mail's headers as they stand, each with its folded lines and without its last line end; and its body.
pub(super) fn split(mail: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let (head, body) = match memmem::find(mail, b"\r\n\r\n") {
        Some(at) => (&mail[..at + 2], &mail[at + 4..]),
        None => (mail, &mail[mail.len()..]),
    };
    let mut headers = Vec::new();
    let mut start = 0;
    for end in memchr_iter(b'\n', head) {
        let folded = matches!(head.get(end + 1), Some(b' ' | b'\t'));
        if !folded {
            headers.push(head[start..=end].strip_suffix(b"\r\n").unwrap_or(&head[start..=end]));
            start = end + 1;
        }
    }
    (headers, body)
}

/// The name of a header, in lower case.
pub(super) fn name(header: &[u8]) -> String {
    let end = memchr(b':', header).unwrap_or(header.len());
    String::from_utf8_lossy(header[..end].trim_ascii_end()).to_ascii_lowercase()
}

/// A header: its name in lower case, one line, white space as one blank, none around the colon or at the end.
/// Without CRLF.
pub(super) fn header(out: &mut Vec<u8>, header: &[u8]) {
    let end = memchr(b':', header).unwrap_or(header.len());
    out.extend(header[..end].trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let value = header.get(end + 1..).unwrap_or_default();
    let words = value.split(|b| b.is_ascii_whitespace()).filter(|word| !word.is_empty());
    for (nth, word) in words.enumerate() {
        if nth > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

/// A body: white space inside a line as one blank, none at a line's end, no empty lines at its end.
pub(super) fn body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    let mut start = 0;
    let mut kept = 0;
    while start < body.len() {
        let end = memchr(b'\n', &body[start..]).map_or(body.len(), |at| start + at);
        let line = &body[start..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        text(&mut out, line);
        let empty = out.len() == kept || out[kept..].iter().all(|b| matches!(b, b'\r' | b'\n'));
        out.extend_from_slice(b"\r\n");
        if !empty {
            kept = out.len();
        }
        start = end + 1;
    }
    out.truncate(kept);
    out
}

/// A line's words; most lines have single blanks only, and are copied in one go.
fn text(out: &mut Vec<u8>, line: &[u8]) {
    let blank = |b: u8| matches!(b, b' ' | b'\t');
    let mut from = 0;
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b' ', b'\t', &line[at..]) {
        let first = at + found;
        let after = line[first..].iter().position(|b| !blank(*b)).map_or(line.len(), |more| first + more);
        at = after;
        if after == line.len() {
            out.extend_from_slice(&line[from..first]);
            return;
        }
        if after != first + 1 || line[first] != b' ' {
            out.extend_from_slice(&line[from..first]);
            out.push(b' ');
            from = after;
        }
    }
    out.extend_from_slice(&line[from..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_bodies_relax_as_the_standard_says() {
        let check_header = |given: &str, relaxed: &str| {
            let mut out = Vec::new();
            header(&mut out, given.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), relaxed);
        };
        // RFC 6376 3.4.5, and what its words allow besides.
        check_header("A: X", "a:X");
        check_header("B : Y\t\r\n\tZ  ", "b:Y Z");
        check_header("Subject:a\r\n  b", "subject:a b");
        check_header("Empty:", "empty:");

        let check_body =
            |given: &str, relaxed: &str| assert_eq!(body(given.as_bytes()), relaxed.as_bytes(), "{given:?}");
        check_body(" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n");
        check_body("", "");
        check_body("\r\n \r\n\t\r\n", "");
        check_body("a", "a\r\n");
        check_body("\r\na\r\n", "\r\na\r\n");
        check_body("a\r\n\r\n\r\nb\r\n \r\n", "a\r\n\r\n\r\nb\r\n");
        check_body("a  b c\td\r\n\t e\r\n", "a b c d\r\n e\r\n");
    }

    #[test]
    fn a_mail_falls_into_headers_and_body() {
        let (headers, body) = split(b"A: b\r\n c\r\nD: e\r\n\r\nf\r\n\r\ng\r\n");
        assert_eq!(headers, [&b"A: b\r\n c"[..], b"D: e"]);
        assert_eq!(body, b"f\r\n\r\ng\r\n");
        assert_eq!(split(b"A: b\r\n"), (vec![&b"A: b"[..]], &b""[..]));
        assert_eq!(name(b"Message-ID : <x>"), "message-id");
    }
}
