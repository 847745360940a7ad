//! The shipped shop and its shoppers, without a database.

use journeyman_domain::plan::Plans;
use journeyman_engine::deploy;
use journeyman_sim::shoppers::{Figures, Shoppers};
use journeyman_sim::simulate::{Came, Setting, simulate};

use super::speaker::Speaker;
use crate::commands::demo::{FIGURES, clock, shipped};

/// So many shoppers for so many days, in so many parts.
fn came(users: usize, days: u32, parts: usize) -> Came {
    let deployment = deploy::check(&shipped::sources(), false).deployment.unwrap();
    let plans = Plans::new(deployment);
    let figures: Figures = serde_yaml::from_str(FIGURES).unwrap();
    let opens = clock::opening(&figures).unwrap();
    let mut all = Came::default();
    for nth in 0..parts {
        let shoppers = Shoppers::some(figures.clone(), 1, users, days, |who| who % parts == nth).unwrap();
        let mut speaker = Speaker::new(&shoppers, 1, opens);
        let catalog = speaker.catalog(shoppers.shelf(), plans.policies.rates.base);
        all.merge(simulate(
            Setting { plans: &plans, catalog: &catalog, opens },
            shoppers,
            &mut speaker,
            |_| {},
        ));
    }
    all
}

#[test]
fn nobody_hangs_on_who_is_simulated_beside_them() {
    let whole = came(400, 8, 1);
    let mut parts = came(400, 8, 3);
    // Sums of fractions differ by the order in which they are added.
    for (name, of) in &mut parts.tally.journeys {
        let wanted = whole.tally.journeys[name].goal_value;
        assert!((of.goal_value - wanted).abs() < 1e-6, "{name}: {} {wanted}", of.goal_value);
        of.goal_value = wanted;
    }
    assert_eq!(parts, whole);
}

#[test]
fn people_are_written_to_and_react() {
    let came = came(400, 8, 1);
    let sent: u64 = came.tally.journeys.values().flat_map(|of| of.sent.values()).sum();
    assert_eq!(sent, came.messages_each.iter().map(|(many, people)| many * people).sum::<u64>());
    assert_eq!(came.people, came.messages_each.values().sum::<u64>());
    assert!(
        sent > 100 && came.reactions.opened > 20 && came.reactions.clicked > 0,
        "{sent} {:?}",
        came.reactions
    );
    assert!(came.reactions.clicked < came.reactions.opened, "{:?}", came.reactions);
    for journey in
        ["cart-abandonment", "browse-abandonment", "post-purchase", "welcome", "wishlist-price-drop"]
    {
        assert!(came.tally.journeys[journey].sent.values().sum::<u64>() > 0, "{journey}");
    }
    // A lane is one journey's at a time.
    let lane = ("browse-abandonment".into(), "cart-abandonment".into());
    assert_eq!(came.overlaps.get(&lane), None);
    assert!(
        came.pressure
            .keys()
            .any(|(held, _, by)| &**held == "browse-abandonment" && &**by == "cart-abandonment")
    );
    assert!(came.tally.parked.is_empty(), "{:?}", came.tally.parked);
}
