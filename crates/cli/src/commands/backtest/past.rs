//! What is recorded, to be lived through as often as one likes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use journeyman_domain::plan::Plans;
use journeyman_domain::value::Currency;
use journeyman_domain::{PersonId, ShopTime};
use journeyman_sim::backtest::{History, Line, Window, live};
use journeyman_store::{Limits, connect, recorded};
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;

use super::feed::{self, Recorded};
use super::goods::Goods;
use super::people::People;
use super::work::{self, Came};

/// How long the server may take for a statement: it may have to count a hundred million events.
const PATIENCE: Duration = Duration::from_secs(600);

/// What journeys would have done with one person, whose events stand under these ids, had they been live all along. The catalog is the
/// database's own.
///
/// # Errors
/// When the database fails.
pub(in crate::commands) async fn of_person(
    connection: &mut PgConnection,
    plans: &Plans,
    (person, assignment_key): (PersonId, i64),
    ids: &[PersonId],
    until: ShopTime,
) -> anyhow::Result<Vec<Line>> {
    let recorded = recorded::events(connection, ids, until).await?;
    let mut events: Vec<_> = recorded.into_iter().map(|(_, event)| event).collect();
    events.sort_by_key(|event| event.received_at);
    let history = History { person, assignment_key, events };
    let goods = Goods::of_database(connection, plans.policies.rates.base).await?;
    let catalog = goods.timeline(Some(connection), history.products()).await?;
    Ok(live(plans, Window { from: None, until }, &catalog, history))
}

/// What happened, and what was for sale meanwhile.
pub(in crate::commands) struct Past {
    pub(super) recorded: Recorded,
    pub(super) goods: Arc<Goods>,
}

impl Past {
    pub(super) fn new(recorded: Recorded, goods: Goods) -> Self {
        Self { recorded, goods: Arc::new(goods) }
    }

    /// A database's up to a moment, with its own catalog unless another is given. Read as it is lived through.
    ///
    /// # Errors
    /// When it can't be read.
    pub(in crate::commands) async fn of_database(
        options: &PgConnectOptions,
        until: Option<ShopTime>,
        goods: Option<Goods>,
        base: Currency,
    ) -> anyhow::Result<Self> {
        let statement_ms = u32::try_from(PATIENCE.as_millis()).unwrap_or(u32::MAX);
        let limits = Limits { statement_ms, connections: 1, ..Limits::REPORTS };
        // Events are counted by reading all of them, and read by person.
        let (whole, by_person) =
            (connect(options, limits), connect(options, Limits { by_key: true, ..limits }));
        let recorded = feed::look(&whole, by_person, until).await?;
        let goods = match goods {
            Some(goods) => goods,
            None => {
                let mut connection = whole.acquire().await.context("can't get a connection")?;
                Goods::of_database(&mut connection, base).await?
            }
        };
        Ok(Self::new(recorded, goods))
    }

    /// How many events there are.
    pub(in crate::commands) fn events(&self) -> u64 {
        self.recorded.events()
    }

    /// A bar as long as the past.
    pub(in crate::commands) fn bar(&self, what: &str) -> anyhow::Result<ProgressBar> {
        let bar = ProgressBar::new(self.events());
        let style = format!("{what}\n{{wide_bar}} {{human_pos}}/{{human_len}} events {{per_sec}} {{eta}}");
        bar.set_style(ProgressStyle::with_template(&style)?);
        Ok(bar)
    }

    /// Lets everybody live through it with these journeys.
    pub(super) async fn live(
        &self,
        plans: &Arc<Plans>,
        window: Window,
        people: Option<People>,
        bar: &ProgressBar,
    ) -> anyhow::Result<Came> {
        work::all(plans, window, (&self.recorded, &self.goods), people, bar).await
    }

    /// What comes of it, and how many people there were.
    pub(in crate::commands) async fn tally(
        &self,
        plans: &Arc<Plans>,
        window: Window,
        bar: &ProgressBar,
    ) -> anyhow::Result<(journeyman_sim::backtest::Tally, u64)> {
        let came = self.live(plans, window, None, bar).await?;
        Ok((came.tally, came.people))
    }
}
