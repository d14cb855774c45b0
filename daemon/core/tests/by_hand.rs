//! What people put in place, lock, and ask for again.

use studio_core::{
    ids::ContentHash,
    media::MediaFacts,
    order::{AssetRef, Order, Output, Outputs, Role},
    production::{
        FilmRemark, GateOutcome, Job, ModelCast, ModelChoice, Override, Overrides, Production, SourcePicture, TakenUp,
        plan_jobs, shows,
    },
    take::Subject,
    units::{Fps, Frames, Samples, Size},
    workflow::SlotValue,
};

#[path = "production/world.rs"]
mod world;

use world::{EXAMPLE, World, production};

const CLIP: Job = Job::Gate { subject: Subject::Clip, scene: 1, shot: 2 };
const STILL: Job = Job::Gate { subject: Subject::Still, scene: 1, shot: 2 };

fn file(name: &str, role: Role, facts: MediaFacts) -> Outputs {
    let asset = AssetRef { hash: ContentHash::of(name.as_bytes()), ext: "bin".into() };
    Outputs { files: vec![Output { role, asset, facts }], reported: None }
}

fn clip(frames: u64) -> Outputs {
    let (size, fps) = (Size { width: 640, height: 360 }, Fps::whole(24));
    let facts = MediaFacts::Video { size, fps, frames: Frames(frames), codec: "h264".into(), samples: Samples(0) };
    file("mine", Role::Video, facts)
}

fn ruling(production: &Production, job: Job, given: Outputs) -> Override {
    Override { given: Some(given), ..Override::plain(job, shows(production, job).unwrap()) }
}

#[test]
fn nothing_is_made_for_what_a_person_put_in_place() {
    let mut mine = production(EXAMPLE);
    let (music, line) = (Job::Music { scene: 2 }, Job::Voice { scene: 2, shot: 2, line: 1 });
    let sound =
        |name| file(name, Role::Sound, MediaFacts::Sound { samples: Samples(480_000), rate: 48_000, channels: 2 });
    let rulings =
        vec![ruling(&mine, CLIP, clip(500)), ruling(&mine, music, sound("tune")), ruling(&mine, line, sound("actor"))];
    assert_eq!(mine.take_up(rulings), TakenUp::default());
    let planned = plan_jobs(&mine);
    let slots: Vec<String> = planned.iter().map(|one| one.job.path()).collect();
    assert!(!slots.iter().any(|slot| slot.starts_with("scene 1/shot 2/clip/")), "{slots:?}");
    for job in [CLIP, music, line] {
        let one = planned.iter().find(|one| one.job == job).unwrap();
        assert_eq!((one.engine.as_str(), one.needs.len()), ("studio", 0), "{job}");
    }
    let film = World::default().produce(&mine);
    assert!(matches!(&film.gated[&CLIP.path()], GateOutcome::Chosen { take: 0, passed: true, .. }));
    let Order::Normalise(master) = &film.orders["scene 1/shot 2/master"] else { panic!() };
    assert_eq!((master.clip.hash, master.hold), (ContentHash::of(b"mine"), true));
    let Order::MixScene(mix) = &film.orders["scene 2/mix"] else { panic!() };
    assert_eq!(mix.music.as_ref().unwrap().hash, ContentHash::of(b"tune"));
    assert!(mix.voices.iter().any(|voice| voice.sound.hash == ContentHash::of(b"actor")));
    assert_eq!(film.remarks.get("scene 1/shot 2/master"), None, "500 frames are enough");
    assert!(film.made.contains_key(&Job::Library));
}

#[test]
fn a_clip_that_is_too_short_is_held_and_said_to_be() {
    let mut mine = production(EXAMPLE);
    mine.take_up(vec![ruling(&mine.clone(), CLIP, clip(12))]);
    let film = World::default().produce(&mine);
    let said = &film.remarks["scene 1/shot 2/master"][0];
    assert!(said.contains("shorter than its shot: its last picture is held"), "{said}");
}

