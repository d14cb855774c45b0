//! The GStreamer elements the studio needs, and the Debian packages that bring them.
//!
//! Plain data, so that `studiod check` can name a remedy without linking GStreamer into its own process:
//! the child answers `studiod media elements` with the names it could not find.

/// Every element a media job may ask for, with its Debian package.
pub const NEEDED: &[(&str, &str)] = &[
    ("filesrc", "libgstreamer1.0-0"),
    ("filesink", "libgstreamer1.0-0"),
    ("queue", "libgstreamer1.0-0"),
    ("capsfilter", "libgstreamer1.0-0"),
    ("fakesink", "libgstreamer1.0-0"),
    ("appsrc", "gstreamer1.0-plugins-base"),
    ("appsink", "gstreamer1.0-plugins-base"),
    ("audioconvert", "gstreamer1.0-plugins-base"),
    ("audioresample", "gstreamer1.0-plugins-base"),
    ("videoconvertscale", "gstreamer1.0-plugins-base"),
    ("subparse", "gstreamer1.0-plugins-base"),
    ("opusdec", "gstreamer1.0-plugins-base"),
    ("vorbisdec", "gstreamer1.0-plugins-base"),
    ("textoverlay", "gstreamer1.0-x"),
    ("qtdemux", "gstreamer1.0-plugins-good"),
    ("mp4mux", "gstreamer1.0-plugins-good"),
    ("matroskademux", "gstreamer1.0-plugins-good"),
    ("wavparse", "gstreamer1.0-plugins-good"),
    ("videoflip", "gstreamer1.0-plugins-good"),
    ("jpegdec", "gstreamer1.0-plugins-good"),
    ("vp8dec", "gstreamer1.0-plugins-good"),
    ("vp9dec", "gstreamer1.0-plugins-good"),
    ("flacparse", "gstreamer1.0-plugins-good"),
    ("flacdec", "gstreamer1.0-plugins-good"),
    ("wavpackparse", "gstreamer1.0-plugins-good"),
    ("wavpackdec", "gstreamer1.0-plugins-good"),
    ("aacparse", "gstreamer1.0-plugins-good"),
    ("mpegaudioparse", "gstreamer1.0-plugins-good"),
    ("h264parse", "gstreamer1.0-plugins-bad"),
    ("h265parse", "gstreamer1.0-plugins-bad"),
    ("av1parse", "gstreamer1.0-plugins-bad"),
    ("mpeg4videoparse", "gstreamer1.0-plugins-bad"),
    ("mpegvideoparse", "gstreamer1.0-plugins-bad"),
    ("av1dec", "gstreamer1.0-plugins-bad"),
    ("pitch", "gstreamer1.0-plugins-bad"),
    ("x264enc", "gstreamer1.0-plugins-ugly"),
    ("avenc_aac", "gstreamer1.0-libav"),
    ("avdec_h264", "gstreamer1.0-libav"),
    ("avdec_h265", "gstreamer1.0-libav"),
    ("avdec_mpeg4", "gstreamer1.0-libav"),
    ("avdec_mpeg2video", "gstreamer1.0-libav"),
    ("avdec_prores", "gstreamer1.0-libav"),
    ("avdec_ffv1", "gstreamer1.0-libav"),
    ("avdec_alac", "gstreamer1.0-libav"),
    ("avdec_aac", "gstreamer1.0-libav"),
    ("avdec_mp3", "gstreamer1.0-libav"),
];

/// What the child tells.
#[derive(Debug, serde::Deserialize)]
pub struct ElementReport {
    /// Which GStreamer, e.g. `GStreamer 1.22.0`.
    pub version: String,
    /// Elements that are missing, with their packages.
    pub missing: Vec<(String, String)>,
}

/// The Debian package that brings `element`; `None` for an element the studio does not ask for.
pub fn package_of(element: &str) -> Option<&'static str> {
    NEEDED.iter().find(|(name, _)| *name == element).map(|(_, package)| *package)
}

/// One sentence that says what is missing and how to get it.
pub fn missing_sentence(element: &str) -> String {
    match package_of(element) {
        Some(package) => format!("GStreamer element '{element}' is missing: install {package}"),
        None => format!("GStreamer element '{element}' is missing: install its plugin"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_names_the_package() {
        assert_eq!(
            missing_sentence("x264enc"),
            "GStreamer element 'x264enc' is missing: install gstreamer1.0-plugins-ugly"
        );
    }
}
