//! Pictures of datasets: where each is from, what it shows, and what was decided of it.

use studio_core::{
    asset::AssetRef,
    dataset::{Caption, Cell, Decider, Decision, Grouped, Likeness, Picture, PictureState, Placing, Print},
    ids::{CharacterId, ContentHash, PictureId, ProjectId},
    review::Judged,
    take::Verdict,
    units::Millis,
};

use studio_engine::Boxed;

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    picture_columns::{FileColumns, JudgedColumns},
    portraits,
    rows::{JsonText, Reading, met, word},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct PictureRow {
    id: String,
    character_id: String,
    #[sqlx(flatten)]
    file: FileColumns,
    #[sqlx(flatten)]
    judged: JudgedColumns,
    lineage: i64,
    cell: JsonText,
    placed: Option<JsonText>,
    caption: Option<JsonText>,
    duplicate_of: Option<String>,
    likeness: Option<JsonText>,
    print: Option<JsonText>,
}

impl TryFrom<PictureRow> for Picture {
    type Error = Error;
    fn try_from(row: PictureRow) -> Result<Self> {
        let reading = Reading { table: "dataset_pictures", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            character_id: reading.text("character_id", &row.character_id)?,
            file: row.file.file(reading)?,
            size: row.file.size(reading)?,
            state: row.judged.state(reading)?,
            source: row.file.source(reading)?,
            lineage: reading.number("lineage", row.lineage)?,
            made: row.file.made(reading)?,
            cell: reading.json("cell", &row.cell)?,
            placing: reading.maybe_json("placed", row.placed.as_ref())?,
            verdict: row.judged.verdict(reading)?,
            decision: row.judged.decision(reading)?,
            caption: reading.maybe_json("caption", row.caption.as_ref())?,
            duplicate_of: reading.maybe("duplicate_of", row.duplicate_of.as_deref())?,
            // The one it was a copy of may be gone.
            likeness: reading.maybe_json("likeness", row.likeness.as_ref().filter(|_| row.duplicate_of.is_some()))?,
            print: reading.maybe_json("print", row.print.as_ref())?,
            created: row.file.created(),
        })
    }
}

fn pictures(rows: Vec<PictureRow>) -> Result<Vec<Picture>> {
    rows.into_iter().map(Picture::try_from).collect()
}

const INSERT: &str = "
    insert into dataset_pictures (id, character_id, asset, ext, width, height, state, source, lineage, made, cell,
                                  verdict, decision, caption, duplicate_of, print, created_ms, placed, likeness)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
    on conflict (character_id, asset) do nothing";

