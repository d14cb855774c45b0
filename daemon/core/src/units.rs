//! Numbers with their units: time, frames, samples, sizes, scores.

use std::{fmt, ops};

use serde::{Deserialize, Serialize};

/// Samples per second of every sound the studio keeps.
pub const SAMPLE_RATE: u32 = 48_000;

/// A moment: milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Millis(pub i64);

impl Millis {
    /// The moment `ms` milliseconds later.
    #[must_use]
    pub fn after(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}

/// Frames per second as an exact fraction, 1..=240.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Fps {
    /// Numerator, e.g. 30 or 30000.
    pub num: u32,
    /// Denominator, e.g. 1 or 1001.
    pub den: u32,
}

impl Fps {
    /// Whole frames per second.
    pub const fn whole(num: u32) -> Self {
        Self { num, den: 1 }
    }

    /// How many frames `ms` milliseconds are, to the nearest frame.
    pub fn frames_in_ms(self, ms: u64) -> Frames {
        let (num, den) = (u128::from(self.num), u128::from(self.den));
        Frames(((u128::from(ms) * num + 500 * den) / (1000 * den)) as u64)
    }

    /// How many frames are needed to cover `samples` at 48 kHz.
    pub fn frames_covering(self, samples: Samples) -> Frames {
        let (num, den) = (u128::from(self.num), u128::from(self.den) * u128::from(SAMPLE_RATE));
        Frames((u128::from(samples.0) * num).div_ceil(den) as u64)
    }

    /// The sample at which frame `at` begins, to the nearest sample; from the absolute frame, so nothing drifts.
    pub fn sample_at(self, at: Frames) -> Samples {
        let (num, den) = (u128::from(self.num), u128::from(self.den));
        Samples(((u128::from(at.0) * u128::from(SAMPLE_RATE) * den + num / 2) / num) as u64)
    }

    /// The millisecond at which frame `at` begins, rounded to the nearest.
    pub fn ms_at(self, at: Frames) -> u64 {
        let (num, den) = (u128::from(self.num), u128::from(self.den));
        ((u128::from(at.0) * 1000 * den + num / 2) / num) as u64
    }

    /// Frames per second as a floating-point number, for reports only.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }
}

impl fmt::Display for Fps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 { write!(f, "{}", self.num) } else { write!(f, "{}/{}", self.num, self.den) }
    }
}

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident($of:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        pub struct $name(pub $of);

        impl ops::Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self { Self(self.0 + other.0) }
        }
        impl ops::Sub for $name {
            type Output = Self;
            /// Saturates at zero.
            fn sub(self, other: Self) -> Self { Self(self.0.saturating_sub(other.0)) }
        }
        impl ops::Mul<$of> for $name {
            type Output = Self;
            fn mul(self, times: $of) -> Self { Self(self.0 * times) }
        }
        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(all: I) -> Self { Self(all.map(|one| one.0).sum()) }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
    )*};
}

counts! {
    /// A number of pictures, or the index of one.
    Frames(u64);
    /// A number of sound samples per channel at 48 kHz, or the index of one.
    Samples(u64);
    /// Sampling steps of an engine.
    Steps(u32);
    /// Video memory in MiB.
    VramMib(u32);
}

/// What makes two takes of the same order differ; equal seeds give equal pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Seed(pub u64);

/// Width and height in pixels; both even, 16..=8192.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Size {
    /// Width in pixels, from left to right.
    pub width: u32,
    /// Height in pixels, from top to bottom.
    pub height: u32,
}

/// A picture size that cannot be encoded, or text that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a picture size; write WIDTHxHEIGHT with even numbers from 16 to 8192, for example 1920x1080")]
pub struct BadSize(String);

impl Size {
    /// A size with both sides even and in range.
    ///
    /// # Errors
    /// A side is odd, or out of range.
    pub fn new(width: u32, height: u32) -> Result<Self, BadSize> {
        let fits = |side: u32| (16..=8192).contains(&side) && side.is_multiple_of(2);
        if fits(width) && fits(height) { Ok(Self { width, height }) } else { Err(BadSize(format!("{width}x{height}"))) }
    }
}

impl std::str::FromStr for Size {
    type Err = BadSize;
    fn from_str(text: &str) -> Result<Self, BadSize> {
        let bad = || BadSize(text.to_owned());
        let (width, height) = text.split_once(['x', 'X']).ok_or_else(bad)?;
        Self::new(width.trim().parse().map_err(|_| bad())?, height.trim().parse().map_err(|_| bad())?)
            .map_err(|_| bad())
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Quality from 0 (unusable) to 1 (perfect), kept in ten-thousandths so that it has an order and an equality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(value_type = f64, minimum = 0, maximum = 1))]
pub struct Score(u16);

impl Score {
    /// A score from whole percent, 0..=100; larger values count as 100.
    pub const fn from_percent(percent: u16) -> Self {
        Self(if percent > 100 { 10_000 } else { percent * 100 })
    }

    /// A score from a fraction; clamped to 0..=1, and not-a-number is 0.
    pub fn from_fraction(fraction: f64) -> Self {
        Self((fraction.clamp(0.0, 1.0) * 10_000.0).round() as u16)
    }

    /// The fraction, 0..=1.
    pub fn as_fraction(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.as_fraction())
    }
}

impl Serialize for Score {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(self.as_fraction())
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let fraction = f64::deserialize(from)?;
        if !(0.0..=1.0).contains(&fraction) {
            return Err(serde::de::Error::custom(format!("a score is between 0 and 1, not {fraction}")));
        }
        Ok(Self::from_fraction(fraction))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Three hours in, frame boundaries still fall within half a sample of the truth.
        #[test]
        fn frames_and_samples_never_drift(frame in 0u64..648_001, fps in prop_oneof![Just(Fps::whole(24)), Just(Fps::whole(30)), Just(Fps { num: 30_000, den: 1001 })]) {
            let sample = fps.sample_at(Frames(frame)).0 as f64;
            let truth = frame as f64 * 48_000.0 * f64::from(fps.den) / f64::from(fps.num);
            prop_assert!((sample - truth).abs() <= 0.5 + 1e-6);
        }

        #[test]
        fn covering_frames_cover_and_no_more(samples in 0u64..600_000_000) {
            let fps = Fps::whole(30);
            let frames = fps.frames_covering(Samples(samples));
            prop_assert!(fps.sample_at(frames).0 >= samples);
            prop_assert!(frames.0 == 0 || fps.sample_at(frames - Frames(1)).0 < samples);
        }
    }

    #[test]
    fn sizes_read_and_refuse() {
        assert_eq!("1920x1080".parse(), Ok(Size { width: 1920, height: 1080 }));
        for bad in ["1920", "1921x1080", "0x0", "99999x2", "axb"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }

    #[test]
    fn scores_keep_their_bounds() {
        assert_eq!(Score::from_fraction(7.0), Score::from_percent(100));
        assert_eq!(Score::from_fraction(f64::NAN), Score::from_percent(0));
        assert_eq!(serde_json::to_string(&Score::from_percent(45)).unwrap(), "0.45");
        assert!(serde_json::from_str::<Score>("1.2").is_err());
    }
}
