//! Media: facts about files, and the plans the media child process carries out.
//!
//! A plan goes to `studiod media` as one JSON document on its standard input; [`Report`] lines come back.
//! Longer than files here usually are: it is one protocol, read from end to end.
//! Paths appear only here: orders name files by content hash, and whoever performs an order resolves them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    failure::FailureKind,
    mixdown::Ducking,
    review::Mark,
    shot::{Motion, TransitionKind},
    units::{Fps, Frames, Samples, Size},
};

/// What is known of a media file without trusting its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum MediaFacts {
    /// One picture that does not move.
    Still {
        /// Width and height in pixels.
        size: Size,
    },
    /// Moving pictures, perhaps with sound.
    Video {
        /// Pixels as displayed.
        size: Size,
        /// Pictures per second (the average when it varies).
        fps: Fps,
        /// Pictures counted by decoding or parsing every one.
        frames: Frames,
        /// Codec, e.g. `h264`.
        codec: String,
        /// Sound samples at 48 kHz; 0 when there is no sound.
        samples: Samples,
    },
    /// Sound without any pictures.
    Sound {
        /// Samples per channel at the file's own rate.
        samples: Samples,
        /// Samples per second of the file.
        rate: u32,
        /// Channels of the file.
        channels: u32,
    },
    /// Anything else: subtitles, archives.
    Other,
}

/// One job of the media child process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case", deny_unknown_fields)]
pub enum MediaPlan {
    /// Find out what a file is, counting its pictures.
    Probe(ProbePlan),
    /// Bring a clip of any kind to the project's size and rate.
    Normalise(NormalisePlan),
    /// Move a camera over a layered still.
    Animatic(AnimaticPlan),
    /// Measure the quality of a clip or still.
    Measure(MeasurePlan),
    /// Join clips to a scene, or scenes to an episode.
    Join(JoinPlan),
    /// Mix one scene's voices and music.
    Mix(MixPlan),
    /// Join scene mixes and bring them to the wanted loudness.
    Master(MasterPlan),
    /// Take one picture out of a film.
    Picture(PicturePlan),
    /// Bring a recording of any kind to the studio's form, and speak it faster.
    Sound(SoundPlan),
    /// Look through a film in small pictures, a few a second.
    Sample(SamplePlan),
    /// Take pictures out of a film by their times.
    Frames(FramesPlan),
}

/// Plan of [`MediaPlan::Probe`]: a file in, facts about it out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbePlan {
    /// File to look at, of any kind.
    pub input: PathBuf,
}

/// Plan of [`MediaPlan::Normalise`]: a clip in, a master out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormalisePlan {
    /// Clip, animated picture or still of any size and rate.
    pub input: PathBuf,
    /// The project's picture size.
    pub size: Size,
    /// The project's rate.
    pub fps: Fps,
    /// Pictures the film needs: longer clips are cut; a shorter one holds its last picture for at most a
    /// tenth of the length (at least two frames) and is an error beyond that. `None` keeps the clip's own length.
    pub frames: Option<Frames>,
    /// The last picture may be held however short the clip is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
    /// H.264 in MP4, no sound, key frames forced at [`edge_keys`].
    pub video_out: PathBuf,
    /// The clip's own sound as 48 kHz stereo WAV, written only when it has any.
    pub sound_out: PathBuf,
    /// The last picture as PNG.
    pub last_frame_out: PathBuf,
}

/// Frames at which a master of `frames` pictures has forced key frames, so that the default transitions
/// (0.3 s and 0.5 s) can be joined without re-encoding more than their own windows.
pub fn edge_keys(frames: Frames, fps: Fps) -> Vec<Frames> {
    let mut keys: Vec<Frames> = [300, 500]
        .into_iter()
        .map(|ms| fps.frames_in_ms(ms))
        .filter(|overlap| frames.0 > 2 * overlap.0)
        .flat_map(|overlap| [overlap, frames - overlap])
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// How much larger the layers of a still are than its picture, as a share of the picture's width on the left and
/// on the right and of its height at the top and the bottom: the room a camera has to move in.
pub const LAYER_MARGIN: f64 = 0.12;

/// Depths of a still's layers, back to front: sky, place, people, foreground. See [`AnimaticLayer::depth`].
pub const LAYER_DEPTHS: [f32; 4] = [0.25, 0.6, 1.0, 1.35];

/// Plan of [`MediaPlan::Animatic`]: layers of a still in, a clip out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnimaticPlan {
    /// Back to front; RGBA PNG of one size, the first opaque. One layer is an ordinary still.
    pub layers: Vec<AnimaticLayer>,
    /// Picture size of the clip.
    pub size: Size,
    /// Rate of the clip.
    pub fps: Fps,
    /// Length of the clip.
    pub frames: Frames,
    /// The camera's move.
    pub motion: Motion,
    /// Seed of what is random in it (hand-held shake).
    pub seed: u64,
    /// H.264 in MP4.
    pub video_out: PathBuf,
}

