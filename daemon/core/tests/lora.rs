//! LoRA files: what a header tells, and that nothing in a hostile one is believed.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use studio_core::lora::{Architecture, Header, LoraAbout, LoraFault, LoraKind, MOST_HEADER, about, header_length};

/// A header of tensors of two-byte elements that lie one after another, and how many bytes they have.
fn header(tensors: &[(&str, &[u64])], metadata: &Value) -> (Vec<u8>, u64) {
    let mut all = serde_json::Map::new();
    let mut end = 0;
    for (name, shape) in tensors {
        let bytes = shape.iter().product::<u64>() * 2;
        all.insert((*name).to_owned(), json!({ "dtype": "F16", "shape": shape, "data_offsets": [end, end + bytes] }));
        end += bytes;
    }
    if !metadata.is_null() {
        all.insert("__metadata__".into(), metadata.clone());
    }
    (serde_json::to_vec(&all).unwrap(), end)
}

fn told(tensors: &[(&str, &[u64])], metadata: &Value) -> LoraAbout {
    let (json, bytes) = header(tensors, metadata);
    about(&Header::read(&json, bytes).unwrap())
}

fn architecture(tensors: &[(&str, &[u64])]) -> Option<Architecture> {
    told(tensors, &Value::Null).architecture
}

#[test]
fn the_layers_tell_what_it_was_trained_for() {
    let attention = |name: &'static str, width: u64| told(&[(name, &[16, width])], &Value::Null).architecture;
    let kohya = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight";
    let comfy = "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.lora_down.weight";
    let peft = "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight";
    for name in [kohya, comfy, peft] {
        assert_eq!(attention(name, 768), Some(Architecture::Sd15), "{name}");
        assert_eq!(attention(name, 1024), Some(Architecture::Sd2), "{name}");
        assert_eq!(attention(name, 2048), Some(Architecture::Sdxl), "{name}");
        assert_eq!(attention(name, 999), None, "{name}");
    }
    // Only text encoders are changed.
    assert_eq!(architecture(&[("lora_te1_text_model_a.lora_down.weight", &[8, 768])]), Some(Architecture::Sdxl));
    assert_eq!(architecture(&[("lora_te_text_model_a.lora_down.weight", &[8, 768])]), Some(Architecture::Sd15));
    for name in
        ["lora_unet_blocks_0_self_attn_q.lora_down.weight", "diffusion_model.blocks.0.self_attn.q.lora_A.weight"]
    {
        assert_eq!(architecture(&[(name, &[32, 1536])]), Some(Architecture::Wan), "{name}");
    }
    let video = |double: &'static str, single: &'static str| {
        architecture(&[(double, [16, 3072].as_slice()), (single, [16, 3072].as_slice())])
    };
    assert_eq!(
        video(
            "lora_unet_double_blocks_19_img_attn_qkv.lora_down.weight",
            "lora_unet_single_blocks_39_linear1.lora_down.weight"
        ),
        Some(Architecture::Hunyuan)
    );
    assert_eq!(
        video(
            "lora_unet_double_blocks_18_img_attn_qkv.lora_down.weight",
            "lora_unet_single_blocks_37_linear1.lora_down.weight"
        ),
        Some(Architecture::Flux)
    );
    assert_eq!(
        video(
            "transformer.transformer_blocks.18.attn.to_q.lora_A.weight",
            "transformer.single_transformer_blocks.37.attn.to_q.lora_A.weight"
        ),
        Some(Architecture::Flux)
    );
    // Its cross-attention is as wide as that of SDXL.
    assert_eq!(
        architecture(&[
            ("diffusion_model.transformer_blocks.0.attn1.to_k.lora_A.weight", &[32, 2048]),
            ("diffusion_model.transformer_blocks.0.attn2.to_k.lora_A.weight", &[32, 2048]),
        ]),
        Some(Architecture::Ltxv)
    );
    assert_eq!(architecture(&[("something.lora_down.weight", &[4, 4])]), None);
}