/// Stores a picture; false when its dataset has that file already, and nothing is changed.
pub async fn insert(tx: &mut Tx<'_>, picture: &Picture) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(INSERT)
        .bind(picture.id.to_string())
        .bind(picture.character_id.to_string())
        .bind(picture.file.hash.to_string())
        .bind(&picture.file.ext)
        .bind(i64::from(picture.size.width))
        .bind(i64::from(picture.size.height))
        .bind(word(&picture.state))
        .bind(JsonText::of(&picture.source))
        .bind(i64::from(picture.lineage))
        .bind(picture.made.as_ref().map(JsonText::of))
        .bind(JsonText::of(&picture.cell))
        .bind(picture.verdict.as_ref().map(JsonText::of))
        .bind(picture.decision.as_ref().map(JsonText::of))
        .bind(picture.caption.as_ref().map(JsonText::of))
        .bind(picture.duplicate_of.map(|id| id.to_string()))
        .bind(picture.print.as_ref().map(JsonText::of))
        .bind(picture.created.0)
        .bind(picture.placing.as_ref().map(JsonText::of))
        .bind(picture.likeness.as_ref().map(JsonText::of))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

/// The picture with this id.
pub async fn get(db: &Db, id: PictureId) -> Result<Picture> {
    table::one::<PictureRow, _>(db, "select * from dataset_pictures where id = $1", "picture", &id).await
}

/// Pictures whose id starts or ends with `part` (any case), at most 20; nothing for a part no id can have.
pub async fn find(db: &Db, part: &str) -> Result<Vec<PictureId>> {
    const FIND: &str = "select id from dataset_pictures where id like $1 or id like $2 order by id limit 20";
    table::find(db, FIND, "dataset_pictures", part).await
}

/// Everything but the hashes, which are long and which nobody needs who lists pictures.
macro_rules! light {
    ($rest:literal) => {
        concat!(
            "select id, character_id, asset, ext, width, height, state, source, lineage, made, cell, placed,
                    verdict, decision, caption, duplicate_of, likeness, cast(null as jsonb) as print, created_ms from dataset_pictures ",
            $rest
        )
    };
}

/// The hashes of the pictures of a dataset that have any.
pub async fn prints(db: &Db, character: CharacterId) -> Result<Vec<(PictureId, Print)>> {
    const TEXT: &str =
        "select id, print from dataset_pictures where character_id = $1 and print is not null order by id";
    let rows: Vec<(String, JsonText)> =
        on_db!(db, |pool| sqlx::query_as(TEXT).bind(character.to_string()).fetch_all(pool).await)?;
    let read = |(id, print): (String, JsonText)| {
        let reading = Reading { table: "dataset_pictures", id: &id };
        Ok((reading.key()?, reading.json("print", &print)?))
    };
    rows.into_iter().map(read).collect()
}

/// How the pictures of a dataset are grouped, the oldest first.
pub async fn grouped(db: &Db, character: CharacterId) -> Result<Vec<Grouped>> {
    const TEXT: &str =
        "select id, asset, ext, duplicate_of, likeness from dataset_pictures where character_id = $1 order by id";
    type Row = (String, String, String, Option<String>, Option<JsonText>);
    let rows: Vec<Row> = on_db!(db, |pool| sqlx::query_as(TEXT).bind(character.to_string()).fetch_all(pool).await)?;
    let read = |(id, asset, ext, under, likeness): Row| {
        let reading = Reading { table: "dataset_pictures", id: &id };
        let file = AssetRef { hash: reading.text("asset", &asset)?, ext };
        let likeness = reading.maybe_json("likeness", likeness.as_ref().filter(|_| under.is_some()))?;
        Ok(Grouped { id: reading.key()?, file, under: reading.maybe("duplicate_of", under.as_deref())?, likeness })
    };
    rows.into_iter().map(read).collect()
}

/// Every picture of a dataset, the oldest first, without its hashes.
pub async fn of_character(db: &Db, character: CharacterId) -> Result<Vec<Picture>> {
    let rows = on_db!(db, |pool| sqlx::query_as(light!("where character_id = $1 order by id"))
        .bind(character.to_string())
        .fetch_all(pool)
        .await)?;
    pictures(rows)
}

const UNHASHED: &str = "
    select * from dataset_pictures
     where print is null and ($1 is null or id > $1)
       and not exists (select 1 from dataset_requests r
                        where r.picture_id = dataset_pictures.id and not r.makes and r.state = 'open')
     order by id limit $2";

/// Pictures without hashes, the oldest first, wherever they are.
pub async fn unhashed(db: &Db, limit: u32) -> Result<Vec<Picture>> {
    let fetch = |after: Option<String>, limit: i64| -> Boxed<'_, Result<Vec<PictureRow>>> {
        Box::pin(async move {
            Ok(on_db!(db, |pool| sqlx::query_as(UNHASHED).bind(after).bind(limit).fetch_all(pool).await)?)
        })
    };
    table::page(None::<PictureId>, limit, |row| &row.id, fetch).await
}

macro_rules! unjudged {
    ($what:literal, $rest:literal) => {
        concat!(
            "select ",
            $what,
            " from dataset_pictures p join characters c on c.id = p.character_id
              where p.print is not null and p.verdict is null and p.duplicate_of is null and p.decision is null
                and not exists (select 1 from dataset_requests r
                                 where r.picture_id = p.id and not r.makes and r.state = 'open') ",
            $rest
        )
    };
}

