//! Portraits: pictures of reference sheets, what is asked for them, and which of them are references.

use studio_core::{
    asset::AssetRef,
    character::MOST_REFERENCES,
    dataset::{Decider, Decision, PictureRequest, PictureState},
    ids::{ContentHash, PortraitId, ProjectId, TaskId},
    portrait::{Portrait, PortraitSource, with_reference},
    take::Verdict,
    units::Millis,
    views::{PortraitOwner, PortraitView},
};

use super::{
    Db, Error, Result, Tx, characters, locations, loras, on_db, on_tx,
    picture_columns::{FileColumns, JudgedColumns},
    rows::{JsonText, Reading, met, word},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct PortraitRow {
    id: String,
    character_id: Option<String>,
    location_id: Option<String>,
    shows: String,
    #[sqlx(flatten)]
    file: FileColumns,
    #[sqlx(flatten)]
    judged: JudgedColumns,
}

impl TryFrom<PortraitRow> for Portrait {
    type Error = Error;
    fn try_from(row: PortraitRow) -> Result<Self> {
        let reading = Reading { table: "portraits", id: &row.id };
        let character = reading.maybe("character_id", row.character_id.as_deref())?;
        let location = reading.maybe("location_id", row.location_id.as_deref())?;
        let owner = match (character, location) {
            (Some(character), _) => PortraitOwner::Character(character),
            (None, Some(location)) => PortraitOwner::Location(location),
            (None, None) => return Err(reading.corrupt("character_id", "it is nobody's")),
        };
        Ok(Self {
            id: reading.key()?,
            owner,
            view: reading.word("shows", &row.shows)?,
            file: row.file.file(reading)?,
            size: row.file.size(reading)?,
            state: row.judged.state(reading)?,
            source: row.file.source(reading)?,
            made: row.file.made(reading)?,
            verdict: row.judged.verdict(reading)?,
            decision: row.judged.decision(reading)?,
            created: row.file.created(),
        })
    }
}

fn portraits(rows: Vec<PortraitRow>) -> Result<Vec<Portrait>> {
    rows.into_iter().map(Portrait::try_from).collect()
}

const INSERT: &str = "
    insert into portraits (id, character_id, location_id, shows, asset, ext, width, height, state, source, made, verdict,
                           decision, created_ms)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
    on conflict do nothing";

/// Stores a portrait; false when the sheet has that very file of that view already, and nothing is changed.
pub async fn insert(tx: &mut Tx<'_>, portrait: &Portrait) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(INSERT)
        .bind(portrait.id.to_string())
        .bind(portrait.owner.character().map(|id| id.to_string()))
        .bind(portrait.owner.location().map(|id| id.to_string()))
        .bind(word(&portrait.view))
        .bind(portrait.file.hash.to_string())
        .bind(&portrait.file.ext)
        .bind(i64::from(portrait.size.width))
        .bind(i64::from(portrait.size.height))
        .bind(word(&portrait.state))
        .bind(JsonText::of(&portrait.source))
        .bind(portrait.made.as_ref().map(JsonText::of))
        .bind(portrait.verdict.as_ref().map(JsonText::of))
        .bind(portrait.decision.as_ref().map(JsonText::of))
        .bind(portrait.created.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

/// The portrait with this id.
pub async fn get(db: &Db, id: PortraitId) -> Result<Portrait> {
    table::one::<PortraitRow, _>(db, "select * from portraits where id = $1", "portrait", &id).await
}

/// Portraits whose id starts or ends with `part` (any case), at most 20; nothing for a part no id can have.
pub async fn find(db: &Db, part: &str) -> Result<Vec<PortraitId>> {
    const FIND: &str = "select id from portraits where id like $1 or id like $2 order by id limit 20";
    table::find(db, FIND, "portraits", part).await
}

const OF_OWNER: &str = "select * from portraits where character_id = $1 or location_id = $1 order by id";

/// Every portrait of somebody or of a place, the oldest first.
pub async fn of_owner(db: &Db, owner: PortraitOwner) -> Result<Vec<Portrait>> {
    table::all_of::<PortraitRow, _>(db, OF_OWNER, &owner.id().hyphenated()).await
}

const OF_FILE: &str =
    "select * from portraits where (character_id = $1 or location_id = $1) and shows = $2 and asset = $3";

/// The portrait with this file of that view.
pub async fn of_file(db: &Db, owner: PortraitOwner, view: PortraitView, file: ContentHash) -> Result<Option<Portrait>> {
    let row: Option<PortraitRow> = on_db!(db, |pool| sqlx::query_as(OF_FILE)
        .bind(owner.id().hyphenated().to_string())
        .bind(word(&view))
        .bind(file.to_string())
        .fetch_optional(pool)
        .await)?;
    row.map(Portrait::try_from).transpose()
}

macro_rules! unseen {
    ($what:literal, $rest:literal) => {
        concat!(
            "select ",
            $what,
            " from portraits p
              left join characters c on c.id = p.character_id
              left join locations l on l.id = p.location_id
              where p.verdict is null and p.decision is null
                and not exists (select 1 from dataset_requests r
                                 where r.picture_id = p.id and not r.makes and r.state = 'open') ",
            $rest
        )
    };
}

/// Projects with portraits that nobody has judged, decided, or been asked to judge.
pub async fn projects_unseen(db: &Db) -> Result<Vec<ProjectId>> {
    const TEXT: &str = unseen!("distinct coalesce(c.project_id, l.project_id) as project", "order by project");
    table::ids(db, TEXT, "projects").await
}

/// Portraits of a project that nobody has judged, decided, or been asked to judge, the oldest first. They are found project by
/// project: those of one that cannot be judged take nobody's place.
pub async fn unseen(db: &Db, project: ProjectId, limit: u32) -> Result<Vec<Portrait>> {
    const TEXT: &str = unseen!(
        "p.*",
        "and coalesce(c.project_id, l.project_id) = $1 and ($2 is null or p.id > $2) order by p.id limit $3"
    );
    table::page_of_project(db, TEXT, project, None::<PortraitId>, limit, |row: &PortraitRow| &row.id).await
}

const SET_VERDICT: &str = "update portraits set verdict = $2 where id = $1";

/// Keeps what the judge said.
pub async fn set_verdict(tx: &mut Tx<'_>, id: PortraitId, verdict: &Verdict) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_VERDICT)
        .bind(id.to_string())
        .bind(JsonText::of(verdict))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "portrait", &id)
}

const SET_DECISION: &str = "update portraits set state = $2, decision = $3 where id = $1";

/// Keeps what was decided of a portrait; `None`: it is pending again.
async fn set_decision(tx: &mut Tx<'_>, id: PortraitId, state: PictureState, decision: Option<&Decision>) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_DECISION)
        .bind(id.to_string())
        .bind(word(&state))
        .bind(decision.map(JsonText::of))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "portrait", &id)
}

/// Keeps what was decided of a portrait: what is approved becomes a reference of its sheet, and anything else is none any
/// more. False when the sheet has no room for another one, and nothing is changed.
///
/// Whoever calls this has begun `tx`, so nobody changes the sheet meanwhile.
pub async fn decide(
    tx: &mut Tx<'_>,
    db: &Db,
    portrait: &Portrait,
    state: PictureState,
    decision: Option<&Decision>,
) -> Result<bool> {
    let all = of_owner(db, portrait.owner).await?;
    let others = all.iter().filter(|one| one.id != portrait.id && one.state == PictureState::Approved);
    let approved: Vec<(ContentHash, PortraitView)> = others.map(|one| (one.file.hash, one.view)).collect();
    let change = |references: &[AssetRef]| -> Vec<AssetRef> {
        if state == PictureState::Approved {
            // What a person put there stays in front of what the judge lets pass.
            let by_person = |one: &Portrait| one.decision.as_ref().is_some_and(|said| said.by == Decider::Person);
            let chosen = |one: &AssetRef| all.iter().all(|is| is.file.hash != one.hash || by_person(is));
            let by_judge = decision.is_some_and(|said| said.by == Decider::Judge);
            if by_judge && references.iter().any(chosen) {
                let known = references.iter().any(|one| one.hash == portrait.file.hash);
                return references.iter().chain(Some(&portrait.file).filter(|_| !known)).cloned().collect();
            }
            return with_reference(references, &approved, &portrait.file, portrait.view);
        }
        // The same file may be approved as another view.
        let goes =
            portrait.state == PictureState::Approved && approved.iter().all(|(hash, _)| *hash != portrait.file.hash);
        references.iter().filter(|one| !goes || one.hash != portrait.file.hash).cloned().collect()
    };
    match portrait.owner {
        PortraitOwner::Character(id) => {
            let mut sheet = characters::sheet(db, id).await?;
            let references = change(&sheet.references);
            if state == PictureState::Approved && references.len() > MOST_REFERENCES {
                return Ok(false);
            }
            if references != sheet.references {
                sheet.references = references;
                characters::set_sheet(tx, id, &sheet).await?;
            }
        }
        PortraitOwner::Location(id) => {
            let mut sheet = locations::sheet(db, id).await?;
            let references = change(&sheet.references);
            if state == PictureState::Approved && references.len() > MOST_REFERENCES {
                return Ok(false);
            }
            if references != sheet.references {
                sheet.references = references;
                locations::set_sheet(tx, id, &sheet).await?;
            }
        }
    }
    set_decision(tx, portrait.id, state, decision).await?;
    Ok(true)
}

/// Takes a portrait out; its file stays until nothing names it.
pub async fn remove(tx: &mut Tx<'_>, id: PortraitId) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("delete from portraits where id = $1")
        .bind(id.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "portrait", &id)
}

/// Files of portraits, without those of portraits that were rejected before a moment.
pub async fn in_use(db: &Db, before: Millis) -> Result<Vec<ContentHash>> {
    let rows: Vec<PortraitRow> =
        on_db!(db, |pool| sqlx::query_as("select * from portraits order by id").fetch_all(pool).await)?;
    let forgotten = |one: &Portrait| {
        one.state == PictureState::Rejected && one.decision.as_ref().is_some_and(|decision| decision.at < before)
    };
    Ok(portraits(rows)?.iter().filter(|one| !forgotten(one)).map(|one| one.file.hash).collect())
}

/// The lineage of a file as portraits have it: 0 of what somebody sent and of what is no portrait, 1 of what was made from words
/// alone, one more than the highest of the portrait it began with and its LoRAs of what had any. A portrait that was taken out since
/// counts as made.
pub async fn lineage_of(db: &Db, file: ContentHash) -> Result<u32> {
    const OF_ASSET: &str = "select * from portraits where asset = $1 order by id";
    let mut most = 0;
    for portrait in table::all_of::<PortraitRow, Portrait>(db, OF_ASSET, &file).await? {
        let (mut level, mut at) = (0, Some(portrait));
        while let Some(one) = at.take() {
            level += u32::from(!matches!(one.source, PortraitSource::Upload { .. }));
            if let Some(made) = &one.made {
                let files: Vec<&str> = made.lora_files().collect();
                most = most.max(level + loras::lineage_of(db, &files).await?);
            }
            let PortraitSource::Refined { refinement } = &one.source else { break };
            // Only what came before can be begun with, so no chain leads in a circle.
            at = match get(db, refinement.of).await {
                Ok(before) if before.id < one.id => Some(before),
                Ok(_) | Err(Error::NotFound { .. }) => {
                    level += 1;
                    None
                }
                Err(error) => return Err(error),
            };
        }
        most = most.max(level);
    }
    Ok(most)
}

/// A portrait that is being made, or judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The task that makes or judges it.
    pub task: TaskId,
    /// Everything about it.
    pub request: PictureRequest,
}

