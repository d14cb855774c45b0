//! Services: what the studio can do that the settings decide, and the web does not know.

mod learned;
mod portraits;

use std::{path::Path, sync::Arc};

use serde::{Deserialize, Serialize};
use studio_core::{
    dataset::{
        Called, Cell, CopiesPreview, Coverage, Dataset, Drift, Excerpt, ForFilms, Ingest, Readiness, TagCount, Tally,
        Target, Term, Wait,
    },
    ids::{CharacterId, EpisodeId, IngestId, PictureId},
    lora::{LoraAbout, LoraFault},
    order::{AssetRef, Output, Role},
    project::Project,
    quiet::QuietHours,
    script,
    units::{Fps, Frames, Millis, Size},
};
use studio_engine::Boxed;
use utoipa::ToSchema;

pub use self::{
    learned::{ArmView, RepairView},
    portraits::{PortraitCounts, PortraitInMaking, PortraitSheet, Portraits},
};
pub use super::service_error::{IngestRefused, ReviewRefused, ServiceError};
use super::{
    dataset_services::{Reviews, Unnamed},
    findings::Finding,
    training_services::Trainings,
};
use crate::conductor::{Defaults, Produce, ProduceOptions};

/// An idea that becomes a screenplay.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Idea {
    /// The storyline or the idea, 10 to 20 000 characters.
    pub idea: String,
    /// Title of the show.
    #[serde(default)]
    pub show: String,
    /// What else the writer should know: world, tone, audience.
    #[serde(default)]
    pub world: String,
    /// Who exists already, as "NAME: who that is".
    #[serde(default)]
    pub characters: Vec<String>,
    /// Story format, which says how long and how many scenes.
    #[serde(default = "usual_format")]
    pub format: String,
    /// Language of the dialogue, BCP 47.
    #[serde(default = "usual_language")]
    pub language: String,
}

fn usual_format() -> String {
    "series".into()
}

fn usual_language() -> String {
    "en".into()
}

/// A spoken line.
#[derive(Debug, Clone)]
pub struct Line {
    /// The recording of the line, as a kept file.
    pub file: AssetRef,
    /// Why a draft spoke it instead of who was asked; `None` when they did.
    pub stands_in: Option<String>,
}

/// A language model that was asked something small.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Trial {
    /// `ollama` or `openai`.
    pub engine: String,
    /// Name of the model that was asked; empty when none was.
    pub model: String,
    /// It answered, and as it should.
    pub good: bool,
    /// What it said, or why there is no answer, with the remedy.
    pub said: String,
    /// Tokens it read, when its server tells.
    pub read: Option<u32>,
    /// Tokens it wrote, when its server tells.
    pub written: Option<u32>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// A story format.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FormatView {
    /// Name of the format, by which an idea asks for it, e.g. `series`.
    pub name: String,
    /// Picture size, `WIDTHxHEIGHT`.
    pub size: String,
    /// Pictures per second.
    pub fps: f64,
    /// Draws the subtitles into the picture.
    pub burn_in: bool,
    /// How long a story of it is, in seconds, from and to; `None` when it does not say.
    pub seconds: Option<(u32, u32)>,
    /// How many scenes a story of it has, from and to.
    pub scenes: Option<(u32, u32)>,
}

/// A model of the catalogue.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ModelView {
    /// Name in the catalogue, by which the settings refer to it.
    pub name: String,
    /// Title of the model, as people read it.
    pub title: String,
    /// `stills`, `clips`, `music`, ...
    pub makes: String,
    /// Memory it needs in MiB.
    pub vram_mib: u64,
    /// Its workflows by purpose.
    pub workflows: std::collections::BTreeMap<String, String>,
    /// The settings use it.
    pub used: bool,
}

/// A ComfyUI workflow, shipped or the user's own.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WorkflowView {
    /// Name of the workflow, by which models refer to it.
    pub name: String,
    /// What it is for.
    pub title: String,
    /// Slots a request may fill.
    pub slots: Vec<String>,
}

