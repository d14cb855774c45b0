//! Characters: who appears or speaks in a project.

use studio_core::{character::Character, ids::ProjectId};

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading},
};

#[derive(sqlx::FromRow)]
struct CharacterRow {
    id: String,
    project_id: String,
    slug: String,
    name: String,
    profile: JsonText,
}

impl TryFrom<CharacterRow> for Character {
    type Error = Error;
    fn try_from(row: CharacterRow) -> Result<Self> {
        let reading = Reading { table: "characters", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            project_id: reading.text("project_id", &row.project_id)?,
            profile: reading.json("profile", &row.profile)?,
            slug: row.slug,
            name: row.name,
        })
    }
}

const UPSERT: &str = "
    insert into characters (id, project_id, slug, name, profile) values ($1, $2, $3, $4, $5)
    on conflict (project_id, slug) do update set name = excluded.name, profile = excluded.profile
    returning *";

/// Stores a character by project and slug. One that is there keeps its id; the stored one is returned.
pub async fn upsert(tx: &mut Tx<'_>, character: &Character) -> Result<Character> {
    let row: CharacterRow = on_tx!(tx, |conn| sqlx::query_as(UPSERT)
        .bind(character.id.to_string())
        .bind(character.project_id.to_string())
        .bind(&character.slug)
        .bind(&character.name)
        .bind(JsonText::of(&character.profile))
        .fetch_one(conn)
        .await)?;
    row.try_into()
}

/// All characters of a project, by slug.
pub async fn of_project(db: &Db, project: ProjectId) -> Result<Vec<Character>> {
    let rows: Vec<CharacterRow> =
        on_db!(db, |pool| sqlx::query_as("select * from characters where project_id = $1 order by slug")
            .bind(project.to_string())
            .fetch_all(pool)
            .await)?;
    rows.into_iter().map(Character::try_from).collect()
}
