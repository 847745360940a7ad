//! Sends against their templates: what is wrong, where it is said, and what is filled.

use std::fmt::Write as _;
use std::sync::Arc;

use journeyman_domain::plan::{Channel, Plan, Setting, Step};
use journeyman_domain::template::{Fault, Field, Place, Signature, Variable};

use super::door::{around, with_steps};
use crate::{Checked, Source, Templates, check, pinned, template_faults};

fn path(text: &str) -> Arc<[Arc<str>]> {
    text.split('.').map(Arc::from).collect()
}

/// A template as `render` would tell it: its one file speaks of what stands in `{{ }}`: `{{entry.total!}}` is required,
/// `{{#cart.items name of.price!}}` goes through a list and speaks of fields.
pub(super) fn template(name: &str, text: &str) -> (Signature, Source) {
    let file = format!("templates/{name}/email.hbs");
    let bang = |text: &str| (text.trim_end_matches('!').to_owned(), text.ends_with('!'));
    let mut variables = Vec::new();
    let mut at = 0;
    while let Some(from) = text[at..].find("{{").map(|from| at + from + 2) {
        let end = from + text[from..].find("}}").unwrap();
        let mut words = text[from..end].trim_start_matches('#').split(' ');
        let (own, required) = bang(words.next().unwrap());
        let start = from + text[from..end].find(&own).unwrap();
        let field = |word: &str| {
            let (name, required) = bang(word);
            Field { path: path(&name), required }
        };
        variables.push(Variable {
            path: path(&own),
            list: text[from..].starts_with('#'),
            fields: words.map(field).collect(),
            required,
            place: Place { file: file.as_str().into(), start, end: start + own.len() },
        });
        at = end;
    }
    let signature = Signature {
        name: name.into(),
        channels: vec![Channel::Email],
        sender: None,
        variants: Vec::new(),
        variables,
    };
    (signature, Source { path: file, text: text.to_owned() })
}

/// Checks journey `t` with these steps, which begin in line 7, and templates.
fn checked(steps: &str, templates: &[(&str, &str)]) -> Checked {
    let (signatures, files): (Vec<_>, Vec<_>) =
        templates.iter().map(|(name, text)| template(name, text)).unzip();
    let mut sources = around("journeys/t.yaml", &with_steps(steps));
    sources.push(Source {
        path: "tracking.yaml".to_owned(),
        text: "Order Completed:\n  pupil: { name: text, age: number }\n  tags: [text]\n".to_owned(),
    });
    // They may stand among the sources too.
    sources.extend(files.iter().cloned());
    check(&sources, Some(Templates { signatures: &signatures, files: &files }), false)
}

/// `t/email.hbs J0501 1:3+5 message; help`
fn lines(checked: &Checked) -> Vec<String> {
    let line = |said: &crate::Diagnostic| {
        let crate::Span { line, column, length, .. } = said.span;
        let file = said.file.trim_start_matches("templates/");
        format!("{file} {} {line}:{column}+{length} {}; {}", said.code, said.message, said.help)
    };
    checked.diagnostics.iter().map(line).collect()
}

#[track_caller]
fn hold(steps: &str, templates: &[(&str, &str)], expected: &[&str]) {
    let checked = checked(steps, templates);
    let told = lines(&checked);
    let fits = |(told, expected): (&String, &&str)| {
        let (message, help) = expected.split_once("; ").unwrap_or((expected, ""));
        let (told_message, told_help) = told.split_once("; ").unwrap();
        told_message.starts_with(message) && told_help.contains(help)
    };
    let all = told.len() == expected.len() && told.iter().zip(expected).all(fits);
    assert!(all, "{steps}{templates:?}\nsaid {told:#?}\nexpected {expected:#?}");
    let errors = checked.diagnostics.iter().any(|said| said.severity == crate::Severity::Error);
    assert_eq!(checked.deployment.is_none(), errors);
}

const SEND: &str = "  - send: a\n    channel: email\n";

#[test]
fn a_template_exists_and_has_words() {
    hold(SEND, &[("a", "")], &[]);
    hold(
        "  - send: reminder\n    channel: email\n  - send: zzz\n    channel: email\n",
        &[("reminders", "")],
        &[
            "journeys/t.yaml J0801 7:11+8 there is no template `reminder`; did you mean `reminders`?",
            "journeys/t.yaml J0801 9:11+3 there is no template `zzz`; templates/zzz/",
        ],
    );
    hold(
        "  - send: a\n    channel: [push, inbox, email, webhook]\n",
        &[("a", "")],
        &[
            "journeys/t.yaml J0802 8:15+4 the template `a` has no words for `push`; templates/a/, or take `push` out",
            "journeys/t.yaml J0802 8:35+7 the template `a` has no words for `webhook`",
        ],
    );
    hold("  - send: a\n    channel: inbox\n", &[("a", "")], &[]);
}

