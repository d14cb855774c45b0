//! Who may come in: the house, tokens, the login, and everybody who must not.

use std::net::SocketAddr;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};
use studiod::{clock::Clock, web::Access};
use tower::ServiceExt;

use crate::{plans::TWO_ROOMS, studio::Studio};

const HOUSE: &str = "192.168.1.20:5000";
const ABROAD: &str = "203.0.113.9:5000";

fn at(studio: &Studio, peer: &str, access: Access) -> Router {
    studio.door_for(peer.parse::<SocketAddr>().unwrap(), access)
}

struct Said {
    status: StatusCode,
    headers: header::HeaderMap,
    body: Value,
}

async fn ask(door: &Router, method: &str, path: &str, headers: &[(&str, &str)], body: Value) -> Said {
    let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let answer = door.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, 1 << 24).await.unwrap();
    Said { status: parts.status, headers: parts.headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
}

async fn get(door: &Router, headers: &[(&str, &str)]) -> (u16, String) {
    let said = ask(door, "GET", "/api/projects", headers, Value::Null).await;
    (said.status.as_u16(), said.body["code"].as_str().unwrap_or_default().to_owned())
}

/// Somebody on the machine of a proxy that is trusted.
const BESIDE: &str = "127.0.0.1:5000";

#[tokio::test]
async fn the_house_is_known_by_the_address_of_the_connection_and_by_nothing_else() {
    let studio = Studio::open().await;
    let (house, abroad) = (at(&studio, HOUSE, Access::default()), at(&studio, ABROAD, Access::default()));
    assert_eq!(get(&house, &[]).await.0, 200);
    let stranger = (401, "login_needed".to_owned());
    assert_eq!(get(&abroad, &[]).await, stranger);
    // What a request says of itself counts for nothing.
    for header in ["x-real-ip", "x-forwarded-for", "forwarded", "x-client-ip", "cf-connecting-ip"] {
        assert_eq!(get(&abroad, &[(header, "192.168.1.20")]).await, stranger, "{header}");
    }
    // Through a trusted proxy the one before it counts, however many lies stand further left.
    let access = Access { trusted_proxies: vec!["203.0.113.0/24".parse().unwrap()], ..Access::default() };
    let proxied = at(&studio, ABROAD, access);
    assert_eq!(get(&proxied, &[("x-forwarded-for", "192.168.1.5")]).await.0, 200);
    assert_eq!(get(&proxied, &[("x-forwarded-for", "192.168.1.5, 198.51.100.7")]).await, stranger);
    assert_eq!(get(&proxied, &[("x-forwarded-for", "198.51.100.7, 10.0.0.3, 203.0.113.8")]).await.0, 200);
    assert_eq!(get(&proxied, &[("x-forwarded-for", "nonsense")]).await, stranger);
    assert_eq!(get(&proxied, &[("x-real-ip", "198.51.100.7")]).await, stranger);
    assert_eq!(get(&proxied, &[]).await, stranger, "the proxy itself is not of the house");
    let access = Access { house: vec!["203.0.113.9/32".parse().unwrap()], ..Access::default() };
    assert_eq!(get(&at(&studio, ABROAD, access), &[]).await.0, 200);
    let access = Access { open_house: false, ..Access::default() };
    assert_eq!(get(&at(&studio, HOUSE, access), &[]).await, stranger);
    // The page and whether the studio lives are for everybody.
    for path in ["/health", "/api/version", "/api/session", "/", "/login"] {
        assert_ne!(ask(&abroad, "GET", path, &[], Value::Null).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn a_command_on_the_machine_is_told_from_what_a_proxy_beside_it_passes_on() {
    let studio = Studio::open().await;
    let access = || Access { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..Access::default() };
    let door = at(&studio, BESIDE, access());
    let stranger = (401, "login_needed".to_owned());
    // The proxy says nothing of who asks: it may be anybody.
    assert_eq!(get(&door, &[]).await, stranger);
    assert_eq!(get(&door, &[("x-forwarded-for", "127.0.0.1")]).await, stranger);
    let now = studio.clock().now();
    let key = studio.context.data.key().unwrap();
    let bearer = |key: &[u8], at: i64| format!("Bearer {}", studiod::pass::made(key, now.after(at)).unwrap());
    let good = bearer(&key, 0);
    assert_eq!(get(&door, &[("authorization", &good)]).await.0, 200);
    // Through the proxy too, for somebody who has the key has everything.
    assert_eq!(get(&door, &[("authorization", &good), ("x-forwarded-for", "198.51.100.7")]).await.0, 200);
    for bad in [bearer(&[9; 32], 0), bearer(&key, -3_600_000), bearer(&key, 3_600_000), "Bearer nothing".into()] {
        assert_eq!(get(&door, &[("authorization", &bad)]).await, stranger, "{bad}");
    }
    // A house that is not open lets nobody in without a login, on the machine or not.
    let closed = at(&studio, BESIDE, Access { open_house: false, ..access() });
    assert_eq!(get(&closed, &[("authorization", &good)]).await, stranger);
}

#[tokio::test]
async fn a_page_elsewhere_cannot_drive_the_studio() {
    let studio = Studio::open().await;
    let house = at(&studio, HOUSE, Access::default());
    let code = async |door: &Router, headers: &[(&str, &str)]| get(door, headers).await.1;
    // Its own name pointed at this machine.
    assert_eq!(code(&house, &[("host", "evil.example")]).await, "foreign_host");
    assert_eq!(code(&house, &[("host", "127.0.0.1.evil.example:8401")]).await, "foreign_host");
    for own in ["studio.local:8401", "192.168.1.7:8401", "[fe80::1]:8401", "localhost", "studio"] {
        assert_eq!(code(&house, &[("host", own)]).await, "", "{own}");
    }
    // A form or a script over there.
    let foreign = [("host", "studio.local:8401"), ("origin", "https://evil.example")];
    let said = ask(&house, "POST", "/api/fleet/pause", &foreign, json!({ "scope": { "what": "studio" } })).await;
    assert_eq!((said.status, &said.body["code"]), (StatusCode::FORBIDDEN, &json!("foreign_origin")));
    assert_eq!(code(&house, &[("host", "studio.local"), ("origin", "null")]).await, "foreign_origin");
    assert_eq!(code(&house, &[("host", "studio.local:8401"), ("origin", "http://studio.local:8401")]).await, "");
    assert!(said.headers.get("access-control-allow-origin").is_none());
    let access =
        Access { hosts: vec!["films.example".into()], cors: vec!["https://desk.example".into()], ..Access::default() };
    let opened = at(&studio, HOUSE, access);
    assert_eq!(code(&opened, &[("host", "films.example")]).await, "");
    let desk = [("host", "films.example"), ("origin", "https://desk.example")];
    let said = ask(&opened, "GET", "/api/projects", &desk, Value::Null).await;
    assert_eq!(
        (said.status, &said.headers["access-control-allow-origin"]),
        (StatusCode::OK, &"https://desk.example".parse().unwrap())
    );
    assert_eq!(code(&opened, &foreign).await, "foreign_origin");
    // What a page may do is said with the page, and nothing that stands in it may run.
    let page = ask(&house, "GET", "/review", &[], Value::Null).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("script-src 'self';")
            && policy.contains("frame-ancestors 'none'")
            && !policy.contains("unsafe")
    );
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn tokens_do_what_they_are_for_until_they_end_or_are_taken_back() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let (house, abroad) = (at(&studio, HOUSE, Access::default()), at(&studio, ABROAD, Access::default()));
    let give = async |wanted: Value| {
        let said = ask(&house, "POST", "/api/tokens", &[], wanted).await;
        assert_eq!(said.status, StatusCode::CREATED, "{}", said.body);
        (
            format!("Bearer {}", said.body["text"].as_str().unwrap()),
            said.body["token"]["id"].as_str().unwrap().to_owned(),
        )
    };
    let status = async |token: &str, method: &str, path: &str, body: Value| {
        ask(&abroad, method, path, &[("authorization", token)], body).await.status.as_u16()
    };
    let (reader, reader_id) = give(json!({ "name": "phone", "scopes": ["read"], "days": 1 })).await;
    let (reviewer, _) = give(json!({ "name": "sofa", "scopes": ["review"] })).await;
    let (writer, _) = give(json!({ "name": "script", "scopes": ["write"] })).await;
    let take = ask(&house, "GET", "/api/takes?limit=1", &[], Value::Null).await.body["takes"][0]["take"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let (opinion, produce) = (format!("/api/takes/{take}/opinion"), format!("/api/episodes/{id}/cancel"));
    let good = json!({ "good": true });
    for (token, wanted) in
        [(&reader, [200, 403, 403, 403]), (&reviewer, [200, 202, 403, 403]), (&writer, [200, 202, 202, 403])]
    {
        let got = [
            status(token, "GET", "/api/takes", Value::Null).await,
            status(token, "POST", &opinion, good.clone()).await,
            status(token, "POST", &produce, Value::Null).await,
            status(token, "GET", "/api/tokens", Value::Null).await,
        ];
        assert_eq!(got, wanted);
    }
    // Somebody of the house who names a token is that token.
    assert_eq!(get(&house, &[("authorization", "Bearer nonsense")]).await.0, 401);
    let listed = ask(&house, "GET", "/api/tokens", &[], Value::Null).await.body["tokens"].take();
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert!(listed[2]["used"].is_number() && !listed.to_string().contains(reader.trim_start_matches("Bearer ")));
    // Forged: another key, another kind, no signature.
    let mut parts: Vec<&str> = reader.trim_start_matches("Bearer ").split('.').collect();
    for (at, forged) in [(2, "c2lnbmF0dXJl"), (0, "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"), (2, "")] {
        let kept = std::mem::replace(&mut parts[at], forged);
        assert_eq!(
            status(&format!("Bearer {}", parts.join(".")), "GET", "/api/takes", Value::Null).await,
            401,
            "{forged}"
        );
        parts[at] = kept;
    }
    studio.later((24 * 3600 + 1) * 1000).await;
    assert_eq!(status(&reader, "GET", "/api/takes", Value::Null).await, 401, "it has ended");
    assert_eq!(status(&reviewer, "GET", "/api/takes", Value::Null).await, 200);
    let (again, again_id) = give(json!({ "name": "phone", "scopes": ["read"] })).await;
    assert_eq!(status(&again, "GET", "/api/takes", Value::Null).await, 200);
    assert_eq!(ask(&house, "DELETE", &format!("/api/tokens/{again_id}"), &[], Value::Null).await.status, 204);
    assert_eq!(status(&again, "GET", "/api/takes", Value::Null).await, 401, "it was taken back");
    assert_ne!(reader_id, again_id);
    for bad in [
        json!({ "name": "", "scopes": ["read"] }),
        json!({ "name": "x", "scopes": [] }),
        json!({ "name": "x", "scopes": ["root"] }),
        json!({ "name": "x", "scopes": ["read"], "days": 0 }),
        json!({ "name": "x", "scopes": ["read"], "what": 1 }),
    ] {
        assert_eq!(ask(&house, "POST", "/api/tokens", &[], bad.clone()).await.status, 400, "{bad}");
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of addresses, a line each")]
async fn a_token_of_one_project_sees_that_project_only() {
    let mut studio = Studio::open().await;
    let (mine, ..) = studio.film(TWO_ROOMS).await;
    let (theirs, ..) = studio.film(&TWO_ROOMS.replace("Two Rooms", "Other Rooms")).await;
    assert_ne!(mine, theirs);
    let (house, abroad) = (at(&studio, HOUSE, Access::default()), at(&studio, ABROAD, Access::default()));
    let project = async |episode: &str| {
        let said = ask(&house, "GET", &format!("/api/episodes/{episode}"), &[], Value::Null).await.body;
        said["project"]["id"].as_str().unwrap().to_owned()
    };
    let (own, other) = (project(&mine.to_string()).await, project(&theirs.to_string()).await);
    let wanted = json!({ "name": "guest", "scopes": ["write"], "project": own });
    let token = ask(&house, "POST", "/api/tokens", &[], wanted).await.body["text"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {token}");
    let status =
        async |path: &str| ask(&abroad, "GET", path, &[("authorization", &bearer)], Value::Null).await.status.as_u16();
    let first = async |path: String, pointer: &str| {
        ask(&house, "GET", &path, &[], Value::Null).await.body.pointer(pointer).unwrap().as_str().unwrap().to_owned()
    };
    let take = async |episode| first(format!("/api/takes?episode={episode}&limit=1"), "/takes/0/take/id").await;
    let asset =
        async |episode| first(format!("/api/takes?episode={episode}&limit=1&subject=clip"), "/takes/0/file/hash").await;
    let shot = async |episode| first(format!("/api/episodes/{episode}"), "/scenes/0/shots/0/id").await;
    for (path, allowed) in [
        (format!("/api/projects/{own}"), 200),
        (format!("/api/projects/{other}"), 403),
        (format!("/api/episodes/{mine}"), 200),
        (format!("/api/episodes/{theirs}"), 403),
        (format!("/api/shots/{}", shot(mine).await), 200),
        (format!("/api/shots/{}", shot(theirs).await), 403),
        (format!("/api/tasks/{}", studio.task(mine, "film").await.id), 200),
        (format!("/api/tasks/{}", studio.task(theirs, "film").await.id), 403),
        (format!("/api/episodes?project={own}"), 200),
        (format!("/api/takes?project={own}"), 200),
        (format!("/api/takes?episode={mine}"), 200),
        (format!("/api/takes?episode={theirs}"), 403),
        (format!("/api/takes?project={other}"), 403),
        (format!("/api/decisions?episode={mine}"), 200),
        ("/api/takes".into(), 403),
        ("/api/episodes".into(), 403),
        ("/api/projects".into(), 403),
        (format!("/api/projects?project={own}"), 403),
        ("/api/tasks".into(), 403),
        (format!("/api/tasks?project={own}"), 200),
        (format!("/api/tasks?project={other}"), 403),
        (format!("/api/characters?project={own}"), 200),
        ("/api/characters".into(), 403),
        (format!("/api/locations?project={other}"), 403),
        (format!("/api/scenes?episode={mine}"), 200),
        (format!("/api/scenes/{}", first(format!("/api/scenes?episode={theirs}"), "/scenes/0/id").await), 403),
        (
            format!(
                "/api/locations/{}",
                first(format!("/api/locations?project={own}"), "/locations/0/location/id").await
            ),
            200,
        ),
        (
            format!(
                "/api/locations/{}",
                first(format!("/api/locations?project={other}"), "/locations/0/location/id").await
            ),
            403,
        ),
        (format!("/api/images?project={own}"), 200),
        ("/api/images".into(), 403),
        (format!("/api/music?episode={theirs}"), 403),
        ("/api/stories".into(), 403),
        ("/api/voices".into(), 403),
        ("/api/fleet".into(), 403),
        ("/api/events".into(), 403),
        ("/api/formats".into(), 503),
        (format!("/api/episodes?project={own}&project={other}"), 403),
        (format!("/api/episodes/{}", uuid::Uuid::nil()), 403),
    ] {
        assert_eq!(status(&path).await, allowed, "{path}");
    }
    // Both at once mean both: nothing of theirs is in mine.
    let crossed = ask(
        &abroad,
        "GET",
        &format!("/api/takes?project={own}&episode={theirs}"),
        &[("authorization", &bearer)],
        Value::Null,
    )
    .await;
    assert_eq!(crossed.body["takes"], json!([]));
    let listed =
        ask(&abroad, "GET", &format!("/api/episodes?project={own}"), &[("authorization", &bearer)], Value::Null).await;
    assert_eq!(listed.body["episodes"].as_array().unwrap().len(), 1);
    let opinion = |take: String| format!("/api/takes/{take}/opinion");
    let say = async |path: String| {
        ask(&abroad, "POST", &path, &[("authorization", &bearer)], json!({ "good": true })).await.status.as_u16()
    };
    assert_eq!((say(opinion(take(mine).await)).await, say(opinion(take(theirs).await)).await), (202, 403));
    assert_eq!(status(&format!("/api/assets/{}", asset(mine).await)).await, 200);
}

#[tokio::test]
async fn a_link_opens_one_file_for_a_while() {
    let mut studio = Studio::open().await;
    studio.film(TWO_ROOMS).await;
    let (house, abroad) = (at(&studio, HOUSE, Access::default()), at(&studio, ABROAD, Access::default()));
    let takes = ask(&house, "GET", "/api/takes", &[], Value::Null).await.body;
    let hash = |n: usize| takes["takes"][n]["file"]["hash"].as_str().unwrap().to_owned();
    let said = ask(&house, "POST", &format!("/api/assets/{}/link", hash(0)), &[], json!({ "seconds": 60 })).await;
    let url = said.body["url"].as_str().unwrap().to_owned();
    let status = async |url: &str| ask(&abroad, "GET", url, &[], Value::Null).await.status.as_u16();
    assert_eq!(status(&url).await, 200);
    assert_eq!(status(&url.replace(&hash(0), &hash(1))).await, 401, "it is for one file");
    assert_eq!(status(&format!("/api/projects?{}", url.split_once('?').unwrap().1)).await, 401);
    studio.later(61_000).await;
    assert_eq!(status(&url).await, 401, "it has ended");
    for bad in [json!({ "seconds": 1 }), json!({ "seconds": 604_801 }), json!({})] {
        assert_eq!(ask(&house, "POST", &format!("/api/assets/{}/link", hash(0)), &[], bad).await.status, 400);
    }
}

#[tokio::test]
async fn the_login_takes_the_password_and_few_tries() {
    let studio = Studio::open().await;
    let state = studio.web(Access::default());
    let door = |peer: &str| Studio::door_of(state.clone(), peer.parse().unwrap());
    let (house, abroad) = (door(HOUSE), door(ABROAD));
    let login = async |password: &str| ask(&abroad, "POST", "/api/login", &[], json!({ "password": password })).await;
    let said = login("correct horse battery").await;
    assert_eq!((said.status.as_u16(), &said.body["code"]), (401, &json!("wrong_password")), "there is none yet");
    for bad in ["short", &"x".repeat(201)] {
        assert_eq!(ask(&house, "PUT", "/api/tokens/password", &[], json!({ "password": bad })).await.status, 400);
    }
    let set = json!({ "password": "correct horse battery" });
    assert_eq!(ask(&abroad, "PUT", "/api/tokens/password", &[], set.clone()).await.status, 401);
    assert_eq!(ask(&house, "PUT", "/api/tokens/password", &[], set).await.status, 204);
    assert!(studiod::store::access::password(&studio.context.db).await.unwrap().unwrap().starts_with("$argon2id$"));
    assert_eq!(login("correct horse").await.status, 401);
    let said = login("correct horse battery").await;
    assert_eq!(said.status, StatusCode::NO_CONTENT);
    let cookie = said.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    assert_eq!(get(&abroad, &[("cookie", &cookie)]).await.0, 200);
    assert_eq!(get(&abroad, &[("cookie", "studiod_session=nonsense")]).await.0, 401);
    let who = ask(&abroad, "GET", "/api/session", &[("cookie", &cookie)], Value::Null).await.body;
    assert_eq!((&who["who"], who["scopes"].as_array().unwrap().len()), (&json!("guest"), 4));
    assert_eq!(ask(&abroad, "POST", "/api/logout", &[("cookie", &cookie)], Value::Null).await.status, 204);
    assert_eq!(get(&abroad, &[("cookie", &cookie)]).await.0, 401, "logged out");
    // The sixth try within a minute, whatever it says.
    login("a wrong password").await;
    login("a wrong password").await;
    let said = login("correct horse battery").await;
    assert_eq!((said.status.as_u16(), &said.body["code"]), (429, &json!("slow_down")));
    let other =
        ask(&door("203.0.113.77:1"), "POST", "/api/login", &[], json!({ "password": "correct horse battery" })).await;
    assert_eq!(other.status, 204, "somebody else");
}

/// Every call of the contract: its method, its address with nothing behind its identities, and what the contract says.
fn calls() -> Vec<(String, String, String, Value)> {
    let contract: Value = serde_json::from_str(&studiod::web::contract()).unwrap();
    let mut calls = Vec::new();
    for (path, operations) in contract["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let nobody = uuid::Uuid::nil().to_string();
            let address = path.replace("{hash}", &"0".repeat(64)).replace("{id}", &nobody);
            let address = address.replace("{scene}", "1").replace("{shot}", "1");
            calls.push((method.to_uppercase(), path.clone(), address, operation.clone()));
        }
    }
    assert!(calls.len() > 80, "{}", calls.len());
    calls
}

/// What a call needs, told from its address: the rule the declarations have to come to.
fn needed(method: &str, path: &str) -> Option<&'static str> {
    match path {
        "/health" | "/api/version" | "/api/login" | "/api/logout" | "/api/session" => None,
        _ if path.starts_with("/api/tokens") || path == "/api/settings" => Some("admin"),
        "/api/screenplays/read" => Some("read"),
        _ if method == "GET" => Some("read"),
        "/api/reviews/{id}/cancel" => Some("review"),
        _ if [
            "/opinion",
            "/hand",
            "/reassign",
            "/decision",
            "/decisions",
            "/review",
            "/reviews",
            "/name",
            "/identify",
        ]
        .iter()
        .any(|end| path.ends_with(end)) =>
        {
            Some("review")
        }
        _ => Some("write"),
    }
}

/// Whose what a call is about is, told from its address in the same way.
fn whose(path: &str) -> &'static str {
    let open = needed("GET", path).is_none();
    if open || ["/api/motion-presets", "/api/formats", "/api/styles", "/api/screenplays/read"].contains(&path) {
        return "nobody";
    }
    let lists =
        ["characters", "decisions", "episodes", "images", "locations", "music", "pictures", "scenes", "takes", "tasks"];
    let nouns = "projects episodes characters locations scenes shots takes tasks assets pictures portraits ingests reviews unnamed \
                 trainings kept-loras";
    let nouns: Vec<&str> = nouns.split(' ').collect();
    let mut parts = path.trim_start_matches("/api/").split('/');
    let (noun, named) = (parts.next().unwrap(), parts.next().is_some_and(|part| part.starts_with('{')));
    let of_project =
        if named { nouns.contains(&noun) } else { lists.contains(&noun) && path.matches('/').count() == 2 };
    if of_project { "project" } else { "studio" }
}

/// Status and code of an answer, whose body may have no end.
async fn refusal(door: &Router, method: &str, path: &str, token: Option<&str>) -> (u16, String) {
    let mut request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let answer = door.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    if status < 400 {
        return (status, String::new());
    }
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    let problem: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    (status, problem["code"].as_str().unwrap_or_default().to_owned())
}

async fn token(house: &Router, wanted: Value) -> String {
    let given = ask(house, "POST", "/api/tokens", &[], wanted).await;
    given.body["text"].as_str().unwrap_or_else(|| panic!("{}", given.body)).to_owned()
}

#[tokio::test]
async fn every_call_says_in_the_contract_who_may_make_it_and_lets_in_nobody_else() {
    let studio = Studio::open().await;
    let (house, abroad) = (at(&studio, HOUSE, Access::default()), at(&studio, ABROAD, Access::default()));
    let scopes = ["read", "review", "write", "admin"];
    let mut tokens = Vec::new();
    for scope in scopes {
        tokens.push(token(&house, json!({ "name": scope, "scopes": [scope] })).await);
    }
    for (method, path, address, operation) in calls() {
        let call = format!("{method} {path}");
        let stranger = refusal(&abroad, &method, &address, None).await;
        let Some(scope) = needed(&method, &path) else {
            assert_eq!(operation["security"], json!([{}]), "{call}");
            assert_ne!(stranger.1, "login_needed", "{call}");
            continue;
        };
        assert_eq!(stranger, (401, "login_needed".to_owned()), "{call}");
        let mut ways = vec![json!({ "token": [scope] }), json!({ "session": [scope] })];
        if call == "GET /api/assets/{hash}" {
            ways.push(json!({ "link": [] }));
        }
        assert_eq!(operation["security"], json!(ways), "{call}");
        let least = scopes.iter().position(|one| *one == scope).unwrap();
        for (at, token) in tokens.iter().enumerate() {
            let said = refusal(&abroad, &method, &address, Some(token)).await;
            assert_eq!(said == (403, "not_allowed".to_owned()), at < least, "{call} with {}: {said:?}", scopes[at]);
            assert_ne!(said.0, 401, "{call} with {}", scopes[at]);
        }
    }
    // What is none of the contract's is guarded as well, and who is not known does not learn what there is.
    for (method, path, reader) in [
        ("GET", "/api/openapi.json", 200),
        ("GET", "/api/docs", 200),
        ("GET", "/api/docs/begin.js", 200),
        ("GET", "/api/nothing", 404),
        ("POST", "/api/nothing", 404),
        ("DELETE", "/api/fleet", 405),
    ] {
        assert_eq!(refusal(&abroad, method, path, None).await, (401, "login_needed".to_owned()), "{method} {path}");
        assert_eq!(refusal(&abroad, method, path, Some(&tokens[0])).await.0, reader, "{method} {path}");
    }
}

#[tokio::test]
async fn a_token_of_one_project_is_refused_wherever_nothing_is_its_own() {
    let mut studio = Studio::open().await;
    studio.film(TWO_ROOMS).await;
    let (house, abroad) = (at(&studio, HOUSE, Access::default()), at(&studio, ABROAD, Access::default()));
    let projects = ask(&house, "GET", "/api/projects", &[], Value::Null).await.body;
    let own = projects["projects"][0]["project"]["id"].as_str().unwrap().to_owned();
    let all = ["read", "review", "write", "admin"];
    let token = token(&house, json!({ "name": "guest", "scopes": all, "project": own })).await;
    for (method, path, address, operation) in calls() {
        let call = format!("{method} {path}");
        assert_eq!(operation["x-belongs-to"], whose(&path), "{call}");
        let said = refusal(&abroad, &method, &address, Some(&token)).await;
        let refused = said == (403, "other_project".to_owned());
        assert_eq!(refused, whose(&path) != "nobody", "{call}: {said:?}");
        // What cannot even be read is not said to be wrong to who may not see it.
        if path.contains('{') {
            let odd = path.replace("{id}", "no-id").replace("{hash}", "no-hash").replace("{scene}", "x");
            let said = refusal(&abroad, &method, &odd.replace("{shot}", "x"), Some(&token)).await;
            assert_eq!(said, (403, "other_project".to_owned()), "{call}");
        }
    }
    // However an identity is written, it is the one that is looked at and the one that is meant.
    let other = ask(&house, "POST", "/api/projects", &[], json!({ "title": "Sea" })).await.body;
    let other = other["project"]["id"].as_str().unwrap().to_owned();
    let encoded = |id: &str| id.bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02x}"));
    for (path, status) in [
        (format!("/api/projects/{}", encoded(&own)), 200),
        (format!("/api/projects/{}", encoded(&other)), 403),
        (format!("/api/takes?project={}", encoded(&own)), 200),
        (format!("/api/takes?pro%6Aect={own}"), 200),
        (format!("/api/takes?project={}", encoded(&other)), 403),
        (format!("/api/takes?pro%6Aect={other}"), 403),
        (format!("/api/takes?pro%6Aect={other}&project={own}"), 403),
        (format!("/api/takes?project={own}&what=1"), 403),
    ] {
        assert_eq!(refusal(&abroad, "GET", &path, Some(&token)).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn a_stranger_is_not_answered_what_somebody_else_was() {
    let studio = Studio::open().await;
    let (house, abroad) = (at(&studio, HOUSE, Access::default()), at(&studio, ABROAD, Access::default()));
    let key = [("idempotency-key", "abc")];
    let new = json!({ "title": "Once" });
    assert_eq!(ask(&house, "POST", "/api/projects", &key, new.clone()).await.status, 201);
    let said = ask(&abroad, "POST", "/api/projects", &key, new.clone()).await;
    assert_eq!((said.status.as_u16(), &said.body["code"]), (401, &json!("login_needed")));
    // Nor does what a stranger was told come back to the house.
    let key = [("idempotency-key", "def")];
    assert_eq!(ask(&abroad, "POST", "/api/projects", &key, json!({ "title": "Twice" })).await.status, 401);
    assert_eq!(ask(&house, "POST", "/api/projects", &key, json!({ "title": "Twice" })).await.status, 201);
}

#[tokio::test]
async fn the_cookie_of_a_login_over_tls_is_never_sent_without() {
    let studio = Studio::open().await;
    let password = json!({ "password": "correct horse battery" });
    let house = at(&studio, HOUSE, Access::default());
    assert_eq!(ask(&house, "PUT", "/api/tokens/password", &[], password.clone()).await.status, 204);
    let proxy = Access { trusted_proxies: vec!["203.0.113.9/32".parse().unwrap()], ..Access::default() };
    for (access, headers, secure) in [
        (&proxy, &[("x-forwarded-proto", "https")][..], true),
        (&proxy, &[("x-forwarded-proto", "http, HTTPS")], true),
        (&proxy, &[("forwarded", "for=198.51.100.7;proto=https;by=203.0.113.9")], true),
        (&proxy, &[("forwarded", "proto=https, for=198.51.100.7;Proto=\"http\"")], false),
        (&proxy, &[("x-forwarded-proto", "https, http")], false),
        (&proxy, &[], false),
        // Anybody can say that of themselves.
        (&Access::default(), &[("x-forwarded-proto", "https"), ("forwarded", "proto=https")], false),
    ] {
        let door = at(&studio, ABROAD, access.clone());
        let said = ask(&door, "POST", "/api/login", headers, password.clone()).await;
        assert_eq!(said.status, StatusCode::NO_CONTENT, "{headers:?}: {}", said.body);
        let cookie = said.headers["set-cookie"].to_str().unwrap().to_owned();
        let parts: Vec<&str> = cookie.split("; ").collect();
        assert_eq!(parts.contains(&"Secure"), secure, "{headers:?}: {cookie}");
        for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=2592000"] {
            assert!(parts.contains(&part), "{cookie}");
        }
        let sent = [("cookie", parts[0]), ("x-forwarded-for", "198.51.100.7")];
        let out = ask(&door, "POST", "/api/logout", &[&sent[..], headers].concat(), Value::Null).await;
        let gone = out.headers["set-cookie"].to_str().unwrap();
        assert!(gone.contains("Max-Age=0") && gone.contains("Secure") == secure, "{gone}");
        assert_eq!(get(&door, &sent).await.0, 401, "logged out");
    }
}
