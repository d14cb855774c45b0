//! The program as a person or a script uses it: the real binary, small pictures, everything else as it ships.
//!
//! `scripts/with-postgres cargo nextest run -p studiod --test film`

#[path = "film/archive.rs"]
mod archive;
#[path = "film/bad_input.rs"]
mod bad_input;
#[path = "film/book.rs"]
mod book;
#[path = "film/bundle.rs"]
mod bundle;
#[path = "film/cancel.rs"]
mod cancel;
#[path = "film/characters.rs"]
mod characters;
#[path = "film/client.rs"]
mod client;
#[path = "support/comfy/mod.rs"]
mod comfy;
#[path = "film/datasets.rs"]
mod datasets;
#[path = "film/disk.rs"]
mod disk;
#[path = "film/doors.rs"]
mod doors;
#[path = "support/servers/mod.rs"]
mod fakes;
#[expect(dead_code, reason = "other tests look at what the scenes show")]
#[path = "support/films.rs"]
mod films;
#[path = "film/half_published.rs"]
mod half_published;
#[path = "film/hands.rs"]
mod hands;
#[path = "film/loras.rs"]
mod loras;
#[path = "film/older.rs"]
mod older;
#[path = "film/on_postgres.rs"]
mod on_postgres;
#[path = "film/outages.rs"]
mod outages;
#[path = "support/postgres.rs"]
mod postgres;
#[path = "film/power_cut.rs"]
mod power_cut;
#[path = "film/produce.rs"]
mod produce;
#[path = "film/reading.rs"]
mod reading;
#[path = "film/second.rs"]
mod second;
#[path = "film/servers.rs"]
mod servers;
#[path = "film/shows.rs"]
mod shows;
#[path = "support/studio.rs"]
mod studio;
#[path = "film/tools.rs"]
mod tools;
#[path = "film/trainers.rs"]
mod trainers;
#[path = "film/training_cuts.rs"]
mod training_cuts;
#[path = "film/voices.rs"]
mod voices;
