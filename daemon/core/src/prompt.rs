//! Prompt: an order in the words a model was trained on. Stored texts are never changed by this.

use crate::{
    character::{Age, Gender},
    model::{Model, PromptStyle},
    order::{ClipOrder, Figure, Recipe, StillOrder},
    scene::{Look, Setting, TimeOfDay, Weather},
    shot::{CameraAngle, Motion, ShotType},
    workflow::plain_prompt,
};

/// Longest description in a motion-first prompt: longer ones drown the motion.
const SHORT: usize = 120;

/// The words of a still.
pub fn still(order: &StillOrder, recipe: &Recipe, model: &Model) -> String {
    let mut said = vec![model.positive.clone(), recipe.style.clone()];
    said.push(shot(order.shot_type).to_owned());
    said.extend(angle(order.angle).map(str::to_owned));
    said.extend(order.figures.iter().map(|one| figure(one, model.prompt)));
    said.push(order.description.clone());
    said.extend(place(&order.look));
    joined(said, model.prompt)
}

/// The words of a clip.
pub fn clip(order: &ClipOrder, recipe: &Recipe, model: &Model) -> String {
    let figures = || order.figures.iter().map(|one| figure(one, model.prompt));
    let places = || order.look.iter().flat_map(place);
    let camera = motion(order.motion).map(str::to_owned);
    let mut said = Vec::new();
    if model.prompt == PromptStyle::MotionFirst {
        said.extend(camera);
        said.push(cut(&order.description, SHORT));
        said.extend(order.figures.iter().map(|one| one.name.clone()));
        said.extend(places());
        said.extend([recipe.style.clone(), model.positive.clone()]);
    } else {
        said.extend([model.positive.clone(), recipe.style.clone()]);
        said.extend(places());
        said.extend(order.shot_type.map(|shot_type| shot(shot_type).to_owned()));
        said.extend(figures());
        said.push(order.description.clone());
        said.extend(camera);
        said.push("consistent character, same clothes, natural motion".into());
    }
    joined(said, model.prompt)
}

fn joined(said: Vec<String>, style: PromptStyle) -> String {
    let clean = |text: String| {
        let text = plain_prompt(&text.split_whitespace().collect::<Vec<_>>().join(" "));
        text.trim_end_matches(['.', ',', ' ']).to_owned()
    };
    let said: Vec<String> = said.into_iter().map(clean).filter(|text| !text.is_empty()).collect();
    said.join(if style == PromptStyle::Booru { ", " } else { ". " })
}

/// The beginning of a text up to `most` characters, ending at a word.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => text[..end].rsplit_once(' ').map_or(&text[..end], |(words, _)| words).to_owned(),
    }
}

fn figure(figure: &Figure, style: PromptStyle) -> String {
    let who = match (figure.profile.age, figure.profile.gender) {
        (Age::Child, Gender::Female) => "girl",
        (Age::Child, Gender::Male) => "boy",
        (Age::Child, Gender::Neutral) => "child",
        (Age::Adult, Gender::Female) => "woman",
        (Age::Adult, Gender::Male) => "man",
        (Age::Adult, Gender::Neutral) => "person",
        (Age::Elder, Gender::Female) => "old woman",
        (Age::Elder, Gender::Male) => "old man",
        (Age::Elder, Gender::Neutral) => "old person",
    };
    match style {
        PromptStyle::Booru => format!("1 {who}, {}", figure.name),
        _ => format!("{}, a{} {who}", figure.name, if who.starts_with('o') { "n" } else { "" }),
    }
}

fn place(look: &Look) -> Vec<String> {
    let inside = match look.setting {
        Setting::Interior => "inside",
        Setting::Exterior | Setting::Both => "outside",
    };
    let light = match look.time_of_day {
        TimeOfDay::Dawn => "at dawn",
        TimeOfDay::Morning => "in the morning",
        TimeOfDay::Midday => "at midday",
        TimeOfDay::Afternoon => "in the afternoon",
        TimeOfDay::Sunset => "at sunset",
        TimeOfDay::Evening => "in the evening",
        TimeOfDay::Night => "at night",
    };
    let sky = match look.weather {
        Weather::Clear => None,
        Weather::Cloudy => Some("under a cloudy sky"),
        Weather::Rain => Some("in the rain"),
        Weather::Storm => Some("in a storm"),
        Weather::Snow => Some("in the snow"),
        Weather::Fog => Some("in fog"),
    };
    let mut said = vec![format!("{inside}, {}, {light}", look.location)];
    said.extend(sky.map(str::to_owned));
    if !look.mood.is_empty() {
        said.push(format!("{} mood", look.mood));
    }
    said
}

fn shot(shot_type: ShotType) -> &'static str {
    match shot_type {
        ShotType::Establishing => "establishing shot, wide view of the place",
        ShotType::Wide => "wide shot",
        ShotType::Medium => "medium shot",
        ShotType::CloseUp => "close-up",
        ShotType::ExtremeCloseUp => "extreme close-up",
        ShotType::Action => "action shot",
    }
}

fn angle(angle: CameraAngle) -> Option<&'static str> {
    match angle {
        CameraAngle::EyeLevel => None,
        CameraAngle::High => Some("seen from above"),
        CameraAngle::Low => Some("seen from below"),
        CameraAngle::Dutch => Some("tilted camera"),
        CameraAngle::Overhead => Some("seen from straight above"),
        CameraAngle::OverShoulder => Some("over the shoulder"),
    }
}

fn motion(motion: Motion) -> Option<&'static str> {
    match motion {
        Motion::Static => None,
        Motion::PanLeft => Some("the camera pans to the left"),
        Motion::PanRight => Some("the camera pans to the right"),
        Motion::PushIn => Some("the camera slowly pushes in"),
        Motion::PullOut => Some("the camera slowly pulls out"),
        Motion::TiltUp => Some("the camera tilts up"),
        Motion::TiltDown => Some("the camera tilts down"),
        Motion::Handheld => Some("handheld camera"),
    }
}
