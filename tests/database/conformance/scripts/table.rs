//! The scripts.

use super::*;

/// All of them.
pub fn scripts() -> Vec<Script> {
    let mut scripts = leases();
    scripts.extend(batches());
    scripts.extend(conflicts());
    scripts.extend(messages());
    scripts.extend(mail::scripts());
    scripts.extend(merges::scripts());
    scripts
}

fn leases() -> Vec<Script> {
    let of = |name, steps, answers| Script { name, steps, answers };
    vec![
        of(
            "slices are shared out, and move to who comes",
            vec![Lease(1), Lease(2), Lease(1), Lease(2), Lease(1), Release(1), Lease(2), Lease(2)],
            "1: 32 slices, 0 to 31, epochs together 32
             2: 0 slices, epochs together 0
             1: 16 slices, 0 to 15, epochs together 16
             2: 16 slices, 16 to 31, epochs together 32
             1: 16 slices, 0 to 15, epochs together 16
             1: Released
             2: 32 slices, 0 to 31, epochs together 64
             2: 32 slices, 0 to 31, epochs together 64",
        ),
        of(
            "who comes after the lease has run out takes all, and who is late is fenced off",
            vec![
                Lease(1),
                Expire,
                Lease(2),
                Begin(1),
                Rollback(1),
                Begin(2),
                Rollback(2),
                Lease(1),
                Lease(2),
                Lease(1),
            ],
            "1: 32 slices, 0 to 31, epochs together 32
             2: 32 slices, 0 to 31, epochs together 64
             1: is fenced off
             1: RolledBack
             2: holds all
             2: RolledBack
             1: 0 slices, epochs together 0
             2: 16 slices, 0 to 15, epochs together 32
             1: 16 slices, 16 to 31, epochs together 48",
        ),
        of(
            "nothing is taken from under a batch",
            vec![Lease(1), Begin(1), Expire, Lease(2), Rollback(1), Lease(2), Begin(1), Rollback(1)],
            "1: 32 slices, 0 to 31, epochs together 32
             1: holds all
             2: 0 slices, epochs together 0
             1: RolledBack
             2: 32 slices, 0 to 31, epochs together 64
             1: is fenced off
             1: RolledBack",
        ),
        of(
            "who has lost nothing goes on after its lease has run out",
            vec![Lease(1), Expire, Begin(1), Commit(1, |write| write.people.push(person(ANNA, 0, None)))],
            "{held}",
        ),
        of(
            "queues are shared out as slices are",
            vec![
                Queues(1),
                Queues(2),
                Queues(1),
                Queues(2),
                Expire,
                Queues(3),
                Recover(1, Whose::All, false, false),
                GiveUp(3),
                Queues(1),
            ],
            "1: email@1 sms@1 push@1 whatsapp@1 in_app@1 webhook@1 inbox@1 call@1
             2: 
             1: email@1 sms@1 push@1 whatsapp@1
             2: in_app@2 webhook@2 inbox@2 call@2
             3: email@2 sms@2 push@2 whatsapp@2 in_app@3 webhook@3 inbox@3 call@3
             1: lost
             3: Released
             1: email@3 sms@3 push@3 whatsapp@3 in_app@4 webhook@4 inbox@4 call@4",
        ),
    ]
}

