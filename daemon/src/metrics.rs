//! Metrics: what is counted while the studio works, and how it is written for Prometheus.
//!
//! What happens is counted as it happens; what merely stands (tasks, cards, listeners) is read when somebody asks.
//! Names follow Prometheus' conventions: base units, `_total` for what only grows. Labels have few values: engines,
//! outcomes, route templates, never ids, titles or paths.

use std::{fmt, sync::Arc, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Metric, Registry, Unit},
};
use studio_core::{gpu::Reading, production::GateOutcome};

/// What every name begins with.
const PREFIX: &str = "studiod";
/// Media type of the answer: `OpenMetrics` 1.0, which Prometheus has read since 2.5.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A histogram for each set of labels.
type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    engine: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfEngine {
    engine: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OnCard {
    card: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

/// What is counted. Copies count into the same numbers.
#[derive(Clone)]
pub struct Metrics(Arc<Counted>);

struct Counted {
    registry: Registry,
    attempts: Family<Ended, Counter>,
    attempt_seconds: Histograms<OfEngine>,
    gates: Family<Outcome, Counter>,
    swaps: Family<OnCard, Counter>,
    requests: Family<Answered, Counter>,
    request_seconds: Histograms<Route>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        // A tenth of a second for a drawing, hours for a long clip: 0.1 s to 0.9 h in steps of two.
        let making: fn() -> Histogram = || Histogram::new(exponential_buckets(0.1, 2.0, 16));
        let answering: fn() -> Histogram = || Histogram::new([0.001, 0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0]);
        let mut counted = Counted {
            registry: Registry::with_prefix(PREFIX),
            attempts: Family::default(),
            attempt_seconds: Family::new_with_constructor(making),
            gates: Family::default(),
            swaps: Family::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(answering),
        };
        let all = &mut counted.registry;
        all.register("attempts", "Attempts that ended, by engine and how", counted.attempts.clone());
        let help = "How long attempts took, by engine";
        all.register_with_unit("attempt_duration", help, Unit::Seconds, counted.attempt_seconds.clone());
        all.register("gates", "What gates said of takes", counted.gates.clone());
        all.register("model_swaps", "Models that were brought to a card", counted.swaps.clone());
        all.register("http_requests", "Requests, by route template and status", counted.requests.clone());
        let help = "Time until an answer began, by route template";
        all.register_with_unit("http_request_duration", help, Unit::Seconds, counted.request_seconds.clone());
        Self(Arc::new(counted))
    }
}

impl Metrics {
    /// An attempt ended after `took`: `outcome` is `succeeded`, a kind of failure, or `panicked`.
    pub fn attempt(&self, engine: &str, outcome: &'static str, took: Duration) {
        let engine = engine.to_owned();
        self.0.attempts.get_or_create(&Ended { engine: engine.clone(), outcome }).inc();
        self.0.attempt_seconds.get_or_create(&OfEngine { engine }).observe(took.as_secs_f64());
    }

    /// A gate has spoken.
    pub fn gate(&self, said: &GateOutcome) {
        let outcome = match said {
            GateOutcome::Chosen { passed: true, .. } => "passed",
            GateOutcome::Chosen { passed: false, .. } => "accepted_best",
            GateOutcome::Again { .. } => "another_take",
            GateOutcome::AskPerson { .. } | GateOutcome::ShowPerson { .. } => "needs_person",
        };
        self.0.gates.get_or_create(&Outcome { outcome }).inc();
    }

    /// A model is brought to a card (PCI slot, or the name of a server).
    pub fn swap(&self, card: &str) {
        self.0.swaps.get_or_create(&OnCard { card: card.to_owned() }).inc();
    }

    /// A request at `route` (the template, never the path) was answered; `took` is the time until the answer began.
    pub fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        self.0.requests.get_or_create(&Answered { method, route: route.clone(), status }).inc();
        self.0.request_seconds.get_or_create(&Route { method, route }).observe(took.as_secs_f64());
    }

    /// Everything that was counted, and `standing`, as `OpenMetrics` text.
    pub fn text(&self, standing: &Snapshot) -> String {
        let mut out = String::new();
        // Writing into a text does not fail.
        let _ = text::encode_registry(&mut out, &self.0.registry)
            .and_then(|()| text::encode_registry(&mut out, &standing.registry()))
            .and_then(|()| text::encode_eof(&mut out));
        out
    }
}

