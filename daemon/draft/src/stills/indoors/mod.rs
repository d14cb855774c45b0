//! Indoors: rooms, their windows (holes to the sky behind) and their furniture.

mod halls;
mod homes;
mod work;

use super::{
    canvas::{Canvas, Point, line, polygon, rect},
    dice::Dice,
    framing::Stage,
    palette::{Colour, WHITE},
    place::Place,
    shapes,
    sky::DEEP,
};

/// A room in the making: its stage, its colours and where its floor begins.
struct Workspace<'s, 'o> {
    s: &'s Stage<'o>,
    wall: Colour,
    wood: Colour,
    floor: f32,
}

/// The middle distance of an interior: walls, floor and furniture.
pub fn middle(c: &mut Canvas, s: &Stage<'_>) {
    let mut dice = Dice::new(s.place_seed ^ 0x2b);
    let d = &mut dice;
    let room = Workspace::of(s, d);
    match s.place {
        Place::Kitchen => room.kitchen(c, d),
        Place::Bedroom => room.bedroom(c, d),
        Place::Office => room.office(c, d),
        Place::Laboratory => room.laboratory(c),
        Place::Bar => room.bar(c, d),
        Place::Nave => room.nave(c),
        Place::Carriage => room.carriage(c),
        Place::Lantern => room.lantern(c),
        Place::Cabin => room.cabin(c),
        Place::Bridge => room.bridge(c, d),
        Place::Corridor => room.corridor(c),
        Place::Cellar => room.cellar(c, d),
        _ => room.living(c, d),
    }
}

impl<'s, 'o> Workspace<'s, 'o> {
    fn of(s: &'s Stage<'o>, dice: &mut Dice) -> Self {
        let papers = ["b8a284", "8fa3a0", "b58e76", "98a084", "a391a5", "8a9cb5"].map(Colour::hex);
        let paper = match s.place {
            Place::Laboratory => Colour::hex("c4d2d3"),
            Place::Bridge => Colour::hex("5c6b7c"),
            Place::Cellar => Colour::hex("6d665f"),
            Place::Nave => Colour::hex("a3988a"),
            Place::Cabin => Colour::hex("8a6442"),
            Place::Bar => Colour::hex("7a4d3d"),
            Place::Lantern => Colour::hex("b9b4a6"),
            _ => dice.pick(&papers),
        };
        let dark = 0.12 + 0.5 * (1.0 - s.palette.day);
        Self {
            s,
            wall: s.palette.lit(paper).mix(s.palette.ink, dark),
            wood: s.palette.lit(Colour::hex("8b5e3c")).mix(s.palette.ink, dark * 0.8),
            floor: s.horizon,
        }
    }

    fn x(&self, share: f32) -> f32 {
        // Furniture keeps its size in a narrow picture and moves out of it instead.
        self.s.width / 2.0 + (share - 0.5) * self.s.width.max(1150.0)
    }

    fn from(&self) -> f32 {
        self.s.left() - 300.0
    }

    fn span(&self) -> f32 {
        self.s.right() - self.s.left() + 600.0
    }

    /// Wall with holes, skirting and floor.
    fn shell(&self, c: &mut Canvas, holes: &str) {
        let (s, p) = (self.s, &self.s.palette);
        let mid = s.across(0.5);
        let reach = s.width.max(900.0);
        let bright = self.wall.mix(p.light, if p.lamps_on { 0.12 } else { 0.22 });
        let paint = c.radial(
            (mid + s.side * s.width * 0.2, 330.0),
            reach,
            &[(0.0, bright, 1.0), (0.5, self.wall, 1.0), (1.0, self.wall.mix(p.ink, 0.55), 1.0)],
        );
        c.fill_with_holes(&format!("{}{holes}", rect((self.from(), -900.0), (self.span(), self.floor + 905.0))), paint);
        let ground = self.wood.mix(p.near, 0.25);
        let paint = c.linear(
            (0.0, self.floor),
            (0.0, self.floor + 360.0),
            &[(0.0, ground.mix(p.ink, 0.25), 1.0), (1.0, ground.mix(p.ink, 0.6), 1.0)],
        );
        c.rect((self.from(), self.floor), (self.span(), DEEP), paint, 1.0);
        let mut boards = String::new();
        for board in -16..=16 {
            let far = mid + board as f32 * 95.0;
            boards.push_str(&line(&[(far, self.floor), (mid + board as f32 * 330.0, self.floor + 700.0)]));
        }
        c.stroke(&boards, p.ink, 2.0, 0.3);
        c.rect((self.from(), self.floor - 24.0), (self.span(), 25.0), self.wall.mix(p.ink, 0.45), 1.0);
    }

    /// The frame and the cross of a window whose hole is already in the wall, and the light it throws.
    fn frame(&self, c: &mut Canvas, (x, y): Point, (w, h): Point) {
        let p = &self.s.palette;
        let pane = c.linear((x, y), (x + w, y + h), &[(0.0, WHITE, 0.16), (0.45, WHITE, 0.02), (1.0, WHITE, 0.08)]);
        c.rect((x, y), (w, h), pane, 1.0);
        let tone = self.wall.mix(p.ink, 0.5);
        c.stroke(
            &format!(
                "{}{}",
                line(&[(x + w / 2.0, y), (x + w / 2.0, y + h)]),
                line(&[(x, y + h * 0.4), (x + w, y + h * 0.4)])
            ),
            tone,
            9.0,
            1.0,
        );
        c.stroke(&rect((x, y), (w, h)), tone, 17.0, 1.0);
        c.rect((x - 22.0, y + h + 4.0), (w + 44.0, 16.0), tone.mix(p.light, 0.2), 1.0);
        if p.day > 0.5 {
            let way = -self.s.side * 330.0;
            let down = self.floor + 190.0;
            let ray = c.linear((x, y), (x + way, down), &[(0.0, p.light, 0.26), (1.0, p.light, 0.04)]);
            c.fill(&polygon(&[(x, y), (x + w, y), (x + w + way, down), (x + way, down)]), ray, 1.0);
        }
    }

