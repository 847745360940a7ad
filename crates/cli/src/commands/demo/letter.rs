//! A message as somebody who got it sees it: what it says of itself, and where its links lead.

use anyhow::Context as _;
use journeyman_domain::MessageId;
use journeyman_domain::plan::Channel;
use mail_parser::MessageParser;

use super::sink::Arrived;

/// A message that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    /// By what.
    pub(super) channel: Channel,
    /// Which message it is: of a mail by its Message-ID.
    pub(super) message: MessageId,
    /// What its provider calls it.
    pub(super) id: String,
    /// To whom, by the envelope: address, number or token.
    pub(super) to: String,
    /// What is seen of it at once: a mail's subject, a phone's words.
    pub(super) words: String,
    /// The pixel that tells that it was looked at: its path.
    pub(super) pixel: Option<String>,
    /// The links that somebody sees who reads it: their paths.
    pub(super) links: Vec<String>,
    /// Where its List-Unsubscribe leads: the path.
    pub(super) unsubscribe: Option<String>,
}

impl Letter {
    /// Reads a mail.
    ///
    /// # Errors
    /// Where it is none, or does not say which message it is.
    pub(super) fn read(arrived: &Arrived) -> anyhow::Result<Self> {
        let mail = MessageParser::default().parse(&arrived.mail).context("a mail that can't be read")?;
        let id = mail.message_id().context("a mail without Message-ID")?;
        let message = id.split('@').next().unwrap_or_default().parse();
        let html = mail.body_html(0).unwrap_or_default();
        let text = mail.body_text(0).unwrap_or_default();
        let unsubscribe = mail.header_raw("List-Unsubscribe").unwrap_or_default();
        Ok(Self {
            channel: Channel::Email,
            message: message.with_context(|| format!("a Message-ID that is not ours: {id}"))?,
            id: id.to_owned(),
            to: arrived.to.clone(),
            words: mail.subject().unwrap_or_default().to_owned(),
            pixel: paths(&html, "/o/").next(),
            // The text has the links that are meant for people; the HTML also one that is there for machines alone.
            links: paths(&text, "/c/").collect(),
            unsubscribe: paths(unsubscribe, "/u/").next(),
        })
    }
}

/// The paths that begin so, of the addresses in a text.
pub(super) fn paths<'a>(text: &'a str, start: &'a str) -> impl Iterator<Item = String> + 'a {
    let ends =
        |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '<' | '>' | ')' | ']' | '&');
    text.match_indices("http").filter_map(move |(at, _)| {
        let address = text.get(at..)?.split(ends).next()?;
        let (_, rest) = address.split_once("://")?;
        let path = rest.get(rest.find('/')?..)?;
        path.starts_with(start).then(|| path.trim_end_matches(['.', ',']).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "Message-ID: <msg_0190a5a0000070008000000000000001@mail.shop.example>\r\n\
        Subject: Two things\r\nList-Unsubscribe: <http://127.0.0.1:8080/u/abc>\r\n\
        Content-Type: multipart/alternative; boundary=\"x\"\r\n\r\n\
        --x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSee http://127.0.0.1:8080/c/one-_.\r\n\
        Or (http://go.shop.example/c/two) https://shop.example/c\r\n\
        --x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<a href=\"http://h/c/trap\"></a><img src=\"http://h/o/pix.gif\">\r\n\
        --x--\r\n";

    #[test]
    fn a_mail_is_read_as_its_reader_does() {
        let arrived = Arrived { to: "ada@shoppers.example".to_owned(), mail: MAIL.as_bytes().to_vec() };
        let letter = Letter::read(&arrived).unwrap();
        assert_eq!(letter.message.to_string(), "msg_0190a5a0000070008000000000000001");
        assert_eq!(letter.links, ["/c/one-_", "/c/two"]);
        assert_eq!(letter.pixel.as_deref(), Some("/o/pix.gif"));
        assert_eq!(letter.unsubscribe.as_deref(), Some("/u/abc"));
        assert_eq!((letter.words.as_str(), letter.to.as_str()), ("Two things", "ada@shoppers.example"));
        let nothing = Arrived { to: String::new(), mail: b"Subject: x\r\n\r\nhello\r\n".to_vec() };
        assert!(Letter::read(&nothing).is_err());
    }
}
