//! Orders: what an engine is asked to make, with every input resolved to a content hash.
//!
//! An order says everything that decides the result, so its hash together with the engine's version is the
//! key of the work: equal key, equal result, nothing to do again.
//!
//! Longer than files here usually are: one order says little without the others it is made from.

mod billing;
mod outputs;
mod train;

use std::collections::BTreeMap;

pub use crate::{
    asset::AssetRef,
    character::{Figure, Staging},
    model::{Lora, Quality},
};
pub use billing::Billing;
pub use outputs::{Heard, Output, Outputs, Reported, Role};
pub use train::{LossPoint, PRINT_BYTES, PRINT_PLACES, SliceReport, TrainOrder, TrainingPicture, base_print};

use serde::{Deserialize, Serialize};

use crate::{
    character::CharacterProfile,
    ids::ContentHash,
    media::{Chapter, Expected},
    mixdown::{Ducking, Loudness},
    model::PromptStyle,
    review::{Candidate, Issue, Shown},
    scene::Look,
    shot::{CameraAngle, Motion, ShotType, TransitionKind, VideoEngine},
    subtitle::Cue,
    units::{Fps, Frames, Samples, Seed, Size, Steps},
    workflow::SlotValue,
};

/// What an engine is asked to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "make", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is documented on its order")]
pub enum Order {
    Voice(VoiceOrder),
    Music(MusicOrder),
    Still(StillOrder),
    Clip(ClipOrder),
    Review(ReviewOrder),
    Normalise(NormaliseOrder),
    MixScene(MixSceneOrder),
    JoinScene(JoinSceneOrder),
    Master(MasterOrder),
    JoinEpisode(JoinEpisodeOrder),
    Artwork(ArtworkOrder),
    Publish(PublishOrder),
    Train(TrainOrder),
}

/// One spoken line. Makes [`Role::Sound`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VoiceOrder {
    /// The speaker's name; decides nothing but is shown.
    pub character: String,
    /// How the speaker sounds.
    pub profile: CharacterProfile,
    /// What is said, 1..=2000 characters.
    pub text: String,
    /// How it is said, e.g. "whispers".
    pub manner: Option<String>,
    /// Language of the text, BCP 47.
    pub language: String,
    /// Name of the voice, for engines whose voices have names; `None` chooses one by the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice: Option<String>,
    /// A recording of the speaker, for engines that clone voices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<AssetRef>,
}

/// A music bed. Makes [`Role::Sound`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MusicOrder {
    /// One word: tense, peaceful, melancholy...
    pub mood: String,
    /// Beats per minute, 40..=200; `None` leaves it to the mood.
    pub tempo_bpm: Option<u32>,
    /// The bed is at least this long, rounded up to whole bars, and can be repeated without a seam.
    pub at_least: Samples,
    /// Which tune of that mood.
    pub seed: Seed,
    /// What it is in words, for engines that compose from words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// Which model makes it; `None` for engines without models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Recipe>,
}

/// The first picture of a shot. Makes [`Role::Picture`] (flat) and [`Role::Layer`]s (back to front).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StillOrder {
    /// Place, light, weather, mood.
    pub look: Look,
    /// How close the camera is, as the shot's plan says.
    pub shot_type: ShotType,
    /// From where the camera looks, as the shot's plan says.
    pub angle: CameraAngle,
    /// What is seen, in words.
    pub description: String,
    /// What is written on the black, when the look is black.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// Who is in the picture, in order of appearance, with their looks.
    pub figures: Vec<Figure>,
    /// Index in `figures` of who speaks.
    pub speaker: Option<usize>,
    /// Text on the slate: "1-3 MEDIUM".
    pub slate: String,
    /// Picture size of the film.
    pub size: Size,
    /// Drawn from the shot and the attempt.
    pub seed: Seed,
    /// Sampling steps, for engines that sample.
    pub steps: Steps,
    /// The picture to start from instead of nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<AssetRef>,
    /// What else a model is told; `None` for engines without models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Recipe>,
}

