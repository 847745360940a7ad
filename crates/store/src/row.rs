//! How the domain's values travel to Postgres and back.

use jiff_sqlx::ToSqlx;
use journeyman_domain::ShopTime;

pub(crate) fn time(at: ShopTime) -> jiff_sqlx::Timestamp {
    at.timestamp().to_sqlx()
}

pub(crate) fn shop_time(at: jiff_sqlx::Timestamp) -> ShopTime {
    ShopTime::new(at.to_jiff())
}
