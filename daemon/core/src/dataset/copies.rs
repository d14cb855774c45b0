//! Copies: what other thresholds of near-duplicates would group, and which pictures would stand for themselves again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Likeness;
use crate::{asset::AssetRef, ids::PictureId};

/// Groups that are told of; of more only how many there are.
const MOST_GROUPS: usize = 200;

/// What a dataset's pictures would be grouped like under given thresholds; nothing is changed by asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CopiesPreview {
    /// Most bits of 256 in which the DCT hashes of a copy would differ.
    pub copy_dct: u32,
    /// Most bits of 256 in which the gradient hashes of a copy would differ.
    pub copy_gradient: u32,
    /// How many pictures of the dataset were compared: those that have hashes.
    pub compared: usize,
    /// How many groups there would be in all.
    pub groups_in_all: usize,
    /// How many pictures would be grouped under another one that stand for themselves now.
    pub new: usize,
    /// The groups there would be, those with something new first, then the largest; at most 200.
    pub groups: Vec<CopyGroup>,
    /// Pictures that are grouped now and would stand for themselves, the oldest first.
    pub freed: Vec<CopyMember>,
}

/// Pictures that would be near-duplicates of each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CopyGroup {
    /// First the one that the others would be grouped under, then the others, the oldest first.
    pub pictures: Vec<CopyMember>,
}

/// A picture of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CopyMember {
    /// Identity of the picture.
    pub picture: PictureId,
    /// The file it is kept in.
    pub file: AssetRef,
    /// It would be grouped under another one, and is not now.
    pub new: bool,
    /// Why it is grouped now; `None` where it is not, and of copies that were found before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likeness: Option<Likeness>,
}

/// How a picture is grouped now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouped {
    /// Identity of the picture.
    pub id: PictureId,
    /// The file it is kept in.
    pub file: AssetRef,
    /// The one it is grouped under.
    pub under: Option<PictureId>,
    /// Why it is.
    pub likeness: Option<Likeness>,
}

/// What thresholds `(DCT, gradient)` would make of pictures, of which `compared` have hashes. `alike` are the groups of those
/// that show the same frame within the thresholds; `apart` says in how many bits two that are grouped now differ, and nothing
/// of those whose grouping no threshold decides: they are cut or moved, or cannot be compared any more.
pub fn preview_copies(
    (copy_dct, copy_gradient): (u32, u32),
    pictures: &[Grouped],
    compared: usize,
    alike: &[Vec<PictureId>],
    apart: impl Fn(PictureId, PictureId) -> Option<(u32, u32)>,
) -> CopiesPreview {
    let mut heads = Heads::default();
    for group in alike {
        group.windows(2).for_each(|pair| heads.join(pair[0], pair[1]));
    }
    let now = || pictures.iter().filter_map(|one| Some((one, one.under?)));
    let stays =
        |bits: Option<(u32, u32)>| bits.is_none_or(|(dct, gradient)| dct <= copy_dct && gradient <= copy_gradient);
    for (one, under) in now() {
        if stays(apart(one.id, under)) {
            heads.join(one.id, under);
        }
    }
    let member =
        |one: &Grouped, new: bool| CopyMember { picture: one.id, file: one.file.clone(), new, likeness: one.likeness };
    let freed = now().filter(|(one, under)| heads.of(one.id) != heads.of(*under)).map(|(one, _)| member(one, false));
    let freed = freed.collect();
    let leads: BTreeSet<PictureId> = now().map(|(_, under)| under).collect();
    let mut groups: BTreeMap<PictureId, Vec<&Grouped>> = BTreeMap::new();
    for one in pictures {
        groups.entry(heads.of(one.id)).or_default().push(one);
    }
    let mut groups: Vec<CopyGroup> = groups
        .into_values()
        .filter(|group| group.len() > 1)
        .map(|mut group| {
            // What comes is grouped under what is there, and what leads a group goes on leading it.
            group.sort_by_key(|one| (one.under.is_some(), !leads.contains(&one.id), one.id));
            let pictures = group.iter().enumerate().map(|(at, one)| member(one, at > 0 && one.under.is_none()));
            CopyGroup { pictures: pictures.collect() }
        })
        .collect();
    let fresh = |group: &CopyGroup| group.pictures.iter().filter(|one| one.new).count();
    let new = groups.iter().map(fresh).sum();
    let groups_in_all = groups.len();
    groups.sort_by_key(|group| (fresh(group) == 0, std::cmp::Reverse(group.pictures.len()), group.pictures[0].picture));
    groups.truncate(MOST_GROUPS);
    CopiesPreview { copy_dct, copy_gradient, compared, groups_in_all, new, groups, freed }
}

