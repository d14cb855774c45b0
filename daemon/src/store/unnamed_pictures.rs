//! Unnamed pictures: they came for a project, and nobody has said of whom they are.

use studio_core::{
    asset::AssetRef,
    dataset::{Picture, UnnamedPicture},
    ids::{CharacterId, ContentHash, PictureId, ProjectId},
    review::Identity,
    units::{Millis, Size},
};

use super::{
    Db, Error, Result, Tx, dataset_pictures, on_db, on_tx,
    rows::{JsonText, Reading, met},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct UnnamedRow {
    id: String,
    project_id: String,
    asset: String,
    ext: String,
    width: i64,
    height: i64,
    source: JsonText,
    made: Option<JsonText>,
    caption: Option<JsonText>,
    identity: Option<JsonText>,
    created_ms: i64,
}

impl TryFrom<UnnamedRow> for UnnamedPicture {
    type Error = Error;
    fn try_from(row: UnnamedRow) -> Result<Self> {
        let reading = Reading { table: "unnamed_pictures", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            project_id: reading.text("project_id", &row.project_id)?,
            file: AssetRef { hash: reading.text("asset", &row.asset)?, ext: row.ext.clone() },
            size: Size { width: reading.number("width", row.width)?, height: reading.number("height", row.height)? },
            source: reading.json("source", &row.source)?,
            made: reading.maybe_json("made", row.made.as_ref())?,
            caption: reading.maybe_json("caption", row.caption.as_ref())?,
            identity: reading.maybe_json("identity", row.identity.as_ref())?,
            created: Millis(row.created_ms),
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

const UNASKED: &str = "
    select * from unnamed_pictures
     where identity is null
       and not exists (select 1 from dataset_requests r where r.picture_id = unnamed_pictures.id and r.state = 'open')
     order by id limit $1";

/// Pictures the judge was not asked about, the oldest first.
pub async fn unasked(db: &Db, limit: u32) -> Result<Vec<UnnamedPicture>> {
    let rows: Vec<UnnamedRow> =
        on_db!(db, |pool| sqlx::query_as(UNASKED).bind(i64::from(limit)).fetch_all(pool).await)?;
    table::readable(rows)
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

/// Puts a picture into somebody's dataset, where it is looked at like any that comes; false when the dataset has that very
/// file already. It is without a name no more in any case.
pub async fn name(tx: &mut Tx<'_>, picture: UnnamedPicture, to: CharacterId, now: Millis) -> Result<bool> {
    remove(tx, picture.id).await?;
    let picture: Picture = picture.named(to, now);
    dataset_pictures::insert(tx, &picture).await
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
