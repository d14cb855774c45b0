//! What people write on the page, who may come in, and what the page lists.

use rstest::rstest;
use studio_core::{
    access::{Scope, Token},
    character::Sheet,
    ids::{DecisionId, EpisodeId, LocationId, ProjectId, StoryId, TakeId, TaskId, TokenId},
    journal::DecisionKind,
    location::{self, Location},
    media::MediaFacts,
    order::AssetRef,
    project::{About, Project, Style},
    take::{Subject, Take},
    task::AttemptState,
    units::{Millis, Size},
};
use studiod::store::{
    Error, access, analytics,
    answers::{self, Answer},
    assets, attempts, characters,
    decisions::{self, Decision},
    locations,
    opinions::{self, Opinion},
    pictures, projects, scenes, screenplays,
    stories::{self, Story},
    takes, tasks,
};

use super::{
    bed::{Bed, Which, write},
    samples::{self, hash, uuid},
};

#[rstest]
#[tokio::test]
async fn what_people_write_comes_back(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    assert_eq!(screenplays::of_episode(&db, episode.id).await.unwrap(), None);
    for (text, at) in [("INT. A - DAY\n", 1), ("INT. Ä - NIGHT\n\n'quoted'", 2)] {
        write!(db, |tx| screenplays::set(tx, episode.id, text, Millis(at))).unwrap();
        assert_eq!(screenplays::of_episode(&db, episode.id).await.unwrap(), Some((text.to_owned(), Millis(at))));
    }
    let project = projects::get(&db, episode.project_id).await.unwrap();
    assert_eq!(projects::about(&db, project.id).await.unwrap(), About::default());
    let style = Style { name: "oil".into(), words: "oil painting".into(), ..Style::default() };
    let about = About { genre: "mystery".into(), style: "oil".into(), styles: vec![style], ..About::default() };
    let renamed = Project { title: "New".into(), year: 1999, ..project.clone() };
    write!(db, |tx| projects::set_about(tx, renamed.id, &renamed.title, renamed.year, &about)).unwrap();
    assert_eq!(projects::about(&db, project.id).await.unwrap(), about);
    assert_eq!(projects::get(&db, project.id).await.unwrap(), renamed);
    // Producing again does not forget it.
    write!(db, |tx| projects::upsert(tx, &project)).unwrap();
    assert_eq!(projects::about(&db, project.id).await.unwrap(), about);

    let mara = samples::character(40, "mara");
    write!(db, |tx| characters::upsert(tx, &mara)).unwrap();
    let sheet = Sheet {
        voice: Some("amy".into()),
        references: vec![AssetRef { hash: hash("r"), ext: "png".into() }],
        ..Sheet::default()
    };
    write!(db, |tx| characters::set_sheet(tx, mara.id, &sheet)).unwrap();
    write!(db, |tx| characters::upsert(tx, &mara)).unwrap();
    assert_eq!(characters::sheet(&db, mara.id).await.unwrap(), sheet);
    assert_eq!(characters::get(&db, mara.id).await.unwrap(), mara);
    assert!(characters::sheets(&db, project.id).await.unwrap().contains(&(mara.id, sheet)));

    let nobody = ProjectId(uuid(999));
    assert!(matches!(projects::about(&db, nobody).await, Err(Error::NotFound { .. })));
    assert!(matches!(write!(db, |tx| projects::remove(tx, nobody)), Err(Error::NotFound { .. })));
    write!(db, |tx| projects::remove(tx, project.id)).unwrap();
    assert!(projects::list(&db).await.unwrap().is_empty());
    assert_eq!(screenplays::of_episode(&db, episode.id).await.unwrap(), None, "with everything in it");
}

