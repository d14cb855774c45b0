use studio_core::{
    character::{CharacterProfile, Gender},
    order::{AssetRef, Heard, Order, Reported, VoiceOrder},
    units::Samples,
};
use studio_engine::{Artifact, Engine, FailureKind};
use studiod::engines::{
    speech::{SPEECH, Speech, SpeechPlan},
    whisper::{Whisper, WhisperPlan},
};

use super::{
    Place,
    ace_step::{sound, stands_in},
    run, run_in,
    servers::speech::{Fault, Speech as Fake, tone},
    service, until, until_here,
};

pub fn open(url: &str, listens: bool) -> Speech {
    let listener = listens.then(|| {
        let plan = WhisperPlan { url: url.into(), route: "/v1/audio/transcriptions".into(), model: "whisper-1".into() };
        Whisper::open(plan).expect("it opens")
    });
    let speech = Speech::open(SpeechPlan {
        url: url.into(),
        model: "kokoro".into(),
        key: String::new(),
        voice: "af_heart".into(),
        listener,
        service: service(SPEECH),
    });
    let speech = speech.expect("it opens");
    speech.watch();
    speech
}

pub fn line(text: &str, voice: Option<&str>) -> Order {
    Order::Voice(VoiceOrder {
        character: "Edda".into(),
        profile: CharacterProfile::from_name("Edda", Some(Gender::Male), None),
        text: text.into(),
        manner: None,
        language: "en".into(),
        voice: voice.map(str::to_owned),
        sample: None,
    })
}

fn heard(made: &[Artifact]) -> Option<Heard> {
    made.iter().find_map(|one| match one {
        Artifact::Finding(Reported::Recording { heard, .. }) => heard.clone(),
        _ => None,
    })
}

async fn world(listens: bool) -> (Fake, Speech, Place) {
    let fake = Fake::start().await;
    let engine = open(&fake.served.url(), listens);
    until_here(&engine).await;
    (fake, engine, Place::new())
}

#[tokio::test]
async fn a_line_is_spoken_by_the_character_s_voice_and_checked_by_ear() {
    let (fake, engine, place) = world(true).await;
    let made = run(&engine, &line("Where is the light, Pip?", None), &place).await.unwrap();
    let (samples, rate, channels, _) = sound(&made);
    assert_eq!((rate, channels), (48_000, 1));
    assert!(samples > Samples(48_000), "{samples:?}");
    let heard = heard(&made).expect("somebody listened");
    assert!(heard.word_error_rate.abs() < 1e-9 && heard.words.len() == 5, "{heard:?}");
    run(&engine, &line("Here.", Some("bm_lewis")), &place).await.unwrap();
    let asked = fake.asked.of("/v1/audio/speech");
    assert_eq!((asked[0]["voice"].as_str(), asked[1]["voice"].as_str()), (Some("am_adam"), Some("bm_lewis")));
    assert!(asked.iter().all(|body| body["stream"] == false && body["response_format"] == "wav"));
    let ears = &fake.asked.of("/v1/audio/transcriptions")[0];
    assert_eq!((ears["rate"].as_u64(), ears["language"].as_str()), (Some(16_000), Some("en")));
}

#[tokio::test]
async fn a_header_that_lies_is_mended_and_a_line_without_words_is_a_beat() {
    let (fake, engine, place) = world(false).await;
    let good = run(&engine, &line("Where is the light?", None), &place).await.unwrap();
    fake.fault(Fault::BrokenHeader);
    let mended = run(&engine, &line("Where is the light?", None), &place).await.unwrap();
    assert_eq!(sound(&mended).0, sound(&good).0);
    assert_eq!(heard(&good), None);
    let beat = run(&engine, &line("...", None), &place).await.unwrap();
    assert_eq!((sound(&beat).0, fake.asked.of("/v1/audio/speech").len()), (Samples(19_200), 2));
}

