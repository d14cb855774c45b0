//! Projects, characters, locations, episodes, scenes, shots.

use std::collections::BTreeMap;

use rstest::rstest;
use studio_core::{
    character::Age,
    episode::{Episode, EpisodeState},
    ids::{AttemptId, EpisodeId, ProjectId},
    production::FilmRemark,
    project::{About, Project},
    scene::{SceneState, Setting},
    shot::{ShotState, Transition},
    units::{Frames, Score, Seed, Steps},
};
use studiod::store::{Error, characters, episodes, locations, projects, scenes, shots, takes};

use super::{
    bed::{Bed, Which, write},
    samples::{self, hash, uuid},
};

#[rstest]
#[tokio::test]
async fn a_project_keeps_its_id_and_seed(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let first = samples::project();
    assert_eq!(write!(db, |tx| projects::upsert(tx, &first)).unwrap(), first);
    let again = Project { seed: Seed(3), title: "The Last Light".into(), year: 2027, ..first.clone() };
    let stored = write!(db, |tx| projects::upsert(tx, &again)).unwrap();
    assert_eq!((stored.id, stored.seed), (first.id, first.seed));
    assert_eq!((stored.title.as_str(), stored.year), ("The Last Light", 2027));
    // Begun by two at once it is one show; a show of another title never takes its place.
    let twin = Project { id: ProjectId(uuid(9)), title: "the last  light".into(), ..first.clone() };
    assert_eq!(write!(db, |tx| projects::upsert(tx, &twin)).unwrap(), stored);
    let stranger = Project { id: ProjectId(uuid(9)), title: "The Light!".into(), ..first.clone() };
    assert!(
        matches!(write!(db, |tx| projects::upsert(tx, &stranger)), Err(Error::TitleTaken(title)) if title == "The Light!")
    );
    let other = Project {
        slug: "another".into(),
        title: "Another".into(),
        original_title: "Another".into(),
        ..stranger.clone()
    };
    write!(db, |tx| projects::upsert(tx, &other)).unwrap();
    let about = About::default();
    for taken in ["THE LAST LIGHT", "The Light"] {
        let refused = write!(db, |tx| projects::set_about(tx, other.id, taken, 2026, &about));
        assert!(matches!(refused, Err(Error::TitleTaken(_))), "{taken}");
    }
    assert_eq!(projects::list(&db).await.unwrap(), [other.clone(), stored.clone()]);
    assert_eq!(projects::by_slug(&db, "the-light").await.unwrap(), Some(stored.clone()));
    assert_eq!(projects::by_slug(&db, "nothing").await.unwrap(), None);
    assert_eq!(projects::get(&db, stored.id).await.unwrap(), stored);
    assert!(matches!(projects::get(&db, ProjectId(uuid(77))).await, Err(Error::NotFound { what: "project", .. })));
}

#[rstest]
#[tokio::test]
async fn characters_and_places_keep_their_ids(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    write!(db, |tx| projects::upsert(tx, &samples::project())).unwrap();
    let mara = write!(db, |tx| characters::upsert(tx, &samples::character(10, "mara"))).unwrap();
    let abel = write!(db, |tx| characters::upsert(tx, &samples::character(11, "abel"))).unwrap();
    let mut older = samples::character(12, "mara");
    older.profile.age = Age::Elder;
    let stored = write!(db, |tx| characters::upsert(tx, &older)).unwrap();
    assert_eq!((stored.id, stored.profile.age), (mara.id, Age::Elder));
    assert_eq!(characters::of_project(&db, mara.project_id).await.unwrap(), [abel, stored]);

    let tower = write!(db, |tx| locations::upsert(tx, &samples::location(20, "tower"))).unwrap();
    let mut inside = samples::location(21, "tower");
    inside.setting = Setting::Interior;
    let stored = write!(db, |tx| locations::upsert(tx, &inside)).unwrap();
    assert_eq!((stored.id, stored.setting), (tower.id, Setting::Interior));
    assert_eq!(locations::of_project(&db, tower.project_id).await.unwrap(), [stored]);

    let mut stray = samples::character(13, "stray");
    stray.project_id = ProjectId(uuid(404));
    let refused = write!(db, |tx| characters::upsert(tx, &stray));
    assert!(matches!(refused, Err(Error::Conflict(_))), "a character without a project: {refused:?}");
}

