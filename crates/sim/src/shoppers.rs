//! The shoppers of the demo: a pure model of people who look around, fill carts, order, return, and now and then read what
//! reaches them. It is told what arrives and says who does what in which step; who plays it acts through the shop's doors.
//!
//! Chance is a hash of (seed, shopper, what for), so that nothing a shopper does depends on how much chance another used. What a
//! message does to somebody is a threshold with fatigue and a heavy-tailed interest, on purpose no model that a bandit or a
//! regression would fit (`messages` in the figures). Each has hours, channels and a sense of prices of their own.

mod agenda;
mod dice;
mod figures;
mod letters;
mod past;
mod shelf;
mod visits;

use std::sync::Arc;

use journeyman_domain::plan::Channel;

pub use figures::{
    By, Figures, Funnel, Messages, Orders, People, Prices, Product, Quantiles, ShelfFigures, Unusable,
    VisitFigures, Way,
};
pub use past::Bought;
pub use shelf::{Offered, Shelf};

use self::agenda::{Agenda, Item};
use self::dice::Dice;
use self::letters::Letters;
use self::visits::Why;

/// How long a step is, minutes of shop time.
pub const STEP_MINUTES: u32 = 5;
/// How many steps a day has.
pub const DAY: u32 = 24 * 60 / STEP_MINUTES;

/// One line of a cart or an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Index into the catalogue.
    pub product: usize,
    /// How many pieces, at least 1.
    pub pieces: u32,
    /// What one of them cost when it was taken, cents.
    pub cents: u32,
}

/// What somebody does in the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Leaves name and address for the first time.
    SignsUp,
    /// Is recognised: this device is theirs.
    SignsIn,
    /// Looks at a product: its index.
    Views(usize),
    /// Puts a product onto the wishlist: its index.
    Wishes(usize),
    /// Asks to be told when a product is there again: its index.
    Asks(usize),
    /// Puts something into a cart; carts are numbered from 1 for each shopper.
    Adds(u32, Line),
    /// Looks at the cart and all that is in it.
    LooksAtCart(u32, Vec<Line>),
    /// Goes to the till.
    ChecksOut(u32, Vec<Line>),
    /// Orders; orders are numbered from 1 for each shopper.
    Orders {
        /// The order's number.
        order: u32,
        /// The cart's.
        cart: u32,
        /// What is in it.
        lines: Vec<Line>,
    },
    /// Sends a line of an order back.
    Returns(u32, Line),
}

/// What somebody does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Looks at it: its pictures are loaded.
    Opens,
    /// Follows one of its links: the number, counted round, says which.
    Clicks(u32),
    /// Wants no more, by what the mail program or the phone has for it: a button, the word STOP, a switch.
    UnsubscribesByButton,
    /// Wants no more, by the page behind the link; of a message without one as above.
    UnsubscribesByPage,
}

/// By what somebody can be reached, once the shop knows them. Everybody has mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// They leave their number.
    pub phone: bool,
    /// They agreed to WhatsApp there.
    pub whatsapp: bool,
    /// They have the app.
    pub app: bool,
    /// They had the app: its token leads nowhere.
    pub app_gone: bool,
}

/// What is done in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Something in the shop.
    InShop {
        /// Who, from 0.
        shopper: usize,
        /// On which of their devices, from 0.
        device: u8,
        /// Whether the shop knows there who they are.
        known: bool,
        /// What.
        act: Act,
    },
    /// Something with a message: its number, as [`Shoppers::receives`] answered.
    WithLetter {
        /// Who, from 0.
        shopper: usize,
        /// Which message.
        letter: usize,
        /// What.
        reaction: Reaction,
    },
}

/// Somebody.
#[derive(Clone, Debug, Default)]
struct Shopper {
    /// Whether they have an account.
    customer: bool,
    /// The devices on which the shop will know them when the visit that is under way is over.
    signed_in: [bool; 2],
    /// Those on which it knows them now.
    known: [bool; 2],
    second_device: bool,
    /// The kind of thing they like best: an index among the catalogue's categories.
    favourite: usize,
    /// Bought before, and needs nothing any more.
    lapsed: bool,
    /// The hour of the day around which they come and read, 0 to 23.
    hour: u32,
    /// What a price has to fall by to move them, from 0 to 1.
    price_sense: f64,
    /// Whether they keep a wishlist.
    wisher: bool,
    /// What stands on it, and what it cost then, cents.
    wishes: Vec<(usize, u32)>,
    /// What they asked to be told of.
    asked: Vec<usize>,
    visits: u32,
    carts: u32,
    orders: u32,
    /// What lies in the cart.
    cart: Vec<Line>,
    /// A visit is under way until this step.
    busy_until: u32,
    looked_at: Option<u32>,
    letters: Letters,
}

/// All of them, and what they are about to do.
#[derive(Clone, Debug)]
pub struct Shoppers {
    figures: Figures,
    categories: Vec<String>,
    seed: u64,
    end: u32,
    people: Vec<Shopper>,
    agenda: Agenda,
    shelf: Arc<Shelf>,
    past: Vec<Bought>,
    /// Whose each letter is.
    letters: Vec<usize>,
}

impl Shoppers {
    /// So many shoppers, for so many days. The same arguments, and the same messages at the same steps: the same deeds.
    ///
    /// # Errors
    /// [`Unusable`] figures, with their place.
    pub fn new(figures: Figures, seed: u64, users: usize, days: u32) -> Result<Self, Unusable> {
        Self::some(figures, seed, users, days, |_| true)
    }

