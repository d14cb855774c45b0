//! Placing: what a vision model saw goes before what was asked, and what a person said before both.

use proptest::prelude::*;
use studio_core::{
    asset::AssetRef,
    dataset::{
        Cell, Coverage, Known, Made, Otherwise, Picture, PictureState, Placing, Source, asked_axes, caption_of, place,
        placing_of,
    },
    ids::{CharacterId, ContentHash, PictureId},
    review::Sight,
    units::{Millis, Size},
};
use uuid::Uuid;

fn cell(words: &[(&str, &str)]) -> Cell {
    words.iter().map(|(axis, word)| ((*axis).to_owned(), (*word).to_owned())).collect()
}

/// A picture that was made as `asked`; without that, one from outside.
fn picture(asked: Option<Cell>, cell: Cell) -> Picture {
    Picture {
        id: PictureId(Uuid::nil()),
        character_id: CharacterId(Uuid::nil()),
        file: AssetRef { hash: ContentHash::of(b"picture"), ext: "png".into() },
        size: Size { width: 512, height: 512 },
        state: PictureState::Pending,
        source: if asked.is_some() { Source::Generated } else { Source::Upload { name: String::new() } },
        lineage: 0,
        made: asked.map(|asked| Made { asked, ..Made::default() }),
        cell,
        placing: None,
        verdict: None,
        decision: None,
        caption: None,
        duplicate_of: None,
        likeness: None,
        print: None,
        created: Millis(0),
    }
}

fn sight(shows: &[(&str, &str)], details: &[&str]) -> Sight {
    Sight { shows: cell(shows), details: details.iter().map(|one| (*one).to_owned()).collect() }
}

fn placed(picture: &Picture, sight: &Sight) -> (Cell, Placing) {
    let (looks, names) = (["silver hair", "scar over the left eye"], ["Mara", "mirax7"]);
    let (looks, names) = (looks.map(str::to_owned), names.map(str::to_owned));
    place(picture, Known { coverage: &Coverage::shipped(), looks: &looks, names: &names }, sight, "eye")
}

#[test]
fn a_picture_is_placed_where_it_is_and_what_was_asked_is_kept_beside_it() {
    let asked = cell(&[("framing", "face"), ("angle", "front"), ("expression", "smile"), ("outfit", "usual")]);
    let made = picture(Some(asked.clone()), asked);
    let (now, placing) = placed(&made, &sight(&[("framing", "upper"), ("angle", "front")], &[]));
    assert_eq!(now["framing"], "upper");
    assert_eq!((now["expression"].as_str(), now["outfit"].as_str()), ("smile", "usual"), "nobody saw otherwise");
    let otherwise = Otherwise { axis: "framing".into(), asked: "face".into(), seen: "upper".into() };
    assert_eq!((placing.otherwise, placing.judge.as_str()), (vec![otherwise], "eye"));
    // From behind there is no expression, whatever was asked for.
    let (now, _) = placed(&made, &sight(&[("angle", "back")], &[]));
    assert_eq!((now.get("angle").map(String::as_str), now.get("expression")), (Some("back"), None));
}

#[test]
fn words_of_no_list_change_nothing() {
    let came = picture(None, Cell::new());
    let seen = sight(&[("framing", "huge"), ("mood", "happy"), ("angle", "side"), ("outfit", "usual")], &[]);
    let (now, placing) = placed(&came, &seen);
    assert_eq!(now, cell(&[("angle", "side")]));
    assert_eq!(placing.seen.unwrap().shows, now, "what is kept is what counts");
    assert!(asked_axes(&Coverage::shipped()).iter().all(|axis| axis.words.len() > 1));
}

#[test]
fn what_a_person_said_stays_also_that_it_shows_nothing_of_an_axis() {
    // Said before it was kept who said it: of pictures from outside all, of others what differs from what was asked.
    let came = picture(None, cell(&[("angle", "side")]));
    let (now, placing) = placed(&came, &sight(&[("angle", "front"), ("framing", "full")], &[]));
    assert_eq!(now, cell(&[("angle", "side"), ("framing", "full")]));
    assert!(placing.by_person.contains("angle") && !placing.by_person.contains("framing"));
    let asked = cell(&[("angle", "front"), ("pose", "sitting"), ("framing", "full")]);
    let made = picture(Some(asked), cell(&[("angle", "side"), ("framing", "full")]));
    assert_eq!(placing_of(&made).by_person.into_iter().collect::<Vec<_>>(), ["angle", "pose"]);
    let (now, placing) = placed(&made, &sight(&[("angle", "back"), ("pose", "walking"), ("framing", "face")], &[]));
    assert_eq!(now, cell(&[("angle", "side"), ("framing", "face")]));
    assert_eq!(placing.otherwise.len(), 1, "of what a person said nothing is otherwise: {placing:?}");
    // Said since.
    let mut placing = placing;
    placing.said(&now, &cell(&[("angle", "side"), ("framing", "upper")]));
    assert!(placing.otherwise.is_empty() && placing.by_person.contains("framing"));
    let again = Picture { placing: Some(placing), cell: cell(&[("angle", "side"), ("framing", "upper")]), ..made };
    assert_eq!(placed(&again, &sight(&[("framing", "face")], &[])).0["framing"], "upper");
}

#[test]
fn captions_say_what_changes_and_nothing_of_who_it_is() {
    let came = picture(None, Cell::new());
    let details = [
        "red coat",
        "long silver hair",
        "a scar over the left eye",
        "mara holding a lantern",
        "holding a lantern",
        "lantern",
        "masterpiece",
        "rating: safe",
        "red coat",
    ];
    let (now, placing) = placed(&came, &sight(&[("framing", "upper"), ("place", "street")], &details));
    let text = caption_of(&placing, &Coverage::shipped(), &now);
    assert_eq!(text, "upper body, in a street, red coat, holding a lantern");
    let moved = cell(&[("framing", "face")]);
    assert_eq!(caption_of(&placing, &Coverage::shipped(), &moved), "close-up portrait, red coat, holding a lantern");
    assert_eq!(caption_of(&Placing::default(), &Coverage::shipped(), &moved), "", "nobody has looked");
}

proptest! {
    #[test]
    fn whatever_is_seen_a_person_is_never_overruled(
        said in prop::collection::btree_map("framing|angle|pose|place", "face|side|sitting|room", 0..4),
        shows in prop::collection::btree_map("framing|angle|expression|pose|place|light", "face|back|smile|room|day", 0..6),
        asked in prop::option::of(prop::collection::btree_map("framing|angle|pose", "full|front|walking", 0..3)),
    ) {
        let made = picture(asked, said.clone());
        let by_person = placing_of(&made).by_person;
        let (now, placing) = placed(&made, &Sight { shows, details: Vec::new() });
        for axis in &by_person {
            prop_assert_eq!(now.get(axis), said.get(axis));
        }
        prop_assert_eq!(&placing.by_person, &by_person);
        prop_assert!(placing.otherwise.iter().all(|one| !by_person.contains(&one.axis) && one.asked != one.seen));
        // Looking twice changes nothing more.
        let again = Picture { cell: now.clone(), placing: Some(placing.clone()), ..made };
        let (twice, second) = placed(&again, placing.seen.as_ref().unwrap());
        prop_assert_eq!((twice, second), (now, placing));
    }
}
