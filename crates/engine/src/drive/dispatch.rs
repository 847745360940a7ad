//! Driving a dispatcher: its parts' requests as transactions, and what they hand to the channels.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use journeyman_channels::{Verdict, codec};
use journeyman_domain::template::Context;
use journeyman_domain::{MessageId, Shard, ShardSet, ShopTime};
use journeyman_store::{ENGINE_SILENCE, Error, deployments, lines, outbox, queues, read, slices};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Engine, dead, fault};
use crate::machine::{Answer, Ask, Claimed, Dispatcher, DispatcherLimits, HeldQueue, Said};
use crate::outlet::{Prepared, Wordings, again, prepare};

/// How long messages that are under way may take when the process is to end.
const GOODBYE: Duration = Duration::from_secs(10);

/// The words of deployments, by their numbers; or why there are none.
type Spoken = BTreeMap<i64, Result<Wordings, Arc<str>>>;

/// Runs a dispatcher until it is asked to leave.
pub(super) async fn run(engine: Engine, id: Uuid, limits: DispatcherLimits) {
    let dispatcher = Dispatcher::new(id, limits);
    let parts = dispatcher.parts();
    let dispatcher = Arc::new(Mutex::new(dispatcher));
    let mut tasks = JoinSet::new();
    for part in 0..parts {
        let hands = Hands { engine: engine.clone(), dispatcher: dispatcher.clone(), part, limits };
        tasks.spawn(hands.run());
    }
    // A part that breaks is a defect of ours; its siblings end with it, and all begin anew under another name.
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
    tracing::debug!(dispatcher = %id, finished = lock(&dispatcher).finished(), "the dispatcher has left");
}

fn lock(dispatcher: &Mutex<Dispatcher>) -> MutexGuard<'_, Dispatcher> {
    dispatcher.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What does the requests of one part.
struct Hands {
    engine: Engine,
    dispatcher: Arc<Mutex<Dispatcher>>,
    part: usize,
    limits: DispatcherLimits,
}

impl Hands {
    async fn run(self) {
        let channel = lock(&self.dispatcher).channel(self.part);
        let bells = &self.engine.queued;
        let mut queued = bells.queued(channel);
        let mut woken = bells.woken(channel);
        let mut ready: BTreeMap<MessageId, Prepared> = BTreeMap::new();
        // Whose reports are being written: their workers are woken when they stand.
        let mut reported = ShardSet::default();
        let mut bounced = Vec::new();
        let mut answer = Answer::Start;
        loop {
            let (ask, wake) = {
                let mut dispatcher = lock(&self.dispatcher);
                if self.engine.stop.is_cancelled() {
                    dispatcher.leave();
                }
                (dispatcher.next(self.part, answer, self.engine.now()), dispatcher.to_wake())
            };
            wake.into_iter().for_each(|channel| bells.wake(channel));
            let Some(ask) = ask else { return };
            answer = match ask {
                Ask::Rest(patience) => {
                    let rung = tokio::select! {
                        _ = queued.changed() => bells.is_news(channel, *queued.borrow_and_update()),
                        _ = woken.changed() => false,
                        () = self.engine.stop.cancelled(), if !self.engine.stop.is_cancelled() => false,
                        () = tokio::time::sleep(patience) => false,
                    };
                    Answer::Rested { rung }
                }
                Ask::Deliver(messages) => {
                    reported = shards(&messages);
                    let said = deliver(&messages, &mut ready, &self.engine.stop).await;
                    bounced = dead::of(&messages, &said, self.engine.now().shop);
                    Answer::Delivered(said)
                }
                ask => self.answered(ask, &mut ready).await,
            };
            if matches!(answer, Answer::Finished(true)) {
                dead::tell(&self.engine.pools.messages, &std::mem::take(&mut bounced)).await;
                self.engine.mention(std::mem::take(&mut reported));
            }
        }
    }

    async fn answered(&self, ask: Ask, ready: &mut BTreeMap<MessageId, Prepared>) -> Answer {
        let (doing, lost) = match &ask {
            Ask::Claim { .. } => ("claiming messages", Answer::Claimed(Vec::new())),
            Ask::Start { .. } => ("starting messages", Answer::Started(None)),
            Ask::Finish { .. } => ("finishing messages", Answer::Finished(false)),
            Ask::Recover(..) => ("putting a queue in order", Answer::Recovered),
            Ask::Lease { .. } | Ask::Release { .. } => {
                ("leasing queues", Answer::Leased(Vec::new(), Vec::new()))
            }
            Ask::Deliver(_) | Ask::Rest(_) => ("resting", Answer::Rested { rung: false }),
        };
        match self.asked(ask, ready).await {
            Ok(answer) => answer,
            Err(Error::Lost(_)) => lost,
            Err(error) => Answer::Failed(fault(&error, doing)),
        }
    }

