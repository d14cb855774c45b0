//! Files of every kind, good and bad, become upright pixels or one sentence.

use std::{fs, io::Cursor};

use image::{
    DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage,
    codecs::{gif::GifEncoder, jpeg::JpegEncoder, png::PngEncoder},
};
use img_parts::{Bytes, ImageEXIF, jpeg::Jpeg, png::Png};
use studio_core::units::Size;
use studio_pictures::decode::{self, Kind, Refusal, decode};

/// Left red, right blue, the lower part darker: every turn of it looks different.
fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let shade = 255 - (y * 150 / height) as u8;
        if x < width / 2 { Rgb([shade, 20, 20]) } else { Rgb([20, 20, shade]) }
    })
}

fn saved(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// EXIF with an orientation and a place.
fn exif(orientation: u8) -> Bytes {
    let mut bytes = b"MM\0*\0\0\0\x08\0\x02".to_vec();
    bytes.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    bytes.extend([0x01, 0x0F, 0, 2, 0, 0, 0, 12, 0, 0, 0, 38, 0, 0, 0, 0]);
    bytes.extend(b"HERE I LIVE\0");
    Bytes::from(bytes)
}

fn with_exif(jpeg: Vec<u8>, orientation: u8) -> Vec<u8> {
    let mut jpeg = Jpeg::from_bytes(jpeg.into()).unwrap();
    jpeg.set_exif(Some(exif(orientation)));
    jpeg.encoder().bytes().to_vec()
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

#[test]
fn every_kind_is_read_by_its_content() {
    let picture = picture(300, 400);
    let kinds = [
        (ImageFormat::Png, Kind::Png),
        (ImageFormat::Jpeg, Kind::Jpeg),
        (ImageFormat::WebP, Kind::WebP),
        (ImageFormat::Gif, Kind::Gif),
    ];
    for (format, kind) in kinds {
        let bytes = saved(picture.clone(), format);
        let read = decode(&bytes).unwrap();
        assert_eq!((read.kind, read.size(), read.animated), (kind, Size { width: 300, height: 400 }, false));
        assert!(read.pixels.get_pixel(10, 10).0[0] > 200 && read.pixels.get_pixel(290, 10).0[2] > 200, "{kind:?}");
        let clean = read.clean(&bytes).unwrap();
        assert_eq!(clean, read.clean(&bytes).unwrap());
        assert_eq!(decode(&clean.bytes).unwrap().pixels, read.pixels, "{kind:?}");
    }
}

#[test]
fn a_photo_is_turned_upright_and_forgets_where_it_was_taken() {
    let upright = saved(picture(300, 400), ImageFormat::Jpeg);
    for orientation in 1..=8 {
        let bytes = with_exif(upright.clone(), orientation);
        assert!(holds(&bytes, b"HERE I LIVE"));
        let read = decode(&bytes).unwrap();
        let clean = read.clean(&bytes).unwrap();
        let sideways = orientation >= 5;
        let size = if sideways { Size { width: 400, height: 300 } } else { Size { width: 300, height: 400 } };
        assert_eq!(read.size(), size, "{orientation}");
        assert!(!holds(&clean.bytes, b"HERE I LIVE"), "{orientation}");
        assert_eq!(clean.ending, if orientation == 1 { "jpg" } else { "png" });
        assert_eq!(decode(&clean.bytes).unwrap().pixels, read.pixels);
    }
    // Orientation 6: the camera was held so that the picture's left side is its top.
    let turned = decode(&with_exif(upright, 6)).unwrap().pixels;
    assert!(turned.get_pixel(390, 10).0[0] > 200 && turned.get_pixel(390, 290).0[2] > 200);
}

#[test]
fn what_hides_behind_the_pixels_of_a_jpeg_is_not_kept() {
    let mut bytes = saved(picture(300, 300), ImageFormat::Jpeg);
    bytes.extend(with_exif(saved(picture(256, 256), ImageFormat::Jpeg), 1));
    let read = decode(&bytes).unwrap();
    let clean = read.clean(&bytes).unwrap();
    assert!(holds(&bytes, b"HERE I LIVE") && !holds(&clean.bytes, b"HERE I LIVE"));
    assert_eq!(decode(&clean.bytes).unwrap().pixels, read.pixels);
}

#[test]
fn a_png_keeps_its_pixels_and_loses_its_texts() {
    let bytes = saved(picture(300, 300), ImageFormat::Png);
    let mut png = Png::from_bytes(bytes.clone().into()).unwrap();
    let text = img_parts::png::PngChunk::new(*b"tEXt", Bytes::from_static(b"prompt\0my secret words"));
    png.chunks_mut().insert(1, text);
    let mut told = png.encoder().bytes().to_vec();
    told.extend(b"and more behind the end");
    let clean = decode(&told).unwrap().clean(&told).unwrap();
    assert!(!holds(&clean.bytes, b"secret") && !holds(&clean.bytes, b"behind the end"));
    assert_eq!(decode(&clean.bytes).unwrap().pixels, picture(300, 300));
}

#[test]
fn transparency_is_laid_on_white() {
    let clear = RgbaImage::from_fn(300, 300, |x, _| Rgba([200, 0, 0, if x < 150 { 0 } else { 128 }]));
    let bytes = saved(clear, ImageFormat::Png);
    let read = decode(&bytes).unwrap();
    assert_eq!(read.pixels.get_pixel(10, 10).0, [255, 255, 255]);
    assert_eq!(read.pixels.get_pixel(200, 10).0, [227, 127, 127]);
    let clean = read.clean(&bytes).unwrap();
    assert_eq!(decode(&clean.bytes).unwrap().pixels, read.pixels);
}

#[test]
fn of_an_animation_the_first_picture_is_taken() {
    let mut bytes = Vec::new();
    let frame = |value: u8| image::Frame::new(RgbaImage::from_pixel(300, 300, Rgba([value, value, value, 255])));
    GifEncoder::new(&mut bytes).encode_frames([frame(0), frame(255)]).unwrap();
    let read = decode(&bytes).unwrap();
    assert!(read.animated);
    assert_eq!(read.pixels.get_pixel(5, 5).0, [0, 0, 0]);
}

#[test]
fn deep_and_grey_pictures_become_eight_bits_of_three_colours() {
    let deep = image::ImageBuffer::<image::Luma<u16>, _>::from_fn(300, 300, |x, _| image::Luma([x as u16 * 200]));
    let bytes = saved(DynamicImage::ImageLuma16(deep), ImageFormat::Png);
    let read = decode(&bytes).unwrap();
    let clean = decode(&read.clean(&bytes).unwrap().bytes).unwrap();
    assert_eq!(clean.pixels, read.pixels);
    assert_eq!(read.pixels.get_pixel(0, 0).0, [0, 0, 0]);
}

/// The head of a PNG that claims any size, and hardly any data.
fn claims(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes).write_image(&[0; 3], 1, 1, ExtendedColorType::Rgb8).unwrap();
    let mut png = Png::from_bytes(bytes.into()).unwrap();
    let mut head = png.chunks()[0].contents().to_vec();
    head[..4].copy_from_slice(&width.to_be_bytes());
    head[4..8].copy_from_slice(&height.to_be_bytes());
    png.chunks_mut()[0] = img_parts::png::PngChunk::new(*b"IHDR", head.into());
    png.encoder().bytes().to_vec()
}

#[test]
fn every_refusal_is_one_sentence_with_what_to_do() {
    let jpeg = saved(picture(300, 300), ImageFormat::Jpeg);
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("empty", Vec::new(), "it is empty; send it again"),
        (
            "huge",
            claims(30_000, 30_000),
            "it has 30000x30000 pixels; at most 100 megapixels are read: send a smaller one",
        ),
        (
            "small",
            saved(picture(300, 200), ImageFormat::Png),
            "it has 300x200 pixels; each side needs at least 256: send a larger one",
        ),
        (
            "words",
            b"I am a picture, really".to_vec(),
            "it is of an unknown kind, not a picture that can be read; save it as PNG, JPEG, WebP or GIF",
        ),
        (
            "a zip",
            b"PK\x03\x04 and so on".to_vec(),
            "it is application/zip, not a picture that can be read; save it as PNG, JPEG, WebP or GIF",
        ),
        (
            "a bitmap",
            b"BM and so on, and on".to_vec(),
            "it is image/bmp, not a picture that can be read; save it as PNG, JPEG, WebP or GIF",
        ),
        ("half a JPEG", jpeg[..jpeg.len() / 2].to_vec(), "it is damaged"),
        ("half a PNG", claims(300, 300), "it is damaged"),
        ("a head alone", b"\x89PNG\r\n\x1a\n".to_vec(), "it is damaged"),
    ];
    for (name, bytes, says) in cases {
        let why = decode(&bytes).expect_err(name).to_string();
        assert!(why.starts_with(says), "{name}: {why}");
        assert!(!why.contains('\n') && why.contains(';'), "{name}: {why}");
    }
}

