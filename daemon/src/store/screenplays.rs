//! Screenplays: the text of each episode as it was written last.

use studio_core::{ids::EpisodeId, units::Millis};

use super::{Db, Result, Tx, on_db, on_tx};

const SET: &str = "
    insert into screenplays (episode_id, text, written_ms) values ($1, $2, $3)
    on conflict (episode_id) do update set text = excluded.text, written_ms = excluded.written_ms";

/// Keeps the text of an episode, in place of what was written before.
pub async fn set(tx: &mut Tx<'_>, episode: EpisodeId, text: &str, now: Millis) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(SET).bind(episode.to_string()).bind(text).bind(now.0).execute(conn).await.map(drop))?;
    Ok(())
}

/// The text of an episode and when it was written; `None` when it came without one.
pub async fn of_episode(db: &Db, episode: EpisodeId) -> Result<Option<(String, Millis)>> {
    let found: Option<(String, i64)> =
        on_db!(db, |pool| sqlx::query_as("select text, written_ms from screenplays where episode_id = $1")
            .bind(episode.to_string())
            .fetch_optional(pool)
            .await)?;
    Ok(found.map(|(text, written)| (text, Millis(written))))
}
