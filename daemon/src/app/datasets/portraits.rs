//! Portraits: reference sheets of characters and establishing pictures of places, made when somebody asks for them, and
//! judged whenever one has come.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    dataset::{Picture, PictureRequest, PictureState},
    ids::{EpisodeId, PortraitId, ProjectId},
    portrait::Portrait,
    project::fold_name,
    task::Class,
    views::{PortraitOwner, PortraitView, Refinement},
};
use studio_engine::Boxed;

use super::{Datasets, Error, sheets::SheetMaker};
use crate::{
    store,
    web::{self, PortraitCounts, PortraitInMaking, PortraitSheet, ServiceError},
};

/// Portraits looked at together: between two of them others have their turn.
const AT_A_TIME: u32 = 24;

impl Datasets {
    /// Has portraits judged nobody has judged yet; whether there may be more.
    pub(super) async fn look_at_portraits(&self) -> Result<bool, Error> {
        let db = &self.making.context.db;
        let mut more = false;
        let _one_at_a_time = self.asking.lock().await;
        for project in store::portraits::projects_unseen(db).await? {
            let new = store::portraits::unseen(db, project, AT_A_TIME).await?;
            let many = new.len();
            match self.judge_portraits(new).await {
                Ok(()) => more |= many == AT_A_TIME as usize,
                Err(error @ (Error::Store(_) | Error::Conductor(_))) => return Err(error),
                // Settings that cannot be used hold up no other project, and nobody is asked again and again.
                Err(error) => tracing::warn!(%project, %error, "portraits are not judged"),
            }
        }
        Ok(more)
    }

    async fn judge_portraits(&self, new: Vec<Portrait>) -> Result<(), Error> {
        let mut of: BTreeMap<PortraitOwner, Vec<Portrait>> = BTreeMap::new();
        for portrait in new {
            of.entry(portrait.owner).or_default().push(portrait);
        }
        for (owner, portraits) in of {
            let maker = SheetMaker::of(&self.making, owner).await?;
            let reviews = portraits.iter().map(|one| (maker.review(one, Class::Background), false)).collect();
            self.conductor.pictures(reviews).await?;
        }
        Ok(())
    }

    /// What a whole sheet of somebody, or of a place, has here.
    fn whole(&self, owner: PortraitOwner) -> Vec<PortraitView> {
        match owner {
            PortraitOwner::Character(_) => self.making.config.portraits.views.clone(),
            PortraitOwner::Location(_) => owner.views().to_vec(),
        }
    }

    /// What is asked of engines for these views of a sheet. Whoever asks for it holds [`Datasets::asking`].
    async fn asked(
        &self,
        owner: PortraitOwner,
        views: &[PortraitView],
        class: Class,
    ) -> Result<Vec<(PictureRequest, bool)>, Error> {
        let context = &self.making.context;
        let maker = SheetMaker::of(&self.making, owner).await?;
        let before = store::portraits::ever_asked(&context.db, owner).await?;
        let numbered = views.iter().zip(before..);
        let request = |(view, number): (&PortraitView, u64)| {
            (maker.request(PortraitId(context.clock.id()), *view, number, class), false)
        };
        let mut asked: Vec<_> = numbered.map(request).collect();
        for (request, _) in &mut asked {
            let loras: Vec<&str> = request.made.lora_files().collect();
            let trained = store::loras::lineage_of(&context.db, &loras).await?;
            request.lineage = Picture::lineage_of([trained]);
        }
        Ok(asked)
    }

    /// Whether somebody, or a place, has neither references nor portraits that may become any, nor any in the making.
    async fn lacks(&self, owner: PortraitOwner) -> Result<bool, Error> {
        let db = &self.making.context.db;
        let references = match owner {
            PortraitOwner::Character(id) => store::characters::sheet(db, id).await?.references,
            PortraitOwner::Location(id) => store::locations::sheet(db, id).await?.references,
        };
        let wanted = |one: &Portrait| one.state != PictureState::Rejected;
        Ok(references.is_empty()
            && store::portraits::open(db, owner).await?.is_empty()
            && !store::portraits::of_owner(db, owner).await?.iter().any(wanted))
    }

    /// Asks for whole sheets of all of these that lack any, at once; of whom.
    async fn complete(&self, owners: Vec<PortraitOwner>, class: Class) -> Result<Vec<PortraitOwner>, Error> {
        let _one_at_a_time = self.asking.lock().await;
        let (mut lacking, mut requests) = (Vec::new(), Vec::new());
        for owner in owners {
            if self.lacks(owner).await? {
                requests.extend(self.asked(owner, &self.whole(owner), class).await?);
                lacking.push(owner);
            }
        }
        if !requests.is_empty() {
            self.conductor.pictures(requests).await?;
        }
        Ok(lacking)
    }