#[rstest]
#[tokio::test]
async fn tokens_are_given_used_and_taken_back(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    let token = |id: u128, project: Option<ProjectId>| Token {
        id: TokenId(uuid(id)),
        name: "phone".into(),
        scopes: [Scope::Read, Scope::Review].into(),
        project,
        created: Millis(5),
        expires: project.map(|_| Millis(10)),
        revoked: None,
        used: None,
    };
    let (one, two) = (token(1, None), token(2, Some(episode.project_id)));
    for token in [&one, &two] {
        write!(db, |tx| access::insert(tx, token)).unwrap();
    }
    assert_eq!(access::list(&db).await.unwrap(), [two.clone(), one.clone()], "newest first");
    write!(db, |tx| access::used(tx, one.id, Millis(6))).unwrap();
    for at in [7, 8] {
        write!(db, |tx| access::revoke(tx, one.id, Millis(at))).unwrap();
    }
    let known = access::get(&db, one.id).await.unwrap();
    assert_eq!((known.used, known.revoked), (Some(Millis(6)), Some(Millis(7))), "the first time counts");
    let nobody = TokenId(uuid(9));
    assert!(matches!(access::get(&db, nobody).await, Err(Error::NotFound { .. })));
    assert!(matches!(write!(db, |tx| access::revoke(tx, nobody, Millis(1))), Err(Error::NotFound { .. })));
    assert_eq!(access::password(&db).await.unwrap(), None);
    for word in ["$argon2id$a", "$argon2id$b"] {
        write!(db, |tx| access::set_password(tx, word, Millis(1))).unwrap();
        assert_eq!(access::password(&db).await.unwrap().as_deref(), Some(word));
    }
}

#[rstest]
#[tokio::test]
async fn an_answer_is_kept_for_its_time(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let answer =
        |status: u16| Answer { request: hash("r"), status, kind: "application/json".into(), body: "{}".into() };
    write!(db, |tx| answers::keep(tx, "key", &answer(201), Millis(10), Millis(0))).unwrap();
    write!(db, |tx| answers::keep(tx, "key", &answer(500), Millis(11), Millis(0))).unwrap();
    assert_eq!(answers::get(&db, "key", Millis(5)).await.unwrap(), Some(answer(201)), "the first one");
    assert_eq!(answers::get(&db, "key", Millis(11)).await.unwrap(), None, "too old");
    assert_eq!(answers::get(&db, "other", Millis(0)).await.unwrap(), None);
    write!(db, |tx| answers::keep(tx, "new", &answer(202), Millis(30), Millis(20))).unwrap();
    assert_eq!(answers::get(&db, "key", Millis(0)).await.unwrap(), None, "forgotten");
}

