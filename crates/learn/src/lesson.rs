//! One lesson: what is learned of a shop's purchases up to a day, and whether it may be used.
//!
//! Whether it may is asked on a later slice: the models are first learned without it and have to foretell it better than
//! the shop's mean rate does. What is used is then learned of everything, and must not tell the slice worse than the models
//! in use do: both have seen it, or most of it, which four parameters can hardly make anything of.

use serde::{Deserialize, Serialize};

use crate::bg_nbd::BgNbd;
use crate::churn::{CLV_DAYS, Score};
use crate::gamma_gamma::GammaGamma;
use crate::{Buyer, Histories, Holdout};

/// How many customers there have to be, …
pub const CUSTOMERS: usize = 100;
/// … how many of them who bought again, …
pub const REPEATERS: usize = 30;
/// … and over how many days, before anything is learned of them.
pub const DAYS: i32 = 56;
/// The later slice: a third of all days, and at most so many.
const SLICE_DAYS: i32 = 90;
/// How much worse than the models in use new ones may be: what a slice says is chance to some part.
const SLACK: f64 = 1.05;

/// What is learned.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// How often people buy, and whether they leave. Weeks.
    pub bg_nbd: BgNbd,
    /// What a purchase brings; `None` where nothing could be learned of it.
    pub gamma_gamma: Option<GammaGamma>,
    /// What a purchase of anybody brings on average, in the shop's currency.
    pub mean_value: f64,
}

/// What a model was made of and how well it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// How many customers.
    pub customers: usize,
    /// How many of them bought again.
    pub repeat_customers: usize,
    /// On how many days they bought, all together.
    pub purchases: usize,
    /// How many days lie between the first purchase and the last one, both included.
    pub days: i32,
    /// The logarithm of the likelihood.
    pub log_likelihood: f64,
    /// Whether the fit found its summit.
    pub converged: bool,
    /// How the same method did on the later slice, learned without it.
    pub later_slice: Option<LaterSlice>,
    /// Why it is used, or why not.
    pub verdict: String,
}

/// How models do on the later slice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaterSlice {
    /// How many days it has.
    pub days: i32,
    /// The mean squared error of what was foretold for each customer.
    pub mse: f64,
    /// The same of the shop's mean rate for everybody.
    pub mean_rate_mse: f64,
    /// The same of the models as they are then learned of everything, the slice included, …
    pub refit_mse: f64,
    /// … and of the models in use, which have seen most of it.
    pub in_use_mse: Option<f64>,
    /// Of what was foretold with what was done.
    pub correlation: f64,
}

/// What a lesson came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// What was learned.
    pub parameters: Parameters,
    /// Its card.
    pub card: Card,
    /// Whether it is to be used.
    pub promoted: bool,
}

/// Learns of what was bought by the end of `today`, up to the last day on which anybody bought. `in_use` are the models used until now.
///
/// # Errors
/// Why nothing can be learned: there is too little.
pub fn lesson(all: &Histories, today: i32, in_use: Option<&Parameters>) -> Result<Lesson, String> {
    // Where nobody has bought for long that tells of the shop, or of what it sends us, and not of its customers.
    let today = all.span().map_or(today, |(_, last)| today.min(last));
    let buyers: Vec<Buyer> = all.at(today).map(|(_, buyer)| buyer).collect();
    let repeaters = buyers.iter().filter(|buyer| buyer.repeats > 0).count();
    let days = all.span().map_or(0, |(first, _)| today - first + 1);
    for (has, needs, of) in [
        (buyers.len(), CUSTOMERS, "customers"),
        (repeaters, REPEATERS, "customers who bought again"),
        (usize::try_from(days).unwrap_or(0), DAYS as usize, "days of purchases"),
    ] {
        if has < needs {
            return Err(format!("{has} {of}; it takes {needs}"));
        }
    }
    let fit = BgNbd::fit(buyers.iter().copied()).ok_or("nobody bought again")?;
    let values = GammaGamma::fit(buyers.iter().copied()).filter(|fit| fit.converged).map(|fit| fit.model);
    let later_slice = later_slice(all, today, days, &fit.model, in_use);
    let (promoted, verdict) = verdict(fit.converged, later_slice.as_ref());
    let purchases = buyers.iter().map(|buyer| buyer.repeats as usize + 1).sum();
    let spent = all.spent(today);
    let card = Card {
        customers: buyers.len(),
        repeat_customers: repeaters,
        purchases,
        days,
        log_likelihood: fit.log_likelihood,
        converged: fit.converged,
        later_slice,
        verdict,
    };
    let mean_value = if purchases == 0 { 0.0 } else { spent / purchases as f64 };
    Ok(Lesson {
        parameters: Parameters { bg_nbd: fit.model, gamma_gamma: values, mean_value },
        card,
        promoted,
    })
}

fn later_slice(
    all: &Histories,
    today: i32,
    days: i32,
    refit: &BgNbd,
    in_use: Option<&Parameters>,
) -> Option<LaterSlice> {
    let slice = (days / 3).min(SLICE_DAYS);
    let before = today - slice;
    let fit = BgNbd::fit(all.at(before).map(|(_, buyer)| buyer)).filter(|fit| fit.converged)?;
    let did = Holdout::of(&fit.model, all, before, today)?;
    let mse_of = |model: &BgNbd| Holdout::of(model, all, before, today).map(|did| did.mse);
    let in_use_mse = in_use.and_then(|used| mse_of(&used.bg_nbd));
    Some(LaterSlice {
        days: slice,
        mse: did.mse,
        mean_rate_mse: did.mean_rate_mse,
        refit_mse: mse_of(refit)?,
        in_use_mse,
        correlation: did.correlation,
    })
}

