//! Halls: rooms people pass through, and rooms that travel.

use super::super::{
    canvas::{Canvas, Point, ellipse, line, polygon, rect},
    dice::Dice,
    palette::{Colour, WHITE},
};
use super::Workspace;

impl Workspace<'_, '_> {
    pub(super) fn nave(&self, c: &mut Canvas) {
        let p = &self.s.palette;
        let arch = |x: f32, y: f32, w: f32, h: f32| {
            format!(
                "M{:.1} {y:.1}V{:.1}Q{:.1} {:.1} {x:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}V{y:.1}z",
                x - w,
                y - h * 0.55,
                x - w,
                y - h * 0.85,
                y - h,
                x + w,
                y - h * 0.85,
                x + w,
                y - h * 0.55
            )
        };
        let holes: String = [0.2, 0.5, 0.8].iter().map(|share| arch(self.x(*share), 520.0, 66.0, 420.0)).collect();
        self.shell(c, &holes);
        let glass = ["b8433f", "3f6fb0", "d9a53c", "4a9a6a"].map(Colour::hex);
        for (index, share) in [0.2, 0.5, 0.8].into_iter().enumerate() {
            let x = self.x(share);
            for piece in 0..8 {
                let corner = (x - 60.0 + 60.0 * (piece % 2) as f32, 150.0 + 92.0 * (piece / 2) as f32);
                c.rect(corner, (57.0, 88.0), glass[(piece + index) % 4], 0.5);
            }
            c.stroke(&arch(x, 520.0, 66.0, 420.0), self.wall.mix(p.ink, 0.6), 15.0, 1.0);
            let ray = c.linear(
                (x, 200.0),
                (x - self.s.side * 260.0, self.floor + 120.0),
                &[(0.0, p.light, 0.36), (1.0, p.light, 0.0)],
            );
            c.fill(
                &polygon(&[
                    (x - 60.0, 150.0),
                    (x + 60.0, 150.0),
                    (x + 90.0 - self.s.side * 290.0, self.floor + 160.0),
                    (x - 110.0 - self.s.side * 290.0, self.floor + 160.0),
                ]),
                ray,
                1.0,
            );
        }
        for share in [0.02, 0.35, 0.65, 0.98] {
            self.block(c, (self.x(share) - 40.0, -600.0), (80.0, self.floor + 610.0), self.wall.mix(p.ink, 0.15));
        }
        for row in 0..3 {
            let y = self.floor + 10.0 + 52.0 * row as f32;
            for side in [-0.55, 0.6] {
                self.block(
                    c,
                    (self.x(side), y - 92.0),
                    (self.x(0.95) - self.x(0.0), 74.0),
                    self.wood.mix(p.ink, 0.15 * row as f32),
                );
            }
        }
    }

    pub(super) fn carriage(&self, c: &mut Canvas) {
        let p = &self.s.palette;
        let panes: Vec<(Point, Point)> = [-0.22, 0.12, 0.46, 0.8]
            .iter()
            .map(|share| ((self.x(*share), 230.0), (self.x(0.29) - self.x(0.0), 270.0)))
            .collect();
        self.shell(c, &panes.iter().map(|(at, size)| rect(*at, *size)).collect::<String>());
        for (at, size) in panes {
            c.stroke(&rect(at, size), self.wall.mix(p.ink, 0.55), 16.0, 1.0);
            let shine = c.linear(
                at,
                (at.0 + size.0, at.1 + size.1),
                &[(0.0, WHITE, 0.2), (0.35, WHITE, 0.02), (0.5, WHITE, 0.12), (0.56, WHITE, 0.0)],
            );
            c.rect(at, size, shine, 1.0);
        }
        c.rect((self.from(), 150.0), (self.span(), 16.0), self.wall.mix(p.ink, 0.5), 1.0);
        c.rect((self.from(), 60.0), (self.span(), 12.0), WHITE.mix(p.lamp, 0.4), if p.lamps_on { 0.95 } else { 0.4 });
        let cloth = p.lit(Colour::hex("35597a")).mix(p.ink, 0.15);
        for share in [-0.12, 0.27, 0.62, 1.0] {
            let x = self.x(share);
            let y = self.floor + 20.0;
            c.fill(
                &format!(
                    "M{:.1} {y:.1}V{:.1}Q{:.1} {:.1} {x:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}V{y:.1}z",
                    x - 95.0,
                    y - 270.0,
                    x - 95.0,
                    y - 340.0,
                    y - 340.0,
                    x + 95.0,
                    y - 340.0,
                    x + 95.0,
                    y - 270.0
                ),
                cloth,
                1.0,
            );
            c.rect((x - 42.0, y - 338.0), (84.0, 54.0), WHITE.mix(cloth, 0.4), 0.9);
        }
    }

