-- Portraits: reference sheets of characters, establishing pictures of places.

create table portraits (
    -- Identity.
    id text not null primary key check (length(id) = 36),
    -- The character whose sheet it is for; null when it is of a place.
    character_id text references characters (id) on delete cascade,
    -- The place it is of; null when it is of a character.
    location_id text references locations (id) on delete cascade,
    -- What it shows: word, core `PortraitView`.
    shows text not null,
    -- Hash of the file.
    asset text not null check (length(asset) = 64),
    -- File name extension without the dot.
    ext text not null,
    -- Width in pixels.
    width bigint not null check (width >= 1),
    -- Height in pixels.
    height bigint not null check (height >= 1),
    -- pending, approved or rejected.
    state text not null,
    -- Where it is from: object, core `PortraitSource`.
    source jsonb not null,
    -- What it was made with: object, core `Made`; null of what somebody sent.
    made jsonb,
    -- What the judge said: object, core `Verdict`; null before it has looked.
    verdict jsonb,
    -- Who decided, and why: object, core `Decision`; null while it is pending.
    decision jsonb,
    -- When it came.
    created_ms bigint not null,
    check ((character_id is null) <> (location_id is null)),
    unique (character_id, shows, asset),
    unique (location_id, shows, asset)
);
create index portraits_by_asset on portraits (asset);
-- What the studio still has to have judged.
create index portraits_new on portraits (id) where verdict is null and decision is null;

-- What was asked of engines for datasets is asked for portraits, too, and a place has those.
create table wider_requests (
    -- The task.
    task_id text not null primary key references tasks (id) on delete cascade,
    -- Whose dataset, or reference sheet, it is for; null when it is for a place.
    character_id text references characters (id) on delete cascade,
    -- The place it is for; null when it is for a character.
    location_id text references locations (id) on delete cascade,
    -- The picture, or the portrait, that is made or judged.
    picture_id text not null check (length(picture_id) = 36),
    -- It makes the picture; else it judges it.
    makes boolean not null,
    -- It is for a reference sheet; else for a dataset.
    portrait boolean not null,
    -- The studio asked for it by itself.
    automatic boolean not null,
    -- open, made (or judged) or failed.
    state text not null,
    -- Everything about it: object, core `PictureRequest`.
    request jsonb not null,
    -- When it was asked for.
    asked_ms bigint not null,
    check ((character_id is null) <> (location_id is null))
);
insert into wider_requests (task_id, character_id, location_id, picture_id, makes, portrait, automatic, state, request,
                            asked_ms)
select task_id, character_id, null, picture_id, makes, false, automatic, state, request, asked_ms from dataset_requests;
drop table dataset_requests;
alter table wider_requests rename to dataset_requests;
create index dataset_requests_by_character on dataset_requests (character_id, makes, asked_ms);
create index dataset_requests_by_location on dataset_requests (location_id) where location_id is not null;
create index dataset_requests_open on dataset_requests (state) where state = 'open';
create index dataset_requests_by_picture on dataset_requests (picture_id);
