//! Edit: changes of single shots and of the order of scenes, made in the text of the screenplay itself.
//!
//! The screenplay is the one truth; the page's shot editor is another way of writing it. Every change is read again
//! before it is accepted: it does exactly what was asked and nothing else, or it is refused.

use serde::{Deserialize, Deserializer};

use super::{
    Defaults, Script, ScriptShot, break_down,
    note::{self, Ask, ShotAsk},
    notes_of,
};
use crate::{
    fountain::{self, Element, ElementKind, Errors, Note, Screenplay, SpeechKind},
    heading::place_key,
    shot::{CameraAngle, LoraAsk, Motion, ShotType, Transition, VideoEngine},
};

/// What is to change of a shot: a merge patch (RFC 7396). What is left out stays; `null` leaves it to the studio.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ShotChange {
    /// How close the camera is.
    #[serde(deserialize_with = "said")]
    pub shot_type: Option<Option<ShotType>>,
    /// From where it looks.
    #[serde(deserialize_with = "said")]
    pub angle: Option<Option<CameraAngle>>,
    /// How it moves.
    #[serde(deserialize_with = "said")]
    pub motion: Option<Option<Motion>>,
    /// Which engine makes it.
    #[serde(deserialize_with = "said")]
    pub engine: Option<Option<VideoEngine>>,
    /// Into this shot from the one before; of the first shot of a scene, into the scene.
    #[serde(deserialize_with = "said")]
    pub transition: Option<Option<Transition>>,
    /// Length in milliseconds, 1000..=60000.
    #[serde(deserialize_with = "said")]
    pub planned_ms: Option<Option<u64>>,
    /// Starts from the last picture of the shot before.
    pub continues: Option<bool>,
    /// LoRAs this shot asks for, beside those of its scene.
    pub loras: Option<Vec<LoraAsk>>,
    /// What is seen: one paragraph.
    pub description: Option<String>,
    /// What is said, one text for each line there is, in order.
    pub lines: Option<Vec<String>>,
}

/// `null` is said, too.
#[expect(clippy::option_option, reason = "a merge patch knows three: left out, null, a value")]
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// The text with shot `shot` of scene `scene` changed.
///
/// # Errors
/// One sentence that says why it cannot be changed, with the remedy.
pub fn change_shot(
    text: &str,
    (scene, shot): (u32, u32),
    change: &ShotChange,
    defaults: &Defaults,
) -> Result<String, String> {
    let (play, before) = read(text, defaults)?;
    let this = find(&before, scene, shot)?;
    let mut page = Page::of(text);
    let own = own_notes(&play, this.line);
    let mut ask = ShotAsk::default();
    for note in &own {
        if let Some(Ask::Shot(one)) = note::read(note, &mut Errors::default()) {
            ask = ask.and(one);
        }
    }
    let ask = asked(ask, change)?;
    let speeches = speeches(&play, &before, scene, shot);
    if let Some(lines) = &change.lines {
        page.say(&speeches, lines)?;
    }
    let element = play.elements.iter().find(|element| element.line == this.line);
    let is_action = matches!(
        element.map(|element| &element.kind),
        Some(ElementKind::Action(_) | ElementKind::Centered(_) | ElementKind::Lyric(_))
    );
    let mut line = this.line;
    for note in own.iter().rev() {
        let lines = page.lines.len();
        page.cut(note);
        if note.line < line {
            line -= (lines - page.lines.len()) as u32;
        }
    }
    if let Some(description) = &change.description {
        if !matches!(element.map(|element| &element.kind), Some(ElementKind::Action(_))) {
            let why = "this shot only shows who speaks; write what is seen above the dialogue in the screenplay";
            return Err(why.into());
        }
        page.describe(line, description)?;
    }
    page.put(line, is_action, element.is_some_and(is_heading), &note::written(&ask));
    let after = page.text();
    let (_, read) = self::read(&after, defaults)?;
    check(&before, &read, (scene, shot), change)?;
    Ok(after)
}