/// Groups in the making: each picture leads to one of its group, the least one to itself.
#[derive(Default)]
struct Heads(BTreeMap<PictureId, PictureId>);

impl Heads {
    fn of(&self, mut id: PictureId) -> PictureId {
        while let Some(above) = self.0.get(&id) {
            id = *above;
        }
        id
    }

    fn join(&mut self, a: PictureId, b: PictureId) {
        let (a, b) = (self.of(a), self.of(b));
        if a != b {
            self.0.insert(a.max(b), a.min(b));
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::ContentHash;

    fn id(n: u128) -> PictureId {
        PictureId(Uuid::from_u128(n))
    }

    fn grouped(n: u128, under: Option<u128>) -> Grouped {
        let file = AssetRef { hash: ContentHash::of(&n.to_le_bytes()), ext: "png".into() };
        Grouped { id: id(n), file, under: under.map(id), likeness: None }
    }

    fn told(preview: &CopiesPreview) -> Vec<Vec<(u128, bool)>> {
        let members = |group: &CopyGroup| group.pictures.iter().map(|one| (one.picture.0.as_u128(), one.new)).collect();
        preview.groups.iter().map(members).collect()
    }

    #[test]
    fn what_would_be_grouped_is_told_first_and_what_would_be_freed_beside_it() {
        let now = [
            grouped(1, None),
            grouped(2, Some(1)),
            grouped(3, None),
            grouped(4, None),
            grouped(5, Some(3)),
            grouped(6, None),
            grouped(7, Some(6)),
        ];
        // 2 differs from 1 in 30 bits, 5 is cut out of 3, and 7 cannot be compared with 6 any more.
        let apart = |a: PictureId, b: PictureId| ((a, b) == (id(2), id(1))).then_some((30, 10));
        let looser = preview_copies((40, 24), &now, 6, &[vec![id(1), id(2)], vec![id(3), id(4)]], apart);
        assert_eq!(
            told(&looser),
            [vec![(3, false), (4, true), (5, false)], vec![(1, false), (2, false)], vec![(6, false), (7, false)]]
        );
        assert_eq!((looser.new, looser.groups_in_all, looser.compared, looser.freed.len()), (1, 3, 6, 0));
        let stricter = preview_copies((20, 24), &now, 6, &[], apart);
        assert_eq!(told(&stricter), [vec![(3, false), (5, false)], vec![(6, false), (7, false)]]);
        assert_eq!(stricter.freed.iter().map(|one| one.picture).collect::<Vec<_>>(), [id(2)]);
    }

    #[test]
    fn one_that_is_like_another_copy_stays_where_it_is() {
        let now = [grouped(1, None), grouped(2, Some(1)), grouped(3, Some(1))];
        let apart = |a: PictureId, _: PictureId| Some(if a == id(3) { (30, 0) } else { (5, 0) });
        let preview = preview_copies((10, 10), &now, 3, &[vec![id(2), id(3)]], apart);
        assert!(preview.freed.is_empty(), "through the second one: {preview:?}");
        assert_eq!(told(&preview), [vec![(1, false), (2, false), (3, false)]]);
    }
}
