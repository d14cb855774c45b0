//! The store: what the studio knows, on `SQLite` or `PostgreSQL`, from one set of queries and migrations.
//!
//! Reads take a [`Db`]; writes take a [`Tx`], and writers are one at a time on both databases, so a decision
//! is committed whole or not at all and event numbers have no gaps. One file per noun; what a noun's file
//! returns are the core's own types, made from rows that are checked on the way (`rows`).
//!
//! SQL is lower case, parameters are `$1..$n`, and no query reads a clock or draws a random number. Where the
//! two dialects differ, two constants stand side by side (`assets`, `check` and this file).

pub mod access;
pub mod analytics;
pub mod answers;
pub mod assets;
pub mod attempts;
pub mod by_hand;
pub mod characters;
pub mod check;
pub mod counts;
pub mod dataset_pictures;
pub mod dataset_reviews;
pub mod dataset_seen;
pub mod datasets;
pub mod decisions;
pub mod dependencies;
pub mod episodes;
mod error;
pub mod events;
pub mod fleet;
pub mod golden;
pub mod ingests;
pub mod learning;
pub mod locations;
mod lock;
pub mod loras;
mod open;
pub mod opinions;
mod picture_columns;
pub mod picture_history;
pub mod pictures;
pub mod placed_loras;
pub mod portraits;
pub mod productions;
pub mod projects;
mod rows;
pub mod scenes;
pub mod screenplays;
pub mod shots;
pub mod stories;
mod table;
pub mod takes;
pub mod tasks;
pub mod trainings;
pub mod unnamed_pictures;

pub use error::{Error, Result};
pub use lock::{Lock, SharedLock};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction, migrate::Migrator};

/// Every change of the schema, oldest first.
static MIGRATIONS: Migrator = sqlx_macros::migrate!("../migrations");

/// One writer at a time on `PostgreSQL` too, and none waits longer than on `SQLite`. The first number says
/// "stud", the second which lock of the studio; `lock` uses the other one.
const POSTGRES_TURN: &str = "set local lock_timeout = '5s'; select pg_advisory_xact_lock(1937012068, 2)";

/// `SQLite`'s own way of one writer at a time: a later upgrade from reader to writer could deadlock.
const SQLITE_TURN: &str = "begin immediate";

/// The database: clones share one pool.
#[derive(Debug, Clone)]
pub enum Db {
    /// A file beside the kept files.
    Sqlite(SqlitePool),
    /// A database of a `PostgreSQL` server.
    Postgres(PgPool),
}

/// A write in progress; nothing of it stays unless it is committed.
#[derive(Debug)]
pub enum Tx<'c> {
    /// A transaction on `SQLite`.
    Sqlite(Transaction<'c, Sqlite>),
    /// A transaction on `PostgreSQL`.
    Postgres(Transaction<'c, Postgres>),
}

/// Writes a read once and compiles it for both databases.
macro_rules! on_db {
    ($db:expr, |$pool:ident| $body:expr) => {
        match $db {
            $crate::store::Db::Sqlite($pool) => $body,
            $crate::store::Db::Postgres($pool) => $body,
        }
    };
}
use on_db;

/// Writes a write once and compiles it for both databases.
macro_rules! on_tx {
    ($tx:expr, |$conn:ident| $body:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(open) => {
                let $conn = &mut **open;
                $body
            }
            $crate::store::Tx::Postgres(open) => {
                let $conn = &mut **open;
                $body
            }
        }
    };
}
use on_tx;

/// A read whose text differs: the one for `SQLite`, the one for `PostgreSQL`.
macro_rules! on_db_each {
    ($db:expr, ($sqlite:expr, $postgres:expr), |$sql:ident, $pool:ident| $body:expr) => {
        match $db {
            $crate::store::Db::Sqlite($pool) => {
                let $sql = $sqlite;
                $body
            }
            $crate::store::Db::Postgres($pool) => {
                let $sql = $postgres;
                $body
            }
        }
    };
}
use on_db_each;

/// A write whose text differs: the one for `SQLite`, the one for `PostgreSQL`.
macro_rules! on_tx_each {
    ($tx:expr, ($sqlite:expr, $postgres:expr), |$sql:ident, $conn:ident| $body:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(open) => {
                let ($sql, $conn) = ($sqlite, &mut **open);
                $body
            }
            $crate::store::Tx::Postgres(open) => {
                let ($sql, $conn) = ($postgres, &mut **open);
                $body
            }
        }
    };
}
use on_tx_each;

/// Rows that go with one statement: what is written at once stays small, and a plan of any length takes few statements.
const AT_ONCE: usize = 500;

impl Db {
    /// Opens the database at `sqlite:PATH`, `postgres://...` or a plain path, and brings its schema up to date.
    ///
    /// A file that is not there is made, unless the place looks like another database's. Processes that open at the same time wait
    /// for each other.
    pub async fn open(at: &str) -> Result<Self> {
        if let Some(path) = at.strip_prefix("sqlite:") {
            return open::sqlite(path.as_ref()).await;
        }
        // Only the scheme is told: the rest may hold a password.
        let scheme = at.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        match scheme.as_deref() {
            Some("postgres" | "postgresql") => open::postgres(at).await,
            Some(other) if other.bytes().all(|byte| byte.is_ascii_alphanumeric()) => Err(Error::Unavailable(format!(
                "an address that begins with '{other}://' is no database the studio knows; write postgres:// or a path"
            ))),
            _ if at.is_empty() => {
                Err(Error::Unavailable("its address is empty; write postgres:// or a path".to_owned()))
            }
            _ => open::sqlite(at.as_ref()).await,
        }
    }

    /// Brings the schema up to date; a database newer than this program is refused.
    async fn migrate(&self) -> Result<()> {
        let known = MIGRATIONS.iter().map(|one| one.version).max().unwrap_or_default();
        match on_db!(self, |pool| MIGRATIONS.run(pool).await) {
            Err(sqlx::migrate::MigrateError::VersionMissing(found)) if found > known => {
                Err(Error::Newer { found, known })
            }
            done => Ok(done?),
        }
    }

    /// Begins a write, waiting at most 5 seconds for the writer before ([`Error::Busy`]). [`Error::Held`]: this process was
    /// the conductor, and another one is.
    pub async fn begin(&self) -> Result<Tx<'static>> {
        match self {
            Self::Sqlite(pool) => Ok(Tx::Sqlite(pool.begin_with(SQLITE_TURN).await?)),
            Self::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::raw_sql(POSTGRES_TURN).execute(&mut *tx).await?;
                lock::prove(&mut tx).await?;
                Ok(Tx::Postgres(tx))
            }
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        on_db!(self, |pool| sqlx::query("select 1").execute(pool).await.map(drop))?;
        Ok(())
    }

    /// Closes every connection, waiting for those in use.
    pub async fn close(&self) {
        on_db!(self, |pool| pool.close().await);
    }
}

impl Tx<'_> {
    /// Makes everything written so far permanent, power cuts included.
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Takes everything back; dropping does the same a little later.
    pub async fn rollback(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await?,
            Self::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}
