//! Scenes: elements gathered under their headings.

use super::{
    Defaults, ScriptScene,
    cast::Cast,
    light,
    note::{self, Ask, ShotAsk},
    notes_of,
    places::Places,
    shots::{Pending, Shots, is_card, is_heard_only},
    words::shown,
};
use crate::{
    fountain::{Element, ElementKind, Errors, Remarks, Screenplay, Text},
    heading::Heading,
    scene::{Look, Setting, TimeOfDay, Weather},
    shot::{LoraAsk, Transition, TransitionKind},
};

/// What stands where others have a heading, in a scene over black.
const OVER_BLACK: &str = "OVER BLACK";

/// The scenes, and the synopses written before the first of them.
pub(super) fn read(
    screenplay: &Screenplay,
    cast: &Cast,
    defaults: &Defaults,
    (errors, remarks): (&mut Errors, &mut Remarks),
) -> (Vec<ScriptScene>, String) {
    let mut reader = Reader {
        cast,
        defaults,
        places: Places::of(screenplay, &defaults.languages),
        errors,
        remarks,
        scenes: Vec::new(),
        open: None,
        wishes: Wishes::default(),
        pending: Pending::default(),
        curtain: Curtain::default(),
        prologue: String::new(),
    };
    for element in &screenplay.elements {
        reader.element(element);
    }
    reader.close();
    (reader.scenes, reader.prologue)
}

/// What notes say of a scene.
#[derive(Debug, Default, Clone)]
struct Wishes {
    mood: Option<String>,
    weather: Option<Weather>,
    tempo_bpm: Option<u32>,
    music: Option<String>,
    loras: Vec<LoraAsk>,
}

struct Open {
    text: String,
    line: u32,
    heading: Heading,
    transition: Option<Transition>,
    synopsis: String,
    actions: Vec<String>,
    shots: Shots,
}

/// What the last transitions said of the picture, and what was to be seen before it went black.
#[derive(Default)]
struct Curtain {
    /// After the last transition nothing is to be seen.
    down: bool,
    /// A transition since the picture went black.
    up: bool,
    /// Heading and wishes of the scene that went black, with the heading as written.
    left: Option<(String, Heading, Wishes)>,
}

struct Reader<'a> {
    cast: &'a Cast,
    defaults: &'a Defaults,
    places: Places,
    errors: &'a mut Errors,
    remarks: &'a mut Remarks,
    scenes: Vec<ScriptScene>,
    open: Option<Open>,
    wishes: Wishes,
    pending: Pending,
    curtain: Curtain,
    prologue: String,
}

