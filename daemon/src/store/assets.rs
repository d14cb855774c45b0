//! Assets: files the studio keeps, by content, and what each was made from.

use studio_core::{
    ids::{AttemptId, ContentHash, ProjectId},
    media::MediaFacts,
    order::AssetRef,
    units::Millis,
};

use studio_engine::Boxed;

use super::{
    Db, Error, Result, Tx, attempts, on_db, on_tx,
    rows::{JsonText, Reading, bigint, met},
    table,
};

/// A file the studio keeps.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Asset {
    /// Hash and extension: together they are its path.
    pub file: AssetRef,
    /// Size in bytes.
    pub bytes: u64,
    /// What is known of it.
    pub facts: MediaFacts,
    /// The attempt that made it first; `None` for files that came from outside.
    pub attempt_id: Option<AttemptId>,
    /// What it was made from.
    pub inputs: Vec<ContentHash>,
    /// When it was kept first.
    pub created: Millis,
    /// It was found gone or damaged and is not there again yet.
    pub missing: bool,
}

#[derive(sqlx_macros::FromRow)]
pub(super) struct AssetRow {
    pub(super) hash: String,
    ext: String,
    bytes: i64,
    facts: JsonText,
    attempt_id: Option<String>,
    inputs: JsonText,
    created_ms: i64,
    missing: bool,
}

impl TryFrom<AssetRow> for Asset {
    type Error = Error;
    fn try_from(row: AssetRow) -> Result<Self> {
        let reading = Reading { table: "assets", id: &row.hash };
        Ok(Self {
            bytes: reading.number("bytes", row.bytes)?,
            facts: reading.json("facts", &row.facts)?,
            attempt_id: reading.maybe("attempt_id", row.attempt_id.as_deref())?,
            inputs: reading.json("inputs", &row.inputs)?,
            created: Millis(row.created_ms),
            missing: row.missing,
            file: AssetRef { hash: reading.text("hash", &row.hash)?, ext: row.ext },
        })
    }
}

fn assets(rows: Vec<AssetRow>) -> Result<Vec<Asset>> {
    rows.into_iter().map(Asset::try_from).collect()
}

// The first maker stays the maker: equal bytes made twice are one file with one origin.
const INSERT: &str = "
    insert into assets (hash, ext, bytes, facts, attempt_id, inputs, created_ms, missing)
    values ($1, $2, $3, $4, $5, $6, $7, false)
    on conflict (hash) do update set missing = false
    returning ext";

/// Stores a file that is in its place now; the reference to use for it is returned.
///
/// When the same bytes are there already only `missing` is taken back, and the reference has the extension they
/// were kept under first.
pub async fn insert(tx: &mut Tx<'_>, asset: &Asset) -> Result<AssetRef> {
    let ext: String = on_tx!(tx, |conn| sqlx::query_scalar(INSERT)
        .bind(asset.file.hash.to_string())
        .bind(&asset.file.ext)
        .bind(bigint(asset.bytes))
        .bind(JsonText::of(&asset.facts))
        .bind(asset.attempt_id.map(|id| id.to_string()))
        .bind(JsonText::of(&asset.inputs))
        .bind(asset.created.0)
        .fetch_one(conn)
        .await)?;
    Ok(AssetRef { hash: asset.file.hash, ext })
}

const INSERT_GONE: &str = "
    insert into assets (hash, ext, bytes, facts, attempt_id, inputs, created_ms, missing)
    values ($1, $2, $3, $4, $5, $6, $7, true)
    on conflict (hash) do nothing";

