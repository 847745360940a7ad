//! The figures that shoppers live by. What each means, and where it is from, stands in the file they are read from.

use journeyman_domain::plan::Channel;
use serde::Deserialize;

/// All of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the file says it: each field is a key there")]
pub struct Figures {
    pub opens: String,
    pub zone: String,
    pub people: People,
    pub visits: VisitFigures,
    pub funnel: Funnel,
    pub orders: Orders,
    pub messages: Messages,
    pub prices: Prices,
    pub shelf: ShelfFigures,
    pub catalogue: Vec<Product>,
}

/// Who they are. Shares are in [0, 1].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "as of the figures")]
pub struct People {
    pub customers: f64,
    pub signs_in_at_once: f64,
    pub second_device: f64,
    pub on_second_device: f64,
    pub signs_up: f64,
    pub lapsed: f64,
    pub past_days: f64,
    pub phone: f64,
    pub whatsapp: f64,
    pub app: f64,
    pub app_gone: f64,
    pub german: f64,
    pub first_names: Vec<String>,
}

/// When they come.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "as of the figures")]
pub struct VisitFigures {
    pub gap_hours: Quantiles,
    pub comes_again: Vec<f64>,
    pub hours: Vec<f64>,
    pub own_hours: u32,
    pub weekdays: Vec<f64>,
    pub pause_seconds: Quantiles,
}

/// What they do in a visit.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "as of the figures")]
pub struct Funnel {
    pub views: Vec<f64>,
    pub many_views: u32,
    pub fills_cart: f64,
    pub things: f64,
    pub orders_at_once: f64,
    pub comes_back_for_cart: f64,
    pub orders_when_back: f64,
    pub favourite: f64,
    pub more_pieces: f64,
}

/// When they need something again, and what they send back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "as of the figures")]
pub struct Orders {
    pub gap_days: Quantiles,
    pub needed_is_ordered: f64,
    pub returned: f64,
    pub return_days: Quantiles,
}

/// What a message does to them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "as of the figures")]
pub struct Messages {
    pub tail: f64,
    pub cart: f64,
    pub looked: f64,
    pub nothing: f64,
    pub dropped: f64,
    pub asked: f64,
    pub near_hours: u32,
    pub other_hours: f64,
    pub by: By,
    pub opens: f64,
    pub clicks: f64,
    pub fatigue: f64,
    pub half_life_days: f64,
    pub patience: f64,
    pub patience_tail: f64,
    pub one_click: f64,
    pub attention_tail: f64,
    pub finishes_cart: f64,
    pub fills_cart: f64,
}

/// What messages by each channel do to them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "as of the figures")]
pub struct By {
    pub email: Way,
    pub push: Way,
    pub sms: Way,
    pub whatsapp: Way,
}

/// What messages by one channel do to them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "as of the figures")]
pub struct Way {
    pub moves: Quantiles,
    pub attention_minutes: f64,
    pub attention_days: f64,
}

impl Way {
    fn is_sound(&self) -> bool {
        self.moves.is_sound() && self.attention_minutes > 0.0 && self.attention_days > 0.0
    }
}

impl By {
    /// Those of a channel; what is none of a phone's is taken for mail.
    pub fn way(&self, channel: Channel) -> &Way {
        match channel {
            Channel::Push => &self.push,
            Channel::Sms => &self.sms,
            Channel::Whatsapp => &self.whatsapp,
            _ => &self.email,
        }
    }
}

/// What a price, and whether something is there, is to them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "as of the figures")]
pub struct Prices {
    pub wishers: f64,
    pub wishes: f64,
    pub drop: Quantiles,
    pub finds: f64,
    pub asks: f64,
    pub buys_named: f64,
}

/// What happens to the shop's prices and stock.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "as of the figures")]
pub struct ShelfFigures {
    pub changes_at: u32,
    pub sale: f64,
    pub sale_depth: Quantiles,
    pub sale_days: Quantiles,
    pub sold_out: f64,
    pub sold_out_days: Quantiles,
}

/// Something the shop sells.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "as of the figures")]
pub struct Product {
    pub id: String,
    pub name: String,
    pub category: String,
    pub variant: String,
    pub price: f64,
}

/// A distribution by its quantiles in equal steps, from the least value to the largest; linear between them.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Quantiles(pub Vec<f64>);

impl Quantiles {
    /// The value that this part of all lies below, `part` in [0, 1].
    pub fn at(&self, part: f64) -> f64 {
        let place = part.clamp(0.0, 1.0) * self.0.len().saturating_sub(1) as f64;
        let below = place.floor();
        let value = |nth: usize| self.0.get(nth).or(self.0.last()).copied().unwrap_or_default();
        let (low, high) = (value(below as usize), value(below as usize + 1));
        low + (high - low) * (place - below)
    }

    fn is_sound(&self) -> bool {
        let ascending = self.0.windows(2).all(|pair| matches!(pair, [low, high] if low <= high));
        self.0.len() >= 2 && ascending && self.0.iter().all(|value| value.is_finite() && *value >= 0.0)
    }
}

/// A figure that can't be one: its place in the file, and what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// `funnel.views`.
    pub place: &'static str,
    /// What it should be.
    pub wanted: &'static str,
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.wanted)
    }
}

impl std::error::Error for Unusable {}

