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
    let mut client = invocation.client(&invocation.data().await?)?;
    let named = |error: CliError| match error.exit {
        Exit::Input => CliError { message: format!("{}: {}", from.display(), error.message), ..error },
        _ => error,
    };
    let moved = client.import(from.to_owned()).await.map_err(named)?;
    client.leave().await?;
    let (project, count) = (moved.project, moved.files);
    let answer = serde_json::json!({ "project": project.slug, "files": count });
    say(invocation.json, &answer, || out!("'{}' with {count} files is in the studio", project.title));
    Ok(Exit::Done)
}
