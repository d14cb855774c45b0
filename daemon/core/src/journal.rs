//! Journal: the kinds of events and decisions the studio writes down, each with the word it has in the store and the
//! API. A word, once released, is never changed: rows and scripts of people have it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ladder::Rung, production::Stage, word::words};

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

words! {
    /// What a decision came to, where that is one of few words.
    OutcomeWord {
        /// A picture, a portrait or what was shown counts.
        Approved = "approved",
        /// A picture or a portrait does not count.
        Rejected = "rejected",
        /// A further picture of a dataset was asked for.
        Asked = "asked",
        /// Films use the LoRA from now on.
        Used = "used",
        /// The LoRA came into the library, and films go on with what they use.
        Kept = "kept",
        /// Nothing more is asked for to fill a dataset.
        Paused = "paused",
        /// An engine is left alone.
        Quarantine = "quarantine",
        /// The judge agrees less with people than it should.
        Warned = "warned",
        /// The judge agrees with people as it did.
        AsBefore = "as before",
        /// A person locked a part.
        Locked = "locked",
        /// A person let a part go.
        Released = "released",
        /// A person wants a further take.
        AnotherTake = "asked for another take of",
        /// A person said from which picture a part is made.
        SourcePicture = "chose a source picture of",
        /// A person put a file in the place of a part.
        OwnFile = "put a file in place of",
    }
}

/// What a decision came to. It is stored and told as text; a text, once released, is never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum DecisionOutcome {
    /// One of few words.
    Word(OutcomeWord),
    /// What was decided about belongs to this stage of the film.
    Stage(Stage),
    /// What is done differently because a card was full.
    Rung(Rung),
    /// A name: of the model that comes onto a card; also what earlier versions wrote.
    Named(String),
}

impl From<OutcomeWord> for DecisionOutcome {
    fn from(word: OutcomeWord) -> Self {
        Self::Word(word)
    }
}

impl From<String> for DecisionOutcome {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

impl From<&str> for DecisionOutcome {
    fn from(text: &str) -> Self {
        let word = OutcomeWord::ALL.iter().find(|one| one.word() == text).map(|word| Self::Word(*word));
        let stage = || Stage::ALL.into_iter().find(|one| one.word() == text).map(Self::Stage);
        let rung = || Rung::ORDER.into_iter().find(|one| one.to_string() == text).map(Self::Rung);
        word.or_else(stage).or_else(rung).unwrap_or_else(|| Self::Named(text.to_owned()))
    }
}

impl From<DecisionOutcome> for String {
    fn from(outcome: DecisionOutcome) -> Self {
        outcome.to_string()
    }
}

impl fmt::Display for DecisionOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => word.fmt(f),
            Self::Stage(stage) => f.write_str(stage.word()),
            Self::Rung(rung) => rung.fmt(f),
            Self::Named(name) => f.write_str(name),
        }
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

    #[test]
    fn what_a_decision_came_to_is_stored_as_it_always_was() {
        // What rows have. Add to it; never change it.
        let words = [
            "approved",
            "rejected",
            "asked",
            "used",
            "kept",
            "paused",
            "quarantine",
            "warned",
            "as before",
            "locked",
            "released",
            "asked for another take of",
            "chose a source picture of",
            "put a file in place of",
        ];
        assert_eq!(OutcomeWord::ALL.iter().map(|one| one.word()).collect::<Vec<_>>(), words);
        let rungs = [
            "frees the card first",
            "decodes in tiles",
            "keeps more of the card's memory free",
            "takes the quantised model",
            "makes it in two shorter parts",
            "makes a smaller picture",
            "takes another model",
        ];
        let stages = ["voices", "pictures", "clips", "music", "scenes", "film", "library"];
        let read = |text: &str| serde_json::from_value::<DecisionOutcome>(text.into()).unwrap();
        for text in words.iter().chain(&rungs).chain(&stages) {
            assert!(!matches!(read(text), DecisionOutcome::Named(_)), "{text}");
            assert_eq!(serde_json::to_value(read(text)).unwrap(), *text);
        }
        assert_eq!(read("wan"), DecisionOutcome::Named("wan".into()), "models, and what is no longer said");
    }
}
