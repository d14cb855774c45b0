//! A studio in a temporary folder, with everything a test asks of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use studio_core::{
    episode::Episode,
    ids::{EpisodeId, TaskId},
    shot::Shot,
    task::{Attempt, AttemptState, Task, TaskState},
    units::Millis,
};
use studiod::{
    clock::Clock,
    conductor::{self, Context, Error, Handle, Seat},
    events::{Events, StudioEvent, TaskUpdate},
    files::DataDir,
    metrics::Metrics,
    store::{self, Db},
    upkeep, web,
};
use tempfile::TempDir;
use tokio::{sync::broadcast, task::JoinHandle};
use uuid::Uuid;

use crate::{engines::Stage, plans::produce};

/// Nothing here takes a moment; a test that waits this long is broken and says so.
const PATIENCE: Duration = Duration::from_mins(1);

/// Stands still until it is moved; ids are counted.
#[derive(Default)]
pub struct TestClock {
    now: AtomicI64,
    ids: AtomicU64,
}

impl TestClock {
    /// Moves it on.
    pub fn advance(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Millis {
        Millis(self.now.load(Ordering::SeqCst))
    }

    fn id(&self) -> Uuid {
        Uuid::from_u128(1000 + u128::from(self.ids.fetch_add(1, Ordering::SeqCst)))
    }
}

pub struct Studio {
    pub context: Context,
    pub stage: Arc<Stage>,
    pub handle: Handle,
    clock: Arc<TestClock>,
    conductor: JoinHandle<Result<(), Error>>,
    heard: broadcast::Receiver<StudioEvent>,
    /// Gone with the studio.
    _dir: TempDir,
}

impl Studio {
    /// The whole app in memory, for somebody of the house.
    pub fn door(&self) -> axum::Router {
        self.door_for(std::net::SocketAddr::from(([127, 0, 0, 1], 40_000)), web::Access::default())
    }

    /// The whole app in memory, for whoever is at `peer`.
    pub fn door_for(&self, peer: std::net::SocketAddr, access: web::Access) -> axum::Router {
        Self::door_of(self.web(access), peer)
    }

    /// What every endpoint may use.
    pub fn web(&self, access: web::Access) -> web::AppState {
        web::AppState::new(&self.context, self.handle.clone(), access).unwrap()
    }

    /// The same app, for somebody else.
    pub fn door_of(state: web::AppState, peer: std::net::SocketAddr) -> axum::Router {
        web::routes(state).layer(axum::Extension(axum::extract::ConnectInfo(peer)))
    }

    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// With more seats than the stage has.
    pub async fn open_with(more: impl FnOnce(&mut BTreeMap<String, Seat>)) -> Self {
        Self::open_with_stage(|_, seats| more(seats)).await
    }

    /// With more seats that share the stage.
    pub async fn open_with_stage(more: impl FnOnce(&Arc<Stage>, &mut BTreeMap<String, Seat>)) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::open(dir.path()).expect("it can be written");
        let db = Db::open(&format!("sqlite:{}", data.database().display())).await.expect("the database opens");
        let (stage, clock) = (Stage::new(), Arc::new(TestClock::default()));
        let mut seats = stage.seats();
        more(&stage, &mut seats);
        let engines = Arc::new(seats);
        let context = Context {
            db,
            data,
            engines,
            events: Events::default(),
            clock: clock.clone(),
            cards: None,
            plan: Arc::default(),
            metrics: Metrics::default(),
            lock: None,
        };
        let heard = context.events.listen();
        let (handle, conductor) = conductor::start(context.clone(), false).await.expect("the conductor starts");
        Self { _dir: dir, context, stage, handle, clock, conductor, heard }
    }

    /// The clock everything here goes by.
    pub fn clock(&self) -> Arc<TestClock> {
        self.clock.clone()
    }

    /// Removes what nothing refers to, or counts it when `dry`.
    pub async fn tidy(&self, dry: bool) -> Result<upkeep::Tidied, upkeep::Error> {
        let Context { db, data, clock, .. } = &self.context;
        upkeep::tidy(db, data, clock.now(), 0, dry).await
    }

    /// Stops as when the service is stopped.
    pub async fn stop(&mut self) {
        self.handle.stop().await;
        (&mut self.conductor).await.expect("no panic").expect("a clean stop");
    }

    /// Ends as in a power cut: nothing is settled.
    pub async fn power_cut(&mut self) {
        self.conductor.abort();
        let _ = (&mut self.conductor).await;
        // What the dead conductor had handed to the database is written or not, but no longer under way.
        self.context.db.begin().await.expect("the database is there").commit().await.expect("it can be written");
    }

    /// Starts on the data of the conductor before, which has ended.
    pub async fn start_again(&mut self) {
        self.heard = self.context.events.listen();
        (self.handle, self.conductor) =
            conductor::start(self.context.clone(), true).await.expect("the conductor starts again");
    }

    /// Starts on that data without going on with anything, as a command does that finds no service.
    pub async fn start_idle(&mut self) {
        self.heard = self.context.events.listen();
        (self.handle, self.conductor) =
            conductor::start(self.context.clone(), false).await.expect("the conductor starts again");
    }

    /// Starts making `text`.
    pub async fn begin(&self, text: &str) -> EpisodeId {
        self.handle.produce(produce(text)).await.expect("the episode is planned")
    }

    /// Makes `text` to the end; whether something failed, and what was told meanwhile.
    pub async fn film(&mut self, text: &str) -> (EpisodeId, bool, Vec<StudioEvent>) {
        self.make(produce(text)).await
    }

