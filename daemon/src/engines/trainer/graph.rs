//! A slice of a training that a ComfyUI does by a workflow: its pictures are brought into shape and sent there, the LoRA of its last
//! epoch is brought back. Only weights go from one slice to the next.

use std::{
    collections::BTreeMap,
    io::Cursor,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use image::{ImageFormat, imageops::FilterType};
use serde_json::json;
use studio_core::{
    ids::ContentHash,
    media::MediaFacts,
    order::{Reported, Role},
    training::{LineReader, Meanings, SliceProgress, SliceReport, TrainingPicture, groups},
    workflow::{SlotValue, Workflow},
};
use studio_engine::{Artifact, Doing, EngineError, FailureKind, Means, Progress, Said};
use tokio_util::sync::CancellationToken;

use super::{
    TrainerPlan,
    listen::{Heard, Log},
    needs::{no_checkpoint, no_server, no_workflow},
    room::{Job, caption_of, readable},
    slice::{blocking, check_base, exploded, refused, stopped, transient},
};
use crate::{
    definitions::loras::{self, Unfit},
    engines::comfy::{self, ConsolePlace, TrainedFile, TrainingServer},
    files,
};

/// Between two looks at the console, at most.
const CONSOLE: Duration = Duration::from_millis(500);
/// Folder of a run with the names its LoRAs have on the server, by their hashes.
const LEFT: &str = "left";
/// Shortest side of a picture that is trained on, in pixels, as the snapshot leaves smaller ones out.
const SHORTEST_SIDE: u32 = 64;

/// Makes a slice on the ComfyUI of the plan.
pub(super) async fn make(
    plan: &TrainerPlan,
    job: &Arc<Job>,
    workflow: &str,
    with: Means<'_>,
) -> Result<Vec<Artifact>, EngineError> {
    let Some(server) = &plan.server else { return Err(refused(no_server(plan))) };
    let definitions = plan.definitions.now();
    let flow = definitions.workflows.get(workflow).ok_or_else(|| refused(no_workflow(plan, workflow)))?;
    if Path::new(&job.paths.base).is_absolute() && Path::new(&job.paths.base).exists() {
        // Where the disk is not shared nobody can look.
        let looked = job.clone();
        blocking(move || check_base(&looked)).await?;
    }
    let slice = GraphSlice { server, flow, job, key: slice_key(job, flow) };
    let mut brought = None;
    // An earlier attempt may have made it, and its answer was lost. What cannot be used of that is made again.
    if let Some(file) = server.trained(&slice.key).await?
        && let (path, None) = slice.bring(&file, with).await?
    {
        brought = Some((path, SliceReport { epoch: job.order.to, ..SliceReport::default() }));
    }
    let (path, report) = if let Some(brought) = brought {
        brought
    } else {
        let (file, report) = slice.train(with).await?;
        let (path, fault) = slice.bring(&file, with).await?;
        if let Some(fault) = fault {
            let why = format!("the LoRA that ComfyUI trained cannot be used: {fault}");
            return Err(if matches!(fault, Unfit::Other { .. }) { refused(why) } else { transient(why) });
        }
        (path, report)
    };
    Ok(vec![
        Artifact::File { role: Role::Weights, path, facts: MediaFacts::Other },
        Artifact::Finding(Reported::Trained { slice: report }),
    ])
}

/// What a slice is called on the server: nothing else there has the name, and it has the same when it is made again.
fn slice_key(job: &Job, flow: &Workflow) -> String {
    let (run, order) = (job.order.training.to_string(), &job.order);
    let made_by = json!({
        "run": job.run_print(), "relief": job.rungs, "trainer": job.trainer.print(), "workflow": flow.fingerprint(),
        "weights": order.weights, "after": order.after,
    });
    let print = ContentHash::of(made_by.to_string().as_bytes()).to_string();
    // The end of an id is drawn, its beginning is the time.
    format!("{}-e{:03}-{}", &run[run.len() - 12..], order.to, &print[..8])
}

struct GraphSlice<'a> {
    server: &'a TrainingServer,
    flow: &'a Workflow,
    job: &'a Arc<Job>,
    key: String,
}

