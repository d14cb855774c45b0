//! Graph: rooms and what ties them. A folder is one room with the file of its name or its `mod.rs` as its door; who
//! stands at the door belongs to everybody inside and is not counted there.

use std::collections::{BTreeMap, BTreeSet};

use super::source::module_of;

/// Rooms of a folder and the rooms beside them that they take something from.
pub type Rooms = BTreeMap<String, BTreeSet<String>>;

/// The rooms in the folder with the module path `folder`, each with its arrows to others of the same folder.
pub fn rooms(arrows: &BTreeMap<&str, BTreeSet<&str>>, folder: &[String]) -> Rooms {
    let room = |file: &str| module_of(file).strip_prefix(folder).and_then(|rest| rest.first().cloned());
    let mut rooms = Rooms::new();
    for (file, named) in arrows {
        let Some(from) = room(file) else { continue };
        let others = named.iter().filter_map(|other| room(other)).filter(|to| *to != from);
        rooms.entry(from.clone()).or_default().extend(others);
    }
    rooms
}

/// Every folder there is, as a module path; the root is empty.
pub fn folders<'a>(files: impl Iterator<Item = &'a str>) -> BTreeSet<Vec<String>> {
    let inner = |file: &str| {
        let at = module_of(file);
        (0..at.len()).map(|depth| at[..depth].to_vec()).collect::<Vec<_>>()
    };
    files.flat_map(inner).collect()
}

/// Rooms that can be reached from themselves, each circle once, in alphabetical order.
pub fn circles(rooms: &Rooms) -> BTreeSet<Vec<String>> {
    let reach: BTreeMap<&String, BTreeSet<&String>> = rooms.keys().map(|room| (room, reached(rooms, room))).collect();
    let among = |room: &String| {
        let both = reach[room].iter().filter(|other| reach.get(**other).is_some_and(|back| back.contains(room)));
        both.map(|other| (*other).clone()).collect::<Vec<_>>()
    };
    rooms.keys().map(among).filter(|circle| !circle.is_empty()).collect()
}

fn reached<'a>(rooms: &'a Rooms, from: &str) -> BTreeSet<&'a String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(room) = open.pop() {
        for next in rooms.get(&room).into_iter().flatten() {
            if found.insert(next) {
                open.push(next.clone());
            }
        }
    }
    found
}
