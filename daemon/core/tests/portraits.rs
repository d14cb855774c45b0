//! Reference sheets: what their views ask for, and where an approved one stands among references.

use std::collections::BTreeMap;

use studio_core::{
    asset::AssetRef,
    character::CharacterProfile,
    dataset::still::Making,
    ids::{CharacterId, ContentHash, LocationId, ProjectId},
    location::Location,
    model::Catalogue,
    order::{Figure, Order, Recipe, StillOrder},
    portrait::{changes, of_character, of_location, redrawn, refined, seed, with_reference},
    production::{CharacterCast, ModelCast, ModelChoice},
    prompt, recipe,
    scene::Setting,
    shot::ShotType,
    units::{Seed, Size, Steps},
    views::{PortraitOwner, PortraitView},
    workflow::{Descriptor, SlotValue, Workflow},
};
use uuid::Uuid;

const MARA: PortraitOwner = PortraitOwner::Character(CharacterId(Uuid::from_u128(1)));
const CELLAR: PortraitOwner = PortraitOwner::Location(LocationId(Uuid::from_u128(2)));

fn making() -> Making {
    Making { size: Size { width: 720, height: 1280 }, seed: Seed(7), steps: Steps(25), recipe: None }
}

fn figure() -> Figure {
    let profile = CharacterProfile::from_name("Mara", None, None);
    Figure { name: "Mara".into(), profile, appearance: None, staging: None }
}

fn location() -> Location {
    Location {
        id: LocationId(Uuid::from_u128(2)),
        project_id: ProjectId(Uuid::nil()),
        slug: "cellar".into(),
        name: "CELLAR".into(),
        setting: Setting::Interior,
    }
}

fn told(order: &StillOrder, style: &str) -> String {
    let catalogue: Catalogue = toml::from_str(include_str!("../../../models.toml")).unwrap();
    let recipe = Recipe { style: style.into(), ..Recipe::default() };
    prompt::still(order, &recipe, &catalogue.models["sdxl"])
}

fn file(name: &str) -> AssetRef {
    AssetRef { hash: ContentHash::of(name.as_bytes()), ext: "png".into() }
}

#[test]
fn words_and_seeds_are_pinned() {
    let views: Vec<_> = MARA.views().iter().chain(CELLAR.views()).collect();
    for view in &views {
        assert_eq!(serde_json::to_value(view).unwrap(), view.word());
        assert_eq!(serde_json::from_value::<PortraitView>(view.word().into()).unwrap(), **view);
    }
    assert_eq!(serde_json::to_value(MARA).unwrap()["of"], "character");
    assert_eq!(serde_json::from_value::<PortraitOwner>(serde_json::to_value(CELLAR).unwrap()).unwrap(), CELLAR);
    let seeds: std::collections::BTreeSet<_> =
        views.iter().flat_map(|view| (0..3).map(|number| seed(MARA, **view, number).0)).collect();
    assert_eq!(seeds.len(), 3 * views.len());
    assert!(seeds.iter().all(|seed| *seed < 1 << 53), "JSON keeps them exactly");
    assert_eq!(seed(MARA, PortraitView::Face, 0), seed(MARA, PortraitView::Face, 0));
}

#[test]
fn every_view_is_a_picture_of_its_own_before_white_and_without_references() {
    let mut keys = std::collections::BTreeSet::new();
    for view in PortraitView::OF_CHARACTERS {
        let order = of_character(figure(), view, making());
        assert!(order.look.is_plain() && order.source.is_none(), "{view}");
        let said = told(&order, "");
        assert!(said.contains("plain white background") && said.contains("Mara"), "{said}");
        keys.insert(Order::Still(order).key("draft.stills/1"));
    }
    assert_eq!(keys.len(), PortraitView::OF_CHARACTERS.len());
    let whole = told(&of_character(figure(), PortraitView::FullBody, making()), "oil painting");
    let at = |words: &str| whole.find(words).unwrap_or_else(|| panic!("{words}: {whole}"));
    assert!(at("oil painting") < at("full body") && at("full body") < at("head to toe"), "{whole}");
    assert!(at("head to toe") < at("Mara"), "{whole}");
}

