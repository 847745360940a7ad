//! Scripts about the mail: lines, unknown messages, contexts, suppressions.

use super::*;

/// What a script begins with in which Anna's message is marketing and Ben's is not: a batch, and both are claimed.
fn begin(commit: fn(&mut Write)) -> Vec<Step> {
    vec![Lease(1), Begin(1), Commit(1, commit), Queues(1), Claim(1, 0, 9, 9)]
}

/// What is answered to that.
pub const ADDRESSED: &str = "{held}1: email@1 sms@1 push@1 whatsapp@1 in_app@1 webhook@1 inbox@1 call@1
    1: claimed [anna's attempt 0 of line 6 under 1, ben's attempt 0 of line 6 under 1]
";

fn addressed(write: &mut Write) {
    let address = |address: &str, row| QueuedRow { address: address.into(), ..row };
    write.queued.push(address(" Anna@Shop.example ", queued(ANNA)));
    write.queued.push(address("ben@shop.example", QueuedRow { marketing: false, ..queued(BEN) }));
}

/// As [`addressed`], and Anna subscribes to what both messages are about.
fn to_a_topic(write: &mut Write) {
    addressed(write);
    let (channel, topic) = (channel(INBOX), Some("news".into()));
    write.lifted.push(Lifted { channel, address: "Anna@Shop.example".into(), topic, at: minute(2) });
}

/// As [`addressed`], and Anna subscribes to everything.
fn to_everything(write: &mut Write) {
    addressed(write);
    write.lifted.push(Lifted {
        channel: channel(INBOX),
        address: " ANNA@shop.example".into(),
        topic: None,
        at: minute(2),
    });
}

pub fn scripts() -> Vec<Script> {
    let mut scripts = vec![in_lines()];
    scripts.extend(tried_again());
    scripts.extend(suppressed());
    scripts.push(too_large());
    scripts
}