/// One layer of an animatic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnimaticLayer {
    /// Picture of the layer, of the same size as the others.
    pub input: PathBuf,
    /// How strongly the layer follows the camera: 0 stays (far sky), 1 moves with the subject, above 1 is nearer.
    pub depth: f32,
}

/// Plan of [`MediaPlan::Measure`]: a clip or still in, marks out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasurePlan {
    /// Clip or still.
    pub input: PathBuf,
    /// What was ordered; `None` for a still.
    pub expected: Option<Expected>,
    /// The still the clip should resemble at its start.
    pub reference: Option<PathBuf>,
    /// What the chain of shots began with, which the end must not drift away from; without it the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<PathBuf>,
    /// The order asks for a still camera, so few differences between pictures are no fault.
    pub may_stand_still: bool,
    /// It is a picture of a dataset: white around what it shows is no fault, and showing nothing is one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dataset: bool,
}

/// Length and shape that were ordered.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Picture size that was ordered.
    pub size: Size,
    /// Pictures per second that were ordered.
    pub fps: Fps,
    /// Number of pictures that were ordered.
    pub frames: Frames,
    /// More is no fault: models make clips in steps, and what is too much is cut off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_be_longer: bool,
}

/// Plan of [`MediaPlan::Join`]: clips or scenes in, one film out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinPlan {
    /// Picture size of the result.
    pub size: Size,
    /// Rate of the result.
    pub fps: Fps,
    /// In film order; at least one.
    pub parts: Vec<JoinPart>,
    /// 48 kHz stereo WAV for the whole result; cut or padded with silence to the picture's length.
    pub sound: Option<PathBuf>,
    /// Subtitles to draw into the picture (SRT); forbids copying.
    pub burn_in: Option<PathBuf>,
    /// Chapter marks, in order.
    pub chapters: Vec<Chapter>,
    /// Cap of the average bit rate of picture and sound together in kbit/s; `None` keeps constant quality.
    pub max_kbps: Option<u32>,
    /// MP4, index first; written in the job's folder under another name and renamed.
    pub out: PathBuf,
}

/// One clip of a join.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinPart {
    /// A normalised master or an assembled scene.
    pub input: PathBuf,
    /// Blend from the part before into this one; ignored on the first part.
    pub transition: TransitionKind,
    /// Overlap with the part before; 0 for a cut.
    pub overlap: Frames,
}

/// A chapter mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chapter {
    /// Where it begins, in milliseconds from the start of the film.
    pub start_ms: u64,
    /// What players show, at most 255 bytes of UTF-8.
    pub title: String,
}

/// Plan of [`MediaPlan::Mix`]: voices and music in, a scene's sound out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MixPlan {
    /// Length of the scene.
    pub samples: Samples,
    /// What is said, and other sounds that are not ducked.
    pub voices: Vec<PlacedSound>,
    /// The bed under it.
    pub music: Option<MusicBed>,
    /// How the music gives way to the voices.
    pub ducking: Ducking,
    /// 48 kHz stereo 32-bit float WAV.
    pub out: PathBuf,
}

/// A sound at a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacedSound {
    /// WAV of any rate and one or two channels.
    pub input: PathBuf,
    /// Where it begins.
    pub at: Samples,
    /// Bring it to this integrated loudness first; `None` leaves it as it is.
    pub level_lufs: Option<f64>,
    /// Linear gain after levelling.
    pub gain: f32,
}

/// A music bed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MusicBed {
    /// WAV; repeated without a gap when shorter than the scene.
    pub input: PathBuf,
    /// Linear gain without voices, e.g. 0.30.
    pub gain: f32,
    /// Fade-in at the start of the scene.
    pub fade_in: Samples,
    /// Fade-out at its end.
    pub fade_out: Samples,
}

/// Plan of [`MediaPlan::Master`]: scene mixes in, the film's sound out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MasterPlan {
    /// Scene mixes (48 kHz stereo float WAV) in order.
    pub parts: Vec<MasterPart>,
    /// Length of the film.
    pub samples: Samples,
    /// Integrated loudness wanted, in LUFS.
    pub loudness_lufs: f64,
    /// True peak never exceeded, in dBTP.
    pub true_peak_dbtp: f64,
    /// 48 kHz stereo 16-bit WAV, dithered.
    pub out: PathBuf,
}

/// One scene in the master.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MasterPart {
    /// The scene's mix.
    pub input: PathBuf,
    /// Where it begins in the film.
    pub at: Samples,
    /// How long it cross-fades with the part before.
    pub crossfade: Samples,
}

/// Plan of [`MediaPlan::Picture`]: a film in, one of its pictures out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PicturePlan {
    /// Film or clip that the picture is taken from.
    pub input: PathBuf,
    /// Which picture; beyond the end means the last.
    pub at: Frames,
    /// Rate of the film, to find the picture.
    pub fps: Fps,
    /// Scale down to fit inside, keeping the shape; `None` keeps the size.
    pub fit: Option<Size>,
    /// Ends in `.jpg` or `.png`.
    pub out: PathBuf,
}

