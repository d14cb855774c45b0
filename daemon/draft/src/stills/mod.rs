//! Stills: storyboard panels, drawn as vectors in layers from far to near.
//!
//! One order becomes a stage (who stands where, which light), the stage four SVG layers, and resvg makes pixels
//! of them. The same order gives the same bytes; the only thing taken from the machine is the slate's font.
//! Layers are larger than the picture by [`LAYER_MARGIN`] on each side, so that a camera can move over them.

#![expect(
    clippy::many_single_char_names,
    reason = "drawings: c is the canvas, s the stage, p its palette, x y w h places"
)]

mod appearance;
mod canvas;
mod card;
mod centred;
mod dice;
mod face;
mod figure;
mod framing;
mod hair;
mod indoors;
mod light;
mod near;
mod outdoors;
mod palette;
mod place;
mod posed;
mod shapes;
mod sky;
mod slate;
mod words;

use std::{
    fs,
    path::Path,
    sync::{Arc, OnceLock},
};

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageReader,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use resvg::{
    tiny_skia::{Color, ColorU8, Pixmap, PixmapPaint, Transform},
    usvg::{Options, Tree, fontdb},
};
use studio_core::{
    ids::ContentHash,
    media::{LAYER_MARGIN, MediaFacts},
    order::{Order, Role, StillOrder},
    shot::CameraAngle,
    units::Size,
};
use studio_engine::{Artifact, Engine, EngineError, FailureKind, Made, Means, Progress};
use tokio_util::sync::CancellationToken;

use self::{
    canvas::Canvas,
    framing::{HEIGHT, Stage},
    words::Words,
};

/// The draft engine of [`Order::Still`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Stills;

impl Engine for Stills {
    fn version(&self) -> String {
        "draft.stills/1".into()
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, progress, stop }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            let Order::Still(order) = order else {
                return Err(EngineError::new(
                    FailureKind::Refused,
                    "the draft stills engine draws stills and nothing else",
                ));
            };
            let (order, dir) = (order.clone(), room.dir.clone());
            let source = order.source.as_ref().map(|source| room.path(source));
            let (progress, stop) = (progress.clone(), stop.clone());
            let work =
                tokio::task::spawn_blocking(move || draw_into(&order, source.as_deref(), &dir, &progress, &stop));
            work.await.map_err(|error| {
                EngineError::new(FailureKind::Transient, format!("failed to draw the still: {error}"))
            })?
        })
    }
}

fn draw_into(
    order: &StillOrder,
    source: Option<&Path>,
    dir: &Path,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<Vec<Artifact>, EngineError> {
    let going_on = || {
        if stop.is_cancelled() {
            Err(EngineError::new(FailureKind::Cancelled, "the still was cancelled"))
        } else {
            Ok(())
        }
    };
    going_on()?;
    let panel = match source {
        Some(source) => Panel::of_picture(order, source)?,
        None => Panel::draw(order)?,
    };
    progress.tell(0.5);
    let mut made = vec![write(dir, "picture.png", Role::Picture, &panel.picture)?];
    for (index, layer) in panel.layers.iter().enumerate() {
        going_on()?;
        made.push(write(dir, &format!("layer{index}.png"), Role::Layer, layer)?);
        progress.tell(0.6 + 0.1 * (index + 1) as f64);
    }
    Ok(made)
}

fn write(dir: &Path, name: &str, role: Role, picture: &Pixmap) -> Result<Artifact, EngineError> {
    let path = dir.join(name);
    let bytes = png(picture)?;
    fs::write(&path, bytes).map_err(|error| EngineError::io("failed to write a picture", &error))?;
    let size = Size { width: picture.width(), height: picture.height() };
    Ok(Artifact::File { role, path, facts: MediaFacts::Still { size } })
}

/// A PNG; opaque pictures without an alpha channel. Fast compression: the files are read once or twice.
fn png(picture: &Pixmap) -> Result<Vec<u8>, EngineError> {
    let mut bytes = Vec::with_capacity(picture.data().len() / 4);
    let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Up);
    let opaque = picture.pixels().iter().all(|pixel| pixel.alpha() == 255);
    let (raw, kind) = if opaque {
        let rgb: Vec<u8> = picture.data().as_chunks::<4>().0.iter().flat_map(|p| [p[0], p[1], p[2]]).collect();
        (rgb, ExtendedColorType::Rgb8)
    } else {
        let straight = |p: &resvg::tiny_skia::PremultipliedColorU8| {
            let p = p.demultiply();
            [p.red(), p.green(), p.blue(), p.alpha()]
        };
        (picture.pixels().iter().flat_map(straight).collect(), ExtendedColorType::Rgba8)
    };
    encoder
        .write_image(&raw, picture.width(), picture.height(), kind)
        .map_err(|error| EngineError::new(FailureKind::Transient, format!("failed to encode a picture: {error}")))?;
    Ok(bytes)
}

