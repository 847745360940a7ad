//! The policies of journeyman.yaml. Its other keys are the daemon's and read there.

mod calendar;
mod links;
mod localized;
mod senders;
mod topics;

use std::collections::BTreeMap;
use std::str::FromStr as _;

use journeyman_domain::plan::{Channel, Policies};
use journeyman_domain::value::{Currency, Rates};

use crate::block::{self, Block};
use crate::diagnostic::{
    CHANNEL, Code, DURATION, EXCHANGE, HOURS, MONEY_CODE, PERCENT, RATE, Report, TIME_ZONE,
};
use crate::literal::{self, Fault, short};
use crate::tree::{Entry, Node};

/// How many people may have to say yes to a change.
const APPROVALS: u32 = 20;

/// Reads the policies; what is wrong is reported and left at its default.
pub(crate) fn read(root: &Node, report: &mut Report<'_>) -> Policies {
    let mut policies = Policies::default();
    let Some(mut block) = Block::of(root, "journeyman.yaml", report) else { return policies };
    if let Some(currency) =
        block.take("currency").and_then(|entry| block::parsed(entry, MONEY_CODE, currency, report))
    {
        policies.rates.base = currency;
    }
    if let Some(zone) =
        block.take("time_zone").and_then(|entry| block::parsed(entry, TIME_ZONE, literal::zone, report))
    {
        policies.zone = zone;
    }
    if let Some(entry) = block.take("rates") {
        rates(entry, &mut policies.rates, report);
    }
    // What has a name in every locale is read once it is known which there are.
    policies.locales = localized::locales(&mut block, report);
    if let Some(entry) = block.take("topics") {
        policies.topics = topics::read(entry, &policies.locales, report);
    }
    if let Some(entry) = block.take("senders") {
        policies.senders = senders::read(entry, &policies.locales, report);
    }
    if let Some(entry) = block.take("links") {
        policies.links = links::read(entry, report);
    }
    policies.minimum_gap =
        block.take("minimum_gap").and_then(|entry| block::parsed(entry, DURATION, literal::duration, report));
    let holdout =
        block.take("holdout").and_then(|entry| block::parsed(entry, PERCENT, literal::percent, report));
    policies.holdout = holdout.unwrap_or(0.0);
    if let Some(entry) = block.take("quiet_hours") {
        policies.quiet_hours = by_channel(entry, HOURS, literal::hours, report);
    }
    if let Some(entry) = block.take("caps") {
        policies.caps = by_channel(entry, RATE, literal::rate, report);
    }
    if let Some(entry) = block.take("calendar") {
        policies.calendar = calendar::read(entry, report);
    }
    let approvals = block.take("approvals").and_then(|entry| block::integer(entry, 0, APPROVALS, report));
    policies.approvals = approvals.unwrap_or(0);
    policies
}

fn currency(text: &str) -> Result<Currency, Fault> {
    let fault =
        |()| Fault::new(format!("`{}` is no currency", short(text)), "write its three capital letters: EUR");
    text.parse().map_err(fault)
}

/// The entries of a block within the file.
fn entries<'t>(entry: &'t Entry, report: &mut Report<'_>) -> &'t [Entry] {
    Block::of(&entry.value, &format!("`{}`", entry.key), report).map_or(&[], |block| block.entries())
}

fn rates(entry: &Entry, rates: &mut Rates, report: &mut Report<'_>) {
    for entry in entries(entry, report) {
        let Some(currency) = block::said(currency(&entry.key), MONEY_CODE, entry.place, report) else {
            continue;
        };
        if currency == rates.base {
            let help = "leave it out: it is always 1";
            report.say(EXCHANGE, entry.place, format!("`{currency}` is the shop's own currency"), help);
            continue;
        }
        let help = format!("write what one {currency} is worth in {}: 0.92", rates.base);
        let rate = |text: &str| {
            let fault = || Fault::new(format!("`{}` is no exchange rate", short(text)), help.clone());
            if !literal::decimal(text) {
                return Err(fault());
            }
            let rate = rust_decimal::Decimal::from_str_exact(text).map_err(|_| fault())?;
            if rate.is_zero() { Err(fault()) } else { Ok(rate) }
        };
        if let Some(rate) = block::parsed(entry, EXCHANGE, rate, report) {
            rates.rates.insert(currency, rate);
        }
    }
}

fn by_channel<T>(
    entry: &Entry,
    code: Code,
    parse: impl Fn(&str) -> Result<T, Fault>,
    report: &mut Report<'_>,
) -> BTreeMap<Channel, T> {
    let mut found = BTreeMap::new();
    for entry in entries(entry, report) {
        let named = Channel::from_str(&entry.key).ok().filter(|channel| Channel::SPOKEN.contains(channel));
        let Some(channel) = named else {
            let names = Channel::SPOKEN.map(Channel::name);
            let message = format!("there is no channel `{}`", short(&entry.key));
            let otherwise = format!("there are: {}", names.join(", "));
            report.unknown(CHANNEL, entry.place, message, &entry.key, names, otherwise);
            continue;
        };
        if let Some(value) = block::parsed(entry, code, &parse, report) {
            found.insert(channel, value);
        }
    }
    found
}
