//! Trainings: runs that train a LoRA on a dataset, their epochs, and the pictures that compare them.

use std::collections::BTreeMap;

use studio_core::{
    asset::AssetRef,
    dataset::Cell,
    failure::TaskFault,
    ids::{AttemptId, CharacterId, ContentHash, ProbeId, TrainingId},
    ladder::Rung,
    take::Verdict,
    task::Class,
    training::{Choice, Probe, ProbeMarks, ProbeState, TrainedEpoch, Training, TrainingState},
    units::Millis,
};
use studio_engine::Boxed;

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading, met, word},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct TrainingRow {
    id: String,
    character_id: String,
    state: String,
    paused: bool,
    class: String,
    samples: bool,
    plan: JsonText,
    print: String,
    relief: JsonText,
    fault: Option<JsonText>,
    choice: Option<JsonText>,
    created_ms: i64,
    updated_ms: i64,
}

impl TryFrom<TrainingRow> for Training {
    type Error = Error;
    fn try_from(row: TrainingRow) -> Result<Self> {
        let reading = Reading { table: "trainings", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            character_id: reading.text("character_id", &row.character_id)?,
            state: reading.word("state", &row.state)?,
            paused: row.paused,
            class: reading.word("class", &row.class)?,
            samples: row.samples,
            plan: reading.json("plan", &row.plan)?,
            print: reading.text("print", &row.print)?,
            relief: reading.json("relief", &row.relief)?,
            fault: reading.maybe_json("fault", row.fault.as_ref())?,
            choice: reading.maybe_json("choice", row.choice.as_ref())?,
            created: Millis(row.created_ms),
            updated: Millis(row.updated_ms),
        })
    }
}

// Of a plan that runs, or ran to its end, there is one: a second is told which.
const INSERT: &str = "
    insert into trainings (id, character_id, state, paused, class, plan, print, relief, fault, choice, created_ms, updated_ms,
                           samples)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    on conflict do nothing";

/// Stores a run; false when the same is trained, or was, already.
pub async fn insert(tx: &mut Tx<'_>, training: &Training) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(INSERT)
        .bind(training.id.to_string())
        .bind(training.character_id.to_string())
        .bind(training.state.word())
        .bind(training.paused)
        .bind(word(&training.class))
        .bind(JsonText::of(&training.plan))
        .bind(training.print.to_string())
        .bind(JsonText::of(&training.relief))
        .bind(training.fault.as_ref().map(JsonText::of))
        .bind(training.choice.as_ref().map(JsonText::of))
        .bind(training.created.0)
        .bind(training.updated.0)
        .bind(training.samples)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

/// The run with this id.
pub async fn get(db: &Db, id: TrainingId) -> Result<Training> {
    table::one::<TrainingRow, _>(db, "select * from trainings where id = $1", "training", &id).await
}

/// Runs whose id starts or ends with `part` (any case), at most 20; nothing for a part no id can have.
pub async fn find(db: &Db, part: &str) -> Result<Vec<TrainingId>> {
    const FIND: &str = "select id from trainings where id like $1 or id like $2 order by id limit 20";
    table::find(db, FIND, "trainings", part).await
}

/// The run that is, or was, the same; `None`: there is none that did not fail.
pub async fn same(db: &Db, print: ContentHash) -> Result<Option<TrainingId>> {
    const TEXT: &str = "select id from trainings where print = $1 and state not in ('failed', 'cancelled')";
    let found: Option<String> =
        on_db!(db, |pool| sqlx::query_scalar(TEXT).bind(print.to_string()).fetch_optional(pool).await)?;
    found.map(|id| Reading { table: "trainings", id: &id }.key()).transpose()
}

/// Runs something is still made for, the oldest first; what cannot be read is left out, with its reason in the log.
pub async fn open(db: &Db) -> Result<Vec<Training>> {
    const TEXT: &str = "select * from trainings where state in ('training', 'probing') order by id";
    let rows: Vec<TrainingRow> = on_db!(db, |pool| sqlx::query_as(TEXT).fetch_all(pool).await)?;
    table::readable(rows)
}

/// Which runs are asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Only those of this character.
    pub character: Option<CharacterId>,
    /// Only those in this state.
    pub state: Option<TrainingState>,
    /// Only those that come after this one.
    pub after: Option<TrainingId>,
    /// The oldest come first.
    pub oldest_first: bool,
    /// At most this many.
    pub limit: u32,
}

