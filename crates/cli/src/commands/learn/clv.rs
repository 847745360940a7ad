//! `journeyman learn clv`.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use comfy_table::{CellAlignment, Table as Drawn, presets};
use jiff::civil::Date;
use journeyman_learn::bg_nbd::{self, BgNbd};
use journeyman_learn::gamma_gamma::{self, GammaGamma};
use journeyman_learn::{Buyer, Histories, Holdout, weeks_of};
use serde_json::{Value, json};

use super::plot;
use super::purchases::{self, Columns, Table};

/// How many rows the table of who bought how often has; the last one is of so often and more.
const OFTEN: u32 = 7;

/// Fit BG/NBD and Gamma-Gamma to a table of purchases: who comes back, and what they are worth
///
/// Reads a CSV, a table separated by tabs or semicolons, or one separated by spaces; gzipped or not. No database is
/// needed. With --calibration-end the models learn from what was known by the end of that day, and are asked about the
/// time after it. Several purchases of a customer on one day are one; lines below 0 are returns and left out.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  journeyman learn clv --transactions orders.csv --customer customer --date date --value total\n  \
    journeyman learn clv --transactions cdnow.txt --customer 1 --date 3 --value 5 \\\n    \
    --calibration-end 1997-09-30 --horizon 39w --json\n  \
    journeyman learn clv --transactions lines.csv.gz --customer who --date t --value price --quantity qty"
)]
pub(super) struct Clv {
    /// The table of purchases
    #[arg(long, value_name = "FILE")]
    transactions: PathBuf,
    /// The column that says who bought: its name in the first line, or its number from 1 where there are no names
    #[arg(long, value_name = "COLUMN")]
    customer: String,
    /// The column that says on which day: YYYY-MM-DD or YYYYMMDD, whatever time follows
    #[arg(long, value_name = "COLUMN")]
    date: String,
    /// The column that says for how much; without it there is no Gamma-Gamma
    #[arg(long, value_name = "COLUMN")]
    value: Option<String>,
    /// The column that says how many, where --value is the price of one
    #[arg(long, value_name = "COLUMN")]
    quantity: Option<String>,
    /// The last day the models learn from; the file's last day unless said
    #[arg(long, value_name = "DATE", value_parser = date)]
    calibration_end: Option<Date>,
    /// How far after it they are asked: days or weeks
    #[arg(long, value_name = "39w|90d", default_value = "39w", value_parser = days)]
    horizon: i32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn date(text: &str) -> Result<Date, String> {
    purchases::date(text)
}

fn days(text: &str) -> Result<i32, String> {
    let fault = || "write a number of days or weeks, such as 90d or 39w".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(fault)?;
    let each = match unit {
        "d" => 1,
        "w" => 7,
        _ => return Err(fault()),
    };
    let days = number.parse::<u16>().ok().map(|number| i32::from(number) * each);
    days.filter(|days| *days > 0).ok_or_else(fault)
}

/// What came of it.
struct Learned {
    table: Table,
    /// The last day that was learned from, days since 1970.
    seen: i32,
    /// The last day of the holdout.
    until: i32,
    buyers: Vec<Buyer>,
    bg_nbd: bg_nbd::Fit,
    gamma_gamma: Option<gamma_gamma::Fit>,
    holdout: Option<Holdout>,
}

impl Clv {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let columns = Columns {
            customer: &self.customer,
            date: &self.date,
            value: self.value.as_deref(),
            quantity: self.quantity.as_deref(),
        };
        let table = purchases::read(&self.transactions, &columns)?;
        let learned = self.learned(table)?;
        if learned.table.unreadable > 0 {
            let first = learned.table.first_unreadable.as_deref().unwrap_or_default();
            eprintln!("{} lines could not be read and are left out; {first}", learned.table.unreadable);
        }
        if self.json {
            println!("{}", learned.json());
        } else {
            print!("{}", learned.text());
        }
        Ok(())
    }

