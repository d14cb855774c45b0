//! Copies: which picture of a set a new one is a near-duplicate of, and what other thresholds would group.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, MutexGuard, PoisonError},
};

use studio_core::{
    dataset::{Alike, CopiesPreview, Dataset, Grouped, Likeness, Picture, Print, preview_copies},
    ids::{CharacterId, PictureId},
};
use studio_engine::asset_path;
use studio_pictures::{Index, Thresholds, detail, index::better, print};

use super::{Datasets, Error};
use crate::store;

/// Pictures that a new one may be a copy of by its hashes, and that are looked at themselves; the closest ones.
const MOST_LOOKED_AT: usize = 8;

/// Hashes that are kept until somebody compares them, a few kilobytes each; more are made anew from the files.
const MOST_FRESH: usize = 4096;

/// What a new picture is a copy of.
pub(super) struct Copied {
    /// The best of its group, that it is grouped under.
    pub under: PictureId,
    /// Why it is taken for a copy.
    pub likeness: Likeness,
    /// It is better itself, and nobody has decided of the other one: that is grouped under it instead.
    pub leads: bool,
    /// Why the other one is a copy then; `None` where nobody compared it.
    pub of_other: Option<Likeness>,
}

/// Hashes of what there is, by character; made from the rows when they are first needed.
#[derive(Default)]
pub struct Indexes {
    of: BTreeMap<CharacterId, Arc<Index>>,
    /// Hashes of pictures that have come just now, and that nobody has compared yet.
    fresh: BTreeMap<PictureId, Print>,
    /// Pictures whose hashes are of an older make: they are hashed anew when there is nothing else to do.
    older: BTreeSet<PictureId>,
}

impl Indexes {
    /// Something in a character's set is gone or elsewhere: it is read anew.
    pub fn forget(&mut self, character: CharacterId) {
        self.of.remove(&character);
    }

    fn put(&mut self, picture: PictureId, character: CharacterId, print: &Print) {
        if let Some(index) = self.of.get_mut(&character) {
            // Who looks into it at the moment keeps it as it was.
            Arc::make_mut(index).insert(picture, print);
        }
    }
}

impl Datasets {
    fn all_indexes(&self) -> MutexGuard<'_, Indexes> {
        self.indexes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next pictures of the set are compared with this one, when it has hashes.
    pub(super) fn indexed(&self, picture: &Picture) {
        if let Some(print) = &picture.print {
            self.all_indexes().put(picture.id, picture.character_id, print);
        }
    }

    /// Keeps the hashes of a picture that comes, until it is compared: to make them once more its file would have to be decoded.
    pub(super) fn hashed(&self, picture: PictureId, print: Print) {
        let mut indexes = self.all_indexes();
        indexes.fresh.insert(picture, print);
        if indexes.fresh.len() > MOST_FRESH {
            // Those of pictures that are gone are never asked for: the oldest leave.
            indexes.fresh.pop_first();
        }
    }

    /// The hashes of a picture that has come just now; `None`: they are to be made.
    pub(super) fn fresh(&self, picture: PictureId) -> Option<Print> {
        self.all_indexes().fresh.remove(&picture)
    }

