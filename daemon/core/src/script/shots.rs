//! Shots: where one ends and the next begins, how close the camera is and how it moves.

use std::collections::HashMap;

use super::{Defaults, ScriptShot, cast::Cast, length, light::chapter_title, note::ShotAsk, words};
use crate::{
    fountain::{Dialogue, Errors, SpeechKind},
    heading::Heading,
    ids::ContentHash,
    scene::Setting,
    shot::{CameraAngle, Line, LoraAsk, Motion, ShotPlan, ShotType, Transition, VideoEngine},
};

/// What is asked for before the shot it is for has begun.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// From shot notes, with the place of the first.
    pub(super) shot: Option<(ShotAsk, (u32, u32))>,
    /// From `CUT TO:` and `[[transition: ...]]`; also reaches over to the next scene.
    pub(super) transition: Option<Transition>,
}

/// The shots of one scene while it is read.
pub(super) struct Shots {
    heading: String,
    place: String,
    setting: Setting,
    /// The heading asks for a view of the whole place.
    establishing: bool,
    /// Nothing is to be seen but black.
    black: bool,
    drafts: Vec<Draft>,
}

/// A shot while it is read.
#[derive(Default)]
struct Draft {
    line: u32,
    /// The script's action; empty when the shot only shows who speaks.
    action: String,
    /// The action is written on the black.
    card: bool,
    lines: Vec<Line>,
    /// Index in `lines` where the last dialogue begins.
    turn: usize,
    /// Who spoke last, seen or not.
    last_speaker: Option<String>,
    /// Who speaks and is seen.
    seen: Vec<String>,
    ask: ShotAsk,
}

