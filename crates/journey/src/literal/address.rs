//! Addresses of mail, hosts and locales: shapes that other programs rely on.

use std::sync::Arc;

use super::{Fault, short};

/// The longest mail address, characters (RFC 5321, 4.5.3.1).
pub const ADDRESS_LENGTH: usize = 254;
/// The longest left side of one.
pub const LOCAL_LENGTH: usize = 64;
/// The longest base of links, characters.
pub const BASE_LENGTH: usize = 200;

/// `hello@mail.shop.example`: what stands in a header as it is and can hide no second address.
pub(crate) fn address(text: &str) -> Result<Arc<str>, Fault> {
    let help = "write it as name@mail.shop.example";
    let told = || short(&text.replace(char::is_control, " "));
    let not = || Fault::new(format!("`{}` is no mail address", told()), help);
    let (local, domain) = text.split_once('@').ok_or_else(not)?;
    if text.len() > ADDRESS_LENGTH || local.len() > LOCAL_LENGTH {
        let help = format!("it has at most {ADDRESS_LENGTH} characters, {LOCAL_LENGTH} of them before the @");
        return Err(Fault::new(format!("the mail address `{}` is too long", told()), help));
    }
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    let local = local.split('.').all(|part| !part.is_empty() && part.bytes().all(inside));
    if !local || !host(domain) || !(domain.contains('.') || domain == "localhost") {
        return Err(not());
    }
    Ok(text.into())
}

/// `shop.example`, by its labels; an IPv4 address is one too.
fn host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.split('.').all(label)
}

/// `go.shop.example`, or the beginning of an address: `http://127.0.0.1:8080`. Without a `/` at its end.
pub(crate) fn base(text: &str) -> Result<Arc<str>, Fault> {
    let help = "write a host, `go.shop.example`, or where links begin: `https://shop.example/go`";
    let not = || Fault::new(format!("links can't begin with `{}`", short(text)), help);
    if text.len() > BASE_LENGTH {
        return Err(not());
    }
    let url = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let (authority, path) = match url {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
        None => (text, ""),
    };
    let (name, port) = authority.split_once(':').unwrap_or((authority, "80"));
    let port =
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    let path = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte));
    if !host(name) || !port || !path {
        return Err(not());
    }
    Ok(text.trim_end_matches('/').into())
}

/// `en`, `de-AT`, `zh-Hant-TW`: language, script and region of BCP 47, each in its usual case, so that there is one way to
/// write each.
pub(crate) fn locale(text: &str) -> Result<Arc<str>, Fault> {
    let usual = usual(text);
    if usual.as_deref() == Some(text) {
        return Ok(text.into());
    }
    let message = format!("`{}` is no locale", short(text));
    Err(Fault::new(
        message,
        usual.map_or("write a language, and a region if need be: en, de-AT".to_owned(), |usual| {
            format!("write `{usual}`")
        }),
    ))
}

/// A locale as it is usually written.
fn usual(text: &str) -> Option<String> {
    let all = |part: &str, of: fn(&u8) -> bool| part.bytes().all(|byte| of(&byte));
    let mut parts = text.split(['-', '_']).peekable();
    let language =
        parts.next().filter(|part| (2..=3).contains(&part.len()) && all(part, u8::is_ascii_alphabetic))?;
    let mut usual = language.to_ascii_lowercase();
    if let Some(script) = parts.next_if(|part| part.len() == 4 && all(part, u8::is_ascii_alphabetic)) {
        let (first, rest) = script.split_at_checked(1)?;
        usual = format!("{usual}-{}{}", first.to_ascii_uppercase(), rest.to_ascii_lowercase());
    }
    let country = |part: &str| part.len() == 2 && all(part, u8::is_ascii_alphabetic);
    let area = |part: &str| part.len() == 3 && all(part, u8::is_ascii_digit);
    if let Some(region) = parts.next_if(|part| country(part) || area(part)) {
        usual = format!("{usual}-{}", region.to_ascii_uppercase());
    }
    parts.next().is_none().then_some(usual)
}
