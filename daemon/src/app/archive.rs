//! Archive: a project with everything that was made of it, as one tar file.
//!
//! `manifest.json` comes first, then every kept file as `assets/HASH.EXT`. Import verifies each hash before anything
//! is written to the database, and writes that in one transaction.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    path::Path,
};

use serde::Deserialize;
use studio_core::{
    episode::Episode,
    ids::{ContentHash, EpisodeId, TaskId},
    order::AssetRef,
    production::{LibraryPlan, Override, Production},
    project::Project,
    shot::Shot,
    task::AttemptState,
    text::{HasNul, NulScan},
};
use studio_engine::{EngineError, asset_path};

use self::{
    datasets::WholeDataset,
    manifest::{Head, Kept, Manifest, VERSION, Whole},
    portraits::WholeRequest,
};
use super::producing::ProduceError;
use crate::{
    conductor::Context,
    config::Publish,
    files,
    store::{self, Tx, assets::Asset, opinions::Opinion},
    web::LeftOut,
};

mod bounds;
mod datasets;
mod manifest;
mod portraits;
mod sound;

/// Largest manifest that is read, in bytes.
const LARGEST_MANIFEST: u64 = 512 << 20;

/// Largest header of another program's that is skipped, in bytes.
const LARGEST_HEADER: u64 = 64 << 10;

fn failed(what: &str, error: &std::io::Error) -> ProduceError {
    ProduceError::Disk(EngineError::io(what, error))
}

/// A project that was written to an archive or read from one.
#[derive(Debug, Clone, Deserialize)]
pub struct ArchiveSummary {
    /// The project that was written or read.
    pub project: Project,
    /// Files that went with it.
    pub files: usize,
    /// What stood in the archive and could not stand here.
    #[serde(default)]
    pub left_out: LeftOut,
}

/// Writes the project with this slug into an archive.
pub async fn export(context: &Context, slug: &str, archive: &Path) -> Result<ArchiveSummary, ProduceError> {
    let (db, assets) = (&context.db, context.data.assets());
    let Some(project) = store::projects::by_slug(db, slug).await? else {
        let known: Vec<String> = store::projects::list(db).await?.into_iter().map(|project| project.slug).collect();
        return Err(ProduceError::Usage(format!("no project is called '{slug}'; there are: {}", known.join(", "))));
    };
    let mut episodes = Vec::new();
    for episode in store::episodes::of_project(db, project.id).await? {
        episodes.push(whole(db, episode).await?);
    }
    let sheets = store::characters::sheets(db, project.id).await?;
    let places = store::locations::sheets(db, project.id).await?;
    let said = sheets.iter().flat_map(|(_, sheet)| sheet.files());
    let said = said.chain(places.iter().flat_map(|(_, sheet)| &sheet.references)).map(|file| file.hash);
    let characters = store::characters::of_project(db, project.id).await?;
    let datasets = WholeDataset::of(db, &characters).await?;
    let pictures = datasets.iter().flat_map(WholeDataset::files);
    let locations = store::locations::of_project(db, project.id).await?;
    let owners = portraits::owners(&characters, &locations);
    let portraits = portraits::portraits_of(db, &owners).await?;
    let pictures = pictures.chain(portraits.iter().map(|one| one.file.hash));
    let hashes: BTreeSet<ContentHash> = episodes.iter().flat_map(hashes_of).chain(said).chain(pictures).collect();
    let files = store::assets::by_hashes(db, &hashes.into_iter().collect::<Vec<_>>()).await?;
    let there = |asset: &Asset| files::is_there(&assets, &asset.file, asset.bytes);
    let (files, mut gone): (Vec<Asset>, Vec<Asset>) = files.into_iter().partition(there);
    let rejected: BTreeSet<ContentHash> = datasets.iter().flat_map(WholeDataset::rejected).collect();
    gone.retain(|asset| rejected.contains(&asset.file.hash));
    let within = |all: Vec<Asset>| made_within(all.into_iter().map(|asset| Kept { asset }).collect(), &episodes);
    let (files, gone) = (within(files), within(gone));
    let manifest = Manifest {
        version: VERSION,
        about: store::projects::about(db, project.id).await?,
        characters,
        sheets,
        places,
        locations,
        requests: WholeRequest::of(db, &owners).await?,
        portraits,
        project,
        episodes,
        datasets,
        files,
        gone,
    };
    let path = archive.to_owned();
    let (written, manifest) = tokio::task::spawn_blocking(move || (write_archive(&manifest, &assets, &path), manifest))
        .await
        .map_err(|error| failed("failed to write the archive", &std::io::Error::other(error)))?;
    written.map_err(|error| failed(&format!("failed to write {}", archive.display()), &error))?;
    Ok(ArchiveSummary { files: manifest.files.len(), project: manifest.project, left_out: LeftOut::default() })
}