impl Shots {
    pub(super) fn new(text: &str, heading: &Heading) -> Self {
        Self {
            heading: text.to_owned(),
            place: chapter_title(&heading.location),
            setting: heading.setting,
            establishing: heading
                .qualifiers
                .iter()
                .any(|one| words::words(one).any(|word| word.starts_with("establish"))),
            black: heading.location.is_empty(),
            drafts: Vec::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.drafts.is_empty()
    }

    /// A paragraph of action begins a new shot.
    pub(super) fn action(&mut self, line: u32, text: &str, pending: &mut Pending) {
        text.clone_into(&mut self.begin(line, pending).action);
    }

    /// The last paragraph is a title card, where its scene is over black.
    pub(super) fn card(&mut self) {
        if let Some(draft) = self.drafts.last_mut() {
            draft.card = true;
        }
    }

    /// A song nobody is named for goes with the picture that is there.
    pub(super) fn lyric(&mut self, line: u32, text: &str, pending: &mut Pending) {
        let begins = self.drafts.is_empty() || pending.asks();
        let draft = if begins { self.begin(line, pending) } else { self.last(line) };
        if !draft.action.is_empty() {
            draft.action.push(' ');
        }
        draft.action.push_str(text);
    }

    /// A scene without any action or dialogue still shows its place.
    pub(super) fn place(&mut self, line: u32, pending: &mut Pending) {
        self.begin(line, pending);
    }

    /// Dialogue goes with the shot that is there, unless somebody else speaks or a note asks for a new one.
    pub(super) fn dialogue(&mut self, line: u32, dialogue: &Dialogue, cast: &Cast, pending: &mut Pending) {
        let name = cast.name(&dialogue.character);
        let is_seen = !self.black && !is_heard_only(&dialogue.extensions);
        let other = |draft: &Draft| draft.last_speaker.as_deref().is_some_and(|last| last != name);
        let begins = match self.drafts.last() {
            None => true,
            Some(_) if dialogue.dual => false,
            // A voice from elsewhere needs no picture of its own.
            Some(draft) => pending.asks() || is_seen && other(draft),
        };
        let draft = if begins { self.begin(line, pending) } else { self.last(line) };
        if dialogue.dual
            && let Some((ask, _)) = pending.shot.take()
        {
            draft.ask = std::mem::take(&mut draft.ask).and(ask);
        }
        draft.say(name, dialogue);
        if is_seen && !draft.seen.iter().any(|seen| seen == name) {
            draft.seen.push(name.to_owned());
        }
        draft.last_speaker = Some(name.to_owned());
    }

    fn begin(&mut self, line: u32, pending: &mut Pending) -> &mut Draft {
        let mut ask = pending.shot.take().map(|(ask, _)| ask).unwrap_or_default();
        let transition = pending.transition.take();
        ask.transition = ask.transition.or(transition);
        self.drafts.push(Draft { line, ask, ..Draft::default() });
        self.last(line)
    }

    fn last(&mut self, line: u32) -> &mut Draft {
        if self.drafts.is_empty() {
            self.drafts.push(Draft { line, ..Draft::default() });
        }
        let at = self.drafts.len() - 1;
        &mut self.drafts[at]
    }

    /// The finished shots, and the transition into the first when the script gives one. `loras`: what the whole scene asks for; of
    /// two of one name the shot's counts.
    pub(super) fn finish(
        self,
        cast: &Cast,
        defaults: &Defaults,
        loras: Vec<LoraAsk>,
        errors: &mut Errors,
    ) -> (Vec<ScriptShot>, Option<Transition>) {
        let black = self.black;
        let whole_scene = ShotAsk { loras, ..ShotAsk::default() };
        let into_scene = self.drafts.first().and_then(|draft| draft.ask.transition);
        let mut alike: HashMap<String, u32> = HashMap::new();
        let mut shots: Vec<ScriptShot> = Vec::with_capacity(self.drafts.len());
        for draft in self.drafts {
            if draft.ask.continues && shots.is_empty() {
                errors.push(draft.line, 1, "the first shot of a scene has nothing to continue; remove 'continues', or write it on a later shot of the scene");
            }
            let description = describe(&draft, &self.place);
            let mut characters = if black { Vec::new() } else { cast.present(&draft.action) };
            characters
                .extend(draft.seen.iter().filter(|seen| !characters.contains(*seen)).cloned().collect::<Vec<_>>());
            let before = shots.last().map(|shot| shot.plan.shot_type);
            let opens = before.is_none() && self.establishing;
            let shot_type = draft.ask.shot_type.or(opens.then_some(ShotType::Establishing));
            let shot_type =
                shot_type.unwrap_or_else(|| self::shot_type(&draft.action, &characters, before, self.setting));
            let nth = alike.entry(description.clone()).and_modify(|nth| *nth += 1).or_default();
            let motion = draft.ask.motion.or(black.then_some(Motion::Static));
            let motion = motion.unwrap_or_else(|| self::motion(shot_type, &self.heading, &description, *nth));
            let transition = match draft.ask.transition {
                _ if shots.is_empty() => Transition::CUT,
                Some(transition) => transition,
                // Its first picture is the last one of the shot before: there is nothing to blend.
                None if draft.ask.continues => Transition::CUT,
                None => defaults.between_shots,
            };
            let plan = ShotPlan {
                shot_type,
                angle: draft.ask.angle.unwrap_or(CameraAngle::EyeLevel),
                motion,
                description,
                characters,
                planned_ms: draft.ask.ms.unwrap_or_else(|| length::planned_ms(&draft.lines, &draft.action)),
                fixed_length: draft.ask.ms.is_some(),
                lines: draft.lines,
                transition,
                // No model can be asked for nothing.
                engine: draft.ask.engine.or(black.then_some(VideoEngine::Draft)),
                card: Some(card_text(&draft.action)).filter(|text| black && draft.card && !text.is_empty()),
                continues: draft.ask.continues,
                own_still: draft.ask.own_still,
                // Nothing is drawn on the black.
                loras: if black { Vec::new() } else { whole_scene.clone().and(draft.ask).loras },
            };
            shots.push(ScriptShot { number: shots.len() as u32 + 1, line: draft.line, plan });
        }
        (shots, into_scene)
    }
}

impl Pending {
    /// Something waits for a new shot.
    fn asks(&self) -> bool {
        self.shot.is_some() || self.transition.is_some()
    }
}

impl Draft {
    fn say(&mut self, name: &str, dialogue: &Dialogue) {
        if dialogue.dual {
            // Two people speak together as a whole, so each says one line.
            merge(&mut self.lines, self.turn);
        }
        self.turn = self.lines.len();
        let mut manner: Option<String> = None;
        for part in &dialogue.parts {
            let text = part.text.folded();
            match part.kind {
                SpeechKind::Parenthetical => manner = Some(text),
                // "..." is a silence, not something a voice can say.
                _ if !text.chars().any(char::is_alphanumeric) => {}
                kind => {
                    let sung = (kind == SpeechKind::Lyric).then(|| "sings".to_owned());
                    let parenthetical = manner.take().filter(|manner| !manner.is_empty()).or(sung);
                    self.lines.push(Line { character: name.to_owned(), text, parenthetical, dual: false });
                }
            }
        }
        if dialogue.dual {
            merge(&mut self.lines, self.turn);
            if self.turn > 0
                && let Some(line) = self.lines.get_mut(self.turn)
            {
                line.dual = true;
            }
        }
    }
}

/// Makes one line of all from index `from` on.
fn merge(lines: &mut Vec<Line>, from: usize) {
    let rest = lines.split_off((from + 1).min(lines.len()));
    if let Some(first) = lines.get_mut(from) {
        for line in rest {
            first.text.push(' ');
            first.text.push_str(&line.text);
        }
    }
}

/// `(V.O.)`, `(O.S.)`, `(O.C.)`: heard, but not in the picture.
pub(super) fn is_heard_only(extensions: &[String]) -> bool {
    extensions.iter().any(|extension| {
        let letters: String = extension.chars().filter(|c| c.is_alphabetic()).collect();
        matches!(
            letters.to_uppercase().as_str(),
            "VO" | "OS" | "OC" | "OFF" | "VOICEOVER" | "OFFSCREEN" | "OFFCAMERA" | "PRELAP"
        )
    })
}

/// What a title card says, without what calls it one: `SUPER: London, 1944`.
fn card_text(action: &str) -> String {
    let text = match action.split_once(':') {
        Some((word, text)) if CARDS.contains(&words::folded(word).as_str()) => text,
        _ => action,
    };
    let text = text.trim();
    let mut bare = [('"', '"'), ('“', '”'), ('«', '»'), ('„', '“')].into_iter();
    let bare = bare.find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close));
    bare.map_or(text, str::trim).to_owned()
}

