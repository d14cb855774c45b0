//! Pictures from image files, still or moving, and pictures saved as image files.

use std::{fs::File, io::BufReader, path::Path};

use gst_video::prelude::*;
use gstreamer as gst;
use gstreamer_video as gst_video;
use image::{
    AnimationDecoder, DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage, RgbaImage,
    codecs::{gif::GifDecoder, webp::WebPDecoder},
};
use studio_core::{failure::FailureKind, units::Size};

use crate::{MediaError, frames::Format, outputs, source};

/// Delays of up to 10 ms mean "as browsers do": a tenth of a second.
const SHORTEST_DELAY_MS: u64 = 11;
const DEFAULT_DELAY_MS: u64 = 100;

/// Most pixels of a picture: half a gigabyte as RGBA. A file of a few kilobytes can promise far more.
const MOST_PIXELS: u64 = 128 << 20;

/// What an image file holds.
pub enum Pictures {
    /// A single picture, decoded.
    One(RgbaImage),
    /// More than one, in order.
    Moving(Moving),
}

/// The pictures of an animated GIF or WebP, decoded one by one.
pub struct Moving {
    /// Width and height of the first picture, in pixels.
    pub size: Size,
    frames: std::iter::Peekable<image::Frames<'static>>,
    name: String,
}

impl Moving {
    /// The next picture and how long it is shown, in nanoseconds.
    pub fn next_picture(&mut self) -> Result<Option<(RgbaImage, u64)>, MediaError> {
        let Some(frame) = self.frames.next() else { return Ok(None) };
        let frame = frame.map_err(|error| unreadable(&self.name, &error))?;
        let (num, den) = frame.delay().numer_denom_ms();
        let ms = u64::from(num) / u64::from(den.max(1));
        let ms = if ms < SHORTEST_DELAY_MS { DEFAULT_DELAY_MS } else { ms };
        Ok(Some((frame.into_buffer(), ms * 1_000_000)))
    }
}

fn unreadable(name: &str, error: &image::ImageError) -> MediaError {
    MediaError::input(format!("{name}: the picture is damaged or cut off: {error}; copy or save it again"))
}

/// Refuses a picture that would not fit into memory, before any of it is decoded.
fn can_be_held(name: &str, decoder: &impl ImageDecoder) -> Result<(), MediaError> {
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) <= MOST_PIXELS {
        return Ok(());
    }
    let most = MOST_PIXELS / 1_000_000;
    let message = format!(
        "{name}: the picture has {width}x{height} pixels, and at most {most} million can be read; make it smaller"
    );
    Err(MediaError::input(message))
}

/// Opens an image file. A damaged one is an input fault; the later pictures of a moving one are found out as they come.
pub fn open(path: &Path, format: ImageFormat) -> Result<Pictures, MediaError> {
    let name = path.display().to_string();
    let bad = |error: image::ImageError| unreadable(&name, &error);
    let file = || source::open(path).map(BufReader::<File>::new);
    let frames = match format {
        ImageFormat::Gif => {
            let decoder = GifDecoder::new(file()?).map_err(bad)?;
            can_be_held(&name, &decoder)?;
            Some(decoder.into_frames())
        }
        ImageFormat::WebP => {
            let decoder = WebPDecoder::new(file()?).map_err(bad)?;
            can_be_held(&name, &decoder)?;
            decoder.has_animation().then(|| decoder.into_frames())
        }
        _ => None,
    };
    let Some(frames) = frames else { return Ok(Pictures::One(open_still(path, format)?)) };
    let mut moving = Moving { size: Size { width: 0, height: 0 }, frames: frames.peekable(), name: name.clone() };
    let Some((first, delay_ns)) = moving.next_picture()? else {
        return Err(MediaError::input(format!("{name}: there are no pictures in it")));
    };
    if moving.frames.peek().is_none() {
        return Ok(Pictures::One(first));
    }
    let delay = image::Delay::from_numer_denom_ms((delay_ns / 1_000_000) as u32, 1);
    moving.size = Size { width: first.width(), height: first.height() };
    let head = std::iter::once(Ok(image::Frame::from_parts(first, 0, 0, delay)));
    moving.frames = image::Frames::new(Box::new(head.chain(moving.frames))).peekable();
    Ok(Pictures::Moving(moving))
}

fn open_still(path: &Path, format: ImageFormat) -> Result<RgbaImage, MediaError> {
    let name = path.display().to_string();
    let bad = |error: image::ImageError| unreadable(&name, &error);
    let reader = ImageReader::with_format(BufReader::new(source::open(path)?), format);
    let mut decoder = reader.into_decoder().map_err(bad)?;
    can_be_held(&name, &decoder)?;
    let orientation = decoder.orientation().map_err(bad)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(bad)?;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgba8())
}

/// Turns RGBA pictures of one size into studio frames: on black, fitted with bars, Lanczos.
pub struct Painter {
    converter: gst_video::VideoConverter,
    from: gst_video::VideoInfo,
    to: gst_video::VideoInfo,
}

