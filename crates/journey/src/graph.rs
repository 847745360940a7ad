//! A journey as a graph: what `journeyman graph` draws, and the console with its figures.
//!
//! [`of`] makes the nodes and edges of a plan; [`svg()`] and [`text()`] draw the same ones.

mod layout;
mod measure;
mod svg;
mod text;
mod words;

use std::sync::Arc;

use journeyman_domain::plan::{Again, IfRunning, JourneyKind, Plan, Since, Status, Step};

pub use svg::{Mark, STYLE, Standing, svg, thousands};
pub use text::text;

/// What a node is, and so how it is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What begins a run.
    Trigger,
    /// A message.
    Send,
    /// A wait for a moment.
    Wait,
    /// A wait for something to happen.
    WaitFor,
    /// A question.
    Branch,
    /// Fixed shares of people.
    Split,
    /// Variables.
    Set,
    /// An `exit` step.
    Exit,
    /// All steps are done.
    End,
    /// Beside the steps: who walks them without being spoken to.
    Holdout,
    /// Beside the steps: what the journey is for.
    Goal,
    /// Beside the steps: what ends a run wherever it stands.
    Exits,
    /// Beside the steps: while what no run walks on.
    Hold,
}

impl Kind {
    /// Whether it holds for a run wherever it stands: no edge leads there.
    pub fn is_beside(self) -> bool {
        matches!(self, Self::Holdout | Self::Goal | Self::Exits | Self::Hold)
    }

    /// The word of it in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Send => "send",
            Self::Wait => "wait",
            Self::WaitFor => "wait_for",
            Self::Branch => "if",
            Self::Split => "choose",
            Self::Set => "set",
            Self::Exit => "exit",
            Self::End => "end",
            Self::Holdout => "holdout",
            Self::Goal => "goal",
            Self::Exits => "exits",
            Self::Hold => "hold",
        }
    }
}

/// A line of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// In words.
    Words(String),
    /// As it stands in the file.
    Code(String),
}

impl Line {
    /// Its text.
    pub fn text(&self) -> &str {
        match self {
            Self::Words(text) | Self::Code(text) => text,
        }
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// The step's id, where it is one.
    pub step: Option<Arc<str>>,
    /// What stands above the title: the kind in a word or two.
    pub kicker: String,
    /// What it does, in a few words.
    pub title: String,
    /// More of it.
    pub lines: Vec<Line>,
}

/// A way from one node to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// From which node.
    pub from: usize,
    /// To which.
    pub to: usize,
    /// When it is taken; `None` where there is no other.
    pub label: Option<String>,
    /// Whether it is the way a step goes when nothing stands against it.
    pub main: bool,
}

/// A journey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// Its name.
    pub journey: Arc<str>,
    /// What it is: kind, topic, status, priority, lane.
    pub about: Vec<String>,
    /// Its trigger first, then its steps in the order of the source, then its end, then what stands beside them.
    pub nodes: Vec<Node>,
    /// By their nodes, the main one first.
    pub edges: Vec<Edge>,
}

