//! Whose the events of a stream are, as the door would have it.

use std::collections::{BTreeMap, BTreeSet};

use journeyman_domain::merge::{Merge, Settled, Standing, settle};
use journeyman_domain::people::{Found, MergeRequest, Plan, Who, names_of, plan};
use journeyman_domain::{Event, Identity, IdentityKind, PersonId, ShopTime};

/// Everybody that a stream of events speaks of, by number from 1 in the order in which they are first heard of.
#[derive(Debug, Default)]
pub struct Register {
    names: BTreeMap<Identity, u32>,
    people: Vec<Somebody>,
}

#[derive(Debug)]
struct Somebody {
    assignment_key: i64,
    /// Whether they have an id of the shop's.
    known: bool,
    /// Where their signpost leads.
    merged_into: Option<u32>,
}

impl Register {
    /// The people of these events, by the rule of the door ([`plan`]); who is new is born, and merges are carried out.
    ///
    /// A person may be merged later: [`Register::head`] says into whom, when the stream has ended. `None` of an event that
    /// names nobody, which the reader of the tracking form lets none do, and of anybody beyond four billion.
    pub fn resolve(&mut self, events: &[Event]) -> Vec<Option<u32>> {
        let events: Vec<&Event> = events.iter().collect();
        let mut found = Found::new(self.find(names_of(&events)));
        let aliased = self.find(found.aliased(&events));
        found.names.extend(aliased);
        let doubtful = found.doubtful(&events).into_iter();
        found.known.extend(doubtful.filter(|person| self.is_known(number(*person))));
        let plan = plan(&events, &found);
        let born: Vec<Option<u32>> =
            plan.births.iter().map(|birth| self.born(birth.assignment_key)).collect();
        let who = |who: &Who| match who {
            Who::Here(person) => Some(number(*person)),
            Who::Born(nth) => born.get(*nth).copied().flatten(),
        };
        self.name(&plan, who);
        self.merge(&plan.merges, who);
        plan.of.iter().map(who).collect()
    }

    fn find(&self, names: BTreeSet<Identity>) -> BTreeMap<Identity, PersonId> {
        let found = names.into_iter().filter_map(|name| {
            let person = self.head(*self.names.get(&name)?);
            Some((name, PersonId(i64::from(person))))
        });
        found.collect()
    }

    fn is_known(&self, person: u32) -> bool {
        self.somebody(person).is_some_and(|somebody| somebody.known)
    }

    fn somebody(&self, person: u32) -> Option<&Somebody> {
        self.people.get(usize::try_from(person).ok()?.checked_sub(1)?)
    }

    fn somebody_mut(&mut self, person: u32) -> Option<&mut Somebody> {
        self.people.get_mut(usize::try_from(person).ok()?.checked_sub(1)?)
    }

    fn born(&mut self, assignment_key: i64) -> Option<u32> {
        let number = u32::try_from(self.people.len() + 1).ok()?;
        self.people.push(Somebody { assignment_key, known: false, merged_into: None });
        Some(number)
    }

    fn name(&mut self, plan: &Plan, who: impl Fn(&Who) -> Option<u32>) {
        for (name, person) in &plan.names {
            let Some(person) = who(person) else { continue };
            if name.kind == IdentityKind::External
                && let Some(somebody) = self.somebody_mut(person)
            {
                somebody.known = true;
            }
            self.names.insert(name.clone(), person);
        }
    }

    /// Carries out what the events asked for, as the door settles it. Who was heard of first is older.
    fn merge(&mut self, asked: &[MergeRequest], who: impl Fn(&Who) -> Option<u32>) {
        let asked = asked.iter().filter_map(|merge| {
            let pair = (self.head(who(&merge.other)?), self.head(who(&merge.who)?));
            Some((PersonId(i64::from(pair.0)), PersonId(i64::from(pair.1))))
        });
        let asked: Vec<(PersonId, PersonId)> = asked.collect();
        let standing = |person: PersonId| {
            (person, Standing { known: self.is_known(number(person)), born_at: ShopTime::EPOCH })
        };
        let people = asked.iter().flat_map(|(one, other)| [*one, *other]).map(standing).collect();
        for settled in settle(&people, asked) {
            if let Settled::Merged(Merge { loser, winner }) = settled
                && let Some(somebody) = self.somebody_mut(number(loser))
            {
                somebody.merged_into = Some(number(winner));
            }
        }
    }

