//! Splice: which pictures of a join are copied bit by bit and which are made again. Numbers only.
//!
//! A film is a row of steps. First every part is laid out plain with its blends; then the stretches of whole
//! key-frame groups that no blend touches become copies. What is left between two copies is a window: encoded
//! in one run, from key frame to key frame. Windows may span short parts whole.

use studio_core::shot::TransitionKind;

/// What splicing needs to know of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Pictures in it.
    pub frames: u64,
    /// Pictures at which decoding can begin and that none before them is shown after; ascending, the first is 0.
    pub keys: Vec<u64>,
    /// Blend from the part before.
    pub transition: TransitionKind,
    /// Overlap with the part before; 0 on the first.
    pub overlap: u64,
}

/// One stretch of the film.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Pictures `from..to` of a part, encoded again.
    Plain {
        /// Index of the part, from 0.
        part: usize,
        /// First picture, counted from 0 in its part.
        from: u64,
        /// Picture after the last.
        to: u64,
    },
    /// Pictures `from..to` of a part, copied.
    Copy {
        /// Index of the part, from 0.
        part: usize,
        /// First picture, a key frame.
        from: u64,
        /// Picture after the last.
        to: u64,
    },
    /// The last `overlap` pictures of `left` over the first ones of the part after it.
    Blend {
        /// The part that goes.
        left: usize,
        /// Its first picture of the blend.
        from: u64,
        /// Pictures of the blend.
        overlap: u64,
        /// How they are blended.
        kind: TransitionKind,
    },
}

impl Step {
    /// Pictures it adds to the film.
    pub fn frames(&self) -> u64 {
        match *self {
            Self::Plain { from, to, .. } | Self::Copy { from, to, .. } => to - from,
            Self::Blend { overlap, .. } => overlap,
        }
    }
}

/// A part that is shorter than its two overlaps together, by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooShort(pub usize);

/// The whole film encoded again.
pub fn full(parts: &[Shape]) -> Result<Vec<Step>, TooShort> {
    let mut steps = Vec::new();
    for (part, shape) in parts.iter().enumerate() {
        let head = if part == 0 { 0 } else { shape.overlap };
        let tail = parts.get(part + 1).map_or(0, |next| next.overlap);
        if head + tail > shape.frames || shape.frames == 0 {
            return Err(TooShort(part));
        }
        let to = shape.frames - tail;
        if head < to {
            steps.push(Step::Plain { part, from: head, to });
        }
        if let Some(next) = parts.get(part + 1).filter(|_| tail > 0) {
            steps.push(Step::Blend { left: part, from: to, overlap: tail, kind: next.transition });
        }
    }
    Ok(steps)
}

/// The film with everything copied that can be.
pub fn smart(parts: &[Shape]) -> Result<Vec<Step>, TooShort> {
    let mut steps = Vec::new();
    for step in full(parts)? {
        let Step::Plain { part, from, to } = step else {
            steps.push(step);
            continue;
        };
        let shape = &parts[part];
        let begin = shape.keys.iter().copied().find(|key| *key >= from).unwrap_or(to);
        let end = if to == shape.frames { to } else { shape.keys.iter().copied().rfind(|key| *key <= to).unwrap_or(0) };
        if begin >= end {
            steps.push(step);
            continue;
        }
        let pieces = [
            Step::Plain { part, from, to: begin },
            Step::Copy { part, from: begin, to: end },
            Step::Plain { part, from: end, to },
        ];
        steps.extend(pieces.into_iter().filter(|piece| piece.frames() > 0));
    }
    Ok(steps)
}

