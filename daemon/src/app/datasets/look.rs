//! Look: pictures that came in are hashed, near-duplicates are grouped under the best one, and the rest is judged.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    dataset::{Picture, PictureRequest, Print, Visit},
    ids::{CharacterId, PictureId},
    task::Class,
};
use studio_engine::asset_path;
use studio_pictures::print;

use super::{Datasets, Error, Maker, copies::Copied};
use crate::{
    app::producing,
    events::StudioEvent,
    store::{self, Tx},
};

/// Pictures looked at together: between two of them others have their turn.
const AT_A_TIME: u32 = 24;

impl Datasets {
    /// Looks at pictures nobody has looked at yet, and when there are none at those whose hashes are of an older make; whether
    /// there may be more.
    pub(super) async fn look_at_new(&self) -> Result<bool, Error> {
        let db = &self.making.context.db;
        let new = store::dataset_pictures::unhashed(db, AT_A_TIME).await?;
        let mut more = new.len() == AT_A_TIME as usize;
        let mut touched = BTreeSet::new();
        for picture in &new {
            touched.insert(picture.character_id);
            self.hash(picture).await?;
        }
        for project in store::dataset_pictures::projects_unjudged(db).await? {
            let pictures = store::dataset_pictures::unjudged(db, project, AT_A_TIME).await?;
            let many = pictures.len();
            match self.judge_new(pictures).await {
                Ok(characters) => {
                    touched.extend(characters);
                    more |= many == AT_A_TIME as usize;
                }
                Err(error @ (Error::Store(_) | Error::Conductor(_))) => return Err(error),
                // Settings that cannot be used hold up no other project.
                Err(error) => tracing::warn!(%project, %error, "pictures of datasets are not judged"),
            }
        }
        if touched.is_empty() {
            return self.renew(AT_A_TIME as usize).await;
        }
        for character in touched {
            self.making.context.events.tell(StudioEvent::Dataset { character });
        }
        Ok(more)
    }

    /// Has pictures judged for the first time; of whom they are.
    async fn judge_new(&self, new: Vec<Picture>) -> Result<Vec<CharacterId>, Error> {
        let mut of: BTreeMap<CharacterId, Vec<Picture>> = BTreeMap::new();
        for picture in new {
            of.entry(picture.character_id).or_default().push(picture);
        }
        for (character, pictures) in &of {
            self.judge(*character, pictures, Class::Background).await?;
        }
        Ok(of.into_keys().collect())
    }

    /// Has pictures judged, or judged once more; those the judge is asked about already are left to that.
    pub async fn judge(&self, character: CharacterId, pictures: &[Picture], class: Class) -> Result<(), Error> {
        let db = &self.making.context.db;
        let character = store::characters::get(db, character).await?;
        let maker = Maker::of(&self.making, &character).await?;
        let coverage = self.coverage(&store::datasets::get(db, character.id).await?);
        let _one_at_a_time = self.asking.lock().await;
        let asked = store::dataset_reviews::being_judged(db, character.id).await?;
        let left = pictures.iter().filter(|picture| !asked.contains(&picture.id));
        let requests: Vec<(PictureRequest, bool)> =
            left.map(|picture| (maker.review(picture, &coverage, Visit::Judge, class), false)).collect();
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

    /// Hashes a picture and groups it, unless it is gone.
    async fn hash(&self, picture: &Picture) -> Result<(), Error> {
        let context = &self.making.context;
        let dataset = store::datasets::get(&context.db, picture.character_id).await?;
        let print = match self.fresh(picture.id) {
            Some(print) => print,
            None => self.print_of(picture).await?,
        };
        let copied = self.copy_of(picture, &print, &dataset).await?;
        let mut tx = context.db.begin().await?;
        if !store::dataset_pictures::set_print(&mut tx, picture.id, picture.character_id, &print).await? {
            // It is looked at where it is now, if it is anywhere.
            return Ok(());
        }
        if let Some(copied) = copied {
            grouped(&mut tx, picture.id, &copied).await?;
        }
        tx.commit().await?;
        self.indexed(&Picture { print: Some(print), ..picture.clone() });
        Ok(())
    }

    /// The hashes of a picture's file.
    async fn print_of(&self, picture: &Picture) -> Result<Print, Error> {
        let path = asset_path(&self.making.context.data.assets(), &picture.file);
        let made = tokio::task::spawn_blocking(move || print::of_file(&path)).await;
        let made = made.map_err(|error| Error::Files(error.to_string()))?;
        Ok(made.unwrap_or_else(|why| {
            // Nothing can be told of it: a person sees that it cannot be read.
            tracing::warn!(picture = %picture.id, %why, "a picture of a dataset cannot be read");
            print::unreadable(picture.file.hash)
        }))
    }
}

/// Groups a picture that has hashes: the better one leads, but never whom nobody has decided of over what was decided.
pub(super) async fn grouped(tx: &mut Tx<'_>, picture: PictureId, copied: &Copied) -> Result<(), store::Error> {
    let gives_way = async |tx: &mut Tx<'_>| {
        store::dataset_pictures::give_way(tx, copied.under, picture, copied.of_other.as_ref()).await
    };
    if copied.leads && gives_way(tx).await? {
        return Ok(());
    }
    if !store::dataset_pictures::group(tx, picture, copied.under, &copied.likeness).await? {
        // Somebody has decided of it while it was compared.
        gives_way(tx).await?;
    }
    Ok(())
}
