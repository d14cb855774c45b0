//! The last touch on an MP4: index first, sound and picture aligned, chapters, and the same bytes every time.
//!
//! `GStreamer`'s muxer writes the index behind the data, an edit list that plays the encoder's priming (sound 21 ms
//! late), the current time into three headers, and no chapters. The index (`moov`) is small: it is read into a tree
//! of boxes, changed, and written in front of the data, which is copied without a look. The crates that
//! parse MP4 model known boxes and drop or re-write the rest; here every box that is not changed keeps its bytes.
//! Boxes: ISO/IEC 14496-12; the chapter list `chpl` is Nero's, as read by ffmpeg, Jellyfin and VLC.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use studio_core::{
    failure::FailureKind,
    media::Chapter,
    units::{Fps, Frames},
};

use crate::MediaError;

mod boxes;

use boxes::{Atom, Bad, Kind, u32_at, u64_at};

/// Largest index that is read; three hours of film have about 10 MiB.
const LARGEST_INDEX: u64 = 256 << 20;
/// The chapter list counts in one byte.
const MOST_CHAPTERS: usize = 255;
/// Its titles have a length of one byte.
const LONGEST_TITLE: usize = 255;

/// What the muxer did not know.
#[derive(Debug, Clone, Copy)]
pub struct Finish<'a> {
    /// Samples the AAC encoder puts before the sound: 1024 for `avenc_aac`, 1600 for `voaacenc`; `None` without sound.
    pub aac_priming: Option<u32>,
    /// Pictures of the film; both tracks end with the last.
    pub frames: Frames,
    /// Rate of the film.
    pub fps: Fps,
    /// Chapter marks in order; the list holds 255, further ones are left out.
    pub chapters: &'a [Chapter],
}

/// Rewrites `from`, made by `mp4mux`, as `to` and removes `from`. On failure there is no `to`.
pub fn finish(from: &Path, to: &Path, finish: &Finish) -> Result<(), MediaError> {
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(".finish");
    let part: PathBuf = to.with_file_name(name);
    let done = rewrite(from, &part, finish).and_then(|()| std::fs::rename(&part, to).map_err(Trouble::Disk));
    if let Err(trouble) = done {
        let _ = std::fs::remove_file(&part);
        return Err(match trouble {
            Trouble::Disk(error) => {
                let MediaError { kind, message } = MediaError::from(error);
                MediaError::new(kind, format!("failed to finish {}: {message}", to.display()))
            }
            Trouble::Bad(bad) => {
                MediaError::new(FailureKind::BadInput, format!("failed to finish {}: {bad}", from.display()))
            }
        });
    }
    // The result is whole; a leftover is only untidy, and the job's folder goes with the job.
    let _ = std::fs::remove_file(from);
    Ok(())
}

/// Why it did not work: the disk, or the file itself.
#[derive(Debug)]
enum Trouble {
    Disk(std::io::Error),
    Bad(Bad),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            Self::Bad(Bad("it is cut off"))
        } else {
            Self::Disk(error)
        }
    }
}

impl From<Bad> for Trouble {
    fn from(bad: Bad) -> Self {
        Self::Bad(bad)
    }
}

/// A box at the top of the file.
#[derive(Debug, Clone, Copy)]
struct Top {
    kind: Kind,
    at: u64,
    header: u64,
    size: u64,
}

