//! From a script to a film in plain values: what is made, in which order, and what a change makes again.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    gates::Gates,
    order::{Order, Outputs, Reported, Role},
    production::{GateOutcome, Job, ModelCast, ModelChoice, Production, Stage, gate, plan_jobs, resolve},
    shot::VideoEngine,
    take::{Mark, MarkName, MustLook, PERSON, Subject},
    units::{Score, Steps},
};

#[path = "production/world.rs"]
mod world;

use world::{EXAMPLE, Film, World, production};

fn example() -> Production {
    production(EXAMPLE)
}

/// The example with one passage rewritten.
fn rewritten(from: &str, to: &str) -> Production {
    assert_eq!(EXAMPLE.matches(from).count(), 1, "'{from}' is to be found once");
    production(&EXAMPLE.replace(from, to))
}

/// Slots whose work differs between two films.
fn remade(before: &Film, after: &Film) -> BTreeSet<String> {
    after.keys.iter().filter(|(slot, key)| before.keys.get(*slot) != Some(key)).map(|(slot, _)| slot.clone()).collect()
}

fn slots<const N: usize>(slots: [&str; N]) -> BTreeSet<String> {
    slots.into_iter().map(str::to_owned).collect()
}

/// What the job of this path led to; `None` when it was not made.
fn at<'a>(film: &'a Film, path: &str) -> Option<&'a Outputs> {
    film.made.get(&path.parse().unwrap())
}

fn has_video(film: &Film, slot: &str) -> bool {
    at(film, slot).is_some_and(|made| made.first(Role::Video).is_some())
}

#[test]
fn every_job_is_laid_out_once_and_after_what_it_needs() {
    let production = example();
    let planned = plan_jobs(&production);
    let mut before = BTreeSet::new();
    for one in &planned {
        for need in &one.needs {
            assert!(before.contains(&need.job), "{} needs {}, which is planned later or never", one.job, need.job);
        }
        assert!(before.insert(one.job), "{} is planned twice", one.job);
    }
    let stages: BTreeSet<Stage> = planned.iter().map(|one| one.job.stage()).collect();
    assert_eq!(stages, Stage::ALL.into());
    let needed: BTreeSet<Job> = planned.iter().flat_map(|one| &one.needs).map(|need| need.job).collect();
    let idle: Vec<Job> = planned.iter().map(|one| one.job).filter(|job| !needed.contains(job)).collect();
    assert_eq!(idle, [Job::Library], "everything else is made for something");
}

#[test]
fn without_a_library_everything_but_publishing_is_laid_out() {
    let mut production = example();
    let all = plan_jobs(&production).len();
    production.library = None;
    let planned = plan_jobs(&production);
    assert_eq!((planned.len(), planned.last().map(|one| one.job)), (all - 1, Some(Job::Artwork)));
}

#[test]
fn the_example_becomes_a_film() {
    let production = example();
    let film = World::default().produce(&production);
    for one in plan_jobs(&production) {
        assert!(film.made.contains_key(&one.job), "{} is not made", one.job);
    }
    assert_eq!(film.remarks, BTreeMap::new(), "nothing is missing, so nothing is to be said");
    let Order::JoinEpisode(whole) = &film.orders["film"] else { panic!("the film is a join") };
    let Order::Master(sound) = &film.orders["sound"] else { panic!("the sound is a master") };
    assert_eq!((whole.parts.len(), whole.chapters.len(), whole.cues.len()), (3, 3, 10));
    assert_eq!(production.fps.sample_at(whole.frames), sound.samples, "picture and sound end together");
}

#[test]
fn a_job_says_what_it_lacks() {
    let missing = resolve(&example(), Job::Film, &BTreeMap::new()).unwrap_err();
    assert_eq!(missing.to_string(), "'scene 1/film' is not made yet");
    let nowhere = Job::Take { subject: Subject::Still, scene: 9, shot: 1, take: 1 };
    assert_eq!(
        resolve(&example(), nowhere, &BTreeMap::new()).unwrap_err().to_string(),
        "'scene 9/shot 1' is not made yet"
    );
}

