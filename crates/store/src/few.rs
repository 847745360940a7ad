//! Few rows: `INSERT … SELECT FROM unnest(…)`, an array a column, made of what was built for COPY.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{Encode, PgConnection, Postgres, Type};

use crate::{Error, statements};

/// Up to how many rows a statement costs less than what COPY needs.
pub(crate) const FEW: usize = 50;

/// The type of a column, with Postgres's numbers of it and of its arrays; fixed for ever.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Boolean,
    Smallint,
    Integer,
    Bigint,
    Text,
    Bytea,
    Uuid,
    Timestamptz,
    Jsonb,
    /// An array, which no array can hold: it is null, or its rows go by COPY. The statement does not name it.
    Array,
}

impl Kind {
    /// Of an element, and of an array of them.
    fn oids(self) -> Option<(u32, u32)> {
        Some(match self {
            Self::Boolean => (16, 1000),
            Self::Smallint => (21, 1005),
            Self::Integer => (23, 1007),
            Self::Bigint => (20, 1016),
            Self::Text => (25, 1009),
            Self::Bytea => (17, 1001),
            Self::Uuid => (2950, 2951),
            Self::Timestamptz => (1184, 1185),
            Self::Jsonb => (3802, 3807),
            Self::Array => return None,
        })
    }
}

/// How few rows go into a table: the statement, and the columns as COPY has them.
pub(crate) struct Few {
    statement: &'static str,
    kinds: &'static [Kind],
}

use Kind::{Array, Bigint, Boolean, Bytea, Integer, Jsonb, Smallint, Text, Timestamptz, Uuid};

pub(crate) const EVENTS: Few = Few {
    statement: statements::INSERT_EVENTS,
    kinds: &[Uuid, Bigint, Timestamptz, Timestamptz, Smallint, Boolean, Text, Text, Jsonb],
};
pub(crate) const INTAKE: Few = Few {
    statement: statements::INSERT_INTAKE,
    kinds: &[Smallint, Smallint, Smallint, Bigint, Uuid, Timestamptz],
};
pub(crate) const RUNS: Few = Few {
    statement: statements::INSERT_RUNS,
    kinds: &[Bigint, Integer, Text, Uuid, Text, Timestamptz, Bytea],
};
pub(crate) const JOURNAL: Few = Few {
    statement: statements::INSERT_JOURNAL,
    kinds: &[Bigint, Bigint, Smallint, Uuid, Timestamptz, Timestamptz, Bigint, Array, Array, Bigint],
};
pub(crate) const OUTBOX: Few = Few {
    statement: statements::INSERT_OUTBOX,
    kinds: &[
        Smallint,
        Uuid,
        Bigint,
        Integer,
        Text,
        Text,
        Integer,
        Smallint,
        Smallint,
        Text,
        Text,
        Boolean,
        Text,
        Text,
        Text,
        Timestamptz,
        Bigint,
    ],
};

/// A column of rows, as an array in Postgres's binary form.
pub(crate) struct Column {
    array: u32,
    rows: i32,
    bytes: Vec<u8>,
}

impl Type<Postgres> for Column {
    fn type_info() -> PgTypeInfo {
        // Each says its own, see `produces`.
        PgTypeInfo::with_name("bytea")
    }
}

impl Encode<'_, Postgres> for Column {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(&self.bytes);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(Oid(self.array)))
    }
}

/// What stands between the header and the end of a COPY, column by column; `None` where these are many rows, or an array
/// stands in one.
pub(crate) fn columns(mut copied: &[u8], few: &Few) -> Option<Vec<Column>> {
    /// One dimension, nulls, the element's type; how many elements, counted from 1.
    const HEADER: usize = 20;
    let mut columns: Vec<Option<Column>> = Vec::with_capacity(few.kinds.len());
    for kind in few.kinds {
        columns.push(kind.oids().map(|(element, array)| {
            let mut bytes = Vec::with_capacity(HEADER + copied.len() / few.kinds.len());
            for word in [1, 1, element, 0, 1] {
                bytes.extend_from_slice(&word.to_be_bytes());
            }
            Column { array, rows: 0, bytes }
        }));
    }
    let mut rows = 0;
    while let Some((_, rest)) = copied.split_first_chunk::<2>() {
        copied = rest;
        rows += 1;
        if rows > FEW {
            return None;
        }
        for column in &mut columns {
            let (length, rest) = copied.split_first_chunk::<4>()?;
            let (value, rest) = rest.split_at_checked(i32::from_be_bytes(*length).max(0) as usize)?;
            copied = rest;
            match column {
                Some(column) => {
                    column.bytes.extend_from_slice(length);
                    column.bytes.extend_from_slice(value);
                    column.rows += 1;
                }
                None if i32::from_be_bytes(*length) >= 0 => return None,
                None => {}
            }
        }
    }
    let columns = columns.into_iter().flatten().map(|mut column| {
        column.bytes[12..16].copy_from_slice(&column.rows.to_be_bytes());
        column
    });
    Some(columns.collect())
}

impl Few {
    /// Inserts them; answers how many there are now more.
    pub(crate) async fn insert(&self, tx: &mut PgConnection, columns: Vec<Column>) -> Result<u64, Error> {
        let query = columns.into_iter().fold(sqlx::query(self.statement), sqlx::query::Query::bind);
        Ok(query.execute(tx).await?.rows_affected())
    }
}
