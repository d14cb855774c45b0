-- How an episode is made: the script as read and every setting that decides the result, so that a restart goes on
-- with exactly what was asked for.
create table productions (
    -- The episode.
    episode_id text not null primary key references episodes (id) on delete cascade,
    -- The whole plan: object (core production::Production).
    plan jsonb not null
);
