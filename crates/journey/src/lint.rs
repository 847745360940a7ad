//! What is odd about a whole set though each file is right: what nobody uses, and journeys that use up a cap alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use journeyman_domain::plan::{
    Channel, Condition, Hold, JourneyKind, Plan, Policies, Rate, Segment, Send, Status, Step,
};

use crate::check::{Checked, Kind};
use crate::diagnostic::{BREAKS_CAP, Code, Diagnostic, Report, UNUSED_SEGMENT, UNUSED_TEMPLATE};
use crate::source::{File, Place, Source};

/// How many steps are walked to find the messages of one journey: more ways lead through it than are worth it.
const WALKED: usize = 20_000;
/// How many steps one way through it has that is walked: repeats make more of them than there are.
const DEEPEST: usize = 1_000;

/// What is odd about what was checked, by file and place; nothing where anything is wrong. `sources` are what was checked, and
/// the files of templates.
pub fn lints(sources: &[Source], checked: &Checked) -> Vec<Diagnostic> {
    let Some(deployment) = &checked.deployment else { return Vec::new() };
    let files: BTreeMap<&str, &Source> =
        sources.iter().map(|source| (source.path.as_str(), source)).collect();
    let path_of = |kind: Kind, name: &str| {
        let mut versions = checked.versions.iter();
        let version = versions.find(|version| version.kind == kind && version.name.as_ref() == name)?;
        sources.get(version.source_index).map(|source| source.path.as_str())
    };
    let mut found = Vec::new();
    let mut say =
        |path: &str, place: &dyn Fn(&File<'_>) -> Place, (code, message, help): (Code, String, &str)| {
            let Some(source) = files.get(path) else { return };
            let file = File::new(source);
            let mut report = Report::new(&file);
            report.say(code, place(&file), message, help);
            found.append(&mut report.found);
        };
    let plans = &deployment.plans;
    for plan in plans {
        let breaks = breaks_cap(plan, &deployment.policies);
        if let (Some(breaks), Some(path)) = (breaks, path_of(Kind::Journey, &plan.name)) {
            let whose =
                breaks.channel.map_or("its own cap".to_owned(), |channel| format!("the cap of {channel}"));
            let Rate { count, per } = breaks.cap;
            let message = format!("one run of this journey breaks {whose} alone, {count} per {per}");
            let help = "wait longer before this message, or write less: it comes late or never";
            let line = usize::try_from(breaks.line).unwrap_or(1);
            say(path, &|file| whole_line(file, line), (BREAKS_CAP, message, help));
        }
    }
    for segment in unused_segments(plans, &deployment.segments, deployment.hold_marketing.as_ref()) {
        let Some(path) = path_of(Kind::Segment, &segment.name) else { continue };
        let message = format!("nobody asks for the segment `{}`", segment.name);
        let help = "use it, or take it away; one to look at, with `journeyman segment size`, may stay";
        let place = |file: &File<'_>| {
            let lines = 1..=file.text.lines().count();
            let head = lines.into_iter().find(|line| file.line_text(*line).starts_with("segment:"));
            head.map_or(Place::default(), |line| whole_line(file, line))
        };
        say(path, &place, (UNUSED_SEGMENT, message, help));
    }
    let names: BTreeSet<&str> = sources.iter().filter_map(|source| template_of(&source.path)).collect();
    for name in unused_templates(plans, names.into_iter()) {
        let message = format!("no journey sends the template `{name}`");
        let path = format!("templates/{name}/template.yaml");
        say(&path, &|_| Place::default(), (UNUSED_TEMPLATE, message, "send it, or take it away"));
    }
    found.sort_by(|a, b| (&a.file, a.span.start).cmp(&(&b.file, b.span.start)));
    found
}

/// The template that a file says the head of.
fn template_of(path: &str) -> Option<&str> {
    path.strip_prefix("templates/")?.strip_suffix("/template.yaml").filter(|name| !name.contains('/'))
}

fn whole_line(file: &File<'_>, line: usize) -> Place {
    let (start, text) = (file.line_start(line), file.line_text(line));
    Place::new(start + text.len() - text.trim_start().len(), start + text.len())
}

/// The segments that no journey, no other segment and no policy asks for; none where there is no journey.
fn unused_segments<'s>(
    plans: &[Arc<Plan>],
    segments: &'s [Segment],
    hold_marketing: Option<&Hold>,
) -> Vec<&'s Segment> {
    if plans.is_empty() {
        return Vec::new();
    }
    let mut used: BTreeSet<Arc<str>> = plans.iter().flat_map(|plan| plan.segments()).collect();
    let others = segments.iter().map(|segment| &segment.condition);
    let conditions = others.chain(hold_marketing.map(|hold| &hold.condition));
    used.extend(conditions.flat_map(Condition::segments));
    segments.iter().filter(|segment| !used.contains(&segment.name)).collect()
}

/// Of these templates those that no journey sends; none where there is no journey.
fn unused_templates<'t>(plans: &[Arc<Plan>], templates: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    if plans.is_empty() {
        return Vec::new();
    }
    let sends = plans.iter().flat_map(|plan| &plan.nodes).filter_map(|node| match &node.step {
        Step::Send(send) => Some(send.template.as_ref()),
        _ => None,
    });
    let sent: BTreeSet<&str> = sends.collect();
    templates.filter(|name| !sent.contains(name)).collect()
}