    async fn asked(&self, ask: Ask, ready: &mut BTreeMap<MessageId, Prepared>) -> Result<Answer, Error> {
        let pool = &self.engine.pools.messages;
        Ok(match ask {
            Ask::Lease { worker } => {
                let held = queues::lease(pool, worker, slices::LEASE).await?;
                let lines = self.lines(&held).await?;
                Answer::Leased(held, lines)
            }
            Ask::Release { worker } => {
                queues::release(pool, worker).await?;
                Answer::Released
            }
            Ask::Recover(queue, whose) => {
                let on_unknown = outbox::OnUnknown {
                    marketing_hold: self.limits.on_unknown.marketing_hold,
                    transactional_hold: self.limits.on_unknown.transactional_hold,
                    // What was started in the inbox has either arrived and is finished, or has not arrived.
                    // What is told again under its id goes out once.
                    inbox: self.engine.outlet.starts_again(queue.channel),
                };
                let recovered = outbox::recover(pool, &queue, &whose, on_unknown).await?;
                if recovered.queued > 0 || recovered.unknown > 0 {
                    tracing::info!(
                        channel = %queue.channel,
                        again = recovered.queued,
                        unknown = recovered.unknown,
                        "messages left behind wait again; of the unknown ones nobody knows whether they have left"
                    );
                }
                Answer::Recovered
            }
            Ask::Claim { queue, line, low, limit, now } => {
                Answer::Claimed(outbox::claim(pool, queue.channel, line, low, limit, now).await?)
            }
            Ask::Start { queue, messages, now } => self.start(queue, messages, now, ready).await?,
            Ask::Finish { queue, outcomes, now } => {
                let finished = outcomes.len() as u64;
                outbox::finish(pool, &queue, &outcomes, now).await?;
                self.engine.counts.messages.fetch_add(finished, Ordering::Relaxed);
                Answer::Finished(true)
            }
            Ask::Deliver(_) | Ask::Rest(_) => Answer::Rested { rung: false },
        })
    }

    /// The lines of the queues held, with what the newest policies say of their senders.
    async fn lines(&self, held: &[HeldQueue]) -> Result<Vec<crate::machine::Line>, Error> {
        let pool = &self.engine.pools.messages;
        let (current, known) = read(pool, ENGINE_SILENCE, async |connection| {
            let mut known = Vec::new();
            for queue in held {
                known.push((queue.channel, lines::of(connection, queue.channel).await?));
            }
            Ok((deployments::current(connection).await?, known))
        })
        .await?;
        let policies = match self.engine.wordings.get(pool, current).await? {
            Ok(wordings) => wordings.policies,
            Err(_) => Arc::default(),
        };
        let line = |channel, line| self.engine.outlet.line(channel, line, &policies);
        Ok(known
            .iter()
            .flat_map(|(channel, lines)| lines.iter().map(|known| line(*channel, known)))
            .collect())
    }

    /// Makes messages ready, then says that they leave.
    async fn start(
        &self,
        queue: HeldQueue,
        messages: Vec<Claimed>,
        now: ShopTime,
        ready: &mut BTreeMap<MessageId, Prepared>,
    ) -> Result<Answer, Error> {
        let of = shards(&messages);
        let mut wordings = BTreeMap::new();
        for number in messages.iter().map(|claimed| claimed.deployment).collect::<BTreeSet<i64>>() {
            wordings.insert(number, self.engine.wordings.get(&self.engine.pools.messages, number).await?);
        }
        let contexts: Vec<(MessageId, Context)> = messages
            .iter()
            .map(|claimed| (claimed.message.message, self.context(claimed, &wordings, now)))
            .collect();
        *ready = self.prepared(messages, contexts.clone(), wordings).await;
        let contexts: Vec<(MessageId, String)> = contexts
            .into_iter()
            .map(|(message, context)| (message, serde_json::to_string(&context).unwrap_or_default()))
            .collect();
        let started = outbox::start(&self.engine.pools.messages, &queue, &contexts, now).await?;
        if !started.suppressed.is_empty() {
            tracing::info!(messages = started.suppressed.len(), "suppressed addresses: these messages stay");
        }
        if !(started.held.is_empty() && started.discarded.is_empty()) {
            let (held, discarded) = (started.held.len(), started.discarded.len());
            tracing::warn!(
                held,
                discarded,
                "somebody has stopped these messages: see `journeyman stop list`"
            );
        }
        if !(started.suppressed.is_empty() && started.discarded.is_empty()) {
            self.engine.ring(of);
        }
        Ok(Answer::Started(Some(started)))
    }

