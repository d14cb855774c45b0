//! Productions: how each episode is made, so that a restart goes on with exactly what was asked for.

use studio_core::{ids::EpisodeId, production::Production};

use super::{
    Db, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading},
};

const SET: &str = "
    insert into productions (episode_id, plan) values ($1, $2)
    on conflict (episode_id) do update set plan = excluded.plan";

/// Stores how an episode is made, in place of what was stored before.
pub async fn set(tx: &mut Tx<'_>, episode: EpisodeId, production: &Production) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(SET)
        .bind(episode.to_string())
        .bind(JsonText::of(production))
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// How an episode is made; `None` when it never was.
pub async fn of_episode(db: &Db, episode: EpisodeId) -> Result<Option<Production>> {
    let key = episode.to_string();
    let found: Option<JsonText> =
        on_db!(db, |pool| sqlx::query_scalar("select plan from productions where episode_id = $1")
            .bind(&key)
            .fetch_optional(pool)
            .await)?;
    Reading { table: "productions", id: &key }.maybe_json("plan", found.as_ref())
}
