//! Journeys as chance writes them: every one passes `check`, few of them make sense.

use journeyman_sim::Random;

/// Events that journeys of chance speak of; the shop's people tell all of them.
const EVENTS: [&str; 6] =
    ["Product Viewed", "Product Added", "Product Removed", "Order Completed", "Signed Up", "Cart Updated"];
const CONDITIONS: [&str; 8] = [
    "profile.blocked == true",
    "has(profile.email)",
    "not has(profile.phone)",
    "count('Product Viewed', 7d) >= 2",
    "count('Order Completed') == 0",
    "cart.value >= 20 EUR",
    "cart.items.count() > 0",
    "last('Order Completed') > now - 2d or has(profile.email)",
];
const WATCHED: [&str; 9] = [
    "segment: quiet",
    "left_segment: quiet",
    "segment: keen",
    "left_segment: keen",
    "date: profile.first_seen",
    "date: last('Product Viewed')",
    "every: day 10:00",
    "every: monday 08:15",
    "every: \"*/40 9-11 * * *\"",
];
/// The segments that those speak of: name and condition.
pub const SEGMENTS: [(&str, &str); 2] = [
    ("quiet", "last('Product Viewed') < now - 30h"),
    ("keen", "count('Product Viewed', 2d) >= 2 and not in_segment('quiet')"),
];
const WAITS: [&str; 7] = ["5m", "45m", "3h", "20h", "1d", "2d", "1w"];
const MOMENTS: [&str; 5] = ["09:00", "day 18:30", "weekdays 09:00", "monday 08:15", "= entry.at + 7h"];
const WITHIN: [&str; 4] = ["10m", "2h", "1d", "3d"];
const CHANNELS: [&str; 5] = ["inbox", "email", "[sms, email]", "[email, inbox]", "[sms, inbox]"];

/// How deep steps may stand within steps.
const DEEP: usize = 3;

/// One journey being written.
struct Pen<'a> {
    random: &'a mut Random,
    text: String,
    /// How many steps have an id.
    ids: usize,
    /// Sends whose results may be asked: those behind which the pen stands.
    sends: Vec<String>,
    /// Whether the journey is marketing.
    keyed: bool,
}

/// A journey of this name.
pub fn journey(random: &mut Random, name: &str) -> String {
    let mut pen = Pen { random, text: String::new(), ids: 0, sends: Vec::new(), keyed: false };
    pen.head(name);
    pen.enter();
    pen.ends();
    pen.line(0, "steps:");
    pen.steps(1, 0);
    pen.text
}