/// The text with its scenes in another order: `order` names every scene once, by its number.
///
/// # Errors
/// One sentence that says why they cannot be ordered so.
pub fn order_scenes(text: &str, order: &[u32], defaults: &Defaults) -> Result<String, String> {
    let (play, script) = read(text, defaults)?;
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    if sorted != (1..=script.scenes.len() as u32).collect::<Vec<_>>() {
        return Err(format!("the order must name each of the {} scenes once, by its number", script.scenes.len()));
    }
    let page = Page::of(text);
    let starts: Vec<usize> = script.scenes.iter().map(|scene| begins(&play, scene.line)).collect();
    let end = |at: usize| starts.get(at + 1).copied().unwrap_or(page.lines.len());
    let mut lines: Vec<String> = page.lines[..starts[0]].to_vec();
    for number in order {
        let at = *number as usize - 1;
        if lines.last().is_some_and(|last| !last.trim().is_empty()) {
            lines.push(String::new());
        }
        let block = &page.lines[starts[at]..end(at)];
        let filled = block.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
        lines.extend_from_slice(&block[..filled]);
        lines.push(String::new());
    }
    let after = Page { lines }.text();
    let (_, read) = self::read(&after, defaults)?;
    let shown = |script: &Script, number: u32| {
        let scene = &script.scenes[number as usize - 1];
        // A heading may name the place of the scene before: `INT. SAME - DAY`.
        let place = place_key(&scene.look.location);
        scene.shots.iter().map(|shot| shot.plan.description.clone()).chain([place]).collect::<Vec<_>>()
    };
    let same = read.scenes.len() == order.len()
        && order.iter().zip(1..).all(|(was, is)| shown(&script, *was) == shown(&read, is));
    if same { Ok(after) } else { Err("the scenes cannot be taken apart; order them in the screenplay itself".into()) }
}

fn read(text: &str, defaults: &Defaults) -> Result<(Screenplay, Script), String> {
    let mistakes = |all: Vec<fountain::ScriptError>| {
        let first = all.first().map(ToString::to_string).unwrap_or_default();
        format!("the screenplay has mistakes; mend them first: {first}")
    };
    let play = fountain::parse_in(text.as_bytes(), &defaults.languages).map_err(mistakes)?;
    let script = break_down(&play, defaults).map_err(mistakes)?;
    Ok((play, script))
}

fn find(script: &Script, scene: u32, shot: u32) -> Result<&ScriptShot, String> {
    let found = script.scenes.iter().find(|one| one.number == scene);
    let found = found.and_then(|one| one.shots.iter().find(|one| one.number == shot));
    found.ok_or_else(|| format!("the screenplay has no shot {shot} in scene {scene}"))
}

fn is_heading(element: &Element) -> bool {
    matches!(element.kind, ElementKind::SceneHeading { .. })
}

fn is_content(element: &Element) -> bool {
    use ElementKind::{Action, Centered, Dialogue, Lyric};
    matches!(element.kind, Action(_) | Centered(_) | Lyric(_) | Dialogue(_))
}

/// The shot notes that count for the shot beginning at `line`.
fn own_notes(play: &Screenplay, line: u32) -> Vec<Note> {
    let mut pending: Vec<Note> = Vec::new();
    for element in &play.elements {
        let own = notes_of(element)
            .filter(|note| matches!(note::read(note, &mut Errors::default()), Some(Ask::Shot(_))))
            .cloned();
        pending.extend(own);
        // An empty scene is a shot that begins at its heading; its notes follow.
        if element.line == line && !is_heading(element) {
            return pending;
        }
        if is_content(element) || is_heading(element) && element.line < line {
            pending.clear();
        }
        if element.line > line && is_heading(element) {
            break;
        }
    }
    pending
}

/// Where a scene begins, as an index of lines: with the transition that leads into it.
fn begins(play: &Screenplay, heading: u32) -> usize {
    let mut from = heading;
    for element in play.elements.iter().rev().filter(|element| element.line < heading) {
        match element.kind {
            ElementKind::Transition(_) | ElementKind::Section { .. } => from = element.line,
            _ => break,
        }
    }
    from as usize - 1
}

/// First line of each speech of a shot that a voice says.
fn speeches(play: &Screenplay, script: &Script, scene: u32, shot: u32) -> Vec<u32> {
    let starts: Vec<u32> =
        script.scenes.iter().flat_map(|scene| scene.shots.iter().map(|shot| shot.line).chain([scene.line])).collect();
    let Ok(this) = find(script, scene, shot) else { return Vec::new() };
    let end = starts.into_iter().filter(|line| *line > this.line).min().unwrap_or(u32::MAX);
    let mut found = Vec::new();
    for element in play.elements.iter().filter(|element| (this.line..end).contains(&element.line)) {
        if let ElementKind::Dialogue(dialogue) = &element.kind {
            let voiced = dialogue.parts.iter().filter(|part| {
                part.kind != SpeechKind::Parenthetical && part.text.plain.chars().any(char::is_alphanumeric)
            });
            found.extend(voiced.map(|part| part.line));
        }
    }
    found
}

