//! What people write over HTTP: projects, characters, screenplays, uploads; once, and never over somebody else's words.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::json;
use studiod::store;
use tower::ServiceExt;

use crate::{
    bench::{JSON, PATCH, ask, door, get},
    plans::TWO_ROOMS,
    studio::Studio,
};

#[tokio::test]
async fn a_project_is_begun_changed_and_removed_and_nobody_writes_over_another() {
    let studio = Studio::open().await;
    let door = door(&studio);
    let new = json!({ "title": "  The Sea ", "year": 2026, "about": { "genre": "mystery" } }).to_string();
    let made = ask(&door, "POST", "/api/projects", &[JSON], new.clone()).await;
    assert_eq!((made.status, &made.body["project"]["title"]), (201, &json!("The Sea")), "{}", made.body);
    let path = format!("/api/projects/{}", made.body["project"]["id"].as_str().unwrap());
    assert_eq!(ask(&door, "POST", "/api/projects", &[JSON], new).await.status, 409, "there twice");
    let one = get(&door, &path).await;
    assert_eq!(one.tag, one.body["tag"].as_str().unwrap());
    let change = json!({ "about": { "storyline": "A storm.", "styles": [{ "name": "oil", "words": "oil painting" }], "style": "oil" } }).to_string();
    let changed = ask(&door, "PATCH", &path, &[PATCH, ("if-match", &one.tag)], change).await;
    assert_eq!((changed.status, &changed.body["about"]["genre"]), (200, &json!("mystery")), "what is left out stays");
    assert_ne!(changed.tag, one.tag);
    let late = ask(&door, "PATCH", &path, &[PATCH, ("if-match", &one.tag)], json!({ "year": 1999 }).to_string()).await;
    assert_eq!((late.status, &late.body["code"]), (412, &json!("changed")));
    let gone = ask(&door, "PATCH", &path, &[PATCH], json!({ "about": { "genre": null } }).to_string()).await;
    assert_eq!((&gone.body["about"]["genre"], &gone.body["about"]["storyline"]), (&json!(""), &json!("A storm.")));
    for (bad, status) in [
        (json!({ "year": 1 }), 400),
        (json!({ "title": " " }), 400),
        (json!({ "about": { "style": "none" } }), 400),
        (json!({ "about": { "styles": [{ "name": "a" }, { "name": "a" }], "style": "" } }), 400),
        (json!({ "what": 1 }), 400),
        (json!([1]), 400),
    ] {
        assert_eq!(ask(&door, "PATCH", &path, &[PATCH], bad.to_string()).await.status, status, "{bad}");
    }
    assert_eq!(ask(&door, "PATCH", &path, &[("content-type", "text/plain")], "{}").await.status, 415);
    assert_eq!(get(&door, &path).await.body["project"]["year"], 2026);
    assert_eq!(ask(&door, "DELETE", &path, &[], Body::empty()).await.status, 204);
    assert_eq!(get(&door, &path).await.status, 404);
    // Everybody who looks has heard of all of it.
    let kinds: Vec<String> =
        store::events::since(&studio.context.db, 0, 100).await.unwrap().into_iter().map(|one| one.kind).collect();
    assert_eq!(kinds, ["project.changed", "project.changed", "project.changed", "project.removed"]);
}

