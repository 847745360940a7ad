//! How the domain's values travel to Postgres and back.

use std::borrow::Cow;

use jiff_sqlx::ToSqlx;
use journeyman_domain::ShopTime;

use crate::Error;

pub(crate) fn time(at: ShopTime) -> jiff_sqlx::Timestamp {
    at.timestamp().to_sqlx()
}

pub(crate) fn shop_time(at: jiff_sqlx::Timestamp) -> ShopTime {
    ShopTime::new(at.to_jiff())
}

/// A small number of the domain's as `integer`.
pub(crate) fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Text as Postgres takes it: it has no NUL.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// What is said of a code that a later version must have written.
pub(crate) fn unknown(column: &str, code: i16) -> Error {
    Error::Other(sqlx::Error::Decode(
        format!("{column} {code} is unknown; was it written by a later version of this program?").into(),
    ))
}
