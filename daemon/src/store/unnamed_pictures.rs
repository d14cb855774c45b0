//! Unnamed pictures: they came for a project, and nobody has said of whom they are.

use studio_core::{
    character::Character,
    dataset::{Called, DatasetSettings, Picture, UnnamedPicture},
    ids::{ContentHash, PictureId, ProjectId},
    review::Identity,
    units::Millis,
};

use super::{
    Db, Error, Result, Tx, characters, dataset_pictures, datasets, on_db, on_tx,
    picture_columns::FileColumns,
    rows::{JsonText, Reading, met},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct UnnamedRow {
    id: String,
    project_id: String,
    #[sqlx(flatten)]
    file: FileColumns,
    caption: Option<JsonText>,
    identity: Option<JsonText>,
}

impl TryFrom<UnnamedRow> for UnnamedPicture {
    type Error = Error;
    fn try_from(row: UnnamedRow) -> Result<Self> {
        let reading = Reading { table: "unnamed_pictures", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            project_id: reading.text("project_id", &row.project_id)?,
            file: row.file.file(reading)?,
            size: row.file.size(reading)?,
            source: row.file.source(reading)?,
            made: row.file.made(reading)?,
            caption: reading.maybe_json("caption", row.caption.as_ref())?,
            identity: reading.maybe_json("identity", row.identity.as_ref())?,
            created: row.file.created(),
        })
    }
}

const INSERT: &str = "
    insert into unnamed_pictures (id, project_id, asset, ext, width, height, source, made, caption, identity, created_ms)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    on conflict (project_id, asset) do nothing";

