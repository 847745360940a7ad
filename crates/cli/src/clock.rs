//! Shop time in production: the machine's clock.

use journeyman_domain::{ShopClock, ShopTime};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl ShopClock for SystemClock {
    fn now(&self) -> ShopTime {
        ShopTime::new(jiff::Timestamp::now())
    }
}
