//! What ComfyUI and A1111 write into pictures is read, wherever they put it, and nothing in it does harm.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, RgbImage};
use img_parts::{Bytes, ImageEXIF, jpeg::Jpeg, png::Png, png::PngChunk, webp::WebP};
use serde_json::{Value, json};
use studio_core::{dataset::Made, units::Seed, workflow::SlotValue};
use studio_pictures::metadata::told;

fn saved(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(256, 256)).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A PNG with further chunks before its pixels.
fn png(chunks: &[([u8; 4], Vec<u8>)]) -> Vec<u8> {
    let mut png = Png::from_bytes(saved(ImageFormat::Png).into()).unwrap();
    for (kind, contents) in chunks {
        png.chunks_mut().insert(1, PngChunk::new(*kind, Bytes::copy_from_slice(contents)));
    }
    png.encoder().bytes().to_vec()
}

fn text(key: &str, text: &str) -> ([u8; 4], Vec<u8>) {
    (*b"tEXt", [key.as_bytes(), b"\0", text.as_bytes()].concat())
}

fn compressed(text: &[u8]) -> Vec<u8> {
    let mut info = png::Info::with_size(1, 1);
    let long = png::text_metadata::ZTXtChunk::new("k", String::from_utf8_lossy(text));
    info.compressed_latin1_text.push(long);
    let mut bytes = Vec::new();
    let encoder = png::Encoder::with_info(&mut bytes, info).unwrap();
    encoder.write_header().unwrap().write_image_data(&[0]).unwrap();
    Png::from_bytes(bytes.into()).unwrap().chunk_by_type(*b"zTXt").unwrap().contents()[3..].to_vec()
}

/// EXIF with one text in a field of the first directory.
fn exif(tag: u16, kind: u8, contents: &[u8]) -> Bytes {
    let mut bytes = b"MM\0*\0\0\0\x08\0\x01".to_vec();
    bytes.extend(tag.to_be_bytes());
    bytes.extend([0, kind]);
    bytes.extend((contents.len() as u32).to_be_bytes());
    bytes.extend([0, 0, 0, 26, 0, 0, 0, 0]);
    bytes.extend(contents);
    Bytes::from(bytes)
}

/// The comment stands in a directory of its own.
fn comment(contents: &[u8]) -> Bytes {
    let mut bytes = b"MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x1a\0\0\0\0\0\x01\x92\x86\0\x07".to_vec();
    bytes.extend((contents.len() as u32).to_be_bytes());
    bytes.extend([0, 0, 0, 44, 0, 0, 0, 0]);
    bytes.extend(contents);
    Bytes::from(bytes)
}

fn graph() -> Value {
    json!({
        "3": {"class_type": "KSampler", "inputs": {"seed": ["30", 0], "steps": 25, "cfg": 6.5, "sampler_name": "dpmpp_2m",
            "scheduler": "karras", "denoise": 1, "model": ["11", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "base.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 832, "height": 1216, "batch_size": 1}},
        "6": {"class_type": "ConditioningCombine", "inputs": {"conditioning_1": ["60", 0], "conditioning_2": ["61", 0]}},
        "60": {"class_type": "CLIPTextEncode", "inputs": {"text": "Mara, smiling", "clip": ["11", 1]}},
        "61": {"class_type": "CLIPTextEncode", "inputs": {"text": ["62", 0], "clip": ["11", 1]}},
        "62": {"class_type": "String", "inputs": {"value": "on a beach"}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["11", 1]}},
        "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "a.safetensors", "strength_model": 0.8, "model": ["4", 0]}},
        "11": {"class_type": "LoraLoader", "inputs": {"lora_name": "b.safetensors", "strength_model": 0.5, "model": ["10", 0]}},
        "30": {"class_type": "Seed", "inputs": {"seed": 965_400_086_u64}, "is_changed": "NaN"},
    })
}

fn assert_graph(made: &Made) {
    assert_eq!((made.engine.as_str(), made.model.as_str()), ("comfy", "base.safetensors"));
    assert_eq!(made.seed, Some(Seed(965_400_086)));
    assert_eq!((made.prompt.as_str(), made.negative.as_str()), ("Mara, smiling, on a beach", "blurry"));
    assert_eq!(made.loras, ["a.safetensors@0.8", "b.safetensors@0.5"]);
    assert_eq!(made.settings["steps"], SlotValue::Int(25));
    assert_eq!(made.settings["cfg"], SlotValue::Float(6.5));
    assert_eq!(made.settings["sampler"], SlotValue::Text("dpmpp_2m".into()));
    assert_eq!(made.settings["scheduler"], SlotValue::Text("karras".into()));
}

#[test]
fn a_graph_of_comfyui_is_read_wherever_it_stands() {
    // It writes NaN, which is no JSON.
    let json = graph().to_string().replace("\"NaN\"", "[NaN]");
    let told_by_text = told(&png(&[text("workflow", "{}"), text("prompt", &json)])).unwrap();
    assert_graph(&told_by_text.made);
    assert_eq!(told_by_text.text, json);
    let international = [b"prompt\0\0\0\0\0".as_slice(), json.as_bytes()].concat();
    assert_graph(&told(&png(&[(*b"iTXt", international)])).unwrap().made);
    let packed = [b"prompt\0\0".as_slice(), &compressed(json.as_bytes())].concat();
    assert_graph(&told(&png(&[(*b"zTXt", packed)])).unwrap().made);
    let animated = [b"prompt\0".as_slice(), json.as_bytes()].concat();
    assert_graph(&told(&png(&[(*b"comf", animated)])).unwrap().made);
    let mut webp = WebP::from_bytes(saved(ImageFormat::WebP).into()).unwrap();
    webp.set_exif(Some(exif(0x0110, 2, format!("prompt:{json}\0").as_bytes())));
    assert_graph(&told(&webp.encoder().bytes()).unwrap().made);
}

#[test]
fn a_sampler_made_of_parts_is_read_through_them() {
    let graph = json!({
        "1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0], "guider": ["3", 0], "sampler": ["4", 0], "sigmas": ["5", 0]}},
        "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 7}},
        "3": {"class_type": "BasicGuider", "inputs": {"model": ["8", 0], "conditioning": ["6", 0]}},
        "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 20, "denoise": 1.0}},
        "6": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["7", 0]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "a lighthouse"}},
        "8": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux.safetensors"}},
    });
    let made = told(&png(&[text("prompt", &graph.to_string())])).unwrap().made;
    assert_eq!((made.seed, made.model.as_str()), (Some(Seed(7)), "flux.safetensors"));
    assert_eq!((made.prompt.as_str(), made.negative.as_str()), ("a lighthouse", ""));
    assert_eq!(made.settings["steps"], SlotValue::Int(20));
    assert_eq!(made.settings["sampler"], SlotValue::Text("euler".into()));
}

