//! Decode: a file of unknown origin becomes upright RGB pixels, or is refused in one sentence.
//!
//! What a file is follows from its content, never from its name. Its size is read from its head before a pixel is decoded, so
//! a small file that claims to be huge costs nothing. Transparency is laid on white, as training programs do; a colour
//! profile is turned into sRGB, because what is kept carries none.

use std::{
    fs::File,
    io::{Cursor, Read as _},
    path::{Path, PathBuf},
};

use image::{
    AnimationDecoder, DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, RgbImage,
    codecs::{
        gif::GifDecoder,
        jpeg::JpegDecoder,
        png::{CompressionType, FilterType, PngDecoder, PngEncoder},
        webp::WebPDecoder,
    },
    metadata::Orientation,
};
use moxcms::{ColorProfile, DataColorSpace, Layout, TransformOptions};
use studio_core::units::Size;

use crate::strip;

/// The shortest side of a picture that is taken, in pixels: what is smaller teaches a model nothing.
pub const LEAST_SIDE: u32 = 256;
/// Most pixels of a picture that is taken: 100 megapixels.
pub const MOST_PIXELS: u64 = 100_000_000;
/// Most bytes that the pixels of a picture may take while it is decoded.
const MOST_DECODED: u64 = 4 * MOST_PIXELS;
/// Most bytes of a file that is taken as a picture.
pub const MOST_BYTES: u64 = 256 << 20;

/// Why a file is not taken as a picture, with what can be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The file cannot be read at all; the operating system's words.
    #[error("it cannot be read: {0}; send it again")]
    Unreadable(String),
    /// What is kept of it cannot be written; the operating system's words.
    #[error("it cannot be kept: {0}; make room on the disk and send it again")]
    Unwritable(String),
    /// It has no content.
    #[error("it is empty; send it again")]
    Empty,
    /// More bytes than [`MOST_BYTES`].
    #[error("it has {0} MiB; a picture has at most {limit} MiB: save it smaller", limit = MOST_BYTES >> 20)]
    Heavy(u64),
    /// Something else than a picture, or a kind of picture that is not read; its MIME type when that is known.
    #[error("it is {}, not a picture that can be read; save it as PNG, JPEG, WebP or GIF", .0.unwrap_or("of an unknown kind"))]
    Kind(Option<&'static str>),
    /// A side is shorter than [`LEAST_SIDE`].
    #[error("it has {}x{} pixels; each side needs at least {least}: send a larger one", .0.width, .0.height, least = LEAST_SIDE)]
    Small(Size),
    /// It has more pixels than [`MOST_PIXELS`].
    #[error("it has {}x{} pixels; at most {most} megapixels are read: send a smaller one", .0.width, .0.height, most = MOST_PIXELS / 1_000_000)]
    Large(Size),
    /// Its pixels would take more memory than a picture may.
    #[error("it has {}x{} pixels of more than 8 bits a colour, which is too much to read: save it with 8 bits a colour", .0.width, .0.height)]
    Deep(Size),
    /// It ends too early, or contradicts itself; the decoder's words.
    #[error("it is damaged ({0}); save it again as PNG or JPEG")]
    Damaged(String),
}

/// What a picture was saved as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Png,
    Jpeg,
    WebP,
    Gif,
}

/// A picture from outside, decoded.
#[derive(Debug, Clone)]
pub struct Picture {
    /// Its pixels: upright, opaque, 8 bits a colour, sRGB.
    pub pixels: RgbImage,
    /// What it was saved as.
    pub kind: Kind,
    /// It is an animation: what is taken is its first picture.
    pub animated: bool,
    /// The pixels are those of the file: nothing was turned, laid on white or converted.
    untouched: bool,
}

/// What is kept of a picture: a file that holds pixels and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clean {
    /// The whole file. The same picture gives the same bytes.
    pub bytes: Vec<u8>,
    /// Its file name's ending, `png` or `jpg`.
    pub ending: &'static str,
}

/// The bytes of a file that may be a picture.
///
/// # Errors
/// It cannot be read, is empty, or has more than [`MOST_BYTES`].
pub fn load(path: &Path) -> Result<Vec<u8>, Refusal> {
    let unreadable = |error: std::io::Error| Refusal::Unreadable(error.to_string());
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length > MOST_BYTES {
        return Err(Refusal::Heavy(length >> 20));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// Decodes the bytes of a file.
///
/// # Errors
/// It is no picture, of a kind that is not read, too small, too large, or damaged.
pub fn decode(bytes: &[u8]) -> Result<Picture, Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Png) => {
            let open = || PngDecoder::new(Cursor::new(bytes)).map_err(|error| damaged(&error));
            let animated = open()?.is_apng().map_err(|error| damaged(&error))?;
            read(open()?, Kind::Png, animated)
        }
        Ok(ImageFormat::Jpeg) => {
            let picture =
                read(JpegDecoder::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?, Kind::Jpeg, false)?;
            // The decoder fills what is missing with grey and says nothing.
            if !strip::ends(bytes) {
                return Err(Refusal::Damaged("it ends too early".into()));
            }
            Ok(picture)
        }
        Ok(ImageFormat::WebP) => {
            let decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
            let animated = decoder.has_animation();
            read(decoder, Kind::WebP, animated)
        }
        Ok(ImageFormat::Gif) => {
            let mut picture =
                read(GifDecoder::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?, Kind::Gif, false)?;
            let frames = GifDecoder::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?.into_frames();
            picture.animated = frames.take(2).flatten().count() > 1;
            Ok(picture)
        }
        _ => Err(Refusal::Kind(infer::get(bytes).map(|kind| kind.mime_type()))),
    }
}

