//! Secrets from a vault: its real protocol, with everything it may say.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::Path,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use serde_json::{Value, json};
use studiod::{app::vault, config::Config};

/// Answers as the real one does (developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2, .../auth/approle).
async fn server(sealed: bool) -> String {
    let asked = Arc::new(Mutex::new(0));
    let login = move |Json(said): Json<Value>| async move {
        if sealed {
            return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "errors": ["Vault is sealed"] })));
        }
        if said == json!({ "role_id": "studio", "secret_id": "right" }) {
            return (StatusCode::OK, Json(json!({ "auth": { "client_token": "s.token", "lease_duration": 3600 } })));
        }
        (StatusCode::BAD_REQUEST, Json(json!({ "errors": ["invalid role or secret ID"] })))
    };
    let read = move |Path(path): Path<String>, headers: HeaderMap| async move {
        *asked.lock().unwrap() += 1;
        if sealed {
            return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "errors": ["Vault is sealed"] })));
        }
        if headers.get("x-vault-token").is_none_or(|token| token != "s.token") {
            return (StatusCode::FORBIDDEN, Json(json!({ "errors": ["permission denied"] })));
        }
        if path == "home/studiod" {
            let data = json!({ "openai": "sk-vault", "postgres": "p/w d" });
            return (StatusCode::OK, Json(json!({ "data": { "data": data, "metadata": { "version": 3 } } })));
        }
        (StatusCode::NOT_FOUND, Json(json!({ "errors": [] })))
    };
    let routes = Router::new().route("/v1/auth/approle/login", post(login)).route("/v1/secret/data/{*path}", get(read));
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", door.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(door, routes).await });
    address
}

/// What the key of the `OpenAI` server is, by settings with this `[vault]` and this key.
async fn key(url: &str, vault: &str, key: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("token", "s.token\n"), ("right", "right"), ("wrong", "wrong"), ("file", "sk-file")] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let text = format!(
        "[vault]\nurl = \"{url}\"\n{vault}\n[openai]\nurl = \"http://127.0.0.1:1/v1\"\nkey = {key}\n[database]\npassword = {{ vault = \"secret/home/studiod#postgres\" }}\n"
    );
    let path = folder.path().join("settings.toml");
    std::fs::write(&path, text.replace("DIR", &folder.path().display().to_string())).unwrap();
    let mut config = Config::read(Some(&path)).unwrap();
    vault::read(&mut config).await;
    assert!(!format!("{config:?}").contains("sk-vault"), "never printed");
    config.openai.unwrap().key.unwrap().read()
}

const ROLE: &str = "role_id = \"studio\"\nsecret_id = { file = \"DIR/right\" }";

#[tokio::test]
async fn a_secret_comes_by_token_and_by_role() {
    let url = server(false).await;
    let asked = "{ vault = \"secret/home/studiod#openai\" }";
    assert_eq!(key(&url, "token = { file = \"DIR/token\" }", asked).await, Ok("sk-vault".into()));
    assert_eq!(key(&url, ROLE, asked).await, Ok("sk-vault".into()));
    let first = "{ first_of = [{ env = \"STUDIOD_TEST_NOT_THERE\" }, { vault = \"secret/home/studiod#openai\" }] }";
    assert_eq!(key(&url, ROLE, first).await, Ok("sk-vault".into()));
}

#[tokio::test]
async fn what_the_vault_refuses_is_said_with_the_remedy() {
    let (url, sealed) = (server(false).await, server(true).await);
    let of = |name: &str| format!("{{ vault = \"{name}\" }}");
    let asked = of("secret/home/studiod#openai");
    for (url, vault, asked, said) in [
        (&sealed, ROLE, &asked, "sealed; unseal it"),
        (&sealed, "token = { file = \"DIR/token\" }", &asked, "sealed; unseal it"),
        (&url, "role_id = \"studio\"\nsecret_id = { file = \"DIR/wrong\" }", &asked, "make a new secret_id"),
        (&url, "token = { file = \"DIR/wrong\" }", &asked, "give its policy 'read'"),
        (&url, "", &asked, "neither a token nor role_id"),
        (&url, ROLE, &of("secret/home/studiod#other"), "has no field 'other'"),
        (&url, ROLE, &of("secret/elsewhere#x"), "nothing at secret/data/elsewhere"),
        (&url, ROLE, &of("studiod"), "write MOUNT/PATH#FIELD"),
        (&"http://127.0.0.1:1".to_owned(), "token = { file = \"DIR/token\" }", &asked, "does not answer"),
    ] {
        let why = key(url, vault, asked).await.unwrap_err();
        assert!(why.contains(said), "{said}: {why}");
    }
    // The next place is asked then.
    let fallback = "{ first_of = [{ vault = \"secret/home/studiod#openai\" }, { file = \"DIR/file\" }] }";
    // The folder is gone afterwards, so it is read while it is there.
    assert_eq!(key(&sealed, ROLE, fallback).await, Ok("sk-file".into()));
}
