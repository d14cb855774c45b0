//! Shot: one clip.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ContentHash, SceneId, ShotId},
    lora::{MOST_STRENGTH, lora_name},
    units::{Score, Seed, Steps},
};

/// One clip of a scene.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Shot {
    /// Identity of the shot, kept with its number when the episode is planned again.
    pub id: ShotId,
    /// The scene it belongs to.
    pub scene_id: SceneId,
    /// Position in the scene, from 1.
    pub number: u32,
    /// What is to be seen and heard.
    pub plan: ShotPlan,
    /// How far it is.
    pub state: ShotState,
    /// The accepted clip as the engine made it.
    pub clip: Option<ContentHash>,
    /// The accepted clip in the project's size and rate.
    pub master: Option<ContentHash>,
    /// Its first picture source.
    pub still: Option<ContentHash>,
    /// Its last picture; the next shot may start from it.
    pub last_frame: Option<ContentHash>,
    /// Seed of the accepted take.
    pub seed: Option<Seed>,
    /// Steps of the accepted take.
    pub steps: Option<Steps>,
    /// Score of the accepted take.
    pub score: Option<Score>,
    /// How long the accepted take took to make, in milliseconds.
    pub making_ms: Option<u64>,
}

impl Shot {
    /// A shot nothing was made of yet.
    pub fn new(id: ShotId, scene_id: SceneId, number: u32, plan: ShotPlan) -> Self {
        Self {
            id,
            scene_id,
            number,
            plan,
            state: ShotState::Pending,
            clip: None,
            master: None,
            still: None,
            last_frame: None,
            seed: None,
            steps: None,
            score: None,
            making_ms: None,
        }
    }
}

/// What a shot is to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ShotPlan {
    /// How close the camera is.
    pub shot_type: ShotType,
    /// From where it looks.
    pub angle: CameraAngle,
    /// How it moves.
    pub motion: Motion,
    /// What is seen, from the action lines.
    pub description: String,
    /// Names of the characters in the picture, in order of appearance.
    pub characters: Vec<String>,
    /// What is said, in order.
    pub lines: Vec<Line>,
    /// Planned length in milliseconds, at least 1000; longer when its voices need it.
    pub planned_ms: u64,
    /// The script fixed the length in a note.
    pub fixed_length: bool,
    /// How the film goes into this shot from the one before in its scene.
    pub transition: Transition,
    /// Which engine should make it; `None` leaves it to the studio.
    pub engine: Option<VideoEngine>,
    /// Starts from the last picture of the shot before instead of its own still.
    pub continues: bool,
    /// Starts from its own still, whoever is in it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_still: bool,
    /// LoRAs it is made with beside those that always are, by their names in the library; a name nobody has is a remark of the film.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<LoraAsk>,
    /// The title card: what is written on the black of a scene that plays nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
}

/// A LoRA that a screenplay asks for by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LoraAsk {
    /// What it is called in the library, in any case: 1..=40 characters without a comma or a bracket.
    pub name: String,
    /// How strongly it acts here, in percent, 1..=200; `None`: as the library says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength: Option<u32>,
}

impl LoraAsk {
    /// `red dress` or `red dress 60%`; the error is one sentence.
    ///
    /// # Errors
    /// What is wrong with the name or the strength, in one sentence.
    pub fn read(text: &str) -> Result<Self, String> {
        let last = text.rsplit_once(char::is_whitespace).filter(|(_, last)| last.ends_with('%'));
        let (name, strength) = last.map_or((text, None), |(name, last)| (name, Some(last)));
        let strength = strength.map(|said| {
            let percent =
                said.trim_end_matches('%').parse().ok().filter(|percent| (1..=MOST_STRENGTH).contains(percent));
            percent.ok_or_else(|| format!("a LoRA acts with 1% to {MOST_STRENGTH}%, not '{said}'"))
        });
        let name = lora_name(name).ok_or_else(|| {
            "expected the name of a LoRA of at most 40 letters, such as red dress or red dress 60%".to_owned()
        })?;
        Ok(Self { name, strength: strength.transpose()? })
    }
}

