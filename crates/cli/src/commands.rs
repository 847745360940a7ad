//! The commands, one file each.

mod adopt;
mod apply;
mod approve;
mod archive;
mod audit;
mod backtest;
mod bench;
mod bounces;
mod catalog;
mod check;
mod decisions;
mod demo;
mod deployments;
mod describe;
mod doctor;
mod explain;
mod fmt;
mod graph;
mod import;
mod learn;
mod messages;
mod new;
mod plan;
mod preview;
mod readiness;
mod schema;
mod segment;
mod send_test;
mod serve;
mod simulate;
mod stop;
mod suppressions;
mod test;
mod why;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use journeyman_domain::plan::Channel;
use journeyman_domain::{MessageId, ShopTime};

/// The command line.
#[derive(Parser)]
#[command(
    name = "journeyman",
    version,
    about = "A journey orchestration engine for e-commerce: one binary and Postgres",
    after_help = "Examples:\n  journeyman demo                       the whole loop, on a simulated shop\n  \
                  journeyman serve                      run the daemon\n  \
                  journeyman new                        a journey from a recipe\n  \
                  journeyman check                      what is wrong with the journeys here\n  \
                  journeyman test                       the tests in their files\n  \
                  journeyman graph                      the journeys here, drawn\n  \
                  journeyman preview cart-reminder      what a template says\n  \
                  journeyman plan                       what `apply` would change, and what that would have done\n  \
                  journeyman apply                      put the journeys here live\n  \
                  journeyman doctor                     whether mail can be sent from here\n  \
                  journeyman import orders.csv --help   load history\n  \
                  journeyman catalog import feed.csv    what the shop sells\n\n\
                  Postgres is taken from DATABASE_URL; without it a private one is run in ./.journeyman."
)]
pub(crate) struct Arguments {
    /// The configuration; without it ./journeyman.yaml, where there is one
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Demo),
    Serve(serve::Serve),
    Import(import::Import),
    Catalog(catalog::Catalog),
    Adopt(adopt::Adopt),
    Bench(bench::Bench),
    Check(check::Check),
    Graph(graph::Graphs),
    New(new::New),
    Describe(describe::Describe),
    Explain(explain::Explain),
    Fmt(fmt::Fmt),
    Schema(schema::Schema),
    Test(test::Test),
    Preview(preview::Preview),
    Plan(plan::Plan),
    Approve(approve::Approve),
    Apply(apply::Apply),
    Deployments(deployments::Deployments),
    Rollback(deployments::Rollback),
    Doctor(doctor::Doctor),
    SendTest(send_test::SendTest),
    Messages(messages::Messages),
    Stop(stop::Stop),
    Suppressions(suppressions::Suppressions),
    Bounces(bounces::Bounces),
    Why(why::Why),
    Segment(segment::Segment),
    Readiness(readiness::Readiness),
    Audit(audit::Audit),
    Backtest(backtest::Backtest),
    Simulate(simulate::Simulate),
    Learn(learn::Learn),
    Decisions(decisions::Decisions),
}

impl Arguments {
    /// What is logged unless `JOURNEYMAN_LOG` says otherwise.
    pub(crate) fn logs(&self) -> &'static str {
        match self.command {
            Command::Serve(_) => crate::logging::DAEMON,
            _ => crate::logging::COMMAND,
        }
    }

    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let config = match self.command {
            // Offline, and no secret is asked for.
            Command::Check(check) => return check.run(self.config),
            Command::Graph(graph) => return graph.run(),
            Command::Describe(describe) => return describe.run(),
            Command::Explain(explain) => return explain.run(),
            Command::New(new) => return new.run(),
            Command::Fmt(fmt) => return fmt.run(),
            Command::Schema(schema) => {
                schema.run();
                return Ok(());
            }
            Command::Simulate(simulate) => return simulate.run(),
            Command::Test(test) => return test.run(),
            // Asks for it where the configured database is named.
            Command::Backtest(backtest) => return backtest.run(self.config.as_deref()).await,
            // Asks for it where a database is needed.
            Command::Learn(learn) => return learn.run(self.config.as_deref()).await,
            // Says itself what is wrong with the configuration.
            Command::Doctor(doctor) => return doctor.run(self.config.as_deref()).await,
            // Asks for it where a person is to be looked up.
            Command::Preview(preview) => return preview.run(self.config.as_deref()).await,
            _ => crate::config::Config::load(self.config.as_deref())?,
        };
        match self.command {
            Command::Demo(demo) => demo.run(&config).await,
            Command::Serve(serve) => serve.run(&config).await,
            Command::Import(import) => import.run(&config).await,
            Command::Catalog(catalog) => catalog.run(&config).await,
            Command::Adopt(adopt) => adopt.run(&config).await,
            Command::Bench(bench) => bench.run(&config).await,
            Command::Plan(plan) => plan.run(&config).await,
            Command::Approve(approve) => approve.run(&config).await,
            Command::Apply(apply) => apply.run(&config).await,
            Command::Deployments(deployments) => deployments.run(&config).await,
            Command::Rollback(rollback) => rollback.run(&config).await,
            Command::SendTest(test) => test.run(&config).await,
            Command::Messages(messages) => messages.run(&config).await,
            Command::Stop(stop) => stop.run(&config).await,
            Command::Suppressions(suppressions) => suppressions.run(&config).await,
            Command::Bounces(bounces) => bounces.run(&config).await,
            Command::Why(why) => why.run(&config).await,
            Command::Segment(segment) => segment.run(&config).await,
            Command::Readiness(readiness) => readiness.run(&config).await,
            Command::Audit(audit) => audit.run(&config).await,
            Command::Decisions(decisions) => decisions.run(&config).await,
            Command::Backtest(_)
            | Command::Learn(_)
            | Command::Simulate(_)
            | Command::Test(_)
            | Command::Schema(_)
            | Command::Check(_)
            | Command::Graph(_)
            | Command::Describe(_)
            | Command::Explain(_)
            | Command::New(_)
            | Command::Fmt(_)
            | Command::Doctor(_)
            | Command::Preview(_) => Ok(()),
        }
    }
}

/// A channel by its name.
fn channel(name: &str) -> Result<Channel, String> {
    name.parse().map_err(|()| {
        let known: Vec<&str> = Channel::ALL.iter().map(|channel| channel.name()).collect();
        format!("there are {}", known.join(", "))
    })
}

/// A message by its id.
fn message(id: &str) -> Result<MessageId, String> {
    id.parse()
        .map_err(|_| "write it as `journeyman messages` does: msg_ and 32 letters and digits".to_owned())
}

/// A moment to the minute, UTC: 17 characters.
fn minute(at: ShopTime) -> String {
    let at = at.to_string();
    at.get(..16).map_or(at.clone(), |cut| format!("{}Z", cut.replace('T', " ")))
}

/// The beginning of a text, on one line of at most so many characters.
fn cut(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        None => line,
        Some(_) => format!("{}…", line.chars().take(most.saturating_sub(1)).collect::<String>()),
    }
}
