//! Dependencies: which task needs the outputs of which.

use studio_core::ids::{EpisodeId, TaskId};

use super::{
    AT_ONCE, Db, Result, Tx, on_db, on_tx_each,
    rows::{JsonText, Reading},
};

/// One task waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dependency {
    /// The task that waits.
    pub task: TaskId,
    /// The task it waits for.
    pub needs: TaskId,
}

#[derive(sqlx_macros::FromRow)]
struct DependencyRow {
    task_id: String,
    needs_id: String,
}

fn dependencies(rows: &[DependencyRow]) -> Result<Vec<Dependency>> {
    let read = rows.iter().map(|row| {
        let reading = Reading { table: "task_dependencies", id: &row.task_id };
        Ok(Dependency { task: reading.text("task_id", &row.task_id)?, needs: reading.text("needs_id", &row.needs_id)? })
    });
    read.collect()
}

const CLEAR_SQLITE: &str = "delete from task_dependencies where task_id in (select value from json_each($1))";
const CLEAR_POSTGRES: &str = "delete from task_dependencies where task_id in (select jsonb_array_elements_text($1))";
const ADD_SQLITE: &str = "
    insert into task_dependencies (task_id, needs_id) select value ->> 0, value ->> 1 from json_each($1) where true
    on conflict do nothing";
const ADD_POSTGRES: &str = "
    insert into task_dependencies (task_id, needs_id)
    select value ->> 0, value ->> 1 from jsonb_array_elements($1) as rows (value) where true
    on conflict do nothing";

/// Makes `needs` exactly what the task waits for.
pub async fn set(tx: &mut Tx<'_>, task: TaskId, needs: &[TaskId]) -> Result<()> {
    set_all(tx, &[(task, needs.to_vec())]).await
}

/// Makes what is given for each task exactly what it waits for, hundreds of rows with each statement.
pub async fn set_all(tx: &mut Tx<'_>, all: &[(TaskId, Vec<TaskId>)]) -> Result<()> {
    for some in all.chunks(AT_ONCE) {
        let waiting = JsonText::of(&some.iter().map(|(task, _)| task).collect::<Vec<_>>());
        on_tx_each!(tx, (CLEAR_SQLITE, CLEAR_POSTGRES), |sql, conn| sqlx::query(sql)
            .bind(waiting)
            .execute(conn)
            .await
            .map(drop))?;
    }
    let pairs: Vec<(TaskId, TaskId)> =
        all.iter().flat_map(|(task, needs)| needs.iter().map(move |need| (*task, *need))).collect();
    for some in pairs.chunks(AT_ONCE) {
        let rows = JsonText::of(&some);
        on_tx_each!(tx, (ADD_SQLITE, ADD_POSTGRES), |sql, conn| sqlx::query(sql)
            .bind(rows)
            .execute(conn)
            .await
            .map(drop))?;
    }
    Ok(())
}

const OF_EPISODE: &str = "
    select d.* from task_dependencies d join tasks t on t.id = d.task_id
     where t.episode_id = $1 order by d.task_id, d.needs_id";

/// What the tasks of an episode wait for.
pub async fn of_episode(db: &Db, episode: EpisodeId) -> Result<Vec<Dependency>> {
    let rows: Vec<DependencyRow> =
        on_db!(db, |pool| sqlx::query_as(OF_EPISODE).bind(episode.to_string()).fetch_all(pool).await)?;
    dependencies(&rows)
}

/// What one task waits for.
pub async fn of_task(db: &Db, task: TaskId) -> Result<Vec<TaskId>> {
    let rows: Vec<DependencyRow> =
        on_db!(db, |pool| sqlx::query_as("select * from task_dependencies where task_id = $1 order by needs_id")
            .bind(task.to_string())
            .fetch_all(pool)
            .await)?;
    Ok(dependencies(&rows)?.into_iter().map(|one| one.needs).collect())
}

/// Every dependency there is.
pub(super) async fn all(db: &Db) -> Result<Vec<Dependency>> {
    let rows: Vec<DependencyRow> =
        on_db!(db, |pool| sqlx::query_as("select * from task_dependencies order by task_id, needs_id")
            .fetch_all(pool)
            .await)?;
    dependencies(&rows)
}
