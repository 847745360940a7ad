//! People made up, as rows and as the closures see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use journeyman_domain::person::{Day, Feature, FeatureKey, Occurrence, Person, Traits};
use journeyman_domain::{PersonId, ShopTime};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};
use sqlx::PgConnection;

/// What is known of somebody before it becomes rows.
#[derive(Clone, Debug, Default)]
pub struct Somebody {
    pub zone: Option<&'static str>,
    /// `None`: no row of traits.
    pub traits: Option<Json>,
    pub features: Vec<(FeatureKey, Feature)>,
}

pub const ZONES: [&str; 8] = [
    "Europe/Berlin",
    "America/New_York",
    "europe/london",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "UTC",
];

pub const TRAITS: [&str; 10] = ["a", "b", "c", "when", "price", "currency", "list", "rec", "0", "größe"];
pub const FIELDS: [&str; 7] = ["x", "tags", "amount", "currency", "a", "0", "größe"];
pub const TEXTS: [&str; 22] = [
    "",
    "a",
    "b",
    "DE",
    "é",
    "Z",
    "z",
    "1",
    "2",
    "100000000000000000000000",
    "true",
    "EUR",
    "USD",
    "JPY",
    "eur",
    "straße \u{1F6D2}",
    "2026-10-25",
    "2026-10-25T02:30:00+02:00",
    "2026-10-20t10:00Z",
    "2026-13-01",
    "20261026T003000.5-05[America/New_York]",
    "now",
];
pub const NUMBERS: [f64; 24] = [
    0.0,
    1.0,
    2.0,
    3.0,
    -1.0,
    10.0,
    0.1,
    0.2,
    0.5,
    -0.0,
    1e5,
    19.99,
    59.970000000000006,
    9.2,
    1e23,
    9_007_199_254_740_992.0,
    f64::MAX,
    -f64::MAX,
    9e307,
    5e-324,
    1e-200,
    1e200,
    0.30000000000000004,
    1234567890.1234567,
];

fn scalar() -> BoxedStrategy<Json> {
    prop_oneof![
        4 => select(&NUMBERS[..]).prop_map(|number| json!(number)),
        1 => (-3i64..8).prop_map(|number| json!(number)),
        1 => any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| json!(number)),
        4 => select(&TEXTS[..]).prop_map(|text| json!(text)),
        1 => any::<bool>().prop_map(|truth| json!(truth)),
        1 => Just(Json::Null),
    ]
    .boxed()
}

