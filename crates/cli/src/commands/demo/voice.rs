//! How shoppers say what they do: Segment's tracking form, as a shop's page sends it.

use journeyman_domain::{ShopTime, draw};
use journeyman_sim::shoppers::{Act, Figures, Line, Product};
use serde_json::{Value, json};

/// Where shoppers have their mail. Reserved for examples: it exists nowhere (RFC 2606).
pub(super) const DOMAIN: &str = "shoppers.example";
/// In what the shop counts.
const CURRENCY: &str = "EUR";

/// Who shoppers are, and their words.
pub(super) struct Voice {
    catalogue: Vec<Product>,
    names: Vec<String>,
    german: f64,
    zone: String,
    seed: u64,
    said: Vec<u32>,
}

impl Voice {
    pub(super) fn new(figures: &Figures, seed: u64) -> Self {
        Self {
            catalogue: figures.catalogue.clone(),
            names: figures.people.first_names.clone(),
            german: figures.people.german,
            zone: figures.zone.clone(),
            seed,
            said: Vec::new(),
        }
    }

    /// The shop's own id of somebody.
    pub(super) fn user(&self, who: usize) -> String {
        format!("{}-{who:05}", self.name(who).to_lowercase())
    }

    /// Where somebody has their mail.
    pub(super) fn address(&self, who: usize) -> String {
        format!("{}@{DOMAIN}", self.user(who))
    }

    /// Whose mail goes there.
    pub(super) fn whose(address: &str) -> Option<usize> {
        let (user, domain) = address.split_once('@')?;
        let (_, number) = user.rsplit_once('-')?;
        number.parse().ok().filter(|_| domain == DOMAIN)
    }

    fn name(&self, who: usize) -> &str {
        let nth = (self.drawn(who, "name") * self.names.len() as f64) as usize;
        self.names.get(nth).map_or("Ada", String::as_str)
    }

    fn locale(&self, who: usize) -> &'static str {
        if self.drawn(who, "locale") < self.german { "de-DE" } else { "en-GB" }
    }

    fn drawn(&self, who: usize, what: &str) -> f64 {
        draw(self.seed as i64, &["voice", &who.to_string(), what])
    }

    /// What is sent of an act: its messages, each with its `messageId`.
    pub(super) fn tells(
        &mut self,
        who: usize,
        device: u8,
        known: bool,
        act: &Act,
        now: ShopTime,
    ) -> Vec<(String, Value)> {
        let mut messages = Vec::new();
        let mut tell = |voice: &mut Self, message: Value| {
            let said = voice.told(who, device, known, message, now);
            messages.push(said);
        };
        let track = |event: &str, properties: Value| json!({ "type": "track", "event": event, "properties": properties });
        match act {
            Act::SignsUp | Act::SignsIn => {
                let traits = json!({
                    "email": self.address(who),
                    "first_name": self.name(who),
                    "locale": self.locale(who),
                });
                tell(self, json!({ "type": "identify", "traits": traits }));
                let event = if *act == Act::SignsUp { "Signed Up" } else { "Signed In" };
                tell(self, track(event, json!({ "method": "email" })));
            }
            Act::Views(product) => {
                let viewed = self.product(*product, None);
                tell(self, track("Product Viewed", viewed));
            }
            Act::Adds(cart, line) => {
                let mut added = self.product(line.product, Some(line.pieces));
                put(&mut added, "cart_id", cart_id(who, *cart));
                tell(self, track("Product Added", added));
            }
            Act::LooksAtCart(cart, lines) => {
                let products = self.products(lines);
                let viewed =
                    json!({ "cart_id": cart_id(who, *cart), "currency": CURRENCY, "products": products });
                tell(self, track("Cart Viewed", viewed));
            }
            Act::ChecksOut(cart, lines) => {
                let mut properties = self.bill(lines);
                put(&mut properties, "cart_id", cart_id(who, *cart));
                tell(self, track("Checkout Started", properties));
            }
            Act::Orders { order, cart, lines } => {
                let mut properties = self.bill(lines);
                put(&mut properties, "order_id", order_id(who, *order));
                put(&mut properties, "cart_id", cart_id(who, *cart));
                tell(self, track("Order Completed", properties));
            }
            Act::Returns(order, line) => {
                let mut properties = self.bill(std::slice::from_ref(line));
                put(&mut properties, "order_id", order_id(who, *order));
                tell(self, track("Order Refunded", properties));
            }
        }
        messages
    }

    fn told(
        &mut self,
        who: usize,
        device: u8,
        known: bool,
        mut message: Value,
        now: ShopTime,
    ) -> (String, Value) {
        if self.said.len() <= who {
            self.said.resize(who + 1, 0);
        }
        let nth = self.said.get_mut(who).map_or(0, |said| {
            *said += 1;
            *said
        });
        let id = format!("demo-{}-{who}-{nth}", self.seed);
        let kind = if device == 0 { "browser" } else { "phone" };
        put(&mut message, "messageId", id.clone());
        put(&mut message, "anonymousId", format!("{kind}-{}-{who:05}", self.seed));
        if known {
            put(&mut message, "userId", self.user(who));
        }
        put(&mut message, "timestamp", now.to_string());
        put(
            &mut message,
            "context",
            json!({
                "library": { "name": "journeyman-demo", "version": env!("CARGO_PKG_VERSION") },
                "locale": self.locale(who),
                "timezone": self.zone,
            }),
        );
        (id, message)
    }

    fn product(&self, nth: usize, pieces: Option<u32>) -> Value {
        let Some(product) = self.catalogue.get(nth) else { return json!({}) };
        let mut said = json!({
            "product_id": product.id,
            "sku": product.id,
            "name": product.name,
            "category": product.category,
            "variant": product.variant,
            "price": product.price,
            "currency": CURRENCY,
            "url": format!("https://shop.example/products/{}", product.id),
            "image_url": format!("https://shop.example/images/{}.jpg", product.id),
        });
        if let Some(pieces) = pieces {
            put(&mut said, "quantity", pieces);
        }
        said
    }

    fn products(&self, lines: &[Line]) -> Vec<Value> {
        lines.iter().map(|line| self.product(line.product, Some(line.pieces))).collect()
    }

    /// What lines cost, and what they are.
    fn bill(&self, lines: &[Line]) -> Value {
        let price = |line: &Line| self.catalogue.get(line.product).map_or(0.0, |product| product.price);
        // Cents, so that a sum of prices is one.
        let cents: f64 =
            lines.iter().map(|line| (price(line) * 100.0).round() * f64::from(line.pieces)).sum();
        let total = cents / 100.0;
        json!({
            "value": total,
            "total": total,
            "revenue": total,
            "currency": CURRENCY,
            "products": self.products(lines),
        })
    }
}

fn put(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value.into());
    }
}

fn cart_id(who: usize, cart: u32) -> String {
    format!("cart-{who}-{cart}")
}

fn order_id(who: usize, order: u32) -> String {
    format!("order-{who}-{order}")
}