    /// What the first attempt fixed, or fixes now.
    fn context(&self, claimed: &Claimed, wordings: &Spoken, now: ShopTime) -> Context {
        let known = claimed.context.as_deref().and_then(|context| serde_json::from_str(context).ok());
        known.unwrap_or_else(|| {
            let words = wordings.get(&claimed.deployment).and_then(|words| words.as_ref().ok());
            let outlet = &self.engine.outlet;
            // Another daemon may have another address: what this one writes into the links has to stay.
            let base =
                words.is_some_and(|words| words.policies.links.domain.is_none()).then(|| outlet.base.clone());
            Context { at: now, key: outlet.keys.current(), base }
        })
    }

    async fn prepared(
        &self,
        messages: Vec<Claimed>,
        contexts: Vec<(MessageId, Context)>,
        wordings: Spoken,
    ) -> BTreeMap<MessageId, Prepared> {
        let outlet = self.engine.outlet.clone();
        // Rendering and signing are work of processors: the loops that wait for sockets are not held up by it.
        let made = tokio::task::spawn_blocking(move || {
            let made = messages.iter().zip(&contexts).map(|(claimed, (message, context))| {
                let prepared = match wordings.get(&claimed.deployment) {
                    Some(Ok(wordings)) => guarded(|| prepare(&outlet, wordings, claimed, context)),
                    Some(Err(why)) => Prepared::later(why),
                    None => Prepared::later("its deployment is not here"),
                };
                (*message, prepared)
            });
            made.collect()
        });
        made.await.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down.
            Err(_) => BTreeMap::new(),
        })
    }
}

/// The machine's clock: signatures and tokens are held against it.
fn unix_seconds() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Somebody has asked to leave, and has waited long enough for relays that do not answer.
async fn over(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(GOODBYE).await;
}

/// A message whose words break this program is a defect of ours, and holds nobody else up.
fn guarded(prepare: impl FnOnce() -> Prepared) -> Prepared {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(prepare))
        .unwrap_or_else(|_| Prepared::never("making it ready broke this program"))
}

/// The shards of the people that messages go to.
fn shards(messages: &[Claimed]) -> ShardSet {
    messages.iter().map(|claimed| Shard::of(claimed.message.person)).collect()
}

/// Hands messages to their channels, all at once: there are no more of them than connections.
async fn deliver(
    messages: &[Claimed],
    ready: &mut BTreeMap<MessageId, Prepared>,
    stop: &CancellationToken,
) -> Vec<(MessageId, Said)> {
    let sent = messages.iter().map(|claimed| {
        let message = claimed.message.message;
        let prepared = ready.remove(&message);
        async move {
            let said = match prepared {
                Some(Prepared::Inbox) => Said::Inbox,
                Some(Prepared::Settled(verdict)) => Said::Channel(verdict),
                Some(Prepared::Mail(pool, wire)) => Said::Channel(tokio::select! {
                    sent = pool.send(&wire) => sent.verdict,
                    () = over(stop) => {
                        let reason = "this daemon was stopped before the relay answered".to_owned();
                        Verdict::Unknown { reason }
                    }
                }),
                Some(Prepared::Call(caller, asked)) => tokio::select! {
                    answer = caller.call(&asked, message, unix_seconds()) => match answer {
                        Ok(answer) => Said::Answered(answer),
                        Err(verdict) => Said::Channel(verdict),
                    },
                    () = over(stop) => Said::Channel(again("this daemon was stopped before the answer came")),
                },
                Some(Prepared::Told(sender, content)) => Said::Channel(tokio::select! {
                    verdict = sender.send(&content, unix_seconds()) => verdict,
                    () = over(stop) => codec::settled(sender.codec().as_ref(), Verdict::Unknown {
                        reason: "this daemon was stopped before the provider answered".to_owned(),
                    }),
                }),
                // Nothing of it has left: it waits again.
                None => Said::Channel(again("it was not made ready")),
            };
            (message, said)
        }
    });
    let said = futures::future::join_all(sent).await;
    ready.clear();
    said
}
