//! What people care about: of each thing of the catalog that somebody has looked at, carted, wished for, bought or asked to
//! be told of, when they did last.
//!
//! Of each word the latest moment is kept. So words may come in any order, twice, and from two people who turn out to be one.

use std::sync::Arc;

use crate::actor::Happening;
use crate::value::{Span, Value};
use crate::{PersonId, ShopTime, catalog};

/// What somebody says of an item by what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// Looked at it.
    Viewed,
    /// Put it into a cart.
    Carted,
    /// Took it out again.
    Uncarted,
    /// Put it on a wishlist.
    Wished,
    /// Took it off again.
    Unwished,
    /// Bought it.
    Bought,
    /// Asked to be told of it.
    Subscribed,
    /// Not any more.
    Withdrew,
}

/// How many words there are.
pub const WORDS: usize = 8;

/// The events that say something of an item.
const EVENTS: [(&str, Word); 9] = [
    ("Product Viewed", Word::Viewed),
    ("Product Added", Word::Carted),
    ("Wishlist Product Added to Cart", Word::Carted),
    ("Product Removed", Word::Uncarted),
    ("Product Added to Wishlist", Word::Wished),
    ("Product Removed from Wishlist", Word::Unwished),
    ("Order Completed", Word::Bought),
    ("Product Subscribed", Word::Subscribed),
    ("Product Unsubscribed", Word::Withdrew),
];

/// How long a look is remembered.
const VIEWED: Span = Span::Days(30);
/// How long what was left in a cart is.
const CARTED: Span = Span::Days(60);
/// How long a wish is.
const WISHED: Span = Span::Days(365);
/// How long a purchase is.
const BOUGHT: Span = Span::Days(90);

/// The interest of somebody in an item, the strongest they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// They asked to be told; until they buy it or withdraw.
    Subscribed,
    /// It is on a wishlist.
    Wishlist,
    /// It was left in a cart.
    Carted,
    /// They looked at it.
    Viewed,
    /// They bought it.
    Bought,
}

impl Kind {
    /// All, the strongest first.
    pub const ALL: [Self; 5] = [Self::Subscribed, Self::Wishlist, Self::Carted, Self::Viewed, Self::Bought];

    /// The word that events have for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subscribed => "subscribed",
            Self::Wishlist => "wishlist",
            Self::Carted => "carted",
            Self::Viewed => "viewed",
            Self::Bought => "bought",
        }
    }

    /// As Postgres keeps it.
    pub fn code(self) -> i16 {
        match self {
            Self::Subscribed => 0,
            Self::Wishlist => 1,
            Self::Carted => 2,
            Self::Viewed => 3,
            Self::Bought => 4,
        }
    }

    /// The kind of that code.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// When somebody said which word of an item last, in microseconds since 1970, by the word's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest(pub [Option<i64>; WORDS]);

impl Interest {
    /// Of one word.
    pub fn of(word: Word, at: ShopTime) -> Self {
        let mut interest = Self::default();
        interest.0[word as usize] = Some(at.as_microsecond());
        interest
    }

    /// Both together, whichever was said first.
    pub fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.0.iter_mut().zip(other.0) {
            *ours = (*ours).max(theirs);
        }
    }

    /// When a word was said, where no later one has taken it back.
    fn stands(&self, word: Word, back: &[Word]) -> Option<ShopTime> {
        let at = self.0[word as usize]?;
        let taken_back = back.iter().any(|word| self.0[*word as usize].is_some_and(|back| back >= at));
        ShopTime::from_microsecond(at).filter(|_| !taken_back)
    }

    /// The strongest interest that there is at a moment, and since when; `None` where all of it has faded. What somebody has
    /// bought they neither wish for nor wait for.
    pub fn strongest(&self, now: ShopTime) -> Option<(Kind, ShopTime)> {
        use Word::{Bought, Carted, Subscribed, Uncarted, Unwished, Viewed, Wished, Withdrew};
        let fresh = |at: &ShopTime, span: Span| now.since(*at) <= span.nominal();
        let subscribed = self.stands(Subscribed, &[Withdrew, Bought]);
        let wished = self.stands(Wished, &[Unwished, Bought]).filter(|at| fresh(at, WISHED));
        let carted = self.stands(Carted, &[Uncarted, Bought]).filter(|at| fresh(at, CARTED));
        let viewed = self.stands(Viewed, &[Bought]).filter(|at| fresh(at, VIEWED));
        let bought = self.stands(Bought, &[]).filter(|at| fresh(at, BOUGHT));
        let all = [subscribed, wished, carted, viewed, bought];
        Kind::ALL.into_iter().zip(all).find_map(|(kind, at)| Some((kind, at?)))
    }
}

