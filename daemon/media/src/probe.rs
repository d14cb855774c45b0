//! Probe: what a file is, with every picture counted.

use std::path::Path;

use studio_core::{
    media::{MediaFacts, MediaResult, ProbePlan},
    units::{Fps, Frames, SAMPLE_RATE, Samples, Size},
};

use crate::{
    MediaError, codecs,
    heads::{self, SoundHead},
    reader::{AudioReader, VideoReader},
    scan,
    source::{self, Kind},
    stills::{self, Pictures},
};

/// Carries out a [`ProbePlan`].
pub fn run(plan: &ProbePlan, progress: &mut dyn FnMut(f64)) -> Result<MediaResult, MediaError> {
    Ok(MediaResult::Probe { facts: facts(&plan.input, progress)? })
}

/// Facts of a file of any kind; what is no medium is [`MediaFacts::Other`], what is a damaged one is a fault.
pub fn facts(path: &Path, progress: &mut dyn FnMut(f64)) -> Result<MediaFacts, MediaError> {
    match source::kind_of(path)? {
        Kind::Other => Ok(MediaFacts::Other),
        Kind::Picture(format) => match stills::open(path, format)? {
            Pictures::One(picture) => {
                Ok(MediaFacts::Still { size: Size { width: picture.width(), height: picture.height() } })
            }
            Pictures::Moving(mut moving) => {
                let (frames, length_ns) = measure(&mut moving, progress)?;
                let codec = if format == image::ImageFormat::Gif { "gif" } else { "webp" };
                let starts_evenly = Fps { num: rate_thousandths(frames, length_ns), den: 1000 };
                Ok(MediaFacts::Video {
                    size: moving.size,
                    fps: reduced(starts_evenly),
                    frames: Frames(frames),
                    codec: codec.to_owned(),
                    samples: Samples(0),
                })
            }
        },
        Kind::Wav => sound(path, heads::wav(path)?, progress),
        Kind::Flac => sound(path, SoundHead { samples: None, ..heads::flac(path)? }, progress),
        Kind::Mp4 | Kind::Matroska => film(path, progress),
    }
}

fn film(path: &Path, progress: &mut dyn FnMut(f64)) -> Result<MediaFacts, MediaError> {
    let found = scan::scan(path, progress)?;
    try_out(path, &found)?;
    let samples = found.sound.as_ref().map_or(Samples(0), scan::SoundScan::samples);
    match (found.video, found.sound) {
        (Some(video), _) => Ok(MediaFacts::Video {
            size: video.size,
            fps: video.fps,
            frames: Frames(video.pictures),
            codec: video.codec,
            samples,
        }),
        (None, Some(sound)) => {
            let own = u128::from(sound.end_ns) * u128::from(sound.rate) + 500_000_000;
            let samples = Samples((own / 1_000_000_000) as u64);
            Ok(MediaFacts::Sound { samples, rate: sound.rate, channels: sound.channels })
        }
        (None, None) => {
            Err(MediaError::input(format!("{}: there are neither pictures nor sound in it", path.display())))
        }
    }
}

/// Decodes the beginning of each stream: some decoders find out only then that they cannot.
fn try_out(path: &Path, found: &scan::Scan) -> Result<(), MediaError> {
    let name = path.display().to_string();
    if let Some(video) = &found.video {
        let first = VideoReader::open(path, None).and_then(|mut reader| reader.next_picture());
        if first.map_err(|fault| codecs::in_codec(fault, &name, &video.caps))?.is_none() {
            return Err(codecs::unreadable(&name, &video.caps));
        }
    }
    if let Some(sound) = found.sound.as_ref().filter(|sound| sound.end_ns > 0) {
        let first = AudioReader::open(path).and_then(|mut reader| reader.next_sound());
        first.map_err(|fault| codecs::in_codec(fault, &name, &sound.caps))?;
    }
    Ok(())
}

/// Facts of a sound file; where its head does not say how long it is, it is decoded. That of a FLAC file is not believed: it
/// says the same of half a file.
fn sound(path: &Path, head: SoundHead, progress: &mut dyn FnMut(f64)) -> Result<MediaFacts, MediaError> {
    let SoundHead { rate, channels, samples } = head;
    if let Some(samples) = samples {
        return Ok(MediaFacts::Sound { samples: Samples(samples), rate, channels });
    }
    let (mut reader, mut decoded) = (AudioReader::open(path)?, 0);
    while let Some(sound) = reader.next_sound()? {
        decoded += sound.stereo.len() as u64 / 2;
        progress(0.0);
    }
    let own = u128::from(decoded) * u128::from(rate) + u128::from(SAMPLE_RATE) / 2;
    let samples = (own / u128::from(SAMPLE_RATE)) as u64;
    Ok(MediaFacts::Sound { samples: Samples(samples), rate, channels })
}

/// Pictures of an animation and its length.
pub fn measure(moving: &mut stills::Moving, progress: &mut dyn FnMut(f64)) -> Result<(u64, u64), MediaError> {
    let (mut frames, mut length_ns) = (0, 0);
    while let Some((_, delay_ns)) = moving.next_picture()? {
        frames += 1;
        length_ns += delay_ns;
        progress(0.0);
    }
    Ok((frames, length_ns))
}

fn rate_thousandths(frames: u64, length_ns: u64) -> u32 {
    let rate = frames as f64 * 1e12 / length_ns.max(1) as f64;
    rate.round().clamp(1.0, 240_000.0) as u32
}

/// Whole rates without a denominator.
fn reduced(fps: Fps) -> Fps {
    if fps.num.is_multiple_of(fps.den) { Fps::whole(fps.num / fps.den) } else { fps }
}
