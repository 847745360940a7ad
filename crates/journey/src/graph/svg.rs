//! The graph as SVG: cards in layers, what stands beside the steps in a column of its own; light and dark as the reader's
//! machine wishes; every text escaped.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::layout::{self, LABEL, Laid, Placed, Point, Size};
use super::measure::{cut, fixed, width, wrap};
use super::{Graph, Kind, Line, Node};

/// The style of a graph: embedded in one that stands alone, else the page's to bring.
pub const STYLE: &str = include_str!("graph.css");

/// How wide a card is, and how far its text stands from its sides.
const CARD: f64 = 244.0;
const INSET: f64 = 16.0;
/// How high lines are: above the title, the title's, those below it, the note's.
const KICKER: f64 = 17.0;
const TITLE: f64 = 19.0;
const LINE: f64 = 17.0;
const NOTE: f64 = 26.0;
/// How many lines of a title, and of each line below it, are shown.
const TITLE_LINES: usize = 3;
const LINE_LINES: usize = 3;
/// Around everything; between the steps and what stands beside them; the head of one that stands alone.
const MARGIN: f64 = 24.0;
const GUTTER: f64 = 44.0;
const HEAD: f64 = 52.0;
/// The widest label of an edge.
const WIDEST_LABEL: f64 = 210.0;

/// Where a graph stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A file of its own, with its style and its name.
    Alone,
    /// Inside a page that brings [`STYLE`].
    Inside,
}

/// What is told of a node beside what the plan says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// How many are there now.
    pub here: Option<u64>,
    /// What came through, in a few words.
    pub note: Option<String>,
}

/// A card's text, broken into lines.
struct Card {
    kicker: String,
    title: Vec<String>,
    lines: Vec<(bool, String)>,
    size: Size,
}