/// From which moment on words may still count; of a row all of whose words are older, but for a subscription, nothing is left.
pub fn forgotten_before(now: ShopTime) -> ShopTime {
    now.saturating_add(-WISHED.nominal())
}

/// The interest of somebody in an item, as a batch adds to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterestRow {
    /// Whose.
    pub person: PersonId,
    /// In what.
    pub product: Arc<str>,
    /// What was said.
    pub interest: Interest,
}

/// Names of the events that say something of an item.
pub fn events() -> impl Iterator<Item = &'static str> {
    EVENTS.iter().map(|(name, _)| *name)
}

/// What an event says, of each product once.
pub(crate) fn words(event: &Happening<'_>) -> Vec<(Arc<str>, Interest)> {
    let Some((_, word)) = EVENTS.iter().find(|(name, _)| **name == *event.name) else { return Vec::new() };
    let properties = event.properties();
    let id = |thing: &Value| thing.field(catalog::PRODUCT_ID).key().filter(|id| !id.contains('\0'));
    let mut products: Vec<Arc<str>> = match word {
        Word::Bought => properties.field("products").items().iter().filter_map(id).collect(),
        _ => id(properties).into_iter().collect(),
    };
    products.sort_unstable();
    products.dedup();
    products.into_iter().map(|product| (product, Interest::of(*word, event.at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_interest_counts_until_it_fades_or_is_taken_back() {
        use Word::{Bought, Carted, Subscribed, Uncarted, Unwished, Viewed, Wished, Withdrew};
        let day = |day: i64| ShopTime::from_millisecond(day * 86_400_000).unwrap();
        // (words with their days, the day it is asked, what is left and since which day)
        type Case<'a> = (&'a [(Word, i64)], i64, Option<(Kind, i64)>);
        let cases: &[Case<'_>] = &[
            (&[], 100, None),
            (&[(Viewed, 90)], 100, Some((Kind::Viewed, 90))),
            (&[(Viewed, 60)], 100, None),
            (&[(Viewed, 99), (Carted, 95)], 100, Some((Kind::Carted, 95))),
            (&[(Carted, 95), (Uncarted, 96), (Viewed, 94)], 100, Some((Kind::Viewed, 94))),
            (&[(Carted, 97), (Uncarted, 96)], 100, Some((Kind::Carted, 97))),
            (&[(Wished, 10), (Viewed, 99)], 100, Some((Kind::Wishlist, 10))),
            (&[(Wished, 10)], 400, None),
            (&[(Wished, 10), (Unwished, 11)], 100, None),
            (&[(Subscribed, 1)], 4_000, Some((Kind::Subscribed, 1))),
            (&[(Subscribed, 1), (Withdrew, 2)], 100, None),
            (&[(Subscribed, 1), (Wished, 2), (Bought, 90)], 100, Some((Kind::Bought, 90))),
            (&[(Bought, 90), (Wished, 95)], 100, Some((Kind::Wishlist, 95))),
            (&[(Bought, 1)], 100, None),
        ];
        for (words, now, left) in cases {
            let left = left.map(|(kind, since)| (kind, day(since)));
            let made = |words: &mut dyn Iterator<Item = &(Word, i64)>| {
                let mut all = Interest::default();
                words.for_each(|(word, at)| all.merge(&Interest::of(*word, day(*at))));
                all.strongest(day(*now))
            };
            assert_eq!(made(&mut words.iter()), left, "{words:?} on day {now}");
            assert_eq!(made(&mut words.iter().rev().chain(words.iter())), left, "{words:?}, otherwise round");
        }
    }
}