impl GraphSlice<'_> {
    /// Where the name is kept that a LoRA has on the server.
    fn left_file(&self, hash: ContentHash) -> PathBuf {
        self.job.folder.root().join(LEFT).join(hash.to_string())
    }

    /// Brings a LoRA into the room, readable for others, and what is wrong with it.
    async fn bring(&self, file: &TrainedFile, with: Means<'_>) -> Result<(PathBuf, Option<Unfit>), EngineError> {
        let path = tokio::select! {
            fetched = self.server.fetch(file, &with.room.dir) => fetched?,
            () = with.stop.cancelled() => return Err(stopped()),
        };
        let (looked, name, root) = (path.clone(), file.name(), self.job.folder.root().to_owned());
        let architecture = self.job.order.architecture;
        let fault = blocking(move || {
            readable(&looked)?;
            let fault = loras::read_trained(&looked, architecture).err();
            if fault.is_none()
                && let Ok((hash, _)) = files::hash_file(&looked)
            {
                // Without it the next slice uploads the file.
                let _ = std::fs::create_dir_all(root.join(LEFT))
                    .and_then(|()| std::fs::write(root.join(LEFT).join(hash.to_string()), name));
            }
            Ok(fault)
        });
        Ok((path, fault.await?))
    }

    /// Trains, and says what it left and how it went.
    async fn train(&self, with: Means<'_>) -> Result<(TrainedFile, SliceReport), EngineError> {
        let (job, server) = (self.job, self.server);
        let (trainer, order) = (&job.trainer, &job.order);
        let say = |what: &str| with.progress.say(Said::Doing(Doing { what: what.to_owned(), ..Doing::default() }));
        say("getting the pictures ready");
        let mut values = trainer.graph_settings(order, &job.rungs);
        let folder = self.send_pictures(with.stop).await?;
        values.insert("folder".into(), SlotValue::Text(folder));
        if let Some(lora) = self.send_weights().await? {
            values.insert("lora".into(), SlotValue::Text(lora));
        }
        let facts = server.read_facts().await?;
        let Some(base) = comfy::checkpoint(&job.paths.base, &facts) else {
            return Err(refused(no_checkpoint(&job.paths.base, server.url())));
        };
        values.insert("checkpoint".into(), SlotValue::Text(base));
        values.retain(|slot, _| self.flow.about.slots.contains_key(slot));
        let lacks = comfy::lacks(self.flow, &values, &facts);
        if !lacks.is_empty() {
            let said: Vec<String> = lacks.iter().map(ToString::to_string).collect();
            return Err(refused(format!("ComfyUI cannot train here: {}", said.join("; "))));
        }
        let report = self.run(&values, with).await?;
        match server.trained(&self.key).await? {
            Some(file) => Ok((file, report)),
            None => Err(transient("ComfyUI has trained, and the LoRA is not among those it lists".to_owned())),
        }
    }

    /// Runs the graph, listening to the console for what no event says: the loss.
    async fn run(&self, values: &BTreeMap<String, SlotValue>, with: Means<'_>) -> Result<SliceReport, EngineError> {
        let (trainer, order) = (&self.job.trainer, &self.job.order);
        let (server, mut place) = (self.server, ConsolePlace::default());
        // What it said before is not about this.
        server.console(&mut place).await;
        let usual = trainer.architectures.get(&order.architecture).map_or(1_000, |trains| trains.ms_per_step);
        let progress = SliceProgress::new(order.to, order.epoch_steps(), order.after, trainer.counting);
        let slice = (order.after, order.to, order.epochs);
        let mut heard = Heard::new(Meanings::new(&trainer.lines), progress, slice, usual);
        let at = self.job.folder.root();
        tokio::fs::create_dir_all(at)
            .await
            .map_err(|error| EngineError::io("failed to make the folder of the training", &error))?;
        let (mut lines, mut log) = (LineReader::default(), Log::open(&self.job.folder.log_file()).await);
        // Steps that the console tells say more than those of the graph.
        let tells = Arc::new(AtomicBool::new(false));
        let graph_progress = {
            let (whole, tells) = (with.progress.clone(), tells.clone());
            Progress::new(move |said| {
                if !tells.load(Ordering::Relaxed) {
                    whole.say(said);
                }
            })
        };
        let ends = CancellationToken::new();
        let run = server.run(self.flow, values, &self.key, &graph_progress, &ends);
        tokio::pin!(run);
        // It keeps the last bar only: what is not read in time is not heard.
        let mut tick = tokio::time::interval(server.pause().min(CONSOLE));
        let ended = loop {
            let ended = tokio::select! {
                ended = &mut run => Some(ended),
                _ = tick.tick() => None,
                () = with.stop.cancelled(), if !ends.is_cancelled() => {
                    ends.cancel();
                    continue;
                }
            };
            let text = server.console(&mut place).await;
            lines.push(text.as_bytes(), |line| heard.line(line));
            if ended.is_some() {
                lines.finish(|line| heard.line(line));
            }
            log.write(text.as_bytes()).await;
            tells.store(heard.progress.steps() > 0, Ordering::Relaxed);
            heard.tell(with.progress);
            if heard.progress.exploded() {
                ends.cancel();
            }
            if let Some(ended) = ended {
                break ended;
            }
        };
        if heard.progress.exploded() && !with.stop.is_cancelled() {
            return Err(exploded());
        }
        ended?;
        Ok(SliceReport {
            epoch: order.to,
            steps: order.epoch_steps().saturating_mul(order.to.saturating_sub(order.after)),
            losses: heard.progress.curve(),
            held_out_loss: None,
            step_ms: heard.step_ms(),
            from_weights: false,
            log: heard.last.into(),
        })
    }

    /// Sends the pictures that are trained on with their captions; the name of their folder.
    async fn send_pictures(&self, stop: &CancellationToken) -> Result<String, EngineError> {
        let (trainer, order) = (&self.job.trainer, &self.job.order);
        let settings = trainer.settings_under(order, &self.job.rungs);
        let resolution = match settings.get("resolution") {
            Some(SlotValue::Int(number)) => u32::try_from(*number).unwrap_or(512),
            _ => 512,
        };
        let steps = trainer.architectures.get(&order.architecture).map_or(64, |trains| trains.side_steps.max(1));
        // Nodes keep what they have read of a folder: other pictures need another one.
        let all = json!({ "pictures": order.pictures, "resolution": resolution, "steps": steps });
        let print = ContentHash::of(all.to_string().as_bytes()).to_string();
        let folder = comfy::input_folder(&print[..20]);
        let mut number = 0;
        for ((held_out, repeats), pictures) in groups(order) {
            if held_out {
                continue;
            }
            // Such a folder is read so many times, as kohya's scripts do.
            let below = format!("{folder}/{repeats}_seen");
            for picture in pictures {
                if stop.is_cancelled() {
                    return Err(stopped());
                }
                number += 1;
                let caption = caption_of(picture)?;
                let (job, picture) = (self.job.clone(), picture.clone());
                let bytes = blocking(move || fitted(&job, &picture, resolution, steps)).await?;
                self.server.upload_input(&below, &format!("{number:06}.png"), "image/png", bytes).await?;
                let text = caption.into_bytes();
                self.server.upload_input(&below, &format!("{number:06}.txt"), "text/plain", text).await?;
            }
        }
        if number == 0 {
            return Err(refused("no picture is left to train on; approve some that are not held out"));
        }
        Ok(folder)
    }

    /// Sends the LoRA that it goes on from; the name nodes know it by, `None` at the beginning.
    async fn send_weights(&self) -> Result<Option<String>, EngineError> {
        let order = &self.job.order;
        if order.after == 0 {
            return Ok(None);
        }
        let Some(weights) = order.weights.clone() else {
            return Err(refused("what the training is to go on from is gone; begin it anew"));
        };
        let steps = u64::from(order.epoch_steps()) * u64::from(order.after);
        // The slice before has left it there, where its run is remembered: it need not go through the route for uploads, which takes
        // 100 MiB at most.
        let left = tokio::fs::read_to_string(self.left_file(weights.hash)).await.unwrap_or_default();
        if !left.is_empty() && self.server.lists(&left).await? {
            return Ok(Some(left));
        }
        let (job, hash) = (self.job.clone(), weights.hash);
        let bytes = blocking(move || {
            let path = job.asset(&weights)?;
            std::fs::read(&path).map_err(|error| EngineError::io(&format!("failed to read {}", path.display()), &error))
        });
        self.server.upload_weights(hash, steps, bytes.await?).await.map(Some)
    }
}

