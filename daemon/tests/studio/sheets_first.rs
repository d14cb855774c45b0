//! Films that are begun with reference sheets: whoever has no reference is drawn and judged first, and no person is waited for.

use std::collections::BTreeMap;

use studio_core::{
    character::Sheet,
    dataset::PictureState,
    fleet::Away,
    ids::{CharacterId, ContentHash, EpisodeId, LocationId},
    order::{Order, StillOrder},
    production::{CharacterCast, FilmRemark, ModelCast, ModelChoice},
    schedule::WaitReason,
    units::Size,
    views::{PortraitOutcome, PortraitOwner, PortraitSubject, PortraitView},
};
use studio_engine::FailureKind;
use studiod::{
    app::producing::{self, Screenplay},
    conductor::{Defaults, Produce, ProduceOptions, Seat},
    engines::comfy::COMFY,
    events::{StudioEvent, TaskUpdate},
    store,
};

use crate::{
    bench::{ask, door_making},
    comfy::{fake::Comfy as Fake, models},
    datasets::{studio as drawing, with},
    engines::{Act, Asked, Carded},
    fleet,
    plans::{TWO_ROOMS, produce},
    studio::Studio,
};

/// Of portraits; pictures of the film are 320 wide.
const SIZE: Size = Size { width: 180, height: 320 };

/// `text` by a model, before which these are drawn.
fn wanted(text: &str, views: &[PortraitView], judge: &str) -> Produce {
    let mut wanted = produce(text);
    let still = ModelChoice { model: "sd15".into(), alike_to: [2].into(), ..ModelChoice::default() };
    let cast = &mut wanted.production.cast;
    cast.models = Some(ModelCast { engine: "stills".into(), still: Some(still), ..ModelCast::default() });
    // On the card of `carded`, models have these names.
    (cast.eye, cast.judge) = (Some("sdxl".into()), judge.into());
    wanted.production.portraits = wanted.production.portraits_first(views, SIZE);
    wanted
}

const BOTH: [PortraitView; 2] = [PortraitView::FullBody, PortraitView::Establishing];

/// Whom a picture, or what a judge is shown, is of: a name, or a place.
fn of(order: &StillOrder) -> String {
    order.figures.first().map_or_else(|| order.look.location.clone(), |figure| figure.name.clone())
}

fn is_portrait(order: &StillOrder) -> bool {
    order.size == SIZE
}

/// Pictures that were drawn, portraits or those of the film.
fn drawn(studio: &Studio, portraits: bool) -> Vec<StillOrder> {
    let stills = studio.stage.runs().into_iter().filter_map(|order| match order {
        Order::Still(order) => Some(order),
        _ => None,
    });
    stills.filter(|order| is_portrait(order) == portraits).collect()
}

fn references(order: &StillOrder) -> Vec<ContentHash> {
    order.recipe.iter().flat_map(|recipe| &recipe.references).map(|one| one.hash).collect()
}

struct Sheets {
    people: BTreeMap<String, CharacterId>,
    places: BTreeMap<String, LocationId>,
}

impl Sheets {
    async fn of(studio: &Studio, episode: EpisodeId) -> Self {
        let (db, project) = (&studio.context.db, studio.episode(episode).await.project_id);
        let people = store::characters::of_project(db, project).await.unwrap();
        let places = store::locations::of_project(db, project).await.unwrap();
        Self {
            people: people.into_iter().map(|one| (one.name, one.id)).collect(),
            places: places.into_iter().map(|one| (one.name, one.id)).collect(),
        }
    }

    fn owner(&self, name: &str) -> PortraitOwner {
        match self.people.get(name) {
            Some(id) => PortraitOwner::Character(*id),
            None => PortraitOwner::Location(self.places[name]),
        }
    }

    async fn references(&self, studio: &Studio, name: &str) -> Vec<ContentHash> {
        let db = &studio.context.db;
        let files = match self.owner(name) {
            PortraitOwner::Character(id) => store::characters::sheet(db, id).await.unwrap().references,
            PortraitOwner::Location(id) => store::locations::sheet(db, id).await.unwrap().references,
        };
        files.iter().map(|one| one.hash).collect()
    }
}

