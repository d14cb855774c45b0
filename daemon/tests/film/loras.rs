//! LoRA files with the real program: what each says of itself, and that one that does not fit is refused before anything is made.

use serde_json::{Value, json};

use crate::{second::Service, studio::Studio};

const PLAY: &str = "Title: A Face\n\nINT. STUDIO - DAY\n\nMara looks up.\n";

/// A LoRA of one layer for a model whose cross-attention is so wide.
fn lora(width: u64, metadata: &Value) -> Vec<u8> {
    let name = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight";
    let bytes = 4 * width * 2;
    let header = json!({
        "__metadata__": metadata,
        name: { "dtype": "F16", "shape": [4, width], "data_offsets": [0, bytes] },
    });
    let header = serde_json::to_vec(&header).unwrap();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.resize(file.len() + bytes as usize, 0);
    file
}

#[test]
fn what_a_lora_was_trained_for_is_told_and_a_wrong_one_is_refused() {
    let studio = Studio::new();
    std::fs::create_dir_all(studio.path("loras/people")).unwrap();
    let tags = json!({ "1_mira": { "mirax7": 20 } }).to_string();
    let dirs = json!({ "1_mira": { "n_repeats": 1, "img_count": 20 } }).to_string();
    let good = studio.write(
        "loras/people/mira.safetensors",
        lora(2048, &json!({ "ss_tag_frequency": tags, "ss_dataset_dirs": dirs })),
    );
    let whole = lora(768, &json!({}));
    let cut = studio.write("loras/cut.safetensors", &whole[..whole.len() - 7]);
    let folder = cut.parent().unwrap().display().to_string();
    studio.write("loras/notes.txt", "no LoRA");

    let said = studio.run(["lora", "show", good.to_str().unwrap()]).ended(0);
    assert!(said.out.contains("sdxl LoRA, rank 4, 1 layers, 0.0 MiB; words: mirax7"), "{said:?}");
    let said = studio.run(["lora", "show", good.to_str().unwrap(), cut.to_str().unwrap()]).ended(3);
    assert!(said.out.contains("7 bytes are missing at its end; get it again"), "{said:?}");
    let said = studio.run(["lora", "list"]).ended(2);
    assert!(said.err.contains("models.loras = "), "{said:?}");

    let settings = |base: &str| {
        let of_mara = format!("[[characters.MARA.loras]]\nfile = \"people/mira.safetensors\"\nbase = \"{base}\"\n");
        // Nobody answers there: what does not fit is refused before anybody is asked.
        let comfy = "[[comfy]]\nname = \"one\"\nurl = \"http://127.0.0.1:9\"\n";
        studio.settings(&format!("[models]\nstills = \"sdxl\"\nloras = \"{folder}\"\n{comfy}{of_mara}"));
    };
    settings("sd15");
    let said = studio.run(["lora", "list"]).ended(0);
    assert!(said.out.contains("people/mira.safetensors: sdxl LoRA") && !said.out.contains("notes.txt"), "{said:?}");
    let service = Service::start(&studio);
    let list = |query: &str| {
        let (status, text) = service.get(&format!("/api/loras?{query}"));
        assert_eq!(status, 200, "{text}");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let all = list("");
    let names =
        |page: &Value| page["loras"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&all), ["cut.safetensors", "people/mira.safetensors"]);
    assert_eq!(all["loras"][0]["fault"], json!({ "why": "cut", "missing": 7 }), "{all:#}");
    assert_eq!(all["loras"][1]["characters"], json!(["MARA"]));
    assert_eq!(all["loras"][1]["about"]["architecture"], "sdxl");
    assert_eq!(names(&list("architecture=sdxl")), ["people/mira.safetensors"]);
    let first = list("limit=1");
    let after = first["next"].as_str().unwrap();
    assert_eq!(names(&list(&format!("after={after}"))), ["people/mira.safetensors"]);
    service.stop();

    // The whole path: what the settings say is not what the file says.
    let play = studio.write("play.fountain", PLAY);
    let said = crate::studio::Running::start(studio.producing(&play)).finish().ended(3);
    let error = said.json()["error"].clone();
    let wanted = "was trained for sdxl, and its base is 'sd15'; write base = \"sdxl\"";
    assert!(error.as_str().unwrap().contains(wanted), "{error}");
    settings("sdxl");
    studio.run(["plan", play.to_str().unwrap()]).ended(0);
}
