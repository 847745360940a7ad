//! Purchases from a table of any make.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, bail};
use flate2::read::MultiGzDecoder;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use journeyman_learn::{Histories, Purchase};

/// What of the lines may be unreadable before the columns are taken for the wrong ones: a tenth.
const UNREADABLE: u64 = 10;
/// The longest line that is read, bytes.
const LINE: u64 = 1 << 20;

/// Which column holds what: a name of the first line's, or a number from 1.
pub(super) struct Columns<'a> {
    pub(super) customer: &'a str,
    pub(super) date: &'a str,
    pub(super) value: Option<&'a str>,
    pub(super) quantity: Option<&'a str>,
}

/// What a file told.
pub(super) struct Table {
    pub(super) histories: Histories,
    /// Lines that are purchases.
    pub(super) purchases: u64,
    /// Lines below 0: returns.
    pub(super) returns: u64,
    /// Lines that could not be read.
    pub(super) unreadable: u64,
    /// The first of them: where and why.
    pub(super) first_unreadable: Option<String>,
}

/// Columns by their places.
struct Places {
    customer: usize,
    date: usize,
    value: Option<usize>,
    quantity: Option<usize>,
}

enum Line {
    Purchase { customer: String, day: i32, value: f64 },
    Return,
}

/// Reads a file, gzipped or not.
pub(super) fn read(path: &Path, columns: &Columns<'_>) -> anyhow::Result<Table> {
    let named = || path.display().to_string();
    let file = File::open(path).with_context(named)?;
    let bar = ProgressBar::new(file.metadata().with_context(named)?.len());
    bar.set_style(ProgressStyle::with_template("reading purchases {wide_bar} {bytes}/{total_bytes} {eta}")?);
    let mut packed = BufReader::with_capacity(1 << 16, bar.wrap_read(file));
    let gzipped = packed.fill_buf().with_context(named)?.starts_with(&[0x1f, 0x8b]);
    let plain: Box<dyn Read> = if gzipped { Box::new(MultiGzDecoder::new(packed)) } else { Box::new(packed) };
    let read = lines(BufReader::with_capacity(1 << 16, plain), columns).with_context(named)?;
    bar.finish_and_clear();
    Ok(read)
}

fn lines(mut content: impl BufRead, columns: &Columns<'_>) -> anyhow::Result<Table> {
    let (mut numbers, mut purchases): (HashMap<String, u32>, Vec<Purchase>) = Default::default();
    let mut read = Table {
        histories: Histories::default(),
        purchases: 0,
        returns: 0,
        unreadable: 0,
        first_unreadable: None,
    };
    let mut form: Option<(Option<u8>, Places)> = None;
    let (mut bytes, mut number) = (Vec::new(), 0_u64);
    loop {
        bytes.clear();
        let length = (&mut content).take(LINE).read_until(b'\n', &mut bytes)?;
        number += 1;
        if length == 0 {
            break;
        }
        if length as u64 == LINE {
            bail!("line {number} is longer than {LINE} bytes: is this a table?");
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']);
        if text.trim().is_empty() {
            continue;
        }
        let (delimiter, places) = match &form {
            Some(form) => form,
            None => {
                let delimiter = delimiter(text);
                let cells = cells(text, delimiter);
                let (places, names) = places(columns, &cells)?;
                let form = form.insert((delimiter, places));
                if names {
                    continue;
                }
                form
            }
        };
        match line(&cells(text, *delimiter), places) {
            Ok(Line::Purchase { customer, day, value }) => {
                let next = u32::try_from(numbers.len()).context("there are too many customers")?;
                let customer = *numbers.entry(customer).or_insert(next);
                purchases.push(Purchase { customer, day, value });
                read.purchases += 1;
            }
            Ok(Line::Return) => read.returns += 1,
            Err(why) => {
                read.unreadable += 1;
                read.first_unreadable.get_or_insert_with(|| format!("line {number}: {why}"));
            }
        }
    }
    if let Some(first) = &read.first_unreadable
        && read.unreadable * UNREADABLE > read.purchases + read.returns
    {
        bail!("{first}; {} lines are like that: are these the right columns?", read.unreadable);
    }
    if read.purchases == 0 {
        bail!("there is no purchase in it");
    }
    read.histories = Histories::of(purchases);
    Ok(read)
}

/// What stands between cells: the first of these that the first line has, else white space.
fn delimiter(first: &str) -> Option<u8> {
    [b'\t', b';', b','].into_iter().find(|byte| first.as_bytes().contains(byte))
}

fn cells(text: &str, delimiter: Option<u8>) -> Vec<String> {
    let Some(delimiter) = delimiter else {
        return text.split_whitespace().map(str::to_owned).collect();
    };
    if !text.contains('"') {
        return text.split(char::from(delimiter)).map(|cell| cell.trim().to_owned()).collect();
    }
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(text.as_bytes());
    let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().map(|cell| cell.trim().to_owned()).collect()
}

/// Where the columns stand, and whether the first line names them.
fn places(columns: &Columns<'_>, first: &[String]) -> anyhow::Result<(Places, bool)> {
    let wanted = [Some(columns.customer), Some(columns.date), columns.value, columns.quantity];
    let by_number = wanted.iter().flatten().all(|column| column.parse::<usize>().is_ok());
    let place = |column: &str| -> anyhow::Result<usize> {
        if by_number {
            return match column.parse::<usize>() {
                Ok(nth) if (1..=first.len()).contains(&nth) => Ok(nth - 1),
                _ => bail!("there is no column {column}: the first line has {}, counted from 1", first.len()),
            };
        }
        first.iter().position(|name| name == column).with_context(|| {
            let names = first.join(", ");
            format!("there is no column `{column}`; the first line has: {names}. Columns without names are given by number")
        })
    };
    let places = Places {
        customer: place(columns.customer)?,
        date: place(columns.date)?,
        value: columns.value.map(place).transpose()?,
        quantity: columns.quantity.map(place).transpose()?,
    };
    // A table of which only numbers were given may have names all the same.
    let names = !by_number || first.get(places.date).is_some_and(|cell| day(cell).is_err());
    Ok((places, names))
}

fn line(cells: &[String], places: &Places) -> Result<Line, String> {
    let cell = |nth: usize| match cells.get(nth).map(String::as_str) {
        None | Some("") => Err(format!("column {} is empty", nth + 1)),
        Some(cell) => Ok(cell),
    };
    let number = |nth: usize| {
        let number = cell(nth)?.parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| format!("column {} is no number", nth + 1))
    };
    let customer = cell(places.customer)?.to_owned();
    let day = day(cell(places.date)?)?;
    let value = places.value.map(number).transpose()?;
    let quantity = places.quantity.map(number).transpose()?;
    if value.is_some_and(|value| value < 0.0) || quantity.is_some_and(|quantity| quantity < 0.0) {
        return Ok(Line::Return);
    }
    let value = value.unwrap_or(0.0) * quantity.unwrap_or(1.0);
    Ok(Line::Purchase { customer, day, value })
}

