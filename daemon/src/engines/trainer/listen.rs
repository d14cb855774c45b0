//! Listens to a trainer while it works: what it says, how far it is, and when its slice is over.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::Duration,
};

use studio_core::training::{LineReader, Meanings, SliceProgress, Told};
use studio_engine::{Doing, FailureKind, Progress, Said};
use tokio::{
    fs::{File, OpenOptions},
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{ChildStderr, ChildStdout},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::group::Group;

/// Bytes that are read at a time.
const CHUNK: usize = 64 << 10;
/// Lines of a report.
const LAST_LINES: usize = 50;
/// Characters of a line that are kept in a report.
const LONGEST_SAID: usize = 300;
/// Bytes of a log before it is put aside; one older is kept.
const MOST_LOG: u64 = 5 << 19;
/// What the system says of a disk without room, ENOSPC and EDQUOT of errno(3).
const NO_ROOM: [&str; 2] = ["No space left on device", "Disk quota exceeded"];
/// Between two words on how far it is.
const TELL: Duration = Duration::from_millis(250);
/// How long pipes may stay open after the program has ended.
const DRAIN: Duration = Duration::from_secs(5);

/// Why a trainer is not listened to any more.
#[derive(Debug)]
pub(super) enum Ended {
    /// It has ended by itself.
    Exit(std::process::ExitStatus),
    /// The state of the slice's last epoch is whole.
    Reached,
    /// Somebody stopped it.
    Stopped,
    /// It said nothing for too long.
    Silent,
    /// Its loss is of no use any more.
    Exploded,
}

/// What was heard.
pub(super) struct Heard {
    meanings: Meanings,
    /// How far it is.
    pub(super) progress: SliceProgress,
    /// Epochs that are done when the slice begins, the epoch it ends with, and those of the run.
    slice: (u32, u32, u32),
    /// The last lines that are no bars.
    pub(super) last: VecDeque<String>,
    /// The last line that says why it ends.
    pub(super) failed: Option<String>,
    /// What is full, the card's memory or the disk; `None`: nothing is.
    pub(super) full: Option<FailureKind>,
    reached: bool,
    /// Steps of the next epoch were seen: what bars say from now on is not of this slice.
    is_past: bool,
    /// When the first step was seen and when the last: which step, and when.
    steps: Option<((u32, Instant), (u32, Instant))>,
    usual_step_ms: u64,
    told: Option<Instant>,
}

impl Heard {
    /// Nothing yet, of a slice that goes from an epoch to another of a run of so many.
    pub(super) fn new(meanings: Meanings, progress: SliceProgress, slice: (u32, u32, u32), usual_step_ms: u64) -> Self {
        Self {
            meanings,
            progress,
            slice,
            last: VecDeque::new(),
            failed: None,
            full: None,
            reached: false,
            is_past: false,
            steps: None,
            usual_step_ms,
            told: None,
        }
    }

    /// Takes in a line.
    pub(super) fn line(&mut self, line: &str) {
        let told = self.meanings.told(line);
        let (_, to, epochs) = self.slice;
        self.is_past |= matches!(told, Told::Step { step, .. } if step > self.progress.steps_until(to));
        // Bars come through the other pipe: those of the slice's last steps may be read after its state is whole.
        let is_bar = matches!(told, Told::Step { .. } | Told::Validation { .. });
        if if is_bar { self.is_past } else { self.reached } {
            return;
        }
        self.progress.hear(&told);
        match &told {
            Told::Step { step, .. } if *step > 0 => {
                let now = (*step, Instant::now());
                self.steps = Some((self.steps.map_or(now, |(first, _)| first), now));
            }
            Told::StateWhole => self.reached |= to < epochs && self.progress.announced_epoch() >= to,
            // The next one has begun: what is saved after an epoch is saved.
            Told::Epoch { .. } => self.reached |= to < epochs && self.progress.announced_epoch() > to,
            Told::OutOfMemory => self.full = Some(FailureKind::OutOfMemory),
            Told::Failed => self.failed = Some(shortened(line)),
            _ => {}
        }
        if !matches!(told, Told::Step { .. } | Told::Validation { .. }) {
            if NO_ROOM.iter().any(|words| line.contains(words)) {
                self.full = Some(FailureKind::DiskFull);
            }
            if self.last.len() == LAST_LINES {
                self.last.pop_front();
            }
            self.last.push_back(shortened(line));
        }
    }

    /// Milliseconds of a step, as measured; `None` before the second.
    pub(super) fn step_ms(&self) -> Option<u64> {
        let ((first, from), (last, to)) = self.steps?;
        let steps = u64::from(last.checked_sub(first)?);
        u64::try_from((to - from).as_millis()).ok()?.checked_div(steps)
    }

    /// Says how far it is, not too often.
    pub(super) fn tell(&mut self, progress: &Progress) {
        if self.progress.steps() == 0 || self.told.is_some_and(|told| told.elapsed() < TELL) {
            return;
        }
        self.told = Some(Instant::now());
        let (after, to, epochs) = self.slice;
        let now = &self.progress;
        let (of, before) = (now.epoch_steps(), after.saturating_mul(now.epoch_steps()));
        let all = to.saturating_sub(after).saturating_mul(of).max(1);
        let done = now.step().saturating_sub(before);
        let loss = now.loss().map(|loss| format!(", loss {loss:.3}")).unwrap_or_default();
        let what = format!("epoch {} of {epochs}, step {} of {of}{loss}", now.epoch(), now.step_of_epoch());
        let left = u64::from(all.saturating_sub(done));
        let left_ms = Some(left.saturating_mul(self.step_ms().unwrap_or(self.usual_step_ms)));
        let done = (f64::from(done) / f64::from(all)).clamp(0.0, 1.0);
        progress.say(Said::Doing(Doing { done, what, left_ms }));
    }
}

fn shortened(line: &str) -> String {
    line.trim().chars().filter(|sign| !sign.is_control()).take(LONGEST_SAID).collect()
}

/// What a trainer said, in a file that does not grow without end.
pub(super) struct Log {
    path: PathBuf,
    file: Option<(File, u64)>,
}

impl Log {
    /// Goes on with the file.
    pub(super) async fn open(path: &Path) -> Self {
        let mut log = Self { path: path.to_owned(), file: None };
        log.reopen().await;
        log
    }

    async fn reopen(&mut self) {
        let file = OpenOptions::new().create(true).append(true).open(&self.path).await;
        self.file = match file {
            Ok(file) => {
                let bytes = file.metadata().await.map_or(0, |about| about.len());
                Some((file, bytes))
            }
            Err(error) => {
                tracing::warn!(log = %self.path.display(), %error, "what the trainer says is not written down");
                None
            }
        };
    }

    /// Writes something down. What cannot be written is left out: the training is worth more than its log.
    pub(super) async fn write(&mut self, bytes: &[u8]) {
        let Some((file, length)) = &mut self.file else { return };
        if file.write_all(bytes).await.is_err() || file.flush().await.is_err() {
            return;
        }
        *length += bytes.len() as u64;
        if *length > MOST_LOG {
            let _ = tokio::fs::rename(&self.path, self.path.with_extension("old.txt")).await;
            self.reopen().await;
        }
    }
}

/// Reads from a pipe that is still open; nothing ever comes from one that is not.
async fn read(pipe: &mut Option<impl AsyncRead + Unpin>, into: &mut [u8]) -> usize {
    match pipe {
        Some(open) => open.read(into).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}

/// Listens to a program until it ends, or should.
pub(super) struct Listener<'a> {
    /// What was heard.
    pub(super) heard: &'a mut Heard,
    /// Where it is written down.
    pub(super) log: &'a mut Log,
    /// Who hears how far it is.
    pub(super) progress: &'a Progress,
    /// Cancelled when it is to end.
    pub(super) stop: &'a CancellationToken,
    /// Until a program that says nothing is ended.
    pub(super) silence: Duration,
    /// Until a program that was told to end is killed.
    pub(super) end: Duration,
}

/// What comes out of a program.
struct Pipes {
    out: Option<ChildStdout>,
    errors: Option<ChildStderr>,
    out_lines: LineReader,
    error_lines: LineReader,
}

impl Listener<'_> {
    /// Listens to both pipes of a group until it ends, or has to; nothing of it runs any more afterwards.
    pub(super) async fn listen(
        mut self,
        mut group: Group,
        out: ChildStdout,
        errors: ChildStderr,
    ) -> std::io::Result<Ended> {
        let (out_lines, error_lines) = (LineReader::default(), LineReader::default());
        let mut pipes = Pipes { out: Some(out), errors: Some(errors), out_lines, error_lines };
        let ended = self.until_it_ends(&mut group, &mut pipes).await;
        group.end(self.end).await;
        // What it said before it ended may not have been read yet.
        let _ = tokio::time::timeout(DRAIN, self.drain(&mut pipes)).await;
        ended
    }

    async fn until_it_ends(&mut self, group: &mut Group, pipes: &mut Pipes) -> std::io::Result<Ended> {
        let (mut out, mut errors) = (vec![0; CHUNK], vec![0; CHUNK]);
        let mut until = Instant::now() + self.silence;
        loop {
            let ended = tokio::select! {
                () = self.stop.cancelled() => return Ok(Ended::Stopped),
                count = read(&mut pipes.out, &mut out) => self.take(pipes, Way::Out, &out[..count]).await,
                count = read(&mut pipes.errors, &mut errors) => self.take(pipes, Way::Errors, &errors[..count]).await,
                status = group.wait() => return status.map(Ended::Exit),
                () = tokio::time::sleep_until(until) => return Ok(Ended::Silent),
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
            until = Instant::now() + self.silence;
        }
    }

    /// Reads both pipes to their end.
    async fn drain(&mut self, pipes: &mut Pipes) {
        let mut bytes = vec![0; CHUNK];
        while pipes.out.is_some() {
            let count = read(&mut pipes.out, &mut bytes).await;
            self.take(pipes, Way::Out, &bytes[..count]).await;
        }
        while pipes.errors.is_some() {
            let count = read(&mut pipes.errors, &mut bytes).await;
            self.take(pipes, Way::Errors, &bytes[..count]).await;
        }
    }

    /// Takes in what was read; none at all is the end of a pipe. Why it should end now.
    async fn take(&mut self, pipes: &mut Pipes, way: Way, bytes: &[u8]) -> Option<Ended> {
        let heard = &mut *self.heard;
        let lines = match way {
            Way::Out => &mut pipes.out_lines,
            Way::Errors => &mut pipes.error_lines,
        };
        if bytes.is_empty() {
            lines.finish(|line| heard.line(line));
            match way {
                Way::Out => pipes.out = None,
                Way::Errors => pipes.errors = None,
            }
        } else {
            lines.push(bytes, |line| heard.line(line));
        }
        heard.tell(self.progress);
        self.log.write(bytes).await;
        match () {
            () if self.heard.progress.exploded() => Some(Ended::Exploded),
            () if self.heard.reached => Some(Ended::Reached),
            () => None,
        }
    }
}

/// Which of its two pipes a program writes into.
#[derive(Clone, Copy)]
enum Way {
    Out,
    Errors,
}
