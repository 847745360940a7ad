//! Expressions: how they are written, and what they speak of.

use super::door::{Case, hold};

pub(super) fn writing() -> Vec<Case> {
    let cases: &[(&str, &str)] = &[
        ("profile.x ==", "J0401 9:21 something is missing at the end; compared or computed with"),
        ("(profile.x", "J0401 9:19 `)` is missing here; close the bracket"),
        ("profile.x profile.y", "J0401 9:19 two things stand side by side; `and`, `or`"),
        ("profile.x is 3", "J0401 9:19 two things stand side by side; write `==`"),
        ("profile.x AND profile.y", "J0401 9:19 two things stand side by side; small letters"),
        ("profile.x contains 'a'", "J0401 9:19 two things stand side by side; `value in list`"),
        ("profile.x[0]", "J0401 9:18 lists have no places by number; `.first`"),
        ("profile.x)", "J0401 9:18 a bracket is closed that was not opened"),
        ("profile.", "J0401 9:17 the name of a field belongs here"),
        ("profile.x > .5", "J0401 9:21 a point stands here"),
        ("has(profile.x profile.y)", "J0401 9:23 `)` is missing here; commas"),
        ("profile.x == not true", "J0401 9:22 `not` stands before a whole comparison; brackets"),
        ("profile.x > = 3", "J0403 9:21 one `=` compares nothing; write `==`"),
        ("profile.x ~ 3", "J0402 9:19 `~` is part of no expression; names have letters"),
        ("profile.x = 'a'", "J0403 9:19 one `=` compares nothing; write `==`"),
        ("profile.x === 3", "J0403 9:19 there is no `===` here; write `==`"),
        ("profile.x <> 3", "J0403 9:19 there is no `<>` here; write `!=`"),
        ("profile.x & profile.y", "J0403 9:19 there is no `&` here; write `and`"),
        ("profile.x | profile.y", "J0403 9:19 there is no `|` here; write `or`"),
        ("1 % 2", "J0403 9:11 `%` stands behind a number; write 10%"),
        ("profile.x == \"a\"", "J0404 9:22 text does not stand in `\"`; single quotes"),
        ("profile.x == ’a’", "J0404 9:22 text does not stand in `’`; single quotes"),
        ("profile.x == 'a", "J0404 9:22 this text is never closed"),
        ("cart.value > 20EUR", "J0404 9:22 an amount has a space before its currency; write `20 EUR`"),
        ("cart.value > 20 eur", "J0404 9:22 a currency has three capital letters; write `20 EUR`"),
        ("profile.x > 1e5", "J0404 9:21 `1e5` is no number; 30d for a duration"),
        ("profile.x > 0d", "J0404 9:21 a duration of nothing"),
        ("profile.x == 99999999999999999999999999999999999 EUR", "J0404 9:22 this amount is too large"),
        ("profile.x < 1 < 2", "J0406 9:23 a comparison has two sides; compare two at a time"),
    ];
    cases.iter().map(|(condition, expected)| Case::condition(condition, &[expected])).collect()
}

