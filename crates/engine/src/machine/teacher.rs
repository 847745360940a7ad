//! What a teacher decides: when it is time, which models to go by, whom to tell. It does nothing itself.

use std::time::Duration;

use journeyman_domain::ShopTime;
use journeyman_domain::score::{BAND, CHURN};
use journeyman_learn::churn::{Band, Score};
use journeyman_learn::lesson::{Lesson, Parameters};
use serde_json::{Map, Value, json};

/// After how many of its rhythms without a lesson that speaks for it a model is not gone by any more, …
const STALE_ROUNDS: u32 = 3;
/// … but not before so long.
const STALE: Duration = Duration::from_secs(7 * 86_400);
/// How much a risk has to change for its person to hear of it while their band stays.
const CHURN_STEP: f64 = 0.02;
/// How much the worth of a customer has to, as a part of it.
const CLV_STEP: f64 = 0.02;
/// What scores are called that were made without a model.
pub const BY_RULE: &str = "recency";

/// Whether a job is due that was done last at `last`, shop time.
pub fn due(last: Option<ShopTime>, every: Duration, now: ShopTime) -> bool {
    let every = jiff::SignedDuration::try_from(every).unwrap_or(jiff::SignedDuration::MAX);
    last.is_none_or(|last| now.since(last) >= every)
}

/// The models in use before a lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct InUse {
    /// Which fit.
    pub version: i64,
    /// When it was made, shop time.
    pub fitted_at: ShopTime,
    /// What was learned.
    pub parameters: Parameters,
}

/// By what scores are made.
#[derive(Clone, Debug, PartialEq)]
pub struct By {
    /// The models; `None` is the rule.
    pub models: Option<Parameters>,
    /// What they are called where scores are kept.
    pub name: String,
    /// Why these, for people.
    pub why: String,
}

/// What to go by after a lesson. `version` is the number the lesson's fit was kept under.
pub fn by(
    lesson: &Result<Lesson, String>,
    version: Option<i64>,
    in_use: Option<&InUse>,
    every: Duration,
    now: ShopTime,
) -> By {
    if let (Ok(lesson), Some(version)) = (lesson, version)
        && lesson.promoted
    {
        let models = Some(lesson.parameters);
        return By { models, name: named(version), why: lesson.card.verdict.clone() };
    }
    // The lesson may speak for the old ones all the same.
    let confirmed = lesson
        .as_ref()
        .ok()
        .and_then(|lesson| lesson.card.later_slice)
        .is_some_and(|later| later.in_use_mse.is_some_and(|mse| mse <= later.mean_rate_mse));
    let why = match lesson {
        Ok(lesson) => lesson.card.verdict.clone(),
        Err(why) => format!("nothing new was learned: {why}"),
    };
    let stale = STALE.max(every.saturating_mul(STALE_ROUNDS));
    match in_use {
        Some(used) if confirmed || !due(Some(used.fitted_at), stale, now) => {
            By { models: Some(used.parameters), name: named(used.version), why }
        }
        Some(used) => By {
            models: None,
            name: BY_RULE.to_owned(),
            why: format!("{why}; fit {} is too old to go by: silence alone counts", used.version),
        },
        None => By { models: None, name: BY_RULE.to_owned(), why: format!("{why}; silence alone counts") },
    }
}

fn named(version: i64) -> String {
    format!("bg-nbd {version}")
}

/// Scores as they are told, and kept.
pub fn told(score: &Score, by: &str, currency: &str) -> Value {
    let places = |value: f64, places: i32| (value * 10_f64.powi(places)).round() / 10_f64.powi(places);
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("clv", json!(places(score.clv, 2)));
    if let Some(alive) = score.alive {
        put("alive", json!(places(alive, 3)));
    }
    put(CHURN, json!(places(score.churn, 3)));
    put("model", json!(by));
    put("currency", json!(currency));
    put(BAND, json!(Band::of(score.churn).name()));
    if let Some(expected) = score.expected {
        put("expected_90d", json!(places(expected, 3)));
    }
    Value::Object(fields)
}

/// Whether somebody has to hear of their scores, who has these: another band, or a change worth a word.
pub fn is_news(known: Option<&Value>, now: &Value) -> bool {
    let Some(known) = known else { return true };
    let number = |of: &Value, name: &str| of.get(name).and_then(Value::as_f64);
    let moved = |name: &str, step: &dyn Fn(f64) -> f64| match (number(known, name), number(now, name)) {
        (Some(known), Some(now)) => (known - now).abs() >= step(known),
        (known, now) => known.is_some() != now.is_some(),
    };
    let differs = |name: &str| known.get(name) != now.get(name);
    differs(BAND)
        || differs("currency")
        || moved(CHURN, &|_| CHURN_STEP)
        || moved("alive", &|_| CHURN_STEP)
        || moved("clv", &|known| (known.abs() * CLV_STEP).max(0.01))
}

