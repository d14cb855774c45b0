//! Datasets in an archive: what their owners said of them, their pictures, and what was seen at the sources of those.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use studio_core::{
    character::Character,
    dataset::{Dataset, LONGEST_CAPTION, Picture, PictureState, one_line},
    ids::ContentHash,
    units::Millis,
};

use super::sound::{Ids, distinct, known, lasts};
use crate::store::{
    self, Db, Tx,
    dataset_seen::{Place, Seen},
};

/// A dataset with its pictures.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WholeDataset {
    pub(super) dataset: Dataset,
    /// With their hashes, the oldest first.
    pub(super) pictures: Vec<Picture>,
    /// What was found at the sources of pictures: what is taken out does not come back.
    #[serde(default)]
    pub(super) seen: Vec<(Place, ContentHash, Seen)>,
}

impl WholeDataset {
    /// The datasets of these characters of which there is anything.
    pub(super) async fn of(db: &Db, characters: &[Character]) -> Result<Vec<Self>, store::Error> {
        let mut all = Vec::new();
        for character in characters {
            let dataset = store::datasets::get(db, character.id).await?;
            let mut pictures = store::dataset_pictures::of_character(db, character.id).await?;
            let prints = store::dataset_pictures::prints(db, character.id).await?;
            let mut prints: BTreeMap<_, _> = prints.into_iter().collect();
            for picture in &mut pictures {
                picture.print = prints.remove(&picture.id);
            }
            let seen = store::dataset_seen::of_character(db, character.id).await?;
            if dataset != Dataset::new(character.id) || !pictures.is_empty() || !seen.is_empty() {
                all.push(Self { dataset, pictures, seen });
            }
        }
        Ok(all)
    }

    /// The files of its pictures.
    pub(super) fn files(&self) -> impl Iterator<Item = ContentHash> + '_ {
        self.pictures.iter().map(|picture| picture.file.hash)
    }

    /// The files of those that were rejected: some of them have left the disk.
    pub(super) fn rejected(&self) -> impl Iterator<Item = ContentHash> + '_ {
        self.pictures.iter().filter(|one| one.state == PictureState::Rejected).map(|one| one.file.hash)
    }

    /// What is wrong with it, in one sentence.
    pub(super) fn check(&self, characters: &[Character], ids: &mut Ids) -> Result<(), String> {
        let character = self.dataset.character_id;
        known("character", [character], characters.iter().map(|one| one.id))?;
        known("character", self.pictures.iter().map(|one| one.character_id), [character])?;
        self.dataset.settings.check()?;
        ids.all("picture", self.pictures.iter().map(|one| one.id))?;
        distinct("file of a picture", self.files())?;
        // Nothing is a copy of a copy.
        let whole = self.pictures.iter().filter(|one| one.duplicate_of.is_none()).map(|one| one.id);
        known("picture", self.pictures.iter().filter_map(|one| one.duplicate_of), whole)?;
        let told = |one: &Picture| one.caption.as_ref().map(|caption| caption.text.clone());
        if self.pictures.iter().filter_map(told).any(|t| t.chars().count() > LONGEST_CAPTION || one_line(&t) != t) {
            return Err(format!("a caption in it is no line of at most {LONGEST_CAPTION} characters"));
        }
        let plain = |one: &Picture| one.file.ext.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !self.pictures.iter().all(|one| plain(one) && one.size.width > 0 && one.size.height > 0) {
            return Err("a picture in it has no size, or an impossible extension".into());
        }
        lasts(&self.dataset)?;
        self.pictures.iter().try_for_each(lasts)
    }

    /// Writes it down. Filling it is switched off here: whoever brings a project has not said yet that this studio makes
    /// pictures for it.
    ///
    /// A picture whose file is not in the archive is left out, unless it was rejected and its file is known to be `gone`: what
    /// was learned of it stays. How many were left out is returned.
    pub(super) async fn write(
        &self,
        tx: &mut Tx<'_>,
        files: &BTreeSet<ContentHash>,
        gone: &BTreeSet<ContentHash>,
    ) -> Result<usize, store::Error> {
        let character = self.dataset.character_id;
        store::datasets::set(tx, &Dataset { replenish: false, ..self.dataset.clone() }).await?;
        let comes = |one: &&Picture| {
            let hash = one.file.hash;
            files.contains(&hash) || one.state == PictureState::Rejected && gone.contains(&hash)
        };
        let there: BTreeSet<_> = self.pictures.iter().filter(comes).map(|one| one.id).collect();
        let comes =
            |one: &&Picture| there.contains(&one.id) && one.duplicate_of.is_none_or(|best| there.contains(&best));
        let left_out = self.pictures.len() - self.pictures.iter().filter(comes).count();
        let copies =
            |wanted: bool| self.pictures.iter().filter(comes).filter(move |one| one.duplicate_of.is_some() == wanted);
        // What something is a copy of must be there first.
        for picture in copies(false).chain(copies(true)) {
            store::dataset_pictures::insert(tx, picture).await?;
        }
        for (place, key, seen) in &self.seen {
            store::dataset_seen::note(tx, character, *place, *key, seen, Millis(0)).await?;
        }
        Ok(left_out)
    }
}
