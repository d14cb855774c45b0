//! Pool: all servers, and which of them takes a prompt.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use studio_core::{
    fleet::{CardFacts, Holds, ModelFacts, SeatFacts, sentence},
    ids::AttemptId,
    workflow::{SlotValue, Workflow},
};
use studio_engine::{Availability, Doing, EngineError, FailureKind, Progress, Said, WorkerStatus, Workspace};
use tokio::sync::{Notify, OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;

use super::{
    Comfy,
    direct::{Direct, Kit, MOST_PARTS, prompt_id},
    inspect::missing,
    render::{PromptStatus, prompt_status},
    server::{Pace, Server, ServerPlan, State},
};
use crate::{definitions::DefinitionsWatch, wait::Wait};

/// All ComfyUI servers of the settings, and who gets a place on which.
pub struct Pool {
    pub servers: Vec<Arc<Server>>,
    shelf: DefinitionsWatch,
    say: Arc<watch::Sender<Availability>>,
    watches: AtomicBool,
    changed: Arc<Notify>,
    stop: CancellationToken,
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A server with a place for one prompt; the place is given back when this is dropped.
pub struct Placed {
    pub server: Arc<Server>,
    place: Option<OwnedSemaphorePermit>,
}

impl Drop for Placed {
    fn drop(&mut self) {
        // First the place, then the word: who looks because of the word finds the place.
        self.place.take();
        self.server.changed.notify_waiters();
    }
}

impl Pool {
    pub fn open(plans: Vec<ServerPlan>, pace: Pace, shelf: &DefinitionsWatch) -> Result<Self, String> {
        let changed = Arc::new(Notify::new());
        let servers: Vec<Arc<Server>> = plans
            .into_iter()
            .map(|plan| Server::open(plan, pace, changed.clone()).map_err(|error| error.to_string()))
            .collect::<Result<_, _>>()?;
        let say = Arc::new(watch::channel(offer(&servers, shelf)).0);
        let (shelf, watches, stop) = (shelf.clone(), AtomicBool::new(false), CancellationToken::new());
        Ok(Self { servers, shelf, say, watches, changed, stop })
    }

    pub fn offer(&self) -> watch::Receiver<Availability> {
        self.say.subscribe()
    }

    /// Asks every server once how it is and what it has.
    pub async fn look(&self) {
        futures_util::future::join_all(self.servers.iter().map(|server| server.look_once())).await;
        tell(&self.say, offer(&self.servers, &self.shelf));
    }

    /// Looks after every server from now on; false when that was so already.
    pub fn watch(&self) -> bool {
        if self.watches.swap(true, Ordering::Relaxed) {
            return false;
        }
        self.servers.iter().for_each(Server::watch);
        tokio::spawn(follow(self.servers.clone(), self.shelf.clone(), self.say.clone(), self.stop.clone()));
        true
    }

    /// The server of a seat.
    pub fn server(&self, seat: &str) -> Option<&Arc<Server>> {
        self.servers.iter().find(|server| server.plan.name == seat)
    }

    /// Waits until every server has been looked at once; fails when none is there.
    pub async fn settled(&self) -> Result<(), EngineError> {
        for server in &self.servers {
            let mut state = server.state.clone();
            let looked = tokio::time::timeout(server.pace.abandoned_after, state.changed());
            if server.facts().is_none() {
                let _ = looked.await;
            }
        }
        let away = self.say.borrow().away();
        match away.filter(|_| self.servers.iter().all(|server| server.facts().is_none())) {
            Some(why) => Err(EngineError::new(FailureKind::Away, sentence(&why))),
            None => Ok(()),
        }
    }

    /// Whether any server that is up has everything for `flow`.
    pub fn can_any(&self, flow: &Workflow, values: &BTreeMap<String, SlotValue>) -> bool {
        self.servers.iter().filter_map(|server| server.facts()).any(|facts| missing(flow, values, &facts).is_empty())
    }

    /// Waits for a place on a server that has everything for `flow`; on the one that knows `prompt` when it may have
    /// been sent before.
    pub async fn place(
        &self,
        flow: &Workflow,
        values: &BTreeMap<String, SlotValue>,
        room: &Workspace,
        progress: &Progress,
        stop: &CancellationToken,
    ) -> Result<(Placed, bool), EngineError> {
        if room.resumed
            && let Some(server) = self.who_knows(room.attempt).await
        {
            let place = tokio::select! {
                place = server.places.clone().acquire_owned() => place.map_err(|_| closed())?,
                early = ended(room, stop) => return Err(early),
            };
            return Ok((Placed { server, place: Some(place) }, true));
        }
        let mut read_again = false;
        loop {
            // Listening before looking, or a place given back in between would be missed.
            let changed = self.changed.notified();
            let up: Vec<_> = self.servers.iter().filter_map(|server| Some((server.clone(), server.facts()?))).collect();
            let lacks: Vec<_> = up.iter().map(|(_, facts)| missing(flow, values, facts)).collect();
            let mut able: Vec<_> =
                up.iter().zip(&lacks).filter(|(_, lacks)| lacks.is_empty()).map(|((server, _), _)| server).collect();
            let chosen = |server: &&Arc<Server>| room.seat.is_empty() || server.plan.name == room.seat;
            let elsewhere = !able.is_empty();
            able.retain(chosen);
            let up_here = up.iter().any(|(server, _)| chosen(&server));
            if elsewhere && able.is_empty() && up_here {
                let message = format!("{} has not everything for {}; another server has", room.seat, flow.name);
                return Err(EngineError::new(FailureKind::Unable, message));
            }
            if !elsewhere && !up.is_empty() {
                if !read_again {
                    // A file may have been put there meanwhile.
                    read_again = true;
                    self.read_again().await;
                    continue;
                }
                let said = lacks.first().into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
                let message = format!("{} cannot run on {}: {}", flow.name, up[0].0.plan.name, said.join("; "));
                return Err(EngineError::new(FailureKind::Refused, message));
            }
            able.sort_by_key(|server| std::cmp::Reverse(server.places.available_permits()));
            for server in able {
                if let Ok(place) = server.places.clone().try_acquire_owned() {
                    return Ok((Placed { server: server.clone(), place: Some(place) }, false));
                }
            }
            progress.say(Said::Doing(Doing { what: self.why(), ..Doing::default() }));
            tokio::select! {
                () = changed => {}
                early = ended(room, stop) => return Err(early),
            }
        }
    }

    /// Why nothing can be placed now.
    fn why(&self) -> String {
        let away = self.say.borrow().away();
        away.map_or_else(|| "waits for a place in ComfyUI's queue".into(), |away| sentence(&away))
    }

    async fn read_again(&self) {
        for server in &self.servers {
            if server.facts().is_some() {
                server.refresh().await;
            }
        }
    }

    /// The server that knows an attempt's first prompt. Servers that are away are waited for, within their limit.
    async fn who_knows(&self, attempt: AttemptId) -> Option<Arc<Server>> {
        let id = prompt_id(attempt, 0);
        let asked = self.servers.iter().map(|server| {
            let id = &id;
            async move {
                let look = || async move {
                    match prompt_status(server, id).await {
                        Ok(PromptStatus::Unknown) => ControlFlow::Break(None),
                        Ok(_) => ControlFlow::Break(Some(server.clone())),
                        Err(trouble) => ControlFlow::Continue(trouble),
                    }
                };
                let knows = Wait::new(server.pace.poll, server.pace.abandoned_after).until(look).await;
                knows.unwrap_or_else(|_| {
                    server.give_up(id);
                    None
                })
            }
        });
        futures_util::future::join_all(asked).await.into_iter().flatten().next()
    }

    /// Stops whatever servers still do for an attempt.
    pub async fn abandon(&self, attempt: AttemptId) {
        for server in &self.servers {
            match server.client.queue().await {
                Ok(queue) => {
                    for part in 0..MOST_PARTS {
                        let id = prompt_id(attempt, part);
                        if queue.place(&id).is_some() {
                            server.cancel(&id).await;
                        }
                    }
                }
                Err(_) => (0..MOST_PARTS).for_each(|part| server.give_up(&prompt_id(attempt, part))),
            }
        }
    }

    /// Tests servers in quarantine with the self-test, until this pool is gone.
    pub fn keep_testing(&self, comfy: &Comfy) {
        for server in &self.servers {
            let (server, shelf) = (Arc::downgrade(server), comfy.shelf.clone());
            let (media, home, stop) = (comfy.media.clone(), comfy.home.clone(), self.stop.clone());
            tokio::spawn(async move {
                loop {
                    let Some(one) = server.upgrade() else { return };
                    if one.quarantine().is_some_and(|(_, due)| due) {
                        let definitions = shelf.now();
                        let kit = Kit { media: &*media, home: &home, definitions: &definitions };
                        let direct = Direct { server: &one, kit };
                        let passed = direct.selftest().await;
                        if let Err(failure) = &passed {
                            tracing::warn!(server = %one.plan.name, %failure, "a self-test failed");
                        }
                        one.tested(passed.is_ok());
                    }
                    let pause = one.pace.look;
                    drop(one);
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = stop.cancelled() => return,
                    }
                }
            });
        }
    }
}

/// Waits until somebody stops the attempt or the studio closes.
async fn ended(room: &Workspace, stop: &CancellationToken) -> EngineError {
    tokio::select! {
        () = stop.cancelled() => EngineError::new(FailureKind::Cancelled, "stopped"),
        () = room.closing.cancelled() => EngineError::new(FailureKind::Left, "the studio closes before it has a place"),
        () = room.recall.cancelled() => EngineError::new(FailureKind::Lost, "something more urgent wanted the card first"),
    }
}

fn closed() -> EngineError {
    EngineError::new(FailureKind::Transient, "the server is closed")
}

/// Every server as a seat, and what the catalogue says of its models.
fn offer(servers: &[Arc<Server>], shelf: &DefinitionsWatch) -> Availability {
    let definitions = shelf.now();
    let models = &definitions.catalogue.models;
    let facts = |model: &studio_core::model::Model| ModelFacts {
        vram_mib: model.vram_mib,
        load_ms: u64::from(model.load_s) * 1000,
        unload_ms: 0,
    };
    let seat = |server: &Arc<Server>| {
        let (state, here) = (server.state.borrow().clone(), server.facts());
        // A server that has none of a model's workflows cannot run it.
        let lacks = here.as_ref().map(|facts| {
            let can = |model: &studio_core::model::Model| {
                let mut flows = model.workflows.values().filter_map(|flow| definitions.workflows.get(flow));
                let values =
                    model.files.iter().map(|(slot, file)| (slot.clone(), SlotValue::Text(file.clone()))).collect();
                flows.any(|flow| missing(flow, &values, facts).is_empty())
            };
            models.iter().filter(|(_, model)| !can(model)).map(|(name, _)| name.clone()).collect()
        });
        let device = here.as_ref().and_then(|facts| facts.stats.devices.first().cloned());
        let card = device.filter(|device| server.plan.card.is_none() && device.kind != "cpu").map(|device| CardFacts {
            reserve_mib: FOREIGN_RESERVE_MIB.min(device.vram_total >> 24),
            ..CardFacts::new(&server.card(), device.vram_total >> 20)
        });
        WorkerStatus {
            facts: SeatFacts {
                seat: server.plan.name.clone(),
                engine: super::COMFY.to_owned(),
                card: Some(server.card()),
                parallel: 1,
                queue_ahead: server.plan.queue_ahead,
                holds: Holds::One,
                spacing_ms: 0,
                lacks: lacks.unwrap_or_default(),
            },
            away: match state {
                State::Away(why) => Some(why),
                State::Up(_) => None,
            },
            card,
            // ComfyUI does not say what it has loaded.
            loaded: None,
        }
    };
    Availability {
        seats: servers.iter().map(seat).collect(),
        models: models.iter().map(|(name, model)| (name.clone(), facts(model))).collect(),
    }
}

/// What is left alone on another machine's card at most, in MiB: its desktop and driver.
const FOREIGN_RESERVE_MIB: u64 = 600;

/// Says what is offered now, when that is news.
fn tell(say: &watch::Sender<Availability>, now: Availability) {
    say.send_if_modified(|before| {
        let news = *before != now;
        *before = now;
        news
    });
}

/// Says what all servers together offer, as that changes.
async fn follow(
    servers: Vec<Arc<Server>>,
    shelf: DefinitionsWatch,
    say: Arc<watch::Sender<Availability>>,
    stop: CancellationToken,
) {
    let mut states: Vec<_> = servers.iter().map(|server| server.state.clone()).collect();
    let mut definitions = shelf.listen();
    loop {
        tell(&say, offer(&servers, &shelf));
        if states.is_empty() {
            return;
        }
        let changes = states.iter_mut().map(|state| Box::pin(state.changed()));
        tokio::select! {
            (changed, ..) = futures_util::future::select_all(changes) => if changed.is_err() { return },
            // Definitions that never change have nobody who says so.
            Ok(()) = definitions.changed() => {}
            () = stop.cancelled() => return,
        }
    }
}
