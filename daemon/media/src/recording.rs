//! Recording: a sound file of any kind becomes one in the studio's form, faster when lines must fit their shot.

use studio_core::{
    failure::FailureKind,
    media::{MediaResult, SoundPlan},
    units::{SAMPLE_RATE, Samples},
};

use crate::{
    MediaError,
    codecs::{self, Stream},
    reader::AudioReader,
    scan,
    source::{self, Kind},
    wav::WavSink,
};

/// Longest recording, in samples: three hours.
const LONGEST: u64 = 3 * 3600 * SAMPLE_RATE as u64;

/// Carries out a [`SoundPlan`].
pub fn run(plan: &SoundPlan, progress: &mut dyn FnMut(f64)) -> Result<MediaResult, MediaError> {
    if !(500..=2000).contains(&plan.speed) {
        return Err(MediaError::new(
            FailureKind::Refused,
            format!("a speed of {} thousandths is not possible", plan.speed),
        ));
    }
    let name = plan.input.display().to_string();
    let mut coded = None;
    if matches!(source::kind_of(&plan.input)?, Kind::Mp4 | Kind::Matroska) {
        // A demuxer ends quietly where a film was cut off.
        coded = scan::scan_for(&plan.input, &[Stream::Sound], &mut |_| progress(0.0))?.sound.map(|sound| sound.caps);
    }
    let mut reader = AudioReader::open_at(&plan.input, plan.speed)?;
    let mut sink = WavSink::float(&plan.out, Samples(0))?;
    let mut samples = 0;
    let named = |fault, first: bool| match &coded {
        Some(caps) if first => codecs::in_codec(fault, &name, caps),
        _ => fault,
    };
    while let Some(sound) = reader.next_sound().map_err(|fault| named(fault, samples == 0))? {
        for pair in sound.stereo.chunks_exact(2) {
            sink.push_float([pair[0], pair[1]])?;
            samples += 1;
        }
        if samples > LONGEST {
            return Err(MediaError::input(format!("{name}: is longer than three hours; cut it into parts")));
        }
        progress((samples as f64 / (60.0 * f64::from(SAMPLE_RATE))).min(0.9));
    }
    if samples == 0 {
        return Err(MediaError::silent(&name));
    }
    sink.finish()?;
    Ok(MediaResult::Sound { samples: Samples(samples) })
}
