//! What people agreed to, for those who show it to them.

use std::collections::BTreeMap;

use journeyman_domain::PersonId;
use journeyman_domain::person::{Consents, Hot, Traits, decode_hot};
use journeyman_domain::plan::Channel;
use journeyman_domain::row::StoredPerson;
use sqlx::postgres::PgPool;

use crate::pool::{REPORT_SILENCE, read};
use crate::suppressions::{self, Suppression};
use crate::{Error, batch, history};

/// What a preference page knows of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Who: whom the person asked for was merged into.
    pub person: PersonId,
    /// What they agreed to, as far as their inputs have been applied.
    pub consents: Consents,
    /// In which language they are spoken to: the trait `locale`, else what their events said.
    pub locale: Option<String>,
    /// Where they are reached, by the traits that say so.
    pub addresses: BTreeMap<Channel, String>,
    /// What of these addresses is suppressed.
    pub suppressed: Vec<Suppression>,
}

/// What is known of a person; `None` of somebody who is nobody.
///
/// # Errors
/// [`Error::Other`] where a later version of this program wrote their state.
#[tracing::instrument(level = "debug", skip(pool))]
pub async fn of(pool: &PgPool, person: PersonId) -> Result<Option<Known>, Error> {
    let stored = read(pool, REPORT_SILENCE, async |connection| {
        let Some(person) = history::person(connection, person).await? else { return Ok(None) };
        let stored = batch::people(connection, &[person], false).await?.pop();
        Ok(stored.map(|stored| (person, stored)))
    });
    let Some((person, stored)) = stored.await? else { return Ok(None) };
    let mut known = known(person, &stored)?;
    for (channel, address) in &known.addresses {
        known.suppressed.extend(suppressions::of_address(pool, *channel, address).await?);
    }
    Ok(Some(known))
}

fn known(person: PersonId, stored: &StoredPerson) -> Result<Known, Error> {
    // Where, but not what: the errors' own words may quote somebody's data.
    let unreadable = |what: &str| Error::Other(sqlx::Error::Decode(format!("{what} can't be read").into()));
    let hot = if stored.version == 0 { Ok(Hot::default()) } else { decode_hot(&stored.hot) };
    let hot = hot.map_err(|_| unreadable("persons.hot"))?;
    let traits = match &stored.traits {
        Some((traits, times)) => Traits::read(traits, times).map_err(|_| unreadable("traits"))?,
        None => Traits::default(),
    };
    let said = |name: &str| traits.get(name).key().map(|value| value.to_string());
    let address = |channel: Channel| Some((channel, said(channel.address_trait()?)?));
    let locale = traits.get("locale").as_text().map(str::to_owned);
    Ok(Known {
        person,
        locale: locale.or_else(|| hot.locale.map(|locale| locale.to_string())),
        addresses: Channel::ALL.into_iter().filter_map(address).collect(),
        consents: hot.consents,
        suppressed: Vec::new(),
    })
}
