//! View: the fleet as people see it.

use serde::Serialize;

use super::wait::{self, WaitReason};
use crate::{
    fleet::{Away, CardFacts, Fleet, LoadState, Pause, Scope},
    ids::TaskId,
    task::Class,
    units::Millis,
};

/// Cards and seats now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct View {
    /// Every card the scheduler knows, also those that are gone.
    pub cards: Vec<CardView>,
    /// Seats without a card.
    pub cpu: Vec<SeatView>,
    /// What is paused, each with why and since when.
    pub pauses: Vec<(Scope, Pause)>,
    /// Tasks that are ready, by class: interactive, production, background.
    pub ready: [usize; 3],
    /// Tasks that are not finished.
    pub unfinished: usize,
}

impl View {
    /// Why an engine must not be asked anything beside the plan now, in one sentence; `None` when it may.
    ///
    /// What goes beside the plan, such as an audition, must not bring a model to a card that works.
    pub fn busy(&self, engine: &str) -> Option<String> {
        let of = |seats: &[SeatView]| seats.iter().find(|seat| seat.engine == engine).cloned();
        let (seat, card) = match self.cards.iter().find_map(|card| Some((of(&card.seats)?, card))) {
            Some((seat, card)) => (seat, Some(card)),
            None => (of(&self.cpu)?, None),
        };
        if !seat.here {
            return Some(format!("{engine} is not there: {}", seat.why));
        }
        let computes = |card: &CardView| card.seats.iter().any(|seat| !seat.inside.is_empty());
        let works = card.is_some_and(|card| computes(card) || !card.coming.is_empty());
        let loaded = seat.loaded.iter().any(|model| model.state == LoadState::Here);
        let why = "its card works on something else, and its model is not loaded; try again later";
        (works && !loaded).then(|| format!("{engine} would have to wait: {why}"))
    }
}

/// A card, and the processes of engines that work on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CardView {
    /// What it says of itself.
    #[serde(flatten)]
    pub facts: CardFacts,
    /// It is there.
    pub here: bool,
    /// Why it does not work now, as a sentence of `resting`; empty when it does.
    pub rests: String,
    /// Why it does not work now; `None` when it does.
    pub resting: Option<WaitReason>,
    /// Why it is gone, as data; `None` while it is there.
    pub away: Option<Away>,
    /// Booked by the studio, in MiB.
    pub booked_mib: u64,
    /// The model that is on its way; empty when none is.
    pub coming: String,
    /// Processes of engines that work on it.
    pub seats: Vec<SeatView>,
}

/// One process of an engine.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SeatView {
    /// Name of the process, unique among all engines.
    pub seat: String,
    /// The engine it is of.
    pub engine: String,
    /// It is there and may work.
    pub here: bool,
    /// Why it does not; empty when it does.
    pub why: String,
    /// Why it is not there, as data; `None` while it is.
    pub away: Option<Away>,
    /// Models in it.
    pub loaded: Vec<LoadedView>,
    /// What it does, in order; those beyond `parallel` wait inside.
    pub inside: Vec<RunningView>,
    /// Attempts that compute at a time.
    pub parallel: usize,
    /// What it would do next: its first ready tasks, best first, at most five.
    pub next: Vec<TaskId>,
}

/// A model in a seat.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct LoadedView {
    /// Name of the model, as tasks ask for it.
    pub model: String,
    /// Booked for it, in MiB.
    pub mib: u64,
    /// `coming`, `here` or `leaving`.
    pub state: LoadState,
    /// When it arrived; while it is coming, when it was sent for.
    pub since: Millis,
}

/// A task in a seat.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RunningView {
    /// The task whose attempt is in the seat.
    pub task: TaskId,
    /// When it began to compute; `None` while it waits inside.
    pub began: Option<Millis>,
    /// What such work usually takes, in milliseconds; 0 when nobody knows.
    pub usual_ms: u64,
    /// It was started from a take nobody has judged yet.
    #[serde(rename = "early")]
    pub speculative: bool,
    /// Who waits for it: a person at the page, a film, or nobody.
    pub class: Class,
}

/// Cards and seats as they are now.
pub fn view(fleet: &Fleet) -> View {
    let of = |name: Option<&str>| -> Vec<SeatView> {
        let mine = fleet.seats.values().filter(|seat| seat.facts.card.as_deref() == name);
        mine.map(|seat| seat_view(fleet, seat)).collect()
    };
    let cards = fleet.cards.iter().map(|(name, card)| {
        let resting = resting(fleet, name);
        CardView {
            facts: card.facts.clone(),
            here: card.here,
            rests: resting.as_ref().map_or_else(String::new, ToString::to_string),
            resting,
            away: card.away.clone().filter(|_| !card.here),
            booked_mib: fleet.booked_mib(name),
            coming: card.change.as_ref().and_then(|change| change.load.clone()).unwrap_or_default(),
            seats: of(Some(name)),
        }
    });
    let ready = [Class::Interactive, Class::Production, Class::Background]
        .map(|class| fleet.ready.values().map(|queue| queue.of(class).count()).sum());
    View {
        cards: cards.collect(),
        cpu: of(None),
        pauses: fleet.pauses.iter().map(|(scope, pause)| (scope.clone(), pause.clone())).collect(),
        ready,
        unfinished: fleet.tasks.len(),
    }
}

