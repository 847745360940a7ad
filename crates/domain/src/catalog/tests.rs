use super::*;

fn patch(text: &str) -> Result<Patch, Fault> {
    Patch::of_json(text)
}

fn json(item: &Item) -> Json {
    serde_json::from_str(&item.to_json()).unwrap()
}

fn item(text: &str) -> Item {
    Item::default().patched(&patch(text).unwrap()).unwrap()
}

#[test]
fn an_item_is_read_with_the_types_it_should_have_or_refused_with_the_field_at_fault() {
    for (said, stored) in [
        (r#"{"product_id":"p","price":19.9}"#, r#"{"price":19.9}"#),
        (r#"{"id":7,"price":"19.90 EUR"}"#, r#"{"currency":"EUR","price":19.9}"#),
        (r#"{"id":"p","stock":"3","sensitive":"yes"}"#, r#"{"sensitive":true,"stock":3}"#),
        (r#"{"id":"p","availability":"in stock"}"#, r#"{"availability":"in stock","stock":1}"#),
        (r#"{"id":"p","availability":"out_of_stock"}"#, r#"{"availability":"out_of_stock","stock":0}"#),
        (r#"{"id":"p","stock":5,"availability":"backorder"}"#, r#"{"availability":"backorder","stock":5}"#),
        (r#"{"id":"p","colour":"red","sizes":[1,2]}"#, r#"{"colour":"red","sizes":[1,2]}"#),
    ] {
        assert_eq!(json(&item(said)), serde_json::from_str::<Json>(stored).unwrap(), "{said}");
    }
    let deep = format!(r#"{{"id":"p","x":{}1{}}}"#, "[".repeat(40), "]".repeat(40));
    let large = format!(r#"{{"id":"p","x":"{}"}}"#, "x".repeat(ITEM_BYTES));
    for (said, field) in [
        ("[]", "item"),
        ("{", "item"),
        ("{}", "product_id"),
        (r#"{"product_id":""}"#, "product_id"),
        (r#"{"product_id":"a\u0000"}"#, "product_id"),
        (r#"{"id":"p","price":-1}"#, "price"),
        (r#"{"id":"p","price":"free"}"#, "price"),
        (r#"{"id":"p","price":"1 EURO"}"#, "price"),
        (r#"{"id":"p","price":"1 EUR","cost":"1 USD"}"#, "cost"),
        (r#"{"id":"p","currency":"euro"}"#, "currency"),
        (r#"{"id":"p","stock":"many"}"#, "stock"),
        (r#"{"id":"p","sensitive":"perhaps"}"#, "sensitive"),
        (r#"{"id":"p","margin":0.5}"#, "margin"),
        (r#"{"id":"p","name":"a\u0000b"}"#, "name"),
        (deep.as_str(), "x"),
        (large.as_str(), "item"),
    ] {
        assert_eq!(patch(said).map_err(|fault| fault.field), Err(field.to_owned()), "{said}");
    }
}

#[test]
fn what_is_not_named_stays_and_null_takes_away() {
    let lamp = item(r#"{"id":"p","price":10,"name":"Lamp","colour":"red"}"#);
    let after = lamp.patched(&patch(r#"{"id":"p","stock":2,"colour":null}"#).unwrap()).unwrap();
    assert_eq!(json(&after), serde_json::json!({ "name": "Lamp", "price": 10.0, "stock": 2 }));
}

#[test]
fn a_product_costs_its_sale_price_where_that_is_less() {
    let view = |text: &str| item(text).view("p", Currency::EUR);
    for (said, price, margin) in [
        (r#"{"id":"p","price":20,"cost":10}"#, "20 EUR", Value::Number(0.5)),
        (r#"{"id":"p","price":20,"sale_price":16,"cost":12}"#, "16 EUR", Value::Number(0.25)),
        (r#"{"id":"p","price":20,"sale_price":25}"#, "20 EUR", Value::Missing),
        (r#"{"id":"p","price":0,"cost":1}"#, "0 EUR", Value::Missing),
    ] {
        let view = view(said);
        let Value::Money(found) = view.field("price") else { panic!("{view:?}") };
        assert_eq!((found.to_string().as_str(), view.field("margin")), (price, &margin), "{said}");
    }
}

#[test]
fn what_counts_as_a_drop_and_as_back_in_stock() {
    let drops = |old: &str, new: &str| {
        let moves = moved("p", &item(old), &item(new), Currency::EUR);
        moves.into_iter().find_map(|moved| match moved {
            Move::PriceDropped { drop, .. } => Some((drop * 1e6).round() / 1e6),
            Move::BackInStock { .. } => None,
        })
    };
    for (old, new, drop) in [
        (r#"{"id":"p","price":20}"#, r#"{"id":"p","price":15}"#, Some(0.25)),
        (r#"{"id":"p","price":20}"#, r#"{"id":"p","price":20,"sale_price":10}"#, Some(0.5)),
        (r#"{"id":"p","price":100}"#, r#"{"id":"p","price":99}"#, Some(0.01)),
        (r#"{"id":"p","price":100}"#, r#"{"id":"p","price":99.5}"#, None),
        (r#"{"id":"p","price":15}"#, r#"{"id":"p","price":20}"#, None),
        (r#"{"id":"p"}"#, r#"{"id":"p","price":20}"#, None),
        (r#"{"id":"p","price":"20 USD"}"#, r#"{"id":"p","price":"15 EUR"}"#, None),
        (r#"{"id":"p","price":20}"#, r#"{"id":"p"}"#, None),
    ] {
        assert_eq!(drops(old, new), drop, "{old} to {new}");
    }
    let back = |old: &str, new: &str| {
        let moves = moved("p", &item(old), &item(new), Currency::EUR);
        moves.iter().any(|moved| matches!(moved, Move::BackInStock { .. }))
    };
    for (old, new, is) in [
        (r#"{"id":"p","stock":0}"#, r#"{"id":"p","stock":1}"#, true),
        (r#"{"id":"p","stock":-2}"#, r#"{"id":"p","stock":3}"#, true),
        (r#"{"id":"p","stock":1}"#, r#"{"id":"p","stock":3}"#, false),
        (r#"{"id":"p"}"#, r#"{"id":"p","stock":3}"#, false),
        (r#"{"id":"p","stock":0}"#, r#"{"id":"p","stock":0}"#, false),
        // Withdrawn is out of stock, whatever the shop said last of that; sold again is back.
        (r#"{"id":"p","stock":0}"#, r#"{"id":"p","stock":3,"withdrawn":true}"#, false),
        (r#"{"id":"p","stock":3,"withdrawn":true}"#, r#"{"id":"p","stock":3}"#, true),
        (r#"{"id":"p","stock":0,"withdrawn":true}"#, r#"{"id":"p","stock":0}"#, false),
    ] {
        assert_eq!(back(old, new), is, "{old} to {new}");
    }
}

#[test]
fn of_what_is_withdrawn_nobody_hears_a_price() {
    let (dear, cheap) = (r#"{"id":"p","price":30"#, r#"{"id":"p","price":20"#);
    for (old, new) in [("}", r#","withdrawn":true}"#), (r#","withdrawn":true}"#, "}")] {
        let moves =
            moved("p", &item(&format!("{dear}{old}")), &item(&format!("{cheap}{new}")), Currency::EUR);
        assert!(moves.is_empty(), "{old} to {new}: {moves:?}");
    }
    let gone =
        item(r#"{"id":"p","price":30,"stock":7,"name":"Lamp"}"#).patched(&Patch::withdraws("p".into()));
    let view = gone.unwrap().view("p", Currency::EUR);
    assert_eq!((view.field("stock"), view.field("withdrawn")), (&Value::Number(0.0), &Value::Bool(true)));
    assert_eq!(view.field("name").as_text(), Some("Lamp"), "what was bought still has a name");
}

#[test]
fn versions_are_seen_as_they_were_at_a_number() {
    let mut versions = Versions::default();
    versions.add("p".into(), 3, item(r#"{"id":"p","price":30}"#));
    versions.add("p".into(), 5, item(r#"{"id":"p","price":50}"#));
    for (number, price) in [(2, None), (3, Some("30 EUR")), (4, Some("30 EUR")), (9, Some("50 EUR"))] {
        let view = versions.at(number, Currency::EUR);
        let found = view.product("p").map(|product| match product.field("price") {
            Value::Money(money) => money.to_string(),
            other => panic!("{other:?}"),
        });
        assert_eq!(found.as_deref(), price, "at {number}");
    }
}

#[test]
fn an_expression_asks_of_the_product_whose_id_stands_there() {
    use crate::expr::{Expr, Facts, Root, Scope, Segments, compile};
    let lamp = item(r#"{"id":"p","price":30,"stock":2,"size":{"height":40}}"#);
    let id: Arc<str> = "p".into();
    let catalog = Products::new([(&id, &lamp)], Currency::EUR);
    let (person, segments, policies) = (
        crate::person::Person::new(crate::PersonId(1), 1),
        Segments::default(),
        crate::plan::Policies::default(),
    );
    let asked = |properties: &Value, path: &[&str]| {
        let scope = Scope {
            person: &person,
            now: crate::ShopTime::EPOCH,
            zone: &jiff::tz::TimeZone::UTC,
            segments: &segments,
            policies: &policies,
            catalog: &catalog,
            event: Some(Facts { name: "E", at: crate::ShopTime::EPOCH, properties }),
            run: None,
            element: None,
            item: None,
            depth: 0,
        };
        let of = Expr::Path(Root::Event, [Arc::from(PRODUCT_ID)].into());
        let path: Vec<Arc<str>> = path.iter().map(|name| Arc::from(*name)).collect();
        compile(&Expr::Product(Box::new(of), path.into())).value(&scope)
    };
    let event = |id: Value| Value::record([(PRODUCT_ID, id)]);
    assert_eq!(asked(&event(Value::text("p")), &["stock"]), Value::Number(2.0));
    assert_eq!(asked(&event(Value::text("p")), &["size", "height"]), Value::Number(40.0));
    assert!(!asked(&event(Value::text("p")), &[]).field("price").is_missing());
    for (id, path) in
        [(Value::text("q"), &["stock"]), (Value::Missing, &["stock"]), (Value::text("p"), &["colour"])]
    {
        assert_eq!(asked(&event(id), path), Value::Missing);
    }
}
