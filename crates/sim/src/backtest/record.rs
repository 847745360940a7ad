//! A recorded stream in memory, small enough for tens of millions of events.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use journeyman_domain::row::StoredEvent;
use journeyman_domain::{Event, EventId, Kind, PersonId, SeenKey, ShopTime};

use super::{History, Register};

/// How much text is kept together, bytes; more than the largest message.
const BLOCK: usize = 1 << 20;

/// What is recorded is more than may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// How many events were kept.
    pub events: usize,
}

/// Events of many people: for each its message, and 64 bytes beside it.
#[derive(Debug, Default)]
pub struct Record {
    kept: Vec<Kept>,
    /// Messages, one behind the other.
    blocks: Vec<String>,
    names: BTreeMap<Arc<str>, u32>,
    named: Vec<Arc<str>>,
    span: Option<(ShopTime, ShopTime)>,
}

/// What an event takes beside its message.
const _: () = assert!(size_of::<Kept>() == 64);

#[derive(Debug)]
struct Kept {
    key: SeenKey,
    at: ShopTime,
    person: u32,
    name: u32,
    /// Where its message stands. Blocks and places only grow: this is the order of the stream.
    block: u32,
    start: u32,
    bytes: u32,
    kind: Kind,
}

impl Record {
    /// Keeps an event of a person. It counts as live: it arrived when it happened.
    ///
    /// # Errors
    /// [`Full`] where `most` bytes are kept already.
    pub fn add(&mut self, person: u32, event: &Event, most: usize) -> Result<(), Full> {
        let full = Full { events: self.kept.len() };
        if self.bytes() >= most {
            return Err(full);
        }
        let name = self.name(&event.name).ok_or(full)?;
        let (block, start) = self.text(&event.payload).ok_or(full)?;
        let at = event.occurred_at;
        let (first, last) = self.span.unwrap_or((at, at));
        self.span = Some((first.min(at), last.max(at)));
        self.kept.push(Kept {
            key: event.key,
            at,
            person,
            name,
            block,
            start,
            bytes: u32::try_from(event.payload.len()).map_err(|_| full)?,
            kind: event.kind,
        });
        Ok(())
    }

    fn name(&mut self, name: &str) -> Option<u32> {
        if let Some(known) = self.names.get(name) {
            return Some(*known);
        }
        let (number, name) = (u32::try_from(self.named.len()).ok()?, Arc::<str>::from(name));
        self.names.insert(name.clone(), number);
        self.named.push(name);
        Some(number)
    }

    /// Where a message stands from now on: its block, and its beginning there.
    fn text(&mut self, text: &str) -> Option<(u32, u32)> {
        if self.blocks.last().is_none_or(|block| block.len() + text.len() > BLOCK) {
            self.blocks.push(String::with_capacity(BLOCK.max(text.len())));
        }
        let nth = u32::try_from(self.blocks.len() - 1).ok()?;
        let block = self.blocks.last_mut()?;
        let start = u32::try_from(block.len()).ok()?;
        block.push_str(text);
        Some((nth, start))
    }

    /// How many bytes are kept.
    pub fn bytes(&self) -> usize {
        self.kept.capacity() * size_of::<Kept>() + self.blocks.len() * BLOCK
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The moments of the first and the last; `None` where there is none.
    pub fn span(&self) -> Option<(ShopTime, ShopTime)> {
        self.span
    }

    /// When the stream has ended: puts each person's events together, by time, and those of a moment as the stream had
    /// them. Answers where each person's stand.
    pub fn by_person(&mut self, register: &Register) -> Vec<Range<usize>> {
        for kept in &mut self.kept {
            kept.person = register.head(kept.person);
        }
        self.kept.sort_unstable_by_key(|kept| (kept.person, kept.at, kept.block, kept.start));
        let mut end = 0;
        let people = self.kept.chunk_by(|one, other| one.person == other.person).map(|of| {
            end += of.len();
            end - of.len()..end
        });
        people.collect()
    }

    /// The history of one person: a place that [`Record::by_person`] answered.
    pub fn history(&self, place: Range<usize>, register: &Register) -> Option<History> {
        let kept = self.kept.get(place)?;
        let person = kept.first()?.person;
        let events = kept.iter().filter_map(|kept| self.event(kept)).collect();
        let assignment_key = register.assignment_key(person);
        Some(History { person: PersonId(i64::from(person)), assignment_key, events })
    }

    fn event(&self, kept: &Kept) -> Option<StoredEvent> {
        let block = self.blocks.get(usize::try_from(kept.block).ok()?)?;
        let start = usize::try_from(kept.start).ok()?;
        let payload = block.get(start..start + usize::try_from(kept.bytes).ok()?)?;
        Some(StoredEvent {
            id: EventId::new(kept.at, kept.key),
            kind: kept.kind,
            name: self.named.get(usize::try_from(kept.name).ok()?)?.clone(),
            occurred_at: kept.at,
            received_at: kept.at,
            historical: false,
            payload: payload.to_owned(),
        })
    }
}