#[test]
fn the_same_script_leads_to_the_same_keys() {
    assert_eq!(World::default().produce(&example()), World::default().produce(&example()));
}

#[test]
fn another_seed_draws_everything_anew_and_says_the_same() {
    let before = World::default().produce(&example());
    let mut other = example();
    other.seed.0 += 1;
    let remade = remade(&before, &World::default().produce(&other));
    for slot in before.keys.keys() {
        assert_eq!(remade.contains(slot), !slot.contains("/line "), "{slot}");
    }
}

/// The words are the same length, so every recording is: no picture has a reason to change.
#[test]
fn other_words_of_the_same_length_change_no_picture() {
    let before = World::default().produce(&example());
    let after = World::default().produce(&rewritten("Is it too small?", "Is it too faint?"));
    let expected =
        slots(["scene 2/shot 2/line 1", "scene 2/mix", "scene 2/film", "sound", "film", "artwork", "library"]);
    assert_eq!(remade(&before, &after), expected);
}

#[test]
fn a_longer_line_remakes_its_own_shot_and_no_other_picture() {
    let before = World::default().produce(&example());
    let longer = "Is it too small? I could run home and look for another one.";
    let after = World::default().produce(&rewritten("Is it too small?", longer));
    let expected = slots([
        "scene 2/shot 2/line 1",
        "scene 2/shot 2/clip/take 1",
        "scene 2/shot 2/clip/review 1",
        "scene 2/shot 2/master",
        "scene 2/mix",
        "scene 2/film",
        "sound",
        "film",
        "artwork",
        "library",
    ]);
    assert_eq!(remade(&before, &after), expected);
}

/// The fourth shot of the scene starts from the last picture of the third.
#[test]
fn a_shot_that_goes_on_changes_with_the_one_before() {
    let before = World::default().produce(&example());
    let longer = "Hold it still, hold it very still, and do not breathe until it burns.";
    let after = World::default().produce(&rewritten("Hold it still.", longer));
    let clips: BTreeSet<String> = remade(&before, &after).into_iter().filter(|slot| slot.contains("/take ")).collect();
    assert_eq!(clips, slots(["scene 2/shot 3/clip/take 1", "scene 2/shot 4/clip/take 1"]));
}

#[test]
fn another_blend_joins_again_and_makes_no_clip_again() {
    let before = World::default().produce(&example());
    let after = World::default().produce(&rewritten("transition: dissolve 0.8s", "transition: wipeleft 0.8s"));
    assert_eq!(remade(&before, &after), slots(["scene 3/film", "film", "artwork", "library"]));
}

#[test]
fn a_cut_for_a_blend_moves_the_sound_and_makes_no_clip_again() {
    let before = World::default().produce(&example());
    let after = World::default()
        .produce(&rewritten("[[shot: medium, 4.5s]]\n\nEdda's", "[[shot: medium, 4.5s, transition: cut]]\n\nEdda's"));
    let expected = slots(["scene 1/mix", "scene 1/film", "sound", "film", "artwork", "library"]);
    assert_eq!(remade(&before, &after), expected);
}

#[test]
fn the_first_shot_starts_from_its_still() {
    let production = example();
    let film = World::default().produce(&production);
    let Order::Clip(clip) = &film.orders["scene 1/shot 1/clip/take 1"] else { panic!("a clip") };
    let still = at(&film, "scene 1/shot 1/still").unwrap();
    assert_eq!(clip.source.as_ref(), still.first(Role::Picture).map(|file| &file.asset));
    let layers: Vec<_> = still.all(Role::Layer).map(|file| file.asset.clone()).collect();
    assert_eq!((layers.len(), &clip.layers), (2, &layers));
}

#[test]
fn a_first_shot_has_nothing_to_go_on_from() {
    let mut production = example();
    production.script.scenes[0].shots[0].plan.continues = true;
    let film = World::default().produce(&production);
    let Order::Clip(clip) = &film.orders["scene 1/shot 1/clip/take 1"] else { panic!("a clip") };
    let still = at(&film, "scene 1/shot 1/still").unwrap().first(Role::Picture);
    assert_eq!(clip.source.as_ref(), still.map(|file| &file.asset));
}

