//! Animatic: moves a camera over a layered still.
//!
//! Layers are kept as premultiplied bt709 planes. A picture is made in bands of sixteen rows: where a layer in front
//! is solid nothing behind it is sampled, where it is empty it is skipped, and the rest is blended.

mod camera;
mod layer;

use std::path::Path;

use studio_core::{
    failure::FailureKind,
    media::{AnimaticPlan, LAYER_MARGIN, MediaFacts, MediaResult},
    units::{Frames, Samples, Size},
};

use self::{
    camera::{Camera, View},
    layer::{Axis, Cover, Layer, Rows, over},
};
use crate::{
    MediaError,
    encode::{EncoderSettings, VideoWriter},
    frames::Format,
};

/// Rows of a picture that are decided together; even, for the chroma planes.
const BAND: usize = 16;
/// Pixels of a band that are decided together; even.
const TILE: usize = 32;
/// Threads a picture is shared between.
const THREADS: usize = 2;

/// One picture as I420 without padding: luma, then both chroma planes of half the size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct I420Planes {
    /// Width and height in pixels, both even.
    pub size: Size,
    /// Luma of every pixel, row by row, 16..=235.
    pub y: Vec<u8>,
    /// Blue difference, 16..=240.
    pub u: Vec<u8>,
    /// Red difference, 16..=240.
    pub v: Vec<u8>,
}

impl I420Planes {
    /// A black picture; both sides must be even.
    pub fn black(size: Size) -> Self {
        let luma = size.width as usize * size.height as usize;
        Self { size, y: vec![16; luma], u: vec![128; luma / 4], v: vec![128; luma / 4] }
    }
}

/// A still and a camera, ready to give any picture of the shot.
#[derive(Debug)]
pub struct Animatic {
    size: Size,
    layers: Vec<Layer>,
    camera: Camera,
}

/// Makes the clip of a plan; `progress` hears the share done.
pub fn run(plan: &AnimaticPlan, progress: &mut dyn FnMut(f64)) -> Result<MediaResult, MediaError> {
    if plan.frames.0 == 0 {
        return Err(MediaError::new(FailureKind::Refused, "a clip has at least one picture"));
    }
    let animatic = Animatic::load(plan)?;
    let mut writer = VideoWriter::create(&plan.video_out, plan.size, plan.fps, &EncoderSettings::default())?;
    let format = Format { size: plan.size, fps: plan.fps };
    let mut planes = I420Planes::black(plan.size);
    for k in 0..plan.frames.0 {
        if k == 0 || !animatic.camera.stands_still() {
            animatic.frame(k, &mut planes);
        }
        writer.push(format.buffer_from_planes([&planes.y, &planes.u, &planes.v])?, k == 0)?;
        progress((k + 1) as f64 / plan.frames.0 as f64);
    }
    let frames: Frames = writer.finish()?;
    let facts = MediaFacts::Video { size: plan.size, fps: plan.fps, frames, codec: "h264".into(), samples: Samples(0) };
    Ok(MediaResult::Animatic { facts })
}

fn read(path: &Path) -> Result<image::RgbaImage, MediaError> {
    let about = |error: &dyn std::fmt::Display| {
        MediaError::input(format!("{}: failed to read the layer: {error}", path.display()))
    };
    let reader = image::ImageReader::open(path).map_err(|error| about(&error))?;
    let reader = reader.with_guessed_format().map_err(|error| about(&error))?;
    Ok(reader.decode().map_err(|error| about(&error))?.into_rgba8())
}

impl Animatic {
    /// Reads the layers. One layer fills the picture; several have [`LAYER_MARGIN`] around it.
    pub fn load(plan: &AnimaticPlan) -> Result<Self, MediaError> {
        let size = Size::new(plan.size.width, plan.size.height)
            .map_err(|error| MediaError::new(FailureKind::Refused, error.to_string()))?;
        if plan.layers.is_empty() {
            return Err(MediaError::new(FailureKind::Refused, "an animatic needs at least one layer"));
        }
        let layered = plan.layers.len() > 1;
        let margin = |side: u32| {
            let share = if layered { LAYER_MARGIN } else { 0.0 };
            side as usize + 2 * (f64::from(side) * share / 2.0).round() as usize * 2
        };
        let (width, height) = (margin(size.width), margin(size.height));
        let mut layers = Vec::with_capacity(plan.layers.len());
        for (index, layer) in plan.layers.iter().enumerate() {
            let mut picture = read(&layer.input)?;
            if index == 0 {
                // Nothing is behind the first layer.
                picture.pixels_mut().for_each(|pixel| pixel.0[3] = 255);
            }
            let depth = if layered { layer.depth } else { 1.0 };
            layers.push(Layer::new(picture, depth, width, height));
        }
        let camera = Camera::new(plan.motion, size, plan.fps, plan.frames, plan.seed, !layered);
        Ok(Self { size, layers, camera })
    }

