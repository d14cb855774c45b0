//! The whole studio in memory: the real conductor, store and files, with a clock and engines that do as they are told.

mod access;
mod api;
mod approvals;
mod bench;
mod captions;
mod comfy;
mod datasets;
mod engines;
mod film;
mod fleet;
mod hands;
mod inbox;
mod ingests;
mod lists;
mod marks;
mod names;
mod nouns;
mod observed;
mod oracle;
mod plans;
mod retakes;
mod reviews;
mod routes;
mod scans;
#[path = "../support/servers/mod.rs"]
mod servers;
mod sights;
mod sources;
mod stopping;
mod stories;
mod strangers;
mod streams;
mod studio;
mod trouble;
