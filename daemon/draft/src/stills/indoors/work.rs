//! Work: rooms people work in.

use super::super::{
    canvas::{Canvas, Point, curve, line, polygon, rect},
    dice::Dice,
    palette::{Colour, WHITE},
};
use super::Workspace;

impl Workspace<'_, '_> {
    pub(super) fn office(&self, c: &mut Canvas, dice: &mut Dice) {
        let p = &self.s.palette;
        let (hole, at, size) = self.window(0.42, 170.0, (330.0, 300.0));
        self.shell(c, &hole);
        self.frame(c, at, size);
        let mut blinds = String::new();
        for slat in 0..9 {
            blinds.push_str(&rect((at.0, at.1 + slat as f32 * 16.0), (size.0, 9.0)));
        }
        c.fill(&blinds, self.wall.mix(p.ink, 0.3), 0.95);
        self.shelves(c, (self.x(0.68), 130.0), (290.0, self.floor - 130.0), dice);
        let y = self.floor + 30.0;
        self.block(c, (self.x(0.12), y - 185.0), (440.0, 26.0), self.wood);
        for leg in [0.0, 350.0] {
            c.rect((self.x(0.12) + 12.0 + leg, y - 160.0), (70.0, 165.0), self.wood.mix(p.ink, 0.4), 1.0);
        }
        let screen = (self.x(0.17), y - 330.0);
        c.glow((screen.0 + 80.0, screen.1 + 60.0), 260.0, Colour::hex("9fd4ff"), 0.3);
        c.rect(screen, (170.0, 112.0), p.ink, 1.0);
        c.rect((screen.0 + 7.0, screen.1 + 7.0), (156.0, 98.0), Colour::hex("9fd4ff").mix(p.mid, 0.3), 1.0);
        c.stroke(&line(&[(screen.0 + 85.0, screen.1 + 112.0), (screen.0 + 85.0, y - 185.0)]), p.ink, 12.0, 1.0);
        self.standing_lamp(c, self.x(0.12) + 380.0, y - 186.0, 100.0);
    }

    fn shelves(&self, c: &mut Canvas, (x, y): Point, (w, h): Point, dice: &mut Dice) {
        let p = &self.s.palette;
        c.rect((x, y), (w, h), self.wood.mix(p.ink, 0.55), 1.0);
        let tones = ["8c3f34", "3f5f6b", "b08a45", "586b45", "6b4a66", "c4b596"].map(Colour::hex);
        let rows = (h / 92.0) as u32;
        for row in 0..rows {
            let base = y + (row + 1) as f32 * h / rows as f32;
            let mut at = x + 10.0;
            while at < x + w - 26.0 {
                let wide = dice.between(11.0, 24.0);
                let tall = dice.between(46.0, 74.0);
                if !dice.chance(0.12) {
                    c.rect((at, base - 8.0 - tall), (wide, tall), p.lit(dice.pick(&tones)).mix(p.ink, 0.3), 1.0);
                }
                at += wide + 2.0;
            }
            c.rect((x, base - 8.0), (w, 9.0), self.wood.mix(p.light, 0.14), 1.0);
        }
    }

    pub(super) fn laboratory(&self, c: &mut Canvas) {
        let p = &self.s.palette;
        let (hole, at, size) = self.window(0.5, 150.0, (520.0, 210.0));
        self.shell(c, &hole);
        self.frame(c, at, size);
        let mut tiles = String::new();
        for row in 0..6 {
            tiles.push_str(&line(&[
                (self.from(), self.floor - 60.0 - 62.0 * row as f32),
                (self.from() + self.span(), self.floor - 60.0 - 62.0 * row as f32),
            ]));
        }
        c.stroke(&tiles, p.ink, 2.0, 0.22);
        let glass = Colour::hex("86e0d0");
        let top = self.floor - 170.0;
        self.block(
            c,
            (self.x(0.02), top),
            (self.x(0.46) - self.x(0.02), 175.0),
            p.lit(Colour::hex("aebcbf")).mix(p.ink, 0.25),
        );
        for (index, share) in [0.08, 0.16, 0.22, 0.34].into_iter().enumerate() {
            let x = self.x(share);
            let tone = [glass, Colour::hex("e08a6a"), Colour::hex("b7d86a"), glass][index];
            c.glow((x, top - 34.0), 90.0, tone, 0.35);
            c.fill(
                &polygon(&[
                    (x - 9.0, top - 92.0),
                    (x + 9.0, top - 92.0),
                    (x + 9.0, top - 60.0),
                    (x + 30.0, top),
                    (x - 30.0, top),
                    (x - 9.0, top - 60.0),
                ]),
                tone.mix(self.wall, 0.35),
                0.85,
            );
        }
        for column in 0..2 {
            let corner = (self.x(0.62 + 0.17 * column as f32), 400.0);
            c.glow((corner.0 + 85.0, corner.1 + 55.0), 220.0, glass, 0.3);
            c.rect(corner, (180.0, 116.0), p.ink, 1.0);
            let y = corner.1 + 60.0;
            c.stroke(
                &line(&[
                    (corner.0 + 10.0, y),
                    (corner.0 + 60.0, y),
                    (corner.0 + 76.0, y - 38.0),
                    (corner.0 + 92.0, y + 30.0),
                    (corner.0 + 108.0, y),
                    (corner.0 + 170.0, y),
                ]),
                glass,
                4.0,
                0.95,
            );
        }
        self.block(c, (self.x(0.6), self.floor - 110.0), (380.0, 40.0), WHITE.mix(self.wall, 0.3));
        for lamp in [0.25, 0.75] {
            c.rect((self.x(lamp) - 130.0, 30.0), (260.0, 16.0), WHITE, 0.95);
            c.glow((self.x(lamp), 40.0), 380.0, Colour::hex("dff4ff"), 0.35);
        }
    }

