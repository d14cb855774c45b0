//! Lines of a trainer: what it writes, cut into lines however it arrives, and what each of them means.

use regex::Regex;
use serde::{Deserialize, Serialize};

/// The longest line that is kept, in bytes; what comes after is left out.
pub const LONGEST_LINE: usize = 8 << 10;
/// Begins the code that moves the cursor up a line.
const ESCAPE: u8 = 0x1b;

/// What the lines of a trainer look like: regular expressions, tried in this order. An empty one is never found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patterns {
    /// A step is done; groups `step`, `of` and, where it says one, `loss`.
    pub step: String,
    /// An epoch begins; groups `epoch` and `of`.
    #[serde(default)]
    pub epoch: String,
    /// All files of a state are written.
    #[serde(default)]
    pub state_whole: String,
    /// A checkpoint is being written; group `path`.
    #[serde(default)]
    pub saved: String,
    /// Loss on pictures that were held out; group `loss`.
    #[serde(default)]
    pub validation: String,
    /// The card's memory is full.
    pub out_of_memory: String,
    /// It computes what is not a number.
    #[serde(default)]
    pub nan: String,
    /// Why it ends.
    #[serde(default)]
    pub failed: String,
}

impl Patterns {
    /// Each with its key, and the groups it must have.
    fn all(&self) -> [(&'static str, &str, &'static [&'static str]); 8] {
        [
            ("step", &self.step, &["step", "of"]),
            ("epoch", &self.epoch, &["epoch", "of"]),
            ("state_whole", &self.state_whole, &[]),
            ("saved", &self.saved, &["path"]),
            ("validation", &self.validation, &["loss"]),
            ("out_of_memory", &self.out_of_memory, &[]),
            ("nan", &self.nan, &[]),
            ("failed", &self.failed, &[]),
        ]
    }

    /// What is wrong with them: one sentence each, with the key. Of a program that `saves` by itself more must be known.
    pub fn faults(&self, saves: bool) -> Vec<String> {
        let one = |(key, text, groups): (&str, &str, &[&str])| {
            if text.is_empty() {
                let needed = key == "step" || saves && matches!(key, "epoch" | "state_whole" | "saved");
                return needed.then(|| format!("lines.{key} is empty; write the expression that finds such lines"));
            }
            match Regex::new(text) {
                Err(error) => Some(format!("lines.{key} is no regular expression: {}", last_line(&error.to_string()))),
                Ok(regex) => {
                    let lacks =
                        groups.iter().find(|group| !regex.capture_names().flatten().any(|name| name == **group));
                    lacks.map(|group| {
                        format!("lines.{key} has no group (?P<{group}>...), which says what is read there")
                    })
                }
            }
        };
        self.all().into_iter().filter_map(one).collect()
    }
}

/// The last line of an error of several, which says what is wrong.
fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default().trim()
}

/// What a line means.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A step is done.
    Step {
        /// Steps since the process began.
        step: u32,
        /// Steps the process believes there are in all.
        of: u32,
        /// Mean loss of late; `None` when it is not said, or no number.
        loss: Option<f64>,
        /// A loss is said, and it is not a number, or none that is finite.
        nan: bool,
    },
    /// An epoch begins.
    Epoch {
        /// Which, from 1, as the process counts.
        epoch: u32,
        /// How many there are, as the process counts.
        of: u32,
    },
    /// A checkpoint is being written.
    Saved {
        /// Where, as the trainer says it.
        path: String,
    },
    /// All files of a state are written.
    StateWhole,
    /// Loss on pictures that were held out.
    Validation {
        /// Mean loss on what was held out.
        loss: f64,
    },
    /// The card's memory is full.
    OutOfMemory,
    /// It computes what is not a number.
    NotANumber,
    /// Why it ends.
    Failed,
    /// Whatever else it may be.
    Other,
}

/// Reads lines by their [`Patterns`].
#[derive(Debug, Clone)]
pub struct Meanings {
    step: Option<Regex>,
    epoch: Option<Regex>,
    state_whole: Option<Regex>,
    saved: Option<Regex>,
    validation: Option<Regex>,
    out_of_memory: Option<Regex>,
    nan: Option<Regex>,
    failed: Option<Regex>,
}

impl Meanings {
    /// By patterns that were checked; one that is wrong finds nothing.
    pub fn new(patterns: &Patterns) -> Self {
        let regex = |text: &String| Some(text).filter(|text| !text.is_empty()).and_then(|text| Regex::new(text).ok());
        Self {
            step: regex(&patterns.step),
            epoch: regex(&patterns.epoch),
            state_whole: regex(&patterns.state_whole),
            saved: regex(&patterns.saved),
            validation: regex(&patterns.validation),
            out_of_memory: regex(&patterns.out_of_memory),
            nan: regex(&patterns.nan),
            failed: regex(&patterns.failed),
        }
    }

