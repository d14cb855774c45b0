//! The media engine: orders about film and sound, carried out by the child process.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use studio_core::{
    media::{
        JoinPart, JoinPlan, MasterPart, MasterPlan, MediaFacts, MediaPlan, MediaResult, MixPlan, MusicBed,
        NormalisePlan, PlacedSound, SoundPlan,
    },
    order::{
        JoinEpisodeOrder, JoinSceneOrder, JoinedPart, MasterOrder, MixSceneOrder, NormaliseOrder, Order, Reported, Role,
    },
    subtitle,
    units::{Fps, Frames, SAMPLE_RATE, Samples},
};
use studio_engine::{Artifact, Engine, EngineError, FailureKind, Made, Means, Progress, RunMedia, Workspace};
use tokio_util::sync::CancellationToken;

/// Share of a size cap left for the container and for bit-rate control that overshoots.
const CAP_MARGIN: f64 = 0.96;

/// Normalises, mixes, joins and masters.
pub struct MediaEngine {
    media: Arc<dyn RunMedia>,
}

impl MediaEngine {
    /// An engine that has its plans carried out by `media`.
    pub fn new(media: Arc<dyn RunMedia>) -> Self {
        Self { media }
    }
}

/// What every job of this engine needs at hand.
struct Bench<'a> {
    media: &'a dyn RunMedia,
    room: &'a Workspace,
    progress: &'a Progress,
    stop: &'a CancellationToken,
}

impl Engine for MediaEngine {
    fn version(&self) -> String {
        "media/1".into()
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, progress, stop }: Means<'a>) -> Made<'a> {
        let bench = Bench { media: &*self.media, room, progress, stop };
        Box::pin(async move {
            match order {
                Order::Normalise(order) => bench.normalise(order).await,
                Order::MixScene(order) => bench.mix(order).await,
                Order::JoinScene(order) => bench.join_scene(order).await,
                Order::Master(order) => bench.master(order).await,
                Order::JoinEpisode(order) => bench.join_episode(order).await,
                _ => Err(EngineError::new(FailureKind::Refused, "the media engine does not make this")),
            }
        })
    }
}

fn file(role: Role, path: impl AsRef<Path>, facts: MediaFacts) -> Artifact {
    Artifact::File { role, path: path.as_ref().to_owned(), facts }
}

fn unexpected() -> EngineError {
    EngineError::new(FailureKind::Transient, "the media process answered another question")
}

fn sound_facts(samples: Samples) -> MediaFacts {
    MediaFacts::Sound { samples, rate: SAMPLE_RATE, channels: 2 }
}

