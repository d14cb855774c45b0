//! Placed LoRAs: which files the studio wrote into ComfyUI's folder. A file that has no row here is somebody else's.

use std::{collections::BTreeSet, path::Path};

use studio_core::{
    ids::{ContentHash, TrainingId},
    units::Millis,
};

use super::{Db, Error, Result, Tx, on_db, on_tx, rows::Reading};

/// A file that the studio wrote into a folder of LoRAs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedLora {
    /// The folder, as a whole path.
    pub folder: String,
    /// Its name below that folder.
    pub file: String,
    /// Hash of what was written.
    pub hash: ContentHash,
    /// The run and the epoch it is of; `None` when it was imported.
    pub of: Option<(TrainingId, u32)>,
    /// When it was put there.
    pub placed: Millis,
}

#[derive(sqlx_macros::FromRow)]
struct PlacedRow {
    folder: String,
    file: String,
    asset: String,
    training_id: Option<String>,
    epoch: Option<i64>,
    placed_ms: i64,
}

impl TryFrom<PlacedRow> for PlacedLora {
    type Error = Error;
    fn try_from(row: PlacedRow) -> Result<Self> {
        let reading = Reading { table: "placed_loras", id: &row.file };
        let training = reading.maybe("training_id", row.training_id.as_deref())?;
        let epoch: Option<u32> = reading.maybe_number("epoch", row.epoch)?;
        Ok(Self {
            hash: reading.text("asset", &row.asset)?,
            of: training.zip(epoch),
            placed: Millis(row.placed_ms),
            folder: row.folder,
            file: row.file,
        })
    }
}

/// Keeps that a file is about to be written, in place of what was kept of its name.
pub async fn note(tx: &mut Tx<'_>, placed: &PlacedLora) -> Result<()> {
    const NOTE: &str = "
        insert into placed_loras (folder, file, asset, training_id, epoch, placed_ms) values ($1, $2, $3, $4, $5, $6)
        on conflict (folder, file) do update
           set asset = excluded.asset, training_id = excluded.training_id, epoch = excluded.epoch,
               placed_ms = excluded.placed_ms";
    on_tx!(tx, |conn| sqlx::query(NOTE)
        .bind(&placed.folder)
        .bind(&placed.file)
        .bind(placed.hash.to_string())
        .bind(placed.of.map(|(training, _)| training.to_string()))
        .bind(placed.of.map(|(_, epoch)| i64::from(epoch)))
        .bind(placed.placed.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// A folder as it is stored: as a whole path.
pub fn name_of_folder(folder: &Path) -> String {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()).to_string_lossy().into_owned()
}

/// Keeps that the files of the library lie in a folder, where nothing is kept of any file: studios of before kept no more than the
/// library itself, whose every file they had written.
pub async fn adopt(tx: &mut Tx<'_>, folder: &str, now: Millis) -> Result<()> {
    const ADOPT: &str = "
        insert into placed_loras (folder, file, asset, training_id, epoch, placed_ms)
        select cast($1 as text), l.file, l.asset, l.training_id, l.epoch, cast($2 as bigint) from loras l
         where not exists (select 1 from placed_loras)";
    on_tx!(tx, |conn| sqlx::query(ADOPT).bind(folder).bind(now.0).execute(conn).await.map(drop))?;
    Ok(())
}

/// What is kept of a file of a folder; `None`: the studio did not write it.
pub async fn get(db: &Db, folder: &str, file: &str) -> Result<Option<PlacedLora>> {
    const GET: &str = "select * from placed_loras where folder = $1 and file = $2";
    let row: Option<PlacedRow> =
        on_db!(db, |pool| sqlx::query_as(GET).bind(folder).bind(file).fetch_optional(pool).await)?;
    row.map(PlacedLora::try_from).transpose()
}

/// The name an epoch of a run has, or once had, below ComfyUI's folder; `None`: it was never there.
pub async fn name_of(db: &Db, training: TrainingId, epoch: u32) -> Result<Option<String>> {
    const NAME: &str = "
        select file from (
            select p.file, p.placed_ms as at_ms from placed_loras p where p.training_id = $1 and p.epoch = $2
            union all select l.file, l.created_ms from loras l where l.training_id = $1 and l.epoch = $2) named
         order by at_ms, file limit 1";
    Ok(on_db!(db, |pool| sqlx::query_scalar(NAME)
        .bind(training.to_string())
        .bind(i64::from(epoch))
        .fetch_optional(pool)
        .await)?)
}

/// Every file, with whether something still wants it there: the library, or a run that is not decided.
pub async fn all(db: &Db) -> Result<Vec<(PlacedLora, bool)>> {
    const ALL: &str = "select * from placed_loras order by folder, file";
    const UNUSED: &str = "
        select p.folder, p.file from placed_loras p
         where not exists (select 1 from loras l where l.file = p.file)
           and not exists (select 1 from trainings t
                            where t.id = p.training_id and t.state in ('training', 'probing', 'needs_person'))";
    let rows: Vec<PlacedRow> = on_db!(db, |pool| sqlx::query_as(ALL).fetch_all(pool).await)?;
    let unused: Vec<(String, String)> = on_db!(db, |pool| sqlx::query_as(UNUSED).fetch_all(pool).await)?;
    let unused: BTreeSet<_> = unused.into_iter().collect();
    rows.into_iter()
        .map(|row| {
            let wanted = !unused.contains(&(row.folder.clone(), row.file.clone()));
            Ok((PlacedLora::try_from(row)?, wanted))
        })
        .collect()
}

/// Forgets a file that is not there any more, or that is somebody else's by now.
pub async fn remove(tx: &mut Tx<'_>, folder: &str, file: &str) -> Result<()> {
    const REMOVE: &str = "delete from placed_loras where folder = $1 and file = $2";
    on_tx!(tx, |conn| sqlx::query(REMOVE).bind(folder).bind(file).execute(conn).await.map(drop))?;
    Ok(())
}
