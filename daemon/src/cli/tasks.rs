//! Tasks on the command line: list, explain, cancel, retry.

use studio_core::{
    episode::EpisodeState,
    schedule::Steer,
    task::{Task, TaskState},
};

use super::{Exit, Refusal, produce, say};
use crate::{
    app::{self, App, Options},
    store::{self, tasks::Asked},
};

/// How long the running studio may take to answer.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

pub(super) async fn list(options: Options, state: Option<String>, limit: u32, json: bool) -> Result<Exit, Refusal> {
    let state = state.map(|word| read_state(&word)).transpose()?;
    let app = App::open(options).await?;
    let tasks = store::tasks::page(&app.context.db, &Asked { state, limit, ..Asked::default() }).await?;
    say(json, &serde_json::json!(tasks), || {
        if tasks.is_empty() {
            out!("no tasks");
        }
        for task in &tasks {
            out!("{}  {:9}  {:14}  {:32}  {}", short(task), word(task.state), task.engine, task.slot, task.reason);
        }
    });
    Ok(Exit::Done)
}

pub(super) async fn why(options: Options, part: &str, json: bool) -> Result<Exit, Refusal> {
    let app = App::open(options).await?;
    let db = &app.context.db;
    let task = find(&app, part).await?;
    let (attempts, decisions) =
        (store::attempts::of_task(db, task.id).await?, store::decisions::of_task(db, task.id).await?);
    let mut waits = Vec::new();
    for need in store::dependencies::of_task(db, task.id).await? {
        let need = store::tasks::get(db, need).await?;
        if need.state != TaskState::Succeeded {
            waits.push(need);
        }
    }
    // Only the studio that runs knows why it waits now, with the numbers of this moment.
    let now = match app::daemon_address(&app.context.data).filter(|_| !task.state.is_final()) {
        Some(daemon) => daemon_get(&daemon, &format!("/api/tasks/{}", task.id)).await?,
        None => serde_json::Value::Null,
    };
    let (says, reason) = (now["waits"].as_str(), &now["wait_reason"]);
    let answer = serde_json::json!({
        "task": task, "waits": says, "wait_reason": reason, "needs": waits, "attempts": attempts, "decisions": decisions,
    });
    say(json, &answer, || {
        out!("{}  {}", task.id, task.slot);
        out!("{} by {}: {}", word(task.state), task.engine, task.reason);
        if let Some(says) = says {
            out!("  waits: {says}");
        }
        for need in waits.iter().filter(|_| !task.state.is_final()) {
            out!("  needs {} ({}: {})", need.slot, word(need.state), need.reason);
        }
        for decision in &decisions {
            out!("  decided: {}", decision.reason);
        }
        for attempt in &attempts {
            let took = attempt.ended.map_or_else(String::new, |end| format!(" after {} ms", end.0 - attempt.started.0));
            let said = attempt.error.as_deref().map_or_else(String::new, |error| format!(": {error}"));
            out!("  attempt {} by {}: {:?}{took}{said}", attempt.id, attempt.engine, attempt.state);
        }
    });
    Ok(Exit::Done)
}

pub(super) async fn cancel(options: Options, part: &str, json: bool) -> Result<Exit, Refusal> {
    let mut app = App::open(options).await?;
    let task = find(&app, part).await?;
    if task.state.is_final() {
        let message = format!("{} is {} already, so there is nothing to cancel", task.slot, word(task.state));
        return Err(Refusal::new(Exit::Usage, message));
    }
    if let Some(daemon) = app::daemon_address(&app.context.data) {
        daemon_post(&daemon, &format!("/api/tasks/{}/cancel", task.id), None).await?;
    } else {
        // Nothing runs: it only must not go on by itself at the next start.
        app.lock().await?;
        let mut tx = app.context.db.begin().await?;
        let now = app.context.clock.now();
        store::tasks::set_state(&mut tx, task.id, TaskState::Cancelled, "cancelled by a person", now).await?;
        if let Some(episode) = task.episode_id
            && store::episodes::get(&app.context.db, episode).await?.state == EpisodeState::Producing
        {
            store::episodes::set_state(&mut tx, episode, EpisodeState::Draft).await?;
        }
        tx.commit().await?;
    }
    say(json, &serde_json::json!({ "cancelled": task.id }), || out!("{} is cancelled", task.slot));
    Ok(Exit::Done)
}

pub(super) async fn retry(options: Options, part: &str, json: bool) -> Result<Exit, Refusal> {
    let mut app = App::open(options).await?;
    let task = find(&app, part).await?;
    if let Some(daemon) = app::daemon_address(&app.context.data) {
        daemon_post(&daemon, &format!("/api/tasks/{}/retry", task.id), None).await?;
        say(json, &serde_json::json!({ "retrying": task.id }), || out!("{} is made again", task.slot));
        return Ok(Exit::Done);
    }
    app.lock().await?;
    let Some(episode) = task.episode_id else {
        return Err(Refusal::new(Exit::Usage, format!("{} belongs to no episode", task.slot)));
    };
    Box::pin(produce::follow(app, json, async |handle| handle.retry(task.id).await.map(|()| episode))).await
}

