//! Finishing an MP4 that mp4mux wrote: time stamps of its making removed, sound edit list corrected.

use std::path::Path;

use studio_core::{
    media::Chapter,
    units::{Fps, Frames},
};

use super::Fault;

/// What the finished file must say.
#[derive(Debug)]
pub struct Finish<'a> {
    /// Samples of encoder delay to skip; `None` without sound.
    pub aac_priming: Option<u32>,
    /// Pictures in the film.
    pub frames: Frames,
    /// Rate of the film.
    pub fps: Fps,
    /// Chapter marks.
    pub chapters: &'a [Chapter],
}

type Found = ([u8; 4], usize, usize);

fn boxes(data: &[u8], from: usize, to: usize) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = from;
    while at + 8 <= to {
        let size = u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]) as usize;
        let name = [data[at + 4], data[at + 5], data[at + 6], data[at + 7]];
        let (head, size) = match size {
            1 => (16, u64::from_be_bytes(data[at + 8..at + 16].try_into().unwrap_or_default()) as usize),
            0 => (8, to - at),
            size => (8, size),
        };
        if size < head || at + size > to {
            break;
        }
        found.push((name, at + head, at + size));
        at += size;
    }
    found
}

fn put(data: &mut [u8], at: usize, value: u32) {
    data[at..at + 4].copy_from_slice(&value.to_be_bytes());
}

fn patch(data: &mut Vec<u8>, from: usize, to: usize, finish: &Finish<'_>, movie_scale: &mut u32, sound: bool) {
    let sound = sound
        || boxes(data, from, to).iter().any(|(name, at, _)| {
            name == b"mdia" && {
                boxes(data, *at, to).iter().any(|(name, at, _)| name == b"hdlr" && &data[at + 8..at + 12] == b"soun")
            }
        });
    for (name, at, end) in boxes(data, from, to) {
        match &name {
            b"moov" | b"trak" | b"edts" | b"mdia" => patch(data, at, end, finish, movie_scale, sound),
            b"mvhd" | b"tkhd" | b"mdhd" if data[at] == 0 => {
                put(data, at + 4, 0);
                put(data, at + 8, 0);
                if &name == b"mvhd" {
                    *movie_scale = u32::from_be_bytes(data[at + 12..at + 16].try_into().unwrap_or_default());
                }
            }
            b"elst" if sound => {
                let scale = f64::from(*movie_scale);
                let length = finish.frames.0 as f64 * scale / finish.fps.as_f64();
                put(data, at + 8, length.round() as u32);
                put(data, at + 12, finish.aac_priming.unwrap_or(0));
            }
            _ => {}
        }
    }
}

/// Rewrites `from` as the finished film `to` and removes `from`.
pub fn finish(from: &Path, to: &Path, finish: &Finish<'_>) -> Result<(), Fault> {
    let mut data = std::fs::read(from)?;
    let end = data.len();
    patch(&mut data, 0, end, finish, &mut 0, false);
    std::fs::write(to, &data)?;
    std::fs::remove_file(from)?;
    Ok(())
}
