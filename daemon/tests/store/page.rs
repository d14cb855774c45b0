//! What people write on the page, who may come in, and what the page lists.

use rstest::rstest;
use studio_core::{
    access::{Scope, Token},
    character::Sheet,
    ids::{DecisionId, EpisodeId, ProjectId, TaskId, TokenId},
    order::AssetRef,
    project::{About, Project, Style},
    take::Subject,
    task::AttemptState,
    units::Millis,
};
use studiod::store::{
    Error, access, analytics,
    answers::{self, Answer},
    assets, attempts, characters,
    decisions::{self, Decision},
    opinions::{self, Opinion},
    projects, screenplays, takes, tasks,
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
    write!(db, |tx| projects::set_about(tx, &renamed, &about)).unwrap();
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
    let all = takes::Asked { limit: 10, ..takes::Asked::default() };
    let ids = async |asked: takes::Asked| {
        let found = takes::page(&db, &asked).await.unwrap();
        let count = takes::count(&db, &asked).await.unwrap();
        (found.iter().map(|one| one.take.attempt).collect::<Vec<_>>(), count)
    };
    assert_eq!(ids(all.clone()).await, (vec![3, 2, 1], 3));
    assert_eq!(ids(takes::Asked { oldest_first: true, limit: 2, ..all.clone() }).await, (vec![1, 2], 3));
    let after = takes::Asked { after: Some(samples::take(81, shot.id, 2, "b").id), ..all.clone() };
    assert_eq!(ids(after.clone()).await.0, [1]);
    assert_eq!(ids(takes::Asked { oldest_first: true, ..after }).await.0, [3]);
    assert_eq!(ids(takes::Asked { unjudged: true, ..all.clone() }).await, (vec![3, 1], 2));
    assert_eq!(
        ids(takes::Asked { subject: Some(Subject::Still), ..all.clone() }).await.1
            + ids(takes::Asked { subject: Some(Subject::Clip), ..all.clone() }).await.1,
        3
    );
    assert_eq!(ids(takes::Asked { project: Some(episode.project_id), ..all.clone() }).await.1, 3);
    assert_eq!(ids(takes::Asked { project: Some(ProjectId(uuid(999))), ..all.clone() }).await.1, 0);
    assert_eq!(ids(takes::Asked { episode: Some(EpisodeId(uuid(999))), ..all.clone() }).await.1, 0);
    assert_eq!(ids(takes::Asked { character: Some("MARA".into()), ..all.clone() }).await.1, 3);
    for nobody in ["MAR", "100%", "\"", "'; drop table takes; --"] {
        assert_eq!(ids(takes::Asked { character: Some(nobody.into()), ..all.clone() }).await.1, 0, "{nobody}");
    }
    write!(db, |tx| opinions::forget(tx, hash("b"))).unwrap();
    assert_eq!(ids(takes::Asked { unjudged: true, ..all }).await.1, 3);

    let decision = |id: u128, kind: &str, about: Option<EpisodeId>| Decision {
        id: DecisionId(uuid(id)),
        episode_id: about,
        task_id: None,
        kind: kind.into(),
        reason: "because".into(),
        inputs: serde_json::json!({}),
        outcome: "so".into(),
        created: Millis(1),
    };
    for one in [decision(1, "gate", Some(episode.id)), decision(2, "swap", None), decision(3, "gate", Some(episode.id))]
    {
        write!(db, |tx| decisions::insert(tx, &one)).unwrap();
    }
    let page = async |about, kind, after: Option<u128>, limit| {
        let after = after.map(|id| DecisionId(uuid(id)));
        let found = decisions::page(&db, about, kind, after, limit).await.unwrap();
        found.iter().map(|one| one.id.0.as_u128() - uuid(0).as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None, None, 10).await, [3, 2, 1]);
    assert_eq!(page(None, None, Some(3), 1).await, [2]);
    assert_eq!(page(Some(episode.id), Some("gate"), None, 10).await, [3, 1]);
    assert_eq!(page(None, Some("none"), None, 10).await, [0; 0]);
    assert_eq!(decisions::kinds(&db).await.unwrap(), ["gate", "swap"]);

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
