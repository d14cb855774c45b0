//! Captions: what is told of pictures, out into folders of training programs and in again.

use proptest::{collection::vec, option, prelude::*, sample::select};
use studio_core::{
    asset::AssetRef,
    dataset::{
        Base, Called, Caption, CaptionFile, Cell, Coverage, DatasetSettings, LONGEST_CAPTION, Layout, Picture,
        PictureState, Remark, Replacement, Source, Target, Words, count_tags, export, handed_over, match_captions,
    },
    ids::{CharacterId, ContentHash, PictureId},
    units::{Millis, Size},
};
use uuid::Uuid;

fn picture(number: u128, cell: &[(&str, &str)], caption: Option<&str>) -> Picture {
    Picture {
        id: PictureId(Uuid::from_u128(number)),
        character_id: CharacterId(Uuid::nil()),
        file: AssetRef { hash: ContentHash::of(&number.to_le_bytes()), ext: "png".into() },
        size: Size { width: 512, height: 512 },
        state: PictureState::Approved,
        source: Source::Upload { name: String::new() },
        lineage: 0,
        made: None,
        cell: cell.iter().map(|(axis, word)| ((*axis).to_owned(), (*word).to_owned())).collect::<Cell>(),
        placing: None,
        verdict: None,
        decision: None,
        caption: caption.map(|text| Caption { text: text.into(), by_person: true }),
        duplicate_of: None,
        likeness: None,
        print: None,
        created: Millis(0),
    }
}

fn called(trigger: &str, class_word: &str) -> Called {
    let settings =
        DatasetSettings { trigger: trigger.into(), class_word: class_word.into(), ..DatasetSettings::default() };
    Called::of(&settings, "Mara")
}

fn lines(pictures: &[Picture], called: &Called, looks: &[&str]) -> Vec<String> {
    let coverage = Coverage::shipped();
    let looks: Vec<String> = looks.iter().map(|one| (*one).to_owned()).collect();
    let all: Vec<&Picture> = pictures.iter().collect();
    let told = Words::of(&coverage, &looks, &all);
    let planned = export(called, &told, pictures, &Target::default()).unwrap();
    planned.pictures.into_iter().map(|one| one.caption).collect()
}

#[test]
fn a_trigger_word_is_made_from_the_name_once_and_for_all() {
    let made = |name: &str| Called::of(&DatasetSettings::default(), name).trigger;
    assert_eq!(made("Mara"), made("MARA"), "however it is written");
    assert!(made("Mara").starts_with("marax") && made("Mara").len() == 6, "{}", made("Mara"));
    assert!(made("Zoë Müller-Lüdenscheidt").starts_with("zoemullerlud"), "{}", made("Zoë"));
    assert!(made("Мара").starts_with("zx") && made("Мара") != made("Анна"), "{}", made("Мара"));
    assert_eq!(called(" mira\u{feff}x7 ", "").trigger, "mira x7");
}

#[test]
fn what_changes_is_named_and_what_never_does_is_not() {
    let cell =
        [("framing", "face"), ("angle", "front"), ("expression", "smile"), ("outfit", "usual"), ("place", "room")];
    let told = lines(&[picture(1, &cell, None)], &called("mirax7", "woman"), &[]);
    assert_eq!(
        told,
        ["mirax7, woman, close-up portrait, from the front, facing the viewer, smiling, in a room"],
        "nothing of the only outfit"
    );
    // Of their own axes: a hair that is always so belongs to the trigger word, one of two has to be named.
    let mut coverage = Coverage::shipped();
    let own = r#"[[axes]]
        name = "hair"
        values = [{ word = "silver", prompt = "long silver hair", share = 1 }, { word = "wig", prompt = "black wig, masterpiece", share = 1 }]
        [[axes]]
        name = "coat"
        values = [{ word = "red", prompt = "red coat", share = 1 }]"#;
    coverage.axes = Coverage::parse(own).unwrap().axes;
    let silver = |n| picture(n, &[("hair", "silver"), ("coat", "red")], None);
    let wig = |n| picture(n, &[("hair", "wig"), ("coat", "red")], None);
    let looks = vec!["silver hair".to_owned()];
    let told = |pictures: &[Picture]| {
        let all: Vec<&Picture> = pictures.iter().collect();
        let told = Words::of(&coverage, &looks, &all);
        pictures.iter().map(|one| told.text(one)).collect::<Vec<_>>()
    };
    assert_eq!(told(&[silver(1), silver(2), silver(3), silver(4), wig(5)]), ["", "", "", "", "black wig"]);
    assert_eq!(told(&[silver(1), wig(2)]), ["long silver hair", "black wig"], "half of them differ");
}

