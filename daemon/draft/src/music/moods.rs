//! Moods: what a word of the screenplay sounds like, as numbers.
//!
//! The musical idea of each mood follows the studio's table of moods (tense: dark, low strings, minor; peaceful:
//! pads and harp; and so on). Everything a listener could tell apart is here; `compose` turns it into notes.

/// A chord: semitones of its root above the tonic, and of its tones above the root.
pub type Chord = (i32, &'static [i32]);

const MAJOR: &[i32] = &[0, 4, 7];
const MAJOR7: &[i32] = &[0, 4, 7, 11];
const ADD9: &[i32] = &[0, 4, 7, 14];
const MINOR: &[i32] = &[0, 3, 7];
const MINOR7: &[i32] = &[0, 3, 7, 10];
const MINOR9: &[i32] = &[0, 3, 7, 14];
const OPEN: &[i32] = &[0, 7, 14];
const DIMINISHED: &[i32] = &[0, 3, 6];
const CLUSTER: &[i32] = &[0, 1, 7];

/// No note at this step of a pattern.
pub const REST: u8 = u8::MAX;

/// A mood of music, as numbers for `compose`.
#[derive(Debug)]
pub struct Mood {
    /// The word for it in a screenplay, e.g. `tense`.
    pub name: &'static str,
    /// Beginnings of other words that mean nearly the same.
    pub words: &'static [&'static str],
    /// Beats per minute.
    pub tempo: u32,
    /// Lowest tonic as a MIDI note; the seed adds up to a fourth.
    pub tonic: i32,
    /// Chord sequences; the seed picks one.
    pub chords: &'static [&'static [Chord]],
    /// How long each chord lasts, in bars.
    pub bars_per_chord: usize,
    /// Sustained chords, 0-1.
    pub pad: f32,
    /// How slowly they swell, in seconds.
    pub swell: f32,
    /// Plucked or struck notes, 0-1.
    pub pluck: f32,
    /// How long they ring, in seconds.
    pub ring: f32,
    /// Chord tones at each eighth of a bar; every bar takes one of them.
    pub figures: &'static [[u8; 8]],
    /// Chance of a high note on a half bar, 0-1.
    pub sparkle: f64,
    /// Level of the bass, 0-1.
    pub bass: f32,
    /// Eighths at which the bass begins a note.
    pub bass_steps: &'static [u8],
    /// Strokes of the drums in each bar; empty for none.
    pub beat: &'static [Hit],
    /// Above this the sound is dull, in Hz.
    pub bright_hz: f32,
    /// How far away it all is, 0-1.
    pub room: f32,
}

/// A stroke of a bar's drum pattern.
#[derive(Debug, Clone, Copy)]
pub struct Hit {
    /// Sixteenth of the bar, 0-15.
    pub step: u8,
    /// The drum that is struck.
    pub drum: Drum,
    /// How hard, 0-1.
    pub force: f32,
}

/// Kinds of drums, each made by the synthesiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drum {
    /// Low and short.
    Kick,
    /// Large, low and long.
    Taiko,
    /// A short hiss.
    Hat,
    /// A soft swish.
    Brush,
}

const fn hit(step: u8, drum: Drum, force: f32) -> Hit {
    Hit { step, drum, force }
}

const R: u8 = REST;

const AMBIENT: Mood = Mood {
    name: "ambient",
    words: &["neutral", "mysteri", "dream", "ether", "calm", "quiet", "curious", "wonder"],
    tempo: 66,
    tonic: 45,
    chords: &[&[(0, ADD9), (5, MAJOR7), (9, MINOR7), (7, OPEN)], &[(0, OPEN), (10, ADD9), (5, ADD9), (0, ADD9)]],
    bars_per_chord: 2,
    pad: 0.8,
    swell: 1.8,
    pluck: 0.12,
    ring: 3.0,
    figures: &[[0, R, R, R, 2, R, R, R], [R, R, 1, R, R, R, 3, R]],
    sparkle: 0.35,
    bass: 0.35,
    bass_steps: &[0],
    beat: &[],
    bright_hz: 2600.0,
    room: 0.8,
};