/// Files with the attempt that made them only where that goes along: of two shows that have one file in common, the
/// first has made it.
fn made_within(files: Vec<Kept>, episodes: &[Whole]) -> Vec<Kept> {
    let here: BTreeSet<_> = episodes.iter().flat_map(|whole| &whole.attempts).map(|attempt| attempt.id).collect();
    let within = |Kept { asset }: Kept| {
        let attempt_id = asset.attempt_id.filter(|id| here.contains(id));
        Kept { asset: Asset { attempt_id, ..asset } }
    };
    files.into_iter().map(within).collect()
}

async fn whole(db: &store::Db, episode: Episode) -> Result<Whole, ProduceError> {
    let tasks = store::tasks::of_episode(db, episode.id).await?;
    let mut attempts = Vec::new();
    for task in &tasks {
        let all = store::attempts::of_task(db, task.id).await?;
        for attempt in all.into_iter().filter(|attempt| attempt.state == AttemptState::Succeeded) {
            // Of work that had to be done again only the one that counts.
            let counts = store::attempts::succeeded_by_key(db, attempt.key).await?;
            if counts.is_some_and(|one| one.id == attempt.id) {
                attempts.push(attempt);
            }
        }
    }
    let mut needs: BTreeMap<TaskId, Vec<TaskId>> = BTreeMap::new();
    for need in store::dependencies::of_episode(db, episode.id).await? {
        needs.entry(need.task).or_default().push(need.needs);
    }
    Ok(Whole {
        production: store::productions::of_episode(db, episode.id).await?,
        screenplay: store::screenplays::of_episode(db, episode.id).await?.map(|(text, _)| text),
        scenes: store::scenes::of_episode(db, episode.id).await?,
        shots: store::shots::of_episode(db, episode.id).await?,
        takes: store::takes::of_episode(db, episode.id).await?,
        decisions: store::decisions::of_episode(db, episode.id).await?,
        needs: needs.into_iter().collect(),
        rulings: store::by_hand::of_episode(db, episode.id).await?,
        opinions: said(db, episode.id).await?,
        episode,
        tasks,
        attempts,
    })
}

/// What people said of an episode's takes.
async fn said(db: &store::Db, episode: EpisodeId) -> Result<Vec<(ContentHash, Opinion)>, ProduceError> {
    let takes: BTreeSet<_> = store::takes::of_episode(db, episode).await?.into_iter().map(|take| take.asset).collect();
    Ok(store::opinions::all(db).await?.into_iter().filter(|(asset, _)| takes.contains(asset)).collect())
}

/// Every file an episode's attempts made or started from.
fn hashes_of(whole: &Whole) -> Vec<ContentHash> {
    let made = whole.attempts.iter().flat_map(|attempt| attempt.outputs.iter().flat_map(|outputs| &outputs.files));
    let inputs = whole.attempts.iter().flat_map(|attempt| attempt.order.inputs());
    let takes = whole.takes.iter().map(|take| take.asset);
    let planned = whole.production.iter().flat_map(Production::chosen_files);
    let given = whole.rulings.iter().flat_map(Override::files).chain(planned);
    made.map(|file| file.asset.hash).chain(inputs.map(|asset| asset.hash)).chain(takes).chain(given).collect()
}

