//! Edits: the edit list of an MP4's stream (ISO/IEC 14496-12, 8.6.6), and how to have a demuxer read past it.

use gst::prelude::*;
use gstreamer as gst;

/// A stretch of a stream that is shown; all of it in units of the stream's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edit {
    /// When the stretch begins for who watches.
    pub at: i64,
    /// Where in the stream it begins.
    pub media: i64,
    /// How long it is.
    pub length: i64,
}

impl Edit {
    /// Whether a picture that is shown at this time of the stream begins in it.
    pub fn holds(&self, shown: i64) -> bool {
        (self.media..self.media.saturating_add(self.length)).contains(&shown)
    }
}

/// Longer than any film, and small enough to be added to.
const ENDLESS: i64 = i64::MAX / 4;

/// The stretches of an `elst` box, given its body. Empty edits become the delay of those after them.
pub fn read(list: &[u8], timescale: u32, movie_scale: u32) -> Vec<Edit> {
    let wide = list.first() == Some(&1);
    let mut entries = list.get(8..).unwrap_or_default().chunks_exact(if wide { 20 } else { 12 });
    let (mut at, mut edits) = (0i64, Vec::new());
    for entry in entries.by_ref().take(count(list)) {
        let number = |from: usize, bytes: usize| {
            let field = entry.get(from..from + bytes).unwrap_or_default();
            field.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let (length, media) = if wide {
            (number(0, 8), number(8, 8).cast_signed())
        } else {
            (number(0, 4), i64::from((number(4, 4) as u32).cast_signed()))
        };
        // The list counts in units of the film, rounded to the nearest of the stream's.
        let scale = i128::from(movie_scale.max(1));
        let length = ((i128::from(length) * i128::from(timescale) + scale / 2) / scale).min(i128::from(ENDLESS)) as i64;
        if media >= 0 {
            // Without a length the edit goes on to the end.
            edits.push(Edit { at, media, length: if length == 0 { ENDLESS } else { length } });
        }
        at = at.saturating_add(length).min(ENDLESS);
    }
    edits
}

fn count(list: &[u8]) -> usize {
    list.get(4..8).map_or(0, |four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]) as usize)
}

/// Bytes that a demuxer sees in place of those of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Offset in the file.
    at: u64,
    bytes: Vec<u8>,
}

impl Patch {
    /// What makes the list whose body begins at `at` of the file show everything: one edit, from the start, as long as can be said.
    pub fn of(list: &[u8], at: u64) -> Option<Self> {
        let length = i32::MAX.cast_unsigned();
        let mut bytes = 1u32.to_be_bytes().to_vec();
        if list.first() == Some(&1) {
            bytes.extend(u64::from(length).to_be_bytes());
            bytes.extend(0u64.to_be_bytes());
        } else {
            bytes.extend(length.to_be_bytes());
            bytes.extend(0u32.to_be_bytes());
        }
        bytes.extend(0x0001_0000u32.to_be_bytes());
        (list.len() >= 4 + bytes.len()).then_some(Self { at: at + 4, bytes })
    }

    /// Puts the bytes into whatever `demux` reads of the file.
    pub fn apply(&self, demux: &gst::Element) {
        let patch = self.clone();
        let Some(pad) = demux.static_pad("sink") else { return };
        pad.add_probe(gst::PadProbeType::PULL | gst::PadProbeType::BUFFER, move |_, info| {
            let from = info.offset;
            if let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data {
                patch.put(from, buffer);
            }
            gst::PadProbeReturn::Ok
        });
    }

    fn put(&self, from: u64, buffer: &mut gst::Buffer) {
        let end = from + buffer.size() as u64;
        if end <= self.at || from >= self.at + self.bytes.len() as u64 {
            return;
        }
        // A buffer that cannot be written to stays as the file has it.
        let Ok(mut map) = buffer.make_mut().map_writable() else { return };
        for (byte, place) in self.bytes.iter().zip(self.at..) {
            if let Some(there) = place.checked_sub(from).and_then(|at| map.get_mut(at as usize)) {
                *there = *byte;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_demuxer_sees_one_edit_of_everything() {
        gst::init().unwrap();
        let entry = |length: u32, media: u32| [length, media, 0x0001_0000].map(u32::to_be_bytes).concat();
        let body = [vec![0; 4], 2u32.to_be_bytes().to_vec(), entry(700, 30), entry(200, 10)].concat();
        assert_eq!(
            read(&body, 100, 1000),
            [Edit { at: 0, media: 30, length: 70 }, Edit { at: 70, media: 10, length: 20 }]
        );
        let patch = Patch::of(&body, 100).unwrap();
        let mut whole = gst::Buffer::from_mut_slice([vec![9; 100], body.clone(), vec![9; 10]].concat());
        patch.put(0, &mut whole);
        let seen = whole.map_readable().unwrap().to_vec();
        let all = Edit { at: 0, media: 0, length: i64::from(i32::MAX) };
        assert_eq!(read(&seen[100..100 + body.len()], 100, 100), [all]);
        assert!(seen[..100].iter().chain(&seen[100 + body.len()..]).all(|byte| *byte == 9), "and nothing else changes");
        // Read in two pieces it is the same.
        let mut pieces = [body[..10].to_vec(), body[10..].to_vec()].map(gst::Buffer::from_mut_slice);
        patch.put(100, &mut pieces[0]);
        patch.put(110, &mut pieces[1]);
        let joined = pieces.map(|piece| piece.map_readable().unwrap().to_vec()).concat();
        assert_eq!(joined, seen[100..100 + body.len()]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), scale: u32, movie: u32) {
            let _ = read(&bytes, scale, movie);
            let _ = Patch::of(&bytes, 3);
        }
    }
}
