//! Trace: what ties log lines together, from a request on the network down to a prompt in an engine's queue.
//!
//! A request has an id, which travels with what it asks of the conductor; an episode remembers the request it was asked
//! for by; a span of every attempt names both. So one `grep` of the log follows a film, in either direction.

use std::{future::Future, sync::Arc};

use studio_core::ids::{AttemptId, EpisodeId, TaskId};
use tracing::{Instrument, Span};

/// Longest id of a request that is taken over from a proxy, in characters.
const LONGEST_ID: usize = 64;

/// Identity of a request on the network: 1 to 64 letters, digits and `._-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Takes over an id that somebody else gave; `None` when it could do something in a log or a header.
    pub fn given(id: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        (!id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(plain)).then(|| Self(id.into()))
    }

    /// An id of the studio's own.
    pub fn made(id: uuid::Uuid) -> Self {
        Self(id.to_string().into())
    }

    /// The id as text, as headers and log lines carry it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

tokio::task_local! {
    static REQUEST: RequestId;
}

/// The request that this piece of work answers; `None` when nobody on the network asked for it.
pub fn request() -> Option<RequestId> {
    REQUEST.try_with(Clone::clone).ok()
}

/// Carries out `work` for a request: [`request`] and every log line in it name the request's id.
pub async fn for_request<F: Future>(id: RequestId, work: F) -> F::Output {
    // At the level of errors, so that it is there whatever level the log shows.
    let span = tracing::error_span!("request", id = %id.as_str());
    REQUEST.scope(id, work).instrument(span).await
}

/// Everything that tells one attempt from all others in the log.
#[derive(Debug)]
pub struct AttemptSpan<'a> {
    /// The episode it is for; `None`: it is for none.
    pub episode: Option<EpisodeId>,
    /// The request that had the episode made; `None`: a start of the studio, or a command.
    pub request: Option<&'a RequestId>,
    /// The task it is an attempt of.
    pub task: TaskId,
    /// The attempt: engines outside this program know it by this.
    pub attempt: AttemptId,
    /// What the task makes: its place in its episode, e.g. `scene 1/shot 3/clip/take 2`, or a picture of a dataset.
    pub job: &'a str,
    /// Which engine makes it.
    pub engine: &'a str,
    /// Which process of the engine; the engine's name for one inside this program.
    pub worker: &'a str,
}

impl AttemptSpan<'_> {
    /// The span, without a parent: an attempt outlasts whatever message began it.
    pub fn open(&self) -> Span {
        let Self { episode, request, task, attempt, job, engine, worker } = self;
        let request = request.map(RequestId::as_str);
        let episode = episode.map(tracing::field::display);
        tracing::error_span!(parent: None, "attempt", episode, request, %task, %attempt, job, engine, worker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_from_outside_cannot_write_into_the_log() {
        assert_eq!(RequestId::given("a-1_b.C").map(|id| id.as_str().to_owned()), Some("a-1_b.C".into()));
        for bad in ["", "a b", "a\nb", "\u{1b}[31m", "ä", "id=\"x\"", &"x".repeat(65)] {
            assert_eq!(RequestId::given(bad), None, "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_request_is_known_inside_its_work_only() {
        let id = RequestId::given("abc").unwrap();
        assert_eq!(for_request(id.clone(), async { request() }).await, Some(id));
        assert_eq!(request(), None);
    }
}
