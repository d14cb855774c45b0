//! Print: what a picture is recognised by when it comes again, smaller, cut, mirrored, brighter or compressed anew.
//!
//! Each view of it is hashed twice with 256 bits, by the signs of its frequencies and by those of its gradients: a hash of 64
//! bits takes another pose on a plain ground for a copy. The views are the subject without plain ground around it, its mirror
//! image, and the subjects that would be left if the picture were cut, so that a picture is found by a part of it.

use std::{path::Path, sync::LazyLock};

use image::{GrayImage, RgbImage};
use image_hasher::{HashAlg, Hasher, HasherConfig};
use sha2::{Digest, Sha256};
use studio_core::{
    dataset::{Part, Print, Small, View},
    ids::ContentHash,
};

use crate::{
    decode::{self, Refusal},
    plane::{Area, Plane},
};

/// Shares of each side that are cut for the inner views.
const CUTS: [f32; 5] = [0.02, 0.04, 0.06, 0.08, 0.1];
/// How far plain ground may differ from itself, of 255: grain and compression.
const GROUND: f32 = 12.0;
/// Standard deviation of brightness below which a picture is flat, of 255.
const FLAT: f32 = 8.0;
/// Sides of a hash, in bits.
const SIDE: u32 = 16;

static DCT: LazyLock<Hasher<[u8; 32]>> = LazyLock::new(|| {
    let config = HasherConfig::with_bytes_type().hash_size(SIDE, SIDE);
    config.hash_alg(HashAlg::Median).preproc_dct().to_hasher()
});
static GRADIENT: LazyLock<Hasher<[u8; 32]>> =
    LazyLock::new(|| HasherConfig::with_bytes_type().hash_size(SIDE, SIDE).hash_alg(HashAlg::Gradient).to_hasher());

/// The print of a picture.
pub fn print(pixels: &RgbImage) -> Print {
    let plane = Plane::of(pixels);
    let whole = plane.whole();
    let subject = plane.subject(whole, GROUND);
    let mut views = vec![view(&plane, subject, Part::Subject), view(&plane, subject, Part::Mirrored)];
    let mut last = subject;
    for cut in CUTS {
        let inner = plane.subject(whole.cut(cut), GROUND);
        // Of a figure on plain ground a cut may take nothing.
        if inner != last && inner != subject {
            views.push(view(&plane, inner, Part::Inner));
        }
        last = inner;
    }
    let side = Small::SIDE as u32;
    let small = Small::new(plane.sample(whole, side, side, false).into_raw()).expect("as many cells as asked for");
    Print { make: Print::MAKE, pixels: identity(pixels), views, flat: plane.deviation() < FLAT, small }
}

/// DCT and gradient hashes of a picture's subject, and the standard deviation of its brightness: what frames of a video are
/// compared by.
pub(crate) fn subject(pixels: &RgbImage) -> (ContentHash, ContentHash, f32) {
    let plane = Plane::of(pixels);
    let View { dct, gradient, .. } = view(&plane, plane.subject(plane.whole(), GROUND), Part::Subject);
    (dct, gradient, plane.deviation())
}

/// The print of a picture's file.
///
/// # Errors
/// It is no picture that is taken, as [`decode::decode`] says.
pub fn of_file(path: &Path) -> Result<Print, Refusal> {
    Ok(print(&decode::decode(&decode::load(path)?)?.pixels))
}

/// The print of a file that is no picture any more: it is a copy of nothing but itself.
pub fn unreadable(file: ContentHash) -> Print {
    Print::unreadable(file)
}

/// SHA-256 of width, height, and the checksum of each row: of all pixels it would take a third of the time of decoding them.
fn identity(pixels: &RgbImage) -> ContentHash {
    let mut hash = Sha256::new();
    hash.update(pixels.width().to_le_bytes());
    hash.update(pixels.height().to_le_bytes());
    for row in pixels.as_raw().chunks_exact(pixels.width() as usize * 3) {
        hash.update(crc32fast::hash(row).to_le_bytes());
    }
    ContentHash(hash.finalize().into())
}

fn view(plane: &Plane, area: Area, part: Part) -> View {
    let mirrored = part == Part::Mirrored;
    let hash = |hasher: &Hasher<[u8; 32]>, sample: &GrayImage| {
        let mut bits = [0; 32];
        bits.copy_from_slice(hasher.hash_image(sample).as_bytes());
        ContentHash(bits)
    };
    // In exactly the size the hash works on, so that nothing is resized again.
    let dct = hash(&DCT, &plane.sample(area, 2 * SIDE, 2 * SIDE, mirrored));
    let gradient = hash(&GRADIENT, &plane.sample(area, SIDE + 1, SIDE, mirrored));
    View { part, area: plane.shares(area), dct, gradient }
}
