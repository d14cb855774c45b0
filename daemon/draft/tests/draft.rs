//! The draft engines' pictures: panels that hold what they promise, and cameras that move as told.

mod worker;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use image::RgbaImage;
use rstest::rstest;
use studio_core::{
    character::{Age, CharacterProfile, Gender},
    ids::AttemptId,
    ids::ContentHash,
    media::{AnimaticLayer, AnimaticPlan, LAYER_DEPTHS, MediaFacts},
    order::{AssetRef, ClipOrder, Figure, Order, Role, StillOrder},
    scene::{Look, Setting, TimeOfDay, Weather},
    shot::{CameraAngle, Motion, ShotType},
    units::{Fps, Frames, Seed, Size, Steps},
};
use studio_draft::{
    clips::{self, Clips},
    stills::{Panel, Stills, margins, slate_area},
};
use studio_engine::{Artifact, Engine, EngineError, FailureKind, Means, Progress, Workspace, asset_path};
use studio_media::{
    animatic::{self, Animatic, I420Planes},
    probe,
};
use tokio_util::sync::CancellationToken;

use worker::Worker;

const SHOTS: [ShotType; 6] = [
    ShotType::Establishing,
    ShotType::Wide,
    ShotType::Medium,
    ShotType::CloseUp,
    ShotType::ExtremeCloseUp,
    ShotType::Action,
];
const ANGLES: [CameraAngle; 6] = [
    CameraAngle::EyeLevel,
    CameraAngle::High,
    CameraAngle::Low,
    CameraAngle::Dutch,
    CameraAngle::Overhead,
    CameraAngle::OverShoulder,
];
const TIMES: [TimeOfDay; 7] = [
    TimeOfDay::Dawn,
    TimeOfDay::Morning,
    TimeOfDay::Midday,
    TimeOfDay::Afternoon,
    TimeOfDay::Sunset,
    TimeOfDay::Evening,
    TimeOfDay::Night,
];
const WEATHERS: [Weather; 6] =
    [Weather::Clear, Weather::Cloudy, Weather::Rain, Weather::Storm, Weather::Snow, Weather::Fog];

fn person(name: &str, gender: Gender, age: Age) -> Figure {
    Figure {
        name: name.into(),
        profile: CharacterProfile::from_name(name, Some(gender), Some(age)),
        appearance: None,
        staging: None,
    }
}

fn order(shot_type: ShotType, size: Size) -> StillOrder {
    StillOrder {
        look: Look {
            setting: Setting::Exterior,
            location: "Lighthouse".into(),
            time_of_day: TimeOfDay::Sunset,
            weather: Weather::Clear,
            mood: "tense".into(),
            synopsis: String::new(),
        },
        shot_type,
        angle: CameraAngle::EyeLevel,
        description: "Mara looks at the sea.".into(),
        card: None,
        figures: vec![person("Mara", Gender::Female, Age::Adult)],
        speaker: None,
        slate: "1-3 MEDIUM".into(),
        size,
        seed: Seed(7),
        steps: Steps(1),
        source: None,
        recipe: None,
    }
}

fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

fn draw(order: &StillOrder) -> Panel {
    Panel::draw(order).expect("every order can be drawn")
}

/// Mean difference of two equally large pictures, 0-255.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}

fn room(dir: &Path) -> Workspace {
    let room = Workspace::fresh(dir.join("room"), dir.join("assets"), AttemptId(uuid::Uuid::nil()));
    std::fs::create_dir_all(&room.dir).unwrap();
    room
}

async fn make(engine: &dyn Engine, order: &Order, room: &Workspace) -> Result<Vec<Artifact>, EngineError> {
    engine.run(order, Means { room, progress: &Progress::noop(), stop: &CancellationToken::new() }).await
}

fn files(made: &[Artifact], wanted: Role) -> Vec<PathBuf> {
    let file = |made: &Artifact| match made {
        Artifact::File { role, path, .. } if *role == wanted => Some(path.clone()),
        _ => None,
    };
    made.iter().filter_map(file).collect()
}

