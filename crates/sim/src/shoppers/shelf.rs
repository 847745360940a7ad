//! What the shop sells at which moment: prices fall and rise again, things are sold out and come back. All of it is decided when
//! the shop opens.

use super::dice::Dice;
use super::figures::Figures;
use super::{DAY, STEP_MINUTES};

/// A product as it is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// What one piece costs, cents.
    pub cents: u32,
    /// What it costs when it costs no less, cents.
    pub regular_cents: u32,
    /// Whether there is any.
    pub in_stock: bool,
}

/// What is offered when.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// Of each product: from which step on, what.
    products: Vec<Vec<(u32, Offered)>>,
}

impl Shelf {
    /// So many days of a shop. Each product has a chance of its own on each day.
    pub(super) fn new(figures: &Figures, seed: u64, days: u32) -> Self {
        let of = |nth: usize, price: f64| {
            let regular_cents = (price * 100.0).round() as u32;
            let mut last = Offered { cents: regular_cents, regular_cents, in_stock: true };
            let mut offered = vec![(0, last)];
            let (mut sale_until, mut depth, mut out_until) = (0.0, 0.0, 0.0);
            for day in 1..days {
                let (shelf, now) = (&figures.shelf, f64::from(day));
                let mut dice = Dice::new(seed, nth, "shelf", day);
                if dice.below(shelf.sale) && sale_until <= now {
                    (depth, sale_until) =
                        (dice.of(&shelf.sale_depth), now + dice.of(&shelf.sale_days).max(1.0));
                }
                if dice.below(shelf.sold_out) && out_until <= now {
                    out_until = now + dice.of(&shelf.sold_out_days).max(1.0);
                }
                let off = if now < sale_until { depth } else { 0.0 };
                // As shops write prices: whole tens of cents.
                let cents = ((f64::from(regular_cents) * (1.0 - off) / 10.0).round() * 10.0) as u32;
                let cents = if off > 0.0 { cents.max(10) } else { regular_cents };
                let offer = Offered { cents, regular_cents, in_stock: now >= out_until };
                if offer != last {
                    let step = day * DAY + shelf.changes_at * 60 / STEP_MINUTES;
                    offered.push((step, offer));
                    last = offer;
                }
            }
            offered
        };
        let products = figures.catalogue.iter().enumerate().map(|(nth, product)| of(nth, product.price));
        Self { products: products.collect() }
    }

    /// A product at a step; of one that there is not: nothing, for nothing.
    pub fn of(&self, product: usize, step: u32) -> Offered {
        let offered = self.products.get(product).map(Vec::as_slice).unwrap_or_default();
        let known = offered.iter().rev().find(|(from, _)| *from <= step);
        known.map_or(Offered { cents: 0, regular_cents: 0, in_stock: false }, |(_, offer)| *offer)
    }

    /// What is offered otherwise from exactly this step on; at the first step everything.
    pub fn changes(&self, step: u32) -> Vec<(usize, Offered)> {
        let all = self.products.iter().enumerate();
        let changed = all.filter_map(|(nth, offered)| {
            offered.iter().find(|(from, _)| *from == step).map(|(_, offer)| (nth, *offer))
        });
        changed.collect()
    }

    /// The first step behind this one at which anything changes.
    pub fn next_change(&self, step: u32) -> Option<u32> {
        self.products.iter().flatten().map(|(from, _)| *from).filter(|from| *from > step).min()
    }
}