#[test]
fn what_a_person_wrote_is_told_with_each_word_in_front_once() {
    let mira = called("mirax7", "woman");
    for (written, line) in [
        ("smiling, red coat", "mirax7, woman, smiling, red coat"),
        ("MiraX7, woman, smiling", "mirax7, woman, smiling"),
        ("mirax7 smiling", "mirax7, woman, smiling"),
        ("mirax77, smiling", "mirax7, woman, mirax77, smiling"),
        ("woman in red", "mirax7, woman in red"),
        ("womanly, smiling", "mirax7, woman, womanly, smiling"),
        (" , mirax7,\r\n smiling\t", "mirax7, woman, smiling"),
        ("mirax7", "mirax7, woman"),
        ("größer als Öl", "mirax7, woman, größer als Öl"),
    ] {
        assert_eq!(mira.line(written), line, "{written:?}");
        assert_eq!(mira.line(&mira.without(line)), line, "{written:?}");
    }
    assert_eq!(called("mirax7", "").line(""), "mirax7");
}

#[test]
fn the_layouts_are_what_training_programs_read() {
    let mira = called("mirax7", "girl/one");
    let coverage = Coverage::shipped();
    let mut pictures: Vec<Picture> = (1..=20).map(|n| picture(n, &[("framing", "full")], None)).collect();
    pictures[3].state = PictureState::Rejected;
    pictures[4].duplicate_of = Some(pictures[0].id);
    pictures[5].file.ext = "jpg".into();
    let told = Words::of(&coverage, &[], &[]);
    let plan = |layout, base, root: &str| {
        export(&mira, &told, &pictures, &Target { layout, base, root: root.into() }).unwrap()
    };
    let kohya = plan(Layout::Kohya, Base::Sd15, "");
    assert_eq!((kohya.repeats, kohya.pictures.len()), (9, 18), "an epoch has 160 steps or so");
    assert_eq!(kohya.pictures[0].path, "9_mirax7 girl one/000001.png");
    assert_eq!(kohya.pictures[3].path, "9_mirax7 girl one/000004.jpg", "counted without gaps");
    assert_eq!(kohya.pictures[3].caption_path, "9_mirax7 girl one/000004.txt");
    let config: toml::Table = kohya.config.1.parse().unwrap();
    let set = &config["datasets"][0];
    assert_eq!(set["resolution"].as_integer(), Some(512));
    assert_eq!(set["subsets"][0]["image_dir"].as_str(), Some("9_mirax7 girl one"));
    assert_eq!(set["subsets"][0]["class_tokens"].as_str(), Some("mirax7 girl/one"));
    let known = [
        "batch_size",
        "resolution",
        "enable_bucket",
        "min_bucket_reso",
        "max_bucket_reso",
        "bucket_reso_steps",
        "bucket_no_upscale",
        "subsets",
    ];
    assert!(
        set.as_table().unwrap().keys().all(|key| known.contains(&key.as_str())),
        "an unknown key ends the training"
    );
    let sdxl: toml::Table = plan(Layout::Kohya, Base::Sdxl, r#"/home/a "b"\"#).config.1.parse().unwrap();
    assert_eq!(sdxl["general"]["shuffle_caption"].as_bool(), Some(false), "its captions are encoded once");
    assert_eq!(sdxl["datasets"][0]["max_bucket_reso"].as_integer(), Some(2048));
    assert_eq!(
        sdxl["datasets"][0]["subsets"][0]["image_dir"].as_str(),
        Some(r#"/home/a "b"\/11_mirax7 girl one"#),
        "whatever the folder is called"
    );
    let musubi = plan(Layout::Musubi, Base::Sd15, "/data/mira/");
    assert_eq!(musubi.pictures[0].path, "images/000001.png");
    let config: toml::Table = musubi.config.1.parse().unwrap();
    assert_eq!(config["datasets"][0]["image_directory"].as_str(), Some("/data/mira/images"));
    assert_eq!(config["datasets"][0]["cache_directory"].as_str(), Some("/data/mira/cache"));
    let flat = plan(Layout::AiToolkit, Base::Sdxl, "/data/mira");
    assert_eq!((flat.pictures[0].path.as_str(), flat.config.0.as_str()), ("000001.png", "dataset.yaml"));
    for line in
        ["trigger_word: \"mirax7\"", "  - folder_path: \"/data/mira\"", "    num_repeats: 11", "    resolution: [1024]"]
    {
        assert!(flat.config.1.lines().any(|one| one == line), "{line}: {}", flat.config.1);
    }
    for one in &mut pictures {
        one.state = PictureState::Pending;
    }
    let why = export(&mira, &told, &pictures, &Target::default()).unwrap_err();
    assert!(why.to_string().contains("approve some first"), "{why}");
}

#[test]
fn tags_are_counted_and_a_part_of_nearly_all_pictures_is_named() {
    let coverage = Coverage::shipped();
    let mira = called("mirax7", "woman");
    let pictures = [
        picture(1, &[], Some("mirax7, woman, smiling, red coat, smiling")),
        picture(2, &[], Some("smiling , white background")),
        picture(3, &[("expression", "smile")], None),
    ];
    let all: Vec<&Picture> = pictures.iter().collect();
    let counts = count_tags(&mira, &Words::of(&coverage, &[], &all), &all);
    let seen: Vec<_> = counts.iter().map(|one| (one.tag.as_str(), one.written, one.shown, one.nearly_all)).collect();
    assert_eq!(
        seen,
        [("smiling", 2, 1, true), ("red coat", 1, 0, false), ("white background", 1, 0, false)],
        "each picture once, and nothing of the words in front"
    );
    assert!(count_tags(&mira, &Words::of(&coverage, &[], &[]), &[]).is_empty());
}

#[test]
fn words_are_replaced_where_they_are_meant() {
    let of = |find: &str, replace: &str, whole_word, text: &str| {
        Replacement { find: find.into(), replace: replace.into(), whole_word }.of(text)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(of("hat", "cap", false, "hat, chat"), some("cap, ccap"));
    assert_eq!(of("hat", "cap", true, "hat, chat, hats, a hat"), some("cap, chat, hats, a cap"));
    assert_eq!(of("hat", "", true, "coat, hat, standing"), some("coat, standing"), "no empty tag stays");
    assert_eq!(of("hat", "", true, "hat"), some(""));
    assert_eq!(of("hat", "cap", true, "chat"), None);
    assert_eq!(of("hat", "hat", false, "a  hat"), some("a hat"));
    assert_eq!(of("hat", "hat", false, "a hat"), None, "nothing changes");
    assert_eq!(of("na na", "la", true, "bana na na"), some("bana la"), "it begins again within itself");
    assert_eq!(of(", hat", "", true, "coat, hat, on"), some("coat, on"));
    assert_eq!(of("ä", "ae", true, "ä, bär"), some("ae, bär"));
    assert_eq!(of("", "x", false, "coat"), None);
    assert_eq!(of("hat", "a\nb", false, "hat"), some("a b"), "it stays one line");
}

#[test]
fn captions_find_their_pictures_and_what_is_wrong_is_said() {
    let file = |path: &str, bytes: &[u8]| CaptionFile { path: path.into(), bytes: Some(bytes.to_vec()) };
    let pictures = [
        "10_miray woman/1.png",
        "10_miray woman/2.png",
        "3.png",
        "4.png",
        "4.jpg",
        "5.png",
        "6.png",
        "7.png",
        "8.png",
        "sub/3.png",
    ]
    .map(str::to_owned);
    let files = [
        file("10_miray woman/1.txt", b"\xef\xbb\xbfmirax7, smiling\r\n"),
        file("10_miray woman/2.txt", b"miray, woman, angry"),
        file("3.caption", b"never"),
        file("3.txt", b"[trigger], one\r\nand two\r\n"),
        file("4.txt", b"both"),
        file("5.txt", b"caf\xe9"),
        CaptionFile { path: "6.txt".into(), bytes: None },
        file("7.txt", "x".repeat(2001).as_bytes()),
        file("8.txt", b""),
        file("readme.txt", b"hello"),
        file("sub\\3.txt", b"below"),
    ];
    let matched = match_captions(&pictures, &files, &called("mirax7", ""));
    let captions: Vec<Option<&str>> = matched.captions.iter().map(Option::as_deref).collect();
    assert_eq!(
        captions,
        [
            Some("smiling"),
            Some("woman, angry"),
            Some("one"),
            Some("both"),
            Some("both"),
            None,
            None,
            None,
            None,
            Some("below")
        ]
    );
    let named = |file: &str| file.to_owned();
    assert_eq!(
        matched.remarks,
        [
            Remark::MoreLines { file: named("3.txt") },
            Remark::SeveralPictures { file: named("4.txt"), pictures: vec![named("4.png"), named("4.jpg")] },
            Remark::NotText { file: named("5.txt") },
            Remark::TooLong { file: named("6.txt") },
            Remark::TooLong { file: named("7.txt") },
            Remark::NoPicture { file: named("readme.txt") },
            Remark::SecondCaption { file: named("3.caption"), counts: named("3.txt") },
        ]
    );
    for remark in matched.remarks {
        let said = remark.to_string();
        assert!(said.contains(';') && !said.contains('\n'), "with the remedy: {said}");
    }
}

/// Texts as people write them, with what is hard about them.
fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        select(vec!["mirax7", "mira", "woman", "wo", ",", ", ", " ", "\n", "\u{feff}", "[trigger]", "a woman", "MIRA"])
            .prop_map(str::to_owned),
        "[a-zäöß ,.\\-]{0,12}",
        any::<char>().prop_map(String::from),
    ];
    vec(part, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn out_and_in_and_out_again_is_the_same(
        captions in vec(option::of(texts()), 1..12),
        trigger in select(vec!["", "mirax7", "mira", "mira x", "woman", "a", "a, b"]),
        class_word in select(vec!["", "woman", "a woman", "mira", "mirax", "ä"]),
        layout in select(vec![Layout::Kohya, Layout::AiToolkit, Layout::Musubi]),
    ) {
        let called = called(&trigger.replace(',', ""), class_word);
        let coverage = Coverage::shipped();
        let shows = [("framing", "full"), ("angle", "side"), ("place", "street"), ("light", "night")];
        let pictures: Vec<Picture> = captions.iter().enumerate()
            .map(|(at, text)| picture(at as u128, &shows, text.as_deref()))
            .collect();
        let target = Target { layout, ..Target::default() };
        let out = |pictures: &[Picture]| {
            let all: Vec<&Picture> = pictures.iter().collect();
            export(&called, &Words::of(&coverage, &[], &all), pictures, &target).unwrap()
        };
        let first = out(&pictures);
        for one in &first.pictures {
            let line = one.caption.as_str();
            let hard = line.contains(['\n', '\r', '\u{feff}']);
            prop_assert!(line.starts_with(&called.trigger) && !hard, "{:?}", line);
        }
        let paths: Vec<String> = first.pictures.iter().map(|one| one.path.clone()).collect();
        let files: Vec<CaptionFile> = first.pictures.iter()
            .map(|one| CaptionFile { path: one.caption_path.clone(), bytes: Some(one.caption.clone().into_bytes()) })
            .collect();
        let matched = match_captions(&paths, &files, &called);
        prop_assert_eq!(&matched.remarks, &vec![]);
        // They arrive with nothing else known of them.
        let arrived: Vec<Picture> = matched.captions.iter().enumerate()
            .map(|(at, text)| picture(at as u128, &[], text.as_deref()))
            .collect();
        prop_assert_eq!(out(&arrived), first);
    }
}

#[test]
fn a_caption_that_goes_to_another_dataset_begins_with_its_words() {
    let (mara, ben, bare) = (called("mirax7", "woman"), called("benx3", "young man"), called("oddx1", ""));
    for (text, to, told) in [
        ("mirax7, woman, in a red hat", &ben, Some("benx3, young man, in a red hat")),
        ("Mirax7 woman in a red hat", &ben, Some("benx3 young man in a red hat")),
        ("mirax7, in a red hat", &ben, Some("benx3, in a red hat")),
        ("mirax7", &ben, Some("benx3")),
        ("mirax7, woman", &bare, Some("oddx1")),
        ("mirax7, woman, in a red hat", &bare, Some("oddx1, in a red hat")),
        ("mirax7, womanly", &ben, Some("benx3, womanly")),
        ("a hat of mirax7, woman", &ben, None),
        ("mirax77, woman", &ben, None),
        ("in a red hat", &ben, None),
    ] {
        assert_eq!(handed_over(text, &mara, to).as_deref(), told, "{text}");
    }
    let long = format!("oddx1{}", ", hat".repeat((LONGEST_CAPTION - 5) / 5));
    assert_eq!(handed_over(&long, &bare, &called("much_longer_x7", "")), None, "no longer than a caption may be");
}
