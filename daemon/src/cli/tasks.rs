//! Tasks on the command line: list, explain, cancel, retry, steer.

use serde_json::json;
use studio_core::{
    ids::{EpisodeId, TaskId},
    schedule::Steer,
    task::{Task, TaskState},
};

use super::{
    CliError, Exit, Invocation,
    client::{Begun, Waits},
    say,
};
use crate::{
    app::Data,
    store::{self, tasks::Filter},
};

pub(super) async fn list(invocation: &Invocation, state: Option<String>, limit: u32) -> Result<Exit, CliError> {
    let state = state.map(|word| read_state(&word)).transpose()?;
    let data = invocation.data().await?;
    let tasks = store::tasks::page(&data.context.db, &Filter { state, limit, ..Filter::default() }).await?;
    say(invocation.json, &json!(tasks), || {
        if tasks.is_empty() {
            out!("no tasks");
        }
        for task in &tasks {
            out!("{}  {:12}  {:14}  {:32}  {}", short(task), word(task.state), task.engine, task.slot, task.reason);
        }
    });
    Ok(Exit::Done)
}

pub(super) async fn why(invocation: &Invocation, part: &str) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let db = &data.context.db;
    let task = find(&data, part).await?;
    let (attempts, decisions) =
        (store::attempts::of_task(db, task.id).await?, store::decisions::of_task(db, task.id).await?);
    let mut needs = Vec::new();
    for need in store::dependencies::of_task(db, task.id).await? {
        let need = store::tasks::get(db, need).await?;
        if need.state != TaskState::Succeeded {
            needs.push(need);
        }
    }
    let Waits { said, reason } =
        if task.state.is_final() { Waits::default() } else { invocation.client(&data)?.why(task.id).await? };
    let answer = json!({
        "task": task, "waits": said, "wait_reason": reason, "needs": needs, "attempts": attempts, "decisions": decisions,
    });
    say(invocation.json, &answer, || {
        out!("{}  {}", task.id, task.slot);
        out!("{} by {}: {}", word(task.state), task.engine, task.reason);
        if let Some(said) = &said {
            out!("  waits: {said}");
        }
        for need in needs.iter().filter(|_| !task.state.is_final()) {
            out!("  needs {} ({}: {})", need.slot, word(need.state), need.reason);
        }
        for decision in &decisions {
            out!("  decided: {}", decision.reason);
        }
        for attempt in &attempts {
            let took = attempt.ended.map_or_else(String::new, |end| format!(" after {} ms", end.0 - attempt.started.0));
            let said = attempt.error.as_deref().map_or_else(String::new, |error| format!(": {error}"));
            out!("  attempt {} by {}: {}{took}{said}", attempt.id, attempt.engine, super::read::word(&attempt.state));
        }
    });
    Ok(Exit::Done)
}

pub(super) async fn cancel(invocation: &Invocation, part: &str) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let task = open(find(&data, part).await?, "cancel")?;
    let mut client = invocation.client(&data)?;
    client.cancel(task.id).await?;
    client.leave().await?;
    say(invocation.json, &json!({ "cancelled": task.id }), || out!("{} is cancelled", task.slot));
    Ok(Exit::Done)
}

pub(super) async fn retry(invocation: &Invocation, part: &str) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let task = find(&data, part).await?;
    let episode = episode_of(&task)?;
    let mut client = invocation.client(&data)?;
    client.retry(task.id).await?;
    let said = Some(format!("{} is made again", task.slot));
    client.follow(episode, Begun { answer: json!({ "retrying": task.id }), said }, invocation.json).await
}

/// Steers a waiting task.
pub(super) async fn steer(invocation: &Invocation, part: &str, to: Steer) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    steer_to(invocation, &data, part, to).await
}

/// Puts a waiting task before another one.
pub(super) async fn put_before(invocation: &Invocation, part: &str, other: &str) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let before: TaskId = find(&data, other).await?.id;
    steer_to(invocation, &data, part, Steer::Before(before)).await
}

async fn steer_to(invocation: &Invocation, data: &Data, part: &str, to: Steer) -> Result<Exit, CliError> {
    let task = open(find(data, part).await?, "steer")?;
    let answer = json!({ "task": task.id, "steered": to });
    let mut client = invocation.client(data)?;
    client.steer(task.id, to).await?;
    client.leave().await?;
    say(invocation.json, &answer, || out!("{}: done", task.slot));
    Ok(Exit::Done)
}

/// The one task whose id begins or ends like this.
pub(super) async fn find(data: &Data, part: &str) -> Result<Task, CliError> {
    let mut found = store::tasks::find(&data.context.db, part).await?;
    match (found.pop(), found.len()) {
        (Some(task), 0) => Ok(task),
        (None, _) => {
            Err(CliError::new(Exit::Usage, format!("no task has an id like '{part}'; `studiod tasks` lists them")))
        }
        (Some(_), more) => {
            Err(CliError::new(Exit::Usage, format!("{} tasks have an id like '{part}'; give more of it", more + 1)))
        }
    }
}

/// The task, unless it is over.
fn open(task: Task, what: &str) -> Result<Task, CliError> {
    if task.state.is_final() {
        let message = format!("{} is {} already, so there is nothing to {what}", task.slot, word(task.state));
        return Err(CliError::new(Exit::Usage, message));
    }
    Ok(task)
}

/// The episode a task is of.
pub(super) fn episode_of(task: &Task) -> Result<EpisodeId, CliError> {
    task.episode_id.ok_or_else(|| CliError::new(Exit::Usage, format!("{} belongs to no episode", task.slot)))
}

fn read_state(word: &str) -> Result<TaskState, CliError> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(|_| {
        let message =
            format!("'{word}' is no state; there are waiting, running, succeeded, failed, needs_person and cancelled");
        CliError::new(Exit::Usage, message)
    })
}

fn word(state: TaskState) -> &'static str {
    match state {
        TaskState::Waiting => "waiting",
        TaskState::Running => "running",
        TaskState::Succeeded => "succeeded",
        TaskState::Failed => "failed",
        TaskState::NeedsPerson => "needs_person",
        TaskState::Cancelled => "cancelled",
    }
}

/// The end of the id: the beginning is the same for all tasks of one minute.
fn short(task: &Task) -> String {
    let id = task.id.to_string();
    id[id.len() - 8..].to_owned()
}