/// The graph of a plan.
pub fn of(plan: &Plan) -> Graph {
    let end = plan.nodes.len() + 1;
    let place = |next: Option<usize>| next.map_or(end, |nth| nth + 1);
    let mut nodes = vec![trigger(plan)];
    let mut edges = vec![Edge { from: 0, to: place(plan.first), label: None, main: true }];
    for (nth, node) in plan.nodes.iter().enumerate() {
        nodes.push(words::step(node));
        let next = place(node.next);
        let otherwise = node.otherwise.map_or(next, |other| other + 1);
        let mut ways: Vec<(usize, Option<String>)> = match &node.step {
            Step::Exit(_) if node.guard.is_none() => Vec::new(),
            Step::Exit(_) => vec![(otherwise, Some("else".to_owned()))],
            Step::WaitFor { branches, within } => {
                let ways = branches.iter().map(|branch| {
                    let to = branch.then.map_or(next, |then| then + 1);
                    (to, Some(words::trigger(&branch.trigger)))
                });
                ways.chain([(otherwise, Some(format!("after {within}")))]).collect()
            }
            Step::If(arms) => {
                let alone = arms.len() == 1;
                let ways = arms.iter().map(|arm| {
                    let label = if alone { "yes".to_owned() } else { arm.condition.text.to_string() };
                    (arm.then.map_or(next, |then| then + 1), Some(label))
                });
                let last = if alone { "no" } else { "else" };
                ways.chain([(otherwise, Some(last.to_owned()))]).collect()
            }
            Step::Choose(shares) => {
                let ways = shares.iter().map(|share| {
                    let label = format!("{} {}", share.name, words::percent(share.share));
                    (share.then.map_or(next, |then| then + 1), Some(label))
                });
                ways.collect()
            }
            Step::Use { then, .. } => {
                let into = (then.map_or(next, |then| then + 1), None);
                let other = (otherwise, Some("else".to_owned()));
                if node.guard.is_some() { vec![into, other] } else { vec![into] }
            }
            Step::Repeat { then, .. } => {
                let done = if otherwise == next { next } else { otherwise };
                vec![
                    (then.map_or(next, |then| then + 1), Some("each turn".to_owned())),
                    (done, Some("none".to_owned())),
                ]
            }
            Step::Send(_) if otherwise != next => {
                vec![(next, Some("sent".to_owned())), (otherwise, Some("not sent".to_owned()))]
            }
            _ if otherwise != next => {
                vec![(next, None), (otherwise, Some("else".to_owned()))]
            }
            _ => vec![(next, None)],
        };
        if ways.len() > 1 && ways.iter().all(|(to, _)| *to == next) && !matches!(node.step, Step::Choose(_)) {
            // Whatever comes, it goes on there.
            ways = vec![(next, None)];
        }
        // A turn's end leads back to its `repeat`, which draws that itself: here it leads to where the last turn's does.
        for (to, label) in &mut ways {
            if *to <= nth && *to > 0 {
                *to = after_turns(plan, *to - 1).map_or(end, |next| next + 1);
                label.get_or_insert_with(|| "after the last turn".to_owned());
            }
        }
        let made = ways.into_iter().enumerate();
        edges.extend(made.map(|(way, (to, label))| Edge { from: nth + 1, to, label, main: way == 0 }));
    }
    // Of a journey whose every way ends in an `exit` nobody comes to the end.
    if edges.iter().any(|edge| edge.to == end) {
        let title = "End".to_owned();
        nodes.push(Node { kind: Kind::End, step: None, kicker: String::new(), title, lines: Vec::new() });
    }
    nodes.extend(beside(plan));
    Graph { journey: plan.name.clone(), about: about(plan), nodes, edges }
}

/// Where a run goes on after the last turn of a repeat.
fn after_turns(plan: &Plan, repeat: usize) -> Option<usize> {
    let mut at = repeat;
    // Each step outwards leads to an earlier node, so that it comes to an end.
    loop {
        match plan.nodes.get(at)?.next {
            Some(next) if next <= at => at = next,
            next => return next,
        }
    }
}

fn about(plan: &Plan) -> Vec<String> {
    let kind = match plan.kind {
        JourneyKind::Marketing => "marketing",
        JourneyKind::Transactional => "transactional",
    };
    let mut about = vec![kind.to_owned()];
    about.extend(plan.topic.as_ref().map(|topic| format!("topic {topic}")));
    about.push(status(plan).to_owned());
    about.push(format!("priority {}", plan.priority));
    about.extend(plan.lane.as_ref().map(|lane| format!("lane {lane}")));
    about.extend(plan.cap.map(|cap| format!("at most {} per {}", cap.count, cap.per)));
    about
}

pub(crate) use words::moment;
pub(crate) use words::watch as watched;

/// What a step is called in its box.
pub(crate) fn title(node: &journeyman_domain::plan::Node) -> String {
    words::step(node).title
}

/// The word of a plan's status.
pub fn status(plan: &Plan) -> &'static str {
    match plan.status {
        Status::Draft => "draft",
        Status::Live => "live",
        Status::Archived => "archived",
    }
}

