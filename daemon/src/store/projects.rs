//! Projects: series and films.

use studio_core::{
    ids::ProjectId,
    project::{About, Project},
};

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading, met},
};

#[derive(sqlx_macros::FromRow)]
struct ProjectRow {
    id: String,
    slug: String,
    title: String,
    year: i64,
    seed: String,
}

impl TryFrom<ProjectRow> for Project {
    type Error = Error;
    fn try_from(row: ProjectRow) -> Result<Self> {
        let reading = Reading { table: "projects", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            year: reading.number("year", row.year)?,
            seed: reading.seed("seed", &row.seed)?,
            slug: row.slug,
            title: row.title,
        })
    }
}

const UPSERT: &str = "
    insert into projects (id, slug, title, year, seed) values ($1, $2, $3, $4, $5)
    on conflict (slug) do update set title = excluded.title, year = excluded.year
    returning *";

/// Stores a project by its slug. One that is there keeps its id and its seed; the stored one is returned.
pub async fn upsert(tx: &mut Tx<'_>, project: &Project) -> Result<Project> {
    let row: ProjectRow = on_tx!(tx, |conn| sqlx::query_as(UPSERT)
        .bind(project.id.to_string())
        .bind(&project.slug)
        .bind(&project.title)
        .bind(i64::from(project.year))
        .bind(project.seed.0.to_string())
        .fetch_one(conn)
        .await)?;
    row.try_into()
}

/// The project with this id.
pub async fn get(db: &Db, id: ProjectId) -> Result<Project> {
    let row: Option<ProjectRow> = on_db!(db, |pool| sqlx::query_as("select * from projects where id = $1")
        .bind(id.to_string())
        .fetch_optional(pool)
        .await)?;
    row.ok_or_else(|| Error::not_found("project", &id))?.try_into()
}

/// The project with this slug.
pub async fn by_slug(db: &Db, slug: &str) -> Result<Option<Project>> {
    let row: Option<ProjectRow> = on_db!(db, |pool| sqlx::query_as("select * from projects where slug = $1")
        .bind(slug)
        .fetch_optional(pool)
        .await)?;
    row.map(Project::try_from).transpose()
}

/// All projects, by slug.
pub async fn list(db: &Db) -> Result<Vec<Project>> {
    let rows: Vec<ProjectRow> =
        on_db!(db, |pool| sqlx::query_as("select * from projects order by slug").fetch_all(pool).await)?;
    rows.into_iter().map(Project::try_from).collect()
}

/// What a project is about.
pub async fn about(db: &Db, id: ProjectId) -> Result<About> {
    let key = id.to_string();
    let found: Option<JsonText> = on_db!(db, |pool| sqlx::query_scalar("select about from projects where id = $1")
        .bind(&key)
        .fetch_optional(pool)
        .await)?;
    let found = found.ok_or_else(|| Error::not_found("project", &id))?;
    Reading { table: "projects", id: &key }.json("about", &found)
}

/// Keeps what a project is about, its title and its year.
pub async fn set_about(tx: &mut Tx<'_>, id: ProjectId, title: &str, year: i16, about: &About) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("update projects set title = $2, year = $3, about = $4 where id = $1")
        .bind(id.to_string())
        .bind(title)
        .bind(i64::from(year))
        .bind(JsonText::of(about))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "project", &id)
}

/// Removes a project with everything in it; kept files are swept later.
pub async fn remove(tx: &mut Tx<'_>, id: ProjectId) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("delete from projects where id = $1")
        .bind(id.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "project", &id)
}
