//! Remark: what is to be said about how a film is made, as data: what it lacks, what was decided on the way to a part
//! of it. Sentences are made at the edge, by `Display`; the page makes its own.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{GateReason, Job, RouteReason, SettingOrigin};
use crate::{
    character::Overruled,
    failure::TaskFault,
    ids::PictureId,
    review::JudgeWarning,
    timeline::Fit,
    views::{PortraitOutcome, PortraitSubject},
};

/// What is to be said about a film, or about how a part of it was made.
///
/// Kept as JSON with the episode and with the decision; older studios kept the sentence: see [`KeptRemark`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "remark", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum FilmRemark {
    /// A sentence that an older studio kept.
    Said {
        /// The sentence, in English.
        text: String,
    },
    /// Something in the screenplay may be read otherwise than it was meant.
    Screenplay {
        /// Line of the screenplay, from 1.
        line: u32,
        /// What was found there, one sentence.
        message: String,
    },
    /// The episode stands where one of another title stood.
    Replaces {
        /// Title of the episode that stood there.
        title: String,
    },
    /// A character is not as the screenplay says.
    Overruled {
        /// Name of the character.
        character: String,
        /// Who said otherwise.
        by: Overruled,
    },
    /// What a person put in place of a part is left out, because the script no longer has the part.
    GivenLeftOut {
        /// The part it was put in place of.
        job: Job,
    },
    /// The source picture of a part is left out, because the script no longer has the part.
    SourceLeftOut {
        /// The part it was the source of.
        job: Job,
    },
    /// A draft speaks a line that a server should have spoken.
    DraftSpeaks {
        /// The line of dialogue it is about.
        job: Job,
        /// Why, as the server's failure says it.
        why: String,
    },
    /// What its engine says of a recording.
    Recording {
        /// The line of dialogue it is about.
        job: Job,
        /// The engine's sentence.
        said: String,
    },
    /// A listener heard other words than were to be spoken.
    Misheard {
        /// The line of dialogue it is about.
        job: Job,
        /// Share of its words that were heard otherwise, in percent.
        percent: u32,
    },
    /// A line is missing.
    NoVoice {
        /// The line of dialogue it is about.
        job: Job,
    },
    /// A scene has no music.
    NoMusic {
        /// The scene, from 1.
        scene: u32,
    },
    /// A draft plays what a server should have played.
    DraftPlays {
        /// The scene, from 1.
        scene: u32,
        /// Why, as the server's failure says it.
        why: String,
    },
    /// A scene has no sound.
    NoSound {
        /// The scene, from 1.
        scene: u32,
    },
    /// The film has no sound.
    Silent,
    /// The last picture of a clip that a person put in place is held.
    Held {
        /// The shot's master.
        job: Job,
        /// By how much the clip is shorter than its shot, in milliseconds.
        short_ms: u64,
    },
    /// A shot is not as long as the script asks for, or its lines are hurried.
    Fitted {
        /// The take of the clip.
        job: Job,
        /// How it was made to fit.
        fit: Fit,
    },
    /// Who makes the clip of a shot.
    Routed {
        /// The take of the clip.
        job: Job,
        /// Why this engine does.
        route: RouteReason,
    },
    /// A shot begins anew with the picture its chain began with.
    BegunAnew {
        /// The take of the clip.
        job: Job,
        /// The shot before, from 1, which has drifted from that picture.
        drifted: u32,
    },
    /// A shot goes on from the last picture of the one before, because the same character is in both.
    GoesOn {
        /// The take of the clip.
        job: Job,
        /// The shot before, from 1.
        from: u32,
    },
    /// A shot begins from the picture of a dataset that comes closest to it.
    FromDataset {
        /// The take of the still.
        job: Job,
        /// Which picture of the dataset it is.
        picture: PictureId,
        /// What the shot asks for, by axis of the coverage.
        asked: BTreeMap<String, String>,
        /// Axes on which the picture shows that.
        agrees: Vec<String>,
    },
    /// Where settings of a model come from that are not the catalogue's.
    Settings {
        /// The take they are for.
        job: Job,
        /// Name of the model.
        model: String,
        /// Every setting that is not the catalogue's.
        settings: Vec<SettingOrigin>,
    },
    /// What the gate of a shot decided.
    Gate {
        /// The gate of the shot.
        job: Job,
        /// Why it decided so.
        reason: GateReason,
    },
    /// A part of the film could not be made, and the film does without it.
    NotMade {
        /// The part that is missing.
        job: Job,
        /// What happened to it.
        fault: TaskFault,
    },
    /// The film is not in the library.
    NotInLibrary {
        /// What happened to it.
        fault: TaskFault,
    },
    /// The studio gave the episode up.
    GivenUp {
        /// What happened to it.
        fault: TaskFault,
    },
    /// The film does without a reference of somebody, or of a place, that it would have stayed alike to.
    NoPortrait {
        /// Whom, or what, it would have shown.
        subject: PortraitSubject,
        /// Why there is none.
        why: PortraitOutcome,
    },
    /// The film does without a LoRA of somebody: none of theirs is for a model that makes it.
    LoraLeftOut {
        /// Whom it would have made.
        character: String,
        /// Its name below ComfyUI's folder.
        file: String,
        /// What it was trained for: a word as a model's `lora_base`.
        base: String,
    },
    /// The film does without a LoRA of its style: no model that makes it takes it.
    StyleLeftOut {
        /// Its name below ComfyUI's folder.
        file: String,
        /// What it was trained for: a word as a model's `lora_base`.
        base: String,
    },
    /// The screenplay asks for a LoRA by a name that nobody has whose picture it is.
    LoraUnknown {
        /// The name, in small letters.
        name: String,
    },
    /// The judge agrees too little with people.
    Judge {
        /// How little they agree.
        warning: JudgeWarning,
    },
}

