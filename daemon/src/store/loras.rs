//! LoRAs the studio looks after, and which of them films use.

use studio_core::{
    asset::AssetRef,
    ids::{CharacterId, LoraId, ProjectId},
    lora::{Architecture, KeptLora},
    project::same_name,
    units::Millis,
};

use super::{
    Db, Error, Result, Tx, on_db, on_db_each, on_tx,
    rows::{Reading, bigint, met, word},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct LoraRow {
    id: String,
    project_id: String,
    character_id: Option<String>,
    name: String,
    instead: bool,
    architecture: String,
    file: String,
    asset: String,
    ext: String,
    bytes: i64,
    trigger_word: String,
    strength: i64,
    active: bool,
    training_id: Option<String>,
    epoch: Option<i64>,
    created_ms: i64,
}

impl TryFrom<LoraRow> for KeptLora {
    type Error = Error;
    fn try_from(row: LoraRow) -> Result<Self> {
        let reading = Reading { table: "loras", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            project_id: reading.text("project_id", &row.project_id)?,
            character_id: reading.maybe("character_id", row.character_id.as_deref())?,
            name: row.name,
            instead: row.instead,
            architecture: reading.word("architecture", &row.architecture)?,
            weights: AssetRef { hash: reading.text("asset", &row.asset)?, ext: row.ext },
            bytes: reading.number("bytes", row.bytes)?,
            strength: reading.number("strength", row.strength)?,
            training_id: reading.maybe("training_id", row.training_id.as_deref())?,
            epoch: reading.maybe_number("epoch", row.epoch)?,
            created: Millis(row.created_ms),
            file: row.file,
            trigger: row.trigger_word,
            active: row.active,
        })
    }
}

const INSERT: &str = "
    insert into loras (id, project_id, character_id, name, instead, architecture, file, asset, ext, bytes, trigger_word, strength,
                       active, training_id, epoch, created_ms)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    on conflict do nothing";

