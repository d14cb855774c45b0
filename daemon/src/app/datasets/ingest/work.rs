//! Work: one video after the other is fetched, looked through, and its best frames are taken. How far it is stands in its row,
//! so that a restart goes on there; a frame that had arrived is known by its content and does not arrive twice.

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    time::Duration,
};

use studio_core::{
    dataset::{
        Cell, Excerpt, Ingest, IngestFault, IngestProgress, IngestSource, IngestState, IngestStep, Picture,
        PictureState, Source,
    },
    ids::{IngestId, PictureId},
    journal::EventKind,
    media::{FrameAt, FramesPlan, MediaFacts, MediaPlan, MediaResult, ProbePlan},
    units::Size,
};
use studio_engine::{EngineError, FailureKind, Progress};
use studio_pictures::{
    decode::{self, LEAST_SIDE, Refusal},
    frames,
};
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    watch,
};
use tokio_util::sync::CancellationToken;

use super::{COMING, KEPT, VIDEO, remove, sample};
use crate::{
    app::{
        datasets::{Datasets, Error},
        producing::intake,
    },
    engines::yt_dlp::{self, Unfit, Wanted},
    events::StudioEvent,
    store,
};

/// Frames that are taken out of a video at a time.
const AT_A_TIME: usize = 25;
/// How far it is, is written down so many times in a step.
const WRITTEN: u64 = 20;
/// Where nobody knows how much there is, every 8 MiB (as a power of two).
const UNKNOWN_STEP: u32 = 23;
/// Without any news it is looked again after this long.
const AT_LATEST: Duration = Duration::from_mins(10);
/// What failed for a reason of the studio's own is tried again after this long.
const AGAIN: Duration = Duration::from_secs(5);

/// So often a video is tried again that failed perhaps only this time, as when the process that decodes it was killed.
const TRIES: u32 = 3;

/// Why work on an ingest ends before it is done.
enum Halt {
    /// It cannot be done.
    Fault(IngestFault),
    /// It went wrong, perhaps only this time.
    Again(IngestFault),
    /// It is over for another reason: somebody stopped it, or its dataset is gone.
    Over,
    /// The studio itself could not.
    Store(store::Error),
}

