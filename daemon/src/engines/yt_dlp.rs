//! yt-dlp: fetches a video from an address, where it is installed. Its words become data here and nowhere else.
//!
//! It is called so that it reads no settings, loads no plug-ins, runs nothing, and keeps to sites it knows: its generic
//! extractor would fetch any address. Some of the others take any host, too, and sites redirect: so it reaches the network
//! through a [`Guard`] only, which lets it nowhere into the house.

mod guard;

use std::{
    ffi::OsString,
    net::IpAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use guard::Guard;
use reqwest::Url;
use serde_json::Value;
use studio_core::{
    access::{is_house_name, is_public},
    dataset::{FetchRefusal, IngestFault, LONGEST_SECONDS},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, Command},
};

/// The longest line it may write.
const LONGEST_LINE: u64 = 1 << 20;
/// The longest description of a video.
const LONGEST_ABOUT: u64 = 32 << 20;
/// Characters of its last words that are kept.
const LAST_WORDS: usize = 300;
/// How long a name may take to be looked up.
const LOOK_UP: Duration = Duration::from_secs(10);
/// What of this process's surroundings it may see: no secret of the studio is among it.
const MAY_SEE: [&str; 7] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// A yt-dlp, and how much it may fetch.
#[derive(Debug, Clone)]
pub struct YtDlp {
    /// A name on the path, or a path.
    pub program: String,
    /// How long one video may take.
    pub limit: Duration,
    /// Largest video, in MiB.
    pub most_mib: u32,
}

/// What is wanted of a video.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Pictures, at most 1080 lines, and sound.
    Video,
    /// Sound alone, where the site has it alone.
    Sound,
}

/// What a site says of a video; what it does not say is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// What it is called.
    pub title: String,
    /// The licence it is under.
    pub licence: String,
}

/// An address that may be fetched from: HTTP, without a password in it, of the open internet.
///
/// # Errors
/// It is no such address, it is of the house or leads there, or nobody knows its name.
pub async fn checked(text: &str) -> Result<Url, Unfit> {
    let url = Url::parse(text.trim()).map_err(|_| Unfit::NoUrl)?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return Err(Unfit::NoUrl);
    }
    let Some(host) = url.host_str() else { return Err(Unfit::NoUrl) };
    let port = url.port_or_known_default().unwrap_or(443);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<IpAddr> = if let Ok(address) = bare.parse::<IpAddr>() {
        vec![address]
    } else if is_house_name(bare) {
        // Whatever it leads to from here.
        return Err(Unfit::Fault(IngestFault::House { host: bare.to_owned() }));
    } else {
        let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((bare, port))).await;
        let found = found.ok().and_then(Result::ok).map(|all| all.map(|one| one.ip()).collect());
        found.unwrap_or_default()
    };
    let host = bare.to_owned();
    if addresses.is_empty() {
        return Err(Unfit::Fault(IngestFault::UnknownHost { host }));
    }
    // One of several is enough: which one is asked is not ours to say.
    if !addresses.iter().all(|address| is_public(*address)) {
        return Err(Unfit::Fault(IngestFault::House { host }));
    }
    Ok(url)
}

/// Why nothing is fetched from an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// It is no address of a video: another scheme, a password in it, no host.
    NoUrl,
    /// It is one, and not to be fetched from.
    Fault(IngestFault),
}

