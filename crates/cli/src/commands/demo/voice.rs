//! How shoppers say what they do: Segment's tracking form, as a shop's page sends it.

use std::sync::Arc;

use jiff::SignedDuration;
use journeyman_domain::{MessageId, ShopTime, draw};
use journeyman_sim::shoppers::{Act, Bought, Line, Offered, Product, Reach, STEP_MINUTES, Shelf, Shoppers};
use serde_json::{Value, json};

/// Where shoppers have their mail. Reserved for examples: it exists nowhere (RFC 2606).
pub(super) const DOMAIN: &str = "shoppers.example";
/// What stands before shoppers' numbers: a country that there is not.
const NOWHERE: &str = "+999";
/// What the tokens of apps begin with, and how those end whose app is gone.
const TOKEN: &str = "demo-app-";
pub(super) const GONE: &str = "-gone";
/// How many pieces lie there of what is not sold out.
const STOCK: u32 = 40;
/// In what the shop counts.
const CURRENCY: &str = "EUR";

/// Who shoppers are, and their words.
pub(in crate::commands) struct Voice {
    catalogue: Vec<Product>,
    names: Vec<String>,
    german: f64,
    zone: String,
    seed: u64,
    said: Vec<u32>,
    reach: Vec<Reach>,
    shelf: Arc<Shelf>,
    /// Which step it is: what costs what.
    step: u32,
}