macro_rules! paged {
    ($rest:literal) => {
        concat!(
            "select * from trainings where ($1 is null or character_id = $1) and ($2 is null or state = $2) ",
            $rest
        )
    };
}
const NEWEST: &str = paged!("and ($3 is null or id < $3) order by id desc limit $4");
const OLDEST: &str = paged!("and ($3 is null or id > $3) order by id limit $4");

/// One page of runs.
pub async fn page(db: &Db, asked: Filter) -> Result<Vec<Training>> {
    let text = if asked.oldest_first { OLDEST } else { NEWEST };
    let fetch = |after: Option<String>, limit: i64| -> Boxed<'_, Result<Vec<TrainingRow>>> {
        Box::pin(async move {
            Ok(on_db!(db, |pool| sqlx::query_as(text)
                .bind(asked.character.map(|id| id.to_string()))
                .bind(asked.state.map(TrainingState::word))
                .bind(after)
                .bind(limit)
                .fetch_all(pool)
                .await)?)
        })
    };
    table::page(asked.after, asked.limit, |row| &row.id, fetch).await
}

/// Every run of a character, the oldest first.
pub async fn of_character(db: &Db, character: CharacterId) -> Result<Vec<Training>> {
    const TEXT: &str = "select * from trainings where character_id = $1 order by id";
    table::readable_of::<TrainingRow, _>(db, TEXT, &character).await
}