#[rstest]
#[tokio::test]
async fn an_episode_keeps_what_was_made_of_it(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    assert_eq!(episode, samples::episode(2, 1), "umlauts and all");
    let remarks = [FilmRemark::NoMusic { scene: 2 }];
    write!(db, |tx| episodes::set_state(tx, episode.id, EpisodeState::Producing)).unwrap();
    let film = hash("film");
    write!(db, |tx| episodes::set_film(tx, episode.id, film, Some(hash("thumb")), Frames(1800), &remarks)).unwrap();
    write!(db, |tx| episodes::set_state(tx, episode.id, EpisodeState::Assembled)).unwrap();
    let files = ["The Light/Season 01/e.mp4".to_owned(), "The Light/tvshow.nfo".to_owned()];
    write!(db, |tx| episodes::set_published(tx, episode.id, Some((&files[0], &files)))).unwrap();

    let mut again = samples::episode(99, 1);
    again.title = "The Lamp".into();
    let stored = write!(db, |tx| episodes::upsert(tx, &again)).unwrap();
    let mut wanted = episode.clone();
    wanted.title = "The Lamp".into();
    wanted.state = EpisodeState::Assembled;
    (wanted.film, wanted.thumbnail, wanted.actual_frames) = (Some(film), Some(hash("thumb")), Some(1800));
    (wanted.published, wanted.remarked) = (Some(files[0].clone()), remarks.to_vec());
    wanted.remarks = vec!["no music in scene 2".to_owned()];
    assert_eq!(stored, wanted);
    assert_eq!(episodes::get(&db, episode.id).await.unwrap(), wanted);
    assert_eq!(episodes::published_files(&db, episode.id).await.unwrap(), files);

    let (first, second) = (AttemptId(uuid(70)), AttemptId(uuid(71)));
    assert!(!episodes::is_last_publication(&db, first).await.unwrap());
    write!(db, |tx| episodes::begin_publication(tx, episode.id, first, "/tv", &files)).unwrap();
    assert!(episodes::is_last_publication(&db, first).await.unwrap());
    write!(db, |tx| episodes::begin_publication(tx, episode.id, second, "/tv", &files[..1])).unwrap();
    assert!(!episodes::is_last_publication(&db, first).await.unwrap(), "another one began since then");
    assert_eq!(episodes::published_files(&db, episode.id).await.unwrap(), files[..1]);
    assert!(episodes::is_library(&db, "/tv").await.unwrap() && !episodes::is_library(&db, "/films").await.unwrap());

    // Another show's claim to the same file: nothing of it is this one's to remove.
    let other = Project::beginning(ProjectId(uuid(90)), "Another".into(), 2026, &[]);
    write!(db, |tx| projects::upsert(tx, &other)).unwrap();
    let rival = Episode { id: EpisodeId(uuid(91)), project_id: other.id, ..samples::episode(91, 1) };
    write!(db, |tx| episodes::upsert(tx, &rival)).unwrap();
    write!(db, |tx| episodes::begin_publication(tx, rival.id, second, "/tv", &files[..1])).unwrap();
    assert!(episodes::published_files(&db, episode.id).await.unwrap().is_empty());
    write!(db, |tx| episodes::set_published(tx, rival.id, None)).unwrap();
    assert_eq!(episodes::published_files(&db, episode.id).await.unwrap(), files[..1]);

    write!(db, |tx| episodes::set_published(tx, episode.id, None)).unwrap();
    assert_eq!(episodes::get(&db, episode.id).await.unwrap().published, None);
    assert!(episodes::published_files(&db, episode.id).await.unwrap().is_empty());
    assert!(!episodes::is_library(&db, "/tv").await.unwrap(), "nothing is in it any more");
}

#[rstest]
#[tokio::test]
async fn episodes_are_listed_in_order(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    write!(db, |tx| projects::upsert(tx, &samples::project())).unwrap();
    for (id, number) in [(30, 10), (31, 2), (32, 1)] {
        write!(db, |tx| episodes::upsert(tx, &samples::episode(id, number))).unwrap();
    }
    let numbers = |all: Vec<studio_core::episode::Episode>| all.iter().map(|one| one.number).collect::<Vec<_>>();
    assert_eq!(numbers(episodes::list(&db).await.unwrap()), [1, 2, 10]);
    assert_eq!(numbers(episodes::of_project(&db, samples::project().id).await.unwrap()), [1, 2, 10]);
    assert!(episodes::of_project(&db, ProjectId(uuid(404))).await.unwrap().is_empty());
    let nobody = EpisodeId(uuid(404));
    assert!(matches!(episodes::get(&db, nobody).await, Err(Error::NotFound { .. })));
    assert!(matches!(episodes::published_files(&db, nobody).await, Err(Error::NotFound { .. })));
    let refused = write!(db, |tx| episodes::set_published(tx, nobody, None));
    assert!(matches!(refused, Err(Error::NotFound { .. })));
    let refused = write!(db, |tx| episodes::set_film(tx, nobody, hash("f"), None, Frames(1), &[]));
    assert!(matches!(refused, Err(Error::NotFound { .. })));
}

