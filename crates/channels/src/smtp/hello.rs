//! What a server says it can do (RFC 5321 4.1.1.1), and how we say who we are (RFC 4954).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Reply;

/// A server's answer to EHLO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// Its extensions as it writes them, in upper case: `SIZE 10240000`.
    pub extensions: Vec<String>,
}

/// How to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// Name and password at once.
    Plain,
    /// One after the other, asked for by the server.
    Login,
}

impl Hello {
    /// Of a reply to EHLO.
    pub fn of(reply: &Reply) -> Self {
        let lines = reply.lines.iter().skip(1);
        Self { extensions: lines.map(|line| line.trim().to_ascii_uppercase()).collect() }
    }

    /// Whether it offers an extension: `PIPELINING`.
    pub fn offers(&self, extension: &str) -> bool {
        self.words(extension).is_some()
    }

    /// The largest mail it takes, bytes, where it says so (RFC 1870).
    pub fn size(&self) -> Option<u64> {
        self.words("SIZE")?.next()?.parse().ok().filter(|size| *size > 0)
    }

    /// The better of the mechanisms that it offers and we know.
    pub fn mechanism(&self) -> Option<Mechanism> {
        // Old servers write `AUTH=LOGIN PLAIN`.
        let offered = |name: &str| {
            let lines = self.extensions.iter().filter(|line| line.starts_with("AUTH"));
            lines.into_iter().any(|line| line.split([' ', '=']).skip(1).any(|word| word == name))
        };
        match (offered("PLAIN"), offered("LOGIN")) {
            (true, _) => Some(Mechanism::Plain),
            (false, true) => Some(Mechanism::Login),
            (false, false) => None,
        }
    }

    fn words(&self, extension: &str) -> Option<impl Iterator<Item = &str>> {
        self.extensions.iter().find_map(|line| {
            let mut words = line.split(' ');
            (words.next()? == extension).then_some(words)
        })
    }
}

impl Mechanism {
    /// What is written to log in, line by line, each with its end; all but the last are answered with 334.
    pub fn lines(self, user: &str, password: &str) -> Vec<String> {
        match self {
            Self::Plain => {
                vec![format!("AUTH PLAIN {}\r\n", STANDARD.encode(format!("\0{user}\0{password}")))]
            }
            Self::Login => vec![
                "AUTH LOGIN\r\n".to_owned(),
                format!("{}\r\n", STANDARD.encode(user)),
                format!("{}\r\n", STANDARD.encode(password)),
            ],
        }
    }
}
