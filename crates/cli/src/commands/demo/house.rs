//! The daemon in this process: door, tracked links, reports, catalog, engine, lessons and private listener, as `journeyman serve`
//! has them, on the shop's own time, with a mail server and providers of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use journeyman_api::ingest::{Limits as IngestLimits, WriteKeys};
use journeyman_api::tracking::Limits as TrackingLimits;
use journeyman_api::{Catalog, Health, Ingest, Reports, Tracking, Wake, server};
use journeyman_delivery::{http, smtp};
use journeyman_domain::plan::Stream;
use journeyman_domain::{ShardSet, ShopClock as _, ShopTime};
use journeyman_engine::machine::DispatcherLimits;
use journeyman_engine::outlet::{Email, Outlet, Provider, Relay};
use journeyman_engine::{Engine, Pools, Teacher};
use journeyman_store::tally::{self, Waiting};
use journeyman_store::{Limits, installation, partitions};
use sqlx::postgres::PgPool;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::clock::StepClock;
use super::phones::Phones;
use super::shipped::{self, Choices};
use super::sink::Sink;
use super::voice::DOMAIN;
use crate::commands::archive::console;
use crate::config::{Config, DEV_KEY};
use crate::doorway::Database;

/// The source of the shoppers' events: whose write key they use.
pub(super) const SOURCE: &str = "shop";
/// How long the loop may take to become quiet before something is broken.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is looked whether it is.
const LOOK: Duration = Duration::from_millis(2);
/// How many connections to the mail server.
const CONNECTIONS: usize = 8;
/// How long a provider may take to answer.
const ANSWER: Duration = Duration::from_secs(30);
/// How often the daemon learns, shop time.
const LEARNS: Duration = Duration::from_hours(24);
/// What the shop is for, as the database keeps it.
const ENVIRONMENT: &str = "dev";

/// Where it listens.
pub(super) enum Ports<'a> {
    /// Wherever there is room, reachable from this machine alone.
    Any,
    /// At the configuration's ports.
    Of(&'a Config),
}

/// The daemon.
pub(super) struct House {
    pub(super) public: SocketAddr,
    pub(super) private: SocketAddr,
    pub(super) clock: Arc<StepClock>,
    pub(super) sink: Sink,
    pub(super) phones: Phones,
    pub(super) pool: PgPool,
    teacher: Teacher,
    lessons: PgPool,
    pages: PgPool,
    bell: Engine,
    tracking: Arc<Tracking>,
    spool: PathBuf,
    door: PgPool,
    pools: Pools,
    stop: CancellationToken,
    leave: CancellationToken,
    watched: CancellationToken,
    work: [JoinHandle<()>; 3],
}

impl House {
    /// Opens it: everything listening, the shop's clock at its opening, no journey live yet. `addresses`: the numbers and tokens
    /// that may be written to.
    pub(super) async fn open(
        config: &Config,
        database: Database,
        opens: ShopTime,
        ports: Ports<'_>,
        addresses: Vec<String>,
    ) -> anyhow::Result<Self> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (public, private) = match ports {
            Ports::Any => (any, any),
            // Its write key is known to everybody: events come from this machine alone.
            Ports::Of(config) => {
                (SocketAddr::from((Ipv4Addr::LOCALHOST, config.public.port())), config.private)
            }
        };
        let public = bind(public, "JOURNEYMAN_LISTEN_PUBLIC").await?;
        let private = bind(private, "JOURNEYMAN_LISTEN_PRIVATE").await?;
        let (public_at, private_at) = (public.local_addr()?, private.local_addr()?);

        let clock = Arc::new(StepClock::new(opens));
        partitions::ensure(&database.pool, opens).await?;
        let guard = installation::guard(&database.pool, ENVIRONMENT, opens).await?;

        let sink = Sink::start()?;
        let phones = Phones::start().await?;
        let outlet = outlet(config, (&sink, &phones), public_at, addresses)?;
        let codecs: Vec<_> = outlet.http.values().map(|provider| provider.sender.codec().clone()).collect();
        let keys = outlet.keys.clone();
        let door = journeyman_store::connect(&database.options, Limits::INGEST);
        let pools = Pools::open(&database.options);
        let (stop, leave, watched) =
            (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let limits = DispatcherLimits::default();
        let engine = Engine::new(pools.clone(), clock.clone(), outlet, limits, leave.clone()).by_hand();
        let (bell, ringing) = (engine.clone(), engine.clone());
        let wake: Wake = Arc::new(move |shards| ringing.ring(shards));
        let write_keys = WriteKeys::new([(SOURCE, DEV_KEY)]);
        let ingest =
            Ingest::start(door.clone(), write_keys, clock.clone(), wake.clone(), IngestLimits::DEFAULT);
        let spool = config.data_dir.join("demo-spool").join(Uuid::new_v4().simple().to_string());
        let tracking = Tracking::start(
            database.pool.clone(),
            ingest.clone(),
            keys,
            clock.clone(),
            &spool,
            wake.clone(),
            // The shop's time waits for them: nothing has to be put aside for being late.
            TrackingLimits { patience: PATIENCE, page_patience: PATIENCE, ..TrackingLimits::DEFAULT },
        )?;
        let health =
            Health { pool: database.pool.clone(), ingest: ingest.clone(), guard, stop: stop.clone() };
        let told = Reports::new(
            ingest.clone(),
            database.pool.clone(),
            clock.clone(),
            wake.clone(),
            codecs,
            format!("http://{public_at}"),
        );
        let catalog = Catalog {
            ingest: ingest.clone(),
            keys: WriteKeys::new([(SOURCE, DEV_KEY)]),
            pool: database.pool.clone(),
            clock: clock.clone(),
        };
        let routes = journeyman_api::public(ingest)
            .merge(tracking.routes())
            .merge(told.routes())
            .merge(catalog.routes());
        let lessons = journeyman_store::connect(&database.options, crate::commands::learn::LIMITS);
        let teacher = Teacher::new(lessons.clone(), clock.clone(), LEARNS, wake);
        let pages = journeyman_store::connect(&database.options, Limits::REPORTS);
        let looked_at = journeyman_api::private(health).merge(console(pages.clone(), clock.clone()));
        let work = [
            tokio::spawn(server::serve(public, routes, stop.clone())),
            tokio::spawn(engine.run(Uuid::new_v4)),
            tokio::spawn(server::serve(private, looked_at, watched.clone())),
        ];
        Ok(Self {
            public: public_at,
            private: private_at,
            clock,
            sink,
            phones,
            pool: database.pool,
            teacher,
            lessons,
            pages,
            bell,
            tracking,
            spool,
            door,
            pools,
            stop,
            leave,
            watched,
            work,
        })
    }