impl Reader<'_> {
    fn element(&mut self, element: &Element) {
        match &element.kind {
            ElementKind::SceneHeading { text, .. } => {
                self.close();
                self.open(text, element.line);
                self.notes(element);
            }
            ElementKind::Transition(text) => {
                self.transition(text, element.line);
                self.notes(element);
            }
            ElementKind::Synopsis(text) => {
                let first = self.open.as_mut().map_or(&mut self.prologue, |open| &mut open.synopsis);
                if first.is_empty() {
                    first.clone_from(text);
                }
                self.notes(element);
            }
            ElementKind::Section { .. } | ElementKind::PageBreak | ElementKind::Note(_) => self.notes(element),
            ElementKind::Action(_) | ElementKind::Centered(_) | ElementKind::Lyric(_) | ElementKind::Dialogue(_) => {
                self.curtain(element);
                self.notes(element);
                self.content(element);
            }
        }
    }

    fn transition(&mut self, text: &str, line: u32) {
        let said = self.places.words.transition(text).map(meant).or_else(|| named(text));
        if said.is_none() && !text.is_empty() && !self.places.words.is_heading(text) {
            let usual = "the film goes on as it does without one";
            self.remarks.push(line, format!("no transition of the studio is '{}', so {usual}; write one of 'CUT TO:', 'DISSOLVE TO:', 'WIPE TO:', 'FADE TO BLACK.'", shown(text)));
        }
        self.pending.transition = said.or(self.pending.transition);
        self.curtain.down = self.places.words.ends_black(text);
        self.curtain.up = !self.curtain.down;
    }

    /// Takes the picture away before what is said or written over black in the middle of a scene, and brings it back.
    fn curtain(&mut self, element: &Element) {
        let Some(open) = &self.open else { return };
        let down = std::mem::take(&mut self.curtain.down);
        let text = |text: &Text| text.folded();
        let over_black = match &element.kind {
            ElementKind::Action(action) => {
                self.places.words.is_over_black(&text(action)) || down && is_card(&text(action))
            }
            ElementKind::Centered(_) => down,
            ElementKind::Dialogue(dialogue) => down && is_heard_only(&dialogue.extensions),
            _ => false,
        };
        let black = open.heading.location.is_empty();
        if over_black && !black {
            let left = (open.text.clone(), open.heading.clone(), self.wishes.clone());
            self.enter(opening(element.line), Some(left));
            return;
        }
        let seen = match &element.kind {
            ElementKind::Action(action) => !over_black && !is_card(&text(action)),
            _ => self.curtain.up,
        };
        if black
            && seen
            && let Some((text, heading, wishes)) = self.curtain.left.take()
        {
            let heading = Heading { goes_on: true, ..heading };
            let shots = Shots::new(&text, &heading);
            let scene = Open { text, heading, shots, ..opening(element.line) };
            self.enter(scene, None);
            self.wishes = wishes;
        }
    }

    /// Begins a scene that has no heading of its own, with a cut unless a transition leads into it.
    fn enter(&mut self, scene: Open, left: Option<(String, Heading, Wishes)>) {
        // What was asked for is for the shot that follows.
        let ask = self.pending.shot.take();
        self.close();
        self.pending.shot = ask;
        self.curtain = Curtain { left, ..Curtain::default() };
        self.open = Some(Open { transition: Some(Transition::CUT), ..scene });
    }

    fn content(&mut self, element: &Element) {
        let black = self.open.as_ref().is_none_or(|open| open.heading.location.is_empty());
        if let ElementKind::Action(text) = &element.kind
            && black
            && self.places.words.fades_in(&text.plain)
        {
            self.pending.transition = Some(FADE_IN);
            return;
        }
        let open = self.open.get_or_insert_with(|| opening(element.line));
        match &element.kind {
            ElementKind::Action(text) | ElementKind::Centered(text) => {
                let text = text.folded();
                open.shots.action(element.line, &text, &mut self.pending);
                if matches!(element.kind, ElementKind::Centered(_)) || black && !self.places.words.says_black(&text) {
                    open.shots.card();
                }
                open.actions.push(text);
            }
            ElementKind::Lyric(text) => {
                open.shots.lyric(element.line, &text.folded(), &mut self.pending);
                open.shots.card();
            }
            ElementKind::Dialogue(dialogue) => {
                open.shots.dialogue(element.line, dialogue, self.cast, &mut self.pending);
            }
            _ => {}
        }
    }

    fn notes(&mut self, element: &Element) {
        for note in notes_of(element).filter(|note| !note::is_about_character(note)) {
            match note::read(note, self.errors) {
                Some(Ask::Shot(ask)) => {
                    let (before, place) =
                        self.pending.shot.take().unwrap_or_else(|| (ShotAsk::default(), note.place(0)));
                    self.pending.shot = Some((before.and(ask), place));
                }
                Some(Ask::Transition(transition)) => self.pending.transition = Some(transition),
                Some(Ask::Mood(mood)) => self.wishes.mood = Some(mood),
                Some(Ask::Weather(weather)) => self.wishes.weather = Some(weather),
                Some(Ask::Tempo(bpm)) => self.wishes.tempo_bpm = Some(bpm),
                Some(Ask::Music(file)) => self.wishes.music = Some(file),
                Some(Ask::Lora(lora)) => note::add_lora(&mut self.wishes.loras, lora),
                Some(Ask::Character(_)) => {}
                None => {
                    if let Some(remark) = note::meant(note) {
                        self.remarks.push(note.place(0).0, remark);
                    }
                }
            }
        }
    }

    fn open(&mut self, text: &str, line: u32) {
        self.curtain = Curtain::default();
        let mut heading = self.places.read(text, line, self.remarks);
        if heading.location.is_empty() {
            self.errors.push(
                line,
                1,
                format!("the scene heading '{text}' names no place; expected one such as 'INT. KITCHEN - DAY'"),
            );
            // Only what has no heading is over black.
            text.clone_into(&mut heading.location);
        }
        let shots = Shots::new(text, &heading);
        let transition = self.pending.transition.take();
        self.open = Some(Open {
            text: text.to_owned(),
            line,
            heading,
            transition,
            synopsis: String::new(),
            actions: vec![],
            shots,
        });
    }

    fn close(&mut self) {
        let Some(mut open) = self.open.take() else {
            self.unused_shot_note();
            return;
        };
        if open.shots.is_empty() {
            open.shots.place(open.line, &mut self.pending);
        }
        self.unused_shot_note();
        let black = open.heading.location.is_empty();
        if black && !self.scenes.is_empty() {
            self.remarks.push(open.line, "from here on the picture is black, with what is centred written on it, until the next action, transition or scene heading; write a scene heading above what is to be seen");
        } else if black {
            self.remarks.push(open.line, "what stands before the first scene heading is an opening over black, with its text written on it; write a scene heading such as 'EXT. RIVER - DAY' above what is to be seen");
        }
        let look = self.look(&open);
        let loras = std::mem::take(&mut self.wishes.loras);
        let (shots, first) = open.shots.finish(self.cast, self.defaults, loras, self.errors);
        let transition = if self.scenes.is_empty() {
            Transition::CUT
        } else {
            first.or(open.transition).unwrap_or(self.defaults.between_scenes)
        };
        self.scenes.push(ScriptScene {
            number: self.scenes.len() as u32 + 1,
            title: if black && self.scenes.is_empty() {
                "Opening".to_owned()
            } else if black {
                "Black".to_owned()
            } else {
                light::chapter_title(&open.heading.location)
            },
            qualifiers: open.heading.qualifiers,
            heading: open.text,
            line: open.line,
            look,
            transition,
            tempo_bpm: self.wishes.tempo_bpm,
            music: self.wishes.music.take(),
            shots,
        });
        self.wishes = Wishes::default();
    }

    fn unused_shot_note(&mut self) {
        if let Some((_, (line, column))) = self.pending.shot.take() {
            self.errors.push(
                line,
                column,
                "no shot follows this note in its scene; write it before or inside the paragraph that begins the shot",
            );
        }
    }

    fn look(&mut self, open: &Open) -> Look {
        let before = self.scenes.iter().rev().map(|scene| &scene.look).find(|look| !look.is_black());
        let black = open.heading.location.is_empty();
        let acted = || open.actions.iter().find_map(|text| light::weather_in(text)).filter(|_| !black);
        let said = light::weather_in(&open.text).or(open.heading.weather).or_else(acted);
        let kept = before.filter(|_| open.heading.goes_on).map(|look| look.weather);
        let mood = || light::mood_of(open.actions.iter().map(String::as_str)).to_owned();
        let beginning = || open.actions.iter().find(|text| !text.is_empty()).map(|text| beginning(text));
        let synopsis = Some(open.synopsis.clone()).filter(|text| !text.is_empty()).or_else(beginning);
        Look {
            setting: open.heading.setting,
            location: open.heading.location.clone(),
            time_of_day: open.heading.time.or(before.map(|look| look.time_of_day)).unwrap_or(TimeOfDay::Midday),
            weather: self.wishes.weather.or(said).or(kept).unwrap_or(Weather::Clear),
            mood: self.wishes.mood.take().unwrap_or_else(mood),
            synopsis: synopsis.unwrap_or_else(|| {
                if black { "Black.".to_owned() } else { format!("{}.", light::chapter_title(&open.heading.location)) }
            }),
        }
    }
}

