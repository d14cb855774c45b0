-- How long models take to come to a card, so that swaps are reckoned with the disk this studio has.

create table loads (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- The engine's name, without its version.
    engine text not null,
    -- The model's name in the catalogue.
    model text not null,
    -- The card it came to, by its name.
    card text not null,
    -- How long that took.
    took_ms bigint not null check (took_ms > 0),
    -- When it had come.
    at_ms bigint not null
);
