//! Rows: the step between columns and the core's types, where everything inconsistent is named.

use std::{fmt::Display, str::FromStr};

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{
    Decode, Encode, Postgres, Sqlite, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, PgValueFormat, PgValueRef},
    sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef},
    types::Json,
};
use studio_core::{
    ids::ContentHash,
    units::{Score, Seed},
};

use super::{Error, Result};

/// Content of a jsonb column as text, parsed only when it is known which row it belongs to.
#[derive(Debug, Clone)]
pub(super) struct JsonText(String);

impl From<String> for JsonText {
    fn from(json: String) -> Self {
        Self(json)
    }
}

impl JsonText {
    /// The JSON of `value`.
    pub(super) fn of(value: &impl Serialize) -> Self {
        Self(serde_json::to_string(value).expect("what the studio stores is made of plain values with text keys"))
    }
}

impl Type<Sqlite> for JsonText {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }

    fn compatible(_: &SqliteTypeInfo) -> bool {
        // Whatever stands there is read as text and refused by the parser, which can name the row.
        true
    }
}

impl Encode<'_, Sqlite> for JsonText {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> std::result::Result<IsNull, BoxDynError> {
        <String as Encode<Sqlite>>::encode_by_ref(&self.0, buffer)
    }
}

impl Decode<'_, Sqlite> for JsonText {
    fn decode(value: SqliteValueRef<'_>) -> std::result::Result<Self, BoxDynError> {
        // Not as a string: bytes that are no text must reach the parser too, see `compatible`.
        <&[u8] as Decode<Sqlite>>::decode(value).map(|bytes| Self(String::from_utf8_lossy(bytes).into_owned()))
    }
}

impl Type<Postgres> for JsonText {
    fn type_info() -> PgTypeInfo {
        <Json<()> as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for JsonText {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> std::result::Result<IsNull, BoxDynError> {
        // jsonb on the wire is its version, 1, and text: backend/utils/adt/jsonb.c, jsonb_recv.
        buffer.push(1);
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

impl Decode<'_, Postgres> for JsonText {
    fn decode(value: PgValueRef<'_>) -> std::result::Result<Self, BoxDynError> {
        let bytes = match (value.format(), value.as_bytes()?) {
            (PgValueFormat::Binary, [1, text @ ..]) | (PgValueFormat::Text, text) => text,
            (PgValueFormat::Binary, _) => return Err("jsonb of a version other than 1".into()),
        };
        Ok(Self(std::str::from_utf8(bytes)?.to_owned()))
    }
}

/// Which row is being read, for errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'r> {
    /// Name of the table.
    pub table: &'static str,
    /// Primary key of the row as it stands there.
    pub id: &'r str,
}

impl Reading<'_> {
    /// What `why` is wrong with `column` of this row.
    pub(super) fn corrupt(self, column: &'static str, why: impl Display) -> Error {
        Error::Corrupt { table: self.table, column, id: self.id.to_owned(), why: why.to_string() }
    }

    /// The primary key itself, in column `id`.
    pub(super) fn key<T: FromStr<Err: Display>>(self) -> Result<T> {
        self.text("id", self.id)
    }

    /// An id or hash written as text.
    pub(super) fn text<T: FromStr<Err: Display>>(self, column: &'static str, text: &str) -> Result<T> {
        text.parse().map_err(|why| self.corrupt(column, why))
    }

    /// An id or hash that may be absent.
    pub(super) fn maybe<T: FromStr<Err: Display>>(self, column: &'static str, text: Option<&str>) -> Result<Option<T>> {
        text.map(|text| self.text(column, text)).transpose()
    }

    /// A word of an enumeration.
    pub(super) fn word<T: DeserializeOwned>(self, column: &'static str, word: &str) -> Result<T> {
        serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(|why| self.corrupt(column, why))
    }

    /// Something kept as JSON.
    pub(super) fn json<T: DeserializeOwned>(self, column: &'static str, json: &JsonText) -> Result<T> {
        serde_json::from_str(&json.0).map_err(|why| self.corrupt(column, why))
    }

    /// Something kept as JSON that may be absent.
    pub(super) fn maybe_json<T: DeserializeOwned>(
        self,
        column: &'static str,
        json: Option<&JsonText>,
    ) -> Result<Option<T>> {
        json.map(|json| self.json(column, json)).transpose()
    }

    /// A number that fits its unit.
    pub(super) fn number<T: TryFrom<i64>>(self, column: &'static str, number: i64) -> Result<T> {
        T::try_from(number).map_err(|_| self.corrupt(column, format!("{number} is out of range")))
    }

    /// A number that may be absent.
    pub(super) fn maybe_number<T: TryFrom<i64>>(self, column: &'static str, number: Option<i64>) -> Result<Option<T>> {
        number.map(|number| self.number(column, number)).transpose()
    }

    /// A seed, kept as decimal text because bigint is signed.
    pub(super) fn seed(self, column: &'static str, text: &str) -> Result<Seed> {
        text.parse().map(Seed).map_err(|why| self.corrupt(column, format!("'{text}': {why}")))
    }

    /// A score that may be absent.
    pub(super) fn score(self, column: &'static str, fraction: Option<f64>) -> Result<Option<Score>> {
        match fraction {
            Some(fraction) if !(0.0..=1.0).contains(&fraction) => {
                Err(self.corrupt(column, format!("{fraction} is no score between 0 and 1")))
            }
            fraction => Ok(fraction.map(Score::from_fraction)),
        }
    }
}

/// The word an enumeration's value has in the database.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => unreachable!("only enumerations without fields are stored as words"),
    }
}

/// A count as bigint; what is beyond (292 million years of milliseconds) stays at the end of the range.
pub(super) fn bigint(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A hash that may be absent, as text.
pub(super) fn hash(hash: Option<ContentHash>) -> Option<String> {
    hash.map(|hash| hash.to_string())
}

/// Refuses a step from one state to another that `may` forbids, or of a row that is not there.
pub(super) fn step<S: Serialize + DeserializeOwned + Copy>(
    reading: Reading<'_>,
    what: &'static str,
    found: Option<&str>,
    next: S,
    may: fn(S, S) -> bool,
) -> Result<()> {
    let found = found.ok_or_else(|| Error::not_found(what, &reading.id))?;
    if may(reading.word("state", found)?, next) {
        Ok(())
    } else {
        Err(Error::Conflict(format!("{what} {} is {found} and cannot become {}", reading.id, word(&next))))
    }
}

/// Refuses a change that met no row.
pub(super) fn met(rows: u64, what: &'static str, id: &impl ToString) -> Result<()> {
    if rows == 0 { Err(Error::not_found(what, id)) } else { Ok(()) }
}
