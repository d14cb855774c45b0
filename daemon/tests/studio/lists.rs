//! Lists over HTTP: pages that meet, filters and orders; and the nouns behind them.

use axum::{
    body::{Body, to_bytes},
    http::{Request, header},
};
use serde_json::{Value, json};
use studiod::web::Access;
use tower::ServiceExt;

use crate::{
    bench::{Bench, JSON, PATCH, Said, ask, door, get},
    plans::TWO_ROOMS,
    studio::Studio,
};

/// Every list, and where its things are in the answer.
const LISTS: [(&str, &str); 16] = [
    ("/api/projects", "projects"),
    ("/api/episodes", "episodes"),
    ("/api/characters", "characters"),
    ("/api/locations", "locations"),
    ("/api/scenes", "scenes"),
    ("/api/images", "images"),
    ("/api/takes", "takes"),
    ("/api/tasks", "tasks"),
    ("/api/decisions", "decisions"),
    ("/api/music", "music"),
    ("/api/voices", "voices"),
    ("/api/tokens", "tokens"),
    ("/api/formats", "formats"),
    ("/api/models", "models"),
    ("/api/workflows", "workflows"),
    ("/api/fleet/durations", "durations"),
];

fn all(said: &Said, noun: &str) -> Vec<Value> {
    said.body[noun].as_array().unwrap_or_else(|| panic!("{noun}: {}", said.body)).clone()
}

/// What is at `pointer` of every thing in a list.
fn each(said: &Said, noun: &str, pointer: &str) -> Vec<Value> {
    all(said, noun).iter().map(|one| one.pointer(pointer).cloned().unwrap_or_default()).collect()
}

#[tokio::test]
async fn pages_of_every_list_meet() {
    let mut studio = Studio::open().await;
    studio.film(TWO_ROOMS).await;
    let door = door(&studio);
    for name in ["Anna\u{2019}s phone", "The TV"] {
        let new = json!({ "name": name, "scopes": ["read"] });
        assert_eq!(ask(&door, "POST", "/api/tokens", &[JSON], new.to_string()).await.status, 201);
    }
    for title in ["Sea", "Stars"] {
        ask(&door, "POST", "/api/projects", &[JSON], json!({ "title": title }).to_string()).await;
    }
    for (path, noun) in LISTS {
        let whole = all(&get(&door, &format!("{path}?limit=500")).await, noun);
        assert!(!whole.is_empty(), "{path}");
        for limit in [1, 2] {
            let (mut seen, mut next) = (Vec::new(), format!("{path}?limit={limit}"));
            loop {
                let page = get(&door, &next).await;
                assert_eq!(page.status, 200, "{next}: {}", page.body);
                let things = all(&page, noun);
                assert!(things.len() <= limit, "{next}");
                seen.extend(things);
                match page.body["next"].as_str() {
                    Some(after) => {
                        let query = reqwest::Url::parse_with_params("http://studio", [("after", after)]).unwrap();
                        next = format!("{path}?limit={limit}&{}", query.query().unwrap());
                    }
                    None => break,
                }
                assert!(seen.len() <= whole.len(), "{path} does not end");
            }
            // `left` of takes and the like is of the page, not of its things.
            assert_eq!(seen, whole, "{path} by {limit}");
        }
        for bad in ["limit=0", "limit=501", "limit=many", "what=1"] {
            let said = get(&door, &format!("{path}?{bad}")).await;
            assert_eq!((said.status, &said.body["code"]), (400, &json!("bad_request")), "{path}?{bad}");
        }
    }
}

