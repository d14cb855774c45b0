//! Opening: pools with their settings, and who may change the schema meanwhile.

use std::{
    fs::{File, OpenOptions, Permissions, TryLockError},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    time::Duration,
};

use sqlx::{
    Connection,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Db, Error, Result};

/// How long a writer waits for the one before, and a query for a free connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a process waits for another one that is bringing the schema up to date.
const SCHEMA_PATIENCE: Duration = Duration::from_secs(30);
/// Rows a connection reads before somebody takes them: a film has thousands, and few turns between threads are many times
/// faster than one for every row.
const ROWS_AHEAD: usize = 1024;
/// Connections per process: readers work beside one writer.
const CONNECTIONS: u32 = 4;

/// Opens the file at `path`, made when it is not there, and its folder too.
pub(super) async fn sqlite(path: &Path) -> Result<Db> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let failed = |source| Error::File { path: dir.to_owned(), source };
    std::fs::create_dir_all(dir).map_err(failed)?;
    // It holds the password's hash. SQLite gives the files beside it the same rights.
    private(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    // sqlx locks the schema on PostgreSQL only. The folder itself is locked, so no file is left behind.
    let _schema = locked(dir).await?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .row_buffer_size(ROWS_AHEAD);
    // On a full disk SQLite takes a write back by itself; the driver then fails to, and would count the connection as in
    // a transaction for ever. Such a one is closed, not used again.
    let pool = SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(2 * PATIENCE)
        .before_acquire(|conn, _| Box::pin(async move { Ok(!conn.is_in_transaction()) }))
        .connect_with(options)
        .await
        .map_err(|error| unreachable_at(&path.display().to_string(), error))?;
    let db = Db::Sqlite(pool);
    db.migrate().await?;
    Ok(db)
}

/// Lets only this user read the file at `path`, which is made when it is not there.
fn private(path: &Path) -> std::io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let rights = file.metadata()?.permissions();
    if rights.mode() & 0o777 == 0o600 {
        return Ok(());
    }
    // One that somebody else owns, but lends, is theirs to protect.
    match file.set_permissions(Permissions::from_mode(0o600)) {
        Err(error) if error.kind() != std::io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}

/// Connects to the server at `url`; sqlx locks the schema while it changes.
pub(super) async fn postgres(url: &str) -> Result<Db> {
    let options: PgConnectOptions = url.parse().map_err(|error| unreachable_at("the given address", error))?;
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(2 * PATIENCE)
        .before_acquire(|conn, _| Box::pin(async move { Ok(!conn.is_in_transaction()) }))
        .connect_with(options.application_name("studiod"))
        .await
        .map_err(|error| unreachable_at(&place, error))?;
    let db = Db::Postgres(pool);
    db.migrate().await?;
    Ok(db)
}

/// A lock on the folder `dir`, held until the file is dropped.
async fn locked(dir: &Path) -> Result<File> {
    let failed = |source| Error::File { path: dir.to_owned(), source };
    let folder = File::open(dir).map_err(failed)?;
    let wait = async {
        loop {
            match folder.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    };
    match tokio::time::timeout(SCHEMA_PATIENCE, wait).await {
        Ok(done) => done.map(|()| folder),
        Err(_) => Err(Error::Unavailable(format!(
            "somebody else has been changing its schema in {} for {} s",
            dir.display(),
            SCHEMA_PATIENCE.as_secs()
        ))),
    }
}

/// Adds where to an error of the first connection, unless its kind already says what to do.
fn unreachable_at(place: &str, error: sqlx::Error) -> Error {
    match Error::from(error) {
        Error::Unavailable(why) => Error::Unavailable(format!("{why} (at {place})")),
        Error::Other(error) => Error::Unavailable(format!("{error} (at {place})")),
        known => known,
    }
}