/// Stores what is known of a file that has left the disk elsewhere; what is known here of the same bytes stays.
pub async fn insert_gone(tx: &mut Tx<'_>, asset: &Asset) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(INSERT_GONE)
        .bind(asset.file.hash.to_string())
        .bind(&asset.file.ext)
        .bind(bigint(asset.bytes))
        .bind(JsonText::of(&asset.facts))
        .bind(asset.attempt_id.map(|id| id.to_string()))
        .bind(JsonText::of(&asset.inputs))
        .bind(asset.created.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// The file with this hash, if it was ever kept.
pub async fn get(db: &Db, hash: ContentHash) -> Result<Option<Asset>> {
    let row: Option<AssetRow> = on_db!(db, |pool| sqlx::query_as("select * from assets where hash = $1")
        .bind(hash.to_string())
        .fetch_optional(pool)
        .await)?;
    row.map(Asset::try_from).transpose()
}

const BY_HASHES_SQLITE: &str = "
    select * from assets where hash in (select value from json_each($1)) order by hash";
const BY_HASHES_POSTGRES: &str = "
    select * from assets where hash in (select jsonb_array_elements_text($1)) order by hash";

/// The files with these hashes, by hash; those never kept are left out.
pub async fn by_hashes(db: &Db, hashes: &[ContentHash]) -> Result<Vec<Asset>> {
    let list = JsonText::of(&hashes);
    let rows = match db {
        Db::Sqlite(pool) => sqlx::query_as(BY_HASHES_SQLITE).bind(list).fetch_all(pool).await?,
        Db::Postgres(pool) => sqlx::query_as(BY_HASHES_POSTGRES).bind(list).fetch_all(pool).await?,
    };
    assets(rows)
}

/// Notes that a file is gone or damaged, and that no attempt which made it counts as done any more.
pub async fn mark_missing(tx: &mut Tx<'_>, hash: ContentHash) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("update assets set missing = true where hash = $1")
        .bind(hash.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "asset", &hash)?;
    attempts::forget_makers(tx, hash).await?;
    Ok(())
}

const PAGE: &str = "select * from assets where ($1 is null or hash > $1) order by hash limit $2";

/// One page of all files by hash, after the file `after`; an empty page is the end.
pub async fn page(db: &Db, after: Option<ContentHash>, limit: u32) -> Result<Vec<Asset>> {
    let fetch = |after: Option<String>, limit: i64| -> Boxed<'_, Result<Vec<AssetRow>>> {
        Box::pin(
            async move { Ok(on_db!(db, |pool| sqlx::query_as(PAGE).bind(after).bind(limit).fetch_all(pool).await)?) },
        )
    };
    table::page(after, limit, |row| &row.hash, fetch).await
}

const IS_OF: &str = "
    select exists (select 1 from takes join shots on shots.id = takes.shot_id join scenes on scenes.id = shots.scene_id
                     join episodes on episodes.id = scenes.episode_id
                    where takes.asset = $1 and episodes.project_id = $2)
        or exists (select 1 from tasks join episodes on episodes.id = tasks.episode_id
                    where episodes.project_id = $2 and cast(tasks.outputs as text) like $3)
        or exists (select 1 from by_hand join episodes on episodes.id = by_hand.episode_id
                    where episodes.project_id = $2
                      and (cast(by_hand.given as text) like $3 or cast(by_hand.source as text) like $3))
        or exists (select 1 from dataset_pictures join characters on characters.id = dataset_pictures.character_id
                    where dataset_pictures.asset = $1 and characters.project_id = $2)
        or exists (select 1 from portraits left join characters on characters.id = portraits.character_id
                     left join locations on locations.id = portraits.location_id
                    where portraits.asset = $1 and coalesce(characters.project_id, locations.project_id) = $2)
        or exists (select 1 from unnamed_pictures where asset = $1 and project_id = $2)
        or exists (select 1 from training_probes join trainings on trainings.id = training_probes.training_id
                     join characters on characters.id = trainings.character_id
                    where training_probes.asset = $1 and characters.project_id = $2)
        or exists (select 1 from training_epochs join trainings on trainings.id = training_epochs.training_id
                     join characters on characters.id = trainings.character_id
                    where training_epochs.asset = $1 and characters.project_id = $2)
        or exists (select 1 from loras where asset = $1 and project_id = $2)
        or exists (select 1 from trainings join characters on characters.id = trainings.character_id
                    where characters.project_id = $2 and cast(trainings.plan as text) like $3)
        or exists (select 1 from characters where project_id = $2 and cast(sheet as text) like $3)
        or exists (select 1 from locations where project_id = $2 and cast(sheet as text) like $3)";

/// Whether a project has a file, whoever made it first: what two projects made alike is kept once, and is of both.
pub async fn is_of(db: &Db, hash: ContentHash, project: ProjectId) -> Result<bool> {
    if project_of(db, hash).await? == Some(project) {
        return Ok(true);
    }
    Ok(on_db!(db, |pool| sqlx::query_scalar(IS_OF)
        .bind(hash.to_string())
        .bind(project.to_string())
        .bind(format!("%{hash}%"))
        .fetch_one(pool)
        .await)?)
}

const IS_SOMEBODYS: &str = "
    select exists (select 1 from assets where hash = $1 and attempt_id is not null)
        or exists (select 1 from takes where asset = $1)
        or exists (select 1 from tasks where cast(outputs as text) like $2)
        or exists (select 1 from productions where cast(plan as text) like $2)
        or exists (select 1 from by_hand where cast(given as text) like $2 or cast(source as text) like $2)
        or exists (select 1 from dataset_pictures where asset = $1)
        or exists (select 1 from portraits where asset = $1)
        or exists (select 1 from unnamed_pictures where asset = $1)
        or exists (select 1 from training_probes where asset = $1)
        or exists (select 1 from training_epochs where asset = $1)
        or exists (select 1 from loras where asset = $1)
        or exists (select 1 from trainings where cast(plan as text) like $2)
        or exists (select 1 from characters where cast(sheet as text) like $2)
        or exists (select 1 from locations where cast(sheet as text) like $2)";

/// Whether a file was only uploaded: nothing has made it, and no project has it anywhere yet.
pub async fn is_nobodys(db: &Db, hash: ContentHash) -> Result<bool> {
    let somebodys: bool = on_db!(db, |pool| sqlx::query_scalar(IS_SOMEBODYS)
        .bind(hash.to_string())
        .bind(format!("%{hash}%"))
        .fetch_one(pool)
        .await)?;
    Ok(!somebodys)
}

const PROJECT_OF: &str = "
    select episodes.project_id
      from assets join attempts on attempts.id = assets.attempt_id join tasks on tasks.id = attempts.task_id
           join episodes on episodes.id = tasks.episode_id
     where assets.hash = $1";

/// The project a file was made for; `None` for files of nobody in particular.
pub async fn project_of(db: &Db, hash: ContentHash) -> Result<Option<ProjectId>> {
    let key = hash.to_string();
    let found: Option<String> =
        on_db!(db, |pool| sqlx::query_scalar(PROJECT_OF).bind(&key).fetch_optional(pool).await)?;
    Reading { table: "assets", id: &key }.maybe("attempt_id", found.as_deref())
}
