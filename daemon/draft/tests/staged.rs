//! Pictures for datasets: each cell of the coverage looks different, and the same character is in all of them.

mod worker;

use std::sync::Arc;

use rstest::rstest;
use studio_core::{
    character::{Age, CharacterProfile, Gender},
    dataset::{
        Cell,
        still::{self, Making},
    },
    ids::{AttemptId, ContentHash},
    order::{AssetRef, Figure, ReviewOrder, StillOrder},
    portrait::{of_character, redrawn},
    take::Verdict,
    units::{Score, Seed, Size, Steps},
    views::PortraitView,
};
use studio_draft::{judge::DraftJudge, stills::Panel};
use studio_engine::{Progress, Workspace, asset_path};
use tokio_util::sync::CancellationToken;

use worker::Worker;

const FRAMINGS: [&str; 3] = ["face", "upper", "full"];
const ANGLES: [&str; 4] = ["front", "three_quarter", "side", "back"];
const EXPRESSIONS: [&str; 6] = ["neutral", "smile", "angry", "sad", "surprised", "closed_eyes"];
const POSES: [&str; 6] = ["standing", "walking", "sitting", "arms_crossed", "pointing", "waving"];

const CAST: [(&str, Gender, Age); 5] = [
    ("Mara", Gender::Female, Age::Adult),
    ("Jonas", Gender::Male, Age::Adult),
    ("Old Tom", Gender::Male, Age::Elder),
    ("Ruth", Gender::Female, Age::Elder),
    ("Lilly", Gender::Female, Age::Child),
];

fn figure((name, gender, age): (&str, Gender, Age)) -> Figure {
    Figure {
        name: name.into(),
        profile: CharacterProfile::from_name(name, Some(gender), Some(age)),
        appearance: None,
        staging: None,
    }
}

fn making(seed: u64) -> Making {
    Making { size: Size { width: 208, height: 304 }, seed: Seed(seed), steps: Steps(1), recipe: None }
}

fn cell(words: &[(&str, &str)]) -> Cell {
    words.iter().map(|(axis, word)| ((*axis).to_owned(), (*word).to_owned())).collect()
}

fn order(who: (&str, Gender, Age), words: &[(&str, &str)], seed: u64) -> StillOrder {
    still::order(figure(who), &cell(words), "one person".into(), making(seed))
}

fn draw(order: &StillOrder) -> Panel {
    Panel::draw(order).expect("every order can be drawn")
}

