#![allow(warnings)]
mod families;
use families::*;
use image::RgbImage;
use std::collections::BTreeMap;
use studio_core::dataset::*;
use studio_pictures::{index::*, print::print};

fn d(a: &studio_core::ids::ContentHash, b: &studio_core::ids::ContentHash) -> u32 {
    a.0.iter().zip(b.0).map(|(x, y)| (x ^ y).count_ones()).sum()
}
// best pair by sum: (dct, grad, unlike, how)
fn best(a: &Print, b: &Print) -> (u32, u32, f32, u8) {
    let mut out = (999, 999, 99.0, 0);
    for x in &a.views {
        for y in &b.views {
            let how = match (x.part, y.part) {
                (Part::Subject, Part::Subject) => 0,
                (Part::Subject, Part::Mirrored) => 1,
                (Part::Subject, Part::Inner) | (Part::Inner, Part::Subject) => 2,
                _ => continue,
            };
            let (dd, g) = (d(&x.dct, &y.dct), d(&x.gradient, &y.gradient));
            if dd + g < out.0 + out.1 {
                out =
                    (dd, g, studio_pictures::register::unlikeness(&a.small, &b.small, [x.area, y.area], how == 1), how);
            }
        }
    }
    out
}
#[test]
fn experiment() {
    let mut bases: Vec<(&str, u64, RgbImage)> = vec![];
    for s in 0..6 {
        bases.push(("photo", s, photo(s)));
    }
    for s in 0..6 {
        bases.push(("sheet", s, sheet(&Character::of(s), STANDS)));
    }
    for s in 0..6 {
        bases.push(("bust", s, bust(&Character::of(s), STANDS)));
    }
    for s in 0..6 {
        bases.push(("placed", s, placed(&Character::of(s), STANDS, s)));
    }
    let mut rows: BTreeMap<(String, &str), Vec<(u32, u32, f32, u8)>> = BTreeMap::new();
    let t: Vec<(&str, Box<dyn Fn(&RgbImage) -> RgbImage>)> = vec![
        ("jpeg q60", Box::new(|p| jpeg(p, 60))),
        ("jpeg q30", Box::new(|p| jpeg(p, 30))),
        ("bright 1.2", Box::new(|p| brighter(p, 1.2))),
        ("resize .5", Box::new(|p| resized(p, 0.5))),
        ("resize .5 q60", Box::new(|p| jpeg(&resized(p, 0.5), 60))),
        ("resize 1.3", Box::new(|p| resized(p, 1.3))),
        ("crop 1", Box::new(|p| cropped(p, [0.01; 4]))),
        ("crop 3", Box::new(|p| cropped(p, [0.03; 4]))),
        ("crop 5", Box::new(|p| cropped(p, [0.05; 4]))),
        ("crop 8", Box::new(|p| cropped(p, [0.08; 4]))),
        ("crop 8 q60 .7", Box::new(|p| jpeg(&resized(&cropped(p, [0.08; 4]), 0.7), 60))),
        ("crop odd", Box::new(|p| cropped(p, [0.01, 0.03, 0.05, 0.02]))),
        ("shift .5", Box::new(|p| shifted(p, 0.005, 0.005))),
        ("shift 1", Box::new(|p| shifted(p, 0.01, -0.01))),
        ("shift 2", Box::new(|p| shifted(p, 0.02, 0.02))),
        ("stamp", Box::new(|p| stamped(p))),
        ("mirror", Box::new(|p| image::imageops::flip_horizontal(p))),
        ("mirror q60", Box::new(|p| jpeg(&image::imageops::flip_horizontal(p), 60))),
    ];
    let t0 = std::time::Instant::now();
    let mut prints = vec![];
    for (_, _, b) in &bases {
        prints.push(print(b));
    }
    println!("print {:?} each", t0.elapsed() / bases.len() as u32);
    for ((kind, _, b), v) in bases.iter().zip(&prints) {
        for (name, f) in &t {
            rows.entry((name.to_string(), kind)).or_default().push(best(v, &print(&f(b))));
        }
    }
    for s in 0..6u64 {
        let c = Character::of(s);
        let poses = [
            ("expr mouth", Pose { mouth: 14.0, ..STANDS }),
            ("expr frown", Pose { mouth: -10.0, ..STANDS }),
            ("expr eyes", Pose { eyes: 1.0, ..STANDS }),
            ("expr both", Pose { mouth: 18.0, eyes: 16.0, ..STANDS }),
            ("head turn", Pose { turn: 20.0, ..STANDS }),
            ("one arm 45", Pose { arms: (15.0, 60.0), ..STANDS }),
            ("arms up", Pose { arms: (150.0, 150.0), ..STANDS }),
            ("arm 25", Pose { arms: (15.0, 25.0), ..STANDS }),
            ("legs", Pose { stride: 140.0, ..STANDS }),
        ];
        let i = s as usize;
        for (n, p) in poses {
            rows.entry((format!("x {n}"), "sheet")).or_default().push(best(&prints[6 + i], &print(&sheet(&c, p))));
            rows.entry((format!("x {n}"), "bust")).or_default().push(best(&prints[12 + i], &print(&bust(&c, p))));
            rows.entry((format!("x {n}"), "placed"))
                .or_default()
                .push(best(&prints[18 + i], &print(&placed(&c, p, s))));
        }
        let o = Character::of(s + 50);
        rows.entry((format!("x other char"), "sheet"))
            .or_default()
            .push(best(&prints[6 + i], &print(&sheet(&o, STANDS))));
        rows.entry((format!("x other char"), "bust"))
            .or_default()
            .push(best(&prints[12 + i], &print(&bust(&o, STANDS))));
        rows.entry((format!("x other char"), "placed"))
            .or_default()
            .push(best(&prints[18 + i], &print(&placed(&o, STANDS, s))));
        rows.entry((format!("x other place"), "placed"))
            .or_default()
            .push(best(&prints[18 + i], &print(&placed(&c, STANDS, s + 10))));
    }
    for ((n, k), v) in rows {
        let mut d: Vec<u32> = v.iter().map(|x| x.0).collect();
        d.sort();
        let mut g: Vec<u32> = v.iter().map(|x| x.1).collect();
        g.sort();
        let mut u: Vec<f32> = v.iter().map(|x| x.2).collect();
        u.sort_by(f32::total_cmp);
        println!(
            "{n:14} {k:7} dct {:3} {:3} {:3} | grad {:3} {:3} {:3} | unlike {:5.2} {:5.2} {:5.2} | how {:?}",
            d[0],
            d[d.len() / 2],
            d[d.len() - 1],
            g[0],
            g[g.len() / 2],
            g[g.len() - 1],
            u[0],
            u[u.len() / 2],
            u[u.len() - 1],
            v.iter().map(|x| x.3).collect::<Vec<_>>()
        );
    }
    for (i, k) in [(1usize, "p"), (7, "s"), (13, "b"), (19, "pl")] {
        bases[i].2.save(format!("/work/tmp/h4-{k}.png")).unwrap();
    }
}
