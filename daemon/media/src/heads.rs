//! What the head of a sound file says, checked before a decoder sees it: decoders wait for ever, or make hours of sound out
//! of a few bytes, where a head is wrong.

use std::{
    fs::File,
    io::{BufReader, ErrorKind, Read, Seek, SeekFrom},
    path::Path,
};

use studio_core::resample::RATES;

use crate::{MediaError, codecs, source};

/// Most blocks before the sound: a file of people's has a handful.
const MOST_BLOCKS: u32 = 4096;
/// A claimed length from here on is what programs write that do not know it yet, as into a pipe.
const UNKNOWN_BYTES: u32 = 0x7fff_f000;
/// Forms of a WAV that need no decoder: whole numbers, floats, and the extended form where it does not say more.
const PLAIN: [u16; 3] = [1, 3, EXTENDED];
/// The form that says its real one further on.
const EXTENDED: u16 = 0xfffe;
/// Length of the block that opens every FLAC file (RFC 9639, 8.2).
const STREAM_INFO: u32 = 34;

/// What a head says of its sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundHead {
    /// Samples per second.
    pub rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// Samples per channel; `None` when only decoding tells.
    pub samples: Option<u64>,
}

/// Why a head is not read.
enum Fault {
    Disk(std::io::Error),
    /// The file ends before its sound does.
    CutOff(String),
    Damaged(String),
    /// It is whole, and of a kind that is not decoded.
    Unread(String),
    /// There is nothing after the head.
    Silent,
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::CutOff("its head is incomplete".into()),
            _ => Self::Disk(error),
        }
    }
}

/// The head of a WAV.
///
/// # Errors
/// It is damaged, or cut off: shorter than it says; or its sound is coded.
pub fn wav(path: &Path) -> Result<SoundHead, MediaError> {
    read(path, wav_head)
}

/// The head of a FLAC file.
///
/// # Errors
/// It is damaged, or ends before its sound begins.
pub fn flac(path: &Path) -> Result<SoundHead, MediaError> {
    read(path, flac_head)
}

/// A file and its length.
type Bytes = BufReader<File>;

fn read(path: &Path, head: fn(&mut Bytes, u64) -> Result<SoundHead, Fault>) -> Result<SoundHead, MediaError> {
    let name = path.display().to_string();
    let file = source::open(path)?;
    let length = file.metadata().map_err(Fault::Disk).map(|about| about.len());
    let found = length.and_then(|length| head(&mut BufReader::new(file), length)).and_then(|head| {
        if RATES.contains(&head.rate) {
            return Ok(head);
        }
        let (least, most) = (RATES.start(), RATES.end());
        Err(Fault::Damaged(format!("it has {} samples a second, not {least} to {most}", head.rate)))
    });
    let found = found.and_then(|head| if head.samples == Some(0) { Err(Fault::Silent) } else { Ok(head) });
    found.map_err(|fault| match fault {
        Fault::Disk(error) => MediaError::io(&format!("failed to read {name}"), &error),
        Fault::CutOff(what) => MediaError::cut_off(&name, &what),
        Fault::Damaged(what) => MediaError::damaged(&name, &what),
        Fault::Unread(what) => MediaError::input(format!(
            "{name}: it cannot be decoded: {what}; save it as FLAC, or as WAV of plain samples (PCM)"
        )),
        Fault::Silent => MediaError::silent(&name),
    })
}

fn take<const N: usize>(file: &mut Bytes) -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Past `bytes` of the file, unless it ends before.
fn skip(file: &mut Bytes, bytes: u64, length: u64) -> Result<(), Fault> {
    let at = file.stream_position()?;
    if at.checked_add(bytes).is_none_or(|end| end > length) {
        return Err(Fault::CutOff("its head is incomplete".into()));
    }
    file.seek(SeekFrom::Start(at + bytes))?;
    Ok(())
}