#[test]
fn every_list_of_the_contract_has_pages_and_an_order() {
    let contract: Value = serde_json::from_str(&studiod::web::contract()).unwrap();
    let mut lists = 0;
    for (path, operations) in contract["paths"].as_object().unwrap() {
        let parameters = operations["get"]["parameters"].as_array().cloned().unwrap_or_default();
        let has = |name: &str| parameters.iter().any(|one| one["name"] == name);
        let content = &operations["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        // What is found wrong, and the motions, styles and trainers there are, are no lists that grow.
        let grows = !["/api/check", "/api/motion-presets", "/api/styles", "/api/trainers"].contains(&path.as_str());
        assert!(content["type"] != "array" || !grows, "{path} has no pages");
        let answer = content["$ref"].as_str().unwrap_or_default();
        if has("limit") || answer.ends_with("Page") {
            assert!(has("limit") && has("after") && has("sort") && answer.ends_with("Page"), "{path}");
            lists += 1;
        }
    }
    assert_eq!(
        lists,
        LISTS.len() + 6,
        "the lists above, stories, pictures of datasets, those without a name, LoRA files, trainings of all and of somebody"
    );
}

#[tokio::test]
async fn lists_are_filtered_and_sorted() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let door = door(&studio);
    for title in ["Zebra", "Sea"] {
        ask(&door, "POST", "/api/projects", &[JSON], json!({ "title": title }).to_string()).await;
    }
    let titles =
        async |query: &str| each(&get(&door, &format!("/api/projects{query}")).await, "projects", "/project/title");
    assert_eq!(titles("").await, ["Sea", "Two Rooms", "Zebra"]);
    assert_eq!(titles("?sort=newest&q=e").await, ["Sea", "Zebra"]);
    assert_eq!(titles("?q=ROOM").await, ["Two Rooms"]);
    let project = get(&door, "/api/projects?q=rooms").await.body["projects"][0]["project"]["id"].clone();
    let mine = format!("project={}", project.as_str().unwrap());
    let empty = get(&door, "/api/projects?q=zebra").await.body["projects"][0]["project"]["id"].clone();
    let others = format!("project={}", empty.as_str().unwrap());
    for noun in ["episodes", "characters", "locations", "scenes", "takes", "tasks", "decisions", "music"] {
        let of = async |query: &str| all(&get(&door, &format!("/api/{noun}?{query}")).await, noun).len();
        assert!(of(&mine).await > 0 && of(&mine).await == of("limit=500").await, "{noun} of its project");
        assert_eq!(of(&others).await, 0, "{noun} of another project");
    }
    let slots = async |query: &str| each(&get(&door, &format!("/api/tasks?{query}")).await, "tasks", "/slot");
    let oldest = slots("sort=oldest&limit=500").await;
    assert!(oldest.iter().rev().eq(&slots("limit=500").await) && oldest.len() > 10);
    assert_eq!(slots(&format!("episode={id}&state=failed")).await, [Value::Null; 0]);
    let decided =
        async |query: &str| each(&get(&door, &format!("/api/decisions?{query}")).await, "decisions", "/decision/id");
    assert!(decided("sort=oldest").await.iter().rev().eq(&decided("").await));
    let scenes = get(&door, &format!("/api/scenes?episode={id}&sort=longest")).await;
    let frames = each(&scenes, "scenes", "/actual_frames");
    assert!(frames[0].as_u64() >= frames[1].as_u64() && frames.len() == 2);
    let place = all(&get(&door, &format!("/api/locations?{mine}&q=kitchen")).await, "locations").remove(0);
    let there = format!("/api/scenes?location={}", place["location"]["id"].as_str().unwrap());
    assert_eq!(all(&get(&door, &there).await, "scenes").len(), 1, "{place}");
    assert_eq!(each(&get(&door, "/api/characters?q=ben").await, "characters", "/character/name"), ["BEN"]);
    let models = async |query: &str| each(&get(&door, &format!("/api/models?{query}")).await, "models", "/name");
    assert_eq!(models("makes=clips&sort=memory").await, ["wan", "ltx"]);
    assert_eq!((models("used=true").await, models("q=SD").await), (vec![json!("ltx")], vec![json!("sdxl")]));
}