    /// Makes what is wanted as far as that goes without a person; as [`Studio::film`].
    pub async fn make(&mut self, wanted: studiod::conductor::Produce) -> (EpisodeId, bool, Vec<StudioEvent>) {
        let episode = self.handle.produce(wanted).await.expect("the episode is planned");
        let (failed, told) = self.end().await;
        (episode, failed, told)
    }

    /// Everything told until the episode has ended, and whether something failed.
    pub async fn end(&mut self) -> (bool, Vec<StudioEvent>) {
        let told = self.until(|happened| matches!(happened, StudioEvent::Ended { .. })).await;
        let Some(StudioEvent::Ended { failed, .. }) = told.last() else { unreachable!() };
        (*failed, told)
    }

    /// Everything told until `slot` stands like that.
    pub async fn until_task(&mut self, slot: &str, stands: fn(&TaskUpdate) -> bool) -> Vec<StudioEvent> {
        let is = |happened: &StudioEvent| matches!(happened, StudioEvent::Task { job, now, .. } if job.path() == slot && stands(now));
        self.until(is).await
    }

    /// Waits until `slot` is under way and everything in `made` is made.
    pub async fn until_only(&mut self, slot: &str, made: &[&str]) {
        let mut open: BTreeSet<&str> = made.iter().copied().chain([slot]).collect();
        let is = |happened: &StudioEvent| {
            if let StudioEvent::Task { job, now: TaskUpdate::Made | TaskUpdate::Running(0.5), .. } = happened {
                let here = job.path();
                let counts = here == slot || matches!(happened, StudioEvent::Task { now: TaskUpdate::Made, .. });
                open.retain(|one| !counts || *one != here);
            }
            open.is_empty()
        };
        self.until(is).await;
    }

    /// Everything told until `last` says so.
    pub async fn until(&mut self, mut last: impl FnMut(&StudioEvent) -> bool) -> Vec<StudioEvent> {
        let mut told = Vec::new();
        let wait = async {
            loop {
                let happened = self.heard.recv().await.expect("the studio keeps telling");
                told.push(happened);
                if told.last().is_some_and(&mut last) {
                    break;
                }
            }
        };
        let in_vain = tokio::time::timeout(PATIENCE, wait).await.is_err();
        let standing = if in_vain { self.standing().await } else { String::new() };
        assert!(!in_vain, "it never happened; what did: {told:#?}\nas it is: {standing}");
        told
    }

    /// Where everything stands, for a test that waited in vain.
    async fn standing(&self) -> String {
        let mut text = String::new();
        for episode in store::episodes::list(&self.context.db).await.expect("episodes are stored") {
            writeln!(text, "{}: {:?}", episode.title, episode.state).expect("a text takes more");
            for task in self.tasks(episode.id).await.into_values().filter(|task| task.state != TaskState::Succeeded) {
                let why = self.handle.why(task.id).await;
                writeln!(text, "  {}: {:?}, {}, {why:?}", task.slot, task.state, task.reason)
                    .expect("a text takes more");
            }
        }
        text
    }

    /// Lets time go by and makes the conductor look at the clock.
    pub async fn later(&self, ms: i64) {
        self.clock.advance(ms);
        // Any message makes the loop look at the clock; the second answer comes after it did.
        for _ in 0..2 {
            self.handle.why(TaskId(Uuid::nil())).await.expect("the conductor answers");
        }
    }

    pub async fn episode(&self, id: EpisodeId) -> Episode {
        store::episodes::get(&self.context.db, id).await.expect("the episode is stored")
    }

    pub async fn shots(&self, id: EpisodeId) -> Vec<Shot> {
        store::shots::of_episode(&self.context.db, id).await.expect("shots are stored")
    }

    /// Tasks by slot.
    pub async fn tasks(&self, id: EpisodeId) -> BTreeMap<String, Task> {
        let tasks = store::tasks::of_episode(&self.context.db, id).await.expect("tasks are stored");
        tasks.into_iter().map(|task| (task.slot.clone(), task)).collect()
    }

    pub async fn task(&self, id: EpisodeId, slot: &str) -> Task {
        self.tasks(id).await.remove(slot).unwrap_or_else(|| panic!("there is no task {slot}"))
    }

    /// Slots in this state.
    pub async fn slots(&self, id: EpisodeId, state: TaskState) -> Vec<String> {
        self.tasks(id).await.into_iter().filter(|(_, task)| task.state == state).map(|(slot, _)| slot).collect()
    }

    pub async fn attempts(&self, id: EpisodeId, slot: &str) -> Vec<Attempt> {
        let task = self.task(id, slot).await.id;
        store::attempts::of_task(&self.context.db, task).await.expect("attempts are stored")
    }

    /// How the attempts at a task ended, oldest first.
    pub async fn ends(&self, id: EpisodeId, slot: &str) -> Vec<AttemptState> {
        self.attempts(id, slot).await.into_iter().map(|attempt| attempt.state).collect()
    }

    /// Waits until no attempt runs, as that of a judge who looks at a copy nobody waits for.
    pub async fn until_nothing_runs(&self) {
        let mut events = self.context.events.listen();
        let rest = async {
            while !store::attempts::running(&self.context.db).await.unwrap().is_empty() {
                events.recv().await.expect("it keeps telling");
            }
        };
        assert!(tokio::time::timeout(PATIENCE, rest).await.is_ok(), "something runs for ever");
    }

    /// Nothing runs, nothing contradicts itself (no work succeeded twice either), no room is left.
    pub async fn assert_settled(&self) {
        assert_eq!(store::check::invariants(&self.context.db).await.unwrap(), Vec::<String>::new());
        assert_eq!(store::attempts::running(&self.context.db).await.unwrap(), []);
        let rooms: Vec<_> = std::fs::read_dir(self.context.data.work()).unwrap().collect();
        assert!(rooms.is_empty(), "{rooms:?}");
    }
}
