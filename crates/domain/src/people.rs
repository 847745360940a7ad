//! Who an event is about: the rule by which names become people at the door.
//!
//! A name that is known leads to its person. A new name joins the person the event already names: a browser's
//! anonymous person becomes known by the first `userId` seen with it, and no second one, since two known people are
//! never one. Where both names lead to different people, nothing is joined here; `identify` and `alias` ask for a
//! merge, which [`settle`](crate::merge::settle) decides on.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Event, Identity, IdentityKind, Kind, PersonId, ShopTime, assignment_key};

/// A person of a plan: one that is there, or the nth one born by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Already in `heads`.
    Here(PersonId),
    /// To be born: index into [`Plan::births`].
    Born(usize),
}

/// What the names of some events lead to.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Whom each name leads to, merges followed.
    pub names: BTreeMap<Identity, PersonId>,
    /// Who has an external id: everybody found by one, and who of [`Found::doubtful`] was found to have one.
    pub known: BTreeSet<PersonId>,
}

impl Found {
    /// From names; who was found by an external id is known.
    pub fn new(names: BTreeMap<Identity, PersonId>) -> Self {
        let external = names.iter().filter(|(name, _)| name.kind == IdentityKind::External);
        let known = external.map(|(_, person)| *person).collect();
        Self { names, known }
    }

    /// Devices' names to look up too: an `alias` that came before the first event of its earlier id has left that id as
    /// a device's name, by which its new owner is found. Asked only of external ids that nobody has yet.
    pub fn aliased(&self, events: &[&Event]) -> BTreeSet<Identity> {
        let external = events.iter().filter_map(|event| event.external.as_ref());
        let new = external.filter(|name| !self.names.contains_key(&Identity::external(*name)));
        new.map(Identity::anonymous).filter(|name| !self.names.contains_key(name)).collect()
    }

    /// People of whom a plan for `events` has to know whether they have an external id: those behind the device of
    /// an event that names somebody too, and behind an aliased id. Mostly nobody, since both names lead to one person.
    pub fn doubtful(&self, events: &[&Event]) -> BTreeSet<PersonId> {
        let both = events.iter().filter(|event| event.external.is_some());
        let devices =
            both.flat_map(|event| event.anonymous.iter().chain(&event.previous).chain(&event.external));
        let people = devices.filter_map(|name| self.names.get(&Identity::anonymous(name)));
        people.filter(|person| !self.known.contains(person)).copied().collect()
    }
}

/// A new person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Birth {
    /// See [`assignment_key`].
    pub assignment_key: i64,
    /// When the event that names them arrived.
    pub at: ShopTime,
}

/// Why two people should be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeReason {
    /// `identify` named a person and the browser of another.
    Identify,
    /// `alias` said so.
    Alias,
}

impl MergeReason {
    /// As Postgres keeps it.
    pub fn code(self) -> i16 {
        match self {
            Self::Identify => 1,
            Self::Alias => 2,
        }
    }
}

/// A merge asked for. Who of the two stays is decided when both are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeRequest {
    /// Whom one of the event's names leads to.
    pub other: Who,
    /// Whom the event is about.
    pub who: Who,
    /// Which event asked: index into the events planned for.
    pub event: usize,
    /// Why.
    pub reason: MergeReason,
    /// Both have an id of the shop's: they are never one, whatever happens meanwhile.
    pub both_known: bool,
}

/// What has to be written so that every event has its person.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The person of each event.
    pub of: Vec<Who>,
    /// New people.
    pub births: Vec<Birth>,
    /// New names, sorted.
    pub names: BTreeMap<Identity, Who>,
    /// Merges asked for.
    pub merges: Vec<MergeRequest>,
}

/// The names a plan for these events has to know about, sorted.
pub fn names_of(events: &[&Event]) -> BTreeSet<Identity> {
    let earlier = events.iter().filter_map(|event| event.previous.as_ref()).map(Identity::external);
    events.iter().flat_map(|event| event.identities()).chain(earlier).collect()
}

/// Plans for `events` in their order, given what [`names_of`] them is `found`.
pub fn plan(events: &[&Event], found: &Found) -> Plan {
    let known = found.known.iter().map(|person| Who::Here(*person)).collect();
    let mut planning = Planning { found, known, plan: Plan::default() };
    for (index, event) in events.iter().enumerate() {
        let who = planning.person(event, index);
        planning.join(event, who, index);
        planning.plan.of.push(who);
    }
    planning.plan
}

