//! What happened to an item between two versions that people may want to hear of.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Map, Value as Json};

use super::Item;
use crate::value::Currency;

/// A price that fell by less than this share is no news: rounding, a currency's day.
pub const LEAST_DROP: f64 = 0.01;

/// What of an item's own fields an event about it carries, and how much of each, bytes; the rest is `.product`'s.
const TOLD: [&str; 3] = ["name", "category", "brand"];
const TOLD_BYTES: usize = 120;

/// News of an item: the record that an event about it carries, but for what is each person's own.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// It costs less than before.
    PriceDropped {
        /// By which share of the old price, 0 to 1.
        drop: f64,
        /// The record.
        item: Json,
    },
    /// There was none of it, and now there is.
    BackInStock {
        /// The record.
        item: Json,
    },
}

/// What happened to an item. Of one that was not there before, or whose price or stock was not known, nothing did; nor of one
/// that is withdrawn. One that is sold again is back in stock where there is any, whatever it costs now.
pub fn moved(id: &str, old: &Item, new: &Item, base: Currency) -> Vec<Move> {
    let mut moves = Vec::new();
    if new.withdrawn() {
        return moves;
    }
    let (was, is) = (old.selling(base), new.selling(base));
    if let Some((was, is)) = was.zip(is).filter(|_| !old.withdrawn())
        && was.currency() == is.currency()
        && is.amount() < was.amount()
        && let Some(drop) =
            (was.amount() - is.amount()).checked_div(was.amount()).as_ref().and_then(Decimal::to_f64)
        && drop >= LEAST_DROP
    {
        let mut item = told(id, new);
        item.insert("old_price".to_owned(), number(was.amount()));
        item.insert("new_price".to_owned(), number(is.amount()));
        item.insert("currency".to_owned(), is.currency().code().into());
        item.insert("drop".to_owned(), drop.into());
        moves.push(Move::PriceDropped { drop, item: Json::Object(item) });
    }
    if let Some((was, is)) = old.stock().zip(new.stock())
        && was <= 0.0
        && is > 0.0
    {
        let mut item = told(id, new);
        item.insert("stock".to_owned(), is.into());
        if let Some(price) = new.selling(base) {
            item.insert("price".to_owned(), number(price.amount()));
            item.insert("currency".to_owned(), price.currency().code().into());
        }
        moves.push(Move::BackInStock { item: Json::Object(item) });
    }
    moves
}

fn number(amount: Decimal) -> Json {
    amount.to_f64().into()
}

fn told(id: &str, item: &Item) -> Map<String, Json> {
    let mut told = Map::new();
    told.insert(super::PRODUCT_ID.to_owned(), id.into());
    for name in TOLD {
        if let Some(text) = item.field(name).and_then(Json::as_str) {
            told.insert(name.to_owned(), text[..text.floor_char_boundary(TOLD_BYTES)].into());
        }
    }
    told
}