#[tokio::test]
async fn a_screenplay_is_kept_changed_ordered_and_made() {
    let mut studio = Studio::open().await;
    let door = door(&studio);
    let kept = ask(&door, "POST", "/api/import?hold=true", &[], TWO_ROOMS).await;
    assert_eq!(kept.status, 202, "{}", kept.body);
    let id = kept.body["episode"].as_str().unwrap().to_owned();
    let path = format!("/api/episodes/{id}/screenplay");
    let state = async || get(&door, &format!("/api/episodes/{id}")).await.body["episode"]["state"].clone();
    assert_eq!(state().await, "draft");
    assert!(studio.context.db.ping().await.is_ok() && get(&door, "/api/tasks").await.body["tasks"] == json!([]));
    let one = get(&door, &path).await;
    assert_eq!((&one.body["ahead"], one.body["reading"]["scenes"].as_array().unwrap().len()), (&json!(false), 2));
    assert_eq!(one.body["text"], TWO_ROOMS);

    // One shot.
    let shot = format!("/api/episodes/{id}/scenes/1/shots/1");
    let change = json!({ "motion": "push-in", "planned_ms": 3500 }).to_string();
    let changed = ask(&door, "PATCH", &shot, &[PATCH, ("if-match", &one.tag)], change.clone()).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.body["reading"]["scenes"][0]["shots"][0]["plan"]["motion"], "push-in");
    let rows = get(&door, &format!("/api/episodes/{id}")).await.body;
    assert_eq!(rows["scenes"][0]["shots"][0]["plan"]["planned_ms"], 3500, "the board shows it");
    assert_eq!(ask(&door, "PATCH", &shot, &[PATCH, ("if-match", &one.tag)], change.clone()).await.status, 412);
    for bad in [json!({ "motion": "spin" }), json!({ "planned_ms": 5 }), json!({ "lens": 1 })] {
        let said = ask(&door, "PATCH", &shot, &[PATCH], bad.to_string()).await;
        assert!([400, 422].contains(&said.status) && said.body["detail"].is_string(), "{bad}: {}", said.body);
    }
    assert_eq!(
        ask(&door, "PATCH", &format!("/api/episodes/{id}/scenes/9/shots/1"), &[PATCH], change).await.status,
        422
    );

    // The order, and a text with a mistake.
    let order = format!("/api/episodes/{id}/scenes/order");
    let ordered = ask(&door, "PUT", &order, &[JSON], json!({ "order": [2, 1] }).to_string()).await;
    assert_eq!(ordered.status, 200, "{}", ordered.body);
    assert_eq!(ask(&door, "PUT", &order, &[JSON], json!({ "order": [1, 1] }).to_string()).await.status, 422);
    let wrong = ask(&door, "PUT", &path, &[], "nothing").await;
    assert_eq!((wrong.status, &wrong.body["code"]), (422, &json!("mistakes")));
    assert_eq!(get(&door, &path).await.body["text"], ordered.body["text"], "nothing was lost");
    let heading = ordered.body["reading"]["scenes"][0]["heading"].as_str().unwrap().to_owned();

    // It is made as it is written.
    let produced = ask(&door, "POST", &format!("/api/episodes/{id}/produce"), &[], Body::empty()).await;
    assert_eq!(produced.status, 202, "{}", produced.body);
    studio.end().await;
    assert_eq!(state().await, "published");
    let made = get(&door, &format!("/api/episodes/{id}")).await.body;
    assert!(made["scenes"][0]["shots"].as_array().unwrap().iter().all(|shot| shot["clip"].is_string()));
    assert!(!heading.is_empty() && get(&door, &path).await.body["ahead"] == json!(false));
    // Where scenes change places after it is made, the text is ahead of the film until it is made again.
    let before = made["scenes"][0]["shots"][0]["id"].clone();
    let ordered = ask(&door, "PUT", &order, &[JSON], json!({ "order": [2, 1] }).to_string()).await;
    assert_eq!(ordered.body["ahead"], json!(true));
    assert_eq!(get(&door, &format!("/api/episodes/{id}")).await.body["scenes"][0]["shots"][0]["id"], before);
    let read = ask(&door, "POST", "/api/screenplays/read", &[], "INT. A - DAY\n\nX. [[shot: wyde]]").await;
    assert_eq!((read.status, read.body["mistakes"][0]["line"].as_u64()), (200, Some(3)));
    let odd = ask(&door, "POST", "/api/screenplays/read", &[], "INT. A - DAY\n\nX.\n\nINT. B - NIHGT\n\nY.").await;
    assert_eq!((odd.status, odd.body["remarks"][0]["line"].as_u64()), (200, Some(5)), "{}", odd.body);
    let said = ask(&door, "POST", &format!("/api/episodes/{id}/publish"), &[], Body::empty()).await;
    assert!(said.status == 409 && said.body["detail"].as_str().unwrap().contains("publish.library"), "{}", said.body);
}