fn batches() -> Vec<Script> {
    let of = |name, steps, answers| Script { name, steps, answers };
    vec![
        of(
            "inputs are read shard by shard, in their order, from the mark",
            vec![
                Receive(BEN, 1),
                Receive(ANNA, 2),
                Receive(ANNA, 3),
                Receive(ANNA, 104),
                Receive(BEN, 5),
                Lease(1),
                Begin(1),
                Read(1, Lane::Live, 0, 9, 9),
                Read(1, Lane::Live, 3, 9, 9),
                Read(1, Lane::Live, 0, 1, 9),
                Read(1, Lane::Live, 0, 9, 3),
                Read(1, Lane::Live, 0, 9, 0),
                Read(1, Lane::Bulk, 0, 9, 9),
                Rollback(1),
                Read(1, Lane::Live, 0, 9, 9),
            ],
            "1: 32 slices, 0 to 31, epochs together 32
             1: holds all
             1: [2 of person_1: Seen +1m, 3 of person_1: Seen +1m, 1 of person_2: Seen +1m, 5 of person_2: Seen +1m]
             1: [3 of person_1: Seen +1m, 5 of person_2: Seen +1m]
             1: [2 of person_1: Seen +1m, 1 of person_2: Seen +1m]
             1: [2 of person_1: Seen +1m, 3 of person_1: Seen +1m, 1 of person_2: Seen +1m]
             1: []
             1: [4 of person_1: Seen +1m]
             1: RolledBack
             1: Failed(Busy)",
        ),
        of(
            "a batch stands whole",
            vec![
                Receive(ANNA, 1),
                Lease(1),
                Begin(1),
                Load(1, true),
                Commit(1, anna_begins),
                Begin(1),
                Load(1, true),
                Load(1, false),
                Read(1, Lane::Live, 0, 9, 9),
                ReadDue(1, 0, 9, 9),
                ReadDue(1, 0, 10, 9),
                ReadDue(1, 10, 10, 9),
                ReadDue(1, 11, 20, 9),
                Rollback(1),
            ],
            "1: 32 slices, 0 to 31, epochs together 32
             1: holds all
             1: 1 key 7 v0 n0 armed never traits false runs [] counters 0; 2 key 14 v0 n0 armed never traits false runs [] counters 0
             1: Committed
             1: holds all
             1: 1 key 7 v1 n1 armed +10m traits true runs [(1, [1, 2, 3])] counters 1; 2 key 14 v0 n0 armed never traits false runs [] counters 0
             1: 1 key 7 v1 n1 armed +10m traits true runs [(1, [1, 2, 3])] counters 0; 2 key 14 v0 n0 armed never traits false runs [] counters 0
             1: []
             1: []
             1: [person_1 +10m]
             1: [person_1 +10m]
             1: []
             1: RolledBack",
        ),
        of(
            "a run moves and ends, a wake-up moves",
            vec![
                Receive(ANNA, 1),
                Lease(1),
                Begin(1),
                Commit(1, anna_begins),
                Begin(1),
                Commit(1, |write| {
                    write.people.push(person(ANNA, 1, Some(5)));
                    write.moved.push(run(ANNA, "wait_1"));
                    write.features.push((ANNA, feature(2)));
                    write.disarmed.push(wake(ANNA, 10));
                    write.armed.push(wake(ANNA, 5));
                }),
                Begin(1),
                Load(1, true),
                ReadDue(1, 0, 20, 9),
                Commit(1, |write| {
                    write.people.push(person(ANNA, 2, None));
                    write.ended.push(ended(ANNA, true));
                    write.disarmed.push(wake(ANNA, 5));
                    write.cancelled.push(message(ANNA));
                }),
                Begin(1),
                Load(1, true),
                ReadDue(1, 0, 20, 9),
                Rollback(1),
            ],
            "{held}
             1: holds all
             1: Committed
             1: holds all
             1: 1 key 7 v2 n2 armed +5m traits true runs [(1, [1, 2, 3])] counters 1; 2 key 14 v0 n0 armed never traits false runs [] counters 0
             1: [person_1 +5m]
             1: Committed
             1: holds all
             1: 1 key 7 v3 n3 armed never traits true runs [] counters 1; 2 key 14 v0 n0 armed never traits false runs [] counters 0
             1: []
             1: RolledBack",
        ),
        of(
            "a run that ends where it began leaves no live row; who is held out gets nothing",
            vec![
                Lease(1),
                Begin(1),
                Commit(1, |write| {
                    write.people.push(person(ANNA, 0, None));
                    write.ended.push(ended(ANNA, false));
                    write.withheld.push(queued(ANNA));
                }),
                Begin(1),
                Load(1, false),
                Rollback(1),
            ],
            "{held}
             1: holds all
             1: 1 key 7 v1 n1 armed never traits false runs [] counters 0; 2 key 14 v0 n0 armed never traits false runs [] counters 0
             1: RolledBack",
        ),
        of(
            "what can't be applied is moved aside",
            vec![
                Receive(ANNA, 1),
                Lease(1),
                Begin(1),
                Commit(1, |write| {
                    let detail = "so it is".to_owned();
                    let row = |place, kind| ParkedRow {
                        place,
                        person: ANNA,
                        kind,
                        reference: event_id(1).0,
                        at: minute(2),
                        reason: "refused",
                        detail: detail.clone(),
                    };
                    write.parked.extend([row(Some(place(ANNA, 1)), 1), row(None, 0)]);
                }),
                Begin(1),
                Read(1, Lane::Live, 0, 9, 9),
                Rollback(1),
            ],
            "{held}
             1: holds all
             1: []
             1: RolledBack",
        ),
    ]
}

