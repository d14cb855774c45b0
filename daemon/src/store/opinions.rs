//! Opinions: what people say of takes, and what the judge said of the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use studio_core::{
    ids::ContentHash,
    review::Judged,
    shot::ShotPlan,
    units::{Millis, Score},
};

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading},
};

/// What a person says of a take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opinion {
    /// It is good.
    pub good: bool,
    /// Why; may be empty.
    pub why: String,
}

#[derive(sqlx::FromRow)]
struct OpinionRow {
    asset: String,
    good: bool,
    why: String,
}

const SET: &str = "
    insert into opinions (asset, good, why, said_ms) values ($1, $2, $3, $4)
    on conflict (asset) do update set good = excluded.good, why = excluded.why, said_ms = excluded.said_ms";

/// Keeps an opinion, in place of what was said of the same take before.
pub async fn set(tx: &mut Tx<'_>, asset: ContentHash, opinion: &Opinion, now: Millis) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(SET)
        .bind(asset.to_string())
        .bind(opinion.good)
        .bind(&opinion.why)
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// Everything people said, by take.
pub async fn all(db: &Db) -> Result<BTreeMap<ContentHash, Opinion>> {
    let rows: Vec<OpinionRow> =
        on_db!(db, |pool| sqlx::query_as("select asset, good, why from opinions").fetch_all(pool).await)?;
    let opinion = |row: OpinionRow| {
        let asset = Reading { table: "opinions", id: &row.asset }.text("asset", &row.asset)?;
        Ok::<_, Error>((asset, Opinion { good: row.good, why: row.why }))
    };
    rows.into_iter().map(opinion).collect()
}

const JUDGED: &str = "
    select takes.asset, takes.score, opinions.good, shots.plan
      from takes join opinions on opinions.asset = takes.asset join shots on shots.id = takes.shot_id
     where takes.score is not null and takes.subject = $1
     order by takes.asset";

#[derive(sqlx::FromRow)]
struct JudgedRow {
    asset: String,
    score: f64,
    good: bool,
    plan: JsonText,
}

/// Takes that both a judge and a person have judged, each once, with who is in them.
pub async fn judged(db: &Db, subject: studio_core::take::Subject) -> Result<Vec<Judged>> {
    let rows: Vec<JudgedRow> =
        on_db!(db, |pool| sqlx::query_as(JUDGED).bind(super::rows::word(&subject)).fetch_all(pool).await)?;
    let judged = |row: JudgedRow| {
        let plan: ShotPlan = Reading { table: "shots", id: &row.asset }.json("plan", &row.plan)?;
        let character = plan.characters.join(", ");
        Ok::<_, Error>((row.asset, Judged { character, score: Score::from_fraction(row.score), good: row.good }))
    };
    // The same file may be a take of several shots.
    let by_file: BTreeMap<String, Judged> = rows.into_iter().map(judged).collect::<Result<_>>()?;
    Ok(by_file.into_values().collect())
}
