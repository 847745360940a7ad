//! When time alone changes a condition: going from one moment that is worked out to the next finds what asking every few minutes
//! finds.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use journeyman_domain::ShopTime;
use journeyman_domain::catalog::Nothing;
use journeyman_domain::expr::Scope;
use journeyman_domain::person::Person;
use journeyman_domain::plan::Plans;
use journeyman_sim::Random;

use crate::stage::{Stage, person};

const CONDITIONS: [&str; 16] = [
    "last('Begin') < now - 30d",
    "now - last('Begin') >= 50h",
    "count('Begin', 7d) >= 2",
    "count('Begin', 36h) == 0 or count('Other', 3w) >= 3",
    "not (sum('Begin', 'x', 10d) > 12)",
    "count('Begin', 20d, kind == 'a') == 1",
    "last('Begin') + 5d < now and now < last('Begin') + 9d",
    "in_calendar('sale') and has(profile.first_seen)",
    "in_segment('s0') != in_segment('s2')",
    "profile.first_seen > now - 45d",
    "now - profile.first_seen > 95d and now - 1d > last('Other')",
    "now > last('Other') + 2w",
    "has(profile.first_seen) and (now - 180d) > last('Begin')",
    "count('Other', 90d) > count('Begin', 12d)",
    "changed(profile.trial) + 100d <= now",
    "profile.trial < now",
];
const DAYS: i64 = 220;
const STEP: SignedDuration = SignedDuration::from_mins(20);
/// What days of 23 and 25 hours may make of a moment.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

struct Asked<'a> {
    plans: &'a Plans,
    person: &'a Person,
    zone: TimeZone,
}

impl Asked<'_> {
    fn scope(&self, now: ShopTime) -> Scope<'_> {
        Scope {
            person: self.person,
            now,
            zone: &self.zone,
            segments: &self.plans.segments,
            policies: &self.plans.policies,
            catalog: &Nothing,
            event: None,
            run: None,
            element: None,
            item: None,
            depth: 0,
        }
    }

    /// The moments at which the segment turns, looked at now and then.
    fn looked(&self, name: &str, from: ShopTime, until: ShopTime) -> Vec<ShopTime> {
        let (mut at, mut inside) = (from, self.scope(from).in_segment(name));
        let mut turns = Vec::new();
        while at < until {
            at = at.saturating_add(STEP);
            if self.scope(at).in_segment(name) != inside {
                inside = !inside;
                turns.push(at);
            }
        }
        turns
    }

    /// The same by what is worked out; and how often it was looked.
    fn worked_out(&self, name: &str, from: ShopTime, until: ShopTime) -> (Vec<ShopTime>, usize) {
        let turn = self.plans.segments.turn(name).unwrap();
        let (mut at, mut inside) = (from, self.scope(from).in_segment(name));
        let (mut turns, mut looks) = (Vec::new(), 0);
        while let Some(next) = turn.next(&self.scope(at)).filter(|next| *next <= until) {
            assert!(next > at, "{name}: it stands still at {at}");
            at = next;
            looks += 1;
            if self.scope(at).in_segment(name) != inside {
                inside = !inside;
                turns.push(at);
            }
        }
        (turns, looks)
    }
}

#[test]
fn what_is_worked_out_is_what_happens() {
    let segments: Vec<String> =
        CONDITIONS.iter().enumerate().map(|(nth, text)| format!("segment: s{nth}\nif: \"{text}\"")).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let mut found = vec![0; CONDITIONS.len()];
    for seed in 0..24 {
        let mut random = Random::new(seed);
        let zone = random.among(&["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]);
        let mut story = format!(
            "01-02 00:00 ada identify {{\"timezone\": \"{zone}\", \"trial\": \"2026-04-0{}T07:00:00Z\"}}\n",
            random.between(1, 9)
        );
        for _ in 0..random.between(2, 14) {
            let (month, day) = (random.between(1, 3), random.between(3, 28));
            let (hour, minute) = (random.below(24), random.below(60));
            let event = random.among(&["Begin", "Begin", "Other"]);
            let (kind, x) = (random.among(&["a", "b"]), random.between(1, 9));
            let properties = format!("{{\"kind\": \"{kind}\", \"x\": {x}}}");
            story.push_str(&format!("{month:02}-{day:02} {hour:02}:{minute:02} ada {event} {properties}\n"));
        }
        let stage = Stage {
            segments: &segments,
            shop: "calendar:\n  sale: { from: 2026-05-20 00:00, to: 2026-05-25 23:59 }\n",
            story: &format!("{story}03-29 00:00"),
            ..Stage::default()
        };
        let (person, plans, from) = person(&stage, "ada");
        let asked = Asked { plans: &plans, person: &person, zone: TimeZone::get(zone).unwrap() };
        let until = from.saturating_add(SignedDuration::from_hours(DAYS * 24));
        for (nth, text) in CONDITIONS.iter().enumerate() {
            let name = format!("s{nth}");
            let looked = asked.looked(&name, from, until);
            let (worked_out, looks) = asked.worked_out(&name, from, until);
            let near = looked.len() == worked_out.len()
                && looked.iter().zip(&worked_out).all(|(looked, ours)| {
                    let earliest = looked.saturating_add(-STEP);
                    (earliest..=looked.saturating_add(HOUR)).contains(ours)
                });
            assert!(near, "seed {seed}, {zone}, {text}:\n{looked:?}\n{worked_out:?}\n{story}");
            assert!(looks <= 120, "seed {seed}: {text} is looked at {looks} times");
            found[nth] += looked.len();
        }
    }
    for (text, turns) in CONDITIONS.iter().zip(found) {
        assert!(turns > 0, "{text} never turns");
    }
}
