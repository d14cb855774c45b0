//! studiod: everything that touches the world. The rules live in `studio-core`.
#![deny(unsafe_code)]

pub mod app;
pub mod cli;
pub mod clock;
pub mod conductor;
pub mod config;
pub mod definitions;
pub mod engines;
pub mod events;
pub mod files;
pub mod forecast;
pub mod gpu;
pub mod media;
pub mod metrics;
pub mod pass;
pub mod publish;
pub mod store;
pub mod text_file;
pub mod trace;
pub mod upkeep;
pub mod wait;
pub mod web;
