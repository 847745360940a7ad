use ring::signature::{ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey};

use super::*;

const RFC_8463: &str = include_str!("samples/rfc8463.eml");
const RFC_8463_KEY: &str = include_str!("samples/ed25519-rfc8463.pem");
/// The public halves as the RFC publishes them (A.2).
const BRISBANE: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const TEST: &str = "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY\
                    /J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip\
                    3G+2kryOTIKT+l/K4w3QIDAQAB";
const RSA: &str = include_str!("samples/rsa.pem");
const RSA_PKCS8: &str = include_str!("samples/rsa-pkcs8.pem");

const MAIL: &str = "From: The Shop <hello@shop.example>\r\nTo: <ada@x.example>\r\nSubject: A\r\n folded  subject\r\n\
                    Date: Mon, 1 Jun 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nX-Other: unsigned\r\n\r\n\
                    Hello  there \r\n.\r\n\r\n";

fn at() -> ShopTime {
    ShopTime::from_millisecond(1_780_308_000_000).unwrap()
}

fn key(pem: &str) -> Key {
    Key::from_pem("Shop.example", "s1", pem).unwrap_or_else(|error| panic!("{error}"))
}

/// What a verifier does (RFC 6376 6.1), over our canonicalization: tags, body hash, signature. The signed
/// bytes besides.
fn verify(mail: &[u8], nth: usize, record: &str) -> Result<Vec<u8>, String> {
    let (headers, body) = canonical::split(mail);
    let signatures: Vec<&[u8]> =
        headers.iter().copied().filter(|header| canonical::name(header) == "dkim-signature").collect();
    let text = String::from_utf8(signatures[nth].to_vec()).unwrap();
    let tag = |tag: &str| {
        let value = text.split_once(':').unwrap().1;
        let found = value.split(';').find_map(|pair| pair.trim().strip_prefix(&format!("{tag}=")));
        found.unwrap_or_default().split_whitespace().collect::<String>()
    };
    if tag("bh") != STANDARD.encode(digest(&SHA256, &canonical::body(body))) {
        return Err("body".into());
    }
    let mut left: Vec<&[u8]> = headers.clone();
    let mut said = Vec::new();
    for name in tag("h").split(':') {
        if let Some(at) = left.iter().rposition(|header| canonical::name(header) == name) {
            canonical::header(&mut said, left.remove(at));
            said.extend_from_slice(b"\r\n");
        }
    }
    let signature = text.rfind("b=").map(|at| &text[..at + 2]).unwrap();
    canonical::header(&mut said, signature.as_bytes());
    let public = STANDARD.decode(record.split("p=").nth(1).unwrap()).unwrap();
    let b = STANDARD.decode(tag("b")).unwrap();
    let checked = match tag("a").as_str() {
        "ed25519-sha256" => {
            UnparsedPublicKey::new(&ED25519, public).verify(digest(&SHA256, &said).as_ref(), &b)
        }
        "rsa-sha256" => {
            let pkcs1 = public[if public.len() > 255 { 24 } else { 22 }..].to_vec();
            UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, pkcs1).verify(&said, &b)
        }
        other => return Err(other.into()),
    };
    checked.map(|()| said).map_err(|_| "signature".into())
}

#[test]
fn the_standard_s_own_example_is_read_and_signed_as_it_stands() {
    let mail = RFC_8463.replace('\n', "\r\n");
    let said = verify(mail.as_bytes(), 0, BRISBANE).unwrap();
    verify(mail.as_bytes(), 1, TEST).unwrap();
    let signed = key(RFC_8463_KEY).secret.sign(&said).unwrap();
    let expected = "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";
    assert_eq!(STANDARD.encode(signed), expected);
    assert_eq!(key(RFC_8463_KEY).record(), BRISBANE);
}

#[test]
fn a_signature_holds_until_something_it_covers_changes() {
    let keys = [key(RFC_8463_KEY), key(RSA), key(RSA_PKCS8)];
    let signatures = sign(MAIL.as_bytes(), at(), &keys).unwrap();
    assert_eq!(signatures, sign(MAIL.as_bytes(), at(), &keys).unwrap(), "the same bytes every time");
    let text = String::from_utf8(signatures).unwrap();
    assert!(text.lines().all(|line| line.len() <= 78), "{text}");
    let check = |mail: &str, holds: Result<(), &str>| {
        for (nth, key) in keys.iter().enumerate() {
            let found = verify(format!("{text}{mail}").as_bytes(), nth, &key.record()).map(|_| ());
            assert_eq!(found, holds.map_err(str::to_owned), "{mail}");
        }
    };
    check(MAIL, Ok(()));
    // What relays may do.
    check(&MAIL.replace("Subject: A\r\n folded  subject", "SUBJECT:  A folded subject"), Ok(()));
    check(&MAIL.replace("Hello  there \r\n", "Hello there\r\n"), Ok(()));
    check(&MAIL.replace("unsigned", "changed"), Ok(()));
    check(&format!("Received: by us\r\n{MAIL}"), Ok(()));
    // What nobody may.
    check(&MAIL.replace("Hello", "hello"), Err("body"));
    check(&format!("{MAIL}more\r\n"), Err("body"));
    check(&MAIL.replace("folded", "forged"), Err("signature"));
    check(&MAIL.replace("ada@", "eve@"), Err("signature"));
    check(&MAIL.replace("From:", "From: eve@y.example\r\nFrom:"), Err("signature"));
    check(&format!("Subject: forged\r\n{MAIL}"), Err("signature"));
    check(&format!("To: eve@y.example\r\n{MAIL}"), Err("signature"));
}

#[test]
fn a_header_is_pinned() {
    let signature = String::from_utf8(sign(MAIL.as_bytes(), at(), &[key(RFC_8463_KEY)]).unwrap()).unwrap();
    let expected = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n\
                    \td=shop.example; s=s1; t=1780308000;\r\n\
                    \th=from:from:to:to:subject:subject:date:date:mime-version:mime-version;\r\n\
                    \tbh=";
    assert!(signature.starts_with(expected), "{signature}");
}

#[test]
fn a_key_is_taken_or_refused_with_a_reason() {
    let check = |domain: &str, selector: &str, pem: &str, expected: Option<Error>| {
        assert_eq!(Key::from_pem(domain, selector, pem).err(), expected, "{domain} {selector}");
    };
    check("shop.example", "s1", RSA, None);
    check("shop.example", "2026.mail", RSA_PKCS8, None);
    check("shop example", "s1", RSA, Some(Error::BadName));
    check("shop.example", "s1; x", RSA, Some(Error::BadName));
    check("shop.example", "", RSA, Some(Error::BadName));
    check("shop.example", "s1", "", Some(Error::NotAKey));
    check("shop.example", "s1", &RSA.replace("PRIVATE", "PUBLIC"), Some(Error::NotAKey));
    check("shop.example", "s1", include_str!("samples/rsa-1024.pem"), Some(Error::UnfitKey));
    check("shop.example", "s1", include_str!("samples/ec.pem"), Some(Error::UnfitKey));
    let key = key(RSA);
    assert_eq!((key.domain(), key.record_name().as_str()), ("shop.example", "s1._domainkey.shop.example"));
    assert!(key.record().starts_with("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"));
}
