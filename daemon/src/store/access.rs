//! Access: tokens and the owner's password.

use studio_core::{
    access::{Scope, Token},
    ids::{ProjectId, TokenId},
    units::Millis,
};

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading, met},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct TokenRow {
    id: String,
    name: String,
    scopes: JsonText,
    project_id: Option<String>,
    created_ms: i64,
    expires_ms: Option<i64>,
    revoked_ms: Option<i64>,
    used_ms: Option<i64>,
}

impl TryFrom<TokenRow> for Token {
    type Error = Error;
    fn try_from(row: TokenRow) -> Result<Self> {
        let reading = Reading { table: "tokens", id: &row.id };
        let scopes: Vec<Scope> = reading.json("scopes", &row.scopes)?;
        Ok(Self {
            id: reading.key()?,
            scopes: scopes.into_iter().collect(),
            project: reading.maybe::<ProjectId>("project_id", row.project_id.as_deref())?,
            created: Millis(row.created_ms),
            expires: row.expires_ms.map(Millis),
            revoked: row.revoked_ms.map(Millis),
            used: row.used_ms.map(Millis),
            name: row.name,
        })
    }
}

const INSERT: &str = "
    insert into tokens (id, name, scopes, project_id, created_ms, expires_ms) values ($1, $2, $3, $4, $5, $6)";

/// Keeps a token that is given out.
pub async fn insert(tx: &mut Tx<'_>, token: &Token) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(INSERT)
        .bind(token.id.to_string())
        .bind(&token.name)
        .bind(JsonText::of(&token.scopes))
        .bind(token.project.map(|id| id.to_string()))
        .bind(token.created.0)
        .bind(token.expires.map(|at| at.0))
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// The token with this id.
pub async fn get(db: &Db, id: TokenId) -> Result<Token> {
    table::one::<TokenRow, _>(db, "select * from tokens where id = $1", "token", &id).await
}

/// All tokens, newest first.
pub async fn list(db: &Db) -> Result<Vec<Token>> {
    let rows: Vec<TokenRow> =
        on_db!(db, |pool| sqlx::query_as("select * from tokens order by id desc").fetch_all(pool).await)?;
    rows.into_iter().map(Token::try_from).collect()
}

/// Takes a token back; one that was taken back before stays so.
pub async fn revoke(tx: &mut Tx<'_>, id: TokenId, now: Millis) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("update tokens set revoked_ms = coalesce(revoked_ms, $2) where id = $1")
        .bind(id.to_string())
        .bind(now.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "token", &id)
}

/// Keeps that a token was used.
pub async fn used(tx: &mut Tx<'_>, id: TokenId, now: Millis) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query("update tokens set used_ms = $2 where id = $1")
        .bind(id.to_string())
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

const SET_PASSWORD: &str = "
    insert into passwords (id, hash, set_ms) values (1, $1, $2)
    on conflict (id) do update set hash = excluded.hash, set_ms = excluded.set_ms";

/// Keeps the owner's password, as an Argon2 PHC string.
pub async fn set_password(tx: &mut Tx<'_>, hash: &str, now: Millis) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(SET_PASSWORD).bind(hash).bind(now.0).execute(conn).await.map(drop))?;
    Ok(())
}

/// The owner's password, as an Argon2 PHC string; `None` when there is none, and nobody can log in.
pub async fn password(db: &Db) -> Result<Option<String>> {
    Ok(on_db!(db, |pool| sqlx::query_scalar("select hash from passwords where id = 1").fetch_optional(pool).await)?)
}