#[tokio::test]
async fn the_same_order_gives_the_same_bytes_and_another_seed_others() {
    let mut all = Vec::new();
    for seed in [7, 7, 8] {
        let dir = tempfile::tempdir().unwrap();
        let mut order = order(ShotType::Medium, size(320, 180));
        order.look.weather = Weather::Rain;
        order.seed = Seed(seed);
        let made = make(&Stills, &Order::Still(order), &room(dir.path())).await.unwrap();
        let mut paths = files(&made, Role::Picture);
        assert_eq!(paths.len(), 1);
        paths.extend(files(&made, Role::Layer));
        assert_eq!(paths.len(), 1 + LAYER_DEPTHS.len(), "clips reads one depth per layer");
        all.push(paths.iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>());
    }
    assert_eq!(all[0], all[1]);
    assert_ne!(all[0][0], all[2][0], "a new take must look different");
}

#[test]
fn every_combination_can_be_drawn() {
    let mut turn = 0;
    let mut drawn = |shot: ShotType, angle, setting, time, weather, location: &str| {
        turn += 1;
        let mut order = order(shot, size(64, 36));
        order.angle = angle;
        order.look = Look { setting, time_of_day: time, weather, location: location.into(), ..order.look };
        let everybody = [Gender::Female, Gender::Male, Gender::Neutral]
            .into_iter()
            .flat_map(|gender| [Age::Child, Age::Adult, Age::Elder].map(|age| person(&format!("{turn}"), gender, age)));
        order.figures = everybody.skip(turn % 9).take(turn % 4).collect();
        order.speaker = (turn % 3 > 0).then_some(turn % 5);
        order.seed = Seed(turn as u64);
        let panel = draw(&order);
        let flat = panel.picture.pixels();
        assert!(flat.iter().all(|pixel| pixel.alpha() == 255), "a hole in {order:?}");
        assert!(panel.layers[0].pixels().iter().all(|pixel| pixel.alpha() == 255), "a hole in the sky of {order:?}");
        assert!(flat.iter().any(|pixel| pixel != &flat[0]), "nothing to see in {order:?}");
    };
    for (index, shot) in SHOTS.into_iter().enumerate() {
        for (other, angle) in ANGLES.into_iter().enumerate() {
            for setting in [Setting::Interior, Setting::Exterior, Setting::Both] {
                drawn(shot, angle, setting, TIMES[(index + other) % 7], WEATHERS[(index * 5 + other) % 6], "Nowhere");
            }
        }
    }
    for time in TIMES {
        for weather in WEATHERS {
            drawn(ShotType::Establishing, CameraAngle::EyeLevel, Setting::Exterior, time, weather, "harbour");
        }
    }
    let places = "lighthouse,harbour,beach,ship,city,street,house,forest,mountain,field,station,church,factory,space,\
                  kitchen,bedroom,living,office,lab,bar,train,cabin,corridor,cellar,lantern";
    for place in places.split(',') {
        for setting in [Setting::Interior, Setting::Exterior] {
            drawn(ShotType::Wide, CameraAngle::EyeLevel, setting, TimeOfDay::Night, Weather::Storm, place);
        }
    }
}

/// Which colours the people's layer holds, in four steps of each part, as shares.
fn colours(panel: &Panel) -> Vec<f64> {
    let mut shares = vec![0.0; 64];
    let mut count = 0.0;
    for pixel in panel.layers[2].pixels().iter().filter(|pixel| pixel.alpha() == 255) {
        let step = |part: u8| usize::from(part / 64);
        shares[step(pixel.red()) * 16 + step(pixel.green()) * 4 + step(pixel.blue())] += 1.0;
        count += 1.0;
    }
    assert!(count > 100.0, "nobody is in the picture");
    shares.iter().map(|share| share / count).collect()
}