#[test]
fn a_decision_follows_its_shot_and_never_lands_on_another() {
    let before = production(EXAMPLE);
    let put = || vec![ruling(&before, STILL, clip(1)), ruling(&before, CLIP, clip(1))];
    // A scene in front moves every number.
    let first = EXAMPLE.find("\nEXT.").or_else(|| EXAMPLE.find("\nINT.")).unwrap();
    let moved = format!("{}\nINT. ATTIC - NIGHT\n\nA mouse.\n{}", &EXAMPLE[..first], &EXAMPLE[first..]);
    let mut after = production(&moved);
    let taken = after.take_up(put());
    let moved: Vec<(String, String)> = taken.moved.iter().map(|(from, now)| (from.path(), now.job.path())).collect();
    assert_eq!(
        moved,
        [("scene 1/shot 2/still", "scene 2/shot 2/still"), ("scene 1/shot 2/clip", "scene 2/shot 2/clip")]
            .map(|(from, now)| (from.to_owned(), now.to_owned()))
    );
    assert_eq!(taken.lost, []);
    let there: Vec<String> = after.by_hand.given.keys().map(|job| job.path()).collect();
    assert_eq!(there, ["scene 2/shot 2/still", "scene 2/shot 2/clip"]);
    // A shot that shows something else is another shot.
    let mut other = before.clone();
    other.script.scenes[0].shots[1].plan.description = "Something else entirely.".into();
    let lost = other.take_up(put()).lost;
    assert_eq!((lost.len(), other.by_hand.given.len()), (2, 0));
    assert!(lost[0].to_string().contains("the script no longer has it"), "{lost:?}");
}

/// Two shots that show the same: decisions about both stay with their numbers, whoever comes first.
#[test]
fn decisions_about_twins_do_not_change_places() {
    let text = "Title: Twins\n\nINT. ATTIC - NIGHT\n\nA mouse. [[shot: wide]]\n\nA mouse. [[shot: wide]]\n";
    let plain = production(text);
    let slot = |shot| Job::Gate { subject: Subject::Clip, scene: 1, shot };
    assert_eq!(shows(&plain, slot(1)), shows(&plain, slot(2)));
    let mut both = plain.clone();
    let taken = both.take_up(vec![ruling(&plain, slot(2), clip(2)), ruling(&plain, slot(1), clip(1))]);
    assert_eq!(taken, TakenUp::default());
    assert_eq!((both.given(slot(1)), both.given(slot(2))), (Some(&clip(1)), Some(&clip(2))));
}

#[test]
fn another_take_is_made_when_a_person_asks_even_of_a_good_one() {
    let mut mine = production(EXAMPLE);
    let wish = Override { takes: 2, ..Override::plain(CLIP, shows(&mine, CLIP).unwrap()) };
    mine.take_up(vec![wish]);
    let film = World::default().produce(&mine);
    assert!(matches!(&film.gated[&CLIP.path()], GateOutcome::Chosen { take: 2, passed: true, .. }), "{:?}", film.gated);
    let plain = World::default().produce(&production(EXAMPLE));
    let (first, second) = ("scene 1/shot 2/clip/take 1", "scene 1/shot 2/clip/take 2");
    assert_eq!(film.keys[first], plain.keys[first]);
    assert_ne!(film.keys[second], film.keys[first]);
}

