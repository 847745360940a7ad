//! The loop of the demo: the shop's time moves, what is due is done, and then the shoppers act.
//!
//! That the same seed gives the same table hangs on this order, not on how fast the machine is. Within a step, what is due
//! comes first and alone: at midnight what the day has taught, then what has changed on the shelves, then timers; then what is
//! done in the shop, in one request after the other, each shopper's deeds in one of them; then what is done with messages. Each
//! waits until the daemon has come to rest, and whatever providers report of messages is told before the next. Events happen at
//! the step's own moment.

use std::collections::BTreeMap;

use indicatif::ProgressBar;
use journeyman_domain::actor::engage::{BOUNCED, DELIVERED, FOLLOWED, LOADED, OPENED, REPLIED};
use journeyman_domain::plan::Channel;
use journeyman_domain::score::SCORED;
use journeyman_domain::{MessageId, ShopClock as _, ShopTime};
use journeyman_sim::shoppers::{Act, DAY, Deed, Reaction, Shoppers};
use journeyman_store::partitions;

use super::browser::Browser;
use super::house::House;
use super::letter::Letter;
use super::phones::{self, Report};
use super::shipped::Choices;
use super::voice::Voice;

/// How many messages a request holds before the next begins with the next shopper.
const BATCH: usize = 200;

/// The word of who wants no more messages.
const STOP: &str = "STOP";
/// What the door makes of it, of one that asks for no more.
const UNSUBSCRIBED: &str = "Unsubscribed";

/// What was done, for the checker.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// The ids of the events that the door has taken, in the order in which they were sent.
    pub(super) sent: Vec<String>,
    /// How many of them the door counted as new.
    pub(super) accepted: u64,
    /// How often each message arrived.
    pub(super) arrivals: BTreeMap<MessageId, u64>,
    /// What was told besides: of messages, by the event that the door makes of it, and scores.
    pub(super) told: BTreeMap<&'static str, u64>,
}

impl Done {
    fn told(&mut self, event: &'static str) {
        *self.told.entry(event).or_default() += 1;
    }

    fn of(&self, event: &str) -> u64 {
        self.told.get(event).copied().unwrap_or_default()
    }

    /// All events that there have to be.
    pub(super) fn events(&self) -> u64 {
        self.accepted + self.told.values().sum::<u64>()
    }
}

/// A demo under way.
pub(super) struct Life<'a> {
    house: &'a House,
    shoppers: &'a mut Shoppers,
    voice: Voice,
    browser: Browser,
    bar: ProgressBar,
    /// How far the bar shows it: another life may move the same one.
    shown: u64,
    letters: Vec<Letter>,
    pub(super) done: Done,
}

impl<'a> Life<'a> {
    pub(super) fn new(house: &'a House, shoppers: &'a mut Shoppers, voice: Voice, bar: ProgressBar) -> Self {
        let browser = Browser::new(house.public);
        Self { house, shoppers, voice, browser, bar, shown: 0, letters: Vec::new(), done: Done::default() }
    }

    /// Lives to the end.
    ///
    /// # Errors
    /// Where the daemon does not answer as it should, or does not come to rest.
    pub(super) async fn live(&mut self, choices: Choices) -> anyhow::Result<()> {
        self.open(choices).await?;
        let mut next_due = self.settle(0).await?;
        let (mut day, mut shelf, mut last) = (None, self.shoppers.shelf().next_change(0), 0);
        loop {
            let due =
                next_due.map(|at| self.house.clock.step_of(at)).filter(|step| *step < self.shoppers.end());
            let midnight = day.map_or(0, |day| (day + 1) * DAY);
            let planned = [due, self.shoppers.next(), shelf, Some(midnight)];
            let next = planned.into_iter().flatten().filter(|step| *step < self.shoppers.end()).min();
            let Some(step) = next else { break };
            let step = step.max(last);
            last = step + 1;
            self.bar.inc(u64::from(step) - self.shown);
            self.shown = u64::from(step);
            self.house.move_to(step);
            self.voice.is_now(step);
            if step >= midnight {
                day = Some(step / DAY);
                next_due = self.begins_day(step).await?;
            }
            if shelf.is_some_and(|change| change <= step) {
                shelf = self.shoppers.shelf().next_change(step);
                self.sells(step).await?;
                self.house.tell().await?;
                next_due = self.settle(step).await?;
            } else if due.is_some_and(|due| due <= step) {
                next_due = self.settle(step).await?;
            }
            next_due = self.act(step).await?.or(next_due);
        }
        // What the last step has set off.
        self.house.move_to(self.shoppers.end());
        self.settle(self.shoppers.end()).await?;
        self.done.told.insert(BOUNCED, self.house.phones.refused());
        Ok(())
    }

