//! In process: the API without a network, for a command that is the studio for a moment. What is asked, what is answered and
//! what is refused are the same.

use std::{net::SocketAddr, path::Path};

use axum::{
    Extension, Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{Method, Request, header},
};
use serde_json::Value;
use tower::ServiceExt;

use super::{AppState, routes};

/// Largest answer that is read, in bytes.
const LARGEST: usize = 256 << 20;

/// The routes of a studio in this process, asked as if from this machine.
pub struct InProcess {
    routes: Router,
}

/// What goes with a request.
#[derive(Debug, Clone, Copy)]
pub enum Sent<'a> {
    /// Nothing goes with it.
    Nothing,
    /// An object, as JSON.
    Json(&'a Value),
    /// A file, as it is.
    File(&'a Path),
}

impl InProcess {
    /// The routes of this studio.
    pub fn new(state: AppState) -> Self {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { routes: routes(state).layer(Extension(ConnectInfo(here))) }
    }

    /// Status and JSON of an answer.
    ///
    /// # Errors
    /// A file that cannot be read, or a request that cannot be made, in one sentence.
    pub async fn ask(&self, method: &str, path: &str, sent: Sent<'_>) -> Result<(u16, Value), String> {
        let method: Method = method.parse().map_err(|_| format!("'{method}' is no method"))?;
        let request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
        let request = match sent {
            Sent::Nothing => request.body(Body::empty()),
            Sent::Json(value) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(value.to_string()))
            }
            Sent::File(file) => {
                let open = tokio::fs::File::open(file).await;
                let open = open.map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
                request
                    .header(header::CONTENT_TYPE, "application/octet-stream")
                    .body(Body::from_stream(tokio_util::io::ReaderStream::new(open)))
            }
        };
        let request = request.map_err(|error| error.to_string())?;
        let answer = self.routes.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
        let status = answer.status().as_u16();
        let body = to_bytes(answer.into_body(), LARGEST).await.map_err(|error| error.to_string())?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    }
}
