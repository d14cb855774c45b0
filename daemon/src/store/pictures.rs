//! Pictures: kept files that are pictures, and what each was made for.

use studio_core::ids::{ContentHash, EpisodeId, ProjectId};

use studio_engine::Boxed;

use super::{
    Db, Result,
    assets::{Asset, AssetRow},
    on_db,
    rows::Reading,
    table,
};

/// A kept picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// The picture's file, and what is known of it.
    pub asset: Asset,
    /// The episode it was made for first.
    pub episode: Option<EpisodeId>,
    /// Its place there.
    pub slot: Option<String>,
}

/// Where a picture is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// It was made here.
    Made,
    /// Somebody brought it.
    Outside,
}

/// Which pictures are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those made for this project.
    pub project: Option<ProjectId>,
    /// Only those made for this episode.
    pub episode: Option<EpisodeId>,
    /// Only those made here, or only those from outside.
    pub from: Option<From>,
    /// Only those that come after this one.
    pub after: Option<ContentHash>,
    /// The oldest come first.
    pub oldest_first: bool,
    /// At most this many.
    pub limit: u32,
}

#[derive(sqlx_macros::FromRow)]
struct PictureRow {
    #[sqlx(flatten)]
    asset: AssetRow,
    episode_id: Option<String>,
    slot: Option<String>,
}

impl TryFrom<PictureRow> for Kept {
    type Error = super::Error;
    fn try_from(row: PictureRow) -> Result<Self> {
        let asset: Asset = row.asset.try_into()?;
        let hash = asset.file.hash.to_string();
        let reading = Reading { table: "tasks", id: &hash };
        Ok(Self { episode: reading.maybe("episode_id", row.episode_id.as_deref())?, asset, slot: row.slot })
    }
}

// Both databases write the facts of a still, as text, with its word in it, and no other facts have that word.
macro_rules! wanted {
    () => {
        "select assets.*, tasks.episode_id, tasks.slot
           from assets left join attempts on attempts.id = assets.attempt_id
                left join tasks on tasks.id = attempts.task_id left join episodes on episodes.id = tasks.episode_id
          where not assets.missing and cast(assets.facts as text) like '%\"still\"%'
            and ($1 is null or episodes.project_id = $1) and ($2 is null or tasks.episode_id = $2)
            and ($3 = '' or ($3 = 'made') = (assets.attempt_id is not null)) "
    };
}
const NEWEST: &str = concat!(
    wanted!(),
    "and ($4 is null or (assets.created_ms, assets.hash) < (select created_ms, hash from assets where hash = $4))
     order by assets.created_ms desc, assets.hash desc limit $5"
);
const OLDEST: &str = concat!(
    wanted!(),
    "and ($4 is null or (assets.created_ms, assets.hash) > (select created_ms, hash from assets where hash = $4))
     order by assets.created_ms, assets.hash limit $5"
);

/// One page of kept pictures.
pub async fn page(db: &Db, asked: &Filter) -> Result<Vec<Kept>> {
    let text = if asked.oldest_first { OLDEST } else { NEWEST };
    let from = match asked.from {
        None => "",
        Some(From::Made) => "made",
        Some(From::Outside) => "outside",
    };
    let fetch = |after: Option<String>, limit: i64| -> Boxed<'_, Result<Vec<PictureRow>>> {
        Box::pin(async move {
            Ok(on_db!(db, |pool| sqlx::query_as(text)
                .bind(asked.project.map(|id| id.to_string()))
                .bind(asked.episode.map(|id| id.to_string()))
                .bind(from)
                .bind(after)
                .bind(limit)
                .fetch_all(pool)
                .await)?)
        })
    };
    table::page(asked.after, asked.limit, |row| &row.asset.hash, fetch).await
}
