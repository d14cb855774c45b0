//! Definitions: the model catalogue, the workflows, the trainers, the styles and the words of headings, as shipped and as the user's own files say, read again when those change.
//!
//! A user's file that is wrong is refused with what is wrong in it; what was there before stays in use.

pub mod loras;
mod shipped;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use notify::Watcher;
use serde::Deserialize;
use studio_core::{
    heading::{Language, Languages},
    model::Catalogue,
    training::Trainer,
    workflow::Workflow,
};
use tokio::sync::{mpsc, watch};

use crate::text_file;

/// Largest workflow or catalogue file.
const LARGEST: u64 = 4 << 20;
/// Longest text of a style, in characters.
const LONGEST_STYLE: usize = 2000;
/// Changes closer together than this are read once: editors write several times.
const SETTLE: Duration = Duration::from_millis(300);

/// What the studio knows of models, workflows and languages.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    /// Models by name.
    pub catalogue: Catalogue,
    /// Workflows by name.
    pub workflows: BTreeMap<String, Workflow>,
    /// Models that the user's own file describes.
    pub own: BTreeSet<String>,
    /// Languages scene headings are read in.
    pub languages: Arc<Languages>,
    /// Styles by name.
    pub styles: BTreeMap<String, NamedStyle>,
    /// Programs that train LoRAs, by name.
    pub trainers: BTreeMap<String, Trainer>,
    /// The user's files that are not used, and why: one sentence each, the file first.
    pub refused: Vec<String>,
}

/// A style that projects and settings ask for by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NamedStyle {
    /// Words that are put before every prompt.
    pub words: String,
    /// Words every prompt avoids.
    pub avoid: Vec<String>,
}

/// Where the user's own files are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// A models file; its entries replace the shipped ones of the same name.
    pub models: Option<PathBuf>,
    /// A folder of `NAME.json` and `NAME.toml`.
    pub workflows: Option<PathBuf>,
    /// A folder of `NAME.toml`; their words are added to the shipped ones of the same language.
    pub languages: Option<PathBuf>,
    /// A file of styles; its entries replace the shipped ones of the same name.
    pub styles: Option<PathBuf>,
    /// A folder of `NAME.toml`; each replaces the shipped trainer of the same name.
    pub trainers: Option<PathBuf>,
}

/// The languages that come with the program and those in a folder of the user's; and what is not used there, one
/// sentence each.
pub fn languages(folder: Option<&Path>) -> (Languages, Vec<String>) {
    let (mut languages, mut refused) = (Languages::default(), Vec::new());
    for (code, words) in shipped::LANGUAGES {
        match read_language(words) {
            Ok(language) => languages.add(language),
            Err(why) => refused.push(format!("languages/{code}.toml: {why}")),
        }
    }
    let own = folder.into_iter().flat_map(|folder| names(folder).into_iter().map(|name| folder.join(name + ".toml")));
    for path in own.filter(|path| path.exists()) {
        match text(&path).and_then(|text| read_language(&text)) {
            Ok(language) => languages.add(language),
            Err(why) => refused.push(format!("{}: {why}", path.display())),
        }
    }
    (languages, refused)
}

fn read_language(text: &str) -> Result<Language, String> {
    let language: Language = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let wrong = language.check();
    if wrong.is_empty() { Ok(language) } else { Err(wrong.join("; ")) }
}

impl Definitions {
    /// What comes with the program.
    pub fn shipped() -> Self {
        let (languages, refused) = languages(None);
        let mut definitions = Self { languages: Arc::new(languages), refused, ..Self::default() };
        match read_models(shipped::MODELS) {
            Ok(catalogue) => definitions.catalogue = catalogue,
            Err(why) => definitions.refused.push(format!("models.toml: {why}")),
        }
        match read_styles(shipped::STYLES) {
            Ok(styles) => definitions.styles = styles,
            Err(why) => definitions.refused.push(format!("styles.toml: {why}")),
        }
        for (name, about) in shipped::TRAINERS {
            match read_trainer(about) {
                Ok(trainer) => drop(definitions.trainers.insert((*name).to_owned(), trainer)),
                Err(why) => definitions.refused.push(format!("trainers/{name}.toml: {why}")),
            }
        }
        for (name, graph, about) in shipped::WORKFLOWS {
            match read_workflow(name, graph, about) {
                Ok(workflow) => drop(definitions.workflows.insert((*name).to_owned(), workflow)),
                Err(faults) => definitions.refused.extend(faults.iter().map(|why| format!("workflows/{name}: {why}"))),
            }
        }
        definitions
    }

    /// The style a text names, whatever its capitals; `None`: it is words of its own.
    pub fn style(&self, text: &str) -> Option<&NamedStyle> {
        let wanted = text.trim().to_lowercase();
        self.styles.iter().find(|(name, _)| name.to_lowercase() == wanted).map(|(_, style)| style)
    }

