//! Ingest: videos that are sent, or fetched from an address, wait here for their turn. Each is a row and a folder; its frames
//! are taken by [`work`], one video after the other.

mod sample;
mod work;

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::json;
use studio_core::{
    dataset::{
        Excerpt, Ingest, IngestCounts, IngestFault, IngestProgress, IngestSource, IngestState, IngestStep, Rights,
    },
    ids::{CharacterId, IngestId},
    journal::EventKind,
};
use studio_engine::RunMedia;
use studio_media::source::{Kind, kind_of_bytes};
use tokio::sync::Mutex;

use super::Datasets;
use crate::{
    engines::yt_dlp::{self, Unfit, YtDlp},
    events::StudioEvent,
    media::ChildProcess,
    store,
    web::{IngestRefused, ServiceError},
};

/// Videos that wait or are taken in at a time, in the whole studio: each has its file on the disk.
const MOST_OPEN: usize = 20;
/// Ingests of a dataset that are remembered after they ended.
const KEPT: u32 = 30;
/// As much of a file as is needed to see what it is.
const HEAD: u64 = 8192;
/// What the video is called in its folder.
const VIDEO: &str = "video";

/// Held while a folder and its row come, so that nobody takes the one without the other. One for the whole process: only
/// one may write in a data directory.
static COMING: Mutex<()> = Mutex::const_new(());

/// Whether a file is a video by its content: pictures in the container of films (HEIF, AVIF) are none.
pub fn is_video(file: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(file).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    read.is_ok() && matches!(kind_of_bytes(&head), Kind::Mp4 | Kind::Matroska) && !infer::is_image(&head)
}

impl Datasets {
    fn folder(&self, id: IngestId) -> PathBuf {
        self.making.context.data.ingests().join(id.to_string())
    }

    /// Who looks into videos.
    fn eyes(&self) -> Result<Arc<dyn RunMedia>, IngestFault> {
        match &self.media {
            Some(media) => Ok(media.clone()),
            None => match ChildProcess::new() {
                Ok(child) => Ok(Arc::new(child)),
                Err(error) => Err(IngestFault::Broken { said: error.to_string() }),
            },
        }
    }

    /// The yt-dlp of the settings.
    fn fetcher(&self) -> YtDlp {
        crate::app::downloader(&self.making.config.datasets)
    }

    /// Takes a video that was sent, a file in the studio's own working folder, and puts it in the queue.
    pub(super) async fn take_video(
        &self,
        character: CharacterId,
        file: &Path,
        name: &str,
        excerpt: Excerpt,
    ) -> Result<Ingest, ServiceError> {
        excerpt.check().map_err(ServiceError::Usage)?;
        self.come(character, IngestSource::Video { name: name.to_owned() }, excerpt, Some(file)).await
    }

    /// Puts a video that is fetched from an address in the queue. What cannot be fetched at all is said at once.
    pub(super) async fn take_url(
        &self,
        character: CharacterId,
        url: &str,
        may_use: bool,
        excerpt: Excerpt,
    ) -> Result<Ingest, ServiceError> {
        excerpt.check().map_err(ServiceError::Usage)?;
        if !may_use {
            let why = "say that you may use it: \"may_use\": true; it is kept with every picture, and nothing is fetched without";
            return Err(ServiceError::Usage(why.into()));
        }
        let fetcher = self.fetcher();
        if fetcher.find().is_none() {
            return Err(IngestRefused::NoDownloader { program: fetcher.program }.into());
        }
        let url = yt_dlp::checked(url).await.map_err(|unfit| match unfit {
            Unfit::NoUrl => ServiceError::Usage("url is no address of a video; it begins with https://".into()),
            Unfit::Fault(IngestFault::House { host }) => IngestRefused::House { host }.into(),
            Unfit::Fault(fault) => ServiceError::Usage(fault.to_string()),
        })?;
        let rights = Rights { may_use, at: self.making.context.clock.now(), licence: String::new() };
        let source = IngestSource::Url { url: url.to_string(), title: String::new(), rights };
        self.come(character, source, excerpt, None).await
    }