/// As it stands in databases since there are decisions.
#[test]
fn decisions_are_kept_by_the_paths_of_their_parts() {
    let kept = r#"{"given":{"scene 1/music":{"files":[],"reported":null},"scene 1/shot 2/still":{"files":[],"reported":null}},"takes":{"scene 1/shot 10/clip":2,"scene 1/shot 2/clip":3}}"#;
    let read: Overrides = serde_json::from_str(kept).unwrap();
    assert_eq!((read.given.len(), read.takes.get(&CLIP)), (2, Some(&3)));
    assert_eq!(serde_json::to_string(&read).unwrap(), kept);
    let approved = Overrides { approved: [(CLIP, ContentHash::of(b"seen"))].into(), ..Overrides::default() };
    let text = serde_json::to_string(&approved).unwrap();
    assert!(text.starts_with(r#"{"given":{},"takes":{},"approved":{"scene 1/shot 2/clip":""#), "{text}");
    assert_eq!(serde_json::from_str::<Overrides>(&text).unwrap(), approved);
    assert_eq!(serde_json::from_str::<Overrides>("{}").unwrap(), Overrides::default());
    let refused = serde_json::from_str::<Overrides>(r#"{"takes":{"scene 1/shot two":2}}"#).unwrap_err();
    assert!(refused.to_string().contains("'scene 1/shot two' names no job"), "{refused}");

    let ruling = r#"{"slot":"scene 1/shot 2/clip","shows":"a lamp","given":null,"takes":2,"approved":null}"#;
    let read: Override = serde_json::from_str(ruling).unwrap();
    assert_eq!((read.job, serde_json::to_string(&read).unwrap()), (CLIP, ruling.to_owned()));
}

#[test]
fn a_source_picture_is_in_the_order_of_its_shot_alone_and_follows_it() {
    let hand = ModelChoice { model: "sd15".into(), ..ModelChoice::default() };
    let with_model = || {
        let mut mine = production(EXAMPLE);
        mine.cast.models =
            Some(ModelCast { engine: "comfy".into(), still: Some(hand.clone()), ..ModelCast::default() });
        mine
    };
    let picture = AssetRef { hash: ContentHash::of(b"sketch"), ext: "png".into() };
    let chosen = |mine: &Production, strength_percent| Override {
        source: Some(SourcePicture { picture: picture.clone(), strength_percent }),
        ..Override::plain(STILL, shows(mine, STILL).unwrap())
    };
    let take = "scene 1/shot 2/still/take 1";
    let plain = World::default().produce(&with_model());
    let mut keys = vec![plain.keys[take]];
    for strength in [None, Some(40), Some(80)] {
        let mut mine = with_model();
        let ruling = chosen(&mine, strength);
        assert_eq!(mine.take_up(vec![ruling]), TakenUp::default());
        assert!(mine.by_hand.files().eq([picture.hash]) && !mine.by_hand.is_empty());
        // As a stored plan it is the same.
        let kept: Production = serde_json::from_value(serde_json::to_value(&mine).unwrap()).unwrap();
        assert_eq!(kept.by_hand, mine.by_hand);
        let film = World::default().produce(&kept);
        let Order::Still(still) = &film.orders[take] else { panic!() };
        assert_eq!(still.source.as_ref(), Some(&picture));
        let told = still.recipe.as_ref().unwrap().settings.get("denoise").cloned();
        assert_eq!(told, strength.map(|percent| SlotValue::Float(f64::from(percent) / 100.0)));
        keys.push(film.keys[take]);
        let others = film.orders.iter().filter(|(path, _)| *path != take);
        let from = |order: &Order| matches!(order, Order::Still(still) if still.source.is_some());
        assert!(others.clone().count() > 0 && others.clone().all(|(_, order)| !from(order)));
    }
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 4, "each is work of its own");
    // A shot that is gone takes its source picture with it, and says so.
    let mut mine = with_model();
    let gone = Override { shows: "nothing like it".into(), ..chosen(&mine, None) };
    let lost = mine.take_up(vec![gone]).lost;
    assert!(lost.len() == 1 && matches!(lost[0], FilmRemark::SourceLeftOut { .. }), "{lost:?}");
    // The draft knows no strength: its picture is the same whatever it is.
    let draft = |strength| {
        let mut mine = production(EXAMPLE);
        let ruling = chosen(&mine, strength);
        mine.take_up(vec![ruling]);
        World::default().produce(&mine).keys[take]
    };
    assert_eq!(draft(None), draft(Some(40)));
}