/// Days since 1970 of YYYY-MM-DD or YYYYMMDD, whatever time follows.
pub(super) fn day(text: &str) -> Result<i32, String> {
    date(text).map(|date| {
        let days = date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
        i32::try_from(days).unwrap_or(0)
    })
}

/// A date as [`day`] reads it.
pub(super) fn date(text: &str) -> Result<Date, String> {
    let fault =
        || format!("`{}` is no date; write it as YYYY-MM-DD or YYYYMMDD", super::super::cut(text, 20));
    let (format, length) =
        if text.as_bytes().get(4) == Some(&b'-') { ("%Y-%m-%d", 10) } else { ("%Y%m%d", 8) };
    let (date, rest) = text.split_at_checked(length).ok_or_else(fault)?;
    if !(rest.is_empty() || rest.starts_with(['T', ' '])) {
        return Err(fault());
    }
    Date::strptime(format, date).map_err(|_| fault())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, customer: &str, date: &str, value: Option<&str>) -> anyhow::Result<Table> {
        lines(text.as_bytes(), &Columns { customer, date, value, quantity: None })
    }

    #[test]
    fn tables_of_any_make() {
        let tables = [
            (" 7 x 19970101 2 29.33 \r\n 7 x 19970118 1 9.73\r\n\r\n", "1", "3", Some("5")),
            (
                "\u{feff}who,when,worth\n7,1997-01-01 08:26,\"29.33\"\n7,1997-01-18T10:00:00Z,9.73",
                "who",
                "when",
                Some("worth"),
            ),
            ("who;when;worth\n7;1997-01-01;29.33\n7;1997-01-18;9.73\n", "1", "2", Some("3")),
            ("7\t19970101\t29.33\n7\t19970118\t9.73\n", "1", "2", Some("3")),
        ];
        let start = day("1997-01-01").unwrap();
        for (text, customer, date, value) in tables {
            let read = told(text, customer, date, value).unwrap();
            assert_eq!((read.purchases, read.unreadable), (2, 0), "{text}");
            assert_eq!(read.histories.span(), Some((start, start + 17)), "{text}");
            let (_, buyer) = read.histories.at(start + 17).next().unwrap();
            assert_eq!((buyer.repeats, buyer.mean_value), (1, 9.73), "{text}");
        }
        assert_eq!(told("7,20260101,3\n", "1", "2", None).unwrap().purchases, 1);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            ("a,b\n1,2026-01-01\n", "who", "b", "there is no column `who`; the first line has: a, b"),
            ("1,2026-01-01\n", "1", "3", "there is no column 3: the first line has 2"),
            ("1,2026-01-01\n", "0", "2", "there is no column 0"),
            ("", "1", "2", "there is no purchase"),
            ("1,2026-01-01\n2,2026-02-30\n", "1", "2", "line 2: `2026-02-30` is no date"),
            ("1,2026-01-01\n,2026-02-03\n", "1", "2", "line 2: column 1 is empty"),
        ];
        for (text, customer, date, wanted) in cases {
            let error = told(text, customer, date, None).err().unwrap().to_string();
            assert!(error.starts_with(wanted), "{error}");
        }
        // Few are left out, and told of.
        let mut text = "1,2026-01-01\n".repeat(20);
        text.push_str("1,tomorrow\n1,2026-01-01\n");
        let read = told(&text, "1", "2", None).unwrap();
        let first = "line 21: `tomorrow` is no date; write it as YYYY-MM-DD or YYYYMMDD";
        assert_eq!((read.purchases, read.first_unreadable.as_deref()), (21, Some(first)));
    }

    #[test]
    fn returns_are_no_purchases() {
        let text = "t,customer,qty,price\n2026-01-01,7,2,3.5\n2026-01-09,7,-2,3.5\n2026-01-15,7,3,2\n";
        let columns =
            Columns { customer: "customer", date: "t", value: Some("price"), quantity: Some("qty") };
        let read = lines(text.as_bytes(), &columns).unwrap();
        assert_eq!((read.purchases, read.returns), (2, 1));
        let (_, buyer) = read.histories.at(day("20260115").unwrap()).next().unwrap();
        assert_eq!((buyer.repeats, buyer.recency, buyer.mean_value), (1, 2.0, 6.0));
    }
}
