//! Archive on the command line.

use std::path::Path;

use super::{Exit, Refusal, say};
use crate::app::{App, Options, archive};

pub(super) async fn export(options: Options, slug: &str, to: &Path, json: bool) -> Result<Exit, Refusal> {
    let app = App::open(options).await?;
    let moved = archive::export(&app.desk(), slug, to).await?;
    let (title, count) = (moved.project.title, moved.files);
    say(json, &serde_json::json!({ "archive": to, "files": count }), || {
        out!("'{title}' with {count} files is in {}", to.display());
    });
    Ok(Exit::Done)
}

pub(super) async fn import(options: Options, from: &Path, json: bool) -> Result<Exit, Refusal> {
    let mut app = App::open(options).await?;
    app.lock().await?;
    let moved = archive::import(&app.desk(), from, &from.display().to_string()).await?;
    let (project, count) = (moved.project, moved.files);
    let answer = serde_json::json!({ "project": project.slug, "files": count });
    say(json, &answer, || out!("'{}' with {count} files is in the studio", project.title));
    Ok(Exit::Done)
}
