//! Draft voice: every line spoken by espeak-ng, one voice per character, the same in every episode.
//!
//! espeak-ng is a program of its own, called once per line with the text on its standard input: as an argument
//! a text that begins with `-` would be an option. It answers some texts with success and no file, so what it
//! leaves is checked before it counts.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use studio_core::{
    character::{Age, CharacterProfile, Gender},
    ids::ContentHash,
    media::MediaFacts,
    order::{Order, Role, VoiceOrder},
    resample::resample,
    units::{SAMPLE_RATE, Samples},
};
use studio_engine::{Artifact, Engine, EngineError, FailureKind, Made, Means, Progress, Workspace};
use tokio::{io::AsyncWriteExt, process::Command};
use tokio_util::sync::CancellationToken;

/// What espeak-ng writes, in the folder of the attempt.
const RAW: &str = "spoken.wav";
/// What of the environment espeak-ng sees: where it and its voices are, when they are not where they usually are.
const KEPT: [&str; 2] = ["ESPEAK_DATA_PATH", "LD_LIBRARY_PATH"];
/// Longest text that is spoken, in characters; the order's own limit.
const LONGEST_TEXT: usize = 2000;
/// espeak-ng speaks 2000 characters in under a second; a minute means it hangs.
const TIME_LIMIT: Duration = Duration::from_mins(1);
/// Length of a line with nothing to say: a beat.
const PAUSE: Samples = Samples(SAMPLE_RATE as u64 * 2 / 5);
/// Silence kept before and after the words, in milliseconds.
const KEEP_MS: (u32, u32) = (20, 60);
/// What counts as silence: this share of the loudest sample, -36 dB.
const SILENT_SHARE: f32 = 0.015;
/// A recording that never gets louder than this is silence, -54 dBFS.
const SILENT_BELOW: f32 = 0.002;

/// The engine for [`Order::Voice`].
#[derive(Debug, Clone)]
pub struct DraftVoice {
    program: PathBuf,
}

impl Default for DraftVoice {
    fn default() -> Self {
        Self::with_program("espeak-ng")
    }
}

impl DraftVoice {
    /// Speaks with another espeak-ng than the one on the path.
    pub fn with_program(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into() }
    }

    async fn speak(
        &self,
        order: &VoiceOrder,
        room: &Workspace,
        progress: &Progress,
        stop: &CancellationToken,
    ) -> Result<Vec<Artifact>, EngineError> {
        let out = room.dir.join("voice.wav");
        let text = speakable(&order.text);
        let sound = if text.chars().any(char::is_alphanumeric) {
            let raw = room.dir.join(RAW);
            self.espeak(
                &text,
                &Delivery::of(&order.profile, order.manner.as_deref()),
                &order.language,
                &room.dir,
                stop,
            )
            .await?;
            progress.tell(0.7);
            let named = order.character.clone();
            let finished = tokio::task::spawn_blocking(move || finished(&raw, &named)).await;
            finished.map_err(|error| {
                EngineError::new(FailureKind::Transient, format!("failed to finish the voice: {error}"))
            })??
        } else {
            vec![0.0; PAUSE.0 as usize]
        };
        write(&out, &sound)?;
        progress.tell(1.0);
        let facts = MediaFacts::Sound { samples: Samples(sound.len() as u64), rate: SAMPLE_RATE, channels: 1 };
        Ok(vec![Artifact::File { role: Role::Sound, path: out, facts }])
    }

    /// Lets espeak-ng write [`RAW`] in `dir`, in the closest language it has.
    ///
    /// espeak-ng 1.51 reads memory that it has not written: some lines come out differently with other arguments or
    /// another environment, both of which lie beside it. So its arguments name no folder, and its environment is empty.
    async fn espeak(
        &self,
        text: &str,
        how: &Delivery,
        language: &str,
        dir: &Path,
        stop: &CancellationToken,
    ) -> Result<(), EngineError> {
        let program = on_path(&self.program);
        for voice in voices(language) {
            let mut command = Command::new(&program);
            command
                .env_clear()
                .envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
                .current_dir(dir)
                .args(["-b", "1", "--stdin", "-v", &format!("{voice}+{}", how.variant)])
                .args(["-s", &how.words_per_minute.to_string(), "-p", &how.pitch.to_string()])
                .args(["-a", &how.amplitude.to_string(), "-w", RAW])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .kill_on_drop(true);
            let output = tokio::select! {
                biased;
                () = stop.cancelled() => return Err(EngineError::new(FailureKind::Cancelled, "the voice was stopped")),
                output = tokio::time::timeout(TIME_LIMIT, said(command, text)) => output,
            };
            let output = match output {
                Err(_) => return Err(EngineError::new(FailureKind::Transient, "espeak-ng did not finish within 60 s")),
                Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                    let remedy = "espeak-ng is not installed: apt-get install espeak-ng";
                    return Err(EngineError::new(FailureKind::Refused, remedy));
                }
                Ok(Err(error)) => return Err(EngineError::io("failed to run espeak-ng", &error)),
                Ok(Ok(output)) => output,
            };
            match output.status.code() {
                Some(0) => return Ok(()),
                // It does not know the language: the next voice is a broader one.
                Some(_) => {
                    tracing::debug!(voice, stderr = %String::from_utf8_lossy(&output.stderr), "espeak-ng refused");
                }
                None => {
                    return Err(EngineError::new(FailureKind::Transient, format!("espeak-ng died: {}", output.status)));
                }
            }
        }
        Err(EngineError::new(FailureKind::Refused, format!("espeak-ng has no voice for the language '{language}'")))
    }
}

