//! Queue: the ready tasks of one model, in the two orders they are asked for.

use std::{cmp::Reverse, collections::BTreeSet};

use super::{Entry, Fleet, Group, Stage};
use crate::{ids::TaskId, task::Class};

/// Tasks that lose patience in one step at most, so that no step takes long.
const AT_ONCE: usize = 500;

/// Class first, then what a person pinned, then the order of submission.
pub(crate) type Rank = (Class, bool, i64, TaskId);
/// Class first, then the longest way to the end.
pub(crate) type Urgency = (Class, Reverse<u64>, i64, TaskId);

#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    pub ranks: BTreeSet<Rank>,
    pub urgent: BTreeSet<Urgency>,
    /// Those that have run out of patience.
    pub due: BTreeSet<Rank>,
    /// What all of them take, in milliseconds, as guessed when they came.
    pub work_ms: u64,
}

impl Entry {
    pub fn rank(&self, task: TaskId) -> Rank {
        (self.class, !self.pinned, self.order, task)
    }

    fn urgency(&self, task: TaskId) -> Urgency {
        (self.class, Reverse(self.tail_ms), self.order, task)
    }
}

impl Queue {
    /// Ready tasks of one class, by rank.
    pub fn of(&self, class: Class) -> impl Iterator<Item = &Rank> {
        let least = TaskId(uuid::Uuid::nil());
        self.ranks.range((class, false, i64::MIN, least)..).take_while(move |rank| rank.0 == class)
    }

    /// Ready tasks of one class, the longest way to the end first.
    pub fn urgent_of(&self, class: Class) -> impl Iterator<Item = &Urgency> {
        let least = TaskId(uuid::Uuid::nil());
        self.urgent.range((class, Reverse(u64::MAX), i64::MIN, least)..).take_while(move |one| one.0 == class)
    }

    /// Tasks of one class without patience, by rank.
    pub fn due_of(&self, class: Class) -> impl Iterator<Item = &Rank> {
        let least = TaskId(uuid::Uuid::nil());
        self.due.range((class, false, i64::MIN, least)..).take_while(move |rank| rank.0 == class)
    }
}

impl Fleet {
    /// Puts a ready task in its queue.
    pub(crate) fn enqueue(&mut self, task: TaskId) {
        let patience = self.rules.patience;
        let now = self.now;
        let Some(entry) = self.tasks.get_mut(&task) else { return };
        entry.stage = Stage::Ready;
        entry.due = false;
        entry.ready_since = now;
        self.deadlines.insert((now.after(patience.of(entry.class)), task));
        self.insert(task);
    }

    fn insert(&mut self, task: TaskId) {
        let Some(entry) = self.tasks.get(&task) else { return };
        let queue = self.ready.entry(entry.group.clone()).or_default();
        queue.ranks.insert(entry.rank(task));
        queue.urgent.insert(entry.urgency(task));
        if entry.due {
            queue.due.insert(entry.rank(task));
        }
        queue.work_ms += entry.guess_ms;
    }

    /// Takes a task out of its queue; nothing when it is in none.
    pub(crate) fn dequeue(&mut self, task: TaskId) {
        let deadline = self.deadline(task);
        self.deadlines.remove(&(deadline, task));
        self.take_out(task);
    }

    pub(crate) fn deadline(&self, task: TaskId) -> crate::units::Millis {
        let entry = &self.tasks[&task];
        entry.ready_since.after(self.rules.patience.of(entry.class))
    }

    fn take_out(&mut self, task: TaskId) {
        let Some(entry) = self.tasks.get(&task) else { return };
        let Some(queue) = self.ready.get_mut(&entry.group) else { return };
        if queue.ranks.remove(&entry.rank(task)) {
            queue.urgent.remove(&entry.urgency(task));
            queue.due.remove(&entry.rank(task));
            queue.work_ms -= entry.guess_ms;
            if queue.ranks.is_empty() {
                let group: Group = entry.group.clone();
                self.ready.remove(&group);
            }
        }
    }

    /// Changes what a task's place depends on, wherever it is.
    pub(crate) fn replace(&mut self, task: TaskId, change: impl FnOnce(&mut Entry)) {
        let ready = self.tasks.get(&task).is_some_and(|entry| entry.stage == Stage::Ready);
        if ready {
            self.take_out(task);
        }
        if let Some(entry) = self.tasks.get_mut(&task) {
            change(entry);
        }
        if ready {
            self.insert(task);
        }
    }

    /// Marks whoever has run out of patience, some at a time: the next step goes on.
    pub(crate) fn lose_patience(&mut self) {
        for _ in 0..AT_ONCE {
            let Some(&(deadline, task)) = self.deadlines.first().filter(|(deadline, _)| *deadline <= self.now) else {
                break;
            };
            self.deadlines.remove(&(deadline, task));
            self.replace(task, |entry| entry.due = true);
        }
    }
}