/// Which model makes a picture or a clip, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Name in the model catalogue, e.g. `framepack`.
    pub model: String,
    /// How much effort.
    pub quality: Quality,
    /// Trained additions, strongest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<Lora>,
    /// Pictures of the characters to stay alike to, in order of appearance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<AssetRef>,
    /// Style words put before every prompt of the project.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub style: String,
    /// The design of the place in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// What judges said of the takes before, each once; the prompt answers it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<Issue>,
    /// Takes before this one; guidance falls by one with each.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retake: u32,
    /// What pictures must not show, most important first: the characters' and what was learned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub avoid: Vec<String>,
    /// Values of slots before the model's own: the project's, and before those what was learned.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, SlotValue>,
    /// How prompts are written instead of the model's own way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<PromptStyle>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A moving shot. Makes [`Role::Video`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipOrder {
    /// What it starts from: the shot's still or the last picture of the shot before; `None` from its words alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<AssetRef>,
    /// The source's layers, back to front, when it has any.
    pub layers: Vec<AssetRef>,
    /// What moves, in words.
    pub description: String,
    /// The camera's move.
    pub motion: Motion,
    /// Picture size of the film that the clip is for.
    pub size: Size,
    /// Pictures per second of the film.
    pub fps: Fps,
    /// Length that the shot needs, in pictures at that rate.
    pub frames: Frames,
    /// Which engine the script asked for; the conductor may have had to take another.
    pub wanted: Option<VideoEngine>,
    /// Drawn from the shot and the attempt.
    pub seed: Seed,
    /// Sampling steps, for engines that sample.
    pub steps: Steps,
    /// Place and light, for engines that read a prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look: Option<Look>,
    /// How close, for engines that read a prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shot_type: Option<ShotType>,
    /// Who is in the picture, for engines that read a prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    /// What happens and who says what, for models that are given the script itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// What else a model is told; `None` for engines without models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipe: Option<Recipe>,
}

/// A take to be judged. Makes no file; reports [`Reported::Verdict`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewOrder {
    /// The still or clip to be judged.
    pub subject: AssetRef,
    /// What was ordered; `None` for a still.
    pub expected: Option<Expected>,
    /// The still a clip started from.
    pub reference: Option<AssetRef>,
    /// What the chain of shots began with; `None` when it is the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<AssetRef>,
    /// The order asked for a still camera.
    pub may_stand_still: bool,
    /// It is a picture of a dataset: before white as good as anywhere, but it must show something.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dataset: bool,
    /// It is only said what it shows, and nothing is judged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub describe: bool,
    /// Who it may be: it is only said which of them it is, and nothing is judged; empty: that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
    /// How often it was asked before; a person who has it asked once more wants another look, and no known answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turn: u32,
    /// What should be seen, for a judge with eyes; `None` for one that only measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
}

/// A clip to be brought to the project's size and rate.
/// Makes [`Role::Video`], [`Role::LastFrame`] and, when the clip has any, [`Role::Sound`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NormaliseOrder {
    /// The accepted take.
    pub clip: AssetRef,
    /// Picture size that the master gets.
    pub size: Size,
    /// Pictures per second that the master gets.
    pub fps: Fps,
    /// Number of pictures that the master gets.
    pub frames: Frames,
    /// A clip that is too short holds its last picture, however short; otherwise only what a tenth of it lacks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hold: bool,
}

/// One scene's sound. Makes [`Role::Sound`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MixSceneOrder {
    /// Length of the scene.
    pub samples: Samples,
    /// Spoken lines and where each begins.
    pub voices: Vec<PlacedVoice>,
    /// The bed, when there is one.
    pub music: Option<AssetRef>,
    /// Linear gain of the music without voices.
    pub music_gain: f32,
    /// Loudness each line is brought to, in LUFS.
    pub voice_lufs: f64,
    /// How the music gives way.
    pub ducking: Ducking,
    /// Fade-in of the music.
    pub fade_in: Samples,
    /// Fade-out of the music.
    pub fade_out: Samples,
}

