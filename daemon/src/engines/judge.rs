//! Judge: a take is measured first, and only what is not plainly bad is shown to a vision model.
//!
//! Cheap comes first: order and file, then measured faults, then likeness, then eyes. Every layer may reject, only the
//! last may approve. It fails closed: what cannot be judged is unreviewed, and a person is asked.

use std::{
    io::Cursor,
    path::{Path, PathBuf},
    sync::Arc,
};

use studio_core::{
    character::same_name,
    media::{MediaFacts, MediaPlan, MediaResult, PicturePlan, ProbePlan},
    order::ReviewOrder,
    review::{
        self, Candidate, ClipLook, Confusable, Identity, Issue, MEASURED_ENOUGH, Question, Shown, Sight, Which, Who,
        clip_look, clip_question, clip_score, identity, identity_question, is_not_human, shipped, sight,
        sight_question, signs, species_question, still_look, still_question, still_score, which, which_question, yes,
    },
    take::{Mark, MarkName, MustLook, Verdict},
    units::{Fps, Frames, Score, Size},
};
use studio_draft::judge::DraftJudge;
use studio_engine::{EngineError, FailureKind, Progress, RunMedia, Workspace};
use tokio_util::sync::CancellationToken;

use super::{
    chat::{Asking, Chat},
    likeness::Likeness,
};

/// Longest side of a picture a vision model is shown: more costs time and tells it nothing.
const SIDE: u32 = 896;
/// Longest answer to a whole review, and to a focused question, in tokens.
const TOKENS: (u32, u32) = (700, 160);
/// A measured mark below this is an issue the next take is told of.
const ISSUE_BELOW: f64 = 0.5;

/// Marks each of which alone can reject a take before anybody looks at it.
const FAULTS: [MarkName; 9] = [
    MarkName::Black,
    MarkName::Contrast,
    MarkName::Frozen,
    MarkName::Blur,
    MarkName::Flicker,
    MarkName::Exposure,
    MarkName::Length,
    MarkName::Drift,
    MarkName::Likeness,
];
/// How sure a judge is at most that says of the same picture that it shows one and the other: a person is asked.
const CONTRADICTED: Score = Score::from_percent(50);
/// A mark below this is plainly bad.
const FAULT_BELOW: f64 = 0.15;
/// What such a take scores at most: below every gate.
const REJECTED: Score = Score::from_percent(29);

/// Why a take was not judged.
enum JudgeError {
    /// It may be the next time.
    Failed(EngineError),
    /// It never will be like this: a person must look.
    Unjudged(MustLook),
}

impl From<EngineError> for JudgeError {
    fn from(failure: EngineError) -> Self {
        match failure.kind {
            FailureKind::Refused => Self::Unjudged(MustLook::JudgeRefused { message: failure.message }),
            _ => Self::Failed(failure),
        }
    }
}

/// A review by measurement and by eyes.
pub struct Judge<'a> {
    /// The vision model that looks at a take.
    pub chat: &'a dyn Chat,
    /// The draft judge, which measures a take before anybody looks.
    pub measure: &'a DraftJudge,
    /// Who takes pictures out of clips.
    pub media: &'a Arc<dyn RunMedia>,
    /// Who sees how alike pictures are; `None`: only the perceptual hash tells.
    pub likeness: Option<&'a Likeness>,
    /// Where it works.
    pub room: &'a Workspace,
    /// Who hears how far it is.
    pub progress: &'a Progress,
    /// Who may stop it.
    pub stop: &'a CancellationToken,
}

/// What the eyes say.
struct Seen {
    score: Score,
    marks: Vec<Mark>,
    issues: Vec<Issue>,
    reason: String,
}