fn asked(before: ShotAsk, change: &ShotChange) -> Result<ShotAsk, String> {
    let ms = change.planned_ms.unwrap_or(before.ms);
    if ms.is_some_and(|ms| !(1_000..=60_000).contains(&ms)) {
        return Err("a shot lasts from 1000 to 60000 milliseconds".into());
    }
    let transition = change.transition.unwrap_or(before.transition);
    if let Some(Transition { kind, ms }) = transition {
        let cut = kind == crate::shot::TransitionKind::Cut;
        if cut && ms != 0 || !cut && !(100..=2_000).contains(&ms) {
            return Err("a cut has no length; any other transition lasts from 100 to 2000 milliseconds".into());
        }
    }
    Ok(ShotAsk {
        shot_type: change.shot_type.unwrap_or(before.shot_type),
        ms,
        engine: change.engine.unwrap_or(before.engine),
        angle: change.angle.unwrap_or(before.angle),
        motion: change.motion.unwrap_or(before.motion),
        transition,
        continues: change.continues.unwrap_or(before.continues),
        own_still: before.own_still,
        loras: match &change.loras {
            None => before.loras,
            Some(loras) => loras.iter().map(|one| LoraAsk::read(&one.to_string())).collect::<Result<_, _>>()?,
        },
    })
}

/// What was asked for is there, and nothing else has changed.
fn check(before: &Script, after: &Script, at: (u32, u32), change: &ShotChange) -> Result<(), String> {
    let counts = |script: &Script| script.scenes.iter().map(|scene| scene.shots.len()).collect::<Vec<_>>();
    let refused = || Err("this cannot be changed here; change it in the screenplay itself".to_owned());
    if counts(before) != counts(after) || before.characters.len() != after.characters.len() {
        return refused();
    }
    for (old, new) in before.scenes.iter().zip(&after.scenes) {
        for (was, is) in old.shots.iter().zip(&new.shots) {
            let is_first = was.number == 1;
            let (was, is, here) = (&was.plan, &is.plan, (old.number, was.number) == at);
            let seen = if here { change.description.as_deref().unwrap_or(&was.description) } else { &was.description };
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            if words(seen) != words(&is.description) {
                return refused();
            }
            let heard = |nth: usize| match &change.lines {
                Some(lines) if here => lines.get(nth).map(String::as_str),
                _ => was.lines.get(nth).map(|line| line.text.as_str()),
            };
            let same = was.lines.len() == is.lines.len()
                && is.lines.iter().enumerate().all(|(nth, line)| heard(nth).map(words) == Some(words(&line.text)));
            let into = if is_first { new.transition } else { is.transition };
            let met = !here
                || change.shot_type.flatten().is_none_or(|wanted| wanted == is.shot_type)
                    && change.motion.flatten().is_none_or(|wanted| wanted == is.motion)
                    && change.angle.flatten().is_none_or(|wanted| wanted == is.angle)
                    && change.engine.is_none_or(|wanted| wanted == is.engine)
                    && change.continues.is_none_or(|wanted| wanted == is.continues)
                    && change.loras.iter().flatten().all(|wanted| is.loras.contains(wanted))
                    && change.planned_ms.flatten().is_none_or(|wanted| wanted == is.planned_ms)
                    // Nothing leads into the first picture of the film.
                    && (at == (1, 1) || change.transition.flatten().is_none_or(|wanted| wanted == into));
            if !same || !met {
                return refused();
            }
        }
    }
    Ok(())
}

/// A text by lines.
struct Page {
    lines: Vec<String>,
}

impl Page {
    fn of(text: &str) -> Self {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        Self { lines: text.lines().map(str::to_owned).collect() }
    }

    fn text(&self) -> String {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text
    }

    /// One after the last line of the paragraph beginning at `line`, as an index.
    fn end(&self, line: u32) -> usize {
        let from = line as usize - 1;
        self.lines[from..].iter().position(|line| line.trim().is_empty()).map_or(self.lines.len(), |at| from + at)
    }

    /// Puts a note where it counts for the shot beginning at `line`.
    fn put(&mut self, line: u32, is_action: bool, is_heading: bool, note: &str) {
        if note.is_empty() {
            return;
        }
        let at = line as usize - 1;
        if is_action {
            let last = self.end(line).max(at + 1) - 1;
            let text = self.lines[last].trim_end();
            self.lines[last] = format!("{text} {note}");
        } else if is_heading {
            self.lines.splice(at + 1..=at, [String::new(), note.to_owned()]);
        } else {
            self.lines.splice(at..at, [note.to_owned(), String::new()]);
        }
    }