/// A spoken line at a place in its scene.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlacedVoice {
    /// The line as it was recorded, before it is spoken faster.
    pub sound: AssetRef,
    /// Where it begins.
    pub at: Samples,
    /// How much faster than recorded it is spoken, in thousandths, 1000..=[`crate::timeline::FASTEST`].
    #[serde(default = "as_recorded", skip_serializing_if = "is_as_recorded")]
    pub speed: u32,
}

fn as_recorded() -> u32 {
    1000
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_as_recorded(speed: &u32) -> bool {
    *speed == 1000
}

/// One scene's picture. Makes [`Role::Video`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JoinSceneOrder {
    /// Picture size of the scene, the same as that of its masters.
    pub size: Size,
    /// Pictures per second of the scene, as many as its masters have.
    pub fps: Fps,
    /// Masters in order.
    pub parts: Vec<JoinedPart>,
    /// The scene's mix, so that the scene can be watched on its own.
    pub sound: Option<AssetRef>,
}

/// A clip in a join.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JoinedPart {
    /// A shot's master for a scene, an assembled scene for the film.
    pub video: AssetRef,
    /// Blend from the one before.
    pub transition: TransitionKind,
    /// Overlap with the one before.
    pub overlap: Frames,
}

/// The film's sound. Makes [`Role::Sound`]; reports [`Reported::Loudness`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MasterOrder {
    /// Scene mixes in order.
    pub parts: Vec<MasteredPart>,
    /// Length of the film.
    pub samples: Samples,
    /// What the film is brought to.
    pub loudness: Loudness,
}

/// A scene in the film's sound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MasteredPart {
    /// The scene's mix.
    pub sound: AssetRef,
    /// Where it begins.
    pub at: Samples,
    /// Cross-fade with the one before.
    pub crossfade: Samples,
}

/// The film. Makes [`Role::Video`], [`Role::Srt`] and [`Role::Vtt`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JoinEpisodeOrder {
    /// Picture size of the film, the same as that of its scenes.
    pub size: Size,
    /// Pictures per second of the film, as many as its scenes have.
    pub fps: Fps,
    /// Scenes in order.
    pub parts: Vec<JoinedPart>,
    /// The film's sound; `None` when every sound failed.
    pub sound: Option<AssetRef>,
    /// One per scene.
    pub chapters: Vec<Chapter>,
    /// What is said, and when.
    pub cues: Vec<Cue>,
    /// Length of the film.
    pub frames: Frames,
    /// Draw the subtitles into the picture.
    pub burn_in: bool,
    /// Cap of the file in MiB; `None` keeps constant quality.
    pub max_mib: Option<u32>,
}

/// The pictures around an episode. Makes [`Role::Thumb`], [`Role::Poster`] and [`Role::Fanart`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArtworkOrder {
    /// The assembled film that the pictures are taken from.
    pub film: AssetRef,
    /// Pictures per second of the film, to find a picture by its number.
    pub fps: Fps,
    /// Which picture is the thumbnail.
    pub thumb_at: Frames,
    /// Which picture the poster is made from.
    pub poster_at: Frames,
    /// Title on the poster.
    pub title: String,
}

