//! One item as it is stored: JSON whose known fields have the types they should.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde_json::{Map, Value as Json};

use crate::value::{Currency, KEY_BYTES, Money, VALUE_DEPTH, Value};

/// How long a product's id may be, bytes: it keys runs.
pub const ID_BYTES: usize = KEY_BYTES;
/// How large an item may be as JSON, bytes.
pub const ITEM_BYTES: usize = 8 * 1024;

/// Amounts in the item's `currency`.
const AMOUNTS: [&str; 3] = ["price", "sale_price", "cost"];
/// Yes or no.
const FLAGS: [&str; 3] = ["sensitive", "consumable", WITHDRAWN];
/// Whether the shop sells it no more.
const WITHDRAWN: &str = "withdrawn";
/// What expressions compute: nobody may set it.
const COMPUTED: [&str; 2] = ["margin", "regular_price"];

/// Why an item is not taken: where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Fault {
    /// The field; `item` of the whole.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Fault {
    fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into() }
    }
}

/// What is said of an item: fields that are named replace those that were, null takes one away, others stay.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch {
    /// Of which product.
    pub id: Arc<str>,
    fields: Map<String, Json>,
}

/// An item whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item(Map<String, Json>);

impl Patch {
    /// Reads what a client, or a line of a file, says.
    ///
    /// Known are `product_id` (or `id`), `price`, `sale_price` and `cost` (a number, or text such as `19.90 EUR`),
    /// `currency`, `stock` (a number; from `availability` where it is not said), `sensitive`, `consumable`, `withdrawn`; any
    /// other field is an attribute.
    ///
    /// # Errors
    /// [`Fault`] with the field at fault; nothing is taken then.
    pub fn read(mut fields: Map<String, Json>) -> Result<Self, Fault> {
        let id = fields.remove(super::PRODUCT_ID).or_else(|| fields.remove("id"));
        let id = id.as_ref().map(Value::from_json).and_then(|id| id.key()).ok_or_else(|| {
            Fault::new(super::PRODUCT_ID, format!("is missing or no id; write text of 1 to {ID_BYTES} bytes"))
        })?;
        if id.contains('\0') {
            return Err(Fault::new(super::PRODUCT_ID, "has a NUL in it; leave that out"));
        }
        for name in COMPUTED {
            if fields.contains_key(name) {
                return Err(Fault::new(name, "is computed from price and cost; leave it out"));
            }
        }
        for (name, value) in &fields {
            storable(name, value, VALUE_DEPTH - 1)?;
        }
        currency(&mut fields)?;
        AMOUNTS.iter().try_for_each(|name| amount(&mut fields, name))?;
        FLAGS.iter().try_for_each(|name| flag(&mut fields, name))?;
        stock(&mut fields)?;
        let patch = Self { id, fields };
        patch.size()?;
        Ok(patch)
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn of_json(text: &str) -> Result<Self, Fault> {
        let what = "is no JSON object; write one such as {\"product_id\": \"p1\", \"price\": 19.90}";
        let Ok(Json::Object(fields)) = serde_json::from_str(text) else {
            return Err(Fault::new("item", what));
        };
        Self::read(fields)
    }

    /// That the shop sells it no more. What else was said of it stays.
    pub fn withdraws(id: Arc<str>) -> Self {
        Self { id, fields: Map::from_iter([(WITHDRAWN.to_owned(), Json::Bool(true))]) }
    }

    /// How large it is as JSON, bytes.
    pub fn bytes(&self) -> usize {
        Item(self.fields.clone()).to_json().len()
    }

    fn size(&self) -> Result<(), Fault> {
        Item(self.fields.clone()).bounded()
    }
}

impl Item {
    /// An item as it is stored; what is no object has no fields.
    pub fn stored(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_default())
    }

