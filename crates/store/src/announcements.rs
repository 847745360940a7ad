//! Telling everybody that journeys went live which watch them: of what, and how far that is.

use journeyman_domain::person::Mark;
use journeyman_domain::{PersonId, ShopTime};
use sqlx::PgConnection;

use crate::{Error, row, statements};

/// How far everybody was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announcement {
    /// Of what, as [`journeyman_domain::plan::Plans::watches`] names it; sorted.
    pub marks: Vec<Mark>,
    /// After whom to go on; `None` when all were told.
    pub after: Option<PersonId>,
    /// How many were told of it.
    pub people: i64,
    /// Whether everybody is told, or those who have runs.
    pub everybody: bool,
}

/// The row.
type Stands = (Vec<Vec<u8>>, Option<i64>, i64, bool);

fn read((marks, after, people, everybody): Stands) -> Announcement {
    let marks = marks.into_iter().filter_map(|mark| Mark::try_from(mark.as_slice()).ok()).collect();
    Announcement { marks, after: after.map(PersonId), people, everybody }
}

/// How far it is.
///
/// # Errors
/// As [`Error`] says.
pub async fn how_far(connection: &mut PgConnection) -> Result<Announcement, Error> {
    Ok(read(sqlx::query_as(statements::ANNOUNCEMENT).fetch_one(connection).await?))
}

/// The same, and keeps others from it until the transaction ends; `None` where somebody else is at it.
///
/// # Errors
/// As [`Error`] says.
pub async fn lock(tx: &mut PgConnection) -> Result<Option<Announcement>, Error> {
    Ok(sqlx::query_as(statements::LOCK_ANNOUNCEMENT).fetch_optional(tx).await?.map(read))
}

/// Says how far it is, and since when where it begins; whoever does holds [`lock`].
///
/// # Errors
/// As [`Error`] says.
pub async fn set(
    tx: &mut PgConnection,
    announcement: &Announcement,
    begun_at: Option<ShopTime>,
) -> Result<(), Error> {
    let marks: Vec<&[u8]> = announcement.marks.iter().map(<[u8; 8]>::as_slice).collect();
    sqlx::query(statements::SET_ANNOUNCEMENT)
        .bind(marks)
        .bind(announcement.after.map(|after| after.0))
        .bind(announcement.people)
        .bind(begun_at.map(row::time))
        .bind(announcement.everybody)
        .execute(tx)
        .await?;
    Ok(())
}

/// The next people with runs under way after somebody, in the order of their numbers.
///
/// # Errors
/// As [`Error`] says.
#[tracing::instrument(level = "debug", skip(connection))]
pub async fn in_flight(
    connection: &mut PgConnection,
    after: PersonId,
    people: usize,
) -> Result<Vec<PersonId>, Error> {
    let next: Vec<i64> = sqlx::query_scalar(statements::NEXT_IN_FLIGHT)
        .bind(after.0)
        .bind(people as i64)
        .fetch_all(connection)
        .await?;
    Ok(next.into_iter().map(PersonId).collect())
}
