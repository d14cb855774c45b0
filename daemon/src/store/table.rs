//! Tables: what is read and written in the same way, whatever a row is. The texts of SQL stay with their nouns.

use std::{fmt::Display, str::FromStr};

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{FromRow, postgres::PgRow, sqlite::SqliteRow};

use studio_core::ids::ProjectId;
use studio_engine::Boxed;

use super::{
    Db, Error, Result, Tx, on_db, on_tx, on_tx_each,
    rows::{JsonText, Reading, met, step, word},
};

/// A row of both databases.
pub(super) trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<R> Row for R where R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// What `text` finds by an id; [`Error::NotFound`] without it.
pub(super) async fn one<R: Row, T: TryFrom<R, Error = Error>>(
    db: &Db,
    text: &'static str,
    what: &'static str,
    id: &impl ToString,
) -> Result<T> {
    let row: Option<R> = on_db!(db, |pool| sqlx::query_as(text).bind(id.to_string()).fetch_optional(pool).await)?;
    row.ok_or_else(|| Error::not_found(what, id))?.try_into()
}

/// Everything `text` finds by the id of its owner, in its order.
pub(super) async fn all_of<R: Row, T: TryFrom<R, Error = Error>>(
    db: &Db,
    text: &'static str,
    owner: &impl ToString,
) -> Result<Vec<T>> {
    rows_of::<R>(db, text, owner).await?.into_iter().map(T::try_from).collect()
}

/// The same of what can be read, for lists that people look at.
pub(super) async fn readable_of<R: Row, T: TryFrom<R, Error = Error>>(
    db: &Db,
    text: &'static str,
    owner: &impl ToString,
) -> Result<Vec<T>> {
    readable(rows_of::<R>(db, text, owner).await?)
}

async fn rows_of<R: Row>(db: &Db, text: &'static str, owner: &impl ToString) -> Result<Vec<R>> {
    Ok(on_db!(db, |pool| sqlx::query_as(text).bind(owner.to_string()).fetch_all(pool).await)?)
}

/// The ids `text` finds, of rows of `table`, in its order.
pub(super) async fn ids<I: FromStr<Err: Display>>(db: &Db, text: &'static str, table: &'static str) -> Result<Vec<I>> {
    let rows: Vec<String> = on_db!(db, |pool| sqlx::query_scalar(text).fetch_all(pool).await)?;
    rows.iter().map(|id| Reading { table, id }.key()).collect()
}

/// The ids of rows of `table` that start or end with `part` (any case), as `text` finds them; nothing for a part no id can have.
pub(super) async fn find<I: FromStr<Err: Display>>(
    db: &Db,
    text: &'static str,
    table: &'static str,
    part: &str,
) -> Result<Vec<I>> {
    let part = part.to_ascii_lowercase();
    if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return Ok(Vec::new());
    }
    let rows: Vec<String> = on_db!(db, |pool| sqlx::query_scalar(text)
        .bind(format!("{part}%"))
        .bind(format!("%{part}"))
        .fetch_all(pool)
        .await)?;
    rows.iter().map(|id| Reading { table, id }.key()).collect()
}

/// A page of the rows of a project that can be read; `text` takes the project, the id to go on after, null for the first ones,
/// and how many. Damaged rows take nobody's place.
pub(super) async fn page_of_project<R: Row, T: TryFrom<R, Error = Error>>(
    db: &Db,
    text: &'static str,
    project: ProjectId,
    after: Option<impl ToString>,
    limit: u32,
    id: fn(&R) -> &str,
) -> Result<Vec<T>> {
    let fetch = |after: Option<String>, limit: i64| -> Boxed<'_, Result<Vec<R>>> {
        Box::pin(async move {
            let key = project.to_string();
            Ok(on_db!(db, |pool| sqlx::query_as(text).bind(&key).bind(&after).bind(limit).fetch_all(pool).await)?)
        })
    };
    page(after, limit, id, fetch).await
}

/// Those of many rows that can be read: of a list a damaged row costs itself, not the list. `studiod check --deep` names it.
pub(super) fn readable<R, T: TryFrom<R, Error = Error>>(rows: Vec<R>) -> Result<Vec<T>> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        match T::try_from(row) {
            Ok(one) => all.push(one),
            Err(error @ Error::Corrupt { .. }) => tracing::error!(%error, "a row is left out of a list"),
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// A page of the rows that can be read: `limit` of them after the one with the id `after`, fewer at the end only.
/// `fetch` gets so many rows after an id.
pub(super) async fn page<'a, R: Row, T: TryFrom<R, Error = Error>>(
    after: Option<impl ToString>,
    limit: u32,
    id: fn(&R) -> &str,
    fetch: impl Fn(Option<String>, i64) -> Boxed<'a, Result<Vec<R>>>,
) -> Result<Vec<T>> {
    let (mut after, mut all) = (after.map(|id| id.to_string()), Vec::new());
    loop {
        let wanted = limit as usize - all.len();
        let rows = fetch(after, wanted as i64).await?;
        let (found, last) = (rows.len(), rows.last().map(|row| id(row).to_owned()));
        all.extend(readable(rows)?);
        if found < wanted || all.len() >= limit as usize {
            return Ok(all);
        }
        after = last;
    }
}

