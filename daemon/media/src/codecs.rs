//! Codecs: which elements decode a stream, and what to do about one that nothing here decodes.

use std::path::Path;

use gst::prelude::*;
use gstreamer as gst;
use gstreamer_pbutils as gst_pbutils;
use studio_core::failure::FailureKind;

use crate::{MediaError, ebml, elements};

/// What a stream of a film holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Moving pictures of a film.
    Pictures,
    /// Sound beside them, or alone.
    Sound,
}

impl Stream {
    /// By what a demuxer says of it; `None` for subtitles, data and the like.
    pub fn of(caps: &gst::CapsRef) -> Option<Self> {
        let name = caps.structure(0)?.name();
        // A series of pictures (Motion JPEG) is said as a picture.
        let pictures = name.starts_with("video/") || name.starts_with("image/");
        pictures.then_some(Self::Pictures).or_else(|| name.starts_with("audio/").then_some(Self::Sound))
    }

    /// What everything can read.
    fn remedy(self) -> &'static str {
        match self {
            // Pictures of H.264 that cannot be decoded are of another kind than this.
            Self::Pictures => "save it as MP4 with H.264 pictures in 4:2:0 (yuv420p)",
            Self::Sound => "save its sound as AAC, FLAC or WAV",
        }
    }
}

/// Parsers and decoder of a stream, in order; none for one that is not coded. All of them are installed.
///
/// # Errors
/// `Refused`, when an element is missing: with its package. `BadInput`, when nothing decodes it: with the codec's name.
pub fn decoders(caps: &gst::CapsRef) -> Result<Vec<String>, MediaError> {
    let (Some(stream), Some(first)) = (Stream::of(caps), caps.structure(0)) else {
        return Err(MediaError::internal("neither pictures nor sound"));
    };
    let its = || its(stream, caps);
    if let Some(known) = known(first) {
        let missing = known.iter().find(|name| gst::ElementFactory::find(name).is_none());
        return match missing {
            None => Ok(known.iter().map(|name| (*name).to_owned()).collect()),
            Some(name) => {
                let sentence = format!("{}, and {}", its(), elements::missing_sentence(name));
                Err(MediaError::new(FailureKind::Refused, sentence))
            }
        };
    }
    match installed(caps) {
        Some(decoder) => Ok(vec![decoder]),
        None => Err(MediaError::input(format!("{}, which nothing here decodes; {}", its(), stream.remedy()))),
    }
}

/// The codec's name in place of what its decoder said when it could not begin.
pub fn in_codec(fault: MediaError, name: &str, caps: &gst::CapsRef) -> MediaError {
    if fault.kind == FailureKind::BadInput { unreadable(name, caps) } else { fault }
}

/// The refusal of a stream that nothing here decodes.
pub fn unreadable(name: &str, caps: &gst::CapsRef) -> MediaError {
    let stream = Stream::of(caps).unwrap_or(Stream::Pictures);
    MediaError::input(format!("{name}: {}, which cannot be decoded here; {}", its(stream, caps), stream.remedy()))
}

fn its(stream: Stream, caps: &gst::CapsRef) -> String {
    let codec = name_of(caps);
    match stream {
        Stream::Pictures => format!("its pictures are {codec}"),
        Stream::Sound => format!("its sound is {codec}"),
    }
}

/// The codecs people bring, always decoded by the same elements.
fn known(stream: &gst::StructureRef) -> Option<&'static [&'static str]> {
    let version = stream.get::<i32>("mpegversion").unwrap_or(0);
    Some(match stream.name().as_str() {
        "video/x-h264" => &["h264parse", "avdec_h264"],
        "video/x-h265" => &["h265parse", "avdec_h265"],
        "video/x-vp8" => &["vp8dec"],
        "video/x-vp9" => &["vp9dec"],
        "video/x-av1" => &["av1parse", "av1dec"],
        "video/mpeg" if version == 4 => &["mpeg4videoparse", "avdec_mpeg4"],
        "video/mpeg" => &["mpegvideoparse", "avdec_mpeg2video"],
        "video/x-prores" => &["avdec_prores"],
        "video/x-ffv" => &["avdec_ffv1"],
        "image/jpeg" => &["jpegdec"],
        "audio/mpeg" if version == 1 => &["mpegaudioparse", "avdec_mp3"],
        "audio/mpeg" => &["aacparse", "avdec_aac"],
        "audio/x-opus" => &["opusdec"],
        "audio/x-vorbis" => &["vorbisdec"],
        "audio/x-flac" => &["flacparse", "flacdec"],
        "audio/x-alac" => &["avdec_alac"],
        "audio/x-wavpack" => &["wavpackparse", "wavpackdec"],
        "video/x-raw" | "audio/x-raw" => &[],
        _ => return None,
    })
}

