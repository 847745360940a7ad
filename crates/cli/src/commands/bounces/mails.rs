//! Mails, one after the other, from wherever they lie.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, ensure};
use journeyman_channels::bounce::{MAIL_BYTES, mbox};

/// How an mbox begins.
const BEGINNING: &[u8] = b"From ";

/// A mail, and where it lay.
pub(super) struct Mail {
    /// `FILE:LINE` of an mbox, else the file.
    pub(super) place: String,
    /// How far the reading has come: bytes of an mbox, files of a Maildir.
    pub(super) read: u64,
    /// As it came; of one that is too large to be a report a byte more than those may have.
    pub(super) text: Vec<u8>,
}

/// Mails to be read.
pub(super) struct Mails {
    length: Option<u64>,
    mails: Box<dyn Iterator<Item = anyhow::Result<Mail>>>,
}

impl Mails {
    /// Opens an mbox, a Maildir, a file with one mail, or standard input (`-`).
    ///
    /// # Errors
    /// What can't be opened, and a folder that is no Maildir.
    pub(super) fn open(from: &str) -> anyhow::Result<Self> {
        if from == "-" {
            return Self::of_reader("standard input", None, BufReader::new(io::stdin()));
        }
        let path = Path::new(from);
        let can_t = || format!("can't read {from}");
        if path.is_dir() {
            return Self::of_maildir(path);
        }
        let file = File::open(path).with_context(can_t)?;
        let length = file.metadata().with_context(can_t)?.len();
        Self::of_reader(from, Some(length), BufReader::new(file))
    }

    /// How much there is to read, as [`Mail::read`] counts.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    fn of_maildir(path: &Path) -> anyhow::Result<Self> {
        let mut files: Vec<PathBuf> = Vec::new();
        let mut folders = 0;
        for folder in ["new", "cur"].map(|name| path.join(name)) {
            if !folder.is_dir() {
                continue;
            }
            folders += 1;
            let can_t = || format!("can't read the folder {}", folder.display());
            for entry in std::fs::read_dir(&folder).with_context(can_t)? {
                let entry = entry.with_context(can_t)?;
                let hidden = entry.file_name().to_string_lossy().starts_with('.');
                if !hidden && entry.file_type().with_context(can_t)?.is_file() {
                    files.push(entry.path());
                }
            }
        }
        ensure!(folders > 0, "{} is no Maildir: it has neither new nor cur", path.display());
        files.sort();
        let length = Some(files.len() as u64);
        let mails = files.into_iter().zip(1..).map(|(file, read)| {
            let place = file.display().to_string();
            let opened = File::open(&file).with_context(|| format!("can't read {place}"))?;
            Ok(Mail { text: whole(opened).with_context(|| format!("can't read {place}"))?, place, read })
        });
        Ok(Self { length, mails: Box::new(mails) })
    }

    fn of_reader(
        name: &str,
        length: Option<u64>,
        mut reader: impl BufRead + 'static,
    ) -> anyhow::Result<Self> {
        let can_t = format!("can't read {name}");
        let mut head = Vec::new();
        (&mut reader).take(BEGINNING.len() as u64).read_to_end(&mut head).with_context(|| can_t.clone())?;
        let is_mbox = head == BEGINNING;
        let reader = io::Cursor::new(head).chain(reader);
        let place = name.to_owned();
        let mails: Box<dyn Iterator<Item = anyhow::Result<Mail>>> = if is_mbox {
            Box::new(numbered(place, reader))
        } else {
            Box::new(std::iter::once_with(move || {
                let text = whole(reader).context(can_t)?;
                Ok(Mail { place, read: text.len() as u64, text })
            }))
        };
        Ok(Self { length, mails })
    }
}

impl Iterator for Mails {
    type Item = anyhow::Result<Mail>;

    fn next(&mut self) -> Option<Self::Item> {
        self.mails.next()
    }
}

