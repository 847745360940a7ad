//! What each kind of journey, and each model, needs of a shop.

/// Something that has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// One of these events, with these properties.
    Event(&'static [&'static str], &'static [&'static str]),
    /// People have this trait.
    Trait(&'static str),
    /// Products of the catalog have this field.
    Field(&'static str),
    /// So many people who bought, so many who did again, over so many days.
    Buyers(u64, u64, u64),
    /// So many of these events together: what people did with messages.
    Reactions(&'static [&'static str], u64),
}

/// A kind of journey or a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recipe {
    pub(super) name: &'static str,
    /// What it does.
    pub(super) says: &'static str,
    pub(super) needs: &'static [Need],
}

use Need::{Buyers, Event, Field, Reactions, Trait};

/// Journeys.
pub(super) const JOURNEYS: &[Recipe] = &[
    Recipe {
        name: "welcome",
        says: "greets who signs up",
        needs: &[Event(&["Signed Up", "Account Created"], &[]), Trait("email")],
    },
    Recipe {
        name: "browse-abandonment",
        says: "reminds of what was looked at twice",
        needs: &[Event(&["Product Viewed"], &["product_id", "name"]), ORDER, Trait("email")],
    },
    Recipe {
        name: "cart-abandonment",
        says: "reminds of a cart that was left",
        needs: &[
            Event(&["Product Added", "Cart Viewed", "Checkout Started"], &[]),
            Event(&["Product Added"], &["product_id", "price", "name"]),
            ORDER,
            Trait("email"),
        ],
    },
    Recipe {
        name: "post-purchase",
        says: "shows what goes with an order",
        needs: &[
            Event(&["Order Completed"], &["order_id", "products.product_id", "products.category"]),
            Trait("email"),
        ],
    },
    Recipe {
        name: "wishlist-price-drop",
        says: "tells who wished for it that it costs less",
        needs: &[
            Event(&["Product Added to Wishlist"], &["product_id"]),
            Field("price"),
            Field("stock"),
            Trait("email"),
        ],
    },
    Recipe {
        name: "back-in-stock",
        says: "tells who asked that it is there again",
        needs: &[Event(&["Product Subscribed"], &["product_id"]), Field("stock"), Trait("email")],
    },
    Recipe {
        name: "replenishment",
        says: "reminds before something is used up",
        needs: &[
            Event(&["Order Completed"], &["products.product_id", "products.quantity"]),
            Buyers(50, 20, 60),
            Trait("email"),
        ],
    },
    Recipe {
        name: "review-request",
        says: "asks for a review once it was delivered",
        needs: &[
            Event(&["Order Delivered"], &["order_id"]),
            Event(&["Order Completed"], &["order_id"]),
            Trait("email"),
        ],
    },
    Recipe {
        name: "win-back",
        says: "writes to who is silent for longer than is usual of them",
        needs: &[ORDER, Buyers(100, 30, 90), Trait("email")],
    },
    Recipe { name: "birthday", says: "congratulates", needs: &[Trait("birthday"), Trait("email")] },
    Recipe {
        name: "payment-failed",
        says: "asks for another way to pay",
        needs: &[
            Event(&["Payment Failed"], &["invoice_id"]),
            Event(&["Payment Succeeded", "Invoice Voided", "Subscription Cancelled"], &["invoice_id"]),
            Trait("email"),
        ],
    },
];

/// Models.
pub(super) const MODELS: &[Recipe] = &[
    Recipe {
        name: "churn and value",
        says: "scores.churn, scores.clv (BG/NBD, Gamma-Gamma); a rule of recency until then",
        needs: &[ORDER, Buyers(100, 30, 90)],
    },
    Recipe {
        name: "send time",
        says: "at: best; the cohort's curve, then everybody's until then",
        needs: &[
            Event(&["Product Viewed", "Cart Viewed", "Order Completed"], &[]),
            Reactions(REACTIONS, 200),
        ],
    },
    Recipe {
        name: "channel and options",
        says: "best_of, choose by bandit; drawn evenly until then",
        needs: &[Reactions(REACTIONS, 100)],
    },
];

const ORDER: Need = Event(&["Order Completed"], &["order_id"]);
const REACTIONS: &[&str] = &["Message Followed", "Message Clicked", "Message Loaded", "Message Opened"];