/// Whether a paragraph calls itself a title card: `SUPER: London, 1944`.
pub(super) fn is_card(text: &str) -> bool {
    text.split_once(':').is_some_and(|(word, _)| CARDS.contains(&words::folded(word).as_str()))
}

/// What calls a paragraph a title card.
const CARDS: [&str; 10] = [
    "super",
    "superimpose",
    "superimposed",
    "title",
    "titles",
    "title-card",
    "card",
    "caption",
    "text",
    "text-on-screen",
];

fn describe(draft: &Draft, place: &str) -> String {
    match draft.seen.first() {
        _ if !draft.action.is_empty() => draft.action.clone(),
        None if place.is_empty() => "Black.".to_owned(),
        Some(speaker) => format!("{} speaks.", chapter_title(speaker)),
        None => format!("{place}."),
    }
}

const MOVING: [&str; 39] = [
    "run",
    "runs",
    "running",
    "sprint",
    "sprints",
    "race",
    "races",
    "racing",
    "leap",
    "leaps",
    "jump",
    "jumps",
    "fight",
    "fights",
    "chase",
    "chases",
    "climbs",
    "charges",
    "dives",
    "swings",
    "strikes",
    "punches",
    "kicks",
    "crash",
    "crashes",
    "explodes",
    "bursts",
    "falls",
    "tumbles",
    "hurls",
    "throws",
    "dodges",
    "rushes",
    "dashes",
    "slams",
    "struggles",
    "wrestles",
    "hauls",
    "heaves",
];
const NEAR: [&str; 22] = [
    "face",
    "eyes",
    "eye",
    "hand",
    "hands",
    "finger",
    "fingers",
    "tear",
    "tears",
    "lips",
    "mouth",
    "cheek",
    "ring",
    "key",
    "letter",
    "photograph",
    "match",
    "button",
    "lock",
    "needle",
    "smiles",
    "blinks",
];
const FAR: [&str; 16] = [
    "horizon",
    "sky",
    "skyline",
    "sea",
    "ocean",
    "landscape",
    "valley",
    "mountains",
    "crowd",
    "city",
    "coast",
    "desert",
    "forest",
    "distance",
    "field",
    "waves",
];
/// Camera words of writers who say it themselves.
const SAID: [(&str, ShotType); 8] = [
    ("extreme close", ShotType::ExtremeCloseUp),
    ("close on", ShotType::CloseUp),
    ("close up", ShotType::CloseUp),
    ("insert", ShotType::CloseUp),
    ("wide shot", ShotType::Wide),
    ("wide on", ShotType::Wide),
    ("aerial", ShotType::Establishing),
    ("establishing", ShotType::Establishing),
];

/// How close the camera is, when no note says so.
fn shot_type(action: &str, characters: &[String], before: Option<ShotType>, setting: Setting) -> ShotType {
    let Some(before) = before else {
        return if setting == Setting::Interior { ShotType::Wide } else { ShotType::Establishing };
    };
    if action.is_empty() {
        // Coverage of a conversation: nearer, and back again.
        return if before == ShotType::Medium { ShotType::CloseUp } else { ShotType::Medium };
    }
    let said: Vec<String> = words::words(action).collect();
    let opening = said.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(" ");
    if let Some((_, found)) = SAID.iter().find(|(word, _)| opening.starts_with(word)) {
        return *found;
    }
    let says = |list: &[&str]| said.iter().any(|word| list.contains(&word.as_str()));
    if says(&MOVING) {
        ShotType::Action
    } else if says(&NEAR) {
        ShotType::CloseUp
    } else if says(&FAR) || characters.is_empty() {
        ShotType::Wide
    } else {
        ShotType::Medium
    }
}

/// A movement that suits the shot type. Drawn from what the shot shows, not from its number, so that a shot put in
/// before it does not make the studio film it again.
fn motion(shot_type: ShotType, heading: &str, description: &str, nth: u32) -> Motion {
    use Motion::{Handheld, PanLeft, PanRight, PullOut, PushIn, Static, TiltDown, TiltUp};
    let preset: &[Motion] = match shot_type {
        ShotType::Establishing => &[PushIn, PanRight, PullOut, PanLeft, TiltDown],
        ShotType::Wide => &[PanRight, PanLeft, PushIn, PullOut, TiltUp],
        ShotType::Medium => &[PushIn, Static, PanLeft, PanRight, Handheld],
        ShotType::CloseUp => &[PushIn, Static, PushIn, PullOut],
        ShotType::ExtremeCloseUp => &[PushIn, Static],
        ShotType::Action => &[Handheld, PanRight, Handheld, PanLeft],
    };
    let drawn = ContentHash::of(format!("{heading}\n{description}\n{nth}").as_bytes()).leading_u64();
    preset[(drawn % preset.len() as u64) as usize]
}