/// A LoRA file of the folder of the settings.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LoraView {
    /// Its name below the folder, with `/`, as ComfyUI lists it.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// What it says of itself; `None` where it cannot be used.
    pub about: Option<LoraAbout>,
    /// Why it cannot be used.
    pub fault: Option<LoraFault>,
    /// Characters that films make with it, by the settings or as was chosen in the studio, in the order of their names.
    pub characters: Vec<String>,
    /// Projects whose whole films are made with it, or where their screenplays ask for it, by title.
    pub films: Vec<String>,
}

/// The LoRA files there are.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Loras {
    /// The folder of the settings; `None`: none is named, and nothing is known.
    pub folder: Option<String>,
    /// The files, by name.
    pub loras: Vec<LoraView>,
    /// There are more files than are looked at.
    pub more: bool,
}

/// A style that projects and settings ask for by its name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StyleView {
    /// The name, e.g. `anime`.
    pub name: String,
    /// Words that are put before every prompt.
    pub words: String,
    /// Words every prompt avoids.
    pub avoid: Vec<String>,
}

/// What the settings say; secrets are never among it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SettingsView {
    /// The settings file; `None` when there is none and everything is as usual.
    pub file: Option<String>,
    /// Where everything is kept.
    pub data_dir: String,
    /// Root of the Jellyfin library; `None`: nothing is published.
    pub library: Option<String>,
    /// Who makes pictures, clips, voices and music, and who judges: by what they do.
    pub makers: std::collections::BTreeMap<String, String>,
    /// Quiet hours of the settings file; those set on the page go before them.
    pub quiet: Vec<QuietHours>,
    /// Pass marks of attempts 1, 2, 3, each 0-1.
    pub pass_marks: [f64; 3],
    /// Days until a file nothing refers to is removed.
    pub unused_days: u32,
    /// Whether peers of the house need no login.
    pub open_house: bool,
    /// Names the page may be opened by, beside those of the house.
    pub hosts: Vec<String>,
    /// Files of the user's that are not used, and why.
    pub refused: Vec<String>,
}

/// Screenplays become productions, and what was made of them leaves the library again.
pub trait Productions: Send + Sync {
    /// How a screenplay is read here: in which languages.
    fn reading(&self) -> script::Defaults;
    /// The production a screenplay asks for; `text` is Fountain in UTF-8, and what `options` leave open is decided as
    /// `defaults` says.
    fn production<'a>(
        &'a self,
        text: &'a [u8],
        options: ProduceOptions,
        defaults: Defaults,
    ) -> Boxed<'a, Result<Produce, ServiceError>>;
    /// Removes what was published from the library at `root`; what is gone already is no error.
    fn unpublish<'a>(&'a self, root: &'a Path, files: Vec<String>) -> Boxed<'a, Result<(), ServiceError>>;
}

/// Ideas become screenplays.
pub trait Stories: Send + Sync {
    /// Says why nobody here could write that story, before anything is begun.
    fn may_tell(&self, idea: &Idea) -> Result<(), ServiceError>;
    /// Has a text model turn an idea into a screenplay in Fountain.
    fn tell(&self, idea: Idea) -> Boxed<'_, Result<String, ServiceError>>;
    /// Story formats that come with the program.
    fn formats(&self) -> Vec<FormatView>;
}

/// Files that come in, and small things made at once, without a task.
pub trait Media: Send + Sync {
    /// Takes a file among the kept ones as what `role` asks for; what it is, its content says.
    fn keep<'a>(&'a self, path: &'a Path, role: Role) -> Boxed<'a, Result<Output, ServiceError>>;
    /// The most bytes that are taken as that.
    fn most(&self, role: Role) -> u64;
    /// Writes picture number `at` of a film, scaled down to `fit`, to `out`, which ends in `.jpg`.
    fn picture<'a>(
        &'a self,
        film: &'a Path,
        fps: Fps,
        at: Frames,
        fit: Size,
        out: &'a Path,
    ) -> Boxed<'a, Result<(), ServiceError>>;
    /// Has a character speak a text: with the voice it has in films, or the draft's.
    fn audition<'a>(
        &'a self,
        character: CharacterId,
        text: &'a str,
        draft: bool,
    ) -> Boxed<'a, Result<Line, ServiceError>>;
    /// Name of the engine whose voice characters have in films.
    fn speaker(&self) -> String;
    /// Names of the voices that engine has.
    fn voices(&self) -> Boxed<'_, Result<Vec<String>, ServiceError>>;
}

