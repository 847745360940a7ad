//! What becomes of a mail's HTML when it is compiled: its links are found, so that rendering needs one pass; the preheader,
//! the language and the mail's end are put in; comments for authors are left out.

use journeyman_domain::template::Place;

use crate::markup::{Attribute, Bit, attributes, bits, decoded};
use crate::piece::{Edits, Piece, TagKind, Tokens, Woven};
use crate::report::Report;

/// What the preheader is followed by, so that a mail's first words do not show behind it in a list of mails.
const PAD: &str = "&#847;&zwnj;&nbsp;";
/// How often.
const PADS: usize = 60;

/// What is wrong with the HTML of a template, as it was written.
pub(crate) fn check(woven: &Woven, report: &mut Report) {
    for bit in bits(&woven.text, true) {
        if let Bit::Start { name, start, end, .. } = bit {
            let place = woven.place(start, end);
            check_tag(woven, &name, &attributes(&woven.text, start, end), &place, report);
        }
    }
}

/// What is wrong with one tag, of HTML or of MJML.
pub(crate) fn check_tag(woven: &Woven, name: &str, found: &[Attribute], place: &Place, report: &mut Report) {
    if name == "script" {
        report.error(place, "mail runs no scripts", "take it out");
    }
    let value = |attribute: &Attribute| attribute.value.and_then(|(start, end)| woven.text.get(start..end));
    for attribute in found {
        let loose = woven.tokens.find(&attribute.name).next().map(|(_, _, tag)| tag);
        if let Some(tag) = loose.filter(|tag| matches!(tag.kind, TagKind::Show { .. })) {
            let help = "put it in the quotes of an attribute";
            let message = "this stands between attributes, where its value could be one";
            report.error(&tag.place, message, help);
        }
        let Some(said) = value(attribute) else { continue };
        if let Some((_, _, tag)) = woven.tokens.find(said).next().filter(|_| !attribute.quoted) {
            let help = format!("write `{}=\"…\"`", attribute.name);
            report.error(&tag.place, "this stands in an attribute without quotes", help);
        }
        if attribute.name == "href" && !woven.tokens.any(said) && relative(said) {
            let (start, end) = attribute.value.unwrap_or_default();
            let help = "write the whole address: `https://…`";
            report.error(&woven.place(start, end), "a mail knows no address of its own", help);
        }
    }
    let has = |name: &str| found.iter().any(|attribute| attribute.name == name);
    if (name == "img" || name == "mj-image") && !has("alt") {
        let help = "say what it shows: `alt=\"…\"`, or `alt=\"\"` where it shows nothing of its own";
        report.warn(place, "this picture has no words for people who do not see it", help);
    }
}

/// Whether an address leads nowhere from a mail.
fn relative(target: &str) -> bool {
    let target = target.trim();
    let scheme = target.split_once(':').map(|(scheme, _)| scheme);
    let named = scheme.is_some_and(|scheme| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    !(target.starts_with('#') || named)
}

/// Everything that is put into the HTML of a mail.
pub(crate) struct Finish<'a> {
    pub(crate) lang: &'a str,
    pub(crate) dir: &'a str,
    /// Escaped.
    pub(crate) preheader: &'a [Piece],
}

/// The HTML with its links marked.
pub(crate) fn finish(html: &str, tokens: &mut Tokens, finish: &Finish<'_>) -> String {
    let mut edits = Edits::default();
    let mut body = None;
    let mut closing = html.len();
    for bit in bits(html, true) {
        match bit {
            Bit::Start { name, start, end, .. } if name == "html" => {
                let found = attributes(html, start, end);
                for (attribute, value) in [("lang", finish.lang), ("dir", finish.dir)] {
                    if !found.iter().any(|known| known.name == attribute) {
                        edits.insert(start + "<html".len(), format!(" {attribute}=\"{value}\""));
                    }
                }
            }
            Bit::Start { name, end, .. } if name == "body" => body = body.or(Some(end)),
            Bit::Start { name, start, end, .. } if name == "a" || name == "area" => {
                anchor(html, start, end, tokens, &mut edits);
            }
            Bit::End { name, start, .. } if name == "body" => closing = start,
            Bit::Comment { start, end } => {
                let comment = html.get(start..end).unwrap_or("");
                if comment.starts_with("<!--") && !comment.contains("[if") && !comment.contains("[endif]") {
                    edits.replace(start, end, "");
                }
            }
            _ => {}
        }
    }
    if !finish.preheader.is_empty() {
        let mut hidden = String::from(
            "<div style=\"display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;\
             overflow:hidden;mso-hide:all\">",
        );
        for piece in finish.preheader {
            match piece {
                Piece::Text(written) => hidden.push_str(&written.text),
                Piece::Tag(tag) => hidden.push_str(&tokens.add(tag.clone())),
            }
        }
        hidden.push_str(&PAD.repeat(PADS));
        hidden.push_str("</div>");
        edits.insert(body.unwrap_or(0), hidden);
    }
    edits.insert(closing, tokens.own(TagKind::Closing, Place::default()));
    edits.apply(html)
}

/// Marks where a link's address begins and ends.
fn anchor(html: &str, start: usize, end: usize, tokens: &mut Tokens, edits: &mut Edits) {
    let found = attributes(html, start, end);
    let Some(href) = found.iter().find(|found| found.name == "href") else { return };
    let Some(address) = href.value.and_then(|(start, end)| html.get(start..end)) else { return };
    let kept = found.iter().any(|found| {
        let no = found.value.and_then(|(start, end)| html.get(start..end)) == Some("no");
        found.name == "data-track" && no
    });
    if let Some(marked) = mark(address, kept, tokens) {
        edits.replace(href.start, href.end, format!("href=\"{marked}\""));
    }
}

/// The address as it is meant, marked as a link's; `None` where it stays as it is written.
pub(crate) fn mark(address: &str, kept: bool, tokens: &mut Tokens) -> Option<String> {
    let address = address.trim();
    let untracked = tokens.find(address).next().filter(|(_, _, tag)| matches!(tag.kind, TagKind::Untracked));
    let tracked = untracked.is_none() && !kept;
    let address = untracked.map_or(address, |(_, end, _)| address.get(end..).unwrap_or(""));
    if !(tokens.any(address) || (tracked && leads_out(address))) {
        return None;
    }
    let start = tokens.own(TagKind::LinkStart { tracked }, Place::default());
    let end = tokens.own(TagKind::LinkEnd, Place::default());
    Some(format!("{start}{}{end}", decoded(address)))
}

/// Whether an address is one of the web.
pub(crate) fn leads_out(address: &str) -> bool {
    let address = address.trim_start();
    let starts = |scheme: &str| address.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme));
    starts("http://") || starts("https://")
}