#[tokio::test]
async fn pictures_voices_music_and_tokens_are_filtered() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let door = door(&studio);
    let project = get(&door, "/api/projects").await.body["projects"][0]["project"]["id"].as_str().unwrap().to_owned();
    // Pictures: what was made, and what somebody brought.
    let made = get(&door, "/api/images?from=made").await;
    assert!(
        all(&made, "images").iter().all(|one| one["episode"] == json!(id) && one["slot"].is_string()),
        "{}",
        made.body
    );
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let upload = ask(&door, "POST", "/api/uploads?role=picture", &[], png.to_vec()).await;
    let brought = get(&door, "/api/images?from=outside").await;
    assert_eq!(each(&brought, "images", "/file/hash"), [upload.body["output"]["asset"]["hash"].clone()]);
    assert_eq!(
        all(&get(&door, &format!("/api/images?project={project}")).await, "images").len(),
        all(&made, "images").len()
    );

    // Voices and who has them; tokens that count.
    let anna = get(&door, "/api/characters?q=anna").await.body["characters"][0]["character"]["id"].clone();
    let path = format!("/api/characters/{}", anna.as_str().unwrap());
    ask(&door, "PATCH", &path, &[PATCH], json!({ "voice": "bella" }).to_string()).await;
    let voices = get(&door, "/api/voices").await;
    assert_eq!(each(&voices, "voices", "/name"), ["amy", "bella", "carl"]);
    assert_eq!(voices.body["voices"][1]["used_by"], json!([anna]));
    assert_eq!(each(&get(&door, "/api/voices?free=true&q=A").await, "voices", "/name"), ["amy", "carl"]);
    for noun in ["voices", "formats", "workflows"] {
        let up = each(&get(&door, &format!("/api/{noun}")).await, noun, "/name");
        let down = each(&get(&door, &format!("/api/{noun}?sort=name_down")).await, noun, "/name");
        assert!(up.iter().rev().eq(&down) && up.len() > 1, "{noun}: {up:?} {down:?}");
    }
    let music = get(&door, &format!("/api/music?episode={id}&sort=oldest")).await;
    assert_eq!(each(&music, "music", "/scene"), [1, 2]);
    assert!(
        all(&music, "music").iter().all(|one| one["file"]["hash"].is_string() && one["length_ms"].as_u64() > Some(0))
    );
    for name in ["b", "a"] {
        ask(&door, "POST", "/api/tokens", &[JSON], json!({ "name": name, "scopes": ["read"] }).to_string()).await;
    }
    let tokens = async |query: &str| each(&get(&door, &format!("/api/tokens?{query}")).await, "tokens", "/name");
    assert_eq!(
        (tokens("").await, tokens("sort=name").await),
        (vec![json!("a"), json!("b")], vec![json!("a"), json!("b")])
    );
    let first = get(&door, "/api/tokens?q=b").await.body["tokens"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(ask(&door, "DELETE", &format!("/api/tokens/{first}"), &[], Body::empty()).await.status, 204);
    assert_eq!((tokens("live=true").await, tokens("").await.len()), (vec![json!("a")], 2));
}