const OPEN: &str = "
    select task_id, request from dataset_requests
     where portrait and state = 'open' and (character_id = $1 or location_id = $1) order by asked_ms, task_id";

/// What is asked of engines for a reference sheet and not over, the oldest first.
pub async fn open(db: &Db, owner: PortraitOwner) -> Result<Vec<Asked>> {
    let rows: Vec<(String, JsonText)> =
        on_db!(db, |pool| sqlx::query_as(OPEN).bind(owner.id().hyphenated().to_string()).fetch_all(pool).await)?;
    let read = |(id, request): (String, JsonText)| {
        let reading = Reading { table: "dataset_requests", id: &id };
        Ok(Asked { task: reading.text("task_id", &id)?, request: reading.json("request", &request)? })
    };
    rows.into_iter().map(read).collect()
}

const EVER: &str = "
    select count(*) from dataset_requests
     where portrait and makes and (character_id = $1 or location_id = $1)";

/// How many portraits were ever asked for a reference sheet.
pub async fn ever_asked(db: &Db, owner: PortraitOwner) -> Result<u64> {
    let id = owner.id().hyphenated().to_string();
    let count: i64 = on_db!(db, |pool| sqlx::query_scalar(EVER).bind(&id).fetch_one(pool).await)?;
    Ok(count.unsigned_abs())
}
