//! What recognising pictures costs: the print of a picture against decoding it, and a look-up among 100 000.
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use image::{Rgb, RgbImage, imageops};
use studio_core::{
    dataset::{Part, Print, Small, View},
    ids::{ContentHash, PictureId},
};
use studio_pictures::{Index, Thresholds, decode, print::print};
use uuid::Uuid;

/// How often each is measured; the median counts.
const TIMES: usize = 41;
/// Pictures in the index.
const MANY: u128 = 100_000;

fn median(mut of: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..TIMES)
        .map(|_| {
            let start = Instant::now();
            of();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[TIMES / 2]
}

/// A picture with grain, as a model paints one.
fn picture(rng: &mut fastrand::Rng) -> RgbImage {
    let coarse = RgbImage::from_fn(26, 38, |_, _| Rgb([rng.u8(..), rng.u8(..), rng.u8(..)]));
    let mut picture = imageops::resize(&coarse, 832, 1216, imageops::FilterType::CatmullRom);
    picture.iter_mut().for_each(|value| *value = value.saturating_add(rng.u8(0..6)));
    picture
}

fn hash(rng: &mut fastrand::Rng) -> ContentHash {
    ContentHash(std::array::from_fn(|_| rng.u8(..)))
}

/// A print as any picture has one: a subject, its mirror image and five inner views.
fn made_up(rng: &mut fastrand::Rng) -> Print {
    let parts = [Part::Subject, Part::Mirrored].into_iter().chain([Part::Inner; 5]);
    let views =
        parts.map(|part| View { part, area: [0, 0, 10_000, 10_000], dct: hash(rng), gradient: hash(rng) }).collect();
    let small =
        Small::new((0..Small::SIDE * Small::SIDE).map(|_| rng.u8(..)).collect()).expect("as many cells as it has");
    Print { pixels: hash(rng), views, flat: false, small }
}

fn main() {
    let mut rng = fastrand::Rng::with_seed(4);
    let picture = picture(&mut rng);
    let bytes = decode::encode(&picture).expect("a picture can be encoded").bytes;
    let decoding = median(|| {
        black_box(image::load_from_memory(&bytes).expect("it was encoded here"));
    });
    let both = median(|| {
        black_box(print(&decode::decode(&bytes).expect("it was encoded here").pixels));
    });
    println!("| what | time | goal |");
    println!("|---|---|---|");
    println!("| decoding an 832x1216 PNG | {decoding:.2?} | - |");
    let ratio = both.as_secs_f64() / decoding.as_secs_f64();
    println!("| decoding and hashing it | {both:.2?}, {ratio:.2} of decoding | <= 1.15 |");
    let mut index = Index::default();
    let prints: Vec<Print> = (0..MANY).map(|_| made_up(&mut rng)).collect();
    for (n, print) in (0..MANY).zip(&prints) {
        index.insert(PictureId(Uuid::from_u128(n)), print);
    }
    let new: Vec<Print> = (0..TIMES).map(|_| made_up(&mut rng)).collect();
    let mut asked = new.iter().cycle();
    let unknown = median(|| {
        black_box(index.nearest(asked.next().expect("it goes round"), Thresholds::default()));
    });
    println!("| look-up among {MANY}, of one that is new | {unknown:.2?} | < 1 ms |");
    let mut asked = prints.iter().step_by(997).cycle();
    let known = median(|| {
        black_box(index.nearest(asked.next().expect("it goes round"), Thresholds::default()));
    });
    println!("| look-up among {MANY}, of one that is there | {known:.2?} | < 1 ms |");
}