/// A picture that was written without what it should not carry, and what it was.
#[derive(Debug, Clone)]
pub struct Written {
    /// Where it lies.
    pub file: PathBuf,
    /// The bytes that it came as.
    pub came: Vec<u8>,
    /// The picture itself, decoded.
    pub picture: Picture,
}

/// Writes what is kept of a picture (see [`Picture::clean`]) into a folder, as `picture-AT.png` or `.jpg`.
///
/// # Errors
/// It is no picture that is taken, or the folder takes no file.
pub fn clean(path: &Path, into: &Path, at: usize) -> Result<Written, Refusal> {
    let came = load(path)?;
    let picture = decode(&came)?;
    let clean = picture.clean(&came)?;
    let file = into.join(format!("picture-{at}.{}", clean.ending));
    std::fs::write(&file, clean.bytes).map_err(|error| Refusal::Unwritable(error.to_string()))?;
    Ok(Written { file, came, picture })
}

impl Picture {
    /// Width and height in pixels, as it is seen.
    pub fn size(&self) -> Size {
        Size { width: self.pixels.width(), height: self.pixels.height() }
    }

    /// The file to keep: of a JPEG or PNG whose pixels are as they should be the same compressed pixels, else a new PNG;
    /// without any place, camera, prompt or other text. `bytes` is the file that it was decoded from.
    ///
    /// # Errors
    /// [`Refusal::Damaged`]: it cannot be written again.
    pub fn clean(&self, bytes: &[u8]) -> Result<Clean, Refusal> {
        let kept = match self.kind {
            Kind::Jpeg if self.untouched => strip::jpeg(bytes).map(|bytes| Clean { bytes, ending: "jpg" }),
            Kind::Png if self.untouched && !self.animated => {
                strip::png(bytes).map(|bytes| Clean { bytes, ending: "png" })
            }
            _ => None,
        };
        kept.map_or_else(|| encode(&self.pixels), Ok)
    }
}

/// Pixels as a PNG that holds nothing else.
///
/// # Errors
/// [`Refusal::Damaged`]: it cannot be written.
pub fn encode(pixels: &RgbImage) -> Result<Clean, Refusal> {
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
        .write_image(pixels, pixels.width(), pixels.height(), ExtendedColorType::Rgb8)
        .map_err(|error| damaged(&error))?;
    Ok(Clean { bytes, ending: "png" })
}

/// In one line: some decoders say what is wrong in several.
fn damaged(error: &image::ImageError) -> Refusal {
    let words = error.to_string();
    Refusal::Damaged(words.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect())
}

fn read<D: ImageDecoder>(mut decoder: D, kind: Kind, animated: bool) -> Result<Picture, Refusal> {
    let (width, height) = decoder.dimensions();
    let size = Size { width, height };
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Refusal::Large(size));
    }
    if width.min(height) < LEAST_SIDE {
        return Err(Refusal::Small(size));
    }
    if decoder.total_bytes() > MOST_DECODED {
        return Err(Refusal::Deep(size));
    }
    let mut limits = image::Limits::default();
    // Beside the pixels, a decoder needs what it has not handed out yet.
    limits.max_alloc = Some(2 * MOST_DECODED);
    decoder.set_limits(limits).map_err(|error| damaged(&error))?;
    let profile = decoder.icc_profile().ok().flatten();
    // A picture whose EXIF cannot be read is shown as it is.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| damaged(&error))?;
    let mut untouched = orientation == Orientation::NoTransforms && !picture.color().has_alpha();
    picture.apply_orientation(orientation);
    let mut pixels = opaque(picture);
    if let Some(profile) = profile {
        untouched &= !to_srgb(&mut pixels, &profile);
    }
    Ok(Picture { pixels, kind, animated, untouched })
}

/// Without transparency, on white.
fn opaque(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let straight = picture.into_rgba8();
    let (width, height) = straight.dimensions();
    let over = |value: u8, alpha: u8| {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    RgbImage::from_fn(width, height, |x, y| {
        let [r, g, b, alpha] = straight.get_pixel(x, y).0;
        image::Rgb([over(r, alpha), over(g, alpha), over(b, alpha)])
    })
}

/// Turns pixels into sRGB, and says whether that changed any. A profile that cannot be used changes nothing: most of those
/// are sRGB, written badly.
fn to_srgb(pixels: &mut RgbImage, profile: &[u8]) -> bool {
    let Ok(from) = ColorProfile::new_from_slice(profile) else { return false };
    if from.color_space != DataColorSpace::Rgb {
        return false;
    }
    let options = TransformOptions::default();
    let srgb = ColorProfile::new_srgb();
    let Ok(transform) = from.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, options) else { return false };
    let mut turned = vec![0; pixels.as_raw().len()];
    let row = pixels.width() as usize * 3;
    let rows = pixels.as_raw().chunks_exact(row).zip(turned.chunks_exact_mut(row));
    if rows.into_iter().any(|(from, to)| transform.transform(from, to).is_err()) {
        return false;
    }
    let far = pixels.as_raw().iter().zip(&turned).any(|(a, b)| a.abs_diff(*b) > ROUNDING);
    if far {
        pixels.copy_from_slice(&turned);
    }
    far
}

/// Steps of 255 by which a colour differs when a picture in sRGB is turned into sRGB.
const ROUNDING: u8 = 2;
