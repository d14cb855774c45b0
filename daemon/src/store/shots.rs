//! Shots of a scene.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    ids::{ContentHash, EpisodeId, ProjectId, SceneId, ShotId},
    project::same_name,
    shot::{LoraAsk, Shot, ShotState},
    units::{Score, Steps},
};

use super::{
    Db, Error, Result, Tx, on_db, on_db_each, on_tx,
    rows::{JsonText, Reading, bigint, hash, met, word},
    table::{self, Stated, keep_numbers, stated},
};

#[derive(sqlx_macros::FromRow)]
struct ShotRow {
    id: String,
    scene_id: String,
    number: i64,
    plan: JsonText,
    state: String,
    clip: Option<String>,
    master: Option<String>,
    still: Option<String>,
    last_frame: Option<String>,
    seed: Option<String>,
    steps: Option<i64>,
    score: Option<f64>,
    making_ms: Option<i64>,
}

impl TryFrom<ShotRow> for Shot {
    type Error = Error;
    fn try_from(row: ShotRow) -> Result<Self> {
        let reading = Reading { table: "shots", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            scene_id: reading.text("scene_id", &row.scene_id)?,
            number: reading.number("number", row.number)?,
            plan: reading.json("plan", &row.plan)?,
            state: reading.word("state", &row.state)?,
            clip: reading.maybe("clip", row.clip.as_deref())?,
            master: reading.maybe("master", row.master.as_deref())?,
            still: reading.maybe("still", row.still.as_deref())?,
            last_frame: reading.maybe("last_frame", row.last_frame.as_deref())?,
            seed: row.seed.as_deref().map(|seed| reading.seed("seed", seed)).transpose()?,
            steps: reading.maybe_number("steps", row.steps)?.map(Steps),
            score: reading.score("score", row.score)?,
            making_ms: reading.maybe_number("making_ms", row.making_ms)?,
        })
    }
}

const UPSERT: &str = "
    insert into shots (id, scene_id, number, plan, state, clip, master, still, last_frame,
                       seed, steps, score, making_ms)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict (scene_id, number) do update set plan = excluded.plan
    returning *";

const NUMBERS: &str = "select number from shots where scene_id = $1";
const DELETE: &str = "delete from shots where scene_id = $1 and number = $2";

/// Makes `shots` the shots of the scene; the stored ones are returned in the given order.
///
/// A shot whose number was there keeps its id, its takes and everything that was made of it: only its plan
/// changes. Shots whose number is not given are deleted with their takes.
pub async fn replace_all(tx: &mut Tx<'_>, scene: SceneId, shots: &[Shot]) -> Result<Vec<Shot>> {
    let kept: Vec<u32> = shots.iter().map(|shot| shot.number).collect();
    keep_numbers(tx, (NUMBERS, DELETE), &scene.to_string(), &kept).await?;
    let mut stored = Vec::with_capacity(shots.len());
    for shot in shots {
        stored.push(upsert(tx, scene, shot).await?);
    }
    Ok(stored)
}

/// Binds what was made of a shot, in the order of its columns.
macro_rules! bind_made {
    ($query:expr, $shot:expr) => {
        $query
            .bind(hash($shot.clip))
            .bind(hash($shot.master))
            .bind(hash($shot.still))
            .bind(hash($shot.last_frame))
            .bind($shot.seed.map(|seed| seed.0.to_string()))
            .bind($shot.steps.map(|steps| i64::from(steps.0)))
            .bind($shot.score.map(Score::as_fraction))
            .bind($shot.making_ms.map(bigint))
    };
}

async fn upsert(tx: &mut Tx<'_>, scene: SceneId, shot: &Shot) -> Result<Shot> {
    let row: ShotRow = on_tx!(tx, |conn| {
        let query = sqlx::query_as(UPSERT).bind(shot.id.to_string()).bind(scene.to_string());
        let query = query.bind(i64::from(shot.number)).bind(JsonText::of(&shot.plan)).bind(word(&shot.state));
        bind_made!(query, shot).fetch_one(conn).await
    })?;
    row.try_into()
}

/// The shot with this id.
pub async fn get(db: &Db, id: ShotId) -> Result<Shot> {
    table::one::<ShotRow, _>(db, "select * from shots where id = $1", "shot", &id).await
}

/// All shots of a scene, in order.
pub async fn of_scene(db: &Db, scene: SceneId) -> Result<Vec<Shot>> {
    table::all_of::<ShotRow, _>(db, "select * from shots where scene_id = $1 order by number", &scene).await
}

const OF_EPISODE: &str = "
    select shots.* from shots join scenes on scenes.id = shots.scene_id
     where scenes.episode_id = $1 order by scenes.number, shots.number";

/// All shots of an episode, in order.
pub async fn of_episode(db: &Db, episode: EpisodeId) -> Result<Vec<Shot>> {
    table::all_of::<ShotRow, _>(db, OF_EPISODE, &episode).await
}

