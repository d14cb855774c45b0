//! Homes: rooms people live in.

use super::super::{
    canvas::{Canvas, line, rect},
    dice::Dice,
    palette::{Colour, WHITE},
};
use super::Workspace;

impl Workspace<'_, '_> {
    pub(super) fn kitchen(&self, c: &mut Canvas, dice: &mut Dice) {
        let p = &self.s.palette;
        let (hole, at, size) = self.window(0.34, 230.0, (250.0, 250.0));
        self.shell(c, &hole);
        self.frame(c, at, size);
        let cabinet = p.lit(dice.pick(&["6f8f88", "b08d57", "8a9a6b", "7c86a0"].map(Colour::hex))).mix(p.ink, 0.2);
        let top = self.floor - 215.0;
        self.block(c, (self.x(-0.1), top), (self.x(0.62) - self.x(-0.1), 218.0), cabinet);
        c.rect((self.x(-0.1), top - 14.0), (self.x(0.63) - self.x(-0.1), 18.0), self.wood.mix(p.light, 0.2), 1.0);
        let mut seams = String::new();
        for door in 0..7 {
            let x = self.x(-0.02 + 0.1 * door as f32);
            seams.push_str(&rect((x + 8.0, top + 30.0), (self.x(0.1) - self.x(0.0) - 16.0, 165.0)));
        }
        c.stroke(&seams, p.ink, 3.5, 0.45);
        self.block(c, (self.x(0.7), self.floor - 500.0), (170.0, 503.0), p.lit(Colour::hex("c9cdc8")).mix(p.ink, 0.25));
        c.stroke(
            &format!(
                "{}{}",
                line(&[(self.x(0.7), self.floor - 330.0), (self.x(0.7) + 170.0, self.floor - 330.0)]),
                line(&[(self.x(0.7) + 22.0, self.floor - 300.0), (self.x(0.7) + 22.0, self.floor - 220.0)])
            ),
            p.ink,
            5.0,
            0.6,
        );
        for (index, share) in [0.48, 0.53, 0.57].into_iter().enumerate() {
            let x = self.x(share);
            let tone = p.lit([Colour::hex("b5523b"), Colour::hex("c9a24a"), Colour::hex("5d7f8c")][index]);
            c.rect((x, top - 62.0 - 10.0 * index as f32), (34.0, 48.0 + 10.0 * index as f32), tone, 1.0);
        }
        let board = (self.x(0.5), 330.0);
        c.rect(board, (200.0, 11.0), self.wood, 1.0);
        for cup in 0..5 {
            c.rect((board.0 + 14.0 + 36.0 * cup as f32, board.1 - 34.0), (24.0, 34.0), self.wall.mix(WHITE, 0.3), 0.9);
        }
        self.pendant(c, self.x(0.56), 250.0);
    }

    pub(super) fn bedroom(&self, c: &mut Canvas, dice: &mut Dice) {
        let p = &self.s.palette;
        let (hole, at, size) = self.window(0.28, 190.0, (250.0, 330.0));
        self.shell(c, &hole);
        self.frame(c, at, size);
        self.curtains(c, at, size, dice.pick(&["7b3f4a", "3f5b7b", "6b6a3d"].map(Colour::hex)));
        let y = self.floor + 50.0;
        self.block(c, (self.x(0.84), y - 330.0), (60.0, 340.0), self.wood);
        let sheet = p.lit(Colour::hex("d9d3c7")).mix(p.ink, 0.15);
        let cover = p.lit(dice.pick(&["465f80", "8c4b4b", "5d7a62"].map(Colour::hex)));
        c.rect((self.x(0.52), y - 110.0), (self.x(0.86) - self.x(0.52), 120.0), self.wood.mix(p.ink, 0.3), 1.0);
        c.fill(
            &format!(
                "M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}V{:.1}H{:.1}z",
                self.x(0.52),
                y - 130.0,
                self.x(0.66),
                y - 200.0,
                self.x(0.76),
                y - 168.0,
                y - 30.0,
                self.x(0.52)
            ),
            cover,
            1.0,
        );
        c.ellipse((self.x(0.8), y - 182.0), (64.0, 36.0), sheet, 1.0);
        self.block(c, (self.x(0.42), y - 130.0), (80.0, 135.0), self.wood);
        self.standing_lamp(c, self.x(0.42) + 40.0, y - 130.0, 70.0);
        self.picture(c, (self.x(0.6), 210.0), (180.0, 130.0));
    }

    pub(super) fn living(&self, c: &mut Canvas, dice: &mut Dice) {
        let p = &self.s.palette;
        let (hole, at, size) = self.window(0.72, 180.0, (270.0, 340.0));
        self.shell(c, &hole);
        self.frame(c, at, size);
        self.curtains(c, at, size, dice.pick(&["8a5a3c", "46646b", "6d4a63"].map(Colour::hex)));
        let y = self.floor + 40.0;
        let cloth = p.lit(dice.pick(&["5a7470", "8a5548", "5b6488", "80733f"].map(Colour::hex))).mix(p.ink, 0.2);
        let sofa = (self.x(0.14), self.x(0.5));
        c.fill(
            &format!(
                "M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}H{:.1}Q{:.1} {:.1} {:.1} {:.1}V{y:.1}H{:.1}z",
                sofa.0,
                y - 150.0,
                sofa.0,
                y - 240.0,
                sofa.0 + 70.0,
                y - 240.0,
                sofa.1 - 70.0,
                sofa.1,
                y - 240.0,
                sofa.1,
                y - 150.0,
                sofa.0
            ),
            cloth,
            1.0,
        );
        c.stroke(&line(&[(sofa.0 + 70.0, y - 240.0), (sofa.1 - 70.0, y - 240.0)]), p.light, 4.0, 0.5 * p.rim);
        c.rect((sofa.0 + 30.0, y - 118.0), (sofa.1 - sofa.0 - 60.0, 60.0), cloth.mix(p.light, 0.13), 1.0);
        for side in [sofa.0 - 22.0, sofa.1 - 36.0] {
            c.fill(&rect((side, y - 165.0), (58.0, 168.0)), cloth.mix(p.ink, 0.22), 1.0);
        }
        self.picture(c, (self.x(0.2), 200.0), (150.0, 190.0));
        self.picture(c, (self.x(0.36), 240.0), (120.0, 120.0));
        self.standing_lamp(c, self.x(0.055), y, 400.0);
        c.ellipse((self.x(0.5), self.floor + 190.0), (420.0, 44.0), cloth.mix(self.wood, 0.5), 0.65);
    }
}