    fn learned(&self, table: Table) -> anyhow::Result<Learned> {
        let (first, last) = table.histories.span().context("there is no purchase in it")?;
        let seen = match self.calibration_end {
            None => last,
            Some(date) => purchases::day(&date.to_string()).map_err(anyhow::Error::msg)?,
        };
        if seen < first {
            bail!(
                "--calibration-end: nobody had bought anything by then; the first purchase is of {}",
                told(first)
            );
        }
        // What came after the file's last day nobody knows: it is no holdout.
        let until = seen.saturating_add(self.horizon).min(last);
        if self.calibration_end.is_some() && until <= seen {
            bail!("--calibration-end: the last purchase is of {}: nothing is left to hold out", told(last));
        }
        let buyers: Vec<Buyer> = table.histories.at(seen).map(|(_, buyer)| buyer).collect();
        let bg_nbd = BgNbd::fit(buyers.iter().copied())
            .context("nobody bought again on another day: there is nothing to learn from")?;
        let gamma_gamma = self.value.is_some().then(|| GammaGamma::fit(buyers.iter().copied())).flatten();
        let holdout =
            self.calibration_end.and_then(|_| Holdout::of(&bg_nbd.model, &table.histories, seen, until));
        if self.calibration_end.is_some() && until - seen < self.horizon {
            eprintln!("the file ends on {}: the holdout has {} days", told(last), until - seen);
        }
        Ok(Learned { table, seen, until, buyers, bg_nbd, gamma_gamma, holdout })
    }
}

impl Learned {
    fn repeaters(&self) -> usize {
        self.buyers.iter().filter(|buyer| buyer.repeats > 0).count()
    }

    fn json(&self) -> Value {
        let BgNbd { r, alpha, a, b } = self.bg_nbd.model;
        json!({
            "bg_nbd": {
                "r": r, "alpha": alpha, "a": a, "b": b,
                "log_likelihood": self.bg_nbd.log_likelihood,
                "converged": self.bg_nbd.converged,
            },
            "gamma_gamma": self.gamma_gamma.map(|fit| json!({
                "p": fit.model.p, "q": fit.model.q, "v": fit.model.v,
                "log_likelihood": fit.log_likelihood,
                "customers": fit.customers,
                "converged": fit.converged,
            })),
            "holdout": self.holdout.map(|holdout| json!({
                "correlation": holdout.correlation,
                "mse": holdout.mse,
                "rate_mse": holdout.rate_mse,
                "cumulative_error": holdout.cumulative_error,
                "expected": holdout.expected,
                "actual": holdout.actual,
                "from": told(self.seen + 1),
                "until": told(self.until),
            })),
            "customers": self.buyers.len(),
            "repeat_customers": self.repeaters(),
            "calibration": { "from": self.table.histories.span().map(|span| told(span.0)), "until": told(self.seen) },
            "lines": {
                "purchases": self.table.purchases,
                "returns": self.table.returns,
                "unreadable": self.table.unreadable,
            },
        })
    }

