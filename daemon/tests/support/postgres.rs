//! A database of one test's own in the private `PostgreSQL` of `scripts/with-postgres`.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// A database that is there as long as this value is.
pub struct Private {
    server: String,
    name: String,
}

impl Private {
    /// Makes a database; panics with the remedy when there is no server to make it in.
    pub async fn new() -> Self {
        let server = std::env::var("STUDIOD_TEST_POSTGRES").expect(
            "this test needs a PostgreSQL of its own: run the tests as `scripts/with-postgres cargo nextest run`, \
             or through `make test`; STUDIOD_TEST_POSTGRES is not set",
        );
        let name = format!("t_{}", uuid::Uuid::now_v7().simple());
        run(&server, format!("create database {name}")).await;
        Self { server, name }
    }

    /// Where it is, for `Db::open`.
    pub fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("the server's address names a database");
        format!("{server}/{}", self.name)
    }

    /// Ends every connection and lets nobody in, as a server that restarts.
    pub async fn shut(&self) {
        let name = &self.name;
        run(&self.server, format!("alter database {name} allow_connections false")).await;
        let kill = "select pg_terminate_backend(pid) from pg_stat_activity where datname";
        run(&self.server, format!("{kill} = '{name}'")).await;
    }

    /// Lets everybody in again.
    pub async fn open(&self) {
        run(&self.server, format!("alter database {} allow_connections true", self.name)).await;
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let (server, drop_it) = (self.server.clone(), format!("drop database {} with (force)", self.name));
        // The test's own runtime cannot be waited for from inside of it.
        let done = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(run(&server, drop_it));
        });
        let _ = done.join();
    }
}

async fn run(server: &str, sql: String) {
    let mut admin = PgConnection::connect(server).await.expect("the server of STUDIOD_TEST_POSTGRES answers");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut admin).await.expect("the server does as told");
}
