//! A part of a join: its index in display order, its coded pictures, and decoding from any key frame.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_app as gst_app;
use studio_core::{failure::FailureKind, units::Fps};

use crate::{
    MediaError,
    encode::AccessUnit,
    frames::{Format, time_ns},
    index::FilmIndex,
    pipeline::{Running, make},
    reader::VideoReader,
    source,
};

/// An opened part.
pub struct Part {
    /// Where it is.
    pub path: PathBuf,
    /// Where its coded pictures lie, and when they are shown.
    pub index: FilmIndex,
    /// Pictures at which decoding can begin and before which everything is shown before; in display order.
    pub keys: Vec<u64>,
    /// Place in display order of each picture in decoding order.
    ranks: Vec<u64>,
    file: File,
}

impl Part {
    /// Opens an MP4 whose pictures come at exactly `fps`.
    pub fn open(path: &Path, fps: Fps) -> Result<Self, MediaError> {
        let name = path.display();
        let file = source::open(path)?;
        if source::kind_of(path)? != source::Kind::Mp4 {
            return Err(MediaError::input(format!("{name}: is not an MP4 film")));
        }
        let index = FilmIndex::read(path)?
            .ok_or_else(|| MediaError::input(format!("{name}: has no index of pictures; normalise it first")))?;
        let mut order: Vec<usize> = (0..index.pictures.len()).collect();
        order.sort_by_key(|&at| index.pictures[at].shown);
        let mut ranks = vec![0; order.len()];
        for (rank, &at) in order.iter().enumerate() {
            ranks[at] = rank as u64;
        }
        let first = order.first().map_or(0, |&at| index.pictures[at].shown);
        let steady = order.iter().enumerate().all(|(rank, &at)| {
            let ns = (index.pictures[at].shown - first).max(0) as u128 * 1_000_000_000 / u128::from(index.timescale);
            ns.abs_diff(u128::from(time_ns(rank as u64, fps))) <= u128::from(time_ns(1, fps) / 8)
        });
        if !steady {
            return Err(MediaError::input(format!(
                "{name}: does not have {fps} pictures a second; normalise it first"
            )));
        }
        let keys = clean_keys(&index, &ranks);
        Ok(Self { path: path.to_owned(), index, keys, ranks, file })
    }

    /// Pictures in it.
    pub fn frames(&self) -> u64 {
        self.ranks.len() as u64
    }

    /// Bytes of its pictures.
    pub fn bytes(&self) -> u64 {
        self.index.pictures.iter().map(|picture| u64::from(picture.size)).sum()
    }

    /// By how many pictures showing must lag behind decoding, so that no picture is shown before it is decoded.
    pub fn delay(&self) -> u64 {
        self.ranks.iter().zip(0u64..).map(|(rank, at)| at.saturating_sub(*rank)).max().unwrap_or(0)
    }

    /// The coded picture at a place in decoding order.
    pub fn unit(&self, at: u64) -> Result<AccessUnit, MediaError> {
        let coded = self.index.pictures[at as usize];
        let mut bytes = vec![0; coded.size as usize];
        self.file
            .read_exact_at(&mut bytes, coded.offset)
            .map_err(|error| MediaError::io(&format!("failed to read {}", self.path.display()), &error))?;
        let buffer = gst::Buffer::from_mut_slice(bytes);
        Ok(AccessUnit { buffer, display: self.ranks[at as usize], key: coded.key })
    }
}

/// Key frames at which decoding order and display order agree: nothing before is shown after, nor the reverse.
fn clean_keys(index: &FilmIndex, ranks: &[u64]) -> Vec<u64> {
    let mut latest = None;
    let mut keys = Vec::new();
    for (at, (picture, &rank)) in index.pictures.iter().zip(ranks).enumerate() {
        let closed = latest.is_none_or(|latest| latest < at as u64);
        if picture.key && rank == at as u64 && closed {
            keys.push(rank);
        }
        latest = latest.max(Some(rank));
    }
    keys
}

/// Caps of H.264 as it lies in an MP4.
pub fn coded_caps(configuration: &[u8], format: Format) -> gst::Caps {
    gst::Caps::builder("video/x-h264")
        .field("stream-format", "avc")
        .field("alignment", "au")
        .field("width", format.size.width as i32)
        .field("height", format.size.height as i32)
        .field("framerate", gst::Fraction::new(format.fps.num as i32, format.fps.den as i32))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .field("colorimetry", "bt709")
        .field("codec_data", gst::Buffer::from_mut_slice(configuration.to_vec()))
        .build()
}

