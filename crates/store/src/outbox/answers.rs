//! What calls were answered: events of their people, written with the commit that ends the call.

use journeyman_domain::call::{ANSWERED, answered};
use journeyman_domain::{EventId, Kind, Lane, MessageId, PersonId, SeenKey, Shard, ShopTime};
use sqlx::PgConnection;

use super::{Ended, Outcome};
use crate::copy::Rows;
use crate::intake::KIND_EVENT;
use crate::{Error, few, row, statements};

/// Who tells of answers: the source of their events.
const SOURCE: &str = "journeyman";

/// Tells people's intake what their calls were answered, of those that have just ended.
#[tracing::instrument(level = "debug", skip_all)]
pub(super) async fn tell(
    tx: &mut PgConnection,
    outcomes: &[(MessageId, Outcome)],
    ended: &[Ended],
    now: ShopTime,
) -> Result<(), Error> {
    let (mut events, mut intake, mut count) = (Rows::new(9, 0), Rows::new(6, 0), 0);
    for (message, outcome) in outcomes {
        let Outcome::Answered { answer } = outcome else { continue };
        let Some((_, person, ..)) = ended.iter().find(|(ended, ..)| *ended == message.0) else { continue };
        let person = PersonId(*person);
        let event = EventId::new(now, SeenKey::new("call", &message.0.to_string()));
        events
            .row()
            .uuid(event.0)
            .bigint(person.0)
            .timestamptz(now)
            .timestamptz(now)
            .smallint(Kind::Track.code())
            .boolean(false)
            .text(SOURCE)
            .text(ANSWERED)
            .jsonb(&row::text(&answered(*message, answer)));
        intake
            .row()
            .smallint(i16::from(Shard::of(person).0))
            .smallint(Lane::Live.code())
            .smallint(KIND_EVENT)
            .bigint(person.0)
            .uuid(event.0)
            .timestamptz(now);
        count += 1;
    }
    if count > 0 {
        events.send_or(tx, statements::COPY_EVENTS, &few::EVENTS).await?;
        intake.send_or(tx, statements::COPY_INTAKE, &few::INTAKE).await?;
    }
    Ok(())
}