/// An episode to be put into the library. Makes no file of the studio's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishOrder {
    /// Absolute path of the library's root.
    pub root: String,
    /// Link or copy.
    pub mode: PublishMode,
    /// What the library shows.
    pub billing: Billing,
    /// Characters, as the NFO's actors.
    pub actors: Vec<String>,
    /// Length of the film.
    pub runtime_ms: u64,
    /// The assembled film that goes into the library.
    pub film: AssetRef,
    /// Subtitles as SRT.
    pub srt: Option<AssetRef>,
    /// Subtitles as WebVTT.
    pub vtt: Option<AssetRef>,
    /// Thumbnail of the episode.
    pub thumb: Option<AssetRef>,
    /// Poster of the show and the season.
    pub poster: Option<AssetRef>,
    /// Backdrop of the show.
    pub fanart: Option<AssetRef>,
    /// Files of the last publication, relative to the root: those not replaced are removed. Decides nothing about
    /// the result, so it is not part of the key.
    #[serde(skip)]
    pub replaces: Vec<String>,
    /// Films were put into this library before, so it is there already unless its disk is not. Not part of the key.
    #[serde(skip)]
    pub known: bool,
    /// Id of the project whose show it is, which the library's `tvshow.nfo` gets; empty: its short name is taken. Not
    /// part of the key.
    #[serde(skip)]
    pub show: String,
    /// Films of this project were put into this library before, so that what has its short name there is its own: shows
    /// were told apart by that before they were by id. Not part of the key.
    #[serde(skip)]
    pub shown: bool,
}

/// How the film gets into the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PublishMode {
    /// A symbolic link to the studio's file.
    Symlink,
    /// A hard link where both are on one file system, else a copy.
    #[default]
    Hardlink,
    /// A copy of the studio's file, which needs the room a second time.
    Copy,
}

fn references(recipe: Option<&Recipe>) -> &[AssetRef] {
    recipe.map_or(&[], |recipe| &recipe.references)
}

impl Order {
    /// Which model makes it and how; `None` for orders that no model makes.
    pub fn recipe(&self) -> Option<&Recipe> {
        match self {
            Self::Still(order) => order.recipe.as_ref(),
            Self::Clip(order) => order.recipe.as_ref(),
            Self::Music(order) => order.recipe.as_ref(),
            _ => None,
        }
    }

    /// Every file the order starts from, each once, in the order they are named.
    pub fn inputs(&self) -> Vec<&AssetRef> {
        let mut inputs: Vec<&AssetRef> = match self {
            Self::Voice(order) => order.sample.iter().collect(),
            Self::Music(_) => Vec::new(),
            Self::Still(order) => order.source.iter().chain(references(order.recipe.as_ref())).collect(),
            Self::Clip(order) => {
                order.source.iter().chain(&order.layers).chain(references(order.recipe.as_ref())).collect()
            }
            Self::Review(order) => {
                let references = order.shown.as_ref().map_or(&[][..], |shown| &shown.references);
                let others = order.reference.iter().chain(&order.anchor);
                let candidates = order.candidates.iter().filter_map(|one| one.reference.as_ref());
                std::iter::once(&order.subject).chain(others).chain(references).chain(candidates).collect()
            }
            Self::Normalise(order) => vec![&order.clip],
            Self::MixScene(order) => order.voices.iter().map(|voice| &voice.sound).chain(&order.music).collect(),
            Self::JoinScene(order) => order.parts.iter().map(|part| &part.video).chain(&order.sound).collect(),
            Self::Master(order) => order.parts.iter().map(|part| &part.sound).collect(),
            Self::JoinEpisode(order) => order.parts.iter().map(|part| &part.video).chain(&order.sound).collect(),
            Self::Artwork(order) => vec![&order.film],
            Self::Train(order) => order.pictures.iter().map(|one| &one.file).chain(&order.weights).collect(),
            Self::Publish(order) => {
                let beside = [&order.srt, &order.vtt, &order.thumb, &order.poster, &order.fanart];
                std::iter::once(&order.film).chain(beside.into_iter().flatten()).collect()
            }
        };
        let mut seen = std::collections::BTreeSet::new();
        inputs.retain(|asset| seen.insert(asset.hash));
        inputs
    }

    /// The key of this work when `engine` (name and version) does it: equal key, equal result.
    ///
    /// The hash of the order's JSON. Field order is the declaration's and maps are sorted, so the text is canonical.
    pub fn key(&self, engine: &str) -> ContentHash {
        let text = serde_json::to_string(self).expect("orders hold nothing JSON cannot say");
        ContentHash::of(format!("{engine}\n{text}").as_bytes())
    }
}
