//! HTML and MJML as a row of tags, texts and comments, each with its bytes. No tree: `{{#each}}` in a table is text that a
//! tree builder would move out of it.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Span, Token, Tokenizer};

/// One thing in a row.
#[derive(Debug)]
pub(crate) enum Bit {
    /// `<a href="x">`
    Start { name: String, start: usize, end: usize, closed: bool },
    /// `</a>`
    End { name: String, start: usize, end: usize },
    /// What stands between; as it is read, entities undone.
    Text { start: usize, end: usize, text: String },
    /// `<!-- … -->`, and what begins with `<!`.
    Comment { start: usize, end: usize },
}

/// An attribute of a tag.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    /// In small letters.
    pub(crate) name: String,
    /// Where the name begins.
    pub(crate) start: usize,
    /// Where all of it ends.
    pub(crate) end: usize,
    /// From where to where its value goes, quotes left out.
    pub(crate) value: Option<(usize, usize)>,
    /// Whether the value stands in quotes.
    pub(crate) quoted: bool,
}

/// Reads `text`; with `html`, what stands in `<style>`, `<title>` and the like is text.
pub(crate) fn bits(text: &str, html: bool) -> Vec<Bit> {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    emitter.naively_switch_states(html);
    let mut bits = Vec::new();
    let mut decoded = String::new();
    let mut done = 0;
    let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for token in Tokenizer::new_with_emitter(text, emitter).flatten() {
        let (bit, Span { start, end }) = match token {
            Token::String(said) => {
                decoded.push_str(&string(&said.value));
                continue;
            }
            Token::Error(_) => continue,
            Token::StartTag(tag) => {
                let Span { start, end } = tag.span;
                let name = string(&tag.name);
                (Bit::Start { name, start, end, closed: tag.self_closing }, tag.span)
            }
            Token::EndTag(tag) => {
                let Span { start, end } = tag.span;
                (Bit::End { name: string(&tag.name), start, end }, tag.span)
            }
            Token::Comment(comment) => {
                let Span { start, end } = comment.span;
                (Bit::Comment { start, end }, comment.span)
            }
            Token::Doctype(doctype) => {
                let Span { start, end } = doctype.span;
                (Bit::Comment { start, end }, doctype.span)
            }
        };
        if start > done {
            bits.push(Bit::Text { start: done, end: start, text: std::mem::take(&mut decoded) });
        }
        decoded.clear();
        bits.push(bit);
        done = end;
    }
    if text.len() > done {
        bits.push(Bit::Text { start: done, end: text.len(), text: decoded });
    }
    bits
}

/// The attributes of the tag that goes from `start` to `end`.
pub(crate) fn attributes(text: &str, start: usize, end: usize) -> Vec<Attribute> {
    let tag = text.get(start..end).unwrap_or("").trim_end_matches('>').trim_end_matches('/').as_bytes();
    let space = |byte: u8| byte.is_ascii_whitespace() || byte == b'/';
    let mut at = tag.iter().position(|byte| space(*byte)).unwrap_or(tag.len());
    let mut found = Vec::new();
    let byte = |at: usize| tag.get(at).copied();
    loop {
        while byte(at).is_some_and(space) {
            at += 1;
        }
        let name_at = at;
        while byte(at).is_some_and(|byte| !space(byte) && byte != b'=') {
            at += 1;
        }
        if at == name_at {
            if byte(at).is_none() {
                return found;
            }
            at += 1;
            continue;
        }
        let name = String::from_utf8_lossy(&tag[name_at..at]).to_ascii_lowercase();
        let mut equals = at;
        while byte(equals).is_some_and(|byte| byte.is_ascii_whitespace()) {
            equals += 1;
        }
        let mut attribute =
            Attribute { name, start: start + name_at, end: start + at, value: None, quoted: false };
        if byte(equals) == Some(b'=') {
            at = equals + 1;
            while byte(at).is_some_and(|byte| byte.is_ascii_whitespace()) {
                at += 1;
            }
            let quote = byte(at).filter(|byte| matches!(byte, b'"' | b'\''));
            at += usize::from(quote.is_some());
            let value_at = at;
            while byte(at).is_some_and(|byte| quote.map_or(!space(byte), |quote| byte != quote)) {
                at += 1;
            }
            attribute.value = Some((start + value_at, start + at));
            attribute.quoted = quote.is_some();
            at += usize::from(quote.is_some());
            attribute.end = start + at.min(tag.len());
        }
        found.push(attribute);
    }
}

/// The value of an attribute as it is meant, entities undone.
pub(crate) fn decoded(value: &str) -> String {
    let quote = if value.contains('"') { '\'' } else { '"' };
    let tag = format!("<a b={quote}{value}{quote}>");
    let token = Tokenizer::new(tag.as_str()).flatten().find_map(|token| match token {
        Token::StartTag(tag) => tag.attributes.values().next().map(|value| value.value.to_vec()),
        _ => None,
    });
    token.map_or_else(|| value.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_texts_and_comments_have_their_bytes() {
        let text = "<!doctype html>ä &amp; b<p class=\"x\">c</p><!-- d --><!--[if mso]><td><![endif]--><br/>e<style>a > b</style>";
        let shown: Vec<String> = bits(text, true)
            .iter()
            .map(|bit| match bit {
                Bit::Start { name, start, end, closed } => format!("+{name}{closed} {}", &text[*start..*end]),
                Bit::End { name, start, end } => format!("-{name} {}", &text[*start..*end]),
                Bit::Text { start, end, text: said } => format!("'{said}' {}", &text[*start..*end]),
                Bit::Comment { start, end } => format!("! {}", &text[*start..*end]),
            })
            .collect();
        let expected = [
            "! <!doctype html>",
            "'ä & b' ä &amp; b",
            "+pfalse <p class=\"x\">",
            "'c' c",
            "-p </p>",
            "! <!-- d -->",
            "! <!--[if mso]><td><![endif]-->",
            "+brtrue <br/>",
            "'e' e",
            "+stylefalse <style>",
            "'a > b' a > b",
            "-style </style>",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn attributes_have_theirs() {
        let text = "x<a HREF = \"a b\" c='d\"' e=f/ g hbs0x1z>";
        let shown: Vec<String> = attributes(text, 1, text.len())
            .iter()
            .map(|found| {
                let value = found.value.map_or("-", |(start, end)| &text[start..end]);
                format!("{}={value} {} [{}]", found.name, found.quoted, &text[found.start..found.end])
            })
            .collect();
        let expected = [
            "href=a b true [HREF = \"a b\"]",
            "c=d\" true [c='d\"']",
            "e=f false [e=f]",
            "g=- false [g]",
            "hbs0x1z=- false [hbs0x1z]",
        ];
        assert_eq!(shown, expected);
        assert_eq!(decoded("a?b=1&amp;c='2'&quot;"), "a?b=1&c='2'\"");
    }
}
