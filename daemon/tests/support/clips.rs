//! Clips for the media tests: every picture carries its clip's number and its own as a barcode, so that order,
//! repeats and drops are read back from whatever an independent decoder shows.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use studio_core::{
    media::edge_keys,
    units::{Fps, Frames, Size},
};
use studio_media::{
    encode::{EncoderSettings, VideoWriter},
    frames::Format,
};

/// Size of all test films.
pub const SIZE: Size = Size { width: 320, height: 180 };
/// Rate of all test films.
pub const FPS: Fps = Fps::whole(30);
/// Blocks of the barcode: 4 bits of clip, 12 bits of picture.
const BITS: usize = 16;
const BLOCK: usize = 16;

/// Luma, then both chroma planes, of picture `n` of clip `id`.
pub fn planes(id: u32, n: u32) -> [Vec<u8>; 3] {
    let (width, height) = (SIZE.width as usize, SIZE.height as usize);
    let mut luma = vec![0; width * height];
    for (at, pixel) in luma.iter_mut().enumerate() {
        let (x, y) = ((at % width) as u32, (at / width) as u32);
        let wave = (x * (id + 1) + n * 3).wrapping_mul(y / 16 + 3) / 7;
        *pixel = 50 + (wave % 120) as u8;
    }
    let code = (id << 12) | (n & 0xfff);
    for bit in 0..BITS {
        let shade = if (code >> (BITS - 1 - bit)) & 1 == 1 { 235 } else { 16 };
        for row in 0..BLOCK {
            luma[row * width + bit * BLOCK..][..BLOCK].fill(shade);
        }
    }
    let chroma = |shift: u32| vec![100 + ((id * 13 + n / 2 + shift) % 56) as u8; width * height / 4];
    [luma, chroma(0), chroma(20)]
}

/// A master as the studio makes them.
pub fn master(path: &Path, id: u32, frames: u32) -> PathBuf {
    let format = Format { size: SIZE, fps: FPS };
    let mut writer = VideoWriter::create(path, SIZE, FPS, &EncoderSettings::default()).unwrap();
    let keys = edge_keys(Frames(u64::from(frames)), FPS);
    for n in 0..frames {
        let [y, u, v] = planes(id, n);
        writer.push(format.buffer_from_planes([&y, &u, &v]).unwrap(), keys.contains(&Frames(u64::from(n)))).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), Frames(u64::from(frames)));
    path.to_owned()
}

/// Runs ffmpeg and gives its standard output; any complaint fails the test.
pub fn ffmpeg(args: &[&str]) -> Vec<u8> {
    let out = Command::new("ffmpeg").args(["-v", "error", "-y", "-nostdin"]).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.trim().is_empty(), "ffmpeg {args:?}: {said}");
    out.stdout
}

/// What ffprobe says of a stream ("v:0", "a:0"), comma-separated.
pub fn ffprobe(path: &Path, stream: &str, entries: &str) -> String {
    let out = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream, "-show_entries", entries, "-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

/// Hash of every decoded picture; the decoder may not complain about anything.
pub fn frame_hashes(path: &Path) -> Vec<String> {
    let text = ffmpeg(&["-xerror", "-i", path.to_str().unwrap(), "-map", "0:v", "-f", "framemd5", "-"]);
    let text = String::from_utf8(text).unwrap();
    let hashes = text.lines().filter(|line| !line.starts_with('#'));
    hashes.map(|line| line.rsplit(',').next().unwrap().trim().to_owned()).collect()
}

/// Luma of every picture, decoded by ffmpeg.
pub fn luma(path: &Path) -> Vec<Vec<u8>> {
    let raw = ffmpeg(&[
        "-i",
        path.to_str().unwrap(),
        "-map",
        "0:v",
        "-vf",
        "extractplanes=y",
        "-vsync",
        "0",
        "-f",
        "rawvideo",
        "-",
    ]);
    raw.chunks_exact((SIZE.width * SIZE.height) as usize).map(<[u8]>::to_vec).collect()
}

/// Clip and picture number read from a picture; `None` when two pictures are blended in it.
pub fn barcode(luma: &[u8]) -> Option<(u32, u32)> {
    let width = SIZE.width as usize;
    let mut code = 0;
    for bit in 0..BITS {
        let rows = BLOCK / 4..BLOCK * 3 / 4;
        let sum: u32 = rows
            .flat_map(|row| &luma[row * width + bit * BLOCK + BLOCK / 4..][..BLOCK / 2])
            .map(|pixel| u32::from(*pixel))
            .sum();
        let mean = sum / (BLOCK * BLOCK / 4) as u32;
        if (30..221).contains(&mean) {
            return None;
        }
        code = code << 1 | u32::from(mean > 125);
    }
    Some((code >> 12, code & 0xfff))
}

/// Mean difference of two pictures.
pub fn difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
}