/// What the studio has, what it lacks, and what its settings say.
pub trait Diagnostics: Send + Sync {
    /// Looks at everything the studio needs.
    fn check(&self) -> Boxed<'_, Vec<Finding>>;
    /// Looks at every row and every kept file; one that is gone or damaged is made again when it is needed.
    fn check_deep(&self) -> Boxed<'_, Result<Vec<Finding>, ServiceError>>;
    /// Asks every language model of the settings that `engine` has something small.
    fn try_out<'a>(&'a self, engine: &'a str) -> Boxed<'a, Vec<Trial>>;
    /// What the settings say.
    fn settings(&self) -> SettingsView;
    /// Models of the catalogue.
    fn models(&self) -> Vec<ModelView>;
    /// Workflows there are, shipped and the user's own.
    fn workflows(&self) -> Vec<WorkflowView>;
    /// LoRA files of the folder of the settings; that it cannot be read is a fault.
    fn loras(&self) -> Boxed<'_, Result<Loras, ServiceError>>;
    /// Styles there are, shipped and the user's own, by name.
    fn styles(&self) -> Vec<StyleView>;
}

/// A project that came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Arrived {
    /// The project that was in the archive.
    pub project: Project,
    /// Files that came with it.
    pub files: usize,
    /// What stood in the archive and could not stand here.
    pub left_out: LeftOut,
}

/// How much of an archive was left out, because it could not stand without what is not in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportLeftOut)]
pub struct LeftOut {
    /// Pictures of datasets of which nothing but a name is known: their files are not in it.
    pub pictures: usize,
    /// Portraits whose files are not in it.
    pub portraits: usize,
    /// Requests about pictures that are not in it: those without a name do not go along.
    pub requests: usize,
}

/// Kept files nothing refers to any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tidied {
    /// How many such files were found.
    pub files: u64,
    /// Size of all of them together, in bytes.
    pub bytes: u64,
    /// They are gone; else they were only counted.
    pub removed: bool,
}

/// What the studio does for itself once a day, when somebody wants it now.
pub trait Upkeep: Send + Sync {
    /// Removes kept files nothing refers to and that are older than `days`, those of the settings without; only counts
    /// them when `dry`.
    fn tidy(&self, days: Option<u32>, dry: bool) -> Boxed<'_, Result<Tidied, ServiceError>>;
}

/// Projects come and go as archives.
pub trait Archives: Send + Sync {
    /// Reads a project from an archive.
    fn import<'a>(&'a self, archive: &'a Path) -> Boxed<'a, Result<Arrived, ServiceError>>;
    /// Writes the project of that short name into an archive.
    fn export<'a>(&'a self, slug: &'a str, archive: &'a Path) -> Boxed<'a, Result<(), ServiceError>>;
}

/// Pictures that came into a dataset.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Taken {
    /// Pictures that are new.
    pub added: Vec<PictureId>,
    /// How many were there already.
    pub known: usize,
    /// How many have a caption now that lay beside them.
    pub captioned: usize,
    /// What was not taken, and why, one sentence each.
    pub refused: Vec<String>,
    /// What is to be known of captions, one sentence each.
    pub remarks: Vec<String>,
    /// What came was a video: its frames become pictures one by one, and this says how far that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingest: Option<IngestView>,
}