struct Planning<'a> {
    found: &'a Found,
    known: BTreeSet<Who>,
    plan: Plan,
}

impl Planning<'_> {
    fn look_up(&self, name: &Identity) -> Option<Who> {
        let here = self.found.names.get(name).map(|person| Who::Here(*person));
        here.or_else(|| self.plan.names.get(name).copied())
    }

    /// Whom the event is about; names a new external id.
    fn person(&mut self, event: &Event, index: usize) -> Who {
        let devices = event.identities().filter(|name| name.kind == IdentityKind::Anonymous);
        let devices: Vec<Option<Who>> = devices.map(|name| self.look_up(&name)).collect();
        let Some(external) = event.external.as_ref().map(Identity::external) else {
            return devices.into_iter().flatten().next().unwrap_or_else(|| self.birth(event));
        };
        if let Some(who) = self.look_up(&external) {
            return who;
        }
        let aliased = self.look_up(&Identity::anonymous(&external.value));
        let nameless = devices.into_iter().flatten().chain(aliased).find(|who| !self.known.contains(who));
        let who = nameless.unwrap_or_else(|| self.birth(event));
        if let Some(winner) = aliased.filter(|winner| *winner != who) {
            self.known.insert(who);
            self.ask(who, winner, index, MergeReason::Alias);
        }
        self.known.insert(who);
        self.plan.names.insert(external, who);
        who
    }

    fn ask(&mut self, other: Who, who: Who, event: usize, reason: MergeReason) {
        if other != who {
            let both_known = self.known.contains(&other) && self.known.contains(&who);
            self.plan.merges.push(MergeRequest { other, who, event, reason, both_known });
        }
    }

    fn birth(&mut self, event: &Event) -> Who {
        // Every event names somebody: `tracking::read` refuses one that does not.
        let assignment_key = event.identities().next().map_or(0, |first| assignment_key(&first));
        self.plan.births.push(Birth { assignment_key, at: event.received_at });
        Who::Born(self.plan.births.len() - 1)
    }

    /// Gives the event's other names to `who`, or asks for a merge with whom they lead to.
    fn join(&mut self, event: &Event, who: Who, index: usize) {
        let reason = match event.kind {
            Kind::Identify => Some(MergeReason::Identify),
            Kind::Alias => Some(MergeReason::Alias),
            _ => None,
        };
        let earlier = event.previous.as_ref().and_then(|name| self.look_up(&Identity::external(name)));
        if let (Some(earlier), Some(reason)) = (earlier, reason) {
            self.ask(earlier, who, index, reason);
        }
        let device = event.anonymous.as_ref();
        for name in device.into_iter().chain(event.previous.as_ref().filter(|_| earlier.is_none())) {
            let name = Identity::anonymous(name);
            match (self.look_up(&name), reason) {
                (None, _) => {
                    self.plan.names.insert(name, who);
                }
                (Some(other), Some(reason)) => self.ask(other, who, index, reason),
                (Some(_), None) => {}
            }
        }
    }
}

