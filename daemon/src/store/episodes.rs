//! Episodes: what becomes one file in the library.

use std::collections::BTreeSet;

use studio_core::{
    episode::{Episode, EpisodeState},
    ids::{AttemptId, ContentHash, EpisodeId, ProjectId},
    production::{FilmRemark, KeptRemark},
    units::Frames,
};

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading, bigint, hash, met, word},
    table::{self, Stated, stated},
};

#[derive(sqlx_macros::FromRow)]
struct EpisodeRow {
    id: String,
    project_id: String,
    season: i64,
    number: i64,
    title: String,
    plot: String,
    aired: String,
    state: String,
    film: Option<String>,
    thumbnail: Option<String>,
    actual_frames: Option<i64>,
    published: Option<String>,
    remarks: JsonText,
}

impl TryFrom<EpisodeRow> for Episode {
    type Error = Error;
    fn try_from(row: EpisodeRow) -> Result<Self> {
        let reading = Reading { table: "episodes", id: &row.id };
        let kept: Vec<KeptRemark> = reading.json("remarks", &row.remarks)?;
        let remarked: Vec<FilmRemark> = kept.into_iter().map(FilmRemark::from).collect();
        Ok(Self {
            id: reading.key()?,
            project_id: reading.text("project_id", &row.project_id)?,
            season: reading.number("season", row.season)?,
            number: reading.number("number", row.number)?,
            state: reading.word("state", &row.state)?,
            film: reading.maybe("film", row.film.as_deref())?,
            thumbnail: reading.maybe("thumbnail", row.thumbnail.as_deref())?,
            actual_frames: reading.maybe_number("actual_frames", row.actual_frames)?,
            remarks: remarked.iter().map(FilmRemark::to_string).collect(),
            remarked,
            title: row.title,
            plot: row.plot,
            aired: row.aired,
            published: row.published,
        })
    }
}

const UPSERT: &str = "
    insert into episodes (id, project_id, season, number, title, plot, aired, state,
                          film, thumbnail, actual_frames, published, remarks)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (project_id, season, number)
    do update set title = excluded.title, plot = excluded.plot, aired = excluded.aired
    returning *";

/// Stores an episode by project, season and number; the stored one is returned.
///
/// One that is there keeps its id and everything that was made of it: only title, plot and date change.
pub async fn upsert(tx: &mut Tx<'_>, episode: &Episode) -> Result<Episode> {
    let row: EpisodeRow = on_tx!(tx, |conn| sqlx::query_as(UPSERT)
        .bind(episode.id.to_string())
        .bind(episode.project_id.to_string())
        .bind(i64::from(episode.season))
        .bind(i64::from(episode.number))
        .bind(&episode.title)
        .bind(&episode.plot)
        .bind(&episode.aired)
        .bind(word(&episode.state))
        .bind(hash(episode.film))
        .bind(hash(episode.thumbnail))
        .bind(episode.actual_frames.map(bigint))
        .bind(episode.published.as_deref())
        .bind(JsonText::of(&episode.to_keep()))
        .fetch_one(conn)
        .await)?;
    row.try_into()
}

/// The episode with this id.
pub async fn get(db: &Db, id: EpisodeId) -> Result<Episode> {
    table::one::<EpisodeRow, _>(db, "select * from episodes where id = $1", "episode", &id).await
}

const LIST: &str = "select * from episodes order by project_id, season, number";

/// All episodes, by project, season and number.
pub async fn list(db: &Db) -> Result<Vec<Episode>> {
    let rows: Vec<EpisodeRow> = on_db!(db, |pool| sqlx::query_as(LIST).fetch_all(pool).await)?;
    rows.into_iter().map(Episode::try_from).collect()
}

/// The same without those that cannot be read, for lists.
pub async fn readable(db: &Db) -> Result<Vec<Episode>> {
    table::readable(on_db!(db, |pool| sqlx::query_as::<_, EpisodeRow>(LIST).fetch_all(pool).await)?)
}

const OF_PROJECT: &str = "select * from episodes where project_id = $1 order by season, number";

