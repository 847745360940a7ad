//! What a dispatcher asks of the store in memory.

use std::time::Duration;

use journeyman_domain::plan::Channel;
use journeyman_domain::row::QueuedRow;
use journeyman_engine::machine::{Answer, Ask, HeldQueue, Line, Said};

use super::Memory;

impl Memory {
    /// Does what a dispatcher asks, but for what is the channel's: delivering, resting. Everything goes to the inbox.
    pub fn ask_outbox(&mut self, ask: Ask, now: Duration) -> Answer {
        match ask {
            Ask::Lease { worker } => {
                let held = self.outbox.queues.lease(worker, now).into_iter();
                let queue = |(nth, epoch)| {
                    Channel::from_code(nth as i16).map(|channel| HeldQueue { channel, worker, epoch })
                };
                let held: Vec<HeldQueue> = held.filter_map(queue).collect();
                let lines = held.iter().flat_map(|queue| self.leased_lines(queue.channel)).collect();
                Answer::Leased(held, lines)
            }
            Ask::Release { worker } => {
                self.outbox.queues.release(worker);
                Answer::Released
            }
            Ask::Recover(held, whose) => {
                // What was started commits with its row in the inbox: it is not there, so it did not arrive.
                self.recover(held, &whose, |_| false);
                Answer::Recovered
            }
            Ask::Claim { queue, line, low, limit, now } => {
                Answer::Claimed(self.claim(queue.channel, line, low, limit, now))
            }
            Ask::Start { queue, messages, now } => {
                let context = format!(r#"{{"at":{}}}"#, now.as_millisecond());
                let messages = messages.iter().map(|claimed| (claimed.message.message, context.clone()));
                match self.start(queue, &messages.collect::<Vec<_>>(), now) {
                    Ok(started) => Answer::Started(started),
                    Err(fault) => Answer::Failed(fault),
                }
            }
            Ask::Deliver(messages) => {
                let taken = messages.into_iter().map(|claimed| {
                    let said = self.says(&claimed.message);
                    (claimed.message.message, said)
                });
                Answer::Delivered(taken.collect())
            }
            Ask::Finish { queue, outcomes, now } => Answer::Finished(self.finish(queue, outcomes, now)),
            Ask::Rest(_) => Answer::Rested { rung: false },
        }
    }

    /// What becomes of a message here: it arrives. A call is answered as the world has it; nobody else answers.
    fn says(&self, row: &QueuedRow) -> Said {
        if row.channel != Channel::Call {
            return Said::Inbox;
        }
        match self.answers.get(&row.template) {
            Some(answer) => Said::Answered(answer.to_string()),
            None => Said::never("nobody answers here"),
        }
    }

    fn leased_lines(&self, channel: Channel) -> Vec<Line> {
        let line = |(line, _)| Line::to_inbox(channel, line);
        self.outbox.lines(channel).into_iter().map(line).collect()
    }
}