/// Who is in the film, and where it plays: in the order in which they are first seen.
async fn names(studio: &Studio, episode: EpisodeId) -> Vec<String> {
    let plan = store::productions::of_episode(&studio.context.db, episode).await.unwrap().unwrap().portraits.unwrap();
    plan.of.iter().map(|one| one.subject.name().to_owned()).collect()
}

/// What the film does without.
async fn lacks(studio: &Studio, episode: EpisodeId) -> BTreeMap<String, PortraitOutcome> {
    let remarked = studio.episode(episode).await.remarked;
    let lacks = remarked.into_iter().filter_map(|remark| match remark {
        FilmRemark::NoPortrait { subject, why } => Some((subject.name().to_owned(), why)),
        _ => None,
    });
    lacks.collect()
}

#[tokio::test]
async fn pictures_of_a_film_stay_alike_to_what_the_judge_approves_before_it_begins() {
    let mut studio = Studio::open().await;
    let (episode, failed, _) = studio.make(wanted(TWO_ROOMS, &BOTH, "judge")).await;
    assert!(!failed);
    assert_eq!(names(&studio, episode).await.len(), 4, "two people, two places");
    assert_eq!(lacks(&studio, episode).await, BTreeMap::new());
    let sheets = Sheets::of(&studio, episode).await;
    let portraits = drawn(&studio, true);
    assert_eq!(portraits.len(), 4, "each once");
    assert!(portraits.iter().all(|order| references(order).is_empty()), "they are their own anchors");
    let film = drawn(&studio, false);
    assert_eq!(film.len(), 3);
    for order in &film {
        let approved = sheets.references(&studio, &of(order)).await;
        assert_eq!((approved.len(), references(order)), (1, approved), "{}", of(order));
    }
    // So does whoever judges: who is seen, beside the take.
    let (anna, mut shown) = (sheets.references(&studio, "ANNA").await, 0);
    for order in studio.stage.runs() {
        let Order::Review(order) = order else { continue };
        let told = order.shown.expect("the judge has eyes");
        if order.dataset || told.figures.first().is_none_or(|figure| figure.name != "ANNA") {
            continue;
        }
        assert_eq!(told.references.iter().map(|one| one.hash).collect::<Vec<_>>(), anna);
        shown += 1;
    }
    assert_eq!(shown, 2, "her picture and her clip");
    // As the settings are read the next time, everybody has a reference: nothing is drawn, and nothing made again.
    let before = studio.stage.runs().len();
    let mut again = wanted(TWO_ROOMS, &[], "judge");
    let production = &mut again.production;
    let models = production.cast.models.as_mut().unwrap();
    for (name, id) in &sheets.people {
        let references = store::characters::sheet(&studio.context.db, *id).await.unwrap().references;
        models.characters.insert(name.to_lowercase(), CharacterCast { references, ..CharacterCast::default() });
    }
    models.places = {
        let mut places = BTreeMap::new();
        for (name, id) in &sheets.places {
            places.insert(name.to_lowercase(), store::locations::sheet(&studio.context.db, *id).await.unwrap());
        }
        places
    };
    production.portraits = production.portraits_first(&BOTH, SIZE);
    assert_eq!(production.portraits.as_ref().unwrap().of, []);
    let (_, failed, _) = studio.make(again).await;
    assert_eq!((failed, studio.stage.runs().len()), (false, before));
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_film_goes_on_without_portraits_that_are_unsure_rejected_or_not_made() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|Asked { order, .. }| match order {
        Order::Still(order) if is_portrait(order) && of(order) == "BEN" => Act::Fail(FailureKind::Refused),
        Order::Review(order) => match &order.shown {
            Some(shown) if shown.description == PortraitView::FullBody.prompt() => Act::Score(Some(60)),
            Some(shown) if shown.description == PortraitView::Establishing.prompt() => Act::Score(Some(20)),
            _ => Act::Make,
        },
        _ => Act::Make,
    });
    let (episode, failed, _) = studio.make(wanted(TWO_ROOMS, &BOTH, "judge")).await;
    assert!(!failed, "nobody is waited for");
    let sheets = Sheets::of(&studio, episode).await;
    let [anna, kitchen, ben, garden] = &names(&studio, episode).await[..] else { panic!("four of them") };
    let lacking = lacks(&studio, episode).await;
    assert_eq!(lacking[anna], PortraitOutcome::AwaitsPerson);
    assert_eq!(lacking[ben], PortraitOutcome::NotMade);
    assert_eq!((lacking[kitchen], lacking[garden]), (PortraitOutcome::Rejected, PortraitOutcome::Rejected));
    assert!(drawn(&studio, false).iter().all(|order| references(order).is_empty()));
    let asked = studio.stage.runs().len();
    // Made again as it was: what is settled stays so, and is said again.
    studio.handle.again(episode).await.unwrap();
    let (failed, _) = studio.end().await;
    assert_eq!((failed, studio.stage.runs().len(), lacks(&studio, episode).await), (false, asked, lacking));
    // A person approves her, and the film is produced again: she is not drawn once more, and he is, whom nobody has seen.
    let db = &studio.context.db;
    let owner = sheets.owner(anna);
    let portrait = store::portraits::of_owner(db, owner).await.unwrap().swap_remove(0);
    assert_eq!(portrait.state, PictureState::Pending);
    let (episode, failed, _) = studio.make(wanted(TWO_ROOMS, &[PortraitView::FullBody], "judge")).await;
    assert!(!failed);
    let again = |name: &String| drawn(&studio, true).iter().filter(|order| of(order) == *name).count();
    assert_eq!((again(anna), again(ben)), (1, 2));
    assert_eq!(lacks(&studio, episode).await[anna], PortraitOutcome::AwaitsPerson, "it waits for a person still");
    studio.assert_settled().await;
}

