//! Music: a scene's mood in the words a composing model was trained on.

/// Longest caption a server takes, in characters (ACE-Step 1.5: below 512).
const LONGEST: usize = 500;

/// Words by mood; of the original studio's table, and some moods screenplays use besides.
const MOODS: [(&str, &str); 22] = [
    ("tense", "dark suspense, low strings, minor key"),
    ("suspense", "dark suspense, low strings, minor key"),
    ("romantic", "soft piano and strings, warm, slow"),
    ("intimate", "soft piano and strings, warm, slow"),
    ("seductive", "slow jazz, saxophone"),
    ("action", "driving percussion, fast electronic hits"),
    ("melancholy", "slow minor piano, soft pads"),
    ("melancholic", "slow minor piano, soft pads"),
    ("sad", "slow minor piano, soft pads"),
    ("comedic", "pizzicato strings, bouncy woodwinds"),
    ("playful", "pizzicato strings, bouncy woodwinds"),
    ("threatening", "bass drones, heavy dark percussion"),
    ("ominous", "bass drones, heavy dark percussion"),
    ("powerful", "epic brass and drums, crescendo"),
    ("triumphant", "epic brass and drums, crescendo"),
    ("desperate", "dissonant strings, erratic piano"),
    ("vulnerable", "sparse solo piano"),
    ("peaceful", "pads, harp, sounds of nature"),
    ("hopeful", "warm strings, light piano, rising melody"),
    ("mysterious", "celesta, hushed strings, slow pulse"),
    ("dominant", "heavy dark electronic bass"),
    ("provocative", "slow bass groove, jazz drums"),
];
/// What other moods sound like.
const AMBIENT: &str = "floating ambient pads";

/// What a composing model is told: style, mood, tempo; never vocals.
///
/// The first word of the mood decides; one that is not in the table is said as it is, over ambient pads.
pub fn caption(mood: &str, style: &str, tempo_bpm: Option<u32>) -> String {
    let first = mood.split([',', ' ', '/']).map(str::trim).find(|word| !word.is_empty()).unwrap_or("ambient");
    let first = first.to_lowercase();
    let known = MOODS.iter().find(|(name, _)| *name == first);
    let words = known.map_or_else(|| format!("{first}, {AMBIENT}"), |(_, words)| format!("{first}, {words}"));
    let tempo = tempo_bpm.map_or_else(String::new, |bpm| format!(", {bpm} bpm"));
    let style = if style.trim().is_empty() { String::new() } else { format!("{}, ", style.trim()) };
    let said = format!("{style}{words}{tempo}, instrumental background music, no vocals");
    said.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mood_has_words_and_the_first_word_decides() {
        for (mood, words) in MOODS {
            assert!(caption(&format!("{}, and more", mood.to_uppercase()), "", None).contains(words), "{mood}");
        }
        assert_eq!(
            caption("tense", "orchestral", Some(90)),
            "orchestral, tense, dark suspense, low strings, minor key, 90 bpm, instrumental background music, no vocals"
        );
        assert!(caption("wistful", "", None).starts_with("wistful, floating ambient pads"));
        assert!(caption("", "", None).starts_with("ambient"));
        assert!(caption("tense", &"x".repeat(2_000), None).chars().count() <= LONGEST);
    }
}
