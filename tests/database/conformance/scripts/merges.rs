//! Scripts of two people who turn out to be one: what closes one and hands the state over, what takes it, what goes astray.

use journeyman_domain::merge;
use journeyman_domain::row::{ForwardedRow, HandedRow, KIND_CLOSE};

use super::*;

const ANNA_INTO_BEN: merge::Merge = merge::Merge { loser: ANNA, winner: BEN };

/// The first batch: Anna has a run and a counter.
fn anna_is_there(write: &mut Write) {
    write.people.push(person(ANNA, 0, Some(10)));
    write.begun.push(run(ANNA, "nudge"));
    write.features.push((ANNA, feature(1)));
    write.armed.push(wake(ANNA, 10));
}

/// Anna is closed: the row at that place of her queue.
fn anna_is_closed(write: &mut Write) {
    write.people.push(PersonRow { merged_into: Some(BEN), ..person(ANNA, 1, None) });
    write.moved_out.push((ANNA, 1));
    write.disarmed.push(wake(ANNA, 10));
    let (merge, at) = (ANNA_INTO_BEN, minute(1));
    write.journal.push(JournalRow { what: Applied::Closed { merge, at }, ..applied(ANNA, 2, 1) });
    let (plans, state) = (vec![PlanHash(7)], Some(vec![7, 8, 9]));
    write.handed.push(HandedRow { merge, at: minute(2), plans, state });
    write.done.push(place(ANNA, 1));
}

fn ben_takes(write: &mut Write) {
    write.people.push(person(BEN, 0, None));
    let (merge, at) = (ANNA_INTO_BEN, minute(1));
    write.journal.push(JournalRow { what: Applied::Taken { merge, at }, ..applied(BEN, 1, 1) });
    write.taken.push(ANNA);
    write.mixed.extend([(BEN, "cart".into()), (BEN, "welcome".into())]);
    write.done.push(place(BEN, 2));
}

pub fn scripts() -> Vec<Script> {
    let of = |name, steps, answers| Script { name, steps, answers };
    let read = || Read(1, Lane::Live, 0, 9, 9);
    vec![
        of(
            "a state goes from one to the other, and its counters are read where they are",
            vec![
                Lease(1),
                Begin(1),
                Commit(1, anna_is_there),
                Merge(ANNA, BEN),
                Begin(1),
                read(),
                Commit(1, anna_is_closed),
                Begin(1),
                Load(1, true),
                read(),
                Commit(1, ben_takes),
                Begin(1),
                read(),
                Rollback(1),
            ],
            "{held}1: holds all
             1: [1 of person_1: close, person_1 into person_2 +1m, 2 of person_2: take, person_1 into person_2 +1m: awaited]
             1: Committed
             1: holds all
             1: 1 key 7 v2 n2 armed never traits false runs [] counters 1 merged into person_2; 2 key 14 v0 n0 armed never traits false runs [] counters 0
             1: [2 of person_2: take, person_1 into person_2 +1m: [7, 8, 9] and 1 counters]
             1: Committed
             1: holds all
             1: []
             1: RolledBack",
        ),
        of(
            "strays go on into the same lane of the other's queue",
            vec![
                Lease(1),
                Begin(1),
                Commit(1, |write| {
                    write.people.push(PersonRow { merged_into: Some(BEN), ..person(ANNA, 0, None) });
                }),
                Receive(ANNA, 1),
                Receive(ANNA, 100),
                Begin(1),
                Commit(1, |write| {
                    for (seq, lane, nth) in [(1, Lane::Live, 1), (2, Lane::Bulk, 100)] {
                        write.done.push(Place { lane, ..place(ANNA, seq) });
                        let (kind, reference) = (1, event_id(nth).0);
                        let received_at = minute(1);
                        write.forwarded.push(ForwardedRow { person: BEN, lane, kind, reference, received_at });
                    }
                }),
                Begin(1),
                read(),
                Read(1, Lane::Bulk, 0, 9, 9),
                Rollback(1),
            ],
            "{held}1: holds all
             1: Committed
             1: holds all
             1: [3 of person_2: Seen +1m]
             1: [4 of person_2: Seen +1m]
             1: RolledBack",
        ),
        of(
            "who can't be closed hands nothing over, and the other hears of it",
            vec![
                Lease(1),
                Merge(ANNA, BEN),
                Begin(1),
                Commit(1, |write| {
                    let (merge, at) = (ANNA_INTO_BEN, minute(2));
                    write.handed.push(HandedRow { merge, at, plans: Vec::new(), state: None });
                    let (kind, reference) = (KIND_CLOSE, merge.reference());
                    let (reason, detail) = ("refused", String::new());
                    let place = Some(place(ANNA, 1));
                    write.parked.push(ParkedRow { place, person: ANNA, kind, reference, at, reason, detail });
                }),
                Begin(1),
                read(),
                Rollback(1),
            ],
            "{held}1: holds all
             1: [2 of person_2: take, person_1 into person_2 +1m: lost]
             1: RolledBack",
        ),
        of(
            "a state is handed over once, and a run that has gone does not move",
            vec![
                Lease(1),
                Begin(1),
                Commit(1, anna_is_there),
                Merge(ANNA, BEN),
                Begin(1),
                Commit(1, anna_is_closed),
                Begin(1),
                Commit(1, |write| {
                    let (merge, at) = (ANNA_INTO_BEN, minute(2));
                    write.handed.push(HandedRow { merge, at, plans: Vec::new(), state: None });
                }),
                Begin(1),
                Commit(1, |write| write.moved_out.push((ANNA, 1))),
                Begin(1),
                read(),
                Rollback(1),
            ],
            "{held}1: holds all
             1: Committed
             1: holds all
             1: Failed(Refused)
             1: holds all
             1: Failed(Busy)
             1: holds all
             1: [2 of person_2: take, person_1 into person_2 +1m: [7, 8, 9] and 1 counters]
             1: RolledBack",
        ),
    ]
}
