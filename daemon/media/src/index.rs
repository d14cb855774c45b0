//! The index of an MP4: where every coded picture lies, when it is shown and whether decoding can begin there.
//!
//! Read from `moov` alone (ISO/IEC 14496-12), so joining films reads only the bytes it copies. The sizes and
//! places in it are also the container's claim against which a truncated file is found out.
//! Every read is bounds-checked: garbage gives a fault, never a panic.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use crate::{
    MediaError,
    edits::{self, Edit, Patch},
    source,
};

/// The largest index that is read: 3 hours of 60 pictures a second need about 20 MiB.
const LARGEST_INDEX: u64 = 256 << 20;

/// What an MP4 says about its first video stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilmIndex {
    /// Four letters of the codec: `avc1`, `hvc1`, `av01`.
    pub codec: [u8; 4],
    /// Coded width in pixels.
    pub width: u32,
    /// Coded height in pixels.
    pub height: u32,
    /// Units per second of the times.
    pub timescale: u32,
    /// What its edit list shows; empty without one.
    pub edits: Vec<Edit>,
    /// What makes a demuxer show everything; `None` without an edit list.
    pub patch: Option<Patch>,
    /// Pictures in decoding order.
    pub pictures: Vec<Coded>,
    /// H.264 decoder configuration (`avcC`), empty for other codecs.
    pub configuration: Vec<u8>,
}

/// One coded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coded {
    /// Byte offset in the file.
    pub offset: u64,
    /// Length in the file, in bytes.
    pub size: u32,
    /// When it is decoded, in timescale units.
    pub decoded: i64,
    /// When it is shown, in timescale units, before the edit list.
    pub shown: i64,
    /// Decoding can begin here.
    pub key: bool,
}

impl FilmIndex {
    /// Reads the index of an MP4. `None` when it has no ordinary index of pictures: sound only, or fragmented.
    /// A file cut off before or inside its pictures is an input fault.
    pub fn read(path: &Path) -> Result<Option<Self>, MediaError> {
        let name = path.display();
        let mut file = source::open(path)?;
        let length = file.metadata().map_err(|error| MediaError::io(&format!("failed to read {name}"), &error))?.len();
        let Some(moov) = find_moov(&mut file, length).map_err(|error| match error {
            Walk::Io(error) => MediaError::io(&format!("failed to read {name}"), &error),
            Walk::Broken(why) => {
                MediaError::input(format!("{name}: is damaged or cut off: {why}; copy or save it again"))
            }
        })?
        else {
            return Err(MediaError::cut_off(&name.to_string(), "its index is missing"));
        };
        let Some(index) = video_of(&moov) else { return Ok(None) };
        let beyond = index.pictures.iter().filter(|one| one.offset + u64::from(one.size) > length).count();
        if beyond > 0 {
            let all = index.pictures.len();
            let what = format!("{beyond} of {all} pictures are missing");
            return Err(MediaError::cut_off(&name.to_string(), &what));
        }
        Ok(Some(index))
    }

    /// Sequence and picture parameter sets; two streams can be joined without re-encoding only when these are equal.
    /// `None` when there are none to be found.
    pub fn parameter_sets(&self) -> Option<Vec<Vec<u8>>> {
        parameter_sets(&self.configuration)
    }
}

/// Sequence and picture parameter sets of an `avcC` (ISO/IEC 14496-15, 5.3.3.1).
pub fn parameter_sets(configuration: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = configuration.get(5..)?;
    let mut sets = Vec::new();
    for mask in [0x1f, 0xff] {
        let (&count, after) = rest.split_first()?;
        rest = after;
        for _ in 0..count & mask {
            let size = usize::from(u16::from_be_bytes(rest.get(..2)?.try_into().ok()?));
            sets.push(rest.get(2..2 + size)?.to_vec());
            rest = &rest[2 + size..];
        }
    }
    (sets.len() >= 2).then_some(sets)
}

/// The box with the index.
struct Moov {
    /// Offset of its body in the file.
    at: u64,
    body: Vec<u8>,
}