    pub(super) fn bridge(&self, c: &mut Canvas, dice: &mut Dice) {
        let p = &self.s.palette;
        let view = [(self.x(0.1), 160.0), (self.x(0.9), 160.0), (self.x(1.0), 470.0), (self.x(0.0), 470.0)];
        self.shell(c, &polygon(&view));
        c.stroke(&polygon(&view), p.ink, 20.0, 1.0);
        c.stroke(
            &format!(
                "{}{}",
                line(&[(self.x(0.37), 160.0), (self.x(0.33), 470.0)]),
                line(&[(self.x(0.63), 160.0), (self.x(0.67), 470.0)])
            ),
            p.ink,
            13.0,
            1.0,
        );
        let lights = ["5fe0d0", "ffb454", "ff6b5a", "8fb8ff"].map(Colour::hex);
        for desk in [-0.18, 0.1, 0.62, 0.9] {
            let corner = (self.x(desk), self.floor - 200.0);
            c.fill(
                &polygon(&[
                    (corner.0, corner.1 + 210.0),
                    (corner.0 + 18.0, corner.1),
                    (corner.0 + 280.0, corner.1),
                    (corner.0 + 300.0, corner.1 + 210.0),
                ]),
                self.wall.mix(p.ink, 0.5),
                1.0,
            );
            let tone = dice.pick(&lights);
            c.glow((corner.0 + 150.0, corner.1 - 40.0), 230.0, tone, 0.32);
            c.rect((corner.0 + 40.0, corner.1 - 92.0), (220.0, 92.0), p.ink, 1.0);
            let trace: Vec<Point> = (0..9)
                .map(|i| (corner.0 + 52.0 + 24.0 * i as f32, corner.1 - 46.0 + dice.between(-30.0, 30.0)))
                .collect();
            c.stroke(&curve(&trace), tone, 4.0, 0.95);
            for key in 0..10 {
                c.circle((corner.0 + 40.0 + 24.0 * key as f32, corner.1 + 34.0), 6.0, dice.pick(&lights), 0.9);
            }
        }
        for strip in [0.2, 0.5, 0.8] {
            c.rect((self.x(strip) - 90.0, 60.0), (180.0, 10.0), Colour::hex("cfeaff"), 0.9);
            c.glow((self.x(strip), 66.0), 300.0, Colour::hex("9fd4ff"), 0.3);
        }
    }

    pub(super) fn bar(&self, c: &mut Canvas, dice: &mut Dice) {
        let p = &self.s.palette;
        let (hole, at, size) = self.window(0.13, 220.0, (210.0, 300.0));
        self.shell(c, &hole);
        self.frame(c, at, size);
        let bottles = ["3f7a55", "a3672c", "8a2f33", "4a6f8c", "c9a24a"].map(Colour::hex);
        for row in 0..3 {
            let y = 260.0 + 120.0 * row as f32;
            c.rect((self.x(0.36), y), (self.x(0.86) - self.x(0.36), 12.0), self.wood, 1.0);
            let mut x = self.x(0.37);
            while x < self.x(0.85) {
                let tone = p.lit(dice.pick(&bottles));
                let tall = dice.between(54.0, 82.0);
                c.rect((x, y - tall * 0.68), (17.0, tall * 0.68), tone, 1.0);
                c.rect((x + 5.5, y - tall), (6.0, tall * 0.4), tone, 1.0);
                c.rect((x + 3.0, y - tall * 0.6), (3.0, tall * 0.5), p.light, 0.4);
                x += dice.between(21.0, 34.0);
            }
        }
        self.block(c, (self.x(0.3), self.floor - 190.0), (self.x(1.3) - self.x(0.3), 200.0), self.wood);
        c.rect(
            (self.x(0.29), self.floor - 206.0),
            (self.x(1.3) - self.x(0.29), 22.0),
            self.wood.mix(p.light, 0.35),
            1.0,
        );
        for stool in [0.38, 0.52, 0.66, 0.8] {
            let (x, y) = (self.x(stool), self.floor + 30.0);
            c.stroke(
                &format!(
                    "{}{}",
                    line(&[(x - 8.0, y - 130.0), (x - 26.0, y)]),
                    line(&[(x + 8.0, y - 130.0), (x + 26.0, y)])
                ),
                p.ink,
                6.0,
                1.0,
            );
            c.ellipse((x, y - 132.0), (38.0, 11.0), self.wood.mix(Colour::hex("8a2f33"), 0.5), 1.0);
        }
        for lamp in [0.42, 0.62, 0.82] {
            self.pendant(c, self.x(lamp), 160.0);
        }
    }
}
