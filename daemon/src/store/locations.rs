//! Locations: the places of a project.

use studio_core::{
    ids::{ContentHash, LocationId, ProjectId},
    location::{Location, Sheet},
};

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{Reading, word},
    table::{self, Described, described},
};

#[derive(sqlx_macros::FromRow)]
struct LocationRow {
    id: String,
    project_id: String,
    slug: String,
    name: String,
    setting: String,
}

impl TryFrom<LocationRow> for Location {
    type Error = Error;
    fn try_from(row: LocationRow) -> Result<Self> {
        let reading = Reading { table: "locations", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            project_id: reading.text("project_id", &row.project_id)?,
            setting: reading.word("setting", &row.setting)?,
            slug: row.slug,
            name: row.name,
        })
    }
}

const UPSERT: &str = "
    insert into locations (id, project_id, slug, name, setting) values ($1, $2, $3, $4, $5)
    on conflict (project_id, slug) do update set name = excluded.name, setting = excluded.setting
    returning *";

/// Stores a place by project and slug. One that is there keeps its id; the stored one is returned.
pub async fn upsert(tx: &mut Tx<'_>, location: &Location) -> Result<Location> {
    let row: LocationRow = on_tx!(tx, |conn| sqlx::query_as(UPSERT)
        .bind(location.id.to_string())
        .bind(location.project_id.to_string())
        .bind(&location.slug)
        .bind(&location.name)
        .bind(word(&location.setting))
        .fetch_one(conn)
        .await)?;
    row.try_into()
}

const LIST: &str = "select * from locations where project_id = $1 order by slug";

/// All places of a project, by slug.
pub async fn of_project(db: &Db, project: ProjectId) -> Result<Vec<Location>> {
    table::all_of::<LocationRow, _>(db, LIST, &project).await
}

/// Those of them that can be read, for lists that people look at.
pub async fn readable(db: &Db, project: ProjectId) -> Result<Vec<Location>> {
    table::readable_of::<LocationRow, _>(db, LIST, &project).await
}

/// The place with this id.
pub async fn get(db: &Db, id: LocationId) -> Result<Location> {
    table::one::<LocationRow, _>(db, "select * from locations where id = $1", "place", &id).await
}

const SHEETS: Described = described!("locations", "place");

/// What a person has said of the places of a project, by id.
pub async fn sheets(db: &Db, project: ProjectId) -> Result<Vec<(LocationId, Sheet)>> {
    SHEETS.sheets(db, &project).await
}

/// What a person has said of a place.
pub async fn sheet(db: &Db, id: LocationId) -> Result<Sheet> {
    SHEETS.sheet(db, &id).await
}

/// Keeps what a person says of a place.
pub async fn set_sheet(tx: &mut Tx<'_>, id: LocationId, sheet: &Sheet) -> Result<()> {
    SHEETS.set_sheet(tx, &id, sheet).await
}

// The first shot of a scene is the widest; of its takes the chosen one counts.
const PICTURE: &str = "
    select takes.asset
      from takes join shots on shots.id = takes.shot_id join scenes on scenes.id = shots.scene_id
     where scenes.location_id = $1 and takes.subject = 'still'
     order by shots.number, takes.chosen desc, takes.id desc limit 1";

/// A picture of a place that was made.
pub async fn picture(db: &Db, id: LocationId) -> Result<Option<ContentHash>> {
    let key = id.to_string();
    let found: Option<String> = on_db!(db, |pool| sqlx::query_scalar(PICTURE).bind(&key).fetch_optional(pool).await)?;
    Reading { table: "takes", id: &key }.maybe("asset", found.as_deref())
}