#[tokio::test]
async fn only_pictures_of_who_is_drawn_wait_and_say_for_what() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|Asked { order, .. }| match order {
        Order::Still(order) if is_portrait(order) && of(order) == "ANNA" => Act::Hang,
        _ => Act::Make,
    });
    let episode = studio.handle.produce(wanted(TWO_ROOMS, &BOTH, "judge")).await.unwrap();
    let made = |now: &TaskUpdate| matches!(now, TaskUpdate::Made);
    studio.until_task("scene 2/shot 1/still", made).await;
    let sheets = Sheets::of(&studio, episode).await;
    let open = store::portraits::open(&studio.context.db, sheets.owner("ANNA")).await.unwrap();
    let sheet = studio.task(episode, "portraits/1").await;
    let needs = |first| Some(WaitReason::Needs { count: 1, first });
    let take = studio.task(episode, "scene 1/shot 2/still/take 1").await;
    assert_eq!(studio.handle.why(take.id).await.unwrap(), needs(sheet.id));
    assert_eq!(studio.handle.why(sheet.id).await.unwrap(), needs(open[0].task));
    assert!(drawn(&studio, false).iter().all(|order| of(order) != "ANNA"));
    studio.stage.release();
    let (failed, _) = studio.end().await;
    assert!(!failed);
    let film = drawn(&studio, false);
    let anna = film.iter().find(|order| of(order) == "ANNA").unwrap();
    assert_eq!(references(anna), sheets.references(&studio, "ANNA").await);
    studio.assert_settled().await;
}

#[tokio::test]
async fn who_cancels_a_sheet_has_the_film_go_on_without_it() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|Asked { order, .. }| match order {
        Order::Still(order) if is_portrait(order) => Act::Hang,
        _ => Act::Make,
    });
    let episode = studio.handle.produce(wanted(TWO_ROOMS, &[PortraitView::FullBody], "judge")).await.unwrap();
    for slot in ["portraits/1", "portraits/2"] {
        studio.handle.cancel(studio.task(episode, slot).await.id).await.unwrap();
    }
    // Its own takes need no more than a free seat now.
    studio.stage.release();
    let (failed, _) = studio.end().await;
    assert!(!failed, "a film can do without");
    assert!(drawn(&studio, false).iter().all(|order| references(order).is_empty()));
    let said = studio.episode(episode).await.remarked;
    let without = said
        .iter()
        .filter(|one| matches!(one, FilmRemark::NotMade { job, .. } if job.path().starts_with("portraits/")));
    assert_eq!(without.count(), 2, "{said:?}");
    nothing_is_asked(&mut studio).await;
    studio.assert_settled().await;
}

