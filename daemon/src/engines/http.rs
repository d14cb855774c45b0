//! Http: requests to engines outside this program, and what can go wrong with them.
//!
//! No request carries an `Origin`, which ComfyUI answers with 403, and none goes through a proxy.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{self, HeaderMap, HeaderName};
use serde::de::DeserializeOwned;
use serde_json::Value;
use studio_engine::{EngineError, FailureKind};

/// A server that does not take a connection within this is not there.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Answers that carry no file come within this, also from a server that loads a model.
pub const ANSWER_LIMIT: Duration = Duration::from_mins(1);
/// Longest pause between two pieces of a file.
const PIECE_LIMIT: Duration = Duration::from_mins(1);
/// Longest message of a server that is passed on; the rest holds prompts and paths.
const LONGEST_MESSAGE: usize = 400;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// There is no connection: nothing arrived.
    #[error("{url} does not answer: {why}")]
    Unreachable {
        /// Address of the server, without a route.
        url: String,
        /// What the system says.
        why: String,
    },
    /// The connection broke before the whole answer was there. Whether the request arrived is not known.
    #[error("{url} does not answer: {why}")]
    Broken {
        /// Address of the server, without a route.
        url: String,
        /// What the system says.
        why: String,
    },
    /// The server said no.
    #[error("{url} answers {status}: {text}")]
    Answer {
        /// Whole address that was asked: server and route.
        url: String,
        /// HTTP status of the answer, e.g. 404.
        status: u16,
        /// First line of the body, which need not be JSON.
        text: String,
        /// How long it asks to be left alone, in milliseconds.
        retry_after_ms: Option<i64>,
    },
    /// The answer is not what the protocol says.
    #[error("{url} answers with something else than its protocol says: {why}")]
    Garbled {
        /// Whole address that was asked: server and route.
        url: String,
        /// What is wrong.
        why: String,
    },
}

impl Trouble {
    /// The HTTP status, when there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answer { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// As a failure: what the server will say again is refused, a server that is not there or has no time is away,
    /// everything else may work the next time.
    pub fn failure(&self) -> EngineError {
        EngineError::new(self.kind(), self.to_string()).retry_after(self.retry_after_ms())
    }

    /// How long the server asks to be left alone, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Self::Answer { retry_after_ms, .. } => *retry_after_ms,
            _ => None,
        }
    }

    /// What to do about it.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Unreachable { .. } => FailureKind::Away,
            Self::Broken { .. } | Self::Garbled { .. } => FailureKind::Transient,
            Self::Answer { status, .. } => kind_of_status(*status),
        }
    }

    /// Whether no answer came, so that the server may not be there.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Broken { .. })
    }
}

/// What to do about an answer that is no success. A server that is asked too much (429), that is overloaded or starts
/// (503), or that a proxy does not find (502) or waits for in vain (504) is away for a while (RFC 9110, section 15.6;
/// RFC 6585, section 4).
pub fn kind_of_status(status: u16) -> FailureKind {
    match status {
        429 | 502..=504 => FailureKind::Away,
        408 | 425 | 500.. => FailureKind::Transient,
        _ => FailureKind::Refused,
    }
}

/// How long an answer asks to be left alone, in milliseconds: `Retry-After` in seconds, or as a date, which is compared
/// with the server's own (RFC 9110, sections 10.2.3 and 6.6.1).
pub fn retry_after_ms(headers: &HeaderMap) -> Option<i64> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let after = text(header::RETRY_AFTER)?;
    if let Ok(seconds) = after.parse::<u32>() {
        return Some(i64::from(seconds) * 1000);
    }
    let when = |date: &str| Some(jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_millisecond());
    Some((when(after)? - when(text(header::DATE)?)?).max(0))
}