    /// Who appears in an episode, and where it plays.
    async fn of_episode(&self, id: EpisodeId) -> Result<Vec<PortraitOwner>, Error> {
        let db = &self.making.context.db;
        let episode = store::episodes::get(db, id).await?;
        let shots = store::shots::of_episode(db, id).await?;
        let seen: Vec<String> =
            shots.iter().flat_map(|shot| &shot.plan.characters).map(|name| fold_name(name)).collect();
        let characters = store::characters::of_project(db, episode.project_id).await?;
        let appear = characters.iter().filter(|one| seen.contains(&fold_name(&one.name)));
        let mut owners: Vec<_> = appear.map(|one| PortraitOwner::Character(one.id)).collect();
        let scenes = store::scenes::of_episode(db, id).await?;
        let places = scenes.iter().filter_map(|scene| scene.location_id);
        owners.extend(places.map(PortraitOwner::Location));
        owners.sort_unstable();
        owners.dedup();
        Ok(owners)
    }

    async fn of_project(&self, id: ProjectId) -> Result<Vec<PortraitOwner>, Error> {
        let db = &self.making.context.db;
        store::projects::get(db, id).await?;
        let characters = store::characters::of_project(db, id).await?;
        let places = store::locations::of_project(db, id).await?;
        let characters = characters.iter().map(|one| PortraitOwner::Character(one.id));
        Ok(characters.chain(places.iter().map(|one| PortraitOwner::Location(one.id))).collect())
    }

    async fn portrait_sheet(&self, owner: PortraitOwner) -> Result<PortraitSheet, Error> {
        let db = &self.making.context.db;
        let name = match owner {
            PortraitOwner::Character(id) => store::characters::get(db, id).await?.name,
            PortraitOwner::Location(id) => store::locations::get(db, id).await?.name,
        };
        // Before the portraits: what is made in between counts twice for a moment, and never not at all.
        let open = store::portraits::open(db, owner).await?;
        let mut portraits = store::portraits::of_owner(db, owner).await?;
        portraits.reverse();
        let making: Vec<PortraitInMaking> = open
            .iter()
            .filter_map(|one| {
                let asked = one.request.portrait.clone()?;
                Some(PortraitInMaking {
                    portrait: PortraitId(one.request.job.id()),
                    task: one.task,
                    view: asked.view,
                    refines: asked.refines,
                })
            })
            .collect();
        let unjudged = portraits.iter().filter(|one| one.verdict.is_none() && one.decision.is_none()).count();
        Ok(PortraitSheet {
            owner,
            name,
            views: owner.views().to_vec(),
            whole: self.whole(owner),
            counts: PortraitCounts { in_flight: making.len() as u32, unjudged: unjudged as u32 },
            judge_away: self.judge_is_away(),
            making,
            portraits,
        })
    }
}

impl web::Portraits for Datasets {
    fn sheet(&self, owner: PortraitOwner) -> Boxed<'_, Result<PortraitSheet, ServiceError>> {
        Box::pin(async move { Ok(self.portrait_sheet(owner).await?) })
    }

    fn make(&self, owner: PortraitOwner, views: Vec<PortraitView>) -> Boxed<'_, Result<usize, ServiceError>> {
        Box::pin(async move {
            let mut views = if views.is_empty() { self.whole(owner) } else { views };
            // Each is made once, however often it is named.
            let mut named = BTreeSet::new();
            views.retain(|view| named.insert(*view));
            if let Some(other) = views.iter().find(|view| !owner.views().contains(view)) {
                let whose = if owner.character().is_some() { "a character" } else { "a place" };
                return Err(ServiceError::Usage(format!("{whose} has no view {}; leave it out", other.word())));
            }
            let _one_at_a_time = self.asking.lock().await;
            let requests = self.asked(owner, &views, Class::Interactive).await?;
            let many = requests.len();
            self.conductor.pictures(requests).await.map_err(Error::from)?;
            Ok(many)
        })
    }

    fn refine(
        &self,
        portrait: PortraitId,
        words: String,
        strength_percent: u32,
    ) -> Boxed<'_, Result<(), ServiceError>> {
        Box::pin(async move {
            let context = &self.making.context;
            let of = store::portraits::get(&context.db, portrait).await?;
            let maker = SheetMaker::of(&self.making, of.owner).await?;
            let _one_at_a_time = self.asking.lock().await;
            let number = store::portraits::ever_asked(&context.db, of.owner).await?;
            let refinement = Refinement { of: of.id, words, strength_percent };
            let id = PortraitId(context.clock.id());
            let mut request = maker.refinement(id, &of, refinement, number, Class::Interactive)?;
            let level = store::dataset_pictures::lineage_of(&context.db, &[of.file.hash]).await?;
            let loras: Vec<&str> = request.made.lora_files().collect();
            let trained = store::loras::lineage_of(&context.db, &loras).await?;
            request.lineage = Picture::lineage_of([level, trained]);
            self.conductor.pictures(vec![(request, false)]).await.map_err(Error::from)?;
            Ok(())
        })
    }

    fn complete_episode(&self, episode: EpisodeId) -> Boxed<'_, Result<Vec<PortraitOwner>, ServiceError>> {
        Box::pin(async move { Ok(self.complete(self.of_episode(episode).await?, Class::Interactive).await?) })
    }

    fn complete_project(&self, project: ProjectId) -> Boxed<'_, Result<Vec<PortraitOwner>, ServiceError>> {
        Box::pin(async move { Ok(self.complete(self.of_project(project).await?, Class::Interactive).await?) })
    }
}
