use super::*;
use crate::draw;

fn belief(successes: f64, of: f64) -> Belief {
    Belief { alpha: 1.0 + successes, beta: 1.0 + of - successes }
}

#[track_caller]
fn near(got: &[f64], expected: &[f64], by: f64) {
    let far = got.len() != expected.len() || got.iter().zip(expected).any(|(a, b)| (a - b).abs() > by);
    assert!(!far, "{got:?} is not {expected:?}");
}

const NO_FLOOR: Floor = Floor { each: 0.0, total: 0.0 };

#[test]
fn propensities_are_how_likely_each_is_the_best() {
    near(&propensities(&[], NO_FLOOR), &[], 0.0);
    near(&propensities(&[belief(3.0, 10.0)], Floor::CHANNEL), &[1.0], 1e-12);
    near(&propensities(&[belief(5.0, 100.0); 4], NO_FLOOR), &[0.25; 4], 1e-9);
    // P(Beta(11, 91) > Beta(6, 96)) by the exact sum (Miller 2014, "Formulas for Bayesian A/B testing"): 0.9043.
    near(&propensities(&[belief(10.0, 100.0), belief(5.0, 100.0)], NO_FLOOR), &[0.9043, 0.0957], 0.01);
    near(&propensities(&[belief(900.0, 1000.0), belief(100.0, 1000.0)], NO_FLOOR), &[1.0, 0.0], 1e-9);
    // One that is known well among two that are not, as counted over 200,000 draws of the three.
    let mixed = [belief(80_000.0, 1_000_000.0), belief(7.0, 100.0), belief(10.0, 100.0)];
    near(&propensities(&mixed, NO_FLOOR), &[0.1035, 0.197, 0.6995], 0.01);
    // What little is known of may be the best.
    let shy = propensities(&[belief(50.0, 1000.0), belief(0.0, 1.0)], NO_FLOOR);
    assert!(shy[1] > 0.5, "{shy:?}");
}

#[test]
fn the_floor_holds_and_they_add_up_to_one() {
    for options in 1..=60 {
        let beliefs: Vec<Belief> = (0..options).map(|nth| belief(f64::from(nth * nth), 4000.0)).collect();
        for floor in [Floor::CHANNEL, Floor::HOUR] {
            let shares = propensities(&beliefs, floor);
            let sum: f64 = shares.iter().sum();
            assert!((sum - 1.0).abs() < 1e-9, "{options}: {sum}");
            let least = floor.of(beliefs.len());
            assert!(shares.iter().all(|share| *share >= least - 1e-12), "{options}: {shares:?}");
        }
    }
    near(
        &[Floor::CHANNEL.of(2), Floor::CHANNEL.of(10), Floor::HOUR.of(48)],
        &[0.05, 0.02, 0.1 / 48.0],
        1e-12,
    );
}

#[test]
fn what_is_no_belief_is_even() {
    let broken = Belief { alpha: f64::NAN, beta: -1.0 };
    let sum: f64 = propensities(&[broken, belief(1.0, 2.0)], Floor::CHANNEL).iter().sum();
    assert!((sum - 1.0).abs() < 1e-9);
    near(&floored(&[0.0, 0.0], Floor::CHANNEL), &[0.5, 0.5], 1e-12);
    near(&floored(&[f64::NAN, 1.0], Floor::CHANNEL), &[0.5, 0.5], 1e-12);
}

#[test]
fn a_draw_takes_one() {
    assert_eq!(pick(&[], 0.3), None);
    assert_eq!(
        [0.0, 0.49, 0.5, 0.999_999].map(|drawn| pick(&[0.5, 0.5, 0.0], drawn)),
        [Some(0), Some(0), Some(1), Some(1)]
    );
    // Rounding left a gap: not the one that can't be.
    assert_eq!(pick(&[0.5, 0.499, 0.0], 0.9999), Some(1));
}

/// Thompson sampling with hashed draws finds the better of two channels, and goes on trying the other.
#[test]
fn the_better_option_is_found() {
    let rates = [0.04, 0.08];
    let mut tries = [0.0; 2];
    let mut hits = [0.0; 2];
    let mut late = [0; 2];
    for person in 0..6_000 {
        let beliefs = [0, 1].map(|nth| belief(hits[nth], tries[nth]));
        let shares = propensities(&beliefs, Floor::CHANNEL);
        let taken = pick(&shares, draw(person, &["seed", "channel", "1", "nudge", "1"])).unwrap();
        tries[taken] += 1.0;
        hits[taken] += f64::from(u8::from(draw(person, &["the truth"]) < rates[taken]));
        if person >= 4_000 {
            late[taken] += 1;
        }
    }
    assert!(late[1] > 1_700, "the better is taken nearly always at the end: {late:?}");
    assert!(late[0] > 50, "and the other by the floor: {late:?}");
}

#[test]
fn hours_of_the_week() {
    let hour = |at: &str, zone: &str| {
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        Hour::of(crate::ShopTime::new(at.parse().unwrap()), &zone).to_string()
    };
    assert_eq!(hour("2026-01-05T00:30:00Z", "UTC"), "mon-00");
    assert_eq!(hour("2026-01-04T23:30:00Z", "Europe/Berlin"), "mon-00");
    assert_eq!(hour("2026-01-11T23:59:59Z", "UTC"), "sun-23");
    assert_eq!(hour("2026-01-05T00:00:00Z", "Asia/Kolkata"), "mon-05");
    assert_eq!(Hour::new(169), Hour::new(1));
}

#[test]
fn codes_are_pinned() {
    assert_eq!(
        Choice::ALL.map(|choice| (choice.code(), choice.name())),
        [(1, "option"), (2, "channel"), (3, "send_time")]
    );
    assert_eq!(
        Rule::ALL.map(|rule| (rule.code(), rule.name())),
        [(1, "fixed"), (2, "learned"), (3, "no_model"), (4, "stale_model")]
    );
}
