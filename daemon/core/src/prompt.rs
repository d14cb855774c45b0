//! Prompt: an order in the words a model was trained on. Stored texts are never changed by this.

use std::collections::BTreeSet;

use crate::{
    character::{Age, Expression, Facing, Figure, Gender, Pose, Staging},
    model::{Model, PromptStyle},
    order::{ClipOrder, MusicOrder, Recipe, StillOrder},
    review::is_not_human,
    scene::{Look, PLAIN, Setting, TimeOfDay, Weather},
    shot::{CameraAngle, Motion, ShotType},
    workflow::plain_prompt,
};

/// Longest description in a motion-first prompt: longer ones drown the motion.
const SHORT: usize = 120;

/// A piece of a prompt and how soon it is left out when there is no room: 0 never, 9 first.
struct Said(u8, String);

/// The words of a still. The order is the contract: quality, style, shot, who (design and appearance), what they do,
/// where, what the takes before lacked, and at the end whether somebody is alone.
pub fn still(order: &StillOrder, recipe: &Recipe, model: &Model) -> String {
    if let [Figure { staging: Some(staging), .. }] = order.figures[..] {
        return joined(staged(order, staging, recipe, model), model);
    }
    let mut said = vec![Said(0, model.positive.clone()), Said(3, recipe.style.clone())];
    said.push(Said(4, shot(order.shot_type).to_owned()));
    said.extend(angle(order.angle).map(|angle| Said(5, angle.to_owned())));
    said.extend(called(recipe));
    said.extend(order.figures.iter().flat_map(|one| figure(one, model)));
    said.push(Said(1, stripped(&order.description, model)));
    said.extend(place(&order.look, recipe, model));
    said.extend(stress(recipe));
    if order.figures.len() == 1 {
        said.push(Said(2, solo(&order.figures[0], model)));
    }
    joined(said, model)
}

/// The words of somebody alone as a dataset wants to see them: models heed the beginning most, so how they are seen comes
/// before who they are, piece by piece, that only the last are left out when there is no room. The order's description
/// says all of it, the place too; without one it is said from what was asked.
fn staged(order: &StillOrder, staging: Staging, recipe: &Recipe, model: &Model) -> Vec<Said> {
    let mut said = vec![Said(0, model.positive.clone()), Said(3, recipe.style.clone())];
    said.push(Said(2, solo(&order.figures[0], model)));
    let words = stripped(&order.description, model);
    if words.is_empty() {
        said.push(Said(2, framing(order.shot_type).to_owned()));
        said.extend(attitude(staging).map(|words| Said(2, words.to_owned())));
    } else {
        said.extend(words.split(", ").map(|words| Said(2, words.to_owned())));
    }
    said.extend(called(recipe));
    said.extend(figure(&order.figures[0], model));
    if words.is_empty() && !order.look.is_plain() {
        said.extend(place(&order.look, recipe, model));
    } else {
        said.extend(words.is_empty().then(|| Said(6, PLAIN.to_owned())));
        said.push(Said(5, stripped(&recipe.place, model)));
    }
    said.extend(stress(recipe));
    said
}

/// The words trained additions are called with: without them they do little.
fn called(recipe: &Recipe) -> impl Iterator<Item = Said> {
    recipe.loras.iter().map(|lora| Said(0, lora.trigger.clone()))
}

