//! About a LoRA file: which architecture it was trained for, how large it is inside, and what it is called by in prompts, as far
//! as its header tells. Rules after the key maps of ComfyUI (`comfy/lora.py`) and what trainers write beside the tensors.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::header::{Header, Tensor};

/// What a LoRA's header tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LoraAbout {
    /// The architecture it was trained for; `None`: nothing tells, and it is never used unasked.
    pub architecture: Option<Architecture>,
    /// How its layers are made.
    pub kind: LoraKind,
    /// Rank of most of its layers; `None` where its kind has none.
    pub rank: Option<u32>,
    /// Layers that are changed.
    pub layers: u32,
    /// The text encoder is changed, too: its trigger words mean more to it.
    pub text_encoder: bool,
    /// Words that at least nine of ten of its training captions had, the commonest first, where it says how many there were; else
    /// what its maker calls it by. A guess, at most five.
    pub triggers: Vec<String>,
    /// What its maker calls it; empty when nothing is written.
    pub title: String,
}

/// Architectures a LoRA may be trained for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Architecture {
    Sd15,
    Sd2,
    Sdxl,
    Wan,
    Hunyuan,
    Framepack,
    Ltxv,
    Flux,
}

impl Architecture {
    /// Its stable word, as in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sd15 => "sd15",
            Self::Sd2 => "sd2",
            Self::Sdxl => "sdxl",
            Self::Wan => "wan",
            Self::Hunyuan => "hunyuan",
            Self::Framepack => "framepack",
            Self::Ltxv => "ltxv",
            Self::Flux => "flux",
        }
    }

    /// The word of [`crate::model::BASES`] for models that take it; `None`: the studio works with none of them.
    pub fn base(self) -> Option<&'static str> {
        match self {
            Self::Sd15 => Some("sd15"),
            Self::Sdxl => Some("sdxl"),
            Self::Wan => Some("wan21"),
            Self::Hunyuan | Self::Framepack => Some("hunyuan"),
            Self::Ltxv => Some("ltxv"),
            Self::Sd2 | Self::Flux => None,
        }
    }
}

/// How the layers of a LoRA are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum LoraKind {
    /// Two small matrices each.
    Lora,
    /// The same, with a learned length of each row.
    Dora,
    /// Hadamard products of small matrices.
    Loha,
    /// Kronecker products of small matrices.
    Lokr,
    /// Nothing of these: it is no LoRA.
    Other,
}

/// What a header tells of a LoRA.
pub fn about(header: &Header) -> LoraAbout {
    let mut ranks: BTreeMap<u64, u32> = BTreeMap::new();
    for (_, down) in downs(header) {
        if let Some(rank) = down.shape.first() {
            *ranks.entry(*rank).or_default() += 1;
        }
    }
    let rank = ranks.into_iter().max_by_key(|(_, layers)| *layers).and_then(|(rank, _)| u32::try_from(rank).ok());
    let kind = kind_of(header);
    let named = |key: &str| header.metadata.get(key).map(|text| text.trim().to_owned()).unwrap_or_default();
    let title = [named("modelspec.title"), named("ss_output_name")].into_iter().find(|title| !title.is_empty());
    LoraAbout {
        architecture: if kind == LoraKind::Other { None } else { architecture(header) },
        kind,
        rank: rank.filter(|_| matches!(kind, LoraKind::Lora | LoraKind::Dora)),
        layers: layers(header),
        text_encoder: header.tensors.keys().any(|name| name.starts_with("lora_te") || name.starts_with("text_encoder")),
        triggers: triggers(header),
        title: shown(&title.unwrap_or_default(), 200),
    }
}

/// How trainers end the name of a matrix that leads into the few dimensions.
const DOWNS: [&str; 6] = [
    ".lora_down.weight",
    ".lora_A.weight",
    ".lora_A.default.weight",
    ".lora.down.weight",
    "_lora.down.weight",
    ".lora_linear_layer.down.weight",
];

/// Matrices that lead into the few dimensions, by what stands before: their first dimension is the rank, the second the width of
/// the layer.
fn downs(header: &Header) -> impl Iterator<Item = (&str, &Tensor)> {
    let layer = |name: &'_ str| DOWNS.iter().find_map(|end| name.strip_suffix(end)).map(str::len);
    header.tensors.iter().filter_map(move |(name, tensor)| Some((&name[..layer(name)?], tensor)))
}

