//! The shoppers against the figures that they live by.

use std::collections::{BTreeMap, BTreeSet};

use journeyman_engine::deploy;
use journeyman_sim::shoppers::{Act, DAY, Deed, Figures, Quantiles, Reaction, Shoppers};

use super::voice::Voice;
use super::{FIGURES, clock, shipped};

fn figures() -> Figures {
    serde_yaml::from_str(FIGURES).unwrap()
}

/// Everything that so many do in so many days, each deed with its step. `writes`: who gets a message, by step.
fn lived(
    figures: Figures,
    (seed, users, days): (u64, usize, u32),
    writes: &BTreeMap<u32, Vec<usize>>,
) -> Vec<(u32, Deed)> {
    let mut shoppers = Shoppers::new(figures, seed, users, days).unwrap();
    let mut deeds = Vec::new();
    let mut post = writes.clone();
    loop {
        let next = shoppers.next().into_iter().chain(post.keys().next().copied()).min();
        let Some(step) = next.filter(|step| *step < shoppers.end()) else { return deeds };
        deeds.extend(shoppers.act(step).into_iter().map(|deed| (step, deed)));
        for who in post.remove(&step).unwrap_or_default() {
            shoppers.receives(who, step);
        }
    }
}

fn close(what: &str, got: f64, wanted: f64, tolerance: f64) {
    let off = (got - wanted).abs();
    assert!(off <= tolerance * wanted, "{what}: {got:.4}, the figures say {wanted:.4}");
}

#[test]
fn the_funnel_is_that_of_the_figures() {
    let mut strangers = figures();
    strangers.people.customers = 0.0;
    // Only first visits: what comes later hangs on what happened before.
    strangers.visits.comes_again = vec![0.0];
    strangers.people.signs_up = 0.0;
    let (mut visits, mut views, mut carts, mut things, mut orders) = (0, 0, 0, 0, 0);
    let mut by_shopper: BTreeMap<usize, Vec<Act>> = BTreeMap::new();
    for (_, deed) in lived(strangers.clone(), (1, 30_000, 7), &BTreeMap::new()) {
        if let Deed::InShop { shopper, act, .. } = deed {
            by_shopper.entry(shopper).or_default().push(act);
        }
    }
    for acts in by_shopper.values() {
        // Somebody's second visit begins behind an order, or at the cart that was left.
        let end = acts.iter().position(|act| matches!(act, Act::Orders { .. }));
        let first = acts.get(..end.map_or(acts.len(), |end| end + 1)).unwrap();
        visits += 1;
        let before_cart = first.iter().take_while(|act| !matches!(act, Act::LooksAtCart(..) | Act::SignsUp));
        views += before_cart.filter(|act| matches!(act, Act::Views(_))).count();
        let filled = first.iter().position(|act| matches!(act, Act::LooksAtCart(..)));
        let Some(filled) = filled else { continue };
        carts += 1;
        things += first.get(..filled).unwrap().iter().filter(|act| matches!(act, Act::Adds(..))).count();
        orders += usize::from(
            first
                .get(filled + 1..filled + 4)
                .is_some_and(|then| then.iter().any(|act| matches!(act, Act::Orders { .. }))),
        );
    }
    let funnel = &strangers.funnel;
    let share: f64 = funnel.views.iter().sum();
    let many = (funnel.views.len(), f64::from(funnel.many_views));
    let mean: f64 = (1..=funnel.views.len())
        .zip(&funnel.views)
        .map(|(count, part)| if count == many.0 { many.1 * part } else { count as f64 * part } / share)
        .sum();
    close("visitors", f64::from(visits), 30_000.0, 0.05);
    close("views of a visit", views as f64 / f64::from(visits), mean, 0.05);
    close("visits that fill a cart", f64::from(carts) / f64::from(visits), funnel.fills_cart, 0.06);
    close("things in a cart", things as f64 / f64::from(carts), funnel.things, 0.06);
    close("carts that are ordered at once", orders as f64 / f64::from(carts), funnel.orders_at_once, 0.12);
}

#[test]
fn orders_come_again_in_their_rhythm_and_go_back() {
    let mut customers = figures();
    customers.people.customers = 1.0;
    customers.funnel.fills_cart = 0.0;
    customers.orders.needed_is_ordered = 1.0;
    let deeds = lived(customers.clone(), (1, 1_500, 60), &BTreeMap::new());
    let mut times: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    let (mut orders, mut returns) = (0, 0);
    for (step, deed) in &deeds {
        match deed {
            Deed::InShop { shopper, act: Act::Orders { .. }, .. } => {
                orders += 1;
                times.entry(*shopper).or_default().push(*step);
            }
            Deed::InShop { act: Act::Returns(..), .. } => returns += 1,
            _ => {}
        }
    }
    // Of those who ordered in the first 20 days, who ordered again within 28 days: half, as the gaps' median says.
    let early = times.values().filter(|at| at.first().is_some_and(|first| *first < 20 * DAY));
    let (mut early_ones, mut again) = (0, 0);
    for at in early {
        early_ones += 1;
        again += i32::from(matches!(at.as_slice(), [first, second, ..] if second - first <= 28 * DAY));
    }
    close("ordered again within the median", f64::from(again) / f64::from(early_ones), 0.5, 0.15);
    // The later ones have no time left to come back.
    let share = f64::from(returns) / f64::from(orders);
    assert!((0.08..=customers.orders.returned).contains(&share), "{share} of the orders went back");
}

