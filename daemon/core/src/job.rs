//! Job: one piece of work of a production, and its path: the form it has as text in the database, in the API and for
//! people, `scene 1/shot 3/clip/take 2`. What it needs and who does it is said by [`crate::production`].

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::take::Subject;

/// One piece of work. Scenes, shots, lines and takes count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
#[expect(missing_docs, reason = "scene, shot, line, take and number say what they are")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Job {
    /// Speak a line.
    Voice { scene: u32, shot: u32, line: u32 },
    /// Make a take of a shot's first picture or of its clip.
    Take { subject: Subject, scene: u32, shot: u32, take: u32 },
    /// Judge a take.
    Review { subject: Subject, scene: u32, shot: u32, take: u32 },
    /// Choose between takes, or ask for another one.
    Gate { subject: Subject, scene: u32, shot: u32 },
    /// Bring the accepted clip to the film's size and rate.
    Normalise { scene: u32, shot: u32 },
    /// Make a scene's music.
    Music { scene: u32 },
    /// Mix a scene's sound.
    Mix { scene: u32 },
    /// Join a scene's shots.
    SceneFilm { scene: u32 },
    /// Bring the film's sound to its loudness.
    Sound,
    /// Join the scenes.
    Film,
    /// Make thumbnail, poster and fan art.
    Artwork,
    /// Publish into the library.
    Library,
    /// Show the judge a take of the golden set.
    Golden { number: u32 },
    /// See to the reference sheet of somebody, or of a place, that has no reference.
    Portraits { number: u32 },
}

/// Text that is no path of a job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' names no job; a path is like 'scene 1/shot 3/clip/take 2'")]
pub struct BadPath(String);

impl Job {
    /// Its place in its episode, unique there. Kept in databases: it never changes.
    pub fn path(self) -> String {
        self.to_string()
    }
}

fn word(subject: Subject) -> &'static str {
    match subject {
        Subject::Still => "still",
        Subject::Clip => "clip",
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Voice { scene, shot, line } => write!(f, "scene {scene}/shot {shot}/line {line}"),
            Self::Take { subject, scene, shot, take } => {
                write!(f, "scene {scene}/shot {shot}/{}/take {take}", word(subject))
            }
            Self::Review { subject, scene, shot, take } => {
                write!(f, "scene {scene}/shot {shot}/{}/review {take}", word(subject))
            }
            Self::Gate { subject, scene, shot } => write!(f, "scene {scene}/shot {shot}/{}", word(subject)),
            Self::Normalise { scene, shot } => write!(f, "scene {scene}/shot {shot}/master"),
            Self::Music { scene } => write!(f, "scene {scene}/music"),
            Self::Mix { scene } => write!(f, "scene {scene}/mix"),
            Self::SceneFilm { scene } => write!(f, "scene {scene}/film"),
            Self::Sound => f.write_str("sound"),
            Self::Film => f.write_str("film"),
            Self::Artwork => f.write_str("artwork"),
            Self::Library => f.write_str("library"),
            Self::Golden { number } => write!(f, "golden/{number}"),
            Self::Portraits { number } => write!(f, "portraits/{number}"),
        }
    }
}

/// A number as it is written in paths: no sign, no leading zeros.
fn number(text: &str) -> Option<u32> {
    let number = text.parse().ok()?;
    (u32::to_string(&number) == text).then_some(number)
}

/// The number after `word` and a space.
fn after(word: &str, text: &str) -> Option<u32> {
    number(text.strip_prefix(word)?.strip_prefix(' ')?)
}

fn subject(text: &str) -> Option<Subject> {
    [Subject::Still, Subject::Clip].into_iter().find(|subject| word(*subject) == text)
}

fn read(path: &str) -> Option<Job> {
    let parts: Vec<&str> = path.split('/').collect();
    Some(match *parts.as_slice() {
        ["sound"] => Job::Sound,
        ["film"] => Job::Film,
        ["artwork"] => Job::Artwork,
        ["library"] => Job::Library,
        ["golden", at] => Job::Golden { number: number(at)? },
        ["portraits", at] => Job::Portraits { number: number(at)? },
        [scene, "music"] => Job::Music { scene: after("scene", scene)? },
        [scene, "mix"] => Job::Mix { scene: after("scene", scene)? },
        [scene, "film"] => Job::SceneFilm { scene: after("scene", scene)? },
        [scene, shot, what] => {
            let (scene, shot) = (after("scene", scene)?, after("shot", shot)?);
            match what {
                "master" => Job::Normalise { scene, shot },
                _ => match subject(what) {
                    Some(subject) => Job::Gate { subject, scene, shot },
                    None => Job::Voice { scene, shot, line: after("line", what)? },
                },
            }
        }
        [scene, shot, what, last] => {
            let (scene, shot, subject) = (after("scene", scene)?, after("shot", shot)?, subject(what)?);
            match after("take", last) {
                Some(take) => Job::Take { subject, scene, shot, take },
                None => Job::Review { subject, scene, shot, take: after("review", last)? },
            }
        }
        _ => return None,
    })
}

impl FromStr for Job {
    type Err = BadPath;
    fn from_str(path: &str) -> Result<Self, BadPath> {
        read(path).ok_or_else(|| BadPath(path.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_job() -> impl Strategy<Value = Job> {
        let subject = prop_oneof![Just(Subject::Still), Just(Subject::Clip)];
        (0..14_u32, subject, any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(kind, subject, scene, shot, last)| {
            match kind {
                0 => Job::Voice { scene, shot, line: last },
                1 => Job::Take { subject, scene, shot, take: last },
                2 => Job::Review { subject, scene, shot, take: last },
                3 => Job::Gate { subject, scene, shot },
                4 => Job::Normalise { scene, shot },
                5 => Job::Music { scene },
                6 => Job::Mix { scene },
                7 => Job::SceneFilm { scene },
                8 => Job::Sound,
                9 => Job::Film,
                10 => Job::Artwork,
                11 => Job::Library,
                12 => Job::Golden { number: last },
                _ => Job::Portraits { number: last },
            }
        })
    }

    proptest! {
        #[test]
        fn every_job_is_found_again_by_its_path(job in any_job()) {
            prop_assert_eq!(job.path().parse(), Ok(job));
        }

        /// One job has one path: what can be read is written in the same way.
        #[test]
        fn what_can_be_read_is_the_path_of_what_is_read(
            path in "(scene ?[0-9]{0,2}/)?(shot [+0-9]{1,2}/)?(still|clip|master|line 0?1|music|film|golden|portraits)?(/(take|review) ?[0-9]{0,2}|/7)?",
        ) {
            if let Ok(job) = path.parse::<Job>() {
                prop_assert_eq!(job.path(), path);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _: Result<Job, BadPath> = text.parse();
        }
    }

    #[test]
    fn what_is_no_path_is_refused_by_name() {
        for text in ["", "scene", "scene 1", "scene 01/mix", "scene 1/shot +2/clip", "Film", "film/", "golden/-1"] {
            let refused = text.parse::<Job>().unwrap_err();
            assert!(refused.to_string().starts_with(&format!("'{text}' names no job")), "{refused}");
        }
    }
}
