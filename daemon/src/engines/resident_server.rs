//! Resident server: a server that shares its card with others, and how it is seen to take and give back memory.

use std::{
    future::Future,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use studio_core::{
    fleet::{Away, ModelFacts, SeatFacts},
    gpu::PciAddress,
    order::{Order, Outputs, Reported},
};
use studio_engine::{
    Artifact, Availability, Boxed, Cards, Engine, EngineError, FailureKind, Means, Progress, Ready, WorkerStatus,
    Workspace,
};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::program::systemctl;
use crate::wait::{InVain, Wait};

/// Between two looks at a card whose memory should come back.
const GLANCE: Duration = Duration::from_millis(250);

/// How patient the studio is with a server.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Between two looks at it.
    pub look: Duration,
    /// Until its memory must have come back.
    pub release: Duration,
    /// Until a model must be loaded, or a unit answer: a cold load from a slow disk.
    pub load: Duration,
    /// Until a stand-in does what it should.
    pub away: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(5),
            release: Duration::from_mins(1),
            load: Duration::from_mins(10),
            away: Duration::from_mins(2),
        }
    }
}

/// The card a server lives on.
#[derive(Clone, Default)]
pub struct Home {
    /// Which; `None` for the processor, or another machine.
    pub slot: Option<PciAddress>,
    /// Who can look at it.
    pub cards: Option<Arc<dyn Cards>>,
    /// The systemd unit of the server; stopping it gives all of its memory back.
    pub unit: Option<String>,
}

impl Home {
    /// Memory in use on the card, in MiB; `None` when nobody can look.
    pub fn used_mib(&self) -> Option<u64> {
        let slot = self.slot.as_ref()?;
        self.cards.as_ref()?.latest().iter().find(|card| card.slot == *slot)?.vram_used_mib()
    }

    /// Waits until about `freed_mib` of what was used `before` are free again. What nobody can see is believed.
    pub async fn given_back(&self, before: Option<u64>, freed_mib: u64, limit: Duration) -> Result<(), EngineError> {
        let Some(before) = before else { return Ok(()) };
        // Half of it is enough: others may have taken some meanwhile.
        let enough = before.saturating_sub(freed_mib / 2);
        let look = || async move {
            let taken = self.used_mib().is_some_and(|used| used > enough);
            if taken { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        Wait::new(GLANCE, limit).until(look).await.map_err(|_| {
            let message = format!(
                "the memory of {freed_mib} MiB did not come back within {} s; look at what else uses the card",
                limit.as_secs()
            );
            EngineError::new(FailureKind::Transient, message)
        })
    }

    /// Starts its unit, when it has one.
    pub async fn start(&self) -> Result<(), EngineError> {
        self.tell("start").await
    }

    /// Stops its unit, when it has one.
    pub async fn stop(&self) -> Result<(), EngineError> {
        self.tell("stop").await
    }

    async fn tell(&self, what: &str) -> Result<(), EngineError> {
        let Some(unit) = &self.unit else { return Ok(()) };
        systemctl(what, unit).await.map_err(|why| EngineError::new(FailureKind::Transient, why))
    }
}

/// Who looks at a server: once, or again and again for as long as this lives.
pub struct Monitor {
    say: Arc<watch::Sender<Availability>>,
    every: Duration,
    look: Arc<dyn Fn() -> Boxed<'static, Availability> + Send + Sync>,
    watches: AtomicBool,
    stop: CancellationToken,
    _stops: DropGuard,
}

impl Monitor {
    /// At rest, with `first` to say; `look` finds out how the server is, `every` so often once it is watched.
    pub fn new<F, L>(first: Availability, every: Duration, look: L) -> Self
    where
        L: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Availability> + Send + 'static,
    {
        let stop = CancellationToken::new();
        Self {
            say: Arc::new(watch::channel(first).0),
            every,
            look: Arc::new(move || Box::pin(look())),
            watches: AtomicBool::new(false),
            _stops: stop.clone().drop_guard(),
            stop,
        }
    }

    /// What is offered, as that changes.
    pub fn offer(&self) -> watch::Receiver<Availability> {
        self.say.subscribe()
    }

    /// Looks once, and says what is news.
    pub async fn look(&self) {
        tell(&self.say, (self.look)().await);
    }

    /// Looks again and again from now on.
    pub fn watch(&self) {
        if self.watches.swap(true, Ordering::Relaxed) {
            return;
        }
        let (say, look, every, stop) = (self.say.clone(), self.look.clone(), self.every, self.stop.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    now = look() => tell(&say, now),
                    () = stop.cancelled() => return,
                }
                tokio::select! {
                    () = tokio::time::sleep(every) => {}
                    () = stop.cancelled() => return,
                }
            }
        });
    }
}

