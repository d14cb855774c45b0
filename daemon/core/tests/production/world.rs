//! A studio without engines: every order is answered at once, with files that are named after its key.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    fountain,
    gates::Gates,
    ids::ContentHash,
    media::MediaFacts,
    mixdown::{self, Ducking, Loudness},
    order::{AssetRef, Order, Output, Outputs, PublishMode, Reported, Role},
    production::{
        Billing, Cast, GateOutcome, Job, LibraryPlan, Overrides, Production, SoundPlan, gate, plan_jobs, planned,
        resolve,
    },
    script::{self, Defaults},
    take::Verdict,
    units::{Fps, Frames, Samples, Score, Seed, Size, Steps},
};

pub const EXAMPLE: &str = include_str!("../../../../examples/the-last-light.fountain");

/// How the script is to be made when nothing is said.
pub fn production(text: &str) -> Production {
    let screenplay = fountain::parse(text.as_bytes()).unwrap_or_else(|errors| panic!("{errors:?}"));
    let script = script::break_down(&screenplay, &Defaults::default()).unwrap_or_else(|errors| panic!("{errors:?}"));
    let billing = Billing {
        show: script.show.clone().unwrap_or_default(),
        folder: String::new(),
        year: 2025,
        season: 1,
        number: 1,
        title: script.episode_title.clone(),
        plot: script.plot.clone(),
        aired: "2025-11-21".into(),
        language: script.language.clone(),
        unique_id: "studio-1".into(),
    };
    Production {
        billing,
        script,
        seed: Seed(7),
        size: Size { width: 1280, height: 720 },
        fps: Fps::whole(24),
        gates: Gates::default(),
        steps: Steps(20),
        sound: SoundPlan {
            loudness: Loudness::default(),
            voice_lufs: mixdown::VOICE_LUFS,
            music_gain: mixdown::MUSIC_GAIN as f32,
            ducking: Ducking::default(),
            fade_in: Samples(48_000),
            fade_out: Samples(48_000),
        },
        cast: Cast {
            voice: "voice".into(),
            music: "music".into(),
            stills: "stills".into(),
            clips: "clips".into(),
            judge: "judge".into(),
            ..Cast::default()
        },
        burn_in: false,
        max_mib: None,
        library: Some(LibraryPlan { root: "/library".into(), mode: PublishMode::Symlink, unpublished: false }),
        by_hand: Overrides::default(),
        from_datasets: BTreeMap::new(),
        approve: BTreeSet::new(),
        golden: Vec::new(),
        portraits: None,
    }
}

/// What the engines of this studio do other than succeed.
#[derive(Clone, Copy)]
pub struct World {
    /// Score of a review, in percent; `None` is unreviewed.
    pub score: fn(Job) -> Option<u16>,
    /// Jobs that come to nothing.
    pub fails: fn(Job) -> bool,
}

impl Default for World {
    fn default() -> Self {
        Self { score: |_| Some(90), fails: |_| false }
    }
}

/// Everything that was made of a production.
#[derive(Debug, Default, PartialEq)]
pub struct Film {
    pub made: BTreeMap<Job, Outputs>,
    /// Every order by path.
    pub orders: BTreeMap<String, Order>,
    /// Key of every order by path.
    pub keys: BTreeMap<String, ContentHash>,
    /// What each gate said last, by path.
    pub gated: BTreeMap<String, GateOutcome>,
    /// Remarks by path.
    pub remarks: BTreeMap<String, Vec<String>>,
}

impl World {
    /// Makes what can be made, in the order it is planned.
    pub fn produce(self, production: &Production) -> Film {
        let mut film = Film::default();
        for planned in plan_jobs(production) {
            match planned.job {
                Job::Gate { .. } => self.pass(production, planned.job, &mut film),
                job if production.given(job).is_some() => {
                    film.made.insert(job, production.given(job).cloned().unwrap());
                }
                job => self.make(production, job, &mut film),
            }
        }
        film
    }

