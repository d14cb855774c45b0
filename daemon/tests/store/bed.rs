//! One empty database per test.

use sqlx::AssertSqlSafe;
use studiod::store::{Db, Tx};
use tempfile::TempDir;

use crate::postgres::Private;

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Sqlite,
    Postgres,
}

/// An empty database and a folder, both gone afterwards.
pub struct Bed {
    pub dir: TempDir,
    private: Option<Private>,
}

impl Bed {
    pub async fn new(which: Which) -> Self {
        let private = match which {
            Which::Sqlite => None,
            Which::Postgres => Some(Private::new().await),
        };
        Self { dir: tempfile::tempdir().expect("a temporary folder"), private }
    }

    /// The database of a test on `PostgreSQL`.
    pub fn server(&self) -> &Private {
        self.private.as_ref().expect("this test is for PostgreSQL")
    }

    pub fn url(&self) -> String {
        match &self.private {
            Some(private) => private.url(),
            None => format!("sqlite:{}", self.dir.path().join("studio.db").display()),
        }
    }

    pub async fn open(&self) -> Db {
        Db::open(&self.url()).await.expect("the database opens")
    }
}

/// Runs one write to its commit.
macro_rules! write {
    ($db:expr, |$tx:ident| $body:expr) => {{
        let mut open = $db.begin().await.expect("a write begins");
        let done = {
            let $tx = &mut open;
            $body.await
        };
        if done.is_ok() {
            open.commit().await.expect("a write is committed");
        }
        done
    }};
}
pub(crate) use write;

/// Runs SQL that no store function would.
pub async fn raw(db: &Db, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    match db {
        Db::Sqlite(pool) => drop(sqlx::raw_sql(sql).execute(pool).await.expect("raw sql")),
        Db::Postgres(pool) => drop(sqlx::raw_sql(sql).execute(pool).await.expect("raw sql")),
    }
}

/// The same inside a write.
pub async fn raw_in(tx: &mut Tx<'_>, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    match tx {
        Tx::Sqlite(tx) => drop(sqlx::raw_sql(sql).execute(&mut **tx).await.expect("raw sql")),
        Tx::Postgres(tx) => drop(sqlx::raw_sql(sql).execute(&mut **tx).await.expect("raw sql")),
    }
}