/// Says how things are, when that is news.
fn tell(say: &watch::Sender<Availability>, now: Availability) {
    say.send_if_modified(|before| {
        let news = *before != now;
        tell_of(before, &now);
        *before = now;
        news
    });
}

/// Logs which workers have come or gone.
fn tell_of(before: &Availability, now: &Availability) {
    let was = |name: &str| before.seats.iter().find(|seat| seat.facts.seat == name).map(|seat| &seat.away);
    for seat in now.seats.iter().filter(|seat| was(&seat.facts.seat) != Some(&seat.away)) {
        let worker = seat.facts.seat.as_str();
        match &seat.away {
            None => tracing::info!(worker, "a worker is there"),
            Some(why) => tracing::info!(worker, %why, "a worker is not there"),
        }
    }
}

/// A service with a draft that stands in for it.
pub struct Fallback {
    service: Service,
    draft: Arc<dyn Engine>,
    monitor: Monitor,
}

impl Fallback {
    /// Finds out with `look` how the service is; `draft` stands in when it has been away for long. At rest until
    /// [`Fallback::watch`].
    pub fn new<F, L>(service: Service, draft: Arc<dyn Engine>, look: L) -> Self
    where
        L: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let monitor = service.monitor(look);
        Self { service, draft, monitor }
    }

    /// Looks at the service once; see [`Engine::look`].
    pub fn look(&self) -> Boxed<'_, ()> {
        Box::pin(self.monitor.look())
    }

    /// Looks after the service from now on; see [`Engine::watch`].
    pub fn watch(&self) {
        self.monitor.watch();
    }

    /// What is offered.
    pub fn offer(&self) -> watch::Receiver<Availability> {
        self.monitor.offer()
    }

    /// The service itself.
    pub fn service(&self) -> &Service {
        &self.service
    }

    fn why_away(&self) -> Option<Away> {
        self.monitor.offer().borrow().seats.first().and_then(|seat| seat.away.clone())
    }

    /// Has `make` make it; the draft does when that is what the chosen seat means, or when it will never work.
    pub async fn run(
        &self,
        order: &Order,
        room: &Workspace,
        progress: &Progress,
        stop: &CancellationToken,
        make: impl Future<Output = Result<Vec<Artifact>, EngineError>>,
    ) -> Result<Vec<Artifact>, EngineError> {
        let why = if room.seat == self.service.stand_in() {
            self.why_away().map_or_else(|| "it was away".into(), |away| away.to_string())
        } else {
            match unless_stopped(stop, make).await {
                Err(failure) if failure.kind == FailureKind::Refused => failure.message,
                made => return made,
            }
        };
        let mut made = self.draft.run(order, Means { room, progress, stop }).await?;
        made.push(Artifact::Finding(Reported::Recording { stand_in: Some(why), heard: None, remark: None }));
        Ok(made)
    }

    /// Whether a result still counts: a draft's does only while the service is away.
    pub fn stands(&self, outputs: &Outputs) -> bool {
        let stood_in = matches!(&outputs.reported, Some(Reported::Recording { stand_in: Some(_), .. }));
        !stood_in || self.why_away().is_some()
    }
}

/// Runs something, unless it is stopped before it is done.
pub async fn unless_stopped<T>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, EngineError>>,
) -> Result<T, EngineError> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(EngineError::new(FailureKind::Cancelled, "stopped")),
        done = work => done,
    }
}

