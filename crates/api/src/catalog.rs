//! What the shop sells, as it says so: `POST /v1/catalog/items`; and what it sells no more: `DELETE /v1/catalog/items/ID`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, post};
use axum::{Json, Router};
use journeyman_domain::ShopClock;
use journeyman_domain::catalog::{Fault, Patch};
use journeyman_domain::tracking::BATCH_BYTES;
use journeyman_store::catalog::{self, Changed, ITEMS};
use journeyman_store::{Error, REPORT_SILENCE, read};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::postgres::PgPool;
use tower_http::decompression::RequestDecompressionLayer;

use crate::Ingest;
use crate::ingest::answer::Answer;
use crate::ingest::body::{self, Unread};
use crate::ingest::{WriteKeys, key_of_header};

/// The state of the catalog's endpoint.
pub struct Catalog {
    /// Bodies share their room with those of events.
    pub ingest: Arc<Ingest>,
    /// Who may change the catalog. Apart from the keys of events, which stand in web pages.
    pub keys: WriteKeys,
    /// Where it is kept.
    pub pool: PgPool,
    /// The shop's time.
    pub clock: Arc<dyn ShopClock>,
}

impl Catalog {
    /// The endpoint, to be merged into the public router. Servers speak to it, no browser does.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/v1/catalog/items", post(endpoint))
            .route("/v1/catalog/items/{id}", delete(withdraw))
            .layer(RequestDecompressionLayer::new().gzip(true))
            .with_state(Arc::new(self))
    }
}

async fn endpoint(State(state): State<Arc<Catalog>>, request: Request) -> Response {
    let key = key_of_header(request.headers());
    if key.as_ref().and_then(|key| state.keys.source(key)).is_none() {
        body::discard(request.into_body()).await;
        return Answer::Unauthorized.into_response();
    }
    let mut body = request.into_body();
    let answer = answer(&state, &mut body).await;
    if answer.status() != StatusCode::OK {
        body::discard(body).await;
    }
    answer
}

/// The shop sells an item no more.
async fn withdraw(State(state): State<Arc<Catalog>>, Path(id): Path<String>, request: Request) -> Response {
    let key = key_of_header(request.headers());
    let known = key.as_ref().and_then(|key| state.keys.source(key)).is_some();
    body::discard(request.into_body()).await;
    if !known {
        return Answer::Unauthorized.into_response();
    }
    let id: Arc<str> = id.into();
    match withdrawn(&state, &id).await {
        Ok(Some(done)) => {
            let (changed, unchanged, number) = (done.changed, done.unchanged, done.number);
            Json(Said { success: true, changed, unchanged, number, errors: Vec::new() }).into_response()
        }
        Ok(None) => {
            let message = "there is no such item in the catalog. Look at the id.";
            let said = json!({ "success": false, "reason": "unknown", "message": message });
            (StatusCode::NOT_FOUND, Json(said)).into_response()
        }
        Err(error) => unavailable(&error),
    }
}

/// `None` of an item that is not there.
async fn withdrawn(state: &Catalog, id: &Arc<str>) -> Result<Option<Changed>, Error> {
    // What has a NUL in it can't be asked for, and is not there.
    if id.contains('\0') {
        return Ok(None);
    }
    let ids = [id.clone()];
    let (_, known) =
        read(&state.pool, REPORT_SILENCE, async |connection| catalog::now(connection, &ids).await).await?;
    if known.is_empty() {
        return Ok(None);
    }
    catalog::change(&state.pool, &[Patch::withdraws(id.clone())], state.clock.now()).await.map(Some)
}

fn unavailable(error: &Error) -> Response {
    tracing::error!(%error, "items were not stored; who sent them is told to retry");
    let later = if error.is_passing() { "Send it again." } else { "The log says more." };
    Answer::Unavailable(format!("could not be stored now. {later}")).into_response()
}

async fn answer(state: &Catalog, body: &mut Body) -> Response {
    let mut room = state.ingest.room();
    let bytes = match body::read(body, BATCH_BYTES, state.ingest.body_deadline(), &mut room).await {
        Ok(bytes) => bytes,
        Err(Unread::TooSlow) => return Answer::TooSlow.into_response(),
        Err(Unread::NoRoom) => return Answer::Overloaded.into_response(),
        Err(Unread::TooLarge(_)) => {
            let message = format!("over {BATCH_BYTES} bytes decompressed. Send fewer items at once.");
            return Answer::TooLarge(message).into_response();
        }
        Err(Unread::Broken(error)) => {
            return refused("malformed", &format!("the body can't be read: {error}. Send it whole."));
        }
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return refused("malformed", "not UTF-8. Send JSON in UTF-8.");
    };
    let items = match items(text) {
        Ok(items) => items,
        Err(message) => return refused("malformed", &message),
    };
    if items.len() > ITEMS {
        let message = format!("{} items, and at most {ITEMS} at once. Send fewer.", items.len());
        return Answer::TooLarge(message).into_response();
    }
    let (mut patches, mut places, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (nth, item) in items.into_iter().enumerate() {
        match item {
            Ok(patch) => {
                patches.push(patch);
                places.push(nth);
            }
            Err(fault) => errors.push((nth, fault)),
        }
    }
    let done = match catalog::change(&state.pool, &patches, state.clock.now()).await {
        Ok(done) => done,
        Err(error) => return unavailable(&error),
    };
    errors.extend(done.refused.into_iter().filter_map(|(nth, fault)| Some((*places.get(nth)?, fault))));
    errors.sort_by_key(|(nth, _)| *nth);
    let success = done.changed + done.unchanged > 0 || errors.is_empty();
    let status = if success { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let errors: Vec<Value> = errors
        .into_iter()
        .map(|(index, fault)| json!({ "index": index, "field": fault.field, "message": fault.message }))
        .collect();
    let (changed, unchanged, number) = (done.changed, done.unchanged, done.number);
    (status, Json(Said { success, changed, unchanged, number, errors })).into_response()
}

/// What became of a request's items.
#[derive(Serialize)]
struct Said {
    success: bool,
    changed: usize,
    unchanged: usize,
    number: i64,
    errors: Vec<Value>,
}

/// The items of a body: one object, a list, `{"items": […]}`, or a line each.
fn items(text: &str) -> Result<Vec<Result<Patch, Fault>>, String> {
    let text = text.trim();
    let object = |item: Value| match item {
        Value::Object(fields) => Patch::read(fields),
        other => Patch::of_json(&other.to_string()),
    };
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(items)) => Ok(items.into_iter().map(object).collect()),
        Ok(Value::Object(mut fields)) => match fields.remove("items") {
            Some(Value::Array(items)) if fields.is_empty() => Ok(items.into_iter().map(object).collect()),
            Some(other) => {
                fields.insert("items".to_owned(), other);
                Ok(vec![Patch::read(fields)])
            }
            None => Ok(vec![Patch::read(fields)]),
        },
        // Not one value: a line each, of which each is taken or refused by itself.
        Err(_) if text.lines().count() > 1 && text.starts_with('{') => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            Ok(lines.map(Patch::of_json).collect())
        }
        Ok(_) => Err("no item. Send an object, a list of them, or one a line.".to_owned()),
        Err(error) => Err(format!(
            "not JSON, at line {}, character {}. Send an object, a list of them, or one a line.",
            error.line(),
            error.column()
        )),
    }
}

fn refused(reason: &str, message: &str) -> Response {
    let said = json!({ "success": false, "reason": reason, "message": message });
    (StatusCode::BAD_REQUEST, Json(said)).into_response()
}
