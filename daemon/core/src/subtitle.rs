//! Subtitles: cues from the dialogue's timing, as SRT and `WebVTT`.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// One subtitle: what is said, by whom, and when it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cue {
    /// Milliseconds from the start of the film.
    pub start_ms: u64,
    /// Milliseconds from the start of the film, after `start_ms`.
    pub end_ms: u64,
    /// Name of who speaks, as the script writes it.
    pub speaker: String,
    /// What is said.
    pub text: String,
}

/// The cues as `SubRip`: UTF-8, LF, in order of their starts, numbered from 1.
///
/// The format has no escapes, so an arrow inside the text is written shorter: players would read it as a time.
pub fn to_srt(cues: &[Cue]) -> String {
    let mut out = String::new();
    for (number, cue) in (1..).zip(in_order(cues)) {
        let text = rows(&cue.text).replace("-->", "->");
        let _ = write!(out, "{number}\n{} --> {}\n{text}\n\n", clock(cue.start_ms, ','), clock(end(cue), ','));
    }
    out
}

/// The cues as `WebVTT` with voice tags, in order of their starts.
///
/// Source of the escapes: W3C `WebVTT`, section 6.4, cue text tokens.
pub fn to_vtt(cues: &[Cue]) -> String {
    let mut out = String::from("WEBVTT\n\n");
    for cue in in_order(cues) {
        let _ = writeln!(out, "{} --> {}", clock(cue.start_ms, '.'), clock(end(cue), '.'));
        let speaker = escape(&cue.speaker.split_whitespace().collect::<Vec<_>>().join(" "));
        if !speaker.is_empty() {
            let _ = write!(out, "<v {speaker}>");
        }
        let _ = write!(out, "{}\n\n", escape(&rows(&cue.text)));
    }
    out
}

/// Players want rising starts; lines spoken together may arrive one after the other. Cues that say nothing are left out.
fn in_order(cues: &[Cue]) -> Vec<&Cue> {
    let mut sorted: Vec<&Cue> = cues.iter().filter(|cue| !rows(&cue.text).is_empty()).collect();
    sorted.sort_by_key(|cue| (cue.start_ms, cue.end_ms));
    sorted
}

/// The end, at least a millisecond after the start.
fn end(cue: &Cue) -> u64 {
    cue.end_ms.max(cue.start_ms + 1)
}

/// The text's rows without empty ones, which would end the cue, and without control characters.
fn rows(text: &str) -> String {
    let clean = |row: &str| row.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned();
    text.split(['\n', '\r']).map(clean).filter(|row| !row.is_empty()).collect::<Vec<_>>().join("\n")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// `hh:mm:ss` and the milliseconds after `point`.
fn clock(ms: u64, point: char) -> String {
    let seconds = ms / 1000;
    format!("{:02}:{:02}:{:02}{point}{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, ms % 1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cue(start_ms: u64, end_ms: u64, speaker: &str, text: &str) -> Cue {
        Cue { start_ms, end_ms, speaker: speaker.into(), text: text.into() }
    }

    fn scene() -> Vec<Cue> {
        vec![
            cue(300, 1800, "MARA", "Is it lit?\nIs it?"),
            cue(3_600_000 + 61_007, 3_600_000 + 62_000, "O'BRIEN & SON", "Waves --> <here> & there.\r\n\r\nAlways."),
            cue(2050, 2050, "", "…"),
            cue(9000, 9500, "MARA", " \n"),
        ]
    }

    #[test]
    fn srt_looks_like_this() {
        insta::assert_snapshot!(to_srt(&scene()), @r"
        1
        00:00:00,300 --> 00:00:01,800
        Is it lit?
        Is it?

        2
        00:00:02,050 --> 00:00:02,051
        …

        3
        01:01:01,007 --> 01:01:02,000
        Waves -> <here> & there.
        Always.
        ");
    }

    #[test]
    fn vtt_looks_like_this() {
        insta::assert_snapshot!(to_vtt(&scene()), @r"
        WEBVTT

        00:00:00.300 --> 00:00:01.800
        <v MARA>Is it lit?
        Is it?

        00:00:02.050 --> 00:00:02.051
        …

        01:01:01.007 --> 01:01:02.000
        <v O'BRIEN &amp; SON>Waves --&gt; &lt;here&gt; &amp; there.
        Always.
        ");
    }

    #[test]
    fn nothing_said_is_an_empty_file() {
        assert_eq!((to_srt(&[]), to_vtt(&[])), (String::new(), "WEBVTT\n\n".to_owned()));
    }

    proptest! {
        /// Whatever is said, every time line is a cue's own, starts never fall, and cues end after they start.
        #[test]
        fn times_are_monotonic_and_text_never_looks_like_a_time(cues in prop::collection::vec((0u64..11_000_000, 0u64..5000, ".{0,12}", "(.|\n|-->|\r){0,60}"), 0..12)) {
            let cues: Vec<Cue> = cues.into_iter().map(|(start, length, speaker, text)| cue(start, start + length, &speaker, &text)).collect();
            for (file, point) in [(to_srt(&cues), ','), (to_vtt(&cues), '.')] {
                let times: Vec<(&str, &str)> = file.lines().filter_map(|line| line.split_once(" --> ")).collect();
                prop_assert_eq!(times.len(), in_order(&cues).len());
                prop_assert!(times.is_sorted_by_key(|(start, _)| *start));
                prop_assert!(times.iter().all(|(start, end)| start < end && start.contains(point)));
                prop_assert!(!file.contains('\r') && !file.contains("\n\n\n"));
            }
        }
    }
}