fn kind_of(header: &Header) -> LoraKind {
    let any = |sign: &str| header.tensors.keys().any(|name| name.contains(sign));
    match () {
        () if any("hada_w") => LoraKind::Loha,
        () if any("lokr_w") => LoraKind::Lokr,
        () if any("dora_scale") => LoraKind::Dora,
        () if downs(header).next().is_some() => LoraKind::Lora,
        () => LoraKind::Other,
    }
}

/// Layers, by what stands before the name of the part.
fn layers(header: &Header) -> u32 {
    const PARTS: [&str; 5] = [".hada_w1_a", ".lokr_w1", ".lokr_w1_a", ".diff", ".diff_b"];
    let mut seen: Vec<&str> = header
        .tensors
        .keys()
        .filter_map(|name| DOWNS.iter().chain(&PARTS).find_map(|part| name.strip_suffix(part)))
        .collect();
    seen.sort_unstable();
    seen.dedup();
    u32::try_from(seen.len()).unwrap_or(u32::MAX)
}

/// What the maker wrote decides, else how the layers are called and how wide they are.
fn architecture(header: &Header) -> Option<Architecture> {
    written(header).or_else(|| by_layers(header))
}

fn written(header: &Header) -> Option<Architecture> {
    let said = ["modelspec.architecture", "ss_base_model_version"];
    let said = said.iter().filter_map(|key| header.metadata.get(*key));
    let mut found = said.filter_map(|text| named(&text.to_ascii_lowercase()));
    found.next()
}

/// An architecture by the name that trainers write.
fn named(text: &str) -> Option<Architecture> {
    const NAMES: [(&str, Architecture); 12] = [
        ("stable-diffusion-xl", Architecture::Sdxl),
        ("sdxl", Architecture::Sdxl),
        ("stable-diffusion-v1", Architecture::Sd15),
        ("sd_v1", Architecture::Sd15),
        ("stable-diffusion-v2", Architecture::Sd2),
        ("sd_v2", Architecture::Sd2),
        ("wan", Architecture::Wan),
        ("hunyuan_video", Architecture::Hunyuan),
        ("hunyuan-video", Architecture::Hunyuan),
        ("framepack", Architecture::Framepack),
        ("ltx", Architecture::Ltxv),
        ("flux", Architecture::Flux),
    ];
    NAMES.iter().find(|(name, _)| text.starts_with(name)).map(|(_, architecture)| *architecture)
}

fn by_layers(header: &Header) -> Option<Architecture> {
    // Trainers write dots or underscores between the parts of a name.
    let flat = |name: &str| name.replace('.', "_");
    let names: Vec<String> = header.tensors.keys().map(|name| flat(name)).collect();
    let downs: Vec<(String, &Tensor)> = downs(header).map(|(name, tensor)| (flat(name), tensor)).collect();
    let any = |sign: &str| names.iter().any(|name| name.contains(sign));
    let unet = ["down_blocks", "mid_block", "up_blocks", "input_blocks", "middle_block", "output_blocks"];
    if unet.iter().any(|sign| any(sign)) {
        return of_unet(&downs).or_else(|| of_text_encoders(&names));
    }
    let is_single = |name: &str| name.contains("single_blocks") || name.contains("single_transformer_blocks");
    if names.iter().any(|name| is_single(name)) {
        return of_two_streams(&names, &downs, is_single);
    }
    let width = |of: fn(&str) -> bool| downs.iter().find(|(name, _)| of(name)).and_then(|(_, down)| down.shape.get(1));
    if names.iter().any(|name| is_wan(name)) {
        return matches!(width(is_wan), Some(1536 | 3072 | 5120) | None).then_some(Architecture::Wan);
    }
    if any("transformer_blocks") && any("attn1_to_k") {
        let of = |name: &str| name.contains("transformer_blocks") && name.contains("attn1_to_k");
        return matches!(width(of), Some(2048 | 4096)).then_some(Architecture::Ltxv);
    }
    of_text_encoders(&names)
}

/// Blocks that stand at the top of the model, numbered, with attention named as Wan does: others have blocks below parts of
/// theirs, or other names inside.
fn is_wan(name: &str) -> bool {
    const FRONT: [&str; 5] = ["lora_unet_", "model_diffusion_model_", "diffusion_model_", "transformer_", "unet_"];
    let name = FRONT.iter().find_map(|front| name.strip_prefix(front)).unwrap_or(name);
    let Some((number, rest)) = name.strip_prefix("blocks_").and_then(|rest| rest.split_once('_')) else { return false };
    let Some(part) = rest.strip_prefix("self_attn_").or_else(|| rest.strip_prefix("cross_attn_")) else { return false };
    let layer = part.split('_').next().unwrap_or_default();
    number.bytes().all(|sign| sign.is_ascii_digit())
        && ["q", "k", "v", "o"].contains(&layer)
        && !part[layer.len()..].starts_with("_proj")
}