/// All episodes of a project, by season and number.
pub async fn of_project(db: &Db, project: ProjectId) -> Result<Vec<Episode>> {
    table::all_of::<EpisodeRow, _>(db, OF_PROJECT, &project).await
}

/// Those of them that can be read, for lists that people look at.
pub async fn readable_of_project(db: &Db, project: ProjectId) -> Result<Vec<Episode>> {
    table::readable_of::<EpisodeRow, _>(db, OF_PROJECT, &project).await
}

const STATES: Stated = stated!("episodes", "episode");

/// Moves an episode to another state; [`Error::Conflict`] when it may not go there from where it is.
pub async fn set_state(tx: &mut Tx<'_>, id: EpisodeId, next: EpisodeState) -> Result<()> {
    STATES.set_state(tx, &id, next, EpisodeState::may_become).await
}

/// Keeps that an episode is being stopped, or that it no longer is.
pub async fn set_stopping(tx: &mut Tx<'_>, id: EpisodeId, stopping: bool) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("update episodes set stopping = $2 where id = $1")
        .bind(id.to_string())
        .bind(stopping)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "episode", &id)
}

/// Episodes that were being stopped, by id.
pub async fn stopping(db: &Db) -> Result<Vec<EpisodeId>> {
    let ids: Vec<String> = on_db!(db, |pool| sqlx::query_scalar("select id from episodes where stopping order by id")
        .fetch_all(pool)
        .await)?;
    ids.iter().map(|id| Reading { table: "episodes", id }.key()).collect()
}

const SET_FILM: &str = "
    update episodes set film = $2, thumbnail = $3, actual_frames = $4, remarks = $5 where id = $1";

/// Stores the assembled film, its picture, its measured length and what is missing in it; the state is [`set_state`]'s.
pub async fn set_film(
    tx: &mut Tx<'_>,
    id: EpisodeId,
    film: ContentHash,
    thumbnail: Option<ContentHash>,
    frames: Frames,
    remarks: &[FilmRemark],
) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_FILM)
        .bind(id.to_string())
        .bind(film.to_string())
        .bind(hash(thumbnail))
        .bind(bigint(frames.0))
        .bind(JsonText::of(&remarks))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "episode", &id)
}

const SET_REMARKS: &str = "update episodes set remarks = $2 where id = $1";

/// Stores what is missing in an episode or not as it was asked for.
pub async fn set_remarks(tx: &mut Tx<'_>, id: EpisodeId, remarks: &[FilmRemark]) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_REMARKS)
        .bind(id.to_string())
        .bind(JsonText::of(&remarks))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "episode", &id)
}

const BEGIN_PUBLICATION: &str =
    "update episodes set publication = $2, library_root = $3, published_files = $4 where id = $1";

/// Stores that an attempt begins to put the episode into the library at `root`, and every file that may be there from
/// now on.
pub async fn begin_publication(
    tx: &mut Tx<'_>,
    id: EpisodeId,
    attempt: AttemptId,
    root: &str,
    files: &[String],
) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(BEGIN_PUBLICATION)
        .bind(id.to_string())
        .bind(attempt.to_string())
        .bind(root)
        .bind(JsonText::of(&files))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "episode", &id)
}

const IN_LIBRARY: &str = "select count(*) from episodes where library_root = $1 and published_files is not null";

/// Whether something was put into the library at `root` and not taken out of it.
pub async fn is_library(db: &Db, root: &str) -> Result<bool> {
    let found: i64 = on_db!(db, |pool| sqlx::query_scalar(IN_LIBRARY).bind(root).fetch_one(pool).await)?;
    Ok(found > 0)
}

// Where a film is was not always kept; what was tried and refused does not count.
const SHOWN: &str = "
    select (select count(*) from attempts join tasks on tasks.id = attempts.task_id
                   join episodes on episodes.id = tasks.episode_id
             where episodes.project_id = $1 and tasks.slot = 'library' and attempts.state = 'succeeded'
                   and attempts.order_json ->> 'root' = $2)
         + (select count(*) from episodes
             where project_id = $1 and published is not null and library_root is null)";