    /// As it is stored.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// What becomes of it.
    ///
    /// # Errors
    /// [`Fault`] where it would be too large.
    pub fn patched(&self, patch: &Patch) -> Result<Self, Fault> {
        let mut fields = self.0.clone();
        for (name, value) in &patch.fields {
            if value.is_null() {
                fields.remove(name);
            } else {
                fields.insert(name.clone(), value.clone());
            }
        }
        let item = Self(fields);
        item.bounded()?;
        Ok(item)
    }

    fn bounded(&self) -> Result<(), Fault> {
        let size = self.to_json().len();
        if size <= ITEM_BYTES {
            return Ok(());
        }
        let message = format!("has {size} bytes as JSON, and at most {ITEM_BYTES} are taken; leave some out");
        Err(Fault::new("item", message))
    }

    /// A field as it was said.
    pub fn field(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    fn amount(&self, name: &str, base: Currency) -> Option<Money> {
        let code = self.0.get("currency").and_then(Json::as_str).and_then(|code| code.parse().ok());
        Money::from_number(self.0.get(name)?.as_f64()?, code.unwrap_or(base))
    }

    /// What it costs now: the sale price where there is one and it is less, else the price.
    pub fn selling(&self, base: Currency) -> Option<Money> {
        let price = self.amount("price", base);
        let sale = self.amount("sale_price", base);
        match (price, sale) {
            (Some(price), Some(sale)) => Some(if sale.amount() < price.amount() { sale } else { price }),
            (price, sale) => price.or(sale),
        }
    }

    /// Whether the shop sells it no more.
    pub fn withdrawn(&self) -> bool {
        self.0.get(WITHDRAWN).and_then(Json::as_bool).unwrap_or(false)
    }

    /// How many there are, where that is known; of what is withdrawn none.
    pub fn stock(&self) -> Option<f64> {
        if self.withdrawn() {
            return Some(0.0);
        }
        self.0.get("stock").and_then(Json::as_f64)
    }

    /// As expressions see it: `price` is what it costs now, `regular_price` what it costs without a sale, and `margin` the
    /// share of `price` (0 to 1) that is left after `cost`.
    pub fn view(&self, id: &str, base: Currency) -> Value {
        let money = |money: Option<Money>| money.map_or(Value::Missing, Value::Money);
        let selling = self.selling(base);
        let cost = self.amount("cost", base);
        let margin = selling.zip(cost).and_then(|(selling, cost)| {
            let share = (selling.amount() - cost.amount()).checked_div(selling.amount())?;
            rust_decimal::prelude::ToPrimitive::to_f64(&share)
        });
        let mut fields: Vec<(Arc<str>, Value)> = vec![
            (super::PRODUCT_ID.into(), Value::text(id)),
            ("price".into(), money(selling)),
            ("regular_price".into(), money(self.amount("price", base))),
            ("sale_price".into(), money(self.amount("sale_price", base))),
            ("cost".into(), money(cost)),
            ("margin".into(), margin.map_or(Value::Missing, Value::number)),
        ];
        if self.withdrawn() {
            fields.push(("stock".into(), Value::number(0.0)));
        }
        let known = |name: &str| {
            AMOUNTS.contains(&name) || COMPUTED.contains(&name) || (name == "stock" && self.withdrawn())
        };
        let others = self.0.iter().filter(|(name, _)| !known(name));
        fields.extend(others.map(|(name, value)| (name.as_str().into(), Value::from_json(value))));
        Value::Record(fields.into())
    }
}

/// What Postgres's jsonb can hold, and a value is not too deep for.
fn storable(field: &str, value: &Json, depth: usize) -> Result<(), Fault> {
    let nul = |text: &str| text.contains('\0');
    let fault = || Err(Fault::new(field, "has a NUL in it; leave that out"));
    match value {
        Json::String(text) if nul(text) => fault(),
        Json::Array(_) | Json::Object(_) if depth == 0 => {
            Err(Fault::new(field, format!("is nested deeper than {VALUE_DEPTH}; make it flatter")))
        }
        Json::Array(items) => items.iter().try_for_each(|item| storable(field, item, depth - 1)),
        Json::Object(fields) => {
            fields.iter().try_for_each(
                |(name, value)| {
                    if nul(name) { fault() } else { storable(field, value, depth - 1) }
                },
            )
        }
        _ if nul(field) => Err(Fault::new("item", "a field's name has a NUL in it; leave that out")),
        _ => Ok(()),
    }
}

fn currency(fields: &mut Map<String, Json>) -> Result<(), Fault> {
    match fields.get("currency") {
        None | Some(Json::Null) => Ok(()),
        Some(Json::String(code)) if code.parse::<Currency>().is_ok() => Ok(()),
        Some(_) => Err(Fault::new("currency", "is no currency; write an ISO 4217 code such as EUR")),
    }
}

/// A number, or text that is one, alone or before a currency.
fn amount(fields: &mut Map<String, Json>, name: &str) -> Result<(), Fault> {
    const HELP: &str = "is no amount; write a number of 0 or more, or text such as 19.90 EUR";
    let (number, code) = match fields.get(name) {
        None | Some(Json::Null) => return Ok(()),
        Some(Json::Number(number)) => (number.as_f64(), None),
        Some(Json::String(text)) => {
            let (number, code) = match text.trim().split_once(' ') {
                Some((number, code)) => (number, Some(code.trim().to_owned())),
                None => (text.trim(), None),
            };
            let number: Option<Decimal> = number.parse().ok();
            (number.and_then(|number| rust_decimal::prelude::ToPrimitive::to_f64(&number)), code)
        }
        Some(_) => (None, None),
    };
    let number = number.filter(|number| (0.0..=1e15).contains(number));
    let number = number.and_then(serde_json::Number::from_f64).ok_or_else(|| Fault::new(name, HELP))?;
    if let Some(code) = code {
        if code.parse::<Currency>().is_err() {
            return Err(Fault::new(name, HELP));
        }
        match fields.get("currency").and_then(Json::as_str) {
            Some(known) if known != code => {
                let message = format!("is in {code}, and the item in {known}; an item has one currency");
                return Err(Fault::new(name, message));
            }
            _ => {
                fields.insert("currency".to_owned(), Json::String(code));
            }
        }
    }
    fields.insert(name.to_owned(), Json::Number(number));
    Ok(())
}

fn flag(fields: &mut Map<String, Json>, name: &str) -> Result<(), Fault> {
    let flag = match fields.get(name) {
        None | Some(Json::Null | Json::Bool(_)) => return Ok(()),
        Some(Json::String(text)) => match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "1" => Some(true),
            "no" | "false" | "0" => Some(false),
            _ => None,
        },
        Some(_) => None,
    };
    let flag = flag.ok_or_else(|| Fault::new(name, "is neither yes nor no; write true or false"))?;
    fields.insert(name.to_owned(), Json::Bool(flag));
    Ok(())
}

/// `stock`, else what `availability` says of it: 1 of what is in stock, 0 of what is not.
fn stock(fields: &mut Map<String, Json>) -> Result<(), Fault> {
    let stock = match fields.get("stock") {
        Some(Json::Null) => return Ok(()),
        Some(Json::Number(number)) => number.as_f64(),
        Some(Json::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
        None => {
            let said = fields.get("availability").and_then(Json::as_str);
            let said = said.map(|said| said.trim().to_ascii_lowercase().replace([' ', '-'], "_"));
            let stock = match said.as_deref() {
                Some("in_stock" | "instock" | "available") => 1,
                Some(_) => 0,
                None => return Ok(()),
            };
            fields.insert("stock".to_owned(), stock.into());
            return Ok(());
        }
    };
    let stock = stock.filter(|stock: &f64| stock.is_finite() && stock.abs() <= 1e12);
    let stock = stock.ok_or_else(|| Fault::new("stock", "is no number; write how many there are"))?;
    let stock = if stock.fract() == 0.0 {
        Json::from(stock as i64)
    } else {
        serde_json::Number::from_f64(stock).into()
    };
    fields.insert("stock".to_owned(), stock);
    Ok(())
}
