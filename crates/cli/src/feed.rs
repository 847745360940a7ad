//! Product feeds: files whose columns are a shop system's, read as items of the catalog.

use std::io::BufRead;
use std::path::Path;

use anyhow::Context as _;
use journeyman_domain::catalog::{Fault, ITEM_BYTES, Patch};
use serde_json::{Map, Value};

/// What a file's columns are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One JSON object a line.
    Ndjson,
    /// Google Merchant Center's product data specification.
    Google,
    /// What Shopify's admin exports.
    Shopify,
    /// Columns called as items' fields are.
    Plain,
}

impl Form {
    /// Told by a CSV's columns.
    fn of(columns: &[String]) -> Option<Self> {
        let has = |name: &str| columns.iter().any(|column| column == name);
        if has("handle") && has("variant price") {
            return Some(Self::Shopify);
        }
        if has("product_id") {
            return Some(Self::Plain);
        }
        (has("id") && (has("title") || has("link") || has("image_link"))).then_some(Self::Google)
    }

    /// The field of an item that a column is; `None` of one that says nothing of it.
    fn field(self, column: &str) -> Option<&str> {
        Some(match (self, column) {
            (Self::Google, "id") => "product_id",
            (Self::Google, "title") => "name",
            (Self::Google, "link") => "url",
            (Self::Google, "image_link") => "image_url",
            (Self::Google, "product_type") => "category",
            (Self::Google, "cost_of_goods_sold") => "cost",
            (Self::Google, "quantity" | "inventory" | "quantity_to_sell_on_facebook") => "stock",
            (Self::Shopify, "handle") => "handle",
            (Self::Shopify, "variant sku") => "sku",
            (Self::Shopify, "title") => "name",
            (Self::Shopify, "vendor") => "brand",
            (Self::Shopify, "type") => "category",
            (Self::Shopify, "tags") => "tags",
            (Self::Shopify, "variant price") => "price",
            (Self::Shopify, "variant compare at price") => "compare_at",
            (Self::Shopify, "variant inventory qty") => "stock",
            (Self::Shopify, "cost per item") => "cost",
            (Self::Shopify, "image src") => "image_url",
            (Self::Shopify, _) => return None,
            (Self::Google | Self::Plain, column) => column,
            (Self::Ndjson, _) => return None,
        })
    }

    /// For people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "NDJSON",
            Self::Google => "a Google feed",
            Self::Shopify => "a Shopify export",
            Self::Plain => "CSV",
        }
    }
}

/// An item of a file: its line, and what it says or why it is none.
pub(crate) type Read = (u64, Result<Patch, Fault>);

/// A file, read item by item.
pub(crate) struct Feed {
    /// What it is.
    pub(crate) form: Form,
    lines: Lines,
    currency: Option<String>,
    /// Shopify says what all variants of a product share with the first alone.
    shared: Map<String, Value>,
    /// A field that is none of the item's, in lower case, and what the last line has there.
    apart: Option<(String, Value)>,
}

enum Lines {
    Json(Box<dyn BufRead + Send>, u64),
    Csv(Box<csv::Reader<Box<dyn BufRead + Send>>>, Vec<String>),
}

