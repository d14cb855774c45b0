//! Sound: what is asked of everything that stands in an archive: nothing twice, nothing that is not in it, nothing that cannot
//! be kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use serde::{Serialize, de::DeserializeOwned};

/// Identities that were met, whatever of.
#[derive(Default)]
pub(super) struct Ids(BTreeMap<String, &'static str>);

impl Ids {
    pub(super) fn all(&mut self, what: &'static str, ids: impl Iterator<Item = impl Display>) -> Result<(), String> {
        for id in ids {
            if self.0.insert(id.to_string(), what).is_some() {
                return Err(format!("the {what} {id} is in it twice"));
            }
        }
        Ok(())
    }
}

pub(super) fn distinct<T: Ord + Display>(what: &str, all: impl Iterator<Item = T>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for one in all {
        let said = one.to_string();
        if !seen.insert(one) {
            return Err(format!("the {what} {said} is in it twice"));
        }
    }
    Ok(())
}

pub(super) fn known<T: Ord + Display>(
    what: &str,
    named: impl IntoIterator<Item = T>,
    there: impl IntoIterator<Item = T>,
) -> Result<(), String> {
    let there: BTreeSet<T> = there.into_iter().collect();
    match named.into_iter().find(|one| !there.contains(one)) {
        Some(stranger) => Err(format!("it names the {what} {stranger}, which is not in it")),
        None => Ok(()),
    }
}

/// Refuses what could be read now and not from the database again: a number so large that it is infinite here, of which
/// JSON knows nothing.
pub(super) fn lasts<T: Serialize + DeserializeOwned>(one: &T) -> Result<(), String> {
    let kept = serde_json::to_string(one).and_then(|text| serde_json::from_str::<T>(&text));
    kept.map(drop).map_err(|error| format!("a value in it cannot be kept: {error}"))
}
