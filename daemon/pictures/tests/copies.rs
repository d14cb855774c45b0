//! What counts as a copy of a picture and what does not, on made families of pictures, with a table of the distances.

#[path = "families/mod.rs"]
mod families;

use std::collections::BTreeMap;

use families::{
    Character, Pose, STANDS, brighter, bust, cropped, jpeg, photo, placed, resized, sheet, shifted, stamped,
};
use image::{RgbImage, imageops::flip_horizontal};
use studio_core::{
    dataset::{Part, Print},
    ids::{ContentHash, PictureId},
};
use studio_pictures::{
    Index, Thresholds,
    index::Alike,
    print::{print, unreadable},
};
use uuid::Uuid;

/// Pictures of each kind.
const EACH: u64 = 2;

fn id(n: u128) -> PictureId {
    PictureId(Uuid::from_u128(n))
}

type Change = fn(&RgbImage) -> RgbImage;

/// What may become of a picture, and the kinds of picture of which that is still found.
const COPIES: [(&str, Change, &[&str]); 16] = [
    ("the same", RgbImage::clone, ALL),
    ("JPEG, quality 60", |of| jpeg(of, 60), ALL),
    ("JPEG, quality 30", |of| jpeg(of, 30), ALL),
    ("half the size", |of| resized(of, 0.5), ALL),
    ("half the size, JPEG", |of| jpeg(&resized(of, 0.5), 60), ALL),
    ("1.3 times the size", |of| resized(of, 1.3), ALL),
    ("mirrored", flip_horizontal, ALL),
    ("mirrored, JPEG", |of| jpeg(&flip_horizontal(of), 60), ALL),
    ("crop 1 %", |of| cropped(of, [0.01; 4]), ALL),
    ("crop 3 %", |of| cropped(of, [0.03; 4]), ALL),
    ("crop 5 %", |of| cropped(of, [0.05; 4]), ALL),
    ("crop 8 %", |of| cropped(of, [0.08; 4]), ALL),
    ("crop 8 %, smaller, JPEG", |of| jpeg(&resized(&cropped(of, [0.08; 4]), 0.7), 60), ALL),
    ("shift 0.5 %", |of| shifted(of, 0.005, 0.005), ALL),
    ("shift 2 %", |of| shifted(of, 0.02, 0.02), &["sheet"]),
    ("crop 1, 3, 5, 2 %", |of| cropped(of, [0.01, 0.03, 0.05, 0.02]), &["sheet"]),
];
const ALL: &[&str] = &["photo", "sheet", "bust", "placed"];
/// What is printed, and may be found or not.
const EITHER: [(&str, Change); 2] = [("20 % brighter", |of| brighter(of, 1.2)), ("text box in a corner", stamped)];

