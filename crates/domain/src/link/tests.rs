use super::*;

fn ring(keys: &[u8]) -> KeyRing {
    KeyRing::new(keys.iter().map(|key| (*key, vec![*key; 32]))).unwrap()
}

fn link(purpose: Purpose) -> Link {
    Link {
        message: MessageId(Uuid::from_u128(0x0193_0000_7000_8000_u128 << 64)),
        person: PersonId(-7),
        purpose,
    }
}

fn all() -> Vec<Purpose> {
    let target = "https://shop.example/cart?id=1&x=ä".to_owned();
    vec![
        Purpose::Click { position: 3, target },
        Purpose::Honeypot,
        Purpose::Open,
        Purpose::Unsubscribe,
        Purpose::Preferences,
    ]
}

#[test]
fn what_was_signed_is_read_again() {
    for purpose in all() {
        let link = link(purpose);
        let text = ring(&[1]).sign(1, &link);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        assert_eq!(ring(&[1]).verify(&text), Some(link.clone()));
        // A ring that has turned still answers; one that has dropped the key does not.
        assert_eq!(ring(&[1, 2]).verify(&text), Some(link));
        assert_eq!(ring(&[2]).verify(&text), None);
    }
}

#[test]
fn nothing_else_is() {
    let ring = ring(&[1, 2]);
    for purpose in all() {
        let text = ring.sign(2, &link(purpose));
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
        for nth in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[nth / 8] ^= 1 << (nth % 8);
            assert_eq!(ring.verify(&BASE64URL_NOPAD.encode(&other)), None, "bit {nth}");
        }
        for cut in 0..bytes.len() {
            assert_eq!(ring.verify(&BASE64URL_NOPAD.encode(&bytes[..cut])), None, "cut at {cut}");
        }
    }
    for text in ["", "x", "https://evil.example", &"A".repeat(100_000), "ä"] {
        assert_eq!(ring.verify(text), None);
    }
}

#[test]
fn return_addresses_fit_a_mailbox_and_survive_its_case() {
    let ring = ring(&[1]);
    let Link { message, person, .. } = link(Purpose::Open);
    let left = ring.return_address(1, message, person);
    assert!(left.len() <= 64, "{left}");
    for address in [left.clone(), format!("{left}@bounce.shop.example"), left.to_ascii_uppercase()] {
        assert_eq!(ring.returned(&address), Some((message, person)), "{address}");
    }
    let mut forged = left.clone().into_bytes();
    forged[10] = if forged[10] == b'a' { b'b' } else { b'a' };
    assert_eq!(ring.returned(std::str::from_utf8(&forged).unwrap()), None);
    for other in ["", "b-", "hello@shop.example", "b-aaaa@x"] {
        assert_eq!(ring.returned(other), None);
    }
    // A link is no return address, and the other way about.
    assert_eq!(ring.returned(&format!("b-{}", ring.sign(1, &link(Purpose::Open)))), None);
}

#[test]
fn rings() {
    assert_eq!(KeyRing::new([]).err(), Some(Error::NoKey));
    assert_eq!(KeyRing::new([(1, vec![0; 15])]).err(), Some(Error::Short(1)));
    assert_eq!(ring(&[3, 7, 5]).current(), 7);
    // Signing with a key that is gone signs with the current one.
    let text = ring(&[3]).sign(9, &link(Purpose::Open));
    assert!(ring(&[3]).verify(&text).is_some());
}
