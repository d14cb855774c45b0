//! A slice of a training: what is there is looked at, the rest is trained, and the LoRA of its last epoch is handed over.

use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::Arc,
};

use studio_core::{
    ladder::Rung,
    media::MediaFacts,
    order::{Reported, Role},
    training::{Meanings, SliceProgress, SliceReport, Start, TrainOrder, Trainer},
};
use studio_engine::{Artifact, Doing, EngineError, FailureKind, Means, Said};
use tokio::process::Command;

use super::{
    TRAINER, TrainerPlan,
    group::Group,
    listen::{Ended, Heard, Listener, Log},
    needs::base_remedy,
    room::{Ground, Job, RunFolder, print_of},
};
use crate::definitions::loras::Unfit;

/// What of this process's surroundings a trainer may see: no secret of the studio is among it.
const MAY_SEE: [&str; 15] = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "CUDA_HOME",
    "CUDA_PATH",
    "XDG_CACHE_HOME",
    "HF_HOME",
    "TRITON_CACHE_DIR",
    "HSA_OVERRIDE_GFX_VERSION",
    "ROCM_PATH",
];
/// What Python ends with when something failed.
const FAILED: i32 = 1;
/// What argparse ends with when it does not know an option.
const BAD_ARGUMENTS: i32 = 2;

pub(super) fn refused(why: impl Into<String>) -> EngineError {
    EngineError::new(FailureKind::Refused, why)
}

pub(super) fn transient(why: impl Into<String>) -> EngineError {
    EngineError::new(FailureKind::Transient, why)
}

/// Runs work that waits for the disk, on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(transient(format!("the work on the files of a training broke off: {error}"))))
}

/// Makes a slice; see [`TrainOrder`].
pub(super) async fn make(plan: &TrainerPlan, job: &Arc<Job>, with: Means<'_>) -> Result<Vec<Artifact>, EngineError> {
    // One that a studio left behind which broke down has the card, and would write into the same files. Of whatever run: this engine
    // trains one at a time.
    super::end_left_over(&plan.home, None).await;
    if with.stop.is_cancelled() {
        return Err(stopped());
    }
    let looked = job.clone();
    let ground = blocking(move || {
        check_base(&looked)?;
        looked.prepare()
    });
    let mut report = SliceReport { epoch: job.order.to, ..SliceReport::default() };
    if let Ground::From(start) = ground.await? {
        report = Slice { plan, job, with, start }.train().await?;
    }
    let (handed, dir) = (job.clone(), with.room.dir.clone());
    let path = blocking(move || handed.hand_over(&dir)).await?;
    Ok(vec![
        Artifact::File { role: Role::Weights, path, facts: MediaFacts::Other },
        Artifact::Finding(Reported::Trained { slice: report }),
    ])
}

pub(super) fn stopped() -> EngineError {
    EngineError::new(FailureKind::Cancelled, "stopped")
}

/// What has to be done, with every path; nothing is looked at yet.
pub(super) fn job_of(plan: &TrainerPlan, order: &TrainOrder, with: Means<'_>) -> Result<Job, EngineError> {
    let trainer = plan.trainer().map_err(refused)?;
    if order.trainer != plan.name {
        return Err(refused(format!(
            "the training wants the trainer '{}', and '{}' is what there is; change training.trainer in the settings, or begin it anew",
            order.trainer, plan.name
        )));
    }
    if order.after >= order.to || order.to > order.epochs {
        return Err(refused(format!(
            "epochs {} to {} are no part of a training of {}; begin it anew",
            order.after, order.to, order.epochs
        )));
    }
    let folder = RunFolder::new(&plan.home, order.training);
    let mut paths = folder.paths(order);
    paths.needs = plan.need_paths(&trainer);
    // A ComfyUI knows it by a name, too.
    let is_named = |path: &PathBuf| path.is_absolute() || (trainer.workflow.is_some() && !order.base.is_empty());
    let named = Some(PathBuf::from(&order.base)).filter(is_named);
    let base = named.or_else(|| plan.base_of(order.architecture, &trainer));
    let base = base.ok_or_else(|| refused(base_remedy(order.architecture)))?;
    paths.base = base.to_string_lossy().into_owned();
    let both = order.relief.iter().chain(&with.room.relief);
    let rungs = Rung::ORDER.into_iter().filter(|rung| both.clone().any(|one| one == rung)).collect();
    let assets = with.room.assets.clone();
    Ok(Job { trainer, order: order.clone(), rungs, folder, paths, assets })
}

