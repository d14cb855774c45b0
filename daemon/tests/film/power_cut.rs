//! The power fails at any moment, again and again; what comes out is what would have come out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use studio_core::{naming, take::Subject, task::AttemptState};
use studiod::store::Db;

use crate::{
    book::Book,
    studio::{Running, Studio, block},
    tools::{files, pictures},
};

const CUTS: u32 = 60;
/// A line of the example that becomes another one whenever the film is complete, so that there is work to be cut.
const LINE: &str = "Then we had better hurry.";
/// How often the work done is counted while a cut is awaited.
const LOOK: Duration = Duration::from_millis(4);

#[test]
#[expect(clippy::disallowed_methods, reason = "how long the real program takes decides when it is cut")]
fn power_cut_at_any_moment_loses_nothing_and_does_nothing_twice() {
    let text = include_str!("../../../examples/the-last-light.fountain");
    assert!(text.contains(LINE), "the example has another dialogue now: choose another line here");
    let undisturbed = Studio::new();
    let play = undisturbed.write("play.fountain", text);
    let began = Instant::now();
    undisturbed.make(&play);
    let whole = began.elapsed();

    let cut = Studio::new();
    let play = cut.write("play.fountain", text);
    let mut dice = Dice::seeded();
    let (mut lost, mut hit) = (0, BTreeMap::new());
    let (mut cuts, mut rounds) = (0, 0);
    while cuts < CUTS {
        // At most five more results, then a moment more: every phase comes under the knife, start and end too.
        let (results, moment) = (dice.below(6), whole.mul_f64(dice.share() / 80.0));
        if cut_once(&cut, &play, results, moment) {
            cuts += 1;
            for attempt in Book::read(&cut).attempts.iter().filter(|one| one.state == AttemptState::Running) {
                lost += 1;
                *hit.entry(attempt.engine.clone()).or_insert(0) += 1;
            }
        } else {
            rounds += 1;
            eprintln!("complete after {cuts} cuts; a line changes");
            fs::write(&play, text.replace(LINE, &format!("Then we had better hurry, for the {rounds}th time.")))
                .unwrap();
        }
    }
    eprintln!("{CUTS} cuts took {lost} running attempts: {hit:?}");
    assert!(lost >= CUTS / 4, "the cuts met nothing at work, so they proved nothing: {lost} in {CUTS}");
    fs::write(&play, text).unwrap();
    cut.make(&play);
    same(&undisturbed, &cut);
    nothing_twice(&cut);
    clean(&cut);
}

/// Starts a production and cuts the power once `results` more attempts have succeeded and a `moment` has passed;
/// false when it was complete before.
fn cut_once(studio: &Studio, play: &Path, results: u64, moment: Duration) -> bool {
    let goal = succeeded(studio) + results;
    let mut running = Running::start(studio.producing(play));
    block(async {
        let mut beat = tokio::time::interval(LOOK);
        let mut reader = None;
        while running.ended().is_none() {
            beat.tick().await;
            if results == 0 || count(&mut reader, studio).await >= goal {
                tokio::time::sleep(moment).await;
                break;
            }
        }
    });
    if let Some(ended) = running.ended() {
        let said = running.finish();
        assert!(ended.success(), "{said:?}");
        return false;
    }
    running.cut();
    true
}

fn succeeded(studio: &Studio) -> u64 {
    block(count(&mut None, studio))
}

/// How many attempts have succeeded; 0 before there is a database.
async fn count(reader: &mut Option<Db>, studio: &Studio) -> u64 {
    let path = studio.data().join("studio.db");
    if reader.is_none() && path.exists() {
        *reader = Db::open(&format!("sqlite:{}", path.display())).await.ok();
    }
    let Some(Db::Sqlite(pool)) = reader else { return 0 };
    let counted: Result<i64, _> =
        sqlx::query_scalar("select count(*) from attempts where state = 'succeeded'").fetch_one(&*pool).await;
    counted.map_or(0, i64::unsigned_abs)
}