/// Waits until nothing that was asked for sheets is open any more.
async fn nothing_is_asked(studio: &mut Studio) {
    let mut open = 1;
    while open > 0 {
        studio.later(0).await;
        open = store::datasets::open_requests(&studio.context.db).await.unwrap().len();
        if open > 0 {
            studio.until(|happened| matches!(happened, StudioEvent::Portraits { .. })).await;
        }
    }
}

/// Nothing of it waits or runs any more.
async fn is_over(studio: &Studio, episode: EpisodeId) -> bool {
    studio.later(0).await;
    studio.tasks(episode).await.values().all(|task| task.state.is_final())
}

#[tokio::test]
async fn whatever_moment_the_power_fails_a_film_is_begun_with_each_portrait_once() {
    for cut in [1, 2, 4, 7, 11, 16] {
        let mut studio = Studio::open().await;
        let episode = studio.handle.produce(wanted(TWO_ROOMS, &BOTH, "judge")).await.unwrap();
        for _ in 0..2 {
            for _ in 0..cut {
                if !is_over(&studio, episode).await {
                    studio.until(|_| true).await;
                }
            }
            studio.power_cut().await;
            studio.start_again().await;
        }
        while !is_over(&studio, episode).await {
            studio.until(|_| true).await;
        }
        let sheets = Sheets::of(&studio, episode).await;
        for name in ["ANNA", "BEN"].into_iter().map(str::to_owned).chain(sheets.places.keys().cloned()) {
            let asked = store::portraits::ever_asked(&studio.context.db, sheets.owner(&name)).await.unwrap();
            assert_eq!((asked, sheets.references(&studio, &name).await.len()), (1, 1), "{name}, cut after {cut}");
        }
        let anna = sheets.references(&studio, "ANNA").await;
        let film = drawn(&studio, false);
        assert!(
            film.iter().filter(|order| of(order) == "ANNA").all(|order| references(order) == anna),
            "cut after {cut}"
        );
        assert_eq!(lacks(&studio, episode).await, BTreeMap::new(), "cut after {cut}");
        studio.assert_settled().await;
    }
}

fn away(judge: &Carded, why: Option<Away>) {
    judge.offer.send_modify(|offer| offer.seats[0].away = why);
}

