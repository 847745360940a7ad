//! Visits to the shop. All of one is decided when it begins; what is done in it stands in the agenda from then on.

use super::agenda::Item;
use super::dice::Dice;
use super::{Act, DAY, Line, STEP_MINUTES, Shoppers};

/// After how many hours between two visits the hour of the day, and not the gap, says when.
const ANOTHER_TIME_HOURS: f64 = 8.0;
/// At most so many days are tried until one is busy enough.
const DAYS_TRIED: u32 = 14;

/// Why somebody comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// To look around.
    Passing,
    /// They need something.
    Needs,
    /// For the cart that they left, by themselves.
    ForCart,
    /// A message led them here; to a product, where it told them of one that they wait for.
    Message(Option<usize>),
    /// To send something of their last order back.
    SendsBack(u32, Line),
}

/// A visit as it is being written down.
struct Visit<'a> {
    all: &'a mut Shoppers,
    who: usize,
    device: u8,
    step: u32,
    seconds: f64,
    dice: Dice,
}

impl Visit<'_> {
    fn now(&self) -> u32 {
        self.step + (self.seconds / 60.0 / f64::from(STEP_MINUTES)) as u32
    }

    fn does(&mut self, act: Act) {
        let (step, item) = (self.now(), Item::Does { device: self.device, act });
        self.all.agenda.put(step, self.who, item);
    }

    fn pause(&mut self) {
        self.seconds += self.dice.of(&self.all.figures.visits.pause_seconds);
    }
}

impl Shoppers {
    /// A product that somebody looks for: more often of the kind that they like best.
    pub(super) fn product_of(&self, who: usize, dice: &mut Dice) -> usize {
        let catalogue = &self.figures.catalogue;
        let favourite = self.people.get(who).map_or(0, |person| person.favourite);
        let name = self.categories.get(favourite);
        let liked: Vec<usize> = (0..catalogue.len())
            .filter(|nth| catalogue.get(*nth).map(|product| &product.category) == name)
            .collect();
        if dice.below(self.figures.funnel.favourite) {
            return liked.get(dice.index(liked.len())).copied().unwrap_or_default();
        }
        dice.index(catalogue.len())
    }

    /// Whether something on somebody's wishlist costs so much less by now that it moves them.
    pub(super) fn has_dropped(&self, who: usize, product: usize, step: u32) -> bool {
        let Some(person) = self.people.get(who) else { return false };
        let Some((_, cents)) = person.wishes.iter().find(|(known, _)| *known == product) else {
            return false;
        };
        let drop = 1.0 - f64::from(self.shelf.of(product, step).cents) / f64::from((*cents).max(1));
        drop > 0.0 && drop >= person.price_sense
    }

    /// Somebody comes. Who is there already comes later; who came by a message is there anyway.
    pub(super) fn visit(&mut self, who: usize, step: u32, why: Why) {
        let Some(person) = self.people.get_mut(who) else { return };
        if step < person.busy_until {
            if !matches!(why, Why::Message(_)) {
                self.agenda.put(person.busy_until, who, Item::Visit(why));
            }
            return;
        }
        person.visits += 1;
        let (nth, second) = (person.visits, person.second_device);
        let mut dice = self.dice(who, "visit", nth);
        let device = u8::from(second && dice.below(self.figures.people.on_second_device));
        let mut visit = Visit { all: self, who, device, step, seconds: 0.0, dice };
        visit.all_of_it(why);
        let end = visit.now() + 1;
        let mut dice = visit.dice;
        if let Some(person) = self.people.get_mut(who) {
            person.busy_until = end;
        }
        if why == Why::Passing {
            self.comes_again(who, end, &mut dice);
        }
    }

