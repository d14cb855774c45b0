//! The child process: cancelling, crashing, hanging, being left alone, a full disk.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use rstest::rstest;
use studio_core::media::{MediaPlan, ProbePlan};
use studio_engine::{FailureKind, Progress};
use studiod::media::ChildProcess;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::{PROGRAM, clips::ffmpeg, files, folder, noise, normalise_plan, run, run_on};

fn long_clip(dir: &Path) -> PathBuf {
    let clip = dir.join("long.mp4");
    let source = "testsrc2=s=1280x720:r=30:d=20";
    ffmpeg(&["-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", clip.to_str().unwrap()]);
    clip
}

#[test]
fn a_cancelled_job_leaves_nothing() {
    let dir = folder();
    let (clip, room) = (long_clip(dir.path()), folder());
    let stop = CancellationToken::new();
    let hand = stop.clone();
    let progress = Progress::shares(move |done| {
        if done > 0.1 {
            hand.cancel();
        }
    });
    let plan = MediaPlan::Normalise(normalise_plan(&clip, room.path(), None));
    let failure = run_on(&ChildProcess::with_program(PROGRAM), plan, &progress, &stop).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Cancelled);
    assert_eq!(files(room.path()), Vec::<String>::new());
}

#[test]
fn the_child_leaves_with_its_parent() {
    let dir = folder();
    let (clip, room) = (long_clip(dir.path()), folder());
    let mut child = Command::new(PROGRAM).arg("media").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut plan = serde_json::to_string(&MediaPlan::Normalise(normalise_plan(&clip, room.path(), None))).unwrap();
    plan.push('\n');
    let mut line = child.stdin.take().unwrap();
    line.write_all(plan.as_bytes()).unwrap();
    let mut reports = BufReader::new(child.stdout.take().unwrap()).lines();
    let at_work = reports.by_ref().map(Result::unwrap).any(|report| report.contains("0.1"));
    assert!(at_work, "the job ended before its parent did");
    drop(line);
    assert!(!reports.any(|report| report.is_ok_and(|text| text.contains("done\",\"result"))));
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(files(room.path()), Vec::<String>::new());
}

#[test]
fn progress_never_falls_and_ends_near_one() {
    let dir = folder();
    let clip = long_clip(dir.path());
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let ear = std::sync::Arc::clone(&heard);
    let progress = Progress::shares(move |done| ear.lock().unwrap().push(done));
    let plan = MediaPlan::Normalise(normalise_plan(&clip, dir.path(), None));
    run_on(&ChildProcess::with_program(PROGRAM), plan, &progress, &CancellationToken::new()).unwrap();
    let heard = heard.lock().unwrap();
    assert!(heard.windows(2).all(|two| two[0] <= two[1]), "{heard:?}");
    assert!(heard.len() > 3 && heard.last().unwrap() > &0.7, "{heard:?}");
}

/// A few bytes that promise ten gigabytes of pixels are refused before any of them is decoded.
#[test]
fn a_picture_that_would_not_fit_into_memory_is_not_read() {
    let dir = folder();
    let png =
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xea\x60\0\0\xea\x60\x08\x02\0\0\0\x0f\xb0\xe2\x15\0\0\0\0IDAT".to_vec();
    let gif = b"GIF89a\x60\xea\x60\xea\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;".to_vec();
    for (name, bytes) in [("bomb.png", png), ("bomb.gif", gif)] {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let failure = run(MediaPlan::Probe(ProbePlan { input: path })).unwrap_err();
        assert_eq!(failure.kind, FailureKind::BadInput, "{failure}");
        let said = &failure.message;
        assert!(said.contains("60000x60000 pixels, and at most 134 million can be read"), "{said}");
    }
}

/// A small file system of its own, taken down when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = folder();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(dir.path()).output().ok()?;
        mounted.status.success().then_some(Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_told_apart() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("file systems cannot be mounted here");
        return;
    };
    let dir = folder();
    let noisy = noise(dir.path(), 8);
    let failure = run(MediaPlan::Normalise(normalise_plan(&noisy, disk.0.path(), None))).unwrap_err();
    assert_eq!(failure.kind, FailureKind::DiskFull, "{failure}");
    assert_eq!(files(disk.0.path()), Vec::<String>::new());
}

fn script(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("fake");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[rstest]
#[case::hang("exec tail -f /dev/null", "no progress")]
#[case::crash("echo bad plugin >&2; kill -SEGV $$", "signal 11: bad plugin")]
#[case::silence("echo not a report", "code 0")]
fn a_child_that_goes_wrong_is_tried_again(#[case] behaviour: &str, #[case] says: &str) {
    let dir = folder();
    let child = ChildProcess::with_program(script(dir.path(), behaviour)).stall_after(Duration::from_millis(300));
    let plan = MediaPlan::Probe(ProbePlan { input: "x".into() });
    let failure = run_on(&child, plan, &Progress::noop(), &CancellationToken::new()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Transient);
    assert!(failure.message.contains(says), "{failure}");
}

#[test]
fn every_needed_element_is_found_or_named() {
    let out = Command::new(PROGRAM).args(["media", "elements"]).output().unwrap();
    let told: studio_media::elements::ElementReport = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(told.missing, []);
    assert!(told.version.starts_with("GStreamer 1."), "{}", told.version);
}