    pub(super) fn lantern(&self, c: &mut Canvas) {
        let p = &self.s.palette;
        let panes: Vec<(Point, Point)> = (-1..6)
            .map(|i| ((self.x(-0.02 + 0.21 * i as f32), 90.0), (self.x(0.19) - self.x(0.0), self.floor - 300.0)))
            .collect();
        self.shell(c, &panes.iter().map(|(at, size)| rect(*at, *size)).collect::<String>());
        let mut lattice = String::new();
        for (at, size) in &panes {
            lattice.push_str(&rect(*at, *size));
            lattice.push_str(&line(&[*at, (at.0 + size.0, at.1 + size.1)]));
            lattice.push_str(&line(&[(at.0 + size.0, at.1), (at.0, at.1 + size.1)]));
        }
        c.stroke(&lattice, self.wall.mix(p.ink, 0.7), 9.0, 1.0);
        c.rect((self.from(), self.floor - 205.0), (self.span(), 14.0), self.wall.mix(p.light, 0.3), 0.9);
        // The lens: rings of glass round the lamp.
        let (x, y) = (self.x(0.5), self.floor - 330.0);
        self.block(c, (x - 75.0, y + 170.0), (150.0, self.floor + 20.0 - y - 170.0), p.lit(Colour::hex("6b5a45")));
        if p.lamps_on {
            c.glow((x, y), 640.0, p.lamp, 0.8);
        }
        let glass = c.radial(
            (x, y),
            180.0,
            &[(0.0, WHITE, 0.95), (0.35, p.lamp, if p.lamps_on { 0.85 } else { 0.25 }), (1.0, p.sky[1], 0.4)],
        );
        c.ellipse((x, y), (120.0, 172.0), glass, 1.0);
        let mut rings = String::new();
        for ring in 1..=6 {
            let size = ring as f32 / 6.0;
            rings.push_str(&ellipse((x, y), (120.0 * size, 172.0 * size)));
        }
        c.stroke(&rings, p.light, 3.0, 0.65);
        c.stroke(&ellipse((x, y), (122.0, 175.0)), p.lit(Colour::hex("b08a45")), 11.0, 1.0);
        for post in [-1.0, 1.0] {
            c.stroke(
                &line(&[(x + post * 122.0, y - 190.0), (x + post * 122.0, y + 190.0)]),
                p.lit(Colour::hex("8a6a35")),
                10.0,
                1.0,
            );
        }
    }

    pub(super) fn cabin(&self, c: &mut Canvas) {
        let p = &self.s.palette;
        let ports = [0.2, 0.5, 0.8].map(|share| (self.x(share), 330.0));
        self.shell(c, &ports.iter().map(|at| ellipse(*at, (82.0, 82.0))).collect::<String>());
        let mut planks = String::new();
        for row in 0..11 {
            let y = self.floor - 70.0 * row as f32;
            planks.push_str(&line(&[(self.from(), y), (self.from() + self.span(), y)]));
        }
        for at in ports {
            c.stroke(&ellipse(at, (84.0, 84.0)), p.lit(Colour::hex("b98f45")), 20.0, 1.0);
            c.stroke(&ellipse((at.0 + self.s.side * 4.0, at.1 - 5.0), (87.0, 87.0)), p.light, 3.0, 0.5);
        }
        c.stroke(&planks, p.ink, 3.0, 0.28);
        let y = self.floor + 30.0;
        self.block(c, (self.x(0.05), y - 150.0), (380.0, 155.0), self.wood);
        c.rect((self.x(0.05), y - 172.0), (380.0, 26.0), p.lit(Colour::hex("4a6a78")), 1.0);
        self.block(c, (self.x(0.62), y - 190.0), (330.0, 24.0), self.wood);
        c.rect((self.x(0.66), y - 204.0), (170.0, 12.0), WHITE.mix(self.wood, 0.3), 1.0);
        self.pendant(c, self.x(0.65), 190.0);
    }

