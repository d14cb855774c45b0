//! Opinions: what people say of takes, and what the judge said of the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use studio_core::{
    ids::ContentHash,
    order::ReviewOrder,
    review::{Issue, Judged},
    shot::ShotPlan,
    units::{Millis, Score},
};

use super::{
    Db, Error, Result, Tx, on_db, on_db_each, on_tx,
    rows::{JsonText, Reading},
};

/// What a person says of a take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Opinion {
    /// It is good.
    pub good: bool,
    /// Why; may be empty.
    pub why: String,
    /// What is wrong with it; empty leaves that to the judge.
    #[serde(default)]
    pub issues: Vec<Issue>,
}

#[derive(sqlx_macros::FromRow)]
struct OpinionRow {
    asset: String,
    good: bool,
    why: String,
    issues: JsonText,
}

const SET: &str = "
    insert into opinions (asset, good, why, issues, review, said_ms) values ($1, $2, $3, $4, $5, $6)
    on conflict (asset) do update set good = excluded.good, why = excluded.why, issues = excluded.issues,
                                      review = coalesce(excluded.review, opinions.review), said_ms = excluded.said_ms";

/// Keeps an opinion, in place of what was said of the same take before, and how the take was shown to the judge.
pub async fn set(
    tx: &mut Tx<'_>,
    asset: ContentHash,
    opinion: &Opinion,
    review: Option<&ReviewOrder>,
    now: Millis,
) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(SET)
        .bind(asset.to_string())
        .bind(opinion.good)
        .bind(&opinion.why)
        .bind(JsonText::of(&opinion.issues))
        .bind(review.map(JsonText::of))
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

const IMPORT: &str = "
    insert into opinions (asset, good, why, issues, said_ms) values ($1, $2, $3, $4, $5)
        on conflict (asset) do nothing";

/// Keeps an opinion that comes with an archive, unless something was said of the same take here.
pub async fn import(tx: &mut Tx<'_>, asset: ContentHash, opinion: &Opinion, now: Millis) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(IMPORT)
        .bind(asset.to_string())
        .bind(opinion.good)
        .bind(&opinion.why)
        .bind(JsonText::of(&opinion.issues))
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// Forgets what was said of a take; nothing said is nothing to forget.
pub async fn forget(tx: &mut Tx<'_>, asset: ContentHash) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query("delete from opinions where asset = $1")
        .bind(asset.to_string())
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

fn by_take(rows: Vec<OpinionRow>) -> Result<BTreeMap<ContentHash, Opinion>> {
    let opinion = |row: OpinionRow| {
        let reading = Reading { table: "opinions", id: &row.asset };
        let issues = reading.json("issues", &row.issues)?;
        Ok::<_, Error>((reading.text("asset", &row.asset)?, Opinion { good: row.good, why: row.why, issues }))
    };
    rows.into_iter().map(opinion).collect()
}

/// Everything people said, by take.
pub async fn all(db: &Db) -> Result<BTreeMap<ContentHash, Opinion>> {
    by_take(on_db!(db, |pool| sqlx::query_as("select asset, good, why, issues from opinions").fetch_all(pool).await)?)
}

const OF_SQLITE: &str = "
    select asset, good, why, issues from opinions where asset in (select value from json_each($1))";
const OF_POSTGRES: &str = "
    select asset, good, why, issues from opinions where asset in (select jsonb_array_elements_text($1))";

/// What people said of these takes, by take.
pub async fn of(db: &Db, takes: &[ContentHash]) -> Result<BTreeMap<ContentHash, Opinion>> {
    let list = JsonText::of(&takes);
    by_take(on_db_each!(db, (OF_SQLITE, OF_POSTGRES), |sql, pool| sqlx::query_as(sql)
        .bind(list)
        .fetch_all(pool)
        .await)?)
}

/// How a take was shown to the judge, newest opinions first: at most `most` that are good and as many that are not.
pub async fn golden(db: &Db, most: u32) -> Result<Vec<(ReviewOrder, bool)>> {
    let mut golden = Vec::new();
    for good in [true, false] {
        let rows: Vec<(String, JsonText)> = on_db!(db, |pool| {
            sqlx::query_as(
            "select asset, review from opinions where review is not null and good = $1 order by said_ms desc, asset limit $2"
        )
        .bind(good)
        .bind(i64::from(most))
        .fetch_all(pool)
        .await
        })?;
        for (asset, review) in rows {
            golden.push((Reading { table: "opinions", id: &asset }.json("review", &review)?, good));
        }
    }
    Ok(golden)
}

const JUDGED: &str = "
    select takes.asset, takes.score, opinions.good, shots.plan
      from takes join opinions on opinions.asset = takes.asset join shots on shots.id = takes.shot_id
     where takes.score is not null and takes.subject = $1
     order by takes.asset";

#[derive(sqlx_macros::FromRow)]
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
