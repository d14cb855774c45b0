//! Engines that leave tiny files behind, or fail, break down and hang as a test wants.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use studio_core::{
    fleet::{CardFacts, Holds, ModelFacts, SeatFacts},
    ids::ContentHash,
    media::MediaFacts,
    order::{Order, Outputs, Reported, Role},
    take::Verdict,
    units::{Frames, Samples, Score, Size},
};
use studio_engine::{
    Artifact, Availability, Boxed, Engine, EngineError, FailureKind, Made, Means, Ready, WorkerStatus, Workspace,
};
use studiod::conductor::Seat;
use tokio::sync::watch;

use crate::studio::TestClock;

/// What an engine does with an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Act {
    /// Leaves what was ordered; a review says 90 percent.
    Make,
    /// A review says this, in percent; `None` is unreviewed.
    Score(Option<u16>),
    /// Says no.
    Fail(FailureKind),
    /// Breaks down.
    Panic,
    /// Waits until it is released or stopped, then makes.
    Hang,
    /// The same; a review then says this, in percent.
    HangThen(u16),
    /// Works until it is stopped, and stops.
    Stop,
    /// Works until it is stopped, and is done just then all the same.
    Deaf,
}

/// An order as an engine meets it.
pub struct Asked<'a> {
    /// The order.
    pub order: &'a Order,
    /// How often this engine has had this order, from 1.
    pub times: usize,
}

type Rule = Arc<dyn Fn(&Asked) -> Act + Send + Sync>;

/// What all engines of a studio have in common.
pub struct Stage {
    rule: Mutex<Rule>,
    /// Every order an engine was given, with the engine's name, as it came.
    runs: Mutex<Vec<(String, Order)>>,
    times: Mutex<BTreeMap<ContentHash, usize>>,
    released: watch::Sender<bool>,
    /// Rooms and orders by attempt.
    attempts: Mutex<BTreeMap<String, (Order, Workspace)>>,
    remembers: AtomicBool,
}

impl Stage {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            rule: Mutex::new(Arc::new(|_: &Asked| Act::Make)),
            runs: Mutex::default(),
            times: Mutex::default(),
            released: watch::Sender::new(false),
            attempts: Mutex::default(),
            remembers: AtomicBool::new(false),
        })
    }

    /// From now on engines do as `rule` says.
    pub fn rule(&self, rule: impl Fn(&Asked) -> Act + Send + Sync + 'static) {
        *self.rule.lock().unwrap() = Arc::new(rule);
    }

    /// Lets everything that hangs go on, now and later.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    /// From now on engines know what became of the attempts of an earlier studio: they finished.
    pub fn remember(&self) {
        self.remembers.store(true, Ordering::SeqCst);
    }

    /// Every order given so far.
    pub fn runs(&self) -> Vec<Order> {
        self.runs.lock().unwrap().iter().map(|(_, order)| order.clone()).collect()
    }

    /// An engine with models on a card of 12 GiB.
    pub fn carded(self: &Arc<Self>) -> Carded {
        let model = |vram_mib| ModelFacts { vram_mib, load_ms: 20_000, unload_ms: 0 };
        let seat = WorkerStatus {
            facts: SeatFacts {
                seat: "left".into(),
                card: Some("card".into()),
                holds: Holds::One,
                ..SeatFacts::cpu("comfy", 1)
            },
            away: None,
            card: Some(CardFacts::new("card", 12_288)),
            loaded: None,
        };
        let models = [("sdxl", model(8_500)), ("framepack", model(10_240)), ("huge", model(40_000))];
        let models = models.into_iter().map(|(name, facts)| (name.to_owned(), facts)).collect();
        let offer = watch::Sender::new(Availability { seats: vec![seat], models });
        Carded { told: Told { name: "comfy".into(), stage: self.clone() }, offer, disk: Mutex::default() }
    }

    /// One seat for each engine a film needs.
    pub fn seats(self: &Arc<Self>) -> BTreeMap<String, Seat> {
        let names = ["voice", "music", "stills", "clips", "judge", "media", "draft.artwork", "library"];
        let seat = |name: &str| {
            let engine = Arc::new(Told { name: name.to_owned(), stage: self.clone() });
            (name.to_owned(), Seat { engine, slots: 2 })
        };
        names.into_iter().map(seat).collect()
    }

    fn asked(&self, engine: &str, order: &Order) -> Act {
        self.runs.lock().unwrap().push((engine.to_owned(), order.clone()));
        let times = {
            let mut all = self.times.lock().unwrap();
            let times = all.entry(order.key(engine)).or_default();
            *times += 1;
            *times
        };
        let rule = self.rule.lock().unwrap().clone();
        rule(&Asked { order, times })
    }
}

struct Told {
    name: String,
    stage: Arc<Stage>,
}