    fn comes_again(&mut self, who: usize, end: u32, dice: &mut Dice) {
        let Some(person) = self.people.get(who) else { return };
        let shares = &self.figures.visits.comes_again;
        let nth = person.visits.saturating_sub(1) as usize;
        let again = shares.get(nth).or(shares.last()).copied().unwrap_or_default();
        if person.customer || dice.below(again) {
            let gap = dice.of(&self.figures.visits.gap_hours);
            let at = self.moment(who, end, gap / 24.0, dice);
            self.agenda.put(at, who, Item::Visit(Why::Passing));
        }
    }

    /// A step so many days later: at that very time where it is soon, else at an hour and on a day on which people come.
    pub(super) fn moment(&self, who: usize, step: u32, days: f64, dice: &mut Dice) -> u32 {
        let exact = step.saturating_add((days * f64::from(DAY)) as u32);
        if days * 24.0 < ANOTHER_TIME_HOURS && step > 0 {
            return exact.max(step);
        }
        let figures = &self.figures.visits;
        let busiest = figures.weekdays.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let mut day = exact / DAY;
        for _ in 0..DAYS_TRIED {
            let weight = figures.weekdays.get((day % 7) as usize).copied().unwrap_or(busiest);
            if dice.below(weight / busiest) {
                break;
            }
            day += 1;
        }
        let at = day * DAY + self.time_of_day(who, dice);
        if at >= step { at } else { at + DAY }
    }

    /// A step before the end, on a day and at an hour on which people come.
    pub(super) fn any_moment(&self, who: usize, dice: &mut Dice) -> u32 {
        let weight = |day: u32| self.figures.visits.weekdays.get((day % 7) as usize).copied();
        let weights: Vec<f64> = (0..self.end / DAY).map(|day| weight(day).unwrap_or_default()).collect();
        let day = dice.weighted(&weights) as u32;
        day * DAY + self.time_of_day(who, dice)
    }

    /// A moment of a day at which this one comes. Hours lie around their own: one step of the chain of Metropolis et al. (J. Chem.
    /// Phys. 21, 1953) from there, by which the hours of all of them together stay distributed as the figures say. A step so
    /// many hours either way is proposed, and taken with the chance min(1, w(there) / w(here)).
    pub(super) fn time_of_day(&self, who: usize, dice: &mut Dice) -> u32 {
        let (figures, an_hour) = (&self.figures.visits, 60 / STEP_MINUTES);
        let own = self.people.get(who).map_or(0, |person| person.hour);
        let reach = figures.own_hours;
        let there = (own + 24 - reach + dice.index(2 * reach as usize + 1) as u32) % 24;
        let weight = |hour: u32| figures.hours.get(hour as usize).copied().unwrap_or_default();
        let taken = dice.number() * weight(own) < weight(there);
        let hour = if taken { there } else { own };
        hour * an_hour + dice.index(an_hour as usize) as u32
    }
}

