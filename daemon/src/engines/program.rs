//! Program: starting, stopping and restarting the servers of this machine, through systemd or a command.

use std::{process::Stdio, time::Duration};

/// A command that takes longer has gone wrong.
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
    match how {
        Restart::Unit(unit) => systemctl("restart", unit).await,
        Restart::Command(words) => run(words).await,
    }
}

/// Has systemd `start`, `stop` or `restart` a unit; all of them are idempotent.
pub async fn systemctl(what: &str, unit: &str) -> Result<(), String> {
    run(&["systemctl".to_owned(), what.to_owned(), unit.to_owned()]).await
}

async fn run(words: &[String]) -> Result<(), String> {
    let Some((program, arguments)) = words.split_first() else {
        return Err("the command in the settings is empty".into());
    };
    tracing::warn!(command = %words.join(" "), "a server is told");
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
            let line = super::http::shortened(&said);
            Err(format!("'{}' failed with {}: {line}", words.join(" "), done.status))
        }
        Ok(Err(error)) => Err(format!("'{program}' cannot be run: {error}; correct it in the settings")),
        Err(_) => Err(format!("'{}' did not end within {} s", words.join(" "), LIMIT.as_secs())),
    }
}
