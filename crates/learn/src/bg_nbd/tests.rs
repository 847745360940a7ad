use super::*;

const CDNOW: BgNbd = BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 };

fn buyer(repeats: u32, recency: f64, age: f64) -> Buyer {
    Buyer { repeats, recency, age, mean_value: 0.0 }
}

/// The paper's own example, as its authors' note on the spreadsheet has it: x = 2, t_x = 30.43, T = 38.86, 39 weeks.
#[test]
fn the_worked_example() {
    let expected = CDNOW.expected(&buyer(2, 30.43, 38.86), 39.0);
    assert!((expected - 1.226).abs() < 0.001, "{expected}");
}

/// Of somebody alive: over all probabilities p to leave, by the midpoint rule, of (1 - E exp(-lambda p t)) / p.
fn by_integral(model: &BgNbd, x: f64, watched: f64, weeks: f64) -> f64 {
    let (shape, rate) = (model.r + x, model.alpha + watched);
    let (a, b) = (model.a, model.b + x);
    let ln_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let steps = 200_000;
    // p = u^8, so that what happens near 0 is seen where a is small.
    let sum: f64 = (0..steps)
        .map(|nth| {
            let u = (f64::from(nth) + 0.5) / f64::from(steps);
            let p = u.powi(8);
            let density = ((a - 1.0) * p.ln() + (b - 1.0) * (-p).ln_1p() - ln_beta).exp();
            let bought = -(-shape * (p * weeks / rate).ln_1p()).exp_m1() / p;
            bought * density * 8.0 * u.powi(7) / f64::from(steps)
        })
        .sum();
    sum
}

#[test]
fn expectations_are_the_integrals_they_stand_for() {
    let models = [
        CDNOW,
        BgNbd { a: 1.0, ..CDNOW },
        BgNbd { r: 2.0, alpha: 1.0, a: 3.0, b: 5.0 },
        BgNbd { r: 0.8, alpha: 10.0, a: 0.4, b: 1.3 },
    ];
    for model in models {
        for weeks in [0.5, 13.0, 39.0, 400.0] {
            let (ours, theirs) = (model.expected_of_new(weeks), by_integral(&model, 0.0, 0.0, weeks));
            assert!((ours / theirs - 1.0).abs() < 2e-4, "{model:?} {weeks}: {ours} {theirs}");
            for (x, recency, age) in [(1, 2.0, 30.0), (7, 29.0, 30.0), (300, 30.0, 30.0)] {
                let who = buyer(x, recency, age);
                let theirs = by_integral(&model, f64::from(x), age, weeks) * posterior(&model, &who);
                let ours = model.expected(&who, weeks) / model.alive(&who) * posterior(&model, &who);
                assert!((ours / theirs - 1.0).abs() < 2e-4, "{model:?} {weeks} {who:?}: {ours} {theirs}");
            }
        }
    }
}

/// P(alive) by Bayes's rule from the likelihood's two parts.
fn posterior(model: &BgNbd, who: &Buyer) -> f64 {
    let x = f64::from(who.repeats);
    if who.repeats == 0 {
        return 1.0;
    }
    let stays = -(model.r + x) * (model.alpha + who.age).ln();
    let leaves = (model.a / (model.b + x - 1.0)).ln() - (model.r + x) * (model.alpha + who.recency).ln();
    1.0 / (1.0 + (leaves - stays).exp())
}

#[test]
fn who_is_still_there() {
    assert_eq!(CDNOW.alive(&buyer(0, 0.0, 38.0)), 1.0);
    for who in [buyer(1, 5.0, 38.0), buyer(3, 38.0, 38.0), buyer(12, 20.0, 38.0)] {
        assert!((CDNOW.alive(&who) - posterior(&CDNOW, &who)).abs() < 1e-12);
    }
    // The more often, the sooner silence tells.
    assert!(CDNOW.alive(&buyer(12, 20.0, 38.0)) < CDNOW.alive(&buyer(2, 20.0, 38.0)));
}

