//! Placing: where a picture of a dataset belongs after a vision model has seen it, what is told of it in training, and whose
//! it is.

use serde_json::json;
use studio_core::{
    dataset::{Called, Caption, Coverage, Dataset, Known, Picture, PictureRequest, caption_of, looks, place},
    ids::PictureId,
    journal::EventKind,
    order::Order,
    review::Identity,
    take::Verdict,
    units::Millis,
};

use crate::store::{self, Db, Tx, unnamed_pictures::Named};

/// Keeps what was seen in a picture. What a person said of it stays: the place, axis by axis, and the caption.
pub(super) async fn placed(
    tx: &mut Tx<'_>,
    picture: &Picture,
    dataset: &Dataset,
    request: &PictureRequest,
    verdict: &Verdict,
) -> store::Result<()> {
    let Some(sight) = &verdict.seen else { return Ok(()) };
    let coverage = dataset.settings.axes.clone().unwrap_or_else(Coverage::shipped);
    // As the judge was told who it is.
    let shown = match &request.order {
        Order::Review(order) => order.shown.as_ref(),
        _ => None,
    };
    let figures = shown.map_or(&[][..], |shown| &shown.figures);
    let looks: Vec<String> = figures.iter().filter_map(|figure| figure.appearance.as_ref()).flat_map(looks).collect();
    let called = figures.iter().map(|figure| Called::of(&dataset.settings, &figure.name).trigger);
    let names: Vec<String> = figures.iter().map(|figure| figure.name.clone()).chain(called).collect();
    let known = Known { coverage: &coverage, looks: &looks, names: &names };
    let (cell, placing) = place(picture, known, sight, &verdict.judge);
    let text = caption_of(&placing, &coverage, &cell);
    store::dataset_pictures::place(tx, picture.id, &cell, &placing).await?;
    if text.is_empty() || picture.caption.as_ref().is_some_and(|caption| caption.by_person || caption.text == text) {
        return Ok(());
    }
    store::dataset_pictures::set_caption(tx, picture.id, Some(&Caption { text, by_person: false })).await
}

/// Keeps what the judge said of who is in a picture without a name. Who is surely one of the characters is put into their
/// dataset, unless a person was faster; else a person says.
pub(super) async fn identified(
    db: &Db,
    tx: &mut Tx<'_>,
    id: PictureId,
    identity: &Identity,
    now: Millis,
) -> store::Result<()> {
    let Some(picture) = there(store::unnamed_pictures::get(db, id).await)? else { return Ok(()) };
    let sure = match identity.sure() {
        Some(character) => there(store::characters::get(db, character).await)?,
        None => None,
    };
    let (kind, id, body) = if let Some(character) = sure {
        let (kind, id) = match store::unnamed_pictures::name(tx, db, picture, &character, now).await? {
            Named::Added => (EventKind::PictureAdded, id),
            Named::Known(there) => (EventKind::PictureChanged, there),
        };
        (kind, id, json!({ "character": character.id, "identity": identity }))
    } else {
        store::unnamed_pictures::set_identity(tx, id, Some(identity)).await?;
        (EventKind::PictureChanged, id, json!({ "project": picture.project_id }))
    };
    store::events::append(tx, kind, &id.to_string(), &body, now).await.map(drop)
}

/// What was found; `None`: it is gone.
pub(super) fn there<T>(found: store::Result<T>) -> store::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Nobody could say who it is.
pub(super) fn unidentified(judge: &str, why: &str) -> Identity {
    Identity { judge: judge.to_owned(), character: None, confidence: None, reason: format!("it cannot be told: {why}") }
}
