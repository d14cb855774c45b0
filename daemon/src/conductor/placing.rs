//! Placing: where a picture of a dataset belongs after a vision model has seen it, and what is told of it in training.

use studio_core::{
    dataset::{Called, Caption, Coverage, Dataset, Known, Picture, PictureRequest, looks, place},
    order::Order,
    take::Verdict,
};

use crate::store::{self, Tx};

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
    let text = placing.caption(&coverage, &cell);
    store::dataset_pictures::place(tx, picture.id, &cell, &placing).await?;
    if text.is_empty() || picture.caption.as_ref().is_some_and(|caption| caption.by_person || caption.text == text) {
        return Ok(());
    }
    store::dataset_pictures::set_caption(tx, picture.id, Some(&Caption { text, by_person: false })).await
}
