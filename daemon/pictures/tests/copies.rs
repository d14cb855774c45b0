//! What counts as a copy of a picture and what does not, on made families of pictures, with a table of the distances.

#[path = "families/mod.rs"]
mod families;

use std::collections::BTreeMap;

use families::{
    Character, Pose, STANDS, brighter, bust, cropped, jpeg, photo, placed, resized, sheet, shifted, stamped,
};
use image::{RgbImage, imageops::flip_horizontal};
use studio_core::{
    dataset::{Alike, Part, Print},
    ids::{ContentHash, PictureId},
};
use studio_pictures::{
    Index, Thresholds,
    detail::Detail,
    print::{print, unreadable},
};
use uuid::Uuid;

/// Pictures of each kind.
const EACH: u64 = 3;

fn id(n: u128) -> PictureId {
    PictureId(Uuid::from_u128(n))
}

type Change = fn(&RgbImage) -> RgbImage;

/// What may become of a picture, and is still found.
const COPIES: [(&str, Change); 23] = [
    ("the same", RgbImage::clone),
    ("JPEG, quality 60", |of| jpeg(of, 60)),
    ("JPEG, quality 30", |of| jpeg(of, 30)),
    ("half the size", |of| resized(of, 0.5)),
    ("half the size, JPEG", |of| jpeg(&resized(of, 0.5), 60)),
    ("1.3 times the size", |of| resized(of, 1.3)),
    ("mirrored", flip_horizontal),
    ("mirrored, JPEG", |of| jpeg(&flip_horizontal(of), 60)),
    ("crop 1 %", |of| cropped(of, [0.01; 4])),
    ("crop 3 %", |of| cropped(of, [0.03; 4])),
    ("crop 5 %", |of| cropped(of, [0.05; 4])),
    ("crop 8 %", |of| cropped(of, [0.08; 4])),
    ("crop 8 %, smaller, JPEG", |of| jpeg(&resized(&cropped(of, [0.08; 4]), 0.7), 60)),
    ("shift 0.5 %", |of| shifted(of, 0.005, 0.005)),
    ("shift 2 %", |of| shifted(of, 0.02, 0.02)),
    ("shift 2 % left and down", |of| shifted(of, -0.02, 0.02)),
    ("shift 2 %, mirrored", |of| flip_horizontal(&shifted(of, 0.02, 0.02))),
    ("shift 2 %, smaller, JPEG", |of| jpeg(&resized(&shifted(of, 0.02, -0.02), 0.5), 60)),
    ("crop 3 % left", |of| cropped(of, [0.03, 0.0, 0.0, 0.0])),
    ("crop 3 % top", |of| cropped(of, [0.0, 0.03, 0.0, 0.0])),
    ("crop 3 % right", |of| cropped(of, [0.0, 0.0, 0.03, 0.0])),
    ("crop 3 % bottom", |of| cropped(of, [0.0, 0.0, 0.0, 0.03])),
    ("crop 1, 3, 5, 2 %", |of| cropped(of, [0.01, 0.03, 0.05, 0.02])),
];
const ALL: &[&str] = &["photo", "sheet", "bust", "placed"];
/// What is printed, and may be found or not.
const EITHER: [(&str, Change); 4] = [
    ("20 % brighter", |of| brighter(of, 1.2)),
    ("text box in a corner", stamped),
    ("crop 8 % left", |of| cropped(of, [0.08, 0.0, 0.0, 0.0])),
    ("shift 3 %", |of| shifted(of, 0.03, 0.03)),
];
/// What becomes of a picture with another pose: that it is moved as well makes it no copy.
const MOVED: [(&str, Change); 4] = [
    ("", RgbImage::clone),
    (", shift 0.5 %", |of| shifted(of, 0.005, 0.005)),
    (", shift 2 %", |of| shifted(of, 0.02, 0.02)),
    (", crop 3 %", |of| cropped(of, [0.03; 4])),
];

