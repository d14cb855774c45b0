//! Locations: the places of a project.

use studio_core::{ids::ProjectId, location::Location};

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{Reading, word},
};

#[derive(sqlx::FromRow)]
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

/// All places of a project, by slug.
pub async fn of_project(db: &Db, project: ProjectId) -> Result<Vec<Location>> {
    let rows: Vec<LocationRow> =
        on_db!(db, |pool| sqlx::query_as("select * from locations where project_id = $1 order by slug")
            .bind(project.to_string())
            .fetch_all(pool)
            .await)?;
    rows.into_iter().map(Location::try_from).collect()
}
