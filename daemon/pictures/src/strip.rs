//! Strip: what a JPEG or PNG carries beside its pixels is left out, without compressing the pixels again.

use img_parts::{Bytes, jpeg, jpeg::markers, png};

/// The end of a JPEG.
const END: [u8; 2] = [0xFF, markers::EOI];

/// Whether a JPEG reaches its end.
pub fn ends(bytes: &[u8]) -> bool {
    bytes.windows(2).rev().any(|pair| pair == END)
}

/// A JPEG with nothing but what its pixels need; `None`: its layout is unusual, or something hides behind its pixels.
pub fn jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut picture = jpeg::Jpeg::from_bytes(Bytes::copy_from_slice(bytes)).ok()?;
    picture.segments_mut().retain(is_needed);
    let frame =
        picture.segments().iter().find(|segment| (markers::SOF0..=markers::SOF2).contains(&segment.marker()))?;
    // Four inks: programs disagree how they become red, green and blue.
    if !matches!(frame.contents().get(5), Some(1 | 3)) {
        return None;
    }
    let clean = picture.encoder().bytes();
    // From the first scan on everything is copied: further texts, or another picture, could stand there. Tables of
    // a progressive JPEG may look like a text by chance: then it is encoded anew, which costs room and nothing else.
    let scan = clean.windows(2).position(|pair| pair == [0xFF, markers::SOS])?;
    let pairs = || clean[scan..].windows(2);
    let hidden = pairs().any(|pair| pair[0] == 0xFF && is_text(pair[1]));
    let first_end = pairs().position(|pair| pair == END)?;
    (!hidden && scan + first_end + END.len() == clean.len()).then(|| clean.to_vec())
}

/// Markers of what programs write for each other.
fn is_text(marker: u8) -> bool {
    matches!(marker, markers::APP0..=markers::APP15 | markers::COM)
}

/// A plain JFIF head, without its small preview, and Adobe's say how the colours are meant.
fn is_needed(segment: &jpeg::JpegSegment) -> bool {
    let says = |name: &[u8], length: usize| segment.contents().starts_with(name) && segment.contents().len() == length;
    match segment.marker() {
        markers::APP0 => says(b"JFIF\0", 14),
        markers::APP14 => says(b"Adobe", 12),
        marker => !is_text(marker),
    }
}

/// A PNG with nothing but what its pixels need; `None`: it has to be encoded anew.
pub fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    const NEEDED: [[u8; 4]; 4] = [*b"IHDR", *b"PLTE", *b"IDAT", *b"IEND"];
    let mut picture = png::Png::from_bytes(Bytes::copy_from_slice(bytes)).ok()?;
    // Programs that train read more than 8 bits a colour each in their own way.
    if picture.chunk_by_type(*b"IHDR")?.contents().get(8).is_none_or(|depth| *depth > 8) {
        return None;
    }
    picture.chunks_mut().retain(|chunk| NEEDED.contains(&chunk.kind()));
    Some(picture.encoder().bytes().to_vec())
}
