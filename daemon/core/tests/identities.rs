//! Texts that things are found again by: words in the database, what a part shows, kinds of work, versions of models,
//! keys of orders. They are contracts with every data directory there is. Whoever changes one on purpose detaches what
//! people decided or makes films anew, and says so in the changelog.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::PathBuf,
};

use serde::Serialize;
use studio_core::{
    character::{Age, Appearance, CharacterProfile, CommonError, Gender},
    ids::ContentHash,
    ladder::Rung,
    model::{Catalogue, PromptStyle},
    order::{
        AssetRef, ClipOrder, Figure, Lora, MusicOrder, Order, PublishMode, Quality, Recipe, ReviewOrder, Role,
        StillOrder, VoiceOrder,
    },
    production::{Checkpoint, Job, Production, shows},
    recipe,
    review::{Confusable, Issue, Shown, Species},
    scene::{Look, Setting, TimeOfDay, Weather},
    shot::{CameraAngle, Motion, ShotType, TransitionKind, VideoEngine},
    take::Subject,
    units::{Fps, Frames, Samples, Seed, Size, Steps},
    workflow::{Descriptor, SlotValue, Workflow},
};

#[expect(dead_code, reason = "no film is made here")]
#[path = "production/world.rs"]
mod world;

use world::{EXAMPLE, production};

const SHOT_TYPES: [ShotType; 6] = [
    ShotType::Establishing,
    ShotType::Wide,
    ShotType::Medium,
    ShotType::CloseUp,
    ShotType::ExtremeCloseUp,
    ShotType::Action,
];
const SUBJECTS: [Subject; 2] = [Subject::Still, Subject::Clip];
const QUALITIES: [Quality; 3] = [Quality::Draft, Quality::Standard, Quality::Best];