/// A drawn still.
pub struct Panel {
    /// The flat picture with its slate, exactly as large as ordered.
    pub picture: Pixmap,
    /// Back to front, each larger than the picture by [`margins`] on every side; the first is opaque. A black picture has
    /// none: nothing in it is far or near.
    pub layers: Vec<Pixmap>,
}

impl Panel {
    /// Draws an order.
    pub fn draw(order: &StillOrder) -> Result<Self, EngineError> {
        if order.look.is_black() {
            return Self::black(order);
        }
        let words = Words::of(order);
        let shown = words.shown(order);
        let order = &*shown;
        let stage = Stage::with(order, &words);
        let layers =
            layers(&stage).into_iter().map(|canvas| raster(canvas, order.size)).collect::<Result<Vec<_>, _>>()?;
        let (left, top) = margins(order.size);
        let mut picture = pixmap(order.size.width, order.size.height)?;
        for layer in &layers {
            let at = (-(left as i32), -(top as i32));
            picture.draw_pixmap(at.0, at.1, layer.as_ref(), &PixmapPaint::default(), Transform::identity(), None);
        }
        if !order.slate.is_empty() {
            let (fonts, family) = fonts();
            let strip = slate::svg(order, family.as_deref());
            render(&strip, fonts, &mut picture)?;
        }
        Ok(Self { picture, layers })
    }

    /// A picture that was chosen, as large as ordered, with the slate; without one tinted, so that it is another picture.
    /// There are no layers: nobody knows what in it is far or near.
    fn of_picture(order: &StillOrder, source: &Path) -> Result<Self, EngineError> {
        let unreadable = |error: &dyn std::fmt::Display| {
            EngineError::new(FailureKind::BadInput, format!("the source picture cannot be read: {error}"))
        };
        let reader = ImageReader::open(source).and_then(ImageReader::with_guessed_format);
        let mut reader =
            reader.map_err(|error| unreadable(&error))?.into_decoder().map_err(|error| unreadable(&error))?;
        let turned = reader.orientation().map_err(|error| unreadable(&error))?;
        let mut read = DynamicImage::from_decoder(reader).map_err(|error| unreadable(&error))?;
        read.apply_orientation(turned);
        let Size { width, height } = order.size;
        let fitted = studio_pictures::whole::framed(&read, order.size);
        let mut picture = pixmap(width, height)?;
        for (to, from) in picture.pixels_mut().iter_mut().zip(fitted.pixels()) {
            let [red, green, blue, alpha] = from.0;
            *to = ColorU8::from_rgba(red, green, blue, alpha).premultiply();
        }
        // What is clear in it is black, as in a film.
        let mut opaque = pixmap(width, height)?;
        opaque.fill(Color::BLACK);
        opaque.draw_pixmap(0, 0, picture.as_ref(), &PixmapPaint::default(), Transform::identity(), None);
        if order.slate.is_empty() {
            // It is no shot's, but made from a picture that was not drawn here, and from words no draft can follow in it.
            tint(&mut opaque, order);
        } else {
            let (fonts, family) = fonts();
            render(&slate::svg(order, family.as_deref()), fonts, &mut opaque)?;
        }
        Ok(Self { picture: opaque, layers: Vec::new() })
    }

