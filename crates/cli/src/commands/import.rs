//! `journeyman import`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::config::Config;
use crate::doorway;
use crate::import::{self, Mapping, Summary};

/// Load history: events from a file, one line one event
///
/// NDJSON holds messages of the tracking form, a CSV's columns are mapped onto it; either may be gzipped. A file is
/// known by its content: to import it again changes nothing, and an import that was broken off goes on where it was.
/// Imported events are historical: they change profiles, counters and segments, and start no journey.
#[derive(Args)]
#[command(after_help = "Examples:\n  journeyman import events.ndjson.gz\n  \
    journeyman import orders.csv --set event=\"Order Completed\" --map userId=customer --map timestamp=t \\\n    \
    --time-format \"%Y-%m-%d %H:%M\" --zone Europe/London --map properties.price:number=price\n  \
    journeyman import log.csv --map event=action --map anonymousId=visitor --map timestamp=ms \\\n    \
    --time-format epoch-ms --values \"action:view=Product Viewed,buy=Order Completed\"")]
pub(super) struct Import {
    /// The file: .ndjson, .jsonl, .csv, .tsv, and .gz of these
    file: PathBuf,
    #[command(flatten)]
    columns: Columns,
    /// Which source the events carry
    #[arg(long, value_name = "NAME", default_value = "import")]
    source: String,
    /// Where lines that can't be events go, with line and reason; FILE.rejects.csv in this folder unless said
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What a CSV's columns stand for.
#[derive(Args)]
pub(super) struct Columns {
    /// CSV: FIELD[:number|:bool]=COLUMN, such as userId=customer or properties.products.0.price:number=price
    #[arg(long = "map", value_name = "FIELD=COLUMN")]
    map: Vec<String>,
    /// CSV: FIELD=TEXT, the same in every event
    #[arg(long = "set", value_name = "FIELD=TEXT")]
    set: Vec<String>,
    /// CSV: what a column's values stand for; a value not named is rejected
    #[arg(long = "values", value_name = "COLUMN:VALUE=TEXT,…")]
    values: Vec<String>,
    /// CSV: iso, epoch-ms, epoch-s, or a strftime pattern
    #[arg(long, value_name = "FORMAT", default_value = "iso")]
    time_format: String,
    /// CSV: the zone of times that name none; the shop's unless said
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// CSV: what stands between columns; a comma, or a tab in .tsv
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<char>,
}

impl Columns {
    /// The mapping; times that name no zone are of `zone` unless another is given.
    pub(super) fn mapping(&self, zone: &str) -> anyhow::Result<Mapping> {
        let zone = self.zone.as_deref().unwrap_or(zone);
        Mapping::read(&self.map, &self.set, &self.values, &self.time_format, zone)
    }

    /// What stands between columns, where that is said.
    pub(super) fn delimiter(&self) -> Option<char> {
        self.delimiter
    }

    /// Whether anything is said of columns at all.
    pub(super) fn is_empty(&self) -> bool {
        self.map.is_empty() && self.set.is_empty() && self.values.is_empty() && self.delimiter.is_none()
    }
}

impl Import {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let mapping = self.columns.mapping(&config.time_zone)?;
        let delimiter = self.columns.delimiter();
        let plan = import::Plan::new(self.file, self.source, mapping, delimiter, self.rejects)?;
        let summary = doorway::with_database(config, Duration::from_secs(10), |database| async move {
            import::run(&database, plan).await
        })
        .await?;
        if self.json {
            println!("{}", summary.json())
        } else {
            print_table(&summary)
        }
        Ok(())
    }
}

fn print_table(summary: &Summary) {
    if summary.lines_now == 0 && summary.finished_before {
        println!("this file was imported before; nothing was changed");
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.add_row(["lines read", &summary.lines.to_string()]);
    table.add_row(["events stored", &summary.accepted.to_string()]);
    table.add_row(["rejected", &summary.rejected.to_string()]);
    if summary.lines_now > 0 {
        let rate = summary.lines_now as f64 / summary.seconds.max(1e-9);
        table.add_row([
            "this run",
            &format!("{} lines in {:.1} s, {rate:.0}/s", summary.lines_now, summary.seconds),
        ]);
    }
    if let Some(rejects) = &summary.rejects {
        table.add_row(["rejects", &rejects.display().to_string()]);
    }
    println!("{table}");
}