#[tokio::test]
async fn a_line_that_is_not_understood_is_said_again_and_then_kept() {
    let (fake, engine, place) = world(true).await;
    fake.fault(Fault::Misheard);
    let made = run(&engine, &line("Where is the light?", None), &place).await.unwrap();
    assert_eq!(fake.asked.of("/v1/audio/speech").len(), 2);
    assert!(heard(&made).unwrap().word_error_rate > 0.9);
    fake.fault(Fault::Deaf);
    let made = run(&engine, &line("Where is the light now?", None), &place).await.unwrap();
    assert_eq!(heard(&made), None, "a deaf listener costs no line");
}

#[tokio::test]
async fn voices_never_fail_a_scene() {
    let (fake, engine, place) = world(false).await;
    fake.fault(Fault::NoVoice);
    let made = run(&engine, &line("Where?", Some("nobody")), &place).await.unwrap();
    assert!(stands_in(&made).unwrap().contains("Voice not found"));
    for fault in [Fault::Silent, Fault::Broken] {
        let (fake, engine, place) = world(false).await;
        fake.fault(fault);
        let failure = run(&engine, &line("Where?", None), &place).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Transient, "{fault:?}: {failure}");
    }
    let url = fake.served.url();
    drop((fake, engine));
    let engine = open(&url, false);
    let offer = until(engine.offer().unwrap(), |offer| offer.seats[1].away.is_none()).await;
    let mut room = place.room();
    room.seat.clone_from(&offer.seats[1].facts.seat);
    let made = run_in(&engine, &line("Where?", None), &room).await.unwrap();
    assert!(stands_in(&made).unwrap().contains("start the speech server"));
}

fn sample(place: &Place, bytes: &[u8]) -> AssetRef {
    let path = place.path("edda.wav");
    std::fs::write(&path, bytes).unwrap();
    place.keep(&path)
}

fn remark(made: &[Artifact]) -> Option<String> {
    made.iter().find_map(|one| match one {
        Artifact::Finding(Reported::Recording { remark, .. }) => remark.clone(),
        _ => None,
    })
}

#[tokio::test]
async fn a_voice_is_cloned_from_a_recording_that_is_sent_once() {
    for (kind, route) in [(Fault::References, "/upload_reference"), (Fault::Library, "/voices")] {
        let (fake, engine, place) = world(false).await;
        fake.fault(kind);
        let sample = self::sample(&place, &tone(48_000, 2, 40.0, 0.3));
        let order = |text: &str| match line(text, Some("af_heart")) {
            Order::Voice(order) => Order::Voice(VoiceOrder { sample: Some(sample.clone()), ..order }),
            other => other,
        };
        for text in ["Where is the light?", "It is out."] {
            let made = run(&engine, &order(text), &place).await.unwrap();
            assert_eq!(remark(&made), None);
        }
        let sent = fake.asked.of(route);
        assert_eq!(sent.len(), 1, "{kind:?}: {sent:?}");
        assert!((sent[0]["seconds"].as_f64().unwrap() - 25.0).abs() < 0.1, "servers take 30 s at most: {sent:?}");
        let spoken = fake.asked.of("/v1/audio/speech");
        assert_eq!(spoken.len(), 2);
        assert!(spoken.iter().all(|line| line["voice"] == sent[0]["name"]), "{spoken:?}");
        // Started anew, the studio sends it again, and a server that has it already is content.
        let again = open(&fake.served.url(), false);
        until_here(&again).await;
        run(&again, &order("Once more."), &place).await.unwrap();
        assert_eq!(fake.asked.of(route).len(), 2);
    }
}

#[tokio::test]
async fn a_server_that_cannot_clone_speaks_all_the_same_and_it_is_said() {
    let (fake, engine, place) = world(false).await;
    let sample = self::sample(&place, &tone(24_000, 1, 3.0, 0.3));
    let Order::Voice(plain) = line("Where is the light?", Some("am_adam")) else { unreachable!() };
    let made = run(&engine, &Order::Voice(VoiceOrder { sample: Some(sample), ..plain }), &place).await.unwrap();
    assert_eq!(remark(&made).as_deref(), Some("Edda speaks as am_adam: the speech server cannot clone voices"));
    assert_eq!(fake.asked.of("/v1/audio/speech")[0]["voice"], "am_adam");
}