fn write_archive(manifest: &Manifest, assets: &Path, archive: &Path) -> std::io::Result<()> {
    let folder = archive.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let aside = tempfile::Builder::new().prefix(".export-").tempfile_in(folder)?;
    let mut tar = tar::Builder::new(BufWriter::new(aside));
    let text = serde_json::to_vec(manifest)?;
    if text.len() as u64 > LARGEST_MANIFEST {
        return Err(std::io::Error::other(
            "its description is larger than the 512 MiB an archive holds; remove episodes that nobody needs",
        ));
    }
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "manifest.json", text.as_slice())?;
    for kept in &manifest.files {
        let AssetRef { hash, ext } = &kept.asset.file;
        tar.append_path_with_name(asset_path(assets, &kept.asset.file), format!("assets/{hash}.{ext}"))?;
    }
    let mut out = tar.into_inner()?;
    out.flush()?;
    let aside = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    aside.as_file().sync_all()?;
    aside.persist(archive).map_err(|error| error.error)?;
    Ok(())
}

/// Reads a project from an archive; a project of that name must not be here. Nothing is changed when it is refused.
/// In the library of `publish` it is not shown before somebody says so.
pub async fn import(
    context: &Context,
    publish: &Publish,
    archive: &Path,
    name: &str,
) -> Result<ArchiveSummary, ProduceError> {
    let refuse = |why: &dyn std::fmt::Display| {
        ProduceError::Input(format!("{name} cannot be imported: {why}; nothing was changed"))
    };
    let data = &context.data;
    let room = tempfile::tempdir_in(data.work()).map_err(|error| failed("failed to make a folder", &error))?;
    let (path, inside) = (archive.to_owned(), room.path().to_owned());
    let unpacked = tokio::task::spawn_blocking(move || unpack(&path, &inside)).await;
    let manifest = unpacked.map_err(|error| refuse(&error))?.map_err(|why| refuse(&why))?;
    let here = store::projects::list(&context.db).await?;
    let (slug, title) = (&manifest.project.slug, &manifest.project.title);
    if let Some(same) = Project::meant(title, &here).or_else(|| here.iter().find(|one| one.slug == *slug)) {
        return Err(refuse(&format!("'{}' ({}) is in this studio already", same.title, same.slug)));
    }
    // Which folder is its own depends on who else is here.
    let folder = manifest.project.free_folder(&here);
    let project = Project { folder, ..manifest.project.clone() };
    // Archives of earlier versions name attempts of other projects.
    let files = made_within(manifest.files, &manifest.episodes);
    let gone = made_within(manifest.gone, &manifest.episodes);
    let manifest = Manifest { project, files, gone, ..manifest };
    for kept in &manifest.files {
        let unpacked = room.path().join(format!("{}.{}", kept.asset.file.hash, kept.asset.file.ext));
        files::adopt(&data.assets(), &unpacked).map_err(|error| failed("failed to keep a file", &error))?;
    }
    let mut tx = context.db.begin().await?;
    let library = publish.library.as_ref().map(std::path::absolute).transpose();
    let library = library.map_err(|error| failed("failed to find the library", &error))?.map(|root| LibraryPlan {
        root: root.display().to_string(),
        mode: publish.mode,
        // Whoever brings a project here has not said yet that this library shows it.
        unpublished: true,
    });
    let written = write_rows(&mut tx, &manifest, library.as_ref()).await;
    if let Err(taken @ (store::Error::Conflict(_) | store::Error::TitleTaken(_))) = written {
        tracing::info!(%taken, "a project is not imported");
        return Err(refuse(&"something in it is in this studio already, under another project"));
    }
    let left_out = written?;
    tx.commit().await?;
    if left_out != LeftOut::default() {
        tracing::info!(?left_out, project = %manifest.project.slug, "not everything in the archive can stand here");
    }
    Ok(ArchiveSummary { files: manifest.files.len(), project: manifest.project, left_out })
}