/// Every mood; the first is taken when nothing fits.
pub const MOODS: &[Mood] = &[
    AMBIENT,
    Mood {
        name: "tense",
        words: &["suspen", "nervous", "anxi", "uneas", "dark", "eerie", "fear", "horror", "paranoi", "urgent"],
        tempo: 84,
        tonic: 38,
        chords: &[
            &[(0, MINOR), (0, CLUSTER), (8, MAJOR), (1, MAJOR)],
            &[(0, MINOR9), (6, DIMINISHED), (5, MINOR), (1, MAJOR)],
        ],
        pad: 0.7,
        swell: 0.9,
        pluck: 0.22,
        ring: 0.5,
        figures: &[[0, 0, R, 0, 0, R, 0, R], [0, R, 0, 0, R, 0, R, 0]],
        sparkle: 0.08,
        bass: 0.55,
        bass_steps: &[0, 3, 4],
        beat: &[hit(0, Drum::Kick, 0.5), hit(3, Drum::Kick, 0.3)],
        bright_hz: 1700.0,
        room: 0.6,
        ..AMBIENT
    },
    Mood {
        name: "romantic",
        words: &["love", "tender", "warm", "passion", "sweet", "affection"],
        tempo: 70,
        tonic: 43,
        chords: &[
            &[(0, MAJOR7), (9, MINOR7), (5, MAJOR7), (7, MAJOR)],
            &[(0, ADD9), (4, MINOR7), (5, MAJOR7), (5, MINOR)],
        ],
        bars_per_chord: 1,
        pad: 0.5,
        swell: 1.0,
        pluck: 0.5,
        ring: 2.4,
        figures: &[[0, 2, 1, 3, 2, 1, 3, 1], [0, R, 1, 2, 3, R, 2, 1]],
        sparkle: 0.3,
        bass: 0.35,
        bright_hz: 3200.0,
        room: 0.55,
        ..AMBIENT
    },
    Mood {
        name: "intimate",
        words: &["seduct", "provoc", "sensual", "close", "private", "hush"],
        tempo: 62,
        tonic: 41,
        chords: &[
            &[(0, MINOR9), (5, MINOR7), (10, MAJOR7), (3, MAJOR7)],
            &[(0, MAJOR7), (2, MINOR7), (4, MINOR7), (5, MAJOR7)],
        ],
        bars_per_chord: 1,
        pad: 0.45,
        swell: 1.2,
        pluck: 0.4,
        ring: 2.6,
        figures: &[[0, R, 2, R, 1, R, R, 3], [0, R, R, 1, R, 2, R, R]],
        bass: 0.45,
        bass_steps: &[0, 5],
        beat: &[hit(4, Drum::Brush, 0.25), hit(12, Drum::Brush, 0.3)],
        bright_hz: 2400.0,
        room: 0.45,
        ..AMBIENT
    },
    Mood {
        name: "action",
        words: &[
            "chase", "fight", "battle", "intense", "fast", "exhilar", "thrill", "chao", "frantic", "excit", "energe",
        ],
        tempo: 132,
        tonic: 40,
        chords: &[
            &[(0, MINOR), (0, MINOR), (8, MAJOR), (10, MAJOR)],
            &[(0, MINOR), (3, MAJOR), (8, MAJOR), (7, MAJOR)],
        ],
        pad: 0.4,
        swell: 0.25,
        pluck: 0.35,
        ring: 0.35,
        figures: &[[0, 0, 2, 0, 0, 1, 0, 2], [0, 1, 2, 0, 1, 2, 0, 1]],
        sparkle: 0.0,
        bass: 0.6,
        bass_steps: &[0, 1, 2, 3, 4, 5, 6, 7],
        beat: &[
            hit(0, Drum::Kick, 0.9),
            hit(4, Drum::Hat, 0.3),
            hit(6, Drum::Kick, 0.6),
            hit(8, Drum::Taiko, 0.7),
            hit(12, Drum::Hat, 0.35),
            hit(14, Drum::Kick, 0.5),
        ],
        bright_hz: 3800.0,
        room: 0.35,
        ..AMBIENT
    },
    Mood {
        name: "melancholy",
        words: &[
            "sad", "grief", "mourn", "lonely", "lonel", "sorrow", "wistful", "nostalg", "bitter", "somber", "sombre",
            "regret",
        ],
        tempo: 60,
        tonic: 45,
        chords: &[
            &[(0, MINOR), (8, MAJOR7), (3, MAJOR), (10, MAJOR)],
            &[(0, MINOR9), (5, MINOR7), (8, MAJOR7), (7, MINOR7)],
        ],
        bars_per_chord: 1,
        pad: 0.45,
        swell: 1.4,
        pluck: 0.45,
        ring: 2.8,
        figures: &[[0, R, 1, R, 2, R, 1, R], [0, R, 2, 1, R, R, 3, R]],
        sparkle: 0.25,
        bass: 0.3,
        bright_hz: 2200.0,
        room: 0.7,
        ..AMBIENT
    },
    Mood {
        name: "comedic",
        words: &[
            "comic", "comedy", "funny", "playful", "whims", "silly", "light", "happy", "cheer", "joy", "absurd",
            "quirk",
        ],
        tempo: 116,
        tonic: 48,
        chords: &[&[(0, MAJOR), (5, MAJOR), (2, MINOR), (7, MAJOR)], &[(0, MAJOR), (9, MINOR), (2, MINOR), (7, MAJOR)]],
        bars_per_chord: 1,
        pad: 0.12,
        swell: 0.15,
        pluck: 0.6,
        ring: 0.4,
        figures: &[[0, R, 2, 1, R, 2, 1, R], [0, 2, R, 1, 3, R, 2, R]],
        sparkle: 0.3,
        bass: 0.45,
        bass_steps: &[0, 4],
        beat: &[hit(4, Drum::Brush, 0.35), hit(12, Drum::Brush, 0.4), hit(10, Drum::Hat, 0.15)],
        bright_hz: 4200.0,
        room: 0.25,
    },
    Mood {
        name: "threatening",
        words: &["menac", "omin", "sinister", "danger", "evil", "dread", "hostile", "dominan", "creep", "foreboding"],
        tempo: 72,
        tonic: 33,
        chords: &[
            &[(0, OPEN), (1, OPEN), (0, MINOR), (6, DIMINISHED)],
            &[(0, MINOR), (0, CLUSTER), (3, MINOR), (1, OPEN)],
        ],
        pad: 0.75,
        swell: 1.4,
        pluck: 0.0,
        figures: &[[R, R, R, R, R, R, R, R]],
        sparkle: 0.0,
        bass: 0.7,
        bass_steps: &[0, 6],
        beat: &[hit(0, Drum::Taiko, 0.8), hit(3, Drum::Taiko, 0.4), hit(10, Drum::Taiko, 0.5)],
        bright_hz: 1100.0,
        room: 0.75,
        ..AMBIENT
    },
    Mood {
        name: "powerful",
        words: &["epic", "heroic", "triumph", "victor", "grand", "majest", "inspir", "determin", "proud", "glor"],
        tempo: 96,
        tonic: 40,
        chords: &[&[(0, MINOR), (8, MAJOR), (3, MAJOR), (10, MAJOR)], &[(0, MAJOR), (7, MAJOR), (9, MINOR), (5, ADD9)]],
        bars_per_chord: 1,
        pad: 0.8,
        swell: 0.3,
        pluck: 0.2,
        ring: 0.8,
        figures: &[[0, 0, 0, 2, 0, 0, 0, 1], [0, 2, 0, 1, 0, 2, 0, 3]],
        sparkle: 0.1,
        bass: 0.55,
        bass_steps: &[0, 3, 4, 6],
        beat: &[
            hit(0, Drum::Taiko, 0.9),
            hit(6, Drum::Taiko, 0.5),
            hit(8, Drum::Taiko, 0.7),
            hit(12, Drum::Taiko, 0.4),
            hit(14, Drum::Taiko, 0.45),
        ],
        bright_hz: 3000.0,
        room: 0.6,
    },
    Mood {
        name: "desperate",
        words: &[
            "despair", "panic", "tragic", "tragedy", "anguish", "hopeless", "agon", "betray", "heartbr", "rage", "angr",
        ],
        tempo: 92,
        tonic: 40,
        chords: &[
            &[(0, MINOR), (6, DIMINISHED), (8, MAJOR), (7, MINOR)],
            &[(0, MINOR9), (1, MAJOR), (10, MINOR), (7, CLUSTER)],
        ],
        bars_per_chord: 1,
        pad: 0.65,
        swell: 0.6,
        pluck: 0.35,
        ring: 1.2,
        figures: &[[0, R, R, 2, 1, R, 3, R], [R, 0, R, R, 2, 0, R, 1], [0, 2, R, R, R, 1, R, R]],
        sparkle: 0.2,
        bass: 0.4,
        bass_steps: &[0, 5],
        beat: &[hit(0, Drum::Kick, 0.35)],
        bright_hz: 2300.0,
        room: 0.6,
    },
    Mood {
        name: "vulnerable",
        words: &["fragile", "shy", "innocen", "hurt", "hesita", "delicate", "exposed", "afraid"],
        tempo: 56,
        tonic: 48,
        chords: &[
            &[(0, ADD9), (4, MINOR), (5, MAJOR7), (0, OPEN)],
            &[(0, MINOR7), (8, MAJOR7), (5, MINOR), (10, OPEN)],
        ],
        bars_per_chord: 1,
        pad: 0.14,
        swell: 1.6,
        pluck: 0.6,
        ring: 3.2,
        figures: &[[0, R, R, 2, R, R, 1, R], [0, R, 2, R, R, R, R, R]],
        sparkle: 0.3,
        bass: 0.12,
        bright_hz: 2800.0,
        room: 0.6,
        ..AMBIENT
    },
    Mood {
        name: "peaceful",
        words: &[
            "seren", "hope", "gentle", "content", "relax", "idyll", "pastoral", "soft", "tranquil", "nature", "relief",
        ],
        tempo: 72,
        tonic: 48,
        chords: &[&[(0, ADD9), (5, MAJOR7), (0, MAJOR), (7, OPEN)], &[(0, MAJOR7), (9, MINOR7), (5, ADD9), (7, MAJOR)]],
        pad: 0.55,
        swell: 1.6,
        pluck: 0.4,
        ring: 2.2,
        figures: &[[0, 1, 2, 3, R, 2, R, R], [0, R, 2, R, 3, R, 1, R]],
        sparkle: 0.35,
        bass: 0.3,
        bright_hz: 3600.0,
        room: 0.65,
        ..AMBIENT
    },
];