/// What begins a journey, on one line.
pub fn begins(plan: &Plan) -> String {
    let enter = &plan.enter;
    match &enter.watch {
        _ if enter.api => "a wish, by a step or a program".to_owned(),
        Some(watch) => words::watch(watch),
        None => words::any(&enter.on),
    }
}

fn trigger(plan: &Plan) -> Node {
    let enter = &plan.enter;
    let mut lines = Vec::new();
    lines.extend(enter.each.as_ref().map(|each| Line::Words(format!("for each of {}", each.join(".")))));
    lines.extend(enter.condition.as_ref().map(|condition| Line::Code(format!("if {}", condition.text))));
    let mut say = |words: String| lines.push(Line::Words(words));
    if let Some(idle) = enter.idle {
        say(format!("after {idle} without another"));
    }
    if !enter.unless.is_empty() {
        say(format!("unless {}", words::any(&enter.unless)));
    }
    if !enter.to.is_empty() {
        say(format!("for {}", words::any(&enter.to)));
    }
    if !enter.except.is_empty() {
        say(format!("not for {}", words::any(&enter.except)));
    }
    if let Some(per) = &enter.per {
        let running = match enter.if_running {
            IfRunning::Join => "",
            IfRunning::Restart => ", another begins anew",
            IfRunning::Ignore => ", another is ignored",
        };
        let item = if enter.each.is_some() { "item." } else { "" };
        say(format!("one run per {item}{}{running}", per.join(".")));
    }
    match enter.again {
        Again::Never => say("once in a person's life".to_owned()),
        Again::Every(span) => say(format!("once in {span} at most")),
        Again::Always => {}
    }
    Node {
        kind: Kind::Trigger,
        step: None,
        kicker: if enter.watch.is_some() { "Begins" } else { "Begins on" }.to_owned(),
        title: begins(plan),
        lines,
    }
}

/// What holds for a run wherever it stands.
fn beside(plan: &Plan) -> Vec<Node> {
    let node = |kind, kicker: &str, title: String, lines| Node {
        kind,
        step: None,
        kicker: kicker.to_owned(),
        title,
        lines,
    };
    let mut beside = Vec::new();
    if let Some(goal) = &plan.goal {
        let mut lines = Vec::new();
        if !goal.trigger.on.is_empty() {
            let asked = goal.trigger.condition.as_ref();
            lines.extend(asked.map(|condition| Line::Code(format!("if {}", condition.text))));
        }
        let since = match goal.since {
            Since::Entry => "",
            Since::FirstSend => " of the first message",
        };
        lines.extend(goal.within.map(|within| Line::Words(format!("within {within}{since}"))));
        lines.extend(goal.value.as_ref().map(|value| Line::Code(format!("worth {}", value.text))));
        let after = if goal.exit { "ends the run" } else { "the run goes on" };
        lines.push(Line::Words(after.to_owned()));
        beside.push(node(Kind::Goal, "Goal", words::named(&goal.trigger), lines));
    }
    for exit in &plan.exits {
        let mut lines = Vec::new();
        if !exit.on.is_empty() {
            lines.extend(exit.condition.as_ref().map(|asked| Line::Code(format!("if {}", asked.text))));
        }
        lines.push(Line::Words("ends the run, wherever it stands".to_owned()));
        beside.push(node(Kind::Exits, "Exit", words::named(exit), lines));
    }
    if let Some(hold) = &plan.hold {
        let after = if hold.exit { "then the run ends" } else { "then it goes on" };
        let lines = vec![Line::Words(format!("no run walks on; at most {}, {after}", hold.within))];
        beside.push(node(Kind::Hold, "Held while", hold.condition.text.to_string(), lines));
    }
    if plan.holdout > 0.0 {
        let lines = vec![Line::Words("walk it and get no message".to_owned())];
        beside.push(node(
            Kind::Holdout,
            "Holdout",
            format!("{} of people", words::percent(plan.holdout)),
            lines,
        ));
    }
    beside
}
