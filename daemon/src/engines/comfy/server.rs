//! Server: one ComfyUI, whether it is there, what it has, and how many prompts it may hold.

use std::{
    collections::BTreeSet,
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use studio_core::{
    fleet::{Away, Revival},
    workflow::{Folders, Nodes},
};
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    super::program::{Restart, restart},
    client::{Client, Trouble},
    wire::SystemStats,
};
use crate::wait::Wait;

/// How often things are looked at, and how long they are waited for.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two looks at a prompt's history and place, beside what the socket tells.
    pub poll: Duration,
    /// Between two looks at a server.
    pub look: Duration,
    /// Prompts wait and nothing runs for this long: the worker is dead.
    pub stuck_after: Duration,
    /// A cancelled prompt has ended, and freed memory is free, within this.
    pub confirm: Duration,
    /// No sign of progress for this long, when nothing is known of such work: it hangs.
    pub stall: Duration,
    /// No sign of progress for this many times the usual time: it hangs.
    pub stall_factor: f64,
    /// A server that is away for this long has lost what it was doing.
    pub abandoned_after: Duration,
    /// First pause before a quarantined server is tested again; doubled each time, up to 32 times this.
    pub quarantine: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(3),
            look: Duration::from_secs(5),
            stuck_after: Duration::from_secs(15),
            confirm: Duration::from_mins(3),
            stall: Duration::from_mins(30),
            stall_factor: 4.0,
            abandoned_after: Duration::from_mins(2),
            quarantine: Duration::from_mins(1),
        }
    }
}

/// A ComfyUI in the settings.
#[derive(Debug, Clone)]
pub struct ServerPlan {
    /// Its name, unique.
    pub name: String,
    /// Address of the server, `http://host:port`.
    pub url: String,
    /// The card it works on, by PCI slot; `None` when it is not one of this machine's.
    pub card: Option<String>,
    /// Prompts in its queue beside the running one, 0..=8.
    pub queue_ahead: usize,
    /// How it is started again when its worker is dead.
    pub restart: Option<Restart>,
}

/// What a server has.
#[derive(Debug)]
pub struct Facts {
    /// Version of ComfyUI, its command line and the cards it sees.
    pub stats: SystemStats,
    /// It knows `/api/jobs`.
    pub has_jobs: bool,
    /// What each class of nodes takes.
    pub nodes: Nodes,
    /// Model files it can load, by folder.
    pub folders: Folders,
}

/// How a server stands.
#[derive(Debug, Clone)]
pub enum State {
    /// It answers and may be used; this is what it has.
    Up(Arc<Facts>),
    /// It does not, or must not be used, and why.
    Away(Away),
}

/// Strikes until a server is in quarantine.
pub const STRIKES: u32 = 3;

/// One ComfyUI, watched for as long as this lives.
pub struct Server {
    /// From the settings.
    pub plan: ServerPlan,
    /// Its HTTP side, which prompts and files go through.
    pub client: Client,
    /// Places for prompts.
    pub places: Arc<Semaphore>,
    /// How it stands.
    pub state: watch::Receiver<State>,
    say: watch::Sender<State>,
    /// Somebody may look for a place again.
    pub changed: Arc<Notify>,
    /// How often and how long.
    pub pace: Pace,
    inner: Mutex<Inner>,
    look_again: Notify,
    stop: CancellationToken,
}