impl YtDlp {
    /// Where the program is; `None`: it is not installed.
    pub fn find(&self) -> Option<PathBuf> {
        let runs = |path: &Path| {
            std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
        };
        if self.program.contains('/') {
            return Some(PathBuf::from(&self.program)).filter(|path| runs(path));
        }
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).map(|folder| folder.join(&self.program)).find(|path| runs(path))
    }

    /// What the site says of a video. What is not to be fetched at all is a fault.
    pub async fn about(&self, url: &Url, room: &Path) -> Result<About, IngestFault> {
        let mut options = safe_options();
        options.extend(["-J", "--skip-download", "--", url.as_str()].map(OsString::from));
        let (mut running, _guard) = self.start(options, room).await?;
        let (out, errors) = running.pipes()?;
        let told = async {
            let (mut text, mut out) = (Vec::new(), out.take(LONGEST_ABOUT));
            let (read, last) = tokio::join!(out.read_to_end(&mut text), last_words(errors));
            read.map_err(|error| broken(&error))?;
            let ended = running.child.wait().await.map_err(|error| broken(&error))?;
            if ended.success() { Ok(text) } else { Err(last.map_or(IngestFault::NoFile, |said| refused(&said))) }
        };
        let text = tokio::time::timeout(self.limit, told).await.map_err(|_| self.slow())??;
        let told: Value = serde_json::from_slice(&text).map_err(|error| broken(&error))?;
        // Of a list, the first.
        let one = told["entries"].get(0).unwrap_or(&told);
        if one["is_live"] == true {
            return Err(IngestFault::Live);
        }
        if let Some(length) = one["duration"].as_f64().filter(|length| *length >= LONGEST_SECONDS as f64) {
            return Err(IngestFault::Long { seconds: length as u64, most: LONGEST_SECONDS });
        }
        let text =
            |key: &str| one[key].as_str().unwrap_or_default().chars().filter(|sign| !sign.is_control()).take(300);
        Ok(About { title: text("title").collect(), licence: text("license").collect() })
    }

    /// Fetches a video into a folder that is empty; where it lies. `told` hears bytes that are there, and of how many (0: that
    /// is not known). What is given up half way leaves no process behind, and what grows beyond the limit is given up, however
    /// long the site says that it is.
    pub async fn fetch(
        &self,
        url: &Url,
        wanted: Wanted,
        room: &Path,
        mut told: impl FnMut(u64, u64),
    ) -> Result<PathBuf, IngestFault> {
        let home = room.join("home");
        std::fs::create_dir_all(&home).map_err(|error| broken(&error))?;
        let (mut running, _guard) = self.start(self.options(url, wanted, &home, room), room).await?;
        running.write_at_most(self.most_bytes())?;
        let (out, errors) = running.pipes()?;
        let fetched = async {
            // Whoever grows beyond the limit is not waited for.
            let (heard, last) =
                tokio::try_join!(listen(out, self.most_mib, &mut told), async { Ok(last_words(errors).await) })?;
            let ended = running.child.wait().await.map_err(|error| broken(&error))?;
            let Heard { file, too_large, live } = heard;
            // It ends well also when a filter left the video out: what counts is the file.
            match file {
                Some(file) if ended.success() => Ok(file),
                _ if too_large => Err(IngestFault::Large { most_mib: self.most_mib.into() }),
                _ if live => Err(IngestFault::Live),
                _ if last.as_deref().is_some_and(is_too_large) => {
                    Err(IngestFault::Large { most_mib: self.most_mib.into() })
                }
                _ => Err(last.map_or(IngestFault::NoFile, |said| refused(&said))),
            }
        };
        let file = tokio::time::timeout(self.limit, fetched).await.map_err(|_| self.slow())??;
        let inside = std::fs::canonicalize(&file).ok().zip(std::fs::canonicalize(&home).ok());
        let inside = inside.filter(|(file, home)| file.starts_with(home) && file.is_file());
        let (file, _) = inside.ok_or(IngestFault::NoFile)?;
        let bytes = std::fs::metadata(&file).map_or(0, |about| about.len());
        if bytes > self.most_bytes() {
            return Err(IngestFault::Large { most_mib: self.most_mib.into() });
        }
        Ok(file)
    }

    /// Bytes a file may have: the limit is on each stream, and there are two.
    fn most_bytes(&self) -> u64 {
        (2 * u64::from(self.most_mib)) << 20
    }

    fn options(&self, url: &Url, wanted: Wanted, home: &Path, room: &Path) -> Vec<OsString> {
        let mut options = safe_options();
        let length = format!("!is_live & duration<?{LONGEST_SECONDS}");
        let size = format!("{}M", self.most_mib);
        let settings = [
            ("--match-filters", length.as_str()),
            ("--max-filesize", &size),
            (
                "-f",
                match wanted {
                    Wanted::Video => "bv*[height<=?1080]+ba/b[height<=?1080]",
                    Wanted::Sound => "ba/b[height<=?1080]",
                },
            ),
            ("--merge-output-format", "mp4"),
            ("--trim-filenames", "80"),
            ("--fragment-retries", "3"),
            ("-o", "%(id).40B.%(ext)s"),
            ("--progress-template", "download:PROG %(progress)j"),
            ("--print", "after_move:FILE %(filepath)j"),
        ];
        options.extend(settings.into_iter().flat_map(|(key, value)| [key, value]).map(OsString::from));
        let place = |kind: &str, path: &Path| {
            let mut place = OsString::from(kind);
            place.push(path);
            ["-P".into(), place]
        };
        options.extend(place("home:", home));
        options.extend(place("temp:", &room.join("temp")));
        let switches =
            ["--restrict-filenames", "--no-overwrites", "--no-mtime", "--newline", "--progress", "--no-quiet"];
        options.extend(switches.map(OsString::from));
        options.extend(["--write-info-json", "--", url.as_str()].map(OsString::from));
        options
    }

    /// Starts it, with the only way it has to the network.
    async fn start(&self, options: Vec<OsString>, room: &Path) -> Result<(Running, Guard), IngestFault> {
        let guard = Guard::open(is_public).await.map_err(|error| broken(&error))?;
        let missing = || IngestFault::NoProgram { program: self.program.clone() };
        let program = self.find().ok_or_else(missing)?;
        let seen = MAY_SEE.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let child = Command::new(program)
            .args(["--proxy", &guard.url()])
            .args(options)
            .env_clear()
            .envs(seen)
            .env("TMPDIR", room)
            .current_dir(room)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // With whatever it starts, ffmpeg above all.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| broken(&error))?;
        Ok((Running { child }, guard))
    }

    fn slow(&self) -> IngestFault {
        IngestFault::Slow { seconds: self.limit.as_secs() }
    }
}

