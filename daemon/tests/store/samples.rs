//! Small values of every noun; ids are made from small numbers.

use studio_core::{
    character::{Character, CharacterProfile, Established},
    episode::{Episode, EpisodeState},
    ids::{AttemptId, CharacterId, ContentHash, EpisodeId, LocationId, ProjectId, SceneId, ShotId, TakeId, TaskId},
    location::Location,
    media::MediaFacts,
    order::{AssetRef, Order, Output, Outputs, Role, VoiceOrder},
    production::Job,
    project::Project,
    scene::{Look, Scene, SceneState, Setting, TimeOfDay, Weather},
    shot::{CameraAngle, Line, Motion, Shot, ShotPlan, ShotType, Transition, VideoEngine},
    take::{Mark, MarkName, Subject, Take, Verdict},
    task::{Attempt, AttemptState, Class, Task, TaskState},
    units::{Millis, Samples, Score, Seed, Steps},
};
use studiod::store::{Db, assets::Asset, episodes, projects, scenes, shots};
use uuid::Uuid;

use super::bed::write;

/// A seed that does not fit a signed 64-bit number.
pub const WIDE: Seed = Seed(u64::MAX - 1);

pub fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number)
}

pub fn hash(name: &str) -> ContentHash {
    ContentHash::of(name.as_bytes())
}

pub fn project() -> Project {
    Project {
        id: ProjectId(uuid(1)),
        slug: "the-light".into(),
        title: "The Light".into(),
        original_title: "The Light".into(),
        folder: String::new(),
        year: 2026,
        seed: WIDE,
    }
}

pub fn character(number: u128, slug: &str) -> Character {
    let name = slug.to_uppercase();
    let profile = CharacterProfile::from_name(&name, None, None);
    Character {
        id: CharacterId(uuid(number)),
        project_id: project().id,
        slug: slug.into(),
        name,
        profile,
        established: Established::default(),
    }
}

pub fn location(number: u128, slug: &str) -> Location {
    Location {
        id: LocationId(uuid(number)),
        project_id: project().id,
        slug: slug.into(),
        name: slug.to_uppercase(),
        setting: Setting::Exterior,
    }
}

pub fn episode(id: u128, number: u32) -> Episode {
    Episode {
        id: EpisodeId(uuid(id)),
        project_id: project().id,
        season: 1,
        number,
        title: format!("Part {number}"),
        plot: "A keeper's last night — 光.".into(),
        aired: "2026-11-20".into(),
        state: EpisodeState::Draft,
        film: None,
        thumbnail: None,
        actual_frames: None,
        published: None,
        remarks: vec![],
        remarked: vec![],
    }
}

pub fn scene(id: u128, episode: EpisodeId, number: u32) -> Scene {
    Scene {
        id: SceneId(uuid(id)),
        episode_id: episode,
        location_id: None,
        number,
        title: format!("Scene {number}"),
        look: Look {
            setting: Setting::Interior,
            location: "Lamp room".into(),
            time_of_day: TimeOfDay::Night,
            weather: Weather::Storm,
            mood: "tense".into(),
            synopsis: "The lamp fails.".into(),
        },
        transition: Transition::BETWEEN_SCENES,
        state: SceneState::Draft,
        target_frames: 300,
        actual_frames: None,
        film: None,
    }
}

pub fn shot(id: u128, scene: SceneId, number: u32) -> Shot {
    let line = Line { character: "MARA".into(), text: "It's \"out\".".into(), parenthetical: None, dual: false };
    let plan = ShotPlan {
        shot_type: ShotType::CloseUp,
        angle: CameraAngle::OverShoulder,
        motion: Motion::PushIn,
        description: "Mara at the lamp.".into(),
        characters: vec!["MARA".into()],
        lines: vec![line],
        planned_ms: 4000,
        fixed_length: true,
        transition: Transition::BETWEEN_SHOTS,
        engine: Some(VideoEngine::Wan),
        continues: false,
        own_still: false,
        loras: Vec::new(),
        card: None,
    };
    Shot::new(ShotId(uuid(id)), scene, number, plan)
}

pub fn take(id: u128, shot: ShotId, attempt: u32, file: &str) -> Take {
    Take {
        id: TakeId(uuid(id)),
        shot_id: shot,
        subject: Subject::Clip,
        attempt,
        seed: Seed(u64::MAX),
        steps: Steps(20),
        asset: hash(file),
        verdict: None,
        chosen: false,
    }
}

pub fn verdict(percent: u16) -> Verdict {
    let mark =
        Mark { name: MarkName::Blur, score: Score::from_percent(percent), measured: 112.5, unit: "variance".into() };
    Verdict {
        judge: "draft.judge".into(),
        score: Some(Score::from_percent(percent)),
        reason: "sharp enough".into(),
        marks: vec![mark],
        ..Verdict::default()
    }
}

pub fn task(id: u128, episode: Option<EpisodeId>, slot: &str) -> Task {
    Task {
        id: TaskId(uuid(id)),
        episode_id: episode,
        slot: slot.into(),
        engine: "draft.voice".into(),
        class: Class::Production,
        state: TaskState::Waiting,
        fault: None,
        reason: "waits for its turn".into(),
        job: slot.parse().unwrap_or(Job::Golden { number: id as u32 }).into(),
        key: None,
        outputs: None,
        strikes: 0,
        relief: Vec::new(),
        not_before: Millis(0),
        created: Millis(1000 + id as i64),
        updated: Millis(1000 + id as i64),
    }
}

pub fn attempt(id: u128, task: TaskId, key: &str) -> Attempt {
    let order = VoiceOrder {
        character: "MARA".into(),
        profile: CharacterProfile::from_name("Mara", None, None),
        text: "It's out.".into(),
        manner: Some("whispers".into()),
        language: "en".into(),
        voice: None,
        sample: None,
    };
    Attempt {
        id: AttemptId(uuid(id)),
        task_id: task,
        key: hash(key),
        engine: "draft.voice/1".into(),
        order: Order::Voice(order),
        state: AttemptState::Running,
        outputs: None,
        error: None,
        started: Millis(5000),
        ended: None,
        relief: Vec::new(),
        kind_of_work: None,
        card: None,
        server: None,
        energy_wh: None,
    }
}

pub fn outputs(file: &str) -> Outputs {
    let facts = MediaFacts::Sound { samples: Samples(48_000), rate: 48_000, channels: 1 };
    let output = Output { role: Role::Sound, asset: AssetRef { hash: hash(file), ext: "wav".into() }, facts };
    Outputs { files: vec![output], reported: None }
}

pub fn asset(file: &str, made_by: Option<AttemptId>) -> Asset {
    Asset {
        file: AssetRef { hash: hash(file), ext: "wav".into() },
        bytes: 96_044,
        facts: MediaFacts::Sound { samples: Samples(48_000), rate: 48_000, channels: 1 },
        attempt_id: made_by,
        inputs: vec![hash("input")],
        created: Millis(6000),
        missing: false,
    }
}

/// One project, episode, scene and shot, stored.
pub async fn one_shot(db: &Db) -> (Episode, Scene, Shot) {
    write!(db, |tx| projects::upsert(tx, &project())).unwrap();
    let episode = write!(db, |tx| episodes::upsert(tx, &episode(2, 1))).unwrap();
    let scene = write!(db, |tx| scenes::replace_all(tx, episode.id, &[scene(3, episode.id, 1)])).unwrap().remove(0);
    let shot = write!(db, |tx| shots::replace_all(tx, scene.id, &[shot(4, scene.id, 1)])).unwrap().remove(0);
    (episode, scene, shot)
}