    /// Black, with the title card when there is one; no slate, for there is no place to name.
    fn black(order: &StillOrder) -> Result<Self, EngineError> {
        let mut picture = pixmap(order.size.width, order.size.height)?;
        let (fonts, family) = fonts();
        render(&card::svg(order, family.as_deref()), fonts, &mut picture)?;
        Ok(Self { picture, layers: Vec::new() })
    }
}

/// Lays a light colour over a picture, by the order's words and seed: one can tell what was made from what, and of which
/// words, although nothing else of the picture changes.
fn tint(picture: &mut Pixmap, order: &StillOrder) {
    let mark = ContentHash::of(format!("{}/{}", order.seed.0, order.description).as_bytes()).0;
    // One channel stays as it is, so that it is a colour and no shade.
    let mut share = [0, 1, 2].map(|channel: usize| 200 + u32::from(mark[channel] % 48));
    share[usize::from(mark[3]) % 3] = 255;
    for pixel in picture.pixels_mut() {
        let part = |value: u8, share: u32| (u32::from(value) * share / 255) as u8;
        let (red, green, blue) =
            (part(pixel.red(), share[0]), part(pixel.green(), share[1]), part(pixel.blue(), share[2]));
        *pixel = ColorU8::from_rgba(red, green, blue, 255).premultiply();
    }
}

/// How many pixels a layer is larger than the picture on the left and right, and at top and bottom; even.
pub fn margins(size: Size) -> (u32, u32) {
    let even = |side: u32| ((f64::from(side) * LAYER_MARGIN / 2.0).round() as u32 * 2).max(2);
    (even(size.width), even(size.height))
}

/// The part of the flat picture that only the slate covers, in pixels: left, top, width, height.
pub fn slate_area(order: &StillOrder) -> (u32, u32, u32, u32) {
    slate::area(order)
}

fn layers(s: &Stage<'_>) -> [Canvas; 4] {
    let layer = |draw: &dyn Fn(&mut Canvas), place_share: Option<f32>| {
        let mut canvas = Canvas::default();
        canvas.under(&s.leaning(), |c| match place_share {
            Some(share) => c.under(&s.placing(share), draw),
            None => draw(c),
        });
        canvas
    };
    let above = s.angle == CameraAngle::Overhead;
    let far = layer(
        &|c| {
            if s.plain {
                return near::paper(c, s);
            }
            if above {
                return near::floor_plan(c, s);
            }
            sky::backdrop(c, s);
            if s.indoors {
                sky::front(c, s);
            }
        },
        Some(0.4),
    );
    let middle = layer(
        &|c| {
            if s.plain {
                // Nothing stands before paper.
            } else if above {
                near::furniture_from_above(c, s);
            } else if s.indoors {
                indoors::middle(c, s);
            } else {
                outdoors::middle(c, s);
                sky::haze(c, s);
            }
        },
        Some(1.0),
    );
    [far, middle, layer(&|c| near::people(c, s), None), layer(&|c| near::foreground(c, s), None)]
}

fn raster(canvas: Canvas, size: Size) -> Result<Pixmap, EngineError> {
    let (left, top) = margins(size);
    let (width, height) = (size.width + 2 * left, size.height + 2 * top);
    let unit = HEIGHT / size.height as f32;
    let corner = (-(left as f32) * unit, -(top as f32) * unit);
    let svg = canvas.finish((width, height), corner, (width as f32 * unit, height as f32 * unit));
    let mut layer = pixmap(width, height)?;
    render(&svg, &Arc::default(), &mut layer)?;
    Ok(layer)
}

fn pixmap(width: u32, height: u32) -> Result<Pixmap, EngineError> {
    Pixmap::new(width, height).ok_or_else(|| {
        EngineError::new(FailureKind::Refused, format!("failed to draw a picture of {width}x{height} pixels"))
    })
}

fn render(svg: &str, fonts: &Arc<fontdb::Database>, onto: &mut Pixmap) -> Result<(), EngineError> {
    let options = Options { fontdb: fonts.clone(), ..Options::default() };
    let tree = Tree::from_str(svg, &options)
        .map_err(|error| EngineError::new(FailureKind::Refused, format!("failed to read our own drawing: {error}")))?;
    resvg::render(&tree, Transform::identity(), &mut onto.as_mut());
    Ok(())
}

