//! `links`: where tracked links lead through, and what is added to them. Their keys are secrets, and the daemon's.

use std::sync::Arc;

use journeyman_domain::plan::Links;

use crate::block::{self, Block};
use crate::diagnostic::{LINKS, Report, nearest};
use crate::literal::{self, Fault, TEXT_BYTES, short};
use crate::tree::Entry;
use crate::words;

/// What a pattern may speak of.
const KNOWN: [&str; 5] = ["channel", "journey", "step", "template", "variant"];

pub(super) fn read(entry: &Entry, report: &mut Report<'_>) -> Links {
    let mut links = Links::default();
    let Some(mut block) = Block::of(&entry.value, "`links`", report) else { return links };
    links.domain = block.take("domain").and_then(|entry| block::parsed(entry, LINKS, literal::base, report));
    if let Some(entry) = block.take("utm") {
        links.utm = utm(entry, report);
    }
    block.take("keys");
    block.finish(&words::LINKS_WORDS, &[], report);
    links
}

fn utm(entry: &Entry, report: &mut Report<'_>) -> Vec<(Arc<str>, Arc<str>)> {
    let Some(mut block) = Block::of(&entry.value, "`utm`", report) else { return Vec::new() };
    let mut utm = Vec::new();
    for entry in block.entries().iter().filter(|entry| words::UTM_WORDS.now.contains(&entry.key.as_str())) {
        block.take(&entry.key);
        let pattern = block::parsed(entry, LINKS, pattern, report);
        utm.extend(pattern.map(|pattern| (entry.key.as_str().into(), pattern)));
    }
    block.finish(&words::UTM_WORDS, &[], report);
    utm
}

/// `{{step}}-{{variant}}`, without the spaces that may stand inside the braces.
fn pattern(text: &str) -> Result<Arc<str>, Fault> {
    let known = KNOWN.map(|name| format!("{{{{{name}}}}}")).join(" ");
    if text.len() > TEXT_BYTES || text.chars().any(char::is_control) {
        let help = format!("write one line of at most {TEXT_BYTES} bytes");
        return Err(Fault::new("this can't be added to a link", help));
    }
    let (mut pattern, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let not_closed = || Fault::new("`{{` is never closed", format!("there are: {known}"));
        let (name, after) = after.split_once("}}").ok_or_else(not_closed)?;
        let name = name.trim();
        if !KNOWN.contains(&name) {
            let near = nearest(name, KNOWN).map(|near| format!("did you mean `{{{{{near}}}}}`?"));
            let message = format!("nothing here is called `{}`", short(name));
            return Err(Fault::new(message, near.unwrap_or_else(|| format!("there are: {known}"))));
        }
        pattern.push_str(&format!("{before}{{{{{name}}}}}"));
        rest = after;
    }
    pattern.push_str(rest);
    Ok(pattern.into())
}
