//! When a message is tried again, and when it is given up.

use std::time::Duration;

use jiff::SignedDuration;
use journeyman_channels::Verdict;
use journeyman_domain::{ShopTime, call};
use journeyman_store::outbox::{Claimed, Outcome};

/// How often a message is tried.
pub const ATTEMPTS: u32 = 16;
/// How long after it was queued marketing is given up: what a cart reminder has to say is old news by then.
pub const MARKETING_AGE: Duration = Duration::from_secs(24 * 3600);
/// How long after it was queued a transactional message is given up (RFC 5321, 4.5.4.1: four to five days).
pub const TRANSACTIONAL_AGE: Duration = Duration::from_secs(4 * 24 * 3600);
/// The first delay; each is twice the one before (RFC 5321, 4.5.4.1: soon at first, then seldom).
const FIRST: Duration = Duration::from_secs(30);
/// The first delay of a call, for whose answer somebody's run stands still.
const FIRST_CALL: Duration = Duration::from_secs(1);
/// The longest delay.
const LONGEST: Duration = Duration::from_secs(2 * 3600);
/// The share of a delay that is drawn, so that what failed together is not tried together.
const JITTER: f64 = 0.5;

/// What holds for messages of which nobody knows whether they have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnUnknown {
    /// Marketing waits for somebody to decide; else it is sent again.
    pub marketing_hold: bool,
    /// Transactional messages do.
    pub transactional_hold: bool,
}

impl Default for OnUnknown {
    fn default() -> Self {
        Self { marketing_hold: true, transactional_hold: false }
    }
}

/// What follows from what the channel said of a message, whose `attempts` are those before this one. `drawn` in [0, 1).
pub fn outcome(
    verdict: Verdict,
    claimed: &Claimed,
    on_unknown: OnUnknown,
    drawn: f64,
    now: ShopTime,
) -> Outcome {
    let asked = call::asked(&claimed.message);
    let again = |after: Option<Duration>, reason: String| {
        let first = if asked.is_some() { FIRST_CALL } else { FIRST };
        let delay = delay(first, claimed.attempts + 1, drawn).max(after.unwrap_or_default());
        let at = later(now, delay);
        if let Some(asked) = &asked {
            let over = later(claimed.message.queued_at, Duration::from_millis(asked.within_ms));
            if claimed.attempts >= asked.retry || at > over {
                return Outcome::Rejected { reason: format!("gave_up: {reason}") };
            }
            return Outcome::Retry { at, reason };
        }
        let age = if claimed.message.marketing { MARKETING_AGE } else { TRANSACTIONAL_AGE };
        if claimed.attempts + 1 >= ATTEMPTS || at > later(claimed.message.queued_at, age) {
            return Outcome::Rejected { reason: format!("gave_up: {reason}") };
        }
        Outcome::Retry { at, reason }
    };
    match verdict {
        Verdict::Accepted { provider_id } => Outcome::Accepted { provider_id, inbox: false },
        Verdict::Rejected { reason, detail, .. } => {
            Outcome::Rejected { reason: format!("{}: {detail}", reason.code()) }
        }
        Verdict::Unknown { reason } => {
            let marketing = claimed.message.marketing;
            let hold = if marketing { on_unknown.marketing_hold } else { on_unknown.transactional_hold };
            // Sent again, but not at once and not for ever: whoever takes it and never says so would get it without end.
            if hold { Outcome::Unknown { hold } } else { again(None, reason) }
        }
        Verdict::Retry { after, reason, .. } => again(after, reason),
    }
}

/// How long to wait after the nth attempt, from 1.
fn delay(first: Duration, attempt: u32, drawn: f64) -> Duration {
    let whole = first.saturating_mul(1 << (attempt.clamp(1, 20) - 1)).min(LONGEST);
    whole.mul_f64(1.0 - JITTER * drawn.clamp(0.0, 1.0))
}

fn later(at: ShopTime, delay: Duration) -> ShopTime {
    // Microseconds, as rows have them.
    let micros = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
    at.saturating_add(SignedDuration::from_micros(micros))
}
