//! `calendar`: occasions, and in which of them nothing of marketing is said.

use std::sync::Arc;

use journeyman_domain::plan::{BlackoutEnd, Occasion};

use super::entries;
use crate::block::{self, Block};
use crate::diagnostic::{CALENDAR, NAME, REQUIRED, Report};
use crate::literal::{self, short};
use crate::tree::Entry;
use crate::words;

pub(super) fn read(entry: &Entry, report: &mut Report<'_>) -> Vec<Occasion> {
    let mut occasions = Vec::new();
    for entry in entries(entry, report) {
        let name = block::said(literal::name(&entry.key), NAME, entry.place, report);
        let Some(mut block) = Block::of(&entry.value, "an entry of `calendar`", report) else { continue };
        let (name, occasion) = (name, span(&mut block, entry, report));
        block.finish(&words::CALENDAR_WORDS, &[], report);
        if let (Some(name), Some(occasion)) = (name, occasion) {
            occasions.push(Occasion { name, ..occasion });
        }
    }
    occasions
}

/// An occasion; `None` of one that is wrong.
fn span(block: &mut Block<'_>, entry: &Entry, report: &mut Report<'_>) -> Option<Occasion> {
    let help = "write date and clock time: `from: 2026-11-27 00:00`";
    let mut moment = |key: &str, report: &mut Report<'_>| {
        let entry = block.require(key, &words::CALENDAR_WORDS, help, report)?;
        block::parsed(entry, CALENDAR, literal::date_time, report)
    };
    let (from, to) = (moment("from", report), moment("to", report));
    if let (Some(from), Some(to)) = (from, to)
        && to < from
    {
        report.say(CALENDAR, entry.place, "it ends before it begins", "let `to` be later than `from`");
    }
    let mut countries = Vec::new();
    if let Some(entry) = block.take("countries") {
        for (code, place) in block::texts(entry, report) {
            if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
                countries.push(Arc::from(code));
            } else {
                let message = format!("`{}` is no country", short(code));
                report.say(CALENDAR, place, message, "write its two capital letters: DE");
            }
        }
    }
    let blackout = block.take("blackout");
    let marketing = blackout.and_then(|entry| block::choice(entry, &[("marketing", ())], report));
    let then = block.take("then");
    if let (Some(then), None) = (then, blackout) {
        let help = "write `blackout: marketing` beside it";
        report.say(
            REQUIRED,
            then.place,
            "`then` says what becomes of messages in a blackout, and this is none",
            help,
        );
    }
    let ends = [("drop", BlackoutEnd::Drop), ("wait", BlackoutEnd::Wait)];
    let end = then.and_then(|entry| block::choice(entry, &ends, report)).unwrap_or(BlackoutEnd::Wait);
    Some(Occasion { name: Arc::from(""), from: from?, to: to?, countries, blackout: marketing.map(|()| end) })
}