    /// Puts the shipped journeys live.
    pub(super) async fn go_live(&self, choices: Choices) -> anyhow::Result<()> {
        shipped::put_live(&self.pool, self.clock.now(), ENVIRONMENT, choices).await
    }

    /// Learns what a day of shop time teaches; answers how many people hear of scores.
    ///
    /// # Errors
    /// As the store's.
    pub(super) async fn learn(&self) -> anyhow::Result<u64> {
        let taught = self.teacher.teach(false, &self.leave).await?;
        self.bell.choose_by_latest().await?;
        Ok(taught.map_or(0, |taught| taught.told as u64))
    }

    /// Tells people of what has changed in the catalog.
    ///
    /// # Errors
    /// As the store's.
    pub(super) async fn tell(&self) -> anyhow::Result<()> {
        self.bell.tell_now().await?;
        Ok(())
    }

    /// Moves the shop's time and wakes who waits for it.
    pub(super) fn move_to(&self, step: u32) {
        self.clock.set(step);
        self.bell.ring(ShardSet::ALL);
    }

    /// Waits until nothing is to be done at this moment of shop time, and so many opens and clicks are written; answers when
    /// there is more to do.
    ///
    /// # Errors
    /// Where it does not become quiet: the daemon is broken.
    pub(super) async fn quiet(&self, hits: u64) -> anyhow::Result<Option<ShopTime>> {
        let began = Instant::now();
        loop {
            let (waiting, counts) = (self.waiting().await?, self.tracking.counts());
            if waiting.is_quiet() && counts.written >= hits {
                return Ok(waiting.next_at);
            }
            anyhow::ensure!(
                began.elapsed() < PATIENCE,
                "the daemon does not come to rest within {} s at {}: {} inputs, {} timers, {} messages wait; \
                 {} of {hits} opens and clicks are written",
                PATIENCE.as_secs(),
                self.clock.now(),
                waiting.inputs,
                waiting.timers,
                waiting.messages,
                counts.written
            );
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn waiting(&self) -> anyhow::Result<Waiting> {
        Ok(tally::waiting(&self.pool, self.clock.now()).await?)
    }

    /// Ends it, all committed.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.stop.cancel();
        let [public, engine, private] = self.work;
        public.await.context("the public listener broke")?;
        self.tracking.finish().await;
        self.leave.cancel();
        engine.await.context("the engine broke")?;
        self.watched.cancel();
        private.await.context("the private listener broke")?;
        drop(self.tracking);
        self.door.close().await;
        self.pools.close().await;
        self.pages.close().await;
        self.lessons.close().await;
        self.pool.close().await;
        let _ = std::fs::remove_dir_all(&self.spool);
        if let Some(spools) = self.spool.parent() {
            // Another demo's may be there.
            let _ = std::fs::remove_dir(spools);
        }
        Ok(())
    }
}

async fn bind(address: SocketAddr, variable: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("can't listen on {address}; free it, or set {variable} to another address"))
}

/// Mail leaves by the sink and the rest by the providers of the shoppers' phones, and only to the shoppers: whatever else there
/// is goes to the inbox.
fn outlet(
    config: &Config,
    (sink, phones): (&Sink, &Phones),
    public: SocketAddr,
    addresses: Vec<String>,
) -> anyhow::Result<Outlet> {
    let address = sink.address();
    let mut relay = smtp::Relay::new(address.ip().to_string(), address.port(), smtp::Tls::None);
    relay.connections = CONNECTIONS;
    let relay = Relay {
        name: address.to_string().into(),
        pool: smtp::Pool::new(relay).context("the demo's mail server")?,
        connections: CONNECTIONS,
        allowed: None,
    };
    let relays = BTreeMap::from([(Stream::Marketing, relay.clone()), (Stream::Transactional, relay)]);
    let providers = phones.codecs()?.into_iter().map(|codec| {
        let channel = codec.channel();
        let sender = http::Sender::new(codec, CONNECTIONS, ANSWER).context("the demo's providers")?;
        Ok((channel, Provider { sender, host: "".into(), connections: CONNECTIONS, allowed: None }))
    });
    let allowed = addresses.into_iter().map(Into::into).chain([DOMAIN.into()]);
    Ok(Outlet {
        production: false,
        redirect: BTreeMap::new(),
        allow_only: allowed.collect::<BTreeSet<_>>(),
        keys: config.channels.links.clone(),
        base: format!("http://{public}").into(),
        email: Some(Email { relays, bounces: None, dkim: Arc::from([]) }),
        http: providers.collect::<anyhow::Result<_>>()?,
        calls: None,
    })
}