#[test]
fn variables_are_what_the_step_knows() {
    let by = "and step `a` of journey `t` sends this template";
    let cases = [
        (
            "Hello\n  {{profile.name}} {{entry.revenue!}} {{cart.value}} {{now}} {{a.sent}} {{#entry.products name price!}} {{entry.whatever.deep}} {{entry.pupil.age}} {{#profile.kids name.first}} {{#entry.tags}} {{cart.items.first}}",
            vec![],
        ),
        (
            "\n ä {{picks!}}",
            vec!["J0501 2:6+5 nothing here is called `picks`, {by}; `with:` and below it `picks: = …`"],
        ),
        (
            "{{revenue}}",
            vec!["J0501 1:3+7 nothing here is called `revenue`, {by}; did you mean `entry.revenue`?"],
        ),
        (
            "{{profil.name}}",
            vec!["J0501 1:3+11 nothing here is called `profil`, {by}; did you mean `profile`?"],
        ),
        ("{{profile}}", vec!["J0501 1:3+7 `profile` alone is no value, {by}"]),
        ("{{event.x}}", vec!["J0502 1:3+7 there is no `event` in a template, {by}; `entry`"]),
        ("{{run.x}}", vec!["J0503 1:3+5 no step sets `x`, {by}"]),
        ("{{cart.itmes}}", vec!["J0504 1:3+10 a cart has no `itmes`, {by}; did you mean `items`?"]),
        ("{{entry.pupil.age.x}}", vec!["J0504 1:3+17 this is a number, and has no fields, {by}"]),
        ("{{cart.items.length}}", vec!["J0504 1:3+17 a list has no field `length`, {by}; `{{#each …}}`"]),
        ("{{cart.items.count}}", vec!["J0504 1:3+16 a list has no field `count`, {by}"]),
        (
            "{{#cart.items name prise! prize}}",
            vec![
                "J0504 1:4+10 an item of a cart has no `prise`, {by}; did you mean `price`?",
                "J0504 1:4+10 an item of a cart has no `prize`, {by}; did you mean `price`?",
            ],
        ),
        ("{{#cart.items name.first}}", vec!["J0504 1:4+10 this is text, and has no fields, {by}"]),
        (
            "{{#entry.tags name}}",
            vec!["J0504 1:4+10 the elements of this list are text, and have no fields, {by}"],
        ),
        (
            "{{#cart.value}}",
            vec!["J0507 1:4+10 `cart.value` is money, and the template goes through its elements, {by}"],
        ),
        (
            "{{cart.items.first.name}}",
            vec![
                "J0511 1:3+21 `.name` of something computed is not read by this version yet, {by}; `with:` `pick: = …`, and write `pick.name`",
            ],
        ),
        (
            "{{turn}} {{item.x}}",
            vec![
                "J0502 1:3+4 there is no `turn` in a template, {by}; `repeat`",
                "J0502 1:12+6 there is no `item` in a template, {by}; `each: products`",
            ],
        ),
        (
            "{{entry.revenu}}",
            vec![
                "J0907 1:3+12 nothing is known of `revenu`, and there is a `revenue`, {by}; write `revenue`",
            ],
        ),
        // Once, wherever else it stands.
        ("{{picks}} {{picks}}", vec!["J0501 1:3+5 nothing here"]),
    ];
    for (text, expected) in cases {
        let expected: Vec<String> =
            expected.iter().map(|line| format!("a/email.hbs {}", line.replace("{by}", by))).collect();
        hold(SEND, &[("a", text)], &expected.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let long = format!("{{{{entry{}}}}}", ".x".repeat(100));
    hold(SEND, &[("a", &long)], &["a/email.hbs J0405 1:3+205 `entry.x.x"]);
    let fields = format!("{{{{#cart.items x{}}}}}", ".x".repeat(100));
    hold(SEND, &[("a", &fields)], &["a/email.hbs J0405 1:4+10 `cart.items` has"]);
}

#[test]
fn names_of_with_stand_bare() {
    let steps = "  - send: a\n    channel: email\n    with:\n      word: hello\n      picks: = entry.products.where(price > 5 EUR)\n      lamp: = entry.pupil\n";
    hold(steps, &[("a", "{{word}} {{#picks name price}} {{lamp.name}} {{picks.first}}")], &[]);
    hold(
        steps,
        &[("a", "{{pics}} {{#word}} {{lamp.age.x}} {{word.x}}")],
        &[
            "a/email.hbs J0501 1:3+4 nothing here is called `pics`, and step `a` of journey `t` sends this template; did you mean `picks`?",
            "a/email.hbs J0507 1:13+4 `word` is text, and the template goes through its elements",
            "a/email.hbs J0504 1:22+10 this is a number, and has no fields",
            "a/email.hbs J0504 1:37+6 this is text, and has no fields",
        ],
    );
    // What is refused in the step is not said of the template again.
    let wrong = "  - send: a\n    channel: email\n    with:\n      x: = foo\n      y-z: b\n";
    hold(
        wrong,
        &[("a", "{{x.y}}")],
        &["journeys/t.yaml J0501 10:12+3 nothing", "journeys/t.yaml J0301 11:7+3 `y-z`"],
    );
    // Another step's are not known.
    hold(
        "  - send: b\n    channel: email\n    with: { word: x }\n  - send: a\n    channel: email\n",
        &[("a", "{{word}}"), ("b", "{{word}}")],
        &["a/email.hbs J0501 1:3+4 nothing here is called `word`, and step `a` of"],
    );
}

#[test]
fn a_fault_is_said_once_for_a_journey() {
    let steps = "  - send: a\n    channel: email\n  - id: b\n    send: a\n    channel: email\n";
    let (signature, file) = template("a", "{{foo}} {{cart.x}}");
    let mut sources = around("journeys/t.yaml", &with_steps(steps));
    sources.push(Source {
        path: "journeys/u.yaml".to_owned(),
        text:
            "journey: u\ntopic: offers\nenter: { on: X, again: never }\nsteps: { send: a, channel: email }\n"
                .to_owned(),
    });
    let signatures = [signature];
    let told =
        |files: &[Source]| lines(&check(&sources, Some(Templates { signatures: &signatures, files }), false));
    let said = told(&[file]);
    let starts = [
        "a/email.hbs J0501 1:3+3 nothing here is called `foo`, and step `a` of journey `t`",
        "a/email.hbs J0501 1:3+3 nothing here is called `foo`, and step `a` of journey `u`",
        "a/email.hbs J0504 1:11+6 a cart has no `x`, and step `a` of journey `t`",
        "a/email.hbs J0504 1:11+6 a cart has no `x`, and step `a` of journey `u`",
    ];
    assert!(
        said.len() == 4 && said.iter().zip(starts).all(|(said, start)| said.starts_with(start)),
        "{said:#?}"
    );
    // A file that nobody has brought is named all the same.
    assert!(told(&[])[0].starts_with("a/email.hbs J0501 1:1+0 nothing"));
}

/// What every send of a plan gives and is given.
fn told(plan: &Plan) -> String {
    let mut told = String::new();
    for node in &plan.nodes {
        let Step::Send(send) = &node.step else { continue };
        writeln!(
            told,
            "{}:{}",
            node.id,
            node.guard.as_ref().map_or(String::new(), |guard| format!(" if {:?}", guard.expr))
        )
        .unwrap();
        for (name, setting) in &send.with {
            match setting {
                Setting::Text(text) => writeln!(told, "  with {name}: {text}").unwrap(),
                Setting::Computed(condition) => writeln!(told, "  with {name}: = {condition:?}").unwrap(),
            }
        }
        for filled in &send.filled {
            let value = filled.value.as_ref().map(|value| format!("{:?}", value.expr));
            let bang = |required: bool| if required { "!" } else { "" };
            write!(
                told,
                "  {}{} = {}",
                filled.path.join("."),
                bang(filled.required),
                value.as_deref().unwrap_or("?")
            )
            .unwrap();
            if filled.list {
                let field = |field: &Field| format!("{}{}", field.path.join("."), bang(field.required));
                write!(told, " {:?}", filled.fields.iter().map(field).collect::<Vec<_>>()).unwrap();
            }
            told.push('\n');
        }
    }
    told
}

#[test]
fn what_a_template_is_given() {
    // The sends of the language that have a `with`, without what is not read yet.
    let steps = "  - set: { turns: = 1 }\n  - send: similar-items\n    channel: email\n    with:\n      picks: = entry.products.where(category == 'lamps')\n    if: picks.count() >= 3 and not picks.any(price > 9 EUR)\n  - send: payment-failed\n    channel: email\n    with:\n      attempt: = run.turns\n      link: = entry.url\n      both: = attempt + 1\n      word: as written\n      sum: = cart.value\n    if: count('X', word == sku) > 1\n"
        .replace("{ turns: = 1 }", "\n      turns: = 1");
    let templates = [
        ("similar-items", "{{#picks name price!}} {{entry.revenue!}} {{#cart.items price}} {{entry.x.y}}"),
        (
            "payment-failed",
            "{{attempt!}} {{link}} {{both}} {{word}} {{sum}} {{similar_items.clicked}} {{now}}",
        ),
    ];
    let checked = checked(&steps, &templates);
    let plan =
        checked.deployment.as_ref().unwrap_or_else(|| panic!("{:#?}", lines(&checked))).plans[0].clone();
    assert_eq!(
        told(&plan),
        "similar_items: if And(Compare(Ge, Call(Count, Path(Element, [\"picks\"]), None), Literal(Number(3.0))), Not(Call(Any, Path(Element, [\"picks\"]), Some(Compare(Gt, As(Money, Path(Element, [\"price\"])), Literal(Money(9 EUR)))))))\n  \
           with picks: = entry.products.where(category == 'lamps')\n  \
           picks = Path(Element, [\"picks\"]) [\"name\", \"price!\"]\n  \
           entry.revenue! = As(Money, Path(Entry, [\"revenue\"]))\n  \
           cart.items = Path(Cart, [\"items\"]) [\"price\"]\n  \
           entry.x.y = Path(Entry, [\"x\", \"y\"])\n\
         payment_failed: if Compare(Gt, Count(Counted { event: \"X\", field: None, money: false, window: None, filter: Some(Filter { property: \"sku\", equals: Path(Element, [\"word\"]) }) }), Literal(Number(1.0)))\n  \
           with attempt: = run.turns\n  \
           with link: = entry.url\n  \
           with both: = attempt + 1\n  \
           with word: as written\n  \
           with sum: = cart.value\n  \
           attempt! = Path(Element, [\"attempt\"])\n  \
           link = Path(Element, [\"link\"])\n  \
           both = Path(Element, [\"both\"])\n  \
           word = Path(Element, [\"word\"])\n  \
           sum = Path(Element, [\"sum\"])\n  \
           similar_items.clicked = Path(Step(\"similar_items\"), [\"clicked\"])\n  \
           now = Now\n"
    );
    // The run keeps what templates and `with` ask of its entry: `cart_id` for its cart, `currency` for money.
    let properties: Vec<&str> = plan.entry_properties.iter().map(AsRef::as_ref).collect();
    assert_eq!(properties, ["cart_id", "currency", "order_id", "products", "revenue", "url", "x"]);
}

#[test]
fn what_is_counted_for_a_message_is_kept() {
    let steps = "  - send: a\n    channel: email\n    with:\n      n: = count('Product Viewed', 30d)\n";
    let deployment = checked(steps, &[("a", "{{n}}")]).deployment.unwrap();
    let mut demands = journeyman_domain::expr::Demands::default();
    demands.of_plan(&deployment.plans[0]);
    assert_eq!(demands.of_event("Product Viewed").count(), 1);
}

#[test]
fn templates_that_are_not_known_are_taken_as_written() {
    let sources = around("journeys/t.yaml", &with_steps("  - send: anything\n    channel: push\n"));
    let plan = check(&sources, None, false).deployment.unwrap().plans[0].clone();
    assert_eq!(told(&plan), "anything:\n");
}

#[test]
fn an_old_version_is_given_what_it_knows() {
    let steps = "  - send: a\n    channel: [email, push]\n    with: { word: x }\n  - send: gone\n    channel: email\n";
    let source = Source { path: "journeys/t.yaml".to_owned(), text: with_steps(steps) };
    let (signature, file) =
        template("a", "{{word}} {{new}} {{entry.revenue}} {{#word}} {{cart.x}} {{#cart.items x}}");
    // Files of templates in the context are passed over.
    let plan = pinned(&source, &[file], Some(&[signature])).unwrap();
    assert_eq!(
        told(&plan),
        "a:\n  with word: x\n  word = Path(Element, [\"word\"])\n  new = ?\n  entry.revenue = As(Money, Path(Entry, [\"revenue\"]))\n  \
           word = ? []\n  cart.x = ?\n  cart.items = ? [\"x\"]\ngone:\n"
    );
    assert_eq!(plan.entry_properties, ["currency", "order_id", "revenue"].map(Arc::from));
    assert_eq!(told(&pinned(&source, &[], None).unwrap()), "a:\n  with word: x\ngone:\n");
}

#[test]
fn what_render_finds_is_told_alike() {
    let file = Source { path: "templates/a/email.mjml".to_owned(), text: "<mjml>\n ä{{> head}}".to_owned() };
    let fault = |error: bool, file: &str| Fault {
        error,
        place: Place { file: file.into(), start: 10, end: 20 },
        message: "there is no partial `head`".to_owned(),
        help: "write it to templates/partials/".to_owned(),
    };
    let faults = [fault(true, "templates/a/email.mjml"), fault(false, "templates/b/email.hbs")];
    let told: Vec<String> = template_faults(&faults, &[file]).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "templates/a/email.mjml:2:3: error J0803: there is no partial `head`; write it to templates/partials/",
            "templates/b/email.hbs:1:1: warning J0908: there is no partial `head`; write it to templates/partials/",
        ]
    );
}
