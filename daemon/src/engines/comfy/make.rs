//! Make: an attempt from its plan to files in its room: its prompts one after the other, then joined.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use image::ImageDecoder;
use studio_core::{
    media::{JoinPart, JoinPlan, MediaFacts, MediaPlan, MediaResult, PicturePlan, SoundPlan},
    model::Makes,
    order::{Reported, Role},
    recipe::RenderPlan,
    shot::TransitionKind,
    units::{Frames, SAMPLE_RATE, Size},
    workflow::Workflow,
};
use studio_engine::{Artifact, Doing, EngineError, FailureKind, Progress, Said, Workspace};
use studio_pictures::whole;
use tokio_util::sync::CancellationToken;

use super::{
    direct::{Direct, Kit, MOST_PARTS, Step, probe, shown},
    pool::Pool,
};

/// The slot of the picture that something is made from.
const SOURCE: &str = "image";

/// What an attempt is made with.
pub struct Run<'a> {
    /// The servers an attempt may be made on.
    pub pool: &'a Pool,
    /// What prompts need beside a server.
    pub kit: Kit<'a>,
}

impl Run<'_> {
    /// Makes what a plan says.
    pub async fn make(
        &self,
        plan: &RenderPlan,
        room: &Workspace,
        progress: &Progress,
        stop: &CancellationToken,
    ) -> Result<Vec<Artifact>, EngineError> {
        let flow = self.flow(&plan.workflow)?;
        let (placed, known) = self.pool.place(flow, &plan.values, room, progress, stop).await?;
        let server = &*placed.server;
        if room.resumed && !known {
            let message = "no ComfyUI knows of it any more (restarted, or it was deleted)";
            return Err(EngineError::new(FailureKind::Lost, message));
        }
        if plan.free_first && !known {
            progress.say(Said::Doing(Doing { what: "frees the card".into(), ..Doing::default() }));
            server.free().await;
        }
        let direct = Direct { server, kit: self.kit };
        let mut parts = Vec::new();
        let mut uploads: BTreeMap<String, PathBuf> =
            plan.uploads.iter().map(|upload| (upload.slot.clone(), room.path(&upload.asset))).collect();
        if let Some(framed) = framed(plan, &uploads, room).await? {
            uploads.insert(SOURCE.to_owned(), framed);
        }
        let count = plan.parts.len().clamp(1, usize::from(MOST_PARTS));
        for part in 0..count {
            let step = Step {
                flow: self.flow(plan.workflow_of(part))?,
                values: plan.values_of(part),
                uploads: &uploads,
                attempt: room.attempt,
                part: part as u8,
                parts: count as u8,
                sections: plan.sections_of(part),
                // Only what was sent before can be known: of several parts the first unknown one goes on from there.
                again: room.resumed && known,
                unload_on_error: plan.free_after_failure,
                usual: room.usual_ms.get(&server.card()).map(|ms| Duration::from_millis(*ms / count as u64)),
            };
            let file = direct.step(&step, room, progress, stop).await?;
            if part + 1 < count {
                let last = room.dir.join(format!("last-{part}.png"));
                self.last_picture(&file, &last, &room.dir, stop).await?;
                uploads = BTreeMap::from([(SOURCE.to_owned(), last)]);
            }
            parts.push(file);
        }
        let path = self.join(parts, room, plan, stop).await?;
        let (path, facts, role) = if plan.makes == Makes::Music {
            let (path, facts) = self.recording(&path, room, stop).await?;
            (path, facts, Role::Sound)
        } else {
            let facts = direct.facts(&path, room, stop).await?;
            let role = shown(&facts);
            (path, facts, role)
        };
        let on = Artifact::On { card: server.card(), server: server.plan.name.clone() };
        let rendered = Reported::Rendered { model: plan.model.clone(), settings: plan.values.clone() };
        Ok(vec![Artifact::File { role, path, facts }, on, Artifact::Finding(rendered)])
    }

    /// Music in the studio's own form: `ComfyUI` saves no WAV.
    async fn recording(
        &self,
        saved: &Path,
        room: &Workspace,
        stop: &CancellationToken,
    ) -> Result<(PathBuf, MediaFacts), EngineError> {
        let out = room.dir.join("music.wav");
        let plan = SoundPlan { input: saved.to_owned(), speed: 1000, out: out.clone() };
        let done = self.kit.media.run(MediaPlan::Sound(plan), &room.dir, &Progress::noop(), stop).await;
        match done {
            Ok(MediaResult::Sound { samples }) => {
                Ok((out, MediaFacts::Sound { samples, rate: SAMPLE_RATE, channels: 2 }))
            }
            Ok(other) => Err(EngineError::new(FailureKind::Transient, format!("media answered with {other:?}"))),
            Err(failure) if failure.kind == FailureKind::BadInput => {
                let message = format!("ComfyUI's music cannot be decoded: {}", failure.message);
                Err(EngineError::new(FailureKind::Transient, message))
            }
            Err(failure) => Err(failure),
        }
    }

    fn flow(&self, name: &str) -> Result<&Workflow, EngineError> {
        self.kit.definitions.workflows.get(name).ok_or_else(|| {
            EngineError::new(FailureKind::Refused, format!("there is no workflow '{name}'; see 'studiod comfy check'"))
        })
    }

    async fn last_picture(
        &self,
        film: &Path,
        out: &Path,
        dir: &Path,
        stop: &CancellationToken,
    ) -> Result<(), EngineError> {
        let MediaFacts::Video { frames, fps, .. } = probe(self.kit.media, film, dir, stop).await? else {
            return Err(EngineError::new(FailureKind::Transient, "a part of the clip is no film"));
        };
        let plan = PicturePlan { input: film.to_owned(), at: frames - Frames(1), fps, fit: None, out: out.to_owned() };
        match self.kit.media.run(MediaPlan::Picture(plan), dir, &Progress::noop(), stop).await? {
            MediaResult::Picture { .. } => Ok(()),
            other => Err(EngineError::new(FailureKind::Transient, format!("media answered with {other:?}"))),
        }
    }

    /// The parts of a chain as one clip; the first picture of each further part repeats the last one before it, which
    /// the join leaves to the eye of a few milliseconds.
    async fn join(
        &self,
        parts: Vec<PathBuf>,
        room: &Workspace,
        plan: &RenderPlan,
        stop: &CancellationToken,
    ) -> Result<PathBuf, EngineError> {
        let [only] = &parts[..] else {
            let out = room.dir.join("clip.mp4");
            let part = |video: &PathBuf| JoinPart {
                input: video.clone(),
                transition: TransitionKind::Cut,
                overlap: Frames(0),
            };
            let join = JoinPlan {
                size: Size { width: plan.size.width, height: plan.size.height },
                fps: studio_core::units::Fps::whole(plan.fps),
                parts: parts.iter().map(part).collect(),
                sound: None,
                burn_in: None,
                chapters: Vec::new(),
                max_kbps: None,
                out: out.clone(),
            };
            self.kit.media.run(MediaPlan::Join(join), &room.dir, &Progress::noop(), stop).await?;
            return Ok(out);
        };
        Ok(only.clone())
    }
}