    fn pass(self, production: &Production, job: Job, film: &mut Film) {
        let Job::Gate { subject, scene, shot } = job else { return };
        // More takes than any gate allows, so that a gate that never ends is seen and not waited for.
        for _ in 0..9 {
            if job.needs(production).iter().any(|need| !film.made.contains_key(&need.job)) {
                return;
            }
            let gated = gate(production, subject, scene, shot, &film.made);
            film.gated.insert(job.path(), gated.clone());
            match gated {
                GateOutcome::Again { take, .. } => {
                    self.make(production, Job::Take { subject, scene, shot, take }, film);
                    self.make(production, Job::Review { subject, scene, shot, take }, film);
                }
                GateOutcome::Chosen { outputs, .. } => {
                    film.made.insert(job, outputs);
                    return;
                }
                GateOutcome::AskPerson { .. } | GateOutcome::ShowPerson { .. } => return,
            }
        }
        panic!("the gate of {} never ends", job.path());
    }

    fn make(self, production: &Production, job: Job, film: &mut Film) {
        let planned = planned(production, job);
        if (self.fails)(job) || planned.needs.iter().any(|need| !need.optional && !film.made.contains_key(&need.job)) {
            return;
        }
        let resolved = resolve(production, job, &film.made)
            .unwrap_or_else(|missing| panic!("{job} has all its needs, but {missing}"));
        let key = resolved.order.key(&planned.engine);
        let outputs = answer(&resolved.order, key, (self.score)(job));
        if !resolved.remarks.is_empty() {
            film.remarks.insert(job.path(), resolved.remarks.iter().map(ToString::to_string).collect());
        }
        film.keys.insert(job.path(), key);
        film.orders.insert(job.path(), resolved.order);
        film.made.insert(job, outputs);
    }
}

/// What an engine would leave behind: equal keys lead to equal files.
fn answer(order: &Order, key: ContentHash, percent: Option<u16>) -> Outputs {
    let sound = |samples| MediaFacts::Sound { samples, rate: 48_000, channels: 2 };
    let video = |fps, frames| MediaFacts::Video {
        size: Size { width: 1280, height: 720 },
        fps,
        frames,
        codec: "h264".into(),
        samples: Samples(0),
    };
    let picture = || MediaFacts::Still { size: Size { width: 1280, height: 720 } };
    let files = match order {
        // 60 ms for each letter: a longer line takes longer to say.
        Order::Voice(order) => vec![(Role::Sound, sound(Samples(2880 * order.text.chars().count() as u64)))],
        Order::Music(order) => vec![(Role::Sound, sound(order.at_least))],
        Order::Still(_) => vec![(Role::Picture, picture()), (Role::Layer, picture()), (Role::Layer, picture())],
        Order::Clip(order) => vec![(Role::Video, video(order.fps, order.frames))],
        Order::Review(_) | Order::Publish(_) | Order::Train(_) => Vec::new(),
        Order::Normalise(order) => {
            vec![(Role::Video, video(order.fps, order.frames)), (Role::LastFrame, picture())]
        }
        Order::MixScene(order) => vec![(Role::Sound, sound(order.samples))],
        Order::JoinScene(order) => vec![(Role::Video, video(order.fps, Frames(0)))],
        Order::Master(order) => vec![(Role::Sound, sound(order.samples))],
        Order::JoinEpisode(order) => vec![
            (Role::Video, video(order.fps, order.frames)),
            (Role::Srt, MediaFacts::Other),
            (Role::Vtt, MediaFacts::Other),
        ],
        Order::Artwork(_) => vec![(Role::Thumb, picture()), (Role::Poster, picture()), (Role::Fanart, picture())],
    };
    let file = |(number, (role, facts)): (usize, (Role, MediaFacts))| {
        let hash = ContentHash::of(format!("{key} {role:?} {number}").as_bytes());
        Output { role, asset: AssetRef { hash, ext: "bin".into() }, facts }
    };
    let verdict = Verdict {
        judge: "judge".into(),
        score: percent.map(Score::from_percent),
        reason: "as told".into(),
        ..Verdict::default()
    };
    let reported = matches!(order, Order::Review(_)).then_some(Reported::Verdict { verdict });
    Outputs { files: files.into_iter().enumerate().map(file).collect(), reported }
}
