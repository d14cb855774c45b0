//! Local: no service runs, so the command becomes the studio for a moment: it takes the lock, starts the conductor,
//! and asks it what a service would be asked.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use studio_core::{
    episode::EpisodeState,
    fleet::Scope,
    ids::{EpisodeId, TaskId},
    order::{Output, Role},
    production::Checkpoint,
    schedule::{Steer, Within, view},
};
use tokio::{sync::broadcast, task::JoinHandle};

use super::{Answer, Begun, Call, StudioClient, Waits, Wanted, refused};
use crate::{
    app::{
        self, App, Data,
        archive::{self, ArchiveSummary},
        inspect::{self, Line},
        producing::{self, intake},
        trainings::Trainings,
    },
    cli::{CliError, Exit, bars::Bars, report::report},
    conductor::{self, Defaults, Handle, OverrideAction, Resting},
    events::StudioEvent,
    forecast, publish, store,
    store::{Lock, opinions::Opinion},
    upkeep::{self, Tidied},
};

/// How long a card may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks whether it did.
const LOOK: Duration = Duration::from_millis(100);

/// Without any news, whether something rests is looked at again after this long.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// The studio without a service.
pub(super) struct Local {
    data: Data,
    /// Only what changes something starts it.
    open: Option<Open>,
}

/// The conductor at work in this process.
struct Open {
    app: App,
    handle: Handle,
    conductor: JoinHandle<Result<(), conductor::Error>>,
    /// From before the conductor began, so that nothing it says is missed.
    events: broadcast::Receiver<StudioEvent>,
    _lock: Lock,
}

impl Local {
    pub fn new(data: Data) -> Self {
        Self { data, open: None }
    }