    /// What comes with the program and what the user added; what cannot be used is taken from `before`.
    pub fn read(places: &Places, before: &Self) -> Self {
        let mut definitions = Self::shipped();
        if let Some(path) = &places.models
            && path.exists()
        {
            let added = text(path).and_then(|text| read_models(&text));
            match added {
                Ok(added) => {
                    definitions.own = added.models.keys().cloned().collect();
                    definitions.catalogue.models.extend(added.models);
                }
                Err(why) => {
                    definitions.refused.push(format!("{}: {why}", path.display()));
                    definitions.catalogue = before.catalogue.clone();
                    definitions.own.clone_from(&before.own);
                }
            }
        }
        if let Some(path) = places.styles.as_ref().filter(|path| path.exists()) {
            match text(path).and_then(|text| read_styles(&text)) {
                Ok(own) => definitions.styles.extend(own),
                Err(why) => {
                    definitions.refused.push(format!("{}: {why}", path.display()));
                    definitions.styles.clone_from(&before.styles);
                }
            }
        }
        if places.languages.is_some() {
            let (languages, refused) = languages(places.languages.as_deref());
            definitions.languages = if refused.is_empty() { Arc::new(languages) } else { before.languages.clone() };
            definitions.refused.extend(refused);
        }
        if let Some(folder) = &places.trainers {
            definitions.read_trainers(folder, before);
        }
        for name in places.workflows.iter().flat_map(|folder| names(folder)) {
            let Some(folder) = &places.workflows else { continue };
            let file = |ext: &str| folder.join(format!("{name}.{ext}"));
            let read = text(&file("json")).map_err(|why| vec![why]).and_then(|graph| {
                let about = text(&file("toml")).map_err(|why| vec![why])?;
                read_workflow(&name, &graph, &about)
            });
            match read {
                Ok(workflow) => drop(definitions.workflows.insert(name, workflow)),
                Err(faults) => {
                    let of = file("json");
                    definitions.refused.extend(faults.iter().map(|why| format!("{}: {why}", of.display())));
                    if let Some(known) = before.workflows.get(&name) {
                        definitions.workflows.insert(name, known.clone());
                    }
                }
            }
        }
        definitions
    }

    /// Adds the user's own trainers; what cannot be used is taken from `before`.
    fn read_trainers(&mut self, folder: &Path, before: &Self) {
        for name in names(folder) {
            let path = folder.join(format!("{name}.toml"));
            if !path.exists() {
                continue;
            }
            match text(&path).and_then(|text| read_trainer(&text)) {
                Ok(trainer) => drop(self.trainers.insert(name, trainer)),
                Err(why) => {
                    self.refused.push(format!("{}: {why}", path.display()));
                    if let Some(known) = before.trainers.get(&name) {
                        self.trainers.insert(name, known.clone());
                    }
                }
            }
        }
    }
}

/// Names in a folder that have a graph or a description.
fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut names: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|ext| ext == "json" || ext == "toml"))
        .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names.dedup();
    names
}

fn text(path: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            format!("{name} is missing: a workflow is two files, NAME.json and NAME.toml")
        }
        _ => format!("cannot be read: {error}"),
    };
    if std::fs::metadata(path).map_err(cannot)?.len() > LARGEST {
        return Err(format!("is larger than {} MiB", LARGEST >> 20));
    }
    text_file::read(path).map_err(cannot)
}

fn read_models(text: &str) -> Result<Catalogue, String> {
    let catalogue: Catalogue = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let wrong = catalogue.check();
    if wrong.is_empty() { Ok(catalogue) } else { Err(wrong.join("; ")) }
}

fn read_trainer(text: &str) -> Result<Trainer, String> {
    let trainer: Trainer = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let wrong = trainer.check();
    if wrong.is_empty() { Ok(trainer) } else { Err(wrong.join("; ")) }
}

fn read_styles(text: &str) -> Result<BTreeMap<String, NamedStyle>, String> {
    let styles: BTreeMap<String, NamedStyle> =
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let long = |text: &String| text.chars().count() > LONGEST_STYLE;
    let wrong = styles.iter().find_map(|(name, style)| {
        let wordless = style.words.trim().is_empty();
        (wordless || long(&style.words) || style.avoid.iter().any(long)).then(|| {
            let why = if wordless { "has no words" } else { "has a text that is longer than 2000 characters" };
            format!("the style '{name}' {why}")
        })
    });
    wrong.map_or(Ok(styles), Err)
}

