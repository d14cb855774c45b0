//! Engine: the names of the engines that are in every studio, as tasks, settings and attempts say them.
//!
//! They are stored, and part of the keys of what was made: a name is never changed.

/// Decides gates: the loop itself, which is never busy.
pub const STUDIO: &str = "studio";
/// Cuts, mixes and joins.
pub const MEDIA: &str = "media";
/// Publishes into the library.
pub const LIBRARY: &str = "library";
/// Speaks lines with espeak-ng.
pub const DRAFT_VOICE: &str = "draft.voice";
/// Plays beds of music.
pub const DRAFT_MUSIC: &str = "draft.music";
/// Draws storyboard pictures.
pub const DRAFT_STILLS: &str = "draft.stills";
/// Makes clips by moving a camera over pictures.
pub const DRAFT_CLIPS: &str = "draft.clips";
/// Reviews takes by measured numbers, without a vision model.
pub const DRAFT_JUDGE: &str = "draft.judge";
/// Makes posters and thumbnails.
pub const DRAFT_ARTWORK: &str = "draft.artwork";