    async fn come(
        &self,
        character: CharacterId,
        source: IngestSource,
        excerpt: Excerpt,
        file: Option<&Path>,
    ) -> Result<Ingest, ServiceError> {
        let context = &self.making.context;
        let _alone = COMING.lock().await;
        if store::ingests::open_ids(&context.db).await?.len() >= MOST_OPEN {
            return Err(IngestRefused::TooMany { most: MOST_OPEN }.into());
        }
        let step = if file.is_some() { IngestStep::Look } else { IngestStep::Fetch };
        let ingest = Ingest {
            id: IngestId(context.clock.id()),
            character_id: character,
            source,
            excerpt,
            state: IngestState::Waiting,
            progress: IngestProgress { step, done: 0, of: 0 },
            counts: IngestCounts::default(),
            fault: None,
            created: context.clock.now(),
            began: None,
            ended: None,
        };
        let folder = self.folder(ingest.id);
        if let Some(file) = file {
            let placed = place(file.to_owned(), folder.clone()).await;
            placed.map_err(|error| ServiceError::Unable(format!("the disk cannot take the video: {error}")))?;
        }
        let kept = async {
            let mut tx = context.db.begin().await?;
            store::ingests::insert(&mut tx, &ingest).await?;
            self.journal(&mut tx, ingest.id, character).await?;
            tx.commit().await
        };
        if let Err(error) = kept.await {
            remove(folder).await;
            return Err(error.into());
        }
        self.news(character);
        Ok(ingest)
    }

    /// Stops an ingest that is not over; what has arrived stays.
    pub(super) async fn stop_ingest(&self, id: IngestId) -> Result<Ingest, ServiceError> {
        let context = &self.making.context;
        let found = store::ingests::get(&context.db, id).await?;
        let mut tx = context.db.begin().await?;
        if !store::ingests::end(&mut tx, id, IngestState::Cancelled, None, context.clock.now()).await? {
            return Err(IngestRefused::Over.into());
        }
        self.journal(&mut tx, id, found.character_id).await?;
        tx.commit().await?;
        if found.state == IngestState::Waiting {
            // Of one that runs whoever takes it in removes what is left.
            remove(self.folder(id)).await;
        }
        self.news(found.character_id);
        Ok(store::ingests::get(&context.db, id).await?)
    }

    /// Writes down that something about an ingest is new.
    async fn journal(&self, tx: &mut store::Tx<'_>, id: IngestId, character: CharacterId) -> store::Result<()> {
        let (body, now) = (json!({ "character": character }), self.making.context.clock.now());
        store::events::append(tx, EventKind::IngestChanged, &id.to_string(), &body, now).await.map(drop)
    }

    /// Tells everybody of it, whoever takes videos in among them.
    fn news(&self, character: CharacterId) {
        self.making.context.events.tell(StudioEvent::Ingest { character });
    }
}

/// Moves a video into its folder; both are on the disk afterwards.
async fn place(file: PathBuf, folder: PathBuf) -> std::io::Result<()> {
    let placed = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&folder)?;
        std::fs::File::open(&file)?.sync_all()?;
        std::fs::rename(&file, folder.join(VIDEO))?;
        std::fs::File::open(&folder)?.sync_all()?;
        folder.parent().map_or(Ok(()), |above| std::fs::File::open(above)?.sync_all())
    });
    placed.await.map_err(std::io::Error::other)?
}

/// Removes a folder with all that is in it; what is not there is no fault.
async fn remove(folder: PathBuf) {
    let gone = tokio::task::spawn_blocking(move || (std::fs::remove_dir_all(&folder), folder)).await;
    if let Ok((Err(error), folder)) = gone
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(folder = %folder.display(), %error, "the folder of a video cannot be removed");
    }
}