#[rstest]
#[tokio::test]
async fn lists_leave_out_what_was_not_asked_for(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, _, shot) = samples::one_shot(&db).await;
    let task = samples::task(70, Some(episode.id), "scene 1/shot 1/clip/take 1");
    write!(db, |tx| tasks::upsert(tx, &task)).unwrap();
    let attempt = samples::attempt(71, TaskId(uuid(70)), "key");
    write!(db, |tx| attempts::start(tx, &attempt)).unwrap();
    for (id, file) in [(80, "a"), (81, "b"), (82, "c")] {
        write!(db, |tx| assets::insert(tx, &samples::asset(file, Some(attempt.id)))).unwrap();
        let take = samples::take(id, shot.id, id as u32 - 79, file);
        write!(db, |tx| takes::upsert(tx, &take)).unwrap();
        write!(db, |tx| takes::set_verdict(tx, take.id, &samples::verdict(40), Millis(id as i64))).unwrap();
    }
    assert_eq!(assets::project_of(&db, hash("a")).await.unwrap(), Some(episode.project_id));
    assert_eq!(assets::project_of(&db, hash("nothing")).await.unwrap(), None);
    let good = Opinion { good: true, why: String::new(), issues: Vec::new() };
    write!(db, |tx| opinions::set(tx, hash("b"), &good, None, Millis(5))).unwrap();
    let all = takes::Filter { limit: 10, ..takes::Filter::default() };
    let ids = async |asked: takes::Filter| {
        let found = takes::page(&db, &asked).await.unwrap();
        let count = takes::count(&db, &asked).await.unwrap();
        (found.iter().map(|one| one.take.attempt).collect::<Vec<_>>(), count)
    };
    assert_eq!(ids(all.clone()).await, (vec![3, 2, 1], 3));
    assert_eq!(ids(takes::Filter { oldest_first: true, limit: 2, ..all.clone() }).await, (vec![1, 2], 3));
    let after = takes::Filter { after: Some(samples::take(81, shot.id, 2, "b").id), ..all.clone() };
    assert_eq!(ids(after.clone()).await.0, [1]);
    assert_eq!(ids(takes::Filter { oldest_first: true, ..after }).await.0, [3]);
    assert_eq!(ids(takes::Filter { unjudged: true, ..all.clone() }).await, (vec![3, 1], 2));
    assert_eq!(
        ids(takes::Filter { subject: Some(Subject::Still), ..all.clone() }).await.1
            + ids(takes::Filter { subject: Some(Subject::Clip), ..all.clone() }).await.1,
        3
    );
    assert_eq!(ids(takes::Filter { project: Some(episode.project_id), ..all.clone() }).await.1, 3);
    assert_eq!(ids(takes::Filter { project: Some(ProjectId(uuid(999))), ..all.clone() }).await.1, 0);
    assert_eq!(ids(takes::Filter { episode: Some(EpisodeId(uuid(999))), ..all.clone() }).await.1, 0);
    assert_eq!(ids(takes::Filter { character: Some("MARA".into()), ..all.clone() }).await.1, 3);
    for nobody in ["MAR", "100%", "\"", "'; drop table takes; --"] {
        assert_eq!(ids(takes::Filter { character: Some(nobody.into()), ..all.clone() }).await.1, 0, "{nobody}");
    }
    write!(db, |tx| opinions::forget(tx, hash("b"))).unwrap();
    assert_eq!(ids(takes::Filter { unjudged: true, ..all }).await.1, 3);

    let decision = |id: u128, kind: DecisionKind, about: Option<EpisodeId>| Decision {
        id: DecisionId(uuid(id)),
        episode_id: about,
        task_id: None,
        kind,
        reason: "because".into(),
        inputs: serde_json::json!({}),
        outcome: "so".into(),
        created: Millis(1),
    };
    let (gate, swap) = (DecisionKind::Gate, DecisionKind::Swap);
    for one in [decision(1, gate, Some(episode.id)), decision(2, swap, None), decision(3, gate, Some(episode.id))] {
        write!(db, |tx| decisions::insert(tx, &one)).unwrap();
    }
    let of = |episode, kind: Option<DecisionKind>, after: Option<u128>, limit| {
        let after = after.map(|id| DecisionId(uuid(id)));
        decisions::Filter { episode, kind, after, limit, ..decisions::Filter::default() }
    };
    let found = async |asked: decisions::Filter| {
        let found = decisions::page(&db, &asked).await.unwrap();
        found.iter().map(|one| one.id.0.as_u128() - uuid(0).as_u128()).collect::<Vec<_>>()
    };
    let page = async |about, kind, after, limit| found(of(about, kind, after, limit)).await;
    let oldest = decisions::Filter { oldest_first: true, ..of(None, None, Some(1), 9) };
    assert_eq!(found(oldest).await, [2, 3]);
    let project = Some(episode.project_id);
    assert_eq!(found(decisions::Filter { project, ..of(None, None, None, 9) }).await, [3, 1]);
    assert_eq!(page(None, None, None, 10).await, [3, 2, 1]);
    assert_eq!(page(None, None, Some(3), 1).await, [2]);
    assert_eq!(page(Some(episode.id), Some(gate), None, 10).await, [3, 1]);
    assert_eq!(page(None, Some(DecisionKind::Memory), None, 10).await, [0; 0]);
    assert_eq!(decisions::kinds(&db).await.unwrap(), [gate, swap]);

    let made = analytics::made(&db, Millis(81)).await.unwrap();
    assert_eq!(made.iter().map(|one| one.attempt).collect::<Vec<_>>(), [3, 2], "since then, newest first");
    let ran = analytics::ran(&db, Millis(0), 10).await.unwrap();
    assert_eq!(
        (ran.len(), ran[0].slot.as_str(), ran[0].state, ran[0].ended),
        (1, "scene 1/shot 1/clip/take 1", AttemptState::Running, None)
    );
    assert_eq!(analytics::energy(&db, Millis(0)).await.unwrap().to_bits(), 0f64.to_bits());
    assert!(analytics::kept(&db, Millis(0)).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn places_are_described_and_stay_described(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, mut scene, shot) = samples::one_shot(&db).await;
    let harbour = Location { project_id: episode.project_id, ..samples::location(50, "harbour") };
    write!(db, |tx| locations::upsert(tx, &harbour)).unwrap();
    assert_eq!(locations::sheet(&db, harbour.id).await.unwrap(), location::Sheet::default());
    let picture = AssetRef { hash: hash("h"), ext: "png".into() };
    let sheet =
        location::Sheet { design: "black basalt".into(), references: vec![picture], avoid: vec!["cars".into()] };
    write!(db, |tx| locations::set_sheet(tx, harbour.id, &sheet)).unwrap();
    // Produced again, what was said stays.
    write!(db, |tx| locations::upsert(tx, &harbour)).unwrap();
    assert_eq!(locations::sheet(&db, harbour.id).await.unwrap(), sheet);
    assert_eq!(locations::sheets(&db, episode.project_id).await.unwrap().last().unwrap(), &(harbour.id, sheet));
    assert_eq!(locations::get(&db, harbour.id).await.unwrap(), harbour);
    let nobody = LocationId(uuid(404));
    assert!(matches!(locations::get(&db, nobody).await, Err(Error::NotFound { .. })));
    assert!(matches!(locations::sheet(&db, nobody).await, Err(Error::NotFound { .. })));
    // A picture of it: of the takes there the chosen one.
    assert_eq!(locations::picture(&db, harbour.id).await.unwrap(), None);
    scene.location_id = Some(harbour.id);
    write!(db, |tx| scenes::replace_all(tx, episode.id, std::slice::from_ref(&scene))).unwrap();
    for (id, attempt, file) in [(70, 1, "one"), (71, 2, "two")] {
        write!(db, |tx| assets::insert(tx, &samples::asset(file, None))).unwrap();
        let take = Take { subject: Subject::Still, ..samples::take(id, shot.id, attempt, file) };
        write!(db, |tx| takes::upsert(tx, &take)).unwrap();
    }
    assert_eq!(locations::picture(&db, harbour.id).await.unwrap(), Some(hash("two")), "the newest");
    write!(db, |tx| takes::choose(tx, shot.id, Subject::Still, TakeId(uuid(70)))).unwrap();
    assert_eq!(locations::picture(&db, harbour.id).await.unwrap(), Some(hash("one")), "the chosen one");
}