/// Draws a graph. `marks` are by node.
pub fn svg(graph: &Graph, standing: Standing, marks: &BTreeMap<usize, Mark>) -> String {
    let none = Mark::default();
    let mark = |nth: usize| marks.get(&nth).unwrap_or(&none);
    let cards: Vec<Card> = graph.nodes.iter().enumerate().map(|(nth, node)| card(node, mark(nth))).collect();
    let sizes: Vec<Size> = cards.iter().map(|card| card.size).collect();
    let texts: Vec<Option<String>> =
        graph.edges.iter().map(|edge| edge.label.as_deref().map(label)).collect();
    let widths: Vec<Option<f64>> =
        texts.iter().map(|text| text.as_deref().map(|text| width(text, 11.5) + 18.0)).collect();
    let laid = layout::lay(graph, &sizes, &widths);
    let head = if standing == Standing::Alone { HEAD } else { 0.0 };
    let column = beside(graph, &sizes, laid.size.width);
    let below = column.iter().map(|(_, at)| at.top.y + at.size.height).fold(laid.size.height, f64::max);
    let right = if column.is_empty() { laid.size.width } else { laid.size.width + GUTTER + CARD };
    let whole = Size {
        width: right.max(if standing == Standing::Alone { 420.0 } else { 0.0 }) + 2.0 * MARGIN,
        height: below + head + 2.0 * MARGIN,
    };
    let mut out = opening(graph, standing, whole);
    let _ = write!(out, r#"<g transform="translate({MARGIN} {})">"#, MARGIN + head);
    ways(&mut out, graph, &laid);
    for (text, at) in texts.iter().zip(&laid.labels) {
        if let (Some(text), Some(at)) = (text, at) {
            pill(&mut out, text, *at);
        }
    }
    let flow = laid.nodes.iter().enumerate().filter_map(|(nth, at)| Some((nth, (*at)?)));
    for (nth, at) in flow.chain(column) {
        if let (Some(node), Some(card)) = (graph.nodes.get(nth), cards.get(nth)) {
            drawn(&mut out, node, card, at, mark(nth));
        }
    }
    out.push_str("</g></svg>");
    out
}

/// An edge's label, as far as there is room.
fn label(text: &str) -> String {
    cut(text, WIDEST_LABEL, |text| width(text, 11.5))
}

fn card(node: &Node, mark: &Mark) -> Card {
    let room = CARD - 2.0 * INSET;
    if node.kind == Kind::End {
        let note = mark.note.as_ref().map(|note| width(note, 12.0) + 24.0);
        let size = Size {
            width: (86.0_f64).max(note.unwrap_or(0.0)),
            height: if note.is_some() { 50.0 } else { 34.0 },
        };
        return Card { kicker: String::new(), title: vec![node.title.clone()], lines: Vec::new(), size };
    }
    let title = wrap(&node.title, room, TITLE_LINES, |text| width(text, 14.5));
    let lines: Vec<(bool, String)> = node
        .lines
        .iter()
        .flat_map(|line| match line {
            Line::Words(text) => {
                let lines = wrap(text, room, LINE_LINES, |text| width(text, 12.0));
                lines.into_iter().map(|line| (false, line)).collect::<Vec<_>>()
            }
            Line::Code(text) => {
                let lines = wrap(text, room, LINE_LINES, |text| fixed(text, 11.5));
                lines.into_iter().map(|line| (true, line)).collect()
            }
        })
        .collect();
    let gap = if lines.is_empty() { 0.0 } else { 4.0 };
    let note = if mark.note.is_some() { NOTE } else { 0.0 };
    let height = 24.0 + KICKER + TITLE * title.len() as f64 + gap + LINE * lines.len() as f64 + note;
    Card { kicker: node.kicker.clone(), title, lines, size: Size { width: CARD, height } }
}

/// What stands beside the steps, from top to bottom.
fn beside(graph: &Graph, sizes: &[Size], left: f64) -> Vec<(usize, Placed)> {
    let mut y = 0.0;
    let mut column = Vec::new();
    for ((nth, node), size) in graph.nodes.iter().enumerate().zip(sizes) {
        if node.kind.is_beside() {
            let top = Point { x: left + GUTTER + CARD / 2.0, y };
            column.push((nth, Placed { top, size: *size }));
            y += size.height + 16.0;
        }
    }
    column
}

fn opening(graph: &Graph, standing: Standing, whole: Size) -> String {
    let Size { width, height } = whole;
    let name = escaped(&graph.journey);
    let told: Vec<String> = graph.nodes.iter().map(told).collect();
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="graph" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}" role="img" aria-labelledby="graph-title graph-desc"><title id="graph-title">Journey {name}</title><desc id="graph-desc">{}</desc>"#,
        escaped(&told.join(". "))
    );
    if standing == Standing::Alone {
        let _ = write!(out, "<style>{STYLE}</style>");
        let _ = write!(out, r#"<rect class="paper" width="100%" height="100%"/>"#);
        let _ = write!(out, r#"<text class="name" x="{MARGIN}" y="{}">{name}</text>"#, MARGIN + 16.0);
        let about =
            cut(&graph.about.join(" · "), whole.width - 2.0 * MARGIN, |text| self::width(text, 12.5));
        let _ = write!(
            out,
            r#"<text class="about" x="{MARGIN}" y="{}">{}</text>"#,
            MARGIN + 36.0,
            escaped(&about)
        );
    }
    out
}

/// A node in a sentence.
fn told(node: &Node) -> String {
    let words =
        [node.kicker.as_str(), node.title.as_str()].into_iter().chain(node.lines.iter().map(Line::text));
    words.filter(|words| !words.is_empty()).collect::<Vec<_>>().join(", ")
}

fn ways(out: &mut String, graph: &Graph, laid: &Laid) {
    for (edge, points) in graph.edges.iter().zip(&laid.edges) {
        let (Some(first), Some(last)) = (points.first(), points.last()) else { continue };
        let mut path = format!("M{:.1} {:.1}", first.x, first.y);
        let mut at = *first;
        for (nth, point) in points.iter().enumerate().skip(1) {
            // The tip of the arrow stands at the card's side, the line ends in it.
            let y = if nth + 1 == points.len() { point.y - 5.0 } else { point.y };
            if (point.x - at.x).abs() < 0.5 {
                let _ = write!(path, "L{:.1} {y:.1}", point.x);
            } else {
                let middle = (at.y + y) / 2.0;
                let _ =
                    write!(path, "C{:.1} {middle:.1} {:.1} {middle:.1} {:.1} {y:.1}", at.x, point.x, point.x);
            }
            at = *point;
        }
        let other = if edge.main { "" } else { " other" };
        let _ = write!(out, r#"<path class="way{other}" d="{path}"/>"#);
        let (x, y) = (last.x, last.y);
        let _ = write!(out, r#"<path class="tip" d="M{x:.1} {y:.1}l-4.5 -8h9z"/>"#);
    }
}

fn pill(out: &mut String, text: &str, at: Point) {
    let wide = width(text, 11.5) + 14.0;
    let (x, y) = (at.x - wide / 2.0, at.y - LABEL / 2.0);
    let _ = write!(
        out,
        r#"<rect class="pill" x="{x:.1}" y="{y:.1}" width="{wide:.1}" height="{LABEL}" rx="10"/><text class="label" x="{:.1}" y="{:.1}">{}</text>"#,
        at.x,
        at.y + 4.0,
        escaped(text)
    );
}

fn drawn(out: &mut String, node: &Node, card: &Card, at: Placed, mark: &Mark) {
    let (x, y) = (at.top.x - at.size.width / 2.0, at.top.y);
    let Size { width: wide, height } = at.size;
    let beside = if node.kind.is_beside() { " beside" } else { "" };
    let _ = write!(out, r#"<g class="{}{beside}" transform="translate({x:.1} {y:.1})">"#, node.kind.code());
    if node.kind == Kind::End {
        let _ = write!(out, r#"<rect class="card" width="{wide:.1}" height="{height}" rx="17"/>"#);
        let _ = write!(out, r#"<text class="title" x="{:.1}" y="22">End</text>"#, wide / 2.0);
        if let Some(note) = &mark.note {
            let _ =
                write!(out, r#"<text class="count" x="{:.1}" y="40">{}</text>"#, wide / 2.0, escaped(note));
        }
        out.push_str("</g>");
        return;
    }
    let _ = write!(out, r#"<rect class="card" width="{wide}" height="{height}" rx="10"/>"#);
    let _ = write!(out, r#"<rect class="bar" y="12" width="4" height="{}" rx="2"/>"#, height - 24.0);
    let mut line = 12.0 + KICKER - 5.0;
    let kicker = width(&card.kicker, 11.0) * 1.2;
    let _ = write!(out, r#"<text class="kicker" x="{INSET}" y="{line}">{}</text>"#, escaped(&card.kicker));
    let here = mark.here.map(thousands);
    let chip = here.as_ref().map_or(0.0, |here| width(here, 12.0) + 16.0);
    if let Some(step) = &node.step {
        let room = wide - 2.0 * INSET - kicker - chip - 14.0;
        let step = cut(step, room.max(0.0), |text| width(text, 11.0));
        if step != "…" {
            let right = if chip > 0.0 { wide - chip - 14.0 } else { wide - INSET };
            let step = escaped(&step);
            let _ = write!(out, r#"<text class="step" x="{right:.1}" y="{line}">{step}</text>"#);
        }
    }
    if let Some(here) = &here {
        let left = wide - 8.0 - chip;
        let _ = write!(
            out,
            r#"<rect class="here" x="{left:.1}" y="8" width="{chip:.1}" height="21" rx="10.5"/>"#
        );
        let _ = write!(out, r#"<text class="count" x="{:.1}" y="23">{here}</text>"#, left + chip / 2.0);
    }
    line += 2.0;
    for title in &card.title {
        line += TITLE;
        let _ = write!(out, r#"<text class="title" x="{INSET}" y="{line}">{}</text>"#, escaped(title));
    }
    line += if card.lines.is_empty() { 0.0 } else { 4.0 };
    for (code, text) in &card.lines {
        line += LINE;
        let class = if *code { "line code" } else { "line" };
        let _ = write!(out, r#"<text class="{class}" x="{INSET}" y="{line}">{}</text>"#, escaped(text));
    }
    if let Some(note) = &mark.note {
        let rule = height - NOTE - 4.0;
        let _ = write!(out, r#"<path class="rule" d="M{INSET} {rule:.1}H{}"/>"#, wide - INSET);
        let note = cut(note, wide - 2.0 * INSET, |text| width(text, 12.0));
        let _ = write!(
            out,
            r#"<text class="note" x="{INSET}" y="{:.1}">{}</text>"#,
            height - 11.0,
            escaped(&note)
        );
    }
    out.push_str("</g>");
}

/// `12,345`
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut told = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    told
}

/// As XML takes it: nothing of it is markup, and what XML has no room for is left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn digits_stand_in_groups() {
        for (number, said) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(super::thousands(number), said);
        }
    }
}
