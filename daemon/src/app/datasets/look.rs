//! Look: pictures that came in are hashed, near-duplicates are grouped under the best one, and the rest is judged.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    dataset::{Dataset, Picture, PictureRequest, Print, Visit},
    ids::{CharacterId, PictureId},
    task::Class,
};
use studio_engine::asset_path;
use studio_pictures::{Index, Thresholds, print};

use super::{Datasets, Error, Maker};
use crate::{app::producing, events::StudioEvent, store};

/// Pictures looked at together: between two of them others have their turn.
const AT_A_TIME: u32 = 24;

/// Hashes of what there is, by character; made from the rows when they are first needed.
#[derive(Default)]
pub struct Indexes {
    of: BTreeMap<CharacterId, Index>,
}

impl Indexes {
    /// Something in a character's set is gone or elsewhere: it is read anew.
    pub fn forget(&mut self, character: CharacterId) {
        self.of.remove(&character);
    }
}

impl Datasets {
    /// Looks at pictures nobody has looked at yet; whether there may be more.
    pub(super) async fn look_at_new(&self) -> Result<bool, Error> {
        let db = &self.making.context.db;
        let new = store::dataset_pictures::unseen(db, AT_A_TIME).await?;
        let more = new.len() == AT_A_TIME as usize;
        let mut touched = BTreeSet::new();
        let mut to_judge: BTreeMap<CharacterId, Vec<Picture>> = BTreeMap::new();
        for picture in new {
            let picture = if picture.print.is_none() {
                touched.insert(picture.character_id);
                match self.hash(&picture).await? {
                    Some(picture) => picture,
                    None => continue,
                }
            } else {
                picture
            };
            if picture.duplicate_of.is_none() && picture.verdict.is_none() && picture.decision.is_none() {
                to_judge.entry(picture.character_id).or_default().push(picture);
            }
        }
        for (character, pictures) in to_judge {
            touched.insert(character);
            self.judge(character, &pictures, Class::Background).await?;
        }
        for character in touched {
            self.making.context.events.tell(StudioEvent::Dataset { character });
        }
        Ok(more)
    }

    /// Has pictures judged, or judged once more.
    pub async fn judge(&self, character: CharacterId, pictures: &[Picture], class: Class) -> Result<(), Error> {
        let db = &self.making.context.db;
        let character = store::characters::get(db, character).await?;
        let maker = Maker::of(&self.making, &character).await?;
        let coverage = self.coverage(&store::datasets::get(db, character.id).await?);
        let requests: Vec<(PictureRequest, bool)> =
            pictures.iter().map(|picture| (maker.review(picture, &coverage, Visit::Judge, class), false)).collect();
        self.conductor.pictures(requests).await?;
        Ok(())
    }

    /// No judge answers at the moment: whoever judges works outside of this program and is away.
    pub(super) fn judge_is_away(&self) -> bool {
        let (by, _) = self.making.config.judge();
        let Some(seat) = self.making.context.engines.get(producing::judge_engine(by)) else { return false };
        let Some(offer) = seat.engine.offer() else { return false };
        let offer = offer.borrow();
        !offer.seats.is_empty() && offer.seats.iter().all(|seat| seat.away.is_some())
    }

    /// Hashes a picture and groups it; `None`: it is gone.
    async fn hash(&self, picture: &Picture) -> Result<Option<Picture>, Error> {
        let context = &self.making.context;
        let dataset = store::datasets::get(&context.db, picture.character_id).await?;
        let (print, best) = self.seen_by_hash(picture, &dataset).await?;
        let mut tx = context.db.begin().await?;
        let set = store::dataset_pictures::set_print(&mut tx, picture.id, &print, best).await;
        if let Err(store::Error::NotFound { .. }) = set {
            return Ok(None);
        }
        set?;
        tx.commit().await?;
        let picture = Picture { duplicate_of: best, print: Some(print), ..picture.clone() };
        self.indexed(&picture);
        Ok(Some(picture))
    }

    /// The hashes of a picture, and the one in its dataset that it is a near-duplicate of; nothing is kept.
    pub(super) async fn seen_by_hash(
        &self,
        picture: &Picture,
        dataset: &Dataset,
    ) -> Result<(Print, Option<PictureId>), Error> {
        let path = asset_path(&self.making.context.data.assets(), &picture.file);
        let made = tokio::task::spawn_blocking(move || print::of_file(&path)).await;
        let made = made.map_err(|error| Error::Files(error.to_string()))?;
        let print = match made {
            Ok(print) => print,
            Err(why) => {
                // Nothing can be told of it: a person sees that it cannot be read.
                tracing::warn!(picture = %picture.id, %why, "a picture of a dataset cannot be read");
                print::unreadable(picture.file.hash)
            }
        };
        let best = self.copy_of(picture, &print, dataset).await?;
        Ok((print, best))
    }

    /// The next pictures of the set are compared with this one, when it has hashes.
    pub(super) fn indexed(&self, picture: &Picture) {
        let mut indexes = self.indexes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let (Some(index), Some(print)) = (indexes.of.get_mut(&picture.character_id), &picture.print) {
            index.insert(picture.id, print);
        }
    }

    /// The picture it is a near-duplicate of, the best of its group.
    async fn copy_of(&self, picture: &Picture, print: &Print, dataset: &Dataset) -> Result<Option<PictureId>, Error> {
        let thresholds = Thresholds { dct: dataset.settings.copy_dct, gradient: dataset.settings.copy_gradient };
        loop {
            self.index(picture.character_id).await?;
            let hit = {
                let indexes = self.indexes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                let index = indexes.of.get(&picture.character_id);
                index.and_then(|index| index.nearest_without(print, thresholds, picture.id))
            };
            let Some(hit) = hit else { return Ok(None) };
            match store::dataset_pictures::get(&self.making.context.db, hit.id).await {
                Ok(other) if other.character_id == picture.character_id => {
                    return Ok(Some(other.duplicate_of.unwrap_or(other.id)));
                }
                Ok(_) | Err(store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            // It was taken out, or moved to somebody else, since it was indexed.
            self.forget(picture.character_id);
        }
    }

    /// Something in a character's set is gone or elsewhere.
    pub fn forget(&self, character: CharacterId) {
        self.indexes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).forget(character);
    }

    /// Makes the index of a character's set when it is not there.
    async fn index(&self, character: CharacterId) -> Result<(), Error> {
        let there = self.indexes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).of.contains_key(&character);
        if there {
            return Ok(());
        }
        let mut index = Index::default();
        for (id, print) in store::dataset_pictures::prints(&self.making.context.db, character).await? {
            index.insert(id, &print);
        }
        self.indexes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).of.insert(character, index);
        Ok(())
    }
}
