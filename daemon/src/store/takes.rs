//! Takes: every attempt at a shot's picture or clip, with all that is needed to make it again.

use studio_core::{
    character::Character,
    ids::{ContentHash, EpisodeId, ProjectId, ShotId, TakeId},
    shot::ShotPlan,
    take::{Subject, Take, Verdict},
    units::{Millis, Score, Steps},
};

use studio_engine::Boxed;

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    opinions::Opinion,
    rows::{JsonText, Reading, word},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct TakeRow {
    id: String,
    shot_id: String,
    subject: String,
    attempt: i64,
    seed: String,
    steps: i64,
    asset: String,
    verdict: Option<JsonText>,
    chosen: bool,
}

impl TryFrom<TakeRow> for Take {
    type Error = Error;
    fn try_from(row: TakeRow) -> Result<Self> {
        let reading = Reading { table: "takes", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            shot_id: reading.text("shot_id", &row.shot_id)?,
            subject: reading.word("subject", &row.subject)?,
            attempt: reading.number("attempt", row.attempt)?,
            seed: reading.seed("seed", &row.seed)?,
            steps: Steps(reading.number("steps", row.steps)?),
            asset: reading.text("asset", &row.asset)?,
            verdict: reading.maybe_json("verdict", row.verdict.as_ref())?,
            chosen: row.chosen,
        })
    }
}

// A verdict is about a file: it goes when another file takes the place.
const UPSERT: &str = "
    insert into takes (id, shot_id, subject, attempt, seed, steps, asset, chosen)
    values ($1, $2, $3, $4, $5, $6, $7, false)
    on conflict (shot_id, subject, attempt)
    do update set seed = excluded.seed, steps = excluded.steps, asset = excluded.asset,
                  score = case when takes.asset = excluded.asset then takes.score end,
                  verdict = case when takes.asset = excluded.asset then takes.verdict end,
                  reviewed_ms = case when takes.asset = excluded.asset then takes.reviewed_ms end,
                  chosen = takes.chosen and takes.asset = excluded.asset
    returning *";

/// Stores a take by shot, subject and attempt; the stored one is returned.
///
/// One that is there keeps its id; as long as its file stays the same it also keeps its verdict and whether it
/// is in the film. The given `verdict` and `chosen` are not stored: those are [`set_verdict`]'s and [`choose`]'s.
pub async fn upsert(tx: &mut Tx<'_>, take: &Take) -> Result<Take> {
    let row: TakeRow = on_tx!(tx, |conn| sqlx::query_as(UPSERT)
        .bind(take.id.to_string())
        .bind(take.shot_id.to_string())
        .bind(word(&take.subject))
        .bind(i64::from(take.attempt))
        .bind(take.seed.0.to_string())
        .bind(i64::from(take.steps.0))
        .bind(take.asset.to_string())
        .fetch_one(conn)
        .await)?;
    row.try_into()
}

/// All takes of a shot, pictures before clips, oldest first; empty when there are none.
pub async fn of_shot(db: &Db, shot: ShotId) -> Result<Vec<Take>> {
    table::all_of::<TakeRow, _>(db, "select * from takes where shot_id = $1 order by subject desc, attempt", &shot)
        .await
}

const OF_EPISODE: &str = "
    select takes.* from takes join shots on shots.id = takes.shot_id join scenes on scenes.id = shots.scene_id
     where scenes.episode_id = $1
     order by scenes.number, shots.number, takes.subject desc, takes.attempt";

/// All takes of an episode in the order of its shots, pictures before clips, oldest first.
pub async fn of_episode(db: &Db, episode: EpisodeId) -> Result<Vec<Take>> {
    table::all_of::<TakeRow, _>(db, OF_EPISODE, &episode).await
}

/// A take with where it belongs and what a person said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The take itself, as it is stored.
    pub take: Take,
    /// Extension of its file.
    pub ext: String,
    /// The episode its shot is in.
    pub episode: EpisodeId,
    /// Number of its scene.
    pub scene: u32,
    /// Number of its shot.
    pub shot: u32,
    /// What it is to show.
    pub plan: ShotPlan,
    /// What a person said.
    pub opinion: Option<Opinion>,
}

#[derive(sqlx_macros::FromRow)]
struct PlacedRow {
    #[sqlx(flatten)]
    take: TakeRow,
    ext: String,
    episode_id: String,
    scene_number: i64,
    shot_number: i64,
    plan: JsonText,
    good: Option<bool>,
    why: Option<String>,
    issues: Option<JsonText>,
}

impl TryFrom<PlacedRow> for Placed {
    type Error = Error;
    fn try_from(row: PlacedRow) -> Result<Self> {
        let reading = Reading { table: "takes", id: &row.take.id };
        let issues = reading.maybe_json("issues", row.issues.as_ref())?.unwrap_or_default();
        let opinion = row.good.map(|good| Opinion { good, why: row.why.unwrap_or_default(), issues });
        Ok(Self {
            episode: reading.text("episode_id", &row.episode_id)?,
            scene: reading.number("scene_number", row.scene_number)?,
            shot: reading.number("shot_number", row.shot_number)?,
            plan: reading.json("plan", &row.plan)?,
            ext: row.ext,
            opinion,
            take: row.take.try_into()?,
        })
    }
}