/// A cap that a journey uses up alone.
struct Breaks {
    /// The line of the send that is one too many, from 1.
    line: u32,
    /// Whose cap: a channel's; `None` is the journey's own.
    channel: Option<Channel>,
    cap: Rate,
}

/// The first cap that one run of a journey breaks with its own messages, whatever else the person gets: where some way through it
/// has more of them in the cap's time than that allows. Waits that end with an event count nothing, since it may come at once;
/// what may go by several channels counts for the journey's own cap only.
fn breaks_cap(plan: &Plan, policies: &Policies) -> Option<Breaks> {
    if plan.status == Status::Archived {
        return None;
    }
    let of_shop = policies.caps.iter().filter(|_| plan.kind == JourneyKind::Marketing);
    let caps = of_shop.map(|(channel, cap)| (Some(*channel), *cap));
    caps.chain(plan.cap.map(|cap| (None, cap))).find_map(|(channel, cap)| {
        let mut walk =
            Walk { plan, channel, cap, left: WALKED, deep: 0, sent: Vec::new(), turns: Vec::new() };
        walk.from(plan.first, 0.0).map(|node| Breaks { line: line_of(plan, node), channel, cap })
    })
}

/// The line of the journey's own file that leads to a node: of what stands in a snippet, the line that uses it.
fn line_of(plan: &Plan, node: usize) -> u32 {
    let users = plan.nodes.iter().filter(|user| match user.step {
        Step::Use { then: Some(then), .. } => plan.reachable(then, user.next).contains(&node),
        _ => false,
    });
    // The outermost stands first.
    users.chain(plan.nodes.get(node)).next().map_or(1, |node| node.line)
}

struct Walk<'p> {
    plan: &'p Plan,
    channel: Option<Channel>,
    cap: Rate,
    left: usize,
    deep: usize,
    /// When each message of the way goes at the earliest, seconds since its beginning.
    sent: Vec<f64>,
    /// The repeats that are under way, each with its turn.
    turns: Vec<(usize, u32)>,
}

impl Walk<'_> {
    /// The send that is one too many.
    fn from(&mut self, node: Option<usize>, at: f64) -> Option<usize> {
        let (Some(nth), Some(left)) = (node, self.left.checked_sub(1)) else { return None };
        if self.deep >= DEEPEST {
            return None;
        }
        (self.left, self.deep) = (left, self.deep + 1);
        let found = self.step(nth, at);
        self.deep -= 1;
        found
    }

    fn step(&mut self, nth: usize, at: f64) -> Option<usize> {
        let plan = self.plan;
        let node = plan.nodes.get(nth)?;
        let next = node.next;
        match &node.step {
            Step::Send(send) => {
                let counts = self.counts(send);
                if counts {
                    self.sent.push(at);
                }
                let oldest = at - self.cap.per.nominal().as_secs_f64();
                let recent = self.sent.iter().filter(|sent| **sent > oldest).count();
                let found = match counts && recent > self.cap.count as usize {
                    true => Some(nth),
                    false => self.from(next, at),
                };
                if counts {
                    self.sent.pop();
                }
                // Where it is not sent its `else` runs.
                found.or_else(|| node.otherwise.and_then(|otherwise| self.from(Some(otherwise), at)))
            }
            Step::Wait(span) => self.from(next, at + span.nominal().as_secs_f64()),
            // Somebody else's moments: at least none of them is a message.
            Step::WaitUntil(_) | Step::WaitUntilComputed(_) => self.from(next, at),
            Step::WaitFor { branches, within } => {
                let within = within.nominal().as_secs_f64();
                let mut won = branches.iter().map(|branch| branch.then.or(next));
                let found = won.find_map(|then| self.from(then, at));
                found.or_else(|| self.from(node.otherwise.or(next), at + within))
            }
            Step::If(arms) => {
                let found = arms.iter().find_map(|arm| self.from(arm.then.or(next), at));
                found.or_else(|| self.from(node.otherwise.or(next), at))
            }
            Step::Choose(shares) => shares.iter().find_map(|share| self.from(share.then.or(next), at)),
            Step::Use { then, .. } => self.from(then.or(next), at),
            Step::Repeat { times, every, then, .. } => {
                let known = self.turns.iter().position(|(repeat, _)| *repeat == nth);
                let turn = known.and_then(|known| self.turns.get(known)).map_or(0, |(_, turn)| *turn) + 1;
                let pause = every.map_or(0.0, |every| every.nominal().as_secs_f64());
                let at = if turn > 1 { at + pause } else { at };
                let before = self.turns.clone();
                self.turns.truncate(known.unwrap_or(self.turns.len()));
                let found = match turn <= *times {
                    true => {
                        self.turns.push((nth, turn));
                        self.from(*then, at)
                    }
                    false => self.from(next, at),
                };
                self.turns = before;
                found
            }
            Step::Exit(_) => None,
            Step::Set(_) | Step::Update(_) | Step::Track { .. } | Step::Start { .. } | Step::Call(_) => {
                self.from(next, at)
            }
        }
    }

    fn counts(&self, send: &Send) -> bool {
        match self.channel {
            Some(channel) => send.channels.as_slice() == [channel],
            None => true,
        }
    }
}

#[cfg(test)]
mod tests;