impl Engine for Told {
    fn version(&self) -> String {
        format!("{}/1", self.name)
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, progress, stop }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            let attempt = room.dir.file_name().expect("a room has a name").to_string_lossy().into_owned();
            self.stage.attempts.lock().unwrap().insert(attempt, (order.clone(), room.clone()));
            if room.resumed {
                // An engine outside the studio has finished it meanwhile.
                return Ok(make(order, order.key(&self.name), room, Some(90)));
            }
            let act = self.stage.asked(&self.name, order);
            progress.tell(0.5);
            match act {
                Act::Fail(kind) => return Err(EngineError::new(kind, format!("{} said no", self.name))),
                Act::Panic => panic!("{} was told to break down", self.name),
                Act::Hang | Act::HangThen(_) => {
                    let mut released = self.stage.released.subscribe();
                    tokio::select! {
                        () = stop.cancelled() => return Err(EngineError::new(FailureKind::Cancelled, "stopped")),
                        () = room.closing.cancelled() => return Err(EngineError::new(FailureKind::Left, "left")),
                        _ = released.wait_for(|released| *released) => {}
                    }
                }
                Act::Stop => {
                    stop.cancelled().await;
                    return Err(EngineError::new(FailureKind::Cancelled, "stopped"));
                }
                Act::Deaf => stop.cancelled().await,
                Act::Make | Act::Score(_) => {}
            }
            if let Some(gone) = order.inputs().into_iter().find(|input| !room.path(input).exists()) {
                return Err(EngineError::new(FailureKind::BadInput, format!("{} is gone", gone.hash)));
            }
            let percent = match act {
                Act::Score(percent) => percent,
                Act::HangThen(percent) => Some(percent),
                _ => Some(90),
            };
            Ok(make(order, order.key(&self.name), room, percent))
        })
    }

    fn stands(&self, _: &Order, outputs: &Outputs) -> bool {
        // As of judges with eyes: what could not be judged is looked at again.
        !matches!(&outputs.reported, Some(Reported::Verdict { verdict }) if verdict.score.is_none() && verdict.seen.is_none())
    }

    fn outlives(&self) -> bool {
        self.stage.remembers.load(Ordering::SeqCst)
    }
}

/// An engine whose work needs a card.
pub struct Carded {
    told: Told,
    pub offer: watch::Sender<Availability>,
    /// Loads when it is told to be ready, and how long that takes; else models come with the first order.
    disk: Mutex<Option<(Arc<TestClock>, i64)>>,
}

impl Carded {
    /// From now on models come from a disk that takes `ms` for each.
    pub fn loads_in(&self, clock: Arc<TestClock>, ms: i64) {
        *self.disk.lock().unwrap() = Some((clock, ms));
    }
}

impl Engine for Carded {
    fn version(&self) -> String {
        self.told.version()
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, progress, stop }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            assert_eq!(room.seat, "left", "the scheduler says where");
            let mut made = self.told.run(order, Means { room, progress, stop }).await?;
            made.push(Artifact::On { card: "card".into(), server: "left".into() });
            Ok(made)
        })
    }

    fn offer(&self) -> Option<watch::Receiver<Availability>> {
        Some(self.offer.subscribe())
    }

    fn ready<'a>(&'a self, _: &'a str, _: &'a str) -> Boxed<'a, Result<Ready, EngineError>> {
        Box::pin(async move {
            let disk = self.disk.lock().unwrap();
            let Some((clock, ms)) = &*disk else { return Ok(Ready::WithFirstOrder) };
            clock.advance(*ms);
            Ok(Ready::Loaded)
        })
    }

    fn price(&self, _: &Order) -> f64 {
        0.5
    }
}

/// Tiny files with the facts the order asks for; equal orders lead to equal bytes.
fn make(order: &Order, key: ContentHash, room: &Workspace, percent: Option<u16>) -> Vec<Artifact> {
    let size = Size { width: 320, height: 180 };
    let sound = |samples| MediaFacts::Sound { samples, rate: 48_000, channels: 2 };
    let video =
        |fps, frames: Frames| MediaFacts::Video { size, fps, frames, codec: "h264".into(), samples: Samples(0) };
    let picture = || MediaFacts::Still { size };
    let files = match order {
        Order::Voice(order) => vec![(Role::Sound, sound(Samples(2880 * order.text.len() as u64)))],
        Order::Music(order) => vec![(Role::Sound, sound(order.at_least))],
        Order::Still(_) => vec![(Role::Picture, picture()), (Role::Layer, picture())],
        Order::Clip(order) => vec![(Role::Video, video(order.fps, order.frames))],
        Order::Normalise(order) => vec![(Role::Video, video(order.fps, order.frames)), (Role::LastFrame, picture())],
        Order::MixScene(order) => vec![(Role::Sound, sound(order.samples))],
        Order::JoinScene(order) => vec![(Role::Video, video(order.fps, Frames(48)))],
        Order::Master(order) => vec![(Role::Sound, sound(order.samples))],
        Order::JoinEpisode(order) => vec![
            (Role::Video, video(order.fps, order.frames)),
            (Role::Srt, MediaFacts::Other),
            (Role::Vtt, MediaFacts::Other),
        ],
        Order::Artwork(_) => vec![(Role::Thumb, picture()), (Role::Poster, picture()), (Role::Fanart, picture())],
        Order::Review(_) | Order::Publish(_) | Order::Train(_) => Vec::new(),
    };
    let file = |(number, (role, facts)): (usize, (Role, MediaFacts))| {
        let path = room.dir.join(format!("{number}.bin"));
        fs::write(&path, format!("{key} {role:?} {number}")).expect("the room can be written");
        Artifact::File { role, path, facts }
    };
    let mut made: Vec<Artifact> = files.into_iter().enumerate().map(file).collect();
    made.extend(match order {
        Order::Review(_) => Some(Artifact::Finding(Reported::Verdict {
            verdict: Verdict {
                judge: "judge".into(),
                score: percent.map(Score::from_percent),
                reason: percent.map_or_else(|| "nobody could say".into(), |percent| format!("{percent} percent")),
                ..Verdict::default()
            },
        })),
        Order::Publish(_) => Some(Artifact::Finding(Reported::Published { files: vec!["Show/film.mp4".into()] })),
        _ => None,
    });
    made
}
