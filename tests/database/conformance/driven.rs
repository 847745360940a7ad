//! What a dispatcher asks, of either store.

use journeyman_engine::machine::{Answer, Ask, Line};
use journeyman_store::outbox::OnUnknown;

use super::backend::{Backend, Fenced};

/// What is held back as unknown of what was left behind.
const ON_UNKNOWN: OnUnknown = OnUnknown { marketing_hold: true, transactional_hold: false, inbox: false };

/// Does what a dispatcher asks, but for resting and delivering.
pub async fn send<B: Backend>(backend: &mut B, ask: Ask) -> Answer {
    match ask {
        Ask::Lease { worker } => {
            let held = backend.lease_queues(worker).await;
            let mut lines = Vec::new();
            for channel in held.iter().map(|queue| queue.channel) {
                let of_channel = backend.lines(channel).await.into_iter();
                lines.extend(of_channel.map(|(line, _)| Line::to_inbox(channel, line)));
            }
            Answer::Leased(held, lines)
        }
        Ask::Release { worker } => {
            backend.release_queues(worker).await;
            Answer::Released
        }
        Ask::Recover(queue, whose) => {
            answer(backend.recover(queue, &whose, ON_UNKNOWN).await, |_| Answer::Recovered)
        }
        Ask::Claim { queue, line, low, limit, now } => {
            let claimed = backend.claim(queue.channel, line, low, limit, now);
            answer(claimed.await, |claimed| Answer::Claimed(claimed.unwrap_or_default()))
        }
        Ask::Start { queue, messages, now } => {
            let context = |attempts: u32| format!("fixed by attempt {attempts}");
            let messages: Vec<_> =
                messages.iter().map(|claimed| (claimed.message.message, context(claimed.attempts))).collect();
            answer(backend.start(queue, &messages, now).await, Answer::Started)
        }
        Ask::Finish { queue, outcomes, now } => {
            let finished = backend.finish(queue, &outcomes, now).await;
            answer(finished, |done| Answer::Finished(done.is_some()))
        }
        Ask::Deliver(_) | Ask::Rest(_) => Answer::Rested { rung: true },
    }
}

fn answer<T>(done: Fenced<T>, said: impl Fn(Option<T>) -> Answer) -> Answer {
    done.map_or_else(Answer::Failed, said)
}