#[test]
fn messages_move_some_and_tire_all() {
    let count = |letters: u32, every: u32| {
        let mut figures = figures();
        figures.people.customers = 1.0;
        let writes = (0..letters).map(|nth| (10 * DAY + nth * every, (0..1_000).collect())).collect();
        let mut done = [0_u32; 3];
        for (_, deed) in lived(figures, (1, 1_000, 30), &writes) {
            if let Deed::WithLetter { reaction, .. } = deed {
                let of = match reaction {
                    Reaction::Opens => 0,
                    Reaction::Clicks(_) => 1,
                    Reaction::UnsubscribesByButton | Reaction::UnsubscribesByPage => 2,
                };
                if let Some(done) = done.get_mut(of) {
                    *done += 1;
                }
            }
        }
        done.map(|count| f64::from(count) / 1_000.0 / f64::from(letters))
    };
    let [opened, clicked, left] = count(1, DAY);
    assert!(
        (0.2..0.6).contains(&opened) && (0.02..0.2).contains(&clicked) && left == 0.0,
        "{opened} {clicked} {left}"
    );
    let [tired, fewer, gone] = count(8, DAY / 4);
    assert!(tired < opened * 0.8 && fewer < clicked * 0.8, "{tired} of {opened}, {fewer} of {clicked}");
    assert!(gone > 0.005, "nobody leaves: {gone}");
}

#[test]
fn the_same_seed_is_the_same_life() {
    let writes: BTreeMap<u32, Vec<usize>> = BTreeMap::from([(DAY, vec![6, 7]), (DAY + 9, vec![6])]);
    let life = |seed, writes: &BTreeMap<u32, Vec<usize>>| lived(figures(), (seed, 300, 7), writes);
    assert_eq!(life(1, &writes), life(1, &writes));
    assert_ne!(life(1, &writes), life(2, &writes));
    // What one of them is written changes nobody else.
    let others = |deeds: Vec<(u32, Deed)>| {
        let in_shop = |(_, deed): &(u32, Deed)| ![6, 7].contains(&deed.shopper());
        deeds.into_iter().filter(in_shop).collect::<Vec<_>>()
    };
    assert_eq!(others(life(1, &writes)), others(life(1, &BTreeMap::new())));
}

#[test]
fn nobody_is_known_before_they_say_who_they_are() {
    let mut said: BTreeSet<(usize, u8)> = BTreeSet::new();
    let mut signed_up: BTreeSet<usize> = BTreeSet::new();
    let mut last = 0;
    for (step, deed) in lived(figures(), (3, 400, 20), &BTreeMap::new()) {
        assert!(step >= last, "time goes on");
        last = step;
        let Deed::InShop { shopper, device, known, act } = deed else { continue };
        match &act {
            Act::SignsUp => assert!(signed_up.insert(shopper), "{shopper} signs up twice"),
            Act::Orders { lines, .. } => {
                assert!(!lines.is_empty() && known, "{shopper} orders as a stranger")
            }
            _ => {}
        }
        if matches!(act, Act::SignsUp | Act::SignsIn) {
            said.insert((shopper, device));
        }
        assert_eq!(known, said.contains(&(shopper, device)), "{shopper} on {device}: {act:?}");
    }
    assert!(!signed_up.is_empty());
}

#[test]
fn prices_spread_as_the_figures_say_and_kinds_have_several_things() {
    let figures = figures();
    let logs: Vec<f64> = figures.catalogue.iter().map(|product| product.price.ln()).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    let spread = (logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (logs.len() - 1) as f64).sqrt();
    // The nine deciles of Online Retail's products: 0.93.
    close("spread of the prices' logarithms", spread, 0.93, 0.15);
    for category in figures.categories() {
        let of = figures.catalogue.iter().filter(|product| product.category == category).count();
        assert!(of >= 3, "{category} has {of} products: nothing to cross-sell");
    }
}

#[test]
fn figures_that_are_none_are_refused_with_their_place() {
    let check = |spoil: fn(&mut Figures), place: &str| {
        let mut figures = figures();
        spoil(&mut figures);
        assert_eq!(figures.check().unwrap_err().place, place);
    };
    check(|figures| figures.funnel.fills_cart = 1.2, "funnel.fills_cart");
    check(|figures| figures.visits.hours = vec![1.0; 23], "visits.hours");
    check(|figures| figures.orders.gap_days = Quantiles(vec![3.0, 2.0]), "orders.gap_days");
    check(|figures| figures.messages.tail = 0.0, "messages.tail");
    check(|figures| figures.catalogue.clear(), "catalogue");
    assert!(clock::opening(&figures()).is_ok());
}

#[test]
fn between_two_quantiles_all_is_equally_likely() {
    let quantiles = Quantiles(vec![1.0, 3.0, 11.0]);
    for (part, value) in
        [(0.0, 1.0), (0.25, 2.0), (0.5, 3.0), (0.75, 7.0), (1.0, 11.0), (-1.0, 1.0), (2.0, 11.0)]
    {
        assert_eq!(quantiles.at(part), value, "{part}");
    }
}

#[test]
fn a_shopper_is_found_by_their_address() {
    let voice = Voice::new(&figures(), 1);
    for who in [0, 7, 12_345, 99_999] {
        assert_eq!(Voice::whose(&voice.address(who)), Some(who));
    }
    assert_eq!(Voice::whose("hello@mail.shop.example"), None);
    assert_eq!(Voice::whose("ada-00001@elsewhere.example"), None);
}

#[test]
fn the_shipped_shop_is_sound() {
    let checked = deploy::check(&shipped::sources(), false);
    let said: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
    assert!(checked.deployment.is_some_and(|deployment| !deployment.plans.is_empty()), "{said:?}");
}