#[test]
fn a_shot_that_goes_on_starts_from_the_last_picture_before() {
    let film = World::default().produce(&example());
    let Order::Clip(clip) = &film.orders["scene 2/shot 4/clip/take 1"] else { panic!("a clip") };
    let last = at(&film, "scene 2/shot 3/master").unwrap().first(Role::LastFrame).map(|file| &file.asset);
    assert_eq!((clip.source.as_ref(), clip.layers.len()), (last, 0));
    let Order::Review(review) = &film.orders["scene 2/shot 4/clip/review 1"] else { panic!("a review") };
    assert_eq!(review.reference.as_ref(), last, "it is judged by what it started from");
    assert!(at(&film, "scene 2/shot 4/still").is_none(), "no picture is drawn for it");
}

/// One scene of six shots with the same person in all of them, made by a model that starts from pictures.
fn chain(links: u32) -> Production {
    chain_of(6, links)
}

fn chain_of(shots: usize, links: u32) -> Production {
    let shots = "MARA looks out. [[shot: medium]]\n\n".repeat(shots);
    let mut production =
        production(&format!("Title: Chain\n\n[[character: MARA, female]]\n\nINT. TOWER - DAY\n\n{shots}"));
    let hand = || ModelChoice { model: "framepack".into(), from_picture: true, ..ModelChoice::default() };
    production.cast.models = Some(ModelCast {
        engine: "comfy".into(),
        still: Some(hand()),
        clips: BTreeMap::from([(VideoEngine::Framepack, hand())]),
        chain_links: links,
        ..ModelCast::default()
    });
    production
}

#[test]
fn a_chain_begins_anew_after_its_links_and_is_judged_by_what_it_began_with() {
    let goes_on = |links| {
        let production = chain(links);
        (1..=6).map(|shot| production.continues(1, shot)).collect::<Vec<_>>()
    };
    assert_eq!(goes_on(0), [false, true, true, true, true, true], "without a limit");
    assert_eq!(goes_on(2), [false, true, false, true, false, true]);
    let production = chain(3);
    assert_eq!(goes_on(3), [false, true, true, false, true, true]);
    let film = World::default().produce(&production);
    let anchor = |shot| {
        let job = Job::Review { subject: Subject::Clip, scene: 1, shot, take: 1 };
        match resolve(&production, job, &film.made).unwrap().order {
            Order::Review(order) => order.anchor,
            other => panic!("{other:?}"),
        }
    };
    let still = |shot| {
        let still = &film.made[&Job::Gate { subject: Subject::Still, scene: 1, shot }];
        still.first(Role::Picture).map(|file| file.asset.clone())
    };
    assert_eq!((anchor(1), anchor(4)), (None, None), "they begin chains: their source is the reference");
    assert_eq!((anchor(2), anchor(3)), (still(1), still(1)));
    assert_eq!((anchor(5), anchor(6)), (still(4), still(4)));
    // A scene may be long: where its chains begin is found out by counting once.
    let long = chain_of(200, 7);
    let begins: Vec<u32> = (1..=200).filter(|shot| !long.continues(1, *shot)).collect();
    assert_eq!(begins, (1..=200).step_by(7).collect::<Vec<_>>());
}

