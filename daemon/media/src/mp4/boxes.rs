//! Boxes: the tree of an MP4's index, with every byte that is not changed kept as it was.

/// Four letters that name a box.
pub type Kind = [u8; 4];

/// A file that is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Bad(pub &'static str);

/// Boxes that hold only boxes; all others are bytes.
const FOLDERS: [Kind; 8] = [*b"moov", *b"trak", *b"edts", *b"mdia", *b"minf", *b"stbl", *b"udta", *b"dinf"];

/// A box of an MP4: bytes, or the boxes inside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Atom {
    /// The four letters that name it, e.g. `moov`.
    pub kind: Kind,
    body: Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Bytes(Vec<u8>),
    Boxes(Vec<Atom>),
}

impl Atom {
    /// A box of bytes.
    pub fn leaf(kind: Kind, bytes: Vec<u8>) -> Self {
        Self { kind, body: Body::Bytes(bytes) }
    }

    /// Reads the body of a box, and of those inside it.
    pub fn parse(kind: Kind, bytes: &[u8]) -> Result<Self, Bad> {
        Self::parse_inside(kind, bytes, 0)
    }

    fn parse_inside(kind: Kind, bytes: &[u8], depth: u32) -> Result<Self, Bad> {
        if !FOLDERS.contains(&kind) || depth > 8 {
            return Ok(Self::leaf(kind, bytes.to_vec()));
        }
        let (mut at, mut boxes) = (0, Vec::new());
        while bytes.len() - at >= 8 {
            let (header, size) = match u32_at(bytes, at)? {
                0 => (8, bytes.len() - at),
                1 => (16, usize::try_from(u64_at(bytes, at + 8)?).map_err(|_| Bad("a box is too large"))?),
                size => (8, size as usize),
            };
            let kind = [bytes[at + 4], bytes[at + 5], bytes[at + 6], bytes[at + 7]];
            let end = at.checked_add(size).ok_or(Bad("a box is too large"))?;
            if size < header {
                return Err(Bad("a box is too small"));
            }
            let body = bytes.get(at + header..end).ok_or(Bad("a box is cut off"))?;
            boxes.push(Self::parse_inside(kind, body, depth + 1)?);
            at = end;
        }
        // QuickTime ends user data with four zero bytes; they may go.
        if bytes[at..].iter().any(|byte| *byte != 0) {
            return Err(Bad("a box is cut off"));
        }
        Ok(Self { kind, body: Body::Boxes(boxes) })
    }

    /// Its bytes, unless it holds boxes.
    pub fn bytes(&self) -> Option<&[u8]> {
        if let Body::Bytes(bytes) = &self.body { Some(bytes) } else { None }
    }

    /// Its bytes to change, unless it holds boxes.
    pub fn bytes_mut(&mut self) -> Option<&mut Vec<u8>> {
        if let Body::Bytes(bytes) = &mut self.body { Some(bytes) } else { None }
    }

    /// The boxes in it; a box of bytes becomes an empty folder first.
    pub fn children_mut(&mut self) -> &mut Vec<Self> {
        if let Body::Bytes(_) = self.body {
            self.body = Body::Boxes(Vec::new());
        }
        match &mut self.body {
            Body::Boxes(boxes) => boxes,
            Body::Bytes(_) => unreachable!("made a folder above"),
        }
    }

    /// The first box of a kind in it.
    pub fn child(&self, kind: Kind) -> Option<&Self> {
        if let Body::Boxes(boxes) = &self.body { boxes.iter().find(|atom| atom.kind == kind) } else { None }
    }

    /// The first box of a kind in it, to change.
    pub fn child_mut(&mut self, kind: Kind) -> Option<&mut Self> {
        if let Body::Boxes(boxes) = &mut self.body { boxes.iter_mut().find(|atom| atom.kind == kind) } else { None }
    }

    /// The first folder of a kind in it, made at the end when there is none.
    pub fn child_or_new(&mut self, kind: Kind) -> &mut Self {
        let boxes = self.children_mut();
        let at = boxes.iter().position(|atom| atom.kind == kind).unwrap_or_else(|| {
            boxes.push(Self { kind, body: Body::Boxes(Vec::new()) });
            boxes.len() - 1
        });
        &mut boxes[at]
    }

    /// Puts the box `kind` right after the box `before`.
    pub fn move_after(&mut self, kind: Kind, before: Kind) {
        let boxes = self.children_mut();
        let Some(from) = boxes.iter().position(|atom| atom.kind == kind) else { return };
        let atom = boxes.remove(from);
        let to = boxes.iter().position(|atom| atom.kind == before).map_or(0, |at| at + 1);
        boxes.insert(to, atom);
    }

    /// Calls `change` for every list of chunk places (`stco`, `co64`) below.
    pub fn each_chunk_list(&mut self, change: &mut dyn FnMut(&mut Self) -> Result<(), Bad>) -> Result<(), Bad> {
        if matches!(&self.kind, b"stco" | b"co64") {
            return change(self);
        }
        if let Body::Boxes(boxes) = &mut self.body {
            for atom in boxes {
                atom.each_chunk_list(change)?;
            }
        }
        Ok(())
    }

    /// Bytes of the box as written.
    pub fn size(&self) -> u64 {
        8 + match &self.body {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::Boxes(boxes) => boxes.iter().map(Self::size).sum(),
        }
    }