const AT: &str = "
    select shots.* from shots join scenes on scenes.id = shots.scene_id
     where scenes.episode_id = $1 and scenes.number = $2 and shots.number = $3";

/// The shot of an episode with these numbers.
pub async fn at(db: &Db, episode: EpisodeId, scene: u32, shot: u32) -> Result<Option<Shot>> {
    let row: Option<ShotRow> = on_db!(db, |pool| sqlx::query_as(AT)
        .bind(episode.to_string())
        .bind(i64::from(scene))
        .bind(i64::from(shot))
        .fetch_optional(pool)
        .await)?;
    row.map(Shot::try_from).transpose()
}

macro_rules! first_pictures {
    ($list:literal) => {
        concat!(
            "select id, (select coalesce(shots.still, shots.last_frame)
                           from shots join scenes on scenes.id = shots.scene_id
                          where scenes.episode_id = episodes.id
                            and coalesce(shots.still, shots.last_frame) is not null
                          order by scenes.number, shots.number limit 1)
               from episodes where id in (",
            $list,
            ")"
        )
    };
}
const FIRST_PICTURES_SQLITE: &str = first_pictures!("select value from json_each($1)");
const FIRST_PICTURES_POSTGRES: &str = first_pictures!("select jsonb_array_elements_text($1)");

/// The first picture there is of each of these episodes; those without any are left out.
pub async fn first_pictures(db: &Db, episodes: &[EpisodeId]) -> Result<BTreeMap<EpisodeId, ContentHash>> {
    let list = JsonText::of(&episodes);
    let rows: Vec<(String, Option<String>)> =
        on_db_each!(db, (FIRST_PICTURES_SQLITE, FIRST_PICTURES_POSTGRES), |sql, pool| sqlx::query_as(sql)
            .bind(list)
            .fetch_all(pool)
            .await)?;
    let mut pictures = BTreeMap::new();
    for (id, picture) in &rows {
        let reading = Reading { table: "shots", id };
        if let Some(picture) = reading.maybe("still", picture.as_deref())? {
            pictures.insert(reading.text("id", id)?, picture);
        }
    }
    Ok(pictures)
}

const CASTS: &str = "
    select scenes.episode_id, shots.plan ->> 'characters', shots.plan ->> 'loras'
      from shots join scenes on scenes.id = shots.scene_id join episodes on episodes.id = scenes.episode_id
     where episodes.project_id = $1";

/// How many shots of a project are made with a LoRA, and in how many episodes: those that show somebody of the name `alone`, or any
/// where there is none, and that ask for it by `asked`, unless that is empty.
pub async fn made_with(db: &Db, project: ProjectId, alone: Option<&str>, asked: &str) -> Result<(u32, u32)> {
    let rows: Vec<(String, Option<String>, Option<String>)> =
        on_db!(db, |pool| sqlx::query_as(CASTS).bind(project.to_string()).fetch_all(pool).await)?;
    let (mut shots, mut episodes) = (0, BTreeSet::new());
    for (episode, cast, loras) in rows {
        // A plan that cannot be read is told of by the deep check.
        let cast: Vec<String> = cast.and_then(|cast| serde_json::from_str(&cast).ok()).unwrap_or_default();
        let loras: Vec<LoraAsk> = loras.and_then(|loras| serde_json::from_str(&loras).ok()).unwrap_or_default();
        let shows = alone.is_none_or(|name| cast.len() == 1 && same_name(&cast[0], name));
        if shows && (asked.is_empty() || loras.iter().any(|one| same_name(&one.name, asked))) {
            shots += 1;
            episodes.insert(episode);
        }
    }
    Ok((shots, episodes.len() as u32))
}

const STATES: Stated = stated!("shots", "shot");

/// Ends shots without a result, wherever they are, as if they were being made: one statement however many they are.
pub async fn fail_all(tx: &mut Tx<'_>, ids: &[ShotId]) -> Result<()> {
    STATES.fail_all(tx, ids).await
}

/// Moves a shot to another state; [`Error::Conflict`] when it may not go there from where it is.
pub async fn set_state(tx: &mut Tx<'_>, id: ShotId, next: ShotState) -> Result<()> {
    STATES.set_state(tx, &id, next, ShotState::may_become).await
}

const SET_RESULT: &str = "
    update shots set clip = $2, master = $3, still = $4, last_frame = $5,
                     seed = $6, steps = $7, score = $8, making_ms = $9
     where id = $1";

/// Stores what was made of the shot with `shot.id`: files, seed, steps, score and making time.
/// Its plan stays as it is and its state is [`set_state`]'s.
pub async fn set_result(tx: &mut Tx<'_>, shot: &Shot) -> Result<()> {
    let done = on_tx!(tx, |conn| {
        let query = sqlx::query(SET_RESULT).bind(shot.id.to_string());
        bind_made!(query, shot).execute(conn).await.map(|done| done.rows_affected())
    })?;
    met(done, "shot", &shot.id)
}
