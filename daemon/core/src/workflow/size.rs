//! Size: the picture size a workflow makes, nearest to the film's.

use super::SizeRule;
use crate::units::Size;

/// A size that a rule allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FittedSize {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What slot `base_resolution` is set to, for FramePack.
    pub base_resolution: Option<u32>,
}

impl std::fmt::Display for FittedSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// FramePack's buckets at base resolution 640, height by width; the transposes are buckets too.
const BUCKETS: [(u32, u32); 7] = [(416, 960), (448, 864), (480, 832), (512, 768), (544, 704), (576, 672), (608, 640)];

impl SizeRule {
    /// The size nearest in shape to `film`; `share` of the usual number of pixels, 1 for all of them.
    pub fn fit(&self, film: Size, share: f64) -> FittedSize {
        let aspect = f64::from(film.width) / f64::from(film.height);
        match self {
            Self::Multiple { of, pixels } => {
                let of = f64::from((*of).max(2));
                let height = (*pixels as f64 * share / aspect).sqrt();
                let round = |side: f64| ((side / of).round().max(1.0) * of) as u32;
                FittedSize { width: round(height * aspect), height: round(height), base_resolution: None }
            }
            Self::FramepackBuckets => {
                // The pack looks for the smallest |height * bucket width - width * bucket height|.
                let both = BUCKETS.iter().flat_map(|(high, wide)| [(*high, *wide), (*wide, *high)]);
                let off = |(high, wide): &(u32, u32)| {
                    (i64::from(film.height) * i64::from(*wide) - i64::from(film.width) * i64::from(*high)).abs()
                };
                let (high, wide) = both.min_by_key(off).unwrap_or((544, 704));
                let base = ((640.0 * share.sqrt() / 16.0).round() as u32 * 16).clamp(128, 1280);
                let scaled =
                    |side: u32| ((f64::from(side) * f64::from(base) / 640.0 / 16.0).round() as u32).max(1) * 16;
                FittedSize { width: scaled(wide), height: scaled(high), base_resolution: Some(base) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(rule: &SizeRule, width: u32, height: u32) -> (u32, u32) {
        let fitted = rule.fit(Size { width, height }, 1.0);
        (fitted.width, fitted.height)
    }

    #[test]
    fn shapes_are_kept_as_well_as_multiples_allow() {
        let ltx = SizeRule::Multiple { of: 32, pixels: 768 * 512 };
        let (width, height) = fit(&ltx, 1920, 1080);
        assert!(width % 32 == 0 && height % 32 == 0, "{width}x{height}");
        assert!((f64::from(width) / f64::from(height) - 16.0 / 9.0).abs() < 0.1);
        assert_eq!(fit(&SizeRule::FramepackBuckets, 1920, 1080), (832, 480));
        assert_eq!(fit(&SizeRule::FramepackBuckets, 1080, 1920), (480, 832));
        assert_eq!(fit(&SizeRule::FramepackBuckets, 1000, 1000), (640, 608));
    }

    #[test]
    fn a_smaller_share_makes_fewer_pixels_of_the_same_shape() {
        for rule in [SizeRule::FramepackBuckets, SizeRule::Multiple { of: 16, pixels: 832 * 480 }] {
            let film = Size { width: 1920, height: 1080 };
            let (all, part) = (rule.fit(film, 1.0), rule.fit(film, 0.56));
            assert!(part.width < all.width && part.height < all.height);
        }
    }
}
