//! Reader: the engine around a model that reads. It judges takes ([`super::judge`]) and tells stories.

use std::{sync::Arc, time::Duration};

use studio_core::{
    fleet::Retrying,
    order::{Order, Outputs, Reported},
    review,
    story::{self, Brief, Story, StoryFault},
    take::Verdict,
};
use studio_draft::judge::DraftJudge;
use studio_engine::{Artifact, Availability, Boxed, Engine, EngineError, FailureKind, Made, Means, Ready, RunMedia};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    chat::{Answer, Asking, Chat},
    judge::Judge,
    likeness::Likeness,
};

/// How often a writer is asked before its answer is given up.
const TELLINGS: usize = 3;
/// Longest story, in tokens.
const STORY_TOKENS: u32 = 8_192;
/// How free a writer is.
const STORY_TEMPERATURE: f32 = 0.7;

/// An engine around one chat model: it judges takes and tells stories.
#[derive(Clone)]
pub struct Reader {
    chat: Arc<dyn Chat>,
    measure: DraftJudge,
    media: Arc<dyn RunMedia>,
    likeness: Option<Likeness>,
}

/// How long a model that writes is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Persistence {
    /// How often and when it is asked again.
    pub retrying: Retrying,
    /// How long a server that is away is waited for; `None`: as long as that takes.
    pub longest_absence: Option<Duration>,
}

/// Who hears that a server is waited for: why, and how long until it is asked again.
pub type Waiting<'a> = &'a (dyn Fn(&EngineError, Duration) + Sync);

/// A story that could not be told.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// The server did not answer.
    #[error(transparent)]
    Failed(#[from] EngineError),
    /// The server was away for longer than it is waited for, or asks to be left alone for longer.
    #[error("{failure}; {}", gave_up(.failure, *.waited))]
    Away {
        /// What it said last.
        failure: EngineError,
        /// How long it was waited for.
        waited: Duration,
    },
    /// No answer was right.
    #[error("{model} did not tell a story the studio can use in {TELLINGS} attempts: {}", list(.wrong, "; "))]
    Wrong {
        /// Who was asked.
        model: String,
        /// What is wrong with the last answer.
        wrong: Vec<StoryFault>,
        /// The last answer as it came.
        raw: String,
    },
}