    /// What was before the first day: the shop's orders, then its catalog; then the journeys go live.
    async fn open(&mut self, choices: Choices) -> anyhow::Result<()> {
        self.bar.set_message("history");
        let opens = self.house.clock.now();
        let past = self.voice.past(self.shoppers.past(), opens);
        for batch in past.chunks(BATCH) {
            self.send(batch.to_vec()).await?;
        }
        self.house.quiet(0).await?;
        self.sells(0).await?;
        self.house.tell().await?;
        self.house.go_live(choices).await
    }

    /// A day begins: the one before has taught something.
    async fn begins_day(&mut self, step: u32) -> anyhow::Result<Option<ShopTime>> {
        self.bar.set_message(format!("day {}", step / DAY + 1));
        partitions::ensure(&self.house.pool, self.house.clock.at(step)).await?;
        let scored = self.house.learn().await?;
        *self.done.told.entry(SCORED).or_default() += scored;
        self.settle(step).await
    }

    async fn sells(&mut self, step: u32) -> anyhow::Result<()> {
        let items = self.voice.items(step);
        if items.is_empty() {
            return Ok(());
        }
        self.browser.sells(serde_json::Value::from(items).to_string()).await
    }

    /// Waits until the daemon rests and everything that left has arrived and is reported; answers when there is more to do.
    async fn settle(&mut self, step: u32) -> anyhow::Result<Option<ShopTime>> {
        loop {
            let next_due = self.house.quiet(self.done.of(LOADED) + self.done.of(FOLLOWED)).await?;
            if !self.take_post(step).await? {
                return Ok(next_due);
            }
        }
    }

    /// What the shoppers do; answers when there is more to do, where that may have changed.
    async fn act(&mut self, step: u32) -> anyhow::Result<Option<ShopTime>> {
        let now = self.house.clock.now();
        let (mut batch, mut with_letters, mut before) = (Vec::new(), Vec::new(), None);
        let deeds = self.shoppers.act(step);
        let acted = !deeds.is_empty();
        let mut said = 0;
        for deed in deeds {
            match deed {
                Deed::InShop { shopper, device, known, act } => {
                    if before != Some(shopper) && batch.len() >= BATCH {
                        self.send(std::mem::take(&mut batch)).await?;
                    }
                    before = Some(shopper);
                    batch.extend(self.tells(shopper, device, known, &act, now));
                    said += 1;
                }
                Deed::WithLetter { letter, reaction, .. } => with_letters.push((letter, reaction)),
            }
        }
        if !acted {
            return Ok(None);
        }
        let mut next_due = None;
        if said > 0 {
            self.send(batch).await?;
            next_due = self.settle(step).await?;
        }
        if !with_letters.is_empty() {
            for (letter, reaction) in with_letters {
                self.react(letter, reaction, now).await?;
            }
            next_due = self.settle(step).await?;
        }
        Ok(next_due)
    }

    fn tells(
        &mut self,
        shopper: usize,
        device: u8,
        known: bool,
        act: &Act,
        now: ShopTime,
    ) -> Vec<(String, serde_json::Value)> {
        self.voice.tells(shopper, device, known, act, now)
    }

