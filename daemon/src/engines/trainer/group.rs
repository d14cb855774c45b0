//! The trainer's processes: one group, started, ended, and found again after the studio broke down.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use crate::wait::Wait;

/// Between two looks whether processes are gone.
const GLANCE: Duration = Duration::from_millis(20);
/// How long killed processes may take to be gone: one that waits for a disk or a driver is not gone at once.
const GONE: Duration = Duration::from_secs(30);

/// A process, so that it is not taken for another one with its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// Its number, which is its group's too.
    pub(super) pid: i32,
    /// When it was started, in ticks since the machine was.
    pub(super) started: u64,
}

/// What the system says of a process: its state, its group, and when it was started; `None`: there is none.
fn looked_up(pid: &str) -> Option<(char, i32, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may have some in it: what counts comes after the last.
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // Fields 3, 5 and 22 of proc_pid_stat(5).
    Some((fields.first()?.chars().next()?, fields.get(2)?.parse().ok()?, fields.get(19)?.parse().ok()?))
}

/// Whether a process of a group still runs. What has ended and is not collected does not count.
fn runs(group: i32) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().into_string().ok());
    let mut numbers = numbers.filter(|name| name.bytes().all(|sign| sign.is_ascii_digit()));
    numbers.any(|pid| looked_up(&pid).is_some_and(|(state, of, _)| of == group && !matches!(state, 'Z' | 'X')))
}

fn signal(group: i32, signal: Signal) {
    if let Some(group) = Pid::from_raw(group).filter(|_| group > 1) {
        // Nobody there is what is wanted.
        let _ = kill_process_group(group, signal);
    }
}

/// Kills the group whose first process a file names, when it is still that one; the group's number. The file is removed.
pub(super) fn kill_left_over(file: &Path) -> Option<i32> {
    let text = std::fs::read_to_string(file).ok()?;
    let known: Option<Known> = serde_json::from_str(&text).ok();
    let found = known.filter(|known| {
        looked_up(&known.pid.to_string())
            .is_some_and(|(_, group, started)| (group, started) == (known.pid, known.started))
    });
    if let Some(known) = found {
        tracing::warn!(pid = known.pid, "a trainer of an earlier studio still runs and is ended");
        signal(known.pid, Signal::KILL);
    }
    let _ = std::fs::remove_file(file);
    found.map(|known| known.pid)
}

/// Waits until nothing of a group runs any more.
pub(super) async fn gone(group: i32) {
    let look = || async move {
        let runs = tokio::task::spawn_blocking(move || runs(group)).await.unwrap_or(false);
        if runs { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    if Wait::new(GLANCE, GONE).until(look).await.is_err() {
        tracing::warn!(group, "a trainer was killed and still is not gone; look at what it waits for");
    }
}

/// A trainer at work. Everything of its group ends with this.
pub(super) struct Group {
    child: Child,
    number: i32,
    file: PathBuf,
    ended: Option<ExitStatus>,
}

impl Group {
    /// Starts a command as a group of its own, and notes it in a file.
    pub(super) async fn start(
        mut command: Command,
        file: PathBuf,
    ) -> std::io::Result<(Self, ChildStdout, ChildStderr)> {
        let mut child = command.process_group(0).kill_on_drop(true).spawn()?;
        let number = child.id().map_or(0, u32::cast_signed);
        let pipes = child.stdout.take().zip(child.stderr.take());
        let group = Self { child, number, file: file.clone(), ended: None };
        let noted = tokio::task::spawn_blocking(move || {
            let started = looked_up(&number.to_string()).map_or(0, |(_, _, started)| started);
            let text = serde_json::to_string(&Known { pid: number, started })?;
            std::fs::write(file, text)
        });
        noted.await.map_err(std::io::Error::other)??;
        let (out, errors) = pipes.ok_or_else(|| std::io::Error::other("the program has no pipes"))?;
        Ok((group, out, errors))
    }

    /// Waits until its first process has ended; what it left running is killed.
    pub(super) async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        if let Some(ended) = self.ended {
            return Ok(ended);
        }
        let ended = self.child.wait().await?;
        self.ended = Some(ended);
        signal(self.number, Signal::KILL);
        Ok(ended)
    }

    /// Has it end, kills it when it does not within `limit`, and returns when nothing of it runs any more.
    pub(super) async fn end(&mut self, limit: Duration) {
        if self.ended.is_none() {
            signal(self.number, Signal::TERM);
            if !matches!(tokio::time::timeout(limit, self.wait()).await, Ok(Ok(_))) {
                signal(self.number, Signal::KILL);
                let _ = tokio::time::timeout(GONE, self.wait()).await;
            }
        }
        gone(self.number).await;
        let file = self.file.clone();
        let _ = tokio::task::spawn_blocking(move || std::fs::remove_file(file)).await;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Once it was waited for, its number may be another's.
        if self.ended.is_none() {
            signal(self.number, Signal::KILL);
        }
    }
}
