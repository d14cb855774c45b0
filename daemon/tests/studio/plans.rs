//! Short screenplays, and how they are to be made.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    fountain,
    gates::Gates,
    ids::{ContentHash, ProjectId},
    mixdown::{self, Ducking, Loudness},
    order::PublishMode,
    production::{Billing, Cast, LibraryPlan, Overrides, Production, SoundPlan},
    project::Project,
    script::{self, Defaults},
    units::{Fps, Samples, Seed, Size, Steps},
};
use studiod::conductor::Produce;
use uuid::Uuid;

/// Two scenes, three shots, two lines.
pub const TWO_ROOMS: &str = "\
Title: Two Rooms

INT. KITCHEN - DAY

A kettle stands on a black stove. [[shot: wide, 2s]]

ANNA lifts it with a cloth. [[shot: medium]]

ANNA
Tea is ready.

EXT. GARDEN - DAY

BEN waits on the wet bench. [[shot: wide, 4s]]

BEN
At last.
";

/// One scene, two shots, where the same voice says the same word twice.
pub const TWICE: &str = "\
Title: Twice

INT. KITCHEN - DAY

ANNA looks at the door. [[shot: medium]]

ANNA
Hello?

ANNA looks at the window. [[shot: medium]]

ANNA
Hello?
";

/// `text` as an episode of the show of its title.
pub fn produce(text: &str) -> Produce {
    let screenplay = fountain::parse(text.as_bytes()).expect("the screenplay can be read");
    let script = script::break_down(&screenplay, &Defaults::default()).expect("the screenplay can be broken down");
    let id = ProjectId(Uuid::from_u128(ContentHash::of(script.title.as_bytes()).leading_u64().into()));
    let project = Project { seed: Seed(7), ..Project::beginning(id, script.title.clone(), 2025, &[]) };
    let billing = Billing {
        show: script.title.clone(),
        folder: String::new(),
        year: 2025,
        season: 1,
        number: 1,
        title: script.episode_title.clone(),
        plot: String::new(),
        aired: "2025-11-21".into(),
        language: "en".into(),
        unique_id: format!("{}-s01e01", project.slug),
    };
    let production = Production {
        script,
        billing,
        seed: project.seed,
        size: Size { width: 320, height: 180 },
        fps: Fps::whole(24),
        gates: Gates::default(),
        steps: Steps(25),
        sound: SoundPlan {
            loudness: Loudness::default(),
            voice_lufs: mixdown::VOICE_LUFS,
            music_gain: 0.3,
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
            named: BTreeMap::new(),
            ..Cast::default()
        },
        burn_in: false,
        max_mib: None,
        library: Some(LibraryPlan { root: "/nowhere".into(), mode: PublishMode::Symlink, unpublished: false }),
        by_hand: Overrides::default(),
        from_datasets: BTreeMap::new(),
        approve: BTreeSet::new(),
        golden: Vec::new(),
        portraits: None,
    };
    Produce { project, production, text: Some(text.to_owned()) }
}
