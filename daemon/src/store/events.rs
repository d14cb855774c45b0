//! Events: what happened, numbered in the order of commits.

use serde_json::Value;
use studio_core::{journal::EventKind, units::Millis};

use super::{
    AT_ONCE, Db, Error, Result, Tx, on_db, on_tx, on_tx_each,
    rows::{JsonText, Reading},
};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Number without gaps, from 1.
    pub seq: u64,
    /// What kind: the word of an [`EventKind`], or one of another version of the studio.
    pub kind: String,
    /// Id of what it is about.
    pub subject: String,
    /// The event itself: an object.
    pub body: Value,
    /// When it happened, by the studio's clock.
    pub created: Millis,
}

#[derive(sqlx_macros::FromRow)]
struct EventRow {
    seq: i64,
    kind: String,
    subject: String,
    body: JsonText,
    created_ms: i64,
}

impl TryFrom<EventRow> for Event {
    type Error = Error;
    fn try_from(row: EventRow) -> Result<Self> {
        let key = row.seq.to_string();
        let reading = Reading { table: "events", id: &key };
        Ok(Self {
            seq: reading.number("seq", row.seq)?,
            body: reading.json("body", &row.body)?,
            created: Millis(row.created_ms),
            kind: row.kind,
            subject: row.subject,
        })
    }
}

// Writers are one at a time (`Db::begin`), so the next number is free and numbers follow the commits.
const APPEND: &str = "
    insert into events (seq, kind, subject, body, created_ms)
    values ((select coalesce(max(seq), 0) + 1 from events), $1, $2, $3, $4)
    returning seq";

/// Stores an event at the end; its number is returned.
pub async fn append(tx: &mut Tx<'_>, kind: EventKind, subject: &str, body: &Value, now: Millis) -> Result<u64> {
    let seq: i64 = on_tx!(tx, |conn| sqlx::query_scalar(APPEND)
        .bind(kind.word())
        .bind(subject)
        .bind(JsonText::of(body))
        .bind(now.0)
        .fetch_one(conn)
        .await)?;
    Reading { table: "events", id: &seq.to_string() }.number("seq", seq)
}

const APPEND_ALL_SQLITE: &str = "
    insert into events (seq, kind, subject, body, created_ms)
    select (select coalesce(max(seq), 0) from events) + 1 + key, $1, value ->> 'subject', value -> 'body', $3
      from json_each($2) where true order by key";
const APPEND_ALL_POSTGRES: &str = "
    insert into events (seq, kind, subject, body, created_ms)
    select (select coalesce(max(seq), 0) from events) + number, $1, value ->> 'subject', value -> 'body', $3
      from jsonb_array_elements($2) with ordinality as rows (value, number) order by number";

/// Stores events of one kind at the end, in order, hundreds with each statement: subject and body of each.
pub async fn append_all(tx: &mut Tx<'_>, kind: EventKind, all: &[(String, Value)], now: Millis) -> Result<()> {
    for some in all.chunks(AT_ONCE) {
        let rows = some.iter().map(|(subject, body)| serde_json::json!({ "subject": subject, "body": body }));
        let rows = JsonText::of(&rows.collect::<Vec<_>>());
        on_tx_each!(tx, (APPEND_ALL_SQLITE, APPEND_ALL_POSTGRES), |sql, conn| sqlx::query(sql)
            .bind(kind.word())
            .bind(rows)
            .bind(now.0)
            .execute(conn)
            .await
            .map(drop))?;
    }
    Ok(())
}

/// The first `limit` events after number `seq`, oldest first.
pub async fn since(db: &Db, seq: u64, limit: u32) -> Result<Vec<Event>> {
    let rows: Vec<EventRow> =
        on_db!(db, |pool| sqlx::query_as("select * from events where seq > $1 order by seq limit $2")
            .bind(super::rows::bigint(seq))
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await)?;
    rows.into_iter().map(Event::try_from).collect()
}

/// The number of the newest event; 0 when there is none.
pub async fn last(db: &Db) -> Result<u64> {
    let seq: i64 =
        on_db!(db, |pool| sqlx::query_scalar("select coalesce(max(seq), 0) from events").fetch_one(pool).await)?;
    Reading { table: "events", id: &seq.to_string() }.number("seq", seq)
}