impl Engine for DraftVoice {
    fn version(&self) -> String {
        "draft.voice/1".to_owned()
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, progress, stop }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            match order {
                Order::Voice(order) => self.speak(order, room, progress, stop).await,
                _ => Err(EngineError::new(FailureKind::Refused, "draft.voice only speaks lines")),
            }
        })
    }
}

/// Where a program is that is named without a folder; the name itself when it is nowhere on the path.
fn on_path(program: &Path) -> PathBuf {
    let named = program.components().count() == 1;
    let path = std::env::var_os("PATH").filter(|_| named).unwrap_or_default();
    let places = std::env::split_paths(&path).map(|place| place.join(program));
    places.into_iter().find(|file| file.is_file()).unwrap_or_else(|| program.to_owned())
}

/// Runs the program with `text` on its standard input; dropping the future kills it.
async fn said(mut command: Command, text: &str) -> std::io::Result<std::process::Output> {
    let mut child = command.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A program that ends early closes its input; its status says more than the broken pipe.
        let _ = input.write_all(text.as_bytes()).await;
    }
    child.wait_with_output().await
}

/// How a line is spoken, in espeak-ng's own terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Voice variant: `f1`..`f5`, `m1`..`m8` and some named ones.
    pub variant: &'static str,
    /// 20..=80, where 50 is the variant's own pitch.
    pub pitch: u32,
    /// Speed in words per minute, 110..=200.
    pub words_per_minute: u32,
    /// Loudness, 0..=200, where 100 is normal.
    pub amplitude: u32,
}