impl Figures {
    /// Whether shoppers can live by them.
    ///
    /// # Errors
    /// The first that is [`Unusable`].
    pub fn check(&self) -> Result<(), Unusable> {
        let Self { people, visits, funnel, orders, messages, prices, shelf, .. } = self;
        let ways = [&messages.by.email, &messages.by.push, &messages.by.sms, &messages.by.whatsapp];
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let weights = |values: &[f64]| values.iter().all(|v| *v >= 0.0) && values.iter().sum::<f64>() > 0.0;
        let rows = [
            ("people.customers", share(people.customers), SHARE),
            ("people.signs_in_at_once", share(people.signs_in_at_once), SHARE),
            ("people.second_device", share(people.second_device), SHARE),
            ("people.on_second_device", share(people.on_second_device), SHARE),
            ("people.signs_up", share(people.signs_up), SHARE),
            ("people.lapsed", share(people.lapsed), SHARE),
            ("people.past_days", (0.0..=3650.0).contains(&people.past_days), "days, 3650 at most"),
            ("people.phone", share(people.phone), SHARE),
            ("people.whatsapp", share(people.whatsapp), SHARE),
            ("people.app", share(people.app), SHARE),
            ("people.app_gone", share(people.app_gone), SHARE),
            ("people.german", share(people.german), SHARE),
            ("people.first_names", !people.first_names.is_empty(), "at least one name"),
            ("visits.gap_hours", visits.gap_hours.is_sound(), QUANTILES),
            ("visits.comes_again", visits.comes_again.iter().all(|again| share(*again)), SHARE),
            ("visits.hours", visits.hours.len() == 24 && weights(&visits.hours), "24 weights"),
            ("visits.own_hours", visits.own_hours <= 12, "hours, 12 at most"),
            ("visits.weekdays", visits.weekdays.len() == 7 && weights(&visits.weekdays), "7 weights"),
            ("visits.pause_seconds", visits.pause_seconds.is_sound(), QUANTILES),
            ("funnel.views", weights(&funnel.views), "weights"),
            ("funnel.many_views", (1..=100).contains(&funnel.many_views), "from 1 to 100"),
            ("funnel.fills_cart", share(funnel.fills_cart), SHARE),
            ("funnel.things", (1.0..=10.0).contains(&funnel.things), "from 1 to 10"),
            ("funnel.orders_at_once", share(funnel.orders_at_once), SHARE),
            ("funnel.comes_back_for_cart", share(funnel.comes_back_for_cart), SHARE),
            ("funnel.orders_when_back", share(funnel.orders_when_back), SHARE),
            ("funnel.favourite", share(funnel.favourite), SHARE),
            ("funnel.more_pieces", share(funnel.more_pieces), SHARE),
            ("orders.gap_days", orders.gap_days.is_sound(), QUANTILES),
            ("orders.needed_is_ordered", share(orders.needed_is_ordered), SHARE),
            ("orders.returned", share(orders.returned), SHARE),
            ("orders.return_days", orders.return_days.is_sound(), QUANTILES),
            ("messages.tail", messages.tail > 0.0, ABOVE),
            ("messages.half_life_days", messages.half_life_days > 0.0, ABOVE),
            ("messages.patience_tail", messages.patience_tail > 0.0, ABOVE),
            ("messages.attention_tail", messages.attention_tail > 0.0, ABOVE),
            ("messages.near_hours", messages.near_hours <= 12, "hours, 12 at most"),
            (
                "messages.by",
                ways.iter().all(|way| way.is_sound()),
                "of each channel quantiles, minutes and days",
            ),
            ("prices.wishers", share(prices.wishers), SHARE),
            ("prices.wishes", share(prices.wishes), SHARE),
            ("prices.drop", prices.drop.is_sound(), QUANTILES),
            ("prices.finds", share(prices.finds), SHARE),
            ("prices.asks", share(prices.asks), SHARE),
            ("prices.buys_named", share(prices.buys_named), SHARE),
            ("shelf.changes_at", shelf.changes_at < 24, "an hour, from 0 to 23"),
            ("shelf.sale", share(shelf.sale), SHARE),
            ("shelf.sale_depth", shelf.sale_depth.is_sound() && shelf.sale_depth.at(1.0) < 1.0, QUANTILES),
            ("shelf.sale_days", shelf.sale_days.is_sound(), QUANTILES),
            ("shelf.sold_out", share(shelf.sold_out), SHARE),
            ("shelf.sold_out_days", shelf.sold_out_days.is_sound(), QUANTILES),
            ("messages.one_click", share(messages.one_click), SHARE),
            ("messages.finishes_cart", share(messages.finishes_cart), SHARE),
            ("messages.fills_cart", share(messages.fills_cart), SHARE),
            ("catalogue", !self.catalogue.is_empty(), "at least one product"),
        ];
        match rows.into_iter().find(|(_, sound, _)| !sound) {
            Some((place, _, wanted)) => Err(Unusable { place, wanted }),
            None => Ok(()),
        }
    }

    /// The catalogue's categories, each once, in the order in which they first stand there.
    pub fn categories(&self) -> Vec<String> {
        let mut categories: Vec<String> = Vec::new();
        for product in &self.catalogue {
            if !categories.contains(&product.category) {
                categories.push(product.category.clone());
            }
        }
        categories
    }
}

const SHARE: &str = "a share, from 0 to 1";
const QUANTILES: &str = "two quantiles or more, none below the one before it";
const ABOVE: &str = "a number above 0";