#[test]
fn no_picture_of_noise_brings_it_down() {
    let mut rng = fastrand::Rng::with_seed(3);
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
        let good = saved(picture(260, 260), format);
        for _ in 0..60 {
            let mut bytes = good.clone();
            for _ in 0..rng.usize(1..8) {
                let at = rng.usize(0..bytes.len());
                bytes[at] = rng.u8(..);
            }
            if let Ok(read) = decode(&bytes) {
                let _ = read.clean(&bytes);
            }
        }
    }
}

#[test]
fn a_file_is_written_clean_into_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("holiday.png");
    let sent = saved(picture(300, 300), ImageFormat::Jpeg);
    fs::write(&from, &sent).unwrap();
    let clean = decode::clean(&from, folder.path(), 7).unwrap();
    assert_eq!(clean.file.file_name().unwrap(), "picture-7.jpg", "named by what it is");
    assert!(clean.came == sent && clean.picture.size() == Size { width: 300, height: 300 });
    assert!(decode(&fs::read(clean.file).unwrap()).is_ok());
    let gone = decode::clean(&folder.path().join("gone.png"), folder.path(), 8).unwrap_err();
    assert!(matches!(gone, Refusal::Unreadable(_)), "{gone}");
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90).encode_image(&picture(300, 300)).unwrap();
    assert!(studio_pictures::print::of_file(&from).is_ok());
}