fn rewrite(from: &Path, to: &Path, finish: &Finish) -> Result<(), Trouble> {
    let mut file = File::open(from)?;
    let tops = top_level(&mut file)?;
    let only = |kind: Kind| tops.iter().find(|top| top.kind == kind);
    if only(*b"moof").is_some() {
        return Err(Bad("it is fragmented").into());
    }
    let moov = *only(*b"moov").ok_or(Bad("it has no index"))?;
    if moov.size > LARGEST_INDEX {
        return Err(Bad("its index is too large").into());
    }
    let mut bytes = vec![0; (moov.size - moov.header) as usize];
    file.seek(SeekFrom::Start(moov.at + moov.header))?;
    file.read_exact(&mut bytes)?;
    let mut index = Atom::parse(*b"moov", &bytes)?;
    edit(&mut index, finish)?;

    let kept: Vec<Top> = only(*b"ftyp")
        .into_iter()
        .chain(tops.iter().filter(|top| top.kind != *b"ftyp" && top.kind != *b"moov"))
        .copied()
        .collect();
    let begins_with_type = kept.first().is_some_and(|top| top.kind == *b"ftyp");
    move_chunks(&mut index, &kept, begins_with_type)?;

    let mut out = BufWriter::with_capacity(1 << 20, File::create(to)?);
    if !begins_with_type {
        out.write_all(&index.written()?)?;
    }
    for (position, top) in kept.iter().enumerate() {
        file.seek(SeekFrom::Start(top.at))?;
        let copied = std::io::copy(&mut BufReader::with_capacity(1 << 20, &file).take(top.size), &mut out)?;
        if copied != top.size {
            return Err(Bad("it is cut off").into());
        }
        if position == 0 && begins_with_type {
            out.write_all(&index.written()?)?;
        }
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    Ok(())
}

/// The boxes of the whole file, without their contents.
fn top_level(file: &mut File) -> Result<Vec<Top>, Trouble> {
    let end = file.metadata()?.len();
    let (mut at, mut tops) = (0, Vec::new());
    while at < end {
        if end - at < 8 || tops.len() > 1000 {
            return Err(Bad("it is not an MP4").into());
        }
        let mut head = [0; 16];
        let long = 16.min(end - at) as usize;
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut head[..long])?;
        let (header, size) = match u32_at(&head, 0)? {
            0 => (8, end - at),
            1 if long == 16 => (16, u64_at(&head, 8)?),
            size => (8, u64::from(size)),
        };
        if size < header || size > end - at {
            return Err(Bad("it is cut off or not an MP4").into());
        }
        tops.push(Top { kind: [head[4], head[5], head[6], head[7]], at, header, size });
        at += size;
    }
    Ok(tops)
}

/// Sets times, lengths and chapters; the data's places come later.
fn edit(index: &mut Atom, finish: &Finish) -> Result<(), Bad> {
    let header = index.child(*b"mvhd").and_then(Atom::bytes).ok_or(Bad("its index has no header"))?;
    let scale = u64::from(u32_at(header, if header.first() == Some(&1) { 20 } else { 12 })?);
    if scale == 0 || finish.fps.num == 0 {
        return Err(Bad("its clock stands still"));
    }
    let (num, den) = (u128::from(finish.fps.num), u128::from(finish.fps.den));
    let length = ((u128::from(finish.frames.0) * den * u128::from(scale) + num / 2) / num) as u64;
    set_header(index.child_mut(*b"mvhd").and_then(Atom::bytes_mut), Some(length), 4)?;
    for track in index.children_mut().iter_mut().filter(|atom| atom.kind == *b"trak") {
        edit_track(track, scale, length, finish.aac_priming)?;
    }
    if !finish.chapters.is_empty() {
        let data = index.child_or_new(*b"udta");
        data.children_mut().retain(|atom| atom.kind != *b"chpl");
        data.children_mut().push(Atom::leaf(*b"chpl", chapter_list(finish.chapters)));
    }
    Ok(())
}

/// Zeroes the two times of a versioned header and sets its length, which stands `gap` bytes after them: `mvhd` has
/// the clock in between, `tkhd` the track's number and a reserved word.
fn set_header(bytes: Option<&mut Vec<u8>>, length: Option<u64>, gap: usize) -> Result<(), Bad> {
    let bytes = bytes.ok_or(Bad("a header is missing"))?;
    let wide = bytes.first() == Some(&1);
    let times = if wide { 4..20 } else { 4..12 };
    let at = times.end + gap;
    bytes.get_mut(times).ok_or(Bad("a header is too short"))?.fill(0);
    let Some(length) = length else { return Ok(()) };
    boxes::put(bytes, at, length, wide)
}

