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
    let (project, count, left_out) = (moved.project, moved.files, moved.left_out);
    let answer = serde_json::json!({ "project": project.slug, "files": count, "left_out": left_out });
    let parts = [(left_out.pictures, "pictures"), (left_out.portraits, "portraits"), (left_out.requests, "requests")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    say(invocation.json, &answer, || {
        out!("'{}' with {count} files is in the studio", project.title);
        if !parts.is_empty() {
            out!("left out, because what they are about is not in the archive: {}", parts.join(", "));
        }
    });
    Ok(Exit::Done)
}