/// A video on its way into a dataset, and what there is to say of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IngestView {
    /// The ingest itself.
    pub ingest: Ingest,
    /// Why it failed, in one sentence; empty when it did not.
    pub said: String,
}

/// Which pictures of a ComfyUI are taken into a dataset.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// The server's name in the settings; `None`: the only one.
    pub server: Option<String>,
    /// Only of prompts that ended at this moment, by the server's clock, or later.
    pub since: Option<Millis>,
    /// Only of prompts with this text in them, in whatever case; empty: of all.
    pub matching: String,
    /// Most new pictures.
    pub most: u32,
}

/// What came from a ComfyUI.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Scanned {
    /// Pictures that are new.
    pub added: Vec<PictureId>,
    /// How many were there already.
    pub known: usize,
    /// How many this studio had made there, which are left.
    pub own: usize,
    /// What was not taken, and why, one sentence each.
    pub refused: Vec<String>,
    /// There are more than were asked for.
    pub more: bool,
}

/// How many pictures of a dataset stand how.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub struct PictureCounts {
    /// Those that are trained on.
    pub approved: u32,
    /// Those that wait for a person.
    pub awaiting: u32,
    /// Those that wait for the judge.
    pub unjudged: u32,
    /// Those that are not wanted.
    pub rejected: u32,
    /// Near-duplicates of others.
    pub duplicates: u32,
    /// Those that are being made.
    pub in_flight: u32,
    /// Those a review was asked for that is not over.
    pub in_review: u32,
    /// Those the studio asked for today.
    pub asked_today: u32,
    /// Videos whose frames are still to come.
    pub ingests: u32,
}

/// The dataset of a character.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DatasetView {
    /// What its owner says of it.
    pub dataset: Dataset,
    /// How many pictures stand how.
    pub counts: PictureCounts,
    /// Why nothing is asked for now; `None`: something will be.
    pub waits: Option<Wait>,
    /// The same in one sentence; empty: something will be.
    pub said: String,
    /// No judge answers at the moment.
    pub judge_away: bool,
    /// Names of every ComfyUI of the settings, whose pictures can be taken.
    pub comfy: Vec<String>,
    /// The folder that is watched for it; `None` when none is.
    pub inbox: Option<String>,
    /// What it should show.
    pub axes: Coverage,
    /// How many approved pictures show what, and how many should.
    pub coverage: Vec<Tally>,
    /// Whether a model can be trained on it.
    pub readiness: Readiness,
    /// What was learned of settings; empty before anything was decided.
    pub learned: Vec<ArmView>,
    /// What films could use of it; `None` where nothing can be turned on the model, or the settings cannot be used.
    pub films: Option<ForFilms>,
    /// What repairs do, and how often they helped.
    pub repairs: Vec<RepairView>,
    /// What the next pictures avoid because of rejections.
    pub avoids: Vec<Term>,
    /// Whether its pictures get worse; `None` while there are too few.
    pub drift: Option<Drift>,
}

