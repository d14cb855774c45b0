//! Reviews: a person has many pictures of a dataset judged at once, sees how far that is, and may stop it.

use std::collections::BTreeSet;

use serde_json::json;
use studio_core::{
    dataset::{Picture, PictureRequest, Review, ReviewCounts, ReviewState, Visit},
    ids::{CharacterId, PictureId, ReviewId},
    journal::EventKind,
    task::Class,
};
use studio_engine::Boxed;

use super::{Datasets, Maker};
use crate::{
    events::StudioEvent,
    store,
    web::{MOST_REVIEWED, Meant, ReviewRefused, Reviews, ServiceError},
};

impl Datasets {
    /// Pictures that are meant and that the judge is not asked about already.
    async fn meant(&self, character: CharacterId, meant: &Meant) -> Result<Vec<Picture>, ServiceError> {
        if meant.pictures.len() > MOST_REVIEWED {
            return Err(ReviewRefused::TooMany { found: meant.pictures.len() }.into());
        }
        let db = &self.making.context.db;
        let all = store::dataset_pictures::of_character(db, character).await?;
        let there: BTreeSet<PictureId> = all.iter().map(|one| one.id).collect();
        if let Some(picture) = meant.pictures.iter().find(|id| !there.contains(id)) {
            return Err(ReviewRefused::Elsewhere { picture: *picture }.into());
        }
        let asked: BTreeSet<PictureId> =
            store::dataset_reviews::being_judged(db, character).await?.into_iter().collect();
        Ok(all.into_iter().filter(|one| meant.fits(one) && !asked.contains(&one.id)).collect())
    }

    async fn begin_review(&self, character: CharacterId, visit: Visit, meant: Meant) -> Result<Review, ServiceError> {
        let context = &self.making.context;
        let known = store::characters::get(&context.db, character).await?;
        let maker = Maker::of(&self.making, &known).await.map_err(ServiceError::from)?;
        if visit == Visit::Describe && maker.eye().is_none() {
            return Err(ReviewRefused::NoEyes.into());
        }
        let _one_at_a_time = self.asking.lock().await;
        let pictures = self.meant(character, &meant).await?;
        if pictures.is_empty() {
            return Err(ReviewRefused::Nothing.into());
        }
        let coverage = self.coverage(&store::datasets::get(&context.db, character).await?);
        let ask = |picture: &Picture| maker.review(picture, &coverage, visit, Class::Production);
        let requests: Vec<PictureRequest> = pictures.iter().map(ask).collect();
        let review = Review {
            id: ReviewId(context.clock.id()),
            character_id: character,
            visit,
            asked: context.clock.now(),
            stopped: false,
            counts: ReviewCounts::default(),
        };
        let id = review.id;
        self.conductor.review(review, requests).await.map_err(ServiceError::Conductor)?;
        Ok(store::dataset_reviews::get(&context.db, id).await?)
    }

    async fn end_review(&self, id: ReviewId) -> Result<Review, ServiceError> {
        let db = &self.making.context.db;
        let review = store::dataset_reviews::get(db, id).await?;
        if review.state() != ReviewState::Running || review.stopped {
            return Err(ReviewRefused::Over.into());
        }
        self.conductor.stop_review(id).await.map_err(ServiceError::Conductor)?;
        self.tell_of(&review).await?;
        Ok(store::dataset_reviews::get(db, id).await?)
    }

    /// Writes down that something about a review is new, and tells everybody.
    async fn tell_of(&self, review: &Review) -> Result<(), ServiceError> {
        let (context, character) = (&self.making.context, review.character_id);
        let mut tx = context.db.begin().await?;
        let (body, now) = (json!({ "review": review.id }), context.clock.now());
        store::events::append(&mut tx, EventKind::DatasetChanged, &character.to_string(), &body, now).await?;
        tx.commit().await?;
        context.events.tell(StudioEvent::Dataset { character });
        Ok(())
    }
}

impl Reviews for Datasets {
    fn review_many(
        &self,
        character: CharacterId,
        visit: Visit,
        meant: Meant,
    ) -> Boxed<'_, Result<Review, ServiceError>> {
        Box::pin(self.begin_review(character, visit, meant))
    }

    fn stop_review(&self, id: ReviewId) -> Boxed<'_, Result<Review, ServiceError>> {
        Box::pin(self.end_review(id))
    }
}
