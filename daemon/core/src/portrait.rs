//! Portrait: one picture of a reference sheet.

mod sitting;

use serde::{Deserialize, Serialize};

pub use sitting::{Sitter, Sitting};

use crate::{
    dataset::{Decision, Made, PictureState, still, still::Making},
    ids::{ContentHash, PortraitId},
    location::Location,
    order::{AssetRef, Figure, StillOrder},
    scene::{Look, TimeOfDay, Weather},
    shot::{CameraAngle, ShotType},
    take::Verdict,
    units::{Millis, Seed, Size},
    views::{PortraitOwner, PortraitView, Refinement},
};

/// Where a portrait is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum PortraitSource {
    /// The studio made it from words alone.
    Generated,
    /// The studio made it from another one.
    Refined {
        /// Which one, and what was to be different.
        refinement: Refinement,
    },
    /// Somebody sent it.
    Upload {
        /// Its file's name.
        name: String,
    },
}

/// A picture of a reference sheet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Portrait {
    /// Identity of the portrait, a uuid v7.
    pub id: PortraitId,
    /// Whose sheet it is for.
    pub owner: PortraitOwner,
    /// What it shows.
    pub view: PortraitView,
    /// The file itself.
    pub file: AssetRef,
    /// Width and height in pixels.
    pub size: Size,
    /// Whether it counts: what is approved is a reference of the sheet.
    pub state: PictureState,
    /// Where it is from.
    pub source: PortraitSource,
    /// What it was made with; `None` of what somebody sent.
    pub made: Option<Made>,
    /// What the judge said; `None` before it has looked.
    pub verdict: Option<Verdict>,
    /// Who approved or rejected it, and why; `None` while it is pending.
    pub decision: Option<Decision>,
    /// When it came.
    pub created: Millis,
}

/// Somebody seen in a view, alone before white. They are their own anchor: the order names no references.
pub fn of_character(figure: Figure, view: PortraitView, making: Making) -> StillOrder {
    still::order(figure, &view.cell(), view.prompt().to_owned(), making)
}

/// A place, wide, by day and with nobody in it.
pub fn of_location(location: &Location, making: Making) -> StillOrder {
    StillOrder {
        look: Look {
            setting: location.setting,
            location: location.name.clone(),
            time_of_day: TimeOfDay::Midday,
            weather: Weather::Clear,
            mood: String::new(),
            synopsis: String::new(),
        },
        shot_type: ShotType::Establishing,
        angle: CameraAngle::EyeLevel,
        description: PortraitView::Establishing.prompt().to_owned(),
        card: None,
        figures: Vec::new(),
        speaker: None,
        slate: String::new(),
        size: making.size,
        seed: making.seed,
        steps: making.steps,
        source: None,
        recipe: making.recipe,
    }
}

/// The same order begun from a picture: the words go before what it says already.
#[must_use]
pub fn refined(order: StillOrder, source: AssetRef, words: &str) -> StillOrder {
    StillOrder { description: format!("{}, {}", parts(words), order.description), source: Some(source), ..order }
}

/// The same order for somebody who draws what an order says and cannot go on from a picture: `prompt` is what the portrait followed
/// that is to be different, so whatever was different of that stays so.
#[must_use]
pub fn redrawn(order: StillOrder, prompt: &str, words: &str) -> StillOrder {
    StillOrder { description: format!("{}, {prompt}", parts(words)), ..order }
}

/// What is to be different of a portrait that is drawn anew, the newest first; `None` of whatever else is drawn.
pub fn changes(order: &StillOrder) -> Option<&str> {
    if !order.slate.is_empty() || order.source.is_some() {
        return None;
    }
    let mut views = PortraitView::OF_CHARACTERS.into_iter().chain([PortraitView::Establishing]);
    views.find_map(|view| order.description.strip_suffix(view.prompt())?.strip_suffix(", "))
}

/// Words as a prompt has them: part by part, nothing empty.
fn parts(words: &str) -> String {
    words.split(',').map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The seed of the `number`th picture that is asked for a sheet, 53 bits: each has its own, and the same after a restart.
pub fn seed(owner: PortraitOwner, view: PortraitView, number: u64) -> Seed {
    let text = format!("portrait/{}/{}/{number}", owner.id().hyphenated(), view.word());
    Seed(ContentHash::of(text.as_bytes()).leading_u64() >> 11)
}

/// The references of a sheet with an approved portrait among them.
///
/// The whole figure, or the place, comes first and the face behind it; whatever else is approved comes after those, and
/// what people put there keeps its order. `approved` are the portraits that are among the references already.
pub fn with_reference(
    references: &[AssetRef],
    approved: &[(ContentHash, PortraitView)],
    file: &AssetRef,
    view: PortraitView,
) -> Vec<AssetRef> {
    let mut references: Vec<AssetRef> = references.iter().filter(|one| one.hash != file.hash).cloned().collect();
    let rank = |one: &AssetRef| approved.iter().find(|(hash, _)| *hash == one.hash).map(|(_, view)| view.rank());
    let behind = references.iter().rposition(|one| rank(one).is_some_and(|rank| rank < view.rank()));
    let before = references.iter().position(|one| rank(one).is_some_and(|rank| rank >= view.rank()));
    let at = match (before, behind) {
        (Some(before), _) => before,
        (None, Some(behind)) => behind + 1,
        // The whole figure, the place and the face say most; the rest leaves the first place to what is there.
        (None, None) if view.rank() <= PortraitView::Face.rank() => 0,
        (None, None) => references.len(),
    };
    references.insert(at, file.clone());
    references
}
