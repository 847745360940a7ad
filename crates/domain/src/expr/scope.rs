//! What an expression is asked about.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Expr, Root, Turn};
use crate::ShopTime;
use crate::catalog::Catalog;
use crate::person::{Entry, Person, Run};
use crate::plan::{Channel, Condition, Policies, Segment};
use crate::value::{Money, Value};

/// How deep segments may ask for segments. `journey` refuses circles; of stored ones that have become circular, the
/// innermost is false.
pub const SEGMENT_DEPTH: u8 = 16;

/// The deployed segments, by name.
#[derive(Clone, Debug, Default)]
pub struct Segments(BTreeMap<Arc<str>, (Condition, Turn)>);

impl Segments {
    /// Of a deployment.
    pub fn new(segments: Vec<Segment>) -> Self {
        let turning = |Segment { name, condition }| {
            let turn = Turn::of(&condition.expr);
            (name, (condition, turn))
        };
        Self(segments.into_iter().map(turning).collect())
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.keys()
    }

    /// Who is in it.
    pub fn get(&self, name: &str) -> Option<&Condition> {
        self.0.get(name).map(|(condition, _)| condition)
    }

    /// When time alone may change who is in it.
    pub fn turn(&self, name: &str) -> Option<&Turn> {
        self.0.get(name).map(|(_, turn)| turn)
    }

    /// What makes a segment what it is: its own words and those of the segments it asks, each once.
    pub fn words(&self, name: &str) -> Vec<Arc<str>> {
        let mut words = Vec::new();
        let mut asked: Vec<Arc<str>> = vec![name.into()];
        let mut nth = 0;
        while let Some(name) = asked.get(nth).cloned() {
            nth += 1;
            let Some(condition) = self.get(&name) else { continue };
            condition.expr.walk(&mut |expr| {
                if let Expr::InSegment(other) = expr
                    && !asked.contains(other)
                {
                    asked.push(other.clone());
                }
            });
            words.extend([name, condition.text.clone()]);
        }
        words
    }
}

/// What happened, as an expression sees it.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The event's name.
    pub name: &'a str,
    /// When it happened.
    pub at: ShopTime,
    /// Its properties.
    pub properties: &'a Value,
}

impl<'a> From<&'a Entry> for Facts<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self { name: &entry.name, at: entry.at, properties: &entry.properties }
    }
}

/// The scope of one question.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// Whom.
    pub person: &'a Person,
    /// When.
    pub now: ShopTime,
    /// On whose clock days are counted.
    pub zone: &'a TimeZone,
    /// The deployed segments.
    pub segments: &'a Segments,
    /// The shop's policies, with its currency and rates.
    pub policies: &'a Policies,
    /// The products that may be asked of.
    pub catalog: &'a dyn Catalog,
    /// The event at hand.
    pub event: Option<Facts<'a>>,
    /// The run, and with it its entry, variables and results.
    pub run: Option<&'a Run>,
    /// The element at hand.
    pub element: Option<&'a Value>,
    /// The element that an entry is about, before there is a run that keeps it.
    pub item: Option<&'a Value>,
    /// How many segments deep the question stands.
    pub depth: u8,
}

impl Scope<'_> {
    /// The value at a path.
    pub fn get(&self, root: &Root, path: &[Arc<str>]) -> Value {
        let Some((first, rest)) = path.split_first() else {
            return match root {
                Root::Element => self.element.cloned().unwrap_or_default(),
                Root::Item => self.item().clone(),
                Root::Turn => {
                    let turn = self.run.and_then(Run::turn);
                    turn.map_or(Value::Missing, |turn| Value::Number(f64::from(turn)))
                }
                _ => Value::Missing,
            };
        };
        let rest = || rest.iter().map(AsRef::as_ref);
        match root {
            Root::Event => of_event(self.event, first).at(rest()).clone(),
            Root::Entry => of_event(self.run.map(|run| (&run.entry).into()), first).at(rest()).clone(),
            Root::Run => self.run.map_or(Value::Missing, |run| run.variable(first).at(rest()).clone()),
            Root::Profile => self.person.profile(first).at(rest()).clone(),
            Root::Cart => self.cart(first).at(rest()).clone(),
            Root::Step(id) => {
                let result = self.run.and_then(|run| run.result(id));
                // A step that was not reached has sent nothing.
                result.map_or_else(|| unreached(first), |result| result.field(first))
            }
            Root::Item => self.item().field(first).at(rest()).clone(),
            Root::Turn => Value::Missing,
            Root::Element => {
                self.element.map_or(Value::Missing, |element| element.field(first).at(rest()).clone())
            }
        }
    }

    /// What the entry or the run is about.
    fn item(&self) -> &Value {
        const MISSING: &Value = &Value::Missing;
        self.item.or(self.run.map(|run| &run.item)).unwrap_or(MISSING)
    }

    /// The run's own cart where it is keyed by one that is open, or the event's; else the one touched last.
    fn cart(&self, field: &str) -> Value {
        let carts = &self.person.hot.carts;
        let of_event = self.event.and_then(|event| event.properties.field("cart_id").key());
        let of_run = self.run.and_then(|run| run.entry.properties.field("cart_id").key());
        let named = of_run.or(of_event);
        let cart = match &named {
            Some(id) => carts.get(id),
            None => carts.latest(),
        };
        match (cart, field) {
            (Some(cart), field) => cart.field(field, &self.policies.rates),
            // A cart that was bought or never begun is an empty one, not a missing one.
            (None, "count") => Value::Number(0.0),
            (None, "value") => Value::Money(Money::new(0.into(), self.policies.rates.base)),
            (None, "items" | "products") => Value::List(Arc::from([])),
            (None, _) => Value::Missing,
        }
    }

    /// Whether the person is in a segment; of one that is not deployed nobody is.
    pub fn in_segment(&self, name: &str) -> bool {
        let (Some(condition), Some(within)) = (self.segments.get(name), self.deeper()) else { return false };
        condition.compiled.holds(&within)
    }

    /// The scope of a segment that is asked for here; `None` where that is too deep.
    pub(super) fn deeper(&self) -> Option<Self> {
        let within =
            Scope { event: None, run: None, element: None, item: None, depth: self.depth + 1, ..*self };
        (self.depth < SEGMENT_DEPTH).then_some(within)
    }

    /// Whether an occasion of that name is on where the person is; of one that is not there any more none is.
    pub fn in_calendar(&self, name: &str) -> bool {
        let country = self.person.traits.get("country").as_text();
        let mut named = self.policies.calendar.iter().filter(|occasion| &*occasion.name == name);
        named.any(|occasion| occasion.until(self.now, self.zone, country).is_some())
    }

    /// Whether a channel reaches the person, and they have not said no to it; of a topic, whether they agree to that there.
    pub fn reaches(&self, channel: Channel, topic: Option<&str>) -> bool {
        let address = self.person.address(channel);
        address.is_some_and(|address| !self.person.is_dead(channel, &address))
            && self.person.hot.consents.allow(channel, topic, self.policies)
    }
}

/// A property of an event, else its name or moment.
fn of_event(event: Option<Facts<'_>>, field: &str) -> Value {
    let Some(event) = event else { return Value::Missing };
    match (event.properties.field(field), field) {
        (Value::Missing, "name") => Value::text(event.name),
        (Value::Missing, "at") => Value::Time(event.at),
        (value, _) => value.clone(),
    }
}

fn unreached(field: &str) -> Value {
    match field {
        "sent" | "delivered" | "opened" | "clicked" | "failed" => Value::Bool(false),
        _ => Value::Missing,
    }
}