    /// Takes a note out; lines keep their numbers as long as something else stands on them.
    fn cut(&mut self, note: &Note) {
        let (first, column) = (note.line as usize - 1, note.column as usize - 1);
        let last = first + note.text.matches('\n').count();
        let Some(line) = self.lines.get(first) else { return };
        let byte = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        let Some(open) = line[..byte].rfind("[[").or_else(|| line[byte..].starts_with("[[").then_some(byte)) else {
            return;
        };
        let from = if last == first { byte } else { 0 };
        let Some(close) = self.lines.get(last).and_then(|line| line[from..].find("]]")).map(|at| from + at + 2) else {
            return;
        };
        let kept = format!("{} {}", self.lines[first][..open].trim_end(), self.lines[last][close..].trim_start());
        let kept = kept.trim().to_owned();
        // A note across lines leaves them empty of it; the paragraph must not break in two.
        let indices = first..=last;
        if kept.is_empty() && last == first && self.stands_alone(first) {
            kept.clone_into(&mut self.lines[first]);
        } else if kept.is_empty() {
            self.lines.drain(indices);
        } else {
            self.lines.splice(indices, [kept]);
        }
    }

    fn stands_alone(&self, at: usize) -> bool {
        let blank = |at: Option<usize>| at.and_then(|at| self.lines.get(at)).is_none_or(|line| line.trim().is_empty());
        blank(at.checked_sub(1)) && blank(Some(at + 1))
    }

    /// Writes what is seen anew; the notes of the paragraph stay at its end.
    fn describe(&mut self, line: u32, description: &str) -> Result<(), String> {
        let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
        if description.is_empty() || description.contains("[[") || description.contains("]]") {
            return Err("say in one paragraph what is seen; notes belong into the screenplay".into());
        }
        let (from, to) = (line as usize - 1, self.end(line));
        let old = self.lines[from..to].join("\n");
        let mut notes = String::new();
        let mut rest = old.as_str();
        while let Some((_, after)) = rest.split_once("[[") {
            let Some((note, after)) = after.split_once("]]") else { break };
            notes.push_str(" [[");
            notes.push_str(note);
            notes.push_str("]]");
            rest = after;
        }
        // What reads as a heading, a name or a transition is forced to be action.
        let forced = if old.starts_with('!') || description.to_uppercase() == description { "!" } else { "" };
        let text = format!("{forced}{description}{notes}");
        // As many lines as before, so that what follows keeps its place.
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let spare = (to - from).saturating_sub(lines.len());
        lines.extend(std::iter::repeat_n(String::new(), spare));
        self.lines.splice(from..to, lines);
        Ok(())
    }