#[tokio::test]
async fn of_two_who_write_at_once_one_is_told() {
    let studio = Studio::open().await;
    let door = door(&studio);
    let made = ask(&door, "POST", "/api/projects", &[JSON], json!({ "title": "Sea" }).to_string()).await;
    let project = format!("/api/projects/{}", made.body["project"]["id"].as_str().unwrap());
    let kept = ask(&door, "POST", "/api/import?hold=true", &[], TWO_ROOMS).await;
    let episode = format!("/api/episodes/{}", kept.body["episode"].as_str().unwrap());
    let shot = format!("{episode}/scenes/1/shots/1");
    for (read, path, one, other) in [
        (&project, &project, json!({ "year": 2001 }), json!({ "year": 2002 })),
        (&format!("{episode}/screenplay"), &shot, json!({ "motion": "push-in" }), json!({ "planned_ms": 5000 })),
    ] {
        let tag = get(&door, read).await.tag;
        let headers = [PATCH, ("if-match", tag.as_str())];
        let (one, other) = tokio::join!(
            ask(&door, "PATCH", path, &headers, one.to_string()),
            ask(&door, "PATCH", path, &headers, other.to_string())
        );
        let mut said = [one.status, other.status];
        said.sort_unstable();
        assert_eq!(said, [200, 412], "{path}");
    }
}

#[tokio::test]
async fn a_character_has_looks_references_and_a_voice() {
    let mut studio = Studio::open().await;
    studio.film(TWO_ROOMS).await;
    let door = door(&studio);
    let project = get(&door, "/api/projects").await.body["projects"][0]["project"]["id"].as_str().unwrap().to_owned();
    let anna = get(&door, &format!("/api/projects/{project}")).await.body["characters"][0].clone();
    assert_eq!(anna["character"]["name"], "ANNA");
    let path = format!("/api/characters/{}", anna["character"]["id"].as_str().unwrap());
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let upload = ask(&door, "POST", "/api/uploads?role=picture", &[("x-name", "../../a.png")], png.to_vec()).await;
    assert_eq!(upload.status, 201, "{}", upload.body);
    let file = upload.body["output"]["asset"].clone();
    assert_eq!(file["ext"], "png", "by its content");
    let change = json!({ "appearance": { "design": "a tall woman" }, "references": [file], "voice": "amy" });
    let changed =
        ask(&door, "PATCH", &path, &[PATCH, ("if-match", anna["tag"].as_str().unwrap())], change.to_string()).await;
    assert_eq!((changed.status, &changed.body["picture"]), (200, &file["hash"]), "{}", changed.body);
    let nobody = json!({ "references": [{ "hash": "0".repeat(64), "ext": "png" }] });
    for bad in [nobody, json!({ "voice": "x".repeat(2001) }), json!({ "height": 3 })] {
        assert_eq!(ask(&door, "PATCH", &path, &[PATCH], bad.to_string()).await.status, 400, "{bad}");
    }
    assert_eq!(get(&door, &path).await.body["sheet"]["voice"], "amy");
    assert!(studio.tidy(false).await.is_ok());
    let kept = format!("/api/assets/{}", file["hash"].as_str().unwrap());
    assert_eq!(get(&door, &kept).await.status, 200, "a reference is nobody's leftover");
    let nobody = format!("/api/characters/{}/audition", uuid::Uuid::nil());
    assert_eq!(ask(&door, "POST", &nobody, &[JSON], json!({ "text": "Hello." }).to_string()).await.status, 404);
    let spoken =
        ask(&door, "POST", &format!("{path}/audition"), &[JSON], json!({ "text": "Hello." }).to_string()).await;
    assert_eq!(spoken.body["file"]["ext"], "wav");
    for bad in ["", "...", &"x".repeat(301)] {
        let said = ask(&door, "POST", &format!("{path}/audition"), &[JSON], json!({ "text": bad }).to_string()).await;
        assert_eq!(said.status, 400, "{bad:.5}");
    }
}

