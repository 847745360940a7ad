//! CSV records over lines, so that each has the number of its first line whatever its line ends are.

use std::io;

use csv_core::ReadRecordResult;
use journeyman_domain::tracking::EVENT_BYTES;
use journeyman_domain::{Reason, Reject};

use super::lines::{Line, Physical, is_blank, not_utf8, too_large};

/// A reader of records (RFC 4180, as the `csv` crate reads it), fed a line at a time.
pub(super) struct Records {
    core: csv_core::Reader,
    /// The values of a record, one behind the other.
    values: Vec<u8>,
    /// Where each value ends.
    ends: Vec<usize>,
}

impl Records {
    pub(super) fn new(delimiter: u8) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        Self { core, values: vec![0; 1 << 12], ends: vec![0; 64] }
    }

    /// The next record and the number of its first line. One of more than [`EVENT_BYTES`], such as one whose quote is
    /// never closed, is given up as broken, and reading goes on with the line after.
    pub(super) fn next(&mut self, physical: &mut Physical) -> io::Result<Option<(u64, Line)>> {
        let (mut first, mut text) = (None, Vec::new());
        let (mut value_bytes, mut count) = (0, 0);
        loop {
            let Some((number, bytes, beyond)) = physical.next()? else {
                let Some(first) = first else { return Ok(None) };
                // The end of the file closes an open quote, as the crate has it.
                self.feed(&[], &mut value_bytes, &mut count);
                return Ok(Some((first, self.take(value_bytes, count))));
            };
            // Between records a blank line is nothing; inside a quoted value it is part of it.
            if first.is_none() && is_blank(&bytes) {
                continue;
            }
            let first = *first.get_or_insert(number);
            text.extend_from_slice(&bytes);
            if beyond > 0 || text.len() > EVENT_BYTES {
                self.core.reset();
                return Ok(Some((first, too_large(text, beyond))));
            }
            let mut whole = bytes;
            if !whole.ends_with(b"\n") {
                // The file's last line.
                whole.push(b'\n');
            }
            match self.feed(&whole, &mut value_bytes, &mut count) {
                None => {}
                // What is left of a line is the line feed behind a carriage return, or more records.
                Some(b"" | b"\n") => return Ok(Some((first, self.take(value_bytes, count)))),
                Some(_) => {
                    self.core.reset();
                    let detail =
                        "carriage returns stand between records. Convert the file's line ends to line feeds.";
                    let reject = Reject::new("", Reason::Malformed, detail);
                    return Ok(Some((first, Line::Broken { text, reject })));
                }
            }
        }
    }

    /// Reads on in `input`; answers what is left of it when the record has ended.
    fn feed<'a>(
        &mut self,
        mut input: &'a [u8],
        value_bytes: &mut usize,
        count: &mut usize,
    ) -> Option<&'a [u8]> {
        loop {
            let (result, read, written, ended) =
                self.core.read_record(input, &mut self.values[*value_bytes..], &mut self.ends[*count..]);
            input = &input[read..];
            *value_bytes += written;
            *count += ended;
            match result {
                ReadRecordResult::InputEmpty => return None,
                ReadRecordResult::OutputFull => self.values.resize(self.values.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record | ReadRecordResult::End => return Some(input),
            }
        }
    }

    fn take(&mut self, value_bytes: usize, count: usize) -> Line {
        let mut record = csv::ByteRecord::with_capacity(value_bytes, count);
        let mut start = 0;
        for end in &self.ends[..count] {
            record.push_field(&self.values[start..*end]);
            start = *end;
        }
        match csv::StringRecord::from_byte_record(record) {
            Ok(record) => Line::Record(record),
            Err(error) => {
                let text = error.into_byte_record().iter().collect::<Vec<_>>().join(&b","[..]);
                Line::Broken { text, reject: not_utf8() }
            }
        }
    }
}