/// Projects with pictures of datasets the judge has still to be asked about.
pub async fn projects_unjudged(db: &Db) -> Result<Vec<ProjectId>> {
    const TEXT: &str = unjudged!("distinct c.project_id", "order by c.project_id");
    table::ids(db, TEXT, "projects").await
}

/// Pictures of a project the judge has still to be asked about, the oldest first. It is asked project by project: those of one
/// that cannot be judged take nobody's place.
pub async fn unjudged(db: &Db, project: ProjectId, limit: u32) -> Result<Vec<Picture>> {
    const TEXT: &str = unjudged!("p.*", "and c.project_id = $1 and ($2 is null or p.id > $2) order by p.id limit $3");
    table::page_of_project(db, TEXT, project, None::<PictureId>, limit, |row: &PictureRow| &row.id).await
}

/// When something was decided of a picture of a dataset last; `None`: nothing was.
pub async fn last_decided(db: &Db, character: CharacterId) -> Result<Option<Millis>> {
    const TEXT: &str = "select max(cast(decision ->> 'at' as bigint)) from dataset_pictures where character_id = $1";
    let last: Option<i64> =
        on_db!(db, |pool| sqlx::query_scalar(TEXT).bind(character.to_string()).fetch_one(pool).await)?;
    Ok(last.map(Millis))
}

/// Which pictures are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those of this character's dataset.
    pub character: Option<CharacterId>,
    /// Only those of characters of this project.
    pub project: Option<ProjectId>,
    /// Only those in this state.
    pub state: Option<PictureState>,
    /// Only those that wait for a person.
    pub awaiting: bool,
    /// Near-duplicates of others, too.
    pub duplicates: bool,
    /// Only those that come after this one.
    pub after: Option<PictureId>,
    /// The oldest come first.
    pub oldest_first: bool,
    /// At most this many.
    pub limit: u32,
}

macro_rules! wanted {
    ($what:literal) => {
        concat!(
            "select ",
            $what,
            " from dataset_pictures p
              where ($1 is null or p.character_id = $1)
                and ($2 is null or p.character_id in (select id from characters where project_id = $2))
                and ($3 is null or p.state = $3)
                and (not $4 or (p.state = 'pending' and p.duplicate_of is null and p.verdict is not null))
                and ($5 or p.duplicate_of is null) "
        )
    };
}
const NEWEST: &str = concat!(
    wanted!(
        "p.id, p.character_id, p.asset, p.ext, p.width, p.height, p.state, p.source, p.lineage, p.made, p.cell, p.placed, p.verdict, p.decision, p.caption, p.duplicate_of, p.likeness, cast(null as jsonb) as print, p.created_ms"
    ),
    "and ($6 is null or p.id < $6) order by p.id desc limit $7"
);
const OLDEST: &str = concat!(
    wanted!(
        "p.id, p.character_id, p.asset, p.ext, p.width, p.height, p.state, p.source, p.lineage, p.made, p.cell, p.placed, p.verdict, p.decision, p.caption, p.duplicate_of, p.likeness, cast(null as jsonb) as print, p.created_ms"
    ),
    "and ($6 is null or p.id > $6) order by p.id limit $7"
);
const COUNT: &str = wanted!("count(*)");

/// One page of pictures.
pub async fn page(db: &Db, asked: &Filter) -> Result<Vec<Picture>> {
    let text = if asked.oldest_first { OLDEST } else { NEWEST };
    let fetch = |after: Option<String>, limit: i64| -> Boxed<'_, Result<Vec<PictureRow>>> {
        Box::pin(async move {
            Ok(on_db!(db, |pool| sqlx::query_as(text)
                .bind(asked.character.map(|id| id.to_string()))
                .bind(asked.project.map(|id| id.to_string()))
                .bind(asked.state.map(|state| word(&state)))
                .bind(asked.awaiting)
                .bind(asked.duplicates)
                .bind(after)
                .bind(limit)
                .fetch_all(pool)
                .await)?)
        })
    };
    table::page(asked.after, asked.limit, |row| &row.id, fetch).await
}

