//! Rules of journeys, and warnings.

use super::door::{Case, hold, of, said};
use crate::{Source, check};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::header(
            "goal:\n  on: Order Completed\n  value: event.order_id\n",
            &["J0507 8:10 a goal is worth money or a number, and this is text"],
        ),
        Case::header(
            "goal:\n  on: Order Completed\n  value: = event.revenue * 2 + 3\n",
            &["J0508 8:12 money is compared or computed"],
        ),
        Case::header(
            "migrate: { old: a, older: wait_2, oldest: a-b }\n",
            &[
                "J1204 6:27 there is no step `wait_2` to go on at; the steps of this version are: a",
                "J1204 6:43 there is no step `a-b` to go on at; the steps of this version are: a",
            ],
        ),
        Case::steps(
            "  - id: a\n    call: POST https://x.example/y\n    body:\n      n: = entry.order_id\n    headers:\n      X-Shop: = profile.shop\n    secret: KEY\n    within: 1m\n    retry: 3\n    else:\n      - exit: x\n  - exit: y\n    if: a.url == 'x' and a.deep.er > 3 and not a.failed and a.reason == 'x'\n",
            &[],
        ),
        Case::steps(
            "  - send: a\n    channel: email\n    test: { subject: [plain, other], winner: clicked }\n  - exit: x\n    if: a.variant == 'other'\n",
            &[],
        ),
        Case::steps(
            "  - send: a\n    channel: email\n    test: { subject: [plain] }\n  - send: b\n    channel: email\n    test: { subject: [a, b], variant: [a, b], winner: clicked, share: 20% }\n",
            &[
                "J0204 9:5 a test needs a `winner`",
                "J1203 9:23 a test compares 2 to 10 variants, and this one 1",
                "J0204 12:5 a test is of `subject`, `preheader` or `variant`",
                "J0201 12:64 `share` is not read",
            ],
        ),
        Case::steps(
            "  - call: https://x.example\n  - call: POST x.example\n  - call: GET https://x.example\n    body: { a: b }\n    within: 2d\n",
            &[
                "J1201 7:11 `https://x.example` is no way to ask: there are GET, POST",
                "J1201 8:11 `x.example` is no address; `POST https://billing.shop.example/v1/links`",
                "J1201 10:5 a GET has no body",
                "J1201 11:13 an answer is waited for 24h at most",
            ],
        ),
        Case::steps(
            "  - call: POST https://x.example\n    headers:\n      Content-Type: text\n    secret: whsec_abc\n    retry: 11\n",
            &[
                "J1202 9:7 `Content-Type` is no header of a call's own",
                "J1202 10:13 a secret does not stand in the file; `secret: BILLING_KEY`",
                "J0306 11:12 `11` is no such number; from 0 to 10",
            ],
        ),
        Case::steps("  - repeat: 3\n    every: 1d\n", &["J0204 7:5 a `repeat` needs `then:`"]),
        Case::steps("  - repeat: 3\n    every: 1d\n    then: []\n", &["J0204 9:5 a `repeat` without steps"]),
        Case::steps(
            "  - repeat: 3\n    while: turn < 2\n    every: 1d\n    then:\n      - exit: x\n        if: turn > 1\n  - exit: y\n    if: turn > 1\n",
            &["J0502 14:9 there is no `turn` in the condition of a step; `repeat`"],
        ),
        // Of two hundred turns of six steps nobody is let go before all are done.
        Case::steps(
            "  - repeat: 200\n    then:\n      - repeat: 5\n        then:\n          - set: { a: b }\n",
            &["J0613 7:5 this may take more than 1000 steps at once; `every: 1d`"],
        ),
        Case::steps(
            "  - repeat: 200\n    then:\n      - repeat: 5\n        then:\n          - wait: 1h\n",
            &[],
        ),
        Case::steps(
            &format!(
                "{}{}",
                (0..5)
                    .map(|deep| format!("{0}  - repeat: 1\n{0}    then:\n", "    ".repeat(deep)))
                    .collect::<String>(),
                "                      - wait: 1d\n"
            ),
            &["J0613 15:21 repeats stand 4 deep at most"],
        ),
        Case::steps(
            "  - update:\n      first_seen: x\n      a-b: x\n      Tier: gold\n  - track: Message Clicked\n  - track: Price Dropped\n  - track: [X]\n",
            &[
                "J0612 8:7 `profile.first_seen` is ours",
                "J0301 9:7 `a-b` can't stand in expressions; `tier: gold`",
                "J0612 11:12 `Message Clicked` says what has happened",
                "J0612 12:12 `Price Dropped` says what has happened",
                "J0203 13:13 `track` is one value, and a list",
            ],
        ),
        Case::steps(
            "  - start: t\n  - start: other\n    with:\n      event: x\n",
            &[
                "J0611 7:12 steps can't begin `t`; `api: yes`",
                "J0611 8:12 there is no journey `other`; journeys/other.yaml",
                "J0610 10:7 `event` is a word of expressions already",
            ],
        ),
        Case::steps(
            "  - track: X\n    with:\n      product_id: = entry.product_id\n  - track: X\n    with: { product_id: sku }\n  - track: X\n    with:\n      product_id: = profile.liked\n",
            &[
                "J0310 11:25 `product_id` is taken from where one stands; `product_id: = entry.product_id`",
                "J0310 14:19 `product_id` is taken from where one stands",
            ],
        ),
        Case::steps("  - use: x\n", &["J0614 7:10 there is no snippet `x`; journeys/snippets/x.yaml"]),
        Case::header("hold: x\n", &["J0203 6:7 `hold` is a block"]),
        Case::header(
            "hold:\n  while: run.x\n  else: wait\n",
            &[
                "J0204 7:3 `hold` needs `within:`; an end",
                "J0503 7:14 no step sets `x`",
                "J0305 8:9 `else` can't be `wait`; continue or exit",
            ],
        ),
        Case::new(
            "journeyman.yaml",
            "hold_marketing:\n  while: entry.x\n  within: 3d\n",
            &["J0502 2:10 there is no `entry` in `hold_marketing`"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  api: yes\n  again: always\nsteps:\n  - wait: 1d\n",
            &["J0305 5:3 `enter` has `on` or `api`, not both"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  each: items\n  again: always\nsteps:\n  - wait: 1d\n",
            &["J0204 5:3 `each` needs `per:`; `per: item.product_id`"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  each: items\n  per: item.x\n  idle: 1h\nsteps:\n  - wait: 1d\n",
            &["J0201 5:3 `each` with `idle` is not read"],
        ),
        Case::steps(
            "  - wait: 1d\n    id: a\n  - wait: 2d\n    id: a\n",
            &["J0601 10:9 two steps are called `a`, the first in line 8; another `id:`"],
        ),
        Case::steps(
            "  - send: x-y\n    channel: email\n  - send: x-y\n    channel: sms\n",
            &["J0601 9:11 two steps are called `x_y`, the first in line 7; an `id:` of its own"],
        ),
        Case::steps(
            "  - wait: 1d\n    id: wait_2\n  - wait: 2d\n",
            &["J0601 9:5 two steps are called `wait_2`"],
        ),
        Case::steps(
            "  - send: cart\n    channel: email\n",
            &["J0607 7:11 a step can't be called `cart`; another `id:`"],
        ),
        Case::steps(
            "  - send: a\n    channel: email\n    topic: ofers\n    from: shp\n",
            &[
                "J0603 9:12 there is no topic `ofers`; did you mean `offers`?",
                "J0609 10:11 there is no sender `shp`; `senders:` of journeyman.yaml, with `stream: marketing`",
            ],
        ),
        Case::steps(
            "  - id: b\n    send: a\n    channel: email\n    with:\n      cart: x\n      b: x\n      c-d: x\n      e: = foo\n      f: = e + h\n      g: = f\n    if: e == 'x' and f and c\n",
            &[
                "J0610 11:7 `cart` is a word of expressions already; another name",
                "J0610 12:7 `b` is the id of a step already",
                "J0301 13:7 `c-d` can't stand in expressions; write `c_d`",
                "J0501 14:12 nothing here is called `foo`",
                "J0501 15:16 nothing here is called `h`",
                "J0501 17:28 nothing here is called `c`",
            ],
        ),
        Case::steps(
            "  - send: a\n    channel: email\n    with: { x: = now }\n    if: x > now\n",
            &["J0111 9:16 expressions do not stand inside braces"],
        ),
        Case::steps("  - send: a\n    channel: email\n    with: x\n", &["J0203 9:11 `with` is a block"]),
        Case::steps(
            "  - send: a\n    channel: email\n    with: {}\n",
            &["J0203 9:5 `with` has 0 lines; 1 to 50 lines"],
        ),
        Case::steps(
            "  - send: a\n    channel: email\n    with:\n      n: = cart.count\n      word: x\n    if: n == 'x' or word > 3\n",
            &["J0507 12:9 a number is compared with text", "J0507 12:21 text is compared with a number"],
        ),
        Case::steps(
            "  - send: a\n    channel: email\n    with:\n      items: = cart.items.where(price > 5 EUR)\n      least: = 3 EUR\n    if: items.any(prise > 1 EUR) or items.any(price > least)\n",
            &[
                "J0504 12:19 an item of a cart has no `prise`; did you mean `price`?",
                "J0502 12:55 inside brackets `least` is the element's, and not that of `with`; `run.least`",
            ],
        ),
        // Bare names are the send's own.
        Case::steps(
            "  - send: a\n    channel: email\n    with: { n: x }\n  - exit: x\n    if: n == 'x'\n",
            &["J0501 11:9 nothing here is called `n`"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\nsteps:\n  - wait: 1d\n",
            &["J0602 3:1 may somebody enter again?; `again: never`"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  again: sometimes\nsteps:\n  - wait: 1d\n",
            &["J0305 5:10 `again` can't be `sometimes`; every 30d"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  again: every 3 d\nsteps:\n  - wait: 1d\n",
            &["J0305 5:10 `3 d` is no duration"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  again: never\n  unless: Y\nsteps:\n  - wait: 1d\n",
            &["J0204 6:3 `unless` cancels during `idle`; add `idle:`"],
        ),
        Case::journey(
            "journey: t\nenter:\n  on: X\n  again: never\nsteps:\n  - wait: 1d\n",
            &["J0603 1:1 a marketing journey needs `topic:`; `kind: transactional`"],
        ),
        Case::journey(
            "journey: t\ntopic: ofers\nenter:\n  on: X\n  again: never\nsteps:\n  - wait: 1d\n",
            &["J0603 2:8 there is no topic `ofers`; did you mean `offers`?"],
        ),
        Case::journey(
            "journey: t\ntopic: zzz\nenter:\n  on: X\n  again: never\nsteps:\n  - wait: 1d\n",
            &["J0603 2:8 there is no topic `zzz`; `topics:` of journeyman.yaml"],
        ),
        Case::journey(
            "journey: u\ntopic: offers\nenter:\n  on: X\n  again: never\nsteps:\n  - wait: 1d\n",
            &["J0207 1:10 the journey is called `u`, and its file t.yaml; call both the same"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  again: never\n",
            &["J0604 1:1 a journey needs `steps:`"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  again: never\nsteps: []\n",
            &["J0604 6:1 a journey needs at least one step"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  again: never\nsteps:\n",
            &["J0604 6:1 a journey needs at least one step"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nsteps:\n  - wait: 1d\n",
            &["J0204 1:1 a journey needs `enter:`"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\nsteps:\n  - wait: 1d\n",
            &["J0204 3:1 `enter` says nothing"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  again: never\nsteps:\n  - wait: 1d\n",
            &["J0204 3:1 `enter` needs `on:`"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  again: never\n  to: [vip, vib]\n  except: staf\nsteps:\n  - wait: 1d\n",
            &[
                "J0510 6:13 there is no segment `vib`; did you mean `vip`?",
                "J0510 7:11 there is no segment `staf`; `staff`",
            ],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  again: never\n  if: entry.x\nsteps:\n  - wait: 1d\n",
            &["J0502 6:7 there is no `entry` in `enter`; write `event`"],
        ),
        Case::journey(
            "journey: t\ntopic: offers\nenter:\n  on: X\n  again: never\n  if: run.x or wait_1.sent\nsteps:\n  - wait: 1d\n",
            &["J0502 6:7 there is no `run` in `enter`", "J0501 6:16 nothing here is called `wait_1`"],
        ),
        Case::header(
            "exit:\n  - if: event.x\n",
            &["J0502 7:9 there is no `event` in `exit`, without an `on:` beside it"],
        ),
        Case::steps(
            "  - wait_for:\n      if: event.x\n    within: 1d\n",
            &["J0502 8:11 there is no `event` in `wait_for`, without an `on:` beside it"],
        ),
        Case::steps(
            "  - wait: 1d\n  - if: wait_1.sent\n    then: { exit: x }\n",
            &["J0504 8:16 the step `wait_1` leaves no results"],
        ),
        Case::steps(
            "  - set:\n      aa: = 1\n  - if: run.ab == 1\n    then: { exit: x }\n",
            &["J0503 9:13 no step sets `ab`; did you mean `aa`?"],
        ),
        Case::steps(
            "  - set:\n      a: = 1\n  - if: run.a == 'x'\n    then: { exit: x }\n",
            &["J0507 9:9 a number is compared with text"],
        ),
    ]
}

pub(super) fn warnings() -> Vec<Case> {
    vec![
        Case::condition(
            "profile.x != 'a'",
            &["J0901 9:9 where `profile.x` is missing, this is true; `has(profile.x) and …`"],
        ),
        Case::condition("not (profile.x < 3 or run.y)", &["J0503 9:35 no step"]),
        Case::condition(
            "not (profile.x < 3 or entry.y)",
            &["J0901 9:14 where `profile.x`", "J0901 9:31 where `entry.y`"],
        ),
        Case::condition("profile.x not in ['a']", &["J0901 9:9 where `profile.x`"]),
        Case::condition("has(profile.x) and profile.x != 'a'", &[]),
        Case::condition("not (profile.x != 'a')", &[]),
        Case::condition(
            "not a.clicked and not (cart.count == 0) and not (cart.value > 3 EUR)",
            &["J0901 9:58 where `cart.value` is missing"],
        ),
        Case::condition("a.opened", &["J0904 9:11 an open decides here; `a.clicked`"]),
        Case::steps(
            "  - wait_for: Message Opened\n    within: 1d\n",
            &["J0904 7:15 an open decides here; `Message Clicked`"],
        ),
        Case::steps("  - exit: x\n  - wait: 1d\n  - wait: 2d\n", &["J0902 8:5 nobody reaches this step"]),
        Case::steps(
            "  - if: profile.x\n    then:\n      - exit: x\n    else:\n      - exit: y\n  - wait: 1d\n",
            &["J0902 12:5 nobody reaches this step"],
        ),
        Case::steps("  - exit: x\n    if: profile.x\n  - wait: 1d\n", &[]),
        Case::steps("  - if: profile.x\n    then:\n      - exit: x\n  - wait: 1d\n", &[]),
        Case::steps(
            "  - branch:\n      - if: profile.x\n        then: { exit: x }\n      - else: { exit: y }\n  - wait: 1d\n",
            &["J0902 11:5 nobody reaches"],
        ),
        Case::steps(
            "  - wait_for: X\n    within: 1d\n    then: { exit: x }\n    else: { exit: y }\n  - wait: 1d\n",
            &["J0902 11:5 nobody reaches"],
        ),
        Case::steps(
            "  - choose: x\n    by: fixed\n    options:\n      a:\n        share: 50%\n        then: { exit: x }\n      b:\n        share: 50%\n        then: { exit: y }\n  - wait: 1d\n",
            &["J0902 16:5 nobody reaches"],
        ),
        Case::steps("  - send: a\n    channel: email\n    else: { exit: y }\n  - wait: 1d\n", &[]),
        Case::header(
            "goal:\n  on: Product Viewed\n",
            &["J0903 6:1 `Product Viewed` has no `order_id`; tracking.yaml"],
        ),
        Case::header(
            "exit:\n  - on: [Order Refunded, Cart Viewed, Unknown]\n",
            &["J0903 6:1 `Cart Viewed` has no `order_id`"],
        ),
        Case::header("goal:\n  on: Order Completed\n", &[]),
        Case::header(
            "goal:\n  on: Order Complted\n",
            &["J0906 7:7 nothing is known of the event `Order Complted`, and there is `Order Completed`"],
        ),
        Case::steps(
            "  - send: a\n    channel: email\n    with:\n      a1: text\n      b1: = profile.x\n      c1: = b1 * 2\n      d1: = cart.count\n      e1: = count('X')\n    if: a1 != 'x' and b1 != 1 and not (c1 == 1) and d1 != 1 and e1 != 1\n",
            &[
                "J0901 15:23 where `b1` is missing, this is true; `has(b1) and …`",
                "J0901 15:40 where `c1` is missing",
            ],
        ),
        Case::condition("last('Order Complete') > now - 30d", &["J0906 9:14 nothing is known of the event"]),
        Case::condition(
            "entry.revenu > 1 EUR",
            &["J0907 9:15 nothing is known of `revenu`, and there is a `revenue`"],
        ),
    ]
}

#[test]
fn rules_of_journeys() {
    hold(cases());
}

#[test]
fn warnings_let_it_run() {
    hold(warnings());
}

#[test]
fn two_journeys() {
    let journey = |name: &str, more: &str| Source {
        path: format!("journeys/{name}.yaml"),
        text: format!(
            "journey: {}\nkind: transactional\n{more}enter:\n  on: X\n  again: never\n  if: profile.x\nsteps:\n  - wait: 1d\n",
            name.rsplit('/').next().unwrap()
        ),
    };
    let told = |sources: &[Source]| said(&check(sources, None, false));
    let warned = told(&[journey("a", ""), journey("b", "")]);
    assert_eq!(
        warned,
        [
            "J0905 3:1 `a` starts on the same event with the same condition; give both one `lane:`, or make one journey of them, if nobody should be in both"
        ]
    );
    assert!(told(&[journey("a", "lane: x\n"), journey("b", "lane: x\n")]).is_empty());
    assert!(told(&[journey("a", ""), journey("b", "status: draft\n")]).is_empty());
    let same = told(&[journey("a", "status: draft\n"), journey("deep/a", "status: draft\n")]);
    assert_eq!(same, ["J0606 1:1 `a` is the name of journeys/a.yaml too; give one of the two another name"]);
}

#[test]
fn production_sends_nothing_in_app_yet() {
    let text = super::door::with_steps("  - send: a\n    channel: [inbox, email, in_app]\n");
    let mut sources = super::door::around("journeys/t.yaml", &text);
    sources[1].text.push_str(super::language::SENDERS);
    assert!(check(&sources, None, false).deployment.is_some());
    let told = said(&check(&sources, None, true));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("J0608 8:29 this version sends nothing by `in_app` in production yet"),
        "{told:?}"
    );
}

#[test]
fn everything_is_said_at_once_by_file_and_place() {
    let sources = [
        Source {
            path: "journeys/b.yaml".to_owned(),
            text: "journey: b\nkind: x\nenter:\n  onn: X\nsteps:\n  - wait: x\n".to_owned(),
        },
        Source { path: "journeys/a.yaml".to_owned(), text: "- x\n".to_owned() },
    ];
    let checked = check(&sources, None, false);
    let places: Vec<(&str, usize)> =
        checked.diagnostics.iter().map(|said| (said.file.as_str(), said.span.line)).collect();
    assert!(places.is_sorted(), "{places:?}");
    assert_eq!(
        places.iter().filter(|(file, _)| *file == "journeys/b.yaml").count(),
        6,
        "{:#?}",
        said(&checked)
    );
    assert!(of("journeys/a.yaml", "- x\n").deployment.is_none());
}