#[cfg(test)]
mod tests {
    use journeyman_learn::bg_nbd::BgNbd;
    use journeyman_learn::lesson::{Card, LaterSlice};

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn day(nth: i64) -> ShopTime {
        ShopTime::from_millisecond(1_767_225_600_000 + nth * 86_400_000).unwrap()
    }

    fn parameters(r: f64) -> Parameters {
        Parameters { bg_nbd: BgNbd { r, alpha: 4.0, a: 0.8, b: 2.0 }, gamma_gamma: None, mean_value: 9.0 }
    }

    fn lesson(promoted: bool, in_use_mse: Option<f64>) -> Result<Lesson, String> {
        let later_slice = Some(LaterSlice {
            days: 30,
            mse: 2.0,
            mean_rate_mse: 1.9,
            refit_mse: 2.0,
            in_use_mse,
            correlation: 0.5,
        });
        let card = Card {
            customers: 500,
            repeat_customers: 200,
            purchases: 900,
            days: 100,
            log_likelihood: -1.0,
            converged: true,
            later_slice,
            verdict: "verdict".to_owned(),
        };
        Ok(Lesson { parameters: parameters(1.0), card, promoted })
    }

    #[test]
    fn when_it_is_time() {
        assert!(due(None, DAY, day(0)) && due(Some(day(0)), DAY, day(1)));
        assert!(!due(Some(day(1)), DAY * 2, day(2)) && !due(Some(day(2)), DAY, day(1)));
    }

    #[test]
    fn what_to_go_by() {
        let used = |fitted: i64| InUse { version: 3, fitted_at: day(fitted), parameters: parameters(2.0) };
        let name = |lesson: &Result<Lesson, String>, used: Option<InUse>| {
            let by = by(lesson, Some(4), used.as_ref(), DAY, day(100));
            (by.name, by.models.map(|models| models.bg_nbd.r))
        };
        let nothing = Err("99 customers; it takes 100".to_owned());
        let (new, old) = (("bg-nbd 4".to_owned(), Some(1.0)), ("bg-nbd 3".to_owned(), Some(2.0)));
        let rule = (BY_RULE.to_owned(), None);
        assert_eq!(name(&lesson(true, None), Some(used(99))), new);
        assert_eq!(name(&lesson(false, None), Some(used(94))), old);
        assert_eq!(name(&nothing, Some(used(94))), old);
        // Old ones are gone by as long as something speaks for them.
        assert_eq!(name(&nothing, Some(used(93))), rule);
        assert_eq!(name(&lesson(false, Some(1.5)), Some(used(9))), old);
        assert_eq!(name(&lesson(false, Some(2.5)), Some(used(9))), rule);
        assert_eq!(name(&nothing, None), rule);
        let why = by(&nothing, None, Some(&used(9)), DAY, day(100)).why;
        assert_eq!(
            why,
            "nothing new was learned: 99 customers; it takes 100; fit 3 is too old to go by: silence alone counts"
        );
    }

    #[test]
    fn what_is_told() {
        let score = Score { churn: 0.8126, expected: Some(0.25), alive: Some(0.5), clv: 100.004 };
        let first = told(&score, "bg-nbd 4", "EUR");
        let wanted = json!({ "clv": 100.0, "alive": 0.5, "churn": 0.813, "model": "bg-nbd 4", "currency": "EUR",
            "churn_band": "high", "expected_90d": 0.25 });
        assert_eq!(first, wanted);
        assert!(is_news(None, &first) && !is_news(Some(&first), &first));
        let then = |score: Score, by: &str| is_news(Some(&first), &told(&score, by, "EUR"));
        // Another number of the same model says nothing new.
        assert!(!then(Score { churn: 0.82, clv: 101.0, ..score }, "bg-nbd 5"));
        assert!(then(Score { churn: 0.79, ..score }, "bg-nbd 4"));
        assert!(then(Score { churn: 0.84, ..score }, "bg-nbd 4"));
        assert!(then(Score { clv: 102.1, ..score }, "bg-nbd 4"));
        assert!(then(Score { alive: None, expected: None, ..score }, BY_RULE));
    }
}
