use proptest::prelude::*;

use super::super::{Kind, Node};
use super::*;

/// A graph of so many nodes with these edges, whose boxes and labels are as large as given.
fn laid(nodes: usize, edges: &[(usize, usize, bool)], wide: &[f64]) -> (Graph, Laid) {
    let node = |_| Node {
        kind: Kind::Send,
        step: None,
        kicker: String::new(),
        title: String::new(),
        lines: Vec::new(),
    };
    let edge = |(from, to, label): &(usize, usize, bool)| Edge {
        from: *from,
        to: *to,
        label: label.then(|| "label".to_owned()),
        main: !label,
    };
    let graph = Graph {
        journey: "t".into(),
        about: Vec::new(),
        nodes: (0..nodes).map(node).collect(),
        edges: edges.iter().map(edge).collect(),
    };
    let sizes: Vec<Size> =
        (0..nodes).map(|nth| Size { width: wide[nth % wide.len()], height: 40.0 + nth as f64 }).collect();
    let labels: Vec<Option<f64>> = graph.edges.iter().map(|edge| edge.label.as_ref().map(|_| 60.0)).collect();
    let laid = lay(&graph, &sizes, &labels);
    (graph, laid)
}

/// Everything that takes room: boxes, and labels.
fn boxes(laid: &Laid) -> Vec<(f64, f64, f64, f64)> {
    let nodes = laid.nodes.iter().flatten().map(|at| {
        let half = at.size.width / 2.0;
        (at.top.x - half, at.top.y, at.top.x + half, at.top.y + at.size.height)
    });
    let labels = laid.labels.iter().flatten();
    let labels = labels.map(|at| (at.x - 30.0, at.y - LABEL / 2.0, at.x + 30.0, at.y + LABEL / 2.0));
    nodes.chain(labels).collect()
}

fn sound(graph: &Graph, laid: &Laid) {
    let boxes = boxes(laid);
    for (nth, a) in boxes.iter().enumerate() {
        let inside = a.0 > -0.01 && a.2 < laid.size.width + 0.01 && a.3 < laid.size.height + 0.01;
        assert!(inside, "{a:?} stands outside {:?}", laid.size);
        for b in &boxes[nth + 1..] {
            let apart = a.2 <= b.0 + 0.01 || b.2 <= a.0 + 0.01 || a.3 <= b.1 + 0.01 || b.3 <= a.1 + 0.01;
            assert!(apart, "{a:?} covers {b:?}");
        }
    }
    for (edge, points) in graph.edges.iter().zip(&laid.edges) {
        assert!(points.windows(2).all(|pair| pair[0].y <= pair[1].y), "{edge:?} goes up");
        // Each pair inside is a way through a layer, which goes through no box of it.
        for pair in points[1..points.len() - 1].chunks(2) {
            for at in laid.nodes.iter().flatten() {
                let beside = (pair[0].x - at.top.x).abs() >= at.size.width / 2.0;
                let other = pair[1].y <= at.top.y || pair[0].y >= at.top.y + at.size.height;
                assert!(beside || other, "{edge:?} goes through {at:?}");
            }
        }
    }
    assert!(
        graph.edges.iter().zip(&laid.labels).all(|(edge, label)| edge.label.is_some() == label.is_some())
    );
}

#[test]
fn a_chain_is_straight_and_a_branch_meets_again() {
    let (graph, chain) = laid(4, &[(0, 1, false), (1, 2, false), (2, 3, false)], &[100.0]);
    sound(&graph, &chain);
    assert!(chain.nodes.iter().flatten().all(|at| (at.top.x - 50.0).abs() < 0.01), "{chain:?}");
    // 0 -> 1 -> 3, and beside 1 the way 0 -> 2 -> 3.
    let (graph, branch) = laid(4, &[(0, 1, false), (0, 2, true), (1, 3, false), (2, 3, false)], &[100.0]);
    sound(&graph, &branch);
    let x = |nth: usize| branch.nodes[nth].unwrap().top.x;
    assert!(x(1) < x(2) && x(1) <= x(3) && x(3) <= x(2), "{branch:?}");
}

proptest! {
    #[test]
    fn nothing_covers_anything(
        nodes in 2_usize..14,
        wide in prop::collection::vec(40.0_f64..260.0, 1..4),
        drawn in prop::collection::vec((0_usize..100, 0_usize..100, any::<bool>()), 0..24),
    ) {
        // Every node but the first is led to from an earlier one, as in a plan, and then some more.
        let first = (1..nodes).map(|to| {
            let (from, _, label) = drawn.get(to).copied().unwrap_or((to / 2, 0, false));
            (from % to, to, label)
        });
        let more = drawn.iter().filter_map(|(a, b, label)| {
            let (a, b) = (a % nodes, b % nodes);
            (a < b).then_some((a, b, *label))
        });
        let edges: Vec<_> = first.chain(more).collect();
        let (graph, laid) = laid(nodes, &edges, &wide);
        sound(&graph, &laid);
    }
}
