//! Findings: what a check found of the studio and what it needs, as data; the sentences are made here.

use std::fmt;

use serde::{Deserialize, Serialize};
use studio_core::fleet::Away;
use utoipa::ToSchema;

/// How a thing is that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// As it should be.
    Good,
    /// Worth knowing; the studio works.
    Note,
    /// The studio, or a part of it, cannot work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Finding {
    /// What was looked at, e.g. `database` or `card`.
    pub what: String,
    /// Whether it is as it should be.
    pub verdict: Standing,
    /// What was found, as data.
    pub found: Found,
    /// The same in one sentence, with the remedy.
    pub said: String,
}

/// What was found. The word in `found` and the fields are part of the API: added to, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum Found {
    /// In the words of whoever met it: another program, the system, the database.
    Said {
        /// One sentence, with the remedy.
        text: String,
    },
    /// A card answers.
    Card {
        /// Its name in the settings.
        name: String,
        /// Its PCI slot, as the settings say it.
        slot: String,
        /// Free memory, when it tells.
        free_mib: Option<u64>,
        /// Its memory, when it tells.
        total_mib: Option<u64>,
        /// What it draws, in watts, when it tells.
        power_w: Option<f64>,
    },
    /// No card is seen.
    NoCard,
    /// Quiet hours are for an engine that there is not.
    UnknownEngine {
        /// Its name in the settings.
        engine: String,
        /// The engines that there are.
        known: Vec<String>,
    },
    /// The settings name a card that does not answer.
    UnknownCard {
        /// Its slot in the settings.
        slot: String,
        /// The slots that are seen.
        seen: Vec<String>,
    },
    /// A definition of the user's is not used.
    Unused {
        /// What is wrong with it.
        why: String,
    },
    /// A ComfyUI answers.
    Workflows {
        /// Its name in the settings.
        server: String,
        /// Its version, as it says.
        version: String,
        /// Workflows that it can run.
        ready: usize,
        /// How many workflows there are in all.
        all: usize,
    },
    /// A server of the settings does not answer.
    NoAnswer {
        /// Its name or address.
        server: String,
        /// What came instead.
        why: String,
    },
    /// The settings can be read.
    SettingsRead,
    /// The database answers and is up to date.
    DatabaseReady,
    /// Room on a disk.
    Disk {
        /// The data directory.
        root: String,
        /// Bytes that are free.
        free_bytes: u64,
        /// It is little for a long episode.
        little: bool,
    },
    /// Nobody says how much room there is.
    DiskUnknown {
        /// The data directory.
        root: String,
        /// What the system says.
        why: String,
    },
    /// The settings name no library.
    NoLibrary,
    /// The library that films are published into.
    Library {
        /// Its root folder.
        root: String,
        /// It is there; else it is made with the first film.
        there: bool,
    },
    /// A server with models answers.
    Models {
        /// The card it works on, when it is known.
        card: Option<String>,
        /// Models it has to have.
        models: Vec<String>,
        /// Those that are loaded.
        loaded: Vec<String>,
    },
    /// An engine is not there.
    Away {
        /// Why it is not there.
        because: Away,
    },
    /// Whether the judge's model can see.
    Eyes {
        /// The name of the model.
        model: String,
        /// Whether it sees pictures.
        sees: bool,
    },
    /// A server answers as such a one does.
    Answers {
        /// Address of the server.
        url: String,
    },
    /// A server answers, but not as such a one does.
    Another {
        /// Address of the server.
        url: String,
        /// The path it was asked for.
        route: String,
    },
    /// A server does not take the key.
    KeyRefused {
        /// Address of the server.
        url: String,
    },
    /// A server that may be on this machine.
    Nearby {
        /// What it would be used for.
        purpose: Purpose,
        /// The port it listens on.
        port: u16,
        /// What it answers; `None`: nothing does.
        status: Option<u16>,
    },
    /// Every element of GStreamer's that is needed is there.
    Elements {
        /// What GStreamer calls itself.
        version: String,
        /// How many there are.
        count: usize,
    },
    /// Fonts of the system.
    Fonts {
        /// How many faces.
        faces: usize,
    },
    /// There are no voices for drafts.
    NoVoices,
    /// Every row fits the others.
    RowsFit,
    /// Every kept file is whole.
    FilesWhole {
        /// How many there are.
        count: u64,
    },
    /// A kept file is gone or damaged.
    FileBroken {
        /// SHA-256 of what it should be.
        hash: String,
        /// What the system says; `None`: it can be read, and is another.
        why: Option<String>,
        /// The studio makes it again; else it must be brought again.
        made: bool,
        /// It is marked; else somebody must check when no other command is at work.
        marked: bool,
    },
    /// Every published episode is as it was published.
    EpisodesWhole {
        /// How many there are.
        count: usize,
    },
    /// A library cannot be looked at.
    LibraryAway {
        /// Title of an episode in it.
        title: String,
        /// Its root folder.
        root: String,
    },
    /// Files of a published episode are gone.
    EpisodeLacks {
        /// Title of the episode.
        title: String,
        /// Root folder of the library.
        root: String,
        /// Relative to the root.
        files: Vec<String>,
    },
    /// A published film is not what was published.
    EpisodeChanged {
        /// Title of the episode.
        title: String,
        /// Root folder of the library.
        root: String,
    },
    /// Every LoRA in use is as it was kept where ComfyUI has it.
    LorasWhole {
        /// How many there are.
        count: usize,
    },
    /// A LoRA is not what was kept where ComfyUI has it.
    LoraChanged {
        /// Where it lies.
        path: String,
    },
    /// A file cannot be read.
    Unreadable {
        /// Where it lies.
        path: String,
        /// What the system says.
        why: String,
    },
}