/// A server with one model that makes sound, and what stands in when it is not there.
#[derive(Clone)]
pub struct Service {
    /// Name of the engine and its seat.
    pub engine: &'static str,
    /// Its model, as the scheduler knows it.
    pub model: String,
    /// Memory it needs, in MiB.
    pub vram_mib: u64,
    /// How long it takes until it is ready, in seconds.
    pub load_s: u32,
    /// Its card and unit.
    pub home: Home,
    /// How patient the studio is with it.
    pub patience: Patience,
}

impl Service {
    /// The seat in which a draft stands in.
    pub fn stand_in(&self) -> String {
        format!("{}.stand-in", self.engine)
    }

    /// What is offered while the server is `here`, or has not been for a while, and why.
    ///
    /// A server that nobody can make let go of its memory is not booked: what it uses is seen as other programs' is.
    fn offer(&self, here: Result<(), (Away, Duration)>) -> Availability {
        let card = self.home.slot.as_ref().filter(|_| self.home.unit.is_some()).map(ToString::to_string);
        let too_long = here.as_ref().err().is_some_and(|(_, away)| *away >= self.patience.away);
        let seat = |seat: String, card: Option<String>, away: Option<Away>| WorkerStatus {
            facts: SeatFacts { seat, card, ..SeatFacts::cpu(self.engine, 1) },
            away,
            card: None,
            loaded: None,
        };
        let why = here.err().map(|(why, _)| why);
        let standing_by = (!too_long).then_some(Away::StandingBy);
        let facts = ModelFacts { vram_mib: self.vram_mib, load_ms: u64::from(self.load_s) * 1000, unload_ms: 5_000 };
        Availability {
            seats: vec![seat(self.engine.into(), card, why), seat(self.stand_in(), None, standing_by)],
            models: std::collections::BTreeMap::from([(self.model.clone(), facts)]),
        }
    }

    /// Who looks at the server with `look`, which says why when it is not there.
    fn monitor<F, L>(&self, look: L) -> Monitor
    where
        L: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let first = self.offer(Err((Away::Unasked { at: None }, Duration::ZERO)));
        let (service, look) = (self.clone(), Arc::new(look));
        let since: Arc<std::sync::Mutex<Option<Instant>>> = Arc::default();
        Monitor::new(first, self.patience.look, move || {
            let (service, look, since) = (service.clone(), look.clone(), since.clone());
            async move {
                let here = look().await;
                let mut since = since.lock().expect("nobody breaks down with it");
                match here {
                    Ok(()) => {
                        *since = None;
                        service.offer(Ok(()))
                    }
                    // A unit that is stopped is started when it is needed; whether that works is found out then.
                    Err(_) if service.home.unit.is_some() => service.offer(Ok(())),
                    Err(message) => {
                        let for_long = since.get_or_insert_with(Instant::now).elapsed();
                        service.offer(Err((Away::Unreachable { message }, for_long)))
                    }
                }
            }
        })
    }

    /// Starts the server when it is down and waits until `look` finds it.
    pub async fn ready<F: Future<Output = Result<(), String>>>(
        &self,
        look: impl Fn() -> F,
    ) -> Result<Ready, EngineError> {
        if look().await.is_ok() {
            return Ok(Ready::AlreadyThere);
        }
        self.home.start().await?;
        let look = || {
            let here = look();
            async move {
                match here.await {
                    Ok(()) => ControlFlow::Break(()),
                    Err(why) => ControlFlow::Continue(why),
                }
            }
        };
        Wait::new(GLANCE, self.patience.load).until(look).await.map(|()| Ready::Loaded).map_err(|in_vain| {
            let why = match in_vain {
                InVain::Late(why) => why,
                InVain::Stopped => "nobody waits for it".into(),
            };
            EngineError::new(FailureKind::Transient, format!("{} does not get ready: {why}", self.engine))
        })
    }

    /// Stops the server, and waits until its memory is back.
    pub async fn release(&self) -> Result<(), EngineError> {
        let before = self.home.used_mib();
        self.home.stop().await?;
        self.home.given_back(before, self.vram_mib, self.patience.release).await
    }
}
