//! Metadata: what a picture says of how it was made, as ComfyUI and A1111 (and Forge) write it.
//!
//! ComfyUI writes its graph as JSON: into a PNG's text `prompt`, an animated PNG's chunk `comf`, or a WebP's EXIF. A1111 writes
//! lines: into a PNG's text `parameters`, or EXIF's comment. Whatever is in there was written by others: it is limited in
//! size, links that lead round in circles end, and what cannot be read is left out.

mod graph;
mod lines;

use std::{io::Cursor, path::Path};

use exif::{In, Tag, Value};
use image::{
    ImageDecoder, ImageFormat,
    codecs::{jpeg::JpegDecoder, webp::WebPDecoder},
};
use img_parts::Bytes;
use studio_core::dataset::Made;

use crate::decode;

/// Most bytes of a text that is read.
const MOST_TEXT: usize = 4 << 20;

/// What a picture says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// What it was made with, as far as that could be read.
    pub made: Made,
    /// The whole text: the graph's JSON, or the lines.
    pub text: String,
}

/// What the picture in a file was made with; `None`: it says nothing of it, or cannot be read.
pub fn made(path: &Path) -> Option<Made> {
    told(&decode::load(path).ok()?).map(|told| told.made)
}

/// What a ComfyUI graph says was made with it, its JSON as text; `None`: it is no graph, or nothing in it samples.
pub fn of_graph(text: &str) -> Option<Made> {
    graph::made(text)
}

/// What the bytes of a picture's file say; `None`: nothing.
pub fn told(bytes: &[u8]) -> Option<Told> {
    let texts = match image::guess_format(bytes).ok()? {
        ImageFormat::Png => of_png(bytes),
        ImageFormat::Jpeg => of_exif(JpegDecoder::new(Cursor::new(bytes)).ok()?.exif_metadata().ok()??),
        ImageFormat::WebP => of_exif(WebPDecoder::new(Cursor::new(bytes)).ok()?.exif_metadata().ok()??),
        _ => return None,
    };
    texts.into_iter().find_map(|(key, text)| {
        let made = match key {
            Key::Prompt => graph::made(&text),
            Key::Parameters => lines::made(&text),
        };
        made.map(|made| Told { made, text })
    })
}

/// What kind of text it is.
#[derive(Clone, Copy)]
enum Key {
    /// A graph of ComfyUI.
    Prompt,
    /// Lines of A1111.
    Parameters,
}

impl Key {
    fn named(name: &str) -> Option<Self> {
        match name {
            "prompt" => Some(Self::Prompt),
            "parameters" => Some(Self::Parameters),
            _ => None,
        }
    }
}

fn of_png(bytes: &[u8]) -> Vec<(Key, String)> {
    let limits = png::Limits { bytes: 64 << 20 };
    let mut texts = Vec::new();
    let mut keep = |name: &str, text: Option<String>| {
        if let (Some(key), Some(text)) = (Key::named(name), text.filter(|text| text.len() <= MOST_TEXT)) {
            texts.push((key, text));
        }
    };
    if let Ok(reader) = png::Decoder::new_with_limits(Cursor::new(bytes), limits).read_info() {
        let info = reader.info();
        for text in &info.uncompressed_latin1_text {
            keep(&text.keyword, Some(text.text.clone()));
        }
        for text in &info.compressed_latin1_text {
            let mut open = text.clone();
            keep(&text.keyword, open.decompress_text_with_limit(MOST_TEXT).ok().and_then(|()| open.get_text().ok()));
        }
        for text in &info.utf8_text {
            let mut open = text.clone();
            keep(&text.keyword, open.decompress_text_with_limit(MOST_TEXT).ok().and_then(|()| open.get_text().ok()));
        }
    }
    // Of an animation it stands behind the pixels.
    if let Ok(png) = img_parts::png::Png::from_bytes(Bytes::copy_from_slice(bytes)) {
        for chunk in png.chunks_by_type(*b"comf") {
            let contents = chunk.contents();
            let Some(end) = contents.iter().position(|byte| *byte == 0) else { continue };
            let text = String::from_utf8_lossy(&contents[end + 1..]);
            keep(&String::from_utf8_lossy(&contents[..end]), Some(text.into_owned()));
        }
    }
    texts
}

fn of_exif(bytes: Vec<u8>) -> Vec<(Key, String)> {
    let mut reader = exif::Reader::new();
    reader.continue_on_error(true);
    let read = reader.read_raw(bytes).or_else(|error| error.distill_partial_result(|_| ()));
    let Ok(read) = read else { return Vec::new() };
    let mut texts = Vec::new();
    // Which field it uses depends on how many there are: it counts down from the camera's model.
    for field in read.fields() {
        let Value::Ascii(parts) = &field.value else { continue };
        for part in parts {
            let text = String::from_utf8_lossy(part);
            if let Some(json) = text.strip_prefix("prompt:").or_else(|| text.strip_prefix("Prompt:")) {
                texts.push((Key::Prompt, json.trim().to_owned()));
            }
        }
    }
    if let Some(Value::Undefined(comment, _)) = read.get_field(Tag::UserComment, In::PRIMARY).map(|field| &field.value)
    {
        texts.extend(comment_text(comment).map(|text| (Key::Parameters, text)));
    }
    texts.retain(|(_, text)| text.len() <= MOST_TEXT);
    texts
}

/// EXIF's comment: eight bytes say how the rest is written. Programs disagree which half of a character comes first.
fn comment_text(bytes: &[u8]) -> Option<String> {
    let (code, rest) = bytes.split_at_checked(8)?;
    if code != b"UNICODE\0" {
        return Some(String::from_utf8_lossy(rest).trim_matches(['\0', ' ']).to_owned());
    }
    let pairs = rest.as_chunks::<2>().0;
    let zeros = |half: usize| pairs.iter().filter(|pair| pair[half] == 0).count();
    let unit = if zeros(0) >= zeros(1) { u16::from_be_bytes } else { u16::from_le_bytes };
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    Some(String::from_utf16_lossy(&units).trim_matches('\0').to_owned())
}