/// The decoder that GStreamer itself would choose. Those of a card's are left out: they come and go with its driver.
fn installed(caps: &gst::CapsRef) -> Option<String> {
    let caps = caps.to_owned();
    let all = gst::ElementFactory::factories_with_type(gst::ElementFactoryType::DECODER, gst::Rank::MARGINAL);
    let soft = |factory: &gst::ElementFactory| !factory.klass().contains("Hardware");
    let fits = all.iter().filter(|factory| soft(factory) && factory.can_sink_any_caps(&caps));
    let best = fits.max_by(|one, other| one.rank().cmp(&other.rank()).then_with(|| other.name().cmp(&one.name())));
    best.map(|factory| factory.name().to_string())
}

/// What people call a codec; four letters where only those are known.
pub fn name_of(caps: &gst::CapsRef) -> String {
    let own = |stream: &gst::StructureRef| {
        let name = stream.name();
        let letters = name.split_once("x-gst-fourcc-").map(|(_, letters)| letters.to_owned());
        // Matroska's own name for it, which may be that of a wrapper only
        let letters = letters.or_else(|| {
            let wrapper = stream.get::<String>("codec-id").ok()?;
            Some(stream.get::<String>("fourcc").unwrap_or(wrapper))
        })?;
        let tag = stream.get::<i32>("format").ok().and_then(|tag| u16::try_from(tag).ok());
        Some(tag.map_or_else(|| format!("of the codec '{letters}'"), name_of_tag))
    };
    let said = || gst_pbutils::pb_utils_get_codec_description(caps);
    caps.structure(0).and_then(own).unwrap_or_else(|| said().to_string())
}

/// What people call a kind of sound that has a number in WAV and its relatives.
pub fn name_of_tag(tag: u16) -> String {
    let name = match tag {
        0x0002 => "Microsoft ADPCM",
        0x0006 => "A-law (G.711)",
        0x0007 => "mu-law (G.711)",
        0x0011 | 0x0069 => "IMA ADPCM",
        0x0020 => "Yamaha ADPCM",
        0x0022 => "TrueSpeech",
        0x0031 => "GSM 6.10",
        0x0014 | 0x0042 => "G.723",
        0x0040 | 0x0045 | 0x0064 => "G.726 ADPCM",
        0x0065 | 0x028f => "G.722 ADPCM",
        0x0050 => "MPEG layer 2 (MP2)",
        0x0055 => "MP3",
        0x00ff | 0x1600..=0x1602 | 0x1610 => "AAC",
        0x0160..=0x0163 => "Windows Media Audio",
        0x0270 => "ATRAC3",
        0x0092 | 0x2000 => "AC-3",
        0x2001 => "DTS",
        0x5346 => "Flash ADPCM",
        0x674f..=0x6771 => "Vorbis",
        0x704f => "Opus",
        0xa109 => "Speex",
        0xf1ac => "FLAC",
        // It has no number, and this is how its long name begins.
        0x87af => "E-AC-3",
        _ => return format!("of the codec 0x{tag:04x}"),
    };
    name.to_owned()
}

/// What a demuxer says of a stream of the file at `path`, with the letters of the codec where it only knows the wrapper.
pub fn caps_of(pad: &gst::Pad, path: &Path) -> gst::Caps {
    let mut caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let wrapper = caps.structure(0).and_then(|stream| stream.get::<String>("codec-id").ok());
    let letters = wrapper.filter(|name| name.ends_with("_QUICKTIME")).and_then(|name| ebml::letters(path, &name));
    if let Some(letters) = letters {
        caps.make_mut().set("fourcc", letters);
    }
    caps
}

/// Says on the bus why a stream is not read.
pub fn refuse(demux: &gst::Element, fault: &MediaError) {
    match fault.kind {
        FailureKind::Refused => gst::element_error!(demux, gst::CoreError::MissingPlugin, ("{}", fault.message)),
        FailureKind::BadInput => gst::element_error!(demux, gst::StreamError::CodecNotFound, ("{}", fault.message)),
        _ => gst::element_error!(demux, gst::LibraryError::Failed, ("{}", fault.message)),
    }
}