fn in_lines() -> Script {
    let from = |write: &mut Write| {
        let from = |sender: &str, row| QueuedRow { sender: Some(sender.into()), ..row };
        write.queued.push(from("shop", queued(ANNA)));
        write.queued.push(from("billing", QueuedRow { marketing: false, ..queued(BEN) }));
    };
    Script {
        name: "each sender's messages wait in a line of their own; a sender without one in the channel's",
        steps: vec![
            Lines(&["shop", "founder", "shop"]),
            Lines(&["other", "shop"]),
            Lease(1),
            Begin(1),
            Commit(1, from),
            Queues(1),
            ClaimOf(1, 16),
            ClaimOf(1, 17),
            ClaimOf(1, 0),
            Claim(1, 0, 9, 9),
            Start(1, &[ANNA, BEN]),
            Recover(1, Whose::All, true, false),
            ClaimOf(1, 17),
            Claim(1, 0, 9, 9),
        ],
        answers: "[(6, None), (16, Some(\"founder\")), (17, Some(\"shop\"))]
             [(6, None), (16, Some(\"founder\")), (17, Some(\"shop\")), (18, Some(\"other\"))]
             {held}
             1: email@1 sms@1 push@1 whatsapp@1 in_app@1 webhook@1 inbox@1 call@1
             1: claimed []
             1: claimed [anna's attempt 0 of line 17 under 1]
             1: claimed []
             1: claimed [ben's attempt 0 of line 6 under 1]
             1: started [ben's, anna's]
             1: 1 again, 1 unknown
             1: claimed []
             1: claimed [ben's attempt 1 of line 6 under 1 with c1]",
    }
}

fn tried_again() -> Vec<Script> {
    let of = |name, commit, steps: Vec<Step>, answers| Script {
        name,
        steps: begin(commit).into_iter().chain(steps).collect(),
        answers,
    };
    let ben = |unsent| Whose::These { messages: vec![message(BEN)], unsent };
    vec![
        of(
            "what nobody knows is held or sent again by what it is, but for what has not left",
            addressed,
            vec![
                Start(1, &[ANNA, BEN]),
                Recover(1, Whose::All, true, false),
                Claim(1, 0, 9, 9),
                Start(1, &[BEN]),
                Recover(1, ben(true), true, true),
                Claim(1, 0, 9, 9),
                Recover(1, ben(false), true, true),
                Claim(1, 0, 9, 9),
                Start(1, &[BEN]),
                Recover(1, ben(false), true, true),
                Recover(1, ben(true), true, true),
            ],
            "{addressed}
             1: started [ben's, anna's]
             1: 1 again, 1 unknown
             1: claimed [ben's attempt 1 of line 6 under 1 with c1]
             1: started [ben's]
             1: 1 again, 0 unknown
             1: claimed [ben's attempt 2 of line 6 under 1 with c1]
             1: 0 again, 0 unknown
             1: claimed [ben's attempt 2 of line 6 under 1 with c1]
             1: started [ben's]
             1: 0 again, 1 unknown
             1: 0 again, 0 unknown",
        ),
        of(
            "what the first attempt fixed holds for all",
            addressed,
            vec![
                Start(1, &[ANNA, BEN]),
                Finish(1, ANNA, Outcome::Retry { at: minute(1), reason: "busy".to_owned() }),
                Finish(1, BEN, Outcome::Unknown { hold: false }),
                Claim(1, 0, 9, 9),
                Start(1, &[ANNA, BEN]),
                Finish(1, ANNA, Outcome::Accepted { provider_id: Some("250 ok".to_owned()), inbox: false }),
                Finish(1, BEN, Outcome::Unknown { hold: false }),
                Claim(1, 0, 9, 9),
            ],
            "{addressed}
             1: started [ben's, anna's]
             1: finished
             1: finished
             1: claimed [anna's attempt 1 of line 6 under 1 with c1, ben's attempt 1 of line 6 under 1 with c1]
             1: started [ben's, anna's]
             1: finished
             1: finished
             1: claimed [ben's attempt 2 of line 6 under 1 with c1]",
        ),
    ]
}

fn suppressed() -> Vec<Script> {
    let of = |name, commit, mut steps: Vec<Step>, answers| {
        steps.extend(begin(commit));
        steps.push(Start(1, &[ANNA, BEN]));
        Script { name, steps, answers }
    };
    let (anna, ben) = ("anna@shop.example", "ben@shop.example");
    let mut scripts = vec![
        of(
            "who unsubscribed gets no marketing, however their address is written",
            addressed,
            vec![
                Suppress("ANNA@shop.example\n", None, Kind::Unsubscribed, 1),
                Suppress(" Ben@Shop.Example", None, Kind::Unsubscribed, 1),
            ],
            "{addressed}1: started [ben's], suppressed [anna's]
             1: started []
             1: finished
             1: holds all
             1: [1 of person_1: anna's refused +4m]
             1: RolledBack",
        ),
        of(
            "of one topic what was said of another is no matter; what bounced gets nothing",
            addressed,
            vec![
                Suppress(anna, Some("offers"), Kind::Unsubscribed, 1),
                Suppress(ben, None, Kind::Bounced, 1),
            ],
            "{addressed}1: started [anna's], suppressed [ben's]",
        ),
        of(
            "of one topic what was said of it holds; who complained gets what they have a right to",
            addressed,
            vec![
                Suppress(anna, Some("news"), Kind::Unsubscribed, 1),
                Suppress(ben, None, Kind::Complained, 1),
            ],
            "{addressed}1: started [ben's], suppressed [anna's]",
        ),
        of(
            "who complained gets no marketing; what was suppressed by hand gets nothing",
            addressed,
            vec![Suppress(anna, None, Kind::Complained, 1), Suppress(ben, Some("news"), Kind::ByHand, 1)],
            "{addressed}1: started [], suppressed [ben's, anna's]",
        ),
        of(
            "who subscribes to a topic takes back what they said of it and of all, and nothing else",
            to_a_topic,
            vec![
                Suppress(anna, Some("news"), Kind::Unsubscribed, 1),
                Suppress(anna, None, Kind::Unsubscribed, 1),
                Suppress(anna, Some("offers"), Kind::Unsubscribed, 1),
                Suppress(ben, None, Kind::Unsubscribed, 1),
            ],
            "{addressed}1: started [ben's, anna's]",
        ),
        of(
            "who subscribes to everything takes back all they said",
            to_everything,
            vec![
                Suppress(anna, Some("news"), Kind::Unsubscribed, 1),
                Suppress(anna, Some("offers"), Kind::Unsubscribed, 1),
            ],
            "{addressed}1: started [ben's, anna's]",
        ),
        of(
            "but not what they said later, which takes the place of what they said before",
            to_everything,
            vec![
                Suppress(anna, Some("news"), Kind::Unsubscribed, 1),
                Suppress(anna, Some("news"), Kind::Unsubscribed, 3),
                Suppress(anna, Some("news"), Kind::Unsubscribed, 2),
            ],
            "{addressed}1: started [ben's], suppressed [anna's]",
        ),
        of(
            "a complaint is their own word too",
            to_everything,
            vec![Suppress(anna, None, Kind::Complained, 1)],
            "{addressed}1: started [ben's, anna's]",
        ),
    ];
    // What is suppressed is over, and is told.
    scripts[0].steps.extend([
        Start(1, &[ANNA]),
        Finish(1, ANNA, Outcome::Accepted { provider_id: None, inbox: true }),
        Begin(1),
        Read(1, Lane::Live, 0, 9, 9),
        Rollback(1),
    ]);
    scripts
}

fn too_large() -> Script {
    Script {
        name: "what is too large to be kept is refused, with all that stands beside it",
        steps: vec![
            Lease(1),
            Begin(1),
            Commit(1, |write| with_data(8_193, write)),
            Begin(1),
            Commit(1, |write| with_data(8_192, write)),
        ],
        answers: "1: 32 slices, 0 to 31, epochs together 32
             1: holds all
             1: Failed(Refused)
             1: holds all
             1: Committed",
    }
}

fn with_data(bytes: usize, write: &mut Write) {
    write.queued.extend([queued(ANNA), QueuedRow { data: "x".repeat(bytes).into(), ..queued(BEN) }]);
}
