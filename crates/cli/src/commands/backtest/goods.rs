//! The catalog that lives see: a database's, with its past, or a file's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use jiff::tz::TimeZone;
use journeyman_domain::ShopTime;
use journeyman_domain::catalog::{Item, Patch};
use journeyman_domain::value::Currency;
use journeyman_sim::backtest::{Tellings, Timeline};
use journeyman_store::catalog::{self, Extent};
use sqlx::PgConnection;

use crate::feed::Feed;

/// What a version takes beside its text, bytes: about.
const BESIDE: usize = 64;

/// The catalog beside the events.
pub(in crate::commands) struct Goods {
    kept: Kept,
    base: Currency,
    tellings: Arc<Tellings>,
    /// How much there is.
    pub(super) extent: Extent,
    /// How much of it is in memory, bytes.
    pub(super) bytes: usize,
    /// Lines of a file that could not be items.
    pub(super) rejected: u64,
    /// The first of them, and what is wrong with it.
    pub(super) first_rejected: Option<(u64, String)>,
}

/// Where versions are.
enum Kept {
    Nowhere,
    /// By product, each with the moment since which it is so, as it would be stored.
    File(BTreeMap<Arc<str>, Vec<(ShopTime, String)>>),
    Database,
}

/// Which file, and how it is read.
pub(super) struct Wanted<'a> {
    /// The file: any that `catalog import` reads.
    pub(super) file: &'a Path,
    /// The field that says since when a line is so.
    pub(super) at: Option<&'a str>,
    /// On whose clock that is.
    pub(super) zone: &'a TimeZone,
    /// How much of it may be kept, bytes.
    pub(super) most: usize,
}

impl Goods {
    /// None: of no product anything is known.
    pub(super) fn none(base: Currency) -> Self {
        Self::new(Kept::Nowhere, base, Tellings::default(), Extent::default())
    }

    fn new(kept: Kept, base: Currency, tellings: Tellings, extent: Extent) -> Self {
        let tellings = Arc::new(tellings);
        Self { kept, base, tellings, extent, bytes: 0, rejected: 0, first_rejected: None }
    }

    /// A database's, version by version.
    pub(super) async fn of_database(connection: &mut PgConnection, base: Currency) -> anyhow::Result<Self> {
        let extent = catalog::extent(connection).await?;
        let tellings = Tellings::of(catalog::moments(connection).await?);
        Ok(Self::new(Kept::Database, base, tellings, extent))
    }

    /// A file's. What a line names replaces what those before it said of the product; where lines say since when they are so,
    /// those of an earlier moment go first, and one that does not holds from the beginning.
    ///
    /// # Errors
    /// When it can't be read, or is larger than may be kept.
    pub(super) fn of_file(wanted: &Wanted<'_>, base: Currency) -> anyhow::Result<Self> {
        let mut feed = Feed::open(wanted.file, Some(base.code()))?;
        if let Some(field) = wanted.at {
            feed = feed.keeping_apart(field);
        }
        let mut goods = Self::none(base);
        let (mut said, mut bytes): (Vec<(ShopTime, u64, Patch)>, usize) = (Vec::new(), 0);
        while let Some((line, read)) = feed.next()? {
            let since = match feed.apart() {
                serde_json::Value::Null => Ok(ShopTime::EPOCH),
                serde_json::Value::String(text) => super::moment(text, "at", wanted.zone),
                other => Err(anyhow::anyhow!("{other} is no moment; write text such as 2026-10-01T08:00")),
            };
            match (read, since) {
                (Ok(patch), Ok(since)) => {
                    bytes += patch.bytes() + BESIDE;
                    said.push((since, line, patch));
                }
                (Err(fault), _) => goods.reject(line, fault.to_string()),
                (_, Err(error)) => goods.reject(line, error.to_string()),
            }
            if bytes > wanted.most {
                bail!(
                    "--catalog: after line {line} {} MiB are in use: give --memory more, or import the file and name the \
                     database, which is read as it is needed",
                    wanted.most >> 20
                );
            }
        }
        said.sort_by_key(|(since, line, _)| (*since, *line));
        let mut products: BTreeMap<Arc<str>, Vec<(ShopTime, String)>> = BTreeMap::new();
        for (since, line, patch) in said {
            let versions = products.entry(patch.id.clone()).or_default();
            let before = versions.last().map(|(_, item)| Item::stored(item)).unwrap_or_default();
            match before.patched(&patch) {
                Ok(item) if item == before && !versions.is_empty() => {}
                Ok(item) => {
                    // Of one moment the last word holds.
                    versions.retain(|(at, _)| *at != since);
                    versions.push((since, item.to_json()));
                }
                Err(fault) => goods.reject(line, fault.to_string()),
            }
        }
        products.retain(|_, versions| !versions.is_empty());
        let moments = || products.values().flatten().map(|(since, _)| *since);
        let told = moments().filter(|since| *since != ShopTime::EPOCH);
        goods.tellings = Arc::new(Tellings::of(told));
        let count = |many: usize| u64::try_from(many).unwrap_or(u64::MAX);
        let since = moments().min().filter(|since| *since != ShopTime::EPOCH);
        goods.extent = Extent { products: count(products.len()), versions: count(moments().count()), since };
        goods.kept = Kept::File(products);
        goods.bytes = bytes;
        Ok(goods)
    }

    fn reject(&mut self, line: u64, why: String) {
        self.rejected += 1;
        self.first_rejected.get_or_insert((line, why));
    }

    /// How often people are told of what changes.
    pub(super) fn tellings(&self) -> usize {
        self.tellings.len()
    }

    /// When people are told for the last time.
    pub(super) fn last_told(&self) -> Option<ShopTime> {
        self.tellings.last()
    }

    /// The products that lives speak of, version by version. A database is asked by `connection`.
    pub(super) async fn timeline(
        &self,
        connection: Option<&mut PgConnection>,
        products: BTreeSet<Arc<str>>,
    ) -> anyhow::Result<Timeline> {
        let mut timeline = Timeline::new(self.tellings.clone(), self.base);
        match (&self.kept, connection) {
            (Kept::File(_), _) => return Ok(self.of_kept(products)),
            (Kept::Database, Some(connection)) if !products.is_empty() => {
                let ids: Vec<Arc<str>> = products.into_iter().collect();
                let versions = catalog::versions(connection, &ids).await;
                for version in versions.context("can't read the catalog")? {
                    timeline.add(&version.id, version.at, version.item);
                }
            }
            (Kept::Nowhere | Kept::Database, _) => {}
        }
        Ok(timeline)
    }

    /// As [`Goods::timeline`], of what is in memory.
    pub(super) fn of_kept(&self, products: BTreeSet<Arc<str>>) -> Timeline {
        let mut timeline = Timeline::new(self.tellings.clone(), self.base);
        if let Kept::File(known) = &self.kept {
            for (id, versions) in products.iter().filter_map(|id| known.get_key_value(id)) {
                for (since, item) in versions {
                    timeline.add(id, *since, Item::stored(item));
                }
            }
        }
        timeline
    }

    /// Whether there is anything to look up.
    pub(super) fn is_empty(&self) -> bool {
        self.extent.versions == 0
    }
}
