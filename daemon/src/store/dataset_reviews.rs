//! Reviews of many pictures of a dataset: what was asked of the judge, and what came of it.

use studio_core::{
    dataset::{Outcome, Review, ReviewCounts},
    ids::{CharacterId, ReviewId, TaskId},
    units::Millis,
};

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{Reading, met, word},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct ReviewRow {
    id: String,
    character_id: String,
    visit: String,
    asked_ms: i64,
    stopped: bool,
}

impl TryFrom<ReviewRow> for Review {
    type Error = Error;
    fn try_from(row: ReviewRow) -> Result<Self> {
        let reading = Reading { table: "dataset_reviews", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            character_id: reading.text("character_id", &row.character_id)?,
            visit: reading.word("visit", &row.visit)?,
            asked: Millis(row.asked_ms),
            stopped: row.stopped,
            counts: ReviewCounts::default(),
        })
    }
}

const INSERT: &str = "
    insert into dataset_reviews (id, character_id, visit, asked_ms, stopped) values ($1, $2, $3, $4, $5)";

/// Keeps what is asked for; its counts follow from its requests.
pub async fn insert(tx: &mut Tx<'_>, review: &Review) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(INSERT)
        .bind(review.id.to_string())
        .bind(review.character_id.to_string())
        .bind(word(&review.visit))
        .bind(review.asked.0)
        .bind(review.stopped)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// Keeps that a request belongs to a review.
pub async fn add(tx: &mut Tx<'_>, review: ReviewId, task: TaskId) -> Result<()> {
    const TEXT: &str = "update dataset_requests set review_id = $2 where task_id = $1";
    let done = on_tx!(tx, |conn| sqlx::query(TEXT)
        .bind(task.to_string())
        .bind(review.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "request", &task)
}

// What failed because its review was stopped has not failed.
const END: &str = "
    update dataset_requests
       set outcome = case when $2 = 'failed'
                           and exists (select 1 from dataset_reviews r where r.id = review_id and r.stopped)
                          then 'stopped' else $2 end
     where task_id = $1";

/// Keeps what a review of a picture came to.
pub async fn end(tx: &mut Tx<'_>, task: TaskId, outcome: Outcome) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(END).bind(task.to_string()).bind(word(&outcome)).execute(conn).await.map(drop))?;
    Ok(())
}

/// Keeps that a person stopped a review.
pub async fn stop(tx: &mut Tx<'_>, review: ReviewId) -> Result<()> {
    const TEXT: &str = "update dataset_reviews set stopped = $2 where id = $1";
    let done = on_tx!(tx, |conn| sqlx::query(TEXT)
        .bind(review.to_string())
        .bind(true)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "review", &review)
}

async fn counts(db: &Db, review: ReviewId) -> Result<ReviewCounts> {
    const TEXT: &str = "select outcome, count(*) from dataset_requests where review_id = $1 group by outcome";
    let key = review.to_string();
    let rows: Vec<(Option<String>, i64)> = on_db!(db, |pool| sqlx::query_as(TEXT).bind(&key).fetch_all(pool).await)?;
    let reading = Reading { table: "dataset_requests", id: &key };
    let mut counts = ReviewCounts::default();
    for (outcome, count) in rows {
        let count: u32 = reading.number("outcome", count)?;
        counts.asked += count;
        if let Some(outcome) = outcome {
            *counts.count(reading.word("outcome", &outcome)?) += count;
        }
    }
    Ok(counts)
}

/// The review with this id.
pub async fn get(db: &Db, id: ReviewId) -> Result<Review> {
    let review: Review =
        table::one::<ReviewRow, _>(db, "select * from dataset_reviews where id = $1", "review", &id).await?;
    Ok(Review { counts: counts(db, id).await?, ..review })
}

/// The last 30 reviews of a dataset, newest first.
pub async fn of_character(db: &Db, character: CharacterId) -> Result<Vec<Review>> {
    const TEXT: &str = "select * from dataset_reviews where character_id = $1 order by id desc limit 30";
    let mut reviews: Vec<Review> = table::readable_of::<ReviewRow, _>(db, TEXT, &character).await?;
    for review in &mut reviews {
        review.counts = counts(db, review.id).await?;
    }
    Ok(reviews)
}

/// Tasks of a review that are not over.
pub async fn open_of(db: &Db, review: ReviewId) -> Result<Vec<TaskId>> {
    const TEXT: &str = "select task_id from dataset_requests where state = 'open' and review_id = $1";
    let rows: Vec<String> = on_db!(db, |pool| sqlx::query_scalar(TEXT).bind(review.to_string()).fetch_all(pool).await)?;
    tasks(&rows)
}

/// Whether a task belongs to a review that a person stopped.
pub async fn is_stopped(db: &Db, task: TaskId) -> Result<bool> {
    const TEXT: &str = "
        select count(*) from dataset_requests q join dataset_reviews r on r.id = q.review_id
         where q.task_id = $1 and r.stopped";
    let count: i64 = on_db!(db, |pool| sqlx::query_scalar(TEXT).bind(task.to_string()).fetch_one(pool).await)?;
    Ok(count > 0)
}

/// Tasks of reviews that a person stopped, and that are not over all the same.
pub async fn stopped(db: &Db) -> Result<Vec<TaskId>> {
    const TEXT: &str = "
        select q.task_id from dataset_requests q join dataset_reviews r on r.id = q.review_id
         where q.state = 'open' and r.stopped";
    let rows: Vec<String> = on_db!(db, |pool| sqlx::query_scalar(TEXT).fetch_all(pool).await)?;
    tasks(&rows)
}

/// Pictures of a dataset the judge is asked about now.
pub async fn being_judged(db: &Db, character: CharacterId) -> Result<Vec<studio_core::ids::PictureId>> {
    const TEXT: &str = "
        select p.id from dataset_requests q join dataset_pictures p on p.id = q.picture_id
         where q.state = 'open' and not q.makes and q.character_id = $1";
    let rows: Vec<String> =
        on_db!(db, |pool| sqlx::query_scalar(TEXT).bind(character.to_string()).fetch_all(pool).await)?;
    rows.iter().map(|id| Reading { table: "dataset_requests", id }.text("picture_id", id)).collect()
}

fn tasks(rows: &[String]) -> Result<Vec<TaskId>> {
    rows.iter().map(|id| Reading { table: "dataset_requests", id }.text("task_id", id)).collect()
}