/// The picture after the last one that may be decoded for a window of `part` that reads picture `at`:
/// the start of its copied stretch when `at` lies before it, otherwise the end of the part.
pub fn decode_until(steps: &[Step], part: usize, at: u64, frames: u64) -> u64 {
    let copied = steps.iter().find_map(|step| match step {
        Step::Copy { part: copied, from, .. } if *copied == part && at < *from => Some(*from),
        _ => None,
    });
    copied.unwrap_or(frames)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(frames: u64, keys: &[u64], overlap: u64) -> Shape {
        Shape { frames, keys: keys.to_vec(), transition: TransitionKind::Fade, overlap }
    }

    #[test]
    fn only_the_windows_are_made_again() {
        let keys = [0, 9, 15, 60, 225, 231];
        let steps = smart(&[part(240, &keys, 0), part(240, &keys, 9)]).unwrap();
        let blend = Step::Blend { left: 0, from: 231, overlap: 9, kind: TransitionKind::Fade };
        assert_eq!(steps, [Step::Copy { part: 0, from: 0, to: 231 }, blend, Step::Copy { part: 1, from: 9, to: 240 }]);
    }

    #[test]
    fn a_window_reaches_to_the_next_key_frame() {
        let steps = smart(&[part(100, &[0, 50], 0), part(100, &[0, 50], 10)]).unwrap();
        assert_eq!(steps[0], Step::Copy { part: 0, from: 0, to: 50 });
        assert_eq!(steps[1], Step::Plain { part: 0, from: 50, to: 90 });
        assert_eq!(steps[3], Step::Plain { part: 1, from: 10, to: 50 });
        assert_eq!(steps[4], Step::Copy { part: 1, from: 50, to: 100 });
        assert_eq!(decode_until(&steps, 1, 0, 100), 50);
        assert_eq!(decode_until(&steps, 0, 50, 100), 100);
    }

    #[test]
    fn a_short_part_lies_whole_inside_one_window() {
        let steps = smart(&[part(90, &[0, 80], 0), part(30, &[0], 10), part(90, &[0, 10], 10)]).unwrap();
        assert!(!steps.iter().any(|step| matches!(step, Step::Copy { part: 1, .. })));
        assert_eq!(steps.iter().map(Step::frames).sum::<u64>(), 190);
    }

    #[test]
    fn cuts_copy_everything() {
        let steps = smart(&[part(40, &[0], 0), part(50, &[0, 30], 0)]).unwrap();
        assert_eq!(steps, [Step::Copy { part: 0, from: 0, to: 40 }, Step::Copy { part: 1, from: 0, to: 50 }]);
    }

    #[test]
    fn a_part_shorter_than_its_overlaps_is_refused() {
        assert_eq!(smart(&[part(40, &[0], 0), part(15, &[0], 8), part(40, &[0], 8)]), Err(TooShort(1)));
    }

    /// Every picture of the film, as (part, picture) or the two of a blend.
    fn pictures(steps: &[Step]) -> Vec<(usize, u64, bool)> {
        let all = |step: &Step| match *step {
            Step::Plain { part, from, to } | Step::Copy { part, from, to } => {
                (from..to).map(|at| (part, at, false)).collect::<Vec<_>>()
            }
            Step::Blend { left, from, overlap, .. } => (from..from + overlap).map(|at| (left, at, true)).collect(),
        };
        steps.iter().flat_map(all).collect()
    }

    proptest! {
        #[test]
        fn copying_changes_no_picture(shapes in proptest::collection::vec((20u64..200, proptest::collection::vec(0u64..200, 0..8), 0u64..10), 1..6)) {
            let parts: Vec<Shape> = shapes.into_iter().enumerate().map(|(at, (frames, mut keys, overlap))| {
                keys.push(0);
                keys.retain(|key| *key < frames);
                keys.sort_unstable();
                keys.dedup();
                part(frames, &keys, if at == 0 { 0 } else { overlap })
            }).collect();
            let (full, smart) = (full(&parts).unwrap(), smart(&parts).unwrap());
            prop_assert_eq!(pictures(&full), pictures(&smart));
            for step in &smart {
                if let Step::Copy { part, from, to } = step {
                    prop_assert!(parts[*part].keys.contains(from));
                    prop_assert!(*to == parts[*part].frames || parts[*part].keys.contains(to));
                }
            }
        }
    }
}
