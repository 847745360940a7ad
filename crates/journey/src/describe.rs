//! A journey as a paragraph or two of plain English, for whoever has to say yes to it and does not read YAML.

use std::sync::Arc;

use journeyman_domain::plan::{
    Again, Branch, IfRunning, JourneyKind, Node, Plan, Reaction, Send, Setting, Since, Step, Trigger, Watch,
    Watched,
};
use journeyman_domain::value::Span;

use crate::graph;

/// What a journey does: one paragraph on whom it is for, one on what happens to them.
pub fn describe(plan: &Plan) -> String {
    let mut about = vec![begins(plan)];
    about.extend(rules(plan));
    let telling = Telling { plan };
    let mut steps = telling.walk(plan.first, None);
    if let Some(first) = steps.first_mut() {
        *first = format!("First, {first}");
    }
    for step in steps.iter_mut().skip(1) {
        *step = format!("Then {step}");
    }
    steps.push("Then it is over".to_owned());
    format!("{}\n\n{}\n", sentences(&about), sentences(&steps))
}

fn sentences(of: &[String]) -> String {
    of.iter().map(|sentence| format!("{}.", capital(sentence))).collect::<Vec<_>>().join(" ")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn begins(plan: &Plan) -> String {
    let enter = &plan.enter;
    let kind = match plan.kind {
        JourneyKind::Marketing => "a marketing journey",
        JourneyKind::Transactional => "a transactional journey",
    };
    let topic = plan.topic.as_ref().map(|topic| format!(" on {topic}")).unwrap_or_default();
    let mut text = format!("`{}` is {kind}{topic}, {}. It begins ", plan.name, graph::status(plan));
    if enter.api {
        text.push_str("when a program or another journey asks for it");
    } else if let Some(watch) = &enter.watch {
        text.push_str(&describe_watch(watch));
    } else {
        text.push_str(&format!("on {}", any(&enter.on)));
    }
    if let Some(each) = &enter.each {
        text.push_str(&format!(", once for each of its {}", each.join(".")));
    }
    if let Some(condition) = &enter.condition {
        text.push_str(&format!(", if {}", condition.text));
    }
    if !enter.to.is_empty() {
        text.push_str(&format!(", for who is in {}", any(&enter.to)));
    }
    if !enter.except.is_empty() {
        text.push_str(&format!(", not for who is in {}", any(&enter.except)));
    }
    if let Some(idle) = enter.idle {
        text.push_str(&format!(", after {} without another", span(idle)));
    }
    if !enter.unless.is_empty() {
        text.push_str(&format!(", unless {} comes first", any(&enter.unless)));
    }
    text
}

fn describe_watch(watch: &Watch) -> String {
    match &watch.what {
        Watched::Entered { segment, existing } => {
            let existing = if *existing { ", and for those who are in it when it goes live" } else { "" };
            format!("when somebody comes into the segment {segment}{existing}")
        }
        Watched::Left { segment } => format!("when somebody leaves the segment {segment}"),
        Watched::Date(_) => format!("each year, {}", graph::watched(watch)),
        Watched::Every { .. } => graph::watched(watch),
    }
}

/// What holds for all of it.
fn rules(plan: &Plan) -> Vec<String> {
    let enter = &plan.enter;
    let mut rules = Vec::new();
    if let Some(per) = &enter.per {
        let running = match enter.if_running {
            IfRunning::Join => "another while it runs goes on with it",
            IfRunning::Restart => "another while it runs begins anew",
            IfRunning::Ignore => "another while it runs is ignored",
        };
        let item = if enter.each.is_some() { "item." } else { "" };
        rules.push(format!("there is one run for each {item}{}; {running}", per.join(".")));
    }
    match enter.again {
        Again::Never => rules.push("nobody enters twice".to_owned()),
        Again::Every(every) => rules.push(format!("nobody enters again within {}", span(every))),
        Again::Always => {}
    }
    if let Some(lane) = &plan.lane {
        let priority = plan.priority;
        rules.push(format!(
            "it shares the lane {lane}: a person is in one journey of it at a time, and the higher priority (here {priority}) takes over"
        ));
    }
    if let Some(goal) = &plan.goal {
        let mut text = format!("its goal is {}", trigger(&goal.trigger));
        if let Some(within) = goal.within {
            let since = match goal.since {
                Since::Entry => "entering",
                Since::FirstSend => "the first message",
            };
            text.push_str(&format!(" within {} of {since}", span(within)));
        }
        if let Some(value) = &goal.value {
            text.push_str(&format!(", worth {}", value.text));
        }
        text.push_str(if goal.exit { "; reaching it ends the run" } else { "; reaching it ends nothing" });
        rules.push(text);
    }
    for exit in &plan.exits {
        rules.push(format!("it ends at once, wherever it stands, {}", on_or_if(exit)));
    }
    if let Some(hold) = &plan.hold {
        let after = if hold.exit { "then it ends" } else { "then it goes on" };
        rules.push(format!(
            "it stands still while {}, for {} at most, and {after}",
            hold.condition.text,
            span(hold.within)
        ));
    }
    if let Some(cap) = plan.cap {
        let (count, per) = (messages(cap.count), span(cap.per));
        rules.push(format!("a person gets no more than {count} of it in {per}"));
    }
    if plan.holdout > 0.0 {
        rules.push(format!(
            "{} of people are held out: they walk it and get no message, to compare with",
            percent(plan.holdout)
        ));
    }
    rules
}

struct Telling<'a> {
    plan: &'a Plan,
}

