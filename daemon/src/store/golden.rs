//! Golden: how far each judge agreed with people on the takes they said something of.

use studio_core::{review::Agreement, units::Millis};

use super::{
    Db, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading},
};

const SET: &str = "
    insert into golden (judge, agreement, judged_ms) values ($1, $2, $3)
    on conflict (judge) do update set agreement = excluded.agreement, judged_ms = excluded.judged_ms";

/// Keeps how far a judge agrees, by engine, model and version of the questions.
pub async fn set(tx: &mut Tx<'_>, judge: &str, agreement: &Agreement, now: Millis) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(SET)
        .bind(judge)
        .bind(JsonText::of(agreement))
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// Every judge there was, the newest first.
pub async fn all(db: &Db) -> Result<Vec<(String, Agreement)>> {
    let rows: Vec<(String, JsonText)> =
        on_db!(db, |pool| sqlx::query_as("select judge, agreement from golden order by judged_ms desc, judge")
            .fetch_all(pool)
            .await)?;
    let read = |(judge, agreement): (String, JsonText)| {
        let agreement = Reading { table: "golden", id: &judge }.json("agreement", &agreement)?;
        Ok((judge, agreement))
    };
    rows.into_iter().map(read).collect()
}
