//! In which order one person's inputs are applied, and which of them wait.

use super::{moment, order};
use crate::ShopTime;
use crate::row::{Arrival, Arrived, Arriving};

/// What is to be done with what has arrived.
pub(super) struct Agenda {
    /// What is applied now, in this order.
    pub(super) inputs: Vec<Arrived>,
    /// What waits for a state that is on its way.
    pub(super) held: Vec<Arrived>,
    /// From which input on timers fire; beyond the last, they do after all. `None`: they wait too.
    pub(super) timers_from: Option<usize>,
}

/// Puts inputs in order: by time, but nothing passes a merge. What came before somebody was closed is applied to them, what
/// came after goes on to the other; what came after a state was announced waits for it, as do timers: a message may be
/// called off by what is on its way.
pub(super) fn agenda(mut inputs: Vec<Arrived>) -> Agenda {
    let awaited = |input: &&Arrived| matches!(input.what, Arrival::Take { state: Arriving::Awaited, .. });
    let blocked = inputs.iter().filter(awaited).map(|input| input.place.seq).min();
    let waits = |input: &mut Arrived| {
        let absent = matches!(input.what, Arrival::Take { state: Arriving::Awaited | Arriving::Overdue, .. });
        absent || blocked.is_some_and(|blocked| input.place.seq > blocked)
    };
    let held = inputs.extract_if(.., waits).collect();
    let is_merge = |input: &&Arrived| matches!(input.what, Arrival::Close { .. } | Arrival::Take { .. });
    let mut merges: Vec<i64> = inputs.iter().filter(is_merge).map(|input| input.place.seq).collect();
    if merges.is_empty() {
        inputs.sort_by_key(order);
        return Agenda { inputs, held, timers_from: blocked.is_none().then_some(0) };
    }
    merges.sort_unstable();
    let key = |input: &Arrived| -> (usize, Option<ShopTime>, i64) {
        let seq = input.place.seq;
        let before = merges.partition_point(|merge| *merge < seq);
        let itself = usize::from(merges.get(before) == Some(&seq));
        (before * 2 + itself, moment(&input.what), seq)
    };
    inputs.sort_by_key(key);
    let closes = inputs.iter().any(|input| matches!(input.what, Arrival::Close { .. }));
    let last = inputs.iter().rposition(|input| is_merge(&input)).map_or(0, |nth| nth + 1);
    Agenda { inputs, held, timers_from: (blocked.is_none() && !closes).then_some(last) }
}