/// Pictures of a part, one after the other.
pub enum Pictures {
    /// Only a stretch, decoded from its key frame.
    Window(Window),
    /// The whole part, scaled to the film's size.
    Film(VideoReader),
}

impl Pictures {
    /// The next picture; running out is an input fault.
    pub fn next_frame(&mut self, name: &Path) -> Result<gst::Buffer, MediaError> {
        let frame = match self {
            Self::Window(window) => window.next_frame()?,
            Self::Film(reader) => reader.next_picture()?.and_then(|picture| picture.sample.buffer_owned()),
        };
        frame.ok_or_else(|| {
            MediaError::damaged(&name.display().to_string(), "there are fewer pictures than its index says")
        })
    }
}

/// Decodes a stretch of an H.264 part. The frames are those a decoder of the whole part gives, bit by bit.
pub struct Window {
    running: Running,
    sink: gst_app::AppSink,
    name: String,
}

impl Window {
    /// Decodes from picture `from` up to (not including) `until`, which must be a key frame or the end.
    pub fn open(part: &Part, from: u64, until: u64, format: Format) -> Result<Self, MediaError> {
        let name = part.path.display().to_string();
        let key = part.keys.iter().copied().rfind(|key| *key <= from).unwrap_or(0);
        let pipeline = gst::Pipeline::new();
        // the whole stretch is queued coded: it is small, and pushing never waits
        let source = gst_app::AppSrc::builder()
            .caps(&coded_caps(&part.index.configuration, format))
            .format(gst::Format::Time)
            .build();
        source.set_max_bytes(0);
        let decoder = make("avdec_h264")?;
        let sink = gst_app::AppSink::builder()
            .sync(false)
            .max_buffers(4)
            .caps(&gst::Caps::builder("video/x-raw").field("format", "I420").build())
            .build();
        let elements = [source.clone().upcast(), decoder, sink.clone().upcast()];
        pipeline.add_many(&elements)?;
        gst::Element::link_many(&elements)?;
        let running = Running::start(pipeline, &[&source], FailureKind::BadInput, &name)?;
        for at in key..until {
            let unit = part.unit(at)?;
            let mut buffer = unit.buffer;
            let time = |n: u64| format.time_of(n);
            {
                let buffer = buffer.make_mut();
                buffer.set_pts(time(unit.display));
                buffer.set_duration(time(unit.display + 1) - time(unit.display));
                if !unit.key {
                    buffer.set_flags(gst::BufferFlags::DELTA_UNIT);
                }
            }
            source.push_buffer(buffer).map_err(|error| running.fault(FailureKind::BadInput, &name, &error))?;
        }
        source.end_of_stream()?;
        let mut window = Self { running, sink, name };
        for _ in key..from {
            window.next_frame()?;
        }
        Ok(window)
    }

    fn next_frame(&mut self) -> Result<Option<gst::Buffer>, MediaError> {
        let sample = self.running.pull(&self.sink, FailureKind::BadInput, &self.name)?;
        Ok(sample.and_then(|sample| sample.buffer_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Coded;

    fn coded(shown: &[i64], keys: &[usize]) -> FilmIndex {
        let picture = |(at, shown): (usize, &i64)| Coded {
            offset: 0,
            size: 1,
            decoded: 0,
            shown: *shown,
            key: keys.contains(&at),
        };
        FilmIndex {
            codec: *b"avc1",
            width: 16,
            height: 16,
            timescale: 1,
            edits: Vec::new(),
            patch: None,
            pictures: shown.iter().enumerate().map(picture).collect(),
            configuration: Vec::new(),
        }
    }

    #[test]
    fn an_open_group_is_no_place_to_cut() {
        let closed = coded(&[0, 2, 1, 3, 5, 4], &[0, 3]);
        assert_eq!(clean_keys(&closed, &[0, 2, 1, 3, 5, 4]), [0, 3]);
        let open = coded(&[0, 2, 1, 5, 3, 4], &[0, 3]);
        assert_eq!(clean_keys(&open, &[0, 2, 1, 5, 3, 4]), [0], "pictures before the second key are shown after it");
    }
}