/// Both studios made the same film of the same takes.
fn same(one: &Studio, two: &Studio) {
    let (library, cut_library) = (files(&one.library()), files(&two.library()));
    assert_eq!(cut_library, library, "temporary files, or files that are missing");
    let film = library.iter().find(|path| path.extension().is_some_and(|ext| ext == "mp4")).expect("a film");
    assert_eq!(pictures(&two.library().join(film)), pictures(&one.library().join(film)));
    let (book, cut_book) = (Book::read(one), Book::read(two));
    assert_eq!(takes(&cut_book), takes(&book));
    let ends = |book: &Book| -> BTreeSet<_> {
        // The two libraries are at different places, which is part of that task's key.
        let tasks = book.tasks.iter().filter(|task| task.slot != "library");
        tasks
            .map(|task| (task.slot.clone(), format!("{:?}", task.state), task.key, format!("{:?}", task.outputs)))
            .collect()
    };
    assert_eq!(ends(&cut_book), ends(&book));
    // Last: a stage that went its own way has said so by now.
    for path in &library {
        let read = |studio: &Studio| fs::read(studio.library().join(path)).expect("a file in the library");
        if path.ends_with("tvshow.nfo") {
            // Each studio's show has an id of its own; all else is the same.
            let all_else = |studio: &Studio| {
                let text = String::from_utf8(read(studio)).expect("a text");
                let id = naming::studio_id(&text).expect("the id of the show");
                text.replace(&id, "ID")
            };
            assert_eq!(all_else(one), all_else(two));
            continue;
        }
        assert!(read(one) == read(two), "{} differs", path.display());
    }
}

/// Everything that makes one take differ from another.
fn takes(book: &Book) -> Vec<(u32, u32, Subject, u32, String)> {
    let line = |(scene, shot, take): &(u32, u32, studio_core::take::Take)| {
        let rest = format!("{:?} {:?} {} {:?} {}", take.seed, take.score(), take.asset, take.verdict, take.chosen);
        (*scene, *shot, take.subject, take.attempt, rest)
    };
    book.takes.iter().map(line).collect()
}

/// No order was carried out to success twice. Putting another film into the library undoes what was there, so
/// putting that back is work of its own.
fn nothing_twice(studio: &Studio) {
    let book = Book::read(studio);
    let mut seen = BTreeMap::new();
    for attempt in book.succeeded().filter(|attempt| !attempt.engine.starts_with("library/")) {
        seen.entry(attempt.key).or_insert_with(Vec::new).push(book.slot_of(attempt));
    }
    seen.retain(|_, slots| slots.len() > 1);
    assert!(seen.is_empty(), "made twice: {seen:?}");
}

/// Nothing is left over and everything fits.
fn clean(studio: &Studio) {
    assert_eq!(files(&studio.data().join("work")), Vec::<PathBuf>::new());
    assert_eq!(fs::read_dir(studio.data().join("work")).unwrap().count(), 0, "empty folders of killed attempts");
    let said = studio.run(["--json", "check", "--deep"]).json();
    for line in said["lines"].as_array().expect("lines") {
        let ours = ["rows", "files", "database", "data"].iter().any(|what| line["what"] == *what);
        assert!(!ours || line["verdict"] == "ok", "{line}");
    }
}

/// Numbers that look drawn by lot and come again with the same seed.
struct Dice(u64);

impl Dice {
    /// Seeded from `STUDIOD_TEST_SEED`, else always the same; the seed is printed, so that a failure can be repeated.
    fn seeded() -> Self {
        let seed = std::env::var("STUDIOD_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_251_121);
        eprintln!("STUDIOD_TEST_SEED={seed}");
        Self(seed)
    }

    /// `SplitMix64` (Steele, Lea and Flood 2014).
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.draw() % end
    }

    /// 0 to 1.
    fn share(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
