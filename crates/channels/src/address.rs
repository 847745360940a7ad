//! Mail addresses as they may stand on the wire: RFC 5321 4.1.2, without SMTPUTF8.

use idna::AsciiDenyList;

use crate::Refusal;

/// The longest left side, bytes (RFC 5321 4.5.3.1.1).
pub const LOCAL_BYTES: usize = 64;
/// The longest address, bytes: a path of 256 less its brackets (RFC 5321 4.5.3.1.3).
pub const ADDRESS_BYTES: usize = 254;

/// An address as it goes on the wire: its domain in ASCII (IDNA) and lower case, its left side as it stands.
///
/// # Errors
/// A [`Refusal`] of `field` where it can't be one: line breaks and other control characters, a left side that
/// is not ASCII (which would need SMTPUTF8), a domain that is none, longer than [`LOCAL_BYTES`] or
/// [`ADDRESS_BYTES`].
pub fn checked(field: &'static str, address: &str) -> Result<String, Refusal> {
    let refused = |detail: &str| Err(Refusal::new(field, detail));
    if address.chars().any(char::is_control) {
        return refused("an address has a line break or another control character");
    }
    let Some((local, domain)) = address.rsplit_once('@') else {
        return refused("an address needs an @");
    };
    if !local.is_ascii() {
        return refused("an address has letters before the @ that are not ASCII; servers rarely take them");
    }
    if local.is_empty() || local.len() > LOCAL_BYTES {
        return refused("an address has 1 to 64 characters before the @");
    }
    if !(dotted(local) || quoted(local)) {
        return refused("what stands before the @ of an address is not a name (RFC 5321 4.1.2)");
    }
    if domain.starts_with('[') {
        return refused("an address names a domain, not a number of a host");
    }
    let Ok(ascii) = idna::domain_to_ascii_cow(domain.as_bytes(), AsciiDenyList::URL) else {
        return refused("what stands behind the @ of an address is not a domain");
    };
    if ascii.len() > 253 || !ascii.split('.').all(label) {
        return refused("what stands behind the @ of an address is not a domain");
    }
    if local.len() + 1 + ascii.len() > ADDRESS_BYTES {
        return refused("an address has 254 characters at most");
    }
    Ok(format!("{local}@{ascii}"))
}

/// The domain of an address that was checked.
pub(crate) fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// Dot-string: words of `atext` with single dots between them.
fn dotted(local: &str) -> bool {
    let atext = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    local.split('.').all(|word| !word.is_empty() && word.bytes().all(atext))
}

/// Quoted-string: anything printable between quotes, quotes and backslashes behind a backslash.
fn quoted(local: &str) -> bool {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return false };
    let mut escaped = false;
    for b in inner.bytes() {
        match (escaped, b) {
            (false, b'\\') => escaped = true,
            (false, b'"') => return false,
            (_, b' '..=b'~') => escaped = false,
            _ => return false,
        }
    }
    !inner.is_empty() && !escaped
}

fn label(label: &str) -> bool {
    let ldh = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(ldh)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, taken: Result<&str, &str>) {
        match (checked("to", address), taken) {
            (Ok(wire), Ok(expected)) => assert_eq!(wire, expected),
            (Err(refusal), Err(words)) => {
                assert!(refusal.detail.contains(words), "{address:?}: {refusal}");
                assert!(address.len() < 3 || !refusal.detail.contains(address), "quoted: {refusal}");
            }
            (found, expected) => panic!("{address:?}: {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn an_address_is_taken_or_refused_with_a_reason() {
        for good in [
            "ada@x.example",
            "a.b+c_d-e'f=g@mail.x.example",
            "\"ada l\"@x.example",
            "\"a\\\"b\\\\c@d\"@x.example",
            "ada@localhost",
            "1@2.example",
            "{a|b}~!#$%&*/?^`@x.example",
        ] {
            check(good, Ok(good));
        }
        check("Ada@Bücher.example", Ok("Ada@xn--bcher-kva.example"));
        check("ada@MAIL.Example", Ok("ada@mail.example"));
        check("ada@例え。テスト", Ok("ada@xn--r8jz45g.xn--zckzah"));
        for (bad, why) in [
            ("", "needs an @"),
            ("ada", "needs an @"),
            ("@x.example", "1 to 64"),
            ("ada@", "not a domain"),
            ("ada@x..example", "not a domain"),
            ("ada@-x.example", "not a domain"),
            ("ada@x_y.example", "not a domain"),
            ("ada@x.example.", "not a domain"),
            ("ada@x example", "not a domain"),
            ("ada@x.example>", "not a domain"),
            ("ada@[127.0.0.1]", "not a number"),
            (".ada@x.example", "not a name"),
            ("ada.@x.example", "not a name"),
            ("a..b@x.example", "not a name"),
            ("a b@x.example", "not a name"),
            ("a<b@x.example", "not a name"),
            ("a@b@x.example", "not a name"),
            ("\"@x.example", "not a name"),
            ("\"\"@x.example", "not a name"),
            ("\"a\"b\"@x.example", "not a name"),
            ("\"a\\\"@x.example", "not a name"),
            ("ädä@x.example", "not ASCII"),
            ("ada@x.example\r\nRCPT TO:<eve@y.example>", "line break"),
            ("ada\n@x.example", "line break"),
            ("ada\0@x.example", "control"),
            ("ada@x.example\u{85}", "control"),
        ] {
            check(bad, Err(why));
        }
    }

    #[test]
    fn lengths_end_where_the_standard_says() {
        let local = "l".repeat(LOCAL_BYTES);
        check(&format!("{local}@x.example"), Ok(&format!("{local}@x.example")));
        check(&format!("l{local}@x.example"), Err("1 to 64"));
        let label = "d".repeat(63);
        let domain = format!("{label}.{label}.{}.example", "d".repeat(53));
        let longest = format!("{local}@{domain}");
        assert_eq!(longest.len(), ADDRESS_BYTES);
        check(&longest, Ok(&longest));
        check(&longest.replace(".example", "d.example"), Err("254"));
        check(&format!("a@d{label}.example"), Err("not a domain"));
    }
}
