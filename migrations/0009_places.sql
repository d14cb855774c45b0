-- What people say of places, stories that are being written, and quiet hours set on the page.

-- How a place looks: object, core `location::Sheet`.
alter table locations add column sheet jsonb not null default '{}';

-- Ideas that a text model turns into screenplays.
create table stories (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- What was asked for: object, web `Idea`.
    idea jsonb not null,
    -- writing, told or failed.
    state text not null,
    -- The screenplay in Fountain; empty until it is told.
    text text not null,
    -- Why it failed, in one sentence; empty when it did not.
    why text not null,
    -- When it was asked for.
    created_ms bigint not null,
    -- When it was told or failed; null while it is written.
    ended_ms bigint
);

-- Settings that people change on the page; what is not here is as the settings file says.
create table settings (
    -- Which: quiet.
    name text not null primary key,
    -- Its value; of quiet: array of core `QuietHours`.
    value jsonb not null,
    -- When it was set.
    set_ms bigint not null
);
