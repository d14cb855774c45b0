//! Export: the approved pictures of a dataset with their captions, as files for a training program.

use std::path::Path;

use studio_core::{
    dataset::{Called, Coverage, Picture, TagCount, Target, Words, count_tags, export, looks},
    ids::CharacterId,
};
use studio_engine::asset_path;
use studio_pictures::pack::{self, Content, Packed};

use super::{Datasets, Error, Maker};
use crate::store;

/// What is known of a dataset that captions are made of.
struct Told {
    called: Called,
    coverage: Coverage,
    looks: Vec<String>,
    pictures: Vec<Picture>,
}

impl Told {
    /// What is told of those that a model is trained on.
    fn words(&self) -> Words<'_> {
        Words::of(&self.coverage, &self.looks, &self.trained_on())
    }

    fn trained_on(&self) -> Vec<&Picture> {
        self.pictures.iter().filter(|picture| picture.is_trained_on()).collect()
    }
}

impl Datasets {
    async fn told(&self, character: CharacterId) -> Result<Told, Error> {
        let db = &self.making.context.db;
        let known = store::characters::get(db, character).await?;
        let dataset = store::datasets::get(db, character).await?;
        // Settings that cannot be used do not keep what is there from being read.
        let appearance = match Maker::of(&self.making, &known).await {
            Ok(maker) => maker.appearance(),
            Err(Error::Store(error)) => return Err(error.into()),
            Err(_) => store::characters::sheet(db, character).await?.appearance,
        };
        Ok(Told {
            called: Called::of(&dataset.settings, &known.name),
            coverage: self.coverage(&dataset),
            looks: appearance.as_ref().map(looks).unwrap_or_default(),
            pictures: store::dataset_pictures::of_character(db, character).await?,
        })
    }

    /// The files of an export, each where it goes below the folder or in the archive.
    pub async fn exported(&self, character: CharacterId, target: &Target) -> Result<Vec<Packed>, Error> {
        let told = self.told(character).await?;
        let planned = export(&told.called, &told.words(), &told.pictures, target)?;
        let assets = self.making.context.data.assets();
        let mut files = vec![Packed { path: planned.config.0, content: Content::Text(planned.config.1) }];
        for one in planned.pictures {
            let kept = asset_path(&assets, &one.file);
            if !kept.is_file() {
                let why = format!("the file of {} is gone from the disk; 'studiod check --deep' says more", one.path);
                return Err(Error::Files(why));
            }
            files.push(Packed { path: one.path, content: Content::File(kept) });
            files.push(Packed { path: one.caption_path, content: Content::Text(one.caption) });
        }
        Ok(files)
    }

    /// Packs an export into an archive; nothing is there when that fails.
    pub(super) async fn pack(&self, character: CharacterId, target: &Target, into: &Path) -> Result<(), Error> {
        let files = self.exported(character, target).await?;
        let into = into.to_owned();
        let packed = tokio::task::spawn_blocking(move || pack::pack(&mut std::fs::File::create(into)?, &files)).await;
        let packed = packed.map_err(|error| Error::Files(error.to_string()))?;
        packed.map_err(|error| Error::Files(format!("the archive cannot be written: {error}")))
    }

    /// The tags of what is told of approved pictures, and what every caption begins with.
    pub(super) async fn tags_of(&self, character: CharacterId) -> Result<(Called, Vec<TagCount>), Error> {
        let told = self.told(character).await?;
        let counts = count_tags(&told.called, &told.words(), &told.trained_on());
        Ok((told.called, counts))
    }
}