/// Whether something of a project was ever put into the library at `root`.
pub async fn is_shown(db: &Db, project: ProjectId, root: &str) -> Result<bool> {
    let found: i64 =
        on_db!(db, |pool| sqlx::query_scalar(SHOWN).bind(project.to_string()).bind(root).fetch_one(pool).await)?;
    Ok(found > 0)
}

/// Whether nothing has begun to replace what an attempt put into the library.
pub async fn is_last_publication(db: &Db, attempt: AttemptId) -> Result<bool> {
    let found: i64 = on_db!(db, |pool| sqlx::query_scalar("select count(*) from episodes where publication = $1")
        .bind(attempt.to_string())
        .fetch_one(pool)
        .await)?;
    Ok(found > 0)
}

const SET_PUBLISHED: &str = "update episodes set published = $2, published_files = $3 where id = $1";

/// Stores where the film is in the library and every file beside it, relative to the library's root; `None` when
/// it was taken out. The state is [`set_state`]'s.
pub async fn set_published(tx: &mut Tx<'_>, id: EpisodeId, published: Option<(&str, &[String])>) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_PUBLISHED)
        .bind(id.to_string())
        .bind(published.map(|(film, _)| film))
        .bind(published.map(|(_, files)| JsonText::of(&files)))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "episode", &id)
}

/// A published episode as it should lie in its library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Title of the episode.
    pub title: String,
    /// Root of the library.
    pub root: String,
    /// The film, relative to the root.
    pub film: String,
    /// Content of the film.
    pub hash: ContentHash,
    /// Every file of it, relative to the root.
    pub files: Vec<String>,
}

#[derive(sqlx_macros::FromRow)]
struct ShownRow {
    id: String,
    title: String,
    library_root: String,
    published: String,
    film: String,
    published_files: JsonText,
}

const SHOWN_NOW: &str = "
    select id, title, library_root, published, film, published_files from episodes
    where state = 'published' and library_root is not null and published is not null and film is not null
      and published_files is not null order by id";

/// Every published episode whose place is known. A row that cannot be read is left out: [`check`](super::check) tells of it.
pub async fn shown(db: &Db) -> Result<Vec<Shown>> {
    let rows: Vec<ShownRow> = on_db!(db, |pool| sqlx::query_as(SHOWN_NOW).fetch_all(pool).await)?;
    let read = |row: ShownRow| {
        let reading = Reading { table: "episodes", id: &row.id };
        let (hash, files) =
            (reading.text("film", &row.film).ok()?, reading.json("published_files", &row.published_files).ok()?);
        Some(Shown { title: row.title, root: row.library_root, film: row.published, hash, files })
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

const FILES_OF_OTHERS: &str = "
    select other.id, other.published_files from episodes other join episodes mine on mine.project_id <> other.project_id
    where mine.id = $1 and other.published_files is not null";

/// Every file of the episode that is, or may have been left by an attempt cut off, in the library, relative to the
/// library's root; empty when there is none. What another show has there, too, is that one's.
pub async fn published_files(db: &Db, id: EpisodeId) -> Result<Vec<String>> {
    let key = id.to_string();
    let found: Option<Option<JsonText>> =
        on_db!(db, |pool| sqlx::query_scalar("select published_files from episodes where id = $1")
            .bind(&key)
            .fetch_optional(pool)
            .await)?;
    let files = found.ok_or_else(|| Error::not_found("episode", &id))?;
    let reading = Reading { table: "episodes", id: &key };
    let mut files: Vec<String> = reading.maybe_json("published_files", files.as_ref())?.unwrap_or_default();
    if !files.is_empty() {
        let others: Vec<(String, JsonText)> =
            on_db!(db, |pool| sqlx::query_as(FILES_OF_OTHERS).bind(&key).fetch_all(pool).await)?;
        for (other, theirs) in others {
            let theirs: BTreeSet<String> =
                Reading { table: "episodes", id: &other }.json("published_files", &theirs)?;
            files.retain(|file| !theirs.contains(file));
        }
    }
    Ok(files)
}
