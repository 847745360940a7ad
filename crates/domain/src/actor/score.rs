//! What is learned of a person reaches them: scores, and the news that a band is another one.

use super::{Actor, Happening};
use crate::expr::Type;
use crate::score::{BAND, BANDS, CHANGED, CHURN, FIELDS, LOW, TRAIT};
use crate::value::Value;
use crate::{Refused, ShopTime};

impl Actor<'_> {
    /// Scores that were computed. What is no score is left out; without a risk and a band of ours there is nothing to keep.
    pub(super) fn scored(&mut self, event: &Happening, depth: u32) {
        let said = event.properties();
        let risk = said.field(CHURN).as_number().is_some_and(|churn| (0.0..=1.0).contains(&churn));
        let band = said.field(BAND).as_text().is_some_and(|band| BANDS.contains(&band));
        if !(risk && band) {
            return self.refuse(event.name.clone(), Refused::BadScore);
        }
        let of_type = |value: &Value, of: &Type| match of {
            Type::Text => value.as_text().is_some_and(|text| text.len() <= WORD_BYTES),
            _ => value.as_number().is_some(),
        };
        let fields = FIELDS.iter().filter_map(|(name, of)| {
            let value = said.field(name);
            of_type(value, of).then(|| (*name, value.clone()))
        });
        self.rescored(Value::record(fields), event.at, event, depth);
    }

    /// Who has just bought is not silent: their risk is 0 by its own definition, until it is computed again.
    pub(super) fn bought(&mut self, event: &Happening, depth: u32) {
        let Value::Record(known) = self.person.traits.get(TRAIT).clone() else { return };
        let fields = known.iter().map(|(name, value)| match name.as_ref() {
            CHURN => (CHURN, Value::Number(0.0)),
            BAND => (BAND, Value::text(LOW)),
            other => (other, value.clone()),
        });
        self.rescored(Value::record(fields), event.at, event, depth);
    }

    fn rescored(&mut self, scores: Value, at: ShopTime, event: &Happening, depth: u32) {
        let band = |scores: &Value| scores.field(BAND).as_text().map(str::to_owned);
        let was = band(self.person.traits.get(TRAIT));
        if !self.person.traits.say(TRAIT, scores, at) {
            return self.refuse(event.name.clone(), Refused::TooLarge);
        }
        // What came late has changed nothing.
        let now = self.person.traits.get(TRAIT);
        if band(now) == was {
            return;
        }
        let Value::Record(fields) = now else { return };
        let was = was.map(|was| ("was".into(), Value::text(&was)));
        let properties = Value::Record(fields.iter().cloned().chain(was).collect());
        let changed = event.caused(4, CHANGED, properties);
        self.caused.push_back((changed, depth + 1));
    }
}

/// The longest text among scores, bytes.
const WORD_BYTES: usize = 64;

#[cfg(test)]
mod tests;
