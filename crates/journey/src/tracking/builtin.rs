//! What is known of events without anybody saying: Segment's e-commerce specification, version 2, and our own events.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::expr::Type;

use crate::expr::EventTypes;

/// Properties of one type, written `name name`.
type Group = (&'static str, fn() -> Type);

const TEXT: fn() -> Type = || Type::Text;
const NUMBER: fn() -> Type = || Type::Number;
const MONEY: fn() -> Type = || Type::Money;
const PRODUCTS: fn() -> Type = || Type::List(record(PRODUCT).into());
const ITEMS: fn() -> Type = || Type::List(record(ITEM).into());

const PRODUCT: &[Group] = &[
    ("product_id sku category name brand variant coupon url image_url currency", TEXT),
    ("price", MONEY),
    ("quantity position", NUMBER),
];
/// An item of a cart as we keep it.
const ITEM: &[Group] = &[
    ("product_id sku name category brand variant coupon url image_url", TEXT),
    ("price", MONEY),
    ("quantity", NUMBER),
    ("added_at", || Type::Time),
];
const PROMOTION: &[Group] = &[("promotion_id creative name", TEXT), ("position", NUMBER)];
const ORDER: &[Group] = &[
    ("checkout_id order_id affiliation coupon currency", TEXT),
    ("value revenue total subtotal shipping tax discount", MONEY),
    ("products", PRODUCTS),
];
const VALUED: &[Group] = &[("value", MONEY)];
const IN_CART: &[Group] = &[("cart_id", TEXT)];
const IN_WISHLIST: &[Group] = &[("wishlist_id wishlist_name", TEXT)];
const CART: &[Group] = &[("cart_id", TEXT), ("products", PRODUCTS)];
const CHECKOUT_STEP: &[Group] = &[("checkout_id shipping_method payment_method", TEXT), ("step", NUMBER)];
const COUPON: &[Group] = &[("order_id cart_id coupon_id coupon_name reason", TEXT), ("discount", MONEY)];
const LIST: &[Group] = &[("list_id category", TEXT), ("products", PRODUCTS)];
const FILTERED: &[Group] = &[
    ("filters", || Type::List(record(&[("type value", TEXT)]).into())),
    ("sorts", || Type::List(record(&[("type value", TEXT)]).into())),
];
const MESSAGE: &[Group] = &[("message_id journey step template channel topic reason", TEXT)];
const SCORES: &[Group] =
    &[("churn_band was model currency", TEXT), ("churn alive expected_90d", NUMBER), ("clv", MONEY)];
/// What people hear of an item of the catalog that they care for.
const NEWS: &[Group] = &[
    ("product_id name category brand currency interest", TEXT),
    ("interested_at subscribed_at", || Type::Time),
];
const DROPPED: &[Group] = &[("old_price new_price", MONEY), ("drop", NUMBER)];
const BACK: &[Group] = &[("price", MONEY), ("stock", NUMBER)];
const CONSENT: &[Group] = &[("channel topic", TEXT)];

/// Each event with the groups that make it.
const EVENTS: &[(&str, &[&[Group]])] = &[
    ("Products Searched", &[&[("query", TEXT)]]),
    ("Product List Viewed", &[LIST]),
    ("Product List Filtered", &[LIST, FILTERED]),
    ("Promotion Viewed", &[PROMOTION]),
    ("Promotion Clicked", &[PROMOTION]),
    ("Product Clicked", &[PRODUCT, VALUED]),
    ("Product Viewed", &[PRODUCT, VALUED]),
    ("Product Added", &[PRODUCT, VALUED, IN_CART]),
    ("Product Removed", &[PRODUCT, VALUED, IN_CART]),
    ("Cart Viewed", &[CART]),
    ("Checkout Started", &[ORDER, IN_CART]),
    ("Checkout Step Viewed", &[CHECKOUT_STEP]),
    ("Checkout Step Completed", &[CHECKOUT_STEP]),
    ("Payment Info Entered", &[CHECKOUT_STEP, &[("order_id", TEXT)]]),
    ("Order Completed", &[ORDER]),
    ("Order Updated", &[ORDER]),
    ("Order Refunded", &[ORDER]),
    ("Order Cancelled", &[ORDER]),
    ("Coupon Entered", &[COUPON]),
    ("Coupon Applied", &[COUPON]),
    ("Coupon Denied", &[COUPON]),
    ("Coupon Removed", &[COUPON]),
    ("Product Added to Wishlist", &[PRODUCT, VALUED, IN_WISHLIST]),
    ("Product Removed from Wishlist", &[PRODUCT, VALUED, IN_WISHLIST]),
    ("Wishlist Product Added to Cart", &[PRODUCT, VALUED, IN_WISHLIST, IN_CART]),
    ("Product Shared", &[PRODUCT, &[("share_via share_message recipient", TEXT)]]),
    ("Cart Shared", &[CART, &[("share_via share_message recipient", TEXT)]]),
    ("Product Reviewed", &[&[("product_id review_id review_body", TEXT), ("rating", || Type::Any)]]),
    (
        "Cart Updated",
        &[&[("cart_id currency", TEXT), ("value", MONEY), ("count", NUMBER), ("items products", ITEMS)]],
    ),
    ("Message Delivered", &[MESSAGE]),
    ("Message Opened", &[MESSAGE]),
    ("Message Clicked", &[MESSAGE]),
    ("Score Changed", &[SCORES]),
    ("Product Subscribed", &[PRODUCT]),
    ("Product Unsubscribed", &[PRODUCT]),
    ("Price Dropped", &[&[("items", || Type::List(record(&[NEWS, DROPPED].concat()).into()))]]),
    ("Back In Stock", &[NEWS, BACK]),
    ("Segment Entered", &[&[("segment", TEXT)]]),
    ("Segment Left", &[&[("segment", TEXT)]]),
    ("Date Reached", &[&[("date", || Type::Time)]]),
    ("Schedule Fired", &[&[("scheduled", || Type::Time)]]),
    ("Subscribed", &[CONSENT]),
    ("Unsubscribed", &[CONSENT]),
];

pub(super) fn events() -> BTreeMap<Arc<str>, EventTypes> {
    EVENTS
        .iter()
        .map(|(event, groups)| {
            let fields = groups.iter().flat_map(|group| fields(group));
            (Arc::from(*event), fields.map(|(name, of)| (Arc::from(name), of)).collect())
        })
        .collect()
}

/// What `cart` has.
pub(crate) fn cart() -> Vec<(&'static str, Type)> {
    fields(&[
        ("id currency", TEXT),
        ("value", MONEY),
        ("count", NUMBER),
        ("started_at updated_at", || Type::Time),
        ("items", ITEMS),
    ])
}

fn fields(groups: &[Group]) -> Vec<(&'static str, Type)> {
    groups.iter().flat_map(|(names, of)| names.split(' ').map(|name| (name, of()))).collect()
}

fn record(groups: &[Group]) -> Type {
    let fields = fields(groups).into_iter().map(|(name, of)| (Arc::from(name), of));
    Type::Record(fields.collect::<Vec<_>>().into())
}
