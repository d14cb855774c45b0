//! Shapes: things that stand in more than one place.

use std::fmt::Write;

use super::{
    canvas::{Canvas, Point, Stop, blob, line, polygon, rect},
    dice::Dice,
    framing::Stage,
    palette::{Colour, WHITE},
};

/// A lit window with a cross of bars and its own soft light.
pub fn window(c: &mut Canvas, s: &Stage<'_>, (x, y): Point, (w, h): Point, on: bool) {
    let dark = s.palette.near.mix(s.palette.sky[1], 0.25);
    if on {
        c.glow((x + w / 2.0, y + h / 2.0), w.max(h) * 1.9, s.palette.lamp, 0.4);
    }
    let pane = if on { s.palette.lamp } else { dark };
    c.rect((x, y), (w, h), pane, 1.0);
    let bars = format!(
        "{}{}",
        line(&[(x + w / 2.0, y), (x + w / 2.0, y + h)]),
        line(&[(x, y + h * 0.45), (x + w, y + h * 0.45)])
    );
    c.stroke(&bars, s.palette.ink, w * 0.08, 0.8);
}

/// Rows of small windows on a wall, some of them lit.
pub fn windows(c: &mut Canvas, s: &Stage<'_>, (x, y): Point, (w, h): Point, grid: (u32, u32), dice: &mut Dice) {
    let (cell, row) = (w / grid.0 as f32, h / grid.1 as f32);
    let share = if s.palette.lamps_on { 0.42 } else { 0.0 };
    let mut lit = String::new();
    let mut dark = String::new();
    for column in 0..grid.0 {
        for floor in 0..grid.1 {
            let corner = (x + (column as f32 + 0.26) * cell, y + (floor as f32 + 0.25) * row);
            let pane = rect(corner, (cell * 0.48, row * 0.5));
            if dice.chance(share) { &mut lit } else { &mut dark }.push_str(&pane);
        }
    }
    if !dark.is_empty() {
        c.fill(&dark, s.palette.sky[1].mix(s.palette.near, 0.4), 0.5);
    }
    if !lit.is_empty() {
        c.fill(&lit, s.palette.lamp, 0.92);
    }
}

/// A conifer standing at `foot`.
pub fn pine(c: &mut Canvas, (x, y): Point, tall: f32, colour: Colour, rim: Option<(Colour, f32)>) {
    let mut points = vec![(x, y - tall)];
    let steps = 6;
    for side in [1.0, -1.0] {
        let mut edge = Vec::new();
        for step in 1..=steps {
            let down = step as f32 / steps as f32;
            let reach = tall * 0.23 * down;
            edge.push((x + side * reach, y - tall * (1.0 - down * 0.9)));
            if step < steps {
                edge.push((x + side * reach * 0.52, y - tall * (1.0 - down * 0.9) - tall * 0.022));
            }
        }
        if side < 0.0 {
            edge.reverse();
        }
        points.extend(edge);
    }
    if let Some((light, side)) = rim {
        let lit: Vec<Point> = points.iter().map(|(px, py)| (px + side * tall * 0.014, py - tall * 0.008)).collect();
        c.fill(&polygon(&lit), light, 0.55);
    }
    c.rect((x - tall * 0.022, y - tall * 0.14), (tall * 0.044, tall * 0.16), colour, 1.0);
    c.fill(&polygon(&points), colour, 1.0);
}

/// A leafy tree standing at `foot`.
pub fn tree(c: &mut Canvas, s: &Stage<'_>, (x, y): Point, tall: f32, colour: Colour, dice: &mut Dice) {
    let trunk = [
        (x - tall * 0.035, y),
        (x - tall * 0.02, y - tall * 0.5),
        (x + tall * 0.02, y - tall * 0.5),
        (x + tall * 0.04, y),
    ];
    let mut crown = Vec::new();
    for step in 0..11 {
        let turn = step as f32 / 11.0 * std::f32::consts::TAU;
        let reach = tall * dice.between(0.25, 0.36);
        crown.push((x + turn.cos() * reach, y - tall * 0.68 + turn.sin() * reach * 0.95));
    }
    let lit: Vec<Point> = crown.iter().map(|(px, py)| (px + s.side * tall * 0.018, py - tall * 0.012)).collect();
    c.fill(&polygon(&trunk), s.palette.ink.mix(colour, 0.35), 1.0);
    c.fill(&blob(&lit), colour.mix(s.palette.light, 0.45), s.palette.rim);
    c.fill(&blob(&crown), colour, 1.0);
}

