//! What the engine chooses by: the latest promoted model of each kind, with its number.

use journeyman_domain::ShopTime;
use journeyman_domain::decision::{Answer, ChannelAsked, HourAsked, Models, Rule};

use crate::channel::Channels;
use crate::send_time::Curves;

/// How old a model may be, days; an older one is not asked any more, and the simple rule holds.
pub const STALE_DAYS: i64 = 14;

/// A model with its number.
#[derive(Clone, Debug)]
pub struct Fitted<M> {
    /// The snapshot's number.
    pub number: i64,
    /// When it was fitted.
    pub at: ShopTime,
    /// The model.
    pub model: M,
}

/// All models that choose, as they stood at one moment. Without one of them the simple rule holds.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Of `best_of`.
    pub channels: Option<Fitted<Channels>>,
    /// Of `at: best`.
    pub send_time: Option<Fitted<Curves>>,
}

/// The model, where there is one that is not too old.
fn fresh<M>(fitted: Option<&Fitted<M>>, now: ShopTime) -> Result<&Fitted<M>, Rule> {
    let fitted = fitted.ok_or(Rule::NoModel)?;
    if now.since(fitted.at).as_hours() > STALE_DAYS * 24 { Err(Rule::Stale) } else { Ok(fitted) }
}

impl Models for Snapshot {
    fn channels(&self, asked: &ChannelAsked<'_>) -> Answer {
        match fresh(self.channels.as_ref(), asked.now) {
            Err(rule) => Answer::Simple(rule),
            Ok(fitted) => Answer::Beliefs {
                snapshot: fitted.number,
                beliefs: asked
                    .channels
                    .iter()
                    .map(|channel| fitted.model.belief(asked.journey, asked.step, asked.recency, *channel))
                    .collect(),
                cohort: asked.recency.name(),
            },
        }
    }

    fn hours(&self, asked: &HourAsked<'_>) -> Answer {
        match fresh(self.send_time.as_ref(), asked.now) {
            Err(rule) => Answer::Simple(rule),
            Ok(fitted) => {
                let person = fitted.model.person(asked.active);
                Answer::Beliefs {
                    snapshot: fitted.number,
                    beliefs: asked.hours.iter().map(|hour| person.belief(*hour)).collect(),
                    cohort: person.cohort(),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use journeyman_domain::decision::{Hour, Recency};
    use journeyman_domain::plan::Channel;

    use super::*;

    #[test]
    fn an_old_model_and_none_say_so() {
        let at = |text: &str| ShopTime::new(text.parse().unwrap());
        let fitted_at = at("2026-01-01T00:00:00Z");
        let snapshot = Snapshot {
            channels: Some(Fitted { number: 7, at: fitted_at, model: Channels::fit(&[]) }),
            send_time: None,
        };
        let channels = [Channel::Email, Channel::Push];
        let ask = |now: &str| {
            let asked = ChannelAsked {
                journey: "j",
                step: "s",
                recency: Recency::Cold,
                channels: &channels,
                now: at(now),
            };
            snapshot.channels(&asked)
        };
        assert_eq!(ask("2026-01-16T00:00:00Z"), Answer::Simple(Rule::Stale));
        let Answer::Beliefs { snapshot: 7, beliefs, cohort: "cold" } = ask("2026-01-14T00:00:00Z") else {
            panic!("it is fresh")
        };
        assert_eq!((beliefs.len(), beliefs[0]), (2, beliefs[1]));
        let hours = [Hour::new(3)];
        let asked = HourAsked { active: &[], hours: &hours, now: fitted_at };
        assert_eq!(snapshot.hours(&asked), Answer::Simple(Rule::NoModel));
    }
}