#[test]
fn people_differ_from_each_other_and_resemble_themselves() {
    let look = |figure: &Figure, seed| {
        let mut order = order(ShotType::Medium, size(320, 180));
        order.look.time_of_day = TimeOfDay::Afternoon;
        order.figures = vec![figure.clone()];
        order.seed = Seed(seed);
        draw(&order)
    };
    let cast = [
        person("Mara", Gender::Female, Age::Adult),
        person("Jonas", Gender::Male, Age::Adult),
        person("Old Tom", Gender::Male, Age::Elder),
        person("Ruth", Gender::Female, Age::Elder),
        person("Lilly", Gender::Female, Age::Child),
    ];
    for (index, one) in cast.iter().enumerate() {
        for other in &cast[index + 1..] {
            let (a, b) = (look(one, 1), look(other, 1));
            assert!(difference(a.layers[2].data(), b.layers[2].data()) > 3.0, "{} looks like {}", one.name, other.name);
        }
        let (first, again) = (look(one, 1), look(one, 99));
        let common: f64 = colours(&first).iter().zip(colours(&again)).map(|(a, b)| a.min(b)).sum();
        assert!(common > 0.85, "{} wears other colours in the next shot: {common}", one.name);
    }
}

#[rstest]
#[case(1080, 1920)]
#[case(1920, 1080)]
#[case(16, 16)]
#[case(64, 16)]
#[case(16, 64)]
#[case(958, 400)]
fn pictures_are_as_large_as_ordered(#[case] width: u32, #[case] height: u32) {
    let mut order = order(ShotType::CloseUp, size(width, height));
    order.angle = CameraAngle::Dutch;
    let panel = draw(&order);
    assert_eq!((panel.picture.width(), panel.picture.height()), (width, height));
    let (left, top) = margins(order.size);
    assert!(left >= 2 && top >= 2 && left % 2 == 0 && top % 2 == 0);
    for layer in &panel.layers {
        assert_eq!((layer.width(), layer.height()), (width + 2 * left, height + 2 * top));
    }
}

#[test]
fn the_layers_make_the_flat_picture_but_for_its_slate() {
    let order = order(ShotType::Wide, size(320, 180));
    let panel = draw(&order);
    let (left, top) = margins(order.size);
    let (x0, y0, w, h) = slate_area(&order);
    let mut slate_pixels = 0;
    for (x, y) in (0..180).flat_map(|y| (0..320).map(move |x| (x, y))) {
        let mut below = [0.0f64; 3];
        for layer in &panel.layers {
            let over = layer.pixel(x + left, y + top).unwrap();
            let rest = 1.0 - f64::from(over.alpha()) / 255.0;
            let parts = [over.red(), over.green(), over.blue()];
            below = std::array::from_fn(|part| f64::from(parts[part]) + below[part] * rest);
        }
        let flat = panel.picture.pixel(x, y).unwrap();
        let flat = [flat.red(), flat.green(), flat.blue()];
        let off = (0..3).map(|part| (f64::from(flat[part]) - below[part]).abs()).fold(0.0, f64::max);
        let in_slate = (x0..x0 + w).contains(&x) && (y0..y0 + h).contains(&y);
        assert!(in_slate || off < 3.0, "{x},{y} is off by {off}");
        slate_pixels += u32::from(in_slate && off > 20.0);
    }
    assert!(slate_pixels > 150, "there is no slate: {slate_pixels}");
}

#[rstest]
#[case("<script>&amp;\"'</text></svg>]]><!--")]
#[case("\u{202e}txeT desrever \u{5d0}\u{5d1} \u{645}\u{631}\u{62d}\u{628}\u{627}")]
#[case("🎬🎭👩‍👩‍👧 \u{0}\u{1}\u{7f}\u{fffe}\u{200b}\t\r\n")]
#[case("")]
fn no_text_breaks_the_drawing(#[case] words: &str) {
    for text in [words.to_owned(), words.repeat(10_000 / words.len().max(1) + 1)] {
        let mut order = order(ShotType::Medium, size(160, 90));
        order.look.location.clone_from(&text);
        order.look.mood.clone_from(&text);
        order.look.synopsis.clone_from(&text);
        order.description.clone_from(&text);
        order.slate.clone_from(&text);
        order.figures[0].name = text;
        draw(&order);
    }
}

