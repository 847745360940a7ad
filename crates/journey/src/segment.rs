//! `journeys/segments/NAME.yaml`: an expression about a person.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::expr::Expr;
use journeyman_domain::plan::Segment;

use crate::block::{self, Block};
use crate::diagnostic::{FILE_KIND, NAME, Report, SEGMENT_CYCLE, SEGMENT_DEPTH};
use crate::expr::{self, Names, Scope};
use crate::literal::{self, short};
use crate::source::Place;
use crate::tree::Node;
use crate::words;

/// How long a row of segments that ask each other may be: what the engine follows.
pub const SEGMENT_ROW: usize = 16;

/// A segment with the place of its condition.
pub(crate) struct Read {
    pub(crate) segment: Segment,
    pub(crate) place: Place,
}

/// Reads a segment; `None` where anything in its file is wrong.
pub(crate) fn read(root: &Node, stem: &str, names: &Names, report: &mut Report<'_>) -> Option<Read> {
    let mut block = Block::of(root, "a segment", report)?;
    let help = format!("begin the file with `segment: {}`", short(stem));
    if let Some(entry) = block.require("segment", &words::SEGMENT, &help, report)
        && let Some(name) = block::parsed(entry, NAME, literal::name, report)
        && name.as_ref() != stem
    {
        let message = format!("the segment is called `{name}`, and its file {}.yaml", short(stem));
        let help =
            format!("call both the same: name the file {name}.yaml, or write `segment: {}`", short(stem));
        report.say(FILE_KIND, entry.value.place, message, help);
    }
    let list = block.has("list");
    let condition = if list {
        block.take("if")
    } else {
        block.require(
            "if",
            &words::SEGMENT,
            "say who is in it: `if: count('Order Completed', 90d) >= 2`",
            report,
        )
    };
    let place = condition.map_or(root.place, |entry| entry.value.place);
    let condition = condition
        .and_then(|entry| expr::condition(&entry.value, block.braces(), &Scope::of_person(names), report));
    block.finish(&words::SEGMENT, &[], report);
    if report.failed() {
        return None;
    }
    Some(Read { segment: Segment { name: stem.into(), condition: condition? }, place })
}

/// Which segments a segment asks for.
fn asks(segment: &Segment) -> Vec<Arc<str>> {
    let mut asked = Vec::new();
    segment.condition.expr.walk(&mut |expr| {
        if let Expr::InSegment(name) = expr {
            asked.push(name.clone());
        }
    });
    asked
}

/// What is wrong with how segments ask each other: for each that is concerned, what to say.
pub(crate) fn rows(
    segments: &BTreeMap<Arc<str>, &Segment>,
) -> Vec<(Arc<str>, crate::diagnostic::Code, String)> {
    let asks: BTreeMap<&str, Vec<Arc<str>>> =
        segments.iter().map(|(name, segment)| (name.as_ref(), asks(segment))).collect();
    // How long the row is that begins at each; `None` while it is being walked.
    let mut rows: BTreeMap<&str, Option<usize>> = BTreeMap::new();
    let mut found = Vec::new();
    for start in asks.keys() {
        // An explicit stack: of each on the way, which of its segments is next.
        let mut way: Vec<(&str, usize)> = Vec::new();
        if !rows.contains_key(start) {
            rows.insert(start, None);
            way.push((start, 0));
        }
        while let Some((name, next)) = way.last_mut() {
            let (here, asked) = (*name, asks.get(name).map_or(&[][..], Vec::as_slice));
            let Some(asked) = asked.get(*next) else {
                let longest =
                    asks.get(here).into_iter().flatten().filter_map(|asked| *rows.get(asked.as_ref())?).max();
                let row = longest.unwrap_or(0) + 1;
                rows.insert(here, Some(row));
                if row == SEGMENT_ROW + 1 {
                    let message = format!(
                        "`{here}` begins a row of more than {SEGMENT_ROW} segments that ask each other"
                    );
                    found.push((Arc::from(here), SEGMENT_DEPTH, message));
                }
                way.pop();
                continue;
            };
            *next += 1;
            match (asks.get_key_value(asked.as_ref()), rows.get(asked.as_ref())) {
                (Some((asked, _)), None) => {
                    rows.insert(asked, None);
                    way.push((asked, 0));
                }
                (Some((asked, _)), Some(None)) => {
                    let from = way.iter().position(|(name, _)| name == asked).unwrap_or(0);
                    let circle = way.iter().skip(from).map(|(name, _)| *name).chain([*asked]);
                    let message = format!(
                        "segments ask each other in a circle: {}",
                        circle.collect::<Vec<_>>().join(" → ")
                    );
                    found.push((Arc::from(*asked), SEGMENT_CYCLE, message));
                }
                _ => {}
            }
        }
    }
    found
}
