//! Scenes of an episode.

use studio_core::{
    ids::{ContentHash, EpisodeId, SceneId},
    scene::{Scene, SceneState},
    shot::Transition,
    units::Frames,
};

use super::{
    Db, Error, Result, Tx, on_tx,
    rows::{JsonText, Reading, bigint, hash, met, word},
    table::{self, Stated, keep_numbers, stated},
};

#[derive(sqlx_macros::FromRow)]
struct SceneRow {
    id: String,
    episode_id: String,
    location_id: Option<String>,
    number: i64,
    title: String,
    look: JsonText,
    transition_kind: String,
    transition_ms: i64,
    state: String,
    target_frames: i64,
    actual_frames: Option<i64>,
    film: Option<String>,
}

impl TryFrom<SceneRow> for Scene {
    type Error = Error;
    fn try_from(row: SceneRow) -> Result<Self> {
        let reading = Reading { table: "scenes", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            episode_id: reading.text("episode_id", &row.episode_id)?,
            location_id: reading.maybe("location_id", row.location_id.as_deref())?,
            number: reading.number("number", row.number)?,
            look: reading.json("look", &row.look)?,
            transition: Transition {
                kind: reading.word("transition_kind", &row.transition_kind)?,
                ms: reading.number("transition_ms", row.transition_ms)?,
            },
            state: reading.word("state", &row.state)?,
            target_frames: reading.number("target_frames", row.target_frames)?,
            actual_frames: reading.maybe_number("actual_frames", row.actual_frames)?,
            film: reading.maybe("film", row.film.as_deref())?,
            title: row.title,
        })
    }
}

const UPSERT: &str = "
    insert into scenes (id, episode_id, location_id, number, title, look, transition_kind, transition_ms,
                        state, target_frames, actual_frames, film)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (episode_id, number)
    do update set location_id = excluded.location_id, title = excluded.title, look = excluded.look,
                  transition_kind = excluded.transition_kind, transition_ms = excluded.transition_ms,
                  target_frames = excluded.target_frames
    returning *";

const NUMBERS: &str = "select number from scenes where episode_id = $1";
const DELETE: &str = "delete from scenes where episode_id = $1 and number = $2";

/// Makes `scenes` the scenes of the episode; the stored ones are returned in the given order.
///
/// A scene whose number was there keeps its id and everything that was made of it (state, film, measured
/// length): only what the script says changes. Scenes whose number is not given are deleted with their shots.
pub async fn replace_all(tx: &mut Tx<'_>, episode: EpisodeId, scenes: &[Scene]) -> Result<Vec<Scene>> {
    let kept: Vec<u32> = scenes.iter().map(|scene| scene.number).collect();
    keep_numbers(tx, (NUMBERS, DELETE), &episode.to_string(), &kept).await?;
    let mut stored = Vec::with_capacity(scenes.len());
    for scene in scenes {
        stored.push(upsert(tx, episode, scene).await?);
    }
    Ok(stored)
}

async fn upsert(tx: &mut Tx<'_>, episode: EpisodeId, scene: &Scene) -> Result<Scene> {
    let row: SceneRow = on_tx!(tx, |conn| sqlx::query_as(UPSERT)
        .bind(scene.id.to_string())
        .bind(episode.to_string())
        .bind(scene.location_id.map(|id| id.to_string()))
        .bind(i64::from(scene.number))
        .bind(&scene.title)
        .bind(JsonText::of(&scene.look))
        .bind(word(&scene.transition.kind))
        .bind(i64::from(scene.transition.ms))
        .bind(word(&scene.state))
        .bind(bigint(scene.target_frames))
        .bind(scene.actual_frames.map(bigint))
        .bind(hash(scene.film))
        .fetch_one(conn)
        .await)?;
    row.try_into()
}

/// The scene with this id.
pub async fn get(db: &Db, id: SceneId) -> Result<Scene> {
    table::one::<SceneRow, _>(db, "select * from scenes where id = $1", "scene", &id).await
}

const LIST: &str = "select * from scenes where episode_id = $1 order by number";

/// All scenes of an episode, in order.
pub async fn of_episode(db: &Db, episode: EpisodeId) -> Result<Vec<Scene>> {
    table::all_of::<SceneRow, _>(db, LIST, &episode).await
}

/// Those of them that can be read, for lists that people look at.
pub async fn readable(db: &Db, episode: EpisodeId) -> Result<Vec<Scene>> {
    table::readable_of::<SceneRow, _>(db, LIST, &episode).await
}

const STATES: Stated = stated!("scenes", "scene");

/// Moves a scene to another state; [`Error::Conflict`] when it may not go there from where it is.
pub async fn set_state(tx: &mut Tx<'_>, id: SceneId, next: SceneState) -> Result<()> {
    STATES.set_state(tx, &id, next, SceneState::may_become).await
}

/// Ends scenes without a result, wherever they are, as if they were being made: one statement however many they are.
pub async fn fail_all(tx: &mut Tx<'_>, ids: &[SceneId]) -> Result<()> {
    STATES.fail_all(tx, ids).await
}

/// Stores the assembled scene and its measured length; the state is [`set_state`]'s.
pub async fn set_result(tx: &mut Tx<'_>, id: SceneId, film: ContentHash, frames: Frames) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("update scenes set film = $2, actual_frames = $3 where id = $1")
        .bind(id.to_string())
        .bind(film.to_string())
        .bind(bigint(frames.0))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "scene", &id)
}