/// The words of a clip.
pub fn clip(order: &ClipOrder, recipe: &Recipe, model: &Model) -> String {
    if let (PromptStyle::Script, Some(script)) = (model.prompt, &order.script) {
        // Sent as it is: the model was trained on scripts.
        return plain_prompt(script);
    }
    let figures = || order.figures.iter().flat_map(|one| figure(one, model));
    let places = || order.look.iter().flat_map(|look| place(look, recipe, model));
    let camera = motion(order.motion).map(|motion| Said(4, motion.to_owned()));
    let mut said = Vec::new();
    if model.prompt == PromptStyle::MotionFirst {
        said.extend(camera);
        said.push(Said(1, cut(&stripped(&order.description, model), SHORT)));
        said.extend(called(recipe));
        said.extend(order.figures.iter().map(|one| Said(2, one.name.clone())));
        said.extend(places());
        said.extend(stress(recipe));
        said.extend([Said(3, recipe.style.clone()), Said(0, model.positive.clone())]);
    } else {
        said.extend([Said(0, model.positive.clone()), Said(3, recipe.style.clone())]);
        said.extend(places());
        said.extend(order.shot_type.map(|shot_type| Said(4, shot(shot_type).to_owned())));
        said.extend(called(recipe));
        said.extend(figures());
        said.push(Said(1, stripped(&order.description, model)));
        said.extend(camera);
        said.extend(stress(recipe));
        said.push(Said(5, "consistent character, same clothes, natural motion".into()));
    }
    joined(said, model)
}

/// The words of music: its caption, with the model's own before it.
pub fn music(order: &MusicOrder, model: &Model) -> String {
    let caption = order.caption.clone().unwrap_or_else(|| order.mood.clone());
    joined(vec![Said(1, model.positive.clone()), Said(0, caption)], model)
}

/// What the picture must not show: the model's own words, the characters', then what the takes before showed.
/// Each once; what does not fit the model's text encoder is left out from the end.
pub fn negative(recipe: &Recipe, model: &Model) -> String {
    let fixes = recipe.issues.iter().filter_map(|issue| issue.fix()).map(|fix| fix.avoid.to_owned());
    let own = model.negative.split(',').map(str::to_owned);
    let words = own.chain(recipe.avoid.iter().cloned()).chain(fixes);
    let (mut seen, mut said, mut used) = (BTreeSet::new(), Vec::new(), 0);
    for word in words.flat_map(|words| words.split(',').map(|word| word.trim().to_owned()).collect::<Vec<_>>()) {
        used += tokens(&word) + 1;
        if model.tokens.is_some_and(|most| used > most) {
            break;
        }
        if !word.is_empty() && seen.insert(word.to_lowercase()) {
            said.push(word);
        }
    }
    said.join(", ")
}

/// What the takes before lacked.
fn stress(recipe: &Recipe) -> impl Iterator<Item = Said> {
    let fixes = recipe.issues.iter().filter_map(|issue| issue.fix());
    fixes.filter(|fix| !fix.stress.is_empty()).map(|fix| Said(2, fix.stress.to_owned()))
}

/// Text without the phrases this model must not hear: the longest first, or of "gritty neon-noir atmosphere" the word
/// "gritty" would stay. What is stored is not changed.
fn stripped(text: &str, model: &Model) -> String {
    let mut phrases: Vec<&String> = model.strip.iter().filter(|phrase| !phrase.is_empty()).collect();
    phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.chars().count()));
    let mut text = text.to_owned();
    for phrase in phrases {
        while let Some(at) = find(&text, phrase) {
            text.replace_range(at, "");
        }
    }
    let pieces = text.split(',').map(|piece| piece.split_whitespace().collect::<Vec<_>>().join(" "));
    pieces.filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join(", ")
}

/// Where `phrase` is in `text`, whatever the case, as whole words.
fn find(text: &str, phrase: &str) -> Option<std::ops::Range<usize>> {
    let starts = text.char_indices().map(|(at, _)| at);
    let boundary = |at: Option<char>| at.is_none_or(|letter| !letter.is_alphanumeric());
    starts.filter(|start| boundary(text[..*start].chars().next_back())).find_map(|start| {
        let mut rest = text[start..].char_indices();
        for wanted in phrase.chars() {
            let (_, letter) = rest.next()?;
            if !letter.to_lowercase().eq(wanted.to_lowercase()) {
                return None;
            }
        }
        let end = rest.next().map_or(text.len(), |(at, _)| start + at);
        boundary(text[end..].chars().next()).then_some(start..end)
    })
}

/// About how many tokens a CLIP text encoder makes of a text: words, one more for every eight letters, marks.
fn tokens(text: &str) -> u32 {
    let word = |word: &str| 1 + word.chars().count() as u32 / 8;
    text.split_whitespace().map(word).sum::<u32>() + text.matches([',', '.', '-', '_']).count() as u32
}

