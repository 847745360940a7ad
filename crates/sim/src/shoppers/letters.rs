//! What becomes of a message that arrived: nothing, mostly.

use super::agenda::Item;
use super::visits::Why;
use super::{DAY, Reaction, STEP_MINUTES, Shoppers};
use journeyman_domain::plan::Channel;

/// How long something looked at stays interesting.
const LOOKED: u32 = 3 * DAY;
/// Before this hour nobody looks at mail.
const WAKES: u32 = 7;

/// What somebody has had of messages.
#[derive(Clone, Debug, Default)]
pub(super) struct Letters {
    had: u32,
    /// The recent ones, each half as much after every half-life, as of `at`.
    weight: f64,
    at: u32,
    /// By which channels they want no more.
    left: Vec<Channel>,
}

impl Letters {
    /// How much the recent ones weigh in this step; the new one is counted.
    fn receive(&mut self, step: u32, half_life_days: f64) -> f64 {
        let days = f64::from(step.saturating_sub(self.at)) / f64::from(DAY);
        let before = self.weight * 0.5_f64.powf(days / half_life_days);
        (self.weight, self.at) = (before + 1.0, step);
        self.had += 1;
        before
    }
}

impl Shoppers {
    /// How much it is to somebody that a product is spoken of: where its price has fallen far enough for them, or it is there
    /// again and they asked.
    fn waits_for(&self, who: usize, product: usize, step: u32) -> Option<f64> {
        let figures = &self.figures.messages;
        let asked = self.people.get(who)?.asked.contains(&product);
        if asked && self.shelf.of(product, step).in_stock {
            return Some(figures.asked);
        }
        self.has_dropped(who, product, step).then_some(figures.dropped)
    }

    /// A message has arrived by a channel, which speaks of these products: when it is looked at, and what follows, goes into the
    /// agenda.
    pub(super) fn reads(
        &mut self,
        who: usize,
        letter: usize,
        step: u32,
        channel: Channel,
        products: &[usize],
    ) {
        let figures = self.figures.messages.clone();
        let way = figures.by.way(channel);
        let mut traits = self.dice(who, "patience", 0);
        let sense = self.dice(who, "sense", channel as u32).of(&way.moves);
        let Some(person) = self.people.get_mut(who) else { return };
        let recent = person.letters.receive(step, figures.half_life_days);
        if person.letters.left.contains(&channel) {
            return;
        }
        let looked = person.looked_at.is_some_and(|at| step.saturating_sub(at) <= LOOKED);
        let relevance = match (person.cart.is_empty(), looked) {
            (false, _) => figures.cart,
            (true, true) => figures.looked,
            (true, false) => figures.nothing,
        };
        let (had, own) = (person.letters.had, person.hour);
        let told = products.iter().find_map(|product| Some((*product, self.waits_for(who, *product, step)?)));
        let relevance = told.map_or(relevance, |(_, waited)| relevance.max(waited));
        // At other hours it is one of many when it is seen.
        let near = hours_between(own, step % DAY * STEP_MINUTES / 60) <= figures.near_hours;
        let relevance = relevance * sense * if near { 1.0 } else { figures.other_hours };
        let mut dice = self.dice(who, "letter", had);
        // Pareto: the least time, and a tail without a mean.
        let minutes = way.attention_minutes * (1.0 - dice.number()).powf(-1.0 / figures.attention_tail);
        if minutes > way.attention_days * 24.0 * 60.0 {
            return;
        }
        let tired = 1.0 + figures.fatigue * recent;
        let interest = relevance * dice.lomax(figures.tail);
        if interest < figures.opens * tired {
            return;
        }
        let opened = awake(step + 1 + (minutes / f64::from(STEP_MINUTES)) as u32);
        self.agenda.put(opened, who, Item::Reacts { letter, reaction: Reaction::Opens });
        let patience = figures.patience + traits.lomax(figures.patience_tail);
        if recent + 1.0 > patience {
            let by_button = dice.below(figures.one_click);
            let reaction =
                if by_button { Reaction::UnsubscribesByButton } else { Reaction::UnsubscribesByPage };
            if let Some(person) = self.people.get_mut(who) {
                person.letters.left.push(channel);
            }
            return self.agenda.put(opened + 1, who, Item::Reacts { letter, reaction });
        }
        if interest >= figures.clicks * tired {
            let reaction = Reaction::Clicks(dice.index(1 << 16) as u32);
            self.agenda.put(opened + 1, who, Item::Reacts { letter, reaction });
            self.agenda.put(opened + 2, who, Item::Visit(Why::Message(told.map(|(product, _)| product))));
        }
    }
}

/// How far two hours of the day lie apart, 0 to 12.
fn hours_between(a: u32, b: u32) -> u32 {
    let apart = a.abs_diff(b) % 24;
    apart.min(24 - apart)
}

/// Nobody reads in their sleep.
fn awake(step: u32) -> u32 {
    let morning = WAKES * 60 / STEP_MINUTES;
    let of_day = step % DAY;
    // Not everybody at the same moment: as much later as the mail was early.
    if of_day < morning { step - of_day + morning + of_day / 2 } else { step }
}