impl Telling<'_> {
    /// The steps from one to another, without that.
    fn walk(&self, from: Option<usize>, until: Option<usize>) -> Vec<String> {
        let (mut told, mut at) = (Vec::new(), from);
        // Each step leads on to a later one but for the end of a repeat, which is where a walk of it stops.
        while let Some(nth) = at.filter(|nth| Some(*nth) != until) {
            let Some(node) = self.plan.nodes.get(nth) else { break };
            told.push(self.step(nth, node));
            at = node.next.filter(|next| *next > nth);
        }
        told
    }

    /// Steps inside another, as a part of its sentence.
    fn inside(&self, from: Option<usize>, until: Option<usize>) -> String {
        let steps = self.walk(from, until);
        if steps.is_empty() { "it goes on".to_owned() } else { steps.join(", then ") }
    }

    fn step(&self, nth: usize, node: &Node) -> String {
        let mut text = self.verb(nth, node);
        let decides = matches!(node.step, Step::If(_) | Step::WaitFor { .. });
        if let Some(guard) = node.guard.as_ref().filter(|_| !decides) {
            text.push_str(&format!(", if {}", guard.text));
        }
        let otherwise = node.otherwise.filter(|other| Some(*other) != node.next && !decides);
        if otherwise.is_some() {
            let what = if matches!(node.step, Step::Send(_)) { "if it is not sent" } else { "otherwise" };
            text.push_str(&format!(" ({what}, {})", self.inside(otherwise, node.next)));
        }
        text
    }

    fn verb(&self, nth: usize, node: &Node) -> String {
        match &node.step {
            Step::Send(message) => send(message),
            Step::Wait(wait) => format!("it waits {}", span(*wait)),
            Step::WaitUntil(_) | Step::WaitUntilComputed(_) => {
                format!("it waits until {}", graph::title(node).trim_start_matches("= "))
            }
            Step::WaitFor { branches, within } => self.wait_for(node, branches, *within),
            Step::If(arms) => {
                let arms = arms
                    .iter()
                    .map(|arm| format!("if {}, {}", arm.condition.text, self.inside(arm.then, node.next)));
                let mut ways: Vec<String> = arms.collect();
                if node.otherwise.is_some() && node.otherwise != node.next {
                    ways.push(format!("otherwise {}", self.inside(node.otherwise, node.next)));
                }
                ways.join("; ")
            }
            Step::Choose(shares) => {
                let ways = shares.iter().map(|share| {
                    format!(
                        "{} of people ({}): {}",
                        percent(share.share),
                        share.name,
                        self.inside(share.then, node.next)
                    )
                });
                format!("it divides people for good: {}", ways.collect::<Vec<_>>().join("; "))
            }
            Step::Set(values) => format!("it notes {}", settings(values)),
            Step::Update(values) => format!("it writes to the profile {}", settings(values)),
            Step::Track { event, with } => match with.is_empty() {
                true => format!("it records the event {event}"),
                false => format!("it records the event {event} with {}", settings(with)),
            },
            Step::Call(call) => {
                let again = match call.retry {
                    0 => String::new(),
                    retry => format!(", and once more {retry} times at most"),
                };
                format!(
                    "it asks {} {}, waiting {} for the answer{again}",
                    call.method,
                    call.url,
                    span(call.within)
                )
            }
            Step::Start { journey, .. } => format!("it starts the journey {journey}"),
            Step::Exit(reason) => format!("it ends ({reason})"),
            Step::Use { snippet, then, .. } => {
                format!("it does what {snippet} says: {}", self.inside(*then, node.next))
            }
            Step::Repeat { times, every, condition, then } => {
                let every = every.map(|every| format!(", {} apart", span(every))).unwrap_or_default();
                let condition =
                    condition.as_ref().map(|asked| format!(" while {}", asked.text)).unwrap_or_default();
                format!("{times} times at most{every}{condition}: {}", self.inside(*then, Some(nth)))
            }
        }
    }

    fn wait_for(&self, node: &Node, branches: &[Branch], within: Span) -> String {
        let waits = branches.iter().map(|branch| trigger(&branch.trigger)).collect::<Vec<_>>().join(", or ");
        let mut text = format!("it waits for {waits}, {} at most", span(within));
        for branch in branches.iter().filter(|branch| branch.then.is_some() && branch.then != node.next) {
            let which = if branches.len() == 1 {
                "that comes".to_owned()
            } else {
                format!("{} comes", trigger(&branch.trigger))
            };
            text.push_str(&format!("; if {which}, {}", self.inside(branch.then, node.next)));
        }
        if node.otherwise.is_some() && node.otherwise != node.next {
            text.push_str(&format!("; when the time is up, {}", self.inside(node.otherwise, node.next)));
        }
        text
    }
}