/// A remark as it may have been kept: as data, or as the sentence of an older studio.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum KeptRemark {
    /// What a studio of today keeps.
    Data(FilmRemark),
    /// What an older one kept.
    Sentence(String),
    /// What a newer one kept.
    Unknown(serde_json::Map<String, serde_json::Value>),
}

impl From<KeptRemark> for FilmRemark {
    fn from(kept: KeptRemark) -> Self {
        match kept {
            KeptRemark::Data(remark) => remark,
            KeptRemark::Sentence(text) => Self::Said { text },
            KeptRemark::Unknown(fields) => Self::Said { text: serde_json::Value::from(fields).to_string() },
        }
    }
}

impl fmt::Display for FilmRemark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Said { text } => f.write_str(text),
            Self::Screenplay { line, message } => write!(f, "screenplay, line {line}: {message}"),
            Self::Replaces { title } => write!(f, "it takes the place of '{title}'"),
            Self::Overruled { character, by } => write!(f, "{character} is not as this screenplay says, but {by}"),
            Self::GivenLeftOut { job } => {
                write!(f, "what was put in place of {job} is left out: the script no longer has it")
            }
            Self::SourceLeftOut { job } => {
                write!(f, "the source picture of {job} is left out: the script no longer has it")
            }
            Self::DraftSpeaks { job, why } => write!(f, "a draft speaks {job}: {why}"),
            Self::Recording { said, .. } => f.write_str(said),
            Self::Misheard { job, percent } => {
                write!(f, "{job} is hard to understand: {percent} % of its words were heard otherwise")
            }
            Self::NoVoice { job } => write!(f, "no voice for {job}"),
            Self::NoMusic { scene } => write!(f, "no music in scene {scene}"),
            Self::DraftPlays { scene, why } => write!(f, "a draft plays in scene {scene}: {why}"),
            Self::NoSound { scene } => write!(f, "no sound in scene {scene}"),
            Self::Silent => f.write_str("the film has no sound"),
            Self::Held { short_ms, .. } => {
                let seconds = *short_ms as f64 / 1000.0;
                write!(f, "the clip put in place is {seconds:.1} s shorter than its shot: its last picture is held")
            }
            Self::Fitted { fit, .. } => fit.fmt(f),
            Self::Routed { route, .. } => route.fmt(f),
            Self::BegunAnew { drifted, .. } => {
                write!(f, "it begins with the picture its chain began with: shot {drifted} has drifted from it")
            }
            Self::GoesOn { from, .. } => {
                write!(f, "it goes on from the last picture of shot {from}: the same character is in both")
            }
            Self::FromDataset { picture, agrees, .. } => {
                let agrees = agrees.join(", ");
                write!(
                    f,
                    "it begins from picture {picture} of the dataset, which shows what the shot asks for in {agrees}"
                )
            }
            Self::Settings { model, settings, .. } => {
                let all: Vec<String> = settings.iter().map(SettingOrigin::to_string).collect();
                write!(f, "{model}: {}", all.join(", "))
            }
            Self::Gate { job, reason } => write!(f, "{job}: {reason}"),
            Self::NotMade { job, fault } => write!(f, "{job} could not be made: {fault}"),
            Self::NotInLibrary { fault } => write!(f, "it is not in the library: {fault}"),
            Self::GivenUp { fault } => fault.fmt(f),
            Self::NoPortrait { subject, why } => {
                write!(f, "the film stays alike to no portrait of {}: {why}", subject.name())
            }
            Self::LoraLeftOut { character, file, base } => {
                write!(f, "{character} is made without {file}: no model of this film takes LoRAs for {base}")
            }
            Self::StyleLeftOut { file, base } => {
                write!(f, "the film is made without {file}: no model of it takes LoRAs for {base}")
            }
            Self::LoraUnknown { name } => write!(
                f,
                "the screenplay asks for the LoRA '{name}', which neither the film nor whoever is alone in the picture has; \
                 import it and give it that name"
            ),
            Self::Judge { warning } => warning.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_older_studios_kept_is_read_beside_what_is_kept_today() {
        let today = FilmRemark::NoMusic { scene: 2 };
        let json = serde_json::json!(["the film is too short", today, { "remark": "solar_flare" }]);
        let kept: Vec<KeptRemark> = serde_json::from_value(json.clone()).unwrap();
        let read: Vec<FilmRemark> = kept.into_iter().map(FilmRemark::from).collect();
        let said = |text: &str| FilmRemark::Said { text: text.into() };
        assert_eq!(read, [said("the film is too short"), today, said(r#"{"remark":"solar_flare"}"#)]);
        assert_eq!(json[1], serde_json::json!({ "remark": "no_music", "scene": 2 }));
        assert_eq!(read[0].to_string(), "the film is too short");
    }
}