    /// Picture `k` of the shot. `out` must be of the plan's size.
    pub fn frame(&self, k: u64, out: &mut I420Planes) {
        assert_eq!(out.size, self.size, "the picture has the size of the plan");
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let view = self.camera.at(k);
        let ways: Vec<Ways> = self.layers.iter().map(|layer| Ways::new(layer, self.size, view)).collect();
        let bands = height.div_ceil(BAND);
        let split = (bands.div_ceil(THREADS) * BAND).min(height);
        let (top_y, low_y) = out.y.split_at_mut(split * width);
        let (top_u, low_u) = out.u.split_at_mut(split / 2 * (width / 2));
        let (top_v, low_v) = out.v.split_at_mut(split / 2 * (width / 2));
        std::thread::scope(|scope| {
            let ways = &ways;
            scope.spawn(move || self.bands(ways, (split, height), [low_y, low_u, low_v]));
            self.bands(ways, (0, split), [top_y, top_u, top_v]);
        });
    }

    /// Draws the rows `rows` into planes that begin at the first of them.
    fn bands(&self, ways: &[Ways], rows: (usize, usize), mut planes: [&mut [u8]; 3]) {
        let width = self.size.width as usize;
        let mut brush = Brush::default();
        let mut row = rows.0;
        while row < rows.1 {
            let end = (row + BAND).min(rows.1);
            let mut x = 0;
            while x < width {
                let stack = self.stack(ways, (x, (x + TILE).min(width)), (row, end));
                let mut to = (x + TILE).min(width);
                while to < width && self.stack(ways, (to, (to + TILE).min(width)), (row, end)) == stack {
                    to = (to + TILE).min(width);
                }
                for (index, plane) in planes.iter_mut().enumerate() {
                    let shift = usize::from(index > 0);
                    let stride = width >> shift;
                    let from = ((row - rows.0) >> shift) * stride + (x >> shift);
                    let part =
                        Part { plane: index, x: (x >> shift, to >> shift), y: (row >> shift, end >> shift), stride };
                    brush.paint(&self.layers, ways, stack, &part, &mut plane[from..]);
                }
                x = to;
            }
            row = end;
        }
    }

    /// Which layers a tile needs: bit by bit, the lowest bit set is solid or the first layer.
    fn stack(&self, ways: &[Ways], x: (usize, usize), y: (usize, usize)) -> u32 {
        let mut needed = 0;
        for (index, (layer, way)) in self.layers.iter().zip(ways).enumerate().rev() {
            match layer.cover(way.full.0.reach(x.0, x.1), way.full.1.reach(y.0, y.1)) {
                Cover::Empty if index > 0 => {}
                Cover::Mixed if index > 0 => needed |= 1 << index,
                _ => return needed | 1 << index,
            }
        }
        needed
    }
}

/// Where the picture comes from in a layer: across and down, for the full and the half planes.
#[derive(Debug)]
struct Ways {
    full: (Axis, Axis),
    half: (Axis, Axis),
}

impl Ways {
    fn new(layer: &Layer, size: Size, view: View) -> Self {
        let step = 1.0 / (1.0 + (view.zoom - 1.0) * layer.depth);
        let axis = |side: u32, within: usize, offset: f64, share: usize| {
            let middle = (within as f64 / 2.0 + offset * layer.depth) / share as f64;
            Axis::new(side as usize / share, within / share, middle, step)
        };
        let pair =
            |share| (axis(size.width, layer.width, view.x, share), axis(size.height, layer.height, view.y, share));
        Self { full: pair(1), half: pair(2) }
    }
}

/// A rectangle of one plane of the picture.
struct Part {
    plane: usize,
    x: (usize, usize),
    y: (usize, usize),
    stride: usize,
}

/// Memory for the parts being painted.
#[derive(Default)]
struct Brush {
    rows: Rows,
    colour: Vec<u8>,
    alpha: Vec<u8>,
}

impl Brush {
    /// Paints the layers of `stack` over each other into `out`, which begins at the part's first pixel.
    fn paint(&mut self, layers: &[Layer], ways: &[Ways], stack: u32, part: &Part, out: &mut [u8]) {
        let (wide, high) = (part.x.1 - part.x.0, part.y.1 - part.y.0);
        let lowest = stack.trailing_zeros() as usize;
        for (index, (layer, way)) in layers.iter().zip(ways).enumerate().skip(lowest) {
            if stack & (1 << index) == 0 {
                continue;
            }
            let way = if part.plane == 0 { &way.full } else { &way.half };
            let axes = (&way.0, &way.1);
            let plane = &layer.colour[part.plane];
            if index == lowest {
                self.rows.sample(plane, axes, part.x, part.y, out, part.stride);
                continue;
            }
            self.colour.resize(wide * high, 0);
            self.alpha.resize(wide * high, 0);
            self.rows.sample(plane, axes, part.x, part.y, &mut self.colour, wide);
            self.rows.sample(&layer.alpha[usize::from(part.plane > 0)], axes, part.x, part.y, &mut self.alpha, wide);
            let sources = self.colour.chunks_exact(wide).zip(self.alpha.chunks_exact(wide));
            for (below, (above, alpha)) in out.chunks_mut(part.stride).zip(sources) {
                over(&mut below[..wide], above, alpha);
            }
        }
    }
}
