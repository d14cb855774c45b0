-- Ingests: videos, sent or fetched, whose frames become pictures of datasets.

create table ingests (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- Whose dataset the frames go into.
    character_id text not null references characters (id) on delete cascade,
    -- Where the video is from: object, core `IngestSource`.
    source jsonb not null,
    -- Which part of it is looked at, and how many frames are taken: object, core `Excerpt`.
    excerpt jsonb not null,
    -- waiting, running, done, failed or cancelled.
    state text not null,
    -- How far it is: object, core `IngestProgress`.
    progress jsonb not null,
    -- What came of it: object, core `IngestCounts`.
    counts jsonb not null,
    -- Which frames are taken, in milliseconds from the start of the video: list; null before it was looked through.
    chosen jsonb,
    -- Why it failed: object, core `IngestFault`; null when it did not.
    fault jsonb,
    -- When it was asked for.
    created_ms bigint not null,
    -- When it was begun; null while it waits.
    began_ms bigint,
    -- When it ended; null while it has not.
    ended_ms bigint
);
create index ingests_by_character on ingests (character_id, id);
create index ingests_open on ingests (id) where state in ('waiting', 'running');