#[tokio::test]
async fn a_place_has_a_look_and_pictures() {
    let mut studio = Studio::open().await;
    studio.film(TWO_ROOMS).await;
    let door = door(&studio);
    let place = all(&get(&door, "/api/locations?q=kitchen").await, "locations").remove(0);
    assert!(place["picture"].is_string(), "one that was made of it: {place}");
    let path = format!("/api/locations/{}", place["location"]["id"].as_str().unwrap());
    let one = get(&door, &path).await;
    assert_eq!((one.status, &one.body), (200, &place));
    let upload = ask(&door, "POST", "/api/uploads?role=picture", &[], b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()).await;
    let file = upload.body["output"]["asset"].clone();
    let change = json!({ "design": "a kitchen of green tiles", "references": [file], "avoid": ["people"] });
    let changed = ask(&door, "PATCH", &path, &[PATCH, ("if-match", &one.tag)], change.to_string()).await;
    assert_eq!((changed.status, &changed.body["picture"]), (200, &file["hash"]), "{}", changed.body);
    assert_eq!(ask(&door, "PATCH", &path, &[PATCH, ("if-match", &one.tag)], change.to_string()).await.status, 412);
    let nobody = json!({ "references": [{ "hash": "0".repeat(64), "ext": "png" }] });
    for bad in [nobody, json!({ "design": "x".repeat(2001) }), json!({ "height": 3 })] {
        assert_eq!(ask(&door, "PATCH", &path, &[PATCH], bad.to_string()).await.status, 400, "{bad}");
    }
    assert_eq!(get(&door, &path).await.body["sheet"]["design"], "a kitchen of green tiles");
    // Nothing was made with it yet, and still it is nobody's leftover.
    assert!(studio.tidy(false).await.is_ok());
    let kept = format!("/api/assets/{}", file["hash"].as_str().unwrap());
    assert_eq!(get(&door, &kept).await.status, 200);
    // Made again, the words and the picture stay.
    studio.film(TWO_ROOMS).await;
    assert_eq!(get(&door, &path).await.body["sheet"]["references"], json!([file]));
}

#[tokio::test]
async fn films_are_served_where_they_belong() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let door = door(&studio);
    let scene = get(&door, &format!("/api/scenes?episode={id}")).await.body["scenes"][0].clone();
    let path = format!("/api/scenes/{}", scene["id"].as_str().unwrap());
    let whole = get(&door, &path).await.body;
    assert_eq!((&whole["scene"], whole["shots"].as_array().unwrap().len()), (&scene, 2), "{whole}");
    for path in [format!("{path}/video"), format!("/api/episodes/{id}/video")] {
        let request = Request::get(&path).header(header::RANGE, "bytes=0-3").body(Body::empty()).unwrap();
        let answer = door.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 206);
        let tag = answer.headers()["etag"].clone();
        assert_eq!(answer.headers()["cache-control"], "no-cache", "another film may be there tomorrow");
        assert_eq!(to_bytes(answer.into_body(), 99).await.unwrap().len(), 4);
        let request = Request::get(&path).header(header::IF_NONE_MATCH, tag).body(Body::empty()).unwrap();
        assert_eq!(door.clone().oneshot(request).await.unwrap().status(), 304);
    }
    // A little picture of a film, as of any picture; of a recording there is none.
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(640, 360).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let brought =
        ask(&door, "POST", "/api/uploads?role=picture", &[], png.into_inner()).await.body["output"]["asset"].clone();
    for hash in [whole["film"]["hash"].as_str().unwrap(), brought["hash"].as_str().unwrap()] {
        for _ in 0..2 {
            let request = Request::get(format!("/api/assets/{hash}?w=160")).body(Body::empty()).unwrap();
            let answer = door.clone().oneshot(request).await.unwrap();
            assert_eq!(
                (answer.status().as_u16(), &answer.headers()["content-type"]),
                (200, &"image/webp".parse().unwrap())
            );
            assert_eq!(answer.headers()["cache-control"], "public, max-age=31536000, immutable");
            let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            let picture = image::load_from_memory_with_format(&bytes, image::ImageFormat::WebP).unwrap();
            assert_eq!(picture.width(), 160);
        }
    }
    let sound = get(&door, "/api/music").await.body["music"][0]["file"]["hash"].clone();
    let said = get(&door, &format!("/api/assets/{}?w=160", sound.as_str().unwrap())).await;
    assert_eq!((said.status, &said.body["code"]), (400, &json!("bad_request")), "{}", said.body);
    let kept = ask(&door, "POST", "/api/import?hold=true&episode=2", &[], TWO_ROOMS).await;
    let draft = kept.body["episode"].as_str().unwrap().to_owned();
    assert_eq!(get(&door, &format!("/api/episodes/{draft}/video")).await.status, 404);
}

