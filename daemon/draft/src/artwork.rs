//! Artwork: thumbnail, backdrop and poster of an episode, from its own pictures.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use image::{DynamicImage, ImageReader, RgbaImage, codecs::jpeg::JpegEncoder, imageops};
use resvg::{tiny_skia, usvg};
use studio_core::{
    media::{MediaFacts, MediaPlan, MediaResult, PicturePlan},
    order::{ArtworkOrder, Order, Role},
    units::{Frames, Size},
};
use studio_engine::{Artifact, Engine, EngineError, FailureKind, Made, Means, Progress, RunMedia, Workspace};
use tokio_util::sync::CancellationToken;

/// Size of a poster: two to three, as Jellyfin shows it.
const POSTER: Size = Size { width: 1000, height: 1500 };
/// Largest size of a thumbnail; the picture keeps its shape.
const THUMB: Size = Size { width: 1280, height: 720 };
/// Largest size of a backdrop; the picture keeps its shape.
const FANART: Size = Size { width: 1920, height: 1080 };
/// Letters in a line of the poster's title before it is broken.
const TITLE_LINE: usize = 14;

/// Makes the pictures around an episode.
pub struct Artwork {
    media: Arc<dyn RunMedia>,
}

impl Artwork {
    /// An engine that takes pictures out of films with `media`.
    pub fn new(media: Arc<dyn RunMedia>) -> Self {
        Self { media }
    }

    async fn make(
        &self,
        order: &ArtworkOrder,
        room: &Workspace,
        progress: &Progress,
        stop: &CancellationToken,
    ) -> Result<Vec<Artifact>, EngineError> {
        let picture = |at: Frames, fit: Option<Size>, name: &str| {
            let plan = PicturePlan { input: room.path(&order.film), at, fps: order.fps, fit, out: room.dir.join(name) };
            async move {
                let out = plan.out.clone();
                match self.media.run(MediaPlan::Picture(plan), &room.dir, &Progress::noop(), stop).await? {
                    MediaResult::Picture { facts } => Ok((out, facts)),
                    _ => Err(EngineError::new(FailureKind::Transient, "the media process answered another question")),
                }
            }
        };
        let (thumb, thumb_facts) = picture(order.thumb_at, Some(THUMB), "thumb.jpg").await?;
        progress.tell(0.3);
        let (fanart, fanart_facts) = picture(order.poster_at, Some(FANART), "fanart.jpg").await?;
        progress.tell(0.6);
        let (frame, _) = picture(order.poster_at, None, "frame.png").await?;
        let (out, title) = (room.dir.join("poster.jpg"), order.title.clone());
        let poster = out.clone();
        tokio::task::spawn_blocking(move || draw_poster(&frame, &title, &out)).await.map_err(|error| {
            EngineError::new(FailureKind::Transient, format!("failed to draw the poster: {error}"))
        })??;
        Ok(vec![
            made(Role::Thumb, thumb, thumb_facts),
            made(Role::Poster, poster, MediaFacts::Still { size: POSTER }),
            made(Role::Fanart, fanart, fanart_facts),
        ])
    }
}

fn made(role: Role, path: PathBuf, facts: MediaFacts) -> Artifact {
    Artifact::File { role, path, facts }
}

impl Engine for Artwork {
    fn version(&self) -> String {
        "draft.artwork/1".into()
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, progress, stop }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            match order {
                Order::Artwork(order) => self.make(order, room, progress, stop).await,
                _ => Err(EngineError::new(FailureKind::Refused, "the artwork engine does not make this")),
            }
        })
    }
}

/// A picture of the film, cut to the poster's shape, with the title over a shadow at its foot.
fn draw_poster(frame: &Path, title: &str, out: &Path) -> Result<(), EngineError> {
    let bad = |what: &str, error: &dyn std::fmt::Display| {
        EngineError::new(FailureKind::Transient, format!("failed to {what}: {error}"))
    };
    let frame = ImageReader::open(frame)
        .map_err(|error| EngineError::io("failed to open the poster's picture", &error))?
        .decode()
        .map_err(|error| bad("read the poster's picture", &error))?;
    let mut poster = frame.resize_to_fill(POSTER.width, POSTER.height, imageops::FilterType::CatmullRom).to_rgba8();
    let lettering = lettering(title).map_err(|error| bad("draw the poster's title", &error))?;
    imageops::overlay(&mut poster, &lettering, 0, 0);
    let file = std::fs::File::create(out).map_err(|error| EngineError::io("failed to write the poster", &error))?;
    JpegEncoder::new_with_quality(file, 90)
        .encode_image(&DynamicImage::ImageRgba8(poster).to_rgb8())
        .map_err(|error| bad("write the poster", &error))
}

fn lettering(title: &str) -> Result<RgbaImage, usvg::Error> {
    let mut options = usvg::Options::default();
    options.fontdb_mut().load_system_fonts();
    let tree = usvg::Tree::from_str(&lettering_svg(title), &options)?;
    let mut pixels = tiny_skia::Pixmap::new(POSTER.width, POSTER.height).expect("a poster has a size");
    resvg::render(&tree, tiny_skia::Transform::identity(), &mut pixels.as_mut());
    let straight = pixels.pixels().iter().flat_map(|pixel| {
        let pixel = pixel.demultiply();
        [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
    });
    Ok(RgbaImage::from_raw(POSTER.width, POSTER.height, straight.collect()).expect("one pixel for each"))
}

fn lettering_svg(title: &str) -> String {
    let lines = break_title(title);
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(1).max(6);
    let size = (1500 / longest).clamp(48, 130);
    let first = 1400 - (lines.len() - 1) * size * 11 / 10;
    let text = |(n, line): (usize, &String)| {
        let y = first + n * size * 11 / 10;
        format!("<text x=\"500\" y=\"{y}\">{}</text>", quick_xml::escape::escape(line.as_str()))
    };
    let texts = lines.iter().enumerate().map(text).collect::<Vec<_>>().concat();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1000\" height=\"1500\"><defs>\
         <linearGradient id=\"s\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"1\"><stop offset=\"0\" stop-color=\"#05070c\" stop-opacity=\"0\"/>\
         <stop offset=\"1\" stop-color=\"#05070c\" stop-opacity=\"0.92\"/></linearGradient></defs>\
         <rect y=\"800\" width=\"1000\" height=\"700\" fill=\"url(#s)\"/>\
         <g font-family=\"DejaVu Serif, Noto Serif, serif\" font-weight=\"bold\" font-size=\"{size}\" \
         fill=\"#f4efe6\" text-anchor=\"middle\">{texts}</g></svg>"
    )
}

fn break_title(title: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in title.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < TITLE_LINE => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.truncate(5);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_with_markup_is_drawn_as_written() {
        let svg = lettering_svg("Tom & <Jerry> \"go\"");
        assert!(!svg.contains("<Jerry>"), "{svg}");
        lettering("Tom & <Jerry>").unwrap();
    }

    #[test]
    fn a_poster_has_its_shape_and_a_dark_foot() {
        let dir = tempfile::tempdir().unwrap();
        let (frame, out) = (dir.path().join("f.png"), dir.path().join("p.jpg"));
        RgbaImage::from_pixel(320, 180, image::Rgba([200, 200, 200, 255])).save(&frame).unwrap();
        draw_poster(&frame, "Harbour Lights", &out).unwrap();
        let poster = image::open(&out).unwrap().to_luma8();
        assert_eq!(poster.dimensions(), (1000, 1500));
        assert!(poster.get_pixel(10, 1490)[0] < 60 && poster.get_pixel(10, 100)[0] > 180);
    }
}
