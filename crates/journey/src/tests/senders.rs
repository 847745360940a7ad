//! Who a message is from.

use journeyman_domain::plan::Step;

use super::door::around;
use super::templates::template;
use crate::{Source, Templates, check, pinned};

const SHOP: &str = "  shop: { from: a@shop.example, name: Shop, stream: marketing }\n";
const FOUNDER: &str = "  founder: { from: b@shop.example, name: Ada, stream: marketing }\n";
const BILLING: &str = "  billing: { from: c@shop.example, name: Bills, stream: transactional }\n";

/// One send of one journey.
struct Case {
    senders: &'static [&'static str],
    kind: &'static str,
    /// Lines of the step.
    step: &'static str,
    /// `from:` of its template; `None` where the templates are not known.
    template: Option<&'static str>,
    production: bool,
    /// The sender, `-` for none, or what is said of it.
    expected: &'static str,
}

/// The journey, whose send stands in line 5, and what stands around it.
fn sources(case: &Case) -> Vec<Source> {
    let text = format!(
        "journey: t\nkind: {}\ntopic: offers\nenter: {{ on: X, again: never }}\nsteps: {{ send: a, {} }}\n",
        case.kind, case.step
    );
    let mut sources = around("journeys/t.yaml", &text);
    let senders =
        if case.senders.is_empty() { String::new() } else { format!("senders:\n{}", case.senders.concat()) };
    sources[1].text = format!("topics:\n  offers: {{ consent: opt_in }}\n{senders}");
    sources
}

fn of(plan: &journeyman_domain::plan::Plan) -> String {
    let Step::Send(send) = &plan.nodes[0].step else { panic!() };
    send.sender.as_deref().unwrap_or("-").to_owned()
}

#[test]
fn the_steps_then_the_templates_then_the_only_one() {
    const MARKETING: Case = Case {
        senders: &[SHOP, FOUNDER, BILLING],
        kind: "marketing",
        step: "channel: email",
        template: Some(""),
        production: false,
        expected: "",
    };
    const BILLS: Case = Case { kind: "transactional", ..MARKETING };
    let cases = [
        Case {
            step: "channel: email, from: founder",
            template: Some("shop"),
            expected: "founder",
            ..MARKETING
        },
        Case { step: "channel: [sms, email]", template: Some("shop"), expected: "shop", ..MARKETING },
        Case { senders: &[SHOP, BILLING], expected: "shop", ..MARKETING },
        Case { senders: &[SHOP, BILLING], template: None, expected: "shop", production: true, ..MARKETING },
        Case { expected: "billing", ..BILLS },
        Case { template: Some("billing"), expected: "billing", ..BILLS },
        // Several, or none.
        Case {
            expected: "J0609 5:16 nobody says who this mail is from, and there are 2 senders of marketing mail; write `from: founder` here, or in the template's template.yaml",
            ..MARKETING
        },
        Case { template: None, expected: "-", ..MARKETING },
        Case {
            senders: &[SHOP],
            expected: "J0609 5:16 there is no sender of transactional mail; write one below `senders:` of journeyman.yaml, with `stream: transactional`",
            ..BILLS
        },
        Case { senders: &[], expected: "-", ..MARKETING },
        Case {
            senders: &[],
            production: true,
            expected: "J0609 5:16 there is no sender of marketing mail; write one below `senders:` of journeyman.yaml, with `stream: marketing`",
            ..MARKETING
        },
        // Of the wrong stream, or nobody.
        Case {
            step: "channel: email, from: billing",
            expected: "J0609 5:41 `billing` is a sender of transactional mail, and this journey is marketing; write `from:` with one of: founder, shop",
            ..MARKETING
        },
        Case {
            template: Some("shop"),
            expected: "J0609 5:16 `shop` is a sender of marketing mail, and this journey is transactional; write `from:` with one of: billing",
            ..BILLS
        },
        Case {
            step: "channel: email, from: shopp",
            expected: "J0609 5:41 there is no sender `shopp`; did you mean `shop`?",
            ..MARKETING
        },
        Case {
            senders: &[],
            step: "channel: email, from: zzz",
            expected: "J0609 5:41 there is no sender `zzz`; write one below `senders:` of journeyman.yaml, with `stream: marketing`",
            ..MARKETING
        },
        Case {
            template: Some("shopp"),
            expected: "J0609 5:16 there is no sender `shopp`; did you mean `shop`?",
            ..MARKETING
        },
        Case {
            step: "channel: email, from: No",
            expected: "J0301 5:41 `No` is no name; a name has lower-case letters, digits and `-`: cart-reminder",
            ..MARKETING
        },
        // Only mail is from somebody.
        Case { step: "channel: [sms, inbox]", template: None, expected: "-", ..MARKETING },
        Case { step: "channel: inbox", template: Some("shop"), expected: "-", production: true, ..MARKETING },
        Case { step: "channel: inbox, from: shop", expected: "shop", ..MARKETING },
    ];
    for case in &cases {
        let (mut signature, file) = template("a", "");
        signature.sender = case.template.filter(|from| !from.is_empty()).map(Into::into);
        signature.channels.push(journeyman_domain::plan::Channel::Sms);
        let (signatures, files) = ([signature], [file]);
        let templates = case.template.map(|_| Templates { signatures: &signatures, files: &files });
        let checked = check(&sources(case), templates, case.production);
        let told = match &checked.deployment {
            Some(deployment) => of(&deployment.plans[0]),
            None => super::door::said(&checked).join("\n"),
        };
        assert_eq!(told, case.expected, "{} {:?} {:?}", case.step, case.senders, case.template);
    }
}

/// An older version goes on with who there is now.
#[test]
fn a_sender_that_is_gone_gives_way() {
    let case = |step: &'static str, senders: &'static [&'static str], expected: &'static str| Case {
        senders,
        kind: "marketing",
        step,
        template: Some("zzz"),
        production: false,
        expected,
    };
    let cases = [
        case("channel: email, from: founder", &[SHOP, FOUNDER, BILLING], "founder"),
        case("channel: email, from: gone", &[SHOP, FOUNDER, BILLING], "founder"),
        case("channel: email, from: billing", &[SHOP, BILLING], "shop"),
        case("channel: email", &[BILLING], "-"),
        case("channel: email", &[], "-"),
        case("channel: sms", &[SHOP], "-"),
    ];
    for case in &cases {
        let (mut signature, _) = template("a", "");
        signature.sender = case.template.map(Into::into);
        let sources = sources(case);
        let plan = pinned(&sources[0], &sources[1..], Some(&[signature])).unwrap();
        assert_eq!(of(&plan), case.expected, "{} {:?}", case.step, case.senders);
    }
}

#[test]
fn a_send_may_have_a_topic_of_its_own() {
    let text =
        super::door::with_steps("  - send: a\n    channel: email\n    topic: reminders\n  - wait: 1d\n");
    let Step::Send(send) = &super::door::plan(&text).nodes[0].step else { panic!() };
    assert_eq!(send.topic.as_deref(), Some("reminders"));
}
