//! Carts, derived from the events shops really send (Segment's e-commerce events).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::stored::size;
use crate::value::{Currency, Money, Rates, Value};
use crate::{EventId, ShopTime};

/// How many open carts one person may have; the one touched longest ago gives way.
pub const CARTS: usize = 10;
/// How many lines all carts of a person may have together; further ones are left out.
pub const ITEMS: usize = 100;
/// How large they may be together as they are stored, bytes; further ones are left out.
pub const CART_BYTES: usize = 12 * 1024;
/// The most pieces of a line: far beyond any cart, and far from where doubles stop to count.
const PIECES: f64 = 1e9;
/// The events that carts are made of.
pub const CART_EVENTS: [&str; 5] =
    ["Product Added", "Product Removed", "Cart Viewed", "Checkout Started", "Order Completed"];
/// What of a product a line remembers, beside price and quantity.
const DETAILS: [&str; 9] =
    ["product_id", "sku", "variant", "name", "category", "brand", "coupon", "url", "image_url"];
/// How much of each, bytes.
const DETAIL_BYTES: usize = 200;

/// A person's open carts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Carts {
    /// The one touched last at the end.
    open: Vec<Cart>,
    /// Their latest order: what happened to a cart before it has been bought or left behind with it.
    ordered_at: Option<ShopTime>,
}

/// One open cart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cart {
    /// The shop's `cart_id`, else one made from the event that began it.
    pub id: Arc<str>,
    /// In what it is counted.
    pub currency: Currency,
    /// Its lines, in the order in which they were added.
    pub items: Vec<CartItem>,
    /// Its first event.
    pub started_at: ShopTime,
    /// Its latest change.
    pub updated_at: ShopTime,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CartItem {
    /// What the shop said of the product.
    pub details: Vec<(Arc<str>, Arc<str>)>,
    /// Of one piece, where it was said.
    pub price: Option<Money>,
    /// How many.
    pub quantity: f64,
    /// When it was added, last.
    pub added_at: ShopTime,
}

/// What happens to a cart.
enum Change {
    Add,
    Remove,
    Replace,
}

impl CartItem {
    fn read(product: &Value, currency: Currency, at: ShopTime) -> Self {
        let detail = |name: &&'static str| {
            let text = match product.field(name) {
                Value::Text(text) if !text.is_empty() => text.clone(),
                value => value.key()?,
            };
            let cut = text.floor_char_boundary(DETAIL_BYTES);
            Some((Arc::from(*name), if cut < text.len() { text[..cut].into() } else { text }))
        };
        let currency = crate::expr::currency_beside(product).unwrap_or(currency);
        let price = product.field("price").as_number();
        Self {
            details: DETAILS.iter().filter_map(detail).collect(),
            price: price.and_then(|price| Money::from_number(price, currency)),
            quantity: quantity(product).unwrap_or(1.0),
            added_at: at,
        }
    }

    fn detail(&self, name: &str) -> Option<&str> {
        self.details.iter().find(|(known, _)| known.as_ref() == name).map(|(_, text)| text.as_ref())
    }

    /// Whether two lines are of the same thing: by product and variant, else by article number.
    fn same(&self, other: &Self) -> bool {
        let key = |item: &Self| {
            let product = item.detail("product_id").or(item.detail("sku")).map(str::to_owned);
            (product, item.detail("variant").map(str::to_owned))
        };
        key(self).0.is_some() && key(self) == key(other)
    }

    fn value(&self) -> Value {
        let details = self.details.iter().map(|(name, text)| (name.as_ref(), Value::Text(text.clone())));
        let price = ("price", self.price.map_or(Value::Missing, Value::Money));
        let rest =
            [price, ("quantity", Value::Number(self.quantity)), ("added_at", Value::Time(self.added_at))];
        Value::record(details.chain(rest))
    }
}

/// What is left for the lines of one cart.
#[derive(Clone, Copy)]
struct Room {
    lines: usize,
    bytes: usize,
}

/// How much larger a line may become: its price may be said later.
const PRICE_BYTES: usize = 24;

fn quantity(product: &Value) -> Option<f64> {
    product
        .field("quantity")
        .as_number()
        .filter(|quantity| *quantity > 0.0)
        .map(|quantity| quantity.min(PIECES))
}

impl Cart {
    /// What its lines are worth; a line without a price, or of a currency without a rate, adds nothing.
    pub fn worth(&self, rates: &Rates) -> Money {
        let nothing = Money::new(0.into(), self.currency);
        let lines = self.items.iter().filter_map(|item| item.price?.times(item.quantity));
        lines.fold(nothing, |sum, line| rates.add(sum, line, 1).unwrap_or(sum))
    }