impl From<store::Error> for Halt {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl From<IngestFault> for Halt {
    fn from(fault: IngestFault) -> Self {
        Self::Fault(fault)
    }
}

/// What a failure of the media process means; the place of the video tells nobody anything.
fn fault(failure: &EngineError, file: &Path) -> Halt {
    let said = failure.message.replace(&format!("{}: ", file.display()), "");
    match failure.kind {
        FailureKind::DiskFull => Halt::Fault(IngestFault::DiskFull),
        FailureKind::BadInput => Halt::Fault(IngestFault::Damaged { said }),
        FailureKind::Transient | FailureKind::Lost | FailureKind::Cancelled => {
            Halt::Again(IngestFault::Broken { said })
        }
        _ => Halt::Fault(IngestFault::Broken { said }),
    }
}

fn disk(error: &std::io::Error) -> Halt {
    let failure = EngineError::io("failed to keep a frame", error);
    fault(&failure, Path::new(""))
}

impl Datasets {
    /// Takes videos in until `stop`, one after the other. What it does may be given up at any moment.
    pub(in crate::app::datasets) async fn take_in(&self, stop: &CancellationToken) {
        let mut tries = BTreeMap::new();
        loop {
            // From before it is looked, so that nothing is missed.
            let mut heard = self.making.context.events.listen();
            let next = tokio::select! {
                () = stop.cancelled() => return,
                next = self.take_next(&mut tries) => next,
            };
            let idle = match next {
                Ok(true) => continue,
                Ok(false) => AT_LATEST,
                Err(error) => {
                    tracing::warn!(%error, "videos cannot be taken in");
                    AGAIN
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = news(&mut heard), if idle == AT_LATEST => {}
                () = tokio::time::sleep(idle) => {}
            }
        }
    }

    /// Takes the next video in; false when there is none.
    async fn take_next(&self, tries: &mut BTreeMap<IngestId, u32>) -> Result<bool, Error> {
        let db = &self.making.context.db;
        let mut heard = self.making.context.events.listen();
        self.sweep().await?;
        let Some(ingest) = store::ingests::open(db).await?.into_iter().next() else { return Ok(false) };
        let (id, character) = (ingest.id, ingest.character_id);
        let worked = tokio::select! {
            biased;
            over = self.until_over(id, &mut heard) => Err(over),
            worked = self.take_one(ingest) => worked,
        };
        let (state, fault) = match worked {
            Ok(()) => (IngestState::Done, None),
            Err(Halt::Fault(fault)) => (IngestState::Failed, Some(fault)),
            Err(Halt::Again(fault)) => {
                let tried = tries.entry(id).or_default();
                *tried += 1;
                if *tried < TRIES {
                    return Err(Error::Files(fault.to_string()));
                }
                (IngestState::Failed, Some(fault))
            }
            // Who stopped it has said so in its row.
            Err(Halt::Over) => return Ok(true),
            Err(Halt::Store(error)) => return Err(error.into()),
        };
        tries.remove(&id);
        let mut tx = db.begin().await?;
        if store::ingests::end(&mut tx, id, state, fault.as_ref(), self.making.context.clock.now()).await? {
            store::ingests::forget_old(&mut tx, character, KEPT).await?;
            self.journal(&mut tx, id, character).await?;
        }
        tx.commit().await?;
        self.news(character);
        Ok(true)
    }

    /// Waits until an ingest is over for a reason that is none of its own.
    async fn until_over(&self, id: IngestId, heard: &mut Receiver<StudioEvent>) -> Halt {
        loop {
            news(heard).await;
            match store::ingests::get(&self.making.context.db, id).await {
                Ok(ingest) if ingest.state.is_open() => {}
                Ok(_) | Err(store::Error::NotFound { .. }) => return Halt::Over,
                Err(error) => return Halt::Store(error),
            }
        }
    }

    /// Removes folders of videos that nobody waits for any more.
    async fn sweep(&self) -> Result<(), Error> {
        let context = &self.making.context;
        let _alone = COMING.lock().await;
        let open = store::ingests::open_ids(&context.db).await?;
        let Ok(mut there) = tokio::fs::read_dir(context.data.ingests()).await else { return Ok(()) };
        while let Ok(Some(folder)) = there.next_entry().await {
            let id = folder.file_name().to_str().and_then(|name| name.parse::<IngestId>().ok());
            if id.is_some_and(|id| !open.contains(&id)) {
                remove(folder.path()).await;
            }
        }
        Ok(())
    }

    async fn take_one(&self, mut ingest: Ingest) -> Result<(), Halt> {
        let context = &self.making.context;
        let (id, room) = (ingest.id, self.folder(ingest.id));
        let mut tx = context.db.begin().await?;
        if !store::ingests::begin(&mut tx, id, context.clock.now()).await? {
            return Err(Halt::Over);
        }
        self.journal(&mut tx, id, ingest.character_id).await?;
        tx.commit().await?;
        context.events.tell(StudioEvent::Ingest { character: ingest.character_id });
        let file = room.join(VIDEO);
        if !file.exists() {
            let IngestSource::Url { url, .. } = ingest.source.clone() else { return Err(IngestFault::Gone.into()) };
            self.fetch(&mut ingest, &url, &room).await?;
        }
        let chosen = match store::ingests::chosen(&context.db, id).await? {
            Some(chosen) => chosen,
            None => self.choose(&mut ingest, &file, &room).await?,
        };
        self.take_frames(&mut ingest, &chosen, &file, &room).await
    }

    /// Fetches the video into its folder.
    async fn fetch(&self, ingest: &mut Ingest, url: &str, room: &Path) -> Result<(), Halt> {
        // Its name may lead elsewhere by now.
        let url = yt_dlp::checked(url).await.map_err(|unfit| match unfit {
            Unfit::NoUrl => IngestFault::Broken { said: "its address is none".into() },
            Unfit::Fault(fault) => fault,
        })?;
        let aside = room.join("fetch");
        // What an earlier start left there is not gone on with: a site may have changed it.
        remove(aside.clone()).await;
        std::fs::create_dir_all(&aside).map_err(|error| disk(&error))?;
        let fetcher = self.fetcher();
        let about = fetcher.about(&url, &aside).await?;
        if let IngestSource::Url { title, rights, .. } = &mut ingest.source {
            (*title, rights.licence) = (about.title, about.licence);
        }
        let mut tx = self.making.context.db.begin().await?;
        if !store::ingests::set_source(&mut tx, ingest.id, &ingest.source).await? {
            return Err(Halt::Over);
        }
        tx.commit().await?;
        let (tell, heard) = watch::channel(ingest.progress);
        let told = |done, of| {
            tell.send_replace(IngestProgress { step: IngestStep::Fetch, done, of });
        };
        let fetched = self.telling(ingest, heard, fetcher.fetch(&url, Wanted::Video, &aside, told)).await??;
        std::fs::rename(&fetched, room.join(VIDEO)).map_err(|error| disk(&error))?;
        remove(aside).await;
        Ok(())
    }

    /// Looks through the video and chooses its frames.
    async fn choose(&self, ingest: &mut Ingest, file: &Path, room: &Path) -> Result<Vec<u64>, Halt> {
        let media = self.eyes()?;
        let Excerpt { from_ms, to_ms, most } = ingest.excerpt;
        let plan = MediaPlan::Probe(ProbePlan { input: file.to_owned() });
        let probed = media
            .run(plan, room, &Progress::noop(), &CancellationToken::new())
            .await
            .map_err(|failure| fault(&failure, file))?;
        let (size, fps, frames) = match probed {
            MediaResult::Probe { facts: MediaFacts::Video { size, fps, frames, .. } } => (size, fps, frames),
            MediaResult::Probe { facts: MediaFacts::Sound { .. } } => return Err(IngestFault::NoPictures.into()),
            _ => return Err(IngestFault::NoVideo.into()),
        };
        if frames.0 == 0 {
            return Err(IngestFault::NoPictures.into());
        }
        let length_ms = (frames.0 as f64 * 1000.0 / fps.as_f64()) as u64;
        if size.width.min(size.height) < LEAST_SIDE {
            return Err(IngestFault::Small { size, least: LEAST_SIDE }.into());
        }
        if from_ms >= length_ms {
            return Err(IngestFault::Outside { from_ms, length_ms }.into());
        }
        let of = to_ms.unwrap_or(length_ms).min(length_ms) - from_ms;
        let (tell, heard) = watch::channel(ingest.progress);
        let told = |at_ms: u64| {
            let done = at_ms.saturating_sub(from_ms).min(of);
            tell.send_replace(IngestProgress { step: IngestStep::Look, done, of });
        };
        let part = sample::Part { input: file, size, length_ms, from_ms, to_ms };
        let looked = self.telling(ingest, heard, sample::samples(&*media, part, room, told)).await?;
        let samples = looked.map_err(|failure| fault(&failure, file))?;
        let choosing = tokio::task::spawn_blocking(move || {
            let chosen = frames::choose(&samples, most as usize);
            chosen.into_iter().map(|at| samples[at].at_ms).collect::<Vec<u64>>()
        });
        let chosen = choosing.await.map_err(|error| IngestFault::Broken { said: error.to_string() })?;
        if chosen.is_empty() {
            return Err(IngestFault::Nothing.into());
        }
        ingest.progress = IngestProgress { step: IngestStep::Take, done: 0, of: chosen.len() as u64 };
        let mut tx = self.making.context.db.begin().await?;
        let kept = store::ingests::set_chosen(&mut tx, ingest.id, &chosen).await?
            && store::ingests::advance(&mut tx, ingest.id, &ingest.progress, &ingest.counts).await?;
        if !kept {
            return Err(Halt::Over);
        }
        self.journal(&mut tx, ingest.id, ingest.character_id).await?;
        tx.commit().await?;
        Ok(chosen)
    }

    /// Takes the chosen frames that have not arrived yet.
    async fn take_frames(&self, ingest: &mut Ingest, chosen: &[u64], file: &Path, room: &Path) -> Result<(), Halt> {
        let media = self.eyes()?;
        let aside = room.join("frames");
        let done = if ingest.progress.step == IngestStep::Take { ingest.progress.done as usize } else { 0 };
        for some in chosen.get(done..).unwrap_or_default().chunks(AT_A_TIME) {
            remove(aside.clone()).await;
            std::fs::create_dir_all(&aside).map_err(|error| disk(&error))?;
            let out = |at_ms: &u64| FrameAt { at_ms: *at_ms, out: aside.join(format!("{at_ms}.png")) };
            let plan = FramesPlan { input: file.to_owned(), frames: some.iter().map(out).collect() };
            let run = media.run(MediaPlan::Frames(plan), room, &Progress::noop(), &CancellationToken::new()).await;
            run.map_err(|failure| fault(&failure, file))?;
            for at_ms in some {
                self.take_frame(ingest, *at_ms, &aside, chosen.len()).await?;
            }
        }
        Ok(())
    }

    /// Takes one frame: the picture, what came of it and how far it is are kept together, or not at all.
    async fn take_frame(&self, ingest: &mut Ingest, at_ms: u64, aside: &Path, of: usize) -> Result<(), Halt> {
        let context = &self.making.context;
        let (png, into) = (aside.join(format!("{at_ms}.png")), aside.to_owned());
        let cleaned = tokio::task::spawn_blocking(move || -> Result<Option<(PathBuf, Size)>, Halt> {
            let clean = match decode::clean(&png, &into, at_ms as usize) {
                Ok(clean) => clean,
                // The disk is no fault of the frame.
                Err(why @ (Refusal::Unwritable(_) | Refusal::Unreadable(_))) => {
                    return Err(Halt::Again(IngestFault::Broken { said: why.to_string() }));
                }
                Err(_) => return Ok(None),
            };
            Ok(Some((clean.file, clean.picture.size())))
        });
        let cleaned = cleaned.await.map_err(|error| IngestFault::Broken { said: error.to_string() })??;
        let mut picture = None;
        if let Some((file, size)) = cleaned {
            let kept = intake::kept(context, &file, &MediaFacts::Still { size }).await;
            let kept = kept.map_err(|said| Halt::Again(IngestFault::Broken { said }))?;
            picture = Some(Picture {
                id: PictureId(context.clock.id()),
                character_id: ingest.character_id,
                file: kept,
                size,
                state: PictureState::Pending,
                source: source_of(ingest, at_ms),
                lineage: 0,
                made: None,
                cell: Cell::new(),
                placing: None,
                verdict: None,
                decision: None,
                caption: None,
                duplicate_of: None,
                likeness: None,
                print: None,
                created: context.clock.now(),
            });
        }
        let mut next = ingest.clone();
        let done = next.progress.done + 1;
        next.progress = IngestProgress { step: IngestStep::Take, done, of: of as u64 };
        let mut tx = context.db.begin().await?;
        match &picture {
            // First the row: of a dataset that is gone nothing can be a part.
            Some(_) if !store::ingests::advance(&mut tx, next.id, &next.progress, &next.counts).await? => {
                return Err(Halt::Over);
            }
            Some(picture) if store::dataset_pictures::insert(&mut tx, picture).await? => {
                next.counts.arrived += 1;
                let body = serde_json::json!({ "character": picture.character_id, "ingest": next.id });
                let id = picture.id.to_string();
                store::events::append(&mut tx, EventKind::PictureAdded, &id, &body, picture.created).await?;
            }
            Some(_) => next.counts.duplicates += 1,
            None => next.counts.refused += 1,
        }
        if !store::ingests::advance(&mut tx, next.id, &next.progress, &next.counts).await? {
            return Err(Halt::Over);
        }
        self.journal(&mut tx, next.id, next.character_id).await?;
        tx.commit().await?;
        *ingest = next;
        let character = ingest.character_id;
        context.events.tell(StudioEvent::Ingest { character });
        if picture.is_some() {
            // Whoever looks at new pictures hears of it.
            context.events.tell(StudioEvent::Dataset { character });
        }
        Ok(())
    }

    /// Does some work and writes down from time to time how far it is.
    async fn telling<T>(
        &self,
        ingest: &mut Ingest,
        mut heard: watch::Receiver<IngestProgress>,
        work: impl Future<Output = T>,
    ) -> Result<T, Halt> {
        tokio::pin!(work);
        let share = |progress: &IngestProgress| match progress.of {
            0 => (progress.step, progress.done >> UNKNOWN_STEP),
            of => (progress.step, progress.done.saturating_mul(WRITTEN) / of),
        };
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                Ok(()) = heard.changed() => {}
            }
            let progress = *heard.borrow_and_update();
            if share(&progress) == share(&ingest.progress) {
                continue;
            }
            ingest.progress = progress;
            let mut tx = self.making.context.db.begin().await?;
            if !store::ingests::advance(&mut tx, ingest.id, &progress, &ingest.counts).await? {
                return Err(Halt::Over);
            }
            self.journal(&mut tx, ingest.id, ingest.character_id).await?;
            tx.commit().await?;
            self.making.context.events.tell(StudioEvent::Ingest { character: ingest.character_id });
        }
    }
}

/// Waits until something may be new of an ingest, or of a dataset that has some.
async fn news(heard: &mut Receiver<StudioEvent>) {
    loop {
        match heard.recv().await {
            Ok(StudioEvent::Ingest { .. } | StudioEvent::Changed) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            // The studio closes.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Where a frame is from.
fn source_of(ingest: &Ingest, at_ms: u64) -> Source {
    match &ingest.source {
        IngestSource::Video { name } => Source::Video { name: name.clone(), at_ms },
        IngestSource::Url { url, title, rights } => Source::Url {
            url: url.clone(),
            title: title.clone(),
            at_ms: Some(at_ms),
            may_use: rights.may_use,
            licence: rights.licence.clone(),
        },
    }
}
