//! LoRAs: what an order is made with is what was chosen, for as long as its film is made.

use std::path::{Path, PathBuf};

use studio_core::order::Order;
use studio_engine::{EngineError, FailureKind};

use crate::{
    files,
    store::{self, Db},
};

/// Why an order cannot be made with its LoRAs: the file of one is another by now. A file the studio did not write is left to
/// ComfyUI, and so is one that is not there: it says so itself.
pub(super) async fn swapped(db: &Db, folder: &Path, order: &Order) -> Option<EngineError> {
    let placed_in = store::placed_loras::name_of_folder(folder);
    for lora in order.recipe().into_iter().flat_map(|recipe| &recipe.loras) {
        // Whoever cannot ask the store does not know better.
        let Ok(Some(placed)) = store::placed_loras::get(db, &placed_in, &lora.file).await else { continue };
        let path: PathBuf = folder.join(&lora.file);
        let shown = path.display().to_string();
        let there = tokio::task::spawn_blocking(move || files::known_hash(&path)).await;
        if let Ok(Ok(hash)) = there
            && hash != placed.hash
        {
            let why = format!(
                "{shown} is another file than when it was chosen; take it away and produce once more, and the studio puts its own there"
            );
            return Some(EngineError::new(FailureKind::Refused, why));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use studio_core::{
        ids::ContentHash,
        model::Lora,
        order::{MusicOrder, Recipe},
        units::{Millis, Samples, Seed},
    };

    use super::*;
    use crate::store::placed_loras::PlacedLora;

    fn order(file: &str) -> Order {
        let lora = Lora { file: file.into(), base: "sdxl".into(), strength_percent: 80, trigger: String::new() };
        Order::Music(MusicOrder {
            mood: "calm".into(),
            tempo_bpm: None,
            at_least: Samples(1),
            seed: Seed(1),
            caption: None,
            recipe: Some(Recipe { loras: vec![lora], ..Recipe::default() }),
        })
    }

    #[tokio::test]
    async fn nothing_is_made_with_a_file_that_is_another_by_now() {
        let home = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite:{}", home.path().join("studio.db").display())).await.unwrap();
        let folder = home.path().join("loras");
        std::fs::create_dir(&folder).unwrap();
        for name in ["ours.safetensors", "theirs.safetensors"] {
            std::fs::write(folder.join(name), b"weights").unwrap();
        }
        let placed = PlacedLora {
            folder: store::placed_loras::name_of_folder(&folder),
            file: "ours.safetensors".into(),
            hash: ContentHash::of(b"weights"),
            of: None,
            placed: Millis(0),
        };
        let mut tx = db.begin().await.unwrap();
        store::placed_loras::note(&mut tx, &placed).await.unwrap();
        tx.commit().await.unwrap();
        let found = async |name: &str| swapped(&db, &folder, &order(name)).await;
        assert!(found("ours.safetensors").await.is_none());
        for name in ["ours.safetensors", "theirs.safetensors"] {
            std::fs::write(folder.join(name), b"another one").unwrap();
        }
        let why = found("ours.safetensors").await.expect("it was swapped");
        assert!(
            why.kind == FailureKind::Refused && why.message.contains("another file than when it was chosen"),
            "{why}"
        );
        assert!(found("theirs.safetensors").await.is_none(), "what the studio did not write is left to ComfyUI");
        std::fs::remove_file(folder.join("ours.safetensors")).unwrap();
        assert!(found("ours.safetensors").await.is_none(), "ComfyUI says that it is not there");
    }
}
