//! Seen: what was found at the sources of pictures of datasets, whether it was taken or refused.

use serde::{Deserialize, Serialize};
use studio_core::{
    ids::{CharacterId, ContentHash},
    units::Millis,
};

use super::{Db, Result, Tx, on_db, on_tx, rows::Reading};

/// Where pictures are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Takes of films; the key is the hash of the take's file.
    Still,
    /// Outputs of a ComfyUI; the key is a hash of server, prompt and file name.
    Comfy,
    /// The watched folder; the key is the hash of the file as it lies there.
    Inbox,
}

impl Place {
    /// Its stable word in the store.
    const fn word(self) -> &'static str {
        match self {
            Self::Still => "still",
            Self::Comfy => "comfy",
            Self::Inbox => "inbox",
        }
    }
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The picture's file in the dataset; `None` when it was refused, or held several.
    pub asset: Option<ContentHash>,
    /// Why it was not taken, in a sentence; `None` when it was.
    pub why: Option<String>,
}

const NOTE: &str = "
    insert into dataset_seen (character_id, source, key, asset, why, seen_ms) values ($1, $2, $3, $4, $5, $6)
    on conflict (character_id, source, key) do update set asset = excluded.asset, why = excluded.why";

/// Keeps what became of what was seen, in place of what became of it before.
pub async fn note(
    tx: &mut Tx<'_>,
    character: CharacterId,
    place: Place,
    key: ContentHash,
    seen: &Seen,
    now: Millis,
) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(NOTE)
        .bind(character.to_string())
        .bind(place.word())
        .bind(key.to_string())
        .bind(seen.asset.map(|hash| hash.to_string()))
        .bind(seen.why.as_deref())
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

const GET: &str = "select asset, why from dataset_seen where character_id = $1 and source = $2 and key = $3";

/// What became of it when it was seen; `None`: it was not.
pub async fn get(db: &Db, character: CharacterId, place: Place, key: ContentHash) -> Result<Option<Seen>> {
    let key = key.to_string();
    let row: Option<(Option<String>, Option<String>)> = on_db!(db, |pool| sqlx::query_as(GET)
        .bind(character.to_string())
        .bind(place.word())
        .bind(&key)
        .fetch_optional(pool)
        .await)?;
    let Some((asset, why)) = row else { return Ok(None) };
    let reading = Reading { table: "dataset_seen", id: &key };
    Ok(Some(Seen { asset: reading.maybe("asset", asset.as_deref())?, why }))
}

const OF_CHARACTER: &str =
    "select source, key, asset, why from dataset_seen where character_id = $1 order by source, key";

/// Everything that was seen for a character.
pub async fn of_character(db: &Db, character: CharacterId) -> Result<Vec<(Place, ContentHash, Seen)>> {
    let rows: Vec<(String, String, Option<String>, Option<String>)> =
        on_db!(db, |pool| sqlx::query_as(OF_CHARACTER).bind(character.to_string()).fetch_all(pool).await)?;
    let read = |(source, key, asset, why): (String, String, Option<String>, Option<String>)| {
        let reading = Reading { table: "dataset_seen", id: &key };
        let seen = Seen { asset: reading.maybe("asset", asset.as_deref())?, why };
        Ok((reading.word("source", &source)?, reading.text("key", &key)?, seen))
    };
    rows.into_iter().map(read).collect()
}
