-- What the scheduler of cards leaves behind, and what people want of it.

-- A person wants it first among its class.
alter table tasks add column pinned boolean not null default false;
-- A person wants it to wait.
alter table tasks add column held boolean not null default false;

-- The most memory that was used on the card while it ran, in MiB; null when nobody measured it.
alter table attempts add column peak_mib bigint check (peak_mib >= 0);
-- What it cost in money, energy and provider together, in the currency of the settings; null when neither is known.
alter table attempts add column money double precision check (money >= 0);
-- The model it was made with; empty for engines without models.
alter table attempts add column model text not null default '';
-- Size, length and effort: what makes its duration comparable to others of its model; empty when nothing is learned.
alter table attempts add column kind text not null default '';
-- It was begun from a take nobody had judged yet.
alter table attempts add column early boolean not null default false;
create index attempts_learned on attempts (ended_ms) where state = 'succeeded' and kind <> '';

-- What rests because a person wanted it so; quiet hours are in the settings.
create table pauses (
    -- studio, gpu, engine or project.
    what text not null,
    -- Name of the card, engine or project; empty for the studio.
    name text not null,
    -- One sentence.
    why text not null,
    -- Since when.
    since_ms bigint not null,
    primary key (what, name)
);

-- What was foretold of an episode, to find out how wrong that was.
create table forecasts (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- The episode.
    episode_id text not null references episodes (id) on delete cascade,
    -- When it was foretold.
    made_ms bigint not null,
    -- How long it takes from then, as likely less as more, in milliseconds.
    median_ms bigint not null check (median_ms >= 0),
    -- How long it takes with nine chances in ten, in milliseconds.
    p90_ms bigint not null check (p90_ms >= 0),
    -- Models that come to a card meanwhile.
    swaps bigint not null check (swaps >= 0),
    -- When it was really done; null until it is.
    done_ms bigint
);
create index forecasts_by_episode on forecasts (episode_id, made_ms);