#[derive(Debug, Default)]
struct Inner {
    strikes: u32,
    /// Why it is in quarantine, how often it has failed its test, and when it is tested again.
    quarantine: Option<(String, u32, Instant)>,
    /// Prompts that were given up while it was away; they must not go on when it is back.
    abandoned: BTreeSet<String>,
    stuck_since: Option<Instant>,
    /// Read again just now.
    fresh: Option<Arc<Facts>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Server {
    /// A server nobody looks after yet.
    pub fn open(plan: ServerPlan, pace: Pace, changed: Arc<Notify>) -> Result<Arc<Self>, Trouble> {
        let client = Client::new(&plan.url)?;
        let (say, state) = watch::channel(State::Away(Away::Unasked { at: Some(plan.url.clone()) }));
        Ok(Arc::new(Self {
            places: Arc::new(Semaphore::new(1 + plan.queue_ahead)),
            client,
            plan,
            state,
            say,
            changed,
            pace,
            inner: Mutex::default(),
            look_again: Notify::new(),
            stop: CancellationToken::new(),
        }))
    }

    /// Looks after it from now on.
    pub fn watch(self: &Arc<Self>) {
        tokio::spawn(watch_over(Arc::downgrade(self), self.stop.clone(), self.pace.look));
    }

    /// Asks it once how it is and what it has; nothing is changed there, whatever is found.
    pub async fn look_once(&self) {
        let state = match self.client.queue().await {
            Err(trouble) => unreachable(&trouble),
            Ok(_) => self.with_facts().await,
        };
        self.say.send_replace(state);
    }

    async fn with_facts(&self) -> State {
        match self.read_facts().await {
            Ok(facts) => State::Up(Arc::new(facts)),
            Err(trouble) => State::Away(Away::Unreachable { message: trouble.to_string() }),
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it has, when it is up.
    pub fn facts(&self) -> Option<Arc<Facts>> {
        match &*self.state.borrow() {
            State::Up(facts) => Some(facts.clone()),
            State::Away(_) => None,
        }
    }

    /// Key under which its durations are learned: the card, or the server's name.
    pub fn card(&self) -> String {
        self.plan.card.clone().unwrap_or_else(|| self.plan.name.clone())
    }

    /// Looks at the server now, not at the next time.
    pub fn look(&self) {
        self.look_again.notify_one();
    }

    /// Something went wrong that a healthy server would not do; the third time it goes into quarantine.
    pub fn strike(&self, why: &str) {
        let mut inner = self.inner();
        inner.strikes += 1;
        if inner.strikes >= STRIKES && inner.quarantine.is_none() {
            tracing::warn!(server = %self.plan.name, why, "a ComfyUI is in quarantine until it passes a self-test");
            inner.quarantine = Some((why.to_owned(), 0, Instant::now() + self.pace.quarantine));
        }
        drop(inner);
        self.look();
    }

    /// It has done something right.
    pub fn did_well(&self) {
        self.inner().strikes = 0;
    }

    /// Why it is in quarantine, and whether it is to be tested now.
    pub fn quarantine(&self) -> Option<(String, bool)> {
        let inner = self.inner();
        inner.quarantine.as_ref().map(|(why, _, again)| (why.clone(), Instant::now() >= *again))
    }

    /// How the test of a quarantined server went.
    pub fn tested(&self, passed: bool) {
        let mut inner = self.inner();
        if passed {
            tracing::info!(server = %self.plan.name, "a ComfyUI passed its self-test and works again");
            (inner.quarantine, inner.strikes) = (None, 0);
        } else if let Some((_, failed, again)) = &mut inner.quarantine {
            *failed += 1;
            *again = Instant::now() + self.pace.quarantine * 2u32.pow((*failed).min(5));
        }
        drop(inner);
        self.look();
    }

    /// The prompt was given up while the server was away: it is stopped when the server is back.
    pub fn give_up(&self, prompt: &str) {
        self.inner().abandoned.insert(prompt.to_owned());
    }

    /// Reads everything again that a server may have got meanwhile (new model files, new nodes).
    pub async fn read_facts(&self) -> Result<Facts, Trouble> {
        let stats = self.client.system_stats().await?;
        let info = self.client.object_info().await?;
        Ok(Facts {
            stats,
            has_jobs: self.client.has_jobs().await?,
            nodes: Nodes::from_object_info(&info),
            folders: self.client.folders().await?,
        })
    }

    /// Reads again what it has, after something was found missing; what was known stays when that fails.
    pub async fn refresh(&self) {
        match self.read_facts().await {
            Ok(facts) => {
                let mut state = self.state.clone();
                // Whatever it said before is no answer.
                state.mark_unchanged();
                self.inner().fresh = Some(Arc::new(facts));
                self.look();
                // The looking task takes it over; whoever waits hears of it.
                let _ = tokio::time::timeout(self.pace.look, state.changed()).await;
            }
            Err(trouble) => tracing::warn!(server = %self.plan.name, %trouble, "failed to read what a ComfyUI has"),
        }
    }

    /// Waits until `prompt` is neither waiting nor running; false when that takes too long.
    pub async fn gone(&self, prompt: &str) -> bool {
        let look = || async move {
            let gone = self.client.queue().await.is_ok_and(|queue| queue.place(prompt).is_none());
            if gone { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        Wait::new(self.pace.poll.min(Duration::from_millis(500)), self.pace.confirm).until(look).await.is_ok()
    }

    /// Cancels a prompt and waits until it is gone; false when the server does not confirm it.
    pub async fn cancel(&self, prompt: &str) -> bool {
        if let Err(trouble) = self.client.cancel(prompt).await {
            tracing::warn!(server = %self.plan.name, %trouble, "failed to cancel a prompt");
            self.give_up(prompt);
            return false;
        }
        let gone = self.gone(prompt).await;
        if !gone {
            self.give_up(prompt);
        }
        gone
    }

    /// Has the card's memory given back, and waits until more of it is free; false when that cannot be seen.
    pub async fn free(&self) -> bool {
        let Ok(before) = self.client.system_stats().await else { return false };
        let free = |stats: &SystemStats| stats.devices.first().map_or((0, 0), |card| (card.vram_free, card.vram_total));
        let (had, total) = free(&before);
        if self.client.free().await.is_err() {
            return false;
        }
        let look = || async move {
            // Nine tenths free was free before, or is now.
            let enough = |now: u64| now > had || now >= total / 10 * 9;
            if self.client.system_stats().await.is_ok_and(|stats| enough(free(&stats).0)) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let limit = self.pace.confirm.min(Duration::from_secs(30));
        Wait::new(self.pace.poll.min(Duration::from_secs(1)), limit).until(look).await.is_ok()
    }
}

/// Looks at a server again and again, and says how it stands.
async fn watch_over(server: std::sync::Weak<Server>, stop: CancellationToken, pause: Duration) {
    loop {
        let Some(one) = server.upgrade() else { return };
        let say = &one.say;
        let look = async {
            let state = look_at(&one).await;
            let was_up = matches!(&*say.borrow(), State::Up(_));
            let is_up = matches!(state, State::Up(_));
            let news = match (&*say.borrow(), &state) {
                (State::Away(before), State::Away(now)) => before != now,
                (State::Up(before), State::Up(now)) => !Arc::ptr_eq(before, now),
                _ => true,
            };
            if news {
                match &state {
                    State::Up(facts) if !was_up => {
                        let version = &facts.stats.system.comfyui_version;
                        tracing::info!(server = %one.plan.name, url = %one.plan.url, version, "a ComfyUI is there");
                    }
                    State::Away(why) => tracing::warn!(server = %one.plan.name, %why, "a ComfyUI is not there"),
                    State::Up(_) => {}
                }
                say.send_replace(state);
            }
            if news || is_up != was_up {
                one.changed.notify_waiters();
            }
        };
        tokio::select! {
            () = look => {}
            () = stop.cancelled() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = one.look_again.notified() => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn look_at(server: &Server) -> State {
    let known = server.inner().fresh.take().or_else(|| server.facts());
    let queue = match server.client.queue().await {
        Ok(queue) => queue,
        Err(trouble) => return unreachable(&trouble),
    };
    let waiting = !queue.queue_pending.is_empty() && queue.queue_running.is_empty();
    let stuck = {
        let mut inner = server.inner();
        inner.stuck_since = waiting.then(|| inner.stuck_since.unwrap_or_else(Instant::now));
        inner.stuck_since.is_some_and(|since| since.elapsed() >= server.pace.stuck_after)
    };
    if stuck {
        let revival = revive(server).await;
        return State::Away(Away::Stuck { at: server.plan.url.clone(), revival });
    }
    let abandoned = std::mem::take(&mut server.inner().abandoned);
    for prompt in abandoned {
        if queue.place(&prompt).is_some() && server.client.cancel(&prompt).await.is_err() {
            server.give_up(&prompt);
        }
    }
    if let Some((why, _)) = server.quarantine() {
        return State::Away(Away::Quarantined { name: server.plan.name.clone(), message: why });
    }
    match known {
        Some(facts) => State::Up(facts),
        None => server.with_facts().await,
    }
}

/// It does not answer.
fn unreachable(trouble: &Trouble) -> State {
    let message = format!("{trouble}; start ComfyUI there, or take it out of the settings");
    State::Away(Away::Unreachable { message })
}

/// The worker is dead: HTTP answers, prompts wait, nothing runs. Only a restart helps.
async fn revive(server: &Server) -> Revival {
    let Some(how) = &server.plan.restart else { return Revival::Unknown };
    server.inner().stuck_since = None;
    match restart(how).await {
        Ok(()) => Revival::Restarted,
        Err(message) => Revival::Failed { message },
    }
}
