//! What a message's template is given: everything that rendering needs and can't be asked again later.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::Actor;
use crate::Refused;
use crate::catalog::{Catalog, PRODUCT_ID};
use crate::plan::{Channel, Send, Setting};
use crate::template::{DATA_BYTES, Data, Field, Filled, LIST_ITEMS, PLAIN};
use crate::value::Value;

impl Actor<'_> {
    /// The values of a `with`, as a record; each sees those before it.
    pub(super) fn with(&self, nth: usize, with: &[(Arc<str>, Setting)]) -> Value {
        let mut record: Vec<(Arc<str>, Value)> = Vec::with_capacity(with.len());
        for (name, setting) in with {
            let value = match setting {
                Setting::Text(text) => Value::Text(text.clone()),
                Setting::Computed(condition) => {
                    let known = Value::Record(record.as_slice().into());
                    let scope = self.scope(None, self.person.runs.get(nth));
                    condition.compiled.value(&crate::expr::Scope { element: Some(&known), ..scope })
                }
            };
            record.push((name.clone(), value));
        }
        Value::Record(record.into())
    }

    /// What the template is given, as JSON; or why there is no message: something that it speaks of bare is missing, or all
    /// of it together is too large.
    pub(super) fn data(
        &self,
        nth: usize,
        send: &Send,
        with: &Value,
        channel: Channel,
        variant: Option<&Arc<str>>,
    ) -> Result<Arc<str>, Refused> {
        let scope = self.scope(None, self.person.runs.get(nth));
        let scope = crate::expr::Scope { element: Some(with), ..scope };
        let values: Vec<(&Filled, Value)> = send
            .filled
            .iter()
            .map(|filled| {
                (filled, filled.value.as_ref().map_or(Value::Missing, |value| value.compiled.value(&scope)))
            })
            .collect();
        if values.iter().any(|(filled, value)| filled.required && is_blank(value)) {
            return Err(Refused::MissingVariable);
        }
        let variant = variant.filter(|name| ***name != *PLAIN).cloned();
        let locale = self.locale();
        let zone: Arc<str> = self.zone.iana_name().unwrap_or("UTC").into();
        let session_until = self.session_until().filter(|_| channel == Channel::Whatsapp);
        // Lists are cut until all fits: a mail shows the first of them anyway.
        let mut most = LIST_ITEMS;
        loop {
            let mut vars = Json::Object(Map::new());
            for (filled, value) in &values {
                let json = if filled.list {
                    list(value, &filled.fields, most, self.catalog)?
                } else {
                    value.to_json()
                };
                put(&mut vars, &filled.path, json);
            }
            let data = Data {
                locale: locale.clone(),
                zone: zone.clone(),
                session_until,
                variant: variant.clone(),
                vars,
            };
            let text = serde_json::to_string(&data).map_err(|_| Refused::TooLarge)?;
            if text.len() <= DATA_BYTES {
                return Ok(text.into());
            }
            most /= 2;
            if most == 0 {
                return Err(Refused::TooLarge);
            }
        }
    }

    /// What the person said, else what their device says.
    fn locale(&self) -> Option<Arc<str>> {
        let said = self.person.traits.get("locale").as_text();
        said.map(Arc::from).or_else(|| self.person.hot.locale.clone())
    }
}

/// Nothing there, or nothing to read.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Missing => true,
        Value::Text(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// The first so many elements of a list, with the fields that are spoken of.
fn list(value: &Value, fields: &[Field], most: usize, catalog: &dyn Catalog) -> Result<Json, Refused> {
    let element = |element: &Value| {
        if fields.is_empty() {
            return Ok(element.to_json());
        }
        let mut record = Json::Object(Map::new());
        for field in fields {
            let value = of_element(element, &field.path, catalog);
            if field.required && is_blank(value) {
                return Err(Refused::MissingVariable);
            }
            put(&mut record, &field.path, value.to_json());
        }
        Ok(record)
    };
    value.items().iter().take(most).map(element).collect()
}

/// The value at a path of a list's element: what it says itself goes before what the catalog knows of its product.
fn of_element<'v>(element: &'v Value, path: &[Arc<str>], catalog: &'v dyn Catalog) -> &'v Value {
    let at = |path: &[Arc<str>]| element.at(path.iter().map(AsRef::as_ref));
    let own = at(path);
    let place = path.iter().position(|name| name.as_ref() == "product");
    let (true, Some(place)) = (own.is_missing(), place) else { return own };
    let id = at(&path[..place]).field(PRODUCT_ID).key();
    let product = id.and_then(|id| catalog.product(&id));
    product.map_or(own, |product| product.at(path[place + 1..].iter().map(AsRef::as_ref)))
}

/// Puts a value at a path of objects; what stands there already as an object is added to.
fn put(into: &mut Json, path: &[Arc<str>], value: Json) {
    let Some((last, above)) = path.split_last() else { return };
    let mut at = into;
    for name in above {
        let Json::Object(fields) = at else { return };
        at = fields.entry(name.as_ref()).or_insert_with(|| Json::Object(Map::new()));
    }
    if let Json::Object(fields) = at {
        match (fields.get_mut(last.as_ref()), value) {
            // `cart` whole after `cart.items`: what is spoken of in parts keeps its parts.
            (Some(Json::Object(known)), Json::Object(more)) => known.extend(more),
            (Some(Json::Object(known)), _) if !known.is_empty() => {}
            (_, value) => {
                fields.insert(last.to_string(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests;