/// A picture as it is trained on, as a PNG: of as many pixels as a square of `resolution` at most, its sides multiples of `steps`.
fn fitted(job: &Job, picture: &TrainingPicture, resolution: u32, steps: u32) -> Result<Vec<u8>, EngineError> {
    let path = job.asset(&picture.file)?;
    let broken = |error: &dyn std::fmt::Display| {
        let why = format!("the picture {} cannot be read: {error}; take it out of the set", picture.file.hash);
        EngineError::new(FailureKind::BadInput, why)
    };
    let read = image::ImageReader::open(&path).and_then(image::ImageReader::with_guessed_format);
    let whole = read.map_err(|error| broken(&error))?.decode().map_err(|error| broken(&error))?;
    let (width, height) = fitted_size((whole.width(), whole.height()), resolution, steps);
    let shaped = whole.resize_to_fill(width, height, FilterType::Lanczos3).to_rgb8();
    let mut bytes = Cursor::new(Vec::new());
    shaped.write_to(&mut bytes, ImageFormat::Png).map_err(|error| broken(&error))?;
    Ok(bytes.into_inner())
}

/// Sides a picture is brought to: its ratio is about kept, it never grows.
fn fitted_size((width, height): (u32, u32), resolution: u32, steps: u32) -> (u32, u32) {
    let area = f64::from(width) * f64::from(height);
    let scale = (f64::from(resolution) / area.sqrt().max(1.0)).min(1.0);
    let side = |length: u32| {
        let steps_of = (f64::from(length) * scale / f64::from(steps)).round().max(1.0) as u32;
        // Rounded up it would need pixels that are not there.
        let most = (length / steps).max(1);
        steps_of.min(most) * steps
    };
    (side(width).max(SHORTEST_SIDE), side(height).max(SHORTEST_SIDE))
}

#[cfg(test)]
mod tests {
    use super::fitted_size;

    #[test]
    fn pictures_keep_about_their_ratio_and_never_grow() {
        assert_eq!(fitted_size((1024, 1024), 512, 64), (512, 512));
        assert_eq!(fitted_size((1920, 1080), 512, 64), (704, 384));
        assert_eq!(fitted_size((300, 500), 512, 64), (256, 448));
        assert_eq!(fitted_size((4000, 100), 512, 64), (3264, 64));
        for size in [(257, 999), (2048, 512), (64, 64), (777, 778)] {
            let (width, height) = fitted_size(size, 512, 64);
            assert!(width % 64 == 0 && height % 64 == 0 && width <= size.0 && height <= size.1, "{size:?}");
        }
    }
}
