use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use studio_core::{
    media::MediaFacts,
    order::{MusicOrder, Order, Outputs, Reported, Role},
    units::{SAMPLE_RATE, Samples, Seed},
};
use studio_engine::{Artifact, Engine, FailureKind};
use studiod::engines::ace_step::{ACE_STEP, AceStep, AceStepPlan, Kind};

use super::{
    Place, run, run_in,
    servers::ace_step::{AceStep as Fake, Fault},
    service, until, until_here,
};

pub fn open(url: String) -> AceStep {
    let plan = AceStepPlan {
        url,
        key: String::new(),
        steps: None,
        poll: Some(Duration::from_millis(10)),
        service: service(ACE_STEP),
    };
    let music = AceStep::open(plan).expect("it opens");
    music.watch();
    music
}

pub fn order() -> Order {
    Order::Music(MusicOrder {
        mood: "tense".into(),
        tempo_bpm: Some(90),
        at_least: Samples(15 * u64::from(SAMPLE_RATE)),
        seed: Seed((1 << 52) + 77),
        caption: Some("orchestral, tense, no vocals".into()),
        recipe: None,
    })
}

async fn fake(kind: Kind) -> Fake {
    match kind {
        Kind::Wrapper => Fake::wrapper().await,
        Kind::Server => Fake::server().await,
    }
}

pub fn sound(made: &[Artifact]) -> (Samples, u32, u32, std::path::PathBuf) {
    made.iter()
        .find_map(|one| match one {
            Artifact::File { role: Role::Sound, path, facts: MediaFacts::Sound { samples, rate, channels } } => {
                Some((*samples, *rate, *channels, path.clone()))
            }
            _ => None,
        })
        .expect("there is sound")
}

pub fn stands_in(made: &[Artifact]) -> Option<String> {
    made.iter().find_map(|one| match one {
        Artifact::Finding(Reported::Recording { stand_in, .. }) => stand_in.clone(),
        _ => None,
    })
}

#[rstest]
#[case(Kind::Wrapper)]
#[case(Kind::Server)]
#[tokio::test]
async fn music_is_made_by_either_and_each_is_asked_in_its_own_way(#[case] kind: Kind) {
    let fake = fake(kind).await;
    let (engine, place) = (open(fake.served.url()), Place::new());
    until_here(&engine).await;
    assert_eq!(engine.kind().await.unwrap(), kind);
    let made = run(&engine, &order(), &place).await.unwrap();
    let (samples, rate, channels, path) = sound(&made);
    assert_eq!((rate, channels, stands_in(&made)), (48_000, 2, None));
    assert_eq!(samples, Samples(15 * 48_000), "16 s, of which one is blended over the beginning");
    let read = hound::WavReader::open(path).unwrap();
    assert_eq!((read.duration(), read.spec().channels), (15 * 48_000, 2));
    let route = if kind == Kind::Wrapper { "/generate" } else { "/release_task" };
    let body = &fake.asked.of(route)[0];
    assert_eq!((&body["prompt"], &body["seed"]), (&json!("orchestral, tense, no vocals"), &json!(77)));
    if kind == Kind::Server {
        // What the wrapper's words would silently lead to.
        assert_eq!((&body["batch_size"], &body["audio_format"]), (&json!(1), &json!("wav")));
        assert_eq!((&body["use_random_seed"], &body["bpm"]), (&json!(false), &json!(90)));
        assert!(body.get("format").is_none() && body.get("duration").is_none());
    }
}

#[rstest]
#[tokio::test]
async fn every_fault_has_its_end(
    #[values(Kind::Wrapper, Kind::Server)] kind: Kind,
    #[values(
        (Fault::Forgets, FailureKind::Lost),
        (Fault::Fails, FailureKind::Transient),
        (Fault::Silent, FailureKind::Transient),
        (Fault::Mp3, FailureKind::Transient)
    )]
    fault: (Fault, FailureKind),
) {
    let fake = fake(kind).await;
    let (engine, place) = (open(fake.served.url()), Place::new());
    until_here(&engine).await;
    fake.fault(fault.0);
    let failure = run(&engine, &order(), &place).await.unwrap_err();
    assert_eq!(failure.kind, fault.1, "{kind:?} {:?}: {failure}", fault.0);
    fake.well();
    run(&engine, &order(), &place).await.expect("well again");
}

#[rstest]
#[case(Kind::Wrapper, Fault::SaysNo)]
#[case(Kind::Server, Fault::SaysNo)]
#[case(Kind::Wrapper, Fault::FarAway)]
#[tokio::test]
async fn what_will_never_work_is_left_to_the_draft_and_made_again_when_it_may(
    #[case] kind: Kind,
    #[case] fault: Fault,
) {
    let fake = fake(kind).await;
    let (engine, place) = (open(fake.served.url()), Place::new());
    until_here(&engine).await;
    fake.fault(fault);
    let made = run(&engine, &order(), &place).await.unwrap();
    let why = stands_in(&made).expect("a draft stands in");
    assert!(sound(&made).0 >= Samples(15 * 48_000), "{why}");
    let outputs = Outputs {
        files: Vec::new(),
        reported: Some(Reported::Recording { stand_in: Some(why), heard: None, remark: None }),
    };
    assert!(!engine.stands(&order(), &outputs), "the server is there, so it is asked again");
}

#[tokio::test]
async fn a_server_that_stays_away_is_stood_in_for_and_says_so() {
    let fake = Fake::server().await;
    let url = fake.served.url();
    drop(fake);
    let (engine, place) = (open(url), Place::new());
    let offer = until(engine.offer().unwrap(), |offer| offer.seats[1].away.is_none()).await;
    let away = offer.seats[0].away.clone().expect("it is away").to_string();
    assert!(away.contains("start ACE-Step"), "{away}");
    let mut room = place.room();
    room.seat.clone_from(&offer.seats[1].facts.seat);
    let made = run_in(&engine, &order(), &room).await.unwrap();
    assert!(stands_in(&made).unwrap().contains("does not answer"));
}

#[tokio::test]
async fn something_else_behind_the_address_is_named() {
    let fake = super::servers::ollama::Ollama::start().await;
    let engine = open(fake.served.url());
    let why = engine.kind().await.unwrap_err();
    assert!(why.contains("is no ACE-Step"), "{why}");
}