    /// What a line means.
    pub fn told(&self, line: &str) -> Told {
        let found = |regex: &Option<Regex>| regex.as_ref().is_some_and(|regex| regex.is_match(line));
        self.with_values(line).unwrap_or_else(|| match () {
            () if found(&self.state_whole) => Told::StateWhole,
            () if found(&self.out_of_memory) => Told::OutOfMemory,
            () if found(&self.nan) => Told::NotANumber,
            () if found(&self.failed) => Told::Failed,
            () => Told::Other,
        })
    }

    /// What a line means that has values in it.
    fn with_values(&self, line: &str) -> Option<Told> {
        let groups = |regex: &Option<Regex>| regex.as_ref().and_then(|regex| regex.captures(line));
        if let Some(found) = groups(&self.step) {
            let number = |name: &str| found.name(name).and_then(|text| text.as_str().trim().parse::<u32>().ok());
            let said = found.name("loss").map(|text| text.as_str().trim().parse::<f64>());
            let loss = said.as_ref().and_then(|loss| loss.as_ref().ok().copied()).filter(|loss| loss.is_finite());
            let nan = said.is_some_and(|loss| loss.is_ok_and(|loss| !loss.is_finite()));
            return Some(Told::Step { step: number("step")?, of: number("of")?, loss, nan });
        }
        if let Some(found) = groups(&self.epoch) {
            let number = |name: &str| found.name(name).and_then(|text| text.as_str().trim().parse::<u32>().ok());
            return Some(Told::Epoch { epoch: number("epoch")?, of: number("of")? });
        }
        if let Some(found) = groups(&self.saved) {
            return Some(Told::Saved { path: found.name("path")?.as_str().trim().to_owned() });
        }
        let found = groups(&self.validation)?;
        let loss: f64 = found.name("loss")?.as_str().trim().parse().ok()?;
        Some(if loss.is_finite() { Told::Validation { loss } } else { Told::Other })
    }
}

/// Cuts what a program writes into lines: at line ends, at carriage returns, and where the cursor goes up, because bars of progress
/// follow each other without anything else between. Holds at most [`LONGEST_LINE`] bytes, however much arrives.
#[derive(Debug, Default)]
pub struct LineReader {
    line: Vec<u8>,
    /// How much of the code that moves the cursor up was seen: 0..=2 of its 3 bytes.
    seen: u8,
}

impl LineReader {
    /// Takes the next bytes, and tells every line that is whole; empty ones are left out.
    pub fn push(&mut self, bytes: &[u8], mut hear: impl FnMut(&str)) {
        for byte in bytes {
            self.take(*byte, &mut hear);
        }
    }

    /// Tells the line that has no end, when there is one.
    pub fn finish(&mut self, mut hear: impl FnMut(&str)) {
        self.give_back();
        self.end(&mut hear);
    }

    fn take(&mut self, byte: u8, hear: &mut impl FnMut(&str)) {
        match (self.seen, byte) {
            (0, ESCAPE) => self.seen = 1,
            (1, b'[') => self.seen = 2,
            (2, b'A') => {
                self.seen = 0;
                self.end(hear);
            }
            (0, b'\r' | b'\n') => self.end(hear),
            (0, _) => self.keep(byte),
            _ => {
                // It was another code.
                self.give_back();
                self.take(byte, hear);
            }
        }
    }

    fn give_back(&mut self) {
        let held = [ESCAPE, b'['];
        for byte in &held[..usize::from(self.seen)] {
            self.keep(*byte);
        }
        self.seen = 0;
    }

    fn keep(&mut self, byte: u8) {
        if self.line.len() < LONGEST_LINE {
            self.line.push(byte);
        }
    }

