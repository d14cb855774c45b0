//! Naming: where an episode lies in a Jellyfin library, under names that Jellyfin reads as meant.
//!
//! The layout and its traps were taken from Jellyfin's parser (Emby.Naming) and from its documentation on shows.
//! Every path here is relative to the root of the library.

use std::path::PathBuf;

mod nfo;
mod safe;

pub use nfo::{Actor, EpisodeNfo, ShowNfo, episode_nfo, season_nfo, studio_id, tvshow_nfo};
pub use safe::safe_name;

/// Longest file name without its ending, in bytes of UTF-8; leaves room for endings and temporary names.
const STEM_BYTES: usize = 200;
/// Longest name of a show in folders and files, in bytes of UTF-8, so that the title keeps its half.
const SHOW_BYTES: usize = 100;

/// Files that all episodes of a show or season share.
pub const SHARED_FILES: [&str; 4] = ["tvshow.nfo", "season.nfo", "poster.jpg", "fanart.jpg"];

/// A show or episode that has no place in a library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum BadName {
    #[error("'{0}' leaves nothing to name a folder after: give the show a title with a letter or a digit")]
    Show(String),
    #[error("year {0} is no year of a show: Jellyfin reads 1928 to 2500")]
    Year(i16),
    #[error("season {0} is no season: Jellyfin reads 0 (specials) to 199")]
    Season(u32),
    #[error("episode {0} is no episode number: use 1 to 9999")]
    Number(u32),
}

/// Name of a show's folder, `Show (Year)`.
///
/// # Errors
/// Nothing is left of the name, or it is no year of a show.
pub fn show_folder(show: &str, year: i16) -> Result<String, BadName> {
    let name = safe::show_name(show, SHOW_BYTES).ok_or_else(|| BadName::Show(show.to_owned()))?;
    if !(1928..=2500).contains(&year) {
        return Err(BadName::Year(year));
    }
    Ok(format!("{name} ({year})"))
}

/// A show's name with a number behind it, short enough that its folder keeps the number.
pub fn show_with_number(show: &str, number: u32) -> String {
    let number = format!(" {number}");
    let name = safe::show_name(show, SHOW_BYTES - number.len()).unwrap_or_default();
    format!("{name}{number}")
}

/// The paths of one episode and of what it shares with its show and season.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpisodePaths {
    show: String,
    season: String,
    stem: String,
}

impl EpisodePaths {
    /// Paths for an episode; without a usable `title` the file is called "Episode N".
    ///
    /// # Errors
    /// The show, its year, the season or the number cannot be part of a path.
    pub fn new(show: &str, year: i16, season: u32, number: u32, title: &str) -> Result<Self, BadName> {
        let show = show_folder(show, year)?;
        if season > 199 {
            return Err(BadName::Season(season));
        }
        if !(1..=9999).contains(&number) {
            return Err(BadName::Number(number));
        }
        let lead = format!("{show} S{season:02}E{number:02} - ");
        let title = safe::title(title, number, STEM_BYTES - lead.len());
        Ok(Self { season: format!("Season {season:02}"), stem: format!("{lead}{title}"), show })
    }

    /// The show's folder, `Show (Year)`.
    pub fn show_dir(&self) -> PathBuf {
        PathBuf::from(&self.show)
    }

    /// `Show (Year)/Season 01`.
    pub fn season_dir(&self) -> PathBuf {
        self.show_dir().join(&self.season)
    }

    /// `Show (Year)/Season 01/Show (Year) S01E01 - Title.mp4`.
    pub fn film(&self) -> PathBuf {
        self.beside(".mp4")
    }

    /// The episode's own NFO, beside the film.
    pub fn nfo(&self) -> PathBuf {
        self.beside(".nfo")
    }

    /// The episode's picture, beside the film; Jellyfin reads no other name for it.
    pub fn thumb(&self) -> PathBuf {
        self.beside("-thumb.jpg")
    }

    /// Subtitles in `language` (BCP 47, e.g. `en` or `pt-BR`) as `srt`, beside the film.
    pub fn srt(&self, language: &str) -> PathBuf {
        self.beside(&format!(".{}.srt", safe::language(language)))
    }