    /// A field of the scope `cart`.
    pub fn field(&self, name: &str, rates: &Rates) -> Value {
        match name {
            "id" | "cart_id" => Value::Text(self.id.clone()),
            "value" => Value::Money(self.worth(rates)),
            "currency" => Value::text(self.currency.code()),
            "count" => Value::number(self.items.iter().map(|item| item.quantity).sum()),
            "items" | "products" => self.items.iter().map(CartItem::value).collect::<Vec<_>>().into(),
            "started_at" => Value::Time(self.started_at),
            "updated_at" => Value::Time(self.updated_at),
            _ => Value::Missing,
        }
    }

    /// The properties of the `Cart Updated` that the actor emits.
    pub fn updated(&self, rates: &Rates) -> Value {
        let names = ["cart_id", "value", "currency", "count", "items"];
        Value::record(names.map(|name| (name, self.field(name, rates))))
    }
}

impl Carts {
    /// The open cart of that id.
    pub fn get(&self, id: &str) -> Option<&Cart> {
        self.open.iter().find(|cart| cart.id.as_ref() == id)
    }

    /// Calls `found` with the product of every line.
    pub(crate) fn product_ids(&self, found: &mut impl FnMut(Arc<str>)) {
        let items = self.open.iter().flat_map(|cart| &cart.items);
        items.filter_map(|item| item.detail("product_id")).for_each(|id| found(id.into()));
    }

    /// The cart touched last.
    pub fn latest(&self) -> Option<&Cart> {
        self.open.last()
    }

    /// Applies an event; answers with the cart that it changed and that is still open.
    pub fn apply(
        &mut self,
        name: &str,
        event: EventId,
        properties: &Value,
        at: ShopTime,
        shop: Currency,
    ) -> Option<Arc<str>> {
        let (change, products) = match name {
            "Product Added" => (Change::Add, vec![properties.clone()]),
            "Product Removed" => (Change::Remove, vec![properties.clone()]),
            // Without a list of products they say nothing about what is inside.
            "Cart Viewed" | "Checkout Started" => {
                let Value::List(products) = properties.field("products") else { return None };
                (Change::Replace, products.to_vec())
            }
            "Order Completed" => {
                self.order(properties.field("cart_id").key(), at);
                return None;
            }
            _ => return None,
        };
        // Late news of a cart that was bought meanwhile.
        if self.ordered_at.is_some_and(|ordered| at <= ordered) {
            return None;
        }
        let currency = crate::expr::currency_beside(properties).unwrap_or(shop);
        let given = properties.field("cart_id").key();
        let nth = match given {
            Some(id) => self.open.iter().position(|cart| cart.id == id).ok_or(id),
            None => self.open.len().checked_sub(1).ok_or_else(|| format!("cart-{}", event.0.simple()).into()),
        };
        let mut cart = match nth {
            Ok(nth) => self.open.remove(nth),
            // What was taken out of a cart that nobody knows changes nothing.
            Err(_) if matches!(change, Change::Remove) => return None,
            Err(id) => Cart { id, currency, items: Vec::new(), started_at: at, updated_at: at },
        };
        let room = Room {
            lines: ITEMS.saturating_sub(self.open.iter().map(|cart| cart.items.len()).sum()),
            bytes: CART_BYTES.saturating_sub(self.open.iter().map(Cart::bytes).sum()),
        };
        let items = products.iter().map(|product| (CartItem::read(product, currency, at), quantity(product)));
        let before = cart.items.clone();
        match change {
            Change::Add => items.for_each(|(item, _)| cart.add(item, room)),
            Change::Remove => items.for_each(|(item, quantity)| cart.remove(&item, quantity)),
            Change::Replace => cart.replace(items.map(|(item, _)| item), room),
        }
        let changed = cart.items != before;
        cart.updated_at = cart.updated_at.max(at);
        let id = cart.id.clone();
        self.open.push(cart);
        if self.open.len() > CARTS {
            self.open.remove(0);
        }
        changed.then_some(id)
    }

    /// An order closes its cart, or all of them where it names none. What was added after it stays.
    fn order(&mut self, id: Option<Arc<str>>, at: ShopTime) {
        self.ordered_at = self.ordered_at.max(Some(at));
        let bought = |cart: &Cart| id.as_ref().is_none_or(|id| *id == cart.id);
        for cart in self.open.iter_mut().filter(|cart| bought(cart)) {
            cart.items.retain(|item| item.added_at > at);
        }
        self.open.retain(|cart| !(bought(cart) && cart.items.is_empty()));
    }
}