fn verdict(converged: bool, later: Option<&LaterSlice>) -> (bool, String) {
    if !converged {
        return (false, "not used: the fit did not find its summit".to_owned());
    }
    let Some(later) = later else {
        return (false, "not used: there is no later slice to ask it about".to_owned());
    };
    let days = later.days;
    if later.mse > later.mean_rate_mse {
        return (false, format!("not used: the shop's mean rate foretells the last {days} days better"));
    }
    if later.in_use_mse.is_some_and(|mse| later.refit_mse > mse * SLACK) {
        return (false, format!("not used: the models in use foretell the last {days} days better"));
    }
    (true, format!("used: it foretells the last {days} days, unseen, better than the shop's mean rate"))
}

/// Scores of everybody who had bought by the end of `today`, by their numbers: by the models, or where there is none to go
/// by, by the rule of silence alone.
pub fn scores<'a>(
    all: &'a Histories,
    today: i32,
    models: Option<&'a Parameters>,
) -> impl Iterator<Item = (u32, Score)> + 'a {
    let spent = all.mean_spent(today - CLV_DAYS + 1, today);
    all.at(today).map(move |(customer, buyer)| {
        let score = match models {
            Some(models) => Score::of(&models.bg_nbd, models.gamma_gamma.as_ref(), models.mean_value, &buyer),
            None => Score::by_recency(&buyer, spent),
        };
        (customer, score)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Purchase;
    use crate::churn::Band;

    /// A shop of people each with a rhythm of their own, some of whom stopped.
    fn shop(people: u32, days: i32) -> Histories {
        let mut purchases = Vec::new();
        for customer in 0..people {
            let gap = 3 + (customer * 7 % 40) as i32;
            let stops = if customer.is_multiple_of(3) { days / 4 + (customer % 50) as i32 } else { days };
            let mut day = (customer % 30) as i32;
            let mut nth = 0_u32;
            while day < stops {
                purchases.push(Purchase { customer, day, value: 10.0 + f64::from(customer % 9) });
                nth += 1;
                day += gap + (nth * customer % 5) as i32;
            }
        }
        Histories::of(purchases)
    }

    #[test]
    fn a_shop_is_learned_and_its_customers_scored() {
        let all = shop(400, 300);
        let lesson = lesson(&all, 299, None).unwrap();
        assert!(lesson.promoted, "{:?}", lesson.card);
        assert!(lesson.card.customers == 400 && (298..=300).contains(&lesson.card.days), "{:?}", lesson.card);
        // A month in which nothing came from the shop teaches nothing.
        assert_eq!(super::lesson(&all, 329, None).as_ref(), Ok(&lesson));
        let later = lesson.card.later_slice.unwrap();
        assert!(later.days == 90 && later.correlation > 0.8 && later.mse < later.mean_rate_mse, "{later:?}");
        // Those who stopped half a year ago are lost, those who go on are not.
        let scored: Vec<(u32, Score)> = scores(&all, 299, Some(&lesson.parameters)).collect();
        assert_eq!(scored.len(), 400);
        let high = |stopped: bool| {
            let of = scored.iter().filter(|(customer, _)| customer.is_multiple_of(3) == stopped);
            let (high, all) = of.fold((0, 0), |(high, all), (_, score)| {
                (high + u32::from(Band::of(score.churn) == Band::High), all + 1)
            });
            f64::from(high) / f64::from(all)
        };
        assert!(high(true) > 0.95 && high(false) < 0.1, "{} {}", high(true), high(false));
        // The same again, bit for bit; and what is used is no reason to refuse what is as good.
        let again = super::lesson(&all, 299, Some(&lesson.parameters)).unwrap();
        assert_eq!((again.parameters, again.promoted), (lesson.parameters, true));
    }

    #[test]
    fn too_little_to_learn_from() {
        let why = |people, days| lesson(&shop(people, days), days - 1, None).unwrap_err();
        assert_eq!(why(99, 300), "99 customers; it takes 100");
        assert!(why(400, 40).ends_with(" days of purchases; it takes 56"));
        let once = (0..200).map(|customer| Purchase { customer, day: customer as i32, value: 1.0 });
        let why = lesson(&Histories::of(once), 199, None).unwrap_err();
        assert_eq!(why, "0 customers who bought again; it takes 30");
        // Scored they are all the same, by the rule.
        let by_rule: Vec<_> = scores(&shop(50, 300), 299, None).collect();
        assert!(by_rule.len() == 50 && by_rule.iter().all(|(_, score)| score.alive.is_none()));
    }

    #[test]
    fn models_that_foretell_worse_are_not_used() {
        let later = LaterSlice {
            days: 9,
            mse: 2.0,
            mean_rate_mse: 3.0,
            refit_mse: 2.0,
            in_use_mse: Some(1.95),
            correlation: 0.5,
        };
        assert!(verdict(true, Some(&later)).0);
        assert!(!verdict(false, Some(&later)).0 && !verdict(true, None).0);
        assert!(!verdict(true, Some(&LaterSlice { mean_rate_mse: 1.9, ..later })).0);
        let (used, why) = verdict(true, Some(&LaterSlice { in_use_mse: Some(1.5), ..later }));
        assert_eq!(
            (used, why.as_str()),
            (false, "not used: the models in use foretell the last 9 days better")
        );
    }
}
