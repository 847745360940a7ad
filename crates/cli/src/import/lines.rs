//! A file's lines, whatever it is packed in.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::Context as _;
use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;
use journeyman_domain::tracking::EVENT_BYTES;
use journeyman_domain::{FileDigest, Reason, Reject};
use sha2::{Digest as _, Sha256};

use super::records::Records;

/// A file's content, decompressed.
type Content = Box<dyn Read>;
/// How far in the file as it lies on disk reading is, bytes.
type Position = Rc<Cell<u64>>;

/// What a file holds.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Ndjson,
    Csv { delimiter: u8 },
}

/// A file to read, as often as needed.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) form: Form,
}

/// One line.
pub(super) enum Line {
    Json(String),
    Record(csv::StringRecord),
    /// Not even a line of the form.
    Broken {
        text: Vec<u8>,
        reject: Reject,
    },
}

impl Line {
    /// The line as it goes into the rejects, at most [`EVENT_BYTES`].
    pub(super) fn text(&self) -> Vec<u8> {
        let text = match self {
            Self::Json(json) => json.clone().into_bytes(),
            Self::Record(record) => record.iter().collect::<Vec<_>>().join(",").into_bytes(),
            Self::Broken { text, .. } => text.clone(),
        };
        let text = text.trim_ascii_end();
        text[..text.len().min(EVENT_BYTES)].to_vec()
    }
}

impl Source {
    /// Tells the form by the name.
    pub(super) fn new(path: PathBuf, delimiter: Option<char>) -> anyhow::Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        let given = delimiter
            .map(|delimiter| u8::try_from(delimiter).ok().filter(u8::is_ascii))
            .map(|byte| byte.context("--delimiter: one ASCII character"))
            .transpose()?;
        let form = match plain.rsplit_once('.').map(|(_, ending)| ending) {
            Some("ndjson" | "jsonl" | "json") => Form::Ndjson,
            Some("csv" | "txt") => Form::Csv { delimiter: given.unwrap_or(b',') },
            Some("tsv") => Form::Csv { delimiter: given.unwrap_or(b'\t') },
            _ => anyhow::bail!(
                "{}: its name does not say what it is; name it .ndjson, .jsonl, .csv or .tsv, with .gz if gzipped",
                path.display()
            ),
        };
        Ok(Self { path, form })
    }

    /// The file's size on disk.
    pub(super) fn bytes(&self) -> anyhow::Result<u64> {
        Ok(std::fs::metadata(&self.path).with_context(|| self.path.display().to_string())?.len())
    }

    /// SHA-256 of the content, decompressed, so that packing a file does not make it another.
    pub(super) fn digest(&self, bar: &ProgressBar) -> anyhow::Result<FileDigest> {
        let (mut content, position) = self.open()?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = content.read(&mut buffer).with_context(|| self.path.display().to_string())?;
            if length == 0 {
                return Ok(FileDigest(hash.finalize().into()));
            }
            hash.update(&buffer[..length]);
            bar.set_position(position.get());
        }
    }

    /// The names of a CSV's columns.
    pub(super) fn columns(&self) -> anyhow::Result<csv::StringRecord> {
        let lines = self.lines()?;
        lines.columns().cloned().context("not a CSV")
    }

    pub(super) fn lines(&self) -> anyhow::Result<Lines> {
        let (content, position) = self.open()?;
        let mut physical = Physical { content: BufReader::with_capacity(1 << 16, content), line: 0 };
        let records = match self.form {
            Form::Ndjson => None,
            Form::Csv { delimiter } => {
                let mut records = Records::new(delimiter);
                let columns =
                    match records.next(&mut physical).with_context(|| self.path.display().to_string())? {
                        Some((_, Line::Record(columns))) => columns,
                        _ => anyhow::bail!("{}: its first line names no columns", self.path.display()),
                    };
                Some((records, columns))
            }
        };
        Ok(Lines { physical, records, position })
    }

    /// The content, decompressed where the first bytes say it is packed.
    fn open(&self) -> anyhow::Result<(Content, Position)> {
        let file = File::open(&self.path).with_context(|| self.path.display().to_string())?;
        let position = Rc::new(Cell::new(0));
        let mut content = BufReader::with_capacity(1 << 16, Counted { file, position: position.clone() });
        let packed =
            content.fill_buf().with_context(|| self.path.display().to_string())?.starts_with(&[0x1f, 0x8b]);
        let content: Content =
            if packed { Box::new(MultiGzDecoder::new(content)) } else { Box::new(content) };
        Ok((content, position))
    }
}