/// Unpacks every file into `room` and checks that each has the content its name promises.
fn unpack(archive: &Path, room: &Path) -> Result<Manifest, String> {
    let text = |error: std::io::Error| error.to_string();
    let mut tar = tar::Archive::new(BufReader::new(File::open(archive).map_err(text)?));
    // Raw: names and attributes that other headers carry are read into memory whole, however long they are. What
    // `studiod export` writes has none, and a short name for each file.
    let mut entries = tar.entries().map_err(text)?.raw(true).filter(|entry| !entry.as_ref().is_ok_and(may_skip));
    let first = entries.next().ok_or("it is empty")?.map_err(text)?;
    if first.path().map_err(text)?.as_os_str() != "manifest.json" {
        return Err("it does not begin with manifest.json, so `studiod export` did not write it".into());
    }
    let mut said = Vec::new();
    first.take(LARGEST_MANIFEST).read_to_end(&mut said).map_err(text)?;
    // Before the rest, of which a newer one may say what this one cannot understand.
    let Head { version } = serde_json::from_slice(&said).map_err(|error| error.to_string())?;
    if version > VERSION {
        return Err(format!("a newer studiod wrote it (version {version}, this one knows {VERSION})"));
    }
    if NulScan::default().meets(&said) {
        return Err(HasNul.to_string());
    }
    let manifest: Manifest = serde_json::from_slice(&said).map_err(|error| error.to_string())?;
    drop(said);
    manifest.check()?;
    let wanted: BTreeMap<String, &Kept> = manifest
        .files
        .iter()
        .map(|kept| (format!("assets/{}.{}", kept.asset.file.hash, kept.asset.file.ext), kept))
        .collect();
    // An archive holds every byte it promises. Only holes, which tar knows too, could promise more than that.
    let promised: u64 = manifest.files.iter().fold(0, |sum, kept| sum.saturating_add(kept.asset.bytes));
    let holds = archive.metadata().map_err(text)?.len();
    if promised > holds {
        return Err(format!("it promises {promised} bytes and holds {holds}"));
    }
    let mut found = BTreeSet::new();
    for entry in entries {
        let mut entry = entry.map_err(text)?;
        if !entry.header().entry_type().is_file() {
            return Err(format!("it holds something else than files at byte {}", entry.raw_header_position()));
        }
        let name = entry.path().map_err(text)?.display().to_string();
        // Only names the manifest promises are unpacked, so no entry can lead out of the room.
        let Some(kept) = wanted.get(&name) else { return Err(format!("'{name}' does not belong into it")) };
        let ext = &kept.asset.file.ext;
        if ext.is_empty() || !ext.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(format!("'{name}' has an impossible extension"));
        }
        let path = room.join(format!("{}.{ext}", kept.asset.file.hash));
        // One byte more than promised is enough to see that it is damaged.
        let mut promised = entry.by_ref().take(kept.asset.bytes.saturating_add(1));
        std::io::copy(&mut promised, &mut File::create(&path).map_err(text)?).map_err(text)?;
        let (hash, bytes) = files::hash_file(&path).map_err(text)?;
        if (hash, bytes) != (kept.asset.file.hash, kept.asset.bytes) {
            return Err(format!("'{name}' is damaged"));
        }
        found.insert(name);
    }
    match wanted.keys().find(|name| !found.contains(*name)) {
        Some(missing) => Err(format!("'{missing}' is missing; the archive is incomplete")),
        None => Ok(manifest),
    }
}

/// Folders, and short headers with times and owners, that programs add which pack an archive again.
fn may_skip<R: Read>(entry: &tar::Entry<'_, R>) -> bool {
    let kind = entry.header().entry_type();
    let small = entry.header().entry_size().is_ok_and(|size| size <= LARGEST_HEADER);
    kind.is_dir() || small && (kind.is_pax_local_extensions() || kind.is_pax_global_extensions())
}