    fn end(&mut self, hear: &mut impl FnMut(&str)) {
        {
            let line = String::from_utf8_lossy(&self.line);
            if !line.trim().is_empty() {
                hear(line.trim_end());
            }
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn patterns() -> Patterns {
        Patterns {
            step: r"^steps:\s+\d+%\|.*?\|\s*(?P<step>\d+)/(?P<of>\d+) \[[^<\]]+<[^,\]]+,\s*[^,\]]+(?:, avr_loss=(?P<loss>[^,\]]+))?"
                .into(),
            epoch: r"^epoch\s+(?P<epoch>\d+)/(?P<of>\d+)\s*$".into(),
            state_whole: "Random states saved in".into(),
            saved: r"saving checkpoint:\s*(?P<path>.+)$".into(),
            validation: r"^epoch validation steps:.*val_epoch_avg_loss=(?P<loss>[^,\]]+)".into(),
            out_of_memory: r"OutOfMemoryError|CUDA out of memory".into(),
            nan: "NaN detected in latents".into(),
            failed: r"^\S*(Error|Exception|Invalid)\b".into(),
        }
    }

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let (mut reader, mut lines) = (LineReader::default(), Vec::new());
        for chunk in chunks {
            reader.push(chunk, |line| lines.push(line.to_owned()));
        }
        reader.finish(|line| lines.push(line.to_owned()));
        lines
    }

    #[test]
    fn lines_mean_what_the_trainer_says() {
        assert_eq!(patterns().faults(true), Vec::<String>::new());
        let meanings = Meanings::new(&patterns());
        let bar = "steps:  71%|███████   | 17/24 [00:29<00:12,  1.72s/it, avr_loss=1.15]";
        assert_eq!(meanings.told(bar), Told::Step { step: 17, of: 24, loss: Some(1.15), nan: false });
        let bare = "steps:   0%|          | 0/24 [00:00<?, ?it/s]";
        assert_eq!(meanings.told(bare), Told::Step { step: 0, of: 24, loss: None, nan: false });
        let nan = "steps:  71%|███████   | 17/24 [00:29<00:12,  1.72s/it, avr_loss=nan]";
        assert_eq!(meanings.told(nan), Told::Step { step: 17, of: 24, loss: None, nan: true });
        assert_eq!(meanings.told("epoch 3/10"), Told::Epoch { epoch: 3, of: 10 });
        let saved = meanings.told("saving checkpoint: /run/out/mira-000001.safetensors");
        assert_eq!(saved, Told::Saved { path: "/run/out/mira-000001.safetensors".into() });
        let whole = "INFO     Random states saved in /run/out/mira-000001-state/random_states_0.pkl";
        assert_eq!(meanings.told(whole), Told::StateWhole);
        let held_out = "epoch validation steps: 100%|██████████| 4/4 [00:02<00:00,  1.72it/s, val_epoch_avg_loss=1.11, timestep=800]";
        assert_eq!(meanings.told(held_out), Told::Validation { loss: 1.11 });
        let full = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB.";
        assert_eq!(meanings.told(full), Told::OutOfMemory);
        assert_eq!(meanings.told("torch.cuda.OutOfMemoryError: CUDA out of memory."), Told::OutOfMemory);
        assert_eq!(meanings.told("RuntimeError: NaN detected in latents"), Told::NotANumber);
        let extra = "voluptuous.error.MultipleInvalid: extra keys not allowed @ data['x']";
        assert_eq!(meanings.told(extra), Told::Failed);
        assert_eq!(meanings.told("  total optimization steps / 学習ステップ数: 24"), Told::Other);
    }

    #[test]
    fn wrong_expressions_are_named() {
        let wrong = Patterns { step: "(".into(), epoch: "epoch".into(), saved: String::new(), ..patterns() };
        let faults = wrong.faults(true);
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults[0].starts_with("lines.step is no regular expression"), "{faults:?}");
        assert!(faults[1].contains("lines.epoch has no group (?P<epoch>"), "{faults:?}");
        assert!(faults[2].starts_with("lines.saved is empty"), "{faults:?}");
    }

    #[test]
    fn lines_end_where_bars_do() {
        let glued = b"\rsteps: 1\rsteps: 2\x1b[A\x1b[A\nepoch validation steps: 3\x1b[Asteps: 4\n\n\x1b[31mred\x1b";
        assert_eq!(
            lines(&[glued]),
            ["steps: 1", "steps: 2", "epoch validation steps: 3", "steps: 4", "\x1b[31mred\x1b"]
        );
        let long = vec![b'x'; LONGEST_LINE * 3];
        let cut = lines(&[&long, b"\nnext"]);
        assert_eq!((cut[0].len(), cut[1].as_str()), (LONGEST_LINE, "next"));
        let (mut reader, mut count) = (LineReader::default(), 0);
        for _ in 0..100 {
            reader.push(&long, |_| count += 1);
        }
        assert_eq!(count, 0);
        assert!(reader.line.capacity() <= 2 * LONGEST_LINE, "what never ends is not kept");
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_bytes_arrive(text in "[ab\r\n\u{1b}\\[Aé]{0,60}", cuts in proptest::collection::vec(0..80usize, 0..6)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|two| &bytes[two[0]..two[1]]).collect();
            prop_assert_eq!(lines(&chunks), lines(&[bytes]));
        }
    }
}
