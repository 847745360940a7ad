//! Where everything stands: layers from top to bottom (Sugiyama, Tagawa and Toda, 1981), by the longest way from the
//! trigger; what crosses a layer keeps a place in it, and so do labels, in layers of their own; few crossings by
//! barycenters; then each layer is moved as near as it can to what it is joined with, in the least squares.
//!
//! Edges lead from a node to a later one, as plans have it; one that did not would be drawn straight.

use std::ops::Range;

use super::{Edge, Graph};

/// Between two boxes beside each other, pixels.
const BESIDE: f64 = 28.0;
/// Between two layers, pixels: a node's and the one of labels below it.
const BELOW: f64 = 20.0;
/// How high a label is.
pub(super) const LABEL: f64 = 20.0;
/// How often layers are ordered, and how often moved.
const SWEEPS: usize = 12;

/// How large something is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

/// A box by the middle of its upper side.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Placed {
    pub(super) top: Point,
    pub(super) size: Size,
}

/// A drawing's measures.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Laid {
    /// By node; `None` of what stands beside the steps.
    pub(super) nodes: Vec<Option<Placed>>,
    /// By edge: the points it goes through, downwards; each pair is one way through a layer, or from one to the next.
    pub(super) edges: Vec<Vec<Point>>,
    /// By edge: the middle of its label.
    pub(super) labels: Vec<Option<Point>>,
    pub(super) size: Size,
}

/// What has a place in a layer.
struct Item {
    rank: usize,
    size: Size,
    /// Its middle.
    x: f64,
    /// Joined with which items above and below, and how strongly.
    above: Vec<(usize, f64)>,
    below: Vec<(usize, f64)>,
}

/// Lays out nodes of these sizes and edges whose labels are so wide.
pub(super) fn lay(graph: &Graph, sizes: &[Size], labels: &[Option<f64>]) -> Laid {
    let ranks = ranks(graph);
    let mut items: Vec<Item> = Vec::new();
    let mut of_node: Vec<Option<usize>> = Vec::new();
    for ((node, rank), size) in graph.nodes.iter().zip(&ranks).zip(sizes) {
        of_node.push((!node.kind.is_beside()).then_some(items.len()));
        if !node.kind.is_beside() {
            items.push(Item { rank: *rank, size: *size, x: 0.0, above: Vec::new(), below: Vec::new() });
        }
    }
    // The items each edge goes through, both ends included.
    let mut ways: Vec<Vec<usize>> = Vec::new();
    for (edge, label) in graph.edges.iter().zip(labels) {
        let end = |node: usize| of_node.get(node).copied().flatten();
        let (Some(from), Some(to)) = (end(edge.from), end(edge.to)) else {
            ways.push(Vec::new());
            continue;
        };
        let between: Range<usize> = match (items.get(from), items.get(to)) {
            (Some(from), Some(to)) if from.rank < to.rank => from.rank + 1..to.rank,
            _ => 0..0,
        };
        let mut way = vec![from];
        let first = between.start;
        for rank in between {
            let label = label.filter(|_| rank == first);
            let size = Size { width: label.unwrap_or(2.0), height: label.map_or(0.0, |_| LABEL) };
            way.push(items.len());
            items.push(Item { rank, size, x: 0.0, above: Vec::new(), below: Vec::new() });
        }
        way.push(to);
        join(&mut items, &way, edge);
        ways.push(way);
    }
    let layers = place(&mut items, &ways);
    measured(graph, &items, &layers, &of_node, &ways, labels)
}

/// Even numbers for nodes; the odd layers between are the labels'.
fn ranks(graph: &Graph) -> Vec<usize> {
    let mut ranks = vec![0; graph.nodes.len()];
    // Edges lead to later nodes, so that those before are known.
    for node in 0..graph.nodes.len() {
        let rank = ranks.get(node).copied().unwrap_or(0);
        for edge in graph.edges.iter().filter(|edge| edge.from == node && edge.to > node) {
            if let Some(to) = ranks.get_mut(edge.to) {
                *to = (rank + 2).max(*to);
            }
        }
    }
    ranks
}

fn join(items: &mut [Item], way: &[usize], edge: &Edge) {
    // Long ways want to be straight most of all; then the way a run goes when nothing stands against it.
    let strength = match (way.len() > 3, edge.main) {
        (true, _) => 6.0,
        (false, true) => 4.0,
        (false, false) => 1.0,
    };
    for (upper, lower) in way.iter().zip(way.iter().skip(1)) {
        if let Some(item) = items.get_mut(*upper) {
            item.below.push((*lower, strength));
        }
        if let Some(item) = items.get_mut(*lower) {
            item.above.push((*upper, strength));
        }
    }
}

