//! The people of the bench: each with one run that waits, minute by minute, and all due at the same moment.

use anyhow::Context as _;
use journeyman_domain::actor::{self, Input};
use journeyman_domain::person::{Person, Position, encode_hot, encode_run};
use journeyman_domain::plan::Plans;
use journeyman_domain::row::{RunRow, StoredEvent};
use journeyman_domain::value::Span;
use journeyman_domain::{EventId, Kind, PersonId, SeenKey, Shard, ShopClock as _, ShopTime};
use journeyman_engine::deploy;
use journeyman_journey::Source;
use journeyman_store::{deployments, slices};
use sqlx::Connection as _;

use super::Size;
use crate::SystemClock;
use crate::bench::scratch::Scratch;

/// How many waits the journey has: as many steps as anybody takes here.
const WAITS: usize = 400;

pub(super) struct Shop {
    /// One of them; the others are the same but for who they are.
    twin: Person,
    plans: Plans,
    begun: ShopTime,
    /// The moment at which everybody is due.
    due: ShopTime,
}

fn journey() -> Source {
    let mut text =
        "journey: bench\nkind: transactional\nenter:\n  on: Bench Began\n  again: always\nsteps:\n"
            .to_owned();
    text.push_str(&"  - wait: 1m\n".repeat(WAITS));
    Source { path: "journeys/bench.yaml".to_owned(), text }
}

impl Shop {
    pub(super) async fn open(scratch: &Scratch, size: Size) -> anyhow::Result<Self> {
        let sources = [journey()];
        let checked = journeyman_journey::check(&sources, None, false);
        let stored = deploy::sources(&checked, &sources);
        let mut connection = scratch.pool.acquire().await?;
        let mut tx = connection.begin().await?;
        slices::lock_all(&mut tx).await?;
        deployments::insert(&mut tx, &crate::bench::label(), &stored, &[]).await?;
        tx.commit().await?;
        drop(connection);
        let compiled = deploy::compile(1, &stored).map_err(|error| anyhow::anyhow!(error))?;
        let plans = Plans::new(compiled);
        let begun = SystemClock.now();
        let mut twin = Person::new(PersonId(1), 1);
        let event = StoredEvent {
            id: EventId::new(begun, SeenKey::new("bench", "began")),
            kind: Kind::Track,
            name: "Bench Began".into(),
            occurred_at: begun,
            received_at: begun,
            historical: false,
            payload: "{}".to_owned(),
        };
        actor::step(&plans, &mut twin, Input::Event(&event), begun, None)?;
        let due = twin.next_due().context("nobody waits")?;
        let shop = Self { twin, plans, begun, due };
        shop.fill(scratch, size).await?;
        Ok(shop)
    }

    /// A moment at which nobody is due.
    pub(super) fn before(&self) -> ShopTime {
        self.begun
    }

    pub(super) fn now(&self) -> ShopTime {
        self.due
    }

    /// Everybody has taken a step; the twin takes it too.
    pub(super) fn next(&mut self) -> anyhow::Result<()> {
        self.twin = self.after()?;
        self.due = self.twin.next_due().context("the journey is at its end; make it longer")?;
        Ok(())
    }

    /// The twin after its next step.
    pub(super) fn after(&self) -> anyhow::Result<Person> {
        let mut twin = self.twin.clone();
        actor::step(&self.plans, &mut twin, Input::Timers(self.due), self.due, None)?;
        Ok(twin)
    }

    pub(super) fn run_of(twin: &Person) -> anyhow::Result<RunRow> {
        let run = twin.runs.first().context("the run is over")?;
        let Position::At { step, .. } = &run.position else { anyhow::bail!("the run is over") };
        Ok(RunRow {
            person: twin.id,
            number: run.number,
            journey: run.journey.clone(),
            plan: run.plan,
            step: step.clone(),
            started_at: run.started_at,
            state: encode_run(run),
        })
    }