/// A page writes its changes in the types of the contract, so the contract must know every field that may change, and
/// take neither less nor more than the studio does.
#[tokio::test]
async fn the_contract_knows_what_a_patch_may_say() {
    let mut studio = Studio::open().await;
    studio.film(TWO_ROOMS).await;
    let door = door(&studio);
    let contract: serde_json::Value = serde_json::from_str(&studiod::web::contract()).unwrap();
    let project = get(&door, "/api/projects").await.body["projects"][0]["project"]["id"].as_str().unwrap().to_owned();
    let whole = get(&door, &format!("/api/projects/{project}")).await.body;
    let id = |noun: &str, one: &str| whole[noun][0][one]["id"].as_str().unwrap().to_owned();
    let oil = json!([{ "name": "oil", "words": "", "avoid": [], "models": {} }]);
    for (noun, id, good) in [
        (
            "characters",
            id("characters", "character"),
            vec![
                json!({ "appearance": { "design": "tall", "colors": { "hair": "red" } } }),
                json!({ "appearance": { "design": null, "colors": { "hair": null } }, "voice": "amy" }),
                json!({ "appearance": null, "references": null, "voice": null, "sample": null, "never": null }),
                json!({}),
            ],
        ),
        (
            "locations",
            id("locations", "location"),
            vec![json!({ "design": "brass", "avoid": ["rain"] }), json!({ "avoid": null, "references": [] })],
        ),
        (
            "projects",
            project,
            vec![
                json!({ "about": { "genre": "mystery", "styles": oil, "style": "oil" } }),
                json!({ "title": "Sea", "year": 1999, "about": { "genre": null, "approve": [] } }),
                json!({ "about": { "approve": null } }),
            ],
        ),
    ] {
        let content = &contract["paths"][format!("/api/{noun}/{{id}}")]["patch"]["requestBody"]["content"];
        let mut schema = content["application/merge-patch+json"]["schema"].clone();
        schema["components"] = contract["components"].clone();
        let known = jsonschema::validator_for(&schema).unwrap();
        let path = format!("/api/{noun}/{id}");
        for change in good {
            let errors: Vec<String> = known.iter_errors(&change).map(|error| error.to_string()).collect();
            let said = ask(&door, "PATCH", &path, &[PATCH], change.to_string()).await;
            assert_eq!((errors, said.status), (vec![], 200), "{noun} {change}: {}", said.body);
        }
        for bad in [json!({ "no_such_field": 1 }), json!([]), json!({ "references": 1, "title": 1 })] {
            let said = ask(&door, "PATCH", &path, &[PATCH], bad.to_string()).await;
            assert!(!known.is_valid(&bad) && said.status == 400, "{noun} {bad}: {}", said.body);
        }
    }
    let fields = contract["components"]["schemas"]["ShotChange"]["properties"].as_object().unwrap();
    assert!(fields.values().all(|field| field.get("default").is_none()), "each may be left out: {fields:?}");
}

#[tokio::test]
async fn files_are_known_by_what_they_contain() {
    let studio = Studio::open().await;
    let door = door(&studio);
    let mp4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec();
    for (role, body, status, code) in [
        ("picture", b"<svg onload=alert(1)>".to_vec(), 415, "wrong_kind"),
        ("picture", b"#!/bin/sh\nrm -rf /".to_vec(), 415, "wrong_kind"),
        ("picture", mp4.clone(), 415, "wrong_kind"),
        ("video", b"\x89PNG\r\n\x1a\n".to_vec(), 415, "wrong_kind"),
        ("sound", b"MZ\x90\0".to_vec(), 415, "wrong_kind"),
        ("picture", Vec::new(), 400, "bad_request"),
        ("archive", mp4.clone(), 400, "bad_request"),
    ] {
        let said =
            ask(&door, "POST", &format!("/api/uploads?role={role}"), &[("content-type", "image/png")], body).await;
        assert_eq!((said.status, said.body["code"].as_str().unwrap()), (status, code), "{role}: {}", said.body);
    }
    // More than a picture may have: it stops there, and nothing stays.
    let endless =
        Body::from_stream(futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0x89u8; 1 << 20])));
    let said = ask(&door, "POST", "/api/uploads?role=picture", &[], endless).await;
    assert_eq!((said.status, &said.body["code"]), (413, &json!("too_large")));
    let broken = Body::from_stream(futures_util::stream::iter([Ok(vec![1u8]), Err(std::io::Error::other("gone"))]));
    assert_eq!(ask(&door, "POST", "/api/uploads?role=picture", &[], broken).await.status, 400);
    assert_eq!(std::fs::read_dir(studio.context.data.work()).unwrap().count(), 0, "nothing is left");
    let no_tar = ask(&door, "POST", "/api/projects/import", &[], mp4).await;
    assert_eq!((no_tar.status, &no_tar.body["code"]), (415, &json!("wrong_kind")));
    // Names lead nowhere.
    for path in
        ["/api/assets/..%2f..%2fstudio.db", "/assets/../index.html", "/assets/%2e%2e/x.js", "/studio.db", "/.env"]
    {
        let said = get(&door, path).await;
        assert!([400, 404].contains(&said.status), "{path}: {}", said.status);
    }
}

