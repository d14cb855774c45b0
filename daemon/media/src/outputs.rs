//! Files under construction: never a partial file under a final name.

use std::{
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
};

use studio_core::{media::MediaPlan, units::Frames};

use crate::{
    MediaError,
    index::FilmIndex,
    mp4::{self, Finish},
};

/// Name of an unfinished file beside `out`: `film.mp4` in stage `mux` is `film.mp4.mux.part`.
pub fn part_path(out: &Path, stage: &str) -> PathBuf {
    let mut name = out.file_name().map(OsString::from).unwrap_or_default();
    name.push(format!(".{stage}.part"));
    out.with_file_name(name)
}

/// Completes a file the muxer wrote (index first, edit lists, chapters) and renames it to `out`.
pub fn put_in_place(muxed: &Path, out: &Path, finish: &Finish<'_>) -> Result<(), MediaError> {
    let ready = part_path(out, "ready");
    let placed = mp4::finish(muxed, &ready, finish)
        .and_then(|()| check_count(&ready, finish.frames))
        .and_then(|()| rename_synced(&ready, out));
    if placed.is_err() {
        // best effort: the fault that stopped us is what matters
        let _ = std::fs::remove_file(&ready);
    }
    placed
}

/// Reads the finished file's index again: it must hold exactly the pictures that were pushed.
fn check_count(ready: &Path, frames: Frames) -> Result<(), MediaError> {
    let held = FilmIndex::read(ready)?.map_or(0, |index| index.pictures.len() as u64);
    if held == frames.0 {
        return Ok(());
    }
    Err(MediaError::internal(format!("{}: holds {held} of {frames} pictures after writing", ready.display())))
}

/// Renames a complete file to its final name, after its bytes are on the disk.
pub fn rename_synced(ready: &Path, out: &Path) -> Result<(), MediaError> {
    let what = format!("failed to write {}", out.display());
    File::open(ready).and_then(|file| file.sync_all()).map_err(|error| MediaError::io(&what, &error))?;
    std::fs::rename(ready, out).map_err(|error| MediaError::io(&what, &error))
}

/// Writes a small file whole: aside, synced, renamed.
pub fn write_whole(out: &Path, bytes: &[u8]) -> Result<(), MediaError> {
    let ready = part_path(out, "ready");
    let written = std::fs::write(&ready, bytes)
        .map_err(|error| MediaError::io(&format!("failed to write {}", out.display()), &error))
        .and_then(|()| rename_synced(&ready, out));
    if written.is_err() {
        let _ = std::fs::remove_file(&ready);
    }
    written
}

/// Removes every output of a plan and its unfinished forms; what is not there is no fault.
pub fn remove(plan: &studio_core::media::MediaPlan) {
    for out in outputs_of(plan) {
        let unfinished = ["mux", "ready"].map(|stage| part_path(out, stage));
        for path in unfinished.iter().map(PathBuf::as_path).chain([out]) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The files a plan leaves behind when it succeeds, and must not when it fails.
fn outputs_of(plan: &MediaPlan) -> Vec<&Path> {
    match plan {
        // A pipe is its reader's.
        MediaPlan::Probe(_) | MediaPlan::Measure(_) | MediaPlan::Sample(_) => Vec::new(),
        MediaPlan::Frames(plan) => plan.frames.iter().map(|frame| frame.out.as_path()).collect(),
        MediaPlan::Normalise(plan) => vec![&plan.video_out, &plan.sound_out, &plan.last_frame_out],
        MediaPlan::Animatic(plan) => vec![&plan.video_out],
        MediaPlan::Join(plan) => vec![&plan.out],
        MediaPlan::Mix(plan) => vec![&plan.out],
        MediaPlan::Master(plan) => vec![&plan.out],
        MediaPlan::Picture(plan) => vec![&plan.out],
        MediaPlan::Sound(plan) => vec![&plan.out],
    }
}
