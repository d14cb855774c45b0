-- What people say of takes. It overrules the judge, and judges him.

create table opinions (
    -- Hash of the take's file: an opinion is about what is seen, and goes with it wherever it is used.
    asset text not null primary key check (length(asset) = 64),
    -- The take is good.
    good boolean not null,
    -- Why, in the person's own words; may be empty.
    why text not null,
    -- When it was said.
    said_ms bigint not null
);