    /// Who a person is in the end.
    pub fn head(&self, person: u32) -> u32 {
        let mut head = person;
        // Whoever is merged leads to somebody who was not; nobody leads back.
        while let Some(next) = self.somebody(head).and_then(|somebody| somebody.merged_into) {
            head = next;
        }
        head
    }

    /// What a person's sticky draws hang on; 0 of nobody.
    pub fn assignment_key(&self, person: u32) -> i64 {
        self.somebody(person).map_or(0, |somebody| somebody.assignment_key)
    }

    /// What each person is called, by number: the shop's id of them, else `anonymous:` and a device's.
    pub fn names(&self) -> BTreeMap<u32, String> {
        let mut called = BTreeMap::new();
        // The shop's ids come first.
        for (name, person) in &self.names {
            called.entry(self.head(*person)).or_insert_with(|| match name.kind {
                IdentityKind::External => name.value.clone(),
                IdentityKind::Anonymous => format!("anonymous:{}", name.value),
            });
        }
        called
    }
}

/// A person of this register.
fn number(person: PersonId) -> u32 {
    u32::try_from(person.0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use journeyman_domain::assignment_key;
    use journeyman_domain::tracking::{Defaults, Door, parse_timestamp, read};

    use super::*;

    fn event(line: &str) -> Event {
        let words: Vec<&str> = line.split(' ').collect();
        let second = if words[0] == "alias" { "previousId" } else { "anonymousId" };
        let id = |word: &str| if word == "-" { "null".to_owned() } else { format!("\"{word}\"") };
        let (user, other) = (id(words[1]), id(words[2]));
        let json = format!(r#"{{"type":"{}","event":"X","userId":{user},"{second}":{other}}}"#, words[0]);
        let received_at = parse_timestamp("2026-01-05T10:00:00Z").unwrap();
        let message_id = Some("1");
        let door = Door { write_key: "", source: "", received_at, index: 0, message_id, historical: false };
        read(&json, &Defaults::default(), &door, || 0).unwrap()
    }

    /// Chunks of events, and whose they are in the end.
    fn check(chunks: &[&str], people: &str) {
        let mut register = Register::default();
        let mut of = Vec::new();
        for chunk in chunks {
            let events: Vec<Event> = chunk.split(", ").map(event).collect();
            of.extend(register.resolve(&events));
        }
        let names = register.names();
        let told: Vec<&str> = of.iter().map(|who| names[&register.head(who.unwrap())].as_str()).collect();
        assert_eq!(told.join(" "), people, "{chunks:?}");
    }

    #[test]
    fn names_lead_to_people_whatever_shares_a_chunk() {
        // Device, then the shop's id; a device behind an id; two ids that share a device; an alias either way.
        for (events, people) in [
            ("track - a, identify u a, track - a, track u -", "u u u u"),
            ("track - a, track u -, identify u a, track - a", "u u u u"),
            ("identify u a, identify v a, track - a", "u v u"),
            ("track - a, track u -, alias u a", "u u u"),
            ("track u -, track - b, alias u b, track - b", "u u u u"),
            ("track - a, track - b", "anonymous:a anonymous:b"),
            ("track old -, track new -, alias new old", "old new new"),
        ] {
            check(&[events], people);
            check(&events.split(", ").collect::<Vec<_>>(), people);
        }
    }

    #[test]
    fn who_is_merged_keeps_the_winners_draws() {
        let mut register = Register::default();
        let events: Vec<Event> = ["track - a", "track u -", "identify u a"].map(event).into();
        let of = register.resolve(&events);
        assert_eq!(of, [Some(1), Some(2), Some(2)]);
        assert_eq!((register.head(1), register.head(2)), (2, 2));
        assert_eq!(register.assignment_key(2), assignment_key(&Identity::external("u")));
    }
}
