//! Check, deep: everything that is stored, against what was kept of it.

use std::{os::unix::fs::MetadataExt, path::Path};

use studio_core::{ids::ContentHash, lora::KeptLora};
use studio_engine::asset_path;

use super::{Found, Item, Line, bad, good, note};
use crate::{
    conductor::Context,
    definitions::loras::path_of,
    files,
    store::{self, episodes::Shown},
};

/// Kept files looked up at a time.
const PAGE: u32 = 500;

/// Every row, every kept file, what is published, and LoRAs where ComfyUI has them (`loras`, its folder). With `mark`, which
/// only the one studio that works on the data may, a file that is gone or damaged is marked, so that it is made again.
///
/// # Errors
/// What the store says.
pub async fn deep(context: &Context, loras: Option<&Path>, mark: bool) -> Result<Vec<Line>, store::Error> {
    let mut lines = database(&context.db).await?;
    lines.extend(kept_files(context, mark).await?);
    lines.extend(published(context).await?);
    if let Some(folder) = loras {
        lines.extend(placed_loras(&context.db, folder).await?);
    }
    Ok(lines)
}

async fn database(db: &store::Db) -> Result<Vec<Line>, store::Error> {
    let broken = store::check::invariants(db).await?;
    Ok(if broken.is_empty() {
        vec![good(Item::Rows, Found::RowsFit)]
    } else {
        broken.into_iter().map(|said| bad(Item::Rows, said)).collect()
    })
}

/// Every kept file by length and hash.
async fn kept_files(context: &Context, mark: bool) -> Result<Vec<Line>, store::Error> {
    let (mut lines, mut after, mut count) = (Vec::new(), None, 0u64);
    loop {
        let page = store::assets::page(&context.db, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.file.hash);
        for asset in page {
            count += 1;
            let path = asset_path(&context.data.assets(), &asset.file);
            let found = tokio::task::spawn_blocking(move || files::hash_file(&path)).await;
            let why = match found.map_err(|error| store::Error::Unavailable(error.to_string()))? {
                Ok(found) if found == (asset.file.hash, asset.bytes) => continue,
                // Known to be gone, and will be made again when it is needed.
                Err(_) if asset.missing => continue,
                Ok(_) => None,
                Err(error) => Some(error.to_string()),
            };
            // Only what the studio made can be made again.
            let (hash, made) = (asset.file.hash.to_string(), asset.attempt_id.is_some());
            lines.push(bad(Item::Files, Found::FileBroken { hash, why, made, marked: mark }));
            if !mark {
                continue;
            }
            let mut tx = context.db.begin().await?;
            store::assets::mark_missing(&mut tx, asset.file.hash).await?;
            tx.commit().await?;
        }
    }
    if lines.is_empty() {
        lines.push(good(Item::Files, Found::FilesWhole { count }));
    }
    Ok(lines)
}

/// Every published episode where people watch it.
async fn published(context: &Context) -> Result<Vec<Line>, store::Error> {
    let all = store::episodes::shown(&context.db).await?;
    let count = all.len();
    let mut lines = Vec::new();
    for shown in all {
        let kept = store::assets::by_hashes(&context.db, &[shown.hash]).await?;
        let kept = kept.first().map(|asset| asset_path(&context.data.assets(), &asset.file));
        let looked = tokio::task::spawn_blocking(move || in_library(&shown, kept.as_deref())).await;
        lines.extend(looked.map_err(|error| store::Error::Unavailable(error.to_string()))?);
    }
    if lines.is_empty() && count > 0 {
        lines.push(good(Item::Published, Found::EpisodesWhole { count }));
    }
    Ok(lines)
}