/// Counts how far in the file reading is.
struct Counted {
    file: File,
    position: Position,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.position.set(self.position.get() + length as u64);
        Ok(length)
    }
}

/// The lines of a file, numbered from 1; a CSV's head is line 1, a record has the number of its first line.
pub(super) struct Lines {
    physical: Physical,
    records: Option<(Records, csv::StringRecord)>,
    position: Position,
}

impl Lines {
    pub(super) fn columns(&self) -> Option<&csv::StringRecord> {
        self.records.as_ref().map(|(_, columns)| columns)
    }

    /// How far in the file as it lies on disk, bytes.
    pub(super) fn position(&self) -> u64 {
        self.position.get()
    }

    /// The next line that is not blank, after line `skip`.
    pub(super) fn next(&mut self, skip: u64) -> io::Result<Option<(u64, Line)>> {
        loop {
            let next = match &mut self.records {
                None => json_line(&mut self.physical)?,
                Some((records, columns)) => {
                    records.next(&mut self.physical)?.map(|(number, line)| (number, fitting(line, columns)))
                }
            };
            match next {
                Some((number, _)) if number <= skip => {}
                next => return Ok(next),
            }
        }
    }
}

/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What stands between line feeds.
pub(super) struct Physical {
    content: BufReader<Content>,
    /// How many were read.
    line: u64,
}

impl Physical {
    /// The next, its number, and how many bytes were passed over because it is longer than [`EVENT_BYTES`]. What is passed over is not kept: a file without a line feed is no reason to run out of memory.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Vec<u8>, usize)>> {
        let mut bytes = Vec::new();
        let limit = EVENT_BYTES + 2;
        if self.content.by_ref().take(limit as u64).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        let whole = bytes.ends_with(b"\n") || bytes.len() < limit;
        let beyond = if whole { 0 } else { self.content.skip_until(b'\n')? };
        if self.line == 1 && bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(Some((self.line, bytes, beyond)))
    }
}

pub(super) fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty()
}

fn json_line(physical: &mut Physical) -> io::Result<Option<(u64, Line)>> {
    let (number, bytes, beyond) = loop {
        match physical.next()? {
            None => return Ok(None),
            Some((_, bytes, 0)) if is_blank(&bytes) => {}
            Some(line) => break line,
        }
    };
    if beyond > 0 {
        return Ok(Some((number, too_large(bytes, beyond))));
    }
    let line = match String::from_utf8(bytes) {
        Ok(text) => Line::Json(text.trim().to_owned()),
        Err(error) => Line::Broken { reject: not_utf8(), text: error.into_bytes() },
    };
    Ok(Some((number, line)))
}

fn fitting(line: Line, columns: &csv::StringRecord) -> Line {
    match line {
        Line::Record(record) if record.len() != columns.len() => {
            let detail = format!(
                "{} values for {} columns. Quote what holds a delimiter.",
                record.len(),
                columns.len()
            );
            let text = record.iter().collect::<Vec<_>>().join(",").into_bytes();
            Line::Broken { text, reject: Reject::new("", Reason::Malformed, detail) }
        }
        line => line,
    }
}

pub(super) fn too_large(text: Vec<u8>, beyond: usize) -> Line {
    let detail = format!("over {EVENT_BYTES} bytes ({}). Send less in it.", text.len() + beyond);
    Line::Broken { text, reject: Reject::new("", Reason::TooLarge, detail) }
}

pub(super) fn not_utf8() -> Reject {
    Reject::new("", Reason::Malformed, "not UTF-8. Convert the file, for example with iconv.")
}