    async fn send(&mut self, messages: Vec<(String, serde_json::Value)>) -> anyhow::Result<()> {
        if messages.is_empty() {
            return Ok(());
        }
        let (ids, messages): (Vec<String>, Vec<serde_json::Value>) = messages.into_iter().unzip();
        let batch = serde_json::json!({ "batch": messages }).to_string();
        self.done.accepted += self.browser.track(batch).await?;
        self.done.sent.extend(ids);
        Ok(())
    }

    /// Somebody does something with a message that they got, by what stands in it.
    async fn react(&mut self, letter: usize, reaction: Reaction, now: ShopTime) -> anyhow::Result<()> {
        let Some(letter) = self.letters.get(letter).cloned() else { return Ok(()) };
        match (reaction, letter.channel) {
            (Reaction::Opens, Channel::Email) => {
                let Some(pixel) = &letter.pixel else { return Ok(()) };
                self.browser.get(pixel).await?;
                self.done.told(LOADED);
            }
            // Of a text and of a push nobody hears that they were looked at.
            (Reaction::Opens, _) => return self.report(phones::read(&letter), &[OPENED]).await,
            (Reaction::Clicks(which), _) => {
                let nth = which as usize % letter.links.len().max(1);
                let Some(link) = letter.links.get(nth) else { return Ok(()) };
                self.browser.get(link).await?;
                self.done.told(FOLLOWED);
            }
            (Reaction::UnsubscribesByButton | Reaction::UnsubscribesByPage, Channel::Email) => {
                let Some(link) = &letter.unsubscribe else { return Ok(()) };
                if reaction == Reaction::UnsubscribesByPage {
                    self.browser.get(link).await?;
                    self.browser.post(link, "scope=topic").await?;
                } else {
                    // What RFC 8058 has a mail program send.
                    self.browser.post(link, "List-Unsubscribe=One-Click").await?;
                }
                self.done.told(UNSUBSCRIBED);
            }
            (Reaction::UnsubscribesByButton | Reaction::UnsubscribesByPage, Channel::Push) => {
                let Some(who) = Voice::whose(&letter.to) else { return Ok(()) };
                let told = self.voice.switches_off(who, letter.message, now);
                self.send(vec![told]).await?;
            }
            (Reaction::UnsubscribesByButton | Reaction::UnsubscribesByPage, _) => {
                let answer = phones::answer(&letter, STOP);
                return self.report(answer, &[REPLIED, UNSUBSCRIBED]).await;
            }
        }
        Ok(())
    }

    /// A provider tells something, of which the door makes these events.
    async fn report(&mut self, report: Option<Report>, events: &[&'static str]) -> anyhow::Result<()> {
        if let Some(report) = report {
            self.browser.report(report).await?;
            events.iter().for_each(|event| self.done.told(event));
        }
        Ok(())
    }

    /// Hands the shoppers what has arrived, in an order that no connection's speed decides, and tells the daemon what providers
    /// report of it; answers whether they did.
    async fn take_post(&mut self, step: u32) -> anyhow::Result<bool> {
        let arrived = self.house.sink.take();
        let mut letters = arrived.iter().map(Letter::read).collect::<anyhow::Result<Vec<_>>>()?;
        letters.extend(self.house.phones.take());
        letters.sort_by(|a, b| (&a.to, &a.words, a.message).cmp(&(&b.to, &b.words, b.message)));
        let mut reported = false;
        for letter in letters {
            let arrivals = self.done.arrivals.entry(letter.message).or_default();
            *arrivals += 1;
            let again = *arrivals > 1;
            let Some(who) = Voice::whose(&letter.to).filter(|_| !again) else { continue };
            if let Some(report) = phones::delivered(&letter) {
                self.report(Some(report), &[DELIVERED]).await?;
                reported = true;
            }
            let products = self.voice.names(&letter.words);
            let number = self.shoppers.receives(who, step, letter.channel, &products);
            // Numbers are given in this order.
            debug_assert_eq!(number, self.letters.len());
            self.letters.push(letter);
        }
        Ok(reported)
    }
}