fn read_workflow(name: &str, graph: &str, about: &str) -> Result<Workflow, Vec<String>> {
    let graph = serde_json::from_str(graph).map_err(|error| vec![format!("is not JSON: {error}")])?;
    let about =
        toml::from_str(about).map_err(|error| vec![format!("{name}.toml: {}", error.to_string().trim_end())])?;
    Workflow::new(name, graph, about).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

/// The definitions, kept up to date; clones see the same.
#[derive(Debug, Clone)]
pub struct DefinitionsWatch {
    definitions: watch::Receiver<Arc<Definitions>>,
    places: Places,
}

impl DefinitionsWatch {
    /// Definitions that never change.
    pub fn of(definitions: Definitions) -> Self {
        Self { definitions: watch::channel(Arc::new(definitions)).1, places: Places::default() }
    }

    /// Reads everything, and again whenever the user's files change. A folder that is not there yet is made.
    pub fn open(places: Places) -> Self {
        for folder in places.workflows.iter().chain(&places.languages).chain(&places.trainers) {
            if let Err(error) = std::fs::create_dir_all(folder) {
                tracing::warn!(folder = %folder.display(), %error, "failed to make the folder");
            }
        }
        let first = Definitions::read(&places, &Definitions::shipped());
        for refused in &first.refused {
            tracing::warn!("not used: {refused}");
        }
        let (say, definitions) = watch::channel(Arc::new(first));
        tokio::spawn(keep_up(places.clone(), say));
        Self { definitions, places }
    }

    /// The definitions as they are now.
    pub fn now(&self) -> Arc<Definitions> {
        self.definitions.borrow().clone()
    }

    /// Hears when they change.
    pub fn listen(&self) -> watch::Receiver<Arc<Definitions>> {
        self.definitions.clone()
    }

    /// Where the user's own files are.
    pub fn places(&self) -> &Places {
        &self.places
    }
}

/// Whether the definitions may read otherwise now. Reading a file is an event too, and would go round for ever; beside the
/// models lies the database, which is written all the time.
fn concerns(event: &notify::Event) -> bool {
    let ours = |path: &PathBuf| path.extension().is_none_or(|ext| ext == "json" || ext == "toml");
    // Without a path something was missed.
    !event.kind.is_access() && (event.paths.is_empty() || event.need_rescan() || event.paths.iter().any(ours))
}

/// Reads again after every change, until nobody wants the definitions any more.
async fn keep_up(places: Places, say: watch::Sender<Arc<Definitions>>) {
    let (hint, mut hints) = mpsc::channel::<()>(1);
    let tell = move |event: Result<notify::Event, notify::Error>| {
        if event.is_ok_and(|event| concerns(&event)) {
            // One hint that waits is enough.
            let _ = hint.try_send(());
        }
    };
    let mut watcher = match notify::recommended_watcher(tell) {
        Ok(watcher) => watcher,
        Err(error) => return tracing::warn!(%error, "changed workflows are seen at the next start only"),
    };
    // The folders of files, because editors replace those.
    let own = places.workflows.iter().chain(&places.languages).chain(&places.trainers).map(PathBuf::as_path);
    let files = places.models.iter().chain(&places.styles);
    let folders: BTreeSet<&Path> = own.chain(files.filter_map(|file| file.parent())).collect();
    for folder in folders {
        if let Err(error) = watcher.watch(folder, notify::RecursiveMode::NonRecursive) {
            tracing::warn!(folder = %folder.display(), %error, "changes there are seen at the next start only");
        }
    }
    loop {
        tokio::select! {
            hinted = hints.recv() => if hinted.is_none() { return },
            () = say.closed() => return,
        }
        tokio::time::sleep(SETTLE).await;
        while hints.try_recv().is_ok() {}
        let (places, before) = (places.clone(), say.borrow().clone());
        let Ok(definitions) = tokio::task::spawn_blocking(move || Definitions::read(&places, &before)).await else {
            continue;
        };
        for refused in &definitions.refused {
            tracing::warn!("not used: {refused}");
        }
        tracing::info!(
            workflows = definitions.workflows.len(),
            models = definitions.catalogue.models.len(),
            "read again"
        );
        say.send_replace(Arc::new(definitions));
    }
}

#[cfg(test)]
mod tests {
    use notify::{
        Event, EventKind,
        event::{AccessKind, CreateKind, Flag, ModifyKind},
    };

    use super::*;

    #[test]
    fn only_what_the_books_are_made_of_is_read_again() {
        let about = |kind: EventKind, path: &str| concerns(&Event::new(kind).add_path(path.into()));
        let changed = EventKind::Modify(ModifyKind::Any);
        assert!(
            about(changed, "/data/models.toml") && about(EventKind::Create(CreateKind::File), "/data/workflows/a.json")
        );
        assert!(about(changed, "/data/workflows"), "the folder itself");
        assert!(!about(changed, "/data/studio.db-wal") && !about(changed, "/data/studio.db"));
        assert!(!about(EventKind::Access(AccessKind::Any), "/data/models.toml"), "it is only read");
        assert!(concerns(&Event::new(EventKind::Other).set_flag(Flag::Rescan)), "something was missed");
    }
}
