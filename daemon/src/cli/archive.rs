//! Archive on the command line.

use std::path::Path;

use super::{CliError, Exit, Invocation, say};
use crate::app::archive;

pub(super) async fn export(invocation: &Invocation, slug: &str, to: &Path) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let moved = archive::export(&data.context, slug, to).await?;
    let (title, count) = (moved.project.title, moved.files);
    say(invocation.json, &serde_json::json!({ "archive": to, "files": count }), || {
        out!("'{title}' with {count} files is in {}", to.display());
    });
    Ok(Exit::Done)
}

pub(super) async fn import(invocation: &Invocation, from: &Path) -> Result<Exit, CliError> {
    let data = invocation.data().await?;
    let _lock = data.lock().await?;
    let moved = archive::import(&data.context, &data.config.publish, from, &from.display().to_string()).await?;
    let (project, count) = (moved.project, moved.files);
    let answer = serde_json::json!({ "project": project.slug, "files": count });
    say(invocation.json, &answer, || out!("'{}' with {count} files is in the studio", project.title));
    Ok(Exit::Done)
}
