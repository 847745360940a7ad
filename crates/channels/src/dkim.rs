//! DKIM signatures: RSA-SHA256 (RFC 6376) and Ed25519-SHA256 (RFC 8463), `relaxed/relaxed`. Both algorithms
//! sign the same bytes with the same result every time, so that a retry is equal to the byte. One Ed25519
//! signature takes tens of microseconds, one of RSA 2048 about half a millisecond: off the hot path either
//! way.

mod canonical;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use journeyman_domain::ShopTime;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use crate::address;

/// What is signed, where a mail has it. Each is named once more than it stands, so that a
/// second one added on the way breaks the signature (RFC 6376 8.15).
const SIGNED: [&str; 12] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "mime-version",
    "content-type",
    "content-language",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "x-journeyman-message",
];

/// A private key and where its public half is published. Holds a secret: no `Debug`.
pub struct Key {
    domain: String,
    selector: String,
    secret: Secret,
}

enum Secret {
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

/// Why a key can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a private key in PEM.
    #[error("not a private key in PEM (BEGIN PRIVATE KEY, or BEGIN RSA PRIVATE KEY)")]
    NotAKey,
    /// A key of another kind, or too small.
    #[error("not an Ed25519 key, nor an RSA key of 2048 to 4096 bits")]
    UnfitKey,
    /// A domain or selector that can't stand in DNS.
    #[error("a domain and a selector are names of DNS, like shop.example and s1")]
    BadName,
    /// The signature failed.
    #[error("the key did not sign")]
    Unsigned,
}

impl Key {
    /// A key of `domain`, whose public half is published at `<selector>._domainkey.<domain>`.
    ///
    /// # Errors
    /// [`Error`] where `pem` is no key that can sign, or a name is none.
    pub fn from_pem(domain: &str, selector: &str, pem: &str) -> Result<Self, Error> {
        let checked =
            |name: &str| address::checked("domain", &format!("dkim@{name}")).map_err(|_| Error::BadName);
        let domain = address::domain(&checked(domain)?).to_owned();
        let selector = address::domain(&checked(selector)?).to_owned();
        let secret = match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| Error::NotAKey)? {
            PrivateKeyDer::Pkcs1(der) => Secret::rsa(RsaKeyPair::from_der(der.secret_pkcs1_der()))?,
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                match Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                    Ok(pair) => Secret::Ed25519(pair),
                    Err(_) => Secret::rsa(RsaKeyPair::from_pkcs8(der))?,
                }
            }
            _ => return Err(Error::UnfitKey),
        };
        Ok(Self { domain, selector, secret })
    }

    /// Whose signature it makes: `d=`.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Where in DNS its public half belongs.
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// What belongs there, as a TXT record.
    pub fn record(&self) -> String {
        match &self.secret {
            Secret::Ed25519(pair) => format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(pair.public_key())),
            Secret::Rsa(pair) => {
                let public = subject_public_key_info(pair.public_key().as_ref());
                format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(public))
            }
        }
    }
}

impl Secret {
    fn rsa(pair: Result<RsaKeyPair, ring::error::KeyRejected>) -> Result<Self, Error> {
        pair.map(|pair| Self::Rsa(Box::new(pair))).map_err(|_| Error::UnfitKey)
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "ed25519-sha256",
            Self::Rsa(_) => "rsa-sha256",
        }
    }

    fn sign(&self, said: &[u8]) -> Result<Vec<u8>, Error> {
        match self {
            // RFC 8463 3: Ed25519 signs the hash, not the bytes.
            Self::Ed25519(pair) => Ok(pair.sign(digest(&SHA256, said).as_ref()).as_ref().to_vec()),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                // PKCS#1 v1.5 takes no chance, though the call wants a source of it.
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), said, &mut signature)
                    .map_err(|_| Error::Unsigned)?;
                Ok(signature)
            }
        }
    }
}

/// The headers `DKIM-Signature` of a mail, one of each key, each with its line end: they go before the mail.
///
/// # Errors
/// [`Error::Unsigned`] where a key does not sign.
pub fn sign(mail: &[u8], at: ShopTime, keys: &[Key]) -> Result<Vec<u8>, Error> {
    let (headers, body) = canonical::split(mail);
    let headers: Vec<(String, &[u8])> =
        headers.into_iter().map(|header| (canonical::name(header), header)).collect();
    let body_hash = STANDARD.encode(digest(&SHA256, &canonical::body(body)));
    let mut names = Vec::with_capacity(SIGNED.len() * 2);
    let mut said = Vec::with_capacity(1024);
    for name in SIGNED {
        let before = names.len();
        for (_, header) in headers.iter().rev().filter(|(header, _)| header == name) {
            names.push(name);
            canonical::header(&mut said, header);
            said.extend_from_slice(b"\r\n");
        }
        if names.len() > before {
            names.push(name);
        }
    }
    let mut out = Vec::with_capacity(keys.len() * 800);
    for key in keys {
        let unsigned = unsigned(key, at, &names, &body_hash);
        let mut said = said.clone();
        canonical::header(&mut said, unsigned.as_bytes());
        let signature = STANDARD.encode(key.secret.sign(&said)?);
        out.extend_from_slice(unsigned.as_bytes());
        for chunk in signature.as_bytes().chunks(72) {
            out.extend_from_slice(b"\r\n\t");
            out.extend_from_slice(chunk);
        }
        out.extend_from_slice(b"\r\n");
    }
    Ok(out)
}

/// The header up to its `b=`, folded.
fn unsigned(key: &Key, at: ShopTime, names: &[&str], body_hash: &str) -> String {
    let Key { domain, selector, secret } = key;
    let mut listed = String::new();
    let mut column = 0;
    for name in names {
        if column > 60 {
            listed.push_str("\r\n\t");
            column = 0;
        }
        column += name.len() + 1;
        listed.push_str(name);
        listed.push(':');
    }
    listed.pop();
    format!(
        "DKIM-Signature: v=1; a={}; c=relaxed/relaxed;\r\n\td={domain}; s={selector}; t={};\r\n\th={listed};\r\n\t\
         bh={body_hash};\r\n\tb=",
        secret.algorithm(),
        at.timestamp().as_second(),
    )
}

/// An RSA public key as DNS wants it: SubjectPublicKeyInfo (RFC 5280 4.1) around PKCS#1.
fn subject_public_key_info(pkcs1: &[u8]) -> Vec<u8> {
    // SEQUENCE { OBJECT IDENTIFIER rsaEncryption, NULL }
    const RSA: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
    let bits = [&[0], pkcs1].concat();
    let inner = [&RSA[..], &der(0x03, &bits)].concat();
    der(0x30, &inner)
}

fn der(tag: u8, inside: &[u8]) -> Vec<u8> {
    let length = inside.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|b| *b == 0).collect();
    let mut out = vec![tag];
    match inside.len() {
        short @ 0..=127 => out.push(short as u8),
        _ => {
            out.push(0x80 | length.len() as u8);
            out.extend(length);
        }
    }
    out.extend_from_slice(inside);
    out
}

#[cfg(test)]
mod tests;