impl Moov {
    /// Offset in the file of a part of the body.
    fn place_of(&self, part: &[u8]) -> u64 {
        self.at + part.as_ptr().addr().saturating_sub(self.body.as_ptr().addr()) as u64
    }
}

enum Walk {
    Io(std::io::Error),
    Broken(&'static str),
}

impl From<std::io::Error> for Walk {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Walks the top-level boxes; `None` when there is no `moov`.
fn find_moov(file: &mut File, length: u64) -> Result<Option<Moov>, Walk> {
    let mut at = 0;
    let mut moov = None;
    while at + 8 <= length {
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 16];
        let wanted = 16.min((length - at) as usize);
        file.read_exact(&mut head[..wanted])?;
        let small = u64::from(be32(&head, 0).unwrap_or(0));
        let (body, size) = match small {
            0 => (8, length - at),
            1 if wanted == 16 => (16, be64(&head, 8).unwrap_or(0)),
            size => (8, size),
        };
        if size < body {
            return Err(Walk::Broken("a box has an impossible size"));
        }
        if &head[4..8] == b"moov" {
            if size > LARGEST_INDEX || at + size > length {
                return Err(Walk::Broken("the index is incomplete"));
            }
            let mut data = vec![0; (size - body) as usize];
            file.seek(SeekFrom::Start(at + body))?;
            file.read_exact(&mut data)?;
            moov = Some(Moov { at: at + body, body: data });
        }
        at = at.checked_add(size).ok_or(Walk::Broken("a box has an impossible size"))?;
    }
    Ok(moov)
}

fn be32(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn be64(data: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(data.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// Boxes inside a box; stops at the first that does not fit.
fn boxes(data: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let size = be32(data, at)? as usize;
        let (head, size) = match size {
            0 => (8, data.len() - at),
            1 => (16, usize::try_from(be64(data, at + 8)?).ok()?),
            size => (8, size),
        };
        let end = at.checked_add(size)?;
        let found = (data.get(at + 4..at + 8)?, data.get(at + head..end)?);
        at = end;
        Some(found)
    })
}

/// The first box along a path of names.
fn find<'a>(data: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(data, |data, name| boxes(data).find(|(found, _)| found == name).map(|(_, body)| body))
}

fn video_of(moov: &Moov) -> Option<FilmIndex> {
    let movie_scale =
        find(&moov.body, &[b"mvhd"]).and_then(|body| be32(body, if body.first() == Some(&1) { 20 } else { 12 }));
    boxes(&moov.body)
        .filter(|(name, _)| name == b"trak")
        .filter(|(_, trak)| find(trak, &[b"mdia", b"hdlr"]).and_then(|body| body.get(8..12)) == Some(b"vide"))
        .find_map(|(_, trak)| read_track(moov, trak, movie_scale.unwrap_or(1000)))
}

fn read_track(moov: &Moov, trak: &[u8], movie_scale: u32) -> Option<FilmIndex> {
    let header = find(trak, &[b"mdia", b"mdhd"])?;
    let timescale = be32(header, if header.first() == Some(&1) { 20 } else { 12 })?.max(1);
    let table = find(trak, &[b"mdia", b"minf", b"stbl"])?;
    let (codec, entry) = boxes(find(table, &[b"stsd"])?.get(8..)?).next()?;
    let side = |at: usize| entry.get(at..at + 2).map(|two| u32::from(u16::from_be_bytes([two[0], two[1]])));
    let configuration = entry.get(78..).and_then(|inner| find(inner, &[b"avcC"])).unwrap_or_default().to_vec();
    let list = find(trak, &[b"edts", b"elst"]);
    Some(FilmIndex {
        codec: codec.try_into().ok()?,
        width: side(24)?,
        height: side(26)?,
        timescale,
        edits: list.map(|list| edits::read(list, timescale, movie_scale)).unwrap_or_default(),
        patch: list.and_then(|list| Patch::of(list, moov.place_of(list))),
        pictures: read_pictures(table)?,
        configuration,
    })
}

fn read_pictures(table: &[u8]) -> Option<Vec<Coded>> {
    let sizes = find(table, &[b"stsz"])?;
    let (fixed, count) = (be32(sizes, 4)?, be32(sizes, 8)? as usize);
    // a claimed count is believed only as far as the table really goes
    let held = sizes.len().saturating_sub(12) / 4;
    if count == 0 || fixed != 0 || count > held {
        return None;
    }
    let times = spread(find(table, &[b"stts"])?, count)?;
    let shifts = find(table, &[b"ctts"]).and_then(|shifts| spread(shifts, count));
    let keys = find(table, &[b"stss"]);
    let offsets = read_offsets(table, sizes, count)?;
    let mut decoded_at = 0;
    let mut pictures = Vec::with_capacity(count);
    for (at, &offset) in offsets.iter().enumerate() {
        let shift = shifts.as_ref().map_or(0, |shifts| i64::from(shifts[at] as i32));
        let (decoded, shown) = (decoded_at, decoded_at + shift);
        pictures.push(Coded { offset, size: be32(sizes, 12 + at * 4)?, decoded, shown, key: false });
        decoded_at += i64::from(times[at]);
    }
    match keys {
        None => pictures.iter_mut().for_each(|picture| picture.key = true),
        Some(keys) => {
            for four in keys.get(8..)?.chunks_exact(4) {
                let number = be32(four, 0)? as usize;
                if let Some(picture) = number.checked_sub(1).and_then(|at| pictures.get_mut(at)) {
                    picture.key = true;
                }
            }
        }
    }
    Some(pictures)
}

/// A run-length table (count, value), spread out to one value per picture.
fn spread(table: &[u8], count: usize) -> Option<Vec<u32>> {
    let mut values = Vec::with_capacity(count);
    for run in table.get(8..)?.chunks_exact(8) {
        let (times, value) = (be32(run, 0)? as usize, be32(run, 4)?);
        values.extend(std::iter::repeat_n(value, times.min(count - values.len())));
    }
    (values.len() == count).then_some(values)
}

/// Byte offset of every picture, from chunks and runs of chunks.
fn read_offsets(table: &[u8], sizes: &[u8], count: usize) -> Option<Vec<u64>> {
    let (chunks, width) = match find(table, &[b"stco"]) {
        Some(chunks) => (chunks, 4),
        None => (find(table, &[b"co64"])?, 8),
    };
    let runs: Vec<(u32, u32)> =
        find(table, &[b"stsc"])?.get(8..)?.chunks_exact(12).filter_map(|run| be32(run, 0).zip(be32(run, 4))).collect();
    let mut offsets = Vec::with_capacity(count);
    let mut run = 0;
    for (number, chunk) in chunks.get(8..)?.chunks_exact(width).enumerate() {
        while runs.get(run + 1).is_some_and(|next| next.0 as usize <= number + 1) {
            run += 1;
        }
        let mut at = if width == 4 { u64::from(be32(chunk, 0)?) } else { be64(chunk, 0)? };
        for _ in 0..runs.get(run)?.1 {
            if offsets.len() == count {
                return Some(offsets);
            }
            let size = be32(sizes, 12 + offsets.len() * 4)?;
            offsets.push(at);
            at = at.checked_add(u64::from(size))?;
        }
    }
    (offsets.len() == count).then_some(offsets)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_pictures(&bytes);
            let _ = parameter_sets(&bytes);
            let _ = video_of(&Moov { at: 8, body: bytes });
        }
    }

    #[test]
    fn parameter_sets_ignore_what_follows_them() {
        let mut blob = vec![1, 100, 0, 31, 0xff, 0xe1, 0, 2, 0x67, 0x64, 1, 0, 1, 0x68];
        let sets = parameter_sets(&blob).unwrap();
        assert_eq!(sets, [vec![0x67, 0x64], vec![0x68]]);
        blob.extend([0xfd, 0xf8]);
        assert_eq!(parameter_sets(&blob).unwrap(), sets);
        assert_eq!(parameter_sets(&blob[..9]), None, "cut off");
    }
}