/// A scene over black: what stands before the first heading.
fn opening(line: u32) -> Open {
    let heading = Heading {
        setting: Setting::Both,
        location: String::new(),
        time: Some(TimeOfDay::Night),
        goes_on: false,
        weather: None,
        qualifiers: Vec::new(),
        whole: None,
        unknown: None,
        after_hour: None,
        beside: None,
        foreign: None,
    };
    Open {
        text: OVER_BLACK.to_owned(),
        line,
        transition: None,
        synopsis: String::new(),
        actions: vec![],
        shots: Shots::new(OVER_BLACK, &heading),
        heading,
    }
}

/// What `FADE IN:` means.
const FADE_IN: Transition = Transition { kind: TransitionKind::FadeBlack, ms: 500 };

/// What a transition of the vocabulary means.
fn meant(kind: TransitionKind) -> Transition {
    if kind == TransitionKind::Cut { Transition::CUT } else { Transition { kind, ms: 500 } }
}

/// The first two sentences, at most 240 characters.
fn beginning(text: &str) -> String {
    let mut ends = text
        .char_indices()
        .filter(|(at, c)| matches!(c, '.' | '!' | '?') && text[at + c.len_utf8()..].starts_with(' '));
    let end = ends.nth(1).map_or(text.len(), |(at, c)| at + c.len_utf8());
    text[..end].chars().take(240).collect::<String>().trim_end().to_owned()
}

/// What a written transition means; `None` for one nobody here knows.
fn named(text: &str) -> Option<Transition> {
    let text = text.to_uppercase();
    let says = |word: &str| text.split(|c: char| !c.is_alphanumeric()).any(|part| part == word);
    let soft = |kind| Some(Transition { kind, ms: 500 });
    if says("DISSOLVE") {
        soft(TransitionKind::Dissolve)
    } else if says("WIPE") {
        soft(TransitionKind::WipeLeft)
    } else if says("FADE") && (says("BLACK") || says("OUT") || says("IN")) {
        soft(TransitionKind::FadeBlack)
    } else if says("FADE") {
        soft(TransitionKind::Fade)
    } else {
        says("CUT").then_some(Transition::CUT)
    }
}
