//! How a CSV's columns become a message.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use journeyman_domain::{Reason, Reject, ShopTime, tracking};
use serde_json::{Map, Value};

/// What a mapped value becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Type {
    Text,
    Number,
    Bool,
}

/// How times are written.
#[derive(Clone, Debug, PartialEq)]
enum TimeFormat {
    Iso,
    EpochMs,
    EpochS,
    Pattern(String),
}

/// `--map`, `--set`, `--values`, `--time-format` and `--zone`, read.
pub(crate) struct Mapping {
    map: Vec<(Vec<String>, Type, String)>,
    set: Vec<(Vec<String>, String)>,
    values: BTreeMap<String, BTreeMap<String, String>>,
    time: TimeFormat,
    zone: TimeZone,
    settings: String,
}

/// Fields a message may have; `properties`, `traits` and `context` have fields of their own.
const FIELDS: [&str; 8] =
    ["type", "event", "name", "userId", "anonymousId", "previousId", "groupId", "timestamp"];
const OBJECTS: [&str; 3] = ["properties", "traits", "context"];
/// The longest list a path may make.
const LIST: usize = 100;

impl Mapping {
    pub(crate) fn read(
        map: &[String],
        set: &[String],
        values: &[String],
        time_format: &str,
        zone: &str,
    ) -> anyhow::Result<Self> {
        let time = match time_format {
            "iso" => TimeFormat::Iso,
            "epoch-ms" => TimeFormat::EpochMs,
            "epoch-s" => TimeFormat::EpochS,
            pattern if pattern.contains('%') => TimeFormat::Pattern(pattern.to_owned()),
            other => bail!(
                "--time-format {other}: write iso, epoch-ms, epoch-s, or a pattern such as %Y-%m-%d %H:%M"
            ),
        };
        let tz =
            TimeZone::get(zone).with_context(|| format!("--zone {zone}: write one such as Europe/Berlin"))?;
        let map = map.iter().map(|text| mapped(text)).collect::<anyhow::Result<Vec<_>>>()?;
        let set = set.iter().map(|text| constant(text)).collect::<anyhow::Result<Vec<_>>>()?;
        let mut named = BTreeMap::new();
        for text in values {
            let (column, values) = column_values(text)?;
            named.insert(column, values);
        }
        let settings = if map.is_empty() && set.is_empty() {
            String::new()
        } else {
            settings(&map, &set, &named, time_format, zone)
        };
        Ok(Self { map, set, values: named, time, zone: tz, settings })
    }

    /// The mapping as one line of text, kept with the import.
    pub(crate) fn settings(&self) -> String {
        self.settings.clone()
    }

    pub(crate) fn must_be_empty(&self) -> anyhow::Result<()> {
        if self.map.is_empty() && self.set.is_empty() && self.values.is_empty() {
            return Ok(());
        }
        bail!(
            "--map, --set and --values are for CSV; a line of NDJSON is a message of the tracking form already"
        )
    }

    /// Checks the mapping against the columns there are, and that it can make an event at all.
    pub(crate) fn fit(&self, columns: &csv::StringRecord) -> anyhow::Result<()> {
        let known = |column: &str| columns.iter().any(|known| known == column);
        let named = self.map.iter().map(|(_, _, column)| ("--map", column));
        for (option, column) in named.chain(self.values.keys().map(|column| ("--values", column))) {
            if !known(column) {
                let columns: Vec<&str> = columns.iter().collect();
                bail!("{option} names column `{column}`; the file has {}", columns.join(", "));
            }
        }
        let has = |field: &str| {
            let is = |path: &Vec<String>| path.len() == 1 && path[0] == field;
            self.map.iter().any(|(path, _, _)| is(path)) || self.set.iter().any(|(path, _)| is(path))
        };
        if !has("timestamp") {
            bail!("nothing is mapped to timestamp; add --map timestamp=COLUMN");
        }
        if !has("userId") && !has("anonymousId") {
            bail!("nothing says whose events these are; add --map userId=COLUMN or --map anonymousId=COLUMN");
        }
        if !has("event") && !has("type") {
            bail!("nothing says what happened; add --set event=\"…\" or --map event=COLUMN");
        }
        Ok(())
    }

