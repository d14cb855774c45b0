//! A studio of one test's own: a data directory, a library, settings for small pictures, and the real program.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything takes on a busy machine; only a hang gets here.
const PATIENCE: Duration = Duration::from_mins(4);
/// How often a condition that nobody announces is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// Small pictures at a low rate: the same work in a fraction of the time.
const SETTINGS: &str = "[film]\nsize = \"192x108\"\nfps = 12\n";

/// A studio in a temporary folder.
pub struct Studio {
    folder: TempDir,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The answer of a command that was given `--json`.
    pub fn json(&self) -> Value {
        serde_json::from_str(self.out.trim()).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// Fails the test unless it ended with `code`.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

impl Studio {
    /// An empty studio.
    pub fn new() -> Self {
        let studio = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        studio.settings("");
        studio
    }

    /// Settings for small pictures, and `more`.
    pub fn settings(&self, more: &str) {
        fs::write(self.path("config.toml"), format!("{SETTINGS}{more}")).expect("the settings are written");
    }

    /// A path in the studio's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where everything is kept.
    pub fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Where films are published.
    pub fn library(&self) -> PathBuf {
        self.path("library")
    }

    /// Writes a screenplay and returns where.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a file is written");
        path
    }

    /// The program with this studio's folders, nothing of the caller's environment, and `args`.
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_studiod"));
        let names = ["DATA_DIR", "CONFIG", "LOG", "TOKEN", "TOKEN_FILE"].map(|name| format!("STUDIOD_{name}"));
        for name in names.iter().map(String::as_str).chain(["NOTIFY_SOCKET", "WATCHDOG_USEC"]) {
            command.env_remove(name);
        }
        // A token somebody keeps among their own settings is not this studio's.
        command.env("XDG_CONFIG_HOME", self.path("home"));
        command.arg("--data-dir").arg(self.data()).arg("--config").arg(self.path("config.toml")).args(args);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Said {
        let mut running = Running::start(self.command(args));
        running.finish()
    }

    /// The command that produces `play` into the library.
    pub fn producing(&self, play: &Path) -> Command {
        let mut command = self.command(["--json", "produce"]);
        command.arg(play).arg("--library").arg(self.library());
        command
    }

    /// Produces `play` into the library, whatever comes of it.
    pub fn produce(&self, play: &Path) -> Said {
        Running::start(self.producing(play)).finish()
    }

    /// Produces `play` and returns the answer; anything but success fails the test.
    #[track_caller]
    pub fn make(&self, play: &Path) -> Value {
        self.produce(play).ended(0).json()
    }
}

/// The program at work, in a process group of its own that ends with this value.
pub struct Running {
    child: Child,
    out: Option<std::thread::JoinHandle<String>>,
    err: Option<std::thread::JoinHandle<String>>,
    over: bool,
}

fn listen(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut said = Vec::new();
        let _ = pipe.read_to_end(&mut said);
        String::from_utf8_lossy(&said).into_owned()
    })
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        use std::os::unix::process::CommandExt;
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn().expect("the program starts");
        let out = Some(listen(child.stdout.take().expect("a pipe")));
        let err = Some(listen(child.stderr.take().expect("a pipe")));
        Self { child, out, err, over: false }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended, and how; does not wait.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let ended = self.child.try_wait().expect("a child can be asked");
        self.over |= ended.is_some();
        ended
    }

    /// Sends a signal, e.g. `INT`, to the program alone.
    pub fn signal(&self, name: &str) {
        kill(name, &self.pid().to_string());
    }

    /// What a power cut does: the program and all its children are gone at once.
    pub fn cut(&mut self) {
        if !self.over {
            kill("KILL", &format!("-{}", self.pid()));
            let _ = self.child.wait();
            self.over = true;
        }
    }

    /// Waits for the end; a hang fails the test.
    pub fn finish(&mut self) -> Said {
        until("the program to end", || self.ended());
        let status = self.child.wait().expect("a child can be waited for");
        let heard = |pipe: &mut Option<std::thread::JoinHandle<String>>| {
            pipe.take().map_or_else(String::new, |pipe| pipe.join().expect("what it said"))
        };
        Said { code: status.code(), out: heard(&mut self.out), err: heard(&mut self.err) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cut();
    }
}

fn kill(signal: &str, whom: &str) {
    let sent = Command::new("kill").args(["-s", signal, "--", whom]).stderr(Stdio::null()).status();
    sent.expect("kill can be started");
}

/// Looks until there is an answer; a hang fails the test with what it waited for.
#[expect(clippy::disallowed_methods, reason = "the real program, which has the machine's time")]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited too long for {what}");
        block(async { tokio::time::sleep(LOOK).await });
    }
}

/// Runs a future on a runtime of its own.
pub fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}