/// The base model is there, and it is the one the run began with.
pub(super) fn check_base(job: &Job) -> Result<(), EngineError> {
    let path = Path::new(&job.paths.base);
    let print = print_of(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => refused(format!("the base model {} is not there; put it back", path.display())),
        _ => EngineError::io(&format!("failed to read the base model {}", path.display()), &error),
    })?;
    match job.order.base_print {
        Some(began) if began != print => Err(refused(format!(
            "the base model {} was replaced since the run began; put the old one back, or begin a new training",
            path.display()
        ))),
        _ => Ok(()),
    }
}

/// A slice that has to be trained.
struct Slice<'a> {
    plan: &'a TrainerPlan,
    job: &'a Arc<Job>,
    with: Means<'a>,
    start: Start,
}

impl Slice<'_> {
    fn trainer(&self) -> &Trainer {
        &self.job.trainer
    }

    /// Trains, and says how it went.
    async fn train(&self) -> Result<SliceReport, EngineError> {
        let (job, order) = (self.job, &self.job.order);
        let (directory, environment) = job.trainer.surroundings(order, &job.paths).map_err(refused)?;
        let mut log = Log::open(&job.folder.log_file()).await;
        for (number, argv) in job.trainer.before(order, &job.rungs, &job.paths).map_err(refused)?.iter().enumerate() {
            let noted = job.clone();
            if blocking(move || Ok(noted.was_before(number))).await? {
                continue;
            }
            self.say("getting the pictures ready");
            let mut heard = self.heard(u32::MAX);
            let ended = self.run(argv, &directory, &environment, &mut heard, &mut log).await?;
            if !matches!(ended, Ended::Exit(status) if status.success()) {
                return Err(self.failure(&ended, &heard, None));
            }
            let noted = job.clone();
            blocking(move || noted.note_before(number)).await?;
        }
        let argv = job.trainer.argv(order, &job.rungs, &job.paths, &self.start).map_err(refused)?;
        self.say("loading the base model");
        let mut heard = self.heard(order.to);
        let ended = self.run(&argv, &directory, &environment, &mut heard, &mut log).await?;
        self.settle(&ended, heard).await
    }

    /// What it came to: the LoRA counts when it is there and whole, however the program ended.
    async fn settle(&self, ended: &Ended, heard: Heard) -> Result<SliceReport, EngineError> {
        if matches!(ended, Ended::Stopped) {
            return Err(stopped());
        }
        let job = self.job.clone();
        if heard.progress.exploded() {
            // Whatever it saved is of no use.
            blocking(move || job.discard()).await?;
            return Err(exploded());
        }
        let began = self.start.epoch();
        let (fault, is_made) = blocking(move || {
            let fault = job.harvest(began)?;
            Ok((fault, job.is_made()))
        })
        .await?;
        if !is_made {
            let has_begun = heard.progress.steps() > 0 || heard.full.is_some();
            let is_fault = matches!(ended, Ended::Exit(status) if status.code() == Some(FAILED));
            if let (Start::State { epoch, .. }, true) = (&self.start, is_fault && !has_begun) {
                // Perhaps the state is what it cannot begin with: the next attempt goes on from weights.
                let (job, epoch) = (self.job.clone(), *epoch);
                blocking(move || job.drop_state(epoch)).await?;
            }
            return Err(self.failure(ended, &heard, fault));
        }
        Ok(SliceReport {
            epoch: self.job.order.to,
            steps: heard.progress.steps(),
            losses: heard.progress.curve(),
            held_out_loss: heard.progress.held_out_loss(),
            step_ms: heard.step_ms(),
            from_weights: matches!(self.start, Start::Weights { .. }),
            log: heard.last.into(),
        })
    }

    fn say(&self, what: &str) {
        self.with.progress.say(Said::Doing(Doing { what: what.to_owned(), ..Doing::default() }));
    }

    /// Nothing heard yet, of a process that goes on until epoch `to`.
    fn heard(&self, to: u32) -> Heard {
        let (order, trainer) = (&self.job.order, self.trainer());
        let counting = trainer.counting;
        let progress = SliceProgress::new(order.epochs, order.epoch_steps(), self.start.epoch(), counting);
        let usual = trainer.architectures.get(&order.architecture).map_or(1_000, |trains| trains.ms_per_step);
        Heard::new(Meanings::new(&trainer.lines), progress, (order.after, to, order.epochs), usual)
    }

    /// Runs a command and listens to it; nothing of it runs any more afterwards.
    async fn run(
        &self,
        argv: &[String],
        directory: &str,
        environment: &BTreeMap<String, String>,
        heard: &mut Heard,
        log: &mut Log,
    ) -> Result<Ended, EngineError> {
        let Some((program, arguments)) = argv.split_first() else { return Err(refused("the trainer has no command")) };
        let mut command = Command::new(program);
        let seen = MAY_SEE.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .envs(seen)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(uuid) = &self.plan.gpu_uuid {
            // Numbers of cards are in another order for CUDA unless it is told.
            command.env("CUDA_DEVICE_ORDER", "PCI_BUS_ID").env("CUDA_VISIBLE_DEVICES", uuid);
        }
        tracing::info!(training = %self.job.order.training, command = %argv.join(" "), "{TRAINER} begins");
        let cannot = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
                refused(format!("'{program}' cannot be run in {directory}: {error}; see 'studiod trainer check'"))
            }
            _ => EngineError::io("failed to start the trainer", &error),
        };
        let (group, out, errors) = Group::start(command, self.job.folder.pid_file()).await.map_err(cannot)?;
        let patience = self.plan.patience;
        let listener = Listener {
            heard,
            log,
            progress: self.with.progress,
            stop: self.with.stop,
            silence: patience.silence,
            end: patience.end,
        };
        let ended = listener.listen(group, out, errors).await;
        ended.map_err(|error| EngineError::io("failed to listen to the trainer", &error))
    }

    /// Why a slice came to nothing.
    fn failure(&self, ended: &Ended, heard: &Heard, fault: Option<Unfit>) -> EngineError {
        let title = &self.trainer().title;
        match ended {
            Ended::Stopped => stopped(),
            Ended::Silent => transient(format!(
                "{title} said nothing for {} minutes and was ended; {}",
                self.plan.patience.silence.as_secs() / 60,
                self.see_log()
            )),
            Ended::Exploded => exploded(),
            Ended::Reached | Ended::Exit(_) => {
                if heard.full == Some(FailureKind::DiskFull) {
                    let why = format!("the disk is full, {title} could not save; free some space in {}", self.home());
                    return EngineError::new(FailureKind::DiskFull, why);
                }
                if heard.full.is_some() {
                    let why = format!("{title} ran out of the card's memory");
                    return EngineError::new(FailureKind::OutOfMemory, why);
                }
                if heard.progress.exploded() {
                    return exploded();
                }
                if let Some(fault) = fault {
                    let why = format!("the LoRA that {title} left cannot be used: {fault}");
                    // Nothing changes when it is trained once more.
                    let other = matches!(fault, Unfit::Other { .. });
                    return if other { EngineError::new(FailureKind::Refused, why) } else { transient(why) };
                }
                match ended {
                    Ended::Exit(status) => self.of_status(*status, heard),
                    _ => transient(format!("{title} saved no LoRA of epoch {}; {}", self.job.order.to, self.see_log())),
                }
            }
        }
    }

    fn of_status(&self, status: ExitStatus, heard: &Heard) -> EngineError {
        let title = &self.trainer().title;
        let said = heard.failed.as_ref().or(heard.last.back());
        let said = said.map_or_else(|| "it said nothing".to_owned(), |said| format!("it said '{said}'"));
        match (status.code(), status.signal()) {
            (Some(0), _) => transient(format!("{title} ended well and left no LoRA; {said}; {}", self.see_log())),
            (Some(BAD_ARGUMENTS), _) => refused(format!(
                "{title} does not know how it was called: {said}; correct trainers/{}.toml, or update {title}",
                self.plan.name
            )),
            (_, Some(9)) => transient(format!(
                "{title} was killed, perhaps because the computer's memory was full; close other programs"
            )),
            (_, Some(signal)) => transient(format!("{title} was ended by signal {signal}; {said}")),
            (code, None) => {
                let code = code.map_or_else(|| "an unknown code".to_owned(), |code| format!("code {code}"));
                transient(format!("{title} ended with {code}: {said}; {}", self.see_log()))
            }
        }
    }

    fn home(&self) -> std::path::Display<'_> {
        self.job.folder.root().display()
    }

    fn see_log(&self) -> String {
        format!("see {}", self.job.folder.log_file().display())
    }
}

pub(super) fn exploded() -> EngineError {
    refused("the loss exploded: what was learned is of no use; begin anew with a lower learning rate")
}
