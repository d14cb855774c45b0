//! Errors of the store, by what the caller can do about them.

use std::{io, path::PathBuf};

/// Result of every store function.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing has this id.
    #[error("failed to find the {what} {id}")]
    NotFound {
        /// What was looked for, as a noun, e.g. `take`.
        what: &'static str,
        /// The id that was looked for.
        id: String,
    },
    /// What is stored forbids the change.
    #[error("failed to change the database: {0}")]
    Conflict(String),
    /// Screenplays and the library tell shows apart by their titles.
    #[error("a show called '{0}' is in this studio already; choose another title")]
    TitleTaken(String),
    /// A row holds what the program never writes.
    #[error("failed to read column {column} of {table} {id}: {why}; restore a backup, or run `studiod check --deep`")]
    Corrupt {
        /// Name of the table the row is in.
        table: &'static str,
        /// Name of the column that cannot be read.
        column: &'static str,
        /// Primary key of the row.
        id: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is no room for more.
    #[error("failed to write the database: the disk is full; free some space and try again")]
    DiskFull(#[source] sqlx::Error),
    /// Somebody else is writing for too long.
    #[error("failed to get a turn at the database: somebody else holds it; try again")]
    Busy(#[source] sqlx::Error),
    /// The database cannot be reached or opened.
    #[error("failed to reach the database: {0}")]
    Unavailable(String),
    /// A newer studiod has worked on the database.
    #[error(
        "failed to open the database: it was written by a newer studiod (schema {found}, this one knows {known}); install that version or use another data folder"
    )]
    Newer {
        /// Schema of the database.
        found: i64,
        /// Newest schema of this program.
        known: i64,
    },
    /// Another studiod works on the same data.
    #[error(
        "failed to lock {what}: another studiod ({holder}) works on it; stop that one first, or use another data folder"
    )]
    Held {
        /// File or database.
        what: String,
        /// Who has it.
        holder: String,
    },
    /// A file beside the database could not be used.
    #[error("failed to use {path}: {source}")]
    File {
        /// Path of the file, or of its folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Anything else the database says.
    #[error("failed to use the database: {0}")]
    Other(#[source] sqlx::Error),
    /// The database's schema could not be brought up to date.
    #[error("failed to bring the database up to date: {0}")]
    Migration(#[source] sqlx::migrate::MigrateError),
}

impl Error {
    /// That there is no room for more.
    pub fn disk_full() -> Self {
        Self::DiskFull(sqlx::Error::Io(io::ErrorKind::StorageFull.into()))
    }

    /// That there is no `what` with this id.
    pub fn not_found(what: &'static str, id: &impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Self::Busy(error),
            sqlx::Error::Io(io) if io.kind() == io::ErrorKind::StorageFull => Self::DiskFull(error),
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::Unavailable(error.to_string())
            }
            sqlx::Error::Database(said) => {
                let code = said.code().unwrap_or_default().into_owned();
                let broken_rule =
                    said.is_unique_violation() || said.is_foreign_key_violation() || said.is_check_violation();
                if broken_rule {
                    return Self::Conflict(said.message().to_owned());
                }
                match said.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
                    Some(_) => Self::from_sqlite(&code, error),
                    None => Self::from_postgres(&code, error),
                }
            }
            _ => Self::Other(error),
        }
    }
}

impl Error {
    /// By the result codes of `SQLite`, <https://sqlite.org/rescode.html>: the low byte is the kind.
    fn from_sqlite(code: &str, error: sqlx::Error) -> Self {
        const IOERR_SHMSIZE: i32 = 4874; // the shared-memory file of the log could not grow
        let code: i32 = code.parse().unwrap_or_default();
        match code & 0xff {
            _ if code == IOERR_SHMSIZE => Self::DiskFull(error),
            13 => Self::DiskFull(error),
            5 | 6 => Self::Busy(error),
            8 => Self::Unavailable(format!("{error}; the file cannot be written")),
            14 => Self::Unavailable(format!("{error}; the folder must exist and be writable")),
            11 | 26 => Self::Unavailable(format!("{error}; restore the file from a backup")),
            _ => Self::Other(error),
        }
    }

    /// By `PostgreSQL`'s codes, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    fn from_postgres(code: &str, error: sqlx::Error) -> Self {
        match code {
            "53100" => Self::DiskFull(error),
            "40P01" | "40001" | "55P03" | "53300" => Self::Busy(error),
            // The database lets nobody in now.
            "55000" => Self::Unavailable(error.to_string()),
            _ if code.starts_with("08") || code.starts_with("57P") || code.starts_with("28") || code == "3D000" => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Other(error),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for Error {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => error.into(),
            sqlx::migrate::MigrateError::ExecuteMigration(error, version) => match error.into() {
                Self::Other(error) => Self::Migration(sqlx::migrate::MigrateError::ExecuteMigration(error, version)),
                known => known,
            },
            error => Self::Migration(error),
        }
    }
}
