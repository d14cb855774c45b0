//! Projects: series and films.

use studio_core::{
    ids::ProjectId,
    project::{About, Project},
};

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading, met},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct ProjectRow {
    id: String,
    slug: String,
    title: String,
    year: i64,
    seed: String,
    original_title: String,
    folder: String,
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
            original_title: row.original_title,
            folder: row.folder,
        })
    }
}

const UPSERT: &str = "
    insert into projects (id, slug, title, year, seed, original_title, folder) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (id) do update set title = excluded.title, year = excluded.year, folder = excluded.folder
    returning *";

/// Stores a project; the stored one is returned. One that is there keeps its short name and its seed.
///
/// # Errors
/// [`Error::TitleTaken`] when its short name or its folder is another show's. When that began as the very same show
/// meanwhile, it is returned instead.
pub async fn upsert(tx: &mut Tx<'_>, project: &Project) -> Result<Project> {
    let others = list_in(tx).await?;
    if !others.iter().any(|other| other.id == project.id) {
        if let Some(same) = Project::meant(&project.title, &others) {
            return Ok(same.clone());
        }
        if others.iter().any(|other| other.slug == project.slug) || project.free_folder(&others) != project.folder {
            return Err(Error::TitleTaken(project.title.clone()));
        }
    }
    let row: ProjectRow = on_tx!(tx, |conn| sqlx::query_as(UPSERT)
        .bind(project.id.to_string())
        .bind(&project.slug)
        .bind(&project.title)
        .bind(i64::from(project.year))
        .bind(project.seed.0.to_string())
        .bind(&project.original_title)
        .bind(&project.folder)
        .fetch_one(conn)
        .await)?;
    row.try_into()
}

/// The project with this id.
pub async fn get(db: &Db, id: ProjectId) -> Result<Project> {
    table::one::<ProjectRow, _>(db, "select * from projects where id = $1", "project", &id).await
}

/// The project with this slug.
pub async fn by_slug(db: &Db, slug: &str) -> Result<Option<Project>> {
    let row: Option<ProjectRow> = on_db!(db, |pool| sqlx::query_as("select * from projects where slug = $1")
        .bind(slug)
        .fetch_optional(pool)
        .await)?;
    row.map(Project::try_from).transpose()
}

const LIST: &str = "select * from projects order by slug";

/// All projects, by slug.
pub async fn list(db: &Db) -> Result<Vec<Project>> {
    let rows: Vec<ProjectRow> = on_db!(db, |pool| sqlx::query_as(LIST).fetch_all(pool).await)?;
    rows.into_iter().map(Project::try_from).collect()
}

async fn list_in(tx: &mut Tx<'_>) -> Result<Vec<Project>> {
    let rows: Vec<ProjectRow> = on_tx!(tx, |conn| sqlx::query_as(LIST).fetch_all(conn).await)?;
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

const SET_ABOUT: &str = "update projects set title = $2, year = $3, about = $4, folder = $5 where id = $1";

/// Keeps what a project is about, its title and its year, and with those which folder of the library is its own.
///
/// # Errors
/// [`Error::TitleTaken`] when another project has the title or began with it.
pub async fn set_about(tx: &mut Tx<'_>, id: ProjectId, title: &str, year: i16, about: &About) -> Result<()> {
    let (mine, others): (Vec<Project>, Vec<Project>) =
        list_in(tx).await?.into_iter().partition(|project| project.id == id);
    let Some(before) = mine.into_iter().next() else { return Err(Error::not_found("project", &id)) };
    let renamed = (before.title.as_str(), before.year) != (title, year);
    if before.title != title && Project::meant(title, &others).is_some() {
        return Err(Error::TitleTaken(title.to_owned()));
    }
    let after = Project { title: title.to_owned(), year, ..before };
    let folder = if renamed { after.free_folder(&others) } else { after.folder };
    let done = on_tx!(tx, |conn| sqlx::query(SET_ABOUT)
        .bind(id.to_string())
        .bind(title)
        .bind(i64::from(year))
        .bind(JsonText::of(about))
        .bind(&folder)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "project", &id)
}

// They belong to no episode, so nothing else takes them along. What still runs ends by itself, and needs its row for that.
const REMOVE_ASKED: &str = "
    delete from tasks
     where state not in ('waiting', 'running')
       and id in (select r.task_id from dataset_requests r
                    left join characters c on c.id = r.character_id
                    left join locations l on l.id = r.location_id
                   where coalesce(c.project_id, l.project_id) = $1)";

/// Removes a project with everything in it, and what was asked of engines for its datasets and reference sheets and is over; kept
/// files are swept later.
pub async fn remove(tx: &mut Tx<'_>, id: ProjectId) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(REMOVE_ASKED).bind(id.to_string()).execute(conn).await.map(drop))?;
    let done = on_tx!(tx, |conn| sqlx::query("delete from projects where id = $1")
        .bind(id.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "project", &id)
}