fn joined(said: Vec<Said>, model: &Model) -> String {
    let clean = |Said(rank, text): Said| {
        let text = plain_prompt(&text.split_whitespace().collect::<Vec<_>>().join(" "));
        Said(rank, text.trim_end_matches(['.', ',', ' ']).to_owned())
    };
    let mut said: Vec<Said> = said.into_iter().map(clean).filter(|Said(_, text)| !text.is_empty()).collect();
    let used = |said: &[Said]| said.iter().map(|Said(_, text)| tokens(text) + 1).sum::<u32>();
    while model.tokens.is_some_and(|most| used(&said) > most) {
        // Of equally unimportant pieces the last goes first.
        let Some(least) = (0..said.len()).filter(|at| said[*at].0 > 0).max_by_key(|at| (said[*at].0, *at)) else {
            break;
        };
        said.remove(least);
    }
    let texts: Vec<String> = said.into_iter().map(|Said(_, text)| text).collect();
    texts.join(if model.prompt == PromptStyle::Booru { ", " } else { ". " })
}

/// The beginning of a text up to `most` characters, ending at a word.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => text[..end].rsplit_once(' ').map_or(&text[..end], |(words, _)| words).to_owned(),
    }
}

fn kind(figure: &Figure) -> &'static str {
    match (figure.profile.age, figure.profile.gender) {
        (Age::Child, Gender::Female) => "girl",
        (Age::Child, Gender::Male) => "boy",
        (Age::Child, Gender::Neutral) => "child",
        (Age::Adult, Gender::Female) => "woman",
        (Age::Adult, Gender::Male) => "man",
        (Age::Adult, Gender::Neutral) => "person",
        (Age::Elder, Gender::Female) => "old woman",
        (Age::Elder, Gender::Male) => "old man",
        (Age::Elder, Gender::Neutral) => "old person",
    }
}

/// Who somebody is, how they are designed, and what they are known by.
fn figure(figure: &Figure, model: &Model) -> Vec<Said> {
    let booru = model.prompt == PromptStyle::Booru;
    let looks = figure.appearance.as_ref();
    let creature = looks.filter(|looks| is_not_human(looks)).map(|looks| looks.species.clone());
    let who = creature.as_deref().unwrap_or_else(|| kind(figure));
    let article = if who.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
    let mut said = vec![Said(
        1,
        if booru { format!("1 {who}, {}", figure.name) } else { format!("{}, {article} {who}", figure.name) },
    )];
    let Some(looks) = looks else { return said };
    let design = if model.strip.is_empty() { looks.design.clone() } else { stripped(&looks.design, model) };
    said.push(Said(1, design));
    let tag = |text: &str| if booru { text.trim().to_lowercase().replace(' ', "_") } else { text.trim().to_owned() };
    said.extend(looks.colors.iter().map(|(feature, color)| Said(2, tag(&format!("{color} {feature}")))));
    said.extend(looks.features.iter().map(|feature| Said(2, tag(feature))));
    said
}

/// The words for somebody alone; booru models know them by gender.
fn solo(figure: &Figure, model: &Model) -> String {
    let human = !figure.appearance.as_ref().is_some_and(is_not_human);
    match (model.prompt, human, figure.profile.gender) {
        _ if model.solo.is_empty() => String::new(),
        (PromptStyle::Booru, true, Gender::Male) => format!("{}, 1boy", model.solo),
        (PromptStyle::Booru, true, Gender::Female) => format!("{}, 1girl", model.solo),
        _ => model.solo.clone(),
    }
}