#[tokio::test]
async fn a_request_with_a_key_is_carried_out_once() {
    let studio = Studio::open().await;
    let door = door(&studio);
    let key = [JSON, ("idempotency-key", "abc")];
    let new = json!({ "title": "Once" }).to_string();
    let first = ask(&door, "POST", "/api/projects", &key, new.clone()).await;
    let second = ask(&door, "POST", "/api/projects", &key, new.clone()).await;
    assert_eq!((first.status, first.again, second.status, second.again), (201, false, 201, true));
    assert_eq!(first.body, second.body);
    assert_eq!(get(&door, "/api/projects").await.body["projects"].as_array().unwrap().len(), 1);
    let other = ask(&door, "POST", "/api/projects", &key, json!({ "title": "Twice" }).to_string()).await;
    assert_eq!(other.status, 400, "another request with the same key");
    // A token is told once and kept nowhere, whatever key its request has.
    let token = json!({ "name": "phone", "scopes": ["read"] }).to_string();
    let key = [JSON, ("idempotency-key", "token")];
    let given = [
        ask(&door, "POST", "/api/tokens", &key, token.clone()).await,
        ask(&door, "POST", "/api/tokens", &key, token).await,
    ];
    assert!(given.iter().all(|said| said.status == 201 && !said.again) && given[0].body != given[1].body);
    // Refusals are answers, too; what the studio could not do is not.
    let key = [JSON, ("idempotency-key", "def")];
    assert_eq!(ask(&door, "POST", "/api/projects", &key, new.clone()).await.status, 409);
    assert!(ask(&door, "POST", "/api/projects", &key, new.clone()).await.again);
    let broken = studio.door();
    let key = [("idempotency-key", "ghi")];
    for _ in 0..2 {
        let said = ask(&broken, "POST", "/api/import", &key, TWO_ROOMS).await;
        assert_eq!((said.status, said.again), (503, false));
    }
    let key = [JSON, ("idempotency-key", "abc")];
    studio.later(24 * 3_600_000 + 1).await;
    assert!(!ask(&door, "POST", "/api/projects", &key, new).await.again, "a day later it is forgotten");
    assert_eq!(ask(&door, "POST", "/api/projects", &[JSON, ("idempotency-key", "")], "{}").await.status, 400);
}

#[tokio::test]
async fn language_models_are_tried_out() {
    let studio = Studio::open().await;
    let door = door(&studio);
    let tried = ask(&door, "POST", "/api/check/language-models", &[], Body::empty()).await;
    assert_eq!(tried.status, 200, "{}", tried.body);
    let first = &tried.body[0];
    assert_eq!((&first["engine"], &first["good"], &first["written"]), (&json!("ollama"), &json!(true), &json!(5)));
}

