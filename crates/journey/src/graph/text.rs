//! The graph for a terminal: steps one below the other, what branches off indented under its label until it meets the
//! others again. At most so many columns, no colours.

use std::collections::BTreeSet;

use super::measure::wrap;
use super::{Graph, Kind, Line, Node};

/// How deep branches are indented; deeper ones stand where these do.
const DEEPEST: usize = 12;

/// Draws a graph, at most `columns` wide; at least 40 are used.
pub fn text(graph: &Graph, columns: usize) -> String {
    let mut drawing = Drawing { graph, columns: columns.max(40), out: String::new() };
    drawing.line("", &graph.journey);
    drawing.line("", &graph.about.join(" · "));
    drawing.line("", "");
    drawing.walk(0, None, 0, &mut BTreeSet::new());
    let beside: Vec<&Node> = graph.nodes.iter().filter(|node| node.kind.is_beside()).collect();
    if !beside.is_empty() {
        drawing.line("", "");
    }
    for node in beside {
        let said: Vec<&str> = node.lines.iter().map(Line::text).collect();
        let title = format!("{}: {}; {}", node.kicker, node.title, said.join("; "));
        drawing.hanging("", &title, 2);
    }
    drawing.out
}

struct Drawing<'a> {
    graph: &'a Graph,
    columns: usize,
    out: String,
}

impl Drawing<'_> {
    /// Steps from `at` until `stop`, where ways meet again.
    fn walk(&mut self, at: usize, stop: Option<usize>, depth: usize, drawn: &mut BTreeSet<usize>) {
        let mut at = at;
        loop {
            if Some(at) == stop {
                return;
            }
            let Some(node) = self.graph.nodes.get(at) else { return };
            let margin = "│   ".repeat(depth.min(DEEPEST));
            if !drawn.insert(at) {
                let title = if node.kind == Kind::End { "End" } else { node.step.as_deref().unwrap_or("") };
                self.line(&margin, &format!("↷ goes on at {title}"));
                return;
            }
            self.node(&margin, node);
            let graph = self.graph;
            let ways: Vec<_> = graph.edges.iter().filter(|edge| edge.from == at).collect();
            let next = match ways.as_slice() {
                [] => return,
                [only] if only.label.is_none() => only.to,
                several => {
                    let meet = self.meeting(at, stop);
                    for edge in several {
                        let label = edge.label.as_deref().unwrap_or("otherwise");
                        let goes_on = Some(edge.to) == meet;
                        let to = if goes_on { ": goes on below" } else { "" };
                        self.hanging(&margin, &format!("├─ {label}{to}"), 3);
                        if !goes_on {
                            self.walk(edge.to, meet, depth + 1, drawn);
                        }
                    }
                    match meet {
                        Some(meet) => meet,
                        None => return,
                    }
                }
            };
            at = next;
        }
    }

    /// Where all ways from a node meet again, before `stop` or at it.
    fn meeting(&self, from: usize, stop: Option<usize>) -> Option<usize> {
        let reached = |edge: &super::Edge| self.reached(edge.to, stop);
        let mut ways = self.graph.edges.iter().filter(|edge| edge.from == from);
        // Those that come to nothing but an exit have nothing to meet.
        let first = ways.next().map(reached)?;
        let mut sets = vec![first];
        sets.extend(ways.map(reached));
        let ending = |set: &BTreeSet<usize>| {
            set.iter().any(|nth| {
                self.graph.nodes.get(*nth).is_some_and(|node| node.kind == Kind::End) || Some(*nth) == stop
            })
        };
        let going: Vec<&BTreeSet<usize>> = sets.iter().filter(|set| ending(set)).collect();
        let (first, rest) = going.split_first()?;
        let common = first.iter().filter(|nth| rest.iter().all(|set| set.contains(nth))).copied();
        // Of what all of them come to, what no way goes around: edges lead to later nodes, so the first.
        common.into_iter().find(|nth| going.iter().all(|set| self.passes(set, *nth)))
    }

    /// Whether every way through these nodes passes one of them.
    fn passes(&self, set: &BTreeSet<usize>, through: usize) -> bool {
        let around = |edge: &&super::Edge| {
            edge.from < through && edge.to > through && set.contains(&edge.from) && set.contains(&edge.to)
        };
        !self.graph.edges.iter().any(|edge| around(&edge))
    }

    fn reached(&self, from: usize, stop: Option<usize>) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![from];
        while let Some(at) = waiting.pop() {
            if reached.insert(at) && Some(at) != stop {
                waiting.extend(self.graph.edges.iter().filter(|edge| edge.from == at).map(|edge| edge.to));
            }
        }
        reached
    }

    fn node(&mut self, margin: &str, node: &Node) {
        if node.kind == Kind::End {
            self.line(margin, "■ End");
            return;
        }
        let sign = match node.kind {
            Kind::Trigger => '▶',
            Kind::Send => '✉',
            Kind::Wait | Kind::WaitFor => '◷',
            Kind::Branch | Kind::Split => '◆',
            Kind::Exit => '■',
            _ => '●',
        };
        let step = node.step.as_ref().map_or(String::new(), |step| format!("  [{step}]"));
        let kicker = node.kicker.replace(" · ", " by ");
        self.hanging(margin, &format!("{sign} {kicker}: {}{step}", node.title), 2);
        for line in &node.lines {
            self.hanging(&format!("{margin}│   "), line.text(), 2);
        }
    }

    /// A text whose further lines are indented by so many.
    fn hanging(&mut self, margin: &str, text: &str, indent: usize) {
        let room = self.columns.saturating_sub(margin.chars().count() + indent).max(12);
        let count = |text: &str| text.chars().count() as f64;
        let lines = wrap(text, room as f64, usize::MAX, count);
        for (nth, line) in lines.iter().enumerate() {
            let before = if nth == 0 { String::new() } else { " ".repeat(indent) };
            self.line(margin, &format!("{before}{line}"));
        }
    }

    fn line(&mut self, margin: &str, text: &str) {
        let line = format!("{margin}{text}");
        // A terminal is not to be told where to put its cursor.
        let plain = line.trim_end().chars().map(|letter| if letter.is_control() { ' ' } else { letter });
        self.out.extend(plain);
        self.out.push('\n');
    }
}
