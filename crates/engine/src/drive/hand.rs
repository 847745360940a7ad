//! What loops do from time to time, done when somebody says so: where the shop's clock is moved by hand, the machine's must not
//! decide when newer models are used, nor when news of the catalog is told.

use std::sync::atomic::Ordering;
use std::time::Duration;

use journeyman_domain::ShardSet;
use journeyman_store::{Error, REPORT_SILENCE, read};

use super::announce::Announcer;
use super::tell::Teller;
use super::{Engine, WORKERS};
use crate::models;

/// How often it is looked whether all workers have taken the models over.
const LOOK: Duration = Duration::from_millis(1);

impl Engine {
    /// Answers when every worker chooses by the latest models, or the engine is leaving.
    ///
    /// # Errors
    /// As [`Error`] says; the present models go on then.
    pub async fn choose_by_latest(&self) -> Result<(), Error> {
        let before = self.counts.taken_over.load(Ordering::SeqCst);
        let snapshot = read(&self.pools.models, REPORT_SILENCE, models::load).await?;
        self.models.send_replace(Some(models::shared(snapshot)));
        self.ring(ShardSet::ALL);
        let all = before + WORKERS as u64;
        while self.counts.taken_over.load(Ordering::SeqCst) < all && !self.stop.is_cancelled() {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Tells people of journeys that went live and watch them, and of all that has changed in the catalog since it was told last; how many events they will hear.
    ///
    /// # Errors
    /// As [`Error`] says; what was told until then stays told.
    pub async fn tell_now(&self) -> Result<usize, Error> {
        let mut announcer = Announcer::default();
        while let Some(step) = announcer.step(&self.pools.batches, self.clock.now()).await? {
            self.ring(step.shards);
        }
        let mut teller = Teller::default();
        let mut people = 0;
        while let Some(step) = teller.step(&self.pools.batches, self.clock.now()).await? {
            people += step.people;
            self.ring(step.shards);
        }
        Ok(people)
    }
}