#[tokio::test]
async fn numbers_and_decisions_of_a_film_are_told() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let door = door(&studio);
    let all = get(&door, "/api/analytics").await.body;
    assert_eq!((&all["days"][0]["takes"], &all["takes_per_chosen"]), (&json!(6), &json!(1.0)), "{all}");
    assert!(all["chosen_seconds"].as_f64().unwrap() > 0.0 && all["models"].as_array().unwrap().len() == 2);
    let history = get(&door, "/api/fleet/history?hours=1").await.body;
    assert!(history["bars"].as_array().unwrap().iter().any(|bar| bar["slot"] == "film" && bar["state"] == "succeeded"));
    let page = get(&door, &format!("/api/decisions?episode={id}&limit=2&kind=gate")).await.body;
    assert_eq!((page["decisions"].as_array().unwrap().len(), page["next"].is_string()), (2, true));
    assert!(page["decisions"][0]["slot"].as_str().unwrap().contains("scene"));
    assert!(page["kinds"].as_array().unwrap().contains(&json!("gate")));
    let next = get(&door, &format!("/api/decisions?kind=gate&after={}", page["next"].as_str().unwrap())).await.body;
    assert!(
        next["decisions"].as_array().unwrap().iter().all(|one| one["decision"]["id"].as_str() < page["next"].as_str())
    );
    let stills = get(&door, "/api/takes?subject=still&sort=oldest&character=ANNA").await.body;
    assert!(stills["left"].as_u64().unwrap() >= 1);
    for view in stills["takes"].as_array().unwrap() {
        assert!(view["take"]["subject"] == "still" && view["plan"]["characters"].to_string().contains("ANNA"));
    }
    let take = stills["takes"][0]["take"]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/takes/{take}/opinion");
    assert_eq!(ask(&door, "POST", &path, &[JSON], json!({ "good": false }).to_string()).await.status, 202);
    studio.end().await;
    assert_eq!(ask(&door, "DELETE", &path, &[], Body::empty()).await.status, 202);
    assert_eq!(store::opinions::all(&studio.context.db).await.unwrap().len(), 0);
    for bad in
        ["/api/analytics?days=0", "/api/fleet/history?hours=49", "/api/decisions?limit=0", "/api/episodes?what=1"]
    {
        assert_eq!(get(&door, bad).await.status, 400, "{bad}");
    }
    let request = Request::get("/api/projects").header(header::ACCEPT_ENCODING, "gzip").body(Body::empty()).unwrap();
    let answer = door.clone().oneshot(request).await.unwrap();
    assert_eq!((answer.status(), answer.headers()["content-encoding"].to_str().unwrap()), (StatusCode::OK, "gzip"));
}

/// No database keeps it, and what one of them refuses the other does not take either.
#[tokio::test]
async fn a_nul_in_what_somebody_writes_is_refused_as_that() {
    let studio = Studio::open().await;
    let door = door(&studio);
    let said = |answer: &crate::bench::Said| (answer.status, answer.body["detail"].to_string());
    let bad = r#"{ "title": "a\u0000b" }"#;
    let (status, detail) = said(&ask(&door, "POST", "/api/projects", &[JSON], bad).await);
    assert!(status == 400 && detail.contains("the character NUL"), "{status}: {detail}");
    let good = r#"{ "title": "a\\u0000b" }"#;
    let made = ask(&door, "POST", "/api/projects", &[JSON], good).await;
    assert_eq!((made.status, &made.body["project"]["title"]), (201, &json!("a\\u0000b")), "{}", made.body);
    let path = format!("/api/projects/{}", made.body["project"]["id"].as_str().unwrap());
    let patch = r#"{ "about": { "genre": "no\u0000ir" } }"#;
    let (status, detail) = said(&ask(&door, "PATCH", &path, &[PATCH], patch).await);
    assert!(status == 400 && detail.contains("the character NUL"), "{status}: {detail}");
    let (status, detail) = said(&get(&door, "/api/tasks?state=a%00b").await);
    assert!(status == 400 && detail.contains("(%00)"), "{status}: {detail}");
    let play = TWO_ROOMS.replacen("kettle", "ket\0tle", 1);
    let refused = ask(&door, "POST", "/api/import?hold=true", &[], play).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.to_string().contains("line 5, column "), "{}", refused.body);
}