    fn open(&mut self) -> Answer<'_, &Open> {
        Box::pin(async move {
            let open = if let Some(open) = self.open.take() {
                open
            } else {
                let lock = self.data.lock().await?;
                let app = App::start(self.data.clone()).await?;
                let events = app.context.events.listen();
                let (handle, conductor) = conductor::start(app.context.clone(), false).await?;
                Open { app, handle, conductor, events, _lock: lock }
            };
            Ok(&*self.open.insert(open))
        })
    }

    async fn begin(&mut self, wanted: Wanted) -> Result<EpisodeId, CliError> {
        let open = self.open().await?;
        let Wanted { screenplay, options, library } = &wanted;
        let making = open.app.making();
        let produce =
            producing::request(&making, screenplay, options, library.as_deref(), Defaults::BySettings).await?;
        if let Some(library) = &produce.production.library {
            let known = store::episodes::is_library(&making.context.db, &library.root).await?;
            publish::library::prepare(Path::new(&library.root), known)
                .map_err(|failure| CliError::new(Exit::Disk, failure.message))?;
        }
        Ok(open.handle.produce(produce).await?)
    }

    /// A card that is only now asked how it is may need a moment.
    async fn seen(handle: &Handle, card: &str) -> Result<(), CliError> {
        let looks = PATIENCE.as_millis() / LOOK.as_millis();
        for _ in 0..looks {
            if handle.view().await?.cards.iter().any(|one| one.facts.card == card) {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}

/// A conductor that has ended, and should have ended well.
fn ended(result: Result<Result<(), conductor::Error>, tokio::task::JoinError>) -> Result<(), CliError> {
    result
        .map_err(|error| CliError::new(Exit::Failed, format!("the conductor broke down: {error}")))?
        .map_err(Into::into)
}

impl StudioClient for Local {
    fn cancel(&mut self, task: TaskId) -> Answer<'_, ()> {
        Box::pin(async move { Ok(self.open().await?.handle.cancel(task).await?) })
    }

    fn retry(&mut self, task: TaskId) -> Answer<'_, ()> {
        Box::pin(async move { Ok(self.open().await?.handle.retry(task).await?) })
    }

    fn opine(&mut self, task: TaskId, opinion: Opinion) -> Answer<'_, ()> {
        Box::pin(async move { Ok(self.open().await?.handle.opine(task, opinion).await?) })
    }

    fn hand(&mut self, task: TaskId, hand: OverrideAction) -> Answer<'_, ()> {
        Box::pin(async move { Ok(self.open().await?.handle.hand(task, hand).await?) })
    }

    fn steer(&mut self, task: TaskId, to: Steer) -> Answer<'_, ()> {
        Box::pin(async move {
            if matches!(to, Steer::Before(_) | Steer::Class(_)) {
                let message =
                    "no studio runs on this data, so there is no order to change; start it with 'studiod serve'";
                return Err(CliError::new(Exit::Usage, message));
            }
            Ok(self.open().await?.handle.steer(task, to).await?)
        })
    }

    fn pause(&mut self, scope: Scope, how: Resting) -> Answer<'_, Within> {
        Box::pin(async move {
            let handle = &self.open().await?.handle;
            if let Scope::Gpu(card) = &scope {
                Self::seen(handle, card).await?;
            }
            Ok(handle.pause(scope, how).await?)
        })
    }

    fn resume(&mut self, scope: Scope) -> Answer<'_, ()> {
        Box::pin(async move { Ok(self.open().await?.handle.resume(scope).await?) })
    }

    fn approve(&mut self, episode: EpisodeId, what: Checkpoint) -> Answer<'_, ()> {
        Box::pin(async move { Ok(self.open().await?.handle.approve(episode, what).await.map(drop)?) })
    }

    fn unpublish(&mut self, episode: EpisodeId) -> Answer<'_, ()> {
        Box::pin(async move {
            // Rows and files of the library: nobody makes anything for that.
            let (_lock, context) = (self.data.lock().await?, &self.data.context);
            let gone = upkeep::leave_library(&context.db, episode).await.map_err(conductor::Error::from)?;
            let files: Vec<_> = gone.files.iter().map(PathBuf::from).collect();
            publish::unpublish(&gone.root, &files)?;
            let left = upkeep::left_library(&context.db, &context.events, episode, context.clock.now()).await;
            Ok(left.map_err(conductor::Error::from)?)
        })
    }

    fn import(&mut self, archive: PathBuf) -> Answer<'_, ArchiveSummary> {
        Box::pin(async move {
            let (_lock, data) = (self.data.lock().await?, &self.data);
            // Nothing runs: what a removed project left behind in a power cut is not in the way of its return.
            let left = async {
                let mut tx = data.context.db.begin().await?;
                store::datasets::forget_left(&mut tx).await?;
                tx.commit().await
            };
            left.await.map_err(conductor::Error::from)?;
            Ok(archive::import(&data.context, &data.config.publish, &archive, "the archive").await?)
        })
    }

    fn tidy(&mut self, days: Option<u32>, dry: bool) -> Answer<'_, Tidied> {
        Box::pin(async move {
            let (_lock, context) = (self.data.lock().await?, &self.data.context);
            let days = days.unwrap_or(self.data.config.retention.unused_days);
            let tidied = upkeep::tidy(&context.db, &context.data, context.clock.now(), days, dry).await;
            Ok(tidied.map_err(conductor::Error::from)?)
        })
    }

    fn produce(&mut self, wanted: Wanted) -> Answer<'_, EpisodeId> {
        Box::pin(self.begin(wanted))
    }

    fn call(&mut self, call: Call) -> Answer<'_, Value> {
        Box::pin(async move {
            let looked;
            let door = if call.method == "GET" && self.open.is_none() {
                // Without the lock: another command may be at work, and this one only looks.
                looked = App::look(self.data.clone()).await?;
                looked.in_process(&Handle::nobody())?
            } else {
                let open = self.open().await?;
                open.app.in_process(&open.handle)?
            };
            let failed = |why: String| CliError::new(Exit::Input, why);
            let (status, said) =
                door.ask(call.method, &call.path, call.body.as_ref(), call.file.as_deref()).await.map_err(failed)?;
            if (200..300).contains(&status) { Ok(said) } else { Err(refused(status, &said)) }
        })
    }

    fn settle(&mut self, dataset: String) -> Answer<'_, ()> {
        Box::pin(async move {
            let open = self.open().await?;
            let mut events = open.app.context.events.listen();
            open.handle.go_on_with_pictures().await?;
            let stop = tokio_util::sync::CancellationToken::new();
            let datasets = open.app.datasets(&open.handle);
            let trainings = tokio::spawn(Trainings::of(datasets.clone()).run(stop.clone()));
            let keeper = tokio::spawn(datasets.run(stop.clone()));
            let door = open.app.in_process(&open.handle)?;
            loop {
                let failed = |why: String| CliError::new(Exit::Failed, why);
                let (_, view) = door.ask("GET", &dataset, None, None).await.map_err(failed)?;
                if let Some(state) = view["training"]["state"].as_str() {
                    if !matches!(state, "training" | "probing") || view["training"]["paused"] == true {
                        break;
                    }
                    news(&mut events).await?;
                    continue;
                }
                let counts = &view["counts"];
                // A reference sheet waits for nothing but what was asked for.
                let why = if view.get("waits").is_some() { view["waits"]["why"].as_str() } else { Some("off") };
                let why = why.unwrap_or_default();
                let waits = |count: &str| counts[count].as_u64().unwrap_or(0) > 0;
                let judged = !(waits("unjudged") || waits("in_review")) || view["judge_away"] == true;
                let busy = waits("in_flight") || waits("ingests") || !judged;
                if !busy && !matches!(why, "" | "in_flight" | "cooldown" | "studio") {
                    break;
                }
                news(&mut events).await?;
            }
            stop.cancel();
            let _ = tokio::join!(keeper, trainings);
            Ok(())
        })
    }

    fn bring(&mut self, file: PathBuf, role: Role) -> Answer<'_, Output> {
        Box::pin(async move {
            let context = &self.open().await?.app.context;
            intake::bring(context, &file, role)
                .await
                .map_err(|why| CliError::new(Exit::Input, format!("{} cannot be put in place: {why}", file.display())))
        })
    }

    fn set_password(&mut self, password: String) -> Answer<'_, ()> {
        Box::pin(async move {
            let _lock = self.data.lock().await?;
            self.data.set_password(password).await.map_err(|why| CliError::new(Exit::Usage, why))
        })
    }

    fn check_deep(&mut self) -> Answer<'_, Vec<Line>> {
        Box::pin(async move {
            // Another command may be at work: then this one only looks.
            let lock = match self.data.lock().await {
                Ok(lock) => Some(lock),
                Err(app::Error::Store(store::Error::Held { .. })) => None,
                Err(error) => return Err(error.into()),
            };
            let loras = self.data.config.models.loras.as_deref();
            Ok(inspect::deep(&self.data.context, loras, lock.is_some()).await?)
        })
    }

    fn fleet(&mut self) -> Answer<'_, Value> {
        Box::pin(async move {
            // Without the lock: another command may be at work, and this one only looks.
            let app = App::look(self.data.clone()).await?;
            Ok(json!(view(&forecast::fleet_now(&app.context).await?)))
        })
    }

    fn why(&mut self, _: TaskId) -> Answer<'_, Waits> {
        // Only a studio that runs knows why it waits now, with the numbers of this moment.
        Box::pin(async { Ok(Waits::default()) })
    }

    fn is_running(&self) -> bool {
        false
    }

    fn follow(self: Box<Self>, episode: EpisodeId, begun: Begun, json: bool) -> Answer<'static, Exit> {
        Box::pin(async move {
            if let Some(said) = begun.said.as_ref().filter(|_| !json) {
                out!("{said}");
            }
            let Self { data, open } = *self;
            let Some(Open { app: _app, handle, conductor, mut events, _lock }) = open else { return Ok(Exit::Done) };
            let mut bars = Bars::new(episode, json);
            let mut conductor = std::pin::pin!(conductor);
            let mut disk_full = None;
            // An opinion that leaves the film as it is plans nothing, so that nothing will end.
            let unfinished = store::tasks::unfinished(&data.context.db).await?;
            let idle = unfinished.iter().all(|task| task.episode_id != Some(episode));
            let failed = loop {
                if idle && events.is_empty() {
                    handle.stop().await;
                    let episode = store::episodes::get(&data.context.db, episode).await?;
                    break episode.state == EpisodeState::Failed;
                }
                tokio::select! {
                    happened = events.recv() => {
                        // Too slow to hear everything: the newest is kept, and the end is the newest there will be.
                        let Ok(happened) = happened else { continue };
                        if let StudioEvent::DiskFull { reason } = &happened {
                            // Waiting is right for a service; a person at a terminal is told.
                            disk_full = Some(reason.clone());
                            handle.stop().await;
                        }
                        if let Some(failed) = bars.see(happened) {
                            handle.stop().await;
                            break failed;
                        }
                    }
                    result = &mut conductor => {
                        ended(result)?;
                        let reason = disk_full.unwrap_or_else(|| "stopped".into());
                        let message = format!("{reason}; nothing is lost: free some space and run the same command again");
                        return Err(CliError::new(Exit::Disk, message));
                    }
                    _ = tokio::signal::ctrl_c() => {
                        handle.stop().await;
                        tokio::select! {
                            result = &mut conductor => ended(result)?,
                            // Asked twice: at once. The next run settles what is left.
                            _ = tokio::signal::ctrl_c() => {}
                        }
                        return Err(CliError::new(Exit::Stopped, "stopped; run the same command again to go on from here"));
                    }
                }
            };
            ended(conductor.await)?;
            report(&data, episode, &bars, failed, begun.answer, json).await
        })
    }

    fn leave(self: Box<Self>) -> Answer<'static, ()> {
        Box::pin(async move {
            let Some(Open { handle, conductor, .. }) = self.open else { return Ok(()) };
            handle.stop().await;
            ended(conductor.await)
        })
    }
}

/// Waits until something happens, or for a moment.
async fn news(events: &mut broadcast::Receiver<StudioEvent>) -> Result<(), CliError> {
    tokio::select! {
        _ = tokio::time::timeout(LOOK_AGAIN, events.recv()) => Ok(()),
        _ = tokio::signal::ctrl_c() => {
            Err(CliError::new(Exit::Stopped, "stopped; the next start goes on from here"))
        }
    }
}
