//! The parent's side: one child process per plan. A crash, leak or hang of a plugin costs one task, never the daemon.

use std::{
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use studio_core::media::{MediaPlan, MediaResult, Report};
use studio_engine::{Boxed, EngineError, FailureKind, Progress, RunMedia};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStderr, ChildStdin, Command},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// Standard error kept for the message of a crash.
const KEPT_ERROR_BYTES: usize = 4096;
/// The longest line a child may write.
const LONGEST_LINE: u64 = 1 << 20;
/// Silence that means a hang, while pictures are made.
const STALL: Duration = Duration::from_mins(1);
/// Near the end a whole film may be copied or synced at once, without a word.
const COMPLETING: f64 = 0.9;
const COMPLETING_PATIENCE: u32 = 10;
/// Time for any job, and for each of its pictures on a slow machine.
const BASE_LIMIT: Duration = Duration::from_hours(1);
const LIMIT_PER_FRAME: Duration = Duration::from_millis(500);

/// Runs media plans in child processes (`studiod media`).
#[derive(Debug, Clone)]
pub struct ChildProcess {
    program: PathBuf,
    stall: Duration,
}

impl ChildProcess {
    /// Runs plans with this very program.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self::with_program(std::env::current_exe()?))
    }

    /// Runs plans with another program that understands `media` as its first argument.
    pub fn with_program(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), stall: STALL }
    }

    /// Takes silence of this length for a hang instead of a minute.
    #[must_use]
    pub fn stall_after(mut self, stall: Duration) -> Self {
        self.stall = stall;
        self
    }

    fn spawn(&self, dir: &Path) -> Result<Child, EngineError> {
        Command::new(&self.program)
            .arg("media")
            // freed frames go back to the system instead of staying in the allocator: a quarter less memory
            .env("MALLOC_MMAP_THRESHOLD_", "1048576")
            .env("TMPDIR", dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| EngineError::io(&format!("failed to start {}", self.program.display()), &error))
    }

    async fn carry_out(
        &self,
        plan: &MediaPlan,
        dir: &Path,
        progress: &Progress,
        stop: &CancellationToken,
    ) -> Result<MediaResult, EngineError> {
        if stop.is_cancelled() {
            return Err(cancelled());
        }
        let mut child = self.spawn(dir)?;
        let errors = tokio::spawn(keep_tail(child.stderr.take()));
        let heard = tokio::select! {
            biased;
            () = stop.cancelled() => Err(cancelled()),
            heard = self.converse(&mut child, plan, progress) => heard,
        };
        let verdict = match heard {
            Ok(Some(verdict)) => verdict,
            Ok(None) => {
                let status =
                    child.wait().await.map_err(|error| EngineError::io("failed to await the media process", &error))?;
                let said = errors.await.unwrap_or_default();
                return Err(crashed(status, &said));
            }
            Err(failure) => Err(failure),
        };
        // after its last word the child only has to leave; before it, it must
        if verdict.is_err() {
            let _ = child.start_kill();
        }
        if tokio::time::timeout(Duration::from_secs(5), child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
        verdict
    }

    /// Sends the plan and listens; `Ok(None)` when the child left without a last word.
    async fn converse(
        &self,
        child: &mut Child,
        plan: &MediaPlan,
        progress: &Progress,
    ) -> Result<Option<Result<MediaResult, EngineError>>, EngineError> {
        let piped = || EngineError::new(FailureKind::Transient, "the media process has no pipes");
        let mut to_child = child.stdin.take().ok_or_else(piped)?;
        let from_child = child.stdout.take().ok_or_else(piped)?;
        send(&mut to_child, plan).await?;
        let end = Instant::now() + limit_of(plan);
        let mut lines = BufReader::new(from_child);
        let mut patience = self.stall;
        loop {
            let mut line = Vec::new();
            let mut limited = (&mut lines).take(LONGEST_LINE);
            let quiet_until = (Instant::now() + patience).min(end);
            let read = tokio::time::timeout_at(quiet_until, limited.read_until(b'\n', &mut line)).await;
            match read {
                Err(_) => return Err(hung(quiet_until == end, patience)),
                Ok(Ok(0) | Err(_)) => break,
                Ok(Ok(_)) => {}
            }
            match serde_json::from_slice(&line) {
                Ok(Report::Progress { done }) => {
                    progress.tell(done);
                    patience = if done >= COMPLETING { self.stall * COMPLETING_PATIENCE } else { self.stall };
                }
                Ok(Report::Done { result }) => return Ok(Some(Ok(result))),
                Ok(Report::Failed { fault, message }) => {
                    return Ok(Some(Err(EngineError::new(fault, message))));
                }
                // a plugin that prints must not look like a report
                Err(_) => {}
            }
        }
        drop(to_child);
        Ok(None)
    }
}