    /// Some of as many, who do what they do among all of them: nobody hangs on anybody else.
    ///
    /// # Errors
    /// As [`Shoppers::new`].
    pub fn some(
        figures: Figures,
        seed: u64,
        users: usize,
        days: u32,
        takes_part: impl Fn(usize) -> bool,
    ) -> Result<Self, Unusable> {
        figures.check()?;
        let categories = figures.categories();
        let end = days.saturating_mul(DAY);
        let shelf = Arc::new(Shelf::new(&figures, seed, days));
        let mut all = Self {
            figures,
            categories,
            seed,
            end,
            people: Vec::with_capacity(users),
            agenda: Agenda::default(),
            shelf,
            past: Vec::new(),
            letters: Vec::new(),
        };
        for who in 0..users {
            if !takes_part(who) {
                all.people.push(Shopper::default());
                continue;
            }
            let mut dice = all.dice(who, "birth", 0);
            let customer = dice.below(all.figures.people.customers);
            let mut own = all.dice(who, "own", 0);
            let shopper = Shopper {
                customer,
                second_device: customer && dice.below(all.figures.people.second_device),
                favourite: dice.index(all.categories.len()),
                lapsed: customer && own.below(all.figures.people.lapsed),
                hour: own.weighted(&all.figures.visits.hours) as u32,
                price_sense: own.of(&all.figures.prices.drop),
                wisher: own.below(all.figures.prices.wishers),
                ..Shopper::default()
            };
            all.people.push(shopper);
            all.begins(who, &mut dice);
        }
        all.past.sort_by_key(|bought| (std::cmp::Reverse(bought.steps_ago), bought.who));
        Ok(all)
    }

    /// The figures they live by.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// What the shop sells at which step.
    pub fn shelf(&self) -> &Arc<Shelf> {
        &self.shelf
    }

    /// What customers bought before the shop's first day, the earliest first.
    pub fn past(&self) -> &[Bought] {
        &self.past
    }

    /// By what somebody can be reached.
    pub fn reach(&self, who: usize) -> Reach {
        let (figures, mut dice) = (&self.figures.people, self.dice(who, "reach", 0));
        let (phone, whatsapp) = (dice.below(figures.phone), dice.below(figures.whatsapp));
        let (app, gone) = (dice.below(figures.app), dice.below(figures.app_gone));
        Reach { phone, whatsapp: phone && whatsapp, app: app && !gone, app_gone: app && gone }
    }

    /// What chance hangs on.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.people.len()
    }

    /// How many steps the demo has.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// The next step in which anybody does anything, if that is before the end.
    pub fn next(&self) -> Option<u32> {
        self.agenda.next().filter(|step| *step < self.end)
    }

    /// What is done up to this step, in the order in which it is: each shopper's deeds as they do them.
    pub fn act(&mut self, step: u32) -> Vec<Deed> {
        let mut deeds = Vec::new();
        while let Some((at, who, item)) = self.agenda.take(step) {
            match item {
                Item::Visit(why) => self.visit(who, at.max(step), why),
                Item::Does { device, act } => deeds.push(self.does(who, device, act, at.max(step))),
                Item::Reacts { letter, reaction } => {
                    deeds.push(Deed::WithLetter { shopper: who, letter, reaction });
                }
            }
        }
        // A stable sort: whoever acts in the same step does so independently of the others.
        deeds.sort_by_key(Deed::shopper);
        deeds
    }

    /// A message has arrived in this step by a channel, which speaks of these products; answers its number. What comes of it is
    /// done in later steps.
    pub fn receives(&mut self, who: usize, step: u32, channel: Channel, products: &[usize]) -> usize {
        let letter = self.letters.len();
        self.letters.push(who);
        self.reads(who, letter, step, channel, products);
        letter
    }

    fn does(&mut self, who: usize, device: u8, act: Act, step: u32) -> Deed {
        let Some(person) = self.people.get_mut(who) else {
            return Deed::InShop { shopper: who, device, known: false, act };
        };
        match &act {
            Act::SignsUp | Act::SignsIn => {
                if let Some(known) = person.known.get_mut(usize::from(device)) {
                    *known = true;
                }
            }
            Act::Views(_) => person.looked_at = Some(step),
            _ => {}
        }
        let known = person.known.get(usize::from(device)).copied().unwrap_or_default();
        Deed::InShop { shopper: who, device, known, act }
    }

    fn dice(&self, who: usize, of: &'static str, nth: u32) -> Dice {
        Dice::new(self.seed, who, of, nth)
    }

    /// When somebody comes for the first time: strangers at any moment, customers as if they had always come. Who has lapsed
    /// comes no more by themselves.
    fn begins(&mut self, who: usize, dice: &mut Dice) {
        let Some(person) = self.people.get(who) else { return };
        let (customer, lapsed) = (person.customer, person.lapsed);
        if !customer {
            let first = self.any_moment(who, dice);
            return self.agenda.put(first, who, Item::Visit(Why::Passing));
        }
        let gap = dice.of(&self.figures.visits.gap_hours) / 24.0;
        let first = self.moment(who, 0, gap * dice.number(), dice);
        let (gap, part) = (dice.of(&self.figures.orders.gap_days), dice.number());
        let needed = self.moment(who, 0, gap * part, dice);
        if !lapsed {
            self.agenda.put(first, who, Item::Visit(Why::Passing));
            self.agenda.put(needed, who, Item::Visit(Why::Needs));
        }
        self.bought_before(who, gap * (1.0 - part));
    }
}

impl Deed {
    /// Who does it.
    pub fn shopper(&self) -> usize {
        match self {
            Self::InShop { shopper, .. } | Self::WithLetter { shopper, .. } => *shopper,
        }
    }
}
