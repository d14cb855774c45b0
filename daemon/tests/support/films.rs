//! Films whose scenes are known: each is a pattern of its own that stands still.

use std::path::{Path, PathBuf};

use image::GrayImage;
use studio_core::units::{Fps, Size};
use studio_media::{
    encode::{EncoderSettings, VideoWriter},
    frames::Format,
};

/// Size of the films.
pub const SIZE: Size = Size { width: 384, height: 288 };
/// How long each scene is.
pub const SCENE_MS: u64 = 2000;
const FPS: Fps = Fps::whole(20);
/// Sides of the blocks of a pattern, in pixels.
const BLOCK: usize = 24;

/// A film and what its scenes show.
pub struct Film {
    pub path: PathBuf,
    patterns: Vec<Vec<u8>>,
}

impl Film {
    /// One of so many scenes.
    pub fn new(dir: &Path, scenes: u64) -> Self {
        let patterns: Vec<Vec<u8>> = (0..scenes).map(pattern).collect();
        let shots = patterns.iter().map(|pattern| (luma(pattern), FPS.frames_in_ms(SCENE_MS).0));
        Self { path: write(&dir.join("film.mp4"), SIZE, shots), patterns }
    }

    /// The scene a picture shows.
    pub fn scene_of(&self, picture: &GrayImage) -> usize {
        let columns = SIZE.width as usize / BLOCK;
        let shade = |at: usize| {
            let (x, y) = (at % columns * BLOCK + BLOCK / 2, at / columns * BLOCK + BLOCK / 2);
            // From the full range of a picture to that of video.
            16 + u32::from(picture.get_pixel(x as u32, y as u32).0[0]) * 219 / 255
        };
        let unlike = |pattern: &[u8]| {
            let apart = pattern.iter().enumerate().map(|(at, block)| u32::from(*block).abs_diff(shade(at)));
            apart.sum::<u32>() / pattern.len() as u32
        };
        let found: Vec<usize> = (0..self.patterns.len()).filter(|scene| unlike(&self.patterns[*scene]) < 20).collect();
        assert_eq!(found.len(), 1, "a picture shows one scene and no mixture");
        found[0]
    }
}

/// Shades of the blocks of a scene.
fn pattern(scene: u64) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(scene + 1);
    (0..(SIZE.width as usize / BLOCK) * (SIZE.height as usize / BLOCK)).map(|_| rng.u8(30..220)).collect()
}

fn luma(pattern: &[u8]) -> Vec<u8> {
    let (width, columns) = (SIZE.width as usize, SIZE.width as usize / BLOCK);
    let shade = |at: usize| pattern[at / width / BLOCK * columns + at % width / BLOCK];
    (0..width * SIZE.height as usize).map(shade).collect()
}

/// A film of shots that stand still, each so many pictures long.
pub fn write(path: &Path, size: Size, shots: impl Iterator<Item = (Vec<u8>, u64)>) -> PathBuf {
    let format = Format { size, fps: FPS };
    let mut writer = VideoWriter::create(path, size, FPS, &EncoderSettings::default()).unwrap();
    let grey = vec![128; (size.width * size.height / 4) as usize];
    for (luma, pictures) in shots {
        for _ in 0..pictures {
            writer.push(format.buffer_from_planes([&luma, &grey, &grey]).unwrap(), false).unwrap();
        }
    }
    writer.finish().unwrap();
    path.to_owned()
}