/// Pictures of characters that models are trained on.
pub trait Datasets: Reviews + Unnamed {
    /// The dataset of a character as it is now.
    fn view(&self, character: CharacterId) -> Boxed<'_, Result<DatasetView, ServiceError>>;
    /// Takes a picture, or every picture of a ZIP archive, into a dataset.
    fn add<'a>(
        &'a self,
        character: CharacterId,
        file: &'a Path,
        name: &'a str,
    ) -> Boxed<'a, Result<Taken, ServiceError>>;
    /// Takes accepted pictures of films that show nobody else into a dataset: of one episode, or of all.
    fn stills(&self, character: CharacterId, episode: Option<EpisodeId>) -> Boxed<'_, Result<Taken, ServiceError>>;
    /// Takes pictures that a ComfyUI of the settings has finished into a dataset, the newest first.
    fn scan(&self, character: CharacterId, scan: Scan) -> Boxed<'_, Result<Scanned, ServiceError>>;
    /// Most bytes of a file that is taken.
    fn largest(&self) -> u64;
    /// Packs the approved pictures with their captions into the archive `into`, for a training program.
    fn export<'a>(
        &'a self,
        character: CharacterId,
        target: &'a Target,
        into: &'a Path,
    ) -> Boxed<'a, Result<(), ServiceError>>;
    /// How often each tag is told of the pictures of a dataset, and with which words every caption begins.
    fn tags(&self, character: CharacterId) -> Boxed<'_, Result<(Called, Vec<TagCount>), ServiceError>>;
    /// What these thresholds of near-duplicates, DCT and gradient, would group.
    fn copies(&self, of: CharacterId, tried: [Option<u32>; 2]) -> Boxed<'_, Result<CopiesPreview, ServiceError>>;
    /// Whether a file is a video, by its content.
    fn is_video(&self, file: &Path) -> bool;
    /// Takes a video, a file of the studio's own working folder, whose frames become pictures of a dataset.
    fn take_video<'a>(
        &'a self,
        character: CharacterId,
        file: &'a Path,
        name: &'a str,
        excerpt: Excerpt,
    ) -> Boxed<'a, Result<Ingest, ServiceError>>;
    /// The same of one that is fetched from an address; who asks says that they may use it.
    fn take_url<'a>(
        &'a self,
        character: CharacterId,
        url: &'a str,
        may_use: bool,
        excerpt: Excerpt,
    ) -> Boxed<'a, Result<Ingest, ServiceError>>;
    /// Stops a video that is taken in, or waits for it.
    fn stop_ingest(&self, id: IngestId) -> Boxed<'_, Result<Ingest, ServiceError>>;
    /// Has pictures made now; how many.
    fn generate(&self, character: CharacterId, pictures: u32, cell: Cell) -> Boxed<'_, Result<usize, ServiceError>>;
    /// Has a rejected picture made again, differently.
    fn repair(&self, picture: PictureId) -> Boxed<'_, Result<(), ServiceError>>;
    /// Has a picture judged once more.
    fn review(&self, picture: PictureId) -> Boxed<'_, Result<(), ServiceError>>;
    /// Whether a picture of this dataset can show that.
    fn may_show<'a>(&'a self, character: CharacterId, cell: &'a Cell) -> Boxed<'a, Result<(), ServiceError>>;
    /// A picture of a dataset is gone or elsewhere.
    fn forget(&self, character: CharacterId);
}

/// Who does what the settings decide, each by what it serves.
#[derive(Clone)]
pub struct Services {
    /// Screenplays and the library.
    pub productions: Arc<dyn Productions>,
    /// Services that turn ideas into screenplays.
    pub stories: Arc<dyn Stories>,
    /// Services for files that come in, small pictures and voices to try.
    pub media: Arc<dyn Media>,
    /// What there is and what is lacking.
    pub diagnostics: Arc<dyn Diagnostics>,
    /// Projects as files.
    pub archives: Arc<dyn Archives>,
    /// Files nobody needs.
    pub upkeep: Arc<dyn Upkeep>,
    /// Pictures that models are trained on.
    pub datasets: Arc<dyn Datasets>,
    /// Reference sheets of characters and places.
    pub portraits: Arc<dyn Portraits>,
    /// Runs that train LoRAs, and the LoRAs themselves.
    pub trainings: Arc<dyn Trainings>,
}

impl Services {
    /// All of them done by one, what is kept of pictures by another, and what is trained by a third.
    pub fn of<T, D, L>(one: &Arc<T>, datasets: Arc<D>, trainings: Arc<L>) -> Self
    where
        L: Trainings + 'static,
        D: Datasets + Portraits + 'static,
        T: Productions + Stories + Media + Diagnostics + Archives + Upkeep + 'static,
    {
        Self {
            productions: one.clone(),
            stories: one.clone(),
            media: one.clone(),
            diagnostics: one.clone(),
            archives: one.clone(),
            upkeep: one.clone(),
            portraits: datasets.clone(),
            datasets,
            trainings,
        }
    }
}
