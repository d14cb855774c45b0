//! Media jobs through the real child process, checked by ffmpeg as an independent decoder.

#[path = "../support/clips.rs"]
mod clips;
mod codecs;
mod cut;
mod join;
mod normalise;
mod process;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clips::{FPS, SIZE, ffmpeg, ffprobe};
use studio_core::{
    media::{JoinPart, JoinPlan, MediaFacts, MediaPlan, MediaResult, NormalisePlan},
    shot::TransitionKind,
    units::Frames,
};
use studio_engine::{EngineError, Progress, RunMedia};
use studiod::media::ChildProcess;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const PROGRAM: &str = env!("CARGO_BIN_EXE_studiod");

fn run_on(
    child: &ChildProcess,
    plan: MediaPlan,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<MediaResult, EngineError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(child.run(plan, Path::new("/tmp"), progress, stop))
}

fn run(plan: MediaPlan) -> Result<MediaResult, EngineError> {
    run_on(&ChildProcess::with_program(PROGRAM), plan, &Progress::noop(), &CancellationToken::new())
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn normalise_plan(input: &Path, dir: &Path, frames: Option<u64>) -> NormalisePlan {
    NormalisePlan {
        input: input.to_owned(),
        size: SIZE,
        fps: FPS,
        frames: frames.map(Frames),
        hold: false,
        video_out: dir.join("master.mp4"),
        sound_out: dir.join("master.wav"),
        last_frame_out: dir.join("last.png"),
    }
}

fn join_plan(parts: &[(&Path, TransitionKind, u64)], out: &Path) -> JoinPlan {
    let part = |&(input, transition, overlap): &(&Path, TransitionKind, u64)| JoinPart {
        input: input.to_owned(),
        transition,
        overlap: Frames(overlap),
    };
    JoinPlan {
        size: SIZE,
        fps: FPS,
        parts: parts.iter().map(part).collect(),
        sound: None,
        burn_in: None,
        chapters: Vec::new(),
        max_kbps: None,
        out: out.to_owned(),
    }
}

/// Pictures in all, copied, encoded, and why all were encoded.
fn join(plan: JoinPlan) -> (u64, u64, u64, Option<String>) {
    match run(MediaPlan::Join(plan)).unwrap() {
        MediaResult::Join { facts: MediaFacts::Video { frames, .. }, copied, encoded, full_because } => {
            (frames.0, copied.0, encoded.0, full_because)
        }
        other => panic!("{other:?}"),
    }
}

/// Every file under the folder, by name.
fn files(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn keys_of(film: &Path) -> Vec<usize> {
    let flags = ffprobe(film, "v:0", "packet=flags");
    flags.lines().enumerate().filter(|(_, flags)| flags.starts_with('K')).map(|(n, _)| n).collect()
}

/// A clip nothing can compress much.
fn noise(dir: &Path, seconds: u32) -> PathBuf {
    let clip = dir.join("noise.mp4");
    let source = format!("nullsrc=s=320x180:r=30:d={seconds},geq=random(1)*255:128:128");
    ffmpeg(&["-f", "lavfi", "-i", &source, "-c:v", "libx264", "-preset", "ultrafast", clip.to_str().unwrap()]);
    clip
}