impl Carts {
    /// Takes over the carts of the same person under another id. An order under either leaves behind what the other had put
    /// into any cart until then: nobody is reminded of what may have been bought. Of the same line in the same cart the
    /// later one counts.
    pub fn merge(&mut self, other: &Self) {
        let left = |carts: &mut Vec<Cart>, ordered: Option<ShopTime>| {
            for cart in carts.iter_mut() {
                cart.items.retain(|item| ordered.is_none_or(|ordered| item.added_at > ordered));
            }
            carts.retain(|cart| {
                !cart.items.is_empty() || ordered.is_none_or(|ordered| cart.updated_at > ordered)
            });
        };
        let mut theirs = other.open.clone();
        left(&mut theirs, self.ordered_at);
        left(&mut self.open, other.ordered_at);
        self.ordered_at = self.ordered_at.max(other.ordered_at);
        for cart in theirs {
            match self.open.iter_mut().find(|known| known.id == cart.id) {
                Some(known) => known.merge(cart),
                None => self.open.push(cart),
            }
        }
        self.open.sort_by(|a, b| a.updated_at.cmp(&b.updated_at).then_with(|| a.id.cmp(&b.id)));
        while self.open.len() > CARTS {
            self.open.remove(0);
        }
        let mut room = Room { lines: ITEMS, bytes: CART_BYTES };
        for cart in self.open.iter_mut().rev() {
            cart.items.retain(|item| {
                let bytes = size(item);
                let fits = room.lines > 0 && bytes <= room.bytes;
                if fits {
                    room = Room { lines: room.lines - 1, bytes: room.bytes - bytes };
                }
                fits
            });
        }
    }
}

impl Cart {
    /// The same cart, as it was known under another id.
    fn merge(&mut self, other: Self) {
        let rank = |item: &CartItem| (item.added_at, item.quantity.to_bits(), format!("{:?}", item.price));
        for item in other.items {
            match self.items.iter_mut().find(|known| known.same(&item)) {
                Some(known) if rank(known) < rank(&item) => *known = item,
                Some(_) => {}
                None => self.items.push(item),
            }
        }
        self.items.sort_by(|a, b| a.added_at.cmp(&b.added_at).then_with(|| a.details.cmp(&b.details)));
        self.currency = if other.updated_at > self.updated_at { other.currency } else { self.currency };
        self.started_at = self.started_at.min(other.started_at);
        self.updated_at = self.updated_at.max(other.updated_at);
    }

    /// How large its lines are as they are stored.
    fn bytes(&self) -> usize {
        self.items.iter().map(size).sum()
    }

    fn add(&mut self, item: CartItem, room: Room) {
        if let Some(known) = self.items.iter_mut().find(|known| known.same(&item)) {
            known.quantity = (known.quantity + item.quantity).min(PIECES);
            known.price = item.price.or(known.price);
            known.added_at = known.added_at.max(item.added_at);
        } else if self.items.len() < room.lines && self.bytes() + size(&item) + PRICE_BYTES <= room.bytes {
            self.items.push(item);
        }
    }

    fn remove(&mut self, item: &CartItem, quantity: Option<f64>) {
        let Some(nth) = self.items.iter().position(|known| known.same(item)) else { return };
        match quantity {
            Some(quantity) if self.items[nth].quantity > quantity => self.items[nth].quantity -= quantity,
            _ => {
                self.items.remove(nth);
            }
        }
    }