/// Deletes, by `delete`, what an owner has under numbers that are not to be kept; `numbers` finds all it has.
pub(super) async fn keep_numbers(
    tx: &mut Tx<'_>,
    (numbers, delete): (&'static str, &'static str),
    owner: &str,
    kept: &[u32],
) -> Result<()> {
    let there: Vec<i64> = on_tx!(tx, |conn| sqlx::query_scalar(numbers).bind(owner).fetch_all(conn).await)?;
    for gone in there.into_iter().filter(|number| !kept.iter().any(|kept| i64::from(*kept) == *number)) {
        on_tx!(tx, |conn| sqlx::query(delete).bind(owner).bind(gone).execute(conn).await.map(drop))?;
    }
    Ok(())
}

/// A table of things with a state; [`stated`] makes it.
#[derive(Clone, Copy)]
pub(super) struct Stated {
    /// Its name in the database.
    pub table: &'static str,
    /// What a row is, for errors.
    pub what: &'static str,
    /// Reads the state of the row `$1`.
    pub read: &'static str,
    /// Sets the state of the row `$1` to `$2`.
    pub write: &'static str,
    /// Fails the rows with the ids of the list `$1`, on `SQLite` and on `PostgreSQL`.
    pub fail: (&'static str, &'static str),
}

/// The table of that name, whose rows are called so.
macro_rules! stated {
    ($table:literal, $what:literal) => {
        $crate::store::table::Stated {
            table: $table,
            what: $what,
            read: concat!("select state from ", $table, " where id = $1"),
            write: concat!("update ", $table, " set state = $2 where id = $1"),
            fail: (
                concat!("update ", $table, " set state = 'failed' where id in (select value from json_each($1))"),
                concat!("update ", $table, " set state = 'failed' where id in (select jsonb_array_elements_text($1))"),
            ),
        }
    };
}
pub(super) use stated;

impl Stated {
    /// Moves one to another state; [`Error::Conflict`] when it may not go there from where it is.
    pub(super) async fn set_state<S: Serialize + DeserializeOwned + Copy>(
        self,
        tx: &mut Tx<'_>,
        id: &impl ToString,
        next: S,
        may: fn(S, S) -> bool,
    ) -> Result<()> {
        let key = id.to_string();
        let found: Option<String> =
            on_tx!(tx, |conn| sqlx::query_scalar(self.read).bind(&key).fetch_optional(conn).await)?;
        step(Reading { table: self.table, id: &key }, self.what, found.as_deref(), next, may)?;
        on_tx!(tx, |conn| sqlx::query(self.write).bind(&key).bind(word(&next)).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Ends these without a result, wherever they are, as if they were being made: one statement however many they are.
    pub(super) async fn fail_all(self, tx: &mut Tx<'_>, ids: &[impl Serialize + ToString]) -> Result<()> {
        let list = JsonText::of(&ids);
        let done = on_tx_each!(tx, (self.fail.0, self.fail.1), |sql, conn| sqlx::query(sql)
            .bind(list)
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        let missing = ids.first().filter(|_| done < ids.len() as u64);
        missing.map_or(Ok(()), |first| Err(Error::not_found(self.what, first)))
    }
}

/// A table of things a person says something of, in its column `sheet`; [`described`] makes it.
#[derive(Clone, Copy)]
pub(super) struct Described {
    /// Its name in the database.
    pub table: &'static str,
    /// What a row is, for errors.
    pub what: &'static str,
    /// Reads the ids and sheets of the project `$1`, by slug.
    pub all: &'static str,
    /// Reads the sheet of the row `$1`.
    pub read: &'static str,
    /// Sets the sheet of the row `$1` to `$2`.
    pub write: &'static str,
}

/// The table of that name, whose rows are called so.
macro_rules! described {
    ($table:literal, $what:literal) => {
        $crate::store::table::Described {
            table: $table,
            what: $what,
            all: concat!("select id, sheet from ", $table, " where project_id = $1 order by slug"),
            read: concat!("select sheet from ", $table, " where id = $1"),
            write: concat!("update ", $table, " set sheet = $2 where id = $1"),
        }
    };
}
pub(super) use described;

impl Described {
    /// What a person has said of those of a project, by id.
    pub(super) async fn sheets<I: FromStr<Err: Display>, S: DeserializeOwned>(
        self,
        db: &Db,
        project: &impl ToString,
    ) -> Result<Vec<(I, S)>> {
        let rows: Vec<(String, JsonText)> =
            on_db!(db, |pool| sqlx::query_as(self.all).bind(project.to_string()).fetch_all(pool).await)?;
        let read = |(id, sheet): (String, JsonText)| {
            let reading = Reading { table: self.table, id: &id };
            Ok((reading.key()?, reading.json("sheet", &sheet)?))
        };
        rows.into_iter().map(read).collect()
    }

    /// What a person has said of one.
    pub(super) async fn sheet<S: DeserializeOwned>(self, db: &Db, id: &impl ToString) -> Result<S> {
        let key = id.to_string();
        let found: Option<JsonText> =
            on_db!(db, |pool| sqlx::query_scalar(self.read).bind(&key).fetch_optional(pool).await)?;
        let found = found.ok_or_else(|| Error::not_found(self.what, id))?;
        Reading { table: self.table, id: &key }.json("sheet", &found)
    }

    /// Keeps what a person says of one.
    pub(super) async fn set_sheet(self, tx: &mut Tx<'_>, id: &impl ToString, sheet: &impl Serialize) -> Result<()> {
        let done = on_tx!(tx, |conn| sqlx::query(self.write)
            .bind(id.to_string())
            .bind(JsonText::of(sheet))
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
        met(done, self.what, id)
    }
}