fn send(send: &Send) -> String {
    let channels: Vec<&str> = send.channels.iter().map(|channel| channel.name()).collect();
    let by = match channels.as_slice() {
        [one] => (*one).to_owned(),
        many if send.best_of => {
            format!("whichever of {} is best for the person, which is learned", listed(many, "and"))
        }
        many => format!("{}, the first that reaches the person", listed(many, "or")),
    };
    let mut text = format!("it sends {} by {by}", send.template);
    if send.at_best {
        text.push_str(", at the hour that is learned to be best");
    }
    if let Some(at) = &send.at {
        text.push_str(&format!(", at the next {}", graph::moment(at)));
    }
    if !send.test.is_empty() {
        let variants: Vec<&str> = send.test.iter().map(AsRef::as_ref).collect();
        text.push_str(&format!(", comparing {}", listed(&variants, "and")));
    }
    if send.window.is_some() {
        text.push_str(", at the hours and on the days it names");
    }
    text.push_str(&format!(", within {}", span(send.within)));
    if let Some(escalate) = send.escalate {
        let what = match escalate.unless {
            Reaction::Delivered => "it was delivered",
            Reaction::Opened => "it was opened",
            Reaction::Clicked => "it was clicked",
        };
        text.push_str(&format!("; by the next channel too after {}, unless {what}", span(escalate.after)));
    }
    if send.holdout > 0.0 {
        text.push_str(&format!(", withheld from {} of people", percent(send.holdout)));
    }
    text
}

fn settings(values: &[(Arc<str>, Setting)]) -> String {
    let each = values.iter().map(|(name, setting)| match setting {
        Setting::Text(text) => format!("{name}: {text}"),
        Setting::Computed(computed) => format!("{name}: {}", computed.text),
    });
    each.collect::<Vec<_>>().join(", ")
}

fn trigger(trigger: &Trigger) -> String {
    match (&trigger.condition, trigger.on.is_empty()) {
        (Some(condition), true) => condition.text.to_string(),
        (Some(condition), false) => format!("{} with {}", any(&trigger.on), condition.text),
        (None, _) => any(&trigger.on),
    }
}

fn on_or_if(trigger: &Trigger) -> String {
    match (&trigger.condition, trigger.on.is_empty()) {
        (Some(condition), true) => format!("if {}", condition.text),
        (Some(condition), false) => format!("on {} if {}", any(&trigger.on), condition.text),
        (None, _) => format!("on {}", any(&trigger.on)),
    }
}

fn any(names: &[Arc<str>]) -> String {
    listed(&names.iter().map(AsRef::as_ref).collect::<Vec<_>>(), "or")
}

fn listed(names: &[&str], and: &str) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} {and} {last}", first.join(", ")),
    }
}

fn messages(count: u32) -> String {
    if count == 1 { "one message".to_owned() } else { format!("{count} messages") }
}

fn percent(share: f64) -> String {
    let percent = (share * 1_000.0).round() / 10.0;
    format!("{percent} %")
}

/// `45 minutes`, `a day`
fn span(span: Span) -> String {
    let text = span.to_string();
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let (one, many) = match unit {
        "d" => ("a day", "days"),
        "h" => ("an hour", "hours"),
        "m" => ("a minute", "minutes"),
        _ => ("a second", "seconds"),
    };
    if number == "1" { one.to_owned() } else { format!("{number} {many}") }
}
