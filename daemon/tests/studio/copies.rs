//! Near-duplicates of datasets: what is found, what thresholds would group, and hashes of an older make.

use axum::Router;
use image::{
    RgbImage,
    imageops::{self, FilterType},
};
use serde_json::{Value, json};
use studio_core::{
    dataset::{Event, Picture, Print},
    ids::{CharacterId, ContentHash},
};
use studiod::store;

use crate::{
    bench::{JSON, ask, door, get},
    datasets::{Kept, at_rest, mara, of, pictures, studio},
    studio::Studio,
};

/// A picture as a camera takes one: nothing of it is plain.
fn photo(seed: u64) -> RgbImage {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut layer = |cells: u32| {
        let coarse = RgbImage::from_fn(cells, cells, |_, _| image::Rgb([rng.u8(..), rng.u8(..), rng.u8(..)]));
        imageops::resize(&coarse, 400, 400, FilterType::CatmullRom)
    };
    let (large, small) = (layer(5), layer(24));
    RgbImage::from_fn(400, 400, |x, y| {
        let (large, small) = (large.get_pixel(x, y).0, small.get_pixel(x, y).0);
        image::Rgb(std::array::from_fn(|n| ((u16::from(large[n]) * 3 + u16::from(small[n])) / 4) as u8))
    })
}

fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(picture).unwrap();
    bytes
}

/// Cut at the left side only, by a thirtieth.
fn cut(picture: &RgbImage) -> RgbImage {
    imageops::crop_imm(picture, 13, 0, 387, 400).to_image()
}

async fn add(door: &Router, mara: CharacterId, bytes: Vec<u8>) {
    let answer = ask(door, "POST", &format!("/api/characters/{mara}/dataset/pictures"), &[], bytes).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

async fn preview(door: &Router, mara: CharacterId, query: &str) -> Value {
    let answer = get(door, &format!("/api/characters/{mara}/dataset/copies{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// Of each group the pictures by their number in the set, and whether they are new in it.
fn groups(preview: &Value, all: &[Picture]) -> Vec<Vec<(usize, bool)>> {
    let number = |member: &Value| {
        let at = all.iter().position(|one| json!(one.id) == member["picture"]).unwrap();
        (at, member["new"] == true)
    };
    let groups = preview["groups"].as_array().unwrap().iter();
    groups.map(|group| group["pictures"].as_array().unwrap().iter().map(number).collect()).collect()
}

/// A picture, its JPEG in half the quality, a cut of it, and another picture.
async fn filled(studio: &Studio, door: &Router, mara: CharacterId) -> Vec<Picture> {
    let kept = Kept::begin(studio);
    for bytes in [
        jpeg(&photo(1), 95),
        jpeg(&imageops::resize(&photo(1), 300, 300, FilterType::Triangle), 25),
        jpeg(&cut(&photo(1)), 90),
        jpeg(&photo(2), 90),
    ] {
        add(door, mara, bytes).await;
        at_rest(studio, door, mara, "off").await;
    }
    kept.end().await;
    pictures(studio, mara).await
}

#[tokio::test]
async fn a_preview_shows_what_other_thresholds_would_group_and_changes_nothing() {
    let studio = studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let nobody = crate::datasets::mara(&studio, "Nobody").await;
    let empty = preview(&door, nobody, "").await;
    assert_eq!((&empty["compared"], &empty["groups"]), (&json!(0), &json!([])), "{empty:#}");
    let all = filled(&studio, &door, mara).await;
    let under: Vec<_> = all.iter().map(|one| one.duplicate_of).collect();
    assert_eq!(under, [None, Some(all[0].id), Some(all[0].id), None], "smaller, and cut at one side");
    let now = preview(&door, mara, "").await;
    assert_eq!((&now["copy_dct"], &now["copy_gradient"], &now["compared"]), (&json!(40), &json!(24), &json!(4)));
    assert_eq!(groups(&now, &all), [[(0, false), (1, false), (2, false)]]);
    assert_eq!((&now["new"], &now["freed"]), (&json!(0), &json!([])));
    // The strictest: what shows the same frame is freed, and what is cut stays.
    let strict = preview(&door, mara, "?dct=0&gradient=0").await;
    assert_eq!(groups(&strict, &all), [[(0, false), (2, false)]], "{strict:#}");
    assert_eq!(strict["freed"][0]["picture"], json!(all[1].id), "{strict:#}");
    // One that counts for itself would be grouped again.
    let path = format!("/api/pictures/{}/decision", all[1].id);
    assert_eq!(ask(&door, "PUT", &path, &[JSON], json!({ "good": true }).to_string()).await.status, 200);
    let again = preview(&door, mara, "?dct=40").await;
    assert_eq!(groups(&again, &all), [[(0, false), (1, true), (2, false)]]);
    assert_eq!(again["new"], 1);
    let after = pictures(&studio, mara).await;
    assert_eq!(after[1].duplicate_of, None, "asking changes nothing");
    let settings = get(&door, &format!("/api/characters/{mara}/dataset")).await.body;
    assert_eq!(settings["dataset"]["settings"]["copy_dct"], 40);
    let refused = get(&door, &format!("/api/characters/{mara}/dataset/copies?dct=49")).await;
    assert_eq!((refused.status, &refused.body["detail"]), (400, &json!("copy_dct is 49; it must be from 0 to 48")));
}

#[tokio::test]
async fn hashes_of_an_older_make_are_compared_and_made_anew() {
    let studio = studio().await;
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let all = filled(&studio, &door, mara).await;
    let stored = store::dataset_pictures::prints(&studio.context.db, mara).await.unwrap();
    let mut tx = studio.context.db.begin().await.unwrap();
    for (id, print) in &stored {
        let older = Print { make: 0, pixels: ContentHash::of(id.to_string().as_bytes()), ..print.clone() };
        store::dataset_pictures::renew_print(&mut tx, *id, &older).await.unwrap();
    }
    tx.commit().await.unwrap();
    // One of them has no file any more: it keeps what it has.
    let gone = studio_engine::asset_path(&studio.context.data.assets(), &all[3].file);
    std::fs::remove_file(gone).unwrap();
    add(&door, mara, jpeg(&photo(1), 60)).await;
    let datasets = of(&studio);
    datasets.look_after_all(Event::Made).await.unwrap();
    let new = pictures(&studio, mara).await.swap_remove(4);
    assert_eq!(new.duplicate_of, Some(all[0].id), "by what both show");
    datasets.look_after_all(Event::Woken).await.unwrap();
    let renewed = store::dataset_pictures::prints(&studio.context.db, mara).await.unwrap();
    let makes: Vec<u8> = renewed.iter().map(|(_, print)| print.make).collect();
    assert_eq!(makes, [1, 1, 1, 0, 1]);
    assert_eq!(renewed[..3], stored[..3], "as they are made of the same files");
    let under: Vec<_> = pictures(&studio, mara).await.iter().map(|one| one.duplicate_of).collect();
    assert_eq!(under[..4], [None, Some(all[0].id), Some(all[0].id), None], "how they are grouped stays");
}
