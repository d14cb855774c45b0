//! Decisions: what the studio decided by itself, from what and why.

use serde_json::Value;
use studio_core::{
    ids::{DecisionId, EpisodeId, ProjectId, TaskId},
    journal::{DecisionKind, DecisionOutcome},
    units::Millis,
};

use studio_engine::Boxed;

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading},
    table,
};

/// One decision with its reason: of the studio, or of a person about a part.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Decision {
    /// Identity of the decision, a uuid v7.
    pub id: DecisionId,
    /// The episode it is about.
    pub episode_id: Option<EpisodeId>,
    /// The task it is about.
    pub task_id: Option<TaskId>,
    /// What kind of decision.
    pub kind: DecisionKind,
    /// One sentence a person understands.
    pub reason: String,
    /// What it was decided from: an object.
    pub inputs: Value,
    /// What was decided, e.g. `accepted`.
    #[schema(value_type = String)]
    pub outcome: DecisionOutcome,
    /// When it was decided.
    pub created: Millis,
}

#[derive(sqlx_macros::FromRow)]
struct DecisionRow {
    id: String,
    episode_id: Option<String>,
    task_id: Option<String>,
    kind: String,
    reason: String,
    inputs: JsonText,
    outcome: String,
    created_ms: i64,
}

impl TryFrom<DecisionRow> for Decision {
    type Error = Error;
    fn try_from(row: DecisionRow) -> Result<Self> {
        let reading = Reading { table: "decisions", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            kind: reading.word("kind", &row.kind)?,
            episode_id: reading.maybe("episode_id", row.episode_id.as_deref())?,
            task_id: reading.maybe("task_id", row.task_id.as_deref())?,
            inputs: reading.json("inputs", &row.inputs)?,
            created: Millis(row.created_ms),
            reason: row.reason,
            outcome: row.outcome.into(),
        })
    }
}

const INSERT: &str = "
    insert into decisions (id, episode_id, task_id, kind, reason, inputs, outcome, created_ms)
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Stores a decision.
pub async fn insert(tx: &mut Tx<'_>, decision: &Decision) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(INSERT)
        .bind(decision.id.to_string())
        .bind(decision.episode_id.map(|id| id.to_string()))
        .bind(decision.task_id.map(|id| id.to_string()))
        .bind(decision.kind.word())
        .bind(&decision.reason)
        .bind(JsonText::of(&decision.inputs))
        .bind(decision.outcome.to_string())
        .bind(decision.created.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// All decisions about an episode, oldest first.
pub async fn of_episode(db: &Db, episode: EpisodeId) -> Result<Vec<Decision>> {
    table::all_of::<DecisionRow, _>(db, "select * from decisions where episode_id = $1 order by id", &episode).await
}

/// All decisions about a task, oldest first.
pub async fn of_task(db: &Db, task: TaskId) -> Result<Vec<Decision>> {
    table::all_of::<DecisionRow, _>(db, "select * from decisions where task_id = $1 order by id", &task).await
}

macro_rules! wanted {
    () => {
        "select * from decisions
          where ($1 is null or episode_id = $1) and ($2 is null or kind = $2)
            and ($3 is null or episode_id in (select id from episodes where project_id = $3)) "
    };
}
const NEWEST: &str = concat!(wanted!(), "and ($4 is null or id < $4) order by id desc limit $5");
const OLDEST: &str = concat!(wanted!(), "and ($4 is null or id > $4) order by id limit $5");

/// Which decisions are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those about this episode.
    pub episode: Option<EpisodeId>,
    /// Only those about episodes of this project.
    pub project: Option<ProjectId>,
    /// Only those of this kind.
    pub kind: Option<DecisionKind>,
    /// Only those that come after this one.
    pub after: Option<DecisionId>,
    /// The oldest come first.
    pub oldest_first: bool,
    /// At most this many.
    pub limit: u32,
}

/// One page of decisions.
pub async fn page(db: &Db, asked: &Filter) -> Result<Vec<Decision>> {
    let text = if asked.oldest_first { OLDEST } else { NEWEST };
    let fetch = |after: Option<String>, limit: i64| -> Boxed<'_, Result<Vec<DecisionRow>>> {
        Box::pin(async move {
            Ok(on_db!(db, |pool| sqlx::query_as(text)
                .bind(asked.episode.map(|id| id.to_string()))
                .bind(asked.kind.map(DecisionKind::word))
                .bind(asked.project.map(|id| id.to_string()))
                .bind(after)
                .bind(limit)
                .fetch_all(pool)
                .await)?)
        })
    };
    table::page(asked.after, asked.limit, |row| &row.id, fetch).await
}

/// Kinds of decisions there are.
pub async fn kinds(db: &Db) -> Result<Vec<DecisionKind>> {
    let words: Vec<String> =
        on_db!(db, |pool| sqlx::query_scalar("select distinct kind from decisions order by kind")
            .fetch_all(pool)
            .await)?;
    let reading = Reading { table: "decisions", id: "(several)" };
    words.iter().map(|word| reading.word("kind", word)).collect()
}
