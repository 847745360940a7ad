//! The journeys that are shipped, in the shop that is shipped, as stories.

use std::path::Path;

use journeyman_domain::{Identity, assignment_key, draw};
use journeyman_engine::deploy;
use journeyman_journey::Source;

use crate::stage::{Stage, check};

/// Which journeys hold out which share.
const HOLDOUTS: [(&str, f64); 4] =
    [("browse-abandonment", 0.1), ("cart-abandonment", 0.1), ("post-purchase", 0.1), ("win-back", 0.15)];

/// The first name that is held out by exactly these journeys.
fn held_out_by(journeys: &[&str]) -> String {
    let is = |name: &str, seed: &str, share: f64| {
        draw(assignment_key(&Identity::external(name)), &[seed, "holdout"]) < share
    };
    let mut names = (0..).map(|nth| format!("somebody{nth}"));
    let exactly = |name: &String| {
        HOLDOUTS.iter().all(|(seed, share)| is(name, seed, *share) == journeys.contains(seed))
    };
    names.find(exactly).unwrap()
}

/// Everything below these names of the project's folder, by path.
pub fn files(names: &[&str]) -> Vec<Source> {
    fn walk(path: &Path, root: &Path, found: &mut Vec<Source>) {
        if path.is_dir() {
            std::fs::read_dir(path).unwrap().for_each(|entry| walk(&entry.unwrap().path(), root, found));
        } else if path.extension().is_none_or(|ending| ending != "md") {
            let text = std::fs::read_to_string(path).unwrap();
            let path = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            found.push(Source { path, text });
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    names.iter().for_each(|name| walk(&root.join(name), root, &mut found));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Plays a story of `NAME`, who can be written to, with the whole folder live.
#[track_caller]
fn tells(name: &str, story: &str, expected: &str) {
    let (journeys, shop) = (files(&["journeys"]), files(&["journeyman.yaml"]));
    let journeys: Vec<&str> = journeys.iter().map(|source| source.text.as_str()).collect();
    let story = format!("01-05 06:00 NAME identify {{\"email\": \"ada@example.com\"}}\n{story}");
    let story = story.replace("NAME", name);
    let stage = Stage { journeys: &journeys, shop: &shop[0].text, story: &story, ..Stage::default() };
    check(&stage, &expected.replace("NAME", name));
}

#[test]
fn the_folder_is_fit_for_production() {
    let checked = deploy::check(&files(&["journeyman.yaml", "journeys", "templates"]), true);
    let told: Vec<String> = checked.diagnostics.iter().map(ToString::to_string).collect();
    // Segment's orders name no cart, and their products one by one: what that means is the reader's to know.
    let lacks = |key: &str| told.iter().any(|line| line.contains(&format!("has no `{key}`")));
    assert!(told.len() == 2 && lacks("cart_id") && lacks("product_id"), "{told:#?}");
    let plans = checked.deployment.unwrap().plans;
    // Every send is given what its template asks for.
    let sends = plans.iter().flat_map(|plan| plan.nodes.iter());
    let sends = sends.filter(|node| matches!(node.step, journeyman_domain::plan::Step::Send(_)));
    assert_eq!((plans.len(), sends.count()), (8, 13));
}

#[test]
fn who_signs_up_is_welcomed_and_told_what_people_ask_first() {
    tells(
        &held_out_by(&[]),
        "01-05 09:30 NAME Signed Up {}
         01-05 09:31 NAME Account Created {}
         01-30 10:00",
        "01-05 09:30 NAME email welcome
         01-05 09:31 NAME refused welcome again
         01-08 09:00 NAME email first-order
         01-08 09:00 NAME ends welcome completed",
    );
}

#[test]
fn who_orders_first_is_asked_nothing() {
    tells(
        &held_out_by(&[]),
        r#"01-05 09:30 NAME Signed Up {}
           01-06 10:00 NAME Order Completed {"order_id": "o", "revenue": 79.9}
           01-30 10:00"#,
        "01-05 09:30 NAME email welcome
         01-06 10:00 NAME ends welcome goal (goal, worth 79.9)",
    );
}

#[test]
fn who_looks_twice_is_shown_it_once_more_and_once_a_week() {
    let look = |at: &str| {
        format!(
            "{at} NAME Product Viewed {{\"product_id\": \"lamp\", \"name\": \"Linen Lamp\", \"price\": 79.9}}\n"
        )
    };
    let looks = ["01-05 10:00", "01-05 10:20", "01-07 10:00", "01-07 10:20"].map(look).concat();
    tells(
        &held_out_by(&[]),
        &format!("{looks}01-12 10:00"),
        "01-05 11:20 NAME email browse-reminder
         01-05 11:20 NAME browse_reminder takes email
         01-05 11:20 NAME browse_reminder takes mon-12
         01-05 11:20 NAME ends browse-abandonment completed
         01-07 11:20 NAME refused browse-abandonment again",
    );
}

#[test]
fn a_cart_of_the_night_is_spoken_of_in_the_morning_and_once_more() {
    let added = r#"01-05 20:30 NAME Product Added {"cart_id": "c", "product_id": "lamp", "price": 79.9}"#;
    tells(
        &held_out_by(&[]),
        &format!("{added}\n01-10 10:00"),
        "01-06 07:00 NAME email cart-reminder
         01-06 07:00 NAME nudge takes email
         01-07 07:00 NAME email cart-last-call
         01-07 07:00 NAME ends cart-abandonment[c] completed",
    );
    // A human clicks: that was the last word about it.
    tells(
        &held_out_by(&[]),
        &format!(
            "{added}\n01-06 09:00 NAME Message Clicked {{\"message_id\": \"@cart-reminder\"}}
             01-06 10:00 NAME Order Completed {{\"order_id\": \"o\", \"revenue\": 79.9}}\n01-10 10:00"
        ),
        "01-06 07:00 NAME email cart-reminder
         01-06 07:00 NAME nudge takes email
         01-06 09:00 NAME ends cart-abandonment[c] completed (goal, worth 79.9)
         01-06 10:00 NAME refused quiet-days cancelled",
    );
}

#[test]
fn who_is_held_out_of_the_cart_is_measured_and_not_written_to() {
    tells(
        &held_out_by(&["cart-abandonment"]),
        r#"01-05 10:00 NAME Product Added {"cart_id": "c", "product_id": "lamp", "price": 79.9}
           01-06 10:00 NAME Order Completed {"order_id": "o", "revenue": 79.9}
           01-10 10:00"#,
        "01-05 10:45 NAME email cart-reminder (withheld)
         01-05 10:45 NAME nudge takes email
         01-06 10:00 NAME refused quiet-days cancelled
         01-06 10:00 NAME ends cart-abandonment[c] goal (goal, worth 79.9)",
    );
}

#[test]
fn a_cart_ends_the_look_and_both_together_are_one_mail_a_day() {
    tells(
        &held_out_by(&[]),
        r#"01-05 10:00 NAME Product Viewed {"product_id": "lamp", "name": "Linen Lamp"}
           01-05 10:20 NAME Product Viewed {"product_id": "lamp", "name": "Linen Lamp"}
           01-05 12:00 NAME Product Added {"cart_id": "c", "product_id": "lamp", "price": 79.9}
           01-10 10:00"#,
        "01-05 11:20 NAME email browse-reminder
         01-05 11:20 NAME browse_reminder takes email
         01-05 11:20 NAME browse_reminder takes mon-12
         01-05 11:20 NAME ends browse-abandonment completed
         01-06 07:00 NAME email cart-reminder
         01-06 07:00 NAME nudge takes email
         01-07 07:00 NAME email cart-last-call
         01-07 07:00 NAME ends cart-abandonment[c] completed",
    );
}

#[test]
fn an_order_is_followed_by_what_goes_with_its_dearest_piece_once_a_fortnight() {
    let order = |at: &str, id: &str, rest: &str| {
        format!(
            "{at} NAME Order Completed {{\"order_id\": \"{id}\", \"revenue\": 109.8, \"products\": [
             {{\"name\": \"Stoneware Mug\", \"category\": \"Kitchen\", \"price\": 29.9}},
             {{\"name\": \"Linen Lamp\", \"category\": \"Lighting\", \"price\": 79.9}}]{rest}}}"
        )
        .replace('\n', " ")
    };
    tells(
        &held_out_by(&[]),
        &format!(
            "{}\n{}\n02-20 10:00",
            order("01-05 10:00", "first", ""),
            order("01-12 10:00", "second", "")
        ),
        "01-09 17:00 NAME email goes-with
         01-09 17:00 NAME ends post-purchase[first] completed (goal, worth 109.8)
         01-18 17:00 NAME refused post-purchase/goes_with cap
         01-18 17:00 NAME ends post-purchase[second] completed",
    );
    // What was cancelled is not spoken of.
    tells(
        &held_out_by(&[]),
        &format!(
            "{}\n01-07 10:00 NAME Order Cancelled {{\"order_id\": \"first\"}}\n02-20 10:00",
            order("01-05 10:00", "first", "")
        ),
        "01-07 10:00 NAME ends post-purchase[first] exit",
    );
}

#[test]
fn six_quiet_days_are_asked_after_and_then_how_much_mail_is_right() {
    let seen = r#"NAME Product Viewed {"product_id": "lamp", "name": "Linen Lamp", "price": 79.9}"#;
    tells(
        &held_out_by(&[]),
        &format!("01-05 10:00 {seen}\n02-20 10:00"),
        "01-11 10:00 NAME email win-back
         01-11 10:00 NAME hello takes sun-11
         01-16 10:00 NAME email write-less
         01-16 10:00 NAME ends quiet-days completed",
    );
    // Who comes back is not asked; what they order then counts.
    tells(
        &held_out_by(&[]),
        &format!(
            "01-05 10:00 {seen}\n01-12 10:00 {seen}
             01-14 10:00 NAME Order Completed {{\"order_id\": \"o\", \"revenue\": 79.9}}\n02-20 10:00"
        ),
        "01-11 10:00 NAME email win-back
         01-11 10:00 NAME hello takes sun-11
         01-12 10:00 NAME ends quiet-days exit_step: back (goal, worth 79.9)
         01-14 10:00 NAME refused quiet-days cancelled",
    );
    // Who has ordered lately is left alone.
    tells(
        &held_out_by(&[]),
        &format!(
            "01-05 10:00 NAME Order Completed {{\"order_id\": \"o\", \"revenue\": 79.9}}
             01-06 10:00 {seen}\n01-15 10:00"
        ),
        "",
    );
}

#[test]
fn who_is_silent_beyond_their_rhythm_is_asked_whether_it_is_still_us() {
    let scored = |at: &str, churn: f64, band: &str| {
        format!("{at} NAME Scores Computed {{\"churn\": {churn}, \"churn_band\": \"{band}\", \"clv\": 90}}\n")
    };
    let story = [
        scored("01-05 10:00", 0.6, "medium"),
        scored("02-05 10:00", 0.9, "high"),
        // Higher still is no news.
        scored("02-06 10:00", 0.95, "high"),
        "03-05 10:00 NAME Order Completed {\"order_id\": \"o\", \"revenue\": 79.9}\n03-08 10:00".to_owned(),
    ];
    tells(
        &held_out_by(&[]),
        &story.concat(),
        "02-05 10:00 NAME email we-miss-you
         02-05 10:00 NAME hello takes email
         02-05 10:00 NAME hello takes thu-11
         02-12 10:00 NAME email write-less
         02-12 10:00 NAME ends win-back completed (goal, worth 79.9)",
    );
    // Who was lost before anybody counted is left alone.
    let story = [scored("01-05 10:00", 0.9, "high"), "01-20 10:00".to_owned()];
    tells(&held_out_by(&[]), &story.concat(), "");
}
