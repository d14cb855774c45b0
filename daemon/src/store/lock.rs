//! The conductor's lock: two conductors on the same data would undo each other's work.

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};

use super::{Db, Error, Result};

/// How long a server may take to say that it still knows us.
const ANSWER: Duration = Duration::from_secs(5);
const TRY: &str = "select pg_try_advisory_lock(1937012068, 1)";
const HOLDER: &str = "
    select coalesce(nullif(a.application_name, ''), 'unnamed') || coalesce(' at ' || host(a.client_addr), '')
      from pg_locks l join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.classid = 1937012068 and l.objid = 1 and l.granted
       and l.database = (select oid from pg_database where datname = current_database())";
const ANOTHER: &str = "
    select coalesce(nullif(a.application_name, ''), 'unnamed') || coalesce(' at ' || host(a.client_addr), '')
      from pg_locks l left join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.classid = 1937012068 and l.objid = 1 and l.granted
       and l.database = (select oid from pg_database where datname = current_database())
       and a.application_name is distinct from $1";

/// Locks on `PostgreSQL` databases that this process has taken and not given back.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Refuses a write of a conductor whose lock a server has forgotten and somebody else has taken since: [`Error::Held`].
///
/// Asked when it is the writer's turn: whoever takes the lock waits for a turn too before anything is read, so a write
/// that passes here is over by then. Processes that never held the lock write few things, none of them a conductor's.
pub(super) async fn prove(tx: &mut PgConnection) -> Result<()> {
    if TAKEN.load(Ordering::SeqCst) == 0 {
        return Ok(());
    }
    let holder: Option<String> = sqlx::query_scalar(ANOTHER).bind(own_name()).fetch_optional(tx).await?;
    holder.map_or(Ok(()), |holder| Err(Error::Held { what: "the database".to_owned(), holder }))
}

/// Held by the one conductor of a data folder and its database; given back when dropped or when the process dies.
#[derive(Debug)]
pub struct Lock {
    file: File,
    session: Option<PgConnection>,
    /// Whether it is counted in [`TAKEN`].
    on_server: bool,
}

/// The lock as everybody in the process has it who may have to take it again.
pub type SharedLock = std::sync::Arc<tokio::sync::Mutex<Lock>>;

impl Lock {
    /// Locks `dir/studiod.lock`, and on `PostgreSQL` the database too; [`Error::Held`] says who has it.
    pub async fn take(db: &Db, dir: &Path) -> Result<Self> {
        let file = lock_file(&dir.join("studiod.lock"))?;
        let session = match db {
            Db::Sqlite(_) => None,
            Db::Postgres(pool) => {
                let session = lock_database(pool).await?;
                TAKEN.fetch_add(1, Ordering::SeqCst);
                Some(session)
            }
        };
        let on_server = session.is_some();
        let lock = Self { file, session, on_server };
        lock.after_others(db).await?;
        Ok(lock)
    }

    /// Waits until a write of whoever held it before is over.
    async fn after_others(&self, db: &Db) -> Result<()> {
        if self.session.is_some() {
            db.begin().await?.rollback().await?;
        }
        Ok(())
    }

    /// Whether the lock is still held, and takes it again where a `PostgreSQL` server that was restarted has forgotten
    /// it. [`Error::Held`]: somebody else was faster. Any other error: the server does not say now.
    pub async fn check(&mut self, db: &Db) -> Result<()> {
        let Db::Postgres(pool) = db else { return Ok(()) };
        if let Some(session) = &mut self.session {
            match tokio::time::timeout(ANSWER, session.ping()).await {
                Ok(Ok(())) => return Ok(()),
                // The server lets the lock go when it sees that the connection is closed.
                _ => self.session = None,
            }
        }
        let taken = tokio::time::timeout(ANSWER, lock_database(pool)).await;
        match taken.unwrap_or_else(|_| Err(Error::Unavailable("the server does not answer".into()))) {
            Ok(session) => {
                tracing::info!("the lock on the database is taken again");
                self.session = Some(session);
                self.after_others(db).await
            }
            // Our own connection, of which the server has not seen the end yet.
            Err(Error::Held { holder, .. })
                if holder == own_name() || holder.starts_with(&format!("{} at ", own_name())) =>
            {
                Err(Error::Unavailable("the server still holds the connection from before".into()))
            }
            Err(error) => Err(error),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A stale pid would only mislead people who look into the file; the lock itself ends with the handle.
        let _ = self.file.set_len(0);
        if self.on_server {
            TAKEN.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Locks the file at `path` and writes our pid into it.
fn lock_file(path: &Path) -> Result<File> {
    let failed = |source| Error::File { path: PathBuf::from(path), source };
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(failed)?;
            let holder =
                if pid.trim().is_empty() { "just starting".to_owned() } else { format!("process {}", pid.trim()) };
            return Err(Error::Held { what: path.display().to_string(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

/// This process as another one reads who holds the lock.
fn own_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("process {} on {}", std::process::id(), host.trim()).chars().take(60).collect()
}

/// Locks the database on a connection of its own, named so that a second conductor can say who holds it.
async fn lock_database(pool: &PgPool) -> Result<PgConnection> {
    let options = (*pool.connect_options()).clone().application_name(&own_name());
    let mut session = options.connect().await?;
    if sqlx::query_scalar(TRY).fetch_one(&mut session).await? {
        return Ok(session);
    }
    let holder: Option<String> = sqlx::query_scalar(HOLDER).fetch_optional(&mut session).await?;
    Err(Error::Held { what: "the database".to_owned(), holder: holder.unwrap_or_else(|| "just starting".to_owned()) })
}
