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
/// Pictures of different content among those that are taken in.
const DIFFERENT: usize = 20;
/// Pictures that are taken in.
const TAKEN: usize = 1_000;
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
    Print { make: Print::MAKE, pixels: hash(rng), views, flat: false, small }
}

/// Takes pictures in as a dataset does, without its rows: each is read, decoded, written clean, hashed, and looked up; against
/// decoding as many once.
fn take_in(rng: &mut fastrand::Rng) {
    let room = tempfile::tempdir().expect("there is room");
    let files: Vec<_> = (0..DIFFERENT)
        .map(|n| {
            let path = room.path().join(format!("{n}.png"));
            std::fs::write(&path, decode::encode(&picture(rng)).expect("it can be encoded").bytes)
                .expect("there is room");
            path
        })
        .collect();
    let files = || files.iter().cycle().take(TAKEN).enumerate();
    let start = Instant::now();
    for (_, file) in files() {
        let bytes = std::fs::read(file).expect("it was written here");
        black_box(image::load_from_memory(&bytes).expect("it was encoded here"));
    }
    let decoding = start.elapsed();
    let mut index = Index::default();
    let start = Instant::now();
    for (n, file) in files() {
        let bytes = decode::load(file).expect("it was written here");
        let read = decode::decode(&bytes).expect("it is a picture");
        let clean = read.clean(&bytes).expect("it is a picture");
        std::fs::write(room.path().join(format!("clean-{}", n % DIFFERENT)), clean.bytes).expect("there is room");
        let print = print(&read.pixels);
        black_box(index.nearest(&print, Thresholds::default()));
        index.insert(PictureId(Uuid::from_u128(n as u128)), &print);
    }
    let taking = start.elapsed();
    let (rate, ratio) = (TAKEN as f64 / taking.as_secs_f64(), taking.as_secs_f64() / decoding.as_secs_f64());
    println!(
        "| taking in {TAKEN} of them, without rows | {taking:.2?}, {rate:.0} a second, {ratio:.2} of decoding | - |"
    );
}

/// The same, saved anew: other pixels, and a few bits of each hash.
fn again(rng: &mut fastrand::Rng, of: &Print) -> Print {
    let mut print = Print { pixels: hash(rng), ..of.clone() };
    for view in &mut print.views {
        for _ in 0..4 {
            view.dct.0[rng.usize(0..32)] ^= 1 << rng.u32(0..8);
            view.gradient.0[rng.usize(0..32)] ^= 1 << rng.u32(0..8);
        }
    }
    let cells = of.small.cells().iter().map(|cell| cell.saturating_add(rng.u8(0..3)));
    print.small = Small::new(cells.collect()).expect("as many cells as it has");
    print
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
    let hashing = median(|| {
        black_box(print(&picture));
    });
    println!("| what | time | goal |");
    println!("|---|---|---|");
    println!("| decoding an 832x1216 PNG | {decoding:.2?} | - |");
    let ratio = both.as_secs_f64() / decoding.as_secs_f64();
    println!("| decoding and hashing it | {both:.2?}, {ratio:.2} of decoding | <= 1.15 |");
    println!("| hashing alone | {hashing:.2?} | - |");
    take_in(&mut rng);
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
    let copies: Vec<Print> = prints.iter().step_by(997).map(|print| again(&mut rng, print)).collect();
    let mut asked = copies.iter().cycle();
    let copy = median(|| {
        let found = index.nearest(asked.next().expect("it goes round"), Thresholds::default());
        assert!(black_box(found).is_some(), "a copy is found");
    });
    println!("| look-up among {MANY}, of a copy in another file | {copy:.2?} | < 1 ms |");
}
