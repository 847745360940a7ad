//! The loop of the demo: the shop's time moves, what is due is done, and then the shoppers act.
//!
//! That the same seed gives the same table hangs on this order, not on how fast the machine is. Within a step, what is due
//! comes first and alone; then what is done in the shop, in one request after the other, each shopper's deeds in one of them;
//! then what is done with messages. Each waits until the daemon has come to rest. Events happen at the step's own moment.

use std::collections::BTreeMap;

use indicatif::ProgressBar;
use journeyman_domain::{MessageId, ShopClock as _};
use journeyman_sim::shoppers::{Act, DAY, Deed, Reaction, Shoppers};
use journeyman_store::partitions;

use super::browser::Browser;
use super::house::House;
use super::letter::Letter;
use super::voice::Voice;

/// How many messages a request holds before the next begins with the next shopper.
const BATCH: usize = 200;

/// What was done, for the checker.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// The ids of the events that the door has taken, in the order in which they were sent.
    pub(super) sent: Vec<String>,
    /// How many of them the door counted as new.
    pub(super) accepted: u64,
    /// How often each mail arrived.
    pub(super) arrivals: BTreeMap<MessageId, u64>,
    /// Pixels loaded.
    pub(super) opens: u64,
    /// Links followed.
    pub(super) clicks: u64,
    /// Unsubscribes, either way.
    pub(super) unsubscribes: u64,
}

/// A demo under way.
pub(super) struct Life<'a> {
    house: &'a House,
    shoppers: &'a mut Shoppers,
    voice: Voice,
    browser: Browser,
    bar: ProgressBar,
    letters: Vec<Letter>,
    pub(super) done: Done,
}

impl<'a> Life<'a> {
    pub(super) fn new(house: &'a House, shoppers: &'a mut Shoppers, voice: Voice, bar: ProgressBar) -> Self {
        let browser = Browser::new(house.public);
        Self { house, shoppers, voice, browser, bar, letters: Vec::new(), done: Done::default() }
    }

    /// Lives to the end.
    ///
    /// # Errors
    /// Where the daemon does not answer as it should, or does not come to rest.
    pub(super) async fn live(&mut self) -> anyhow::Result<()> {
        let mut next_due = self.quiet().await?;
        let (mut day, mut last) = (None, 0);
        loop {
            let due =
                next_due.map(|at| self.house.clock.step_of(at)).filter(|step| *step < self.shoppers.end());
            let Some(step) = due.into_iter().chain(self.shoppers.next()).min() else { break };
            let step = step.max(last);
            last = step + 1;
            if day != Some(step / DAY) {
                day = Some(step / DAY);
                self.bar.set_message(format!("day {}", step / DAY + 1));
                partitions::ensure(&self.house.pool, self.house.clock.at(step)).await?;
            }
            self.bar.set_position(u64::from(step));
            self.house.move_to(step);
            if due.is_some_and(|due| due <= step) {
                next_due = self.quiet().await?;
                self.read_mail(step)?;
            }
            next_due = self.act(step).await?.or(next_due);
        }
        // What the last step has set off.
        self.house.move_to(self.shoppers.end());
        self.quiet().await?;
        self.read_mail(self.shoppers.end())
    }

    async fn quiet(&self) -> anyhow::Result<Option<journeyman_domain::ShopTime>> {
        self.house.quiet(self.done.opens + self.done.clicks).await
    }

    /// What the shoppers do; answers when there is more to do, where that may have changed.
    async fn act(&mut self, step: u32) -> anyhow::Result<Option<journeyman_domain::ShopTime>> {
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
            next_due = self.quiet().await?;
        }
        if !with_letters.is_empty() {
            for (letter, reaction) in with_letters {
                self.react(letter, reaction).await?;
            }
            next_due = self.quiet().await?;
        }
        self.read_mail(step)?;
        Ok(next_due)
    }

    fn tells(
        &mut self,
        shopper: usize,
        device: u8,
        known: bool,
        act: &Act,
        now: journeyman_domain::ShopTime,
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

    /// Somebody does something with a mail that they got, by what stands in it.
    async fn react(&mut self, letter: usize, reaction: Reaction) -> anyhow::Result<()> {
        let Some(letter) = self.letters.get(letter) else { return Ok(()) };
        match reaction {
            Reaction::Opens => {
                let Some(pixel) = &letter.pixel else { return Ok(()) };
                self.browser.get(pixel).await?;
                self.done.opens += 1;
            }
            Reaction::Clicks(which) => {
                let nth = which as usize % letter.links.len().max(1);
                let Some(link) = letter.links.get(nth) else { return Ok(()) };
                self.browser.get(link).await?;
                self.done.clicks += 1;
            }
            Reaction::UnsubscribesByButton | Reaction::UnsubscribesByPage => {
                let Some(link) = &letter.unsubscribe else { return Ok(()) };
                if reaction == Reaction::UnsubscribesByPage {
                    self.browser.get(link).await?;
                    self.browser.post(link, "scope=topic").await?;
                } else {
                    // What RFC 8058 has a mail program send.
                    self.browser.post(link, "List-Unsubscribe=One-Click").await?;
                }
                self.done.unsubscribes += 1;
            }
        }
        Ok(())
    }

    /// Hands the shoppers what has arrived, in an order that no connection's speed decides.
    fn read_mail(&mut self, step: u32) -> anyhow::Result<()> {
        let arrived = self.house.sink.take();
        let mut letters = arrived.iter().map(Letter::read).collect::<anyhow::Result<Vec<_>>>()?;
        letters.sort_by(|a, b| (&a.to, &a.subject, a.message).cmp(&(&b.to, &b.subject, b.message)));
        for letter in letters {
            let arrivals = self.done.arrivals.entry(letter.message).or_default();
            *arrivals += 1;
            let again = *arrivals > 1;
            let Some(who) = Voice::whose(&letter.to).filter(|_| !again) else { continue };
            let number = self.shoppers.receives(who, step);
            // Numbers are given in this order.
            debug_assert_eq!(number, self.letters.len());
            self.letters.push(letter);
        }
        Ok(())
    }
}