fn resting(fleet: &Fleet, name: &str) -> Option<WaitReason> {
    let paused = || fleet.paused("", Some(name), "").map(wait::rests);
    match wait::card_rests(fleet, &fleet.cards[name]) {
        None => paused(),
        // It promises work at a moment, which a pause takes back.
        Some(freed @ WaitReason::Freed { .. }) => paused().or(Some(freed)),
        other => other,
    }
}

fn seat_view(fleet: &Fleet, seat: &crate::fleet::Seat) -> SeatView {
    let card = seat.facts.card.as_deref().unwrap_or_default();
    let outside = |moment: Millis| moment.after(-fleet.skew_ms);
    let inside = seat.inside.iter().filter_map(|task| {
        let entry = fleet.tasks.get(task)?;
        let began = entry.began.map(outside);
        let usual_ms = fleet.usual_ms(entry, card);
        Some(RunningView { task: *task, began, usual_ms, speculative: entry.speculative, class: entry.class })
    });
    let loaded = seat.loaded.iter().map(|(model, one)| LoadedView {
        model: model.clone(),
        mib: one.mib,
        state: one.state,
        since: outside(one.since),
    });
    let mut next: Vec<_> = fleet
        .ready
        .iter()
        .filter(|(group, _)| group.engine == seat.facts.engine)
        .flat_map(|(group, queue)| {
            let cold = !group.model.is_empty() && !seat.loaded.contains_key(&group.model);
            queue.ranks.iter().take(5).map(move |rank| (rank.0, cold, rank.1, rank.2, rank.3))
        })
        .collect();
    next.sort_unstable();
    let resting = seat.quarantine.as_ref().filter(|rest| rest.until > fleet.now);
    let why = match (resting, &seat.away) {
        (Some(rest), _) => format!("left alone for a while: {}", rest.cause),
        (None, away) => away.as_ref().map_or_else(String::new, ToString::to_string),
    };
    SeatView {
        seat: seat.facts.seat.clone(),
        engine: seat.facts.engine.clone(),
        here: seat.here && resting.is_none(),
        why,
        away: seat.away.clone().filter(|_| !seat.here),
        loaded: loaded.collect(),
        inside: inside.collect(),
        parallel: seat.facts.parallel.min(1 << 20),
        next: next.into_iter().take(5).map(|one| one.4).collect(),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn seat(engine: &str) -> SeatView {
        SeatView {
            seat: engine.into(),
            engine: engine.into(),
            here: true,
            why: String::new(),
            away: None,
            loaded: Vec::new(),
            inside: Vec::new(),
            parallel: 1,
            next: Vec::new(),
        }
    }

    fn with(seats: Vec<SeatView>) -> View {
        let card = CardView {
            facts: CardFacts::new("amd0", 16_000),
            here: true,
            rests: String::new(),
            resting: None,
            away: None,
            booked_mib: 0,
            coming: String::new(),
            seats,
        };
        View { cards: vec![card], cpu: vec![seat("draft.voice")], pauses: Vec::new(), ready: [0; 3], unfinished: 0 }
    }

    #[test]
    fn nobody_brings_a_model_to_a_card_that_works() {
        let works = |mut seat: SeatView| {
            let task = TaskId(Uuid::nil());
            let one = RunningView { task, began: None, usual_ms: 0, speculative: false, class: Class::Production };
            seat.inside.push(one);
            seat
        };
        let loaded = |mut seat: SeatView, state| {
            seat.loaded.push(LoadedView { model: "m".into(), mib: 1, state, since: Millis(0) });
            seat
        };
        assert_eq!(with(vec![seat("speech"), seat("ollama")]).busy("speech"), None, "nothing works there");
        let ollama_works = || works(seat("ollama"));
        let said = with(vec![seat("speech"), ollama_works()]).busy("speech");
        assert!(said.as_ref().is_some_and(|why| why.contains("try again later")), "{said:?}");
        assert_eq!(
            with(vec![loaded(seat("speech"), LoadState::Here), ollama_works()]).busy("speech"),
            None,
            "it is loaded"
        );
        assert!(with(vec![loaded(seat("speech"), LoadState::Coming), ollama_works()]).busy("speech").is_some());
        let mut coming = with(vec![seat("speech")]);
        coming.cards[0].coming = "another".into();
        assert!(coming.busy("speech").is_some(), "a model is on its way");
        let away = SeatView { here: false, why: "it is off".into(), ..seat("speech") };
        assert_eq!(with(vec![away]).busy("speech").as_deref(), Some("speech is not there: it is off"));
        assert_eq!(with(vec![ollama_works()]).busy("draft.voice"), None, "the processor is not the card");
        assert_eq!(with(Vec::new()).busy("nobody"), None, "who is not seated is told of by who asks");
    }
}
