//! Stories: ideas that a text model turns into screenplays.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use studio_core::{ids::StoryId, units::Millis};

use studio_engine::Boxed;

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading, met, word},
    table,
};

/// How far a story is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StoryState)]
pub enum State {
    /// It is being written, or waits for its turn.
    Writing,
    /// It is there.
    Told,
    /// It could not be written.
    Failed,
}

/// An idea and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Story {
    /// Identity of the story, a uuid v7.
    pub id: StoryId,
    /// What was asked for.
    pub idea: Value,
    /// How far it is.
    pub state: State,
    /// The screenplay in Fountain; empty until it is told.
    pub text: String,
    /// Why it failed, in one sentence; empty when it did not.
    pub why: String,
    /// Which refusal that is, by its code; empty when it did not fail, or failed in an earlier studio.
    pub code: String,
    /// When it was asked for.
    pub created: Millis,
    /// When it was told or failed.
    pub ended: Option<Millis>,
}

/// Why a story could not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untold {
    /// Which refusal it is, by its code.
    pub code: String,
    /// The same in one sentence.
    pub why: String,
}

#[derive(sqlx_macros::FromRow)]
struct StoryRow {
    id: String,
    idea: JsonText,
    state: String,
    text: String,
    why: String,
    code: String,
    created_ms: i64,
    ended_ms: Option<i64>,
}

impl TryFrom<StoryRow> for Story {
    type Error = Error;
    fn try_from(row: StoryRow) -> Result<Self> {
        let reading = Reading { table: "stories", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            idea: reading.json("idea", &row.idea)?,
            state: reading.word("state", &row.state)?,
            text: row.text,
            why: row.why,
            code: row.code,
            created: Millis(row.created_ms),
            ended: row.ended_ms.map(Millis),
        })
    }
}

const INSERT: &str = "
    insert into stories (id, idea, state, text, why, code, created_ms, ended_ms)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Keeps a story that begins.
pub async fn insert(tx: &mut Tx<'_>, story: &Story) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(INSERT)
        .bind(story.id.to_string())
        .bind(JsonText::of(&story.idea))
        .bind(word(&story.state))
        .bind(&story.text)
        .bind(&story.why)
        .bind(&story.code)
        .bind(story.created.0)
        .bind(story.ended.map(|at| at.0))
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

const END: &str = "
    update stories set state = $2, text = $3, why = $4, code = $5, ended_ms = $6
    where id = $1 and state = 'writing'";

/// Keeps what became of a story: its text, or why it failed. One that was removed meanwhile stays removed.
pub async fn end(tx: &mut Tx<'_>, id: StoryId, told: &std::result::Result<String, Untold>, now: Millis) -> Result<()> {
    let (state, text, why, code) = match told {
        Ok(text) => (State::Told, text.as_str(), "", ""),
        Err(Untold { code, why }) => (State::Failed, "", why.as_str(), code.as_str()),
    };
    on_tx!(tx, |conn| sqlx::query(END)
        .bind(id.to_string())
        .bind(word(&state))
        .bind(text)
        .bind(why)
        .bind(code)
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// The story with this id.
pub async fn get(db: &Db, id: StoryId) -> Result<Story> {
    table::one::<StoryRow, _>(db, "select * from stories where id = $1", "story", &id).await
}

macro_rules! wanted {
    () => {
        "select * from stories where ($1 is null or state = $1) "
    };
}
const NEWEST: &str = concat!(wanted!(), "and ($2 is null or id < $2) order by id desc limit $3");
const OLDEST: &str = concat!(wanted!(), "and ($2 is null or id > $2) order by id limit $3");

/// Which stories are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<State>,
    /// Only those that come after this one.
    pub after: Option<StoryId>,
    /// The oldest come first.
    pub oldest_first: bool,
    /// At most this many.
    pub limit: u32,
}

/// One page of stories.
pub async fn page(db: &Db, asked: &Filter) -> Result<Vec<Story>> {
    let text = if asked.oldest_first { OLDEST } else { NEWEST };
    let fetch = |after: Option<String>, limit: i64| -> Boxed<'_, Result<Vec<StoryRow>>> {
        Box::pin(async move {
            Ok(on_db!(db, |pool| sqlx::query_as(text)
                .bind(asked.state.map(|state| word(&state)))
                .bind(after)
                .bind(limit)
                .fetch_all(pool)
                .await)?)
        })
    };
    table::page(asked.after, asked.limit, |row| &row.id, fetch).await
}

/// Removes a story.
pub async fn remove(tx: &mut Tx<'_>, id: StoryId) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("delete from stories where id = $1")
        .bind(id.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "story", &id)
}
