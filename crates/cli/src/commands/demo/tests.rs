//! The shoppers against the figures that they live by.

use std::collections::{BTreeMap, BTreeSet};

use journeyman_domain::plan::{Channel, Step};
use journeyman_engine::deploy;
use journeyman_sim::shoppers::{Act, DAY, Deed, Figures, Quantiles, Reaction, STEP_MINUTES, Shoppers};

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
            shoppers.receives(who, step, Channel::Email, &[]);
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
fn the_hours_of_all_are_those_of_the_figures_and_each_has_their_own() {
    let mut strangers = figures();
    strangers.people.customers = 0.0;
    // Only first visits, whose moment nothing else decides.
    strangers.visits.comes_again = vec![0.0];
    strangers.people.signs_up = 0.0;
    let mut first: BTreeMap<usize, u32> = BTreeMap::new();
    for (step, deed) in lived(strangers.clone(), (1, 30_000, 7), &BTreeMap::new()) {
        first.entry(deed.shopper()).or_insert(step % DAY * STEP_MINUTES / 60);
    }
    let all: f64 = strangers.visits.hours.iter().sum();
    for (hour, weight) in strangers.visits.hours.iter().enumerate() {
        let there = first.values().filter(|at| **at as usize == hour).count() as f64;
        let (share, wanted) = (there / first.len() as f64, weight / all);
        // Five standard deviations of a share among so many.
        let most = 5.0 * (wanted * (1.0 - wanted) / first.len() as f64).sqrt();
        assert!((share - wanted).abs() < most, "{hour} h: {share:.4}, the figures say {wanted:.4}");
    }

    let mut customers = figures();
    (customers.people.customers, customers.people.lapsed) = (1.0, 0.0);
    customers.visits.gap_hours = Quantiles(vec![24.0, 48.0]);
    let mut hours: BTreeMap<usize, BTreeSet<u32>> = BTreeMap::new();
    for (step, deed) in lived(customers.clone(), (1, 200, 30), &BTreeMap::new()) {
        if matches!(deed, Deed::InShop { act: Act::SignsIn, .. }) {
            hours.entry(deed.shopper()).or_default().insert(step % DAY * STEP_MINUTES / 60);
        }
    }
    assert!(hours.len() > 100);
    // They come at most so far from their own hour, and stay for a while.
    let span = 2 * customers.visits.own_hours + 3;
    for (who, at) in hours {
        let fits = |from: u32| at.iter().all(|hour| (hour + 24 - from) % 24 <= span);
        assert!((0..24).any(fits), "{who} comes at {at:?}");
    }
}

#[test]
fn a_channel_moves_each_otherwise_and_an_hour_that_is_not_theirs_less() {
    let clicks = |channel: Channel, change: fn(&mut Figures)| {
        let mut figures = figures();
        figures.people.customers = 1.0;
        change(&mut figures);
        let mut shoppers = Shoppers::new(figures, 1, 3_000, 30).unwrap();
        for who in 0..3_000 {
            shoppers.receives(who, 10 * DAY + 144, channel, &[]);
        }
        let deeds = shoppers.act(20 * DAY);
        let clicked = |deed: &&Deed| matches!(deed, Deed::WithLetter { reaction: Reaction::Clicks(_), .. });
        deeds.iter().filter(clicked).map(Deed::shopper).collect::<BTreeSet<_>>()
    };
    let (mail, text) = (clicks(Channel::Email, |_| {}), clicks(Channel::Sms, |_| {}));
    assert!(mail.len() > 60 && text.len() > 60, "{} {}", mail.len(), text.len());
    // Who follows a mail is not who follows a text.
    let only = |one: &BTreeSet<usize>, other: &BTreeSet<usize>| one.difference(other).count() * 5 > one.len();
    assert!(only(&mail, &text) && only(&text, &mail), "{} by both", mail.intersection(&text).count());
    let always = clicks(Channel::Email, |figures| figures.messages.other_hours = 1.0);
    assert!(always.len() > mail.len() && always.is_superset(&mail));
    let never = clicks(Channel::Sms, |figures| figures.messages.by.sms.moves = Quantiles(vec![0.0, 0.0]));
    assert!(never.is_empty());
}