    /// The box as written.
    pub fn written(&self) -> Result<Vec<u8>, Bad> {
        let mut out = Vec::with_capacity(self.size() as usize);
        self.write(&mut out)?;
        Ok(out)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Bad> {
        let size = u32::try_from(self.size()).map_err(|_| Bad("a box is too large"))?;
        out.extend(size.to_be_bytes());
        out.extend(self.kind);
        match &self.body {
            Body::Bytes(bytes) => out.extend(bytes),
            Body::Boxes(boxes) => boxes.iter().try_for_each(|atom| atom.write(out))?,
        }
        Ok(())
    }
}

/// The number of four bytes at `at`.
pub fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Bad> {
    let end = at.checked_add(4).ok_or(Bad("a box is cut off"))?;
    let four = bytes.get(at..end).and_then(|four| four.try_into().ok()).ok_or(Bad("a box is cut off"))?;
    Ok(u32::from_be_bytes(four))
}

/// The number of eight bytes at `at`.
pub fn u64_at(bytes: &[u8], at: usize) -> Result<u64, Bad> {
    let high = u32_at(bytes, at)?;
    let low = u32_at(bytes, at.saturating_add(4))?;
    Ok(u64::from(high) << 32 | u64::from(low))
}

/// Writes a number of eight (`wide`) or four bytes over what is at `at`.
pub fn put(bytes: &mut [u8], at: usize, value: u64, wide: bool) -> Result<(), Bad> {
    let long = value.to_be_bytes();
    let new = if wide { &long[..] } else { &long[4..] };
    if !wide && value > u64::from(u32::MAX) {
        return Err(Bad("it is too long for its clock"));
    }
    let end = at.checked_add(new.len()).ok_or(Bad("a box is cut off"))?;
    bytes.get_mut(at..end).ok_or(Bad("a box is cut off"))?.copy_from_slice(new);
    Ok(())
}

/// The body of an edit list (`elst`, version 0) with one entry: show `length` of the film's clock from `media_time`
/// of the track's own clock on, at normal speed.
pub fn edit_list(length: u64, media_time: u32) -> Result<Vec<u8>, Bad> {
    let mut bytes = vec![0; 20];
    put(&mut bytes, 4, 1, false)?;
    put(&mut bytes, 8, length, false)?;
    put(&mut bytes, 12, u64::from(media_time), false)?;
    put(&mut bytes, 16, 0x0001_0000, false)?;
    Ok(bytes)
}

/// Turns a list of 32-bit places (`stco`) into one of 64 bits (`co64`).
pub fn widen(list: &mut Atom) -> Result<(), Bad> {
    if list.kind == *b"co64" {
        return Ok(());
    }
    let bytes = list.bytes_mut().ok_or(Bad("a chunk list is missing"))?;
    let mut wide = bytes.get(..8).ok_or(Bad("a box is cut off"))?.to_vec();
    for place in bytes[8..].chunks_exact(4) {
        wide.extend([0; 4]);
        wide.extend(place);
    }
    *bytes = wide;
    list.kind = *b"co64";
    Ok(())
}

/// Replaces every place in a chunk list by `place` of it; `false` when one does not fit the list's width.
pub fn replace_chunks(list: &mut Atom, place: impl Fn(u64) -> Option<u64>) -> Result<bool, Bad> {
    let wide = list.kind == *b"co64";
    let bytes = list.bytes_mut().ok_or(Bad("a chunk list is missing"))?;
    let (count, each) = (u32_at(bytes, 4)? as usize, if wide { 8 } else { 4 });
    if (bytes.len() - 8) / each < count {
        return Err(Bad("a chunk list is cut off"));
    }
    for entry in 0..count {
        let at = 8 + entry * each;
        let old = if wide { u64_at(bytes, at)? } else { u64::from(u32_at(bytes, at)?) };
        let new = place(old).ok_or(Bad("its index points outside the file"))?;
        if !wide && new > u64::from(u32::MAX) {
            return Ok(false);
        }
        put(bytes, at, new, wide)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tree_survives_its_bytes() {
        let mut tree = Atom { kind: *b"moov", body: Body::Boxes(vec![Atom::leaf(*b"mvhd", vec![0; 100])]) };
        tree.child_or_new(*b"udta").children_mut().push(Atom::leaf(*b"name", b"studio".to_vec()));
        let bytes = tree.written().unwrap();
        assert_eq!(bytes.len() as u64, tree.size());
        assert_eq!(Atom::parse(*b"moov", &bytes[8..]), Ok(tree));
    }

    #[test]
    fn places_above_four_gigabytes_need_the_wide_list() {
        let mut list = Atom::leaf(*b"stco", [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 40].to_vec());
        let far = |old: u64| Some(old + 5_000_000_000);
        assert_eq!(replace_chunks(&mut list.clone(), far), Ok(false));
        widen(&mut list).unwrap();
        assert_eq!(replace_chunks(&mut list, far), Ok(true));
        assert_eq!(u64_at(list.bytes().unwrap(), 8), Ok(5_000_000_040));
        assert_eq!(list.kind, *b"co64");
    }

    proptest! {
        #[test]
        fn garbage_is_refused_and_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Atom::parse(*b"moov", &bytes);
            let mut list = Atom::leaf(*b"stco", bytes);
            let _ = replace_chunks(&mut list, Some);
            let _ = widen(&mut list);
        }
    }
}
