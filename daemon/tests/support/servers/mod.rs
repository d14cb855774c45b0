//! Servers of the other card that speak their real protocols, with the faults they have: Ollama, both ACE-Steps,
//! speech and transcription. Tests switch faults on and look at what was asked.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod ace_step;
pub mod likeness;
pub mod ollama;
pub mod openai;
pub mod speech;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::Router;
use serde_json::Value;
use tokio::task::JoinHandle;

/// A server on a port of its own; it is gone when this is dropped.
pub struct Served {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Served {
    pub async fn start(routes: Router) -> Self {
        let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = door.local_addr().expect("an address");
        // Connections that are kept would answer even when the server is gone.
        let routes =
            routes.layer(axum::middleware::map_response(|mut response: axum::response::Response| async move {
                response.headers_mut().insert("connection", axum::http::HeaderValue::from_static("close"));
                response
            }));
        let task = tokio::spawn(async move { axum::serve(door, routes).await.expect("it serves") });
        Self { address, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What was asked of a server: route and body.
#[derive(Clone, Default)]
pub struct Asked(Arc<Mutex<Vec<(String, Value)>>>);

impl Asked {
    pub fn note(&self, route: &str, body: Value) {
        self.0.lock().unwrap().push((route.to_owned(), body));
    }

    pub fn all(&self) -> MutexGuard<'_, Vec<(String, Value)>> {
        self.0.lock().unwrap()
    }

    /// Bodies of one route.
    pub fn of(&self, route: &str) -> Vec<Value> {
        self.all().iter().filter(|(asked, _)| asked == route).map(|(_, body)| body.clone()).collect()
    }
}
