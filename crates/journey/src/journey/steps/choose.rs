//! `choose by: fixed`: a share of people takes each option, always the same one.

use journeyman_domain::plan::{Share, Step};

use super::{Reader, Reading};
use crate::block::{self, Block};
use crate::diagnostic::{NAME, PERCENT, SHAPE, SHARES};
use crate::literal;
use crate::tree::Entry;
use crate::words;

/// The most options of one decision.
pub const OPTIONS: usize = 50;

impl<'t> Reader<'_, '_, '_> {
    /// The step, and whether anybody comes out of it.
    pub(super) fn choose(&mut self, reading: &mut Reading<'_, 't>) -> (Option<Step>, bool) {
        if let Some(entry) = reading.block.take("choose") {
            self.parsed(entry, NAME, literal::name);
        }
        let help = "write `by: fixed`, and a `share:` for each option";
        let by = reading.block.require("by", &words::CHOOSE, help, self.report);
        let fixed = by.is_none_or(|entry| self.by(entry));
        let mut open = false;
        let else_first = reading.else_before("options");
        if else_first {
            open |= self.guarded_else(reading) && reading.guarded;
        }
        let (step, out) = self.options(reading, fixed);
        open |= out;
        if !else_first {
            open |= self.guarded_else(reading) && reading.guarded;
        }
        (step, open)
    }

    fn options(&mut self, reading: &mut Reading<'_, 't>, fixed: bool) -> (Option<Step>, bool) {
        let help = "write the options below `options:`, each with a `share:` and a `then:`";
        let Some(entry) = reading.block.require("options", &words::CHOOSE, help, self.report) else {
            return (None, true);
        };
        let Some(options) = Block::of(&entry.value, "`options`", self.report) else { return (None, true) };
        if options.entries().len() < 2 || options.entries().len() > OPTIONS {
            let message =
                format!("a choice has 2 to {OPTIONS} options, and this one has {}", options.entries().len());
            self.report.say(SHAPE, entry.place, message, "write each below `options:`");
        }
        let (mut shares, mut open, mut complete) = (Vec::new(), false, fixed);
        for option in options.entries() {
            let (share, out) = self.option(reading, option, fixed);
            open |= out;
            complete &= share.is_some();
            shares.extend(share);
        }
        let sum: f64 = shares.iter().map(|share| share.share).sum();
        // 1e-9 is a ten-millionth of a percent: rounding, never somebody's share.
        if complete && !shares.is_empty() && (sum - 1.0).abs() > 1e-9 {
            let percent = (sum * 1e6).round() / 1e4;
            let message = format!("the shares add up to {percent}%");
            self.report.say(SHARES, entry.place, message, "let them add up to 100%");
        }
        (Some(Step::Choose(shares)), open)
    }

    /// Whether it is `fixed`; who learns is not there yet.
    fn by(&mut self, entry: &Entry) -> bool {
        let kinds = [("fixed", "fixed"), ("bandit", "bandit"), ("contextual", "contextual")];
        match block::choice(entry, &kinds, self.report) {
            Some(learned @ ("bandit" | "contextual")) => {
                self.report.not_yet(entry.value.place, &format!("by: {learned}"));
                false
            }
            by => by.is_some(),
        }
    }

    fn option(
        &mut self,
        reading: &mut Reading<'_, 't>,
        option: &'t Entry,
        fixed: bool,
    ) -> (Option<Share>, bool) {
        let name = block::said(literal::name(&option.key), NAME, option.place, self.report);
        let Some(mut block) = Block::of(&option.value, "an option", self.report) else { return (None, true) };
        let share = if fixed {
            block.require("share", &words::OPTION, "write its share of the people: `share: 50%`", self.report)
        } else {
            block.take("share")
        };
        let share = share.and_then(|entry| self.parsed(entry, PERCENT, literal::percent));
        let then = block.take("then");
        let (then, open) = self.then(reading, then);
        block.finish(&words::OPTION, &[], self.report);
        let share = name.zip(share).map(|(name, share)| Share { name, share, then });
        (share, open)
    }
}
