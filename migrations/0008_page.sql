-- What people write and who may: screenplays as written, what projects and characters are about, tokens.

-- What a project is about and how it looks: object, core `About`.
alter table projects add column about jsonb not null default '{}';
-- What is special about a character: object, core `Sheet`.
alter table characters add column sheet jsonb not null default '{}';

-- The screenplay of each episode, as it was written last.
create table screenplays (
    -- The episode.
    episode_id text not null primary key references episodes (id) on delete cascade,
    -- Its text in Fountain, UTF-8.
    text text not null,
    -- When it was written.
    written_ms bigint not null
);

-- Who may use the studio from outside the house.
create table tokens (
    -- Identity; the token itself carries it.
    id text not null primary key check (length(id) = 36),
    -- What a person calls it.
    name text not null check (name <> ''),
    -- What it may do: array of read, review, write, admin.
    scopes jsonb not null,
    -- The one project it may see; null: all of them.
    project_id text references projects (id) on delete cascade,
    -- When it was given out.
    created_ms bigint not null,
    -- When it ends; null: never.
    expires_ms bigint,
    -- When it was taken back; null: it was not.
    revoked_ms bigint,
    -- When it was used last, to the minute; null: never.
    used_ms bigint
);

-- The owner's password for the login page: at most one row.
create table passwords (
    -- Always 1.
    id bigint not null primary key check (id = 1),
    -- Argon2id, as a PHC string.
    hash text not null,
    -- When it was set.
    set_ms bigint not null
);

-- Answers to requests that named an idempotency key, kept for a day.
create table answers (
    -- The key the client chose.
    key text not null primary key check (length(key) between 1 and 200),
    -- SHA-256 of method, address and body: the same key for something else is a mistake.
    request text not null check (length(request) = 64),
    -- HTTP status.
    status bigint not null check (status between 100 and 599),
    -- Content type; empty when there is no body.
    kind text not null,
    -- Body.
    body text not null,
    -- When.
    answered_ms bigint not null
);
create index answers_by_time on answers (answered_ms);
create index decisions_by_kind_page on decisions (kind, id);