/// How many pictures are asked for, whatever the page.
pub async fn count(db: &Db, asked: &Filter) -> Result<u64> {
    let count: i64 = on_db!(db, |pool| sqlx::query_scalar(COUNT)
        .bind(asked.character.map(|id| id.to_string()))
        .bind(asked.project.map(|id| id.to_string()))
        .bind(asked.state.map(|state| word(&state)))
        .bind(asked.awaiting)
        .bind(asked.duplicates)
        .fetch_one(pool)
        .await)?;
    Ok(count.unsigned_abs())
}

const SET_PRINT: &str = "update dataset_pictures set print = $2 where id = $1 and character_id = $3";

/// Keeps what a picture looks like to the eye of a hash; false when it is gone, or somebody else's by now.
pub async fn set_print(tx: &mut Tx<'_>, id: PictureId, character: CharacterId, print: &Print) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_PRINT)
        .bind(id.to_string())
        .bind(JsonText::of(print))
        .bind(character.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

// Whoever it is like may have been grouped itself meanwhile: nothing is a copy of a copy.
const GROUP: &str = "
    update dataset_pictures
       set duplicate_of = (select coalesce(o.duplicate_of, o.id) from dataset_pictures o where o.id = $2), likeness = $3
     where id = $1 and decision is null
       and exists (select 1 from dataset_pictures o where o.id = $2 and o.character_id = dataset_pictures.character_id
                      and coalesce(o.duplicate_of, o.id) <> $1)";

/// Groups a picture under one that it is a copy of, or under that one's best; false when somebody has decided of it, or the other
/// one is gone or somebody else's, and nothing is changed.
pub async fn group(tx: &mut Tx<'_>, id: PictureId, under: PictureId, likeness: &Likeness) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(GROUP)
        .bind(id.to_string())
        .bind(under.to_string())
        .bind(JsonText::of(likeness))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

const RENEW_PRINT: &str = "update dataset_pictures set print = $2 where id = $1";

/// Keeps what a picture looks like, hashed anew; how it is grouped stays as it is.
pub async fn renew_print(tx: &mut Tx<'_>, id: PictureId, print: &Print) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(RENEW_PRINT)
        .bind(id.to_string())
        .bind(JsonText::of(print))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "picture", &id)
}

// What the judge is asked about goes on for itself: its verdict would be of something nobody sees.
const GIVE_WAY: &str = "
    update dataset_pictures set duplicate_of = $2, likeness = $3
     where id = $1 and state = 'pending' and decision is null and duplicate_of is null
       and not exists (select 1 from dataset_requests q where q.picture_id = $1 and q.state = 'open' and not q.makes)
       and exists (select 1 from dataset_pictures b where b.id = $2 and b.character_id = dataset_pictures.character_id
                      and b.duplicate_of is null)";
const FOLLOW: &str = "update dataset_pictures set duplicate_of = $2 where duplicate_of = $1";

/// Groups a picture that nobody has decided of, and whatever was grouped under it, under a better one that is no copy itself;
/// false when it is decided, at the judge, gone, or not of the same dataset, and nothing is changed.
pub async fn give_way(tx: &mut Tx<'_>, id: PictureId, best: PictureId, likeness: Option<&Likeness>) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(GIVE_WAY)
        .bind(id.to_string())
        .bind(best.to_string())
        .bind(likeness.map(JsonText::of))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    if done == 0 {
        return Ok(false);
    }
    on_tx!(tx, |conn| sqlx::query(FOLLOW).bind(id.to_string()).bind(best.to_string()).execute(conn).await.map(drop))?;
    Ok(true)
}

const UNGROUP: &str = "update dataset_pictures set duplicate_of = null, likeness = null where id = $1";

/// Takes a picture out of its group of near-duplicates: it counts for itself.
pub async fn ungroup(tx: &mut Tx<'_>, id: PictureId) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(UNGROUP)
        .bind(id.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "picture", &id)
}

const SET_VERDICT: &str = "update dataset_pictures set verdict = $2 where id = $1";

/// Keeps what the judge said; `None` has it judged once more.
pub async fn set_verdict(tx: &mut Tx<'_>, id: PictureId, verdict: Option<&Verdict>) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_VERDICT)
        .bind(id.to_string())
        .bind(verdict.map(JsonText::of))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "picture", &id)
}

const SET_DECISION: &str = "update dataset_pictures set state = $2, decision = $3 where id = $1";

/// Keeps what was decided of a picture; `None`: it is pending again.
pub async fn set_decision(
    tx: &mut Tx<'_>,
    id: PictureId,
    state: PictureState,
    decision: Option<&Decision>,
) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_DECISION)
        .bind(id.to_string())
        .bind(word(&state))
        .bind(decision.map(JsonText::of))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "picture", &id)
}

