//! Kept: a LoRA the studio looks after, trained or imported, and for whom it is used.

use serde::{Deserialize, Serialize};

use super::Architecture;
use crate::{
    asset::AssetRef,
    ids::{CharacterId, LoraId, TrainingId},
    units::Millis,
};

/// Highest strength of a LoRA, in percent.
pub const MOST_STRENGTH: u32 = 200;

/// A LoRA the studio looks after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KeptLora {
    /// Identity of the LoRA, a uuid v7.
    pub id: LoraId,
    /// Whom it makes.
    pub character_id: CharacterId,
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
    /// Films use it. At most one of a character for each architecture is.
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
    fn a_file_is_called_after_what_it_is_and_leads_nowhere_else() {
        let run = TrainingId("0198a0b0-0000-7000-8000-0000deadbeef".parse().unwrap());
        let name = |project: &str, character: &str| file_name(project, character, Architecture::Sdxl, run, 7);
        assert_eq!(name("The Last Light", "MARA"), "studiod/the_last_light-mara/sdxl-rdeadbeef-e7.safetensors");
        assert_eq!(name("../..", "/"), "studiod/unnamed-unnamed/sdxl-rdeadbeef-e7.safetensors");
        assert_eq!(name("Ёлка", "Zoë"), "studiod/ёлка-zoë/sdxl-rdeadbeef-e7.safetensors");
    }
}