#[test]
fn prices_fall_and_rise_and_those_who_wait_for_it_are_moved() {
    let mut busy = figures();
    (busy.people.customers, busy.people.lapsed) = (1.0, 0.0);
    (busy.prices.wishers, busy.prices.wishes) = (1.0, 0.5);
    (busy.shelf.sale, busy.shelf.sold_out) = (0.1, 0.1);
    let shoppers = Shoppers::new(busy.clone(), 1, 10, 30).unwrap();
    let shelf = shoppers.shelf();
    let (mut dropped, mut gone, mut back) = (0, 0, 0);
    for product in 0..busy.catalogue.len() {
        let regular = shelf.of(product, 0);
        assert!(regular.in_stock && regular.cents == regular.regular_cents);
        let days: Vec<_> = (0..30).map(|day| shelf.of(product, day * DAY + 100)).collect();
        dropped += days.iter().filter(|offer| offer.cents < regular.cents).count();
        gone += days.iter().filter(|offer| !offer.in_stock).count();
        back += days.windows(2).filter(|pair| !pair[0].in_stock && pair[1].in_stock).count();
        assert!(days.iter().all(|offer| offer.cents * 10 >= regular.cents * 5), "{product} is given away");
    }
    assert!(dropped > 50 && gone > 50 && back > 10, "{dropped} {gone} {back}");
    let mut next = Some(0);
    while let Some(step) = next {
        assert!(!shelf.changes(step).is_empty());
        next = shelf.next_change(step);
    }

    // Somebody wishes, the price falls, and a message tells of it: more follow it than one that tells of something else.
    let followed = |told: bool| {
        let mut shoppers = Shoppers::new(busy.clone(), 1, 600, 30).unwrap();
        let mut wishes: Vec<(usize, usize)> = Vec::new();
        while let Some(step) = shoppers.next().filter(|step| *step < 12 * DAY) {
            wishes.extend(shoppers.act(step).into_iter().filter_map(|deed| match deed {
                Deed::InShop { shopper, act: Act::Wishes(product), .. } => Some((shopper, product)),
                _ => None,
            }));
        }
        let shelf = shoppers.shelf().clone();
        let (step, mut sent) = (12 * DAY + 180, 0);
        for (who, product) in wishes {
            let offer = shelf.of(product, step);
            if offer.in_stock && f64::from(offer.cents) < 0.8 * f64::from(offer.regular_cents) {
                let names = [product];
                shoppers.receives(who, step, Channel::Email, if told { &names } else { &[] });
                sent += 1;
            }
        }
        let deeds = shoppers.act(18 * DAY);
        let clicked = |deed: &&Deed| matches!(deed, Deed::WithLetter { reaction: Reaction::Clicks(_), .. });
        (sent, deeds.iter().filter(clicked).count())
    };
    let ((sent, told), (same, untold)) = (followed(true), followed(false));
    assert!(sent == same && sent > 50 && told > untold, "{told} and {untold} of {sent}");
}

#[test]
fn what_was_bought_before_goes_on_in_its_rhythm() {
    let figures = figures();
    let shoppers = Shoppers::new(figures.clone(), 1, 2_000, 14).unwrap();
    let past = shoppers.past();
    assert!(past.windows(2).all(|pair| pair[0].steps_ago >= pair[1].steps_ago), "the earliest first");
    let mut orders: BTreeMap<usize, Vec<(u32, u32)>> = BTreeMap::new();
    for bought in past {
        assert!(f64::from(bought.steps_ago) <= figures.people.past_days * f64::from(DAY) + 1.0);
        assert!(bought.steps_ago > 0 && !bought.lines.is_empty());
        orders.entry(bought.who).or_default().push((bought.order, bought.steps_ago));
    }
    for (who, orders) in &orders {
        let numbers: Vec<u32> = orders.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..=orders.len() as u32).collect::<Vec<_>>(), "{who}");
    }
    // Most customers bought in this time, strangers never.
    let customers = 2_000.0 * figures.people.customers;
    assert!((0.6 * customers..1.1 * customers).contains(&(orders.len() as f64)), "{}", orders.len());
}

#[test]
fn fixed_choices_are_the_same_journeys_with_nothing_to_learn() {
    let plans = |sources: &[journeyman_journey::Source]| {
        let checked = deploy::check(sources, false);
        let said: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
        checked.deployment.unwrap_or_else(|| panic!("{said:#?}")).plans
    };
    let (learned, fixed) = (plans(&shipped::sources()), plans(&shipped::fixed()));
    let choosing = shipped::choosing();
    assert!(choosing.len() >= 3 && choosing.contains("cart-abandonment"), "{choosing:?}");
    assert_eq!(learned.len(), fixed.len());
    for (learned, fixed) in learned.iter().zip(&fixed) {
        assert_eq!((&learned.name, &learned.seed), (&fixed.name, &fixed.seed));
        assert_eq!(fixed.learned().count(), 0, "{}", fixed.name);
        assert_eq!(learned.nodes.len(), fixed.nodes.len());
        for (one, other) in learned.nodes.iter().zip(&fixed.nodes) {
            assert_eq!((&one.id, one.next, one.otherwise), (&other.id, other.next, other.otherwise));
            let (Step::Send(one), Step::Send(other)) = (&one.step, &other.step) else { continue };
            let same = (&one.template, &one.channels, one.within, &one.escalate, &one.topic);
            assert_eq!(same, (&other.template, &other.channels, other.within, &other.escalate, &other.topic));
            assert!(!other.best_of && !other.at_best);
        }
    }
}

#[test]
fn a_shopper_is_found_by_their_address() {
    let shoppers = Shoppers::new(figures(), 1, 2_000, 1).unwrap();
    let voice = Voice::new(&shoppers, 1);
    for who in [0, 7, 12_345, 99_999] {
        assert_eq!(Voice::whose(&voice.address(who)), Some(who));
    }
    let addresses = voice.addresses();
    let whose: BTreeSet<usize> = addresses.iter().filter_map(|address| Voice::whose(address)).collect();
    assert!(addresses.len() > 1_200 && whose.len() > 1_000, "{} of {}", whose.len(), addresses.len());
    assert_eq!(voice.names("Wool Throw is back"), [11]);
    assert!(voice.names("You left something behind").is_empty());
    assert_eq!(Voice::whose("hello@mail.shop.example"), None);
    assert_eq!(Voice::whose("ada-00001@elsewhere.example"), None);
    assert_eq!(Voice::whose("+4915112345678"), None);
}

#[test]
fn the_shipped_shop_is_sound() {
    let checked = deploy::check(&shipped::sources(), false);
    let said: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
    assert!(checked.deployment.is_some_and(|deployment| !deployment.plans.is_empty()), "{said:?}");
}
