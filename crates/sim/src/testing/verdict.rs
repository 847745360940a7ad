//! What happened, beside what was expected.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use journeyman_domain::plan::{Channel, Policies};
use journeyman_domain::row::QueuedRow;
use journeyman_domain::template::{Context, Data};
use journeyman_domain::{Refused, ShopTime};
use journeyman_journey::testing::{Expected, Test};
use journeyman_render::{Templates, Tracking, Wording};

use crate::backtest::{Line, Message, What};

/// Moments are compared to the minute.
const MINUTE: SignedDuration = SignedDuration::from_secs(60);

/// A test that is over.
pub(super) struct Seen<'a> {
    pub(super) test: &'a Test,
    pub(super) begin: ShopTime,
    pub(super) zone: &'a TimeZone,
    pub(super) lines: &'a [Line],
    pub(super) post: &'a [QueuedRow],
}

impl Seen<'_> {
    /// What is otherwise than expected.
    pub(super) fn faults(&self, policies: &Policies, templates: Option<&Templates>) -> Vec<String> {
        let mut faults = Vec::new();
        let sent: Vec<(&Line, &Message)> = self
            .lines
            .iter()
            .filter_map(|line| match &line.what {
                What::Sent(message) => Some((line, message)),
                _ => None,
            })
            .collect();
        let mut got = sent.iter();
        for expected in &self.test.expect {
            let Expected::Send { what, channels, after, at, words } = expected else {
                if !self.lines.iter().any(|line| is(&line.what, expected)) {
                    faults.push(format!("expected {}, and it did not happen", told(expected)));
                }
                continue;
            };
            let Some((line, message)) = got.next() else {
                faults.push(format!("expected a message `{what}`, and no other was sent"));
                continue;
            };
            if *message.step != **what && *message.template != **what {
                faults.push(format!("expected a message `{what}`, and got {}", self.sent(line.at, message)));
                continue;
            }
            if !channels.is_empty() && !channels.contains(&message.channel) {
                let names: Vec<&str> = channels.iter().map(|channel| channel.name()).collect();
                faults.push(format!(
                    "expected `{what}` by {}, and got {}",
                    names.join(" or "),
                    self.sent(line.at, message)
                ));
            }
            let moment = after.map(|after| after.after(self.begin, self.zone));
            let at =
                at.and_then(|at| at.to_zoned(self.zone.clone()).ok()).map(|at| ShopTime::new(at.timestamp()));
            for wanted in [moment, at].into_iter().flatten() {
                if line.at.since(wanted).abs() >= MINUTE {
                    let (wanted, got) = (self.moment(wanted), self.moment(line.at));
                    faults.push(format!("expected `{what}` {wanted}, and it was sent {got}"));
                }
            }
            if !words.is_empty() {
                faults.extend(self.lacking(message, words, policies, templates));
            }
        }
        faults.extend(
            got.map(|(line, message)| format!("sent, and not expected: {}", self.sent(line.at, message))),
        );
        faults
    }

    /// Words that do not stand in a message.
    fn lacking(
        &self,
        message: &Message,
        words: &[String],
        policies: &Policies,
        templates: Option<&Templates>,
    ) -> Vec<String> {
        let Some(row) = self.post.iter().find(|row| row.message == message.message) else {
            return Vec::new();
        };
        let text = templates.ok_or_else(|| "there are no templates here".to_owned());
        let text = text.and_then(|templates| rendered(row, policies, templates));
        match text {
            Err(why) => vec![format!("`{}` can't be rendered: {why}", message.step)],
            Ok(text) => words
                .iter()
                .filter(|words| !text.contains(words.as_str()))
                .map(|words| {
                    format!(
                        "expected the words `{words}` in `{}`, and they are not in it:\n{text}",
                        message.step
                    )
                })
                .collect(),
        }
    }

    fn sent(&self, at: ShopTime, message: &Message) -> String {
        let Message { template, step, channel, .. } = message;
        format!("`{template}` (step {step}) by {} {}", channel.name(), self.moment(at))
    }

    /// A moment, on the person's clock.
    fn moment(&self, at: ShopTime) -> String {
        let clock = at.timestamp().to_zoned(self.zone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string();
        format!("{} ({clock})", duration(at.since(self.begin)))
    }

    /// Everything that happened, a line each.
    pub(super) fn told(&self) -> Vec<String> {
        let line = |line: &Line| {
            let what = match &line.what {
                What::Entered { journey, held_out, .. } => {
                    format!("entered {journey}{}", if *held_out { ", held out" } else { "" })
                }
                What::Sent(message) => format!("sent {}", named(message)),
                What::Withheld(message) => format!("withheld {}", named(message)),
                What::CalledOff(message) => format!("called off {}", named(message)),
                What::NotSent { step, reason, .. } => format!("not sent {step}: {}", reason.code()),
                What::Refused { reason, .. } => format!("not entered: {}", reason.code()),
                What::LeftOut { of, reason } => format!("left out {of}: {}", reason.code()),
                What::Goal { .. } => "goal".to_owned(),
                What::Ended { reason, .. } => format!("ended: {reason}"),
                What::UnderWay { step, .. } => format!("stands at {step} in the end"),
                What::Parked { reason } => format!("could not be applied: {reason}"),
            };
            format!("{}  {what}", self.moment(line.at))
        };
        self.lines.iter().map(line).collect()
    }
}