/// Where and when it plays; the design of the place is said longer than its light and weather.
fn place(look: &Look, recipe: &Recipe, model: &Model) -> Vec<Said> {
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
    if look.is_black() {
        return vec![Said(0, "a black screen".to_owned())];
    }
    let mut said = vec![Said(6, format!("{inside}, {}, {light}", look.location))];
    said.push(Said(5, stripped(&recipe.place, model)));
    said.extend(sky.map(|sky| Said(6, sky.to_owned())));
    if !look.mood.is_empty() {
        said.push(Said(6, format!("{} mood", look.mood)));
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

/// How much of somebody is seen; people who train models call it so.
fn framing(shot_type: ShotType) -> &'static str {
    match shot_type {
        ShotType::CloseUp | ShotType::ExtremeCloseUp => "portrait, close-up of the face",
        ShotType::Medium => "upper body",
        ShotType::Establishing | ShotType::Wide | ShotType::Action => "full body from head to toe",
    }
}

/// Where somebody is turned, what their face shows, and what they do.
fn attitude(staging: Staging) -> [&'static str; 3] {
    let facing = match staging.facing {
        Facing::Front => "facing the viewer",
        Facing::ThreeQuarter => "three-quarter view",
        Facing::Side => "from the side, in profile",
        Facing::Back => "from behind",
    };
    let expression = match staging.expression {
        // No face is seen from behind.
        _ if staging.facing == Facing::Back => "",
        Expression::Neutral => "neutral expression",
        Expression::Smile => "smiling",
        Expression::Angry => "angry expression",
        Expression::Sad => "sad expression",
        Expression::Surprised => "surprised, mouth open",
        Expression::ClosedEyes => "closed eyes",
    };
    let pose = match staging.pose {
        Pose::Standing => "standing",
        Pose::Walking => "walking",
        Pose::Sitting => "sitting",
        Pose::ArmsCrossed => "arms crossed",
        Pose::Pointing => "pointing with one arm stretched out",
        Pose::Waving => "waving with one hand",
    };
    [facing, expression, pose]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        character::{Appearance, CharacterProfile},
        dataset::still::{self, Making},
        model::Catalogue,
        units::{Seed, Size, Steps},
    };

    fn told(name: &str, words: &str, cell: &[(&str, &str)]) -> String {
        let catalogue: Catalogue = toml::from_str(include_str!("../../../models.toml")).unwrap();
        let cell = cell.iter().map(|(axis, word)| ((*axis).to_owned(), (*word).to_owned())).collect();
        let figure = Figure {
            name: "Mara".into(),
            profile: CharacterProfile::from_name("Mara", None, None),
            appearance: Some(Appearance { design: "keeper in an oilskin coat".into(), ..Appearance::default() }),
            staging: None,
        };
        let size = Size { width: 832, height: 1216 };
        let making = Making { size, seed: Seed(7), steps: Steps(25), recipe: None };
        let order = still::order(figure, &cell, words.into(), making);
        super::still(&order, &Recipe::default(), &catalogue.models[name])
    }

    fn in_order(text: &str, words: &[&str]) {
        let find = |word: &&str| text.find(word).unwrap_or_else(|| panic!("{word}: {text}"));
        assert!(words.iter().map(find).is_sorted(), "{words:?} in {text}");
    }

    #[test]
    fn a_picture_of_a_dataset_says_first_how_somebody_is_seen() {
        let words = "upper body, from side, smile, waving, simple background";
        let booru = told("pony", words, &[("framing", "full")]);
        in_order(&booru, &["score_9", "solo", words, "Mara", "oilskin"]);
        assert!(!booru.contains("full body") && !booru.contains("inside"), "the words say all of it: {booru}");
        assert_eq!(booru.matches("solo").count(), 1, "{booru}");
    }

    #[test]
    fn without_words_it_is_said_from_what_was_asked() {
        let cell =
            [("framing", "face"), ("angle", "side"), ("expression", "sad"), ("place", "beach"), ("light", "night")];
        let words = ["close-up of the face", "in profile", "sad expression", "standing", "Mara", "beach, at night"];
        in_order(&told("sdxl", "", &cell), &words);
        let back = told("sdxl", "", &[("angle", "back")]);
        in_order(&back, &["upper body", "from behind", "Mara", "plain white background"]);
        assert!(!back.contains("expression"), "no face is seen: {back}");
    }
}
