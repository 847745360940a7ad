//! `senders`: who mail is from.

use std::collections::BTreeMap;
use std::sync::Arc;

use journeyman_domain::plan::{Sender, Stream};

use super::{entries, localized};
use crate::block::{self, Block};
use crate::diagnostic::{ADDRESS, NAME, RATE, Report};
use crate::literal;
use crate::tree::Entry;
use crate::words;

pub(super) fn read(
    entry: &Entry,
    locales: &[Arc<str>],
    report: &mut Report<'_>,
) -> BTreeMap<Arc<str>, Sender> {
    let mut senders = BTreeMap::new();
    for entry in entries(entry, report) {
        let key = block::said(literal::name(&entry.key), NAME, entry.place, report);
        let Some(mut block) = Block::of(&entry.value, "a sender", report) else { continue };
        let sender = sender(&mut block, locales, report);
        block.finish(&words::SENDER_WORDS, &[], report);
        senders.extend(key.zip(sender));
    }
    senders
}

fn sender(block: &mut Block<'_>, locales: &[Arc<str>], report: &mut Report<'_>) -> Option<Sender> {
    let words = &words::SENDER_WORDS;
    let help = "write the address that people see: `from: hello@mail.shop.example`";
    let from = block.require("from", words, help, report);
    let from = from.and_then(|entry| block::parsed(entry, ADDRESS, literal::address, report));
    let help = "write what stands before the address: `name: { en: The Shop }`";
    let name = block.require("name", words, help, report);
    let name = name.map(|entry| localized::read(entry, locales, report));
    let reply_to = block.take("reply_to");
    let reply_to = reply_to.and_then(|entry| block::parsed(entry, ADDRESS, literal::address, report));
    let help = "write `stream: marketing` or `stream: transactional`";
    let streams = [Stream::Marketing, Stream::Transactional].map(|stream| (stream.name(), stream));
    let stream = block.require("stream", words, help, report);
    let stream = stream.and_then(|entry| block::choice(entry, &streams, report));
    let rate = block.take("rate").and_then(|entry| block::parsed(entry, RATE, literal::rate, report));
    Some(Sender { from: from?, name: name?, reply_to, stream: stream?, rate })
}