#[rstest]
#[tokio::test]
async fn pictures_are_told_with_what_they_were_made_for(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    let task = samples::task(70, Some(episode.id), "scene 1/shot 1/still/take 1");
    write!(db, |tx| tasks::upsert(tx, &task)).unwrap();
    let attempt = samples::attempt(71, TaskId(uuid(70)), "key");
    write!(db, |tx| attempts::start(tx, &attempt)).unwrap();
    let still = MediaFacts::Still { size: Size { width: 4, height: 2 } };
    for (name, at, made, facts) in [
        ("brought", 1, false, still.clone()),
        ("made", 2, true, still.clone()),
        ("same moment", 2, false, still.clone()),
        ("gone", 3, false, still),
        ("a recording", 4, false, samples::asset("x", None).facts),
    ] {
        let by = made.then_some(attempt.id);
        let asset = assets::Asset { facts, created: Millis(at), ..samples::asset(name, by) };
        write!(db, |tx| assets::insert(tx, &asset)).unwrap();
    }
    write!(db, |tx| assets::mark_missing(tx, hash("gone"))).unwrap();
    let page = async |asked: pictures::Filter| {
        let found = pictures::page(&db, &asked).await.unwrap();
        found.into_iter().map(|one| one.asset.file.hash).collect::<Vec<_>>()
    };
    let all = pictures::Filter { limit: 9, ..pictures::Filter::default() };
    let mut newest = [hash("made"), hash("same moment")];
    newest.sort_by(|a, b| b.cmp(a));
    let newest = [newest[0], newest[1], hash("brought")];
    assert_eq!(page(all.clone()).await, newest);
    let mut oldest = newest;
    oldest.reverse();
    assert_eq!(page(pictures::Filter { oldest_first: true, ..all.clone() }).await, oldest);
    for oldest_first in [false, true] {
        let order = if oldest_first { oldest } else { newest };
        for at in 0..3 {
            let asked =
                pictures::Filter { after: Some(order[at]), oldest_first, limit: 1, ..pictures::Filter::default() };
            assert_eq!(page(asked).await, order.get(at + 1).copied().into_iter().collect::<Vec<_>>());
        }
    }
    assert_eq!(page(pictures::Filter { from: Some(pictures::From::Made), ..all.clone() }).await, [hash("made")]);
    assert_eq!(page(pictures::Filter { from: Some(pictures::From::Outside), ..all.clone() }).await.len(), 2);
    let mine = pictures::Filter { project: Some(episode.project_id), episode: Some(episode.id), ..all.clone() };
    let found = pictures::page(&db, &mine).await.unwrap();
    assert_eq!((found.len(), found[0].episode, &found[0].slot), (1, Some(episode.id), &Some(task.slot)));
    assert!(page(pictures::Filter { project: Some(ProjectId(uuid(404))), ..all }).await.is_empty());
}