fn conflicts() -> Vec<Script> {
    let of = |name, steps, answers| Script { name, steps, answers };
    let after_anna = |fill: fn(&mut Write)| {
        vec![
            Receive(ANNA, 1),
            Lease(1),
            Begin(1),
            Commit(1, anna_begins),
            Begin(1),
            Commit(1, fill),
            Commit(1, fill),
        ]
    };
    vec![
        of(
            "somebody who is there can't be made",
            after_anna(|write| write.people.push(person(ANNA, 0, None))),
            "{held}
             1: holds all
             1: Failed(Busy)
             1: Failed(Busy)",
        ),
        of("another version than was read", after_anna(|write| write.people.push(person(ANNA, 2, None))), "{held}
             1: holds all
             1: Failed(Busy)
             1: Failed(Busy)"),
        of("an input that is gone", after_anna(|write| write.done.push(place(ANNA, 1))), "{held}
             1: holds all
             1: Failed(Busy)
             1: Failed(Busy)"),
        of("a run that is not there can't move", after_anna(|write| write.moved.push(run(BEN, "x"))), "{held}
             1: holds all
             1: Failed(Busy)
             1: Failed(Busy)"),
        of("a run that is not there can't end", after_anna(|write| write.ended.push(ended(BEN, true))), "{held}
             1: holds all
             1: Failed(Busy)
             1: Failed(Busy)"),
        of("a run can't begin twice", after_anna(|write| write.begun.push(run(ANNA, "x"))), "{held}
             1: holds all
             1: Failed(Refused)
             1: Failed(Busy)"),
        of("a message can't be queued twice", after_anna(|write| write.queued.push(queued(ANNA))), "{held}
             1: holds all
             1: Failed(Refused)
             1: Failed(Busy)"),
        of(
            "a state that is too large",
            after_anna(|write| {
                write.people.push(PersonRow { hot: vec![0; 65_537], ..person(ANNA, 1, None) })
            }),
            "{held}
             1: holds all
             1: Failed(Refused)
             1: Failed(Busy)",
        ),
        of(
            "a run that is too large",
            after_anna(|write| write.moved.push(RunRow { state: vec![0; 65_537], ..run(ANNA, "x") })),
            "{held}
             1: holds all
             1: Failed(Refused)
             1: Failed(Busy)",
        ),
        of(
            "a state as large as may be; wake-ups that are not there, or are already, are no matter",
            after_anna(|write| {
                write.people.push(PersonRow { hot: vec![0; 65_536], ..person(ANNA, 1, None) });
                write.disarmed.push(wake(BEN, 3));
                write.armed.push(wake(ANNA, 10));
            }),
            "{held}
             1: holds all
             1: Committed
             1: Failed(Busy)",
        ),
        of(
            "nothing of a batch stands where a part does not",
            vec![
                Receive(ANNA, 1),
                Lease(1),
                Begin(1),
                Commit(1, |write| {
                    anna_begins(write);
                    write.done.push(place(ANNA, 77));
                }),
                Begin(1),
                Load(1, true),
                Read(1, Lane::Live, 0, 9, 9),
                ReadDue(1, 0, 20, 9),
                Rollback(1),
            ],
            "1: 32 slices, 0 to 31, epochs together 32
             1: holds all
             1: Failed(Busy)
             1: holds all
             1: 1 key 7 v0 n0 armed never traits false runs [] counters 0; 2 key 14 v0 n0 armed never traits false runs [] counters 0
             1: [1 of person_1: Seen +1m]
             1: []
             1: RolledBack",
        ),
    ]
}

fn messages() -> Vec<Script> {
    let of = |name, steps, answers| {
        let steps = both_have_messages().into_iter().chain(steps).collect();
        Script { name, steps, answers }
    };
    let accepted = || Outcome::Accepted { provider_id: None, inbox: true };
    let refused = || Outcome::Rejected { reason: "no such address".to_owned() };
    let later = || Outcome::Retry { at: minute(9), reason: "busy".to_owned() };
    vec![
        of(
            "a message is claimed, started, delivered and reported, each once",
            vec![
                Queues(1),
                Recover(1, Whose::All, false, false),
                Claim(1, 0, 1, 3),
                Claim(1, 0, 9, 3),
                Start(1, &[ANNA, BEN]),
                Claim(1, 0, 9, 3),
                Start(1, &[ANNA]),
                Finish(1, ANNA, accepted()),
                Finish(1, ANNA, accepted()),
                Finish(1, BEN, refused()),
                Begin(1),
                Read(1, Lane::Live, 0, 9, 9),
                Rollback(1),
            ],
            "{held}
             1: email@1 sms@1 push@1 whatsapp@1 in_app@1 webhook@1 inbox@1 call@1
             1: 0 again, 0 unknown
             1: claimed [anna's attempt 0 of line 6 under 1]
             1: claimed [anna's attempt 0 of line 6 under 1, ben's attempt 0 of line 6 under 1]
             1: started [ben's, anna's]
             1: claimed []
             1: started []
             1: finished
             1: finished
             1: finished
             1: holds all
             1: [1 of person_1: anna's taken +4m, 2 of person_2: ben's refused +4m]
             1: RolledBack",
        ),
        of(
            "what was only claimed can't be finished",
            vec![Queues(1), Claim(1, 0, 1, 3), Finish(1, ANNA, accepted()), Start(1, &[ANNA, BEN])],
            "{held}
             1: email@1 sms@1 push@1 whatsapp@1 in_app@1 webhook@1 inbox@1 call@1
             1: claimed [anna's attempt 0 of line 6 under 1]
             1: finished
             1: started [ben's, anna's]",
        ),
        of(
            "one to be tried again waits for its moment; one that is unknown for ever",
            vec![
                Queues(1),
                Claim(1, 0, 9, 3),
                Start(1, &[ANNA, BEN]),
                Finish(1, ANNA, later()),
                Finish(1, BEN, Outcome::Unknown { hold: true }),
                Claim(1, 0, 9, 8),
                Claim(1, 0, 9, 9),
                Recover(1, Whose::All, false, false),
                Claim(1, 2, 9, 9),
                Claim(1, 0, 9, 9),
            ],
            "{held}
             1: email@1 sms@1 push@1 whatsapp@1 in_app@1 webhook@1 inbox@1 call@1
             1: claimed [anna's attempt 0 of line 6 under 1, ben's attempt 0 of line 6 under 1]
             1: started [ben's, anna's]
             1: finished
             1: finished
             1: claimed []
             1: claimed [anna's attempt 1 of line 6 under 1 with c1]
             1: 0 again, 0 unknown
             1: claimed []
             1: claimed [anna's attempt 1 of line 6 under 1 with c1]",
        ),
        of(
            "whoever takes over sends what was left; whoever is late changes nothing",
            vec![
                Queues(1),
                Claim(1, 0, 9, 3),
                Start(1, &[ANNA]),
                Expire,
                Queues(2),
                Finish(1, ANNA, accepted()),
                Start(1, &[BEN]),
                Claim(1, 0, 9, 3),
                Recover(1, Whose::All, false, false),
                Recover(2, Whose::All, false, false),
                Claim(2, 0, 9, 3),
                Start(2, &[ANNA, BEN]),
                Finish(2, ANNA, accepted()),
            ],
            "{held}
             1: email@1 sms@1 push@1 whatsapp@1 in_app@1 webhook@1 inbox@1 call@1
             1: claimed [anna's attempt 0 of line 6 under 1, ben's attempt 0 of line 6 under 1]
             1: started [anna's]
             2: email@2 sms@2 push@2 whatsapp@2 in_app@2 webhook@2 inbox@2 call@2
             1: lost
             1: lost
             1: claimed [ben's attempt 0 of line 6 under 1]
             1: lost
             2: 1 again, 0 unknown
             2: claimed [anna's attempt 1 of line 6 under 1 with c1, ben's attempt 0 of line 6 under 1]
             2: started [ben's, anna's]
             2: finished",
        ),
        of(
            "what is called off before it is started does not leave; what is started does",
            vec![
                Queues(1),
                Claim(1, 0, 9, 3),
                Start(1, &[ANNA]),
                Begin(1),
                Commit(1, |write| write.cancelled.extend([message(ANNA), message(BEN)])),
                Start(1, &[BEN]),
                Finish(1, ANNA, accepted()),
                Recover(1, Whose::All, false, false),
                Claim(1, 0, 9, 3),
                Begin(1),
                Commit(1, |write| write.cancelled.extend([message(ANNA), message(BEN)])),
            ],
            "{held}
             1: email@1 sms@1 push@1 whatsapp@1 in_app@1 webhook@1 inbox@1 call@1
             1: claimed [anna's attempt 0 of line 6 under 1, ben's attempt 0 of line 6 under 1]
             1: started [anna's]
             1: holds all
             1: Committed
             1: started []
             1: finished
             1: 0 again, 0 unknown
             1: claimed []
             1: holds all
             1: Committed",
        ),
    ]
}