/// Everything about takes with their places, and how it goes on.
macro_rules! placed {
    ($rest:literal) => {
        concat!(
            "
    select takes.*, assets.ext, scenes.episode_id, scenes.number as scene_number, shots.number as shot_number, shots.plan,
           opinions.good, opinions.why, opinions.issues
      from takes join shots on shots.id = takes.shot_id join scenes on scenes.id = shots.scene_id
           join assets on assets.hash = takes.asset left join opinions on opinions.asset = takes.asset ",
            $rest
        )
    };
}

/// What is asked of the list of takes, beside where it begins.
macro_rules! wanted {
    ($rest:literal) => {
        concat!(
            "where ($1 is null or scenes.episode_id = $1) and ($2 = 0 or opinions.asset is null)
               and ($3 is null or exists (select 1 from episodes e where e.id = scenes.episode_id and e.project_id = $3))
               and ($4 is null or takes.subject = $4)
               and ($5 is null or cast(shots.plan as text) like $5) ",
            $rest
        )
    };
}

const NEWEST: &str = concat!(placed!(""), wanted!("and ($6 is null or takes.id < $6) order by takes.id desc limit $7"));
const OLDEST: &str = concat!(placed!(""), wanted!("and ($6 is null or takes.id > $6) order by takes.id limit $7"));
const COUNT: &str = concat!(
    "select count(*) from takes join shots on shots.id = takes.shot_id join scenes on scenes.id = shots.scene_id
       left join opinions on opinions.asset = takes.asset ",
    wanted!("")
);
const OF_ONE_SHOT: &str = placed!("where takes.shot_id = $1 order by takes.subject desc, takes.attempt");
const ONE: &str = placed!("where takes.id = $1");

/// Which takes are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those of this project.
    pub project: Option<ProjectId>,
    /// Only those of this episode.
    pub episode: Option<EpisodeId>,
    /// Only pictures or only clips.
    pub subject: Option<Subject>,
    /// Only those with this character in the picture, by name.
    pub character: Option<String>,
    /// Only those nobody has said anything of.
    pub unjudged: bool,
    /// Only those that come after this one.
    pub after: Option<TakeId>,
    /// The oldest come first.
    pub oldest_first: bool,
    /// At most this many.
    pub limit: u32,
}

impl Filter {
    /// A pattern that finds the name among the texts of a plan, as JSON writes it; what is found is looked at again.
    fn name(&self) -> Option<String> {
        let name = self.character.as_ref()?;
        let quoted = serde_json::to_string(name).ok()?;
        Some(format!("%{}%", quoted.replace(['%', '_'], "_")))
    }
}

/// One page of takes.
pub async fn page(db: &Db, asked: &Filter) -> Result<Vec<Placed>> {
    let text = if asked.oldest_first { OLDEST } else { NEWEST };
    let fetch = |after: Option<String>, limit: i64| -> Boxed<'_, Result<Vec<PlacedRow>>> {
        Box::pin(async move {
            Ok(on_db!(db, |pool| sqlx::query_as(text)
                .bind(asked.episode.map(|id| id.to_string()))
                .bind(i64::from(asked.unjudged))
                .bind(asked.project.map(|id| id.to_string()))
                .bind(asked.subject.as_ref().map(word))
                .bind(asked.name())
                .bind(after)
                .bind(limit)
                .fetch_all(pool)
                .await)?)
        })
    };
    table::page(asked.after, asked.limit, |row| &row.take.id, fetch).await
}

/// How many takes there are of those, wherever the page begins.
pub async fn count(db: &Db, asked: &Filter) -> Result<u64> {
    let count: i64 = on_db!(db, |pool| sqlx::query_scalar(COUNT)
        .bind(asked.episode.map(|id| id.to_string()))
        .bind(i64::from(asked.unjudged))
        .bind(asked.project.map(|id| id.to_string()))
        .bind(asked.subject.as_ref().map(word))
        .bind(asked.name())
        .fetch_one(pool)
        .await)?;
    Ok(count.unsigned_abs())
}

/// All takes of a shot, pictures before clips, oldest first.
pub async fn placed_of_shot(db: &Db, shot: ShotId) -> Result<Vec<Placed>> {
    table::all_of::<PlacedRow, _>(db, OF_ONE_SHOT, &shot).await
}

/// One take with where it belongs.
pub async fn placed(db: &Db, id: TakeId) -> Result<Placed> {
    let row: Option<PlacedRow> =
        on_db!(db, |pool| sqlx::query_as(ONE).bind(id.to_string()).fetch_optional(pool).await)?;
    row.ok_or_else(|| Error::NotFound { what: "take", id: id.to_string() })?.try_into()
}

/// A still with what people approved.
#[derive(Debug, Clone, PartialEq)]
pub struct Still {
    /// The still as it is placed.
    pub placed: Placed,
    /// A person let its film go on from it.
    pub approved: bool,
}