impl Feed {
    /// Opens a file; its name says whether it is JSON or CSV, its columns what they are.
    ///
    /// # Errors
    /// When it can't be read, or nothing is known of its columns.
    pub(crate) fn open(path: &Path, currency: Option<&str>) -> anyhow::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        let file = std::fs::File::open(path).with_context(|| format!("can't read {}", path.display()))?;
        let content: Box<dyn BufRead + Send> = if plain.len() < name.len() {
            Box::new(std::io::BufReader::new(flate2::read::MultiGzDecoder::new(file)))
        } else {
            Box::new(std::io::BufReader::new(file))
        };
        let currency = currency.map(str::to_owned);
        let delimiter = match plain.rsplit_once('.').map(|(_, ending)| ending) {
            Some("ndjson" | "jsonl" | "json") => {
                let lines = Lines::Json(content, 0);
                return Ok(Self { form: Form::Ndjson, lines, currency, shared: Map::new(), apart: None });
            }
            Some("csv") => b',',
            Some("tsv" | "txt") => b'\t',
            _ => anyhow::bail!(
                "{}: its name does not say what it is; name it .ndjson, .jsonl, .csv or .tsv, with .gz if gzipped",
                path.display()
            ),
        };
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(content);
        let columns = reader.headers().with_context(|| format!("can't read {}", path.display()))?;
        let column = |name: &str| name.trim_start_matches('\u{feff}').trim().to_ascii_lowercase();
        let columns: Vec<String> = columns.iter().map(column).collect();
        let form = Form::of(&columns).with_context(|| {
            format!(
                "{}: its columns are none we know. A Google feed has id and title, a Shopify export Handle and Variant \
                 Price, any other file product_id and columns called as items' fields are",
                path.display()
            )
        })?;
        Ok(Self {
            form,
            lines: Lines::Csv(Box::new(reader), columns),
            currency,
            shared: Map::new(),
            apart: None,
        })
    }

    /// Keeps a field apart from items: [`Feed::apart`] has it of each.
    pub(crate) fn keeping_apart(self, field: &str) -> Self {
        Self { apart: Some((field.to_lowercase(), Value::Null)), ..self }
    }

    /// What the last line has in the field that is kept apart; null where it has none.
    pub(crate) fn apart(&self) -> &Value {
        self.apart.as_ref().map_or(&Value::Null, |(_, value)| value)
    }

    /// The next item, with its line.
    ///
    /// # Errors
    /// When the file can't be read any further.
    pub(crate) fn next(&mut self) -> anyhow::Result<Option<Read>> {
        let (line, fields) = match &mut self.lines {
            Lines::Json(content, line) => loop {
                // A line far beyond an item's size is none, and is not held in memory either.
                let mut text = Vec::new();
                let most = 4 * ITEM_BYTES as u64;
                let read = std::io::Read::take(&mut *content, most).read_until(b'\n', &mut text)?;
                if read == 0 {
                    return Ok(None);
                }
                *line += 1;
                if read as u64 == most && !text.ends_with(b"\n") {
                    skip_line(content)?;
                }
                let Ok(text) = std::str::from_utf8(&text) else {
                    let fault = Fault { field: "item".to_owned(), message: "is not UTF-8".to_owned() };
                    return Ok(Some((*line, Err(fault))));
                };
                if !text.trim().is_empty() {
                    break (*line, object(text));
                }
            },
            Lines::Csv(reader, columns) => {
                let mut record = csv::StringRecord::new();
                let line = reader.position().line();
                match reader.read_record(&mut record) {
                    Ok(false) => return Ok(None),
                    Ok(true) => {}
                    Err(error) if error.is_io_error() => return Err(error.into()),
                    Err(error) => {
                        let fault = Fault { field: "item".to_owned(), message: error.to_string() };
                        return Ok(Some((line, Err(fault))));
                    }
                }
                (line, Ok(of_record(self.form, columns, &record, &mut self.shared)))
            }
        };
        let patch = fields.and_then(|mut fields| {
            if let Some((field, value)) = &mut self.apart {
                let name = fields.keys().find(|name| name.to_lowercase() == *field).cloned();
                *value = name.and_then(|name| fields.remove(&name)).unwrap_or_default();
            }
            if let Some(currency) = &self.currency {
                let names_one = |name: &str| {
                    fields.get(name).and_then(Value::as_str).is_some_and(|text| text.trim().contains(' '))
                };
                let said = fields.contains_key("currency")
                    || ["price", "sale_price", "cost"].into_iter().any(names_one);
                let priced =
                    ["price", "sale_price", "cost"].into_iter().any(|name| fields.contains_key(name));
                if priced && !said {
                    fields.insert("currency".to_owned(), currency.clone().into());
                }
            }
            Patch::read(fields)
        });
        Ok(Some((line, patch)))
    }
}

fn skip_line(content: &mut Box<dyn BufRead + Send>) -> std::io::Result<()> {
    loop {
        let buffer = content.fill_buf()?;
        let (used, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        content.consume(used);
        if ended {
            return Ok(());
        }
    }
}

fn object(text: &str) -> Result<Map<String, Value>, Fault> {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(Fault { field: "item".to_owned(), message: "is no JSON object".to_owned() }),
    }
}

fn of_record(
    form: Form,
    columns: &[String],
    record: &csv::StringRecord,
    shared: &mut Map<String, Value>,
) -> Map<String, Value> {
    let mut fields = Map::new();
    for (column, value) in columns.iter().zip(record) {
        let value = value.trim();
        if let Some(field) = form.field(column)
            && !value.is_empty()
        {
            fields.insert(field.to_owned(), value.into());
        }
    }
    if form == Form::Shopify {
        return shopify(fields, shared);
    }
    fields
}

/// A variant of a Shopify export: its id is the article number, else the product's handle.
fn shopify(mut fields: Map<String, Value>, shared: &mut Map<String, Value>) -> Map<String, Value> {
    if fields.contains_key("name") || fields.get("handle") != shared.get("handle") {
        shared.clear();
        for name in ["handle", "name", "brand", "category", "tags", "image_url"] {
            if let Some(value) = fields.get(name) {
                shared.insert(name.to_owned(), value.clone());
            }
        }
    }
    for (name, value) in shared.iter() {
        fields.entry(name.clone()).or_insert_with(|| value.clone());
    }
    // What it cost before is its price, and what it costs now the sale's.
    if let Some(before) = fields.remove("compare_at") {
        let number = |value: &Value| value.as_str().and_then(|text| text.parse::<f64>().ok());
        let less = fields.get("price").and_then(number) < number(&before);
        if let Some(price) = fields.get("price").cloned().filter(|_| less) {
            fields.insert("sale_price".to_owned(), price);
            fields.insert("price".to_owned(), before);
        }
    }
    fields.entry("sale_price").or_insert(Value::Null);
    let id = fields.get("sku").or(fields.get("handle")).cloned();
    if let Some(id) = id {
        fields.insert("product_id".to_owned(), id);
    }
    fields
}
