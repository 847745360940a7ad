//! States of people who were closed that are on their way: how long they are waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use journeyman_domain::row::{Arrival, Arrived, Arriving, Place};

/// How long what came after a merge waits for the state of the one who lost. It takes two batches when all is well; it may
/// take longer where their shard has much to do, or its worker has just died.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How many merges are watched at once; of further ones the state is not waited for.
const MERGES: usize = 100_000;

/// Since when this worker knows of each, on its own clock: whoever takes its shards over begins anew.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    since: BTreeMap<Place, (Duration, bool)>,
}

impl Awaited {
    /// Tells inputs whose state was waited for long enough.
    pub(super) fn told(&mut self, mut arrived: Vec<Arrived>, now: Duration) -> Vec<Arrived> {
        for input in &mut arrived {
            let Arrival::Take { state: state @ Arriving::Awaited, .. } = &mut input.what else { continue };
            let room = self.since.len() < MERGES;
            let known = self.since.get_mut(&input.place);
            let overdue = match known {
                Some((since, overdue)) => {
                    *overdue |= now.saturating_sub(*since) >= PATIENCE;
                    *overdue
                }
                None if room => {
                    self.since.insert(input.place, (now, false));
                    false
                }
                None => true,
            };
            if overdue {
                *state = Arriving::Overdue;
            }
        }
        arrived
    }

    /// Whether it is not waited for any more: the next reading of its queue from the beginning meets it.
    pub(super) fn is_overdue(&self, place: &Place) -> bool {
        self.since.get(place).is_some_and(|(_, overdue)| *overdue)
    }

    /// These were dealt with.
    pub(super) fn done(&mut self, places: &[Place]) {
        if !self.since.is_empty() {
            places.iter().for_each(|place| {
                self.since.remove(place);
            });
        }
    }

    /// All is forgotten: the shards have been somebody else's.
    pub(super) fn forget(&mut self) {
        self.since.clear();
    }
}

#[cfg(test)]
mod tests {
    use journeyman_domain::merge::Merge;
    use journeyman_domain::{Lane, PersonId, Shard, ShopTime};

    use super::*;

    #[test]
    fn a_state_is_waited_for_half_a_minute_and_no_longer() {
        let place = Place { shard: Shard(3), lane: Lane::Live, seq: 7 };
        let merge = Merge { loser: PersonId(1), winner: PersonId(2) };
        let take = || {
            let what = Arrival::Take { merge, at: ShopTime::EPOCH, state: Arriving::Awaited };
            vec![Arrived { place, person: merge.winner, what }]
        };
        let mut awaited = Awaited::default();
        for (second, overdue) in [(100, false), (129, false), (130, true), (131, true)] {
            let told = awaited.told(take(), Duration::from_secs(second));
            let is = matches!(told[0].what, Arrival::Take { state: Arriving::Overdue, .. });
            assert_eq!((is, awaited.is_overdue(&place)), (overdue, overdue), "after {second} s");
        }
        awaited.done(&[place]);
        assert!(!awaited.is_overdue(&place));
    }
}
