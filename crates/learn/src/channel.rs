//! Which channel: Beta-Bernoulli Thompson sampling (Chapelle and Li 2011, algorithm 2) with priors by cohort.
//!
//! The rate of a channel is believed at four levels, each the prior of the next, worth [`PRIOR`] messages: of all channels, of the
//! channel, of the channel for people seen as lately as this one, and that at this step. What was not tried at a level is
//! believed as the level above says.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::decision::{Belief, Recency};
use journeyman_domain::plan::Channel;
use serde::{Deserialize, Serialize};

/// How many messages the level above is worth.
pub const PRIOR: f64 = 20.0;
/// What is believed of any channel before the first message: one in twenty is answered, as if 20 had been sent.
const FIRST: Belief = Belief { alpha: 1.0, beta: 19.0 };
/// After how many days what happened counts half.
pub const HALF_LIFE_DAYS: f64 = 60.0;

/// What came of a channel: of the messages of a step to people of a cohort, each weighted by its age.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The journey.
    pub journey: Arc<str>,
    /// The step.
    pub step: Arc<str>,
    /// The cohort.
    pub recency: Recency,
    /// The channel.
    pub channel: Channel,
    /// How many were sent.
    pub tries: f64,
    /// How many of them were clicked by a human, or reached the goal.
    pub hits: f64,
}

/// Beliefs about channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channels {
    /// Of any channel: what one that was never tried is believed to be.
    overall: f64,
    /// What was tried.
    cells: Vec<Cell>,
}

/// A belief, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cell {
    channel: String,
    /// `None` of all cohorts.
    cohort: Option<String>,
    /// Journey and step; `None` of all.
    step: Option<(String, String)>,
    alpha: f64,
    beta: f64,
}

/// Tries and hits.
#[derive(Clone, Copy, Default)]
struct Sum(f64, f64);

impl Sum {
    fn add(&mut self, tried: &Tried) {
        self.0 += tried.tries;
        self.1 += tried.hits.min(tried.tries);
    }

    /// With a prior of that mean.
    fn after(self, mean: f64) -> Belief {
        Belief { alpha: PRIOR * mean + self.1, beta: PRIOR * (1.0 - mean) + self.0 - self.1 }
    }
}

impl Channels {
    /// Fits to what came of earlier choices, in whatever order.
    pub fn fit(tried: &[Tried]) -> Self {
        let mut all = Sum::default();
        let mut by_channel: BTreeMap<Channel, Sum> = BTreeMap::new();
        let mut by_cohort: BTreeMap<(Channel, Recency), Sum> = BTreeMap::new();
        let mut by_step: BTreeMap<(Channel, Recency, &str, &str), Sum> = BTreeMap::new();
        let mut ordered: Vec<&Tried> = tried.iter().collect();
        // Sums of doubles hang on their order.
        ordered.sort_by(|a, b| {
            let key =
                |tried: &Tried| (tried.journey.clone(), tried.step.clone(), tried.recency, tried.channel);
            key(a).cmp(&key(b)).then(a.tries.total_cmp(&b.tries)).then(a.hits.total_cmp(&b.hits))
        });
        for tried in ordered {
            let (channel, recency) = (tried.channel, tried.recency);
            all.add(tried);
            by_channel.entry(channel).or_default().add(tried);
            by_cohort.entry((channel, recency)).or_default().add(tried);
            by_step.entry((channel, recency, &tried.journey, &tried.step)).or_default().add(tried);
        }
        let overall = Belief { alpha: FIRST.alpha + all.1, beta: FIRST.beta + all.0 - all.1 }.mean();
        let mut cells = Vec::new();
        let mut cell =
            |channel: Channel, cohort: Option<Recency>, step: Option<(&str, &str)>, belief: Belief| {
                cells.push(Cell {
                    channel: channel.name().to_owned(),
                    cohort: cohort.map(|cohort| cohort.name().to_owned()),
                    step: step.map(|(journey, step)| (journey.to_owned(), step.to_owned())),
                    alpha: belief.alpha,
                    beta: belief.beta,
                });
                belief.mean()
            };
        let channels: BTreeMap<Channel, f64> =
            by_channel.into_iter().map(|(of, sum)| (of, cell(of, None, None, sum.after(overall)))).collect();
        let cohorts: BTreeMap<(Channel, Recency), f64> = by_cohort
            .into_iter()
            .map(|(of, sum)| (of, cell(of.0, Some(of.1), None, sum.after(channels[&of.0]))))
            .collect();
        for ((channel, recency, journey, step), sum) in by_step {
            cell(channel, Some(recency), Some((journey, step)), sum.after(cohorts[&(channel, recency)]));
        }
        Self { overall, cells }
    }

    /// What is believed of a channel for the messages of a step to people of a cohort.
    pub fn belief(&self, journey: &str, step: &str, recency: Recency, channel: Channel) -> Belief {
        let level = |cell: &Cell| match (&cell.cohort, &cell.step) {
            (cohort, _) if cohort.as_deref().is_some_and(|cohort| cohort != recency.name()) => None,
            (Some(_), Some((of, at))) => (of == journey && at == step).then_some(3),
            (Some(_), None) => Some(2),
            (None, None) => Some(1),
            (None, Some(_)) => None,
        };
        let known = self.cells.iter().filter(|cell| cell.channel == channel.name());
        let known = known.filter_map(|cell| Some((level(cell)?, cell))).max_by_key(|(level, _)| *level);
        match known {
            // At the step itself, as it is; from further away no more than a prior.
            Some((3, cell)) => Belief { alpha: cell.alpha, beta: cell.beta },
            Some((_, cell)) => Sum::default().after(Belief { alpha: cell.alpha, beta: cell.beta }.mean()),
            None => Sum::default().after(self.overall),
        }
    }
}

#[cfg(test)]
mod tests;
