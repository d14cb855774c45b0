//! Journal: the kinds of events and decisions the studio writes down, each with the word it has in the store and the
//! API. A word, once released, is never changed: rows and scripts of people have it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An enumeration whose values have stable words, said once. A word is taken as a token: of a literal, `utoipa` would not
/// see the name.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:tt,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        pub enum $name {
            $($(#[$about])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its word in the store and the API.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// Something that happened, numbered in the order of commits. The word before the dot is what it is about.
    EventKind {
        /// A task's result was made now.
        TaskMade = "task.made",
        /// A task's result was found made already, or put in place by a person.
        TaskReused = "task.reused",
        /// A speculative attempt is done; whether it counts is not known yet.
        TaskSpeculative = "task.early",
        /// A speculative attempt is done, but what it started from does not count.
        TaskInVain = "task.in_vain",
        /// A task is over without a result, or waits for a person.
        TaskFailed = "task.failed",
        /// A task was stopped.
        TaskCancelled = "task.cancelled",
        /// An attempt came to nothing; its task may be tried again.
        AttemptFailed = "attempt.failed",
        /// A gate chose a take.
        TakeChosen = "take.chosen",
        /// A gate asked for a further take.
        TakeAgain = "take.again",
        /// Nothing more happens to an episode, and some of it could not be made.
        EpisodeFailed = "episode.failed",
        /// An episode waits until a person has approved what is there.
        EpisodeAwaits = "episode.awaits",
        /// The text of an episode was kept.
        EpisodeWritten = "episode.written",
        /// An episode was taken out of the library.
        EpisodeUnpublished = "episode.unpublished",
        /// The quiet hours were set.
        FleetQuiet = "fleet.quiet",
        /// A project was made or changed.
        ProjectChanged = "project.changed",
        /// A project was removed.
        ProjectRemoved = "project.removed",
        /// A character was changed.
        CharacterChanged = "character.changed",
        /// A location was changed.
        LocationChanged = "location.changed",
        /// A dataset, or how it is filled, was changed.
        DatasetChanged = "dataset.changed",
        /// A picture came into a dataset.
        PictureAdded = "picture.added",
        /// A file of the watched folder is not taken, or the folder is not there, and why.
        PictureRefused = "picture.refused",
        /// A picture was judged, decided, captioned, moved or taken out.
        PictureChanged = "picture.changed",
        /// A video, or an address, whose frames become pictures of a dataset came, went on or ended.
        IngestChanged = "ingest.changed",
        /// A portrait of a character or a place was made or sent.
        PortraitAdded = "portrait.added",
        /// A portrait was judged, decided or taken out.
        PortraitChanged = "portrait.changed",
        /// The training of a LoRA began, went on or ended.
        TrainingChanged = "training.changed",
        /// A LoRA came into the library, was changed or taken out, or films use another one.
        LoraChanged = "lora.changed",
        /// A story is being written.
        StoryBegun = "story.begun",
        /// A story is written, or could not be.
        StoryEnded = "story.ended",
        /// A story was removed.
        StoryRemoved = "story.removed",
    }
}

words! {
    /// What the studio, or a person in its place, decided.
    DecisionKind {
        /// Which take goes into the film, or that another one is made.
        Gate = "gate",
        /// How an order turned out on the way from the plan.
        Order = "order",
        /// What is done differently because a card was full.
        Memory = "memory",
        /// Which model takes which one's place on a card.
        Swap = "swap",
        /// That an engine is left alone for a while.
        Quarantine = "quarantine",
        /// What a person locked, released, replaced, asked for or approved.
        Hand = "hand",
        /// How well the judge agrees with people.
        Judge = "judge",
        /// What the studio asked for to fill a dataset, and when it let that rest.
        Replenish = "replenish",
        /// What became of a picture of a dataset, or of a portrait.
        Picture = "picture",
        /// Which epoch of a training is best, and whether films use it.
        Training = "training",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What rows of data directories and people's scripts have. Add to it; never change it.
    const EVENTS: [&str; 30] = [
        "task.made",
        "task.reused",
        "task.early",
        "task.in_vain",
        "task.failed",
        "task.cancelled",
        "attempt.failed",
        "take.chosen",
        "take.again",
        "episode.failed",
        "episode.awaits",
        "episode.written",
        "episode.unpublished",
        "fleet.quiet",
        "project.changed",
        "project.removed",
        "character.changed",
        "location.changed",
        "dataset.changed",
        "picture.added",
        "picture.refused",
        "picture.changed",
        "ingest.changed",
        "portrait.added",
        "portrait.changed",
        "training.changed",
        "lora.changed",
        "story.begun",
        "story.ended",
        "story.removed",
    ];

    /// The same of decisions.
    const DECISIONS: [&str; 10] =
        ["gate", "order", "memory", "swap", "quarantine", "hand", "judge", "replenish", "picture", "training"];

    #[test]
    fn words_are_pinned_and_read_back() {
        assert_eq!(EventKind::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>(), EVENTS);
        assert_eq!(DecisionKind::ALL.iter().map(|kind| kind.word()).collect::<Vec<_>>(), DECISIONS);
        for kind in EventKind::ALL {
            assert_eq!(serde_json::from_value::<EventKind>(kind.word().into()).unwrap(), *kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
        for kind in DecisionKind::ALL {
            assert_eq!(serde_json::from_value::<DecisionKind>(kind.word().into()).unwrap(), *kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
        }
    }
}
