//! Service: what the page and the command line ask of datasets.

use std::path::Path;

use studio_core::{
    dataset::{
        Arm, Called, Cell, CopiesPreview, Evidences, Excerpt, ForFilms, Ground, Ingest, PictureState, Repair, Source,
        Summary, TagCount, Target, Terms, avoided, drift, evidence, for_films, helped, plan_repair, plan_wanted,
        seed_of,
    },
    ids::{CharacterId, EpisodeId, IngestId, PictureId},
    order::Role,
    task::Class,
};
use studio_engine::Boxed;

use super::{Datasets, Error, Maker, Now, arrive, inbox, is_video};
use crate::{
    app::producing::intake,
    store,
    web::{self, ArmView, DatasetView, PictureCounts, RepairView, Scan, Scanned, ServiceError, Taken},
};

impl From<Error> for ServiceError {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => Self::Store(error),
            Error::Conductor(error) => Self::Conductor(error),
            Error::Settings(why) => Self::Usage(why),
            Error::Files(why) => Self::Unable(why),
            Error::NothingApproved(why) => Self::NothingApproved(why.to_string()),
        }
    }
}

impl From<store::Error> for ServiceError {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

impl Datasets {
    async fn seen(&self, character: CharacterId) -> Result<DatasetView, Error> {
        let db = &self.making.context.db;
        let known = store::characters::get(db, character).await?;
        let dataset = store::datasets::get(db, character).await?;
        let now = self.now(dataset).await?;
        let waits = self.waits(&now).await?;
        let axes = self.coverage(&now.dataset);
        let count = |fits: &dyn Fn(&Summary) -> bool| now.pictures.iter().filter(|one| fits(one)).count() as u32;
        let approved: Vec<&Cell> =
            now.pictures.iter().filter(|one| one.state == PictureState::Approved).map(|one| &one.cell).collect();
        let asked = store::datasets::asked(db, character, now.at).await?;
        let counts = PictureCounts {
            approved: now.ledger.approved,
            awaiting: now.ledger.awaiting,
            unjudged: now.ledger.unjudged,
            rejected: count(&|one| one.state == PictureState::Rejected && !one.copy),
            duplicates: count(&|one| one.copy),
            in_flight: asked.iter().filter(|one| one.state == studio_core::dataset::RequestState::Open).count() as u32,
            in_review: store::dataset_reviews::being_judged(db, character).await?.len() as u32,
            asked_today: now.ledger.asked_today,
            ingests: store::ingests::of_character(db, character).await?.iter().filter(|one| one.state.is_open()).count()
                as u32,
        };
        // Settings that cannot be used do not hide what is there.
        let maker = Maker::of(&self.making, &known).await.ok();
        let model = maker.as_ref().map_or("", Maker::model);
        let own = evidence(&now.pictures, model, now.dataset.settings.forget, now.at);
        let films = match &maker {
            Some(maker) => self.for_films(&now, maker, &own).await?,
            None => None,
        };
        let learned = own.iter().map(|(arm, found)| ArmView {
            arm: Arm::named(arm).name.to_owned(),
            results: found.results,
            approved: found.approved,
        });
        let repairs = helped(&now.pictures).into_iter();
        let repairs = repairs.filter_map(|(repair, found)| Some(RepairView::of(Repair::named(&repair)?, found)));
        let settings = &now.dataset.settings;
        let terms = Terms { added: settings.avoid.clone(), removed: settings.allow.clone() };
        Ok(DatasetView {
            counts,
            said: waits.as_ref().map_or_else(String::new, ToString::to_string),
            waits,
            judge_away: self.judge_is_away(),
            comfy: self.making.config.comfy.iter().map(|server| server.name.clone()).collect(),
            inbox: inbox::folder_of(self, character).await?.map(|folder| folder.display().to_string()),
            coverage: axes.tallies(&approved, settings.target),
            readiness: axes.readiness(&approved),
            axes,
            learned: learned.collect(),
            films,
            repairs: repairs.collect(),
            avoids: avoided(&now.pictures, &terms, now.at),
            drift: drift(&now.pictures, settings.forget),
            dataset: now.dataset,
        })
    }

    /// What films could use of what was learned; `None`: there is nothing to choose from.
    async fn for_films(&self, now: &Now, maker: &Maker, own: &Evidences) -> Result<Option<ForFilms>, Error> {
        let (arms, seed) = (Arm::possible(maker.knobs(), None), seed_of(&now.dataset, 0).0);
        if arms.len() < 2 {
            return Ok(None);
        }
        let alone = for_films(&arms, own, &Evidences::new(), seed);
        if matches!(alone, ForFilms::NotEnough { .. }) {
            // What is known of others changes nothing of that.
            return Ok(Some(alone));
        }
        Ok(Some(for_films(&arms, own, &self.others(now, maker).await?, seed)))
    }

