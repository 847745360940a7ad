//! How simulated shoppers speak: in the words of the demo's, read as the door reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;
use journeyman_domain::catalog::{Item, Patch};
use journeyman_domain::tracking::{Defaults, Door, read};
use journeyman_domain::value::Currency;
use journeyman_domain::{Event, ShopTime};
use journeyman_sim::backtest::{Tellings, Timeline};
use journeyman_sim::shoppers::{Bought, STEP_MINUTES, Shelf, Shoppers};
use journeyman_sim::simulate::{self, Doing};
use serde_json::Value;

use crate::commands::demo::voice::Voice;

/// Who speaks.
const SOURCE: &str = "simulate";

pub(super) struct Speaker {
    voice: Voice,
    opens: ShopTime,
    /// What is sold, by its id: which of the figures' products.
    ids: BTreeMap<Arc<str>, usize>,
}

impl Speaker {
    pub(super) fn new(shoppers: &Shoppers, seed: u64, opens: ShopTime) -> Self {
        let products = shoppers.figures().catalogue.iter().enumerate();
        let ids = products.map(|(nth, product)| (product.id.as_str().into(), nth)).collect();
        Self { voice: Voice::new(shoppers, seed), opens, ids }
    }

    /// What is sold from the first step to the last. At the first it is known already: nobody is told of it.
    pub(super) fn catalog(&mut self, shelf: &Shelf, base: Currency) -> Timeline {
        let mut steps = vec![0];
        while let Some(next) = steps.last().and_then(|last| shelf.next_change(*last)) {
            steps.push(next);
        }
        let at = |step: u32| {
            let minutes = i64::from(step) * i64::from(STEP_MINUTES);
            self.opens.saturating_add(SignedDuration::from_mins(minutes))
        };
        let tellings = Tellings::of(steps.iter().skip(1).map(|step| at(*step)));
        let mut timeline = Timeline::new(Arc::new(tellings), base);
        for step in steps {
            let since = if step == 0 { ShopTime::EPOCH } else { at(step) };
            self.voice.is_now(step);
            for fields in self.voice.items(step) {
                let Value::Object(fields) = fields else { continue };
                // The figures' own products: they are what an item may be.
                let Ok(patch) = Patch::read(fields) else { continue };
                if let Ok(item) = Item::default().patched(&patch) {
                    timeline.add(&patch.id, since, item);
                }
            }
        }
        self.voice.is_now(0);
        timeline
    }

    fn heard(said: Vec<(String, Value)>, at: ShopTime) -> Vec<Event> {
        let door = Door {
            write_key: "",
            source: SOURCE,
            received_at: at,
            index: 0,
            message_id: None,
            historical: true,
        };
        let events = said.into_iter().filter_map(|(_, message)| {
            let event = read(&message.to_string(), &Defaults::default(), &door, || 0);
            debug_assert!(event.is_ok(), "{event:?}");
            event.ok()
        });
        events.collect()
    }
}

impl simulate::Voice for Speaker {
    fn before(&mut self, bought: &Bought) -> Vec<Event> {
        let said = self.voice.past(std::slice::from_ref(bought), self.opens);
        Self::heard(said, self.opens)
    }

    fn says(&mut self, deed: Doing<'_>, step: u32, at: ShopTime) -> Vec<Event> {
        let Doing { shopper, device, known, act } = deed;
        self.voice.is_now(step);
        Self::heard(self.voice.tells(shopper, device, known, act, at), at)
    }

    fn product(&self, id: &str) -> Option<usize> {
        self.ids.get(id).copied()
    }

    fn products(&self) -> BTreeSet<Arc<str>> {
        self.ids.keys().cloned().collect()
    }
}