/// The words these values have wherever they are stored, sent or part of a key.
fn words<T: Serialize>(name: &str, values: &[T]) -> String {
    let words: Vec<String> = values.iter().map(|value| serde_json::to_string(value).unwrap()).collect();
    format!("{name}: {}\n", words.join(" "))
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn words_of_what_is_stored_are_as_they_were() {
    use studio_core::{
        access,
        episode::EpisodeState,
        fleet::Scope,
        learning::Confidence,
        production,
        scene::SceneState,
        shot::ShotState,
        task::{AttemptState, Class, TaskState},
    };
    let table = [
        words(
            "task",
            &[TaskState::Waiting, TaskState::Running, TaskState::Succeeded, TaskState::Failed, TaskState::Cancelled],
        ),
        words("class", &[Class::Interactive, Class::Production, Class::Background]),
        words(
            "attempt",
            &[
                AttemptState::Running,
                AttemptState::Succeeded,
                AttemptState::Failed,
                AttemptState::Lost,
                AttemptState::Cancelled,
            ],
        ),
        words(
            "shot",
            &[
                ShotState::Pending,
                ShotState::Generating,
                ShotState::Completed,
                ShotState::AcceptedBest,
                ShotState::AskPerson,
                ShotState::Failed,
            ],
        ),
        words("scene", &[SceneState::Draft, SceneState::Generating, SceneState::Completed, SceneState::Failed]),
        words(
            "episode",
            &[
                EpisodeState::Draft,
                EpisodeState::Producing,
                EpisodeState::AwaitingApproval,
                EpisodeState::Assembled,
                EpisodeState::Published,
                EpisodeState::Failed,
            ],
        ),
        words("stage", &production::Stage::ALL),
        words("checkpoint", &Checkpoint::ALL),
        words("subject", &SUBJECTS),
        words("shot type", &SHOT_TYPES),
        words(
            "angle",
            &[
                CameraAngle::EyeLevel,
                CameraAngle::High,
                CameraAngle::Low,
                CameraAngle::Dutch,
                CameraAngle::Overhead,
                CameraAngle::OverShoulder,
            ],
        ),
        words(
            "motion",
            &[
                Motion::Static,
                Motion::PanLeft,
                Motion::PanRight,
                Motion::PushIn,
                Motion::PullOut,
                Motion::TiltUp,
                Motion::TiltDown,
                Motion::Handheld,
            ],
        ),
        words(
            "video engine",
            &[VideoEngine::Draft, VideoEngine::Framepack, VideoEngine::FramepackF1, VideoEngine::Ltx, VideoEngine::Wan],
        ),
        words(
            "transition",
            &[
                TransitionKind::Cut,
                TransitionKind::Dissolve,
                TransitionKind::Fade,
                TransitionKind::FadeBlack,
                TransitionKind::WipeLeft,
            ],
        ),
        words(
            "role",
            &[
                Role::Picture,
                Role::Layer,
                Role::Video,
                Role::LastFrame,
                Role::Sound,
                Role::Srt,
                Role::Vtt,
                Role::Thumb,
                Role::Poster,
                Role::Fanart,
            ],
        ),
        words("quality", &QUALITIES),
        words("rung", &Rung::ORDER),
        words("issue", &Issue::ALL),
        words("publish", &[PublishMode::Symlink, PublishMode::Hardlink, PublishMode::Copy]),
        words("setting", &[Setting::Interior, Setting::Exterior, Setting::Both]),
        words(
            "time of day",
            &[
                TimeOfDay::Dawn,
                TimeOfDay::Morning,
                TimeOfDay::Midday,
                TimeOfDay::Afternoon,
                TimeOfDay::Sunset,
                TimeOfDay::Evening,
                TimeOfDay::Night,
            ],
        ),
        words(
            "weather",
            &[Weather::Clear, Weather::Cloudy, Weather::Rain, Weather::Storm, Weather::Snow, Weather::Fog],
        ),
        words("gender", &[Gender::Female, Gender::Male, Gender::Neutral]),
        words("age", &[Age::Child, Age::Adult, Age::Elder]),
        words("prompt style", &[PromptStyle::Prose, PromptStyle::Booru, PromptStyle::MotionFirst, PromptStyle::Script]),
        words("confidence", &[Confidence::Low, Confidence::Medium, Confidence::High]),
        words(
            "pause",
            &[
                Scope::Studio,
                Scope::Gpu("0000:03:00.0".into()),
                Scope::Engine("comfy".into()),
                Scope::Project("the-last-light".into()),
            ],
        ),
        words("token", &[access::Scope::Read, access::Scope::Review, access::Scope::Write, access::Scope::Admin]),
    ];
    insta::assert_snapshot!(table.concat());
}

/// A film of one shot of each type.
fn every_shot_type() -> Production {
    let mut film = production(EXAMPLE);
    let shot = film.script.scenes[0].shots[0].clone();
    film.script.scenes[0].shots = SHOT_TYPES
        .iter()
        .map(|shot_type| {
            let mut shot = shot.clone();
            shot.plan.shot_type = *shot_type;
            shot
        })
        .collect();
    film
}

#[test]
fn what_parts_show_is_told_in_the_same_words() {
    let film = every_shot_type();
    let mut table = String::new();
    for shot in 1..=SHOT_TYPES.len() as u32 {
        for subject in SUBJECTS {
            writeln!(table, "{}", shows(&film, Job::Gate { subject, scene: 1, shot }).unwrap()).unwrap();
        }
    }
    let film = production(EXAMPLE);
    let spoken = (1..=9).map(|shot| Job::Voice { scene: 1, shot, line: 1 }).find_map(|job| shows(&film, job));
    writeln!(table, "{}", spoken.unwrap()).unwrap();
    writeln!(table, "{}", shows(&film, Job::Music { scene: 1 }).unwrap()).unwrap();
    insta::assert_snapshot!(table);
}

/// A job of every kind.
const JOBS: [Job; 17] = [
    Job::Voice { scene: 1, shot: 2, line: 3 },
    Job::Take { subject: Subject::Still, scene: 1, shot: 2, take: 3 },
    Job::Take { subject: Subject::Clip, scene: 1, shot: 2, take: 3 },
    Job::Review { subject: Subject::Still, scene: 1, shot: 2, take: 3 },
    Job::Review { subject: Subject::Clip, scene: 1, shot: 2, take: 3 },
    Job::Gate { subject: Subject::Still, scene: 1, shot: 2 },
    Job::Gate { subject: Subject::Clip, scene: 1, shot: 2 },
    Job::Normalise { scene: 1, shot: 2 },
    Job::Music { scene: 1 },
    Job::Mix { scene: 1 },
    Job::SceneFilm { scene: 1 },
    Job::Sound,
    Job::Film,
    Job::Artwork,
    Job::Library,
    Job::Golden { number: 4 },
    Job::Portraits { number: 2 },
];

/// Kept in `tasks.slot`, `tasks.job` and `by_hand.slot`; stages also in `decisions.outcome`.
#[test]
fn jobs_are_kept_as_they_were() {
    let mut table = String::new();
    for job in JOBS {
        writeln!(table, "{} | {} | {}", job.path(), serde_json::to_string(&job).unwrap(), job.stage().word()).unwrap();
    }
    insta::assert_snapshot!(table);
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn workflows() -> BTreeMap<String, Workflow> {
    let names: BTreeSet<PathBuf> = fs::read_dir(root().join("workflows"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .collect();
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let graph = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let about: Descriptor = toml::from_str(&fs::read_to_string(path.with_extension("toml")).unwrap()).unwrap();
        (name.clone(), Workflow::new(&name, graph, about).unwrap())
    };
    names.into_iter().map(read).collect()
}

fn asset(name: &str) -> AssetRef {
    AssetRef { hash: ContentHash::of(name.as_bytes()), ext: "png".into() }
}

fn recipe(model: &str, whole: bool) -> Recipe {
    let plain = Recipe { model: model.into(), quality: Quality::Standard, ..Recipe::default() };
    if !whole {
        return plain;
    }
    Recipe {
        quality: Quality::Best,
        loras: vec![Lora {
            file: "mara.safetensors".into(),
            base: "sdxl".into(),
            strength_percent: 80,
            trigger: String::new(),
        }],
        references: vec![asset("reference")],
        style: "watercolour".into(),
        place: "a red door".into(),
        issues: Issue::ALL.to_vec(),
        retake: 2,
        avoid: vec!["letters".into()],
        settings: BTreeMap::from([
            ("cfg".into(), SlotValue::Float(5.5)),
            ("sampler".into(), SlotValue::Text("euler".into())),
            ("steps".into(), SlotValue::Int(30)),
            ("tiled".into(), SlotValue::Bool(true)),
        ]),
        prompt: Some(PromptStyle::MotionFirst),
        ..plain
    }
}

fn look() -> Look {
    Look {
        setting: Setting::Exterior,
        location: "Lighthouse".into(),
        time_of_day: TimeOfDay::Night,
        weather: Weather::Storm,
        mood: "tense".into(),
        synopsis: "A storm comes.".into(),
    }
}

fn figure() -> Figure {
    Figure {
        name: "Mara".into(),
        profile: CharacterProfile { gender: Gender::Female, age: Age::Elder, seed: Seed(11) },
        appearance: Some(Appearance {
            design: "an oilskin coat".into(),
            species: "star-shaped".into(),
            colors: BTreeMap::from([("hair".into(), "silver".into())]),
            features: vec!["a scar".into()],
            errors: vec![CommonError { seen: "the letter is an M".into(), avoid: "letter M".into() }],
            avoid: vec!["hats".into()],
        }),
        staging: None,
    }
}

fn still(recipe: Recipe, source: Option<AssetRef>) -> Order {
    Order::Still(StillOrder {
        look: look(),
        shot_type: ShotType::ExtremeCloseUp,
        angle: CameraAngle::OverShoulder,
        description: "Mara looks at the sea.".into(),
        card: None,
        figures: vec![figure()],
        speaker: Some(0),
        slate: "1-2 EXTREME CLOSE-UP".into(),
        size: Size { width: 1280, height: 720 },
        seed: Seed(7),
        steps: Steps(25),
        source,
        recipe: Some(recipe),
    })
}

fn clip(recipe: Recipe, source: Option<AssetRef>) -> Order {
    Order::Clip(ClipOrder {
        source,
        layers: vec![asset("layer")],
        description: "Mara runs up the stairs.".into(),
        motion: Motion::PushIn,
        size: Size { width: 1280, height: 720 },
        fps: Fps::whole(24),
        frames: Frames(96),
        wanted: Some(VideoEngine::FramepackF1),
        seed: Seed(7),
        steps: Steps(25),
        look: Some(look()),
        shot_type: Some(ShotType::CloseUp),
        figures: vec![figure()],
        script: Some("MARA: \"Up!\"".into()),
        recipe: Some(recipe),
    })
}

fn music(recipe: Recipe) -> Order {
    Order::Music(MusicOrder {
        mood: "tense".into(),
        tempo_bpm: Some(90),
        at_least: Samples(48_000 * 42),
        seed: Seed(7),
        caption: Some("cinematic".into()),
        recipe: Some(recipe),
    })
}

/// Every field an order may have, in its key.
#[test]
fn keys_of_orders_that_say_everything_are_as_they_were() {
    let voice = Order::Voice(VoiceOrder {
        character: "Mara".into(),
        profile: figure().profile,
        text: "Up!".into(),
        manner: Some("whispers".into()),
        language: "en".into(),
        voice: Some("af_heart".into()),
        sample: Some(asset("sample")),
    });
    let review = Order::Review(ReviewOrder {
        subject: asset("take"),
        expected: None,
        reference: Some(asset("still")),
        anchor: Some(asset("first")),
        may_stand_still: true,
        dataset: false,
        describe: false,
        candidates: Vec::new(),
        turn: 0,
        shown: Some(Shown {
            eye: "gemma3:12b".into(),
            figures: vec![figure()],
            description: "Mara runs.".into(),
            style: "watercolour".into(),
            hint: "flat colours".into(),
            references: vec![asset("reference")],
            confusable: vec![Confusable { name: "Mara".into(), other: "Ada".into(), by: "the coat".into() }],
            species: vec![Species {
                name: "owl".into(),
                right: "wings".into(),
                wrong: "arms".into(),
                negative: "hands".into(),
            }],
            axes: Vec::new(),
        }),
    });
    let orders = [
        ("voice", voice),
        ("music", music(recipe("ace_step_15", true))),
        ("still", still(recipe("sdxl", true), Some(asset("picture")))),
        ("still, plainly", still(recipe("sdxl", false), None)),
        ("clip", clip(recipe("framepack", true), Some(asset("picture")))),
        ("clip, plainly", clip(recipe("framepack", false), None)),
        ("review", review),
    ];
    let mut table = String::new();
    for (name, order) in orders {
        writeln!(table, "{name} | {} | {}", order.key("engine/1"), serde_json::to_string(&order).unwrap()).unwrap();
    }
    insta::assert_snapshot!(table);
}

/// What is told of a model and its workflow in the key of everything it makes; the prefix `comfy/1` is the engine's.
#[test]
fn versions_of_shipped_models_are_as_they_were() {
    let text = fs::read_to_string(root().join("models.toml")).unwrap();
    let (catalogue, flows): (Catalogue, _) = (toml::from_str(&text).unwrap(), workflows());
    let mut table = String::new();
    for name in catalogue.models.keys().map(String::as_str).chain(["unknown"]) {
        for (kind, order) in [
            ("still", still(recipe(name, false), None)),
            ("still from a picture", still(recipe(name, false), Some(asset("picture")))),
            ("clip", clip(recipe(name, false), None)),
            ("clip from a picture", clip(recipe(name, false), Some(asset("picture")))),
            ("music", music(recipe(name, false))),
        ] {
            let version = recipe::version(&catalogue, &flows, &order).unwrap();
            writeln!(table, "{name} | {kind} | {version}").unwrap();
        }
    }
    insta::assert_snapshot!(table);
}

/// Every key a catalogue and a description of a workflow may have. New ones with nothing in them must not be told.
#[test]
fn a_model_and_a_workflow_that_say_everything_are_told_as_they_were() {
    let catalogue: Catalogue = toml::from_str(EVERYTHING_OF_A_MODEL).unwrap();
    let about: Descriptor = toml::from_str(EVERYTHING_OF_A_WORKFLOW).unwrap();
    let least: Descriptor = toml::from_str(LEAST_OF_A_WORKFLOW).unwrap();
    let newer = EVERYTHING_OF_A_WORKFLOW.replace("clings =", "free_after_failure =");
    assert_eq!(toml::from_str::<Descriptor>(&newer).unwrap(), about, "a key and its older word are one");
    let graph = serde_json::json!({
        "2": { "class_type": "Save", "inputs": { "filename_prefix": "x", "images": ["1", 0] } },
        "1": { "class_type": "Make", "inputs": { "seed": 1, "name": "a.safetensors" } },
    });
    let whole = Workflow::new("whole", graph.clone(), about).unwrap();
    let least = Workflow::new("least", graph, least).unwrap();
    let flows = BTreeMap::from([("whole".to_owned(), whole.clone()), ("least".to_owned(), least.clone())]);
    let mut table = String::new();
    for (name, model) in &catalogue.models {
        let order = still(recipe(name, false), None);
        writeln!(
            table,
            "{name} | {} | {}",
            recipe::version(&catalogue, &flows, &order).unwrap(),
            model.identity(&flows)
        )
        .unwrap();
    }
    for flow in [whole, least] {
        writeln!(table, "{} | {}", flow.name, flow.fingerprint()).unwrap();
    }
    insta::assert_snapshot!(table);
}

const EVERYTHING_OF_A_MODEL: &str = r#"
    [models.whole]
    title = "Whole"
    makes = "stills"
    base = "sdxl"
    engine = "framepack_f1"
    workflows = { t2i = "whole", i2i = "whole" }
    files = { checkpoint = "a.safetensors" }
    lora_base = "sdxl"
    vram_mib = 8000
    load_s = 20
    prompt = "booru"
    positive = "best"
    negative = "worst"
    strip = ["smoke"]
    solo = "solo"
    hint = "flat"
    tokens = 77
    pass_shift = -5
    pixels = 1048576
    steps = 25
    settings = { cfg = 7.0, sampler = "euler", shift = 3, tiled = true }
    price = { call = 0.01, second = 0.5 }
    [models.whole.quality.draft]
    steps = 10
    pixels_percent = 60
    settings = { cfg = 5.0 }
    [models.whole.quality.best]
    steps = 40

    [models.least]
    title = "Least"
    makes = "stills"
    base = "sd15"
    workflows = { t2i = "least" }
    vram_mib = 8000
    load_s = 20
    steps = 25
"#;

const EVERYTHING_OF_A_WORKFLOW: &str = r#"
    title = "Whole"
    does = ["t2i", "i2i", "i2v", "t2v", "first_last", "lora", "ipadapter", "t2a", "interpolate", "upscale", "selftest"]
    outputs = [{ node = "2", kind = "image" }]
    files = [{ folder = "clip_vision", name = "c.safetensors" }]
    packs = [{ name = "Pack", classes = ["Make"] }]
    length = { rule = "framepack", window = 9, f1 = true, max = 100 }
    size = { rule = "multiple", of = 8, pixels = 1048576 }
    fps = 30
    stepping = { node = "1", passes = "sections", backwards = true }
    clings = true
    tiled = "least"
    quantised = "least"
    [slots.prefix]
    to = ["2.filename_prefix"]
    kind = "text"
    required = true
    [slots.seed]
    to = ["1.seed"]
    kind = "int"
    min = 0.0
    max = 10.0
    multiple = 1
    unit = "n"
    about = "the seed"
    [slots.checkpoint]
    to = ["1.name"]
    kind = "file"
    folder = "checkpoints"
"#;

const LEAST_OF_A_WORKFLOW: &str = r#"
    title = "Least"
    does = ["t2i"]
    outputs = [{ node = "2", kind = "image" }]
    [slots.prefix]
    to = ["2.filename_prefix"]
    kind = "text"
    required = true
"#;

/// What durations are learned by before an order is known.
#[test]
fn kinds_of_work_are_as_they_were() {
    let mut film = every_shot_type();
    film.script.scenes[0].shots[1].plan.planned_ms = 4_999;
    let mut table = String::new();
    for quality in QUALITIES {
        film.cast.models = Some(studio_core::production::ModelCast { quality, ..Default::default() });
        for job in JOBS {
            writeln!(table, "{}", film.kind_of_work(job)).unwrap();
        }
    }
    film.cast.models = None;
    writeln!(table, "{}", film.kind_of_work(JOBS[1])).unwrap();
    insta::assert_snapshot!(table);
}
