//! Canvas: writes one SVG picture, shape by shape.

use std::fmt::Write;

use super::palette::Colour;

/// What a shape is filled with: a colour or a gradient of this canvas.
#[derive(Debug, Clone)]
pub struct Paint(String);

impl From<Colour> for Paint {
    fn from(colour: Colour) -> Self {
        Self(colour.to_string())
    }
}

impl From<&Self> for Paint {
    fn from(paint: &Self) -> Self {
        paint.clone()
    }
}

/// A stop of a gradient: where (0-1), which colour, how opaque (0-1).
pub type Stop = (f32, Colour, f32);

/// A point in the space of the canvas.
pub type Point = (f32, f32);

/// A picture in the making. Writing to a string cannot fail, so results of `write!` are dropped.
#[derive(Debug, Default)]
pub struct Canvas {
    body: String,
    defs: String,
    gradients: u32,
}

impl Canvas {
    /// Fills a path.
    pub fn fill(&mut self, path: &str, paint: impl Into<Paint>, opacity: f32) {
        let _ = write!(self.body, r#"<path d="{path}" fill="{}" fill-opacity="{opacity:.3}"/>"#, paint.into().0);
    }

    /// Fills a path whose inner outlines are holes.
    pub fn fill_with_holes(&mut self, path: &str, paint: impl Into<Paint>) {
        let _ = write!(self.body, r#"<path d="{path}" fill="{}" fill-rule="evenodd"/>"#, paint.into().0);
    }

    /// Draws a path as a line with round ends.
    pub fn stroke(&mut self, path: &str, paint: impl Into<Paint>, width: f32, opacity: f32) {
        let _ = write!(
            self.body,
            r#"<path d="{path}" fill="none" stroke="{}" stroke-width="{width:.3}" stroke-opacity="{opacity:.3}" stroke-linecap="round" stroke-linejoin="round"/>"#,
            paint.into().0
        );
    }

    /// Fills a rectangle given by its corner and its size.
    pub fn rect(&mut self, corner: Point, size: Point, paint: impl Into<Paint>, opacity: f32) {
        self.fill(&rect(corner, size), paint, opacity);
    }

    /// Fills an ellipse given by its centre and its radii.
    pub fn ellipse(&mut self, centre: Point, radii: Point, paint: impl Into<Paint>, opacity: f32) {
        self.fill(&ellipse(centre, radii), paint, opacity);
    }

    /// Fills a circle.
    pub fn circle(&mut self, centre: Point, radius: f32, paint: impl Into<Paint>, opacity: f32) {
        self.ellipse(centre, (radius, radius), paint, opacity);
    }

    /// A gradient along a line.
    pub fn linear(&mut self, from: Point, to: Point, stops: &[Stop]) -> Paint {
        let head = format!(
            r#"linearGradient gradientUnits="userSpaceOnUse" x1="{:.3}" y1="{:.3}" x2="{:.3}" y2="{:.3}""#,
            from.0, from.1, to.0, to.1
        );
        self.gradient(&head, "linearGradient", stops)
    }

    /// A gradient from the centre outwards.
    pub fn radial(&mut self, centre: Point, radius: f32, stops: &[Stop]) -> Paint {
        let head = format!(
            r#"radialGradient gradientUnits="userSpaceOnUse" cx="{:.3}" cy="{:.3}" r="{radius:.3}""#,
            centre.0, centre.1
        );
        self.gradient(&head, "radialGradient", stops)
    }

    /// A soft light that fades to nothing at `radius`.
    pub fn glow(&mut self, centre: Point, radius: f32, colour: Colour, strength: f32) {
        let stops = [
            (0.0, colour, strength),
            (0.3, colour, strength * 0.45),
            (0.65, colour, strength * 0.12),
            (1.0, colour, 0.0),
        ];
        let paint = self.radial(centre, radius, &stops);
        self.circle(centre, radius, paint, 1.0);
    }

    fn gradient(&mut self, head: &str, tag: &str, stops: &[Stop]) -> Paint {
        self.gradients += 1;
        let id = self.gradients;
        let _ = write!(self.defs, r#"<{head} id="g{id}">"#);
        for (at, colour, opacity) in stops {
            let _ = write!(self.defs, r#"<stop offset="{at:.3}" stop-color="{colour}" stop-opacity="{opacity:.3}"/>"#);
        }
        let _ = write!(self.defs, "</{tag}>");
        Paint(format!("url(#g{id})"))
    }

    /// Draws what `draw` draws under a transform in SVG's words.
    pub fn under(&mut self, transform: &str, draw: impl FnOnce(&mut Self)) {
        let _ = write!(self.body, r#"<g transform="{transform}">"#);
        draw(self);
        self.body.push_str("</g>");
    }

    /// Writes text; what XML cannot carry is dropped and the rest is escaped.
    pub fn text(&mut self, at: Point, height: f32, family: &str, words: &str, colour: Colour) {
        let _ = write!(
            self.body,
            r#"<text x="{:.2}" y="{:.2}" font-size="{height:.2}" font-family="{}" fill="{colour}" xml:space="preserve">{}</text>"#,
            at.0,
            at.1,
            escaped(family),
            escaped(words)
        );
    }

    /// The whole document, `pixels` large, showing the given part of the canvas.
    pub fn finish(self, pixels: (u32, u32), corner: Point, size: Point) -> String {
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="{}" viewBox="{:.4} {:.4} {:.4} {:.4}" preserveAspectRatio="none"><defs>{}</defs>{}</svg>"#,
            pixels.0, pixels.1, corner.0, corner.1, size.0, size.1, self.defs, self.body
        )
    }
}

/// Text that can stand between tags and in attributes.
pub fn escaped(words: &str) -> String {
    let mut safe = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&apos;"),
            '\t' | '\n' | '\r' => safe.push(' '),
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => safe.push(letter),
        }
    }
    safe
}

/// The outline of a rectangle.
pub fn rect((x, y): Point, (w, h): Point) -> String {
    format!("M{x:.3} {y:.3}h{w:.3}v{h:.3}h{:.3}z", -w)
}

/// The outline of an ellipse.
pub fn ellipse((x, y): Point, (rx, ry): Point) -> String {
    format!("M{:.3} {y:.3}a{rx:.3} {ry:.3} 0 1 0 {:.3} 0a{rx:.3} {ry:.3} 0 1 0 {:.3} 0z", x - rx, 2.0 * rx, -2.0 * rx)
}

/// A closed outline with straight sides.
pub fn polygon(points: &[Point]) -> String {
    format!("{}z", line(points))
}

/// An open line through points.
pub fn line(points: &[Point]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let _ = write!(path, "{}{x:.3} {y:.3}", if index == 0 { 'M' } else { 'L' });
    }
    path
}

/// An open smooth curve through points (uniform Catmull-Rom as cubic Béziers).
pub fn curve(points: &[Point]) -> String {
    let last = points.len() - 1;
    through(points, |index| points[index.clamp(0, last as isize) as usize], last)
}

/// A closed smooth outline through points.
pub fn blob(points: &[Point]) -> String {
    let count = points.len() as isize;
    format!("{}z", through(points, |index| points[index.rem_euclid(count) as usize], points.len()))
}

fn through(points: &[Point], at: impl Fn(isize) -> Point, pieces: usize) -> String {
    let mut path = format!("M{:.3} {:.3}", points[0].0, points[0].1);
    for index in 0..pieces as isize {
        let (before, from, to, after) = (at(index - 1), at(index), at(index + 1), at(index + 2));
        let lean = |a: Point, b: Point| ((b.0 - a.0) / 6.0, (b.1 - a.1) / 6.0);
        let (out, into) = (lean(before, to), lean(from, after));
        let _ = write!(
            path,
            "C{:.3} {:.3} {:.3} {:.3} {:.3} {:.3}",
            from.0 + out.0,
            from.1 + out.1,
            to.0 - into.0,
            to.1 - into.1,
            to.0,
            to.1
        );
    }
    path
}