async fn write_rows(
    tx: &mut Tx<'_>,
    manifest: &Manifest,
    library: Option<&LibraryPlan>,
) -> Result<LeftOut, store::Error> {
    store::projects::upsert(tx, &manifest.project).await?;
    store::projects::set_about(
        tx,
        manifest.project.id,
        &manifest.project.title,
        manifest.project.year,
        &manifest.about,
    )
    .await?;
    for character in &manifest.characters {
        store::characters::upsert(tx, character).await?;
    }
    for (character, sheet) in &manifest.sheets {
        store::characters::set_sheet(tx, *character, sheet).await?;
    }
    let hashes = |kept: &[Kept]| kept.iter().map(|kept| kept.asset.file.hash).collect::<BTreeSet<ContentHash>>();
    let (files, gone) = (hashes(&manifest.files), hashes(&manifest.gone));
    let mut left_out = LeftOut::default();
    for dataset in &manifest.datasets {
        left_out.pictures += dataset.write(tx, &files, &gone).await?;
    }
    for location in &manifest.locations {
        store::locations::upsert(tx, location).await?;
    }
    for (location, sheet) in &manifest.places {
        store::locations::set_sheet(tx, *location, sheet).await?;
    }
    let (project, portraits) = (manifest.project.id, &manifest.portraits);
    (left_out.portraits, left_out.requests) =
        portraits::write(tx, project, portraits, &manifest.requests, &files).await?;
    for whole in &manifest.episodes {
        write_episode(tx, whole, library).await?;
    }
    for kept in &manifest.files {
        store::assets::insert(tx, &kept.asset).await?;
    }
    for kept in &manifest.gone {
        store::assets::insert_gone(tx, &kept.asset).await?;
    }
    for whole in &manifest.episodes {
        write_takes(tx, whole).await?;
        for decision in &whole.decisions {
            store::decisions::insert(tx, decision).await?;
        }
    }
    Ok(left_out)
}

/// An episode with everything below it but its takes, which name files.
async fn write_episode(tx: &mut Tx<'_>, whole: &Whole, library: Option<&LibraryPlan>) -> Result<(), store::Error> {
    // Where it was published is not here.
    let mut episode = Episode { published: None, ..whole.episode.clone() };
    if episode.state == studio_core::episode::EpisodeState::Published {
        episode.state = studio_core::episode::EpisodeState::Assembled;
    }
    store::episodes::upsert(tx, &episode).await?;
    if let Some(production) = &whole.production {
        store::productions::set(tx, episode.id, &brought(production, library)).await?;
    }
    if let Some(text) = &whole.screenplay {
        let written = whole.tasks.first().map(|task| task.created).unwrap_or_default();
        store::screenplays::set(tx, episode.id, text, written).await?;
    }
    write_scenes(tx, whole).await?;
    for task in &whole.tasks {
        store::tasks::upsert(tx, task).await?;
    }
    for (task, needs) in &whole.needs {
        store::dependencies::set(tx, *task, needs).await?;
    }
    for attempt in &whole.attempts {
        store::attempts::import(tx, attempt).await?;
    }
    let now = whole.tasks.first().map(|task| task.updated).unwrap_or_default();
    for ruling in &whole.rulings {
        store::by_hand::set(tx, episode.id, ruling, now).await?;
    }
    for (asset, opinion) in &whole.opinions {
        // What was said here of the same file stays.
        store::opinions::import(tx, *asset, opinion, now).await?;
    }
    Ok(())
}

/// A production as it is kept here.
fn brought(production: &Production, library: Option<&LibraryPlan>) -> Production {
    // The library of the studio it comes from is not this one's, and its path could lead anywhere.
    let mut production = Production { library: library.cloned(), ..production.clone() };
    // What was not over when the archive was written stayed behind: nobody has asked for it here.
    production.portraits_unasked();
    production
}

async fn write_scenes(tx: &mut Tx<'_>, whole: &Whole) -> Result<(), store::Error> {
    store::scenes::replace_all(tx, whole.episode.id, &whole.scenes).await?;
    for scene in &whole.scenes {
        let shots: Vec<Shot> = whole.shots.iter().filter(|shot| shot.scene_id == scene.id).cloned().collect();
        store::shots::replace_all(tx, scene.id, &shots).await?;
    }
    Ok(())
}

async fn write_takes(tx: &mut Tx<'_>, whole: &Whole) -> Result<(), store::Error> {
    for take in &whole.takes {
        store::takes::upsert(tx, take).await?;
        if let Some(verdict) = &take.verdict {
            store::takes::set_verdict(tx, take.id, verdict, whole.tasks.first().map(|t| t.updated).unwrap_or_default())
                .await?;
        }
        if take.chosen {
            store::takes::choose(tx, take.shot_id, take.subject, take.id).await?;
        }
    }
    Ok(())
}