impl fmt::Display for LoraAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.strength.map_or(Ok(()), |percent| write!(f, " {percent}%"))
    }
}

/// One spoken line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Line {
    /// Who speaks, as the script names them.
    pub character: String,
    /// What is said, without emphasis marks.
    pub text: String,
    /// How, e.g. "whispers".
    pub parenthetical: Option<String>,
    /// Spoken together with the line before.
    pub dual: bool,
}

/// How close the camera is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the field's own words")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ShotType {
    Establishing,
    Wide,
    Medium,
    CloseUp,
    ExtremeCloseUp,
    Action,
}

impl ShotType {
    /// Its word in texts that identities and seeds are made of. It never changes, whatever the type is called elsewhere.
    pub fn stable_word(self) -> &'static str {
        match self {
            Self::Establishing => "Establishing",
            Self::Wide => "Wide",
            Self::Medium => "Medium",
            Self::CloseUp => "CloseUp",
            Self::ExtremeCloseUp => "ExtremeCloseUp",
            Self::Action => "Action",
        }
    }
}

/// From where the camera looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the field's own words")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum CameraAngle {
    EyeLevel,
    High,
    Low,
    Dutch,
    Overhead,
    OverShoulder,
}

/// How the camera moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the field's own words")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Motion {
    Static,
    PanLeft,
    PanRight,
    PushIn,
    PullOut,
    TiltUp,
    TiltDown,
    Handheld,
}

/// Engines a script may ask for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names of the engines")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum VideoEngine {
    Draft,
    Framepack,
    FramepackF1,
    Ltx,
    Wan,
}

/// How two neighbours are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Transition {
    /// Which of the blends goes from one into the other.
    pub kind: TransitionKind,
    /// Length of the overlap in milliseconds; 0 for a cut.
    pub ms: u32,
}

impl Transition {
    /// A hard cut.
    pub const CUT: Self = Self { kind: TransitionKind::Cut, ms: 0 };
    /// Between shots, unless the script says otherwise.
    pub const BETWEEN_SHOTS: Self = Self { kind: TransitionKind::Dissolve, ms: 300 };
    /// Between scenes, unless the script says otherwise.
    pub const BETWEEN_SCENES: Self = Self { kind: TransitionKind::FadeBlack, ms: 500 };
}

/// The blends of the assembler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum TransitionKind {
    /// The next picture follows at once, without overlap.
    Cut,
    /// Film dissolve: both pictures blended, gently at both ends (smoothstep of the position). Not the grain
    /// of ffmpeg's xfade `dissolve`, which no film person means by the word.
    Dissolve,
    /// Linear blend of both pictures, as xfade's `fade`.
    Fade,
    /// Down to black and up again, as xfade's `fadeblack` (phase 0.2, smoothstep).
    FadeBlack,
    /// The new picture is uncovered from right to left, as xfade's `wipeleft`.
    WipeLeft,
}

/// How far a shot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ShotState {
    /// Nothing made yet.
    Pending,
    /// A take is being made or reviewed.
    Generating,
    /// A take passed its gate.
    Completed,
    /// No take passed; the best one is in the film.
    AcceptedBest,
    /// Nobody could judge; a person must.
    AskPerson,
    /// Could not be made; the tasks say why.
    Failed,
}

impl ShotState {
    /// Whether a shot may go from `self` to `next`. Every state may be made again.
    pub fn may_become(self, next: Self) -> bool {
        use ShotState::{AcceptedBest, AskPerson, Completed, Failed, Generating, Pending};
        match next {
            Pending | Generating => true,
            Completed | AcceptedBest | AskPerson => matches!(self, Generating | AskPerson),
            Failed => self == Generating,
        }
    }
}
