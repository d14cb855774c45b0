//! Kept: a LoRA the studio looks after, trained or imported, and for whom it is used.

use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::{
    asset::AssetRef,
    ids::{CharacterId, LoraId, ProjectId, TrainingId},
    units::Millis,
};

/// Highest strength of a LoRA, in percent.
pub const MOST_STRENGTH: u32 = 200;

/// Longest name of a LoRA, in characters.
pub const LONGEST_NAME: usize = 40;

/// A name as LoRAs have it: its words with one space between; `None`: it is empty, too long, or has a sign that notes of screenplays
/// need themselves.
pub fn lora_name(text: &str) -> Option<String> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fits = (1..=LONGEST_NAME).contains(&name.chars().count());
    let clear = !name.contains(|sign: char| sign.is_control() || ",:%[]".contains(sign));
    (fits && clear).then_some(name)
}

/// A LoRA the studio looks after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KeptLora {
    /// Identity of the LoRA, a uuid v7.
    pub id: LoraId,
    /// The project whose films use it.
    pub project_id: ProjectId,
    /// Whom it makes: it is for pictures that show nobody else. `None`: for every picture of the project.
    pub character_id: Option<CharacterId>,
    /// What screenplays ask for it by, e.g. `red dress`; empty: it is used without being asked for.
    pub name: String,
    /// Where it is asked for, the character's one without a name is left out, as one that makes them as a child needs it.
    pub instead: bool,
    /// What it was trained for.
    pub architecture: Architecture,
    /// Its name below ComfyUI's folder, with `/`. It never changes, and no other file ever gets it.
    pub file: String,
    /// The kept file that it is a copy of.
    pub weights: AssetRef,
    /// Its length in bytes.
    pub bytes: u64,
    /// The word it is called with in prompts; empty: none.
    pub trigger: String,
    /// How strongly it acts, in percent, 1..=[`MOST_STRENGTH`].
    pub strength: u32,
    /// Films use it. At most one of an owner and a name for each architecture is.
    pub active: bool,
    /// The run that made it; `None`: it was imported, or its run is gone.
    pub training_id: Option<TrainingId>,
    /// The epoch of that run.
    pub epoch: Option<u32>,
    /// When it came into the library.
    pub created: Millis,
}

/// The name of a trained LoRA below ComfyUI's folder: `studiod/PROJECT-CHARACTER/BASE-rRUN-eEPOCH.safetensors`. `run` are the last eight
/// digits of the run's id, so that no two runs share a name.
pub fn file_name(
    project: &str,
    character: &str,
    architecture: Architecture,
    training: TrainingId,
    epoch: u32,
) -> String {
    let id = training.to_string();
    let run = &id[id.len() - 8..];
    format!("studiod/{}-{}/{}-r{run}-e{epoch}.safetensors", safe(project), safe(character), architecture.word())
}

/// Letters and digits of a name, and nothing a folder may not be called.
fn safe(name: &str) -> String {
    let plain: String = name.chars().map(|sign| if sign.is_alphanumeric() { sign } else { ' ' }).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let joined: String = words.join("_").to_lowercase().chars().take(40).collect();
    if joined.is_empty() { "unnamed".into() } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_sign_that_notes_need() {
        assert_eq!(lora_name("  red   dress ").as_deref(), Some("red dress"));
        assert_eq!(lora_name("Straße 7").as_deref(), Some("Straße 7"));
        for wrong in ["", " ", "a, b", "a: b", "50%", "[[a]]", "a\u{7}b", &"x".repeat(41)] {
            assert_eq!(lora_name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_file_is_called_after_what_it_is_and_leads_nowhere_else() {
        let run = TrainingId("0198a0b0-0000-7000-8000-0000deadbeef".parse().unwrap());
        let name = |project: &str, character: &str| file_name(project, character, Architecture::Sdxl, run, 7);
        assert_eq!(name("The Last Light", "MARA"), "studiod/the_last_light-mara/sdxl-rdeadbeef-e7.safetensors");
        assert_eq!(name("../..", "/"), "studiod/unnamed-unnamed/sdxl-rdeadbeef-e7.safetensors");
        assert_eq!(name("Ёлка", "Zoë"), "studiod/ёлка-zoë/sdxl-rdeadbeef-e7.safetensors");
    }
}