impl Pen<'_> {
    fn line(&mut self, deep: usize, text: &str) {
        self.text.push_str(&"  ".repeat(deep));
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn one(&mut self, of: &[&'static str]) -> &'static str {
        self.random.among(of)
    }

    fn maybe(&mut self, permille: u64) -> bool {
        self.random.chance(permille)
    }

    fn head(&mut self, name: &str) {
        self.line(0, &format!("journey: {name}"));
        if self.maybe(200) {
            self.line(0, "kind: transactional");
        } else {
            let topic = self.one(&["news", "offers"]);
            self.line(0, &format!("topic: {topic}"));
        }
        let priority = self.random.between(0, 100);
        self.line(0, &format!("priority: {priority}"));
        if self.maybe(400) {
            let lane = self.one(&["left", "right"]);
            self.line(0, &format!("lane: {lane}"));
        }
        if self.maybe(300) {
            let cap = self.one(&["1 per 1d", "2 per 3d", "5 per 7d"]);
            self.line(0, &format!("cap: {cap}"));
        }
        if self.maybe(300) {
            self.line(0, "holdout: 20%");
        }
    }

    fn enter(&mut self) {
        self.line(0, "enter:");
        if self.maybe(250) {
            return self.watches();
        }
        let on = self.one(&EVENTS);
        self.line(1, &format!("on: {on}"));
        if self.maybe(400) {
            let condition = self.one(&CONDITIONS);
            self.line(1, &format!("if: {condition}"));
        }
        if self.maybe(300) {
            let (idle, unless) = (self.one(&["20m", "1h", "1d"]), self.one(&EVENTS));
            self.line(1, &format!("idle: {idle}"));
            if unless != on {
                self.line(1, &format!("unless: {unless}"));
            }
        }
        let key = match on {
            "Product Viewed" | "Product Added" | "Product Removed" => Some("product_id"),
            "Order Completed" => Some("order_id"),
            _ => None,
        };
        if let Some(key) = key.filter(|_| self.random.chance(500)) {
            self.keyed = true;
            self.line(1, &format!("per: {key}"));
            if self.maybe(500) {
                let running = self.one(&["join", "restart", "ignore"]);
                self.line(1, &format!("if_running: {running}"));
            }
        }
        if !self.keyed || self.maybe(300) {
            let again = self.one(&["never", "always", "every 3h", "every 2d"]);
            self.line(1, &format!("again: {again}"));
        }
    }

    fn watches(&mut self) {
        let watched = self.one(&WATCHED);
        self.line(1, watched);
        if watched.starts_with("segment") && self.maybe(300) {
            self.line(1, "existing: include");
        }
        if watched.starts_with("every") && self.maybe(300) {
            self.line(1, "spread: 5h");
        }
        let again = self.one(&["never", "always", "every 3h", "every 2d"]);
        self.line(1, &format!("again: {again}"));
    }

    fn ends(&mut self) {
        if self.maybe(600) {
            self.line(0, "goal:");
            self.line(1, "on: Order Completed");
            let within = self.one(&WITHIN);
            self.line(1, &format!("within: {within}"));
            if self.maybe(300) {
                self.line(1, "since: first_send");
            }
            if self.maybe(300) {
                self.line(1, "exit: no");
            }
            self.line(1, "value: event.revenue");
        }
        if self.maybe(300) {
            self.line(0, "exit:");
            let condition = self.one(&CONDITIONS);
            self.line(1, &format!("- if: {condition}"));
        }
        if self.maybe(200) {
            let (within, otherwise) = (self.one(&WITHIN), self.one(&["continue", "exit"]));
            self.line(0, "hold:");
            self.line(1, "while: profile.blocked == true");
            self.line(1, &format!("within: {within}"));
            self.line(1, &format!("else: {otherwise}"));
        }
    }

    /// One to three steps at this depth of text, so many steps deep.
    fn steps(&mut self, at: usize, deep: usize) {
        let known = self.sends.len();
        for _ in 0..self.random.between(1, 3) {
            self.step(at, deep);
        }
        // What stands in a branch may not have been reached by whoever stands behind it.
        self.sends.truncate(known);
    }

    fn step(&mut self, at: usize, deep: usize) {
        let kinds = if deep < DEEP { 12 } else { 7 };
        match self.random.below(kinds) {
            0..=2 => self.send(at, deep),
            3 => {
                let wait = self.one(&WAITS);
                self.line(at, &format!("- wait: {wait}"));
            }
            4 => {
                let moment = self.one(&MOMENTS);
                self.line(at, &format!("- wait_until: {moment}"));
            }
            5 => {
                let number = self.random.between(1, 9);
                self.line(at, "- set:");
                self.line(at + 2, &format!("number: = {number} + count('Product Viewed')"));
            }
            6 => {
                let name = self.one(&["Walked", "Product Viewed"]);
                self.line(at, &format!("- track: {name}"));
            }
            7 | 8 => self.wait_for(at, deep),
            9 => {
                let condition = self.condition();
                self.line(at, &format!("- if: {condition}"));
                self.line(at + 1, "then:");
                self.steps(at + 2, deep + 1);
                if self.maybe(500) {
                    self.line(at + 1, "else:");
                    self.steps(at + 2, deep + 1);
                }
            }
            10 => self.choose(at, deep),
            _ => {
                let (times, every) = (self.random.between(2, 3), self.one(&WAITS));
                self.line(at, &format!("- repeat: {times}"));
                self.line(at + 1, &format!("every: {every}"));
                self.line(at + 1, "then:");
                self.steps(at + 2, deep + 1);
            }
        }
    }

    /// A condition, maybe of what a send before it came to.
    fn condition(&mut self) -> String {
        let last = self.sends.last().cloned();
        match last.filter(|_| self.random.chance(500)) {
            Some(id) => format!("not {id}.clicked"),
            None => self.one(&CONDITIONS).to_owned(),
        }
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        format!("s{}", self.ids)
    }

    fn send(&mut self, at: usize, deep: usize) {
        let (id, channel) = (self.id(), self.one(&CHANNELS));
        self.line(at, &format!("- id: {id}"));
        self.line(at + 1, "send: letter");
        self.line(at + 1, &format!("channel: {channel}"));
        if self.maybe(300) {
            let condition = self.condition();
            self.line(at + 1, &format!("if: {condition}"));
        }
        if self.maybe(300) {
            let within = self.one(&WITHIN);
            self.line(at + 1, &format!("within: {within}"));
        }
        if self.maybe(200) {
            let between = self.one(&["08:00-20:00", "22:00-06:00"]);
            self.line(at + 1, &format!("between: {between}"));
        }
        if self.maybe(150) {
            self.line(at + 1, "holdout: 30%");
        }
        if deep < DEEP && self.maybe(250) {
            self.line(at + 1, "else:");
            self.steps(at + 2, deep + 1);
        }
        self.sends.push(id);
    }

    fn wait_for(&mut self, at: usize, deep: usize) {
        let within = self.one(&WITHIN);
        match self.random.below(2) {
            0 => {
                let on = self.one(&EVENTS);
                self.line(at, &format!("- wait_for: {on}"));
            }
            _ => {
                let condition = self.condition();
                self.line(at, "- wait_for:");
                self.line(at + 3, &format!("if: {condition}"));
            }
        }
        self.line(at + 1, &format!("within: {within}"));
        if self.maybe(500) {
            self.line(at + 1, "then:");
            self.steps(at + 2, deep + 1);
        }
        if self.maybe(700) {
            self.line(at + 1, "else:");
            if self.maybe(300) {
                self.line(at + 2, "- exit: in-vain");
            } else {
                self.steps(at + 2, deep + 1);
            }
        }
    }

    fn choose(&mut self, at: usize, deep: usize) {
        let id = self.id();
        self.line(at, &format!("- choose: {id}"));
        self.line(at + 1, "by: fixed");
        self.line(at + 1, "options:");
        for (name, share) in [("one", 30), ("other", 70)] {
            self.line(at + 2, &format!("{name}:"));
            self.line(at + 3, &format!("share: {share}%"));
            if name == "one" {
                self.line(at + 3, "then:");
                self.steps(at + 4, deep + 1);
            }
        }
    }
}