/// What of an episode is not in its library as it was put there.
fn in_library(shown: &Shown, kept: Option<&Path>) -> Option<Line> {
    let root = Path::new(&shown.root);
    let (title, place) = (|| shown.title.clone(), || shown.root.clone());
    if !root.is_dir() {
        return Some(note(Item::Published, Found::LibraryAway { title: title(), root: place() }));
    }
    // A link whose film is gone is gone as well.
    let gone: Vec<String> = shown.files.iter().filter(|file| !root.join(file).exists()).cloned().collect();
    if !gone.is_empty() {
        return Some(bad(Item::Published, Found::EpisodeLacks { title: title(), root: place(), files: gone }));
    }
    let film = root.join(&shown.film);
    let same = |kept: &Path| Some(identity(kept)? == identity(&film)?);
    // A link to the kept film was looked at with the kept files.
    if kept.and_then(same) == Some(true) {
        return None;
    }
    match files::hash_file(&film) {
        Ok((hash, _)) if hash == shown.hash => None,
        Ok(_) => Some(bad(Item::Published, Found::EpisodeChanged { title: title(), root: place() })),
        Err(error) => Some(bad(Item::Published, unreadable(&film, &error))),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Found {
    Found::Unreadable { path: path.display().to_string(), why: error.to_string() }
}

/// What makes a file the same as another one, links followed.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let about = std::fs::metadata(path).ok()?;
    Some((about.dev(), about.ino()))
}

/// The LoRAs films use, as ComfyUI has them.
async fn placed_loras(db: &store::Db, folder: &Path) -> Result<Vec<Line>, store::Error> {
    let all: Vec<KeptLora> = store::loras::list(db).await?.into_iter().filter(|lora| lora.active).collect();
    let (count, folder) = (all.len(), folder.to_owned());
    let looked =
        move || all.iter().filter_map(|lora| placed(&folder, &lora.file, lora.weights.hash)).collect::<Vec<_>>();
    let looked = tokio::task::spawn_blocking(looked).await;
    let mut lines = looked.map_err(|error| store::Error::Unavailable(error.to_string()))?;
    if lines.is_empty() && count > 0 {
        lines.push(good(Item::Loras, Found::LorasWhole { count }));
    }
    Ok(lines)
}

/// What is wrong with the copy of a LoRA; one that is missing is put there when a film needs it.
fn placed(folder: &Path, name: &str, hash: ContentHash) -> Option<Line> {
    let path = path_of(folder, name).filter(|path| path.exists())?;
    match files::hash_file(&path) {
        Ok((found, _)) if found == hash => None,
        Ok(_) => Some(bad(Item::Loras, Found::LoraChanged { path: path.display().to_string() })),
        Err(error) => Some(bad(Item::Loras, unreadable(&path, &error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::inspect::Verdict;

    fn shown(root: &Path, film: &Path) -> Shown {
        let (hash, _) = files::hash_file(film).unwrap();
        let files = vec!["a.mp4".into(), "a.nfo".into()];
        Shown { title: "A".into(), root: root.display().to_string(), film: "a.mp4".into(), hash, files }
    }

    #[test]
    fn a_published_film_is_looked_at_where_people_watch_it() {
        let dir = tempfile::tempdir().unwrap();
        let (kept, root) = (dir.path().join("kept.mp4"), dir.path().join("tv"));
        std::fs::write(&kept, "the film").unwrap();
        let shown = shown(&root, &kept);
        let look = || in_library(&shown, Some(&kept)).map(|line| (line.verdict, line.found));
        let (title, place) = (|| "A".to_owned(), || root.display().to_string());
        // A disk that is not mounted is no damage.
        let away = Found::LibraryAway { title: title(), root: place() };
        assert_eq!(look(), Some((Verdict::Note, away)));
        std::fs::create_dir(&root).unwrap();
        let lacks = |files: &[&str]| Found::EpisodeLacks {
            title: title(),
            root: place(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
        };
        assert_eq!(look(), Some((Verdict::Bad, lacks(&["a.mp4", "a.nfo"]))));
        std::fs::write(root.join("a.nfo"), "<a/>").unwrap();
        assert_eq!(look(), Some((Verdict::Bad, lacks(&["a.mp4"]))));
        // A link is the kept file, which is looked at with the others; a copy is read.
        std::os::unix::fs::symlink(&kept, root.join("a.mp4")).unwrap();
        assert_eq!(look(), None);
        std::fs::remove_file(root.join("a.mp4")).unwrap();
        std::fs::copy(&kept, root.join("a.mp4")).unwrap();
        assert_eq!(look(), None);
        std::fs::write(root.join("a.mp4"), "the fi1m").unwrap();
        assert_eq!(look(), Some((Verdict::Bad, Found::EpisodeChanged { title: title(), root: place() })));
    }

    #[test]
    fn a_lora_is_what_was_kept_of_it_or_waits_to_be_put_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mara.safetensors");
        std::fs::write(&path, "weights").unwrap();
        let (hash, _) = files::hash_file(&path).unwrap();
        let look = || placed(dir.path(), "mara.safetensors", hash).map(|line| line.found);
        assert_eq!(look(), None);
        std::fs::write(&path, "we1ghts").unwrap();
        assert_eq!(look(), Some(Found::LoraChanged { path: path.display().to_string() }));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(look(), None);
    }
}