fn edit_track(track: &mut Atom, scale: u64, length: u64, priming: Option<u32>) -> Result<(), Bad> {
    let media = track.child_mut(*b"mdia").ok_or(Bad("a track has no media"))?;
    let handler = media.child(*b"hdlr").and_then(Atom::bytes).ok_or(Bad("a track has no handler"))?;
    let sounds = handler.get(8..12) == Some(b"soun");
    let header = media.child(*b"mdhd").and_then(Atom::bytes).ok_or(Bad("a track has no header"))?;
    let wide = header.first() == Some(&1);
    let media_scale = u64::from(u32_at(header, if wide { 20 } else { 12 })?);
    let media_length = if wide { u64_at(header, 24)? } else { u64::from(u32_at(header, 16)?) };
    set_header(media.child_mut(*b"mdhd").and_then(Atom::bytes_mut), None, 0)?;
    let mut shown = length;
    if let (true, Some(priming)) = (sounds, priming) {
        let there = u128::from(media_length.saturating_sub(u64::from(priming))) * u128::from(scale);
        if media_scale > 0 {
            // Never more than there is: a player would wait for it.
            shown = shown.min((there / u128::from(media_scale)) as u64);
        }
        let list = Atom::leaf(*b"elst", boxes::edit_list(shown, priming)?);
        let edits = track.child_or_new(*b"edts");
        edits.children_mut().retain(|atom| atom.kind != *b"elst");
        edits.children_mut().push(list);
        track.move_after(*b"edts", *b"tkhd");
    } else if let Some(list) =
        track.child_mut(*b"edts").and_then(|edits| edits.child_mut(*b"elst")).and_then(Atom::bytes_mut)
    {
        let wide = list.first() == Some(&1);
        let count = u32_at(list, 4)? as usize;
        if count > 0 {
            let entry = if wide { 20usize } else { 12 };
            boxes::put(list, 8usize.saturating_add((count - 1).saturating_mul(entry)), length, wide)?;
        }
    }
    set_header(track.child_mut(*b"tkhd").and_then(Atom::bytes_mut), Some(shown), 8)
}

/// The body of a `chpl` box: version 1, times in units of 100 ns.
fn chapter_list(chapters: &[Chapter]) -> Vec<u8> {
    let chapters = &chapters[..chapters.len().min(MOST_CHAPTERS)];
    let mut bytes = vec![1, 0, 0, 0, 0, 0, 0, 0, chapters.len() as u8];
    for chapter in chapters {
        bytes.extend((chapter.start_ms.saturating_mul(10_000)).to_be_bytes());
        let title = &chapter.title[..chapter.title.floor_char_boundary(LONGEST_TITLE)];
        bytes.push(title.len() as u8);
        bytes.extend(title.as_bytes());
    }
    bytes
}

/// Corrects where the data's chunks are, now that the index stands before them.
fn move_chunks(index: &mut Atom, kept: &[Top], begins_with_type: bool) -> Result<(), Bad> {
    // With 64-bit places the index is larger, which moves the data again: at most once.
    for wide in [false, true] {
        let mut moved = index.clone();
        moved.each_chunk_list(&mut |list| {
            if wide {
                boxes::widen(list)?;
            }
            Ok(())
        })?;
        let size = moved.size();
        let mut at = if begins_with_type { 0 } else { size };
        let mut places = Vec::with_capacity(kept.len());
        for (position, top) in kept.iter().enumerate() {
            places.push((top.at..top.at + top.size, at));
            at += top.size;
            if position == 0 && begins_with_type {
                at += size;
            }
        }
        let place = |old: u64| {
            let (range, new) = places.iter().find(|(range, _)| range.contains(&old))?;
            Some(new + (old - range.start))
        };
        let mut fits = true;
        moved.each_chunk_list(&mut |list| {
            fits &= boxes::replace_chunks(list, place)?;
            Ok(())
        })?;
        if fits {
            *index = moved;
            return Ok(());
        }
    }
    Err(Bad("its data cannot be placed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A place that still fits 32 bits where the muxer wrote it may not fit once the index stands before the data.
    #[test]
    fn places_that_no_longer_fit_are_written_wide() {
        let (near, far) = (40u32, u32::MAX - 10);
        let mut list = vec![0, 0, 0, 0, 0, 0, 0, 2];
        list.extend(near.to_be_bytes());
        list.extend(far.to_be_bytes());
        let mut index = Atom::leaf(*b"moov", Vec::new());
        index.child_or_new(*b"stbl").children_mut().push(Atom::leaf(*b"stco", list));
        let kept = [
            Top { kind: *b"ftyp", at: 0, header: 8, size: 32 },
            Top { kind: *b"mdat", at: 32, header: 16, size: 6 << 30 },
        ];
        move_chunks(&mut index, &kept, true).unwrap();
        let size = index.size();
        let moved = index.child(*b"stbl").and_then(|table| table.child(*b"co64")).and_then(Atom::bytes).unwrap();
        assert_eq!(u64_at(moved, 8), Ok(u64::from(near) + size));
        assert_eq!(u64_at(moved, 16), Ok(u64::from(far) + size));
    }
}
