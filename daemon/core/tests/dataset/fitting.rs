//! Fitting: what a shot asks of a picture, and which picture it begins from.

use studio_core::{
    dataset::{Cell, Coverage, Decider, Decision, Picture, PictureState, Reason, Source, asked_by, closest, fit},
    ids::{CharacterId, ContentHash, PictureId},
    order::AssetRef,
    script::{self, ScriptScene, ScriptShot},
    units::{Millis, Size},
};

fn cell(words: &[(&str, &str)]) -> Cell {
    words.iter().map(|(axis, word)| ((*axis).to_owned(), (*word).to_owned())).collect()
}

/// The first shot of somebody of a scene of one paragraph.
fn shot(heading: &str, action: &str) -> (ScriptScene, ScriptShot) {
    let text = format!("Title: One\n\n{heading}\n\n{action}\n");
    let read = script::read(text.as_bytes(), &script::Defaults::default()).expect("it is a screenplay");
    let scene = read.scenes[0].clone();
    let shot = scene.shots.iter().find(|shot| !shot.plan.description.is_empty()).expect("it has a shot").clone();
    (scene, shot)
}

fn asked(heading: &str, action: &str) -> Cell {
    let (scene, shot) = shot(heading, action);
    asked_by(&Coverage::shipped(), &scene.look, &shot.plan)
}

#[test]
fn a_shot_asks_for_what_its_words_its_place_and_its_framing_say() {
    let seen = asked("INT. KITCHEN - NIGHT", "[[shot: close-up]] MARA smiles at the door.");
    assert_eq!(seen, cell(&[("framing", "face"), ("expression", "smile"), ("place", "room"), ("light", "night")]));
    let behind = asked("EXT. BEACH - DAWN", "[[shot: wide]] MARA is seen from behind. She laughs and walks.");
    let wanted = [("framing", "full"), ("angle", "back"), ("pose", "walking"), ("place", "water"), ("light", "sunset")];
    assert_eq!(behind, cell(&wanted), "nobody sees her laugh");
    let german = asked("EXT. STRASSE - DAY", "[[shot: medium]] MARA steht im Profil und WEINT.");
    assert_eq!(german.get("angle").map(String::as_str), Some("side"));
    assert_eq!(german.get("expression").map(String::as_str), Some("sad"), "letters' size says nothing");
    let plain = asked("EXT. ROOFTOP - DAY", "[[shot: medium]] MARA comes back to the front.");
    assert!(!plain.contains_key("angle"), "a value's own word is not what a screenplay says: {plain:?}");
}

#[test]
fn what_is_not_known_of_a_picture_speaks_neither_for_nor_against_it() {
    let coverage = Coverage::shipped();
    let asked = cell(&[("framing", "face"), ("angle", "side"), ("light", "night")]);
    let all = fit(&coverage, &asked, &cell(&[("framing", "face"), ("angle", "side"), ("light", "night")]));
    assert_eq!((all.points, all.close, all.differs.len()), (5, true, 0), "crossed axes count double");
    let some = fit(&coverage, &asked, &cell(&[("framing", "face"), ("light", "day")]));
    assert_eq!((some.points, some.close), (1, true));
    assert_eq!((some.agrees, some.differs), (vec!["framing".to_owned()], vec!["light".to_owned()]));
    let framed = fit(&coverage, &asked, &cell(&[("framing", "full"), ("angle", "side"), ("light", "night")]));
    assert!(!framed.close, "a close-up is not made from somebody far away");
    assert!(!fit(&coverage, &asked, &Cell::new()).close, "of nothing nothing is known");
    assert!(!fit(&coverage, &Cell::new(), &asked).close, "nothing is asked for");
}

fn picture(number: u8, shows: &[(&str, &str)], state: PictureState) -> Picture {
    let reason =
        if state == PictureState::Rejected { Reason::Rejected { categories: Vec::new() } } else { Reason::Good };
    Picture {
        id: PictureId(uuid::Uuid::from_u128(u128::from(number))),
        character_id: CharacterId(uuid::Uuid::nil()),
        file: AssetRef { hash: ContentHash::of(&[number]), ext: "png".into() },
        size: Size { width: 512, height: 512 },
        state,
        source: Source::Generated,
        lineage: 1,
        made: None,
        cell: cell(shows),
        placing: None,
        verdict: None,
        decision: Some(Decision { by: Decider::Person, at: Millis(0), reason, note: String::new() }),
        caption: None,
        duplicate_of: None,
        likeness: None,
        print: None,
        created: Millis(0),
    }
}

#[test]
fn only_approved_pictures_are_begun_from_and_real_ones_first() {
    let coverage = Coverage::shipped();
    let asked = cell(&[("framing", "face"), ("expression", "smile")]);
    let best = [("framing", "face"), ("expression", "smile")];
    let near = picture(1, &[("framing", "face")], PictureState::Approved);
    let made = picture(2, &best, PictureState::Approved);
    let pending = picture(3, &best, PictureState::Pending);
    let rejected = picture(4, &best, PictureState::Rejected);
    let copy = Picture { duplicate_of: Some(made.id), ..picture(5, &best, PictureState::Approved) };
    let all = [near.clone(), pending, rejected, copy, made.clone()];
    let chosen = |pictures: &[Picture]| closest(&coverage, &asked, pictures, "shot").map(|(picture, _)| picture.id);
    assert_eq!(chosen(&all), Some(made.id));
    assert_eq!(chosen(&all[..4]), Some(near.id), "what is close enough");
    assert_eq!(chosen(&all[1..4]), None);
    let real = Picture { lineage: 0, ..picture(6, &best, PictureState::Approved) };
    assert_eq!(chosen(&[made, real.clone()]), Some(real.id));
}

#[test]
fn one_more_picture_changes_few_shots() {
    let coverage = Coverage::shipped();
    let asked = cell(&[("framing", "face")]);
    let all: Vec<Picture> =
        (0..10).map(|number| picture(number, &[("framing", "face")], PictureState::Approved)).collect();
    let chosen = |pictures: &[Picture], shot: u32| {
        closest(&coverage, &asked, pictures, &format!("shot {shot}")).map(|(picture, _)| picture.id).unwrap()
    };
    let moved: Vec<u32> = (0..100).filter(|shot| chosen(&all[..9], *shot) != chosen(&all, *shot)).collect();
    assert!((1..25).contains(&moved.len()), "about one of ten: {}", moved.len());
    assert!(moved.iter().all(|shot| chosen(&all, *shot) == all[9].id), "and those to the new one alone");
    let backwards: Vec<Picture> = all.iter().rev().cloned().collect();
    assert!((0..100).all(|shot| chosen(&all, shot) == chosen(&backwards, shot)), "whatever their order");
    let used: std::collections::BTreeSet<_> = (0..100).map(|shot| chosen(&all, shot)).collect();
    assert!(used.len() > 5, "a film shows more than one of them: {}", used.len());
}
