//! Engines: programs that make something.

mod chat;
mod http;
mod judge;
pub mod likeness;
mod program;
mod resident_server;
pub(crate) mod wav;

pub mod ace_step;
pub mod comfy;
pub mod ollama;
pub mod openai;
pub mod reader;
pub mod speech;
pub mod trainer;
pub mod unusable;
pub mod whisper;
pub mod yt_dlp;

pub use chat::{Answer, Asking, Chat, Usage};
pub use http::{Http, prepare};
pub use resident_server::{Home, Patience, Service};