/// The system's fonts and the family the slate is set in; read once.
fn fonts() -> (&'static Arc<fontdb::Database>, &'static Option<String>) {
    static FONTS: OnceLock<(Arc<fontdb::Database>, Option<String>)> = OnceLock::new();
    let (fonts, family) = FONTS.get_or_init(|| {
        let mut fonts = fontdb::Database::new();
        fonts.load_system_fonts();
        // The order of a font folder differs between machines; names do not.
        let mut families: Vec<(bool, String)> = fonts
            .faces()
            .filter(|face| face.style == fontdb::Style::Normal)
            .filter_map(|face| face.families.first().map(|(name, _)| (!face.monospaced, name.clone())))
            .collect();
        families.sort();
        let family = families.into_iter().next().map(|(_, name)| name);
        (Arc::new(fonts), family)
    });
    (fonts, family)
}

#[cfg(test)]
mod tests {
    use studio_core::ids::ContentHash;

    use super::*;

    /// An order as films stored it before anybody was shown for a dataset.
    fn stored(
        shot: &str,
        angle: &str,
        setting: &str,
        place: &str,
        time: &str,
        cast: &[(&str, &str, &str)],
    ) -> StillOrder {
        let figure = |(name, gender, age): &(&str, &str, &str)| {
            let seed = ContentHash::of(name.as_bytes()).leading_u64();
            format!(r#"{{"name":"{name}","profile":{{"gender":"{gender}","age":"{age}","seed":{seed}}}}}"#)
        };
        let figures = cast.iter().map(figure).collect::<Vec<_>>().join(",");
        let text = format!(
            r#"{{"look":{{"setting":"{setting}","location":"{place}","time_of_day":"{time}","weather":"rain","mood":"tense",
            "synopsis":""}},"shot_type":"{shot}","angle":"{angle}","description":"They wait.","figures":[{figures}],
            "speaker":0,"slate":"1-1","size":{{"width":1280,"height":720}},"seed":7,"steps":1}}"#
        );
        serde_json::from_str(&text).expect("an order")
    }

    /// The version of the engine is in the key of everything it has drawn, and is the same: so must the drawings be.
    #[test]
    fn films_are_drawn_as_they_were() {
        let family = [("Mara", "female", "adult"), ("Jonas", "male", "adult"), ("Ruth", "female", "elder")];
        let child = [("Lilly", "female", "child"), ("Tom", "male", "elder")];
        let orders = [
            stored("wide", "eye-level", "exterior", "harbour", "sunset", &family),
            stored("medium", "over-shoulder", "interior", "kitchen", "night", &child),
            stored("close-up", "low", "exterior", "plain white background", "midday", &family[..1]),
            stored("extreme-close-up", "dutch", "interior", "xanadu", "dawn", &child[..1]),
            stored("action", "high", "exterior", "forest", "afternoon", &child),
            stored("establishing", "overhead", "both", "street", "morning", &family),
            stored("medium", "eye-level", "interior", "bar", "evening", &family[1..]),
            stored("close-up", "eye-level", "interior", "ship", "evening", &child[1..]),
        ];
        let draw = |order: &StillOrder| {
            let stage = Stage::with(order, &Words::of(order));
            layers(&stage).map(|canvas| canvas.finish((1, 1), (0.0, 0.0), (1.0, 1.0))).concat()
        };
        let all: Vec<String> = orders.iter().map(|order| ContentHash::of(draw(order).as_bytes()).to_string()).collect();
        let short: Vec<&str> = all.iter().map(|hash| &hash[..12]).collect();
        let pinned = [
            "e6f29316585c",
            "73a11ab25d2d",
            "6aa13a55f381",
            "dc87b46d61e6",
            "a302573c637e",
            "c73385a2f8db",
            "9d69f254a2d0",
            "e32cd88d8920",
        ];
        assert_eq!(short, pinned);
    }
}
