//! One thing that happened in a backtest.

use std::sync::Arc;

use journeyman_domain::plan::Channel;
use journeyman_domain::{MessageId, Refused, ShopTime};

/// One thing that happened to one person.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When.
    pub at: ShopTime,
    /// What.
    pub what: What,
}

/// A message that would have been sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its id, as the daemon would have it.
    pub message: MessageId,
    /// Of which journey.
    pub journey: Arc<str>,
    /// For which run of the person.
    pub run: u32,
    /// At which step.
    pub step: Arc<str>,
    /// By which channel.
    pub channel: Channel,
    /// With which template.
    pub template: Arc<str>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A run began.
    Entered {
        /// Of which journey.
        journey: Arc<str>,
        /// Its number among the person's.
        run: u32,
        /// The value of `per`.
        key: Option<Arc<str>>,
        /// Whether the person is held out of it.
        held_out: bool,
    },
    /// A message left.
    Sent(Message),
    /// A message would have left, to somebody who is not held out.
    Withheld(Message),
    /// A message was called off in the moment it was queued.
    CalledOff(Message),
    /// A message was not sent.
    NotSent {
        /// Of which journey.
        journey: Arc<str>,
        /// At which step.
        step: Arc<str>,
        /// Why.
        reason: Refused,
    },
    /// A trigger that had matched began nothing.
    Refused {
        /// Of which journey.
        journey: Arc<str>,
        /// Why.
        reason: Refused,
    },
    /// Something that was said of the person could not be kept, or was not understood.
    LeftOut {
        /// By which event; empty where it is of the person.
        of: Arc<str>,
        /// Why.
        reason: Refused,
    },
    /// A run reached its goal.
    Goal {
        /// Of which journey.
        journey: Arc<str>,
        /// Its number among the person's.
        run: u32,
        /// What it is worth, in the shop's currency where it is money.
        value: Option<f64>,
        /// Whether the person is held out of it.
        held_out: bool,
    },
    /// A run stopped walking.
    Ended {
        /// Of which journey.
        journey: Arc<str>,
        /// Its number among the person's.
        run: u32,
        /// Why: `EndReason::code`, of an exit step `exit_step: REASON`.
        reason: Arc<str>,
    },
    /// A run was still walking when the window ended.
    UnderWay {
        /// Of which journey.
        journey: Arc<str>,
        /// Its number among the person's.
        run: u32,
        /// The step it stands at.
        step: Arc<str>,
    },
    /// Something that could not be applied.
    Parked {
        /// Why, a code: as in `parked`, or `restless` of timers that come due without end.
        reason: &'static str,
    },
}