impl RunMedia for ChildProcess {
    fn run<'a>(
        &'a self,
        plan: MediaPlan,
        dir: &'a Path,
        progress: &'a Progress,
        stop: &'a CancellationToken,
    ) -> Boxed<'a, Result<MediaResult, EngineError>> {
        Box::pin(async move {
            let result = self.carry_out(&plan, dir, progress, stop).await;
            if result.is_err() {
                studio_media::outputs::remove(&plan);
            }
            result
        })
    }
}

/// The plan goes in; the pipe stays open, because its end tells the child that nobody waits any more.
async fn send(to_child: &mut ChildStdin, plan: &MediaPlan) -> Result<(), EngineError> {
    let mut text = serde_json::to_vec(plan)
        .map_err(|error| EngineError::new(FailureKind::Refused, format!("failed to write the plan: {error}")))?;
    text.push(b'\n');
    match to_child.write_all(&text).await {
        Ok(()) => to_child.flush().await,
        Err(error) => Err(error),
    }
    .or_else(|error| match error.kind() {
        // it died at once: its exit status says more
        std::io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(EngineError::io("failed to send the plan", &error)),
    })
}

async fn keep_tail(stream: Option<ChildStderr>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let (mut tail, mut block) = (Vec::new(), [0; 1024]);
    while let Ok(read @ 1..) = stream.read(&mut block).await {
        tail.extend_from_slice(&block[..read]);
        let extra = tail.len().saturating_sub(KEPT_ERROR_BYTES);
        tail.drain(..extra);
    }
    String::from_utf8_lossy(&tail).into_owned()
}

/// How long a plan may take in all, from the number of its pictures where it says.
fn limit_of(plan: &MediaPlan) -> Duration {
    let frames = match plan {
        MediaPlan::Normalise(plan) => plan.frames.map_or(0, |frames| frames.0),
        MediaPlan::Animatic(plan) => plan.frames.0,
        MediaPlan::Measure(plan) => plan.expected.map_or(0, |expected| expected.frames.0),
        // parts are not opened here; three minutes of 60 pictures a second each is beyond what a shot lasts
        MediaPlan::Join(plan) => plan.parts.len() as u64 * 10_800,
        MediaPlan::Mix(plan) => plan.samples.0 / 1600,
        MediaPlan::Master(plan) => plan.samples.0 / 1600,
        // By no more than 60 pictures a second: it is looked through once.
        MediaPlan::Sample(plan) => plan.length_ms.saturating_mul(60) / 1000,
        MediaPlan::Frames(plan) => plan.frames.len() as u64 * 600,
        MediaPlan::Probe(_) | MediaPlan::Picture(_) | MediaPlan::Sound(_) => 0,
    };
    BASE_LIMIT + LIMIT_PER_FRAME * u32::try_from(frames).unwrap_or(u32::MAX).min(10_000_000)
}

fn cancelled() -> EngineError {
    EngineError::new(FailureKind::Cancelled, "the media job was stopped")
}

fn hung(over_limit: bool, patience: Duration) -> EngineError {
    let why = if over_limit {
        "the media process took far longer than its plan allows".to_owned()
    } else {
        format!("the media process made no progress for {} s", patience.as_secs_f32())
    };
    EngineError::new(FailureKind::Transient, why)
}

fn crashed(status: ExitStatus, said: &str) -> EngineError {
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) => format!("was killed by signal {signal}"),
        (None, Some(code)) => format!("left with code {code} and without an answer"),
        (None, None) => "ended without an answer".to_owned(),
    };
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).map(|line| format!(": {}", line.trim()));
    EngineError::new(FailureKind::Transient, format!("the media process {how}{}", last.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_told_with_its_last_words() {
        let failure = crashed(ExitStatus::from_raw(11), "one\nsegfault in plugin\n\n");
        assert_eq!(failure.message, "the media process was killed by signal 11: segfault in plugin");
        assert_eq!(failure.kind, FailureKind::Transient);
    }
}
