//! Values of the wrong form.

use super::door::{Case, hold};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::header("lane: Lane 1\n", &["J0301 6:7 `Lane 1` is no name; lower-case letters"]),
        Case::steps("  - wait: 3 days\n", &["J0302 7:11 `3 days` is no duration; 45m, 12h, 3d, 2w"]),
        Case::steps("  - wait: 0d\n", &["J0302 7:11 a duration of nothing"]),
        Case::header("holdout: 10\n", &["J0303 6:10 `10` is no percentage; 10%"]),
        Case::header("holdout: 101%\n", &["J0303 6:10 `101%` is no percentage"]),
        Case::header("cap: 2 in 7d\n", &["J0304 6:6 `2 in 7d` is no rate; 2 per 7d"]),
        Case::header(
            "kind: newsletter\n",
            &["J0305 6:7 `kind` can't be `newsletter`; write marketing or transactional"],
        ),
        Case::header("status: lve\n", &["J0305 6:9 `status` can't be `lve`; did you mean `live`?"]),
        Case::header("quiet_hours: off\n", &["J0305 6:14 `quiet_hours` can't be `off`; respect or ignore"]),
        Case::header("lang: 2\n", &["J0305 6:7 `lang` can't be `2`; write 1"]),
        Case::header(
            "goal:\n  on: X\n  exit: true\n",
            &["J0305 8:9 `exit` can't be `true`; write yes or no"],
        ),
        Case::header("priority: 101\n", &["J0306 6:11 `101` is no such number; from 0 to 100"]),
        Case::header("priority: -1\n", &["J0306 6:11 `-1` is no such number"]),
        Case::header("priority: 0x10\n", &["J0306 6:11 `0x10` is no such number"]),
        Case::steps(
            "  - wait_until: tomorrow\n",
            &["J0307 7:17 `tomorrow` has no clock time; weekdays 09:00"],
        ),
        Case::steps("  - wait_until: funday 09:00\n", &["J0307 7:17 `funday 09:00` is no moment"]),
        Case::steps(
            "  - send: a\n    channel: mail\n",
            &["J0309 8:14 there is no channel `mail`; did you mean `email`?"],
        ),
        Case::steps(
            "  - send: a\n    channel: [email, fax]\n",
            &["J0309 8:22 there is no channel `fax`; there are: email, sms"],
        ),
        Case::steps(
            "  - send: a\n    channel: [email, email]\n",
            &["J0311 8:22 `email` stands twice in `channel`"],
        ),
        Case::steps("  - send: a\n    channel: []\n", &["J0203 8:5 `channel` is an empty list"]),
        Case::steps(
            "  - send: a\n    channel: email\n    at: later\n",
            &["J0305 9:9 `at` can't be `later`; write `at: now`"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  per: event.order_id\nsteps:\n  - wait: 1d\n",
            &["J0310 5:8 `per` is a property of the starting event anyway; write `per: order_id`"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  per: order id\nsteps:\n  - wait: 1d\n",
            &["J0310 5:8 `order id` is no property"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  per: item.product_id\nsteps:\n  - wait: 1d\n",
            &["J0310 5:8 there is no `item` in `enter`; `each: products`"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: Order Completed\n  each: products\n  per: order_id\nsteps:\n  - wait: 1d\n",
            &["J0310 6:8 with `each` the key is the item's; write `per: item.order_id`"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: Order Completed\n  each: revenue\n  per: item.x\nsteps:\n  - wait: 1d\n",
            &["J0507 5:9 `revenue` is money, and `each` goes through a list"],
        ),
        Case::steps(
            "  - send: a\n    channel: email\n    between: 9-20\n    days: mondays\n    priority: 101\n    holdout: 0.1\n",
            &[
                "J0308 9:14 `9-20` are no hours of the day; 20:00-09:00",
                "J0307 10:11 `mondays` are no days; weekdays",
                "J0306 11:15 `101` is no such number; 0 to 100",
                "J0303 12:14 `0.1` is no percentage",
            ],
        ),
        Case::steps(
            "  - send: a\n    channel: email\n    days: 2026-11-27\n",
            &["J0307 9:11 `2026-11-27` are no days; month 1"],
        ),
        Case::steps(
            "  - wait_until: = 3d\n  - wait_until: = entry.order_id\n  - { wait_until: = now }\n",
            &[
                "J0507 7:17 `wait_until` waits for a moment, and this is a duration; `wait: 3d`",
                "J0507 8:17 `wait_until` waits for a moment, and this is text",
                "J0111 9:19 expressions do not stand inside braces",
            ],
        ),
        Case::steps(
            "  - repeat: 0\n    then:\n      - wait: 1d\n  - repeat: 2\n    every: often\n    while: 3\n    then:\n      - wait: 1d\n",
            &[
                "J0306 7:13 `0` is no such number; 1 to 1000",
                "J0302 11:12 `often` is no duration",
                "J0509 12:12 a condition is true or false, and this is a number",
            ],
        ),
        Case::steps(
            "  - choose: x\n    by: fixed\n    options:\n      a:\n        share: 50%\n      b:\n        share: 40%\n",
            &["J0312 9:5 the shares add up to 90%; 100%"],
        ),
        Case::steps(
            "  - choose: x\n    by: fixed\n    options:\n      a:\n        share: 100%\n",
            &["J0203 9:5 a choice has 2 to 50 options, and this one has 1"],
        ),
        Case::steps(
            "  - choose: x\n    by: fixed\n    options:\n      a:\n        share: 100%\n      b:\n        then: { exit: x }\n",
            &["J0204 13:9 an option needs `share:`"],
        ),
        Case::steps(
            "  - choose: x\n    options:\n      a:\n        share: 50%\n      b:\n        share: 50%\n",
            &["J0204 7:5 a `choose` needs `by:`; write `by: fixed`"],
        ),
        Case::steps(
            "  - set:\n      Cart-Id: x\n",
            &["J0301 8:7 `Cart-Id` can't stand in expressions; write `cart_id`"],
        ),
        Case::steps("  - set: {}\n", &["J0203 7:5 `set` has 0 lines"]),
        Case::steps("  - exit: Too late\n", &["J0301 7:11 `Too late` is no name"]),
        Case::steps(
            "  - wait: 1d\n    id: a-b\n",
            &["J0301 8:9 `a-b` can't stand in expressions; write `a_b`"],
        ),
    ]
}

#[test]
fn values_of_the_wrong_form() {
    hold(cases());
}
