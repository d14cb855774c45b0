//! Thumbnails: little pictures of kept pictures, clips and films, made once and kept beside them as WebP.

use std::path::{Path, PathBuf};

use axum::{extract::Request, response::Response};
use studio_core::{
    ids::ContentHash,
    media::MediaFacts,
    units::{Frames, Size},
};
use studio_engine::asset_path;

use super::{
    kept_files::{self, FOR_EVER, Sent},
    problem::Problem,
};
use crate::store::assets::Asset;

/// Widths there are: a few, so that each is made once.
const WIDTHS: [u32; 4] = [160, 320, 640, 1280];
/// Quality, 0-100, at which nobody sees a difference in a small picture.
const QUALITY: f32 = 80.0;
/// Pictures that are made smaller at a time: a page shows hundreds, and the films being made need the processor, too.
pub const AT_A_TIME: usize = 2;

/// A small picture of a kept file.
pub async fn sent(
    state: &super::AppState,
    hash: ContentHash,
    width: u32,
    request: Request,
) -> Result<Response, Problem> {
    if !WIDTHS.contains(&width) {
        return Err(Problem::bad_request(format!("w is {width}; there are 160, 320, 640 and 1280")));
    }
    let asset = kept_files::kept(state, hash).await?;
    let path = state.data.thumbs().join(format!("{hash}-{width}.webp"));
    if !path.is_file() {
        make(state, &asset, width, &path).await?;
    }
    let form = Sent { kind: "image/webp", tag: format!("\"{hash}-{width}\""), cache: FOR_EVER };
    let gone = || Problem::not_found(format!("the studio keeps no file {hash}"));
    form.send(&path, request).await?.ok_or_else(gone)
}

async fn make(state: &super::AppState, asset: &Asset, width: u32, out: &Path) -> Result<(), Problem> {
    let _turn = state.small.acquire().await.map_err(|error| Problem::internal(error.to_string()))?;
    if out.is_file() {
        // Somebody else asked for the same one first.
        return Ok(());
    }
    let folder = state.data.thumbs();
    let broken = |error: &std::io::Error| Problem::internal(format!("failed to make a small picture: {error}"));
    std::fs::create_dir_all(&folder).map_err(|error| broken(&error))?;
    let from = match &asset.facts {
        MediaFacts::Still { .. } => asset_path(&state.data.assets(), &asset.file),
        MediaFacts::Video { .. } => poster(state, asset, &folder).await?,
        _ => return Err(Problem::bad_request("only pictures, clips and films have small pictures")),
    };
    let out = out.to_owned();
    let made = tokio::task::spawn_blocking(move || shrink(&from, width, &folder, &out));
    let made = made.await.map_err(|error| Problem::internal(error.to_string()))?;
    made.map_err(|error| broken(&error))
}

/// A picture of a clip or film: one from its first third, where most of what it shows is to be seen.
async fn poster(state: &super::AppState, asset: &Asset, folder: &Path) -> Result<PathBuf, Problem> {
    let path = folder.join(format!("{}-poster.jpg", asset.file.hash));
    if path.is_file() {
        return Ok(path);
    }
    let MediaFacts::Video { fps, frames, size, .. } = asset.facts else {
        return Err(Problem::internal("it is no film"));
    };
    let largest = WIDTHS[WIDTHS.len() - 1];
    let fit = Size { width: largest, height: largest * size.height.div_ceil(size.width.max(1)).max(1) };
    let film = asset_path(&state.data.assets(), &asset.file);
    state.services()?.media.picture(&film, fps, Frames(frames.0 / 3), fit, &path).await?;
    Ok(path)
}

fn shrink(from: &Path, width: u32, folder: &Path, out: &Path) -> std::io::Result<()> {
    let picture = image::ImageReader::open(from)?.with_guessed_format()?.decode().map_err(std::io::Error::other)?;
    let picture = picture.resize(width, width * 4, image::imageops::FilterType::Triangle).to_rgb8();
    let (wide, high) = picture.dimensions();
    let small = webp::Encoder::from_rgb(picture.as_raw(), wide, high);
    let small = small.encode_simple(false, QUALITY).map_err(|error| std::io::Error::other(format!("{error:?}")))?;
    let aside = tempfile::NamedTempFile::new_in(folder)?;
    std::fs::write(aside.path(), &*small)?;
    aside.persist(out).map_err(|error| error.error)?;
    Ok(())
}
