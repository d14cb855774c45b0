//! Sheets: what a person says of a character or a place beside the screenplay, listed and told in one way.

use studio_core::ids::ProjectId;

use super::{
    merge_patch::Editable,
    pagination::{self, Limit, Names, has},
    problem::Problem,
};
use crate::store::{self, Db};

/// Something of a project that has a sheet.
pub trait Described: Sized {
    /// What it is known by.
    type Id: Copy + Ord;
    /// What a person says of it.
    type Sheet: Editable<Id = Self::Id> + Default;
    /// How it is told.
    type Card;

    /// What it is known by, in addresses and in the database.
    fn id(&self) -> Self::Id;
    /// Its name, as people read it.
    fn name(&self) -> &str;
    /// The one with this identity.
    async fn get(db: &Db, id: Self::Id) -> store::Result<Self>;
    /// All of a project, by short name.
    async fn of_project(db: &Db, project: ProjectId) -> store::Result<Vec<Self>>;
    /// With its sheet, the sheet's tag and a picture.
    async fn card(self, state: &super::AppState, sheet: Self::Sheet) -> Result<Self::Card, Problem>;
}

/// The card of one.
pub async fn card<T: Described>(state: &super::AppState, id: T::Id) -> Result<T::Card, Problem> {
    let thing = T::get(&state.db, id).await?;
    let sheet = T::Sheet::load(&state.db, id).await?;
    thing.card(state, sheet).await
}

/// The cards of a project, by short name.
pub async fn of_project<T: Described>(state: &super::AppState, project: ProjectId) -> Result<Vec<T::Card>, Problem> {
    cards(state, T::of_project(&state.db, project).await?).await
}

/// The cards of many; one whose sheet cannot be read costs itself, not the list.
async fn cards<T: Described>(state: &super::AppState, all: Vec<T>) -> Result<Vec<T::Card>, Problem> {
    let mut cards = Vec::with_capacity(all.len());
    for one in all {
        match T::Sheet::load(&state.db, one.id()).await {
            Ok(sheet) => cards.push(one.card(state, sheet).await?),
            Err(error @ store::Error::Corrupt { .. }) => tracing::error!(%error, "a row is left out of a list"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(cards)
}

/// Which of them.
pub struct Wanted<'a, I> {
    /// Only those of this project.
    pub project: Option<ProjectId>,
    /// Only those with this in their name.
    pub q: Option<&'a str>,
    /// In which order.
    pub sort: Names,
    /// Only those after this one.
    pub after: Option<I>,
    /// At most so many.
    pub limit: Limit,
}

/// One page of cards, and where the next begins.
pub async fn page<T: Described>(
    state: &super::AppState,
    wanted: Wanted<'_, T::Id>,
) -> Result<(Vec<T::Card>, Option<T::Id>), Problem> {
    let mut all = Vec::new();
    for project in pagination::projects(state, wanted.project).await? {
        all.extend(T::of_project(&state.db, project).await?);
    }
    all.retain(|one| has(one.name(), wanted.q));
    match wanted.sort {
        Names::Name => all.sort_by(|a, b| (a.name(), a.id()).cmp(&(b.name(), b.id()))),
        Names::Newest => all.sort_by_key(|one| std::cmp::Reverse(one.id())),
    }
    let (page, next) = wanted.limit.page(all, wanted.after.as_ref(), T::id)?;
    Ok((cards(state, page).await?, next))
}
