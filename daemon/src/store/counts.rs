//! Counts: how full the database is, without saying of what.

use super::{Db, Result, on_db};

const SQLITE_TABLES: &str =
    "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name";
const POSTGRES_TABLES: &str = "
    select cast(table_name as text) from information_schema.tables
    where table_schema = current_schema() and table_type = 'BASE TABLE'
    order by table_name";

/// Rows of every table, by its name; the table of migrations is one of them.
pub async fn of_tables(db: &Db) -> Result<Vec<(String, u64)>> {
    let tables: Vec<String> = match db {
        Db::Sqlite(pool) => sqlx::query_scalar(SQLITE_TABLES).fetch_all(pool).await?,
        Db::Postgres(pool) => sqlx::query_scalar(POSTGRES_TABLES).fetch_all(pool).await?,
    };
    let mut counts = Vec::with_capacity(tables.len());
    for table in tables {
        // The name comes out of the database's own catalogue.
        let sql = || sqlx::AssertSqlSafe(format!("select count(*) from \"{}\"", table.replace('"', "\"\"")));
        let rows: i64 = on_db!(db, |pool| sqlx::query_scalar(sql()).fetch_one(pool).await)?;
        counts.push((table, rows.unsigned_abs()));
    }
    Ok(counts)
}
