//! Storms, by the thousand; and the proof that they find what is wrong.

use std::time::Instant;

use journeyman_sim::Defect;
use journeyman_sim::chaos::{Failure, Options, Plant, Tally, storm};

use crate::shop::scenery;

/// How many storms one run of the tests lets happen. More of them: `JOURNEYMAN_SEEDS=100000`.
const SEEDS: u64 = 2_000;
/// In how many of them a planted defect is to be found.
const ENOUGH: u64 = 1_500;
/// How many lines of a failing seed are shown.
const LAST_LINES: usize = 60;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// The first failure of these seeds, written down, on two threads.
fn storms(seeds: std::ops::Range<u64>, plant: Option<Plant>) -> Result<Tally, Failure> {
    let half = |nth: u64| {
        let seeds = seeds.clone();
        move || {
            let mut scenery = scenery();
            let mut tally = Tally::default();
            for seed in seeds.filter(|seed| seed % 2 == nth) {
                match storm(&mut scenery, seed, Options { plant, traced: false }) {
                    Ok(more) => tally.add(&more),
                    Err(failure) => return Err(traced(&mut scenery, failure.seed, plant)),
                }
            }
            Ok(tally)
        }
    };
    let (even, odd) = (std::thread::spawn(half(0)), std::thread::spawn(half(1)));
    let mut tally = even.join().expect("a thread")?;
    tally.add(&odd.join().expect("a thread")?);
    Ok(tally)
}

/// The same storm once more, with every request written down.
fn traced(scenery: &mut journeyman_sim::chaos::Scenery, seed: u64, plant: Option<Plant>) -> Failure {
    let failure =
        storm(scenery, seed, Options { plant, traced: true }).expect_err("the same seed fails again");
    let trace = failure.trace[failure.trace.len().saturating_sub(LAST_LINES)..].to_vec();
    Failure { trace, ..*failure }
}

#[test]
fn what_must_hold_holds_in_every_storm() {
    if let Some(seed) = number("JOURNEYMAN_SEED") {
        match storm(&mut scenery(), seed, Options { plant: None, traced: true }) {
            Ok(tally) => println!("seed {seed} holds: {tally}"),
            Err(failure) => panic!("{failure}"),
        }
        return;
    }
    let seeds = number("JOURNEYMAN_SEEDS").unwrap_or(SEEDS);
    let begun = Instant::now();
    let tally = storms(0..seeds, None).unwrap_or_else(|failure| {
        panic!("{failure}\nonce more: JOURNEYMAN_SEED={} cargo test --test simulation", failure.seed)
    });
    println!("{tally}\n{:.1} seeds a second", seeds as f64 / begun.elapsed().as_secs_f64());
    assert!(
        tally.delivered > seeds
            && tally.news > seeds / 4
            && tally.applied > seeds * 10
            && tally.fenced_off > 0,
        "too calm: {tally}"
    );
    assert!(tally.troubles.len() >= 14, "not all of the troubles came: {tally}");
}

#[test]
fn the_same_seed_gives_the_same_storm() {
    let mut scenery = scenery();
    for seed in 0..5 {
        let once =
            storm(&mut scenery, seed, Options::default()).unwrap_or_else(|failure| panic!("{failure}"));
        let again = storm(&mut scenery, seed, Options { traced: true, plant: None }).unwrap();
        assert_eq!(once, again, "seed {seed}");
    }
}

#[test]
fn planted_defects_are_found() {
    let plants = [
        Plant::Store(Defect::NoFence),
        Plant::Store(Defect::NoVersions),
        Plant::Unwatched,
        Plant::NoFullScan,
        Plant::Store(Defect::AckFirst),
        Plant::Store(Defect::Redelivers),
        Plant::Store(Defect::ForgetsWhereItTold),
    ];
    for plant in plants {
        match storms(0..ENOUGH, Some(plant)) {
            Err(failure) => println!("{plant:?}: seed {}: {}", failure.seed, failure.what),
            Ok(tally) => panic!("{plant:?} was not found: {tally}"),
        }
    }
}
