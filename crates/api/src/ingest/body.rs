//! Reading a body within its limits.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;

/// Why a body could not be read.
pub(super) enum Unread {
    /// Over the limit; what was read until then.
    TooLarge(Vec<u8>),
    /// Not there in time.
    TooSlow,
    /// Broken off, or not what its encoding says.
    Broken(String),
}

/// Reads a body of at most `limit` bytes, decompressed, within `deadline`. A gzip bomb is read up to the limit and
/// no further.
pub(super) async fn read(body: Body, limit: usize, deadline: Duration) -> Result<Bytes, Unread> {
    tokio::time::timeout(deadline, read_all(body, limit)).await.unwrap_or(Err(Unread::TooSlow))
}

async fn read_all(mut body: Body, limit: usize) -> Result<Bytes, Unread> {
    let mut read: Option<Vec<u8>> = None;
    let mut only = Bytes::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unread::Broken(innermost(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        // A body of one frame, the usual one, is not copied.
        match &mut read {
            None if only.is_empty() => only = data,
            None => read = Some([&only[..], &data[..]].concat()),
            Some(read) => read.extend_from_slice(&data),
        }
        let length = read.as_ref().map_or(only.len(), Vec::len);
        if length > limit {
            return Err(Unread::TooLarge(read.unwrap_or_else(|| only.to_vec())));
        }
    }
    Ok(read.map_or(only, Bytes::from))
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