pub(super) fn names() -> Vec<Case> {
    let cases: &[(&str, &str)] = &[
        ("foo", "J0501 9:9 nothing here is called `foo`; paths begin with"),
        ("revenue > 1 EUR", "J0501 9:9 nothing here is called `revenue`; did you mean `entry.revenue`?"),
        ("profil.x", "J0501 9:9 nothing here is called `profil`; did you mean `profile`?"),
        ("cart", "J0501 9:9 `cart` alone is no value; say which of its fields"),
        ("scores", "J0501 9:9 `scores` alone is no value; say which of them"),
        ("profile.x == null", "J0501 9:22 nothing here is called `null`; `has(x)` asks"),
        ("AND", "J0501 9:9 nothing here is called `AND`; small letters"),
        (
            "event.revenue > 1 EUR",
            "J0502 9:9 there is no `event` in the condition of a step; `entry` is the event that began the run",
        ),
        ("run.x", "J0503 9:13 no step sets `x`; `set:` with a line `x: = …`"),
        ("cart.itmes.count() > 1", "J0504 9:14 a cart has no `itmes`; did you mean `items`?"),
        ("scores.chrun > 0.5", "J0504 9:16 there is no score `chrun`; did you mean `churn`?"),
        ("scores.first > 0.5", "J0504 9:16 there is no score `first`"),
        ("scores.churn.x > 0.5", "J0504 9:22 this is a number, and has no fields"),
        ("cart.qqq == 1", "J0504 9:14 a cart has no `qqq`; it has: id, currency"),
        ("cart.items.any(prise > 1)", "J0504 9:24 an item of a cart has no `prise`; did you mean `price`?"),
        ("cart.items.count > 1", "J0504 9:20 `.count` wants brackets; write `.count(...)`"),
        ("cart.items.price > 1", "J0504 9:20 a list has no field `price`; `.any(... == ...)`"),
        ("a.snet", "J0504 9:11 a send leaves no `snet`; did you mean `sent`?"),
        ("entry.currency.x == 'EUR'", "J0504 9:24 this is text, and has no fields"),
        ("cart.items.count().x", "J0504 9:28 this is a number, and has no fields"),
        (
            "\"['a'].any(x == 1)\"",
            "J0504 9:20 the elements of this list are text, and have no fields; `.has(...)`",
        ),
        ("hass(profile.x)", "J0505 9:9 there is no function `hass`; did you mean `has`?"),
        ("any(profile.x)", "J0505 9:9 there is no function `any`; `list.any(...)`"),
        ("cart.items.anny(true)", "J0505 9:20 there is no function `.anny(...)`; did you mean `any`?"),
        ("has()", "J0506 9:9 `has(...)` asks for one thing"),
        ("count(30d) > 1", "J0506 9:15 the event stands in quotes here"),
        ("count() > 1", "J0506 9:9 `count(...)` wants an event"),
        ("count('X', 30d, a == 1, b == 2) > 1", "J0506 9:25 first how long, then a filter, then no more"),
        ("sum('X') > 1", "J0506 9:9 `sum(...)` wants an event and one of its properties"),
        ("sum('X', y) > 1", "J0506 9:18 the property stands in quotes here"),
        ("last('X', 30d) > now", "J0506 9:9 `last(...)` wants an event and nothing else"),
        ("in_segment(vip)", "J0506 9:9 `in_segment(...)` wants the name of a segment; `in_segment('vip')`"),
        ("cart.items.any()", "J0506 9:20 `.any(...)` wants one thing in its brackets"),
        (
            "cart.items.count(price > 1 EUR) > 1",
            "J0506 9:26 `.count()` counts all elements; `.where(...).count()`",
        ),
        ("cart.items.sum() > 1", "J0506 9:20 `.sum(...)` wants one thing; `.sum(price * quantity)`"),
        ("in_segment('vipp')", "J0510 9:20 there is no segment `vipp`; did you mean `vip`?"),
        (
            "cart.items.first.price > 1 EUR",
            "J0511 9:26 `.price` of something computed is not read; `run.pick.price`",
        ),
        ("reachable()", "J0506 9:9 `reachable(...)` wants a channel in quotes; `reachable('sms')`"),
        ("reachable('smss')", "J0309 9:19 there is no channel `smss`; did you mean `sms`?"),
        ("reachable('sms', 'offerz')", "J0603 9:26 there is no topic `offerz`; did you mean `offers`?"),
        (
            "changed(profile.last_seen) > now",
            "J0506 9:9 `changed(...)` wants a trait; `changed(profile.birthday)`",
        ),
        ("changed(entry.x) > now", "J0506 9:9 `changed(...)` wants a trait; `changed(profile.birthday)`"),
        ("in_calendar(profile.x)", "J0506 9:9 `in_calendar(...)` wants the name; `in_calendar('bfcm')`"),
        ("in_calendar('bfcm')", "J1200 9:21 the calendar has no `bfcm`; write it under `calendar:`"),
        ("recommend('similar', 3).count() > 1", "J0201 9:9 `recommend` is not read"),
        ("repurchase_cycle(entry.x) > 3d", "J0201 9:9 `repurchase_cycle` is not read"),
        ("turn > 1", "J0502 9:9 there is no `turn` in the condition of a step; `repeat`"),
        ("item.x", "J0502 9:9 there is no `item` in the condition of a step; `each: products`"),
        ("a.offer_code == 'x'", "J0201 9:11 `offer_code` is not read"),
        ("count('X', 30d, a > 2) > 1", "J0201 9:25 this version reads no other filter"),
        ("count('X', 30d, a == 1 and b == 2) > 1", "J0201 9:25 this version reads no other filter"),
        ("count('X', 30d, a.b == 2) > 1", "J0201 9:25 this version reads no other filter"),
        (
            "count('Order Completed', 30d, revenue == 20 EUR) > 1",
            "J0201 9:39 this version reads no other filter",
        ),
    ];
    cases.iter().map(|(condition, expected)| Case::condition(condition, &[expected])).collect()
}