/// The first line of an error, cut where it gets long.
pub fn shortened(message: &str) -> String {
    let line = message.trim().lines().next().unwrap_or_default().trim();
    match line.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

/// What a part of a route keeps as it is; all else, the tilde too, is written as `%XX`.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A word as part of a route.
pub fn encoded(word: &str) -> String {
    utf8_percent_encode(word, KEPT).to_string()
}

/// Says which cryptography HTTPS is spoken with; without it not even a plain HTTP client can be made. A second time
/// changes nothing.
pub fn prepare() {
    // Whoever comes first installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client of one server that is asked over HTTP.
#[derive(Debug, Clone)]
pub struct Http {
    client: reqwest::Client,
    base: String,
}

impl Http {
    /// A client of the server at `base`, e.g. `http://127.0.0.1:8188`.
    pub fn new(base: &str) -> Result<Self, Trouble> {
        Self::patient(base, PIECE_LIMIT)
    }

    /// The same, for a server that may say nothing for `pause` while it works.
    pub fn patient(base: &str, pause: Duration) -> Result<Self, Trouble> {
        prepare();
        let client = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(CONNECT_LIMIT)
            .read_timeout(pause)
            .build()
            .map_err(|error| Trouble::Unreachable { url: base.to_owned(), why: error.to_string() })?;
        Ok(Self { client, base: base.trim_end_matches('/').to_owned() })
    }

    /// The address it was made for.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address of a route.
    pub fn url(&self, route: &str) -> String {
        format!("{}{route}", self.base)
    }

    /// A request to begin with.
    pub fn request(&self, method: reqwest::Method, route: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(route))
    }

    /// A connection that broke, with the innermost reason.
    pub fn lost(&self, error: &reqwest::Error) -> Trouble {
        let mut why: &dyn std::error::Error = error;
        while let Some(inner) = why.source() {
            why = inner;
        }
        let (url, why) = (self.base.clone(), why.to_string());
        if error.is_connect() { Trouble::Unreachable { url, why } } else { Trouble::Broken { url, why } }
    }

    /// Sends; an answer that is no success is trouble, with the first line of its body.
    pub async fn send(&self, request: reqwest::RequestBuilder, route: &str) -> Result<reqwest::Response, Trouble> {
        let response = request.send().await.map_err(|error| self.lost(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after_ms = retry_after_ms(response.headers());
        let text = shortened(&response.text().await.unwrap_or_default());
        Err(Trouble::Answer { url: self.url(route), status: status.as_u16(), text, retry_after_ms })
    }

    /// The whole body of an answer.
    pub async fn body(&self, request: reqwest::RequestBuilder, route: &str) -> Result<Vec<u8>, Trouble> {
        let response = self.send(request, route).await?;
        Ok(response.bytes().await.map_err(|error| self.lost(&error))?.to_vec())
    }

    /// Reads the body of an answer as JSON; what is none is [`Trouble::Garbled`].
    pub fn read<T: DeserializeOwned>(&self, route: &str, body: &[u8]) -> Result<T, Trouble> {
        serde_json::from_slice(body)
            .map_err(|error| Trouble::Garbled { url: self.url(route), why: shortened(&error.to_string()) })
    }

    /// Asks for JSON.
    pub async fn get<T: DeserializeOwned>(&self, route: &str) -> Result<T, Trouble> {
        let request = self.request(reqwest::Method::GET, route).timeout(ANSWER_LIMIT);
        self.read(route, &self.body(request, route).await?)
    }

    /// Sends JSON; the answer's body.
    pub async fn post(&self, route: &str, body: &Value) -> Result<Vec<u8>, Trouble> {
        let request = self.request(reqwest::Method::POST, route).json(body).timeout(ANSWER_LIMIT);
        self.body(request, route).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_server_asks_to_be_left_alone_is_read_in_both_forms() {
        let asked = |after: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, after.parse().unwrap());
            headers.extend(date.map(|date| (header::DATE, date.parse().unwrap())));
            retry_after_ms(&headers)
        };
        let now = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(asked("120", None), Some(120_000));
        assert_eq!(asked("Sun, 06 Nov 1994 08:50:07 GMT", now), Some(30_000), "by the server's own clock");
        assert_eq!(asked("Sun, 06 Nov 1994 08:00:00 GMT", now), Some(0), "that is over");
        for wrong in ["soon", "-5", "1.5", "99999999999999999999"] {
            assert_eq!(asked(wrong, now), None, "{wrong}");
        }
        assert_eq!(asked("Sun, 06 Nov 1994 08:50:07 GMT", None), None, "nobody knows what time it is there");
        assert_eq!(retry_after_ms(&HeaderMap::new()), None);
    }
}
