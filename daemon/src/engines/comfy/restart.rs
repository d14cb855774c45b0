//! Restart: how a ComfyUI whose worker is dead is started again.

use std::{process::Stdio, time::Duration};

/// A restart that takes longer has gone wrong.
const LIMIT: Duration = Duration::from_mins(2);

/// How a server is started again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restart {
    /// A systemd unit.
    Unit(String),
    /// A program and its arguments; no shell reads them.
    Command(Vec<String>),
}

/// Restarts; the error is one sentence.
pub async fn restart(how: &Restart) -> Result<(), String> {
    let words = match how {
        Restart::Unit(unit) => vec!["systemctl".to_owned(), "restart".to_owned(), unit.clone()],
        Restart::Command(words) => words.clone(),
    };
    let Some((program, arguments)) = words.split_first() else {
        return Err("restart_command in the settings is empty".into());
    };
    tracing::warn!(command = %words.join(" "), "a ComfyUI is restarted");
    let command = tokio::process::Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(LIMIT, command).await {
        Ok(Ok(done)) if done.status.success() => Ok(()),
        Ok(Ok(done)) => {
            let said = String::from_utf8_lossy(&done.stderr);
            let line = super::wire::shortened(&said);
            Err(format!("'{}' failed with {}: {line}", words.join(" "), done.status))
        }
        Ok(Err(error)) => Err(format!("'{program}' cannot be run: {error}; correct it in the settings")),
        Err(_) => Err(format!("'{}' did not end within {} s", words.join(" "), LIMIT.as_secs())),
    }
}