impl Delivery {
    /// The voice of `profile`, bent by `manner` ("whispers", "shouting", "slowly").
    pub fn of(profile: &CharacterProfile, manner: Option<&str>) -> Self {
        let drawn = ContentHash::of(&profile.seed.0.to_le_bytes()).0;
        let draw = |at: usize, from: u32, to: u32| from + u32::from(drawn[at]) * (to - from + 1) / 256;
        let pick = |from: &[&'static str]| from[usize::from(drawn[0]) % from.len()];
        let (variant, pitch, words_per_minute) = match (profile.age, profile.gender) {
            (Age::Child, Gender::Male) => (pick(&["f2", "f4", "f5"]), draw(1, 66, 74), draw(2, 150, 175)),
            (Age::Child, _) => (pick(&["f1", "f3", "f5"]), draw(1, 72, 80), draw(2, 150, 175)),
            (Age::Elder, Gender::Female) => (pick(&["grandma", "f4", "f1"]), draw(1, 22, 38), draw(2, 135, 148)),
            (Age::Elder, _) => (pick(&["croak", "grandpa", "m6"]), draw(1, 20, 36), draw(2, 135, 148)),
            (Age::Adult, Gender::Female) => (pick(&["f1", "f2", "f3", "f4", "f5"]), draw(1, 38, 66), draw(2, 145, 172)),
            (Age::Adult, Gender::Male) => {
                (pick(&["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"]), draw(1, 22, 58), draw(2, 142, 170))
            }
            (Age::Adult, Gender::Neutral) => (pick(&["m3", "m7", "f1", "f5"]), draw(1, 48, 60), draw(2, 145, 170)),
        };
        let mut how = Self { variant, pitch, words_per_minute, amplitude: 100 };
        how.bend(profile.gender, &manner.unwrap_or_default().to_lowercase());
        how
    }

    fn bend(&mut self, gender: Gender, manner: &str) {
        let says = |words: &[&str]| words.iter().any(|word| manner.contains(word));
        if says(&["whisper", "under his breath", "under her breath", "breathes"]) {
            self.variant = if gender == Gender::Female { "whisperf" } else { "whisper" };
            self.amplitude = 55;
        } else if says(&["quiet", "soft", "gentl", "mutter", "mumbl", "murmur", "low voice", "weak"]) {
            self.amplitude = 70;
        } else if says(&["shout", "yell", "scream", "bellow", "roar", "calls out"]) {
            self.amplitude = 150;
            self.pitch = (self.pitch + 12).min(80);
        }
        if says(&["slow", "tired", "weary", "drunk", "solemn", "sleepy"]) {
            self.words_per_minute -= 25;
        } else if says(&["fast", "quick", "hurr", "panick", "excited", "breathless", "rapid"]) {
            self.words_per_minute += 25;
        }
    }
}

/// What of a text can be spoken: no control codes, no pictures, no marks that espeak-ng would take for commands.
fn speakable(text: &str) -> String {
    let spoken = |sign: char| match sign {
        // Its phoneme brackets, markup and the emphasis marks of screenplays; arrows, symbols, dingbats, emoji and
        // their joiners, private use, tags.
        '<'
        | '>'
        | '['
        | ']'
        | '{'
        | '}'
        | '|'
        | '\\'
        | '^'
        | '~'
        | '_'
        | '*'
        | '`'
        | '#'
        | '\u{2190}'..='\u{2bff}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{1f000}'..='\u{1faff}'
        | '\u{200b}'
        | '\u{200d}'
        | '\u{feff}'
        | '\u{fffd}'
        | '\u{e0000}'..='\u{10ffff}' => ' ',
        control if control.is_control() => ' ',
        other => other,
    };
    let clean: String = text.chars().map(spoken).take(LONGEST_TEXT).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Names espeak-ng may know for a BCP 47 language, closest first.
fn voices(language: &str) -> Vec<String> {
    let full = language.trim().to_lowercase().replace('_', "-");
    let broad = full.split('-').next().unwrap_or_default().to_owned();
    let own = match broad.as_str() {
        "" => "en-us",
        "zh" => "cmn",
        "no" => "nb",
        other => other,
    }
    .to_owned();
    let own = if full == "en" { "en-us".to_owned() } else { own };
    let mut all = if full.is_empty() || full == "en" { vec![own] } else { vec![full, own] };
    // A tag can only be one of espeak-ng's names: letters, digits and dashes, never a path.
    all.retain(|name| name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '-'));
    all.dedup();
    all
}

/// Reads what espeak-ng wrote, checks it, trims it and brings it to the studio's rate.
fn finished(raw: &Path, character: &str) -> Result<Vec<f32>, EngineError> {
    let silent =
        || EngineError::new(FailureKind::Refused, format!("espeak-ng had nothing to say for {character}'s line"));
    if !raw.exists() {
        return Err(silent());
    }
    let broken = |error: hound::Error| {
        EngineError::new(FailureKind::Transient, format!("failed to read espeak-ng's sound: {error}"))
    };
    let reader = hound::WavReader::open(raw).map_err(broken)?;
    let spec = reader.spec();
    if (spec.channels, spec.bits_per_sample, spec.sample_format) != (1, 16, hound::SampleFormat::Int) {
        return Err(broken(hound::Error::Unsupported));
    }
    let samples: Vec<f32> = reader
        .into_samples::<i16>()
        .map(|s| s.map(|s| f32::from(s) / 32_768.0))
        .collect::<Result<_, _>>()
        .map_err(broken)?;
    let kept = trimmed(&samples, spec.sample_rate);
    if kept.len() < spec.sample_rate as usize / 20 {
        return Err(silent());
    }
    let mut sound = resample(kept, spec.sample_rate, SAMPLE_RATE).map_err(|error| {
        EngineError::new(FailureKind::Transient, format!("failed to read espeak-ng's sound: {error}"))
    })?;
    soften_edges(&mut sound);
    // The work file is not a result.
    let _ = std::fs::remove_file(raw);
    Ok(sound)
}

/// The words without the silence around them, except [`KEEP_MS`]; empty when there is only silence.
fn trimmed(samples: &[f32], rate: u32) -> &[f32] {
    let loudest = samples.iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
    let loud = |sample: &f32| sample.abs() > SILENT_BELOW.max(loudest * SILENT_SHARE);
    let (Some(first), Some(last)) = (samples.iter().position(loud), samples.iter().rposition(loud)) else { return &[] };
    let before = (rate * KEEP_MS.0 / 1000) as usize;
    let after = (rate * KEEP_MS.1 / 1000) as usize;
    &samples[first.saturating_sub(before)..(last + 1 + after).min(samples.len())]
}

/// Five milliseconds of fade at both ends, so that a cut never clicks.
fn soften_edges(sound: &mut [f32]) {
    let ramp = (SAMPLE_RATE as usize / 200).min(sound.len() / 2);
    let end = sound.len();
    for i in 0..ramp {
        let gain = i as f32 / ramp as f32;
        sound[i] *= gain;
        sound[end - 1 - i] *= gain;
    }
}

fn write(out: &Path, sound: &[f32]) -> Result<(), EngineError> {
    let failed = |error: hound::Error| match error {
        hound::Error::IoError(error) => EngineError::io("failed to write the voice", &error),
        other => EngineError::new(FailureKind::Transient, format!("failed to write the voice: {other}")),
    };
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(out, spec).map_err(failed)?;
    for sample in sound {
        writer.write_sample((sample * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16).map_err(failed)?;
    }
    writer.finalize().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_spoken_is_kept() {
        assert_eq!(speakable("<speak>Hi</speak> [[h@loU]]"), "speak Hi /speak h@loU");
        assert_eq!(speakable("-v \u{1f600} *now*\u{7}!"), "-v now !");
        assert_eq!(speakable(&"a".repeat(5000)).len(), 2000);
        assert_eq!(speakable("नमस्ते"), "नमस्ते", "marks of other scripts are part of their words");
    }

    #[test]
    fn languages_fall_back_to_broader_ones() {
        assert_eq!(voices("en"), ["en-us"]);
        assert_eq!(voices("de-AT"), ["de-at", "de"]);
        assert_eq!(voices("zh-Hans"), ["zh-hans", "cmn"]);
        assert!(voices("../../etc").is_empty());
    }

    #[test]
    fn silence_around_words_is_cut() {
        let mut sound = vec![0.0; 22_050];
        sound[10_000..12_000].fill(0.3);
        let kept = trimmed(&sound, 22_050);
        assert!(kept.len() > 2000 && kept.len() <= 2000 + 22_050 * 12 / 100, "{}", kept.len());
        assert!(trimmed(&sound[..5000], 22_050).is_empty());
    }
}
