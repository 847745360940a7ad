//! Where the rows lie that a batch has read. Nobody else writes them while it holds its slices, and vacuum moves none, so
//! that it writes them where they are: a descent of the key's tree less for each.

use std::collections::BTreeMap;

use journeyman_domain::row::{Due, PersonRow, RunRow};
use sqlx::PgConnection;

use crate::{Error, row, statements};

/// A row's address, as Postgres writes it: `(page,line)`.
pub(super) type Place = String;

/// The addresses of what was read in this transaction.
#[derive(Default)]
pub(super) struct Places {
    pub(super) people: BTreeMap<i64, Place>,
    pub(super) runs: BTreeMap<(i64, i32), Place>,
    pub(super) due: BTreeMap<Due, Place>,
}

/// Where a row is that does not exist: nowhere, so that writing it there finds none.
const NOWHERE: &str = "(4294967295,0)";

impl Places {
    /// The place of each; those that this transaction has not read are looked for.
    pub(super) async fn of_people(
        &mut self,
        tx: &mut PgConnection,
        people: &[&PersonRow],
    ) -> Result<Vec<&str>, Error> {
        let ids = people.iter().map(|person| person.person.0);
        let unknown: Vec<i64> = ids.filter(|id| !self.people.contains_key(id)).collect();
        if !unknown.is_empty() {
            let found: Vec<(i64, Place)> =
                sqlx::query_as(statements::PLACES_OF_PEOPLE).bind(unknown).fetch_all(tx).await?;
            self.people.extend(found);
        }
        Ok(people
            .iter()
            .map(|person| self.people.get(&person.person.0).map_or(NOWHERE, String::as_str))
            .collect())
    }

    /// As [`Places::of_people`].
    pub(super) async fn of_runs(
        &mut self,
        tx: &mut PgConnection,
        runs: &[RunRow],
    ) -> Result<Vec<&str>, Error> {
        let key = |run: &RunRow| (run.person.0, row::number(run.number));
        let unknown: Vec<(i64, i32)> =
            runs.iter().map(key).filter(|key| !self.runs.contains_key(key)).collect();
        if !unknown.is_empty() {
            let (people, numbers): (Vec<i64>, Vec<i32>) = unknown.into_iter().unzip();
            let found: Vec<(i64, i32, Place)> =
                sqlx::query_as(statements::PLACES_OF_RUNS).bind(people).bind(numbers).fetch_all(tx).await?;
            self.runs.extend(found.into_iter().map(|(person, number, place)| ((person, number), place)));
        }
        Ok(runs.iter().map(|run| self.runs.get(&key(run)).map_or(NOWHERE, String::as_str)).collect())
    }
}