#[tokio::test]
async fn a_cancelled_still_and_a_foreign_order_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let room = room(dir.path());
    let stop = CancellationToken::new();
    stop.cancel();
    let still = Order::Still(order(ShotType::Wide, size(320, 180)));
    let error = Stills.run(&still, Means { room: &room, progress: &Progress::noop(), stop: &stop }).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Cancelled);
    assert_eq!(std::fs::read_dir(&room.dir).unwrap().count(), 0, "a cancelled still leaves nothing");
    let error = make(&Clips::new(Arc::new(Worker)), &still, &room).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Refused);
}

/// A plan over a grey ground (depth 0.5) with a white square in the middle (depth 1).
fn square_plan(dir: &Path, motion: Motion) -> AnimaticPlan {
    let (w, h) = (320 + 2 * 38, 180 + 2 * 22);
    let ground = RgbaImage::from_pixel(w, h, image::Rgba([60, 60, 60, 255]));
    let square = RgbaImage::from_fn(w, h, |x, y| {
        let inside = (w / 2 - 30..w / 2 + 30).contains(&x) && (h / 2 - 30..h / 2 + 30).contains(&y);
        image::Rgba(if inside { [255; 4] } else { [0; 4] })
    });
    ground.save(dir.join("ground.png")).unwrap();
    square.save(dir.join("square.png")).unwrap();
    AnimaticPlan {
        layers: vec![
            AnimaticLayer { input: dir.join("ground.png"), depth: 0.5 },
            AnimaticLayer { input: dir.join("square.png"), depth: 1.0 },
        ],
        size: size(320, 180),
        fps: Fps::whole(24),
        frames: Frames(72),
        motion,
        seed: 3,
        video_out: dir.join("out.mp4"),
    }
}

/// Middle of the white square, and how many pixels it covers.
fn square_in(picture: &I420Planes) -> (f64, f64, f64) {
    let width = picture.size.width as usize;
    let (mut x, mut y, mut area) = (0.0, 0.0, 0.0);
    for (index, luma) in picture.y.iter().enumerate() {
        let share = (f64::from(*luma) - 69.0).max(0.0) / (235.0 - 69.0);
        x += share * (index % width) as f64;
        y += share * (index / width) as f64;
        area += share;
    }
    (x / area, y / area, area)
}

#[rstest]
#[case(Motion::PanRight, (-0.08 * 320.0, 0.0, 1.0))]
#[case(Motion::PanLeft, (0.08 * 320.0, 0.0, 1.0))]
#[case(Motion::TiltUp, (0.0, 0.08 * 180.0, 1.0))]
#[case(Motion::TiltDown, (0.0, -0.08 * 180.0, 1.0))]
#[case(Motion::PushIn, (0.0, 0.0, 1.12))]
#[case(Motion::PullOut, (0.0, 0.0, 0.928 / 1.036))]
#[case(Motion::Static, (0.0, 0.0, 1.0))]
fn the_camera_moves_as_told(#[case] motion: Motion, #[case] (right, down, larger): (f64, f64, f64)) {
    let dir = tempfile::tempdir().unwrap();
    let plan = square_plan(dir.path(), motion);
    let animatic = Animatic::load(&plan).unwrap();
    let (mut first, mut last) = (I420Planes::black(plan.size), I420Planes::black(plan.size));
    animatic.frame(0, &mut first);
    animatic.frame(71, &mut last);
    let (from, to) = (square_in(&first), square_in(&last));
    assert!((to.0 - from.0 - right).abs() < 0.3, "{motion:?} goes {} to the right", to.0 - from.0);
    assert!((to.1 - from.1 - down).abs() < 0.3, "{motion:?} goes {} down", to.1 - from.1);
    assert!(((to.2 / from.2).sqrt() - larger).abs() < 0.01, "{motion:?} grows {}", (to.2 / from.2).sqrt());
    assert_eq!(motion == Motion::Static, first == last);
}