#[test]
fn the_likelihood_of_all_histories_is_1() {
    // In continuous time: nobody again, plus one repeat at every moment, plus two … of few weeks.
    let model = BgNbd { r: 0.7, alpha: 6.0, a: 0.9, b: 1.5 };
    let (age, steps) = (1.0, 400);
    let step = age / f64::from(steps);
    let none = model.log_likelihood([buyer(0, 0.0, age)]).exp();
    // Of x purchases the likelihood asks for the last one alone: the others may lie anywhere before it.
    let mut mass = none;
    let mut places = 1.0;
    for x in 1..12_u32 {
        let sum: f64 = (0..steps)
            .map(|nth| {
                let at = (f64::from(nth) + 0.5) * step;
                let others = at.powi(x as i32 - 1) / places;
                model.log_likelihood([buyer(x, at, age)]).exp() * others * step
            })
            .sum();
        mass += sum;
        places *= f64::from(x);
    }
    assert!((mass - 1.0).abs() < 1e-4, "{mass}");
}

/// Customers as the model makes them, by a fixed hash.
fn customers(model: &BgNbd, people: u64, age: f64) -> Vec<Buyer> {
    let mut state = 1_u64;
    let mut chance = move || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 + f64::EPSILON
    };
    // Whole shapes alone: sums and order statistics need no more than logarithms.
    let gamma =
        |shape: u32, chance: &mut dyn FnMut() -> f64| -> f64 { (0..shape).map(|_| -chance().ln()).sum() };
    (0..people)
        .map(|_| {
            let rate = gamma(model.r as u32, &mut chance) / model.alpha;
            let (a, b) = (gamma(model.a as u32, &mut chance), gamma(model.b as u32, &mut chance));
            let leaves = a / (a + b);
            let (mut repeats, mut recency, mut at) = (0, 0.0, 0.0);
            loop {
                at -= chance().ln() / rate;
                if at > age {
                    break;
                }
                (repeats, recency) = (repeats + 1, at);
                if chance() < leaves {
                    break;
                }
            }
            buyer(repeats, recency, age)
        })
        .collect()
}

#[test]
fn a_fit_finds_what_made_the_customers() {
    let made = BgNbd { r: 1.0, alpha: 5.0, a: 1.0, b: 3.0 };
    let all = customers(&made, 20_000, 40.0);
    let fit = BgNbd::fit(all.iter().copied()).unwrap();
    assert!(fit.converged);
    assert!(fit.log_likelihood >= made.log_likelihood(all.iter().copied()));
    let BgNbd { r, alpha, a, b } = fit.model;
    for (found, made) in [(r, 1.0), (alpha, 5.0), (a, 1.0), (b, 3.0)] {
        assert!((found / made - 1.0_f64).abs() < 0.12, "{:?}", fit.model);
    }
    // Twice is the same, bit for bit.
    assert_eq!(BgNbd::fit(all.iter().rev().copied()), Some(fit));
}

#[test]
fn where_nobody_leaves_a_runs_to_0() {
    let made = BgNbd { r: 2.0, alpha: 8.0, a: 1.0, b: 1e9 };
    let fit = BgNbd::fit(customers_who_stay(&made)).unwrap();
    assert!(fit.converged && fit.model.a / (fit.model.a + fit.model.b) < 1e-3, "{fit:?}");
    let regular = buyer(20, 39.0, 40.0);
    assert!(fit.model.alive(&regular) > 0.99);
    let steady = (fit.model.r + 20.0) / (fit.model.alpha + 40.0) * 13.0;
    assert!((fit.model.expected(&regular, 13.0) / steady - 1.0).abs() < 0.01);
    // Silence tells all the same.
    assert!(fit.model.silence(&regular, 10.0) < 0.05);
}

/// At even distances, some often, some seldom.
fn customers_who_stay(_: &BgNbd) -> Vec<Buyer> {
    let all = (1..400_u32).map(|nth| {
        let gap = 0.5 + 60.0 * f64::from(nth % 100).powi(2) / 10_000.0;
        let age = 20.0 + f64::from(nth % 21);
        let repeats = (age / gap).floor();
        buyer(repeats as u32, repeats * gap, age)
    });
    all.collect()
}

#[test]
fn nothing_is_learned_of_who_came_once() {
    assert_eq!(BgNbd::fit([]), None);
    assert_eq!(BgNbd::fit([buyer(0, 0.0, 10.0), buyer(0, 0.0, 20.0)]), None);
    // Little to go by is no reason to fall.
    for few in [vec![buyer(1, 0.0, 0.0)], vec![buyer(3, 1.0, 1.0), buyer(0, 0.0, 0.0)]] {
        let fit = BgNbd::fit(few).unwrap();
        assert!(fit.model.is_sound());
    }
}