impl Visit<'_> {
    fn all_of_it(&mut self, why: Why) {
        if let Why::SendsBack(order, line) = why {
            self.knows_them();
            return self.does(Act::Returns(order, line));
        }
        let Some(person) = self.all.people.get(self.who) else { return };
        let (customer, has_cart) = (person.customer, !person.cart.is_empty());
        if customer && self.dice.below(self.all.figures.people.signs_in_at_once) {
            self.knows_them();
        }
        if let Some(product) = self.waited_for(why) {
            self.does(Act::Views(product));
            self.pause();
            if self.dice.below(self.all.figures.prices.buys_named) {
                self.takes(product);
                let lines = self.lines();
                let cart = self.all.people.get(self.who).map_or(0, |person| person.carts);
                self.does(Act::LooksAtCart(cart, lines));
                return self.orders();
            }
        }
        if has_cart && matches!(why, Why::Message(_) | Why::ForCart) {
            return self.back_at_cart(why);
        }
        let seen = self.looks_around();
        let (funnel, messages) = (&self.all.figures.funnel, &self.all.figures.messages);
        let fills = match why {
            Why::Needs => 1.0,
            Why::Message(_) => messages.fills_cart,
            _ => funnel.fills_cart,
        };
        if self.dice.below(fills) {
            return self.fills_cart(why, &seen);
        }
        if !customer && self.dice.below(self.all.figures.people.signs_up) {
            self.pause();
            self.knows_them();
        }
    }

    /// What leads somebody straight to a product: a message that told of it, or a price on their wishlist that they find
    /// fallen far enough by themselves.
    fn waited_for(&mut self, why: Why) -> Option<usize> {
        let there = |product: &usize| self.all.shelf.of(*product, self.step).in_stock;
        match why {
            Why::Message(product) => product.filter(there),
            Why::Passing | Why::Needs => {
                let person = self.all.people.get(self.who)?;
                let found = person.wishes.iter().map(|(product, _)| *product).filter(there);
                let found =
                    found.into_iter().find(|product| self.all.has_dropped(self.who, *product, self.step))?;
                self.dice.below(self.all.figures.prices.finds).then_some(found)
            }
            Why::ForCart | Why::SendsBack(..) => None,
        }
    }

    /// The shop gets to know who is there, where it does not.
    fn knows_them(&mut self) {
        let Some(person) = self.all.people.get_mut(self.who) else { return };
        let Some(signed_in) = person.signed_in.get_mut(usize::from(self.device)) else { return };
        if std::mem::replace(signed_in, true) {
            return;
        }
        let act = if person.customer { Act::SignsIn } else { Act::SignsUp };
        person.customer = true;
        self.does(act);
    }

    fn looks_around(&mut self) -> Vec<usize> {
        let views = self.dice.weighted(&self.all.figures.funnel.views) as u32 + 1;
        let many = views as usize == self.all.figures.funnel.views.len();
        let views = if many { self.all.figures.funnel.many_views } else { views };
        let mut seen = Vec::with_capacity(views as usize);
        for _ in 0..views {
            let product = self.product();
            self.does(Act::Views(product));
            self.pause();
            if self.all.shelf.of(product, self.step).in_stock {
                seen.push(product);
                self.may_wish(product);
            } else {
                self.may_ask(product);
            }
        }
        seen
    }

    /// Puts something that was looked at onto the wishlist, where there is one and the shop knows whose.
    fn may_wish(&mut self, product: usize) {
        let wishes = self.dice.below(self.all.figures.prices.wishes);
        let cents = self.all.shelf.of(product, self.step).cents;
        let Some(person) = self.all.people.get_mut(self.who) else { return };
        let keeps = person.customer && person.wisher && wishes;
        if keeps && !person.wishes.iter().any(|(known, _)| *known == product) {
            person.wishes.push((product, cents));
            self.knows_them();
            self.does(Act::Wishes(product));
        }
    }

    /// Asks to be told of something that is sold out.
    fn may_ask(&mut self, product: usize) {
        let asks = self.dice.below(self.all.figures.prices.asks);
        let Some(person) = self.all.people.get_mut(self.who) else { return };
        if asks && person.customer && !person.asked.contains(&product) {
            person.asked.push(product);
            self.knows_them();
            self.does(Act::Asks(product));
        }
    }

    /// Puts one piece of it into the cart, where there is none.
    fn takes(&mut self, product: usize) {
        self.knows_them();
        let cents = self.all.shelf.of(product, self.step).cents;
        let Some(person) = self.all.people.get_mut(self.who) else { return };
        if person.cart.iter().any(|line| line.product == product) {
            return;
        }
        if person.cart.is_empty() {
            person.carts += 1;
        }
        let (cart, line) = (person.carts, Line { product, pieces: 1, cents });
        person.cart.push(line);
        self.does(Act::Adds(cart, line));
        self.pause();
    }

    fn product(&mut self) -> usize {
        self.all.product_of(self.who, &mut self.dice)
    }

    /// Puts some of what was seen into the cart, and orders it or goes.
    fn fills_cart(&mut self, why: Why, seen: &[usize]) {
        if self.all.people.get(self.who).is_some_and(|person| person.customer) {
            self.knows_them();
        }
        let things = self.dice.count(self.all.figures.funnel.things) as usize;
        let cart = {
            let Some(person) = self.all.people.get_mut(self.who) else { return };
            if person.cart.is_empty() {
                person.carts += 1;
            }
            person.carts
        };
        for _ in 0..things {
            let Some(product) = self.not_in_cart(seen) else { break };
            let more = self.dice.below(self.all.figures.funnel.more_pieces);
            let pieces = if more { 2 + self.dice.index(2) as u32 } else { 1 };
            let line = Line { product, pieces, cents: self.all.shelf.of(product, self.step).cents };
            let Some(person) = self.all.people.get_mut(self.who) else { return };
            person.cart.push(line);
            self.does(Act::Adds(cart, line));
            self.pause();
        }
        let lines = self.lines();
        self.does(Act::LooksAtCart(cart, lines));
        let orders = match why {
            Why::Needs => self.all.figures.orders.needed_is_ordered,
            _ => self.all.figures.funnel.orders_at_once,
        };
        if self.dice.below(orders) {
            return self.orders();
        }
        if self.dice.below(self.all.figures.funnel.comes_back_for_cart) {
            let gap = self.dice.of(&self.all.figures.visits.gap_hours);
            let at = self.all.moment(self.who, self.now() + 1, gap / 24.0, &mut self.dice);
            self.all.agenda.put(at, self.who, Item::Visit(Why::ForCart));
        }
    }

    /// What was seen last and is not in the cart; who wants more than they saw takes something else.
    fn not_in_cart(&mut self, seen: &[usize]) -> Option<usize> {
        let lines = self.lines();
        let is_new = |product: &usize| !lines.iter().any(|line| line.product == *product);
        if let Some(product) = seen.iter().rev().copied().find(is_new) {
            return Some(product);
        }
        let other = self.product();
        let count = self.all.figures.catalogue.len();
        let there = |product: &usize| self.all.shelf.of(*product, self.step).in_stock;
        (0..count).map(|nth| (other + nth) % count).filter(there).find(is_new)
    }

    fn back_at_cart(&mut self, why: Why) {
        let Some(person) = self.all.people.get(self.who) else { return };
        let (cart, customer) = (person.carts, person.customer);
        if customer {
            self.knows_them();
        }
        let lines = self.lines();
        self.does(Act::LooksAtCart(cart, lines));
        self.pause();
        let orders = match why {
            Why::Message(_) => self.all.figures.messages.finishes_cart,
            _ => self.all.figures.funnel.orders_when_back,
        };
        if self.dice.below(orders) {
            self.orders();
        }
    }

    fn lines(&self) -> Vec<Line> {
        self.all.people.get(self.who).map(|person| person.cart.clone()).unwrap_or_default()
    }

    fn orders(&mut self) {
        self.pause();
        self.knows_them();
        let lines = self.lines();
        let Some(person) = self.all.people.get_mut(self.who) else { return };
        person.orders += 1;
        person.cart.clear();
        let bought = |product: usize| lines.iter().any(|line| line.product == product);
        person.wishes.retain(|(product, _)| !bought(*product));
        person.asked.retain(|product| !bought(*product));
        let (cart, order) = (person.carts, person.orders);
        self.does(Act::ChecksOut(cart, lines.clone()));
        self.pause();
        self.does(Act::Orders { order, cart, lines: lines.clone() });
        let (now, who) = (self.now() + 1, self.who);
        let needed = self.dice.of(&self.all.figures.orders.gap_days);
        let at = self.all.moment(who, now, needed, &mut self.dice);
        self.all.agenda.put(at, who, Item::Visit(Why::Needs));
        if self.dice.below(self.all.figures.orders.returned) {
            let days = self.dice.of(&self.all.figures.orders.return_days);
            let at = self.all.moment(who, now, days, &mut self.dice);
            if let Some(line) = lines.get(self.dice.index(lines.len())) {
                self.all.agenda.put(at, who, Item::Visit(Why::SendsBack(order, *line)));
            }
        }
    }
}