#[test]
fn a_hand_held_camera_wanders_but_starts_at_the_still() {
    let dir = tempfile::tempdir().unwrap();
    let plan = square_plan(dir.path(), Motion::Handheld);
    let animatic = Animatic::load(&plan).unwrap();
    let mut picture = I420Planes::black(plan.size);
    let mut seen = Vec::new();
    for k in 0..72 {
        animatic.frame(k, &mut picture);
        seen.push(square_in(&picture));
    }
    assert!((seen[0].0 - 159.5).abs() < 0.5 && (seen[0].1 - 89.5).abs() < 0.5, "{:?}", seen[0]);
    let reach = seen.iter().map(|at| (at.0 - seen[0].0).abs().max((at.1 - seen[0].1).abs())).fold(0.0, f64::max);
    assert!((0.5..9.0).contains(&reach), "wanders {reach} pixels");
    let jump = seen.windows(2).map(|two| (two[1].0 - two[0].0).abs()).fold(0.0, f64::max);
    assert!(jump < 1.5, "jumps {jump} pixels");
}

fn keep(room: &Workspace, path: &Path) -> AssetRef {
    let bytes = std::fs::read(path).unwrap();
    let asset = AssetRef { hash: ContentHash::of(&bytes), ext: "png".into() };
    let kept = asset_path(&room.assets, &asset);
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    std::fs::write(kept, bytes).unwrap();
    asset
}

/// A drawn still and the order of a clip over it.
async fn clip_order(room: &Workspace, size: Size, motion: Motion, layered: bool) -> ClipOrder {
    let made = make(&Stills, &Order::Still(order(ShotType::Medium, size)), room).await.unwrap();
    let layers = files(&made, Role::Layer);
    ClipOrder {
        source: Some(keep(room, &files(&made, Role::Picture)[0])),
        layers: layers.iter().filter(|_| layered).map(|path| keep(room, path)).collect(),
        description: String::new(),
        motion,
        size,
        fps: Fps { num: 30_000, den: 1001 },
        frames: Frames(37),
        wanted: None,
        seed: Seed(5),
        steps: Steps(1),
        look: None,
        shot_type: None,
        figures: Vec::new(),
        script: None,
        recipe: None,
    }
}

#[rstest]
#[case(true, size(320, 180))]
#[case(false, size(320, 180))]
#[case(true, size(90, 160))]
#[tokio::test]
async fn a_clip_has_exactly_the_ordered_pictures(#[case] layered: bool, #[case] size: Size) {
    let dir = tempfile::tempdir().unwrap();
    let room = room(dir.path());
    let order = clip_order(&room, size, Motion::PushIn, layered).await;
    let fps = order.fps;
    let made = make(&Clips::new(Arc::new(Worker)), &Order::Clip(order), &room).await.unwrap();
    let [Artifact::File { role: Role::Video, path, facts }] = &made[..] else { panic!("{made:?}") };
    let MediaFacts::Video { size: told, frames, .. } = facts else { panic!("{facts:?}") };
    assert_eq!((*told, *frames), (size, Frames(37)));
    let MediaFacts::Video { size: seen, fps: rate, frames, .. } = probe::facts(path, &mut |_| {}).unwrap() else {
        panic!("not a film")
    };
    assert_eq!((seen, rate, frames), (size, fps, Frames(37)));
}

#[rstest]
#[tokio::test]
async fn a_clip_starts_with_its_still(#[values(true, false)] layered: bool) {
    let dir = tempfile::tempdir().unwrap();
    let room = room(dir.path());
    let order = clip_order(&room, size(320, 180), Motion::PanLeft, layered).await;
    let source = image::open(room.path(order.source.as_ref().unwrap())).unwrap().into_rgb8();
    let animatic = Animatic::load(&clips::plan(&order, &room).unwrap()).unwrap();
    let mut first = I420Planes::black(order.size);
    animatic.frame(0, &mut first);
    let luma = |pixel: &image::Rgb<u8>| {
        let [r, g, b] = pixel.0.map(f64::from);
        (16.0 + (0.2126 * r + 0.7152 * g + 0.0722 * b) * 219.0 / 255.0).round() as u8
    };
    let still: Vec<u8> = source.pixels().map(luma).collect();
    // The slate stays on the still; above it both are the same picture.
    let above = 160 * 320;
    let off = difference(&still[..above], &first.y[..above]);
    assert!(off < 1.0, "the first picture is off by {off}");
}