impl Judge<'_> {
    /// The verdict on a take.
    pub async fn review(&self, order: &ReviewOrder, shown: &Shown) -> Result<Verdict, EngineError> {
        if order.describe {
            return self.describe(order, shown).await;
        }
        let measured = self.measure.review(order, self.room, self.progress, self.stop).await?;
        let Some(score) = measured.score else { return Ok(measured) };
        let low = measured.marks.iter().filter(|mark| mark.score.as_fraction() < ISSUE_BELOW);
        let issues: Vec<Issue> = low.filter_map(|mark| Issue::of_mark(mark.name)).collect();
        let fault = measured.marks.iter().filter(|mark| FAULTS.contains(&mark.name));
        let fault = fault.min_by_key(|mark| mark.score).filter(|mark| mark.score.as_fraction() < FAULT_BELOW);
        if let Some(fault) = fault {
            let reason =
                format!("{} is {:.2} ({} {:.3})", fault.name, fault.score.as_fraction(), fault.unit, fault.measured);
            let score = Some(score.min(REJECTED));
            return Ok(Verdict { issues, score, reason: format!("measured as plainly bad: {reason}"), ..measured });
        }
        if score < MEASURED_ENOUGH {
            return Ok(Verdict { issues, ..measured });
        }
        self.progress.tell(0.2);
        let judge = format!("{} {}", self.chat.name(), shown.eye);
        match self.look(order, shown).await {
            Ok(seen) => {
                let mut issues = issues;
                issues.extend(seen.issues);
                issues.sort_unstable();
                issues.dedup();
                let marks = measured.marks.into_iter().chain(seen.marks).collect();
                // Of what is of no use nobody needs to know what it shows.
                let sight = if seen.score < MEASURED_ENOUGH {
                    None
                } else {
                    self.sight(order, shown).await?.ok().map(Box::new)
                };
                let ask = creatures(shown).next().map(|name| MustLook::NotHuman { name: name.into() });
                Ok(Verdict { judge, score: Some(seen.score), reason: seen.reason, marks, issues, ask, seen: sight })
            }
            Err(JudgeError::Unjudged(why)) => {
                let reason = format!("not reviewed: {why}");
                Ok(Verdict { judge, score: None, reason, marks: measured.marks, issues, ask: Some(why), seen: None })
            }
            Err(JudgeError::Failed(failure)) => Err(failure),
        }
    }

    /// Only what a picture shows: nothing is measured, and nothing judged.
    async fn describe(&self, order: &ReviewOrder, shown: &Shown) -> Result<Verdict, EngineError> {
        let judge = format!("{} {}", self.chat.name(), shown.eye);
        let (seen, reason, ask) = match self.sight(order, shown).await? {
            Ok(sight) => (Some(Box::new(sight)), "it is only said what it shows".to_owned(), None),
            Err(why) => (None, format!("it cannot be said what it shows: {why}"), Some(why)),
        };
        Ok(Verdict { judge, reason, ask, seen, ..Verdict::default() })
    }

    /// Who of the candidates it is; of those that are easily confused it is asked one against the other, and an answer that
    /// contradicts the first one is never sure.
    pub async fn identify(&self, order: &ReviewOrder, shown: &Shown) -> Result<Identity, EngineError> {
        let judge = format!("{} {}", self.chat.name(), shown.eye);
        let unknown = |reason: String| Identity { judge: judge.clone(), character: None, confidence: None, reason };
        match self.who(order, shown).await {
            Ok((candidate, who)) => Ok(Identity {
                character: candidate.map(|one| one.character),
                confidence: Some(who.confidence),
                reason: who.seen,
                ..unknown(String::new())
            }),
            Err(JudgeError::Unjudged(why)) => Ok(unknown(format!("it cannot be told: {why}"))),
            Err(JudgeError::Failed(failure)) => Err(failure),
        }
    }

    async fn who<'o>(&self, order: &'o ReviewOrder, shown: &Shown) -> Result<(Option<&'o Candidate>, Who), JudgeError> {
        let all = &order.candidates;
        let mut pictures = vec![small(self.room.path(&order.subject)).await?];
        for reference in all.iter().filter_map(|one| one.reference.as_ref()) {
            pictures.push(small(self.room.path(reference)).await?);
        }
        let read = |text: &str| identity(text, all.len());
        let who = self.ask(shown, &identity_question(all), &pictures, TOKENS.1, read).await?;
        let Some(named) = who.candidate.and_then(|at| all.get(at)) else { return Ok((None, who)) };
        let called = |name: &str, one: &Candidate| same_name(&one.figure.name, name);
        // Whoever of the two it was said of.
        let turned = all
            .iter()
            .flat_map(|one| &one.confusable)
            .filter(|pair| called(&pair.other, named))
            .map(|pair| Confusable { name: pair.other.clone(), other: pair.name.clone(), by: pair.by.clone() });
        for pair in named.confusable.iter().cloned().chain(turned) {
            let is = self.ask(shown, &which_question(&pair), &pictures[..1], TOKENS.1, which).await?;
            let other = || all.iter().find(|one| called(&pair.other, one));
            match is {
                Which::First => {}
                Which::Other => {
                    let seen = format!(
                        "it is {}, said first, and asked one against the other {}: {}",
                        pair.name, pair.other, who.seen
                    );
                    let confidence = who.confidence.min(CONTRADICTED);
                    return Ok((other(), Who { confidence, seen, ..who }));
                }
                Which::Neither => return Ok((None, who)),
            }
        }
        Ok((Some(named), who))
    }

    /// What a picture shows, by the axes it is placed by; the inner error: no answer can be used.
    async fn sight(&self, order: &ReviewOrder, shown: &Shown) -> Result<Result<Sight, MustLook>, EngineError> {
        if shown.axes.is_empty() {
            return Ok(Err(MustLook::AnswerUnusable {
                model: shown.eye.clone(),
                complaint: "nothing was asked".into(),
            }));
        }
        let picture = small(self.room.path(&order.subject)).await?;
        match self.ask(shown, &sight_question(shown), &[picture], TOKENS.0, sight).await {
            Ok(sight) => Ok(Ok(sight.known(&shown.axes))),
            Err(JudgeError::Unjudged(why)) => Ok(Err(why)),
            Err(JudgeError::Failed(failure)) => Err(failure),
        }
    }

    /// Everything a take is compared with: its source and the characters' pictures.
    async fn beside(&self, order: &ReviewOrder, shown: &Shown) -> Result<(Vec<Vec<u8>>, bool), JudgeError> {
        let mut beside = Vec::new();
        if let Some(source) = &order.reference {
            beside.push(small(self.room.path(source)).await?);
        }
        let with_source = !beside.is_empty();
        for reference in &shown.references {
            beside.push(small(self.room.path(reference)).await?);
        }
        Ok((beside, with_source))
    }

    async fn look(&self, order: &ReviewOrder, shown: &Shown) -> Result<Seen, JudgeError> {
        let (beside, with_source) = self.beside(order, shown).await?;
        let subject = self.room.path(&order.subject);
        let (frames, middle) = if order.expected.is_some() {
            let frames = self.frames(&subject).await?;
            let middle = frames[frames.len() / 2].1.clone();
            (frames, middle)
        } else {
            (Vec::new(), small(subject).await?)
        };
        let alike = match self.alike(&middle, &beside).await {
            Ok(alike) => alike,
            Err(unlike) => return Ok(unlike),
        };
        let mut seen = if order.expected.is_some() {
            self.clip(shown, frames, &beside, with_source).await?
        } else {
            self.still(shown, &middle, &beside, with_source).await?
        };
        seen.marks.extend(alike);
        self.is_who_it_should_be(shown, seen, &middle).await
    }

    /// A take that looks like nothing it should look like is rejected before the vision model sees it; of others it is
    /// said how alike they are.
    async fn alike(&self, picture: &[u8], beside: &[Vec<u8>]) -> Result<Option<Mark>, Seen> {
        let Some(likeness) = self.likeness else { return Ok(None) };
        match likeness.mark(picture, beside).await {
            Some(mark) if mark.score.as_fraction() < FAULT_BELOW => Err(Seen {
                score: Score::from_percent(0),
                reason: format!("it looks like another picture (cosine {:.2})", mark.measured),
                marks: vec![mark],
                issues: vec![Issue::WrongCharacter],
            }),
            mark => Ok(mark),
        }
    }

    /// Three frames: in the first second, in the middle, near the end; each as JPEG.
    async fn frames(&self, clip: &Path) -> Result<Vec<(&'static str, Vec<u8>)>, JudgeError> {
        let run = |plan| self.media.run(plan, &self.room.dir, self.progress, self.stop);
        let probed = run(MediaPlan::Probe(ProbePlan { input: clip.to_owned() })).await?;
        let MediaResult::Probe { facts: MediaFacts::Video { fps, frames, .. } } = probed else {
            return Err(JudgeError::Unjudged(MustLook::NotClip));
        };
        let mut pictures = Vec::new();
        for (place, at) in places(frames, fps) {
            let out = self.room.dir.join(format!("look-{}.jpg", at.0));
            let fit = Some(Size { width: SIDE, height: SIDE });
            run(MediaPlan::Picture(PicturePlan { input: clip.to_owned(), at, fps, fit, out: out.clone() })).await?;
            let bytes = std::fs::read(&out).map_err(|error| EngineError::io("failed to read a frame", &error))?;
            pictures.push((place, bytes));
        }
        Ok(pictures)
    }

    async fn clip(
        &self,
        shown: &Shown,
        frames: Vec<(&'static str, Vec<u8>)>,
        beside: &[Vec<u8>],
        with_source: bool,
    ) -> Result<Seen, JudgeError> {
        let (mut looks, count): (Vec<ClipLook>, usize) = (Vec::new(), frames.len());
        for (number, (place, frame)) in frames.into_iter().enumerate() {
            let question = clip_question(shown, place, with_source, shown.references.len());
            let pictures: Vec<Vec<u8>> = std::iter::once(frame).chain(beside.iter().cloned()).collect();
            looks.push(self.ask(shown, &question, &pictures, TOKENS.0, clip_look).await?);
            self.progress.tell(0.2 + 0.7 * (number + 1) as f64 / count as f64);
        }
        let scored = clip_score(&looks, with_source).ok_or(JudgeError::Unjudged(MustLook::NoFrame))?;
        let names =
            [MarkName::CharacterMatch, MarkName::StyleMatch, MarkName::MotionExecution, MarkName::TechnicalQuality];
        let marks = names.into_iter().zip(scored.parts).map(|(name, value)| mark(name, value)).collect();
        let worst = looks.iter().min_by_key(|look| {
            u32::from(look.character_match) + u32::from(look.technical_quality) + u32::from(look.motion_execution)
        });
        let mut issues: Vec<Issue> = looks.iter().flat_map(|look| look.issues.iter().copied()).collect();
        if !shown.figures.is_empty() && looks.iter().any(|look| !look.solo) {
            issues.push(Issue::NotSolo);
        }
        if looks.iter().any(|look| !look.species_correct) {
            issues.push(Issue::WrongCharacter);
        }
        let reason = worst.map_or_else(String::new, |look| look.reason.clone());
        Ok(Seen { score: scored.score, marks, issues, reason })
    }

    async fn still(
        &self,
        shown: &Shown,
        picture: &[u8],
        beside: &[Vec<u8>],
        with_source: bool,
    ) -> Result<Seen, JudgeError> {
        let question = still_question(shown, with_source, shown.references.len());
        let pictures: Vec<Vec<u8>> = std::iter::once(picture.to_vec()).chain(beside.iter().cloned()).collect();
        let look = self.ask(shown, &question, &pictures, TOKENS.0, still_look).await?;
        let values = [
            (MarkName::CharacterMatch, look.character_match),
            (MarkName::Clarity, look.clarity),
            (MarkName::TrainingValue, look.training_value),
        ];
        let marks = values.into_iter().map(|(name, value)| mark(name, f64::from(value))).collect();
        let mut issues = look.issues.clone();
        issues.extend((!shown.figures.is_empty() && !look.solo).then_some(Issue::NotSolo));
        issues.extend(look.has_anatomical_defects.then_some(Issue::BadAnatomy));
        issues.extend(look.is_wrong().then_some(Issue::WrongCharacter));
        Ok(Seen { score: still_score(&look), marks, issues, reason: look.reason })
    }

    /// The focused questions: of creatures about their bodies, of characters that are easily confused who it is.
    async fn is_who_it_should_be(&self, shown: &Shown, mut seen: Seen, picture: &[u8]) -> Result<Seen, JudgeError> {
        let known = shipped();
        let mut wrong = None;
        for figure in &shown.figures {
            let signs = figure.appearance.as_ref().and_then(|looks| signs(looks, &shown.species, &known));
            let Some(signs) = signs else { continue };
            let question = species_question(&figure.name, signs);
            if !self.ask(shown, &question, &[picture.to_vec()], TOKENS.1, yes).await? {
                wrong = Some(format!("{} is not seen as a {}", figure.name, signs.name));
            }
        }
        // Who would be rejected anyway need not be told apart.
        for pair in &shown.confusable {
            if wrong.is_some() || seen.score < MEASURED_ENOUGH {
                break;
            }
            let is = self.ask(shown, &which_question(pair), &[picture.to_vec()], TOKENS.1, which).await?;
            if is != Which::First {
                wrong = Some(format!("it may be {} and not {}", pair.other, pair.name));
            }
        }
        if let Some(why) = wrong {
            seen.score = Score::from_percent(0);
            seen.issues.push(Issue::WrongCharacter);
            seen.reason = why;
        }
        Ok(seen)
    }

    /// Asks, and once more with what was wrong about the first answer.
    async fn ask<T>(
        &self,
        shown: &Shown,
        question: &Question,
        pictures: &[Vec<u8>],
        most_tokens: u32,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, JudgeError> {
        let mut asked = question.clone();
        let mut complaint = String::new();
        for tokens in [most_tokens, most_tokens * 2] {
            let asking = Asking {
                model: &shown.eye,
                text: &asked.text,
                pictures,
                schema: &asked.schema,
                temperature: 0.0,
                most_tokens: tokens,
            };
            let answer = self.chat.ask(asking, self.stop).await?;
            complaint = match read(&answer.text) {
                _ if answer.cut => "it was too long and was cut off".into(),
                Ok(said) => return Ok(said),
                Err(why) => why,
            };
            asked = review::repair(question, &complaint);
        }
        Err(JudgeError::Unjudged(MustLook::AnswerUnusable { model: shown.eye.clone(), complaint }))
    }
}

/// Names of those who are no humans.
fn creatures(shown: &Shown) -> impl Iterator<Item = &str> {
    let is = |figure: &&studio_core::order::Figure| figure.appearance.as_ref().is_some_and(is_not_human);
    shown.figures.iter().filter(is).map(|figure| figure.name.as_str())
}

/// Which frames of a clip are looked at, and what they are called.
fn places(frames: Frames, fps: Fps) -> Vec<(&'static str, Frames)> {
    let (count, second) = (frames.0.max(1), fps.as_f64());
    let first = ((second / 2.0) as u64).min(count / 4);
    let last = count - 1 - ((second / 10.0) as u64).min((count - 1) / 4);
    let all = [("the first second", first), ("the middle", count / 2), ("near the end", last)];
    let mut places: Vec<(&'static str, Frames)> = all.into_iter().map(|(place, at)| (place, Frames(at))).collect();
    places.dedup_by_key(|(_, at)| *at);
    places
}

fn mark(name: MarkName, value: f64) -> Mark {
    Mark { name, score: Score::from_fraction(value / 10.0), measured: value, unit: "of 10".into() }
}

/// A picture as a JPEG that is not larger than a vision model looks at.
async fn small(path: PathBuf) -> Result<Vec<u8>, EngineError> {
    let made = tokio::task::spawn_blocking(move || {
        let bad =
            |why: String| EngineError::new(FailureKind::BadInput, format!("{} cannot be shown: {why}", path.display()));
        let picture = image::ImageReader::open(&path)
            .and_then(image::ImageReader::with_guessed_format)
            .map_err(|error| bad(error.to_string()))?
            .decode()
            .map_err(|error| bad(error.to_string()))?;
        let picture = if picture.width() > SIDE || picture.height() > SIDE {
            picture.resize(SIDE, SIDE, image::imageops::FilterType::Lanczos3)
        } else {
            picture
        };
        let mut bytes = Cursor::new(Vec::new());
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90);
        picture.to_rgb8().write_with_encoder(encoder).map_err(|error| bad(error.to_string()))?;
        Ok(bytes.into_inner())
    });
    made.await
        .map_err(|error| EngineError::new(FailureKind::Transient, format!("failed to read a picture: {error}")))?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn frames_are_looked_at_where_something_can_be_seen() {
        let at = |frames, fps| places(Frames(frames), Fps::whole(fps)).iter().map(|(_, at)| at.0).collect::<Vec<_>>();
        assert_eq!(at(120, 24), [12, 60, 117]);
        assert_eq!(at(1, 24), [0]);
        assert_eq!(at(2, 24), [0, 1]);
    }

    proptest! {
        #[test]
        fn every_frame_is_in_the_clip(frames in 1u64..2_000, fps in 1u32..121) {
            let places = places(Frames(frames), Fps::whole(fps));
            prop_assert!(!places.is_empty() && places.iter().all(|(_, at)| at.0 < frames));
        }
    }
}