fn record(of: BoxedStrategy<Json>) -> BoxedStrategy<Json> {
    let list = prop::collection::vec(of.clone(), 0..4).prop_map(Json::Array);
    let field = (select(&FIELDS[..]), prop_oneof![3 => of, 1 => list]);
    prop::collection::vec(field, 0..5)
        .prop_map(|fields| {
            Json::Object(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
        })
        .boxed()
}

/// JSON of every type, nested a little.
fn anything() -> BoxedStrategy<Json> {
    let element = prop_oneof![3 => scalar(), 2 => record(scalar())].boxed();
    let list = prop::collection::vec(element, 0..5).prop_map(Json::Array);
    prop_oneof![6 => scalar(), 2 => list, 2 => record(scalar())].boxed()
}

fn traits() -> BoxedStrategy<Option<Json>> {
    let element = prop_oneof![2 => scalar(), 3 => record(scalar())].boxed();
    let list = prop::collection::vec(element, 0..5).prop_map(Json::Array);
    let number = select(&NUMBERS[..]).prop_map(|number| json!(number));
    let small = (-1i64..4).prop_map(|number| json!(number));
    let text = select(&TEXTS[..]).prop_map(|text| json!(text));
    let when = select(&TEXTS[16..]).prop_map(|text| json!(text));
    let mostly = |of: BoxedStrategy<Json>| prop_oneof![8 => of, 1 => anything()].boxed();
    let named = TRAITS.map(|name| match name {
        "a" | "price" => mostly(prop_oneof![number.clone(), small.clone()].boxed()).prop_map(Some).boxed(),
        "b" => mostly(text.clone().boxed()).prop_map(Some).boxed(),
        "when" => mostly(when.clone().boxed()).prop_map(Some).boxed(),
        "list" => prop::option::weighted(0.8, list.clone().boxed()).boxed(),
        "rec" => prop::option::weighted(0.8, record(scalar())).boxed(),
        _ => prop::option::weighted(0.7, anything()).boxed(),
    });
    let traits = Vec::from(named).prop_map(|values| {
        let named = TRAITS.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        Some(Json::Object(named.collect()))
    });
    prop_oneof![9 => traits, 1 => Just(None)].boxed()
}

/// The counters that the expressions ask for.
pub fn keys() -> Vec<FeatureKey> {
    let field = |money: bool| Some((Arc::from("revenue"), money));
    let key = |event: &str, field, by: Option<&str>| FeatureKey {
        event: event.into(),
        field,
        by: by.map(Arc::from),
    };
    vec![
        key("Order", None, None),
        key("Order", None, Some("category")),
        key("Order", field(false), None),
        key("Order", field(true), Some("category")),
        key("View", None, None),
        key("View", field(true), None),
    ]
}

/// A moment at which a window of theirs may begin, to the microsecond, or about then.
fn moment(now: ShopTime, zone: &TimeZone) -> BoxedStrategy<ShopTime> {
    use journeyman_domain::value::Span;
    let zone = zone.clone();
    let spans = select(vec![
        Span::hours(1),
        Span::hours(24),
        Span::Days(1),
        Span::Days(2),
        Span::Days(7),
        Span::Days(30),
        Span::Days(365),
        Span::Days(20_000),
    ]);
    let near = (spans, select(vec![-1i64, 0, 0, 1, 3_600_000_000]));
    near.prop_map(move |(span, off)| {
        let at = span.before(now, &zone).as_microsecond() + off;
        ShopTime::from_microsecond(at).unwrap()
    })
    .boxed()
}

fn amount() -> BoxedStrategy<f64> {
    prop_oneof![9 => select(&NUMBERS[..16]), 1 => select(&NUMBERS[..])].boxed()
}

fn feature(by: bool, moment: BoxedStrategy<ShopTime>) -> BoxedStrategy<Feature> {
    let value = if by { select(&TEXTS[..]).boxed() } else { Just("").boxed() };
    let occurrence = (moment.clone(), amount(), value);
    let recent = prop::collection::vec(occurrence, 0..6);
    let sums = prop_oneof![20 => amount(), 1 => select(vec![f64::INFINITY, f64::NEG_INFINITY])];
    let day = (moment, 0u32..4, sums);
    // Counters with a filter keep no days; what is asked of some that do is answered alike all the same.
    let days = prop::collection::vec(day, if by { 0..2 } else { 0..4 });
    (recent, days)
        .prop_map(|(mut recent, days)| {
            recent.sort_by_key(|(at, ..)| *at);
            let days: BTreeMap<i32, Day> = days
                .into_iter()
                .map(|(at, count, sum)| {
                    let day = at.as_microsecond().div_euclid(86_400_000_000) as i32;
                    (day, Day { day, count, sum })
                })
                .collect();
            Feature {
                last: recent.last().map(|(at, ..)| *at),
                recent: recent
                    .into_iter()
                    .map(|(at, amount, value)| Occurrence { at, amount, value: value.into() })
                    .collect(),
                days: days.into_values().collect(),
                dirty: false,
            }
        })
        .boxed()
}

/// Somebody whose counters are around `now`.
pub fn somebody(now: ShopTime) -> BoxedStrategy<Somebody> {
    let zone = prop_oneof![5 => select(&ZONES[..]).prop_map(Some), 1 => Just(None)];
    (zone, traits())
        .prop_flat_map(move |(zone, traits)| {
            let clock = zone_of(zone);
            let features: Vec<_> = keys()
                .into_iter()
                .map(|key| {
                    let feature = feature(key.by.is_some(), moment(now, &clock));
                    prop::option::weighted(0.7, feature)
                        .prop_map(move |feature| Some((key.clone(), feature?)))
                })
                .collect();
            (Just(zone), Just(traits), features)
        })
        .prop_map(|(zone, traits, features)| Somebody {
            zone,
            traits,
            features: features.into_iter().flatten().collect(),
        })
        .boxed()
}

pub fn shop_zone() -> TimeZone {
    TimeZone::get("America/St_Johns").unwrap()
}

pub fn zone_of(zone: Option<&str>) -> TimeZone {
    zone.map_or_else(shop_zone, |zone| TimeZone::get(zone).unwrap())
}

fn arrays(feature: &Feature, by: bool) -> Json {
    let values: Vec<&str> =
        feature.recent.iter().filter(|_| by).map(|occurrence| occurrence.value.as_ref()).collect();
    json!({
        "last": feature.last.map(ShopTime::as_microsecond),
        "times": feature.recent.iter().map(|occurrence| occurrence.at.as_microsecond()).collect::<Vec<_>>(),
        "amounts": feature.recent.iter().map(|occurrence| occurrence.amount.to_string()).collect::<Vec<_>>(),
        "values": values,
        "days": feature.days.iter().map(|day| day.day).collect::<Vec<_>>(),
        "counts": feature.days.iter().map(|day| day.count).collect::<Vec<_>>(),
        "sums": feature.days.iter().map(|day| day.sum.to_string()).collect::<Vec<_>>(),
    })
}

/// Writes people as rows, with ids from `first` on, and reads them back as the actor would have them: traits are what
/// Postgres makes of the JSON.
pub async fn write(connection: &mut PgConnection, first: i64, people: &[Somebody]) -> Vec<Person> {
    let rows: Vec<Json> = people
        .iter()
        .zip(first..)
        .map(|(somebody, id)| {
            let features: Vec<Json> = somebody
                .features
                .iter()
                .map(|(key, feature)| json!({ "key": key.number(), "of": arrays(feature, key.by.is_some()) }))
                .collect();
            json!({ "id": id, "zone": somebody.zone, "traits": somebody.traits, "features": features })
        })
        .collect();
    for statement in [
        "INSERT INTO persons (person_id, version, n, assignment_key, has_traits, zone, hot)
         SELECT (j ->> 'id')::bigint, 1, 0, 0, j -> 'traits' <> 'null', j ->> 'zone', ''
         FROM jsonb_array_elements($1) j",
        // Said a year before the turn of 2026, and a month later for each letter of the name.
        "INSERT INTO traits
         SELECT (j ->> 'id')::bigint, j -> 'traits',
                (SELECT coalesce(jsonb_object_agg(name, 1735689600000000 + length(name) * 2592000000000), '{}')
                 FROM jsonb_object_keys(j -> 'traits') name)
         FROM jsonb_array_elements($1) j
         WHERE j -> 'traits' <> 'null'",
        r#"INSERT INTO features (person_id, feature, last_at, times, amounts, "values", days, day_counts, day_sums)
         SELECT (j ->> 'id')::bigint, (f ->> 'key')::bigint,
                'epoch'::timestamptz + (f -> 'of' ->> 'last')::bigint * interval '1 microsecond',
                ARRAY(SELECT x::bigint FROM jsonb_array_elements_text(f -> 'of' -> 'times') WITH ORDINALITY o(x, n) ORDER BY n),
                ARRAY(SELECT x::float8 FROM jsonb_array_elements_text(f -> 'of' -> 'amounts') WITH ORDINALITY o(x, n) ORDER BY n),
                ARRAY(SELECT x FROM jsonb_array_elements_text(f -> 'of' -> 'values') WITH ORDINALITY o(x, n) ORDER BY n),
                ARRAY(SELECT x::int FROM jsonb_array_elements_text(f -> 'of' -> 'days') WITH ORDINALITY o(x, n) ORDER BY n),
                ARRAY(SELECT x::int FROM jsonb_array_elements_text(f -> 'of' -> 'counts') WITH ORDINALITY o(x, n) ORDER BY n),
                ARRAY(SELECT x::float8 FROM jsonb_array_elements_text(f -> 'of' -> 'sums') WITH ORDINALITY o(x, n) ORDER BY n)
         FROM jsonb_array_elements($1) j, jsonb_array_elements(j -> 'features') f"#,
    ] {
        sqlx::query(statement)
            .bind(Json::Array(rows.clone()))
            .execute(&mut *connection)
            .await
            .expect(statement);
    }
    let stored: Vec<(i64, String, String)> =
        sqlx::query_as("SELECT person_id, traits::text, times::text FROM traits WHERE person_id >= $1")
            .bind(first)
            .fetch_all(connection)
            .await
            .unwrap();
    let mut traits: BTreeMap<i64, (String, String)> =
        stored.into_iter().map(|(id, traits, times)| (id, (traits, times))).collect();
    people
        .iter()
        .zip(first..)
        .map(|(somebody, id)| {
            let mut person = Person::new(PersonId(id), id);
            person.hot.zone = somebody.zone.map(|zone| (zone.into(), ShopTime::EPOCH));
            if let Some((traits, times)) = traits.remove(&id) {
                person.traits = Traits::read(&traits, &times).unwrap();
            }
            person.features = somebody.features.iter().cloned().collect();
            person
        })
        .collect()
}