    fn window(&self, share: f32, y: f32, (w, h): Point) -> (String, Point, Point) {
        let corner = (self.x(share) - w / 2.0, y);
        (rect(corner, (w, h)), corner, (w, h))
    }

    fn curtains(&self, c: &mut Canvas, (x, y): Point, (w, h): Point, cloth: Colour) {
        let tone = self.s.palette.lit(cloth).mix(self.s.palette.ink, 0.25);
        for side in [-1.0, 1.0] {
            let edge = if side < 0.0 { x - 20.0 } else { x + w + 20.0 };
            let at = |a: f32, b: f32| (edge - side * a, y + b);
            let path = [
                at(-34.0, -34.0),
                at(62.0, -34.0),
                at(46.0, h * 0.45),
                at(18.0, h * 0.7),
                at(36.0, h + 60.0),
                at(-40.0, h + 60.0),
            ];
            c.fill(&polygon(&path), tone, 1.0);
            for fold in [-14.0, 8.0] {
                c.stroke(&line(&[at(fold, -30.0), at(fold * 0.6, h + 54.0)]), self.s.palette.ink, 4.0, 0.25);
            }
        }
        c.rect((x - 70.0, y - 46.0), (w + 140.0, 12.0), self.s.palette.ink, 0.8);
    }

    /// A hanging lamp; lights the room when lamps are on.
    fn pendant(&self, c: &mut Canvas, x: f32, y: f32) {
        let p = &self.s.palette;
        c.stroke(&line(&[(x, -700.0), (x, y - 42.0)]), p.ink, 4.0, 1.0);
        c.fill(
            &format!(
                "M{:.1} {y:.1}Q{:.1} {:.1} {x:.1} {:.1}Q{:.1} {:.1} {:.1} {y:.1}z",
                x - 66.0,
                x - 52.0,
                y - 46.0,
                y - 50.0,
                x + 52.0,
                y - 46.0,
                x + 66.0
            ),
            p.lit(Colour::hex("a8442e")).mix(p.ink, 0.2),
            1.0,
        );
        if p.lamps_on {
            let cone = c.linear((x, y), (x, self.floor + 60.0), &[(0.0, p.lamp, 0.32), (1.0, p.lamp, 0.0)]);
            c.fill(
                &polygon(&[
                    (x - 58.0, y),
                    (x + 58.0, y),
                    (x + 330.0, self.floor + 60.0),
                    (x - 330.0, self.floor + 60.0),
                ]),
                cone,
                1.0,
            );
            c.glow((x, y + 4.0), 430.0, p.lamp, 0.55);
            c.ellipse((x, y + 3.0), (42.0, 12.0), WHITE.mix(p.lamp, 0.35), 1.0);
        }
    }

    fn standing_lamp(&self, c: &mut Canvas, x: f32, foot: f32, tall: f32) {
        let p = &self.s.palette;
        c.stroke(&line(&[(x, foot), (x, foot - tall)]), p.ink, 6.0, 1.0);
        c.ellipse((x, foot), (34.0, 7.0), p.ink, 1.0);
        let top = foot - tall;
        if p.lamps_on {
            c.glow((x, top - 20.0), 390.0, p.lamp, 0.65);
        }
        let shade = if p.lamps_on { p.lamp.mix(WHITE, 0.25) } else { p.lit(Colour::hex("cdb894")) };
        c.fill(
            &polygon(&[(x - 34.0, top - 66.0), (x + 34.0, top - 66.0), (x + 56.0, top + 10.0), (x - 56.0, top + 10.0)]),
            shade,
            1.0,
        );
    }

    fn picture(&self, c: &mut Canvas, (x, y): Point, (w, h): Point) {
        let p = &self.s.palette;
        c.rect((x, y), (w, h), self.wood.mix(p.ink, 0.35), 1.0);
        let inside = c.linear(
            (x, y),
            (x, y + h),
            &[(0.0, p.sky[1].mix(self.wall, 0.35), 1.0), (1.0, p.far.mix(self.wall, 0.35), 1.0)],
        );
        c.rect((x + 9.0, y + 9.0), (w - 18.0, h - 18.0), inside, 1.0);
        c.fill(
            &polygon(&[
                (x + 9.0, y + h - 9.0),
                (x + w * 0.4, y + h * 0.45),
                (x + w * 0.6, y + h * 0.66),
                (x + w * 0.76, y + h * 0.5),
                (x + w - 9.0, y + h - 9.0),
            ]),
            p.mid.mix(self.wall, 0.2),
            1.0,
        );
    }

    /// A box with a lit top edge.
    fn block(&self, c: &mut Canvas, corner: Point, size: Point, colour: Colour) {
        let p = &self.s.palette;
        let paint = c.linear(
            (corner.0, 0.0),
            (corner.0 + size.0, 0.0),
            &shapes::sides(self.s.side, colour.mix(p.light, 0.12), colour.mix(p.ink, 0.35)),
        );
        c.rect(corner, size, paint, 1.0);
        c.rect(corner, (size.0, 7.0), colour.mix(p.light, 0.45), p.rim);
    }
}
