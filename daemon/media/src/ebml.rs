//! EBML: what the head of a Matroska file says of a codec that has no name of its own in Matroska (RFC 8794, RFC 9559).
//! Every read is bounds-checked: garbage gives nothing, never a panic.

use std::{io::Read, path::Path};

use crate::source;

/// How much of a file is looked at: the streams are described before the first picture.
const HEAD: u64 = 1 << 20;
const SEGMENT: u32 = 0x1853_8067;
const TRACKS: u32 = 0x1654_ae6b;
const TRACK: u32 = 0xae;
const CODEC: u32 = 0x86;
const PRIVATE: u32 = 0x63a2;

/// The letters of the codec inside a wrapper of `QuickTime`'s, e.g. `cvid` inside `V_QUICKTIME`, of the first such stream.
pub fn letters(path: &Path, wrapper: &str) -> Option<String> {
    let mut head = Vec::new();
    source::open(path).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
    wrapped(&head, wrapper)
}

fn wrapped(head: &[u8], wrapper: &str) -> Option<String> {
    let streams = elements(find(find(head, SEGMENT)?, TRACKS)?).filter(|(id, _)| *id == TRACK);
    let letters = |stream| {
        let private = (find(stream, CODEC)? == wrapper.as_bytes()).then(|| find(stream, PRIVATE))??;
        // It is an entry of the table of an MP4: its length, and its letters.
        let letters = std::str::from_utf8(private.get(4..8)?).ok()?.trim_end();
        (!letters.is_empty() && letters.chars().all(|one| one.is_ascii_graphic())).then(|| letters.to_owned())
    };
    streams.map(|(_, stream)| stream).find_map(letters)
}

fn find(data: &[u8], wanted: u32) -> Option<&[u8]> {
    elements(data).find(|(id, _)| *id == wanted).map(|(_, body)| body)
}

/// Elements one after the other, each with as much of its body as there is.
fn elements(mut data: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    std::iter::from_fn(move || {
        let (id, rest) = number(data, false)?;
        let (size, rest) = number(rest, true)?;
        let (body, after) = rest.split_at(usize::try_from(size).ok()?.min(rest.len()));
        data = after;
        Some((u32::try_from(id).ok()?, body))
    })
}

/// A number whose first byte says how long it is, with or without the bit that says it. One of all bits is unknown, and so
/// more than there is.
fn number(data: &[u8], plain: bool) -> Option<(u64, &[u8])> {
    let first = *data.first()?;
    let length = first.leading_zeros() as usize + 1;
    let (bytes, rest) = (data.get(..length.min(8))?, data.get(length.min(8)..)?);
    let whole = bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let mask = (1u64 << (7 * length.min(8))) - 1;
    let value = if plain { whole & mask } else { whole };
    Some((if plain && value == mask { u64::MAX } else { value }, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
        [id, &[0x40, body.len() as u8], body].concat()
    }

    #[test]
    fn the_codec_inside_a_wrapper_is_found() {
        let stream = |name: &str, private: &[u8]| {
            element(&[0xae], &[element(&[0x86], name.as_bytes()), element(&[0x63, 0xa2], private)].concat())
        };
        let streams = [stream("A_AAC", b"\x12\x10"), stream("V_QUICKTIME", b"\0\0\0\x5agif \0\0")].concat();
        let tracks = element(&[0x16, 0x54, 0xae, 0x6b], &streams);
        // A file that was written into a pipe does not say how long it is.
        let segment = [&[0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &tracks[..]].concat();
        let whole = [element(&[0x1a, 0x45, 0xdf, 0xa3], b""), segment].concat();
        assert_eq!(wrapped(&whole, "V_QUICKTIME").as_deref(), Some("gif"));
        assert_eq!(wrapped(&whole, "A_QUICKTIME"), None);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = wrapped(&bytes, "V_QUICKTIME");
            let _ = elements(&bytes).count();
        }
    }
}