/// What every call has.
fn safe_options() -> Vec<OsString> {
    const OPTIONS: [&str; 16] = [
        "--ignore-config",
        "--no-plugin-dirs",
        "--no-cache-dir",
        "--no-remote-components",
        "--use-extractors",
        "default,-generic",
        "--no-playlist",
        "--playlist-items",
        "1",
        "--no-exec",
        "--socket-timeout",
        "20",
        "--retries",
        "3",
        "--color",
        "no_color",
    ];
    OPTIONS.map(OsString::from).to_vec()
}

fn broken(error: &impl ToString) -> IngestFault {
    IngestFault::Broken { said: error.to_string() }
}

/// The program at work; it ends with this, and so does whatever it started.
struct Running {
    child: Child,
}

impl Running {
    fn pipes(&mut self) -> Result<(tokio::process::ChildStdout, tokio::process::ChildStderr), IngestFault> {
        let pipes = self.child.stdout.take().zip(self.child.stderr.take());
        pipes.ok_or_else(|| IngestFault::Broken { said: "the program has no pipes".into() })
    }
}

impl Running {
    /// No file it writes, nor whatever it starts, becomes larger, whatever it says of it.
    fn write_at_most(&self, bytes: u64) -> Result<(), IngestFault> {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let Some(id) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) else { return Ok(()) };
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        match prlimit(Some(id), Resource::Fsize, limit) {
            // It has ended already.
            Ok(_) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(broken(&error)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Without an id it has ended, and its number may be another's.
        let group = self.child.id().and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// What it told of a fetch.
#[derive(Default)]
struct Heard {
    file: Option<PathBuf>,
    too_large: bool,
    live: bool,
}

async fn listen(
    out: impl AsyncRead + Unpin,
    most_mib: u32,
    told: &mut impl FnMut(u64, u64),
) -> Result<Heard, IngestFault> {
    let (mut lines, mut heard) = (BufReader::new(out), Heard::default());
    loop {
        let mut line = Vec::new();
        let read = (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut line).await;
        if read.map_err(|error| broken(&error))? == 0 {
            return Ok(heard);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        if let Some(progress) = line.strip_prefix("PROG ") {
            let progress: Value = serde_json::from_str(progress).unwrap_or_default();
            let number = |key: &str| progress[key].as_f64().map(|number| number.max(0.0) as u64);
            let of = number("total_bytes").or_else(|| number("total_bytes_estimate")).unwrap_or(0);
            let done = number("downloaded_bytes").unwrap_or(0);
            if done >> 20 > u64::from(most_mib) {
                return Err(IngestFault::Large { most_mib: most_mib.into() });
            }
            told(done, of);
        } else if let Some(file) = line.strip_prefix("FILE ") {
            heard.file = serde_json::from_str(file).ok().or(heard.file);
        } else {
            heard.too_large |= line.contains("larger than max-filesize");
            heard.live |= line.contains("does not pass filter");
        }
    }
}

/// The last error it told, else what it said first that is no warning; `None`: it said nothing.
async fn last_words(errors: impl AsyncRead + Unpin) -> Option<String> {
    let (mut lines, mut last) = (BufReader::new(errors), None);
    loop {
        let mut line = Vec::new();
        match (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return last,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        // What it says of its own options comes after how it is used.
        let error = line.starts_with("ERROR") || line.contains(": error: ");
        if error || last.is_none() && !line.is_empty() && !line.starts_with("WARNING") {
            last = Some(line.to_owned());
        }
    }
}

/// Whether it ended because a file would have become larger than it may: itself, or an ffmpeg that it started, which the system
/// ends by signal 25 then.
fn is_too_large(said: &str) -> bool {
    let low = said.to_lowercase();
    ["file too large", "exited with code -25", "exited with code 153"].iter().any(|words| low.contains(words))
}

/// What it says, as what it means.
fn refused(said: &str) -> IngestFault {
    const WORDS: [(&str, FetchRefusal); 15] = [
        ("sign in to confirm", FetchRefusal::Login),
        ("login required", FetchRefusal::Login),
        ("members-only", FetchRefusal::Login),
        ("private video", FetchRefusal::Private),
        ("not available in your country", FetchRefusal::Region),
        ("geo restrict", FetchRefusal::Region),
        ("http error 429", FetchRefusal::TooOften),
        ("drm", FetchRefusal::Protected),
        ("http error 403", FetchRefusal::Forbidden),
        ("http error 404", FetchRefusal::Unavailable),
        ("video unavailable", FetchRefusal::Unavailable),
        ("unsupported url", FetchRefusal::Unsupported),
        ("no suitable extractor", FetchRefusal::Unsupported),
        ("requested format is not available", FetchRefusal::Format),
        ("no video formats found", FetchRefusal::Format),
    ];
    let low = said.to_lowercase();
    if low.contains("this live event") {
        return IngestFault::Live;
    }
    if low.contains("no such option") {
        return IngestFault::Broken {
            said: "yt-dlp is too old; install its version of November 2025 or a later one".into(),
        };
    }
    if low.contains("no space left on device") {
        return IngestFault::DiskFull;
    }
    match WORDS.iter().find(|(words, _)| low.contains(words)) {
        Some((_, how)) => IngestFault::Refused { how: *how },
        None => {
            IngestFault::Broken { said: said.trim_start_matches("ERROR:").trim().chars().take(LAST_WORDS).collect() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_fetched_from_the_house_however_it_is_written() {
        for house in [
            "http://127.0.0.1/film",
            "http://127.1/film",
            "http://2130706433/film",
            "http://0x7f000001/film",
            "http://0177.0.0.1:8401/",
            "http://[::1]/",
            "http://[::ffff:192.168.0.1]/",
            "http://[fd00::1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://169.254.169.254/latest",
            "http://10.0.0.7/",
            "http://0.0.0.0/",
            "http://localhost/",
            "https://LOCALHOST./",
            "http://nas/film",
            "http://printer.local/",
        ] {
            let found = checked(house).await;
            assert!(matches!(found, Err(Unfit::Fault(IngestFault::House { .. }))), "{house}: {found:?}");
        }
        for wrong in ["", "film", "file:///etc/passwd", "ftp://8.8.8.8/", "-J", "http://me:secret@8.8.8.8/", "https://"]
        {
            assert_eq!(checked(wrong).await, Err(Unfit::NoUrl), "{wrong}");
        }
        assert_eq!(
            checked(" https://93.184.216.34/watch?v=1 ").await.unwrap().as_str(),
            "https://93.184.216.34/watch?v=1"
        );
    }

    #[test]
    fn what_it_says_is_told_as_what_it_means() {
        let how = |said: &str| match refused(said) {
            IngestFault::Refused { how } => Some(how),
            _ => None,
        };
        assert_eq!(how("ERROR: [youtube] x: Sign in to confirm you're not a bot"), Some(FetchRefusal::Login));
        assert_eq!(how("ERROR: [generic] x: HTTP Error 404: Not Found"), Some(FetchRefusal::Unavailable));
        assert_eq!(how("ERROR: No suitable extractor found for URL"), Some(FetchRefusal::Unsupported));
        assert_eq!(refused("ERROR: This live event will begin in 2 hours"), IngestFault::Live);
        let old = refused("yt-dlp: error: no such option: --no-remote-components");
        assert!(matches!(&old, IngestFault::Broken { said } if said.contains("too old")), "{old:?}");
        assert_eq!(refused("ERROR: odd"), IngestFault::Broken { said: "odd".into() });
    }
}