    /// Writes what is said anew, speech by speech.
    fn say(&mut self, speeches: &[u32], lines: &[String]) -> Result<(), String> {
        if speeches.len() != lines.len() {
            return Err(format!(
                "this shot has {} spoken lines, {} came; add or remove lines in the screenplay",
                speeches.len(),
                lines.len()
            ));
        }
        for (line, text) in speeches.iter().zip(lines) {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            if !text.chars().any(char::is_alphanumeric) || text.contains("[[") {
                return Err("a spoken line needs words; remove it in the screenplay".into());
            }
            let from = *line as usize - 1;
            let end = self.end(*line);
            let to = (from + 1..end).find(|at| self.lines[*at].trim_start().starts_with('(')).unwrap_or(end);
            let old = self.lines[from..to].join(" ");
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            if words(&old) == words(&text) || to == from {
                continue;
            }
            if old.contains("[[") {
                return Err("this line has a note in it; change it in the screenplay itself".into());
            }
            let sung = if self.lines[from].starts_with('~') { "~" } else { "" };
            self.lines[from] = format!("{sung}{text}");
            // What is left over goes to the end of the dialogue, so that what follows keeps its place.
            self.lines.drain(from + 1..to);
            self.lines.splice(end - (to - from - 1)..end - (to - from - 1), vec![String::new(); to - from - 1]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shot::TransitionKind;

    const PLAY: &str = "Title: Two\n\nINT. KITCHEN - DAY\n\n= Tea.\n\nA kettle stands on a stove. [[shot: wide, 4s]] [[mine]]\n\nANNA\n(softly)\nTea is\nready.\n\nBEN\nComing!\n\nCUT TO:\n\nEXT. GARDEN - NIGHT\n\n[[shot: low]]\n\nRain falls\non the grass.\n\nEXT. EMPTY ROAD - DAY\n";

    fn script(text: &str) -> Script {
        read(text, &Defaults::default()).unwrap().1
    }

    fn change(json: &str) -> ShotChange {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_shot_is_changed_in_the_text_and_nothing_else() {
        let text = change_shot(
            PLAY,
            (1, 1),
            &change(r#"{"shot_type":"close-up","motion":"push-in","planned_ms":null}"#),
            &Defaults::default(),
        )
        .unwrap();
        assert!(text.contains("A kettle stands on a stove. [[mine]] [[shot: close-up, motion: push-in]]\n"), "{text}");
        let text =
            change_shot(&text, (1, 1), &change(r#"{"shot_type":null,"motion":null}"#), &Defaults::default()).unwrap();
        assert!(text.contains("stove. [[mine]]\n\nANNA"), "{text}");
        let text = change_shot(
            PLAY,
            (2, 1),
            &change(r#"{"transition":{"kind":"dissolve","ms":700},"engine":"wan"}"#),
            &Defaults::default(),
        )
        .unwrap();
        assert!(text.contains("on the grass. [[shot: engine: wan, angle: low, transition: dissolve 0.7s]]"), "{text}");
        assert_eq!(script(&text).scenes[1].transition, Transition { kind: TransitionKind::Dissolve, ms: 700 });
        // A shot that only shows who speaks, and one that only shows a place.
        let text =
            change_shot(PLAY, (1, 2), &change(r#"{"angle":"high","planned_ms":5500}"#), &Defaults::default()).unwrap();
        assert!(text.contains("[[shot: 5.5s, angle: high]]\n\nBEN\nComing!"), "{text}");
        let text = change_shot(&text, (3, 1), &change(r#"{"motion":"pan-left"}"#), &Defaults::default()).unwrap();
        assert_eq!(script(&text).scenes[2].shots[0].plan.motion, Motion::PanLeft);
        let again = change_shot(&text, (3, 1), &change(r#"{"motion":"static"}"#), &Defaults::default()).unwrap();
        assert_eq!(again.matches("motion:").count(), 1, "{again}");
    }

    #[test]
    fn words_are_changed_where_they_stand() {
        let text = change_shot(
            PLAY,
            (1, 1),
            &change(r#"{"lines":["Come, it is hot."],"description":"ONE CUP."}"#),
            &Defaults::default(),
        )
        .unwrap();
        let read = script(&text);
        assert_eq!(read.scenes[0].shots[0].plan.lines[0].text, "Come, it is hot.");
        assert_eq!(read.scenes[0].shots[0].plan.lines[0].parenthetical.as_deref(), Some("softly"));
        assert_eq!(read.scenes[0].shots[0].plan.description, "ONE CUP.");
        assert!(text.contains("[[mine]]") && read.scenes[0].shots[1].plan.lines[0].text == "Coming!", "{text}");
        for (shot, bad) in [
            (1, r#"{"lines":[]}"#),
            (1, r#"{"lines":["..."]}"#),
            (1, r#"{"description":"a [[b]]"}"#),
            (2, r#"{"description":"Ben."}"#),
            (1, r#"{"planned_ms":1}"#),
            (1, r#"{"continues":true}"#),
            (1, r#"{"transition":{"kind":"cut","ms":5}}"#),
            (9, "{}"),
        ] {
            assert!(change_shot(PLAY, (1, shot), &change(bad), &Defaults::default()).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<ShotChange>(r#"{"typ":1}"#).is_err());
    }

    #[test]
    fn scenes_change_places_with_what_leads_into_them() {
        let text = order_scenes(PLAY, &[2, 3, 1], &Defaults::default()).unwrap();
        let read = script(&text);
        let titles: Vec<_> = read.scenes.iter().map(|scene| scene.title.as_str()).collect();
        assert_eq!(titles, ["Garden", "Empty Road", "Kitchen"]);
        assert_eq!(read.scenes[2].look.synopsis, "Tea.");
        assert!(text.starts_with("Title: Two\n\nCUT TO:\n\nEXT. GARDEN"), "{text}");
        let back = script(&order_scenes(&text, &[3, 1, 2], &Defaults::default()).unwrap());
        let shots = |script: &Script| script.scenes.iter().map(|scene| scene.shots.len()).collect::<Vec<_>>();
        assert_eq!((shots(&back), back.scenes[0].title.as_str()), (shots(&script(PLAY)), "Kitchen"));
        for bad in [&[1, 2][..], &[1, 1, 2], &[1, 2, 4], &[]] {
            assert!(order_scenes(PLAY, bad, &Defaults::default()).is_err());
        }
    }
}
