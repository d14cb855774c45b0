//! The rules of the studio: values in, values out.
//!
//! Nothing here reads a clock, draws a random number, opens a file or a socket. Time, seeds and facts about
//! the world arrive as arguments; what should happen leaves as plain values. See `ARCHITECTURE.md`.
#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

pub mod access;
pub mod asset;
pub mod chance;
pub mod character;
pub mod dataset;
pub mod durations;
pub mod episode;
pub mod failure;
pub mod fleet;
pub mod fountain;
pub mod gates;
pub mod gpu;
pub mod heading;
pub mod ids;
pub mod job;
pub mod journal;
pub mod ladder;
pub mod learning;
pub mod location;
pub mod lora;
pub mod media;
pub mod mixdown;
pub mod model;
pub mod motion;
pub mod music;
pub mod naming;
pub mod nearest;
pub mod order;
pub mod pause;
pub mod portrait;
pub mod production;
pub mod project;
pub mod prompt;
pub mod quiet;
pub mod recipe;
pub mod resample;
pub mod review;
pub mod samples;
pub mod scene;
pub mod schedule;
pub mod script;
pub mod shot;
pub mod sim;
pub mod spoken;
pub mod story;
pub mod subtitle;
pub mod take;
pub mod task;
pub mod text;
pub mod timeline;
pub mod training;
pub mod units;
pub mod views;
mod word;
pub mod workflow;
