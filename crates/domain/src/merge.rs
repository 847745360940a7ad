//! Two people who turned out to be one: who stays, and how the intake speaks of it.

use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;

use crate::{PersonId, ShopTime};

/// One merge: a person loses at most one, so that the two name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Merge {
    /// Who ends in the other.
    pub loser: PersonId,
    /// Who stays.
    pub winner: PersonId,
}

impl Merge {
    /// As intake and journal refer to it: the two ids, the loser's first.
    pub fn reference(self) -> Uuid {
        Uuid::from_u64_pair(self.loser.0 as u64, self.winner.0 as u64)
    }

    /// The merge of a reference.
    pub fn of_reference(reference: Uuid) -> Self {
        let (loser, winner) = reference.as_u64_pair();
        Self { loser: PersonId(loser as i64), winner: PersonId(winner as i64) }
    }
}

impl fmt::Display for Merge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} into {}", self.loser, self.winner)
    }
}

/// Where a run went that was somebody else's: what was sent for it before stands under its old number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MovedRun {
    /// Whose it was.
    pub from: PersonId,
    /// Its number among theirs.
    pub number: u32,
    /// Whose it is.
    pub to: PersonId,
    /// Its number among those.
    pub becomes: u32,
}

/// What decides who stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether they have an id of the shop's.
    pub known: bool,
    /// When they were born.
    pub born_at: ShopTime,
}

/// What becomes of a merge asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is carried out.
    Merged(Merge),
    /// Two known people never become one.
    BothKnown,
    /// They are one already.
    One,
}

/// Settles merges in the order in which they were asked for: known beats anonymous, else the older stays, of the same
/// moment the one with the lower id. `people` has everybody who is asked for; none of them is merged yet. A pair with
/// somebody who is not there is left alone.
pub fn settle(
    people: &BTreeMap<PersonId, Standing>,
    asked: impl IntoIterator<Item = (PersonId, PersonId)>,
) -> Vec<Settled> {
    let mut merged: BTreeMap<PersonId, PersonId> = BTreeMap::new();
    let head = |merged: &BTreeMap<PersonId, PersonId>, mut person: PersonId| {
        while let Some(next) = merged.get(&person) {
            person = *next;
        }
        person
    };
    let settle = |(one, other)| {
        let (one, other) = (head(&merged, one), head(&merged, other));
        let (Some(a), Some(b)) = (people.get(&one), people.get(&other)) else { return Settled::One };
        if one == other {
            return Settled::One;
        }
        if a.known && b.known {
            return Settled::BothKnown;
        }
        let rank = |standing: &Standing, person: PersonId| (!standing.known, standing.born_at, person);
        let (winner, loser) = if rank(a, one) < rank(b, other) { (one, other) } else { (other, one) };
        merged.insert(loser, winner);
        Settled::Merged(Merge { loser, winner })
    };
    asked.into_iter().map(settle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// People as `known` and the hour of their birth, from 1; pairs asked for; what becomes of each.
    fn check(people: &[(bool, i64)], asked: &[(i64, i64)], expected: &str) {
        let people = people.iter().zip(1..).map(|((known, hour), id)| {
            let born_at = ShopTime::from_millisecond(hour * 3_600_000).unwrap();
            (PersonId(id), Standing { known: *known, born_at })
        });
        let asked = asked.iter().map(|(one, other)| (PersonId(*one), PersonId(*other)));
        let settled = settle(&people.collect(), asked);
        let words: Vec<String> = settled
            .iter()
            .map(|settled| match settled {
                Settled::Merged(merge) => format!("{}>{}", merge.loser.0, merge.winner.0),
                Settled::BothKnown => "known".to_owned(),
                Settled::One => "one".to_owned(),
            })
            .collect();
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn known_beats_anonymous_else_the_older_stays() {
        check(&[(true, 2), (false, 1)], &[(1, 2)], "2>1");
        check(&[(false, 1), (true, 2)], &[(1, 2)], "1>2");
        check(&[(false, 2), (false, 1)], &[(1, 2)], "1>2");
        check(&[(false, 1), (false, 1)], &[(2, 1)], "2>1");
        check(&[(true, 1), (true, 1)], &[(2, 1)], "known");
        check(&[(false, 1)], &[(1, 1), (1, 9)], "one one");
    }

    #[test]
    fn chains_and_repetitions_are_settled_in_order() {
        check(&[(false, 1), (false, 2), (true, 3)], &[(2, 1), (1, 3), (2, 3), (2, 1)], "2>1 1>3 one one");
        // The second known person comes too late.
        check(&[(true, 1), (false, 2), (true, 3)], &[(2, 1), (2, 3)], "2>1 known");
    }

    #[test]
    fn a_reference_says_both() {
        let merge = Merge { loser: PersonId(7), winner: PersonId(i64::MAX) };
        assert_eq!(Merge::of_reference(merge.reference()), merge);
        assert_eq!(merge.to_string(), "person_7 into person_9223372036854775807");
    }

    #[test]
    fn whatever_is_asked_for_nobody_known_ever_ends() {
        // Each of 4 people known or not, and every way to ask for three merges.
        for case in 0..(16 * 16 * 16 * 16_u32) {
            let (known, pairs) = (case % 16, case / 16);
            let people = (1..5).map(|id| {
                let standing = Standing { known: known >> (id - 1) & 1 == 1, born_at: ShopTime::EPOCH };
                (PersonId(id), standing)
            });
            let people: BTreeMap<_, _> = people.collect();
            let pair = |nth: u32| {
                let pair = i64::from(pairs >> (4 * nth) & 15);
                (PersonId(1 + pair % 4), PersonId(1 + pair / 4))
            };
            let mut ended = std::collections::BTreeSet::new();
            for settled in settle(&people, (0..3).map(pair)) {
                let Settled::Merged(merge) = settled else { continue };
                assert!(!people[&merge.loser].known, "case {case}");
                assert!(ended.insert(merge.loser), "somebody ends twice in case {case}");
                assert!(!ended.contains(&merge.winner), "somebody ends in one who has ended in case {case}");
            }
        }
    }
}
