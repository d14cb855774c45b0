//! Sample: a video looked through once, from its beginning to its end, in small pictures that come through a pipe. Of each
//! nothing stays but what is compared, so a video of three hours takes a few megabytes.

use std::path::Path;

use image::GrayImage;
use studio_core::{
    media::{MediaPlan, MediaResult, SamplePlan},
    units::Size,
};
use studio_engine::{EngineError, FailureKind, Progress, RunMedia};
use studio_pictures::frames::{Sample, Watcher};
use tokio::{io::AsyncReadExt, net::unix::pipe, sync::mpsc};
use tokio_util::sync::CancellationToken;

/// Milliseconds between two pictures that are looked at: a cut is seen between them.
const EVERY_MS: u64 = 200;
/// The longer side of a small picture, in pixels.
const LONGER: u32 = 320;
/// The shortest side of one, however long the other is.
const SHORTEST: u32 = 32;
/// Pictures that wait to be looked at.
const AHEAD: usize = 4;
/// Bytes of a picture's time.
const TIME: usize = 8;

/// What is looked through.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// File of the video.
    pub input: &'a Path,
    /// Size of its pictures.
    pub size: Size,
    /// How long it is, in milliseconds.
    pub length_ms: u64,
    /// Where to begin, in milliseconds.
    pub from_ms: u64,
    /// Where to end, in milliseconds; `None`: with the video.
    pub to_ms: Option<u64>,
}

/// Looks through a part of a video; `told` hears at which millisecond of it. `room` is a folder for the pipe.
pub async fn samples(
    media: &dyn RunMedia,
    part: Part<'_>,
    room: &Path,
    mut told: impl FnMut(u64),
) -> Result<Vec<Sample>, EngineError> {
    let failed = |error: std::io::Error| EngineError::io("failed to look through a video", &error);
    let (size, out) = (small(part.size), room.join("samples"));
    let _ = std::fs::remove_file(&out);
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &out, rustix::fs::FileType::Fifo, mode, 0)
        .map_err(|error| failed(error.into()))?;
    // Open for both: it never ends before its last writer has come.
    let mut pipe = pipe::OpenOptions::new().read_write(true).open_receiver(&out).map_err(failed)?;
    let plan = MediaPlan::Sample(SamplePlan {
        input: part.input.to_owned(),
        from_ms: part.from_ms,
        to_ms: part.to_ms,
        length_ms: part.length_ms,
        every_ms: EVERY_MS,
        size,
        out,
    });
    let (to_watcher, mut frames) = mpsc::channel::<(u64, Vec<u8>)>(AHEAD);
    let watching = tokio::task::spawn_blocking(move || {
        let (mut watcher, mut samples) = (Watcher::default(), Vec::new());
        while let Some((at_ms, light)) = frames.blocking_recv() {
            samples.extend(GrayImage::from_raw(size.width, size.height, light).map(|frame| watcher.look(at_ms, frame)));
        }
        samples
    });
    let (progress, stop) = (Progress::noop(), CancellationToken::new());
    let work = media.run(plan, room, &progress, &stop);
    tokio::pin!(work);
    let mut frame = vec![0; TIME + (size.width * size.height) as usize];
    let (mut filled, mut came, mut wanted) = (0, 0, None::<u64>);
    while wanted.is_none_or(|wanted| came < wanted) {
        tokio::select! {
            ended = &mut work, if wanted.is_none() => match ended? {
                // What is still in the pipe comes, too.
                MediaResult::Sample { pictures } => wanted = Some(pictures),
                other => return Err(EngineError::new(FailureKind::Transient, format!("it answered {other:?}"))),
            },
            read = pipe.read(&mut frame[filled..]) => {
                filled += read.map_err(failed)?;
                if filled < frame.len() {
                    continue;
                }
                let (time, light) = frame.split_at(TIME);
                let at_ms = u64::from_le_bytes(time.try_into().unwrap_or_default());
                (filled, came) = (0, came + 1);
                told(at_ms);
                if to_watcher.send((at_ms, light.to_vec())).await.is_err() {
                    return Err(EngineError::new(FailureKind::Transient, "nobody looks at the pictures"));
                }
            }
        }
    }
    drop(to_watcher);
    watching.await.map_err(|error| EngineError::new(FailureKind::Transient, error.to_string()))
}

/// The size of small pictures of the same shape, even as luma needs it.
fn small(size: Size) -> Size {
    let longer = size.width.max(size.height).max(1);
    let side = |side: u32| {
        let small = u64::from(side) * u64::from(LONGER.min(longer)) / u64::from(longer);
        ((small as u32) & !1).max(SHORTEST)
    };
    Size { width: side(size.width), height: side(size.height) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_pictures_keep_the_shape() {
        let of = |width, height| {
            let size = small(Size { width, height });
            (size.width, size.height)
        };
        assert_eq!(of(1920, 1080), (320, 180));
        assert_eq!(of(1080, 1920), (180, 320));
        assert_eq!(of(300, 300), (300, 300));
        assert_eq!(of(4000, 256), (320, 32), "never thinner than that");
    }
}