/// The items of each layer, from left to right, each with its `x`.
fn place(items: &mut [Item], ways: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut layers = ordered(items, ways);
    let mut best = layers.clone();
    let mut fewest = crossings(items, &layers);
    for sweep in 0..SWEEPS {
        sort(items, &mut layers, sweep % 2 == 0);
        let crossed = crossings(items, &layers);
        if crossed < fewest {
            (fewest, best) = (crossed, layers.clone());
        }
    }
    for sweep in 0..2 * SWEEPS {
        let down = sweep % 2 == 0;
        let count = best.len();
        for nth in 0..count {
            let nth = if down { nth } else { count - 1 - nth };
            if let Some(layer) = best.get(nth) {
                // The last time all that it is joined with counts.
                shift(items, layer, down || sweep + 2 >= 2 * SWEEPS, !down || sweep + 2 >= 2 * SWEEPS);
            }
        }
    }
    for _ in 0..2 {
        for way in ways {
            straighten(items, &best, way);
        }
    }
    best
}

/// Lets a way through several layers run straight, where there is room for that in all of them.
fn straighten(items: &mut [Item], layers: &[Vec<usize>], way: &[usize]) {
    let inner = way.get(1..way.len().saturating_sub(1)).unwrap_or_default();
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for nth in inner {
        let Some(item) = items.get(*nth) else { return };
        let half = item.size.width / 2.0;
        let layer = layers.get(item.rank).map(Vec::as_slice).unwrap_or_default();
        let place = layer.iter().position(|other| other == nth).unwrap_or(0);
        let beside = |place: Option<usize>| place.and_then(|place| items.get(*layer.get(place)?));
        if let Some(left) = beside(place.checked_sub(1)) {
            low = low.max(left.x + left.size.width / 2.0 + BESIDE + half);
        }
        if let Some(right) = beside(Some(place + 1)) {
            high = high.min(right.x - right.size.width / 2.0 - BESIDE - half);
        }
    }
    let Some(middle) = mean(inner.iter().filter_map(|nth| items.get(*nth)).map(|item| (item.x, 1.0))) else {
        return;
    };
    if low <= high {
        for nth in inner {
            if let Some(item) = items.get_mut(*nth) {
                item.x = middle.clamp(low, high);
            }
        }
    }
}

/// Layers in the order in which a walk meets their items: what is taken first stands left.
fn ordered(items: &[Item], ways: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let deepest = items.iter().map(|item| item.rank).max().unwrap_or(0);
    let mut layers = vec![Vec::new(); deepest + 1];
    let mut met = vec![false; items.len()];
    let firsts = ways.iter().filter_map(|way| way.first().copied());
    let mut waiting: Vec<usize> = firsts.chain(0..items.len()).collect();
    waiting.reverse();
    while let Some(nth) = waiting.pop() {
        let (Some(item), Some(met)) = (items.get(nth), met.get_mut(nth)) else { continue };
        if std::mem::replace(met, true) {
            continue;
        }
        if let Some(layer) = layers.get_mut(item.rank) {
            layer.push(nth);
        }
        waiting.extend(item.below.iter().rev().map(|(below, _)| *below));
    }
    layers
}

/// Orders every layer by the middle of where its neighbours stand.
fn sort(items: &[Item], layers: &mut [Vec<usize>], down: bool) {
    let count = layers.len();
    for step in 0..count {
        let nth = if down { step } else { count - 1 - step };
        let places = places(items.len(), layers);
        let Some(layer) = layers.get_mut(nth) else { continue };
        let middle = |nth: &usize| {
            let own = places.get(*nth).copied().unwrap_or(0.0);
            let Some(item) = items.get(*nth) else { return own };
            let joined = if down { &item.above } else { &item.below };
            mean(joined.iter().map(|(other, _)| (places.get(*other).copied().unwrap_or(0.0), 1.0)))
                .unwrap_or(own)
        };
        layer.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
    }
}

/// By item: which of its layer it is.
fn places(items: usize, layers: &[Vec<usize>]) -> Vec<f64> {
    let mut places = vec![0.0; items];
    for layer in layers {
        for (place, nth) in layer.iter().enumerate() {
            if let Some(known) = places.get_mut(*nth) {
                *known = place as f64;
            }
        }
    }
    places
}

fn crossings(items: &[Item], layers: &[Vec<usize>]) -> usize {
    let places = places(items.len(), layers);
    let place = |nth: usize| places.get(nth).copied().unwrap_or(0.0);
    let mut crossed = 0;
    for layer in layers {
        let lines = layer.iter().filter_map(|nth| items.get(*nth).map(|item| (*nth, item)));
        let lines: Vec<(f64, f64)> = lines
            .flat_map(|(nth, item)| item.below.iter().map(move |(below, _)| (nth, *below)))
            .map(|(upper, lower)| (place(upper), place(lower)))
            .collect();
        for (nth, (upper, lower)) in lines.iter().enumerate() {
            let others = lines.iter().skip(nth + 1);
            crossed += others.filter(|(u, l)| (u - upper) * (l - lower) < 0.0).count();
        }
    }
    crossed
}