#[test]
fn a_broken_layer_is_an_input_fault() {
    let dir = tempfile::tempdir().unwrap();
    let plan = square_plan(dir.path(), Motion::Static);
    std::fs::write(dir.path().join("square.png"), b"no picture").unwrap();
    let fault = Animatic::load(&plan).unwrap_err();
    assert_eq!(fault.kind, FailureKind::BadInput);
    assert!(fault.message.contains("square.png"), "{}", fault.message);
    assert!(animatic::run(&plan, &mut |_| {}).is_err());
    assert!(!plan.video_out.exists());
}

#[test]
fn what_plays_nowhere_is_black_with_its_title_card() {
    let size = Size { width: 640, height: 360 };
    let mut nowhere = order(ShotType::Wide, size);
    nowhere.look.location = String::new();
    nowhere.figures.clear();
    let black = Panel::draw(&nowhere).unwrap();
    assert!(black.layers.is_empty());
    assert!(
        black
            .picture
            .pixels()
            .iter()
            .all(|pixel| (pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()) == (0, 0, 0, 255))
    );
    nowhere.card = Some("For Ada".into());
    let card = Panel::draw(&nowhere).unwrap();
    let lit: Vec<usize> =
        (0..card.picture.pixels().len()).filter(|at| card.picture.pixels()[*at].red() > 128).collect();
    assert!(!lit.is_empty(), "the words are there");
    let (left, right) = (lit.iter().map(|at| at % 640).min().unwrap(), lit.iter().map(|at| at % 640).max().unwrap());
    let (top, bottom) = (lit[0] / 640, lit[lit.len() - 1] / 640);
    assert!(left > 64 && right < 576 && top > 120 && bottom < 240, "in the middle: {left} {right} {top} {bottom}");
    assert!((left + right).abs_diff(640) < 16, "{left} {right}");
}

#[tokio::test]
async fn a_picture_that_a_person_chose_is_the_still_as_large_as_ordered() {
    let root = tempfile::tempdir().unwrap();
    let (dir, assets) = (root.path().join("room"), root.path().join("assets"));
    std::fs::create_dir_all(&dir).unwrap();
    // Tall, so that its middle is taken: red above, green in the middle, blue below.
    let tall = image::RgbImage::from_fn(90, 300, |_, y| match y {
        0..100 => image::Rgb([200, 0, 0]),
        100..200 => image::Rgb([0, 200, 0]),
        _ => image::Rgb([0, 0, 200]),
    });
    let asset = AssetRef { hash: ContentHash::of(b"sketch"), ext: "png".into() };
    let kept = asset_path(&assets, &asset);
    std::fs::create_dir_all(kept.parent().unwrap()).unwrap();
    tall.save(&kept).unwrap();
    let size = Size { width: 320, height: 180 };
    let wanted = Order::Still(StillOrder { source: Some(asset), ..order(ShotType::Medium, size) });
    let room = Workspace::fresh(dir, assets, AttemptId(uuid::Uuid::nil()));
    let made = make(&Stills, &wanted, &room).await.unwrap();
    let [Artifact::File { role: Role::Picture, path, facts }] = &made[..] else { panic!("one picture: {made:?}") };
    assert_eq!(*facts, MediaFacts::Still { size });
    let picture = image::open(path).unwrap().to_rgb8();
    assert_eq!(picture.dimensions(), (320, 180));
    let image::Rgb([red, green, blue]) = *picture.get_pixel(160, 60);
    assert!(green > 180 && red < 20 && blue < 20, "{red} {green} {blue}");
    std::fs::write(&kept, b"no picture").unwrap();
    let failure = make(&Stills, &wanted, &room).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::BadInput);
}
