//! People by the names that somebody types, and their addresses as somebody else may read them.

use anyhow::Context as _;
use journeyman_domain::{Identity, PersonId};
use journeyman_store::history;
use sqlx::PgConnection;

/// A person by any of their names.
pub(crate) async fn find(connection: &mut PgConnection, name: &str) -> anyhow::Result<PersonId> {
    let ours = name.strip_prefix("person_").and_then(|number| number.parse().ok()).map(PersonId);
    let found = match (ours, name.strip_prefix("anonymous:")) {
        (Some(id), _) => history::person(connection, id).await?,
        (None, Some(anonymous)) => history::person_named(connection, &Identity::anonymous(anonymous)).await?,
        (None, None) => {
            let external = name.strip_prefix("external:").unwrap_or(name);
            history::person_named(connection, &Identity::external(external)).await?
        }
    };
    found.with_context(|| {
        format!(
            "there is nobody called {name}; name the shop's id of them (userId), anonymous:ID of a browser, or person_N"
        )
    })
}

/// An address that tells who it is only to those who know it: its first letter and its domain, the last two digits of a
/// phone, the first letters of a token.
pub(crate) fn masked(address: &str) -> String {
    let first = |text: &str, letters: usize| text.chars().take(letters).collect::<String>();
    if let Some((name, domain)) = address.rsplit_once('@') {
        return format!("{}•••@{domain}", first(name, 1));
    }
    if address.starts_with('+') || address.chars().all(|letter| letter.is_ascii_digit()) {
        let last = address.chars().count().saturating_sub(2);
        return format!("•••{}", address.chars().skip(last).collect::<String>());
    }
    format!("{}•••", first(address, 4))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_is_masked() {
        for (address, masked) in [
            ("ada@shop.example", "a•••@shop.example"),
            ("ädä@shop.example", "ä•••@shop.example"),
            ("\"a@b\"@shop.example", "\"•••@shop.example"),
            ("+4915112345678", "•••78"),
            ("0151", "•••51"),
            ("1", "•••1"),
            ("fcm:APA91bHun4MxP5egoKMwt2KZFBaFUH", "fcm:•••"),
            ("", "•••"),
        ] {
            assert_eq!(super::masked(address), masked, "{address}");
        }
    }
}
