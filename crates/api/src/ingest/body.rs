//! Reading a body within its limits.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How much of a body that is not wanted is still read, bytes, and how long that may take. A client that is still
/// sending when its connection is closed sees a reset instead of the answer.
const DISCARD: (usize, Duration) = (1 << 20, Duration::from_secs(1));

/// Why a body could not be read.
pub(crate) enum Unread {
    /// Over the limit; what was read until then.
    TooLarge(Vec<u8>),
    /// No room for more at the moment.
    NoRoom,
    /// Not there in time.
    TooSlow,
    /// Broken off, or not what its encoding says.
    Broken(String),
}

/// Room for what is under way, shared by all requests, in KiB; taken as bytes arrive and given back on drop.
pub(crate) struct Room {
    shared: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub(crate) fn new(shared: &Arc<Semaphore>) -> Self {
        Self { shared: shared.clone(), taken: None }
    }

    /// Makes sure of room for a body of `bytes` and the messages made of it.
    fn grow(&mut self, bytes: usize) -> Result<(), Unread> {
        let wanted = (2 * bytes).div_ceil(1024);
        let more = wanted.saturating_sub(self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
        if more == 0 {
            return Ok(());
        }
        let more = u32::try_from(more).map_err(|_| Unread::NoRoom)?;
        let permit = self.shared.clone().try_acquire_many_owned(more).map_err(|_| Unread::NoRoom)?;
        match &mut self.taken {
            Some(taken) => taken.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}

/// Reads a body of at most `limit` bytes, decompressed, within `deadline`. A gzip bomb is read up to the limit and
/// no further.
pub(crate) async fn read(
    body: &mut Body,
    limit: usize,
    deadline: Duration,
    room: &mut Room,
) -> Result<Bytes, Unread> {
    tokio::time::timeout(deadline, read_all(body, limit, room)).await.unwrap_or(Err(Unread::TooSlow))
}

async fn read_all(body: &mut Body, limit: usize, room: &mut Room) -> Result<Bytes, Unread> {
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
        room.grow(length)?;
    }
    Ok(read.map_or(only, Bytes::from))
}

/// Reads on without keeping anything, so that the client gets to hear the answer.
pub(crate) async fn discard(mut body: Body) {
    let (most, deadline) = DISCARD;
    let mut left = most;
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    // Whoever needs longer is cut off.
    let _ = tokio::time::timeout(deadline, reading).await;
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