impl Voice {
    pub(in crate::commands) fn new(shoppers: &Shoppers, seed: u64) -> Self {
        let figures = shoppers.figures();
        Self {
            reach: (0..shoppers.count()).map(|who| shoppers.reach(who)).collect(),
            shelf: shoppers.shelf().clone(),
            step: 0,
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

    /// Where somebody is called, where they leave a number.
    fn number(&self, who: usize) -> Option<String> {
        self.reach(who).phone.then(|| format!("{NOWHERE}{who:07}"))
    }

    /// Where their app is, or was.
    fn token(&self, who: usize) -> Option<String> {
        let Reach { app, app_gone, .. } = self.reach(who);
        let gone = if app_gone { GONE } else { "" };
        (app || app_gone).then(|| format!("{TOKEN}{who:07}{gone}"))
    }

    fn reach(&self, who: usize) -> Reach {
        let none = Reach { phone: false, whatsapp: false, app: false, app_gone: false };
        self.reach.get(who).copied().unwrap_or(none)
    }

    /// All numbers and tokens: what may be written to.
    pub(super) fn addresses(&self) -> Vec<String> {
        let all = 0..self.reach.len();
        all.flat_map(|who| [self.number(who), self.token(who)]).flatten().collect()
    }

    /// Whose address, number or token that is.
    pub(super) fn whose(address: &str) -> Option<usize> {
        if let Some(digits) = address.strip_prefix(NOWHERE) {
            return digits.parse().ok();
        }
        if let Some(rest) = address.strip_prefix(TOKEN) {
            return rest.trim_end_matches(GONE).parse().ok();
        }
        let (user, domain) = address.split_once('@')?;
        let (_, number) = user.rsplit_once('-')?;
        number.parse().ok().filter(|_| domain == DOMAIN)
    }

    /// Which products somebody reads of.
    pub(super) fn names(&self, words: &str) -> Vec<usize> {
        let all = self.catalogue.iter().enumerate();
        all.filter(|(_, product)| words.contains(&product.name)).map(|(nth, _)| nth).collect()
    }

    /// A step has come: things cost what they cost then.
    pub(in crate::commands) fn is_now(&mut self, step: u32) {
        self.step = step;
    }

    /// What the shop sells from a step on, where that has changed: the items of the catalog.
    pub(in crate::commands) fn items(&self, step: u32) -> Vec<Value> {
        let all = self.shelf.changes(step).into_iter();
        all.filter_map(|(nth, offered)| self.item(nth, offered)).collect()
    }

    fn item(&self, nth: usize, offered: Offered) -> Option<Value> {
        let product = self.catalogue.get(nth)?;
        let Offered { cents, regular_cents, in_stock } = offered;
        Some(json!({
            "product_id": product.id,
            "name": product.name,
            "category": product.category,
            "variant": product.variant,
            "price": euros(regular_cents),
            "sale_price": (cents < regular_cents).then(|| euros(cents)),
            "currency": CURRENCY,
            "stock": if in_stock { STOCK } else { 0 },
            "url": page(product),
            "image_url": picture(product),
        }))
    }

    /// What the shop knows from before: who its customers are, and what they bought, the earliest first.
    pub(in crate::commands) fn past(&mut self, past: &[Bought], opens: ShopTime) -> Vec<(String, Value)> {
        let mut told = Vec::new();
        for bought in past {
            let minutes = i64::from(bought.steps_ago) * i64::from(STEP_MINUTES);
            let at = opens.saturating_add(SignedDuration::from_mins(-minutes));
            let who = bought.who;
            let mut say = |voice: &mut Self, mut message: Value| {
                let id = voice.next_id(who);
                put(&mut message, "messageId", id.clone());
                put(&mut message, "userId", voice.user(who));
                put(&mut message, "timestamp", at.to_string());
                put(&mut message, "context", voice.context(who));
                told.push((id, message));
            };
            if bought.order == 1 {
                let traits = self.traits(who);
                say(self, json!({ "type": "identify", "traits": traits }));
                say(self, track("Account Created", json!({})));
                if let Some(no) = self.no_whatsapp(who) {
                    say(self, no);
                }
            }
            let mut properties = self.bill(&bought.lines);
            put(&mut properties, "order_id", order_id(who, bought.order));
            say(self, track("Order Completed", properties));
        }
        told
    }

    fn traits(&self, who: usize) -> Value {
        let mut traits = json!({
            "email": self.address(who),
            "first_name": self.name(who),
            "locale": self.locale(who),
        });
        for (name, value) in [("phone", self.number(who)), ("push_token", self.token(who))] {
            if let Some(value) = value {
                put(&mut traits, name, value);
            }
        }
        traits
    }

    /// Who leaves a number and does not agree to WhatsApp says so.
    fn no_whatsapp(&self, who: usize) -> Option<Value> {
        let reach = self.reach(who);
        (reach.phone && !reach.whatsapp).then(|| track("Unsubscribed", json!({ "channel": "whatsapp" })))
    }

    /// Somebody switches an app's messages off, below one of them.
    pub(super) fn switches_off(&mut self, who: usize, of: MessageId, now: ShopTime) -> (String, Value) {
        let said = json!({ "channel": "push", "message_id": of.to_string() });
        self.told(who, 1, true, track("Unsubscribed", said), now)
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
    pub(in crate::commands) fn tells(
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
        match act {
            Act::SignsUp | Act::SignsIn => {
                let traits = self.traits(who);
                tell(self, json!({ "type": "identify", "traits": traits }));
                let event = if *act == Act::SignsUp { "Signed Up" } else { "Signed In" };
                tell(self, track(event, json!({ "method": "email" })));
                if let Some(no) = self.no_whatsapp(who) {
                    tell(self, no);
                }
            }
            Act::Views(product) => {
                let viewed = self.product(*product, None);
                tell(self, track("Product Viewed", viewed));
            }
            Act::Wishes(product) => {
                let wished = self.product(*product, None);
                tell(self, track("Product Added to Wishlist", wished));
            }
            Act::Asks(product) => {
                let asked = self.product(*product, None);
                tell(self, track("Product Subscribed", asked));
            }
            Act::Adds(cart, line) => {
                let mut added = self.product(line.product, Some(*line));
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
        let id = self.next_id(who);
        let kind = if device == 0 { "browser" } else { "phone" };
        put(&mut message, "messageId", id.clone());
        put(&mut message, "anonymousId", format!("{kind}-{}-{who:05}", self.seed));
        if known {
            put(&mut message, "userId", self.user(who));
        }
        put(&mut message, "timestamp", now.to_string());
        put(&mut message, "context", self.context(who));
        (id, message)
    }

    fn next_id(&mut self, who: usize) -> String {
        if self.said.len() <= who {
            self.said.resize(who + 1, 0);
        }
        let nth = self.said.get_mut(who).map_or(0, |said| {
            *said += 1;
            *said
        });
        format!("demo-{}-{who}-{nth}", self.seed)
    }

    fn context(&self, who: usize) -> Value {
        json!({
            "library": { "name": "journeyman-demo", "version": env!("CARGO_PKG_VERSION") },
            "locale": self.locale(who),
            "timezone": self.zone,
        })
    }

    /// A product as it costs now, or as a line of a cart has it.
    fn product(&self, nth: usize, line: Option<Line>) -> Value {
        let Some(product) = self.catalogue.get(nth) else { return json!({}) };
        let mut said = json!({
            "product_id": product.id,
            "sku": product.id,
            "name": product.name,
            "category": product.category,
            "variant": product.variant,
            "price": euros(line.map_or_else(|| self.shelf.of(nth, self.step).cents, |line| line.cents)),
            "currency": CURRENCY,
            "url": page(product),
            "image_url": picture(product),
        });
        if let Some(line) = line {
            put(&mut said, "quantity", line.pieces);
        }
        said
    }

    fn products(&self, lines: &[Line]) -> Vec<Value> {
        lines.iter().map(|line| self.product(line.product, Some(*line))).collect()
    }

    /// What lines cost, and what they are.
    fn bill(&self, lines: &[Line]) -> Value {
        let total = euros(lines.iter().map(|line| line.cents * line.pieces).sum());
        json!({
            "value": total,
            "total": total,
            "revenue": total,
            "currency": CURRENCY,
            "products": self.products(lines),
        })
    }
}

fn track(event: &str, properties: Value) -> Value {
    json!({ "type": "track", "event": event, "properties": properties })
}

/// As events and items have it.
fn euros(cents: u32) -> f64 {
    f64::from(cents) / 100.0
}

fn page(product: &Product) -> String {
    format!("https://shop.example/products/{}", product.id)
}

fn picture(product: &Product) -> String {
    format!("https://shop.example/images/{}.jpg", product.id)
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
