//! History of a picture: what its file was made from, and what was made from it, within its project.

use studio_core::{
    asset::AssetRef,
    ids::{ContentHash, ProjectId, TrainingId},
};

use super::{Db, Error, Result, on_db, on_db_each, rows::Reading};

/// What is found of each side at most.
pub const MOST: u32 = 100;

/// Something whose file was made from a picture, or that a picture was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// What it is.
    pub what: RelatedKind,
    /// Its id among those.
    pub id: uuid::Uuid,
    /// The kept file of it.
    pub file: AssetRef,
}

/// What has a file that was made from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RelatedKind {
    /// A picture of a dataset.
    Picture,
    /// A picture of a reference sheet.
    Portrait,
    /// A take of a shot.
    Take,
}

#[derive(sqlx_macros::FromRow)]
struct RelatedRow {
    what: String,
    id: String,
    hash: String,
    ext: String,
}

/// Everything of a project with a file that fits a condition, the newest first.
macro_rules! related {
    ($fits:literal) => {
        concat!(
            "select what, id, hash, ext from (
                select 'picture' as what, p.id as id, a.hash as hash, a.ext as ext, a.created_ms as at_ms
                  from dataset_pictures p join characters c on c.id = p.character_id join assets a on a.hash = p.asset
                 where c.project_id = $2 and ",
            $fits,
            " union all
                select 'portrait', q.id, a.hash, a.ext, a.created_ms
                  from portraits q left join characters c on c.id = q.character_id
                  left join locations l on l.id = q.location_id join assets a on a.hash = q.asset
                 where coalesce(c.project_id, l.project_id) = $2 and ",
            $fits,
            " union all
                select 'take', t.id, a.hash, a.ext, a.created_ms
                  from takes t join shots s on s.id = t.shot_id join scenes n on n.id = s.scene_id
                  join episodes e on e.id = n.episode_id join assets a on a.hash = t.asset
                 where e.project_id = $2 and ",
            $fits,
            ") found order by at_ms desc, id desc limit $3"
        )
    };
}

const FROM_SQLITE: &str =
    related!("a.hash in (select value from json_each((select inputs from assets where hash = $1)))");
const FROM_POSTGRES: &str =
    related!("a.hash in (select jsonb_array_elements_text(f.inputs) from assets f where f.hash = $1)");
const TO_SQLITE: &str = related!("exists (select 1 from json_each(a.inputs) i where i.value = $1)");
const TO_POSTGRES: &str = related!("a.inputs @> to_jsonb(cast($1 as text))");

/// What a file was made from, as far as it is something of the project, the newest first; at most [`MOST`].
pub async fn made_from(db: &Db, file: ContentHash, project: ProjectId) -> Result<Vec<Related>> {
    let rows: Vec<RelatedRow> = on_db_each!(db, (FROM_SQLITE, FROM_POSTGRES), |sql, pool| sqlx::query_as(sql)
        .bind(file.to_string())
        .bind(project.to_string())
        .bind(i64::from(MOST))
        .fetch_all(pool)
        .await)?;
    rows.into_iter().map(Related::try_from).collect()
}

/// What was made from a file, as far as it is something of the project, the newest first; at most [`MOST`].
pub async fn led_to(db: &Db, file: ContentHash, project: ProjectId) -> Result<Vec<Related>> {
    let rows: Vec<RelatedRow> = on_db_each!(db, (TO_SQLITE, TO_POSTGRES), |sql, pool| sqlx::query_as(sql)
        .bind(file.to_string())
        .bind(project.to_string())
        .bind(i64::from(MOST))
        .fetch_all(pool)
        .await)?;
    rows.into_iter().map(Related::try_from).collect()
}

/// Runs of a project that are, or were, trained on a file, the newest first; at most [`MOST`].
pub async fn trained(db: &Db, file: ContentHash, project: ProjectId) -> Result<Vec<TrainingId>> {
    const TRAINED: &str = "
        select t.id from trainings t join characters c on c.id = t.character_id
         where c.project_id = $2 and cast(t.plan as text) like $1 order by t.id desc limit $3";
    let rows: Vec<String> = on_db!(db, |pool| sqlx::query_scalar(TRAINED)
        .bind(format!("%{file}%"))
        .bind(project.to_string())
        .bind(i64::from(MOST))
        .fetch_all(pool)
        .await)?;
    rows.iter().map(|id| Reading { table: "trainings", id }.key()).collect()
}

impl TryFrom<RelatedRow> for Related {
    type Error = Error;
    fn try_from(row: RelatedRow) -> Result<Self> {
        let reading = Reading { table: "assets", id: &row.hash };
        Ok(Self {
            what: reading.word("what", &row.what)?,
            id: reading.text("id", &row.id)?,
            file: AssetRef { hash: reading.key()?, ext: row.ext },
        })
    }
}