fn named(message: &Message) -> String {
    format!("{} (step {}) by {}", message.template, message.step, message.channel.name())
}

fn is(what: &What, expected: &Expected) -> bool {
    match (expected, what) {
        (Expected::NotSent(of, wanted), What::NotSent { step, reason, .. }) => {
            step == of && wanted.is_none_or(|wanted| wanted == *reason)
        }
        (Expected::NotSent(of, wanted), What::Withheld(message)) => {
            message.step == *of && wanted.is_none_or(|wanted| wanted == Refused::Withheld)
        }
        (Expected::NotEntered(wanted), What::Refused { reason, .. }) => reason == wanted,
        (Expected::Goal, What::Goal { .. }) => true,
        (Expected::Exit(wanted), What::Ended { reason, .. }) => {
            reason == wanted || reason.strip_prefix("exit_step: ") == Some(wanted)
        }
        (Expected::Waits(wanted), What::UnderWay { step, .. }) => step == wanted,
        _ => false,
    }
}

fn told(expected: &Expected) -> String {
    match expected {
        Expected::Send { what, .. } => format!("a message `{what}`"),
        Expected::NotSent(step, None) => format!("`{step}` not to be sent"),
        Expected::NotSent(step, Some(reason)) => format!("`{step}` not to be sent, for `{}`", reason.code()),
        Expected::NotEntered(reason) => format!("nobody to enter, for `{}`", reason.code()),
        Expected::Goal => "the goal".to_owned(),
        Expected::Exit(reason) => format!("a run to end by `{reason}`"),
        Expected::Waits(step) => format!("a run to stand at `{step}` in the end"),
    }
}

/// `1d 4h 15m after the beginning`
pub(super) fn duration(since: SignedDuration) -> String {
    let seconds = since.as_secs();
    let parts = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let mut left = seconds.max(0);
    let mut told = Vec::new();
    for (unit, length) in parts {
        if left >= length {
            told.push(format!("{}{unit}", left / length));
            left %= length;
        }
    }
    if told.is_empty() {
        "at the beginning".to_owned()
    } else {
        format!("{} after the beginning", told.join(" "))
    }
}

/// What a message says: its subject or title, and its text.
fn rendered(row: &QueuedRow, policies: &Policies, templates: &Templates) -> Result<String, String> {
    let data: Data = serde_json::from_str(&row.data).map_err(|error| error.to_string())?;
    let context = Context { at: row.queued_at, key: 0, base: None };
    let wording = Wording {
        message: row.message,
        person: row.person,
        channel: row.channel,
        template: &row.template,
        journey: &row.journey,
        step: &row.step,
        marketing: row.marketing,
        sender: row.sender.as_deref(),
        address: &row.address,
        data: &data,
        context: &context,
    };
    let tracking = Tracking { keys: None, base: "https://links.example" };
    if row.channel == Channel::Email {
        let email = templates.email(policies, &wording, &tracking).map_err(|error| error.to_string())?;
        return Ok(format!("{}\n{}", email.subject, email.text));
    }
    let plain = templates.plain(policies, &wording, &tracking).map_err(|error| error.to_string())?;
    Ok([plain.title.unwrap_or_default(), plain.text].join("\n"))
}
