use jiff::tz::TimeZone;
use journeyman_domain::decision::{Floor, pick, propensities};
use journeyman_domain::{ShopTime, draw};

use super::*;

fn hour(day: usize, hour: usize) -> Hour {
    Hour::new(day * 24 + hour)
}

/// People of the morning and people of the evening, on every day, each for so many days.
fn people(each: usize, days: usize) -> Vec<(Vec<ShopTime>, TimeZone)> {
    let person = |nth: usize| {
        let usual = if nth.is_multiple_of(2) { 8.0 } else { 20.0 };
        let day = |day: usize| {
            let key = (nth * 1000 + day) as i64;
            let at = usual + 1.5 * draw(key, &["hour"]) - 0.5;
            // 2026-01-05 is a Monday.
            let from: ShopTime = ShopTime::new("2026-01-05T00:00:00Z".parse().unwrap());
            from.saturating_add(jiff::SignedDuration::from_secs((day as f64 * 86_400.0 + at * 3600.0) as i64))
        };
        ((0..days).map(day).collect(), TimeZone::UTC)
    };
    (0..2 * each).map(person).collect()
}

#[test]
fn the_kernel_is_circular() {
    let kernel = kernel();
    assert!((kernel.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert!((1..HOURS).all(|later| (kernel[later] - kernel[HOURS - later]).abs() < 1e-15));
    let person = Curves::fit([]).person(&[(hour(6, 23), 0.0)]);
    // Sunday's last hour speaks of Monday's first, and a little of eleven at night on other days.
    let mass = |at: Hour| person.alphas[at.number()];
    assert!(mass(hour(0, 0)) > 3.0 * mass(hour(0, 2)));
    assert!(mass(hour(2, 23)) > mass(hour(2, 12)));
}

#[test]
fn somebody_unknown_is_anybody_and_soon_themselves() {
    let active: Vec<Vec<(Hour, f64)>> =
        people(100, 30).iter().map(|(moments, zone)| evaluate::active(moments, moments[29], zone)).collect();
    let curves = Curves::fit(active.iter().map(Vec::as_slice));
    assert_eq!(curves.anybody().cohort(), "");
    // One visit: the rest is what their cohort does.
    let evening = curves.person(&[(hour(3, 19), 0.0)]);
    assert_eq!(evening.cohort(), "evening");
    assert!(evening.belief(hour(1, 20)).mean() > 5.0 * evening.belief(hour(1, 8)).mean());
    // Somebody whom nobody resembles: their own nights win.
    let nights: Vec<(Hour, f64)> = (0..7).map(|day| (hour(day, 3), 1.0)).collect();
    assert!((2..=3).contains(&(curves.person(&nights).best().number() % 24)));
    // What was long ago fades.
    let faded = curves.person(&[(hour(2, 3), 300.0), (hour(2, 15), 1.0)]);
    assert_eq!(faded.cohort(), "afternoon");
}

#[test]
fn a_later_slice_tells_personal_from_everyone() {
    let (curves, score) = evaluate(&people(50, 60)).unwrap();
    assert_eq!((score.people, score.later), (100, 100 * 18));
    assert!(score.oracle >= score.personal && score.personal > 1.3 * score.everyone, "{score:?}");
    assert!(score.everyone > score.chance);
    assert!(evaluate(&people(5, 5)).is_none(), "nobody has 6 events");
    let stored = serde_json::to_string(&curves).unwrap();
    let again: Curves = serde_json::from_str(&stored).unwrap();
    assert_eq!(again.anybody().best(), curves.anybody().best());
    assert!(serde_json::from_str::<Curves>(r#"{"everyone":[1.0],"cohorts":[]}"#).is_err());
}

/// In a window, draws by Thompson fall into the person's hours, and now and then elsewhere.
#[test]
fn draws_in_a_window_follow_the_person() {
    let (curves, _) = evaluate(&people(50, 60)).unwrap();
    let mornings: Vec<(Hour, f64)> = (0..28).map(|nth| (hour(nth % 7, 8), nth as f64)).collect();
    let person = curves.person(&mornings);
    let window: Vec<Hour> = (12..36).map(Hour::new).collect();
    let beliefs: Vec<Belief> = window.iter().map(|hour| person.belief(*hour)).collect();
    let shares = propensities(&beliefs, Floor::HOUR);
    let taken = (0..2_000).filter_map(|run| pick(&shares, draw(run, &["hour"])));
    let morning = taken.filter(|nth| (7..=8).contains(&(window[*nth].number() % 24))).count();
    assert!((1_200..2_000).contains(&morning), "{morning} of 2000; {shares:?}");
}
