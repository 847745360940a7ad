//! How much of what waits goes into one batch: all that fits, until the database refuses one; then less and less until
//! the input at fault stands alone, and more and more again.
//!
//! A smaller portion is a beginning of the larger one, since rows are read in a fixed order from where the failed batch
//! began. So each commit is progress, whatever else waits.

use std::collections::BTreeSet;

use journeyman_domain::row::{Arrival, Arrived, Due, ParkedRow, Place, Write};
use journeyman_domain::{PersonId, Shard, ShopTime};
use uuid::Uuid;

/// Of how many people in a row inputs are moved aside while nothing else can be written. Beyond that not they are at
/// fault but the schema or the server, and moving everything aside would empty the queue into `parked`.
pub const STRANGERS: usize = 10;

/// How often the same portion is tried again as it is, where it failed for no fault of an input.
const PATIENCE: u32 = 4;

/// One thing to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// An input.
    Input(Place),
    /// A wake-up.
    Wake(Due),
}

impl Item {
    pub(super) fn shard(self) -> Shard {
        match self {
            Self::Input(place) => place.shard,
            Self::Wake(wake) => wake.shard,
        }
    }
}

/// The portion of a worker.
#[derive(Debug)]
pub(super) struct Portion {
    whole: usize,
    size: usize,
    /// What was refused standing alone: when it stands alone again it is moved aside.
    condemned: Option<Item>,
    /// Whose inputs were moved aside since something was written that was not.
    strangers: BTreeSet<PersonId>,
    /// Failures of this portion that say nothing of its inputs.
    failures: u32,
}

impl Portion {
    /// At most so many inputs and wake-ups.
    pub(super) fn new(whole: usize) -> Self {
        let whole = whole.max(1);
        Self { whole, size: whole, condemned: None, strangers: BTreeSet::new(), failures: 0 }
    }

    /// How many may be read.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Whether the batch is smaller than it might be.
    pub(super) fn is_cautious(&self) -> bool {
        self.size < self.whole || self.size == 1
    }

    /// Whether this batch of one is to be moved aside.
    pub(super) fn condemns(&self, alone: Option<Item>) -> bool {
        alone.is_some() && alone == self.condemned
    }

    /// A batch was refused: of so many items of whom, the first of which is `first`. `false`: nothing can be done about
    /// it here.
    pub(super) fn refused(&mut self, items: usize, first: Item, person: PersonId) -> bool {
        self.failures = 0;
        if items > 1 {
            self.halve(items);
            return true;
        }
        if self.strangers.len() >= STRANGERS && !self.strangers.contains(&person) {
            self.condemned = None;
            return false;
        }
        self.size = 1;
        self.condemned = Some(first);
        true
    }

    /// A batch could not be written, for a reason that says nothing of its inputs. Where that goes on a smaller one is
    /// tried: it may be too large for the time there is. `true`: even one alone fails, others should have a try.
    pub(super) fn broken_off(&mut self, items: usize) -> bool {
        self.failures += 1;
        if self.failures < PATIENCE {
            return false;
        }
        self.failures = 0;
        self.halve(items);
        items <= 1
    }

    fn halve(&mut self, items: usize) {
        self.size = (items / 2).min(self.size.saturating_sub(1)).max(1);
    }

    /// A batch was written; of whom, where it moved an input aside.
    pub(super) fn written(&mut self, aside: Option<PersonId>) {
        self.failures = 0;
        self.condemned = None;
        self.size = self.size.saturating_mul(2).min(self.whole);
        match aside {
            Some(person) => {
                self.strangers.insert(person);
            }
            None => self.strangers.clear(),
        }
    }
}

/// What moves an input or a wake-up aside, with why.
pub(super) fn aside(arrived: Vec<Arrived>, due: &[Due], now: ShopTime) -> Write {
    let detail = "the database refuses a value that applying it would write".to_owned();
    let row = |place, person, kind, reference| ParkedRow {
        place,
        person,
        kind,
        reference,
        at: now,
        reason: "refused",
        detail: detail.clone(),
    };
    let handed = arrived.iter().filter_map(|input| input.what.undelivered(now)).collect();
    // News of many: nobody knows yet whose part of it is refused, so each gets a row of their own.
    let (mut retold, mut done) = (Vec::new(), Vec::new());
    let arrived = arrived.into_iter().filter(|input| match &input.what {
        Arrival::News { heard, alone: false } => {
            retold.push(heard.alone(input.person, input.person, now));
            done.push(input.place);
            false
        }
        _ => true,
    });
    let arrived: Vec<Arrived> = arrived.collect();
    let parked = arrived.into_iter().map(|input| {
        let (kind, reference) = input.what.reference();
        row(Some(input.place), input.person, kind, reference)
    });
    let timers = due.iter().map(|wake| row(None, wake.person, 0, Uuid::nil()));
    Write {
        now,
        parked: parked.chain(timers).collect(),
        disarmed: due.to_vec(),
        handed,
        retold,
        done,
        ..Write::default()
    }
}

#[cfg(test)]
mod tests {
    use journeyman_domain::Lane;

    use super::*;

    fn input(seq: i64) -> Item {
        Item::Input(Place { shard: Shard(1), lane: Lane::Live, seq })
    }

    #[test]
    fn one_at_fault_among_a_thousand_stands_alone_after_ten_refusals() {
        let mut portion = Portion::new(1_000);
        let (mut next, mut refusals, mut commits) = (0_i64, 0, 0);
        let bad = 777;
        while next < 1_000 {
            let size = portion.size().min(1_000 - next as usize) as i64;
            if (next..next + size).contains(&bad) && !portion.condemns((size == 1).then(|| input(next))) {
                assert!(portion.refused(size as usize, input(next), PersonId(1)));
                refusals += 1;
            } else {
                portion.written((next == bad).then_some(PersonId(1)));
                commits += 1;
                next += size;
            }
        }
        assert!(refusals < 60 && commits < 60, "{refusals} refusals, {commits} commits");
    }

    #[test]
    fn another_input_than_the_one_refused_is_not_moved_aside() {
        let mut portion = Portion::new(10);
        assert!(portion.refused(1, input(5), PersonId(1)));
        assert!(portion.condemns(Some(input(5))) && !portion.condemns(Some(input(4))));
        portion.written(None);
        assert!(!portion.condemns(Some(input(5))));
    }

    #[test]
    fn a_database_that_refuses_everybody_is_not_obeyed() {
        let mut portion = Portion::new(10);
        for person in 0..STRANGERS as i64 {
            assert!(portion.refused(1, input(person), PersonId(person)));
            portion.written(Some(PersonId(person)));
        }
        assert!(!portion.refused(1, input(99), PersonId(99)));
        // Of those it has refused before, anything; and others again once something was written.
        assert!(portion.refused(1, input(100), PersonId(3)));
        portion.written(None);
        assert!(portion.refused(1, input(101), PersonId(99)));
    }

    #[test]
    fn what_fails_again_and_again_is_tried_in_smaller_portions() {
        let mut portion = Portion::new(8);
        let sizes: Vec<usize> = (0..16)
            .map(|_| {
                portion.broken_off(portion.size());
                portion.size()
            })
            .collect();
        assert_eq!(sizes, [8, 8, 8, 4, 4, 4, 4, 2, 2, 2, 2, 1, 1, 1, 1, 1]);
        portion.written(None);
        assert_eq!(portion.size(), 2);
    }
}