/// A house with a gable to the front, standing on `foot`, its middle in `x`.
pub fn house(c: &mut Canvas, s: &Stage<'_>, (x, y): Point, (w, h): Point, colour: Colour, dice: &mut Dice) {
    let p = &s.palette;
    let roof = h * dice.between(0.42, 0.62);
    let snowy = s.weather == studio_core::scene::Weather::Snow;
    let wall = c.linear(
        (x - w / 2.0, 0.0),
        (x + w / 2.0, 0.0),
        &sides(s.side, colour.mix(p.light, 0.16), colour.mix(p.ink, 0.3)),
    );
    let chimney = x + w * 0.24 * dice.sign();
    c.rect((chimney - w * 0.05, y - h - roof * 0.95), (w * 0.1, roof * 0.8), colour.mix(p.ink, 0.45), 1.0);
    c.rect((x - w / 2.0, y - h), (w, h + 3.0), wall, 1.0);
    let gable = [(x - w * 0.58, y - h + 4.0), (x, y - h - roof), (x + w * 0.58, y - h + 4.0)];
    let tone = if snowy { p.sky[2].mix(WHITE, 0.55) } else { colour.mix(p.ink, 0.55) };
    c.fill(&polygon(&gable), tone, 1.0);
    let edge = if s.side < 0.0 { [gable[0], gable[1]] } else { [gable[1], gable[2]] };
    c.stroke(&line(&edge), p.light, w * 0.012, p.rim * 0.8);
    let pane = (w * 0.17, h * 0.24);
    for column in [-0.3, 0.3] {
        let on = p.lamps_on && dice.chance(0.65);
        window(c, s, (x + w * column - pane.0 / 2.0, y - h * 0.8), pane, on);
    }
    let door = [x - w * 0.075, y - h * 0.42];
    c.rect((door[0], door[1]), (w * 0.15, h * 0.42), p.ink, 0.9);
}

/// A street lamp standing at `foot`.
pub fn street_lamp(c: &mut Canvas, s: &Stage<'_>, (x, y): Point, tall: f32) {
    let p = &s.palette;
    let head = (x + tall * 0.17, y - tall * 0.95);
    let post = format!(
        "M{x:.2} {y:.2}V{:.2}Q{x:.2} {:.2} {:.2} {:.2}",
        y - tall * 0.86,
        y - tall,
        head.0,
        head.1 - tall * 0.03
    );
    c.stroke(&post, p.ink, tall * 0.022, 1.0);
    c.fill(
        &polygon(&[(head.0 - tall * 0.05, head.1), (head.0 + tall * 0.05, head.1), (head.0, head.1 - tall * 0.05)]),
        p.ink,
        1.0,
    );
    if p.lamps_on {
        let cone = c.linear(head, (head.0, y), &[(0.0, p.lamp, 0.34), (1.0, p.lamp, 0.0)]);
        c.fill(
            &polygon(&[
                (head.0 - tall * 0.03, head.1),
                (head.0 + tall * 0.03, head.1),
                (head.0 + tall * 0.34, y),
                (head.0 - tall * 0.34, y),
            ]),
            cone,
            1.0,
        );
        c.glow(head, tall * 0.42, p.lamp, 0.7);
        c.circle(head, tall * 0.024, WHITE.mix(p.lamp, 0.3), 1.0);
    }
}

/// Stops of a gradient from left to right, light on the side of the light.
pub fn sides(side: f32, lit: Colour, dark: Colour) -> [Stop; 3] {
    if side < 0.0 {
        [(0.0, lit, 1.0), (0.55, lit.mix(dark, 0.65), 1.0), (1.0, dark, 1.0)]
    } else {
        [(0.0, dark, 1.0), (0.45, lit.mix(dark, 0.65), 1.0), (1.0, lit, 1.0)]
    }
}

/// Blades of grass along the bottom of the picture.
pub fn grass(c: &mut Canvas, s: &Stage<'_>, y: f32, tall: f32, colour: Colour, dice: &mut Dice) {
    let mut blades = String::new();
    let mut x = s.left();
    while x < s.right() {
        let high = tall * dice.between(0.35, 1.0);
        let bend = dice.between(-0.4, 0.4) * high;
        let wide = tall * 0.05;
        let _ = write!(
            blades,
            "M{:.1} {:.1}Q{x:.1} {:.1} {:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}z",
            x - wide,
            y,
            y - high * 0.6,
            x + bend,
            y - high,
            x + wide,
            y - high * 0.5,
            x + wide,
            y
        );
        x += tall * dice.between(0.07, 0.2);
    }
    c.fill(&blades, colour, 1.0);
    c.rect((s.left(), y - 2.0), (s.right() - s.left(), 1400.0), colour, 1.0);
}