/// Plan of [`MediaPlan::Sound`]: a recording in, a WAV of the studio's form out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoundPlan {
    /// WAV, FLAC, M4A, MP3 or the sound of a film.
    pub input: PathBuf,
    /// How much faster it gets, its pitch kept, in thousandths, 500..=2000; 1000 leaves it.
    pub speed: u32,
    /// 48 kHz stereo 32-bit float WAV.
    pub out: PathBuf,
}

/// Plan of [`MediaPlan::Sample`]: a film in, small grey pictures of it out as they are decoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplePlan {
    /// Film that is looked through.
    pub input: PathBuf,
    /// Where to begin, in milliseconds from the start of the film.
    pub from_ms: u64,
    /// Where to end, in the same way; `None`: with the film.
    pub to_ms: Option<u64>,
    /// How long the film is, in milliseconds: how far the work is follows from it.
    pub length_ms: u64,
    /// Milliseconds between two pictures, at least.
    pub every_ms: u64,
    /// Width and height of the small pictures; the shape should be the film's.
    pub size: Size,
    /// A named pipe somebody reads: of each picture its time in milliseconds (rounded up, 8 bytes, the lowest first), then
    /// its brightness, a byte a pixel, row by row, 0 black and 255 white.
    pub out: PathBuf,
}

/// Plan of [`MediaPlan::Frames`]: a film in, some of its pictures out in full size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FramesPlan {
    /// Film that the pictures are taken from.
    pub input: PathBuf,
    /// Which pictures, the earliest first.
    pub frames: Vec<FrameAt>,
}

/// One picture of a [`FramesPlan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrameAt {
    /// When it is shown, in milliseconds from the start of the film.
    pub at_ms: u64,
    /// Ends in `.jpg` or `.png`.
    pub out: PathBuf,
}

/// One line of the child's standard output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum Report {
    /// How much is done, 0-1, never falling; at most ten a second.
    Progress {
        /// Share of the work.
        done: f64,
    },
    /// The work is done and the outputs are complete on disk. Always the last line.
    Done {
        /// What was made.
        result: MediaResult,
    },
    /// The work failed and left no output behind. Always the last line.
    Failed {
        /// Which kind of failure.
        fault: FailureKind,
        /// One sentence, naming the file.
        message: String,
    },
}

/// What a media job made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum MediaResult {
    /// Answer to [`MediaPlan::Probe`]: what the file is.
    Probe {
        /// What was found out about the file.
        facts: MediaFacts,
    },
    /// Answer to [`MediaPlan::Normalise`]: the master, and whether the clip had sound.
    Normalise {
        /// Facts of the master.
        facts: MediaFacts,
        /// The clip had sound and `sound_out` was written.
        has_sound: bool,
    },
    /// Answer to [`MediaPlan::Animatic`]: the clip that was made.
    Animatic {
        /// Facts of the clip.
        facts: MediaFacts,
    },
    /// Answer to [`MediaPlan::Measure`]: what was measured, mark by mark.
    Measure {
        /// The parts of the score.
        marks: Vec<Mark>,
    },
    /// Answer to [`MediaPlan::Join`]: the film, and how much of it was copied.
    Join {
        /// Facts of the film.
        facts: MediaFacts,
        /// Pictures copied bit by bit.
        copied: Frames,
        /// Pictures encoded again.
        encoded: Frames,
        /// Why everything was encoded again, when it was.
        full_because: Option<String>,
    },
    /// Answer to [`MediaPlan::Mix`]: length of the mix, and how far the music gave way.
    Mix {
        /// Length of the mix.
        samples: Samples,
        /// The lowest gain of the music, 0-1, as heard under the voices; `None` without music.
        ducked_to: Option<f64>,
    },
    /// Answer to [`MediaPlan::Master`]: length and loudness of the film's sound.
    Master {
        /// Length of the master.
        samples: Samples,
        /// Integrated loudness as measured after mastering, in LUFS; `None` when silent.
        loudness_lufs: Option<f64>,
        /// True peak as measured, in dBTP; `None` when silent.
        true_peak_dbtp: Option<f64>,
    },
    /// Answer to [`MediaPlan::Sound`]: length of the recording as it was written.
    Sound {
        /// Length of the file.
        samples: Samples,
    },
    /// Answer to [`MediaPlan::Sample`]: how many small pictures were written.
    Sample {
        /// Number of pictures.
        pictures: u64,
    },
    /// Answer to [`MediaPlan::Frames`]: every picture was written.
    Frames {
        /// Width and height of the pictures in pixels.
        size: Size,
    },
    /// Answer to [`MediaPlan::Picture`]: the picture that was written.
    Picture {
        /// Facts of the picture.
        facts: MediaFacts,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sit_at_the_default_transitions() {
        let keys: Vec<u64> = edge_keys(Frames(240), Fps::whole(30)).into_iter().map(|f| f.0).collect();
        assert_eq!(keys, [9, 15, 225, 231]);
        assert!(edge_keys(Frames(10), Fps::whole(30)).is_empty(), "too short for any overlap");
    }
}
