//! Unnamed: pictures that came for a project without saying of whom they are. A vision model is asked who it is, and where it
//! is not sure, a person.

use std::path::Path;

use serde_json::json;
use studio_core::{
    dataset::{Called, Caption, Picture, PictureRequest, Source, UnnamedPicture},
    ids::{CharacterId, PictureId, ProjectId},
    journal::EventKind,
    media::MediaFacts,
    review::Candidate,
    task::Class,
    units::Size,
};
use studio_engine::Boxed;

use super::{
    Datasets, Error, Maker,
    arrive::{self, aside, room},
};
use crate::{
    app::producing::intake,
    events::StudioEvent,
    store::{self, unnamed_pictures::Named},
    web::{ReviewRefused, ServiceError, Sorted, Unnamed},
};

/// Pictures asked about together: between two of them others have their turn.
const AT_A_TIME: u32 = 24;
/// Most characters a picture may be of: a question that is longer is not read to its end.
const MOST_CANDIDATES: usize = 40;

impl Datasets {
    /// Asks the judge who is in pictures nobody has named; without a vision model they wait for a person.
    pub(super) async fn identify_new(&self) -> Result<(), Error> {
        if self.making.config.judge().1.is_none() {
            return Ok(());
        }
        let db = &self.making.context.db;
        let _one_at_a_time = self.asking.lock().await;
        for project in store::unnamed_pictures::projects_unasked(db).await? {
            let pictures = store::unnamed_pictures::unasked(db, project, AT_A_TIME).await?;
            match self.ask_who(project, &pictures).await {
                Ok(()) => {}
                Err(error @ (Error::Store(_) | Error::Conductor(_))) => return Err(error),
                // Settings that cannot be used hold up no other project.
                Err(error) => tracing::warn!(%project, %error, "nobody is asked who is in a picture"),
            }
        }
        Ok(())
    }

    async fn ask_who(&self, project: ProjectId, pictures: &[UnnamedPicture]) -> Result<(), Error> {
        let characters = store::characters::of_project(&self.making.context.db, project).await?;
        let mut makers = Vec::new();
        for character in characters.iter().take(MOST_CANDIDATES) {
            makers.push(Maker::of(&self.making, character).await?);
        }
        // A project without characters has nobody it could be.
        let Some(first) = makers.first() else { return Ok(()) };
        let candidates: Vec<Candidate> = Maker::candidates(&makers);
        let mut requests: Vec<(PictureRequest, bool)> = Vec::new();
        for picture in pictures {
            let turn = store::unnamed_pictures::times_asked(&self.making.context.db, picture.id).await?;
            let request = first.identify(picture, candidates.clone(), turn, Class::Production);
            requests.extend(request.map(|request| (request, false)));
        }
        self.conductor.pictures(requests).await?;
        Ok(())
    }

    async fn take_unnamed(&self, project: ProjectId, file: &Path, name: &str) -> Result<Sorted, ServiceError> {
        if std::fs::metadata(file).is_ok_and(|about| about.len() > arrive::ARCHIVE) {
            return Err(ServiceError::TooLarge(format!("send at most {} MiB", arrive::ARCHIVE >> 20)));
        }
        let context = &self.making.context;
        let room = room(self)?;
        let (from, into, named) = (file.to_owned(), room.path().to_owned(), name.to_owned());
        // Whose trigger word it is that a caption begins with is known when it is named.
        let called = Called { trigger: String::new(), class_word: String::new() };
        let found = aside(move || arrive::read(&from, &into, &named, &called)).await?;
        let mut sorted = Sorted { refused: found.refused, ..Sorted::default() };
        for read in found.pictures {
            let (width, height) =
                image::image_dimensions(&read.file).map_err(|error| ServiceError::Broken(error.to_string()))?;
            let size = Size { width, height };
            let kept =
                intake::kept(context, &read.file, &MediaFacts::Still { size }).await.map_err(ServiceError::Unable)?;
            if store::dataset_pictures::is_in_project(&context.db, kept.hash, project).await? {
                sorted.known += 1;
                continue;
            }
            let picture = UnnamedPicture {
                id: PictureId(context.clock.id()),
                project_id: project,
                file: kept,
                size,
                source: Source::Upload { name: read.name },
                made: read.made,
                caption: read.caption.map(|text| Caption { text, by_person: true }),
                identity: None,
                created: context.clock.now(),
            };
            let mut tx = context.db.begin().await?;
            if !store::unnamed_pictures::insert(&mut tx, &picture).await? {
                sorted.known += 1;
                continue;
            }
            self.journal_of(&mut tx, EventKind::PictureAdded, picture.id, json!({ "project": project })).await?;
            tx.commit().await?;
            // At once: should a later one fail, these are asked about all the same.
            context.events.tell(StudioEvent::Unnamed { project });
            sorted.added.push(picture.id);
        }
        if sorted.added.is_empty() && sorted.known == 0 {
            let mut why = sorted.refused;
            if why.is_empty() {
                why.push("there is no picture in it".to_owned());
            }
            return Err(ServiceError::WrongKind(why.into_iter().take(5).collect::<Vec<_>>().join("; ")));
        }
        Ok(sorted)
    }

