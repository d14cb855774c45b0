//! LoRAs from outside: a file is looked at before anything uses it.

use serde_json::{Value, json};

use super::House;
use crate::{
    bench::{JSON, ask},
    datasets::mara,
};

#[tokio::test]
async fn a_lora_from_outside_is_looked_at_before_anything_uses_it() {
    let house = House::new().await;
    let mara = mara(&house.studio, "Mara").await;
    let path = format!("/api/characters/{mara}/loras?name=mara.safetensors");
    let bad = ask(&house.door, "POST", &path, &[], vec![1, 2, 3]).await;
    assert_eq!(bad.status, 415, "{}", bad.body);
    let good = ask(&house.door, "POST", &path, &[], lora_file()).await;
    assert_eq!(good.status, 201, "{}", good.body);
    assert_eq!((&good.body["lora"]["architecture"], &good.body["placed"]), (&json!("sd15"), &json!(true)));
    assert_eq!(good.body["lora"]["active"], false);
    // The same file again is the one that is there.
    let again = ask(&house.door, "POST", &path, &[], lora_file()).await;
    assert_eq!((again.status, &again.body["lora"]["id"]), (201, &good.body["lora"]["id"]), "{}", again.body);
    let id = good.body["lora"]["id"].as_str().unwrap();
    let body = json!({ "trigger": "mirax7", "strength": 65 }).to_string();
    let said = ask(&house.door, "PATCH", &format!("/api/kept-loras/{id}"), &[JSON], body).await;
    assert_eq!((&said.body["lora"]["trigger"], &said.body["lora"]["strength"]), (&json!("mirax7"), &json!(65)));
    let used = house.call("POST", &format!("/api/kept-loras/{id}/use"), Value::Null).await;
    assert_eq!(used.status, 200, "{}", used.body);
    // Somebody puts another file in its place: nothing is made with that.
    let file = house.folder.path().join("loras").join(good.body["lora"]["file"].as_str().unwrap());
    std::fs::write(&file, b"another").unwrap();
    let made = house.call("POST", &format!("/api/characters/{mara}/dataset/generate"), json!({ "pictures": 1 })).await;
    assert_eq!(made.status, 400, "{}", made.body);
    assert!(made.body["detail"].as_str().unwrap().contains("another file by now"), "{}", made.body);
    assert!(house.config.training.is_some());
}

/// A LoRA of SD 1.5 with one layer.
pub fn lora_file() -> Vec<u8> {
    let header = json!({
        "__metadata__": { "ss_base_model_version": "sd_v1" },
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight":
            { "dtype": "F16", "shape": [4, 768], "data_offsets": [0, 6144] },
        "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight":
            { "dtype": "F16", "shape": [1280, 4], "data_offsets": [6144, 16384] },
    })
    .to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(vec![0; 16384]);
    file
}