fn list(wrong: &[StoryFault], between: &str) -> String {
    wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

fn gave_up(failure: &EngineError, waited: Duration) -> String {
    let seconds = |ms: i64| ms.unsigned_abs().div_ceil(1000);
    let asks = failure.retry_after_ms.filter(|ms| *ms > 0);
    let asks = asks.map(|ms| format!("; it asks to be left alone for {} s", seconds(ms))).unwrap_or_default();
    format!("it was waited for {} s{asks}", waited.as_secs())
}

impl Reader {
    /// An engine whose eyes are `chat`.
    pub fn new(chat: Arc<dyn Chat>, media: Arc<dyn RunMedia>) -> Self {
        Self { chat, measure: DraftJudge::new(media.clone()), media, likeness: None }
    }

    /// The same, with somebody who sees how alike pictures are.
    #[must_use]
    pub fn with_likeness(self, likeness: Option<Likeness>) -> Self {
        Self { likeness, ..self }
    }

    /// Asks a model something small: whether it is there, keeps to a form, and what that took.
    pub async fn try_out(&self, model: &str, stop: &CancellationToken) -> Result<Answer, EngineError> {
        let schema = serde_json::json!({ "type": "object", "additionalProperties": false, "required": ["word"],
            "properties": { "word": { "type": "string" } } });
        let text = "Answer with JSON: {\"word\": \"ready\"}";
        let asking = Asking { model, text, pictures: &[], schema: &schema, temperature: 0.0, most_tokens: 64 };
        let answer = self.chat.ask(asking, stop).await?;
        match serde_json::from_str::<serde_json::Value>(&answer.text) {
            Ok(said) if said["word"].is_string() => Ok(answer),
            _ => {
                let message = format!("{model} does not keep to the form it is given; choose another model");
                Err(EngineError::new(FailureKind::Refused, message))
            }
        }
    }

    /// Has a story told; the model is asked again with the list of what is wrong, and a server that is away is waited
    /// for as `persistence` says, of which `waiting` hears.
    pub async fn tell(
        &self,
        model: &str,
        brief: &Brief,
        persistence: &Persistence,
        waiting: Waiting<'_>,
        stop: &CancellationToken,
    ) -> Result<Story, WriterError> {
        let question = story::question(brief);
        let mut text = question.text.clone();
        let (mut wrong, mut raw) = (Vec::new(), String::new());
        for _ in 0..TELLINGS {
            let asking = Asking {
                model,
                text: &text,
                pictures: &[],
                schema: &question.schema,
                temperature: STORY_TEMPERATURE,
                most_tokens: STORY_TOKENS,
            };
            let answer = self.answer(&asking, persistence, waiting, stop).await?;
            raw = answer.text;
            wrong = match story::read(&raw, &brief.bounds) {
                _ if answer.cut => vec![StoryFault::CutOff],
                Ok(story) => return Ok(story),
                Err(wrong) => wrong,
            };
            text = format!(
                "{}\n\nYour last answer was:\n{raw}\n\nThis is wrong with it:\n- {}\nAnswer again, with nothing but the \
                 whole JSON.",
                question.text,
                list(&wrong, "\n- ")
            );
        }
        Err(WriterError::Wrong { model: model.to_owned(), wrong, raw })
    }
}

impl Reader {
    /// Asks until there is an answer, or none can be expected any more.
    async fn answer(
        &self,
        asking: &Asking<'_>,
        persistence: &Persistence,
        waiting: Waiting<'_>,
        stop: &CancellationToken,
    ) -> Result<Answer, WriterError> {
        let (mut strikes, mut absences) = (0, 0);
        let mut away_since = None;
        loop {
            let failure = match self.chat.ask(asking.clone(), stop).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let rules = &persistence.retrying;
            let pause_ms = match failure.kind {
                FailureKind::Away => {
                    absences += 1;
                    rules.away_pause_ms(absences, failure.retry_after_ms)
                }
                FailureKind::Transient | FailureKind::Lost => {
                    (strikes, absences, away_since) = (strikes + 1, 0, None);
                    if strikes >= rules.attempts {
                        return Err(failure.into());
                    }
                    rules.pause_ms(strikes)
                }
                _ => return Err(failure.into()),
            };
            let pause = Duration::from_millis(pause_ms.unsigned_abs());
            if failure.kind == FailureKind::Away {
                let waited = away_since.get_or_insert_with(Instant::now).elapsed();
                if persistence.longest_absence.is_some_and(|longest| waited + pause > longest) {
                    return Err(WriterError::Away { failure, waited });
                }
            }
            tracing::warn!(%failure, pause_ms, "the model that writes is asked again");
            waiting(&failure, pause);
            tokio::select! {
                () = stop.cancelled() => return Err(failure.into()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

impl Engine for Reader {
    fn version(&self) -> String {
        format!("{}/1", self.chat.name())
    }

    fn version_for(&self, order: &Order) -> String {
        // Another model behind the same name, or other questions, judge anew.
        match order {
            Order::Review(order) => {
                let eye = order.shown.as_ref().map_or("", |shown| shown.eye.as_str());
                let alike = self.likeness.as_ref().map_or_else(String::new, |one| format!(" {}", one.print()));
                // Who it is is found in another way by now than when such orders came up.
                let identity = if order.candidates.is_empty() { "" } else { " i2" };
                format!("{} q{} {}{alike}{identity}", self.version(), review::VERSION, self.chat.print(eye))
            }
            _ => self.version(),
        }
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, progress, stop }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            let Order::Review(order) = order else {
                let message = format!("{} only reviews takes", self.chat.name());
                return Err(EngineError::new(FailureKind::Refused, message));
            };
            let Some(shown) = &order.shown else {
                let message = "the order does not say what should be seen; choose a vision model in the settings";
                return Err(EngineError::new(FailureKind::Refused, message));
            };
            let judge = Judge {
                chat: &*self.chat,
                measure: &self.measure,
                media: &self.media,
                likeness: self.likeness.as_ref(),
                room,
                progress,
                stop,
            };
            if !order.candidates.is_empty() {
                let identity = judge.identify(order, shown).await?;
                return Ok(vec![Artifact::Finding(Reported::Identity { identity })]);
            }
            let verdict = judge.review(order, shown).await?;
            Ok(vec![Artifact::Finding(Reported::Verdict { verdict })])
        })
    }

    fn stands(&self, _order: &Order, outputs: &Outputs) -> bool {
        // What could not be judged is looked at again when there is a chance.
        let nothing = |verdict: &Verdict| verdict.score.is_none() && verdict.seen.is_none();
        match &outputs.reported {
            Some(Reported::Verdict { verdict }) => !nothing(verdict),
            Some(Reported::Identity { identity }) => identity.confidence.is_some(),
            _ => true,
        }
    }

    fn offer(&self) -> Option<watch::Receiver<Availability>> {
        Some(self.chat.offer())
    }

    fn look(&self) -> Boxed<'_, ()> {
        self.chat.look()
    }

    fn watch(&self) {
        self.chat.watch();
    }

    fn ready<'a>(&'a self, _seat: &'a str, model: &'a str) -> Boxed<'a, Result<Ready, EngineError>> {
        self.chat.ready(model)
    }

    fn release<'a>(&'a self, _seat: &'a str, model: &'a str) -> Boxed<'a, Result<(), EngineError>> {
        self.chat.release(model)
    }

    fn price(&self, _order: &Order) -> f64 {
        self.chat.price()
    }
}