/// Moves a run that is in one of `from` to another state, with why it came to nothing or what was chosen; false when it is in
/// none of them, and nothing is changed.
pub async fn set_state(
    tx: &mut Tx<'_>,
    id: TrainingId,
    from: &[TrainingState],
    to: TrainingState,
    (fault, choice): (Option<&TaskFault>, Option<&Choice>),
    now: Millis,
) -> Result<bool> {
    const READ: &str = "select state from trainings where id = $1";
    const WRITE: &str = "
        update trainings set state = $2, fault = $3, choice = coalesce($4, choice), updated_ms = $5 where id = $1";
    let key = id.to_string();
    let found: Option<String> = on_tx!(tx, |conn| sqlx::query_scalar(READ).bind(&key).fetch_optional(conn).await)?;
    let Some(found) = found else { return Err(Error::not_found("training", &id)) };
    let found: TrainingState = Reading { table: "trainings", id: &key }.word("state", &found)?;
    if !from.contains(&found) {
        return Ok(false);
    }
    on_tx!(tx, |conn| sqlx::query(WRITE)
        .bind(&key)
        .bind(to.word())
        .bind(fault.map(JsonText::of))
        .bind(choice.map(JsonText::of))
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(true)
}

/// Keeps whether a person lets a run rest, and who waits for it.
pub async fn steer(tx: &mut Tx<'_>, id: TrainingId, paused: bool, class: Class, now: Millis) -> Result<()> {
    const TEXT: &str = "update trainings set paused = $2, class = $3, updated_ms = $4 where id = $1";
    let done = on_tx!(tx, |conn| sqlx::query(TEXT)
        .bind(id.to_string())
        .bind(paused)
        .bind(word(&class))
        .bind(now.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "training", &id)
}

/// Keeps what the slices of a run do differently from now on.
pub async fn set_relief(tx: &mut Tx<'_>, id: TrainingId, relief: &[Rung], now: Millis) -> Result<()> {
    const TEXT: &str = "update trainings set relief = $2, updated_ms = $3 where id = $1";
    let done = on_tx!(tx, |conn| sqlx::query(TEXT)
        .bind(id.to_string())
        .bind(JsonText::of(&relief))
        .bind(now.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "training", &id)
}

/// Takes a run out, with its epochs and probes; the files stay until nothing names them.
pub async fn remove(tx: &mut Tx<'_>, id: TrainingId) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("delete from trainings where id = $1")
        .bind(id.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "training", &id)
}

#[derive(sqlx_macros::FromRow)]
struct EpochRow {
    training_id: String,
    epoch: i64,
    asset: String,
    ext: String,
    bytes: i64,
    report: JsonText,
    attempt_id: Option<String>,
    created_ms: i64,
}

impl TryFrom<EpochRow> for TrainedEpoch {
    type Error = Error;
    fn try_from(row: EpochRow) -> Result<Self> {
        let reading = Reading { table: "training_epochs", id: &row.training_id };
        Ok(Self {
            training_id: reading.text("training_id", &row.training_id)?,
            epoch: reading.number("epoch", row.epoch)?,
            weights: AssetRef { hash: reading.text("asset", &row.asset)?, ext: row.ext },
            bytes: reading.number("bytes", row.bytes)?,
            report: reading.json("report", &row.report)?,
            attempt_id: reading.maybe("attempt_id", row.attempt_id.as_deref())?,
            created: Millis(row.created_ms),
        })
    }
}

const INSERT_EPOCH: &str = "
    insert into training_epochs (training_id, epoch, asset, ext, bytes, report, attempt_id, created_ms)
    values ($1, $2, $3, $4, coalesce((select bytes from assets where hash = $3), 0), $5, $6, $7)
    on conflict do nothing";

/// Stores an epoch whose file is kept already, with that one's length; one that is there stays.
pub async fn insert_epoch(tx: &mut Tx<'_>, epoch: &TrainedEpoch) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(INSERT_EPOCH)
        .bind(epoch.training_id.to_string())
        .bind(i64::from(epoch.epoch))
        .bind(epoch.weights.hash.to_string())
        .bind(&epoch.weights.ext)
        .bind(JsonText::of(&epoch.report))
        .bind(epoch.attempt_id.map(|id: AttemptId| id.to_string()))
        .bind(epoch.created.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// The epochs of a run, in order.
pub async fn epochs(db: &Db, id: TrainingId) -> Result<Vec<TrainedEpoch>> {
    table::all_of::<EpochRow, _>(db, "select * from training_epochs where training_id = $1 order by epoch", &id).await
}

#[derive(sqlx_macros::FromRow)]
struct ProbeRow {
    id: String,
    training_id: String,
    contender: JsonText,
    case_no: i64,
    state: String,
    asset: Option<String>,
    ext: Option<String>,
    is_copy: Option<bool>,
    verdict: Option<JsonText>,
    marks: Option<JsonText>,
    created_ms: i64,
}

impl TryFrom<ProbeRow> for Probe {
    type Error = Error;
    fn try_from(row: ProbeRow) -> Result<Self> {
        let reading = Reading { table: "training_probes", id: &row.id };
        let hash = reading.maybe("asset", row.asset.as_deref())?;
        Ok(Self {
            id: reading.key()?,
            training_id: reading.text("training_id", &row.training_id)?,
            contender: reading.json("contender", &row.contender)?,
            case: reading.number("case_no", row.case_no)?,
            state: reading.word("state", &row.state)?,
            file: hash.zip(row.ext).map(|(hash, ext)| AssetRef { hash, ext }),
            copy: row.is_copy,
            verdict: reading.maybe_json("verdict", row.verdict.as_ref())?,
            marks: reading.maybe_json("marks", row.marks.as_ref())?,
            created: Millis(row.created_ms),
        })
    }
}

const INSERT_PROBE: &str = "
    insert into training_probes (id, training_id, contender, case_no, state, created_ms) values ($1, $2, $3, $4, 'asked', $5)
    on conflict do nothing";

/// Stores a probe that is asked for; false when it was before.
pub async fn insert_probe(tx: &mut Tx<'_>, probe: &Probe) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(INSERT_PROBE)
        .bind(probe.id.to_string())
        .bind(probe.training_id.to_string())
        .bind(JsonText::of(&probe.contender))
        .bind(i64::from(probe.case))
        .bind(probe.created.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

/// The probes of a run, in the order they were asked for.
pub async fn probes(db: &Db, id: TrainingId) -> Result<Vec<Probe>> {
    table::all_of::<ProbeRow, _>(db, "select * from training_probes where training_id = $1 order by id", &id).await
}

/// The probe with this id.
pub async fn probe(db: &Db, id: ProbeId) -> Result<Probe> {
    table::one::<ProbeRow, _>(db, "select * from training_probes where id = $1", "probe", &id).await
}

/// Keeps the picture of a probe; false when the probe is gone.
pub async fn made(tx: &mut Tx<'_>, id: ProbeId, file: &AssetRef) -> Result<bool> {
    const TEXT: &str = "update training_probes set state = 'made', asset = $2, ext = $3 where id = $1";
    let done = on_tx!(tx, |conn| sqlx::query(TEXT)
        .bind(id.to_string())
        .bind(file.hash.to_string())
        .bind(&file.ext)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

/// Keeps whether a probe copies a picture that was trained on.
pub async fn set_copy(tx: &mut Tx<'_>, id: ProbeId, copy: bool) -> Result<()> {
    const TEXT: &str = "update training_probes set is_copy = $2 where id = $1";
    on_tx!(tx, |conn| sqlx::query(TEXT).bind(id.to_string()).bind(copy).execute(conn).await.map(drop))?;
    Ok(())
}

/// Keeps that a probe is over: what the judge said and what that means, or that it came to nothing.
pub async fn end_probe(
    tx: &mut Tx<'_>,
    id: ProbeId,
    state: ProbeState,
    verdict: Option<&Verdict>,
    marks: Option<&ProbeMarks>,
) -> Result<()> {
    const TEXT: &str = "update training_probes set state = $2, verdict = $3, marks = $4 where id = $1";
    on_tx!(tx, |conn| sqlx::query(TEXT)
        .bind(id.to_string())
        .bind(word(&state))
        .bind(verdict.map(JsonText::of))
        .bind(marks.map(JsonText::of))
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// Files runs name: what they were trained on, what they made, and their probes. A run keeps its snapshot for as long as it is there.
pub async fn in_use(db: &Db) -> Result<Vec<ContentHash>> {
    const FILES: &str = "
        select asset from training_epochs union select asset from training_probes where asset is not null
        union select asset from loras";
    let rows: Vec<String> = on_db!(db, |pool| sqlx::query_scalar(FILES).fetch_all(pool).await)?;
    let mut used = Vec::with_capacity(rows.len());
    for asset in &rows {
        used.push(Reading { table: "training_epochs", id: asset }.text("asset", asset)?);
    }
    let runs: Vec<TrainingRow> =
        on_db!(db, |pool| sqlx::query_as("select * from trainings order by id").fetch_all(pool).await)?;
    for run in runs {
        // One that cannot be read must not cost its files: nothing is tidied until it is mended.
        let run = Training::try_from(run)?;
        used.extend(run.plan.pictures.iter().map(|picture| picture.file.hash));
    }
    Ok(used)
}

/// Tasks that are not over of one thing: the slices of a run, or what makes or judges a probe.
pub async fn open_for(db: &Db, of: impl std::fmt::Display) -> Result<Vec<studio_core::ids::TaskId>> {
    const TEXT: &str = "select task_id from dataset_requests where state = 'open' and picture_id = $1";
    let rows: Vec<String> = on_db!(db, |pool| sqlx::query_scalar(TEXT).bind(of.to_string()).fetch_all(pool).await)?;
    rows.iter().map(|id| Reading { table: "dataset_requests", id }.text("task_id", id)).collect()
}

/// Tasks of a run that are not over: its slices, and those of its probes.
pub async fn open_tasks(db: &Db, id: TrainingId) -> Result<Vec<studio_core::ids::TaskId>> {
    const TEXT: &str = "
        select q.task_id from dataset_requests q
         where q.state = 'open'
           and (q.picture_id = $1 or q.picture_id in (select p.id from training_probes p where p.training_id = $1))";
    let rows: Vec<String> = on_db!(db, |pool| sqlx::query_scalar(TEXT).bind(id.to_string()).fetch_all(pool).await)?;
    rows.iter().map(|id| Reading { table: "dataset_requests", id }.text("task_id", id)).collect()
}

/// Tasks of slices and probes that are not over, though their run is.
pub async fn left_over(db: &Db) -> Result<Vec<studio_core::ids::TaskId>> {
    const TEXT: &str = "
        select q.task_id from dataset_requests q
         where q.state = 'open'
           and (q.picture_id in (select t.id from trainings t where t.state not in ('training', 'probing'))
                or q.picture_id in (
                    select p.id from training_probes p join trainings t on t.id = p.training_id
                     where t.state not in ('training', 'probing')))";
    let rows: Vec<String> = on_db!(db, |pool| sqlx::query_scalar(TEXT).fetch_all(pool).await)?;
    rows.iter().map(|id| Reading { table: "dataset_requests", id }.text("task_id", id)).collect()
}

/// What the pictures show that models are trained on, of every character of the studio; rows that cannot be read are left out.
pub async fn trained_cells(db: &Db) -> Result<BTreeMap<CharacterId, Vec<Cell>>> {
    const TEXT: &str = "
        select character_id, cast(cell as text) from dataset_pictures where state = 'approved' and duplicate_of is null";
    let rows: Vec<(String, String)> = on_db!(db, |pool| sqlx::query_as(TEXT).fetch_all(pool).await)?;
    let mut all: BTreeMap<CharacterId, Vec<Cell>> = BTreeMap::new();
    for (id, cell) in rows {
        let (Ok(id), Ok(cell)) = (id.parse(), serde_json::from_str(&cell)) else { continue };
        all.entry(CharacterId(id)).or_default().push(cell);
    }
    Ok(all)
}