/// The mood a word means: its name, else a word that begins like one of the others', else ambient.
pub fn mood(word: &str) -> &'static Mood {
    let text = word.to_lowercase();
    let words = || text.split(|sign: char| !sign.is_alphabetic()).filter(|word| !word.is_empty());
    let named = words().find_map(|word| MOODS.iter().find(|mood| mood.name == word));
    let meant =
        || words().find_map(|word| MOODS.iter().find(|mood| mood.words.iter().any(|start| word.starts_with(start))));
    named.or_else(meant).unwrap_or(&MOODS[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_mood() {
        for (word, name) in [
            ("tense", "tense"),
            ("Peaceful, warm", "peaceful"),
            ("suspenseful", "tense"),
            ("ominous", "threatening"),
            ("quietly hopeful", "ambient"),
            ("heartbroken", "desperate"),
            ("zzz", "ambient"),
            ("", "ambient"),
        ] {
            assert_eq!(mood(word).name, name, "{word}");
        }
    }

    #[test]
    fn figures_and_drums_fit_their_bar() {
        for mood in MOODS {
            assert!((40..=200).contains(&mood.tempo) && !mood.chords.is_empty() && !mood.figures.is_empty());
            assert!(mood.bass_steps.iter().all(|step| *step < 8) && mood.beat.iter().all(|hit| hit.step < 16));
        }
    }
}