#[test]
fn a_place_is_seen_wide_and_empty() {
    let order = of_location(&location(), making());
    assert_eq!((order.shot_type, order.figures.len(), order.source.is_none()), (ShotType::Establishing, 0, true));
    let said = told(&order, "anime");
    for words in ["anime", "establishing shot", "no people, no characters", "CELLAR"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn words_of_a_refinement_come_first() {
    let order = refined(of_character(figure(), PortraitView::Face, making()), file("a"), " older , grey hair ,");
    assert!(order.description.starts_with("older, grey hair, close-up portrait"), "{}", order.description);
    assert_eq!(order.source, Some(file("a")));
}

#[test]
fn the_whole_figure_is_the_first_reference_and_the_face_the_next() {
    use PortraitView::{Face, FullBody, Side, Smile};
    let hash = |name: &str| file(name).hash;
    let names = |all: &[AssetRef]| {
        let known = ["mine", "body", "body2", "face", "side", "smile"];
        let name = |one: &AssetRef| known.into_iter().find(|name| hash(name) == one.hash).unwrap();
        all.iter().map(name).collect::<Vec<_>>()
    };
    let mine = vec![file("mine")];
    let smile = with_reference(&mine, &[], &file("smile"), Smile);
    assert_eq!(names(&smile), ["mine", "smile"], "what a person put there stays first");
    let face = with_reference(&smile, &[(hash("smile"), Smile)], &file("face"), Face);
    assert_eq!(names(&face), ["mine", "face", "smile"]);
    let approved = [(hash("smile"), Smile), (hash("face"), Face)];
    let side = with_reference(&face, &approved, &file("side"), Side);
    assert_eq!(names(&side), ["mine", "face", "side", "smile"]);
    assert_eq!(names(&with_reference(&mine, &[], &file("body"), FullBody)), ["body", "mine"]);
    let both = with_reference(&[file("body"), file("face")], &[(hash("body"), FullBody)], &file("body2"), FullBody);
    assert_eq!(names(&both), ["body2", "body", "face"], "the newest counts");
    assert_eq!(names(&with_reference(&both, &[], &file("body"), FullBody)), ["body", "body2", "face"], "once");
}

/// A workflow that comes with the studio.
macro_rules! shipped {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../workflows/", $name, ".json")),
            include_str!(concat!("../../../workflows/", $name, ".toml")),
        )
    };
}

