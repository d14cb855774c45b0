//! Shipped: what comes with the program.

/// The model catalogue.
pub const MODELS: &str = include_str!("../../../models.toml");

/// Styles that projects and settings ask for by name.
pub const STYLES: &str = include_str!("../../../styles.toml");

/// A language of the repository's folder.
macro_rules! languages {
    ($($code:literal),* $(,)?) => {
        &[$(($code, include_str!(concat!("../../../languages/", $code, ".toml")))),*]
    };
}

/// Every language whose headings are read beside English: its code and its words.
pub const LANGUAGES: &[(&str, &str)] = languages!["de", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru"];

/// A description of the repository's folder of trainers.
macro_rules! trainers {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../trainers/", $name, ".toml")))),*]
    };
}

/// Every trainer that comes with the program: its name and its description.
pub const TRAINERS: &[(&str, &str)] = trainers!["comfyui", "musubi", "sd-scripts"];

/// Name, graph and description of a workflow of the repository's folder.
macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        &[$((
            $name,
            include_str!(concat!("../../../workflows/", $name, ".json")),
            include_str!(concat!("../../../workflows/", $name, ".toml")),
        )),*]
    };
}

/// Every workflow that comes with the program: its name, graph and description.
pub const WORKFLOWS: &[(&str, &str, &str)] = shipped![
    "ace_step",
    "ace_step_15",
    "framepack_f1_i2v",
    "framepack_i2v",
    "ltxv_i2v",
    "ltxv_i2v_lora",
    "ltxv_i2v_lora_tiled",
    "ltxv_i2v_tiled",
    "ltxv_t2v",
    "ltxv_t2v_tiled",
    "sd15_img2img",
    "sd15_img2img_ipadapter",
    "sd15_img2img_lora",
    "sd15_img2img_lora_ipadapter",
    "sd15_txt2img",
    "sd15_txt2img_ipadapter",
    "sd15_txt2img_ipadapter_2",
    "sd15_txt2img_ipadapter_3",
    "sd15_txt2img_ipadapter_4",
    "sd15_txt2img_lora",
    "sd15_txt2img_lora_ipadapter",
    "sd15_txt2img_tiled",
    "sdxl_img2img",
    "sdxl_img2img_ipadapter",
    "sdxl_img2img_lora",
    "sdxl_img2img_lora_ipadapter",
    "sdxl_txt2img",
    "sdxl_txt2img_ipadapter",
    "sdxl_txt2img_ipadapter_2",
    "sdxl_txt2img_ipadapter_3",
    "sdxl_txt2img_ipadapter_4",
    "sdxl_txt2img_lora",
    "sdxl_txt2img_lora_ipadapter",
    "sdxl_txt2img_tiled",
    "selftest_image",
    "selftest_video",
    "train_sd15",
    "wan21_t2v",
    "wan21_t2v_gguf",
    "wan21_t2v_gguf_lora",
    "wan21_t2v_tiled",
];