/// Stores a picture; false when the project has that file among those without a name already.
pub async fn insert(tx: &mut Tx<'_>, picture: &UnnamedPicture) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(INSERT)
        .bind(picture.id.to_string())
        .bind(picture.project_id.to_string())
        .bind(picture.file.hash.to_string())
        .bind(&picture.file.ext)
        .bind(i64::from(picture.size.width))
        .bind(i64::from(picture.size.height))
        .bind(JsonText::of(&picture.source))
        .bind(picture.made.as_ref().map(JsonText::of))
        .bind(picture.caption.as_ref().map(JsonText::of))
        .bind(picture.identity.as_ref().map(JsonText::of))
        .bind(picture.created.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

macro_rules! page_of {
    ($rest:literal) => {
        concat!("select * from unnamed_pictures where project_id = $1 and ", $rest, " limit $3")
    };
}

/// One page of pictures of a project without a name: at most `limit` that come after the one with the id `after`.
pub async fn page(
    db: &Db,
    project: ProjectId,
    oldest_first: bool,
    after: Option<PictureId>,
    limit: u32,
) -> Result<Vec<UnnamedPicture>> {
    let text = if oldest_first {
        page_of!("($2 is null or id > $2) order by id")
    } else {
        page_of!("($2 is null or id < $2) order by id desc")
    };
    table::page_of_project(db, text, project, after, limit, |row: &UnnamedRow| &row.id).await
}

/// The picture with this id.
pub async fn get(db: &Db, id: PictureId) -> Result<UnnamedPicture> {
    const TEXT: &str = "select * from unnamed_pictures where id = $1";
    table::one::<UnnamedRow, _>(db, TEXT, "picture without a name", &id).await
}

/// Pictures of a project without a name, the oldest first.
pub async fn of_project(db: &Db, project: ProjectId) -> Result<Vec<UnnamedPicture>> {
    const TEXT: &str = "select * from unnamed_pictures where project_id = $1 order by id";
    table::readable_of::<UnnamedRow, _>(db, TEXT, &project).await
}

macro_rules! unasked {
    ($what:literal, $rest:literal) => {
        concat!(
            "select ",
            $what,
            " from unnamed_pictures u
              where u.identity is null
                and not exists (select 1 from dataset_requests r where r.picture_id = u.id and r.state = 'open') ",
            $rest
        )
    };
}

/// Projects with pictures the judge was not asked about, and with somebody each of them may show.
pub async fn projects_unasked(db: &Db) -> Result<Vec<ProjectId>> {
    const TEXT: &str = unasked!(
        "distinct u.project_id",
        "and exists (select 1 from characters c where c.project_id = u.project_id) order by u.project_id"
    );
    table::ids(db, TEXT, "projects").await
}

/// Pictures of a project the judge was not asked about, the oldest first. They are found project by project: those of one where
/// nobody can be asked take nobody's place.
pub async fn unasked(db: &Db, project: ProjectId, limit: u32) -> Result<Vec<UnnamedPicture>> {
    const TEXT: &str = unasked!("u.*", "and u.project_id = $1 and ($2 is null or u.id > $2) order by u.id limit $3");
    table::page_of_project(db, TEXT, project, None::<PictureId>, limit, |row: &UnnamedRow| &row.id).await
}

/// How often the judge was asked who is in a picture, whatever came of it.
pub async fn times_asked(db: &Db, id: PictureId) -> Result<u32> {
    const TEXT: &str = "select count(*) from dataset_requests where picture_id = $1 and not makes and state <> 'open'";
    let key = id.to_string();
    let count: i64 = on_db!(db, |pool| sqlx::query_scalar(TEXT).bind(&key).fetch_one(pool).await)?;
    Reading { table: "dataset_requests", id: &key }.number("state", count)
}

/// Keeps what the judge said of who it is; `None` has it asked once more.
pub async fn set_identity(tx: &mut Tx<'_>, id: PictureId, identity: Option<&Identity>) -> Result<()> {
    const TEXT: &str = "update unnamed_pictures set identity = $2 where id = $1";
    let done = on_tx!(tx, |conn| sqlx::query(TEXT)
        .bind(id.to_string())
        .bind(identity.map(JsonText::of))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "picture without a name", &id)
}

/// What became of a picture that was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// It is in the dataset, under the identity it had.
    Added,
    /// The dataset has that very file already, as this picture, which got its caption unless a person has written one.
    Known(PictureId),
}

/// Puts a picture into somebody's dataset, where it is looked at like any that comes. It is without a name no more in any case.
pub async fn name(tx: &mut Tx<'_>, db: &Db, picture: UnnamedPicture, to: &Character, now: Millis) -> Result<Named> {
    const THERE: &str = "select id from dataset_pictures where character_id = $1 and asset = $2";
    remove(tx, picture.id).await?;
    let picture: Picture = picture.named(to.id, &called_in(db, to.project_id).await?, now);
    if dataset_pictures::insert(tx, &picture).await? {
        return Ok(Named::Added);
    }
    let id: String = on_tx!(tx, |conn| sqlx::query_scalar(THERE)
        .bind(to.id.to_string())
        .bind(picture.file.hash.to_string())
        .fetch_one(conn)
        .await)?;
    let there = Reading { table: "dataset_pictures", id: &id }.key()?;
    if let Some(caption) = &picture.caption {
        dataset_pictures::add_caption(tx, there, caption).await?;
    }
    Ok(Named::Known(there))
}

/// What captions of the datasets of a project begin with.
async fn called_in(db: &Db, project: ProjectId) -> Result<Vec<Called>> {
    let said = datasets::list(db).await?;
    let called = |one: &Character| {
        let own = said.iter().find(|dataset| dataset.character_id == one.id);
        Called::of(&own.map_or_else(DatasetSettings::default, |own| own.settings.clone()), &one.name)
    };
    Ok(characters::of_project(db, project).await?.iter().map(called).collect())
}

/// Takes a picture out; its file stays until nothing names it.
pub async fn remove(tx: &mut Tx<'_>, id: PictureId) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("delete from unnamed_pictures where id = $1")
        .bind(id.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "picture without a name", &id)
}

/// Files of pictures without a name.
pub async fn in_use(db: &Db) -> Result<Vec<ContentHash>> {
    const TEXT: &str = "select id, asset from unnamed_pictures";
    let rows: Vec<(String, String)> = on_db!(db, |pool| sqlx::query_as(TEXT).fetch_all(pool).await)?;
    rows.iter().map(|(id, asset)| Reading { table: "unnamed_pictures", id }.text("asset", asset)).collect()
}