    pub(super) fn corridor(&self, c: &mut Canvas) {
        let p = &self.s.palette;
        self.shell(c, &rect((self.x(0.5) - 46.0, self.floor - 215.0), (92.0, 130.0)));
        let (x, end) = (self.x(0.5), self.floor - 300.0);
        let base = self.floor - 60.0;
        for side in [-1.0, 1.0] {
            let wall = [
                (x + side * 135.0, end),
                (x + side * 1500.0, -1600.0),
                (x + side * 1500.0, 2300.0),
                (x + side * 135.0, base),
            ];
            let tone = if side * self.s.side > 0.0 { self.wall.mix(p.ink, 0.4) } else { self.wall.mix(p.light, 0.06) };
            let paint = c.linear(
                (x + side * 135.0, 0.0),
                (x + side * 900.0, 0.0),
                &[(0.0, tone.mix(p.ink, 0.35), 1.0), (1.0, tone, 1.0)],
            );
            c.fill(&polygon(&wall), paint, 1.0);
            for door in [200.0, 360.0, 640.0] {
                let at = |far: f32, up: f32| {
                    let grow = far / 135.0;
                    let mid = end.midpoint(base) + 20.0;
                    (x + side * far, mid + (base - mid) * grow - up * (base - end) * grow)
                };
                let leaf = [at(door, 0.0), at(door, 0.78), at(door * 1.28, 0.78), at(door * 1.28, 0.0)];
                c.fill(&polygon(&leaf), self.wood.mix(p.ink, 0.3), 1.0);
                c.stroke(&polygon(&leaf), p.ink, 4.0, 0.6);
            }
        }
        c.fill(
            &polygon(&[(x - 135.0, base), (x + 135.0, base), (x + 1500.0, 2300.0), (x - 1500.0, 2300.0)]),
            self.wood.mix(p.ink, 0.45),
            1.0,
        );
        c.fill(
            &polygon(&[(x - 50.0, base), (x + 50.0, base), (x + 560.0, 2300.0), (x - 560.0, 2300.0)]),
            p.lit(Colour::hex("7d2f36")).mix(p.ink, 0.2),
            0.8,
        );
        c.fill(
            &polygon(&[(x - 135.0, end), (x + 135.0, end), (x + 1500.0, -1600.0), (x - 1500.0, -1600.0)]),
            self.wall.mix(p.ink, 0.6),
            1.0,
        );
        c.stroke(&rect((x - 46.0, self.floor - 215.0), (92.0, 130.0)), p.ink, 8.0, 1.0);
        for (y, wide) in [(end - 26.0, 34.0), (end - 110.0, 70.0), (end - 250.0, 130.0)] {
            c.ellipse((x, y), (wide, wide * 0.16), WHITE.mix(p.lamp, 0.4), 0.95);
            c.glow((x, y), wide * 3.2, p.lamp, 0.45);
        }
    }

    pub(super) fn cellar(&self, c: &mut Canvas, dice: &mut Dice) {
        let p = &self.s.palette;
        let hole = rect((self.x(0.3) - 75.0, 150.0), (150.0, 84.0));
        self.shell(c, &hole);
        let mut stones = String::new();
        for row in 0..12 {
            let y = self.floor - 24.0 - 58.0 * row as f32;
            let mut x = self.from() + 40.0 * (row % 2) as f32;
            while x < self.from() + self.span() {
                let wide = dice.between(70.0, 120.0);
                if dice.chance(0.55) && !((x - self.x(0.3)).abs() < 190.0 && y < 320.0) {
                    stones.push_str(&rect((x + 3.0, y - 52.0), (wide - 6.0, 48.0)));
                }
                x += wide;
            }
        }
        c.fill(&stones, p.ink, 0.16);
        let bars: String = (0..4)
            .map(|bar| {
                line(&[
                    (self.x(0.3) - 52.0 + 34.0 * bar as f32, 150.0),
                    (self.x(0.3) - 52.0 + 34.0 * bar as f32, 234.0),
                ])
            })
            .collect();
        c.stroke(&bars, p.ink, 7.0, 1.0);
        let ray = c.linear(
            (self.x(0.3), 190.0),
            (self.x(0.62), self.floor + 100.0),
            &[(0.0, p.sky[2].mix(p.light, 0.5), 0.45), (1.0, p.light, 0.0)],
        );
        c.fill(
            &polygon(&[
                (self.x(0.3) - 70.0, 156.0),
                (self.x(0.3) + 70.0, 156.0),
                (self.x(0.78), self.floor + 130.0),
                (self.x(0.48), self.floor + 130.0),
            ]),
            ray,
            1.0,
        );
        for barrel in [0.06, 0.16, 0.88] {
            let (x, y) = (self.x(barrel), self.floor + 30.0);
            self.block(c, (x - 62.0, y - 160.0), (124.0, 165.0), self.wood);
            c.stroke(
                &format!(
                    "{}{}",
                    line(&[(x - 62.0, y - 118.0), (x + 62.0, y - 118.0)]),
                    line(&[(x - 62.0, y - 42.0), (x + 62.0, y - 42.0)])
                ),
                p.ink,
                8.0,
                0.7,
            );
        }
        self.pendant(c, self.x(0.72), 210.0);
    }
}
