//! Checks: what a scheduler must never do.

use super::World;
use crate::{fleet::Resident, sim::build::Piece};

impl World<'_> {
    pub(super) fn check_start(&mut self, piece: &Piece, seat: &str, speculative: bool) {
        let task = piece.submission.task;
        if self.done.contains(&task) {
            self.wrong.push(format!("{} was made twice", piece.label));
        }
        for need in &piece.submission.needs {
            let speculative_ok = speculative && need.speculative.is_some_and(|_| self.fleet.rules().speculate);
            if !self.done.contains(&need.task) && !need.optional && !speculative_ok {
                self.wrong.push(format!("{} ran before what it needs", piece.label));
            }
        }
        let place = &self.places[seat];
        if !piece.submission.model.is_empty()
            && place.card.is_some()
            && !place.loaded.contains_key(&piece.submission.model)
        {
            self.wrong.push(format!("{} ran in {seat} without its model", piece.label));
        }
        if let Some(card) = place.card.clone() {
            let had = place.loaded.get(&piece.submission.model).copied().unwrap_or(0);
            self.check_room(&card, piece.peak_mib.saturating_sub(had), &[]);
        }
    }

    /// What is used on a card beside `more` must fit in it, as far as anybody could know.
    pub(super) fn check_room(&mut self, card: &str, more: u64, gone: &[Resident]) {
        let mine = self.places.iter().filter(|(_, place)| place.card.as_deref() == Some(card));
        let stays = |seat: &str, model: &str| !gone.iter().any(|one| one.seat == seat && one.model == model);
        let used = mine.flat_map(|(seat, place)| place.loaded.iter().filter(|(model, _)| stays(seat, model)));
        let used: u64 = used.map(|(_, mib)| mib).sum::<u64>() + more;
        let Some(facts) = self.course.cards.iter().find(|facts| facts.card == card) else { return };
        let facts = self.facts(facts);
        if facts.total_mib > 0 && used + facts.foreign_mib + facts.reserve_mib > facts.total_mib {
            self.wrong.push(format!("{card} was over-booked: {used} MiB used, {} foreign", facts.foreign_mib));
        }
    }

    pub(super) fn check_lanes(&mut self, card: &str) {
        let mine = self.places.values().filter(|place| place.card.as_deref() == Some(card));
        let computing: usize = mine.map(|place| place.computing.len()).sum();
        let lanes = self.course.cards.iter().find(|facts| facts.card == card).map_or(1, |facts| facts.lanes);
        if computing > lanes {
            self.wrong.push(format!("{card} did {computing} things at a time"));
        }
    }
}