    /// What a picture is a near-duplicate of, and whether it is the better one. Who is like it by its hashes is looked at itself; one whose
    /// file is gone counts by its hashes only where both show the same frame.
    pub(super) async fn copy_of(
        &self,
        picture: &Picture,
        print: &Print,
        dataset: &Dataset,
    ) -> Result<Option<Copied>, Error> {
        let thresholds = Thresholds { dct: dataset.settings.copy_dct, gradient: dataset.settings.copy_gradient };
        let context = &self.making.context;
        let path = |of: &Picture| asset_path(&context.data.assets(), &of.file);
        'anew: loop {
            let index = self.index(picture.character_id).await?;
            let hits = index.copies(print, thresholds, Some(picture.id), MOST_LOOKED_AT);
            if hits.is_empty() {
                return Ok(None);
            }
            let mut there = Vec::with_capacity(hits.len());
            for hit in hits {
                match store::dataset_pictures::get(&context.db, hit.id).await {
                    Ok(other) if other.character_id == picture.character_id => there.push((hit, other)),
                    Ok(_) | Err(store::Error::NotFound { .. }) => {
                        // It was taken out, or moved to somebody else, since it was indexed.
                        self.forget(picture.character_id);
                        continue 'anew;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            let (mine, theirs) =
                (path(picture), there.iter().map(|(hit, other)| (*hit, path(other))).collect::<Vec<_>>());
            let found = tokio::task::spawn_blocking(move || detail::first_copy(&mine, &theirs)).await;
            let found = found.map_err(|error| Error::Files(error.to_string()))?;
            let Some((hit, with)) = found.map(|at| there.swap_remove(at)) else { return Ok(None) };
            let likeness = Likeness { with: with.id, alike: hit.alike, dct: hit.dct, gradient: hit.gradient };
            let under = with.duplicate_of.unwrap_or(with.id);
            let leads = hit.alike != Alike::Pixels && self.is_better(picture, under).await?;
            // Where the two were never laid upon each other, the other one keeps what it was found to be like.
            let of_other = if with.id == under {
                Some(Likeness { with: picture.id, ..likeness })
            } else {
                with.likeness.filter(|other| other.with == under).map(|other| Likeness { with: with.id, ..other })
            };
            return Ok(Some(Copied { under, likeness, leads, of_other }));
        }
    }

    /// Whether a picture is better than one that it is a copy of, and nobody has decided of that one.
    async fn is_better(&self, picture: &Picture, known: PictureId) -> Result<bool, Error> {
        match store::dataset_pictures::get(&self.making.context.db, known).await {
            Ok(known) => Ok(known.decision.is_none() && better(picture.size, known.size)),
            Err(store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Something in a character's set is gone or elsewhere.
    pub fn forget(&self, character: CharacterId) {
        self.all_indexes().forget(character);
    }

    /// The index of a character's set; made when it is not there.
    async fn index(&self, character: CharacterId) -> Result<Arc<Index>, Error> {
        if let Some(index) = self.all_indexes().of.get(&character) {
            return Ok(index.clone());
        }
        let (mut index, mut older) = (Index::default(), BTreeSet::new());
        for (id, print) in store::dataset_pictures::prints(&self.making.context.db, character).await? {
            index.insert(id, &print);
            if print.make != Print::MAKE {
                older.insert(id);
            }
        }
        let index = Arc::new(index);
        let mut indexes = self.all_indexes();
        indexes.older.append(&mut older);
        // Whoever looks at what came may have been faster, and knows more.
        Ok(indexes.of.entry(character).or_insert(index).clone())
    }

    /// Hashes some pictures anew whose hashes are of an older make; whether there are more. One whose file is gone keeps what
    /// it has.
    pub(super) async fn renew(&self, most: usize) -> Result<bool, Error> {
        let context = &self.making.context;
        for _ in 0..most {
            let Some(id) = self.all_indexes().older.pop_first() else { return Ok(false) };
            let picture = match store::dataset_pictures::get(&context.db, id).await {
                Ok(picture) => picture,
                Err(store::Error::NotFound { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            let path = asset_path(&context.data.assets(), &picture.file);
            let made = tokio::task::spawn_blocking(move || print::of_file(&path)).await;
            let Ok(print) = made.map_err(|error| Error::Files(error.to_string()))? else { continue };
            let mut tx = context.db.begin().await?;
            match store::dataset_pictures::renew_print(&mut tx, id, &print).await {
                Ok(()) => tx.commit().await?,
                Err(store::Error::NotFound { .. }) => continue,
                Err(error) => return Err(error.into()),
            }
            self.all_indexes().put(id, picture.character_id, &print);
        }
        Ok(!self.all_indexes().older.is_empty())
    }

    /// What a set would be grouped like under other thresholds, those of its settings where none are given; nothing is changed.
    pub(super) async fn preview(
        &self,
        character: CharacterId,
        dct: Option<u32>,
        gradient: Option<u32>,
    ) -> Result<CopiesPreview, Error> {
        let db = &self.making.context.db;
        let mut settings = store::datasets::get(db, character).await?.settings;
        settings.copy_dct = dct.unwrap_or(settings.copy_dct);
        settings.copy_gradient = gradient.unwrap_or(settings.copy_gradient);
        settings.check().map_err(Error::Settings)?;
        let index = self.index(character).await?;
        let pictures: Vec<Grouped> = store::dataset_pictures::grouped(db, character).await?;
        let seen = tokio::task::spawn_blocking(move || {
            let thresholds = Thresholds { dct: settings.copy_dct, gradient: settings.copy_gradient };
            let alike = index.preview(thresholds);
            let bits = (thresholds.dct, thresholds.gradient);
            preview_copies(bits, &pictures, index.len(), &alike, |a, b| index.in_place(a, b))
        });
        seen.await.map_err(|error| Error::Files(error.to_string()))
    }
}
