//! `journeyman graph`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use journeyman_domain::plan::Plan;
use journeyman_engine::deploy;
use journeyman_journey::graph::{self, Graph, Standing};
use journeyman_journey::{Severity, Source};
use serde_json::{Value, json};

use crate::diagnostics::{self, Told};

/// How wide the drawing for a terminal is at most.
const COLUMNS: usize = 100;

/// Draw journeys as graphs
///
/// Of one journey, or of all of a folder: what begins it, its steps, where they lead and when, its goal, exits and holdout.
/// What is around a journey (journeyman.yaml, segments, templates) is read from its folder, and has to be sound.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman graph                                            all journeys here\n  \
                        journeyman graph journeys/cart-abandonment.yaml\n  \
                        journeyman graph journeys/cart-abandonment.yaml --svg cart.svg\n  \
                        journeyman graph --svg docs/journeys                        a file for each, into a folder\n  \
                        journeyman graph --json"
)]
pub(super) struct Graphs {
    /// A journey by its name or file, or the folder that holds journeyman.yaml and journeys/
    #[arg(default_value = ".", value_name = "JOURNEY")]
    what: PathBuf,
    /// Draw it as SVG to this file; several into this folder, which has to be there
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print nodes and edges as one JSON object
    #[arg(long, conflicts_with = "svg")]
    json: bool,
}

impl Graphs {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let plans = plans(&self.what)?;
        let graphs: Vec<Graph> = plans.iter().map(|plan| graph::of(plan)).collect();
        if self.json {
            let told: Vec<Value> = graphs.iter().map(told).collect();
            diagnostics::print(&format!("{}\n", json!({ "journeys": told })));
            return Ok(());
        }
        let Some(svg) = &self.svg else {
            let drawn: Vec<String> = graphs.iter().map(|graph| graph::text(graph, COLUMNS)).collect();
            diagnostics::print(&drawn.join("\n\n"));
            return Ok(());
        };
        let into = svg.is_dir();
        if !into && graphs.len() > 1 {
            bail!(
                "there are {} journeys, and {} is one file; name a folder that is there, or one journey",
                graphs.len(),
                svg.display()
            );
        }
        for graph in &graphs {
            let file = if into { svg.join(format!("{}.svg", graph.journey)) } else { svg.clone() };
            let drawn = graph::svg(graph, Standing::Alone, &BTreeMap::new());
            std::fs::write(&file, drawn).with_context(|| format!("can't write {}", file.display()))?;
            eprintln!("{}", file.display());
        }
        Ok(())
    }
}

/// The plans asked for, by name.
pub(super) fn plans(what: &Path) -> anyhow::Result<Vec<Arc<Plan>>> {
    if what.is_dir() {
        let sources = diagnostics::read_folder(what)?;
        let mut plans = compiled(&sources)?;
        plans.sort_by(|a, b| a.name.cmp(&b.name));
        return Ok(plans);
    }
    // A name is enough in the folder.
    let named = Path::new("journeys").join(what).with_extension("yaml");
    let what = if what.exists() || !named.is_file() { what } else { &named };
    let file = std::fs::canonicalize(what)
        .with_context(|| format!("can't read {}; name a journey's file, or a folder", what.display()))?;
    let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    // The folder that holds `journeys/` is the shop's.
    let shop = file.ancestors().find(|above| above.ends_with("journeys")).and_then(Path::parent);
    let sources = match shop {
        Some(shop) => diagnostics::read_folder(shop)?,
        None => {
            let text =
                std::fs::read_to_string(&file).with_context(|| format!("can't read {}", what.display()))?;
            vec![Source { path: format!("journeys/{name}.yaml"), text }]
        }
    };
    let mut plans = compiled(&sources)?;
    plans.retain(|plan| plan.name.as_ref() == name);
    if plans.is_empty() {
        bail!("{} is no journey; what stands in journeys/segments or beside it has no graph", what.display());
    }
    Ok(plans)
}

fn compiled(sources: &[Source]) -> anyhow::Result<Vec<Arc<Plan>>> {
    let checked = deploy::check(sources, false);
    match checked.deployment {
        Some(deployment) => Ok(deployment.plans),
        None => {
            let mut errors = checked.diagnostics;
            errors.retain(|said| said.severity == Severity::Error);
            eprint!("{}", diagnostics::draw(sources, &errors, diagnostics::in_colour()));
            Err(Told.into())
        }
    }
}

/// For programs.
fn told(graph: &Graph) -> Value {
    let nodes: Vec<Value> = graph
        .nodes
        .iter()
        .map(|node| {
            let lines: Vec<&str> = node.lines.iter().map(graph::Line::text).collect();
            json!({
                "kind": node.kind.code(),
                "step": node.step,
                "title": node.title,
                "by": node.kicker,
                "lines": lines,
            })
        })
        .collect();
    let edges: Vec<Value> = graph
        .edges
        .iter()
        .map(|edge| json!({ "from": edge.from, "to": edge.to, "label": edge.label, "main": edge.main }))
        .collect();
    json!({ "journey": graph.journey, "about": graph.about, "nodes": nodes, "edges": edges })
}
