//! `COPY … FROM STDIN (FORMAT binary)`: the quickest way in for many rows. Against `INSERT … SELECT FROM unnest(…)` it
//! spares the server the arrays, and rows go to a page together instead of one by one. Few rows go in by that `INSERT`
//! where there is one: it is planned once, and one round trip in place of two.

use journeyman_domain::ShopTime;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Error;
use crate::few::{self, Few};

/// What every binary COPY begins with: signature, no flags, no extension.
const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// From 1970 to 2000, where Postgres's binary times begin, microseconds.
const EPOCH_2000: i64 = 946_684_800_000_000;
/// Postgres's numbers of the types of arrays' elements; fixed for ever.
const SMALLINT: i32 = 21;
const BIGINT: i32 = 20;
const TEXT: i32 = 25;
const DOUBLE: i32 = 701;

/// Rows in COPY's binary form, built value by value in the order of the statement's columns.
pub(crate) struct Rows {
    bytes: Vec<u8>,
    columns: i16,
}

impl Rows {
    pub(crate) fn new(columns: i16, bytes: usize) -> Self {
        let mut rows = Self { bytes: Vec::with_capacity(bytes), columns };
        rows.bytes.extend_from_slice(HEADER);
        rows
    }

    /// Begins the next row; as many values as there are columns follow.
    pub(crate) fn row(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(&self.columns.to_be_bytes());
        self
    }

    fn value(&mut self, prefix: &[u8], bytes: &[u8]) -> &mut Self {
        // A value's length is bounded far below 2 GiB at the door.
        let length = i32::try_from(prefix.len() + bytes.len()).unwrap_or(i32::MAX);
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(prefix);
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(crate) fn null(&mut self) -> &mut Self {
        self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        self
    }

    /// The value, or null.
    pub(crate) fn maybe<T>(
        &mut self,
        value: Option<T>,
        write: impl FnOnce(&mut Self, T) -> &mut Self,
    ) -> &mut Self {
        match value {
            Some(value) => write(self, value),
            None => self.null(),
        }
    }

    pub(crate) fn uuid(&mut self, value: Uuid) -> &mut Self {
        self.value(&[], value.as_bytes())
    }

    pub(crate) fn bigint(&mut self, value: i64) -> &mut Self {
        self.value(&[], &value.to_be_bytes())
    }

    pub(crate) fn smallint(&mut self, value: i16) -> &mut Self {
        self.value(&[], &value.to_be_bytes())
    }

    pub(crate) fn integer(&mut self, value: i32) -> &mut Self {
        self.value(&[], &value.to_be_bytes())
    }

    pub(crate) fn double(&mut self, value: f64) -> &mut Self {
        self.value(&[], &value.to_be_bytes())
    }

    pub(crate) fn bytea(&mut self, value: &[u8]) -> &mut Self {
        self.value(&[], value)
    }

    pub(crate) fn boolean(&mut self, value: bool) -> &mut Self {
        self.value(&[], &[u8::from(value)])
    }

    pub(crate) fn timestamptz(&mut self, value: ShopTime) -> &mut Self {
        self.bigint(value.timestamp().as_microsecond() - EPOCH_2000)
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.value(&[], value.as_bytes())
    }

    /// JSON text, as version 1 of jsonb's binary form has it.
    pub(crate) fn jsonb(&mut self, value: &str) -> &mut Self {
        self.value(&[1], value.as_bytes())
    }

    pub(crate) fn smallints(&mut self, values: &[i16]) -> &mut Self {
        self.array(SMALLINT, values, |rows, value| rows.smallint(*value))
    }

    pub(crate) fn bigints(&mut self, values: &[i64]) -> &mut Self {
        self.array(BIGINT, values, |rows, value| rows.bigint(*value))
    }

    pub(crate) fn doubles(&mut self, values: &[f64]) -> &mut Self {
        self.array(DOUBLE, values, |rows, value| rows.double(*value))
    }

    pub(crate) fn texts<T: AsRef<str>>(&mut self, values: &[T]) -> &mut Self {
        self.array(TEXT, values, |rows, value| rows.text(value.as_ref()))
    }

    /// An array of one dimension, counted from 1, without nulls; one without elements has no dimension.
    fn array<T>(
        &mut self,
        element: i32,
        values: &[T],
        write: impl for<'a> Fn(&'a mut Self, &T) -> &'a mut Self,
    ) -> &mut Self {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        let dimensions = i32::from(!values.is_empty());
        for header in [dimensions, 0, element] {
            self.bytes.extend_from_slice(&header.to_be_bytes());
        }
        if !values.is_empty() {
            let length = i32::try_from(values.len()).unwrap_or(i32::MAX);
            self.bytes.extend_from_slice(&length.to_be_bytes());
            self.bytes.extend_from_slice(&1_i32.to_be_bytes());
        }
        for value in values {
            write(self, value);
        }
        let length = i32::try_from(self.bytes.len() - start - 4).unwrap_or(i32::MAX);
        self.bytes[start..start + 4].copy_from_slice(&length.to_be_bytes());
        self
    }

    /// Sends the rows; answers how many arrived.
    pub(crate) async fn send(mut self, tx: &mut PgConnection, statement: &'static str) -> Result<u64, Error> {
        self.bytes.extend_from_slice(&(-1_i16).to_be_bytes());
        let mut copy = tx.copy_in_raw(statement).await?;
        copy.send(self.bytes).await?;
        Ok(copy.finish().await?)
    }

    /// As [`Rows::send`], by `few` where they are.
    pub(crate) async fn send_or(
        self,
        tx: &mut PgConnection,
        statement: &'static str,
        few: &Few,
    ) -> Result<u64, Error> {
        match few::columns(&self.bytes[HEADER.len()..], few) {
            Some(columns) => few.insert(tx, columns).await,
            None => self.send(tx, statement).await,
        }
    }
}