/// What a server on this machine would be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Pictures and clips on the NVIDIA card.
    Pictures,
    /// Words and reviews on the AMD card.
    Words,
    /// Whoever makes the music.
    Music,
    /// Watching the result.
    Watching,
}

impl Default for Found {
    /// What an older studio says of it: nothing.
    fn default() -> Self {
        Self::Said { text: String::new() }
    }
}

impl From<String> for Found {
    fn from(text: String) -> Self {
        Self::Said { text }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pictures => "pictures and clips on the NVIDIA card",
            Self::Words => "words and reviews on the AMD card",
            Self::Music => "music",
            Self::Watching => "watching the result",
        })
    }
}

impl fmt::Display for Found {
    #[expect(clippy::too_many_lines, reason = "a table, a sentence each")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        match self {
            Self::Said { text } => f.write_str(text),
            Self::Card { name, slot, free_mib, total_mib, power_w } => {
                let gib =
                    |mib: &Option<u64>| mib.map_or_else(|| "?".to_owned(), |mib| format!("{:.1}", mib as f64 / 1024.0));
                write!(f, "{name} at {slot}, {} of {} GiB free", gib(free_mib), gib(total_mib))?;
                power_w.map_or(Ok(()), |watts| write!(f, ", {watts:.0} W"))
            }
            Self::NoCard => f.write_str("none is seen; the draft engines work without one"),
            Self::UnknownEngine { engine, known } => {
                write!(f, "[[quiet]] names the engine '{engine}'; there are {}", known.join(", "))
            }
            Self::UnknownCard { slot, seen } => {
                write!(f, "they name a card at {slot}, which does not answer; seen are {}", seen.join(", "))
            }
            Self::Unused { why } => write!(f, "not used: {why}"),
            Self::Workflows { server, version, ready, all } => {
                write!(f, "{server} is version {version} and can run {ready} of {all} workflows; ")?;
                f.write_str("'studiod comfy check' says what the others lack")
            }
            Self::NoAnswer { server, why } => write!(f, "{server}: {why}; start it, or take it out of the settings"),
            Self::SettingsRead => f.write_str("can be read"),
            Self::DatabaseReady => f.write_str("answers and is up to date"),
            Self::Disk { root, free_bytes, little: true } => {
                write!(f, "only {:.1} GiB free at {root}; a long episode needs more", bytes(*free_bytes))
            }
            Self::Disk { root, free_bytes, little: false } => write!(f, "{:.1} GiB free at {root}", bytes(*free_bytes)),
            Self::DiskUnknown { root, why } => write!(f, "{root} cannot be asked: {why}"),
            Self::NoLibrary => f.write_str("none in the settings; give one with --library or publish.library"),
            Self::Library { root, there: true } => write!(f, "{root} can be written"),
            Self::Library { root, there: false } => write!(f, "{root} is made with the first film"),
            Self::Models { card, models, loaded } => {
                f.write_str("answers")?;
                card.as_ref().map_or(Ok(()), |card| write!(f, " on {card}"))?;
                write!(f, ": {}", models.join(", "))?;
                if loaded.is_empty() { Ok(()) } else { write!(f, "; loaded: {}", loaded.join(", ")) }
            }
            Self::Away { because } => because.fmt(f),
            Self::Eyes { model, sees: true } => write!(f, "{model} can see"),
            Self::Eyes { model, sees: false } => {
                write!(f, "{model} cannot see; choose a vision model such as gemma3:12b")
            }
            Self::Answers { url } => write!(f, "{url} answers"),
            Self::Another { url, route } => {
                write!(f, "{url} answers, but not to {route} as such a server does; whether it is one shows with work")
            }
            Self::KeyRefused { url } => write!(f, "{url} does not accept the key"),
            Self::Nearby { purpose, port, status: None } => {
                write!(f, "not on port {port} of this machine; the drafts do without ({purpose})")
            }
            Self::Nearby { purpose, port, status: Some(200..=299) } => write!(f, "answers on port {port}: {purpose}"),
            Self::Nearby { purpose, port, status: Some(status) } => {
                write!(f, "port {port} answers {status}: {purpose}")
            }
            Self::Elements { version, count } => write!(f, "{version}: all {count} elements are there"),
            Self::Fonts { faces: 0 } => {
                f.write_str("none found, so slates and posters carry no text; install fonts-dejavu-core")
            }
            Self::Fonts { faces } => write!(f, "{faces} faces"),
            Self::NoVoices => f.write_str("is not there, so drafts have no voices; install espeak-ng"),
            Self::RowsFit => f.write_str("every row fits the others"),
            Self::FilesWhole { count } => write!(f, "all {count} have their length and hash"),
            Self::FileBroken { hash, why, made, marked } => {
                match why {
                    Some(why) => write!(f, "{hash}: {why}; ")?,
                    None => write!(f, "{hash} is damaged; ")?,
                }
                if !marked {
                    f.write_str("run 'studiod check --deep' again when no other command is at work, then ")?;
                }
                f.write_str(if *made { "produce its episode again" } else { "bring it again" })
            }
            Self::EpisodesWhole { count } => write!(f, "all {count} episodes are whole in their library"),
            Self::LibraryAway { title, root } => {
                write!(f, "{root} is not there, so nobody can say how '{title}' is; mount it")
            }
            Self::EpisodeLacks { title, root, files } => {
                write!(f, "'{title}' lacks {} in {root}; produce it again, or unpublish it", files.join(", "))
            }
            Self::EpisodeChanged { title, root } => {
                write!(f, "the film of '{title}' in {root} is damaged or another; unpublish it, then produce it again")
            }
            Self::LorasWhole { count } => write!(f, "all {count} in use are what was kept"),
            Self::LoraChanged { path } => {
                write!(f, "{path} is damaged or another; take it away, and the studio puts its own there")
            }
            Self::Unreadable { path, why } => write!(f, "{path}: {why}; mend the disk, or take it away"),
        }
    }
}