#[tokio::test]
async fn a_judge_that_is_away_is_not_waited_for_and_judges_later() {
    let (mut studio, judge) = fleet::open().await;
    studio.stage.rule(|Asked { order, .. }| match order {
        Order::Review(order) if order.dataset => Act::Hang,
        _ => Act::Make,
    });
    let wanted = wanted(TWO_ROOMS, &[PortraitView::FullBody], "comfy");
    let episode = studio.handle.produce(wanted).await.unwrap();
    // Both are drawn; he looks at one, and the other waits for him.
    for _ in 0..2 {
        studio.until(|happened| matches!(happened, StudioEvent::Portraits { .. })).await;
    }
    studio.later(0).await;
    let open = store::datasets::open_requests(&studio.context.db).await.unwrap();
    assert_eq!(open.len(), 2, "both are to be judged");
    let again = open.into_iter().map(|(_, request)| (request.unwrap(), false)).collect();
    assert_eq!(studio.handle.pictures(again).await.unwrap(), [], "nobody is judged twice at the same time");
    away(&judge, Some(Away::Unreachable { message: "it does not answer".into() }));
    let made = |now: &TaskUpdate| matches!(now, TaskUpdate::Made);
    studio.until_task("scene 2/shot 1/still/take 1", made).await;
    for order in drawn(&studio, false) {
        assert_eq!(references(&order), [], "{}", of(&order));
    }
    studio.stage.release();
    away(&judge, None);
    let (failed, _) = studio.end().await;
    assert!(!failed);
    let lacking = lacks(&studio, episode).await;
    assert_eq!(lacking.len(), 2);
    assert!(lacking.values().all(|why| *why == PortraitOutcome::JudgeAway), "{lacking:?}");
    // What he says when he is back counts for the next film.
    let sheets = Sheets::of(&studio, episode).await;
    for name in ["ANNA", "BEN"] {
        assert_eq!(sheets.references(&studio, name).await.len(), 1, "{name}");
    }
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_judge_that_is_not_of_the_films_own_cast_is_not_waited_for_either() {
    let (mut studio, judge) = fleet::open().await;
    studio.stage.rule(|Asked { order, .. }| match order {
        Order::Review(order) if order.dataset => Act::Hang,
        _ => Act::Make,
    });
    let views = [PortraitView::FullBody];
    let episode = studio.handle.produce(wanted(TWO_ROOMS, &views, "comfy")).await.unwrap();
    for _ in 0..2 {
        studio.until(|happened| matches!(happened, StudioEvent::Portraits { .. })).await;
    }
    studio.later(0).await;
    studio.handle.cancel_episode(episode).await.unwrap();
    studio.end().await;
    // By now somebody else judges, and both wait for him who was asked.
    assert_eq!(studio.handle.produce(wanted(TWO_ROOMS, &views, "judge")).await.unwrap(), episode);
    studio.later(0).await;
    assert_eq!(store::datasets::open_requests(&studio.context.db).await.unwrap().len(), 2);
    away(&judge, Some(Away::Unreachable { message: "it does not answer".into() }));
    let made = |now: &TaskUpdate| matches!(now, TaskUpdate::Made);
    studio.until_task("scene 2/shot 1/still/take 1", made).await;
    studio.stage.release();
    away(&judge, None);
    let (failed, _) = studio.end().await;
    assert!(!failed);
    let lacking = lacks(&studio, episode).await;
    assert_eq!(lacking.len(), 2);
    assert!(lacking.values().all(|why| *why == PortraitOutcome::JudgeAway), "{lacking:?}");
    nothing_is_asked(&mut studio).await;
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_is_drawn_first_is_said_by_the_settings_and_by_whoever_produces() {
    let fake = Fake::start(models()).await;
    let studio = drawing().await;
    let comfy = format!("[[comfy]]\nname = \"nvidia0\"\nurl = \"{}\"\n", fake.url());
    let plan = async |settings: &str, portraits: Option<&str>| {
        let making = with(&studio, toml::from_str(&format!("{settings}{comfy}")).unwrap()).making;
        let screenplay = Screenplay::read(TWO_ROOMS.as_bytes(), "", &making.reading()).unwrap();
        let options = ProduceOptions { portraits: portraits.map(str::to_owned), ..ProduceOptions::default() };
        let asked = producing::request(&making, &screenplay, &options, None, Defaults::BySettings).await;
        asked.map(|produce| produce.production.portraits).map_err(|why| why.to_string())
    };
    let (by_model, before) = ("[models]\nstills = \"sd15\"\n", "[portraits]\nbefore = [\"face\"]\n");
    let both = format!("{by_model}{before}");
    assert_eq!(plan(by_model, None).await, Ok(None), "nothing is drawn first unless somebody wants it");
    assert_eq!(plan(before, None).await, Ok(None), "drafts stay alike to nothing");
    let by_settings = plan(&both, None).await.unwrap().unwrap();
    assert_eq!((by_settings.views, by_settings.size), (vec![PortraitView::Face], SIZE));
    let subjects: Vec<_> = by_settings.of.iter().map(|one| one.subject.clone()).collect();
    let named = |name: &str| PortraitSubject::Character(name.into());
    assert_eq!(subjects, [named("ANNA"), named("BEN")], "a face is no view of a place");
    let asked = plan(by_model, Some("full_body, establishing")).await.unwrap().unwrap();
    assert_eq!((asked.views.as_slice(), asked.of.len()), (&BOTH[..], 4));
    assert_eq!(plan(&both, Some("off")).await.unwrap().unwrap().of, []);
    let refused = plan(&both, Some("feet")).await.unwrap_err();
    assert!(refused.contains("'feet' is no view of a reference sheet; there are full_body, face"), "{refused}");
    let twice = plan(by_model, Some("face,full_body,face")).await.unwrap().unwrap();
    assert_eq!(twice.views, [PortraitView::Face, PortraitView::FullBody]);
    let refused = plan(&both, Some("off,face")).await.unwrap_err();
    assert!(refused.contains("'off' is for no view at all"), "{refused}");
}

#[tokio::test]
async fn whoever_produces_an_episode_again_says_what_is_drawn_first_and_it_stays_so() {
    let mut studio = Studio::open_with(|seats| {
        let names = ["voice", "music", "stills", "clips", "judge"];
        for (name, alias) in
            names.map(|name| (name, format!("draft.{name}"))).into_iter().chain([("stills", COMFY.into())])
        {
            let engine = seats[name].engine.clone();
            seats.insert(alias, Seat { engine, slots: 2 });
        }
    })
    .await;
    let settings = "[models]\nstills = \"sd15\"\n[portraits]\nbefore = [\"face\"]\n\
        [[comfy]]\nname = \"nvidia0\"\nurl = \"http://127.0.0.1:9\"\n";
    let door = door_making(&studio, with(&studio, toml::from_str(settings).unwrap()));
    let (episode, failed, _) = studio.make(produce(TWO_ROOMS)).await;
    assert!(!failed);
    let path = format!("/api/episodes/{episode}/produce");
    let said = [
        ("", vec![PortraitView::Face]),
        ("?portraits=full_body,establishing", BOTH.to_vec()),
        ("", BOTH.to_vec()),
        ("?portraits=off", vec![]),
        ("", vec![]),
        ("?portraits=face", vec![PortraitView::Face]),
    ];
    for (query, views) in said {
        let answer = ask(&door, "POST", &format!("{path}{query}"), &[], "").await;
        assert_eq!(answer.status, 202, "{query}: {}", answer.body);
        studio.end().await;
        let plan = store::productions::of_episode(&studio.context.db, episode).await.unwrap().unwrap().portraits;
        let plan = plan.unwrap_or_else(|| panic!("{query}: there is no plan"));
        assert_eq!((plan.views.as_slice(), plan.size), (&views[..], SIZE), "{query}");
        // Everybody and every place that has such a view.
        let faces = views.iter().any(|view| *view != PortraitView::Establishing);
        let most = 2 * usize::from(faces) + 2 * usize::from(views.contains(&PortraitView::Establishing));
        assert_eq!(plan.of.len(), most, "{query}: {plan:?}");
    }
    let refused = ask(&door, "POST", &format!("{path}?portraits=feet"), &[], "").await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(refused.body["detail"].as_str().unwrap().contains("'feet' is no view"), "{}", refused.body);
    studio.assert_settled().await;
}

#[test]
fn sheets_that_are_not_settled_are_asked_for_anew_where_a_film_is_brought() {
    let mut production = wanted(TWO_ROOMS, &[PortraitView::FullBody], "judge").production;
    production.portrait_asked(1);
    production.portrait_asked(2);
    production.portrait_settled(2, PortraitOutcome::NotMade, &[]);
    production.portraits_unasked();
    assert_eq!([1, 2].map(|number| production.lacking(number).unwrap().asked), [false, true]);
}

#[tokio::test]
async fn who_has_lost_the_reference_is_drawn_again() {
    let mut studio = Studio::open().await;
    let views = [PortraitView::FullBody];
    let (episode, failed, _) = studio.make(wanted(TWO_ROOMS, &views, "judge")).await;
    assert!(!failed);
    let sheets = Sheets::of(&studio, episode).await;
    let (db, anna) = (studio.context.db.clone(), sheets.people["ANNA"]);
    let sheet = store::characters::sheet(&db, anna).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    store::characters::set_sheet(&mut tx, anna, &Sheet { references: Vec::new(), ..sheet }).await.unwrap();
    tx.commit().await.unwrap();
    let (_, failed, _) = studio.make(wanted(TWO_ROOMS, &views, "judge")).await;
    assert!(!failed);
    let asked = async |name: &str| store::portraits::ever_asked(&db, sheets.owner(name)).await.unwrap();
    assert_eq!((asked("ANNA").await, asked("BEN").await), (2, 1));
    assert_eq!(lacks(&studio, episode).await, BTreeMap::new());
    assert_eq!(sheets.references(&studio, "ANNA").await.len(), 1);
    studio.assert_settled().await;
}