#[test]
fn a_chain_that_has_drifted_goes_on_from_where_it_began() {
    let production = chain(0);
    let mut film = World::default().produce(&production);
    let clip = |made: &BTreeMap<_, _>, shot| {
        let job = Job::Take { subject: Subject::Clip, scene: 1, shot, take: 1 };
        let resolved = resolve(&production, job, made).unwrap();
        match resolved.order {
            Order::Clip(order) => {
                (order.source, resolved.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            }
            other => panic!("{other:?}"),
        }
    };
    let review = Job::Review { subject: Subject::Clip, scene: 1, shot: 2, take: 1 };
    let mut drifted = |percent| {
        let Some(Reported::Verdict { verdict }) = &mut film.made.get_mut(&review).unwrap().reported else { panic!() };
        let (score, unit) = (Score::from_percent(percent), String::new());
        verdict.marks = vec![Mark { name: MarkName::Drift, score, measured: 0.0, unit }];
        film.made.clone()
    };
    let (near, far) = (drifted(50), drifted(49));
    let last = near[&Job::Normalise { scene: 1, shot: 2 }].first(Role::LastFrame).unwrap().asset.clone();
    let began =
        near[&Job::Gate { subject: Subject::Still, scene: 1, shot: 1 }].first(Role::Picture).unwrap().asset.clone();
    assert_eq!(clip(&near, 3).0, Some(last.clone()));
    let (source, why) = clip(&far, 3);
    assert_eq!(source, Some(began.clone()));
    assert!(why.contains("the picture its chain began with: shot 2 has drifted"), "{why}");
    assert_eq!(clip(&far, 4).0, clip(&near, 4).0, "the next one goes on from this one again");
    let job = Job::Review { subject: Subject::Clip, scene: 1, shot: 3, take: 1 };
    let Order::Review(order) = resolve(&production, job, &far).unwrap().order else { panic!() };
    assert_eq!(order.reference, Some(began), "it is judged by what it was made from");
}

#[test]
fn an_engine_that_is_not_there_is_replaced_and_the_script_told() {
    let mut production = rewritten("[[shot: establishing, 6s,", "[[shot: establishing, 6s, engine: wan,");
    let slot = "scene 1/shot 1/clip/take 1";
    let engine = |production: &Production| {
        plan_jobs(production).into_iter().find(|one| one.job.path() == slot).map(|one| one.engine)
    };
    let film = World::default().produce(&production);
    assert_eq!(engine(&production).as_deref(), Some("clips"));
    let said = "the script asks for wan, which is not configured here: clips stands in";
    assert_eq!(film.remarks, [(slot.to_owned(), vec![said.to_owned()])].into());

    production.cast.named.insert(VideoEngine::Wan, "comfy.wan".into());
    let film = World::default().produce(&production);
    assert_eq!(engine(&production).as_deref(), Some("comfy.wan"));
    assert_eq!(film.remarks, BTreeMap::new());
}

#[test]
fn a_fixed_length_that_cuts_a_line_short_is_extended_and_said() {
    let film = World::default().produce(&rewritten("[[shot: 6.5s]]", "[[shot: 2s]]"));
    let said = &film.remarks["scene 2/shot 1/clip/take 1"];
    assert!(said[0].starts_with("the script asks for 2.0 s, but its lines need"), "{said:?}");
}

fn is_first_clip(job: Job, number: u32) -> bool {
    job == Job::Review { subject: Subject::Clip, scene: 1, shot: 1, take: number }
}

#[test]
fn a_rejected_take_is_made_again_with_another_seed_and_more_steps() {
    let score = |job| Some(if is_first_clip(job, 1) { 59 } else { 90 });
    let film = World { score, ..World::default() }.produce(&example());
    let take = |number| match &film.orders[&format!("scene 1/shot 1/clip/take {number}")] {
        Order::Clip(order) => order.clone(),
        _ => panic!("a clip"),
    };
    assert_eq!((take(1).steps, take(2).steps), (Steps(20), Steps(25)));
    assert_ne!(take(1).seed, take(2).seed);
    assert_eq!(take(1).source, take(2).source, "only the clip is made again");
    let GateOutcome::Chosen { take: 2, passed: true, score, outputs, reason } = &film.gated["scene 1/shot 1/clip"]
    else {
        panic!("{:?}", film.gated["scene 1/shot 1/clip"]);
    };
    assert_eq!(*score, Some(Score::from_percent(90)));
    assert_eq!(reason.to_string(), "take 2 passed: scored 0.90");
    assert_eq!(outputs, at(&film, "scene 1/shot 1/clip/take 2").unwrap());
    assert_eq!(film.keys.keys().filter(|slot| slot.ends_with("/take 2")).count(), 1, "and no other shot");
}

#[test]
fn when_no_take_passes_the_best_of_three_is_in_the_film() {
    let score = |job| match job {
        Job::Review { subject: Subject::Clip, scene: 1, shot: 1, take } => Some([10, 29, 20][take as usize - 1]),
        _ => Some(90),
    };
    let film = World { score, ..World::default() }.produce(&example());
    let gated = &film.gated["scene 1/shot 1/clip"];
    let GateOutcome::Chosen { take: 2, passed: false, reason, .. } = gated else { panic!("{gated:?}") };
    assert_eq!(reason.to_string(), "take 2 is the best of all attempts, though none passed: scored 0.29");
    let Order::Normalise(master) = &film.orders["scene 1/shot 1/master"] else { panic!("a master") };
    let best = at(&film, "scene 1/shot 1/clip/take 2").unwrap().first(Role::Video).map(|file| &file.asset);
    assert_eq!(Some(&master.clip), best);
    assert!(!film.keys.contains_key("scene 1/shot 1/clip/take 4"), "three attempts are all there are");
}

#[test]
fn what_nobody_could_judge_never_passes() {
    let score = |job| match job {
        Job::Review { subject: Subject::Still, scene: 3, shot: 2, .. } => None,
        _ => Some(90),
    };
    let film = World { score, ..World::default() }.produce(&example());
    let gated = &film.gated["scene 3/shot 2/still"];
    assert!(matches!(gated, GateOutcome::AskPerson { .. }), "{gated:?}");
    for slot in ["scene 3/shot 2/clip/take 1", "scene 3/film", "film", "library"] {
        assert!(at(&film, slot).is_none(), "{slot} is made of a picture nobody looked at");
    }
    assert!(has_video(&film, "scene 1/film"), "the other scenes are made meanwhile");
}

#[test]
fn who_is_no_human_is_never_in_a_film_unseen_whoever_judges() {
    let mut production = example();
    let name = production.script.scenes[0].shots.iter().find_map(|shot| shot.plan.characters.first()).cloned().unwrap();
    production.cast.creatures.insert(name.to_lowercase());
    let with = |film: &Film| -> Vec<(String, GateOutcome)> {
        let shown = |(path, _): &(&String, &GateOutcome)| {
            let Ok(Job::Gate { scene, shot, .. }) = path.parse() else { panic!("a gate: {path}") };
            production.shot(scene, shot).is_some_and(|shot| shot.plan.characters.contains(&name))
        };
        film.gated.iter().filter(shown).map(|(path, gated)| (path.clone(), gated.clone())).collect()
    };
    let film = World::default().produce(&production);
    let gated = with(&film);
    assert!(!gated.is_empty());
    for (path, gated) in gated {
        let GateOutcome::ShowPerson { take: 1, why } = &gated else { panic!("{path}: {gated:?}") };
        assert_eq!(*why, MustLook::NotHuman { name: name.clone() }, "{path}");
    }
    assert!(at(&film, "film").is_none());
    // Seen by a person it goes on.
    let mut made = film.made.clone();
    for (job, outputs) in &mut made {
        if let (Job::Review { .. }, Some(Reported::Verdict { verdict })) = (job, &mut outputs.reported) {
            PERSON.clone_into(&mut verdict.judge);
        }
    }
    for (path, _) in with(&film) {
        let Ok(Job::Gate { subject, scene, shot }) = path.parse() else { panic!("a gate: {path}") };
        let gated = gate(&production, subject, scene, shot, &made);
        assert!(matches!(gated, GateOutcome::Chosen { passed: true, .. }), "{path}: {gated:?}");
    }
    let gates = Gates { publish_with_remarks: true, ..production.gates.clone() };
    let lenient = Production { gates, ..production.clone() };
    let film = World::default().produce(&lenient);
    for (path, gated) in with(&film) {
        let GateOutcome::Chosen { passed: false, reason, .. } = &gated else { panic!("{path}: {gated:?}") };
        assert!(reason.to_string().contains("a person should look"), "{reason}");
    }
    assert!(has_video(&film, "film"));
}

#[test]
fn a_gate_without_a_review_asks_for_a_take() {
    let gated = gate(&example(), Subject::Clip, 1, 1, &BTreeMap::new());
    assert!(matches!(gated, GateOutcome::Again { take: 1, .. }), "{gated:?}");
}

#[test]
fn a_film_without_voices_and_music_is_a_film_that_says_so() {
    let fails = |job| matches!(job, Job::Voice { .. } | Job::Music { scene: 2 });
    let film = World { fails, ..World::default() }.produce(&example());
    assert!(has_video(&film, "film") && at(&film, "library").is_some());
    let said = &film.remarks["scene 2/mix"];
    assert!(said.contains(&"no voice for scene 2/shot 2/line 1".to_owned()), "{said:?}");
    assert!(said.contains(&"no music in scene 2".to_owned()), "{said:?}");
    let Order::MixScene(mix) = &film.orders["scene 2/mix"] else { panic!("a mix") };
    assert_eq!((mix.voices.len(), &mix.music), (0, &None));
}

#[test]
fn a_film_without_any_sound_is_silent_and_says_so() {
    let fails = |job| matches!(job, Job::Mix { .. } | Job::Sound);
    let film = World { fails, ..World::default() }.produce(&example());
    let Order::JoinEpisode(whole) = &film.orders["film"] else { panic!("a join") };
    assert_eq!(whole.sound, None);
    assert_eq!(film.remarks["film"], ["the film has no sound"]);
    let fails = |job| matches!(job, Job::Mix { scene: 2 });
    let film = World { fails, ..World::default() }.produce(&example());
    assert_eq!(film.remarks["sound"], ["no sound in scene 2"]);
}

#[test]
fn a_clip_is_never_judged_against_another_length_than_was_ordered() {
    let production = example();
    let film = World::default().produce(&production);
    for (slot, order) in &film.orders {
        let Order::Review(review) = order else { continue };
        let Some(expected) = review.expected else { continue };
        let Order::Clip(clip) = &film.orders[&slot.replace("/review ", "/take ")] else { panic!("a clip") };
        assert_eq!((expected.size, expected.fps, expected.frames), (clip.size, clip.fps, clip.frames), "{slot}");
    }
}

/// Goal: black is drawn, never asked of a model or shown to a judge, whom it would fail. Method: an opening before a
/// scene, with models for everything and a judge whom nothing pleases.
#[test]
fn an_opening_over_black_is_the_drafts_and_nobody_judges_it() {
    let mut production = production("> For Ada <\n\nADA (V.O.)\nHello.\n\nEXT. YARD - DAY\n\nA well.\n");
    let hand = |model: &str| ModelChoice { model: model.into(), from_picture: true, ..ModelChoice::default() };
    production.cast.named.insert(VideoEngine::Draft, "clips".into());
    production.cast.models = Some(ModelCast {
        engine: "comfy".into(),
        still: Some(hand("sdxl")),
        clips: [(VideoEngine::Wan, hand("wan"))].into(),
        ..ModelCast::default()
    });
    let film = World { score: |_| Some(10), ..World::default() }.produce(&production);
    let black: Vec<_> = film.orders.iter().filter(|(path, _)| path.starts_with("scene 1/shot ")).collect();
    assert!(!black.is_empty() && black.iter().all(|(path, _)| !path.contains("review")), "{black:?}");
    for (path, order) in black {
        match order {
            Order::Still(still) => assert!(still.look.is_black() && still.recipe.is_none(), "{path}"),
            Order::Clip(clip) => assert!(clip.recipe.is_none() && clip.look.is_none(), "{path}"),
            _ => {}
        }
    }
    let card = |path: &str| match &film.orders[path] {
        Order::Still(still) => still.card.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(card("scene 1/shot 1/still/take 1").as_deref(), Some("For Ada"));
    assert!(!film.orders.contains_key("scene 1/shot 1/still/take 2"), "once is enough");
    assert!(matches!(&film.orders["scene 2/shot 1/still/take 1"], Order::Still(still) if still.recipe.is_some()));
    match &film.orders["artwork"] {
        Order::Artwork(artwork) => assert!(
            artwork.thumb_at.0 > 0 && artwork.poster_at > artwork.thumb_at - studio_core::units::Frames(1),
            "not the black"
        ),
        other => panic!("{other:?}"),
    }
    let gate = Job::Gate { subject: Subject::Still, scene: 1, shot: 1 };
    production.by_hand.takes.insert(gate, 2);
    let again = World::default().produce(&production);
    assert!(again.orders.contains_key("scene 1/shot 1/still/take 2"), "a person asked for another");
}
