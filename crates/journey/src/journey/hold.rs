//! `hold`: while what a run does not walk on. `hold_marketing` of journeyman.yaml is the same of everybody.

use journeyman_domain::plan::Hold;

use crate::block::{self, Block};
use crate::diagnostic::{DURATION, Report};
use crate::expr::{self, Scope};
use crate::literal;
use crate::tree::Entry;
use crate::words;

/// Reads a hold; `None` where anything in it is wrong.
pub(crate) fn read(entry: &Entry, scope: &Scope<'_>, report: &mut Report<'_>) -> Option<Hold> {
    let mut block = Block::of(&entry.value, &format!("`{}`", entry.key), report)?;
    let help = "say while what a run waits where it is: `while: profile.open_tickets > 0`";
    let condition = block.require("while", &words::HOLD, help, report);
    let condition = condition.and_then(|entry| expr::condition(&entry.value, block.braces(), scope, report));
    let help = "a hold has an end: `within: 14d`, and `else: exit` where the run ends then";
    let within = block.require("within", &words::HOLD, help, report);
    let within = within.and_then(|entry| block::parsed(entry, DURATION, literal::duration, report));
    let ends = [("continue", false), ("exit", true)];
    let exit = block.take("else").and_then(|entry| block::choice(entry, &ends, report));
    block.finish(&words::HOLD, &[], report);
    Some(Hold { condition: condition?, within: within?, exit: exit.unwrap_or(false) })
}
