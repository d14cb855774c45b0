//! Characters: who appears or speaks in a project.

use studio_core::{
    character::{Character, Sheet},
    ids::{CharacterId, ProjectId},
};

use super::{
    Db, Error, Result, Tx, on_tx,
    rows::{JsonText, Reading},
    table::{self, Described, described},
};

#[derive(sqlx_macros::FromRow)]
struct CharacterRow {
    id: String,
    project_id: String,
    slug: String,
    name: String,
    profile: JsonText,
    established: JsonText,
}

impl TryFrom<CharacterRow> for Character {
    type Error = Error;
    fn try_from(row: CharacterRow) -> Result<Self> {
        let reading = Reading { table: "characters", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            project_id: reading.text("project_id", &row.project_id)?,
            profile: reading.json("profile", &row.profile)?,
            established: reading.json("established", &row.established)?,
            slug: row.slug,
            name: row.name,
        })
    }
}

const UPSERT: &str = "
    insert into characters (id, project_id, slug, name, profile, established) values ($1, $2, $3, $4, $5, $6)
    on conflict (project_id, slug)
    do update set name = excluded.name, profile = excluded.profile, established = excluded.established
    returning *";

/// Stores a character by project and slug. One that is there keeps its id; the stored one is returned.
pub async fn upsert(tx: &mut Tx<'_>, character: &Character) -> Result<Character> {
    let row: CharacterRow = on_tx!(tx, |conn| sqlx::query_as(UPSERT)
        .bind(character.id.to_string())
        .bind(character.project_id.to_string())
        .bind(&character.slug)
        .bind(&character.name)
        .bind(JsonText::of(&character.profile))
        .bind(JsonText::of(&character.established))
        .fetch_one(conn)
        .await)?;
    row.try_into()
}

const LIST: &str = "select * from characters where project_id = $1 order by slug";

/// All characters of a project, by slug.
pub async fn of_project(db: &Db, project: ProjectId) -> Result<Vec<Character>> {
    table::all_of::<CharacterRow, _>(db, LIST, &project).await
}

/// Those of them that can be read, for lists that people look at.
pub async fn readable(db: &Db, project: ProjectId) -> Result<Vec<Character>> {
    table::readable_of::<CharacterRow, _>(db, LIST, &project).await
}

/// The character with this id.
pub async fn get(db: &Db, id: CharacterId) -> Result<Character> {
    table::one::<CharacterRow, _>(db, "select * from characters where id = $1", "character", &id).await
}

const SHEETS: Described = described!("characters", "character");

/// What a person has said of the characters of a project, by id.
pub async fn sheets(db: &Db, project: ProjectId) -> Result<Vec<(CharacterId, Sheet)>> {
    SHEETS.sheets(db, &project).await
}

/// What a person has said of a character.
pub async fn sheet(db: &Db, id: CharacterId) -> Result<Sheet> {
    SHEETS.sheet(db, &id).await
}

/// Keeps what a person says of a character.
pub async fn set_sheet(tx: &mut Tx<'_>, id: CharacterId, sheet: &Sheet) -> Result<()> {
    SHEETS.set_sheet(tx, &id, sheet).await
}
