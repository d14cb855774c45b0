//! The library engine: orders to publish, carried out on the library's folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use studio_core::{
    naming::{self, Actor, BadName, EpisodeNfo, EpisodePaths, ShowNfo},
    order::{AssetRef, Order, Outputs, PublishOrder, Reported},
    production::Billing,
};
use studio_engine::{Artifact, Engine, EngineError, FailureKind, Made, Means, asset_path};

use super::library::{self, Publication};

/// Puts films into a Jellyfin library.
#[derive(Debug, Clone, Copy, Default)]
pub struct Library;

impl Engine for Library {
    fn version(&self) -> String {
        "library/1".into()
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, .. }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            let Order::Publish(order) = order else {
                return Err(EngineError::new(FailureKind::Refused, "the library engine does not make this"));
            };
            let (what, library, mode) = (publication(order, &room.assets)?, PathBuf::from(&order.root), order.mode);
            let done = tokio::task::spawn_blocking(move || library::publish(&library, &what, mode));
            let published = done
                .await
                .map_err(|error| EngineError::new(FailureKind::Transient, format!("failed to publish: {error}")))??;
            for remark in &published.remarks {
                tracing::warn!("{remark}");
            }
            let film = published.film.clone();
            tracing::info!(library = %order.root, film = %film.display(), "an episode is in the library");
            let others = published.files.into_iter().filter(|file| *file != film);
            let files = std::iter::once(film.clone()).chain(others).map(|file| file.display().to_string()).collect();
            Ok(vec![Artifact::Finding(Reported::Published { files })])
        })
    }

    /// The library is not ours alone: what was published may have been moved or deleted by a person.
    fn stands(&self, order: &Order, outputs: &Outputs) -> bool {
        let (Order::Publish(order), Some(Reported::Published { files })) = (order, &outputs.reported) else {
            return false;
        };
        let root = Path::new(&order.root);
        let length = |file: &String| fs::metadata(root.join(file)).map(|found| found.len());
        // Subtitles of a film without dialogue are empty files.
        files.iter().all(|file| length(file).is_ok())
            && files.first().is_some_and(|film| length(film).is_ok_and(|bytes| bytes > 0))
            && files.first().is_some_and(|film| is_our_film(&root.join(film), &order.film))
    }

    fn leaves(&self, order: &Order) -> Vec<String> {
        let Order::Publish(order) = order else { return Vec::new() };
        // A name no library can hold leaves nothing.
        let Ok(what) = publication(order, Path::new("")) else { return Vec::new() };
        // Nor does a publication that is refused: what lies there is somebody else's.
        if library::is_refused(Path::new(&order.root), &what) {
            return Vec::new();
        }
        what.files().iter().map(|file| file.display().to_string()).collect()
    }
}

/// A link must lead to the very film; a copy is taken for it when nobody put another link there.
fn is_our_film(path: &Path, film: &AssetRef) -> bool {
    match fs::read_link(path) {
        Ok(target) => target.file_stem().is_some_and(|stem| *stem == *film.hash.to_string()),
        Err(_) => path.is_file(),
    }
}

/// Where an episode goes; fails on names no library can hold.
pub fn paths(billing: &Billing) -> Result<EpisodePaths, BadName> {
    let show = if billing.folder.is_empty() { &billing.show } else { &billing.folder };
    EpisodePaths::new(show, billing.year, billing.season, billing.number, &billing.title)
}

/// Refuses an episode whose place in the library at `root` somebody else has. `show` and `shown` as in [`PublishOrder`];
/// `previous`: its files there, relative to the root.
pub fn has_place(
    root: &Path,
    billing: &Billing,
    show: &str,
    shown: bool,
    previous: &[String],
) -> Result<(), EngineError> {
    let paths = paths(billing).map_err(|error| EngineError::new(FailureKind::Refused, error.to_string()))?;
    let previous: Vec<PathBuf> = previous.iter().map(PathBuf::from).collect();
    let place = library::Place {
        paths: &paths,
        show_id: show,
        former_id: shown.then(|| billing.project()),
        episode_id: &billing.unique_id,
        previous: &previous,
    };
    library::belongs(root, &place)
}

fn publication(order: &PublishOrder, assets: &Path) -> Result<Publication, EngineError> {
    let billing = &order.billing;
    let path = |asset: &Option<AssetRef>| asset.as_ref().map(|asset| asset_path(assets, asset));
    let show = ShowNfo {
        title: billing.show.clone(),
        year: billing.year,
        plot: String::new(),
        id: if order.show.is_empty() { billing.project().to_owned() } else { order.show.clone() },
    };
    let episode = EpisodeNfo {
        title: billing.title.clone(),
        show: billing.show.clone(),
        season: billing.season,
        number: billing.number,
        plot: billing.plot.clone(),
        aired: billing.aired.clone(),
        runtime_ms: order.runtime_ms,
        actors: order.actors.iter().map(|name| Actor { name: name.clone(), role: name.clone() }).collect(),
        id: billing.unique_id.clone(),
    };
    Ok(Publication {
        paths: paths(billing).map_err(|error| EngineError::new(FailureKind::Refused, error.to_string()))?,
        film: asset_path(assets, &order.film),
        thumb: path(&order.thumb),
        poster: path(&order.poster),
        fanart: path(&order.fanart),
        srt: path(&order.srt),
        vtt: path(&order.vtt),
        language: billing.language.clone(),
        show_id: show.id.clone(),
        former_id: order.shown.then(|| billing.project().to_owned()),
        episode_id: billing.unique_id.clone(),
        tvshow_nfo: naming::tvshow_nfo(&show),
        season_nfo: naming::season_nfo(billing.season),
        episode_nfo: naming::episode_nfo(&episode),
        known: order.known,
        previous: order.replaces.iter().map(PathBuf::from).collect(),
    })
}
