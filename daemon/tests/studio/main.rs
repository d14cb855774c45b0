//! The whole studio in memory: the real conductor, store and files, with a clock and engines that do as they are told.

mod access;
mod api;
mod approvals;
mod bench;
mod comfy;
mod datasets;
mod engines;
mod film;
mod fleet;
mod hands;
mod ingests;
mod lists;
mod marks;
mod nouns;
mod observed;
mod oracle;
mod plans;
mod retakes;
mod routes;
mod stopping;
mod stories;
mod strangers;
mod streams;
mod studio;
mod trouble;