    /// What was there already keeps the moment at which it was added.
    fn replace(&mut self, items: impl Iterator<Item = CartItem>, room: Room) {
        let before = std::mem::take(&mut self.items);
        for mut item in items {
            if let Some(known) = before.iter().find(|known| known.same(&item)) {
                item.added_at = known.added_at;
            }
            self.add(item, room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> ShopTime {
        ShopTime::from_millisecond(minute * 60_000).unwrap()
    }

    fn apply(carts: &mut Carts, minute: i64, name: &str, json: serde_json::Value) -> Option<String> {
        let id = EventId(uuid::Uuid::from_u128(minute as u128));
        let changed = carts.apply(name, id, &Value::from_json(&json), at(minute), Currency::EUR)?;
        let cart = carts.get(&changed).unwrap();
        Some(format!(
            "{changed} {} x{}",
            cart.worth(&Rates::default()),
            cart.field("count", &Rates::default()).key().unwrap()
        ))
    }

    #[test]
    fn carts_follow_what_shops_send() {
        let mut carts = Carts::default();
        let cases = [
            (
                1,
                "Product Added",
                r#"{"cart_id":"c","product_id":"p","price":10,"quantity":2}"#,
                "c 20 EUR x2",
            ),
            (2, "Product Added", r#"{"cart_id":"c","product_id":"p","price":11}"#, "c 33 EUR x3"),
            (3, "Product Added", r#"{"product_id":"q","price":4.5}"#, "c 37.5 EUR x4"),
            (4, "Product Removed", r#"{"cart_id":"c","product_id":"p","quantity":1}"#, "c 26.5 EUR x3"),
            (5, "Product Removed", r#"{"cart_id":"c","product_id":"p"}"#, "c 4.5 EUR x1"),
            (6, "Product Removed", r#"{"cart_id":"c","product_id":"unknown"}"#, ""),
            (7, "Cart Viewed", r#"{"cart_id":"c"}"#, ""),
            (
                8,
                "Cart Viewed",
                r#"{"cart_id":"c","products":[{"product_id":"q","price":4.5,"quantity":1}]}"#,
                "",
            ),
            (
                9,
                "Checkout Started",
                r#"{"products":[{"product_id":"q","price":4.5,"quantity":3}]}"#,
                "c 13.5 EUR x3",
            ),
            (10, "Product Removed", r#"{"cart_id":"c","product_id":"q"}"#, "c 0 EUR x0"),
            (11, "Product Removed", r#"{"cart_id":"nobody's","product_id":"q"}"#, ""),
        ];
        for (minute, name, json, expected) in cases {
            let json = serde_json::from_str(json).unwrap();
            assert_eq!(
                apply(&mut carts, minute, name, json).unwrap_or_default(),
                expected,
                "minute {minute}"
            );
        }
    }

    #[test]
    fn an_order_closes_what_was_there_and_late_news_open_nothing() {
        let mut carts = Carts::default();
        let item = |id: &str| serde_json::json!({ "product_id": id, "price": 5 });
        apply(&mut carts, 1, "Product Added", item("a"));
        apply(&mut carts, 9, "Product Added", item("b"));
        // The order of minute 5 arrives after what was added in minute 9.
        apply(&mut carts, 5, "Order Completed", serde_json::json!({ "order_id": "o" }));
        assert_eq!(carts.latest().unwrap().items.len(), 1);
        // The shop's own clock says minute 4: bought already.
        assert_eq!(apply(&mut carts, 4, "Product Added", item("c")), None);
        apply(&mut carts, 10, "Order Completed", serde_json::json!({}));
        assert_eq!(carts.latest(), None);
        let named = |id: &str| serde_json::json!({ "cart_id": id, "product_id": "p", "price": 5 });
        apply(&mut carts, 11, "Product Added", named("x"));
        apply(&mut carts, 12, "Product Added", named("y"));
        apply(&mut carts, 13, "Order Completed", serde_json::json!({ "cart_id": "y" }));
        assert_eq!(carts.latest().unwrap().id.as_ref(), "x");
    }

    #[test]
    fn an_order_under_one_id_leaves_behind_what_lay_in_the_carts_of_the_other() {
        let line =
            |cart: &str, id: &str| serde_json::json!({ "cart_id": cart, "product_id": id, "price": 5 });
        let mut browser = Carts::default();
        apply(&mut browser, 1, "Product Added", line("x", "a"));
        apply(&mut browser, 8, "Product Added", line("y", "b"));
        let mut ada = Carts::default();
        apply(&mut ada, 5, "Order Completed", serde_json::json!({ "cart_id": "z" }));
        apply(&mut ada, 9, "Product Added", line("y", "c"));
        for (mut one, other) in [(ada.clone(), browser.clone()), (browser, ada)] {
            one.merge(&other);
            assert_eq!(one.open.len(), 1);
            let products: Vec<_> =
                one.open[0].items.iter().map(|item| item.detail("product_id").unwrap()).collect();
            assert_eq!((one.open[0].id.as_ref(), products), ("y", vec!["b", "c"]));
            // Late news of before the order still open nothing.
            assert_eq!(apply(&mut one, 4, "Product Added", line("x", "d")), None);
        }
    }

    #[test]
    fn carts_are_bounded() {
        let mut carts = Carts::default();
        for nth in 0..300 {
            let product =
                serde_json::json!({ "cart_id": format!("c{}", nth % 20), "product_id": nth, "price": 1 });
            apply(&mut carts, nth, "Product Added", product);
        }
        assert!(carts.open.len() <= CARTS);
        assert!(carts.open.iter().map(|cart| cart.items.len()).sum::<usize>() <= ITEMS);
        // Lines as long as lines can be.
        let mut carts = Carts::default();
        for nth in 0..100 {
            let long = "x".repeat(500);
            let product = serde_json::json!({ "product_id": nth, "name": long, "url": long, "brand": long });
            apply(&mut carts, nth, "Product Added", product);
        }
        let bytes = carts.open[0].bytes();
        assert!((CART_BYTES - 700..=CART_BYTES).contains(&bytes), "{bytes}");
        // What is known already is still counted.
        let known = apply(&mut carts, 200, "Product Added", serde_json::json!({ "product_id": 0 }));
        assert!(known.is_some());
    }

    #[test]
    fn quantities_stay_numbers() {
        let mut carts = Carts::default();
        for minute in 1..4 {
            let product = serde_json::json!({ "product_id": "p", "price": 1e300, "quantity": 1e308 });
            apply(&mut carts, minute, "Product Added", product);
        }
        assert_eq!(carts.latest().unwrap().field("count", &Rates::default()), Value::Number(PIECES));
    }
}