/// The state of the studio at the moment somebody asks.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Tasks by state (`waiting`, ...) and stage (`pictures`, ...).
    pub tasks: Vec<(String, &'static str, u64)>,
    /// Tasks that could begin if a worker were free.
    pub ready: usize,
    /// What the cards said last.
    pub cards: Vec<Reading>,
    /// Workers of engines outside this program: engine, worker, whether it is there.
    pub workers: Vec<(String, String, bool)>,
    /// Who hears what happens.
    pub listeners: usize,
    /// Messages the conductor has not read yet.
    pub inbox: usize,
}

/// Labels of what is read.
type Labels = Vec<(&'static str, String)>;
/// Whole numbers by their labels.
type Whole = Family<Labels, Gauge>;
/// Fractions by their labels.
type Real = Family<Labels, Gauge<f64, std::sync::atomic::AtomicU64>>;

impl Snapshot {
    fn registry(&self) -> Registry {
        let mut all = Registry::with_prefix(PREFIX);
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        whole(&mut all, "build_info", "Which program this is; always 1", None, [(version, 1)]);
        let tasks = self.tasks.iter().map(|(state, stage, count)| {
            (vec![("state", state.clone()), ("stage", (*stage).to_owned())], as_gauge(*count))
        });
        whole(&mut all, "tasks", "Tasks, by state and stage", None, tasks);
        let mut one = |name: &'static str, help: &'static str, count: usize| {
            let gauge: Gauge = Gauge::default();
            gauge.set(as_gauge(count as u64));
            all.register(name, help, gauge);
        };
        one("queue_length", "Tasks that could begin if a worker were free", self.ready);
        one("event_listeners", "Who hears what happens", self.listeners);
        one("inbox_depth", "Messages the conductor has not read", self.inbox);
        let workers = self
            .workers
            .iter()
            .map(|(engine, worker, up)| (vec![("engine", engine.clone()), ("worker", worker.clone())], i64::from(*up)));
        whole(&mut all, "worker_up", "Whether a worker outside the studio is there", None, workers);
        self.register_cards(&mut all);
        all
    }

    fn register_cards(&self, all: &mut Registry) {
        let of = |card: &Reading| vec![("card", card.slot.to_string()), ("name", card.name.clone())];
        let bytes = |mib: u64| as_gauge(mib << 20);
        let used = self.cards.iter().filter_map(|card| Some((of(card), bytes(card.vram_used_mib()?))));
        whole(all, "card_memory_used", "Memory in use on a card", Some(Unit::Bytes), used);
        let total = self.cards.iter().filter_map(|card| Some((of(card), bytes(card.vram_total_mib?))));
        whole(all, "card_memory_total", "Memory of a card", Some(Unit::Bytes), total);
        let watts = self.cards.iter().filter_map(|card| Some((of(card), card.power_w?)));
        real(all, "card_power", "What a card draws", Unit::Other("watts".into()), watts);
        let heat = self.cards.iter().filter_map(|card| Some((of(card), f64::from(card.temperature_c?))));
        real(all, "card_temperature", "How warm a card is", Unit::Celsius, heat);
        let busy = self.cards.iter().filter_map(|card| Some((of(card), f64::from(card.busy_percent?) / 100.0)));
        real(all, "card_busy", "Share of the last second a card worked, 0-1", Unit::Other("ratio".into()), busy);
    }
}

fn as_gauge(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn whole(
    all: &mut Registry,
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
    values: impl IntoIterator<Item = (Labels, i64)>,
) {
    let family = Whole::default();
    for (labels, value) in values {
        family.get_or_create(&labels).set(value);
    }
    register(all, name, help, unit, family);
}

fn real(
    all: &mut Registry,
    name: &'static str,
    help: &'static str,
    unit: Unit,
    values: impl IntoIterator<Item = (Labels, f64)>,
) {
    let family = Real::default();
    for (labels, value) in values {
        family.get_or_create(&labels).set(value);
    }
    register(all, name, help, Some(unit), family);
}

fn register(all: &mut Registry, name: &'static str, help: &'static str, unit: Option<Unit>, metric: impl Metric) {
    match unit {
        Some(unit) => all.register_with_unit(name, help, unit, metric),
        None => all.register(name, help, metric),
    }
}

#[cfg(test)]
mod tests {
    use studio_core::gpu::Vendor;

    use super::*;

    #[test]
    fn what_is_counted_and_what_stands_have_prometheus_names_and_base_units() {
        let metrics = Metrics::default();
        metrics.attempt("comfy", "succeeded", Duration::from_secs(3));
        metrics.attempt("comfy", "out_of_memory", Duration::from_millis(50));
        metrics.clone().request("GET", "/api/tasks/{id}", 404, Duration::from_millis(2));
        metrics.swap("0000:01:00.0");
        metrics.gate(&GateOutcome::AskPerson { said: Some("three bad takes".into()) });
        let card = Reading {
            slot: "0000:01:00.0".parse().unwrap(),
            vendor: Vendor::Nvidia,
            name: "RTX 3060".into(),
            vram_total_mib: Some(12),
            vram_free_mib: Some(2),
            busy_percent: Some(50),
            temperature_c: None,
            power_w: Some(168.5),
            power_limit_w: None,
            processes: Vec::new(),
        };
        let standing = Snapshot {
            tasks: vec![("waiting".into(), "clips", 7)],
            ready: 3,
            cards: vec![card],
            workers: vec![("comfy".into(), "nvidia0".into(), false)],
            listeners: 2,
            inbox: 1,
        };
        let text = metrics.text(&standing);
        for line in [
            "studiod_attempts_total{engine=\"comfy\",outcome=\"succeeded\"} 1",
            "studiod_attempts_total{engine=\"comfy\",outcome=\"out_of_memory\"} 1",
            "studiod_attempt_duration_seconds_count{engine=\"comfy\"} 2",
            "studiod_attempt_duration_seconds_bucket{le=\"0.1\",engine=\"comfy\"} 1",
            "studiod_http_requests_total{method=\"GET\",route=\"/api/tasks/{id}\",status=\"404\"} 1",
            "studiod_http_request_duration_seconds_count{method=\"GET\",route=\"/api/tasks/{id}\"} 1",
            "studiod_model_swaps_total{card=\"0000:01:00.0\"} 1",
            "studiod_gates_total{outcome=\"needs_person\"} 1",
            "studiod_tasks{state=\"waiting\",stage=\"clips\"} 7",
            "studiod_queue_length 3",
            "studiod_event_listeners 2",
            "studiod_inbox_depth 1",
            "studiod_worker_up{engine=\"comfy\",worker=\"nvidia0\"} 0",
            "studiod_card_memory_used_bytes{card=\"0000:01:00.0\",name=\"RTX 3060\"} 10485760",
            "studiod_card_memory_total_bytes{card=\"0000:01:00.0\",name=\"RTX 3060\"} 12582912",
            "studiod_card_power_watts{card=\"0000:01:00.0\",name=\"RTX 3060\"} 168.5",
            "studiod_card_busy_ratio{card=\"0000:01:00.0\",name=\"RTX 3060\"} 0.5",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("card_temperature_celsius{"), "what a card does not say is left out");
        assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
    }
}
