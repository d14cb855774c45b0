//! `/`: a plain page with every episode and how far it is. The page proper comes with the live API.

use std::fmt::Write;

use axum::{extract::State, response::Html};
use quick_xml::escape::escape;
use studio_core::task::{Task, TaskState};

use super::problem::Problem;
use crate::store;

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
<meta name=viewport content='width=device-width'><meta http-equiv=refresh content=5><title>studiod</title>\
<style>:root{color-scheme:dark}body{font:16px/1.5 system-ui,sans-serif;background:#101218;color:#e8e4dc;\
max-width:46rem;margin:2rem auto;padding:0 1rem}h1{font-weight:600}article{background:#1a1d26;border-radius:10px;\
padding:1rem 1.2rem;margin:1rem 0}h2{margin:0;font-size:1.1rem}p{margin:.3rem 0;color:#b9b4a9}\
progress{width:100%;accent-color:#e2a458}</style><h1>The studio</h1>";

/// A running task with how far it is and, where its engine shows one, its newest picture.
fn running(html: &mut String, task: &Task, state: &super::State) {
    let Some(live) = state.events.live(task.id).filter(|live| !live.doing.what.is_empty()) else { return };
    let left = live.doing.left_ms.map_or_else(String::new, |ms| format!(", about {} s left", ms / 1000));
    let (slot, what) = (escape(task.slot.as_str()), escape(live.doing.what.as_str()));
    let _ = write!(html, "<p>{slot}: {what}{left}</p><progress max=1 value={:.3}></progress>", live.doing.done);
    if live.preview.is_some() {
        let id = task.id;
        let _ = write!(html, "<img src='/api/tasks/{id}/preview' alt='{slot} while it is made' style='width:100%'>");
    }
}

/// Every episode with its state, how many of its tasks are done, and what it lacks.
pub async fn page(State(state): State<super::State>) -> Result<Html<String>, Problem> {
    let mut html = HEAD.to_owned();
    let episodes = store::episodes::list(&state.db).await?;
    if episodes.is_empty() {
        html.push_str("<p>Nothing here yet: <code>studiod produce story.fountain</code> makes the first episode.</p>");
    }
    for episode in episodes {
        let tasks = store::tasks::of_episode(&state.db, episode.id).await?;
        let count = |wanted: TaskState| tasks.iter().filter(|task| task.state == wanted).count();
        let (done, all) = (count(TaskState::Succeeded), tasks.len() - count(TaskState::Cancelled));
        let (season, number, title) = (episode.season, episode.number, escape(episode.title.as_str()));
        let word = format!("{:?}", episode.state).to_lowercase();
        // Writing to a string cannot fail.
        let _ = write!(
            html,
            "<article><h2>S{season:02}E{number:02} {title}</h2><p>{word}, {done} of {all} pieces</p>\
             <progress max={all} value={done}></progress>"
        );
        let failed = tasks.iter().filter(|task| task.state == TaskState::Failed).map(|task| &task.reason);
        for said in episode.remarks.iter().chain(failed) {
            let _ = write!(html, "<p>{}</p>", escape(said.as_str()));
        }
        for task in tasks.iter().filter(|task| task.state == TaskState::Running) {
            running(&mut html, task, &state);
        }
        html.push_str("</article>");
    }
    Ok(Html(html))
}
