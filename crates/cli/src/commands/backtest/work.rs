//! People are independent: every core lets some of them live.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::ProgressBar;
use journeyman_domain::plan::Plans;
use journeyman_sim::backtest::{History, Line, Tally, Timeline, Window, live};
use tokio::sync::mpsc;

use super::feed::Recorded;
use super::goods::Goods;
use super::people::People;

/// How many chunks may wait for a worker, and how many results for whoever counts them.
const AHEAD: usize = 4;

/// To the workers.
pub(super) type Chunks = mpsc::Sender<Chunk>;

/// People whom one worker takes at once.
#[derive(Default)]
pub(super) struct Chunk {
    number: usize,
    people: Vec<(String, History)>,
    /// What their events speak of.
    pub(super) catalog: Timeline,
    /// How many events they have.
    pub(super) events: usize,
}

impl Chunk {
    /// Another one, behind this.
    pub(super) fn next(&self) -> Self {
        Self { number: self.number + 1, ..Self::default() }
    }

    /// The products that their events speak of.
    pub(super) fn products(&self) -> BTreeSet<Arc<str>> {
        self.people.iter().flat_map(|(_, history)| history.products()).collect()
    }

    /// Adds somebody; the name is for `--csv` alone.
    pub(super) fn add(&mut self, name: String, history: History) {
        self.events += history.events.len();
        self.people.push((name, history));
    }
}

/// What came of a chunk, or of all.
#[derive(Default)]
pub(super) struct Came {
    /// What happened, counted.
    pub(super) tally: Tally,
    /// How many people there were.
    pub(super) people: u64,
    /// How many events they had.
    pub(super) events: u64,
    /// What happened to each, where it is to be written.
    lines: Vec<(String, Vec<Line>)>,
}

/// Lets everybody live. What comes of it is the same however many cores there are: chunks are counted in their order.
pub(super) async fn all(
    plans: &Arc<Plans>,
    window: Window,
    (recorded, goods): (&Recorded, &Arc<Goods>),
    mut people: Option<People>,
    bar: &ProgressBar,
) -> anyhow::Result<Came> {
    let named = people.is_some();
    // Where no journey asks of products, none is looked up.
    let asks = plans.demands.products || plans.keeps_interest();
    let goods = (asks && !goods.is_empty()).then(|| goods.clone());
    let (chunks, waiting) = mpsc::channel(AHEAD);
    let (results, mut done) = mpsc::channel(AHEAD);
    let waiting = Arc::new(Mutex::new(waiting));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers: Vec<_> = (0..cores)
        .map(|_| {
            let (plans, waiting, results) = (plans.clone(), waiting.clone(), results.clone());
            tokio::task::spawn_blocking(move || work(&plans, window, named, &waiting, &results))
        })
        .collect();
    drop((waiting, results));
    let count = async {
        let mut all = Came::default();
        let mut early: BTreeMap<usize, Came> = BTreeMap::new();
        let mut next = 0;
        while let Some((number, came)) = done.recv().await {
            bar.inc(came.events);
            early.insert(number, came);
            while let Some(came) = early.remove(&next) {
                next += 1;
                if let Some(people) = &mut people {
                    people.add(&came.lines)?;
                }
                all.people += came.people;
                all.events += came.events;
                all.tally.merge(came.tally);
            }
        }
        if let Some(people) = people {
            people.close()?;
        }
        Ok(all)
    };
    let (_, came) = tokio::try_join!(recorded.feed(window.until, named, goods, chunks), count)?;
    for worker in workers {
        worker.await?;
    }
    Ok(came)
}

/// Takes chunks until there are no more, or nobody wants to hear of them.
fn work(
    plans: &Plans,
    window: Window,
    named: bool,
    waiting: &Mutex<mpsc::Receiver<Chunk>>,
    results: &mpsc::Sender<(usize, Came)>,
) {
    loop {
        let chunk = waiting.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(chunk) = chunk else { return };
        let mut came = Came::default();
        for (name, history) in chunk.people {
            came.people += 1;
            came.events += history.events.len() as u64;
            let lines = live(plans, window, &chunk.catalog, history);
            came.tally.add(&lines, &plans.policies.zone);
            if named && !lines.is_empty() {
                came.lines.push((name, lines));
            }
        }
        if results.blocking_send((chunk.number, came)).is_err() {
            return;
        }
    }
}