    /// The mapping with columns found.
    pub(crate) fn bind(&self, columns: &csv::StringRecord) -> Columns<'_> {
        let place = |name: &str| columns.iter().position(|column| column == name);
        let map = self.map.iter().filter_map(|(path, as_type, column)| {
            Some((path.as_slice(), *as_type, place(column)?, self.values.get(column), column.as_str()))
        });
        Columns { mapping: self, map: map.collect() }
    }
}

/// A mapping bound to a file's columns.
pub(crate) struct Columns<'a> {
    mapping: &'a Mapping,
    #[allow(clippy::type_complexity, reason = "a row of a table: path, type, place, values, column")]
    map: Vec<(&'a [String], Type, usize, Option<&'a BTreeMap<String, String>>, &'a str)>,
}

impl Columns<'_> {
    /// The message a record stands for, JSON. An empty value leaves its field out.
    pub(crate) fn message(&self, record: &csv::StringRecord) -> Result<String, Reject> {
        let mut message = Map::new();
        message.insert("type".to_owned(), Value::from("track"));
        for (path, text) in &self.mapping.set {
            put(&mut message, path, Value::from(text.as_str()));
        }
        for (path, as_type, place, values, column) in &self.map {
            let text = record.get(*place).unwrap_or_default().trim();
            if text.is_empty() {
                continue;
            }
            let text = match values.map(|values| values.get(text)) {
                None => text,
                Some(Some(named)) => named,
                Some(None) => {
                    let detail = format!("`{text}` in column {column} has no name. Add it to --values.");
                    return Err(Reject::new(path.join("."), Reason::UnknownValue, detail));
                }
            };
            put(&mut message, path, self.value(path, *as_type, text)?);
        }
        Ok(Value::Object(message).to_string())
    }

    fn value(&self, path: &[String], as_type: Type, text: &str) -> Result<Value, Reject> {
        if path == ["timestamp"] {
            return self.time(text).map(|at| Value::from(at.to_string())).ok_or_else(|| {
                let detail = format!("`{text}` is not of the form --time-format says.");
                Reject::new("timestamp", Reason::BadTimestamp, detail)
            });
        }
        let wrong =
            |what: &str| Reject::new(path.join("."), Reason::WrongType, format!("`{text}` is not {what}."));
        match as_type {
            Type::Text => Ok(Value::from(text)),
            // Not as f64: 20-digit ids and 0.10 stay what they are.
            Type::Number => match serde_json::from_str::<Value>(text) {
                Ok(Value::Number(number)) => Ok(Value::Number(number)),
                _ => Err(wrong("a number")),
            },
            Type::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" | "t" | "y" => Ok(Value::from(true)),
                "false" | "no" | "0" | "f" | "n" => Ok(Value::from(false)),
                _ => Err(wrong("true or false")),
            },
        }
    }

    fn time(&self, text: &str) -> Option<ShopTime> {
        let zoned = |civil: DateTime| civil.to_zoned(self.mapping.zone.clone()).ok();
        match &self.mapping.time {
            TimeFormat::Iso => match text.parse::<DateTime>() {
                // An offset, if there is one, is not part of a civil time, and wins.
                Ok(civil) if text.parse::<jiff::Timestamp>().is_err() => {
                    Some(ShopTime::new(zoned(civil)?.timestamp()))
                }
                _ => tracking::parse_timestamp(text),
            },
            TimeFormat::EpochMs => ShopTime::from_millisecond(text.parse().ok()?),
            TimeFormat::EpochS => ShopTime::from_millisecond(text.parse::<i64>().ok()?.checked_mul(1000)?),
            TimeFormat::Pattern(pattern) => {
                let parsed = jiff::fmt::strtime::parse(pattern, text).ok()?;
                if let Ok(at) = parsed.to_timestamp() {
                    return Some(ShopTime::new(at));
                }
                let civil = parsed.to_datetime().or_else(|_| Ok::<_, jiff::Error>(parsed.to_date()?.into()));
                Some(ShopTime::new(zoned(civil.ok()?)?.timestamp()))
            }
        }
    }
}