impl Plan {
    /// People who were there before and whom this plan gives an id of the shop's, or asks to be one with somebody: to be
    /// locked, so that nobody who is being merged becomes known meanwhile.
    pub fn to_lock(&self) -> BTreeSet<Who> {
        let asked = self.merges.iter().filter(|merge| !merge.both_known);
        let asked: BTreeSet<Who> = asked.flat_map(|merge| [merge.other, merge.who]).collect();
        let named = self.names.iter().filter(|(name, _)| name.kind == IdentityKind::External);
        let here = named.map(|(_, who)| *who).filter(|who| matches!(who, Who::Here(_)));
        here.chain(asked).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracking::{Defaults, Door, parse_timestamp, read};

    fn event(json: &str) -> Event {
        let received_at = parse_timestamp("2026-11-23T10:00:00Z").unwrap();
        let door = Door {
            write_key: "wk",
            source: "web",
            received_at,
            index: 0,
            message_id: None,
            historical: false,
        };
        read(json, &Defaults::default(), &door, || 7).unwrap()
    }

    /// Events as `kind userId anonymousId|previousId`, `-` for none; names known before as `u=1` (external) or
    /// `a~2` (a device of person 2), `!` behind a device whose person is known.
    fn check(before: &str, events: &str, people: &str, names: &str, merges: &str) {
        let mut found = Found::default();
        for word in before.split_whitespace() {
            let (name, id, known) = match word.split_once('=') {
                Some((name, id)) => (Identity::external(name), id, true),
                None => {
                    let (name, id) = word.split_once('~').unwrap();
                    (Identity::anonymous(name), id.trim_end_matches('!'), id.ends_with('!'))
                }
            };
            let person = PersonId(id.parse().unwrap());
            found.names.insert(name, person);
            found.known.extend(known.then_some(person));
        }
        let events: Vec<Event> = events
            .split(", ")
            .map(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                let second = if words[0] == "alias" { "previousId" } else { "anonymousId" };
                let id = |word: &str| if word == "-" { "null".to_owned() } else { format!("\"{word}\"") };
                event(&format!(
                    r#"{{"type":"{}","event":"X","userId":{},"{second}":{}}}"#,
                    words[0],
                    id(words[1]),
                    id(words[2])
                ))
            })
            .collect();
        let plan = plan(&events.iter().collect::<Vec<_>>(), &found);
        let who = |who: &Who| match who {
            Who::Here(id) => id.0.to_string(),
            Who::Born(n) => format!("new{n}"),
        };
        let of: Vec<String> = plan.of.iter().map(who).collect();
        assert_eq!(of.join(" "), people, "people");
        let mark = |name: &Identity| if name.kind == IdentityKind::External { '=' } else { '~' };
        let new: Vec<String> =
            plan.names.iter().map(|(name, w)| format!("{}{}{}", name.value, mark(name), who(w))).collect();
        assert_eq!(new.join(" "), names, "names");
        let asked: Vec<String> = plan
            .merges
            .iter()
            .map(|m| {
                let refused = if m.both_known { " refused" } else { "" };
                format!("{}+{} {:?}{refused}", who(&m.other), who(&m.who), m.reason)
            })
            .collect();
        assert_eq!(asked.join(", "), merges, "merges");
    }

    #[test]
    fn names_become_people() {
        check("", "track u -", "new0", "u=new0", "");
        check("", "track - a", "new0", "a~new0", "");
        check("", "track u a", "new0", "u=new0 a~new0", "");
        check("", "track - a, identify u a, track u b", "new0 new0 new0", "u=new0 a~new0 b~new0", "");
        check("u=1", "track u a", "1", "a~1", "");
        check("a~1", "identify u a", "1", "u=1", "");
    }

    #[test]
    fn two_known_people_share_a_browser() {
        check("a~1!", "identify v a", "new0", "v=new0", "1+new0 Identify refused");
        check("a~1!", "track v a", "new0", "v=new0", "");
        check(
            "",
            "identify u a, identify v a, track - a",
            "new0 new1 new0",
            "u=new0 v=new1 a~new0",
            "new0+new1 Identify refused",
        );
        check("u=1 v=2 a~1!", "identify v a", "2", "", "1+2 Identify refused");
    }

    #[test]
    fn merges_are_asked_for() {
        check("u=1 a~2", "identify u a", "1", "", "2+1 Identify");
        check("u=1 a~2", "track u a", "1", "", "");
        check("u=1 a~2", "alias u a", "1", "", "2+1 Alias");
        check("", "alias u a", "new0", "u=new0 a~new0", "");
        check("a~2", "alias u a", "2", "u=2", "");
        // Two of the shop's ids: recorded, for the merge to refuse with a reason.
        check("old=1", "alias new old", "new0", "new=new0", "1+new0 Alias refused");
        check("u=1", "alias u u", "1", "", "");
        // The alias came first: who comes by the old id later is asked to become whom it was given to.
        check(
            "",
            "alias new old, track old -",
            "new0 new1",
            "new=new0 old=new1 old~new0",
            "new1+new0 Alias refused",
        );
        check("new=1 old~1!", "track old -", "new0", "old=new0", "new0+1 Alias refused");
        check("x~1", "track x -", "1", "x=1", "");
        check(
            "",
            "track - a, track u -, identify u a",
            "new0 new1 new1",
            "u=new1 a~new0",
            "new0+new1 Identify",
        );
    }
}
