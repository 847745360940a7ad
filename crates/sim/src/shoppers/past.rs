//! What customers bought before the shop's first day: their rhythm, backwards.

use super::{DAY, Line, Shoppers};

/// Who has lapsed bought for the last time so many days ago at least.
const LAPSED_DAYS: f64 = 30.0;

/// An order of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bought {
    /// Who, from 0.
    pub who: usize,
    /// How many steps before the shop's first.
    pub steps_ago: u32,
    /// The order's number, from 1 for each shopper; what follows counts on.
    pub order: u32,
    /// What.
    pub lines: Vec<Line>,
}

impl Shoppers {
    /// Orders of a customer until `past_days` ago, of whom the latest lies `age_days` back, one rhythm after the other.
    pub(super) fn bought_before(&mut self, who: usize, age_days: f64) {
        let mut dice = self.dice(who, "past", 0);
        let past_days = self.figures.people.past_days;
        let lapsed = self.people.get(who).is_some_and(|person| person.lapsed);
        let mut age =
            if lapsed { LAPSED_DAYS + (past_days - LAPSED_DAYS).max(0.0) * dice.number() } else { age_days };
        let mut ages = Vec::new();
        while age + 1.0 < past_days {
            ages.push(age);
            age += dice.of(&self.figures.orders.gap_days).max(1.0);
        }
        for (nth, age) in ages.iter().rev().enumerate() {
            let things = dice.count(self.figures.funnel.things);
            let mut lines: Vec<Line> = Vec::new();
            for _ in 0..things {
                let product = self.product_of(who, &mut dice);
                if !lines.iter().any(|line| line.product == product) {
                    lines.push(Line { product, pieces: 1, cents: self.shelf.of(product, 0).cents });
                }
            }
            // On that day, at an hour of theirs.
            let steps_ago = (*age as u32 + 1) * DAY - self.time_of_day(who, &mut dice);
            self.past.push(Bought { who, steps_ago, order: nth as u32 + 1, lines });
        }
        if let Some(person) = self.people.get_mut(who) {
            let count = ages.len() as u32;
            (person.orders, person.carts) = (count, count);
        }
    }
}