fn mean(of: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (sum, weight) =
        of.fold((0.0, 0.0), |(sum, all), (value, weight)| (sum + value * weight, all + weight));
    (weight > 0.0).then(|| sum / weight)
}

/// Moves the items of a layer as near as they can come to what they are joined with above, below or both, in the least
/// squares, without passing or touching each other (pool adjacent violators: Ayer et al., 1955).
fn shift(items: &mut [Item], layer: &[usize], above: bool, below: bool) {
    // Pools of items that touch: where the first wants to be, how strongly, and how many they are.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    let mut offsets: Vec<f64> = Vec::new();
    let mut right = 0.0;
    for nth in layer {
        let Some(item) = items.get(*nth) else { continue };
        let half = item.size.width / 2.0;
        let offset = if offsets.is_empty() { 0.0 } else { right + BESIDE + half };
        right = offset + half;
        let joined = item.above.iter().filter(|_| above).chain(item.below.iter().filter(|_| below));
        let at = |(other, weight): &(usize, f64)| (items.get(*other).map_or(0.0, |other| other.x), *weight);
        let weight: f64 = joined.clone().map(|(_, weight)| weight).sum();
        // Who is joined with nothing on that side stays.
        let (wish, weight) = match mean(joined.map(at)) {
            Some(wish) => (wish, weight),
            None => (item.x, 0.01),
        };
        offsets.push(offset);
        pools.push((wish - offset, weight, 1));
        while let [.., before, last] = pools.as_slice() {
            if before.0 <= last.0 {
                break;
            }
            let weight = before.1 + last.1;
            let pooled = ((before.0 * before.1 + last.0 * last.1) / weight, weight, before.2 + last.2);
            pools.truncate(pools.len() - 2);
            pools.push(pooled);
        }
    }
    let starts = pools.iter().flat_map(|(start, _, count)| std::iter::repeat_n(*start, *count));
    for ((nth, start), offset) in layer.iter().zip(starts).zip(offsets) {
        if let Some(item) = items.get_mut(*nth) {
            item.x = start + offset;
        }
    }
}

/// From layers to points.
fn measured(
    graph: &Graph,
    items: &[Item],
    layers: &[Vec<usize>],
    of_node: &[Option<usize>],
    ways: &[Vec<usize>],
    labels: &[Option<f64>],
) -> Laid {
    let left = items.iter().map(|item| item.x - item.size.width / 2.0).fold(f64::INFINITY, f64::min);
    let left = if left.is_finite() { left } else { 0.0 };
    let right = items.iter().map(|item| item.x + item.size.width / 2.0 - left).fold(0.0, f64::max);
    let mut tops: Vec<(f64, f64)> = Vec::new();
    let mut y = 0.0;
    for layer in layers {
        let height = layer.iter().filter_map(|nth| items.get(*nth)).map(|item| item.size.height);
        let height = height.fold(0.0, f64::max);
        tops.push((y, height));
        y += height + BELOW;
    }
    let band = |item: &Item| tops.get(item.rank).copied().unwrap_or_default();
    let placed = |nth: &usize| {
        items
            .get(*nth)
            .map(|item| Placed { top: Point { x: item.x - left, y: band(item).0 }, size: item.size })
    };
    let mut laid = Laid { size: Size { width: right, height: (y - BELOW).max(0.0) }, ..Laid::default() };
    laid.nodes = of_node.iter().map(|nth| nth.as_ref().and_then(placed)).collect();
    for ((way, label), edge) in ways.iter().zip(labels).zip(&graph.edges) {
        let mut points = Vec::new();
        for (nth, item) in way.iter().enumerate() {
            let Some(item) = items.get(*item) else { continue };
            let ((top, height), x) = (band(item), item.x - left);
            if nth == 0 {
                points.push(Point { x, y: top + item.size.height });
            } else if nth + 1 == way.len() {
                points.push(Point { x, y: top });
            } else {
                points.extend([Point { x, y: top }, Point { x, y: top + height }]);
            }
        }
        let second = way.get(1).filter(|_| way.len() > 2 && edge.from != edge.to).and_then(placed);
        let middle = |at: Placed| Point { x: at.top.x, y: at.top.y + LABEL / 2.0 };
        laid.labels.push(label.and(second).map(middle));
        laid.edges.push(points);
    }
    laid
}

#[cfg(test)]
mod tests;