fn poses() -> [(&'static str, Pose); 9] {
    [
        ("mouth open", Pose { mouth: 14.0, ..STANDS }),
        ("frown", Pose { mouth: -10.0, ..STANDS }),
        ("eyes closed", Pose { eyes: 1.0, ..STANDS }),
        ("eyes and mouth", Pose { mouth: 18.0, eyes: 16.0, ..STANDS }),
        ("head turned", Pose { turn: 20.0, ..STANDS }),
        ("arm at 25 degrees", Pose { arms: (15.0, 25.0), ..STANDS }),
        ("arm at 60 degrees", Pose { arms: (15.0, 60.0), ..STANDS }),
        ("arms up", Pose { arms: (150.0, 150.0), ..STANDS }),
        ("stride", Pose { stride: 140.0, ..STANDS }),
    ]
}

/// Distances of the closest pair of views, and whether the rule finds a copy.
fn compare(a: &Print, b: &Print) -> (u32, u32, bool) {
    let bits =
        |a: &ContentHash, b: &ContentHash| -> u32 { a.0.iter().zip(b.0).map(|(a, b)| (a ^ b).count_ones()).sum() };
    let met = |a: Part, b: Part| a == Part::Subject || b == Part::Subject;
    let pairs = a.views.iter().flat_map(|a| b.views.iter().map(move |b| (a, b)));
    let pairs = pairs.filter(|(a, b)| a.part != Part::Mirrored && met(a.part, b.part));
    let closest = pairs.map(|(a, b)| (bits(&a.dct, &b.dct), bits(&a.gradient, &b.gradient))).min_by_key(|(a, b)| a + b);
    let mut index = Index::default();
    index.insert(id(1), a);
    let (dct, gradient) = closest.unwrap_or_default();
    (dct, gradient, index.nearest(b, Thresholds::default()).is_some())
}

#[derive(Default)]
struct Row {
    dct: Vec<u32>,
    gradient: Vec<u32>,
    found: usize,
}

impl Row {
    fn add(&mut self, (dct, gradient, found): (u32, u32, bool)) {
        self.dct.push(dct);
        self.gradient.push(gradient);
        self.found += usize::from(found);
    }
}

fn table(rows: &mut BTreeMap<(String, &str), Row>) {
    println!("| {:28} | {:7} | DCT median (max) | gradient median (max) | a copy |", "what became of it", "kind");
    for ((what, kind), row) in rows {
        row.dct.sort_unstable();
        row.gradient.sort_unstable();
        let middle = row.dct.len() / 2;
        let words = |of: &[u32]| format!("{} ({})", of[middle], of[of.len() - 1]);
        let found = format!("{} of {}", row.found, row.dct.len());
        println!("| {what:28} | {kind:7} | {:16} | {:21} | {found:6} |", words(&row.dct), words(&row.gradient));
    }
}

#[test]
fn crops_shifts_mirror_images_and_recompressed_pictures_are_copies_and_other_poses_are_not() {
    let mut bases: Vec<(&str, RgbImage, Print)> = Vec::new();
    for n in 0..EACH {
        let who = Character::of(n);
        for (kind, picture) in [
            ("photo", photo(n)),
            ("sheet", sheet(&who, STANDS)),
            ("bust", bust(&who, STANDS)),
            ("placed", placed(&who, STANDS, n)),
        ] {
            let made = print(&picture);
            bases.push((kind, picture, made));
        }
    }
    let mut rows: BTreeMap<(String, &str), Row> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (kind, picture, made) in &bases {
        for (name, change, kinds) in COPIES {
            let compared = compare(made, &print(&change(picture)));
            if !compared.2 && kinds.contains(kind) {
                wrong.push(format!("{name} of a {kind} is no copy: {compared:?}"));
            }
            rows.entry((name.to_owned(), kind)).or_default().add(compared);
        }
        for (name, change) in EITHER {
            rows.entry((name.to_owned(), kind)).or_default().add(compare(made, &print(&change(picture))));
        }
    }
    for n in 0..EACH {
        let (who, other) = (Character::of(n), Character::of(n + 50));
        let mut others: Vec<(String, &str, RgbImage)> = Vec::new();
        for (name, pose) in poses() {
            others.push((format!("other: {name}"), "sheet", sheet(&who, pose)));
            if name != "stride" {
                others.push((format!("other: {name}"), "bust", bust(&who, pose)));
            }
            others.push((format!("other: {name}"), "placed", placed(&who, pose, n)));
        }
        others.push(("other: character".into(), "sheet", sheet(&other, STANDS)));
        others.push(("other: character".into(), "bust", bust(&other, STANDS)));
        others.push(("other: character".into(), "placed", placed(&other, STANDS, n)));
        others.push(("other: place".into(), "placed", placed(&who, STANDS, n + 20)));
        others.push(("other: picture".into(), "photo", photo(n + 20)));
        for (name, kind, picture) in others {
            let at = ALL.iter().position(|one| *one == kind).unwrap() + ALL.len() * n as usize;
            let compared = compare(&bases[at].2, &print(&picture));
            if compared.2 {
                wrong.push(format!("{name} of a {kind} is taken for a copy: {compared:?}"));
            }
            rows.entry((name, kind)).or_default().add(compared);
        }
    }
    table(&mut rows);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_copy_is_found_by_either_side_and_told_how_it_is_alike() {
    let picture = bust(&Character::of(2), STANDS);
    let (whole, cut) = (print(&picture), print(&cropped(&picture, [0.08; 4])));
    let mirrored = print(&flip_horizontal(&picture));
    let mut index = Index::default();
    for (n, print) in [&whole, &cut].into_iter().enumerate() {
        index.remove(id(9));
        index.insert(id(9), print);
        let other = [&cut, &whole][n];
        assert_eq!(
            index.nearest(other, Thresholds::default()).map(|copy| (copy.id, copy.alike)),
            Some((id(9), Alike::Cut))
        );
    }
    index.insert(id(9), &whole);
    let alike = |print: &Print| index.nearest(print, Thresholds::default()).map(|copy| copy.alike);
    assert_eq!(alike(&mirrored), Some(Alike::Mirrored));
    assert_eq!(alike(&whole), Some(Alike::Pixels));
    assert_eq!(index.nearest_without(&whole, Thresholds::default(), id(9)), None, "nothing is a copy of itself");
    index.remove(id(9));
    assert!(index.is_empty());
    assert_eq!(index.nearest(&whole, Thresholds::default()), None);
}

#[test]
fn flat_and_unreadable_pictures_are_copies_of_the_same_pixels_only() {
    let flat = |value: u8| print(&RgbImage::from_pixel(512, 512, image::Rgb([value; 3])));
    let mut index = Index::default();
    index.insert(id(1), &flat(10));
    index.insert(id(2), &unreadable(ContentHash::of(b"a file")));
    assert_eq!(index.nearest(&flat(200), Thresholds::default()), None);
    assert_eq!(index.nearest(&flat(10), Thresholds::default()).map(|copy| copy.id), Some(id(1)));
    assert_eq!(index.len(), 2);
}

#[test]
fn a_preview_groups_what_is_alike_through_a_third_as_well() {
    let mut index = Index::default();
    let one = bust(&Character::of(1), STANDS);
    index.insert(id(5), &print(&one));
    index.insert(id(3), &print(&cropped(&one, [0.04; 4])));
    index.insert(id(4), &print(&jpeg(&flip_horizontal(&one), 60)));
    index.insert(id(1), &print(&bust(&Character::of(7), STANDS)));
    assert_eq!(index.preview(Thresholds::default()), [vec![id(3), id(4), id(5)]]);
}