    /// Has pictures made for somebody who waits for them.
    async fn by_hand<E: From<Error>>(
        &self,
        character: CharacterId,
        plan: impl FnOnce(&Ground<'_>) -> Result<Vec<studio_core::dataset::Asked>, E>,
    ) -> Result<usize, E> {
        let db = &self.making.context.db;
        let known = store::characters::get(db, character).await.map_err(Error::from)?;
        let maker = Maker::of(&self.making, &known).await?;
        let _one_at_a_time = self.asking.lock().await;
        let dataset = store::datasets::get(db, character).await.map_err(Error::from)?;
        let now = self.now(dataset).await?;
        let asked = self.plan(&now, &maker, plan).await??;
        let many = asked.len();
        self.ask(&now, &maker, asked, Class::Interactive, false).await?;
        Ok(many)
    }
}

impl web::Datasets for Datasets {
    fn view(&self, character: CharacterId) -> Boxed<'_, Result<DatasetView, ServiceError>> {
        Box::pin(async move { Ok(self.seen(character).await?) })
    }

    fn add<'a>(
        &'a self,
        character: CharacterId,
        file: &'a Path,
        name: &'a str,
    ) -> Boxed<'a, Result<Taken, ServiceError>> {
        Box::pin(arrive::add(self, character, file, name, |name| Source::Upload { name }))
    }

    fn stills(&self, character: CharacterId, episode: Option<EpisodeId>) -> Boxed<'_, Result<Taken, ServiceError>> {
        Box::pin(self.take_stills(character, episode))
    }

    fn scan(&self, character: CharacterId, scan: Scan) -> Boxed<'_, Result<Scanned, ServiceError>> {
        Box::pin(Self::scan(self, character, scan))
    }

    fn largest(&self) -> u64 {
        arrive::ARCHIVE.max(intake::most(Role::Video))
    }

    fn is_video(&self, file: &Path) -> bool {
        is_video(file)
    }

    fn take_video<'a>(
        &'a self,
        character: CharacterId,
        file: &'a Path,
        name: &'a str,
        excerpt: Excerpt,
    ) -> Boxed<'a, Result<Ingest, ServiceError>> {
        Box::pin(self.take_video(character, file, name, excerpt))
    }

    fn take_url<'a>(
        &'a self,
        character: CharacterId,
        url: &'a str,
        may_use: bool,
        excerpt: Excerpt,
    ) -> Boxed<'a, Result<Ingest, ServiceError>> {
        Box::pin(self.take_url(character, url, may_use, excerpt))
    }

    fn stop_ingest(&self, id: IngestId) -> Boxed<'_, Result<Ingest, ServiceError>> {
        Box::pin(self.stop_ingest(id))
    }

    fn export<'a>(
        &'a self,
        character: CharacterId,
        target: &'a Target,
        into: &'a Path,
    ) -> Boxed<'a, Result<(), ServiceError>> {
        Box::pin(async move { Ok(self.pack(character, target, into).await?) })
    }

    fn tags(&self, character: CharacterId) -> Boxed<'_, Result<(Called, Vec<TagCount>), ServiceError>> {
        Box::pin(async move { Ok(self.tags_of(character).await?) })
    }

    fn copies(
        &self,
        of: CharacterId,
        [dct, gradient]: [Option<u32>; 2],
    ) -> Boxed<'_, Result<CopiesPreview, ServiceError>> {
        Box::pin(async move { Ok(self.preview(of, dct, gradient).await?) })
    }

    fn generate(&self, character: CharacterId, pictures: u32, cell: Cell) -> Boxed<'_, Result<usize, ServiceError>> {
        Box::pin(async move {
            web::Datasets::may_show(self, character, &cell).await?;
            self.by_hand(character, |ground| Ok::<_, ServiceError>(plan_wanted(ground, pictures, &cell))).await
        })
    }

    fn repair(&self, picture: PictureId) -> Boxed<'_, Result<(), ServiceError>> {
        Box::pin(async move {
            let found = store::dataset_pictures::get(&self.making.context.db, picture).await?;
            let asked = self.by_hand(found.character_id, |ground| {
                let mend = plan_repair(ground, picture);
                Ok(vec![mend.map_err(|why| ServiceError::Usage(why.to_string()))?])
            });
            asked.await.map(drop)
        })
    }

    fn review(&self, picture: PictureId) -> Boxed<'_, Result<(), ServiceError>> {
        Box::pin(async move {
            let found = store::dataset_pictures::get(&self.making.context.db, picture).await?;
            self.judge(found.character_id, &[found], Class::Interactive).await?;
            Ok(())
        })
    }

    fn may_show<'a>(&'a self, character: CharacterId, cell: &'a Cell) -> Boxed<'a, Result<(), ServiceError>> {
        Box::pin(async move {
            let dataset = store::datasets::get(&self.making.context.db, character).await?;
            self.coverage(&dataset).check_cell(cell).map_err(ServiceError::Usage)
        })
    }

    fn forget(&self, character: CharacterId) {
        Self::forget(self, character);
    }
}
