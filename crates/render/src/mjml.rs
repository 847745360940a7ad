//! MJML into HTML, once, when a template is compiled. No network, no includes, no fonts from elsewhere.

mod outline;

use mrml::prelude::parser::{Error, ParserOptions, Span};
use mrml::prelude::render::RenderOptions;

use crate::piece::{Edits, Woven};
use crate::report::Report;

/// Makes HTML of MJML, its tags as words; `None` where something is wrong, which has been said.
pub(crate) fn compile(woven: &mut Woven, lang: &str, dir: &str, report: &mut Report) -> Option<String> {
    let before = report.errors();
    let mut edits = outline::edits(woven, report);
    if report.errors() > before {
        return None;
    }
    let text = edits.apply(&woven.text);
    let mut parsed = match mrml::parse_with_options(&text, &ParserOptions::default()) {
        Ok(parsed) => parsed,
        Err(error) => {
            explain(woven, &edits, &text, &error, report);
            return None;
        }
    };
    for warning in &parsed.warnings {
        let place = at(woven, &edits, warning.span);
        report.warn(&place, "MJML does not know this attribute here, and leaves it out", "take it out");
    }
    let attributes = &mut parsed.element.attributes;
    attributes.lang.get_or_insert_with(|| lang.to_owned());
    attributes.dir.get_or_insert_with(|| dir.to_owned());
    let options = RenderOptions { fonts: std::collections::HashMap::default(), ..RenderOptions::default() };
    let html = match parsed.element.render(&options) {
        Ok(html) => html,
        Err(error) => {
            let place = woven.place(0, 0);
            report.error(&place, format!("MJML can't lay this out: {error}"), "look at its sizes");
            return None;
        }
    };
    dropped(woven, &text, &html, report);
    (report.errors() == before).then_some(html)
}

/// An expression in an attribute that MJML does not know would vanish without a word.
fn dropped(woven: &Woven, text: &str, html: &str, report: &mut Report) {
    let kept: std::collections::BTreeSet<&str> =
        woven.tokens.find(html).filter_map(|(start, end, _)| html.get(start..end)).collect();
    for (start, end, tag) in woven.tokens.find(text) {
        if text.get(start..end).is_some_and(|token| !kept.contains(token)) {
            let help = "MJML does not know that attribute, or nothing is shown there: see its documentation";
            report.error(&tag.place, "MJML leaves this out", help);
        }
    }
}

fn at(woven: &Woven, edits: &Edits, span: Span) -> journeyman_domain::template::Place {
    let start = edits.before(span.start);
    woven.place(start, edits.before(span.end).max(start))
}

fn explain(woven: &Woven, edits: &Edits, text: &str, error: &Error, report: &mut Report) {
    let end = woven.text.trim_end().len();
    let (place, message, help) = match error {
        Error::UnexpectedElement { position, .. } => (
            at(woven, edits, *position),
            "this element can't stand here".to_owned(),
            "see MJML's documentation",
        ),
        Error::UnexpectedToken { position, .. } => (
            at(woven, edits, *position),
            "this can't stand here in MJML".to_owned(),
            "put it in an `<mj-text>`",
        ),
        Error::MissingAttribute { name, position, .. } => {
            (at(woven, edits, *position), format!("the attribute `{name}` is missing here"), "add it")
        }
        Error::InvalidAttribute { position, .. } => (
            at(woven, edits, *position),
            "this attribute is not right".to_owned(),
            "see MJML's documentation",
        ),
        Error::InvalidFormat { position, .. } => {
            (at(woven, edits, *position), "this is not MJML".to_owned(), "look at the tags around it")
        }
        Error::IncludeLoaderError { position, .. } => (
            at(woven, edits, *position),
            "`<mj-include>` is not read".to_owned(),
            "make it a partial: templates/partials/NAME.mjml, and `{{> NAME}}`",
        ),
        Error::ParserError { source, .. } => {
            let pos = source.pos();
            let line_start: usize =
                text.split_inclusive('\n').take(pos.row.saturating_sub(1) as usize).map(str::len).sum();
            let line = text.get(line_start..).unwrap_or("");
            let column = line.char_indices().nth(pos.col.saturating_sub(1) as usize).map_or(0, |(at, _)| at);
            let start = edits.before(line_start + column);
            let message = "this is not well-formed: a `<` that begins no tag, or a quote that is not closed";
            (woven.place(start, start + 1), message.to_owned(), "write `&lt;` for `<`")
        }
        Error::EndOfStream { .. } | Error::NoRootNode | Error::SizeLimit { .. } => (
            woven.place(end.saturating_sub(1), end),
            "the file ends before its elements do".to_owned(),
            "an MJML file is `<mjml>`, with `<mj-body>` in it",
        ),
    };
    report.error(&place, message, help);
}