    async fn name_picture(&self, id: PictureId, to: CharacterId) -> Result<Picture, ServiceError> {
        let context = &self.making.context;
        let found = store::unnamed_pictures::get(&context.db, id).await?;
        let character = store::characters::get(&context.db, to).await?;
        if character.project_id != found.project_id {
            return Err(ServiceError::Usage(format!("{} belongs to another project", character.name)));
        }
        let project = found.project_id;
        let mut tx = context.db.begin().await?;
        let named = store::unnamed_pictures::name(&mut tx, &context.db, found, &character, context.clock.now()).await?;
        let (kind, id) = match named {
            Named::Added => (EventKind::PictureAdded, id),
            Named::Known(there) => (EventKind::PictureChanged, there),
        };
        self.journal_of(&mut tx, kind, id, json!({ "character": to })).await?;
        tx.commit().await?;
        context.events.tell(StudioEvent::Unnamed { project });
        context.events.tell(StudioEvent::Dataset { character: to });
        Ok(store::dataset_pictures::get(&context.db, id).await?)
    }

    async fn ask_again_who(&self, id: PictureId) -> Result<UnnamedPicture, ServiceError> {
        let context = &self.making.context;
        let found = store::unnamed_pictures::get(&context.db, id).await?;
        if self.making.config.judge().1.is_none() {
            return Err(ReviewRefused::NoEyes.into());
        }
        let mut tx = context.db.begin().await?;
        store::unnamed_pictures::set_identity(&mut tx, id, None).await?;
        self.journal_of(&mut tx, EventKind::PictureChanged, id, json!({ "project": found.project_id })).await?;
        tx.commit().await?;
        context.events.tell(StudioEvent::Unnamed { project: found.project_id });
        Ok(store::unnamed_pictures::get(&context.db, id).await?)
    }

    async fn remove_unnamed(&self, id: PictureId) -> Result<(), ServiceError> {
        let context = &self.making.context;
        let project = store::unnamed_pictures::get(&context.db, id).await?.project_id;
        let mut tx = context.db.begin().await?;
        store::unnamed_pictures::remove(&mut tx, id).await?;
        self.journal_of(&mut tx, EventKind::PictureChanged, id, json!({ "project": project })).await?;
        tx.commit().await?;
        context.events.tell(StudioEvent::Unnamed { project });
        Ok(())
    }

    async fn journal_of(
        &self,
        tx: &mut store::Tx<'_>,
        kind: EventKind,
        id: PictureId,
        body: serde_json::Value,
    ) -> store::Result<()> {
        store::events::append(tx, kind, &id.to_string(), &body, self.making.context.clock.now()).await.map(drop)
    }
}

impl Unnamed for Datasets {
    fn sort<'a>(
        &'a self,
        project: ProjectId,
        file: &'a Path,
        name: &'a str,
    ) -> Boxed<'a, Result<Sorted, ServiceError>> {
        Box::pin(self.take_unnamed(project, file, name))
    }

    fn name(&self, id: PictureId, character: CharacterId) -> Boxed<'_, Result<Picture, ServiceError>> {
        Box::pin(self.name_picture(id, character))
    }

    fn ask_who(&self, id: PictureId) -> Boxed<'_, Result<UnnamedPicture, ServiceError>> {
        Box::pin(self.ask_again_who(id))
    }

    fn remove_unnamed(&self, id: PictureId) -> Boxed<'_, Result<(), ServiceError>> {
        Box::pin(Self::remove_unnamed(self, id))
    }
}