/// The mails of an mbox, with the line each begins at.
fn numbered(name: String, reader: impl BufRead) -> impl Iterator<Item = anyhow::Result<Mail>> {
    let (lines, bytes) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let mut mails = mbox(Counting { reader, lines: lines.clone(), bytes: bytes.clone() });
    let mut line = 1;
    std::iter::from_fn(move || {
        let mail = mails.next()?;
        let place = format!("{name}:{line}");
        // The next one's first line has been read to know that this one is over.
        line = lines.get();
        let text = mail.with_context(|| format!("can't read {place}"));
        Some(text.map(|text| Mail { place, read: bytes.get(), text }))
    })
}

/// A mail, and of one that is larger than any report just enough to see that.
fn whole(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    reader.take(MAIL_BYTES as u64 + 1).read_to_end(&mut text)?;
    Ok(text)
}

/// A reader that knows how far it is.
struct Counting<R> {
    reader: R,
    lines: Rc<Cell<u64>>,
    bytes: Rc<Cell<u64>>,
}

impl<R: BufRead> Counting<R> {
    fn count(&self, read: &[u8]) {
        let lines = read.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.lines.set(self.lines.get() + lines);
        self.bytes.set(self.bytes.get() + read.len() as u64);
    }
}

impl<R: BufRead> Read for Counting<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(into)?;
        self.count(into.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counting<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is in the buffer already: nothing is read for it.
        let read = self.reader.fill_buf().map(|buffer| buffer.get(..amount).unwrap_or_default().to_vec());
        self.count(&read.unwrap_or_default());
        self.reader.consume(amount);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One door: what lies there to the places and first lines of its mails.
    fn check(mails: anyhow::Result<Mails>, expected: &[(&str, &str)]) {
        let mails: Vec<Mail> = mails.unwrap().collect::<Result<_, _>>().unwrap();
        let read: Vec<u64> = mails.iter().map(|mail| mail.read).collect();
        assert!(read.is_sorted(), "{read:?}");
        let got: Vec<(String, String)> = mails
            .into_iter()
            .map(|mail| {
                let text = String::from_utf8(mail.text).unwrap();
                (mail.place, text.lines().next().unwrap_or_default().to_owned())
            })
            .collect();
        let got: Vec<(&str, &str)> =
            got.iter().map(|(place, line)| (place.as_str(), line.as_str())).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn mails_are_found_with_their_places() {
        let reader = |text: &'static str| Mails::of_reader("f", None, text.as_bytes());
        check(reader("Subject: one\n\nbody\nFrom here on\n"), &[("f", "Subject: one")]);
        check(reader(""), &[("f", "")]);
        check(reader("Fro"), &[("f", "Fro")]);
        check(
            reader(
                "From a@b Mon\nSubject: 1\n\n>From x\n\nFrom c@d Tue\nSubject: 2\n\nFrom e@f Wed\nSubject: 3\n",
            ),
            &[("f:1", "Subject: 1"), ("f:6", "Subject: 2"), ("f:9", "Subject: 3")],
        );
        let slow = BufReader::with_capacity(1, "From a\nSubject: 1\n\nFrom b\nSubject: 2\n".as_bytes());
        check(Mails::of_reader("f", None, slow), &[("f:1", "Subject: 1"), ("f:4", "Subject: 2")]);
    }

    #[test]
    fn a_folder_is_a_maildir_or_nothing() {
        let dir = std::env::temp_dir().join(format!("journeyman-mails-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(dir.join("new")).unwrap();
        std::fs::create_dir_all(dir.join("cur")).unwrap();
        std::fs::write(dir.join("new/2"), "Subject: 2\n").unwrap();
        std::fs::write(dir.join("cur/1:2,S"), "Subject: 1\n").unwrap();
        std::fs::write(dir.join("cur/.hidden"), "").unwrap();
        let name = dir.display().to_string();
        let (first, second) = (format!("{name}/cur/1:2,S"), format!("{name}/new/2"));
        check(Mails::open(&name), &[(first.as_str(), "Subject: 1"), (second.as_str(), "Subject: 2")]);
        let none = Mails::open(dir.join("new").to_str().unwrap()).err().unwrap();
        assert!(none.to_string().contains("is no Maildir"), "{none}");
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(Mails::open(&name).is_err());
    }
}
