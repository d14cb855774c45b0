//! LoRAs the studio looks after, and which of them films use.

use studio_core::{
    asset::AssetRef,
    ids::{CharacterId, LoraId, ProjectId},
    lora::{Architecture, KeptLora},
    units::Millis,
};

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{Reading, bigint, met, word},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct LoraRow {
    id: String,
    character_id: String,
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
            character_id: reading.text("character_id", &row.character_id)?,
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
    insert into loras (id, character_id, architecture, file, asset, ext, bytes, trigger_word, strength, active, training_id,
                       epoch, created_ms)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict do nothing";

/// Stores a LoRA; false when its name is taken, and nothing is changed.
pub async fn insert(tx: &mut Tx<'_>, lora: &KeptLora) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(INSERT)
        .bind(lora.id.to_string())
        .bind(lora.character_id.to_string())
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

const ACTIVE_OF: &str = "
    select loras.* from loras join characters on characters.id = loras.character_id
     where characters.project_id = $1 and loras.active order by loras.id";

/// Those the films of a project use.
pub async fn active_of(db: &Db, project: ProjectId) -> Result<Vec<KeptLora>> {
    table::all_of::<LoraRow, _>(db, ACTIVE_OF, &project).await
}

/// The one films use of a character for an architecture.
pub async fn active(db: &Db, character: CharacterId, architecture: Architecture) -> Result<Option<KeptLora>> {
    let all = of_character(db, character).await?;
    Ok(all.into_iter().find(|one| one.active && one.architecture == architecture))
}

/// Has films use this one in place of whichever they used; `None`: none of that architecture any more.
pub async fn use_one(
    tx: &mut Tx<'_>,
    character: CharacterId,
    architecture: Architecture,
    lora: Option<LoraId>,
) -> Result<()> {
    const NONE: &str = "update loras set active = false where character_id = $1 and architecture = $2 and active";
    const ONE: &str = "update loras set active = true where id = $1 and character_id = $2 and architecture = $3";
    on_tx!(tx, |conn| sqlx::query(NONE)
        .bind(character.to_string())
        .bind(word(&architecture))
        .execute(conn)
        .await
        .map(drop))?;
    let Some(lora) = lora else { return Ok(()) };
    let done = on_tx!(tx, |conn| sqlx::query(ONE)
        .bind(lora.to_string())
        .bind(character.to_string())
        .bind(word(&architecture))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "LoRA", &lora)
}

/// Keeps what a person says of a LoRA.
pub async fn set(tx: &mut Tx<'_>, id: LoraId, trigger: &str, strength: u32) -> Result<()> {
    const TEXT: &str = "update loras set trigger_word = $2, strength = $3 where id = $1";
    let done = on_tx!(tx, |conn| sqlx::query(TEXT)
        .bind(id.to_string())
        .bind(trigger)
        .bind(i64::from(strength))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "LoRA", &id)
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