const SET_CAPTION: &str = "update dataset_pictures set caption = $2 where id = $1";

/// Keeps what is told of a picture in training.
pub async fn set_caption(tx: &mut Tx<'_>, id: PictureId, caption: Option<&Caption>) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_CAPTION)
        .bind(id.to_string())
        .bind(caption.map(JsonText::of))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "picture", &id)
}

// One database has the flag as a number, the other as a word.
const ADD_CAPTION: &str = "
    update dataset_pictures set caption = $2
     where id = $1 and coalesce(cast(caption ->> 'by_person' as text), '') not in ('1', 'true')";

/// Keeps a caption that came with a picture; false when a person has written one meanwhile, which stays.
pub async fn add_caption(tx: &mut Tx<'_>, id: PictureId, caption: &Caption) -> Result<bool> {
    let done = on_tx!(tx, |conn| sqlx::query(ADD_CAPTION)
        .bind(id.to_string())
        .bind(JsonText::of(caption))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done > 0)
}

const PLACE: &str = "update dataset_pictures set cell = $2, placed = $3 where id = $1";

/// Keeps what a picture shows, and who says so.
pub async fn place(tx: &mut Tx<'_>, id: PictureId, cell: &Cell, placing: &Placing) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(PLACE)
        .bind(id.to_string())
        .bind(JsonText::of(cell))
        .bind(JsonText::of(placing))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "picture", &id)
}

const MOVE: &str = "
    update dataset_pictures
       set character_id = $2, state = 'pending', decision = null, verdict = null, duplicate_of = null, likeness = null,
           print = null
     where id = $1";

/// Moves a picture into another character's dataset, where it is looked at anew; what was grouped under it counts for
/// itself again.
pub async fn reassign(tx: &mut Tx<'_>, id: PictureId, to: CharacterId) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query("update dataset_pictures set duplicate_of = null where duplicate_of = $1")
        .bind(id.to_string())
        .execute(conn)
        .await
        .map(drop))?;
    let done = on_tx!(tx, |conn| sqlx::query(MOVE)
        .bind(id.to_string())
        .bind(to.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "picture", &id)
}

/// Takes a picture out of its dataset; its file stays until nothing names it.
pub async fn remove(tx: &mut Tx<'_>, id: PictureId) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("delete from dataset_pictures where id = $1")
        .bind(id.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "picture", &id)
}

/// Files of pictures of datasets, without those of pictures that were rejected before a moment.
pub async fn in_use(db: &Db, before: Millis) -> Result<Vec<ContentHash>> {
    const TEXT: &str = "select id, asset, state, decision from dataset_pictures";
    let rows: Vec<(String, String, String, Option<JsonText>)> =
        on_db!(db, |pool| sqlx::query_as(TEXT).fetch_all(pool).await)?;
    let mut files = Vec::with_capacity(rows.len());
    for (id, asset, state, decision) in &rows {
        let reading = Reading { table: "dataset_pictures", id };
        let decision: Option<Decision> = reading.maybe_json("decision", decision.as_ref())?;
        let rejected = reading.word::<PictureState>("state", state)? == PictureState::Rejected;
        if !(rejected && decision.is_some_and(|decision| decision.at < before)) {
            files.push(reading.text("asset", asset)?);
        }
    }
    Ok(files)
}