/// Chunks up to the one with the sound.
fn wav_head(file: &mut Bytes, length: u64) -> Result<SoundHead, Fault> {
    let head: [u8; 12] = take(file)?;
    let larger = match &head[..4] {
        b"riff" => Err(Fault::Unread("it is a W64 file".into())),
        b"BW64" => Err(Fault::Unread("it is a BW64 file".into())),
        id => Ok(id == b"RF64"),
    }?;
    let (mut form, mut wide) = (None, None);
    for _ in 0..MOST_BLOCKS {
        let id: [u8; 4] = take(file)?;
        let size = u32::from_le_bytes(take(file)?);
        match &id {
            b"fmt " if size < 16 => return Err(Fault::Damaged("its form is not said".into())),
            b"fmt " => {
                let (said, mut rest): ([u8; 16], _) = (take(file)?, size - 16);
                let mut tag = u16::from_le_bytes([said[0], said[1]]);
                if tag == EXTENDED && rest >= 10 {
                    skip(file, 8, length)?;
                    (tag, rest) = (u16::from_le_bytes(take(file)?), rest - 10);
                }
                if !PLAIN.contains(&tag) {
                    return Err(Fault::Unread(format!("its sound is {}", codecs::name_of_tag(tag))));
                }
                form = Some(said);
                skip(file, u64::from(rest) + u64::from(size % 2), length)?;
            }
            // Where the sizes are that four bytes cannot hold (EBU Tech 3306).
            b"ds64" if larger && size >= 16 => {
                skip(file, 8, length)?;
                wide = Some(u64::from_le_bytes(take(file)?));
                skip(file, u64::from(size - 16) + u64::from(size % 2), length)?;
            }
            b"data" => {
                let form = form.ok_or_else(|| Fault::Damaged("its form is not said before its sound".into()))?;
                // Nobody who wrote into a pipe could go back and say how much it was.
                let claimed = if size == u32::MAX { wide } else { None };
                let claimed = claimed.or((size < UNKNOWN_BYTES).then_some(u64::from(size)));
                return wav_sound(form, claimed, length - file.stream_position()?.min(length));
            }
            // An odd chunk is followed by a byte that belongs to nothing.
            _ => skip(file, u64::from(size) + u64::from(size % 2), length)?,
        }
    }
    Err(Fault::Damaged(format!("its sound does not come within its first {MOST_BLOCKS} chunks")))
}

/// Compares what the form and the length, where it is known, say with the bytes that are there.
fn wav_sound(form: [u8; 16], claimed: Option<u64>, there: u64) -> Result<SoundHead, Fault> {
    let two = |at: usize| u64::from(u16::from_le_bytes([form[at], form[at + 1]]));
    let (channels, block) = (two(2), two(12));
    let rate = u32::from_le_bytes([form[4], form[5], form[6], form[7]]);
    if channels == 0 || block == 0 {
        return Err(Fault::Damaged("its form makes no sense: samples without bytes".into()));
    }
    // A length of nothing before sound is one that nobody came back to write.
    let claimed = claimed.filter(|claimed| *claimed > 0 || there < block).unwrap_or(there);
    if claimed >= there + block {
        let seconds = |bytes: u64| bytes as f64 / block as f64 / f64::from(rate.max(1));
        let (there, claimed) = (seconds(there), seconds(claimed));
        let much = if claimed - there >= 0.1 { of_seconds(there, claimed) } else { "its end is missing".into() };
        return Err(Fault::CutOff(much));
    }
    Ok(SoundHead { rate, channels: channels as u32, samples: Some(claimed.min(there) / block) })
}

/// Blocks up to the first frame (RFC 9639, 8 and 9.1).
fn flac_head(file: &mut Bytes, length: u64) -> Result<SoundHead, Fault> {
    skip(file, 4, length)?;
    let mut found = None;
    for _ in 0..MOST_BLOCKS {
        let [kind, size @ ..]: [u8; 4] = take(file)?;
        let size = u32::from_be_bytes([0, size[0], size[1], size[2]]);
        match (found, kind & 0x7f) {
            (None, 0) if size == STREAM_INFO => {
                skip(file, 10, length)?;
                let packed = u64::from_be_bytes(take(file)?);
                skip(file, 16, length)?;
                found = Some(SoundHead {
                    rate: (packed >> 44) as u32,
                    channels: ((packed >> 41) & 7) as u32 + 1,
                    samples: Some(packed & 0xf_ffff_ffff).filter(|samples| *samples > 0),
                });
            }
            (None, _) | (Some(_), 0) => return Err(Fault::Damaged("its form is not said where it belongs".into())),
            (Some(_), _) => skip(file, u64::from(size), length)?,
        }
        let Some(head) = found.filter(|_| kind & 0x80 != 0) else { continue };
        return match take(file)? {
            [0xff, 0xf8 | 0xf9] => Ok(head),
            _ => Err(Fault::Damaged("its sound does not begin where its head ends".into())),
        };
    }
    Err(Fault::Damaged(format!("its sound does not come within its first {MOST_BLOCKS} blocks")))
}

/// How much of a sound is there, for people.
pub fn of_seconds(there: f64, claimed: f64) -> String {
    format!("{there:.1} s of {claimed:.1} s are there")
}
