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