#[test]
#[expect(clippy::too_many_lines, reason = "one picture after another, each with one person more")]
fn a_picture_of_several_has_a_reference_of_each_where_the_model_takes_so_many() {
    let mut catalogue: Catalogue = toml::from_str(include_str!("../../../models.toml")).unwrap();
    let mut flows: BTreeMap<String, Workflow> = BTreeMap::new();
    for (name, graph, about) in [
        shipped!("sdxl_txt2img"),
        shipped!("sdxl_txt2img_ipadapter_2"),
        shipped!("sdxl_txt2img_ipadapter_3"),
        shipped!("sdxl_txt2img_ipadapter_4"),
        shipped!("sd15_txt2img"),
        shipped!("sd15_txt2img_ipadapter_2"),
        shipped!("sd15_txt2img_ipadapter_3"),
        shipped!("sd15_txt2img_ipadapter_4"),
    ] {
        let about: Descriptor = toml::from_str(about).unwrap();
        flows.insert(name.into(), Workflow::new(name, serde_json::from_str(graph).unwrap(), about).unwrap());
    }
    let people = ["mara", "ben", "ida", "tom"];
    let cast =
        |name: &str| (name.to_owned(), CharacterCast { references: vec![file(name)], ..CharacterCast::default() });
    let all = ModelCast { characters: people.map(cast).into(), ..ModelCast::default() };
    for (model, many) in ["sdxl", "sd15"].into_iter().flat_map(|model| (2..=4).map(move |many| (model, many))) {
        let people = &people[..many];
        let names: Vec<String> = people.iter().map(|name| name.to_uppercase()).collect();
        let one = ModelChoice { model: model.into(), ..ModelChoice::default() };
        assert!(all.recipe(&one, &names, None, true).references.is_empty(), "without such a workflow nothing changes");
        let several = ModelChoice { alike_to: [many].into(), ..one };
        let recipe = all.recipe(&several, &names, None, true);
        assert_eq!(
            recipe.references,
            people.iter().map(|name| file(name)).collect::<Vec<_>>(),
            "in order of appearance"
        );
        let figures: Vec<_> = names.iter().map(|name| Figure { name: name.clone(), ..figure() }).collect();
        let order = |recipe: Recipe| {
            let order = of_character(figure(), PortraitView::FullBody, making());
            Order::Still(StillOrder { figures: figures.clone(), recipe: Some(recipe), ..order })
        };
        // Without a workflow for so many it is made from words alone: with one reference all would look like her.
        let ability = format!("t2i_ipadapter_{many}");
        let shipped = catalogue.models.get_mut(model).unwrap().workflows.remove(&ability).expect("it comes with one");
        let bare = recipe::plan(&catalogue, &flows, &order(recipe.clone()), &[]).unwrap();
        assert_eq!(bare.workflow, format!("{model}_txt2img"));
        catalogue.models.get_mut(model).unwrap().workflows.insert(ability, shipped);
        let plan = recipe::plan(&catalogue, &flows, &order(recipe), &[]).unwrap();
        let flow = format!("{model}_txt2img_ipadapter_{many}");
        let slots = ["reference", "reference_2", "reference_3", "reference_4"];
        let wanted: Vec<_> = slots.into_iter().zip(people.iter().map(|name| file(name))).collect();
        let uploads: Vec<_> = plan.uploads.iter().map(|one| (one.slot.as_str(), one.asset.clone())).collect();
        assert_eq!((&plan.workflow, uploads), (&flow, wanted));
        // Each acts on a part of its own, all as wide as each other: whoever is named first on the left.
        let mut values = plan.values.clone();
        values.extend(slots.into_iter().zip(people).map(|(slot, name)| (slot.into(), SlotValue::Text((*name).into()))));
        values.insert("prefix".into(), SlotValue::Text("x".into()));
        values.insert("ipadapter_weight".into(), SlotValue::Float(0.5));
        values.retain(|slot, _| flows[&flow].about.slots.contains_key(slot));
        let graph = flows[&flow].bind(&values).unwrap();
        let input = |node: &str, input: &str| graph[node]["inputs"][input].clone();
        let from = |node: &str, name: &str| input(node, name)[0].as_str().unwrap().to_owned();
        // From the sampler back to the checkpoint, through every adapter.
        let (mut node, mut acts) = (from("3", "model"), Vec::new());
        while graph[&node]["class_type"] == "IPAdapterAdvanced" {
            let (file, mask) = (input(&from(&from(&node, "image"), "image"), "image"), from(&node, "attn_mask"));
            let (part, whole) = (from(&mask, "source"), from(&mask, "destination"));
            assert_eq!((input(&part, "value"), input(&whole, "value")), (1.0.into(), 0.0.into()));
            assert_eq!((input(&part, "width"), input(&whole, "width")), (256.into(), (256 * many).into()));
            assert_eq!(input(&node, "weight"), 0.5, "one weight for all");
            acts.push((file, input(&mask, "x")));
            node = from(&node, "model");
        }
        acts.reverse();
        let wanted: Vec<_> = people.iter().enumerate().map(|(at, name)| ((*name).into(), (256 * at).into())).collect();
        assert_eq!(acts, wanted);
        // Whoever has none leaves all of them out: whose is whose is known by the order alone.
        let mut models = all.clone();
        models.characters.remove("ben");
        assert!(models.recipe(&several, &names, None, true).references.is_empty());
    }
}

#[test]
fn what_is_to_be_different_is_told_from_what_was_asked_for_first() {
    let order = || of_character(figure(), PortraitView::Face, making());
    assert_eq!(changes(&order()), None);
    let first = redrawn(order(), &order().description, " older , grey hair ,");
    assert_eq!((changes(&first), &first.source), (Some("older, grey hair"), &None));
    let second = redrawn(order(), &first.description, "smiling");
    assert_eq!(changes(&second), Some("smiling, older, grey hair"), "the newest first");
    assert_eq!(changes(&refined(order(), file("a"), "older")), None, "that begins with a picture");
    let slated = StillOrder { slate: "1-1".into(), ..first };
    assert_eq!(changes(&slated), None, "that is a shot");
}