const LINES: &str = "Mara, (smiling:1.2), <lora:mara_v2:0.7>\non a beach\nNegative prompt: blurry,\nextra fingers\n\
    Steps: 20, Sampler: Euler a, Schedule type: Karras, CFG scale: 7, Seed: 965400086, Size: 512x512, Model hash: abc, \
    Model: \"odd, \\\"name\\\"\", Denoising strength: 0.5";

fn assert_lines(made: &Made) {
    assert_eq!((made.engine.as_str(), made.model.as_str()), ("a1111", "odd, \"name\""));
    assert_eq!(made.seed, Some(Seed(965_400_086)));
    assert_eq!(made.prompt, "Mara, (smiling:1.2), <lora:mara_v2:0.7>\non a beach");
    assert_eq!(made.negative, "blurry,\nextra fingers");
    assert_eq!(made.loras, ["mara_v2@0.7"]);
    assert_eq!(made.settings["sampler"], SlotValue::Text("Euler a".into()));
    assert_eq!(made.settings["denoise"], SlotValue::Float(0.5));
}

#[test]
fn lines_of_a1111_are_read_wherever_they_stand() {
    assert_lines(&told(&png(&[text("parameters", LINES)])).unwrap().made);
    let units = |turn: fn(u16) -> [u8; 2]| LINES.encode_utf16().flat_map(turn).collect::<Vec<u8>>();
    let comments = [
        [b"ASCII\0\0\0".as_slice(), LINES.as_bytes()].concat(),
        [b"UNICODE\0".as_slice(), &units(u16::to_be_bytes)].concat(),
        [b"UNICODE\0".as_slice(), &units(u16::to_le_bytes)].concat(),
    ];
    for contents in comments {
        let mut jpeg = Jpeg::from_bytes(saved(ImageFormat::Jpeg).into()).unwrap();
        jpeg.set_exif(Some(comment(&contents)));
        assert_lines(&told(&jpeg.encoder().bytes()).unwrap().made);
    }
}

#[test]
fn words_that_are_no_settings_say_nothing() {
    for words in ["", "a poem, about: nothing", "Steps: 20, Seed: 4", "{}", "Negative prompt: x"] {
        assert_eq!(told(&png(&[text("parameters", words)])), None, "{words}");
        assert_eq!(told(&png(&[text("prompt", words)])), None, "{words}");
    }
    assert_eq!(told(b"no picture"), None);
    assert_eq!(told(&saved(ImageFormat::Jpeg)), None);
}

#[test]
fn hostile_texts_do_no_harm() {
    // Links in a circle, and to nowhere.
    let circle = json!({
        "1": {"inputs": {"seed": ["1", 0], "steps": ["2", 0], "positive": ["1", 0], "negative": ["9", 0], "model": ["2", 0]}},
        "2": {"inputs": {"steps": ["1", 0], "model": ["1", 0], "lora_name": "x", "positive": ["1", 0]}},
    });
    let made = told(&png(&[text("prompt", &circle.to_string())])).unwrap().made;
    assert_eq!((made.seed, made.prompt.as_str(), made.loras.len()), (None, "", 1));
    // A long chain.
    let mut chain = serde_json::Map::new();
    for n in 1..20_000 {
        chain.insert(
            n.to_string(),
            json!({"inputs": {"positive": [(n + 1).to_string(), 0], "model": [(n + 1).to_string(), 0]}}),
        );
    }
    chain.insert("0".into(), json!({"inputs": {"seed": 1, "steps": 2, "positive": ["1", 0], "model": ["1", 0]}}));
    assert!(told(&png(&[text("prompt", &Value::Object(chain).to_string())])).is_some());
    // Brackets in brackets, and a text that unpacks to far more than it holds.
    assert_eq!(told(&png(&[text("prompt", &"[".repeat(1 << 20))])), None);
    let bomb = [b"prompt\0\0".as_slice(), &compressed(&vec![b' '; 64 << 20])].concat();
    assert_eq!(told(&png(&[(*b"zTXt", bomb)])), None);
}
