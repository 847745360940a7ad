//! Counters: rows of arrays, sent as one array of rows.

use std::collections::BTreeMap;

use journeyman_domain::PersonId;
use journeyman_domain::row::StoredFeature;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::PgRecordEncoder;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo};
use sqlx::{Encode, PgConnection, Postgres, Row as _, Type};

use crate::{Error, row, statements};

/// The type `feature_row`.
struct FeatureRow<'a>(PersonId, &'a StoredFeature);

impl Type<Postgres> for FeatureRow<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("feature_row")
    }
}

impl PgHasArrayType for FeatureRow<'_> {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::array_of("feature_row")
    }
}

impl Encode<'_, Postgres> for FeatureRow<'_> {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Self(person, feature) = self;
        let mut row = PgRecordEncoder::new(buf);
        row.encode(person.0)?
            .encode(feature.feature)?
            .encode(feature.last_at.map(row::time))?
            .encode(&feature.times[..])?
            .encode(&feature.amounts[..])?
            .encode(&feature.values[..])?
            .encode(&feature.days[..])?
            .encode(&feature.day_counts[..])?
            .encode(&feature.day_sums[..])?;
        row.finish();
        Ok(IsNull::No)
    }
}

/// Writes counters whole, each once.
#[tracing::instrument(level = "debug", skip_all, fields(features = features.len()))]
pub(crate) async fn upsert(
    tx: &mut PgConnection,
    features: &[(PersonId, StoredFeature)],
) -> Result<(), Error> {
    if features.is_empty() {
        return Ok(());
    }
    let rows: Vec<FeatureRow<'_>> =
        features.iter().map(|(person, feature)| FeatureRow(*person, feature)).collect();
    sqlx::query(statements::UPSERT_FEATURES).bind(rows).execute(tx).await?;
    Ok(())
}

/// The counters of people, by person and number.
#[tracing::instrument(level = "debug", skip_all, fields(people = people.len()))]
pub(crate) async fn load(
    tx: &mut PgConnection,
    people: &[i64],
) -> Result<BTreeMap<i64, Vec<StoredFeature>>, Error> {
    let rows = sqlx::query(statements::LOAD_FEATURES).bind(people).fetch_all(tx).await?;
    let mut features: BTreeMap<i64, Vec<StoredFeature>> = BTreeMap::new();
    for row in rows {
        features.entry(row.try_get(0)?).or_default().push(StoredFeature {
            feature: row.try_get(1)?,
            last_at: row.try_get::<Option<_>, _>(2)?.map(row::shop_time),
            times: row.try_get(3)?,
            amounts: row.try_get(4)?,
            values: row.try_get(5)?,
            days: row.try_get(6)?,
            day_counts: row.try_get(7)?,
            day_sums: row.try_get(8)?,
        });
    }
    Ok(features)
}
