//! studiod.

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("media") {
        return studiod::media::worker::main();
    }
    ExitCode::SUCCESS
}