    async fn fill(&self, scratch: &Scratch, size: Size) -> anyhow::Result<()> {
        let people = (size.steps + size.waiting) as i64;
        let run = Self::run_of(&self.twin)?;
        let (begun, due) = (time(self.begun), time(self.due));
        sqlx::query("INSERT INTO heads (person_id, assignment_key, born_at) SELECT p, p, $2 FROM generate_series(1, $1) AS p")
            .bind(people)
            .bind(begun)
            .execute(&scratch.slow)
            .await?;
        sqlx::query(
            "INSERT INTO persons (person_id, version, n, assignment_key, has_traits, armed_at, hot)
             SELECT p, 1, $2, p, false,
                    CASE WHEN p % $5 = 0 AND p / $5 <= $6 THEN $3
                         ELSE $7 + (p * 2654435761 % 2000000) * interval '1 second' END,
                    $4
             FROM generate_series(1, $1) AS p",
        )
        .bind(people)
        .bind(self.twin.n)
        .bind(due)
        .bind(encode_hot(&self.twin.hot))
        .bind(size.every())
        .bind(size.steps as i64)
        .bind(time(self.month()))
        .execute(&scratch.slow)
        .await?;
        sqlx::query(
            "INSERT INTO runs (person_id, number, journey, plan, step, started_at, state)
             SELECT p, $2, $3, $4, $5, $6, $7 FROM generate_series(1, $1) AS p",
        )
        .bind(people)
        .bind(run.number as i32)
        .bind(&*run.journey)
        .bind(uuid::Uuid::from_u128(run.plan.0))
        .bind(&*run.step)
        .bind(time(run.started_at))
        .bind(&run.state)
        .execute(&scratch.slow)
        .await?;
        self.fill_due(scratch, size).await?;
        sqlx::raw_sql("VACUUM ANALYZE heads, persons, runs, due").execute(&scratch.slow).await?;
        Ok(())
    }

    /// When the first of those who only wait is due.
    fn month(&self) -> ShopTime {
        Span::Days(30).after(self.due, &jiff::tz::TimeZone::UTC)
    }

    /// Those whose moment has come are scattered evenly among those who wait for a month and more; the same moments as in
    /// their rows.
    async fn fill_due(&self, scratch: &Scratch, size: Size) -> anyhow::Result<()> {
        const ROWS: i64 = 100_000;
        let people = (size.steps + size.waiting) as i64;
        let (month, every) = (self.month(), size.every());
        let moment = |id: &i64| {
            if id % every == 0 && id / every <= size.steps as i64 {
                return time(self.due);
            }
            // Spread, so that their pages are as those of people who came one after the other.
            let later = Span::seconds(id.wrapping_mul(2_654_435_761) % 2_000_000);
            time(later.after(month, &jiff::tz::TimeZone::UTC))
        };
        let mut first = 1;
        while first <= people {
            let ids: Vec<i64> = (first..=people.min(first + ROWS - 1)).collect();
            let shards: Vec<i16> = ids.iter().map(|id| i16::from(Shard::of(PersonId(*id)).0)).collect();
            sqlx::query(
                "INSERT INTO due (shard, due_at, person_id)
                 SELECT * FROM unnest($1::smallint[], $2::timestamptz[], $3::bigint[])",
            )
            .bind(shards)
            .bind(ids.iter().map(moment).collect::<Vec<_>>())
            .bind(&ids)
            .execute(&scratch.slow)
            .await?;
            first += ROWS;
        }
        Ok(())
    }

    /// Everybody took every step, and stands where the twin stands.
    pub(super) async fn check(&self, scratch: &Scratch, size: Size) -> anyhow::Result<()> {
        let run = Self::run_of(&self.twin)?;
        let there: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM persons JOIN runs USING (person_id) JOIN due USING (person_id)
             WHERE n = $1 AND step = $2 AND state = $3 AND due_at = $4 AND armed_at = $4",
        )
        .bind(self.twin.n)
        .bind(&*run.step)
        .bind(&run.state)
        .bind(time(self.due))
        .fetch_one(&scratch.slow)
        .await?;
        anyhow::ensure!(
            there == size.steps as i64,
            "{there} of {} people stand where all should",
            size.steps
        );
        let steps = self.twin.n - 1;
        let journal: i64 =
            sqlx::query_scalar("SELECT count(*) FROM journal").fetch_one(&scratch.slow).await?;
        anyhow::ensure!(
            journal == steps * size.steps as i64,
            "{journal} rows in the journal, not {steps} of each"
        );
        Ok(())
    }
}

pub(super) fn time(at: ShopTime) -> jiff_sqlx::Timestamp {
    jiff_sqlx::ToSqlx::to_sqlx(at.timestamp())
}