    /// Subtitles in `language` (BCP 47) as `vtt`, beside the film.
    pub fn vtt(&self, language: &str) -> PathBuf {
        self.beside(&format!(".{}.vtt", safe::language(language)))
    }

    /// The show's NFO.
    pub fn tvshow_nfo(&self) -> PathBuf {
        self.show_dir().join("tvshow.nfo")
    }

    /// The show's poster.
    pub fn poster(&self) -> PathBuf {
        self.show_dir().join("poster.jpg")
    }

    /// The show's backdrop.
    pub fn fanart(&self) -> PathBuf {
        self.show_dir().join("fanart.jpg")
    }

    /// The season's NFO.
    pub fn season_nfo(&self) -> PathBuf {
        self.season_dir().join("season.nfo")
    }

    /// The season's poster.
    pub fn season_poster(&self) -> PathBuf {
        self.season_dir().join("poster.jpg")
    }

    fn beside(&self, ending: &str) -> PathBuf {
        self.season_dir().join(format!("{}{ending}", self.stem))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;

    fn film(show: &str, title: &str) -> String {
        EpisodePaths::new(show, 2026, 1, 4, title).unwrap().film().to_str().unwrap().to_owned()
    }

    #[test]
    fn an_episode_lies_where_jellyfin_looks() {
        let paths = EpisodePaths::new("Harbour Lights", 2026, 1, 1, "The Last Light").unwrap();
        let all = [
            paths.tvshow_nfo(),
            paths.poster(),
            paths.fanart(),
            paths.season_nfo(),
            paths.season_poster(),
            paths.film(),
            paths.nfo(),
            paths.thumb(),
            paths.srt("en"),
            paths.vtt("pt-BR"),
        ];
        insta::assert_snapshot!(all.map(|path| path.display().to_string()).join("\n"), @r"
        Harbour Lights (2026)/tvshow.nfo
        Harbour Lights (2026)/poster.jpg
        Harbour Lights (2026)/fanart.jpg
        Harbour Lights (2026)/Season 01/season.nfo
        Harbour Lights (2026)/Season 01/poster.jpg
        Harbour Lights (2026)/Season 01/Harbour Lights (2026) S01E01 - The Last Light.mp4
        Harbour Lights (2026)/Season 01/Harbour Lights (2026) S01E01 - The Last Light.nfo
        Harbour Lights (2026)/Season 01/Harbour Lights (2026) S01E01 - The Last Light-thumb.jpg
        Harbour Lights (2026)/Season 01/Harbour Lights (2026) S01E01 - The Last Light.en.srt
        Harbour Lights (2026)/Season 01/Harbour Lights (2026) S01E01 - The Last Light.pt-BR.vtt
        ");
    }

    #[test]
    fn specials_and_large_numbers_have_their_places() {
        let special = EpisodePaths::new("X", 2026, 0, 7, "").unwrap();
        assert_eq!(special.film().to_str().unwrap(), "X (2026)/Season 00/X (2026) S00E07 - Episode 7.mp4");
        let late = EpisodePaths::new("X", 2026, 12, 1234, "Y").unwrap();
        assert_eq!(late.nfo().to_str().unwrap(), "X (2026)/Season 12/X (2026) S12E1234 - Y.nfo");
    }

    #[test]
    fn what_jellyfin_cannot_read_is_refused() {
        let new = |show, year, season, number| EpisodePaths::new(show, year, season, number, "T").map(|_| ());
        assert_eq!(new("???", 2026, 1, 1), Err(BadName::Show("???".into())));
        assert_eq!(new(" . ", 2026, 1, 1), Err(BadName::Show(" . ".into())));
        assert_eq!(new("X", 1900, 1, 1), Err(BadName::Year(1900)));
        assert_eq!(new("X", 2026, 200, 1), Err(BadName::Season(200)));
        assert_eq!(new("X", 2026, 1, 0), Err(BadName::Number(0)));
        assert_eq!(new("X", 2026, 1, 10_000), Err(BadName::Number(10_000)));
        assert_eq!(new("X", 1928, 199, 9999), Ok(()));
    }

    #[test]
    fn traps_are_defused() {
        let folder = |show: &str| format!("{show} (2026)/Season 01/{show} (2026) S01E04 - ");
        for (title, safe) in [
            ("Trailer", "Trailer (Episode)"),
            ("sample 2", "sample 2 (Episode)"),
            ("The Big-Scene", "The Big-Scene (Episode)"),
            ("Night.Trailer", "Night.Trailer (Episode)"),
            ("The Trailer", "The Trailer"),
            ("E04 and After", "E 04 and After"),
            ("x12", "x 12"),
            ("12 Monkeys", "12 Monkeys"),
            ("After S02E05-E06", "After S02+E05-E06"),
            ("AC/DC: Live?", "AC DC Live"),
            ("../../etc/passwd", "etc passwd"),
            (" . ", "Episode 4"),
        ] {
            assert_eq!(film("Pier", title), format!("{}{safe}.mp4", folder("Pier")), "{title}");
        }
        for (show, safe) in [
            ("Best of S01E02", "Best of S01+E02"),
            ("best of s1 - e2", "best of s1+ - e2"),
            ("Pier (1999)", "Pier"),
            (".hidden", "hidden"),
            ("metadata", "metadata"),
        ] {
            assert_eq!(film(show, "T"), format!("{}T.mp4", folder(safe)), "{show}");
        }
    }

    #[test]
    fn long_names_are_cut_between_letters() {
        let path = film(&"灯".repeat(200), &"光".repeat(200));
        let name = path.rsplit('/').next().unwrap();
        assert!(name.len() <= 204 && name.len() > 185, "{}", name.len());
        assert!(path.split('/').next().unwrap().len() <= SHOW_BYTES + 7);
    }

    /// Names made of what has hurt before.
    fn nasty() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("../"),
            Just("/"),
            Just("\\"),
            Just("."),
            Just(" "),
            Just("-"),
            Just("_"),
            Just("\0"),
            Just("\u{202e}"),
            Just("Trailer"),
            Just("sample"),
            Just("-deleted"),
            Just("behindthescenes"),
            Just("S01E02"),
            Just("s 3 - e4"),
            Just("E04"),
            Just("x12"),
            Just("(2001)"),
            Just("7"),
            Just("é"),
            Just("灯"),
            Just("metadata"),
            Just("CON"),
            Just(":")
        ];
        let pieces = prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat());
        prop_oneof![pieces, ".{0,300}"]
    }

    proptest! {
        #[test]
        fn no_name_escapes_hides_or_springs_a_trap(show in nasty(), title in nasty(), language in ".{0,12}", season in 0u32..200, number in 1u32..10_000) {
            let Ok(paths) = EpisodePaths::new(&show, 2026, season, number, &title) else { return Ok(()) };
            for path in [paths.film(), paths.nfo(), paths.thumb(), paths.srt(&language), paths.vtt(&language), paths.season_poster()] {
                prop_assert_eq!(path.components().count(), 3);
                for part in path.components() {
                    let Component::Normal(name) = part else { return Err(TestCaseError::fail(format!("{}", path.display()))) };
                    let name = name.to_str().unwrap();
                    prop_assert!(!name.starts_with(['.', ' ']) && !name.ends_with(['.', ' ']) && name.len() <= 255 - 20);
                    prop_assert!(!name.contains(['<', '>', ':', '"', '/', '\\', '|', '?', '*']) && !name.chars().any(char::is_control));
                }
            }
            let stem = paths.stem.to_lowercase();
            let tail = stem.trim_end_matches(|c: char| c.is_ascii_digit());
            for word in ["trailer", "sample", "scene", "clip", "interview", "behindthescenes", "deleted", "deletedscene", "featurette", "short", "extra", "other"] {
                for mark in ["-", ".", "_", "- "] {
                    prop_assert!(!tail.ends_with(&format!("{mark}{word}")), "{}", stem);
                }
            }
            let lead = format!("S{season:02}E{number:02} - ");
            let after = paths.stem.split_once(&lead).unwrap().1;
            let mut letters = after.chars();
            prop_assert!(!(letters.next().is_some_and(|c| "eExX".contains(c)) && letters.next().is_some_and(|c| c.is_ascii_digit())), "{}", after);
        }
    }
}