    fn text(&self) -> String {
        let mut out = String::new();
        let BgNbd { r, alpha, a, b } = self.bg_nbd.model;
        let _ = writeln!(
            out,
            "{} customers by {}, {} of them bought again; {} lines, {} returns left out\n",
            self.buyers.len(),
            told(self.seen),
            self.repeaters(),
            self.table.purchases,
            self.table.returns,
        );
        let _ = writeln!(
            out,
            "BG/NBD       r {r:.3}  alpha {alpha:.3} weeks  a {a:.3}  b {b:.3}  log likelihood {:.1}{}",
            self.bg_nbd.log_likelihood,
            not(self.bg_nbd.converged)
        );
        if a / (a + b) < 1e-4 {
            let _ = writeln!(
                out,
                "             a runs to 0: nobody is found to leave, they only buy more or less often"
            );
        }
        match &self.gamma_gamma {
            Some(fit) => {
                let GammaGamma { p, q, v } = fit.model;
                let mean = fit.model.mean_value(&Buyer::default());
                let mean = mean.map_or_else(|| "without end".to_owned(), |mean| format!("{mean:.2}"));
                let _ = writeln!(
                    out,
                    "Gamma-Gamma  p {p:.2}  q {q:.2}  v {v:.2}  mean of a purchase {mean}  ({} customers){}",
                    fit.customers,
                    not(fit.converged)
                );
            }
            None => {
                let _ = writeln!(out, "Gamma-Gamma  needs --value, and somebody who spent something again");
            }
        }
        if let Some(holdout) = &self.holdout {
            let _ = writeln!(
                out,
                "\nHoldout until {}: correlation {:.3}, MSE {:.2} (by each one's rate so far: {:.2}),\n\
                 {:.0} purchases expected, {} made; all repeated purchases from the beginning {:+.1} %",
                told(self.until),
                holdout.correlation,
                holdout.mse,
                holdout.rate_mse,
                holdout.expected,
                holdout.actual,
                holdout.cumulative_error * 100.0,
            );
            let _ = writeln!(out, "\n{}", self.by_frequency());
        }
        let weekly = weeks_of(&self.bg_nbd.model, &self.table.histories, self.seen, self.until);
        let first = self.table.histories.span().map_or(self.seen, |span| span.0);
        let calibration = usize::try_from((self.seen - first) / 7 + 1).unwrap_or(0);
        let _ = write!(out, "\n{}", plot::drawn(&weekly, calibration));
        out
    }

    /// Who bought how often before, what was expected of them and what they did.
    fn by_frequency(&self) -> Drawn {
        let horizon = f64::from(self.until - self.seen) / 7.0;
        let after = bought_after(&self.table.histories, self.seen, self.until);
        let mut rows = vec![(0_u32, 0.0, 0_u32); OFTEN as usize + 1];
        for (buyer, did) in self.buyers.iter().zip(after) {
            let row = &mut rows[buyer.repeats.min(OFTEN) as usize];
            *row = (row.0 + 1, row.1 + self.bg_nbd.model.expected(buyer, horizon), row.2 + did);
        }
        let mut table = Drawn::new();
        table.load_style(presets::NOTHING);
        table.set_header(["bought again", "customers", "expected each", "made each"]);
        for (nth, (people, expected, did)) in rows.into_iter().enumerate() {
            let often =
                if nth == OFTEN as usize { format!("{nth} times and more") } else { format!("{nth} times") };
            let each = |sum: f64| {
                if people == 0 { "-".to_owned() } else { format!("{:.2}", sum / f64::from(people)) }
            };
            table.add_row([often, people.to_string(), each(expected), each(f64::from(did))]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}

/// On how many days each customer bought from the day after `seen` to `until`.
fn bought_after(histories: &Histories, seen: i32, until: i32) -> Vec<u32> {
    let before: std::collections::BTreeMap<u32, u32> =
        histories.at(seen).map(|(customer, buyer)| (customer, buyer.repeats)).collect();
    let both =
        histories.at(until).filter_map(|(customer, buyer)| Some(buyer.repeats - before.get(&customer)?));
    both.collect()
}

fn told(day: i32) -> String {
    let date = Date::constant(1970, 1, 1).checked_add(jiff::Span::new().days(day));
    date.map_or_else(|_| day.to_string(), |date| date.to_string())
}

fn not(converged: bool) -> &'static str {
    if converged { "" } else { "  NOT CONVERGED" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn horizons() {
        assert_eq!((days("39w"), days("90d")), (Ok(273), Ok(90)));
        for wrong in ["", "w", "39", "-1w", "0d", "9y", "99999d", "ä"] {
            assert!(days(wrong).is_err(), "{wrong}");
        }
    }
}