fn poses() -> [(&'static str, Pose); 10] {
    [
        ("mouth open", Pose { mouth: 14.0, ..STANDS }),
        ("frown", Pose { mouth: -10.0, ..STANDS }),
        ("eyes closed", Pose { eyes: 1.0, ..STANDS }),
        ("eyes and mouth", Pose { mouth: 18.0, eyes: 16.0, ..STANDS }),
        ("head turned", Pose { turn: 20.0, ..STANDS }),
        ("head turned little", Pose { turn: 8.0, ..STANDS }),
        ("arm at 25 degrees", Pose { arms: (15.0, 25.0), ..STANDS }),
        ("arm at 60 degrees", Pose { arms: (15.0, 60.0), ..STANDS }),
        ("arms up", Pose { arms: (150.0, 150.0), ..STANDS }),
        ("stride", Pose { stride: 140.0, ..STANDS }),
    ]
}

/// A picture with all that it is compared by.
struct Seen {
    print: Print,
    detail: Detail,
}

impl Seen {
    fn of(picture: &RgbImage) -> Self {
        Self { print: print(picture), detail: Detail::of(picture) }
    }
}

/// Distances of the closest pair of views, and whether the rule finds a copy: by the prints, and by the pictures themselves.
fn compare(a: &Seen, b: &Seen) -> (u32, u32, bool) {
    let (first, second) = (a, b);
    let (a, b) = (&a.print, &b.print);
    let bits =
        |a: &ContentHash, b: &ContentHash| -> u32 { a.0.iter().zip(b.0).map(|(a, b)| (a ^ b).count_ones()).sum() };
    let met = |a: Part, b: Part| a == Part::Subject || b == Part::Subject;
    let pairs = a.views.iter().flat_map(|a| b.views.iter().map(move |b| (a, b)));
    let pairs = pairs.filter(|(a, b)| a.part != Part::Mirrored && met(a.part, b.part));
    let closest = pairs.map(|(a, b)| (bits(&a.dct, &b.dct), bits(&a.gradient, &b.gradient))).min_by_key(|(a, b)| a + b);
    let mut index = Index::default();
    index.insert(id(1), a);
    let (dct, gradient) = closest.unwrap_or_default();
    let copies = index.copies(b, Thresholds::default(), None, 4);
    (dct, gradient, copies.iter().any(|copy| first.detail.is_same(&second.detail, copy)))
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
    println!("| {:32} | {:6} | DCT median (max) | gradient median (max) | a copy |", "what became of it", "kind");
    for ((what, kind), row) in rows {
        row.dct.sort_unstable();
        row.gradient.sort_unstable();
        let middle = row.dct.len() / 2;
        let words = |of: &[u32]| format!("{} ({})", of[middle], of[of.len() - 1]);
        let found = format!("{} of {}", row.found, row.dct.len());
        println!("| {what:32} | {kind:6} | {:16} | {:21} | {found:6} |", words(&row.dct), words(&row.gradient));
    }
}

#[test]
fn crops_shifts_mirror_images_and_recompressed_pictures_are_copies_and_other_poses_are_not() {
    let mut bases: Vec<(&str, RgbImage, Seen)> = Vec::new();
    for n in 0..EACH {
        let who = Character::of(n);
        for (kind, picture) in [
            ("photo", photo(n)),
            ("sheet", sheet(&who, STANDS)),
            ("bust", bust(&who, STANDS)),
            ("placed", placed(&who, STANDS, n)),
        ] {
            let made = Seen::of(&picture);
            bases.push((kind, picture, made));
        }
    }
    let mut rows: BTreeMap<(String, &str), Row> = BTreeMap::new();
    let (mut wrong, mut missed, mut copies) = (Vec::new(), Vec::new(), 0);
    for (kind, picture, made) in &bases {
        for (name, change) in COPIES {
            let compared = compare(made, &Seen::of(&change(picture)));
            if !compared.2 {
                missed.push(format!("{name} of a {kind} is no copy: {compared:?}"));
            }
            copies += 1;
            rows.entry((name.to_owned(), kind)).or_default().add(compared);
        }
        for (name, change) in EITHER {
            rows.entry((name.to_owned(), kind)).or_default().add(compare(made, &Seen::of(&change(picture))));
        }
    }
    for n in 0..EACH {
        let (who, other) = (Character::of(n), Character::of(n + 50));
        let mut others: Vec<(String, &str, RgbImage)> = Vec::new();
        for (name, pose) in poses() {
            let mut drawn = vec![("sheet", sheet(&who, pose)), ("placed", placed(&who, pose, n))];
            if name != "stride" {
                drawn.push(("bust", bust(&who, pose)));
            }
            for (kind, picture) in drawn {
                let moved = MOVED.map(|(how, change)| (format!("other: {name}{how}"), kind, change(&picture)));
                others.extend(moved);
            }
        }
        others.push(("other: character".into(), "sheet", sheet(&other, STANDS)));
        others.push(("other: character".into(), "bust", bust(&other, STANDS)));
        others.push(("other: character".into(), "placed", placed(&other, STANDS, n)));
        others.push(("other: place".into(), "placed", placed(&who, STANDS, n + 20)));
        others.push(("other: picture".into(), "photo", photo(n + 20)));
        for (name, kind, picture) in others {
            let at = ALL.iter().position(|one| *one == kind).unwrap() + ALL.len() * n as usize;
            let compared = compare(&bases[at].2, &Seen::of(&picture));
            if compared.2 {
                wrong.push(format!("{name} of a {kind} is taken for a copy: {compared:?}"));
            }
            rows.entry((name, kind)).or_default().add(compared);
        }
    }
    table(&mut rows);
    // That nothing else is taken for a copy comes first: one in a hundred copies may be shown to somebody.
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(missed.len() * 100 <= copies, "{} of {copies}: {missed:#?}", missed.len());
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
    assert_eq!(index.copies(&whole, Thresholds::default(), Some(id(9)), 4), [], "nothing is a copy of itself");
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
fn a_preview_groups_what_shows_the_same_frame_through_a_third_as_well_and_asks_the_thresholds() {
    let mut index = Index::default();
    let one = bust(&Character::of(1), STANDS);
    index.insert(id(5), &print(&one));
    index.insert(id(3), &print(&jpeg(&resized(&one, 0.5), 40)));
    index.insert(id(4), &print(&jpeg(&flip_horizontal(&one), 60)));
    index.insert(id(1), &print(&bust(&Character::of(7), STANDS)));
    // Cut: thresholds say nothing of it.
    index.insert(id(2), &print(&cropped(&one, [0.04; 4])));
    index.insert(id(6), &print(&bust(&Character::of(1), Pose { eyes: 1.0, ..STANDS })));
    assert_eq!(index.preview(Thresholds::default()), [vec![id(3), id(4), id(5)]]);
    let (dct, gradient) = index.in_place(id(3), id(5)).unwrap();
    assert!(dct > 0 && dct <= 40 && gradient <= 24, "{dct} {gradient}");
    assert_eq!(index.in_place(id(2), id(5)), None, "a cut");
    let strict = Thresholds { dct: 0, gradient: 0 };
    assert_eq!(index.preview(strict), [] as [Vec<PictureId>; 0], "none is quite the same");
    index.insert(id(8), &print(&one));
    assert_eq!(index.preview(strict), [vec![id(5), id(8)]], "but the same pixels always are");
}

#[test]
fn a_print_of_before_is_compared_by_what_it_shows() {
    let picture = bust(&Character::of(3), STANDS);
    let older = Print { make: 0, pixels: ContentHash::of(b"other bytes"), ..print(&picture) };
    let mut index = Index::default();
    index.insert(id(1), &older);
    let found = index.nearest(&print(&picture), Thresholds::default()).map(|copy| (copy.id, copy.alike));
    assert_eq!(found, Some((id(1), Alike::Subject)));
}