#[rstest]
#[tokio::test]
async fn stories_are_begun_ended_and_removed(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let story = |id| Story {
        id: StoryId(uuid(id)),
        idea: serde_json::json!({ "idea": "a light" }),
        state: stories::State::Writing,
        text: String::new(),
        why: String::new(),
        code: String::new(),
        created: Millis(1),
        ended: None,
    };
    for id in 1..=3 {
        write!(db, |tx| stories::insert(tx, &story(id))).unwrap();
    }
    write!(db, |tx| stories::end(tx, StoryId(uuid(1)), &Ok("INT. A - DAY".into()), Millis(5))).unwrap();
    let untold = Err(stories::Untold { code: "unavailable".into(), why: "no".into() });
    write!(db, |tx| stories::end(tx, StoryId(uuid(2)), &untold, Millis(6))).unwrap();
    // What is over stays as it is.
    write!(db, |tx| stories::end(tx, StoryId(uuid(2)), &Ok("late".into()), Millis(7))).unwrap();
    let told = Story { state: stories::State::Told, text: "INT. A - DAY".into(), ended: Some(Millis(5)), ..story(1) };
    let failed = Story {
        state: stories::State::Failed,
        why: "no".into(),
        code: "unavailable".into(),
        ended: Some(Millis(6)),
        ..story(2)
    };
    assert_eq!(stories::get(&db, told.id).await.unwrap(), told);
    let all = stories::Filter { limit: 9, ..stories::Filter::default() };
    let page = async |asked: stories::Filter| stories::page(&db, &asked).await.unwrap();
    assert_eq!(page(all.clone()).await, [story(3), failed.clone(), told.clone()]);
    let oldest = stories::Filter { oldest_first: true, after: Some(told.id), ..all.clone() };
    assert_eq!(page(oldest).await, [failed.clone(), story(3)]);
    let second = stories::Filter { after: Some(StoryId(uuid(3))), limit: 1, ..all.clone() };
    assert_eq!(page(second).await, [failed]);
    assert_eq!(page(stories::Filter { state: Some(stories::State::Writing), ..all }).await, [story(3)]);
    write!(db, |tx| stories::remove(tx, told.id)).unwrap();
    assert!(matches!(stories::get(&db, told.id).await, Err(Error::NotFound { .. })));
    assert!(matches!(write!(db, |tx| stories::remove(tx, told.id)), Err(Error::NotFound { .. })));
}
