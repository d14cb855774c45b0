//! Answers: what was answered to requests that named an idempotency key.

use studio_core::{ids::ContentHash, units::Millis};

use super::{Db, Result, Tx, on_db, on_tx, rows::Reading};

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Hash of method, address and body.
    pub request: ContentHash,
    /// HTTP status of the answer, e.g. 202.
    pub status: u16,
    /// Content type; empty without a body.
    pub kind: String,
    /// Body of the answer, as text.
    pub body: String,
}

const INSERT: &str = "
    insert into answers (key, request, status, kind, body, answered_ms) values ($1, $2, $3, $4, $5, $6)
    on conflict (key) do nothing";

/// Keeps an answer, and forgets those from before `forget`.
pub async fn keep(tx: &mut Tx<'_>, key: &str, answer: &Answer, now: Millis, forget: Millis) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query("delete from answers where answered_ms < $1")
        .bind(forget.0)
        .execute(conn)
        .await
        .map(drop))?;
    on_tx!(tx, |conn| sqlx::query(INSERT)
        .bind(key)
        .bind(answer.request.to_string())
        .bind(i64::from(answer.status))
        .bind(&answer.kind)
        .bind(&answer.body)
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// The answer to a key since `forget`.
pub async fn get(db: &Db, key: &str, forget: Millis) -> Result<Option<Answer>> {
    type Row = (String, i64, String, String);
    let row: Option<Row> = on_db!(db, |pool| sqlx::query_as(
        "select request, status, kind, body from answers where key = $1 and answered_ms >= $2"
    )
    .bind(key)
    .bind(forget.0)
    .fetch_optional(pool)
    .await)?;
    let reading = Reading { table: "answers", id: key };
    row.map(|(request, status, kind, body)| {
        Ok(Answer {
            request: reading.text("request", &request)?,
            status: reading.number("status", status)?,
            kind,
            body,
        })
    })
    .transpose()
}
