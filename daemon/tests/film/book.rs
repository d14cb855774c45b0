//! What the studio's database says, read beside the program.

use std::{collections::BTreeSet, path::Path};

use studio_core::{
    order::{AssetRef, Role},
    take::Take,
    task::{Attempt, AttemptState, Task},
};
use studio_engine::asset_path;
use studiod::store;

use crate::studio::{Studio, block};

/// Everything about the tasks of a studio, as it was when it was read.
pub struct Book {
    pub tasks: Vec<Task>,
    pub attempts: Vec<Attempt>,
    /// Scene, shot and take of every take.
    pub takes: Vec<(u32, u32, Take)>,
    pub projects: usize,
    assets: std::path::PathBuf,
}

impl Book {
    pub fn read(studio: &Studio) -> Self {
        Self::read_at(&format!("sqlite:{}", studio.data().join("studio.db").display()), &studio.data())
    }

    pub fn read_at(url: &str, data: &Path) -> Self {
        block(async {
            let db = store::Db::open(url).await.expect("the database opens");
            let mut book = Self {
                tasks: Vec::new(),
                attempts: Vec::new(),
                takes: Vec::new(),
                projects: store::projects::list(&db).await.expect("projects").len(),
                assets: data.join("assets"),
            };
            for episode in store::episodes::list(&db).await.expect("episodes") {
                for task in store::tasks::of_episode(&db, episode.id).await.expect("tasks") {
                    book.attempts.extend(store::attempts::of_task(&db, task.id).await.expect("attempts"));
                    book.tasks.push(task);
                }
                for scene in store::scenes::of_episode(&db, episode.id).await.expect("scenes") {
                    for shot in store::shots::of_scene(&db, scene.id).await.expect("shots") {
                        let takes = store::takes::of_shot(&db, shot.id).await.expect("takes");
                        book.takes.extend(takes.into_iter().map(|take| (scene.number, shot.number, take)));
                    }
                }
            }
            db.close().await;
            book
        })
    }

    /// Slots whose attempts succeeded here and are not in `before`.
    pub fn made_since(&self, before: &Self) -> BTreeSet<String> {
        let old: BTreeSet<_> = before.succeeded().map(|attempt| attempt.id).collect();
        let new = self.succeeded().filter(|attempt| !old.contains(&attempt.id));
        new.map(|attempt| self.slot_of(attempt).to_owned()).collect()
    }

    pub fn succeeded(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| attempt.state == AttemptState::Succeeded)
    }

    pub fn slot_of(&self, attempt: &Attempt) -> &str {
        &self.tasks.iter().find(|task| task.id == attempt.task_id).expect("an attempt belongs to a task").slot
    }

    /// A file a task made.
    pub fn file(&self, slot: &str, role: Role) -> AssetRef {
        let task = self.tasks.iter().find(|task| task.slot == slot).unwrap_or_else(|| panic!("no {slot}"));
        let file = task.outputs.as_ref().and_then(|outputs| outputs.first(role));
        file.unwrap_or_else(|| panic!("{slot} made no {role:?}")).asset.clone()
    }

    /// Where that file is.
    pub fn path(&self, slot: &str, role: Role) -> std::path::PathBuf {
        asset_path(&self.assets, &self.file(slot, role))
    }
}
