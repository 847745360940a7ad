//! Sharing out slices and queues among those who live: the same for both, as the real store does it.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::LEASE;

/// One thing that is leased.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) worker: Option<Uuid>,
    /// Grows whenever it is taken.
    pub(super) epoch: i64,
    until: Duration,
    /// Transactions that hold it: nobody takes it from under them.
    pub(super) locks: u32,
}

/// What is shared out, and who takes part.
#[derive(Clone, Debug, Default)]
pub(super) struct Lot {
    pub(super) rows: Vec<Row>,
    members: BTreeMap<Uuid, Duration>,
}

impl Lot {
    pub(super) fn new(rows: usize) -> Self {
        Self { rows: vec![Row::default(); rows], members: BTreeMap::new() }
    }

    /// One round: what the member has is renewed, what is beyond its share given up, the highest first, and what is free
    /// or expired taken up to it, the lowest first. Answers with number and epoch of what it has.
    pub(super) fn lease(&mut self, member: Uuid, now: Duration) -> Vec<(usize, i64)> {
        self.members.insert(member, now + LEASE);
        let live = self.members.values().filter(|until| **until > now).count();
        let fair = self.rows.len().div_ceil(live.max(1));
        let mut held = 0;
        for row in self.rows.iter_mut().filter(|row| row.worker == Some(member)) {
            held += 1;
            if held <= fair {
                row.until = now + LEASE;
            } else {
                row.worker = None;
            }
        }
        for row in &mut self.rows {
            let free = row.worker.is_none() || row.until < now;
            if held < fair && free && row.worker != Some(member) && row.locks == 0 {
                *row = Row { worker: Some(member), epoch: row.epoch + 1, until: now + LEASE, locks: 0 };
                held += 1;
            }
        }
        let rows = self.rows.iter().enumerate().filter(|(_, row)| row.worker == Some(member));
        rows.map(|(nth, row)| (nth, row.epoch)).collect()
    }

    /// Gives up everything: the member leaves.
    pub(super) fn release(&mut self, member: Uuid) {
        self.members.remove(&member);
        self.rows.iter_mut().filter(|row| row.worker == Some(member)).for_each(|row| row.worker = None);
    }

    /// Whether that row is still the member's, as it was taken.
    pub(super) fn is_held(&self, nth: usize, member: Uuid, epoch: i64) -> bool {
        self.rows.get(nth).is_some_and(|row| row.worker == Some(member) && row.epoch == epoch)
    }
}