/// `HunyuanVideo` and FLUX have blocks of two streams and of one, 3072 wide, in different numbers.
fn of_two_streams(
    names: &[String],
    downs: &[(String, &Tensor)],
    is_single: impl Fn(&str) -> bool,
) -> Option<Architecture> {
    let (single, double): (Vec<_>, Vec<_>) = names
        .iter()
        .map(String::as_str)
        .filter(|name| !name.contains("refiner") && !name.starts_with("lora_te"))
        .partition(|name| is_single(name));
    if !downs.iter().any(|(_, down)| down.shape.get(1) == Some(&3072)) {
        return None;
    }
    match (highest(&double), highest(&single)) {
        (Some(19), Some(39)) => Some(Architecture::Hunyuan),
        (Some(18), Some(37)) => Some(Architecture::Flux),
        _ => None,
    }
}

/// By the width of what cross-attention reads from the text encoder.
fn of_unet(downs: &[(String, &Tensor)]) -> Option<Architecture> {
    let reads = downs.iter().find(|(name, _)| name.contains("attn2_") && name.contains("to_k"));
    match reads?.1.shape.get(1)? {
        768 => Some(Architecture::Sd15),
        1024 => Some(Architecture::Sd2),
        2048 => Some(Architecture::Sdxl),
        _ => None,
    }
}

/// By how the text encoders are called: only a model with two of them numbers them.
fn of_text_encoders(names: &[String]) -> Option<Architecture> {
    let any = |sign: &str| names.iter().any(|name| name.starts_with(sign));
    match () {
        () if any("lora_te1_") || any("lora_te2_") => Some(Architecture::Sdxl),
        () if any("lora_te_") => Some(Architecture::Sd15),
        () => None,
    }
}

/// The highest number of a block.
fn highest(names: &[&str]) -> Option<u64> {
    let number = |name: &&str| name.split_once("blocks_")?.1.split('_').next()?.parse().ok();
    names.iter().filter_map(number).max()
}

/// Pictures it was trained on, as its maker wrote; 0 where nothing is said.
fn pictures(header: &Header) -> u64 {
    #[derive(Deserialize)]
    struct Folder {
        #[serde(default)]
        img_count: u64,
    }
    #[derive(Deserialize)]
    struct Set {
        #[serde(default)]
        subsets: Vec<Folder>,
    }
    let text = |key: &str| header.metadata.get(key).map(String::as_str).unwrap_or_default();
    let folders: BTreeMap<String, Folder> = serde_json::from_str(text("ss_dataset_dirs")).unwrap_or_default();
    let sets: Vec<Set> = serde_json::from_str(text("ss_datasets")).unwrap_or_default();
    let all = folders.into_values().chain(sets.into_iter().flat_map(|set| set.subsets));
    all.fold(0, |sum, folder| sum.saturating_add(folder.img_count))
}

/// Text of a file, as it may be shown.
fn shown(text: &str, most: usize) -> String {
    text.trim().chars().filter(|sign| !sign.is_control()).take(most).collect()
}

/// Tags that at least nine of ten training pictures had, the commonest first; else what its maker wrote.
fn triggers(header: &Header) -> Vec<String> {
    // By folder of the training set, how often each tag stands in its captions.
    let folders: BTreeMap<String, BTreeMap<String, u64>> =
        header.metadata.get("ss_tag_frequency").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    for (tag, times) in folders.into_values().flatten() {
        let count = all.entry(shown(&tag, 60)).or_default();
        *count = count.saturating_add(times);
    }
    let pictures = u128::from(pictures(header));
    let often = |times: u64| pictures > 0 && u128::from(times) * 10 >= pictures * 9;
    let mut often: Vec<(String, u64)> =
        all.into_iter().filter(|(tag, times)| !tag.is_empty() && often(*times)).collect();
    often.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let mut found: Vec<String> = often.into_iter().map(|(tag, _)| tag).collect();
    if found.is_empty() {
        let written = header.metadata.get("modelspec.trigger_phrase").map(|text| shown(text, 200));
        found.extend(written.filter(|text| !text.is_empty()));
    }
    found.truncate(5);
    found
}
