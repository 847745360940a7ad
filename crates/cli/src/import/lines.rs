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
        let mut text = match self {
            Self::Json(json) => json.clone().into_bytes(),
            Self::Record(record) => record.iter().collect::<Vec<_>>().join(",").into_bytes(),
            Self::Broken { text, .. } => text.clone(),
        };
        text.truncate(EVENT_BYTES);
        text
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
        let inner = match self.form {
            Form::Ndjson => {
                Inner::Ndjson { content: Box::new(BufReader::with_capacity(1 << 16, content)), line: 0 }
            }
            Form::Csv { delimiter } => {
                let mut reader =
                    csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(content);
                let columns = reader.headers().with_context(|| self.path.display().to_string())?.clone();
                Inner::Csv { reader: Box::new(reader), columns }
            }
        };
        Ok(Lines { inner, position })
    }

    /// The content, decompressed where the first bytes say it is packed.
    fn open(&self) -> anyhow::Result<(Box<dyn Read>, Rc<Cell<u64>>)> {
        let file = File::open(&self.path).with_context(|| self.path.display().to_string())?;
        let position = Rc::new(Cell::new(0));
        let mut content = BufReader::with_capacity(1 << 16, Counted { file, position: position.clone() });
        let packed =
            content.fill_buf().with_context(|| self.path.display().to_string())?.starts_with(&[0x1f, 0x8b]);
        let content: Box<dyn Read> =
            if packed { Box::new(MultiGzDecoder::new(content)) } else { Box::new(content) };
        Ok((content, position))
    }
}

/// Counts how far in the file reading is.
struct Counted {
    file: File,
    position: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.position.set(self.position.get() + length as u64);
        Ok(length)
    }
}

enum Inner {
    Ndjson { content: Box<BufReader<Box<dyn Read>>>, line: u64 },
    Csv { reader: Box<csv::Reader<Box<dyn Read>>>, columns: csv::StringRecord },
}

/// The lines of a file, numbered from 1; a CSV's head is line 1, a record has the number of its first line.
pub(super) struct Lines {
    inner: Inner,
    position: Rc<Cell<u64>>,
}

impl Lines {
    pub(super) fn columns(&self) -> Option<&csv::StringRecord> {
        match &self.inner {
            Inner::Csv { columns, .. } => Some(columns),
            Inner::Ndjson { .. } => None,
        }
    }

    /// How far in the file as it lies on disk, bytes.
    pub(super) fn position(&self) -> u64 {
        self.position.get()
    }

    /// The next line that is not blank, after line `skip`.
    pub(super) fn next(&mut self, skip: u64) -> io::Result<Option<(u64, Line)>> {
        loop {
            let next = match &mut self.inner {
                Inner::Ndjson { content, line } => json_line(content, line)?,
                Inner::Csv { reader, columns } => record(reader, columns)?,
            };
            match next {
                Some((number, _)) if number <= skip => {}
                next => return Ok(next),
            }
        }
    }
}

/// Reads a line of at most [`EVENT_BYTES`]; the rest of a longer one is passed over, not kept.
fn json_line(content: &mut impl BufRead, line: &mut u64) -> io::Result<Option<(u64, Line)>> {
    loop {
        let mut bytes = Vec::new();
        let read = content.by_ref().take(EVENT_BYTES as u64 + 2).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        *line += 1;
        let whole = bytes.ends_with(b"\n") || read < EVENT_BYTES + 2;
        if !whole {
            let beyond = content.skip_until(b'\n')?;
            let detail = format!("over {EVENT_BYTES} bytes ({}). Send less in it.", read + beyond);
            let reject = Reject::new("", Reason::TooLarge, detail);
            return Ok(Some((*line, Line::Broken { text: bytes, reject })));
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => Line::Json(text.trim().to_owned()),
            Err(error) => Line::Broken { reject: not_utf8(), text: error.into_bytes() },
        };
        return Ok(Some((*line, text)));
    }
}

fn record(
    reader: &mut csv::Reader<Box<dyn Read>>,
    columns: &csv::StringRecord,
) -> io::Result<Option<(u64, Line)>> {
    let mut bytes = csv::ByteRecord::new();
    if !reader.read_byte_record(&mut bytes).map_err(io::Error::other)? {
        return Ok(None);
    }
    let number = bytes.position().map_or(0, csv::Position::line);
    let text = |bytes: &csv::ByteRecord| bytes.iter().collect::<Vec<_>>().join(&b","[..]);
    if bytes.len() != columns.len() {
        let detail =
            format!("{} values for {} columns. Quote what holds a delimiter.", bytes.len(), columns.len());
        let reject = Reject::new("", Reason::Malformed, detail);
        return Ok(Some((number, Line::Broken { text: text(&bytes), reject })));
    }
    let line = match csv::StringRecord::from_byte_record(bytes) {
        Ok(record) => Line::Record(record),
        Err(error) => Line::Broken { text: text(&error.into_byte_record()), reject: not_utf8() },
    };
    Ok(Some((number, line)))
}

fn not_utf8() -> Reject {
    Reject::new("", Reason::Malformed, "not UTF-8. Convert the file, for example with iconv.")
}