#[test]
fn others_are_not_taken_for_what_they_resemble() {
    // Video models whose layers are called like those of LTX, and one like Wan's.
    for (name, width) in [
        ("transformer.transformer_blocks.0.attn1.to_k.lora_A.weight", 1920_u64),
        ("transformer.transformer_blocks.0.attn1.to_k.lora_A.weight", 3072),
        ("transformer.transformer_blocks.0.attn1.to_k.lora_A.weight", 1152),
        ("diffusion_model.blocks.0.self_attn.q_proj.lora_A.weight", 2048),
        ("diffusion_model.blocks.0.self_attn.q.lora_A.weight", 999),
    ] {
        assert_eq!(architecture(&[(name, &[16, width])]), None, "{name} {width}");
    }
    // Any block tells, and the refiner of text is none of them.
    assert_eq!(
        architecture(&[("diffusion_model.blocks.17.cross_attn.k.lora_A.weight", &[16, 5120])]),
        Some(Architecture::Wan)
    );
    let hunyuan = [
        "lora_unet_txt_in_individual_token_refiner_blocks_0_self_attn_qkv.lora_down.weight",
        "lora_unet_double_blocks_19_img_attn_qkv.lora_down.weight",
        "lora_unet_single_blocks_39_linear1.lora_down.weight",
    ];
    let tensors = hunyuan.map(|name| (name, [16, 3072].as_slice()));
    assert_eq!(architecture(&tensors), Some(Architecture::Hunyuan));
    let narrow = hunyuan.map(|name| (name, [16, 64].as_slice()));
    assert_eq!(architecture(&narrow), None);
    for text in ["hunyuan-dit-g2/lora", "hunyuan_image_2_1"] {
        let told = told(&[("a.lora_down.weight", &[4, 4])], &json!({ "modelspec.architecture": text }));
        assert_eq!(told.architecture, None, "{text}");
    }
}

#[test]
fn every_way_to_name_the_matrices_is_read() {
    for name in [
        "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.default.weight",
        "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora.down.weight",
        "unet.mid_block.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight",
        "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora_linear_layer.down.weight",
    ] {
        let told = told(&[(name, &[8, 768])], &Value::Null);
        assert_eq!((told.architecture, told.rank, told.layers), (Some(Architecture::Sd15), Some(8), 1), "{name}");
    }
}

#[test]
fn what_its_maker_wrote_comes_before_what_the_layers_say() {
    let layer: (&str, &[u64]) = ("lora_unet_mid_block_attn2_to_k.lora_down.weight", &[16, 768]);
    for (key, text, wanted) in [
        ("ss_base_model_version", "sdxl_base_v1-0", Architecture::Sdxl),
        ("ss_base_model_version", "sd_v1", Architecture::Sd15),
        ("modelspec.architecture", "stable-diffusion-xl-v1-base/lora", Architecture::Sdxl),
        ("modelspec.architecture", "stable-diffusion-v1/lora", Architecture::Sd15),
        ("ss_base_model_version", "wan", Architecture::Wan),
        ("ss_base_model_version", "framepack", Architecture::Framepack),
        ("ss_base_model_version", "something else", Architecture::Sd15),
    ] {
        let told = told(&[layer], &json!({ key: text }));
        assert_eq!(told.architecture, Some(wanted), "{key} = {text}");
    }
    assert_eq!(Architecture::Framepack.base(), Some("hunyuan"));
    assert_eq!(Architecture::Flux.base(), None);
}

#[test]
fn rank_kind_text_encoder_and_words_are_told() {
    // Captions of both folders are counted against how many pictures there were.
    let tags = json!({
        "10_mirax7": { "mirax7": 40, "1girl": 39, "standing": 30, "\u{1b}]0;x": 1 },
        "5_extra": { "mirax7": 10, "1girl": 9, "standing": 10 },
    });
    let dirs =
        json!({ "10_mirax7": { "n_repeats": 10, "img_count": 40 }, "5_extra": { "n_repeats": 5, "img_count": 10 } });
    let metadata = json!({ "ss_tag_frequency": tags.to_string(), "ss_dataset_dirs": dirs.to_string(), "ss_output_name": "mira_r7\u{7}", "ss_base_model_version": "sd_v1" });
    let found = told(
        &[
            ("lora_te_text_model_a.lora_down.weight", &[8, 768]),
            ("lora_te_text_model_a.lora_up.weight", &[768, 8]),
            ("lora_te_text_model_a.alpha", &[]),
            ("lora_unet_mid_block_a_attn2_to_k.lora_down.weight", &[32, 768]),
            ("lora_unet_mid_block_b_attn2_to_k.lora_down.weight", &[32, 768]),
        ],
        &metadata,
    );
    let wanted = LoraAbout {
        architecture: Some(Architecture::Sd15),
        kind: LoraKind::Lora,
        rank: Some(32),
        layers: 3,
        text_encoder: true,
        triggers: vec!["mirax7".into(), "1girl".into()],
        title: "mira_r7".into(),
    };
    assert_eq!(found, wanted);
    let kind = |name: &'static str| told(&[(name, &[8, 8])], &Value::Null).kind;
    assert_eq!(kind("lora_unet_mid_block_a.hada_w1_a"), LoraKind::Loha);
    assert_eq!(kind("lora_unet_mid_block_a.lokr_w1"), LoraKind::Lokr);
    assert_eq!(kind("model.diffusion_model.out.0.weight"), LoraKind::Other);
    // A whole model is no LoRA, whatever is written beside it.
    let whole = told(
        &[("model.diffusion_model.out.0.weight", &[8, 8])],
        &json!({ "modelspec.architecture": "stable-diffusion-v1" }),
    );
    assert_eq!(whole.architecture, None);
}