/// The picture that a still is made from, whole before a ground of its own colours, where the workflow would cut too much of
/// it off; `None`: it goes as it is.
async fn framed(
    plan: &RenderPlan,
    uploads: &BTreeMap<String, PathBuf>,
    room: &Workspace,
) -> Result<Option<PathBuf>, EngineError> {
    let Some(path) = uploads.get(SOURCE).filter(|_| plan.makes == Makes::Stills).cloned() else { return Ok(None) };
    let (out, size) = (room.dir.join("source.png"), Size { width: plan.size.width, height: plan.size.height });
    let fit = move || -> image::ImageResult<Option<PathBuf>> {
        let mut reader = image::ImageReader::open(&path)?.with_guessed_format()?.into_decoder()?;
        // ComfyUI turns it upright, too.
        let turned = reader.orientation()?;
        let mut picture = image::DynamicImage::from_decoder(reader)?;
        picture.apply_orientation(turned);
        if !whole::wants_ground((picture.width(), picture.height()), size) {
            return Ok(None);
        }
        whole::framed(&picture, size).save(&out)?;
        Ok(Some(out))
    };
    let done = tokio::task::spawn_blocking(fit).await;
    let done = done.map_err(|error| EngineError::new(FailureKind::Transient, error.to_string()))?;
    done.map_err(|error| match error {
        image::ImageError::IoError(error) => EngineError::io("failed to fit the source picture", &error),
        other => EngineError::new(FailureKind::BadInput, format!("the source picture cannot be read: {other}")),
    })
}
