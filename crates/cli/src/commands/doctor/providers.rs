//! Whether providers over HTTP take us: asked by what sends nothing, where they know such a question.

use std::time::Duration;

use futures::future::join_all;
use journeyman_delivery::http::Sender;
use journeyman_domain::ShopClock as _;

use super::{Finding, Health};
use crate::SystemClock;
use crate::config::{Config, Provider};

/// How long an answer may take here.
const PATIENCE: Duration = Duration::from_secs(10);

/// Every provider that is configured.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let now = SystemClock.now().as_millisecond() / 1_000;
    join_all(config.channels.http.values().map(|provider| one(provider, now))).await
}

async fn one(provider: &Provider, now: i64) -> Finding {
    let codec = &provider.codec;
    let (area, name) = (codec.channel().name(), codec.name());
    let broken = |what: String, todo: &str| Finding::new(Health::Broken, area, what, todo);
    let sender = match Sender::new(codec.clone(), 1, provider.answer.min(PATIENCE)) {
        Ok(sender) => sender,
        Err(error) => return broken(format!("{name}: {error}"), ""),
    };
    match sender.probe(now).await {
        Ok(true) => Finding::ok(area, format!("{name} answers and takes our credentials")),
        // No fault of anybody's: there is nothing to be asked without telling somebody something.
        Ok(false) => Finding::ok(
            area,
            format!(
                "{name} is configured; not checked, since it has no call that sends nothing: send-test does"
            ),
        ),
        Err(said) => {
            let todo = if said.starts_with("401") || said.starts_with("403") || said.starts_with("400") {
                "see that the credentials below channels are right and still hold"
            } else {
                "see that the address below channels is right, that this machine reaches it, and what the provider's status page says"
            };
            broken(format!("{name}: {said}"), todo)
        }
    }
}