#[test]
fn what_cannot_be_is_refused_and_says_why() {
    let (json, bytes) = header(&[("a.lora_down.weight", &[4, 4]), ("b.lora_down.weight", &[4, 4])], &Value::Null);
    assert!(Header::read(&json, bytes).is_ok());
    assert_eq!(Header::read(&json, bytes - 3), Err(LoraFault::Cut { missing: 3 }));
    assert_eq!(Header::read(&json, bytes + 5), Err(LoraFault::Trailing { bytes: 5 }));
    let one = |tensor: Value| Header::read(&serde_json::to_vec(&json!({ "a": tensor })).unwrap(), 32);
    let good = json!({ "dtype": "F16", "shape": [4, 4], "data_offsets": [0, 32] });
    assert!(one(good.clone()).is_ok());
    let impossible = Err(LoraFault::Impossible { tensor: "a".into() });
    for (key, value) in [
        ("shape", json!([4, 5])),
        ("shape", json!([u64::MAX, 2])),
        ("shape", json!([1, 1, 1, 1, 1, 1, 1, 4, 4])),
        ("dtype", json!("F32")),
        ("data_offsets", json!([32, 0])),
        ("data_offsets", json!([8, 40])),
    ] {
        let mut tensor = good.clone();
        tensor[key] = value.clone();
        assert_eq!(one(tensor), impossible, "{key} = {value}");
    }
    for text in
        ["", "[]", "{}", " {}", "{\"__metadata__\":{}}", "{\"a\":1}", "{\"a\":{\"shape\":[]}}", "{\"a\":", "nothing"]
    {
        assert_eq!(Header::read(text.as_bytes(), 32), Err(LoraFault::NotAHeader), "{text}");
    }
    let deep = "{\"a\":".repeat(100_000);
    assert_eq!(Header::read(deep.as_bytes(), 32), Err(LoraFault::NotAHeader));
    let length = |bytes: u64, file: u64| header_length(bytes.to_le_bytes(), file);
    assert_eq!(length(100, 1000), Ok(100));
    assert_eq!(length(100, 7), Err(LoraFault::Short));
    assert_eq!(length(100, 107), Err(LoraFault::Cut { missing: 1 }));
    assert_eq!(length(u64::MAX, 1000), Err(LoraFault::Long { bytes: u64::MAX }));
    assert_eq!(length(MOST_HEADER + 1, u64::MAX), Err(LoraFault::Long { bytes: MOST_HEADER + 1 }));
    for fault in [LoraFault::Short, LoraFault::Long { bytes: 9 }, LoraFault::Cut { missing: 1 }] {
        assert!(fault.to_string().contains("again"), "{fault}");
    }
}

proptest! {
    /// Nothing that is not a header is taken for one, and nothing makes it stumble.
    #[test]
    fn a_changed_header_is_read_or_refused(at in 0_usize..400, byte: u8, cut in 0_usize..400, data in 0_u64..100) {
        let (mut json, bytes) = header(
            &[("lora_unet_mid_block_attn2_to_k.lora_down.weight", &[4, 768]), ("b.lora_up.weight", &[4, 4])],
            &json!({ "ss_tag_frequency": "{\"a\":{\"b\":1}}" }),
        );
        let at = at % json.len();
        json[at] = byte;
        if let Ok(read) = Header::read(&json, bytes) {
            about(&read);
            let all: u64 = read.tensors.values().map(|one| one.shape.iter().product::<u64>()).sum();
            prop_assert!(all <= bytes, "no more is in it than there is");
        }
        let cut = cut % json.len();
        prop_assert!(Header::read(&json[..cut], bytes).is_err());
        let (whole, _) = header(&[("b.lora_up.weight", &[4, 4])], &Value::Null);
        prop_assert_eq!(Header::read(&whole, data).is_ok(), data == 32);
    }

    /// Tags with any counts are counted without stumbling.
    #[test]
    fn any_tags_are_counted(tags in prop::collection::btree_map(".{0,80}", any::<u64>(), 0..20)) {
        let folders: BTreeMap<&str, _> = [("1_a", &tags), ("2_b", &tags)].into();
        let metadata = json!({
            "ss_tag_frequency": serde_json::to_string(&folders).unwrap(),
            "ss_dataset_dirs": json!({ "1_a": { "img_count": 1 } }).to_string(),
        });
        let (json, bytes) = header(&[("b.lora_down.weight", &[4, 4])], &metadata);
        let told = about(&Header::read(&json, bytes).unwrap());
        prop_assert!(told.triggers.len() <= 5);
    }
}