/// Puts a value at a path, making objects, and lists where a word is a number.
fn put(object: &mut Map<String, Value>, path: &[String], value: Value) {
    let [first, rest @ ..] = path else { return };
    if rest.is_empty() {
        object.insert(first.clone(), value);
        return;
    }
    let slot = object.entry(first.clone()).or_insert(Value::Null);
    put_in(slot, rest, value);
}

fn put_in(slot: &mut Value, path: &[String], value: Value) {
    let [first, rest @ ..] = path else {
        *slot = value;
        return;
    };
    match first.parse::<usize>() {
        Ok(index) => {
            if !slot.is_array() {
                *slot = Value::Array(Vec::new());
            }
            if let Value::Array(list) = slot {
                list.resize(list.len().max(index + 1), Value::Null);
                put_in(&mut list[index], rest, value);
            }
        }
        Err(_) => {
            if !slot.is_object() {
                *slot = Value::Object(Map::new());
            }
            if let Value::Object(object) = slot {
                put(object, path, value);
            }
        }
    }
}

/// `FIELD[:TYPE]=COLUMN`.
fn mapped(text: &str) -> anyhow::Result<(Vec<String>, Type, String)> {
    let (field, column) =
        text.split_once('=').with_context(|| format!("--map {text}: write FIELD=COLUMN"))?;
    let (field, as_type) = match field.split_once(':') {
        None | Some((_, "text")) => (field.split(':').next().unwrap_or(field), Type::Text),
        Some((field, "number")) => (field, Type::Number),
        Some((field, "bool")) => (field, Type::Bool),
        Some((_, other)) => bail!("--map {text}: `{other}` is no type; write text, number or bool"),
    };
    Ok((path(field, "--map")?, as_type, column.to_owned()))
}

/// `FIELD=TEXT`.
fn constant(text: &str) -> anyhow::Result<(Vec<String>, String)> {
    let (field, value) = text.split_once('=').with_context(|| format!("--set {text}: write FIELD=TEXT"))?;
    Ok((path(field, "--set")?, value.to_owned()))
}

/// `COLUMN:VALUE=TEXT,VALUE=TEXT`; the column may stand before every value.
fn column_values(text: &str) -> anyhow::Result<(String, BTreeMap<String, String>)> {
    let form = || format!("--values {text}: write COLUMN:VALUE=TEXT,VALUE=TEXT");
    let (column, rest) = text.split_once(':').with_context(form)?;
    let mut values = BTreeMap::new();
    for pair in rest.split(',') {
        let (value, name) = pair.split_once('=').with_context(form)?;
        let value = value.strip_prefix(column).and_then(|value| value.strip_prefix(':')).unwrap_or(value);
        values.insert(value.to_owned(), name.trim_matches('"').to_owned());
    }
    Ok((column.to_owned(), values))
}

fn path(field: &str, option: &str) -> anyhow::Result<Vec<String>> {
    let path: Vec<String> = field.split('.').map(str::to_owned).collect();
    let known = match path.as_slice() {
        [one] => FIELDS.contains(&one.as_str()),
        [first, rest @ ..] => OBJECTS.contains(&first.as_str()) && rest.iter().all(|word| !word.is_empty()),
        [] => false,
    };
    if !known {
        bail!(
            "{option} {field}: there is no such field; write {}, or a field of properties, traits or context \
             such as properties.product_id",
            FIELDS.join(", ")
        );
    }
    if path.iter().any(|word| word.parse::<usize>().is_ok_and(|index| index >= LIST)) {
        bail!("{option} {field}: a list may have {LIST} elements");
    }
    Ok(path)
}

fn settings(
    map: &[(Vec<String>, Type, String)],
    set: &[(Vec<String>, String)],
    values: &BTreeMap<String, BTreeMap<String, String>>,
    time_format: &str,
    zone: &str,
) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    for (path, as_type, column) in map {
        let _ = write!(text, "map {}:{as_type:?}={column}; ", path.join("."));
    }
    for (path, value) in set {
        let _ = write!(text, "set {}={value}; ", path.join("."));
    }
    let _ = write!(text, "values {values:?}; time {time_format}; zone {zone}");
    text
}
