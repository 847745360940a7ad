//! What a message says, as somebody reads it.

use clap::ValueEnum;
use journeyman_api::console::Words;
use journeyman_channels::sms::{Segments, segments};
use journeyman_domain::plan::Channel;
use journeyman_render::Plain;
use serde_json::{Value, json};

use crate::shop::Said;

/// What of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::commands) enum Part {
    /// The HTML
    Html,
    /// The text
    Text,
    /// From, subject and the others
    Headers,
    /// Headers and text
    Seen,
    /// Headers, text, HTML
    All,
}

/// A message, taken apart.
pub(in crate::commands) struct Page {
    headers: Vec<(&'static str, String)>,
    text: String,
    html: Option<String>,
    look: &'static str,
    buttons: Vec<String>,
}

impl Page {
    pub(in crate::commands) fn of(said: &Said) -> Self {
        match said {
            Said::Mail(email) => {
                let from = match email.from_name.as_str() {
                    "" => email.from.to_string(),
                    name => format!("{name} <{}>", email.from),
                };
                let mut headers = vec![("From", from)];
                headers.extend(email.reply_to.iter().map(|to| ("Reply-To", to.to_string())));
                headers.extend([("To", email.to.clone()), ("Subject", email.subject.clone())]);
                headers.push(("Content-Language", email.locale.to_string()));
                let (text, html) = (email.text.clone(), Some(email.html.clone()));
                Self { headers, text, html, look: "", buttons: Vec::new() }
            }
            Said::Plain(plain) => {
                let title = plain.title.iter().map(|title| ("Title", title.clone()));
                let url = plain.url.iter().map(|url| ("Leads-To", url.clone()));
                let language = [("Content-Language", plain.locale.to_string())];
                let mut headers: Vec<(&str, String)> = title.chain(url).chain(language).collect();
                headers.extend(plain.buttons.iter().map(|button| ("Button", button.clone())));
                if plain.channel == Channel::Sms {
                    headers.push(("Parts", parts(&plain.text)));
                }
                let look = if plain.channel == Channel::Email { "" } else { plain.channel.name() };
                let (text, buttons) = (laid_out(plain), plain.buttons.clone());
                Self { headers, text, html: None, look, buttons }
            }
        }
    }

    /// What is asked for of it; what has no HTML has its text instead.
    pub(in crate::commands) fn part(&self, part: Part) -> String {
        let headers: String =
            self.headers.iter().map(|(name, value)| format!("{name}: {}\n", plain(value, &[]))).collect();
        let text = format!("{}\n", plain(self.text.trim_end(), &['\n', '\t']));
        match (part, &self.html) {
            (Part::Headers, _) => headers,
            (Part::Html, Some(html)) => html.clone(),
            (Part::Text | Part::Html, _) => text,
            (Part::All, Some(html)) => format!("{headers}\n{text}\n{html}\n"),
            (Part::Seen | Part::All, _) => format!("{headers}\n{text}"),
        }
    }

    /// As the console shows it.
    pub(in crate::commands) fn words(self) -> Words {
        let subject = self.headers.iter().find(|(name, _)| matches!(*name, "Subject" | "Title"));
        let subject = subject.map(|(_, subject)| subject.clone()).unwrap_or_default();
        let Self { headers, text, html, look, buttons } = self;
        Words { headers, subject, text, html, look, buttons }
    }

    /// The ending of its file.
    pub(super) fn ending(&self) -> &'static str {
        if self.html.is_some() { "html" } else { "txt" }
    }

    /// What stands in a list of messages.
    pub(super) fn title(&self) -> &str {
        let title = self.headers.iter().find(|(name, _)| matches!(*name, "Subject" | "Title"));
        title.map_or(self.text.lines().next().unwrap_or_default(), |(_, title)| title)
    }
}

/// What networks make of a text message.
fn parts(text: &str) -> String {
    let Segments { gsm7, units, count } = segments(text);
    let alphabet = if gsm7 { "GSM-7" } else { "UCS-2" };
    format!("{count} ({alphabet}, {units} units)")
}

/// The body of a call on lines that can be read; of others their words.
fn laid_out(plain: &Plain) -> String {
    let json = || serde_json::from_str::<Value>(&plain.text).ok();
    let json = if plain.channel == Channel::Webhook { json() } else { None };
    json.and_then(|json| serde_json::to_string_pretty(&json).ok()).unwrap_or_else(|| plain.text.clone())
}

/// A terminal is not to be told where to put its cursor.
fn plain(text: &str, but: &[char]) -> String {
    let letter = |letter: char| if letter.is_control() && !but.contains(&letter) { ' ' } else { letter };
    text.chars().map(letter).collect()
}

/// For programs.
pub(in crate::commands) fn json(said: &Said) -> Value {
    match said {
        Said::Mail(email) => json!({
            "locale": email.locale,
            "from": email.from,
            "from_name": email.from_name,
            "reply_to": email.reply_to,
            "to": email.to,
            "subject": email.subject,
            "text": email.text,
            "html": email.html,
        }),
        Said::Plain(plain) => json!({
            "locale": plain.locale,
            "title": plain.title,
            "text": plain.text,
            "url": plain.url,
            "buttons": plain.buttons,
        }),
    }
}

#[cfg(test)]
mod tests {
    use journeyman_domain::content::Email;

    use super::*;

    #[test]
    fn each_part_shows_what_it_says() {
        let email = Email {
            message: super::super::message_of(journeyman_domain::ShopTime::from_millisecond(0).unwrap()),
            from: "hello@shop.example".into(),
            from_name: "The Shop".to_owned(),
            reply_to: None,
            to: "ada@shop.example".to_owned(),
            subject: "Left behind\u{1b}[2J".to_owned(),
            html: "<p>Lamp</p>".to_owned(),
            text: "Lamp\n\u{7}12.90\n\n".to_owned(),
            unsubscribe: None,
            locale: "en".into(),
        };
        let headers = "From: The Shop <hello@shop.example>\nTo: ada@shop.example\nSubject: Left behind [2J\n\
                       Content-Language: en\n";
        let page = Page::of(&Said::Mail(Box::new(email)));
        for (part, said) in [
            (Part::Headers, headers.to_owned()),
            (Part::Text, "Lamp\n 12.90\n".to_owned()),
            (Part::Html, "<p>Lamp</p>".to_owned()),
            (Part::Seen, format!("{headers}\nLamp\n 12.90\n")),
            (Part::All, format!("{headers}\nLamp\n 12.90\n\n<p>Lamp</p>\n")),
        ] {
            assert_eq!(page.part(part), said, "{part:?}");
        }
        assert_eq!(page.ending(), "html");
    }
}
