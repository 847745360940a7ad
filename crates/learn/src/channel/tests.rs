use journeyman_domain::decision::{Floor, propensities};

use super::*;

fn tried(step: &str, recency: Recency, channel: Channel, tries: f64, hits: f64) -> Tried {
    Tried { journey: "cart".into(), step: step.into(), recency, channel, tries, hits }
}

#[test]
fn what_is_known_nearby_is_a_prior() {
    let model = Channels::fit(&[
        tried("nudge", Recency::Fresh, Channel::Push, 1000.0, 200.0),
        tried("nudge", Recency::Fresh, Channel::Email, 1000.0, 50.0),
        tried("nudge", Recency::Cold, Channel::Push, 1000.0, 10.0),
        tried("nudge", Recency::Cold, Channel::Email, 1000.0, 50.0),
    ]);
    let rate = |journey: &str, recency, channel| model.belief(journey, "nudge", recency, channel).mean();
    assert!((rate("cart", Recency::Fresh, Channel::Push) - 0.2).abs() < 0.005);
    // Another journey begins with what the cohort does, and as if little were known.
    assert!(
        rate("other", Recency::Fresh, Channel::Push) > 2.0 * rate("other", Recency::Fresh, Channel::Email)
    );
    assert!(rate("other", Recency::Cold, Channel::Push) < rate("other", Recency::Cold, Channel::Email));
    let little = model.belief("other", "nudge", Recency::Fresh, Channel::Push);
    assert!((little.alpha + little.beta - PRIOR).abs() < 1e-9);
    // A cohort never tried: the channel's. A channel never tried: any channel's.
    assert!((rate("cart", Recency::Warm, Channel::Push) - 0.105).abs() < 0.005);
    assert!((rate("cart", Recency::Warm, Channel::Sms) - 0.077).abs() < 0.005);
    let shares = |recency| {
        let beliefs =
            [Channel::Push, Channel::Email].map(|channel| model.belief("cart", "nudge", recency, channel));
        propensities(&beliefs, Floor::CHANNEL)
    };
    assert!(shares(Recency::Fresh)[0] > 0.94 && shares(Recency::Cold)[0] < 0.06);
}

#[test]
fn the_same_rows_make_the_same_model_in_any_order() {
    let mut rows = vec![
        tried("a", Recency::Fresh, Channel::Push, 10.1, 0.3),
        tried("b", Recency::Cold, Channel::Email, 3.7, 0.1),
        tried("a", Recency::Warm, Channel::Sms, 0.2, 0.2),
    ];
    let model = Channels::fit(&rows);
    rows.reverse();
    assert_eq!(Channels::fit(&rows), model);
    // More hits than tries can't be.
    let broken = Channels::fit(&[tried("a", Recency::Fresh, Channel::Push, 1.0, 5.0)]);
    assert!(broken.belief("cart", "a", Recency::Fresh, Channel::Push).beta > 0.0);
}
