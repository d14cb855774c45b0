//! Pagination: one way to ask for a part of many, whatever they are.
//!
//! Every list takes `after`, the `next` of the page before, and `limit`; the answer is an object with the things and
//! `next`, which is null on the last page.

use serde::Deserialize;
use studio_core::ids::ProjectId;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::store;

/// Most things on one page.
const LARGEST: u32 = 500;

/// In which order things that happened are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

/// In which order things with names are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Names {
    /// By name from A to Z, which is usual.
    #[default]
    Name,
    /// The newest first.
    Newest,
}

/// In which order things that have only a name are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Alphabet {
    /// From A to Z.
    #[default]
    Name,
    /// From Z to A.
    NameDown,
}

impl Alphabet {
    /// Puts things with names in this order.
    pub fn sort<T>(self, all: &mut [T], name: impl Fn(&T) -> &str) {
        all.sort_by(|a, b| name(a).cmp(name(b)));
        if self == Self::NameDown {
            all.reverse();
        }
    }
}

/// At most this many on a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct Limit(pub u32);

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

impl TryFrom<u32> for Limit {
    type Error = String;
    fn try_from(limit: u32) -> Result<Self, String> {
        if (1..=LARGEST).contains(&limit) {
            return Ok(Self(limit));
        }
        Err(format!("limit is {limit}; it must be 1 to {LARGEST}"))
    }
}

impl Limit {
    /// Where the page after `page` begins, when the store gave as many as were asked for.
    pub fn next<T, K>(self, page: &[T], key: impl Fn(&T) -> K) -> Option<K> {
        (page.len() == self.0 as usize).then(|| page.last().map(key)).flatten()
    }

    /// A page of `all`, in its order: what comes after the one with the key `after`, and where the next page begins.
    ///
    /// # Errors
    /// The one named by `after` is not in the list.
    pub fn page<T, K: PartialEq>(
        self,
        all: Vec<T>,
        after: Option<&K>,
        key: impl Fn(&T) -> K,
    ) -> Result<(Vec<T>, Option<K>), Problem> {
        let from = match after {
            None => 0,
            Some(after) => {
                let gone = || {
                    let remedy = "'after' names nothing in this list any more; ask for the first page again";
                    Problem::bad_request(remedy)
                };
                all.iter().position(|one| key(one) == *after).ok_or_else(gone)? + 1
            }
        };
        let more = all.len() > from + self.0 as usize;
        let page: Vec<T> = all.into_iter().skip(from).take(self.0 as usize).collect();
        let next = if more { page.last().map(key) } else { None };
        Ok((page, next))
    }
}

/// The query of a list: its own filters, then `sort`, `after` and `limit`, which every list takes. Unknown fields are
/// refused. `of project`, or `of project episode`, makes it one that `Listed` takes (`doors.rs`): the list has filters of
/// that name, by which a token of one project is let in.
macro_rules! list_query {
    (@owner project) => {
        fn project(&self) -> Option<studio_core::ids::ProjectId> {
            self.project
        }
    };
    (@owner episode) => {
        fn episode(&self) -> Option<studio_core::ids::EpisodeId> {
            self.episode
        }
    };
    (
        $(#[$($about:tt)*])*
        $name:ident $(of $($owner:ident)+)? {
            $($(#[$($said:tt)*])* $field:ident: $kind:ty,)*
        }
        $(#[$($order:tt)*])*
        sort: $sort:ty,
        $(#[$($from:tt)*])*
        after: $after:ty,
    ) => {
        $(#[$($about)*])*
        #[derive(Debug, serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            $($(#[$($said)*])* $field: $kind,)*
            $(#[$($order)*])*
            #[serde(default)]
            #[param(inline)]
            sort: $sort,
            $(#[$($from)*])*
            after: Option<$after>,
            /// At most this many, 1..=500; usually 100.
            #[serde(default)]
            #[param(value_type = u32, minimum = 1, maximum = 500)]
            limit: $crate::web::pagination::Limit,
        }

        $(impl $crate::web::doors::Filter for $name {
            $($crate::web::pagination::list_query!(@owner $owner);)+
        })?
    };
}
pub(super) use list_query;

/// Whether `text` has `wanted` in it, whatever the case; everything has nothing in it.
pub fn has(text: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| text.to_lowercase().contains(&wanted.trim().to_lowercase()))
}

/// The project that was asked for, or all of them.
pub async fn projects(state: &super::AppState, wanted: Option<ProjectId>) -> Result<Vec<ProjectId>, Problem> {
    Ok(match wanted {
        Some(project) => vec![project],
        None => store::projects::list(&state.db).await?.into_iter().map(|one| one.id).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_meet_without_gap_or_repeat() {
        let all: Vec<u32> = (0..17).collect();
        for limit in 1..=20 {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let (page, next) = Limit(limit).page(all.clone(), after.as_ref(), |one| *one).expect("a page");
                assert!(page.len() <= limit as usize && !page.is_empty());
                seen.extend(page);
                match next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            assert_eq!(seen, all, "pages of {limit}");
        }
        assert!(Limit(3).page(all, Some(&99), |one| *one).is_err());
        let (page, next) = Limit(3).page(Vec::<u32>::new(), None, |one| *one).expect("an empty page");
        assert!(page.is_empty() && next.is_none());
    }

    #[test]
    fn limits_have_limits() {
        assert!(Limit::try_from(0).is_err());
        assert!(Limit::try_from(501).is_err());
        assert_eq!(Limit::try_from(500), Ok(Limit(500)));
    }
}