/// Pictures a model made for other characters than this one, decided ones only.
pub async fn made_by(db: &Db, model: &str, without: CharacterId) -> Result<Vec<Picture>> {
    const TEXT: &str =
        light!("where decision is not null and character_id <> $2 and made ->> 'model' = $1 order by id");
    pictures(on_db!(db, |pool| sqlx::query_as(TEXT).bind(model).bind(without.to_string()).fetch_all(pool).await)?)
}

#[derive(sqlx_macros::FromRow)]
struct JudgedRow {
    id: String,
    name: String,
    state: String,
    verdict: JsonText,
    decision: JsonText,
}

/// Pictures that both a judge and a person have judged, the oldest first, with who is in them.
pub async fn judged(db: &Db) -> Result<Vec<Judged>> {
    const TEXT: &str = "
        select p.id, c.name, p.state, p.verdict, p.decision
          from dataset_pictures p join characters c on c.id = p.character_id
         where p.verdict is not null and p.decision is not null and p.duplicate_of is null
         order by p.id";
    let rows: Vec<JudgedRow> = on_db!(db, |pool| sqlx::query_as(TEXT).fetch_all(pool).await)?;
    let mut judged = Vec::new();
    for row in rows {
        let reading = Reading { table: "dataset_pictures", id: &row.id };
        let decision: Decision = reading.json("decision", &row.decision)?;
        let verdict: Verdict = reading.json("verdict", &row.verdict)?;
        if let (Decider::Person, Some(score)) = (decision.by, verdict.score) {
            let good = reading.word::<PictureState>("state", &row.state)? == PictureState::Approved;
            judged.push(Judged { character: row.name, score, good });
        }
    }
    Ok(judged)
}

/// The highest lineage of files something is made with: as datasets and reference sheets have them, at least 1 of what the
/// studio made, else 0.
pub async fn lineage_of(db: &Db, files: &[ContentHash]) -> Result<u32> {
    const TEXT: &str = "
        select coalesce((select max(lineage) from dataset_pictures where asset = $1), 0),
               (select count(*) from assets where hash = $1 and attempt_id is not null)";
    let mut most = 0;
    for file in files {
        let key = file.to_string();
        let (known, made): (i64, i64) = on_db!(db, |pool| sqlx::query_as(TEXT).bind(&key).fetch_one(pool).await)?;
        let portrait = i64::from(portraits::lineage_of(db, *file).await?);
        most = most.max(known).max(portrait).max(made.min(1));
    }
    Reading { table: "dataset_pictures", id: "" }.number("lineage", most)
}

/// The picture of a dataset that is this file; `None`: it has none.
pub async fn of_file(db: &Db, character: CharacterId, file: ContentHash) -> Result<Option<Picture>> {
    const TEXT: &str = "select * from dataset_pictures where character_id = $1 and asset = $2";
    let row: Option<PictureRow> = on_db!(db, |pool| sqlx::query_as(TEXT)
        .bind(character.to_string())
        .bind(file.to_string())
        .fetch_optional(pool)
        .await)?;
    row.map(Picture::try_from).transpose()
}

/// Whether a dataset has this file.
pub async fn has(db: &Db, character: CharacterId, file: ContentHash) -> Result<bool> {
    const TEXT: &str = "select count(*) from dataset_pictures where character_id = $1 and asset = $2";
    let count: i64 = on_db!(db, |pool| sqlx::query_scalar(TEXT)
        .bind(character.to_string())
        .bind(file.to_string())
        .fetch_one(pool)
        .await)?;
    Ok(count > 0)
}

/// Whether a file is a picture of a dataset of this project's characters.
pub async fn is_in_project(db: &Db, file: ContentHash, project: ProjectId) -> Result<bool> {
    const TEXT: &str = "
        select count(*) from dataset_pictures p join characters c on c.id = p.character_id
         where p.asset = $1 and c.project_id = $2";
    let count: i64 = on_db!(db, |pool| sqlx::query_scalar(TEXT)
        .bind(file.to_string())
        .bind(project.to_string())
        .fetch_one(pool)
        .await)?;
    Ok(count > 0)
}
