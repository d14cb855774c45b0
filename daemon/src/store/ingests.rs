//! Ingests: videos whose frames become pictures of datasets, and how far each is.

use studio_core::{
    dataset::{Ingest, IngestCounts, IngestFault, IngestProgress, IngestSource, IngestState},
    ids::{CharacterId, IngestId},
    units::Millis,
};

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading, word},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct IngestRow {
    id: String,
    character_id: String,
    source: JsonText,
    excerpt: JsonText,
    state: String,
    progress: JsonText,
    counts: JsonText,
    fault: Option<JsonText>,
    created_ms: i64,
    began_ms: Option<i64>,
    ended_ms: Option<i64>,
}

impl TryFrom<IngestRow> for Ingest {
    type Error = Error;
    fn try_from(row: IngestRow) -> Result<Self> {
        let reading = Reading { table: "ingests", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            character_id: reading.text("character_id", &row.character_id)?,
            source: reading.json("source", &row.source)?,
            excerpt: reading.json("excerpt", &row.excerpt)?,
            state: reading.word("state", &row.state)?,
            progress: reading.json("progress", &row.progress)?,
            counts: reading.json("counts", &row.counts)?,
            fault: reading.maybe_json("fault", row.fault.as_ref())?,
            created: Millis(row.created_ms),
            began: row.began_ms.map(Millis),
            ended: row.ended_ms.map(Millis),
        })
    }
}

const INSERT: &str = "
    insert into ingests (id, character_id, source, excerpt, state, progress, counts, chosen, fault, created_ms, began_ms,
                         ended_ms)
    values ($1, $2, $3, $4, $5, $6, $7, null, $8, $9, $10, $11)";

/// Keeps what is asked for.
pub async fn insert(tx: &mut Tx<'_>, ingest: &Ingest) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(INSERT)
        .bind(ingest.id.to_string())
        .bind(ingest.character_id.to_string())
        .bind(JsonText::of(&ingest.source))
        .bind(JsonText::of(&ingest.excerpt))
        .bind(word(&ingest.state))
        .bind(JsonText::of(&ingest.progress))
        .bind(JsonText::of(&ingest.counts))
        .bind(ingest.fault.as_ref().map(JsonText::of))
        .bind(ingest.created.0)
        .bind(ingest.began.map(|at| at.0))
        .bind(ingest.ended.map(|at| at.0))
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// The ingest with this id.
pub async fn get(db: &Db, id: IngestId) -> Result<Ingest> {
    table::one::<IngestRow, _>(db, "select * from ingests where id = $1", "ingest", &id).await
}

/// Ingests of a dataset, the newest first; those that ended long ago are forgotten.
pub async fn of_character(db: &Db, character: CharacterId) -> Result<Vec<Ingest>> {
    const TEXT: &str = "select * from ingests where character_id = $1 order by id desc";
    let rows: Vec<IngestRow> =
        on_db!(db, |pool| sqlx::query_as(TEXT).bind(character.to_string()).fetch_all(pool).await)?;
    table::readable(rows)
}

const OPEN: &str = "select * from ingests where state in ('waiting', 'running') order by state, id";

/// Ingests that are not over: the one that was begun first, then in the order in which they came.
pub async fn open(db: &Db) -> Result<Vec<Ingest>> {
    let rows: Vec<IngestRow> = on_db!(db, |pool| sqlx::query_as(OPEN).fetch_all(pool).await)?;
    table::readable(rows)
}

/// Identities of ingests that are not over.
pub async fn open_ids(db: &Db) -> Result<Vec<IngestId>> {
    const TEXT: &str = "select id from ingests where state in ('waiting', 'running')";
    let rows: Vec<String> = on_db!(db, |pool| sqlx::query_scalar(TEXT).fetch_all(pool).await)?;
    rows.iter().map(|id| Reading { table: "ingests", id }.key()).collect()
}

/// Which frames are taken, in milliseconds from the start of the video; `None`: nobody has looked yet.
pub async fn chosen(db: &Db, id: IngestId) -> Result<Option<Vec<u64>>> {
    let key = id.to_string();
    let found: Option<Option<JsonText>> =
        on_db!(db, |pool| sqlx::query_scalar("select chosen from ingests where id = $1")
            .bind(&key)
            .fetch_optional(pool)
            .await)?;
    Reading { table: "ingests", id: &key }.maybe_json("chosen", found.flatten().as_ref())
}

const BEGIN: &str = "
    update ingests set state = 'running', began_ms = coalesce(began_ms, $2)
     where id = $1 and state in ('waiting', 'running')";

/// Keeps that it is being taken in; false when it is over or gone.
pub async fn begin(tx: &mut Tx<'_>, id: IngestId, now: Millis) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(BEGIN)
        .bind(id.to_string())
        .bind(now.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

const SET_SOURCE: &str = "update ingests set source = $2 where id = $1 and state = 'running'";

/// Keeps what is known now of where it is from; false when it does not run any more.
pub async fn set_source(tx: &mut Tx<'_>, id: IngestId, source: &IngestSource) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_SOURCE)
        .bind(id.to_string())
        .bind(JsonText::of(source))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

const SET_CHOSEN: &str = "update ingests set chosen = $2 where id = $1 and state = 'running'";

/// Keeps which frames are taken; false when it does not run any more.
pub async fn set_chosen(tx: &mut Tx<'_>, id: IngestId, at_ms: &[u64]) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_CHOSEN)
        .bind(id.to_string())
        .bind(JsonText::of(&at_ms))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

const ADVANCE: &str = "update ingests set progress = $2, counts = $3 where id = $1 and state = 'running'";

/// Keeps how far it is and what came of it; false when it does not run any more.
pub async fn advance(tx: &mut Tx<'_>, id: IngestId, progress: &IngestProgress, counts: &IngestCounts) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(ADVANCE)
        .bind(id.to_string())
        .bind(JsonText::of(progress))
        .bind(JsonText::of(counts))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

const END: &str = "
    update ingests set state = $2, fault = $3, ended_ms = $4 where id = $1 and state in ('waiting', 'running')";

/// Keeps how it ended; false when it is over already, or gone.
pub async fn end(
    tx: &mut Tx<'_>,
    id: IngestId,
    state: IngestState,
    fault: Option<&IngestFault>,
    now: Millis,
) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(END)
        .bind(id.to_string())
        .bind(word(&state))
        .bind(fault.map(JsonText::of))
        .bind(now.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

const FORGET: &str = "
    delete from ingests where character_id = $1 and state not in ('waiting', 'running')
       and id not in (select id from (select id from ingests where character_id = $1
                                          and state not in ('waiting', 'running') order by id desc limit $2) kept)";

/// Forgets ingests of a dataset that are over, but for so many of the newest.
pub async fn forget_old(tx: &mut Tx<'_>, character: CharacterId, keep: u32) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(FORGET)
        .bind(character.to_string())
        .bind(i64::from(keep))
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}
