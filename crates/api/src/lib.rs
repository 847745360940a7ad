#![doc = include_str!("../README.md")]
#![allow(clippy::disallowed_methods, reason = "stands below the engine: messages without an id get one here")]

pub mod bounces;
mod catalog;
pub mod console;
mod health;
pub mod ingest;
mod pages;
pub mod reports;
pub mod server;
mod shop;
mod spool;
pub mod tracking;
mod wishes;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderName;
use axum::http::header::RETRY_AFTER;
use axum::routing::{get, post};
use journeyman_domain::ShardSet;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};
use tower_http::decompression::RequestDecompressionLayer;

pub use catalog::Catalog;
pub use health::Health;
pub use ingest::Ingest;
pub use reports::Reports;
pub use tracking::Tracking;

/// Told after every commit where intake has grown, so that the engine looks there before its next poll.
pub type Wake = Arc<dyn Fn(ShardSet) + Send + Sync>;

/// The source of what this door tells of people it knows by id.
const SOURCE: &str = "tracking";

/// What the world may reach.
pub fn public(ingest: Arc<Ingest>) -> Router {
    // Browsers post from the shop's pages; the write key, not the origin, says who may.
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::any())
        .allow_methods(AllowMethods::list([axum::http::Method::POST]))
        // Named, not `*`, which by the Fetch standard leaves Authorization out.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([RETRY_AFTER, HeaderName::from_static("x-ratelimit-reset")])
        .max_age(Duration::from_secs(3600));
    Router::new()
        .route("/v1/{kind}", post(ingest::endpoint))
        .layer(RequestDecompressionLayer::new().gzip(true))
        .layer(cors)
        .with_state(ingest)
}

/// What only the operator's network may reach.
pub fn private(health: Health) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .with_state(health)
}
