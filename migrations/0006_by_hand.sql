-- What people put in place of what the studio would make, and the further takes they ask for.

create table by_hand (
    -- The episode.
    episode_id text not null references episodes (id) on delete cascade,
    -- The part it was decided about, e.g. "scene 1/shot 2/clip".
    slot text not null,
    -- What the part showed or said then: the decision follows it when the script is changed around it.
    shows text not null,
    -- What is put in place: object, core `Outputs`; null when nothing is.
    given jsonb,
    -- Takes there must be at least; 0 leaves it to the gates.
    takes bigint not null check (takes >= 0),
    -- When it was decided.
    said_ms bigint not null,
    primary key (episode_id, slot)
);