impl Painter {
    /// For pictures of `size` that become frames of `format`.
    pub fn new(size: Size, format: Format) -> Result<Self, MediaError> {
        // the converter wants one rate on both sides; it converts single pictures anyway
        let from = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgbx, size.width, size.height)
            .fps(gst::Fraction::new(format.fps.num as i32, format.fps.den as i32))
            .build()?;
        let to = format.info()?;
        let mut config = gst_video::VideoConverterConfig::new();
        config.set_resampler_method(gst_video::VideoResamplerMethod::Lanczos);
        config.set_chroma_resampler_method(gst_video::VideoResamplerMethod::Linear);
        let (x, y, width, height) = fit(size, format.size);
        config.set_dest_x(x as i32);
        config.set_dest_y(y as i32);
        config.set_dest_width(Some(width as i32));
        config.set_dest_height(Some(height as i32));
        config.set_fill_border(true);
        config.set_border_argb(0xff00_0000);
        config.set_threads(2);
        let converter = gst_video::VideoConverter::new(&from, &to, Some(config))?;
        Ok(Self { converter, from, to })
    }

    /// One picture as a frame.
    pub fn paint(&self, mut picture: RgbaImage) -> Result<gst::Buffer, MediaError> {
        for pixel in picture.pixels_mut() {
            let alpha = u16::from(pixel[3]);
            for channel in &mut pixel.0[..3] {
                *channel = ((u16::from(*channel) * alpha + 127) / 255) as u8;
            }
        }
        if picture.len() != self.from.size() {
            return Err(MediaError::input("the pictures of an animation differ in size"));
        }
        let picture = gst::Buffer::from_mut_slice(picture.into_raw());
        let mut frame = gst::Buffer::with_size(self.to.size())?;
        {
            let from = gst_video::VideoFrameRef::from_buffer_ref_readable(&picture, &self.from)?;
            let mut to = gst_video::VideoFrameRef::from_buffer_ref_writable(frame.make_mut(), &self.to)?;
            self.converter.frame_ref(&from, &mut to);
        }
        Ok(frame)
    }
}

/// Where a picture goes inside a frame: x, y, width, height; even, as large as fits, centred.
fn fit(picture: Size, frame: Size) -> (u32, u32, u32, u32) {
    let (pw, ph) = (u64::from(picture.width.max(1)), u64::from(picture.height.max(1)));
    let (fw, fh) = (u64::from(frame.width), u64::from(frame.height));
    let even = |side: u64| (side & !1).max(2);
    let (width, height) = if pw * fh >= ph * fw { (fw, even(fw * ph / pw)) } else { (even(fh * pw / ph), fh) };
    let centred = |outer: u64, inner: u64| ((outer - inner.min(outer)) / 2) & !1;
    (centred(fw, width) as u32, centred(fh, height) as u32, width as u32, height as u32)
}

/// Saves a decoded picture as PNG or JPEG (by the file's ending), scaled down to fit inside `fit`; the size it got.
pub fn save(sample: &gst::Sample, within: Option<Size>, out: &Path) -> Result<Size, MediaError> {
    let caps = gst::Caps::builder("video/x-raw").field("format", "RGB").build();
    let rgb = gst_video::convert_sample(sample, &caps, Some(gst::ClockTime::from_seconds(20)))
        .map_err(|error| MediaError::internal(format!("failed to convert a picture: {}", error.message())))?;
    let no_caps = || MediaError::internal("a picture without a description");
    let info = gst_video::VideoInfo::from_caps(rgb.caps().ok_or_else(no_caps)?)?;
    let buffer = rgb.buffer().ok_or_else(no_caps)?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info)?;
    let (width, height) = (info.width() as usize, info.height() as usize);
    let stride = frame.plane_stride()[0] as usize;
    let data = frame.plane_data(0).map_err(|_| no_caps())?;
    let tight: Vec<u8> = (0..height).flat_map(|row| data[row * stride..][..width * 3].iter().copied()).collect();
    let picture = RgbImage::from_raw(info.width(), info.height(), tight).ok_or_else(no_caps)?;
    let mut picture = DynamicImage::from(picture);
    if let Some(within) = within.filter(|within| picture.width() > within.width || picture.height() > within.height) {
        picture = picture.resize(within.width, within.height, image::imageops::FilterType::Lanczos3);
    }
    let mut bytes = std::io::Cursor::new(Vec::new());
    let name = out.display();
    let written = match out.extension().and_then(|ending| ending.to_str()) {
        Some("png") => picture.write_to(&mut bytes, ImageFormat::Png),
        Some("jpg" | "jpeg") => {
            picture.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90))
        }
        _ => {
            return Err(MediaError::new(
                FailureKind::Refused,
                format!("{name}: a picture's name ends in .png or .jpg"),
            ));
        }
    };
    written.map_err(|error| MediaError::internal(format!("failed to write {name}: {error}")))?;
    outputs::write_whole(out, bytes.get_ref())?;
    Ok(Size { width: picture.width(), height: picture.height() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_fit_inside_the_frame_on_even_places() {
        let frame = Size { width: 320, height: 180 };
        assert_eq!(fit(Size { width: 1000, height: 1000 }, frame), (70, 0, 180, 180));
        assert_eq!(fit(Size { width: 640, height: 360 }, frame), (0, 0, 320, 180));
        assert_eq!(fit(Size { width: 1000, height: 100 }, frame), (0, 74, 320, 32));
        assert_eq!(fit(Size { width: 1, height: 5000 }, frame), (158, 0, 2, 180));
    }
}
