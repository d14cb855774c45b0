//! Camera: where it looks at each picture of an animatic.

use std::f64::consts::TAU;

use studio_core::{
    shot::Motion,
    units::{Fps, Frames, Size},
};

/// What the camera does over a shot.
#[derive(Debug, Clone)]
pub struct Camera {
    motion: Motion,
    size: Size,
    fps: Fps,
    frames: Frames,
    /// The picture has no margin: the camera may only see parts of it.
    inside: bool,
    /// Phases of the hand-held shake.
    phases: [f64; 6],
}

/// Where the camera looks: pixels of the picture to the right and down of its middle, and how much larger it sees things.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// Pixels to the right.
    pub x: f64,
    /// Pixels down; negative is up.
    pub y: f64,
    /// 1 is the still itself, above is closer.
    pub zoom: f64,
}

/// How far pans and tilts go, as a share of the picture; times the largest depth it stays inside the layers' margin.
const TRAVEL: f64 = 0.08;
/// How much closer a push-in comes.
const PUSH: f64 = 0.12;
/// Shots shorter than this move less, so that the camera is never hurried, in seconds.
const CALM_SECONDS: f64 = 3.0;

impl Camera {
    /// A camera; `inside` when the picture has no margin around what is seen.
    pub fn new(motion: Motion, size: Size, fps: Fps, frames: Frames, seed: u64, inside: bool) -> Self {
        let mut state = seed ^ 0x005e_ed0f_cafe;
        let phases = std::array::from_fn(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1u32 << 24) * TAU
        });
        Self { motion, size, fps, frames, inside, phases }
    }

    /// Whether every picture is the same.
    pub fn stands_still(&self) -> bool {
        self.motion == Motion::Static
    }

    /// Where it looks at picture `k`.
    pub fn at(&self, k: u64) -> View {
        let last = self.frames.0.saturating_sub(1).max(1);
        let along = k.min(last) as f64 / last as f64;
        let eased = along * along * (3.0 - 2.0 * along);
        let seconds = self.frames.0 as f64 / self.fps.as_f64();
        let calm = (seconds / CALM_SECONDS).clamp(0.35, 1.0);
        let (width, height) = (f64::from(self.size.width), f64::from(self.size.height));
        if self.inside {
            return self.within(eased, calm, k);
        }
        let still = View { x: 0.0, y: 0.0, zoom: 1.0 };
        let (across, down) = (TRAVEL * calm * eased * width, TRAVEL * calm * eased * height);
        match self.motion {
            Motion::Static => still,
            Motion::PanLeft => View { x: -across, ..still },
            Motion::PanRight => View { x: across, ..still },
            Motion::TiltUp => View { y: -down, ..still },
            Motion::TiltDown => View { y: down, ..still },
            Motion::PushIn => View { zoom: 1.0 + PUSH * calm * eased, ..still },
            Motion::PullOut => View { zoom: 1.0 + PUSH * calm * (0.3 - 0.9 * eased), ..still },
            Motion::Handheld => {
                let (x, y) = self.shake(k);
                View { x: x * 0.009 * width, y: y * 0.012 * height, zoom: 1.015 }
            }
        }
    }

    /// The same moves inside a picture without margin: the camera comes closer while it moves, so that there is
    /// room, and (but for a pull-out) starts from the whole picture, which may be the end of the shot before.
    fn within(&self, eased: f64, calm: f64, k: u64) -> View {
        let (width, height) = (f64::from(self.size.width), f64::from(self.size.height));
        let zoom = 1.0 + PUSH * calm * eased;
        let room = (1.0 - 1.0 / zoom) / 2.0;
        let still = View { x: 0.0, y: 0.0, zoom };
        match self.motion {
            Motion::Static => View { zoom: 1.0, ..still },
            Motion::PanLeft => View { x: -room * width, ..still },
            Motion::PanRight => View { x: room * width, ..still },
            Motion::TiltUp => View { y: -room * height, ..still },
            Motion::TiltDown => View { y: room * height, ..still },
            Motion::PushIn => still,
            Motion::PullOut => View { zoom: 1.0 + PUSH * calm * (1.0 - eased), ..still },
            Motion::Handheld => {
                let settled = (k as f64 / self.fps.as_f64()).min(1.0);
                let zoom = 1.0 + 0.04 * settled * settled * (3.0 - 2.0 * settled);
                let room = (1.0 - 1.0 / zoom) / 2.0;
                let (x, y) = self.shake(k);
                View { x: x.clamp(-1.0, 1.0) * room * width, y: y.clamp(-1.0, 1.0) * room * height, zoom }
            }
        }
    }

    /// A smooth wander, about -1 to 1, that is nought at the first picture.
    fn shake(&self, k: u64) -> (f64, f64) {
        let seconds = k as f64 / self.fps.as_f64();
        let wave = |offset: usize, t: f64| -> f64 {
            [(0.31, 0.6), (0.83, 0.3), (1.9, 0.1)]
                .iter()
                .enumerate()
                .map(|(index, (hertz, share))| share * (TAU * hertz * t + self.phases[offset + index]).sin())
                .sum()
        };
        (wave(0, seconds) - wave(0, 0.0), wave(3, seconds) - wave(3, 0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Motion; 8] = [
        Motion::Static,
        Motion::PanLeft,
        Motion::PanRight,
        Motion::PushIn,
        Motion::PullOut,
        Motion::TiltUp,
        Motion::TiltDown,
        Motion::Handheld,
    ];

    /// At every depth and picture the view stays on the layers, so that no edge is ever seen.
    #[test]
    fn no_move_leaves_the_layers() {
        let size = Size { width: 1280, height: 720 };
        for motion in ALL {
            for inside in [false, true] {
                let camera = Camera::new(motion, size, Fps::whole(30), Frames(150), 9, inside);
                let (margin, depths): (f64, &[f32]) = if inside {
                    (0.0, &[1.0])
                } else {
                    (studio_core::media::LAYER_MARGIN, &studio_core::media::LAYER_DEPTHS)
                };
                for (k, depth) in (0..150).flat_map(|k| depths.iter().map(move |depth| (k, f64::from(*depth)))) {
                    let view = camera.at(k);
                    let half = 0.5 / (1.0 + (view.zoom - 1.0) * depth);
                    let reach = |offset: f64, side: u32| half + (offset * depth / f64::from(side)).abs();
                    assert!(reach(view.x, 1280) <= 0.5 + margin + 1e-9, "{motion:?} {k} {depth} {inside}");
                    assert!(reach(view.y, 720) <= 0.5 + margin + 1e-9, "{motion:?} {k} {depth} {inside}");
                }
            }
        }
    }

    #[test]
    fn no_move_jumps() {
        let size = Size { width: 1280, height: 720 };
        for motion in ALL {
            let camera = Camera::new(motion, size, Fps::whole(30), Frames(90), 4, false);
            for k in 1..90 {
                let (a, b) = (camera.at(k - 1), camera.at(k));
                assert!(
                    (a.x - b.x).abs() < 6.0 && (a.y - b.y).abs() < 6.0 && (a.zoom - b.zoom).abs() < 0.005,
                    "{motion:?} {k}"
                );
            }
        }
    }
}