/// Stores a LoRA; false when its name is taken, and nothing is changed.
pub async fn insert(tx: &mut Tx<'_>, lora: &KeptLora) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(INSERT)
        .bind(lora.id.to_string())
        .bind(lora.project_id.to_string())
        .bind(lora.character_id.map(|id| id.to_string()))
        .bind(&lora.name)
        .bind(lora.instead)
        .bind(word(&lora.architecture))
        .bind(&lora.file)
        .bind(lora.weights.hash.to_string())
        .bind(&lora.weights.ext)
        .bind(bigint(lora.bytes))
        .bind(&lora.trigger)
        .bind(i64::from(lora.strength))
        .bind(lora.active)
        .bind(lora.training_id.map(|id| id.to_string()))
        .bind(lora.epoch.map(i64::from))
        .bind(lora.created.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

/// The LoRA with this id.
pub async fn get(db: &Db, id: LoraId) -> Result<KeptLora> {
    table::one::<LoraRow, _>(db, "select * from loras where id = $1", "LoRA", &id).await
}

/// LoRAs whose id starts or ends with `part` (any case), at most 20; nothing for a part no id can have.
pub async fn find(db: &Db, part: &str) -> Result<Vec<LoraId>> {
    const FIND: &str = "select id from loras where id like $1 or id like $2 order by id limit 20";
    table::find(db, FIND, "loras", part).await
}

/// Every LoRA of a character, the newest first.
pub async fn of_character(db: &Db, character: CharacterId) -> Result<Vec<KeptLora>> {
    table::all_of::<LoraRow, _>(db, "select * from loras where character_id = $1 order by id desc", &character).await
}

/// Every LoRA of the studio, the newest first; what cannot be read is left out, with its reason in the log.
pub async fn list(db: &Db) -> Result<Vec<KeptLora>> {
    let rows: Vec<LoraRow> =
        on_db!(db, |pool| sqlx::query_as("select * from loras order by id desc").fetch_all(pool).await)?;
    table::readable(rows)
}

/// Every LoRA that is for whole films of a project, the newest first.
pub async fn of_project(db: &Db, project: ProjectId) -> Result<Vec<KeptLora>> {
    const ALL: &str = "select * from loras where project_id = $1 and character_id is null order by id desc";
    table::all_of::<LoraRow, _>(db, ALL, &project).await
}

const ACTIVE_OF: &str = "select * from loras where project_id = $1 and active order by id";

/// Those the films of a project use, of its characters and its own.
pub async fn active_of(db: &Db, project: ProjectId) -> Result<Vec<KeptLora>> {
    table::all_of::<LoraRow, _>(db, ACTIVE_OF, &project).await
}

/// The one films use of a character for an architecture, without being asked for.
pub async fn active(db: &Db, character: CharacterId, architecture: Architecture) -> Result<Option<KeptLora>> {
    let all = of_character(db, character).await?;
    Ok(all.into_iter().find(|one| one.active && one.architecture == architecture && one.name.is_empty()))
}

/// Whether films use one of the two at most: they are of the same character or project, for one architecture, and asked for alike.
pub fn stand_alike(one: &KeptLora, other: &KeptLora) -> bool {
    (one.project_id, one.character_id, one.architecture) == (other.project_id, other.character_id, other.architecture)
        && same_name(&one.name, &other.name)
}

/// Has films use this one in place of whichever of `all` they used that stands for the same; or, where `used` is not, no longer.
pub async fn use_one(tx: &mut Tx<'_>, all: &[KeptLora], lora: &KeptLora, used: bool) -> Result<()> {
    for other in all.iter().filter(|one| one.active && one.id != lora.id && stand_alike(one, lora) && used) {
        set_active(tx, other.id, false).await?;
    }
    set_active(tx, lora.id, used).await
}

async fn set_active(tx: &mut Tx<'_>, id: LoraId, active: bool) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("update loras set active = $2 where id = $1")
        .bind(id.to_string())
        .bind(active)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "LoRA", &id)
}

/// Keeps what a person says of a LoRA: its word, strength, name, and whether it is instead of others.
pub async fn set(tx: &mut Tx<'_>, lora: &KeptLora) -> Result<()> {
    const TEXT: &str = "update loras set trigger_word = $2, strength = $3, name = $4, instead = $5 where id = $1";
    let done = on_tx!(tx, |conn| sqlx::query(TEXT)
        .bind(lora.id.to_string())
        .bind(&lora.trigger)
        .bind(i64::from(lora.strength))
        .bind(&lora.name)
        .bind(lora.instead)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "LoRA", &lora.id)
}

/// Takes a LoRA out of the library; its kept file stays until nothing names it.
pub async fn remove(tx: &mut Tx<'_>, id: LoraId) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("delete from loras where id = $1")
        .bind(id.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "LoRA", &id)
}

// What is gone from the library may have been put where ComfyUI finds it.
const RUN_OF: &str = "
    select training_id, epoch from loras where file = $1
    union all
    select training_id, epoch from placed_loras where file = $1";

macro_rules! trained {
    ($pictures:literal) => {
        concat!(
            "with trained (hash) as (
                 select value -> 'file' ->> 'hash' from trainings t, ",
            $pictures,
            "     where t.id = $1 and value -> 'held_out' is null)
             select (select count(*) from trainings where id = $1),
                    coalesce((select max(lineage) from dataset_pictures where asset in (select hash from trained)), 0),
                    (select count(*) from assets where attempt_id is not null and hash in (select hash from trained))"
        )
    };
}
const TRAINED_SQLITE: &str = trained!("json_each(t.plan -> 'pictures')");
const TRAINED_POSTGRES: &str = trained!("jsonb_array_elements(t.plan -> 'pictures') as rows (value)");

/// The highest lineage of the pictures that LoRAs were trained on here, by their names below ComfyUI's folder. What was imported,
/// or is none of the studio's, has 0; what a run made that is gone has 1.
pub async fn lineage_of(db: &Db, files: &[&str]) -> Result<u32> {
    let mut most = 0;
    for file in files {
        let runs: Vec<(Option<String>, Option<i64>)> =
            on_db!(db, |pool| sqlx::query_as(RUN_OF).bind(*file).fetch_all(pool).await)?;
        let Some(run) = runs.iter().find_map(|(run, _)| run.as_deref()) else {
            most = most.max(i64::from(runs.iter().any(|(_, epoch)| epoch.is_some())));
            continue;
        };
        let (there, known, made): (i64, i64, i64) =
            on_db_each!(db, (TRAINED_SQLITE, TRAINED_POSTGRES), |sql, pool| sqlx::query_as(sql)
                .bind(run)
                .fetch_one(pool)
                .await)?;
        most = most.max(if there == 0 { 1 } else { known.max(made.min(1)) });
    }
    Reading { table: "loras", id: "" }.number("lineage", most)
}
