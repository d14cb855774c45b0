//! studiod: the one binary. `studiod media` is its own child process for everything that touches `GStreamer`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else, and without a runtime: the child must start fast and own its threads.
    if std::env::args_os().nth(1).is_some_and(|first| first == "media") {
        return studio_media::main();
    }
    studiod::cli::main()
}