impl Bench<'_> {
    async fn run(&self, plan: MediaPlan) -> Result<MediaResult, EngineError> {
        self.media.run(plan, &self.room.dir, self.progress, self.stop).await
    }

    async fn normalise(&self, order: &NormaliseOrder) -> Result<Vec<Artifact>, EngineError> {
        let dir = &self.room.dir;
        let (video, sound, last) = (dir.join("master.mp4"), dir.join("own-sound.wav"), dir.join("last.png"));
        let plan = NormalisePlan {
            input: self.room.path(&order.clip),
            size: order.size,
            fps: order.fps,
            frames: Some(order.frames),
            hold: order.hold,
            video_out: video.clone(),
            sound_out: sound.clone(),
            last_frame_out: last.clone(),
        };
        let MediaResult::Normalise { facts, has_sound } = self.run(MediaPlan::Normalise(plan)).await? else {
            return Err(unexpected());
        };
        let mut made =
            vec![file(Role::Video, video, facts), file(Role::LastFrame, last, MediaFacts::Still { size: order.size })];
        if has_sound {
            made.push(file(Role::Sound, sound, sound_facts(order.fps.sample_at(order.frames))));
        }
        Ok(made)
    }

    async fn mix(&self, order: &MixSceneOrder) -> Result<Vec<Artifact>, EngineError> {
        let out = self.room.dir.join("mix.wav");
        let mut voices = Vec::with_capacity(order.voices.len());
        for (placed, number) in order.voices.iter().zip(0..) {
            voices.push(PlacedSound {
                input: self.spoken(placed, number).await?,
                at: placed.at,
                level_lufs: Some(order.voice_lufs),
                gain: 1.0,
            });
        }
        let music = order.music.as_ref().map(|bed| MusicBed {
            input: self.room.path(bed),
            gain: order.music_gain,
            fade_in: order.fade_in,
            fade_out: order.fade_out,
        });
        let plan = MixPlan { samples: order.samples, voices, music, ducking: order.ducking, out: out.clone() };
        match self.run(MediaPlan::Mix(plan)).await? {
            MediaResult::Mix { samples, .. } => Ok(vec![file(Role::Sound, out, sound_facts(samples))]),
            _ => Err(unexpected()),
        }
    }

    /// A line as it is heard: as recorded, or faster.
    async fn spoken(&self, placed: &studio_core::order::PlacedVoice, number: u32) -> Result<PathBuf, EngineError> {
        let input = self.room.path(&placed.sound);
        if placed.speed == 1000 {
            return Ok(input);
        }
        let out = self.room.dir.join(format!("faster-{number}.wav"));
        self.run(MediaPlan::Sound(SoundPlan { input, speed: placed.speed, out: out.clone() })).await?;
        Ok(out)
    }

    async fn master(&self, order: &MasterOrder) -> Result<Vec<Artifact>, EngineError> {
        let out = self.room.dir.join("master.wav");
        let part = |part: &studio_core::order::MasteredPart| MasterPart {
            input: self.room.path(&part.sound),
            at: part.at,
            crossfade: part.crossfade,
        };
        let plan = MasterPlan {
            parts: order.parts.iter().map(part).collect(),
            samples: order.samples,
            loudness_lufs: order.loudness.integrated_lufs,
            true_peak_dbtp: order.loudness.true_peak_dbtp,
            out: out.clone(),
        };
        match self.run(MediaPlan::Master(plan)).await? {
            MediaResult::Master { samples, loudness_lufs, true_peak_dbtp } => Ok(vec![
                file(Role::Sound, out, sound_facts(samples)),
                Artifact::Finding(Reported::Loudness { lufs: loudness_lufs, true_peak_dbtp }),
            ]),
            _ => Err(unexpected()),
        }
    }

    fn parts(&self, parts: &[JoinedPart]) -> Vec<JoinPart> {
        let part = |part: &JoinedPart| JoinPart {
            input: self.room.path(&part.video),
            transition: part.transition,
            overlap: part.overlap,
        };
        parts.iter().map(part).collect()
    }

    async fn join(&self, plan: JoinPlan) -> Result<Vec<Artifact>, EngineError> {
        let out = plan.out.clone();
        match self.run(MediaPlan::Join(plan)).await? {
            MediaResult::Join { facts, copied, encoded, .. } => {
                Ok(vec![file(Role::Video, out, facts), Artifact::Finding(Reported::Joined { copied, encoded })])
            }
            _ => Err(unexpected()),
        }
    }

    async fn join_scene(&self, order: &JoinSceneOrder) -> Result<Vec<Artifact>, EngineError> {
        self.join(JoinPlan {
            size: order.size,
            fps: order.fps,
            parts: self.parts(&order.parts),
            sound: order.sound.as_ref().map(|sound| self.room.path(sound)),
            burn_in: None,
            chapters: Vec::new(),
            max_kbps: None,
            out: self.room.dir.join("scene.mp4"),
        })
        .await
    }

    async fn join_episode(&self, order: &JoinEpisodeOrder) -> Result<Vec<Artifact>, EngineError> {
        let write = |name: &str, text: String| {
            let path = self.room.dir.join(name);
            std::fs::write(&path, text).map_err(|error| EngineError::io("failed to write the subtitles", &error))?;
            Ok::<_, EngineError>(path)
        };
        let srt = write("film.srt", subtitle::to_srt(&order.cues))?;
        let vtt = write("film.vtt", subtitle::to_vtt(&order.cues))?;
        let mut made = self
            .join(JoinPlan {
                size: order.size,
                fps: order.fps,
                parts: self.parts(&order.parts),
                sound: order.sound.as_ref().map(|sound| self.room.path(sound)),
                burn_in: (order.burn_in && !order.cues.is_empty()).then(|| srt.clone()),
                chapters: order.chapters.clone(),
                max_kbps: order.max_mib.map(|mib| cap_kbps(mib, order.frames, order.fps)),
                out: self.room.dir.join("film.mp4"),
            })
            .await?;
        made.extend([file(Role::Srt, srt, MediaFacts::Other), file(Role::Vtt, vtt, MediaFacts::Other)]);
        Ok(made)
    }
}

/// Average bit rate in kbit/s that keeps `frames` pictures under `mib` MiB.
fn cap_kbps(mib: u32, frames: Frames, fps: Fps) -> u32 {
    let seconds = (fps.ms_at(frames) as f64 / 1000.0).max(0.1);
    (f64::from(mib) * 8.0 * 1_048_576.0 / 1000.0 / seconds * CAP_MARGIN) as u32
}