#[rstest]
#[tokio::test]
async fn states_go_only_where_they_may(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, scene, shot) = samples::one_shot(&db).await;
    let refused = write!(db, |tx| episodes::set_state(tx, episode.id, EpisodeState::Published));
    assert!(
        matches!(&refused, Err(Error::Conflict(why)) if why.contains("draft and cannot become published")),
        "{refused:?}"
    );
    let refused = write!(db, |tx| scenes::set_state(tx, scene.id, SceneState::Completed));
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let refused = write!(db, |tx| shots::set_state(tx, shot.id, ShotState::AcceptedBest));
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let refused = write!(db, |tx| episodes::set_state(tx, EpisodeId(uuid(404)), EpisodeState::Producing));
    assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");

    write!(db, |tx| scenes::set_state(tx, scene.id, SceneState::Generating)).unwrap();
    write!(db, |tx| shots::set_state(tx, shot.id, ShotState::Generating)).unwrap();
    write!(db, |tx| shots::set_state(tx, shot.id, ShotState::AcceptedBest)).unwrap();
    assert_eq!(episodes::get(&db, episode.id).await.unwrap().state, EpisodeState::Draft);
    assert_eq!(scenes::get(&db, scene.id).await.unwrap().state, SceneState::Generating);
    assert_eq!(shots::get(&db, shot.id).await.unwrap().state, ShotState::AcceptedBest);
}

#[rstest]
#[tokio::test]
async fn scenes_keep_ids_and_results_by_number(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    let tower = write!(db, |tx| locations::upsert(tx, &samples::location(20, "tower"))).unwrap();
    let three: Vec<_> = [1, 2, 3].map(|n| samples::scene(40 + u128::from(n), episode.id, n)).into();
    let before = write!(db, |tx| scenes::replace_all(tx, episode.id, &three)).unwrap();
    assert_eq!(before[0].id, samples::scene(3, episode.id, 1).id, "number 1 was there");
    write!(db, |tx| scenes::set_state(tx, before[1].id, SceneState::Generating)).unwrap();
    write!(db, |tx| scenes::set_result(tx, before[1].id, hash("scene 2"), Frames(298))).unwrap();

    let mut kept = samples::scene(50, episode.id, 2);
    (kept.title, kept.location_id, kept.transition, kept.target_frames) =
        ("The lamp".into(), Some(tower.id), Transition::CUT, 299);
    let after = write!(db, |tx| scenes::replace_all(tx, episode.id, &[kept.clone()])).unwrap();
    kept.id = before[1].id;
    (kept.state, kept.film, kept.actual_frames) = (SceneState::Generating, Some(hash("scene 2")), Some(298));
    assert_eq!(after, [kept]);
    assert_eq!(scenes::of_episode(&db, episode.id).await.unwrap(), after);
    assert!(matches!(scenes::get(&db, before[0].id).await, Err(Error::NotFound { .. })));
    assert!(shots::of_episode(&db, episode.id).await.unwrap().is_empty(), "a scene takes its shots along");
    let refused = write!(db, |tx| scenes::set_result(tx, before[0].id, hash("x"), Frames(1)));
    assert!(matches!(refused, Err(Error::NotFound { .. })));
}

#[rstest]
#[tokio::test]
async fn shots_keep_ids_and_results_by_number(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, scene, shot) = samples::one_shot(&db).await;
    let two = [samples::shot(41, scene.id, 2), samples::shot(42, scene.id, 1)];
    let before = write!(db, |tx| shots::replace_all(tx, scene.id, &two)).unwrap();
    assert_eq!((before[0].id, before[1].id), (two[0].id, shot.id));
    write!(db, |tx| takes::upsert(tx, &samples::take(60, two[0].id, 1, "a"))).unwrap();
    write!(db, |tx| takes::upsert(tx, &samples::take(61, shot.id, 1, "b"))).unwrap();

    let mut made = shot.clone();
    (made.clip, made.master) = (Some(hash("clip")), Some(hash("master")));
    (made.still, made.last_frame) = (Some(hash("still")), Some(hash("last")));
    (made.seed, made.steps) = (Some(samples::WIDE), Some(Steps(25)));
    (made.score, made.making_ms) = (Some(Score::from_fraction(0.4567)), Some(83_000));
    assert_eq!(shots::first_pictures(&db, &[episode.id]).await.unwrap(), BTreeMap::new());
    write!(db, |tx| shots::set_result(tx, &made)).unwrap();
    let first = shots::first_pictures(&db, &[episode.id]).await.unwrap();
    assert_eq!(first, BTreeMap::from([(episode.id, made.still.unwrap())]));
    assert_eq!(shots::at(&db, episode.id, scene.number, 1).await.unwrap(), Some(made.clone()));

    let mut planned = samples::shot(43, scene.id, 1);
    planned.plan.description = "Mara leaves.".into();
    let after = write!(db, |tx| shots::replace_all(tx, scene.id, &[planned.clone()])).unwrap();
    made.plan = planned.plan;
    assert_eq!(after, [made.clone()]);
    assert_eq!(shots::of_scene(&db, scene.id).await.unwrap(), after);
    assert_eq!(shots::of_episode(&db, episode.id).await.unwrap(), after);
    assert_eq!(shots::get(&db, shot.id).await.unwrap(), made);
    assert_eq!(takes::of_shot(&db, shot.id).await.unwrap().len(), 1);
    assert!(takes::of_shot(&db, two[0].id).await.unwrap().is_empty(), "a shot takes its takes along");
    let refused = write!(db, |tx| shots::set_result(tx, &two[0]));
    assert!(matches!(refused, Err(Error::NotFound { .. })));
}