/// Mean difference of two equally large pictures, 0-255.
fn difference(a: &Panel, b: &Panel) -> f64 {
    let (a, b) = (a.picture.data(), b.picture.data());
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

/// Each of the cells against each other: the least difference, and between which.
fn least(panels: &[(String, Panel)]) -> (f64, String) {
    let mut least = (f64::MAX, String::new());
    for (index, (one, a)) in panels.iter().enumerate() {
        for (other, b) in &panels[index + 1..] {
            let off = difference(a, b);
            if off < least.0 {
                least = (off, format!("{one} and {other}"));
            }
        }
    }
    least
}

#[test]
fn the_same_order_gives_the_same_bytes() {
    let words = [("framing", "full"), ("angle", "side"), ("pose", "walking"), ("place", "outdoor"), ("light", "rain")];
    let (one, again) = (draw(&order(CAST[0], &words, 7)), draw(&order(CAST[0], &words, 7)));
    assert!(one.picture == again.picture && one.layers == again.layers);
    let other = draw(&order(CAST[0], &words, 8));
    assert!(difference(&one, &other) > 1.0, "another seed is another picture");
}

#[rstest]
#[case::adult(CAST[0])]
#[case::elder(CAST[2])]
#[case::child(CAST[4])]
fn angles_and_poses_are_other_pictures(#[case] who: (&str, Gender, Age)) {
    for framing in FRAMINGS {
        let mut panels = Vec::new();
        for angle in ANGLES {
            // Of a face alone no pose is seen.
            for pose in POSES.into_iter().take(if framing == "face" { 1 } else { 6 }) {
                let words = [("framing", framing), ("angle", angle), ("pose", pose)];
                panels.push((format!("{framing} {angle} {pose}"), draw(&order(who, &words, 7))));
            }
        }
        let (off, which) = least(&panels);
        println!("{framing}: {off:.2} between {which}");
        assert!(off > 0.6, "{which} differ by {off:.2} only");
    }
}

#[test]
fn expressions_are_other_faces_and_none_is_seen_from_behind() {
    for angle in ANGLES {
        let face = |expression: &&str| {
            let words = [("framing", "face"), ("angle", angle), ("expression", *expression)];
            ((*expression).to_owned(), draw(&order(CAST[1], &words, 7)))
        };
        let panels: Vec<_> = EXPRESSIONS.iter().map(face).collect();
        let (off, which) = least(&panels);
        println!("{angle}: {off:.2} between {which}");
        assert!(if angle == "back" { off < f64::EPSILON } else { off > 0.12 }, "{angle}: {which} differ by {off:.2}");
    }
}

#[test]
fn places_and_lights_are_other_pictures() {
    let looks =
        [("plain", ""), ("indoor", ""), ("outdoor", ""), ("outdoor", "night"), ("beach", "sunset"), ("street", "rain")];
    let shown = |(place, light): &(&str, &str)| {
        let words = [("framing", "upper"), ("place", *place), ("light", *light)];
        (format!("{place} {light}"), draw(&order(CAST[0], &words, 7)))
    };
    let (off, which) = least(&looks.iter().map(shown).collect::<Vec<_>>());
    println!("{off:.2} between {which}");
    assert!(off > 12.0, "{which} differ by {off:.2} only");
}

/// Left, top, right and bottom of who is in the picture, in shares of its size.
fn extent(panel: &Panel) -> [f64; 4] {
    let layer = &panel.layers[2];
    let (wide, high) = (panel.picture.width(), panel.picture.height());
    let (left, top) = ((layer.width() - wide) / 2, (layer.height() - high) / 2);
    let mut seen = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
    for (index, _) in layer.pixels().iter().enumerate().filter(|(_, pixel)| pixel.alpha() > 200) {
        let x = (index as u32 % layer.width()) as f64 - f64::from(left);
        let y = (index as u32 / layer.width()) as f64 - f64::from(top);
        let (x, y) = (x / f64::from(wide), y / f64::from(high));
        seen = [seen[0].min(x), seen[1].min(y), seen[2].max(x), seen[3].max(y)];
    }
    seen
}

#[test]
fn a_whole_figure_is_large_in_the_middle_and_in_the_picture() {
    for who in CAST {
        for (angle, pose) in ANGLES.into_iter().flat_map(|angle| POSES.map(|pose| (angle, pose))) {
            // Each size with half of all poses: a drawing takes its time.
            for (seed, size) in [(1, (208, 304)), (2, (256, 256)), (3, (320, 180)), (4, (144, 256))] {
                if (seed as usize + angle.len() + pose.len()).is_multiple_of(2) {
                    continue;
                }
                let making = Making { size: Size { width: size.0, height: size.1 }, ..making(seed) };
                let words = [("framing", "full"), ("angle", angle), ("pose", pose)];
                let panel = draw(&still::order(figure(who), &cell(&words), String::new(), making));
                let [left, top, right, bottom] = extent(&panel);
                let said = format!("{} {angle} {pose} {size:?}: {left:.2} {top:.2} {right:.2} {bottom:.2}", who.0);
                assert!(left > -0.005 && right < 1.005 && top > 0.0 && bottom < 1.0, "cut off: {said}");
                assert!(bottom - top >= 0.6, "small: {said}");
                assert!((left.midpoint(right) - 0.5).abs() < 0.16, "aside: {said}");
            }
        }
    }
}

#[test]
fn a_face_fills_the_picture() {
    for who in CAST {
        for angle in ANGLES {
            let making = Making { size: Size { width: 320, height: 240 }, ..making(5) };
            let words = [("framing", "face"), ("angle", angle)];
            let [_, top, _, bottom] = extent(&draw(&still::order(figure(who), &cell(&words), String::new(), making)));
            assert!((0.0..0.2).contains(&top) && bottom > 0.99, "{} {angle}: {top:.2} {bottom:.2}", who.0);
        }
    }
}

/// Which colours who is in the picture shows, in four steps of each part, as shares.
fn colours(panel: &Panel) -> Vec<f64> {
    let mut shares = vec![0.0; 64];
    let mut count = 0.0;
    for pixel in panel.layers[2].pixels().iter().filter(|pixel| pixel.alpha() == 255) {
        let step = |part: u8| usize::from(part / 64);
        shares[step(pixel.red()) * 16 + step(pixel.green()) * 4 + step(pixel.blue())] += 1.0;
        count += 1.0;
    }
    shares.iter().map(|share| share / count).collect()
}

#[test]
fn the_same_character_wears_the_same_colours() {
    let common = |a: &Panel, b: &Panel| -> f64 { colours(a).iter().zip(colours(b)).map(|(a, b)| a.min(b)).sum() };
    let full = |who| draw(&order(who, &[("framing", "full")], 1));
    let first: Vec<Panel> = CAST.into_iter().map(full).collect();
    for (index, who) in CAST.into_iter().enumerate() {
        for (angle, pose) in
            [("front", "waving"), ("three_quarter", "standing"), ("side", "walking"), ("back", "standing")]
        {
            let shown = draw(&order(who, &[("framing", "full"), ("angle", angle), ("pose", pose)], 2));
            let shares: Vec<f64> = first.iter().map(|one| common(one, &shown)).collect();
            println!("{} {angle} {pose}: {shares:.2?}", who.0);
            let most = shares.iter().copied().fold(0.0, f64::max);
            assert!(shares[index] >= most && most > 0.5, "{} {angle} {pose} looks like another: {shares:.2?}", who.0);
        }
    }
}

#[test]
fn plain_is_white_and_says_nothing() {
    let panel = draw(&order(CAST[0], &[("framing", "full")], 1));
    let picture = &panel.picture;
    let (right, bottom) = (picture.width() - 1, picture.height() - 1);
    for (x, y) in [(0, 0), (right, 0), (0, bottom), (right, bottom), (right / 2, 0), (10, bottom - 12)] {
        let pixel = picture.pixel(x, y).unwrap();
        let parts = [pixel.red(), pixel.green(), pixel.blue()];
        assert!(parts.iter().all(|part| (222..=250).contains(part)), "{x},{y}: {parts:?}");
    }
}

async fn judged(png: &[u8], dataset: bool) -> Verdict {
    let dir = tempfile::tempdir().unwrap();
    let room = Workspace::fresh(dir.path().join("room"), dir.path().join("assets"), AttemptId(uuid::Uuid::nil()));
    std::fs::create_dir_all(&room.dir).unwrap();
    let subject = AssetRef { hash: ContentHash::of(png), ext: "png".into() };
    let kept = asset_path(&room.assets, &subject);
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    std::fs::write(kept, png).unwrap();
    let order = ReviewOrder {
        subject,
        expected: None,
        reference: None,
        anchor: None,
        may_stand_still: true,
        dataset,
        describe: false,
        candidates: Vec::new(),
        turn: 0,
        shown: None,
    };
    let judge = DraftJudge::new(Arc::new(Worker));
    judge.review(&order, &room, &Progress::noop(), &CancellationToken::new()).await.unwrap()
}

#[tokio::test]
async fn the_draft_judge_finds_nothing_wrong_with_them() {
    let mut lowest = (Score::from_percent(100), String::new());
    for who in CAST {
        for (index, framing) in FRAMINGS.into_iter().enumerate() {
            for (place, light) in
                [("plain", ""), ("indoor", ""), ("outdoor", ""), ("outdoor", "night"), ("beach", "fog")]
            {
                let words = [("framing", framing), ("angle", ANGLES[index]), ("place", place), ("light", light)];
                let verdict = judged(&draw(&order(who, &words, 3)).picture.encode_png().unwrap(), true).await;
                let score = verdict.score.expect("a score");
                if score < lowest.0 {
                    lowest = (score, format!("{} {words:?}: {}", who.0, verdict.reason));
                }
            }
        }
    }
    println!("{} {}", lowest.0, lowest.1);
    assert!(lowest.0 >= Score::from_percent(80), "{} {}", lowest.0, lowest.1);
}

/// Models draw on white that is as white as can be.
#[tokio::test]
async fn before_pure_white_is_overexposed_in_a_film_and_right_in_a_dataset() {
    let panel = draw(&order(CAST[0], &[("framing", "full")], 1));
    let (width, height) = (panel.picture.width(), panel.picture.height());
    let mut picture = image::RgbaImage::from_raw(width, height, panel.picture.data().to_vec()).unwrap();
    for pixel in picture.pixels_mut().filter(|pixel| pixel.0.iter().all(|part| *part > 225)) {
        pixel.0 = [255; 4];
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("white.png");
    picture.save(&path).unwrap();
    let png = std::fs::read(path).unwrap();
    let (film, dataset) = (judged(&png, false).await, judged(&png, true).await);
    assert!(film.score < Some(Score::from_percent(80)) && film.reason.contains("exposure"), "{film:?}");
    assert!(dataset.score >= Some(Score::from_percent(80)), "{dataset:?}");
}

#[rstest]
#[case::black([0, 0, 0])]
#[case::white([255, 255, 255])]
#[case::grey([128, 128, 128])]
#[tokio::test]
async fn what_shows_nothing_is_rejected(#[case] colour: [u8; 3]) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("flat.png");
    image::RgbImage::from_pixel(416, 608, image::Rgb(colour)).save(&path).unwrap();
    let verdict = judged(&std::fs::read(path).unwrap(), true).await;
    assert!(verdict.score < Some(Score::from_percent(40)), "{verdict:?}");
    assert!(verdict.score.is_some());
}

/// A portrait of somebody, and the same with words of what is to be different.
fn portrait(who: (&str, Gender, Age), view: PortraitView, words: &str) -> StillOrder {
    let order = of_character(figure(who), view, making(7));
    if words.is_empty() { order } else { redrawn(order, view.prompt(), words) }
}

#[test]
fn words_say_how_somebody_is_shown_as_the_axes_do() {
    for (from, words, to) in [
        (PortraitView::Face, "smiling broadly", PortraitView::Smile),
        (PortraitView::Face, "with an angry face", PortraitView::Angry),
        (PortraitView::Smile, "sad", PortraitView::Sad),
        (PortraitView::Face, "Surprised!", PortraitView::Surprised),
        (PortraitView::Front, "from the side", PortraitView::Side),
        (PortraitView::Front, "three-quarter view", PortraitView::ThreeQuarter),
        (PortraitView::Side, "facing the viewer", PortraitView::Front),
        (PortraitView::Face, "upper body, calm", PortraitView::Front),
    ] {
        for who in CAST {
            let off = difference(&draw(&portrait(who, from, words)), &draw(&portrait(who, to, "")));
            assert!(off == 0.0, "{}: {words} is drawn otherwise than {to}: {off}", who.0);
        }
    }
}

#[test]
fn each_word_is_seen_and_what_nobody_knows_is_not() {
    let mara = CAST[0];
    let (view, own) = (PortraitView::FullBody, draw(&portrait(mara, PortraitView::FullBody, "")));
    let unseen = draw(&portrait(mara, view, "a deep sense of wonder, an old key in mind, on a plain background"));
    assert!(difference(&own, &unseen) == 0.0, "what nobody can draw changes nothing");
    let all = [
        "green hair",
        "bald",
        "a beard",
        "a red coat",
        "a blue dress",
        "glasses and a purple hat",
        "a beanie",
        "waving",
        "sitting",
        "walking from behind",
        "in a forest",
        "in a kitchen at night",
        "a white scarf",
        "dark skin",
    ];
    let mut panels = vec![("as she was".to_owned(), own)];
    panels.extend(all.map(|words| (words.to_owned(), draw(&portrait(mara, view, words)))));
    let (off, between) = least(&panels);
    assert!(off > 0.05, "{between} differ by {off}");
}

#[test]
fn what_was_different_before_stays_so() {
    let tom = CAST[2];
    let view = PortraitView::Face;
    let first = portrait(tom, view, "green hair, no hat, no beard");
    let second = redrawn(portrait(tom, view, ""), &first.description, "smiling");
    let both = portrait(tom, view, "smiling, green hair, no hat, no beard");
    assert!(difference(&draw(&second), &draw(&both)) == 0.0);
    let taken_back = redrawn(portrait(tom, view, ""), &second.description, "black hair");
    assert!(difference(&draw(&taken_back), &draw(&second)) > 0.5, "the newest word counts");
}
