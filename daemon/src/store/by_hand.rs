//! By hand: what people decided about parts of an episode.

use studio_core::{
    ids::EpisodeId,
    production::{Job, Override},
    units::Millis,
};

use super::{
    Db, Error, Result, Tx, on_tx,
    rows::{JsonText, Reading, hash},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct RulingRow {
    slot: String,
    shows: String,
    given: Option<JsonText>,
    takes: i64,
    approved: Option<String>,
    source: Option<JsonText>,
}

impl TryFrom<RulingRow> for Override {
    type Error = Error;
    fn try_from(row: RulingRow) -> Result<Self> {
        let reading = Reading { table: "by_hand", id: &row.slot };
        let given = reading.maybe_json("given", row.given.as_ref())?;
        let takes = reading.number("takes", row.takes)?;
        let approved = reading.maybe("approved", row.approved.as_deref())?;
        let source = reading.maybe_json("source", row.source.as_ref())?;
        Ok(Self { given, takes, approved, source, job: reading.text("slot", &row.slot)?, shows: row.shows })
    }
}

const SET: &str = "
    insert into by_hand (episode_id, slot, shows, given, takes, approved, source, said_ms)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (episode_id, slot)
    do update set shows = excluded.shows, given = excluded.given, takes = excluded.takes, approved = excluded.approved,
        source = excluded.source, said_ms = excluded.said_ms";

/// Keeps a decision, in place of what was decided about the same part before.
pub async fn set(tx: &mut Tx<'_>, episode: EpisodeId, ruling: &Override, now: Millis) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(SET)
        .bind(episode.to_string())
        .bind(ruling.job.path())
        .bind(&ruling.shows)
        .bind(ruling.given.as_ref().map(JsonText::of))
        .bind(i64::from(ruling.takes))
        .bind(hash(ruling.approved))
        .bind(ruling.source.as_ref().map(JsonText::of))
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// Decisions go with their parts: each leaves the slot it was about for the one where its part is now.
pub async fn moved(tx: &mut Tx<'_>, episode: EpisodeId, moved: &[(Job, Override)], now: Millis) -> Result<()> {
    // Two may change places, so all leave before any arrives.
    for (job, _) in moved {
        on_tx!(tx, |conn| sqlx::query("delete from by_hand where episode_id = $1 and slot = $2")
            .bind(episode.to_string())
            .bind(job.path())
            .execute(conn)
            .await
            .map(drop))?;
    }
    for (_, ruling) in moved {
        set(tx, episode, ruling, now).await?;
    }
    Ok(())
}

/// Everything that was decided about an episode, by slot.
pub async fn of_episode(db: &Db, episode: EpisodeId) -> Result<Vec<Override>> {
    table::all_of::<RulingRow, _>(db, "select * from by_hand where episode_id = $1 order by slot", &episode).await
}
