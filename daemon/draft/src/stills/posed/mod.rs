//! Posed: somebody alone as a dataset wants to see them: turned, with a face, in a pose, large and in the middle.
//!
//! The same heads, hair, clothes and colours as in films, for a dataset is to teach how somebody looks.

mod arms;
mod back;
mod body;
mod face;
mod legs;
mod profile;

use studio_core::character::{Facing, Pose, Staging};

use super::{
    appearance::Appearance,
    canvas::{Canvas, Point},
    centred,
    dice::Dice,
    framing::{Actor, Stage},
    hair,
    light::Light,
};

/// Somebody who is drawn: how they look, how they are shown, and the light on them.
struct Model<'a> {
    who: &'a Appearance,
    light: &'a Light<'a>,
    staging: Staging,
    /// How much shorter than an adult's the body is under the same head, 0-1.
    scale: f32,
}

impl Model<'_> {
    /// A height on an adult's body, on this one.
    fn y(&self, heads: f32) -> f32 {
        heads * self.scale
    }

    /// Where the hips are.
    fn hips(&self) -> f32 {
        self.y(3.32)
    }

    /// Where the feet are.
    fn feet(&self) -> f32 {
        centred::feet(self.who, self.staging)
    }

    fn is_turned(&self, facing: Facing) -> bool {
        self.staging.facing == facing
    }

    fn sits(&self) -> bool {
        self.staging.pose == Pose::Sitting
    }
}

/// Where the feet of somebody on a stage are, in units of the canvas.
pub fn feet(actor: &Actor<'_>, staging: Staging, who: &Appearance) -> f32 {
    actor.head.1 + actor.unit * centred::feet(who, staging)
}

/// Draws them, with their shadow on the ground.
pub fn draw(c: &mut Canvas, s: &Stage<'_>, actor: &Actor<'_>, staging: Staging, who: &Appearance) {
    let ((x, y), unit, way) = (actor.head, actor.unit, actor.facing);
    let dark = 0.1 - 0.1 * s.palette.day;
    let light = Light {
        palette: &s.palette,
        side: s.side * way,
        colour: s.palette.light,
        rim: if s.plain { 0.0 } else { s.palette.rim },
        dark: dark.max(0.0),
    };
    let ground = feet(actor, staging, who);
    if ground < 1150.0 {
        shadow(c, s, (x, ground), unit);
    }
    let scale = (who.tall - 0.56) / 6.64;
    let model = Model { who, light: &light, staging, scale };
    let tilt = Dice::new(s.seed ^ 0x71).between(-3.5, 3.5);
    c.under(&format!("translate({x:.2} {y:.2}) scale({:.3} {unit:.3})", unit * way), |c| {
        let neck = format!("rotate({tilt:.2} 0 0.5)");
        if matches!(staging.facing, Facing::Front | Facing::ThreeQuarter) {
            c.under(&neck, |c| hair::behind(c, who, &light));
        }
        body::draw(c, &model);
        c.under(&neck, |c| match staging.facing {
            Facing::Front | Facing::ThreeQuarter => face::head(c, &model),
            Facing::Side => profile::head(c, &model),
            Facing::Back => back::head(c, &model),
        });
        arms::over_the_head(c, &model);
    });
}

fn shadow(c: &mut Canvas, s: &Stage<'_>, (x, ground): Point, unit: f32) {
    let at = (x - s.side * unit * 0.5, ground + unit * 0.05);
    let strength = if s.plain { 0.3 } else { 0.55 };
    c.under(&format!("translate({:.2} {:.2}) scale(1 0.16)", at.0, at.1), |c| {
        c.glow((0.0, 0.0), unit * 2.2, s.palette.ink, strength);
    });
    c.ellipse((x, ground + unit * 0.06), (unit * 0.85, unit * 0.1), s.palette.ink, strength * 0.7);
}