/// The one task whose id begins or ends like this.
pub(super) async fn find(app: &App, part: &str) -> Result<Task, Refusal> {
    let mut found = store::tasks::find(&app.context.db, part).await?;
    match (found.pop(), found.len()) {
        (Some(task), 0) => Ok(task),
        (None, _) => {
            Err(Refusal::new(Exit::Usage, format!("no task has an id like '{part}'; `studiod tasks` lists them")))
        }
        (Some(_), more) => {
            Err(Refusal::new(Exit::Usage, format!("{} tasks have an id like '{part}'; give more of it", more + 1)))
        }
    }
}

/// Asks the running studio something.
pub(super) async fn daemon_get(daemon: &str, path: &str) -> Result<serde_json::Value, Refusal> {
    daemon_ask(daemon, |client| client.get(format!("http://{daemon}{path}"))).await
}

/// Tells the running studio something.
pub(super) async fn daemon_post(daemon: &str, path: &str, body: Option<serde_json::Value>) -> Result<(), Refusal> {
    let ask = |client: reqwest::Client| {
        let request = client.post(format!("http://{daemon}{path}"));
        match &body {
            Some(body) => request.json(body),
            None => request,
        }
    };
    daemon_ask(daemon, ask).await.map(drop)
}

/// Gives the running studio a screenplay.
pub(super) async fn daemon_import(
    daemon: &str,
    query: &[(&str, String)],
    text: Vec<u8>,
) -> Result<serde_json::Value, Refusal> {
    let pairs = query.iter().map(|(name, value)| (*name, value.as_str()));
    let url = reqwest::Url::parse_with_params(&format!("http://{daemon}/api/import"), pairs);
    let url = url.map_err(|error| Refusal::new(Exit::Failed, error.to_string()))?;
    daemon_ask(daemon, |client| client.post(url).header("content-type", "text/plain").body(text)).await
}

async fn daemon_ask(
    daemon: &str,
    ask: impl FnOnce(reqwest::Client) -> reqwest::RequestBuilder,
) -> Result<serde_json::Value, Refusal> {
    let failed = |error: &dyn std::fmt::Display| {
        Refusal::new(Exit::Failed, format!("failed to reach the running studiod at {daemon}: {error}"))
    };
    // The studio is on this machine: a proxy has no business in between.
    let client = reqwest::Client::builder().timeout(PATIENCE).no_proxy().build().map_err(|error| failed(&error))?;
    let answer = ask(client).send().await.map_err(|error| failed(&error))?;
    let good = answer.status().is_success();
    let text = answer.text().await.map_err(|error| failed(&error))?;
    let said: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    if good {
        return Ok(said);
    }
    Err(Refusal::new(Exit::Failed, said["detail"].as_str().unwrap_or("the running studiod refused").to_owned()))
}

/// Steers a waiting task: only a running studio has any.
pub(super) async fn steer(
    options: Options,
    part: &str,
    to: impl AsyncFnOnce(&App) -> Result<Steer, Refusal>,
    json: bool,
) -> Result<Exit, Refusal> {
    let app = App::open(options).await?;
    let task = find(&app, part).await?;
    let to = to(&app).await?;
    if task.state.is_final() {
        let message = format!("{} is {} already, so there is nothing to steer", task.slot, word(task.state));
        return Err(Refusal::new(Exit::Usage, message));
    }
    if let Some(daemon) = app::daemon_address(&app.context.data) {
        daemon_post(&daemon, &format!("/api/tasks/{}/steer", task.id), Some(serde_json::json!(to))).await?;
    } else {
        let (pinned, held) = match to {
            Steer::Pin => (Some(true), None),
            Steer::Unpin => (Some(false), None),
            Steer::Hold => (None, Some(true)),
            Steer::Release => (None, Some(false)),
            Steer::Before(_) | Steer::Class(_) => {
                let message =
                    "no studio runs on this data, so there is no order to change; start it with 'studiod serve'";
                return Err(Refusal::new(Exit::Usage, message));
            }
        };
        let mut tx = app.context.db.begin().await?;
        store::fleet::steer(&mut tx, task.id, pinned, held, app.context.clock.now()).await?;
        tx.commit().await?;
    }
    say(json, &serde_json::json!({ "task": task.id, "steered": to }), || out!("{}: done", task.slot));
    Ok(Exit::Done)
}

/// The identity of the one task whose id begins or ends like this.
pub(super) async fn identity(app: &App, part: &str) -> Result<studio_core::ids::TaskId, Refusal> {
    find(app, part).await.map(|task| task.id)
}

fn read_state(word: &str) -> Result<TaskState, Refusal> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(|_| {
        let message = format!("'{word}' is no state; there are waiting, running, succeeded, failed and cancelled");
        Refusal::new(Exit::Usage, message)
    })
}

fn word(state: TaskState) -> &'static str {
    match state {
        TaskState::Waiting => "waiting",
        TaskState::Running => "running",
        TaskState::Succeeded => "succeeded",
        TaskState::Failed => "failed",
        TaskState::Cancelled => "cancelled",
    }
}

/// The end of the id: the beginning is the same for all tasks of one minute.
fn short(task: &Task) -> String {
    let id = task.id.to_string();
    id[id.len() - 8..].to_owned()
}