#[derive(sqlx_macros::FromRow)]
struct StillRow {
    #[sqlx(flatten)]
    placed: PlacedRow,
    approved: bool,
}

impl TryFrom<StillRow> for Still {
    type Error = Error;
    fn try_from(row: StillRow) -> Result<Self> {
        Ok(Self { placed: row.placed.try_into()?, approved: row.approved })
    }
}

const STILLS: &str = "
    select takes.*, assets.ext, scenes.episode_id, scenes.number as scene_number, shots.number as shot_number, shots.plan,
           opinions.good, opinions.why, opinions.issues,
           exists (select 1 from by_hand b where b.episode_id = scenes.episode_id and b.approved = takes.asset) as approved
      from takes join shots on shots.id = takes.shot_id join scenes on scenes.id = shots.scene_id
           join episodes on episodes.id = scenes.episode_id
           join assets on assets.hash = takes.asset left join opinions on opinions.asset = takes.asset
     where takes.subject = 'still' and episodes.project_id = $1 and cast(shots.plan as text) like $2
       and ($3 is null or scenes.episode_id = $3) and coalesce(opinions.good, true) and not assets.missing
       and (opinions.good is not null or takes.chosen
            or exists (select 1 from by_hand b where b.episode_id = scenes.episode_id and b.approved = takes.asset))
       and ($4 = 0 or not exists (select 1 from dataset_seen s where s.character_id = $5 and s.source = 'still'
                                                                   and s.key = takes.asset))
     order by takes.id";

/// Stills with a character in the picture that are in the film, or that a person finds good or approved, oldest first;
/// with `fresh` only those that were never seen for the character's dataset. None that a person rejected.
pub async fn stills_of(db: &Db, character: &Character, episode: Option<EpisodeId>, fresh: bool) -> Result<Vec<Still>> {
    let filter = Filter { character: Some(character.name.clone()), ..Filter::default() };
    let rows: Vec<StillRow> = on_db!(db, |pool| sqlx::query_as(STILLS)
        .bind(character.project_id.to_string())
        .bind(filter.name())
        .bind(episode.map(|id| id.to_string()))
        .bind(i64::from(fresh))
        .bind(character.id.to_string())
        .fetch_all(pool)
        .await)?;
    table::readable(rows)
}

const SET_VERDICT: &str = "
    update takes set score = $2, verdict = $3, reviewed_ms = $4 where id = $1 and reviewed_ms is null";

/// Stores a review once per file. `false` means the take was reviewed before: that verdict stands.
pub async fn set_verdict(tx: &mut Tx<'_>, take: TakeId, verdict: &Verdict, now: Millis) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_VERDICT)
        .bind(take.to_string())
        .bind(verdict.score.map(Score::as_fraction))
        .bind(JsonText::of(verdict))
        .bind(now.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done == 1)
}

// Two takes may be the same file.
const CHOOSE_FILE: &str = "
    update takes set chosen = true where id = (
        select id from takes where shot_id = $1 and subject = $2 and asset = $3 order by attempt limit 1)";

/// Takes what is in the film of a shot's picture or clip out of it.
async fn leave_out(tx: &mut Tx<'_>, shot: ShotId, subject: Subject) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query("update takes set chosen = false where shot_id = $1 and subject = $2 and chosen")
        .bind(shot.to_string())
        .bind(word(&subject))
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// Puts one take of a shot's picture or clip into the film, in place of any other.
pub async fn choose(tx: &mut Tx<'_>, shot: ShotId, subject: Subject, take: TakeId) -> Result<()> {
    leave_out(tx, shot, subject).await?;
    let done = on_tx!(tx, |conn| sqlx::query(
        "update takes set chosen = true where id = $1 and shot_id = $2 and subject = $3"
    )
    .bind(take.to_string())
    .bind(shot.to_string())
    .bind(word(&subject))
    .execute(conn)
    .await
    .map(|done| done.rows_affected()))?;
    super::rows::met(done, "take", &take)
}

/// Puts a file into the film that a person chose: the take it came from, when it is one of the shot's.
pub async fn choose_file(tx: &mut Tx<'_>, shot: ShotId, subject: Subject, asset: ContentHash) -> Result<()> {
    leave_out(tx, shot, subject).await?;
    on_tx!(tx, |conn| sqlx::query(CHOOSE_FILE)
        .bind(shot.to_string())
        .bind(word(&subject))
        .bind(asset.to_string())
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// Forgets the takes of a shot's picture or clip from attempt number `attempt` on; how many there were.
pub async fn drop_from(tx: &mut Tx<'_>, shot: ShotId, subject: Subject, attempt: u32) -> Result<u64> {
    let done =
        on_tx!(tx, |conn| sqlx::query("delete from takes where shot_id = $1 and subject = $2 and attempt >= $3")
            .bind(shot.to_string())
            .bind(word(&subject))
            .bind(i64::from(attempt))
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
    Ok(done)
}