#[tokio::test]
async fn a_picture_of_somebody_else_becomes_theirs() {
    let mut studio = Studio::open().await;
    studio.film(TWO_ROOMS).await;
    let door = door(&studio);
    let take = get(&door, "/api/takes?subject=still&character=ANNA").await.body["takes"][0].clone();
    let ben = get(&door, "/api/characters?q=ben").await.body["characters"][0]["character"]["id"].clone();
    let path = format!("/api/takes/{}/reassign", take["take"]["id"].as_str().unwrap());
    let to = json!({ "character": ben }).to_string();
    let said = ask(&door, "POST", &path, &[JSON], to.clone()).await;
    assert_eq!(said.status, 202, "{}", said.body);
    studio.end().await;
    let sheet = get(&door, &format!("/api/characters/{}", ben.as_str().unwrap())).await.body["sheet"].clone();
    assert_eq!(sheet["references"], json!([take["file"]]));
    let judged = get(&door, "/api/takes?subject=still").await;
    let judged = all(&judged, "takes").into_iter().find(|one| one["take"]["id"] == take["take"]["id"]).unwrap();
    assert_eq!(judged["opinion"], json!({ "good": false, "why": "this is BEN", "issues": ["wrong_character"] }));
    // Twice is once.
    assert_eq!(ask(&door, "POST", &path, &[JSON], to.clone()).await.status, 202);
    let sheet = get(&door, &format!("/api/characters/{}", ben.as_str().unwrap())).await.body["sheet"].clone();
    assert_eq!(sheet["references"].as_array().unwrap().len(), 1);
    let clip = get(&door, "/api/takes?subject=clip").await.body["takes"][0]["take"]["id"].clone();
    let path = format!("/api/takes/{}/reassign", clip.as_str().unwrap());
    assert_eq!(ask(&door, "POST", &path, &[JSON], to).await.status, 400);
    let nobody = json!({ "character": uuid::Uuid::nil() }).to_string();
    assert_eq!(ask(&door, "POST", &path, &[JSON], nobody).await.status, 404);
}

#[tokio::test]
async fn an_episode_leaves_the_library_and_comes_back_only_when_asked() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let state = studio.web(Access::default()).with_services(Bench::of(&studio, Some("/nowhere")));
    let door = Studio::door_of(state, ([127, 0, 0, 1], 1).into());
    let path = format!("/api/episodes/{id}");
    let view = async || get(&door, &path).await.body;
    let stages = async || each(&get(&door, &path).await, "stages", "/stage");
    assert_eq!(view().await["episode"]["state"], "published");
    assert!(stages().await.contains(&json!("library")));
    let post = async |what: &str| ask(&door, "POST", &format!("{path}/{what}"), &[], Body::empty()).await;
    assert_eq!(post("unpublish").await.status, 204);
    let now = view().await;
    assert_eq!((&now["episode"]["state"], &now["episode"]["published"]), (&json!("assembled"), &Value::Null));
    assert!(now["film"].is_object() && !stages().await.contains(&json!("library")));
    let twice = post("unpublish").await;
    assert_eq!((twice.status, &twice.body["code"]), (409, &json!("not_in_library")));
    // What people say of takes makes the film anew, but does not put it back.
    let take = get(&door, "/api/takes?subject=clip").await.body["takes"][0]["take"]["id"].clone();
    let opinion = format!("/api/takes/{}/opinion", take.as_str().unwrap());
    assert_eq!(ask(&door, "POST", &opinion, &[JSON], json!({ "good": false }).to_string()).await.status, 202);
    studio.end().await;
    assert_eq!(view().await["episode"]["state"], "assembled");
    studio.power_cut().await;
    studio.start_again().await;
    studio.assert_settled().await;
}