pub(super) fn types() -> Vec<Case> {
    let cases: &[(&str, &str)] = &[
        ("cart.value > '20'", "J0507 9:9 money is compared with text: that is never true"),
        ("cart.count == 'x'", "J0507 9:9 a number is compared with text"),
        ("cart.currency == 3", "J0507 9:9 text is compared with a number"),
        ("profile.age > 30d", "J0507 9:9 a property is never a duration; `now - profile.birthday > 30d`"),
        ("entry.at > 30d", "J0507 9:9 a time is compared with a duration; `entry.at > now - 30d`"),
        ("entry.at > '2026-01-01'", "J0507 9:9 a time is never equal to text; `now - 30d`"),
        ("profile.x in ['a', 3]", "J0507 9:28 this list begins with text, and this is a number"),
        ("profile.x in 'a'", "J0507 9:22 `in` asks a list, and this is text; ['DE', 'AT']"),
        ("cart.count in ['a']", "J0507 9:9 a number is compared with text"),
        ("cart.value.any(true)", "J0507 9:9 `.any(...)` is a function of lists, and this is money"),
        ("cart.value * cart.value > 1 EUR", "J0507 9:9 money and money can't be computed with `*`"),
        ("cart.currency + 1 > 2", "J0507 9:9 text and a number can't be computed with `+`"),
        ("-cart.value < 1 EUR", "J0507 9:9 `-` stands before a number, and this is money"),
        ("true < false", "J0507 9:9 true and false are neither smaller nor larger"),
        ("entry.products == cart.items", "J0507 9:9 lists and records are not compared as a whole"),
        (
            "entry.products.sum(name) > 10",
            "J0507 9:28 `.sum(...)` adds up numbers or money, and this is text",
        ),
        ("sum('Order Completed', 'order_id') > 1", "J0507 9:32 `order_id` of `Order Completed` is text"),
        (
            "count('Order Completed', 30d, order_id == 3) > 1",
            "J0507 9:51 `order_id` of `Order Completed` is text, and this is a number",
        ),
        (
            "cart.items.where(quantity > 1).max_by(price > 1 EUR) == 1",
            "J0507 9:47 `.max_by(...)` compares, and true or false can't be compared",
        ),
        (
            "cart.value > 20",
            "J0508 9:9 money is compared or computed with a bare number; name the currency: `20 EUR`",
        ),
        ("20.5 < cart.value", "J0508 9:9 money is compared or computed with a bare number; `20.5 EUR`"),
        ("cart.value + 5 > 20 EUR", "J0508 9:9 money is compared or computed with a bare number; `5 EUR`"),
        ("cart.items.any(price > 1)", "J0508 9:24 money is compared or computed with a bare number"),
        ("sum('Order Completed', 'revenue') > 100", "J0508 9:9 money is compared; `100 EUR`"),
        ("now", "J0509 9:9 a condition is true or false, and this is a time; compare it"),
        ("3", "J0509 9:9 a condition is true or false, and this is a number"),
        (
            "profile.x and 3",
            "J0509 9:23 `and`, `or` and `not` want what is true or false, and this is a number",
        ),
        ("cart.items.any(price)", "J0509 9:24 `.any(...)` wants what is true or false, and this is money"),
        ("= profile.x", "J0509 9:9 a condition does not begin with `=`; without `=`"),
    ];
    let mut cases: Vec<Case> =
        cases.iter().map(|(condition, expected)| Case::condition(condition, &[expected])).collect();
    // All of one expression at once.
    cases.push(Case::condition(
        "foo == 1 or run.x == 2",
        &["J0501 9:9 nothing", "J0503 9:25 no step sets `x`"],
    ));
    cases
}

#[test]
fn how_expressions_are_written() {
    hold(writing());
}

#[test]
fn what_expressions_speak_of() {
    hold(names());
}

#[test]
fn what_never_meets() {
    hold(types());
}

#[test]
fn what_is_right() {
    let right = [
        "cart.value >= 20 EUR and cart.items.any(price > 5 EUR and quantity >= 2)",
        "has(profile.country) and profile.country in ['DE', 'AT', 'NO']",
        "count('Product Viewed', 24h, product_id == entry.product_id) >= 2",
        "count('Product Viewed', 'a' == sku) >= 2",
        "entry.product.stock > 0 and entry.product.price <= 20 EUR and entry.product.colour == 'red'",
        "entry.products.any(product.stock > 0 and product.margin >= 20% and not has(product.sensitive))",
        "cart.items.any(product.category == 'cameras') and cart.items.sum(product.cost * quantity) < 9 EUR",
        "count('Order Completed') >= 2 and sum('Order Completed', 'revenue', 90d) > 100 EUR",
        "sum('Whatever', 'points', 2w) > 100",
        "last('Order Completed') < now - 30d",
        "now - profile.birthday > 30d or profile.first_seen + 3d < now",
        "entry.products.where(category == 'cameras').sum(price * quantity) > 20% * cart.value",
        "entry.products.max(price) > 20 EUR and entry.products.min(quantity) == 1",
        "entry.revenue - entry.discount > 20 USD",
        "entry.revenue / 20 EUR > 2 and entry.revenue / 2 > 10 EUR",
        "profile.points * 2 + 1 > -5 and profile.average > 3 EUR",
        "profile.tags.has('x') and profile.tags.count() > 2 and profile.tags.first == 'x'",
        "['a', 'b'].has(profile.x) and ['a'].first == 'a'",
        "a.sent && a.delivered || a.clicked",
        "a.reason == 'cap' and a.channel == 'email' and a.at < now - 45m",
        "not in_segment('vip') and not a.clicked",
        "entry.name == 'Order Completed' and entry.at < now",
        "profile.sessions > 3 and profile.time_zone == 'Europe/Berlin' and profile.last_seen > now - 2w",
        "entry.products.any(product_id in profile.ids and currency == entry.currency)",
        "entry.products.all(price > 1 EUR) and cart.items.any(added_at > now - 3h)",
        "entry.whatever.deep.down == 'x' and entry.other > 3 EUR and entry.date < now",
        "cart.currency < 'F'",
        "((((profile.x))))",
        "'it''s' == profile.x",
    ];
    hold(right.iter().map(|condition| Case::condition(&format!("\"{condition}\""), &[])).collect());
}
